/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node_merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "cevscan/nucleus.h"

enum { MOST_STEPS = 1000000, FEW = 16, MOST_WORDS = 1500, MOST_PATH = 256 };

typedef struct merging {
    cev_arena *arena;
    size_t steps; /* aliases make small files large trees */
    char changes[MOST_WORDS];
} merging;

/* Where a value is, what it is, and whether it is one of a list. */
typedef struct place {
    char path[MOST_PATH];
    const cev_key *key; /* NULL: the schema knows no such thing */
    bool item;
} place;

/* --- what the schema says --------------------------------------------------------------------------------------- */

const char *cev_name_in_list(const cev_table *table, cev_node item)
{
    for (size_t k = 0; k < CEV_LENGTH(table->named_by) && table->named_by[k]; k++) {
        cev_node name = cev_node_find(item, table->named_by[k]);
        if (name.id) return cev_node_text(name);
    }
    return "";
}

static bool is_named_list(const place *p)
{
    return p->key && !p->item && p->key->of && p->key->of->named_by[0];
}

/* The key that a bare value stands for. */
static const char *bare_of(const cev_key *key)
{
    if (key && key->model) return "name";
    return key && key->of ? key->of->bare : NULL;
}

cev_status cev_node_unfold(cev_node node, const cev_key *key, cev_node *out)
{
    cev_node name;
    const char *bare = bare_of(key);
    *out = node;
    if (!node.id || !bare || cev_node_is_mapping(node)) return CEV_OK;
    if (!strcmp(bare, "name") && !cev_node_is_scalar(node)) return CEV_OK;
    CEV_TRY(cev_node_make_text(node, bare, false, &name));
    return cev_node_make_mapping(node, 1, &name, &node, out);
}

static place below(const place *p, const char *name, bool item)
{
    place out = {.item = item, .key = p->key};
    if (!item && p->key) out.key = cev_key_below(p->key, name);
    snprintf(out.path, sizeof out.path,
             item       ? "%.120s[%.120s]"
             : *p->path ? "%.120s.%.120s"
                        : "%.0s%.120s",
             p->path, name);
    return out;
}

/* --- words ------------------------------------------------------------------------------------------------------ */

static void describe(cev_node node, char *out, size_t size)
{
    if (cev_node_is_sequence(node))
        snprintf(out, size, "a list of %zu", cev_node_length(node));
    else if (cev_node_is_mapping(node))
        snprintf(out, size, "%.40s", cev_node_text(cev_node_find(node, "name")));
    else
        snprintf(out, size, "%.40s", cev_node_text(node));
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
}

static bool is_prose(const cev_key *key)
{
    return key && (key->type == CEV_KEY_PROSE || key->type == CEV_KEY_TITLE);
}

/* Adds "PATH NEW (OLD)" to what is said to differ. */
static void tell(merging *m, const place *p, cev_node base, cev_node over)
{
    char now[64] = "", old[64] = "", words[MOST_PATH + 160];
    size_t used = strlen(m->changes);
    if ((over.id && is_prose(p->key)) || !strcmp(p->path, "experiment")) return;
    if (cev_node_is_scalar(base) && cev_node_is_scalar(over) && !strcmp(cev_node_text(base), cev_node_text(over)))
        return;
    describe(base, old, sizeof old);
    describe(over, now, sizeof now);
    if (!over.id)
        snprintf(words, sizeof words, "%s removed", p->path);
    else if (!base.id)
        snprintf(words, sizeof words, "%s%s%s added", p->path, *now && !p->item ? " " : "", p->item ? "" : now);
    else
        snprintf(words, sizeof words, "%s %s (%s)", p->path, now, old);
    if (used + strlen(words) + 8 > sizeof m->changes) snprintf(words, sizeof words, "...");
    if (used < 4 || strcmp(m->changes + used - 3, "..."))
        snprintf(m->changes + used, sizeof m->changes - used, "%s%s", used ? ", " : "", words);
}

/* --- merging ---------------------------------------------------------------------------------------------------- */

static cev_status merge(merging *m, const place *p, cev_node base, cev_node over, cev_node *out);

/* Pairs or items while they are put together: those of the base first, then new ones. What has been taken away has no
 * value. For a list, `key` is what the items are called. */
typedef struct parts {
    size_t n;
    cev_node *key, *value, *given; /* given: by `over`, of a list */
} parts;

static cev_status make_parts(size_t most, parts *out)
{
    out->n = 0;
    out->key = calloc(3 * most + 1, sizeof *out->key);
    out->value = out->key ? out->key + most : NULL;
    out->given = out->key ? out->key + 2 * most : NULL;
    return out->key ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
}

static void drop_removed(parts *s)
{
    size_t kept = 0;
    for (size_t k = 0; k < s->n; k++) {
        if (!s->value[k].id) continue;
        s->key[kept] = s->key[k];
        s->value[kept++] = s->value[k];
    }
    s->n = kept;
}

