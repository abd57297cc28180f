/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Problems for cevscan/profile.h, made by hand or at random, and a second, slow way to solve them: a scalar damped
 * Newton iteration in long double with a barrier that is lowered in steps, which has nothing in common with the
 * library's but the formula of chi2. */
#ifndef CEVSCAN_TESTS_FIT_PROBLEM_H
#define CEVSCAN_TESTS_FIT_PROBLEM_H

#include "unit.h"

#include "cevscan/profile.h"

enum { MOST_CHANNELS = 4, MOST_BINS = 30, MOST_BACKGROUNDS = 3, MOST_SHAPES = 2, MOST_PULLS = 8, MOST_LINKS = 64 };

typedef struct fit_problem {
    size_t n_channel, n_bin[MOST_CHANNELS], n_background[MOST_CHANNELS], n_shape[MOST_CHANNELS], n_pull, n_link;
    double signal[CEV_LANES][MOST_CHANNELS][MOST_BINS];
    double background[MOST_CHANNELS][MOST_BACKGROUNDS * MOST_BINS]; /* [n_background][n_bin] */
    double shape[CEV_LANES][MOST_CHANNELS][MOST_SHAPES][MOST_BINS];
    double data[MOST_CHANNELS][MOST_BINS];
    int gaussian[MOST_CHANNELS];
    double variance[MOST_CHANNELS][MOST_BINS]; /* of Gaussian channels */
    double sigma[MOST_PULLS];
    cev_pull_link link[MOST_LINKS];
} fit_problem;

typedef struct fit_answer {
    double chi2[CEV_LANES];
    int status[CEV_LANES];
    double pull[CEV_LANES][MOST_PULLS];
    size_t n_group;
    double group_chi2[MOST_CHANNELS][CEV_LANES];
    size_t n_variable;
    cev_lanes variable[MOST_PULLS];
} fit_answer;

static inline void add_link(fit_problem *p, size_t pull, size_t channel, size_t component)
{
    p->link[p->n_link++] = (cev_pull_link){.pull = pull, .channel = channel, .component = component};
}

static inline cev_profile *create_fit(const fit_problem *p)
{
    cev_channel channel[MOST_CHANNELS];
    cev_profile *profile;
    for (size_t c = 0; c < p->n_channel; c++)
        channel[c] = (cev_channel){.n_bin = p->n_bin[c],
                                   .n_background = p->n_background[c],
                                   .background = p->background[c],
                                   .variance = p->gaussian[c] ? p->variance[c] : NULL,
                                   .n_shape = p->n_shape[c]};
    cev_profile_spec spec = {.n_channel = p->n_channel,
                             .channel = channel,
                             .n_pull = p->n_pull,
                             .sigma = p->sigma,
                             .n_link = p->n_link,
                             .link = p->link};
    assert_ok(cev_profile_create(&spec, &profile));
    return profile;
}

/* With the code of one level, from `start` [n_variable], or NULL. */
static inline void solve_from(const fit_problem *p, cev_level level, const cev_lanes *start, fit_answer *answer)
{
    cev_profile *profile = create_fit(p);
    cev_profile_scratch *scratch;
    assert_ok(cev_profile_use_level(profile, level));
    assert_ok(cev_profile_scratch_create(profile, &scratch));
    cev_lanes lanes[MOST_CHANNELS][(1 + MOST_SHAPES) * MOST_BINS], pull[MOST_PULLS], group[MOST_CHANNELS];
    const cev_lanes *signal[MOST_CHANNELS];
    const double *data[MOST_CHANNELS];
    for (size_t c = 0; c < p->n_channel; c++) {
        for (size_t i = 0; i < p->n_bin[c]; i++)
            for (int l = 0; l < CEV_LANES; l++) {
                lanes[c][i][l] = p->signal[l][c][i];
                for (size_t s = 0; s < p->n_shape[c]; s++)
                    lanes[c][(1 + s) * p->n_bin[c] + i][l] = p->shape[l][c][s][i];
            }
        signal[c] = lanes[c];
        data[c] = p->data[c];
    }
    cev_profile_result result = {.pull = pull, .variable = answer->variable, .group_chi2 = group};
    memset(answer, 0, sizeof *answer);
    cev_profile_block(profile, scratch, data, signal, start, &result);
    answer->n_variable = cev_profile_n_variable(profile);
    answer->n_group = cev_profile_n_group(profile);
    for (int l = 0; l < CEV_LANES; l++) {
        answer->chi2[l] = result.chi2[l];
        answer->status[l] = (int)result.status[l];
        for (size_t k = 0; k < p->n_pull; k++) answer->pull[l][k] = pull[k][l];
        for (size_t g = 0; g < answer->n_group; g++) answer->group_chi2[g][l] = group[g][l];
    }
    cev_profile_scratch_destroy(&scratch);
    cev_profile_destroy(&profile);
}

