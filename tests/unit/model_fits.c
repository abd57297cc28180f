/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fits of several experiments: pulls that are correlated, shared, or given by the scan. */
#include "ess.h"

#include "engine/model_parts.h"

enum { N_EXPERIMENT = 2, N_PULL = 4 };
#define SIGMA 0.15

/* ess_csi and ess_si, copies whose pulls may be changed. */
typedef struct fixture {
    cev_scan_config *config;
    cev_experiment experiment[N_EXPERIMENT];
    cev_pull pull[N_EXPERIMENT][3];
    const cev_experiment *list[N_EXPERIMENT];
    double theta[CEV_MAX_THETA];
} fixture;

static void set_up(fixture *f)
{
    *f = (fixture){.config = ess_config("ess_csi,ess_si")};
    for (size_t e = 0; e < N_EXPERIMENT; e++) {
        f->experiment[e] = *f->config->experiment[e];
        memcpy(f->pull[e], f->experiment[e].pull, 2 * sizeof *f->pull[e]);
        f->pull[e][0].sigma = SIGMA;
        f->experiment[e].pull = f->pull[e];
        f->list[e] = &f->experiment[e];
    }
    memcpy(f->theta, f->config->theta, sizeof f->theta);
    f->theta[nsi_parameter("eps_ee_uV")] = 0.1;
    f->theta[nsi_parameter("eps_mumu_uV")] = -0.05;
}

static void tear_down(fixture *f)
{
    cev_scan_config_destroy(&f->config);
}

/* The point theta against the standard model's counts; the report must add up. */
static double explain(const fixture *f, const cev_roster *roster, double *pull)
{
    cev_model *model;
    cev_arena *arena = new_arena();
    cev_data data;
    cev_point_report report;
    cev_model_scratch *scratch;
    cev_lanes block[CEV_MAX_THETA];
    cev_block_result result = {.pull = NULL};
    double truth[CEV_MAX_THETA];
    memcpy(truth, f->config->theta, sizeof truth);
    for (size_t g = 0; g < roster->n_guest; g++) truth[roster->interaction->card.n_parameter + g] = 0;
    assert_ok(cev_model_create(N_EXPERIMENT, f->list, roster, f->config->theta, &model));
    assert_ok(cev_data_asimov(arena, model, truth, &data));
    assert_ok(cev_model_explain(arena, model, &data, f->theta, &report));
    assert_int_equal(report.status, CEV_POINT_OK);
    assert_ok(cev_model_scratch_create(model, &scratch));
    cev_theta_broadcast(cev_roster_n(roster), f->theta, block);
    cev_model_evaluate(model, &data, scratch, block, NULL, &result);
    assert_same_bits(result.chi2[0], report.chi2);
    for (size_t p = 0; pull && p < cev_model_n_pull(model); p++) pull[p] = report.pull[p];
    double chi2 = report.chi2;
    cev_model_scratch_destroy(&scratch);
    cev_model_destroy(&model);
    cev_arena_destroy(&arena);
    return chi2;
}

/* --- correlations ----------------------------------------------------------------------------------------------- */

static double correlated(const fixture *f, double coefficient)
{
    const cev_correlation c = {{f->pull[1][0].name, f->pull[0][0].name}, coefficient};
    cev_roster roster = f->config->roster;
    roster.correlation = &c;
    roster.n_correlation = 1;
    return explain(f, &roster, NULL);
}

/* A common pull of sigma sqrt(c), and one of its own of sigma sqrt(1 - c) for each. */
static double in_common(const fixture *f, double c)
{
    fixture other = *f;
    for (size_t e = 0; e < N_EXPERIMENT; e++) {
        other.pull[e][2] = other.pull[e][0];
        other.pull[e][0].sigma = SIGMA * sqrt(1 - c);
        other.pull[e][2].name = "common";
        other.pull[e][2].sigma = SIGMA * sqrt(c);
        other.experiment[e].pull = other.pull[e];
        other.experiment[e].n_pull = 3;
        other.list[e] = &other.experiment[e];
    }
    return explain(&other, &other.config->roster, NULL);
}

static double shared(const fixture *f)
{
    fixture other = *f;
    other.pull[1][0].name = other.pull[0][0].name;
    for (size_t e = 0; e < N_EXPERIMENT; e++) {
        other.experiment[e].pull = other.pull[e];
        other.list[e] = &other.experiment[e];
    }
    return explain(&other, &other.config->roster, NULL);
}

