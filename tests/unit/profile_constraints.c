/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identities of constraints, correlations, bounds, given pulls, weights and powers. */
#include "fit_problem.h"

static const double tolerance = 1e-9;

/* Two channels of five bins, each with a background; a pull on each component. Lanes differ in their signal. */
static fit_problem two_channels(void)
{
    const double data[2][5] = {{14, 9, 3, 0, 1}, {120, 88, 41, 30, 11}};
    fit_problem p = {.n_channel = 2, .n_bin = {5, 5}, .n_background = {1, 1}};
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < 5; i++) {
            double shape = exp(-0.6 * (double)i) * (c ? 80 : 10);
            p.data[c][i] = data[c][i];
            p.background[c][i] = (c ? 20 : 2) * (1 + 0.1 * (double)i);
            for (int l = 0; l < CEV_LANES; l++) p.signal[l][c][i] = shape * (0.3 + 0.3 * l);
        }
    add_pull(&p, 0.28, 0, 0);
    add_pull(&p, 0.2, 0, 1);
    add_pull(&p, 0.1, 1, 0);
    add_pull(&p, 0.25, 1, 1);
    set_priors(&p);
    return p;
}

static void assert_same_chi2(const fit_answer *one, const fit_answer *other, double within)
{
    for (int l = 0; l < CEV_LANES; l++) {
        assert_int_equal(one->status[l], CEV_POINT_OK);
        assert_int_equal(other->status[l], CEV_POINT_OK);
        assert_close(one->chi2[l], other->chi2[l], within * fmax(1, other->chi2[l]));
    }
}

/* A constraint 2 (a - ln(1 + a))/sigma^2 is what a bin of 1/sigma^2 counts says of its background. */
static void gamma_is_a_sideband(void **state)
{
    (void)state;
    for (double sigma = 1e-4; sigma < 3; sigma *= 7) {
        fit_problem gamma = two_channels(), sideband;
        gamma.sigma[1] = sigma;
        sideband = gamma;
        gamma.prior[1].constraint = CEV_CONSTRAINT_GAMMA;
        sideband.prior[1].constraint = CEV_CONSTRAINT_NONE;
        sideband.n_channel = 3;
        sideband.n_bin[2] = sideband.n_background[2] = 1;
        sideband.data[2][0] = sideband.background[2][0] = 1 / (sigma * sigma);
        add_link(&sideband, 1, 2, 1);
        fit_answer one, other;
        solve(&gamma, &one);
        solve(&sideband, &other);
        assert_same_chi2(&one, &other, tolerance);
        for (int l = 0; l < CEV_LANES; l++) assert_close(one.pull[l][1], other.pull[l][1], 1e-6 * sigma);
    }
}

/* a = exp(sigma b) - 1 is lognormal where b is Gaussian: chi2 at the best a is the lowest over all b. */
static void lognormal_is_a_gaussian_of_the_logarithm(void **state)
{
    (void)state;
    fit_problem p = two_channels();
    fit_answer fitted, fixed;
    p.prior[1].constraint = CEV_CONSTRAINT_LOGNORMAL;
    solve(&p, &fitted);
    for (int l = 0; l < CEV_LANES; l++) {
        double lowest = INFINITY;
        fit_problem at = p;
        at.prior[1].given = true;
        for (double b = -4; b <= 4; b += 1.0 / 64) {
            at.given[l][1] = exp(at.sigma[1] * b) - 1;
            at.prior[1].constraint = CEV_CONSTRAINT_NONE;
            solve(&at, &fixed);
            lowest = fmin(lowest, fixed.chi2[l] + b * b);
        }
        assert_int_equal(fitted.status[l], CEV_POINT_OK);
        assert_true(fitted.chi2[l] <= lowest + tolerance && fitted.chi2[l] > lowest - 1e-3);
    }
}

