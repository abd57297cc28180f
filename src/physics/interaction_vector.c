/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A light vector mediator of any U(1)', interfering with the Z boson: arXiv:2411.11749.
 *
 *     dsigma/dT = G_F^2 M/pi [1 - T/E - MT/(2E^2)] [(Z g_p + N g_n) F + g^2 Q_nu (Z (2 Q_u + Q_d) + N (Q_u + 2 Q_d)) F
 * P]^2, P = 1/(sqrt(2) G_F (m_med^2 + 2 M T)),
 *
 * where F stands for F_p and F_n as they belong. Universal charges are Q = 1 for all: destructive, since the weak
 * charge is negative. arXiv:2411.11749 prints C_V where its own definition needs C_V^2 = 3 A g^2. L_mu - L_tau has no
 * charge for quarks; loops of muons and taus mix its boson with the photon, and give a quark of electric charge e_q the
 * charge -e_q alpha/(3 pi) ln(m_tau^2/m_mu^2) (D. W. P. Amaral, D. G. Cerdeno, A. Cheek, P. Foldenauer, Eur. Phys. J. C
 * 81 (2021) 861). */
#include <math.h>

#include "mediator_terms.h"

enum { CHARGE_U = N_MEDIATOR_PARAMETERS, CHARGE_D, CHARGE_E, CHARGE_MU, CHARGE_TAU };
enum { STANDARD, INTERFERENCE = N_VECTOR_TERMS, MEDIATED = 2 * N_VECTOR_TERMS, N_TERMS = 3 * N_VECTOR_TERMS };

#define CHARGE(of, tex, value)                                                                                         \
    {                                                                                                                  \
        .name = "charge_" of, .unit = "", .label = "Q_{" tex "}'", .help = "charge under the U(1)' of " of,            \
        .default_value = (value), .minimum = -1e3, .maximum = 1e3                                                      \
    }
#define CHARGES(u, d, e, mu, tau)                                                                                      \
    CHARGE("u", "u", u), CHARGE("d", "d", d), CHARGE("e", "e", e), CHARGE("mu", "\\mu", mu), CHARGE("tau", "\\tau", tau)

/* alpha/(3 pi) ln(m_tau^2/m_mu^2) */
#define LOOP (7.2973525693e-3 / (3 * CEV_PI) * 5.644784) /* masses: PDG */

static const cev_parameter vector_parameters[] = {MEDIATOR_PARAMETERS, CHARGES(1, 1, 1, 1, 1)};
static const cev_parameter b_minus_l_parameters[] = {MEDIATOR_PARAMETERS, CHARGES(1.0 / 3, 1.0 / 3, -1, -1, -1)};
static const cev_parameter lmu_minus_ltau_parameters[] = {MEDIATOR_PARAMETERS,
                                                          CHARGES(-2.0 / 3 * LOOP, 1.0 / 3 * LOOP, 0, 1, -1)};

CEV_DISPATCH static void coefficients(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta,
                                      cev_lanes *coefficient)
{
    cev_lanes s_p = standard_proton_charge(nucleus, theta), s_n = standard_neutron_charge(nucleus);
    cev_lanes strength = theta[COUPLING] * theta[COUPLING] * theta[CHARGE_E + (size_t)flavour];
    cev_lanes m_p = strength * nucleus->protons * (2.0 * theta[CHARGE_U] + theta[CHARGE_D]);
    cev_lanes m_n = strength * nucleus->neutrons * (theta[CHARGE_U] + 2.0 * theta[CHARGE_D]);
    for (size_t k = 0; k < N_TERMS; k++) coefficient[k] = (cev_lanes){0};
    add_vector_charge(s_p, s_n, coefficient + STANDARD);
    add_vector_charge(m_p, m_n, coefficient + MEDIATED);
    cev_lanes s = s_p + s_n, m = m_p + m_n;
    coefficient[INTERFERENCE + VECTOR_ALL] = 2.0 * s * m;
    coefficient[INTERFERENCE + VECTOR_MIXED] = 2.0 * (s * m_n + s_n * m);
    coefficient[INTERFERENCE + VECTOR_NEUTRONS] = 2.0 * s_n * m_n;
}

/* --- forms: those of the Z boson, and for each flavour, with A = g^2 Q_nu, Q_u and Q_d as u and d ----------------- */

enum { A_U, A_D, A_G_P_U, A_G_P_D, A2, N_FLAVOUR_FORMS = A2 + N_QUARK_FORMS };
enum { N_FORMS = N_STANDARD_FORMS + CEV_N_FLAVOURS * N_FLAVOUR_FORMS };
enum { FACTOR_U = N_STANDARD_FACTORS, FACTOR_D, FACTOR_NU, N_FACTORS = FACTOR_NU + CEV_N_FLAVOURS };

#define POWER(g, nu, g_p, u, d)                                                                                        \
    {                                                                                                                  \
        [FACTOR_G] = 2 * (g), [FACTOR_NU + (nu)] = (g), [FACTOR_G_P] = (g_p), [FACTOR_U] = (u), [FACTOR_D] = (d)       \
    }