static void a_correlation_is_a_common_pull(void **state)
{
    (void)state;
    static const double coefficients[] = {0.01, 0.3, 0.5, 0.9, 0.999};
    fixture f;
    set_up(&f);
    double separate = explain(&f, &f.config->roster, NULL);
    assert_same_bits(correlated(&f, 0), separate);
    for (size_t k = 0; k < LENGTH(coefficients); k++)
        assert_close(correlated(&f, coefficients[k]), in_common(&f, coefficients[k]), 1e-9);
    assert_close(correlated(&f, 1e-9), separate, 1e-6);
    assert_close(correlated(&f, 1 - 1e-9), shared(&f), 1e-6);
    assert_true(fabs(shared(&f) - separate) > 1e-3);
    tear_down(&f);
}

/* --- pulls that the scan gives ---------------------------------------------------------------------------------- */

static void make_guests(const fixture *f, size_t n, const size_t *which, cev_guest *guest, cev_roster *roster)
{
    *roster = f->config->roster;
    roster->n_guest = n;
    roster->guest = guest;
    for (size_t g = 0; g < n; g++)
        guest[g] =
            (cev_guest){.parameter = {.name = f->pull[which[g] / 2][which[g] % 2].name, .minimum = -1, .maximum = 1},
                        .kind = CEV_GUEST_PULL};
}

/* With the values that the fit finds they cost what the fit does, and more with any others. */
static void check_given(fixture *f, const cev_correlation *c)
{
    static const size_t lists[][2] = {{0, 1}, {2, 0}, {2, 3}};
    double best[N_PULL], at[N_PULL];
    cev_roster plain = f->config->roster;
    plain.correlation = c;
    plain.n_correlation = c != NULL;
    double chi2 = explain(f, &plain, best);
    for (size_t k = 0; k < LENGTH(lists); k++)
        for (size_t n = 1; n <= 2; n++) {
            cev_guest guest[2];
            cev_roster roster;
            make_guests(f, n, lists[k], guest, &roster);
            roster.correlation = c;
            roster.n_correlation = c != NULL;
            size_t first = roster.interaction->card.n_parameter;
            for (size_t g = 0; g < n; g++) f->theta[first + g] = best[lists[k][g]];
            assert_close(explain(f, &roster, at), chi2, 1e-9 * fmax(1, chi2));
            for (size_t p = 0; p < N_PULL; p++) assert_close(at[p], best[p], 1e-7);
            for (int sign = -1; sign <= 1; sign += 2) {
                f->theta[first] = best[lists[k][0]] + sign * 0.01;
                assert_true(explain(f, &roster, at) > chi2 + 1e-4);
                assert_same_bits(at[lists[k][0]], f->theta[first]);
            }
        }
}

static void a_pull_on_an_axis_has_its_minimum_where_the_fit_puts_it(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    const cev_correlation c = {{f.pull[0][0].name, f.pull[1][0].name}, 0.6};
    check_given(&f, NULL);
    check_given(&f, &c);
    f.pull[0][0].constraint = CEV_CONSTRAINT_GAMMA;
    f.pull[1][0].constraint = CEV_CONSTRAINT_LOGNORMAL;
    f.pull[1][1].constraint = CEV_CONSTRAINT_NONE;
    f.pull[1][1].sigma = NAN;
    check_given(&f, NULL);
    tear_down(&f);
}

/* Counts at a truth where a pull is given are those that its point expects: what is left is what is known of it. */
static void the_truth_may_have_a_pull(void **state)
{
    (void)state;
    fixture f;
    cev_guest guest;
    cev_roster roster;
    cev_model *model;
    cev_data data;
    cev_point_report report;
    cev_arena *arena = new_arena();
    set_up(&f);
    make_guests(&f, 1, &(size_t){0}, &guest, &roster);
    f.theta[roster.interaction->card.n_parameter] = 0.2;
    assert_ok(cev_model_create(N_EXPERIMENT, f.list, &roster, f.theta, &model));
    assert_ok(cev_data_asimov(arena, model, f.theta, &data));
    assert_ok(cev_model_explain(arena, model, &data, f.theta, &report));
    assert_close(report.chi2, 0.2 * 0.2 / (SIGMA * SIGMA), 1e-9);
    assert_close(report.penalty, 0.2 * 0.2 / (SIGMA * SIGMA), 1e-9);
    cev_model_destroy(&model);
    cev_arena_destroy(&arena);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_correlation_is_a_common_pull),
        cmocka_unit_test(a_pull_on_an_axis_has_its_minimum_where_the_fit_puts_it),
        cmocka_unit_test(the_truth_may_have_a_pull),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
