/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of a tile, parameters of a point, and the best fit. */
#include "ess.h"

#include "cevscan/scan_job.h"

typedef struct fixture {
    cev_scan_config *config;
    cev_model *model;
    cev_arena *arena;
    cev_model_scratch *scratch;
    cev_data data;
    cev_grid grid;
    cev_scan_job job;
} fixture;

static void add_axis(fixture *f, const char *name, double minimum, double maximum, size_t n)
{
    size_t a = f->grid.n_axis++;
    assert_ok(cev_axis_fill(f->arena, name, CEV_SCALE_LINEAR, minimum, maximum, n, 0, &f->grid.axis[a]));
    f->job.axis_parameter[a] = nsi_parameter(name);
}

/* Experiments with Asimov data at `truth` (NULL: the standard model); axes are added later. */
static void set_up(fixture *f, const char *experiments, const double *truth)
{
    *f = (fixture){.config = ess_config(experiments)};
    f->model = ess_model(f->config);
    f->arena = new_arena();
    assert_ok(cev_model_scratch_create(f->model, &f->scratch));
    assert_ok(cev_data_asimov(f->arena, f->model, truth ? truth : f->config->theta, &f->data));
    f->job = (cev_scan_job){.model = f->model, .data = &f->data, .grid = &f->grid};
    memcpy(f->job.theta, f->config->theta, sizeof f->job.theta);
}

static void tear_down(fixture *f)
{
    cev_model_scratch_destroy(&f->scratch);
    cev_arena_destroy(&f->arena);
    cev_model_destroy(&f->model);
    cev_scan_config_destroy(&f->config);
}

/* --- points ----------------------------------------------------------------------------------------------------- */

static void parameters_of_a_point_come_from_the_axes(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, "ess_ar", NULL);
    add_axis(&f, "eps_mumu_dV", 0, 1, 5);
    add_axis(&f, "eps_ee_uV", -1, 0, 3);
    f.job.theta[nsi_parameter("eps_etau_uV")] = 0.25;
    f.job.theta[nsi_parameter("eps_ee_uV")] = 99; /* the axis decides */
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    for (uint64_t k = 0; k < f.grid.n_point; k++) {
        double theta[CEV_MAX_MODEL_PARAMETERS];
        cev_scan_job_theta(&f.job, k, theta);
        assert_same_bits(theta[nsi_parameter("eps_mumu_dV")], 0.25 * (double)(k / 3));
        assert_same_bits(theta[nsi_parameter("eps_ee_uV")], -1 + 0.5 * (double)(k % 3));
        assert_true(theta[nsi_parameter("eps_etau_uV")] == 0.25);
        assert_true(theta[nsi_parameter("eps_etau_dV")] == 0);
    }
    tear_down(&f);
}

/* chi2 and pulls of grid point `number`, alone. */
static void point_alone(const fixture *f, uint64_t number, double *chi2, double *pull)
{
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS], block_pull[16];
    cev_scan_job_theta(&f->job, number, theta);
    for (size_t p = 0; p < cev_interaction_nsi.card.n_parameter; p++) block[p] = theta[p] - (cev_lanes){0};
    cev_block_result result = {.pull = block_pull};
    cev_model_evaluate(f->model, &f->data, f->scratch, block, NULL, &result);
    assert_int_equal(result.status[0], CEV_POINT_OK);
    *chi2 = result.chi2[0];
    for (size_t p = 0; p < cev_model_n_pull(f->model); p++) pull[p] = block_pull[p][0];
}

enum { GUARD = 16, MOST_POINTS = 200, N_PULL = 4 };

/* Evaluates a tile block by block, with guards behind the arrays. */
static void check_tile(fixture *f, const cev_tile *tile)
{
    double chi2[MOST_POINTS + GUARD], pull[N_PULL * MOST_POINTS + GUARD], expected, expected_pull[N_PULL];
    unsigned char status[MOST_POINTS + GUARD];
    cev_lanes block_pull[N_PULL];
    size_t n = tile->n_point;
    assert_true(n <= MOST_POINTS);
    for (size_t k = 0; k < LENGTH(chi2); k++) chi2[k] = -7;
    for (size_t k = 0; k < LENGTH(pull); k++) pull[k] = -7;
    memset(status, 77, sizeof status);
    for (size_t first = 0; first < n; first += CEV_LANES)
        cev_scan_job_block(&f->job, f->scratch, tile, first, block_pull, chi2, status, pull);
    for (size_t k = 0; k < n; k++) {
        size_t index[CEV_MAX_AXES];
        cev_tile_point(&f->grid, tile, k, index);
        point_alone(f, cev_grid_number(&f->grid, index), &expected, expected_pull);
        assert_same_bits(chi2[k], expected);
        assert_int_equal(status[k], CEV_POINT_OK);
        for (size_t p = 0; p < N_PULL; p++) assert_same_bits(pull[p * n + k], expected_pull[p]);
    }
    for (size_t k = n; k < n + GUARD; k++) assert_true(chi2[k] == -7 && status[k] == 77);
    for (size_t k = N_PULL * n; k < N_PULL * n + GUARD; k++) assert_true(pull[k] == -7);
}

