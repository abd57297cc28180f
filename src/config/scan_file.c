/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scan files. configs/reference.yaml documents every key. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "resolve.h"

enum { MOST_EXPERIMENTS = 256, MOST_AXIS_POINTS = 1 << 24 };

/* A configuration while it is read. */
typedef struct reading {
    cev_scan_config *config;
    const char *file;   /* for looking up experiments beside it; NULL if there is none */
    json_t *resolved;
} reading;

typedef struct scan_keys {
    const char *scan, *title;
    cev_node experiments, without_pulls, interaction, parameters, data, tile;
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
    CEV_KEY(scan_keys, tile, .type = CEV_KEY_NODE),
};

/* --- experiments ------------------------------------------------------------------------------------------------ */

static cev_status parse_experiment(reading *r, cev_node node, cev_experiment *out, json_t *list)
{
    json_t *json;
    CEV_TRY(cev_experiment_parse(r->config->arena, node, out));
    CEV_TRY(cev_node_json(node, &json));
    return json_array_append_new(list, json) ? cev_fail(CEV_E_MEMORY, "out of memory") : CEV_OK;
}

static cev_status load_experiment(reading *r, cev_node name, cev_experiment *out, json_t *list)
{
    char *path;
    const char *nearest;
    if (!cev_node_is_scalar(name)) return cev_node_fail(name, "expected the name or the path of an experiment");
    CEV_TRY(cev_experiment_file(r->config->arena, cev_node_text(name), r->file, &path, &nearest));
    if (!path)
        return cev_node_fail(name, "no experiment \"%s\"%s%s%s (looked beside the scan file, in $CEVSCAN_PATH and among the "
                                   "installed ones; see: cevscan describe)", cev_node_text(name),
                             nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    cev_yaml *file;
    CEV_TRY(cev_yaml_read_file(path, &file));
    cev_status status = parse_experiment(r, cev_yaml_root(file), out, list);
    cev_yaml_destroy(&file);
    return status;
}

static cev_status check_shared_pulls(cev_node node, const cev_experiment *one, const cev_experiment *other)
{
    if (!strcmp(one->name, other->name))
        return cev_node_fail(node, "experiment \"%s\" is used twice; give a copy a name of its own", one->name);
    for (size_t p = 0; p < one->n_pull; p++)
        for (size_t q = 0; q < other->n_pull; q++)
            if (!strcmp(one->pull[p].name, other->pull[q].name) && one->pull[p].sigma != other->pull[q].sigma)
                return cev_node_fail(node, "pull \"%s\" is shared by \"%s\" and \"%s\", but with sigma %g and %g",
                                     one->pull[p].name, other->name, one->name, other->pull[q].sigma, one->pull[p].sigma);
    return CEV_OK;
}

static cev_status gather_pulls(cev_scan_config *config, cev_node node)
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
static cev_status drop_pulls(cev_arena *arena, cev_node list, size_t n, cev_experiment *experiment)
{
    if (!list.id) return CEV_OK;
    if (!cev_node_is_sequence(list)) return cev_node_fail(list, "key \"without_pulls\": expected a list of pulls");
    for (size_t i = 0; i < cev_node_length(list); i++) {
        const char *names[CEV_MAX_PULLS], *name = cev_node_text(cev_node_item(list, i));
        size_t n_name = 0;
        bool found = false;
        for (size_t e = 0; e < n; e++)
            for (size_t p = 0; p < experiment[e].n_pull && n_name < CEV_MAX_PULLS; p++) names[n_name++] = experiment[e].pull[p].name;
        for (size_t e = 0; e < n; e++) CEV_TRY(drop_pull(arena, &experiment[e], name, &found));
        if (!found) return cev_node_fail_name(cev_node_item(list, i), "pull", names, n_name);
    }
    return CEV_OK;
}

static cev_status read_experiments(reading *r, cev_node node, cev_node without_pulls)
{
    size_t n = cev_node_length(node);
    cev_experiment *experiment;
    const cev_experiment **list;
    if (!cev_node_is_sequence(node) || n == 0) return cev_node_fail(node, "key \"experiments\": expected a list of experiments");
    if (n > MOST_EXPERIMENTS) return cev_node_fail(node, "more than %d experiments", MOST_EXPERIMENTS);
    json_t *json = json_array();
    if (json_object_set_new(r->resolved, "experiments", json)) return cev_fail(CEV_E_MEMORY, "out of memory");
    CEV_TRY(cev_new(r->config->arena, n, &experiment));
    CEV_TRY(cev_new(r->config->arena, n, &list));
    for (size_t e = 0; e < n; e++) {
        cev_node item = cev_node_item(node, e);
        CEV_TRY(cev_node_is_mapping(item) ? parse_experiment(r, item, &experiment[e], json)
                                          : load_experiment(r, item, &experiment[e], json));
        for (size_t k = 0; k < e; k++) CEV_TRY(check_shared_pulls(item, &experiment[e], &experiment[k]));
        list[e] = &experiment[e];
    }
    CEV_TRY(drop_pulls(r->config->arena, without_pulls, n, experiment));
    r->config->n_experiment = n;
    r->config->experiment = list;
    return gather_pulls(r->config, node);
}

/* --- interaction and parameters --------------------------------------------------------------------------------- */

static cev_status read_interaction(reading *r, cev_node node)
{
    const char *names[16];
    for (size_t k = 0; k < cev_n_interactions; k++) {
        names[k] = cev_interactions[k]->card.name;
        if (!strcmp(names[k], cev_node_text(node))) r->config->interaction = cev_interactions[k];
    }
    if (!r->config->interaction) return cev_node_fail_name(node, "interaction", names, cev_n_interactions);
    const cev_card *card = &r->config->interaction->card;
    cev_parameter_defaults(card->parameters, card->n_parameter, r->config->theta);
    cev_parameter_defaults(card->parameters, card->n_parameter, r->config->truth);
    return CEV_OK;
}

static cev_status find_parameter(const cev_scan_config *config, cev_node name, size_t *out)
{
    const char *names[CEV_MAX_MODEL_PARAMETERS];
    const cev_card *card = &config->interaction->card;
    *out = cev_parameter_index(card->parameters, card->n_parameter, cev_node_text(name));
    if (*out < card->n_parameter) return CEV_OK;
    for (size_t p = 0; p < card->n_parameter; p++) names[p] = card->parameters[p].name;
    return cev_node_fail_name(name, "parameter", names, card->n_parameter);
}

typedef struct parameter_keys {
    cev_node name, each_of, value, scale, min, max, points, linear_threshold;
    cev_reals values;
} parameter_keys;

static const cev_key parameter_table[] = {
    CEV_KEY(parameter_keys, name, .type = CEV_KEY_NODE),
    CEV_KEY(parameter_keys, each_of, .type = CEV_KEY_NODE),
    CEV_KEY(parameter_keys, value, .type = CEV_KEY_NODE),
    CEV_KEY(parameter_keys, values, .type = CEV_KEY_REALS),
    CEV_KEY(parameter_keys, scale, .type = CEV_KEY_NODE),
    CEV_KEY(parameter_keys, min, .type = CEV_KEY_NODE),
    CEV_KEY(parameter_keys, max, .type = CEV_KEY_NODE),
    CEV_KEY(parameter_keys, points, .type = CEV_KEY_NODE),
    CEV_KEY(parameter_keys, linear_threshold, .type = CEV_KEY_NODE),
};

/* A value of a parameter, under a key of the file. */
static cev_status read_value(cev_node node, const char *key, const cev_parameter *parameter, double *out)
{
    CEV_TRY(cev_node_real(node, key, parameter->minimum, parameter->maximum, out));
    const char *complaint = cev_parameter_complaint(parameter, *out);
    return complaint ? cev_node_fail(node, "key \"%s\": parameter \"%s\": expected %s, found %s", key, parameter->name, complaint,
                                     cev_node_text(node))
                     : CEV_OK;
}

static cev_status check_axis(cev_node node, const cev_parameter *parameter, const cev_axis *axis)
{
    for (size_t i = 0; i < axis->n; i++) {
        const char *complaint = cev_parameter_complaint(parameter, axis->value[i]);
        if (complaint) return cev_node_fail(node, "parameter \"%s\": expected %s, but the axis has the value %g", parameter->name,
                                            complaint, axis->value[i]);
    }
    return CEV_OK;
}

static cev_status read_scale(cev_node node, cev_scale *out)
{
    *out = CEV_SCALE_LINEAR;
    if (!node.id) return CEV_OK;
    for (int s = 0; s < CEV_SCALE_VALUES; s++)
        if (!strcmp(cev_scale_names[s], cev_node_text(node))) {
            *out = (cev_scale)s;
            return CEV_OK;
        }
    return cev_node_fail_name(node, "scale", cev_scale_names, CEV_SCALE_VALUES);
}

static cev_status read_list_axis(reading *r, const parameter_keys *keys, const cev_parameter *parameter, cev_axis *axis)
{
    const cev_reals *list = &keys->values;
    if (keys->min.id || keys->max.id || keys->points.id || keys->scale.id || keys->linear_threshold.id)
        return cev_node_fail(list->node, "parameter \"%s\": \"values\" stands alone, without min, max, points or scale", parameter->name);
    if (list->n < 2) return cev_node_fail(list->node, "parameter \"%s\": an axis needs at least two values", parameter->name);
    for (size_t i = 0; i < list->n; i++) {
        CEV_TRY(read_value(cev_node_item(list->node, i), "values", parameter, &list->value[i]));
        if (i && !(list->value[i] > list->value[i - 1]))
            return cev_node_fail(cev_node_item(list->node, i), "parameter \"%s\": values must increase, but %g follows %g",
                                 parameter->name, list->value[i], list->value[i - 1]);
    }
    *axis = (cev_axis){.name = parameter->name, .scale = CEV_SCALE_VALUES, .n = list->n, .value = list->value};
    (void)r;
    return CEV_OK;
}

/* Before the axis takes memory. */
static cev_status check_grid_size(const cev_grid *grid, size_t points, cev_node node)
{
    double n_point = (double)points;
    for (size_t a = 0; a < grid->n_axis; a++) n_point *= (double)grid->axis[a].n;
    return n_point > CEV_MAX_POINTS ? cev_node_fail(node, "key \"points\": the axes span more than 2^48 grid points") : CEV_OK;
}

static cev_status read_range_axis(reading *r, cev_node node, const parameter_keys *keys, const cev_parameter *parameter,
                                  cev_axis *axis)
{
    double minimum, maximum, threshold = 0;
    size_t points;
    cev_scale scale;
    if (!keys->min.id || !keys->max.id || !keys->points.id)
        return cev_node_fail(node, "parameter \"%s\": expected either \"value\", or \"min\", \"max\" and \"points\", or \"values\"",
                             parameter->name);
    CEV_TRY(read_scale(keys->scale, &scale));
    bool both_signs = scale == CEV_SCALE_SIGNED_LOG;
    double lowest = both_signs ? 0 : parameter->minimum, highest = both_signs ? fmin(-parameter->minimum, parameter->maximum) : parameter->maximum;
    CEV_TRY(cev_node_real(keys->min, "min", lowest, highest, &minimum));
    CEV_TRY(cev_node_real(keys->max, "max", lowest, highest, &maximum));
    CEV_TRY(cev_node_count(keys->points, "points", 2, MOST_AXIS_POINTS, &points));
    CEV_TRY(check_grid_size(&r->config->grid, points, keys->points));
    if (keys->linear_threshold.id) CEV_TRY(cev_node_real(keys->linear_threshold, "linear_threshold", 1e-300, 1e300, &threshold));
    if (!(minimum < maximum))
        return cev_node_fail(keys->min, "parameter \"%s\": min (%g) must be below max (%g)", parameter->name, minimum, maximum);
    cev_status status = cev_axis_fill(r->config->arena, parameter->name, scale, minimum, maximum, points, threshold, axis);
    if (status != CEV_OK) return status == CEV_E_INPUT ? cev_node_fail(node, "%s", cev_error_message()) : status;
    return check_axis(node, parameter, axis);
}

/* --- several parameters in turn ----------------------------------------------------------------------------------- */

static const cev_parameter member_axis = {.name = "parameter", .unit = "", .label = "\\mathrm{parameter}",
                                          .help = "the parameter that is scanned, the others keeping their fixed values"};

/* Members share an axis: one unit, one default, one range. */
static cev_status check_member(cev_node item, const cev_parameter *first, const cev_parameter *other)
{
    if (other->slow) return cev_node_fail(item, "key \"each_of\": parameter \"%s\" cannot be scanned in turn with others, since it changes the templates", other->name);
    if (!strcmp(first->unit, other->unit) && first->minimum == other->minimum && first->maximum == other->maximum) return CEV_OK;
    return cev_node_fail(item, "key \"each_of\": \"%s\" and \"%s\" have different units or ranges", first->name, other->name);
}

static cev_status list_members(cev_scan_config *config, cev_node list, bool *seen, cev_axis *axis)
{
    size_t n = cev_node_length(list), *parameter;
    double *value;
    const char **label;
    const cev_parameter *table = config->interaction->card.parameters;
    if (!cev_node_is_sequence(list) || n < 2 || n > CEV_MAX_MEMBERS)
        return cev_node_fail(list, "key \"each_of\": expected a list of 2 to %d parameters", CEV_MAX_MEMBERS);
    CEV_TRY(cev_new(config->arena, n, &parameter));
    CEV_TRY(cev_new(config->arena, n, &value));
    CEV_TRY(cev_new(config->arena, n, &label));
    for (size_t k = 0; k < n; k++) {
        cev_node item = cev_node_item(list, k);
        CEV_TRY(find_parameter(config, item, &parameter[k]));
        if (seen[parameter[k]]) return cev_node_fail(item, "parameter \"%s\" is given twice", table[parameter[k]].name);
        seen[parameter[k]] = true;
        CEV_TRY(check_member(item, &table[parameter[0]], &table[parameter[k]]));
        value[k] = (double)k;
        label[k] = table[parameter[k]].name;
    }
    *axis = (cev_axis){.name = member_axis.name, .scale = CEV_SCALE_NAMES, .n = n, .value = value, .label = label};
    config->member_parameter = parameter;
    return CEV_OK;
}

/* Two axes: which parameter, and its value. */
static cev_status read_members(reading *r, cev_node node, const parameter_keys *keys, bool *seen)
{
    cev_scan_config *config = r->config;
    cev_parameter *shared;
    if (keys->name.id || keys->value.id) return cev_node_fail(node, "key \"each_of\" stands in place of \"name\", and without \"value\"");
    if (config->grid.n_axis > 0) return cev_node_fail(node, "key \"each_of\": must come before the other scanned parameters");
    CEV_TRY(list_members(config, keys->each_of, seen, &config->grid.axis[0]));
    CEV_TRY(cev_new(config->arena, 1, &shared));
    *shared = config->interaction->card.parameters[config->member_parameter[0]];
    shared->name = "value";
    shared->label = "\\mathrm{value}";
    shared->help = "of the parameter";
    CEV_TRY(keys->values.node.id ? read_list_axis(r, keys, shared, &config->grid.axis[1])
                                 : read_range_axis(r, node, keys, shared, &config->grid.axis[1]));
    config->axis_description[0] = &member_axis;
    config->axis_description[1] = shared;
    config->axis_parameter[0] = SIZE_MAX;
    config->axis_parameter[1] = config->member_parameter[0];
    config->grid.n_axis = 2;
    return CEV_OK;
}

static cev_status read_parameter(reading *r, cev_node node, bool *seen)
{
    cev_scan_config *config = r->config;
    parameter_keys keys = {0};
    size_t p;
    CEV_TRY(cev_node_read(config->arena, node, "parameter", parameter_table, CEV_LENGTH(parameter_table), &keys));
    if (keys.each_of.id) return read_members(r, node, &keys, seen);
    if (!keys.name.id) return cev_node_fail(node, "parameter: key \"name\" is missing");
    CEV_TRY(find_parameter(config, keys.name, &p));
    const cev_parameter *parameter = &config->interaction->card.parameters[p];
    if (seen[p]) return cev_node_fail(keys.name, "parameter \"%s\" is given twice", parameter->name);
    seen[p] = true;
    if (keys.value.id) {
        if (keys.values.node.id || keys.min.id || keys.max.id || keys.points.id)
            return cev_node_fail(node, "parameter \"%s\": either fixed by \"value\" or scanned, not both", parameter->name);
        return read_value(keys.value, "value", parameter, &config->theta[p]);
    }
    if (parameter->whole)
        return cev_node_fail(node, "parameter \"%s\" is a choice and cannot be scanned; give it a \"value\"", parameter->name);
    if (config->grid.n_axis == CEV_MAX_AXES)
        return cev_node_fail(node, "more than %d scanned parameters; fix \"%s\" with \"value\"", CEV_MAX_AXES, parameter->name);
    cev_axis *axis = &config->grid.axis[config->grid.n_axis];
    CEV_TRY(keys.values.node.id ? read_list_axis(r, &keys, parameter, axis) : read_range_axis(r, node, &keys, parameter, axis));
    config->axis_description[config->grid.n_axis] = parameter;
    config->axis_parameter[config->grid.n_axis++] = p;
    return CEV_OK;
}

static cev_status read_parameters(reading *r, cev_node node)
{
    bool seen[CEV_MAX_MODEL_PARAMETERS] = {false};
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node)) return cev_node_fail(node, "key \"parameters\": expected a list");
    for (size_t k = 0; k < cev_node_length(node); k++) CEV_TRY(read_parameter(r, cev_node_item(node, k), seen));
    return CEV_OK;
}