/* Common pull of variance c sigma^2 and own ones of (1 - c) sigma^2. */
static void correlation_is_a_common_pull(void **state)
{
    (void)state;
    const double coefficients[] = {0.2, 0.5, 0.999};
    for (size_t k = 0; k < 3; k++) {
        double c = coefficients[k], sigma = 0.2;
        fit_problem correlated = two_channels(), common;
        correlated.sigma[0] = correlated.sigma[2] = sigma;
        common = correlated;
        common.has_priors = 0;
        correlate(&correlated, 0, 2, c);
        common.sigma[0] = common.sigma[2] = sigma * sqrt(1 - c);
        add_pull(&common, sigma * sqrt(c), 0, 0);
        add_link(&common, common.n_pull - 1, 1, 0);
        fit_answer one, other;
        solve(&correlated, &one);
        solve(&common, &other);
        assert_int_equal(one.n_group, 1);
        assert_same_chi2(&one, &other, tolerance);
        for (int l = 0; l < CEV_LANES; l++)
            assert_close(one.pull[l][2], other.pull[l][2] + other.pull[l][4], 1e-6 * sigma);
        correlated.prior[1].constraint = common.prior[1].constraint = CEV_CONSTRAINT_GAMMA; /* a general group */
        common.has_priors = 1;
        common.prior[4] = common.prior[0];
        solve(&correlated, &one);
        solve(&common, &other);
        assert_same_chi2(&one, &other, tolerance);
    }
}

static void correlation_goes_from_separate_to_shared(void **state)
{
    (void)state;
    fit_problem p = two_channels(), none, near;
    fit_answer one, other;
    p.sigma[0] = p.sigma[2] = 0.2;
    near = none = p;
    solve(&p, &one);
    correlate(&none, 0, 2, 0);
    solve(&none, &other);
    for (int l = 0; l < CEV_LANES; l++) assert_true(one.chi2[l] == other.chi2[l]);
    assert_int_equal(other.n_group, 2);
    fit_problem shared = p;
    for (size_t j = 0; j < shared.n_link; j++)
        if (shared.link[j].pull == 2) shared.link[j].pull = 0;
    solve(&shared, &one);
    for (double distance = 1e-3; distance > 1e-12; distance /= 100) {
        near = p;
        correlate(&near, 0, 2, 1 - distance);
        solve(&near, &other);
        assert_same_chi2(&other, &one, 1e4 * distance + tolerance);
    }
}

/* A correlated pull that acts nowhere follows its partner, and changes nothing. */
static void idle_pulls_follow_their_partners(void **state)
{
    (void)state;
    fit_problem p = two_channels(), idle = p;
    fit_answer one, other;
    idle.sigma[idle.n_pull++] = 0.4;
    correlate(&idle, 0, 4, 0.5);
    solve(&p, &one);
    solve(&idle, &other);
    assert_same_chi2(&other, &one, tolerance);
    for (int l = 0; l < CEV_LANES; l++) assert_close(other.pull[l][4], 0.5 * 0.4 / 0.28 * other.pull[l][0], 1e-9);
}

static void free_pull_is_the_limit_of_a_wide_one(void **state)
{
    (void)state;
    fit_problem free = two_channels(), wide = free;
    fit_answer one, other;
    free.prior[1].constraint = CEV_CONSTRAINT_NONE;
    free.sigma[1] = NAN; /* not looked at */
    wide.sigma[1] = 1e6;
    solve(&free, &one);
    solve(&wide, &other);
    assert_same_chi2(&one, &other, tolerance);
}

/* What no pull moves apart: the answer is chi2, and pulls that are not told stay at 0. */
static void untold_free_pulls_stay_at_zero(void **state)
{
    (void)state;
    fit_problem p = two_channels(), alone = p;
    fit_answer one, other;
    alone.prior[1].constraint = CEV_CONSTRAINT_NONE;
    p = alone;
    size_t twin = p.n_pull, untold = p.n_pull + 1;
    add_pull(&p, 1, 0, 1);
    p.n_shape[0] = 1;
    add_pull(&p, 1, 0, 2);
    p.prior[twin].constraint = p.prior[untold].constraint = CEV_CONSTRAINT_NONE;
    solve(&p, &one);
    solve(&alone, &other);
    assert_same_chi2(&one, &other, tolerance);
    for (int l = 0; l < CEV_LANES; l++) {
        assert_true(one.pull[l][untold] == 0);
        assert_close(one.pull[l][1], 0.5 * other.pull[l][1], 1e-5);
        assert_close(one.pull[l][twin], 0.5 * other.pull[l][1], 1e-5);
    }
}

