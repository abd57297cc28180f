/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiment files. configs/experiments/ has examples, configs/reference.yaml documents every key. */
#include <math.h>
#include <string.h>

#include "cevscan/background.h"
#include "cevscan/config.h"

#define ANY_MASS 1e12
enum { MOST_NUCLEI = 256 };

typedef struct experiment_keys {
    const char *experiment, *title;
    cev_node source, target, response, bins, backgrounds, pulls, observed;
} experiment_keys;

static const cev_key experiment_table[] = {
    CEV_KEY(experiment_keys, experiment, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(experiment_keys, title, .type = CEV_KEY_TEXT),
    CEV_KEY(experiment_keys, source, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(experiment_keys, target, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(experiment_keys, response, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(experiment_keys, bins, .type = CEV_KEY_NODE),
    CEV_KEY(experiment_keys, backgrounds, .type = CEV_KEY_NODE),
    CEV_KEY(experiment_keys, pulls, .type = CEV_KEY_NODE),
    CEV_KEY(experiment_keys, observed, .type = CEV_KEY_NODE),
};

/* Reads {name: ..., parameters ...} of a table of kinds whose first member is their card. */
#define READ_KIND(node, what, kinds, n, out)                                                                           \
    do {                                                                                                               \
        const cev_card *cards_[16];                                                                                    \
        size_t index_;                                                                                                 \
        for (size_t k_ = 0; k_ < (n); k_++) cards_[k_] = &(kinds)[k_]->card;                                           \
        CEV_TRY(cev_node_read_model((node), (what), cards_, (n), &index_, (out)->parameter));                          \
        (out)->kind = (kinds)[index_];                                                                                 \
    } while (0)

/* --- target ----------------------------------------------------------------------------------------------------- */

typedef struct nucleus_keys {
    const char *name;
    size_t protons, neutrons;
    double mass_u, rms_radius_fm, per_unit;
} nucleus_keys;

static const cev_key nucleus_table[] = {
    CEV_KEY(nucleus_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(nucleus_keys, protons, .type = CEV_KEY_COUNT, .required = true, .minimum = 1, .maximum = 150),
    CEV_KEY(nucleus_keys, neutrons, .type = CEV_KEY_COUNT, .required = true, .minimum = 0, .maximum = 300),
    CEV_KEY(nucleus_keys, mass_u, .type = CEV_KEY_REAL, .required = true, .minimum = 0.5, .maximum = 500),
    CEV_KEY(nucleus_keys, rms_radius_fm, .type = CEV_KEY_REAL, .required = true, .minimum = 0, .maximum = 20),
    CEV_KEY(nucleus_keys, per_unit, .type = CEV_KEY_REAL, .minimum = 1e-6, .maximum = 1e6),
};

typedef struct target_keys {
    double mass_kg, molar_mass_g_per_mol;
    cev_node form_factor, nuclei;
} target_keys;

static const cev_key target_table[] = {
    CEV_KEY(target_keys, mass_kg, .type = CEV_KEY_REAL, .required = true, .minimum = 1e-12, .maximum = ANY_MASS),
    CEV_KEY(target_keys, molar_mass_g_per_mol, .type = CEV_KEY_REAL, .minimum = 0.5, .maximum = 1e6),
    CEV_KEY(target_keys, form_factor, .type = CEV_KEY_NODE, .required = true),
    CEV_KEY(target_keys, nuclei, .type = CEV_KEY_NODE, .required = true),
};

static cev_status read_nuclei(cev_arena *arena, cev_node node, cev_target *out)
{
    cev_nucleus *nucleus;
    double *per_unit;
    size_t n = cev_node_length(node);
    if (!cev_node_is_sequence(node) || n == 0) return cev_node_fail(node, "key \"nuclei\": expected a list of nuclei");
    if (n > MOST_NUCLEI) return cev_node_fail(node, "key \"nuclei\": at most %d are possible", MOST_NUCLEI);
    CEV_TRY(cev_new(arena, n, &nucleus));
    CEV_TRY(cev_new(arena, n, &per_unit));
    for (size_t k = 0; k < n; k++) {
        nucleus_keys keys = {.per_unit = 1};
        CEV_TRY(cev_node_read(arena, cev_node_item(node, k), "nucleus", nucleus_table, CEV_LENGTH(nucleus_table), &keys));
        nucleus[k] = (cev_nucleus){.protons = (int)keys.protons, .neutrons = (int)keys.neutrons, .mass_u = keys.mass_u,
                                   .rms_radius_fm = keys.rms_radius_fm};
        CEV_TRY(cev_arena_keep_text(arena, keys.name, &nucleus[k].name));
        per_unit[k] = keys.per_unit;
        out->molar_mass_g_per_mol += keys.per_unit * keys.mass_u;
    }
    out->n_nucleus = n;
    out->nucleus = nucleus;
    out->per_unit = per_unit;
    return CEV_OK;
}

static cev_status read_target(cev_arena *arena, cev_node node, cev_target *out)
{
    target_keys keys = {0};
    CEV_TRY(cev_node_read(arena, node, "target", target_table, CEV_LENGTH(target_table), &keys));
    CEV_TRY(read_nuclei(arena, keys.nuclei, out));
    READ_KIND(keys.form_factor, "form factor", cev_form_factor_kinds, cev_n_form_factor_kinds, &out->form_factor);
    out->mass_kg = keys.mass_kg;
    if (keys.molar_mass_g_per_mol > 0) out->molar_mass_g_per_mol = keys.molar_mass_g_per_mol;
    return CEV_OK;
}

/* --- bins ------------------------------------------------------------------------------------------------------- */

typedef struct bins_keys {
    double resolution_widths;
    cev_reals edges_keV;
} bins_keys;

static const cev_key bins_table[] = {
    CEV_KEY(bins_keys, resolution_widths, .type = CEV_KEY_REAL, .minimum = 0.01, .maximum = 100),
    CEV_KEY(bins_keys, edges_keV, .type = CEV_KEY_REALS, .minimum = 0, .maximum = 1e9),
};

static double resolution_of(const void *response, double recoil_keV)
{
    const cev_response *r = response;
    return r->kind->resolution_keV(r, recoil_keV);
}

static cev_status check_edges(const cev_reals *edges)
{
    if (edges->n < 2) return cev_node_fail(edges->node, "key \"edges_keV\": expected at least two edges");
    if (edges->n > CEV_MAX_BINS) return cev_node_fail(edges->node, "key \"edges_keV\": more than %d bins", CEV_MAX_BINS);
    for (size_t i = 1; i < edges->n; i++)
        if (!(edges->value[i] > edges->value[i - 1]))
            return cev_node_fail(cev_node_item(edges->node, i), "key \"edges_keV\": bins overlap: edge %g is not above the one before it, %g",
                                 edges->value[i], edges->value[i - 1]);
    return CEV_OK;
}

static cev_status read_bins(cev_arena *arena, cev_node experiment, cev_node node, double recoil_max_keV, cev_experiment *out)
{
    double threshold = out->response.parameter[CEV_RESPONSE_THRESHOLD_KEV];
    if (out->response.kind->counting) {
        if (node.id) return cev_node_fail(node, "key \"bins\": a counting experiment has one bin, from its threshold on");
        const double edge[2] = {threshold, threshold > recoil_max_keV ? 2 * threshold : fmax(recoil_max_keV, 2 * threshold)};
        return cev_bins_from_edges(arena, 1, edge, &out->bins);
    }
    if (!node.id) return cev_node_fail(experiment, "experiment: key \"bins\" is missing");
    bins_keys keys = {0};
    CEV_TRY(cev_node_read(arena, node, "bins", bins_table, CEV_LENGTH(bins_table), &keys));
    if ((keys.edges_keV.n > 0) == (keys.resolution_widths > 0))
        return cev_node_fail(node, "bins: expected one of the keys \"resolution_widths\" and \"edges_keV\"");
    if (keys.edges_keV.n > 0) {
        CEV_TRY(check_edges(&keys.edges_keV));
        return cev_bins_from_edges(arena, keys.edges_keV.n - 1, keys.edges_keV.value, &out->bins);
    }
    if (!(resolution_of(&out->response, threshold) > 0))
        return cev_node_fail(node, "bins: response \"%s\" has no resolution to lay bins out by; give \"edges_keV\"",
                             out->response.kind->card.name);
    cev_status status = cev_bins_by_resolution(arena, threshold, recoil_max_keV, keys.resolution_widths, resolution_of,
                                               &out->response, &out->bins);
    return status == CEV_E_INPUT ? cev_node_fail(node, "bins: %s", cev_error_message()) : status;
}

/* --- backgrounds ------------------------------------------------------------------------------------------------ */

typedef struct background_keys {
    const char *name;
    double rate_per_keV_kg_day, rate_per_keVee_kg_day, rate_per_kg_day;
    double quenching_factor, live_days, duty_factor;
    cev_reals counts;
} background_keys;

#define RATE .minimum = 0, .maximum = 1e12
static const cev_key background_table[] = {
    CEV_KEY(background_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(background_keys, rate_per_keV_kg_day, .type = CEV_KEY_REAL, RATE),
    CEV_KEY(background_keys, rate_per_keVee_kg_day, .type = CEV_KEY_REAL, RATE),
    CEV_KEY(background_keys, rate_per_kg_day, .type = CEV_KEY_REAL, RATE),
    CEV_KEY(background_keys, quenching_factor, .type = CEV_KEY_REAL, .minimum = 1e-6, .maximum = 10),
    CEV_KEY(background_keys, live_days, .type = CEV_KEY_REAL, .minimum = 0, .maximum = 1e6),
    CEV_KEY(background_keys, duty_factor, .type = CEV_KEY_REAL, .minimum = 0, .maximum = 1),
    CEV_KEY(background_keys, counts, .type = CEV_KEY_REALS, RATE),
};

/* Exactly one of the four ways to say how much there is. */
static cev_status check_background(cev_node node, const background_keys *keys)
{
    int ways = !isnan(keys->rate_per_keV_kg_day) + !isnan(keys->rate_per_keVee_kg_day) + !isnan(keys->rate_per_kg_day) +
               (keys->counts.node.id != 0);
    if (ways != 1)
        return cev_node_fail(node, "background \"%s\": expected exactly one of the keys \"rate_per_keV_kg_day\", "
                                   "\"rate_per_keVee_kg_day\", \"rate_per_kg_day\" and \"counts\"", keys->name);
    if (!isnan(keys->rate_per_keVee_kg_day) && isnan(keys->quenching_factor))
        return cev_node_fail(node, "background \"%s\": a rate per keVee needs the key \"quenching_factor\"", keys->name);
    if (!keys->counts.node.id && isnan(keys->live_days))
        return cev_node_fail(node, "background \"%s\": a rate needs the key \"live_days\"", keys->name);
    return CEV_OK;
}

static cev_status fill_background(cev_node node, const background_keys *keys, const cev_experiment *experiment, double *counts)
{
    const cev_bins *bins = &experiment->bins;
    double kg_day = experiment->target.mass_kg * keys->live_days * keys->duty_factor;
    if (keys->counts.node.id) {
        if (keys->counts.n != bins->n_bin)
            return cev_node_fail(keys->counts.node, "background \"%s\": %zu counts for %zu bins", keys->name, keys->counts.n, bins->n_bin);
        memcpy(counts, keys->counts.value, bins->n_bin * sizeof *counts);
    } else if (!isnan(keys->rate_per_kg_day)) {
        if (!experiment->response.kind->counting)
            return cev_node_fail(node, "background \"%s\": a rate without energy is for counting responses; give \"rate_per_keV_kg_day\"", keys->name);
        counts[0] = keys->rate_per_kg_day * kg_day;
    } else if (experiment->response.kind->counting) {
        return cev_node_fail(node, "background \"%s\": a counting response needs \"rate_per_kg_day\" or \"counts\"", keys->name);
    } else {
        double per_keV = isnan(keys->rate_per_keVee_kg_day) ? keys->rate_per_keV_kg_day
                                                            : keys->rate_per_keVee_kg_day * keys->quenching_factor;
        cev_background_flat(bins, per_keV * kg_day, counts);
    }
    return CEV_OK;
}

static cev_status read_backgrounds(cev_arena *arena, cev_node node, cev_experiment *out)
{
    cev_background *background;
    size_t n = cev_node_length(node);
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node)) return cev_node_fail(node, "key \"backgrounds\": expected a list");
    if (n + 1 > CEV_MAX_COMPONENTS)
        return cev_node_fail(node, "key \"backgrounds\": at most %d are possible", CEV_MAX_COMPONENTS - 1);
    CEV_TRY(cev_new(arena, n, &background));
    for (size_t b = 0; b < n; b++) {
        cev_node item = cev_node_item(node, b);
        background_keys keys = {NULL, NAN, NAN, NAN, NAN, NAN, 1, {0}};
        double *counts;
        CEV_TRY(cev_node_read(arena, item, "background", background_table, CEV_LENGTH(background_table), &keys));
        CEV_TRY(check_background(item, &keys));
        for (size_t k = 0; k <= b; k++)
            if (!strcmp(k ? background[k - 1].name : "signal", keys.name))
                return cev_node_fail(cev_node_find(item, "name"), "the name \"%s\" is taken", keys.name);
        CEV_TRY(cev_new(arena, out->bins.n_bin, &counts));
        CEV_TRY(fill_background(item, &keys, out, counts));
        CEV_TRY(cev_arena_keep_text(arena, keys.name, &background[b].name));
        background[b].counts = counts;
    }
    out->n_background = n;
    out->background = background;
    return CEV_OK;
}

/* --- pulls and data --------------------------------------------------------------------------------------------- */

typedef struct pull_keys {
    const char *name;
    double sigma;
    cev_node scales;
} pull_keys;

static const cev_key pull_table[] = {
    CEV_KEY(pull_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(pull_keys, sigma, .type = CEV_KEY_REAL, .required = true, .minimum = 1e-9, .maximum = 1e3),
    CEV_KEY(pull_keys, scales, .type = CEV_KEY_NODE, .required = true),
};

static cev_status read_scales(cev_arena *arena, cev_node node, const cev_experiment *experiment, cev_pull *out)
{
    const char *names[CEV_MAX_COMPONENTS] = {"signal"};
    size_t *component, n_name = experiment->n_background + 1, n = cev_node_length(node);
    for (size_t b = 0; b < experiment->n_background; b++) names[b + 1] = experiment->background[b].name;
    if (!cev_node_is_sequence(node) || n == 0)
        return cev_node_fail(node, "key \"scales\": expected a list of components (signal, or names of backgrounds)");
    CEV_TRY(cev_new(arena, n, &component));
    for (size_t k = 0; k < n; k++) {
        cev_node item = cev_node_item(node, k);
        size_t c = 0;
        while (c < n_name && strcmp(names[c], cev_node_text(item))) c++;
        if (c == n_name) return cev_node_fail_name(item, "component", names, n_name);
        for (size_t j = 0; j < k; j++)
            if (component[j] == c) return cev_node_fail(item, "component \"%s\" is listed twice", names[c]);
        component[k] = c;
    }
    out->n_component = n;
    out->component = component;
    return CEV_OK;
}

static cev_status read_pulls(cev_arena *arena, cev_node node, cev_experiment *out)
{
    cev_pull *pull;
    size_t n = cev_node_length(node);
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node)) return cev_node_fail(node, "key \"pulls\": expected a list");
    if (n > CEV_MAX_PULLS) return cev_node_fail(node, "key \"pulls\": at most %d are possible", CEV_MAX_PULLS);
    CEV_TRY(cev_new(arena, n, &pull));
    for (size_t p = 0; p < n; p++) {
        pull_keys keys = {0};
        cev_node item = cev_node_item(node, p);
        CEV_TRY(cev_node_read(arena, item, "pull", pull_table, CEV_LENGTH(pull_table), &keys));
        if (strlen(keys.name) > 100 || strchr(keys.name, '/'))
            return cev_node_fail(item, "the name of a pull has at most 100 letters and no slash");
        for (size_t k = 0; k < p; k++)
            if (!strcmp(pull[k].name, keys.name)) return cev_node_fail(item, "pull \"%s\" is given twice", keys.name);
        CEV_TRY(cev_arena_keep_text(arena, keys.name, &pull[p].name));
        pull[p].sigma = keys.sigma;
        CEV_TRY(read_scales(arena, keys.scales, out, &pull[p]));
    }
    out->n_pull = n;
    out->pull = pull;
    return CEV_OK;
}

static cev_status read_observed(cev_arena *arena, cev_node node, cev_experiment *out)
{
    double *counts;
    if (!node.id) return CEV_OK;
    if (!cev_node_is_sequence(node) || cev_node_length(node) != out->bins.n_bin)
        return cev_node_fail(node, "key \"observed\": expected a list of %zu counts, one for each bin", out->bins.n_bin);
    CEV_TRY(cev_new(arena, out->bins.n_bin, &counts));
    for (size_t i = 0; i < out->bins.n_bin; i++)
        CEV_TRY(cev_node_real(cev_node_item(node, i), "observed", 0, 1e15, &counts[i]));
    out->observed = counts;
    return CEV_OK;
}

cev_status cev_experiment_parse(cev_arena *arena, cev_node node, cev_experiment *out)
{
    experiment_keys keys = {0};
    *out = (cev_experiment){0};
    CEV_TRY(cev_node_read(arena, node, "experiment", experiment_table, CEV_LENGTH(experiment_table), &keys));
    if (strpbrk(keys.experiment, ", /"))
        return cev_node_fail(cev_node_find(node, "experiment"), "the name of an experiment has no comma, space or slash");
    CEV_TRY(cev_arena_keep_text(arena, keys.experiment, &out->name));
    CEV_TRY(cev_arena_keep_text(arena, keys.title ? keys.title : keys.experiment, &out->title));
    READ_KIND(keys.source, "source", cev_source_kinds, cev_n_source_kinds, &out->source);
    CEV_TRY(read_target(arena, keys.target, &out->target));
    READ_KIND(keys.response, "response", cev_response_kinds, cev_n_response_kinds, &out->response);
    double recoil_max_keV = cev_experiment_recoil_max_keV(&out->source, &out->target);
    CEV_TRY(read_bins(arena, node, keys.bins, recoil_max_keV, out));
    CEV_TRY(read_backgrounds(arena, keys.backgrounds, out));
    CEV_TRY(read_pulls(arena, keys.pulls, out));
    return read_observed(arena, keys.observed, out);
}
