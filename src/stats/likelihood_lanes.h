/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The likelihood of one channel, Poisson or Gaussian, on part of a block of points, as a function of the scale of each
 * component. */
#ifndef CEVSCAN_STATS_LIKELIHOOD_LANES_H
#define CEVSCAN_STATS_LIKELIHOOD_LANES_H

#include "cevscan/profile.h"
#include "lanes_math.h"

/* In a bin without data nothing keeps N from turning negative; counting this much data there does, for the minimiser
 * only and never in the chi2 that is reported. It moves chi2 by about twice as much. The share of the expected counts
 * keeps the border further away than the rounding of N; it is the larger one from 250 expected counts on. */
#define BARRIER_COUNTS 1e-12
#define BARRIER_SHARE 4e-15

/* Data of a full channel: neither the inverse nor a product of two overflows. Tails of smeared spectra may be smaller.
 */
#define LEAST_FULL_DATA 1e-140
#define MOST_FULL_DATA 1e140
#define INSTEAD_OF_NOTHING 1e150 /* stands for an empty prediction, whose inverse is to add nothing */

typedef struct channel_counts {
    size_t n_bin, n_background;
    const double *data;         /* [n_bin] */
    const double *inverse_data; /* [n_bin], of a full channel: Poisson, with data in every bin */
    const double *background;   /* [n_background][n_bin] */
    const double *weight;       /* [n_bin], 1/variance of a Gaussian channel; NULL: Poisson */
    const double *signal;       /* [1 + n_shape][n_bin][CEV_LANES], from the part's first lane on */
    size_t n_shape; /* components after the backgrounds: changes of either sign, whose scale is zero without pulls */
} channel_counts;

/* First and second derivatives of chi2/2 with respect to the scales s_c of the components. */
typedef struct channel_slopes {
    lanes gradient[CEV_PROFILE_MAX_COMPONENTS];
    lanes hessian[CEV_PROFILE_MAX_COMPONENTS *
                  CEV_PROFILE_MAX_COMPONENTS]; /* [n_component][n_component], lower triangle */
} channel_slopes;

/* What the gradient and Hessian of a channel are weighted with: its likelihood, that of a full channel, or, for a
 * start, least squares with variances max(D, 1) for Poisson counts. */
typedef enum channel_weights {
    WEIGHTS_POISSON,
    WEIGHTS_POISSON_FULL,
    WEIGHTS_LEAST_SQUARES,
    WEIGHTS_GAUSSIAN
} channel_weights;

CEV_INLINE lanes component_counts(const channel_counts *c, size_t component, size_t bin)
{
    if (c->n_shape && component > c->n_background)
        return lanes_load(c->signal + ((component - c->n_background) * c->n_bin + bin) * CEV_LANES);
    return component == 0 ? lanes_load(c->signal + bin * CEV_LANES)
                          : lanes_set(c->background[(component - 1) * c->n_bin + bin]);
}

CEV_INLINE lanes predicted_counts(const channel_counts *c, size_t n_component, const lanes *scale, size_t bin)
{
    lanes n = component_counts(c, 0, bin) * scale[0];
    for (size_t k = 1; k < n_component; k++) n += component_counts(c, k, bin) * scale[k];
    return n;
}

/* The same without pulls, to the last bit. */
CEV_INLINE lanes expected_counts(const channel_counts *c, size_t n_component, size_t bin)
{
    lanes n = component_counts(c, 0, bin);
    for (size_t k = 1; k < n_component - c->n_shape; k++) n += component_counts(c, k, bin);
    return n;
}

CEV_INLINE lanes barrier_counts(const channel_counts *c, size_t n_component, size_t bin, lanes barrier)
{
    lanes expected = expected_counts(c, n_component, bin);
    return lanes_larger(barrier, lanes_larger(BARRIER_SHARE * expected, lanes_set(BARRIER_COUNTS)));
}

/* How a bin's chi2/2 depends on its counts: first derivative, exactly zero where the prediction is the data, and
 * second. */
typedef struct bin_slopes {
    lanes first, second;
} bin_slopes;

CEV_INLINE bin_slopes poisson_slopes(lanes n, lanes counts, lanes inverse)
{
    return (bin_slopes){.first = (n - counts) * inverse, .second = counts * inverse * inverse};
}

