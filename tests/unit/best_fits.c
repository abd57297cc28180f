/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Best fits: known ones, those at walls and in valleys, those of many sets, and the rounds in which they are found. */
#include "best_fit_rig.h"

static double with(const rig *r, double *theta, const char *name, double value)
{
    return theta[rig_parameter(r, name)] = value;
}

/* --- what is known ------------------------------------------------------------------------------------------------ */

static void the_truth_is_the_best_fit_of_a_scan_that_contains_it(void **state)
{
    (void)state;
    rig r;
    double truth[CEV_MAX_THETA];
    rig_open(&r, "ess_csi", "nsi");
    rig_axis(&r, "eps_ee_uV", CEV_SCALE_LINEAR, -0.2, 0.6, 4, 0); /* not on the grid */
    memcpy(truth, r.config->theta, sizeof truth);
    with(&r, truth, "eps_ee_uV", 0.037);
    with(&r, truth, "eps_etau_uV", with(&r, r.job.theta, "eps_etau_uV", 0.1));
    rig_build(&r, truth);
    const bool observed[] = {false, true};
    for (size_t k = 0; k < 2; k++) {
        cev_best_fits *fits;
        assert_ok(cev_best_fits_create(r.c, 1, truth, &observed[k], &fits));
        assert_int_equal(cev_best_fits_n_item(fits), observed[k]);
        assert_ok(rig_search(fits, r.scratch, false));
        const cev_best_fit *fit = cev_best_fits_get(fits, 0, 0);
        assert_close(fit->at[0], 0.037, observed[k] ? 1e-6 : 0);
        assert_close(fit->chi2, 0, observed[k] ? 1e-9 : 0);
        cev_best_fits_destroy(&fits);
    }
    rig_close(&r);
}

/* A fixed parameter that differs from the truth, up or down, takes the truth out of the scan. */
static void a_truth_outside_the_scan_is_not_its_best_fit(void **state)
{
    (void)state;
    const double off[] = {-0.2, 0.2};
    const bool observed = false;
    for (size_t k = 0; k < LENGTH(off); k++) {
        rig r;
        cev_best_fits *fits;
        double truth[CEV_MAX_THETA];
        rig_open(&r, "ess_csi", "nsi");
        rig_axis(&r, "eps_ee_uV", CEV_SCALE_LINEAR, -0.02, 0.02, 5, 0);
        memcpy(truth, r.config->theta, sizeof truth);
        with(&r, truth, "eps_etau_uV", off[k]);
        rig_build(&r, truth);
        assert_ok(cev_best_fits_create(r.c, 1, truth, &observed, &fits));
        assert_int_equal(cev_best_fits_n_item(fits), 1);
        assert_ok(rig_search(fits, r.scratch, false));
        assert_true(cev_best_fits_get(fits, 0, 0)->chi2 > 1e-3);
        cev_best_fits_destroy(&fits);
        rig_close(&r);
    }
}

/* Delta chi2 counts from the minimum within the ranges, where the truth is beyond them, too. */
static void a_truth_beyond_the_range_is_not_its_best_fit(void **state)
{
    (void)state;
    rig r;
    cev_best_fits *fits;
    const bool observed = false;
    rig_open(&r, "ess_csi", "nsi");
    rig_axis(&r, "eps_ee_uV", CEV_SCALE_LINEAR, 0.05, 0.3, 5, 0);
    rig_build(&r, r.config->theta);
    assert_ok(cev_best_fits_create(r.c, 1, r.config->theta, &observed, &fits));
    assert_ok(rig_search(fits, r.scratch, false));
    assert_true(cev_best_fits_get(fits, 0, 0)->chi2 > 1e-3);
    assert_close(cev_best_fits_get(fits, 0, 0)->at[0], 0.05, 0);
    cev_best_fits_destroy(&fits);
    rig_close(&r);
}

