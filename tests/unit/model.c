/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model: chi2 at the truth, the reference point of the study, shared pulls, what a point's report adds up to. */
#include "ess.h"

#include "cevscan/profile.h"
#include "engine/model_parts.h"
#include "stats/profile_plan.h"

typedef struct fixture {
    cev_scan_config *config;
    cev_model *model;
    cev_arena *arena;
    cev_model_scratch *scratch;
} fixture;

static fixture set_up(const char *experiments)
{
    fixture f = {.config = ess_config(experiments)};
    f.model = ess_model(f.config);
    f.arena = new_arena();
    assert_ok(cev_model_scratch_create(f.model, &f.scratch));
    return f;
}

static void tear_down(fixture *f)
{
    cev_model_scratch_destroy(&f->scratch);
    cev_arena_destroy(&f->arena);
    cev_model_destroy(&f->model);
    cev_scan_config_destroy(&f->config);
    assert_null(f->model);
    assert_null(f->scratch);
}

static cev_data asimov(const fixture *f, const double *truth)
{
    cev_data data;
    assert_ok(cev_data_asimov(f->arena, f->model, truth, &data));
    return data;
}

static void random_theta(gsl_rng *r, double reach, double *theta)
{
    const cev_card *card = &cev_interaction_nsi.card;
    memset(theta, 0, CEV_MAX_THETA * sizeof *theta);
    for (size_t p = 0; p < card->n_parameter; p++)
        theta[p] = strncmp(card->parameters[p].name, "eps_", 4) ? card->parameters[p].default_value
                                                                : uniform(r, -reach, reach);
}

static void broadcast(const double *theta, cev_lanes *block)
{
    for (size_t p = 0; p < cev_interaction_nsi.card.n_parameter; p++) block[p] = theta[p] - (cev_lanes){0};
}

static double chi2_at(const fixture *f, const cev_data *data, const double *theta)
{
    cev_lanes block[CEV_MAX_THETA];
    broadcast(theta, block);
    cev_block_result result = {.pull = NULL};
    cev_model_evaluate(f->model, data, f->scratch, block, NULL, &result);
    assert_int_equal(result.status[0], CEV_POINT_OK);
    return result.chi2[0];
}


static const cev_roster nsi = {.interaction = &cev_interaction_nsi};
static const double standard_model[CEV_MAX_THETA] = {NSI_STANDARD_MODEL};

/* --- chi2 ------------------------------------------------------------------------------------------------------- */

static void check_truth(const char *experiments, gsl_rng *r)
{
    fixture f = set_up(experiments);
    double truth[CEV_MAX_THETA] = {NSI_STANDARD_MODEL};
    for (int k = 0; k < 20; k++) {
        cev_data data = asimov(&f, truth);
        double chi2 = chi2_at(&f, &data, truth);
        if (chi2 != 0) fail_msg("%s: chi2 is %g at truth %d", experiments, chi2, k);
        random_theta(r, 0.3, truth);
    }
    tear_down(&f);
}

static void chi2_at_the_truth_is_exactly_zero(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    for (size_t k = 0; k < LENGTH(ess_detectors); k++) check_truth(ess_detectors[k].name, r);
    check_truth("ess_csi,ess_xe,ess_si,ess_ge,ess_ar,ess_c3f8", r);
    gsl_rng_free(r);
}

/* The point where the undamped Newton iteration diverges. */
static void the_reference_point_far_from_the_standard_model(void **state)
{
    (void)state;
    fixture f = set_up("ess_csi,ess_si");
    cev_data data = asimov(&f, standard_model);
    double theta[CEV_MAX_THETA] = {NSI_STANDARD_MODEL};
    theta[nsi_parameter("eps_ee_uV")] = theta[nsi_parameter("eps_mumu_uV")] = -0.5;
    cev_point_report report;
    assert_ok(cev_model_explain(f.arena, f.model, &data, theta, &report));
    assert_int_equal(report.status, CEV_POINT_OK);
    assert_close(report.chi2, 172.522950, 2e-6);
    const char *const names[] = {"ess_csi.signal", "ess_csi.background", "ess_si.signal", "ess_si.background"};
    const double pulls[] = {-0.91823, -1.443e-4, -0.93642, -1.0470e-3}, digits[] = {5e-6, 5e-8, 5e-6, 5e-8};
    assert_int_equal(cev_model_n_pull(f.model), 4);
    for (size_t p = 0; p < 4; p++) {
        assert_string_equal(cev_model_pull_name(f.model, p), names[p]);
        assert_close(report.pull[p], pulls[p], 1.01 * digits[p]);
    }
    tear_down(&f);
}

