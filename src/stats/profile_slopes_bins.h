/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passes over the bins of one channel, on part of a block of points: counts, how chi2 depends on them, and sums of that
 * over bins. Part of profile_slopes_kernel.h. Bins are in the order of slopes_channel. */
#ifndef CEVSCAN_STATS_PROFILE_SLOPES_BINS_H
#define CEVSCAN_STATS_PROFILE_SLOPES_BINS_H

#include "likelihood_lanes.h"
#include "profile_slopes_plan.h"

enum { SUMS = 8 }; /* at once: they stay in registers, and hide the time that one addition takes */

/* out[k] = sum_i a_i b_ik for the first `sums` columns of b[n_bin][stride]. */
CEV_INLINE void sum_columns(size_t n_bin, const lanes *a, const double *b, size_t stride, size_t sums, lanes *out)
{
    lanes sum[SUMS];
    for (size_t k = 0; k < sums; k++) sum[k] = (lanes){0};
    for (size_t i = 0; i < n_bin; i++)
        for (size_t k = 0; k < sums; k++) sum[k] += a[i] * b[i * stride + k];
    for (size_t k = 0; k < sums; k++) out[k] = sum[k];
}

CEV_INLINE void sum_over_bins(size_t n_bin, const lanes *a, const double *b, size_t stride, lanes *out)
{
    size_t k = 0;
    for (; k + 8 <= stride; k += 8) sum_columns(n_bin, a, b + k, stride, 8, out + k);
    for (; k + 4 <= stride; k += 4) sum_columns(n_bin, a, b + k, stride, 4, out + k);
    for (; k + 2 <= stride; k += 2) sum_columns(n_bin, a, b + k, stride, 2, out + k);
    for (; k < stride; k++) sum_columns(n_bin, a, b + k, stride, 1, out + k);
}

/* Amplitudes of the signal and of shapes at the forms, and the counts that they make. form: from the part's lane on. */
CEV_INLINE void fill_amplitudes(const slopes_channel *c, const double *form, lanes *amplitude)
{
    for (size_t k = 0; k < (1 + c->n_shape) * c->n_row; k++) amplitude[k] = (lanes){0};
    for (size_t f = 0; f < c->from->n_form; f++) {
        lanes value = lanes_load(form + c->from->form[f] * CEV_LANES);
        for (size_t k = c->first[f]; k < c->first[f + 1]; k++)
            for (size_t s = 0; s <= c->n_shape; s++)
                amplitude[s * c->n_row + c->row[k]] += value * c->share[s * c->most_places + k];
    }
}

/* sum[n_bin] = sum_r amplitude_r basis_r, in the order of the rows, and the constant of a shape. */
CEV_INLINE void fill_component(const slopes_channel *c, const lanes *amplitude, size_t n_row, lanes *sum)
{
    for (size_t i = 0; i < c->n_bin; i++) {
        const double *basis = c->by_bin + i * c->n_basis;
        lanes n = amplitude[0] * basis[0];
        for (size_t r = 1; r < n_row; r++) n += amplitude[r] * basis[r];
        sum[i] = n;
    }
}

CEV_INLINE void fill_components(const slopes_channel *c, const double *form, slopes_counts *counts)
{
    lanes *amplitude = (lanes *)counts->amplitude, *component = (lanes *)counts->component;
    fill_amplitudes(c, form, amplitude);
    for (size_t s = 0; s <= c->n_shape; s++) {
        lanes *to = component + s * c->n_bin;
        const lanes *x = amplitude + s * c->n_row;
        switch (c->n_row) { /* worth unrolling */
        case 0: memset(to, 0, c->n_bin * sizeof *to); break;
        case 1: fill_component(c, x, 1, to); break;
        case 2: fill_component(c, x, 2, to); break;
        case 3: fill_component(c, x, 3, to); break;
        case 4: fill_component(c, x, 4, to); break;
        case 6: fill_component(c, x, 6, to); break;
        default: fill_component(c, x, c->n_row, to);
        }
        if (s == 0 || c->constant_of_shape[s - 1] == SIZE_MAX) continue;
        for (size_t i = 0; i < c->n_bin; i++) to[i] += c->basis[c->constant_of_shape[s - 1] * c->n_bin + i];
    }
}

/* Counts of one component in a bin. */
CEV_INLINE lanes counts_of_component(const slopes_channel *c, const lanes *component, size_t k, size_t bin)
{
    if (k == 0) return component[bin];
    if (k <= c->n_background) return lanes_set(c->basis[(c->n_row + k - 1) * c->n_bin + bin]);
    return component[(k - c->n_background) * c->n_bin + bin];
}

