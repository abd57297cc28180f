/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profile: identities, and cases that can be solved by hand. */
#include "fit_problem.h"

static const problem_kind usual = {.most_sigma = 1, .empty_bins = 0, .empty_components = 0.05};

/* --- identities ------------------------------------------------------------------------------------------------- */

static void chi2_at_the_truth_is_exactly_zero(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    static fit_problem p;
    fit_answer answer;
    for (int k = 0; k < 300; k++) {
        int truth = k % CEV_LANES;
        random_problem(r, &usual, &p);
        make_asimov(&p, truth);
        solve(&p, &answer);
        assert_int_equal(answer.status[truth], CEV_POINT_OK);
        assert_true(answer.chi2[truth] == 0);
        for (size_t a = 0; a < p.n_pull; a++) assert_true(answer.pull[truth][a] == 0);
    }
    gsl_rng_free(r);
}

static void profiled_is_not_above_fixed_pulls(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(2);
    static fit_problem p;
    fit_answer answer;
    int compared = 0;
    for (int k = 0; k < 100; k++) {
        random_problem(r, &usual, &p);
        solve(&p, &answer);
        for (int l = 0; l < CEV_LANES; l++)
            for (int probe = 0; probe < 10 && answer.status[l] == CEV_POINT_OK; probe++) {
                long double pull[MOST_PULLS];
                double reach = probe ? log_uniform(r, 1e-6, 1) : 0; /* pulls at zero, then near the minimum */
                for (size_t a = 0; a < p.n_pull; a++)
                    pull[a] = probe ? answer.pull[l][a] + reach * p.sigma[a] * uniform(r, -1, 1) : 0;
                double fixed = (double)value_at(&p, l, pull, 0);
                assert_true(answer.chi2[l] <= fixed + 1e-12 * fmax(1, fixed));
                compared += isfinite(fixed);
            }
    }
    assert_true(compared > 3000);
    gsl_rng_free(r);
}

static void chi2_is_that_of_the_pulls_that_are_returned(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(3);
    static fit_problem p;
    fit_answer answer;
    int compared = 0;
    for (int k = 0; k < 100; k++) {
        random_problem(r, &usual, &p);
        solve(&p, &answer);
        for (int l = 0; l < CEV_LANES; l++) {
            if (answer.status[l] != CEV_POINT_OK) continue;
            long double pull[MOST_PULLS];
            for (size_t a = 0; a < p.n_pull; a++) pull[a] = answer.pull[l][a];
            double there = (double)value_at(&p, l, pull, 0);
            assert_close(answer.chi2[l], there, 1e-11 * fmax(1, there));
            compared++;
        }
    }
    assert_true(compared > 300);
    gsl_rng_free(r);
}

static void neighbours_do_not_change_a_point(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(4);
    static fit_problem p, moved;
    fit_answer before, after;
    for (int k = 0; k < 100; k++) {
        random_problem(r, &usual, &p);
        moved = p;
        int from = (int)whole(r, 0, CEV_LANES - 1), to = (int)whole(r, 0, CEV_LANES - 1);
        for (int l = 0; l < CEV_LANES; l++) /* neighbours that are fine, hopeless or not even numbers */
            for (size_t c = 0; c < p.n_channel; c++)
                for (size_t i = 0; i < p.n_bin[c]; i++)
                    moved.signal[l][c][i] = chance(r, 0.02) ? NAN : chance(r, 0.02) ? -1 : log_uniform(r, 1e-9, 1e9);
        memcpy(moved.signal[to], p.signal[from], sizeof p.signal[from]);
        solve(&p, &before);
        solve(&moved, &after);
        assert_int_equal(after.status[to], before.status[from]);
        assert_same_bits(after.chi2[to], before.chi2[from]);
        for (size_t a = 0; a < p.n_pull && before.status[from] == CEV_POINT_OK; a++)
            assert_same_bits(after.pull[to][a], before.pull[from][a]);
    }
    gsl_rng_free(r);
}