/* A coupling that is no number stands for whatever may go wrong in a model to come. */
static void a_scan_without_finite_points_has_no_best_fit(void **state)
{
    (void)state;
    rig r;
    cev_best_fits *fits;
    const bool observed = true;
    size_t set = 9, member = 9;
    rig_open(&r, "ess_csi", "nsi");
    rig_axis(&r, "eps_ee_uV", CEV_SCALE_LINEAR, -0.2, 0.6, 9, 0);
    with(&r, r.job.theta, "eps_mumu_uV", NAN);
    rig_build(&r, r.config->theta);
    assert_ok(cev_best_fits_create(r.c, 1, NULL, &observed, &fits));
    cev_best_fit result;
    assert_ok(cev_best_fits_look(fits, r.scratch, 0, NULL, NULL, &result));
    cev_best_fits_take(fits, 0, &result);
    assert_refused(cev_best_fits_next(fits, &set, &member), CEV_E_NUMERIC, "no point of the scan");
    assert_true(set == 0 && member == 0);
    cev_best_fits_destroy(&fits);
    rig_close(&r);
}

/* --- where minima lie --------------------------------------------------------------------------------------------- */

static void coarse_in_two(rig *r, size_t n)
{
    double truth[CEV_MAX_THETA];
    rig_open(r, "ess_csi,ess_si,ess_ar", "nsi");
    rig_axis(r, "eps_mumu_uV", CEV_SCALE_LINEAR, -0.62, 0.82, n, 0);
    rig_axis(r, "eps_ee_uV", CEV_SCALE_LINEAR, -0.02, 0.565, n, 0);
    memcpy(truth, r->config->theta, sizeof truth);
    with(r, truth, "eps_etau_dV", 0.275);
    with(r, truth, "eps_mumu_dV", 0.175);
    with(r, truth, "eps_mumu_uV", 0.307);
    rig_build(r, truth);
}

static void coarse_in_three(rig *r, size_t n)
{
    double truth[CEV_MAX_THETA];
    rig_open(r, "ess_xe,ess_ge", "nsi");
    rig_axis(r, "eps_etau_dV", CEV_SCALE_LINEAR, -0.5312, 0.7296, n, 0);
    rig_axis(r, "eps_emu_uV", CEV_SCALE_LINEAR, -0.3027, 0.9707, n, 0);
    rig_axis(r, "eps_mumu_uV", CEV_SCALE_LINEAR, -0.0204, 0.161, n, 0);
    memcpy(truth, r->config->theta, sizeof truth);
    with(r, truth, "eps_mumu_dV", 0.2464);
    with(r, truth, "eps_ee_uV", 0.1055);
    with(r, truth, "eps_etau_dV", 1.3288);
    rig_build(r, truth);
}

/* Scans whose best fits once were local minima, other ones for other grids. */
static void the_points_of_the_grid_play_no_role(void **state)
{
    (void)state;
    const size_t n[] = {2, 3, 5, 9, 14, 30};
    double two[LENGTH(n)], three[LENGTH(n)];
    for (size_t k = 0; k < LENGTH(n); k++) {
        rig r;
        coarse_in_two(&r, n[k]);
        two[k] = rig_best_fit(&r, 0).chi2;
        rig_close(&r);
        coarse_in_three(&r, n[k]);
        three[k] = rig_best_fit(&r, 0).chi2;
        rig_close(&r);
        assert_same_bits(two[k], two[0]);
        assert_same_bits(three[k], three[0]);
    }
    assert_close(two[0], 0.1824733158,
                 1e-9); /* of a grid of 1001 x 1001 points, narrowed five times around the lowest */
    assert_close(three[0], 214.149897917,
                 1e-7); /* the lowest that simplexes from each point of a grid of 9 x 9 x 9 find */
}

