/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The damped Newton iteration of cevscan/profile.h, on a block of points at once. Works with chi2/2. */
#include <string.h>

#include "likelihood_lanes.h"
#include "profile_plan.h"

#define CHI2_TOLERANCE 1e-9     /* of the decrement: what the next full step would gain */
#define BORDER_SHARE 0.99       /* a step that would leave the region goes so far towards its border */
#define OVERSHOOT 0.5           /* share of the initial slope that may be left, with the other sign, behind the minimum */
#define DOUBTFUL_PIVOT 1e-11    /* of the diagonal element that it comes from: five digits are left */
#define SMALLEST_PIVOT 1e-15
#define FIRST_BARRIER 1.0       /* counts in bins without data, where they have to be approached with care ... */
#define BARRIER_FACTOR 0.01     /* ... and what is left of them at the next approach */
#define CENTRED 0.1             /* of the barrier: a larger decrement may be one of the barrier itself, far from its minimum */
#define LARGEST_SIGNAL 1e12     /* counts in a bin, of a signal that pulls may take away again */
enum { MAX_EVALUATIONS = 40, MAX_CAREFUL_EVALUATIONS = 1000 }; /* of the usual way, which takes 5, and of the careful one */

typedef struct fit {
    const cev_profile *profile;
    const plan_group *group;
    cev_profile_scratch *scratch;
    const double *const *data;
    const cev_lanes *const *signal;
} fit;

CEV_INLINE channel_counts counts_of(const fit *f, size_t c)
{
    const plan_channel *channel = &f->profile->channel[c];
    return (channel_counts){.n_bin = channel->n_bin, .n_background = channel->n_component - 1 - channel->n_shape,
                            .data = f->data[c], .background = channel->background, .weight = channel->weight,
                            .signal = f->signal[c], .n_shape = channel->n_shape};
}

CEV_INLINE void scales_of(const plan_channel *channel, const cev_lanes *pull, cev_lanes *scale)
{
    for (size_t k = 0; k < channel->n_component; k++) scale[k] = lanes_set(k < channel->n_component - channel->n_shape);
    for (size_t l = 0; l < channel->n_link; l++) scale[channel->link[l].component] += pull[channel->link[l].variable];
}

CEV_INLINE cev_lanes symmetric(const cev_lanes *lower, size_t n, size_t i, size_t j)
{
    return i > j ? lower[i * n + j] : lower[j * n + i];
}

/* Adds one channel's derivatives, taken by component, to those of the group, taken by pull. */
CEV_INLINE void scatter(const plan_channel *channel, const channel_slopes *slopes, size_t n_pull, cev_lanes *gradient,
                        cev_lanes *hessian)
{
    for (size_t a = 0; a < channel->n_link; a++) {
        plan_link one = channel->link[a];
        gradient[one.variable] += slopes->gradient[one.component];
        for (size_t b = 0; b < channel->n_link; b++) {
            plan_link other = channel->link[b];
            if (other.variable <= one.variable)
                hessian[one.variable * n_pull + other.variable] +=
                    symmetric(slopes->hessian, channel->n_component, one.component, other.component);
        }
    }
}

/* Gradient and Hessian at `pull` into the scratch; returns the lanes that are outside the region. */
CEV_INLINE cev_lanes_mask derivatives(const fit *f, const cev_lanes *pull, channel_weights weights, cev_lanes barrier)
{
    const plan_group *g = f->group;
    cev_lanes *gradient = f->scratch->gradient, *hessian = f->scratch->hessian;
    cev_lanes_mask outside = {0};
    size_t n = g->n_variable;
    for (size_t p = 0; p < n; p++) {
        gradient[p] = (cev_lanes){0};
        for (size_t q = 0; q < n; q++) gradient[p] += g->inverse_covariance[p * n + q] * pull[q];
        for (size_t q = 0; q <= p; q++) hessian[p * n + q] = lanes_set(g->inverse_covariance[p * n + q]);
    }
    for (size_t k = 0; k < g->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[g->channel[k]];
        channel_counts counts = counts_of(f, g->channel[k]);
        cev_lanes scale[CEV_PROFILE_MAX_COMPONENTS], by_component[CEV_PROFILE_MAX_COMPONENTS];
        cev_lanes by_components[CEV_PROFILE_MAX_COMPONENTS * CEV_PROFILE_MAX_COMPONENTS];
        channel_slopes slopes = {by_component, by_components};
        scales_of(channel, pull, scale);
        if (counts.n_shape)
            outside |= accumulate(&counts, channel->n_component, counts.weight ? WEIGHTS_GAUSSIAN : weights, barrier, scale, &slopes);
        else if (counts.weight)
            outside |= accumulate(&counts, channel->n_component, WEIGHTS_GAUSSIAN, barrier, scale, &slopes);
        else if (channel->n_component == 2)
            outside |= accumulate(&counts, 2, weights, barrier, scale, &slopes);
        else
            outside |= accumulate(&counts, channel->n_component, weights, barrier, scale, &slopes);
        scatter(channel, &slopes, n, gradient, hessian);
    }
    return outside;
}