static void repeating_a_fit_gives_the_same_bits(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(5);
    static fit_problem p, other;
    fit_answer one, again;
    random_problem(r, &usual, &p);
    for (int k = 0; k < 30; k++) {
        solve(&p, &one);
        random_problem(r, &usual, &other); /* whatever was in memory */
        solve(&other, &again);
        solve(&p, &again);
        for (int l = 0; l < CEV_LANES; l++) assert_same_bits(again.chi2[l], one.chi2[l]);
    }
    gsl_rng_free(r);
}

/* Channel c of a problem, with the pulls that act on it. */
static fit_problem channel_alone(const fit_problem *p, size_t c)
{
    fit_problem alone = {.n_channel = 1,
                         .n_bin = {p->n_bin[c]},
                         .n_background = {p->n_background[c]},
                         .n_pull = p->n_pull};
    memcpy(alone.sigma, p->sigma, sizeof alone.sigma);
    memcpy(alone.data[0], p->data[c], sizeof alone.data[0]);
    memcpy(alone.background[0], p->background[c], sizeof alone.background[0]);
    for (int l = 0; l < CEV_LANES; l++) memcpy(alone.signal[l][0], p->signal[l][c], sizeof alone.signal[l][0]);
    for (size_t j = 0; j < p->n_link; j++)
        if (p->link[j].channel == c) add_link(&alone, p->link[j].pull, 0, p->link[j].component);
    return alone;
}

/* Every pull of a problem acts on one channel only. */
static void separate_pulls(gsl_rng *r, fit_problem *p)
{
    p->n_pull = MOST_PULLS;
    p->n_link = 0;
    for (size_t a = 0; a < p->n_pull; a++) {
        size_t c = a % p->n_channel;
        p->sigma[a] = log_uniform(r, 0.01, 1);
        add_link(p, a, c, a / p->n_channel % (p->n_background[c] + 1));
    }
}

static void independent_channels_add_up(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(6);
    static fit_problem p, alone;
    fit_answer together, separate;
    for (int k = 0; k < 60; k++) {
        random_problem(r, &usual, &p);
        separate_pulls(r, &p);
        solve(&p, &together);
        assert_int_equal(together.n_group, p.n_channel);
        double sum[CEV_LANES] = {0};
        for (size_t c = 0; c < p.n_channel; c++) {
            alone = channel_alone(&p, c);
            solve(&alone, &separate);
            for (int l = 0; l < CEV_LANES; l++) {
                assert_same_bits(together.group_chi2[c][l], separate.chi2[l]);
                sum[l] += separate.chi2[l];
            }
        }
        for (int l = 0; l < CEV_LANES; l++) assert_same_bits(together.chi2[l], sum[l]);
    }
    gsl_rng_free(r);
}

/* Two channels whose components hang on the same pulls are one longer channel. */
static void channels_that_share_all_pulls_are_one(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(7);
    for (int k = 0; k < 50; k++) {
        double data[10], signal[10], background[10];
        for (size_t i = 0; i < LENGTH(data); i++) {
            data[i] = 1 + floor(uniform(r, 0, 50));
            signal[i] = log_uniform(r, 1, 1e3);
            background[i] = uniform(r, 0, 20);
        }
        fit_problem one = simple(10, data, signal, background), two = simple(4, data, signal, background);
        fit_problem rest = simple(6, data + 4, signal + 4, background + 4);
        two.n_channel = 2;
        two.n_bin[1] = 6;
        two.n_background[1] = 1;
        memcpy(two.data[1], rest.data[0], sizeof two.data[1]);
        memcpy(two.background[1], rest.background[0], sizeof two.background[1]);
        for (int l = 0; l < CEV_LANES; l++) memcpy(two.signal[l][1], rest.signal[l][0], sizeof two.signal[l][1]);
        for (size_t component = 0; component < 2; component++) {
            double sigma = component ? 0.05 : 0.3;
            add_pull(&one, sigma, 0, component);
            add_pull(&two, sigma, 0, component);
            add_link(&two, component, 1, component);
        }
        fit_answer whole_fit, halves;
        solve(&one, &whole_fit);
        solve(&two, &halves);
        assert_int_equal(halves.n_group, 1);
        assert_all_lanes(&halves, whole_fit.chi2[0], 1e-10 * fmax(1, whole_fit.chi2[0]));
        for (size_t a = 0; a < 2; a++) assert_close(halves.pull[0][a], whole_fit.pull[0][a], 1e-7);
    }
    gsl_rng_free(r);
}

