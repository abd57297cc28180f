/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pulls do to counts: parts of the signal, weights, shapes to second order, values that a scan gives, and which
 * experiments they hold together. */
#include "toy_scan.h"

#include "cevscan/combination.h"
#include "engine/model_parts.h"

enum { MOST_BINS = 8, MOST_COMPONENTS = CEV_MAX_SOURCE_COMPONENTS };
static const char old_pulls[] = "      - {name: norm, sigma: 0.1, scales: [signal, listed]}\n"
                                "      - {name: flat, sigma: 0.2, scales: [flat]}\n";

/* The toy with one pull, "a", whose value the scan gives. */
typedef struct fixture {
    cev_scan_config *config;
    cev_guest guest;
    cev_roster roster;
    cev_model *model;
    cev_model_scratch *scratch;
    double theta[CEV_MAX_THETA];
} fixture;

static fixture *set_up(const char *pull)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->config = parse(with(old_pulls, pull));
    f->guest = (cev_guest){.parameter = {.name = "a", .minimum = -10, .maximum = 10}, .kind = CEV_GUEST_PULL};
    f->roster = f->config->roster;
    f->roster.n_guest = 1;
    f->roster.guest = &f->guest;
    memcpy(f->theta, f->config->theta, sizeof f->theta);
    f->theta[cev_roster_index(&f->roster, "a")] = 0;
    f->theta[nsi_parameter("eps_ee_uV")] = 0.1; /* where flavours count differently */
    assert_ok(cev_model_create(1, f->config->experiment, &f->roster, f->theta, &f->model));
    assert_ok(cev_model_scratch_create(f->model, &f->scratch));
    return f;
}

static void tear_down(fixture *f)
{
    cev_model_scratch_destroy(&f->scratch);
    cev_model_destroy(&f->model);
    cev_scan_config_destroy(&f->config);
    free(f);
}

static void counts_at(fixture *f, double a, double *counts)
{
    cev_lanes block[CEV_MAX_THETA];
    f->theta[cev_roster_index(&f->roster, "a")] = a;
    cev_theta_broadcast(cev_roster_n(&f->roster), f->theta, block);
    cev_model_counts(f->model, 0, f->scratch, block, counts);
}

static void assert_counts(size_t n, const double *counts, const double *expected, double tolerance)
{
    for (size_t i = 0; i < n; i++) assert_relative(counts[i], expected[i], tolerance);
}

/* --- parts of the signal ---------------------------------------------------------------------------------------- */

enum { N_BIN = 3, NU_MU = 0, NUMUBAR, NU_E, N_SPECIES };

/* What a unit of the pull adds, as 0.3 of it does. */
static void change_of(const char *pull, double *change)
{
    double at[N_BIN];
    fixture *f = set_up(pull);
    counts_at(f, 0, change);
    counts_at(f, 0.3, at);
    for (size_t i = 0; i < N_BIN; i++) change[i] = (at[i] - change[i]) / 0.3;
    tear_down(f);
}

static void a_part_is_its_share_of_the_signal(void **state)
{
    (void)state;
    double signal[MOST_COMPONENTS * N_BIN], change[N_BIN], expected[N_BIN];
    fixture *f = set_up("      - {name: a, sigma: 0.1, scales: [signal.nu_e]}\n");
    assert_ok(cev_model_signal(f->model, 0, f->theta, signal));
    tear_down(f);
    change_of("      - {name: a, sigma: 0.1, scales: [signal.nu_e]}\n", change);
    assert_counts(N_BIN, change, signal + NU_E * N_BIN, 1e-11);
    change_of("      - {name: a, sigma: 0.1, scales: {signal.nu_mu: 1, signal.numubar: -0.5}}\n", change);
    for (size_t i = 0; i < N_BIN; i++) expected[i] = signal[NU_MU * N_BIN + i] - 0.5 * signal[NUMUBAR * N_BIN + i];
    assert_counts(N_BIN, change, expected, 1e-10);
    /* a part and what contains it add up */
    change_of("      - {name: a, sigma: 0.1, scales: [signal, signal.nu_e]}\n", change);
    for (size_t i = 0; i < N_BIN; i++)
        expected[i] = signal[i] + signal[NUMUBAR * N_BIN + i] + 2 * signal[NU_E * N_BIN + i];
    assert_counts(N_BIN, change, expected, 1e-11);
}

