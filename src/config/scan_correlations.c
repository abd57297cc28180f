/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scan_correlations.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "scan_roles.h"

typedef struct correlation_keys {
    cev_node of, coefficient, matrix;
} correlation_keys;

static const cev_key correlation_key[] = {
    CEV_KEY(correlation_keys, of, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .required = true),
    CEV_KEY(correlation_keys, coefficient, .type = CEV_KEY_NODE),
    CEV_KEY(correlation_keys, matrix, .type = CEV_KEY_NODE),
};

const cev_table cev_correlation_table = CEV_TABLE("correlation", correlation_key);

/* The matrix of all pulls that entries name, as they are read. */
typedef struct correlating {
    cev_scan_config *config;
    cev_node without_pulls;
    size_t n_pull;
    const char *pull[CEV_MAX_PULLS];
    double (*matrix)[CEV_MAX_PULLS]; /* [n_pull], NaN where nothing is said */
    size_t n_own;
    size_t own[CEV_MAX_PULLS]; /* [n_own] pulls of the entry that is read */
} correlating;

/* --- pulls ------------------------------------------------------------------------------------------------------ */

static cev_status no_pull(const correlating *c, cev_node name)
{
    const char *names[CEV_MAX_PULLS];
    size_t n = 0;
    for (size_t k = 0; k < cev_node_length(c->without_pulls); k++)
        if (!strcmp(cev_node_text(cev_node_item(c->without_pulls, k)), cev_node_text(name)))
            return cev_node_fail(name, "pull \"%s\" has been taken out by \"without_pulls\"", cev_node_text(name));
    for (size_t e = 0; e < c->config->n_experiment; e++)
        for (size_t p = 0; p < c->config->experiment[e]->n_pull && n < CEV_MAX_PULLS; p++)
            names[n++] = c->config->experiment[e]->pull[p].name;
    return cev_node_fail_name(name, "pull", names, n);
}

static cev_status check_pull(cev_node name, const cev_pull *pull)
{
    if (pull->constraint != CEV_CONSTRAINT_GAUSSIAN)
        return cev_node_fail(name, "pull \"%s\": only Gaussian constraints can be correlated, and its is \"%s\"",
                             pull->name, cev_pull_constraint_names[pull->constraint]);
    return CEV_OK;
}

static size_t number_of(correlating *c, const char *name)
{
    size_t k = 0;
    while (k < c->n_pull && strcmp(c->pull[k], name)) k++;
    if (k < c->n_pull || k == CEV_MAX_PULLS) return k;
    for (size_t j = 0; j <= k; j++) c->matrix[j][k] = c->matrix[k][j] = j == k ? 1 : NAN;
    c->pull[c->n_pull++] = name;
    return k;
}

static cev_status read_names(correlating *c, cev_node list)
{
    size_t n = cev_node_length(list);
    c->n_own = 0;
    if (!cev_node_is_sequence(list) || n < 2)
        return cev_node_fail(list, "key \"of\": expected a list of at least two pulls");
    if (n > CEV_MAX_PULLS) return cev_node_fail(list, "key \"of\": at most %d pulls are possible", CEV_MAX_PULLS);
    for (size_t k = 0; k < n; k++) {
        cev_node item = cev_node_item(list, k);
        const cev_pull *pull = cev_pull_of(c->config, cev_node_text(item));
        if (!pull) return no_pull(c, item);
        CEV_TRY(check_pull(item, pull));
        size_t number = number_of(c, pull->name);
        if (number == CEV_MAX_PULLS) return cev_node_fail(item, "more than %d pulls are correlated", CEV_MAX_PULLS);
        for (size_t j = 0; j < k; j++)
            if (c->own[j] == number)
                return cev_node_fail(item,
                                     "pull \"%s\" is listed twice: where experiments share it, it is one pull already",
                                     pull->name);
        c->own[c->n_own++] = number;
    }
    return CEV_OK;
}

/* --- coefficients ----------------------------------------------------------------------------------------------- */

static cev_status read_coefficient(cev_node node, const char *key, double *out)
{
    CEV_TRY(cev_node_real(node, key, -1, 1, out));
    if (fabs(*out) == 1)
        return cev_node_fail(node,
                             "key \"%s\": a coefficient lies between -1 and 1; pulls that are the same have the "
                             "same name",
                             key);
    return CEV_OK;
}

