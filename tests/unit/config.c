/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configurations: what a good one means, what is said about bad ones. */
#include "ess.h"

#include "cevscan/yaml.h"
#include "config/experiment_parts.h"
#include "config/node_merge.h"
#include "toy_scan.h"

/* --- good ------------------------------------------------------------------------------------------------------- */

static void a_scan_file_says_what_it_says(void **state)
{
    (void)state;
    cev_scan_config *c = parse(good);
    assert_string_equal(c->name, "toy");
    assert_string_equal(c->title, "a toy");
    assert_ptr_equal(c->interaction, &cev_interaction_nsi);
    assert_true(c->store_pulls);
    assert_int_equal(c->data, CEV_DATA_ASIMOV);
    assert_true(c->truth[nsi_parameter("eps_ee_uV")] == 0.05 && c->truth[nsi_parameter("eps_etau_uV")] == 0);
    assert_true(c->theta[nsi_parameter("eps_etau_uV")] == 0.125);
    assert_int_equal(c->grid.n_axis, 2);
    assert_int_equal(c->grid.n_point, 45);
    assert_int_equal(c->axis_parameter[0], nsi_parameter("eps_ee_uV"));
    assert_int_equal(c->axis_parameter[1], nsi_parameter("eps_emu_uV"));
    assert_int_equal(c->grid.axis[1].scale, CEV_SCALE_SYMLOG);
    assert_true(c->grid.axis[1].linear_threshold == 0.01);
    assert_true(c->grid.tile_side[0] == 4 && c->grid.tile_side[1] == 3);
    assert_int_equal(c->n_experiment, 1);
    cev_scan_config_destroy(&c);
    assert_null(c);
}

static void an_experiment_file_says_what_it_says(void **state)
{
    (void)state;
    cev_scan_config *c = parse(good);
    const cev_experiment *x = c->experiment[0];
    assert_string_equal(x->name, "box");
    assert_string_equal(x->title, "box"); /* for want of one */
    assert_ptr_equal(x->source.kind, &cev_source_pion_decay_at_rest);
    assert_true(x->source.parameter[1] == 1); /* years: the default */
    assert_int_equal(x->target.n_nucleus, 2);
    assert_true(x->target.per_unit[0] == 3 && x->target.per_unit[1] == 1);
    assert_true(x->target.molar_mass_g_per_mol == 3 * 12 + 19);
    assert_int_equal(x->target.nucleus[1].neutrons, 10);
    assert_true(x->target.form_factor.parameter[0] == 0.9); /* helm alone: the default */
    assert_int_equal(x->bins.n_bin, 3);
    assert_true(x->bins.edge[2] == 5);
    assert_int_equal(x->n_background, 2);
    const double flat = 2 * 0.25 * 10 * 100 * 0.1; /* per keV of nuclear recoil */
    for (size_t i = 0; i < 3; i++) {
        assert_relative(x->background[0].counts[i], flat * cev_bins_width(&x->bins, i), 1e-14);
        assert_true(x->background[1].counts[i] == (double)i + 1);
    }
    assert_int_equal(x->n_pull, 2);
    assert_int_equal(x->pull[0].n_component, 2);
    assert_true(x->pull[0].component[0] == CEV_COMPONENT_SIGNAL && x->pull[0].component[1] == 2 &&
                x->pull[1].component[0] == 1);
    assert_true(x->pull[1].sigma == 0.2);
    assert_true(x->observed[2] == 8.5);
    cev_scan_config_destroy(&c);
}

static void a_selection_has_no_axes(void **state)
{
    (void)state;
    cev_scan_config *c = ess_config("ess_csi,ess_si");
    assert_int_equal(c->grid.n_axis, 0);
    assert_int_equal(c->n_experiment, 2);
    assert_string_equal(c->experiment[1]->name, "ess_si");
    assert_int_equal(c->data, CEV_DATA_ASIMOV);
    cev_scan_config_destroy(&c);
}

static void the_shipped_scans_can_be_read(void **state)
{
    (void)state;
    const char *const names[] = {"ess_csi", "ess_si", "ess_csi_si"};
    char path[4096];
    setenv("CEVSCAN_PATH", "configs", 0);
    for (size_t k = 0; k < LENGTH(names); k++) {
        cev_scan_config *c;
        snprintf(path, sizeof path, "%s/scans/%s.yaml", getenv("CEVSCAN_PATH"), names[k]);
        assert_ok(cev_scan_config_read(path, &c));
        assert_string_equal(c->name, names[k]);
        assert_int_equal(c->grid.n_axis, 2);
        assert_true(c->grid.n_point > 10000 && c->grid.n_tile > 1);
        cev_scan_config_destroy(&c);
    }
}

