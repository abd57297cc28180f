/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Couplings that make given matrices S_a, in closed form. A flavour with a vector (v, w) of its own, both components
 * free, and one more component t, whose partner p is known, has to make
 *     X = (p, t)(p, t)^T + (v, w)(v, w)^T,
 * X being S less what all other vectors give. The first element gives v^2 = A = X_11 - p^2; det(X - (p, t)(p, t)^T) = 0
 * gives
 *     X_11 t^2 - 2 p X_12 t + X_12^2 - A X_22 = 0,  t = (p X_12 +- sqrt(A det X))/X_11,
 * which is real wherever X is positive and X_11 >= p^2, the relaxed set; and w = (X_12 - p t)/v. The vector's sign is
 * free. */
#include <math.h>
#include <string.h>

#include "joint_bound.h"

/* The parameters of one flavour that solve it: t, of component `component`; the vector, in the order t's partner's
 * component, t's. */
typedef struct rich_flavour {
    size_t t, component, vector[2];
    double p;
} rich_flavour;

static size_t diagonal(size_t flavour, size_t component)
{
    return 3 * flavour + 2 * component;
}

static double first_of(const bound_problem *p, size_t n_form, size_t i, size_t f)
{
    return p->first[i * n_form + f];
}

static double second_of(const bound_problem *p, size_t n_form, size_t i, size_t j, size_t f)
{
    return p->second[(i * p->n + j) * n_form + f];
}

/* Which component of a flavour's vectors a parameter is, 0 or 1; 2: none. */
static size_t component_of(const bound_problem *p, size_t n_form, size_t flavour, size_t i)
{
    for (size_t c = 0; c < 2; c++)
        if (second_of(p, n_form, i, i, diagonal(flavour, c)) != 0) return c;
    return 2;
}

/* Whether it moves forms that count in no other flavour. */
static bool is_own(const bound_problem *p, size_t n_form, const bool *counts, size_t flavour, size_t i)
{
    for (size_t f = 0; f < n_form; f++)
        if (f / 3 != flavour && counts[f] && (first_of(p, n_form, i, f) != 0 || second_of(p, n_form, i, i, f) != 0))
            return false;
    return component_of(p, n_form, flavour, i) < 2;
}

static size_t partner_of(const bound_problem *p, size_t n_form, size_t flavour, size_t i)
{
    for (size_t j = 0; j < p->n; j++)
        if (j != i && second_of(p, n_form, i, j, 3 * flavour + 1) != 0) return j;
    return i;
}

/* x at which the parameter's component of y is zero. */
static double zero_of(const bound_problem *p, size_t n_form, size_t flavour, size_t i)
{
    size_t f = diagonal(flavour, component_of(p, n_form, flavour, i));
    return p->at[i] - first_of(p, n_form, i, f) / second_of(p, n_form, i, i, f);
}

/* A vector first, then one more component: one whose partner is fixed, or that of another vector. */
static bool find_rich(const bound_problem *p, size_t n_form, const bool *counts, size_t flavour, const double *x,
                      rich_flavour *out)
{
    size_t vector = p->n, single = p->n;
    for (size_t i = 0; i < p->n; i++) {
        if (!is_own(p, n_form, counts, flavour, i)) continue;
        size_t partner = partner_of(p, n_form, flavour, i);
        if (partner == i)
            single = i;
        else if (vector == p->n)
            vector = i;
        else if (single == p->n && i != partner_of(p, n_form, flavour, vector))
            single = i;
    }
    if (vector == p->n || single == p->n) return false;
    out->t = single;
    out->component = component_of(p, n_form, flavour, single);
    size_t other = partner_of(p, n_form, flavour, vector), partner = partner_of(p, n_form, flavour, single);
    bool swap = component_of(p, n_form, flavour, vector) == out->component;
    out->vector[swap] = vector;
    out->vector[!swap] = other;
    /* y_u y_d has the slope y_u in y_d. */
    out->p = partner == single ? first_of(p, n_form, single, 3 * flavour + 1)
                               : x[partner] - zero_of(p, n_form, flavour, partner);
    return true;
}

static void forms_at(const bound_problem *p, size_t n_form, const double *x, double *form)
{
    memcpy(form, p->form, n_form * sizeof *form);
    for (size_t i = 0; i < p->n; i++)
        for (size_t f = 0; f < n_form; f++) {
            double slope = first_of(p, n_form, i, f);
            for (size_t j = 0; j < p->n; j++) slope += 0.5 * second_of(p, n_form, i, j, f) * (x[j] - p->at[j]);
            form[f] += slope * (x[i] - p->at[i]);
        }
}

static bool within(const bound_problem *p, size_t i, double x)
{
    double slip = 1e-9 * (p->high[i] - p->low[i]);
    return x >= p->low[i] - slip && x <= p->high[i] + slip;
}

/* One of four solutions: signs of the root and of the vector. */
static bool solve(const bound_problem *p, size_t n_form, size_t flavour, const rich_flavour *rich, const double *rest,
                  int solution, double *x)
{
    double a = fmax(rest[0], 0), x11 = a + rich->p * rich->p, det = fmax(x11 * rest[2] - rest[1] * rest[1], 0);
    double root = (solution & 1 ? -1 : 1) * sqrt(a * det), sign = solution & 2 ? -1 : 1;
    double t = x11 > 0 ? (rich->p * rest[1] + root) / x11 : 0, v = sqrt(a);
    double w = v > 0 ? (rest[1] - rich->p * t) / v : sqrt(fmax(rest[2] - t * t, 0));
    size_t parameter[3] = {rich->t, rich->vector[0], rich->vector[1]};
    double y[3] = {t, sign * v, sign * w};
    for (int k = 0; k < 3; k++) {
        double to = y[k] + zero_of(p, n_form, flavour, parameter[k]);
        if (!within(p, parameter[k], to)) return false;
        x[parameter[k]] = fmin(fmax(to, p->low[parameter[k]]), p->high[parameter[k]]);
    }
    return true;
}

static bool reach_flavour(const bound_problem *p, size_t n_form, const bool *counts, size_t flavour,
                          const double *place, double *x)
{
    rich_flavour rich;
    double form[JOINT_MAX_FORMS], rest[3];
    if (!find_rich(p, n_form, counts, flavour, x, &rich)) return false;
    x[rich.t] = zero_of(p, n_form, flavour, rich.t);
    for (int k = 0; k < 2; k++) x[rich.vector[k]] = zero_of(p, n_form, flavour, rich.vector[k]);
    forms_at(p, n_form, x, form);
    const size_t f = 3 * flavour, swap = 2 * (1 - rich.component);
    rest[0] = place[f + swap] - form[f + swap];
    rest[1] = place[f + 1] - form[f + 1];
    rest[2] = place[f + 2 - swap] - form[f + 2 - swap];
    if (rest[0] < -1e-10) return false; /* the partner of t alone is more than the place has */
    for (int s = 0; s < 4; s++)
        if (solve(p, n_form, flavour, &rich, rest, s, x)) return true;
    return false;
}

bool joint_reach(const bound_problem *p, size_t n_form, const bool *counts, const double *place, double *x)
{
    double trial[CEV_MAX_PROFILED];
    if (n_form % 3 != 0) return false;
    memcpy(trial, x, p->n * sizeof *trial);
    for (size_t a = 0; a < n_form / 3; a++)
        if ((counts[3 * a] || counts[3 * a + 1] || counts[3 * a + 2]) &&
            !reach_flavour(p, n_form, counts, a, place, trial))
            return false;
    memcpy(x, trial, p->n * sizeof *x);
    return true;
}
