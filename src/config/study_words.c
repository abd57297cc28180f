/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Factors in words. */
#include <stdio.h>
#include <string.h>

#include "experiment_parts.h"
#include "study_factors.h"

static const cev_key experiment_key = {.name = "experiments", .type = CEV_KEY_NODE, .of = &cev_experiment_table};

static bool is_among(const cev_search *search, const cev_place *place)
{
    for (size_t k = 0; k < search->n; k++)
        if (cev_same_place(&search->place[k], place)) return true;
    return false;
}

static bool has_years(const cev_search *search)
{
    static const char *const keys[][2] = {{"source", "years"}, {"source", "live_years"}};
    for (size_t k = 0; k < search->n; k++)
        if (cev_place_is(&search->place[k], 2, keys[0]) || cev_place_is(&search->place[k], 2, keys[1])) return true;
    return false;
}

static cev_status all_places(const cev_factor_rule *rule, cev_node whole, cev_search *search)
{
    return cev_factor_places(rule, 0, rule->n_path + rule->n_follow, whole, search);
}

enum { MOST_LISTED = 6 };

/* "; nothing changes in set ess_si" */
static cev_status add_idle_sets(const cev_study_config *s, size_t factor, const char **words)
{
    size_t n = 0;
    char *text;
    CEV_TRY(cev_arena_copy_text(s->arena, *words, &text));
    for (size_t k = 0; k < s->n_set; k++) {
        bool acts = s->edits->rule[factor].exposure;
        for (size_t e = 0; e < s->set[k].n_experiment; e++)
            acts |= s->edits->rule[factor].acts[s->set[k].experiment[e]];
        if (acts || n++ >= MOST_LISTED) continue;
        CEV_TRY(cev_arena_print(s->arena, &text, "%s%s%s", text, n == 1 ? "; nothing changes in set " : ", ",
                                s->set[k].name));
    }
    if (n > MOST_LISTED) CEV_TRY(cev_arena_print(s->arena, &text, "%s and %zu more", text, n - MOST_LISTED));
    *words = text;
    return CEV_OK;
}

cev_status cev_say_idle_sets(cev_study_config *s)
{
    cev_study_factor *factor;
    CEV_TRY(cev_new(s->arena, s->n_factor, &factor));
    for (size_t f = 0; f < s->n_factor; f++) {
        factor[f] = s->factor[f];
        CEV_TRY(add_idle_sets(s, f, &factor[f].words));
    }
    s->factor = factor;
    return CEV_OK;
}

/* Whether the source of an experiment is there for another time, but a background for the same as before. */
static cev_status leaves_live_days(const cev_study_config *s, size_t factor, size_t e, cev_node whole, bool *out)
{
    cev_search own = {.arena = s->arena}, any = {.arena = s->arena}, days = {.arena = s->arena};
    *out = false;
    if (!s->edits->rule[factor].acts[e]) return CEV_OK;
    CEV_TRY(all_places(&s->edits->rule[factor], whole, &own));
    if (!has_years(&own)) return CEV_OK;
    for (size_t f = 0; f < s->n_factor; f++)
        if (s->edits->rule[f].acts[e]) CEV_TRY(all_places(&s->edits->rule[f], whole, &any));
    CEV_TRY(cev_find_places(&days, s->edits->rule[factor].node, "backgrounds.*.live_days", whole, &experiment_key));
    for (size_t k = 0; k < days.n; k++) *out |= !is_among(&any, &days.place[k]);
    return CEV_OK;
}

static cev_status add(const cev_study_config *s, char **words, const char *between, const char *text)
{
    return cev_arena_print(s->arena, words, "%s%s%s", *words, between, text);
}

/* All of few; of many, the first and the last ones. */
static cev_status add_values(const cev_study_config *s, const cev_study_factor *factor, char **words)
{
    enum { MOST = 40, SHOWN = 3 };
    char number[32];
    for (size_t k = 0; k < factor->n; k++) {
        if (factor->n > MOST && k == SHOWN) {
            CEV_TRY(cev_arena_print(s->arena, words, "%s ... (%zu values)", *words, factor->n));
            k = factor->n - SHOWN;
        }
        snprintf(number, sizeof number, "%.15g", factor->value[k]);
        CEV_TRY(add(s, words, " ", number));
    }
    return CEV_OK;
}

static cev_status add_paths(const cev_study_config *s, const cev_factor_rule *rule, char **words)
{
    if (rule->exposure) return add(s, words, ": ", "times mass and backgrounds");
    for (size_t p = 0; p < rule->n_path; p++)
        CEV_TRY(add(s, words, p ? ", " : rule->multiply ? ": times " : ": ", rule->path[p]));
    for (size_t p = 0; p < rule->n_follow; p++) CEV_TRY(add(s, words, p ? ", " : ", in proportion ", rule->follow[p]));
    return CEV_OK;
}

cev_status cev_factor_words(const cev_study_config *s, size_t factor, const cev_node *whole, const cev_experiment *x,
                            const char **out)
{
    const cev_factor_rule *rule = &s->edits->rule[factor];
    char *words, *left;
    CEV_TRY(cev_arena_print(s->arena, &words, "%s", s->factor[factor].name));
    CEV_TRY(cev_arena_copy_text(s->arena, "", &left));
    CEV_TRY(add_values(s, &s->factor[factor], &words));
    CEV_TRY(add_paths(s, rule, &words));
    for (size_t e = 0, n = 0; e < s->n_experiment; e++) {
        bool leaves;
        if (rule->acts[e]) CEV_TRY(add(s, &words, n++ ? ", " : " of ", x[e].name));
        CEV_TRY(leaves_live_days(s, factor, e, whole[e], &leaves));
        if (leaves) CEV_TRY(add(s, &left, *left ? ", " : "; the backgrounds keep their live_days in ", x[e].name));
    }
    CEV_TRY(add(s, &words, "", left));
    *out = words;
    return CEV_OK;
}
