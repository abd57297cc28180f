/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node_paths.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_merge.h"

enum { MOST_SEARCHED = 1000000, MOST_PLACES = 256 };

/* --- names ------------------------------------------------------------------------------------------------------ */

/* Whether the first n letters of a pattern fit a name. */
static bool fits(const char *pattern, size_t n, const char *name)
{
    size_t p = 0, star = n, star_name = 0, k = 0, length = strlen(name);
    while (k < length) {
        if (p < n && pattern[p] == '*') {
            star = p++;
            star_name = k;
        } else if (p < n && (pattern[p] == '?' || pattern[p] == name[k])) {
            p++, k++;
        } else if (star < n) {
            p = star + 1;
            k = ++star_name;
        } else {
            return false;
        }
    }
    while (p < n && pattern[p] == '*') p++;
    return p == n;
}

/* --- what is below a value -------------------------------------------------------------------------------------- */

static const cev_card *card_of(const cev_key *key, cev_node node)
{
    const char *name = cev_node_text(cev_node_is_mapping(node) ? cev_node_find(node, "name") : node);
    const cev_card *card;
    for (size_t k = 0; key->model && (card = key->model->card(k)); k++)
        if (!strcmp(card->name, name)) return card;
    return NULL;
}

static bool may_have_keys(cev_node node, const cev_key *key)
{
    return cev_node_is_mapping(node) || (key->model && cev_node_is_scalar(node));
}

/* A number that is not written; beside which key it changes nothing. */
static bool find_default(cev_node node, const cev_key *key, const char *name, double *out, const char **idle_beside)
{
    const cev_card *card = card_of(key, node);
    *idle_beside = NULL;
    if (!may_have_keys(node, key) || cev_node_find(node, name).id) return false;
    for (size_t p = 0; card && p < card->n_parameter; p++) {
        if (strcmp(card->parameters[p].name, name) != 0) continue;
        *out = card->parameters[p].default_value;
        *idle_beside = card->parameters[p].idle_beside;
    }
    for (size_t k = 0; key->of && k < key->of->n; k++) {
        const cev_key *own = &key->of->key[k];
        bool number = own->type == CEV_KEY_REAL || own->type == CEV_KEY_COUNT;
        if (!number || !own->otherwise || strcmp(own->name, name) != 0) continue;
        *out = strtod(own->otherwise, NULL);
        *idle_beside = own->idle_beside;
    }
    if (*idle_beside && !cev_node_find(node, *idle_beside).id) *idle_beside = NULL;
    return !isnan(*out);
}

static bool default_of(cev_node node, const cev_key *key, const char *name, double *out)
{
    const char *idle_beside;
    return find_default(node, key, name, out, &idle_beside);
}

static bool is_numeric(const cev_key *key)
{
    cev_key_type type = key->type == CEV_KEY_NODE ? key->scalars : key->type;
    return type == CEV_KEY_REAL || type == CEV_KEY_COUNT || type == CEV_KEY_REALS;
}

/* A number, or a list of numbers or of lists of them. */
static bool holds_numbers(cev_node node, size_t depth)
{
    double x;
    if (!cev_node_is_sequence(node)) return cev_node_number(node, &x);
    for (size_t k = 0; k < cev_node_length(node); k++)
        if (depth == 0 || !holds_numbers(cev_node_item(node, k), depth - 1)) return false;
    return cev_node_length(node) > 0;
}

/* --- the search ------------------------------------------------------------------------------------------------- */

/* How far it has come. */
typedef struct at {
    cev_search *search;
    cev_node path; /* in messages */
    const char *whole;
    cev_place place;
} at;

static cev_status look(at *a, cev_node node, const cev_key *key, bool item, const char *rest);

static cev_status add_place(at *a, bool list)
{
    cev_search *s = a->search;
    for (size_t k = 0; k < s->n; k++)
        if (cev_same_place(&s->place[k], &a->place)) return CEV_OK;
    if (s->n == MOST_PLACES)
        return cev_node_fail(a->path, "path \"%s\": fits more than %d numbers", a->whole, MOST_PLACES);
    if (s->n == s->most) {
        cev_place *larger;
        CEV_TRY(cev_new(s->arena, 2 * s->most + 8, &larger));
        if (s->n) memcpy(larger, s->place, s->n * sizeof *larger);
        s->place = larger;
        s->most = 2 * s->most + 8;
    }
    s->place[s->n] = a->place;
    s->place[s->n++].list = list;
    return CEV_OK;
}

