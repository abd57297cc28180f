/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/remarks.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cevscan/influence.h"
#include "cevscan/likeness.h"
#include "idle.h"
#include "motions.h"
#include "scan_roles.h"
#include "study_factors.h"

/* --- remarks ---------------------------------------------------------------------------------------------------- */

enum { MOST_REMARKS = 256 };

typedef struct remarking {
    cev_arena *arena;
    const cev_scan_config *scan;
    cev_influence **influence; /* [n_experiment] */
    cev_motions motions;       /* of the scan */
    bool *moved, *idle;        /* [n_experiment] */
    size_t n;
    cev_remark *remark; /* [MOST_REMARKS] */
} remarking;

static cev_status start(remarking *r, cev_arena *arena, const cev_scan_config *scan)
{
    *r = (remarking){.arena = arena, .scan = scan};
    CEV_TRY(cev_new(arena, MOST_REMARKS, &r->remark));
    CEV_TRY(cev_new(arena, scan->n_experiment, &r->influence));
    CEV_TRY(cev_new(arena, scan->n_experiment, &r->moved));
    CEV_TRY(cev_new(arena, scan->n_experiment, &r->idle));
    for (size_t e = 0; e < scan->n_experiment; e++) CEV_TRY(cev_influence_of(scan, e, &r->influence[e]));
    return CEV_OK;
}

static void end(remarking *r)
{
    for (size_t e = 0; r->influence && e < r->scan->n_experiment; e++) cev_influence_destroy(&r->influence[e]);
}

/* Each once: the spaces of a study have much in common. */
static void say(remarking *r, bool warning, const char *text)
{
    if (r->n == MOST_REMARKS) return;
    for (size_t k = 0; k < r->n; k++)
        if (!strcmp(r->remark[k].text, text)) return;
    r->remark[r->n++] = (cev_remark){warning, text};
}

/* Marks what theta[p] moves and what it leaves; returns how many experiments it moves. */
static size_t mark_moved(remarking *r, size_t p, size_t n, const double *value)
{
    size_t n_moved = cev_motions_mark(&r->motions, p, n, value, r->moved);
    for (size_t e = 0; e < r->scan->n_experiment; e++) r->idle[e] = !r->moved[e];
    return n_moved;
}

/* "because coupling is 0", or what can be said without one to blame. */
static cev_status say_why(remarking *r, const cev_parameter *culprit, const char *otherwise, char **out)
{
    if (!culprit) return cev_arena_print(r->arena, out, "%s", otherwise);
    size_t q = cev_parameter_index(r->scan->interaction->card.parameters, r->scan->interaction->card.n_parameter,
                                   culprit->name);
    return cev_arena_print(r->arena, out, "because %s is %g", culprit->name, r->scan->theta[q]);
}

/* Of something that varies and moves none of the experiments: it cannot, or the other values are such that it does
 * not. `what` is what it varies by, "its axis says nothing". */
static cev_status remark_idle(remarking *r, size_t p, const cev_parameter *culprit, const char *what)
{
    const char *name = cev_roster_parameter(&r->scan->roster, p)->name, *why = NULL, *names;
    char *text, *because;
    CEV_TRY(say_why(r, culprit, "the other values being what they are", &because));
    if (p < r->scan->interaction->card.n_parameter) CEV_TRY(cev_scan_why_idle(r->arena, r->scan, p, NULL, &why));
    CEV_TRY(cev_list_marked(r->arena, r->scan, r->idle, &names));
    if (why)
        CEV_TRY(cev_arena_print(r->arena, &text, "\"%s\" %s; %s", name, why, what));
    else
        CEV_TRY(cev_arena_print(r->arena, &text, "\"%s\" changes nothing that %s expect%s, %s; %s", name, names,
                                r->scan->n_experiment == 1 ? "s" : "", because, what));
    say(r, true, text);
    return CEV_OK;
}

