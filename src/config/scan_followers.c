/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameters that follow others: tied to one of them, or by a formula. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/formula.h"
#include "scan_roles.h"

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* A pull that the fit minimises has no value that anything could follow. */
static cev_status no_leader(const cev_roles *r, cev_node node, const char *what, const char *name)
{
    if (cev_pull_of(r->config, name))
        return cev_node_fail(node,
                             "%s\"%s\" is a pull that the fit minimises; what is to be followed needs a value, an axis "
                             "or a formula of its own here",
                             what, name);
    return CEV_OK;
}

/* Names of theta. */
static size_t list_names(const cev_scan_config *c, const char **name)
{
    size_t n = cev_roster_n(&c->roster);
    for (size_t k = 0; k < n; k++) name[k] = cev_roster_parameter(&c->roster, k)->name;
    return n;
}

static cev_status read_tie(cev_roles *r, const cev_entry *e, cev_follower *out)
{
    const char *names[CEV_MAX_THETA], *own = cev_roster_parameter(&r->config->roster, e->index)->name,
                                      *of = cev_node_text(e->keys.equals);
    size_t n = list_names(r->config, names);
    out->times = 1;
    out->of = cev_roster_index(&r->config->roster, of);
    if (out->of == e->index) return cev_node_fail(e->keys.equals, "parameter \"%s\" is to equal itself", own);
    if (out->of == n) {
        CEV_TRY(no_leader(r, e->keys.equals, "key \"equals\": ", of));
        return cev_node_fail_name(e->keys.equals, "parameter", names, n);
    }
    if (!e->keys.times.id) return CEV_OK;
    CEV_TRY(cev_node_real(e->keys.times, "times", -1e12, 1e12, &out->times));
    if (out->times == 0)
        return cev_node_fail(e->keys.times, "key \"times\": 0 of \"%s\" is always 0; give \"%s\" a value", of, own);
    return CEV_OK;
}

static cev_status read_formula(cev_roles *r, const cev_entry *e, cev_follower *out)
{
    const char *names[CEV_MAX_THETA], *own = cev_roster_parameter(&r->config->roster, e->index)->name;
    size_t n = list_names(r->config, names);
    cev_node node = cev_node_find(e->node, "formula");
    cev_formula formula;
    for (size_t x = 0; x < r->config->n_experiment; x++)
        for (size_t p = 0; p < r->config->experiment[x]->n_pull; p++) {
            const char *pull = r->config->experiment[x]->pull[p].name;
            if (cev_roster_index(&r->config->roster, pull) == n && cev_formula_mentions(e->keys.formula, pull))
                return no_leader(r, node, "key \"formula\": ", pull);
        }
    cev_status status = cev_formula_read(r->config->arena, e->keys.formula, n, names, &formula);
    if (status == CEV_E_INPUT) return cev_node_fail(node, "key \"formula\": %s", cev_error_message());
    CEV_TRY(status);
    for (size_t k = 0; k < formula.n_input; k++)
        if (formula.input[k] == e->index)
            return cev_node_fail(node, "key \"formula\": \"%s\" is to follow from itself", own);
    out->of = SIZE_MAX;
    out->n_input = formula.n_input;
    out->input = formula.input;
    return cev_arena_keep_text(r->config->arena, e->keys.formula, &out->formula);
}

static cev_status check_can_follow(const cev_roles *r, const cev_entry *e)
{
    const cev_parameter *own = cev_roster_parameter(&r->config->roster, e->index);
    if (own->whole)
        return cev_node_fail(e->node, "parameter \"%s\" is a choice and can follow no other; give it a \"value\"",
                             own->name);
    if (own->only_zero)
        return cev_node_fail(e->node, "parameter \"%s\" can follow no other: expected %s", own->name,
                             cev_parameter_complaint(own, 1));
    return CEV_OK;
}

cev_status cev_read_follower(cev_roles *r, const cev_entry *e)
{
    cev_roster *roster = &r->config->roster;
    cev_follower *out = &r->follower[roster->n_follower];
    *out = (cev_follower){.index = e->index};
    CEV_TRY(check_can_follow(r, e));
    CEV_TRY(e->keys.equals.id ? read_tie(r, e, out) : read_formula(r, e, out));
    roster->n_follower++;
    return CEV_OK;
}

/* --- order ------------------------------------------------------------------------------------------------------ */

/* Followers are put in order by walking what they depend on. */
typedef struct ordering {
    const cev_roles *r;
    size_t n_follower, n_done, n_path;
    const cev_follower *given; /* [n_follower] */
    cev_follower *done;
    size_t path[CEV_MAX_THETA]; /* [n_path] of theta, from one to what it depends on */
} ordering;

