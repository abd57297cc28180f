/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responses, and the bins of what they reconstruct. */
#include <math.h>
#include <string.h>

#include "experiment_parts.h"

static cev_status check_recoils(const cev_reals *list)
{
    if (list->n < 2) return cev_node_fail(list->node, "key \"recoil_keV\": expected at least two recoil energies");
    for (size_t j = 1; j < list->n; j++)
        if (!(list->value[j] > list->value[j - 1]))
            return cev_node_fail(cev_node_item(list->node, j), "key \"recoil_keV\": must increase, but %g follows %g",
                                 list->value[j], list->value[j - 1]);
    return CEV_OK;
}

cev_status cev_read_table_rows(cev_arena *arena, cev_node bins, size_t n_recoil, size_t *n_bin, const double **value)
{
    static const cev_key value_key = {.name = "bins", .type = CEV_KEY_REALS, .minimum = 0, .maximum = 1e12};
    double *all;
    *n_bin = cev_node_length(bins);
    if (!cev_node_is_sequence(bins) || *n_bin == 0 || *n_bin > CEV_MAX_BINS)
        return cev_node_fail(bins, "key \"bins\": expected a list of 1 to %d bins, each a list of values",
                             CEV_MAX_BINS);
    CEV_TRY(cev_new(arena, *n_bin * n_recoil, &all));
    for (size_t i = 0; i < *n_bin; i++) {
        cev_reals row = {0};
        CEV_TRY(cev_node_reals(arena, cev_node_item(bins, i), &value_key, &row));
        if (row.n != n_recoil)
            return cev_node_fail(row.node, "key \"bins\": bin %zu has %zu values for %zu recoil energies", i + 1, row.n,
                                 n_recoil);
        memcpy(all + i * n_recoil, row.value, n_recoil * sizeof *all);
    }
    *value = all;
    return CEV_OK;
}

/* bins: a list for each bin, with a value for each recoil energy. */
static cev_status read_table(cev_arena *arena, cev_node node, cev_response_table *out)
{
    static const cev_key recoil_key = {.name = "recoil_keV", .type = CEV_KEY_REALS, .minimum = 1e-9, .maximum = 1e9};
    cev_reals recoil = {0};
    CEV_TRY(cev_node_reals(arena, cev_node_find(node, "recoil_keV"), &recoil_key, &recoil));
    CEV_TRY(check_recoils(&recoil));
    out->n_recoil = recoil.n;
    out->recoil_keV = recoil.value;
    return cev_read_table_rows(arena, cev_node_find(node, "bins"), recoil.n, &out->n_bin, &out->value);
}

cev_status cev_read_response(cev_arena *arena, cev_node node, cev_response *out)
{
    READ_KIND(node, &cev_response_family, cev_response_kinds, out);
    if (out->kind->tabulated) return read_table(arena, node, &out->table);
    if (!out->kind->made_of_pieces) return CEV_OK;
    READ_KIND(cev_node_find(node, "quenching"), &cev_quenching_family, cev_quenching_kinds, &out->quenching);
    READ_KIND(cev_node_find(node, "smearing"), &cev_smearing_family, cev_smearing_kinds, &out->smearing);
    READ_KIND(cev_node_find(node, "efficiency"), &cev_efficiency_family, cev_efficiency_kinds, &out->efficiency);
    return CEV_OK;
}

/* Its use depends on what it gives at the energies of the source. */
cev_status cev_check_quenching(cev_node node, const cev_response *response, double recoil_max_keV)
{
    enum { STEPS = 1000 };
    double last = 0;
    if (!response->kind->made_of_pieces) return CEV_OK;
    for (int k = 1; k <= STEPS; k++) {
        double recoil_keV = recoil_max_keV * k / STEPS,
               now = response->quenching.kind->electron_keV(&response->quenching, recoil_keV);
        if (!(now > last))
            return cev_node_fail(node,
                                 "quenching \"%s\" does not grow: %g keVee at a recoil of %g keV (recoils reach %g "
                                 "keV)",
                                 response->quenching.kind->card.name, now, recoil_keV, recoil_max_keV);
        last = now;
    }
    return CEV_OK;
}

/* --- energy ----------------------------------------------------------------------------------------------------- */

typedef struct bins_keys {
    double resolution_widths;
    cev_reals edges_keV, edges_PE;
} bins_keys;

static const cev_key bins_key[] = {
    CEV_KEY(bins_keys, resolution_widths, .type = CEV_KEY_REAL, .minimum = 0.01, .maximum = 100),
    CEV_KEY(bins_keys, edges_keV, .type = CEV_KEY_REALS, .minimum = 0, .maximum = 1e9),
    CEV_KEY(bins_keys, edges_PE, .type = CEV_KEY_REALS, .minimum = 0, .maximum = 1e9),
};

