/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assumptions.h"
#include "bins_table.h"
#include "cevscan/best_fits.h"
#include "cevscan/point_status.h"
#include "command.h"
#include "selection.h"
#include "usage.h"

static const char doc[] =
    "Profiled chi2 at one point, with every pull and the share of each experiment and bin.\v"
    "chi2 is the sum of the experiments' chi2 and of the penalty of the pulls. delta_chi2 is taken from the minimum "
    "over the "
    "parameters that the scan file scans; without a scan file, from the truth of the Asimov data.\n\n"
    "Example: cevscan point --experiments ess_csi,ess_si --set eps_ee_uV=0.1 --set eps_mumu_dV=-0.2 --json";

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

/* Runs a search of one set to its end. */
static cev_status search_best_fit(cev_best_fits *fits, const cev_units *units, cev_combination *combination)
{
    size_t n, set, member;
    cev_best_fit result;
    cev_units_scratch *scratch;
    CEV_TRY(cev_units_scratch_create(units, &scratch));
    cev_status status = CEV_OK;
    while (status == CEV_OK && (n = cev_best_fits_n_item(fits)) > 0) {
        for (size_t k = 0; status == CEV_OK && k < n; k++) {
            status = cev_best_fits_look(fits, scratch, k, NULL, NULL, &result);
            if (status == CEV_OK) cev_best_fits_take(fits, k, &result);
        }
        if (status == CEV_OK) status = cev_best_fits_next(fits, &set, &member);
        if (status == CEV_E_NUMERIC) status = cev_combination_blame(combination, set, member);
    }
    cev_units_scratch_destroy(&scratch);
    return status;
}

static cev_status best_fit_of(const cev_scan_config *c, double *chi2)
{
    const cev_fit_set set = {.n_experiment = c->n_experiment, .experiment = c->experiment, .observed = c->observed};
    cev_scan_job job = {.grid = &c->grid};
    cev_units *units = NULL;
    cev_combination *combination = NULL;
    cev_best_fits *fits = NULL;
    memcpy(job.theta, c->theta, sizeof job.theta);
    memcpy(job.axis_parameter, c->axis_parameter, sizeof job.axis_parameter);
    const bool observed = c->data != CEV_DATA_ASIMOV;
    cev_status status = cev_units_create(1, &set, &c->roster, c->theta, &units);
    if (status == CEV_OK) status = cev_combination_create(units, &job, c->truth, false, &combination);
    if (status == CEV_OK) status = cev_best_fits_create(combination, 1, c->truth, &observed, &fits);
    if (status == CEV_OK) status = search_best_fit(fits, units, combination);
    if (status == CEV_OK) *chi2 = cev_best_fits_get(fits, 0, 0)->chi2;
    cev_best_fits_destroy(&fits);
    cev_combination_destroy(&combination);
    cev_units_destroy(&units);
    return status;
}

/* chi2 that delta_chi2 counts from; none where there are several best fits, none of which is that of this point. */
static cev_status reference_chi2(const selection *s, double *out)
{
    const cev_scan_config *c = s->config;
    *out = c->data == CEV_DATA_ASIMOV ? 0 : NAN;
    return c->grid.n_axis == 0 || c->member_parameter ? CEV_OK : best_fit_of(c, out);
}

static json_t *experiment_json(const selection *s, const cev_point_report *r, size_t e)
{
    const cev_experiment *x = cev_model_experiment(s->model, e);
    json_t *bins = json_array(), *predicted = json_array(), *data = json_array(), *names = json_array();
    for (size_t i = 0; i < x->bins.n_bin; i++) {
        json_array_append_new(bins, json_number(r->bin_chi2[e][i]));
        json_array_append_new(predicted, json_number(r->predicted[e][i]));
        json_array_append_new(data, json_number(s->data.counts[e][i]));
        char name[CEV_BIN_NAME_SIZE];
        cev_bin_name(x, i, name, sizeof name);
        json_array_append_new(names, json_text(name));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "chi2", json_number(r->experiment_chi2[e]), "bins", bins, "predicted",
                     predicted, "data", data, "bin_names", names);
}

