/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cevscan/fit_starts.h"
#include "command.h"
#include "selection.h"

static const char doc[] =
    "Points per second of the engine on one core: a (eps_ee_uV, eps_mumu_uV) plane of CsI + Si at the ESS (80 bins, 4 pulls), one "
    "thread, no output; or a scan file's own points.\v"
    "Repeats the plane until --seconds have passed and reports the fastest and the median repetition.\n\n"
    "Example: cevscan bench --seconds 10";

typedef struct bench_options {
    const char *file;
    bool json;
    int seconds;
} bench_options;

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "print JSON", 0},
    {"seconds", 's', "N", 0, "how long to measure (default: 3)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    bench_options *o = state->input;
    switch (key) {
    case 'j': o->json = true; break;
    case 's':
        if (!parse_whole(argument, 1, 3600, &o->seconds)) argp_error(state, "--seconds %s: expected 1 to 3600", argument);
        break;
    case ARGP_KEY_ARG:
        if (o->file) argp_error(state, "more than one scan file: %s", argument);
        o->file = argument;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const char reference_scan[] =
    "{scan: reference, interaction: nsi, experiments: [ess_csi, ess_si], parameters: ["
    "{name: eps_ee_uV, min: -0.5, max: 0.7, points: 256}, {name: eps_mumu_uV, min: -0.5, max: 0.7, points: 256}]}";

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct bench_result {
    size_t n_repetition;
    double seconds[10000]; /* of each repetition */
    double sum;            /* of all chi2: keeps the work from being optimised away, and shows that it is the same work */
} bench_result;

static void repeat_once(const cev_scan_job *job, cev_fit_starts *starts, cev_model_scratch *scratch, double *chi2, unsigned char *status, double *sum)
{
    *sum = 0;
    for (size_t id = 0; id < job->grid->n_tile; id++) {
        cev_tile tile = cev_grid_tile(job->grid, id);
        cev_scan_job_open_tile(job, &tile);
        for (size_t k = 0, n = cev_fit_starts_open(starts, &tile); k < n; k++) cev_fit_starts_block(starts, job, scratch, k);
        cev_fit_starts_close(starts);
        for (size_t k = 0; k < tile.n_point; k += CEV_LANES) cev_scan_job_block(job, scratch, &tile, k, NULL, chi2, status, NULL);
        for (size_t k = 0; k < tile.n_point; k++) *sum += chi2[k];
    }
}

static cev_status measure(const cev_scan_job *job, cev_fit_starts *starts, double seconds, bench_result *out)
{
    cev_model_scratch *scratch;
    CEV_TRY(cev_model_scratch_create(job->model, &scratch));
    size_t n = cev_grid_points_of_whole_tile(job->grid);
    double *chi2 = malloc(n * sizeof *chi2), start = now_s();
    unsigned char *status = malloc(n);
    if (chi2 && status)
        while (out->n_repetition == 0 || (now_s() - start < seconds && out->n_repetition < 10000)) {
            double begin = now_s();
            repeat_once(job, starts, scratch, chi2, status, &out->sum);
            out->seconds[out->n_repetition++] = now_s() - begin;
        }
    bool ok = chi2 && status;
    free(chi2);
    free(status);
    cev_model_scratch_destroy(&scratch);
    return ok ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_result(const bench_options *o, const cev_scan_config *config, const cev_model *model, double fold_s, bench_result *r)
{
    qsort(r->seconds, r->n_repetition, sizeof *r->seconds, by_size);
    double n = (double)config->grid.n_point, best = n / r->seconds[0], median = n / r->seconds[r->n_repetition / 2];
    size_t n_bin = 0;
    for (size_t e = 0; e < config->n_experiment; e++) n_bin += config->experiment[e]->bins.n_bin;
    if (o->json)
        print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o}", "scan", config->name, "points",
                             (json_int_t)config->grid.n_point, "bins", (json_int_t)n_bin, "pulls", (json_int_t)cev_model_n_pull(model),
                             "repetitions", (json_int_t)r->n_repetition, "points_per_second_per_core", median,
                             "points_per_second_per_core_best", best, "templates_s", fold_s, "chi2_sum", json_number(r->sum)));
    else
        printf("%s: %.0f points, %zu bins, %zu pulls, %zu repetitions\n"
               "%.3f million points/s per core (median), %.3f (best); templates %.1f ms; sum of chi2 %.12g\n",
               config->name, n, n_bin, cev_model_n_pull(model), r->n_repetition, median / 1e6, best / 1e6, 1e3 * fold_s, r->sum);
}

static cev_status bench(const bench_options *o, cev_scan_config *config)
{
    cev_model *model;
    cev_data data;
    if (config->grid.n_axis == 0) return cev_fail(CEV_E_INPUT, "%s: no parameter is scanned", o->file);
    double begin = now_s();
    CEV_TRY(cev_model_create(config->n_experiment, config->experiment, config->interaction, config->theta, &model));
    double fold_s = now_s() - begin;
    cev_status status = cev_data_mixed(config->arena, model, config->observed, config->truth, &data);
    cev_scan_job job = {.model = model, .data = &data, .grid = &config->grid};
    memcpy(job.theta, config->theta, sizeof job.theta);
    memcpy(job.axis_parameter, config->axis_parameter, sizeof job.axis_parameter);
    job.member_parameter = config->member_parameter;
    cev_fit_starts *starts = NULL;
    if (status == CEV_OK) status = cev_fit_starts_create(&job, &starts);
    job.starts = starts;
    bench_result *result = calloc(1, sizeof *result);
    if (status == CEV_OK && !result) status = cev_fail(CEV_E_MEMORY, "out of memory");
    if (status == CEV_OK) status = measure(&job, starts, o->seconds, result);
    if (status == CEV_OK) print_result(o, config, model, fold_s, result);
    free(result);
    cev_fit_starts_destroy(&starts);
    cev_model_destroy(&model);
    return status;
}

int command_bench(int argc, char **argv)
{
    bench_options o = {.seconds = 3};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "[SCAN.yaml]", .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    cev_scan_config *config;
    cev_status status = o.file ? cev_scan_config_read(o.file, &config)
                               : cev_scan_config_parse(reference_scan, "the reference workload", &config);
    if (status == CEV_OK) status = bench(&o, config);
    cev_scan_config_destroy(&config);
    return report_error(status);
}