CEV_INLINE lanes total_counts(const slopes_channel *c, const lanes *component, const lanes *scale, size_t n_component,
                              size_t bin)
{
    lanes n = scale[0] * component[bin];
    for (size_t k = 1; k < n_component; k++) n += scale[k] * counts_of_component(c, component, k, bin);
    return n;
}

/* First and second derivatives of chi2/2 by the counts of two bins with data, which share a division; lanes where a bin
 * is not predicted positive are returned. */
CEV_INLINE lanes_mask poisson_pair(const slopes_channel *c, size_t bin, const lanes *n, lanes *first, lanes *second)
{
    lanes_mask good = (n[bin] > 0) & (n[bin + 1] > 0);
    lanes a = lanes_select(n[bin] > 0, n[bin], lanes_set(1)),
          b = lanes_select(n[bin + 1] > 0, n[bin + 1], lanes_set(1));
    lanes inverse = 1.0 / (a * b), of_a = b * inverse, of_b = a * inverse;
    double d = c->data[bin], e = c->data[bin + 1];
    first[bin] = (n[bin] - d) * of_a;
    second[bin] = d * of_a * of_a;
    first[bin + 1] = (n[bin + 1] - e) * of_b;
    second[bin + 1] = e * of_b * of_b;
    return ~good;
}

CEV_INLINE lanes_mask poisson_bin(const slopes_channel *c, size_t bin, const lanes *n, lanes *first, lanes *second)
{
    lanes inverse = 1.0 / lanes_select(n[bin] > 0, n[bin], lanes_set(1));
    first[bin] = (n[bin] - c->data[bin]) * inverse;
    second[bin] = c->data[bin] * inverse * inverse;
    return ~(n[bin] > 0);
}

/* Bins without data count 2 N, which may not be negative. */
CEV_INLINE lanes_mask likelihood_of_bins(const slopes_channel *c, const lanes *n, lanes *first, lanes *second)
{
    lanes_mask outside = {0};
    size_t i = 0;
    for (; i + 1 < c->n_filled; i += 2) outside |= poisson_pair(c, i, n, first, second);
    for (; i < c->n_filled; i++) outside |= poisson_bin(c, i, n, first, second);
    for (; i < c->n_bin; i++) {
        first[i] = lanes_set(1);
        second[i] = (lanes){0};
        outside |= ~(n[i] >= 0);
    }
    return outside;
}

CEV_INLINE lanes_mask squares_of_bins(const slopes_channel *c, const double *weight, const lanes *n, lanes *first,
                                      lanes *second)
{
    lanes_mask outside = {0};
    for (size_t i = 0; i < c->n_bin; i++) {
        first[i] = (n[i] - c->data[i]) * weight[i];
        second[i] = lanes_set(weight[i]);
        outside |= ~(n[i] - n[i] == 0);
    }
    return outside;
}

/* Derivatives of chi2/2 by the scales of components: gradient, and the lower triangle of the Hessian. */
CEV_INLINE void sum_components(const slopes_channel *c, const slopes_counts *counts, size_t n_component,
                               channel_slopes *out)
{
    const lanes *component = (const lanes *)counts->component;
    const lanes *first = (const lanes *)counts->first, *second = (const lanes *)counts->second;
    channel_slopes sum;
    for (size_t k = 0; k < n_component; k++) {
        sum.gradient[k] = (lanes){0};
        for (size_t j = 0; j <= k; j++) sum.hessian[k * n_component + j] = (lanes){0};
    }
    for (size_t i = 0; i < c->n_bin; i++)
        for (size_t k = 0; k < n_component; k++) {
            lanes n = counts_of_component(c, component, k, i), curved = n * second[i];
            sum.gradient[k] += n * first[i];
            for (size_t j = 0; j <= k; j++)
                sum.hessian[k * n_component + j] += curved * counts_of_component(c, component, j, i);
        }
    for (size_t k = 0; k < n_component; k++) {
        out->gradient[k] = sum.gradient[k];
        for (size_t j = 0; j <= k; j++) out->hessian[k * n_component + j] = sum.hessian[k * n_component + j];
    }
}

/* What derivatives of the bins are: those of the likelihood, or of least squares, or what is in memory already. */
typedef enum bin_weights { OF_LIKELIHOOD, OF_LEAST_SQUARES, AS_THEY_ARE } bin_weights;

