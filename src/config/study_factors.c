/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study_factors.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_paths.h"
#include "scan_parts.h"

enum { MOST_NAME = 64 };
static const char exposure[] = "exposure";

typedef struct factor_keys {
    const char *name, *label;
    cev_node path, in_proportion, experiments;
    cev_reals values, times;
} factor_keys;

static const cev_key factor_key[] = {
    CEV_KEY(factor_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(factor_keys, label, .type = CEV_KEY_TITLE),
    CEV_KEY(factor_keys, path, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .required = true),
    CEV_KEY(factor_keys, in_proportion, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
    CEV_KEY(factor_keys, values, .type = CEV_KEY_REALS),
    CEV_KEY(factor_keys, times, .type = CEV_KEY_REALS),
    CEV_KEY(factor_keys, experiments, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT),
};

const cev_table cev_factor_table = CEV_TABLE("factor", factor_key);

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* Columns of the index that are there anyway. */
static cev_status check_name(cev_node node, const char *name, size_t n, const cev_study_factor *others)
{
    static const char *const taken[] = {"name", "axes", "experiments", "title", "set", "exposure_factor", "factors"};
    bool identifier = isalpha((unsigned char)*name) || *name == '_';
    for (const char *c = name; *c; c++) identifier &= isalnum((unsigned char)*c) || *c == '_';
    if (!identifier || strlen(name) > MOST_NAME)
        return cev_node_fail(node,
                             "the name of a factor has letters, digits and underscores, at most %d, and begins "
                             "with no digit; found \"%s\"",
                             MOST_NAME, name);
    for (size_t k = 0; k < CEV_LENGTH(taken); k++)
        if (!strcmp(taken[k], name))
            return cev_node_fail(node, "a factor cannot be called \"%s\": a column of the index has that name", name);
    for (size_t k = 0; k < n; k++)
        if (!strcmp(others[k].name, name)) return cev_node_fail(node, "factor \"%s\" is given twice", name);
    return CEV_OK;
}

/* A path, or a list of some. */
static cev_status read_paths(cev_arena *arena, cev_node node, const char *key, size_t *n, const char *const **out)
{
    const char **path;
    bool list = cev_node_is_sequence(node);
    *n = list ? cev_node_length(node) : 1;
    if (*n == 0) return cev_node_fail(node, "key \"%s\": expected a path, or a list of some", key);
    CEV_TRY(cev_new(arena, *n, &path));
    for (size_t k = 0; k < *n; k++) {
        cev_node item = list ? cev_node_item(node, k) : node;
        if (!cev_node_is_scalar(item) || !*cev_node_text(item))
            return cev_node_fail(item,
                                 "key \"%s\": expected a path, such as source.years or \"pulls.*.sigma\"; found %s",
                                 key, cev_node_kind(item));
        CEV_TRY(cev_arena_keep_text(arena, cev_node_text(item), &path[k]));
    }
    *out = path;
    return CEV_OK;
}

static cev_status read_followers(cev_arena *arena, const factor_keys *keys, cev_factor_rule *rule)
{
    rule->follow_node = keys->in_proportion;
    if (!rule->follow_node.id) return CEV_OK;
    CEV_TRY(read_paths(arena, rule->follow_node, "in_proportion", &rule->n_follow, &rule->follow));
    if (rule->n_path == 1 && keys->values.node.id && !rule->exposure) return CEV_OK;
    return cev_node_fail(rule->follow_node,
                         "key \"in_proportion\" is for one \"path\" with \"values\"; with \"times\", give "
                         "a list of paths");
}

/* The exposure is not a number of an experiment's file. */
static cev_status check_exposure(const factor_keys *keys, cev_factor_rule *rule)
{
    bool by_path = false;
    for (size_t k = 0; k < rule->n_path; k++) by_path |= !strcmp(rule->path[k], exposure);
    rule->exposure = !strcmp(keys->name, exposure);
    if (by_path != rule->exposure || (by_path && rule->n_path > 1))
        return cev_node_fail(keys->path, "the factor \"exposure\" has the path \"exposure\", and no other has it");
    if (by_path && keys->experiments.id)
        return cev_node_fail(keys->experiments,
                             "factor \"exposure\" acts on all experiments; name paths to change some, such as "
                             "[target.mass_kg, \"backgrounds.*.live_days\"] of another factor");
    return CEV_OK;
}

static cev_status too_many(cev_node node, double n)
{
    return cev_node_fail(node, "key \"factors\": %.0f settings; at most %d are possible", n, CEV_MAX_SETTINGS);
}

typedef struct numbered {
    double value;
    size_t number;
} numbered;

static int compare_values(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    int order = (x->value > y->value) - (x->value < y->value);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Values are other ones also in the names of maps, which have 15 digits of them. */
static cev_status check_neighbours(const char *what, cev_node list, const numbered *one, const numbered *other)
{
    char name[32], next[32];
    snprintf(name, sizeof name, "%.15g", one->value);
    snprintf(next, sizeof next, "%.15g", other->value);
    cev_node node = cev_node_item(list, one->number > other->number ? one->number : other->number);
    if (one->value == other->value) return cev_node_fail(node, "the same map twice: %s %s is given twice", what, name);
    if (strcmp(name, next) != 0) return CEV_OK;
    return cev_node_fail(node,
                         "two maps would have one name: %s %.17g and %.17g are the same to 15 digits, which names have",
                         what, one->value, other->value);
}

static cev_status check_distinct(const char *what, const cev_reals *list)
{
    numbered *sorted = calloc(list->n, sizeof *sorted);
    if (!sorted) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < list->n; k++) sorted[k] = (numbered){list->value[k], k};
    qsort(sorted, list->n, sizeof *sorted, compare_values);
    cev_status status = CEV_OK;
    for (size_t k = 1; k < list->n && status == CEV_OK; k++)
        status = check_neighbours(what, list->node, &sorted[k - 1], &sorted[k]);
    free(sorted);
    return status;
}

static cev_status check_values(const char *name, bool is_exposure, const cev_reals *list)
{
    char what[MOST_NAME + 32];
    if (!is_exposure && list->n > CEV_MAX_SETTINGS) return too_many(list->node, (double)list->n);
    if (is_exposure && list->n > CEV_MAX_MAPS)
        return cev_node_fail(list->node, "%zu exposures; at most %d maps are possible", list->n, CEV_MAX_MAPS);
    snprintf(what, sizeof what, is_exposure ? "exposure factor" : "factor \"%s\" with", name);
    return check_distinct(what, list);
}

static cev_status read_values(cev_arena *arena, cev_node node, const factor_keys *keys, cev_study_factor *out,
                              cev_factor_rule *rule)
{
    const cev_reals *list = keys->values.node.id ? &keys->values : &keys->times;
    const char *key = keys->values.node.id ? "values" : "times";
    cev_node *where;
    if (!keys->values.node.id == !keys->times.node.id)
        return cev_node_fail(node, "factor \"%s\": expected one of the keys \"values\" and \"times\"", keys->name);
    if (list->n == 0) return cev_node_fail(list->node, "key \"%s\": expected a list of numbers", key);
    CEV_TRY(check_values(keys->name, rule->exposure, list));
    CEV_TRY(cev_new(arena, list->n, &where));
    for (size_t k = 0; k < list->n; k++) {
        where[k] = cev_node_item(list->node, k);
        if (rule->exposure) CEV_TRY(cev_node_real(where[k], key, 1e-6, 1e6, &list->value[k]));
    }
    rule->where = where;
    rule->multiply = keys->times.node.id;
    out->n = list->n;
    out->value = list->value;
    return CEV_OK;
}

static cev_status read_factor(cev_study_config *s, cev_node node, cev_study_factor *factor, cev_factor_rule *rule)
{
    factor_keys keys = {0};
    cev_study_factor *out = &factor[s->n_factor];
    cev_factor_rule *own = &rule[s->n_factor];
    CEV_TRY(cev_node_read(s->arena, node, &cev_factor_table, &keys));
    CEV_TRY(check_name(cev_node_find(node, "name"), keys.name, s->n_factor, factor));
    CEV_TRY(cev_arena_keep_text(s->arena, keys.name, &out->name));
    CEV_TRY(cev_arena_keep_text(s->arena, keys.label ? keys.label : keys.name, &out->label));
    own->node = node;
    own->experiments = keys.experiments;
    own->path_node = keys.path;
    CEV_TRY(read_paths(s->arena, keys.path, "path", &own->n_path, &own->path));
    CEV_TRY(check_exposure(&keys, own));
    CEV_TRY(read_values(s->arena, node, &keys, out, own));
    CEV_TRY(read_followers(s->arena, &keys, own));
    s->n_factor++;
    return CEV_OK;
}

/* exposure_factors: [1] is what there is without it. */
static cev_status read_exposures(cev_study_config *s, const cev_reals *list, cev_study_factor *out,
                                 cev_factor_rule *rule)
{
    if (!list->node.id) return CEV_OK;
    if (list->n == 0) return cev_node_fail(list->node, "key \"exposure_factors\": expected a list of numbers");
    CEV_TRY(check_values(exposure, true, list));
    if (list->n == 1 && list->value[0] == 1) return CEV_OK;
    *out = (cev_study_factor){.name = exposure, .label = exposure, .n = list->n, .value = list->value};
    rule->exposure = true;
    rule->node = list->node;
    s->n_factor = 1;
    return CEV_OK;
}

static cev_status check_number(const cev_study_config *s, cev_node node)
{
    double n = 1;
    for (size_t f = 0; f < s->n_factor; f++)
        if (!s->edits->rule[f].exposure) n *= (double)s->factor[f].n;
    if (n <= CEV_MAX_SETTINGS) return CEV_OK;
    return too_many(node, n);
}

cev_status cev_read_factors(cev_study_config *s, cev_node node, const cev_reals *exposure_factors)
{
    size_t n = cev_node_length(node);
    cev_study_factor *factor;
    cev_factor_rule *rule;
    if (node.id && !cev_node_is_sequence(node)) return cev_node_fail(node, "key \"factors\": expected a list");
    if (n > CEV_MAX_FACTORS) return cev_node_fail(node, "key \"factors\": at most %d are possible", CEV_MAX_FACTORS);
    CEV_TRY(cev_new(s->arena, n + 1, &factor));
    CEV_TRY(cev_new(s->arena, n + 1, &rule));
    CEV_TRY(cev_new(s->arena, 1, &s->edits));
    s->factor = factor;
    s->edits->rule = rule;
    CEV_TRY(read_exposures(s, exposure_factors, factor, rule));
    for (size_t k = 0; k < n; k++) CEV_TRY(read_factor(s, cev_node_item(node, k), factor, rule));
    CEV_TRY(check_number(s, node));
    s->n_setting = 1;
    for (size_t f = 0; f < s->n_factor; f++) s->n_setting *= factor[f].n;
    return CEV_OK;
}

/* --- settings --------------------------------------------------------------------------------------------------- */

/* Number of settings between one value of a factor and the next. */
static size_t stride_of(const cev_study_config *s, size_t factor)
{
    size_t stride = 1;
    for (size_t f = factor + 1; f < s->n_factor; f++) stride *= s->factor[f].n;
    return stride;
}

static size_t value_in(const cev_study_config *s, size_t setting, size_t factor)
{
    return setting / stride_of(s, factor) % s->factor[factor].n;
}

double cev_study_factor_value(const cev_study_config *s, size_t setting, size_t factor)
{
    return s->factor[factor].value[value_in(s, setting, factor)];
}

size_t cev_first_setting(const cev_study_config *s, size_t setting, size_t factor)
{
    return setting - value_in(s, setting, factor) * stride_of(s, factor);
}

size_t cev_same_setting(const cev_study_config *s, size_t setting, size_t experiment)
{
    for (size_t f = 0; f < s->n_factor; f++)
        if (!s->edits->rule[f].exposure && !s->edits->rule[f].acts[experiment])
            setting -= value_in(s, setting, f) * stride_of(s, f);
    return setting;
}

cev_status cev_setting_name(const cev_study_config *s, cev_arena *arena, size_t setting, char **out)
{
    CEV_TRY(cev_arena_copy_text(arena, "", out));
    for (size_t f = 0; f < s->n_factor; f++) {
        double x = cev_study_factor_value(s, setting, f);
        if (s->n_factor == 1 && s->edits->rule[f].exposure)
            return x == 1 ? CEV_OK : cev_arena_print(arena, out, "%.15g", x);
        CEV_TRY(cev_arena_print(arena, out, "%s%s%s=%.15g", *out, f ? "," : "", s->factor[f].name, x));
    }
    return CEV_OK;
}

cev_status cev_setting_title(const cev_study_config *s, cev_arena *arena, size_t setting, char **out)
{
    CEV_TRY(cev_arena_copy_text(arena, "", out));
    for (size_t f = 0; f < s->n_factor; f++) {
        double x = cev_study_factor_value(s, setting, f);
        if (!s->edits->rule[f].exposure)
            CEV_TRY(cev_arena_print(arena, out, "%s, %s %g", *out, s->factor[f].label, x));
        else if (x != 1)
            CEV_TRY(cev_arena_print(arena, out, "%s, %g times the exposure", *out, x));
    }
    return CEV_OK;
}
