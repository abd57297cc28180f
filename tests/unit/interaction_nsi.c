/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Non-standard interactions: the weak charge of arXiv:2208.11771, eq. 7, and the shape of the recoil spectrum. */
#include "unit.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

#include "cevscan/interaction.h"

static const cev_nucleus cs = {"Cs", 55, 78, 132.91, 4.83, 4.83}, si = {"Si", 14, 14, 27.98, 3.12, 3.12};
static const cev_interaction *const nsi = &cev_interaction_nsi;
enum { N_COUPLING = 12 };
static const char *const flavour_name[CEV_N_FLAVOURS] = {"e", "mu", "tau"};

/* Index of eps_ab of a quark, whichever way round the flavours are. */
static size_t coupling(size_t a, size_t b, char quark)
{
    char name[64];
    size_t low = a < b ? a : b, high = a < b ? b : a;
    snprintf(name, sizeof name, "eps_%s%s_%cV", flavour_name[low], flavour_name[high], quark);
    size_t p = cev_parameter_index(nsi->card.parameters, nsi->card.n_parameter, name);
    if (p == nsi->card.n_parameter) fail_msg("no parameter %s", name);
    return p;
}

static double charge2(const cev_nucleus *nucleus, size_t flavour, const double *theta)
{
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS], coefficient[CEV_MAX_TERMS];
    for (size_t p = 0; p < nsi->card.n_parameter; p++) block[p] = theta[p] - (cev_lanes){0};
    nsi->coefficients(nucleus, (cev_flavour)flavour, block, coefficient);
    return coefficient[0][0]; /* the whole of it where protons and neutrons are distributed alike */
}

/* Only one coupling differs from zero. */
static double charge2_with(const cev_nucleus *nucleus, size_t flavour, size_t parameter, double eps)
{
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_parameter_defaults(nsi->card.parameters, nsi->card.n_parameter, theta);
    theta[parameter] += eps;
    return charge2(nucleus, flavour, theta);
}

static double standard_charge(const cev_nucleus *nucleus)
{
    return nucleus->protons * (0.5 - 2 * 0.23867) - 0.5 * nucleus->neutrons;
}

static double formula(const cev_nucleus *n, size_t a, const double *theta)
{
    long double sum = 0;
    for (size_t b = 0; b < CEV_N_FLAVOURS; b++) {
        long double u = theta[coupling(a, b, 'u')], d = theta[coupling(a, b, 'd')], standard = a == b;
        long double proton = standard * (0.5L - 2 * 0.23867L) + 2 * u + d, neutron = -0.5L * standard + u + 2 * d;
        long double charge = n->protons * proton + n->neutrons * neutron;
        sum += charge * charge;
    }
    return (double)sum;
}

static void defaults_are_the_standard_model(void **state)
{
    (void)state;
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_parameter_defaults(nsi->card.parameters, nsi->card.n_parameter, theta);
    assert_int_equal(nsi->card.n_parameter, N_COUPLING + 4);
    assert_int_equal(nsi->n_term, 3);
    for (size_t f = 0; f < CEV_N_FLAVOURS; f++) {
        assert_relative(charge2(&cs, f, theta), standard_charge(&cs) * standard_charge(&cs), 1e-13);
        assert_close(sqrt(charge2(&cs, f, theta)), 37.7537, 1e-4); /* 55 * 0.02266 - 39 */
    }
    for (size_t p = 0; p < N_COUPLING; p++) assert_true(theta[p] == 0 && !nsi->card.parameters[p].slow);
    assert_true(theta[N_COUPLING] == 0.23867 && theta[N_COUPLING + 1] == 0);
}

static void charge_is_that_of_the_paper(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    for (int k = 0; k < 1000; k++) {
        double theta[CEV_MAX_MODEL_PARAMETERS];
        cev_parameter_defaults(nsi->card.parameters, nsi->card.n_parameter, theta);
        for (size_t p = 0; p < N_COUPLING; p++) theta[p] = uniform(r, -2, 2);
        for (size_t f = 0; f < CEV_N_FLAVOURS; f++) {
            assert_relative(charge2(&cs, f, theta), formula(&cs, f, theta), 1e-12);
            assert_relative(charge2(&si, f, theta), formula(&si, f, theta), 1e-12);
        }
    }
    gsl_rng_free(r);
}