/* The same grams of a target that has nothing but one of the nuclei. */
static void a_nucleus_is_a_target_of_its_own(void **state)
{
    (void)state;
    double change[N_BIN], signal[MOST_COMPONENTS * N_BIN], expected[N_BIN] = {0};
    char alone[sizeof text];
    const char fluorine[] = "        - {name: F, protons: 9, neutrons: 10, mass_u: 19, rms_radius_fm: 2.9}\n";
    char *at = strstr(strcpy(alone, with("form_factor: helm", "molar_mass_g_per_mol: 55\n      form_factor: helm")),
                      fluorine);
    memmove(at, at + strlen(fluorine), strlen(at + strlen(fluorine)) + 1);
    cev_scan_config *config = parse(alone);
    double theta[CEV_MAX_THETA];
    memcpy(theta, config->theta, sizeof theta);
    theta[nsi_parameter("eps_ee_uV")] = 0.1;
    cev_model *model;
    assert_ok(cev_model_create(1, config->experiment, &config->roster, theta, &model));
    assert_ok(cev_model_signal(model, 0, theta, signal));
    change_of("      - {name: a, sigma: 0.1, scales: [signal.nu_e.C]}\n", change);
    assert_counts(N_BIN, change, signal + NU_E * N_BIN, 1e-11);
    change_of("      - {name: a, sigma: 0.1, scales: {signal.C: 2}}\n", change);
    for (size_t k = 0; k < N_SPECIES * N_BIN; k++) expected[k % N_BIN] += 2 * signal[k];
    assert_counts(N_BIN, change, expected, 1e-11);
    cev_model_destroy(&model);
    cev_scan_config_destroy(&config);
}

static void all_parts_are_the_signal(void **state)
{
    (void)state;
    static const char *const lists[] =
        {"      - {name: a, sigma: 0.1, scales: [signal.nu_mu, signal.numubar, signal.nu_e]}\n",
         "      - {name: a, sigma: 0.1, scales: [signal.C, signal.F]}\n",
         "      - {name: a, sigma: 0.1, scales: [signal.nu_mu, signal.numubar, signal.nu_e.F, signal.nu_e.C]}\n"};
    double whole[N_BIN], parts[N_BIN];
    change_of("      - {name: a, sigma: 0.1, scales: [signal]}\n", whole);
    for (size_t k = 0; k < LENGTH(lists); k++) {
        change_of(lists[k], parts);
        assert_counts(N_BIN, parts, whole, 1e-11);
    }
}

/* --- shapes ----------------------------------------------------------------------------------------------------- */

static void expected_of(const fixture *f, const cev_experiment *x, double *counts)
{
    cev_model *model;
    cev_model_scratch *scratch;
    cev_lanes block[CEV_MAX_THETA];
    cev_experiment bare = *x;
    const cev_experiment *of = &bare;
    bare.n_pull = 0;
    assert_ok(cev_model_create(1, &of, &f->config->roster, f->theta, &model));
    assert_ok(cev_model_scratch_create(model, &scratch));
    cev_theta_broadcast(cev_roster_n(&f->config->roster), f->theta, block);
    cev_model_counts(model, 0, scratch, block, counts);
    cev_model_scratch_destroy(&scratch);
    cev_model_destroy(&model);
}

