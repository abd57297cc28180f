/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a scan does with its parameters, but for its axes: in words, as the program has understood it. */
#ifndef CEVSCAN_CLI_ROLES_H
#define CEVSCAN_CLI_ROLES_H

#include <jansson.h>

#include "cevscan/config.h"

/* Lines of "  NAME  what" for each parameter that is profiled, follows others, is a constrained axis, or a guest with a
 * value; for pulls with bounds; and for correlations. "" if there is nothing. In the arena. */
cev_status roles_text(cev_arena *arena, const cev_scan_config *config, const char **out);

/* {profiled: {NAME: [low, high]}, following: {NAME: text}, constrained: {NAME: [centre, sigma]}, fixed: {NAME: value}
 * of pulls, numbers of experiments and one's own, bounded_pulls: {NAME: [low, high]}, correlations: [[NAME, NAME,
 * coefficient]]}, without what there is nothing of. */
json_t *roles_json(const cev_scan_config *config);

#endif
