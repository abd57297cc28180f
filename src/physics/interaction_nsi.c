/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neutral-current non-standard interactions with up and down quarks: coefficients quadratic in eps.
 *
 *     dsigma/dT = G_F^2 M/pi (1 - M T/(2E^2)) Q_a^2,
 *     Q_a^2 = [Z (g_p + 2 eps_aa^u + eps_aa^d) F_p(q) + N (g_n + eps_aa^u + 2 eps_aa^d) F_n(q)]^2
 *           + sum_{b != a} [Z (2 eps_ab^u + eps_ab^d) F_p(q) + N (eps_ab^u + 2 eps_ab^d) F_n(q)]^2,
 *
 * g_p = 1/2 - 2 sin^2 theta_W, g_n = -1/2: arXiv:2208.11771, eqs. 1 and 7; J. Barranco, O. G. Miranda, T. I. Rashba,
 * JHEP 12 (2005) 021. Off-diagonal couplings are real here; a phase would not change |eps_ab|^2 of a single quark. */
#include "forms.h"

#define COUPLING(flavours, quark, tex, ...)                                                                            \
    {                                                                                                                  \
        .name = "eps_" flavours "_" quark "V", .unit = "", .label = "\\varepsilon_{" tex "}^{" quark "V}",             \
        .help = "vector coupling of " flavours " to " quark " quarks, in units of G_F", .default_value = 0,            \
        .minimum = -1e3, .maximum = 1e3, __VA_ARGS__                                                                   \
    }
#define WITHIN(flavours, quark, tex) COUPLING(flavours, quark, tex, .in_matter = true)
#define BETWEEN(flavours, quark, tex) COUPLING(flavours, quark, tex, .mixes_flavours = true)

/* Order: u before d within a flavour pair; `pair` below counts on it. */
static const cev_parameter parameters[] = {
    WITHIN("ee", "u", "ee"),
    WITHIN("ee", "d", "ee"),
    WITHIN("mumu", "u", "\\mu\\mu"),
    WITHIN("mumu", "d", "\\mu\\mu"),
    WITHIN("tautau", "u", "\\tau\\tau"),
    WITHIN("tautau", "d", "\\tau\\tau"),
    BETWEEN("emu", "u", "e\\mu"),
    BETWEEN("emu", "d", "e\\mu"),
    BETWEEN("etau", "u", "e\\tau"),
    BETWEEN("etau", "d", "e\\tau"),
    BETWEEN("mutau", "u", "\\mu\\tau"),
    BETWEEN("mutau", "d", "\\mu\\tau"),
    CEV_PARAMETER_SIN2_THETA_W(CEV_SIN2_THETA_W_ZERO_MOMENTUM),
    CEV_PARAMETER_RECOIL_TERM(0),
    CEV_PARAMETER_FLUX_B8,
    CEV_PARAMETER_NEUTRON_RADIUS,
};

enum pair { EE, MUMU, TAUTAU, EMU, ETAU, MUTAU, N_PAIRS };
enum { SIN2_THETA_W = 2 * N_PAIRS, RECOIL_TERM };

static const enum pair pair_of[CEV_N_FLAVOURS][CEV_N_FLAVOURS] = {{EE, EMU, ETAU},
                                                                  {EMU, MUMU, MUTAU},
                                                                  {ETAU, MUTAU, TAUTAU}};
static const enum pair diagonal[CEV_N_FLAVOURS] =
    {[CEV_FLAVOUR_E] = EE, [CEV_FLAVOUR_MU] = MUMU, [CEV_FLAVOUR_TAU] = TAUTAU};
static const enum pair off_diagonal[CEV_N_FLAVOURS][2] =
    {[CEV_FLAVOUR_E] = {EMU, ETAU}, [CEV_FLAVOUR_MU] = {EMU, MUTAU}, [CEV_FLAVOUR_TAU] = {ETAU, MUTAU}};

/* Charges of all protons, Z (2 eps^u + eps^d), and of all neutrons, N (eps^u + 2 eps^d), under one flavour pair. */
static inline cev_lanes proton_charge(const cev_nucleus *nucleus, enum pair pair, const cev_lanes *theta)
{
    return nucleus->protons * (2.0 * theta[2 * pair] + theta[2 * pair + 1]);
}

static inline cev_lanes neutron_charge(const cev_nucleus *nucleus, enum pair pair, const cev_lanes *theta)
{
    return nucleus->neutrons * (theta[2 * pair] + 2.0 * theta[2 * pair + 1]);
}

CEV_DISPATCH static void coefficients(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta,
                                      cev_lanes *coefficient)
{
    cev_lanes g_p = 0.5 - 2.0 * theta[SIN2_THETA_W];
    const double g_n = -0.5;
    for (size_t k = 0; k < N_VECTOR_TERMS; k++) coefficient[k] = (cev_lanes){0};
    add_vector_charge(nucleus->protons * g_p + proton_charge(nucleus, diagonal[flavour], theta),
                      nucleus->neutrons * g_n + neutron_charge(nucleus, diagonal[flavour], theta), coefficient);
    for (int k = 0; k < 2; k++)
        add_vector_charge(proton_charge(nucleus, off_diagonal[flavour][k], theta),
                          neutron_charge(nucleus, off_diagonal[flavour][k], theta), coefficient);
}

