/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pulls that change shapes: the experiment as it is with them at one sigma on either side. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/experiment_number.h"
#include "experiment_pull_parts.h"

/* --- parameters ------------------------------------------------------------------------------------------------- */

static const char source_prefix[] = "source.";

/* "source.theta12_rad" */
static cev_status find_parameter(cev_arena *arena, cev_node node, cev_experiment *x, const cev_parameter **out,
                                 double **value)
{
    const char *const *names;
    size_t n;
    cev_experiment_number number = {0};
    *value = cev_experiment_number_place(x, cev_node_text(node), &number);
    *out = number.parameter;
    if (*value) return CEV_OK;
    CEV_TRY(cev_experiment_number_names(arena, x, &n, &names));
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

cev_status cev_read_pull_parameter(cev_arena *arena, cev_node node, const cev_experiment *experiment, cev_pull *out)
{
    if (!cev_node_is_scalar(node))
        return cev_node_fail(node, "key \"parameter\": expected a name, such as source.theta12_rad");
    if (out->constraint != CEV_CONSTRAINT_GAUSSIAN)
        return cev_node_fail(node,
                             "pull \"%s\" shifts a parameter in its own unit, and \"constraint\" \"%s\" is for those "
                             "that "
                             "scale%s",
                             out->name, cev_pull_constraint_names[out->constraint],
                             out->constraint == CEV_CONSTRAINT_NONE ? "; a scan can profile the parameter itself" : "");
    CEV_TRY(name_pull(node, out->name, shifted(arena, node, experiment, out->sigma, &out->up)));
    CEV_TRY(name_pull(node, out->name, shifted(arena, node, experiment, -out->sigma, &out->down)));
    bool of_source = !strncmp(cev_node_text(node), source_prefix, strlen(source_prefix));
    bool same = same_source(&out->up->source, &out->down->source) &&
                (!out->quadratic || same_source(&out->up->source, &experiment->source));
    if (of_source && same && cev_pull_is_there(out))
        return cev_node_fail(node, "pull \"%s\" changes nothing: the source is the same with \"%s\" one sigma away",
                             out->name, cev_node_text(node));
    return cev_arena_keep_text(arena, cev_node_text(node), &out->parameter);
}

/* --- shapes that are given -------------------------------------------------------------------------------------- */

/* One side of a shape that is given. */
typedef struct side_keys {
    cev_node bins, backgrounds;
} side_keys;

static const cev_key side_key[] = {
    CEV_KEY(side_keys, bins, .type = CEV_KEY_NODE),
    CEV_KEY(side_keys, backgrounds, .type = CEV_KEY_NODE),
};

const cev_table cev_pull_side_table = CEV_TABLE("side of a pull", side_key);

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
    cev_table table = cev_pull_side_table;
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

cev_status cev_read_pull_sides(cev_arena *arena, cev_node up, cev_node down, const cev_experiment *experiment,
                               cev_pull *out)
{
    CEV_TRY(read_side(arena, up, "up", experiment, &out->up));
    CEV_TRY(read_side(arena, down, "down", experiment, &out->down));
    if (!same_shapes(out->up, out->down)) return CEV_OK;
    if (out->quadratic && !same_shapes(out->up, experiment)) return CEV_OK;
    return cev_node_fail(down, "pull \"%s\" changes nothing: \"up\" and \"down\" are the same%s", out->name,
                         out->quadratic ? " as the experiment" : "");
}
