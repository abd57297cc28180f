/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study_sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scan_parts.h"

typedef struct set_keys {
    const char *name;
    cev_node experiments, pairs_of, all_subsets_of;
} set_keys;

static const cev_key set_key[] = {
    CEV_KEY(set_keys, name, .type = CEV_KEY_TEXT),
    CEV_KEY(set_keys, experiments, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(set_keys, pairs_of, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(set_keys, all_subsets_of, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
};

const cev_table cev_set_table = CEV_TABLE("set", set_key);

typedef enum family { ONE, PAIRS, SUBSETS } family;

/* An item of "sets": which experiments, and what becomes of them. */
typedef struct item {
    const char *name;
    family family;
    size_t n;
    cev_node list; /* of experiments; or one of them */
} item;

static cev_node experiment_of(const item *it, size_t k)
{
    return cev_node_is_sequence(it->list) ? cev_node_item(it->list, k) : it->list;
}

static cev_status read_family(cev_node node, item *out)
{
    set_keys keys = {0};
    CEV_TRY(cev_node_read(NULL, node, &cev_set_table, &keys));
    int n_given = (keys.experiments.id != 0) + (keys.pairs_of.id != 0) + (keys.all_subsets_of.id != 0);
    if (n_given != 1)
        return cev_node_fail(node, "set: expected one of \"experiments\", \"pairs_of\" and \"all_subsets_of\"");
    out->family = keys.pairs_of.id ? PAIRS : keys.all_subsets_of.id ? SUBSETS : ONE;
    out->list = keys.pairs_of.id ? keys.pairs_of : keys.all_subsets_of.id ? keys.all_subsets_of : keys.experiments;
    out->name = keys.name;
    if (keys.name && out->family != ONE) return cev_node_fail(node, "set: \"name\" is for one set of \"experiments\"");
    if (!cev_node_is_sequence(out->list)) return cev_node_fail(out->list, "set: expected a list of experiments");
    return CEV_OK;
}

static cev_status read_item(cev_node node, item *out)
{
    *out = (item){.list = node};
    if (cev_node_is_mapping(node)) CEV_TRY(read_family(node, out));
    out->n = cev_node_is_sequence(out->list) ? cev_node_length(out->list) : 1;
    size_t least = out->family == PAIRS ? 2 : 1;
    if (out->n < least)
        return cev_node_fail(out->list, "set: expected at least %zu experiment%s", least, least == 1 ? "" : "s");
    if (out->n > CEV_MAX_EXPERIMENTS)
        return cev_node_fail(out->list, "set: more than %d experiments", CEV_MAX_EXPERIMENTS);
    for (size_t k = 0; k < out->n; k++)
        if (!cev_node_is_scalar(experiment_of(out, k)))
            return cev_node_fail(experiment_of(out, k),
                                 "set: expected the name or the path of an experiment; an experiment's own mapping "
                                 "goes under \"experiments\" of the study");
    return CEV_OK;
}

cev_status cev_count_sets(cev_node node, double *out)
{
    *out = 0;
    if (!cev_node_is_sequence(node)) return cev_node_fail(node, "key \"sets\": expected a list of sets of experiments");
    for (size_t k = 0; k < cev_node_length(node); k++) {
        item it;
        CEV_TRY(read_item(cev_node_item(node, k), &it));
        double n = (double)it.n;
        *out += it.family == PAIRS ? n * (n - 1) / 2 : it.family == SUBSETS ? pow(2, n) - 1 : 1;
    }
    return CEV_OK;
}

/* --- experiments ------------------------------------------------------------------------------------------------ */

static const char *text_of(cev_node experiment)
{
    return cev_node_text(cev_node_is_mapping(experiment) ? cev_node_find(experiment, "experiment") : experiment);
}

static size_t number_of(const cev_set_list *list, const char *text)
{
    size_t e = 0;
    while (e < list->n_experiment && strcmp(text_of(list->experiment[e]), text)) e++;
    return e;
}

static cev_status add_experiment(cev_set_list *list, cev_node node)
{
    if (list->n_experiment == CEV_MAX_EXPERIMENTS)
        return cev_node_fail(node, "more than %d experiments", CEV_MAX_EXPERIMENTS);
    list->experiment[list->n_experiment++] = node;
    return CEV_OK;
}

/* Of the study's own list, which ones the sets name. */
static cev_status find_named(cev_node experiments, cev_node sets, bool *named)
{
    for (size_t k = 0; k < cev_node_length(sets); k++) {
        item it;
        CEV_TRY(read_item(cev_node_item(sets, k), &it));
        for (size_t e = 0; e < it.n; e++)
            for (size_t x = 0; x < cev_node_length(experiments); x++)
                named[x] |= !strcmp(text_of(cev_node_item(experiments, x)), cev_node_text(experiment_of(&it, e)));
    }
    return CEV_OK;
}

/* Which ones are there only for others to stand on that are used; they need not be in a set. */
static void find_bases(cev_node experiments, const bool *named, bool *base)
{
    size_t n = cev_node_length(experiments);
    bool more = true;
    while (more) {
        more = false;
        for (size_t x = 0; x < n; x++) {
            const char *wanted = cev_node_text(cev_node_find(cev_node_item(experiments, x), "base"));
            if (!*wanted || !(named[x] || base[x])) continue;
            for (size_t b = 0; b < n; b++) {
                cev_node own = cev_node_item(experiments, b);
                bool is_it = cev_node_is_mapping(own) && b != x && !named[b] && !strcmp(text_of(own), wanted);
                more |= is_it && !base[b];
                base[b] |= is_it;
            }
        }
    }
}

static cev_status add_own(cev_set_list *list, cev_node experiments, cev_node sets)
{
    size_t n = cev_node_length(experiments);
    bool named[CEV_MAX_EXPERIMENTS] = {false}, base[CEV_MAX_EXPERIMENTS] = {false};
    if (experiments.id && !cev_node_is_sequence(experiments))
        return cev_node_fail(experiments, "key \"experiments\": expected a list of experiments");
    if (n > CEV_MAX_EXPERIMENTS) return cev_node_fail(experiments, "more than %d experiments", CEV_MAX_EXPERIMENTS);
    CEV_TRY(find_named(experiments, sets, named));
    find_bases(experiments, named, base);
    for (size_t k = 0; k < n; k++)
        if (!base[k]) CEV_TRY(add_experiment(list, cev_node_item(experiments, k)));
    return CEV_OK;
}

cev_status cev_list_set_experiments(cev_set_list *list, cev_node experiments, cev_node sets)
{
    list->node = sets;
    CEV_TRY(cev_new(list->arena, CEV_MAX_EXPERIMENTS, &list->experiment));
    CEV_TRY(add_own(list, experiments, sets));
    for (size_t k = 0; k < cev_node_length(sets); k++) {
        item it;
        CEV_TRY(read_item(cev_node_item(sets, k), &it));
        for (size_t e = 0; e < it.n; e++)
            if (number_of(list, text_of(experiment_of(&it, e))) == list->n_experiment)
                CEV_TRY(add_experiment(list, experiment_of(&it, e)));
    }
    return CEV_OK;
}

/* --- sets ------------------------------------------------------------------------------------------------------- */

/* What makes two sets the same. */
typedef struct fingerprint {
    uint64_t mask[CEV_MAX_EXPERIMENTS / 64];
    size_t set;
} fingerprint;

typedef struct making {
    const cev_set_list *list;
    cev_study_config *study;
    cev_study_set *set;
    fingerprint *print;
    cev_node node; /* of the item in work */
} making;

static cev_status add_set(making *m, const char *name, size_t n, const size_t *experiment)
{
    cev_study_set *set = &m->set[m->study->n_set];
    fingerprint *print = &m->print[m->study->n_set];
    size_t *copy;
    char *joined = NULL, *title = NULL;
    CEV_TRY(cev_new(m->study->arena, n, &copy));
    memcpy(copy, experiment, n * sizeof *copy);
    *set = (cev_study_set){.n_experiment = n, .experiment = copy};
    print->set = m->study->n_set++;
    for (size_t e = 0; e < n; e++) {
        uint64_t *mask = &print->mask[experiment[e] / 64], bit = (uint64_t)1 << experiment[e] % 64;
        if (*mask & bit)
            return cev_node_fail(m->node, "experiment \"%s\" is twice in one set",
                                 m->study->experiment[experiment[e]]->name);
        *mask |= bit;
        const char *own = m->study->experiment[experiment[e]]->name;
        CEV_TRY(cev_arena_print(m->study->arena, &title, "%s%s%s", title ? title : "", title ? " + " : "", own));
        CEV_TRY(cev_arena_print(m->study->arena, &joined, "%s%s%s", joined ? joined : "", joined ? "+" : "", own));
    }
    set->name = joined;
    set->title = title;
    if (!name) return CEV_OK;
    if (strpbrk(name, "/@")) return cev_node_fail(m->node, "the name of a set has no slash and no @");
    CEV_TRY(cev_arena_keep_text(m->study->arena, name, &set->name));
    set->title = set->name;
    return CEV_OK;
}

/* Subsets of `size` out of `from`, in lexicographic order. */
static cev_status add_subsets(making *m, size_t n, const size_t *from, size_t size)
{
    size_t place[CEV_MAX_EXPERIMENTS], chosen[CEV_MAX_EXPERIMENTS];
    for (size_t k = 0; k < size; k++) place[k] = k;
    for (;;) {
        for (size_t k = 0; k < size; k++) chosen[k] = from[place[k]];
        CEV_TRY(add_set(m, NULL, size, chosen));
        size_t k = size;
        while (k > 0 && place[k - 1] == n - size + k - 1) k--;
        if (k == 0) return CEV_OK;
        place[k - 1]++;
        for (; k < size; k++) place[k] = place[k - 1] + 1;
    }
}

static cev_status add_item(making *m, cev_node node, bool *used)
{
    item it;
    size_t number[CEV_MAX_EXPERIMENTS];
    CEV_TRY(read_item(node, &it));
    m->node = node;
    for (size_t e = 0; e < it.n; e++) {
        number[e] = number_of(m->list, text_of(experiment_of(&it, e)));
        used[number[e]] = true;
        for (size_t k = 0; k < e; k++)
            if (number[k] == number[e])
                return cev_node_fail(experiment_of(&it, e), "experiment \"%s\" is given twice",
                                     text_of(experiment_of(&it, e)));
    }
    if (it.family == ONE) return add_set(m, it.name, it.n, number);
    for (size_t size = it.family == PAIRS ? 2 : 1; size <= (it.family == PAIRS ? 2 : it.n); size++)
        CEV_TRY(add_subsets(m, it.n, number, size));
    return CEV_OK;
}

static int compare_prints(const void *a, const void *b)
{
    const fingerprint *x = a, *y = b;
    int order = memcmp(x->mask, y->mask, sizeof x->mask);
    return order ? order : (x->set > y->set) - (x->set < y->set);
}

static cev_status check_different(making *m)
{
    const cev_study_config *s = m->study;
    qsort(m->print, s->n_set, sizeof *m->print, compare_prints);
    for (size_t k = 1; k < s->n_set; k++)
        if (!memcmp(m->print[k].mask, m->print[k - 1].mask, sizeof m->print->mask))
            return cev_node_fail(m->list->node,
                                 "the same map twice: the sets \"%s\" and \"%s\" are the same experiments",
                                 s->set[m->print[k - 1].set].name, s->set[m->print[k].set].name);
    for (size_t a = 0; a < s->n_set && s->n_set < 1000; a++)
        for (size_t b = 0; b < a; b++)
            if (!strcmp(s->set[a].name, s->set[b].name))
                return cev_node_fail(m->list->node, "two sets have the name \"%s\"", s->set[a].name);
    return CEV_OK;
}

/* A fit has room for so many pulls. */
static cev_status check_pulls(const making *m, const cev_study_set *set)
{
    const char *name[CEV_MAX_PULLS];
    size_t n = 0;
    for (size_t e = 0; e < set->n_experiment; e++) {
        const cev_experiment *x = m->study->experiment[set->experiment[e]];
        for (size_t p = 0; p < x->n_pull; p++) {
            size_t k = 0;
            while (k < n && strcmp(name[k], x->pull[p].name)) k++;
            if (k < n) continue;
            if (n == CEV_MAX_PULLS)
                return cev_node_fail(m->list->node, "set \"%s\": the experiments have more than %d pulls together",
                                     set->name, CEV_MAX_PULLS);
            name[n++] = x->pull[p].name;
        }
    }
    return CEV_OK;
}

cev_status cev_read_sets(const cev_set_list *list, size_t n_set, cev_study_config *study)
{
    making m = {.list = list, .study = study};
    bool used[CEV_MAX_EXPERIMENTS] = {false};
    CEV_TRY(cev_new(study->arena, n_set, &m.set));
    CEV_TRY(cev_new(study->arena, n_set, &m.print));
    study->set = m.set;
    for (size_t k = 0; k < cev_node_length(list->node); k++) CEV_TRY(add_item(&m, cev_node_item(list->node, k), used));
    for (size_t e = 0; e < list->n_experiment; e++)
        if (!used[e])
            return cev_node_fail(list->experiment[e], "experiment \"%s\" is in no set", text_of(list->experiment[e]));
    for (size_t k = 0; k < study->n_set; k++) CEV_TRY(check_pulls(&m, &study->set[k]));
    return check_different(&m);
}
