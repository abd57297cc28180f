/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The minimum of chi2 over one hull: a sequence of quadratic models of chi2 in the forms, with its exact Hessian, or
 * the Gauss-Newton one where that is not positive, each minimised over the hull to a smaller distance from the faces
 * than the one before. Each evaluation gives a bound by itself, chi2 being above its tangent plane:
 *     chi2(F) >= chi2(F0) + g.(F - F0) for all F of the hull,
 * so nothing has to be believed of the models, of the barrier or of where they ended: what is not solved well gives a
 * low bound, and never a wrong one. The tangent plane is below chi2 where chi2 is convex. Where it is quasi-convex
 * only, with one scale 1 + a of all signals, the same holds with the last term times (1 + a at F)/(1 + a at F0), as the
 * likelihood is convex in (1 + a) F: gap_times. What comes from where it is neither is looked at only where the gap has
 * closed, and is no proof.
 *
 * g has to be the gradient to the square of what the fit of the pulls has left: an error of g times the width of the
 * hull is one of the bound. */
#include <math.h>
#include <string.h>

#include "joint_bound_parts.h"

#define GAP_DONE 3e-9     /* in chi2 */
#define GAP_OF_MODEL 1e-6 /* for the first place, by the model of another hull */
#define GAP_EVIDENCE 1e-7
#define GAP_RELATIVE 1e-11 /* of chi2: distances from faces that are so small are rounding */
#define ROUNDING 2e-14     /* of chi2 */
#define CUT_AT 0.97        /* of convex_below */
enum { MOST_EVALUATIONS = 60, MOST_CUTS = 6 };

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

/* The model of chi2 about the best place, map^T H map in the lifted variables about z, which need not be that place. */
static void make_model(bound_relax *r, const double *z, bound_quadratic *q)
{
    const bound_place *p = &r->at[r->now];
    const bound_hull *h = &r->hull;
    const double *curvature = is_positive(h->n_form, p->hessian, p->stiff, r->work) ? p->hessian : p->positive;
    size_t n = h->n_form;
    double away[JOINT_MAX_FORMS], slope[JOINT_MAX_FORMS];
    for (size_t k = 0; k < n * n; k++) r->work[k] = curvature[k] + r->damping * p->stiff[k];
    bound_hull_forms(h, z, away);
    for (size_t f = 0; f < n; f++) away[f] -= p->form[f];
    for (size_t f = 0; f < n; f++) {
        slope[f] = p->gradient[f];
        for (size_t e = 0; e < n; e++) slope[f] += r->work[f * n + e] * away[e];
    }
    q->n = h->n;
    memcpy(q->from, z, h->n * sizeof *q->from);
    for (size_t i = 0; i < h->n; i++) {
        const double *row = h->map + i * n;
        double curved[JOINT_MAX_FORMS] = {0};
        q->gradient[i] = h->cost[i];
        for (size_t f = 0; f < n; f++) {
            if (row[f] == 0) continue;
            q->gradient[i] += row[f] * slope[f];
            for (size_t e = 0; e < n; e++) curved[e] += row[f] * r->work[f * n + e];
        }
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t e = 0; e < n; e++) sum += curved[e] * h->map[j * n + e];
            q->matrix[i][j] = q->matrix[j][i] = sum;
        }
    }
}

/* The next place to evaluate: the model's minimum, from z. */
static void make_trial(bound_relax *r, const double *z, double gap, double tau)
{
    bound_quadratic q;
    bound_place *trial = bound_trial(r);
    make_model(r, z, &q);
    double end = fmax(tau, 0.1 * GAP_DONE / r->hull.parameter);
    double begin = fmax(end, 0.1 * (isfinite(gap) ? gap : bound_hull_gap(&r->hull, q.gradient, z)) / r->hull.parameter);
    memcpy(trial->z, z, r->hull.n * sizeof *trial->z);
    r->n_newton += bound_quadratic_solve(&q, &r->hull, begin, end, trial->z);
    r->predicted = -bound_quadratic_value(&q, trial->z);
    bound_hull_forms(&r->hull, trial->z, trial->form);
    memcpy(trial->variable, r->at[r->now].variable, r->n_variable * sizeof *trial->variable);
}

static void reset(bound_relax *r)
{
    r->started = r->done = r->cutting = false;
    r->n_cut = 0;
    r->convex = true;
    r->bound = -INFINITY;
    r->gap = r->tau = INFINITY;
    r->damping = r->predicted = 0;
    r->n_evaluation = r->n_newton = 0;
}

void bound_relax_start(bound_relax *r, const double *z)
{
    bound_place *trial = bound_trial(r);
    reset(r);
    memcpy(trial->z, z, r->hull.n * sizeof *trial->z);
    bound_hull_forms(&r->hull, z, trial->form);
}

void bound_relax_start_by_model(bound_relax *r, const double *z)
{
    reset(r);
    make_trial(r, z, INFINITY, GAP_OF_MODEL / r->hull.parameter);
}

/* Gradient of the tangent plane at the best place in the lifted variables of the hull, which may be another one than
 * the place was found in, and the plane's value at z; returns the size of the terms that were added. */
