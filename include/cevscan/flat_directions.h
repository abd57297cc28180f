/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directions of profiled parameters that chi2 does not tell, for people: which couplings may change together, and by
 * how much, without changing anything. */
#ifndef CEVSCAN_FLAT_DIRECTIONS_H
#define CEVSCAN_FLAT_DIRECTIONS_H

#include "cevscan/combination.h"

enum { CEV_FLAT_DIRECTION_SIZE = 1024, CEV_FLAT_DIRECTIONS_SIZE = 8192, CEV_FLAT_DIRECTIONS_NAMED = 3 };

/* along[n][n_profiled]: changes of the profiled parameters, each in its unit, the largest of them 1 or -1, the first
 * positive. Of all bases of what a point leaves open one in which each direction has few parameters; those with the
 * fewest come first. */
typedef struct cev_flat_directions {
    size_t n;
    double along[CEV_MAX_PROFILED][CEV_MAX_PROFILED];
} cev_flat_directions;

void cev_flat_directions_of(const cev_roster *roster, const cev_fitted_point *point, cev_flat_directions *out);

/* "eps_ee_uV - 0.9 eps_ee_dV", into out[size]; without what moves by less than 1 % of the largest, as shares of what
 * lies between the bounds. */
void cev_flat_direction_text(const cev_roster *roster, const double *along, char *out, size_t size);

/* "A changes nothing", "A; B change nothing"; of more than CEV_FLAT_DIRECTIONS_NAMED, how many they are, which
 * parameters take part, and the first. "" of none. */
void cev_flat_directions_text(const cev_roster *roster, const cev_flat_directions *flat, char *out, size_t size);

#endif
