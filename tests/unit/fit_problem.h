/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Problems for cevscan/profile.h, made by hand or at random, and how to give them to the library; slow_fit.h solves
 * them another way. */
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
    int has_priors, has_correlations;
    cev_pull_prior prior[MOST_PULLS];
    double correlation[MOST_PULLS * MOST_PULLS]; /* [n_pull][n_pull] */
    double given[CEV_LANES][MOST_PULLS];
} fit_problem;

typedef struct fit_answer {
    double chi2[CEV_LANES];
    int status[CEV_LANES];
    double pull[CEV_LANES][MOST_PULLS];
    size_t n_group;
    double group_chi2[MOST_CHANNELS][CEV_LANES];
    size_t n_variable;
    cev_lanes variable[MOST_PULLS];
    double predicted[CEV_LANES][MOST_CHANNELS][MOST_BINS];
} fit_answer;

static inline void add_link(fit_problem *p, size_t pull, size_t channel, size_t component)
{
    p->link[p->n_link++] = (cev_pull_link){.pull = pull, .channel = channel, .component = component};
}

/* One channel, the same signal in every lane. */
static inline fit_problem simple(size_t n_bin, const double *data, const double *signal, const double *background)
{
    fit_problem p = {.n_channel = 1, .n_bin = {n_bin}, .n_background = {background != NULL}};
    for (size_t i = 0; i < n_bin; i++) {
        p.data[0][i] = data[i];
        for (int l = 0; l < CEV_LANES; l++) p.signal[l][0][i] = signal[i];
        if (background) p.background[0][i] = background[i];
    }
    return p;
}

static inline void add_pull(fit_problem *p, double sigma, size_t channel, size_t component)
{
    p->sigma[p->n_pull] = sigma;
    add_link(p, p->n_pull++, channel, component);
}

/* All pulls Gaussian, without bounds, none given: to be changed one by one. */
static inline void set_priors(fit_problem *p)
{
    p->has_priors = 1;
    for (size_t k = 0; k < MOST_PULLS; k++)
        p->prior[k] = (cev_pull_prior){CEV_CONSTRAINT_GAUSSIAN, -INFINITY, INFINITY, false};
}

static inline void correlate(fit_problem *p, size_t one, size_t other, double coefficient)
{
    for (size_t k = 0; k < p->n_pull && !p->has_correlations; k++) p->correlation[k * p->n_pull + k] = 1;
    p->has_correlations = 1;
    p->correlation[one * p->n_pull + other] = p->correlation[other * p->n_pull + one] = coefficient;
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
                             .prior = p->has_priors ? p->prior : NULL,
                             .correlation = p->has_correlations ? p->correlation : NULL,
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
    cev_lanes lanes[MOST_CHANNELS][(1 + MOST_SHAPES) * MOST_BINS], pull[MOST_PULLS], given[MOST_PULLS],
        group[MOST_CHANNELS];
    cev_lanes counts[MOST_CHANNELS][MOST_BINS], *predicted[MOST_CHANNELS];
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
        predicted[c] = counts[c];
    }
    for (size_t k = 0; k < p->n_pull; k++)
        for (int l = 0; l < CEV_LANES; l++) given[k][l] = p->given[l][k];
    cev_profile_result result = {.pull = pull,
                                 .variable = answer->variable,
                                 .group_chi2 = group,
                                 .predicted = predicted};
    memset(answer, 0, sizeof *answer);
    cev_profile_block(profile, scratch, data, signal, given, start, &result);
    answer->n_variable = cev_profile_n_variable(profile);
    answer->n_group = cev_profile_n_group(profile);
    for (int l = 0; l < CEV_LANES; l++) {
        answer->chi2[l] = result.chi2[l];
        answer->status[l] = (int)result.status[l];
        for (size_t k = 0; k < p->n_pull; k++) answer->pull[l][k] = pull[k][l];
        for (size_t c = 0; c < p->n_channel; c++)
            for (size_t i = 0; i < p->n_bin[c]; i++) answer->predicted[l][c][i] = counts[c][i][l];
        for (size_t g = 0; g < answer->n_group; g++) answer->group_chi2[g][l] = group[g][l];
    }
    cev_profile_scratch_destroy(&scratch);
    cev_profile_destroy(&profile);
}

static inline void solve(const fit_problem *p, fit_answer *answer)
{
    solve_from(p, cev_level_best(), NULL, answer);
}

static inline void assert_all_lanes(const fit_answer *answer, double chi2, double tolerance)
{
    for (int l = 0; l < CEV_LANES; l++) {
        assert_int_equal(answer->status[l], CEV_POINT_OK);
        assert_close(answer->chi2[l], chi2, tolerance);
    }
}

#define REAL long double
#define SLOW(name) name
#include "slow_fit.h"
#undef REAL
#undef SLOW

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
