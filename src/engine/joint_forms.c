/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms of a joint chi2 and their derivatives: F_base(theta) flux(theta) G(x). */
#include <math.h>
#include <string.h>

#include "joint_parts.h"

/* --- what the interaction's forms are multiplied with ------------------------------------------------------------- */

/* Chebyshev polynomials of each axis, their first and second derivatives. */
typedef struct polynomials {
    double of[JOINT_MAX_AXES][3][NODE_AXIS_MOST];
} polynomials;

static void fill_polynomials(const joint_products *p, const double *theta, polynomials *out)
{
    for (size_t a = 0; a < p->n_axis; a++)
        node_axis_chebyshev(p->of[a]->low, p->of[a]->high, theta[p->of[a]->theta], p->n_order[a], out->of[a][0],
                            out->of[a][1], out->of[a][2]);
}

static size_t axis_of(const joint_products *p, size_t index)
{
    size_t a = 0;
    while (a < p->n_axis && p->of[a]->theta != index) a++;
    return a;
}

static bool is_flux(const joint_chi2 *joint, size_t index)
{
    bool any = false;
    for (size_t b = 0; b < joint->n_flux; b++) any |= joint->flux[b].parameter == index;
    return any;
}

/* Its n-th derivative with respect to its own parameter. */
static double flux_at(const joint_flux *flux, const double *theta, size_t n)
{
    if (flux->parameter == SIZE_MAX || isnan(theta[flux->parameter])) return n == 0;
    return n == 0 ? theta[flux->parameter] / flux->normalisation : n == 1 ? 1 / flux->normalisation : 0;
}

static void fill_products(const joint_products *p, const polynomials *table, const size_t *times, double *out)
{
    for (size_t t = 0; t < p->n; t++) {
        out[t] = 1;
        for (size_t a = 0; a < p->n_axis; a++) out[t] *= table->of[a][times[a]][p->order[t][a]];
    }
}

/* flux G of all forms, differentiated with respect to by[n_by] of theta, n_by <= 2. */
static void fill_factors(const joint_chi2 *joint, const double *theta, const polynomials *table, size_t n_by,
                         const size_t *by, double *out)
{
    const joint_products *p = &joint->products;
    double product[JOINT_MAX_PRODUCTS];
    size_t times[JOINT_MAX_AXES] = {0}, of_axes = 0;
    for (size_t k = 0; k < n_by; k++) {
        size_t a = axis_of(p, by[k]);
        if (a == p->n_axis) continue;
        times[a]++;
        of_axes++;
    }
    fill_products(p, table, times, product);
    for (size_t i = 0; i < joint->n_form; i++) {
        const joint_flux *flux = &joint->flux[joint->form[i].flux];
        size_t of_flux = 0;
        for (size_t k = 0; k < n_by; k++) of_flux += by[k] == flux->parameter;
        out[i] = 0;
        if (of_axes + of_flux < n_by) continue;
        for (size_t t = 0; t < p->n; t++) out[i] += joint->form[i].mix[t] * product[t];
        out[i] *= flux_at(flux, theta, of_flux);
    }
}

void joint_forms(const joint_chi2 *joint, const double *theta, double *form)
{
    double base[CEV_MAX_FORMS];
    polynomials table;
    fill_polynomials(&joint->products, theta, &table);
    joint->interaction->forms->value(theta, base);
    fill_factors(joint, theta, &table, 0, NULL, form);
    for (size_t i = 0; i < joint->n_form; i++) form[i] *= base[joint->form[i].base];
}

/* --- derivatives -------------------------------------------------------------------------------------------------- */

enum { AT_A_TIME = 8 };

/* The interaction's forms and what they are multiplied with, with their first derivatives. */
typedef struct both {
    double base[CEV_MAX_FORMS], base_first[CEV_MAX_THETA][CEV_MAX_FORMS];
    double factor[JOINT_MAX_FORMS];
    bool moves[CEV_MAX_THETA]; /* whether a parameter moves a factor, and if so */
    double factor_first[CEV_MAX_THETA][JOINT_MAX_FORMS];
} both;

