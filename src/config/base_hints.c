/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base_hints.h"

#include <stdio.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "experiment_parts.h"
#include "node_merge.h"

enum { MOST_REMOVALS = 24, DEEPEST_REMOVAL = 8, MOST_NAMES = 64, MOST_MESSAGE = 2048, MOST_STEPS = 100000 };

static const cev_key whole_key = {.name = "experiment", .type = CEV_KEY_NODE, .of = &cev_experiment_table};

/* A key of the base: target, nuclei, Cs, rms_radius_fm. */
typedef struct removal {
    size_t n;
    const char *step[DEEPEST_REMOVAL];
} removal;

typedef struct hints {
    cev_arena *arena;
    const cev_standing *stand;
    char message[MOST_MESSAGE]; /* of the failure that is looked into */
    size_t steps;               /* aliases make small files large trees; after so many the message stays as it is */
    size_t n;
    removal removed[MOST_REMOVALS];
} hints;

/* --- where a message points to ---------------------------------------------------------------------------------- */

/* The letters of a message that point to a value or into it; 0: they do not. */
static size_t find_place(cev_node node, const char *message, size_t *steps)
{
    size_t n = node.id ? cev_node_place_in(node, message) : 0;
    bool mapping = cev_node_is_mapping(node);
    for (size_t k = 0; k < cev_node_length(node) && n == 0 && ++*steps < MOST_STEPS; k++) {
        if (mapping) n = cev_node_place_in(cev_node_key(node, k), message);
        if (n == 0) n = find_place(mapping ? cev_node_value(node, k) : cev_node_item(node, k), message, steps);
    }
    return n;
}

static size_t place_in(cev_node node, const char *message)
{
    return find_place(node, message, &(size_t){0});
}

/* At a mapping, one of its keys, or one of their values, which may be lists of numbers. */
static bool is_about(cev_node mapping, const char *message)
{
    if (!mapping.id) return false;
    if (cev_node_place_in(mapping, message)) return true;
    for (size_t k = 0; k < cev_node_length(mapping) && cev_node_is_mapping(mapping); k++) {
        cev_node value = cev_node_value(mapping, k);
        if (cev_node_place_in(cev_node_key(mapping, k), message)) return true;
        if (cev_node_is_mapping(value) ? cev_node_place_in(value, message) : place_in(value, message)) return true;
    }
    return false;
}

static bool mentions(const char *message, const char *name)
{
    char quoted[128];
    snprintf(quoted, sizeof quoted, "\"%.100s\"", name);
    return strstr(message, quoted) != NULL;
}

/* --- things that have names ------------------------------------------------------------------------------------- */

static bool is_named_list(const cev_key *key, bool item)
{
    return key && !item && key->of && key->of->named_by[0];
}

/* One of a list by its name; `over` may be a mapping of them. */
static cev_node named(const cev_table *table, cev_node list, const char *name)
{
    if (cev_node_is_mapping(list)) return cev_node_find(list, name);
    for (size_t k = 0; k < cev_node_length(list); k++)
        if (!strcmp(cev_name_in_list(table, cev_node_item(list, k)), name)) return cev_node_item(list, k);
    return (cev_node){0};
}

/* Of a list of the experiment's own, the new one that the message is about: it lacks what it would have if it had the
 * name that was meant. */
static cev_status say_unknown_name(hints *h, const cev_key *key, cev_node base, cev_node over, const char **out)
{
    const char *names[MOST_NAMES], *nearest;
    char known[512] = "", *text;
    size_t n = 0;
    for (size_t k = 0; k < cev_node_length(base) && n < MOST_NAMES; k++) {
        names[n] = cev_name_in_list(key->of, cev_node_item(base, k));
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%.60s", n ? ", " : "", names[n]);
        n++;
    }
    for (size_t k = 0; n > 0 && k < cev_node_length(over); k++) {
        bool mapping = cev_node_is_mapping(over);
        cev_node item = mapping ? cev_node_value(over, k) : cev_node_item(over, k);
        const char *name = mapping ? cev_node_text(cev_node_key(over, k)) : cev_name_in_list(key->of, item);
        if (named(key->of, base, name).id || !item.id || !cev_node_place_in(item, h->message)) continue;
        nearest = cev_nearest(name, names, n);
        CEV_TRY(cev_arena_print(h->arena, &text, "; \"%s\" has no %s \"%s\"%s%s%s", h->stand->base_name, key->of->what,
                                name, nearest ? "; did you mean \"" : ", but ", nearest ? nearest : known,
                                nearest ? "\"?" : ""));
        *out = text;
    }
    return CEV_OK;
}

