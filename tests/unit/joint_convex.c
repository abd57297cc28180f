/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where chi2 with a pull on its signal is convex, against chords of chi2 itself. */
#include "unit.h"

#include "cevscan/profile.h"
#include "engine/joint_convex.h"

enum { BINS = 3, DRAWS = 20000 };

static const double sigma = 0.1;

static double chi2_at(const double *data, const double *signal, double a)
{
    double sum = a * a / (sigma * sigma);
    for (size_t i = 0; i < BINS; i++) sum += cev_poisson_deviance((1 + a) * signal[i], data[i]);
    return sum;
}

/* The minimum over the pull, by Newton steps; chi2 is convex in it. */
static double least_chi2(const double *data, const double *signal)
{
    double a = 0;
    for (int k = 0; k < 60; k++) {
        double slope = 2 * a / (sigma * sigma), curvature = 2 / (sigma * sigma);
        for (size_t i = 0; i < BINS; i++) {
            slope += 2 * (signal[i] - data[i] / (1 + a));
            curvature += 2 * data[i] / ((1 + a) * (1 + a));
        }
        a = fmax(a - slope / curvature, 0.5 * (a - 1));
    }
    return chi2_at(data, signal, a);
}

/* How many midpoints of chords whose ends have chi2 < u are above the chord. */
static size_t count_above(const double *data, double u)
{
    size_t n = 0;
    srand(3);
    for (size_t k = 0; k < DRAWS; k++) {
        double end[2][BINS], middle[BINS], chi2[2];
        for (int e = 0; e < 2; e++) {
            for (size_t i = 0; i < BINS; i++)
                end[e][i] = fmax(data[i] +
                                     (2 * (double)rand() / RAND_MAX - 0.7) * (5 + 3 * sqrt(data[i]) + 0.3 * data[i]),
                                 1e-6);
            chi2[e] = least_chi2(data, end[e]);
        }
        for (size_t i = 0; i < BINS; i++) middle[i] = 0.5 * (end[0][i] + end[1][i]);
        if (chi2[0] < u && chi2[1] < u) n += least_chi2(data, middle) > 0.5 * (chi2[0] + chi2[1]) + 1e-9;
    }
    return n;
}

static void chords_are_above(void **state)
{
    (void)state;
    static const double data[][BINS] = {{1000, 500, 2000}, {3, 40, 1}, {0.3, 0.5, 20}, {0.02, 5, 100}};
    for (size_t k = 0; k < LENGTH(data); k++) {
        double least = INFINITY;
        for (size_t i = 0; i < BINS; i++) least = fmin(least, data[k][i]);
        assert_int_equal(count_above(data[k], joint_convex_below(sigma, least)), 0);
    }
}

/* With next to no data, chi2 is not convex where it would be with Gaussian counts. */
static void few_counts_bend_chi2(void **state)
{
    (void)state;
    static const double data[BINS] = {1e-4, 1e-4, 1e-4};
    assert_true(count_above(data, 1 / (9 * sigma * sigma)) > 0);
    assert_true(joint_convex_below(sigma, 1e-4) < 0.5);
    assert_true(joint_convex_below(sigma, 0) == 0);
}

static void limits_are_those_of_gaussian_counts(void **state)
{
    (void)state;
    assert_close(joint_convex_below(sigma, 3), 1 / (9 * sigma * sigma), 1e-12);
    double before = 0;
    for (double least = 0.01; least < 4; least *= 2) {
        double u = joint_convex_below(sigma, least);
        assert_true(u >= before);
        before = u;
    }
    assert_true(joint_convex_below(0.2, 0.3) < joint_convex_below(0.1, 0.3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chords_are_above), cmocka_unit_test(few_counts_bend_chi2),
                                       cmocka_unit_test(limits_are_those_of_gaussian_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
