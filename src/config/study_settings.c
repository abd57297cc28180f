/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The experiments of a study in all of its settings. */
#include <stdio.h>
#include <string.h>

#include "experiment_parts.h"
#include "scan_parts.h"
#include "study_factors.h"

/* Says which setting it was in which an experiment was refused. */
static cev_status fail_in_setting(const cev_study_config *s, size_t setting, const char *experiment, cev_status status)
{
    char message[2048], *name;
    if (status != CEV_E_INPUT) return status;
    snprintf(message, sizeof message, "%s", cev_error_message());
    CEV_TRY(cev_setting_name(s, s->arena, setting, &name));
    return cev_fail(status, "%s (experiment \"%s\" with %s%s)", message, experiment,
                    strchr(name, '=') ? "" : "exposure=", *name ? name : "1");
}

/* The factor that a message about an experiment comes from, which could be told to leave that out. */
static size_t factor_to_blame(const cev_study_config *s, size_t e, const char *message)
{
    size_t found = s->n_factor, n = 0;
    for (size_t f = 0; f < s->n_factor; f++) {
        const cev_factor_rule *rule = &s->edits->rule[f];
        if (!rule->acts[e]) continue;
        for (size_t k = 0; rule->where && k < s->factor[f].n; k++)
            if (cev_node_place_in(rule->where[k], message)) return rule->experiments.id ? s->n_factor : f;
        n++;
        found = f;
    }
    return n == 1 && !s->edits->rule[found].experiments.id ? found : s->n_factor;
}

/* Of an experiment in which a factor can change nothing: the others, for the factor's key "experiments". */
static cev_status say_experiments(const cev_study_config *s, size_t e, cev_status status)
{
    char message[2048], *names;
    const char *between = "";
    snprintf(message, sizeof message, "%s", cev_error_message());
    size_t f = status == CEV_E_INPUT && strstr(message, "changes nothing") ? factor_to_blame(s, e, message)
                                                                           : s->n_factor;
    if (f == s->n_factor) return status;
    CEV_TRY(cev_arena_copy_text(s->arena, "", &names));
    for (size_t k = 0; k < s->n_experiment; k++) {
        if (k == e || !s->edits->rule[f].acts[k]) continue;
        CEV_TRY(cev_arena_print(s->arena, &names, "%s%s%s", names, between, s->experiment[k]->name));
        between = ", ";
    }
    if (!*names) return cev_fail(status, "%s", message);
    return cev_fail(status, "%s; factor \"%s\" leaves it out if it has the key experiments: [%s]", message,
                    s->factor[f].name, names);
}

static cev_status check_same_interaction(const cev_experiment *one, const cev_experiment *x)
{
    if (cev_source_feels_matter(&one->source) == cev_source_feels_matter(&x->source)) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "a factor cannot change \"nsi_in_propagation\": other parameters would be slow");
}

/* At the place of the factor. */
static cev_status scale(const cev_study_config *s, size_t setting, cev_experiment *x)
{
    size_t f = 0;
    cev_status status = cev_scale_exposure(s->arena, s->exposure[setting], x);
    while (f < s->n_factor && !s->edits->rule[f].exposure) f++;
    return status == CEV_E_INPUT && f < s->n_factor ? cev_node_fail(s->edits->rule[f].node, "%s", cev_error_message())
                                                    : status;
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
    return scale(s, setting, out);
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
        if (status != CEV_OK && s->n_factor)
            return say_experiments(s, e, fail_in_setting(s, setting, plain[e]->name, status));
        CEV_TRY(status);
        list[k] = own;
    }
    s->experiment = list;
    for (size_t k = 0; k < s->n_setting; k++) CEV_TRY(check_pulls(s, k, together, named));
    return CEV_OK;
}
