/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pulls: what is known of them, and what they act on. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "experiment_pull_parts.h"

typedef struct pull_keys {
    const char *name, *constraint, *interpolation;
    double sigma, minimum, maximum;
    cev_node scales, parameter, up, down;
} pull_keys;

static const cev_key weight_key = {.name = "scales", .type = CEV_KEY_REAL};

static const cev_key pull_key[] = {
    CEV_KEY(pull_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(pull_keys, sigma, .type = CEV_KEY_REAL, .minimum = 0, .maximum = 1e3),
    CEV_KEY(pull_keys, constraint, .type = CEV_KEY_TEXT),
    CEV_KEY(pull_keys, minimum, .type = CEV_KEY_REAL),
    CEV_KEY(pull_keys, maximum, .type = CEV_KEY_REAL),
    CEV_KEY(pull_keys, interpolation, .type = CEV_KEY_TEXT),
    CEV_KEY(pull_keys, scales, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .values = &weight_key),
    CEV_KEY(pull_keys, parameter, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(pull_keys, up, .type = CEV_KEY_NODE, .of = &cev_pull_side_table),
    CEV_KEY(pull_keys, down, .type = CEV_KEY_NODE, .of = &cev_pull_side_table),
};

static const char *const interpolation_names[] = {"linear", "quadratic"};

/* --- one configuration, however it is written ------------------------------------------------------------------- */

/* {signal: 1, steady: 1} is [signal, steady]. */
static json_t *plain_scales(json_t *scales)
{
    const char *name;
    json_t *weight, *list = json_array();
    bool plain = list != NULL;
    json_object_foreach (scales, name, weight)
        plain = plain && json_number_value(weight) == 1 && !json_array_append_new(list, json_string(name));
    if (plain) return list;
    json_decref(list);
    return json_incref(scales);
}

/* What is said as it is without being said. */
static bool complete_pull(json_t *values)
{
    json_t *scales = json_object_get(values, "scales");
    const char *constraint = json_string_value(json_object_get(values, "constraint"));
    const char *interpolation = json_string_value(json_object_get(values, "interpolation"));
    if (constraint && !strcmp(constraint, cev_pull_constraint_names[CEV_CONSTRAINT_GAUSSIAN]))
        json_object_del(values, "constraint");
    if (interpolation && !strcmp(interpolation, interpolation_names[0])) json_object_del(values, "interpolation");
    return !json_is_object(scales) || !json_object_set_new(values, "scales", plain_scales(scales));
}

const cev_table cev_pull_table = CEV_TABLE_WITH("pull", pull_key, .named_by = {"name"}, .complete = complete_pull);

/* --- what is known of it ---------------------------------------------------------------------------------------- */

static cev_status find_word(cev_node item, const char *key, const char *word, const char *const *names, size_t n,
                            size_t *out)
{
    *out = 0;
    while (word && *out < n && strcmp(names[*out], word)) ++*out;
    return *out < n ? CEV_OK : cev_node_fail_name(cev_node_find(item, key), key, names, n);
}

static cev_status read_sigma(cev_node item, const pull_keys *keys, cev_pull *out)
{
    enum { MOST_FACTOR = 3 }; /* above it a factor 1 + a is not known at all */
    cev_node node = cev_node_find(item, "sigma");
    const char *constraint = cev_pull_constraint_names[out->constraint];
    bool factor = out->constraint == CEV_CONSTRAINT_GAMMA || out->constraint == CEV_CONSTRAINT_LOGNORMAL;
    out->sigma = NAN;
    if (out->constraint == CEV_CONSTRAINT_NONE && node.id)
        return cev_node_fail(node, "key \"sigma\": a pull with constraint: none is free and has none; leave it out");
    if (out->constraint == CEV_CONSTRAINT_NONE) return CEV_OK;
    if (!node.id)
        return cev_node_fail(item, "pull: key \"sigma\" is missing (constraint: none for a pull that is free)");
    out->sigma = keys->sigma;
    if (factor && !(out->sigma > 0 && out->sigma <= MOST_FACTOR))
        return cev_node_fail(node,
                             "key \"sigma\": expected a number above 0, at most %d, for constraint \"%s\", found %s",
                             MOST_FACTOR, constraint, cev_node_text(node));
    if (out->sigma > 0 && out->sigma < 1e-9)
        return cev_node_fail(node,
                             "key \"sigma\": expected a number between 1e-9 and 1000, or 0 for no pull at all, found "
                             "%s",
                             cev_node_text(node));
    return CEV_OK;
}

/* Bounds that no fit could ever reach are refused like those that leave nothing to fit. */
static cev_status read_bounds(cev_node item, const pull_keys *keys, cev_pull *out)
{
    cev_node low = cev_node_find(item, "minimum"), high = cev_node_find(item, "maximum");
    bool factor = out->constraint == CEV_CONSTRAINT_GAMMA || out->constraint == CEV_CONSTRAINT_LOGNORMAL;
    out->bounded = low.id || high.id;
    out->minimum = low.id ? keys->minimum : -INFINITY;
    out->maximum = high.id ? keys->maximum : INFINITY;
    if (low.id && out->minimum > 0)
        return cev_node_fail(low,
                             "key \"minimum\": %s is above 0, which is what the file says of the counts; a pull is "
                             "a deviation from them, and at -1 what it scales has none",
                             cev_node_text(low));
    if (high.id && out->maximum < 0)
        return cev_node_fail(high,
                             "key \"maximum\": %s is below 0, which is what the file says of the counts; a pull is "
                             "a deviation from them",
                             cev_node_text(high));
    if (low.id && high.id && out->minimum == out->maximum)
        return cev_node_fail(high,
                             "pull \"%s\" has only one value, 0, between \"minimum\" and \"maximum\"; take it "
                             "away, or say sigma: 0",
                             keys->name);
    if (low.id && factor && out->minimum <= -1)
        return cev_node_fail(low, "key \"minimum\": changes nothing: constraint \"%s\" keeps the pull above -1",
                             cev_pull_constraint_names[out->constraint]);
    return CEV_OK;
}

static cev_status read_known(cev_node item, const pull_keys *keys, cev_pull *out)
{
    size_t constraint, interpolation;
    if (keys->constraint && !strcmp(keys->constraint, "free"))
        return cev_node_fail(cev_node_find(item, "constraint"),
                             "unknown constraint \"free\"; a pull that is free has constraint: none");
    CEV_TRY(find_word(item, "constraint", keys->constraint, cev_pull_constraint_names, CEV_N_CONSTRAINTS, &constraint));
    CEV_TRY(find_word(item, "interpolation", keys->interpolation, interpolation_names, CEV_LENGTH(interpolation_names),
                      &interpolation));
    if (keys->interpolation && keys->scales.id)
        return cev_node_fail(cev_node_find(item, "interpolation"), "key \"interpolation\": changes nothing beside "
                                                                   "\"scales\": counts are scaled by 1 + a; it is "
                                                                   "for \"parameter\", or \"up\" and \"down\"");
    out->constraint = (cev_pull_constraint)constraint;
    out->quadratic = interpolation == 1;
    CEV_TRY(read_sigma(item, keys, out));
    return read_bounds(item, keys, out);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static cev_status check_keys(cev_node item, const pull_keys *keys, size_t p, const char *const *others)
{
    if (strlen(keys->name) > 100 || strchr(keys->name, '/'))
        return cev_node_fail(item, "the name of a pull has at most 100 letters and no slash");
    for (size_t k = 0; k < p; k++)
        if (!strcmp(others[k], keys->name)) return cev_node_fail(item, "pull \"%s\" is given twice", keys->name);
    if ((keys->scales.id != 0) + (keys->parameter.id != 0) + (keys->up.id || keys->down.id) != 1)
        return cev_node_fail(item,
                             "pull \"%s\": expected one of the keys \"scales\", \"parameter\", or \"up\" and \"down\"",
                             keys->name);
    if (!keys->up.id != !keys->down.id)
        return cev_node_fail(item, "pull \"%s\": \"up\" and \"down\" come together", keys->name);
    return CEV_OK;
}

static cev_status read_pull(cev_arena *arena, cev_node item, const pull_keys *keys, const cev_experiment *experiment,
                            cev_pull *out)
{
    *out = (cev_pull){0};
    CEV_TRY(cev_arena_keep_text(arena, keys->name, &out->name));
    CEV_TRY(read_known(item, keys, out));
    if (keys->scales.id) return cev_read_pull_scales(arena, keys->scales, experiment, out);
    if (keys->parameter.id) return cev_read_pull_parameter(arena, keys->parameter, experiment, out);
    return cev_read_pull_sides(arena, keys->up, keys->down, experiment, out);
}

static cev_status check_room(cev_node item, const cev_experiment *x, size_t n_shape)
{
    if (1 + x->n_background + n_shape <= CEV_MAX_COMPONENTS) return CEV_OK;
    return cev_node_fail(item,
                         "key \"pulls\": %zu backgrounds and %zu pulls that change shapes or scale parts of the signal "
                         "(quadratic ones count twice); at most %d together are possible",
                         x->n_background, n_shape, CEV_MAX_COMPONENTS - 1);
}

cev_status cev_read_pulls(cev_arena *arena, cev_node node, cev_experiment *out)
{
    cev_pull *pull;
    const char **name;
    size_t n = cev_node_length(node), n_shape = 0, kept = 0;
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node)) return cev_node_fail(node, "key \"pulls\": expected a list");
    if (n > CEV_MAX_PULLS) return cev_node_fail(node, "key \"pulls\": at most %d are possible", CEV_MAX_PULLS);
    CEV_TRY(cev_new(arena, n, &pull));
    CEV_TRY(cev_new(arena, n, &name));
    for (size_t p = 0; p < n; p++) {
        pull_keys keys = {0};
        cev_node item = cev_node_item(node, p);
        CEV_TRY(cev_node_read(arena, item, &cev_pull_table, &keys));
        CEV_TRY(check_keys(item, &keys, p, name));
        CEV_TRY(read_pull(arena, item, &keys, out, &pull[kept]));
        name[p] = pull[kept].name;
        n_shape += cev_pull_n_shape(&pull[kept]);
        CEV_TRY(check_room(item, out, n_shape));
        kept += cev_pull_is_there(&pull[kept]); /* sigma: 0 is as if it were not written */
    }
    out->n_pull = kept;
    out->pull = pull;
    return CEV_OK;
}
