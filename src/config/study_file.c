/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Study files. configs/studies/ess_all.yaml shows every key. */
#include "cevscan/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "scan_parts.h"
#include "study_sets.h"

typedef struct study_keys {
    const char *study, *title;
    cev_node interaction, experiments, sets, without_pulls, parameters, planes, profiles, data;
    cev_reals exposure_factors;
} study_keys;

static const cev_key study_table[] = {
    CEV_KEY(study_keys, study, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(study_keys, title, .type = CEV_KEY_TEXT),
    CEV_KEY(study_keys, interaction, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(study_keys, experiments, .type = CEV_KEY_NODE),
    CEV_KEY(study_keys, sets, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(study_keys, without_pulls, .type = CEV_KEY_NODE),
    CEV_KEY(study_keys, parameters, .type = CEV_KEY_NODE),
    CEV_KEY(study_keys, planes, .type = CEV_KEY_NODE),
    CEV_KEY(study_keys, profiles, .type = CEV_KEY_NODE),
    CEV_KEY(study_keys, data, .type = CEV_KEY_NODE),
    CEV_KEY(study_keys, exposure_factors, .type = CEV_KEY_REALS, .minimum = 1e-6, .maximum = 1e6),
};

typedef struct reading {
    cev_study_config *study;
    const study_keys *keys;
    cev_scan_config base; /* what all scans have in common */
    cev_study_space *space;
} reading;

/* --- experiments ------------------------------------------------------------------------------------------------ */

/* Copies of the experiments for each exposure: mass and backgrounds grow with it. */
static cev_status scale_exposures(cev_study_config *s, const cev_experiment *plain)
{
    cev_experiment *copy;
    const cev_experiment **list;
    CEV_TRY(cev_new(s->arena, s->n_exposure * s->n_experiment, &copy));
    CEV_TRY(cev_new(s->arena, s->n_exposure * s->n_experiment, &list));
    for (size_t k = 0; k < s->n_exposure * s->n_experiment; k++) {
        copy[k] = plain[k % s->n_experiment];
        list[k] = &copy[k];
        CEV_TRY(cev_scale_exposure(s->arena, s->exposure_factor[k / s->n_experiment], &copy[k]));
    }
    s->experiment = list;
    return CEV_OK;
}

static cev_status read_exposures(reading *r)
{
    static const double as_it_is[] = {1};
    const cev_reals *list = &r->keys->exposure_factors;
    r->study->n_exposure = list->node.id ? list->n : 1;
    r->study->exposure_factor = list->node.id ? list->value : as_it_is;
    if (r->study->n_exposure == 0)
        return cev_node_fail(list->node, "key \"exposure_factors\": expected a list of numbers");
    for (size_t k = 0; k < r->study->n_exposure; k++)
        for (size_t j = 0; j < k; j++)
            if (r->study->exposure_factor[j] == r->study->exposure_factor[k])
                return cev_node_fail(cev_node_item(list->node, k),
                                     "the same map twice: exposure factor %g is given twice", list->value[k]);
    return CEV_OK;
}

static cev_status read_experiments(reading *r, const cev_set_list *sets, const char *file)
{
    cev_study_config *s = r->study;
    cev_experiment *experiment;
    json_t *list = json_array();
    if (json_object_set_new(s->json, "experiments", list)) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_reading scan = {.config = &r->base, .file = file};
    s->n_experiment = sets->n_experiment;
    CEV_TRY(cev_new(s->arena, s->n_experiment, &experiment));
    for (size_t e = 0; e < s->n_experiment; e++) {
        CEV_TRY(cev_read_experiment(&scan, sets->experiment[e], &experiment[e], list));
        for (size_t k = 0; k < e; k++)
            CEV_TRY(cev_check_shared_pulls(sets->experiment[e], &experiment[e], &experiment[k]));
    }
    CEV_TRY(cev_drop_pulls(s->arena, r->keys->without_pulls, s->n_experiment, experiment));
    CEV_TRY(read_exposures(r));
    CEV_TRY(scale_exposures(s, experiment));
    r->base.n_experiment = s->n_experiment;
    r->base.experiment = s->experiment;
    return cev_follow_sources(&r->base, r->keys->interaction);
}

/* --- spaces ----------------------------------------------------------------------------------------------------- */

/* The parameters of a space as nodes: those that the study fixes, and its own. */
static cev_status gather_parameters(const reading *r, cev_node own, size_t *n, cev_node **out)
{
    cev_node fixed = r->keys->parameters;
    size_t n_fixed = cev_node_length(fixed), n_own = cev_node_is_mapping(own) ? 1 : cev_node_length(own);
    if (fixed.id && !cev_node_is_sequence(fixed)) return cev_node_fail(fixed, "key \"parameters\": expected a list");
    CEV_TRY(cev_new(r->study->arena, n_fixed + n_own, out));
    for (size_t k = 0; k < n_fixed; k++) (*out)[k] = cev_node_item(fixed, k);
    for (size_t k = 0; k < n_own; k++) (*out)[n_fixed + k] = cev_node_is_mapping(own) ? own : cev_node_item(own, k);
    *n = n_fixed + n_own;
    return CEV_OK;
}

static cev_status name_space(const reading *r, const cev_scan_config *scan, const char **out)
{
    char *name;
    *out = "";
    for (size_t a = 0; a < scan->grid.n_axis; a++) {
        CEV_TRY(cev_arena_print(r->study->arena, &name, "%s%s%s", *out, a ? "," : "", scan->grid.axis[a].name));
        *out = name;
    }
    return CEV_OK;
}

static cev_status read_space(reading *r, cev_node node, size_t n_axis)
{
    cev_study_space *space = &r->space[r->study->n_space++];
    cev_scan_config *scan;
    size_t n = 0;
    cev_node *parameter = NULL;
    json_t *json;
    CEV_TRY(cev_new(r->study->arena, 1, &scan));
    *scan = r->base;
    space->scan = scan;
    space->parameters = json_array();
    CEV_TRY(gather_parameters(r, node, &n, &parameter));
    CEV_TRY(cev_read_parameter_list(scan, n, parameter));
    if (scan->member_parameter)
        return cev_node_fail(node, "key \"each_of\" has no place in a study: list the parameters under \"profiles\"");
    if (scan->grid.n_axis != n_axis)
        return cev_node_fail(node,
                             n_axis == 1 ? "key \"profiles\": expected one scanned parameter, found %zu"
                                         : "key \"planes\": expected two scanned parameters, found %zu",
                             scan->grid.n_axis);
    CEV_TRY(cev_read_scan_data(scan, r->keys->data));
    CEV_TRY(cev_lay_scan_tiles(scan, node, (cev_node){0}));
    for (size_t k = 0; k < n; k++) {
        CEV_TRY(cev_node_json(parameter[k], &json));
        if (json_array_append_new(space->parameters, json)) return cev_fail(CEV_E_MEMORY, "out of memory");
    }
    CEV_TRY(name_space(r, scan, &space->name));
    for (size_t k = 0; k + 1 < r->study->n_space; k++)
        if (!strcmp(r->space[k].name, space->name))
            return cev_node_fail(node, "the same map twice: \"%s\" is scanned already", space->name);
    return CEV_OK;
}

static cev_status read_spaces(reading *r)
{
    cev_node planes = r->keys->planes, profiles = r->keys->profiles;
    if (planes.id && !cev_node_is_sequence(planes))
        return cev_node_fail(planes, "key \"planes\": expected a list of pairs of parameters");
    if (profiles.id && !cev_node_is_sequence(profiles))
        return cev_node_fail(profiles, "key \"profiles\": expected a list of parameters");
    CEV_TRY(cev_new(r->study->arena, cev_node_length(planes) + cev_node_length(profiles), &r->space));
    r->study->space = r->space;
    for (size_t k = 0; k < cev_node_length(planes); k++) {
        cev_node item = cev_node_item(planes, k);
        if (!cev_node_is_sequence(item))
            return cev_node_fail(item, "key \"planes\": expected a list of two parameters");
        CEV_TRY(read_space(r, item, 2));
    }
    for (size_t k = 0; k < cev_node_length(profiles); k++) {
        cev_node item = cev_node_item(profiles, k);
        if (!cev_node_is_mapping(item))
            return cev_node_fail(item, "key \"profiles\": expected a parameter with its range");
        CEV_TRY(read_space(r, item, 1));
    }
    return CEV_OK;
}

/* --- the product ------------------------------------------------------------------------------------------------ */

/* Before anything takes memory in proportion. */
static cev_status check_number(const study_keys *keys, cev_node root, double n_set)
{
    double n_exposure = keys->exposure_factors.node.id ? (double)keys->exposure_factors.n : 1;
    double n_space = (double)(cev_node_length(keys->planes) + cev_node_length(keys->profiles)),
           n = n_set * n_exposure * n_space;
    if (n == 0)
        return cev_node_fail(root,
                             "an empty study: %.0f sets of experiments x %.0f planes and profiles; give \"sets\" and "
                             "\"planes\" or "
                             "\"profiles\"",
                             n_set, n_space);
    if (n <= CEV_MAX_MAPS) return CEV_OK;
    return cev_node_fail(root,
                         "%.0f maps (%.0f sets x %.0f exposures x %.0f planes and profiles); at most %d are possible",
                         n, n_set, n_exposure, n_space, CEV_MAX_MAPS);
}

static cev_status list_maps(cev_study_config *s)
{
    cev_study_map *map;
    s->n_map = s->n_space * s->n_exposure * s->n_set;
    CEV_TRY(cev_new(s->arena, s->n_map, &map));
    for (size_t m = 0; m < s->n_map; m++) {
        char *name, factor[32] = "";
        map[m].set = m % s->n_set;
        map[m].exposure = m / s->n_set % s->n_exposure;
        map[m].space = m / s->n_set / s->n_exposure;
        double x = s->exposure_factor[map[m].exposure];
        if (x != 1) snprintf(factor, sizeof factor, "@%.15g", x);
        CEV_TRY(
            cev_arena_print(s->arena, &name, "%s/%s%s", s->space[map[m].space].name, s->set[map[m].set].name, factor));
        map[m].name = name;
    }
    s->map = map;
    return CEV_OK;
}

static cev_status check_data(const reading *r)
{
    for (size_t k = 0; k < r->study->n_exposure; k++)
        if (r->study->exposure_factor[k] != 1 && r->study->space[0].scan->data != CEV_DATA_ASIMOV)
            return cev_node_fail(r->keys->exposure_factors.node,
                                 "key \"exposure_factors\": observed data have the exposure that they have");
    return CEV_OK;
}

/* The sets become lists of names: what a name stood for beside the file is in "experiments" now. */
static cev_status seal(cev_study_config *s)
{
    json_t *sets = json_array();
    for (size_t k = 0; k < s->n_set; k++) {
        json_t *names = json_array();
        for (size_t e = 0; e < s->set[k].n_experiment; e++)
            json_array_append_new(names, json_string(s->experiment[s->set[k].experiment[e]]->name));
        json_array_append_new(sets, json_pack("{s:s, s:o}", "name", s->set[k].name, "experiments", names));
    }
    if (json_object_set_new(s->json, "sets", sets)) return cev_fail(CEV_E_MEMORY, "out of memory");
    return cev_json_seal(s->arena, s->json, &s->resolved, &s->identity);
}

static cev_status read_study(cev_study_config *s, cev_node root, const char *file)
{
    study_keys keys = {0};
    reading r = {.study = s, .keys = &keys};
    cev_set_list sets = {.arena = s->arena};
    double n_set;
    if (cev_node_find(root, "scan").id && !cev_node_find(root, "study").id)
        return cev_node_fail(root, "this is a scan, not a study: see `cevscan run`");
    CEV_TRY(cev_node_read(s->arena, root, "study", study_table, CEV_LENGTH(study_table), &keys));
    CEV_TRY(cev_count_sets(keys.sets, &n_set));
    CEV_TRY(check_number(&keys, root, n_set));
    CEV_TRY(cev_node_json(root, &s->json));
    CEV_TRY(cev_arena_keep_text(s->arena, keys.study, &s->name));
    CEV_TRY(cev_arena_keep_text(s->arena, keys.title ? keys.title : keys.study, &s->title));
    r.base = (cev_scan_config){.arena = s->arena, .name = s->name, .title = s->title};
    CEV_TRY(cev_read_interaction(&r.base, keys.interaction));
    CEV_TRY(cev_list_set_experiments(&sets, keys.experiments, keys.sets));
    CEV_TRY(read_experiments(&r, &sets, file));
    CEV_TRY(cev_read_sets(&sets, (size_t)n_set, s));
    CEV_TRY(read_spaces(&r));
    CEV_TRY(check_data(&r));
    CEV_TRY(list_maps(s));
    return seal(s);
}

static cev_status build(cev_node root, const char *file, void *context)
{
    cev_study_config **out = context;
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_arena_create(&(*out)->arena);
    if (status == CEV_OK) status = read_study(*out, root, file);
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
    cev_arena_destroy(&(*study)->arena);
    free(*study);
    *study = NULL;
}

static cev_status look_for_study(cev_node root, const char *file, void *context)
{
    (void)file;
    *(bool *)context = cev_node_is_mapping(root) && cev_node_find(root, "study").id;
    return CEV_OK;
}

cev_status cev_is_study_file(const char *path, bool *out)
{
    return cev_yaml_with_file(path, look_for_study, out);
}
