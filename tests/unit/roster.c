/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formulas, what follows what, and the roster that a scan file makes. */
#include "cevscan/formula.h"
#include "cevscan/study.h"
#include "toy_scan.h"

/* --- formulas --------------------------------------------------------------------------------------------------- */

/* A formula of x and y, at one point, computed as a follower. */
static double at(const char *formula, double x, double y)
{
    const cev_guest guest[] =
        {{.parameter = {.name = "x", .minimum = -INFINITY, .maximum = INFINITY}, .kind = CEV_GUEST_OWN},
         {.parameter = {.name = "y", .minimum = -INFINITY, .maximum = INFINITY}, .kind = CEV_GUEST_OWN},
         {.parameter = {.name = "z", .minimum = -INFINITY, .maximum = INFINITY}, .kind = CEV_GUEST_OWN}};
    size_t n = cev_interaction_nsi.card.n_parameter, input[2];
    const char *name[CEV_MAX_THETA];
    cev_roster roster = {.interaction = &cev_interaction_nsi, .n_guest = 3, .guest = guest};
    cev_arena *arena = new_arena();
    cev_followers *followers;
    cev_formula read;
    double theta[CEV_MAX_THETA] = {0};
    for (size_t k = 0; k < n + 3; k++) name[k] = cev_roster_parameter(&roster, k)->name;
    assert_ok(cev_formula_read(arena, formula, n + 3, name, &read));
    assert_true(read.n_input <= 2);
    memcpy(input, read.input, read.n_input * sizeof *input);
    const cev_follower follower = {.index = n + 2,
                                   .of = SIZE_MAX,
                                   .formula = formula,
                                   .n_input = read.n_input,
                                   .input = input};
    roster.n_follower = 1, roster.follower = &follower;
    theta[n] = x, theta[n + 1] = y;
    assert_ok(cev_followers_create(&roster, &followers));
    cev_followers_apply_one(&roster, followers, theta);
    cev_followers_destroy(&followers);
    cev_arena_destroy(&arena);
    return theta[n + 2];
}

static void formulas_mean_what_they_say(void **state)
{
    (void)state;
    const double x = 0.7315, y = -2.25;
    assert_same_bits(at("x", x, y), x);
    assert_same_bits(at("(x)", x, y), x);
    assert_same_bits(at("-x", x, y), -x);
    assert_same_bits(at("0.1", x, y), 0.1);
    assert_same_bits(at("2*x + y", x, y), 2 * x + y);
    assert_same_bits(at("x - y - 1", x, y), x - y - 1);
    assert_same_bits(at("x/y/3", x, y), x / y / 3);
    assert_same_bits(at("-x^2", x, y), -(x * x));
    assert_same_bits(at("(-x)^2", x, y), x * x);
    assert_close(at("x^-1", x, y), 1 / x, 1e-15);
    assert_close(at("2^3^2", x, y), 512, 0);
    assert_close(at("2^-x", x, y), pow(2, -x), 1e-15);
    assert_close(at("x*-y", x, y), -x * y, 0);
    assert_close(at("--x", x, y), x, 0);
    assert_close(at("+x", x, y), x, 0);
    assert_close(at("1e3*x + .5 + 2. - 1E-1", x, y), 1e3 * x + 0.5 + 2 - 0.1, 1e-13);
    assert_close(at("cos(pi*x) + sin(y)", x, y), cos(M_PI * x) + sin(y), 1e-15);
    assert_close(at("atan2(y, x)*180/pi", x, y), atan2(y, x) * 180 / M_PI, 1e-13);
    assert_close(at("ln(x) + log10(x) + log2(x) + exp(y)", x, y), log(x) + log10(x) + log2(x) + exp(y), 1e-15);
    assert_close(at("max(x, y) + 10*min(x, y)", x, y), x + 10 * y, 1e-13);
    assert_close(at("abs(y) + sign(y) + sqrt(4)", x, y), 2.25 - 1 + 2, 1e-15);
}

static void formulas_without_a_value_give_nan(void **state)
{
    (void)state;
    assert_true(isnan(at("sqrt(y)", 0, -1)));
    assert_true(isnan(at("0*x/y", 0, 0)));
    assert_true(isnan(at("x + y", NAN, 1)));
    assert_true(isinf(at("1/x", 0, 0))); /* a mass may be infinite: what the parameter can be decides */
}

