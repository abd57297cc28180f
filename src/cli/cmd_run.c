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

static const char doc[] =
    "Scans a parameter space into a map: alone, under mpirun or under srun. An unfinished map of the same scan is resumed, on any "
    "number of ranks and threads; a finished one is left alone; anything else is refused.\v"
    "Exit codes: 0 complete; 1 complete, but some points have no chi2; 2 bad input, nothing was created; 74 the file system, "
    "memory or MPI failed or refused; 85 stopped early by a signal or the time limit; 130 interrupted. In the last three cases the map is sound, "
    "and the same command goes on.\n\n"
    "Examples:\n  cevscan run configs/scans/ess_csi_si.yaml -o ess.h5\n"
    "  mpirun -n 4 --map-by slot:PE=2 --bind-to core cevscan run scan.yaml -o map.h5 --threads 2";

enum { KEY_MASTER = 256, KEY_JSON, KEY_TIME_LIMIT, KEY_GRACE, KEY_SILENCE, KEY_SHARD };

static const struct argp_option options[] = {
    {"output", 'o', "MAP.h5", 0, "the map to write (required)", 0},
    {"quiet", 'q', NULL, 0, "print errors only", 0},
    {"threads", 't', "N", 0, "threads of each rank (default: OMP_NUM_THREADS, SLURM_CPUS_PER_TASK, or its share of the cores)", 0},
    {"master", KEY_MASTER, "MODE", 0, "what rank 0 does: works, serves, or auto (default: it works on up to 16 ranks)", 0},
    {"json", KEY_JSON, NULL, 0, "print the summary as JSON", 0},
    {"time-limit", KEY_TIME_LIMIT, "TIME", 0, "stop in good order after TIME: seconds, M:S, H:M:S or D-H:M:S (default: before SLURM's limit)", 0},
    {"grace", KEY_GRACE, "SECONDS", 0, "how long tiles in work may go on once a stop is wanted (default: 10)", 0},
    {"shard", KEY_SHARD, "K/N", 0, "compute only the K-th of N parts; `cevscan merge` joins their maps", 0},
    {"silence", KEY_SILENCE, "SECONDS", 0, "give up when another rank is silent for so long; 0: never (default: 20)", 0},
    {0},
};

static cev_master_mode parse_master(const char *text, struct argp_state *state)
{
    if (!strcmp(text, "works")) return CEV_MASTER_WORKS;
    if (!strcmp(text, "serves")) return CEV_MASTER_SERVES;
    if (strcmp(text, "auto")) argp_error(state, "--master %s: expected works, serves or auto", text);
    return CEV_MASTER_AUTO;
}