static void experiments_are_found_by_name(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    const char *const *names, *nearest;
    char *path;
    size_t n, found = 0;
    setenv("CEVSCAN_PATH", "configs", 0);
    assert_ok(cev_experiment_names(arena, &n, &names));
    for (size_t i = 0; i < n; i++) {
        if (i) assert_true(strcmp(names[i - 1], names[i]) < 0);
        for (size_t k = 0; k < LENGTH(ess_detectors); k++) found += !strcmp(names[i], ess_detectors[k].name);
    }
    assert_int_equal(found, LENGTH(ess_detectors));
    assert_ok(cev_experiment_file(arena, "ess_ge", NULL, &path, &nearest));
    assert_contains(path, "experiments/ess_ge.yaml");
    assert_ok(cev_experiment_file(arena, "ess_gee", NULL, &path, &nearest));
    assert_null(path);
    assert_string_equal(nearest, "ess_ge");
    assert_ok(cev_experiment_file(arena, "germanium", NULL, &path, &nearest));
    assert_true(!path && !nearest);
    assert_ok(cev_experiment_file(arena, "./ess_ge.yaml", NULL, &path, NULL)); /* a path: not looked up */
    assert_null(path);
    cev_arena_destroy(&arena);
}

/* --- bad -------------------------------------------------------------------------------------------------------- */

typedef struct mistake {
    const char *old, *new;
    const char *at; /* LINE:COLUMN */
    const char *says[2];
} mistake;

static void check_mistakes(const mistake *m, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        cev_scan_config *c = (cev_scan_config *)1;
        char where[64];
        const char *yaml = with(m[k].old, m[k].new);
        cev_error_clear();
        cev_status status = cev_scan_config_parse(yaml, "toy.yaml", &c);
        snprintf(where, sizeof where, "toy.yaml:%s: ", m[k].at);
        const char *message = cev_error_message();
        bool right = status == CEV_E_INPUT && !c && !strncmp(message, where, strlen(where)) &&
                     strstr(message, m[k].says[0]) && (!m[k].says[1] || strstr(message, m[k].says[1]));
        if (!right)
            fail_msg("\"%s\" gives status %d and \"%s\"; expected %s, \"%s\" and \"%s\"", m[k].new, (int)status,
                     message, where, m[k].says[0], m[k].says[1] ? m[k].says[1] : "");
    }
}

