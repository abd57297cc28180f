/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The damped Newton iteration of cevscan/profile.h over one group, on part of a block of points at once: derivatives,
 * steps, and the ways to look for a minimum. Works with chi2/2. Part of profile_kernel.h. */
#ifndef CEVSCAN_STATS_PROFILE_NEWTON_H
#define CEVSCAN_STATS_PROFILE_NEWTON_H

#include <string.h>

#include "likelihood_lanes.h"
#include "profile_scales.h"

#define CEV_OUTLINE static __attribute__((noinline))

#define CHI2_TOLERANCE 1e-9  /* of the decrement: what the next full step would gain */
#define BORDER_SHARE 0.99    /* a step that would leave the region goes so far towards its border */
#define OVERSHOOT 0.5        /* share of the initial slope that may be left, with the other sign, behind the minimum */
#define DOUBTFUL_PIVOT 1e-11 /* of the diagonal element that it comes from: five digits are left */
#define SMALLEST_PIVOT 1e-15
#define FIRST_BARRIER 1.0   /* counts in bins without data, where they have to be approached with care ... */
#define BARRIER_FACTOR 0.01 /* ... and what is left of them at the next approach */
#define CENTRED 0.1 /* of the barrier: a larger decrement may be one of the barrier itself, far from its minimum */
enum {
    MAX_EVALUATIONS = 40,
    MAX_CAREFUL_EVALUATIONS = 1000
}; /* of the usual way, which takes 5, and of the careful one */

typedef struct fit {
    const cev_profile *profile;
    const plan_group *group;
    const double *const *data;
    const double *const *signal;       /* [n_channel], [n_bin][CEV_LANES] from the part's first lane on */
    const double *const *inverse_data; /* [n_channel], NULL for channels that are not full */
    lanes *base, *direction, *trial, *gradient, *hessian;
    cev_profile_scratch *scratch;
    const cev_profile_result *result;
    size_t lane; /* the part's first */
} fit;

CEV_INLINE channel_counts counts_of(const fit *f, size_t c)
{
    const plan_channel *channel = &f->profile->channel[c];
    return (channel_counts){.n_bin = channel->n_bin,
                            .n_background = channel->n_component - 1 - channel->n_shape,
                            .data = f->data[c],
                            .inverse_data = f->inverse_data[c],
                            .background = channel->background,
                            .weight = channel->weight,
                            .signal = f->signal[c],
                            .n_shape = channel->n_shape};
}

CEV_INLINE void scales_of(const plan_channel *channel, const lanes *pull, lanes *scale)
{
    for (size_t k = 0; k < channel->n_component; k++) scale[k] = lanes_set(k < channel->n_component - channel->n_shape);
    for (size_t l = 0; l < channel->n_link; l++) scale[channel->link[l].component] += pull[channel->link[l].variable];
}

CEV_INLINE lanes symmetric(const lanes *lower, size_t n, size_t i, size_t j)
{
    return i > j ? lower[i * n + j] : lower[j * n + i];
}

/* Adds one channel's derivatives, taken by component, to those of the group, taken by pull. */
CEV_INLINE void scatter(const plan_channel *channel, const channel_slopes *slopes, size_t n_pull, lanes *gradient,
                        lanes *hessian)
{
    for (size_t a = 0; a < channel->n_link; a++) {
        plan_link one = channel->link[a];
        gradient[one.variable] += slopes->gradient[one.component];
        for (size_t b = 0; b < channel->n_link; b++) {
            plan_link other = channel->link[b];
            if (other.variable <= one.variable)
                hessian[one.variable * n_pull + other.variable] += symmetric(slopes->hessian, channel->n_component,
                                                                             one.component, other.component);
        }
    }
}

CEV_INLINE lanes_mask slopes_of(const channel_counts *counts, size_t n_component, channel_weights weights,
                                lanes barrier, const lanes *scale, channel_slopes *out)
{
    channel_counts plain = *counts;
    if (plain.n_shape) return accumulate(counts, n_component, weights, barrier, scale, out);
    plain.n_shape = 0;     /* known to the compiler */
    switch (n_component) { /* loops over few components are worth unrolling */
    case 2: return accumulate(&plain, 2, weights, barrier, scale, out);
    case 3: return accumulate(&plain, 3, weights, barrier, scale, out);
    default: return accumulate(&plain, n_component, weights, barrier, scale, out);
    }
}

