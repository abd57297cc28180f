/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The convex hull of what parameters within bounds can make of forms of second degree.
 *
 * Forms are sums over blocks: one parameter x, or two (u, d) that are multiplied with each other, the vector y_ab. Each
 * block gives F = linear in (x, x^2), or in (u, d, u^2, ud, d^2), whether it counts in one flavour or, like e-mu, in
 * two. The hull of a sum of sets is the sum of their hulls; so the hull of all forms that can be reached is known once
 * the hulls of these curves and surfaces are. With bounds scaled to -1 ... 1 they are
 *     one parameter:  (s, W) with  s^2 <= W <= 1,
 *     two:            (s, t, U, V, D) with the matrix (1 s t; s U V; t V D) not negative, U <= 1, D <= 1, and products
 *                     (1 - s)(1 - t), (1 + s)(1 + t), (1 + s)(1 - t), (1 - s)(1 + t) not negative, V in place of s t.
 * That each point (s, t, s^2, st, t^2) of the square satisfies this is seen at once, so convex combinations do, too;
 * that nothing else does is the theorem of Anstreicher and Burer, Math. Program. 124 (2010) 33. The proof of a bound
 * needs neither: it takes the least value of a linear function over the blocks themselves (bound_hull_gap()).
 *
 * A parameter's Gaussian constraint ((x - c)/sigma)^2 is linear in (s, W). Chords of a parabola, W <= 1 here, are what
 * branches gain by: half the box has a chord at a quarter of the height. */
#include <math.h>
#include <string.h>

#include "joint_bound_parts.h"

static bool multiplied(const bound_problem *p, size_t n_form, size_t i, size_t j)
{
    const double *second = p->second + (i * p->n + j) * n_form;
    for (size_t f = 0; f < n_form; f++)
        if (second[f] != 0) return true;
    return false;
}

bool bound_hull_blocks(const bound_problem *p, size_t n_form, bound_hull *hull)
{
    hull->n_form = n_form;
    hull->n_block = hull->n = 0;
    for (size_t i = 0; i < p->n; i++) {
        size_t n_other = 0, other = i;
        for (size_t j = 0; j < p->n; j++)
            if (j != i && multiplied(p, n_form, i, j)) other = j, n_other++;
        if (n_other > 1) return false;
        if (other < i) continue;
        hull->block[hull->n_block++] = (bound_block){.n = 1 + n_other, .parameter = {i, other}, .first = hull->n};
        hull->n += n_other ? 5 : 2;
    }
    hull->parameter = 0;
    for (size_t b = 0; b < hull->n_block; b++) hull->parameter += hull->block[b].n == 1 ? 2 : 9;
    return true;
}

static void add(size_t n, double times, const double *x, double *to)
{
    for (size_t f = 0; f < n; f++) to[f] += times * x[f];
}

/* Row of one parameter: dF/ds at the middle of the box. */
static void linear_row(const bound_problem *p, const bound_hull *h, size_t i, double *row)
{
    size_t n = h->n_form;
    memset(row, 0, n * sizeof *row);
    add(n, h->half[i], p->first + i * n, row);
    for (size_t j = 0; j < p->n; j++)
        add(n, h->half[i] * (h->middle[j] - p->at[j]), p->second + (i * p->n + j) * n, row);
}

static void product_row(const bound_problem *p, const bound_hull *h, size_t i, size_t j, double *row)
{
    size_t n = h->n_form;
    memset(row, 0, n * sizeof *row);
    add(n, (i == j ? 0.5 : 1) * h->half[i] * h->half[j], p->second + (i * p->n + j) * n, row);
}

/* ((x - c)/sigma)^2 in s and W. */
static void constraint(const bound_problem *p, bound_hull *h, size_t i, double *linear, double *square)
{
    *linear = *square = 0;
    if (!p->sigma || !isfinite(p->sigma[i])) return;
    double from = (h->middle[i] - p->centre[i]) / p->sigma[i], half = h->half[i] / p->sigma[i];
    h->cost_origin += from * from;
    *linear = 2 * from * half;
    *square = half * half;
}

