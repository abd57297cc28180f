/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job: a scan or a study from its file to its finished map, on all ranks of a communicator. A scan is a study of one
 * map.
 *
 *     cev_job_options o = cev_job_defaults();
 *     cev_job_result r;
 *     o.file = "scan.yaml";
 *     o.output = "map.h5";
 *     if (cev_job_run(MPI_COMM_WORLD, &o, &r) != CEV_OK) ... cev_error_message() ...
 *
 * Prints nothing, ends nothing, takes no signals over: all that is said goes through callbacks. GSL's error handler is
 * off while a function of this header runs, and then again what it was. MPI must have been initialised, with
 * MPI_THREAD_MULTIPLE if ranks are to notice each other's death.
 *
 * What a job does, in stages each of which notices a wish to stop:
 *     configuration   rank 0 reads and validates; a file that is there already is compared with it
 *     folds           every rank folds the templates, and all ranks agree that they are the same
 *     best fits       what delta_chi2 counts from, all ranks
 *     layout          a new file: PATH.tmp, filled by all ranks, then renamed; or the done tiles of an unfinished one
 *                     are read again, and those that are damaged computed anew
 *     tiles           evaluated and streamed
 *     finish          lower minima that the grid has found, content hashes */
#ifndef CEVSCAN_JOB_H
#define CEVSCAN_JOB_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "cevscan/machine.h"
#include "cevscan/map.h"
#include "cevscan/schedule.h"
#include "cevscan/remarks.h"
#include "cevscan/study.h"

/* Why a job is asked to stop; the larger one counts. */
typedef enum cev_stop { CEV_STOP_NONE, CEV_STOP_RESUME_LATER, CEV_STOP_INTERRUPTED } cev_stop;

typedef enum cev_job_stage {
    CEV_STAGE_CONFIGURATION,
    CEV_STAGE_FOLDS,
    CEV_STAGE_BEST_FITS,
    CEV_STAGE_LAYOUT,
    CEV_STAGE_TILES,
    CEV_STAGE_FINISH,
    CEV_N_STAGES
} cev_job_stage;

extern const char *const cev_job_stage_names[CEV_N_STAGES]; /* "configuration", "folds", "best fits", ... */

/* Rank 0, about every second while tiles are computed. Points are those of all maps. */
typedef struct cev_job_progress {
    cev_job_stage stage;
    uint64_t points, points_before, points_done, points_failed; /* `before`: done by earlier sessions */
} cev_job_progress;

typedef struct cev_job_options {
    const char *file;   /* of the scan or study; read by rank 0 */
    const char *output; /* symbolic links are followed, by rules that others cannot misuse */
    int threads;        /* of this rank; 0: OMP_NUM_THREADS, SLURM_CPUS_PER_TASK, or its share of the cores */
    cev_master_mode master;
    double grace_s;     /* from a wish to stop to the end; what is in work after half of it is given up */
    double silence_s;   /* longest silence of another rank; 0: never mind */
    int shard, n_shard; /* only items with number % n_shard == shard; n_shard 0: all */

    void *context; /* of all callbacks; those that are NULL are not called */
    /* Any rank and thread, often. */
    cev_stop (*stop)(void *context);
    /* Rank 0: something that its user should know. */
    void (*tell)(void *context, const char *message);
    /* Rank 0, of a file that is not there yet: what its author may not have meant. */
    void (*remark)(void *context, const cev_remark *remark);
    void (*progress)(void *context, const cev_job_progress *progress);
    /* Rank 0, once the layout of the machine is known. */
    void (*surveyed)(void *context, const cev_machine *machine);
    /* Rank 0, before a file that is there is opened: lets a process of its own try it, and returns the outcome. */
    cev_status (*try_file)(void *context, const char *path);
    /* This rank alone has failed, or another is lost, or the grace is over: must end this process and, by MPI_Abort
     * say, all others; `status` and `message` say why (CEV_E_STOPPED: the grace is over). May be called by another
     * thread. What the job holds outside of the process was given back. NULL: the failure is returned on this rank
     * only, and a loss is not noticed. */
    void (*end_all)(void *context, cev_status status, const char *message);
} cev_job_options;

cev_job_options cev_job_defaults(void);

typedef enum cev_job_outcome {
    CEV_JOB_COMPLETE,
    CEV_JOB_WAS_COMPLETE,   /* before this run: the file was left alone */
    CEV_JOB_SHARD_COMPLETE, /* this shard's part */
    CEV_JOB_STOPPED,        /* the same call goes on */
} cev_job_outcome;

/* Where one map, or one member of a scan of parameters in turn, has its best fit. */
typedef struct cev_job_fit {
    double chi2, at[CEV_MAX_AXES];
    bool at_edge[CEV_MAX_AXES]; /* the best fit is at an end of this axis */
} cev_job_fit;

/* Where figures are drawn: 99 % of two parameters. */
#define CEV_NEAR_DELTA 9.21

/* Of the points of a space's maps, how many are what: flag[k] have the flag 1 << k (cev_point_flag). Of those whose
 * delta_chi2 is below CEV_NEAR_DELTA, how many are proven: known after a run only, 0 of 0 otherwise. */
typedef struct cev_job_flagged {
    uint64_t points, flag[CEV_N_POINT_FLAGS], near, near_proven;
} cev_job_flagged;

/* What the best fit of a scan is to be judged by: all bins, and the parameters that nothing but the bins constrain.
 * Those with a constraint from elsewhere are left out: the constraint is as good as a bin. */
typedef struct cev_degrees {
    size_t n_bin, n_scanned, n_profiled, n_free_pull;
} cev_degrees;

cev_degrees cev_scan_degrees(const cev_scan_config *scan);