CEV_INLINE lanes_mask pass(const slopes_channel *c, size_t n_component, bin_weights weights, slopes_counts *counts,
                           channel_slopes *out)
{
    const lanes *component = (const lanes *)counts->component, *scale = (const lanes *)counts->scale;
    lanes *n = (lanes *)counts->n, *first = (lanes *)counts->first, *second = (lanes *)counts->second;
    lanes_mask outside = {0};
    if (weights == AS_THEY_ARE) {
        sum_components(c, counts, n_component, out);
        return outside;
    }
    for (size_t i = 0; i < c->n_bin; i++) n[i] = total_counts(c, component, scale, n_component, i);
    if (weights == OF_LEAST_SQUARES || c->weight)
        outside = squares_of_bins(c, c->start_weight, n, first, second);
    else
        outside = likelihood_of_bins(c, n, first, second);
    sum_components(c, counts, n_component, out);
    return outside;
}

/* One pass at the scales; returns the lanes outside of the region. Loops over few components are worth unrolling. */
CEV_INLINE lanes_mask slopes_of_channel(const slopes_channel *c, bin_weights weights, slopes_counts *counts,
                                        channel_slopes *out)
{
    slopes_channel plain = *c;
    if (c->n_shape) return pass(c, c->plan->n_component, weights, counts, out);
    plain.n_shape = 0; /* known to the compiler */
    plain.n_background = c->plan->n_component - 1;
    switch (c->plan->n_component) {
    case 2: plain.n_background = 1; return pass(&plain, 2, weights, counts, out);
    case 3: plain.n_background = 2; return pass(&plain, 3, weights, counts, out);
    default: return pass(&plain, c->plan->n_component, weights, counts, out);
    }
}

/* --- chi2 -------------------------------------------------------------------------------------------------------- */

#define NEAR 0.0294 /* s^2 up to which the series of artanh(s) holds */

/* N - D - D ln(N/D) where N is near D: s = (N - D)/(N + D), ln(N/D) = 2 artanh(s) and N - D - 2 D s = (N - D) s. */
typedef struct near_share {
    lanes share, z;
} near_share;

CEV_INLINE near_share share_near_data(lanes n, double d, lanes inverse_sum)
{
    lanes difference = n - d, s = difference * inverse_sum;
    return (near_share){.share = s * (difference - (2 * d) * lanes_artanh_series(s)), .z = s * s};
}

/* The same anywhere. */
CEV_OUTLINE lanes share_of_bin(lanes n, double d, double inverse_data)
{
    lanes_ratio ratio = lanes_reduce_ratio(n, d, inverse_data);
    return full_share(n, d, ratio, 1.0 / ratio.q);
}

CEV_INLINE lanes share_of(const slopes_channel *c, size_t bin, lanes n, near_share near)
{
    lanes_mask far = ~(near.z < NEAR);
    if (!lanes_any(far)) return near.share;
    return lanes_select(far, share_of_bin(n, c->data[bin], c->inverse_data[bin]), near.share);
}

CEV_INLINE lanes chi2_of_filled(const slopes_channel *c, const lanes *n)
{
    lanes sum = {0};
    size_t i = 0;
    for (; i + 1 < c->n_filled; i += 2) { /* two bins share a division */
        lanes p = n[i] + c->data[i], q = n[i + 1] + c->data[i + 1], inverse = 1.0 / (p * q);
        near_share one = share_near_data(n[i], c->data[i], q * inverse);
        near_share other = share_near_data(n[i + 1], c->data[i + 1], p * inverse);
        sum += share_of(c, i, n[i], one) + share_of(c, i + 1, n[i + 1], other);
    }
    for (; i < c->n_filled; i++)
        sum += share_of(c, i, n[i], share_near_data(n[i], c->data[i], 1.0 / (n[i] + c->data[i])));
    return sum;
}

/* chi2/2 of the counts of the last pass. */
CEV_INLINE lanes half_chi2_of(const slopes_channel *c, const slopes_counts *counts)
{
    const lanes *n = (const lanes *)counts->n;
    lanes sum = {0};
    if (c->weight) {
        for (size_t i = 0; i < c->n_bin; i++) sum += (n[i] - c->data[i]) * (n[i] - c->data[i]) * c->weight[i];
        return 0.5 * sum;
    }
    sum = chi2_of_filled(c, n);
    for (size_t i = c->n_filled; i < c->n_bin; i++) sum += n[i];
    return sum;
}

#endif