/* One child, which may fit the beginning of what is left of the path in several ways. */
static cev_status try_child(at *a, const char *key_text, size_t index, const char *name, cev_node child,
                            const cev_key *key, const char *rest, bool *fitted)
{
    for (const char *end = rest; a->place.n < CEV_MOST_STEPS && *end; end += *end == '.') {
        end += strcspn(end, ".");
        if (!fits(rest, (size_t)(end - rest), name)) continue;
        *fitted = true;
        a->place.step[a->place.n].key = key_text;
        a->place.step[a->place.n].index = index;
        a->place.step[a->place.n++].name = name;
        CEV_TRY(look(a, child, key, !key_text, *end ? end + 1 : end));
        a->place.n--;
    }
    return CEV_OK;
}

/* Keeps the names at the place furthest along the path where none of them fits. */
static void note_names(at *a, size_t n, const char *const *name, const char *rest)
{
    cev_search *s = a->search;
    size_t reached = (size_t)(rest - a->whole);
    if (reached < s->reached || (reached == s->reached && s->n_name)) return;
    s->reached = reached;
    s->n_name = n;
    memcpy(s->name, name, n * sizeof *name);
}

typedef struct names {
    size_t n;
    const char *name[64];
    bool fitted;
} names;

static bool is_text(const cev_key *key)
{
    return key->type == CEV_KEY_TEXT || key->type == CEV_KEY_PROSE || key->type == CEV_KEY_TITLE;
}

static void put_name(names *list, const char *name)
{
    if (list->n < CEV_LENGTH(list->name) && *name) list->name[list->n++] = name;
}

static cev_status look_in_list(at *a, cev_node node, const cev_key *key, const char *rest, names *list)
{
    cev_search *s = a->search;
    s->n_item = 0;
    for (size_t k = 0; k < cev_node_length(node) && s->n_item < CEV_LENGTH(s->item); k++)
        s->item[s->n_item++] = cev_name_in_list(key->of, cev_node_item(node, k));
    for (size_t k = 0; k < cev_node_length(node); k++) {
        const char *name = cev_name_in_list(key->of, cev_node_item(node, k));
        put_name(list, name);
        CEV_TRY(try_child(a, NULL, k, name, cev_node_item(node, k), key, rest, &list->fitted));
    }
    return CEV_OK;
}

/* What is not written, but has a default that counts. */
static cev_status look_at_default(at *a, cev_node node, const cev_key *key, const char *name, const char *rest,
                                  names *list)
{
    double x = NAN;
    const char *idle_beside;
    if (!find_default(node, key, name, &x, &idle_beside)) return CEV_OK;
    if (idle_beside) {
        if (fits(rest, strlen(rest), name)) a->search->idle = name, a->search->idle_beside = idle_beside;
        return CEV_OK;
    }
    put_name(list, name);
    return try_child(a, name, 0, name, (cev_node){0}, cev_key_below(key, name), rest, &list->fitted);
}

static cev_status look_in_mapping(at *a, cev_node node, const cev_key *key, const char *rest, names *list)
{
    for (size_t k = 0; k < cev_node_length(node); k++) {
        const char *name = cev_node_text(cev_node_key(node, k));
        const cev_key *below = cev_key_below(key, name);
        if (!below) continue;
        if (!is_text(below)) put_name(list, name);
        CEV_TRY(try_child(a, name, 0, name, cev_node_value(node, k), below, rest, &list->fitted));
    }
    const cev_card *card = card_of(key, node);
    for (size_t p = 0; card && p < card->n_parameter; p++)
        CEV_TRY(look_at_default(a, node, key, card->parameters[p].name, rest, list));
    for (size_t k = 0; key->of && k < key->of->n; k++)
        CEV_TRY(look_at_default(a, node, key, key->of->key[k].name, rest, list));
    return CEV_OK;
}

static cev_status look(at *a, cev_node node, const cev_key *key, bool item, const char *rest)
{
    names list = {0};
    if (++a->search->steps > MOST_SEARCHED)
        return cev_node_fail(a->path, "path \"%s\": fits too much in too many ways", a->whole);
    bool named = key->of && key->of->named_by[0] && !item && cev_node_is_sequence(node);
    if (!*rest) {
        bool number = !node.id || (holds_numbers(node, 2) && !named && (is_numeric(key) || (key->of && key->of->bare)));
        a->search->no_number |= !number;
        return number ? add_place(a, cev_node_is_sequence(node)) : CEV_OK;
    }
    if (named)
        CEV_TRY(look_in_list(a, node, key, rest, &list));
    else if (may_have_keys(node, key))
        CEV_TRY(look_in_mapping(a, node, key, rest, &list));
    if (!list.fitted) note_names(a, list.n, list.name, rest);
    return CEV_OK;
}