static cev_status nothing_to_remove(const place *p, cev_node at, const char *name, const char *const *names, size_t n)
{
    const char *nearest = cev_nearest(name, names, n);
    return cev_node_fail(at, "%s%s\"%s\": null removes what the base has, and it has none%s%s%s", p->path,
                         *p->path ? ": " : "", name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                         nearest ? "\"?" : "");
}

/* Lays a value over the part of a name, or makes it the last one. `k` is the number of that part, or their number. */
static cev_status put_part(merging *m, const place *own, size_t k, cev_node key, cev_node over, parts *s)
{
    cev_node base = k < s->n ? s->value[k] : (cev_node){0};
    CEV_TRY(merge(m, own, base, over, &s->value[k]));
    if (k < s->n) return CEV_OK;
    s->key[s->n++] = key;
    if (!base.id && own->item) tell(m, own, base, over);
    return CEV_OK;
}

/* What null takes away. */
static cev_status remove_part(merging *m, const place *p, const place *own, size_t k, cev_node at, const char *name,
                              parts *s)
{
    const char *names[64];
    size_t n = 0;
    for (size_t j = 0; j < s->n && n < CEV_LENGTH(names); j++) names[n++] = cev_node_text(s->key[j]);
    if (k >= s->n) return nothing_to_remove(p, at, name, names, n);
    tell(m, own, s->value[k], (cev_node){0});
    s->value[k] = (cev_node){0};
    return CEV_OK;
}

/* No key of `over` is there twice, so those of the base stay where they are. */
static cev_status merge_pairs(merging *m, const place *p, cev_node base, cev_node over, parts *s)
{
    size_t n_base = cev_node_length(base);
    for (; s->n < n_base; s->n++) {
        s->key[s->n] = cev_node_key(base, s->n);
        s->value[s->n] = cev_node_value(base, s->n);
    }
    for (size_t i = 0; i < cev_node_length(over); i++) {
        cev_node key = cev_node_key(over, i), value = cev_node_value(over, i);
        place own = below(p, cev_node_text(key), false);
        size_t k = cev_node_place(base, cev_node_text(key));
        if (k == n_base) k = s->n;
        CEV_TRY(cev_node_is_null(value) ? remove_part(m, p, &own, k, value, cev_node_text(key), s)
                                        : put_part(m, &own, k, key, value, s));
    }
    drop_removed(s);
    return CEV_OK;
}

static cev_status merge_mappings(merging *m, const place *p, cev_node base, cev_node over, cev_node *out)
{
    parts s;
    CEV_TRY(make_parts(cev_node_length(base) + cev_node_length(over), &s));
    cev_status status = merge_pairs(m, p, base, over, &s);
    if (status == CEV_OK) status = cev_node_make_mapping(over, s.n, s.key, s.value, out);
    free(s.key);
    return status;
}

/* Isotopes have several spellings. */
static bool is_called(const cev_table *table, const char *one, const char *other)
{
    const cev_isotope *isotope = table->named_by[1] ? cev_isotope_find(one) : NULL;
    return !strcmp(one, other) || (isotope && isotope == cev_isotope_find(other));
}

/* One of a list of things by name, NAME: {what differs}, as a mapping that has its name. */
static cev_status with_name(const cev_table *table, cev_node name, cev_node item, cev_node *out)
{
    *out = item;
    if (!cev_node_is_mapping(item))
        return cev_node_fail(item, "%s \"%s\": expected a mapping of what differs, or null; found %s", table->what,
                             cev_node_text(name), cev_node_kind(item));
    const char *own = cev_name_in_list(table, item);
    if (!*own) return cev_node_with(item, table->named_by[0], name, out);
    if (is_called(table, own, cev_node_text(name))) return CEV_OK;
    return cev_node_fail(item, "%s \"%s\" has another name inside: \"%s\"", table->what, cev_node_text(name), own);
}

/* Where one stands that the base knows by another key (isotope), it keeps that. */
static cev_status named_item(const cev_table *table, const parts *s, size_t k, cev_node name, cev_node item,
                             cev_node *out)
{
    if (k == s->n || !cev_node_is_mapping(item) || *cev_name_in_list(table, item))
        return with_name(table, name, item, out);
    *out = item;
    return CEV_OK;
}

/* Lists of things that have names are short; others are refused before they take long. None is laid over twice. */
static cev_status find_part(merging *m, const cev_table *table, parts *s, cev_node node, const char *name, size_t *out)
{
    size_t k = 0, again;
    m->steps += table->named_by[1] ? s->n : s->n / FEW;
    while (k < s->n && (!*name || !is_called(table, cev_node_text(s->key[k]), name))) k++;
    *out = k;
    if (k < s->n && s->given[k].id) return cev_node_fail(node, "%s \"%s\" is given twice", table->what, name);
    for (again = k + 1; again < s->n && *name; again++)
        if (is_called(table, cev_node_text(s->key[again]), name))
            return cev_node_fail(node, "%s \"%s\": the base has two of that name", table->what, name);
    s->given[k] = node;
    return CEV_OK;
}

