/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profile: what it says about bad points, and which problems it refuses. */
#include "fit_problem.h"

/* --- bad points ------------------------------------------------------------------------------------------------- */

static fit_problem two_bins_with_pulls(void)
{
    const double data[] = {4, 5}, signal[] = {3, 6}, background[] = {1, 0};
    fit_problem p = simple(2, data, signal, background);
    add_pull(&p, 0.1, 0, 0);
    add_pull(&p, 0.2, 0, 1);
    return p;
}

static void assert_bad_lane(fit_problem *p, int bad, int status)
{
    fit_answer answer;
    fit_problem good = two_bins_with_pulls();
    fit_answer reference;
    solve(p, &answer);
    solve(&good, &reference);
    for (int l = 0; l < CEV_LANES; l++) {
        assert_int_equal(answer.status[l], l == bad ? status : CEV_POINT_OK);
        if (l == bad) {
            assert_true(status == CEV_POINT_IMPOSSIBLE ? answer.chi2[l] == INFINITY : isnan(answer.chi2[l]));
            assert_true(isnan(answer.pull[l][0]) && isnan(answer.pull[l][1]));
        } else {
            assert_same_bits(answer.chi2[l], reference.chi2[l]);
            assert_same_bits(answer.pull[l][1], reference.pull[l][1]);
        }
    }
}

static void data_where_nothing_is_predicted_are_impossible(void **state)
{
    (void)state;
    for (int l = 0; l < CEV_LANES; l++) {
        fit_problem p = two_bins_with_pulls();
        p.signal[l][0][1] = 0; /* and there is no background either */
        assert_bad_lane(&p, l, CEV_POINT_IMPOSSIBLE);
    }
}

static void a_prediction_that_is_no_count_is_invalid(void **state)
{
    (void)state;
    const double bad[] = {NAN, -7, -INFINITY};
    for (int l = 0; l < CEV_LANES; l++)
        for (size_t k = 0; k < LENGTH(bad); k++) {
            fit_problem p = two_bins_with_pulls();
            p.signal[l][0][l % 2] = bad[k];
            assert_bad_lane(&p, l, CEV_POINT_INVALID);
        }
}

static void a_prediction_that_is_no_count_is_invalid_without_pulls(void **state)
{
    (void)state;
    const double data[] = {0, 5}, signal[] = {3, 6};
    fit_problem p = simple(2, data, signal, NULL);
    p.signal[0][0][0] = NAN;
    p.signal[1][0][0] = -1;
    p.signal[2][0][1] = -1;
    p.signal[3][0][1] = 0;
    fit_answer answer;
    solve(&p, &answer);
    const int expected[CEV_LANES] = {CEV_POINT_INVALID, CEV_POINT_INVALID, CEV_POINT_INVALID, CEV_POINT_IMPOSSIBLE,
                                     CEV_POINT_OK,      CEV_POINT_OK,      CEV_POINT_OK,      CEV_POINT_OK};
    for (int l = 0; l < CEV_LANES; l++) assert_int_equal(answer.status[l], expected[l]);
    for (int l = 0; l < 3; l++) assert_true(isnan(answer.chi2[l]));
    assert_true(answer.chi2[3] == INFINITY);
}

/* A negative signal is fine as long as the sum of the components is not. */
static void a_negative_signal_over_background_is_a_point_like_any(void **state)
{
    (void)state;
    const double data[] = {50, 40}, signal[] = {-20, -10}, background[] = {60, 55};
    fit_problem p = simple(2, data, signal, background);
    add_pull(&p, 0.1, 0, 1);
    long double zero[MOST_PULLS] = {0}, slow[MOST_PULLS];
    fit_answer answer;
    solve(&p, &answer);
    assert_all_lanes(&answer, slow_minimum(&p, 0, zero, slow), 1e-10);
}

static void a_point_is_as_bad_as_its_worst_group(void **state)
{
    (void)state;
    for (size_t impossible = 0; impossible < 2; impossible++) {
        fit_problem p = {.n_channel = 2, .n_bin = {1, 1}, .data = {{3}, {3}}};
        for (int l = 0; l < CEV_LANES; l++) p.signal[l][0][0] = p.signal[l][1][0] = 3;
        add_pull(&p, 0.1, 0, 0);
        add_pull(&p, 0.1, 1, 0);
        p.signal[0][impossible][0] = 0;
        p.signal[0][1 - impossible][0] = -1;
        p.signal[1][impossible][0] = 0;
        fit_answer answer;
        solve(&p, &answer);
        assert_int_equal(answer.status[0], CEV_POINT_INVALID);
        assert_true(isnan(answer.chi2[0]));
        assert_int_equal(answer.status[1], CEV_POINT_IMPOSSIBLE);
        assert_true(answer.chi2[1] == INFINITY);
        assert_int_equal(answer.status[2], CEV_POINT_OK);
    }
}

/* --- creation --------------------------------------------------------------------------------------------------- */

static const double counts[] = {1, 2};

static cev_status try_spec(cev_profile_spec spec)
{
    cev_profile *profile;
    cev_status status = cev_profile_create(&spec, &profile);
    assert_int_equal(profile == NULL, status != CEV_OK);
    cev_profile_destroy(&profile);
    assert_null(profile);
    return status;
}

static cev_status try_background(const double *background, size_t n_background)
{
    const cev_channel channel = {.n_bin = 2, .n_background = n_background, .background = background};
    return try_spec((cev_profile_spec){.n_channel = 1, .channel = &channel});
}

static cev_status try_link(cev_pull_link link)
{
    const cev_channel channel = {.n_bin = 2, .n_background = 1, .background = counts};
    const double sigma = 0.1;
    return try_spec((cev_profile_spec){
        .n_channel = 1, .channel = &channel, .n_pull = 1, .sigma = &sigma, .n_link = 1, .link = &link});
}

