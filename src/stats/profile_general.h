/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Newton iteration of cevscan/profile.h for general groups, on part of a block of points: pulls with any
 * constraint, bounds and given values, links with weights and powers. Works with chi2/2 and in the pulls themselves.
 * Part of profile_kernel.h.
 *
 * The Hessian of the pulls that do not follow (given, or at a bound that they press against) is that of a unit matrix.
 * Where it is not positive definite, which squares and lognormal constraints can make it, a step is taken with what of
 * it never is negative, and a step has to lower chi2. Pulls that nothing tells, or that data tell together only, are
 * damped by a ridge that their own curvature is large against, where they are free: an untold pull stays at 0. */
#ifndef CEVSCAN_STATS_PROFILE_GENERAL_H
#define CEVSCAN_STATS_PROFILE_GENERAL_H

#include "profile_newton.h"

#define RIDGE 1e-9
#define ARMIJO 1e-4       /* share of the expected gain that a step has to bring, where chi2 need not be convex */
#define MERIT_NOISE 1e-13 /* rounding of chi2 */

typedef struct general_fit {
    const fit *f;
    const plan_group *group;
    bool bounded;                       /* bounds are looked at */
    lanes extra[CEV_PROFILE_MAX_PULLS]; /* of the diagonal of the Hessian, of either sign */
    lanes_mask held[CEV_PROFILE_MAX_PULLS];
    lanes_mask negative; /* lanes where the Hessian has a negative direction, beyond rounding */
} general_fit;

/* --- derivatives ------------------------------------------------------------------------------------------------- */

CEV_INLINE void scatter_terms(const plan_channel *channel, const channel_slopes *slopes, size_t n, const lanes *pull,
                              lanes *gradient, lanes *hessian, lanes *extra)
{
    for (size_t a = 0; a < channel->n_term; a++) {
        const plan_term *one = &channel->term[a];
        lanes own = term_slope(one, pull);
        gradient[one->variable] += slopes->gradient[one->component] * own;
        if (one->power == 2) extra[one->variable] += slopes->gradient[one->component] * term_curvature(one);
        for (size_t b = 0; b < channel->n_term; b++) {
            const plan_term *other = &channel->term[b];
            if (other->variable > one->variable) continue;
            lanes curvature = symmetric(slopes->hessian, channel->n_component, one->component, other->component);
            hessian[one->variable * n + other->variable] += curvature * own * term_slope(other, pull);
        }
    }
}

/* Gradient, the part of the Hessian that never is negative, and the rest, at `pull`; returns the lanes that are outside
 * the region. */
CEV_INLINE lanes_mask general_derivatives(general_fit *s, const lanes *pull, channel_weights weights, lanes barrier)
{
    const fit *f = s->f;
    const plan_group *g = s->group;
    lanes_mask outside = {0};
    size_t n = g->n_variable;
    memset(f->gradient, 0, n * sizeof *f->gradient);
    memset(f->hessian, 0, n * n * sizeof *f->hessian);
    memset(s->extra, 0, n * sizeof *s->extra);
    add_constraint_slopes(g, pull, f->gradient, f->hessian);
    for (size_t v = 0; v < n; v++) {
        s->extra[v] = slopes_of_prior(g, v, pull[v]).rest;
        f->hessian[v * n + v] -= s->extra[v];
    }
    for (size_t k = 0; k < g->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[g->channel[k]];
        channel_counts counts = counts_of(f, g->channel[k]);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        channel_slopes slopes;
        term_scales(channel, pull, scale);
        if (counts.weight)
            outside |= slopes_of(&counts, channel->n_component, WEIGHTS_GAUSSIAN, barrier, scale, &slopes);
        else if (weights == WEIGHTS_POISSON && counts.inverse_data)
            outside |= slopes_of(&counts, channel->n_component, WEIGHTS_POISSON_FULL, barrier, scale, &slopes);
        else
            outside |= slopes_of(&counts, channel->n_component, weights, barrier, scale, &slopes);
        scatter_terms(channel, &slopes, n, pull, f->gradient, f->hessian, s->extra);
    }
    return outside;
}

