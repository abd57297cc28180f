/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiment files. configs/experiments/ has examples, configs/reference.yaml documents every key. */
#include <string.h>

#include "experiment_parts.h"

typedef struct experiment_keys {
    const char *experiment, *title;
    cev_node source, target, response, bins, timing, backgrounds, pulls, statistic, observed;
} experiment_keys;

static const cev_key experiment_table[] = {
    CEV_KEY(experiment_keys, experiment, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(experiment_keys, title, .type = CEV_KEY_TEXT),
    CEV_KEY(experiment_keys, source, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(experiment_keys, target, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(experiment_keys, response, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(experiment_keys, bins, .type = CEV_KEY_NODE),
    CEV_KEY(experiment_keys, timing, .type = CEV_KEY_NODE),
    CEV_KEY(experiment_keys, backgrounds, .type = CEV_KEY_NODE),
    CEV_KEY(experiment_keys, pulls, .type = CEV_KEY_NODE),
    CEV_KEY(experiment_keys, statistic, .type = CEV_KEY_NODE),
    CEV_KEY(experiment_keys, observed, .type = CEV_KEY_NODE),
};

/* --- pulls ------------------------------------------------------------------------------------------------------ */

typedef struct pull_keys {
    const char *name;
    double sigma;
    cev_node scales;
} pull_keys;

static const cev_key pull_table[] = {
    CEV_KEY(pull_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(pull_keys, sigma, .type = CEV_KEY_REAL, .required = true, .minimum = 1e-9, .maximum = 1e3),
    CEV_KEY(pull_keys, scales, .type = CEV_KEY_NODE, .required = true),
};

static cev_status read_scales(cev_arena *arena, cev_node node, const cev_experiment *experiment, cev_pull *out)
{
    const char *names[CEV_MAX_COMPONENTS] = {"signal"};
    size_t *component, n_name = experiment->n_background + 1, n = cev_node_length(node);
    for (size_t b = 0; b < experiment->n_background; b++) names[b + 1] = experiment->background[b].name;
    if (!cev_node_is_sequence(node) || n == 0)
        return cev_node_fail(node, "key \"scales\": expected a list of components (signal, or names of backgrounds)");
    CEV_TRY(cev_new(arena, n, &component));
    for (size_t k = 0; k < n; k++) {
        cev_node item = cev_node_item(node, k);
        size_t c = 0;
        while (c < n_name && strcmp(names[c], cev_node_text(item))) c++;
        if (c == n_name) return cev_node_fail_name(item, "component", names, n_name);
        for (size_t j = 0; j < k; j++)
            if (component[j] == c) return cev_node_fail(item, "component \"%s\" is listed twice", names[c]);
        component[k] = c;
    }
    out->n_component = n;
    out->component = component;
    return CEV_OK;
}

cev_status cev_read_pulls(cev_arena *arena, cev_node node, cev_experiment *out)
{
    cev_pull *pull;
    size_t n = cev_node_length(node);
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node)) return cev_node_fail(node, "key \"pulls\": expected a list");
    if (n > CEV_MAX_PULLS) return cev_node_fail(node, "key \"pulls\": at most %d are possible", CEV_MAX_PULLS);
    CEV_TRY(cev_new(arena, n, &pull));
    for (size_t p = 0; p < n; p++) {
        pull_keys keys = {0};
        cev_node item = cev_node_item(node, p);
        CEV_TRY(cev_node_read(arena, item, "pull", pull_table, CEV_LENGTH(pull_table), &keys));
        if (strlen(keys.name) > 100 || strchr(keys.name, '/'))
            return cev_node_fail(item, "the name of a pull has at most 100 letters and no slash");
        for (size_t k = 0; k < p; k++)
            if (!strcmp(pull[k].name, keys.name)) return cev_node_fail(item, "pull \"%s\" is given twice", keys.name);
        CEV_TRY(cev_arena_keep_text(arena, keys.name, &pull[p].name));
        pull[p].sigma = keys.sigma;
        CEV_TRY(read_scales(arena, keys.scales, out, &pull[p]));
    }
    out->n_pull = n;
    out->pull = pull;
    return CEV_OK;
}

static cev_status read_source(cev_arena *arena, cev_node node, cev_source *out)
{
    READ_KIND(node, "source", cev_source_kinds, cev_n_source_kinds, out);
    const char *complaint = out->kind->complaint ? out->kind->complaint(out) : NULL;
    if (complaint) return cev_node_fail(node, "source \"%s\": %s", out->kind->card.name, complaint);
    return cev_source_prepare(arena, out);
}

cev_status cev_experiment_parse(cev_arena *arena, cev_node node, cev_experiment *out)
{
    experiment_keys keys = {0};
    *out = (cev_experiment){0};
    CEV_TRY(cev_node_read(arena, node, "experiment", experiment_table, CEV_LENGTH(experiment_table), &keys));
    if (strpbrk(keys.experiment, ", /"))
        return cev_node_fail(cev_node_find(node, "experiment"), "the name of an experiment has no comma, space or slash");
    CEV_TRY(cev_arena_keep_text(arena, keys.experiment, &out->name));
    CEV_TRY(cev_arena_keep_text(arena, keys.title ? keys.title : keys.experiment, &out->title));
    CEV_TRY(read_source(arena, keys.source, &out->source));
    CEV_TRY(cev_read_target(arena, keys.target, &out->target));
    CEV_TRY(cev_read_response(arena, keys.response, &out->response));
    CEV_TRY(cev_read_bins(arena, node, keys.bins, keys.timing, out));
    CEV_TRY(cev_read_backgrounds(arena, keys.backgrounds, out));
    CEV_TRY(cev_read_pulls(arena, keys.pulls, out));
    return cev_read_data(arena, keys.observed, keys.statistic, out);
}
