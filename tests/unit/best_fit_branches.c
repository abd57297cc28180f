/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Best fits where chi2 has several valleys: the charge that the data want, and the same with the other sign. */
#include "coherent.h"

#include "cevscan/scan_job.h"

typedef struct fixture {
    cev_scan_config *config;
    cev_model *model;
    cev_arena *arena;
    cev_data data;
    cev_grid grid;
    cev_scan_job job;
} fixture;

/* Asimov data at a truth that the scan does not contain: C1_d_tau, which does nothing, is shifted. */
static void set_up(fixture *f, const char *experiment, const char *parameter, double truth)
{
    double theta[CEV_MAX_MODEL_PARAMETERS];
    *f = (fixture){.config = coherent_config(experiment, "eft")};
    f->arena = new_arena();
    assert_ok(cev_model_create(1, f->config->experiment, f->config->interaction, f->config->theta, &f->model));
    memcpy(theta, f->config->theta, sizeof theta);
    theta[parameter_of(&cev_interaction_eft, parameter)] = truth;
    assert_ok(cev_data_asimov(f->arena, f->model, theta, &f->data));
    f->job = (cev_scan_job){.model = f->model, .data = &f->data, .grid = &f->grid};
    memcpy(f->job.theta, f->config->theta, sizeof f->job.theta);
}

static void tear_down(fixture *f)
{
    cev_arena_destroy(&f->arena);
    cev_model_destroy(&f->model);
    cev_scan_config_destroy(&f->config);
}

static double chi2_at(const fixture *f, const char *parameter, double value)
{
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_point_report there;
    memcpy(theta, f->job.theta, sizeof theta);
    theta[parameter_of(&cev_interaction_eft, parameter)] = value;
    assert_ok(cev_model_explain(f->arena, f->model, &f->data, theta, &there));
    return there.chi2;
}

/* The truth in either branch, far from the other, on axes of several scales: found, whichever it is. */
static void both_branches_are_found(void **state)
{
    (void)state;
    const double truth[] = {-1.3e-6, 1e-7, -6.2e-6, -5e-6};
    for (size_t k = 0; k < LENGTH(truth); k++) {
        fixture f;
        cev_best_fit fit;
        set_up(&f, "coherent_csi_poisson", "C1_u_e", truth[k]);
        assert_ok(cev_axis_fill(f.arena, "C1_u_e", CEV_SCALE_LINEAR, -2e-5, 1e-5, 301, 0, &f.grid.axis[0]));
        f.grid.n_axis = 1;
        f.job.axis_parameter[0] = parameter_of(&cev_interaction_eft, "C1_u_e");
        assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
        assert_ok(cev_best_fit_find(&f.job, 0, NULL, &fit));
        assert_close(fit.chi2, 0, 1e-9);
        tear_down(&f);
    }
}

/* A coarse grid that hits the bottom of the wrong valley, and neither side of the right one as low: the lowest start is
 * not enough. */
static void the_lower_of_two_valleys_is_found(void **state)
{
    (void)state;
    const double truth = -1e-7, mirror = -6.38e-6;
    double wrong = mirror, step = 2e-7, lowest;
    fixture f;
    cev_best_fit fit;
    set_up(&f, "coherent_csi_poisson", "C1_u_e", truth);
    for (lowest = chi2_at(&f, "C1_u_e", wrong); step > 1e-12;) { /* downhill, to the bottom of the wrong valley */
        double left = chi2_at(&f, "C1_u_e", wrong - step), right = chi2_at(&f, "C1_u_e", wrong + step);
        if (left >= lowest && right >= lowest)
            step /= 2;
        else
            wrong += left < right ? -step : step, lowest = fmin(left, right);
    }
    const double value[] = {wrong - 2e-6, wrong, (wrong + truth) / 2, truth - 7e-7, truth + 7e-7, truth + 3e-6};
    assert_true(lowest > 1e-6 && lowest < chi2_at(&f, "C1_u_e", value[3]) && lowest < chi2_at(&f, "C1_u_e", value[4]));
    f.grid.n_axis = 1;
    f.grid.axis[0] = (cev_axis){.name = "C1_u_e", .scale = CEV_SCALE_VALUES, .n = LENGTH(value), .value = value};
    f.job.axis_parameter[0] = parameter_of(&cev_interaction_eft, "C1_u_e");
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    assert_ok(cev_best_fit_find(&f.job, 0, NULL, &fit));
    assert_close(fit.chi2, 0, 1e-9);
    assert_close(fit.at[0], truth, 1e-9);
    tear_down(&f);
}

