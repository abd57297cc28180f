/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From libyaml's nodes to our values: aliases become values with several parents, merge keys what they stand for. */
#include <stdlib.h>
#include <string.h>

#include "yaml_parts.h"

typedef enum state { UNTOUCHED, IN_WORK, DONE } state;

typedef struct conversion {
    cev_arena *arena;
    const cev_yaml_file *file;
    const yaml_document_t *from;
    cev_value *value; /* [nodes], in libyaml's order */
    state *state;
    char *text;    /* where the next scalar's text goes */
    size_t merged; /* pairs that merge keys have looked at */
} conversion;

static const yaml_node_t *node_of(const conversion *c, int id)
{
    return &c->from->nodes.start[id - 1];
}

static size_t number_of_nodes(const yaml_document_t *document)
{
    return (size_t)(document->nodes.top - document->nodes.start);
}

static cev_node as_node(const cev_value *value)
{
    return (cev_node){value};
}

/* --- scalars ---------------------------------------------------------------------------------------------------- */

/* The newline that ends a text in block style belongs to the layout of the file. */
static void convert_scalar(conversion *c, const yaml_node_t *from, cev_value *to)
{
    bool block = from->data.scalar.style == YAML_FOLDED_SCALAR_STYLE ||
                 from->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
    size_t n = from->data.scalar.length;
    while (block && n > 0 && from->data.scalar.value[n - 1] == '\n') n--;
    memcpy(c->text, from->data.scalar.value, n);
    c->text[n] = '\0';
    to->kind = CEV_SCALAR;
    to->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    to->n = n;
    to->text = c->text;
    c->text += n + 1;
}

/* --- lists and mappings ----------------------------------------------------------------------------------------- */

static cev_status convert(conversion *c, int id, size_t depth, const cev_value **out);

static void grow(cev_value *parent, const cev_value *child)
{
    if (child->height >= parent->height) parent->height = (uint8_t)(child->height + 1);
}

static cev_status convert_sequence(conversion *c, const yaml_node_t *from, size_t depth, cev_value *to)
{
    const cev_value **item;
    to->kind = CEV_SEQUENCE;
    to->n = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
    CEV_TRY(cev_new(c->arena, to->n, &item));
    for (size_t i = 0; i < to->n; i++) {
        CEV_TRY(convert(c, from->data.sequence.items.start[i], depth + 1, &item[i]));
        grow(to, item[i]);
    }
    to->item = item;
    return CEV_OK;
}

static bool is_merge_key(const cev_value *key)
{
    return key->kind == CEV_SCALAR && !key->quoted && !strcmp(key->text, "<<");
}

/* Mappings that a merge key has: one, or a list of them. */
static size_t n_sources(const cev_value *merged)
{
    return merged->kind == CEV_SEQUENCE ? merged->n : 1;
}

static const cev_value *source_of(const cev_value *merged, size_t k)
{
    return merged->kind == CEV_SEQUENCE ? merged->item[k] : merged;
}

static cev_status check_sources(conversion *c, const cev_value *key, const cev_value *merged)
{
    for (size_t k = 0; k < n_sources(merged); k++) {
        const cev_value *source = source_of(merged, k);
        if (source->kind != CEV_MAPPING)
            return cev_node_fail(as_node(source),
                                 "key \"<<\": expected a mapping to merge, or a list of some; found %s",
                                 cev_node_kind(as_node(source)));
        c->merged += source->n;
        if (c->merged > MOST_NODES)
            return cev_node_fail(as_node(key), "key \"<<\": merging makes more than a million values; surely not a "
                                               "configuration");
    }
    return CEV_OK;
}

/* Pairs of a mapping's own, then those that it merges. */
static cev_status merge(conversion *c, cev_value *to, size_t n_own, const cev_pair *own, const cev_value *merged)
{
    cev_pair *pair;
    size_t n = n_own;
    for (size_t k = 0; k < n_sources(merged); k++) n += source_of(merged, k)->n;
    CEV_TRY(cev_new(c->arena, n, &pair));
    memcpy(pair, own, n_own * sizeof *pair);
    n = n_own;
    for (size_t k = 0; k < n_sources(merged); k++) {
        const cev_value *source = source_of(merged, k);
        if (source->n) memcpy(pair + n, source->pair, source->n * sizeof *pair);
        n += source->n;
    }
    return cev_value_set_pairs(c->arena, to, n_own, n, pair);
}