CEV_OUTLINE lanes_mask general_likelihood_slopes(general_fit *s, const lanes *pull, lanes barrier)
{
    return general_derivatives(s, pull, WEIGHTS_POISSON, barrier);
}

CEV_OUTLINE lanes_mask general_least_squares_slopes(general_fit *s, const lanes *pull)
{
    return general_derivatives(s, pull, WEIGHTS_LEAST_SQUARES, (lanes){0});
}

/* --- one step ---------------------------------------------------------------------------------------------------- */

CEV_INLINE lanes element(const general_fit *s, size_t i, size_t j, lanes_mask safe)
{
    size_t n = s->group->n_variable;
    lanes a = s->f->hessian[i * n + j], extra = s->extra[j];
    if (i != j) return lanes_select(s->held[i] | s->held[j], (lanes){0}, a);
    bool is_free = s->group->prior[i].constraint == CEV_CONSTRAINT_NONE;
    lanes positive = (a + lanes_larger(extra, (lanes){0})) * (is_free ? 1 + RIDGE : 1);
    positive = lanes_select(positive > 0, positive, lanes_set(1)); /* nothing tells of it */
    return lanes_select(s->held[i], lanes_set(1), lanes_select(safe, positive, a + extra));
}

/* Cholesky factor of the Hessian, in `safe` lanes of its positive part and the ridge, with 1/diagonal in the place of
 * the diagonal; returns the lanes where a pivot is missing, or rounding has eaten most of it. */
