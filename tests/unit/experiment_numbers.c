/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of experiments that scans name: which there are, what is refused, and that an experiment with another number
 * is the one that a file with that number gives. */
#include "coherent.h"

#include "cevscan/templates.h"
#include "config/experiment_numbers.h"

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
    for (size_t k = 0; k < LENGTH(none); k++) {
        assert_null(cev_experiment_number_name(x, none[k]));
        assert_false(cev_has_number(1, &x, none[k]));
    }
    cev_scan_config_destroy(&config);
}

/* --- what a scan makes of them ------------------------------------------------------------------------------------ */

typedef struct place {
    cev_yaml *document;
    cev_node node;
    cev_arena *arena;
    cev_scan_config *config;
} place;

static place open_place(const char *experiments)
{
    static const char text[] = "parameters:\n  - here\n";
    place p = {.config = coherent_config(experiments, "nsi"), .arena = new_arena()};
    assert_ok(cev_yaml_read_text(text, strlen(text), "scan.yaml", &p.document));
    p.node = cev_node_item(cev_node_find(cev_yaml_root(p.document), "parameters"), 0);
    return p;
}

static void close_place(place *p)
{
    cev_yaml_destroy(&p->document);
    cev_arena_destroy(&p->arena);
    cev_scan_config_destroy(&p->config);
}

static cev_status read_number(const place *p, const char *number, double low, double high, cev_guest *out)
{
    CEV_TRY(cev_read_number(p->arena, p->node, number, p->config->n_experiment, p->config->experiment, out));
    return cev_give_number_range(p->arena, p->node, p->config->n_experiment, p->config->experiment, low, high, out);
}

/* The range holds what the files say. */
static void a_number_becomes_a_guest(void **state)
{
    (void)state;
    place p = open_place("coherent_csi,ess_csi");
    cev_guest guest;
    assert_ok(read_number(&p, "coherent_csi.quenching.c1", 0.056, 0.06, &guest));
    assert_int_equal(guest.kind, CEV_GUEST_NUMBER);
    assert_string_equal(guest.parameter.name, "coherent_csi.quenching.c1");
    assert_true(guest.parameter.default_value == 0.05546 && !guest.parameter.slow);
    assert_true(guest.low == 0.05546 && guest.high == 0.06);
    assert_ok(read_number(&p, "quenching.c1", 0.05, 0.06, &guest));
    assert_true(guest.low == 0.05 && guest.high == 0.06);
    assert_ok(read_number(&p, "quenching.c1", 0.05546, 0.05546, &guest));
    assert_true(guest.low == guest.high);
    close_place(&p);
}

static const struct {
    const char *experiments, *number;
    double low, high;
    const char *words;
} refused[] = {
    {"xenonnt_8b", "source.earth", 0, 1, "scan.yaml:2:5: parameter \"source.earth\" of \"xenonnt_8b\" is a choice"},
    {"xenonnt_8b", "source.flux_per_cm2_s", 5e6, 6e6, "changes no shape, and scans set it"},
    {"ess_csi", "response.threshold_keV", 1, 2, "is where the bins begin"},
    {"coherent_csi,ess_csi", "source.distance_m", 15, 25,
     "is 19.3 in \"coherent_csi\" and 20 in ess_csi; one value for both would change what the files say: give the "
     "number "
     "of one"},
    {"coherent_csi", "source.distance_m", -1, 25, "expected a value from"},
    {"coherent_csi", "quenching.c1", -1, 0.06, "does not grow"},
    {"coherent_csi", "source.years", 0.5, 2, "changes nothing: the source"},
};

static void what_can_not_vary_is_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < LENGTH(refused); k++) {
        place p = open_place(refused[k].experiments);
        cev_guest guest;
        assert_refused(read_number(&p, refused[k].number, refused[k].low, refused[k].high, &guest), CEV_E_INPUT,
                       refused[k].words);
        close_place(&p);
    }
}

static void a_number_that_a_pull_shifts_is_refused(void **state)
{
    (void)state;
    place p = open_place("ess_csi");
    cev_scan_config *config = toy_config(one);
    cev_guest guest;
    assert_refused(cev_read_number(p.arena, p.node, "source.distance_m", 1, config->experiment, &guest), CEV_E_INPUT,
                   "pull \"distance\" of \"ess.toy\" shifts it already");
    cev_scan_config_destroy(&config);
    close_place(&p);
}

static void all_numbers_are_listed_once(void **state)
{
    (void)state;
    place p = open_place("coherent_csi,coherent_csi_time,ess_csi");
    const char *const *names;
    size_t n;
    assert_ok(cev_list_numbers(p.arena, p.config->n_experiment, p.config->experiment, &n, &names));
    for (size_t k = 0; k < n; k++) {
        assert_true(cev_has_number(p.config->n_experiment, p.config->experiment, names[k]));
        for (size_t j = 0; j < k; j++) assert_string_not_equal(names[j], names[k]);
    }
    assert_true(n > 15);
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_experiment_with_other_numbers_is_that_of_a_file),
        cmocka_unit_test(names_may_say_the_experiment),
        cmocka_unit_test(a_number_becomes_a_guest),
        cmocka_unit_test(what_can_not_vary_is_refused),
        cmocka_unit_test(a_number_that_a_pull_shifts_is_refused),
        cmocka_unit_test(all_numbers_are_listed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
