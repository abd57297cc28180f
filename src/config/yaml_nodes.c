/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values: what they are, where they stand, and new ones. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yaml_parts.h"

enum { FEW = 16 }; /* keys that are looked through as fast as by halves */

static bool is(cev_node node, cev_value_kind kind)
{
    return node.id && node.id->kind == kind;
}

bool cev_node_is_mapping(cev_node node)
{
    return is(node, CEV_MAPPING);
}

bool cev_node_is_sequence(cev_node node)
{
    return is(node, CEV_SEQUENCE);
}

bool cev_node_is_scalar(cev_node node)
{
    return is(node, CEV_SCALAR);
}

const char *cev_node_text(cev_node scalar)
{
    return cev_node_is_scalar(scalar) ? scalar.id->text : "";
}

size_t cev_node_text_size(cev_node scalar)
{
    return cev_node_is_scalar(scalar) ? scalar.id->n : 0;
}

bool cev_node_is_quoted(cev_node scalar)
{
    return cev_node_is_scalar(scalar) && scalar.id->quoted;
}

bool cev_node_is_null(cev_node node)
{
    static const char *const words[] = {"~", "null", "Null", "NULL"};
    for (size_t k = 0; k < CEV_LENGTH(words); k++)
        if (cev_node_is_scalar(node) && !node.id->quoted && !strcmp(node.id->text, words[k])) return true;
    return false;
}

size_t cev_node_length(cev_node node)
{
    return node.id && node.id->kind != CEV_SCALAR ? node.id->n : 0;
}

cev_node cev_node_item(cev_node sequence, size_t i)
{
    return (cev_node){sequence.id->item[i]};
}

cev_node cev_node_key(cev_node mapping, size_t i)
{
    return (cev_node){mapping.id->pair[i].key};
}

cev_node cev_node_value(cev_node mapping, size_t i)
{
    return (cev_node){mapping.id->pair[i].value};
}

/* Number of the pair with a key, or n. */
static size_t place_of(const cev_value *mapping, const char *key)
{
    size_t low = 0, high = mapping->n;
    if (!mapping->sorted) {
        while (low < high && strcmp(mapping->pair[low].key->text, key)) low++;
        return low;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2, place = mapping->sorted[middle];
        int order = strcmp(mapping->pair[place].key->text, key);
        if (order == 0) return place;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return mapping->n;
}

cev_node cev_node_find(cev_node mapping, const char *key)
{
    if (!cev_node_is_mapping(mapping)) return (cev_node){0};
    size_t place = place_of(mapping.id, key);
    return place < mapping.id->n ? cev_node_value(mapping, place) : (cev_node){0};
}

size_t cev_node_place(cev_node mapping, const char *key)
{
    return cev_node_is_mapping(mapping) ? place_of(mapping.id, key) : 0;
}

const char *cev_node_path(cev_node node)
{
    return node.id ? node.id->file->path : NULL;
}

const char *cev_node_kind(cev_node node)
{
    if (cev_node_is_mapping(node)) return "a mapping";
    if (cev_node_is_sequence(node)) return "a list";
    return cev_node_text(node)[0] ? cev_node_text(node) : "nothing";
}

cev_status cev_node_fail(cev_node node, const char *format, ...)
{
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?'; /* a message is one line, whatever the document holds */
    if (!node.id) return cev_fail(CEV_E_INPUT, "%s", message);
    return cev_fail(CEV_E_INPUT, "%s:%u:%u: %s", node.id->file->name, node.id->line, node.id->column, message);
}

size_t cev_node_place_in(cev_node node, const char *message)
{
    char place[64];
    size_t name = strlen(node.id->file->name);
    if (strncmp(message, node.id->file->name, name) != 0) return 0;
    snprintf(place, sizeof place, ":%u:%u: ", node.id->line, node.id->column);
    return strncmp(message + name, place, strlen(place)) ? 0 : name + strlen(place);
}

/* --- the pairs of a mapping ------------------------------------------------------------------------------------- */

typedef struct placed_key {
    const char *text;
    uint32_t place;
} placed_key;

static int by_text_and_place(const void *a, const void *b)
{
    const placed_key *one = a, *other = b;
    int order = strcmp(one->text, other->text);
    return order ? order : (one->place > other->place) - (one->place < other->place);
}

/* Of the keys that an earlier one has the name of: the first of a mapping's own, or else its length; those that are
 * merged lose their key. */
static size_t find_repeated(placed_key *key, size_t n_own, size_t n, cev_pair *pair)
{
    size_t first = n;
    qsort(key, n, sizeof *key, by_text_and_place);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(key[i].text, key[i - 1].text)) continue;
        if (key[i].place < n_own && key[i].place < first) first = key[i].place;
        if (key[i].place >= n_own) pair[key[i].place].key = NULL;
    }
    return first;
}