/* --- data and tiles --------------------------------------------------------------------------------------------- */

static cev_status read_truth(cev_scan_config *config, cev_node truth)
{
    if (!cev_node_is_mapping(truth)) return cev_node_fail(truth, "key \"data\": expected {asimov: {PARAMETER: VALUE, ...}}");
    for (size_t i = 0; i < cev_node_length(truth); i++) {
        size_t p;
        CEV_TRY(find_parameter(config, cev_node_key(truth, i), &p));
        const cev_parameter *parameter = &config->interaction->card.parameters[p];
        CEV_TRY(read_value(cev_node_value(truth, i), parameter->name, parameter, &config->truth[p]));
        if (parameter->whole)
            return cev_node_fail(cev_node_value(truth, i), "parameter \"%s\" is a choice; the truth takes that of the scan", parameter->name);
    }
    return CEV_OK;
}

/* The names of those experiments that are compared with what they observed. */
static cev_status read_observed_names(cev_scan_config *config, cev_node list, bool *observed)
{
    const char *names[MOST_EXPERIMENTS];
    if (!cev_node_is_sequence(list)) return cev_node_fail(list, "key \"data\": expected {observed: [EXPERIMENT, ...]}");
    for (size_t e = 0; e < config->n_experiment; e++) names[e] = config->experiment[e]->name;
    for (size_t i = 0; i < cev_node_length(list); i++) {
        size_t e = 0;
        while (e < config->n_experiment && strcmp(names[e], cev_node_text(cev_node_item(list, i)))) e++;
        if (e == config->n_experiment) return cev_node_fail_name(cev_node_item(list, i), "experiment of this scan", names, e);
        observed[e] = true;
    }
    return CEV_OK;
}

