/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What remarks and refusals of input that cannot act have in common. */
#ifndef CEVSCAN_CONFIG_IDLE_H
#define CEVSCAN_CONFIG_IDLE_H

#include "cevscan/config.h"
#include "cevscan/influence.h"

/* "a, b and c", "a, b and 4 more" of the experiments that are marked; in the arena. */
cev_status cev_list_marked(cev_arena *arena, const cev_scan_config *scan, const bool *marked, const char **out);

/* Of the scan's experiment e, in all of its settings. */
cev_status cev_influence_of(const cev_scan_config *scan, size_t e, cev_influence **out);

#endif