/* Asimov data of the standard model, whose best fit lies beyond a corner, a face or an edge of the range. */
static void best_fits_lie_on_walls_and_in_corners(void **state)
{
    (void)state;
    static const struct {
        double low[2], high[2], at[2];
        bool at_wall[2];
    } box[] = {
        {{0.05, 0.03}, {0.15, 0.1}, {0.05, 0.03}, {true, true}},
        {{-0.3, -0.3}, {-0.05, -0.06}, {-0.05, -0.06}, {true, true}},
        {{0.02, -0.1}, {0.2, 0.2}, {0.02, 0}, {true, false}},
    };
    const cev_scale scale[] = {CEV_SCALE_LINEAR, CEV_SCALE_SYMLOG};
    for (size_t k = 0; k < 2 * LENGTH(box); k++) {
        rig r;
        const size_t b = k / 2;
        rig_open(&r, "ess_csi,ess_si", "nsi");
        rig_axis(&r, "eps_ee_uV", scale[k % 2], box[b].low[0], box[b].high[0], 5, 0.01);
        rig_axis(&r, "eps_mumu_uV", CEV_SCALE_LINEAR, box[b].low[1], box[b].high[1], 7, 0);
        rig_build(&r, r.config->theta);
        cev_best_fit fit = rig_best_fit(&r, 0);
        for (size_t a = 0; a < 2; a++) {
            if (box[b].at_wall[a]) assert_same_bits(fit.at[a], box[b].at[a]);
            assert_true(fit.at[a] >= box[b].low[a] && fit.at[a] <= box[b].high[a]);
        }
        assert_same_bits(rig_chi2(&r, 0, fit.at), fit.chi2);
        rig_close(&r);
    }
}

/* Counts of a single detector fix one sum of couplings to up and down quarks: the minimum is a line, exactly. */
static void a_long_valley_is_followed_to_its_lowest_point(void **state)
{
    (void)state;
    for (size_t two = 0; two < 2; two++) {
        rig r;
        double truth[CEV_MAX_THETA];
        rig_open(&r, two ? "ess_csi,ess_ge" : "ess_ar", "nsi");
        rig_axis(&r, "eps_ee_uV", CEV_SCALE_LINEAR, -3, 3, 3, 0);
        rig_axis(&r, "eps_ee_dV", CEV_SCALE_LINEAR, -3, 3, 3, 0);
        memcpy(truth, r.config->theta, sizeof truth);
        with(&r, truth, "eps_ee_uV", 1.7321);
        with(&r, truth, "eps_ee_dV", -1.5213);
        rig_build(&r, truth);
        assert_close(rig_best_fit(&r, 0).chi2, 0, 1e-8);
        rig_close(&r);
    }
}

/* The data lie off the scanned plane: the minimum is positive, and not above any point of a fine grid. */
static void the_best_fit_is_not_above_a_fine_grid(void **state)
{
    (void)state;
    rig r;
    double truth[CEV_MAX_THETA], lowest = INFINITY;
    rig_open(&r, "ess_csi,ess_si", "nsi");
    rig_axis(&r, "eps_ee_uV", CEV_SCALE_LINEAR, -0.2, 0.6, 81, 0);
    rig_axis(&r, "eps_mumu_uV", CEV_SCALE_LINEAR, -0.2, 0.6, 81, 0);
    memcpy(truth, r.config->theta, sizeof truth);
    with(&r, truth, "eps_emu_uV", 0.3);
    with(&r, truth, "eps_ee_dV", -0.1);
    rig_build(&r, truth);
    cev_best_fit fit = rig_best_fit(&r, 0);
    for (size_t i = 0; i < 81; i++)
        for (size_t j = 0; j < 81; j++) {
            const double at[] = {r.grid.axis[0].value[i], r.grid.axis[1].value[j]};
            lowest = fmin(lowest, rig_chi2(&r, 0, at));
        }
    assert_true(fit.chi2 > 0 && fit.chi2 <= lowest + 1e-9);
    assert_true(fit.chi2 > 0.5 * lowest - 0.1); /* and is a value of the function, not below it */
    assert_same_bits(rig_chi2(&r, 0, fit.at), fit.chi2);
    rig_close(&r);
}