/* On an axis of scales the branches lie on the same side, Lambda < 0, and C > 0 on the other. */
static void the_branches_of_a_scale_are_found(void **state)
{
    (void)state;
    const double lambda[] = {-395, -900, 700, -2500, 3000};
    for (size_t k = 0; k < LENGTH(lambda); k++) {
        fixture f;
        cev_best_fit fit;
        size_t p = parameter_of(&cev_interaction_eft, "lambda_C1_u_e");
        set_up(&f, "coherent_csi", "lambda_C1_u_e", lambda[k]);
        assert_ok(cev_axis_fill(f.arena, "lambda_C1_u_e", CEV_SCALE_SIGNED_LOG, 10, 10000, 8000, 0, &f.grid.axis[0]));
        f.grid.n_axis = 1;
        f.job.axis_parameter[0] = p;
        assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
        assert_ok(cev_best_fit_find(&f.job, 0, NULL, &fit));
        assert_close(fit.chi2, 0, 1e-9);
        assert_relative(chi2_at(&f, "lambda_C1_u_e", fit.at[0]), fit.chi2, 1e-6);
        for (size_t i = 0; i < f.grid.axis[0].n; i += 37)
            assert_true(fit.chi2 <= chi2_at(&f, "lambda_C1_u_e", f.grid.axis[0].value[i]) + 1e-12);
        tear_down(&f);
    }
}

/* Every member is fitted in its own parameter, the others at what the job says. */
static void members_are_fitted_one_by_one(void **state)
{
    (void)state;
    static const char *const label[] = {"C1_u_e", "C1_d_mu", "C2_u_e"};
    static const double number[] = {0, 1, 2};
    const size_t member[] = {parameter_of(&cev_interaction_eft, label[0]), parameter_of(&cev_interaction_eft, label[1]),
                             parameter_of(&cev_interaction_eft, label[2])};
    fixture f;
    set_up(&f, "coherent_csi", "C1_d_e", 4e-7);
    f.grid = (cev_grid){.n_axis = 2,
                        .axis = {
                            {.name = "parameter", .scale = CEV_SCALE_NAMES, .n = 3, .value = number, .label = label}}};
    assert_ok(cev_axis_fill(f.arena, "value", CEV_SCALE_LINEAR, -3e-6, 3e-6, 101, 0, &f.grid.axis[1]));
    f.job.axis_parameter[0] = CEV_NO_PARAMETER;
    f.job.axis_parameter[1] = member[0];
    f.job.member_parameter = member;
    assert_ok(cev_grid_lay_tiles(&f.grid, NULL));
    for (size_t m = 0; m < 3; m++) {
        cev_best_fit fit;
        assert_ok(cev_best_fit_find(&f.job, m, NULL, &fit));
        assert_true(fit.at[0] == (double)m);
        assert_close(chi2_at(&f, label[m], fit.at[1]), fit.chi2, 1e-10);
        for (size_t i = 0; i < 101; i++) {
            double theta[CEV_MAX_MODEL_PARAMETERS], there = chi2_at(&f, label[m], f.grid.axis[1].value[i]);
            assert_true(fit.chi2 <= there + 1e-12);
            cev_scan_job_theta(&f.job, 101 * m + i, theta);
            for (size_t p = 0; p < cev_interaction_eft.card.n_parameter; p++)
                assert_true(cev_same_value(theta[p], p == member[m] ? f.grid.axis[1].value[i] : f.job.theta[p]));
        }
    }
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_branches_are_found),
        cmocka_unit_test(the_lower_of_two_valleys_is_found),
        cmocka_unit_test(the_branches_of_a_scale_are_found),
        cmocka_unit_test(members_are_fitted_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
