/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan that one map of a study is, spelled out as a scan file of its own. */
#include <stdlib.h>
#include <string.h>

#include "cevscan/study.h"
#include "resolve.h"
#include "scan_parts.h"

static cev_status choose_experiments(const cev_study_config *s, const cev_study_map *map, cev_scan_config *scan)
{
    const cev_study_set *set = &s->set[map->set];
    const cev_experiment **list;
    bool *observed;
    size_t n_observed = 0;
    CEV_TRY(cev_new(scan->arena, set->n_experiment, &list));
    CEV_TRY(cev_new(scan->arena, set->n_experiment, &observed));
    for (size_t e = 0; e < set->n_experiment; e++) {
        list[e] = s->experiment[map->exposure * s->n_experiment + set->experiment[e]];
        observed[e] = s->space[map->space].scan->observed[set->experiment[e]];
        n_observed += observed[e];
    }
    scan->n_experiment = set->n_experiment;
    scan->experiment = list;
    scan->observed = observed;
    scan->data = n_observed == 0                   ? CEV_DATA_ASIMOV
                 : n_observed == set->n_experiment ? CEV_DATA_OBSERVED
                                                   : CEV_DATA_MIXED;
    return cev_gather_pulls(scan, (cev_node){0});
}

static json_t *experiments_json(const cev_study_config *s, const cev_study_set *set)
{
    json_t *list = json_array(), *all = json_object_get(s->json, "experiments");
    for (size_t e = 0; e < set->n_experiment; e++) json_array_append(list, json_array_get(all, set->experiment[e]));
    return list;
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

static json_t *scan_json(const cev_study_config *s, const cev_study_map *map, const cev_scan_config *scan)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:O}", "scan", scan->name, "title", scan->title, "interaction",
                             scan->interaction->card.name, "experiments", experiments_json(s, &s->set[map->set]),
                             "parameters", s->space[map->space].parameters);
    if (!json) return NULL;
    put_without_pulls(s, json);
    put_data(s, scan, json);
    if (s->store_pulls) json_object_set_new(json, "store_pulls", json_true());
    json_t *tile = json_array();
    for (size_t a = 0; a < scan->grid.n_axis; a++)
        json_array_append_new(tile, json_integer((json_int_t)scan->grid.tile_side[a]));
    json_object_set_new(json, "tile", tile);
    if (s->exposure_factor[map->exposure] != 1)
        json_object_set_new(json, "exposure_factor", json_real(s->exposure_factor[map->exposure]));
    return json;
}

static cev_status spell_out(const cev_study_config *s, const cev_study_map *map, cev_scan_config *scan)
{
    char *title;
    CEV_TRY(choose_experiments(s, map, scan));
    double factor = s->exposure_factor[map->exposure];
    CEV_TRY(cev_arena_print(scan->arena, &title, factor == 1 ? "%s" : "%s, %g times the exposure",
                            s->set[map->set].title, factor));
    scan->name = map->name;
    scan->title = title;
    json_t *json = scan_json(s, map, scan);
    if (!json) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_seal_scan(scan, json);
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
