/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A light tensor mediator: only nuclei with spin, and among them those with shell-model responses, see it.
 * arXiv:2411.11749.
 *
 *     dsigma/dT = (SM) + M g^4 d^2/((2J + 1) (m_med^2 + 2 M T)^2) {2 [1 - T/E - MT/(2E^2)] S^T + (1 - T/E) S^L}
 *
 * as printed there. A derivation from the operators gives 8 times the transverse part and 32 times the longitudinal one
 * (prefactor 8, and 4 (1 - T/E) S^L in the bracket); which of the two is an option. For a mediator that couples to u
 * and d quarks alike. */
#include "cevscan/nuclear_responses.h"
#include "mediator_terms.h"

enum { TRANSVERSE = N_VECTOR_TERMS, LONGITUDINAL, N_TERMS };
enum { TENSOR_CHARGE = N_MEDIATOR_PARAMETERS, AS_PRINTED };

static const cev_parameter parameters[] = {
    MEDIATOR_PARAMETERS,
    {.name = "tensor_charge",
     .unit = "",
     .label = "d",
     .help = "of u and d quarks together in the nucleon",
     .default_value = 0.58,
     .minimum = 0,
     .maximum = 2},
    {.name = "as_printed",
     .unit = "",
     .label = "\\mathrm{as\\ printed}",
     .help = "1: the prefactors of arXiv:2411.11749; 0: derived anew",
     .default_value = 1,
     .minimum = 0,
     .maximum = 1,
     .slow = true,
     .whole = true},
};

CEV_DISPATCH static void coefficients(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta,
                                      cev_lanes *coefficient)
{
    (void)flavour;
    cev_lanes g2d = theta[COUPLING] * theta[COUPLING] * theta[TENSOR_CHARGE];
    standard_coefficients(nucleus, theta, coefficient);
    coefficient[TRANSVERSE] = coefficient[LONGITUDINAL] = g2d * g2d;
}

static void form_weights(const cev_nucleus *nucleus, cev_flavour flavour, double *weight)
{
    (void)flavour;
    standard_weights(nucleus, N_TERMS, N_MEDIATOR_FORMS, weight);
    weight[TRANSVERSE * N_MEDIATOR_FORMS + FORM_MEDIATED] = 1;
    weight[LONGITUDINAL * N_MEDIATOR_FORMS + FORM_MEDIATED] = 1;
}

static const form_powers powers = {.n_form = N_MEDIATOR_FORMS,
                                   .n_factor = N_STANDARD_FACTORS + 1,
                                   .factor = {STANDARD_FACTORS, {TENSOR_CHARGE, 0, 1}},
                                   .power = {STANDARD_POWERS, {[FACTOR_G] = 4, [N_STANDARD_FACTORS] = 2}}};
DEFINE_FORMS_OF_POWERS(powers, N_MEDIATOR_FORMS)

static const cev_kinematics *kinematics(size_t term, const double *theta)
{
    if (term == LONGITUDINAL) return &cev_kinematics_longitudinal;
    return term == TRANSVERSE ? &cev_kinematics_vector : standard_kinematics(theta);
}

static double factor_cm2_per_keV(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                 double recoil_keV, const double *theta)
{
    if (term < TRANSVERSE) return vector_factor_cm2_per_keV(term, nucleus, form_factor, recoil_keV);
    const cev_nuclear_responses *r = cev_nuclear_responses_of(nucleus);
    if (!r) return 0;
    double propagator = propagator_per_MeV2(nucleus, recoil_keV, theta);
    cev_spin_structure s = cev_spin_structure_at(nucleus, cev_momentum_transfer_per_fm(nucleus, recoil_keV));
    double derived = theta[AS_PRINTED] > 0 ? 1 : 8;
    double bracket = term == TRANSVERSE ? 2 * s.transverse : s.longitudinal * (theta[AS_PRINTED] > 0 ? 1 : 4);
    return per_MeV3_in_cm2_per_keV(cev_nucleus_mass_MeV(nucleus) / (r->twice_spin + 1) * propagator * propagator) *
           derived * bracket;
}

const cev_interaction cev_interaction_tensor = {
    .card = {.name = "tensor",
             .title = "Light tensor mediator, coupled alike to u and d quarks and to all neutrinos",
             .citation = "arXiv:2411.11749",
             .parameters = parameters,
             .n_parameter = sizeof parameters / sizeof *parameters},
    .n_term = N_TERMS,
    .kinematics = kinematics,
    .factor_cm2_per_keV = factor_cm2_per_keV,
    .coefficients = coefficients,
    .forms = &forms,
};