/* Derivatives of the interaction's forms by some of the free parameters, those that are its own among a group of them
 * and another: into base_first, and, times the factors, into second[n_free][n_free][n_form]. */
static void base_derivatives(const joint_chi2 *joint, const double *theta, size_t n_free, const size_t *free,
                             size_t begin, size_t other, both *b, double *second)
{
    double of_some[2 * AT_A_TIME * CEV_MAX_FORMS], of_pairs[4 * AT_A_TIME * AT_A_TIME * CEV_MAX_FORMS];
    size_t n = 0, place[2 * AT_A_TIME], parameter[2 * AT_A_TIME], n_base = joint->n_base;
    for (size_t half = 0; half < (begin == other ? 1 : 2); half++)
        for (size_t p = half ? other : begin; p < n_free && p < (half ? other : begin) + AT_A_TIME; p++) {
            if (free[p] >= joint->interaction->card.n_parameter) continue;
            place[n] = p;
            parameter[n++] = free[p];
        }
    joint->interaction->forms->derivatives(theta, n, parameter, of_some, of_pairs);
    for (size_t k = 0; k < n; k++) {
        memcpy(b->base_first[place[k]], of_some + k * n_base, n_base * sizeof *of_some);
        for (size_t m = 0; m < n; m++) {
            double *to = second + (place[k] * n_free + place[m]) * joint->n_form;
            const double *from = of_pairs + (k * n + m) * n_base;
            for (size_t i = 0; i < joint->n_form; i++) to[i] = from[joint->form[i].base] * b->factor[i];
        }
    }
}

static void fill_base(const joint_chi2 *joint, const double *theta, size_t n_free, const size_t *free, both *b,
                      double *second)
{
    joint->interaction->forms->value(theta, b->base);
    memset(b->base_first, 0, n_free * sizeof *b->base_first);
    memset(second, 0, n_free * n_free * joint->n_form * sizeof *second);
    for (size_t begin = 0; begin < n_free; begin += AT_A_TIME)
        for (size_t other = begin; other < n_free; other += AT_A_TIME)
            base_derivatives(joint, theta, n_free, free, begin, other, b, second);
}

/* What the factors' derivatives add to the second ones of free parameters p and q. */
static void add_of_factors(const joint_chi2 *joint, const double *theta, const polynomials *table, const size_t *free,
                           size_t p, size_t q, const both *b, double *second)
{
    double curve[JOINT_MAX_FORMS];
    bool both_move = b->moves[p] && b->moves[q];
    if (both_move) fill_factors(joint, theta, table, 2, (const size_t[]){free[p], free[q]}, curve);
    for (size_t i = 0; i < joint->n_form; i++) {
        size_t f = joint->form[i].base;
        if (b->moves[p]) second[i] += b->base_first[q][f] * b->factor_first[p][i];
        if (b->moves[q]) second[i] += b->base_first[p][f] * b->factor_first[q][i];
        if (both_move) second[i] += b->base[f] * curve[i];
    }
}

void joint_form_derivatives(const joint_chi2 *joint, const double *theta, size_t n_free, const size_t *free,
                            double *first, double *second)
{
    both b;
    polynomials table;
    fill_polynomials(&joint->products, theta, &table);
    fill_factors(joint, theta, &table, 0, NULL, b.factor);
    fill_base(joint, theta, n_free, free, &b, second);
    for (size_t p = 0; p < n_free; p++) {
        b.moves[p] = axis_of(&joint->products, free[p]) < joint->products.n_axis || is_flux(joint, free[p]);
        if (b.moves[p]) fill_factors(joint, theta, &table, 1, &free[p], b.factor_first[p]);
        for (size_t i = 0; i < joint->n_form; i++) {
            size_t f = joint->form[i].base;
            first[p * joint->n_form + i] = b.base_first[p][f] * b.factor[i];
            if (b.moves[p]) first[p * joint->n_form + i] += b.base[f] * b.factor_first[p][i];
        }
    }
    for (size_t p = 0; p < n_free; p++)
        for (size_t q = 0; q < n_free; q++)
            if (b.moves[p] || b.moves[q])
                add_of_factors(joint, theta, &table, free, p, q, &b, second + (p * n_free + q) * joint->n_form);
}