static cev_status remark_varying(remarking *r, size_t p, const double value[CEV_N_VALUES], const char *what)
{
    const char *name = cev_roster_parameter(&r->scan->roster, p)->name, *idle, *moved;
    char *text;
    size_t n = mark_moved(r, p, CEV_N_VALUES, value);
    if (n == 0) return remark_idle(r, p, cev_motions_culprit(&r->motions, p, CEV_N_VALUES, value), what);
    bool is_pull = p >= r->scan->interaction->card.n_parameter; /* one experiment's, by its name */
    if (n == r->scan->n_experiment || is_pull) return CEV_OK;
    CEV_TRY(cev_list_marked(r->arena, r->scan, r->idle, &idle));
    CEV_TRY(cev_list_marked(r->arena, r->scan, r->moved, &moved));
    CEV_TRY(cev_arena_print(r->arena, &text, "\"%s\" moves nothing that %s expect%s; %s it does", name, idle,
                            r->scan->n_experiment - n == 1 ? "s" : "", moved));
    say(r, true, text);
    return CEV_OK;
}

static cev_status remark_axis(remarking *r, size_t p, const cev_axis *axis)
{
    double value[CEV_N_VALUES];
    cev_motions_values(axis->value[0], axis->value[axis->n / 2], axis->value[axis->n - 1], value);
    return remark_varying(r, p, value, "its axis says nothing");
}

static cev_status remark_axes(remarking *r)
{
    const cev_scan_config *scan = r->scan;
    const cev_grid *g = &scan->grid;
    for (size_t a = 0; a < g->n_axis; a++) {
        if (scan->member_parameter && a == 0) continue;
        size_t n_member = scan->member_parameter && a == 1 ? g->axis[0].n : 1;
        for (size_t m = 0; m < n_member; m++)
            CEV_TRY(remark_axis(r,
                                scan->member_parameter && a == 1 ? scan->member_parameter[m] : scan->axis_parameter[a],
                                &g->axis[a]));
    }
    return CEV_OK;
}

static cev_status remark_profiled(remarking *r)
{
    for (size_t k = 0; k < r->scan->roster.n_profiled; k++) {
        const cev_profiled *p = &r->scan->roster.profiled[k];
        double value[CEV_N_VALUES];
        cev_motions_values(p->low, p->low + (p->high - p->low) / 2, p->high, value);
        CEV_TRY(remark_varying(r, p->index, value, "it is profiled in vain"));
    }
    return CEV_OK;
}

/* The axis that has the values of a parameter; NULL: it is not scanned. */
static const cev_axis *axis_of(const cev_scan_config *scan, size_t p)
{
    for (size_t a = 0; a < scan->grid.n_axis; a++)
        if ((!scan->member_parameter || a > 1) && scan->axis_parameter[a] == p) return &scan->grid.axis[a];
    for (size_t m = 0; scan->member_parameter && m < scan->grid.axis[0].n; m++)
        if (scan->member_parameter[m] == p) return &scan->grid.axis[1];
    return NULL;
}

/* Values that are given, and could act, but do nothing beside the others as they are: a mass without a coupling. */
static cev_status remark_fixed(remarking *r)
{
    const cev_card *card = &r->scan->interaction->card;
    const char *idle, *moved;
    char *text;
    for (size_t p = 0; p < card->n_parameter; p++) {
        const double value[] = {card->parameters[p].default_value, r->scan->theta[p]};
        if (r->motions.has_role[p] || cev_same_value(value[0], value[1])) continue;
        size_t n = mark_moved(r, p, 2, value);
        if (n == r->scan->n_experiment) continue;
        CEV_TRY(cev_list_marked(r->arena, r->scan, r->idle, &idle));
        CEV_TRY(cev_list_marked(r->arena, r->scan, r->moved, &moved));
        if (n == 0) {
            char *because;
            CEV_TRY(say_why(r, cev_motions_culprit(&r->motions, p, 2, value), "beside the other values as they are",
                            &because));
            CEV_TRY(cev_arena_print(r->arena, &text, "\"%s\", fixed at %g, changes nothing %s",
                                    card->parameters[p].name, value[1], because));
        } else
            CEV_TRY(cev_arena_print(r->arena, &text, "\"%s\", fixed at %g, moves nothing that %s expect%s; %s it does",
                                    card->parameters[p].name, value[1], idle, r->scan->n_experiment - n == 1 ? "s" : "",
                                    moved));
        say(r, n == 0, text);
    }
    return CEV_OK;
}

static bool has_counts(const cev_experiment *x, size_t component)
{
    bool some = component == CEV_COMPONENT_SIGNAL;
    for (size_t i = 0; i < x->bins.n_bin && !some; i++)
        some = x->background[component - CEV_COMPONENT_FIRST_BACKGROUND].counts[i] != 0;
    return some;
}