/* Gradient and Hessian at `pull` into the fit; returns the lanes that are outside the region. */
CEV_INLINE lanes_mask derivatives(const fit *f, const lanes *pull, channel_weights weights, lanes barrier)
{
    const plan_group *g = f->group;
    lanes_mask outside = {0};
    size_t n = g->n_variable;
    for (size_t p = 0; p < n; p++) {
        f->gradient[p] = (lanes){0};
        for (size_t q = 0; q < n; q++) f->gradient[p] += g->inverse_covariance[p * n + q] * pull[q];
        for (size_t q = 0; q <= p; q++) f->hessian[p * n + q] = lanes_set(g->inverse_covariance[p * n + q]);
    }
    for (size_t k = 0; k < g->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[g->channel[k]];
        channel_counts counts = counts_of(f, g->channel[k]);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        channel_slopes slopes;
        scales_of(channel, pull, scale);
        if (counts.weight)
            outside |= slopes_of(&counts, channel->n_component, WEIGHTS_GAUSSIAN, barrier, scale, &slopes);
        else if (weights == WEIGHTS_POISSON && counts.inverse_data)
            outside |= slopes_of(&counts, channel->n_component, WEIGHTS_POISSON_FULL, barrier, scale, &slopes);
        else
            outside |= slopes_of(&counts, channel->n_component, weights, barrier, scale, &slopes);
        scatter(channel, &slopes, n, f->gradient, f->hessian);
    }
    return outside;
}

/* Compiled once each. */
CEV_OUTLINE lanes_mask likelihood_slopes(const fit *f, const lanes *pull, lanes barrier)
{
    return derivatives(f, pull, WEIGHTS_POISSON, barrier);
}

CEV_OUTLINE lanes_mask least_squares_slopes(const fit *f, const lanes *pull)
{
    return derivatives(f, pull, WEIGHTS_LEAST_SQUARES, (lanes){0});
}

/* Solves H step = -g by Cholesky, in place of H; returns the decrement -g.step. Every H has 1/sigma^2 on its diagonal
 * and something positive semidefinite on top, so no pivot can vanish but by rounding, in a corner of the region; lanes
 * where rounding has eaten most of one are added to *doubtful, and their decrement means nothing. */
CEV_INLINE lanes solve_step(size_t n, const lanes *gradient, lanes *hessian, lanes *step, lanes_mask *doubtful)
{
    for (size_t j = 0; j < n; j++) {
        lanes pivot = hessian[j * n + j];
        lanes whole = pivot;
        for (size_t k = 0; k < j; k++) pivot -= hessian[j * n + k] * hessian[j * n + k];
        *doubtful |= ~(pivot > DOUBTFUL_PIVOT * whole);
        pivot = lanes_larger(pivot, SMALLEST_PIVOT * whole);
        lanes inverse = 1.0 / lanes_sqrt(pivot);
        hessian[j * n + j] = inverse;
        for (size_t i = j + 1; i < n; i++) {
            lanes sum = hessian[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= hessian[i * n + k] * hessian[j * n + k];
            hessian[i * n + j] = sum * inverse;
        }
    }
    lanes decrement = {0};
    for (size_t i = 0; i < n; i++) {
        lanes sum = -gradient[i];
        for (size_t k = 0; k < i; k++) sum -= hessian[i * n + k] * step[k];
        step[i] = sum * hessian[i * n + i];
        decrement += step[i] * step[i];
    }
    for (size_t i = n; i-- > 0;) {
        lanes sum = step[i];
        for (size_t k = i + 1; k < n; k++) sum -= hessian[k * n + i] * step[k];
        step[i] = sum * hessian[i * n + i];
    }
    return decrement;
}

CEV_INLINE lanes newton_step(const fit *f, lanes *step, lanes_mask *doubtful)
{
    size_t n = f->group->n_variable;
    return n == 2 ? solve_step(2, f->gradient, f->hessian, step, doubtful)
                  : solve_step(n, f->gradient, f->hessian, step, doubtful);
}

CEV_INLINE lanes channel_chi2_plain(const channel_counts *counts, const lanes *scale)
{
    channel_counts plain = *counts;
    plain.n_shape = 0; /* known to the compiler */
    return channel_chi2(&plain, 2, scale);
}

CEV_OUTLINE lanes chi2_at(const fit *f, const lanes *pull)
{
    lanes chi2 = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        scales_of(channel, pull, scale);
        chi2 += channel->n_component == 2 && !counts.n_shape ? channel_chi2_plain(&counts, scale)
                                                             : channel_chi2(&counts, channel->n_component, scale);
    }
    for (size_t p = 0, n = f->group->n_variable; p < n; p++)
        for (size_t q = 0; q < n; q++) chi2 += f->group->inverse_covariance[p * n + q] * pull[p] * pull[q];
    return chi2;
}