static size_t drop_repeated(size_t n, cev_pair *pair)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (pair[i].key) pair[kept++] = pair[i];
    return kept;
}

static cev_status sort_keys(cev_arena *arena, cev_value *mapping, placed_key *key)
{
    uint32_t *sorted;
    if (mapping->n <= FEW) return CEV_OK;
    for (size_t i = 0; i < mapping->n; i++) key[i] = (placed_key){mapping->pair[i].key->text, (uint32_t)i};
    qsort(key, mapping->n, sizeof *key, by_text_and_place);
    CEV_TRY(cev_new(arena, mapping->n, &sorted));
    for (size_t i = 0; i < mapping->n; i++) sorted[i] = key[i].place;
    mapping->sorted = sorted;
    return CEV_OK;
}

static cev_status set_pairs(cev_arena *arena, cev_value *mapping, size_t n_own, size_t n, cev_pair *pair,
                            placed_key *key)
{
    for (size_t i = 0; i < n; i++) {
        cev_node node = {pair[i].key};
        if (!cev_node_is_scalar(node)) return cev_node_fail(node, "a key must be a plain name");
        key[i] = (placed_key){node.id->text, (uint32_t)i};
    }
    size_t repeated = find_repeated(key, n_own, n, pair);
    if (repeated < n)
        return cev_node_fail((cev_node){pair[repeated].key}, "key \"%s\" is given twice", pair[repeated].key->text);
    mapping->pair = pair;
    mapping->n = drop_repeated(n, pair);
    return sort_keys(arena, mapping, key);
}

cev_status cev_value_set_pairs(cev_arena *arena, cev_value *mapping, size_t n_own, size_t n, cev_pair *pair)
{
    placed_key *key = malloc((n + 1) * sizeof *key);
    if (!key) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = set_pairs(arena, mapping, n_own, n, pair, key);
    free(key);
    return status;
}

/* --- new ones --------------------------------------------------------------------------------------------------- */

static cev_status make(cev_node like, cev_value_kind kind, cev_value **out)
{
    CEV_TRY(cev_new(like.id->file->document->arena, 1, out));
    **out = (cev_value){.file = like.id->file, .line = like.id->line, .column = like.id->column, .kind = kind};
    return CEV_OK;
}

cev_status cev_node_make_text(cev_node like, const char *text, bool quoted, cev_node *out)
{
    cev_value *value;
    CEV_TRY(make(like, CEV_SCALAR, &value));
    value->quoted = quoted;
    value->n = strlen(text);
    out->id = value;
    return cev_arena_keep_text(like.id->file->document->arena, text, &value->text);
}

cev_status cev_node_make_number(cev_node like, double x, cev_node *out)
{
    char text[40] = "";
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    return cev_node_make_text(like, text, false, out);
}

cev_status cev_node_make_list(cev_node like, size_t n, const cev_node *item, cev_node *out)
{
    cev_value *value;
    const cev_value **copy;
    CEV_TRY(make(like, CEV_SEQUENCE, &value));
    CEV_TRY(cev_new(like.id->file->document->arena, n, &copy));
    for (size_t i = 0; i < n; i++) copy[i] = item[i].id;
    value->n = n;
    value->item = copy;
    out->id = value;
    return CEV_OK;
}

cev_status cev_node_make_mapping(cev_node like, size_t n, const cev_node *key, const cev_node *value, cev_node *out)
{
    cev_arena *arena = like.id->file->document->arena;
    cev_value *mapping;
    cev_pair *pair;
    CEV_TRY(make(like, CEV_MAPPING, &mapping));
    CEV_TRY(cev_new(arena, n, &pair));
    for (size_t i = 0; i < n; i++) pair[i] = (cev_pair){key[i].id, value[i].id};
    out->id = mapping;
    return cev_value_set_pairs(arena, mapping, n, n, pair);
}

cev_status cev_node_with(cev_node mapping, const char *key, cev_node value, cev_node *out)
{
    cev_arena *arena = mapping.id->file->document->arena;
    size_t place = place_of(mapping.id, key), n = mapping.id->n + (place == mapping.id->n);
    cev_value *copy;
    cev_pair *pair;
    cev_node name = {0};
    if (place == mapping.id->n) CEV_TRY(cev_node_make_text(value, key, false, &name));
    CEV_TRY(make(mapping, CEV_MAPPING, &copy));
    CEV_TRY(cev_new(arena, n, &pair));
    if (mapping.id->n) memcpy(pair, mapping.id->pair, mapping.id->n * sizeof *pair);
    pair[place] = (cev_pair){name.id ? name.id : pair[place].key, value.id};
    out->id = copy;
    return cev_value_set_pairs(arena, copy, n, n, pair);
}