static inline void solve(const fit_problem *p, fit_answer *answer)
{
    solve_from(p, cev_level_best(), NULL, answer);
}

/* --- the slow way ----------------------------------------------------------------------------------------------- */

static inline long double component_of(const fit_problem *p, int lane, size_t channel, size_t component, size_t bin)
{
    if (component > p->n_background[channel])
        return p->shape[lane][channel][component - 1 - p->n_background[channel]][bin];
    return component ? (long double)p->background[channel][(component - 1) * p->n_bin[channel] + bin]
                     : (long double)p->signal[lane][channel][bin];
}

/* Whether anything is expected there; where not, shapes count nothing. */
static inline int is_live(const fit_problem *p, int lane, size_t channel, size_t bin)
{
    for (size_t k = 0; k <= p->n_background[channel]; k++)
        if (component_of(p, lane, channel, k, bin) != 0) return 1;
    return 0;
}

static inline long double predicted_of(const fit_problem *p, int lane, const long double *pull, size_t channel,
                                       size_t bin)
{
    long double n = 0;
    if (!p->gaussian[channel] && !is_live(p, lane, channel, bin)) return 0;
    for (size_t k = 0; k <= p->n_background[channel] + p->n_shape[channel]; k++) {
        long double scale = k <= p->n_background[channel];
        for (size_t j = 0; j < p->n_link; j++)
            if (p->link[j].channel == channel && p->link[j].component == k) scale += pull[p->link[j].pull];
        n += component_of(p, lane, channel, k, bin) * scale;
    }
    return n;
}

/* dN/da of every pull. */
static inline void slopes_of(const fit_problem *p, int lane, size_t channel, size_t bin, long double *slope)
{
    memset(slope, 0, MOST_PULLS * sizeof *slope);
    for (size_t j = 0; j < p->n_link; j++)
        if (p->link[j].channel == channel)
            slope[p->link[j].pull] += component_of(p, lane, channel, p->link[j].component, bin);
}

/* chi2 at given pulls, minus 2 barrier ln N for bins without data; infinite outside the region. */
static inline long double value_at(const fit_problem *p, int lane, const long double *pull, long double barrier)
{
    long double sum = 0;
    for (size_t k = 0; k < p->n_pull; k++)
        sum += pull[k] * pull[k] / ((long double)p->sigma[k] * (long double)p->sigma[k]);
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            long double n = predicted_of(p, lane, pull, c, i), d = p->data[c][i];
            if (p->gaussian[c]) {
                sum += (n - d) * (n - d) / p->variance[c][i];
            } else if (d > 0) {
                if (!(n > 0)) return INFINITY;
                sum += 2 * (n - d + d * logl(d / n));
            } else if (is_live(p, lane, c, i)) {
                if (!(n >= 0) || (barrier > 0 && n == 0)) return INFINITY;
                sum += 2 * n - (barrier > 0 ? 2 * barrier * logl(n) : 0);
            }
        }
    return sum;
}