void bound_hull_box(const bound_problem *p, const double *low, const double *high, bound_hull *h)
{
    size_t n = h->n_form;
    for (size_t i = 0; i < p->n; i++) {
        h->middle[i] = 0.5 * (low[i] + high[i]);
        h->half[i] = 0.5 * (high[i] - low[i]);
    }
    memcpy(h->origin, p->form, n * sizeof *h->origin);
    for (size_t i = 0; i < p->n; i++) {
        add(n, h->middle[i] - p->at[i], p->first + i * n, h->origin);
        for (size_t j = 0; j < p->n; j++)
            add(n, 0.5 * (h->middle[i] - p->at[i]) * (h->middle[j] - p->at[j]), p->second + (i * p->n + j) * n,
                h->origin);
    }
    h->cost_origin = 0;
    for (size_t b = 0; b < h->n_block; b++) {
        const bound_block *k = &h->block[b];
        size_t i = k->parameter[0], j = k->parameter[1];
        double *row = h->map + k->first * n, *cost = h->cost + k->first;
        linear_row(p, h, i, row);
        if (k->n == 1) {
            product_row(p, h, i, i, row + n);
            constraint(p, h, i, &cost[0], &cost[1]);
            continue;
        }
        linear_row(p, h, j, row + n);
        product_row(p, h, i, i, row + 2 * n);
        product_row(p, h, i, j, row + 3 * n);
        product_row(p, h, j, j, row + 4 * n);
        constraint(p, h, i, &cost[0], &cost[2]);
        constraint(p, h, j, &cost[1], &cost[4]);
        cost[3] = 0;
    }
}

void bound_hull_centre(const bound_hull *h, double *z)
{
    for (size_t b = 0; b < h->n_block; b++) {
        double *of = z + h->block[b].first;
        if (h->block[b].n == 1)
            of[0] = 0, of[1] = 0.5;
        else
            of[0] = of[1] = of[3] = 0, of[2] = of[4] = 0.5;
    }
}

void bound_hull_forms(const bound_hull *h, const double *z, double *form)
{
    memcpy(form, h->origin, h->n_form * sizeof *form);
    for (size_t k = 0; k < h->n; k++) add(h->n_form, z[k], h->map + k * h->n_form, form);
}

double bound_hull_cost(const bound_hull *h, const double *z)
{
    double cost = h->cost_origin;
    for (size_t k = 0; k < h->n; k++) cost += h->cost[k] * z[k];
    return cost;
}

/* --- the barrier ------------------------------------------------------------------------------------------------ */

/* Distances from the six plane faces of a pair. */
enum { N_FACE = 6 };
static const double face[N_FACE][6] = {
    /* 1  s   t   U   V   D */
    {1, 0, 0, -1, 0, 0}, {1, 0, 0, 0, 0, -1},  {1, -1, -1, 0, 1, 0},
    {1, 1, 1, 0, 1, 0},  {1, 1, -1, 0, -1, 0}, {1, -1, 1, 0, -1, 0},
};

static double face_distance(const double *of, const double *z)
{
    return of[0] + of[1] * z[0] + of[2] * z[1] + of[3] * z[2] + of[4] * z[3] + of[5] * z[4];
}

/* Of the block's surface: what the matrix has beyond the products; positive inside. */
static double curved_distance(const double *z, double *u, double *v, double *d)
{
    *u = z[2] - z[0] * z[0];
    *v = z[3] - z[0] * z[1];
    *d = z[4] - z[1] * z[1];
    return *u > 0 && *d > 0 ? *u * *d - *v * *v : -1;
}

static double barrier_of_one(const double *z)
{
    double low = z[1] - z[0] * z[0], high = 1 - z[1];
    return low > 0 && high > 0 ? -log(low * high) : INFINITY;
}

static double barrier_of_two(const double *z)
{
    double u, v, d, product = curved_distance(z, &u, &v, &d);
    if (!(product > 0)) return INFINITY;
    for (int f = 0; f < N_FACE; f++) {
        double distance = face_distance(face[f], z);
        if (!(distance > 0)) return INFINITY;
        product *= distance;
    }
    return -log(product);
}

double bound_hull_barrier(const bound_hull *h, const double *z)
{
    double sum = 0;
    for (size_t b = 0; b < h->n_block && sum < INFINITY; b++) {
        const bound_block *k = &h->block[b];
        sum += k->n == 1 ? barrier_of_one(z + k->first) : barrier_of_two(z + k->first);
    }
    return sum;
}

static void slopes_of_one(const double *z, double times, double *g, double (*h)[BOUND_MAX_LIFTED], size_t at)
{
    double low = 1 / (z[1] - z[0] * z[0]), high = 1 / (1 - z[1]), ds = -2 * z[0];
    g[0] -= times * ds * low;
    g[1] += times * (high - low);
    h[0][at] += times * (ds * ds * low * low + 2 * low);
    h[0][at + 1] += times * ds * low * low;
    h[1][at] += times * ds * low * low;
    h[1][at + 1] += times * (low * low + high * high);
}