/* {min: 0,6}, which YAML reads as {min: 0, 6: }. */
static cev_status check_comma(const cev_pair *pair, size_t i)
{
    static const char digits[] = "0123456789";
    const cev_value *key = pair[i].key, *value = pair[i].value;
    if (i == 0 || key->kind != CEV_SCALAR || key->quoted || !key->n || strspn(key->text, digits) < key->n)
        return CEV_OK;
    if (value->kind != CEV_SCALAR || value->quoted || value->n) return CEV_OK;
    const cev_value *whole = pair[i - 1].value;
    const char *number = whole->kind == CEV_SCALAR && !whole->quoted ? whole->text : "";
    number += *number == '-' || *number == '+';
    if (!*number || number[strspn(number, digits)]) return CEV_OK;
    return cev_node_fail(as_node(whole), "key \"%s\": a decimal comma? Write %s.%s", pair[i - 1].key->text, whole->text,
                         key->text);
}

static cev_status convert_mapping(conversion *c, const yaml_node_t *from, size_t depth, cev_value *to)
{
    cev_pair *pair, merge_pair = {0};
    size_t n = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start), n_own = 0;
    to->kind = CEV_MAPPING;
    CEV_TRY(cev_new(c->arena, n, &pair));
    for (size_t i = 0; i < n; i++) {
        const yaml_node_pair_t *raw = &from->data.mapping.pairs.start[i];
        cev_pair p;
        CEV_TRY(convert(c, raw->key, depth + 1, &p.key));
        CEV_TRY(convert(c, raw->value, depth + 1, &p.value));
        grow(to, p.value);
        if (!is_merge_key(p.key)) {
            pair[n_own++] = p;
            CEV_TRY(check_comma(pair, n_own - 1));
            continue;
        }
        if (merge_pair.key)
            return cev_node_fail(as_node(p.key), "key \"<<\" is given twice; give it a list of what to merge");
        merge_pair = p;
    }
    if (!merge_pair.key) return cev_value_set_pairs(c->arena, to, n, n, pair);
    CEV_TRY(check_sources(c, merge_pair.key, merge_pair.value));
    return merge(c, to, n_own, pair, merge_pair.value);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static cev_status convert_new(conversion *c, int id, size_t depth)
{
    const yaml_node_t *from = node_of(c, id);
    cev_value *to = &c->value[id - 1];
    *to = (cev_value){.file = c->file,
                      .line = (uint32_t)from->start_mark.line + 1,
                      .column = (uint32_t)from->start_mark.column + 1};
    switch (from->type) {
    case YAML_SEQUENCE_NODE: return convert_sequence(c, from, depth, to);
    case YAML_MAPPING_NODE: return convert_mapping(c, from, depth, to);
    default: convert_scalar(c, from, to); return CEV_OK;
    }
}

/* Each node once, however many aliases it has. */
static cev_status convert(conversion *c, int id, size_t depth, const cev_value **out)
{
    cev_value *to = &c->value[id - 1];
    *out = to;
    if (c->state[id - 1] == IN_WORK) return cev_node_fail(as_node(to), "an alias of this is inside of it: no end");
    if (c->state[id - 1] == UNTOUCHED) {
        c->state[id - 1] = IN_WORK;
        CEV_TRY(convert_new(c, id, depth));
        c->state[id - 1] = DONE;
    }
    if (depth + to->height <= DEEPEST) return CEV_OK;
    return cev_node_fail(as_node(to), "lists and mappings are nested too deep, with their aliases; %d are allowed",
                         DEEPEST);
}

static size_t size_of_texts(const yaml_document_t *document)
{
    size_t size = 1;
    for (const yaml_node_t *node = document->nodes.start; node < document->nodes.top; node++)
        if (node->type == YAML_SCALAR_NODE) size += node->data.scalar.length + 1;
    return size;
}

cev_status cev_yaml_convert(cev_arena *arena, const cev_yaml_file *file, const yaml_document_t *document,
                            cev_node *root)
{
    conversion c = {.arena = arena, .file = file, .from = document};
    size_t n = number_of_nodes(document);
    CEV_TRY(cev_new(arena, n, &c.value));
    CEV_TRY(cev_new(arena, size_of_texts(document), &c.text));
    c.state = calloc(n + 1, sizeof *c.state);
    if (!c.state) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = convert(&c, 1, 0, &root->id);
    free(c.state);
    return status;
}
