/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the jobs of several ranks, scans and studies, share: options, time limits, and the end of all ranks when one
 * fails. */
#ifndef CEVSCAN_CLI_JOB_H
#define CEVSCAN_CLI_JOB_H

#include <argp.h>
#include <stdbool.h>

#include "cevscan/machine.h"
#include "cevscan/map.h"
#include "cevscan/map_lock.h"
#include "cevscan/schedule.h"

typedef struct job_options {
    const char *what; /* "scan file" or "study file" */
    const char *file, *output;
    bool quiet, json;
    int threads; /* 0: choose */
    cev_master_mode master;
    double time_limit_s; /* infinite: none */
    double silence_s;    /* longest silence of another rank */
    double grace_s;      /* how long a tile in work may go on once a stop is wanted */
} job_options;

/* How a run ended, the same on every rank. */
typedef enum run_outcome { RUN_COMPLETE, RUN_SHARD_COMPLETE, RUN_STOPPED, RUN_INTERRUPTED } run_outcome;

#define JOB_DEFAULTS(what_)                                                                                            \
    {                                                                                                                  \
        .what = what_, .time_limit_s = INFINITY, .grace_s = 10, .silence_s = 20                                        \
    }

/* A child of a command's own argp, whose input is a job_options. */
extern const struct argp job_argp;

/* The parser of a command that has these options and no others, and job_argp as its first child. */
error_t job_options_only(int key, char *argument, struct argp_state *state);

/* Collective: sets the time limit, looks at the machine and says on stderr how many ranks and threads there are, and
 * what is odd about that. */
cev_machine job_survey(const job_options *o, int rank);

/* Ends all ranks if this one failed: others may not know. */
void job_abort_on_failure(int rank, cev_map_lock **lock, cev_status status);

/* Ends all ranks if this one alone failed, for want of memory, say; a failure of all is returned on all. */
cev_status job_agree_on(int rank, cev_map_lock **lock, cev_status own);

/* Exit codes: of a status that all ranks have, reported by rank 0; and, collective, of an outcome with rank 0's failed
 * points. */
int job_refuse(int rank, cev_status status);
int job_code_of(run_outcome outcome, uint64_t points_failed);

/* /progress of a new session, after what the file says of those before; NULL: there were none. */
void job_begin_session(cev_map_progress *progress, const cev_map_progress *before, const cev_machine *machine);

/* The time in UTC. */
void job_print_time(char out[CEV_MAP_TIME_SIZE]);

/* MPI on and off. The code that a command ends with; EXIT_IO ends all ranks at once. */
void job_start_mpi(int *rank);
int job_end_mpi(int code);

/* Broadcasts rank 0's outcome, message included, so that it is returned on every rank, whatever their own was. */
cev_status agree_with_rank_0(int rank, cev_status status);

/* Rank 0's text for everybody; the others free theirs. */
cev_status job_share_text(int rank, char **text);

#endif