static void mistakes_in_scans_are_pointed_at(void **state)
{
    (void)state;
    const mistake mistakes[] = {
        {"store_pulls:", "store_pull:", "4:1", {"unknown key of scan \"store_pull\"", "did you mean \"store_pulls\"?"}},
        {"title: a toy", "scan: again", "2:1", {"key \"scan\" is given twice", NULL}},
        {"scan: toy\n", "", "1:1", {"key \"scan\" is missing", NULL}},
        {"store_pulls: true", "store_pulls: maybe", "4:14", {"expected true or false, found maybe", NULL}},
        {"interaction: nsi", "interaction: nso", "3:14", {"unknown interaction \"nso\"", "did you mean \"nsi\"?"}},
        {"tile: [4, 3]", "tile: [4]", "5:7", {"list of 2 numbers", NULL}},
        {"tile: [4, 3]", "tile: [4, 0]", "5:11", {"whole number between 1 and", NULL}},
        {"tile: [4, 3]", "tile: [4, 2.5]", "5:11", {"expected a whole number, found 2.5", NULL}},
        {"asimov: {eps_ee_uV",
         "asimov: {eps_eee_uV",
         "6:17",
         {"unknown parameter \"eps_eee_uV\"", "did you mean \"eps_ee_uV\"?"}},
        {"data: {asimov: {eps_ee_uV: 0.05}}",
         "data: asimof",
         "6:7",
         {"unknown kind of data", "did you mean \"asimov\"?"}},
        {"name: eps_ee_uV, min", "name: eps_ee_uB, min", "8:12", {"unknown parameter", "did you mean \"eps_ee_uV\"?"}},
        {"min: -0.2", "mim: -0.2", "8:23", {"unknown key of parameter \"mim\"", "did you mean \"min\"?"}},
        {"min: -0.2", "min: 0.7", "8:28", {"must be below max", NULL}},
        {"min: -0.2", "min: .nan", "8:28", {"key \"min\": expected a", ".nan"}},
        {"min: -0.2", "min: nan", "8:28", {"expected a finite number, found nan", NULL}},
        {"min: -0.2", "min: -inf", "8:28", {"expected a finite number", NULL}},
        {"min: -0.2", "min: -0.2.1", "8:28", {"expected a number, found -0.2.1", NULL}},
        {"min: -0.2", "min: '-0.2'", "8:28", {"expected a number", NULL}},
        {"min: -0.2", "min: [1]", "8:28", {"expected a number, found a list", NULL}},
        {"max: 0.6", "max: 1e4", "8:39", {"between -1000 and 1000", NULL}},
        {"points: 9", "points: 1", "8:52", {"whole number between 2 and", NULL}},
        {"points: 9", "points: -3", "8:52", {"expected a whole number", NULL}},
        {", points: 9", "", "8:5", {"\"points\"", NULL}},
        {"scale: symlog", "scale: symlg", "9:31", {"unknown scale", "did you mean \"symlog\"?"}},
        {"linear_threshold: 0.01, ", "", "9:5", {"linear_threshold", NULL}},
        {"name: eps_etau_uV", "name: eps_ee_uV", "10:12", {"parameter \"eps_ee_uV\" is given twice", NULL}},
        {"value: 0.125", "value: 0.125, points: 3", "10:5", {"either fixed by \"value\" or scanned", NULL}},
        {"  - experiment: box", "  - experiment: a box", "12:17", {"no comma, space or slash", NULL}},
    };
    check_mistakes(mistakes, LENGTH(mistakes));
}

static void mistakes_in_experiments_are_pointed_at(void **state)
{
    (void)state;
    const mistake mistakes[] = {
        {"pion_decay_at_rest",
         "pion_decay_in_rest",
         "14:20",
         {"unknown source", "did you mean \"pion_decay_at_rest\"?"}},
        {"distance_m: 20", "distance_n: 20", "14:91", {"unknown key of source", "did you mean \"distance_m\"?"}},
        {", distance_m: 20", "", "14:13", {"key \"distance_m\" is missing", NULL}},
        {"mass_kg: 10", "mass_kg: 0", "16:16", {"key \"mass_kg\": expected a number between", NULL}},
        {"form_factor: helm", "form_factor: hlem", "17:20", {"unknown form factor", "did you mean \"helm\"?"}},
        {"protons: 6", "protons: 6.5", "19:30", {"expected a whole number", NULL}},
        {"mass_u: 12, ", "", "19:11", {"nucleus: key \"mass_u\" is missing", NULL}},
        {"acceptance: 0.5", "acceptance: 1.5", "21:63", {"between 0 and 1", NULL}},
        {"    bins: {edges_keV: [1, 2, 5, 10]}\n", "", "12:5", {"key \"bins\" is missing", NULL}},
        {"[1, 2, 5, 10]", "[1, 2, 2, 10]", "22:30", {"bins overlap", NULL}},
        {"[1, 2, 5, 10]", "[1]", "22:23", {"at least two edges", NULL}},
        {"edges_keV: [1, 2, 5, 10]", "resolution_widths: 2", "22:11", {"no resolution", NULL}},
        {"threshold, threshold_keV: 1",
         "counting, threshold_keV: 1",
         "22:11",
         {"a counting experiment has one bin", NULL}},
        {"quenching_factor: 0.25, ", "", "24:9", {"needs the key \"quenching_factor\"", NULL}},
        {"live_days: 100, ", "", "24:9", {"needs the key \"live_days\"", NULL}},
        {"rate_per_keVee_kg_day: 2, ", "", "24:9", {"exactly one of the keys", NULL}},
        {"counts: [1, 2, 3]", "counts: [1, 2]", "25:32", {"2 counts for 3 bins", NULL}},
        {"counts: [1, 2, 3]", "counts: [1, -2, 3]", "25:36", {"between 0 and", NULL}},
        {"name: listed", "name: flat", "25:16", {"the name \"flat\" is taken", NULL}},
        {"name: listed", "name: signal", "25:16", {"the name \"signal\" is taken", NULL}},
        {"sigma: 0.1", "sigma: 1e-10", "27:29", {"key \"sigma\"", "0 for no pull"}},
        {"[signal, listed]", "[signal, lited]", "27:51", {"unknown component \"lited\"", "did you mean \"listed\"?"}},
        {"[signal, listed]", "[signal, signal]", "27:51", {"listed twice", NULL}},
        {"name: norm", "name: flat", "28:9", {"pull \"flat\" is given twice", NULL}},
        {"[60, 7, 8.5]", "[60, 7]", "29:15", {"a list of 3 counts", NULL}},
    };
    check_mistakes(mistakes, LENGTH(mistakes));
}

