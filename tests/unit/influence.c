/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which parameters move which experiment: what is told without folding is what folding finds. */
#include "coherent.h"

#include "cevscan/influence.h"
#include "cevscan/likeness.h"

/* Another value than the default, that is not special. */
static double other_value(const cev_parameter *d)
{
    if (!strcmp(d->name, "flux_b8")) return 4e6;
    if (!strcmp(d->name, "neutron_radius_fm")) return 5.5;
    if (d->whole) return 1 - d->default_value;
    if (isinf(d->default_value)) return 400;
    return fmin(d->default_value + 0.2, d->maximum);
}

/* Choices are made when a model is. */
static void signal_at(const cev_experiment *x, const cev_interaction *interaction, const double *theta, double *counts)
{
    cev_model *model;
    assert_ok(cev_model_create(1, &x, &(cev_roster){.interaction = interaction}, theta, &model));
    assert_ok(cev_model_signal(model, 0, theta, counts));
    cev_model_destroy(&model);
}

/* Every parameter of an interaction, beside a mediator that is coupled. */
static void compare(const cev_experiment *x, const cev_interaction *interaction)
{
    static double before[16384], after[16384];
    const cev_card *card = &interaction->card;
    size_t n = x->source.kind->n_component * x->bins.n_bin;
    size_t coupling = cev_parameter_index(card->parameters, card->n_parameter, "coupling");
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_influence *influence;
    assert_true(n <= LENGTH(before));
    cev_parameter_defaults(card->parameters, card->n_parameter, theta);
    if (coupling < card->n_parameter) theta[coupling] = 1e-4;
    signal_at(x, interaction, theta, before);
    assert_ok(cev_influence_create(1, &x, 1, &influence));
    for (size_t p = 0; p < card->n_parameter; p++) {
        double point[CEV_MAX_MODEL_PARAMETERS];
        const double value[] = {theta[p], other_value(&card->parameters[p])};
        memcpy(point, theta, sizeof point);
        point[p] = value[1];
        signal_at(x, interaction, point, after);
        bool differs = memcmp(before, after, n * sizeof *before) != 0;
        if (cev_influence_moves(influence, interaction, theta, p, 2, value) != differs)
            fail_msg("%s, %s: %s %s", x->name, card->name, card->parameters[p].name, differs ? "acts" : "does not act");
        if (differs && !cev_influence_can_act(influence, interaction, p))
            fail_msg("%s, %s: %s can act", x->name, card->name, card->parameters[p].name);
    }
    cev_influence_destroy(&influence);
}

static void what_is_told_is_what_folding_finds(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("ess_ar,ess_c3f8,coherent_csi,xenonnt_8b", "nsi");
    for (size_t e = 0; e < config->n_experiment; e++) {
        bool has_spin = config->experiment[e]->target.form_factor.kind->axial; /* takes long, and adds this only */
        for (size_t k = 0; k < cev_n_interactions; k++)
            if (!has_spin || cev_interactions[k] == &cev_interaction_eft)
                compare(config->experiment[e], cev_interactions[k]);
    }
    cev_scan_config_destroy(&config);
}

static bool can_act(const cev_experiment *x, const cev_interaction *interaction, const char *name)
{
    cev_influence *influence;
    assert_ok(cev_influence_create(1, &x, 1, &influence));
    size_t p = cev_parameter_index(interaction->card.parameters, interaction->card.n_parameter, name);
    assert_true(p < interaction->card.n_parameter);
    bool acts = cev_influence_can_act(influence, interaction, p);
    cev_influence_destroy(&influence);
    return acts;
}

/* A mass without a coupling moves nothing, but could. */
static void what_can_act_does_not_ask_for_the_other_values(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("ess_ar,xenonnt_8b", "nsi");
    const cev_experiment *argon = config->experiment[0], *xenon = config->experiment[1];
    const cev_interaction *scalar = &cev_interaction_scalar;
    const double masses[] = {1, 10, 100};
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_influence *influence;
    cev_parameter_defaults(scalar->card.parameters, scalar->card.n_parameter, theta);
    assert_ok(cev_influence_create(1, &argon, 1, &influence));
    assert_false(cev_influence_moves(influence, scalar, theta, 0, LENGTH(masses), masses));
    theta[cev_parameter_index(scalar->card.parameters, scalar->card.n_parameter, "coupling")] = 1e-5;
    assert_true(cev_influence_moves(influence, scalar, theta, 0, LENGTH(masses), masses));
    cev_influence_destroy(&influence);
    assert_true(can_act(argon, scalar, "mediator_mass_MeV"));
    assert_false(can_act(argon, &cev_interaction_axial, "coupling")); /* 40Ar has no spin */
    assert_true(!can_act(argon, scalar, "flux_b8") && can_act(xenon, scalar, "flux_b8"));
    assert_true(can_act(argon, scalar, "neutron_radius_fm") && !can_act(xenon, scalar, "neutron_radius_fm"));
    assert_true(!can_act(argon, &cev_interaction_nsi, "eps_tautau_uV"));
    assert_true(can_act(xenon, &cev_interaction_nsi, "eps_tautau_uV"));
    cev_scan_config_destroy(&config);
}