static void print_as_json(const selection *s, const cev_point_report *r, double reference)
{
    json_t *pulls = json_object(), *experiments = json_object(), *parameters = json_object();
    const cev_card *card = &s->config->interaction->card;
    for (size_t p = 0; p < card->n_parameter; p++)
        json_object_set_new(parameters, card->parameters[p].name, json_number(s->theta[p]));
    for (size_t p = 0; p < cev_model_n_pull(s->model); p++)
        json_object_set_new(pulls, cev_model_pull_name(s->model, p), json_number(r->pull[p]));
    for (size_t e = 0; e < s->config->n_experiment; e++)
        json_object_set_new(experiments, s->config->experiment[e]->name, experiment_json(s, r, e));
    print_json(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "chi2", json_number(r->chi2), "delta_chi2",
                         json_number(r->chi2 - reference), "penalty", json_number(r->penalty), "pulls", pulls,
                         "experiments", experiments, "parameters", parameters, "status",
                         cev_point_status_name((int)r->status), "interaction", selection_interaction_json(s), "data",
                         data_json(s->config)));
}

static void print_bins(const cev_experiment *x, const double *data, const double *predicted, const double *chi2)
{
    const bin_columns bins = bin_columns_of(x);
    const number_column data_column = number_column_of(x->bins.n_bin, data, 0, "data"),
                        predicted_column = number_column_of(x->bins.n_bin, predicted, 0, "predicted");
    print_bin_titles(&bins);
    print_title(&data_column, "data");
    print_title(&predicted_column, "predicted");
    printf(" %12s\n", "chi2");
    for (size_t i = 0; i < x->bins.n_bin; i++) {
        print_bin(&bins, i);
        print_number(&data_column, data[i]);
        print_number(&predicted_column, predicted[i]);
        printf(" %12.6g\n", chi2[i]);
    }
}

static void print_as_text(const selection *s, const cev_point_report *r, double reference)
{
    char text[1024];
    selection_interaction_text(s, text, sizeof text);
    printf("%s\n", text);
    data_text(s->config, text, sizeof text);
    printf("data %s\n\n", text);
    printf("chi2 %.9g   ", r->chi2);
    if (isnan(reference))
        printf("delta_chi2 none (no parameter is scanned)");
    else
        printf("delta_chi2 %.9g", r->chi2 - reference);
    printf("   status %s\n\n", cev_point_status_name((int)r->status));
    printf("%-32s %14s %10s\n", "pull", "value", "in sigma");
    for (size_t p = 0; p < cev_model_n_pull(s->model); p++)
        printf("%-32s %14.6e %10.4f\n", cev_model_pull_name(s->model, p), r->pull[p],
               r->pull[p] / cev_model_pull_sigma(s->model, p));
    printf("%-32s %14s %10.6g\n", "penalty", "", r->penalty);
    for (size_t e = 0; e < s->config->n_experiment; e++) {
        const cev_experiment *x = s->config->experiment[e];
        printf("\n%s: chi2 %.9g\n", x->name, r->experiment_chi2[e]);
        print_bins(x, s->data.counts[e], r->predicted[e], r->bin_chi2[e]);
    }
}

int command_point(int argc, char **argv)
{
    selection_options options = {.compares = true};
    const struct argp_child children[] = {{&selection_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.parser = parse, .args_doc = "[SCAN.yaml]", .doc = doc, .children = children};
    parse_arguments(&argp, argc, argv, &options);

    selection s;
    cev_point_report report;
    double reference;
    cev_status status = selection_open(&options, &s);
    if (status != CEV_OK) return report_error(status);
    status = cev_model_check_data(s.model, &s.data);
    if (status == CEV_OK) status = cev_model_explain(s.config->arena, s.model, &s.data, s.theta, &report);
    if (status == CEV_OK) status = reference_chi2(&s, &reference);
    if (status == CEV_OK) (options.json ? print_as_json : print_as_text)(&s, &report, reference);
    bool failed = status == CEV_OK && cev_point_failed((int)report.status);
    selection_close(&s);
    return status != CEV_OK ? report_error(status) : failed ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}
