/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The damped Newton iteration of cevscan/profile.h, on a block of points at once. Works with chi2/2. */
#include <string.h>

#include "poisson_lanes.h"
#include "profile_plan.h"

#define CHI2_TOLERANCE 1e-9     /* of the decrement: what the next full step would gain */
#define OVERSHOOT 0.5           /* share of the initial slope that may be left, with the other sign, behind the minimum */
enum { MAX_EVALUATIONS = 200 }; /* hard cases need 20; a point that needs more is reported as not converged */

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
    return (channel_counts){.n_bin = channel->n_bin, .n_background = channel->n_component - 1, .data = f->data[c],
                            .background = channel->background, .signal = f->signal[c]};
}

CEV_INLINE void scales_of(const plan_channel *channel, const cev_lanes *pull, cev_lanes *scale)
{
    for (size_t k = 0; k < channel->n_component; k++) scale[k] = lanes_set(1);
    for (size_t l = 0; l < channel->n_link; l++) scale[channel->link[l].component] += pull[channel->link[l].pull];
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
        gradient[one.pull] += slopes->gradient[one.component];
        for (size_t b = 0; b < channel->n_link; b++) {
            plan_link other = channel->link[b];
            if (other.pull <= one.pull)
                hessian[one.pull * n_pull + other.pull] +=
                    symmetric(slopes->hessian, channel->n_component, one.component, other.component);
        }
    }
}

/* Gradient and Hessian at `pull` into the scratch; returns the lanes that are outside the region. */
CEV_INLINE cev_lanes_mask derivatives(const fit *f, const cev_lanes *pull, int least_squares)
{
    const plan_group *g = f->group;
    cev_lanes *gradient = f->scratch->gradient, *hessian = f->scratch->hessian;
    cev_lanes_mask outside = {0};
    memset(hessian, 0, g->n_pull * g->n_pull * sizeof *hessian);
    for (size_t p = 0; p < g->n_pull; p++) {
        gradient[p] = g->inverse_variance[p] * pull[p];
        hessian[p * g->n_pull + p] = lanes_set(g->inverse_variance[p]);
    }
    for (size_t k = 0; k < g->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[g->channel[k]];
        channel_counts counts = counts_of(f, g->channel[k]);
        cev_lanes scale[CEV_PROFILE_MAX_COMPONENTS], by_component[CEV_PROFILE_MAX_COMPONENTS];
        cev_lanes by_components[CEV_PROFILE_MAX_COMPONENTS * CEV_PROFILE_MAX_COMPONENTS];
        channel_slopes slopes = {by_component, by_components};
        scales_of(channel, pull, scale);
        if (channel->n_component == 2)
            outside |= accumulate(&counts, 2, least_squares, scale, &slopes);
        else
            outside |= accumulate(&counts, channel->n_component, least_squares, scale, &slopes);
        scatter(channel, &slopes, g->n_pull, gradient, hessian);
    }
    return outside;
}

/* Solves H step = -g by Cholesky, in place of H; returns the decrement -g.step. Every H has 1/sigma^2 on its diagonal and
 * something positive semidefinite on top, so no pivot can vanish. */
CEV_INLINE cev_lanes newton_step(size_t n, const cev_lanes *gradient, cev_lanes *hessian, cev_lanes *step)
{
    for (size_t j = 0; j < n; j++) {
        cev_lanes pivot = hessian[j * n + j];
        for (size_t k = 0; k < j; k++) pivot -= hessian[j * n + k] * hessian[j * n + k];
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
        chi2 += channel->n_component == 2 ? deviance(&counts, 2, scale) : deviance(&counts, channel->n_component, scale);
    }
    for (size_t p = 0; p < f->group->n_pull; p++) chi2 += f->group->inverse_variance[p] * pull[p] * pull[p];
    return chi2;
}

/* base and direction end as the last accepted pulls and the step from them; the lanes that did not converge are returned.
 * A step that leaves the region, or overshoots, is halved until it does not; both become certain as it shrinks. */