/* A window of a table that evenly spread recoils would miss; one that nothing reaches, of which nothing is claimed. */
static void narrow_windows_are_seen(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("xenonnt_8b", "nsi");
    cev_experiment x = *config->experiment[0];
    const double windows[][2] = {{0.3, 0.3001}, {2000, 2001}}, one[] = {1, 1};
    const double edges[] = {0, 1};
    for (size_t k = 0; k < LENGTH(windows); k++) {
        x.response.table = (cev_response_table){.n_recoil = 2, .n_bin = 1, .recoil_keV = windows[k], .value = one};
        x.bins = (cev_bins){.n_bin = 1, .n_energy = 1, .n_time = 1, .edge = edges};
        assert_true(can_act(&x, &cev_interaction_nsi, "eps_ee_uV"));
    }
    cev_scan_config_destroy(&config);
}

static bool folding_differs(const cev_experiment *x, const cev_interaction *interaction, size_t p, double value)
{
    double before[64], after[64], theta[CEV_MAX_MODEL_PARAMETERS];
    size_t n = x->source.kind->n_component * x->bins.n_bin;
    assert_true(n <= LENGTH(before));
    cev_parameter_defaults(interaction->card.parameters, interaction->card.n_parameter, theta);
    signal_at(x, interaction, theta, before);
    theta[p] = value;
    signal_at(x, interaction, theta, after);
    return memcmp(before, after, n * sizeof *before) != 0;
}

static bool influence_differs(const cev_experiment *x, const cev_interaction *interaction, size_t p, double value)
{
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_influence *influence;
    cev_parameter_defaults(interaction->card.parameters, interaction->card.n_parameter, theta);
    const double values[] = {theta[p], value};
    assert_ok(cev_influence_create(1, &x, 1, &influence));
    bool moves = cev_influence_moves(influence, interaction, theta, p, 2, values);
    if (moves) assert_true(cev_influence_can_act(influence, interaction, p));
    cev_influence_destroy(&influence);
    return moves;
}

/* Two xenon isotopes under pion decay at rest, of which only the heavier, which ends first, has spin: in windows all
 * around both their ends, and in smeared bins beyond them. */
static void windows_are_those_of_each_nucleus(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("ess_xe", "nsi");
    const cev_nucleus xenon[] = {{"Xe128", 54, 74, 127.9035, NAN, NAN}, {"Xe131", 54, 77, 130.9051, NAN, NAN}};
    const double per_unit[] = {1, 1};
    static const struct {
        const char *response;
        double from_keV, width_keV;
    } window[] = {{"threshold", 44, 30},
                  {"threshold", 45.3, 0.02},
                  {"threshold", 45.8, 30},
                  {"gaussian", 45.3, 0.02},
                  {"gaussian", 60, 0.02}};
    size_t axial = parameter_of(&cev_interaction_eft, "C2_u_e"), vector = parameter_of(&cev_interaction_eft, "C1_u_e");
    bool acts[2] = {false}, idle[2] = {false};
    for (size_t k = 0; k < LENGTH(window); k++) {
        cev_experiment x = *config->experiment[0];
        const double edges[] = {window[k].from_keV, window[k].from_keV + window[k].width_keV};
        x.target.n_nucleus = 2, x.target.nucleus = xenon, x.target.per_unit = per_unit;
        x.target.form_factor = form_factor_called("responses");
        x.bins = (cev_bins){.n_bin = 1, .n_energy = 1, .n_time = 1, .edge = edges};
        x.response.parameter[CEV_RESPONSE_THRESHOLD_KEV] = edges[0];
        for (size_t r = 0; r < cev_n_response_kinds; r++)
            if (!strcmp(cev_response_kinds[r]->card.name, window[k].response)) x.response.kind = cev_response_kinds[r];
        const size_t parameter[] = {axial, vector};
        for (size_t j = 0; j < 2; j++) {
            bool differs = folding_differs(&x, &cev_interaction_eft, parameter[j], 0.01);
            bool told = influence_differs(&x, &cev_interaction_eft, parameter[j], 0.01);
            if (differs && !told) fail_msg("%s from %g keV, %zu: acts", x.response.kind->card.name, edges[0], j);
            acts[j] |= differs, idle[j] |= !told;
        }
    }
    assert_true(acts[0] && acts[1] && idle[0]); /* between both ends, spin does nothing, and that is told */
    cev_scan_config_destroy(&config);
}

