/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "selection.h"
#include "usage.h"

static const char doc[] =
    "Expected events per bin, for each neutrino of the source and each background, over the whole exposure.\v"
    "Energies are reconstructed nuclear recoil energies. The parameters are at the standard model unless set "
    "otherwise.\n\n"
    "Example: cevscan rates --experiments ess_csi --format csv";

typedef enum table_format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON } table_format;

typedef struct rates_options {
    selection_options selection;
    table_format format;
} rates_options;

static const struct argp_option options[] = {
    {"format", 'f', "FORMAT", 0, "table (default), csv or json", 2},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    rates_options *o = state->input;
    static const char *const names[] = {"table", "csv", "json"};
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->selection; return 0;
    case 'f':
        for (int k = 0; k < 3; k++)
            if (!strcmp(argument, names[k])) {
                o->format = (table_format)k;
                return 0;
            }
        usage_error(state, "--format %s: expected table, csv or json", argument);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* All columns of one experiment: components of the source, then backgrounds. */
typedef struct columns {
    const cev_experiment *experiment;
    size_t n_signal, n;
    const double *counts[CEV_MAX_SOURCE_COMPONENTS + CEV_MAX_COMPONENTS]; /* [n][n_bin] */
    const char *name[CEV_MAX_SOURCE_COMPONENTS + CEV_MAX_COMPONENTS];
} columns;

static cev_status gather(const selection *s, size_t e, columns *c)
{
    const cev_experiment *x = s->config->experiment[e];
    double *signal;
    *c = (columns){.experiment = x, .n_signal = x->source.kind->n_component};
    CEV_TRY(cev_new(s->config->arena, c->n_signal * x->bins.n_bin, &signal));
    CEV_TRY(cev_model_signal(s->model, e, s->theta, signal));
    for (; c->n < c->n_signal; c->n++) {
        c->counts[c->n] = signal + c->n * x->bins.n_bin;
        c->name[c->n] = x->source.kind->components[c->n].name;
    }
    for (size_t b = 0; b < x->n_background; b++, c->n++) {
        c->counts[c->n] = x->background[b].counts;
        c->name[c->n] = x->background[b].name;
    }
    return CEV_OK;
}

static double sum_over_bins(const columns *c, size_t column)
{
    double sum = 0;
    for (size_t i = 0; i < c->experiment->bins.n_bin; i++) sum += c->counts[column][i];
    return sum;
}

static double signal_in_bin(const columns *c, size_t i)
{
    double sum = 0;
    for (size_t k = 0; k < c->n_signal; k++) sum += c->counts[k][i];
    return sum;
}

static void print_table(const columns *c)
{
    double signal = 0;
    printf("%s: ", c->experiment->name);
    print_plain(stdout, c->experiment->title);
    putchar('\n');
    print_bin_titles(c->experiment);
    printf(" %12s", "signal");
    for (size_t k = 0; k < c->n; k++) printf(" %12s", c->name[k]);
    for (size_t i = 0; i < c->experiment->bins.n_bin; i++) {
        printf("\n");
        print_bin(c->experiment, i);
        printf(" %12.3f", signal_in_bin(c, i));
        for (size_t k = 0; k < c->n; k++) printf(" %12.3f", c->counts[k][i]);
        signal += signal_in_bin(c, i);
    }
    printf("\n%*s %12.3f", c->experiment->bins.time_edge_us ? -43 : -21, "sum", signal);
    for (size_t k = 0; k < c->n; k++) printf(" %12.3f", sum_over_bins(c, k));
    printf("\n\n");
}

/* Long form, so that experiments with different columns fit into one file. */
static void print_csv(const columns *c)
{
    const cev_bins *bins = &c->experiment->bins;
    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < bins->n_bin; i++) {
            size_t energy = i % bins->n_energy, t = i / bins->n_energy;
            printf("%s,%s,%s,%s,%.10g,%.10g,", c->experiment->name, k < c->n_signal ? "signal" : "background",
                   c->name[k], unit_of(c->experiment), bins->edge[energy], bins->edge[energy + 1]);
            if (bins->time_edge_us) printf("%.10g,%.10g", bins->time_edge_us[t], bins->time_edge_us[t + 1]);
            printf("%s,%.10g\n", bins->time_edge_us ? "" : ",", c->counts[k][i]);
        }
}

static json_t *counts_json(const double *counts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_number(counts[i]));
    return list;
}

/* TeX of the source's components. */
static json_t *labels_json(const columns *c)
{
    json_t *labels = json_object();
    for (size_t k = 0; k < c->n_signal; k++)
        json_object_set_new(labels, c->name[k], json_text(c->experiment->source.kind->components[k].label));
    return labels;
}

static json_t *experiment_json(const columns *c)
{
    const cev_bins *bins = &c->experiment->bins;
    json_t *edges = json_array(), *time_edges = json_array(), *signal = json_object(), *background = json_object();
    double signal_sum = 0, background_sum = 0;
    for (size_t i = 0; i <= bins->n_energy; i++) json_array_append_new(edges, json_number(bins->edge[i]));
    for (size_t t = 0; bins->time_edge_us && t <= bins->n_time; t++)
        json_array_append_new(time_edges, json_number(bins->time_edge_us[t]));
    for (size_t k = 0; k < c->n; k++) {
        json_object_set_new(k < c->n_signal ? signal : background, c->name[k], counts_json(c->counts[k], bins->n_bin));
        *(k < c->n_signal ? &signal_sum : &background_sum) += sum_over_bins(c, k);
    }
    char name[16];
    snprintf(name, sizeof name, "edges_%s", unit_of(c->experiment));
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o}", name, edges, "signal", signal, "background", background,
                             "signal_total", json_number(signal_sum), "background_total", json_number(background_sum));
    json_object_set_new(json, "title", json_text(c->experiment->title));
    json_object_set_new(json, "labels", labels_json(c));
    if (c->experiment->observed)
        json_object_set_new(json, "observed", counts_json(c->experiment->observed, bins->n_bin));
    if (c->experiment->variance)
        json_object_set_new(json, "variance", counts_json(c->experiment->variance, bins->n_bin));
    if (bins->time_edge_us)
        json_object_set_new(json, "edges_us", time_edges);
    else
        json_decref(time_edges);
    return json;
}

static cev_status print_rates(const selection *s, table_format format)
{
    json_t *json = json_object();
    cev_status status = CEV_OK;
    if (format == FORMAT_CSV) printf("experiment,kind,component,unit,from,to,from_us,to_us,events\n");
    for (size_t e = 0; status == CEV_OK && e < s->config->n_experiment; e++) {
        columns c;
        status = gather(s, e, &c);
        if (status != CEV_OK) break;
        if (format == FORMAT_TABLE) print_table(&c);
        if (format == FORMAT_CSV) print_csv(&c);
        if (format == FORMAT_JSON) json_object_set_new(json, c.experiment->name, experiment_json(&c));
    }
    if (status == CEV_OK && format == FORMAT_JSON)
        print_json(json);
    else
        json_decref(json);
    return status;
}

int command_rates(int argc, char **argv)
{
    rates_options o = {.format = FORMAT_TABLE};
    const struct argp_child children[] = {{&selection_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = options,
                              .parser = parse,
                              .args_doc = "[SCAN.yaml]",
                              .doc = doc,
                              .children = children};
    parse_arguments(&argp, argc, argv, &o);
    if (o.selection.json) o.format = FORMAT_JSON;

    selection s;
    cev_status status = selection_open(&o.selection, &s);
    if (status == CEV_OK) {
        status = print_rates(&s, o.format);
        selection_close(&s);
    }
    return report_error(status);
}
