/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic on lanes: the logarithm against the C library's in long double. */
#include "unit.h"

#include <float.h>

#include "stats/lanes_math.h"

static const double most_ulp = 1.5;

/* Of all lanes; `x` may differ from lane to lane. */
static void check_log(cev_lanes x)
{
    cev_lanes y = lanes_log(x);
    for (int l = 0; l < CEV_LANES; l++) {
        long double exact = logl((long double)x[l]);
        double ulp = nextafter(fabs((double)exact), INFINITY) - fabs((double)exact);
        double error = (double)fabsl((long double)y[l] - exact) / ulp;
        if (!(error <= most_ulp)) fail_msg("ln(%a) is %a, off by %.3g ulp", x[l], y[l], error);
    }
}

static void log_of_one_is_exactly_zero(void **state)
{
    (void)state;
    cev_lanes y = lanes_log(lanes_set(1));
    for (int l = 0; l < CEV_LANES; l++) assert_same_bits(y[l], 0.0);
}

static void log_is_right_over_the_whole_range(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    for (int exponent = DBL_MIN_EXP - 1; exponent < DBL_MAX_EXP; exponent++)
        for (int k = 0; k < 40; k++) {
            cev_lanes x;
            for (int l = 0; l < CEV_LANES; l++) x[l] = ldexp(1 + gsl_rng_uniform(r), exponent);
            check_log(x);
        }
    gsl_rng_free(r);
}

static void log_is_right_near_one(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(2);
    for (int k = 0; k < 20000; k++) {
        cev_lanes x;
        for (int l = 0; l < CEV_LANES; l++) x[l] = 1 + (l % 2 ? 1 : -1) * log_uniform(r, DBL_EPSILON, 0.5);
        check_log(x);
    }
    gsl_rng_free(r);
}

/* Where the exponent of the reduction changes, and at the ends of the normal numbers. */
static void log_is_right_at_its_seams(void **state)
{
    (void)state;
    const double seam[] = {sqrt(0.5), sqrt(2), 1, 2, 0.5, 4 * sqrt(0.5), 1024, DBL_MIN, DBL_MAX};
    for (size_t k = 0; k < LENGTH(seam); k++) {
        double below = seam[k], above = seam[k];
        for (int step = 0; step < 50; step++) {
            check_log(lanes_set(below));
            check_log(lanes_set(above));
            if (below > DBL_MIN) below = nextafter(below, 0);
            if (above < DBL_MAX) above = nextafter(above, INFINITY);
        }
    }
}

static void log_does_not_mix_lanes(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(3);
    for (int k = 0; k < 1000; k++) {
        cev_lanes x;
        for (int l = 0; l < CEV_LANES; l++) x[l] = log_uniform(r, 1e-300, 1e300);
        cev_lanes together = lanes_log(x);
        for (int l = 0; l < CEV_LANES; l++) {
            cev_lanes alone = lanes_log(lanes_set(x[l]));
            assert_same_bits(together[l], alone[(l + k) % CEV_LANES]);
        }
    }
    gsl_rng_free(r);
}

static void select_and_any_go_lane_by_lane(void **state)
{
    (void)state;
    for (int one = 0; one < CEV_LANES; one++) {
        cev_lanes_mask mask = {0};
        assert_false(lanes_any(mask));
        mask[one] = -1;
        assert_true(lanes_any(mask));
        cev_lanes chosen = lanes_select(mask, lanes_set(NAN), lanes_set(-0.0));
        for (int l = 0; l < CEV_LANES; l++)
            if (l == one)
                assert_true(isnan(chosen[l]));
            else
                assert_same_bits(chosen[l], lanes_set(-0.0)[l]);
    }
}

static void sqrt_is_that_of_the_library(void **state)
{
    (void)state;
    cev_lanes x = {0, 1, 2, 1e-300, 1e300, INFINITY, 0.1, -1}, y = lanes_sqrt(x);
    for (int l = 0; l < 7; l++) assert_same_bits(y[l], sqrt(x[l]));
    assert_true(isnan(y[7]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_of_one_is_exactly_zero),
        cmocka_unit_test(log_is_right_over_the_whole_range),
        cmocka_unit_test(log_is_right_near_one),
        cmocka_unit_test(log_is_right_at_its_seams),
        cmocka_unit_test(log_does_not_mix_lanes),
        cmocka_unit_test(select_and_any_go_lane_by_lane),
        cmocka_unit_test(sqrt_is_that_of_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