CEV_INLINE bin_slopes slopes_of_bin(const channel_counts *c, size_t n_component, channel_weights weights, lanes barrier,
                                    size_t bin, lanes n)
{
    double d = c->data[bin];
    if (weights == WEIGHTS_GAUSSIAN) return (bin_slopes){(n - d) * c->weight[bin], lanes_set(c->weight[bin])};
    double inverse_variance = 1 / (d > 1 ? d : 1);
    if (weights == WEIGHTS_LEAST_SQUARES) return (bin_slopes){(n - d) * inverse_variance, lanes_set(inverse_variance)};
    /* An empty bin (N = 0) adds nothing; its 1/N must not become a NaN. */
    lanes inverse = (lanes)((lanes_mask)(1.0 / n) & (n > 0));
    return poisson_slopes(n, d > 0 ? lanes_set(d) : barrier_counts(c, n_component, bin, barrier), inverse);
}

CEV_INLINE void add_bin(const channel_counts *c, size_t n_component, size_t bin, bin_slopes slopes, channel_slopes *sum)
{
    for (size_t k = 0; k < n_component; k++) {
        lanes counts = component_counts(c, k, bin), curved = counts * slopes.second;
        sum->gradient[k] += counts * slopes.first;
        for (size_t j = 0; j <= k; j++) sum->hessian[k * n_component + j] += curved * component_counts(c, j, bin);
    }
}

CEV_INLINE lanes_mask is_possible(channel_weights weights, lanes n)
{
    return weights == WEIGHTS_GAUSSIAN ? n - n == 0 : n >= 0;
}

/* Two bins with data at once: they share a division, which takes as long as everything else. */
CEV_INLINE lanes_mask add_two_bins(const channel_counts *c, size_t n_component, size_t bin, const lanes *scale,
                                   channel_slopes *sum)
{
    lanes n = predicted_counts(c, n_component, scale, bin), m = predicted_counts(c, n_component, scale, bin + 1);
    lanes a = lanes_select(n > 0, n, lanes_set(INSTEAD_OF_NOTHING)),
          b = lanes_select(m > 0, m, lanes_set(INSTEAD_OF_NOTHING));
    lanes inverse = 1.0 / (a * b);
    lanes_mask possible = n >= 0;
    possible &= m >= 0;
    add_bin(c, n_component, bin, poisson_slopes(n, lanes_set(c->data[bin]), b * inverse), sum);
    add_bin(c, n_component, bin + 1, poisson_slopes(m, lanes_set(c->data[bin + 1]), a * inverse), sum);
    return possible;
}

/* n_component and weights are arguments so that they can be compile-time constants. Bins without data count
 * `barrier`, at least. Returns the lanes where some bin is predicted negative or not a number; of a Gaussian channel,
 * not a finite number. */
CEV_INLINE lanes_mask accumulate(const channel_counts *c, size_t n_component, channel_weights weights, lanes barrier,
                                 const lanes *scale, channel_slopes *out)
{
    channel_slopes sum;
    lanes_mask possible = {0};
    possible = ~possible;
    for (size_t k = 0; k < n_component; k++) {
        sum.gradient[k] = (lanes){0};
        for (size_t j = 0; j <= k; j++) sum.hessian[k * n_component + j] = (lanes){0};
    }
    size_t i = 0;
    if (weights == WEIGHTS_POISSON_FULL)
        for (; i + 1 < c->n_bin; i += 2) possible &= add_two_bins(c, n_component, i, scale, &sum);
    for (; i < c->n_bin; i++) {
        lanes n = predicted_counts(c, n_component, scale, i);
        possible &= is_possible(weights, n);
        add_bin(c, n_component, i, slopes_of_bin(c, n_component, weights, barrier, i, n), &sum);
    }
    for (size_t k = 0; k < n_component; k++) {
        out->gradient[k] = sum.gradient[k];
        for (size_t j = 0; j <= k; j++) out->hessian[k * n_component + j] = sum.hessian[k * n_component + j];
    }
    return ~possible;
}

/* Lanes where some bin is predicted negative or not a number with all pulls at zero, and those where all bins are what
 * the data are. */
