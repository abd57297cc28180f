/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/scan_job.h"
#include "model_parts.h"

enum { COARSE_POINTS = 4096, STARTS = 8, MAX_STEPS = 2000, SLOW_POINTS = 16 };
static const double simplex_tolerance = 1e-9; /* of the size of the simplex, in units of the axes' lengths */
static const double first_step = 0.02;        /* the same units */

/* A search moves along the axes of fast parameters in fractions of their lengths, on their own scales. */
typedef struct search {
    const cev_scan_job *job;
    cev_model_scratch *scratch;
    double theta[CEV_MAX_MODEL_PARAMETERS]; /* what is not searched */
    size_t n;                               /* dimensions */
    size_t axis[CEV_MAX_AXES], parameter[CEV_MAX_AXES];
    size_t side[CEV_MAX_AXES]; /* of the coarse grid */
    size_t n_slow, slow_axis[CEV_MAX_AXES];
} search;

typedef struct start {
    double chi2, at[CEV_MAX_AXES]; /* fractions */
} start;

static const cev_axis *axis_of(const search *s, size_t d)
{
    return &s->job->grid->axis[s->axis[d]];
}

static double value_at(const search *s, size_t d, double fraction)
{
    const cev_axis *axis = axis_of(s, d);
    return cev_axis_at(axis, fraction * (double)(axis->n - 1));
}

/* Infinite outside the ranges, and in the gaps of axes that have some. */
static double chi2_at(const search *s, const double *fraction)
{
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS];
    size_t n = cev_model_interaction(s->job->model)->card.n_parameter;
    memcpy(theta, s->theta, n * sizeof *theta);
    for (size_t d = 0; d < s->n; d++) {
        double value = value_at(s, d, fraction[d]);
        if (isnan(value)) return INFINITY;
        theta[s->parameter[d]] = value;
    }
    cev_theta_broadcast(n, theta, block);
    cev_block_result result = {.pull = NULL};
    cev_model_evaluate(s->job->model, s->job->data, s->scratch, block, NULL, &result);
    return result.status[0] == CEV_POINT_OK ? result.chi2[0] : INFINITY;
}

static double chi2_of_simplex(const gsl_vector *x, void *context)
{
    double fraction[CEV_MAX_AXES];
    for (size_t d = 0; d < x->size; d++) fraction[d] = gsl_vector_get(x, d);
    return chi2_at(context, fraction);
}

/* Fractions of coarse point k; its points are points of the grid, evenly thinned along each axis. */
static void coarse_point(const search *s, size_t k, double *fraction)
{
    for (size_t d = 0; d < s->n; d++) {
        size_t last = axis_of(s, d)->n - 1;
        fraction[d] = (double)(k % s->side[d] * last / (s->side[d] - 1)) / (double)last;
        k /= s->side[d];
    }
}

static bool is_local_minimum(const search *s, const double *chi2, size_t k)
{
    size_t stride = 1;
    for (size_t d = 0; d < s->n; stride *= s->side[d], d++) {
        size_t i = k / stride % s->side[d];
        if (i > 0 && chi2[k - stride] < chi2[k]) return false;
        if (i + 1 < s->side[d] && chi2[k + stride] < chi2[k]) return false;
    }
    return true;
}

static void remember(start *best, const start *candidate)
{
    if (!(candidate->chi2 < best[STARTS - 1].chi2)) return;
    size_t k = STARTS - 1;
    for (; k > 0 && best[k - 1].chi2 > candidate->chi2; k--) best[k] = best[k - 1];
    best[k] = *candidate;
}

/* The lowest of the local minima among at most COARSE_POINTS grid points. */
static cev_status coarse_search(search *s, start *best)
{
    size_t side = (size_t)(pow(COARSE_POINTS, 1.0 / (double)s->n) + 1e-9), total = 1;
    for (size_t k = 0; k < STARTS; k++) best[k] = (start){.chi2 = INFINITY};
    for (size_t d = 0; d < s->n; d++) {
        s->side[d] = axis_of(s, d)->n < side ? axis_of(s, d)->n : side;
        total *= s->side[d];
    }
    double *chi2 = malloc(total * sizeof *chi2), fraction[CEV_MAX_AXES];
    if (!chi2) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < total; k++) {
        coarse_point(s, k, fraction);
        chi2[k] = chi2_at(s, fraction);
    }
    for (size_t k = 0; k < total; k++) {
        start candidate = {.chi2 = chi2[k]};
        if (!is_local_minimum(s, chi2, k)) continue;
        coarse_point(s, k, candidate.at);
        remember(best, &candidate);
    }
    free(chi2);
    return CEV_OK;
}