/* A flux that the scan sets may be nothing in the file. */
static bool part_has_counts(const cev_experiment *x, const cev_signal_part *part)
{
    const cev_source_kind *kind = x->source.kind;
    return kind->scan_parameter || part->source_component == SIZE_MAX ||
           kind->fluence_per_cm2(&x->source, part->source_component) > 0;
}

/* Whether a pull scales something in experiment x, or shifts a shape; also if x has no such pull. */
static bool pull_acts(const cev_experiment *x, const char *name)
{
    for (size_t p = 0; p < x->n_pull; p++) {
        const cev_pull *pull = &x->pull[p];
        if (strcmp(pull->name, name)) continue;
        bool acts = pull->up != NULL;
        for (size_t k = 0; k < pull->n_component; k++) acts |= has_counts(x, pull->component[k]);
        for (size_t k = 0; k < pull->n_part; k++) acts |= part_has_counts(x, &pull->part[k]);
        return acts;
    }
    return true;
}

static bool acts_in_some_setting(const cev_scan_config *scan, size_t e, const char *pull)
{
    for (size_t k = 0; k <= scan->n_further; k++)
        if (pull_acts(scan->experiment[k * scan->n_experiment + e], pull)) return true;
    return false;
}

/* Of a background without counts, which is legal: a study may scale it to nothing. */
static cev_status remark_pulls(remarking *r)
{
    for (size_t e = 0; e < r->scan->n_experiment; e++) {
        const cev_experiment *x = r->scan->experiment[e];
        for (size_t p = 0; p < x->n_pull; p++) {
            char *text;
            if (acts_in_some_setting(r->scan, e, x->pull[p].name)) continue;
            CEV_TRY(cev_arena_print(r->arena, &text, "pull \"%s\" changes nothing in %s: what it scales has no counts",
                                    x->pull[p].name, x->name));
            say(r, true, text);
        }
    }
    return CEV_OK;
}

/* A truth that the map has no point near: its best fit lies at an edge, or below all of it. */
static cev_status remark_truth(remarking *r)
{
    const cev_scan_config *scan = r->scan;
    for (size_t p = 0; p < cev_roster_n(&scan->roster) && scan->data != CEV_DATA_OBSERVED; p++) {
        const cev_parameter *d = cev_roster_parameter(&scan->roster, p);
        size_t first = scan->interaction->card.n_parameter;
        bool own = p >= first && scan->roster.guest[p - first].kind == CEV_GUEST_OWN; /* data know nothing of it */
        const cev_axis *axis = axis_of(scan, p);
        double at = scan->truth[p], low = axis ? axis->value[0] : 0, high = axis ? axis->value[axis->n - 1] : 0;
        char *text;
        if (!axis || own || cev_same_value(at, d->default_value) || (at >= low && at <= high)) continue;
        CEV_TRY(cev_arena_print(r->arena, &text,
                                "the truth of the Asimov data has \"%s\" at %g, outside of what is scanned, %g to %g",
                                d->name, at, low, high));
        say(r, false, text);
    }
    return CEV_OK;
}

/* A sensitivity must not pass for a result. */
static cev_status remark_data(remarking *r)
{
    const cev_scan_config *scan = r->scan;
    const char *names;
    char *text;
    size_t n = 0;
    for (size_t e = 0; e < scan->n_experiment; e++) n += r->moved[e] = scan->experiment[e]->observed != NULL;
    if (scan->says_data || n == 0) return CEV_OK;
    CEV_TRY(cev_list_marked(r->arena, scan, r->moved, &names));
    const char *has = n == 1 ? "has" : "have", *hint = "data: observed";
    if (scan->is_selection)
        hint = "--data observed";
    else if (n < scan->n_experiment)
        hint = "data: {observed: [their names]}";
    CEV_TRY(cev_arena_print(r->arena, &text, "data: asimov (a sensitivity); %s %s observed counts: %s uses them", names,
                            has, hint));
    say(r, false, text);
    return CEV_OK;
}

/* --- conventions ------------------------------------------------------------------------------------------------ */

static cev_status remark_conventions(remarking *r)
{
    const char *text;
    CEV_TRY(cev_conventions_mixed(r->arena, r->scan->interaction, r->scan->theta, r->motions.has_role, &text));
    if (text) say(r, true, text);
    return CEV_OK;
}

