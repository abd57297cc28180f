/* SPDX-License-Identifier: GPL-3.0-or-later */
/* General groups in quadruple precision: a path-following barrier method in the pulls a themselves, N_i = n0_i + sum_p
 * (slope_ip a_p + square_ip a_p^2), with an active set on their bounds. Works with chi2/2.
 *
 * Each step is Newton's where the Hessian of the pulls that are not held is positive definite, and lowers the function.
 * Where it is not, a step is taken with what of the Hessian never is negative, and where that finds nothing to gain,
 * along a direction of negative curvature: fits end in a minimum and not in a saddle. A bin with fewer data than a
 * barrier mu counts mu instead, which misses the minimum by 2 mu at most; -ln(1 + a) of gamma constraints keeps a > -1
 * by itself. */
#include "profile_careful.h"

#include <string.h>

#include "lanes_math.h"

#define GAP 1e-11         /* of chi2, relative to the pulls' penalty where that is above 1 */
#define FIRST_BARRIER 1.0 /* counts */
#define BARRIER_FACTOR 0.1
#define CENTRED 0.1       /* of the barrier: a smaller decrement is near enough to its minimum to lower it */
#define BORDER_SHARE 0.99 /* a step that would leave the region goes so far towards its border */
#define ARMIJO 1e-4       /* share of the expected gain that a step has to bring */
#define LEAST_PIVOT 1e-24 /* of the diagonal element that it comes from; below, data do not tell the pulls apart */
#define RIDGE 1e-14       /* such pulls share what data tell of them together */
#define NEGATIVE_PIVOT 1e-18
#define SETTLED 1e-16 /* decrement where the function is flat, and curvature decides what comes next */
#define HIGHEST_BARRIER 1e16
enum { MAX_STEPS = 600, MAX_HALVINGS = 80, MAX_STAGES = 100 };

typedef struct search {
    const careful_problem *p;
    careful_scratch *s;
    bool bounded;
    size_t n;
    bool held[CEV_PROFILE_MAX_PULLS];
    quad extra[CEV_PROFILE_MAX_PULLS]; /* of the diagonal of the Hessian, of either sign */
    quad mu;
} search;

/* --- the problem ------------------------------------------------------------------------------------------------ */

static quad larger(quad a, quad b)
{
    return a > b ? a : b;
}

static bool is_given(const search *f, size_t v)
{
    return f->p->group->prior[v].given;
}

static void lay_out_bin(search *f, size_t c, size_t bin)
{
    const plan_channel *channel = &f->p->profile->channel[c];
    careful_scratch *s = f->s;
    size_t row = s->n_row++;
    s->data[row] = f->p->data[c][bin];
    s->weight[row] = channel->weight ? channel->weight[bin] : 0;
    s->n0[row] = 0;
    for (size_t k = 0; k < channel->n_component - channel->n_shape; k++)
        s->n0[row] += cev_careful_counts(f->p, c, k, bin);
    for (size_t v = 0; v < f->n; v++) s->slope[row * f->n + v] = s->square[row * f->n + v] = 0;
    for (size_t t = 0; t < channel->n_term; t++) {
        const plan_term *term = &channel->term[t];
        quad *to = term->power == 2 ? s->square : s->slope;
        to[row * f->n + term->variable] += (quad)term->weight * cev_careful_counts(f->p, c, term->component, bin);
    }
}

static void lay_out(search *f)
{
    const plan_group *g = f->p->group;
    f->s->n_row = 0;
    for (size_t k = 0; k < g->n_channel; k++)
        for (size_t i = 0, c = g->channel[k]; i < f->p->profile->channel[c].n_bin; i++) lay_out_bin(f, c, i);
}

static bool moves(const search *f, size_t row)
{
    for (size_t v = 0; v < f->n; v++)
        if (!is_given(f, v) && (f->s->slope[row * f->n + v] != 0 || f->s->square[row * f->n + v] != 0)) return true;
    return false;
}

static quad counts_at(const search *f, size_t row, const quad *a)
{
    quad n = f->s->n0[row];
    for (size_t v = 0; v < f->n; v++) n += (f->s->slope[row * f->n + v] + f->s->square[row * f->n + v] * a[v]) * a[v];
    return n;
}

static quad row_slope(const search *f, size_t row, size_t v)
{
    return f->s->slope[row * f->n + v] + 2 * f->s->square[row * f->n + v] * f->s->z[v];
}

