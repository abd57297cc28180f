/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of experiments by name, and that an experiment with another number is the one that a file with that number
 * gives. */
#include "coherent.h"

#include "cevscan/experiment_number.h"
#include "cevscan/templates.h"

/* --- by name ------------------------------------------------------------------------------------------------------ */

static const char toy[] =
    "scan: toy\n"
    "experiments:\n"
    "  - experiment: ess.toy\n"
    "    source: {name: pion_decay_at_rest, protons_on_target: %s, neutrinos_per_proton: 0.1, distance_m: %s}\n"
    "    target: {mass_kg: 10, molar_mass_g_per_mol: 40, form_factor: {name: helm, skin_thickness_fm: %s},\n"
    "             nuclei: [{name: Ar, protons: 18, neutrons: 22, mass_u: 39.96,\n"
    "                       rms_radius_p_fm: 3.4, rms_radius_n_fm: 3.4, per_unit: 1}]}\n"
    "    response: {name: gaussian, threshold_keV: 5, acceptance: %s, sigma_at_threshold_keV: 1}\n"
    "    bins: {edges_keV: [5, 10, 20, 40]}\n"
    "    pulls: [{name: distance, sigma: 0.1, parameter: source.distance_m}]\n"
    "interaction: nsi\n"
    "parameters: [{name: eps_ee_uV, min: -1, max: 1, points: 3}]\n";

static const char *const name[] = {"source.protons_on_target", "source.distance_m", "form_factor.skin_thickness_fm",
                                   "response.acceptance"};
static const char *const one[] = {"1e21", "20", "0.9", "0.8"}, *const two[] = {"3e21", "22.5", "1.1", "0.6"};

static cev_scan_config *toy_config(const char *const *value)
{
    char text[2048];
    cev_scan_config *config;
    snprintf(text, sizeof text, toy, value[0], value[1], value[2], value[3]);
    assert_ok(cev_scan_config_parse(text, "toy.yaml", &config));
    return config;
}

static void assert_same_folding(cev_arena *arena, const cev_experiment *a, const cev_experiment *b)
{
    cev_templates of_a, of_b;
    double theta[CEV_MAX_THETA] = {NSI_STANDARD_MODEL};
    assert_ok(cev_templates_fold(arena, a, &cev_interaction_nsi, theta, &of_a));
    assert_ok(cev_templates_fold(arena, b, &cev_interaction_nsi, theta, &of_b));
    assert_memory_equal(of_a.counts, of_b.counts, of_a.n_row * of_a.n_bin * sizeof *of_a.counts);
}

/* All numbers at once, to the bit, the sides of a pull that shifts one of them included. */
static void an_experiment_with_other_numbers_is_that_of_a_file(void **state)
{
    (void)state;
    cev_scan_config *first = toy_config(one), *second = toy_config(two);
    const cev_experiment *from = first->experiment[0], *to = second->experiment[0], *changed;
    cev_arena *arena = new_arena();
    double value[LENGTH(name)];
    for (size_t k = 0; k < LENGTH(name); k++) {
        value[k] = strtod(two[k], NULL);
        assert_true(cev_experiment_number_of(from, name[k]).value == strtod(one[k], NULL));
    }
    assert_ok(cev_experiment_with_numbers(arena, from, LENGTH(name), name, value, &changed));
    assert_same_folding(arena, changed, to);
    assert_same_folding(arena, changed->pull[0].up, to->pull[0].up);
    assert_same_folding(arena, changed->pull[0].down, to->pull[0].down);
    assert_true(cev_experiment_number_of(from, "source.distance_m").value == 20);
    cev_arena_destroy(&arena);
    cev_scan_config_destroy(&first);
    cev_scan_config_destroy(&second);
}

static void names_may_say_the_experiment(void **state)
{
    (void)state;
    cev_scan_config *config = toy_config(one);
    const cev_experiment *x = config->experiment[0];
    assert_string_equal(cev_experiment_number_name(x, "source.distance_m"), "source.distance_m");
    assert_string_equal(cev_experiment_number_name(x, "ess.toy.source.distance_m"), "source.distance_m");
    static const char *const none[] = {"distance_m",
                                       "source.distance",
                                       "quenching.c1",
                                       "source",
                                       "ess.source.distance_m",
                                       "ess.toy.quenching.c1",
                                       "ess.toy",
                                       ""};
    for (size_t k = 0; k < LENGTH(none); k++) assert_null(cev_experiment_number_name(x, none[k]));
    cev_scan_config_destroy(&config);
}

static void all_numbers_are_listed(void **state)
{
    (void)state;
    cev_scan_config *config = toy_config(one);
    cev_arena *arena = new_arena();
    const char *const *names;
    size_t n, found = 0;
    assert_ok(cev_experiment_number_names(arena, config->experiment[0], &n, &names));
    for (size_t k = 0; k < n; k++) {
        assert_string_equal(cev_experiment_number_name(config->experiment[0], names[k]), names[k]);
        for (size_t j = 0; j < LENGTH(name); j++) found += !strcmp(names[k], name[j]);
    }
    assert_int_equal(found, LENGTH(name));
    cev_arena_destroy(&arena);
    cev_scan_config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_experiment_with_other_numbers_is_that_of_a_file),
        cmocka_unit_test(names_may_say_the_experiment),
        cmocka_unit_test(all_numbers_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
