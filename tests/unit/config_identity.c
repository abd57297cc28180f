/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes two configurations the same one: values, not how they are written; and the text that a map keeps. */
#include "cevscan/study.h"
#include "toy_scan.h"

/* --- identity --------------------------------------------------------------------------------------------------- */

static bool same_identity(const char *one_text, const char *other_text)
{
    char kept[sizeof text];
    snprintf(kept, sizeof kept, "%s", one_text);
    cev_scan_config *one = parse(kept), *other = parse(other_text);
    bool same = !memcmp(&one->identity, &other->identity, sizeof one->identity);
    cev_scan_config_destroy(&one);
    cev_scan_config_destroy(&other);
    return same;
}

static void prose_is_not_part_of_the_identity(void **state)
{
    (void)state;
    assert_true(same_identity(good, good));
    assert_true(same_identity(good, with("scan: toy", "scan: other")));
    assert_true(same_identity(good, with("title: a toy", "title: another toy")));
    assert_true(same_identity(good, with("title: a toy", "# no title")));
    assert_true(same_identity(good, with("nobody 1999", "somebody 2000")));
    assert_true(same_identity(good, with("    citation: nobody 1999\n", "    # a comment\n\n")));
    assert_true(same_identity(good, with("1e23", "1.0e+23"))); /* the same number */
    assert_true(
        same_identity(good, with("mass_kg: 10\n      form_factor: helm\n", "form_factor: helm\n      mass_kg: 10\n")));
}

static void whatever_bears_on_numbers_is_part_of_the_identity(void **state)
{
    (void)state;
    assert_false(same_identity(good, with("mass_kg: 10", "mass_kg: 10.000000000000002")));
    assert_false(same_identity(good, with("points: 9", "points: 10")));
    assert_false(same_identity(good, with("value: 0.125", "value: 0.126")));
    assert_false(same_identity(good, with("eps_ee_uV: 0.05", "eps_ee_uV: 0.06")));
    assert_false(same_identity(good, with("data: {asimov: {eps_ee_uV: 0.05}}", "data: observed")));
    assert_false(same_identity(good, with("sigma: 0.1", "sigma: 0.11")));
    assert_false(same_identity(good, with("[60, 7, 8.5]", "[60, 7, 8]")));
    assert_false(same_identity(good, with("[1, 2, 5, 10]", "[1, 2, 5, 11]")));
    assert_false(same_identity(good, with("form_factor: helm", "form_factor: {name: helm, skin_thickness_fm: 0.8}")));
}

static void assert_resolved_is_the_same(const char *yaml)
{
    cev_scan_config *one = parse(yaml), *again;
    assert_ok(cev_scan_config_parse(one->resolved, "resolved", &again));
    assert_memory_equal(&again->identity, &one->identity, sizeof one->identity);
    assert_string_equal(again->resolved, one->resolved);
    assert_string_equal(again->name, one->name);
    assert_string_equal(again->title, one->title);
    for (size_t e = 0; e < one->n_experiment; e++) {
        assert_string_equal(again->experiment[e]->name, one->experiment[e]->name);
        for (size_t p = 0; p < one->experiment[e]->n_pull; p++)
            assert_string_equal(again->experiment[e]->pull[p].name, one->experiment[e]->pull[p].name);
    }
    cev_scan_config_destroy(&one);
    cev_scan_config_destroy(&again);
}

static void the_resolved_configuration_is_the_same_scan(void **state)
{
    (void)state;
    assert_resolved_is_the_same(good);
    assert_resolved_is_the_same(with("title: a toy", "title: \"quotes \\\" \\\\ and \\u03b5, {braces}: #5\""));
    assert_resolved_is_the_same(with("title: a toy", "title: |\n  two\n  lines"));
    assert_resolved_is_the_same(with("mass_kg: 10", "mass_kg: 0.1000000000000000055511151231257827"));
    assert_resolved_is_the_same("scan: toy\ninteraction: nsi\nexperiments: [ess_csi, ess_ar]\n");
}

