/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A lower bound of chi2 over profiled couplings, whose forms are matrices S_a = sum_b y_ab y_ab^T (cevscan/interaction.h).
 *
 * Whatever the free couplings are within their bounds, S lies in a convex set; chi2 is convex there, where it is small.
 * The minimum of chi2 over the set is a bound that one small convex problem gives; a fit that reaches it is the global
 * minimum. Where a flavour has one free component only, the set is not what couplings can reach, and branches over that
 * component (chords of the parabola) tighten it. */
#ifndef CEVSCAN_ENGINE_JOINT_BOUND_H
#define CEVSCAN_ENGINE_JOINT_BOUND_H

#include "joint_chi2.h"

/* chi2, gradient and Hessians of n <= CEV_LANES places at once: what joint_evaluate() gives, or a stand-in in tests.
 * place[n][n_form]; variable[n][n_variable] are starts of the pulls and then where they ended. */
typedef struct bound_chi2 {
    void *context;
    size_t n_form, n_variable;
    void (*evaluate)(void *context, size_t n, const double *const *place, double *const *variable, double *chi2,
                     double *const *gradient, double *const *hessian, double *const *positive, double *const *stiff);
} bound_chi2;

/* Which components of which vectors are free, between which bounds, origin included: of y_ab, [flavour][b][u, d].
 * A component that is not free has low = high. free_vector couplings that flavours share (emu) count in both. */
typedef struct bound_box {
    double low[CEV_N_FLAVOURS][3][2], high[CEV_N_FLAVOURS][3][2];
} bound_box;

typedef struct bound_result {
    double bound;     /* -INFINITY: none is known */
    double *place;    /* [n_form], where the relaxed problem has its minimum: a start for the next one; caller's */
    double *variable; /* [n_variable], likewise */
    bool exact;       /* couplings within the box reach the place: the bound is the minimum itself */
} bound_result;

/* The bound for one box. warm: place and variable hold those of a neighbouring point. n_branch: most branches to look
 * at (0: the relaxed problem alone); stops as soon as the bound exceeds `enough`. */
void joint_bound(const bound_chi2 *chi2, const bound_box *box, bool warm, size_t n_branch, double enough,
                 bound_result *out);

#endif
