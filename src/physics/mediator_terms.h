/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What interactions with a light mediator share: their first parameters, and the standard model that they come on top
 * of. */
#ifndef CEVSCAN_PHYSICS_MEDIATOR_TERMS_H
#define CEVSCAN_PHYSICS_MEDIATOR_TERMS_H

#include "forms.h"

/* Every mediator's table begins with these; the defaults are the standard model. */
enum { MEDIATOR_MASS_MEV, COUPLING, SIN2_THETA_W, RECOIL_TERM, FLUX_B8, NEUTRON_RADIUS_FM, N_MEDIATOR_PARAMETERS };

#define MEDIATOR_PARAMETERS                                                                                            \
    {.name = "mediator_mass_MeV",                                                                                      \
     .unit = "MeV",                                                                                                    \
     .label = "m_{\\mathrm{med}}",                                                                                     \
     .help = "mass of the mediator",                                                                                   \
     .default_value = 10,                                                                                              \
     .minimum = 0,                                                                                                     \
     .maximum = 1e9,                                                                                                   \
     .slow = true},                                                                                                    \
        {.name = "coupling",                                                                                           \
         .unit = "",                                                                                                   \
         .label = "g",                                                                                                 \
         .help = "coupling of the mediator; only g^2 matters",                                                         \
         .default_value = 0,                                                                                           \
         .minimum = 0,                                                                                                 \
         .maximum = 1e6},                                                                                              \
        CEV_PARAMETER_SIN2_THETA_W(CEV_SIN2_THETA_W_ZERO_MOMENTUM), CEV_PARAMETER_RECOIL_TERM(1),                      \
        CEV_PARAMETER_FLUX_B8, CEV_PARAMETER_NEUTRON_RADIUS

/* 1/(M^2 + 2 m T) in MeV^-2: the propagator at momentum transfer q^2 = 2 m T. */
static inline double propagator_per_MeV2(const cev_nucleus *nucleus, double recoil_keV, const double *theta)
{
    double mass = theta[MEDIATOR_MASS_MEV];
    return 1 / (mass * mass + 2 * cev_nucleus_mass_MeV(nucleus) * recoil_keV / CEV_KEV_PER_MEV);
}

/* MeV^-3 to cm^2 per keV. */
static inline double per_MeV3_in_cm2_per_keV(double per_MeV3)
{
    return per_MeV3 * CEV_HBARC_MEV_FM * CEV_HBARC_MEV_FM * CEV_CM2_PER_FM2 / CEV_KEV_PER_MEV;
}

static inline const cev_kinematics *standard_kinematics(const double *theta)
{
    return theta[RECOIL_TERM] > 0 ? &cev_kinematics_vector : &cev_kinematics_vector_leading;
}

/* Charges of all protons and of all neutrons under the Z boson. */
static inline cev_lanes standard_proton_charge(const cev_nucleus *nucleus, const cev_lanes *theta)
{
    return nucleus->protons * (0.5 - 2.0 * theta[SIN2_THETA_W]);
}

static inline cev_lanes standard_neutron_charge(const cev_nucleus *nucleus)
{
    return nucleus->neutrons * -0.5 - (cev_lanes){0};
}

/* The first N_VECTOR_TERMS coefficients: the standard model alone. */
static inline void standard_coefficients(const cev_nucleus *nucleus, const cev_lanes *theta, cev_lanes *coefficient)
{
    for (size_t k = 0; k < N_VECTOR_TERMS; k++) coefficient[k] = (cev_lanes){0};
    add_vector_charge(standard_proton_charge(nucleus, theta), standard_neutron_charge(nucleus), coefficient);
}

/* Forms of every mediator begin with 1, g_p and g_p^2, g_p = 1/2 - 2 sin^2 theta_W, for the standard model alone; its
 * factors with the mediator's coupling and g_p. */
enum { FORM_ONE, FORM_G_P, FORM_G_P_SQUARED, N_STANDARD_FORMS };
enum { FACTOR_G, FACTOR_G_P, N_STANDARD_FACTORS };
#define STANDARD_FACTORS                                                                                               \
    {COUPLING, 0, 1},                                                                                                  \
    {                                                                                                                  \
        SIN2_THETA_W, 0.5, -2                                                                                          \
    }
#define STANDARD_POWERS                                                                                                \
    {0}, {[FACTOR_G_P] = 1},                                                                                           \
    {                                                                                                                  \
        [FACTOR_G_P] = 2                                                                                               \
    }

/* Writes weight[n_term][n_form]: those of the standard model, which the first N_VECTOR_TERMS have, and zeros. */
static inline void standard_weights(const cev_nucleus *nucleus, size_t n_term, size_t n_form, double *weight)
{
    for (size_t k = 0; k < n_term * n_form; k++) weight[k] = 0;
    double z = nucleus->protons, n = -0.5 * nucleus->neutrons, *all = weight + VECTOR_ALL * n_form,
           *mixed = weight + VECTOR_MIXED * n_form;
    all[FORM_ONE] = n * n;
    all[FORM_G_P] = 2 * z * n;
    all[FORM_G_P_SQUARED] = z * z;
    mixed[FORM_ONE] = 2 * n * n;
    mixed[FORM_G_P] = 2 * z * n;
    weight[VECTOR_NEUTRONS * n_form + FORM_ONE] = n * n;
}

/* Where the mediator does not interfere with the Z boson, one form more is all: g^4 and what belongs to it. */
enum { FORM_MEDIATED = N_STANDARD_FORMS, N_MEDIATOR_FORMS };

#endif