/* 1/variance of a bin of a Gaussian channel; 0 of the others. */
static quad weight_of(const search *f, size_t row)
{
    return f->s->weight[row];
}

static quad data_of(const search *f, size_t row)
{
    return weight_of(f, row) > 0 ? f->s->data[row] : larger(f->s->data[row], f->mu);
}

/* Terms of the constraint of one pull: value, first and second derivative of half of it; Gaussian ones apart. */
typedef struct prior_terms {
    quad value, first, positive, rest;
} prior_terms;

static prior_terms terms_of_prior(const search *f, size_t v, quad a, bool value)
{
    const plan_group *g = f->p->group;
    cev_pull_constraint constraint = g->prior[v].constraint;
    quad variance = (quad)g->sigma[v] * g->sigma[v], one = 1 + a, log = 0;
    prior_terms t = {0, 0, 0, 0};
    if (constraint != CEV_CONSTRAINT_GAMMA && constraint != CEV_CONSTRAINT_LOGNORMAL) return t;
    if (value || constraint == CEV_CONSTRAINT_LOGNORMAL) log = cev_quad_log(one);
    t.positive = 1 / (one * one * variance);
    if (constraint == CEV_CONSTRAINT_GAMMA) {
        t.value = (a - log) / variance;
        t.first = a / (one * variance);
    } else {
        t.value = log * log / (2 * variance);
        t.first = log / (one * variance);
        t.rest = -log * t.positive;
    }
    return t;
}

static bool has_border(const search *f, size_t v)
{
    cev_pull_constraint constraint = f->p->group->prior[v].constraint;
    return constraint == CEV_CONSTRAINT_GAMMA || constraint == CEV_CONSTRAINT_LOGNORMAL;
}

static quad penalty_at(const search *f, const quad *a)
{
    quad sum = 0;
    for (size_t v = 0; v < f->n; v++) {
        sum += terms_of_prior(f, v, a[v], true).value;
        for (size_t w = 0; w < f->n; w++) sum += f->p->group->inverse_covariance[v * f->n + w] * a[v] * a[w] / 2;
    }
    return sum;
}

/* chi2/2 at a, whose counts go into s->n; false outside the region. */
static bool value_at(const search *f, const quad *a, quad *value)
{
    for (size_t v = 0; v < f->n; v++)
        if (has_border(f, v) && !(1 + a[v] > 0)) return false;
    *value = penalty_at(f, a);
    for (size_t i = 0; i < f->s->n_row; i++) {
        quad n = f->s->n[i] = counts_at(f, i, a), w = weight_of(f, i), d = data_of(f, i);
        if (w > 0) {
            *value += w * (n - d) * (n - d) / 2;
        } else if (moves(f, i) || n > 0) {
            if (!(n > 0) || !((double)(n / d) > 0)) return false;
            *value += n - d - d * cev_quad_log(n / d);
        } else if (n < 0 || f->s->data[i] > 0) {
            return false;
        }
    }
    return *value - *value == 0;
}

/* Gradient, the part of the Hessian that never is negative, and the rest of its diagonal, at s->z with the counts s->n. */
static void slopes(search *f)
{
    const plan_group *g = f->p->group;
    careful_scratch *s = f->s;
    size_t n = f->n;
    for (size_t v = 0; v < n; v++) {
        prior_terms own = terms_of_prior(f, v, s->z[v], false);
        s->gradient[v] = own.first;
        f->extra[v] = own.rest;
        for (size_t w = 0; w < n; w++) s->gradient[v] += g->inverse_covariance[v * n + w] * s->z[w];
        for (size_t w = 0; w <= v; w++) s->matrix[v * n + w] = g->inverse_covariance[v * n + w];
        s->matrix[v * n + v] += own.positive;
    }
    for (size_t i = 0; i < s->n_row; i++) {
        quad w = weight_of(f, i), d = data_of(f, i), counts = s->n[i];
        quad first = w > 0 ? (counts - d) * w : counts > 0 ? (counts - d) / counts : 0;
        quad second = w > 0 ? w : counts > 0 ? d / (counts * counts) : 0;
        for (size_t v = 0; v < n; v++) {
            quad slope = row_slope(f, i, v);
            s->gradient[v] += first * slope;
            f->extra[v] += 2 * first * s->square[i * n + v];
            for (size_t u = 0; slope != 0 && u <= v; u++) s->matrix[v * n + u] += second * slope * row_slope(f, i, u);
        }
    }
}