static void assert_same_answers(const fit_problem *one, const fit_problem *other)
{
    fit_answer a, b;
    solve(one, &a);
    solve(other, &b);
    for (int l = 0; l < CEV_LANES; l++) {
        assert_true(a.chi2[l] == b.chi2[l] && a.status[l] == CEV_POINT_OK);
        for (size_t k = 0; k < one->n_pull; k++) assert_true(a.pull[l][k] == b.pull[l][k]);
        for (size_t c = 0; c < one->n_channel; c++)
            for (size_t i = 0; i < one->n_bin[c]; i++) assert_true(a.predicted[l][c][i] == b.predicted[l][c][i]);
    }
}

/* Of Gaussian pulls, and of others. */
static void bound_that_does_not_bind_changes_no_bit(void **state)
{
    (void)state;
    fit_problem p = two_channels(), bounded;
    for (int k = 0; k < 3; k++) {
        if (k == 1) p.prior[0].constraint = CEV_CONSTRAINT_GAMMA;
        if (k == 2) add_pull(&p, 0.1, 0, 0); /* more pulls than components */
        bounded = p;
        bounded.prior[1].low = bounded.prior[3].low = -1;
        bounded.prior[2].high = 5;
        assert_same_answers(&p, &bounded);
    }
}

/* Where it binds, the fit is that with the pull given there; a lane's bits do not depend on the others. */
static void bound_that_binds_holds_the_pull(void **state)
{
    (void)state;
    fit_problem p = two_channels(), given;
    fit_answer one, other;
    int held = 0;
    p.prior[0].low = -0.1;
    p.prior[3].high = 0.05;
    given = p;
    solve(&p, &one);
    for (int l = 0; l < CEV_LANES; l++) {
        assert_int_equal(one.status[l], CEV_POINT_OK);
        assert_true(one.pull[l][0] >= -0.1 && one.pull[l][3] <= 0.05);
        given.prior[0].given = one.pull[l][0] == -0.1;
        given.prior[3].given = one.pull[l][3] == 0.05;
        given.given[l][0] = -0.1;
        given.given[l][3] = 0.05;
        held += given.prior[0].given + given.prior[3].given;
        solve(&given, &other);
        assert_close(one.chi2[l], other.chi2[l], tolerance);
        fit_problem single = p;
        for (int k = 0; k < CEV_LANES; k++) memcpy(single.signal[k], p.signal[l], sizeof p.signal[l]);
        solve(&single, &other);
        for (int k = 0; k < CEV_LANES; k++) assert_true(other.chi2[k] == one.chi2[l]);
    }
    assert_true(held > 4 && held < 2 * CEV_LANES);
}

/* Given where it was fitted, a pull leaves chi2 as it was; elsewhere chi2 is larger. */
static void given_pull_scans_what_is_profiled(void **state)
{
    (void)state;
    for (int kind = 0; kind < CEV_N_CONSTRAINTS; kind++) {
        fit_problem p = two_channels(), at;
        fit_answer fitted, fixed;
        p.prior[0].constraint = (cev_pull_constraint)kind;
        if (kind == CEV_CONSTRAINT_GAUSSIAN) correlate(&p, 0, 2, -0.4);
        solve(&p, &fitted);
        at = p;
        at.prior[0].given = true;
        for (int k = -3; k <= 3; k++) {
            for (int l = 0; l < CEV_LANES; l++) at.given[l][0] = fitted.pull[l][0] + 0.02 * k;
            solve(&at, &fixed);
            for (int l = 0; l < CEV_LANES; l++) {
                assert_int_equal(fixed.status[l], CEV_POINT_OK);
                assert_true(fixed.pull[l][0] == at.given[l][0]);
                if (k == 0) assert_close(fixed.chi2[l], fitted.chi2[l], tolerance);
                if (k != 0) assert_true(fixed.chi2[l] > fitted.chi2[l] + 1e-4);
            }
        }
    }
}