const cev_table cev_bins_table = {.what = "bins", .key = bins_key, .n = CEV_LENGTH(bins_key)};

static double resolution_of(const void *response, double recoil_keV)
{
    const cev_response *r = response;
    return r->kind->resolution_keV(r, recoil_keV);
}

static cev_status check_edges(const cev_reals *edges, const char *key)
{
    if (edges->n < 2) return cev_node_fail(edges->node, "key \"%s\": expected at least two edges", key);
    if (edges->n > CEV_MAX_BINS) return cev_node_fail(edges->node, "key \"%s\": more than %d bins", key, CEV_MAX_BINS);
    for (size_t i = 1; i < edges->n; i++)
        if (!(edges->value[i] > edges->value[i - 1]))
            return cev_node_fail(cev_node_item(edges->node, i),
                                 "key \"%s\": bins overlap: edge %g is not above the one before it, %g", key,
                                 edges->value[i], edges->value[i - 1]);
    return CEV_OK;
}

static cev_status bins_of_edges(cev_arena *arena, const bins_keys *keys, cev_experiment *out)
{
    bool in_keV = out->response.kind->observable == CEV_OBSERVABLE_RECOIL_KEV;
    const cev_reals *edges = in_keV ? &keys->edges_keV : &keys->edges_PE,
                    *others = in_keV ? &keys->edges_PE : &keys->edges_keV;
    const char *name = in_keV ? "edges_keV" : "edges_PE";
    if (others->node.id)
        return cev_node_fail(others->node, "bins: response \"%s\" is binned in %s; expected the key \"%s\"",
                             out->response.kind->card.name, cev_observable_units[out->response.kind->observable], name);
    CEV_TRY(check_edges(edges, name));
    return cev_bins_from_edges(arena, edges->n - 1, edges->value, &out->bins);
}

/* From the threshold on, to the largest recoil. */
static cev_status bins_of_resolution(cev_arena *arena, cev_node node, double widths, double recoil_max_keV,
                                     cev_experiment *out)
{
    bool in_keV = out->response.kind->observable == CEV_OBSERVABLE_RECOIL_KEV;
    double threshold = in_keV ? out->response.parameter[CEV_RESPONSE_THRESHOLD_KEV] : NAN;
    if (!in_keV || !(resolution_of(&out->response, threshold) > 0))
        return cev_node_fail(node, "bins: response \"%s\" has no resolution to lay bins out by; give \"%s\"",
                             out->response.kind->card.name, in_keV ? "edges_keV" : "edges_PE");
    cev_status status = cev_bins_by_resolution(arena, threshold, recoil_max_keV, widths, resolution_of, &out->response,
                                               &out->bins);
    return status == CEV_E_INPUT ? cev_node_fail(node, "bins: %s", cev_error_message()) : status;
}

static cev_status bins_of_counting(cev_arena *arena, cev_node node, double recoil_max_keV, cev_experiment *out)
{
    double threshold = out->response.parameter[CEV_RESPONSE_THRESHOLD_KEV];
    if (node.id) return cev_node_fail(node, "key \"bins\": a counting experiment has one bin, from its threshold on");
    const double edge[2] = {threshold,
                            threshold > recoil_max_keV ? 2 * threshold : fmax(recoil_max_keV, 2 * threshold)};
    return cev_bins_from_edges(arena, 1, edge, &out->bins);
}

/* Bins of a table have numbers only. */
static cev_status bins_of_table(cev_arena *arena, cev_node node, cev_experiment *out)
{
    double *edge;
    size_t n = out->response.table.n_bin;
    if (node.id)
        return cev_node_fail(node, "key \"bins\": a response \"%s\" has its own bins", out->response.kind->card.name);
    CEV_TRY(cev_new(arena, n + 1, &edge));
    for (size_t i = 0; i <= n; i++) edge[i] = (double)i;
    return cev_bins_from_edges(arena, n, edge, &out->bins);
}

/* Texts for people: what the bins of a table are called. */
cev_status cev_read_bin_names(cev_arena *arena, cev_node list, cev_experiment *out)
{
    const char **name;
    size_t n = out->bins.n_energy;
    if (!list.id) return CEV_OK;
    if (!out->response.kind->tabulated)
        return cev_node_fail(list,
                             "key \"bin_names\": only bins of a response \"table\" have names; those of \"%s\" have "
                             "edges",
                             out->response.kind->card.name);
    if (!cev_node_is_sequence(list) || cev_node_length(list) != n)
        return cev_node_fail(list, "key \"bin_names\": expected a list of %zu texts, one for each bin of the table", n);
    CEV_TRY(cev_new(arena, n, &name));
    for (size_t i = 0; i < n; i++) {
        cev_node item = cev_node_item(list, i);
        if (!cev_node_text_size(item) || cev_node_text_size(item) > CEV_MAX_BIN_NAME)
            return cev_node_fail(item, "key \"bin_names\": expected a text of 1 to %d bytes for bin %zu",
                                 CEV_MAX_BIN_NAME, i + 1);
        CEV_TRY(cev_node_check_text(item, "bin_names", false));
        CEV_TRY(cev_arena_keep_text(arena, cev_node_text(item), &name[i]));
    }
    out->bins.name = name;
    return CEV_OK;
}