static cev_status read_mixed_data(cev_scan_config *config, cev_node node, bool *observed)
{
    static const char *const names[] = {"asimov", "observed"};
    for (size_t i = 0; i < cev_node_length(node); i++) {
        cev_node key = cev_node_key(node, i), value = cev_node_value(node, i);
        if (!strcmp(cev_node_text(key), names[0]))
            CEV_TRY(read_truth(config, value));
        else if (!strcmp(cev_node_text(key), names[1]))
            CEV_TRY(read_observed_names(config, value, observed));
        else
            return cev_node_fail_name(key, "kind of data", names, CEV_LENGTH(names));
    }
    return CEV_OK;
}

static cev_status check_observed(cev_scan_config *config, cev_node node)
{
    size_t n = 0;
    for (size_t e = 0; e < config->n_experiment; e++) {
        n += config->observed[e];
        if (config->observed[e] && !config->experiment[e]->observed)
            return cev_node_fail(node, "data: observed, but experiment \"%s\" has no key \"observed\"", config->experiment[e]->name);
    }
    config->data = n == 0 ? CEV_DATA_ASIMOV : n == config->n_experiment ? CEV_DATA_OBSERVED : CEV_DATA_MIXED;
    return CEV_OK;
}

static cev_status read_data(cev_scan_config *config, cev_node node)
{
    static const char *const names[] = {"asimov", "observed"};
    bool *observed;
    CEV_TRY(cev_new(config->arena, config->n_experiment, &observed));
    config->observed = observed;
    const cev_card *card = &config->interaction->card;
    for (size_t p = 0; p < card->n_parameter; p++)
        if (card->parameters[p].whole) config->truth[p] = config->theta[p];
    if (cev_node_is_mapping(node)) {
        CEV_TRY(read_mixed_data(config, node, observed));
    } else if (node.id && strcmp(cev_node_text(node), names[0])) {
        if (strcmp(cev_node_text(node), names[1])) return cev_node_fail_name(node, "kind of data", names, CEV_LENGTH(names));
        for (size_t e = 0; e < config->n_experiment; e++) observed[e] = true;
    }
    return check_observed(config, node);
}