static void separate_experiments_add_up(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(2);
    fixture both = set_up("ess_csi,ess_ar"), csi = set_up("ess_csi"), ar = set_up("ess_ar");
    cev_data of_both = asimov(&both, standard_model), of_csi = asimov(&csi, standard_model),
             of_ar = asimov(&ar, standard_model);
    for (int k = 0; k < 50; k++) {
        double theta[CEV_MAX_THETA];
        random_theta(r, 0.5, theta);
        double sum = chi2_at(&csi, &of_csi, theta) + chi2_at(&ar, &of_ar, theta);
        assert_relative(chi2_at(&both, &of_both, theta), sum, 1e-14);
    }
    tear_down(&both);
    tear_down(&csi);
    tear_down(&ar);
    gsl_rng_free(r);
}

static void lanes_are_points_of_their_own(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(3);
    fixture f = set_up("ess_csi,ess_si");
    cev_data data = asimov(&f, standard_model);
    for (int k = 0; k < 20; k++) {
        double theta[CEV_LANES][CEV_MAX_THETA];
        cev_lanes block[CEV_MAX_THETA] = {{0}};
        for (int l = 0; l < CEV_LANES; l++) {
            random_theta(r, 0.6, theta[l]);
            for (size_t p = 0; p < CEV_MAX_THETA; p++) block[p][l] = theta[l][p];
        }
        cev_block_result result = {.pull = NULL};
        cev_model_evaluate(f.model, &data, f.scratch, block, NULL, &result);
        for (int l = 0; l < CEV_LANES; l++) assert_same_bits(result.chi2[l], chi2_at(&f, &data, theta[l]));
    }
    tear_down(&f);
    gsl_rng_free(r);
}

/* --- signal ----------------------------------------------------------------------------------------------------- */

/* Components of one flavour are merged for speed; what is predicted must still be their sum. */
static void merged_flavours_predict_the_sum_of_the_components(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(4);
    const char *const names[] = {"ess_csi", "ess_c3f8", "ess_ge"};
    for (size_t k = 0; k < LENGTH(names); k++) {
        fixture f = set_up(names[k]);
        const cev_experiment *x = cev_model_experiment(f.model, 0);
        double theta[CEV_MAX_THETA], signal[3 * 100];
        random_theta(r, 0.4, theta);
        cev_data counts = asimov(&f, theta); /* signal plus background */
        assert_ok(cev_model_signal(f.model, 0, theta, signal));
        for (size_t i = 0; i < x->bins.n_bin; i++) {
            double sum = x->background[0].counts[i];
            for (size_t c = 0; c < x->source.kind->n_component; c++) sum += signal[c * x->bins.n_bin + i];
            assert_relative(counts.counts[0][i], sum, 1e-13);
        }
        tear_down(&f);
    }
    gsl_rng_free(r);
}

static void couplings_of_tau_do_nothing_without_tau_neutrinos(void **state)
{
    (void)state;
    fixture f = set_up("ess_csi");
    cev_data data = asimov(&f, standard_model);
    double theta[CEV_MAX_THETA] = {NSI_STANDARD_MODEL};
    theta[nsi_parameter("eps_tautau_uV")] = 0.7;
    theta[nsi_parameter("eps_tautau_dV")] = -0.4;
    assert_true(chi2_at(&f, &data, theta) == 0);
    theta[nsi_parameter("eps_etau_uV")] = 0.2;
    assert_true(chi2_at(&f, &data, theta) > 0.1);
    tear_down(&f);
}