/* Whatever is written, reading ends, and what is read well can be computed. */
static void any_text_is_read_or_refused(void **state)
{
    (void)state;
    static const char *const piece[] = {"x", "y", "pi", "2",   "1e3",      ".5",   "+",    "-",  "*", "/",   "^",
                                        "(", ")", ",",  "sin", "atan2(",   "exp(", "max(", " ",  "q", "=",   "?",
                                        ":", "&", "1e", "..",  "\xc3\x97", "rnd",  "'",    "\"", "#", "0x1", "_"};
    gsl_rng *r = random_numbers(14);
    const char *const name[] = {"x", "y"};
    size_t n_good = 0;
    for (size_t k = 0; k < 20000; k++) {
        char formula[200] = "";
        cev_formula out;
        cev_arena *arena = new_arena();
        for (size_t n = whole(r, 1, 8); n > 0; n--) strcat(formula, piece[whole(r, 0, LENGTH(piece) - 1)]);
        if (cev_formula_read(arena, formula, 2, name, &out) == CEV_OK) {
            at(formula, 0.3, 0.4);
            n_good++;
        }
        cev_arena_destroy(&arena);
    }
    assert_true(n_good > 300);
    gsl_rng_free(r);
}

/* --- followers -------------------------------------------------------------------------------------------------- */

/* The toy scan with more entries of "parameters", and other keys in place of its tiles. */
static cev_scan_config *scan_of(const char *entries, const char *keys)
{
    static const char tile[] = "tile: [4, 3]\n", axis[] = "  - {name: eps_ee_uV, min: -0.2, max: 0.6, points: 9}\n";
    const char *at = strstr(good, tile), *first = strstr(good, axis);
    assert_true(at && first > at);
    at += strlen(tile), first += strlen(axis);
    snprintf(text, sizeof text, "%.*s%s%.*s%s%s", (int)(at - good - (ptrdiff_t)strlen(tile)), good, keys,
             (int)(first - at), at, entries, first);
    return parse(text);
}

static cev_scan_config *scan_with(const char *entries)
{
    return scan_of(entries, "");
}

static size_t index_in(const cev_scan_config *c, const char *name)
{
    size_t index = cev_roster_index(&c->roster, name);
    assert_true(index < cev_roster_n(&c->roster));
    return index;
}

/* In an order in which each is computed after those that it depends on, whatever the order of the file. */
static void followers_follow_in_order(void **state)
{
    (void)state;
    cev_scan_config *c = scan_with("  - {name: eps_mumu_dV, equals: eps_mumu_uV, times: -2}\n"
                                   "  - {name: eps_mumu_uV, formula: \"a + eps_ee_dV\"}\n"
                                   "  - {name: a, value: 0.25}\n"
                                   "  - {name: eps_ee_dV, equals: eps_ee_uV}\n");
    size_t ee = index_in(c, "eps_ee_uV");
    double theta[CEV_MAX_THETA];
    cev_lanes block[CEV_MAX_THETA];
    cev_followers *followers;
    assert_int_equal(c->roster.n_follower, 3);
    assert_int_equal(c->roster.n_guest, 1);
    assert_ok(cev_followers_create(&c->roster, &followers));
    for (size_t p = 0; p < cev_roster_n(&c->roster); p++) block[p] = c->theta[p] - (cev_lanes){0};
    for (size_t lane = 0; lane < CEV_LANES; lane++) block[ee][lane] = 0.1 * (double)lane;
    cev_followers_apply(&c->roster, followers, block);
    for (size_t lane = 0; lane < CEV_LANES; lane++) {
        memcpy(theta, c->theta, sizeof theta);
        theta[ee] = 0.1 * (double)lane;
        cev_followers_apply_one(&c->roster, followers, theta);
        assert_same_bits(theta[index_in(c, "eps_ee_dV")], theta[ee]);
        assert_same_bits(theta[index_in(c, "eps_mumu_uV")], 0.25 + theta[ee]);
        assert_same_bits(theta[index_in(c, "eps_mumu_dV")], -2 * (0.25 + theta[ee]));
        for (size_t p = 0; p < cev_roster_n(&c->roster); p++)
            if (!isnan(theta[p])) assert_same_bits(block[p][lane], theta[p]);
    }
    assert_true(cev_roster_follows(&c->roster, index_in(c, "eps_mumu_dV"), ee));
    assert_false(cev_roster_follows(&c->roster, ee, index_in(c, "eps_mumu_dV")));
    cev_followers_destroy(&followers);
    cev_scan_config_destroy(&c);
}