/* --- factors of a study ----------------------------------------------------------------------------------------- */

/* Whether the experiments of a setting are those of the setting where this factor has its first value. */
static bool same_without(const cev_study_config *s, size_t setting, size_t factor)
{
    const bool *observed = s->space[0].scan->observed;
    size_t n = s->n_experiment, first = cev_first_setting(s, setting, factor);
    for (size_t e = 0; e < n; e++)
        if (!cev_fit_alike(s->experiment[first * n + e], s->experiment[setting * n + e], observed[e])) return false;
    return true;
}

/* Legal, since what a factor acts on may come and go with other keys; but its maps are the same. */
static cev_status remark_factors(remarking *r, const cev_study_config *s)
{
    for (size_t f = 0; f < s->n_factor; f++) {
        char *text;
        bool idle = s->factor[f].n > 1;
        for (size_t k = 0; k < s->n_setting && idle; k++) idle = same_without(s, k, f);
        if (!idle) continue;
        CEV_TRY(cev_arena_print(r->arena, &text, "factor \"%s\" changes nothing: its maps are the same for every value",
                                s->factor[f].name));
        say(r, true, text);
    }
    return CEV_OK;
}

/* --- all -------------------------------------------------------------------------------------------------------- */

static cev_status remark_all(remarking *r)
{
    CEV_TRY(remark_axes(r));
    CEV_TRY(remark_profiled(r));
    CEV_TRY(remark_fixed(r));
    CEV_TRY(remark_pulls(r));
    CEV_TRY(remark_conventions(r));
    CEV_TRY(remark_truth(r));
    return remark_data(r);
}

static bool same_data(const cev_experiment *one, const cev_experiment *other)
{
    size_t n = one->bins.n_bin;
    bool some = false;
    if (!one->counted || !other->counted || n < 2 || n != other->bins.n_bin)
        return false; /* a single one tells little */
    for (size_t i = 0; i < n; i++) {
        if (one->counted[i] != other->counted[i]) return false;
        some |= one->counted[i] != 0;
    }
    return some;
}

/* Two descriptions of one measurement, fitted together. */
static cev_status remark_twice(remarking *r, const cev_study_config *study)
{
    for (size_t k = 0; k < study->n_set; k++) {
        const cev_study_set *set = &study->set[k];
        for (size_t a = 0; a < set->n_experiment; a++)
            for (size_t b = 0; b < a; b++) {
                const cev_experiment *one = study->experiment[set->experiment[b]],
                                     *other = study->experiment[set->experiment[a]];
                char *text;
                if (!same_data(one, other)) continue;
                CEV_TRY(cev_arena_print(r->arena, &text,
                                        "%s and %s count the same data twice? Their observed counts are equal",
                                        one->name, other->name));
                say(r, true, text);
            }
    }
    return CEV_OK;
}

/* `study` is NULL for a point or rates: nothing is fitted together. */
static cev_status of_spaces(cev_arena *arena, size_t n, const cev_scan_config *const *scan,
                            const cev_study_config *study, cev_remarks *out)
{
    remarking r;
    cev_status status = start(&r, arena, scan[0]);
    for (size_t k = 0; k < n && status == CEV_OK; k++) {
        r.scan = scan[k]; /* of the same experiments */
        status = cev_motions_begin(&r.motions, r.scan, r.influence);
        if (status == CEV_OK) status = remark_all(&r);
        cev_motions_end(&r.motions);
    }
    if (study && status == CEV_OK) status = remark_twice(&r, study);
    if (status == CEV_OK && study) status = remark_factors(&r, study);
    end(&r);
    *out = (cev_remarks){r.n, r.remark};
    return status;
}

cev_status cev_scan_remarks(cev_arena *arena, const cev_scan_config *scan, cev_remarks *out)
{
    return of_spaces(arena, 1, &scan, NULL, out);
}

cev_status cev_study_remarks(cev_arena *arena, const cev_study_config *study, cev_remarks *out)
{
    const cev_scan_config **scan;
    CEV_TRY(cev_new(arena, study->n_space, &scan));
    for (size_t k = 0; k < study->n_space; k++) scan[k] = study->space[k].scan;
    return of_spaces(arena, study->n_space, scan, study, out);
}
