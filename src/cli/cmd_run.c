/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `run` and `study`: two names of one command. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "job_options.h"
#include "profiled_text.h"
#include "stop.h"
#include "file_kind.h"
#include "usage.h"

static const char doc[] =
    "Scans a parameter space into a map, or, from a study file, many sets of experiments over many planes into one "
    "file: "
    "alone, under mpirun or under srun. An experiment that is in many sets is evaluated once. An unfinished file of "
    "the "
    "same scan or study is resumed, on any number of ranks and threads; a finished one is left alone; anything else is "
    "refused.\v"
    "`cevscan check FILE` shows what would be computed. Exit codes: 0 complete; 3 complete, but some points have no "
    "chi2; 2 "
    "bad input, nothing was created; 74 the file system, memory or MPI failed or refused; 85 stopped early by a signal "
    "or the "
    "time limit; 130 interrupted. In the last three cases the file is sound, and the same command goes on.\n\n"
    "Examples:\n  cevscan run configs/scans/ess_csi_si.yaml -o ess.h5\n"
    "  mpirun -n 4 --map-by slot:PE=2 --bind-to core cevscan run scan.yaml -o map.h5 --threads 2\n"
    "  mpirun -n 2 cevscan study configs/studies/ess_all.yaml -o ess_all.h5";

static const struct argp_child children[] = {{&job_argp, 0, NULL, 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

/* --- what it prints --------------------------------------------------------------------------------------------- */

static bool is_complete(const cev_job_result *r)
{
    return r->outcome == CEV_JOB_COMPLETE || r->outcome == CEV_JOB_WAS_COMPLETE;
}

static double points_of_session(const cev_job_result *r)
{
    return (double)(r->points_done - r->points_before);
}

/* Of observed data, and of one best fit, to judge it by. */
static double chi2_to_judge(const cev_job_result *r)
{
    const cev_scan_config *scan = r->config->space[0].scan;
    return scan->data == CEV_DATA_OBSERVED && !scan->member_parameter ? lowest_best_fit(r) : NAN;
}

static void print_as_json(const job_command *c, const cev_job_result *r)
{
    double startup_s = r->first_result_s > 0 ? process_age_s() - (monotonic_s() - r->first_result_s) : NAN;
    json_t *json = json_pack("{s:o, s:b, s:I, s:I, s:I, s:I, s:f, s:o, s:s}", r->config->is_scan ? "map" : "study",
                             json_text(c->job.output), "complete", is_complete(r), "maps", (json_int_t)r->config->n_map,
                             "points", (json_int_t)r->points, "points_computed", (json_int_t)points_of_session(r),
                             "points_failed", (json_int_t)r->points_failed, "seconds", r->seconds, "startup_s",
                             json_number(startup_s), "content_hash", r->content_hash);
    if (r->config->is_scan && is_complete(r)) {
        json_object_set_new(json, "best_fit_chi2", json_number(lowest_best_fit(r)));
        json_object_set_new(json, "best_fit", best_fits_json(r));
        const cev_degrees degrees = cev_scan_degrees(r->config->space[0].scan);
        json_object_set_new(json, "fit", degrees_json(&degrees, chi2_to_judge(r)));
    }
    json_t *profiled = minimised_of_result_json(r);
    if (profiled) json_object_set_new(json, "profiled", profiled);
    print_json(json);
}

/* A bad fit is to be seen; one to Asimov data has no such number unless something is profiled. */
static void print_fit(const cev_job_result *r)
{
    const cev_scan_config *scan = r->config->space[0].scan;
    if (scan->data == CEV_DATA_ASIMOV && !r->flagged) return;
    const cev_degrees degrees = cev_scan_degrees(scan);
    printf("the fit has ");
    print_degrees(&degrees, chi2_to_judge(r));
}

static void print_as_text(const job_command *c, const cev_job_result *r)
{
    const cev_study_config *s = r->config;
    unsigned long long done = r->points_done, all = r->points;
    double points = points_of_session(r);
    switch (r->outcome) {
    case CEV_JOB_WAS_COMPLETE: printf("%s: already complete\n", c->job.output); return;
    case CEV_JOB_SHARD_COMPLETE:
        printf("%s: shard %d of %d is complete, %llu of %llu points; `cevscan merge` joins the shards\n", c->job.output,
               c->job.shard + 1, c->job.n_shard, done, all);
        return;
    case CEV_JOB_STOPPED:
        printf("%s: stopped after %llu of %llu points; the same command goes on\n", c->job.output, done, all);
        return;
    case CEV_JOB_COMPLETE: break;
    }
    printf("%s: ", c->job.output);
    if (!s->is_scan) printf("%zu maps of %zu sets, ", s->n_map, s->n_set);
    printf("%.0f points in %.2f s (%.3g points/s), %llu failed", points, r->seconds, points / r->seconds,
           (unsigned long long)r->points_failed);
    if (!s->is_scan) printf("; %zu fits for each grid point", r->n_unit);
    printf("\n");
    if (s->is_scan) print_best_fits(r);
    if (s->is_scan) print_fit(r);
    print_minimised_of_result(r);
    printf("content hash %s\n", r->content_hash);
}

static int code_of(const cev_job_result *r)
{
    if (r->outcome == CEV_JOB_STOPPED) return r->stop == CEV_STOP_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_STOPPED;
    return r->points_failed ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}

/* --- the command ------------------------------------------------------------------------------------------------ */

/* The last moment for a stop is the user's, or leaves the grace and some seconds before SLURM's limit. */
static void limit_time(const job_command *c)
{
    const double closing_s = 5;
    double seconds = c->time_limit_s;
    if (seconds == INFINITY) seconds = slurm_seconds_left() - c->job.grace_s - closing_s;
    stop_after(seconds);
}

static int run(job_command *c)
{
    cev_job_result r;
    if (c->rank == 0) limit_time(c);
    cev_status status = cev_job_run(MPI_COMM_WORLD, &c->job, &r);
    progress_line_end(&c->line);
    if (c->rank == 0) status = explain_no_scan(status, c->job.file, "run");
    int code = status == CEV_OK ? code_of(&r) : c->rank == 0 ? report_error(status) : exit_code_of(status);
    if (status == CEV_OK && c->rank == 0 && r.config && (c->json || !c->quiet))
        (c->json ? print_as_json : print_as_text)(c, &r);
    cev_job_result_free(&r);
    return code;
}

int command_run(int argc, char **argv)
{
    job_command c = job_command_defaults("scan or study file");
    const struct argp argp = {.parser = parse, .args_doc = "FILE.yaml", .doc = doc, .children = children};
    parse_arguments(&argp, argc, argv, &c);
    c.job.context = &c;
    start_mpi(&c.rank);
    return end_mpi(run(&c));
}