static void run_simplex(search *s, gsl_multimin_fminimizer *simplex, gsl_vector *x, gsl_vector *step, start *best)
{
    for (size_t d = 0; d < s->n; d++) {
        gsl_vector_set(x, d, best->at[d]);
        gsl_vector_set(step, d, best->at[d] > 0.5 ? -first_step : first_step);
    }
    gsl_multimin_function f = {.f = chi2_of_simplex, .n = s->n, .params = s};
    gsl_multimin_fminimizer_set(simplex, &f, x, step);
    for (int k = 0; k < MAX_STEPS && gsl_multimin_fminimizer_size(simplex) > simplex_tolerance; k++)
        if (gsl_multimin_fminimizer_iterate(simplex)) break;
    if (!(simplex->fval < best->chi2)) return;
    best->chi2 = simplex->fval;
    for (size_t d = 0; d < s->n; d++) best->at[d] = gsl_vector_get(simplex->x, d);
}

static cev_status refine(search *s, start *best)
{
    gsl_multimin_fminimizer *simplex = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, s->n);
    gsl_vector *x = gsl_vector_alloc(s->n), *step = gsl_vector_alloc(s->n);
    bool allocated = simplex && x && step;
    if (allocated) run_simplex(s, simplex, x, step, best);
    if (simplex) gsl_multimin_fminimizer_free(simplex);
    if (x) gsl_vector_free(x);
    if (step) gsl_vector_free(step);
    return allocated ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
}

static const cev_card *card_of(const cev_scan_job *job)
{
    return &cev_model_interaction(job->model)->card;
}

/* Sorts the axes of one member into searched and slow ones. */
static search search_of(const cev_scan_job *job, size_t member)
{
    search s = {.job = job};
    memcpy(s.theta, job->theta, card_of(job)->n_parameter * sizeof *s.theta);
    for (size_t a = job->member_parameter ? 1 : 0; a < job->grid->n_axis; a++) {
        size_t p = job->member_parameter && a == 1 ? job->member_parameter[member] : job->axis_parameter[a];
        if (card_of(job)->parameters[p].slow) {
            s.slow_axis[s.n_slow++] = a;
            continue;
        }
        s.axis[s.n] = a;
        s.parameter[s.n++] = p;
    }
    return s;
}

static bool contains(const search *s, const double *truth)
{
    for (size_t p = 0; p < card_of(s->job)->n_parameter; p++) {
        bool scanned = false;
        for (size_t d = 0; d < s->n; d++) scanned |= s->parameter[d] == p;
        for (size_t d = 0; d < s->n_slow; d++) scanned |= s->job->axis_parameter[s->slow_axis[d]] == p;
        if (!scanned && !cev_same_value(s->theta[p], truth[p])) return false;
    }
    return true;
}

/* The lowest minimum at the slow parameters that the model is folded with. */
static cev_status look(search *s, start *lowest)
{
    start best[STARTS] = {{.chi2 = INFINITY}};
    if (s->n == 0) {
        lowest->chi2 = chi2_at(s, lowest->at);
        return CEV_OK;
    }
    cev_status status = coarse_search(s, best);
    for (size_t k = 0; status == CEV_OK && k < STARTS && isfinite(best[k].chi2); k++) status = refine(s, &best[k]);
    *lowest = best[0];
    for (size_t k = 1; k < STARTS; k++)
        if (best[k].chi2 < lowest->chi2) *lowest = best[k];
    return status;
}

/* Values of the slow axes that are tried: evenly thinned, at most `side` of each, from number low to number high. */
typedef struct slow_nodes {
    size_t side, low[CEV_MAX_AXES], high[CEV_MAX_AXES], best[CEV_MAX_AXES];
} slow_nodes;

static const cev_axis *slow_axis_of(const search *s, size_t d)
{
    return &s->job->grid->axis[s->slow_axis[d]];
}

static size_t values_tried(const slow_nodes *nodes, size_t d)
{
    size_t n = nodes->high[d] - nodes->low[d] + 1;
    return n < nodes->side ? n : nodes->side;
}

static slow_nodes all_nodes(const search *s)
{
    slow_nodes nodes = {.side = s->n_slow ? (size_t)(pow(SLOW_POINTS, 1.0 / (double)s->n_slow) + 1e-9) : 1};
    for (size_t d = 0; d < s->n_slow; d++) nodes.high[d] = slow_axis_of(s, d)->n - 1;
    return nodes;
}

static size_t n_node(const search *s, const slow_nodes *nodes)
{
    size_t total = 1;
    for (size_t d = 0; d < s->n_slow; d++) total *= values_tried(nodes, d);
    return total;
}

