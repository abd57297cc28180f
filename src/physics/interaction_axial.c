/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A light axial-vector mediator: only nuclei with spin, and among them those with shell-model responses, see it.
 * arXiv:2411.11749.
 *
 *     dsigma/dT = (SM) + 4 M g^4 h^2 S^T/((2J + 1) (m_med^2 + 2 M T)^2) [1 - T/E + MT/(2E^2)],   h = Delta u + Delta d,
 *
 * for a mediator that couples to u and d quarks alike. */
#include "cevscan/nuclear_responses.h"
#include "mediator_terms.h"

enum { AXIAL = N_VECTOR_TERMS, N_TERMS };
enum { QUARK_SPIN = N_MEDIATOR_PARAMETERS };

static const cev_parameter parameters[] = {
    MEDIATOR_PARAMETERS,
    {.name = "quark_spin",
     .unit = "",
     .label = "h",
     .help = "Delta u + Delta d of the nucleon; 0.286 with the strange quark",
     .default_value = 0.415,
     .minimum = 0,
     .maximum = 2},
};

CEV_DISPATCH static void coefficients(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta,
                                      cev_lanes *coefficient)
{
    (void)flavour;
    cev_lanes g2h = theta[COUPLING] * theta[COUPLING] * theta[QUARK_SPIN];
    standard_coefficients(nucleus, theta, coefficient);
    coefficient[AXIAL] = g2h * g2h;
}

static void form_weights(const cev_nucleus *nucleus, cev_flavour flavour, double *weight)
{
    (void)flavour;
    standard_weights(nucleus, N_TERMS, N_MEDIATOR_FORMS, weight);
    weight[AXIAL * N_MEDIATOR_FORMS + FORM_MEDIATED] = 1;
}

static const form_powers powers = {.n_form = N_MEDIATOR_FORMS,
                                   .n_factor = N_STANDARD_FACTORS + 1,
                                   .factor = {STANDARD_FACTORS, {QUARK_SPIN, 0, 1}},
                                   .power = {STANDARD_POWERS, {[FACTOR_G] = 4, [N_STANDARD_FACTORS] = 2}}};
DEFINE_FORMS_OF_POWERS(powers, N_MEDIATOR_FORMS)

static const cev_kinematics *kinematics(size_t term, const double *theta)
{
    return term == AXIAL ? &cev_kinematics_axial : standard_kinematics(theta);
}

static double factor_cm2_per_keV(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                 double recoil_keV, const double *theta)
{
    if (term < AXIAL) return vector_factor_cm2_per_keV(term, nucleus, form_factor, recoil_keV);
    const cev_nuclear_responses *r = cev_nuclear_responses_of(nucleus);
    if (!r) return 0;
    double propagator = propagator_per_MeV2(nucleus, recoil_keV, theta);
    double s_t = cev_spin_structure_at(nucleus, cev_momentum_transfer_per_fm(nucleus, recoil_keV)).transverse;
    return per_MeV3_in_cm2_per_keV(4 * cev_nucleus_mass_MeV(nucleus) / (r->twice_spin + 1) * propagator * propagator) *
           s_t;
}

const cev_interaction cev_interaction_axial = {
    .card = {.name = "axial",
             .title = "Light axial-vector mediator, coupled alike to u and d quarks and to all neutrinos",
             .citation = "arXiv:2411.11749",
             .parameters = parameters,
             .n_parameter = sizeof parameters / sizeof *parameters},
    .n_term = N_TERMS,
    .kinematics = kinematics,
    .factor_cm2_per_keV = factor_cm2_per_keV,
    .coefficients = coefficients,
    .forms = &forms,
};