/* Tiles whose points are no whole number of blocks, and whose rows are shorter or longer than one. */
static void blocks_give_each_point_what_it_has_alone(void **state)
{
    (void)state;
    const size_t sides[][3] = {{3, 5, 2}, {1, 1, 1}, {7, 1, 3}, {2, 4, 11}, {7, 5, 4}};
    fixture f;
    set_up(&f, "ess_csi,ess_ar", NULL);
    add_axis(&f, "eps_ee_uV", -0.3, 0.5, 7);
    add_axis(&f, "eps_mumu_uV", -0.2, 0.4, 5);
    add_axis(&f, "eps_emu_dV", 0, 0.3, 11);
    for (size_t k = 0; k < LENGTH(sides); k++) {
        assert_ok(cev_grid_lay_tiles(&f.grid, sides[k]));
        for (size_t id = 0; id < f.grid.n_tile; id += 1 + f.grid.n_tile / 12) {
            cev_tile tile = cev_grid_tile(&f.grid, id);
            check_tile(&f, &tile);
        }
        cev_tile last = cev_grid_tile(&f.grid, f.grid.n_tile - 1);
        check_tile(&f, &last);
    }
    tear_down(&f);
}

static void pulls_are_optional(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, "ess_csi", NULL);
    add_axis(&f, "eps_ee_uV", -0.3, 0.5, 5);
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    cev_tile tile = cev_grid_tile(&f.grid, 0);
    double chi2[5], pull[10], again[5];
    unsigned char status[5];
    cev_lanes block_pull[2];
    cev_scan_job_block(&f.job, f.scratch, &tile, 0, block_pull, chi2, status, pull);
    cev_scan_job_block(&f.job, f.scratch, &tile, 0, NULL, again, status, NULL);
    for (size_t k = 0; k < 5; k++) assert_same_bits(again[k], chi2[k]);
    tear_down(&f);
}

/* A coupling that is no number stands for whatever may go wrong in a model to come. */
static void a_failed_point_has_the_one_nan(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, "ess_csi", NULL);
    const double value[] = {-0.1, -NAN, 0.1};
    f.grid.n_axis = 1;
    f.grid.axis[0] = (cev_axis){.name = "eps_ee_uV", .n = 3, .value = value};
    f.job.axis_parameter[0] = nsi_parameter("eps_ee_uV");
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    cev_tile tile = cev_grid_tile(&f.grid, 0);
    double chi2[3], pull[6];
    unsigned char status[3];
    cev_lanes block_pull[2];
    cev_scan_job_block(&f.job, f.scratch, &tile, 0, block_pull, chi2, status, pull);
    assert_int_equal(status[1], CEV_POINT_INVALID);
    assert_same_bits(chi2[1], (double)NAN);
    assert_same_bits(pull[1], (double)NAN);
    assert_same_bits(pull[4], (double)NAN);
    assert_true(status[0] == CEV_POINT_OK && status[2] == CEV_POINT_OK && isfinite(chi2[0]) && isfinite(chi2[2]));
    tear_down(&f);
}

/* --- best fit --------------------------------------------------------------------------------------------------- */

static double lowest_of_grid(fixture *f)
{
    double lowest = INFINITY;
    for (uint64_t k = 0; k < f->grid.n_point; k++) {
        double chi2, pull[N_PULL];
        point_alone(f, k, &chi2, pull);
        lowest = fmin(lowest, chi2);
    }
    return lowest;
}

static void the_truth_is_the_best_fit_of_a_scan_that_contains_it(void **state)
{
    (void)state;
    double truth[CEV_MAX_MODEL_PARAMETERS] = {NSI_STANDARD_MODEL};
    truth[nsi_parameter("eps_ee_uV")] = 0.037;
    truth[nsi_parameter("eps_etau_uV")] = 0.1;
    fixture f;
    cev_best_fit fit;
    set_up(&f, "ess_csi", truth);
    add_axis(&f, "eps_ee_uV", -0.2, 0.6, 4); /* not on the grid */
    f.job.theta[nsi_parameter("eps_etau_uV")] = 0.1;
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    assert_ok(cev_best_fit_find(&f.job, 0, truth, &fit));
    assert_true(fit.chi2 == 0 && fit.at[0] == 0.037);
    tear_down(&f);
}

/* A fixed parameter that differs from the truth, up or down, takes the truth out of the scan. */
static void a_truth_outside_the_scan_is_not_its_best_fit(void **state)
{
    (void)state;
    const double off[] = {-0.2, 0.2};
    for (size_t k = 0; k < LENGTH(off); k++) {
        double truth[CEV_MAX_MODEL_PARAMETERS] = {NSI_STANDARD_MODEL};
        truth[nsi_parameter("eps_etau_uV")] = off[k];
        fixture f;
        cev_best_fit fit;
        set_up(&f, "ess_csi", truth);
        add_axis(&f, "eps_ee_uV", -0.02, 0.02, 5);
        assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
        assert_ok(cev_best_fit_find(&f.job, 0, truth, &fit));
        assert_true(fit.chi2 > 1e-3);
        tear_down(&f);
    }
}

