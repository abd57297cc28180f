/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The likelihood of one channel, Poisson or Gaussian, on a block of points, as a function of the scale of each component. */
#ifndef CEVSCAN_STATS_LIKELIHOOD_LANES_H
#define CEVSCAN_STATS_LIKELIHOOD_LANES_H

#include "cevscan/profile.h"
#include "lanes_math.h"

/* In a bin without data nothing keeps N from turning negative; counting this much data there does, for the minimiser only and
 * never in the chi2 that is reported. It moves chi2 by about twice as much. The share of the expected counts keeps the border
 * further away than the rounding of N; it is the larger one from 250 expected counts on. */
#define BARRIER_COUNTS 1e-12
#define BARRIER_SHARE 4e-15

typedef struct channel_counts {
    size_t n_bin, n_background;
    const double *data;         /* [n_bin] */
    const double *background;   /* [n_background][n_bin] */
    const double *weight;       /* [n_bin], 1/variance of a Gaussian channel; NULL: Poisson */
    const cev_lanes *signal;    /* [1 + n_shape][n_bin] */
    size_t n_shape;             /* components after the backgrounds: changes of either sign, whose scale is zero without pulls */
} channel_counts;

/* First and second derivatives of chi2/2 with respect to the scales s_c of the components. */
typedef struct channel_slopes {
    cev_lanes *gradient;    /* [n_component] */
    cev_lanes *hessian;     /* [n_component][n_component], lower triangle */
} channel_slopes;

CEV_INLINE cev_lanes component_counts(const channel_counts *c, size_t component, size_t bin)
{
    if (c->n_shape && component > c->n_background) return c->signal[(component - c->n_background) * c->n_bin + bin];
    return component == 0 ? c->signal[bin] : lanes_set(c->background[(component - 1) * c->n_bin + bin]);
}

CEV_INLINE cev_lanes predicted_counts(const channel_counts *c, size_t n_component, const cev_lanes *scale, size_t bin)
{
    cev_lanes n = c->signal[bin] * scale[0];
    for (size_t k = 1; k < n_component; k++) n += component_counts(c, k, bin) * scale[k];
    return n;
}

/* Without pulls. */
CEV_INLINE cev_lanes expected_counts(const channel_counts *c, size_t n_component, size_t bin)
{
    cev_lanes expected = {0};
    for (size_t k = 0; k < n_component - c->n_shape; k++) expected += component_counts(c, k, bin);
    return expected;
}

CEV_INLINE cev_lanes larger(cev_lanes a, cev_lanes b)
{
    return lanes_select(a > b, a, b);
}

CEV_INLINE cev_lanes barrier_counts(const channel_counts *c, size_t n_component, size_t bin, cev_lanes barrier)
{
    cev_lanes expected = expected_counts(c, n_component, bin);
    return larger(barrier, larger(BARRIER_SHARE * expected, lanes_set(BARRIER_COUNTS)));
}

/* What the gradient and Hessian of a channel are weighted with. */
typedef enum channel_weights { WEIGHTS_POISSON, WEIGHTS_LEAST_SQUARES, WEIGHTS_GAUSSIAN } channel_weights;

/* n_component and weights are arguments so that they can be compile-time constants. The weights of the gradient and Hessian
 * are those of the likelihood, or, for the start, of least squares with variances max(D, 1) for Poisson counts. Bins without data count
 * `barrier`, at least. Returns the lanes where some bin is predicted negative or not a
 * number; of a Gaussian channel, not a finite number. */
