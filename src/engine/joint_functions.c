/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms where templates are interpolated. Counts per unit of F_f are polynomials of the parameters x there, sums of
 * products of Chebyshev polynomials, different ones in each bin. As functions of x, few of them are independent: a
 * propagator that takes 25 nodes is a sum of 8 functions G in all bins of all experiments. These are found by
 * Gram-Schmidt with pivots among the coefficients in products, and make the forms F_f G. */
#include <math.h>
#include <string.h>

#include "joint_parts.h"

#define RIGHT_TO 1e-10 /* of the largest bin of an experiment, what the functions together may miss */
#define NOISE 1e-14    /* of it: coefficients that small are none */

/* --- products ----------------------------------------------------------------------------------------------------- */

static size_t orders_of(const cev_model *model, const model_experiment *part, size_t k)
{
    return cev_model_node_orders(model, part->nodes, k);
}

static cev_status list_axes(joint_chi2 *joint)
{
    joint_products *products = &joint->products;
    const cev_model *any = joint->unit[0].model; /* all models of a roster interpolate in the same parameters */
    products->n_interpolated = any->n_interpolated;
    for (size_t k = 0; k < any->n_interpolated; k++) {
        size_t most = 1;
        for (size_t u = 0; u < joint->n_unit; u++)
            for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++) {
                size_t n = orders_of(joint->unit[u].model, &joint->unit[u].model->experiment[e], k);
                if (n > most) most = n;
            }
        if (most == 1) continue;
        size_t a = products->n_axis++;
        if (a == JOINT_MAX_AXES)
            return cev_fail(CEV_E_INPUT,
                            "more than %d parameters that change the shapes of spectra are varied in one "
                            "fit; profile or scan fewer of them",
                            JOINT_MAX_AXES);
        products->axis[a] = k;
        products->of[a] = &any->interpolated[k];
        products->n_order[a] = most;
    }
    return CEV_OK;
}

static cev_status add_product(joint_products *products, const unsigned char *order)
{
    for (size_t t = 0; t < products->n; t++)
        if (!memcmp(products->order[t], order, sizeof *products->order)) return CEV_OK;
    if (products->n == JOINT_MAX_PRODUCTS)
        return cev_fail(CEV_E_INPUT,
                        "parameters that change the shapes of spectra are interpolated in more than %d "
                        "ways in one fit; vary fewer of them, or give them narrower ranges",
                        JOINT_MAX_PRODUCTS);
    memcpy(products->order[products->n++], order, sizeof *products->order);
    return CEV_OK;
}

/* All combinations of the orders of one experiment, the last axis' fastest. */
static cev_status add_products(joint_products *products, const cev_model *model, const model_experiment *part)
{
    unsigned char order[JOINT_MAX_AXES] = {0};
    for (;;) {
        CEV_TRY(add_product(products, order));
        size_t a = products->n_axis;
        for (; a > 0; a--) {
            if (++order[a - 1] < orders_of(model, part, products->axis[a - 1])) break;
            order[a - 1] = 0;
        }
        if (a == 0) return CEV_OK;
    }
}

cev_status joint_products_list(joint_chi2 *joint)
{
    CEV_TRY(cev_new(joint->arena, JOINT_MAX_PRODUCTS, &joint->products.order));
    CEV_TRY(list_axes(joint));
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++)
            CEV_TRY(add_products(&joint->products, joint->unit[u].model, &joint->unit[u].model->experiment[e]));
    return CEV_OK;
}

/* --- functions ---------------------------------------------------------------------------------------------------- */

/* Coefficients of all bins of one channel, in units of its largest. */
static void add_vectors(const joint_chi2 *joint, const joint_channel *c, size_t base, joint_vectors *v)
{
    size_t n = joint->products.n;
    const double *spectrum = c->spectrum + base * n * c->n_count;
    double largest = 0;
    for (size_t k = 0; k < n * c->n_count; k++) largest = fmax(largest, fabs(spectrum[k]));
    for (size_t i = 0; largest > 0 && i < c->n_count; i++, v->n++)
        for (size_t t = 0; t < n; t++) {
            double x = spectrum[t * c->n_count + i] / largest;
            v->rest[v->n * n + t] = fabs(x) > NOISE ? x : 0;
        }
}

static long double dot(size_t n, const long double *a, const long double *b)
{
    long double sum = 0;
    for (size_t t = 0; t < n; t++) sum += a[t] * b[t];
    return sum;
}

/* The longest of the vectors, v->n if none could matter: no product is above 1. */
static size_t longest(const joint_vectors *v, size_t n)
{
    long double most = 0;
    size_t best = v->n;
    for (size_t k = 0; k < v->n; k++) {
        long double square = dot(n, v->rest + k * n, v->rest + k * n), sum = 0;
        if (square <= most) continue;
        for (size_t t = 0; t < n; t++) sum += fabsl(v->rest[k * n + t]);
        if (sum > RIGHT_TO) most = square, best = k;
    }
    return best;
}

