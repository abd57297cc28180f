/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed reading of YAML nodes by tables of keys. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "cevscan/yaml.h"

static const char always_allowed[] = "citation";
enum { MOST_KEYS = 64 };

static const char *kind_of(cev_node node)
{
    if (cev_node_is_mapping(node)) return "a mapping";
    if (cev_node_is_sequence(node)) return "a list";
    return cev_node_text(node)[0] ? cev_node_text(node) : "nothing";
}

cev_status cev_node_fail_name(cev_node node, const char *what, const char *const *names, size_t n)
{
    char list[1024] = "";
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(list);
        if (used + strlen(names[i]) + 8 > sizeof list) {
            snprintf(list + used, sizeof list - used, ", ...");
            break;
        }
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *word = cev_node_text(node), *nearest = cev_nearest(word, names, n);
    if (nearest)
        return cev_node_fail(node, "unknown %s \"%s\"; did you mean \"%s\"? (known: %s)", what, word, nearest, list);
    return cev_node_fail(node, "unknown %s \"%s\" (known: %s)", what, kind_of(node), list);
}

static bool parse_real(cev_node node, double *out)
{
    const char *text = cev_node_text(node);
    char *end;
    if (!cev_node_is_scalar(node) || cev_node_is_quoted(node) || !*text) return false;
    *out = strtod(text, &end);
    return end != text && !*end;
}

cev_status cev_node_real(cev_node node, const char *key, double minimum, double maximum, double *out)
{
    if (!parse_real(node, out))
        return cev_node_fail(node, "key \"%s\": expected a number, found %s", key, kind_of(node));
    if (!isfinite(*out))
        return cev_node_fail(node, "key \"%s\": expected a finite number, found %s", key, kind_of(node));
    if (*out < minimum || *out > maximum)
        return cev_node_fail(node, "key \"%s\": expected a number between %g and %g, found %s", key, minimum, maximum,
                             kind_of(node));
    return CEV_OK;
}

cev_status cev_node_count(cev_node node, const char *key, size_t minimum, size_t maximum, size_t *out)
{
    double x;
    if (!parse_real(node, &x) || !(x >= 0) || x > 9e15 || x != floor(x))
        return cev_node_fail(node, "key \"%s\": expected a whole number, found %s", key, kind_of(node));
    *out = (size_t)x;
    if (*out < minimum || *out > maximum)
        return cev_node_fail(node, "key \"%s\": expected a whole number between %zu and %zu, found %s", key, minimum,
                             maximum, kind_of(node));
    return CEV_OK;
}

static cev_status read_flag(cev_node node, const char *key, bool *out)
{
    const char *text = cev_node_text(node);
    *out = !strcmp(text, "true");
    if (*out || !strcmp(text, "false")) return CEV_OK;
    return cev_node_fail(node, "key \"%s\": expected true or false, found %s", key, kind_of(node));
}

static cev_status read_text(cev_node node, const char *key, const char **out)
{
    *out = cev_node_text(node);
    if (cev_node_is_scalar(node) && **out) return CEV_OK;
    return cev_node_fail(node, "key \"%s\": expected a text, found %s", key, kind_of(node));
}

static void bounds_of(const cev_key *key, double *minimum, double *maximum)
{
    bool any = key->minimum == 0 && key->maximum == 0;
    *minimum = any ? -INFINITY : key->minimum;
    *maximum = any ? INFINITY : key->maximum;
}

cev_status cev_node_reals(cev_arena *arena, cev_node node, const cev_key *key, cev_reals *out)
{
    double minimum, maximum;
    bounds_of(key, &minimum, &maximum);
    if (!cev_node_is_sequence(node))
        return cev_node_fail(node, "key \"%s\": expected a list of numbers, found %s", key->name, kind_of(node));
    out->node = node;
    out->n = cev_node_length(node);
    CEV_TRY(cev_new(arena, out->n, &out->value));
    for (size_t i = 0; i < out->n; i++)
        CEV_TRY(cev_node_real(cev_node_item(node, i), key->name, minimum, maximum, &out->value[i]));
    return CEV_OK;
}