/* A pull, or another setting, of which one side sees what the experiment itself does not. */
static void sides_and_settings_count(void **state)
{
    (void)state;
    cev_scan_config *config = coherent_config("ess_ar,xenonnt_8b", "nsi");
    const cev_experiment *argon = config->experiment[0], *xenon = config->experiment[1];
    cev_experiment pulled = *argon, exposed = *argon;
    const cev_pull pull = {.name = "side", .sigma = 1, .up = xenon, .down = argon};
    const cev_experiment *settings[] = {argon, argon, &exposed, xenon}, *one = &pulled;
    const cev_interaction *nsi = &cev_interaction_nsi;
    size_t tau = parameter_of(nsi, "eps_tautau_uV");
    cev_influence *influence;
    pulled.n_pull = 1, pulled.pull = &pull;
    exposed.target.mass_kg *= 3;
    assert_false(can_act(argon, nsi, "eps_tautau_uV"));
    assert_true(can_act(one, nsi, "eps_tautau_uV"));
    for (size_t n = 1; n <= 2; n++) { /* every third */
        assert_ok(cev_influence_create(n, settings, 3, &influence));
        assert_int_equal(cev_influence_can_act(influence, nsi, tau), n == 2);
        cev_influence_destroy(&influence);
    }
    assert_true(cev_see_alike(argon, &exposed) && !cev_fit_alike(argon, &exposed, false));
    assert_true(cev_fit_alike(argon, argon, true) && !cev_see_alike(argon, xenon));
    assert_true(!cev_fit_alike(argon, &pulled, false));
    cev_scan_config_destroy(&config);
}

/* For people: which flavours, form factors and sources. */
static void parameters_reach_what_their_names_say(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool flavour[CEV_N_FLAVOURS];
    } nsi[] = {{"eps_ee_uV", {true, false, false}},
               {"eps_mutau_dV", {false, true, true}},
               {"sin2_theta_w", {true, true, true}},
               {"recoil_term", {true, true, true}},
               {"flux_b8", {false, false, false}}};
    for (size_t k = 0; k < LENGTH(nsi); k++) {
        cev_reach reach = cev_parameter_reach(&cev_interaction_nsi, parameter_of(&cev_interaction_nsi, nsi[k].name));
        assert_memory_equal(reach.flavour, nsi[k].flavour, sizeof reach.flavour);
        for (size_t s = 0; s < cev_n_source_kinds; s++)
            assert_true(reach.source[s] ==
                        (!strcmp(nsi[k].name, "flux_b8") && !strcmp(cev_source_kinds[s]->card.name, "solar_b8")));
    }
    cev_reach axial = cev_parameter_reach(&cev_interaction_eft, parameter_of(&cev_interaction_eft, "C2_u_e"));
    cev_reach radius = cev_parameter_reach(&cev_interaction_nsi,
                                           parameter_of(&cev_interaction_nsi, "neutron_radius_fm"));
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++) {
        assert_true(axial.form_factor[k] == (cev_form_factor_kinds[k] == &cev_form_factor_responses));
        assert_true(radius.form_factor[k] == cev_form_factor_kinds[k]->needs_radius);
        assert_true((cev_form_factor_kinds[k]->nucleus_keys != NULL) == cev_form_factor_kinds[k]->needs_radius);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_what_folding_finds),
        cmocka_unit_test(what_can_act_does_not_ask_for_the_other_values),
        cmocka_unit_test(narrow_windows_are_seen),
        cmocka_unit_test(windows_are_those_of_each_nucleus),
        cmocka_unit_test(sides_and_settings_count),
        cmocka_unit_test(parameters_reach_what_their_names_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
