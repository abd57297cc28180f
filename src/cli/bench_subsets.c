/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every subset of the six ESS detectors in ten planes, as a study computes them, on all cores and without output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "command.h"
#include "progress_line.h"
#include "study_run.h"

#define AXIS(name) "{name: eps_" name "V, min: -0.4, max: 0.6, points: 201}"
#define PLANE(one, other) "[" AXIS(one) ", " AXIS(other) "], "

static const char study_text[] = "{study: subsets, interaction: nsi, sets: [{all_subsets_of: [ess_csi, ess_si, ess_xe, "
                                 "ess_ge, ess_ar, ess_c3f8]}], planes: [" PLANE("ee_u", "mumu_u")
                                     PLANE("ee_d", "mumu_d") PLANE("ee_u", "mumu_d") PLANE("ee_d", "mumu_u")
                                         PLANE("ee_u", "ee_d") PLANE("mumu_u", "mumu_d") PLANE("emu_u", "emu_d")
                                             PLANE("etau_u", "etau_d") PLANE("mutau_u", "mutau_d")
                                                 PLANE("emu_u", "mumu_u") "]}";

static double compute(study_run *run)
{
    const cev_study_config *c = run->config;
    double sum = 0;
    for (size_t item = 0; item < run->first_item[c->n_space]; item++) {
        size_t space;
        cev_tile tile = study_run_evaluate(run, item, &space);
        for (size_t s = 0; s < c->n_exposure * c->n_set; s++) {
            cev_combination_sum(run->open, s, run->chi2, run->status);
            for (size_t k = 0; k < tile.n_point; k++) sum += run->chi2[k];
        }
    }
    return sum;
}

static cev_status measure(const job_options *options, json_t **result)
{
    study_run run = {.options = options, .machine = {.threads = cev_machine_cores()}};
    double begin = monotonic_s();
    cev_status status = cev_study_config_parse(study_text, "the study of subsets", &run.config);
    if (status == CEV_OK) status = study_run_build(&run);
    double built = monotonic_s(), points = 0;
    if (status == CEV_OK) {
        double sum = compute(&run), seconds = monotonic_s() - built;
        for (size_t m = 0; m < run.config->n_map; m++) points += (double)study_run_grid(&run, m)->n_point;
        *result = json_pack("{s:I, s:I, s:I, s:f, s:i, s:f, s:f, s:f, s:f}", "maps", (json_int_t)run.config->n_map,
                            "sets", (json_int_t)run.config->n_set, "fits_per_point", (json_int_t)cev_units_n(run.units),
                            "points", points, "threads", run.machine.threads, "build_s", built - begin, "seconds",
                            seconds, "points_per_second", points / seconds, "chi2_sum", sum);
    }
    study_run_destroy(&run);
    return status;
}

cev_status bench_subsets(const bench_options *options, const bench_workload *workload, json_t **result)
{
    (void)options;
    (void)workload;
    return measure(&(job_options){.quiet = true}, result);
}

void bench_print_subsets(const json_t *r)
{
    printf("%lld maps of %.0f points: %.2f s on %lld threads, %.3g points/s; %lld fits a grid point; models %.0f ms\n",
           (long long)json_integer_value(json_object_get(r, "maps")), json_number_value(json_object_get(r, "points")),
           json_number_value(json_object_get(r, "seconds")),
           (long long)json_integer_value(json_object_get(r, "threads")),
           json_number_value(json_object_get(r, "points_per_second")),
           (long long)json_integer_value(json_object_get(r, "fits_per_point")),
           1e3 * json_number_value(json_object_get(r, "build_s")));
}