/* Numbers of points for which fractions of an axis once fell into its gap; every point of the grid is above the fit. */
static void no_number_of_points_leads_into_the_gap(void **state)
{
    (void)state;
    const size_t n[] = {4, 48, 56, 78, 100, 108};
    double first = NAN;
    for (size_t k = 0; k < LENGTH(n); k++) {
        rig r;
        rig_open(&r, "coherent_csi", "nsi");
        rig_axis(&r, "eps_emu_uV", CEV_SCALE_SIGNED_LOG, 0.001, 1, n[k], 0);
        rig_build(&r, NULL);
        cev_best_fit fit = rig_best_fit(&r, 0);
        assert_true(isfinite(fit.chi2) && fit.chi2 > 1);
        for (size_t i = 0; i < n[k]; i++) assert_true(fit.chi2 <= rig_chi2(&r, 0, &r.grid.axis[0].value[i]) + 1e-9);
        if (k == 0) first = fit.chi2;
        assert_same_bits(fit.chi2, first);
        rig_close(&r);
    }
}

/* --- many sets ---------------------------------------------------------------------------------------------------- */

enum { N_DETECTOR = 5, N_SUBSET = (1 << N_DETECTOR) - 1 };

/* All subsets of five detectors have the best fits that each of them has alone. */
static void sets_do_not_disturb_each_other(void **state)
{
    (void)state;
    rig r;
    cev_fit_set set[N_SUBSET];
    const cev_experiment *experiment[N_SUBSET][N_DETECTOR];
    bool observed[N_SUBSET];
    const bool asimov[N_DETECTOR] = {false};
    double truth[CEV_MAX_THETA];
    rig_open(&r, "ess_csi,ess_si,ess_ge,ess_ar,ess_c3f8", "nsi");
    rig_axis(&r, "eps_ee_uV", CEV_SCALE_LINEAR, -0.2, 0.5, 11, 0);
    memcpy(truth, r.config->theta, sizeof truth);
    with(&r, truth, "eps_mumu_uV", 0.1);
    rig_build(&r, truth);
    for (size_t s = 0; s < N_SUBSET; s++) {
        set[s] = (cev_fit_set){.experiment = experiment[s], .observed = asimov};
        for (size_t e = 0; e < N_DETECTOR; e++)
            if ((s + 1) >> e & 1) experiment[s][set[s].n_experiment++] = r.config->experiment[e];
        observed[s] = true;
    }
    cev_units *units;
    cev_units_scratch *scratch;
    cev_combination *c;
    cev_best_fits *fits, *alone;
    assert_ok(cev_units_create(N_SUBSET, set, &r.config->roster, r.job.theta, &units));
    assert_ok(cev_units_scratch_create(units, &scratch));
    assert_ok(cev_combination_create(units, &r.job, truth, false, &c));
    observed[7] = false; /* but the truth is not in the scan */
    assert_ok(cev_best_fits_create(c, N_SUBSET, truth, observed, &fits));
    assert_true(cev_best_fits_n_item(fits) > 1);
    assert_ok(rig_search(fits, scratch, true));
    assert_ok(cev_best_fits_create(r.c, 1, truth, observed, &alone));
    assert_ok(rig_search(alone, r.scratch, false));
    assert_memory_equal(cev_best_fits_get(fits, N_SUBSET - 1, 0), cev_best_fits_get(alone, 0, 0), sizeof(cev_best_fit));
    for (size_t s = 0; s < N_SUBSET; s++)
        assert_same_bits(cev_best_fits_chi2_at(c, scratch, s, 0, cev_best_fits_get(fits, s, 0)->at),
                         cev_best_fits_get(fits, s, 0)->chi2);
    cev_best_fits_destroy(&alone);
    cev_best_fits_destroy(&fits);
    cev_combination_destroy(&c);
    cev_units_scratch_destroy(&scratch);
    cev_units_destroy(&units);
    rig_close(&r);
}

