/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job_options.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "assumptions.h"
#include "command.h"
#include "map_guard.h"
#include "stop.h"
#include "usage.h"

enum { KEY_MASTER = 512, KEY_JSON, KEY_TIME_LIMIT, KEY_GRACE, KEY_SILENCE, KEY_SHARD };

static const struct argp_option options[] = {
    {"output", 'o', "FILE.h5", 0, "the file to write (required)", 0},
    {"quiet", 'q', NULL, 0, "print errors and warnings only", 0},
    {"threads", 't', "N", 0,
     "threads of each rank (default: OMP_NUM_THREADS, SLURM_CPUS_PER_TASK, or its share of the cores)", 0},
    {"master", KEY_MASTER, "MODE", 0, "what rank 0 does: works, serves, or auto (default: it works on up to 16 ranks)",
     0},
    {"json", KEY_JSON, NULL, 0, "print the summary as JSON", 0},
    {"time-limit", KEY_TIME_LIMIT, "TIME", 0,
     "stop in good order after TIME: seconds, M:S, H:M:S, D-H, D-H:M or D-H:M:S (default: before SLURM's limit)", 0},
    {"grace", KEY_GRACE, "SECONDS", 0,
     "from a signal or the time limit to the end; after half of it work is given up (default: 10)", 0},
    {"silence", KEY_SILENCE, "SECONDS", 0, "give up when another rank gives no sign of life; 0: never (default: 90)",
     0},
    {"shard", KEY_SHARD, "K/N", 0, "compute only the K-th of N parts; `cevscan merge` joins their files", 0},
    {0},
};

static cev_master_mode parse_master(const char *text, struct argp_state *state)
{
    if (!strcmp(text, "works")) return CEV_MASTER_WORKS;
    if (!strcmp(text, "serves")) return CEV_MASTER_SERVES;
    if (strcmp(text, "auto")) usage_error(state, "--master %s: expected works, serves or auto", text);
    return CEV_MASTER_AUTO;
}

static double parse_seconds(const char *option, const char *text, struct argp_state *state)
{
    int seconds = 0;
    if (!parse_whole(text, 0, 3600, &seconds)) usage_error(state, "--%s %s: expected 0 to 3600 seconds", option, text);
    return seconds;
}

static void parse_shard(const char *text, cev_job_options *o, struct argp_state *state)
{
    char rest;
    if (sscanf(text, "%d/%d%c", &o->shard, &o->n_shard, &rest) != 2 || o->shard < 1 || o->shard > o->n_shard ||
        o->n_shard > 1000000)
        usage_error(state, "--shard %s: expected K/N with 1 <= K <= N", text);
    o->shard--;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcasecmp(name + n - m, end);
}

void check_output(const char *output, struct argp_state *state)
{
    static const char *const others[] = {".pdf", ".png", ".svg", ".yaml", ".yml", ".csv", ".json", ".txt"};
    const char *dot = strrchr(output, '.');
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (ends_with(output, others[k]))
            usage_error(state, "-o %s: a map is an HDF5 file; give it a name like %.*s.h5", output, (int)(dot - output),
                        output);
}

/* A second file, which mostly is the one to write. */
static void refuse_second(const job_command *c, const char *argument, struct argp_state *state)
{
    if (!c->job.output && (ends_with(argument, ".h5") || ends_with(argument, ".hdf5")))
        usage_error(state, "more than one %s: %s; the file to write is given with -o: -o %s", c->what, argument,
                    argument);
    usage_error(state, "more than one %s: %s", c->what, argument);
}

