/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pulls that are named with a profile: minimised as ever, but within these bounds. */
#include <string.h>

#include "scan_roles.h"

/* The pull and the bounds that an entry gives it; *pull is NULL if it gives none. */
static cev_status read_bounds(const cev_scan_config *config, cev_node entry, const cev_pull **pull, double bound[2])
{
    static const cev_key key = {.name = "profile", .type = CEV_KEY_REALS};
    cev_node name = cev_node_find(entry, "name"), profile = cev_node_find(entry, "profile");
    cev_reals list = {0};
    *pull = profile.id ? cev_pull_of(config, cev_node_text(name)) : NULL;
    if (!*pull) return CEV_OK;
    CEV_TRY(cev_node_reals(config->arena, profile, &key, &list));
    if (list.n != 2)
        return cev_node_fail(profile, "key \"profile\": expected [lowest, highest] of \"%s\", found %zu numbers",
                             (*pull)->name, list.n);
    bound[0] = list.value[0], bound[1] = list.value[1];
    if (!(bound[0] < bound[1]))
        return cev_node_fail(profile, "pull \"%s\": the lower bound (%g) must be below the upper one (%g)",
                             (*pull)->name, bound[0], bound[1]);
    if (bound[0] > 0 || bound[1] < 0)
        return cev_node_fail(profile,
                             "pull \"%s\": the bounds %g to %g leave 0 outside, where the experiment is as its "
                             "file has it",
                             (*pull)->name, bound[0], bound[1]);
    if ((*pull)->bounded && (bound[0] < (*pull)->minimum || bound[1] > (*pull)->maximum))
        return cev_node_fail(profile,
                             "pull \"%s\": the bounds %g to %g are wider than those of its experiment, %g to %g",
                             (*pull)->name, bound[0], bound[1], (*pull)->minimum, (*pull)->maximum);
    if (cev_node_find(entry, "centre").id || cev_node_find(entry, "sigma").id)
        return cev_node_fail(entry, "\"%s\" is a pull, whose constraint stands in its experiment", (*pull)->name);
    return CEV_OK;
}

static bool has_pull(const cev_experiment *x, const char *name)
{
    for (size_t p = 0; p < x->n_pull; p++)
        if (!strcmp(x->pull[p].name, name)) return true;
    return false;
}

static cev_status bound_copy(cev_arena *arena, const cev_experiment *x, const char *name, const double bound[2],
                             const cev_experiment **out)
{
    cev_experiment *copy;
    cev_pull *pull;
    CEV_TRY(cev_new(arena, 1, &copy));
    CEV_TRY(cev_new(arena, x->n_pull, &pull));
    for (size_t p = 0; p < x->n_pull; p++) {
        pull[p] = x->pull[p];
        if (!strcmp(pull[p].name, name)) pull[p].bounded = true, pull[p].minimum = bound[0], pull[p].maximum = bound[1];
    }
    *copy = *x;
    copy->pull = pull;
    *out = copy;
    return CEV_OK;
}

/* In n settings; what was one object stays one. */
static cev_status bound_all(const cev_scan_config *config, size_t n, const char *name, const double bound[2],
                            const cev_experiment **to)
{
    const cev_experiment *const *from = config->experiment;
    for (size_t k = 0; k < n; k++) {
        size_t same = k % config->n_experiment;
        while (from[same] != from[k]) same += config->n_experiment;
        to[k] = same < k ? to[same] : from[k];
        if (same == k && has_pull(from[k], name)) CEV_TRY(bound_copy(config->arena, from[k], name, bound, &to[k]));
    }
    return CEV_OK;
}

cev_status cev_bound_pulls(cev_scan_config *config, cev_node parameters)
{
    size_t n = config->n_experiment * (1 + config->n_further);
    for (size_t k = 0; k < cev_node_length(parameters); k++) {
        const cev_pull *pull;
        const cev_experiment **list;
        double bound[2] = {0, 0};
        CEV_TRY(read_bounds(config, cev_node_item(parameters, k), &pull, bound));
        if (!pull) continue;
        CEV_TRY(cev_new(config->arena, n, &list));
        CEV_TRY(bound_all(config, n, pull->name, bound, list));
        config->experiment = list;
    }
    return CEV_OK;
}
