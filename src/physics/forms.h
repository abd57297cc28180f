/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What interactions make their forms of (cev_forms of cevscan/interaction.h): currents of quarks, whose forms are sums
 * of products of two numbers, and products of powers of parameters. */
#ifndef CEVSCAN_PHYSICS_FORMS_H
#define CEVSCAN_PHYSICS_FORMS_H

#include "vector_terms.h"

/* Derivatives that are being summed: first[n_free][n_form], second[n_free][n_free][n_form]. */
typedef struct form_sums {
    size_t n_form, n_free;
    size_t place[CEV_MAX_MODEL_PARAMETERS]; /* of each parameter among the free ones; FORM_NOT_FREE */
    double *first, *second;
} form_sums;

#define FORM_NOT_FREE SIZE_MAX

/* Zeros, to add to. */
form_sums form_sums_begin(size_t n_form, size_t n_free, const size_t *free, double *first, double *second);

/* --- currents of quarks ------------------------------------------------------------------------------------------ */

/* A number that is a sum of functions of one parameter each: its value, and their derivatives. */
typedef struct form_number {
    double value;
    size_t n_slope;
    struct form_slope {
        size_t parameter;
        double first, second;
    } slope[3];
} form_number;

/* Three forms in turn: uu, ud and dd of the symmetric matrix y y^T of a vector y = (u, d). */
enum { FORM_UU, FORM_UD, FORM_DD, N_QUARK_FORMS };

static inline void form_add_square(double u, double d, double *form)
{
    form[FORM_UU] += u * u;
    form[FORM_UD] += u * d;
    form[FORM_DD] += d * d;
}

/* Adds their derivatives to those of forms f, f + 1, f + 2. */
void form_add_square_slopes(form_sums *sums, size_t f, const form_number *u, const form_number *d);

/* Forms f to f + n - 1 are multiplied by one more parameter, at `value`; form[n] are they before that. */
void form_multiply_slopes(form_sums *sums, size_t f, size_t n, const double *form, size_t parameter, double value);

/* A charge p u + q d, and the forms uu, ud, dd that the product of two charges is linear in. */
typedef struct quark_charge {
    double u, d;
} quark_charge;

static inline void form_add_charges(quark_charge a, quark_charge b, double factor, double *weight)
{
    weight[FORM_UU] += factor * a.u * b.u;
    weight[FORM_UD] += factor * (a.u * b.d + a.d * b.u);
    weight[FORM_DD] += factor * a.d * b.d;
}

/* The weights of those three forms in add_vector_charge(): weight[N_VECTOR_TERMS] are rows of n_form each. */
void form_vector_weights(quark_charge protons, quark_charge neutrons, size_t n_form, double *weight);

/* Vector charges of all protons and of all neutrons of a nucleus with those of its quarks. */
static inline quark_charge form_proton_charge(const cev_nucleus *nucleus)
{
    return (quark_charge){2.0 * nucleus->protons, 1.0 * nucleus->protons};
}

static inline quark_charge form_neutron_charge(const cev_nucleus *nucleus)
{
    return (quark_charge){1.0 * nucleus->neutrons, 2.0 * nucleus->neutrons};
}

/* --- products of powers ------------------------------------------------------------------------------------------ */

enum { FORM_MAX_FACTORS = 7, FORM_MAX_POWER = 4 };

/* Each form is the product of powers, 0 to FORM_MAX_POWER, of factors; each factor is a straight line of a parameter
 * of its own. */
typedef struct form_powers {
    size_t n_form, n_factor;
    struct form_factor_line {
        size_t parameter;
        double offset, slope;
    } factor[FORM_MAX_FACTORS];
    unsigned char power[CEV_MAX_FORMS][FORM_MAX_FACTORS];
} form_powers;

void form_powers_value(const form_powers *forms, const double *theta, double *form);
void form_powers_derivatives(const form_powers *forms, const double *theta, size_t n_free, const size_t *free,
                             double *first, double *second);

/* The forms of an interaction from its n_ powers and its form_weights(). */
#define DEFINE_FORMS_OF_POWERS(powers, n_)                                                                             \
    static void form_values(const double *theta, double *form)                                                         \
    {                                                                                                                  \
        form_powers_value(&(powers), theta, form);                                                                     \
    }                                                                                                                  \
    static void form_derivatives(const double *theta, size_t n_free, const size_t *free, double *first,                \
                                 double *second)                                                                       \
    {                                                                                                                  \
        form_powers_derivatives(&(powers), theta, n_free, free, first, second);                                        \
    }                                                                                                                  \
    static const cev_forms forms = {.n = (n_),                                                                         \
                                    .value = form_values,                                                              \
                                    .derivatives = form_derivatives,                                                   \
                                    .weights = form_weights};

#endif