static void check_arguments(const job_command *c, struct argp_state *state)
{
    if (!c->job.file) usage_error(state, "give a %s", c->what);
    if (!c->job.output || !*c->job.output) usage_error(state, "give the file to write: -o FILE.h5");
    check_output(c->job.output, state);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    job_command *c = state->input;
    cev_job_options *o = &c->job;
    switch (key) {
    case 'o': o->output = argument; break;
    case 'q': c->quiet = true; break;
    case 't':
        if (!parse_whole(argument, 1, 4096, &o->threads))
            usage_error(state, "--threads %s: expected 1 to 4096", argument);
        break;
    case KEY_MASTER: o->master = parse_master(argument, state); break;
    case KEY_JSON: c->json = true; break;
    case KEY_TIME_LIMIT:
        if (!parse_time_limit(argument, &c->time_limit_s))
            usage_error(state, "--time-limit %s: expected a time like 90, 5:00 or 1:30:00", argument);
        break;
    case KEY_GRACE: o->grace_s = parse_seconds("grace", argument, state); break;
    case KEY_SILENCE: o->silence_s = parse_seconds("silence", argument, state); break;
    case KEY_SHARD: parse_shard(argument, o, state); break;
    case ARGP_KEY_ARG:
        if (o->file) refuse_second(c, argument, state);
        o->file = argument;
        break;
    case ARGP_KEY_END: check_arguments(c, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp job_argp = {.options = options, .parser = parse};

/* --- what a job says -------------------------------------------------------------------------------------------- */

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

static void print_range(int low, int high, const char *what)
{
    if (low == high)
        fprintf(stderr, "%d %s%s", low, what, plural(low));
    else
        fprintf(stderr, "%d to %d %ss", low, high, what);
}

static void surveyed(void *context, const cev_machine *m)
{
    const job_command *c = context;
    if (c->quiet) return;
    fprintf(stderr, "cevscan: %d rank%s on %d host%s, ", m->n_rank, plural(m->n_rank), m->n_host, plural(m->n_host));
    print_range(m->threads_lowest, m->threads_highest, "thread");
    fprintf(stderr, " each; a rank may use ");
    print_range(m->cores_lowest, m->cores_highest, "core");
    fprintf(stderr, "; rank 0 %s\n", cev_schedule_master_works(c->job.master, m->n_rank) ? "works" : "serves");
    if (m->cramped_ranks)
        fprintf(stderr,
                "cevscan: warning: %d rank%s with more threads than cores of their own; bind them with mpirun --map-by "
                "slot:PE=THREADS --bind-to core, or srun -c THREADS\n",
                m->cramped_ranks, plural(m->cramped_ranks));
    else if (m->shared_hosts)
        fprintf(stderr, "cevscan: warning: more threads than cores on %d host%s: they take turns\n", m->shared_hosts,
                plural(m->shared_hosts));
}

static void tell(void *context, const char *message)
{
    job_command *c = context;
    progress_line_end(&c->line);
    if (c->quiet) return;
    fprintf(stderr, "cevscan: ");
    print_plain(stderr, message);
    putc('\n', stderr);
}

static void remark(void *context, const cev_remark *said)
{
    job_command *c = context;
    progress_line_end(&c->line);
    print_remark(said, c->quiet);
}

static void progress(void *context, const cev_job_progress *p)
{
    job_command *c = context;
    if (c->line.total == 0) c->line = progress_line_start(c->quiet, p->points, p->points_before);
    progress_line_update(&c->line, p->points_done, p->points_failed);
}

static cev_stop stop(void *context)
{
    (void)context;
    return stop_wanted();
}

static cev_status try_file(void *context, const char *path)
{
    (void)context;
    return try_guarded(path);
}

/* The launcher that MPI_Abort asks may itself be gone. */
static void end_without_mpi(int number)
{
    (void)number;
    _exit(EXIT_IO);
}

/* Overdue ranks end one by one, each in its own time; a failure takes the others down. */
static void end_all(void *context, cev_status status, const char *message)
{
    job_command *c = context;
    if (status == CEV_E_STOPPED) {
        if (c->rank == 0 && !c->quiet) fprintf(stderr, "cevscan: %s\n", message);
        fflush(NULL);
        _exit(stop_wanted() == CEV_STOP_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_STOPPED);
    }
    fprintf(stderr, "cevscan: error on rank %d: %s\n", c->rank, message);
    signal(SIGALRM, end_without_mpi);
    alarm(5);
    fflush(NULL);
    MPI_Abort(MPI_COMM_WORLD, exit_code_of(status));
}

job_command job_command_quiet(int threads)
{
    job_command c = {.job = cev_job_defaults(), .quiet = true, .time_limit_s = INFINITY};
    c.job.threads = threads;
    c.job.stop = stop;
    c.job.tell = tell;
    c.job.remark = remark;
    c.job.try_file = try_file;
    c.job.end_all = end_all;
    return c;
}

job_command job_command_defaults(const char *what)
{
    job_command c = job_command_quiet(0);
    c.what = what;
    c.quiet = false;
    c.job.surveyed = surveyed;
    c.job.progress = progress;
    return c;
}

/* --- best fits -------------------------------------------------------------------------------------------------- */

static const cev_grid *grid_of(const cev_job_result *r)
{
    return &r->config->space[0].scan->grid;
}

void print_best_fits(const cev_job_result *r)
{
    const cev_grid *g = grid_of(r);
    for (size_t f = 0; f < r->n_fit; f++) {
        if (g->axis[0].label) printf("%s: ", g->axis[0].label[f]);
        printf("best fit chi2 %.9g at", r->fit[f].chi2);
        for (size_t a = g->axis[0].label ? 1 : 0; a < g->n_axis; a++)
            printf(" %s=%.6g%s", g->axis[a].name, r->fit[f].at[a], r->fit[f].at_edge[a] ? " (end of its range)" : "");
        printf("\n");
    }
}

json_t *best_fits_json(const cev_job_result *r)
{
    const cev_grid *g = grid_of(r);
    json_t *all = json_object();
    for (size_t f = 0; f < r->n_fit; f++) {
        bool member = g->axis[0].label != NULL;
        json_t *one = member ? json_pack("{s:o}", "chi2", json_number(r->fit[f].chi2)) : all;
        for (size_t a = member; a < g->n_axis; a++)
            json_object_set_new(one, g->axis[a].name, json_number(r->fit[f].at[a]));
        if (member) json_object_set_new(all, g->axis[0].label[f], one);
    }
    return all;
}

double lowest_best_fit(const cev_job_result *r)
{
    double lowest = NAN;
    for (size_t f = 0; f < r->n_fit; f++) lowest = fmin(lowest, r->fit[f].chi2);
    return lowest;
}

/* --- MPI -------------------------------------------------------------------------------------------------------- */

/* Choices that the user's own settings override. Alone, MPI needs no daemon beside it, and no session folder, which
 * programs that start and end at the same moment would share and remove under each other; and no network, whose
 * drivers would be loaded and take a fifth of a second to get ready. Open MPI's own file component makes files beside
 * the map for shared file pointers, which nobody uses here, and leaves them there when it is killed; ROMIO does not. */
static void set_up_open_mpi(void)
{
    if (!getenv("OMPI_COMM_WORLD_SIZE") && !getenv("PMIX_RANK")) {
        setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
        setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
        setenv("OMPI_MCA_pml", "ob1", 0);
        setenv("OMPI_MCA_btl", "self", 0);
    }
    setenv("OMPI_MCA_io", "^ompio", 0);
    setenv("OMPI_MCA_opal_signal", "", 0); /* its handlers allocate: a crash in malloc() would become a hang */
}

/* Ranks watch each other from threads of their own. */
void start_mpi(int *rank)
{
    int provided;
    set_up_open_mpi();
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    stop_on_signals(); /* after MPI_Init, which may take signals over itself */
}

int end_mpi(int code)
{
    if (code == EXIT_IO) {
        /* HDF5 would try once more to write what it could not, from inside MPI_Finalize, and crash there. */
        MPI_Barrier(MPI_COMM_WORLD); /* until rank 0 has given its lock back */
        fflush(NULL);
        MPI_Abort(MPI_COMM_WORLD, code);
    }
    MPI_Finalize();
    return code;
}
