/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The short fit of one group, on part of a block of points, and what stands in for it where it fails. Works with
 * chi2/2. Part of profile_slopes_kernel.h. */
#ifndef CEVSCAN_STATS_PROFILE_SLOPES_FIT_H
#define CEVSCAN_STATS_PROFILE_SLOPES_FIT_H

#include "profile_scales.h"
#include "profile_slopes_bins.h"

#define BORDER_CURVATURE 1e10 /* of a bin without data that holds the variables at its border, by its expected counts */
#define AT_BORDER 1e-6        /* of what is expected */
#define MOST_COUNTS 1e12      /* in a bin; more are left to cev_profile_block() */
enum { MAX_SHORT_EVALUATIONS = 30 };

typedef struct slopes_fit {
    const cev_slopes *slopes;
    size_t number; /* of the group */
    const plan_group *group;
    const slopes_group *forms;
    cev_slopes_scratch *scratch;
    cev_slopes_result *result;
    size_t lane; /* the part's first */
    lanes *base, *direction, *gradient;
    lanes *hessian;    /* then its Cholesky factor */
    lanes *positive;   /* of a curved group: the same without what can be negative; elsewhere it is the Hessian */
    lanes_mask *held;  /* [n_variable], of a general group: variables that do not follow */
    lanes_mask hard;   /* lanes that cev_profile_block() fits */
    lanes_mask status; /* cev_point_status */
    lanes chi2;        /* of the group; of hard lanes as it comes from there */
} slopes_fit;

/* --- derivatives by the variables --------------------------------------------------------------------------------- */

/* Adds a channel's derivatives by its scales to those of a general group by its variables. */
CEV_INLINE void gather_terms(const slopes_fit *f, const plan_channel *channel, const channel_slopes *slopes,
                             const lanes *v)
{
    size_t n = f->group->n_variable;
    for (size_t a = 0; a < channel->n_term; a++) {
        const plan_term *one = &channel->term[a];
        lanes slope = term_slope(one, v), curved = term_curvature(one) * slopes->gradient[one->component];
        f->gradient[one->variable] += slope * slopes->gradient[one->component];
        f->hessian[one->variable * n + one->variable] += curved;
        if (f->group->curved) /* what is negative is left out */
            f->positive[one->variable * n + one->variable] -= curved;
        for (size_t b = 0; b < channel->n_term; b++) {
            const plan_term *other = &channel->term[b];
            if (other->variable <= one->variable)
                f->hessian[one->variable * n + other->variable] += slope * term_slope(other, v) *
                                                                   symmetric(slopes->hessian, channel->n_component,
                                                                             one->component, other->component);
        }
    }
}

CEV_INLINE void clear_slopes(const slopes_fit *f)
{
    size_t n = f->group->n_variable;
    memset(f->gradient, 0, n * sizeof *f->gradient);
    memset(f->hessian, 0, n * n * sizeof *f->hessian);
    if (f->group->curved) memset(f->positive, 0, n * n * sizeof *f->positive);
}

/* Those of pulls that are Gaussian and nothing else. */
CEV_INLINE void start_slopes(const slopes_fit *f, const lanes *v)
{
    const plan_group *g = f->group;
    size_t n = g->n_variable;
    for (size_t p = 0; p < n; p++) {
        f->gradient[p] = (lanes){0};
        for (size_t q = 0; q < n; q++) f->gradient[p] += g->inverse_covariance[p * n + q] * v[q];
        for (size_t q = 0; q <= p; q++) f->hessian[p * n + q] = lanes_set(g->inverse_covariance[p * n + q]);
    }
}

/* Of a general group, at the end: constraints, and what `positive` differs by, which has been gathered so far. */
CEV_INLINE lanes_mask add_constraints(const slopes_fit *f, const lanes *v)
{
    const plan_group *g = f->group;
    size_t n = g->n_variable;
    lanes_mask outside = {0};
    add_constraint_slopes(g, v, f->gradient, f->hessian);
    for (size_t p = 0; p < n; p++) {
        cev_pull_constraint constraint = g->prior[p].constraint;
        if (constraint == CEV_CONSTRAINT_GAMMA || constraint == CEV_CONSTRAINT_LOGNORMAL) outside |= ~(v[p] > -1);
        if (!g->curved) continue;
        f->positive[p * n + p] -= slopes_of_prior(g, p, v[p]).rest;
        for (size_t q = 0; q <= p; q++) f->positive[p * n + q] += f->hessian[p * n + q];
    }
    return outside;
}

