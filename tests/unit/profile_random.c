/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profile against a slow minimiser of another kind, on random problems. */
#include "fit_problem.h"

#include "stats/likelihood_lanes.h"

static const double tolerance = 1e-9;

typedef struct tally {
    int ok, impossible, on_border, given_up;
} tally;

static void describe(const fit_problem *p, int lane, const long double *slow, const fit_answer *fast, double expected)
{
    print_error("chi2 %.17g (status %d), slow minimum %.17g, difference %.3g\n", fast->chi2[lane], fast->status[lane],
                expected, fast->chi2[lane] - expected);
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
    /* Corners of several bins without data, ten sigma and more from zero, can be beyond double precision: said, and not
     * wrong. */
    if (fast->status[lane] == CEV_POINT_NOT_CONVERGED && expected > 100) {
        seen->given_up++;
        return;
    }
    bool right = fast->status[lane] == CEV_POINT_OK &&
                 fabs(fast->chi2[lane] - expected) <= tolerance * fmax(1, expected);
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
    tally seen = check_problems(11, 200, (problem_kind){1, 0, 0.01, 0}, false);
    assert_true(seen.ok > 800 && seen.impossible > 50); /* the problems are what they are meant to be */
}

static void profile_finds_the_minimum_of_asimov_problems(void **state)
{
    (void)state;
    tally seen = check_problems(12, 150, (problem_kind){1, 0, 0, 0}, true);
    assert_true(seen.ok == 150 * CEV_LANES);
}

/* In bins without data the pulls may drive the prediction to the border N = 0 of the region; the minimum is there. */
static void profile_finds_the_minimum_with_empty_bins(void **state)
{
    (void)state;
    tally seen = check_problems(13, 150, (problem_kind){1, 0.2, 0.01, 0}, false);
    assert_true(seen.ok > 500 && seen.on_border > 50);
}

static void profile_finds_the_minimum_with_empty_bins_and_wide_pulls(void **state)
{
    (void)state;
    tally seen = check_problems(14, 100, (problem_kind){10, 0.2, 0.01, 0}, false);
    assert_true(seen.ok > 300 && seen.on_border > 20);
}

/* Problems whose corners once held the minimiser fast beside a border, with a decrement that only seemed small. It may
 * give up there, but an answer is a right one. */