/* --- slow parameters ---------------------------------------------------------------------------------------------- */

static void mediator(rig *r, size_t n_mass, size_t n_radius)
{
    double truth[CEV_MAX_THETA];
    rig_open(r, "coherent_csi", "vector_universal");
    rig_axis(r, "mediator_mass_MeV", CEV_SCALE_LOG, 1, 1000, n_mass, 0);
    rig_axis(r, "coupling", CEV_SCALE_LOG, 1e-6, 1e-2, 5, 0);
    if (n_radius) rig_axis(r, "neutron_radius_fm", CEV_SCALE_LINEAR, 4, 6, n_radius, 0);
    memcpy(truth, r->config->theta, sizeof truth);
    with(r, truth, "mediator_mass_MeV", 40);
    with(r, truth, "coupling", 3e-4);
    with(r, truth, "neutron_radius_fm", 5.1);
    rig_build(r, truth);
}

static bool is_value(const cev_axis *axis, double value)
{
    bool found = false;
    for (size_t i = 0; i < axis->n; i++) found |= axis->value[i] == value;
    return found;
}

/* Slow parameters take values of their axes; the rounds come to what a search at every value finds. */
static void slow_parameters_take_values_of_their_axes(void **state)
{
    (void)state;
    const size_t n[][2] = {{7, 0}, {61, 0}, {9, 7}};
    for (size_t k = 0; k < LENGTH(n); k++) {
        rig r;
        mediator(&r, n[k][0], n[k][1]);
        cev_best_fit fit = rig_best_fit(&r, 0);
        assert_true(is_value(&r.grid.axis[0], fit.at[0]));
        if (n[k][1]) assert_true(is_value(&r.grid.axis[2], fit.at[2]));
        assert_same_bits(rig_chi2(&r, 0, fit.at), fit.chi2);
        for (uint64_t p = 0; p < r.grid.n_point; p += 5) { /* a place of the slow axes each */
            cev_best_fit there;
            size_t index[CEV_MAX_AXES];
            cev_grid_index(&r.grid, p, index);
            if (n[k][1]) index[1] = 2;
            assert_ok(cev_best_fits_near(r.c, r.scratch, 0, cev_grid_number(&r.grid, index), &there));
            assert_true(there.at[0] == r.grid.axis[0].value[index[0]]);
            assert_true(fit.chi2 <= there.chi2 + 1e-8);
        }
        rig_close(&r);
    }
}

