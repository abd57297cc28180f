/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan that one map of a study is, spelled out as a scan file of its own. */
#include <stdlib.h>
#include <string.h>

#include "cevscan/study.h"
#include "resolve.h"
#include "scan_correlations.h"
#include "study_factors.h"

static cev_status choose_experiments(const cev_study_config *s, const cev_study_map *map, cev_scan_config *scan)
{
    const cev_study_set *set = &s->set[map->set];
    const cev_experiment **list;
    bool *observed;
    size_t n_observed = 0;
    CEV_TRY(cev_new(scan->arena, set->n_experiment, &list));
    CEV_TRY(cev_new(scan->arena, set->n_experiment, &observed));
    for (size_t e = 0; e < set->n_experiment; e++) {
        list[e] = s->experiment[map->setting * s->n_experiment + set->experiment[e]];
        observed[e] = s->space[map->space].scan->observed[set->experiment[e]];
        n_observed += observed[e];
    }
    scan->n_experiment = set->n_experiment;
    scan->experiment = list;
    scan->n_further = 0;
    scan->observed = observed;
    scan->data = n_observed == 0                   ? CEV_DATA_ASIMOV
                 : n_observed == set->n_experiment ? CEV_DATA_OBSERVED
                                                   : CEV_DATA_MIXED;
    return cev_gather_pulls(scan, (cev_node){0});
}

/* An experiment as it is read, changed by the factors of a setting. */
typedef struct changing {
    const cev_study_config *study;
    size_t setting, experiment;
    json_t *out;
} changing;

static cev_status change_experiment(cev_node root, const char *file, void *context)
{
    static const cev_key key = {.name = "experiments", .type = CEV_KEY_NODE, .of = &cev_experiment_table};
    changing *c = context;
    bool changed;
    (void)file;
    CEV_TRY(cev_experiment_in_setting(c->study, c->setting, c->experiment, root, &changed, &root));
    return cev_node_json(root, &key, &c->out);
}

static bool is_changed(const cev_study_config *s, size_t experiment)
{
    bool changed = false;
    for (size_t f = 0; f < s->n_factor; f++) changed |= s->edits->rule[f].acts[experiment];
    return changed;
}

static cev_status experiment_json(const cev_study_config *s, size_t setting, size_t experiment, json_t **out)
{
    json_t *plain = json_array_get(json_object_get(s->json, "experiments"), experiment);
    changing c = {.study = s, .setting = setting, .experiment = experiment};
    if (!is_changed(s, experiment)) {
        *out = json_incref(plain);
        return CEV_OK;
    }
    char *text = json_dumps(plain, 0);
    if (!text) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_yaml_with_text(text, "experiment", change_experiment, &c);
    free(text);
    *out = c.out;
    return status;
}

static cev_status experiments_json(const cev_study_config *s, const cev_study_map *map, json_t *list)
{
    const cev_study_set *set = &s->set[map->set];
    for (size_t e = 0; e < set->n_experiment; e++) {
        json_t *own = NULL;
        CEV_TRY(experiment_json(s, map->setting, set->experiment[e], &own));
        if (json_array_append_new(list, own)) return cev_fail(CEV_E_MEMORY, "out of memory");
    }
    return CEV_OK;
}

static bool has_pull(const json_t *experiments, const char *name)
{
    size_t e, p;
    json_t *experiment, *pull;
    json_array_foreach ((json_t *)(uintptr_t)experiments, e, experiment)
        json_array_foreach (json_object_get(experiment, "pulls"), p, pull)
            if (!strcmp(json_string_value(json_object_get(pull, "name")), name)) return true;
    return false;
}

/* Of the study's list, what this set has. */
static void put_without_pulls(const cev_study_config *s, json_t *scan)
{
    size_t k;
    json_t *name, *list = json_array();
    json_array_foreach (json_object_get(s->json, "without_pulls"), k, name)
        if (json_is_string(name) && has_pull(json_object_get(scan, "experiments"), json_string_value(name)))
            json_array_append(list, name);
    if (json_array_size(list)) json_object_set(scan, "without_pulls", list);
    json_decref(list);
}

