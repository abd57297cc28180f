/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/scan_job.h"
#include "model_parts.h"

enum { COARSE_POINTS = 4096, STARTS = 8, MAX_STEPS = 2000 };
static const double simplex_tolerance = 1e-9; /* of the size of the simplex, in units of the axes' lengths */

typedef struct search {
    const cev_scan_job *job;
    cev_model_scratch *scratch;
} search;

static double low_of(const search *s, size_t a)
{
    return s->job->grid->axis[a].value[0];
}

static double length_of(const search *s, size_t a)
{
    const cev_axis *axis = &s->job->grid->axis[a];
    return axis->value[axis->n - 1] - axis->value[0];
}

static double chi2_at(const search *s, const double *at)
{
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS];
    size_t n = cev_model_interaction(s->job->model)->card.n_parameter;
    memcpy(theta, s->job->theta, n * sizeof *theta);
    for (size_t a = 0; a < s->job->grid->n_axis; a++) theta[s->job->axis_parameter[a]] = at[a];
    cev_theta_broadcast(n, theta, block);
    cev_block_result result = {.pull = NULL};
    cev_model_evaluate(s->job->model, s->job->data, s->scratch, block, &result);
    return result.status[0] == CEV_POINT_OK ? result.chi2[0] : INFINITY;
}

/* The simplex moves in units of the axes' lengths; outside the ranges chi2 is infinite. */
static double chi2_at_fraction(const gsl_vector *x, void *context)
{
    const search *s = context;
    double at[CEV_MAX_AXES];
    for (size_t a = 0; a < x->size; a++) {
        double t = gsl_vector_get(x, a);
        if (!(t >= 0 && t <= 1)) return INFINITY;
        at[a] = low_of(s, a) + t * length_of(s, a);
    }
    return chi2_at(s, at);
}

static void remember(cev_best_fit *best, const cev_best_fit *candidate)
{
    if (!(candidate->chi2 < best[STARTS - 1].chi2)) return;
    size_t k = STARTS - 1;
    for (; k > 0 && best[k - 1].chi2 > candidate->chi2; k--) best[k] = best[k - 1];
    best[k] = *candidate;
}

/* The lowest of at most COARSE_POINTS grid points, evenly thinned along each axis. */
static void coarse_search(const search *s, cev_best_fit *best)
{
    const cev_grid *g = s->job->grid;
    size_t side = (size_t)(pow(COARSE_POINTS, 1.0 / (double)g->n_axis) + 1e-9), n[CEV_MAX_AXES], total = 1;
    for (size_t k = 0; k < STARTS; k++) best[k] = (cev_best_fit){.chi2 = INFINITY};
    for (size_t a = 0; a < g->n_axis; a++) {
        n[a] = g->axis[a].n < side ? g->axis[a].n : side;
        total *= n[a];
    }
    for (size_t k = 0; k < total; k++) {
        cev_best_fit candidate;
        size_t rest = k;
        for (size_t a = 0; a < g->n_axis; a++) {
            candidate.at[a] = g->axis[a].value[rest % n[a] * (g->axis[a].n - 1) / (n[a] - 1)];
            rest /= n[a];
        }
        candidate.chi2 = chi2_at(s, candidate.at);
        remember(best, &candidate);
    }
}

static cev_status refine(search *s, cev_best_fit *fit)
{
    size_t n = s->job->grid->n_axis;
    gsl_multimin_fminimizer *simplex = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, n);
    gsl_vector *x = gsl_vector_alloc(n), *step = gsl_vector_alloc(n);
    cev_status status = simplex && x && step ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    if (status == CEV_OK) {
        for (size_t a = 0; a < n; a++) {
            double t = (fit->at[a] - low_of(s, a)) / length_of(s, a);
            gsl_vector_set(x, a, t);
            gsl_vector_set(step, a, t > 0.5 ? -0.02 : 0.02);
        }
        gsl_multimin_function f = {.f = chi2_at_fraction, .n = n, .params = s};
        gsl_multimin_fminimizer_set(simplex, &f, x, step);
        for (int k = 0; k < MAX_STEPS && gsl_multimin_fminimizer_size(simplex) > simplex_tolerance; k++)
            if (gsl_multimin_fminimizer_iterate(simplex)) break;
        if (simplex->fval < fit->chi2) {
            fit->chi2 = simplex->fval;
            for (size_t a = 0; a < n; a++) fit->at[a] = low_of(s, a) + gsl_vector_get(simplex->x, a) * length_of(s, a);
        }
    }
    if (simplex) gsl_multimin_fminimizer_free(simplex);
    if (x) gsl_vector_free(x);
    if (step) gsl_vector_free(step);
    return status;
}

static bool contains(const cev_scan_job *job, const double *truth)
{
    for (size_t p = 0; p < cev_model_interaction(job->model)->card.n_parameter; p++) {
        bool scanned = false;
        for (size_t a = 0; a < job->grid->n_axis; a++) scanned |= job->axis_parameter[a] == p;
        if (!scanned && job->theta[p] != truth[p]) return false;
    }
    return true;
}

cev_status cev_best_fit_find(const cev_scan_job *job, const double *truth, cev_best_fit *out)
{
    if (truth && contains(job, truth)) {
        out->chi2 = 0;
        for (size_t a = 0; a < job->grid->n_axis; a++) out->at[a] = truth[job->axis_parameter[a]];
        return CEV_OK;
    }
    search s = {.job = job};
    CEV_TRY(cev_model_scratch_create(job->model, &s.scratch));
    cev_best_fit best[STARTS];
    coarse_search(&s, best);
    cev_status status = CEV_OK;
    for (size_t k = 0; status == CEV_OK && k < STARTS && isfinite(best[k].chi2); k++) status = refine(&s, &best[k]);
    cev_model_scratch_destroy(&s.scratch);
    CEV_TRY(status);
    *out = best[0];
    for (size_t k = 1; k < STARTS; k++)
        if (best[k].chi2 < out->chi2) *out = best[k];
    return isfinite(out->chi2) ? CEV_OK : cev_fail(CEV_E_NUMERIC, "no point of the scan has a finite chi2");
}