static void answers_in_corners_are_right(void **state)
{
    (void)state;
    static fit_problem p;
    fit_answer fast;
    int ok = 0;
    for (unsigned long seed = 18; seed < 20; seed++) {
        gsl_rng *r = random_numbers(seed);
        for (int k = 0; k < 100; k++) {
            random_problem(r, &(problem_kind){10, 0.2, 0.01, 0}, &p);
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
        random_problem(r, &(problem_kind){0.5, 0.2, 0.01, 0}, &p);
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

/* --- shapes ----------------------------------------------------------------------------------------------------- */

static void profile_finds_the_minimum_with_shapes(void **state)
{
    (void)state;
    tally seen = check_problems(31, 200, (problem_kind){1, 0, 0.01, 0.3}, false);
    assert_true(seen.ok > 800 && seen.impossible > 30);
}

/* Shapes that may take away more than there is. */
static void profile_finds_the_minimum_with_strong_shapes(void **state)
{
    (void)state;
    tally seen = check_problems(36, 150, (problem_kind){1, 0.1, 0.01, 3}, false);
    assert_true(seen.ok > 500 && seen.on_border > 30);
}

/* At the truth nothing is left, and no pull moves, whatever the shapes. */
static void nothing_is_left_at_the_truth(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(33);
    static fit_problem p;
    fit_answer fast;
    for (int k = 0; k < 100; k++) {
        random_problem(r, &(problem_kind){1, 0, 0.01, 0.5}, &p);
        make_asimov(&p, 0);
        solve(&p, &fast);
        assert_int_equal(fast.status[0], CEV_POINT_OK);
        assert_close(fast.chi2[0], 0, 1e-12);
        for (size_t a = 0; a < p.n_pull; a++) assert_close(fast.pull[0][a], 0, 1e-9 * p.sigma[a]);
    }
    gsl_rng_free(r);
}

/* A pull in other units is the same pull. */
static void units_of_a_pull_do_not_matter(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(34);
    static fit_problem p, other;
    fit_answer one, two;
    for (int k = 0; k < 60; k++) {
        random_problem(r, &(problem_kind){1, 0, 0, 0.3}, &p);
        if (p.n_pull == 0) continue;
        for (size_t j = p.n_link; j-- > 0;) /* pull 0 acts on shapes alone */
            if (p.link[j].pull == 0 && p.link[j].component <= p.n_background[p.link[j].channel])
                p.link[j] = p.link[--p.n_link];
        other = p;
        double unit = log_uniform(r, 1e-7, 1e7);
        other.sigma[0] *= unit;
        for (size_t j = 0; j < p.n_link; j++)
            for (int l = 0; l < CEV_LANES && p.link[j].pull == 0; l++)
                for (size_t i = 0; i < MOST_BINS; i++)
                    other.shape[l][p.link[j].channel][p.link[j].component - 1 - p.n_background[p.link[j].channel]][i] /=
                        unit;
        solve(&p, &one);
        solve(&other, &two);
        for (int l = 0; l < CEV_LANES; l++) {
            assert_int_equal(one.status[l], two.status[l]);
            if (one.status[l] != CEV_POINT_OK) continue;
            assert_close(two.chi2[l], one.chi2[l], 1e-8 * fmax(1, one.chi2[l]));
            assert_close(two.pull[l][0] / unit, one.pull[l][0], 1e-4 * p.sigma[0]);
        }
    }
    gsl_rng_free(r);
}

/* Gaussian channels are linear still, and their shapes count where nothing is expected, too. */
static void profile_solves_linear_problems_with_shapes(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(35);
    static fit_problem p;
    fit_answer fast;
    tally seen = {0};
    for (int k = 0; k < 60; k++) {
        random_problem(r, &(problem_kind){1, 0, 0.01, 0.5}, &p);
        for (size_t c = 0; c < p.n_channel; c++) {
            p.gaussian[c] = 1;
            for (size_t i = 0; i < p.n_bin[c]; i++) p.variance[c][i] = 1 + p.data[c][i];
            for (size_t s = 0; s < p.n_shape[c]; s++) p.shape[0][c][s][0] += 1;
        }
        solve(&p, &fast);
        check_lane(&p, 0, &fast, &seen);
    }
    assert_true(seen.ok == 60);
    gsl_rng_free(r);
}

/* What is expected is what is expected without pulls: a shape that takes away all of it hides no bin from the barrier.
 */
static void shapes_are_not_expected(void **state)
{
    (void)state;
    const double data = 0, background = 2;
    const double signal[2][CEV_LANES] = {{3, 3, 3, 3, 3, 3, 3, 3}, {-50, -50, -50, -50, -50, -50, -50, -50}};
    const lanes kept[3] = {lanes_set(1), lanes_set(1), lanes_set(0)},
                emptied[3] = {lanes_set(1), lanes_set(1), lanes_set(0.1)};
    const channel_counts c =
        {.n_bin = 1, .n_background = 1, .n_shape = 1, .data = &data, .background = &background, .signal = *signal};
    assert_close(expected_counts(&c, 3, 0)[0], 5, 0);
    assert_close(predicted_counts(&c, 3, kept, 0)[0], 5, 0);
    assert_close(predicted_counts(&c, 3, emptied, 0)[0], 0, 1e-15);
    assert_true(near_nothing(&c, 3, 0, emptied)[0] && !near_nothing(&c, 3, 0, kept)[0]);
    assert_true(barrier_counts(&c, 3, 0, lanes_set(1e-14))[0] == BARRIER_COUNTS);
}

static void shapes_are_components(void **state)
{
    (void)state;
    cev_profile *profile;
    const double sigma = 1;
    cev_channel channel = {.n_bin = 1, .n_background = 0, .n_shape = 1};
    cev_pull_link link = {0, 0, 1, 0, 0};
    cev_profile_spec spec =
        {.n_channel = 1, .channel = &channel, .n_pull = 1, .sigma = &sigma, .n_link = 1, .link = &link};
    assert_ok(cev_profile_create(&spec, &profile));
    cev_profile_destroy(&profile);
    link.component = 2;
    assert_refused(cev_profile_create(&spec, &profile), CEV_E_INPUT, "points nowhere");
    channel.n_shape = CEV_PROFILE_MAX_COMPONENTS;
    assert_refused(cev_profile_create(&spec, &profile), CEV_E_INPUT, "at most 15");
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
        cmocka_unit_test(profile_finds_the_minimum_with_shapes),
        cmocka_unit_test(profile_finds_the_minimum_with_strong_shapes),
        cmocka_unit_test(nothing_is_left_at_the_truth),
        cmocka_unit_test(units_of_a_pull_do_not_matter),
        cmocka_unit_test(profile_solves_linear_problems_with_shapes),
        cmocka_unit_test(shapes_are_not_expected),
        cmocka_unit_test(shapes_are_components),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
