/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Study files. configs/studies/ess_all.yaml shows every key. */
#include "cevscan/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "scan_correlations.h"
#include "study_factors.h"
#include "study_sets.h"
#include "study_spaces.h"

static const cev_key study_key[] = {
    CEV_KEY(cev_study_keys, study, .type = CEV_KEY_TITLE, .required = true),
    CEV_KEY(cev_study_keys, title, .type = CEV_KEY_TITLE),
    CEV_KEY(cev_study_keys, interaction, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .required = true),
    CEV_KEY(cev_study_keys, experiments, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .of = &cev_experiment_table),
    CEV_KEY(cev_study_keys, sets, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .of = &cev_set_table,
            .required = true),
    CEV_KEY(cev_study_keys, without_pulls, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(cev_study_keys, parameters, .type = CEV_KEY_NODE, .of = &cev_parameter_table),
    CEV_KEY(cev_study_keys, correlations, .type = CEV_KEY_NODE, .of = &cev_correlation_table),
    CEV_KEY(cev_study_keys, planes, .type = CEV_KEY_NODE, .of = &cev_parameter_table),
    CEV_KEY(cev_study_keys, profiles, .type = CEV_KEY_NODE, .of = &cev_parameter_table),
    CEV_KEY(cev_study_keys, data, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .of = &cev_data_table,
            .otherwise = "asimov"),
    CEV_KEY(cev_study_keys, exposure_factors, .type = CEV_KEY_REALS, .minimum = 1e-6, .maximum = 1e6),
    CEV_KEY(cev_study_keys, factors, .type = CEV_KEY_NODE, .of = &cev_factor_table),
    CEV_KEY(cev_study_keys, store_pulls, .type = CEV_KEY_FLAG, .otherwise = "false"),
    CEV_KEY(cev_study_keys, store_profiled, .type = CEV_KEY_FLAG),
    CEV_KEY(cev_study_keys, tile, .type = CEV_KEY_NODE, .scalars = CEV_KEY_COUNT),
};

static const cev_table study_table = CEV_TABLE("study", study_key);
static const cev_key whole_key = {.name = "study", .type = CEV_KEY_NODE, .of = &study_table};

/* --- experiments ------------------------------------------------------------------------------------------------ */

/* As their files have them, with what is known of them by name. */
static cev_status read_experiments(cev_study_reading *r, const cev_set_list *sets, const char *file)
{
    cev_study_config *s = r->study;
    cev_experiment *experiment;
    const cev_experiment **list;
    json_t *json = json_array();
    if (json_object_set_new(s->json, "experiments", json)) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_reading scan = {.config = &r->base, .file = file, .experiments = r->keys->experiments};
    s->n_experiment = sets->n_experiment;
    CEV_TRY(cev_new(s->arena, s->n_experiment, &experiment));
    CEV_TRY(cev_new(s->arena, s->n_experiment, &list));
    CEV_TRY(cev_new(s->arena, s->n_experiment, &r->whole));
    for (size_t e = 0; e < s->n_experiment; e++) {
        CEV_TRY(cev_read_experiment(&scan, sets->experiment[e], &experiment[e], &r->whole[e], json));
        for (size_t k = 0; k < e; k++)
            CEV_TRY(cev_check_different(sets->experiment[e], &experiment[e], &experiment[k]));
        list[e] = &experiment[e];
    }
    CEV_TRY(cev_drop_pulls(s->arena, r->keys->without_pulls, s->n_experiment, experiment));
    s->experiment = list;
    return cev_place_factors(s, r->whole, experiment);
}

/* In all settings; the sets are known. */
static cev_status make_settings(cev_study_reading *r, const cev_set_list *sets)
{
    cev_study_config *s = r->study;
    CEV_TRY(cev_make_settings(s, r->whole, sets->experiment, r->keys->without_pulls));
    r->base.n_experiment = s->n_experiment;
    r->base.experiment = s->experiment;
    r->base.n_further = s->n_setting - 1;
    return cev_follow_sources(&r->base, r->keys->interaction);
}

/* --- the product ------------------------------------------------------------------------------------------------ */

/* Before anything takes memory in proportion. */
static cev_status check_number(const cev_study_config *s, const cev_study_keys *keys, cev_node root, double n_set)
{
    double n_setting = (double)s->n_setting;
    double n_space = (double)(cev_node_length(keys->planes) + cev_node_length(keys->profiles)),
           n = n_set * n_setting * n_space;
    if (n == 0)
        return cev_node_fail(root,
                             "an empty study: %.0f sets of experiments x %.0f planes and profiles; give \"sets\" and "
                             "\"planes\" or "
                             "\"profiles\"",
                             n_set, n_space);
    if (n <= CEV_MAX_MAPS) return CEV_OK;
    return cev_node_fail(root,
                         "%.0f maps (%.0f sets x %.0f settings of exposures and factors x %.0f planes and profiles); "
                         "at most %d are possible",
                         n, n_set, n_setting, n_space, CEV_MAX_MAPS);
}

static cev_status list_maps(cev_study_config *s)
{
    cev_study_map *map;
    s->n_map = s->n_space * s->n_setting * s->n_set;
    CEV_TRY(cev_new(s->arena, s->n_map, &map));
    for (size_t m = 0; m < s->n_map; m++) {
        char *name, *setting;
        map[m].set = m % s->n_set;
        map[m].setting = m / s->n_set % s->n_setting;
        map[m].space = m / s->n_set / s->n_setting;
        CEV_TRY(cev_setting_name(s, s->arena, map[m].setting, &setting));
        CEV_TRY(cev_arena_print(s->arena, &name, "%s/%s%s%s", s->space[map[m].space].name, s->set[map[m].set].name,
                                *setting ? "@" : "", setting));
        map[m].name = name;
    }
    s->map = map;
    return CEV_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* An experiment called "x@2" would be taken for twice the exposure of "x". */
static cev_status check_names(const cev_study_config *s, cev_node root)
{
    const char **name;
    CEV_TRY(cev_new(s->arena, s->n_map, &name));
    for (size_t m = 0; m < s->n_map; m++) name[m] = s->map[m].name;
    qsort(name, s->n_map, sizeof *name, compare_names);
    for (size_t m = 1; m < s->n_map; m++)
        if (!strcmp(name[m], name[m - 1]))
            return cev_node_fail(root, "two maps would have the name \"%s\": give a set or an experiment another",
                                 name[m]);
    return CEV_OK;
}

/* The sets become lists of names: what a name stood for beside the file is in "experiments" now. A set that had no name
 * of its own gets none: it would become its title. */
static json_t *sets_json(const cev_study_config *s, bool all_names)
{
    json_t *sets = json_array();
    for (size_t k = 0; k < s->n_set; k++) {
        json_t *names = json_array();
        for (size_t e = 0; e < s->set[k].n_experiment; e++)
            json_array_append_new(names, json_string(s->experiment[s->set[k].experiment[e]]->name));
        bool named = all_names || !strcmp(s->set[k].name, s->set[k].title);
        json_array_append_new(sets,
                              json_pack("{s:s*, s:o}", "name", named ? s->set[k].name : NULL, "experiments", names));
    }
    return sets;
}

static json_t *exposures_json(const cev_study_config *s)
{
    json_t *list = json_array();
    size_t f = 0;
    while (f < s->n_factor && !s->edits->rule[f].exposure) f++;
    for (size_t k = 0; f < s->n_factor && k < s->factor[f].n; k++)
        json_array_append_new(list, json_real(s->factor[f].value[k]));
    if (f == s->n_factor) json_array_append_new(list, json_real(1));
    return list;
}

/* Planes, profiles and fixed parameters, as what they come to. */
static json_t *spaces_json(const cev_study_config *s)
{
    json_t *list = json_array();
    for (size_t k = 0; k < s->n_space; k++) {
        const cev_study_space *space = &s->space[k];
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:o, s:o}", "name", space->name, "parameters",
                                        cev_values_of_parameters(space->scan, space->parameters), "data",
                                        cev_values_of_data(space->scan), "tile", cev_values_of_tile(space->scan)));
    }
    return list;
}