/* A shared pull cannot follow two channels that want opposite things; separate pulls can. */
static void a_shared_pull_couples(void **state)
{
    (void)state;
    fit_problem shared = {.n_channel = 2, .n_bin = {1, 1}, .data = {{200}, {50}}}, separate;
    for (int l = 0; l < CEV_LANES; l++) shared.signal[l][0][0] = shared.signal[l][1][0] = 100;
    separate = shared;
    add_pull(&shared, 0.5, 0, 0);
    add_link(&shared, 0, 1, 0);
    add_pull(&separate, 0.5, 0, 0);
    add_pull(&separate, 0.5, 1, 0);
    fit_answer coupled, free_fit;
    solve(&shared, &coupled);
    solve(&separate, &free_fit);
    assert_int_equal(coupled.n_group, 1);
    assert_int_equal(free_fit.n_group, 2);
    /* By hand: 200 (1 + a) - 250 = -4 a (1 + a), so 4 a^2 + 204 a - 50 = 0. */
    double a = (-204 + sqrt(204 * 204 + 4 * 4 * 50)) / 8;
    double expected = cev_poisson_deviance(100 * (1 + a), 200) + cev_poisson_deviance(100 * (1 + a), 50) + 4 * a * a;
    assert_all_lanes(&coupled, expected, 1e-10 * expected);
    assert_close(coupled.pull[0][0], a, 1e-9);
    assert_true(free_fit.chi2[0] < coupled.chi2[0] - 10);
}

/* Pulls on one component add, so their variances do; each takes its share of the sum. */
static void pulls_on_one_component_add_in_quadrature(void **state)
{
    (void)state;
    const double data[] = {12, 30, 7}, signal[] = {40, 50, 60}, background[] = {3, 2, 1};
    fit_problem two = simple(3, data, signal, background), one = two;
    add_pull(&two, 0.3, 0, 0);
    add_pull(&two, 0.4, 0, 0);
    add_pull(&one, 0.5, 0, 0);
    fit_answer double_fit, single;
    solve(&two, &double_fit);
    solve(&one, &single);
    assert_all_lanes(&double_fit, single.chi2[0], 1e-10 * single.chi2[0]);
    assert_close(double_fit.pull[0][0] + double_fit.pull[0][1], single.pull[0][0], 1e-9);
    assert_close(double_fit.pull[0][0] / double_fit.pull[0][1], 0.09 / 0.16, 1e-8);
}

static void a_pull_on_everything_scales_everything(void **state)
{
    (void)state;
    const double data[] = {5, 6, 7}, signal[] = {1, 2, 3}, background[] = {3, 2, 1}, sum[] = {4, 4, 4};
    fit_problem parts = simple(3, data, signal, background), merged = simple(3, data, sum, NULL);
    add_pull(&parts, 0.7, 0, 0);
    add_link(&parts, 0, 0, 1);
    add_pull(&merged, 0.7, 0, 0);
    fit_answer of_parts, of_merged;
    solve(&parts, &of_parts);
    solve(&merged, &of_merged);
    assert_all_lanes(&of_parts, of_merged.chi2[0], 1e-11);
}

/* --- by hand ---------------------------------------------------------------------------------------------------- */

