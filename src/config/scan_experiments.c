/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The experiments of a scan: where they are, what they share, and what the scan changes about them. */
#include <string.h>

#include "experiment_base.h"
#include "resolve.h"
#include "scan_parts.h"

static const cev_key experiment_key = {.name = "experiments", .type = CEV_KEY_NODE, .of = &cev_experiment_table};

static cev_status load_experiment(const cev_reading *r, cev_node name, cev_node *out)
{
    char *path;
    const char *nearest;
    bool spaced = strchr(cev_node_text(name), ' ') && !strchr(cev_node_text(name), '/');
    if (!cev_node_is_scalar(name))
        return cev_node_fail(name, "expected the name or the path of an experiment, or its mapping; found %s",
                             cev_node_kind(name));
    CEV_TRY(cev_experiment_file(r->config->arena, cev_node_text(name), r->file, &path, &nearest));
    if (!path)
        return cev_node_fail(name,
                             "no experiment \"%s\"%s%s%s%s (looked beside the scan file, in $CEVSCAN_PATH and among "
                             "the "
                             "installed ones; see: cevscan describe)",
                             cev_node_text(name), spaced ? "; a comma is missing?" : "",
                             nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    return cev_yaml_add_file(name, path, out);
}

cev_status cev_read_experiment(const cev_reading *r, cev_node node, cev_experiment *out, cev_node *whole, json_t *list)
{
    json_t *json;
    if (!cev_node_is_mapping(node)) CEV_TRY(load_experiment(r, node, &node));
    CEV_TRY(cev_read_on_base(r->config->arena, node, r->experiments, whole, out));
    CEV_TRY(cev_node_json(*whole, &experiment_key, &json));
    return json_array_append_new(list, json) ? cev_fail(CEV_E_MEMORY, "out of memory") : CEV_OK;
}

/* One pull cannot shift different things, nor one thing and scale another. */
static bool shift_alike(const cev_pull *one, const cev_pull *other)
{
    return !one->parameter == !other->parameter && (!one->parameter || !strcmp(one->parameter, other->parameter));
}

cev_status cev_check_different(cev_node node, const cev_experiment *one, const cev_experiment *other)
{
    if (strcmp(one->name, other->name) != 0) return CEV_OK;
    return cev_node_fail(node, "experiment \"%s\" is used twice; give a copy a name of its own", one->name);
}

static cev_status check_shared_pull(cev_node node, const cev_experiment *one, const cev_pull *p,
                                    const cev_experiment *other, const cev_pull *q)
{
    char why[128];
    if (strcmp(p->name, q->name) != 0) return CEV_OK;
    if (!cev_pull_is_one(q, p, why, sizeof why))
        return cev_node_fail(node, "pull \"%s\" is shared by \"%s\" and \"%s\", but %s", p->name, other->name,
                             one->name, why);
    if (shift_alike(p, q)) return CEV_OK;
    return cev_node_fail(node,
                         "pull \"%s\" is shared by \"%s\" and \"%s\", but does not shift the same parameter in both",
                         p->name, other->name, one->name);
}

cev_status cev_check_shared_pulls(cev_node node, const cev_experiment *one, const cev_experiment *other)
{
    for (size_t p = 0; p < one->n_pull; p++)
        for (size_t q = 0; q < other->n_pull; q++)
            CEV_TRY(check_shared_pull(node, one, &one->pull[p], other, &other->pull[q]));
    return CEV_OK;
}

cev_status cev_gather_pulls(cev_scan_config *config, cev_node node)
{
    const char **name;
    CEV_TRY(cev_new(config->arena, CEV_MAX_PULLS, &name));
    for (size_t e = 0; e < config->n_experiment; e++)
        for (size_t k = 0; k < config->experiment[e]->n_pull; k++) {
            const char *own = config->experiment[e]->pull[k].name;
            size_t p = 0;
            while (p < config->n_pull && strcmp(name[p], own)) p++;
            if (p < config->n_pull) continue;
            if (config->n_pull == CEV_MAX_PULLS)
                return cev_node_fail(node, "the experiments have more than %d pulls together", CEV_MAX_PULLS);
            name[config->n_pull++] = own;
        }
    config->pull_name = name;
    return CEV_OK;
}

/* Takes a pull out of an experiment; *found says whether it was there. */
static cev_status drop_pull(cev_arena *arena, cev_experiment *x, const char *name, bool *found)
{
    cev_pull *kept;
    size_t n = 0;
    CEV_TRY(cev_new(arena, x->n_pull, &kept));
    for (size_t p = 0; p < x->n_pull; p++)
        if (strcmp(x->pull[p].name, name)) kept[n++] = x->pull[p];
    *found |= n < x->n_pull;
    x->n_pull = n;
    x->pull = kept;
    return CEV_OK;
}

/* Pulls that stay at zero in this scan: what they stand for is a scan parameter, say. */
cev_status cev_drop_pulls(cev_arena *arena, cev_node list, size_t n, cev_experiment *experiment)
{
    if (!list.id) return CEV_OK;
    if (!cev_node_is_sequence(list)) return cev_node_fail(list, "key \"without_pulls\": expected a list of pulls");
    for (size_t i = 0; i < cev_node_length(list); i++) {
        const char *names[CEV_MAX_PULLS], *name = cev_node_text(cev_node_item(list, i));
        size_t n_name = 0;
        bool found = false;
        for (size_t e = 0; e < n; e++)
            for (size_t p = 0; p < experiment[e].n_pull && n_name < CEV_MAX_PULLS; p++)
                names[n_name++] = experiment[e].pull[p].name;
        for (size_t e = 0; e < n; e++) CEV_TRY(drop_pull(arena, &experiment[e], name, &found));
        if (!found) return cev_node_fail_name(cev_node_item(list, i), "pull", names, n_name);
    }
    return CEV_OK;
}

cev_status cev_drop_pulls_of(cev_arena *arena, cev_node list, cev_experiment *experiment)
{
    bool found = false;
    for (size_t i = 0; i < cev_node_length(list); i++)
        CEV_TRY(drop_pull(arena, experiment, cev_node_text(cev_node_item(list, i)), &found));
    return CEV_OK;
}

static cev_status scale_backgrounds(cev_arena *arena, double factor, cev_experiment *x)
{
    cev_background *background;
    double *counts;
    CEV_TRY(cev_new(arena, x->n_background, &background));
    for (size_t b = 0; b < x->n_background; b++) {
        CEV_TRY(cev_new(arena, x->bins.n_bin, &counts));
        for (size_t i = 0; i < x->bins.n_bin; i++) counts[i] = factor * x->background[b].counts[i];
        background[b] = x->background[b];
        background[b].counts = counts;
    }
    x->background = background;
    return CEV_OK;
}

static cev_status scaled_copy(cev_arena *arena, double factor, const cev_experiment **x)
{
    cev_experiment *copy;
    if (!*x) return CEV_OK;
    CEV_TRY(cev_new(arena, 1, &copy));
    *copy = **x;
    copy->target.mass_kg *= factor;
    *x = copy;
    return scale_backgrounds(arena, factor, copy);
}

cev_status cev_scale_exposure(cev_arena *arena, double factor, cev_experiment *x)
{
    cev_pull *pull;
    if (factor == 1) return CEV_OK;
    if (x->statistic == CEV_STATISTIC_GAUSSIAN)
        return cev_fail(CEV_E_INPUT,
                        "experiment %s: its uncertainties belong to the exposure that it has; it takes no exposure "
                        "factor",
                        x->name);
    x->target.mass_kg *= factor;
    CEV_TRY(scale_backgrounds(arena, factor, x));
    CEV_TRY(cev_new(arena, x->n_pull, &pull));
    for (size_t p = 0; p < x->n_pull; p++) {
        pull[p] = x->pull[p];
        CEV_TRY(scaled_copy(arena, factor, &pull[p].up));
        CEV_TRY(scaled_copy(arena, factor, &pull[p].down));
    }
    x->pull = pull;
    return CEV_OK;
}
