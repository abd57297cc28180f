/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chi2 of binned counts, minimised over nuisance parameters ("pulls"). Sees counts only.
 *
 *     chi2 = min_a  sum_i 2 [N_i - D_i + D_i ln(D_i/N_i)] + C(a),
 *     N_i = sum_c C_ci (1 + sum_{t on c} w_t a_t^n_t) + sum_s S_si sum_{t on s} w_t a_t^n_t,
 *
 * over channels (one experiment each) of components C_c: the signal, which differs from point to point, and
 * backgrounds, which do not; and of shapes S_s, the change of the counts per unit of a pull, of either sign, which
 * differ from point to point as well and add nothing where the pulls are zero. Where signal and backgrounds predict
 * nothing, shapes of Poisson channels count nothing. Bins with D_i = 0 contribute 2 N_i. In a channel with variances
 * the terms of its bins are (N_i - D_i)^2/variance_i in place of these, for N_i of either sign. C are the
 * constraints of the pulls (cevscan/pull_constraint.h), a^T V^-1 a of Gaussian ones that are correlated. Channels that
 * share no pull, directly, through others or through correlations, are minimised separately.
 *
 * A group of channels that all have variances is a linear least-squares problem, solved in one step, and in a second
 * one against the rounding of the first. Otherwise chi2 is convex in the pulls on the region where all N_i > 0, and
 * infinite on its border wherever there are data. The minimiser starts from the weighted least-squares solution with
 * variances max(D_i, 1) for Poisson counts, or from where it is told, and takes Newton steps that are cut until they
 * stay inside the region and do not overshoot the minimum along their direction by more than half of the slope they
 * started with; it ends when a full step would lower chi2 by less than 1e-9, and takes that step. Where bins without
 * data are driven to N = 0, a small barrier keeps the pulls inside, and points that end beside such a border start
 * again under a barrier that is lowered step by step. Points that do not end there, or where the barrier could move
 * chi2 by more than a fifth of the tolerance, are fitted once more by themselves, in quadruple precision
 * (stats/profile_careful.c), to a proven distance of 1e-11 from the minimum. CEV_POINT_NOT_CONVERGED is left for what
 * even that can not hold: several bins without data driven to N = 0 at once, where N is lost in the rounding of what
 * is expected there.
 *
 * Where pulls outnumber the components that they move differently, the shifts of these are the variables of the fit,
 * so that two pulls on one signal, however strong, are no trouble (unless the shifts are so nearly one another that
 * their covariance loses six digits: then the pulls are); and a pulled signal of more than 1e12 counts in a bin is
 * treated as one of 1e12.
 *
 * That is the fit of groups whose pulls are Gaussian, correlated or not, without bounds, and act with weight and power
 * 1. Groups of which one pull is not Gaussian, is bounded or given, or one link has a weight or a power, are general
 * ones (stats/profile_general.h). Their variables are their pulls. They are fitted without their bounds first, so that
 * a bound that does not bind changes no bit; where a pull ended beyond its bounds, within them, with those held that
 * press against a bound, which they then have as their value exactly. Lognormal constraints above a = e - 1 and powers
 * of 2 can make chi2 other than convex: then each step has to lower it, and the fit ends in a minimum (its Hessian
 * positive definite where pulls are not held) downhill from zero pulls, or from the start, without proof that it is the
 * lowest. Free pulls that nothing tells stay at 0, and those that data tell together only share what is told, each by
 * what the data would tell of it alone. The careful fit of these groups (stats/profile_careful_general.c) ends within
 * 1e-11 of the minimum, too. Given pulls may leave nothing to be expected where there are data, or less than nothing: a
 * point where no other pulls were found that mend that is CEV_POINT_IMPOSSIBLE. */
#ifndef CEVSCAN_PROFILE_H
#define CEVSCAN_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "cevscan/lanes.h"
#include "cevscan/point_status.h"
#include "cevscan/pull_constraint.h"
#include "cevscan/status.h"

enum { CEV_PROFILE_MAX_COMPONENTS = 16, CEV_PROFILE_MAX_PULLS = 64 }; /* of a channel; of a fit */

typedef struct cev_channel {
    size_t n_bin;
    size_t n_background;      /* < CEV_PROFILE_MAX_COMPONENTS */
    const double *background; /* [n_background][n_bin], >= 0; copied */
    const double *variance;   /* [n_bin], > 0, copied: a Gaussian channel; NULL: Poisson */
    size_t n_shape;           /* n_background + n_shape < CEV_PROFILE_MAX_COMPONENTS */
} cev_channel;

/* Pull number `pull` scales component `component` (0 is the signal, 1.. the backgrounds, n_background + 1.. the
 * shapes) of channel `channel`: its scale has the term weight * a^power. */