static void values_that_a_parameter_cannot_have_are_nan(void **state)
{
    (void)state;
    cev_scan_config *c = scan_with("  - {name: neutron_radius_fm, equals: eps_ee_uV, times: 10}\n");
    size_t ee = index_in(c, "eps_ee_uV"), radius = index_in(c, "neutron_radius_fm");
    double theta[CEV_MAX_THETA];
    memcpy(theta, c->theta, sizeof theta);
    theta[ee] = 0.5;
    cev_followers_apply_one(&c->roster, NULL, theta);
    assert_same_bits(theta[radius], 5);
    theta[ee] = -0.1;
    cev_followers_apply_one(&c->roster, NULL, theta);
    assert_true(isnan(theta[radius]));
    assert_true(cev_roster_is_slow(&c->roster, ee)); /* since what follows it is */
    assert_int_equal(c->grid.tile_side[0], 1);
    cev_scan_config_destroy(&c);
}

/* --- what a file makes ------------------------------------------------------------------------------------------ */

static void files_make_rosters(void **state)
{
    (void)state;
    cev_scan_config *c = scan_with("  - {name: norm, min: -0.2, max: 0.3, points: 3}\n"
                                   "  - {name: response.acceptance, profile: [0.3, 0.6], centre: 0.5, sigma: 0.1}\n"
                                   "  - {name: neutron_radius_fm, profile: [2, 3], centre: 2.4, sigma: 0.1}\n"
                                   "  - {name: eps_mumu_uV, profile: [-1, 1]}\n"
                                   "  - {name: flat, profile: [-0.5, 1]}\n");
    const cev_roster *roster = &c->roster;
    size_t n = c->interaction->card.n_parameter;
    assert_int_equal(roster->n_guest, 2);
    assert_true(roster->guest[0].kind == CEV_GUEST_PULL && roster->guest[1].kind == CEV_GUEST_NUMBER);
    assert_string_equal(cev_roster_parameter(roster, n)->name, "norm");
    assert_int_equal(c->axis_parameter[1], n);
    assert_same_bits(roster->guest[1].low, 0.3);
    assert_same_bits(roster->guest[1].high, 0.6);
    assert_same_bits(c->truth[n + 1], 0.5);
    assert_int_equal(roster->n_profiled, 3);
    for (size_t k = 1; k < 3; k++) assert_true(roster->profiled[k].index > roster->profiled[k - 1].index);
    assert_int_equal(roster->n_constraint, 2);
    const cev_pull *flat = &c->experiment[0]->pull[1];
    assert_true(flat->bounded && flat->minimum == -0.5 && flat->maximum == 1 && !c->experiment[0]->pull[0].bounded);
    assert_same_bits(cev_roster_penalty(roster, c->theta), 0); /* both are profiled: the fit counts them */
    cev_scan_config_destroy(&c);
}

/* It has no default that bounds could leave. */
static void ones_own_are_at_home_near_zero(void **state)
{
    (void)state;
    cev_scan_config *c = scan_with("  - {name: a, profile: [3, 4]}\n"
                                   "  - {name: b, profile: [3, 4], centre: 3.5, sigma: 1}\n"
                                   "  - {name: eps_mumu_uV, formula: \"a + b\"}\n");
    assert_same_bits(c->theta[index_in(c, "a")], 3);
    assert_same_bits(c->theta[index_in(c, "b")], 3.5);
    assert_same_bits(cev_roster_parameter(&c->roster, index_in(c, "a"))->default_value, 3);
    assert_same_bits(c->theta[index_in(c, "eps_mumu_uV")], 6.5);
    cev_scan_config_destroy(&c);
}

static void penalties_are_those_of_what_is_not_profiled(void **state)
{
    (void)state;
    cev_scan_config *c = parse(with("points: 9}", "points: 9, centre: 0.1, sigma: 0.2}"));
    double theta[CEV_MAX_THETA];
    memcpy(theta, c->theta, sizeof theta);
    theta[index_in(c, "eps_ee_uV")] = 0.4;
    assert_close(cev_roster_penalty(&c->roster, theta), 2.25, 1e-15);
    cev_scan_config_destroy(&c);
}

