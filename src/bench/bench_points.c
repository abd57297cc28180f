/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points per second of the engine on one thread, without any output. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { MOST_REPETITIONS = 10000 };

typedef struct timing {
    size_t n_repetition;
    double seconds[MOST_REPETITIONS]; /* of each repetition */
    double sum; /* of all finite chi2: keeps the work from being optimised away, and shows that it is the same work */
} timing;

cev_status bench_job_open(cev_scan_config *config, bench_job *out)
{
    *out = (bench_job){0};
    CEV_TRY(cev_model_create(config->n_experiment, config->experiment, &config->roster, config->theta, &out->model));
    CEV_TRY(cev_data_mixed(config->arena, out->model, config->observed, config->truth, &out->data));
    out->job = (cev_scan_job){.model = out->model,
                              .data = &out->data,
                              .grid = &config->grid,
                              .member_parameter = config->member_parameter};
    memcpy(out->job.theta, config->theta, sizeof out->job.theta);
    memcpy(out->job.axis_parameter, config->axis_parameter, sizeof out->job.axis_parameter);
    CEV_TRY(cev_fit_starts_create(&out->job, &out->starts));
    out->job.starts = out->starts;
    return CEV_OK;
}

void bench_job_close(bench_job *job)
{
    cev_fit_starts_destroy(&job->starts);
    cev_model_destroy(&job->model);
}

/* --- time ------------------------------------------------------------------------------------------------------- */

static void repeat_once(const bench_job *bench, cev_model_scratch *scratch, double *chi2, unsigned char *status,
                        double *sum)
{
    const cev_scan_job *job = &bench->job;
    *sum = 0;
    for (size_t id = 0; id < job->grid->n_tile; id++) {
        cev_tile tile = cev_grid_tile(job->grid, id);
        cev_scan_job_open_tile(job, &tile);
        for (size_t k = 0, n = cev_fit_starts_open(bench->starts, &tile); k < n; k++)
            cev_fit_starts_block(bench->starts, job, scratch, k);
        cev_fit_starts_close(bench->starts);
        for (size_t k = 0; k < tile.n_point; k += CEV_LANES)
            cev_scan_job_block(job, scratch, &tile, k, NULL, chi2, status, NULL);
        for (size_t k = 0; k < tile.n_point; k++)
            if (status[k] == CEV_POINT_OK) *sum += chi2[k];
    }
}

static bool another(const bench_options *o, size_t done, double elapsed_s)
{
    if (o->repetitions) return done < (size_t)o->repetitions;
    return done == 0 || (elapsed_s < o->seconds && done < MOST_REPETITIONS);
}

static cev_status take_times(const bench_options *o, const bench_job *bench, timing *out)
{
    cev_model_scratch *scratch;
    CEV_TRY(cev_model_scratch_create(bench->model, &scratch));
    size_t n = cev_grid_points_of_whole_tile(bench->job.grid);
    double *chi2 = malloc(n * sizeof *chi2), start = bench_now_s();
    unsigned char *status = malloc(n);
    bool ok = chi2 && status;
    while (ok && another(o, out->n_repetition, bench_now_s() - start)) {
        double begin = bench_now_s();
        repeat_once(bench, scratch, chi2, status, &out->sum);
        out->seconds[out->n_repetition++] = bench_now_s() - begin;
    }
    free(chi2);
    free(status);
    cev_model_scratch_destroy(&scratch);
    return ok ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
}

/* --- the result ------------------------------------------------------------------------------------------------- */

static json_t *describe(const cev_scan_config *c, timing *t, double fold_s, const bench_need *need, double peak)
{
    double n = (double)c->grid.n_point, median = n / bench_median(t->seconds, t->n_repetition),
           best = n / t->seconds[0];
    size_t n_bin = 0;
    for (size_t e = 0; e < c->n_experiment; e++) n_bin += c->experiment[e]->bins.n_bin;
    json_t *result = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o}", "scan", c->name, "points",
                               (json_int_t)c->grid.n_point, "experiments", (json_int_t)c->n_experiment, "bins",
                               (json_int_t)n_bin, "pulls", (json_int_t)c->n_pull, "repetitions",
                               (json_int_t)t->n_repetition, "points_per_second_per_core", median,
                               "points_per_second_per_core_best", best, "templates_s", fold_s, "chi2_sum",
                               bench_number(t->sum));
    json_t *roofline = json_pack("{s:f, s:f, s:f, s:f, s:f, s:s}", "useful_flops_per_point", need->flops,
                                 "plain_flops_per_point", need->plain_flops, "plain_newton_steps", need->steps,
                                 "useful_flops_per_second", need->flops * median, "share_of_peak",
                                 need->flops * median / peak, "level", bench_level());
    json_object_update(result, roofline);
    json_decref(roofline);
    return result;
}

static cev_status measure(const bench_options *o, cev_scan_config *config, timing *t, json_t **result)
{
    bench_job job;
    bench_need need = {0};
    double begin = bench_now_s();
    cev_status status = bench_job_open(config, &job);
    double fold_s = bench_now_s() - begin;
    if (status == CEV_OK && !o->repetitions) status = bench_count_flops(&job, config, &need);
    double peak = o->repetitions ? 1 : bench_peak(); /* at the clock of this very moment */
    if (status == CEV_OK) status = take_times(o, &job, t);
    if (status == CEV_OK) *result = describe(config, t, fold_s, &need, peak);
    bench_job_close(&job);
    return status;
}

cev_status bench_points_of(const bench_options *o, cev_scan_config *config, json_t **result)
{
    if (config->grid.n_axis == 0) return cev_fail(CEV_E_INPUT, "%s: no parameter is scanned", o->file);
    timing *t = calloc(1, sizeof *t);
    if (!t) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = measure(o, config, t, result);
    free(t);
    return status;
}

cev_status bench_points(const bench_options *o, const bench_workload *workload, json_t **result)
{
    cev_arena *arena = NULL;
    cev_scan_config *config = NULL;
    const char *text;
    cev_status status = cev_arena_create(&arena);
    if (status == CEV_OK) status = bench_scan_text(arena, workload, &text);
    if (status == CEV_OK) status = cev_scan_config_parse(text, workload->name, &config);
    if (status == CEV_OK) status = bench_points_of(o, config, result);
    cev_scan_config_destroy(&config);
    cev_arena_destroy(&arena);
    return status;
}

static double number(const json_t *result, const char *key)
{
    return json_number_value(json_object_get(result, key));
}

void bench_print_points(const json_t *r)
{
    printf("%8.3f million points/s (best %.3f)  %3.0f bins %2.0f pulls", number(r, "points_per_second_per_core") / 1e6,
           number(r, "points_per_second_per_core_best") / 1e6, number(r, "bins"), number(r, "pulls"));
    if (number(r, "useful_flops_per_point") > 0)
        printf("  %6.0f useful flops a point (plain: %4.1f steps, %6.0f)  %5.2f Gflop/s, %4.1f %% of the peak",
               number(r, "useful_flops_per_point"), number(r, "plain_newton_steps"), number(r, "plain_flops_per_point"),
               number(r, "useful_flops_per_second") / 1e9, 100 * number(r, "share_of_peak"));
    printf("  sum of chi2 %.12g\n", number(r, "chi2_sum"));
}
