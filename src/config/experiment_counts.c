/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backgrounds, and what was observed. */
#include <math.h>
#include <string.h>

#include "cevscan/background.h"
#include "experiment_parts.h"

/* --- backgrounds ------------------------------------------------------------------------------------------------ */

typedef struct background_keys {
    const char *name, *title;
    double rate_per_keV_kg_day, rate_per_keVee_kg_day, rate_per_kg_day;
    double quenching_factor, live_days, duty_factor;
    cev_reals counts;
    cev_node arrival;
} background_keys;

#define RATE .minimum = 0, .maximum = 1e12
static const cev_key background_key[] = {
    CEV_KEY(background_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(background_keys, title, .type = CEV_KEY_TITLE),
    CEV_KEY(background_keys, rate_per_keV_kg_day, .type = CEV_KEY_REAL, RATE),
    CEV_KEY(background_keys, rate_per_keVee_kg_day, .type = CEV_KEY_REAL, RATE),
    CEV_KEY(background_keys, rate_per_kg_day, .type = CEV_KEY_REAL, RATE),
    CEV_KEY(background_keys, quenching_factor, .type = CEV_KEY_REAL, .minimum = 1e-6, .maximum = 10),
    CEV_KEY(background_keys, live_days, .type = CEV_KEY_REAL, .minimum = 0, .maximum = 1e6),
    CEV_KEY(background_keys, duty_factor, .type = CEV_KEY_REAL, .minimum = 0, .maximum = 1, .otherwise = "1",
            .idle_beside = "counts"),
    CEV_KEY(background_keys, counts, .type = CEV_KEY_REALS, RATE),
    CEV_KEY(background_keys, arrival, .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT, .otherwise = "steady"),
};

const cev_table cev_background_table = CEV_TABLE_WITH("background", background_key, .named_by = {"name"});

/* Keys that the way in which a background is given does not use. */
static cev_status check_unused(cev_node node, const background_keys *keys)
{
    const bool counted = keys->counts.node.id != 0, quenched = !isnan(keys->rate_per_keVee_kg_day);
    if (counted && !isnan(keys->live_days))
        return cev_node_fail(cev_node_find(node, "live_days"), "key \"live_days\" changes nothing beside \"counts\"");
    if (counted && keys->duty_factor != 1)
        return cev_node_fail(cev_node_find(node, "duty_factor"),
                             "key \"duty_factor\" changes nothing beside \"counts\"");
    if (!quenched && !isnan(keys->quenching_factor))
        return cev_node_fail(cev_node_find(node, "quenching_factor"),
                             "key \"quenching_factor\" changes nothing without \"rate_per_keVee_kg_day\"");
    return CEV_OK;
}

/* Exactly one of the four ways to say how much there is. */
static cev_status check_background(cev_node node, const background_keys *keys)
{
    int ways = !isnan(keys->rate_per_keV_kg_day) + !isnan(keys->rate_per_keVee_kg_day) + !isnan(keys->rate_per_kg_day) +
               (keys->counts.node.id != 0);
    if (ways != 1)
        return cev_node_fail(node,
                             "background \"%s\": expected exactly one of the keys \"rate_per_keV_kg_day\", "
                             "\"rate_per_keVee_kg_day\", \"rate_per_kg_day\" and \"counts\"",
                             keys->name);
    if (!isnan(keys->rate_per_keVee_kg_day) && isnan(keys->quenching_factor))
        return cev_node_fail(node, "background \"%s\": a rate per keVee needs the key \"quenching_factor\"",
                             keys->name);
    if (!keys->counts.node.id && isnan(keys->live_days))
        return cev_node_fail(node, "background \"%s\": a rate needs the key \"live_days\"", keys->name);
    return check_unused(node, keys);
}

static cev_status fill_rate(cev_node node, const background_keys *keys, const cev_experiment *experiment,
                            double *counts)
{
    double kg_day = experiment->target.mass_kg * keys->live_days * keys->duty_factor;
    if (!isnan(keys->rate_per_kg_day)) {
        if (!experiment->response.kind->counting)
            return cev_node_fail(node,
                                 "background \"%s\": a rate without energy is for counting responses; give "
                                 "\"rate_per_keV_kg_day\"",
                                 keys->name);
        counts[0] = keys->rate_per_kg_day * kg_day;
        return CEV_OK;
    }
    if (experiment->response.kind->counting)
        return cev_node_fail(node, "background \"%s\": a counting response needs \"rate_per_kg_day\" or \"counts\"",
                             keys->name);
    if (experiment->response.kind->observable != CEV_OBSERVABLE_RECOIL_KEV)
        return cev_node_fail(node, "background \"%s\": bins in %s need \"counts\"", keys->name,
                             cev_observable_units[experiment->response.kind->observable]);
    double per_keV = isnan(keys->rate_per_keVee_kg_day) ? keys->rate_per_keV_kg_day
                                                        : keys->rate_per_keVee_kg_day * keys->quenching_factor;
    cev_background_flat(&experiment->bins, per_keV * kg_day, counts);
    return CEV_OK;
}

/* Counts of one window of time per bin in energy, in place, become all of them; the total stays. */
static void spread_over_time(const cev_experiment *experiment, cev_arrival arrival, double *share, double *counts)
{
    const cev_bins *bins = &experiment->bins;
    double sum = 0;
    cev_arrival_shares(&experiment->beam, arrival, bins->n_time, bins->time_edge_us, share);
    for (size_t t = 0; t < bins->n_time; t++) sum += share[t];
    for (size_t t = bins->n_time; t-- > 0;)
        for (size_t i = 0; i < bins->n_energy; i++) counts[t * bins->n_energy + i] = counts[i] * share[t] / sum;
}

static cev_status read_arrival(cev_node node, const cev_experiment *experiment, cev_arrival *out)
{
    *out = CEV_ARRIVAL_STEADY;
    if (!node.id) return CEV_OK;
    if (!experiment->beam.kind) return cev_node_fail(node, "key \"arrival\": the experiment has no key \"timing\"");
    for (int a = 0; a < CEV_N_ARRIVALS; a++)
        if (!strcmp(cev_arrival_names[a], cev_node_text(node))) {
            *out = (cev_arrival)a;
            return CEV_OK;
        }
    return cev_node_fail_name(node, "arrival", cev_arrival_names, CEV_N_ARRIVALS);
}

static cev_status fill_background(cev_arena *arena, cev_node node, const background_keys *keys,
                                  const cev_experiment *experiment, double *counts)
{
    const cev_bins *bins = &experiment->bins;
    cev_arrival arrival;
    CEV_TRY(read_arrival(keys->arrival, experiment, &arrival));
    if (!keys->counts.node.id) {
        CEV_TRY(fill_rate(node, keys, experiment, counts));
    } else {
        bool every_bin = keys->counts.n == bins->n_bin;
        if (!every_bin && keys->counts.n != bins->n_energy)
            return cev_node_fail(keys->counts.node, "background \"%s\": %zu counts for %zu bins", keys->name,
                                 keys->counts.n, bins->n_bin);
        memcpy(counts, keys->counts.value, keys->counts.n * sizeof *counts);
        if (every_bin && keys->arrival.id && bins->n_time > 1)
            return cev_node_fail(keys->arrival,
                                 "key \"arrival\": the counts are already given for every window of time");
        if (every_bin) return CEV_OK;
    }
    if (!experiment->beam.kind) return CEV_OK;
    double *share;
    CEV_TRY(cev_new(arena, bins->n_time, &share));
    spread_over_time(experiment, arrival, share, counts);
    return CEV_OK;
}

/* The signal, its components and the backgrounds stand side by side in what is printed. */
static cev_status check_name(cev_node item, const char *name, const cev_source *source, size_t n,
                             const cev_background *others)
{
    for (size_t c = 0; c < source->kind->n_component; c++)
        if (!strcmp(source->kind->components[c].name, name))
            return cev_node_fail(cev_node_find(item, "name"), "the name \"%s\" is taken by the source's neutrinos",
                                 name);
    for (size_t k = 0; k <= n; k++)
        if (!strcmp(k ? others[k - 1].name : "signal", name))
            return cev_node_fail(cev_node_find(item, "name"), "the name \"%s\" is taken", name);
    return CEV_OK;
}

cev_status cev_read_backgrounds(cev_arena *arena, cev_node node, cev_experiment *out)
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
        background_keys keys = {.rate_per_keV_kg_day = NAN,
                                .rate_per_keVee_kg_day = NAN,
                                .rate_per_kg_day = NAN,
                                .quenching_factor = NAN,
                                .live_days = NAN};
        double *counts;
        CEV_TRY(cev_node_read(arena, item, &cev_background_table, &keys));
        CEV_TRY(check_background(item, &keys));
        CEV_TRY(check_name(item, keys.name, &out->source, b, background));
        CEV_TRY(cev_new(arena, out->bins.n_bin, &counts));
        CEV_TRY(fill_background(arena, item, &keys, out, counts));
        CEV_TRY(cev_arena_keep_text(arena, keys.name, &background[b].name));
        CEV_TRY(cev_arena_keep_text(arena, keys.title ? keys.title : keys.name, &background[b].title));
        background[b].counts = counts;
    }
    out->n_background = n;
    out->background = background;
    return CEV_OK;
}

