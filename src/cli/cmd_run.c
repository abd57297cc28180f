/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "best_fits.h"
#include "command.h"
#include "scan_run.h"
#include "stop.h"

static const char doc[] = "Scans a parameter space into a map: alone, under mpirun or under srun. An unfinished map of "
                          "the same scan is resumed, on any "
                          "number of ranks and threads; a finished one is left alone; anything else is refused.\v"
                          "Exit codes: 0 complete; 1 complete, but some points have no chi2; 2 bad input, nothing was "
                          "created; 74 the file system, "
                          "memory or MPI failed or refused; 85 stopped early by a signal or the time limit; 130 "
                          "interrupted. In the last three cases the map is sound, "
                          "and the same command goes on.\n\n"
                          "Examples:\n  cevscan run configs/scans/ess_csi_si.yaml -o ess.h5\n"
                          "  mpirun -n 4 --map-by slot:PE=2 --bind-to core cevscan run scan.yaml -o map.h5 --threads 2";

enum { KEY_SHARD = 256 };

static const struct argp_option options[] = {
    {"shard", KEY_SHARD, "K/N", 0, "compute only the K-th of N parts; `cevscan merge` joins their maps", 0},
    {0},
};

static const struct argp_child children[] = {{&job_argp, 0, NULL, 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    run_options *o = state->input;
    char rest;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->job; break;
    case KEY_SHARD:
        if (sscanf(argument, "%d/%d%c", &o->shard, &o->n_shard, &rest) != 2 || o->shard < 1 || o->shard > o->n_shard ||
            o->n_shard > 1000000)
            argp_error(state, "--shard %s: expected K/N with 1 <= K <= N", argument);
        o->shard--;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

typedef struct name_list {
    const char *name[CEV_MAX_AXES];
} name_list;

static name_list axis_names(const cev_grid *grid)
{
    name_list list = {{NULL}};
    for (size_t a = 0; a < grid->n_axis; a++) list.name[a] = grid->axis[a].name;
    return list;
}

static void print_json_summary(const scan_run *run, bool complete, double points, double seconds)
{
    const cev_map_progress *p = &run->progress;
    const cev_grid *g = &run->config->grid;
    name_list names = axis_names(g);
    json_t *best = best_fit_json(p, cev_grid_n_member(g), g->n_axis, names.name, g->axis[0].label);
    print_json(json_pack("{s:o, s:b, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:s}", "map",
                         json_text(run->options->job.output), "complete", complete, "points", (json_int_t)g->n_point,
                         "points_computed", (json_int_t)points, "points_failed", (json_int_t)p->points_failed,
                         "seconds", seconds, "startup_s", json_number(run->startup_s > 0 ? run->startup_s : NAN),
                         "best_fit_chi2", json_number(lowest_best_fit(p, cev_grid_n_member(g))), "best_fit", best,
                         "content_hash", p->content_hash));
}

static void print_summary(const scan_run *run, run_outcome outcome)
{
    const run_options *o = run->options;
    const cev_map_progress *p = &run->progress;
    const cev_grid *g = &run->config->grid;
    name_list names = axis_names(g);
    double seconds = monotonic_s() - run->started, points = (double)(run->points_done - run->points_before);
    if (o->job.json) {
        print_json_summary(run, outcome == RUN_COMPLETE, points, seconds);
    } else if (o->job.quiet) {
        return;
    } else if (outcome == RUN_SHARD_COMPLETE) {
        printf("%s: shard %d of %d is complete, %llu of %llu points; `cevscan merge` joins the shards\n", o->job.output,
               o->shard + 1, o->n_shard, (unsigned long long)run->points_done, (unsigned long long)g->n_point);
    } else if (outcome != RUN_COMPLETE) {
        printf("%s: stopped after %llu of %llu points; the same command goes on\n", o->job.output,
               (unsigned long long)run->points_done, (unsigned long long)g->n_point);
    } else {
        printf("%s: %.0f points in %.2f s (%.3g points/s), %llu failed\n", o->job.output, points, seconds,
               points / seconds, (unsigned long long)p->points_failed);
        print_best_fits(p, cev_grid_n_member(g), g->n_axis, names.name, g->axis[0].label);
        printf("content hash %s\n", p->content_hash);
    }
}

/* The map was complete before this run. */
static int leave_alone(scan_run *run)
{
    uint64_t failed = run->rank == 0 ? run->found->progress.points_failed : 0;
    if (run->rank == 0 && run->options->job.json) {
        run->progress = run->found->progress;
        print_json_summary(run, true, 0, 0);
    } else if (run->rank == 0 && !run->options->job.quiet) {
        printf("%s: already complete\n", run->options->job.output);
    }
    return job_code_of(RUN_COMPLETE, failed);
}

/* Rank 0 has read and validated the scan; the others get it as one self-contained text. */
static cev_status share_configuration(scan_run *run)
{
    char *text = run->rank == 0 ? run->config->resolved : NULL;
    CEV_TRY(job_share_text(run->rank, &text));
    if (run->rank == 0) return CEV_OK;
    cev_status status = cev_scan_config_parse(text, "resolved configuration", &run->config);
    free(text);
    return status;
}

static int run_everywhere(scan_run *run)
{
    bool done = false;
    cev_status status = run->rank == 0 ? scan_run_prepare(run, &done) : CEV_OK;
    status = agree_with_rank_0(run->rank, status);
    if (status != CEV_OK) return job_refuse(run->rank, status);
    MPI_Bcast(&done, 1, MPI_C_BOOL, 0, MPI_COMM_WORLD);
    if (done) return leave_alone(run);
    run->machine = job_survey(&run->options->job, run->rank);
    job_abort_on_failure(run->rank, &run->lock, share_configuration(run));
    status = job_agree_on(run->rank, &run->lock, scan_run_build(run));
    if (status == CEV_OK) status = scan_run_find_reference(run);
    if (status != CEV_OK) return job_refuse(run->rank, status);
    job_abort_on_failure(run->rank, &run->lock, scan_run_open_map(run));
    job_abort_on_failure(run->rank, &run->lock, scan_run_work(run));
    run_outcome outcome;
    job_abort_on_failure(run->rank, &run->lock, scan_run_finish(run, &outcome));
    if (run->rank == 0) print_summary(run, outcome);
    return job_code_of(outcome, run->points_failed);
}

int command_run(int argc, char **argv)
{
    run_options o = {.job = JOB_DEFAULTS("scan file")};
    const struct argp argp = {.options = options,
                              .parser = parse,
                              .args_doc = "SCAN.yaml",
                              .doc = doc,
                              .children = children};
    argp_parse(&argp, argc, argv, 0, NULL, &o);

    scan_run run = {.options = &o};
    job_start_mpi(&run.rank);
    stop_on_signals(); /* after MPI_Init, which may take signals over itself */
    return scan_run_end_mpi(&run, run_everywhere(&run));
}