/* The same of a general group; infinite outside of the range of a constraint. */
CEV_OUTLINE lanes general_chi2(const fit *f, const lanes *pull)
{
    lanes chi2 = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        term_scales(channel, pull, scale);
        chi2 += channel_chi2(&counts, channel->n_component, scale);
    }
    return chi2 + constraint_chi2(f->group, pull);
}

CEV_INLINE lanes relative_tolerance(const fit *f)
{
    lanes chi2 = f->group->general ? general_chi2(f, f->base) : chi2_at(f, f->base);
    return CHI2_TOLERANCE * lanes_larger(lanes_set(1), chi2);
}

/* A barrier of b counts moves the minimum of chi2 by 2 b for each bin without data. It need not be lower than what
 * keeps that below the tolerance, relative to chi2 where that is large; and the higher it is, the less does rounding
 * matter. */
CEV_INLINE lanes lowest_barrier(const fit *f)
{
    size_t n_empty = 1;
    for (size_t k = 0; k < f->group->n_channel; k++) {
        channel_counts counts = counts_of(f, f->group->channel[k]);
        if (!counts.weight) n_empty += n_empty_bins(&counts);
    }
    return 0.3 / (double)n_empty * relative_tolerance(f);
}

/* The step length that takes lanes `outside` back into the region, most of the way to its border: halving alone would
 * creep up to a minimum on the border of a bin without data, where N is 1e-12. */
CEV_INLINE lanes length_to_border(const fit *f, lanes_mask outside, lanes length)
{
    lanes largest = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS], step[CEV_PROFILE_MAX_COMPONENTS];
        scales_of(channel, f->base, scale);
        scales_of(channel, f->direction, step);
        for (size_t c = 0; c < channel->n_component - channel->n_shape; c++) step[c] -= 1.0;
        lanes loss = largest_loss(&counts, channel->n_component, scale, step);
        largest = lanes_select(loss > largest, loss, largest);
    }
    lanes border = BORDER_SHARE / largest;
    return lanes_select(outside & (border < length), border, length);
}

/* No decrement is larger than what it would be with nothing but the pulls' own curvature. */
CEV_INLINE lanes decrement_bound(const fit *f)
{
    lanes bound = {0};
    for (size_t p = 0, n = f->group->n_variable; p < n; p++)
        for (size_t q = 0; q < n; q++) bound += f->group->covariance[p * n + q] * f->gradient[p] * f->gradient[q];
    return bound;
}

/* Works on the lanes `active`: base and direction end as the last accepted pulls and the step from them; the lanes that
 * did not converge are returned. A step that leaves the region, or overshoots, is cut until it does not; both become
 * certain as it shrinks. A lane that has converged at one barrier goes on at the next lower one. */