static void assert_no_yaml(const char *yaml, const char *words)
{
    cev_scan_config *c;
    assert_refused(cev_scan_config_parse(yaml, "toy.yaml", &c), CEV_E_INPUT, words);
    assert_null(c);
}

static void what_is_no_configuration_is_refused(void **state)
{
    (void)state;
    assert_no_yaml("", "toy.yaml:1:1: the file is empty");
    assert_no_yaml("# nothing\n", "the file is empty");
    assert_no_yaml("scan: [1, 2", "toy.yaml:");
    assert_no_yaml("scan: [1, 2", "not valid YAML");
    assert_no_yaml("a\tb: {", "not valid YAML");
    assert_no_yaml("- scan\n", "toy.yaml:1:1: scan: expected a mapping of keys, found a list");
    assert_no_yaml("just words", "expected a mapping of keys, found just words");
    assert_no_yaml("[a, b]: c\n", "a key must be a plain name");
    assert_no_yaml("scan: *nowhere\n", "not valid YAML");
    cev_scan_config *c;
    assert_refused(cev_scan_config_read("no/such/file.yaml", &c), CEV_E_INPUT,
                   "no/such/file.yaml: cannot read: No such file");
    assert_refused(cev_scan_config_read(".", &c), CEV_E_INPUT, "it is not a file");
    assert_refused(cev_scan_config_select("ess_cs", "nsi", &c), CEV_E_INPUT, "did you mean \"ess_csi\"?");
    assert_refused(cev_scan_config_select("ess_csi,ess_csi", "nsi", &c), CEV_E_INPUT, "\"ess_csi\" is used twice");
    assert_refused(cev_scan_config_select("", "nsi", &c), CEV_E_INPUT, "expected a list of experiments");
    assert_refused(cev_scan_config_select("ess_csi", "sni", &c), CEV_E_INPUT, "unknown interaction");
}

/* Ten aliases of ten aliases of ... are ten billion nodes, and an alias inside its own anchor has no end at all. */
static void alias_bombs_are_refused(void **state)
{
    (void)state;
    char bomb[4096] =
        "scan: toy\ninteraction: nsi\nexperiments: [ess_csi]\ncitation:\n  - &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
    for (int k = 1; k < 10; k++) {
        size_t used = strlen(bomb);
        snprintf(bomb + used, sizeof bomb - used,
                 "  - &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", k, k - 1, k - 1, k - 1,
                 k - 1, k - 1, k - 1, k - 1, k - 1, k - 1, k - 1);
    }
    assert_no_yaml(bomb, "too large to be kept");
    assert_no_yaml("scan: toy\ninteraction: nsi\nexperiments: [ess_csi]\ncitation: &c [*c]\n",
                   "toy.yaml:4:11: an alias of this is inside of it");
    assert_no_yaml("scan: toy\ninteraction: nsi\nexperiments: &e [*e]\n", "3:14: an alias of this is inside of it");
}

static void two_experiments_may_share_a_pull_of_one_uncertainty(void **state)
{
    (void)state;
    char two[2 * sizeof text];
    const char *box = strstr(good, "  - experiment: box");
    snprintf(two, sizeof two, "%s%s", good, box);
    char *name = strstr(strstr(two, "box") + 3, "box");
    memcpy(name, "can", 3);
    cev_scan_config *c = parse(two);
    assert_int_equal(c->n_experiment, 2);
    cev_scan_config_destroy(&c);
    memcpy(strstr(name, "sigma: 0.1"), "sigma: 0.3", 10);
    assert_no_yaml(two, "pull \"norm\" is shared by \"box\" and \"can\", but with sigma 0.1 and 0.3");
}

