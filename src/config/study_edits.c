/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the factors of a study do to its experiments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "experiment_parts.h"
#include "node_paths.h"
#include "resolve.h"
#include "scan_parts.h"
#include "study_factors.h"

static const cev_key experiment_key = {.name = "experiments", .type = CEV_KEY_NODE, .of = &cev_experiment_table};

/* --- where they act --------------------------------------------------------------------------------------------- */

/* Adds the places that a path of a rule fits in an experiment. */
static cev_status find_places(const cev_factor_rule *rule, size_t path, cev_node whole, cev_search *search)
{
    bool list = cev_node_is_sequence(rule->path_node);
    return cev_find_places(search, list ? cev_node_item(rule->path_node, path) : rule->path_node, rule->path[path],
                           whole, &experiment_key);
}

/* What a path says that no name fits. `experiment` is NULL if it is so in all of them. */
static cev_status acts_on_nothing(const cev_study_factor *factor, const cev_factor_rule *rule, size_t path,
                                  const cev_search *s, const char *experiment)
{
    const char *rest = rule->path[path] + s->reached;
    char word[128], known[512] = "";
    snprintf(word, sizeof word, "%.*s", (int)strcspn(rest, "."), rest);
    const char *nearest = cev_nearest(word, s->name, s->n_name);
    for (size_t k = 0; k < s->n_name && strlen(known) + strlen(s->name[k]) + 16 < sizeof known; k++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", k ? ", " : " (known: ", s->name[k]);
    if (s->no_number)
        return cev_node_fail(rule->path_node, "factor \"%s\": \"%s\" is no number, nor a list of numbers", factor->name,
                             rule->path[path]);
    return cev_node_fail(rule->path_node, "factor \"%s\": %s%s number \"%s\": there is no \"%s\"%s%s%s%s%s",
                         factor->name, experiment ? experiment : "no experiment has the", experiment ? " has no" : "",
                         rule->path[path], word, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                         nearest ? "\"?" : "", known, *known ? ")" : "");
}

static cev_status list_experiments(cev_study_config *s, const cev_experiment *x, const cev_factor_rule *rule,
                                   bool *listed)
{
    const char *names[CEV_MAX_EXPERIMENTS];
    cev_node list = rule->experiments;
    if (!cev_node_is_sequence(list) || !cev_node_length(list))
        return cev_node_fail(list, "key \"experiments\": expected a list of names of experiments");
    for (size_t e = 0; e < s->n_experiment; e++) names[e] = x[e].name;
    for (size_t k = 0; k < cev_node_length(list); k++) {
        cev_node item = cev_node_item(list, k);
        size_t e = 0;
        while (e < s->n_experiment && strcmp(names[e], cev_node_text(item))) e++;
        if (e == s->n_experiment) return cev_node_fail_name(item, "experiment of this study", names, e);
        listed[e] = true;
    }
    return CEV_OK;
}

static cev_status check_list(const cev_study_factor *factor, const cev_factor_rule *rule, const cev_search *search)
{
    for (size_t k = 0; k < search->n && !rule->multiply; k++)
        if (search->place[k].list)
            return cev_node_fail(rule->path_node,
                                 "factor \"%s\": %s is a list of numbers, which \"values\" cannot set; give \"times\"",
                                 factor->name, search->place[k].text);
    return CEV_OK;
}

/* Each path must fit something; in each experiment that is listed. */
static cev_status place_rule(cev_study_config *s, size_t f, const cev_node *whole, const cev_experiment *x, bool *acts)
{
    const cev_factor_rule *rule = &s->edits->rule[f];
    bool listed[CEV_MAX_EXPERIMENTS] = {false}, chosen = rule->experiments.id;
    if (chosen) CEV_TRY(list_experiments(s, x, rule, listed));
    for (size_t p = 0; p < rule->n_path; p++) {
        cev_search best = {0};
        bool found = false;
        for (size_t e = 0; e < s->n_experiment; e++) {
            if (chosen && !listed[e]) continue;
            cev_search search = {.arena = s->arena};
            CEV_TRY(find_places(rule, p, whole[e], &search));
            CEV_TRY(check_list(&s->factor[f], rule, &search));
            if (search.n == 0 && chosen) return acts_on_nothing(&s->factor[f], rule, p, &search, x[e].name);
            acts[e] |= search.n > 0;
            found |= search.n > 0;
            if (e == 0 || search.reached > best.reached || search.no_number) best = search;
        }
        if (!found) return acts_on_nothing(&s->factor[f], rule, p, &best, NULL);
    }
    return CEV_OK;
}

/* "years 1 3: source.years of ess_csi, ess_si" */
static cev_status describe(const cev_study_config *s, const cev_factor_rule *rule, const cev_study_factor *factor,
                           const cev_experiment *x, const char **out)
{
    char *words;
    bool first = true;
    CEV_TRY(cev_arena_print(s->arena, &words, "%s", factor->name));
    for (size_t k = 0; k < factor->n; k++)
        CEV_TRY(cev_arena_print(s->arena, &words, "%s %.15g", words, factor->value[k]));
    if (rule->exposure) CEV_TRY(cev_arena_print(s->arena, &words, "%s: times mass and backgrounds", words));
    for (size_t p = 0; p < rule->n_path && !rule->exposure; p++)
        CEV_TRY(cev_arena_print(s->arena, &words, "%s%s%s", words,
                                p                ? ", "
                                : rule->multiply ? ": times "
                                                 : ": ",
                                rule->path[p]));
    for (size_t e = 0; e < s->n_experiment; e++) {
        if (!rule->acts[e]) continue;
        CEV_TRY(cev_arena_print(s->arena, &words, "%s%s%s", words, first ? " of " : ", ", x[e].name));
        first = false;
    }
    *out = words;
    return CEV_OK;
}

cev_status cev_place_factors(cev_study_config *s, const cev_node *whole, const cev_experiment *experiment)
{
    cev_factor_rule *rule = s->edits->rule;
    cev_study_factor *factor;
    CEV_TRY(cev_new(s->arena, s->n_factor, &factor));
    if (s->n_factor) memcpy(factor, s->factor, s->n_factor * sizeof *factor);
    for (size_t f = 0; f < s->n_factor; f++) {
        bool *acts;
        CEV_TRY(cev_new(s->arena, s->n_experiment, &acts));
        if (!rule[f].exposure) CEV_TRY(place_rule(s, f, whole, experiment, acts));
        rule[f].acts = acts;
        CEV_TRY(describe(s, &rule[f], &factor[f], experiment, &factor[f].words));
    }
    s->factor = factor;
    return CEV_OK;
}

void cev_forget_nodes(cev_study_config *s)
{
    cev_factor_rule *rule = s->edits->rule;
    for (size_t f = 0; f < s->n_factor; f++) {
        rule[f].node = rule[f].path_node = rule[f].experiments = (cev_node){0};
        rule[f].where = NULL;
    }
}

/* --- changed experiments ---------------------------------------------------------------------------------------- */

static cev_status gather_places(const cev_factor_rule *rule, cev_node whole, cev_search *search)
{
    for (size_t p = 0; p < rule->n_path; p++) CEV_TRY(find_places(rule, p, whole, search));
    return CEV_OK;
}

static cev_status apply(const cev_study_config *s, size_t f, size_t setting, cev_arena *arena, cev_node *node)
{
    const cev_factor_rule *rule = &s->edits->rule[f];
    double x = cev_study_factor_value(s, setting, f);
    size_t value = 0;
    while (s->factor[f].value[value] != x) value++;
    cev_node where = rule->where ? rule->where[value] : (cev_node){0};
    cev_search search = {.arena = arena};
    CEV_TRY(gather_places(rule, *node, &search));
    for (size_t k = 0; k < search.n; k++)
        CEV_TRY(cev_change_place(*node, &experiment_key, &search.place[k], rule->multiply, x, where, node));
    return CEV_OK;
}

cev_status cev_experiment_in_setting(const cev_study_config *s, size_t setting, size_t experiment, cev_node whole,
                                     bool *changed, cev_node *out)
{
    cev_arena *arena;
    *out = whole;
    *changed = false;
    CEV_TRY(cev_arena_create(&arena));
    cev_status status = CEV_OK;
    for (size_t f = 0; status == CEV_OK && f < s->n_factor; f++) {
        if (!s->edits->rule[f].acts[experiment]) continue;
        status = apply(s, f, setting, arena, out);
        *changed = true;
    }
    cev_arena_destroy(&arena);
    return status;
}

/* --- exposures of data ------------------------------------------------------------------------------------------ */

static bool changes_exposure(const cev_place *place)
{
    static const char *const keys[] = {"target.mass_kg", "source.years", "source.live_years", "source.protons_per_year",
                                       "source.protons_on_target"};
    const char *last = strrchr(place->text, '.');
    for (size_t k = 0; k < CEV_LENGTH(keys); k++)
        if (!strcmp(place->text, keys[k])) return true;
    return last && (!strcmp(last, ".live_days") || !strcmp(last, ".duty_factor"));
}

static cev_status check_rule(const cev_study_config *s, size_t f, size_t e, cev_node whole, bool observed)
{
    const cev_factor_rule *rule = &s->edits->rule[f];
    cev_search search = {.arena = s->arena};
    CEV_TRY(gather_places(rule, whole, &search));
    for (size_t k = 0; k < search.n; k++)
        if (changes_exposure(&search.place[k]))
            return cev_node_fail(rule->node,
                                 observed ? "factor \"%s\": %s of %s: observed data have the exposure that they have"
                                          : "factor \"%s\": %s of %s: its uncertainties belong to the exposure that it "
                                            "has; it takes no other",
                                 s->factor[f].name, search.place[k].text, s->experiment[e]->name);
    return CEV_OK;
}

cev_status cev_check_exposures(const cev_study_config *s, const cev_node *whole, const bool *observed)
{
    for (size_t f = 0; f < s->n_factor; f++) {
        const cev_factor_rule *rule = &s->edits->rule[f];
        for (size_t e = 0; e < s->n_experiment; e++) {
            if (rule->exposure && observed[e])
                return cev_node_fail(rule->node,
                                     "key \"exposure_factors\": observed data have the exposure that they have");
            if (rule->acts[e] && (observed[e] || s->experiment[e]->statistic == CEV_STATISTIC_GAUSSIAN))
                CEV_TRY(check_rule(s, f, e, whole[e], observed[e]));
        }
    }
    return CEV_OK;
}

/* --- all settings ----------------------------------------------------------------------------------------------- */

/* Says which setting it was in which an experiment was refused. */
static cev_status fail_in_setting(const cev_study_config *s, size_t setting, const char *experiment, cev_status status)
{
    char message[2048], *name;
    if (status != CEV_E_INPUT) return status;
    snprintf(message, sizeof message, "%s", cev_error_message());
    CEV_TRY(cev_setting_name(s, s->arena, setting, &name));
    return cev_fail(status, "%s (experiment \"%s\" with %s)", message, experiment, name);
}

static cev_status check_same_interaction(const cev_experiment *one, const cev_experiment *x)
{
    if (cev_source_feels_matter(&one->source) == cev_source_feels_matter(&x->source)) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "a factor cannot change \"nsi_in_propagation\": other parameters would be slow");
}

static cev_status make_experiment(cev_study_config *s, size_t setting, size_t e, cev_node whole,
                                  const cev_experiment *plain, cev_node without_pulls, cev_experiment *out)
{
    cev_node node;
    bool changed;
    *out = *plain;
    CEV_TRY(cev_experiment_in_setting(s, setting, e, whole, &changed, &node));
    if (changed) {
        CEV_TRY(cev_read_whole_experiment(s->arena, node, out));
        out->stands_on = plain->stands_on;
        CEV_TRY(cev_drop_pulls_of(s->arena, without_pulls, out));
        CEV_TRY(check_same_interaction(plain, out));
    }
    return cev_scale_exposure(s->arena, s->exposure[setting], out);
}

/* together[a][b]: whether a set has both. */
static cev_status find_together(const cev_study_config *s, bool **out)
{
    size_t n = s->n_experiment;
    CEV_TRY(cev_new(s->arena, n * n, out));
    for (size_t k = 0; k < s->n_set; k++)
        for (size_t a = 0; a < s->set[k].n_experiment; a++)
            for (size_t b = 0; b < s->set[k].n_experiment; b++)
                (*out)[s->set[k].experiment[a] * n + s->set[k].experiment[b]] = true;
    return CEV_OK;
}

static cev_status check_pulls(const cev_study_config *s, size_t setting, const bool *together, const cev_node *named)
{
    size_t n = s->n_experiment;
    const cev_experiment *const *x = s->experiment + setting * n;
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < a; b++) {
            bool as_before = setting && x[a] == s->experiment[a] && x[b] == s->experiment[b];
            if (!together[a * n + b] || as_before) continue;
            cev_status status = cev_check_shared_pulls(named[a], x[a], x[b]);
            if (status != CEV_OK) return s->n_factor ? fail_in_setting(s, setting, x[a]->name, status) : status;
        }
    return CEV_OK;
}

