/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interpolation between Chebyshev nodes of a range, f(x) = sum_j L_j(x) f(x_j): L_j is the polynomial of degree n - 1
 * in u(x) that is 1 at x_j and 0 at the other nodes, which have u_j = -cos(pi j/(n - 1)) in units of the range of u.
 * J.-P. Berrut, L. N. Trefethen, SIAM Rev. 46 (2004) 501.
 *
 * u is x, or, for positive x over more than a factor of 2, (x - m)/(x + m) with m the geometric mean of the ends:
 * propagators 1/(x^2 + q^2), which are smooth on a logarithmic scale, are smooth in it, and it needs no logarithm. */
#ifndef CEVSCAN_ENGINE_NODE_AXIS_H
#define CEVSCAN_ENGINE_NODE_AXIS_H

#include "cevscan/arena.h"
#include "cevscan/lanes.h"

enum { NODE_AXIS_MOST = 33 }; /* nodes: 5, 9, 17 and 33 are among one another */

typedef struct node_axis {
    double low, high;
    double middle;                      /* m; 0: u is x */
    size_t n;                           /* 1: one value, in the middle, for all x */
    double node[NODE_AXIS_MOST];        /* [n], increasing; the first is low, the last is high */
    double place[NODE_AXIS_MOST];       /* u of each */
    double *first_slope, *second_slope; /* [n][n]: dL_j/du and d2L_j/du2 at x_i */
} node_axis;

cev_status node_axis_create(cev_arena *arena, double low, double high, size_t n, node_axis *out);

/* L_j(*x) into weight[n]; at a node they are 0 and 1 to the bit. NaN where x is. */
void node_axis_weights(const node_axis *axis, const cev_lanes *x, cev_lanes *weight);

/* L_j, L_j' and L_j'' at one x, into [n] each. */
void node_axis_slopes(const node_axis *axis, double x, double *value, double *first, double *second);

/* L_j(x) = sum_k m_jk T_k(x) with the Chebyshev polynomials of the range of u, which do not depend on n: what two
 * axes over one range but with different nodes have in common. */
double node_axis_in_chebyshev(const node_axis *axis, size_t j, size_t k);

/* T_k, T_k' and T_k'', k < n_t, of a range at x, into [n_t] each; low < high, or T_0 alone means anything. */
void node_axis_chebyshev(double low, double high, double x, size_t n_t, double *value, double *first, double *second);

/* The fewest nodes with which what has sample[axis->n] at the nodes of an axis is interpolated to within
 * `tolerance`. */
size_t node_axis_nodes_needed(const node_axis *axis, const double *sample, double tolerance);

#endif
