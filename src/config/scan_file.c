/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scan files. configs/reference.yaml documents every key. */
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "scan_correlations.h"

static cev_status read_exposure(cev_node node, double *factor)
{
    *factor = 1;
    return node.id ? cev_node_real(node, "exposure_factor", 1e-6, 1e6, factor) : CEV_OK;
}

static cev_status read_experiments(cev_reading *r, cev_node node, cev_node without_pulls, double exposure_factor)
{
    size_t n = cev_node_length(node);
    cev_experiment *experiment;
    const cev_experiment **list;
    if (!cev_node_is_sequence(node) || n == 0)
        return cev_node_fail(node, "key \"experiments\": expected a list of experiments");
    if (n > CEV_MAX_EXPERIMENTS) return cev_node_fail(node, "more than %d experiments", CEV_MAX_EXPERIMENTS);
    r->experiments = node;
    json_t *json = r->resolved = json_array(); /* until the whole is sealed */
    if (!json) return cev_fail(CEV_E_MEMORY, "out of memory");
    CEV_TRY(cev_new(r->config->arena, n, &experiment));
    CEV_TRY(cev_new(r->config->arena, n, &list));
    for (size_t e = 0; e < n; e++) {
        cev_node item = cev_node_item(node, e), whole;
        CEV_TRY(cev_read_experiment(r, item, &experiment[e], &whole, json));
        for (size_t k = 0; k < e; k++) {
            CEV_TRY(cev_check_different(item, &experiment[e], &experiment[k]));
            CEV_TRY(cev_check_shared_pulls(item, &experiment[e], &experiment[k]));
        }
        CEV_TRY(cev_scale_exposure(r->config->arena, exposure_factor, &experiment[e]));
        list[e] = &experiment[e];
    }
    CEV_TRY(cev_drop_pulls(r->config->arena, without_pulls, n, experiment));
    r->config->n_experiment = n;
    r->config->experiment = list;
    return cev_gather_pulls(r->config, node);
}

/* --- interaction ------------------------------------------------------------------------------------------------ */

cev_status cev_read_interaction(cev_scan_config *config, cev_node node)
{
    const char *names[16];
    for (size_t k = 0; k < cev_n_interactions; k++) {
        names[k] = cev_interactions[k]->card.name;
        if (!strcmp(names[k], cev_node_text(node))) config->interaction = cev_interactions[k];
    }
    if (!config->interaction) return cev_node_fail_name(node, "interaction", names, cev_n_interactions);
    config->roster = cev_roster_of(config->interaction);
    const cev_card *card = &config->interaction->card;
    cev_parameter_defaults(card->parameters, card->n_parameter, config->theta);
    cev_parameter_defaults(card->parameters, card->n_parameter, config->truth);
    return CEV_OK;
}

/* Where a source propagates neutrinos with the scan's couplings to quarks, these change the templates. */
cev_status cev_follow_sources(cev_scan_config *config, cev_node node)
{
    const cev_experiment *feels = NULL;
    for (size_t e = 0; e < config->n_experiment && !feels; e++)
        if (cev_source_feels_matter(&config->experiment[e]->source)) feels = config->experiment[e];
    if (!feels) return CEV_OK;
    if (config->interaction->quark_couplings) {
        CEV_TRY(cev_interaction_in_matter(config->arena, config->interaction, &config->interaction));
        config->roster.interaction = config->interaction;
        return CEV_OK;
    }
    return cev_node_fail(node,
                         "interaction \"%s\" has no contact couplings to quarks, which the source of experiment \"%s\" "
                         "wants for "
                         "its \"nsi_in_propagation\"; see interaction \"nsi\"",
                         config->interaction->card.name, feels->name);
}

/* --- tiles ------------------------------------------------------------------------------------------------------ */

static cev_status check_tile_name(cev_node key, size_t n_scan, const cev_scan_config *const *scan)
{
    const char *name = cev_node_text(key);
    bool scanned = false, known = false;
    size_t unused;
    for (size_t s = 0; s < n_scan; s++) {
        for (size_t a = 0; a < scan[s]->grid.n_axis; a++) scanned |= !strcmp(scan[s]->grid.axis[a].name, name);
        known |= cev_roster_index(&scan[s]->roster, name) < cev_roster_n(&scan[s]->roster);
    }
    if (scanned) return CEV_OK;
    return known || n_scan == 0 ? cev_node_fail(key, "key \"tile\": \"%s\" changes nothing: it is not scanned", name)
                                : cev_find_parameter(scan[0], key, &unused);
}

