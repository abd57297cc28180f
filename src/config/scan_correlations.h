/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key "correlations" of scans and studies: between the constraints of pulls. */
#ifndef CEVSCAN_CONFIG_SCAN_CORRELATIONS_H
#define CEVSCAN_CONFIG_SCAN_CORRELATIONS_H

#include <jansson.h>

#include "scan_parts.h"

extern const cev_table cev_correlation_table;

/* config->roster.correlation, each pair once, without those that are 0; the experiments must be there. without_pulls is
 * the list of those that have been taken out, for messages. */
cev_status cev_read_correlations(cev_scan_config *config, cev_node node, cev_node without_pulls);

/* New references: the pairs in one spelling, {PULL: {PULL: coefficient}}; and the entries as far as they are about
 * pulls that `has` knows, NULL if nothing is left. NULL without memory. */
json_t *cev_values_of_correlations(const json_t *list);
json_t *cev_correlations_among(const json_t *list, bool (*has)(const json_t *experiments, const char *name),
                               const json_t *experiments);

#endif
