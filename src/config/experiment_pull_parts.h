/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pull acts on; name, sigma, constraint and interpolation of *out have been read. Everything lives in the
 * arena. */
#ifndef CEVSCAN_CONFIG_EXPERIMENT_PULL_PARTS_H
#define CEVSCAN_CONFIG_EXPERIMENT_PULL_PARTS_H

#include "experiment_parts.h"

extern const cev_table cev_pull_side_table;

/* scales: [NAME, ...], or {NAME: weight, ...}: components, and parts of the signal. */
cev_status cev_read_pull_scales(cev_arena *arena, cev_node node, const cev_experiment *experiment, cev_pull *out);

/* parameter: source.theta12_rad. With sigma 0, both sides are the experiment as it is. */
cev_status cev_read_pull_parameter(cev_arena *arena, cev_node node, const cev_experiment *experiment, cev_pull *out);

/* up: {...}, down: {...}. */
cev_status cev_read_pull_sides(cev_arena *arena, cev_node up, cev_node down, const cev_experiment *experiment,
                               cev_pull *out);

#endif