/* --- one step ---------------------------------------------------------------------------------------------------- */

/* Factor of the Hessian of the pulls that are not held, or of its positive part. The number of the row whose pivot is
 * missing, n if none is; *pivot is that one, in units of the diagonal. */
static size_t factorise(search *f, bool exact, quad *pivot)
{
    size_t n = f->n;
    quad *l = f->s->factor;
    for (size_t j = 0; j < n; j++)
        for (size_t i = j; i < n; i++) {
            quad sum = f->held[i] || f->held[j] ? (quad)(i == j) : f->s->matrix[i * n + j];
            if (i == j && !f->held[j]) sum = exact ? sum + f->extra[j] : (sum + larger(f->extra[j], 0)) * (1 + RIDGE);
            if (i == j && !exact && sum == 0) sum = 1;
            quad whole = sum < 0 ? -sum : sum;
            for (size_t k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
            if (i == j && !(sum > LEAST_PIVOT * whole)) {
                *pivot = whole > 0 ? sum / whole : 0;
                if (exact) return j;
                sum = LEAST_PIVOT * whole;
            }
            l[i * n + j] = i == j ? cev_quad_root(sum) : sum / l[j * n + j];
        }
    return n;
}

/* Newton's step from the factor; returns the decrement. */
static quad solve(search *f)
{
    size_t n = f->n;
    quad *x = f->s->step, *l = f->s->factor, decrement = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = f->held[i] ? 0 : -f->s->gradient[i];
        for (size_t k = 0; k < i; k++) x[i] -= l[i * n + k] * x[k];
        x[i] /= l[i * n + i];
        decrement += x[i] * x[i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) x[i] -= l[k * n + i] * x[k];
        x[i] /= l[i * n + i];
    }
    return decrement;
}

/* The bound that pull v sits at and `towards` (a step, or a force) would take it beyond. */
static bool would_leave(const search *f, size_t v, quad towards)
{
    const cev_pull_prior *prior = &f->p->group->prior[v];
    if (!f->bounded) return false;
    return (f->s->z[v] <= prior->low && towards < 0) || (f->s->z[v] >= prior->high && towards > 0);
}

/* A direction along which the function is curved downwards, from the row whose pivot is negative. */
static void curved_direction(search *f, size_t row)
{
    size_t n = f->n;
    quad *x = f->s->step, *l = f->s->factor, slope = 0;
    for (size_t i = 0; i < n; i++) x[i] = i == row;
    for (size_t i = row; i-- > 0;) {
        quad sum = -l[row * n + i];
        for (size_t k = i + 1; k < row; k++) sum -= l[k * n + i] * x[k];
        x[i] = f->held[i] ? 0 : sum / l[i * n + i];
    }
    for (size_t v = 0; v < n; v++) slope += f->s->gradient[v] * x[v];
    quad length = slope > 0 ? -f->p->group->sigma[row] : f->p->group->sigma[row];
    for (size_t v = 0; v < n; v++) x[v] *= length;
}

static bool stays(const search *f)
{
    for (size_t v = 0; v < f->n; v++)
        if (!f->held[v] && would_leave(f, v, f->s->step[v])) return false;
    return true;
}

static void turn(search *f)
{
    for (size_t v = 0; v < f->n; v++) f->s->step[v] = -f->s->step[v];
}

typedef struct next_step {
    quad decrement;
    bool curved; /* along a direction of negative curvature */
} next_step;

static next_step choose_step(search *f)
{
    next_step next = {0, false};
    for (size_t v = 0; v < f->n; v++) f->held[v] = is_given(f, v) || would_leave(f, v, -f->s->gradient[v]);
    for (bool again = true; again;) {
        quad pivot = 0;
        size_t bad = factorise(f, true, &pivot);
        if (bad < f->n) factorise(f, false, &(quad){0});
        next.decrement = solve(f);
        if (bad < f->n && pivot < -NEGATIVE_PIVOT && next.decrement <= SETTLED) {
            factorise(f, true, &pivot);
            curved_direction(f, bad);
            if (!stays(f)) turn(f);
            next.curved = true;
        }
        again = false;
        for (size_t v = 0; v < f->n; v++)
            if (!f->held[v] && would_leave(f, v, f->s->step[v])) again = f->held[v] = true;
    }
    return next;
}