static cev_status merge_item(merging *m, const place *p, cev_node name, cev_node item, parts *s)
{
    const cev_table *table = p->key->of;
    size_t k;
    CEV_TRY(find_part(m, table, s, name, cev_node_text(name), &k));
    place own = below(p, cev_node_text(name), true);
    if (cev_node_is_null(item)) return remove_part(m, p, &own, k, item, cev_node_text(name), s);
    CEV_TRY(named_item(table, s, k, name, item, &item));
    return put_part(m, &own, k, name, item, s);
}

static cev_status name_node(const cev_table *table, cev_node item, cev_node *out)
{
    return cev_node_make_text(item, cev_name_in_list(table, item), false, out);
}

static cev_status merge_items(merging *m, const place *p, cev_node base, cev_node over, parts *s)
{
    const cev_table *table = p->key->of;
    cev_node name;
    for (size_t k = 0; k < cev_node_length(base); k++) {
        s->value[k] = cev_node_item(base, k);
        CEV_TRY(name_node(table, s->value[k], &s->key[k]));
        s->n++;
    }
    for (size_t k = 0; k < cev_node_length(over) && cev_node_is_mapping(over); k++)
        CEV_TRY(merge_item(m, p, cev_node_key(over, k), cev_node_value(over, k), s));
    for (size_t i = 0; i < cev_node_length(over) && cev_node_is_sequence(over); i++) {
        cev_node item = cev_node_item(over, i);
        CEV_TRY(name_node(table, item, &name));
        place own = below(p, cev_node_text(name), true);
        size_t k = s->n;
        if (base.id) CEV_TRY(find_part(m, table, s, item, cev_node_text(name), &k));
        CEV_TRY(put_part(m, &own, k, name, item, s));
    }
    drop_removed(s);
    return CEV_OK;
}

static cev_status merge_lists(merging *m, const place *p, cev_node base, cev_node over, cev_node *out)
{
    parts s;
    CEV_TRY(make_parts(cev_node_length(base) + cev_node_length(over), &s));
    cev_status status = merge_items(m, p, base, over, &s);
    if (status == CEV_OK) status = cev_node_make_list(over, s.n, s.value, out);
    free(s.key);
    return status;
}

/* Whether the base's parameters are those of another model. */
static bool is_another_model(const place *p, cev_node base, cev_node over)
{
    const char *bare = bare_of(p->key);
    cev_node name = cev_node_find(over, "name");
    return bare && !strcmp(bare, "name") && name.id &&
           strcmp(cev_node_text(name), cev_node_text(cev_node_find(base, "name"))) != 0;
}

static cev_status replace(merging *m, const place *p, cev_node base, cev_node over, cev_node *out)
{
    if (!p->item || base.id) tell(m, p, base, over);
    *out = over;
    if (!cev_node_is_mapping(over)) return CEV_OK;
    merging quiet = {.arena = m->arena, .steps = m->steps}; /* it has been told */
    cev_status status = merge_mappings(&quiet, p, (cev_node){0}, over, out);
    m->steps = quiet.steps;
    return status;
}

static cev_status merge(merging *m, const place *p, cev_node base, cev_node over, cev_node *out)
{
    if (++m->steps > MOST_STEPS) return cev_node_fail(over, "too large: aliases make more than a million values of it");
    bool list = cev_node_is_sequence(base) || !base.id;
    if (is_named_list(p) && list && (cev_node_is_mapping(over) || cev_node_is_sequence(over)))
        return merge_lists(m, p, base, over, out);
    const char *bare = bare_of(p->key);
    bool unfold = bare && !is_named_list(p) && (cev_node_is_mapping(over) || !strcmp(bare, "name"));
    cev_node unfolded = base, whole = over;
    if (unfold) CEV_TRY(cev_node_unfold(base, p->key, &unfolded));
    if (unfold) CEV_TRY(cev_node_unfold(over, p->key, &whole));
    if (!cev_node_is_mapping(unfolded) || !cev_node_is_mapping(whole) || is_another_model(p, unfolded, whole))
        return replace(m, p, base, over, out);
    return merge_mappings(m, p, unfolded, whole, out);
}

cev_status cev_node_merge(cev_arena *arena, cev_node base, cev_node over, const cev_key *key, cev_node *out,
                          const char **changes)
{
    merging m = {.arena = arena};
    const place root = {.key = key};
    CEV_TRY(merge_mappings(&m, &root, base, over, out));
    return cev_arena_keep_text(arena, m.changes, changes);
}