static cev_status fail_cycle(const ordering *o, size_t index)
{
    char text[512] = "";
    const cev_roster *roster = &o->r->config->roster;
    size_t k = 0;
    while (o->path[k] != index) k++;
    for (; k < o->n_path; k++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s -> ", cev_roster_parameter(roster, o->path[k])->name);
    }
    const char *name = cev_roster_parameter(roster, index)->name;
    return cev_node_fail(cev_entry_of(o->r, index)->node, "parameter \"%s\" depends on itself: %s%s", name, text, name);
}

static bool is_done(const ordering *o, size_t index)
{
    for (size_t k = 0; k < o->n_done; k++)
        if (o->done[k].index == index) return true;
    return false;
}

/* Depth is at most the number of followers, since a path has each once. */
static cev_status visit(ordering *o, size_t index)
{
    size_t f = 0;
    while (f < o->n_follower && o->given[f].index != index) f++;
    if (f == o->n_follower || is_done(o, index)) return CEV_OK;
    for (size_t k = 0; k < o->n_path; k++)
        if (o->path[k] == index) return fail_cycle(o, index);
    o->path[o->n_path++] = index;
    if (!o->given[f].formula) CEV_TRY(visit(o, o->given[f].of));
    for (size_t i = 0; i < o->given[f].n_input; i++) CEV_TRY(visit(o, o->given[f].input[i]));
    o->n_path--;
    o->done[o->n_done++] = o->given[f];
    return CEV_OK;
}

/* Whether formulas stand between theta[index] and what it follows. */
static bool by_formula(const cev_roster *roster, size_t index)
{
    for (size_t k = 0; k < roster->n_follower; k++)
        if (roster->follower[k].index == index)
            return roster->follower[k].formula || by_formula(roster, roster->follower[k].of);
    return false;
}

/* Templates are folded for each value of a slow parameter, of which a grid has few. A minimisation has any number, and
 * interpolates within a range. */
static cev_status check_slow(const cev_roles *r, size_t index)
{
    const cev_scan_config *c = r->config;
    const cev_parameter *own = cev_roster_parameter(&c->roster, index);
    if (!own->slow) return CEV_OK;
    for (size_t k = 0; k < c->roster.n_profiled; k++)
        if (by_formula(&c->roster, index) && cev_roster_follows(&c->roster, index, c->roster.profiled[k].index))
            return cev_node_fail(cev_entry_of(r, index)->node,
                                 "parameter \"%s\" changes the templates, so its formula can be of what is scanned or "
                                 "fixed, but \"%s\" is profiled; tie it by \"equals\"",
                                 own->name, cev_roster_parameter(&c->roster, c->roster.profiled[k].index)->name);
    for (size_t m = 0; c->member_parameter && m < c->grid.axis[0].n; m++)
        if (cev_roster_follows(&c->roster, index, c->member_parameter[m]))
            return cev_node_fail(cev_entry_of(r, index)->node,
                                 "parameter \"%s\" changes the templates and cannot follow \"%s\", which is scanned in "
                                 "turn with others",
                                 own->name, cev_roster_parameter(&c->roster, c->member_parameter[m])->name);
    return CEV_OK;
}

static bool varies(const cev_scan_config *c, size_t index)
{
    bool out = false;
    for (size_t a = 0; a < c->grid.n_axis; a++) out |= c->axis_parameter[a] == index;
    for (size_t m = 0; c->member_parameter && m < c->grid.axis[0].n; m++) out |= c->member_parameter[m] == index;
    for (size_t k = 0; k < c->roster.n_profiled; k++) out |= c->roster.profiled[k].index == index;
    for (size_t k = 0; k < c->roster.n_follower; k++) out |= c->roster.follower[k].index == index;
    return out;
}

/* A flux, say, that is the source's own. */
static cev_status check_input(const cev_roles *r, const cev_follower *f, size_t input)
{
    const cev_parameter *own = cev_roster_parameter(&r->config->roster, f->index),
                        *other = cev_roster_parameter(&r->config->roster, input);
    if (varies(r->config, input) || !isnan(r->config->theta[input])) return CEV_OK;
    return cev_node_fail(cev_entry_of(r, f->index)->node,
                         "parameter \"%s\" follows \"%s\", which has no value here; give it one", own->name,
                         other->name);
}

cev_status cev_order_followers(cev_roles *r)
{
    cev_roster *roster = &r->config->roster;
    ordering o = {.r = r, .n_follower = roster->n_follower, .given = r->follower};
    CEV_TRY(cev_new(r->config->arena, roster->n_follower + 1, &o.done));
    for (size_t k = 0; k < o.n_follower; k++) CEV_TRY(visit(&o, o.given[k].index));
    r->follower = o.done;
    roster->follower = o.done;
    for (size_t k = 0; k < roster->n_follower; k++) {
        const cev_follower *f = &roster->follower[k];
        if (!f->formula) CEV_TRY(check_input(r, f, f->of));
        for (size_t i = 0; i < f->n_input; i++) CEV_TRY(check_input(r, f, f->input[i]));
        CEV_TRY(check_slow(r, f->index));
    }
    return CEV_OK;
}