CEV_INLINE cev_lanes_mask iterate(const fit *f)
{
    size_t n = f->group->n_pull;
    cev_lanes *base = f->scratch->base, *direction = f->scratch->direction, *trial = f->scratch->trial;
    cev_lanes next[CEV_PROFILE_MAX_PULLS];
    cev_lanes_mask active = {0};
    active = ~active;
    cev_lanes length = lanes_set(1), initial_slope = lanes_set(INFINITY); /* any feasible start will do */
    for (int evaluation = 0; evaluation < MAX_EVALUATIONS; evaluation++) {
        for (size_t p = 0; p < n; p++) trial[p] = base[p] + length * direction[p];
        cev_lanes_mask outside = derivatives(f, trial, 0);
        cev_lanes slope = {0};
        for (size_t p = 0; p < n; p++) slope += f->scratch->gradient[p] * direction[p];
        cev_lanes_mask accepted = active & ~outside & (slope <= OVERSHOOT * initial_slope);
        cev_lanes decrement = newton_step(n, f->scratch->gradient, f->scratch->hessian, next);
        for (size_t p = 0; p < n; p++) {
            base[p] = lanes_select(accepted, trial[p], base[p]);
            direction[p] = lanes_select(accepted, next[p], direction[p]);
        }
        initial_slope = lanes_select(accepted, decrement, initial_slope);
        length = lanes_select(active & ~accepted, 0.5 * length, lanes_set(1));
        active &= ~(accepted & (decrement <= CHI2_TOLERANCE));
        if (!lanes_any(active)) break;
    }
    return active;
}

CEV_INLINE void minimise(const fit *f, cev_lanes *chi2, cev_lanes_mask *status)
{
    size_t n = f->group->n_pull;
    cev_lanes *base = f->scratch->base, *trial = f->scratch->trial;
    memset(base, 0, n * sizeof *base);
    cev_lanes_mask invalid = derivatives(f, base, 1), unconverged = {0};
    if (n) {
        newton_step(n, f->scratch->gradient, f->scratch->hessian, f->scratch->direction);
        unconverged = iterate(f);
    }
    for (size_t p = 0; p < n; p++) trial[p] = base[p] + f->scratch->direction[p];
    *chi2 = chi2_at(f, trial);
    cev_lanes_mask left = ~invalid & ~unconverged & ~(*chi2 < INFINITY);
    if (lanes_any(left)) { /* the last, tiny step crossed the border of a bin without data: stay before it */
        for (size_t p = 0; p < n; p++) trial[p] = lanes_select(left, base[p], trial[p]);
        *chi2 = chi2_at(f, trial);
    }
    cev_lanes_mask ok = {0};
    ok += CEV_POINT_OK;
    cev_lanes_mask impossible = (*chi2 == INFINITY);
    *status = (ok & ~impossible) | ((ok - CEV_POINT_OK + CEV_POINT_IMPOSSIBLE) & impossible);
    *status = (*status & ~unconverged) | ((ok - CEV_POINT_OK + CEV_POINT_NOT_CONVERGED) & unconverged);
    *status = (*status & ~invalid) | ((ok - CEV_POINT_OK + CEV_POINT_INVALID) & invalid);
    *chi2 = lanes_select(invalid | unconverged, lanes_set(NAN), *chi2);
}

/* A point is as bad as its worst group: the numbers of cev_point_status grow with badness. */
CEV_INLINE cev_lanes_mask worse(cev_lanes_mask a, cev_lanes_mask b)
{
    return (a & (a >= b)) | (b & (a < b));
}

CEV_DISPATCH void cev_profile_block(const cev_profile *profile, cev_profile_scratch *scratch, const double *const *data,
                                    const cev_lanes *const *signal, cev_profile_result *result)
{
    result->chi2 = (cev_lanes){0};
    result->status = (cev_lanes_mask){0} + CEV_POINT_OK;
    for (size_t g = 0; g < profile->n_group; g++) {
        fit f = {.profile = profile, .group = &profile->group[g], .scratch = scratch, .data = data, .signal = signal};
        cev_lanes chi2;
        cev_lanes_mask status;
        minimise(&f, &chi2, &status);
        result->chi2 += chi2;
        result->status = worse(result->status, status);
        if (result->group_chi2) result->group_chi2[g] = chi2;
        for (size_t p = 0; result->pull && p < f.group->n_pull; p++)
            result->pull[f.group->pull[p]] = lanes_select(status == CEV_POINT_OK, scratch->trial[p], lanes_set(NAN));
    }
}