/* Variables that are given, or that chi2 presses against a bound. */
CEV_INLINE void find_held(const slopes_fit *f, const lanes *v)
{
    const cev_pull_prior *prior = f->group->prior;
    lanes_mask none = {0};
    for (size_t p = 0; p < f->group->n_variable; p++)
        f->held[p] = prior[p].given ? ~none
                                    : ((v[p] <= prior[p].low) & (f->gradient[p] > 0)) |
                                          ((v[p] >= prior[p].high) & (f->gradient[p] < 0));
}

/* Takes the variables that are held out of the equations of a step. */
CEV_INLINE void take_held_out(const slopes_fit *f, lanes *hessian)
{
    size_t n = f->group->n_variable;
    lanes zero = {0};
    for (size_t p = 0; p < n; p++) {
        f->gradient[p] = lanes_select(f->held[p], zero, f->gradient[p]);
        for (size_t q = 0; q < p; q++)
            hessian[p * n + q] = lanes_select(f->held[p] | f->held[q], zero, hessian[p * n + q]);
        /* Nothing tells of a variable whose own element vanishes. */
        lanes_mask untold = hessian[p * n + p] == 0;
        hessian[p * n + p] = lanes_select(f->held[p] | untold, lanes_set(1), hessian[p * n + p]);
    }
}

/* Gradient and Hessian by the variables at v; returns the lanes outside of the region. */
CEV_OUTLINE lanes_mask slopes_at(const slopes_fit *f, const lanes *v, bin_weights weights)
{
    const plan_group *g = f->group;
    lanes_mask outside = {0};
    if (g->general)
        clear_slopes(f);
    else
        start_slopes(f, v);
    for (size_t k = 0; k < g->n_channel; k++) {
        const slopes_channel *c = &f->slopes->channel[g->channel[k]];
        slopes_counts *counts = &f->scratch->counts[g->channel[k]];
        channel_slopes slopes;
        if (g->general)
            term_scales(c->plan, v, (lanes *)counts->scale);
        else
            scales_of(c->plan, v, (lanes *)counts->scale);
        outside |= slopes_of_channel(c, weights, counts, &slopes);
        if (g->general)
            gather_terms(f, c->plan, &slopes, v);
        else
            scatter(c->plan, &slopes, g->n_variable, f->gradient, f->hessian);
    }
    if (!g->general) return outside;
    outside |= add_constraints(f, v);
    find_held(f, v);
    return outside;
}

/* Solves for Newton's step; returns what it would lower chi2 by. */
CEV_INLINE lanes step_of(const slopes_fit *f, lanes *step, lanes_mask *doubtful)
{
    size_t n = f->group->n_variable;
    if (f->group->general) take_held_out(f, f->hessian);
    switch (n) {
    case 1: return solve_step(1, f->gradient, f->hessian, step, doubtful);
    case 2: return solve_step(2, f->gradient, f->hessian, step, doubtful);
    default: return solve_step(n, f->gradient, f->hessian, step, doubtful);
    }
}

/* --- the fit ----------------------------------------------------------------------------------------------------- */

/* Where the fit starts, as a step from zero, or from the values that pulls are given. */
CEV_INLINE void start_of_fit(const slopes_fit *f, const cev_lanes *given, const cev_lanes *start)
{
    const plan_group *g = f->group;
    size_t n = g->n_variable;
    memset(f->base, 0, n * sizeof *f->base);
    for (size_t v = 0; g->general && v < n; v++)
        if (g->prior[v].given) f->base[v] = lanes_load((const double *)&given[g->pull[v]] + f->lane);
    if (!start) {
        lanes_mask ignored = {0};
        slopes_at(f, f->base, OF_LEAST_SQUARES);
        step_of(f, f->direction, &ignored);
    }
    for (size_t v = 0; v < n; v++) {
        lanes to = start ? lanes_load((const double *)&start[g->first_variable + v] + f->lane) - f->base[v]
                         : f->direction[v];
        f->direction[v] = g->general && g->prior[v].given ? (lanes){0} : to;
    }
}

