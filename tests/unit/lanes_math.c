/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic on lanes: the logarithm against the C library's in long double. */
#include "unit.h"

#include <float.h>

#include "stats/lanes_math.h"

static const double most_ulp = 1.5;

/* Of all lanes; `x` may differ from lane to lane. */
static void check_log(lanes x)
{
    lanes y = lanes_log(x);
    for (int l = 0; l < LANES; l++) {
        long double exact = logl((long double)x[l]);
        double ulp = nextafter(fabs((double)exact), INFINITY) - fabs((double)exact);
        double error = (double)fabsl((long double)y[l] - exact) / ulp;
        if (!(error <= most_ulp)) fail_msg("ln(%a) is %a, off by %.3g ulp", x[l], y[l], error);
    }
}

static void log_of_one_is_exactly_zero(void **state)
{
    (void)state;
    lanes y = lanes_log(lanes_set(1));
    for (int l = 0; l < LANES; l++) assert_same_bits(y[l], 0.0);
}

static void log_is_right_over_the_whole_range(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    for (int exponent = DBL_MIN_EXP - 1; exponent < DBL_MAX_EXP; exponent++)
        for (int k = 0; k < 40; k++) {
            lanes x;
            for (int l = 0; l < LANES; l++) x[l] = ldexp(1 + gsl_rng_uniform(r), exponent);
            check_log(x);
        }
    gsl_rng_free(r);
}

static void log_is_right_near_one(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(2);
    for (int k = 0; k < 20000; k++) {
        lanes x;
        for (int l = 0; l < LANES; l++) x[l] = 1 + (l % 2 ? 1 : -1) * log_uniform(r, DBL_EPSILON, 0.5);
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
        lanes x;
        for (int l = 0; l < LANES; l++) x[l] = log_uniform(r, 1e-300, 1e300);
        lanes together = lanes_log(x);
        for (int l = 0; l < LANES; l++) {
            lanes alone = lanes_log(lanes_set(x[l]));
            assert_same_bits(together[l], alone[(l + k) % LANES]);
        }
    }
    gsl_rng_free(r);
}

static void select_and_any_go_lane_by_lane(void **state)
{
    (void)state;
    for (int one = 0; one < LANES; one++) {
        lanes_mask mask = {0};
        assert_false(lanes_any(mask));
        mask[one] = -1;
        assert_true(lanes_any(mask));
        lanes chosen = lanes_select(mask, lanes_set(NAN), lanes_set(-0.0));
        for (int l = 0; l < LANES; l++)
            if (l == one)
                assert_true(isnan(chosen[l]));
            else
                assert_same_bits(chosen[l], lanes_set(-0.0)[l]);
    }
}

static void sqrt_is_that_of_the_library(void **state)
{
    (void)state;
    const double value[] = {0, 1, 2, 1e-300, 1e300, INFINITY, 0.1, -1};
    for (size_t k = 0; k < LENGTH(value); k++) {
        lanes x = lanes_set(7);
        x[k % LANES] = value[k];
        lanes y = lanes_sqrt(x);
        if (value[k] < 0)
            assert_true(isnan(y[k % LANES]));
        else
            assert_same_bits(y[k % LANES], sqrt(value[k]));
    }
}

static lanes log_ratio(lanes x, double y)
{
    lanes_ratio r = lanes_reduce_ratio(x, y, 1 / y);
    return lanes_log_of_ratio(r, 1.0 / r.q);
}

/* Of ratios near one, where ln(x/y) by way of the ratio has lost its digits, and far from it. */
static void log_of_a_ratio_is_right(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(4);
    for (int k = 0; k < 40000; k++) {
        double y = log_uniform(r, 1e-150, 1e150);
        lanes x;
        for (int l = 0; l < LANES; l++)
            x[l] = k % 2 ? y * (1 + (l % 2 ? 1 : -1) * log_uniform(r, DBL_EPSILON, 0.5))
                         : log_uniform(r, 1e-150, 1e150);
        lanes ratio = log_ratio(x, y);
        for (int l = 0; l < LANES; l++) {
            long double ratio_exactly = (long double)x[l] / (long double)y;
            long double exact = k % 2 ? log1pl(((long double)x[l] - (long double)y) / (long double)y)
                                      : logl(ratio_exactly);
            assert_close(ratio[l], (double)exact, 4 * DBL_EPSILON * fabs((double)exact));
        }
        lanes one = log_ratio(lanes_set(y), y);
        for (int l = 0; l < LANES; l++) assert_true(one[l] == 0);
    }
    gsl_rng_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_of_one_is_exactly_zero), cmocka_unit_test(log_is_right_over_the_whole_range),
        cmocka_unit_test(log_is_right_near_one),      cmocka_unit_test(log_is_right_at_its_seams),
        cmocka_unit_test(log_does_not_mix_lanes),     cmocka_unit_test(select_and_any_go_lane_by_lane),
        cmocka_unit_test(log_of_a_ratio_is_right),    cmocka_unit_test(sqrt_is_that_of_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