static void take_direction(joint_vectors *v, size_t n, size_t pivot)
{
    long double length = sqrtl(dot(n, v->rest + pivot * n, v->rest + pivot * n));
    for (size_t t = 0; t < n; t++) v->direction[t] = v->rest[pivot * n + t] / length;
    for (size_t k = 0; k < v->n; k++)
        for (int twice = 0; twice < 2; twice++) {
            long double along = dot(n, v->direction, v->rest + k * n);
            for (size_t t = 0; t < n; t++) v->rest[k * n + t] -= along * v->direction[t];
        }
}

static void collect(const joint_chi2 *joint, size_t flux, size_t base, joint_vectors *v)
{
    v->n = 0;
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++)
            if (joint->unit[u].channel[e].flux == flux) add_vectors(joint, &joint->unit[u].channel[e], base, v);
}

/* At most n_mix functions, into mix[n_mix][n_product] where that is not NULL; returns how many there are. */
static size_t find_functions(const joint_chi2 *joint, size_t flux, size_t base, size_t n_mix, double *mix)
{
    joint_vectors v = joint->vectors;
    size_t n = joint->products.n, m = 0;
    collect(joint, flux, base, &v);
    for (size_t pivot; m < n_mix && (pivot = longest(&v, n)) < v.n; m++) {
        take_direction(&v, n, pivot);
        for (size_t t = 0; mix && t < n; t++) mix[m * n + t] = (double)v.direction[t];
    }
    return m;
}

static bool is_plain(const joint_chi2 *joint)
{
    return joint->products.n == 1;
}

static size_t count_functions(const joint_chi2 *joint, size_t flux, size_t base)
{
    bool any = false;
    if (is_plain(joint) && joint->n_flux == 1) return 1; /* the interaction's own forms, as they are */
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++)
            any |= joint->unit[u].channel[e].flux == flux && joint->unit[u].channel[e].has_base[base];
    if (!any || is_plain(joint)) return any;
    return find_functions(joint, flux, base, joint->products.n, NULL);
}

static cev_status too_many(const joint_chi2 *joint, size_t n)
{
    const joint_products *p = &joint->products;
    if (is_plain(joint))
        return cev_fail(CEV_E_INPUT,
                        "%zu forms in one fit; at most %d are possible: fewer sources with fluxes of their "
                        "own",
                        n, JOINT_MAX_FORMS);
    return cev_fail(CEV_E_INPUT,
                    "a fit that varies %s%s%s takes %zu combinations of couplings and shapes of spectra, more than %d; "
                    "give such parameters narrower ranges, or profile fewer of them",
                    p->of[0]->name, p->n_axis > 1 ? " and " : "",
                    p->n_axis > 2   ? "others"
                    : p->n_axis > 1 ? p->of[1]->name
                                    : "",
                    n, JOINT_MAX_FORMS);
}

static cev_status new_vectors(joint_chi2 *joint)
{
    joint_vectors *v = &joint->vectors;
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++) v->most += joint->unit[u].channel[e].n_count;
    if (is_plain(joint)) return CEV_OK;
    CEV_TRY(cev_new(joint->arena, v->most * joint->products.n, &v->rest));
    return cev_new(joint->arena, joint->products.n, &v->direction);
}

static cev_status list_forms(joint_chi2 *joint)
{
    size_t n = 0;
    for (size_t b = 0; b < joint->n_flux; b++)
        for (size_t f = 0; f < joint->n_base; f++)
            for (size_t m = count_functions(joint, b, f); m > 0; m--, n++)
                if (n < JOINT_MAX_FORMS) joint->form[n] = (joint_form){.base = f, .flux = b};
    joint->n_form = n;
    return n > JOINT_MAX_FORMS ? too_many(joint, n) : CEV_OK;
}

cev_status joint_functions_create(joint_chi2 *joint, const joint_chi2 *pattern)
{
    double *mix;
    CEV_TRY(new_vectors(joint));
    if (pattern) {
        joint->n_form = pattern->n_form;
        memcpy(joint->form, pattern->form, sizeof joint->form);
    } else
        CEV_TRY(list_forms(joint));
    CEV_TRY(cev_new(joint->arena, joint->n_form * joint->products.n, &mix));
    for (size_t i = 0; i < joint->n_form; i++) joint->form[i].mix = mix + i * joint->products.n;
    return CEV_OK;
}

void joint_functions_find(joint_chi2 *joint)
{
    size_t n = joint->products.n;
    for (size_t i = 0, next; i < joint->n_form; i = next) {
        const joint_form *form = &joint->form[i];
        for (next = i + 1; next < joint->n_form; next++)
            if (joint->form[next].base != form->base || joint->form[next].flux != form->flux) break;
        memset(form->mix, 0, (next - i) * n * sizeof *form->mix);
        if (is_plain(joint))
            form->mix[0] = 1;
        else
            find_functions(joint, form->flux, form->base, next - i, form->mix);
    }
}