/* A name may look like a number, or like a truth value. */
static void the_resolved_configuration_keeps_names_that_look_like_numbers(void **state)
{
    (void)state;
    assert_resolved_is_the_same(with("scan: toy", "scan: 2208"));
    assert_resolved_is_the_same(with("title: a toy", "title: 2024"));
    assert_resolved_is_the_same(with("experiment: box", "experiment: 7"));
    assert_resolved_is_the_same(with("name: norm", "name: 1e3"));
    assert_resolved_is_the_same(with("name: norm, sigma: 0.1", "name: true, sigma: 0.1"));
}

static void an_experiment_by_name_is_what_its_file_says(void **state)
{
    (void)state;
    cev_scan_config *by_name = ess_config("ess_ar"), *in_place;
    assert_ok(cev_scan_config_parse(by_name->resolved, "resolved", &in_place));
    assert_memory_equal(&in_place->identity, &by_name->identity, sizeof in_place->identity);
    assert_contains(by_name->resolved, "\"protons\": 18"); /* the file is in the text */
    cev_scan_config_destroy(&by_name);
    cev_scan_config_destroy(&in_place);
}

/* --- defaults and spellings ------------------------------------------------------------------------------------- */

typedef struct change {
    const char *old, *new;
} change;

static void a_default_that_is_written_out_is_the_same_scan(void **state)
{
    (void)state;
    const change same[] = {
        {"scan: toy\n", "scan: toy\nexposure_factor: 1\n"},
        {"scan: toy\n", "scan: toy\nexposure_factor: 1e0\nwithout_pulls: []\n"},
        {"value: 0.125}\n", "value: 0.125}\n  - {name: eps_mumu_uV, value: 0}\n"},
        {"value: 0.125}\n", "value: 1.25e-1}\n"},
        {"max: 0.6, points: 9", "max: 0.6, points: 9, scale: linear"},
        {"max: 0.6, points: 9", "max: 0.6, points: 9.0"},
        {"{eps_ee_uV: 0.05}", "{eps_ee_uV: 0.05, eps_mumu_uV: 0, eps_emu_uV: -0.0}"},
        {"form_factor: helm", "form_factor: {name: helm, skin_thickness_fm: 0.9}"},
        {"mass_u: 19, rms_radius_fm: 2.9", "mass_u: 19.0, rms_radius_p_fm: 2.9, rms_radius_n_fm: 2.9, per_unit: 1"},
        {"protons: 9, neutrons: 10", "protons: 9, mass_number: 19"},
        {"mass_kg: 10\n", "mass_kg: 1e1\n      molar_mass_g_per_mol: 55\n"},
        {"    observed: [60, 7, 8.5]", "    statistic: poisson\n    observed: {counts: [60, 7, 8.5]}"},
        {"    observed: [60, 7, 8.5]", "    statistic: {name: poisson}\n    observed: [6e1, 7, 8.50]"},
        {"name: listed, counts", "name: listed, duty_factor: 1, counts"},
        {"name: C, protons", "name: carbon, protons"}, /* a label */
    };
    for (size_t k = 0; k < LENGTH(same); k++)
        if (!same_identity(good, with(same[k].old, same[k].new))) fail_msg("another scan: %s", same[k].new);
    static const char plain[] =
        "scan: a\ninteraction: nsi\nexperiments: [ess_csi]\nparameters: [{name: eps_ee_uV, min: -1, "
        "max: 1, points: 5}]\n";
    static const char *const added[] = {"data: asimov\n",
                                        "data: {asimov: {}}\n",
                                        "store_pulls: false\n",
                                        "tile: [5]\n",
                                        "data: {asimov: {eps_ee_uV: 0}}\n",
                                        "data: {observed: []}\n",
                                        "exposure_factor: 1.0\n"};
    for (size_t k = 0; k < LENGTH(added); k++) {
        char longer[1024];
        snprintf(longer, sizeof longer, "%s%s", plain, added[k]);
        if (!same_identity(plain, longer)) fail_msg("another scan: %s", added[k]);
    }
}