static void put_correlations(const cev_study_config *s, json_t *scan)
{
    json_t *list = cev_correlations_among(json_object_get(s->json, "correlations"), has_pull,
                                          json_object_get(scan, "experiments"));
    if (list) json_object_set_new(scan, "correlations", list);
}

/* Without bounds of pulls that this set does not have. */
static json_t *parameters_json(const cev_study_space *space, const json_t *experiments)
{
    json_t *list = json_array(), *item;
    size_t k;
    json_array_foreach (space->parameters, k, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        bool in_roster = !name || cev_roster_index(&space->scan->roster, name) < cev_roster_n(&space->scan->roster);
        if (in_roster || has_pull(experiments, name)) json_array_append(list, item);
    }
    return list;
}

/* A list of observed experiments shrinks to those of the scan. */
static void put_data(const cev_study_config *s, const cev_scan_config *scan, json_t *json)
{
    json_t *data = json_object_get(s->json, "data"), *copy, *names;
    if (!data) return;
    copy = json_deep_copy(data);
    if (json_object_get(copy, "observed")) {
        json_object_set_new(copy, "observed", names = json_array());
        for (size_t e = 0; e < scan->n_experiment; e++)
            if (scan->observed[e]) json_array_append_new(names, json_string(scan->experiment[e]->name));
    }
    json_object_set_new(json, "data", copy);
}

static json_t *scan_json(const cev_study_config *s, const cev_study_map *map, const cev_scan_config *scan,
                         json_t *experiments)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:O, s:o}", "scan", scan->name, "title", scan->title, "interaction",
                             scan->interaction->card.name, "experiments", experiments, "parameters",
                             parameters_json(&s->space[map->space], experiments));
    if (!json) return NULL;
    put_without_pulls(s, json);
    put_correlations(s, json);
    put_data(s, scan, json);
    if (s->store_pulls) json_object_set_new(json, "store_pulls", json_true());
    if (scan->store_profiled) json_object_set_new(json, "store_profiled", json_true());
    json_t *tile = json_array();
    for (size_t a = 0; a < scan->grid.n_axis; a++)
        json_array_append_new(tile, json_integer((json_int_t)scan->grid.tile_side[a]));
    json_object_set_new(json, "tile", tile);
    if (s->exposure[map->setting] != 1)
        json_object_set_new(json, "exposure_factor", json_real(s->exposure[map->setting]));
    return json;
}

static cev_status spell_out(const cev_study_config *s, const cev_study_map *map, cev_scan_config *scan)
{
    char *title, *setting;
    CEV_TRY(choose_experiments(s, map, scan));
    CEV_TRY(cev_setting_title(s, scan->arena, map->setting, &setting));
    CEV_TRY(cev_arena_print(scan->arena, &title, "%s%s", s->set[map->set].title, setting));
    scan->name = map->name;
    scan->title = title;
    json_t *experiments = json_array(), *json = NULL;
    cev_status status = experiments_json(s, map, experiments);
    if (status == CEV_OK) json = scan_json(s, map, scan, experiments);
    if (status == CEV_OK) status = json ? cev_seal_scan(scan, json) : cev_fail(CEV_E_MEMORY, "out of memory");
    json_decref(experiments);
    json_decref(json);
    return status;
}

cev_status cev_study_scan(const cev_study_config *study, size_t map, cev_scan_config **out)
{
    const cev_study_map *m = &study->map[map];
    cev_arena *arena;
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_arena_create(&arena);
    if (status == CEV_OK) {
        **out = *study->space[m->space].scan;
        (*out)->arena = arena;
        if (study->is_scan) return CEV_OK;
        (*out)->n_pull = 0;
        status = spell_out(study, m, *out);
    }
    if (status != CEV_OK) cev_scan_config_destroy(out);
    return status;
}