/* chi2 is the deviance of what is predicted, and the penalty of the pulls. */
static void penalty_is_what_is_left_of_chi2(void **state)
{
    (void)state;
    fit_problem p = two_channels();
    fit_answer answer;
    p.prior[0].constraint = CEV_CONSTRAINT_GAMMA;
    p.prior[1].constraint = CEV_CONSTRAINT_LOGNORMAL;
    p.prior[2].given = true;
    for (int l = 0; l < CEV_LANES; l++) p.given[l][2] = 0.07 * (l - 3);
    correlate(&p, 2, 3, 0.6);
    solve(&p, &answer);
    cev_profile *profile = create_fit(&p);
    for (int l = 0; l < CEV_LANES; l++) {
        double sum = cev_profile_penalty(profile, answer.pull[l]);
        for (size_t c = 0; c < 2; c++)
            for (size_t i = 0; i < 5; i++) sum += cev_poisson_deviance(answer.predicted[l][c][i], p.data[c][i]);
        assert_int_equal(answer.status[l], CEV_POINT_OK);
        assert_close(answer.chi2[l], sum, 1e-11 * sum);
    }
    cev_profile_destroy(&profile);
}

/* Histograms at +-1 sigma are what a pull given there predicts. */
static void quadratic_pull_gives_up_and_down(void **state)
{
    (void)state;
    fit_problem p = two_channels();
    fit_answer answer;
    const double sigma = 0.7, up[5] = {1.3, 0.2, -0.4, 0.3, 0.5}, down[5] = {-0.2, 0.6, 0.1, 0.2, -0.3};
    p.n_shape[0] = 2;
    for (int l = 0; l < CEV_LANES; l++)
        for (size_t i = 0; i < 5; i++) {
            p.shape[l][0][0][i] = (up[i] - down[i]) / (2 * sigma);
            p.shape[l][0][1][i] = (up[i] + down[i]) / (2 * sigma * sigma);
        }
    p.prior[p.n_pull].given = true;
    add_pull(&p, sigma, 0, 2);
    p.link[p.n_link++] = (cev_pull_link){.pull = 4, .channel = 0, .component = 3, .power = 2};
    for (size_t k = 0; k < 4; k++) p.prior[k].given = true; /* at 0 */
    for (int l = 0; l < CEV_LANES; l++) p.given[l][4] = l % 2 ? sigma : -sigma;
    solve(&p, &answer);
    for (int l = 0; l < CEV_LANES; l++)
        for (size_t i = 0; i < 5; i++)
            assert_close(answer.predicted[l][0][i], p.signal[l][0][i] + p.background[0][i] + (l % 2 ? up : down)[i],
                         1e-12);
}

/* Weight w of a pull of sigma is weight 1 of one of w sigma. */
static void weight_is_a_wider_pull(void **state)
{
    (void)state;
    fit_problem weighted = two_channels(), wider = weighted;
    fit_answer one, other;
    weighted.link[0].weight = -2.5;
    wider.sigma[0] *= 2.5;
    solve(&weighted, &one);
    solve(&wider, &other);
    assert_same_chi2(&one, &other, tolerance);
    for (int l = 0; l < CEV_LANES; l++) assert_close(one.pull[l][0] * -2.5, other.pull[l][0], 1e-6);
}

/* The linear term is missing, and data ask for more: 0 is stationary, and not the minimum. */
static void fit_leaves_a_saddle(void **state)
{
    (void)state;
    const double data = 30, signal = 10;
    fit_problem p = simple(1, &data, &signal, NULL);
    fit_answer answer;
    set_priors(&p);
    p.n_pull = 1;
    p.sigma[0] = 2;
    p.link[p.n_link++] = (cev_pull_link){.pull = 0, .channel = 0, .component = 0, .weight = 0.5, .power = 2};
    solve(&p, &answer);
    double n = data / (1 + 1 / (2 * signal * 0.5 * 4)), a = sqrt((n / signal - 1) / 0.5); /* where the slope is 0 */
    double least = cev_poisson_deviance(n, data) + a * a / 4;
    assert_all_lanes(&answer, least, tolerance);
    assert_close(fabs(answer.pull[0][0]), a, 1e-6);
}

static cev_status try_pull(double sigma, cev_pull_prior prior)
{
    cev_profile *profile;
    cev_profile_spec spec = {.n_pull = 1, .sigma = &sigma, .prior = &prior};
    cev_status status = cev_profile_create(&spec, &profile);
    if (status == CEV_OK) cev_profile_destroy(&profile);
    return status;
}

