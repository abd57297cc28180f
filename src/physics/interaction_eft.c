/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Low-energy effective theory: vector (C1) and axial (C2) couplings of quarks q = u, d to each neutrino flavour,
 * arXiv:2409.04703.
 *
 *     C1_q = (SM) + c + sign(Lambda)/Lambda^2,   SM: C1_u,d = -+ G_F/sqrt(2) (1 - (8/3, 4/3) sin^2 theta_W),   C2_u,d =
 * +- G_F/sqrt(2), vector  dsigma/dT = G_F^2 M/pi [1 - T/E - MT/(2E^2)] sum_{NN'} Q_N Q_N' W_M^{NN'},      Q_N =
 * -c1_N/(sqrt(2) G_F) per nucleon, axial   dsigma/dT = kappa G_F^2 M/(4 pi) [1 - T/E + MT/(2E^2)] sum_{NN'} a_N a_N'
 * W_S'^{NN'},   a_N = c2_N/(sqrt(2) G_F), c1_p = 2 C1_u + C1_d, c1_n = C1_u + 2 C1_d;   c2_N = 2 sum_q F_A^{q/N} C2_q,
 *
 * W_M and W_S' (transverse) times 4 pi/(2J + 1). eps_q^V = -C1_q/(sqrt(2) G_F), so that the vector part is that of
 * "nsi". The longitudinal axial response is suppressed by T/2M, and spin-averaged rates have no vector-axial
 * interference.
 *
 * kappa is 1/2 for a free nucleon; the equations as printed in arXiv:2409.04703 amount to 1, which counts the two
 * transverse directions twice and moves a scale Lambda(C2) by 2^(1/4). */
#include <math.h>

#include "forms.h"

/* Axial charges of quarks in the proton; in the neutron u and d change places (isospin). arXiv:2409.04703, from J.
 * Green et al., Phys. Rev. D 95 (2017) 114502, and R. Gupta et al., Phys. Rev. D 98 (2018) 034503. */
static const double axial_u_in_p = 0.897, axial_d_in_p = -0.376;

#define WILSON(current, quark, flavour, tex, vector)                                                                   \
    {                                                                                                                  \
        .name = "C" current "_" quark "_" flavour, .unit = "GeV^-2", .label = "C_{" current quark "}^{" tex "}",       \
        .help = "Wilson coefficient on top of the standard model's", .default_value = 0, .minimum = -1, .maximum = 1,  \
        .in_matter = vector                                                                                            \
    }
#define SCALE(current, quark, flavour, tex, vector)                                                                    \
    {                                                                                                                  \
        .name = "lambda_C" current "_" quark "_" flavour, .unit = "GeV",                                               \
        .label = "\\Lambda_{C_{" current quark "}^{" tex "}}",                                                         \
        .help = "adds sign(Lambda)/Lambda^2 to C" current "_" quark "_" flavour, .default_value = INFINITY,            \
        .minimum = -1e9, .maximum = 1e9, .not_zero = true, .in_matter = vector                                         \
    }
#define OF_FLAVOUR(KIND, flavour, tex)                                                                                 \
    KIND("1", "u", flavour, tex, true), KIND("1", "d", flavour, tex, true), KIND("2", "u", flavour, tex, false),       \
        KIND("2", "d", flavour, tex, false)
#define OF_ALL(KIND) OF_FLAVOUR(KIND, "e", "e"), OF_FLAVOUR(KIND, "mu", "\\mu"), OF_FLAVOUR(KIND, "tau", "\\tau")

/* M_Z in the MS-bar scheme, as arXiv:2409.04703 takes it (PDG). */
#define SIN2_THETA_W_OF_THE_PAPER 0.2312

static const cev_parameter parameters[] = {
    OF_ALL(WILSON),
    OF_ALL(SCALE),
    CEV_PARAMETER_SIN2_THETA_W(SIN2_THETA_W_OF_THE_PAPER),
    CEV_PARAMETER_RECOIL_TERM(1),
    {.name = "kappa",
     .unit = "",
     .label = "\\kappa",
     .help = "of the axial current: 0.5 for a free nucleon; 1 as printed",
     .default_value = 0.5,
     .minimum = 0,
     .maximum = 1,
     .convention = true},
    CEV_PARAMETER_FLUX_B8,
    CEV_PARAMETER_NEUTRON_RADIUS,
};

enum wilson { C1_U, C1_D, C2_U, C2_D, N_WILSON };
enum { FIRST_SCALE = N_WILSON * CEV_N_FLAVOURS, SIN2_THETA_W = 2 * FIRST_SCALE, RECOIL_TERM, KAPPA };
enum { FIRST_AXIAL_TERM = N_VECTOR_TERMS, N_TERMS = 2 * N_VECTOR_TERMS };

/* -sqrt(2) G_F in GeV^-2, the unit of what is added to a coefficient of the standard model. */
static const double mev2_per_gev2 = 1e6;

static double unit_per_gev2(void)
{
    return -sqrt(2) * CEV_FERMI_CONSTANT_PER_MEV2 * mev2_per_gev2;
}

/* What is added to a coefficient of the standard model, in that unit: eps of the vector current, -eps of the axial one.
 */
static cev_lanes added(cev_flavour flavour, enum wilson which, const cev_lanes *theta)
{
    size_t p = (size_t)flavour * N_WILSON + which;
    cev_lanes lambda = theta[FIRST_SCALE + p], size = 1.0 / (lambda * lambda), sum = theta[p];
    sum += (cev_lanes)(((cev_lanes_mask)size & (lambda > 0)) | ((cev_lanes_mask)(-size) & (lambda <= 0)));
    return sum / unit_per_gev2();
}

static void vector_coefficients(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta,
                                cev_lanes *coefficient)
{
    cev_lanes u = 0.5 - 4.0 / 3 * theta[SIN2_THETA_W] + added(flavour, C1_U, theta);
    cev_lanes d = -0.5 + 2.0 / 3 * theta[SIN2_THETA_W] + added(flavour, C1_D, theta);
    add_vector_charge(nucleus->protons * (2.0 * u + d), nucleus->neutrons * (u + 2.0 * d), coefficient);
}

static void axial_coefficients(cev_flavour flavour, const cev_lanes *theta, cev_lanes *coefficient)
{
    cev_lanes u = 0.5 - added(flavour, C2_U, theta), d = -0.5 - added(flavour, C2_D, theta);
    add_vector_charge(2.0 * (axial_u_in_p * u + axial_d_in_p * d), 2.0 * (axial_d_in_p * u + axial_u_in_p * d),
                      coefficient);
    for (size_t k = 0; k < N_VECTOR_TERMS; k++) coefficient[k] *= theta[KAPPA];
}

CEV_DISPATCH static void coefficients(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta,
                                      cev_lanes *coefficient)
{
    for (size_t k = 0; k < N_TERMS; k++) coefficient[k] = (cev_lanes){0};
    vector_coefficients(nucleus, flavour, theta, coefficient);
    axial_coefficients(flavour, theta, coefficient + FIRST_AXIAL_TERM);
}

/* Of the vector currents; matter at rest and unpolarised knows no axial ones. */
static void quark_couplings(const double *theta, cev_quark_couplings *couplings)
{
    cev_lanes block[2 * FIRST_SCALE];
    for (size_t p = 0; p < 2 * FIRST_SCALE; p++) block[p] = theta[p] - (cev_lanes){0};
    *couplings = (cev_quark_couplings){{{0}}, {{0}}};
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++) {
        couplings->u[a][a] = added((cev_flavour)a, C1_U, block)[0];
        couplings->d[a][a] = added((cev_flavour)a, C1_D, block)[0];
    }
}

/* --- forms: of the charges y = (u, d) of each current and flavour, uu, ud and dd of y y^T; times kappa if axial --- */

enum { FIRST_AXIAL_FORM = CEV_N_FLAVOURS * N_QUARK_FORMS, N_FORMS = 2 * FIRST_AXIAL_FORM };

/* The charge that a coefficient c, a scale Lambda and the Z boson give a quark. */
static form_number quark_number(size_t flavour, enum wilson which, const double *theta)
{
    static const double of_z[N_WILSON] = {0.5, -0.5, 0.5, -0.5}, of_sin2_theta_w[N_WILSON] = {-4.0 / 3, 2.0 / 3, 0, 0};
    size_t p = flavour * N_WILSON + which;
    double unit = (which < C2_U ? 1 : -1) / unit_per_gev2(), per_lambda = 1 / theta[FIRST_SCALE + p],
           size = fabs(per_lambda) * per_lambda; /* sign(Lambda)/Lambda^2 */
    return (form_number){.value = of_z[which] + of_sin2_theta_w[which] * theta[SIN2_THETA_W] + unit * (theta[p] + size),
                         .n_slope = 3,
                         .slope = {{p, unit, 0},
                                   {FIRST_SCALE + p, -2 * unit * size * per_lambda,
                                    6 * unit * size * per_lambda * per_lambda},
                                   {SIN2_THETA_W, of_sin2_theta_w[which], 0}}};
}

static void form_values(const double *theta, double *form)
{
    for (size_t f = 0; f < N_FORMS; f++) form[f] = 0;
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++) {
        double *of_flavour = form + a * N_QUARK_FORMS;
        form_add_square(quark_number(a, C1_U, theta).value, quark_number(a, C1_D, theta).value, of_flavour);
        form_add_square(quark_number(a, C2_U, theta).value, quark_number(a, C2_D, theta).value,
                        of_flavour + FIRST_AXIAL_FORM);
    }
    for (size_t f = FIRST_AXIAL_FORM; f < N_FORMS; f++) form[f] *= theta[KAPPA];
}

