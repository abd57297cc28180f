/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cev_profile_create() refuses. */
#include <math.h>

#include "profile_plan.h"

#define MOST_SKEWED_SIGMA 3      /* of gamma and lognormal constraints: beyond, they say nothing of what is meant */
#define LEAST_UNCORRELATED 1e-14 /* share of a pull's variance that others may leave it: below is rounding */

static const cev_pull_prior plain = {CEV_CONSTRAINT_GAUSSIAN, -INFINITY, INFINITY, false};

cev_pull_prior cev_prior_of(const cev_profile_spec *spec, size_t pull)
{
    return spec->prior ? spec->prior[pull] : plain;
}

static bool is_skewed(cev_pull_constraint constraint)
{
    return constraint == CEV_CONSTRAINT_GAMMA || constraint == CEV_CONSTRAINT_LOGNORMAL;
}

static cev_status check_pull(const cev_profile_spec *spec, size_t p)
{
    const cev_pull_prior prior = cev_prior_of(spec, p);
    if (prior.constraint >= CEV_N_CONSTRAINTS)
        return cev_fail(CEV_E_INPUT, "pull %zu has constraint number %d; there are %d", p, (int)prior.constraint,
                        (int)CEV_N_CONSTRAINTS);
    if (!(prior.low <= 0 && prior.high >= 0))
        return cev_fail(CEV_E_INPUT, "the bounds of pull %zu are %g and %g; 0 must lie between them", p, prior.low,
                        prior.high);
    if (prior.constraint == CEV_CONSTRAINT_NONE) return CEV_OK;
    double sigma = spec->sigma[p];
    if (!(sigma > 0) || !isnormal(sigma * sigma))
        return cev_fail(CEV_E_INPUT,
                        "the uncertainty of pull %zu is %g; it must be positive, and its square a finite number", p,
                        sigma);
    if (is_skewed(prior.constraint) && sigma > MOST_SKEWED_SIGMA)
        return cev_fail(CEV_E_INPUT, "the uncertainty of pull %zu is %g; that of a %s constraint is at most %d", p,
                        sigma, cev_pull_constraint_names[prior.constraint], MOST_SKEWED_SIGMA);
    return CEV_OK;
}

static cev_status check_channel(const cev_channel *channel, size_t c)
{
    if (channel->n_background + channel->n_shape >= CEV_PROFILE_MAX_COMPONENTS)
        return cev_fail(CEV_E_INPUT, "%zu backgrounds and %zu shapes in one channel; at most %d together are possible",
                        channel->n_background, channel->n_shape, CEV_PROFILE_MAX_COMPONENTS - 1);
    for (size_t i = 0; i < channel->n_background * channel->n_bin; i++)
        if (!(channel->background[i] >= 0) || isinf(channel->background[i]))
            return cev_fail(CEV_E_INPUT, "a background of channel %zu is negative or not finite", c);
    for (size_t i = 0; channel->variance && i < channel->n_bin; i++)
        if (!(channel->variance[i] > 0) || isinf(channel->variance[i]))
            return cev_fail(CEV_E_INPUT, "a variance of channel %zu is not positive or not finite", c);
    return CEV_OK;
}

static cev_status check_link(const cev_profile_spec *spec, size_t k)
{
    const cev_pull_link *l = &spec->link[k];
    if (l->pull >= spec->n_pull || l->channel >= spec->n_channel ||
        l->component > spec->channel[l->channel].n_background + spec->channel[l->channel].n_shape)
        return cev_fail(CEV_E_INPUT, "pull link %zu points nowhere", k);
    if (!isfinite(l->weight)) return cev_fail(CEV_E_INPUT, "the weight of pull link %zu is %g", k, l->weight);
    if (l->power < 0 || l->power > 2)
        return cev_fail(CEV_E_INPUT, "pull link %zu has power %d; 1 and 2 are possible", k, l->power);
    return CEV_OK;
}

static cev_status check_pair(const cev_profile_spec *spec, size_t p, size_t q)
{
    double one = spec->correlation[p * spec->n_pull + q], other = spec->correlation[q * spec->n_pull + p];
    if (p == q && one != 1)
        return cev_fail(CEV_E_INPUT, "the correlation of pull %zu with itself is %g; it must be 1", p, one);
    if (one != other)
        return cev_fail(CEV_E_INPUT, "the correlations of pulls %zu and %zu are not symmetric: %g and %g", p, q, one,
                        other);
    if (!(fabs(one) <= 1))
        return cev_fail(CEV_E_INPUT, "the correlation of pulls %zu and %zu is %g; it must be from -1 to 1", p, q, one);
    for (size_t k = 0; p != q && one != 0 && k < 2; k++) {
        size_t pull = k == 0 ? p : q;
        cev_pull_constraint constraint = cev_prior_of(spec, pull).constraint;
        if (constraint != CEV_CONSTRAINT_GAUSSIAN)
            return cev_fail(CEV_E_INPUT,
                            "pulls %zu and %zu are correlated, but the constraint of pull %zu is %s; only "
                            "Gaussian pulls can be",
                            p, q, pull, cev_pull_constraint_names[constraint]);
    }
    return CEV_OK;
}

static cev_status check_correlation(const cev_profile_spec *spec)
{
    quad matrix[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS], l[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS];
    size_t n = spec->n_pull;
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q <= p; q++) CEV_TRY(check_pair(spec, p, q));
    for (size_t k = 0; k < n * n; k++) matrix[k] = spec->correlation[k];
    if (!cev_quad_cholesky(n, matrix, LEAST_UNCORRELATED, l))
        return cev_fail(CEV_E_INPUT, "the correlations of the pulls are not positive definite");
    return CEV_OK;
}

cev_status cev_profile_check(const cev_profile_spec *spec)
{
    if (spec->n_pull > CEV_PROFILE_MAX_PULLS)
        return cev_fail(CEV_E_INPUT, "%zu pulls in one fit; at most %d are possible", spec->n_pull,
                        CEV_PROFILE_MAX_PULLS);
    for (size_t p = 0; p < spec->n_pull; p++) CEV_TRY(check_pull(spec, p));
    for (size_t c = 0; c < spec->n_channel; c++) CEV_TRY(check_channel(&spec->channel[c], c));
    for (size_t k = 0; k < spec->n_link; k++) CEV_TRY(check_link(spec, k));
    return spec->correlation ? check_correlation(spec) : CEV_OK;
}