/* Rank 0 only, but `outcome`, `stop` and points_failed. */
typedef struct cev_job_result {
    cev_job_outcome outcome;
    cev_stop stop;
    uint64_t points, points_before, points_done, points_failed;
    double seconds;        /* of this session, from the first look at the file on */
    double first_result_s; /* monotonic time of the first finished tile; 0: none */
    size_t n_unit;         /* fits for each grid point */
    cev_study_config *config;
    size_t n_fit;
    cev_job_fit *fit;         /* [n_fit] of the only map of a scan; of a study NULL */
    cev_job_flagged *flagged; /* [spaces of config], of a complete file where some parameter is profiled; else NULL */
    char content_hash[CEV_DIGEST_TEXT_SIZE];
} cev_job_result;

/* Collective. Failures that all ranks know of are returned on all of them; those of one rank end all through
 * end_all(). A file that was begun by the same scan or study is resumed, a finished one left alone, any other refused.
 * CEV_E_INPUT, CEV_E_NUMERIC: nothing was created or changed. */
cev_status cev_job_run(MPI_Comm communicator, const cev_job_options *options, cev_job_result *result);
void cev_job_result_free(cev_job_result *result);

/* What a complete scan's file says of its best fits: config, n_fit and fit of a result, by the ranges in its own
 * configuration. CEV_E_INPUT if that does not fit the file. */

cev_status cev_job_read_results(const cev_map_info *info, cev_job_result *result);

/* --- files that are there --------------------------------------------------------------------------------------- */

typedef enum cev_verdict {
    CEV_TILE_PENDING,    /* not done */
    CEV_TILE_SOUND,      /* has its digest, and is what this program computes where that was looked at */
    CEV_TILE_OTHER_BITS, /* recomputed: not the same bits, but the same chi2 within the accuracy that is promised */
    CEV_TILE_MISCOUNTED, /* has its digest, but its delta_chi2 is not chi2 - chi2_reference */
    CEV_TILE_DAMAGED,    /* does not have its digest */
    CEV_TILE_DIFFERENT,  /* recomputed: another chi2 */
} cev_verdict;

/* Parts of a file that belong to no tile. */
typedef enum cev_job_part {
    CEV_PART_DESCRIPTION,
    CEV_PART_AXES,
    CEV_PART_BEST_FIT,
    CEV_PART_POINTS_FAILED,
    CEV_PART_POINTS_FLAGGED,
    CEV_PART_CONTENT_HASH,
    CEV_N_PARTS
} cev_job_part;

extern const char *const cev_job_part_names[CEV_N_PARTS]; /* "description", "axes", ... */

typedef struct cev_verify_options {
    const char *file;
    bool all;       /* every tile is computed anew; otherwise one in a hundred, at least one */
    size_t n_refit; /* points that are minima over profiled parameters, fitted from a hundred times as many starts */
    bool repair;    /* what differs becomes pending for the next run; not possible for a changed description */
    unsigned long seed; /* of the choice of tiles and points */
} cev_verify_options;

/* A point whose minimum is not the lowest. */
typedef struct cev_lower_point {
    size_t space, map;  /* numbers in the study */
    uint64_t number;    /* of the grid point, in memory order */
    double chi2, lower; /* in the file, NaN if there is none; and what was found */
} cev_lower_point;

typedef struct cev_verify_result {
    cev_study_config *config;
    size_t n_tile, n_done, n_recomputed, n_other_bits, n_bad;
    unsigned char *verdict; /* [n_tile] cev_verdict: of the first space, then of the second, ... */
    bool wrong[CEV_N_PARTS];
    bool same_numerics; /* this program computes what the file's did; otherwise nothing was recomputed */
    bool sound, repaired;
    double worst_chi2; /* largest difference of a recomputed chi2 from the file's */
    size_t n_refitted, n_lower;
    cev_lower_point *lower; /* [n_lower], by map and number */
} cev_verify_result;

/* Collective. chi2 is promised to 1e-8, absolutely or relatively, whichever is larger: recomputed tiles may differ by
 * that, on another processor or with other libraries. options: threads, stop, tell, try_file, end_all are looked at.
 * Results are on rank 0. */
cev_status cev_job_verify(MPI_Comm communicator, const cev_job_options *options, const cev_verify_options *what,
                          cev_verify_result *result);
void cev_verify_result_free(cev_verify_result *result);

typedef struct cev_merge_result {
    cev_study_config *config;
    size_t n_tile, n_missing;
    bool *missing; /* [n_tile] */
    bool complete;
    uint64_t points_failed;
    char content_hash[CEV_DIGEST_TEXT_SIZE];
} cev_merge_result;

/* Joins partial files of one scan or study into options->output, which must not exist, or be what an interrupted call
 * for the same parts has left. Not collective: the caller's communicator has one rank. Tiles that several of them hold
 * must agree to the last bit. Nothing is recomputed. */
cev_status cev_job_merge(const cev_job_options *options, size_t n_file, const char *const *file,
                         cev_merge_result *result);
void cev_merge_result_free(cev_merge_result *result);

/* --- what a job would take -------------------------------------------------------------------------------------- */

typedef struct cev_job_estimate {
    double file_bytes, memory_bytes;    /* of the file; of a rank */
    double fold_s, fit_s, core_seconds; /* on one core: templates, references and points; all of it */
    double points;                      /* of all maps */
    size_t n_unit;                      /* fits for each grid point */
    cev_remarks flat; /* warnings where more is profiled than data can tell; live in the configuration's arena */
} cev_job_estimate;

/* Folds the templates once, looks for one best fit and evaluates a few points to know what they cost here; takes as
 * long as that. Not collective; of the options, `stop` is looked at. */
cev_status cev_job_estimate_cost(const cev_job_options *options, cev_study_config *config, cev_job_estimate *out);

#endif
