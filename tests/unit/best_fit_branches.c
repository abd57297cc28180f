/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Best fits where chi2 has several valleys: the charge that the data want, and the same with the other sign. */
#include "best_fit_rig.h"

/* One axis; Asimov data of the truth, of which the search knows nothing. */
static void set_up(rig *r, const char *experiment, const char *parameter, double truth, cev_scale scale, double minimum,
                   double maximum, size_t n)
{
    double theta[CEV_MAX_MODEL_PARAMETERS];
    rig_open(r, experiment, "eft");
    rig_axis(r, parameter, scale, minimum, maximum, n, 0);
    memcpy(theta, r->config->theta, sizeof theta);
    theta[rig_parameter(r, parameter)] = truth;
    rig_build(r, theta);
}

/* The truth in either branch, far from the other: found, whichever it is, with many points and with few. */
static void both_branches_are_found(void **state)
{
    (void)state;
    const double truth[] = {-1.3e-6, 1e-7, -6.2e-6, -5e-6};
    for (size_t k = 0; k < 2 * LENGTH(truth); k++) {
        rig r;
        set_up(&r, "coherent_csi_poisson", "C1_u_e", truth[k / 2], CEV_SCALE_LINEAR, -2e-5, 1e-5, k % 2 ? 301 : 2);
        cev_best_fit fit = rig_best_fit(&r, 0);
        assert_close(fit.chi2, 0, 1e-9);
        assert_close(fit.at[0], truth[k / 2], 1e-9);
        rig_close(&r);
    }
}

/* Points of the user that hit the bottom of the wrong valley, and neither side of the right one as low. */
static void the_lower_of_two_valleys_is_found(void **state)
{
    (void)state;
    const double truth = -1e-7;
    rig r;
    set_up(&r, "coherent_csi_poisson", "C1_u_e", truth, CEV_SCALE_LINEAR, -7e-6, -5.5e-6,
           2); /* the wrong valley only */
    const cev_best_fit wrong = rig_best_fit(&r, 0);
    rig_close(&r);
    assert_true(wrong.chi2 > 1e-6 && wrong.at[0] > -7e-6 && wrong.at[0] < -5.5e-6);
    const double value[] = {wrong.at[0] - 2e-6, wrong.at[0],  (wrong.at[0] + truth) / 2,
                            truth - 7e-7,       truth + 7e-7, truth + 3e-6};
    set_up(&r, "coherent_csi_poisson", "C1_u_e", truth, CEV_SCALE_LINEAR, value[0], value[5], LENGTH(value));
    r.grid.axis[0].scale = CEV_SCALE_VALUES;
    r.grid.axis[0].value = value;
    assert_true(wrong.chi2 < rig_chi2(&r, 0, &value[3]) && wrong.chi2 < rig_chi2(&r, 0, &value[4]));
    cev_best_fit fit = rig_best_fit(&r, 0);
    assert_close(fit.chi2, 0, 1e-9);
    assert_close(fit.at[0], truth, 1e-9);
    rig_close(&r);
}

/* On an axis of scales the branches lie on the same side, Lambda < 0, and C > 0 on the other. */
static void the_branches_of_a_scale_are_found(void **state)
{
    (void)state;
    const double lambda[] = {-395, -900, 700, -2500, 3000};
    const size_t n[] = {8000, 4, 118};
    for (size_t k = 0; k < LENGTH(lambda) * LENGTH(n); k++) {
        rig r;
        set_up(&r, "coherent_csi", "lambda_C1_u_e", lambda[k / LENGTH(n)], CEV_SCALE_SIGNED_LOG, 10, 10000,
               n[k % LENGTH(n)]);
        cev_best_fit fit = rig_best_fit(&r, 0);
        assert_close(fit.chi2, 0, 1e-9);
        assert_same_bits(rig_chi2(&r, 0, fit.at), fit.chi2);
        rig_close(&r);
    }
}

/* Every member is fitted in its own parameter, the others at what the job says. */
static void members_are_fitted_one_by_one(void **state)
{
    (void)state;
    static const char *const label[] = {"C1_u_e", "C1_d_mu", "C2_u_e"};
    static const double number[] = {0, 1, 2};
    double truth[CEV_MAX_MODEL_PARAMETERS];
    rig r;
    rig_open(&r, "coherent_csi", "eft");
    const size_t member[] = {rig_parameter(&r, label[0]), rig_parameter(&r, label[1]), rig_parameter(&r, label[2])};
    r.grid.axis[0] = (cev_axis){.name = "parameter", .scale = CEV_SCALE_NAMES, .n = 3, .value = number, .label = label};
    r.grid.n_axis = 2;
    assert_ok(cev_axis_fill(r.arena, "value", CEV_SCALE_LINEAR, -3e-6, 3e-6, 101, 0, &r.grid.axis[1]));
    r.job.axis_parameter[0] = CEV_NO_PARAMETER;
    r.job.axis_parameter[1] = member[0];
    r.job.member_parameter = member;
    memcpy(truth, r.config->theta, sizeof truth);
    truth[rig_parameter(&r, "C1_d_e")] = 4e-7;
    rig_build(&r, truth);
    for (size_t m = 0; m < 3; m++) {
        cev_best_fit fit = rig_best_fit(&r, m);
        assert_true(fit.at[0] == (double)m);
        assert_same_bits(rig_chi2(&r, m, fit.at), fit.chi2);
        for (size_t i = 0; i < 101; i++) {
            const double at[2] = {(double)m, r.grid.axis[1].value[i]};
            double theta[CEV_MAX_MODEL_PARAMETERS];
            assert_true(fit.chi2 <= rig_chi2(&r, m, at) + 1e-9);
            cev_scan_job_theta(cev_combination_job(r.c), 101 * m + i, theta);
            for (size_t p = 0; p < r.config->interaction->card.n_parameter; p++)
                assert_true(cev_same_value(theta[p], p == member[m] ? at[1] : r.job.theta[p]));
        }
    }
    rig_close(&r);
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