/* How far a step goes until a pull meets its bound, and most of the way to the border of its constraint; 2 if beyond. */
static quad way_to_bound(const search *f, size_t v)
{
    const cev_pull_prior *prior = &f->p->group->prior[v];
    quad step = f->s->step[v];
    if (step == 0 || f->held[v] || !f->bounded) return 2;
    double bound = step < 0 ? prior->low : prior->high;
    return bound - bound == 0 ? (bound - f->s->z[v]) / step : 2;
}

static quad way_to_border(const search *f, size_t v)
{
    quad step = f->s->step[v];
    return has_border(f, v) && step < 0 && !f->held[v] ? (quad)BORDER_SHARE * (1 + f->s->z[v]) / -step : 2;
}

static quad smaller(quad a, quad b)
{
    return a < b ? a : b;
}

/* The longest step up to 1 that stays inside. */
static quad longest_step(const search *f)
{
    quad length = 1;
    for (size_t v = 0; v < f->n; v++) length = smaller(length, smaller(way_to_bound(f, v), way_to_border(f, v)));
    for (size_t i = 0; i < f->s->n_row; i++) { /* to first order, where squares count: halving does the rest */
        quad change = 0;
        for (size_t v = 0; v < f->n; v++) change += row_slope(f, i, v) * f->s->step[v];
        if (weight_of(f, i) == 0 && change < 0 && f->s->n[i] + change * length <= 0)
            length = (quad)BORDER_SHARE * f->s->n[i] / -change;
    }
    return length;
}

/* Exactly to a bound that is met. */
static void go(const search *f, quad length, quad *trial)
{
    for (size_t v = 0; v < f->n; v++) {
        const cev_pull_prior *prior = &f->p->group->prior[v];
        quad step = f->held[v] ? 0 : f->s->step[v];
        trial[v] = f->s->z[v] + length * step;
        if (!f->bounded || step == 0) continue;
        bool met = way_to_bound(f, v) <= length;
        if (trial[v] <= prior->low || (met && step < 0)) trial[v] = prior->low;
        if (trial[v] >= prior->high || (met && step > 0)) trial[v] = prior->high;
    }
}

/* Goes along the step as far as the function falls. */
static bool take_step(search *f, next_step next, quad *value)
{
    quad length = longest_step(f), trial[CEV_PROFILE_MAX_PULLS], there;
    for (int k = 0; k < MAX_HALVINGS; k++, length /= 2) {
        go(f, length, trial);
        if (!value_at(f, trial, &there)) continue;
        quad least = next.curved ? 0 : ARMIJO * length * next.decrement;
        bool falls = next.curved ? there < *value : there <= *value - least;
        if (!falls) continue;
        memcpy(f->s->z, trial, f->n * sizeof *trial);
        *value = there;
        return true;
    }
    value_at(f, f->s->z, value); /* the counts again */
    return false;
}

/* --- the way ----------------------------------------------------------------------------------------------------- */

static quad share_of_barrier(const search *f)
{
    quad sum = 0;
    for (size_t i = 0; i < f->s->n_row; i++)
        if (weight_of(f, i) == 0 && f->s->data[i] < f->mu && moves(f, i)) sum += 2 * (f->mu - f->s->data[i]);
    return sum;
}

/* To the minimum, or, to set out from there, near to that of the barrier as it is. */
static bool follow_path(search *f, bool centre_only)
{
    quad value;
    if (!value_at(f, f->s->z, &value)) return false;
    for (int k = 0; k < MAX_STEPS; k++) {
        quad penalty = 2 * penalty_at(f, f->s->z), gap = GAP * larger(penalty, 1), barrier = share_of_barrier(f);
        slopes(f);
        next_step next = choose_step(f);
        bool last = barrier <= gap / 2;
        if (centre_only && next.decrement <= CENTRED * f->mu) return true;
        if (next.curved && take_step(f, next, &value)) continue;
        if (next.curved) turn(f); /* the slope along it is rounding, and may have the wrong sign */
        if (next.curved && stays(f) && take_step(f, next, &value)) continue;
        if (next.decrement <= (last ? gap / 2 : CENTRED * f->mu)) {
            if (last && !next.curved) take_step(f, next, &value); /* what is left, if numbers can say it */
            if (last) return true;
            f->mu *= BARRIER_FACTOR;
            value_at(f, f->s->z, &value);
        } else if (!take_step(f, next, &value)) {
            return false;
        }
    }
    return false;
}

