/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands that are jobs of several ranks share: MPI, options, what they say, and how they end. */
#ifndef CEVSCAN_CLI_JOB_OPTIONS_H
#define CEVSCAN_CLI_JOB_OPTIONS_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>

#include "cevscan/job.h"
#include "progress_line.h"

/* Of a command, and the context of the job's callbacks. */
typedef struct job_command {
    const char *what; /* "scan or study file" */
    cev_job_options job;
    bool quiet, json;
    double time_limit_s; /* infinite: none, or what SLURM allows */
    progress_line line;
    int rank;
} job_command;

/* For commands without all of the options: the callbacks, and nothing said but errors. */
job_command job_command_quiet(int threads);

/* A child of a command's own argp, whose input is a job_command. */
extern const struct argp job_argp;
job_command job_command_defaults(const char *what);

/* Refuses names of files that are no maps, whatever is in them: map.pdf. */
void check_output(const char *output, struct argp_state *state);

/* MPI on and off; signals are ours then. The code that a command ends with; EXIT_IO ends all ranks at once. */
void start_mpi(int *rank);
int end_mpi(int code);

/* The best fits of a complete scan, as text and as JSON: an object for each member, or one. */
void print_best_fits(const cev_job_result *r);
json_t *best_fits_json(const cev_job_result *r);
double lowest_best_fit(const cev_job_result *r);

#endif