static void a_pull_is_what_it_comes_to(void **state)
{
    (void)state;
    static const char listed[] = "{name: norm, sigma: 0.1, scales: [signal, listed]}";
    assert_true(same_identity(good, with(listed, "{name: norm, sigma: 0.1, scales: {signal: 1, listed: 1.0}}")));
    assert_true(
        same_identity(good, with(listed, "{name: norm, constraint: gaussian, sigma: 0.1, scales: [signal, listed]}")));
    static const char *const others[] = {"{name: norm, sigma: 0.1, scales: {signal: 1, listed: 0.5}}",
                                         "{name: norm, sigma: 0.1, constraint: gamma, scales: [signal, listed]}",
                                         "{name: norm, constraint: none, scales: [signal, listed]}",
                                         "{name: norm, sigma: 0.1, minimum: -1, scales: [signal, listed]}",
                                         "{name: norm, sigma: 0.1, maximum: 1, scales: [signal, listed]}",
                                         "{name: norm, sigma: 0.1, scales: [signal.nu_e, listed]}",
                                         "{name: norm, sigma: 0.1, scales: {signal.nu_e.C: 2, listed: 1}}"};
    for (size_t k = 0; k < LENGTH(others); k++) {
        assert_false(same_identity(good, with(listed, others[k])));
        assert_resolved_is_the_same(with(listed, others[k]));
    }
#define SHAPE "{name: norm, sigma: 0.1, parameter: source.distance_m"
    char kept[sizeof text];
    snprintf(kept, sizeof kept, "%s", with(listed, SHAPE "}"));
    assert_true(same_identity(kept, with(listed, SHAPE ", interpolation: linear}")));
    assert_false(same_identity(kept, with(listed, SHAPE ", interpolation: quadratic}")));
}

static void an_isotope_is_its_numbers(void **state)
{
    (void)state;
    static const char format[] =
        "scan: a\ninteraction: nsi\nparameters: [{name: eps_ee_uV, min: -1, max: 1, points: 5}]\nexperiments:\n"
        "  - {experiment: x, source: {name: solar_b8}, bins: {edges_keV: [1, 5]},\n"
        "     response: {name: threshold, threshold_keV: 1},\n"
        "     target: {mass_kg: 1, form_factor: helm_lewin_smith, nuclei: [%s]}}\n";
    char by_name[2048], by_number[2048];
    snprintf(by_name, sizeof by_name, format, "{isotope: Cs133}");
    cev_scan_config *c = parse(by_name);
    char numbers[256];
    snprintf(numbers, sizeof numbers, "{name: caesium, protons: 55, neutrons: 78, mass_u: %.17g}",
             c->experiment[0]->target.nucleus[0].mass_u);
    snprintf(by_number, sizeof by_number, format, numbers);
    assert_true(same_identity(by_name, by_number));
    snprintf(numbers, sizeof numbers, "{isotope: I-127}");
    snprintf(by_number, sizeof by_number, format, numbers);
    assert_false(same_identity(by_name, by_number));
    cev_scan_config_destroy(&c);
}

/* --- names ------------------------------------------------------------------------------------------------------ */

/* A background, and what a pull makes of it, whatever its name: that of a key, a number, what YAML calls nothing. */
static const char *shape_pull(const char *name, const char *up)
{
    static char buffers[2][4096];
    static size_t turn;
    char *yaml = buffers[turn++ % 2];
    snprintf(yaml, sizeof buffers[0],
             "scan: idc\ninteraction: nsi\ndata: observed\nparameters: [{name: eps_ee_uV, min: -0.3, max: 0.6, points: "
             "51}]\n"
             "experiments:\n  - experiment: x\n    citation: c\n    source: {name: solar_b8}\n"
             "    target: {mass_kg: 1000, form_factor: helm_lewin_smith, nuclei: [{isotope: Xe131}]}\n"
             "    response: {name: table, recoil_keV: [0.5, 1], bins: [[0, 1], [0, 0.5]]}\n"
             "    backgrounds: [{name: %s, counts: [10, 4]}]\n    observed: [12, 3]\n"
             "    pulls:\n      - {name: %s, sigma: 1, up: {bins: [[0, 1.1], [0, 0.55]], backgrounds: {%s: [%s, 5]}},\n"
             "         down: {bins: [[0, 0.9], [0, 0.45]], backgrounds: {%s: [9, 3]}}}\n"
             "      - {name: other, sigma: 0.1, scales: [%s]}\n",
             name, name, name, up, name, name);
    return yaml;
}