/* Adds counts `share` * shift to the bins, for the fit to forget that they are predicted negative. */
static void shift_counts(search *f, const quad *shift, quad share)
{
    for (size_t i = 0; i < f->s->n_row; i++) f->s->n0[i] += share * shift[i];
}

/* The least share of the shifts that keeps all counts positive; below 0 where none is needed. */
static quad least_share(search *f, const quad *shift)
{
    quad least = -1;
    for (size_t i = 0; i < f->s->n_row; i++) {
        quad n = counts_at(f, i, f->s->z);
        if (shift[i] > 0 && n <= 0) least = larger(least, -n / shift[i]);
    }
    return least;
}

/* Where given pulls take counts below zero, others may bring them back: bins are given the counts that they lack, and
 * these taken away again as far as the others' minimum allows. Where that gets stuck, more data are pretended, so that
 * constraints matter less and less; in the end only the region does. */
static bool find_region(search *f)
{
    quad *shift = f->s->right, share = 1;
    for (size_t i = 0; i < f->s->n_row; i++) {
        quad n = counts_at(f, i, f->s->z);
        bool lacks = weight_of(f, i) == 0 && n <= 0 && (moves(f, i) || n < 0 || f->s->data[i] > 0);
        if (lacks && !moves(f, i)) return false;
        shift[i] = lacks ? 1 - 2 * n : 0;
    }
    for (int k = 0; k < MAX_STAGES && f->mu <= HIGHEST_BARRIER; k++) {
        shift_counts(f, shift, share);
        bool centred = follow_path(f, true);
        shift_counts(f, shift, -share);
        quad least = least_share(f, shift);
        if (!centred || least < 0) return least < 0;
        quad next = least + 0.1 * (share - least);
        if (next > 0.7 * share) f->mu *= 100;
        share = next;
    }
    return false;
}

static bool has_given(const search *f)
{
    for (size_t v = 0; v < f->n; v++)
        if (is_given(f, v)) return true;
    return false;
}

static bool find_start(search *f)
{
    quad value;
    memcpy(f->s->z, f->s->step, f->n * sizeof *f->s->z);
    f->mu = FIRST_BARRIER;
    if (value_at(f, f->s->z, &value)) return true;
    if (!has_given(f)) return false;
    bool found = find_region(f);
    lay_out(f); /* without the rounding of the shifts */
    f->mu = FIRST_BARRIER;
    return found && value_at(f, f->s->z, &value);
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

static double chi2_of(const search *f)
{
    const careful_scratch *s = f->s;
    double sum = 0;
    for (size_t i = 0; i < s->n_row; i++) {
        double n = (double)s->n[i];
        sum += s->weight[i] > 0 ? (n - s->data[i]) * (n - s->data[i]) * s->weight[i]
                                : 2 * cev_careful_deviance(n, s->data[i]);
    }
    return sum + 2 * (double)penalty_at(f, s->z);
}

careful_end cev_profile_careful_general(const careful_problem *problem, const double *given, bool bounded,
                                        careful_scratch *scratch, double *chi2, double *pull, double *const *predicted)
{
    const plan_group *g = problem->group;
    search f = {.p = problem, .s = scratch, .bounded = bounded, .n = g->n_pull};
    lay_out(&f);
    for (size_t v = 0; v < f.n; v++) scratch->step[v] = is_given(&f, v) && given ? given[g->pull[v] * CEV_LANES] : 0;
    if (!find_start(&f)) return CAREFUL_NOWHERE;
    if (!follow_path(&f, false)) return CAREFUL_LOST;
    *chi2 = chi2_of(&f);
    for (size_t v = 0; v < f.n; v++) pull[v] = (double)scratch->z[v];
    size_t row = 0;
    for (size_t k = 0; predicted && k < g->n_channel; k++)
        for (size_t i = 0, c = g->channel[k]; i < problem->profile->channel[c].n_bin; i++, row++)
            predicted[c][i * CEV_LANES] = (double)scratch->n[row];
    return *chi2 < INFINITY ? CAREFUL_FOUND : CAREFUL_LOST;
}
