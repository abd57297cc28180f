/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scan_correlations.h"

static const cev_key scan_key[] = {
    CEV_KEY(cev_scan_keys, scan, .type = CEV_KEY_TITLE, .required = true),
    CEV_KEY(cev_scan_keys, title, .type = CEV_KEY_TITLE),
    CEV_KEY(cev_scan_keys, experiments, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .of = &cev_experiment_table,
            .required = true),
    CEV_KEY(cev_scan_keys, without_pulls, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(cev_scan_keys, interaction, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .required = true),
    CEV_KEY(cev_scan_keys, parameters, .type = CEV_KEY_NODE, .of = &cev_parameter_table),
    CEV_KEY(cev_scan_keys, correlations, .type = CEV_KEY_NODE, .of = &cev_correlation_table),
    CEV_KEY(cev_scan_keys, data, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .of = &cev_data_table,
            .otherwise = "asimov"),
    CEV_KEY(cev_scan_keys, store_pulls, .type = CEV_KEY_FLAG, .otherwise = "false"),
    CEV_KEY(cev_scan_keys, store_profiled, .type = CEV_KEY_FLAG),
    CEV_KEY(cev_scan_keys, exposure_factor, .type = CEV_KEY_NODE, .otherwise = "1"),
    CEV_KEY(cev_scan_keys, tile, .type = CEV_KEY_NODE, .scalars = CEV_KEY_COUNT),
};

const cev_table cev_scan_table = CEV_TABLE("scan", scan_key);
const cev_key cev_scan_key = {.name = "scan", .type = CEV_KEY_NODE, .of = &cev_scan_table};