CEV_INLINE lanes_mask impossible_without_pulls(const channel_counts *c, size_t n_component, lanes_mask *exact)
{
    lanes_mask possible = {0};
    possible = ~possible;
    for (size_t i = 0; i < c->n_bin; i++) {
        lanes n = expected_counts(c, n_component, i);
        possible &= is_possible(c->weight ? WEIGHTS_GAUSSIAN : WEIGHTS_POISSON, n);
        *exact &= n == c->data[i];
    }
    return ~possible;
}

/* Bins without data. */
CEV_INLINE size_t n_empty_bins(const channel_counts *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_bin; i++) n += c->data[i] == 0;
    return n;
}

/* Lanes where a bin that components add counts to is predicted all but empty. */
CEV_INLINE lanes_mask near_nothing(const channel_counts *c, size_t n_component, size_t bin, const lanes *scale)
{
    lanes expected = expected_counts(c, n_component, bin);
    return (expected > 0) &
           (predicted_counts(c, n_component, scale, bin) < 1e-6 * lanes_larger(expected, lanes_set(1)));
}

/* Largest share -dN/N of a bin's counts that a full step takes away: the inverse of the longest step that leaves all N
 * >= 0. step[n_component] are the changes of the scales. */
CEV_INLINE lanes largest_loss(const channel_counts *c, size_t n_component, const lanes *scale, const lanes *step)
{
    lanes largest = {0};
    for (size_t i = 0; !c->weight && i < c->n_bin; i++) {
        lanes n = predicted_counts(c, n_component, scale, i), loss = -predicted_counts(c, n_component, step, i) / n;
        largest = lanes_select((n > 0) & (loss > largest), loss, largest);
    }
    return largest;
}

/* Sum over bins of (N - D)^2/variance. */
CEV_INLINE lanes squares(const channel_counts *c, size_t n_component, const lanes *scale)
{
    lanes sum = {0};
    for (size_t i = 0; i < c->n_bin; i++) {
        lanes difference = predicted_counts(c, n_component, scale, i) - c->data[i];
        sum += difference * difference * c->weight[i];
    }
    return sum;
}

/* Sum over bins of 2 [N - D - D ln(N/D)]; infinite where a bin with data is predicted empty, infinite or not a number
 * where a bin is predicted negative. */
CEV_INLINE lanes deviance(const channel_counts *c, size_t n_component, const lanes *scale)
{
    lanes sum = {0}, infinite = lanes_set(INFINITY), invalid = lanes_set(NAN);
    for (size_t i = 0; i < c->n_bin; i++) {
        lanes n = predicted_counts(c, n_component, scale, i), share = n;
        double d = c->data[i];
        if (d > 0) share = lanes_select(n > 0, n - d - d * lanes_log(n / d), infinite);
        sum += lanes_select(n >= 0, share, invalid);
    }
    return 2.0 * sum;
}

CEV_INLINE lanes full_share(lanes n, double d, lanes_ratio ratio, lanes inverse_q)
{
    return lanes_select(n > 0, n - d - d * lanes_log_of_ratio(ratio, inverse_q), lanes_set(INFINITY));
}

/* The same for a full channel; two bins share a division. */
CEV_INLINE lanes full_deviance(const channel_counts *c, size_t n_component, const lanes *scale)
{
    lanes sum = {0};
    size_t i = 0;
    for (; i + 1 < c->n_bin; i += 2) {
        lanes n = predicted_counts(c, n_component, scale, i), m = predicted_counts(c, n_component, scale, i + 1);
        lanes_ratio a = lanes_reduce_ratio(n, c->data[i], c->inverse_data[i]);
        lanes_ratio b = lanes_reduce_ratio(m, c->data[i + 1], c->inverse_data[i + 1]);
        lanes inverse = 1.0 / (a.q * b.q);
        sum += full_share(n, c->data[i], a, b.q * inverse) + full_share(m, c->data[i + 1], b, a.q * inverse);
    }
    for (; i < c->n_bin; i++) {
        lanes n = predicted_counts(c, n_component, scale, i);
        lanes_ratio a = lanes_reduce_ratio(n, c->data[i], c->inverse_data[i]);
        sum += full_share(n, c->data[i], a, 1.0 / a.q);
    }
    return 2.0 * sum;
}

CEV_INLINE lanes channel_chi2(const channel_counts *c, size_t n_component, const lanes *scale)
{
    return c->weight         ? squares(c, n_component, scale)
           : c->inverse_data ? full_deviance(c, n_component, scale)
                             : deviance(c, n_component, scale);
}

#endif