static void diagonal_couplings_touch_their_flavour_only(void **state)
{
    (void)state;
    const char quark[] = {'u', 'd'};
    for (size_t of = 0; of < CEV_N_FLAVOURS; of++)
        for (size_t k = 0; k < LENGTH(quark); k++)
            for (size_t f = 0; f < CEV_N_FLAVOURS; f++) {
                double with = charge2_with(&cs, f, coupling(of, of, quark[k]), 0.3),
                       without = charge2_with(&cs, f, 0, 0);
                if (f == of)
                    assert_true(fabs(with - without) > 1);
                else
                    assert_same_bits(with, without);
            }
}

static void off_diagonal_couplings_touch_both_flavours_alike(void **state)
{
    (void)state;
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++)
        for (size_t b = 0; b < a; b++)
            for (size_t f = 0; f < CEV_N_FLAVOURS; f++) {
                double gain = charge2_with(&cs, f, coupling(a, b, 'u'), 0.3) - charge2_with(&cs, f, 0, 0);
                double charge = (2 * 55 + 78) * 0.3; /* up quarks times eps */
                assert_close(gain, f == a || f == b ? charge * charge : 0, 1e-9);
            }
}

static void off_diagonal_couplings_are_quadratic(void **state)
{
    (void)state;
    const char quark[] = {'u', 'd'};
    for (size_t k = 0; k < LENGTH(quark); k++) {
        size_t p = coupling(CEV_FLAVOUR_E, CEV_FLAVOUR_MU, quark[k]);
        double none = charge2_with(&cs, CEV_FLAVOUR_E, p, 0), one = charge2_with(&cs, CEV_FLAVOUR_E, p, 0.1);
        assert_same_bits(charge2_with(&cs, CEV_FLAVOUR_E, p, -0.1), one);
        assert_relative(charge2_with(&cs, CEV_FLAVOUR_E, p, 0.2) - none, 4 * (one - none), 1e-12);
    }
}

static void up_and_down_are_alike_where_protons_and_neutrons_are(void **state)
{
    (void)state;
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++)
        for (size_t b = 0; b <= a; b++)
            for (size_t f = 0; f < CEV_N_FLAVOURS; f++) {
                size_t u = coupling(a, b, 'u'), d = coupling(a, b, 'd');
                assert_relative(charge2_with(&si, f, u, 0.17), charge2_with(&si, f, d, 0.17), 1e-14);
                if (f == a && f == b) assert_true(charge2_with(&cs, f, u, 0.17) != charge2_with(&cs, f, d, 0.17));
            }
}

/* The standard charge is negative, so a small positive eps lowers the rate; its mirror image lies at -2 Q/(2 Z + N). */
static void a_small_positive_coupling_lowers_the_rate(void **state)
{
    (void)state;
    size_t p = coupling(CEV_FLAVOUR_E, CEV_FLAVOUR_E, 'u');
    double none = charge2_with(&cs, CEV_FLAVOUR_E, p, 0), mirror = -2 * standard_charge(&cs) / (2 * 55 + 78);
    assert_true(charge2_with(&cs, CEV_FLAVOUR_E, p, 0.05) < none);
    assert_true(charge2_with(&cs, CEV_FLAVOUR_E, p, -0.05) > none);
    assert_close(mirror, 0.4016, 1e-4);
    assert_relative(charge2_with(&cs, CEV_FLAVOUR_E, p, mirror), none, 1e-12);
    assert_close(charge2_with(&cs, CEV_FLAVOUR_E, p, mirror / 2), 0, 1e-20);
}