/* Solves H step = -g by Cholesky, in place of H; returns the decrement -g.step. Every H has 1/sigma^2 on its diagonal and
 * something positive semidefinite on top, so no pivot can vanish but by rounding, in a corner of the region; lanes where rounding
 * has eaten most of one are added to *doubtful, and their decrement means nothing. */
CEV_INLINE cev_lanes newton_step(size_t n, const cev_lanes *gradient, cev_lanes *hessian, cev_lanes *step, cev_lanes_mask *doubtful)
{
    for (size_t j = 0; j < n; j++) {
        cev_lanes pivot = hessian[j * n + j];
        cev_lanes whole = pivot;
        for (size_t k = 0; k < j; k++) pivot -= hessian[j * n + k] * hessian[j * n + k];
        *doubtful |= ~(pivot > DOUBTFUL_PIVOT * whole);
        pivot = larger(pivot, SMALLEST_PIVOT * whole);
        cev_lanes inverse = 1.0 / lanes_sqrt(pivot);
        hessian[j * n + j] = inverse;
        for (size_t i = j + 1; i < n; i++) {
            cev_lanes sum = hessian[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= hessian[i * n + k] * hessian[j * n + k];
            hessian[i * n + j] = sum * inverse;
        }
    }
    cev_lanes decrement = {0};
    for (size_t i = 0; i < n; i++) {
        cev_lanes sum = -gradient[i];
        for (size_t k = 0; k < i; k++) sum -= hessian[i * n + k] * step[k];
        step[i] = sum * hessian[i * n + i];
        decrement += step[i] * step[i];
    }
    for (size_t i = n; i-- > 0;) {
        cev_lanes sum = step[i];
        for (size_t k = i + 1; k < n; k++) sum -= hessian[k * n + i] * step[k];
        step[i] = sum * hessian[i * n + i];
    }
    return decrement;
}

CEV_INLINE cev_lanes chi2_at(const fit *f, const cev_lanes *pull)
{
    cev_lanes chi2 = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        cev_lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        scales_of(channel, pull, scale);
        if (counts.n_shape)
            chi2 += deviance(&counts, channel->n_component, scale);
        else
            chi2 += channel->n_component == 2 ? deviance(&counts, 2, scale) : deviance(&counts, channel->n_component, scale);
    }
    for (size_t p = 0, n = f->group->n_variable; p < n; p++)
        for (size_t q = 0; q < n; q++) chi2 += f->group->inverse_covariance[p * n + q] * pull[p] * pull[q];
    return chi2;
}

CEV_INLINE cev_lanes relative_tolerance(const fit *f)
{
    return CHI2_TOLERANCE * larger(lanes_set(1), chi2_at(f, f->scratch->base));
}

/* A barrier of b counts moves the minimum of chi2 by 2 b for each bin without data. It need not be lower than what keeps that
 * below the tolerance, relative to chi2 where that is large; and the higher it is, the less does rounding matter. */
CEV_INLINE cev_lanes lowest_barrier(const fit *f)
{
    size_t n_empty = 1;
    for (size_t k = 0; k < f->group->n_channel; k++) {
        channel_counts counts = counts_of(f, f->group->channel[k]);
        if (!counts.weight) n_empty += n_empty_bins(&counts);
    }
    return 0.4 / (double)n_empty * relative_tolerance(f);
}

/* The step length that takes lanes `outside` back into the region, most of the way to its border: halving alone would creep
 * up to a minimum on the border of a bin without data, where N is 1e-12. */
