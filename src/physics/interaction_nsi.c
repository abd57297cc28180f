/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neutral-current non-standard interactions with up and down quarks: one shape, coefficients quadratic in eps.
 *
 *     dsigma/dT = G_F^2 M/pi (1 - M T/(2E^2)) F^2(q) Q_a^2,
 *     Q_a^2 = [Z (g_p + 2 eps_aa^u + eps_aa^d) + N (g_n + eps_aa^u + 2 eps_aa^d)]^2
 *           + sum_{b != a} [Z (2 eps_ab^u + eps_ab^d) + N (eps_ab^u + 2 eps_ab^d)]^2,
 *
 * g_p = 1/2 - 2 sin^2 theta_W, g_n = -1/2: arXiv:2208.11771, eqs. 1 and 7; J. Barranco, O. G. Miranda, T. I. Rashba,
 * JHEP 12 (2005) 021. Off-diagonal couplings are real here; a phase would not change |eps_ab|^2 of a single quark. */
#include "cevscan/interaction.h"

#define COUPLING(flavours, quark, tex)                                                                                 \
    {                                                                                                                  \
        .name = "eps_" flavours "_" quark "V", .unit = "", .label = "\\varepsilon_{" tex "}^{" quark "V}",              \
        .help = "vector coupling of " flavours " to " quark " quarks, in units of G_F", .default_value = 0,             \
        .minimum = -1e3, .maximum = 1e3                                                                                 \
    }

/* Order: u before d within a flavour pair; `pair` below counts on it. */
static const cev_parameter parameters[] = {
    COUPLING("ee", "u", "ee"),           COUPLING("ee", "d", "ee"),
    COUPLING("mumu", "u", "\\mu\\mu"),   COUPLING("mumu", "d", "\\mu\\mu"),
    COUPLING("tautau", "u", "\\tau\\tau"), COUPLING("tautau", "d", "\\tau\\tau"),
    COUPLING("emu", "u", "e\\mu"),       COUPLING("emu", "d", "e\\mu"),
    COUPLING("etau", "u", "e\\tau"),     COUPLING("etau", "d", "e\\tau"),
    COUPLING("mutau", "u", "\\mu\\tau"), COUPLING("mutau", "d", "\\mu\\tau"),
};

enum pair { EE, MUMU, TAUTAU, EMU, ETAU, MUTAU };

static const enum pair diagonal[CEV_N_FLAVOURS] = {
    [CEV_FLAVOUR_E] = EE, [CEV_FLAVOUR_MU] = MUMU, [CEV_FLAVOUR_TAU] = TAUTAU};
static const enum pair off_diagonal[CEV_N_FLAVOURS][2] = {
    [CEV_FLAVOUR_E] = {EMU, ETAU}, [CEV_FLAVOUR_MU] = {EMU, MUTAU}, [CEV_FLAVOUR_TAU] = {ETAU, MUTAU}};

/* Z (2 eps^u + eps^d) + N (eps^u + 2 eps^d) of one flavour pair. */
static inline cev_lanes quark_charge(const cev_nucleus *nucleus, enum pair pair, const cev_lanes *theta)
{
    double up_quarks = 2 * nucleus->protons + nucleus->neutrons, down_quarks = nucleus->protons + 2 * nucleus->neutrons;
    return up_quarks * theta[2 * pair] + down_quarks * theta[2 * pair + 1];
}

static void coefficients(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta, cev_lanes *coefficient)
{
    const double g_p = 0.5 - 2 * CEV_SIN2_THETA_W_ZERO_MOMENTUM, g_n = -0.5;
    double standard_model = nucleus->protons * g_p + nucleus->neutrons * g_n;
    cev_lanes q = standard_model + quark_charge(nucleus, diagonal[flavour], theta);
    cev_lanes q2 = q * q;
    for (int k = 0; k < 2; k++) {
        q = quark_charge(nucleus, off_diagonal[flavour][k], theta);
        q2 += q * q;
    }
    coefficient[0] = q2;
}

static double shape_cm2_per_keV(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                double energy_MeV, double recoil_keV, const double *theta)
{
    (void)term, (void)theta;
    double mass = cev_nucleus_mass_MeV(nucleus), recoil_MeV = recoil_keV / CEV_KEV_PER_MEV;
    double kinematics = 1 - mass * recoil_MeV / (2 * energy_MeV * energy_MeV);
    if (kinematics <= 0) return 0;
    double f = cev_form_factor_at_recoil(form_factor, nucleus, recoil_keV);
    double g_f = CEV_FERMI_CONSTANT_PER_MEV2;
    double per_MeV3 = g_f * g_f * mass / CEV_PI * kinematics * f * f;
    return per_MeV3 * CEV_HBARC_MEV_FM * CEV_HBARC_MEV_FM * CEV_CM2_PER_FM2 / CEV_KEV_PER_MEV;
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
    .n_term = 1,
    .shape_cm2_per_keV = shape_cm2_per_keV,
    .coefficients = coefficients,
};