static cev_status read_key(cev_arena *arena, cev_node node, const cev_key *key, void *to)
{
    double minimum, maximum;
    bounds_of(key, &minimum, &maximum);
    switch (key->type) {
    case CEV_KEY_REAL: return cev_node_real(node, key->name, minimum, maximum, to);
    case CEV_KEY_COUNT:
        return cev_node_count(node, key->name, minimum > 0 ? (size_t)minimum : 0,
                              maximum < 9e15 ? (size_t)maximum : (size_t)9e15, to);
    case CEV_KEY_TEXT: return read_text(node, key->name, to);
    case CEV_KEY_FLAG: return read_flag(node, key->name, to);
    case CEV_KEY_REALS: return cev_node_reals(arena, node, key, to);
    case CEV_KEY_NODE: *(cev_node *)to = node; return CEV_OK;
    }
    return CEV_OK;
}

static cev_status check_known(cev_node key, const char *what, const char *const *names, size_t n)
{
    char expected[256];
    for (size_t k = 0; k < n; k++)
        if (!strcmp(cev_node_text(key), names[k])) return CEV_OK;
    snprintf(expected, sizeof expected, "key of %s", what);
    return cev_node_fail_name(key, expected, names, n);
}

cev_status cev_node_read(cev_arena *arena, cev_node node, const char *what, const cev_key *key, size_t n_key, void *out)
{
    const char *names[MOST_KEYS + 1];
    for (size_t k = 0; k < n_key; k++) names[k] = key[k].name;
    names[n_key] = always_allowed;
    if (!cev_node_is_mapping(node))
        return cev_node_fail(node, "%s: expected a mapping of keys, found %s", what, kind_of(node));
    for (size_t i = 0; i < cev_node_length(node); i++)
        CEV_TRY(check_known(cev_node_key(node, i), what, names, n_key + 1));
    for (size_t k = 0; k < n_key; k++) {
        cev_node value = cev_node_find(node, key[k].name);
        if (value.id)
            CEV_TRY(read_key(arena, value, &key[k], (char *)out + key[k].offset));
        else if (key[k].required)
            return cev_node_fail(node, "%s: key \"%s\" is missing", what, key[k].name);
    }
    return CEV_OK;
}

static cev_status read_parameters(cev_node node, const char *what, const cev_card *card, double *parameter)
{
    const char *names[CEV_MAX_MODEL_PARAMETERS + CEV_MAX_NESTED + 2] = {"name", always_allowed};
    size_t n_name = 2;
    for (size_t p = 0; p < card->n_parameter; p++) names[n_name++] = card->parameters[p].name;
    for (size_t k = 0; k < card->n_nested; k++) names[n_name++] = card->nested[k];
    char title[128];
    snprintf(title, sizeof title, "%s \"%s\"", what, card->name);
    for (size_t i = 0; i < cev_node_length(node); i++)
        CEV_TRY(check_known(cev_node_key(node, i), title, names, n_name));
    for (size_t k = 0; k < card->n_nested; k++)
        if (!cev_node_is_mapping(node) || !cev_node_find(node, card->nested[k]).id)
            return cev_node_fail(node, "%s: key \"%s\" is missing", title, card->nested[k]);
    for (size_t p = 0; p < card->n_parameter; p++) {
        const cev_parameter *d = &card->parameters[p];
        cev_node value = cev_node_find(node, d->name);
        if (value.id) CEV_TRY(cev_node_real(value, d->name, d->minimum, d->maximum, &parameter[p]));
        const char *complaint = value.id ? cev_parameter_complaint(d, parameter[p]) : NULL;
        if (complaint)
            return cev_node_fail(value, "key \"%s\": expected %s, found %s", d->name, complaint, cev_node_text(value));
        if (isnan(parameter[p]) && !d->optional)
            return cev_node_fail(node, "%s: key \"%s\" is missing: %s", title, d->name, d->help);
    }
    return CEV_OK;
}

cev_status cev_node_read_model(cev_node node, const char *what, const cev_card *const *cards, size_t n_card,
                               size_t *index, double *parameter)
{
    const char *names[MOST_KEYS];
    cev_node name = cev_node_is_mapping(node) ? cev_node_find(node, "name") : node;
    if (!name.id) return cev_node_fail(node, "%s: key \"name\" is missing", what);
    for (*index = 0; *index < n_card; ++*index) {
        const cev_card *card = cards[*index];
        names[*index] = card->name;
        if (strcmp(card->name, cev_node_text(name))) continue;
        cev_parameter_defaults(card->parameters, card->n_parameter, parameter);
        return read_parameters(node, what, card, parameter);
    }
    return cev_node_fail_name(name, what, names, n_card);
}