CEV_INLINE cev_lanes length_to_border(const fit *f, cev_lanes_mask outside, cev_lanes length)
{
    cev_lanes largest = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        cev_lanes scale[CEV_PROFILE_MAX_COMPONENTS], step[CEV_PROFILE_MAX_COMPONENTS];
        scales_of(channel, f->scratch->base, scale);
        scales_of(channel, f->scratch->direction, step);
        for (size_t c = 0; c < channel->n_component - channel->n_shape; c++) step[c] -= 1.0;
        cev_lanes loss = largest_loss(&counts, channel->n_component, scale, step);
        largest = lanes_select(loss > largest, loss, largest);
    }
    cev_lanes border = BORDER_SHARE / largest;
    return lanes_select(outside & (border < length), border, length);
}

/* No decrement is larger than what it would be with nothing but the pulls' own curvature. */
CEV_INLINE cev_lanes decrement_bound(const fit *f)
{
    cev_lanes bound = {0};
    for (size_t p = 0, n = f->group->n_variable; p < n; p++)
        for (size_t q = 0; q < n; q++) bound += f->group->covariance[p * n + q] * f->scratch->gradient[p] * f->scratch->gradient[q];
    return bound;
}

/* Works on the lanes `active`: base and direction end as the last accepted pulls and the step from them; the lanes that did not
 * converge are returned. A step that leaves the region, or overshoots, is cut until it does not; both become certain as it
 * shrinks. A lane that has converged at one barrier goes on at the next lower one. */
CEV_INLINE cev_lanes_mask iterate(const fit *f, cev_lanes_mask active, cev_lanes barrier, int max_evaluations)
{
    size_t n = f->group->n_variable;
    cev_lanes *base = f->scratch->base, *direction = f->scratch->direction, *trial = f->scratch->trial;
    cev_lanes next[CEV_PROFILE_MAX_PULLS];
    cev_lanes length = lanes_set(1), initial_slope = lanes_set(INFINITY); /* any feasible start will do */
    for (int evaluation = 0; evaluation < max_evaluations; evaluation++) {
        for (size_t p = 0; p < n; p++) trial[p] = base[p] + length * direction[p];
        cev_lanes_mask outside = derivatives(f, trial, WEIGHTS_POISSON, barrier);
        cev_lanes slope = {0};
        for (size_t p = 0; p < n; p++) slope += f->scratch->gradient[p] * direction[p];
        cev_lanes_mask accepted = active & ~outside & (slope <= OVERSHOOT * initial_slope);
        cev_lanes_mask doubtful = {0};
        cev_lanes decrement = newton_step(n, f->scratch->gradient, f->scratch->hessian, next, &doubtful);
        for (size_t p = 0; p < n; p++) {
            base[p] = lanes_select(accepted, trial[p], base[p]);
            direction[p] = lanes_select(accepted, next[p], direction[p]);
        }
        initial_slope = lanes_select(accepted, decrement, initial_slope);
        length = lanes_select(active & ~accepted, 0.5 * length, lanes_set(1));
        if (lanes_any(active & outside)) length = length_to_border(f, active & outside, length);
        cev_lanes gain = lanes_select(doubtful, decrement_bound(f), decrement);
        cev_lanes tolerance = lanes_set(CHI2_TOLERANCE);
        if (lanes_any(barrier > 0)) tolerance = lanes_select(barrier > 0, CENTRED * barrier, tolerance);
        cev_lanes_mask converged = accepted & (gain <= tolerance);
        for (size_t p = 0; p < n; p++) direction[p] = lanes_select(converged & doubtful, (cev_lanes){0}, direction[p]);
        cev_lanes_mask lower = {0};
        if (lanes_any(converged & (barrier > 0))) lower = converged & (barrier > lowest_barrier(f));
        active &= ~(converged & ~lower);
        if (!lanes_any(active)) break;
        if (!lanes_any(lower)) continue;
        barrier = lanes_select(lower, larger(BARRIER_FACTOR * barrier, lowest_barrier(f)), barrier);
        length = lanes_select(lower, (cev_lanes){0}, length); /* the same pulls again, under the lower barrier */
        initial_slope = lanes_select(lower, lanes_set(INFINITY), initial_slope);
    }
    return active;
}

/* Once more from the solution of the linear problem: the step takes back the rounding of the first, which matters where pulls cancel
 * most of chi2. */
CEV_INLINE cev_lanes_mask refine_linear(const fit *f)
{
    cev_lanes_mask none = {0}, ignored = {0};
    memcpy(f->scratch->base, f->scratch->direction, f->group->n_variable * sizeof *f->scratch->base);
    derivatives(f, f->scratch->base, WEIGHTS_LEAST_SQUARES, (cev_lanes){0});
    newton_step(f->group->n_variable, f->scratch->gradient, f->scratch->hessian, f->scratch->direction, &ignored);
    return none;
}

