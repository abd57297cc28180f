/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Form factors: normalisation, radius, and the Helm shape as the transform of a box and a Gaussian. */
#include "unit.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

#include "cevscan/form_factor.h"

static const cev_nucleus cs = {"Cs", 55, 78, 132.91, 4.83, 4.83}, si = {"Si", 14, 14, 27.98, 3.12, 3.12},
                         tiny = {"H", 1, 0, 1, 0.5, 0.5};

static cev_form_factor form_factor(const char *name)
{
    cev_form_factor f = {0};
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++)
        if (!strcmp(cev_form_factor_kinds[k]->card.name, name)) f.kind = cev_form_factor_kinds[k];
    assert_non_null(f.kind);
    cev_parameter_defaults(f.kind->card.parameters, f.kind->card.n_parameter, f.parameter);
    return f;
}

static double value(const char *name, const cev_nucleus *nucleus, double q_per_fm)
{
    cev_form_factor f = form_factor(name);
    cev_nuclear_response r = f.kind->coherent(&f, nucleus, q_per_fm);
    assert_true(r.pp == r.nn && r.pp == r.pn);
    /* The sign of the amplitude shows in its product with that of a nucleus without extension. */
    cev_nucleus small_neutrons = *nucleus;
    small_neutrons.rms_radius_n_fm = 0;
    return f.kind->needs_radius ? copysign(sqrt(r.pp), f.kind->coherent(&f, &small_neutrons, q_per_fm).pn) : sqrt(r.pp);
}

static void every_kind_is_one_at_zero(void **state)
{
    (void)state;
    assert_true(cev_n_form_factor_kinds >= 3);
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++) {
        const char *name = cev_form_factor_kinds[k]->card.name;
        if (cev_form_factor_kinds[k]->knows) continue; /* fits to tables; see nuclear_responses.c */
        assert_true(value(name, &cs, 0) == 1);
        assert_close(value(name, &cs, 1e-6), 1, 1e-10);
    }
}

/* F = 1 - q^2 R^2/6 + O(q^4); the fourth order drops out of the combination of two steps. */
static double radius_squared(const char *name, const cev_nucleus *nucleus)
{
    double q = 0.02, coarse = 6 * (1 - value(name, nucleus, q)) / (q * q);
    double fine = 6 * (1 - value(name, nucleus, q / 2)) / (q * q / 4);
    return (4 * fine - coarse) / 3;
}

static void slope_of_helm_is_the_rms_radius(void **state)
{
    (void)state;
    assert_relative(radius_squared("helm", &cs), 4.83 * 4.83, 1e-6);
    assert_relative(radius_squared("helm", &si), 3.12 * 3.12, 1e-6);
}

static void slope_of_klein_nystrand_is_that_of_sphere_and_yukawa(void **state)
{
    (void)state;
    double radius = 1.23 * cbrt(133), a = 0.7;
    assert_relative(radius_squared("klein_nystrand", &cs), 0.6 * radius * radius + 6 * a * a, 1e-6);
}

static double box_integrand(double r, void *context)
{
    double q = *(double *)context;
    return 3 * r * sin(q * r) / q;
}

/* The transform of a homogeneous sphere, by quadrature, times that of a Gaussian. */
static void helm_is_a_box_folded_with_a_gaussian(void **state)
{
    (void)state;
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(100);
    double s = 0.9, box = sqrt(5.0 / 3 * (4.83 * 4.83 - 3 * s * s)), error;
    for (double q = 0.05; q < 3; q += 0.05) {
        double transform;
        gsl_function f = {.function = box_integrand, .params = &q};
        assert_int_equal(gsl_integration_qag(&f, 0, box, 1e-11, 0, 100, GSL_INTEG_GAUSS61, space, &transform, &error),
                         0);
        assert_close(value("helm", &cs, q), transform / pow(box, 3) * exp(-q * q * s * s / 2), 1e-13);
    }
    gsl_integration_workspace_free(space);
}

static void helm_has_its_first_zero_at_that_of_j1(void **state)
{
    (void)state;
    double box = sqrt(5.0 / 3 * (4.83 * 4.83 - 3 * 0.81)), zero = 4.493409457909064 / box;
    assert_close(value("helm", &cs, zero), 0, 1e-14);
    assert_true(value("helm", &cs, zero * 0.99) > 0);
    assert_true(value("helm", &cs, zero * 1.01) < 0);
}

static void a_nucleus_smaller_than_its_skin_is_all_skin(void **state)
{
    (void)state;
    for (double q = 0; q < 3; q += 0.25) assert_relative(value("helm", &tiny, q), exp(-q * q * 0.81 / 2), 1e-14);
}

/* The series for small arguments meets the closed form. */
static void shapes_are_smooth_where_the_series_ends(void **state)
{
    (void)state;
    double radius = 1.23 * cbrt(133), q = 1e-3 / radius;
    double below = value("klein_nystrand", &cs, q * (1 - 1e-9)), above = value("klein_nystrand", &cs, q * (1 + 1e-9));
    assert_close(below, above, 1e-12);
}

static void point_is_one_everywhere(void **state)
{
    (void)state;
    for (double q = 0; q < 5; q += 0.5) assert_true(value("point", &cs, q) == 1);
}

/* q = sqrt(2 M T): 10 keV on caesium is 49.76 MeV, or 0.2522 per fm. */
static void recoil_energy_gives_the_momentum_transfer(void **state)
{
    (void)state;
    cev_form_factor f = form_factor("helm");
    double f_q, q_MeV = sqrt(2 * 132.91 * 931.49410242 * 10e-3);
    assert_close(q_MeV, 49.76, 0.01);
    f_q = value("helm", &cs, q_MeV / 197.3269804);
    assert_relative(cev_coherent_at_recoil(&f, &cs, 10).nn, f_q * f_q, 1e-13);
    assert_true(cev_coherent_at_recoil(&f, &cs, 0).pp == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_one_at_zero),
        cmocka_unit_test(slope_of_helm_is_the_rms_radius),
        cmocka_unit_test(slope_of_klein_nystrand_is_that_of_sphere_and_yukawa),
        cmocka_unit_test(helm_is_a_box_folded_with_a_gaussian),
        cmocka_unit_test(helm_has_its_first_zero_at_that_of_j1),
        cmocka_unit_test(a_nucleus_smaller_than_its_skin_is_all_skin),
        cmocka_unit_test(shapes_are_smooth_where_the_series_ends),
        cmocka_unit_test(point_is_one_everywhere),
        cmocka_unit_test(recoil_energy_gives_the_momentum_transfer),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
