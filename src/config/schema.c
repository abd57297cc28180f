/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed reading of YAML nodes by tables of keys. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "cevscan/yaml.h"

static const cev_key always_allowed = {.name = "citation", .type = CEV_KEY_PROSE},
                     name_of_model = {.name = "name", .type = CEV_KEY_TEXT, .required = true},
                     parameter_of_model = {.name = "parameter", .type = CEV_KEY_REAL};
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
    *out += 0; /* -0 is 0 */
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

/* --- texts ------------------------------------------------------------------------------------------------------ */

/* One character of a valid UTF-8 text, which libyaml has checked. */
static unsigned long next_character(const unsigned char **text)
{
    const unsigned char *t = *text;
    size_t more = *t < 0x80 ? 0 : *t < 0xe0 ? 1 : *t < 0xf0 ? 2 : 3;
    unsigned long c = more == 0 ? *t : *t & (0x3fU >> more);
    for (size_t k = 1; k <= more; k++) c = c << 6 | (t[k] & 0x3f);
    *text += more + 1;
    return c;
}

/* They would reach terminals, or come back from a map as something else. */
static bool is_control(unsigned long c, bool prose)
{
    if (c == '\n' || c == '\t') return !prose;
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe ||
           c == 0xffff;
}

cev_status cev_node_check_text(cev_node node, const char *key, bool prose)
{
    const unsigned char *text = (const unsigned char *)cev_node_text(node), *at = text;
    while ((size_t)(at - text) < cev_node_text_size(node)) {
        size_t place = (size_t)(at - text);
        unsigned long c = next_character(&at);
        if (is_control(c, prose))
            return cev_node_fail(node, "key \"%s\": control character U+%04lX after %zu bytes", key, c, place);
    }
    return CEV_OK;
}

static cev_status read_text(cev_node node, const cev_key *key, const char **out)
{
    *out = cev_node_text(node);
    if (!cev_node_is_scalar(node) || !cev_node_text_size(node))
        return cev_node_fail(node, "key \"%s\": expected a text, found %s", key->name, kind_of(node));
    return cev_node_check_text(node, key->name, key->type == CEV_KEY_PROSE);
}

/* --- tables of keys --------------------------------------------------------------------------------------------- */

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
    case CEV_KEY_TEXT:
    case CEV_KEY_PROSE: return read_text(node, key, to);
    case CEV_KEY_FLAG: return read_flag(node, key->name, to);
    case CEV_KEY_REALS: return cev_node_reals(arena, node, key, to);
    case CEV_KEY_NODE: *(cev_node *)to = node; return CEV_OK;
    }
    return CEV_OK;
}

/* What an absent key is read as. */
static void fill_in(const cev_key *key, void *to)
{
    if (!key->otherwise) return;
    switch (key->type) {
    case CEV_KEY_REAL: *(double *)to = strtod(key->otherwise, NULL); break;
    case CEV_KEY_COUNT: *(size_t *)to = (size_t)strtoull(key->otherwise, NULL, 10); break;
    case CEV_KEY_FLAG: *(bool *)to = !strcmp(key->otherwise, "true"); break;
    case CEV_KEY_TEXT:
    case CEV_KEY_PROSE: *(const char **)to = key->otherwise; break;
    case CEV_KEY_REALS:
    case CEV_KEY_NODE: break;
    }
}

static cev_status check_known(cev_node key, const char *what, const char *const *names, size_t n)
{
    char expected[256];
    for (size_t k = 0; k < n; k++)
        if (!strcmp(cev_node_text(key), names[k])) return CEV_OK;
    snprintf(expected, sizeof expected, "key of %s", what);
    return cev_node_fail_name(key, expected, names, n);
}

static const cev_key *find_key(const cev_key *key, size_t n, const char *name)
{
    for (size_t k = 0; k < n; k++)
        if (!strcmp(key[k].name, name)) return &key[k];
    return !strcmp(always_allowed.name, name) ? &always_allowed : NULL;
}

const cev_key *cev_key_below(const cev_key *key, const char *name)
{
    if (key->of) return find_key(key->of->key, key->of->n, name);
    if (!key->model) return key;
    if (!strcmp(name, name_of_model.name)) return &name_of_model;
    const cev_key *nested = find_key(key->model->nested, key->model->n_nested, name);
    return nested ? nested : &parameter_of_model;
}

cev_status cev_node_read(cev_arena *arena, cev_node node, const cev_table *table, void *out)
{
    const char *names[MOST_KEYS + 1];
    for (size_t k = 0; k < table->n; k++) names[k] = table->key[k].name;
    names[table->n] = always_allowed.name;
    if (!cev_node_is_mapping(node))
        return cev_node_fail(node, "%s: expected a mapping of keys, found %s", table->what, kind_of(node));
    for (size_t i = 0; i < cev_node_length(node); i++)
        CEV_TRY(check_known(cev_node_key(node, i), table->what, names, table->n + 1));
    for (size_t k = 0; k < table->n; k++) {
        const cev_key *key = &table->key[k];
        cev_node value = cev_node_find(node, key->name);
        if (value.id)
            CEV_TRY(read_key(arena, value, key, (char *)out + key->offset));
        else if (key->required)
            return cev_node_fail(node, "%s: key \"%s\" is missing", table->what, key->name);
        else
            fill_in(key, (char *)out + key->offset);
    }
    return CEV_OK;
}

/* --- models ----------------------------------------------------------------------------------------------------- */

static cev_status read_parameters(cev_node node, const char *what, const cev_card *card, double *parameter)
{
    const char *names[CEV_MAX_MODEL_PARAMETERS + CEV_MAX_NESTED + 2] = {name_of_model.name, always_allowed.name};
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

cev_status cev_node_read_model(cev_node node, const cev_family *family, size_t *index, double *parameter)
{
    const char *names[MOST_KEYS];
    const cev_card *card;
    cev_node name = cev_node_is_mapping(node) ? cev_node_find(node, name_of_model.name) : node;
    if (!name.id) return cev_node_fail(node, "%s: key \"name\" is missing", family->what);
    for (*index = 0; (card = family->card(*index)); ++*index) {
        names[*index] = card->name;
        if (strcmp(card->name, cev_node_text(name))) continue;
        cev_parameter_defaults(card->parameters, card->n_parameter, parameter);
        return read_parameters(node, family->what, card, parameter);
    }
    return cev_node_fail_name(name, family->what, names, *index);
}
