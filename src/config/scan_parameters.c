/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameters that are scanned: along an axis, or in turn. */
#include <math.h>
#include <string.h>

#include "scan_roles.h"

enum { MOST_AXIS_POINTS = 1 << 24 };

/* A value of a parameter, under a key of the file. */
cev_status cev_read_value(cev_node node, const char *key, const cev_parameter *parameter, double *out)
{
    CEV_TRY(cev_node_real(node, key, parameter->minimum, parameter->maximum, out));
    const char *complaint = cev_parameter_complaint(parameter, *out);
    return complaint ? cev_node_fail(node, "key \"%s\": parameter \"%s\": expected %s, found %s", key, parameter->name,
                                     complaint, cev_node_text(node))
                     : CEV_OK;
}

static cev_status check_axis(cev_node node, const cev_parameter *parameter, const cev_axis *axis)
{
    for (size_t i = 0; i < axis->n; i++) {
        const char *complaint = cev_parameter_complaint(parameter, axis->value[i]);
        if (complaint)
            return cev_node_fail(node, "parameter \"%s\": expected %s, but the axis has the value %g", parameter->name,
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

static cev_status read_list_axis(const cev_parameter_keys *keys, const cev_parameter *parameter, cev_axis *axis)
{
    const cev_reals *list = &keys->values;
    if (keys->min.id || keys->max.id || keys->points.id || keys->scale.id || keys->linear_threshold.id)
        return cev_node_fail(list->node, "parameter \"%s\": \"values\" stands alone, without min, max, points or scale",
                             parameter->name);
    if (list->n < 2)
        return cev_node_fail(list->node, "parameter \"%s\": an axis needs at least two values", parameter->name);
    for (size_t i = 0; i < list->n; i++) {
        CEV_TRY(cev_read_value(cev_node_item(list->node, i), "values", parameter, &list->value[i]));
        if (i && !(list->value[i] > list->value[i - 1]))
            return cev_node_fail(cev_node_item(list->node, i),
                                 "parameter \"%s\": values must increase, but %g follows %g", parameter->name,
                                 list->value[i], list->value[i - 1]);
    }
    *axis = (cev_axis){.name = parameter->name, .scale = CEV_SCALE_VALUES, .n = list->n, .value = list->value};
    return CEV_OK;
}

/* Before the axis takes memory. */
static cev_status check_grid_size(const cev_grid *grid, size_t points, cev_node node)
{
    double n_point = (double)points;
    for (size_t a = 0; a < grid->n_axis; a++) n_point *= (double)grid->axis[a].n;
    return n_point > CEV_MAX_POINTS ? cev_node_fail(node, "key \"points\": the axes span more than 2^48 grid points")
                                    : CEV_OK;
}

static cev_status read_range_axis(cev_scan_config *config, cev_node node, const cev_parameter_keys *keys,
                                  const cev_parameter *parameter, cev_axis *axis)
{
    double minimum, maximum, threshold = 0;
    size_t points;
    cev_scale scale;
    if (!keys->min.id || !keys->max.id || !keys->points.id)
        return cev_node_fail(node,
                             "parameter \"%s\": expected either \"value\", or \"min\", \"max\" and \"points\", or "
                             "\"values\", or \"profile\", \"equals\" or \"formula\"",
                             parameter->name);
    CEV_TRY(read_scale(keys->scale, &scale));
    bool both_signs = scale == CEV_SCALE_SIGNED_LOG;
    double lowest = both_signs ? 0 : parameter->minimum,
           highest = both_signs ? fmin(-parameter->minimum, parameter->maximum) : parameter->maximum;
    CEV_TRY(cev_node_real(keys->min, "min", lowest, highest, &minimum));
    CEV_TRY(cev_node_real(keys->max, "max", lowest, highest, &maximum));
    CEV_TRY(cev_node_count(keys->points, "points", 2, MOST_AXIS_POINTS, &points));
    CEV_TRY(check_grid_size(&config->grid, points, keys->points));
    if (keys->linear_threshold.id && scale != CEV_SCALE_SYMLOG)
        return cev_node_fail(keys->linear_threshold,
                             "key \"linear_threshold\" changes nothing: only the scale \"symlog\" has one");
    if (keys->linear_threshold.id)
        CEV_TRY(cev_node_real(keys->linear_threshold, "linear_threshold", 1e-300, 1e300, &threshold));
    if (!(minimum < maximum))
        return cev_node_fail(keys->min, "parameter \"%s\": min (%g) must be below max (%g)", parameter->name, minimum,
                             maximum);
    cev_status status = cev_axis_fill(config->arena, parameter->name, scale, minimum, maximum, points, threshold, axis);
    if (status != CEV_OK) return status == CEV_E_INPUT ? cev_node_fail(node, "%s", cev_error_message()) : status;
    return check_axis(node, parameter, axis);
}

/* --- several parameters in turn --------------------------------------------------------------------------------- */

static const cev_parameter member_axis = {.name = "parameter",
                                          .unit = "",
                                          .label = "\\mathrm{parameter}",
                                          .help =
                                              "the parameter that is scanned, the others keeping their fixed values"};

/* Members share an axis: one unit, one default, one range. */
static cev_status check_member(cev_node item, const cev_parameter *first, const cev_parameter *other)
{
    if (other->slow)
        return cev_node_fail(item,
                             "key \"each_of\": parameter \"%s\" cannot be scanned in turn with others, since it "
                             "changes the templates",
                             other->name);
    if (!strcmp(first->unit, other->unit) && first->minimum == other->minimum && first->maximum == other->maximum)
        return CEV_OK;
    return cev_node_fail(item, "key \"each_of\": \"%s\" and \"%s\" have different units or ranges", first->name,
                         other->name);
}

static cev_status find_member(const cev_scan_config *config, cev_node name, size_t *out)
{
    const char *names[CEV_MAX_MODEL_PARAMETERS];
    const cev_card *card = &config->interaction->card;
    *out = cev_parameter_index(card->parameters, card->n_parameter, cev_node_text(name));
    if (*out < card->n_parameter) return CEV_OK;
    for (size_t p = 0; p < card->n_parameter; p++) names[p] = card->parameters[p].name;
    return cev_node_fail_name(name, "parameter", names, card->n_parameter);
}

static cev_status list_members(cev_scan_config *config, cev_node list, bool *given, cev_axis *axis)
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
        CEV_TRY(find_member(config, item, &parameter[k]));
        if (given[parameter[k]])
            return cev_node_fail(item, "parameter \"%s\" is given twice", table[parameter[k]].name);
        given[parameter[k]] = true;
        CEV_TRY(check_member(item, &table[parameter[0]], &table[parameter[k]]));
        value[k] = (double)k;
        label[k] = table[parameter[k]].name;
    }
    *axis = (cev_axis){.name = member_axis.name, .scale = CEV_SCALE_NAMES, .n = n, .value = value, .label = label};
    config->member_parameter = parameter;
    return CEV_OK;
}

/* Two axes: which parameter, and its value. */
cev_status cev_read_members(cev_scan_config *config, cev_node node, const cev_parameter_keys *keys, bool *given)
{
    cev_parameter *shared;
    if (keys->name.id || keys->value.id)
        return cev_node_fail(node, "key \"each_of\" stands in place of \"name\", and without \"value\"");
    if (config->grid.n_axis > 0)
        return cev_node_fail(node, "key \"each_of\": must come before the other scanned parameters");
    CEV_TRY(list_members(config, keys->each_of, given, &config->grid.axis[0]));
    CEV_TRY(cev_new(config->arena, 1, &shared));
    *shared = config->interaction->card.parameters[config->member_parameter[0]];
    shared->name = "value";
    shared->label = "\\mathrm{value}";
    shared->help = "of the parameter";
    CEV_TRY(keys->values.node.id ? read_list_axis(keys, shared, &config->grid.axis[1])
                                 : read_range_axis(config, node, keys, shared, &config->grid.axis[1]));
    config->axis_description[0] = &member_axis;
    config->axis_description[1] = shared;
    config->axis_parameter[0] = SIZE_MAX;
    config->axis_parameter[1] = config->member_parameter[0];
    config->grid.n_axis = 2;
    return CEV_OK;
}

/* Pulls and parameters of one's own are called what their users like. */
static cev_status check_axis_name(const cev_scan_config *config, cev_node node, const char *name)
{
    if (cev_axis_reserves_name(name))
        return cev_node_fail(node,
                             "parameter \"%s\": no axis can be called that: a map has something else of this name",
                             name);
    for (size_t a = 0; a < config->grid.n_axis; a++)
        if (!strcmp(config->grid.axis[a].name, name))
            return cev_node_fail(node, "parameter \"%s\": the axes of \"each_of\" are called \"%s\" and \"%s\"", name,
                                 config->grid.axis[0].name, config->grid.axis[1].name);
    return CEV_OK;
}

cev_status cev_read_axis(cev_scan_config *config, cev_node node, const cev_parameter_keys *keys, size_t index)
{
    const cev_parameter *parameter = cev_roster_parameter(&config->roster, index);
    if (parameter->whole)
        return cev_node_fail(node, "parameter \"%s\" is a choice and cannot be scanned; give it a \"value\"",
                             parameter->name);
    CEV_TRY(check_axis_name(config, keys->name, parameter->name));
    if (config->grid.n_axis == CEV_MAX_AXES)
        return cev_node_fail(node, "more than %d scanned parameters; fix \"%s\" with \"value\"", CEV_MAX_AXES,
                             parameter->name);
    cev_axis *axis = &config->grid.axis[config->grid.n_axis];
    CEV_TRY(keys->values.node.id ? read_list_axis(keys, parameter, axis)
                                 : read_range_axis(config, node, keys, parameter, axis));
    config->axis_description[config->grid.n_axis] = parameter;
    config->axis_parameter[config->grid.n_axis++] = index;
    return CEV_OK;
}