/* min over a of 2 [S (1 + a) - D + D ln(D/(S (1 + a)))] + (a/sigma)^2: a quadratic equation. */
static void one_bin_with_one_pull_is_solved_by_hand(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(8);
    for (int k = 0; k < 500; k++) {
        double d = log_uniform(r, 0.1, 1e4), s = d * log_uniform(r, 1e-3, 1e3), sigma = log_uniform(r, 0.01, 3);
        double v = sigma * sigma, half = (1 + s * v) / 2;
        double a = sqrt(half * half - v * (s - d)) - half;
        if (half > 0) a = -v * (s - d) / (half + sqrt(half * half - v * (s - d))); /* without cancellation */
        fit_problem p = simple(1, &d, &s, NULL);
        add_pull(&p, sigma, 0, 0);
        fit_answer answer;
        solve(&p, &answer);
        double expected = cev_poisson_deviance(s * (1 + a), d) + a * a / v;
        assert_all_lanes(&answer, expected, 1e-10 * fmax(1, expected) + 1e-12 * s);
        assert_close(answer.pull[0][0], a, 1e-8 * fmax(1, fabs(a)));
    }
    gsl_rng_free(r);
}

static void without_pulls_chi2_is_the_deviance(void **state)
{
    (void)state;
    const double data[] = {0, 4, 9, 0}, signal[] = {2, 4, 1e3, 0}, background[] = {0.5, 1, 0, 0};
    fit_problem p = simple(4, data, signal, background);
    fit_answer answer;
    double expected = 0;
    for (size_t i = 0; i < 4; i++) expected += cev_poisson_deviance(signal[i] + background[i], data[i]);
    solve(&p, &answer);
    assert_all_lanes(&answer, expected, 1e-12 * expected);
}

static void without_data_inside_the_region(void **state)
{
    (void)state;
    const double none[] = {0, 0}, signal[] = {3, 5};
    fit_problem p = simple(2, none, signal, NULL);
    add_pull(&p, 0.2, 0, 0); /* min of 16 (1 + a) + (a/0.2)^2 is at a = -0.32 */
    fit_answer answer;
    solve(&p, &answer);
    assert_all_lanes(&answer, 16 - 16 * 16 * 0.04 / 4, 1e-9);
    assert_close(answer.pull[0][0], -0.32, 1e-8);
}

static void without_data_on_the_border(void **state)
{
    (void)state;
    const double none[] = {0, 0}, signal[] = {3, 5};
    fit_problem p = simple(2, none, signal, NULL);
    add_pull(&p, 2, 0, 0); /* the parabola's minimum lies at a = -32; the region ends at a = -1 */
    fit_answer answer;
    solve(&p, &answer);
    assert_all_lanes(&answer, 0.25, 1e-9);
    assert_close(answer.pull[0][0], -1, 1e-6);
}

/* An empty bin with a large expected signal: the least-squares start lies far beyond the border. */
static void without_data_on_the_border_far_away(void **state)
{
    (void)state;
    const double none = 0, signal[] = {1e2, 1e3, 1e4, 1e6};
    for (size_t k = 0; k < LENGTH(signal); k++) {
        fit_problem p = simple(1, &none, &signal[k], NULL);
        add_pull(&p, 0.25, 0, 0);
        fit_answer answer;
        solve(&p, &answer);
        assert_all_lanes(&answer, 16, 1e-8);
    }
}

/* One bin with a count beside one without, as in a quiet detector under a strong coupling. */
static void one_count_beside_an_empty_bin(void **state)
{
    (void)state;
    const double data[] = {1, 0}, signal[] = {100, 300}, background[] = {1, 0.75};
    fit_problem p = simple(2, data, signal, background);
    add_pull(&p, 0.13, 0, 0);
    add_pull(&p, 0.12, 0, 1);
    long double zero[MOST_PULLS] = {0}, slow[MOST_PULLS];
    double expected = slow_minimum(&p, 0, zero, slow);
    fit_answer answer;
    solve(&p, &answer);
    assert_all_lanes(&answer, expected, 1e-9 * expected);
}