static const char *const odd_names[] = {"scan",       "study",    "title",
                                        "citation",   "2024",     "1e5",
                                        "true",       "\"null\"", "\"~\"",
                                        "name",       "counts",   "observed",
                                        "-0.0",       "0x10",     ".inf",
                                        "\"a b\"",    "\xce\xb5", "\"\xf0\x9f\x98\x80\"",
                                        "\"#x: {}\"", "'it''s'"};

static void names_are_names_wherever_they_stand(void **state)
{
    (void)state;
    for (size_t k = 0; k < LENGTH(odd_names); k++) {
        if (same_identity(shape_pull(odd_names[k], "11"), shape_pull(odd_names[k], "30")))
            fail_msg("a pull's shape does not count where a background is called %s", odd_names[k]);
        assert_resolved_is_the_same(shape_pull(odd_names[k], "11"));
    }
}

static void control_characters_are_refused(void **state)
{
    (void)state;
    static const change bad[] = {{"title: a toy", "title: \"a \\e[31mtoy\""},
                                 {"title: a toy", "title: \"a\\0b\""},
                                 {"title: a toy", "title: \"a\\x9bb\""},
                                 {"title: a toy", "title: \"a\\u2028b\""},
                                 {"scan: toy", "scan: \"a\\rb\""},
                                 {"nobody 1999", "\"\\x7f\""},
                                 {"experiment: box", "experiment: \"b\\nx\""},
                                 {"name: norm", "name: \"no\\trm\""},
                                 {"name: flat, rate", "name: \"\\e\", rate"},
                                 {"name: C,", "name: \"C\\a\","}};
    for (size_t k = 0; k < LENGTH(bad); k++) {
        cev_scan_config *c;
        assert_refused(cev_scan_config_parse(with(bad[k].old, bad[k].new), "toy.yaml", &c), CEV_E_INPUT,
                       "control character U+");
        assert_contains(cev_error_message(), "toy.yaml:");
    }
    assert_resolved_is_the_same(with("title: a toy", "title: \"two\\nlines\\tand \\u00e9\""));
}

/* --- studies ---------------------------------------------------------------------------------------------------- */

static cev_study_config *study(const char *yaml)
{
    cev_study_config *s;
    assert_ok(cev_study_config_parse(yaml, "study.yaml", &s));
    return s;
}

static void a_scan_is_a_study_of_one_map(void **state)
{
    (void)state;
    cev_scan_config *alone = parse(good), *scan;
    cev_study_config *s = study(good);
    assert_true(s->is_scan && s->store_pulls);
    assert_true(s->n_space == 1 && s->n_set == 1 && s->n_setting == 1 && s->n_map == 1 && s->n_experiment == 1);
    assert_memory_equal(&s->identity, &alone->identity, sizeof s->identity);
    assert_string_equal(s->resolved, alone->resolved);
    assert_string_equal(s->name, "toy");
    assert_string_equal(s->title, "a toy");
    assert_string_equal(s->map[0].name, "toy");
    assert_string_equal(s->space[0].name, "eps_ee_uV,eps_emu_uV");
    assert_string_equal(s->set[0].name, "box");
    assert_int_equal(s->space[0].scan->grid.tile_side[1], 3);
    assert_ok(cev_study_scan(s, 0, &scan));
    assert_memory_equal(&scan->identity, &alone->identity, sizeof s->identity);
    assert_string_equal(scan->resolved, alone->resolved);
    assert_true(scan->n_pull == alone->n_pull && scan->store_pulls && scan->grid.n_point == alone->grid.n_point);
    cev_scan_config_destroy(&scan);
    cev_scan_config_destroy(&alone);
    cev_study_config_destroy(&s);
    s = study("scan: turns\ninteraction: nsi\nexperiments: [ess_csi, ess_ar]\nexposure_factor: 2\n"
              "parameters: [{each_of: [eps_ee_uV, eps_ee_dV], min: -1, max: 1, points: 11}]\n");
    assert_string_equal(s->space[0].name, "eps_ee_uV+eps_ee_dV");
    assert_string_equal(s->set[0].name, "ess_csi+ess_ar");
    assert_true(s->exposure[0] == 2 && s->space[0].scan->member_parameter && !s->store_pulls);
    cev_study_config_destroy(&s);
}

