/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a scan file, each read by a file of this room. On CEV_E_INPUT the message names file, line and key. */
#ifndef CEVSCAN_CONFIG_SCAN_PARTS_H
#define CEVSCAN_CONFIG_SCAN_PARTS_H

#include "cevscan/config.h"

enum { CEV_MAX_EXPERIMENTS = 256 }; /* of a scan */

/* Index of a parameter of the scan's interaction, by name. */
cev_status cev_find_parameter(const cev_scan_config *config, cev_node name, size_t *out);

/* A value that a parameter can have; `key` names it in messages. */
cev_status cev_read_value(cev_node node, const char *key, const cev_parameter *parameter, double *out);

/* Fixed values and axes; config->interaction must be there. */
cev_status cev_read_parameters(cev_scan_config *config, cev_node node);

/* Asimov data at a truth, observed counts, or some of each; all of the above must be there. */
cev_status cev_read_scan_data(cev_scan_config *config, cev_node node);

#endif