/* Without being told the truth, the search finds it. */
static void the_search_finds_the_truth(void **state)
{
    (void)state;
    double truth[CEV_MAX_MODEL_PARAMETERS] = {NSI_STANDARD_MODEL};
    truth[nsi_parameter("eps_ee_uV")] = 0.0371;
    truth[nsi_parameter("eps_mumu_uV")] = -0.0113;
    fixture f;
    cev_best_fit fit;
    set_up(&f, "ess_csi,ess_si", truth);
    add_axis(&f, "eps_ee_uV", -0.2, 0.15, 33);
    add_axis(&f, "eps_mumu_uV", -0.2, 0.15, 47);
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    assert_ok(cev_best_fit_find(&f.job, 0, NULL, &fit));
    assert_close(fit.chi2, 0, 1e-8);
    assert_close(fit.at[0], 0.0371, 1e-3);
    assert_close(fit.at[1], -0.0113, 1e-3);
    tear_down(&f);
}

/* The data lie off the scanned plane: the minimum is positive, and not above any point of a fine grid. */
static void the_best_fit_is_not_above_a_fine_grid(void **state)
{
    (void)state;
    double truth[CEV_MAX_MODEL_PARAMETERS] = {NSI_STANDARD_MODEL};
    truth[nsi_parameter("eps_emu_uV")] = 0.3;
    truth[nsi_parameter("eps_ee_dV")] = -0.1;
    fixture f;
    cev_best_fit fit;
    set_up(&f, "ess_csi,ess_si", truth);
    add_axis(&f, "eps_ee_uV", -0.2, 0.6, 81);
    add_axis(&f, "eps_mumu_uV", -0.2, 0.6, 81);
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    assert_ok(cev_best_fit_find(&f.job, 0, truth, &fit)); /* not contained, so no help */
    double grid = lowest_of_grid(&f);
    assert_true(fit.chi2 > 0 && fit.chi2 <= grid);
    assert_true(fit.chi2 > 0.5 * grid - 0.1); /* and is a value of the function, not below it */
    for (size_t a = 0; a < 2; a++) assert_true(fit.at[a] >= -0.2 && fit.at[a] <= 0.6);

    double theta[CEV_MAX_MODEL_PARAMETERS] = {NSI_STANDARD_MODEL};
    cev_point_report there;
    theta[nsi_parameter("eps_ee_uV")] = fit.at[0];
    theta[nsi_parameter("eps_mumu_uV")] = fit.at[1];
    assert_ok(cev_model_explain(f.arena, f.model, &f.data, theta, &there));
    assert_close(there.chi2, fit.chi2, 1e-12);
    tear_down(&f);
}

/* The minimum lies outside the ranges, so the best fit is on their border. */
static void the_best_fit_stays_within_the_axes(void **state)
{
    (void)state;
    fixture f;
    cev_best_fit fit;
    set_up(&f, "ess_csi", NULL);
    add_axis(&f, "eps_ee_uV", 0.05, 0.15, 20);
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    assert_ok(cev_best_fit_find(&f.job, 0, NULL, &fit));
    assert_close(fit.at[0], 0.05, 1e-6);
    assert_true(fit.at[0] >= 0.05);
    double chi2, pull[N_PULL];
    point_alone(&f, 0, &chi2, pull);
    assert_close(fit.chi2, chi2, 1e-4 * chi2);
    tear_down(&f);
}

static void a_scan_without_finite_points_has_no_best_fit(void **state)
{
    (void)state;
    fixture f;
    cev_best_fit fit;
    set_up(&f, "ess_csi", NULL);
    add_axis(&f, "eps_ee_uV", -0.2, 0.6, 9);
    f.job.theta[nsi_parameter("eps_mumu_uV")] = NAN;
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    assert_refused(cev_best_fit_find(&f.job, 0, NULL, &fit), CEV_E_NUMERIC, "no point of the scan");
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_of_a_point_come_from_the_axes),
        cmocka_unit_test(blocks_give_each_point_what_it_has_alone),
        cmocka_unit_test(pulls_are_optional),
        cmocka_unit_test(a_failed_point_has_the_one_nan),
        cmocka_unit_test(the_truth_is_the_best_fit_of_a_scan_that_contains_it),
        cmocka_unit_test(a_truth_outside_the_scan_is_not_its_best_fit),
        cmocka_unit_test(the_search_finds_the_truth),
        cmocka_unit_test(the_best_fit_is_not_above_a_fine_grid),
        cmocka_unit_test(the_best_fit_stays_within_the_axes),
        cmocka_unit_test(a_scan_without_finite_points_has_no_best_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
