/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wilson coefficients of arXiv:2409.04703: against the weak charges of "nsi", against the written formulas, and among
 * themselves. */
#include "coherent.h"

static const cev_interaction *const eft = &cev_interaction_eft, *const nsi = &cev_interaction_nsi;
static const cev_nucleus cs = {"Cs", 55, 78, 132.905451958, 4.8, 5.01},
                         iodine = {"I", 53, 74, 126.904471838, 4.75, 4.94};
static const char *const flavours[CEV_N_FLAVOURS] = {"e", "mu", "tau"};
static const double fermi_per_GeV2 = 1.1663787e-5, sin2 = 0.2312;
enum { N_VECTOR = 3, N_TERM = 6 };

static void defaults(const cev_interaction *interaction, double *theta)
{
    cev_parameter_defaults(interaction->card.parameters, interaction->card.n_parameter, theta);
    theta[parameter_of(interaction, "sin2_theta_w")] = sin2;
    theta[parameter_of(interaction, "recoil_term")] = 1;
}

static void evaluate(const cev_interaction *interaction, const cev_nucleus *nucleus, cev_flavour flavour,
                     const double *theta, double *coefficient)
{
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS], out[CEV_MAX_TERMS];
    for (size_t p = 0; p < interaction->card.n_parameter; p++)
        for (int l = 0; l < CEV_LANES; l++) block[p][l] = theta[p];
    interaction->coefficients(nucleus, flavour, block, out);
    for (size_t k = 0; k < interaction->n_term; k++) {
        coefficient[k] = out[k][0];
        for (int l = 1; l < CEV_LANES; l++) assert_same_bits(out[k][l], coefficient[k]);
    }
}

static size_t wilson(int current, char quark, size_t flavour, bool scale)
{
    char name[64];
    snprintf(name, sizeof name, "%sC%d_%c_%s", scale ? "lambda_" : "", current, quark, flavours[flavour]);
    return parameter_of(eft, name);
}

static size_t coupling(char quark, size_t flavour)
{
    char name[64];
    snprintf(name, sizeof name, "eps_%s%s_%cV", flavours[flavour], flavours[flavour], quark);
    return parameter_of(nsi, name);
}

/* eps = -C1/(sqrt(2) G_F): the vector terms of both interactions are one. */
static void vector_part_is_that_of_nsi(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    for (int k = 0; k < 200; k++) {
        double of_eft[CEV_MAX_MODEL_PARAMETERS], of_nsi[CEV_MAX_MODEL_PARAMETERS], c[CEV_MAX_TERMS], d[CEV_MAX_TERMS];
        defaults(eft, of_eft);
        defaults(nsi, of_nsi);
        for (size_t f = 0; f < CEV_N_FLAVOURS; f++)
            for (int q = 0; q < 2; q++) {
                double eps = uniform(r, -1, 1);
                of_nsi[coupling("ud"[q], f)] = eps;
                of_eft[wilson(1, "ud"[q], f, false)] = -sqrt(2) * fermi_per_GeV2 * eps;
            }
        for (int f = 0; f < CEV_N_FLAVOURS; f++)
            for (int n = 0; n < 2; n++) {
                evaluate(eft, n ? &iodine : &cs, (cev_flavour)f, of_eft, c);
                evaluate(nsi, n ? &iodine : &cs, (cev_flavour)f, of_nsi, d);
                for (size_t t = 0; t < N_VECTOR; t++) assert_close(c[t], d[t], 2e-12 * (fabs(d[t]) + 100));
            }
    }
    gsl_rng_free(r);
}

static void vector_factors_and_kinematics_are_those_of_nsi(void **state)
{
    (void)state;
    double of_eft[CEV_MAX_MODEL_PARAMETERS], of_nsi[CEV_MAX_MODEL_PARAMETERS];
    cev_form_factor f = form_factor_called("responses");
    defaults(eft, of_eft);
    defaults(nsi, of_nsi);
    for (int recoil_term = 0; recoil_term < 2; recoil_term++) {
        of_eft[parameter_of(eft, "recoil_term")] = of_nsi[parameter_of(nsi, "recoil_term")] = recoil_term;
        for (size_t t = 0; t < N_VECTOR; t++)
            for (double recoil = 0.3; recoil < 30; recoil *= 1.4)
                for (double energy = 5; energy < 53; energy += 9)
                    assert_same_bits(cev_cross_section_cm2_per_keV(eft, t, &cs, &f, energy, recoil, of_eft),
                                     cev_cross_section_cm2_per_keV(nsi, t, &cs, &f, energy, recoil, of_nsi));
    }
}

