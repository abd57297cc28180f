/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "joint_descent.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 80, MOST_CUTS = 40, MOST_SWEEPS = 30, MOST_TURNS = 5, MOST_DAMPINGS = 7 };
static const double side = 0.5;
static const double flat = 1e-13;  /* of the largest curvature: below, rounding */
static const double bent = 1e-8;   /* negative curvature beyond that is left: less gains nothing within the box */
static const double escape = 0.1;  /* of the box, along negative curvature */
static const double enough = 1e-4; /* of what a step promises */

typedef struct descent {
    const joint_problem *p;
    joint_work *work;
    const joint_place *place;
    const joint_model *model;
    size_t n;
    double z0[JOINT_MAX_FREE], z[JOINT_MAX_FREE], value;
    double g[JOINT_MAX_FREE], step[JOINT_MAX_FREE], promise, damping;
    joint_matrix h, l;
    bool fixed[JOINT_MAX_FREE], convex, factored;
} descent;

/* --- the model ---------------------------------------------------------------------------------------------------- */

double joint_model_value(const joint_problem *p, joint_work *work, const joint_place *place, const joint_model *model,
                         const double *z0, const double *z)
{
    double form[JOINT_MAX_FORMS], value = 0;
    size_t m = p->n_live;
    joint_live_forms(p, work, place, z, form);
    for (size_t f = 0; f < m; f++) form[f] -= model->form[f];
    for (size_t f = 0; f < m; f++) {
        double slope = 0;
        for (size_t e = 0; e < m; e++) slope += model->curvature[f * m + e] * form[e];
        value += form[f] * (model->gradient[f] + 0.5 * slope);
    }
    for (size_t a = 0; a < p->n; a++)
        value += p->weight[a] * (z[a] - z0[a]) * (z[a] + z0[a] - 2 * p->centre[a]); /* difference of two squares */
    return value;
}

/* Value, as joint_model_value(), and gradient. What the Hessian needs, too, stays: gradient of the model in forms, and
 * work->slope. */
static double value_and_gradient(const joint_problem *p, joint_work *work, const joint_place *place,
                                 const joint_model *model, const double *z0, const double *z, double *g,
                                 double *in_forms)
{
    double form[JOINT_MAX_FORMS], value = 0;
    const double *slope = work->slope;
    size_t m = p->n_live;
    joint_live_forms(p, work, place, z, form);
    joint_live_slopes(p, work, place, z, work->slope);
    for (size_t f = 0; f < m; f++) form[f] -= model->form[f];
    for (size_t f = 0; f < m; f++) {
        double along = 0;
        for (size_t e = 0; e < m; e++) along += model->curvature[f * m + e] * form[e];
        in_forms[f] = model->gradient[f] + along;
        value += form[f] * (model->gradient[f] + 0.5 * along);
    }
    for (size_t a = 0; a < p->n; a++) {
        g[a] = 2 * p->weight[a] * (z[a] - p->centre[a]);
        value += p->weight[a] * (z[a] - z0[a]) * (z[a] + z0[a] - 2 * p->centre[a]);
        for (size_t f = 0; f < m; f++) g[a] += slope[a * m + f] * in_forms[f];
    }
    return value;
}

void joint_model_derivatives(const joint_problem *p, joint_work *work, const joint_place *place,
                             const joint_model *model, const double *z, double *g, joint_matrix h)
{
    double gradient[JOINT_MAX_FORMS], along[JOINT_MAX_FORMS];
    size_t m = p->n_live, n = p->n;
    const double *slope = work->slope;
    value_and_gradient(p, work, place, model, z, z, g, gradient);
    for (size_t a = 0; a < n; a++) {
        memset(along, 0, m * sizeof *along);
        for (size_t f = 0; f < m; f++)
            for (size_t e = 0; e < m; e++) along[e] += slope[a * m + f] * model->curvature[f * m + e];
        for (size_t b = 0; b <= a; b++) {
            double sum = 0;
            for (size_t e = 0; e < m; e++) sum += along[e] * slope[b * m + e];
            h[a][b] = h[b][a] = sum;
        }
        h[a][a] += 2 * p->weight[a];
    }
    joint_add_bends(p, work, place, z, gradient, h);
}

/* --- linear algebra ----------------------------------------------------------------------------------------------- */

