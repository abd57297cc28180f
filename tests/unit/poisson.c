/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Poisson deviance of one bin. */
#include "unit.h"

#include "cevscan/profile.h"

static double exact(double predicted, double observed)
{
    long double n = predicted, d = observed;
    return (double)(2 * (n - d + d * logl(d / n)));
}

static void deviance_is_the_formula(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    for (int k = 0; k < 10000; k++) {
        double d = log_uniform(r, 1e-3, 1e6), n = d * log_uniform(r, 1e-3, 1e3);
        assert_close(cev_poisson_deviance(n, d), exact(n, d), 1e-14 * (n + d + exact(n, d)));
    }
    gsl_rng_free(r);
}

static void deviance_vanishes_only_at_the_data(void **state)
{
    (void)state;
    const double d[] = {1e-6, 0.5, 1, 3, 1e3, 1e9};
    for (size_t k = 0; k < LENGTH(d); k++) {
        assert_true(cev_poisson_deviance(d[k], d[k]) == 0);
        assert_true(cev_poisson_deviance(d[k] * 1.001, d[k]) > 0);
        assert_true(cev_poisson_deviance(d[k] * 0.999, d[k]) > 0);
    }
}

static void deviance_is_that_of_a_gaussian_close_to_large_data(void **state)
{
    (void)state;
    assert_relative(cev_poisson_deviance(1e6 + 100, 1e6), 100.0 * 100 / 1e6, 1e-4);
}

static void deviance_without_data_is_twice_the_prediction(void **state)
{
    (void)state;
    assert_true(cev_poisson_deviance(0, 0) == 0);
    assert_true(cev_poisson_deviance(0.25, 0) == 0.5);
    assert_true(cev_poisson_deviance(1e9, 0) == 2e9);
}

static void deviance_of_an_impossible_bin_is_infinite(void **state)
{
    (void)state;
    assert_true(cev_poisson_deviance(0, 1) == INFINITY);
    assert_true(cev_poisson_deviance(0, 1e-9) == INFINITY);
}

static void deviance_of_an_invalid_prediction_is_not_a_number(void **state)
{
    (void)state;
    assert_true(isnan(cev_poisson_deviance(-1, 1)));
    assert_true(isnan(cev_poisson_deviance(-1e-300, 0)));
    assert_true(isnan(cev_poisson_deviance(NAN, 1)));
    assert_true(isnan(cev_poisson_deviance(NAN, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deviance_is_the_formula),
        cmocka_unit_test(deviance_vanishes_only_at_the_data),
        cmocka_unit_test(deviance_is_that_of_a_gaussian_close_to_large_data),
        cmocka_unit_test(deviance_without_data_is_twice_the_prediction),
        cmocka_unit_test(deviance_of_an_impossible_bin_is_infinite),
        cmocka_unit_test(deviance_of_an_invalid_prediction_is_not_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
