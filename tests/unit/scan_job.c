/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of a tile, and parameters of a point. */
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
        double theta[CEV_MAX_THETA];
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
    double theta[CEV_MAX_THETA];
    cev_lanes block[CEV_MAX_THETA], block_pull[16];
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_of_a_point_come_from_the_axes),
        cmocka_unit_test(blocks_give_each_point_what_it_has_alone),
        cmocka_unit_test(pulls_are_optional),
        cmocka_unit_test(a_failed_point_has_the_one_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
