/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every subset of the six ESS detectors in ten planes, as a study computes them, on all cores and without output. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../job/job_parts.h"
#include "bench.h"

#define AXIS(name) "{name: eps_" name "V, min: -0.4, max: 0.6, points: 201}"
#define PLANE(one, other) "[" AXIS(one) ", " AXIS(other) "], "

static const char study_text[] = "{study: subsets, interaction: nsi, sets: [{all_subsets_of: [ess_csi, ess_si, ess_xe, "
                                 "ess_ge, ess_ar, ess_c3f8]}], planes: [" PLANE("ee_u", "mumu_u")
                                     PLANE("ee_d", "mumu_d") PLANE("ee_u", "mumu_d") PLANE("ee_d", "mumu_u")
                                         PLANE("ee_u", "ee_d") PLANE("mumu_u", "mumu_d") PLANE("emu_u", "emu_d")
                                             PLANE("etau_u", "etau_d") PLANE("mutau_u", "mutau_d")
                                                 PLANE("emu_u", "mumu_u") "]}";

static double compute(job *j)
{
    double sum = 0;
    for (size_t item = 0; item < j->n_item; item++) {
        if (job_compute(j, NULL, item, &j->buffer) != CEV_OK) return NAN; /* nothing stops it */
        for (size_t k = 0; k < j->tile.n_point * j->at->n_map; k++) sum += j->buffer.results.chi2[k];
    }
    return sum;
}

static cev_status measure(json_t **result)
{
    const cev_job_options options = cev_job_defaults();
    job j = {.options = &options, .machine = {.threads = cev_machine_cores()}};
    double begin = bench_now_s();
    cev_status status = cev_arena_create(&j.arena);
    if (status == CEV_OK) status = cev_study_config_parse(study_text, "the study of subsets", &j.config);
    if (status == CEV_OK) status = job_build(&j);
    double built = bench_now_s();
    if (status == CEV_OK) {
        double sum = compute(&j), seconds = bench_now_s() - built, points = (double)j.points;
        *result = json_pack("{s:I, s:I, s:I, s:f, s:i, s:f, s:f, s:f, s:f}", "maps", (json_int_t)j.config->n_map,
                            "sets", (json_int_t)j.config->n_set, "fits_per_point", (json_int_t)job_units_n(&j),
                            "points", points, "threads", j.machine.threads, "build_s", built - begin, "seconds",
                            seconds, "points_per_second", points / seconds, "chi2_sum", sum);
    }
    job_destroy(&j);
    return status;
}

cev_status bench_subsets(const bench_options *options, const bench_workload *workload, json_t **result)
{
    (void)options;
    (void)workload;
    return measure(result);
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
