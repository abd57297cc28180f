/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A quadratic function's least value over the hull, by a log-barrier method: Newton's method at each tau, and along the
 * tangent of the central path from one tau to the next, so that one or two steps are enough each time. */
#include <math.h>
#include <string.h>

#include "joint_bound_parts.h"

#define SHRINK 0.002      /* of tau, from one problem to the next */
#define CENTRED 0.7       /* Newton decrement over tau that is near enough to the path */
enum { MOST_STEPS = 25 }; /* at one tau */

typedef struct system {
    double gradient[BOUND_MAX_LIFTED], factor[BOUND_MAX_LIFTED][BOUND_MAX_LIFTED];
} system_of_steps;

static void slope_of(const bound_quadratic *q, const double *z, double *slope)
{
    double step[BOUND_MAX_LIFTED];
    for (size_t i = 0; i < q->n; i++) step[i] = z[i] - q->from[i];
    for (size_t i = 0; i < q->n; i++) {
        slope[i] = q->gradient[i];
        for (size_t j = 0; j < q->n; j++) slope[i] += q->matrix[i][j] * step[j];
    }
}

double bound_quadratic_value(const bound_quadratic *q, const double *z)
{
    double slope[BOUND_MAX_LIFTED], value = 0;
    slope_of(q, z, slope);
    for (size_t i = 0; i < q->n; i++) value += 0.5 * (z[i] - q->from[i]) * (q->gradient[i] + slope[i]);
    return value;
}

/* Cholesky factors of the lower triangle, in place. A pivot that rounding has eaten belongs to a direction that nothing
 * holds: it stays where it is. */
static void factorise(size_t n, double (*a)[BOUND_MAX_LIFTED])
{
    for (size_t j = 0; j < n; j++) {
        double pivot = a[j][j];
        for (size_t k = 0; k < j; k++) pivot -= a[j][k] * a[j][k];
        double inverse = pivot > 1e-15 * a[j][j] ? 1 / sqrt(pivot) : 0;
        a[j][j] = inverse;
        for (size_t i = j + 1; i < n; i++) {
            double x = a[i][j];
            for (size_t k = 0; k < j; k++) x -= a[i][k] * a[j][k];
            a[i][j] = x * inverse;
        }
    }
}

static void solve(size_t n, double (*a)[BOUND_MAX_LIFTED], double *x)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) x[i] -= a[i][k] * x[k];
        x[i] *= a[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) x[i] -= a[k][i] * x[k];
        x[i] *= a[i][i];
    }
}

static void set_up(const bound_quadratic *q, const bound_hull *hull, double tau, const double *z, system_of_steps *s)
{
    slope_of(q, z, s->gradient);
    for (size_t i = 0; i < q->n; i++) memcpy(s->factor[i], q->matrix[i], q->n * sizeof(double));
    bound_hull_barrier_slopes(hull, z, tau, s->gradient, s->factor);
    factorise(q->n, s->factor);
}

/* z + cut * step, inside; cut starts at 1. 0 if nothing is. */
static double inside(const bound_hull *hull, const double *z, const double *step, double *to, double *barrier)
{
    for (double cut = 1; cut > 1e-12; cut *= 0.6) {
        for (size_t i = 0; i < hull->n; i++) to[i] = z[i] + cut * step[i];
        *barrier = bound_hull_barrier(hull, to);
        if (*barrier < INFINITY) return cut;
    }
    return 0;
}

/* One Newton step at tau; false where it is not worth more, the path being near, or fails. */
static bool newton(const bound_quadratic *q, const bound_hull *hull, double tau, system_of_steps *s, double *z)
{
    double step[BOUND_MAX_LIFTED], to[BOUND_MAX_LIFTED], decrement = 0, barrier;
    set_up(q, hull, tau, z, s);
    for (size_t i = 0; i < q->n; i++) step[i] = -s->gradient[i];
    solve(q->n, s->factor, step);
    for (size_t i = 0; i < q->n; i++) decrement -= step[i] * s->gradient[i];
    if (!(decrement >= 0)) return false;
    double length = sqrt(decrement / tau);
    /* Far away: the damped step of self-concordant functions is inside and goes down, whatever the function; a longer
     * one is tried first. */
    double cut = inside(hull, z, step, to, &barrier);
    if (length > 0.5 && cut > 0) {
        double here = bound_quadratic_value(q, z) + tau * bound_hull_barrier(hull, z);
        double there = bound_quadratic_value(q, to) + tau * barrier;
        if (!(there < here - 0.05 * cut * decrement)) {
            cut = 1 / (1 + length);
            for (size_t i = 0; i < q->n; i++) to[i] = z[i] + cut * step[i];
            if (!(bound_hull_barrier(hull, to) < INFINITY)) return false;
        }
    }
    if (cut == 0) return false;
    memcpy(z, to, q->n * sizeof *z);
    return decrement > CENTRED * tau;
}

/* From the path's point at tau towards the one at tau_next: dz/dtau = -K^-1 d barrier/dz. */
static void predict(const bound_quadratic *q, const bound_hull *hull, double tau, double tau_next, system_of_steps *s,
                    double *z)
{
    double step[BOUND_MAX_LIFTED] = {0}, to[BOUND_MAX_LIFTED], barrier;
    set_up(q, hull, tau, z, s);
    slope_of(q, z, step);
    /* On the path, slope = -tau d barrier/dz. */
    for (size_t i = 0; i < q->n; i++) step[i] = (s->gradient[i] - step[i]) / tau * (tau - tau_next);
    solve(q->n, s->factor, step);
    if (inside(hull, z, step, to, &barrier) > 0) memcpy(z, to, q->n * sizeof *z);
}

size_t bound_quadratic_solve(const bound_quadratic *q, const bound_hull *hull, double tau, double tau_end, double *z)
{
    system_of_steps s;
    size_t n_step = 0;
    for (;;) {
        for (int k = 0; k < MOST_STEPS; k++) {
            n_step++;
            if (!newton(q, hull, tau, &s, z)) break;
        }
        if (tau <= tau_end) return n_step;
        double next = fmax(SHRINK * tau, tau_end);
        predict(q, hull, tau, next, &s, z);
        n_step++;
        tau = next;
    }
}