static void creation_refuses_bad_backgrounds(void **state)
{
    (void)state;
    const double negative[] = {1, -1e-9}, no_number[] = {NAN, 1}, infinite[] = {1, INFINITY};
    double many[2 * CEV_PROFILE_MAX_COMPONENTS] = {0};
    assert_ok(try_background(counts, 1));
    assert_refused(try_background(negative, 1), CEV_E_INPUT, "channel 0 is negative");
    assert_refused(try_background(no_number, 1), CEV_E_INPUT, "not finite");
    assert_refused(try_background(infinite, 1), CEV_E_INPUT, "not finite");
    assert_ok(try_background(many, CEV_PROFILE_MAX_COMPONENTS - 1));
    assert_refused(try_background(many, CEV_PROFILE_MAX_COMPONENTS), CEV_E_INPUT, "at most 15");
}

static void creation_refuses_bad_pulls(void **state)
{
    (void)state;
    double sigma[CEV_PROFILE_MAX_PULLS + 1];
    for (size_t p = 0; p < LENGTH(sigma); p++) sigma[p] = 0.1;
    assert_ok(try_spec((cev_profile_spec){.n_pull = CEV_PROFILE_MAX_PULLS, .sigma = sigma}));
    assert_refused(try_spec((cev_profile_spec){.n_pull = CEV_PROFILE_MAX_PULLS + 1, .sigma = sigma}), CEV_E_INPUT,
                   "at most 64");
    const double bad[] = {0, -0.1, NAN, INFINITY, 1e-200, 1e200};
    for (size_t k = 0; k < LENGTH(bad); k++) {
        sigma[3] = bad[k];
        assert_refused(try_spec((cev_profile_spec){.n_pull = 5, .sigma = sigma}), CEV_E_INPUT, "pull 3");
    }
}

static void creation_refuses_links_to_nowhere(void **state)
{
    (void)state;
    assert_ok(try_link((cev_pull_link){0, 0, 0, 0, 0}));
    assert_ok(try_link((cev_pull_link){0, 0, 1, 0, 0}));
    assert_refused(try_link((cev_pull_link){1, 0, 0, 0, 0}), CEV_E_INPUT, "link 0 points nowhere");
    assert_refused(try_link((cev_pull_link){0, 1, 0, 0, 0}), CEV_E_INPUT, "link 0 points nowhere");
    assert_refused(try_link((cev_pull_link){0, 0, 2, 0, 0}), CEV_E_INPUT, "link 0 points nowhere");
}

static void creation_copies_backgrounds(void **state)
{
    (void)state;
    const double data = 5, signal = 2, background = 3;
    fit_problem p = simple(1, &data, &signal, &background);
    cev_profile *profile = create_fit(&p);
    memset(&p.background, 0, sizeof p.background);
    cev_profile_scratch *scratch;
    assert_ok(cev_profile_scratch_create(profile, &scratch));
    cev_lanes lanes = signal - (cev_lanes){0};
    const cev_lanes *signals[] = {&lanes};
    const double *datas[] = {&data};
    cev_profile_result result = {.pull = NULL}; /* neither pulls nor groups wanted */
    cev_profile_block(profile, scratch, datas, signals, NULL, NULL, &result);
    assert_true(result.chi2[0] == 0);
    cev_profile_scratch_destroy(&scratch);
    cev_profile_destroy(&profile);
}

static void groups_follow_the_shared_pulls(void **state)
{
    (void)state;
    fit_problem p = {.n_channel = 4, .n_bin = {1, 1, 1, 1}, .n_pull = 2, .sigma = {0.1, 0.1}};
    add_link(&p, 0, 3, 0); /* 1 and 3 together, through pull 0 */
    add_link(&p, 0, 1, 0);
    add_link(&p, 1, 2, 0);
    cev_profile *profile = create_fit(&p);
    const size_t expected[] = {0, 1, 2, 1};
    assert_int_equal(cev_profile_n_group(profile), 3);
    for (size_t c = 0; c < 4; c++) assert_int_equal(cev_profile_group_of_channel(profile, c), expected[c]);
    cev_profile_destroy(&profile);
    add_link(&p, 1, 3, 0); /* now 2 hangs on 1 through 3 */
    profile = create_fit(&p);
    assert_int_equal(cev_profile_n_group(profile), 2);
    for (size_t c = 0; c < 4; c++) assert_int_equal(cev_profile_group_of_channel(profile, c), c > 0);
    cev_profile_destroy(&profile);
}

static void destroying_nothing_is_fine(void **state)
{
    (void)state;
    cev_profile *profile = NULL;
    cev_profile_scratch *scratch = NULL;
    cev_profile_destroy(NULL);
    cev_profile_destroy(&profile);
    cev_profile_scratch_destroy(NULL);
    cev_profile_scratch_destroy(&scratch);
    assert_null(profile);
    assert_null(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_where_nothing_is_predicted_are_impossible),
        cmocka_unit_test(a_prediction_that_is_no_count_is_invalid),
        cmocka_unit_test(a_prediction_that_is_no_count_is_invalid_without_pulls),
        cmocka_unit_test(a_negative_signal_over_background_is_a_point_like_any),
        cmocka_unit_test(a_point_is_as_bad_as_its_worst_group),
        cmocka_unit_test(creation_refuses_bad_backgrounds),
        cmocka_unit_test(creation_refuses_bad_pulls),
        cmocka_unit_test(creation_refuses_links_to_nowhere),
        cmocka_unit_test(creation_copies_backgrounds),
        cmocka_unit_test(groups_follow_the_shared_pulls),
        cmocka_unit_test(destroying_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
