/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `cevscan bench` measures. A workload gives one JSON object, which is also what its line of text is made of. */
#ifndef CEVSCAN_CLI_BENCH_H
#define CEVSCAN_CLI_BENCH_H

#include <jansson.h>
#include <stdbool.h>

#include "cevscan/config.h"
#include "cevscan/fit_starts.h"

enum { MOST_BENCH_NAMES = 32 };

typedef struct bench_options {
    const char *file;                   /* a scan of the user's, or NULL */
    const char *name[MOST_BENCH_NAMES]; /* workloads */
    size_t n_name;
    bool json, list;
    int seconds;     /* how long to measure the points of a workload */
    int repetitions; /* exactly so many instead; 0: as many as fit */
} bench_options;

typedef struct bench_workload {
    const char *name, *title;
    cev_status (*measure)(const bench_options *options, const struct bench_workload *workload, json_t **result);
    void (*print)(const json_t *result);
    const char *scan;                                       /* of points: the text of a scan file */
    cev_status (*make_scan)(cev_arena *arena, char **text); /* where it is too long to be written down */
} bench_workload;

extern const bench_workload bench_workloads[];
extern const size_t n_bench_workloads;

/* --- the kinds of workloads --- */

/* Points per second on one thread, and what they are worth in flops. */
cev_status bench_points(const bench_options *options, const bench_workload *workload, json_t **result);
cev_status bench_points_of(const bench_options *options, cev_scan_config *config, json_t **result);
void bench_print_points(const json_t *result);

/* Templates: of an experiment from nothing, and anew for another mediator mass. */
cev_status bench_folding(const bench_options *options, const bench_workload *workload, json_t **result);
void bench_print_folding(const json_t *result);

/* From the start of a process to the first finished tile of its scan. */
cev_status bench_startup(const bench_options *options, const bench_workload *workload, json_t **result);
void bench_print_startup(const json_t *result);

/* Tiles into a real map, in a folder of its own under $TMPDIR. */
cev_status bench_tiles(const bench_options *options, const bench_workload *workload, json_t **result);
void bench_print_tiles(const json_t *result);

/* Empty tiles through the real master and workers: on the ranks of this job, or of a job of its own if this is none. */
cev_status bench_scheduler(const bench_options *options, const bench_workload *workload, json_t **result);
void bench_print_scheduler(const json_t *result);
bool bench_is_under_mpi(void);

/* Points per second on one thread where couplings are profiled, and the shares of points that have a flag. */
cev_status bench_profiled(const bench_options *options, const bench_workload *workload, json_t **result);
void bench_print_profiled(const json_t *result);

/* CsI + Si with so many profiled couplings; CsI + Si + Xe + Ge with four. */
cev_status bench_scan_of_profiled_1(cev_arena *arena, char **text);
cev_status bench_scan_of_profiled_2(cev_arena *arena, char **text);
cev_status bench_scan_of_profiled_4(cev_arena *arena, char **text);
cev_status bench_scan_of_profiled_8(cev_arena *arena, char **text);
cev_status bench_scan_of_profiled_10(cev_arena *arena, char **text);
cev_status bench_scan_of_profiled_four(cev_arena *arena, char **text);

/* All subsets of six detectors in ten planes, on all cores. */
cev_status bench_subsets(const bench_options *options, const bench_workload *workload, json_t **result);
void bench_print_subsets(const json_t *result);

/* --- pieces --- */

/* The scan text of a workload, in the arena. */
cev_status bench_scan_text(cev_arena *arena, const bench_workload *workload, const char **text);

/* A model, its data and a job over the configuration's grid. */
typedef struct bench_job {
    cev_model *model;
    cev_data data;
    cev_scan_job job;
    cev_fit_starts *starts; /* the job's */
} bench_job;

cev_status bench_job_open(cev_scan_config *config, bench_job *out);
void bench_job_close(bench_job *job);

/* The instructions that lanes are computed with: a name of cev_level_names. */
const char *bench_level(void);

/* Flops per second of independent multiplications and additions of doubles, not fused, at that level on one core. */
double bench_peak(void);

/* What a point takes. Useful is what no Newton method can do without: the contraction of the templates, the
 * derivatives and the solution of one step in the pulls of each group of experiments, and chi2. The plain algorithm
 * does a least-squares start besides, and steps down to a decrement of 1e-9; a scalar program counts them at points
 * all over the grid. How the engine does it does not matter. A division and a square root count as one flop, a
 * logarithm as 32. / */
typedef struct bench_need {
    double flops, plain_flops; /* per point */
    double steps;              /* of the plain algorithm, per point and group */
} bench_need;

cev_status bench_count_flops(const bench_job *job, const cev_scan_config *config, bench_need *out);

double bench_median(double *x, size_t n); /* sorts */

double bench_now_s(void); /* monotonic */

json_t *bench_number(double x); /* null for what JSON cannot express */

#endif