/* A quadratic shape goes through both sides; a linear one has their mean slope. */
static void shapes_at_one_sigma(void **state)
{
    (void)state;
    static const char *const shapes[] =
        {"sigma: 0.25, parameter: form_factor.skin_thickness_fm", "sigma: 4, parameter: source.distance_m",
         "sigma: 0.5, up: {backgrounds: {listed: [3, 2, 1]}}, down: {backgrounds: {listed: [1, 4, 3]}}"};
    for (size_t k = 0; k < LENGTH(shapes); k++)
        for (int quadratic = 0; quadratic < 2; quadratic++) {
            char pull[256];
            double up[N_BIN], down[N_BIN], none[N_BIN], at[N_BIN], expected[N_BIN];
            snprintf(pull, sizeof pull, "      - {name: a, %s%s}\n", shapes[k],
                     quadratic ? ", interpolation: quadratic" : "");
            fixture *f = set_up(pull);
            const cev_pull *own = cev_model_pull(f->model, 0);
            assert_true(cev_model_pull_is_given(f->model, 0) && own->quadratic == quadratic);
            expected_of(f, own->up, up);
            expected_of(f, own->down, down);
            expected_of(f, f->config->experiment[0], none);
            for (int sign = -1; sign <= 1; sign++) {
                for (size_t i = 0; i < N_BIN; i++)
                    expected[i] = sign == 0   ? none[i]
                                  : quadratic ? (sign > 0 ? up : down)[i]
                                              : none[i] + sign * (up[i] - down[i]) / 2;
                counts_at(f, sign * own->sigma, at);
                assert_counts(N_BIN, at, expected, 1e-12);
            }
            tear_down(f);
        }
}

/* --- what is no pull -------------------------------------------------------------------------------------------- */

static double chi2_at(const cev_scan_config *config, const cev_roster *roster)
{
    cev_model *model;
    cev_model_scratch *scratch;
    cev_arena *arena = new_arena();
    cev_data data;
    cev_lanes block[CEV_MAX_THETA];
    cev_block_result result = {.pull = NULL};
    double theta[CEV_MAX_THETA];
    memcpy(theta, config->theta, sizeof theta);
    theta[nsi_parameter("eps_ee_uV")] = 2;
    assert_ok(cev_model_create(config->n_experiment, config->experiment, roster, config->theta, &model));
    assert_ok(cev_model_scratch_create(model, &scratch));
    assert_ok(cev_data_asimov(arena, model, config->theta, &data));
    cev_theta_broadcast(cev_roster_n(roster), theta, block);
    cev_model_evaluate(model, &data, scratch, block, NULL, &result);
    assert_int_equal(result.status[0], CEV_POINT_OK);
    cev_model_scratch_destroy(&scratch);
    cev_model_destroy(&model);
    cev_arena_destroy(&arena);
    return result.chi2[0];
}

static double chi2_with(const char *pulls)
{
    cev_scan_config *config = parse(with(old_pulls, pulls));
    double chi2 = chi2_at(config, &config->roster);
    cev_scan_config_destroy(&config);
    return chi2;
}

static void a_pull_of_no_width_changes_no_bit(void **state)
{
    (void)state;
    char more[512];
    static const char *const none[] =
        {"      - {name: none, sigma: 0, scales: [signal, listed]}\n",
         "      - {name: none, sigma: 0, minimum: -1, scales: {signal.nu_e: 2}}\n",
         "      - {name: none, sigma: 0, interpolation: quadratic, parameter: source.distance_m}\n",
         "      - {name: none, sigma: 0, up: {backgrounds: {listed: [3, 2, 1]}}, down: {backgrounds: {listed: [1, 4, "
         "3]}}}\n"};
    double chi2 = chi2_with(old_pulls);
    assert_true(chi2 > 0.1);
    for (size_t k = 0; k < LENGTH(none); k++) {
        snprintf(more, sizeof more, "%s%s", none[k], old_pulls);
        assert_same_bits(chi2_with(more), chi2);
    }
    cev_scan_config *config = parse(good);
    cev_experiment by_hand = *config->experiment[0];
    const cev_experiment *list = &by_hand;
    cev_pull pull[3] = {by_hand.pull[0], by_hand.pull[1], by_hand.pull[0]};
    pull[2].name = "none";
    pull[2].sigma = 0;
    by_hand.pull = pull;
    by_hand.n_pull = 3;
    config->experiment = &list;
    assert_same_bits(chi2_at(config, &config->roster), chi2);
    cev_scan_config_destroy(&config);
}

