/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where chi2, its pulls minimised, is convex in the forms: what proofs of global minima stand on.
 *
 * Counts of a channel are N = (1 + A) S + B, signals S linear in the forms, A and B linear in the pulls. Let s^2 be the
 * variance of A, C the constraints of the pulls. The least curvature of chi2 along any change of signals and pulls, at
 * the pulls' minimum, is not negative where
 *     sum_i (N_i - D_i)^2/D_i + C <= (1 + 2 A)^2/s^2.
 * (With nu the change of N, the Hessian is sum 2 D nu^2/N^2 + 2 A'/(1 + A) sum 2 (1 - D/N) nu + 2 A'^2/s^2 (1 + 3 A)/
 * (1 + A) and the like; its least value over nu is a closed expression.) The sum on the left is Neyman's chi2; Gaussian
 * channels have their own in its place. As A^2/s^2 <= C, that holds wherever chi2 <= 1/(9 s^2) if Neyman's chi2 is at
 * most three times the Poisson one; it is in bins of more than about one count, and for fewer the limit is lower; with
 * a bin without data there is none. Sums over groups of channels that share no pull are convex where each of them is.
 *
 * Where all signals of a fit have one scale 1 + A, chi2 is quasi-convex whatever its value (joint_bound.h), for any
 * data: chi2 < 1/(4 s^2) says |A| < 1/2, which makes 3 of the ratio of two scales. That takes the place of the
 * above where no profiled parameter has a constraint.
 *
 * Nothing is claimed for constraints of signals' scales that are not Gaussian, for scales that the scan sets, for pulls
 * of shapes or of parts of signals, and for channels that share pulls but not their scale. */
#ifndef CEVSCAN_ENGINE_JOINT_CONVEX_H
#define CEVSCAN_ENGINE_JOINT_CONVEX_H

#include "cevscan/model.h"
#include "cevscan/combination.h"

typedef struct joint_convex {
    double below;     /* chi2 is convex, or quasi-convex, where it is below this; 0: nobody knows */
    double gap_times; /* of joint_bound.h; 1: convex */
} joint_convex;

/* Of the units of a set under their roster; data[n_unit of all]. */
joint_convex joint_convex_of(const cev_units *units, size_t set, const cev_data *const *data);

/* The largest u up to 1/(9 s^2) such that chi2 <= u says that chi2 is convex, for Poisson counts of at least `least`.
 */
double joint_convex_below(double s, double least);

#endif