static void quark_couplings(const double *theta, cev_quark_couplings *couplings)
{
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++)
        for (size_t b = 0; b < CEV_N_FLAVOURS; b++) {
            couplings->u[a][b] = theta[2 * pair_of[a][b]];
            couplings->d[a][b] = theta[2 * pair_of[a][b] + 1];
        }
}

/* --- forms: S_a = sum_b y_ab y_ab^T of the vectors y_ab = (eps_ab^u, eps_ab^d), y_aa with those of the Z boson ---- */

enum { N_FORMS = CEV_N_FLAVOURS * N_QUARK_FORMS };

/* Couplings to quarks that give protons g_p and neutrons g_n. */
static void origin_at(const double *theta, double y0[2])
{
    double g_p = 0.5 - 2 * theta[SIN2_THETA_W], g_n = -0.5;
    y0[0] = (2 * g_p - g_n) / 3;
    y0[1] = (2 * g_n - g_p) / 3;
}

static void form_values(const double *theta, double *form)
{
    double y0[2];
    origin_at(theta, y0);
    for (size_t f = 0; f < N_FORMS; f++) form[f] = 0;
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++)
        for (size_t b = 0; b < CEV_N_FLAVOURS; b++) {
            const double *eps = theta + 2 * pair_of[a][b];
            form_add_square(eps[0] + (a == b) * y0[0], eps[1] + (a == b) * y0[1], form + a * N_QUARK_FORMS);
        }
}

/* y_ab of one quark. */
static form_number quark_number(const double *theta, const double *y0, size_t a, size_t b, size_t quark)
{
    static const double of_sin2_theta_w[2] = {-4.0 / 3, 2.0 / 3};
    size_t p = 2 * pair_of[a][b] + quark;
    return (form_number){.value = theta[p] + (a == b) * y0[quark],
                         .n_slope = 1 + (a == b),
                         .slope = {{p, 1, 0}, {SIN2_THETA_W, of_sin2_theta_w[quark], 0}}};
}

static void form_derivatives(const double *theta, size_t n_free, const size_t *free, double *first, double *second)
{
    double y0[2];
    origin_at(theta, y0);
    form_sums sums = form_sums_begin(N_FORMS, n_free, free, first, second);
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++)
        for (size_t b = 0; b < CEV_N_FLAVOURS; b++) {
            const size_t *place = sums.place + 2 * pair_of[a][b];
            bool fixed = a != b || sums.place[SIN2_THETA_W] == FORM_NOT_FREE;
            if (fixed && place[0] == FORM_NOT_FREE && place[1] == FORM_NOT_FREE) continue;
            form_number u = quark_number(theta, y0, a, b, 0), d = quark_number(theta, y0, a, b, 1);
            form_add_square_slopes(&sums, a * N_QUARK_FORMS, &u, &d);
        }
}

static void form_weights(const cev_nucleus *nucleus, cev_flavour flavour, double *weight)
{
    for (size_t k = 0; k < N_VECTOR_TERMS * N_FORMS; k++) weight[k] = 0;
    form_vector_weights(form_proton_charge(nucleus), form_neutron_charge(nucleus), N_FORMS,
                        weight + (size_t)flavour * N_QUARK_FORMS);
}

#define QUARKS(pair)                                                                                                   \
    {                                                                                                                  \
        2 * (pair), 2 * (pair) + 1                                                                                     \
    }

static const cev_forms forms = {
    .n = N_FORMS,
    .value = form_values,
    .derivatives = form_derivatives,
    .weights = form_weights,
    .matrices = true,
    .vector = {{QUARKS(EE), QUARKS(EMU), QUARKS(ETAU)},
               {QUARKS(EMU), QUARKS(MUMU), QUARKS(MUTAU)},
               {QUARKS(ETAU), QUARKS(MUTAU), QUARKS(TAUTAU)}},
    .origin = {{true, false, false}, {false, true, false}, {false, false, true}},
    .origin_at = origin_at,
};

static const cev_kinematics *kinematics(size_t term, const double *theta)
{
    (void)term;
    return theta[RECOIL_TERM] > 0 ? &cev_kinematics_vector : &cev_kinematics_vector_leading;
}

static double factor_cm2_per_keV(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                 double recoil_keV, const double *theta)
{
    (void)theta;
    return vector_factor_cm2_per_keV(term, nucleus, form_factor, recoil_keV);
}

const cev_interaction cev_interaction_nsi = {
    .card =
        {
            .name = "nsi",
            .title = "Neutral-current non-standard interactions with u and d quarks",
            .citation = "arXiv:2208.11771, eqs. 1 and 7; Barranco, Miranda, Rashba, JHEP 12 (2005) 021",
            .parameters = parameters,
            .n_parameter = sizeof parameters / sizeof *parameters,
        },
    .n_term = N_VECTOR_TERMS,
    .kinematics = kinematics,
    .factor_cm2_per_keV = factor_cm2_per_keV,
    .coefficients = coefficients,
    .forms = &forms,
    .quark_couplings = quark_couplings,
};
