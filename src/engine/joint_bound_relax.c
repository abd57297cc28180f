/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The minimum of chi2 over one hull: a sequence of quadratic models of chi2 in the forms, with its exact Hessian, or
 * the Gauss-Newton one where that is not positive, each minimised over the hull to a smaller distance from the faces
 * than the one before. Each evaluation gives a bound by itself, chi2 being above its tangent plane:
 *     chi2(F) >= chi2(F0) + g.(F - F0) for all F of the hull,
 * so nothing has to be believed of the models, of the barrier or of where they ended: what is not solved well gives a
 * low bound, and never a wrong one. The tangent plane is below chi2 where chi2 is convex. Where it is quasi-convex only,
 * with one scale 1 + a of all signals, the same with the gap times (1 + a at F)/(1 + a at F0) (perspective of the
 * likelihood): for gaps near zero no difference, and so a converged gap is weighed by GAP_SAFETY there. */
#include <math.h>
#include <string.h>

#include "joint_bound_parts.h"

#define GAP_DONE 3e-9 /* in chi2 */
#define GAP_EVIDENCE 1e-7
#define ROUNDING 2e-14 /* of chi2 */
enum { MOST_EVALUATIONS = 60 };

/* Whether a symmetric matrix is positive up to rounding: flat directions are common. Scratch: work[n][n]. */
static bool is_positive(size_t n, const double *matrix, const double *stiff, double *work)
{
    for (size_t j = 0; j < n; j++) {
        double scale = 1e-8 * stiff[j * n + j], pivot = matrix[j * n + j] + scale;
        for (size_t k = 0; k < j; k++) pivot -= work[j * n + k] * work[j * n + k];
        if (pivot < 0) return false;
        double inverse = pivot > 0 ? 1 / sqrt(pivot) : 0;
        for (size_t i = j + 1; i < n; i++) {
            double x = matrix[i * n + j];
            for (size_t k = 0; k < j; k++) x -= work[i * n + k] * work[j * n + k];
            work[i * n + j] = x * inverse;
        }
    }
    return true;
}

/* The model in the lifted variables: map^T H map. */
static void make_model(bound_relax *r, bound_quadratic *q)
{
    const bound_place *p = &r->at[r->now];
    const bound_hull *h = &r->hull;
    size_t n = h->n_form;
    const double *exact = is_positive(n, p->hessian, p->stiff, r->work) ? p->hessian : p->positive;
    for (size_t k = 0; k < n * n; k++) r->work[k] = exact[k] + r->damping * p->stiff[k];
    q->n = h->n;
    memcpy(q->from, p->z, h->n * sizeof *q->from);
    for (size_t i = 0; i < h->n; i++) {
        const double *row = h->map + i * n;
        double curved[JOINT_MAX_FORMS];
        memset(curved, 0, n * sizeof *curved);
        q->gradient[i] = h->cost[i];
        for (size_t f = 0; f < n; f++) {
            if (row[f] == 0) continue;
            q->gradient[i] += row[f] * p->gradient[f];
            for (size_t e = 0; e < n; e++) curved[e] += row[f] * r->work[f * n + e];
        }
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t e = 0; e < n; e++) sum += curved[e] * h->map[j * n + e];
            q->matrix[i][j] = q->matrix[j][i] = sum;
        }
    }
}

/* Where to evaluate next. */
static void make_trial(bound_relax *r)
{
    bound_quadratic q;
    bound_place *now = &r->at[r->now], *trial = bound_trial(r);
    make_model(r, &q);
    double least = 0.1 * GAP_DONE / r->hull.parameter;
    double end = fmax(r->tau, least), begin = fmax(end, 0.1 * r->gap / r->hull.parameter);
    memcpy(trial->z, now->z, r->hull.n * sizeof *trial->z);
    r->n_newton += bound_quadratic_solve(&q, &r->hull, begin, end, trial->z);
    trial->barrier = bound_hull_barrier(&r->hull, trial->z);
    r->predicted = -bound_quadratic_value(&q, trial->z);
    bound_hull_forms(&r->hull, trial->z, trial->form);
    memcpy(trial->variable, now->variable, r->n_variable * sizeof *trial->variable);
}

void bound_relax_start(bound_relax *r, const double *z)
{
    bound_place *trial = bound_trial(r);
    memcpy(trial->z, z, r->hull.n * sizeof *trial->z);
    bound_hull_forms(&r->hull, z, trial->form);
    r->started = r->done = false;
    r->convex = true;
    r->bound = -INFINITY;
    r->gap = INFINITY;
    r->damping = r->predicted = 0;
    r->tau = INFINITY;
    r->n_evaluation = r->n_newton = 0;
}

/* The bound that the tangent plane at the best place gives. */
static void take_bound(bound_relax *r)
{
    const bound_place *p = &r->at[r->now];
    const bound_hull *h = &r->hull;
    double w[BOUND_MAX_LIFTED], terms = fabs(p->value);
    for (size_t i = 0; i < h->n; i++) {
        w[i] = h->cost[i];
        for (size_t f = 0; f < h->n_form; f++) w[i] += h->map[i * h->n_form + f] * p->gradient[f];
        terms += fabs(w[i]);
    }
    r->gap = fmax(bound_hull_gap(h, w, p->z), 0) + ROUNDING * terms;
    double bound = p->value - r->gap_times * r->gap;
    bool convex = p->chi2 < r->convex_below;
    if (!convex && r->gap > GAP_EVIDENCE) return;
    if (bound > r->bound) {
        r->bound = bound;
        r->convex = convex;
    }
}

static bool is_done(const bound_relax *r)
{
    const bound_place *p = &r->at[r->now];
    if (r->bound >= r->enough || r->gap < GAP_DONE || r->n_evaluation >= MOST_EVALUATIONS || r->damping > 1e6)
        return true;
    return r->may_branch && r->gap < 0.1 * (r->enough - p->value);
}

/* Judges the trial: gain over what the model promised. */
static bool accept(bound_relax *r)
{
    const bound_place *now = &r->at[r->now], *trial = bound_trial(r);
    if (!isfinite(trial->chi2)) return false;
    if (!r->started) return true;
    double gain = now->value - trial->value;
    if (fabs(r->predicted) < 1e-10 + 1e-13 * fabs(now->value)) return true;
    double ratio = gain / r->predicted;
    /* A place that rises because the barrier pushes it is judged by how well the model knew it. */
    if (r->predicted < 0) ratio = 2 - ratio;
    if (ratio > 0.7)
        r->damping = r->damping < 1e-3 ? 0 : 0.1 * r->damping;
    else if (ratio < 0.25)
        r->damping = fmax(4 * r->damping, 0.1);
    return ratio > 1e-2;
}

/* A quarter of the digits that are left, each time: models are good to third order. */
static double next_tau(const bound_relax *r)
{
    double gap = r->gap / r->hull.parameter;
    return gap * fmin(0.01, fmax(1e-4, 1e-3 * sqrt(r->gap)));
}

void bound_relax_go(bound_relax *r)
{
    r->n_evaluation++;
    bound_place *trial = bound_trial(r);
    trial->value = trial->chi2 + bound_hull_cost(&r->hull, trial->z);
    if (accept(r)) {
        r->now = 1 - r->now;
        r->started = true;
        take_bound(r);
        r->tau = next_tau(r);
    } else if (!r->started) {
        r->done = true;
        return;
    } else
        r->damping = fmax(5 * r->damping, 0.3);
    r->done = is_done(r);
    if (!r->done) make_trial(r);
}