static cev_status set_pair(correlating *c, cev_node node, size_t one, size_t other, double coefficient)
{
    if (!isnan(c->matrix[one][other]))
        return cev_node_fail(node, "the correlation of \"%s\" and \"%s\" is given twice", c->pull[one], c->pull[other]);
    c->matrix[one][other] = c->matrix[other][one] = coefficient;
    return CEV_OK;
}

static cev_status read_one_coefficient(correlating *c, cev_node node)
{
    double x;
    CEV_TRY(read_coefficient(node, "coefficient", &x));
    for (size_t k = 0; k < c->n_own; k++)
        for (size_t j = 0; j < k; j++) CEV_TRY(set_pair(c, node, c->own[k], c->own[j], x));
    return CEV_OK;
}

static cev_status check_shape(cev_node node, size_t n)
{
    if (!cev_node_is_sequence(node) || cev_node_length(node) != n)
        return cev_node_fail(node, "key \"matrix\": expected %zu rows, one for each pull", n);
    for (size_t k = 0; k < n; k++) {
        cev_node row = cev_node_item(node, k);
        if (!cev_node_is_sequence(row) || cev_node_length(row) != n)
            return cev_node_fail(row, "key \"matrix\": expected %zu numbers in row %zu, found %zu", n, k + 1,
                                 cev_node_length(row));
    }
    return CEV_OK;
}

static cev_status read_matrix(correlating *c, cev_node node)
{
    double x, transposed;
    CEV_TRY(check_shape(node, c->n_own));
    for (size_t k = 0; k < c->n_own; k++)
        for (size_t j = 0; j <= k; j++) {
            cev_node item = cev_node_item(cev_node_item(node, k), j), other = cev_node_item(cev_node_item(node, j), k);
            CEV_TRY(cev_node_real(item, "matrix", -1, 1, &x));
            CEV_TRY(cev_node_real(other, "matrix", -1, 1, &transposed));
            if (j == k && x != 1)
                return cev_node_fail(item, "key \"matrix\": the diagonal is 1, but that of \"%s\" is %g",
                                     c->pull[c->own[k]], x);
            if (x != transposed)
                return cev_node_fail(item,
                                     "key \"matrix\": not symmetric: %g for \"%s\" and \"%s\", but %g the other way", x,
                                     c->pull[c->own[k]], c->pull[c->own[j]], transposed);
            if (j < k) CEV_TRY(read_coefficient(item, "matrix", &x));
            if (j < k) CEV_TRY(set_pair(c, item, c->own[k], c->own[j], x));
        }
    return CEV_OK;
}

/* By Cholesky's decomposition, up to the pull that cannot be correlated so with those before it; pivots below the
 * rounding of a sum of so many terms count as none. */