/* --- the reader of YAML ----------------------------------------------------------------------------------------- */

/* What is put together of two files lives as long as the first, and each part knows its place. */
static void values_of_two_files_keep_their_places(void **state)
{
    (void)state;
    const char yaml[] = "source: {years: 10}\npulls: {ess_csi.background: null}\n";
    static const cev_key whole = {.name = "experiment", .type = CEV_KEY_NODE, .of = &cev_experiment_table};
    cev_yaml *document;
    cev_node base, both;
    cev_arena *arena = new_arena();
    const char *nearest, *changes;
    char *path;
    setenv("CEVSCAN_PATH", "configs", 0);
    assert_ok(cev_experiment_file(arena, "ess_csi", NULL, &path, &nearest));
    assert_ok(cev_yaml_read_text(yaml, sizeof yaml - 1, "text", &document));
    assert_ok(cev_yaml_add_file(cev_yaml_root(document), path, &base));
    assert_ok(cev_node_merge(arena, base, cev_yaml_root(document), &whole, &both, &changes));
    assert_string_equal(changes, "source.years 10 (3), pulls[ess_csi.background] removed");
    cev_node source = cev_node_find(both, "source");
    cev_node_fail(cev_node_find(source, "years"), "here");
    assert_string_equal(cev_error_message(), "text:1:17: here");
    cev_node_fail(cev_node_find(source, "distance_m"), "there");
    assert_contains(cev_error_message(), "ess_csi.yaml:11:15: there");
    assert_null(cev_node_path(cev_yaml_root(document)));
    assert_string_equal(cev_node_path(base), path);
    assert_int_equal(cev_node_length(cev_node_find(both, "pulls")), 1);
    assert_int_equal(cev_node_length(cev_node_find(base, "pulls")), 2); /* which stays as it was */
    cev_yaml_destroy(&document);
    cev_arena_destroy(&arena);
}

static void numbers_that_are_made_are_read_back(void **state)
{
    (void)state;
    const double values[] = {0.1, 1.0 / 3, 624 * (1.0 / 3), 2.8e23, -5e-324, 53, 1e15};
    cev_yaml *document;
    cev_node node;
    assert_ok(cev_yaml_read_text("x", 1, "text", &document));
    for (size_t k = 0; k < LENGTH(values); k++) {
        double x = 0;
        assert_ok(cev_node_make_number(cev_yaml_root(document), values[k], &node));
        assert_true(cev_node_number(node, &x) && x == values[k]);
    }
    cev_yaml_destroy(&document);
}

static void keys_are_found_among_few_and_many(void **state)
{
    (void)state;
    enum { MOST = 100 };
    for (int n = 1; n < MOST; n++) {
        char yaml[MOST * 16] = "", key[16];
        cev_yaml *document;
        for (int k = 0; k < n; k++)
            snprintf(yaml + strlen(yaml), sizeof yaml - strlen(yaml), "k%d: %d\n", k * 37 % 101, k);
        assert_ok(cev_yaml_read_text(yaml, strlen(yaml), "text", &document));
        cev_node root = cev_yaml_root(document);
        for (int k = 0; k < MOST + 1; k++) {
            snprintf(key, sizeof key, "k%d", k * 37 % 101);
            assert_int_equal(cev_node_find(root, key).id != NULL, k < n);
            if (k < n) assert_int_equal(atoi(cev_node_text(cev_node_find(root, key))), k);
        }
        cev_yaml_destroy(&document);
    }
}

static void nodes_know_their_kind_and_place(void **state)
{
    (void)state;
    const char yaml[] = "list: [one, 'two']\nnumber: 3.5\n";
    cev_yaml *document;
    assert_ok(cev_yaml_read_text(yaml, sizeof yaml - 1, "text", &document));
    cev_node root = cev_yaml_root(document), list = cev_node_find(root, "list"), number = cev_node_find(root, "number");
    assert_true(cev_node_is_mapping(root) && cev_node_is_sequence(list) && cev_node_is_scalar(number));
    assert_int_equal(cev_node_length(root), 2);
    assert_int_equal(cev_node_length(list), 2);
    assert_int_equal(cev_node_length(number), 0);
    assert_string_equal(cev_node_text(cev_node_item(list, 1)), "two");
    assert_true(cev_node_is_quoted(cev_node_item(list, 1)) && !cev_node_is_quoted(cev_node_item(list, 0)));
    assert_string_equal(cev_node_text(list), "");
    assert_string_equal(cev_node_text(cev_node_key(root, 1)), "number");
    assert_int_equal(cev_node_find(root, "nothing").id, 0);
    assert_int_equal(cev_node_find(list, "one").id, 0);
    assert_refused(cev_node_fail(number, "%d is too %s", 3, "many"), CEV_E_INPUT, "text:2:9: 3 is too many");
    double x;
    size_t n;
    assert_ok(cev_node_real(number, "number", 0, 10, &x));
    assert_true(x == 3.5);
    assert_refused(cev_node_count(number, "number", 0, 10, &n), CEV_E_INPUT, "expected a whole number, found 3.5");
    cev_yaml_destroy(&document);
    assert_null(document);
    cev_yaml_destroy(NULL);
}