CEV_OUTLINE lanes_mask factorise(general_fit *s, lanes_mask safe)
{
    size_t n = s->group->n_variable;
    lanes *l = (lanes *)s->f->scratch->factor;
    lanes_mask missing = {0}, negative = {0};
    for (size_t j = 0; j < n; j++) {
        lanes whole = element(s, j, j, safe), pivot = whole;
        for (size_t k = 0; k < j; k++) pivot -= l[j * n + k] * l[j * n + k];
        missing |= ~((pivot > DOUBTFUL_PIVOT * whole) & (pivot > 0));
        negative |= (pivot < -DOUBTFUL_PIVOT * whole) | (whole < 0);
        pivot = lanes_larger(pivot, lanes_larger(SMALLEST_PIVOT * whole, lanes_set(1e-300)));
        lanes inverse = 1.0 / lanes_sqrt(pivot);
        l[j * n + j] = inverse;
        for (size_t i = j + 1; i < n; i++) {
            lanes sum = element(s, i, j, safe);
            for (size_t k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
            l[i * n + j] = sum * inverse;
        }
    }
    s->negative = negative & ~safe;
    return missing;
}

/* Newton's step; returns the decrement. */
CEV_OUTLINE lanes solve_general(const general_fit *s, lanes *step)
{
    size_t n = s->group->n_variable;
    const lanes *l = (const lanes *)s->f->scratch->factor;
    lanes decrement = {0};
    for (size_t i = 0; i < n; i++) {
        lanes sum = lanes_select(s->held[i], (lanes){0}, -s->f->gradient[i]);
        for (size_t k = 0; k < i; k++) sum -= l[i * n + k] * step[k];
        step[i] = sum * l[i * n + i];
        decrement += step[i] * step[i];
    }
    for (size_t i = n; i-- > 0;) {
        lanes sum = step[i];
        for (size_t k = i + 1; k < n; k++) sum -= l[k * n + i] * step[k];
        step[i] = sum * l[i * n + i];
    }
    return decrement;
}

/* Lanes where pull v sits at a bound that something towards `towards` would take it beyond. */
CEV_INLINE lanes_mask would_leave(const general_fit *s, size_t v, lanes at, lanes towards)
{
    const cev_pull_prior *prior = &s->group->prior[v];
    return ((at <= prior->low) & (towards < 0)) | ((at >= prior->high) & (towards > 0));
}

/* The step at pull[n], where the derivatives are; *missing are the lanes whose Hessian is not positive definite, or
 * nearly singular. */
CEV_INLINE lanes step_at(general_fit *s, const lanes *pull, lanes *step, lanes_mask *missing)
{
    size_t n = s->group->n_variable;
    lanes_mask none = {0};
    for (size_t v = 0; v < n; v++) {
        s->held[v] = s->group->prior[v].given ? ~none : none;
        if (s->bounded) s->held[v] |= would_leave(s, v, pull[v], -s->f->gradient[v]);
    }
    for (;;) {
        *missing = factorise(s, none);
        lanes_mask negative = s->negative;
        if (lanes_any(*missing)) factorise(s, *missing);
        s->negative = negative;
        lanes decrement = solve_general(s, step);
        lanes_mask again = {0};
        for (size_t v = 0; s->bounded && v < n; v++) {
            lanes_mask leaves = would_leave(s, v, pull[v], step[v]) & ~s->held[v];
            s->held[v] |= leaves;
            again |= leaves;
        }
        if (!lanes_any(again)) return decrement;
    }
}

/* No decrement is larger than what it would be with nothing but the pulls' own curvature; where there is none, not by
 * more than with the least of what the data tell together. */
CEV_OUTLINE lanes general_decrement_bound(const general_fit *s, const lanes *pull)
{
    const plan_group *g = s->group;
    size_t n = g->n_variable;
    lanes bound = {0};
    for (size_t v = 0; v < n; v++) {
        lanes gradient = lanes_select(s->held[v], (lanes){0}, s->f->gradient[v]), own = gradient * gradient;
        lanes width = lanes_set(g->sigma[v]), told = s->f->hessian[v * n + v];
        if (g->prior[v].constraint == CEV_CONSTRAINT_NONE) {
            lanes least = lanes_select(told > 0, DOUBTFUL_PIVOT * told, lanes_set(1));
            bound += own / least;
            continue;
        }
        if (g->prior[v].constraint != CEV_CONSTRAINT_GAUSSIAN) width *= 1.0 + pull[v];
        bound += own * width * width;
    }
    return (double)n * bound; /* correlated, too */
}

/* --- how far ----------------------------------------------------------------------------------------------------- */

CEV_INLINE lanes way_to_bound(const general_fit *s, size_t v)
{
    const cev_pull_prior *prior = &s->group->prior[v];
    lanes step = s->f->direction[v], base = s->f->base[v], far = lanes_set(INFINITY);
    if (!s->bounded || prior->given) return far;
    lanes down = lanes_select(step < 0, (prior->low - base) / step, far);
    return lanes_select(step > 0, (prior->high - base) / step, down);
}

CEV_INLINE lanes way_to_border(const general_fit *s, size_t v)
{
    cev_pull_constraint constraint = s->group->prior[v].constraint;
    lanes step = s->f->direction[v], far = lanes_set(INFINITY);
    if (constraint != CEV_CONSTRAINT_GAMMA && constraint != CEV_CONSTRAINT_LOGNORMAL) return far;
    return lanes_select(step < 0, -BORDER_SHARE * (1.0 + s->f->base[v]) / step, far);
}

/* The longest step, up to 1, that keeps all pulls inside their bounds, and before the borders of their constraints. */
CEV_INLINE lanes longest_step(const general_fit *s)
{
    lanes length = lanes_set(1);
    for (size_t v = 0; v < s->group->n_variable; v++) {
        lanes bound = way_to_bound(s, v), border = way_to_border(s, v);
        length = lanes_select(bound < length, bound, length);
        length = lanes_select(border < length, border, length);
    }
    return length;
}

/* Exactly to a bound that is met. */
CEV_INLINE void go(const general_fit *s, lanes length, lanes *to)
{
    for (size_t v = 0; v < s->group->n_variable; v++) {
        const cev_pull_prior *prior = &s->group->prior[v];
        lanes step = s->f->direction[v];
        to[v] = s->f->base[v] + length * step;
        if (!s->bounded || prior->given) continue;
        lanes_mask met = way_to_bound(s, v) <= length;
        to[v] = lanes_select((step < 0) & (met | (to[v] <= prior->low)), lanes_set(prior->low), to[v]);
        to[v] = lanes_select((step > 0) & (met | (to[v] >= prior->high)), lanes_set(prior->high), to[v]);
    }
}

/* As length_to_border(), to first order where squares count: halving does the rest. */
CEV_INLINE lanes general_length_to_border(const general_fit *s, lanes_mask outside, lanes length)
{
    const fit *f = s->f;
    lanes largest = {0}, end[CEV_PROFILE_MAX_PULLS];
    for (size_t v = 0; v < s->group->n_variable; v++) end[v] = f->base[v] + f->direction[v];
    for (size_t k = 0; k < s->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[s->group->channel[k]];
        channel_counts counts = counts_of(f, s->group->channel[k]);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS], step[CEV_PROFILE_MAX_COMPONENTS];
        term_scales(channel, f->base, scale);
        term_scales(channel, end, step);
        for (size_t c = 0; c < channel->n_component; c++) step[c] -= scale[c];
        lanes loss = largest_loss(&counts, channel->n_component, scale, step);
        largest = lanes_select(loss > largest, loss, largest);
    }
    lanes border = BORDER_SHARE / largest;
    return lanes_select(outside & (border < length), border, length);
}