static const char product[] =
    "study: product\ninteraction: nsi\nsets: [ess_csi, [ess_csi, ess_ar]]\nstore_pulls: true\n"
    "tile: {eps_ee_uV: 20, eps_mumu_uV: 7}\n"
    "planes: [[{name: eps_ee_uV, min: -1, max: 1, points: 41}, {name: eps_mumu_uV, min: -1, max: 1, "
    "points: 21}]]\nprofiles:\n  - {name: eps_ee_uV, min: -1, max: 1, points: 201}\n"
    "  - {each_of: [eps_ee_uV, eps_ee_dV], min: -1, max: 1, points: 11}\nexposure_factors: [1, 4]\n";

/* Each map spells out a scan file; read again, it is the same scan, in the same tiles. */
static void maps_of_a_study_are_scans(void **state)
{
    (void)state;
    cev_study_config *s = study(product), *again;
    cev_scan_config *other;
    again = study(s->resolved);
    assert_false(s->is_scan);
    assert_int_equal(s->n_map, 12);
    const cev_grid *plane = &s->space[0].scan->grid;
    assert_true(plane->tile_side[0] == 20 && plane->tile_side[1] == 7 && s->space[1].scan->grid.tile_side[0] == 20);
    assert_string_equal(s->map[8].name, "eps_ee_uV+eps_ee_dV/ess_csi");
    for (size_t m = 0; m < s->n_map; m++) {
        cev_scan_config *scan;
        assert_ok(cev_study_scan(s, m, &scan));
        assert_true(scan->store_pulls);
        assert_ok(cev_study_scan(again, m, &other));
        assert_string_equal(other->resolved, scan->resolved);
        cev_scan_config_destroy(&other);
        cev_scan_config *alone = parse(scan->resolved);
        assert_memory_equal(&alone->identity, &scan->identity, sizeof alone->identity);
        assert_string_equal(alone->resolved, scan->resolved);
        for (size_t a = 0; a < scan->grid.n_axis; a++)
            assert_int_equal(alone->grid.tile_side[a], scan->grid.tile_side[a]);
        cev_scan_config_destroy(&scan);
        cev_scan_config_destroy(&alone);
    }
    assert_memory_equal(&again->identity, &s->identity, sizeof s->identity);
    assert_string_equal(again->resolved, s->resolved);
    cev_study_config_destroy(&again);
    cev_study_config_destroy(&s);
}

static void studies_say_what_is_wrong_with_tiles(void **state)
{
    (void)state;
    static const change bad[] = {{"tile: {eps_ee_uV: 20, eps_mumu_uV: 7}", "tile: [20]"},
                                 {"tile: {eps_ee_uV: 20, eps_mumu_uV: 7}", "tile: {eps_eee_uV: 20}"},
                                 {"tile: {eps_ee_uV: 20, eps_mumu_uV: 7}", "tile: {eps_ee_uV: 0}"}};
    static const char *const words[] = {"expected {PARAMETER: points", "did you mean \"eps_ee_uV\"?", "between 1 and"};
    for (size_t k = 0; k < LENGTH(bad); k++) {
        cev_study_config *s;
        const char *at = strstr(product, bad[k].old);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - product), product, bad[k].new, at + strlen(bad[k].old));
        assert_refused(cev_study_config_parse(text, "study.yaml", &s), CEV_E_INPUT, words[k]);
    }
}

/* --- differences in words --------------------------------------------------------------------------------------- */

static void check_difference(const char *old, const char *new, const char *words)
{
    char out[512];
    cev_study_config *one = study(good), *other = study(with(old, new));
    cev_study_difference(one->resolved, other->resolved, out, sizeof out);
    assert_contains(out, words);
    if (!*words) assert_string_equal(out, "");
    bool prose = !*words || strstr(words, "prose");
    assert_int_equal(memcmp(&one->identity, &other->identity, sizeof one->identity) == 0, prose);
    cev_study_config_destroy(&one);
    cev_study_config_destroy(&other);
}