CEV_OUTLINE lanes_mask iterate(const fit *f, lanes_mask active, lanes barrier, int max_evaluations)
{
    size_t n = f->group->n_variable;
    lanes *base = f->base, *direction = f->direction, *trial = f->trial;
    lanes next[CEV_PROFILE_MAX_PULLS];
    lanes length = lanes_set(1), initial_slope = lanes_set(INFINITY); /* any feasible start will do */
    for (int evaluation = 0; evaluation < max_evaluations; evaluation++) {
        for (size_t p = 0; p < n; p++) trial[p] = base[p] + length * direction[p];
        lanes_mask outside = likelihood_slopes(f, trial, barrier);
        lanes slope = {0};
        for (size_t p = 0; p < n; p++) slope += f->gradient[p] * direction[p];
        lanes_mask accepted = active & ~outside & (slope <= OVERSHOOT * initial_slope);
        lanes_mask doubtful = {0};
        lanes decrement = newton_step(f, next, &doubtful);
        for (size_t p = 0; p < n; p++) {
            base[p] = lanes_select(accepted, trial[p], base[p]);
            direction[p] = lanes_select(accepted, next[p], direction[p]);
        }
        initial_slope = lanes_select(accepted, decrement, initial_slope);
        length = lanes_select(active & ~accepted, 0.5 * length, lanes_set(1));
        if (lanes_any(active & outside)) length = length_to_border(f, active & outside, length);
        lanes gain = lanes_select(doubtful, decrement_bound(f), decrement);
        lanes tolerance = lanes_set(CHI2_TOLERANCE);
        if (lanes_any(barrier > 0)) tolerance = lanes_select(barrier > 0, CENTRED * barrier, tolerance);
        lanes_mask converged = accepted & (gain <= tolerance);
        for (size_t p = 0; p < n; p++) direction[p] = lanes_select(converged & doubtful, (lanes){0}, direction[p]);
        lanes_mask lower = {0};
        if (lanes_any(converged & (barrier > 0))) lower = converged & (barrier > lowest_barrier(f));
        active &= ~(converged & ~lower);
        if (!lanes_any(active)) break;
        if (!lanes_any(lower)) continue;
        barrier = lanes_select(lower, lanes_larger(BARRIER_FACTOR * barrier, lowest_barrier(f)), barrier);
        length = lanes_select(lower, (lanes){0}, length); /* the same pulls again, under the lower barrier */
        initial_slope = lanes_select(lower, lanes_set(INFINITY), initial_slope);
    }
    return active;
}

/* Once more from the solution of the linear problem: the step takes back the rounding of the first, which matters where
 * pulls cancel most of chi2. */
CEV_INLINE void refine_linear(const fit *f)
{
    lanes_mask ignored = {0};
    memcpy(f->base, f->direction, f->group->n_variable * sizeof *f->base);
    least_squares_slopes(f, f->base);
    newton_step(f, f->direction, &ignored);
}

/* Lanes that ended beside the border of a bin without data: they may be jammed there, with a decrement that only seems
 * small. */
CEV_INLINE lanes_mask beside_border(const fit *f, bool general)
{
    lanes_mask found = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        if (counts.weight || n_empty_bins(&counts) == 0) continue;
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        if (general)
            term_scales(channel, f->base, scale);
        else
            scales_of(channel, f->base, scale);
        for (size_t i = 0; i < counts.n_bin; i++)
            if (counts.data[i] == 0) found |= near_nothing(&counts, channel->n_component, i, scale);
    }
    return found;
}

/* Lanes where the least counts in bins without data, which grow with what is expected there, may move chi2 by more than
 * what the lowest barrier leaves of the tolerance: by 2 for each. */
CEV_INLINE lanes_mask too_many_barrier_counts(const fit *f)
{
    lanes sum = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        for (size_t i = 0; !counts.weight && i < counts.n_bin; i++)
            if (counts.data[i] == 0) sum += barrier_counts(&counts, channel->n_component, i, (lanes){0});
    }
    return sum > 0.1 * relative_tolerance(f);
}

/* Lanes that do not converge from a start in `direction`. Where several bins without data meet, their borders can bar
 * the way to a minimum in the corner; such lanes start again from zero, with a barrier that is lowered step by step. */
CEV_INLINE lanes_mask search(const fit *f)
{
    lanes_mask none = {0};
    lanes_mask left = iterate(f, ~none, (lanes){0}, MAX_EVALUATIONS) | beside_border(f, false);
    if (!lanes_any(left)) return left;
    for (size_t p = 0; p < f->group->n_variable; p++) {
        f->base[p] = lanes_select(left, (lanes){0}, f->base[p]);
        f->direction[p] = lanes_select(left, (lanes){0}, f->direction[p]);
    }
    lanes_mask unconverged = iterate(f, left, lanes_set(FIRST_BARRIER), MAX_CAREFUL_EVALUATIONS);
    return unconverged | (left & too_many_barrier_counts(f));
}

#endif
