/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiments that stand on others: {experiment: NAME, base: OTHER, what differs ...}. */
#include "experiment_base.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base_hints.h"
#include "experiment_parts.h"
#include "node_merge.h"

enum { MOST_BASES = 16 };

/* An experiment that is being put together, and those that stand on it. */
typedef struct link {
    const struct link *above;
    const char *name;
    const char *file; /* that it is alone in, without links; NULL: it stands among others */
    cev_node node;
    size_t depth;
} link;

static const cev_key whole_key = {.name = "experiment", .type = CEV_KEY_NODE, .of = &cev_experiment_table};

/* --- where bases are -------------------------------------------------------------------------------------------- */

/* An experiment that stands in the same list of the same file. */
static cev_node find_sibling(const link *l, cev_node base, cev_node siblings)
{
    for (size_t k = 0; k < cev_node_length(siblings); k++) {
        cev_node item = cev_node_item(siblings, k);
        if (item.id != l->node.id && cev_node_path(item) == cev_node_path(base) &&
            !strcmp(cev_node_text(cev_node_find(item, "experiment")), cev_node_text(base)))
            return item;
    }
    return (cev_node){0};
}

static cev_status without_links(cev_arena *arena, const char *path, const char **out)
{
    char *real = path ? realpath(path, NULL) : NULL;
    *out = NULL;
    cev_status status = path ? cev_arena_keep_text(arena, real ? real : path, out) : CEV_OK;
    free(real);
    return status;
}

static cev_status find_file(cev_arena *arena, cev_node base, link *out)
{
    char *path;
    const char *nearest;
    CEV_TRY(cev_experiment_file(arena, cev_node_text(base), cev_node_path(base), &path, &nearest));
    if (!path)
        return cev_node_fail(base,
                             "key \"base\": no experiment \"%s\"%s%s%s (looked beside this file, in $CEVSCAN_PATH and "
                             "among the installed ones; see: cevscan describe)",
                             cev_node_text(base), nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                             nearest ? "\"?" : "");
    CEV_TRY(cev_yaml_add_file(base, path, &out->node));
    CEV_TRY(without_links(arena, path, &out->file));
    if (cev_node_find(out->node, "experiment").id) return CEV_OK;
    return cev_node_fail(base, "key \"base\": %s is no experiment: it has no key \"experiment\"", path);
}

static cev_status check_circle(cev_arena *arena, cev_node base, const link *last)
{
    char *chain;
    bool same = false;
    CEV_TRY(cev_arena_print(arena, &chain, "%s", last->name));
    for (const link *l = last->above; l && !same; l = l->above) {
        same = l->node.id == last->node.id || (l->file && last->file && !strcmp(l->file, last->file));
        bool outermost = same || !l->above;
        CEV_TRY(
            cev_arena_print(arena, &chain, outermost ? "%s stands on %s" : "%s, which stands on %s", l->name, chain));
    }
    if (same) return cev_node_fail(base, "key \"base\": a circle: %s", chain);
    if (last->depth <= MOST_BASES) return CEV_OK;
    return cev_node_fail(base, "key \"base\": more than %d experiments stand on one another: %s", MOST_BASES, chain);
}

static cev_status find_base(cev_arena *arena, const link *l, cev_node siblings, link *out)
{
    cev_node base = cev_node_find(l->node, "base");
    if (!cev_node_is_scalar(base) || !*cev_node_text(base))
        return cev_node_fail(base, "key \"base\": expected the name or the path of an experiment, found %s",
                             cev_node_kind(base));
    *out = (link){.above = l, .node = find_sibling(l, base, siblings), .depth = l->depth + 1};
    if (!out->node.id) CEV_TRY(find_file(arena, base, out));
    out->name = cev_node_text(cev_node_find(out->node, "experiment"));
    return check_circle(arena, base, out);
}

/* --- what becomes of them --------------------------------------------------------------------------------------- */

