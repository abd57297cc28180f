/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A lower bound of chi2 over profiled parameters in which the forms are polynomials of second degree: the couplings of
 * S_a = sum_b y_ab y_ab^T (cevscan/interaction.h), tied ones included, and everything like them.
 *
 * chi2 is a function of the forms, convex where it is small. What forms the parameters within their bounds can make has
 * a convex hull that can be written down (joint_bound_lift.c). Whatever the place F0,
 *     chi2(F) >= chi2(F0) + g.(F - F0),
 * and the least value of the right side over the hull is a closed formula, a sum over vectors y_ab: that number is a
 * lower bound, however F0 was found, and at the minimum of chi2 over the hull it is that minimum. A fit that reaches it
 * is the global minimum. Gaussian constraints of the parameters are linear in what the hull is written in: they are
 * part of the bound. Where the hull holds more than the parameters can reach, boxes are split: branch and bound. */
#ifndef CEVSCAN_ENGINE_JOINT_BOUND_H
#define CEVSCAN_ENGINE_JOINT_BOUND_H

#include "joint_chi2.h"

enum { BOUND_MAX_LIFTED = 5 * CEV_MAX_PROFILED / 2 }; /* numbers that describe a point of the hull */

/* chi2, its gradient and Hessians, at n <= CEV_LANES places at once: what joint_evaluate() gives, or a stand-in in
 * tests. Place l belongs to problem[point[l]] of the call. place[n][n_form]; variable[n][n_variable] are starts of the
 * pulls and then where they ended; gradient[n][n_form], the others [n][n_form][n_form]. A chi2 that is not finite says
 * that there is nothing at this place. What one place gives must not depend on the others. */
typedef struct bound_chi2 {
    void *context;
    size_t n_form, n_variable;
    /* chi2 is convex where it is below this: joint_convex.h derives how low that is, at most 1/(9 s^2) where each
     * detector's signal has a scale 1 + a of its own with a Gaussian constraint s. Keeping all a above -1/3 does not
     * make it convex everywhere. */
    double convex_below;
    /* 1 where it is convex. Where all signals have one scale, chi2 is quasi-convex whatever its value (convex_below
     * INFINITY), and then this is the most that (1 + a)/(1 + a') can be for two places. */
    double gap_times;
    void (*evaluate)(void *context, size_t n, const size_t *point, const double *const *place, double *const *variable,
                     double *chi2, double *const *gradient, double *const *hessian, double *const *positive,
                     double *const *stiff);
} bound_chi2;

/* Forms as functions of n free parameters, F(x) = form + first.(x - at) + second.(x - at)(x - at)/2 exactly: what
 * joint_form_derivatives() gives at any x = at. Parameters that are multiplied with each other come in twos. */
typedef struct bound_problem {
    size_t n;                     /* at most CEV_MAX_PROFILED */
    const double *low, *high;     /* [n], bounds */
    const double *at, *form;      /* [n], [n_form] */
    const double *first, *second; /* [n][n_form], [n][n][n_form] */
    const double *centre, *sigma; /* [n], Gaussian constraints, sigma INFINITY for none; NULL: of none */
    double enough;                /* stop as soon as the bound is known to be above: the chi2 of a fit, less what
                                             counts as reached; INFINITY: the best bound of the hull */
    size_t n_branch;              /* most relaxed problems to solve after the first one */
    /* Where the box holds more than the parameters' values: makes a box as small as what these have of it allows; false
     * if that is nothing. NULL: the box is all theirs. */
    bool (*clip)(const void *context, double *low, double *high);
    const void *clip_context;
    bool warm; /* the result holds what a neighbouring point left there */
} bound_problem;

typedef struct bound_result {
    double bound; /* of chi2 with the constraints of the parameters; -INFINITY: none is known */
    bool convex;  /* all that was used of chi2 lay below convex_below: a proof, and not only evidence */
    bool exact;   /* x makes the bound to 1e-8: nothing is lower */
    bool lower;   /* x makes less than `enough`: the fit has missed the minimum, and no bound will prove it */
    double x[CEV_MAX_PROFILED];      /* parameters that suit the hull's minimum: a start for a fit */
    double *place;                   /* [n_form], where chi2 has its minimum in the whole hull; the caller's memory */
    double *variable;                /* [n_variable], likewise */
    double lifted[BOUND_MAX_LIFTED]; /* for the next warm start; of the first relaxed problem */
    size_t n_relaxation, n_evaluation, n_newton; /* how much work it was */
} bound_result;

typedef struct bound_scratch bound_scratch;

/* Of one thread. */
cev_status bound_scratch_create(size_t n_form, size_t n_variable, bound_scratch **out);
void bound_scratch_destroy(bound_scratch **scratch);

/* The bounds of n problems, CEV_LANES of which are at work at any time. The result of a problem has the same bits
 * whichever others are solved with it. Allocates nothing, cannot fail. */
void joint_bounds(const bound_chi2 *chi2, bound_scratch *scratch, size_t n, const bound_problem *problem,
                  bound_result *result);

/* Where forms are matrices, and each flavour whose forms count has parameters of its own for a free vector and one more
 * component, every place in the hull of the larger flavour is reached: writes these parameters into x[n], which makes
 * place[n_form] in the forms that count[n_form], and leaves the others as they are. False, with x untouched, where a
 * flavour has fewer, or where none of the solutions lies within the bounds. */
bool joint_reach(const bound_problem *problem, size_t n_form, const bool *counts, const double *place, double *x);

#endif