/* nu_e only feels eps_ee, numubar and nu_mu only eps_mumu. */
static void each_component_feels_its_own_coupling(void **state)
{
    (void)state;
    fixture f = set_up("ess_si");
    size_t n = cev_model_experiment(f.model, 0)->bins.n_bin;
    double before[3 * 100], after[3 * 100], theta[CEV_MAX_THETA] = {NSI_STANDARD_MODEL};
    const cev_source_component *component = cev_model_experiment(f.model, 0)->source.kind->components;
    theta[nsi_parameter("eps_ee_dV")] = 0.1;
    assert_ok(cev_model_signal(f.model, 0, standard_model, before));
    assert_ok(cev_model_signal(f.model, 0, theta, after));
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < n && before[c * n + i] > 1e-6; i++)
            assert_int_equal(before[c * n + i] != after[c * n + i], component[c].flavour == CEV_FLAVOUR_E);
    tear_down(&f);
}

/* --- the report of a point -------------------------------------------------------------------------------------- */

static void check_report(const fixture *f, const cev_data *data, const double *theta)
{
    cev_point_report report;
    assert_ok(cev_model_explain(f->arena, f->model, data, theta, &report));
    assert_int_equal(report.status, CEV_POINT_OK);
    assert_same_bits(report.chi2, chi2_at(f, data, theta));
    double sum = report.penalty, penalty = 0;
    for (size_t p = 0; p < cev_model_n_pull(f->model); p++)
        penalty += pow(report.pull[p] / cev_model_pull_sigma(f->model, p), 2);
    assert_relative(report.penalty, penalty, 1e-13);
    for (size_t e = 0; e < cev_model_n_experiment(f->model); e++) {
        double bins = 0;
        for (size_t i = 0; i < cev_model_experiment(f->model, e)->bins.n_bin; i++) {
            assert_true(report.bin_chi2[e][i] == cev_poisson_deviance(report.predicted[e][i], data->counts[e][i]));
            bins += report.bin_chi2[e][i];
        }
        assert_relative(report.experiment_chi2[e], bins, 1e-13);
        sum += bins;
    }
    assert_close(report.chi2, sum, 1e-10 * fmax(1, sum));
}

static void shares_of_a_report_add_up(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(5);
    fixture f = set_up("ess_csi,ess_c3f8,ess_si");
    cev_data data = asimov(&f, standard_model);
    for (int k = 0; k < 30; k++) {
        double theta[CEV_MAX_THETA];
        random_theta(r, k % 3 ? 0.5 : 1e4, theta); /* far more counts than pulls leave */
        check_report(&f, &data, theta);
    }
    tear_down(&f);
    gsl_rng_free(r);
}

/* A pull that the report takes for narrower than the fit did, by so much that its penalty is another one. */
static void a_report_that_does_not_add_up_says_so(void **state)
{
    (void)state;
    fixture f = set_up("ess_csi");
    cev_data data = asimov(&f, standard_model);
    double theta[CEV_MAX_THETA] = {NSI_STANDARD_MODEL};
    theta[nsi_parameter("eps_ee_uV")] = 0.2;
    cev_point_report report;
    double *told = &f.model->profile->sigma[0], sigma = *told; /* groups of the fit have copies of their own */
    *told = sigma * (1 - 1e-7);
    assert_ok(cev_model_explain(f.arena, f.model, &data, theta, &report));
    assert_int_equal(report.status, CEV_POINT_NOT_CONVERGED);
    *told = sigma * (1 - 1e-12);
    assert_ok(cev_model_explain(f.arena, f.model, &data, theta, &report));
    assert_int_equal(report.status, CEV_POINT_OK);
    tear_down(&f);
}