/* --- data ------------------------------------------------------------------------------------------------------- */

typedef struct observed_keys {
    cev_reals counts, off_counts;
    double off_scale, floor;
} observed_keys;

#define COUNTS .type = CEV_KEY_REALS, .minimum = 0, .maximum = 1e15
static const cev_key observed_key[] = {
    CEV_KEY(observed_keys, counts, COUNTS, .required = true),
    CEV_KEY(observed_keys, off_counts, COUNTS),
    CEV_KEY(observed_keys, off_scale, .type = CEV_KEY_REAL, .minimum = 0, .maximum = 1e6, .otherwise = "1"),
    CEV_KEY(observed_keys, floor, .type = CEV_KEY_REAL, .minimum = -1e15, .maximum = 1e15),
};

const cev_table cev_observed_table = CEV_TABLE_WITH("observed", observed_key, .bare = "counts");

static cev_status check_counts(const cev_reals *counts, const char *key, const cev_bins *bins)
{
    if (counts->n == bins->n_bin) return CEV_OK;
    return cev_node_fail(counts->node, "key \"%s\": expected a list of %zu counts, one for each bin; found %zu", key,
                         bins->n_bin, counts->n);
}

/* A list of counts, or {counts, off_counts, ...}: what was counted with the beam on, and without, to be subtracted. */
static cev_status read_observed(cev_arena *arena, cev_node node, observed_keys *keys, cev_experiment *out)
{
    static const cev_key plain[] = {{.name = "observed", .offset = 0, COUNTS}};
    if (!node.id) return CEV_OK;
    keys->off_scale = 1;
    keys->floor = -INFINITY;
    if (cev_node_is_mapping(node)) {
        CEV_TRY(cev_node_read(arena, node, &cev_observed_table, keys));
        if (cev_node_find(node, "off_scale").id && !keys->off_counts.node.id)
            return cev_node_fail(cev_node_find(node, "off_scale"),
                                 "key \"off_scale\": there are no \"off_counts\" to scale");
        CEV_TRY(check_counts(&keys->counts, "counts", &out->bins));
    } else {
        CEV_TRY(cev_node_reals(arena, node, &plain[0], &keys->counts));
        CEV_TRY(check_counts(&keys->counts, "observed", &out->bins));
    }
    if (keys->off_counts.node.id) CEV_TRY(check_counts(&keys->off_counts, "off_counts", &out->bins));
    double *observed;
    CEV_TRY(cev_new(arena, out->bins.n_bin, &observed));
    for (size_t i = 0; i < out->bins.n_bin; i++) {
        double off = keys->off_counts.node.id ? keys->off_scale * keys->off_counts.value[i] : 0;
        observed[i] = fmax(keys->counts.value[i] - off, keys->floor);
    }
    out->observed = observed;
    out->counted = keys->counts.value;
    return CEV_OK;
}

