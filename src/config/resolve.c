/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NODES = 1000000, MOST_TEXT = 1 << 24 };

/* Aliases are expanded, so a small file can stand for a huge tree: the conversion counts what it makes. */
typedef struct budget {
    size_t nodes, text;
} budget;

/* --- as it is written ------------------------------------------------------------------------------------------- */

static cev_key_type scalars_of(const cev_key *key)
{
    return key->type == CEV_KEY_NODE ? key->scalars : key->type == CEV_KEY_REALS ? CEV_KEY_REAL : key->type;
}

static bool is_prose(cev_key_type type)
{
    return type == CEV_KEY_PROSE || type == CEV_KEY_TITLE;
}

static cev_status scalar_json(cev_node node, const cev_key *key, json_t **out)
{
    const char *text = cev_node_text(node);
    double x = 0;
    bool number = cev_node_number(node, &x) && isfinite(x), flag;
    switch (scalars_of(key)) {
    case CEV_KEY_FLAG:
        if (cev_node_flag(node, &flag)) *out = json_boolean(flag);
        if (*out) return CEV_OK;
        break;
    case CEV_KEY_REAL:
        if (number) *out = json_real(x);
        if (number) return CEV_OK;
        break;
    case CEV_KEY_COUNT:
        if (number && fabs(x) < 9e15) *out = json_integer((json_int_t)x);
        if (*out) return CEV_OK;
        break;
    default: break;
    }
    CEV_TRY(cev_node_check_text(node, key->name, is_prose(scalars_of(key))));
    *out = json_string(text);
    return CEV_OK;
}

static cev_status convert(cev_node node, const cev_key *key, budget *b, json_t **out);

static cev_status convert_children(cev_node node, const cev_key *key, budget *b, json_t *to)
{
    bool mapping = cev_node_is_mapping(node);
    for (size_t i = 0; i < cev_node_length(node); i++) {
        json_t *child = NULL;
        const char *name = mapping ? cev_node_text(cev_node_key(node, i)) : "";
        const cev_key *below = mapping ? cev_key_below(key, name) : key;
        bool by_name = below == key || below == key->values; /* names that the schema does not know */
        if (mapping && (!below || (by_name && cev_node_check_text(cev_node_key(node, i), key->name, false))))
            return cev_node_fail(cev_node_key(node, i), "key \"%s\": this name cannot be kept", key->name);
        CEV_TRY(convert(mapping ? cev_node_value(node, i) : cev_node_item(node, i), below, b, &child));
        if (mapping ? json_object_set_new(to, name, child) : json_array_append_new(to, child))
            return cev_node_fail(node, "this cannot be kept in the map: is it valid UTF-8?");
    }
    return CEV_OK;
}

