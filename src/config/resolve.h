/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configurations as JSON (by jansson): what the map keeps, and what a scan is recognised by. */
#ifndef CEVSCAN_CONFIG_RESOLVE_H
#define CEVSCAN_CONFIG_RESOLVE_H

#include <jansson.h>

#include "cevscan/config.h"

/* A new reference to the JSON of a YAML node: plain scalars that read as numbers become numbers, true and false flags,
 * all others text. CEV_E_INPUT if aliases make the document contain itself, or more than a million nodes. */
cev_status cev_node_json(cev_node node, json_t **out);

/* The text of a whole configuration, and the digest of what bears on numbers in it. */
cev_status cev_json_seal(cev_arena *arena, const json_t *resolved, char **text, cev_digest *identity);

/* config->resolved and config->identity, from the whole scan. */
cev_status cev_config_seal(cev_scan_config *config, const json_t *resolved);

#endif