static void form_derivatives(const double *theta, size_t n_free, const size_t *free, double *first, double *second)
{
    form_sums sums = form_sums_begin(N_FORMS, n_free, free, first, second);
    double axial[FIRST_AXIAL_FORM] = {0};
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++) {
        form_number y[N_WILSON];
        for (size_t w = 0; w < N_WILSON; w++) y[w] = quark_number(a, (enum wilson)w, theta);
        form_add_square_slopes(&sums, a * N_QUARK_FORMS, &y[C1_U], &y[C1_D]);
        form_add_square_slopes(&sums, FIRST_AXIAL_FORM + a * N_QUARK_FORMS, &y[C2_U], &y[C2_D]);
        form_add_square(y[C2_U].value, y[C2_D].value, axial + a * N_QUARK_FORMS);
    }
    form_multiply_slopes(&sums, FIRST_AXIAL_FORM, FIRST_AXIAL_FORM, axial, KAPPA, theta[KAPPA]);
}

static void form_weights(const cev_nucleus *nucleus, cev_flavour flavour, double *weight)
{
    static const quark_charge proton = {2 * axial_u_in_p, 2 * axial_d_in_p},
                              neutron = {2 * axial_d_in_p, 2 * axial_u_in_p};
    size_t of_flavour = (size_t)flavour * N_QUARK_FORMS;
    for (size_t k = 0; k < N_TERMS * N_FORMS; k++) weight[k] = 0;
    form_vector_weights(form_proton_charge(nucleus), form_neutron_charge(nucleus), N_FORMS, weight + of_flavour);
    form_vector_weights(proton, neutron, N_FORMS, weight + FIRST_AXIAL_TERM * N_FORMS + FIRST_AXIAL_FORM + of_flavour);
}