static double rotate(size_t n, joint_matrix h, joint_matrix vector, size_t p, size_t q)
{
    double off = fabs(h[p][q]);
    if (off == 0) return 0;
    double theta = (h[q][q] - h[p][p]) / (2 * h[p][q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        double x = h[k][p], y = h[k][q];
        h[k][p] = c * x - s * y;
        h[k][q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        double x = h[p][k], y = h[q][k];
        h[p][k] = c * x - s * y;
        h[q][k] = s * x + c * y;
        x = vector[k][p], y = vector[k][q];
        vector[k][p] = c * x - s * y;
        vector[k][q] = s * x + c * y;
    }
    return off;
}

void joint_eigen(size_t n, joint_matrix h, double *value, joint_matrix vector)
{
    double scale = 0;
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            vector[a][b] = a == b;
            scale = fmax(scale, fabs(h[a][b]));
        }
    for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
        double off = 0;
        for (size_t q = 1; q < n; q++)
            for (size_t p = 0; p < q; p++) off = fmax(off, rotate(n, h, vector, p, q));
        if (!(off > 1e-16 * scale)) break;
    }
    for (size_t a = 0; a < n; a++) value[a] = h[a][a];
}

void joint_active(size_t n, const double *z, const double *g, bool *active)
{
    for (size_t a = 0; a < n; a++) active[a] = (z[a] <= -side && g[a] >= 0) || (z[a] >= side && g[a] <= 0);
}

static double largest_curvature(const descent *d)
{
    double most = 0;
    for (size_t a = 0; a < d->n; a++) most = fmax(most, fabs(d->h[a][a]));
    return most;
}

/* Cholesky's factor of what is not fixed; false unless that is positive definite beyond rounding. */
static bool factorise(descent *d)
{
    double least = flat * largest_curvature(d);
    for (size_t r = 0; r < d->n; r++) {
        for (size_t c = 0; c <= r; c++) {
            double x = d->fixed[r] || d->fixed[c] ? r == c : d->h[r][c];
            for (size_t k = 0; k < c; k++) x -= d->l[r][k] * d->l[c][k];
            if (c == r && !(x > least) && !d->fixed[r]) return false;
            d->l[r][c] = c == r ? sqrt(x) : x / d->l[c][c];
        }
    }
    return true;
}

static void solve_factor(const descent *d, double *x)
{
    for (size_t r = 0; r < d->n; r++) {
        for (size_t k = 0; k < r; k++) x[r] -= d->l[r][k] * x[k];
        x[r] /= d->l[r][r];
    }
    for (size_t r = d->n; r-- > 0;) {
        for (size_t k = r + 1; k < d->n; k++) x[r] -= d->l[k][r] * x[k];
        x[r] /= d->l[r][r];
    }
}

/* What is not fixed, where the gradient of the quadratic vanishes; step[] of what is fixed is given. */
static void solve(descent *d)
{
    double x[JOINT_MAX_FREE];
    for (size_t a = 0; a < d->n; a++) {
        x[a] = d->fixed[a] ? 0 : -d->g[a];
        for (size_t b = 0; !d->fixed[a] && b < d->n; b++)
            if (d->fixed[b]) x[a] -= d->h[a][b] * d->step[b];
    }
    solve_factor(d, x);
    for (size_t a = 0; a < d->n; a++)
        if (!d->fixed[a]) d->step[a] = x[a];
}

/* Newton's step where the curvature is up; where it is down, its mirror image, and away from the saddle. Returns
 * whether it is down nowhere. */
static bool solve_bent(descent *d)
{
    bool down = false;
    joint_matrix h, vector;
    double value[JOINT_MAX_FREE], most = 0;
    for (size_t a = 0; a < d->n; a++)
        for (size_t b = 0; b < d->n; b++) h[a][b] = d->fixed[a] || d->fixed[b] ? 0 : d->h[a][b];
    joint_eigen(d->n, h, value, vector);
    for (size_t k = 0; k < d->n; k++) most = fmax(most, fabs(value[k]));
    for (size_t a = 0; a < d->n; a++)
        if (!d->fixed[a]) d->step[a] = 0;
    for (size_t k = 0; k < d->n; k++) {
        double along = 0;
        for (size_t a = 0; a < d->n; a++) along += d->fixed[a] ? 0 : vector[a][k] * d->g[a];
        double length = -along / fmax(fabs(value[k]), fmax(flat * most, 1e-300));
        bool saddle = value[k] < -bent - 1e-14 * most;
        if (saddle && fabs(length) < escape) length = along > 0 ? -escape : escape;
        down |= saddle;
        for (size_t a = 0; a < d->n; a++)
            if (!d->fixed[a]) d->step[a] += length * vector[a][k];
    }
    return !down;
}

