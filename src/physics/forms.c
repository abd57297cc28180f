/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms.h"

#include <string.h>

form_sums form_sums_begin(size_t n_form, size_t n_free, const size_t *free, double *first, double *second)
{
    form_sums sums = {.n_form = n_form, .n_free = n_free, .first = first, .second = second};
    for (size_t p = 0; p < CEV_MAX_MODEL_PARAMETERS; p++) sums.place[p] = FORM_NOT_FREE;
    for (size_t k = 0; k < n_free; k++) sums.place[free[k]] = k;
    memset(first, 0, n_free * n_form * sizeof *first);
    memset(second, 0, n_free * n_free * n_form * sizeof *second);
    return sums;
}

static void add_first(form_sums *sums, size_t p, size_t f, double value)
{
    sums->first[p * sums->n_form + f] += value;
}

static void add_second(form_sums *sums, size_t p, size_t q, size_t f, double value)
{
    sums->second[(p * sums->n_free + q) * sums->n_form + f] += value;
}

/* --- currents of quarks ------------------------------------------------------------------------------------------ */

/* What y leaves fixed: x' y, x'' y. */
static void add_slopes(form_sums *sums, size_t f, const form_number *x, double y)
{
    for (size_t i = 0; i < x->n_slope; i++) {
        size_t p = sums->place[x->slope[i].parameter];
        if (p == FORM_NOT_FREE) continue;
        add_first(sums, p, f, x->slope[i].first * y);
        add_second(sums, p, p, f, x->slope[i].second * y);
    }
}

static void add_product_slopes(form_sums *sums, size_t f, const form_number *x, const form_number *y)
{
    add_slopes(sums, f, x, y->value);
    add_slopes(sums, f, y, x->value);
    for (size_t i = 0; i < x->n_slope; i++) {
        size_t p = sums->place[x->slope[i].parameter];
        for (size_t j = 0; p != FORM_NOT_FREE && j < y->n_slope; j++) {
            size_t q = sums->place[y->slope[j].parameter];
            if (q == FORM_NOT_FREE) continue;
            add_second(sums, p, q, f, x->slope[i].first * y->slope[j].first);
            add_second(sums, q, p, f, x->slope[i].first * y->slope[j].first);
        }
    }
}

void form_add_square_slopes(form_sums *sums, size_t f, const form_number *u, const form_number *d)
{
    add_product_slopes(sums, f + FORM_UU, u, u);
    add_product_slopes(sums, f + FORM_UD, u, d);
    add_product_slopes(sums, f + FORM_DD, d, d);
}

void form_multiply_slopes(form_sums *sums, size_t f, size_t n, const double *form, size_t parameter, double value)
{
    size_t k = sums->place[parameter], n_form = sums->n_form, n_free = sums->n_free;
    for (size_t p = 0; p < n_free && k != FORM_NOT_FREE; p++)
        for (size_t i = f; i < f + n; i++) {
            sums->second[(k * n_free + p) * n_form + i] = sums->first[p * n_form + i];
            sums->second[(p * n_free + k) * n_form + i] = sums->first[p * n_form + i];
        }
    for (size_t p = 0; p < n_free; p++)
        for (size_t i = f; i < f + n; i++) {
            double *first = &sums->first[p * n_form + i];
            *first = p == k ? form[i - f] : *first * value;
            for (size_t q = 0; q < n_free; q++)
                if (p != k && q != k) sums->second[(p * n_free + q) * n_form + i] *= value;
        }
}

void form_vector_weights(quark_charge protons, quark_charge neutrons, size_t n_form, double *weight)
{
    quark_charge all = {protons.u + neutrons.u, protons.d + neutrons.d};
    form_add_charges(all, all, 1, weight + VECTOR_ALL * n_form);
    form_add_charges(all, neutrons, 2, weight + VECTOR_MIXED * n_form);
    form_add_charges(neutrons, neutrons, 1, weight + VECTOR_NEUTRONS * n_form);
}

/* --- products of powers ------------------------------------------------------------------------------------------ */

/* Powers of a factor, and their first and second derivatives with respect to its parameter. */
typedef struct power_table {
    double value[3][FORM_MAX_POWER + 1];
} power_table;

static power_table powers_of(const struct form_factor_line *line, const double *theta)
{
    power_table t = {{{1}}};
    double x = line->offset + line->slope * theta[line->parameter];
    for (size_t n = 1; n <= FORM_MAX_POWER; n++) {
        t.value[0][n] = t.value[0][n - 1] * x;
        t.value[1][n] = (double)n * line->slope * t.value[0][n - 1];
        t.value[2][n] = (double)n * line->slope * t.value[1][n - 1];
    }
    return t;
}

static size_t factor_of(const form_powers *forms, size_t parameter)
{
    size_t k = 0;
    while (k < forms->n_factor && forms->factor[k].parameter != parameter) k++;
    return k;
}

/* order[n_factor]: how often each factor is differentiated. */
static double product(const form_powers *forms, size_t f, const power_table *table, const unsigned char *order)
{
    double value = 1;
    for (size_t k = 0; k < forms->n_factor; k++) value *= table[k].value[order[k]][forms->power[f][k]];
    return value;
}

void form_powers_value(const form_powers *forms, const double *theta, double *form)
{
    power_table table[FORM_MAX_FACTORS];
    const unsigned char order[FORM_MAX_FACTORS] = {0};
    for (size_t k = 0; k < forms->n_factor; k++) table[k] = powers_of(&forms->factor[k], theta);
    for (size_t f = 0; f < forms->n_form; f++) form[f] = product(forms, f, table, order);
}

void form_powers_derivatives(const form_powers *forms, const double *theta, size_t n_free, const size_t *free,
                             double *first, double *second)
{
    power_table table[FORM_MAX_FACTORS];
    form_sums sums = form_sums_begin(forms->n_form, n_free, free, first, second);
    for (size_t k = 0; k < forms->n_factor; k++) table[k] = powers_of(&forms->factor[k], theta);
    for (size_t p = 0; p < n_free; p++) {
        unsigned char order[FORM_MAX_FACTORS + 1] = {0};
        size_t k = factor_of(forms, free[p]);
        if (k == forms->n_factor) continue;
        order[k]++;
        for (size_t f = 0; f < forms->n_form; f++) add_first(&sums, p, f, product(forms, f, table, order));
        for (size_t q = 0; q < n_free; q++) {
            size_t other = factor_of(forms, free[q]);
            if (other == forms->n_factor) continue;
            order[other]++;
            for (size_t f = 0; f < forms->n_form; f++) add_second(&sums, p, q, f, product(forms, f, table, order));
            order[other]--;
        }
    }
}