/* A base gives neither its name nor its title. */
static cev_status without_own(cev_node mapping, const char *const *own, size_t n_own, cev_node *out)
{
    size_t n = cev_node_length(mapping), n_kept = 0;
    cev_node *pair = calloc(2 * n + 1, sizeof *pair);
    if (!pair) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < n; k++) {
        bool drop = false;
        for (size_t j = 0; j < n_own; j++) drop |= !strcmp(own[j], cev_node_text(cev_node_key(mapping, k)));
        if (drop) continue;
        pair[n_kept] = cev_node_key(mapping, k);
        pair[n + n_kept++] = cev_node_value(mapping, k);
    }
    cev_status status = cev_node_make_mapping(mapping, n_kept, pair, pair + n, out);
    free(pair);
    return status;
}

/* Whether the source is there for another time, but a background of the base for the same as before. */
static bool keeps_live_days(cev_node base, cev_node whole)
{
    static const char *const times[] = {"years", "live_years"};
    cev_node old = cev_node_find(base, "backgrounds"), new = cev_node_find(whole, "backgrounds");
    bool other = false;
    for (size_t k = 0; k < CEV_LENGTH(times); k++) {
        double before = NAN, now = NAN;
        cev_node_number(cev_node_find(cev_node_find(base, "source"), times[k]), &before);
        cev_node_number(cev_node_find(cev_node_find(whole, "source"), times[k]), &now);
        other |= before < now || before > now;
    }
    for (size_t k = 0; other && cev_node_is_sequence(new) && k < cev_node_length(new); k++) {
        cev_node days = cev_node_find(cev_node_item(new, k), "live_days");
        for (size_t j = 0; days.id && cev_node_is_sequence(old) && j < cev_node_length(old); j++)
            if (cev_node_find(cev_node_item(old, j), "live_days").id == days.id) return true;
    }
    return false;
}

static cev_status put_on(cev_arena *arena, const link *l, const link *base, const cev_standing *below,
                         cev_standing *out)
{
    static const char *const of_base[] = {"experiment", "title"}, *const of_own[] = {"base"};
    const char *changes;
    char *all;
    cev_node own, lower;
    if (!cev_node_find(l->node, "experiment").id)
        return cev_node_fail(l->node, "experiment: key \"experiment\" is missing: what stands on another experiment "
                                      "has a name of its own");
    CEV_TRY(without_own(l->node, of_own, CEV_LENGTH(of_own), &own));
    CEV_TRY(without_own(below->whole, of_base, CEV_LENGTH(of_base), &lower));
    CEV_TRY(cev_node_merge(arena, lower, own, &whole_key, &out->whole, &changes));
    bool keeps = keeps_live_days(lower, out->whole);
    CEV_TRY(cev_arena_print(arena, &all, "%s stands on %s: %s%s%s%s%s", l->name, base->name,
                            *changes ? changes : "nothing differs",
                            keeps ? "; the backgrounds keep their live_days in " : "", keeps ? l->name : "",
                            below->words ? "; " : "", below->words ? below->words : ""));
    out->over = own;
    out->base = lower;
    out->name = l->name;
    out->base_name = base->name;
    out->words = all;
    return CEV_OK;
}

static cev_status stand(cev_arena *arena, const link *l, cev_node siblings, cev_standing *out)
{
    link base;
    cev_standing below;
    *out = (cev_standing){.whole = l->node};
    if (!cev_node_find(l->node, "base").id) return CEV_OK;
    CEV_TRY(find_base(arena, l, siblings, &base));
    CEV_TRY(stand(arena, &base, siblings, &below));
    return put_on(arena, l, &base, &below, out);
}

cev_status cev_stand_on_base(cev_arena *arena, cev_node experiment, cev_node siblings, cev_standing *out)
{
    link l = {.node = experiment, .name = cev_node_text(cev_node_find(experiment, "experiment"))};
    if (cev_node_find(experiment, "base").id) CEV_TRY(without_links(arena, cev_node_path(experiment), &l.file));
    return stand(arena, &l, siblings, out);
}

cev_status cev_read_on_base(cev_arena *arena, cev_node experiment, cev_node siblings, cev_node *whole,
                            cev_experiment *out)
{
    cev_standing standing;
    CEV_TRY(cev_stand_on_base(arena, experiment, siblings, &standing));
    CEV_TRY(cev_explain_base(cev_read_whole_experiment(arena, standing.whole, out), arena, &standing));
    *whole = standing.whole;
    out->stands_on = standing.words;
    return CEV_OK;
}