static void a_difference_is_told_by_its_key(void **state)
{
    (void)state;
    check_difference("mass_kg: 10", "mass_kg: 12", "experiments[0].target.mass_kg: 10.0, not 12.0");
    check_difference("points: 9", "points: 10", "parameters.eps_ee_uV.points: 9, not 10");
    check_difference("value: 0.125", "value: 0.25", "parameters.eps_etau_uV: 0.125, not 0.25");
    check_difference("{eps_ee_uV: 0.05}", "{eps_ee_uV: 0.06}", "data.asimov.eps_ee_uV: 0.05");
    check_difference("tile: [4, 3]", "tile: [4, 5]", "tile[1]: 3, not 5");
    check_difference("store_pulls: true", "store_pulls: false", "store_pulls: true, not false");
    check_difference("scan: toy", "exposure_factor: 2\nscan: toy", "exposure_factor: 1.0, not 2.0");
    check_difference("sigma: 0.2", "sigma: 0.3", "experiments[0].pulls[1].sigma: 0.2, not 0.3");
    check_difference("interaction: nsi", "without_pulls: [flat]\ninteraction: nsi", "without_pulls: not there, but ");
    check_difference("title: a toy", "title: the toy",
                     "only titles and prose differ: prose.title: \"a toy\", not \"the toy\"");
    check_difference("nobody 1999", "somebody", "only titles and prose differ: prose.experiments[0].citation");
    check_difference("title: a toy", "exposure_factor: 1\ntitle: a toy", "");
    char out[64];
    cev_study_difference(product, good, out, sizeof out);
    assert_string_equal(out, "one is a scan and the other a study");
    cev_study_difference("nothing", good, out, sizeof out);
    assert_true(strlen(out) > 0);
}

/* --- every configuration that is shipped ------------------------------------------------------------------------ */

static void shipped_configurations_are_fixed_points(void **state)
{
    (void)state;
    static const char *const files[] = {"reference.yaml",
                                        "reference_roles.yaml",
                                        "studies/reference.yaml",
                                        "studies/ess_all.yaml",
                                        "scans/coherent_ess.yaml",
                                        "scans/coherent_lambda_paper.yaml",
                                        "scans/coherent_pandax4t_nsi.yaml",
                                        "scans/light_mediator.yaml",
                                        "scans/solar_flux_b8_both.yaml",
                                        "scans/ess_csi_ee.yaml"};
    const char *folder = getenv("CEVSCAN_PATH") ? getenv("CEVSCAN_PATH") : "configs";
    for (size_t k = 0; k < LENGTH(files); k++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, files[k]);
        cev_study_config *s, *again;
        assert_ok(cev_study_config_read(path, &s));
        again = study(s->resolved);
        assert_memory_equal(&again->identity, &s->identity, sizeof s->identity);
        assert_string_equal(again->resolved, s->resolved);
        assert_true(json_equal(again->values, s->values));
        cev_study_config_destroy(&again);
        cev_study_config_destroy(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prose_is_not_part_of_the_identity),
        cmocka_unit_test(whatever_bears_on_numbers_is_part_of_the_identity),
        cmocka_unit_test(the_resolved_configuration_is_the_same_scan),
        cmocka_unit_test(the_resolved_configuration_keeps_names_that_look_like_numbers),
        cmocka_unit_test(an_experiment_by_name_is_what_its_file_says),
        cmocka_unit_test(a_default_that_is_written_out_is_the_same_scan),
        cmocka_unit_test(a_pull_is_what_it_comes_to),
        cmocka_unit_test(an_isotope_is_its_numbers),
        cmocka_unit_test(names_are_names_wherever_they_stand),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(a_scan_is_a_study_of_one_map),
        cmocka_unit_test(maps_of_a_study_are_scans),
        cmocka_unit_test(studies_say_what_is_wrong_with_tiles),
        cmocka_unit_test(a_difference_is_told_by_its_key),
        cmocka_unit_test(shipped_configurations_are_fixed_points),
    };
    setenv("CEVSCAN_PATH", "configs", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