static json_t *values_of_study(const cev_study_reading *r)
{
    static const char *const in_spaces[] = {"planes", "profiles", "parameters", "data", "tile", "factors"};
    const cev_study_config *s = r->study;
    bool needed;
    json_t *out = cev_json_values(s->json, &whole_key), *without = json_object_get(out, "without_pulls"),
           *factors = cev_values_of_factors(s, r->whole, &needed);
    for (size_t k = 0; k < CEV_LENGTH(in_spaces); k++) json_object_del(out, in_spaces[k]);
    int failed = cev_normalise_values(out, s->json) || json_object_set_new(out, "spaces", spaces_json(s)) ||
                 json_object_set_new(out, "sets", sets_json(s, true)) ||
                 json_object_set_new(out, "exposure_factors", exposures_json(s)) ||
                 (without && json_object_set_new(out, "without_pulls", cev_values_of_names(without)));
    failed |= !factors || (needed && json_object_set(out, "factors", factors));
    json_decref(factors);
    if (!failed && json_array_size(json_object_get(out, "spaces")) == s->n_space) return out;
    json_decref(out);
    return NULL;
}

static cev_status seal(const cev_study_reading *r)
{
    cev_study_config *s = r->study;
    if (json_object_set_new(s->json, "sets", sets_json(s, false))) return cev_fail(CEV_E_MEMORY, "out of memory");
    s->values = values_of_study(r);
    s->prose = cev_json_prose(s->json, &whole_key);
    if (!s->values) return cev_fail(CEV_E_MEMORY, "out of memory");
    CEV_TRY(cev_json_text(s->arena, s->json, &s->resolved));
    return cev_json_identity(s->values, &s->identity);
}