/* Derivatives of -log det M are elements of the inverse N of M, and products of two of them. */
static void matrix_slopes(const double *z, double times, double *g, double (*h)[BOUND_MAX_LIFTED], size_t at)
{
    static const int row[5] = {0, 0, 1, 1, 2}, column[5] = {1, 2, 1, 2, 2};
    double u, v, d, det = curved_distance(z, &u, &v, &d), s = z[0], t = z[1], n[3][3];
    n[1][1] = d / det;
    n[2][2] = u / det;
    n[1][2] = n[2][1] = -v / det;
    n[0][1] = n[1][0] = -(n[1][1] * s + n[1][2] * t);
    n[0][2] = n[2][0] = -(n[2][1] * s + n[2][2] * t);
    n[0][0] = 1 - n[0][1] * s - n[0][2] * t;
    for (int i = 0; i < 5; i++) {
        int a = row[i], b = column[i];
        double twice = a == b ? 1 : 2;
        g[i] -= times * twice * n[a][b];
        for (int j = 0; j < 5; j++) {
            int c = row[j], e = column[j];
            h[i][at + (size_t)j] += times * 0.5 * twice * (c == e ? 1 : 2) * (n[a][c] * n[b][e] + n[a][e] * n[b][c]);
        }
    }
}

static void slopes_of_two(const double *z, double times, double *g, double (*h)[BOUND_MAX_LIFTED], size_t at)
{
    matrix_slopes(z, times, g, h, at);
    for (int f = 0; f < N_FACE; f++) {
        const double *of = face[f] + 1;
        double inverse = 1 / face_distance(face[f], z);
        for (int i = 0; i < 5; i++) {
            if (of[i] == 0) continue;
            double on_i = times * of[i] * inverse;
            g[i] -= on_i;
            for (int j = 0; j < 5; j++) h[i][at + (size_t)j] += on_i * of[j] * inverse;
        }
    }
}

void bound_hull_barrier_slopes(const bound_hull *hull, const double *z, double times, double *gradient,
                               double (*hessian)[BOUND_MAX_LIFTED])
{
    for (size_t b = 0; b < hull->n_block; b++) {
        const bound_block *k = &hull->block[b];
        if (k->n == 1)
            slopes_of_one(z + k->first, times, gradient + k->first, hessian + k->first, k->first);
        else
            slopes_of_two(z + k->first, times, gradient + k->first, hessian + k->first, k->first);
    }
}

/* --- the least value of a linear function ------------------------------------------------------------------------ */

/* Least a x + b x^2 for x in -1 ... 1. */
static double least_of_one(double a, double b)
{
    if (b > 0 && fabs(a) < 2 * b) return -0.25 * a * a / b;
    return b - fabs(a);
}

static double polynomial(const double *w, double s, double t)
{
    return s * (w[0] + w[2] * s) + t * (w[1] + w[4] * t + w[3] * s);
}

/* Where w's gradient vanishes, inside the square; INFINITY elsewhere. One more Newton step, and the value itself rather
 * than half the linear part: valleys are common, whose floor is known to a few digits only. */
static double stationary(const double *w, double det)
{
    double s = 0, t = 0;
    for (int k = 0; k < 2; k++) {
        double ds = w[0] + 2 * w[2] * s + w[3] * t, dt = w[1] + 2 * w[4] * t + w[3] * s;
        s += (w[3] * dt - 2 * w[4] * ds) / det;
        t += (w[3] * ds - 2 * w[2] * dt) / det;
    }
    return fabs(s) <= 1 && fabs(t) <= 1 ? polynomial(w, s, t) : INFINITY;
}

/* Least w0 s + w1 t + w2 s^2 + w3 s t + w4 t^2 on the square: inside, where it is convex, or on one of the sides. */
static double least_of_two(const double *w)
{
    double least = INFINITY, det = 4 * w[2] * w[4] - w[3] * w[3];
    for (int side = -1; side <= 1; side += 2) {
        least = fmin(least, side * w[0] + w[2] + least_of_one(w[1] + side * w[3], w[4]));
        least = fmin(least, side * w[1] + w[4] + least_of_one(w[0] + side * w[3], w[2]));
    }
    return w[2] > 0 && det > 0 ? fmin(least, stationary(w, det)) : least;
}

double bound_hull_gap(const bound_hull *h, const double *w, const double *z)
{
    double gap = 0;
    for (size_t b = 0; b < h->n_block; b++) {
        const bound_block *k = &h->block[b];
        const double *of = w + k->first;
        gap -= k->n == 1 ? least_of_one(of[0], of[1]) : least_of_two(of);
        for (size_t i = 0; i < (k->n == 1 ? 2 : 5); i++) gap += of[i] * z[k->first + i];
    }
    return gap;
}
