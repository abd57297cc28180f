/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the best fits of a map are told: one, or one for each member. */
#ifndef CEVSCAN_CLI_BEST_FITS_H
#define CEVSCAN_CLI_BEST_FITS_H

#include <jansson.h>

#include "cevscan/map.h"

/* axis_name[n_axis]; member_name[n_member], or NULL for an ordinary map. */
void print_best_fits(const cev_map_progress *p, size_t n_member, size_t n_axis, const char *const *axis_name,
                     const char *const *member_name);

/* {AXIS: value, ...}, or {MEMBER: {"chi2": ..., AXIS: value, ...}, ...}. */
json_t *best_fit_json(const cev_map_progress *p, size_t n_member, size_t n_axis, const char *const *axis_name,
                      const char *const *member_name);

/* The lowest chi2 of all members. */
double lowest_best_fit(const cev_map_progress *p, size_t n_member);

#endif