#define FLAVOUR_POWERS(nu)                                                                                             \
    POWER(1, nu, 0, 1, 0), POWER(1, nu, 0, 0, 1), POWER(1, nu, 1, 1, 0), POWER(1, nu, 1, 0, 1), POWER(2, nu, 0, 2, 0), \
        POWER(2, nu, 0, 1, 1), POWER(2, nu, 0, 0, 2)

static const form_powers powers = {
    .n_form = N_FORMS,
    .n_factor = N_FACTORS,
    .factor =
        {STANDARD_FACTORS, {CHARGE_U, 0, 1}, {CHARGE_D, 0, 1}, {CHARGE_E, 0, 1}, {CHARGE_MU, 0, 1}, {CHARGE_TAU, 0, 1}},
    .power = {STANDARD_POWERS, FLAVOUR_POWERS(CEV_FLAVOUR_E), FLAVOUR_POWERS(CEV_FLAVOUR_MU),
              FLAVOUR_POWERS(CEV_FLAVOUR_TAU)},
};

/* Adds 2 (z g_p + n) times a charge of A (u, d) to a row of weights of one flavour. */
static void add_interference(double z, double n, quark_charge charge, double *weight)
{
    weight[A_U] += 2 * n * charge.u;
    weight[A_D] += 2 * n * charge.d;
    weight[A_G_P_U] += 2 * z * charge.u;
    weight[A_G_P_D] += 2 * z * charge.d;
}

static void form_weights(const cev_nucleus *nucleus, cev_flavour flavour, double *weight)
{
    quark_charge p = form_proton_charge(nucleus), neutrons = form_neutron_charge(nucleus),
                 all = {p.u + neutrons.u, p.d + neutrons.d};
    double z = nucleus->protons, n = -0.5 * nucleus->neutrons;
    standard_weights(nucleus, N_TERMS, N_FORMS, weight);
    double *of_flavour = weight + N_STANDARD_FORMS + (size_t)flavour * N_FLAVOUR_FORMS,
           *interference = of_flavour + INTERFERENCE * N_FORMS;
    add_interference(z, n, all, interference + VECTOR_ALL * N_FORMS);
    add_interference(z, n, neutrons, interference + VECTOR_MIXED * N_FORMS);
    add_interference(0, n, all, interference + VECTOR_MIXED * N_FORMS);
    add_interference(0, n, neutrons, interference + VECTOR_NEUTRONS * N_FORMS);
    form_vector_weights(p, neutrons, N_FORMS, of_flavour + A2 + MEDIATED * N_FORMS);
}

DEFINE_FORMS_OF_POWERS(powers, N_FORMS)

static const cev_kinematics *kinematics(size_t term, const double *theta)
{
    (void)term;
    return standard_kinematics(theta);
}

static double factor_cm2_per_keV(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                 double recoil_keV, const double *theta)
{
    double propagator = propagator_per_MeV2(nucleus, recoil_keV, theta) / (sqrt(2) * CEV_FERMI_CONSTANT_PER_MEV2);
    double factor = vector_factor_cm2_per_keV(term % N_VECTOR_TERMS, nucleus, form_factor, recoil_keV);
    for (size_t power = term / N_VECTOR_TERMS; power > 0; power--) factor *= propagator;
    return factor;
}

#define VECTOR(name_, title_, citation_, table)                                                                        \
    {                                                                                                                  \
        .card = {.name = name_,                                                                                        \
                 .title = title_,                                                                                      \
                 .citation = citation_,                                                                                \
                 .parameters = table,                                                                                  \
                 .n_parameter = sizeof table / sizeof *table},                                                         \
        .n_term = N_TERMS, .kinematics = kinematics, .factor_cm2_per_keV = factor_cm2_per_keV,                         \
        .coefficients = coefficients, .forms = &forms                                                                  \
    }

const cev_interaction cev_interaction_vector = VECTOR("vector",
                                                      "Light vector mediator of a U(1)' of your own: the charges of "
                                                      "quarks and leptons are yours to set (default: all 1)",
                                                      "arXiv:2411.11749", vector_parameters);
const cev_interaction cev_interaction_vector_universal =
    VECTOR("vector_universal",
           "Light vector mediator that couples to all quarks and leptons alike: universal charges of 1",
           "arXiv:2411.11749", vector_parameters);
const cev_interaction cev_interaction_vector_b_minus_l = VECTOR("vector_b_minus_l", "Light vector mediator of B - L",
                                                                "arXiv:2411.11749", b_minus_l_parameters);
const cev_interaction cev_interaction_vector_lmu_minus_ltau =
    VECTOR("vector_lmu_minus_ltau", "Light vector mediator of L_mu - L_tau, coupled to quarks by loops",
           "Amaral, Cerdeno, Cheek, Foldenauer, Eur. Phys. J. C 81 (2021) 861", lmu_minus_ltau_parameters);
