/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One configuration laid over another. */
#ifndef CEVSCAN_CONFIG_NODE_MERGE_H
#define CEVSCAN_CONFIG_NODE_MERGE_H

#include "cevscan/yaml.h"

/* *out is `base` changed by `over`, of what `key` says both are:
 *   mappings           key by key
 *   models             a bare name is {name: NAME}; the parameters of another model do not stay
 *   lists of things    that have names (pulls, backgrounds, nuclei): item by item, new ones last; `over` may also be a
 *                      mapping of them by name
 *   null               takes away what the base has there
 *   whatever else      takes its place
 * *changes lists in words what differs ("source.years 10 (3), pulls[ess_csi.background] removed"), prose left out, in
 * the arena. CEV_E_INPUT, at its place, for a null that finds nothing. */
cev_status cev_node_merge(cev_arena *arena, cev_node base, cev_node over, const cev_key *key, cev_node *out,
                          const char **changes);

/* The name of one of a list of things that have names; "" if it has none. */
const char *cev_name_in_list(const cev_table *table, cev_node item);

/* {name: NAME} of a bare name where `key` is a model or something else that a name may stand for; else the same. */
cev_status cev_node_unfold(cev_node node, const cev_key *key, cev_node *out);

#endif