/* How much of the step takes a variable to the bound that it goes towards. */
CEV_INLINE lanes share_to_bound(const slopes_fit *f, size_t v)
{
    const cev_pull_prior *prior = &f->group->prior[v];
    lanes step = f->direction[v], never = lanes_set(INFINITY);
    if (prior->given) return never;
    lanes down = lanes_select(step < 0, (prior->low - f->base[v]) / step, never);
    return lanes_select(step > 0, (prior->high - f->base[v]) / step, down);
}

/* What of a whole step stays within all bounds. */
CEV_INLINE lanes share_within_bounds(const slopes_fit *f)
{
    lanes share = lanes_set(1);
    for (size_t v = 0; f->group->general && f->group->bounded && v < f->group->n_variable; v++) {
        lanes own = share_to_bound(f, v);
        share = lanes_select(own < share, own, share);
    }
    return share;
}

/* The point a step leads to; one that meets bounds ends at the first of them, exactly. */
CEV_INLINE void go_to(const slopes_fit *f, lanes_mask active, lanes length, lanes *trial)
{
    const plan_group *g = f->group;
    for (size_t v = 0; v < g->n_variable; v++) {
        trial[v] = lanes_select(active, f->base[v] + length * f->direction[v], f->base[v]);
        if (!g->general || !g->bounded || g->prior[v].given) continue;
        lanes_mask met = active & (share_to_bound(f, v) <= length);
        lanes bound = lanes_select(f->direction[v] < 0, lanes_set(g->prior[v].low), lanes_set(g->prior[v].high));
        trial[v] = lanes_select(met, bound, trial[v]);
    }
}

/* Newton's iteration, each step cut until it neither leaves the region nor overshoots. Lanes that have converged are
 * evaluated where they are, so that at the end counts, gradient and factor are those at the base of every lane that is
 * not returned. */
CEV_INLINE lanes_mask short_fit(const slopes_fit *f)
{
    size_t n = f->group->n_variable;
    lanes *trial = (lanes *)f->scratch->trial, *next = (lanes *)f->scratch->next;
    lanes length = share_within_bounds(f), initial_slope = lanes_set(INFINITY);
    lanes_mask active = {0};
    active = ~active;
    for (int evaluation = 0; evaluation < MAX_SHORT_EVALUATIONS; evaluation++) {
        lanes slope = {0};
        go_to(f, active, length, trial);
        lanes_mask outside = slopes_at(f, trial, OF_LIKELIHOOD), doubtful = {0};
        for (size_t v = 0; v < n; v++) slope += f->gradient[v] * f->direction[v];
        lanes_mask accepted = active & ~outside & (slope <= OVERSHOOT * initial_slope);
        lanes decrement = step_of(f, next, &doubtful);
        for (size_t v = 0; v < n; v++) {
            f->base[v] = lanes_select(accepted, trial[v], f->base[v]);
            f->direction[v] = lanes_select(accepted, next[v], f->direction[v]);
        }
        initial_slope = lanes_select(accepted, decrement, initial_slope);
        lanes whole = share_within_bounds(f);
        length = lanes_select(active & ~accepted, 0.5 * length, whole);
        active &= ~(accepted & ~doubtful & (decrement <= CHI2_TOLERANCE) & (whole >= 1.0));
        if (!lanes_any(active)) break;
    }
    return active;
}

/* --- hard points ------------------------------------------------------------------------------------------------- */

CEV_INLINE void in_all_parts(lanes x, cev_lanes *to)
{
    for (size_t part = 0; part < CEV_LANE_PARTS; part++) lanes_store((double *)to + part * LANES, x);
}

/* The signal and shapes of a channel as cev_profile_block() wants them, this part's lanes in all parts. */
CEV_INLINE void lay_signal(const slopes_channel *c, const slopes_counts *counts, cev_lanes *signal)
{
    const lanes *component = (const lanes *)counts->component;
    for (size_t s = 0; s <= c->n_shape; s++)
        for (size_t i = 0; i < c->n_bin; i++)
            in_all_parts(component[s * c->n_bin + i], &signal[s * c->n_bin + c->order[i]]);
}

/* Lanes where a bin without data holds the variables at its border. */
CEV_INLINE lanes_mask is_at_border(const slopes_channel *c, const slopes_counts *counts, lanes_mask hard, size_t bin,
                                   lanes *expected)
{
    lanes one[CEV_PROFILE_MAX_COMPONENTS] = {{0}};
    for (size_t k = 0; k < c->plan->n_component; k++) one[k] = lanes_set(k <= c->n_background);
    *expected = total_counts(c, (const lanes *)counts->component, one, c->plan->n_component, bin);
    return hard & (*expected > 0) & (((const lanes *)counts->n)[bin] < AT_BORDER * *expected);
}