typedef struct statistic_keys {
    const char *name;
    cev_node variance;
} statistic_keys;

static const cev_key statistic_key[] = {
    CEV_KEY(statistic_keys, name, .type = CEV_KEY_TEXT, .required = true),
    CEV_KEY(statistic_keys, variance, .type = CEV_KEY_NODE),
};

const cev_table cev_statistic_table = CEV_TABLE_WITH("statistic", statistic_key, .bare = "name");

/* The rules by which variances follow from the counts. */
static double variance_on_plus_off(const cev_experiment *x, const observed_keys *keys, size_t i)
{
    (void)x;
    double off = keys->off_counts.node.id ? keys->off_counts.value[i] : 0;
    return keys->counts.value[i] + keys->off_scale * keys->off_scale * off;
}

static double variance_observed_plus_backgrounds(const cev_experiment *x, const observed_keys *keys, size_t i)
{
    (void)keys;
    double sum = x->observed[i];
    for (size_t b = 0; b < x->n_background; b++) sum += x->background[b].counts[i];
    return sum;
}

static const struct {
    const char *name;
    double (*of)(const cev_experiment *x, const observed_keys *keys, size_t i);
} rules[] = {{"on_plus_off", variance_on_plus_off}, {"observed_plus_backgrounds", variance_observed_plus_backgrounds}};