cev_status cev_find_places(cev_search *search, cev_node path, const char *text, cev_node root, const cev_key *key)
{
    at a = {.search = search, .path = path, .whole = text};
    size_t n = 1;
    for (const char *c = text; *c; c++) n += *c == '.';
    if (n > CEV_MOST_STEPS)
        return cev_node_fail(path, "path \"%s\": more than %d parts between dots", text, CEV_MOST_STEPS);
    if (*text == '.' || text[strlen(text) - 1] == '.')
        return cev_node_fail(path, "path \"%s\": a dot joins two parts; it begins or ends none", text);
    return look(&a, root, key, true, text);
}

/* --- places ----------------------------------------------------------------------------------------------------- */

bool cev_same_place(const cev_place *one, const cev_place *other)
{
    bool same = one->n == other->n;
    for (size_t k = 0; same && k < one->n; k++)
        same = one->step[k].key && other->step[k].key
                   ? !strcmp(one->step[k].key, other->step[k].key)
                   : !one->step[k].key && !other->step[k].key && one->step[k].index == other->step[k].index;
    return same;
}

bool cev_place_is(const cev_place *place, size_t n, const char *const *key)
{
    bool same = place->n == n;
    for (size_t k = 0; same && k < n; k++) same = place->step[k].key && !strcmp(place->step[k].key, key[k]);
    return same;
}

cev_status cev_place_words(cev_arena *arena, const cev_place *place, char **out)
{
    CEV_TRY(cev_arena_copy_text(arena, "", out));
    for (size_t k = 0; k < place->n; k++)
        CEV_TRY(cev_arena_print(arena, out,
                                !place->step[k].key ? "%s[%s]"
                                : k                 ? "%s.%s"
                                                    : "%s%s",
                                *out, place->step[k].name));
    return CEV_OK;
}

/* --- changes ---------------------------------------------------------------------------------------------------- */

double cev_number_at(cev_node root, const cev_key *key, const cev_place *place)
{
    double x = NAN;
    for (size_t k = 0; k < place->n; k++) {
        const char *name = place->step[k].key;
        if (name && default_of(root, key, name, &x)) return x;
        root = name ? cev_node_find(root, name) : cev_node_item(root, place->step[k].index);
        if (name) key = cev_key_below(key, name);
    }
    return cev_node_number(root, &x) ? x : NAN;
}

typedef struct change {
    const cev_place *place;
    bool multiply;
    double x;
    cev_node where;
} change;

static cev_status change_numbers(cev_node node, const change *c, cev_node *out)
{
    double x;
    size_t n = cev_node_length(node);
    if (cev_node_number(node, &x))
        return cev_node_make_number(c->where.id ? c->where : node, c->multiply ? c->x * x : c->x, out);
    cev_node *item = calloc(n + 1, sizeof *item);
    if (!item) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = CEV_OK;
    for (size_t k = 0; status == CEV_OK && k < n; k++) status = change_numbers(cev_node_item(node, k), c, &item[k]);
    if (status == CEV_OK) status = cev_node_make_list(node, n, item, out);
    free(item);
    return status;
}

static cev_status change_at(cev_node node, const cev_key *key, size_t k, const change *c, cev_node *out);

static cev_status change_item(cev_node list, const cev_key *key, size_t k, const change *c, cev_node *out)
{
    size_t n = cev_node_length(list), index = c->place->step[k].index;
    cev_node *item = calloc(n + 1, sizeof *item);
    if (!item) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) item[i] = cev_node_item(list, i);
    cev_status status = change_at(item[index], key, k + 1, c, &item[index]);
    if (status == CEV_OK) status = cev_node_make_list(list, n, item, out);
    free(item);
    return status;
}

static cev_status change_value(cev_node node, const cev_key *key, size_t k, const change *c, cev_node *out)
{
    const char *name = c->place->step[k].key;
    double x = NAN;
    cev_node mapping, child;
    bool is_default = default_of(node, key, name, &x);
    CEV_TRY(cev_node_unfold(node, key, &mapping));
    if (is_default)
        CEV_TRY(cev_node_make_number(node, x, &child));
    else
        child = cev_node_find(mapping, name);
    CEV_TRY(change_at(child, cev_key_below(key, name), k + 1, c, &child));
    return cev_node_with(mapping, name, child, out);
}

static cev_status change_at(cev_node node, const cev_key *key, size_t k, const change *c, cev_node *out)
{
    if (k == c->place->n) return change_numbers(node, c, out);
    return (c->place->step[k].key ? change_value : change_item)(node, key, k, c, out);
}

cev_status cev_change_place(cev_node root, const cev_key *key, const cev_place *place, bool multiply, double x,
                            cev_node where, cev_node *out)
{
    const change c = {.place = place, .multiply = multiply, .x = x, .where = where};
    return change_at(root, key, 0, &c, out);
}