static inline void derivatives_at(const fit_problem *p, int lane, const long double *pull, long double barrier,
                                  long double *gradient, long double hessian[][MOST_PULLS])
{
    for (size_t a = 0; a < p->n_pull; a++) {
        long double weight = 2 / ((long double)p->sigma[a] * (long double)p->sigma[a]);
        gradient[a] = weight * pull[a];
        for (size_t b = 0; b < p->n_pull; b++) hessian[a][b] = a == b ? weight : 0;
    }
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            if (!p->gaussian[c] && !is_live(p, lane, c, i)) continue;
            long double n = predicted_of(p, lane, pull, c, i), slope[MOST_PULLS];
            long double d = p->data[c][i] > 0 ? (long double)p->data[c][i] : barrier;
            slopes_of(p, lane, c, i, slope);
            long double first = 2 * (d > 0 ? 1 - d / n : 1), second = d > 0 ? 2 * d / (n * n) : 0;
            if (p->gaussian[c]) {
                first = 2 * (n - p->data[c][i]) / p->variance[c][i];
                second = 2 / (long double)p->variance[c][i];
            }
            for (size_t a = 0; a < p->n_pull; a++) {
                if (slope[a] == 0) continue;
                gradient[a] += first * slope[a];
                for (size_t b = 0; b < p->n_pull; b++) hessian[a][b] += second * slope[a] * slope[b];
            }
        }
}

/* Gauss elimination with row pivoting: step = -hessian^-1 gradient. */
static inline void eliminate(size_t n, long double *gradient, long double hessian[][MOST_PULLS], long double *step)
{
    for (size_t k = 0; k < n; k++) step[k] = -gradient[k];
    for (size_t j = 0; j < n; j++) {
        size_t best = j;
        for (size_t i = j + 1; i < n; i++)
            if (fabsl(hessian[i][j]) > fabsl(hessian[best][j])) best = i;
        for (size_t k = 0; k < n; k++) {
            long double kept = hessian[j][k];
            hessian[j][k] = hessian[best][k];
            hessian[best][k] = kept;
        }
        long double kept = step[j];
        step[j] = step[best];
        step[best] = kept;
        for (size_t i = 0; i < n; i++) {
            if (i == j) continue;
            long double factor = hessian[i][j] / hessian[j][j];
            for (size_t k = j; k < n; k++) hessian[i][k] -= factor * hessian[j][k];
            step[i] -= factor * step[j];
        }
    }
    for (size_t j = 0; j < n; j++) step[j] /= hessian[j][j];
}

/* Newton with an Armijo line search at one barrier, until it cannot go lower. */
static inline void descend(const fit_problem *p, int lane, long double barrier, long double *pull)
{
    for (int iteration = 0; iteration < 200; iteration++) {
        long double gradient[MOST_PULLS], hessian[MOST_PULLS][MOST_PULLS], step[MOST_PULLS], trial[MOST_PULLS],
            slope = 0;
        derivatives_at(p, lane, pull, barrier, gradient, hessian);
        eliminate(p->n_pull, gradient, hessian, step);
        derivatives_at(p, lane, pull, barrier, gradient, hessian);
        for (size_t k = 0; k < p->n_pull; k++) slope += gradient[k] * step[k];
        long double here = value_at(p, lane, pull, barrier), there = here, length = 1;
        if (!(slope < -1e-25L * (1 + fabsl(here)))) return;
        for (; length > 1e-12L; length /= 2) {
            for (size_t k = 0; k < p->n_pull; k++) trial[k] = pull[k] + length * step[k];
            there = value_at(p, lane, trial, barrier);
            if (there <= here + 0.25L * length * slope) break;
        }
        if (!(there < here)) return;
        memcpy(pull, trial, sizeof trial);
    }
}

/* The minimum from pulls `start` (inside the region); infinite where data meet an empty prediction. */
static inline double slow_minimum(const fit_problem *p, int lane, const long double *start, long double *pull)
{
    for (size_t k = 0; k < p->n_pull; k++) pull[k] = start[k];
    if (isinf(value_at(p, lane, pull, 0))) return INFINITY;
    int empty = 0;
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++)
            empty |= !p->gaussian[c] && !(p->data[c][i] > 0) && is_live(p, lane, c, i);
    for (long double barrier = 1e-1L; empty && barrier > 1e-15L; barrier *= 0.1L) descend(p, lane, barrier, pull);
    if (!empty) descend(p, lane, 0, pull);
    return (double)value_at(p, lane, pull, 0);
}

/* --- random problems -------------------------------------------------------------------------------------------- */

typedef struct problem_kind {
    double most_sigma;
    double empty_bins;       /* probability that a bin has no data */
    double empty_components; /* probability that a component adds nothing to a bin */
    double shapes;           /* most relative change of a bin for one sigma of a pull on a shape; 0: there are none */
} problem_kind;