static double tangent(const bound_relax *r, const bound_place *p, const double *z, double *w, double *value)
{
    const bound_hull *h = &r->hull;
    double terms = fabs(p->chi2), form[JOINT_MAX_FORMS];
    bound_hull_forms(h, z, form);
    *value = p->chi2 + bound_hull_cost(h, z);
    for (size_t f = 0; f < h->n_form; f++) *value += p->gradient[f] * (form[f] - p->form[f]);
    for (size_t i = 0; i < h->n; i++) {
        w[i] = h->cost[i];
        for (size_t f = 0; f < h->n_form; f++) w[i] += h->map[i * h->n_form + f] * p->gradient[f];
        terms += fabs(w[i]);
    }
    return terms;
}

double bound_relax_plane(const bound_relax *r)
{
    double w[BOUND_MAX_LIFTED], centre[BOUND_MAX_LIFTED], value;
    if (!(r->at[r->now].chi2 < r->convex_below)) return -INFINITY;
    bound_hull_centre(&r->hull, centre);
    double terms = tangent(r, &r->at[r->now], centre, w, &value), gap = bound_hull_gap(&r->hull, w, centre);
    /* Against the place itself: the plane goes down from there by this much. */
    double down = fmax(r->at[r->now].value - (value - gap), 0);
    return r->at[r->now].value - r->gap_times * (down + ROUNDING * terms);
}

/* The bound that the tangent plane at the best place gives. */
static void take_bound(bound_relax *r)
{
    const bound_place *p = &r->at[r->now];
    double w[BOUND_MAX_LIFTED], value, terms = tangent(r, p, p->z, w, &value);
    r->gap = fmax(bound_hull_gap(&r->hull, w, p->z), 0) + ROUNDING * terms;
    bool convex = p->chi2 < r->convex_below;
    double bound = p->value - r->gap_times * r->gap;
    if (!convex && r->gap > GAP_EVIDENCE) return;
    if (bound > r->bound) {
        r->bound = bound;
        r->convex = convex;
    }
}

static bool is_done(const bound_relax *r)
{
    const bound_place *p = &r->at[r->now];
    if (r->bound >= r->enough || r->gap < GAP_DONE + GAP_RELATIVE * fabs(p->value) ||
        r->n_evaluation >= MOST_EVALUATIONS || r->damping > 1e6)
        return true;
    return r->may_branch && r->gap < 0.5 * (r->enough - p->value);
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

/* --- places that are worse than what is convex ------------------------------------------------------------------- */

/* chi2 is known to be above a tangent plane only where it is convex, at both of its places. Where the minimum over a
 * hull is worse than that, planes at places on the way there from a good one say that nothing in the hull is better:
 * chi2 has to rise on the way. */
static void make_cut(bound_relax *r, double t)
{
    const bound_place *away = &r->at[r->now];
    bound_place *trial = bound_trial(r);
    r->cutting = true;
    r->n_cut++;
    trial->z[0] = t;
    for (size_t f = 0; f < r->hull.n_form; f++) trial->form[f] = r->anchor[f] + t * (away->form[f] - r->anchor[f]);
    memcpy(trial->variable, away->variable, r->n_variable * sizeof *trial->variable);
}

static void begin_cuts(bound_relax *r)
{
    double rise = r->at[r->now].chi2 - r->anchor_chi2;
    r->evidence = r->convex ? -INFINITY : r->bound;
    if (!r->convex) r->bound = -INFINITY;
    r->convex = true;
    r->near = 0;
    r->far = 1;
    make_cut(r, sqrt(fmax(CUT_AT * r->convex_below - r->anchor_chi2, 0) / rise));
}

static void end_cuts(bound_relax *r)
{
    r->cutting = false;
    r->done = true;
    if (r->bound >= r->enough || !(r->evidence > r->bound)) return;
    r->bound = r->evidence;
    r->convex = false;
}

static void take_cut(bound_relax *r)
{
    bound_place *trial = bound_trial(r);
    double w[BOUND_MAX_LIFTED], centre[BOUND_MAX_LIFTED], value, t = trial->z[0];
    if (trial->chi2 < r->convex_below) {
        bound_hull_centre(&r->hull, centre);
        double terms = tangent(r, trial, centre, w, &value);
        double least = value - bound_hull_gap(&r->hull, w, centre) - ROUNDING * terms;
        /* One that is quasi-convex has no constraints of parameters beside it. */
        if (r->gap_times > 1) least = trial->chi2 - r->gap_times * fmax(trial->chi2 - least, 0);
        r->bound = fmax(r->bound, least);
        r->near = t;
    } else
        r->far = t;
    bool close = trial->chi2 < r->convex_below && trial->chi2 > 0.9 * r->convex_below;
    if (r->bound >= r->enough || close || r->n_cut == MOST_CUTS)
        end_cuts(r);
    else
        make_cut(r, r->near + 0.7 * (r->far - r->near));
}

void bound_relax_anchor(bound_relax *r)
{
    const bound_place *p = &r->at[r->now];
    if (!(p->chi2 < r->convex_below && p->chi2 < r->anchor_chi2)) return;
    r->anchor_chi2 = p->chi2;
    memcpy(r->anchor, p->form, r->hull.n_form * sizeof *r->anchor);
}

void bound_relax_go(bound_relax *r)
{
    r->n_evaluation++;
    if (r->cutting) {
        take_cut(r);
        return;
    }
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
    bool cut = r->done && r->at[r->now].chi2 >= r->convex_below && isfinite(r->anchor_chi2) &&
               !(r->convex && r->bound >= r->enough);
    if (cut) {
        r->done = false;
        begin_cuts(r);
        return;
    }
    if (!r->done) make_trial(r, r->at[r->now].z, r->gap, r->tau);
}