CEV_INLINE cev_lanes_mask accumulate(const channel_counts *c, size_t n_component, channel_weights weights, cev_lanes barrier,
                                     const cev_lanes *scale, channel_slopes *out)
{
    cev_lanes gradient[CEV_PROFILE_MAX_COMPONENTS], hessian[CEV_PROFILE_MAX_COMPONENTS * CEV_PROFILE_MAX_COMPONENTS];
    cev_lanes_mask good = {0};
    good = ~good;
    for (size_t k = 0; k < n_component; k++) {
        gradient[k] = (cev_lanes){0};
        for (size_t j = 0; j <= k; j++) hessian[k * n_component + j] = (cev_lanes){0};
    }
    for (size_t i = 0; i < c->n_bin; i++) {
        cev_lanes n = predicted_counts(c, n_component, scale, i), weight, curvature;
        double d = c->data[i];
        good &= weights == WEIGHTS_GAUSSIAN ? n - n == 0 : n >= 0;
        if (weights == WEIGHTS_GAUSSIAN) {
            curvature = lanes_set(c->weight[i]);
            weight = (n - d) * c->weight[i];
        } else if (weights == WEIGHTS_LEAST_SQUARES) {
            double inverse_variance = 1 / (d > 1 ? d : 1);
            curvature = lanes_set(inverse_variance);
            weight = (n - d) * inverse_variance;
        } else {
            /* An empty bin (N = 0) adds nothing; its 1/N must not become a NaN. */
            cev_lanes inverse = (cev_lanes)((cev_lanes_mask)(1.0 / n) & (n > 0));
            cev_lanes counts = d > 0 ? lanes_set(d) : barrier_counts(c, n_component, i, barrier);
            weight = (n - counts) * inverse; /* exactly zero where the prediction is the data */
            curvature = counts * inverse * inverse;
        }
        for (size_t k = 0; k < n_component; k++) {
            cev_lanes counts = component_counts(c, k, i), curved = counts * curvature;
            gradient[k] += counts * weight;
            for (size_t j = 0; j <= k; j++) hessian[k * n_component + j] += curved * component_counts(c, j, i);
        }
    }
    for (size_t k = 0; k < n_component; k++) {
        out->gradient[k] = gradient[k];
        for (size_t j = 0; j <= k; j++) out->hessian[k * n_component + j] = hessian[k * n_component + j];
    }
    return ~good;
}

/* Bins without data. */
CEV_INLINE size_t n_empty_bins(const channel_counts *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_bin; i++) n += c->data[i] == 0;
    return n;
}

/* Lanes where a bin that components add counts to is predicted all but empty. */
CEV_INLINE cev_lanes_mask near_nothing(const channel_counts *c, size_t n_component, size_t bin, const cev_lanes *scale)
{
    cev_lanes expected = expected_counts(c, n_component, bin);
    return (expected > 0) & (predicted_counts(c, n_component, scale, bin) < 1e-6 * larger(expected, lanes_set(1)));
}

/* Largest share -dN/N of a bin's counts that a full step takes away: the inverse of the longest step that leaves all N >= 0.
 * step[n_component] are the changes of the scales. */
CEV_INLINE cev_lanes largest_loss(const channel_counts *c, size_t n_component, const cev_lanes *scale, const cev_lanes *step)
{
    cev_lanes largest = {0};
    for (size_t i = 0; !c->weight && i < c->n_bin; i++) {
        cev_lanes n = predicted_counts(c, n_component, scale, i), loss = -predicted_counts(c, n_component, step, i) / n;
        largest = lanes_select((n > 0) & (loss > largest), loss, largest);
    }
    return largest;
}

/* Sum over bins of (N - D)^2/variance. */
CEV_INLINE cev_lanes squares(const channel_counts *c, size_t n_component, const cev_lanes *scale)
{
    cev_lanes sum = {0};
    for (size_t i = 0; i < c->n_bin; i++) {
        cev_lanes difference = predicted_counts(c, n_component, scale, i) - c->data[i];
        sum += difference * difference * c->weight[i];
    }
    return sum;
}

/* Sum over bins of 2 [N - D - D ln(N/D)]; infinite where a bin with data is predicted empty, not a number where a
 * bin is predicted negative. */
CEV_INLINE cev_lanes deviance(const channel_counts *c, size_t n_component, const cev_lanes *scale)
{
    if (c->weight) return squares(c, n_component, scale);
    cev_lanes sum = {0}, infinite = lanes_set(INFINITY), invalid = lanes_set(NAN);
    for (size_t i = 0; i < c->n_bin; i++) {
        cev_lanes n = predicted_counts(c, n_component, scale, i);
        double d = c->data[i];
        cev_lanes share = n;
        if (d > 0) share = lanes_select(n > 0, n - d - d * lanes_log(n / d), infinite);
        sum += lanes_select(n >= 0, share, invalid);
    }
    return 2.0 * sum;
}

#endif
