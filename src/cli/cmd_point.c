/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assumptions.h"
#include "bins_table.h"
#include "cevscan/point_status.h"
#include "command.h"
#include "point_fit.h"
#include "selection.h"
#include "usage.h"

static const char doc[] =
    "Profiled chi2 at one point, with every pull and the share of each experiment and bin.\v"
    "chi2 is the sum of the experiments' chi2, of the penalty of the pulls, and of the constraints that the scan file "
    "sets on parameters. delta_chi2 is taken from the minimum "
    "over the "
    "parameters that the scan file scans; without a scan file, from the truth of the Asimov data. Parameters that the "
    "scan file profiles are minimised over, but for those that --set gives a value.\n\n"
    "Example: cevscan point --experiments ess_csi,ess_si --set eps_ee_uV=0.1 --set eps_mumu_dV=-0.2 --json";

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
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

static void print_as_json(const selection *s, const cev_point_report *r, const point_fit *fit)
{
    json_t *pulls = json_object(), *experiments = json_object(), *parameters = json_object();
    const cev_roster *roster = &s->config->roster;
    for (size_t p = 0; p < cev_roster_n(roster); p++)
        json_object_set_new(parameters, cev_roster_parameter(roster, p)->name, json_number(s->theta[p]));
    for (size_t p = 0; p < cev_model_n_pull(s->model); p++)
        json_object_set_new(pulls, cev_model_pull_name(s->model, p), json_number(r->pull[p]));
    for (size_t e = 0; e < s->config->n_experiment; e++)
        json_object_set_new(experiments, s->config->experiment[e]->name, experiment_json(s, r, e));
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "chi2", json_number(r->chi2),
                             "delta_chi2", json_number(r->chi2 - fit->reference), "penalty", json_number(r->penalty),
                             "pulls", pulls, "experiments", experiments, "parameters", parameters, "status",
                             cev_point_status_name((int)r->status), "interaction", selection_interaction_json(s),
                             "data", data_json(s->config));
    add_point_fit_json(s, fit, r->chi2, json);
    print_json(json);
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

/* A free pull has no sigma. */
static void print_pull(const cev_model *model, size_t p, double value)
{
    double sigma = cev_model_pull_sigma(model, p);
    char in_sigma[32] = "free";
    if (!isnan(sigma)) snprintf(in_sigma, sizeof in_sigma, "%.4f", value / sigma);
    printf("%-32s %14.6e %10s\n", cev_model_pull_name(model, p), value, in_sigma);
}

static void print_as_text(const selection *s, const cev_point_report *r, const point_fit *fit)
{
    char text[1024];
    selection_interaction_text(s, text, sizeof text);
    printf("%s\n", text);
    data_text(s->config, text, sizeof text);
    printf("data %s\n\n", text);
    printf("chi2 %.9g   ", r->chi2);
    if (isnan(fit->reference))
        printf("delta_chi2 none (no parameter is scanned)");
    else
        printf("delta_chi2 %.9g", r->chi2 - fit->reference);
    printf("   status %s\n\n", cev_point_status_name((int)r->status));
    print_point_fit(s, fit, r->chi2);
    printf("%-32s %14s %10s\n", "pull", "value", "in sigma");
    for (size_t p = 0; p < cev_model_n_pull(s->model); p++) print_pull(s->model, p, r->pull[p]);
    printf("%-32s %14s %10.6g\n", "penalty", "", r->penalty);
    for (size_t e = 0; e < s->config->n_experiment; e++) {
        const cev_experiment *x = s->config->experiment[e];
        printf("\n%s: chi2 %.9g\n", x->name, r->experiment_chi2[e]);
        print_bins(x, s->data.counts[e], r->predicted[e], r->bin_chi2[e]);
    }
}

/* The parts are those of the model at the minimum, which knows no constraints from elsewhere: chi2 of the fit has those
 * of all parameters, and where nothing is profiled they are added here. */
static void take_over(const selection *s, const point_fit *fit, cev_point_report *report)
{
    if (!fit->is_profiled) {
        double penalty = cev_roster_penalty(&s->config->roster, s->theta);
        report->chi2 += penalty;
        if (isnan(penalty)) report->status = CEV_POINT_INVALID;
        return;
    }
    report->chi2 = fit->at.chi2;
    if (cev_point_failed((int)fit->at.status)) report->status = fit->at.status;
}

int command_point(int argc, char **argv)
{
    selection_options options = {.compares = true};
    const struct argp_child children[] = {{&selection_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.parser = parse, .args_doc = "[SCAN.yaml]", .doc = doc, .children = children};
    parse_arguments(&argp, argc, argv, &options);

    selection s;
    cev_point_report report;
    point_fit fit;
    cev_status status = selection_open(&options, &s);
    if (status != CEV_OK) return report_error(status);
    status = cev_model_check_data(s.model, &s.data);
    if (status == CEV_OK) status = point_fit_of(&s, &fit);
    if (status == CEV_OK) status = cev_model_explain(s.config->arena, s.model, &s.data, s.theta, &report);
    if (status == CEV_OK) take_over(&s, &fit, &report);
    if (status == CEV_OK) (options.json ? print_as_json : print_as_text)(&s, &report, &fit);
    bool failed = status == CEV_OK && cev_point_failed((int)report.status);
    selection_close(&s);
    return status != CEV_OK ? report_error(status) : failed ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}
