/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scan from its configuration to its finished map, on all ranks. */
#ifndef CEVSCAN_CLI_SCAN_RUN_H
#define CEVSCAN_CLI_SCAN_RUN_H

#include <mpi.h>
#include <stdatomic.h>

#include "cevscan/config.h"
#include "cevscan/machine.h"
#include "cevscan/map.h"
#include "cevscan/map_lock.h"
#include "cevscan/model.h"
#include "cevscan/fit_starts.h"
#include "cevscan/schedule.h"
#include "job.h"
#include "progress_line.h"

typedef struct run_options {
    job_options job;
    int shard,
        n_shard; /* of a scan split over independent jobs: tiles with id % n_shard == shard; n_shard is 0 for all */
} run_options;

/* The scratch of one thread. */
typedef struct thread_part {
    cev_model_scratch *scratch;
    cev_lanes *pull;
} thread_part;

/* The lowest grid point of each member, and how many points have no chi2. */
typedef struct scan_lowest {
    double chi2[CEV_MAX_MEMBERS]; /* infinite: none yet */
    uint64_t point[CEV_MAX_MEMBERS];
    uint64_t failed;
} scan_lowest;

/* Nothing seen yet. */
scan_lowest scan_lowest_none(void);

typedef struct scan_run {
    const run_options *options;
    int rank;
    cev_machine machine;
    cev_scan_config *config;
    cev_model *model;
    cev_data data;
    cev_scan_job job;
    cev_fit_starts *starts; /* the job's */
    cev_map *map;
    char *map_path; /* the output, symbolic links followed; known to the other ranks once the map is open */
    size_t n_pull;  /* stored */

    thread_part *part;   /* [threads] */
    double *chi2, *pull; /* results of the tile in work */
    unsigned char *status;
    cev_tile tile;
    cev_schedule *schedule;
    double stop_seen;      /* monotonic seconds; infinite while no stop is under way */
    atomic_bool abandoned; /* the tile in work is given up */

    /* Rank 0 only. */
    bool reread; /* this session did not see all tiles: the lowest chi2 is read from the map */
    cev_map_lock *lock;
    cev_map_info *found; /* the unfinished map that is resumed, or NULL */
    cev_map_progress progress;
    progress_line line;
    double started, recorded; /* monotonic seconds: this session, and the last write of /progress */
    double wall_time_before_s;
    double startup_s;   /* from the start of the process to the first finished tile; 0 before that */
    size_t n_pending;   /* tiles that this session has still to do */
    size_t n_elsewhere; /* tiles that are left to other shards */
    uint64_t points_done, points_before, points_failed;
    scan_lowest lowest; /* of this session's tiles */
} scan_run;

/* Rank 0, before MPI does anything: reads and validates the configuration and looks at the output. *done is set if the
 * map is already complete. */
cev_status scan_run_prepare(scan_run *run, bool *done);

/* On all ranks, once run->config has reached them. */
cev_status scan_run_build(scan_run *run); /* model, data, buffers; fails on all ranks alike, but for want of memory */
cev_status scan_run_find_reference(scan_run *run); /* collective: the best fit; a failure is returned on all ranks */
cev_status scan_run_open_map(
    scan_run *run);                      /* created by rank 0 if it is new; a failure there is returned on all ranks */
cev_status scan_run_work(scan_run *run); /* a failure is returned on one rank only: MPI_Abort must follow */
cev_status scan_run_finish(scan_run *run, run_outcome *outcome); /* best fit, delta_chi2, content hash; the same */
void scan_run_destroy(scan_run *run);

/* Steps that other commands take too: the end of MPI; the configuration out of a map; the map made by rank 0; one tile
 * computed into run->chi2, run->status and run->pull; its digest. */
int scan_run_end_mpi(scan_run *run, int code);
cev_status scan_run_adopt(scan_run *run, const char *path, const cev_map_info *info);
cev_status scan_run_create_map(scan_run *run, const char *path);
void scan_run_compute(scan_run *run, size_t tile);
cev_status scan_run_start_session(scan_run *run);

/* A configuration's grid and parameters with a model and data. */
cev_scan_job scan_job_of(const cev_scan_config *config, cev_model *model, const cev_data *data);

/* Pieces that the end of a run shares with its work: /progress as it is now, what the tile in run->chi2 and
 * run->status holds, and the order in which points are lowest (equal ones by their number, so that ranks agree). */
cev_status scan_run_record(scan_run *run);
void scan_run_report(const scan_run *run, cev_tile_report *report);
void scan_run_note_lowest(const cev_grid *grid, double chi2, uint64_t point, scan_lowest *lowest);
const double *scan_run_reference(const scan_run *run,
                                 const cev_tile *tile); /* that delta_chi2 counts from in this tile */
void scan_run_note_tile(const scan_run *run, scan_lowest *low);

/* Collective. Where a grid point is below the minimum that was found before the scan, what a simplex finds from there
 * takes its place in run->progress; *any says whether that was so of any member. */
cev_status scan_run_take_over(scan_run *run, const scan_lowest *low, bool *any);
bool scan_run_lower(double chi2, uint64_t point, double than, uint64_t than_point);

#endif