cev_status cev_check_tile_names(cev_node tile, size_t n_scan, const cev_scan_config *const *scan)
{
    for (size_t k = 0; cev_node_is_mapping(tile) && k < cev_node_length(tile); k++)
        CEV_TRY(check_tile_name(cev_node_key(tile, k), n_scan, scan));
    return CEV_OK;
}

/* A scan gives a list, one side for each axis; a study a mapping {PARAMETER: points}, that has some of the axes. */
static cev_status read_sides(const cev_scan_config *config, cev_node node, size_t *side)
{
    size_t n_axis = config->grid.n_axis;
    if (cev_node_is_mapping(node)) {
        for (size_t a = 0; a < n_axis; a++) {
            cev_node own = cev_node_find(node, config->grid.axis[a].name);
            if (own.id) CEV_TRY(cev_node_count(own, "tile", 1, 1 << 20, &side[a]));
        }
        return CEV_OK;
    }
    if (!cev_node_is_sequence(node) || cev_node_length(node) != n_axis)
        return cev_node_fail(node, "key \"tile\": expected a list of %zu numbers of points, one for each axis", n_axis);
    for (size_t a = 0; a < n_axis; a++) CEV_TRY(cev_node_count(cev_node_item(node, a), "tile", 1, 1 << 20, &side[a]));
    return CEV_OK;
}

cev_status cev_lay_scan_tiles(cev_scan_config *config, cev_node root, cev_node node, size_t n_map)
{
    size_t side[CEV_MAX_AXES] = {0}, n_axis = config->grid.n_axis;
    if (node.id) CEV_TRY(read_sides(config, node, side));
    if (n_axis == 0) return CEV_OK;
    for (size_t a = 0; a < n_axis; a++) {
        bool slow = config->axis_parameter[a] != SIZE_MAX &&
                    cev_roster_is_slow(&config->roster, config->axis_parameter[a]);
        if (!slow) continue;
        if (side[a] > 1)
            return cev_node_fail(cev_node_is_sequence(node) ? cev_node_item(node, a) : node,
                                 "key \"tile\": \"%s\" takes 1, since it changes the templates",
                                 config->axis_description[a]->name);
        side[a] = 1;
    }
    cev_status status = cev_grid_lay_tiles_of_maps(&config->grid, side, n_map);
    if (status == CEV_OK && cev_grid_points_of_whole_tile(&config->grid) > (size_t)1 << 24)
        status = cev_fail(CEV_E_INPUT, "a tile has more than 2^24 points; choose smaller ones with \"tile\"");
    return status == CEV_E_INPUT ? cev_node_fail(node.id ? node : root, "%s", cev_error_message()) : status;
}

/* --- what is kept ----------------------------------------------------------------------------------------------- */

