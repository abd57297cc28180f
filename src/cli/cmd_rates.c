/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bins_table.h"
#include "command.h"
#include "output_format.h"
#include "selection.h"
#include "spectrum.h"
#include "usage.h"

static const char doc[] =
    "Expected events per bin, for each neutrino of the source and each background, over the whole exposure.\v"
    "Energies are reconstructed nuclear recoil energies, times are after the beam's pulse. Bins of a table have "
    "the names that its file gives them, or numbers; a counting experiment has no upper edge. The parameters are "
    "at the standard model unless set otherwise. What counts before the response, and the response itself: "
    "cevscan spectra.\n\n"
    "CSV and JSON have 17 digits. JSON has for each experiment: signal and background, events by component and "
    "bin (bins of time outermost), and their sums signal_total and background_total; edges_keV, edges_PE or "
    "edges_bin, null where there is no edge; edges_us; bin_names, where bins have names; data, what a fit is "
    "compared with, and data_kind, \"observed\" or \"asimov\"; observed and variance, if there are any; title "
    "and labels.\n\n"
    "Example: cevscan rates --experiments ess_csi --format csv";

typedef struct rates_options {
    selection_options selection;
    output_format format;
    bool differential;
} rates_options;

enum { KEY_DIFFERENTIAL = 512 };

static const struct argp_option options[] = {
    {"differential", KEY_DIFFERENTIAL, NULL, 0,
     "events per keV of recoil energy, kg and day before the response instead: cevscan spectra --of recoil", 2},
    {"format", 'f', "FORMAT", 0, "table (default), csv or json", 2},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    rates_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->selection; return 0;
    case 'f': parse_format(argument, state, &o->format); return 0;
    case KEY_DIFFERENTIAL: o->differential = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* All columns of one experiment: the signal, its components, then backgrounds, and what it is compared with. */
enum { MOST_COLUMNS = 2 + CEV_MAX_SOURCE_COMPONENTS + CEV_MAX_COMPONENTS };
typedef struct column {
    const char *name;
    const double *counts; /* [n_bin] */
    double sum;
} column;

typedef struct columns {
    const cev_experiment *experiment;
    size_t n_signal, n; /* components of the signal; these and backgrounds */
    column signal, of[MOST_COLUMNS], data;
    bool observed; /* the data are what was observed; otherwise what the model expects */
} columns;

static column column_of(const char *name, const double *counts, size_t n_bin)
{
    column c = {.name = name, .counts = counts};
    for (size_t i = 0; i < n_bin; i++) c.sum += counts[i];
    return c;
}

static cev_status sum_signal(cev_arena *arena, columns *c)
{
    double *sum;
    size_t n_bin = c->experiment->bins.n_bin;
    CEV_TRY(cev_new(arena, n_bin, &sum));
    for (size_t k = 0; k < c->n_signal; k++)
        for (size_t i = 0; i < n_bin; i++) sum[i] += c->of[k].counts[i];
    c->signal = column_of("signal", sum, n_bin);
    return CEV_OK;
}

static cev_status gather(const selection *s, size_t e, columns *c)
{
    const cev_experiment *x = s->config->experiment[e];
    size_t n_bin = x->bins.n_bin;
    double *signal;
    *c = (columns){.experiment = x, .n_signal = x->source.kind->n_component, .observed = s->config->observed[e]};
    CEV_TRY(cev_new(s->config->arena, c->n_signal * n_bin, &signal));
    CEV_TRY(cev_model_signal(s->model, e, s->theta, signal));
    for (; c->n < c->n_signal; c->n++)
        c->of[c->n] = column_of(x->source.kind->components[c->n].name, signal + c->n * n_bin, n_bin);
    for (size_t b = 0; b < x->n_background; b++, c->n++)
        c->of[c->n] = column_of(x->background[b].name, x->background[b].counts, n_bin);
    c->data = column_of(c->observed ? "observed" : "asimov", s->data.counts[e], n_bin);
    return sum_signal(s->config->arena, c);
}

static void print_table(const columns *c)
{
    const bin_columns bins = bin_columns_of(c->experiment);
    const column *shown[MOST_COLUMNS] = {&c->signal};
    number_column format[MOST_COLUMNS];
    size_t n = 1, n_bin = c->experiment->bins.n_bin;
    for (size_t k = 0; k < c->n; k++) shown[n++] = &c->of[k];
    if (c->observed) shown[n++] = &c->data;
    printf("%s: ", c->experiment->name);
    print_plain(stdout, c->experiment->title);
    putchar('\n');
    print_bin_titles(&bins);
    for (size_t k = 0; k < n; k++) {
        format[k] = number_column_of(n_bin, shown[k]->counts, shown[k]->sum, shown[k]->name);
        print_title(&format[k], shown[k]->name);
    }
    for (size_t i = 0; i < n_bin; i++) {
        putchar('\n');
        print_bin(&bins, i);
        for (size_t k = 0; k < n; k++) print_number(&format[k], shown[k]->counts[i]);
    }
    putchar('\n');
    print_in_place_of_bin(&bins, "sum");
    for (size_t k = 0; k < n; k++) print_number(&format[k], shown[k]->sum);
    printf("\n\n");
}

static void print_csv_row(const selection *s, const columns *c, size_t k, size_t i)
{
    const cev_experiment *x = c->experiment;
    const cev_bins *b = &x->bins;
    size_t energy = i % b->n_energy, t = i / b->n_energy;
    bool numbered = cev_bins_are_numbered(x);
    char name[CEV_BIN_NAME_SIZE];
    cev_bin_energy_name(x, i, name, sizeof name);
    print_csv_name(x->name);
    printf(",%s,", k < c->n_signal ? "signal" : "background");
    print_csv_name(c->of[k].name);
    printf(",%zu,", energy + 1);
    print_csv_text(name);
    printf(",%s,", numbered ? "" : unit_of(x));
    if (!numbered) printf("%.17g", b->edge[energy]);
    putchar(',');
    if (!numbered && !x->response.kind->counting) printf("%.17g", b->edge[energy + 1]);
    if (b->time_edge_us)
        printf(",%.17g,%.17g,", b->time_edge_us[t], b->time_edge_us[t + 1]);
    else
        printf(",,,");
    printf("%.17g,", c->of[k].counts[i]);
    print_interaction(s, FORMAT_CSV);
}

/* Long form, so that experiments with different columns fit into one file. */
static void print_csv(const selection *s, const columns *c)
{
    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < c->experiment->bins.n_bin; i++) print_csv_row(s, c, k, i);
}