/* So much curvature that the variables can not follow across it. */
CEV_INLINE void stiffen_border(const slopes_channel *c, const slopes_counts *counts, lanes_mask hard)
{
    lanes *second = (lanes *)counts->second, expected;
    for (size_t i = c->n_filled; i < c->n_bin; i++) {
        lanes_mask held = is_at_border(c, counts, hard, i, &expected);
        second[i] = lanes_select(held, BORDER_CURVATURE / (expected * expected), second[i]);
    }
}

/* The force of the border, which a step against it shows. */
CEV_INLINE void press_on_border(const slopes_fit *f, const slopes_channel *c, const slopes_counts *counts)
{
    lanes *first = (lanes *)counts->first, expected, change[CEV_PROFILE_MAX_COMPONENTS];
    const lanes *second = (const lanes *)counts->second, *component = (const lanes *)counts->component;
    for (size_t k = 0; k < c->plan->n_component; k++) change[k] = (lanes){0};
    for (size_t t = 0; t < c->plan->n_term; t++)
        change[c->plan->term[t].component] += term_slope(&c->plan->term[t], f->base) *
                                              f->direction[c->plan->term[t].variable];
    for (size_t i = c->n_filled; i < c->n_bin; i++) {
        lanes_mask held = is_at_border(c, counts, f->hard, i, &expected);
        lanes force = second[i] * total_counts(c, component, change, c->plan->n_component, i);
        first[i] = lanes_select(held, first[i] + force, first[i]);
    }
}

/* A variable whose own curvature is negative, where the fit ended in a saddle, does not follow. */
CEV_INLINE void solve_as_they_are(const slopes_fit *f)
{
    size_t n = f->group->n_variable;
    lanes_mask ignored = {0};
    slopes_at(f, f->base, AS_THEY_ARE);
    for (size_t v = 0; f->group->general && v < n; v++)
        f->held[v] |= is_held(f->group, v, f->base[v]) | ~(f->hessian[v * n + v] >= 0);
    step_of(f, f->direction, &ignored);
}

/* Slopes where the full fit ended. */
CEV_INLINE void slopes_of_hard_lanes(const slopes_fit *f)
{
    const plan_group *g = f->group;
    slopes_at(f, f->base, OF_LIKELIHOOD);
    for (size_t k = 0; k < g->n_channel; k++)
        stiffen_border(&f->slopes->channel[g->channel[k]], &f->scratch->counts[g->channel[k]], f->hard);
    solve_as_they_are(f);
    for (size_t k = 0; k < g->n_channel; k++)
        press_on_border(f, &f->slopes->channel[g->channel[k]], &f->scratch->counts[g->channel[k]]);
    solve_as_they_are(f);
}

/* Lanes of all groups go through the full fit, and this group's answers are taken. */
CEV_OUTLINE void fit_with_care(slopes_fit *f, const cev_lanes *given)
{
    cev_slopes_scratch *s = f->scratch;
    const cev_slopes *slopes = f->slopes;
    cev_profile_result full = {.variable = s->variable, .group_chi2 = s->group_chi2};
    for (size_t c = 0; c < slopes->profile->n_channel; c++)
        lay_signal(&slopes->channel[c], &s->counts[c], s->signal[c]);
    for (size_t p = 0; given && p < slopes->profile->n_pull; p++)
        in_all_parts(lanes_load((const double *)&given[p] + f->lane), &s->given[p]);
    cev_profile_block(slopes->profile, s->profile, slopes->data, (const cev_lanes *const *)s->signal,
                      given ? s->given : NULL, NULL, &full);
    f->chi2 = lanes_load((const double *)&s->group_chi2[f->number]);
    for (size_t l = 0; l < LANES; l++)
        if (f->hard[l]) f->status[l] = full.status[l];
    for (size_t v = 0; v < f->group->n_variable; v++) {
        lanes ended = lanes_load((const double *)&s->variable[f->group->first_variable + v]);
        f->base[v] = lanes_select(f->hard, ended, f->base[v]);
    }
    slopes_of_hard_lanes(f);
}

#endif
