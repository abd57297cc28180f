/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of pulls before any data: correlations, and what makes a group a general one. */
#include <math.h>
#include <string.h>

#include "profile_plan.h"

/* Most of V^-1_ii V_ii, by which the rounding of t V^-1 t grows: the inverse of the share of a shift's, or a pull's,
 * variance that others do not have. */
#define MOST_INFLATION 1e6

bool cev_is_inflated(size_t n, const quad *covariance, const quad *inverse)
{
    for (size_t i = 0; i < n; i++)
        if (inverse[i * n + i] * covariance[i * n + i] > MOST_INFLATION) return true;
    return false;
}

quad cev_pull_covariance(const cev_profile *profile, size_t one, size_t other)
{
    quad product = (quad)profile->sigma[one] * profile->sigma[other];
    if (one == other) return product;
    return profile->correlation ? product * profile->correlation[one * profile->n_pull + other] : 0;
}

bool cev_profile_correlated(const cev_profile *profile, size_t one, size_t other)
{
    return one == other || (profile->correlation && profile->correlation[one * profile->n_pull + other] != 0);
}

static bool has_correlations(const cev_profile_spec *spec)
{
    for (size_t p = 0; spec->correlation && p < spec->n_pull; p++)
        for (size_t q = 0; q < p; q++)
            if (spec->correlation[p * spec->n_pull + q] != 0) return true;
    return false;
}

/* Rows and columns of pulls that are not Gaussian are those of a unit matrix: they are correlated with nothing. */
static cev_status copy_correlations(const cev_profile_spec *spec, cev_profile *profile)
{
    quad covariance[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS];
    size_t n = spec->n_pull;
    CEV_TRY(cev_new(profile->arena, n * n, &profile->correlation));
    CEV_TRY(cev_new(profile->arena, n * n, &profile->precision));
    memcpy(profile->correlation, spec->correlation, n * n * sizeof *profile->correlation);
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q < n; q++) {
            bool gaussian = profile->prior[p].constraint == CEV_CONSTRAINT_GAUSSIAN;
            covariance[p * n + q] = gaussian && cev_profile_correlated(profile, p, q)
                                        ? cev_pull_covariance(profile, p, q)
                                        : (quad)(p == q);
        }
    if (!cev_quad_invert(n, covariance, profile->precision))
        return cev_fail(CEV_E_INPUT, "the correlations of the pulls are not positive definite");
    return CEV_OK;
}

cev_status cev_profile_copy_priors(const cev_profile_spec *spec, cev_profile *profile)
{
    CEV_TRY(cev_new(profile->arena, spec->n_pull, &profile->sigma));
    CEV_TRY(cev_new(profile->arena, spec->n_pull, &profile->prior));
    for (size_t p = 0; p < spec->n_pull; p++) {
        profile->prior[p] = cev_prior_of(spec, p);
        profile->sigma[p] = profile->prior[p].constraint == CEV_CONSTRAINT_NONE ? 1 : spec->sigma[p];
    }
    return has_correlations(spec) ? copy_correlations(spec, profile) : CEV_OK;
}

/* --- general groups ---------------------------------------------------------------------------------------------- */

static bool has_bound(const cev_pull_prior *prior)
{
    return !prior->given && (prior->low > -INFINITY || prior->high < INFINITY);
}

/* What makes the group general, bounds aside; notes on the way what else is to be known of it. */
static bool is_general_inside(const cev_profile *profile, plan_group *group)
{
    bool general = false;
    for (size_t k = 0; k < group->n_pull; k++) {
        const cev_pull_prior *prior = &profile->prior[group->pull[k]];
        general |= prior->given || prior->constraint != CEV_CONSTRAINT_GAUSSIAN;
        group->bounded |= has_bound(prior);
        group->curved |= !prior->given && prior->constraint == CEV_CONSTRAINT_LOGNORMAL;
    }
    for (size_t k = 0; k < group->n_channel; k++) {
        const plan_channel *channel = &profile->channel[group->channel[k]];
        for (size_t t = 0; t < channel->n_term; t++) {
            general |= channel->term[t].weight != 1 || channel->term[t].power != 1;
            group->curved |= channel->term[t].power != 1;
        }
    }
    return general;
}