/* chi2/2 with the barrier's counts where there are no data; NaN or infinite outside the region. */
CEV_OUTLINE lanes merit_at(const general_fit *s, const lanes *pull, lanes barrier)
{
    const fit *f = s->f;
    lanes sum = 0.5 * constraint_chi2(s->group, pull);
    for (size_t k = 0; k < s->group->n_channel; k++) {
        const plan_channel *channel = &f->profile->channel[s->group->channel[k]];
        channel_counts counts = counts_of(f, s->group->channel[k]);
        lanes scale[CEV_PROFILE_MAX_COMPONENTS];
        term_scales(channel, pull, scale);
        if (counts.weight) sum += 0.5 * squares(&counts, channel->n_component, scale);
        for (size_t i = 0; !counts.weight && i < counts.n_bin; i++) {
            lanes n = predicted_counts(&counts, channel->n_component, scale, i), d = lanes_set(counts.data[i]);
            if (counts.data[i] == 0) d = barrier_counts(&counts, channel->n_component, i, barrier);
            lanes share = n - d - d * lanes_log(lanes_select(n > 0, n, d) / d);
            sum += lanes_select(n > 0, share, lanes_select(n == 0, lanes_set(0), lanes_set(NAN)));
        }
    }
    return sum;
}

/* --- the way ----------------------------------------------------------------------------------------------------- */

