/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms of a joint chi2: those of the interaction, times each factor that experiments have. */
#include <math.h>
#include <string.h>

#include "joint_parts.h"

static double factor_at(const joint_factor *factor, const double *theta)
{
    bool is_one = factor->parameter == SIZE_MAX || isnan(theta[factor->parameter]);
    return is_one ? 1 : theta[factor->parameter] / factor->normalisation;
}

/* d factor/d theta_p; there is no second derivative. */
static double factor_slope(const joint_factor *factor, const double *theta, size_t p)
{
    return factor->parameter == p && !isnan(theta[p]) ? 1 / factor->normalisation : 0;
}

void joint_forms(const joint_chi2 *joint, const double *theta, double *form)
{
    double base[CEV_MAX_FORMS];
    joint->interaction->forms->value(theta, base);
    for (size_t b = 0; b < joint->n_factor; b++) {
        double factor = factor_at(&joint->factor[b], theta);
        for (size_t f = 0; f < joint->n_base; f++) form[b * joint->n_base + f] = factor * base[f];
    }
}

/* Values, first and second derivatives of the interaction's forms by those of the parameters that are its own; `own`
 * are their places among free[]. */
typedef struct base_forms {
    size_t n_own, own[CEV_MAX_THETA];
    double value[CEV_MAX_FORMS];
    double first[CEV_MAX_THETA][CEV_MAX_FORMS]; /* of all free ones */
} base_forms;

/* The second derivatives come to the front of second[], from where they are spread. */
static void fill_base(const joint_chi2 *joint, const double *theta, size_t n_free, const size_t *free, double *first,
                      double *second, base_forms *base)
{
    size_t parameter[CEV_MAX_THETA], n = joint->n_base;
    base->n_own = 0;
    for (size_t p = 0; p < n_free; p++)
        if (free[p] < joint->interaction->card.n_parameter) {
            parameter[base->n_own] = free[p];
            base->own[base->n_own++] = p;
        }
    joint->interaction->forms->value(theta, base->value);
    joint->interaction->forms->derivatives(theta, base->n_own, parameter, first, second);
    memset(base->first, 0, n_free * sizeof *base->first);
    for (size_t k = 0; k < base->n_own; k++) memcpy(base->first[base->own[k]], first + k * n, n * sizeof *first);
}

/* Moves second[n_own][n_own][n_base] to second[n_free][n_free][n_form], the interaction's forms without factor in
 * front of each row; from the end, so that nothing is overwritten before it has moved. */
static void spread_second(const joint_chi2 *joint, size_t n_free, const base_forms *base, double *second)
{
    size_t k = base->n_own;
    for (size_t p = n_free; p-- > 0;) {
        bool is_own = k > 0 && base->own[k - 1] == p;
        k -= is_own;
        for (size_t q = n_free, m = base->n_own; q-- > 0;) {
            double *to = second + (p * n_free + q) * joint->n_form;
            bool both = m > 0 && base->own[m - 1] == q;
            m -= both;
            if (is_own && both)
                memmove(to, second + (k * base->n_own + m) * joint->n_base, joint->n_base * sizeof *to);
            else
                memset(to, 0, joint->n_base * sizeof *to);
        }
    }
}

static void apply_factors(const joint_chi2 *joint, const double *theta, size_t p, size_t q, const base_forms *base,
                          size_t place_p, size_t place_q, double *second)
{
    double of_forms[CEV_MAX_FORMS];
    memcpy(of_forms, second, joint->n_base * sizeof *of_forms);
    for (size_t b = 0; b < joint->n_factor; b++) {
        const joint_factor *factor = &joint->factor[b];
        double value = factor_at(factor, theta);
        double by_p = factor_slope(factor, theta, p), by_q = factor_slope(factor, theta, q);
        for (size_t f = 0; f < joint->n_base; f++)
            second[b * joint->n_base + f] = value * of_forms[f] + by_p * base->first[place_q][f] +
                                            by_q * base->first[place_p][f];
    }
}

void joint_form_derivatives(const joint_chi2 *joint, const double *theta, size_t n_free, const size_t *free,
                            double *first, double *second)
{
    base_forms base;
    fill_base(joint, theta, n_free, free, first, second, &base);
    spread_second(joint, n_free, &base, second);
    for (size_t p = 0; p < n_free; p++) {
        for (size_t b = 0; b < joint->n_factor; b++) {
            double value = factor_at(&joint->factor[b], theta);
            double slope = factor_slope(&joint->factor[b], theta, free[p]);
            for (size_t f = 0; f < joint->n_base; f++)
                first[p * joint->n_form + b * joint->n_base + f] = value * base.first[p][f] + slope * base.value[f];
        }
        for (size_t q = 0; q < n_free; q++)
            apply_factors(joint, theta, free[p], free[q], &base, p, q, second + (p * n_free + q) * joint->n_form);
    }
}