static const cev_forms forms = {.n = N_FORMS,
                                .value = form_values,
                                .derivatives = form_derivatives,
                                .weights = form_weights};

static const cev_kinematics *kinematics(size_t term, const double *theta)
{
    if (term >= FIRST_AXIAL_TERM) return &cev_kinematics_axial;
    return theta[RECOIL_TERM] > 0 ? &cev_kinematics_vector : &cev_kinematics_vector_leading;
}

static double factor_cm2_per_keV(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                 double recoil_keV, const double *theta)
{
    (void)theta;
    if (term >= FIRST_AXIAL_TERM)
        return cev_vector_strength_cm2_per_keV(nucleus) / 4 *
               nucleon_term(term - FIRST_AXIAL_TERM, cev_axial_at_recoil(form_factor, nucleus, recoil_keV));
    return vector_factor_cm2_per_keV(term, nucleus, form_factor, recoil_keV);
}

const cev_interaction cev_interaction_eft = {
    .card =
        {
            .name = "eft",
            .title =
                "Low-energy effective theory: vector and axial Wilson coefficients of u and d quarks, or their scales",
            .citation = "arXiv:2409.04703",
            .parameters = parameters,
            .n_parameter = sizeof parameters / sizeof *parameters,
        },
    .n_term = N_TERMS,
    .kinematics = kinematics,
    .factor_cm2_per_keV = factor_cm2_per_keV,
    .coefficients = coefficients,
    .forms = &forms,
    .quark_couplings = quark_couplings,
};
