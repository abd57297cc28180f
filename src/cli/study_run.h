/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A study from its configuration to its finished file, on all ranks. The tiles of all planes and profiles are one pool
 * of items; an item is one tile of one space, evaluated once for each unit of experiments and written to the maps of
 * all sets. */
#ifndef CEVSCAN_CLI_STUDY_RUN_H
#define CEVSCAN_CLI_STUDY_RUN_H

#include <mpi.h>
#include <stdatomic.h>

#include "cevscan/combination.h"
#include "cevscan/map.h"
#include "cevscan/study.h"
#include "job.h"
#include "progress_line.h"
#include "scan_run.h"

/* What is known of one map. */
typedef struct study_map {
    cev_map *file;
    double reference;        /* that its delta_chi2 counts from */
    double at[CEV_MAX_AXES]; /* the best fit */
    double lowest;           /* of the tiles that this rank has seen, infinite: none */
    uint64_t lowest_point, n_failed;
} study_map;

typedef struct study_run {
    const job_options *options;
    int rank;
    cev_machine machine;
    cev_study_config *config;
    cev_units *units;            /* of all sets at all exposures: set number exposure * n_set + set */
    cev_combination **space;     /* [n_space] */
    cev_units_scratch **scratch; /* [threads] */
    char *path;                  /* symbolic links followed */
    cev_map *file;
    study_map *map;     /* [n_map] */
    size_t *first_item; /* [n_space + 1] */
    double *chi2;       /* of one map in the tile in work */
    unsigned char *status;
    cev_combination *open; /* of the tile in work */
    cev_schedule *schedule;
    double stop_seen;      /* monotonic seconds; infinite while no stop is under way */
    atomic_bool abandoned; /* the tile in work is given up */
    bool *seen;            /* [items] that this session works on, known to all ranks */

    /* Rank 0 only. */
    cev_map_lock *lock;
    cev_study_info *found;     /* the unfinished study that is resumed, or NULL */
    cev_map_progress progress; /* of the whole */
    progress_line line;
    double started, recorded, wall_time_before_s;
    size_t n_pending;
    uint64_t points_done, points_before, points_failed;
} study_run;

/* Rank 0, before MPI does anything; *done is set if the study is already complete. */
cev_status study_run_prepare(study_run *run, bool *done);

/* On all ranks, once run->config has reached them. */
cev_status study_run_build(study_run *run);
cev_status study_run_find_references(study_run *run); /* collective; a failure is returned on all ranks */
cev_status study_run_open(study_run *run);            /* collective; MPI_Abort must follow a failure here and below */
cev_status study_run_work(study_run *run);
cev_status study_run_finish(study_run *run, run_outcome *outcome);
void study_run_destroy(study_run *run);

/* Computes an item with all threads: run->open holds the chi2 of all sets in the tile that is returned. */
cev_tile study_run_evaluate(study_run *run, size_t item, size_t *space);

/* Pieces shared by the files of a run. */
cev_tile study_run_tile(const study_run *run, size_t item, size_t *space);
const cev_grid *study_run_grid(const study_run *run, size_t map);
void study_run_note(study_run *run, size_t map, const cev_tile *tile); /* what run->chi2 and run->status hold */
cev_status study_run_record(study_run *run);

#endif