cev_status cev_check_store_profiled(cev_node root, bool wanted, size_t n_scan, const cev_scan_config *const *scan)
{
    size_t n = 0;
    for (size_t k = 0; k < n_scan; k++) n += scan[k]->roster.n_profiled;
    return n > 0 || !wanted ? CEV_OK
                            : cev_node_fail(cev_node_find(root, "store_profiled"),
                                            "key \"store_profiled\": no parameter is profiled; what pulls are at is "
                                            "kept by \"store_pulls\"");
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

/* With every experiment's mapping where the file may only name it. */
static cev_status seal(cev_reading *r, cev_node root)
{
    json_t *experiments = r->resolved;
    r->resolved = NULL;
    cev_status status = cev_root_json(root, &cev_scan_key, &r->resolved);
    if (status == CEV_OK && json_object_set(r->resolved, "experiments", experiments))
        status = cev_fail(CEV_E_MEMORY, "out of memory");
    json_decref(experiments);
    return status == CEV_OK ? cev_seal_scan(r->config, r->resolved) : status;
}

/* Keys that only studies have. */
static cev_status check_kind(cev_node root)
{
    static const char *const of_studies[] = {"sets", "planes", "profiles", "exposure_factors", "factors"};
    for (size_t i = 0; i < cev_node_length(root); i++)
        for (size_t k = 0; k < CEV_LENGTH(of_studies); k++)
            if (!strcmp(of_studies[k], cev_node_text(cev_node_key(root, i))))
                return cev_node_fail(cev_node_key(root, i),
                                     "key \"%s\" is one of studies, and this is a scan: a study begins with \"study:\" "
                                     "in place of \"scan:\"",
                                     of_studies[k]);
    return CEV_OK;
}

cev_status cev_read_scan(cev_reading *r, cev_node root, double *exposure_factor)
{
    cev_scan_config *config = r->config;
    cev_scan_keys keys = {0};
    if (cev_node_find(root, "study").id && !cev_node_find(root, "scan").id)
        return cev_node_fail(root, "this is a study, not a scan: see `cevscan study`");
    CEV_TRY(check_kind(root));
    CEV_TRY(cev_node_read(config->arena, root, &cev_scan_table, &keys));
    CEV_TRY(cev_arena_keep_text(config->arena, keys.scan, &config->name));
    CEV_TRY(cev_arena_keep_text(config->arena, keys.title ? keys.title : keys.scan, &config->title));
    CEV_TRY(cev_read_interaction(config, keys.interaction));
    CEV_TRY(read_exposure(keys.exposure_factor, exposure_factor));
    CEV_TRY(read_experiments(r, keys.experiments, keys.without_pulls, *exposure_factor));
    CEV_TRY(cev_follow_sources(config, keys.interaction));
    CEV_TRY(cev_read_parameters(config, keys.parameters));
    CEV_TRY(cev_bound_pulls(config, keys.parameters));
    CEV_TRY(cev_read_correlations(config, keys.correlations, keys.without_pulls));
    CEV_TRY(cev_read_scan_data(config, keys.data));
    if (*exposure_factor != 1 && config->data != CEV_DATA_ASIMOV)
        return cev_node_fail(keys.exposure_factor,
                             "key \"exposure_factor\": observed data have the exposure that they have");
    CEV_TRY(cev_check_tile_names(keys.tile, 1, (const cev_scan_config *const *)&config));
    CEV_TRY(cev_lay_scan_tiles(config, root, keys.tile, 1));
    config->store_pulls = keys.store_pulls;
    config->store_profiled = keys.store_profiled;
    CEV_TRY(cev_check_store_profiled(root, keys.store_profiled, 1, (const cev_scan_config *const *)&config));
    return seal(r, root);
}

static cev_status build(cev_node root, const char *file, void *context)
{
    cev_scan_config **out = context;
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_reading r = {.config = *out, .file = file};
    double exposure_factor;
    cev_status status = cev_arena_create(&(*out)->arena);
    if (status == CEV_OK) status = cev_read_scan(&r, root, &exposure_factor);
    json_decref(r.resolved);
    if (status != CEV_OK) cev_scan_config_destroy(out);
    return status;
}

cev_status cev_scan_config_read(const char *path, cev_scan_config **out)
{
    *out = NULL;
    return cev_yaml_with_file(path, build, out);
}

cev_status cev_scan_config_parse(const char *text, const char *name, cev_scan_config **out)
{
    *out = NULL;
    return cev_yaml_with_text(text, name, build, out);
}

/* A JSON array of the comma-separated names, inside a scan that has no axes: what is wrong with a name is then said in
 * the words that a scan file would get. */
static json_t *selection_json(const char *experiments, const char *interaction)
{
    json_t *list = json_array();
    char *copy = strdup(experiments), *state = NULL;
    bool valid = copy != NULL;
    for (char *name = copy ? strtok_r(copy, ",", &state) : NULL; name; name = strtok_r(NULL, ",", &state))
        valid &= json_array_append_new(list, json_string(name)) == 0;
    free(copy);
    if (!valid) {
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:o}", "scan", "selection", "interaction", interaction, "experiments", list);
}

cev_status cev_scan_config_select(const char *experiments, const char *interaction, cev_scan_config **out)
{
    *out = NULL;
    json_t *json = selection_json(experiments, interaction);
    char *text = json ? json_dumps(json, 0) : NULL;
    json_decref(json);
    if (!text) return cev_fail(CEV_E_INPUT, "the names of experiments and interaction must be valid UTF-8");
    cev_status status = cev_scan_config_parse(text, "command line", out);
    free(text);
    if (status == CEV_OK) (*out)->is_selection = true;
    return status;
}

void cev_scan_config_destroy(cev_scan_config **config)
{
    if (!config || !*config) return;
    cev_arena_destroy(&(*config)->arena);
    free(*config);
    *config = NULL;
}