static void find_step(descent *d)
{
    d->convex = d->factored = factorise(d);
    if (d->convex)
        solve(d);
    else
        d->convex = solve_bent(d);
}

/* What the quadratic falls by along the step. */
static double promised(const descent *d)
{
    double sum = 0;
    for (size_t a = 0; a < d->n; a++) {
        double slope = d->g[a];
        for (size_t b = 0; b < d->n; b++) slope += 0.5 * d->h[a][b] * d->step[b];
        sum -= slope * d->step[a];
    }
    return sum;
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static double clipped(double z)
{
    return z < -side ? -side : z > side ? side : z;
}

/* Tries z + t step; keeps it if the model falls by at least `wanted`. */
static bool try_step(descent *d, double t, double wanted)
{
    double z[JOINT_MAX_FREE];
    for (size_t a = 0; a < d->n; a++) z[a] = clipped(d->z[a] + t * d->step[a]);
    double value = joint_model_value(d->p, d->work, d->place, d->model, d->z0, z);
    if (!(value < d->value - wanted)) return false;
    memcpy(d->z, z, sizeof z);
    d->value = value;
    return true;
}

static void damp(descent *d, double by)
{
    for (size_t a = 0; a < d->n; a++) d->h[a][a] += by;
}

/* The lowest place on the way to the minimum of the model with damping |z - here|^2/2 on top, by Newton steps that need
 * not go down one by one: the first leaves the bottom of a valley that bends, the others lead back to it. Kept if the
 * model is lower there by at least `wanted`; h, g and the factor are used up. */
static bool turn_with_valley(descent *d, double damping, double wanted)
{
    double z[JOINT_MAX_FREE], x[JOINT_MAX_FREE], lowest[JOINT_MAX_FREE], best = INFINITY, there = INFINITY;
    memcpy(x, d->step, sizeof x);
    memcpy(z, d->z, sizeof z);
    for (int turn = 0; turn < MOST_TURNS; turn++) {
        double away = 0, left = 0;
        for (size_t a = 0; a < d->n; a++) {
            z[a] = clipped(z[a] + x[a]);
            away += (z[a] - d->z[a]) * (z[a] - d->z[a]);
        }
        double value = joint_model_value(d->p, d->work, d->place, d->model, d->z0, z);
        double damped = value + 0.5 * damping * away;
        if (!(damped < best)) break;
        best = damped;
        there = value;
        memcpy(lowest, z, sizeof z);
        joint_model_derivatives(d->p, d->work, d->place, d->model, z, d->g, d->h);
        damp(d, damping);
        if (!factorise(d)) break;
        for (size_t a = 0; a < d->n; a++) x[a] = d->fixed[a] ? 0 : -d->g[a] - damping * (z[a] - d->z[a]);
        for (size_t a = 0; a < d->n; a++) d->g[a] = x[a];
        solve_factor(d, x);
        for (size_t a = 0; a < d->n; a++) left += 0.5 * d->g[a] * x[a];
        if (left < 0.1 * (d->value - damped)) break;
    }
    if (!(there < d->value - wanted)) return false;
    memcpy(d->z, lowest, sizeof lowest);
    d->value = there;
    return true;
}

/* Along a valley that bends: damped steps (K. Levenberg, Quart. Appl. Math. 2 (1944) 164), as long as the valley can be
 * followed. */
static bool follow_valley(descent *d, const bool *active)
{
    double length = 0, g[JOINT_MAX_FREE];
    joint_matrix h;
    for (size_t a = 0; a < d->n; a++) length += d->step[a] * d->step[a];
    double least = 2 * d->promise / length, damping = fmax(d->damping, least);
    memcpy(g, d->g, sizeof g);
    memcpy(h, d->h, sizeof h);
    for (int round = 0; round < MOST_DAMPINGS; round++, damping *= 8) {
        memcpy(d->g, g, sizeof g);
        memcpy(d->h, h, sizeof h);
        memcpy(d->fixed, active, sizeof d->fixed);
        memset(d->step, 0, sizeof d->step);
        damp(d, damping);
        bool positive = factorise(d);
        damp(d, -damping);
        if (!positive) continue;
        solve(d);
        if (!turn_with_valley(d, damping, 0.2 * promised(d))) continue;
        d->damping = damping / 16;
        return true;
    }
    memcpy(d->g, g, sizeof g);
    memcpy(d->h, h, sizeof h);
    return false;
}

/* Fixes what leaves the box on its side, and lets the others follow, until nothing leaves any more. Returns whether
 * anything did. */
static bool end_on_sides(descent *d)
{
    bool any = false;
    for (size_t round = 0; round <= d->n; round++) {
        bool leaves = false;
        for (size_t a = 0; a < d->n; a++) {
            double to = d->z[a] + d->step[a];
            if (d->fixed[a] || clipped(to) == to) continue;
            d->step[a] = clipped(to) - d->z[a];
            d->fixed[a] = leaves = any = true;
        }
        if (!leaves) break;
        find_step(d);
    }
    for (size_t a = 0; a < d->n; a++) d->step[a] = clipped(d->z[a] + d->step[a]) - d->z[a];
    return any;
}

/* The step with what is on a side and would leave held there: it is downhill, and some of it lies in the box. Returns
 * how much, at most 1. */
static double hold_sides(descent *d, const bool *active)
{
    double most = 1;
    memcpy(d->fixed, active, sizeof d->fixed);
    for (size_t round = 0; round <= d->n; round++) {
        bool held = false;
        for (size_t a = 0; a < d->n; a++)
            if (d->fixed[a]) d->step[a] = 0;
        find_step(d);
        for (size_t a = 0; a < d->n; a++) {
            bool out = (d->z[a] <= -side && d->step[a] < 0) || (d->z[a] >= side && d->step[a] > 0);
            if (d->fixed[a] || !out) continue;
            d->fixed[a] = held = true;
        }
        if (!held) break;
    }
    for (size_t a = 0; a < d->n; a++) {
        double room = d->step[a] > 0 ? side - d->z[a] : -side - d->z[a];
        if (!d->fixed[a] && fabs(d->step[a]) * most > fabs(room)) most = room / d->step[a];
    }
    return most;
}

static bool cut_steps(descent *d, double t)
{
    double slope = 0;
    for (size_t a = 0; a < d->n; a++) slope -= d->g[a] * d->step[a];
    for (int cut = 0; cut < MOST_CUTS; cut++, t *= 0.4)
        if (try_step(d, t, enough * t * fmax(slope, 0))) return true;
    return false;
}

/* One step; false once there is none. */
static bool take_step(descent *d, double tolerance)
{
    bool active[JOINT_MAX_FREE];
    joint_model_derivatives(d->p, d->work, d->place, d->model, d->z, d->g, d->h);
    joint_active(d->n, d->z, d->g, active);
    memcpy(d->fixed, active, sizeof active);
    memset(d->step, 0, sizeof d->step);
    find_step(d);
    bool whole = d->factored;
    d->promise = promised(d);
    if (d->convex && !(d->promise > tolerance)) return false;
    bool out = end_on_sides(d);
    double gain = promised(d);
    if (gain > 0 && try_step(d, 1, 0.25 * gain)) return true;
    if (whole && follow_valley(d, active)) return true;
    if (gain > 0 && try_step(d, 1, enough * gain)) return true;
    double most = out ? hold_sides(d, active) : 1;
    if (!out && !d->convex) /* a saddle may be left to either side */
        for (int turn = 0; turn < 2; turn++) {
            if (cut_steps(d, most)) return true;
            for (size_t a = 0; a < d->n; a++) d->step[a] = -d->step[a];
        }
    return cut_steps(d, most);
}

double joint_descend(const joint_problem *p, joint_work *work, const joint_place *place, const joint_model *model,
                     double tolerance, double share, double *z)
{
    descent d = {.p = p, .work = work, .place = place, .model = model, .n = p->n};
    memcpy(d.z0, z, p->n * sizeof *z);
    memcpy(d.z, z, p->n * sizeof *z);
    for (int step = 0; step < MOST_STEPS; step++)
        if (!take_step(&d, fmax(tolerance, -share * d.value))) break;
    memcpy(z, d.z, p->n * sizeof *z);
    return -d.value;
}
