/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles.h"

#include <string.h>

#include "command.h"

static const char *name_of(const cev_scan_config *c, size_t index)
{
    return cev_roster_parameter(&c->roster, index)->name;
}

static const cev_constraint *constraint_of(const cev_scan_config *c, size_t index)
{
    for (size_t k = 0; k < c->roster.n_constraint; k++)
        if (c->roster.constraint[k].index == index) return &c->roster.constraint[k];
    return NULL;
}

static bool is_fixed(const cev_scan_config *c, size_t index)
{
    bool varies = false;
    for (size_t a = 0; a < c->grid.n_axis; a++) varies |= c->axis_parameter[a] == index;
    for (size_t k = 0; k < c->roster.n_profiled; k++) varies |= c->roster.profiled[k].index == index;
    for (size_t k = 0; k < c->roster.n_follower; k++) varies |= c->roster.follower[k].index == index;
    return !varies;
}

/* --- in words --------------------------------------------------------------------------------------------------- */

typedef struct role_text {
    cev_arena *arena;
    const cev_scan_config *config;
    char *text;
} role_text;

static cev_status add_line(role_text *t, const char *name, const char *what)
{
    return cev_arena_print(t->arena, &t->text, "%s  %-16s %s\n", t->text, name, what);
}

/* With its constraint, if it has one. */
static cev_status add_role(role_text *t, size_t index, const char *what)
{
    const cev_constraint *c = constraint_of(t->config, index);
    char *with = NULL;
    if (!c) return add_line(t, name_of(t->config, index), what);
    CEV_TRY(cev_arena_print(t->arena, &with, "%s%sconstrained from elsewhere to %g +- %g", what, *what ? ", " : "",
                            c->centre, c->sigma));
    return add_line(t, name_of(t->config, index), with);
}

static cev_status add_profiled(role_text *t)
{
    for (size_t k = 0; k < t->config->roster.n_profiled; k++) {
        const cev_profiled *p = &t->config->roster.profiled[k];
        char *what = NULL;
        CEV_TRY(cev_arena_print(t->arena, &what, "profiled, from %g to %g", p->low, p->high));
        CEV_TRY(add_role(t, p->index, what));
    }
    return CEV_OK;
}

static cev_status follower_text(cev_arena *arena, const cev_scan_config *c, const cev_follower *f, char **out)
{
    if (f->formula) return cev_arena_print(arena, out, "= %s", f->formula);
    if (f->times == 1) return cev_arena_print(arena, out, "= %s", name_of(c, f->of));
    return cev_arena_print(arena, out, "= %g %s", f->times, name_of(c, f->of));
}

static cev_status add_followers(role_text *t)
{
    for (size_t k = 0; k < t->config->roster.n_follower; k++) {
        const cev_follower *f = &t->config->roster.follower[k];
        char *what = NULL;
        CEV_TRY(follower_text(t->arena, t->config, f, &what));
        CEV_TRY(add_role(t, f->index, what));
    }
    return CEV_OK;
}

static cev_status add_constrained_axes(role_text *t)
{
    for (size_t a = 0; a < t->config->grid.n_axis; a++) {
        size_t index = t->config->axis_parameter[a];
        if (index != SIZE_MAX && constraint_of(t->config, index)) CEV_TRY(add_role(t, index, ""));
    }
    return CEV_OK;
}

static cev_status add_fixed_guests(role_text *t)
{
    size_t first = t->config->interaction->card.n_parameter;
    for (size_t g = 0; g < t->config->roster.n_guest; g++) {
        char *what = NULL;
        if (!is_fixed(t->config, first + g)) continue;
        CEV_TRY(cev_arena_print(t->arena, &what, "fixed at %.10g", t->config->theta[first + g]));
        CEV_TRY(add_role(t, first + g, what));
    }
    return CEV_OK;
}

static const cev_pull *pull_called(const cev_scan_config *c, const char *name)
{
    for (size_t e = 0; e < c->n_experiment; e++)
        for (size_t p = 0; p < c->experiment[e]->n_pull; p++)
            if (!strcmp(c->experiment[e]->pull[p].name, name)) return &c->experiment[e]->pull[p];
    return NULL;
}

static bool is_bounded(const cev_scan_config *c, size_t pull)
{
    const cev_pull *p = pull_called(c, c->pull_name[pull]);
    return p && p->bounded && cev_roster_index(&c->roster, p->name) == cev_roster_n(&c->roster);
}