static void lanes_are_points_of_their_own(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(2);
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS], coefficient[CEV_MAX_TERMS];
    for (size_t p = 0; p < nsi->card.n_parameter; p++)
        for (int l = 0; l < CEV_LANES; l++) block[p][l] = uniform(r, -1, 1);
    nsi->coefficients(&cs, CEV_FLAVOUR_MU, block, coefficient);
    for (int l = 0; l < CEV_LANES; l++) {
        double theta[CEV_MAX_MODEL_PARAMETERS];
        for (size_t p = 0; p < nsi->card.n_parameter; p++) theta[p] = block[p][l];
        assert_same_bits(coefficient[0][l], charge2(&cs, CEV_FLAVOUR_MU, theta));
    }
    gsl_rng_free(r);
}

/* --- shape ------------------------------------------------------------------------------------------------------ */

static cev_form_factor form_factor(const char *name)
{
    cev_form_factor f = {0};
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++)
        if (!strcmp(cev_form_factor_kinds[k]->card.name, name)) f.kind = cev_form_factor_kinds[k];
    assert_non_null(f.kind);
    cev_parameter_defaults(f.kind->card.parameters, f.kind->card.n_parameter, f.parameter);
    return f;
}

static double shape(const char *name, double energy_MeV, double recoil_keV)
{
    cev_form_factor f = form_factor(name);
    double theta[CEV_MAX_MODEL_PARAMETERS] = {0};
    return cev_cross_section_cm2_per_keV(nsi, 0, &cs, &f, energy_MeV, recoil_keV, theta);
}

static void shape_ends_at_the_kinematic_limit(void **state)
{
    (void)state;
    double end = cev_nucleus_recoil_max_keV(&cs, 30);
    assert_relative(end, 2 * 900 / (132.91 * 931.49410242) * 1e3, 1e-14);
    assert_true(shape("helm", 30, end * 0.999) > 0);
    assert_true(shape("helm", 30, end * 1.000001) == 0);
    assert_true(shape("helm", 30, 2 * end) == 0);
}

static double integrand(double recoil_keV, void *context)
{
    return shape("point", *(double *)context, recoil_keV);
}

/* For a point-like nucleus the integral over T is G_F^2 E^2/pi. */
static void integral_over_recoils_is_the_total_cross_section(void **state)
{
    (void)state;
    double g_f = 1.1663787e-11, hbarc_MeV_cm = 197.3269804e-13, total, error;
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(100);
    for (double energy = 5; energy < 53; energy += 6) {
        gsl_function f = {.function = integrand, .params = &energy};
        double end = cev_nucleus_recoil_max_keV(&cs, energy);
        assert_int_equal(gsl_integration_qag(&f, 0, end, 0, 1e-12, 100, GSL_INTEG_GAUSS21, space, &total, &error), 0);
        assert_relative(total, g_f * g_f * energy * energy / 3.14159265358979 * hbarc_MeV_cm * hbarc_MeV_cm, 1e-11);
    }
    gsl_integration_workspace_free(space);
}

static void shape_carries_the_square_of_the_form_factor(void **state)
{
    (void)state;
    cev_form_factor helm = form_factor("helm");
    for (double recoil = 0; recoil < 14; recoil += 0.7) {
        assert_relative(shape("helm", 30, recoil),
                        shape("point", 30, recoil) * cev_coherent_at_recoil(&helm, &cs, recoil).pp, 1e-13);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_standard_model),
        cmocka_unit_test(charge_is_that_of_the_paper),
        cmocka_unit_test(diagonal_couplings_touch_their_flavour_only),
        cmocka_unit_test(off_diagonal_couplings_touch_both_flavours_alike),
        cmocka_unit_test(off_diagonal_couplings_are_quadratic),
        cmocka_unit_test(up_and_down_are_alike_where_protons_and_neutrons_are),
        cmocka_unit_test(a_small_positive_coupling_lowers_the_rate),
        cmocka_unit_test(lanes_are_points_of_their_own),
        cmocka_unit_test(shape_ends_at_the_kinematic_limit),
        cmocka_unit_test(integral_over_recoils_is_the_total_cross_section),
        cmocka_unit_test(shape_carries_the_square_of_the_form_factor),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
