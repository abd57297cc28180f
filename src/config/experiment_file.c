/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiment files. configs/experiments/ has examples, configs/reference.yaml documents every key. */
#include <string.h>

#include "experiment_base.h"
#include "experiment_parts.h"

typedef struct experiment_keys {
    const char *experiment, *base, *title, *surrogate;
    cev_node source, target, response, bins, bin_names, timing, backgrounds, pulls, statistic, observed;
} experiment_keys;

static const cev_key experiment_key[] = {
    CEV_KEY(experiment_keys, experiment, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(experiment_keys, base, .type = CEV_KEY_TEXT), /* put in its place before this is read */
    CEV_KEY(experiment_keys, title, .type = CEV_KEY_TITLE),
    CEV_KEY(experiment_keys, surrogate, .type = CEV_KEY_TITLE),
    CEV_KEY(experiment_keys, source, .type = CEV_KEY_NODE, .model = &cev_source_family, .required = true),
    CEV_KEY(experiment_keys, target, .type = CEV_KEY_NODE, .of = &cev_target_table, .required = true),
    CEV_KEY(experiment_keys, response, .type = CEV_KEY_NODE, .model = &cev_response_family, .required = true),
    CEV_KEY(experiment_keys, bins, .type = CEV_KEY_NODE, .of = &cev_bins_table),
    CEV_KEY(experiment_keys, bin_names, .type = CEV_KEY_NODE, .scalars = CEV_KEY_PROSE),
    CEV_KEY(experiment_keys, timing, .type = CEV_KEY_NODE, .of = &cev_timing_table),
    CEV_KEY(experiment_keys, backgrounds, .type = CEV_KEY_NODE, .of = &cev_background_table),
    CEV_KEY(experiment_keys, pulls, .type = CEV_KEY_NODE, .of = &cev_pull_table),
    CEV_KEY(experiment_keys, statistic, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .of = &cev_statistic_table,
            .otherwise = "poisson"),
    CEV_KEY(experiment_keys, observed, .type = CEV_KEY_NODE, .of = &cev_observed_table),
};

const cev_table cev_experiment_table = CEV_TABLE("experiment", experiment_key);

cev_status cev_read_whole_experiment(cev_arena *arena, cev_node node, cev_experiment *out)
{
    experiment_keys keys = {0};
    *out = (cev_experiment){0};
    CEV_TRY(cev_node_read(arena, node, &cev_experiment_table, &keys));
    if (strpbrk(keys.experiment, ", /"))
        return cev_node_fail(cev_node_find(node, "experiment"),
                             "the name of an experiment has no comma, space or slash");
    CEV_TRY(cev_arena_keep_text(arena, keys.experiment, &out->name));
    CEV_TRY(cev_arena_keep_text(arena, keys.title ? keys.title : keys.experiment, &out->title));
    if (keys.surrogate) CEV_TRY(cev_arena_keep_text(arena, keys.surrogate, &out->surrogate));
    CEV_TRY(cev_read_source(arena, keys.source, &out->source));
    CEV_TRY(cev_read_target(arena, keys.target, &out->target));
    CEV_TRY(cev_read_response(arena, keys.response, &out->response));
    CEV_TRY(cev_read_bins(arena, node, keys.bins, keys.timing, out));
    CEV_TRY(cev_read_bin_names(arena, keys.bin_names, out));
    CEV_TRY(cev_read_backgrounds(arena, keys.backgrounds, out));
    CEV_TRY(cev_read_pulls(arena, keys.pulls, out));
    return cev_read_data(arena, keys.observed, keys.statistic, out);
}

cev_status cev_experiment_parse(cev_arena *arena, cev_node node, cev_experiment *out)
{
    cev_node whole;
    return cev_read_on_base(arena, node, (cev_node){0}, &whole, out);
}
