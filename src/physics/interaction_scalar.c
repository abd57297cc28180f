/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A light scalar mediator; it flips the neutrino's helicity and does not interfere with the Z boson. arXiv:2411.11749.
 *
 *     dsigma/dT = (SM) + M g^4 Q_S^2 F^2/(4 pi (m_med^2 + 2 M T)^2) M T/E^2,
 *     Q_S = Z sum_q f^p_q m_p/m_q + N sum_q f^n_q m_n/m_q,
 *
 * for a scalar that couples to u and d quarks alike. */
#include "mediator_terms.h"

enum { SCALAR = N_VECTOR_TERMS, N_TERMS = 2 * N_VECTOR_TERMS };

/* Shares f^N_q of the nucleon's mass: M. Hoferichter, J. Ruiz de Elvira, B. Kubis, U.-G. Meissner, Phys. Rev. Lett. 115
 * (2015) 092301; quark masses: PDG. */
static const double f_u_p = 0.0208, f_d_p = 0.0411, f_u_n = 0.0189, f_d_n = 0.0451;
static const double up_mass_MeV = 2.16, down_mass_MeV = 4.67;

static const cev_parameter parameters[] = {MEDIATOR_PARAMETERS};

/* Charges of all protons and of all neutrons, for a coupling of 1. */
static double proton_charge(const cev_nucleus *nucleus)
{
    return nucleus->protons * CEV_PROTON_MASS_MEV * (f_u_p / up_mass_MeV + f_d_p / down_mass_MeV);
}

static double neutron_charge(const cev_nucleus *nucleus)
{
    return nucleus->neutrons * CEV_NEUTRON_MASS_MEV * (f_u_n / up_mass_MeV + f_d_n / down_mass_MeV);
}

CEV_DISPATCH static void coefficients(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta,
                                      cev_lanes *coefficient)
{
    (void)flavour;
    cev_lanes g2 = theta[COUPLING] * theta[COUPLING];
    double q_p = proton_charge(nucleus), q_n = neutron_charge(nucleus);
    standard_coefficients(nucleus, theta, coefficient);
    for (size_t k = SCALAR; k < N_TERMS; k++) coefficient[k] = (cev_lanes){0};
    add_vector_charge(g2 * q_p, g2 * q_n, coefficient + SCALAR);
}

static void form_weights(const cev_nucleus *nucleus, cev_flavour flavour, double *weight)
{
    (void)flavour;
    standard_weights(nucleus, N_TERMS, N_MEDIATOR_FORMS, weight);
    double q_p = proton_charge(nucleus), q_n = neutron_charge(nucleus), q = q_p + q_n;
    const double charges[N_VECTOR_TERMS] = {q * q, 2 * q * q_n, q_n * q_n};
    for (size_t k = 0; k < N_VECTOR_TERMS; k++) weight[(SCALAR + k) * N_MEDIATOR_FORMS + FORM_MEDIATED] = charges[k];
}

static const form_powers powers = {.n_form = N_MEDIATOR_FORMS,
                                   .n_factor = N_STANDARD_FACTORS,
                                   .factor = {STANDARD_FACTORS},
                                   .power = {STANDARD_POWERS, {[FACTOR_G] = 4}}};
DEFINE_FORMS_OF_POWERS(powers, N_MEDIATOR_FORMS)

static const cev_kinematics *kinematics(size_t term, const double *theta)
{
    return term >= SCALAR ? &cev_kinematics_scalar : standard_kinematics(theta);
}

static double factor_cm2_per_keV(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                 double recoil_keV, const double *theta)
{
    if (term < SCALAR) return vector_factor_cm2_per_keV(term, nucleus, form_factor, recoil_keV);
    double response = nucleon_term(term - SCALAR, cev_coherent_at_recoil(form_factor, nucleus, recoil_keV));
    double propagator = propagator_per_MeV2(nucleus, recoil_keV, theta);
    return per_MeV3_in_cm2_per_keV(cev_nucleus_mass_MeV(nucleus) * propagator * propagator / (4 * CEV_PI)) * response;
}

const cev_interaction cev_interaction_scalar = {
    .card = {.name = "scalar",
             .title = "Light scalar mediator, coupled alike to u and d quarks and to all neutrinos",
             .citation = "arXiv:2411.11749",
             .parameters = parameters,
             .n_parameter = sizeof parameters / sizeof *parameters},
    .n_term = N_TERMS,
    .kinematics = kinematics,
    .factor_cm2_per_keV = factor_cm2_per_keV,
    .coefficients = coefficients,
    .forms = &forms,
};
