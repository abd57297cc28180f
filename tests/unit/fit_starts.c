/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts of the fits of a tile: close to where the fits end, and without a bearing on it. */
#include "unit.h"

#include "cevscan/config.h"
#include "cevscan/fit_starts.h"

typedef struct fixture {
    cev_scan_config *config;
    cev_model *model;
    cev_data data;
    cev_scan_job job;
    cev_fit_starts *starts;
    cev_model_scratch *scratch;
} fixture;

static void set_up(fixture *f, const char *scan)
{
    assert_ok(cev_scan_config_parse(scan, "test", &f->config));
    cev_scan_config *c = f->config;
    assert_ok(cev_model_create(c->n_experiment, c->experiment, &c->roster, c->theta, &f->model));
    assert_ok(cev_data_mixed(c->arena, f->model, c->observed, c->truth, &f->data));
    f->job =
        (cev_scan_job){.model = f->model, .data = &f->data, .grid = &c->grid, .member_parameter = c->member_parameter};
    memcpy(f->job.theta, c->theta, sizeof f->job.theta);
    memcpy(f->job.axis_parameter, c->axis_parameter, sizeof f->job.axis_parameter);
    assert_ok(cev_fit_starts_create(&f->job, &f->starts));
    assert_ok(cev_model_scratch_create(f->model, &f->scratch));
}

static void tear_down(fixture *f)
{
    cev_model_scratch_destroy(&f->scratch);
    cev_fit_starts_destroy(&f->starts);
    cev_model_destroy(&f->model);
    cev_scan_config_destroy(&f->config);
}

enum { MOST_POINTS = 16384 };

/* All points of a tile, with starts and without; the largest distance between chi2, relative where it is large. */
static double largest_difference(fixture *f, const cev_tile *tile)
{
    static double chi2[2][MOST_POINTS];
    static unsigned char status[2][MOST_POINTS];
    double largest = 0;
    for (int started = 0; started < 2; started++) {
        f->job.starts = started ? f->starts : NULL;
        for (size_t k = 0; k < tile->n_point; k += CEV_LANES)
            cev_scan_job_block(&f->job, f->scratch, tile, k, NULL, chi2[started], status[started], NULL);
    }
    assert_memory_equal(status[0], status[1], tile->n_point);
    for (size_t k = 0; k < tile->n_point; k++)
        if (chi2[0][k] < INFINITY) largest = fmax(largest, fabs(chi2[1][k] - chi2[0][k]) / fmax(1, chi2[0][k]));
    return largest;
}

static size_t open_tile(fixture *f, const cev_tile *tile)
{
    cev_scan_job_open_tile(&f->job, tile);
    size_t n = cev_fit_starts_open(f->starts, tile);
    for (size_t k = n; k-- > 0;) cev_fit_starts_block(f->starts, &f->job, f->scratch, k); /* in any order */
    cev_fit_starts_close(f->starts);
    return n;
}

static void check_scan(const char *scan, double tolerance)
{
    fixture f;
    set_up(&f, scan);
    size_t started = 0;
    for (size_t id = 0; id < f.config->grid.n_tile; id += 1 + f.config->grid.n_tile / 16) {
        cev_tile tile = cev_grid_tile(&f.config->grid, id);
        started += open_tile(&f, &tile) > 0;
        double difference = largest_difference(&f, &tile);
        if (!(difference <= tolerance)) fail_msg("tile %zu: chi2 moved by %g", id, difference);
    }
    assert_true(started > 0);
    tear_down(&f);
}

#define PLANE(points_x, points_y)                                                                                      \
    "parameters: [{name: eps_ee_uV, min: -0.5, max: 0.7, points: " points_x "},"                                       \
    "{name: eps_mumu_uV, min: -0.5, max: 0.7, points: " points_y "}], tile: [32, 32]}"

