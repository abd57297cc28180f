/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configurations as JSON (by jansson): what the map keeps, and what a scan is recognised by. Both by the tables of keys
 * that read them. */
#ifndef CEVSCAN_CONFIG_RESOLVE_H
#define CEVSCAN_CONFIG_RESOLVE_H

#include <jansson.h>

#include "cevscan/config.h"

/* A new reference to the JSON of a node that has been read under `key`: as it is written, with numbers, flags and texts
 * as the key says. CEV_E_INPUT for texts with control characters, or if aliases make more than a million nodes. */
cev_status cev_node_json(cev_node node, const cev_key *key, json_t **out);

/* The same of a whole scan or study, with an empty list in place of its experiments: they may stand on others. */
cev_status cev_root_json(cev_node root, const cev_key *key, json_t **out);

/* New references to what bears on numbers in such JSON: without prose, with defaults, in one spelling; and to the prose
 * alone. NULL without memory. */
json_t *cev_json_values(const json_t *json, const cev_key *key);
json_t *cev_json_prose(const json_t *json, const cev_key *key);

/* The text of a whole configuration, and the digest of its values. */
cev_status cev_json_text(cev_arena *arena, const json_t *resolved, char **text);
cev_status cev_json_identity(const json_t *values, cev_digest *out);

/* A number that may be infinite, which JSON has none of. */
json_t *cev_json_number(double x);

/* The parts of values that scans and studies have in common; new references, or NULL. */
json_t *cev_values_of_parameters(const cev_scan_config *config, const json_t *parameters);
json_t *cev_values_of_data(const cev_scan_config *config);
json_t *cev_values_of_tile(const cev_scan_config *config);
json_t *cev_values_of_names(const json_t *list);

/* In the values of a scan or a study, brings what it may be without into one spelling; 0, or -1 without memory. */
int cev_normalise_values(json_t *values, const json_t *resolved);

/* All of a scan's; and its text and identity. */
json_t *cev_values_of_scan(const cev_scan_config *config, const json_t *resolved);
cev_status cev_seal_scan(cev_scan_config *config, const json_t *resolved);

#endif
