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

/* A path of a rule, or one of those that follow. */
typedef struct rule_path {
    const char *text;
    cev_node node;
} rule_path;

static rule_path path_of(const cev_factor_rule *rule, size_t k)
{
    bool follows = k >= rule->n_path;
    cev_node node = follows ? rule->follow_node : rule->path_node;
    size_t own = follows ? k - rule->n_path : k;
    return (rule_path){follows ? rule->follow[own] : rule->path[own],
                       cev_node_is_sequence(node) ? cev_node_item(node, own) : node};
}

/* Adds the places that a path fits in an experiment. */
static cev_status find_places(const rule_path *path, cev_node whole, cev_search *search)
{
    return cev_find_places(search, path->node, path->text, whole, &experiment_key);
}

/* A word that is no key, but nearly the end of a thing's name: "signl" of ess_csi.signal, which pulls.*.signl meant. */
static const char *nearest_item(const char *word, const cev_search *s)
{
    const char *end[CEV_LENGTH(s->item)];
    for (size_t k = 0; k < s->n_item; k++) {
        const char *dot = strrchr(s->item[k], '.');
        end[k] = dot ? dot + 1 : s->item[k];
    }
    const char *nearest = cev_nearest(word, end, s->n_item);
    for (size_t k = 0; nearest && k < s->n_item; k++)
        if (end[k] == nearest) return s->item[k];
    return NULL;
}