/* Two ranks that share the items, and one that follows: the same bits, in whichever order results come. */
static void ranks_agree(void **state)
{
    (void)state;
    rig r;
    cev_best_fits *zero, *other, *alone;
    const bool observed = true;
    size_t n, size, set, member, rounds = 0;
    mediator(&r, 61, 0);
    assert_ok(cev_best_fits_create(r.c, 1, NULL, &observed, &zero));
    assert_ok(cev_best_fits_create(r.c, 1, NULL, &observed, &other));
    assert_ok(cev_best_fits_create(r.c, 1, NULL, &observed, &alone));
    for (; (n = cev_best_fits_n_item(zero)) > 0; rounds++) {
        cev_best_fit result[64];
        assert_true(n <= LENGTH(result) && cev_best_fits_result_size(zero) == sizeof *result);
        assert_int_equal(cev_best_fits_n_item(other), n);
        for (size_t k = n; k-- > 0;) {
            assert_true(cev_best_fits_item_folds(other, k));
            assert_ok(cev_best_fits_look(k % 2 ? zero : other, r.scratch, k, NULL, NULL, &result[k]));
            cev_best_fits_take(zero, k, &result[k]);
        }
        assert_ok(cev_best_fits_next(zero, &set, &member));
        const void *state_of_zero = cev_best_fits_state(zero, &size);
        memcpy(cev_best_fits_state(other, &size), state_of_zero, size);
    }
    assert_true(rounds > 1);
    assert_ok(rig_search(alone, r.scratch, false));
    assert_memory_equal(cev_best_fits_get(other, 0, 0), cev_best_fits_get(alone, 0, 0), sizeof(cev_best_fit));
    cev_best_fits_destroy(&alone);
    cev_best_fits_destroy(&other);
    cev_best_fits_destroy(&zero);
    rig_close(&r);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static bool stop_after(void *context)
{
    return --*(int *)context < 0;
}

/* Asked in time, the search ends; it asks many times. */
static void a_search_can_be_stopped(void **state)
{
    (void)state;
    rig r;
    cev_best_fits *fits;
    const bool observed = true;
    coarse_in_two(&r, 5);
    assert_ok(cev_best_fits_create(r.c, 1, NULL, &observed, &fits));
    for (int left = 0; left < 20; left += 5) {
        cev_best_fit result;
        int asked = left;
        assert_refused(cev_best_fits_look(fits, r.scratch, 0, stop_after, &asked, &result), CEV_E_STOPPED, "stop");
        assert_int_equal(asked, -1);
    }
    cev_best_fits_destroy(&fits);
    rig_close(&r);
}

/* From any point of the grid downhill, and never above it. */
static void the_search_goes_down_from_a_point(void **state)
{
    (void)state;
    rig r;
    coarse_in_two(&r, 6);
    const double lowest = rig_best_fit(&r, 0).chi2;
    for (uint64_t p = 0; p < r.grid.n_point; p++) {
        size_t index[CEV_MAX_AXES];
        cev_best_fit near;
        cev_grid_index(&r.grid, p, index);
        const double at[] = {r.grid.axis[0].value[index[0]], r.grid.axis[1].value[index[1]]};
        assert_ok(cev_best_fits_near(r.c, r.scratch, 0, p, &near));
        assert_true(near.chi2 <= rig_chi2(&r, 0, at) && near.chi2 >= lowest - 1e-8);
        assert_same_bits(rig_chi2(&r, 0, near.at), near.chi2);
    }
    rig_close(&r);
}

/* A point that is the minimum already is handed back as it is. */
static void the_lowest_point_of_a_grid_may_be_the_best_fit(void **state)
{
    (void)state;
    rig r;
    cev_best_fit near;
    rig_open(&r, "ess_csi", "nsi");
    rig_axis(&r, "eps_ee_uV", CEV_SCALE_LINEAR, 0.05, 0.15, 5, 0);
    rig_build(&r, r.config->theta);
    assert_ok(cev_best_fits_near(r.c, r.scratch, 0, 0, &near));
    assert_same_bits(near.at[0], 0.05);
    assert_same_bits(near.chi2, rig_chi2(&r, 0, near.at));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_truth_is_the_best_fit_of_a_scan_that_contains_it),
        cmocka_unit_test(a_truth_outside_the_scan_is_not_its_best_fit),
        cmocka_unit_test(a_truth_beyond_the_range_is_not_its_best_fit),
        cmocka_unit_test(a_scan_without_finite_points_has_no_best_fit),
        cmocka_unit_test(the_points_of_the_grid_play_no_role),
        cmocka_unit_test(best_fits_lie_on_walls_and_in_corners),
        cmocka_unit_test(a_long_valley_is_followed_to_its_lowest_point),
        cmocka_unit_test(the_best_fit_is_not_above_a_fine_grid),
        cmocka_unit_test(no_number_of_points_leads_into_the_gap),
        cmocka_unit_test(sets_do_not_disturb_each_other),
        cmocka_unit_test(slow_parameters_take_values_of_their_axes),
        cmocka_unit_test(ranks_agree),
        cmocka_unit_test(a_search_can_be_stopped),
        cmocka_unit_test(the_search_goes_down_from_a_point),
        cmocka_unit_test(the_lowest_point_of_a_grid_may_be_the_best_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