static cev_status find_unknown_name(hints *h, const cev_key *key, cev_node base, cev_node over, const char **out)
{
    for (size_t k = 0; k < cev_node_length(over) && cev_node_is_mapping(over) && !*out && ++h->steps < MOST_STEPS;
         k++) {
        const char *name = cev_node_text(cev_node_key(over, k));
        const cev_key *below = cev_key_below(key, name);
        cev_node own = cev_node_find(base, name), value = cev_node_value(over, k);
        if (!below || !own.id) continue;
        CEV_TRY(is_named_list(below, false) ? say_unknown_name(h, below, own, value, out)
                                            : find_unknown_name(h, below, own, value, out));
    }
    return CEV_OK;
}

/* --- keys of the base that are in the way ----------------------------------------------------------------------- */

/* The same place in the base, in the experiment's own lines, and in what they come to. */
typedef struct trio {
    cev_node base, over, whole;
} trio;

static bool find_removal(hints *h, const cev_key *key, bool item, trio t, removal *out);

/* Looks deeper under one name; leaves *out as it was if there is nothing. */
static bool step_down(hints *h, const cev_key *key, bool item, trio t, const char *name, removal *out)
{
    if (!key || out->n + 1 >= DEEPEST_REMOVAL || ++h->steps > MOST_STEPS) return false;
    out->step[out->n++] = name;
    if (find_removal(h, key, item, t, out)) return true;
    out->n--;
    return false;
}

static bool find_in_list(hints *h, const cev_key *key, trio t, removal *out)
{
    for (size_t k = 0; k < cev_node_length(t.base); k++) {
        cev_node base = cev_node_item(t.base, k);
        const char *name = cev_name_in_list(key->of, base);
        trio below = {base, named(key->of, t.over, name), named(key->of, t.whole, name)};
        if (*name && below.whole.id && step_down(h, key, true, below, name, out)) return true;
    }
    return false;
}

static bool find_removal(hints *h, const cev_key *key, bool item, trio t, removal *out)
{
    if (is_named_list(key, item) && cev_node_is_sequence(t.base)) return find_in_list(h, key, t, out);
    if (!cev_node_is_mapping(t.base) || !cev_node_is_mapping(t.whole)) return false;
    for (size_t k = 0; k < cev_node_length(t.base); k++) {
        const char *name = cev_node_text(cev_node_key(t.base, k));
        trio below = {cev_node_value(t.base, k), cev_node_find(t.over, name), cev_node_find(t.whole, name)};
        if (below.whole.id && step_down(h, cev_key_below(key, name), false, below, name, out)) return true;
    }
    if (!is_about(t.whole, h->message)) return false;
    for (size_t k = 0; k < cev_node_length(t.base); k++) {
        const char *name = cev_node_text(cev_node_key(t.base, k));
        if (!cev_node_find(t.whole, name).id || cev_node_find(t.over, name).id || !mentions(h->message, name)) continue;
        out->step[out->n++] = name;
        return true;
    }
    return false;
}

/* {target: {nuclei: {Cs: {rms_radius_fm: null}}}} */
static cev_status take_away(hints *h, const removal *r, cev_node *whole)
{
    cev_node over, name;
    const char *changes;
    CEV_TRY(cev_node_make_text(h->stand->over, "null", false, &over));
    for (size_t k = r->n; k-- > 0;) {
        CEV_TRY(cev_node_make_text(h->stand->over, r->step[k], false, &name));
        CEV_TRY(cev_node_make_mapping(h->stand->over, 1, &name, &over, &over));
    }
    return cev_node_merge(h->arena, *whole, over, &whole_key, whole, &changes);
}

static cev_status read_again(hints *h, cev_node whole)
{
    cev_experiment unused;
    cev_status status = cev_read_whole_experiment(h->arena, whole, &unused);
    snprintf(h->message, sizeof h->message, "%s", status == CEV_OK ? "" : cev_error_message());
    return status;
}