static void starts_do_not_move_chi2(void **state)
{
    (void)state;
    check_scan("{scan: plane, interaction: nsi, experiments: [ess_csi, ess_si]," PLANE("201", "203"), 1e-12);
    check_scan("{scan: six, interaction: nsi, experiments: [ess_csi, ess_si, ess_xe, ess_ge, ess_ar, ess_c3f8]," PLANE(
                   "67", "39"),
               1e-12);
    check_scan("{scan: cube, interaction: nsi, experiments: [ess_csi], parameters: [{name: eps_ee_uV, min: -0.5, max: "
               "0.7, points: 21},"
               "{name: eps_mumu_uV, min: -0.5, max: 0.7, points: 23}, {name: eps_ee_dV, min: -0.5, max: 0.7, points: "
               "19}]}",
               1e-12);
    check_scan("{scan: line, interaction: nsi, experiments: [ess_csi], parameters: [{name: eps_ee_uV, min: -0.5, max: "
               "0.7,"
               "points: 3001}]}",
               1e-12);
    check_scan("{scan: mediator, interaction: scalar, experiments: [xenonnt_8b, pandax4t_us2], data: asimov, "
               "parameters: ["
               "{name: mediator_mass_MeV, min: 0.1, max: 1e4, points: 7, scale: log},"
               "{name: coupling, min: 1e-7, max: 1e-2, points: 400, scale: log}]}",
               1e-9);
}

/* Interpolated pulls are near those of the fits: what starts are for. */
static void starts_are_near_the_minimum(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, "{scan: plane, interaction: nsi, experiments: [ess_csi, ess_si]," PLANE("256", "250"));
    const cev_grid *grid = &f.config->grid;
    for (size_t id = 0; id < grid->n_tile; id += 7) {
        cev_tile tile = cev_grid_tile(grid, id);
        assert_true(open_tile(&f, &tile) > 0);
        for (size_t k = 0; k + CEV_LANES <= tile.n_point; k += 5 * CEV_LANES) {
            cev_lanes start[4], theta[CEV_MAX_THETA], end[4];
            assert_true(cev_fit_starts_at(f.starts, &tile, k, start));
            for (size_t l = 0; l < CEV_LANES; l++) {
                size_t index[CEV_MAX_AXES];
                double one[CEV_MAX_THETA];
                cev_tile_point(grid, &tile, k + l, index);
                cev_scan_job_theta(&f.job, cev_grid_number(grid, index), one);
                for (size_t p = 0; p < cev_model_interaction(f.model)->card.n_parameter; p++) theta[p][l] = one[p];
            }
            cev_block_result result = {.variable = end};
            cev_model_evaluate(f.model, &f.data, f.scratch, theta, NULL, &result);
            assert_int_equal(cev_model_n_variable(f.model), 4);
            for (size_t v = 0; v < 4; v++)
                for (size_t l = 0; l < CEV_LANES; l++) assert_close(start[v][l], end[v][l], 1e-3);
        }
    }
    tear_down(&f);
}

/* A tile of another's number, or too small a one, has none. */
static void starts_belong_to_one_tile(void **state)
{
    (void)state;
    fixture f;
    cev_lanes start[4];
    set_up(&f, "{scan: plane, interaction: nsi, experiments: [ess_csi, ess_si]," PLANE("64", "70"));
    cev_tile tile = cev_grid_tile(&f.config->grid, 0), other = cev_grid_tile(&f.config->grid, 1);
    open_tile(&f, &tile);
    assert_true(cev_fit_starts_at(f.starts, &tile, 0, start));
    assert_false(cev_fit_starts_at(f.starts, &other, 0, start));
    tear_down(&f);
    set_up(&f, "{scan: plane, interaction: nsi, experiments: [ess_csi, ess_si]," PLANE("5", "6"));
    tile = cev_grid_tile(&f.config->grid, 0);
    assert_int_equal(open_tile(&f, &tile), 0);
    assert_false(cev_fit_starts_at(f.starts, &tile, 0, start));
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_do_not_move_chi2),
        cmocka_unit_test(starts_are_near_the_minimum),
        cmocka_unit_test(starts_belong_to_one_tile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