static cev_status lay_tiles(cev_scan_config *config, cev_node root, cev_node node)
{
    size_t side[CEV_MAX_AXES] = {0}, n_axis = config->grid.n_axis;
    if (node.id && (!cev_node_is_sequence(node) || cev_node_length(node) != n_axis))
        return cev_node_fail(node, "key \"tile\": expected a list of %zu numbers of points, one for each axis", n_axis);
    for (size_t a = 0; node.id && a < n_axis; a++)
        CEV_TRY(cev_node_count(cev_node_item(node, a), "tile", 1, 1 << 20, &side[a]));
    if (n_axis == 0) return CEV_OK;
    for (size_t a = 0; a < n_axis; a++) {
        if (!config->axis_description[a]->slow) continue;
        if (side[a] > 1) return cev_node_fail(cev_node_item(node, a), "key \"tile\": \"%s\" takes 1, since it changes the templates", config->axis_description[a]->name);
        side[a] = 1;
    }
    cev_status status = cev_grid_lay_tiles(&config->grid, side);
    if (status == CEV_OK && cev_grid_points_of_whole_tile(&config->grid) > (size_t)1 << 24)
        status = cev_fail(CEV_E_INPUT, "a tile has more than 2^24 points; choose smaller ones with \"tile\"");
    return status == CEV_E_INPUT ? cev_node_fail(node.id ? node : root, "%s", cev_error_message()) : status;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static cev_status read_scan(reading *r, cev_node root)
{
    cev_scan_config *config = r->config;
    scan_keys keys = {0};
    CEV_TRY(cev_node_read(config->arena, root, "scan", scan_table, CEV_LENGTH(scan_table), &keys));
    CEV_TRY(cev_node_json(root, &r->resolved));
    CEV_TRY(cev_arena_keep_text(config->arena, keys.scan, &config->name));
    CEV_TRY(cev_arena_keep_text(config->arena, keys.title ? keys.title : keys.scan, &config->title));
    CEV_TRY(read_interaction(r, keys.interaction));
    CEV_TRY(read_parameters(r, keys.parameters));
    CEV_TRY(read_experiments(r, keys.experiments, keys.without_pulls));
    CEV_TRY(read_data(config, keys.data));
    CEV_TRY(lay_tiles(config, root, keys.tile));
    config->store_pulls = keys.store_pulls;
    return cev_config_seal(config, r->resolved);
}

static cev_status build(const cev_yaml *document, const char *file, cev_scan_config **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    reading r = {.config = *out, .file = file};
    cev_status status = cev_arena_create(&(*out)->arena);
    if (status == CEV_OK) status = read_scan(&r, cev_yaml_root(document));
    json_decref(r.resolved);
    if (status != CEV_OK) cev_scan_config_destroy(out);
    return status;
}

cev_status cev_scan_config_read(const char *path, cev_scan_config **out)
{
    cev_yaml *document;
    *out = NULL;
    CEV_TRY(cev_yaml_read_file(path, &document));
    cev_status status = build(document, path, out);
    cev_yaml_destroy(&document);
    return status;
}

cev_status cev_scan_config_parse(const char *text, const char *name, cev_scan_config **out)
{
    cev_yaml *document;
    *out = NULL;
    CEV_TRY(cev_yaml_read_text(text, strlen(text), name, &document));
    cev_status status = build(document, NULL, out);
    cev_yaml_destroy(&document);
    return status;
}

/* A JSON array of the comma-separated names, inside a scan that has no axes: what is wrong with a name is then said in the
 * words that a scan file would get. */
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