/* The cross section as arXiv:2409.04703 writes it, from Wilson coefficients in GeV^-2 to cm^2 per keV. */
static double written_out(const cev_nucleus *nucleus, const double c1[2], const double c2[2], double kappa,
                          double energy, double recoil_MeV)
{
    cev_form_factor form = form_factor_called("responses");
    cev_nuclear_response w = cev_coherent_at_recoil(&form, nucleus, recoil_MeV * 1e3),
                         s = cev_axial_at_recoil(&form, nucleus, recoil_MeV * 1e3);
    double z = nucleus->protons, n = nucleus->neutrons, m = nucleus->mass_u * 931.49410242,
           hbarc = 197.3269804e-13 /* MeV cm */;
    double p1 = 2 * c1[0] + c1[1], n1 = c1[0] + 2 * c1[1];
    double p2 = 2 * (0.897 * c2[0] - 0.376 * c2[1]), n2 = 2 * (-0.376 * c2[0] + 0.897 * c2[1]);
    double vector = p1 * p1 * z * z * w.pp + 2 * p1 * n1 * z * n * w.pn + n1 * n1 * n * n * w.nn;
    double axial = p2 * p2 * s.pp + 2 * p2 * n2 * s.pn + n2 * n2 * s.nn;
    double slope = m * recoil_MeV / (2 * energy * energy), t = recoil_MeV / energy;
    double per_MeV3 = m / (2 * M_PI) * fmax(1 - t - slope, 0) * vector +
                      kappa * m / (8 * M_PI) * (1 - t + slope) * axial;
    return per_MeV3 * 1e-12 * hbarc * hbarc * 1e-3;
}

static void cross_section_is_that_of_the_paper(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(2);
    cev_form_factor f = form_factor_called("responses");
    for (int k = 0; k < 300; k++) {
        double theta[CEV_MAX_MODEL_PARAMETERS], c[CEV_MAX_TERMS], new1[2], new2[2];
        int flavour = k % CEV_N_FLAVOURS;
        defaults(eft, theta);
        double kappa = theta[parameter_of(eft, "kappa")] = k % 3 ? uniform(r, 0, 1) : 0.5;
        for (int q = 0; q < 2; q++) {
            double sign = q ? 1 : -1, g = fermi_per_GeV2 / sqrt(2);
            new1[q] = theta[wilson(1, "ud"[q], (size_t)flavour, false)] = g * uniform(r, -2, 2);
            new2[q] = theta[wilson(2, "ud"[q], (size_t)flavour, false)] = g * uniform(r, -50, 50);
            new1[q] += sign * g * (1 - (q ? 4.0 : 8.0) / 3 * sin2);
            new2[q] -= sign * g;
        }
        const cev_nucleus *nucleus = k & 1 ? &cs : &iodine;
        double energy = uniform(r, 10, 52),
               recoil = uniform(r, 0.01, 0.99) *
                        cev_recoil_max_MeV(CEV_LIMIT_EXACT, cev_nucleus_mass_MeV(nucleus), energy),
               sum = 0;
        evaluate(eft, nucleus, (cev_flavour)flavour, theta, c);
        for (size_t t = 0; t < N_TERM; t++)
            sum += c[t] * cev_cross_section_cm2_per_keV(eft, t, nucleus, &f, energy, recoil * 1e3, theta);
        assert_relative(sum, written_out(nucleus, new1, new2, kappa, energy, recoil), 1e-9);
    }
    gsl_rng_free(r);
}