static bool is_correlated(const cev_profile *profile, const plan_group *group)
{
    for (size_t k = 0; k < group->n_pull; k++)
        for (size_t j = 0; j < k; j++)
            if (cev_profile_correlated(profile, group->pull[k], group->pull[j])) return true;
    return false;
}

static cev_status copy_root(cev_profile *profile, plan_group *group)
{
    quad covariance[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS], l[CEV_PROFILE_MAX_PULLS * CEV_PROFILE_MAX_PULLS];
    size_t n = group->n_pull;
    double *root;
    CEV_TRY(cev_new(profile->arena, n * n, &root));
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q <= p; q++)
            covariance[p * n + q] = cev_pull_covariance(profile, group->pull[p], group->pull[q]);
    if (!cev_quad_cholesky(n, covariance, 1e-25, l))
        return cev_fail(CEV_E_INPUT, "the correlations of the pulls are not positive definite");
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q <= p; q++) root[p * n + q] = (double)l[p * n + q];
    group->root = root;
    return CEV_OK;
}

static quad precision_of(const cev_profile *profile, size_t p, size_t q)
{
    if (profile->prior[p].constraint != CEV_CONSTRAINT_GAUSSIAN ||
        profile->prior[q].constraint != CEV_CONSTRAINT_GAUSSIAN)
        return 0;
    if (profile->precision) return profile->precision[p * profile->n_pull + q];
    return p == q ? 1 / ((quad)profile->sigma[p] * profile->sigma[p]) : 0;
}

static cev_status use_general(cev_profile *profile, plan_group *group)
{
    cev_pull_prior *prior;
    size_t n = group->n_variable = group->n_pull;
    CEV_TRY(cev_new(profile->arena, n, &prior));
    for (size_t p = 0; p < n; p++) {
        group->sigma[p] = profile->sigma[group->pull[p]];
        prior[p] = profile->prior[group->pull[p]];
        for (size_t q = 0; q < n; q++)
            group->inverse_covariance[p * n + q] = (double)precision_of(profile, group->pull[p], group->pull[q]);
        double sigma = group->sigma[p];
        group->all_careful |= group->inverse_covariance[p * n + p] * sigma * sigma > MOST_INFLATION;
    }
    group->prior = prior;
    for (size_t k = 0; k < group->n_channel; k++) /* a strong signal is not scaled down: what bounds say, counts */
        profile->channel[group->channel[k]].signal_is_pulled = false;
    return CEV_OK;
}

cev_status cev_profile_lay_out_general(cev_profile *profile, plan_group *group)
{
    bool general = is_general_inside(profile, group);
    group->general = general || group->bounded;
    if (is_correlated(profile, group)) CEV_TRY(copy_root(profile, group));
    if (!group->general) return CEV_OK;
    if (!general) {
        CEV_TRY(cev_new(profile->arena, 1, &group->inside));
        *group->inside = *group;
        group->inside->inside = NULL;
        group->inside->general = group->inside->bounded = false;
        CEV_TRY(cev_plan_group_allocate(profile->arena, group->n_pull, group->inside));
    }
    return use_general(profile, group);
}

/* --- the penalty of pulls ---------------------------------------------------------------------------------------- */

double cev_profile_penalty(const cev_profile *profile, const double *pull)
{
    quad gaussian = 0;
    double sum = 0;
    for (size_t p = 0; p < profile->n_pull; p++) {
        cev_pull_constraint constraint = profile->prior[p].constraint;
        if (constraint != CEV_CONSTRAINT_GAUSSIAN || !profile->precision)
            sum += cev_pull_constraint_chi2(constraint, profile->sigma[p], pull[p]);
        for (size_t q = 0; profile->precision && q < profile->n_pull; q++)
            gaussian += precision_of(profile, p, q) * pull[p] * pull[q];
    }
    return sum + (double)gaussian;
}
