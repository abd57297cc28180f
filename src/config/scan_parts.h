/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a scan file, each read by a file of this room. On CEV_E_INPUT the message names file, line and key. */
#ifndef CEVSCAN_CONFIG_SCAN_PARTS_H
#define CEVSCAN_CONFIG_SCAN_PARTS_H

#include <jansson.h>

#include "cevscan/config.h"
#include "experiment_parts.h"

enum { CEV_MAX_EXPERIMENTS = 256 }; /* of a scan */

/* The schema of what scans and studies have in common, beside the experiments. */
extern const cev_table cev_parameter_table, cev_data_table;

/* The keys of a scan file. */
typedef struct cev_scan_keys {
    const char *scan, *title;
    cev_node experiments, without_pulls, interaction, parameters, correlations, data, tile, exposure_factor;
    bool store_pulls, store_profiled;
} cev_scan_keys;

extern const cev_table cev_scan_table;
extern const cev_key cev_scan_key;

/* A configuration while it is read. */
typedef struct cev_reading {
    cev_scan_config *config;
    const char *file;     /* for looking up experiments beside it; NULL if there is none */
    cev_node experiments; /* the list that the experiments are of, which may stand on one another */
    json_t *resolved;
} cev_reading;

cev_status cev_read_interaction(cev_scan_config *config, cev_node node);

/* Where a source of the experiments propagates neutrinos with the scan's couplings to quarks, these change the
 * templates; comes before the parameters are read. */
cev_status cev_follow_sources(cev_scan_config *config, cev_node node);

/* An experiment's mapping, or the name or path of its file, read into the document of `node`. *whole is the mapping
 * without a base; its JSON is appended to the list. */
cev_status cev_read_experiment(const cev_reading *r, cev_node node, cev_experiment *out, cev_node *whole, json_t *list);

/* Two experiments of one scan or study have other names. */
cev_status cev_check_different(cev_node node, const cev_experiment *one, const cev_experiment *other);

/* Two that are fitted together have the same uncertainty for a pull that they share. */
cev_status cev_check_shared_pulls(cev_node node, const cev_experiment *one, const cev_experiment *other);

/* Takes the pulls of a list (or of none) out of experiment[n]. */
cev_status cev_drop_pulls(cev_arena *arena, cev_node list, size_t n, cev_experiment *experiment);

/* The same of one, which need not have them. */
cev_status cev_drop_pulls_of(cev_arena *arena, cev_node list, cev_experiment *experiment);

/* Multiplies an experiment's exposure: its mass, and the counts of its backgrounds. */
cev_status cev_scale_exposure(cev_arena *arena, double factor, cev_experiment *experiment);

/* config->pull_name, from its experiments. */
cev_status cev_gather_pulls(cev_scan_config *config, cev_node node);

/* config->grid's tiles, for n_map maps; `node` is the key "tile" or not there. */
cev_status cev_lay_scan_tiles(cev_scan_config *config, cev_node root, cev_node node, size_t n_map);

/* Refuses names in a "tile" that is a mapping which none of the scans has an axis of. */
cev_status cev_check_tile_names(cev_node tile, size_t n_scan, const cev_scan_config *const *scan);

/* Index of a parameter of the scan's roster, by name. */
cev_status cev_find_parameter(const cev_scan_config *config, cev_node name, size_t *out);

/* A value that a parameter can have; `key` names it in messages. */
cev_status cev_read_value(cev_node node, const char *key, const cev_parameter *parameter, double *out);

/* Refuses a value of parameter p, other than its default, that changes nothing that any of the scan's experiments
 * expects, whatever the others are. without[n_experiment] are left out (NULL: none). */
cev_status cev_check_acts(const cev_scan_config *config, cev_node name, size_t p, double value, const bool *without);

/* Values, axes and the roster; config->interaction and the experiments must be there. Of the list, item[n_shared] are a
 * study's, and lose their role to what the others say of the same parameter. */
cev_status cev_read_parameters(cev_scan_config *config, cev_node node);
cev_status cev_read_parameter_list(cev_scan_config *config, size_t n_shared, size_t n, const cev_node *item);

/* Whether item[k] of the n_shared parameters of a study has no role where the others, up to item[n], are said. */
bool cev_is_left_out(size_t n_shared, size_t n, const cev_node *item, size_t k);

/* Gives pulls that are named with a "profile" these bounds, in copies of the experiments. */
cev_status cev_bound_pulls(cev_scan_config *config, cev_node parameters);

/* Refuses "store_profiled" where nothing is profiled; `root` is the mapping that has the key. */
cev_status cev_check_store_profiled(cev_node root, bool wanted, size_t n_scan, const cev_scan_config *const *scan);

/* Asimov data at a truth, observed counts, or some of each; all of the above must be there. */
cev_status cev_read_scan_data(cev_scan_config *config, cev_node node);

/* A whole scan file; *exposure_factor is what its experiments have been scaled by. r->resolved is the caller's. */
cev_status cev_read_scan(cev_reading *r, cev_node root, double *exposure_factor);

#endif
