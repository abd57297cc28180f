/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Problems with every kind of pull, and chi2 of their pulls by its formula. Included after fit_problem.h. */
#ifndef CEVSCAN_TESTS_GENERAL_PROBLEM_H
#define CEVSCAN_TESTS_GENERAL_PROBLEM_H

#include "fit_problem.h"

static inline long double general_counts(const fit_problem *p, int lane, const double *pull, size_t c, size_t i)
{
    long double n = 0;
    if (!p->gaussian[c] && !is_live(p, lane, c, i)) return 0;
    for (size_t k = 0; k <= p->n_background[c] + p->n_shape[c]; k++) {
        long double scale = k <= p->n_background[c];
        for (size_t j = 0; j < p->n_link; j++) {
            if (p->link[j].channel != c || p->link[j].component != k) continue;
            long double a = pull[p->link[j].pull], weight = p->link[j].weight == 0 ? 1 : p->link[j].weight;
            scale += weight * (p->link[j].power == 2 ? a * a : a);
        }
        n += component_of(p, lane, c, k, i) * scale;
    }
    return n;
}

static inline long double general_penalty(const fit_problem *p, const cev_profile *profile, const double *pull)
{
    for (size_t k = 0; k < p->n_pull; k++)
        if (!p->prior[k].given && (pull[k] < p->prior[k].low || pull[k] > p->prior[k].high)) return INFINITY;
    return cev_profile_penalty(profile, pull);
}

/* chi2 at the pulls; infinite outside of the region. */
static inline double general_value(const fit_problem *p, const cev_profile *profile, int lane, const double *pull)
{
    long double sum = general_penalty(p, profile, pull);
    for (size_t c = 0; c < p->n_channel && sum < INFINITY; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            long double n = general_counts(p, lane, pull, c, i), d = p->data[c][i];
            if (p->gaussian[c])
                sum += (n - d) * (n - d) / p->variance[c][i];
            else if (d > 0)
                sum += n > 0 ? 2 * (n - d + d * logl(d / n)) : INFINITY;
            else
                sum += n >= 0 ? 2 * n : INFINITY;
        }
    return (double)sum;
}

/* --- random ------------------------------------------------------------------------------------------------------ */

typedef struct general_kind {
    problem_kind problem;
    double gaussian, given, bounded, weights, squares, correlations; /* probabilities */
    int constraints; /* pulls may have other than Gaussian constraints */
    int lognormal;
} general_kind;

static inline cev_pull_prior random_prior(gsl_rng *r, const general_kind *kind)
{
    cev_pull_prior prior = {CEV_CONSTRAINT_GAUSSIAN, -INFINITY, INFINITY, false};
    if (kind->constraints) {
        prior.constraint = (cev_pull_constraint)whole(r, 0, CEV_N_CONSTRAINTS - 1);
        if (!kind->lognormal && prior.constraint == CEV_CONSTRAINT_LOGNORMAL) prior.constraint = CEV_CONSTRAINT_GAMMA;
    }
    if (chance(r, kind->bounded)) prior.low = chance(r, 0.3) ? -1 : chance(r, 0.1) ? 0 : -log_uniform(r, 1e-3, 1);
    if (chance(r, kind->bounded)) prior.high = chance(r, 0.1) ? 0 : log_uniform(r, 1e-3, 2);
    prior.given = chance(r, kind->given);
    return prior;
}

/* Correlations of a common cause, of random strength for each pull: positive definite. */
static inline void random_correlations(gsl_rng *r, const general_kind *kind, fit_problem *p)
{
    double strength[MOST_PULLS];
    if (!chance(r, kind->correlations)) return;
    for (size_t k = 0; k < p->n_pull; k++)
        strength[k] = p->prior[k].constraint == CEV_CONSTRAINT_GAUSSIAN && chance(r, 0.7) ? uniform(r, -0.95, 0.95) : 0;
    for (size_t k = 0; k < p->n_pull; k++)
        for (size_t j = 0; j < k; j++)
            if (strength[k] * strength[j] != 0) correlate(p, k, j, strength[k] * strength[j]);
}

static inline void random_general_problem(gsl_rng *r, const general_kind *kind, fit_problem *p)
{
    random_problem(r, &kind->problem, p);
    set_priors(p);
    for (size_t c = 0; c < p->n_channel; c++) {
        p->gaussian[c] = chance(r, kind->gaussian);
        for (size_t i = 0; i < p->n_bin[c]; i++) p->variance[c][i] = 1 + p->data[c][i];
    }
    for (size_t k = 0; k < p->n_pull; k++) {
        p->prior[k] = random_prior(r, kind);
        for (int l = 0; l < CEV_LANES; l++) p->given[l][k] = uniform(r, -0.5, 0.5);
    }
    for (size_t j = 0; j < p->n_link; j++) {
        if (chance(r, kind->weights)) p->link[j].weight = uniform(r, -2, 2);
        if (p->link[j].component > p->n_background[p->link[j].channel] && chance(r, kind->squares))
            p->link[j].power = 2;
    }
    random_correlations(r, kind, p);
}

#endif
