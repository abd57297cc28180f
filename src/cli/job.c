/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "stop.h"

enum { KEY_MASTER = 512, KEY_JSON, KEY_TIME_LIMIT, KEY_GRACE, KEY_SILENCE };

static const struct argp_option options[] = {
    {"output", 'o', "FILE.h5", 0, "the file to write (required)", 0},
    {"quiet", 'q', NULL, 0, "print errors only", 0},
    {"threads", 't', "N", 0,
     "threads of each rank (default: OMP_NUM_THREADS, SLURM_CPUS_PER_TASK, or its share of the cores)", 0},
    {"master", KEY_MASTER, "MODE", 0, "what rank 0 does: works, serves, or auto (default: it works on up to 16 ranks)",
     0},
    {"json", KEY_JSON, NULL, 0, "print the summary as JSON", 0},
    {"time-limit", KEY_TIME_LIMIT, "TIME", 0,
     "stop in good order after TIME: seconds, M:S, H:M:S or D-H:M:S (default: before SLURM's limit)", 0},
    {"grace", KEY_GRACE, "SECONDS", 0, "how long tiles in work may go on once a stop is wanted (default: 10)", 0},
    {"silence", KEY_SILENCE, "SECONDS", 0, "give up when another rank is silent for so long; 0: never (default: 20)",
     0},
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
    job_options *o = state->input;
    switch (key) {
    case 'o': o->output = argument; break;
    case 'q': o->quiet = true; break;
    case 't':
        if (!parse_whole(argument, 1, 4096, &o->threads))
            argp_error(state, "--threads %s: expected 1 to 4096", argument);
        break;
    case KEY_MASTER: o->master = parse_master(argument, state); break;
    case KEY_JSON: o->json = true; break;
    case KEY_TIME_LIMIT:
        if (!parse_time_limit(argument, &o->time_limit_s))
            argp_error(state, "--time-limit %s: expected a time like 90, 5:00 or 1:30:00", argument);
        break;
    case KEY_GRACE: o->grace_s = parse_seconds("grace", argument, state); break;
    case KEY_SILENCE: o->silence_s = parse_seconds("silence", argument, state); break;
    case ARGP_KEY_ARG:
        if (o->file) argp_error(state, "more than one %s: %s", o->what, argument);
        o->file = argument;
        break;
    case ARGP_KEY_END:
        if (!o->file) argp_error(state, "which %s?", o->what);
        if (!o->output || !*o->output) argp_error(state, "where to? give -o FILE.h5");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp job_argp = {.options = options, .parser = parse};

error_t job_options_only(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

static void print_layout(const job_options *o, const cev_machine *m)
{
    if (o->quiet) return;
    fprintf(stderr, "cevscan: %d rank%s on %d host%s, ", m->n_rank, m->n_rank == 1 ? "" : "s", m->n_host,
            m->n_host == 1 ? "" : "s");
    if (m->threads_lowest == m->threads_highest)
        fprintf(stderr, "%d thread%s each", m->threads_lowest, m->threads_lowest == 1 ? "" : "s");
    else
        fprintf(stderr, "%d to %d threads each", m->threads_lowest, m->threads_highest);
    if (m->cores_lowest == m->cores_highest)
        fprintf(stderr, "; a rank may use %d core%s", m->cores_lowest, m->cores_lowest == 1 ? "" : "s");
    else
        fprintf(stderr, "; a rank may use %d to %d cores", m->cores_lowest, m->cores_highest);
    fprintf(stderr, "; rank 0 %s\n", cev_schedule_master_works(o->master, m->n_rank) ? "works" : "serves");
    if (m->cramped_ranks)
        fprintf(stderr,
                "cevscan: warning: %d rank%s with more threads than cores of their own; bind them with mpirun --map-by "
                "slot:PE=THREADS --bind-to core, or srun -c THREADS\n",
                m->cramped_ranks, m->cramped_ranks == 1 ? "" : "s");
    else if (m->shared_hosts)
        fprintf(stderr, "cevscan: warning: more threads than cores on %d host%s: they take turns\n", m->shared_hosts,
                m->shared_hosts == 1 ? "" : "s");
}

/* The launcher that MPI_Abort asks may itself be gone. */
static void end_without_mpi(int number)
{
    (void)number;
    _exit(EXIT_IO);
}

/* From here on a failure may be known to one rank only; it takes the others down with it. */
void job_abort_on_failure(int rank, cev_map_lock **lock, cev_status status)
{
    if (status == CEV_OK) return;
    fprintf(stderr, "cevscan: error on rank %d: %s\n", rank, cev_error_message());
    signal(SIGALRM, end_without_mpi);
    alarm(5);
    cev_map_lock_release(lock);
    fflush(NULL);
    MPI_Abort(MPI_COMM_WORLD, exit_code_of(status));
}

/* The last moment for a stop is the user's, or leaves the grace and some seconds before SLURM's limit. */
static void limit_time(const job_options *o)
{
    const double closing_s = 5;
    double seconds = o->time_limit_s;
    if (seconds == INFINITY) seconds = slurm_seconds_left() - o->grace_s - closing_s;
    stop_after(seconds);
}

cev_machine job_survey(const job_options *o, int rank)
{
    if (rank == 0) limit_time(o);
    cev_machine machine = cev_machine_survey(MPI_COMM_WORLD, o->threads);
    if (rank == 0) print_layout(o, &machine);
    return machine;
}

cev_status job_agree_on(int rank, cev_map_lock **lock, cev_status own)
{
    cev_status status = agree_with_rank_0(rank, own);
    if (status == CEV_OK) job_abort_on_failure(rank, lock, own);
    return status;
}

int job_refuse(int rank, cev_status status)
{
    return rank == 0 ? report_error(status) : exit_code_of(status);
}

int job_code_of(run_outcome outcome, uint64_t points_failed)
{
    MPI_Bcast(&points_failed, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    if (outcome == RUN_STOPPED) return EXIT_STOPPED;
    if (outcome == RUN_INTERRUPTED) return EXIT_INTERRUPTED;
    return points_failed ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}

void job_print_time(char out[CEV_MAP_TIME_SIZE])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, CEV_MAP_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void job_begin_session(cev_map_progress *p, const cev_map_progress *before, const cev_machine *machine)
{
    if (before) {
        p->sessions = before->sessions;
        memcpy(p->end, before->end, sizeof p->end);
        memcpy(p->start, before->start, sizeof p->start);
    }
    if (!p->start[0]) job_print_time(p->start);
    p->sessions++;
    p->ranks = machine->n_rank;
    p->threads = machine->threads_highest;
}

/* --- MPI -------------------------------------------------------------------------------------------------------- */

cev_status agree_with_rank_0(int rank, cev_status status)
{
    char message[1024] = "";
    int code = (int)status;
    if (rank == 0) snprintf(message, sizeof message, "%s", cev_error_message());
    MPI_Bcast(&code, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (code == CEV_OK) return CEV_OK;
    MPI_Bcast(message, sizeof message, MPI_CHAR, 0, MPI_COMM_WORLD);
    return rank == 0 ? status : cev_fail((cev_status)code, "%s", message);
}

cev_status job_share_text(int rank, char **text)
{
    unsigned long long size = rank == 0 ? strlen(*text) + 1 : 0;
    MPI_Bcast(&size, 1, MPI_UNSIGNED_LONG_LONG, 0, MPI_COMM_WORLD);
    if (rank != 0 && !(*text = malloc(size))) return cev_fail(CEV_E_MEMORY, "out of memory");
    MPI_Bcast(*text, (int)size, MPI_CHAR, 0, MPI_COMM_WORLD);
    return CEV_OK;
}

/* Choices that the user's own settings override. Alone, MPI needs no daemon beside it, and no session folder, which
 * programs that start and end at the same moment would share and remove under each other; and no network, whose drivers
 * would be loaded and take a fifth of a second to get ready. Open MPI's own file component makes files beside the map
 * for shared file pointers, which nobody uses here, and leaves them there when it is killed; ROMIO does not. */
static void set_up_open_mpi(void)
{
    if (!getenv("OMPI_COMM_WORLD_SIZE") && !getenv("PMIX_RANK")) {
        setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
        setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
        setenv("OMPI_MCA_pml", "ob1", 0);
        setenv("OMPI_MCA_btl", "self", 0);
    }
    setenv("OMPI_MCA_io", "^ompio", 0);
}

void job_start_mpi(int *rank)
{
    int provided;
    set_up_open_mpi();
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}

int job_end_mpi(int code)
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