/* With one pull on the signal and one on the background the prediction can be written down. */
static void a_report_predicts_at_the_best_pulls(void **state)
{
    (void)state;
    fixture f = set_up("ess_csi");
    cev_data data = asimov(&f, standard_model);
    double theta[CEV_MAX_THETA] = {NSI_STANDARD_MODEL}, signal[3 * 20];
    theta[nsi_parameter("eps_ee_uV")] = 0.2;
    cev_point_report report;
    assert_ok(cev_model_explain(f.arena, f.model, &data, theta, &report));
    assert_ok(cev_model_signal(f.model, 0, theta, signal));
    const double *background = cev_model_experiment(f.model, 0)->background[0].counts;
    for (size_t i = 0; i < 20; i++) {
        double s = signal[i] + signal[20 + i] + signal[40 + i];
        assert_relative(report.predicted[0][i], s * (1 + report.pull[0]) + background[i] * (1 + report.pull[1]), 1e-13);
    }
    assert_true(report.pull[0] > 0.01); /* the coupling takes signal away, the pull brings some back */
    tear_down(&f);
}

/* --- pulls ------------------------------------------------------------------------------------------------------ */

/* Two copies of an experiment, their signal pulls under the given names. */
static cev_status twins(const cev_experiment *from, cev_pull pull[2][2], const char *second_name, double second_sigma,
                        cev_experiment twin[2], cev_model **model)
{
    static const cev_experiment *list[2];
    for (size_t k = 0; k < 2; k++) {
        twin[k] = *from;
        twin[k].name = k ? "second" : "first";
        memcpy(pull[k], from->pull, sizeof pull[k]);
        pull[k][0].name = "signal";
        pull[k][1].name = k ? "second.background" : "first.background";
        twin[k].pull = pull[k];
        list[k] = &twin[k];
    }
    pull[1][0].name = second_name;
    pull[1][0].sigma = second_sigma;
    return cev_model_create(2, list, &nsi, standard_model, model);
}

/* One pull on both signals costs its penalty once, separate ones twice; and twins agree on what they want. */
static void a_shared_pull_is_paid_once(void **state)
{
    (void)state;
    cev_scan_config *config = ess_config("ess_csi");
    const cev_experiment *x = config->experiment[0];
    cev_pull pull[2][2];
    cev_experiment twin[2];
    fixture shared = {.arena = new_arena()}, separate = {.arena = shared.arena};
    assert_int_equal(x->n_pull, 2);
    double theta[CEV_MAX_THETA] = {NSI_STANDARD_MODEL};
    theta[nsi_parameter("eps_mumu_uV")] = 0.1;

    assert_ok(twins(x, pull, "signal", x->pull[0].sigma, twin, &shared.model));
    assert_ok(cev_model_scratch_create(shared.model, &shared.scratch));
    assert_int_equal(cev_model_n_pull(shared.model), 3);
    assert_string_equal(cev_model_pull_name(shared.model, 0), "signal");
    assert_int_equal(cev_model_pull_users(shared.model, 0), 2);
    assert_int_equal(cev_model_pull_users(shared.model, 1), 1);
    assert_true(cev_model_pull_sigma(shared.model, 0) == 0.1);
    cev_data data = asimov(&shared, standard_model);
    cev_point_report once, twice;
    assert_ok(cev_model_explain(shared.arena, shared.model, &data, theta, &once));
    check_report(&shared, &data, theta);
    cev_model_scratch_destroy(&shared.scratch);
    cev_model_destroy(&shared.model);

    assert_ok(twins(x, pull, "other", x->pull[0].sigma, twin, &separate.model));
    assert_int_equal(cev_model_n_pull(separate.model), 4);
    assert_ok(cev_model_explain(separate.arena, separate.model, &data, theta, &twice));
    cev_model_destroy(&separate.model);

    /* The twins of the separate fit pull alike, so joining them can only save one penalty. */
    assert_close(twice.pull[0], twice.pull[2], 1e-10);
    assert_true(once.chi2 < twice.chi2 - 0.1);
    assert_true(once.chi2 > twice.chi2 / 2);

    /* An uncertainty smaller by sqrt(2) makes one shared penalty worth two. */
    pull[1][0].name = "signal";
    pull[0][0].sigma = pull[1][0].sigma = x->pull[0].sigma / sqrt(2);
    const cev_experiment *list[2] = {&twin[0], &twin[1]};
    assert_ok(cev_model_create(2, list, &nsi, standard_model, &shared.model));
    assert_ok(cev_model_explain(shared.arena, shared.model, &data, theta, &once));
    assert_relative(once.chi2, twice.chi2, 1e-9);
    assert_close(once.pull[0], twice.pull[0], 1e-8);
    cev_model_destroy(&shared.model);
    cev_arena_destroy(&shared.arena);
    cev_scan_config_destroy(&config);
}

