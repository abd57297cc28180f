/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries of the key "parameters": their keys, and their roles. */
#include "scan_roles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/remarks.h"

static const cev_key parameter_key[] = {
    CEV_KEY(cev_parameter_keys, name, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(cev_parameter_keys, each_of, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(cev_parameter_keys, value, .type = CEV_KEY_NODE),
    CEV_KEY(cev_parameter_keys, values, .type = CEV_KEY_REALS),
    CEV_KEY(cev_parameter_keys, scale, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(cev_parameter_keys, min, .type = CEV_KEY_NODE),
    CEV_KEY(cev_parameter_keys, max, .type = CEV_KEY_NODE),
    CEV_KEY(cev_parameter_keys, points, .type = CEV_KEY_NODE, .scalars = CEV_KEY_COUNT),
    CEV_KEY(cev_parameter_keys, linear_threshold, .type = CEV_KEY_NODE),
    CEV_KEY(cev_parameter_keys, profile, .type = CEV_KEY_REALS),
    CEV_KEY(cev_parameter_keys, centre, .type = CEV_KEY_NODE),
    CEV_KEY(cev_parameter_keys, sigma, .type = CEV_KEY_NODE),
    CEV_KEY(cev_parameter_keys, equals, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(cev_parameter_keys, times, .type = CEV_KEY_NODE),
    CEV_KEY(cev_parameter_keys, formula, .type = CEV_KEY_TEXT),
    CEV_KEY(cev_parameter_keys, unit, .type = CEV_KEY_TITLE),
    CEV_KEY(cev_parameter_keys, label, .type = CEV_KEY_TITLE),
};

const cev_table cev_parameter_table = CEV_TABLE("parameter", parameter_key);

const cev_entry *cev_entry_of(const cev_roles *r, size_t index)
{
    for (size_t k = 0; k < r->n; k++) {
        const cev_entry *e = &r->entry[k];
        if (e->keys.name.id && !e->left_out && !e->minimised && e->index == index) return e;
    }
    return NULL;
}

/* --- which keys go together --------------------------------------------------------------------------------------- */

bool cev_entry_scans(const cev_entry *e)
{
    const cev_parameter_keys *k = &e->keys;
    return k->values.node.id || k->min.id || k->max.id || k->points.id || k->scale.id || k->linear_threshold.id;
}

static cev_status check_constraint_keys(const cev_entry *e, const char *name)
{
    const cev_parameter_keys *k = &e->keys;
    if (!k->centre.id && !k->sigma.id) return CEV_OK;
    if (!k->centre.id != !k->sigma.id)
        return cev_node_fail(k->centre.id ? k->centre : k->sigma,
                             "parameter \"%s\": \"centre\" and \"sigma\" of a constraint come together", name);
    if (k->value.id)
        return cev_node_fail(k->centre,
                             "parameter \"%s\": a constraint changes nothing where the \"value\" is fixed: chi2 would "
                             "have the same term everywhere",
                             name);
    return CEV_OK;
}

/* One role each. */
static cev_status check_keys(const cev_entry *e)
{
    const cev_parameter_keys *k = &e->keys;
    const char *name = cev_node_text(k->name);
    bool scans = cev_entry_scans(e), profiles = k->profile.node.id != NULL, follows = k->equals.id || k->formula;
    if (k->value.id && (k->values.node.id || k->min.id || k->max.id || k->points.id))
        return cev_node_fail(e->node, "parameter \"%s\": either fixed by \"value\" or scanned, not both", name);
    if (profiles && scans)
        return cev_node_fail(k->profile.node,
                             "parameter \"%s\": either scanned along an axis or minimised over by \"profile\", not "
                             "both",
                             name);
    if (k->equals.id && k->formula)
        return cev_node_fail(k->equals, "parameter \"%s\": either \"equals\" or \"formula\", not both", name);
    if (follows && (scans || profiles || k->value.id))
        return cev_node_fail(k->equals.id ? k->equals : cev_node_find(e->node, "formula"),
                             "parameter \"%s\": what follows others by \"%s\" has no %s of its own", name,
                             k->equals.id ? "equals" : "formula",
                             scans      ? "axis"
                             : profiles ? "profile"
                                        : "value");
    if (profiles && k->value.id)
        return cev_node_fail(k->profile.node,
                             "parameter \"%s\": either fixed by \"value\" or minimised over by \"profile\", not both",
                             name);
    if (k->times.id && !k->equals.id)
        return cev_node_fail(k->times, "key \"times\" belongs to \"equals\": {name: %s, equals: NAME, times: NUMBER}",
                             name);
    if ((k->centre.id || k->sigma.id) && !scans && !profiles && !follows && !k->value.id)
        return cev_node_fail(e->node,
                             "parameter \"%s\": a constraint alone is no role; give it a \"profile\" or an axis, too",
                             name);
    return check_constraint_keys(e, name);
}

static cev_status check_each_of(const cev_entry *e)
{
    static const char *const others[] = {"profile", "centre", "sigma", "equals", "times", "formula", "unit", "label"};
    for (size_t k = 0; k < CEV_LENGTH(others); k++) {
        size_t at = cev_node_place(e->node, others[k]);
        if (at < cev_node_length(e->node))
            return cev_node_fail(cev_node_key(e->node, at), "key \"%s\" has no place beside \"each_of\"", others[k]);
    }
    return CEV_OK;
}

static cev_status read_keys(cev_roles *r, const cev_node *item)
{
    for (size_t k = 0; k < r->n; k++) {
        cev_entry *e = &r->entry[k];
        e->node = item[k];
        e->left_out = cev_is_left_out(r->n_own, r->n, item, k);
        e->index = SIZE_MAX;
        CEV_TRY(cev_node_read(r->config->arena, e->node, &cev_parameter_table, &e->keys));
        if (e->keys.each_of.id) {
            CEV_TRY(check_each_of(e));
        } else {
            if (!e->keys.name.id) return cev_node_fail(e->node, "parameter: key \"name\" is missing");
            CEV_TRY(check_keys(e));
        }
    }
    return CEV_OK;
}

/* What a plane says of a parameter comes in place of what its study does. */
bool cev_is_left_out(size_t n_shared, size_t n, const cev_node *item, size_t k)
{
    const char *name = cev_node_text(cev_node_find(item[k], "name"));
    bool out = false;
    for (size_t j = n_shared; j < n && k < n_shared && *name; j++)
        out |= !strcmp(cev_node_text(cev_node_find(item[j], "name")), name);
    return out;
}

/* --- roles -------------------------------------------------------------------------------------------------------- */

static bool is_interactions(const cev_roles *r, const cev_entry *e)
{
    return e->index < r->config->interaction->card.n_parameter;
}

static cev_status read_fixed(cev_roles *r, const cev_entry *e)
{
    const cev_parameter *parameter = cev_roster_parameter(&r->config->roster, e->index);
    CEV_TRY(cev_read_value(e->keys.value, "value", parameter, &r->config->theta[e->index]));
    return is_interactions(r, e) ? cev_check_acts(r->config, e->keys.name, e->index, r->config->theta[e->index], NULL)
                                 : CEV_OK;
}

/* The values that a profile may take. */
static cev_status read_bounds(const cev_reals *list, const cev_parameter *parameter, double *low, double *high)
{
    if (list->n != 2)
        return cev_node_fail(list->node, "key \"profile\": expected [lowest, highest] of \"%s\", found %zu numbers",
                             parameter->name, list->n);
    CEV_TRY(cev_read_value(cev_node_item(list->node, 0), "profile", parameter, low));
    CEV_TRY(cev_read_value(cev_node_item(list->node, 1), "profile", parameter, high));
    if (!(*low < *high))
        return cev_node_fail(list->node, "parameter \"%s\": the lower bound (%g) must be below the upper one (%g)",
                             parameter->name, *low, *high);
    if (parameter->not_zero && *low < 0 && *high > 0)
        return cev_node_fail(list->node, "parameter \"%s\" cannot be 0, which lies between the bounds %g and %g",
                             parameter->name, *low, *high);
    return CEV_OK;
}

enum { FAR_SIGMAS = 3 };

/* A slip of the pen, rather than a wish: a fit that starts nowhere near. A mass's default is no place to be near. */
static cev_status check_near(const cev_entry *e, const cev_parameter *parameter, double low, double high, double centre,
                             double sigma)
{
    double at = sigma > 0 ? centre : parameter->default_value, far = sigma > 0 ? FAR_SIGMAS * sigma : high - low;
    if (!isfinite(at) || (sigma == 0 && parameter->slow) || (at >= low - far && at <= high + far)) return CEV_OK;
    return sigma > 0
               ? cev_node_fail(e->keys.profile.node,
                               "parameter \"%s\": the bounds %g to %g leave the constraint's centre, %g, more than "
                               "%d sigma outside",
                               parameter->name, low, high, centre, FAR_SIGMAS)
               : cev_node_fail(e->keys.profile.node,
                               "parameter \"%s\": the bounds %g to %g leave its default, %g, further outside than "
                               "they are apart",
                               parameter->name, low, high, at);
}

static cev_status check_can_profile(const cev_roles *r, const cev_entry *e)
{
    const cev_parameter *parameter = cev_roster_parameter(&r->config->roster, e->index);
    if (parameter->whole)
        return cev_node_fail(e->keys.profile.node,
                             "parameter \"%s\" is a choice and cannot be profiled; give it a "
                             "\"value\"",
                             parameter->name);
    if (parameter->only_zero)
        return cev_node_fail(e->keys.profile.node, "parameter \"%s\" cannot be profiled: expected %s", parameter->name,
                             cev_parameter_complaint(parameter, 1));
    if (r->config->roster.n_profiled == CEV_MAX_PROFILED)
        return cev_node_fail(e->node, "more than %d profiled parameters; scan or fix \"%s\"", CEV_MAX_PROFILED,
                             parameter->name);
    return CEV_OK;
}

static double clamped(double x, double low, double high)
{
    return isnan(x) ? low + (high - low) / 2 : fmin(fmax(x, low), high);
}

static cev_status read_constraint(cev_roles *r, const cev_entry *e, double *centre, double *sigma)
{
    const cev_parameter *parameter = cev_roster_parameter(&r->config->roster, e->index);
    *centre = parameter->default_value, *sigma = 0;
    if (!e->keys.centre.id) return CEV_OK;
    if (!is_interactions(r, e) && r->guest[e->index - r->config->interaction->card.n_parameter].kind == CEV_GUEST_PULL)
        return cev_node_fail(e->keys.centre, "\"%s\" is a pull, whose constraint stands in its experiment",
                             parameter->name);
    CEV_TRY(cev_node_real(e->keys.centre, "centre", parameter->minimum, parameter->maximum, centre));
    CEV_TRY(cev_node_real(e->keys.sigma, "sigma", -1e300, 1e300, sigma));
    if (*sigma < 1e-300)
        return cev_node_fail(e->keys.sigma,
                             "key \"sigma\": expected a number above 0, found %s; a parameter that is "
                             "known exactly has a \"value\"",
                             cev_node_text(e->keys.sigma));
    r->constraint[r->config->roster.n_constraint++] = (cev_constraint){e->index, *centre, *sigma};
    return CEV_OK;
}

static cev_status read_profile(cev_roles *r, const cev_entry *e, double centre, double sigma)
{
    const cev_parameter *parameter = cev_roster_parameter(&r->config->roster, e->index);
    double low, high;
    CEV_TRY(check_can_profile(r, e));
    CEV_TRY(read_bounds(&e->keys.profile, parameter, &low, &high));
    CEV_TRY(check_near(e, parameter, low, high, centre, sigma));
    r->profiled[r->config->roster.n_profiled++] = (cev_profiled){e->index, low, high};
    bool own = !is_interactions(r, e) && isnan(centre);
    r->config->theta[e->index] = clamped(own ? 0 : centre, low, high);
    return CEV_OK;
}

/* An own parameter has the default that its role gives it: as near to zero as that allows. */
static void settle_default(cev_roles *r, const cev_entry *e)
{
    size_t n_parameter = r->config->interaction->card.n_parameter;
    if (e->index < n_parameter || r->guest[e->index - n_parameter].kind != CEV_GUEST_OWN) return;
    const cev_grid *grid = &r->config->grid;
    double *theta = &r->config->theta[e->index];
    if (cev_entry_scans(e)) {
        const cev_axis *axis = &grid->axis[grid->n_axis - 1];
        *theta = clamped(0, axis->value[0], axis->value[axis->n - 1]);
    }
    r->guest[e->index - n_parameter].parameter.default_value = *theta;
}

static cev_status read_role(cev_roles *r, const cev_entry *e)
{
    double centre, sigma;
    bool follows = e->keys.equals.id || e->keys.formula;
    CEV_TRY(read_constraint(r, e, &centre, &sigma));
    if (e->keys.value.id)
        CEV_TRY(read_fixed(r, e));
    else if (e->keys.profile.node.id)
        CEV_TRY(read_profile(r, e, centre, sigma));
    else if (follows)
        CEV_TRY(cev_read_follower(r, e));
    else
        CEV_TRY(cev_read_axis(r->config, e->node, &e->keys, e->index));
    settle_default(r, e);
    return CEV_OK;
}

/* Entries have been compared with each other already, but not with the members of an axis. */
static cev_status give(const cev_roles *r, const cev_entry *e, bool *given)
{
    if (e->left_out || e->index >= r->config->interaction->card.n_parameter) return CEV_OK;
    if (given[e->index])
        return cev_node_fail(e->keys.name, "parameter \"%s\" is given twice", cev_node_text(e->keys.name));
    given[e->index] = true;
    return CEV_OK;
}

static cev_status read_roles(cev_roles *r)
{
    bool given[CEV_MAX_MODEL_PARAMETERS] = {false};
    for (size_t k = 0; k < r->n; k++) {
        const cev_entry *e = &r->entry[k];
        if (e->keys.each_of.id) {
            CEV_TRY(cev_read_members(r->config, e->node, &e->keys, given));
            continue;
        }
        CEV_TRY(give(r, e, given));
        if (!e->left_out && !e->minimised) CEV_TRY(read_role(r, e));
    }
    return CEV_OK;
}

/* --- what is profiled acts ---------------------------------------------------------------------------------------- */

static bool guest_acts(const cev_roles *r, size_t index)
{
    size_t n_parameter = r->config->interaction->card.n_parameter;
    return index >= n_parameter && r->guest[index - n_parameter].kind != CEV_GUEST_OWN;
}

/* By itself, or through what follows it. */
static cev_status check_profiled_acts(const cev_roles *r, size_t index)
{
    const cev_scan_config *c = r->config;
    const char *why = NULL, *own = NULL;
    for (size_t k = 0; k < cev_roster_n(&c->roster); k++) {
        if (!cev_roster_follows(&c->roster, k, index)) continue;
        if (guest_acts(r, k)) return CEV_OK;
        if (k >= c->interaction->card.n_parameter) continue;
        CEV_TRY(cev_scan_why_idle(c->arena, c, k, NULL, &why));
        if (!why) return CEV_OK;
        if (k == index) own = why;
    }
    const char *name = cev_roster_parameter(&c->roster, index)->name;
    cev_node place = cev_entry_of(r, index)->keys.profile.node;
    if (own) return cev_node_fail(place, "parameter \"%s\" is profiled, but it %s", name, own);
    return cev_node_fail(place, "parameter \"%s\" is profiled, but nothing that acts follows it", name);
}

static int by_index(const void *a, const void *b)
{
    size_t x = ((const cev_profiled *)a)->index, y = ((const cev_profiled *)b)->index;
    return (x > y) - (x < y);
}

/* Values of followers where nothing is scanned: those of one point that is on no grid. */
static cev_status apply_followers(cev_scan_config *config)
{
    cev_followers *followers;
    CEV_TRY(cev_followers_create(&config->roster, &followers));
    cev_followers_apply_one(&config->roster, followers, config->theta);
    cev_followers_destroy(&followers);
    return CEV_OK;
}

static cev_status finish(cev_roles *r)
{
    cev_scan_config *c = r->config;
    qsort(r->profiled, c->roster.n_profiled, sizeof *r->profiled, by_index);
    c->roster.profiled = r->profiled;
    c->roster.constraint = r->constraint;
    CEV_TRY(cev_order_followers(r));
    for (size_t g = 0; g < c->roster.n_guest; g++)
        if (r->guest[g].kind == CEV_GUEST_NUMBER) CEV_TRY(cev_lay_number(r, g));
    for (size_t k = 0; k < c->roster.n_profiled; k++) CEV_TRY(check_profiled_acts(r, r->profiled[k].index));
    return apply_followers(c);
}

static cev_status allocate(cev_roles *r)
{
    cev_arena *arena = r->config->arena;
    CEV_TRY(cev_new(arena, r->n + 1, &r->entry));
    CEV_TRY(cev_new(arena, r->n < CEV_MAX_GUESTS ? r->n + 1 : CEV_MAX_GUESTS, &r->guest));
    CEV_TRY(cev_new(arena, CEV_MAX_PROFILED, &r->profiled));
    CEV_TRY(cev_new(arena, r->n + 1, &r->constraint));
    CEV_TRY(cev_new(arena, r->n + 1, &r->follower));
    r->config->roster.guest = r->guest;
    return CEV_OK;
}

cev_status cev_read_parameter_list(cev_scan_config *config, size_t n_shared, size_t n, const cev_node *item)
{
    cev_roles r = {.config = config, .n = n, .n_own = n_shared};
    CEV_TRY(allocate(&r));
    CEV_TRY(read_keys(&r, item));
    CEV_TRY(cev_find_entries(&r));
    CEV_TRY(read_roles(&r));
    return finish(&r);
}

cev_status cev_read_parameters(cev_scan_config *config, cev_node node)
{
    cev_node *item;
    size_t n = cev_node_length(node);
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node)) return cev_node_fail(node, "key \"parameters\": expected a list");
    CEV_TRY(cev_new(config->arena, n + 1, &item));
    for (size_t k = 0; k < n; k++) item[k] = cev_node_item(node, k);
    return cev_read_parameter_list(config, 0, n, item);
}
