/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must not change the answer of a fit: the level of the code, and where it starts. */
#include "fit_problem.h"

static const problem_kind kinds[] = {{1, 0, 0.01, 0}, {0.5, 0.2, 0.01, 0}, {0.5, 0.5, 0.01, 0}, {1, 0, 0.01, 0.2}};

static void levels_agree_to_the_last_bit(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(21);
    static fit_problem p;
    static fit_answer best, other;
    for (int k = 0; k < 300; k++) {
        random_problem(r, &kinds[k % 4], &p);
        solve(&p, &best);
        for (cev_level level = 0; level < cev_level_best(); level++) {
            solve_from(&p, level, NULL, &other);
            assert_memory_equal(&other, &best, sizeof best);
            solve_from(&p, level, best.variable, &other);
            fit_answer again;
            solve_from(&p, cev_level_best(), best.variable, &again);
            assert_memory_equal(&other, &again, sizeof again);
        }
    }
    gsl_rng_free(r);
}

static void check_same_minimum(const fit_answer *a, const fit_answer *b, double tolerance)
{
    for (int l = 0; l < CEV_LANES; l++) {
        /* Corners of bins without data may be out of reach from one start and not from another. */
        if (a->status[l] == CEV_POINT_NOT_CONVERGED || b->status[l] == CEV_POINT_NOT_CONVERGED) continue;
        assert_int_equal(a->status[l], b->status[l]);
        if (a->status[l] == CEV_POINT_OK) assert_close(a->chi2[l], b->chi2[l], tolerance * fmax(1, fabs(b->chi2[l])));
    }
}

/* From the minimum, from anywhere, and from where there is no region at all. */
static void the_start_does_not_move_the_minimum(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(22);
    static fit_problem p;
    static fit_answer usual, started;
    for (int k = 0; k < 600; k++) {
        cev_lanes start[MOST_PULLS];
        random_problem(r, &kinds[k % 4], &p);
        solve(&p, &usual);
        solve_from(&p, cev_level_best(), usual.variable, &started);
        check_same_minimum(&started, &usual, 1e-9);
        for (size_t v = 0; v < MOST_PULLS; v++)
            for (int l = 0; l < CEV_LANES; l++) start[v][l] = k % 5 ? uniform(r, -0.3, 0.3) : uniform(r, -5, 5);
        solve_from(&p, cev_level_best(), start, &started);
        check_same_minimum(&started, &usual, 2e-9);
    }
    gsl_rng_free(r);
}

static void chi2_at_the_truth_is_zero_from_any_start(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(23);
    static fit_problem p;
    static fit_answer answer;
    for (int k = 0; k < 100; k++) {
        cev_lanes start[MOST_PULLS];
        random_problem(r, &kinds[0], &p);
        make_asimov(&p, 0);
        for (size_t v = 0; v < MOST_PULLS; v++) start[v] = uniform(r, -0.01, 0.01) - (cev_lanes){0};
        solve_from(&p, cev_level_best(), k % 2 ? start : NULL, &answer);
        assert_int_equal(answer.status[0], CEV_POINT_OK);
        assert_true(answer.chi2[0] == 0);
        for (size_t q = 0; q < p.n_pull; q++) assert_true(answer.pull[0][q] == 0);
    }
    gsl_rng_free(r);
}

static void a_level_that_is_not_there_is_refused(void **state)
{
    (void)state;
    fit_problem p = {.n_channel = 1, .n_bin = {1}, .data = {{1}}};
    cev_profile *profile = create_fit(&p);
    for (cev_level level = 0; level < CEV_N_LEVELS; level++)
        assert_int_equal(cev_profile_use_level(profile, level), level > cev_level_best() ? CEV_E_INPUT : CEV_OK);
    cev_profile_destroy(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_agree_to_the_last_bit),
        cmocka_unit_test(the_start_does_not_move_the_minimum),
        cmocka_unit_test(chi2_at_the_truth_is_zero_from_any_start),
        cmocka_unit_test(a_level_that_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
