/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of the lower bound: the hull of what parameters in a box can make, and the minimum of chi2 over it. */
#ifndef CEVSCAN_ENGINE_JOINT_BOUND_PARTS_H
#define CEVSCAN_ENGINE_JOINT_BOUND_PARTS_H

#include "joint_bound.h"

/* One parameter, or two that are multiplied with each other. */
typedef struct bound_block {
    size_t n, parameter[2];
    size_t first; /* of its 2 or 5 lifted variables */
} bound_block;

/* The hull over one box: forms = origin + sum_k z_k map[k], constraints cost sum_k z_k cost[k] + cost_origin. */
typedef struct bound_hull {
    size_t n_form, n_block, n;                               /* n: of lifted variables */
    bound_block block[CEV_MAX_PROFILED];                     /* [n_block] */
    double middle[CEV_MAX_PROFILED], half[CEV_MAX_PROFILED]; /* of the box, by parameter */
    double *origin, *map;                                    /* [n_form], [n][n_form] */
    double cost[BOUND_MAX_LIFTED], cost_origin;
    double parameter; /* of the barrier: its gap is this times tau */
} bound_hull;

/* Which parameters form blocks; false if more than two are multiplied with each other. */
bool bound_hull_blocks(const bound_problem *problem, size_t n_form, bound_hull *hull);
/* Numbers of the hull over the box low[n], high[n]. */
void bound_hull_box(const bound_problem *problem, const double *low, const double *high, bound_hull *hull);

void bound_hull_centre(const bound_hull *hull, double *z);
void bound_hull_forms(const bound_hull *hull, const double *z, double *form);
double bound_hull_cost(const bound_hull *hull, const double *z);

/* -log of the distances from the hull's faces; INFINITY outside. */
double bound_hull_barrier(const bound_hull *hull, const double *z);
/* Its gradient, and its Hessian within blocks, the rest of which is not touched; z lies inside. Adds times both. */
void bound_hull_barrier_slopes(const bound_hull *hull, const double *z, double times, double *gradient,
                               double (*hessian)[BOUND_MAX_LIFTED]);
/* w.z less the least value of w.z that parameters in the box can make: zero or more for z in the hull. */
double bound_hull_gap(const bound_hull *hull, const double *w, const double *z);

/* Values at one place. */
typedef struct bound_place {
    double z[BOUND_MAX_LIFTED];
    double chi2, value; /* value: with the constraints */
    double *form, *variable, *gradient, *hessian, *positive, *stiff;
} bound_place;

/* The minimum over one hull, as a machine: whoever drives it evaluates chi2 at `trial` and calls bound_relax_go() until
 * it is done. */
typedef struct bound_relax {
    bound_hull hull;
    bound_place at[2];
    size_t now; /* which of the two the best place is; the other is the trial */
    bool started, done, convex;
    double convex_below, gap_times, enough;
    bool may_branch; /* the minimum need not be known well if it is below `enough` */
    double bound, gap, tau, damping, predicted;
    size_t n_evaluation, n_newton;
    size_t n_variable;
    double *work; /* [n_form][n_form] */
    /* Where the minimum over the hull is worse than convex_below: places on the way there from a better one. */
    double *anchor; /* [n_form], a place where chi2 is convex, and its chi2; INFINITY: none is known */
    double anchor_chi2, near, far, evidence;
    bool cutting;
    size_t n_cut;
} bound_relax;

/* From a place inside the hull; and with the model of chi2 about the best place of the hull before it, a neighbour. */
void bound_relax_start(bound_relax *r, const double *z);
void bound_relax_start_by_model(bound_relax *r, const double *z);
void bound_relax_go(bound_relax *r);

/* Remembers the best place for the hulls that come. */
void bound_relax_anchor(bound_relax *r);

/* The bound for the hull, whose box has been changed, by the tangent plane at the best place. */
double bound_relax_plane(const bound_relax *r);

static inline bound_place *bound_trial(bound_relax *r)
{
    return &r->at[1 - r->now];
}

/* Solves the barrier problem of a quadratic function: gradient.(z - from) + (z - from) matrix (z - from)/2 + tau
 * barrier(z), following tau down to tau_end; z starts at `from`, inside. Returns the number of Newton steps. */
typedef struct bound_quadratic {
    size_t n;
    double from[BOUND_MAX_LIFTED], gradient[BOUND_MAX_LIFTED], matrix[BOUND_MAX_LIFTED][BOUND_MAX_LIFTED];
} bound_quadratic;

double bound_quadratic_value(const bound_quadratic *q, const double *z);
size_t bound_quadratic_solve(const bound_quadratic *q, const bound_hull *hull, double tau, double tau_end, double *z);

#endif