static cev_status add_bounded_pulls(role_text *t)
{
    for (size_t p = 0; p < t->config->n_pull; p++) {
        char *what = NULL;
        if (!is_bounded(t->config, p)) continue;
        const cev_pull *pull = pull_called(t->config, t->config->pull_name[p]);
        CEV_TRY(cev_arena_print(t->arena, &what, "a pull, from %g to %g", pull->minimum, pull->maximum));
        CEV_TRY(add_line(t, pull->name, what));
    }
    return CEV_OK;
}

static cev_status add_correlations(role_text *t)
{
    for (size_t k = 0; k < t->config->roster.n_correlation; k++) {
        const cev_correlation *c = &t->config->roster.correlation[k];
        CEV_TRY(cev_arena_print(t->arena, &t->text, "%s  correlation of %s and %s: %g\n", t->text, c->pull[0],
                                c->pull[1], c->coefficient));
    }
    return CEV_OK;
}

cev_status roles_text(cev_arena *arena, const cev_scan_config *config, const char **out)
{
    role_text t = {.arena = arena, .config = config};
    CEV_TRY(cev_arena_copy_text(arena, "", &t.text));
    CEV_TRY(add_constrained_axes(&t));
    CEV_TRY(add_profiled(&t));
    CEV_TRY(add_followers(&t));
    CEV_TRY(add_fixed_guests(&t));
    CEV_TRY(add_bounded_pulls(&t));
    CEV_TRY(add_correlations(&t));
    *out = t.text;
    return CEV_OK;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

/* Empty ones are left out. */
static void put(json_t *to, const char *key, json_t *value)
{
    if (json_object_size(value) + json_array_size(value) > 0) json_object_set(to, key, value);
    json_decref(value);
}

static json_t *followers_json(const cev_scan_config *c)
{
    json_t *out = json_object();
    for (size_t k = 0; k < c->roster.n_follower; k++) {
        const cev_follower *f = &c->roster.follower[k];
        json_t *value = f->formula ? json_pack("{s:s}", "formula", f->formula)
                                   : json_pack("{s:s, s:f}", "equals", name_of(c, f->of), "times", f->times);
        json_object_set_new(out, name_of(c, f->index), value);
    }
    return out;
}

static json_t *fixed_json(const cev_scan_config *c)
{
    json_t *out = json_object();
    size_t first = c->interaction->card.n_parameter;
    for (size_t g = 0; g < c->roster.n_guest; g++)
        if (is_fixed(c, first + g)) json_object_set_new(out, name_of(c, first + g), json_number(c->theta[first + g]));
    return out;
}

static json_t *pair_json(double a, double b)
{
    return json_pack("[o, o]", json_number(a), json_number(b));
}

json_t *roles_json(const cev_scan_config *c)
{
    json_t *out = json_object(), *profiled = json_object(), *constrained = json_object(), *bounded = json_object(),
           *correlations = json_array();
    for (size_t k = 0; k < c->roster.n_profiled; k++)
        json_object_set_new(profiled, name_of(c, c->roster.profiled[k].index),
                            pair_json(c->roster.profiled[k].low, c->roster.profiled[k].high));
    for (size_t k = 0; k < c->roster.n_constraint; k++)
        json_object_set_new(constrained, name_of(c, c->roster.constraint[k].index),
                            pair_json(c->roster.constraint[k].centre, c->roster.constraint[k].sigma));
    for (size_t p = 0; p < c->n_pull; p++) {
        const cev_pull *pull = pull_called(c, c->pull_name[p]);
        if (is_bounded(c, p)) json_object_set_new(bounded, pull->name, pair_json(pull->minimum, pull->maximum));
    }
    for (size_t k = 0; k < c->roster.n_correlation; k++)
        json_array_append_new(correlations,
                              json_pack("[s, s, f]", c->roster.correlation[k].pull[0], c->roster.correlation[k].pull[1],
                                        c->roster.correlation[k].coefficient));
    put(out, "profiled", profiled);
    put(out, "following", followers_json(c));
    put(out, "constrained", constrained);
    put(out, "fixed", fixed_json(c));
    put(out, "bounded_pulls", bounded);
    put(out, "correlations", correlations);
    return out;
}