static cev_status convert(cev_node node, const cev_key *key, budget *b, json_t **out)
{
    *out = NULL;
    b->text += strlen(cev_node_text(node));
    if (++b->nodes > MOST_NODES || b->text > MOST_TEXT)
        return cev_node_fail(node, "too large to be kept: aliases make more than a million values of it");
    if (cev_node_is_scalar(node))
        CEV_TRY(scalar_json(node, key, out));
    else
        *out = cev_node_is_mapping(node) ? json_object() : json_array();
    if (!*out) return cev_node_fail(node, "this cannot be kept in the map: is it valid UTF-8?");
    cev_status status = convert_children(node, key, b, *out);
    if (status != CEV_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

cev_status cev_node_json(cev_node node, const cev_key *key, json_t **out)
{
    return convert(node, key, &(budget){0}, out);
}

cev_status cev_root_json(cev_node root, const cev_key *key, json_t **out)
{
    cev_node none;
    CEV_TRY(cev_node_make_list(root, 0, NULL, &none));
    if (cev_node_find(root, "experiments").id) CEV_TRY(cev_node_with(root, "experiments", none, &root));
    return cev_node_json(root, key, out);
}

/* --- what bears on numbers -------------------------------------------------------------------------------------- */

/* Nothing is changed through it: jansson has no lookup for constant objects that gives what json_incref() takes. */
static json_t *loose(const json_t *json)
{
    return (json_t *)(uintptr_t)json;
}

static json_t *kept(json_t *object, bool complete)
{
    if (complete) return object;
    json_decref(object);
    return NULL;
}

json_t *cev_json_number(double x)
{
    return isfinite(x) ? json_real(x + 0) : json_string(x > 0 ? "infinite" : "minus infinite");
}

static json_t *default_of(const cev_key *key)
{
    json_t *value, *out;
    switch (scalars_of(key)) {
    case CEV_KEY_FLAG: return json_boolean(!strcmp(key->otherwise, "true"));
    case CEV_KEY_REAL: return json_real(strtod(key->otherwise, NULL));
    case CEV_KEY_COUNT: return json_integer(strtoll(key->otherwise, NULL, 10));
    default: break;
    }
    value = json_string(key->otherwise);
    out = value ? cev_json_values(value, key) : NULL;
    json_decref(value);
    return out;
}

static bool is_there(const json_t *value)
{
    return value && !(json_is_array(value) && json_array_size(value) == 0);
}

static json_t *values_of_table(const json_t *object, const cev_table *table)
{
    json_t *out = json_object();
    bool complete = out != NULL;
    for (size_t k = 0; complete && k < table->n; k++) {
        const cev_key *key = &table->key[k];
        const json_t *own = json_object_get(object, key->name);
        if (is_prose(scalars_of(key)) || (!is_there(own) && !key->otherwise)) continue;
        complete = !json_object_set_new(out, key->name, is_there(own) ? cev_json_values(own, key) : default_of(key));
    }
    return kept(out, complete && (!table->complete || table->complete(out)));
}

/* A value that is no mapping, where one could be. */
static json_t *values_of_bare(const json_t *value, const cev_table *table)
{
    json_t *object = json_pack("{s:O}", table->bare, value), *out = object ? values_of_table(object, table) : NULL;
    json_decref(object);
    return out;
}

static const cev_card *card_of(const cev_family *family, const json_t *json)
{
    const char *name = json_string_value(json_is_object(json) ? json_object_get(json, "name") : json);
    const cev_card *card;
    for (size_t k = 0; name && (card = family->card(k)); k++)
        if (!strcmp(card->name, name)) return card;
    return NULL;
}

static json_t *values_of_model(const json_t *json, const cev_key *key)
{
    const cev_card *card = card_of(key->model, json);
    if (!card) return json_deep_copy(json);
    json_t *out = json_pack("{s:s}", "name", card->name);
    bool complete = out != NULL;
    for (size_t p = 0; complete && p < card->n_parameter; p++) {
        const cev_parameter *parameter = &card->parameters[p];
        json_t *own = json_object_get(json, parameter->name);
        if (own || !isnan(parameter->default_value))
            complete = !json_object_set_new(out, parameter->name,
                                            own ? json_incref(own) : cev_json_number(parameter->default_value));
    }
    for (size_t k = 0; complete && k < card->n_nested; k++) {
        const json_t *own = json_object_get(json, card->nested[k]);
        complete = !json_object_set_new(out, card->nested[k],
                                        cev_json_values(own, cev_key_below(key, card->nested[k])));
    }
    return kept(out, complete);
}

static json_t *values_of_list(const json_t *list, const cev_key *key)
{
    json_t *out = json_array();
    bool complete = out != NULL;
    for (size_t k = 0; complete && k < json_array_size(list); k++)
        complete = !json_array_append_new(out, cev_json_values(json_array_get(list, k), key));
    return kept(out, complete);
}

json_t *cev_json_values(const json_t *json, const cev_key *key)
{
    bool scalar = !json_is_object(json) && !json_is_array(json);
    if (key->model && !json_is_array(json)) return values_of_model(json, key);
    if (key->of && json_is_object(json)) return values_of_table(json, key->of);
    if (key->of && key->of->bare && (scalar || json_is_number(json_array_get(json, 0))))
        return values_of_bare(loose(json), key->of);
    return json_is_array(json) ? values_of_list(json, key) : json_deep_copy(json);
}

/* Lists and mappings in which there is none are left out. */
json_t *cev_json_prose(const json_t *json, const cev_key *key)
{
    json_t *out = json_is_object(json) ? json_object() : json_array();
    const char *name;
    json_t *child;
    if (!json_is_object(json) && !json_is_array(json)) {
        json_decref(out);
        return is_prose(scalars_of(key)) ? json_deep_copy(json) : NULL;
    }
    json_object_foreach (loose(json), name, child) {
        const cev_key *below = cev_key_below(key, name);
        json_t *prose = below && below != key ? cev_json_prose(child, below) : NULL;
        if (prose) json_object_set_new(out, name, prose);
    }
    for (size_t k = 0; k < json_array_size(json); k++) {
        json_t *prose = cev_json_prose(json_array_get(json, k), key);
        if (prose) json_array_append_new(out, prose);
    }
    if (json_object_size(out) + json_array_size(out) > 0) return out;
    json_decref(out);
    return NULL;
}

/* --- text and digest -------------------------------------------------------------------------------------------- */

cev_status cev_json_text(cev_arena *arena, const json_t *resolved, char **out)
{
    char *text = json_dumps(resolved, JSON_INDENT(1));
    if (!text) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_arena_copy_text(arena, text, out);
    free(text);
    return status;
}

cev_status cev_json_identity(const json_t *values, cev_digest *out)
{
    json_t *all = json_pack("{s:O, s:i}", "values", loose(values), "numerics_revision", CEV_NUMERICS_REVISION);
    char *text = all ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(all);
    if (!text) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_digest_spans(&(cev_span){text, strlen(text)}, 1, out);
    free(text);
    return status;
}
