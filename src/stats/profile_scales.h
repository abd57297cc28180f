/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the variables of a group, whichever kind it is, scale the components of its channels, and what is known of them
 * before any data, with derivatives; on part of a block of points. For files that are compiled once for each level.
 *
 * A scale is 1 (0 of a shape) plus a sum of terms of one variable each, so with chi2/2 = L(scales) + C(variables),
 *
 *     dchi2/2/dv       = sum_{t on v} L_c(t) s_t + C_v,
 *     d2chi2/2/dv dw   = sum_{t on v, u on w} L_c(t)c(u) s_t s_u + [v = w] sum_{t on v} L_c(t) k_t + C_vw,
 *
 * s_t and k_t the first and second derivatives of a term (term_slope, term_curvature). */
#ifndef CEVSCAN_STATS_PROFILE_SCALES_H
#define CEVSCAN_STATS_PROFILE_SCALES_H

#include "lanes_math.h"
#include "profile_plan.h"

/* ln(1 + a) and a - ln(1 + a), to rounding where a is small, too; a > -1. */
typedef struct lanes_log_one_plus {
    lanes log, rest;
} lanes_log_one_plus;

CEV_INLINE lanes_log_one_plus lanes_log_1p(lanes a)
{
    lanes_mask small = (a > -0.29) & (a < 0.41); /* where s is in the range of the series */
    lanes far = lanes_log(lanes_select(small, lanes_set(1), 1.0 + a)), near = lanes_select(small, a, (lanes){0});
    lanes s = near / (2.0 + near), rest = s * (near - 2.0 * lanes_artanh_series(s)); /* ln(1 + a) = 2 artanh(s) */
    return (lanes_log_one_plus){.log = lanes_select(small, near - rest, far),
                                .rest = lanes_select(small, rest, a - far)};
}

/* scale[n_component] of a channel at variable[n_variable] of its group. */
CEV_INLINE void term_scales(const plan_channel *channel, const lanes *variable, lanes *scale)
{
    for (size_t k = 0; k < channel->n_component; k++) scale[k] = lanes_set(k < channel->n_component - channel->n_shape);
    for (size_t l = 0; l < channel->n_term; l++) {
        const plan_term *t = &channel->term[l];
        lanes a = variable[t->variable];
        scale[t->component] += t->weight * (t->power == 2 ? a * a : a);
    }
}

CEV_INLINE lanes term_slope(const plan_term *t, const lanes *variable)
{
    return t->power == 2 ? 2 * t->weight * variable[t->variable] : lanes_set(t->weight);
}

CEV_INLINE double term_curvature(const plan_term *t)
{
    return t->power == 2 ? 2 * t->weight : 0;
}

/* Derivatives of half of the term of one variable alone, a > -1 where its constraint has that range; none of Gaussian
 * pulls, which may be correlated. `second` is positive + rest, `positive` > 0 what of it never is negative. */
typedef struct prior_slopes {
    lanes first, positive, rest;
} prior_slopes;

CEV_INLINE prior_slopes slopes_of_prior(const plan_group *g, size_t v, lanes a)
{
    prior_slopes none = {{0}, {0}, {0}};
    if (!g->prior) return none;
    cev_pull_constraint constraint = g->prior[v].constraint;
    if (constraint != CEV_CONSTRAINT_GAMMA && constraint != CEV_CONSTRAINT_LOGNORMAL) return none;
    lanes inverse = 1.0 / ((1.0 + a) * g->sigma[v]), square = inverse * inverse;
    if (constraint == CEV_CONSTRAINT_GAMMA) return (prior_slopes){a * inverse / g->sigma[v], square, {0}};
    lanes log = lanes_log_1p(a).log;
    return (prior_slopes){log * inverse / g->sigma[v], square, -log * square};
}

/* What the constraints add to the derivatives of chi2/2: gradient[n_variable], hessian[n_variable][n_variable] (lower
 * triangle). The Hessian is exact: it need not be positive, and is 0 for free pulls. */
CEV_INLINE void add_constraint_slopes(const plan_group *g, const lanes *variable, lanes *gradient, lanes *hessian)
{
    size_t n = g->n_variable;
    for (size_t v = 0; v < n; v++) {
        prior_slopes own = slopes_of_prior(g, v, variable[v]);
        gradient[v] += own.first;
        hessian[v * n + v] += own.positive + own.rest;
        for (size_t w = 0; w < n; w++) gradient[v] += g->inverse_covariance[v * n + w] * variable[w];
        for (size_t w = 0; w <= v; w++) hessian[v * n + w] += g->inverse_covariance[v * n + w];
    }
}

/* What the constraints add to chi2; infinite outside of their range. */
CEV_INLINE lanes constraint_chi2(const plan_group *g, const lanes *variable)
{
    size_t n = g->n_variable;
    lanes sum = {0};
    for (size_t v = 0; v < n; v++) {
        for (size_t w = 0; w < n; w++) sum += g->inverse_covariance[v * n + w] * variable[v] * variable[w];
        cev_pull_constraint constraint = g->prior ? g->prior[v].constraint : CEV_CONSTRAINT_GAUSSIAN;
        if (constraint != CEV_CONSTRAINT_GAMMA && constraint != CEV_CONSTRAINT_LOGNORMAL) continue;
        lanes_log_one_plus one_plus = lanes_log_1p(variable[v]);
        lanes pull = one_plus.log / g->sigma[v], gamma = 2.0 * one_plus.rest / (g->sigma[v] * g->sigma[v]);
        lanes own = constraint == CEV_CONSTRAINT_GAMMA ? gamma : pull * pull;
        sum += lanes_select(variable[v] > -1.0, own, lanes_set(INFINITY));
    }
    return sum;
}

/* Lanes where a variable that ended at `a` does not follow: it is given, or sits at a bound. A fit ends exactly at a
 * bound only where that holds the variable. */
CEV_INLINE lanes_mask is_held(const plan_group *g, size_t v, lanes a)
{
    lanes_mask none = {0};
    if (!g->prior) return none;
    return g->prior[v].given ? ~none : (a <= g->prior[v].low) | (a >= g->prior[v].high);
}

#endif
