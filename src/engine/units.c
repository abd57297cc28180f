/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiments that share pulls, or have correlated ones, sorted into units; a set is a list of them. */
#include <stdlib.h>
#include <string.h>

#include "model_parts.h"
#include "units_parts.h"

static bool are_correlated(const cev_roster *roster, const char *one, const char *other)
{
    for (size_t k = 0; k < roster->n_correlation; k++) {
        const cev_correlation *c = &roster->correlation[k];
        if (c->coefficient == 0) continue;
        if (!strcmp(c->pull[0], one) && !strcmp(c->pull[1], other)) return true;
        if (!strcmp(c->pull[1], one) && !strcmp(c->pull[0], other)) return true;
    }
    return false;
}

/* Whether they share a pull, or have two that are correlated. */
static bool hang_together(const cev_roster *roster, const cev_experiment *a, const cev_experiment *b)
{
    for (size_t p = 0; p < a->n_pull; p++)
        for (size_t q = 0; q < b->n_pull; q++) {
            const cev_pull *one = &a->pull[p], *other = &b->pull[q];
            if (!cev_pull_is_there(one) || !cev_pull_is_there(other)) continue;
            if (!strcmp(one->name, other->name) || are_correlated(roster, one->name, other->name)) return true;
        }
    return false;
}

/* first[e]: the first experiment that e hangs together with. */
static void find_groups(const cev_roster *roster, const cev_fit_set *set, size_t *first)
{
    for (size_t e = 0; e < set->n_experiment; e++) first[e] = e;
    for (size_t a = 0; a < set->n_experiment; a++)
        for (size_t b = 0; b < a; b++) {
            if (first[a] == first[b] || !hang_together(roster, set->experiment[a], set->experiment[b])) continue;
            size_t low = first[a] < first[b] ? first[a] : first[b], high = first[a] < first[b] ? first[b] : first[a];
            for (size_t e = 0; e < set->n_experiment; e++)
                if (first[e] == high) first[e] = low;
        }
}

static cev_status gather_unit(cev_arena *arena, const cev_fit_set *set, const size_t *first, size_t group, unit *out)
{
    *out = (unit){0};
    CEV_TRY(cev_new(arena, set->n_experiment, &out->experiment));
    CEV_TRY(cev_new(arena, set->n_experiment, &out->observed));
    for (size_t e = 0; e < set->n_experiment; e++) {
        if (first[e] != group) continue;
        out->observed[out->n] = set->observed[e];
        out->experiment[out->n++] = set->experiment[e];
    }
    return CEV_OK;
}

static bool same_unit(const unit *a, const unit *b)
{
    return a->n == b->n && !memcmp(a->experiment, b->experiment, a->n * sizeof *a->experiment);
}

static cev_status number_of_unit(cev_units *units, const unit *wanted, size_t *out)
{
    size_t u = 0;
    while (u < units->n_unit && !same_unit(&units->unit[u], wanted)) u++;
    *out = u;
    if (u < units->n_unit) return CEV_OK;
    if (units->n_unit == units->most) {
        unit *larger;
        CEV_TRY(cev_new(units->arena, 2 * units->most + 8, &larger));
        if (units->n_unit) memcpy(larger, units->unit, units->n_unit * sizeof *larger);
        units->unit = larger;
        units->most = 2 * units->most + 8;
    }
    units->unit[units->n_unit++] = *wanted;
    return CEV_OK;
}

static cev_status split_set(cev_units *units, const cev_fit_set *set, set_units *out)
{
    size_t *first;
    CEV_TRY(cev_new(units->arena, set->n_experiment, &first));
    CEV_TRY(cev_new(units->arena, set->n_experiment, &out->unit));
    find_groups(&units->roster, set, first);
    for (size_t e = 0; e < set->n_experiment; e++) {
        unit wanted;
        if (first[e] != e) continue;
        CEV_TRY(gather_unit(units->arena, set, first, e, &wanted));
        CEV_TRY(number_of_unit(units, &wanted, &out->unit[out->n++]));
    }
    return CEV_OK;
}

/* Which pull of which unit: each pull of a set belongs to one of its units. */
static void find_pull(const cev_units *units, const set_units *set, const char *name, set_pull *out)
{
    for (size_t k = 0; k < set->n; k++) {
        const cev_model *model = units->unit[set->unit[k]].model;
        for (size_t p = 0; p < cev_model_n_pull(model); p++)
            if (!strcmp(cev_model_pull_name(model, p), name)) *out = (set_pull){.unit = set->unit[k], .number = p};
    }
}

static bool has_pull(const set_units *set, const set_pull *pull)
{
    size_t p = 0;
    while (p < set->n_pull && (set->pull[p].unit != pull->unit || set->pull[p].number != pull->number)) p++;
    return p < set->n_pull;
}