/* As iterate() of other groups. */
CEV_OUTLINE lanes_mask iterate_general(general_fit *s, lanes_mask active, lanes barrier, int max_evaluations)
{
    const fit *f = s->f;
    size_t n = s->group->n_variable;
    bool curved = s->group->curved;
    lanes *base = f->base, *direction = f->direction, *trial = f->trial;
    lanes next[CEV_PROFILE_MAX_PULLS], initial_slope = lanes_set(INFINITY), merit = initial_slope, here = {0};
    lanes length = longest_step(s);
    if (curved) merit = merit_at(s, base, barrier);
    merit = lanes_select(merit < INFINITY, merit, lanes_set(INFINITY));
    for (int evaluation = 0; evaluation < max_evaluations; evaluation++) {
        go(s, length, trial);
        lanes_mask outside = general_likelihood_slopes(s, trial, barrier), missing;
        lanes slope = {0};
        for (size_t v = 0; v < n; v++) slope += f->gradient[v] * direction[v];
        lanes_mask accepted = active & ~outside & (slope <= OVERSHOOT * initial_slope);
        if (curved) {
            lanes gain = lanes_select(initial_slope < INFINITY, ARMIJO * length * initial_slope, (lanes){0});
            here = merit_at(s, trial, barrier);
            lanes noise = MERIT_NOISE * (1.0 + lanes_select(merit < INFINITY, merit, (lanes){0}));
            accepted &= here <= merit - gain + noise;
            merit = lanes_select(accepted, here, merit);
        }
        lanes decrement = step_at(s, trial, next, &missing);
        for (size_t v = 0; v < n; v++) {
            base[v] = lanes_select(accepted, trial[v], base[v]);
            direction[v] = lanes_select(accepted, next[v], direction[v]);
        }
        initial_slope = lanes_select(accepted, decrement, initial_slope);
        lanes way = longest_step(s), gain = decrement;
        length = lanes_select(active & ~accepted, 0.5 * length, way);
        if (lanes_any(active & outside)) length = general_length_to_border(s, active & outside, length);
        if (lanes_any(missing)) gain = lanes_select(missing, general_decrement_bound(s, trial), gain);
        lanes tolerance = lanes_set(CHI2_TOLERANCE);
        if (lanes_any(barrier > 0)) tolerance = lanes_select(barrier > 0, CENTRED * barrier, tolerance);
        lanes_mask converged = accepted & (gain <= tolerance) & (way >= 1.0);
        for (size_t v = 0; v < n; v++) direction[v] = lanes_select(converged & missing, (lanes){0}, direction[v]);
        lanes_mask lower = {0};
        if (lanes_any(converged & (barrier > 0))) lower = converged & (barrier > lowest_barrier(f));
        active &= ~(converged & ~lower);
        if (!lanes_any(active)) break;
        if (!lanes_any(lower)) continue;
        barrier = lanes_select(lower, lanes_larger(BARRIER_FACTOR * barrier, lowest_barrier(f)), barrier);
        length = lanes_select(lower, (lanes){0}, length); /* the same pulls again, under the lower barrier */
        initial_slope = lanes_select(lower, lanes_set(INFINITY), initial_slope);
        merit = lanes_select(lower, lanes_set(INFINITY), merit);
    }
    return active;
}

/* Lanes whose Hessian at the end is not that of a minimum. */
CEV_OUTLINE lanes_mask in_a_saddle(general_fit *s)
{
    lanes_mask missing;
    lanes step[CEV_PROFILE_MAX_PULLS];
    general_likelihood_slopes(s, s->f->base, (lanes){0});
    step_at(s, s->f->base, step, &missing);
    return s->negative;
}

CEV_INLINE void set_out(const general_fit *s, const lanes *from, lanes_mask where)
{
    for (size_t v = 0; v < s->group->n_variable; v++) {
        s->f->base[v] = lanes_select(where, from[v], s->f->base[v]);
        s->f->direction[v] = lanes_select(where, (lanes){0}, s->f->direction[v]);
    }
}

/* As search(), from a start in `direction`; origin[n] are the pulls at 0, or as they are given. */
CEV_INLINE lanes_mask search_general(general_fit *s, const lanes *origin)
{
    const fit *f = s->f;
    lanes_mask none = {0}, unconverged = {0};
    lanes_mask left = iterate_general(s, ~none, (lanes){0}, MAX_EVALUATIONS) | beside_border(f, true);
    if (lanes_any(left)) {
        set_out(s, origin, left);
        unconverged = iterate_general(s, left, lanes_set(FIRST_BARRIER), MAX_CAREFUL_EVALUATIONS);
        unconverged |= left & too_many_barrier_counts(f);
    }
    return s->group->curved ? unconverged | in_a_saddle(s) : unconverged;
}

#endif