/* A scan that begins like a study. */
static cev_status check_kind(cev_node root)
{
    cev_node factor = cev_node_place(root, "exposure_factor") < cev_node_length(root)
                          ? cev_node_key(root, cev_node_place(root, "exposure_factor"))
                          : (cev_node){0};
    bool scans = cev_node_find(root, "experiments").id && cev_node_find(root, "parameters").id &&
                 !cev_node_find(root, "sets").id && !cev_node_find(root, "planes").id &&
                 !cev_node_find(root, "profiles").id;
    if (scans)
        return cev_node_fail(root,
                             "study: it has none of the keys \"sets\", \"planes\" and \"profiles\"; a scan begins "
                             "with \"scan:\" in place of \"study:\"");
    if (factor.id)
        return cev_node_fail(factor, "key \"exposure_factor\" is one of scans, which begin with \"scan:\"; a study has "
                                     "\"exposure_factors\", a list");
    return CEV_OK;
}

static cev_status read_study(cev_study_config *s, cev_node root, const char *file)
{
    cev_study_keys keys = {0};
    cev_study_reading r = {.study = s, .root = root, .keys = &keys};
    cev_set_list sets = {.arena = s->arena};
    double n_set;
    CEV_TRY(check_kind(root));
    CEV_TRY(cev_node_read(s->arena, root, &study_table, &keys));
    CEV_TRY(cev_count_sets(keys.sets, &n_set));
    CEV_TRY(cev_read_factors(s, keys.factors, &keys.exposure_factors));
    CEV_TRY(check_number(s, &keys, root, n_set));
    CEV_TRY(cev_root_json(root, &whole_key, &s->json));
    CEV_TRY(cev_arena_keep_text(s->arena, keys.study, &s->name));
    CEV_TRY(cev_arena_keep_text(s->arena, keys.title ? keys.title : keys.study, &s->title));
    s->store_pulls = keys.store_pulls;
    s->store_profiled = keys.store_profiled;
    r.base = (cev_scan_config){.arena = s->arena, .name = s->name, .title = s->title};
    CEV_TRY(cev_read_interaction(&r.base, keys.interaction));
    CEV_TRY(cev_check_study_tile(keys.tile));
    CEV_TRY(cev_list_set_experiments(&sets, keys.experiments, keys.sets));
    CEV_TRY(read_experiments(&r, &sets, file));
    CEV_TRY(cev_read_sets(&sets, (size_t)n_set, s));
    CEV_TRY(cev_say_idle_sets(s));
    CEV_TRY(make_settings(&r, &sets));
    CEV_TRY(cev_bound_pulls(&r.base, keys.parameters));
    s->experiment = r.base.experiment;
    CEV_TRY(cev_read_correlations(&r.base, keys.correlations, keys.without_pulls));
    CEV_TRY(cev_check_study_correlations(&r));
    CEV_TRY(cev_read_spaces(&r));
    CEV_TRY(cev_check_exposures(s, r.whole, s->space[0].scan->observed));
    CEV_TRY(list_maps(s));
    CEV_TRY(check_names(s, root));
    CEV_TRY(seal(&r));
    cev_forget_nodes(s);
    return CEV_OK;
}