static json_t *counts_json(const double *counts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_number(counts[i]));
    return list;
}

/* TeX of the source's components, and titles of backgrounds that have one. */
static json_t *labels_json(const columns *c)
{
    json_t *labels = json_object();
    for (size_t k = 0; k < c->n_signal; k++)
        json_object_set_new(labels, c->of[k].name, json_text(c->experiment->source.kind->components[k].label));
    for (size_t b = 0; b < c->experiment->n_background; b++) {
        const cev_background *background = &c->experiment->background[b];
        if (strcmp(background->title, background->name))
            json_object_set_new(labels, background->name, json_text(background->title));
    }
    return labels;
}

/* A counting experiment has no upper edge: null. */
static json_t *edges_json(const cev_experiment *x)
{
    json_t *edges = counts_json(x->bins.edge, x->bins.n_energy + 1);
    if (x->response.kind->counting) json_array_set_new(edges, x->bins.n_energy, json_null());
    return edges;
}

static json_t *names_json(const cev_experiment *x)
{
    json_t *names = json_array();
    for (size_t i = 0; i < x->bins.n_energy; i++) {
        char name[CEV_BIN_NAME_SIZE];
        cev_bin_energy_name(x, i, name, sizeof name);
        json_array_append_new(names, json_text(name));
    }
    return names;
}

static void put_bins(const cev_experiment *x, json_t *json)
{
    char name[16];
    snprintf(name, sizeof name, "edges_%s", unit_of(x));
    json_object_set_new(json, name, edges_json(x));
    if (cev_bins_are_numbered(x) || x->response.kind->counting) json_object_set_new(json, "bin_names", names_json(x));
    if (x->bins.time_edge_us)
        json_object_set_new(json, "edges_us", counts_json(x->bins.time_edge_us, x->bins.n_time + 1));
}

static json_t *experiment_json(const selection *s, const columns *c)
{
    const cev_experiment *x = c->experiment;
    json_t *signal = json_object(), *background = json_object();
    double background_sum = 0;
    for (size_t k = 0; k < c->n; k++) {
        json_object_set_new(k < c->n_signal ? signal : background, c->of[k].name,
                            counts_json(c->of[k].counts, x->bins.n_bin));
        if (k >= c->n_signal) background_sum += c->of[k].sum;
    }
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "title", json_text(x->title), "signal", signal,
                             "background", background, "signal_total", json_number(c->signal.sum), "background_total",
                             json_number(background_sum), "labels", labels_json(c), "data",
                             counts_json(c->data.counts, x->bins.n_bin), "data_kind", c->data.name);
    put_bins(x, json);
    json_object_set_new(json, "interaction", selection_interaction_json(s));
    if (x->observed) json_object_set_new(json, "observed", counts_json(x->observed, x->bins.n_bin));
    if (x->variance) json_object_set_new(json, "variance", counts_json(x->variance, x->bins.n_bin));
    return json;
}

static cev_status print_rates(const selection *s, output_format format)
{
    json_t *json = json_object();
    cev_status status = CEV_OK;
    if (format == FORMAT_TABLE) print_interaction(s, format);
    if (format == FORMAT_CSV)
        printf("experiment,kind,component,bin,name,unit,from,to,from_us,to_us,events,interaction\n");
    for (size_t e = 0; status == CEV_OK && e < s->config->n_experiment; e++) {
        columns c;
        status = gather(s, e, &c);
        if (status != CEV_OK) break;
        if (format == FORMAT_TABLE) print_table(&c);
        if (format == FORMAT_CSV) print_csv(s, &c);
        if (format == FORMAT_JSON) json_object_set_new(json, c.experiment->name, experiment_json(s, &c));
    }
    if (status == CEV_OK && format == FORMAT_JSON)
        print_json(json);
    else
        json_decref(json);
    return status;
}

static cev_status print_as_asked(const selection *s, const void *context)
{
    const rates_options *o = context;
    const spectrum_options recoil = SPECTRUM_DEFAULTS;
    return o->differential ? print_spectra(s, &recoil, o->format) : print_rates(s, o->format);
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

    return print_selection(&o.selection, print_as_asked, &o);
}