/* Takes keys away until the experiment can be read, or fails over another thing of its own; else there are none. */
static cev_status find_removals(hints *h)
{
    cev_node whole = h->stand->whole;
    cev_status status = CEV_E_INPUT;
    removal r = {0};
    while (status == CEV_E_INPUT && h->n < MOST_REMOVALS &&
           find_removal(h, &whole_key, true, (trio){h->stand->base, h->stand->over, whole}, &r)) {
        CEV_TRY(take_away(h, &r, &whole));
        h->removed[h->n++] = r;
        status = read_again(h, whole);
        r = (removal){0};
    }
    if (status != CEV_OK && status != CEV_E_INPUT) return status;
    bool of_its_own = status == CEV_OK || place_in(h->stand->over, h->message) > 0;
    for (size_t k = 0; k < h->n; k++) of_its_own &= !mentions(h->message, h->removed[k].step[h->removed[k].n - 1]);
    if (!of_its_own) h->n = 0;
    return CEV_OK;
}

static size_t n_common(const removal *one, const removal *other)
{
    size_t n = 0;
    while (n + 1 < one->n && n + 1 < other->n && !strcmp(one->step[n], other->step[n])) n++;
    return n;
}

/* "target: {nuclei: {Cs: {rms_radius_fm: null}, I: {rms_radius_fm: null}}}" */
static cev_status print_removals(hints *h, char **out)
{
    CEV_TRY(cev_arena_copy_text(h->arena, "", out));
    size_t open = 0;
    for (size_t k = 0; k < h->n; k++) {
        const removal *r = &h->removed[k];
        size_t common = k ? n_common(&h->removed[k - 1], r) : 0;
        for (; open > common; open--) CEV_TRY(cev_arena_print(h->arena, out, "%s}", *out));
        if (k) CEV_TRY(cev_arena_print(h->arena, out, "%s, ", *out));
        for (size_t s = common; s < r->n; s++) {
            bool last = s + 1 == r->n;
            CEV_TRY(cev_arena_print(h->arena, out, "%s%s: %s", *out, r->step[s], last ? "null" : "{"));
            open += !last;
        }
    }
    for (; open > 0; open--) CEV_TRY(cev_arena_print(h->arena, out, "%s}", *out));
    return CEV_OK;
}

/* --- the message ------------------------------------------------------------------------------------------------ */

/* The experiment's own line that is nearest to what is taken away. */
static cev_node place_of(const hints *h)
{
    cev_node at = h->stand->over;
    for (size_t s = 0; h->n && s < h->removed[0].n && cev_node_find(at, h->removed[0].step[s]).id; s++)
        at = cev_node_find(at, h->removed[0].step[s]);
    return at;
}

static cev_status fail(const hints *h, const char *message, const char *more)
{
    size_t n = place_in(h->stand->over, message) ? 0 : place_in(h->stand->whole, message);
    if (n == 0) return cev_fail(CEV_E_INPUT, "%s%s", message, more);
    return cev_node_fail(place_of(h), "%s (%.*s)%s", message + n, (int)n - 2, message, more);
}

/* A base that is wrong by itself is told so, and in its own file. */
static cev_status reads_alone(hints *h, bool *out)
{
    cev_node name, alone;
    cev_experiment unused;
    CEV_TRY(cev_node_make_text(h->stand->over, h->stand->base_name, false, &name));
    CEV_TRY(cev_node_with(h->stand->base, "experiment", name, &alone));
    *out = cev_read_whole_experiment(h->arena, alone, &unused) == CEV_OK;
    return CEV_OK;
}

static cev_status explain(hints *h, const char *message)
{
    const char *more = NULL;
    char *text;
    bool alone;
    CEV_TRY(reads_alone(h, &alone));
    if (!alone) return cev_fail(CEV_E_INPUT, "%s", message);
    CEV_TRY(find_unknown_name(h, &whole_key, h->stand->base, h->stand->over, &more));
    if (more) return fail(h, message, more);
    CEV_TRY(find_removals(h));
    if (h->n) {
        CEV_TRY(print_removals(h, &text));
        CEV_TRY(cev_arena_print(h->arena, &text,
                                "; \"%s\" stands on \"%s\": what the base has and this does not want is taken away "
                                "with null (%s)",
                                h->stand->name, h->stand->base_name, text));
    } else if (place_in(h->stand->over, message)) {
        CEV_TRY(cev_arena_copy_text(h->arena, "", &text));
    } else {
        CEV_TRY(cev_arena_print(h->arena, &text, "; %s", h->stand->words));
    }
    return fail(h, message, text);
}

cev_status cev_explain_base(cev_status status, cev_arena *arena, const cev_standing *stand)
{
    char message[MOST_MESSAGE];
    hints h = {.arena = arena, .stand = stand};
    if (status != CEV_E_INPUT || !stand->words) return status;
    snprintf(message, sizeof message, "%s", cev_error_message());
    snprintf(h.message, sizeof h.message, "%s", message);
    return explain(&h, message);
}
