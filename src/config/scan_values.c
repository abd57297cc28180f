/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What bears on numbers in a scan, from what has been read: a parameter that is fixed at its default is not another
 * scan than one in which it is not named. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "scan_parts.h"

static bool is_axis(const cev_scan_config *config, size_t parameter)
{
    for (size_t a = 0; a < config->grid.n_axis && !config->member_parameter; a++)
        if (config->axis_parameter[a] == parameter) return true;
    return false;
}

/* Of the parameters that are not scanned, or not always. */
static bool add_fixed(const cev_scan_config *config, const double *value, json_t *to)
{
    const cev_card *card = &config->interaction->card;
    for (size_t p = 0; p < card->n_parameter; p++)
        if (!isnan(value[p]) && json_object_set_new(to, card->parameters[p].name, cev_json_number(value[p])))
            return false;
    return true;
}

static bool add_axis(size_t axis, const json_t *item, json_t *to)
{
    static const cev_key key = {.name = "parameters", .type = CEV_KEY_NODE, .of = &cev_parameter_table};
    json_t *own = cev_json_values(item, &key);
    const char *name = json_string_value(json_object_get(own, "name")),
               *scale = json_string_value(json_object_get(own, "scale"));
    if (!own || json_object_set_new(own, "axis", json_integer((json_int_t)axis))) {
        json_decref(own);
        return false;
    }
    if (!scale || strcmp(scale, cev_scale_names[CEV_SCALE_SYMLOG])) json_object_del(own, "linear_threshold");
    if (!scale && json_object_get(own, "min"))
        json_object_set_new(own, "scale", json_string(cev_scale_names[CEV_SCALE_LINEAR]));
    return !json_object_set_new(to, name ? name : "each_of", own);
}

json_t *cev_values_of_parameters(const cev_scan_config *config, const json_t *parameters)
{
    json_t *out = json_object();
    size_t axis = 0;
    bool complete = out && add_fixed(config, config->theta, out);
    for (size_t p = 0; complete && p < config->interaction->card.n_parameter; p++)
        if (is_axis(config, p)) json_object_del(out, config->interaction->card.parameters[p].name);
    for (size_t k = 0; complete && k < json_array_size(parameters); k++) {
        const json_t *item = json_array_get(parameters, k);
        if (!json_object_get(item, "value")) complete = add_axis(axis++, item, out);
    }
    if (complete) return out;
    json_decref(out);
    return NULL;
}

/* Observed counts know no truth. */
json_t *cev_values_of_data(const cev_scan_config *config)
{
    json_t *out = json_object(), *truth = json_object(), *observed = json_array();
    bool complete = out && truth && observed;
    if (complete && config->data != CEV_DATA_OBSERVED) complete = add_fixed(config, config->truth, truth);
    for (size_t e = 0; complete && e < config->n_experiment; e++)
        if (config->observed[e]) complete = !json_array_append_new(observed, json_string(config->experiment[e]->name));
    complete = complete && !json_object_set(out, "asimov", truth) && !json_object_set(out, "observed", observed);
    json_decref(truth);
    json_decref(observed);
    if (complete) return out;
    json_decref(out);
    return NULL;
}

/* Fits begin at nodes of their own tile. */
json_t *cev_values_of_tile(const cev_scan_config *config)
{
    json_t *out = json_array();
    for (size_t a = 0; out && a < config->grid.n_axis; a++)
        json_array_append_new(out, json_integer((json_int_t)config->grid.tile_side[a]));
    return out;
}

/* Their order does not matter. */
json_t *cev_values_of_names(const json_t *list)
{
    json_t *out = json_object();
    for (size_t k = 0; out && k < json_array_size(list); k++)
        json_object_set_new(out, json_string_value(json_array_get(list, k)), json_true());
    return out;
}

json_t *cev_values_of_scan(const cev_scan_config *config, const json_t *resolved)
{
    json_t *out = cev_json_values(resolved, &cev_scan_key);
    if (!out) return NULL;
    const json_t *without = json_object_get(out, "without_pulls");
    int failed = (without && json_object_set_new(out, "without_pulls", cev_values_of_names(without))) ||
                 json_object_set_new(out, "parameters",
                                     cev_values_of_parameters(config, json_object_get(resolved, "parameters"))) ||
                 json_object_set_new(out, "data", cev_values_of_data(config)) ||
                 json_object_set_new(out, "tile", cev_values_of_tile(config));
    if (!failed) return out;
    json_decref(out);
    return NULL;
}

cev_status cev_seal_scan(cev_scan_config *config, const json_t *resolved)
{
    json_t *values = cev_values_of_scan(config, resolved);
    if (!values) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_json_identity(values, &config->identity);
    json_decref(values);
    return status == CEV_OK ? cev_json_text(config->arena, resolved, &config->resolved) : status;
}