/* {signal: 1} is [signal]; and what is said as it is anyway changes nothing. */
static void plain_words_change_no_bit(void **state)
{
    (void)state;
    double chi2 = chi2_with(old_pulls);
    assert_same_bits(chi2_with(
                         "      - {name: norm, sigma: 0.1, constraint: gaussian, scales: {signal: 1, listed: 1}}\n"
                         "      - {name: flat, sigma: 0.2, scales: {flat: 1}}\n"),
                     chi2);
}

/* --- what hangs together ---------------------------------------------------------------------------------------- */

static size_t n_units(const cev_fit_set *set, const cev_roster *roster, const double *theta)
{
    cev_units *units;
    assert_ok(cev_units_create(1, set, roster, theta, &units));
    size_t n = cev_units_n(units);
    cev_units_destroy(&units);
    return n;
}

static void correlated_pulls_hold_experiments_together(void **state)
{
    (void)state;
    cev_scan_config *config = ess_config("ess_csi,ess_si,ess_ge");
    const bool observed[3] = {false};
    const cev_fit_set set = {.n_experiment = 3, .experiment = config->experiment, .observed = observed};
    cev_correlation c[] = {{{"ess_ge.signal", "ess_csi.signal"}, 0}, {{"ess_ge.signal", "not here"}, 0.5}};
    cev_roster roster = config->roster;
    roster.correlation = c;
    roster.n_correlation = LENGTH(c);
    assert_int_equal(n_units(&set, &roster, config->theta), 3);
    c[0].coefficient = 0.5;
    assert_int_equal(n_units(&set, &roster, config->theta), 2);
    cev_scan_config_destroy(&config);
}

static void one_name_is_one_pull(void **state)
{
    (void)state;
    cev_scan_config *config = ess_config("ess_csi,ess_si");
    cev_experiment twin = *config->experiment[1];
    cev_pull pull[2];
    const cev_experiment *both[2] = {config->experiment[0], &twin};
    cev_model *model = NULL;
    twin.pull = pull;
    const struct {
        cev_pull pull;
        const char *says;
    } cases[] = {
        {{.sigma = 0.2}, "but with sigma 0.1 and 0.2"},
        {{.sigma = 0.1, .constraint = CEV_CONSTRAINT_GAMMA}, "but with constraint gaussian and gamma"},
        {{.sigma = 0.1, .bounded = true, .minimum = -1, .maximum = INFINITY}, "but with minimum none and -1"},
        {{.sigma = 0.1, .bounded = true, .minimum = -INFINITY, .maximum = 2}, "but with maximum none and 2"},
    };
    for (size_t k = 0; k < LENGTH(cases); k++) {
        memcpy(pull, config->experiment[1]->pull, sizeof pull);
        pull[0].name = config->experiment[0]->pull[0].name;
        pull[0].sigma = cases[k].pull.sigma;
        pull[0].constraint = cases[k].pull.constraint;
        pull[0].bounded = cases[k].pull.bounded;
        pull[0].minimum = cases[k].pull.minimum;
        pull[0].maximum = cases[k].pull.maximum;
        assert_int_equal(cev_model_create(2, both, &config->roster, config->theta, &model), CEV_E_INPUT);
        assert_contains(cev_error_message(), cases[k].says);
        assert_null(model);
    }
    cev_scan_config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_its_share_of_the_signal),
        cmocka_unit_test(a_nucleus_is_a_target_of_its_own),
        cmocka_unit_test(all_parts_are_the_signal),
        cmocka_unit_test(shapes_at_one_sigma),
        cmocka_unit_test(a_pull_of_no_width_changes_no_bit),
        cmocka_unit_test(plain_words_change_no_bit),
        cmocka_unit_test(correlated_pulls_hold_experiments_together),
        cmocka_unit_test(one_name_is_one_pull),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