/* Folds the model at node k; number[] says where along each slow axis it is. */
static void set_slow(search *s, const slow_nodes *nodes, size_t k, double *at, size_t *number)
{
    for (size_t d = 0; d < s->n_slow; d++) {
        size_t n = values_tried(nodes, d);
        number[d] = nodes->low[d] + (n > 1 ? k % n * (nodes->high[d] - nodes->low[d]) / (n - 1) : 0);
        at[s->slow_axis[d]] = s->theta[s->job->axis_parameter[s->slow_axis[d]]] = slow_axis_of(s, d)->value[number[d]];
        k /= n;
    }
    cev_model_fold(s->job->model, s->theta);
}

/* To the neighbours of the best node; false once nothing is left between them, or where there are too few nodes to
 * tell. */
static bool narrow(const search *s, slow_nodes *nodes)
{
    bool narrower = false;
    for (size_t d = 0; d < s->n_slow; d++) {
        size_t n = values_tried(nodes, d), width = nodes->high[d] - nodes->low[d],
               step = n > 1 ? (width + n - 2) / (n - 1) : 0;
        size_t low = nodes->best[d] > nodes->low[d] + step ? nodes->best[d] - step : nodes->low[d];
        size_t high = nodes->best[d] + step < nodes->high[d] ? nodes->best[d] + step : nodes->high[d];
        if (n == width + 1) continue; /* every value was tried */
        narrower |= high - low < width;
        nodes->low[d] = low;
        nodes->high[d] = high;
    }
    return narrower;
}

static void keep(const search *s, const start *found, cev_best_fit *out)
{
    out->chi2 = found->chi2;
    for (size_t d = 0; d < s->n; d++) out->at[s->axis[d]] = value_at(s, d, found->at[d]);
}

static cev_status look_at_nodes(search *s, slow_nodes *nodes, cev_best_fit *out)
{
    for (size_t k = 0, total = n_node(s, nodes); k < total; k++) {
        start found;
        size_t number[CEV_MAX_AXES];
        cev_best_fit here = *out;
        set_slow(s, nodes, k, here.at, number);
        CEV_TRY(look(s, &found));
        if (!(found.chi2 < out->chi2)) continue;
        keep(s, &found, &here);
        *out = here;
        memcpy(nodes->best, number, s->n_slow * sizeof *number);
    }
    return CEV_OK;
}

static cev_status look_everywhere(search *s, cev_best_fit *out)
{
    slow_nodes nodes = all_nodes(s);
    out->chi2 = INFINITY;
    do CEV_TRY(look_at_nodes(s, &nodes, out));
    while (isfinite(out->chi2) && narrow(s, &nodes));
    return isfinite(out->chi2) ? CEV_OK : cev_fail(CEV_E_NUMERIC, "no point of the scan has a finite chi2");
}

cev_status cev_best_fit_find(const cev_scan_job *job, size_t member, const double *truth, cev_best_fit *out)
{
    search s = search_of(job, member);
    *out = (cev_best_fit){.at = {(double)member}};
    if (truth && contains(&s, truth)) {
        for (size_t d = 0; d < s.n; d++) out->at[s.axis[d]] = truth[s.parameter[d]];
        for (size_t d = 0; d < s.n_slow; d++) out->at[s.slow_axis[d]] = truth[job->axis_parameter[s.slow_axis[d]]];
        return CEV_OK;
    }
    CEV_TRY(cev_model_scratch_create(job->model, &s.scratch));
    cev_status status = look_everywhere(&s, out);
    cev_model_scratch_destroy(&s.scratch);
    return status;
}

cev_status cev_best_fit_near(const cev_scan_job *job, uint64_t number, cev_best_fit *out)
{
    size_t index[CEV_MAX_AXES];
    cev_grid_index(job->grid, number, index);
    search s = search_of(job, job->member_parameter ? index[0] : 0);
    start found = {.chi2 = INFINITY};
    for (size_t a = 0; a < job->grid->n_axis; a++) out->at[a] = job->grid->axis[a].value[index[a]];
    for (size_t d = 0; d < s.n_slow; d++) s.theta[job->axis_parameter[s.slow_axis[d]]] = out->at[s.slow_axis[d]];
    for (size_t d = 0; d < s.n; d++) found.at[d] = (double)index[s.axis[d]] / (double)(axis_of(&s, d)->n - 1);
    cev_model_fold(job->model, s.theta);
    CEV_TRY(cev_model_scratch_create(job->model, &s.scratch));
    found.chi2 = chi2_at(&s, found.at);
    cev_status status = s.n ? refine(&s, &found) : CEV_OK;
    cev_model_scratch_destroy(&s.scratch);
    keep(&s, &found, out);
    return status;
}