static void nothing_may_follow_the_document(void **state)
{
    (void)state;
    char two[2 * sizeof text];
    snprintf(two, sizeof two, "%s---\nscan: another\n", good);
    assert_no_yaml(two, "toy.yaml:");
    snprintf(two, sizeof two, "%s...\n}: rubbish [\n", good);
    assert_no_yaml(two, "toy.yaml:");
}

/* Mass and backgrounds, and what the pulls make of both. */
static void exposure_scales_shapes_too(void **state)
{
    (void)state;
    static const char format[] =
        "scan: a\ninteraction: nsi\nexposure_factor: %g\nexperiments:\n"
        "  - experiment: x\n    source: {name: solar_b8}\n    backgrounds: [{name: b, counts: [10, 4]}]\n"
        "    target: {mass_kg: 1000, form_factor: helm_lewin_smith, nuclei: [{isotope: Xe131}]}\n"
        "    response: {name: table, recoil_keV: [0.5, 1], bins: [[0, 1], [0, 0.5]]}\n"
        "    pulls:\n      - {name: given, sigma: 1, up: {backgrounds: {b: [11, 5]}}, down: {backgrounds: {b: [9, "
        "3]}}}\n"
        "      - {name: skin, sigma: 0.05, parameter: source.theta12_rad}\n";
    char yaml[2048];
    cev_scan_config *c[2];
    for (int k = 0; k < 2; k++) {
        snprintf(yaml, sizeof yaml, format, k ? 3.0 : 1.0);
        c[k] = parse(yaml);
    }
    const cev_experiment *one = c[0]->experiment[0], *three = c[1]->experiment[0];
    assert_relative(three->target.mass_kg, 3 * one->target.mass_kg, 1e-15);
    assert_relative(three->background[0].counts[1], 12.0, 1e-15);
    for (size_t p = 0; p < 2; p++)
        for (int side = 0; side < 2; side++) {
            const cev_experiment *plain = side ? one->pull[p].up : one->pull[p].down,
                                 *scaled = side ? three->pull[p].up : three->pull[p].down;
            assert_relative(scaled->target.mass_kg, 3 * plain->target.mass_kg, 1e-15);
            assert_relative(scaled->background[0].counts[0], 3 * plain->background[0].counts[0], 1e-15);
        }
    assert_relative(three->pull[0].up->background[0].counts[1], 15.0, 1e-15);
    for (int k = 0; k < 2; k++) cev_scan_config_destroy(&c[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_file_says_what_it_says),
        cmocka_unit_test(an_experiment_file_says_what_it_says),
        cmocka_unit_test(a_selection_has_no_axes),
        cmocka_unit_test(the_shipped_scans_can_be_read),
        cmocka_unit_test(experiments_are_found_by_name),
        cmocka_unit_test(mistakes_in_scans_are_pointed_at),
        cmocka_unit_test(mistakes_in_experiments_are_pointed_at),
        cmocka_unit_test(what_is_no_configuration_is_refused),
        cmocka_unit_test(alias_bombs_are_refused),
        cmocka_unit_test(two_experiments_may_share_a_pull_of_one_uncertainty),
        cmocka_unit_test(nodes_know_their_kind_and_place),
        cmocka_unit_test(values_of_two_files_keep_their_places),
        cmocka_unit_test(numbers_that_are_made_are_read_back),
        cmocka_unit_test(keys_are_found_among_few_and_many),
        cmocka_unit_test(nothing_may_follow_the_document),
        cmocka_unit_test(exposure_scales_shapes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