/* Lambda adds sign(Lambda)/Lambda^2 to C. */
static void scales_are_coefficients(void **state)
{
    (void)state;
    const double lambda[] = {-1e9, -4000, -390, -10, -0.5, 0.5, 12, 44.7, 407, 1500, 1e9};
    for (size_t k = 0; k < LENGTH(lambda); k++)
        for (int current = 1; current <= 2; current++)
            for (size_t f = 0; f < CEV_N_FLAVOURS; f++)
                for (int q = 0; q < 2; q++) {
                    double by_scale[CEV_MAX_MODEL_PARAMETERS], direct[CEV_MAX_MODEL_PARAMETERS], a[CEV_MAX_TERMS],
                        b[CEV_MAX_TERMS];
                    defaults(eft, by_scale);
                    defaults(eft, direct);
                    by_scale[wilson(current, "ud"[q], f, true)] = lambda[k];
                    direct[wilson(current, "ud"[q], f, false)] = copysign(1 / (lambda[k] * lambda[k]), lambda[k]);
                    evaluate(eft, &cs, (cev_flavour)f, by_scale, a);
                    evaluate(eft, &cs, (cev_flavour)f, direct, b);
                    for (size_t t = 0; t < N_TERM; t++) assert_same_bits(a[t], b[t]);
                    if (fabs(lambda[k]) > 1e8) continue;
                    for (size_t other = 0; other < CEV_N_FLAVOURS; other++) {
                        double sm[CEV_MAX_MODEL_PARAMETERS], c[CEV_MAX_TERMS], changed = 0;
                        defaults(eft, sm);
                        evaluate(eft, &cs, (cev_flavour)other, sm, b);
                        evaluate(eft, &cs, (cev_flavour)other, by_scale, c);
                        for (size_t t = 0; t < N_VECTOR; t++) assert_true(current == 1 || c[t] == b[t]);
                        for (size_t t = N_VECTOR; t < N_TERM; t++) assert_true(current == 2 || c[t] == b[t]);
                        for (size_t t = 0; t < N_TERM; t++) changed += c[t] != b[t];
                        assert_true((changed > 0) == (other == f));
                    }
                }
}

/* kappa multiplies the axial terms and nothing else. */
static void kappa_scales_the_axial_rate(void **state)
{
    (void)state;
    double theta[CEV_MAX_MODEL_PARAMETERS], half[CEV_MAX_TERMS], c[CEV_MAX_TERMS];
    defaults(eft, theta);
    assert_true(theta[parameter_of(eft, "kappa")] == 0.5);
    evaluate(eft, &cs, CEV_FLAVOUR_E, theta, half);
    const double kappa[] = {0, 0.25, 1};
    for (size_t k = 0; k < LENGTH(kappa); k++) {
        theta[parameter_of(eft, "kappa")] = kappa[k];
        evaluate(eft, &cs, CEV_FLAVOUR_E, theta, c);
        for (size_t t = 0; t < N_VECTOR; t++) assert_same_bits(c[t], half[t]);
        for (size_t t = N_VECTOR; t < N_TERM; t++) assert_same_bits(c[t], half[t] * kappa[k] / 0.5);
    }
}

/* The weak charge is -N/2 or so: C1_u > 0 makes it larger, C1_u < 0 smaller, none, and as large again with the other
 * sign. */
static void signs_are_those_of_the_paper(void **state)
{
    (void)state;
    double theta[CEV_MAX_MODEL_PARAMETERS], sm[CEV_MAX_TERMS], c[CEV_MAX_TERMS];
    double g = fermi_per_GeV2 / sqrt(2);
    defaults(eft, theta);
    evaluate(eft, &cs, CEV_FLAVOUR_E, theta, sm);
    double q_sm = sm[0], z = 55, n = 78, charge = z * (0.5 - 2 * sin2) - n * 0.5;
    assert_relative(q_sm, charge * charge, 1e-12);
    double mirror = 2 * charge * sqrt(2) * fermi_per_GeV2 / (2 * z + n); /* C1_u < 0 that flips the charge */
    assert_true(mirror < 0);
    const double c1u[] = {0.1 * g, -0.1 * g, mirror, mirror / 2};
    double square[4];
    for (size_t k = 0; k < 4; k++) {
        theta[wilson(1, 'u', CEV_FLAVOUR_E, false)] = c1u[k];
        evaluate(eft, &cs, CEV_FLAVOUR_E, theta, c);
        square[k] = c[0];
    }
    assert_true(square[0] > q_sm && square[1] < q_sm);
    assert_relative(square[2], q_sm, 1e-12);
    assert_close(square[3], 0, 1e-9);
    assert_relative(1 / sqrt(-mirror), 392.8, 1e-3); /* GeV: bounds on Lambda lie near it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_part_is_that_of_nsi),
        cmocka_unit_test(vector_factors_and_kinematics_are_those_of_nsi),
        cmocka_unit_test(cross_section_is_that_of_the_paper),
        cmocka_unit_test(scales_are_coefficients),
        cmocka_unit_test(kappa_scales_the_axial_rate),
        cmocka_unit_test(signs_are_those_of_the_paper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
