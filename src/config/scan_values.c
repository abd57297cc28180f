/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What bears on numbers in a scan, from what has been read: a parameter that is fixed at its default is not another
 * scan than one in which it is not named. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/formula.h"
#include "resolve.h"
#include "scan_correlations.h"

static const cev_key entry_key = {.name = "parameters", .type = CEV_KEY_NODE, .of = &cev_parameter_table};

static bool is_axis(const cev_scan_config *config, size_t parameter)
{
    for (size_t a = 0; a < config->grid.n_axis && !config->member_parameter; a++)
        if (config->axis_parameter[a] == parameter) return true;
    return false;
}

static bool is_profiled(const cev_roster *roster, size_t parameter)
{
    for (size_t k = 0; k < roster->n_profiled; k++)
        if (roster->profiled[k].index == parameter) return true;
    return false;
}

static bool follows(const cev_roster *roster, size_t parameter)
{
    for (size_t k = 0; k < roster->n_follower; k++)
        if (roster->follower[k].index == parameter) return true;
    return false;
}

/* Of the parameters that are not scanned, or not always, and have no other role. */
static bool add_fixed(const cev_scan_config *config, const double *value, json_t *to)
{
    for (size_t p = 0; p < cev_roster_n(&config->roster); p++)
        if (!isnan(value[p]) &&
            json_object_set_new(to, cev_roster_parameter(&config->roster, p)->name, cev_json_number(value[p])))
            return false;
    return true;
}

static void add_axis_keys(size_t axis, json_t *own)
{
    const char *scale = json_string_value(json_object_get(own, "scale"));
    json_object_set_new(own, "axis", json_integer((json_int_t)axis));
    if (!scale || strcmp(scale, cev_scale_names[CEV_SCALE_SYMLOG])) json_object_del(own, "linear_threshold");
    if (!scale && json_object_get(own, "min"))
        json_object_set_new(own, "scale", json_string(cev_scale_names[CEV_SCALE_LINEAR]));
}

/* Blanks mean nothing. */
static void add_formula_keys(json_t *own)
{
    const char *formula = json_string_value(json_object_get(own, "formula"));
    char text[CEV_MAX_FORMULA + 1];
    size_t n = 0;
    if (json_object_get(own, "equals") && !json_object_get(own, "times"))
        json_object_set_new(own, "times", json_real(1));
    if (!formula) return;
    for (; *formula && n < CEV_MAX_FORMULA; formula++)
        if (!strchr(" \t\n", *formula)) text[n++] = *formula;
    text[n] = '\0';
    json_object_set_new(own, "formula", json_string(text));
}

/* The number of a guest, since all are numbered, tells their order. */
static void add_guest_key(const cev_scan_config *config, const char *name, json_t *own)
{
    size_t p = cev_roster_index(&config->roster, name), first = config->interaction->card.n_parameter;
    if (p >= first && p < cev_roster_n(&config->roster))
        json_object_set_new(own, "guest", json_integer((json_int_t)(p - first)));
}

static bool add_entry(const cev_scan_config *config, size_t *axis, const json_t *item, json_t *to)
{
    json_t *own = cev_json_values(item, &entry_key);
    const char *name = json_string_value(json_object_get(own, "name"));
    if (!own) return false;
    if (json_object_get(own, "values") || json_object_get(own, "min")) add_axis_keys((*axis)++, own);
    add_formula_keys(own);
    if (name) add_guest_key(config, name, own);
    return !json_object_set_new(to, name ? name : "each_of", own);
}

json_t *cev_values_of_parameters(const cev_scan_config *config, const json_t *parameters)
{
    json_t *out = json_object();
    size_t axis = 0;
    bool complete = out && add_fixed(config, config->theta, out);
    for (size_t p = 0; complete && p < cev_roster_n(&config->roster); p++)
        if (is_axis(config, p) || is_profiled(&config->roster, p) || follows(&config->roster, p))
            json_object_del(out, cev_roster_parameter(&config->roster, p)->name);
    for (size_t k = 0; complete && k < json_array_size(parameters); k++) {
        const json_t *item = json_array_get(parameters, k);
        if (!json_object_get(item, "value")) complete = add_entry(config, &axis, item, out);
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

/* What is not there is nothing else than what changes nothing. */
int cev_normalise_values(json_t *values, const json_t *resolved)
{
    json_t *correlations = json_object_get(resolved, "correlations"),
           *pairs = correlations ? cev_values_of_correlations(correlations) : NULL;
    if (json_is_false(json_object_get(values, "store_profiled"))) json_object_del(values, "store_profiled");
    if (json_object_size(pairs)) return json_object_set_new(values, "correlations", pairs);
    json_decref(pairs);
    json_object_del(values, "correlations");
    return correlations && !pairs ? -1 : 0;
}

json_t *cev_values_of_scan(const cev_scan_config *config, const json_t *resolved)
{
    json_t *out = cev_json_values(resolved, &cev_scan_key);
    if (!out) return NULL;
    const json_t *without = json_object_get(out, "without_pulls");
    int failed = cev_normalise_values(out, resolved) ||
                 (without && json_object_set_new(out, "without_pulls", cev_values_of_names(without))) ||
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
