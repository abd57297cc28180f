/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points whose couplings are profiled: as a job computes its tiles, on one thread and without output. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../job/job_parts.h"
#include "bench.h"

enum { MOST_REPETITIONS = 10000 };

/* In the order in which they are taken: 1, 2, 4, 8 or 10 of them. */
static const char *const coupling[] = {"eps_mumu_uV", "eps_mumu_dV",  "eps_emu_uV",   "eps_emu_dV",    "eps_etau_uV",
                                       "eps_etau_dV", "eps_mutau_uV", "eps_mutau_dV", "eps_tautau_uV", "eps_tautau_dV"};

static cev_status make_scan(cev_arena *arena, const char *experiments, size_t n_profiled, char **text)
{
    char *buffer = NULL;
    size_t size;
    FILE *out = open_memstream(&buffer, &size);
    if (!out) return cev_fail(CEV_E_MEMORY, "out of memory");
    fprintf(out,
            "{scan: profiled, interaction: nsi, experiments: [%s], parameters: [{name: eps_ee_uV, min: -0.5, max: 0.7, "
            "points: 65}, {name: eps_ee_dV, min: -0.5, max: 0.7, points: 65}",
            experiments);
    for (size_t k = 0; k < n_profiled; k++) fprintf(out, ", {name: %s, profile: [-1.5, 1.5]}", coupling[k]);
    fprintf(out, "]}");
    cev_status status = fclose(out) ? cev_fail(CEV_E_MEMORY, "out of memory")
                                    : cev_arena_copy_text(arena, buffer, text);
    free(buffer);
    return status;
}

#define OF_TWO(n)                                                                                                      \
    cev_status bench_scan_of_profiled_##n(cev_arena *arena, char **text)                                               \
    {                                                                                                                  \
        return make_scan(arena, "ess_csi, ess_si", n, text);                                                           \
    }
OF_TWO(1)
OF_TWO(2)
OF_TWO(4)
OF_TWO(8)
OF_TWO(10)

cev_status bench_scan_of_profiled_four(cev_arena *arena, char **text)
{
    return make_scan(arena, "ess_csi, ess_si, ess_xe, ess_ge", 4, text);
}

/* --- time ------------------------------------------------------------------------------------------------------- */

typedef struct counted {
    double sum; /* of all finite chi2 */
    uint64_t flag[CEV_N_POINT_FLAGS];
} counted;

static cev_status compute_once(job *j, counted *out)
{
    *out = (counted){0};
    for (size_t item = 0; item < j->n_item; item++) {
        CEV_TRY(job_compute(j, NULL, item, &j->buffer));
        for (size_t k = 0; k < j->tile.n_point * j->at->n_map; k++) {
            if (j->buffer.results.status[k] != CEV_POINT_OK) continue;
            out->sum += j->buffer.results.chi2[k];
            for (int f = 0; f < CEV_N_POINT_FLAGS; f++) out->flag[f] += j->buffer.results.flags[k] >> f & 1;
        }
    }
    return CEV_OK;
}

static cev_status take_times(const bench_options *o, job *j, double *seconds, size_t *n, counted *out)
{
    double start = bench_now_s();
    bool more = true;
    for (*n = 0; more && *n < MOST_REPETITIONS;) {
        double begin = bench_now_s();
        CEV_TRY(compute_once(j, out));
        seconds[(*n)++] = bench_now_s() - begin;
        more = o->repetitions ? *n < (size_t)o->repetitions : bench_now_s() - start < o->seconds;
    }
    return CEV_OK;
}

static json_t *describe(const job *j, double *seconds, size_t n, const counted *c)
{
    const cev_degrees d = cev_scan_degrees(j->config->space[0].scan);
    double points = (double)j->points, median = points / bench_median(seconds, n);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "scan", j->config->name, "points",
                     (json_int_t)j->points, "experiments", (json_int_t)j->config->n_experiment, "bins",
                     (json_int_t)d.n_bin, "profiled", (json_int_t)d.n_profiled, "repetitions", (json_int_t)n,
                     "points_per_second_per_core", median, "points_per_second_per_core_best", points / seconds[0],
                     "proven", (double)c->flag[0] / points, "at_bound", (double)c->flag[1] / points, "flat",
                     (double)c->flag[2] / points, "chi2_sum", bench_number(c->sum));
}

static cev_status measure(const bench_options *o, job *j, json_t **result)
{
    size_t n;
    counted c;
    double *seconds;
    CEV_TRY(job_build(j));
    CEV_TRY(cev_new(j->arena, MOST_REPETITIONS, &seconds));
    CEV_TRY(take_times(o, j, seconds, &n, &c));
    *result = describe(j, seconds, n, &c);
    return CEV_OK;
}

cev_status bench_profiled(const bench_options *o, const bench_workload *workload, json_t **result)
{
    const cev_job_options options = cev_job_defaults();
    job j = {.options = &options, .machine = {.threads = 1}};
    const char *text;
    cev_status status = cev_arena_create(&j.arena);
    if (status == CEV_OK) status = bench_scan_text(j.arena, workload, &text);
    if (status == CEV_OK) status = cev_study_config_parse(text, workload->name, &j.config);
    if (status == CEV_OK) status = measure(o, &j, result);
    job_destroy(&j);
    return status;
}

static double number(const json_t *result, const char *key)
{
    return json_number_value(json_object_get(result, key));
}

void bench_print_profiled(const json_t *r)
{
    printf("%8.0f points/s (best %.0f)  %3.0f bins, %2.0f profiled couplings; %5.1f %% proven, %4.1f %% at a bound, "
           "%4.1f %% flat  sum of chi2 %.12g\n",
           number(r, "points_per_second_per_core"), number(r, "points_per_second_per_core_best"), number(r, "bins"),
           number(r, "profiled"), 100 * number(r, "proven"), 100 * number(r, "at_bound"), 100 * number(r, "flat"),
           number(r, "chi2_sum"));
}