/* --- a scan, which is a study of one map ------------------------------------------------------------------------ */

static cev_status list_scan(cev_study_config *s, cev_scan_config *scan, const double *exposure_factor)
{
    cev_study_set *set;
    cev_study_space *space;
    cev_study_map *map;
    size_t *experiment;
    char *name = NULL;
    CEV_TRY(cev_new(s->arena, 1, &set));
    CEV_TRY(cev_new(s->arena, 1, &space));
    CEV_TRY(cev_new(s->arena, 1, &map));
    CEV_TRY(cev_new(s->arena, scan->n_experiment, &experiment));
    for (size_t e = 0; e < scan->n_experiment; e++) {
        experiment[e] = e;
        CEV_TRY(cev_arena_print(s->arena, &name, "%s%s%s", e ? name : "", e ? "+" : "", scan->experiment[e]->name));
    }
    *set = (cev_study_set){name, scan->title, scan->n_experiment, experiment};
    *map = (cev_study_map){.name = scan->name};
    json_t *parameters = json_object_get(s->json, "parameters");
    *space = (cev_study_space){.scan = scan,
                               .replaced = "",
                               .parameters = parameters ? json_incref(parameters) : json_array()};
    s->n_setting = s->n_set = s->n_space = s->n_map = 1;
    s->exposure = exposure_factor;
    s->set = set, s->space = space, s->map = map;
    return cev_name_space(s->arena, scan, &space->name);
}

static cev_status read_scan(cev_study_config *s, cev_node root, const char *file)
{
    cev_scan_config *scan;
    double *exposure_factor;
    CEV_TRY(cev_new(s->arena, 1, &scan));
    CEV_TRY(cev_new(s->arena, 1, &exposure_factor));
    scan->arena = s->arena;
    cev_reading r = {.config = scan, .file = file};
    cev_status status = cev_read_scan(&r, root, exposure_factor);
    s->json = r.resolved;
    if (status != CEV_OK) return status;
    s->values = cev_values_of_scan(scan, s->json);
    s->prose = cev_json_prose(s->json, &cev_scan_key);
    if (!s->values) return cev_fail(CEV_E_MEMORY, "out of memory");
    s->is_scan = true;
    s->name = scan->name;
    s->title = scan->title;
    s->store_pulls = scan->store_pulls;
    s->store_profiled = scan->store_profiled;
    s->n_experiment = scan->n_experiment;
    s->experiment = scan->experiment;
    s->resolved = scan->resolved;
    s->identity = scan->identity;
    return list_scan(s, scan, exposure_factor);
}

/* --- files ------------------------------------------------------------------------------------------------------ */

/* By the key that names it; without one, by what only a study has: a misspelt key is told in the right words. */
static bool is_study(cev_node root)
{
    static const char *const of_studies[] = {"sets", "planes", "profiles", "exposure_factors", "factors"};
    if (cev_node_find(root, "study").id) return true;
    for (size_t k = 0; k < CEV_LENGTH(of_studies); k++)
        if (cev_node_find(root, of_studies[k]).id) return !cev_node_find(root, "scan").id;
    return false;
}

static cev_status build(cev_node root, const char *file, void *context)
{
    cev_study_config **out = context;
    /* Whatever it is, it may be no file of ours: nothing of it is repeated. */
    if (!cev_node_is_mapping(root))
        return cev_node_fail(root, "neither a scan nor a study: expected a mapping of keys");
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_arena_create(&(*out)->arena);
    if (status == CEV_OK) status = (is_study(root) ? read_study : read_scan)(*out, root, file);
    if (status != CEV_OK) cev_study_config_destroy(out);
    return status;
}

cev_status cev_study_config_read(const char *path, cev_study_config **out)
{
    *out = NULL;
    return cev_yaml_with_file(path, build, out);
}

cev_status cev_study_config_parse(const char *text, const char *name, cev_study_config **out)
{
    *out = NULL;
    return cev_yaml_with_text(text, name, build, out);
}

void cev_study_config_destroy(cev_study_config **study)
{
    if (!study || !*study) return;
    for (size_t k = 0; k < (*study)->n_space; k++) json_decref((*study)->space[k].parameters);
    json_decref((*study)->json);
    json_decref((*study)->values);
    json_decref((*study)->prose);
    cev_arena_destroy(&(*study)->arena);
    free(*study);
    *study = NULL;
}