static cev_status find_rule(cev_node node, size_t *out)
{
    const char *names[CEV_LENGTH(rules)];
    for (*out = 0; *out < CEV_LENGTH(rules); ++*out) {
        names[*out] = rules[*out].name;
        if (!strcmp(names[*out], cev_node_text(node))) return CEV_OK;
    }
    return cev_node_fail_name(node, "rule for the variance (or give a list of variances)", names, CEV_LENGTH(rules));
}

static cev_status read_variance(cev_arena *arena, cev_node node, const observed_keys *keys, cev_experiment *out)
{
    static const cev_key list_key = {.name = "variance", .type = CEV_KEY_REALS, .minimum = 0, .maximum = 1e18};
    cev_reals list = {0};
    double *variance;
    size_t rule = 0;
    CEV_TRY(cev_new(arena, out->bins.n_bin, &variance));
    if (cev_node_is_sequence(node)) {
        CEV_TRY(cev_node_reals(arena, node, &list_key, &list));
        CEV_TRY(check_counts(&list, "variance", &out->bins));
    } else {
        CEV_TRY(find_rule(node, &rule));
        if (!out->observed)
            return cev_node_fail(node, "key \"variance\": rule \"%s\" needs the key \"observed\"", rules[rule].name);
    }
    for (size_t i = 0; i < out->bins.n_bin; i++) {
        variance[i] = list.n ? list.value[i] : rules[rule].of(out, keys, i);
        if (!(variance[i] > 0))
            return cev_node_fail(node, "key \"variance\": the variance of bin %zu is %g; expected more than 0", i + 1,
                                 variance[i]);
    }
    out->variance = variance;
    return CEV_OK;
}

static cev_status read_statistic(cev_arena *arena, cev_node node, const observed_keys *observed, cev_experiment *out)
{
    statistic_keys keys = {.name = cev_statistic_names[CEV_STATISTIC_POISSON]};
    if (cev_node_is_mapping(node))
        CEV_TRY(cev_node_read(arena, node, &cev_statistic_table, &keys));
    else if (node.id)
        keys.name = cev_node_text(node);
    size_t s = 0;
    while (s < CEV_N_STATISTICS && strcmp(cev_statistic_names[s], keys.name)) s++;
    if (s == CEV_N_STATISTICS)
        return cev_node_fail_name(cev_node_is_mapping(node) ? cev_node_find(node, "name") : node, "statistic",
                                  cev_statistic_names, CEV_N_STATISTICS);
    out->statistic = (cev_statistic)s;
    if (out->statistic == CEV_STATISTIC_POISSON) {
        if (keys.variance.id)
            return cev_node_fail(keys.variance,
                                 "key \"variance\": Poisson counts have none; see statistic \"gaussian\"");
        if (observed->off_counts.node.id)
            return cev_node_fail(observed->off_counts.node,
                                 "key \"off_counts\": a difference of counts is not Poisson distributed; make "
                                 "them a background, or choose statistic \"gaussian\"");
        return CEV_OK;
    }
    if (!keys.variance.id) return cev_node_fail(node, "statistic \"gaussian\": key \"variance\" is missing");
    return read_variance(arena, keys.variance, observed, out);
}

cev_status cev_read_data(cev_arena *arena, cev_node observed, cev_node statistic, cev_experiment *out)
{
    observed_keys keys = {0};
    CEV_TRY(read_observed(arena, observed, &keys, out));
    return read_statistic(arena, statistic, &keys, out);
}