/* Lanes that ended beside the border of a bin without data: they may be jammed there, with a decrement that only seems small. */
CEV_INLINE cev_lanes_mask beside_border(const fit *f)
{
    cev_lanes_mask found = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[f->group->channel[k]];
        channel_counts counts = counts_of(f, f->group->channel[k]);
        if (counts.weight || n_empty_bins(&counts) == 0) continue;
        cev_lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        scales_of(channel, f->scratch->base, scale);
        for (size_t i = 0; i < counts.n_bin; i++)
            if (counts.data[i] == 0) found |= near_nothing(&counts, channel->n_component, i, scale);
    }
    return found;
}

/* From the least-squares start. Where several bins without data meet, their borders can bar the way to a minimum in the corner;
 * such lanes start again from zero, with a barrier that is lowered step by step. */
CEV_INLINE cev_lanes_mask search(const fit *f)
{
    size_t n = f->group->n_variable;
    cev_lanes_mask all = {0};
    newton_step(n, f->scratch->gradient, f->scratch->hessian, f->scratch->direction, &all); /* a start may be doubtful */
    all = (cev_lanes_mask){0};
    if (f->group->linear) return refine_linear(f); /* that was the solution */
    cev_lanes_mask left = iterate(f, ~all, (cev_lanes){0}, MAX_EVALUATIONS) | beside_border(f);
    if (!lanes_any(left)) return left;
    for (size_t p = 0; p < n; p++) {
        f->scratch->base[p] = lanes_select(left, (cev_lanes){0}, f->scratch->base[p]);
        f->scratch->direction[p] = lanes_select(left, (cev_lanes){0}, f->scratch->direction[p]);
    }
    return iterate(f, left, lanes_set(FIRST_BARRIER), MAX_CAREFUL_EVALUATIONS);
}

/* Lanes where a bin with data is predicted empty, whatever the pulls. */
CEV_INLINE cev_lanes_mask nothing_where_events_are(const fit *f)
{
    cev_lanes_mask found = {0};
    for (size_t k = 0; k < f->group->n_channel; k++) {
        channel_counts counts = counts_of(f, f->group->channel[k]);
        for (size_t i = 0; !counts.weight && i < counts.n_bin; i++) {
            double background = 0;
            for (size_t b = 0; b < counts.n_background; b++) background += counts.background[b * counts.n_bin + i];
            if (counts.data[i] > 0 && background == 0) found |= counts.signal[i] == 0;
        }
    }
    return found;
}

CEV_INLINE void set_status(cev_lanes_mask *status, cev_lanes_mask where, int64_t value)
{
    *status = (*status & ~where) | (((cev_lanes_mask){0} + value) & where);
}

CEV_INLINE void minimise(const fit *f, cev_lanes *chi2, cev_lanes_mask *status)
{
    size_t n = f->group->n_variable;
    cev_lanes *base = f->scratch->base, *trial = f->scratch->trial;
    memset(base, 0, n * sizeof *base);
    cev_lanes_mask invalid = derivatives(f, base, WEIGHTS_LEAST_SQUARES, (cev_lanes){0}), unconverged = {0};
    if (n) unconverged = search(f);
    for (size_t p = 0; p < n; p++) trial[p] = base[p] + f->scratch->direction[p];
    *chi2 = chi2_at(f, trial);
    if (f->group->linear) invalid |= ~(*chi2 < INFINITY);
    cev_lanes_mask left = ~invalid & ~unconverged & ~(*chi2 < INFINITY);
    if (lanes_any(left)) { /* the last, tiny step crossed the border of a bin without data: stay before it */
        for (size_t p = 0; p < n; p++) trial[p] = lanes_select(left, base[p], trial[p]);
        *chi2 = chi2_at(f, trial);
    }
    cev_lanes_mask impossible = nothing_where_events_are(f);
    *status = (cev_lanes_mask){0} + CEV_POINT_OK;
    set_status(status, unconverged, CEV_POINT_NOT_CONVERGED);
    set_status(status, impossible, CEV_POINT_IMPOSSIBLE);
    set_status(status, invalid, CEV_POINT_INVALID);
    *chi2 = lanes_select(invalid | unconverged, lanes_set(NAN), *chi2);
    *chi2 = lanes_select(impossible & ~invalid, lanes_set(INFINITY), *chi2);
}