static void check_identity(cev_scan_config *a, cev_scan_config *b, bool same)
{
    cev_scan_config *again;
    assert_int_equal(!memcmp(&a->identity, &b->identity, sizeof a->identity), same);
    assert_ok(cev_scan_config_parse(a->resolved, "resolved", &again));
    assert_memory_equal(&again->identity, &a->identity, sizeof a->identity);
    assert_string_equal(again->resolved, a->resolved);
    cev_scan_config_destroy(&a);
    cev_scan_config_destroy(&b);
    cev_scan_config_destroy(&again);
}

static void assert_same_identity(const char *one, const char *other, bool same)
{
    check_identity(scan_with(one), scan_with(other), same);
}

static void assert_same_keys(const char *one, const char *other, bool same)
{
    const char *const profiled = "  - {name: eps_mumu_uV, profile: [-1, 1]}\n";
    check_identity(scan_of(profiled, one), scan_of(profiled, other), same);
}

/* What bears on numbers, in one spelling. */
static void roles_are_part_of_the_identity(void **state)
{
    (void)state;
    const char *const profiled = "  - {name: eps_mumu_uV, profile: [-1, 1]}\n",
                      *const tied = "  - {name: eps_mumu_uV, equals: eps_ee_uV}\n",
                      *const tied_once = "  - {name: eps_mumu_uV, equals: eps_ee_uV, times: 1}\n";
    assert_same_identity(profiled, "", false);
    assert_same_identity(profiled, "  - {name: eps_mumu_uV, profile: [-1, 1.5]}\n", false);
    assert_same_identity(profiled, "  - {name: eps_mumu_uV, profile: [-1, 1], centre: 0, sigma: 1}\n", false);
    assert_same_identity(profiled, "  - {profile: [-1.0, 1e0], name: eps_mumu_uV}\n", true);
    assert_same_identity(tied, tied_once, true);
    assert_same_identity(tied, "  - {name: eps_mumu_uV, equals: eps_ee_uV, times: 2}\n", false);
    assert_same_identity("  - {name: eps_mumu_uV, formula: 2*eps_ee_uV}\n",
                         "  - {name: eps_mumu_uV, formula: \"2 * eps_ee_uV\"}\n", true);
    assert_same_identity("  - {name: a, value: 2, label: '\\alpha', unit: m}\n  - {name: eps_mumu_uV, equals: a}\n",
                         "  - {name: a, value: 2}\n  - {name: eps_mumu_uV, equals: a}\n", true);
    assert_same_identity("  - {name: norm, value: 0}\n", "", false); /* given, in place of being minimised */
    assert_same_identity("  - {name: norm, profile: [-0.5, 1]}\n", "", false);
    assert_same_keys("store_profiled: false\n", "", true);
    assert_same_keys("store_profiled: true\n", "", false);
    assert_same_keys("correlations: [{of: [norm, flat], coefficient: 0.5}]\n",
                     "correlations: [{of: [flat, norm], matrix: [[1, 0.5], [0.5, 1]]}]\n", true);
    assert_same_keys("correlations: [{of: [norm, flat], coefficient: 0.5}]\n", "", false);
    assert_same_keys("correlations: [{of: [norm, flat], coefficient: 0}]\n", "", true);
}

static void differences_are_told_by_their_key(void **state)
{
    (void)state;
    char out[512];
    cev_scan_config *one = scan_with("  - {name: eps_mumu_uV, profile: [-1, 1]}\n"),
                    *other = scan_with("  - {name: eps_mumu_uV, profile: [-1, 2]}\n");
    cev_study_difference(one->resolved, other->resolved, out, sizeof out);
    assert_contains(out, "parameters.eps_mumu_uV.profile[1]: 1.0, not 2.0");
    cev_scan_config_destroy(&one);
    cev_scan_config_destroy(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_mean_what_they_say),
        cmocka_unit_test(formulas_without_a_value_give_nan),
        cmocka_unit_test(any_text_is_read_or_refused),
        cmocka_unit_test(followers_follow_in_order),
        cmocka_unit_test(values_that_a_parameter_cannot_have_are_nan),
        cmocka_unit_test(files_make_rosters),
        cmocka_unit_test(ones_own_are_at_home_near_zero),
        cmocka_unit_test(penalties_are_those_of_what_is_not_profiled),
        cmocka_unit_test(roles_are_part_of_the_identity),
        cmocka_unit_test(differences_are_told_by_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
