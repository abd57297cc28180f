/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descents to local minima, several in lock-step so that their fits fill the lanes.
 *
 * Each follows a quadratic model of chi2, from differences, that is trusted within a cube of a radius (a trust region:
 * Conn, Gould, Toint, Trust Region Methods, SIAM 2000). Walls of the box bound the model like the cube does, so minima
 * on faces, edges and in corners are minima like any other. */
#ifndef CEVSCAN_ENGINE_SEARCH_DESCENT_H
#define CEVSCAN_ENGINE_SEARCH_DESCENT_H

#include "search_space.h"

/* q(y) = value + g (y - centre) + (y - centre) h (y - centre)/2 */
typedef struct search_model {
    size_t n;
    double centre[CEV_MAX_AXES], value;
    double g[CEV_MAX_AXES], h[CEV_MAX_AXES][CEV_MAX_AXES];
} search_model;

/* The minimum of the model within low[n] <= y <= high[n], and where it is. */
double search_model_minimum(const search_model *model, const double *low, const double *high, double *y);

/* Descends from start[n_start], each of finite chi2, until nothing more than rounding can be gained. The `most` lowest
 * ones go on after the first few steps. start[] then holds what was reached, in any order; first_radius is how far the
 * first steps may go. */
cev_status search_descend(searcher *s, size_t set, size_t n_start, size_t most, double first_radius,
                          search_place *start);

#endif