static bool is_positive_definite(const correlating *c, size_t *pull)
{
    double l[CEV_MAX_PULLS][CEV_MAX_PULLS];
    for (size_t i = 0; i < c->n_pull; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = isnan(c->matrix[i][j]) ? 0 : c->matrix[i][j];
            for (size_t k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
            *pull = i;
            if (i == j && !(sum > 1e-12)) return false;
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
    return true;
}

/* Of the entry from which on they are not, whatever follows. */
static cev_status not_positive_definite(cev_node entry, bool first, const char *pull)
{
    cev_node matrix = cev_node_find(entry, "matrix"), coefficient = cev_node_find(entry, "coefficient");
    size_t n = cev_node_length(cev_node_find(entry, "of"));
    if (coefficient.id && first)
        return cev_node_fail(coefficient,
                             "the correlations are not positive definite: the coefficient of %zu pulls lies above %g",
                             n, -1 / (double)(n - 1));
    return cev_node_fail(matrix.id ? matrix : coefficient,
                         "the correlations are not positive definite%s: no uncertainties can be correlated so; \"%s\" "
                         "does not fit to the pulls that are named before it",
                         first ? "" : ", this entry and those before it together", pull);
}

static cev_status read_entry(correlating *c, cev_node node)
{
    correlation_keys keys = {0};
    CEV_TRY(cev_node_read(c->config->arena, node, &cev_correlation_table, &keys));
    if (!keys.coefficient.id == !keys.matrix.id)
        return cev_node_fail(node, "correlation: expected either \"coefficient\" or \"matrix\"");
    CEV_TRY(read_names(c, keys.of));
    return keys.matrix.id ? read_matrix(c, keys.matrix) : read_one_coefficient(c, keys.coefficient);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static cev_status list_pairs(const correlating *c)
{
    cev_correlation *pair;
    size_t n = 0;
    CEV_TRY(cev_new(c->config->arena, c->n_pull * c->n_pull + 1, &pair));
    for (size_t i = 0; i < c->n_pull; i++)
        for (size_t j = 0; j < i; j++)
            if (!isnan(c->matrix[i][j]) && c->matrix[i][j] != 0)
                pair[n++] = (cev_correlation){{c->pull[j], c->pull[i]}, c->matrix[i][j]};
    c->config->roster.n_correlation = n;
    c->config->roster.correlation = pair;
    return CEV_OK;
}

cev_status cev_read_correlations(cev_scan_config *config, cev_node node, cev_node without_pulls)
{
    correlating c = {.config = config, .without_pulls = without_pulls};
    const char *bad_pull = NULL;
    size_t bad = SIZE_MAX; /* from which entry on it is not positive definite */
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node))
        return cev_node_fail(node, "key \"correlations\": expected a list of {of: [PULLS], coefficient: NUMBER}");
    CEV_TRY(cev_new(config->arena, CEV_MAX_PULLS, &c.matrix));
    for (size_t k = 0; k < cev_node_length(node); k++) {
        CEV_TRY(read_entry(&c, cev_node_item(node, k)));
        size_t pull;
        bool is_now = is_positive_definite(&c, &pull);
        if (!is_now && bad == SIZE_MAX) bad_pull = c.pull[pull];
        bad = is_now ? SIZE_MAX : bad == SIZE_MAX ? k : bad;
    }
    return bad == SIZE_MAX ? list_pairs(&c) : not_positive_definite(cev_node_item(node, bad), bad == 0, bad_pull);
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

/* The coefficient of the entry's pulls i and j. */
static json_t *coefficient_of(const json_t *entry, size_t i, size_t j)
{
    json_t *matrix = json_object_get(entry, "matrix");
    return matrix ? json_array_get(json_array_get(matrix, i), j) : json_object_get(entry, "coefficient");
}

static bool add_pair(json_t *to, const char *a, const char *b, json_t *coefficient)
{
    const char *first = strcmp(a, b) < 0 ? a : b, *second = first == a ? b : a;
    if (json_number_value(coefficient) == 0) return true;
    if (!json_object_get(to, first) && json_object_set_new(to, first, json_object())) return false;
    return !json_object_set(json_object_get(to, first), second, coefficient);
}

json_t *cev_values_of_correlations(const json_t *list)
{
    json_t *out = json_object();
    bool complete = out != NULL;
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *entry = json_array_get(list, k), *of = json_object_get(entry, "of");
        for (size_t i = 0; i < json_array_size(of); i++)
            for (size_t j = 0; j < i && complete; j++)
                complete = add_pair(out, json_string_value(json_array_get(of, i)),
                                    json_string_value(json_array_get(of, j)), coefficient_of(entry, i, j));
    }
    if (complete) return out;
    json_decref(out);
    return NULL;
}

/* An entry without the pulls that kept[] does not mark. */
static json_t *shortened(const json_t *entry, const bool *kept)
{
    json_t *of = json_object_get(entry, "of"), *names = json_array(), *matrix = json_array();
    json_t *out = json_copy((json_t *)(uintptr_t)entry);
    for (size_t i = 0; i < json_array_size(of); i++) {
        json_t *row = json_array();
        if (kept[i]) json_array_append(names, json_array_get(of, i));
        for (size_t j = 0; j < json_array_size(of); j++)
            if (kept[j]) json_array_append(row, coefficient_of(entry, i, j));
        if (kept[i]) json_array_append(matrix, row);
        json_decref(row);
    }
    json_object_set_new(out, "of", names);
    if (json_object_get(entry, "matrix")) json_object_set(out, "matrix", matrix);
    json_decref(matrix);
    return out;
}

json_t *cev_correlations_among(const json_t *list, bool (*has)(const json_t *experiments, const char *name),
                               const json_t *experiments)
{
    json_t *out = json_array();
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *entry = json_array_get(list, k), *of = json_object_get(entry, "of");
        bool kept[CEV_MAX_PULLS] = {false};
        size_t n = 0;
        for (size_t i = 0; i < json_array_size(of); i++)
            n += kept[i] = has(experiments, json_string_value(json_array_get(of, i)));
        if (n >= 2) json_array_append_new(out, shortened(entry, kept));
    }
    if (json_array_size(out)) return out;
    json_decref(out);
    return NULL;
}