static cev_status try_correlation(const double *correlation, cev_pull_constraint constraint)
{
    const double sigma[3] = {1, 2, 3};
    const cev_pull_prior prior[3] = {{constraint, -INFINITY, INFINITY, false},
                                     {CEV_CONSTRAINT_GAUSSIAN, -INFINITY, INFINITY, false},
                                     {CEV_CONSTRAINT_GAUSSIAN, -INFINITY, INFINITY, false}};
    cev_profile *profile;
    cev_profile_spec spec = {.n_pull = 3, .sigma = sigma, .prior = prior, .correlation = correlation};
    cev_status status = cev_profile_create(&spec, &profile);
    if (status == CEV_OK) cev_profile_destroy(&profile);
    return status;
}

static void creation_refuses_what_makes_no_sense(void **state)
{
    (void)state;
    for (int kind = CEV_CONSTRAINT_GAMMA; kind <= CEV_CONSTRAINT_LOGNORMAL; kind++) {
        cev_pull_prior prior = {(cev_pull_constraint)kind, -INFINITY, INFINITY, false};
        assert_ok(try_pull(3, prior));
        assert_refused(try_pull(3.01, prior), CEV_E_INPUT, "at most 3");
        assert_refused(try_pull(0, prior), CEV_E_INPUT, "must be positive");
    }
    assert_ok(try_pull(NAN, (cev_pull_prior){CEV_CONSTRAINT_NONE, -1, INFINITY, false}));
    assert_refused(try_pull(1, (cev_pull_prior){CEV_CONSTRAINT_GAUSSIAN, 0.1, 1, false}), CEV_E_INPUT, "0 must lie");
    assert_refused(try_pull(1, (cev_pull_prior){CEV_CONSTRAINT_GAUSSIAN, -1, -0.1, false}), CEV_E_INPUT, "0 must lie");
    assert_refused(try_pull(1, (cev_pull_prior){CEV_CONSTRAINT_GAUSSIAN, NAN, 1, false}), CEV_E_INPUT, "0 must lie");
    const double good[9] = {1, 0.5, 0.5, 0.5, 1, 0.5, 0.5, 0.5, 1}, skew[9] = {1, 0.5, 0, 0.4, 1, 0, 0, 0, 1},
                 wrong[9] = {1, 0.9, 0.9, 0.9, 1, -0.9, 0.9, -0.9, 1}, diagonal[9] = {1, 0, 0, 0, 2, 0, 0, 0, 1},
                 beyond[9] = {1, 1.5, 0, 1.5, 1, 0, 0, 0, 1}, one[9] = {1, 1, 0, 1, 1, 0, 0, 0, 1};
    assert_ok(try_correlation(good, CEV_CONSTRAINT_GAUSSIAN));
    assert_refused(try_correlation(good, CEV_CONSTRAINT_GAMMA), CEV_E_INPUT, "only Gaussian pulls");
    assert_refused(try_correlation(skew, CEV_CONSTRAINT_GAUSSIAN), CEV_E_INPUT, "not symmetric");
    assert_refused(try_correlation(wrong, CEV_CONSTRAINT_GAUSSIAN), CEV_E_INPUT, "not positive definite");
    assert_refused(try_correlation(one, CEV_CONSTRAINT_GAUSSIAN), CEV_E_INPUT, "not positive definite");
    assert_refused(try_correlation(diagonal, CEV_CONSTRAINT_GAUSSIAN), CEV_E_INPUT, "must be 1");
    assert_refused(try_correlation(beyond, CEV_CONSTRAINT_GAUSSIAN), CEV_E_INPUT, "from -1 to 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gamma_is_a_sideband),
        cmocka_unit_test(lognormal_is_a_gaussian_of_the_logarithm),
        cmocka_unit_test(correlation_is_a_common_pull),
        cmocka_unit_test(correlation_goes_from_separate_to_shared),
        cmocka_unit_test(idle_pulls_follow_their_partners),
        cmocka_unit_test(free_pull_is_the_limit_of_a_wide_one),
        cmocka_unit_test(untold_free_pulls_stay_at_zero),
        cmocka_unit_test(bound_that_does_not_bind_changes_no_bit),
        cmocka_unit_test(bound_that_binds_holds_the_pull),
        cmocka_unit_test(given_pull_scans_what_is_profiled),
        cmocka_unit_test(penalty_is_what_is_left_of_chi2),
        cmocka_unit_test(quadratic_pull_gives_up_and_down),
        cmocka_unit_test(weight_is_a_wider_pull),
        cmocka_unit_test(fit_leaves_a_saddle),
        cmocka_unit_test(creation_refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
