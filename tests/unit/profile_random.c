/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profile against a slow minimiser of another kind, on random problems. */
#include "fit_problem.h"

static const double tolerance = 1e-9;

typedef struct tally {
    int ok, impossible, on_border, given_up;
} tally;

static void describe(const fit_problem *p, int lane, const long double *slow, const fit_answer *fast, double expected)
{
    print_error("chi2 %.17g (status %d), slow minimum %.17g, difference %.3g\n", fast->chi2[lane], fast->status[lane], expected,
                fast->chi2[lane] - expected);
    for (size_t k = 0; k < p->n_pull; k++)
        print_error("  pull %zu: sigma %.4g, fast %.12g, slow %.12Lg\n", k, p->sigma[k], fast->pull[lane][k], slow[k]);
}

static void check_lane(const fit_problem *p, int lane, const fit_answer *fast, tally *seen)
{
    long double start[MOST_PULLS] = {0}, slow[MOST_PULLS];
    double expected = slow_minimum(p, lane, start, slow);
    if (isinf(expected)) {
        assert_int_equal(fast->status[lane], CEV_POINT_IMPOSSIBLE);
        assert_true(fast->chi2[lane] == INFINITY);
        seen->impossible++;
        return;
    }
    /* Corners of several bins without data, ten sigma and more from zero, can be beyond double precision: said, and not wrong. */
    if (fast->status[lane] == CEV_POINT_NOT_CONVERGED && expected > 100) {
        seen->given_up++;
        return;
    }
    bool right = fast->status[lane] == CEV_POINT_OK && fabs(fast->chi2[lane] - expected) <= tolerance * fmax(1, expected);
    if (!right) describe(p, lane, slow, fast, expected);
    assert_true(right);
    seen->ok++;
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++)
            if (p->data[c][i] == 0 && is_live(p, lane, c, i) && predicted_of(p, lane, slow, c, i) < 1e-9L) {
                seen->on_border++;
                return;
            }
}

static tally check_problems(unsigned long seed, int n, problem_kind kind, bool asimov)
{
    gsl_rng *r = random_numbers(seed);
    static fit_problem p;
    fit_answer fast;
    tally seen = {0};
    for (int k = 0; k < n; k++) {
        random_problem(r, &kind, &p);
        if (asimov) make_asimov(&p, 0);
        solve(&p, &fast);
        for (int l = 0; l < CEV_LANES; l++) check_lane(&p, l, &fast, &seen);
    }
    gsl_rng_free(r);
    assert_true(seen.given_up * 3 <= seen.on_border);
    return seen;
}

static void profile_finds_the_minimum_of_random_problems(void **state)
{
    (void)state;
    tally seen = check_problems(11, 200, (problem_kind){1, 0, 0.01}, false);
    assert_true(seen.ok > 800 && seen.impossible > 50); /* the problems are what they are meant to be */
}

static void profile_finds_the_minimum_of_asimov_problems(void **state)
{
    (void)state;
    tally seen = check_problems(12, 150, (problem_kind){1, 0, 0}, true);
    assert_true(seen.ok == 150 * CEV_LANES);
}

/* In bins without data the pulls may drive the prediction to the border N = 0 of the region; the minimum is there. */
static void profile_finds_the_minimum_with_empty_bins(void **state)
{
    (void)state;
    tally seen = check_problems(13, 150, (problem_kind){1, 0.2, 0.01}, false);
    assert_true(seen.ok > 500 && seen.on_border > 50);
}

static void profile_finds_the_minimum_with_empty_bins_and_wide_pulls(void **state)
{
    (void)state;
    tally seen = check_problems(14, 100, (problem_kind){10, 0.2, 0.01}, false);
    assert_true(seen.ok > 300 && seen.on_border > 20);
}

/* Problems whose corners once held the minimiser fast beside a border, with a decrement that only seemed small. It may give up there, but
 * an answer is a right one. */
static void answers_in_corners_are_right(void **state)
{
    (void)state;
    static fit_problem p;
    fit_answer fast;
    int ok = 0;
    for (unsigned long seed = 18; seed < 20; seed++) {
        gsl_rng *r = random_numbers(seed);
        for (int k = 0; k < 100; k++) {
            random_problem(r, &(problem_kind){10, 0.2, 0.01}, &p);
            solve(&p, &fast);
            for (int l = 0; l < CEV_LANES; l++) {
                tally seen = {0};
                if (fast.status[l] == CEV_POINT_OK) check_lane(&p, l, &fast, &seen);
                ok += seen.ok;
            }
        }
        gsl_rng_free(r);
    }
    assert_true(ok > 1200);
}

/* The slow minimiser must not depend on where it starts, or it would prove nothing. */
static void slow_minimum_does_not_depend_on_the_start(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(14);
    static fit_problem p;
    int compared = 0;
    for (int k = 0; k < 40; k++) {
        random_problem(r, &(problem_kind){0.5, 0.2, 0.01}, &p);
        long double zero[MOST_PULLS] = {0}, start[MOST_PULLS], pull[MOST_PULLS];
        for (size_t a = 0; a < p.n_pull; a++) start[a] = uniform(r, -0.1, 1);
        double one = slow_minimum(&p, 0, zero, pull), other = slow_minimum(&p, 0, start, pull);
        if (isinf(one) || isinf(other)) continue;
        assert_close(other, one, 1e-10 * fmax(1, one));
        compared++;
    }
    assert_true(compared > 20);
    gsl_rng_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_finds_the_minimum_of_random_problems),
        cmocka_unit_test(profile_finds_the_minimum_of_asimov_problems),
        cmocka_unit_test(profile_finds_the_minimum_with_empty_bins),
        cmocka_unit_test(profile_finds_the_minimum_with_empty_bins_and_wide_pulls),
        cmocka_unit_test(answers_in_corners_are_right),
        cmocka_unit_test(slow_minimum_does_not_depend_on_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