static cev_status list_pulls(cev_units *units, const cev_fit_set *set, set_units *out)
{
    size_t most = 0;
    for (size_t e = 0; e < set->n_experiment; e++) most += set->experiment[e]->n_pull;
    CEV_TRY(cev_new(units->arena, most, &out->pull));
    for (size_t e = 0; e < set->n_experiment; e++)
        for (size_t k = 0; k < set->experiment[e]->n_pull; k++) {
            set_pull pull = {0};
            if (!cev_pull_is_there(&set->experiment[e]->pull[k])) continue;
            find_pull(units, out, set->experiment[e]->pull[k].name, &pull);
            if (!has_pull(out, &pull)) out->pull[out->n_pull++] = pull;
        }
    return CEV_OK;
}

static cev_status build_units(cev_units *units, const cev_fit_set *set, const double *theta)
{
    CEV_TRY(cev_arena_create(&units->arena));
    CEV_TRY(cev_new(units->arena, units->n_set, &units->set));
    for (size_t s = 0; s < units->n_set; s++) CEV_TRY(split_set(units, &set[s], &units->set[s]));
    for (size_t u = 0; u < units->n_unit; u++)
        CEV_TRY(cev_model_create(units->unit[u].n, units->unit[u].experiment, &units->roster, theta,
                                 &units->unit[u].model));
    for (size_t s = 0; s < units->n_set; s++) CEV_TRY(list_pulls(units, &set[s], &units->set[s]));
    return cev_units_prepare_joint(units);
}

cev_status cev_units_create(size_t n_set, const cev_fit_set *set, const cev_roster *roster, const double *theta,
                            cev_units **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->roster = *roster;
    (*out)->n_set = n_set;
    cev_status status = build_units(*out, set, theta);
    if (status != CEV_OK) cev_units_destroy(out);
    return status;
}

void cev_units_destroy(cev_units **units)
{
    if (!units || !*units) return;
    cev_units_destroy_joint(*units);
    for (size_t u = 0; u < (*units)->n_unit; u++) cev_model_destroy(&(*units)->unit[u].model);
    cev_arena_destroy(&(*units)->arena);
    free(*units);
    *units = NULL;
}

size_t cev_units_n(const cev_units *units)
{
    return units->n_unit;
}

size_t cev_units_n_of_set(const cev_units *units, size_t set)
{
    return units->set[set].n;
}

cev_status cev_units_scratch_create(const cev_units *units, cev_units_scratch **out)
{
    *out = calloc(1, sizeof **out);
    if (*out) (*out)->unit = calloc(units->n_unit, sizeof *(*out)->unit);
    cev_status status = *out && (*out)->unit ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    if (status == CEV_OK) (*out)->n = units->n_unit;
    for (size_t u = 0; status == CEV_OK && u < units->n_unit; u++)
        status = cev_model_scratch_create(units->unit[u].model, &(*out)->unit[u]);
    if (status == CEV_OK) status = cev_units_scratch_joint(units, *out);
    if (status != CEV_OK) cev_units_scratch_destroy(out);
    return status;
}

void cev_units_scratch_destroy(cev_units_scratch **scratch)
{
    if (!scratch || !*scratch) return;
    for (size_t u = 0; u < (*scratch)->n; u++) cev_model_scratch_destroy(&(*scratch)->unit[u]);
    for (size_t s = 0; (*scratch)->joint && s < (*scratch)->n_set; s++) joint_scratch_destroy(&(*scratch)->joint[s]);
    joint_search_destroy(&(*scratch)->search);
    cev_followers_destroy(&(*scratch)->followers);
    free((*scratch)->joint);
    free((*scratch)->unit);
    free(*scratch);
    *scratch = NULL;
}

size_t cev_units_n_pull(const cev_units *units, size_t set)
{
    return units->set[set].n_pull;
}

const char *cev_units_pull_name(const cev_units *units, size_t set, size_t p)
{
    const set_pull *pull = &units->set[set].pull[p];
    return cev_model_pull_name(units->unit[pull->unit].model, pull->number);
}

static cev_status digest_in(cev_arena *arena, const cev_units *units, cev_digest *out)
{
    cev_digest *of_unit;
    CEV_TRY(cev_new(arena, units->n_unit, &of_unit));
    for (size_t u = 0; u < units->n_unit; u++) CEV_TRY(cev_model_digest(units->unit[u].model, &of_unit[u]));
    return cev_digest_spans(&(cev_span){.data = of_unit, .size = units->n_unit * sizeof *of_unit}, 1, out);
}

cev_status cev_units_digest(const cev_units *units, cev_digest *out)
{
    cev_arena *arena = NULL;
    cev_status status = cev_arena_create(&arena);
    if (status == CEV_OK) status = digest_in(arena, units, out);
    cev_arena_destroy(&arena);
    return status;
}