static void nothing_expected_and_nothing_seen(void **state)
{
    (void)state;
    const double nothing[] = {0, 0, 0};
    fit_problem p = simple(3, nothing, nothing, nothing);
    add_pull(&p, 0.1, 0, 0);
    add_pull(&p, 0.1, 0, 1);
    fit_answer answer;
    solve(&p, &answer);
    assert_all_lanes(&answer, 0, 0);
    assert_true(answer.pull[0][0] == 0 && answer.pull[0][1] == 0);
}

static void no_signal_leaves_the_background_fit(void **state)
{
    (void)state;
    const double data[] = {12, 8}, nothing[] = {0, 0}, background[] = {9, 9};
    fit_problem with = simple(2, data, nothing, background), only = simple(2, data, background, NULL);
    add_pull(&with, 0.1, 0, 0); /* of the absent signal: does nothing */
    add_pull(&with, 0.3, 0, 1);
    add_pull(&only, 0.3, 0, 0);
    fit_answer both, alone;
    solve(&with, &both);
    solve(&only, &alone);
    assert_all_lanes(&both, alone.chi2[0], 1e-11);
    assert_true(both.pull[0][0] == 0);
    assert_close(both.pull[0][1], alone.pull[0][0], 1e-11);
}

static void no_bins_and_no_channels_are_zero(void **state)
{
    (void)state;
    fit_problem p = {.n_channel = 1}, none = {0};
    add_pull(&p, 0.1, 0, 0);
    fit_answer answer;
    solve(&p, &answer);
    assert_all_lanes(&answer, 0, 0);
    solve(&none, &answer);
    assert_all_lanes(&answer, 0, 0);
}

/* A pull that acts on nothing stays at its central value. */
static void a_pull_without_links_is_zero(void **state)
{
    (void)state;
    const double data = 3, signal = 4;
    fit_problem p = simple(1, &data, &signal, NULL);
    p.n_pull = 2;
    p.sigma[0] = p.sigma[1] = 0.1;
    add_link(&p, 1, 0, 0);
    cev_profile *profile = create_fit(&p);
    cev_profile_scratch *scratch;
    assert_ok(cev_profile_scratch_create(profile, &scratch));
    cev_lanes lanes = signal - (cev_lanes){0}, pull[2] = {7.0 - (cev_lanes){0}, 7.0 - (cev_lanes){0}};
    const cev_lanes *signals[] = {&lanes};
    const double *datas[] = {&data};
    cev_profile_result result = {.pull = pull};
    cev_profile_block(profile, scratch, datas, signals, NULL, NULL, &result);
    assert_true(pull[1][0] != 7.0);
    assert_true(pull[0][0] == 0);
    cev_profile_scratch_destroy(&scratch);
    cev_profile_destroy(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chi2_at_the_truth_is_exactly_zero),
        cmocka_unit_test(profiled_is_not_above_fixed_pulls),
        cmocka_unit_test(chi2_is_that_of_the_pulls_that_are_returned),
        cmocka_unit_test(neighbours_do_not_change_a_point),
        cmocka_unit_test(repeating_a_fit_gives_the_same_bits),
        cmocka_unit_test(independent_channels_add_up),
        cmocka_unit_test(channels_that_share_all_pulls_are_one),
        cmocka_unit_test(a_shared_pull_couples),
        cmocka_unit_test(pulls_on_one_component_add_in_quadrature),
        cmocka_unit_test(a_pull_on_everything_scales_everything),
        cmocka_unit_test(one_bin_with_one_pull_is_solved_by_hand),
        cmocka_unit_test(without_pulls_chi2_is_the_deviance),
        cmocka_unit_test(without_data_inside_the_region),
        cmocka_unit_test(without_data_on_the_border),
        cmocka_unit_test(without_data_on_the_border_far_away),
        cmocka_unit_test(one_count_beside_an_empty_bin),
        cmocka_unit_test(nothing_expected_and_nothing_seen),
        cmocka_unit_test(no_signal_leaves_the_background_fit),
        cmocka_unit_test(no_bins_and_no_channels_are_zero),
        cmocka_unit_test(a_pull_without_links_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