static cev_status list_exposures(cev_study_config *s)
{
    double *exposure;
    CEV_TRY(cev_new(s->arena, s->n_setting, &exposure));
    for (size_t k = 0; k < s->n_setting; k++) {
        exposure[k] = 1;
        for (size_t f = 0; f < s->n_factor; f++)
            if (s->edits->rule[f].exposure) exposure[k] = cev_study_factor_value(s, k, f);
    }
    s->exposure = exposure;
    return CEV_OK;
}

cev_status cev_make_settings(cev_study_config *s, const cev_node *whole, const cev_node *named, cev_node without_pulls)
{
    size_t n = s->n_experiment;
    const cev_experiment *const *plain = s->experiment;
    const cev_experiment **list;
    bool *together;
    CEV_TRY(list_exposures(s));
    CEV_TRY(cev_new(s->arena, s->n_setting * n, &list));
    CEV_TRY(find_together(s, &together));
    for (size_t k = 0; k < s->n_setting * n; k++) {
        size_t setting = k / n, e = k % n, same = cev_same_setting(s, setting, e);
        cev_experiment *own;
        list[k] = list[same * n + e];
        if (same < setting) continue;
        CEV_TRY(cev_new(s->arena, 1, &own));
        cev_status status = make_experiment(s, setting, e, whole[e], plain[e], without_pulls, own);
        if (status != CEV_OK) return s->n_factor ? fail_in_setting(s, setting, plain[e]->name, status) : status;
        list[k] = own;
    }
    s->experiment = list;
    for (size_t k = 0; k < s->n_setting; k++) CEV_TRY(check_pulls(s, k, together, named));
    return CEV_OK;
}

