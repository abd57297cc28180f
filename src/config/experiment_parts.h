/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of an experiment file, each read by a file of this room. */
#ifndef CEVSCAN_CONFIG_EXPERIMENT_PARTS_H
#define CEVSCAN_CONFIG_EXPERIMENT_PARTS_H

#include "cevscan/config.h"

/* The schema of an experiment. */
extern const cev_table cev_experiment_table, cev_target_table, cev_nucleus_table, cev_bins_table, cev_timing_table,
    cev_background_table, cev_pull_table, cev_statistic_table, cev_observed_table;
extern const cev_family cev_source_family, cev_form_factor_family, cev_response_family, cev_quenching_family,
    cev_smearing_family, cev_efficiency_family, cev_beam_family;

/* Reads {name: ..., parameters ...} of a family of kinds whose first member is their card. */
#define READ_KIND(node, family, kinds, out)                                                                            \
    do {                                                                                                               \
        size_t index_;                                                                                                 \
        CEV_TRY(cev_node_read_model((node), (family), &index_, (out)->parameter));                                     \
        (out)->kind = (kinds)[index_];                                                                                 \
    } while (0)

/* Everything lives in the arena; on CEV_E_INPUT the message names file, line and key. */
/* An experiment that stands on no other. */
cev_status cev_read_whole_experiment(cev_arena *arena, cev_node node, cev_experiment *out);
cev_status cev_read_source(cev_arena *arena, cev_node node, cev_source *out);
cev_status cev_read_target(cev_arena *arena, cev_node node, cev_target *out);
cev_status cev_read_response(cev_arena *arena, cev_node node, cev_response *out);
/* From here on, out->source, target and response must be there; for each function, what those before it read. */
cev_status cev_read_bins(cev_arena *arena, cev_node experiment, cev_node bins, cev_node timing, cev_experiment *out);
cev_status cev_read_bin_names(cev_arena *arena, cev_node list, cev_experiment *out);
cev_status cev_read_backgrounds(cev_arena *arena, cev_node node, cev_experiment *out);
/* Pulls need what all of the above read. */
cev_status cev_read_pulls(cev_arena *arena, cev_node node, cev_experiment *out);
cev_status cev_read_data(cev_arena *arena, cev_node observed, cev_node statistic, cev_experiment *out);

/* What depends on more than one key, and must hold for every value that a pull tries. The source's table is made. */
cev_status cev_check_source(cev_arena *arena, cev_node node, cev_source *source);
cev_status cev_check_quenching(cev_node node, const cev_response *response, double recoil_max_keV);

/* Rows of a table of responses: a list of at most CEV_MAX_BINS lists of n_recoil values. */
cev_status cev_read_table_rows(cev_arena *arena, cev_node bins, size_t n_recoil, size_t *n_bin, const double **value);

#endif