/* A point is as bad as its worst group: the numbers of cev_point_status grow with badness. */
CEV_INLINE cev_lanes_mask worse(cev_lanes_mask a, cev_lanes_mask b)
{
    return (a & (a >= b)) | (b & (a < b));
}

CEV_INLINE void store_pulls(const fit *f, cev_lanes_mask status, cev_lanes *pull)
{
    const plan_group *g = f->group;
    for (size_t p = 0; p < g->n_pull; p++) {
        cev_lanes sum = {0};
        for (size_t v = 0; v < g->n_variable; v++) sum += g->to_pull[p * g->n_variable + v] * f->scratch->trial[v];
        pull[g->pull[p]] = lanes_select(status == CEV_POINT_OK, sum, lanes_set(NAN));
    }
}

/* A pulled signal so strong that 1 + the pulls would vanish in rounding is scaled down to LARGEST_SIGNAL counts in its largest bin. What
 * is left of it at the minimum are about as many counts n as there are data, of either; chi2 differs by about 2n/(sigma^2
 * LARGEST_SIGNAL). */
CEV_INLINE const cev_lanes *tamed_signal(const plan_channel *channel, const cev_lanes *signal, cev_lanes *scaled)
{
    cev_lanes_mask strong = {0};
    for (size_t i = 0; channel->signal_is_pulled && i < channel->n_bin; i++) strong |= signal[i] > LARGEST_SIGNAL;
    if (!lanes_any(strong)) return signal; /* the usual case, and in the hot loop */
    cev_lanes largest = {0};
    for (size_t i = 0; i < channel->n_bin; i++) largest = lanes_select(signal[i] > largest, signal[i], largest);
    cev_lanes scale = lanes_select((largest > LARGEST_SIGNAL) & (largest < INFINITY), LARGEST_SIGNAL / largest, lanes_set(1));
    for (size_t i = 0; i < channel->n_bin; i++) scaled[i] = scale * signal[i];
    return scaled;
}

/* The signal and its shapes as the fit sees them: tamed together, and no shape where nothing is expected, where it would count N < 0. */
CEV_INLINE const cev_lanes *shaped_signal(const plan_channel *channel, const cev_lanes *signal, cev_lanes *scaled)
{
    size_t n_bin = channel->n_bin, n_background = channel->n_component - 1 - channel->n_shape;
    cev_lanes largest = {0};
    for (size_t i = 0; i < n_bin; i++) largest = lanes_select(signal[i] > largest, signal[i], largest);
    cev_lanes_mask strong = (largest > LARGEST_SIGNAL) & (largest < INFINITY);
    cev_lanes scale = channel->signal_is_pulled ? lanes_select(strong, LARGEST_SIGNAL / largest, lanes_set(1)) : lanes_set(1);
    for (size_t i = 0; i < n_bin; i++) {
        cev_lanes expected = signal[i];
        for (size_t b = 0; b < n_background; b++) expected += channel->background[b * n_bin + i];
        scaled[i] = scale * signal[i];
        for (size_t s = 1; s <= channel->n_shape; s++) {
            cev_lanes shape = scale * signal[s * n_bin + i];
            scaled[s * n_bin + i] = channel->weight ? shape : lanes_select(expected == 0, (cev_lanes){0}, shape);
        }
    }
    return scaled;
}

CEV_DISPATCH void cev_profile_block(const cev_profile *profile, cev_profile_scratch *scratch, const double *const *data,
                                    const cev_lanes *const *signal, cev_profile_result *result)
{
    result->chi2 = (cev_lanes){0};
    result->status = (cev_lanes_mask){0} + CEV_POINT_OK;
    for (size_t p = 0; result->pull && p < profile->n_pull; p++) result->pull[p] = (cev_lanes){0}; /* those that act on nothing */
    for (size_t c = 0; c < profile->n_channel; c++)
        scratch->signal[c] = profile->channel[c].n_shape ? shaped_signal(&profile->channel[c], signal[c], scratch->scaled[c])
                                                         : tamed_signal(&profile->channel[c], signal[c], scratch->scaled[c]);
    for (size_t g = 0; g < profile->n_group; g++) {
        fit f = {.profile = profile, .group = &profile->group[g], .scratch = scratch, .data = data, .signal = scratch->signal};
        cev_lanes chi2;
        cev_lanes_mask status;
        minimise(&f, &chi2, &status);
        result->chi2 += chi2;
        result->status = worse(result->status, status);
        if (result->group_chi2) result->group_chi2[g] = chi2;
        if (result->pull) store_pulls(&f, status, result->pull);
    }
}
