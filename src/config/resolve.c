/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NODES = 1000000, MOST_TEXT = 1 << 24, DEEPEST = 64 };

/* Aliases are expanded, so a small file can stand for a huge or endless tree: the conversion counts what it makes. */
typedef struct budget {
    size_t nodes, text, depth;
} budget;

/* Keys whose values are texts, even if they look like numbers: an experiment may be called 2024. */
static bool is_text_key(const char *key)
{
    static const char *const keys[] = {"all_subsets_of", "citation", "data",     "experiment", "experiments",
                                       "interaction",    "name",     "pairs_of", "scale",      "scales",
                                       "scan",           "sets",     "study",    "title"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (!strcmp(keys[k], key)) return true;
    return false;
}

static json_t *scalar_json(cev_node node, bool as_text)
{
    const char *text = cev_node_text(node);
    if (!as_text && !cev_node_is_quoted(node)) {
        char *end;
        double x = strtod(text, &end);
        if (*text && !*end && isfinite(x)) return json_real(x);
        if (!strcmp(text, "true") || !strcmp(text, "false")) return json_boolean(!strcmp(text, "true"));
    }
    return json_string(text);
}

static cev_status convert(cev_node node, bool as_text, budget *b, json_t **out);

static cev_status convert_children(cev_node node, bool as_text, budget *b, json_t *to)
{
    bool mapping = cev_node_is_mapping(node);
    for (size_t i = 0; i < cev_node_length(node); i++) {
        json_t *child = NULL;
        const char *key = mapping ? cev_node_text(cev_node_key(node, i)) : "";
        bool text = mapping ? is_text_key(key) || (as_text && !strcmp(key, "observed"))
                            : as_text; /* data: {observed: [NAMES]} */
        CEV_TRY(convert(mapping ? cev_node_value(node, i) : cev_node_item(node, i), text, b, &child));
        int failed = mapping ? json_object_set_new(to, cev_node_text(cev_node_key(node, i)), child)
                             : json_array_append_new(to, child);
        if (failed) return cev_node_fail(node, "this cannot be kept in the map: is it valid UTF-8?");
    }
    return CEV_OK;
}

static cev_status convert(cev_node node, bool as_text, budget *b, json_t **out)
{
    b->text += strlen(cev_node_text(node));
    if (++b->nodes > MOST_NODES || b->text > MOST_TEXT || b->depth > DEEPEST)
        return cev_node_fail(node, "too large or too deep: does an alias contain itself?");
    *out = cev_node_is_mapping(node)    ? json_object()
           : cev_node_is_sequence(node) ? json_array()
                                        : scalar_json(node, as_text);
    if (!*out) return cev_node_fail(node, "this cannot be kept in the map: is it valid UTF-8?");
    b->depth++;
    cev_status status = convert_children(node, as_text, b, *out);
    b->depth--;
    if (status != CEV_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

cev_status cev_node_json(cev_node node, json_t **out)
{
    return convert(node, false, &(budget){0}, out);
}

/* What is for the reader does not change the numbers. */
static void strip_prose(json_t *json)
{
    static const char *const prose[] = {"citation", "title", "scan", "study"};
    for (size_t k = 0; json_is_object(json) && k < sizeof prose / sizeof *prose; k++) json_object_del(json, prose[k]);
    const char *key;
    json_t *value;
    size_t index;
    json_object_foreach (json, key, value) strip_prose(value);
    json_array_foreach (json, index, value) strip_prose(value);
}

static cev_status identify(const json_t *resolved, cev_digest *out)
{
    json_t *bare = json_deep_copy(resolved);
    if (!bare) return cev_fail(CEV_E_MEMORY, "out of memory");
    strip_prose(bare);
    json_object_set_new(bare, "numerics_revision", json_integer(CEV_NUMERICS_REVISION));
    char *text = json_dumps(bare, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(bare);
    if (!text) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_digest_spans(&(cev_span){text, strlen(text)}, 1, out);
    free(text);
    return status;
}

cev_status cev_json_seal(cev_arena *arena, const json_t *resolved, char **out, cev_digest *identity)
{
    char *text = json_dumps(resolved, JSON_INDENT(1));
    if (!text) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_arena_copy_text(arena, text, out);
    free(text);
    return status == CEV_OK ? identify(resolved, identity) : status;
}

cev_status cev_config_seal(cev_scan_config *config, const json_t *resolved)
{
    return cev_json_seal(config->arena, resolved, &config->resolved, &config->identity);
}