/* --- arrival time ----------------------------------------------------------------------------------------------- */

typedef struct timing_keys {
    cev_reals edges_us;
    cev_node beam;
    const char *shares_of;
} timing_keys;

static const cev_key timing_key[] = {
    CEV_KEY(timing_keys, edges_us, .type = CEV_KEY_REALS, .required = true, .minimum = -1e6, .maximum = 1e6),
    CEV_KEY(timing_keys, beam, .type = CEV_KEY_NODE, .model = &cev_beam_family, .required = true),
    CEV_KEY(timing_keys, shares_of, .type = CEV_KEY_TEXT, .otherwise = "pulse"),
};

const cev_table cev_timing_table = {.what = "timing", .key = timing_key, .n = CEV_LENGTH(timing_key)};

/* A window long before the pulse, or long after it, sees nothing of the source. */
static cev_status check_shares(cev_arena *arena, cev_node node, const cev_reals *edges, const cev_experiment *out)
{
    double *share;
    CEV_TRY(cev_new(arena, edges->n - 1, &share));
    for (int a = 0; a < CEV_N_ARRIVALS; a++) {
        cev_arrival_shares(&out->beam, (cev_arrival)a, edges->n - 1, edges->value, share);
        double sum = 0;
        for (size_t t = 0; t + 1 < edges->n; t++) sum += share[t];
        if (!(sum > 0))
            return cev_node_fail(node, "key \"edges_us\": no %s event arrives between %g and %g us",
                                 cev_arrival_names[a], edges->value[0], edges->value[edges->n - 1]);
    }
    return CEV_OK;
}

/* Of what the shares are parts: of the whole pulse; or, in some papers, of what arrives within the windows. */
static cev_status read_shares_of(cev_node node, const char *name, cev_beam *beam)
{
    static const char *const names[] = {"pulse", "windows"};
    beam->within_windows = !strcmp(name, names[1]);
    if (beam->within_windows || !strcmp(name, names[0])) return CEV_OK;
    return cev_node_fail_name(node, "convention for the shares of arrival times", names, CEV_LENGTH(names));
}

static cev_status read_timing(cev_arena *arena, cev_node node, cev_experiment *out)
{
    timing_keys keys = {0};
    CEV_TRY(cev_node_read(arena, node, &cev_timing_table, &keys));
    READ_KIND(keys.beam, &cev_beam_family, cev_beam_kinds, &out->beam);
    CEV_TRY(read_shares_of(cev_node_find(node, "shares_of"), keys.shares_of, &out->beam));
    CEV_TRY(check_edges(&keys.edges_us, "edges_us"));
    CEV_TRY(check_shares(arena, keys.edges_us.node, &keys.edges_us, out));
    cev_status status = cev_bins_split_by_time(arena, keys.edges_us.n - 1, keys.edges_us.value, &out->bins);
    return status == CEV_E_INPUT ? cev_node_fail(keys.edges_us.node, "timing: %s", cev_error_message()) : status;
}

cev_status cev_read_bins(cev_arena *arena, cev_node experiment, cev_node node, cev_node timing, cev_experiment *out)
{
    double recoil_max_keV = cev_experiment_recoil_max_keV(&out->source, &out->target);
    CEV_TRY(cev_check_quenching(cev_node_find(cev_node_find(experiment, "response"), "quenching"), &out->response,
                                recoil_max_keV));
    if (out->response.kind->counting) {
        CEV_TRY(bins_of_counting(arena, node, recoil_max_keV, out));
    } else if (out->response.kind->tabulated) {
        CEV_TRY(bins_of_table(arena, node, out));
    } else {
        if (!node.id) return cev_node_fail(experiment, "experiment: key \"bins\" is missing");
        bins_keys keys = {0};
        CEV_TRY(cev_node_read(arena, node, &cev_bins_table, &keys));
        if ((keys.edges_keV.node.id || keys.edges_PE.node.id) == (keys.resolution_widths > 0))
            return cev_node_fail(node, "bins: expected one of the keys \"resolution_widths\" and \"edges_%s\"",
                                 cev_observable_units[out->response.kind->observable]);
        CEV_TRY(keys.resolution_widths > 0
                    ? bins_of_resolution(arena, node, keys.resolution_widths, recoil_max_keV, out)
                    : bins_of_edges(arena, &keys, out));
    }
    return timing.id ? read_timing(arena, timing, out) : CEV_OK;
}
