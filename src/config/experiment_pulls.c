/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pulls: what they scale, or the experiment as it is with them at one sigma on either side. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "experiment_parts.h"

/* One side of a shape that is given. */
typedef struct side_keys {
    cev_node bins, backgrounds;
} side_keys;

static const cev_key side_key[] = {
    CEV_KEY(side_keys, bins, .type = CEV_KEY_NODE),
    CEV_KEY(side_keys, backgrounds, .type = CEV_KEY_NODE),
};

static const cev_table side_table = CEV_TABLE("side of a pull", side_key);

typedef struct pull_keys {
    const char *name;
    double sigma;
    cev_node scales, parameter, up, down;
} pull_keys;

static const cev_key pull_key[] = {
    CEV_KEY(pull_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(pull_keys, sigma, .type = CEV_KEY_REAL, .required = true, .minimum = 1e-9, .maximum = 1e3),
    CEV_KEY(pull_keys, scales, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(pull_keys, parameter, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(pull_keys, up, .type = CEV_KEY_NODE, .of = &side_table),
    CEV_KEY(pull_keys, down, .type = CEV_KEY_NODE, .of = &side_table),
};

const cev_table cev_pull_table = CEV_TABLE_WITH("pull", pull_key, .named_by = {"name"});

/* --- scales ----------------------------------------------------------------------------------------------------- */

/* It may be a background that the base of this experiment had. */
static cev_status no_component(cev_node item, const char *pull, const char *const *names, size_t n)
{
    char message[1024];
    cev_status status = cev_node_fail_name(item, "component", names, n);
    snprintf(message, sizeof message, "%s", cev_error_message());
    return cev_fail(status,
                    "%s; pull \"%s\" scales it: where the background was taken away, take it from \"scales\", "
                    "or the pull away as well",
                    message, pull);
}

static cev_status read_scales(cev_arena *arena, cev_node node, const cev_experiment *experiment, cev_pull *out)
{
    const char *names[CEV_MAX_COMPONENTS] = {"signal"};
    size_t *component, n_name = experiment->n_background + 1, n = cev_node_length(node);
    for (size_t b = 0; b < experiment->n_background; b++) names[b + 1] = experiment->background[b].name;
    if (!cev_node_is_sequence(node) || n == 0)
        return cev_node_fail(node, "key \"scales\": expected a list of components (signal, or names of backgrounds)");
    CEV_TRY(cev_new(arena, n, &component));
    for (size_t k = 0; k < n; k++) {
        cev_node item = cev_node_item(node, k);
        size_t c = 0;
        while (c < n_name && strcmp(names[c], cev_node_text(item))) c++;
        if (c == n_name) return no_component(item, out->name, names, n_name);
        for (size_t j = 0; j < k; j++)
            if (component[j] == c) return cev_node_fail(item, "component \"%s\" is listed twice", names[c]);
        component[k] = c;
    }
    out->n_component = n;
    out->component = component;
    return CEV_OK;
}

/* --- parameters ------------------------------------------------------------------------------------------------- */

/* A model of an experiment, with the name that its parameters have in pulls. */
typedef struct part {
    const char *name;
    const cev_card *card; /* NULL: the experiment has none */
    double *parameter;
} part;

enum { N_PARTS = 6, MOST_NAME = 128 };
static const char source_prefix[] = "source.";

static void list_parts(cev_experiment *x, part list[N_PARTS])
{
    bool pieces = x->response.kind->made_of_pieces;
    list[0] = (part){"source", &x->source.kind->card, x->source.parameter};
    list[1] = (part){"form_factor", &x->target.form_factor.kind->card, x->target.form_factor.parameter};
    list[2] = (part){"response", &x->response.kind->card, x->response.parameter};
    list[3] = (part){"quenching", pieces ? &x->response.quenching.kind->card : NULL, x->response.quenching.parameter};
    list[4] = (part){"smearing", pieces ? &x->response.smearing.kind->card : NULL, x->response.smearing.parameter};
    list[5] = (part){"efficiency", pieces ? &x->response.efficiency.kind->card : NULL,
                     x->response.efficiency.parameter};
}

/* "source.theta12_rad" */
static cev_status find_parameter(cev_arena *arena, cev_node node, cev_experiment *x, const cev_parameter **out,
                                 double **value)
{
    part list[N_PARTS];
    const char *names[N_PARTS * CEV_MAX_MODEL_PARAMETERS];
    size_t n = 0;
    list_parts(x, list);
    for (size_t k = 0; k < N_PARTS; k++)
        for (size_t p = 0; list[k].card && p < list[k].card->n_parameter; p++) {
            char name[MOST_NAME];
            snprintf(name, sizeof name, "%s.%s", list[k].name, list[k].card->parameters[p].name);
            if (!strcmp(name, cev_node_text(node))) {
                *out = &list[k].card->parameters[p];
                *value = &list[k].parameter[p];
                return CEV_OK;
            }
            CEV_TRY(cev_arena_keep_text(arena, name, &names[n++]));
        }
    return cev_node_fail_name(node, "parameter", names, n);
}

/* Whether it is one that a spectrum, and nothing else, depends on smoothly. */
static cev_status check_parameter(cev_node node, const cev_experiment *x, const cev_parameter *parameter,
                                  const double *value)
{
    const cev_source_kind *source = x->source.kind;
    if (parameter->whole)
        return cev_node_fail(node, "parameter \"%s\" is a choice, and no pull can shift it", cev_node_text(node));
    if (isnan(*value))
        return cev_node_fail(node, "parameter \"%s\" has no value here that a pull could shift", cev_node_text(node));
    if (source->scan_parameter && value == &x->source.parameter[source->normalisation])
        return cev_node_fail(node,
                             "parameter \"%s\" changes no shape, and scans may set it: a pull that \"scales\" the "
                             "signal does that",
                             cev_node_text(node));
    if (value == &x->response.parameter[CEV_RESPONSE_THRESHOLD_KEV] &&
        x->response.kind->observable == CEV_OBSERVABLE_RECOIL_KEV)
        return cev_node_fail(node, "parameter \"%s\": the bins begin there, so no pull can shift it",
                             cev_node_text(node));
    return CEV_OK;
}

/* The experiment with the parameter `shift` away from where it is. */
static cev_status shifted(cev_arena *arena, cev_node node, const cev_experiment *x, double shift,
                          const cev_experiment **out)
{
    cev_experiment *copy;
    const cev_parameter *parameter;
    double *value;
    CEV_TRY(cev_new(arena, 1, &copy));
    *copy = *x;
    CEV_TRY(find_parameter(arena, node, copy, &parameter, &value));
    CEV_TRY(check_parameter(node, copy, parameter, value));
    double at = *value + shift;
    const char *complaint = cev_parameter_complaint(parameter, at);
    if (!(at >= parameter->minimum && at <= parameter->maximum))
        return cev_node_fail(node, "parameter \"%s\" is %g; one sigma away, at %g, it leaves its range from %g to %g",
                             cev_node_text(node), *value, at, parameter->minimum, parameter->maximum);
    if (complaint)
        return cev_node_fail(node, "parameter \"%s\": expected %s, but one sigma away it is %g", cev_node_text(node),
                             complaint, at);
    *value = at;
    if (!strncmp(cev_node_text(node), source_prefix, strlen(source_prefix)))
        CEV_TRY(cev_check_source(arena, node, &copy->source));
    CEV_TRY(cev_check_quenching(node, &copy->response, cev_experiment_recoil_max_keV(&copy->source, &copy->target)));
    *out = copy;
    return CEV_OK;
}

/* Of several pulls that shift a parameter, the message names the one. */
static cev_status name_pull(cev_node node, const char *name, cev_status status)
{
    char message[1024];
    if (status != CEV_E_INPUT) return status;
    snprintf(message, sizeof message, "%s", cev_error_message());
    cev_node_fail(node, "%s", "");
    size_t place = strlen(cev_error_message());
    bool here = !strncmp(message, cev_error_message(), place);
    return here ? cev_node_fail(node, "pull \"%s\": %s", name, message + place) : cev_fail(status, "%s", message);
}

/* A latitude, say, where only the day counts. */
static bool same_source(const cev_source *a, const cev_source *b)
{
    bool same = !a->kind->n_table || !memcmp(a->table, b->table, a->kind->n_table * sizeof *a->table);
    for (size_t c = 0; c < a->kind->n_component; c++)
        same &= a->kind->fluence_per_cm2(a, c) == b->kind->fluence_per_cm2(b, c);
    return same;
}

static cev_status read_parameter(cev_arena *arena, cev_node node, const cev_experiment *experiment, cev_pull *out)
{
    if (!cev_node_is_scalar(node))
        return cev_node_fail(node, "key \"parameter\": expected a name, such as source.theta12_rad");
    CEV_TRY(name_pull(node, out->name, shifted(arena, node, experiment, out->sigma, &out->up)));
    CEV_TRY(name_pull(node, out->name, shifted(arena, node, experiment, -out->sigma, &out->down)));
    bool of_source = !strncmp(cev_node_text(node), source_prefix, strlen(source_prefix));
    if (of_source && same_source(&out->up->source, &out->down->source))
        return cev_node_fail(node, "pull \"%s\" changes nothing: the source is the same with \"%s\" one sigma away",
                             out->name, cev_node_text(node));
    return cev_arena_keep_text(arena, cev_node_text(node), &out->parameter);
}

/* --- shapes that are given -------------------------------------------------------------------------------------- */

static cev_status read_other_table(cev_arena *arena, cev_node node, cev_response *response)
{
    size_t n_bin;
    if (!response->kind->tabulated) return cev_node_fail(node, "key \"bins\": only a response \"table\" has some");
    CEV_TRY(cev_read_table_rows(arena, node, response->table.n_recoil, &n_bin, &response->table.value));
    if (n_bin == response->table.n_bin) return CEV_OK;
    return cev_node_fail(node, "key \"bins\": %zu bins, but the response has %zu", n_bin, response->table.n_bin);
}

/* {NAME: [counts in each bin]} for those that change. */
static cev_status read_other_backgrounds(cev_arena *arena, cev_node node, cev_experiment *x)
{
    static const cev_key counts_key = {.name = "backgrounds", .type = CEV_KEY_REALS, .minimum = 0, .maximum = 1e12};
    cev_background *background;
    const char *names[CEV_MAX_COMPONENTS];
    if (!cev_node_is_mapping(node)) return cev_node_fail(node, "key \"backgrounds\": expected {NAME: [counts], ...}");
    CEV_TRY(cev_new(arena, x->n_background, &background));
    for (size_t b = 0; b < x->n_background; b++) {
        background[b] = x->background[b];
        names[b] = x->background[b].name;
    }
    for (size_t k = 0; k < cev_node_length(node); k++) {
        cev_node key = cev_node_key(node, k);
        cev_reals counts = {0};
        size_t b = 0;
        while (b < x->n_background && strcmp(names[b], cev_node_text(key))) b++;
        if (b == x->n_background) return cev_node_fail_name(key, "background", names, b);
        CEV_TRY(cev_node_reals(arena, cev_node_value(node, k), &counts_key, &counts));
        if (counts.n != x->bins.n_bin)
            return cev_node_fail(counts.node, "background \"%s\": %zu counts for %zu bins", names[b], counts.n,
                                 x->bins.n_bin);
        background[b].counts = counts.value;
    }
    x->background = background;
    return CEV_OK;
}

static cev_status read_side(cev_arena *arena, cev_node node, const char *what, const cev_experiment *x,
                            const cev_experiment **out)
{
    cev_experiment *copy;
    side_keys keys = {0};
    CEV_TRY(cev_new(arena, 1, &copy));
    *copy = *x;
    cev_table table = side_table;
    table.what = what;
    CEV_TRY(cev_node_read(arena, node, &table, &keys));
    if (!keys.bins.id && !keys.backgrounds.id)
        return cev_node_fail(node, "key \"%s\": expected \"bins\" of the response, or \"backgrounds\"", what);
    if (keys.bins.id) CEV_TRY(read_other_table(arena, keys.bins, &copy->response));
    if (keys.backgrounds.id) CEV_TRY(read_other_backgrounds(arena, keys.backgrounds, copy));
    *out = copy;
    return CEV_OK;
}

static bool same_shapes(const cev_experiment *a, const cev_experiment *b)
{
    size_t n_bin = a->bins.n_bin, n_value = a->response.table.n_recoil * a->response.table.n_bin;
    bool same = !n_value || !memcmp(a->response.table.value, b->response.table.value, n_value * sizeof(double));
    for (size_t k = 0; k < a->n_background && same; k++)
        same = !memcmp(a->background[k].counts, b->background[k].counts, n_bin * sizeof(double));
    return same;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static cev_status check_keys(cev_node item, const pull_keys *keys, size_t p, const cev_pull *others)
{
    if (strlen(keys->name) > 100 || strchr(keys->name, '/'))
        return cev_node_fail(item, "the name of a pull has at most 100 letters and no slash");
    for (size_t k = 0; k < p; k++)
        if (!strcmp(others[k].name, keys->name)) return cev_node_fail(item, "pull \"%s\" is given twice", keys->name);
    if ((keys->scales.id != 0) + (keys->parameter.id != 0) + (keys->up.id || keys->down.id) != 1)
        return cev_node_fail(item,
                             "pull \"%s\": expected one of the keys \"scales\", \"parameter\", or \"up\" and \"down\"",
                             keys->name);
    if (!keys->up.id != !keys->down.id)
        return cev_node_fail(item, "pull \"%s\": \"up\" and \"down\" come together", keys->name);
    return CEV_OK;
}

static cev_status read_pull(cev_arena *arena, const pull_keys *keys, const cev_experiment *experiment, cev_pull *out)
{
    CEV_TRY(cev_arena_keep_text(arena, keys->name, &out->name));
    out->sigma = keys->sigma;
    if (keys->scales.id) return read_scales(arena, keys->scales, experiment, out);
    if (keys->parameter.id) return read_parameter(arena, keys->parameter, experiment, out);
    CEV_TRY(read_side(arena, keys->up, "up", experiment, &out->up));
    CEV_TRY(read_side(arena, keys->down, "down", experiment, &out->down));
    if (!same_shapes(out->up, out->down)) return CEV_OK;
    return cev_node_fail(keys->down, "pull \"%s\" changes nothing: \"up\" and \"down\" are the same", out->name);
}

cev_status cev_read_pulls(cev_arena *arena, cev_node node, cev_experiment *out)
{
    cev_pull *pull;
    size_t n = cev_node_length(node), n_shape = 0;
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node)) return cev_node_fail(node, "key \"pulls\": expected a list");
    if (n > CEV_MAX_PULLS) return cev_node_fail(node, "key \"pulls\": at most %d are possible", CEV_MAX_PULLS);
    CEV_TRY(cev_new(arena, n, &pull));
    for (size_t p = 0; p < n; p++) {
        pull_keys keys = {0};
        cev_node item = cev_node_item(node, p);
        CEV_TRY(cev_node_read(arena, item, &cev_pull_table, &keys));
        CEV_TRY(check_keys(item, &keys, p, pull));
        n_shape += !keys.scales.id;
        if (1 + out->n_background + n_shape > CEV_MAX_COMPONENTS)
            return cev_node_fail(item,
                                 "key \"pulls\": %zu backgrounds and %zu pulls that change shapes; at most %d together "
                                 "are possible",
                                 out->n_background, n_shape, CEV_MAX_COMPONENTS - 1);
        CEV_TRY(read_pull(arena, &keys, out, &pull[p]));
    }
    out->n_pull = n;
    out->pull = pull;
    return CEV_OK;
}