/* --- what bears on numbers -------------------------------------------------------------------------------------- */

/* {EXPERIMENT: {PLACE: true}} */
static bool put_places(const cev_study_config *s, size_t f, const cev_node *whole, json_t *to)
{
    for (size_t e = 0; e < s->n_experiment; e++) {
        cev_search search = {.arena = s->arena};
        json_t *places = json_object();
        if (!s->edits->rule[f].acts[e] || !places) {
            json_decref(places);
            continue;
        }
        if (gather_places(&s->edits->rule[f], whole[e], &search) != CEV_OK) return json_decref(places), false;
        for (size_t k = 0; k < search.n; k++) json_object_set_new(places, search.place[k].text, json_true());
        if (json_object_set_new(to, s->experiment[e]->name, places)) return false;
    }
    return true;
}

json_t *cev_values_of_factors(const cev_study_config *s, const cev_node *whole, bool *needed)
{
    json_t *list = json_array();
    bool complete = list != NULL;
    *needed = false;
    for (size_t f = 0; complete && f < s->n_factor; f++) {
        const cev_factor_rule *rule = &s->edits->rule[f];
        json_t *values = json_array(), *places = json_object();
        for (size_t k = 0; k < s->factor[f].n; k++) json_array_append_new(values, json_real(s->factor[f].value[k]));
        *needed |= !rule->exposure;
        complete = put_places(s, f, whole, places) &&
                   !json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "name", s->factor[f].name,
                                                          rule->multiply ? "times" : "values", values, "of", places));
    }
    if (complete) return list;
    json_decref(list);
    return NULL;
}