static void a_pull_with_two_uncertainties_is_refused(void **state)
{
    (void)state;
    cev_scan_config *config = ess_config("ess_csi");
    cev_pull pull[2][2];
    cev_experiment twin[2];
    cev_model *model = NULL;
    assert_refused(twins(config->experiment[0], pull, "signal", 0.2, twin, &model), CEV_E_INPUT,
                   "pull signal is shared");
    assert_null(model);
    cev_scan_config_destroy(&config);
}

static void an_experiment_twice_is_refused(void **state)
{
    (void)state;
    cev_scan_config *config = ess_config("ess_csi");
    const cev_experiment *list[2] = {config->experiment[0], config->experiment[0]};
    cev_model *model = NULL;
    assert_refused(cev_model_create(2, list, &config->roster, config->theta, &model), CEV_E_INPUT,
                   "ess_csi is used twice");
    assert_null(model);
    cev_scan_config_destroy(&config);
}

/* --- data ------------------------------------------------------------------------------------------------------- */

static void observed_counts_are_data_too(void **state)
{
    (void)state;
    fixture f = set_up("ess_ar");
    cev_data data;
    assert_refused(cev_data_observed(f.arena, f.model, &data), CEV_E_INPUT, "ess_ar has no observed counts");
    const double observed = 3300;
    cev_experiment x = *f.config->experiment[0];
    x.observed = &observed;
    const cev_experiment *list = &x;
    cev_model *model;
    assert_ok(cev_model_create(1, &list, &nsi, standard_model, &model));
    assert_ok(cev_data_observed(f.arena, model, &data));
    assert_true(data.counts[0][0] == observed);
    cev_point_report report;
    assert_ok(cev_model_explain(f.arena, model, &data, standard_model, &report));
    assert_true(report.chi2 > 0 && report.chi2 < 0.1);
    cev_model_destroy(&model);
    tear_down(&f);
}

static void destroying_nothing_is_fine(void **state)
{
    (void)state;
    cev_model *model = NULL;
    cev_model_scratch *scratch = NULL;
    cev_model_destroy(NULL);
    cev_model_destroy(&model);
    cev_model_scratch_destroy(NULL);
    cev_model_scratch_destroy(&scratch);
    assert_null(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chi2_at_the_truth_is_exactly_zero),
        cmocka_unit_test(the_reference_point_far_from_the_standard_model),
        cmocka_unit_test(separate_experiments_add_up),
        cmocka_unit_test(lanes_are_points_of_their_own),
        cmocka_unit_test(merged_flavours_predict_the_sum_of_the_components),
        cmocka_unit_test(couplings_of_tau_do_nothing_without_tau_neutrinos),
        cmocka_unit_test(each_component_feels_its_own_coupling),
        cmocka_unit_test(shares_of_a_report_add_up),
        cmocka_unit_test(a_report_that_does_not_add_up_says_so),
        cmocka_unit_test(a_report_predicts_at_the_best_pulls),
        cmocka_unit_test(a_shared_pull_is_paid_once),
        cmocka_unit_test(a_pull_with_two_uncertainties_is_refused),
        cmocka_unit_test(an_experiment_twice_is_refused),
        cmocka_unit_test(observed_counts_are_data_too),
        cmocka_unit_test(destroying_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
