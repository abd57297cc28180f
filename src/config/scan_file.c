/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scan files. configs/reference.yaml documents every key. */
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "scan_parts.h"

typedef struct scan_keys {
    const char *scan, *title;
    cev_node experiments, without_pulls, interaction, parameters, data, tile, exposure_factor;
    bool store_pulls;
} scan_keys;

static const cev_key scan_table[] = {
    CEV_KEY(scan_keys, scan, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(scan_keys, title, .type = CEV_KEY_TEXT),
    CEV_KEY(scan_keys, experiments, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(scan_keys, without_pulls, .type = CEV_KEY_NODE),
    CEV_KEY(scan_keys, interaction, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(scan_keys, parameters, .type = CEV_KEY_NODE),
    CEV_KEY(scan_keys, data, .type = CEV_KEY_NODE),
    CEV_KEY(scan_keys, store_pulls, .type = CEV_KEY_FLAG),
    CEV_KEY(scan_keys, exposure_factor, .type = CEV_KEY_NODE),
    CEV_KEY(scan_keys, tile, .type = CEV_KEY_NODE),
};

/* --- experiments ------------------------------------------------------------------------------------------------ */

static cev_status parse_experiment(const cev_reading *r, cev_node node, cev_experiment *out, json_t *list)
{
    json_t *json;
    CEV_TRY(cev_experiment_parse(r->config->arena, node, out));
    CEV_TRY(cev_node_json(node, &json));
    return json_array_append_new(list, json) ? cev_fail(CEV_E_MEMORY, "out of memory") : CEV_OK;
}

static cev_status load_experiment(const cev_reading *r, cev_node name, cev_experiment *out, json_t *list)
{
    char *path;
    const char *nearest;
    if (!cev_node_is_scalar(name)) return cev_node_fail(name, "expected the name or the path of an experiment");
    CEV_TRY(cev_experiment_file(r->config->arena, cev_node_text(name), r->file, &path, &nearest));
    if (!path)
        return cev_node_fail(name,
                             "no experiment \"%s\"%s%s%s (looked beside the scan file, in $CEVSCAN_PATH and among the "
                             "installed ones; see: cevscan describe)",
                             cev_node_text(name), nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                             nearest ? "\"?" : "");
    cev_yaml *file;
    CEV_TRY(cev_yaml_read_file(path, &file));
    cev_status status = parse_experiment(r, cev_yaml_root(file), out, list);
    cev_yaml_destroy(&file);
    return status;
}

cev_status cev_read_experiment(const cev_reading *r, cev_node node, cev_experiment *out, json_t *list)
{
    return cev_node_is_mapping(node) ? parse_experiment(r, node, out, list) : load_experiment(r, node, out, list);
}

/* One pull cannot shift different things, nor one thing and scale another. */
static bool shift_alike(const cev_pull *one, const cev_pull *other)
{
    return !one->parameter == !other->parameter && (!one->parameter || !strcmp(one->parameter, other->parameter));
}

cev_status cev_check_shared_pulls(cev_node node, const cev_experiment *one, const cev_experiment *other)
{
    if (!strcmp(one->name, other->name))
        return cev_node_fail(node, "experiment \"%s\" is used twice; give a copy a name of its own", one->name);
    for (size_t p = 0; p < one->n_pull; p++)
        for (size_t q = 0; q < other->n_pull; q++)
            if (!strcmp(one->pull[p].name, other->pull[q].name) && one->pull[p].sigma != other->pull[q].sigma)
                return cev_node_fail(node, "pull \"%s\" is shared by \"%s\" and \"%s\", but with sigma %g and %g",
                                     one->pull[p].name, other->name, one->name, other->pull[q].sigma,
                                     one->pull[p].sigma);
            else if (!strcmp(one->pull[p].name, other->pull[q].name) && !shift_alike(&one->pull[p], &other->pull[q]))
                return cev_node_fail(node,
                                     "pull \"%s\" is shared by \"%s\" and \"%s\", but does not shift the same "
                                     "parameter in both",
                                     one->pull[p].name, other->name, one->name);
    return CEV_OK;
}

cev_status cev_gather_pulls(cev_scan_config *config, cev_node node)
{
    const char **name;
    CEV_TRY(cev_new(config->arena, CEV_MAX_PULLS, &name));
    for (size_t e = 0; e < config->n_experiment; e++)
        for (size_t k = 0; k < config->experiment[e]->n_pull; k++) {
            const char *own = config->experiment[e]->pull[k].name;
            size_t p = 0;
            while (p < config->n_pull && strcmp(name[p], own)) p++;
            if (p < config->n_pull) continue;
            if (config->n_pull == CEV_MAX_PULLS)
                return cev_node_fail(node, "the experiments have more than %d pulls together", CEV_MAX_PULLS);
            name[config->n_pull++] = own;
        }
    config->pull_name = name;
    return CEV_OK;
}

/* Takes a pull out of an experiment; *found says whether it was there. */
static cev_status drop_pull(cev_arena *arena, cev_experiment *x, const char *name, bool *found)
{
    cev_pull *kept;
    size_t n = 0;
    CEV_TRY(cev_new(arena, x->n_pull, &kept));
    for (size_t p = 0; p < x->n_pull; p++)
        if (strcmp(x->pull[p].name, name)) kept[n++] = x->pull[p];
    *found |= n < x->n_pull;
    x->n_pull = n;
    x->pull = kept;
    return CEV_OK;
}

/* Pulls that stay at zero in this scan: what they stand for is a scan parameter, say. */
cev_status cev_drop_pulls(cev_arena *arena, cev_node list, size_t n, cev_experiment *experiment)
{
    if (!list.id) return CEV_OK;
    if (!cev_node_is_sequence(list)) return cev_node_fail(list, "key \"without_pulls\": expected a list of pulls");
    for (size_t i = 0; i < cev_node_length(list); i++) {
        const char *names[CEV_MAX_PULLS], *name = cev_node_text(cev_node_item(list, i));
        size_t n_name = 0;
        bool found = false;
        for (size_t e = 0; e < n; e++)
            for (size_t p = 0; p < experiment[e].n_pull && n_name < CEV_MAX_PULLS; p++)
                names[n_name++] = experiment[e].pull[p].name;
        for (size_t e = 0; e < n; e++) CEV_TRY(drop_pull(arena, &experiment[e], name, &found));
        if (!found) return cev_node_fail_name(cev_node_item(list, i), "pull", names, n_name);
    }
    return CEV_OK;
}

static cev_status scale_backgrounds(cev_arena *arena, double factor, cev_experiment *x)
{
    cev_background *background;
    double *counts;
    CEV_TRY(cev_new(arena, x->n_background, &background));
    for (size_t b = 0; b < x->n_background; b++) {
        CEV_TRY(cev_new(arena, x->bins.n_bin, &counts));
        for (size_t i = 0; i < x->bins.n_bin; i++) counts[i] = factor * x->background[b].counts[i];
        background[b] = (cev_background){.name = x->background[b].name, .counts = counts};
    }
    x->background = background;
    return CEV_OK;
}

static cev_status scaled_copy(cev_arena *arena, double factor, const cev_experiment **x)
{
    cev_experiment *copy;
    if (!*x) return CEV_OK;
    CEV_TRY(cev_new(arena, 1, &copy));
    *copy = **x;
    copy->target.mass_kg *= factor;
    *x = copy;
    return scale_backgrounds(arena, factor, copy);
}

cev_status cev_scale_exposure(cev_arena *arena, double factor, cev_experiment *x)
{
    cev_pull *pull;
    if (factor == 1) return CEV_OK;
    if (x->statistic == CEV_STATISTIC_GAUSSIAN)
        return cev_fail(CEV_E_INPUT,
                        "experiment %s: its uncertainties belong to the exposure that it has; it takes no exposure "
                        "factor",
                        x->name);
    x->target.mass_kg *= factor;
    CEV_TRY(scale_backgrounds(arena, factor, x));
    CEV_TRY(cev_new(arena, x->n_pull, &pull));
    for (size_t p = 0; p < x->n_pull; p++) {
        pull[p] = x->pull[p];
        CEV_TRY(scaled_copy(arena, factor, &pull[p].up));
        CEV_TRY(scaled_copy(arena, factor, &pull[p].down));
    }
    x->pull = pull;
    return CEV_OK;
}

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
    json_t *json = json_array();
    if (json_object_set_new(r->resolved, "experiments", json)) return cev_fail(CEV_E_MEMORY, "out of memory");
    CEV_TRY(cev_new(r->config->arena, n, &experiment));
    CEV_TRY(cev_new(r->config->arena, n, &list));
    for (size_t e = 0; e < n; e++) {
        cev_node item = cev_node_item(node, e);
        CEV_TRY(cev_read_experiment(r, item, &experiment[e], json));
        for (size_t k = 0; k < e; k++) CEV_TRY(cev_check_shared_pulls(item, &experiment[e], &experiment[k]));
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
    if (config->interaction->quark_couplings)
        return cev_interaction_in_matter(config->arena, config->interaction, &config->interaction);
    return cev_node_fail(node,
                         "interaction \"%s\" has no contact couplings to quarks, which the source of experiment \"%s\" "
                         "wants for "
                         "its \"nsi_in_propagation\"; see interaction \"nsi\"",
                         config->interaction->card.name, feels->name);
}

/* --- tiles ------------------------------------------------------------------------------------------------------ */

cev_status cev_lay_scan_tiles(cev_scan_config *config, cev_node root, cev_node node)
{
    size_t side[CEV_MAX_AXES] = {0}, n_axis = config->grid.n_axis;
    if (node.id && (!cev_node_is_sequence(node) || cev_node_length(node) != n_axis))
        return cev_node_fail(node, "key \"tile\": expected a list of %zu numbers of points, one for each axis", n_axis);
    for (size_t a = 0; node.id && a < n_axis; a++)
        CEV_TRY(cev_node_count(cev_node_item(node, a), "tile", 1, 1 << 20, &side[a]));
    if (n_axis == 0) return CEV_OK;
    for (size_t a = 0; a < n_axis; a++) {
        if (!config->axis_description[a]->slow) continue;
        if (side[a] > 1)
            return cev_node_fail(cev_node_item(node, a), "key \"tile\": \"%s\" takes 1, since it changes the templates",
                                 config->axis_description[a]->name);
        side[a] = 1;
    }
    cev_status status = cev_grid_lay_tiles(&config->grid, side);
    if (status == CEV_OK && cev_grid_points_of_whole_tile(&config->grid) > (size_t)1 << 24)
        status = cev_fail(CEV_E_INPUT, "a tile has more than 2^24 points; choose smaller ones with \"tile\"");
    return status == CEV_E_INPUT ? cev_node_fail(node.id ? node : root, "%s", cev_error_message()) : status;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static cev_status read_scan(cev_reading *r, cev_node root)
{
    cev_scan_config *config = r->config;
    scan_keys keys = {0};
    double exposure_factor;
    if (cev_node_find(root, "study").id && !cev_node_find(root, "scan").id)
        return cev_node_fail(root, "this is a study, not a scan: see `cevscan study`");
    CEV_TRY(cev_node_read(config->arena, root, "scan", scan_table, CEV_LENGTH(scan_table), &keys));
    CEV_TRY(cev_node_json(root, &r->resolved));
    CEV_TRY(cev_arena_keep_text(config->arena, keys.scan, &config->name));
    CEV_TRY(cev_arena_keep_text(config->arena, keys.title ? keys.title : keys.scan, &config->title));
    CEV_TRY(cev_read_interaction(config, keys.interaction));
    CEV_TRY(read_exposure(keys.exposure_factor, &exposure_factor));
    CEV_TRY(read_experiments(r, keys.experiments, keys.without_pulls, exposure_factor));
    CEV_TRY(cev_follow_sources(config, keys.interaction));
    CEV_TRY(cev_read_parameters(config, keys.parameters));
    CEV_TRY(cev_read_scan_data(config, keys.data));
    if (exposure_factor != 1 && config->data != CEV_DATA_ASIMOV)
        return cev_node_fail(keys.exposure_factor,
                             "key \"exposure_factor\": observed data have the exposure that they have");
    CEV_TRY(cev_lay_scan_tiles(config, root, keys.tile));
    config->store_pulls = keys.store_pulls;
    return cev_config_seal(config, r->resolved);
}

static cev_status build(cev_node root, const char *file, void *context)
{
    cev_scan_config **out = context;
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_reading r = {.config = *out, .file = file};
    cev_status status = cev_arena_create(&(*out)->arena);
    if (status == CEV_OK) status = read_scan(&r, root);
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
    return status;
}

void cev_scan_config_destroy(cev_scan_config **config)
{
    if (!config || !*config) return;
    cev_arena_destroy(&(*config)->arena);
    free(*config);
    *config = NULL;
}