static inline double random_count(gsl_rng *r, double scale, const problem_kind *kind)
{
    if (chance(r, kind->empty_bins)) return 0;
    if (chance(r, 0.2)) return uniform(r, 0.01, 3);
    return 1 + floor(scale * uniform(r, 0.5, 1.5));
}

static inline void random_channel(gsl_rng *r, const problem_kind *kind, fit_problem *p, size_t c)
{
    size_t n_bin = p->n_bin[c] = whole(r, 1, MOST_BINS);
    double scale = log_uniform(r, 0.1, 1e4);
    p->n_background[c] = whole(r, 0, MOST_BACKGROUNDS);
    for (size_t k = 0; k < p->n_background[c] * n_bin; k++)
        p->background[c][k] = chance(r, kind->empty_components) ? 0 : scale * uniform(r, 0, 1);
    for (size_t i = 0; i < n_bin; i++) p->data[c][i] = random_count(r, scale, kind);
    for (int l = 0; l < CEV_LANES; l++) {
        double strength = l && chance(r, kind->empty_components) ? 0 : scale * log_uniform(r, l ? 1e-6 : 0.01, 1e3);
        for (size_t i = 0; i < n_bin; i++)
            p->signal[l][c][i] = chance(r, kind->empty_components) ? 0 : strength * uniform(r, 0, 1);
    }
}

/* Changes of all bins, in units of pulls that may be anything. */
static inline void random_shapes(gsl_rng *r, const problem_kind *kind, fit_problem *p)
{
    for (size_t c = 0; c < p->n_channel && kind->shapes > 0; c++) {
        p->n_shape[c] = p->n_pull ? whole(r, 0, MOST_SHAPES) : 0;
        for (size_t s = 0; s < p->n_shape[c]; s++) {
            size_t pull = whole(r, 0, p->n_pull - 1);
            add_link(p, pull, c, p->n_background[c] + 1 + s);
            for (int l = 0; l < CEV_LANES; l++)
                for (size_t i = 0; i < p->n_bin[c]; i++) {
                    double expected = p->signal[l][c][i];
                    for (size_t k = 0; k < p->n_background[c]; k++) expected += p->background[c][k * p->n_bin[c] + i];
                    /* Something even where nothing is expected, and the shape does not count. */
                    p->shape[l][c][s][i] = uniform(r, -kind->shapes, kind->shapes) * (expected > 0 ? expected : 1) /
                                           p->sigma[pull];
                }
        }
    }
}

static inline int has_link(const fit_problem *p, size_t pull, size_t channel, size_t component)
{
    for (size_t j = 0; j < p->n_link; j++)
        if (p->link[j].pull == pull && p->link[j].channel == channel && p->link[j].component == component) return 1;
    return 0;
}

/* Each pull acts on one to three components, of any channel. */
static inline void random_pulls(gsl_rng *r, const problem_kind *kind, fit_problem *p)
{
    p->n_pull = whole(r, 0, MOST_PULLS);
    for (size_t k = 0; k < p->n_pull; k++) {
        p->sigma[k] = log_uniform(r, 0.005, kind->most_sigma);
        for (size_t want = whole(r, 1, 3); want > 0; want--) {
            size_t c = whole(r, 0, p->n_channel - 1), component = chance(r, 0.5) ? 0 : whole(r, 0, p->n_background[c]);
            if (!has_link(p, k, c, component)) add_link(p, k, c, component);
        }
    }
}

static inline void random_problem(gsl_rng *r, const problem_kind *kind, fit_problem *p)
{
    memset(p, 0, sizeof *p);
    p->n_channel = whole(r, 1, MOST_CHANNELS);
    for (size_t c = 0; c < p->n_channel; c++) random_channel(r, kind, p, c);
    random_pulls(r, kind, p);
    random_shapes(r, kind, p);
}

/* Makes lane `truth` the truth of Asimov data; added in the order in which the library adds. */
static inline void make_asimov(fit_problem *p, int truth)
{
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            double n = p->signal[truth][c][i];
            for (size_t k = 0; k < p->n_background[c]; k++) n += p->background[c][k * p->n_bin[c] + i];
            p->data[c][i] = n;
        }
}

#endif