typedef struct cev_pull_link {
    size_t pull, channel, component;
    double weight; /* 0 stands for 1 */
    int power;     /* 1 or 2; 0 stands for 1 */
} cev_pull_link;

/* What is known of a pull before any data. */
typedef struct cev_pull_prior {
    cev_pull_constraint constraint;
    double low, high; /* bounds, low <= 0 <= high; -INFINITY and INFINITY: none. Not looked at where it is given */
    bool given;       /* the pull is not minimised: every point brings its value, and its constraint counts in chi2 */
} cev_pull_prior;

typedef struct cev_profile_spec {
    size_t n_channel;
    const cev_channel *channel; /* [n_channel] */
    size_t n_pull;
    const double *sigma;         /* [n_pull], > 0, with finite squares; not looked at where a pull is free */
    const cev_pull_prior *prior; /* [n_pull], or NULL: all Gaussian, without bounds, none given */
    const double *correlation;   /* [n_pull][n_pull], positive definite, of Gaussian pulls; NULL: none are correlated */
    size_t n_link;
    const cev_pull_link *link; /* [n_link], no two alike */
} cev_profile_spec;

/* The fit: constant, shared by all threads. Owned by its creator. */
typedef struct cev_profile cev_profile;

/* CEV_E_INPUT for what makes no sense: a sigma that is not positive, above 3 of a gamma or lognormal constraint; bounds
 * that exclude 0; correlations that are not symmetric, not positive definite, or of a pull that is not Gaussian; links
 * to nowhere, weights that are not finite, powers other than 1 and 2. Pulls that are given and act nowhere count in the
 * first group. */
cev_status cev_profile_create(const cev_profile_spec *spec, cev_profile **out);
void cev_profile_destroy(cev_profile **profile);

/* Channels that are minimised together form a group; groups are numbered in the order of their first channels. */
size_t cev_profile_n_group(const cev_profile *profile);
size_t cev_profile_group_of_channel(const cev_profile *profile, size_t channel);

/* What the constraints of the pulls add to chi2 at pull[n_pull], correlations included: infinite outside of a
 * constraint's range; bounds are not looked at. */
double cev_profile_penalty(const cev_profile *profile, const double *pull);

/* Scratch memory of one thread. */
typedef struct cev_profile_scratch cev_profile_scratch;

cev_status cev_profile_scratch_create(const cev_profile *profile, cev_profile_scratch **out);
void cev_profile_scratch_destroy(cev_profile_scratch **scratch);

typedef struct cev_profile_result {
    cev_lanes chi2;
    cev_lanes_mask status; /* cev_point_status per lane */
    cev_lanes *pull;       /* [n_pull], or NULL if they are not wanted; NaN where the status is not CEV_POINT_OK */
    cev_lanes
        *variable; /* [n_variable], or NULL: the variables of the fit where it ended, from which others may start */
    cev_lanes *group_chi2; /* [n_group], or NULL */
    cev_lanes *const
        *predicted; /* [n_channel][n_bin], or NULL: the counts that chi2 is made of; NaN as the pulls are */
} cev_profile_result;

/* What is minimised over: the pulls that act on something, or, where they are more than what they move differently,
 * sums of them; of a general group its pulls, the given ones included. */
size_t cev_profile_n_variable(const cev_profile *profile);

/* Profiles a block of CEV_LANES points. given[n_pull] has the values of the pulls that are given (others are not looked
 * at; NULL: zeros); data[n_channel] points to [n_bin] counts, signal[n_channel] to [1 + n_shape][n_bin] lanes, the
 * signal first; start[n_variable] is where the fits start, NULL for the least-squares solution. From a good start one
 * step instead of four is enough; from a bad one it may take longer, but the minimum is the same, to well below the
 * tolerance, where chi2 is convex. Allocates nothing, cannot fail: what goes wrong with a point is in its status. */
void cev_profile_block(const cev_profile *profile, cev_profile_scratch *scratch, const double *const *data,
                       const cev_lanes *const *signal, const cev_lanes *given, const cev_lanes *start,
                       cev_profile_result *result);

/* Makes the fit use the code of one level (cev_level_best() otherwise), whose results have the same bits.
 * CEV_E_INPUT if the processor or the program does not have it. */
cev_status cev_profile_use_level(cev_profile *profile, cev_level level);

/* One bin's share 2 [N - D + D ln(D/N)] of the chi2; 2 N for D = 0, infinite for N <= 0 < D. */
double cev_poisson_deviance(double predicted, double observed);

/* The same of a Gaussian channel: (N - D)^2/variance. */
double cev_gaussian_deviance(double predicted, double observed, double variance);

#endif