static double parse_seconds(const char *option, const char *text, struct argp_state *state)
{
    int seconds = 0;
    if (!parse_whole(text, 0, 3600, &seconds)) argp_error(state, "--%s %s: expected 0 to 3600 seconds", option, text);
    return seconds;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    run_options *o = state->input;
    char rest;
    switch (key) {
    case 'o': o->output = argument; break;
    case 'q': o->quiet = true; break;
    case 't':
        if (!parse_whole(argument, 1, 4096, &o->threads)) argp_error(state, "--threads %s: expected 1 to 4096", argument);
        break;
    case KEY_MASTER: o->master = parse_master(argument, state); break;
    case KEY_JSON: o->json = true; break;
    case KEY_TIME_LIMIT:
        if (!parse_time_limit(argument, &o->time_limit_s)) argp_error(state, "--time-limit %s: expected a time like 90, 5:00 or 1:30:00", argument);
        break;
    case KEY_GRACE: o->grace_s = parse_seconds("grace", argument, state); break;
    case KEY_SHARD:
        if (sscanf(argument, "%d/%d%c", &o->shard, &o->n_shard, &rest) != 2 || o->shard < 1 || o->shard > o->n_shard || o->n_shard > 1000000)
            argp_error(state, "--shard %s: expected K/N with 1 <= K <= N", argument);
        o->shard--;
        break;
    case KEY_SILENCE: o->silence_s = parse_seconds("silence", argument, state); break;
    case ARGP_KEY_ARG:
        if (o->scan_file) argp_error(state, "more than one scan file: %s", argument);
        o->scan_file = argument;
        break;
    case ARGP_KEY_END:
        if (!o->scan_file) argp_error(state, "which scan file?");
        if (!o->output || !*o->output) argp_error(state, "where to? give -o MAP.h5");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_layout(const scan_run *run)
{
    const cev_machine *m = &run->machine;
    if (run->rank != 0 || run->options->quiet) return;
    fprintf(stderr, "cevscan: %d rank%s on %d host%s, ", m->n_rank, m->n_rank == 1 ? "" : "s", m->n_host, m->n_host == 1 ? "" : "s");
    if (m->threads_lowest == m->threads_highest)
        fprintf(stderr, "%d thread%s each", m->threads_lowest, m->threads_lowest == 1 ? "" : "s");
    else
        fprintf(stderr, "%d to %d threads each", m->threads_lowest, m->threads_highest);
    if (m->cores_lowest == m->cores_highest)
        fprintf(stderr, "; a rank may use %d core%s", m->cores_lowest, m->cores_lowest == 1 ? "" : "s");
    else
        fprintf(stderr, "; a rank may use %d to %d cores", m->cores_lowest, m->cores_highest);
    fprintf(stderr, "; rank 0 %s\n", cev_schedule_master_works(run->options->master, m->n_rank) ? "works" : "serves");
    if (m->cramped_ranks)
        fprintf(stderr, "cevscan: warning: %d rank%s with more threads than cores of their own; bind them with mpirun --map-by "
                        "slot:PE=THREADS --bind-to core, or srun -c THREADS\n", m->cramped_ranks, m->cramped_ranks == 1 ? "" : "s");
    else if (m->shared_hosts)
        fprintf(stderr, "cevscan: warning: more threads than cores on %d host%s: they take turns\n", m->shared_hosts,
                m->shared_hosts == 1 ? "" : "s");
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
    print_json(json_pack("{s:o, s:b, s:I, s:I, s:I, s:f, s:o, s:o, s:s}", "map", json_text(run->options->output), "complete", complete,
                         "points", (json_int_t)g->n_point, "points_computed", (json_int_t)points, "points_failed",
                         (json_int_t)p->points_failed, "seconds", seconds, "best_fit_chi2", json_number(lowest_best_fit(p, cev_grid_n_member(g))),
                         "best_fit", best, "content_hash", p->content_hash));
}

static void print_summary(const scan_run *run, run_outcome outcome)
{
    const run_options *o = run->options;
    const cev_map_progress *p = &run->progress;
    const cev_grid *g = &run->config->grid;
    name_list names = axis_names(g);
    double seconds = monotonic_s() - run->started, points = (double)(run->points_done - run->points_before);
    if (o->json) {
        print_json_summary(run, outcome == RUN_COMPLETE, points, seconds);
    } else if (o->quiet) {
        return;
    } else if (outcome == RUN_SHARD_COMPLETE) {
        printf("%s: shard %d of %d is complete, %llu of %llu points; `cevscan merge` joins the shards\n", o->output, o->shard + 1,
               o->n_shard, (unsigned long long)run->points_done, (unsigned long long)g->n_point);
    } else if (outcome != RUN_COMPLETE) {
        printf("%s: stopped after %llu of %llu points; the same command goes on\n", o->output,
               (unsigned long long)run->points_done, (unsigned long long)g->n_point);
    } else {
        printf("%s: %.0f points in %.2f s (%.3g points/s), %llu failed\n", o->output, points, seconds, points / seconds,
               (unsigned long long)p->points_failed);
        print_best_fits(p, cev_grid_n_member(g), g->n_axis, names.name, g->axis[0].label);
        printf("content hash %s\n", p->content_hash);
    }
}

/* The map was complete before this run. */
static int leave_alone(scan_run *run)
{
    uint64_t failed = run->rank == 0 ? run->found->progress.points_failed : 0;
    MPI_Bcast(&failed, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    if (run->rank == 0 && run->options->json) {
        run->progress = run->found->progress;
        print_json_summary(run, true, 0, 0);
    } else if (run->rank == 0 && !run->options->quiet) {
        printf("%s: already complete\n", run->options->output);
    }
    return failed ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}

/* Rank 0 has read and validated the scan; the others get it as one self-contained text. */
static cev_status share_configuration(scan_run *run)
{
    unsigned long long size = run->rank == 0 ? strlen(run->config->resolved) + 1 : 0;
    MPI_Bcast(&size, 1, MPI_UNSIGNED_LONG_LONG, 0, MPI_COMM_WORLD);
    if (run->rank == 0) {
        MPI_Bcast(run->config->resolved, (int)size, MPI_CHAR, 0, MPI_COMM_WORLD);
        return CEV_OK;
    }
    char *text = malloc(size);
    if (!text) return cev_fail(CEV_E_MEMORY, "out of memory");
    MPI_Bcast(text, (int)size, MPI_CHAR, 0, MPI_COMM_WORLD);
    cev_status status = cev_scan_config_parse(text, "resolved configuration", &run->config);
    free(text);
    return status;
}

/* The launcher that MPI_Abort asks may itself be gone. */
static void end_without_mpi(int number)
{
    (void)number;
    _exit(EXIT_IO);
}

/* From here on a failure may be known to one rank only; it takes the others down with it. */
static void abort_on_failure(scan_run *run, cev_status status)
{
    if (status == CEV_OK) return;
    fprintf(stderr, "cevscan: error on rank %d: %s\n", run->rank, cev_error_message());
    signal(SIGALRM, end_without_mpi);
    alarm(5);
    cev_map_lock_release(&run->lock);
    fflush(NULL);
    MPI_Abort(MPI_COMM_WORLD, exit_code_of(status));
}

/* The last moment for a stop is the user's, or leaves the grace and some seconds before SLURM's limit. */
static void limit_time(const scan_run *run)
{
    const double closing_s = 5;
    double seconds = run->options->time_limit_s;
    if (run->rank == 0 && seconds == INFINITY) seconds = slurm_seconds_left() - run->options->grace_s - closing_s;
    if (run->rank == 0) stop_after(seconds);
}

static int run_everywhere(scan_run *run)
{
    bool done = false;
    cev_status status = run->rank == 0 ? scan_run_prepare(run, &done) : CEV_OK;
    status = agree_with_rank_0(run->rank, status);
    if (status != CEV_OK) return run->rank == 0 ? report_error(status) : exit_code_of(status);
    MPI_Bcast(&done, 1, MPI_C_BOOL, 0, MPI_COMM_WORLD);
    if (done) return leave_alone(run);
    limit_time(run);
    run->machine = cev_machine_survey(MPI_COMM_WORLD, run->options->threads);
    print_layout(run);
    abort_on_failure(run, share_configuration(run));
    cev_status own = scan_run_build(run);
    status = agree_with_rank_0(run->rank, own);
    if (status == CEV_OK) abort_on_failure(run, own); /* this rank alone is short of memory */
    if (status == CEV_OK) status = scan_run_find_reference(run);
    if (status != CEV_OK) return run->rank == 0 ? report_error(status) : exit_code_of(status);
    abort_on_failure(run, scan_run_open_map(run));
    abort_on_failure(run, scan_run_work(run));
    run_outcome outcome;
    abort_on_failure(run, scan_run_finish(run, &outcome));
    uint64_t failed = run->points_failed;
    MPI_Bcast(&failed, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    if (run->rank == 0) print_summary(run, outcome);
    if (outcome == RUN_STOPPED) return EXIT_STOPPED;
    if (outcome == RUN_INTERRUPTED) return EXIT_INTERRUPTED;
    return failed ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}

int command_run(int argc, char **argv)
{
    run_options o = {.time_limit_s = INFINITY, .grace_s = 10, .silence_s = 20};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "SCAN.yaml", .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &o);

    scan_run run = {.options = &o};
    scan_run_start_mpi(&run);
    stop_on_signals(); /* after MPI_Init, which may take signals over itself */
    return scan_run_end_mpi(&run, run_everywhere(&run));
}