/* What a path says that no name fits. `experiment` is NULL if it is so in all of them. */
static cev_status acts_on_nothing(const cev_study_factor *factor, const rule_path *path, const cev_search *s,
                                  const char *experiment)
{
    const char *rest = path->text + s->reached;
    char word[128], known[512] = "";
    snprintf(word, sizeof word, "%.*s", (int)strcspn(rest, "."), rest);
    const char *nearest = cev_nearest(word, s->name, s->n_name), *item = nearest ? NULL : nearest_item(word, s);
    const char *const *name = item ? s->item : s->name;
    size_t n_name = item ? s->n_item : s->n_name;
    if (item) nearest = item;
    for (size_t k = 0; k < n_name && strlen(known) + strlen(name[k]) + 16 < sizeof known; k++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", k ? ", " : " (known: ", name[k]);
    if (s->idle)
        return cev_node_fail(path->node, "factor \"%s\": \"%s\"%s%s: key \"%s\" changes nothing beside \"%s\"",
                             factor->name, path->text, experiment ? " of " : "", experiment ? experiment : "", s->idle,
                             s->idle_beside);
    if (s->no_number)
        return cev_node_fail(path->node, "factor \"%s\": \"%s\" is no number, nor a list of numbers", factor->name,
                             path->text);
    return cev_node_fail(path->node, "factor \"%s\": %s%s number \"%s\": there is no \"%s\"%s%s%s%s%s", factor->name,
                         experiment ? experiment : "no experiment has the", experiment ? " has no" : "", path->text,
                         word, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "", known,
                         *known ? ")" : "");
}

/* Where a rule acts in an experiment, and what follows. */
static cev_status find_all(cev_arena *arena, const cev_factor_rule *rule, cev_node whole, cev_search *own,
                           cev_search *followers)
{
    *own = *followers = (cev_search){.arena = arena};
    CEV_TRY(cev_factor_places(rule, 0, rule->n_path, whole, own));
    return cev_factor_places(rule, rule->n_path, rule->n_path + rule->n_follow, whole, followers);
}

/* A place that both have; NULL if there is none. */
static const cev_place *common_place(const cev_search *one, const cev_search *other)
{
    for (size_t a = 0; a < one->n; a++)
        for (size_t b = 0; b < other->n; b++)
            if (cev_same_place(&one->place[a], &other->place[b])) return &one->place[a];
    return NULL;
}

/* A number that one factor sets is no other's: what that does would be lost, or depend on their order. Numbers that
 * are multiplied, by factors or in proportion to one, may be so by several. */
static cev_status check_apart(const cev_study_config *s, cev_arena *arena, size_t f, size_t g, const char *experiment,
                              cev_node whole)
{
    const cev_factor_rule *one = &s->edits->rule[f], *other = &s->edits->rule[g];
    cev_search own, followers, others, others_followers;
    char *words;
    CEV_TRY(find_all(arena, one, whole, &own, &followers));
    CEV_TRY(find_all(arena, other, whole, &others, &others_followers));
    const cev_place *place = f == g || (one->multiply && other->multiply) ? NULL : common_place(&own, &others);
    if (!place && !one->multiply) place = common_place(&own, &others_followers);
    if (!place && !other->multiply) place = common_place(&others, &followers);
    if (!place) return CEV_OK;
    CEV_TRY(cev_place_words(arena, place, &words));
    if (f == g)
        return cev_node_fail(one->follow_node, "factor \"%s\": %s of %s is set, and in proportion to itself",
                             s->factor[f].name, words, experiment);
    return cev_node_fail(other->path_node,
                         "factors \"%s\" and \"%s\" both change %s of %s, which one of them sets to its \"values\"; "
                         "give \"times\" for both, or other paths",
                         s->factor[f].name, s->factor[g].name, words, experiment);
}

static cev_status check_all_apart(const cev_study_config *s, size_t e, cev_node whole, const char *experiment)
{
    const cev_factor_rule *rule = s->edits->rule;
    cev_arena *arena;
    CEV_TRY(cev_arena_create(&arena));
    cev_status status = CEV_OK;
    for (size_t g = 0; g < s->n_factor; g++)
        for (size_t f = 0; status == CEV_OK && f <= g; f++)
            if (rule[f].acts[e] && rule[g].acts[e]) status = check_apart(s, arena, f, g, experiment, whole);
    cev_arena_destroy(&arena);
    return status;
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

static cev_status check_places(const cev_study_factor *factor, const cev_factor_rule *rule, const rule_path *path,
                               const cev_search *search, cev_node whole)
{
    for (size_t k = 0; k < search->n && !rule->multiply; k++) {
        char *place;
        if (!search->place[k].list) continue;
        CEV_TRY(cev_place_words(search->arena, &search->place[k], &place));
        return cev_node_fail(path->node,
                             "factor \"%s\": %s is a list of numbers, which \"values\" cannot set; give \"times\"",
                             factor->name, place);
    }
    if (rule->n_follow == 0 || search->n == 0) return CEV_OK;
    double x = cev_number_at(whole, &experiment_key, &search->place[0]);
    if (search->n == 1 && x != 0) return CEV_OK;
    return cev_node_fail(path->node,
                         "factor \"%s\": key \"in_proportion\" is for one number at \"%s\", other than zero",
                         factor->name, path->text);
}

/* Where one path of a rule acts: each must fit something; in each experiment that is listed, if some are. What follows
 * changes no experiment that the path does not change. */
static cev_status place_path(const cev_study_config *s, size_t f, size_t k, const cev_node *whole,
                             const cev_experiment *x, const bool *listed, bool *acts)
{
    const cev_factor_rule *rule = &s->edits->rule[f];
    const rule_path path = path_of(rule, k);
    bool found = false, chosen = rule->experiments.id, follows = k >= rule->n_path;
    cev_search best = {0};
    for (size_t e = 0; e < s->n_experiment; e++) {
        cev_search search = {.arena = s->arena};
        if ((chosen && !listed[e]) || (follows && !acts[e])) continue;
        CEV_TRY(find_places(&path, whole[e], &search));
        if (!follows) CEV_TRY(check_places(&s->factor[f], rule, &path, &search, whole[e]));
        if (search.n == 0 && chosen && !follows) return acts_on_nothing(&s->factor[f], &path, &search, x[e].name);
        acts[e] |= search.n > 0;
        found |= search.n > 0;
        if (!best.n_name || search.reached > best.reached || search.no_number || search.idle) best = search;
    }
    return found ? CEV_OK : acts_on_nothing(&s->factor[f], &path, &best, NULL);
}

static cev_status place_rule(cev_study_config *s, size_t f, const cev_node *whole, const cev_experiment *x, bool *acts)
{
    const cev_factor_rule *rule = &s->edits->rule[f];
    bool listed[CEV_MAX_EXPERIMENTS] = {false};
    if (rule->experiments.id) CEV_TRY(list_experiments(s, x, rule, listed));
    for (size_t k = 0; k < rule->n_path + rule->n_follow; k++) CEV_TRY(place_path(s, f, k, whole, x, listed, acts));
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
    }
    for (size_t e = 0; e < s->n_experiment; e++) CEV_TRY(check_all_apart(s, e, whole[e], experiment[e].name));
    for (size_t f = 0; f < s->n_factor; f++) CEV_TRY(cev_factor_words(s, f, whole, experiment, &factor[f].words));
    s->factor = factor;
    return CEV_OK;
}

void cev_forget_nodes(cev_study_config *s)
{
    cev_factor_rule *rule = s->edits->rule;
    for (size_t f = 0; f < s->n_factor; f++) {
        rule[f].node = rule[f].path_node = rule[f].follow_node = rule[f].experiments = (cev_node){0};
        rule[f].where = NULL;
    }
}

/* --- changed experiments ---------------------------------------------------------------------------------------- */

cev_status cev_factor_places(const cev_factor_rule *rule, size_t first, size_t end, cev_node whole, cev_search *search)
{
    for (size_t k = first; k < end; k++) {
        const rule_path path = path_of(rule, k);
        CEV_TRY(find_places(&path, whole, search));
    }
    return CEV_OK;
}

static cev_status change_places(const cev_search *search, bool multiply, double x, cev_node where, cev_node *node)
{
    for (size_t k = 0; k < search->n; k++)
        CEV_TRY(cev_change_place(*node, &experiment_key, &search->place[k], multiply, x, where, node));
    return CEV_OK;
}

static cev_status apply(const cev_study_config *s, size_t f, size_t setting, cev_arena *arena, cev_node *node)
{
    const cev_factor_rule *rule = &s->edits->rule[f];
    double x = cev_study_factor_value(s, setting, f);
    size_t value = 0;
    while (s->factor[f].value[value] != x) value++;
    cev_node where = rule->where ? rule->where[value] : (cev_node){0};
    cev_search own = {.arena = arena}, followers = {.arena = arena};
    CEV_TRY(cev_factor_places(rule, 0, rule->n_path, *node, &own));
    CEV_TRY(cev_factor_places(rule, rule->n_path, rule->n_path + rule->n_follow, *node, &followers));
    if (followers.n && own.n) {
        double before = cev_number_at(*node, &experiment_key, &own.place[0]);
        CEV_TRY(change_places(&followers, true, x / before, where, node));
    }
    return change_places(&own, rule->multiply, x, where, node);
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
    static const char *const keys[][2] = {{"target", "mass_kg"},
                                          {"source", "years"},
                                          {"source", "live_years"},
                                          {"source", "protons_per_year"},
                                          {"source", "protons_on_target"}};
    const char *last = place->step[place->n - 1].key;
    for (size_t k = 0; k < CEV_LENGTH(keys); k++)
        if (cev_place_is(place, 2, keys[k])) return true;
    return last && (!strcmp(last, "live_days") || !strcmp(last, "duty_factor"));
}

static cev_status check_rule(const cev_study_config *s, size_t f, size_t e, cev_node whole, bool observed)
{
    const cev_factor_rule *rule = &s->edits->rule[f];
    cev_search search = {.arena = s->arena};
    CEV_TRY(cev_factor_places(rule, 0, rule->n_path + rule->n_follow, whole, &search));
    for (size_t k = 0; k < search.n; k++) {
        char *place;
        if (!changes_exposure(&search.place[k])) continue;
        CEV_TRY(cev_place_words(s->arena, &search.place[k], &place));
        return cev_node_fail(rule->node,
                             observed ? "factor \"%s\": %s of %s: observed data have the exposure that they have"
                                      : "factor \"%s\": %s of %s: its uncertainties belong to the exposure that it "
                                        "has; it takes no other",
                             s->factor[f].name, place, s->experiment[e]->name);
    }
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

/* --- what bears on numbers -------------------------------------------------------------------------------------- */

/* A place as nothing else is written, ["pulls",0,"sigma"]: names may have dots and brackets, and be of any length. */
static char *text_of_place(const cev_place *place)
{
    json_t *steps = json_array();
    bool complete = steps != NULL;
    for (size_t k = 0; complete && k < place->n; k++)
        complete = !json_array_append_new(steps, place->step[k].key ? json_string(place->step[k].key)
                                                                    : json_integer((json_int_t)place->step[k].index));
    char *text = complete ? json_dumps(steps, JSON_COMPACT) : NULL;
    json_decref(steps);
    return text;
}

static bool put_place(const cev_place *place, json_t *to)
{
    char *text = text_of_place(place);
    bool put = text && !json_object_set_new(to, text, json_true());
    free(text);
    return put;
}

/* {EXPERIMENT: {PLACE: true}}, of the rule's paths from `first` on, before `end`. */
static bool put_places(const cev_study_config *s, size_t f, size_t first, size_t end, const cev_node *whole, json_t *to)
{
    for (size_t e = 0; e < s->n_experiment; e++) {
        cev_search search = {.arena = s->arena};
        if (!s->edits->rule[f].acts[e]) continue;
        if (cev_factor_places(&s->edits->rule[f], first, end, whole[e], &search) != CEV_OK) return false;
        json_t *places = json_object();
        if (json_object_set_new(to, s->experiment[e]->name, places)) return false;
        for (size_t k = 0; k < search.n; k++)
            if (!put_place(&search.place[k], places)) return false;
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
        json_t *values = json_array(), *places = json_object(), *followers = json_object();
        for (size_t k = 0; k < s->factor[f].n; k++) json_array_append_new(values, json_real(s->factor[f].value[k]));
        *needed |= !rule->exposure;
        complete = put_places(s, f, 0, rule->n_path, whole, places) &&
                   put_places(s, f, rule->n_path, rule->n_path + rule->n_follow, whole, followers) &&
                   !json_array_append_new(list, json_pack("{s:s, s:O, s:O}", "name", s->factor[f].name,
                                                          rule->multiply ? "times" : "values", values, "of", places));
        if (complete && rule->n_follow)
            complete = !json_object_set(json_array_get(list, f), "in_proportion", followers);
        json_decref(values);
        json_decref(places);
        json_decref(followers);
    }
    if (complete) return list;
    json_decref(list);
    return NULL;
}
