/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of a job, for the files of this room. */
#ifndef CEVSCAN_JOB_PARTS_H
#define CEVSCAN_JOB_PARTS_H

#include <stdatomic.h>

#include "cevscan/best_fits.h"
#include "cevscan/combination.h"
#include "cevscan/job.h"
#include "cevscan/map.h"
#include "cevscan/map_lock.h"
#include "cevscan/watch.h"

/* Units of experiments under one roster, which the spaces that have it share. */
typedef struct job_units {
    const cev_scan_config *scan; /* of the first of them; the units are folded with its theta at first */
    cev_units *units;
    cev_units_scratch **scratch; /* [threads] */
    size_t n_pull;               /* stored, of all maps */
    const char **pull_name;
} job_units;

/* What is known of the maps over one grid. */
typedef struct job_space {
    const cev_scan_config *scan; /* with all experiments of the study */
    const job_units *units;
    size_t n_map, n_member, n_fit, first_map; /* fit number map * n_member + member */
    size_t first_item;                        /* items first_item .. first_item + grid.n_tile - 1 are its tiles */
    cev_combination *combination;
    cev_map_results results;
    double *lowest;                 /* [n_fit], rank 0: of all tiles; infinite: none yet */
    uint64_t *lowest_point;         /* [n_fit] */
    uint64_t n_near, n_near_proven; /* rank 0: of all tiles and maps */
} job_space;

/* What a rank reports of one map's part of a tile. */
typedef struct job_note {
    cev_digest digest;
    double lowest; /* chi2, infinite if no point has one */
    uint64_t lowest_point, n_failed, n_flag[CEV_N_POINT_FLAGS];
    uint64_t n_near, n_near_proven; /* with delta_chi2 below CEV_NEAR_DELTA */
} job_note;

/* What a tile in work holds: [n_map][n_point] each, as the file takes them. */
typedef struct job_buffer {
    cev_tile_results results;
    double *delta_chi2;
    cev_digest *digest; /* [n_map] */
} job_buffer;

typedef struct job {
    const cev_job_options *options;
    MPI_Comm communicator;
    int rank;
    cev_machine machine;
    cev_watch *watch;
    _Atomic cev_job_stage stage;
    cev_arena *arena;

    cev_study_config *config;
    char *path; /* of the output, symbolic links followed */
    size_t n_units;
    job_units *units; /* [n_units] */
    size_t n_space;
    job_space *space;         /* [n_space] */
    size_t n_item, most_maps; /* tiles of all spaces; maps of a space */
    cev_map_spec spec;
    cev_map *map;

    /* The tile in work. */
    job_buffer buffer, second; /* `second` is for comparisons only */
    double *reference;         /* [most_maps] */
    const job_space *at;
    cev_tile tile;
    cev_schedule *schedule;
    atomic_bool abandoned;
    bool broken; /* this rank alone has failed: nothing collective may follow */

    /* Rank 0 only. */
    _Atomic(cev_map_lock *) lock;
    atomic_bool laying_out; /* PATH.tmp is there */
    cev_map_info *found;    /* the unfinished file that is resumed, or NULL */
    cev_map_progress progress;
    double started, recorded, wall_time_before_s, first_result_s; /* monotonic seconds */
    bool *done;                                                   /* [n_item] */
    size_t n_done, n_elsewhere;                                   /* items; left to other shards */
    uint64_t points, points_before, points_done, points_failed;
} job;

/* --- job_ranks.c: what all ranks agree on ----------------------------------------------------------------------- */

/* This rank alone has failed: gives back what the job holds outside of the process and calls end_all(). */
cev_status job_alone(job *j, cev_status status);

/* The lock, and a layout that nobody finishes. Whichever thread comes first does it. */
void job_give_back(job *j);

/* Rank 0's outcome, message included, on every rank, whatever their own was. */
cev_status job_agree_with_rank_0(job *j, cev_status status);

/* What MPI answers: a failure is one of this rank alone. */
cev_status job_mpi(job *j, int code);

/* Rank 0's data for everybody. */
cev_status job_share(job *j, void *data, size_t size);

/* Rank 0's text for everybody; the others free theirs. */
cev_status job_share_text(job *j, char **text);

/* Collective: all ranks are one program, do the same thing ("run"), and have the same libraries; and their templates
 * have the same bits. */
cev_status job_agree_on_program(job *j, const char *what);
cev_status job_agree_on_templates(job *j);

/* Whether this rank knows that somebody wants to stop; as CEV_E_STOPPED. */
bool job_is_stopping(void *j);
cev_status job_look_for_stop(const job *j);

/* Watches over the ranks, and over the grace. */
cev_status job_start_watch(job *j);

/* A pool of items, each worked off by some rank; `take` on rank 0. CEV_E_STOPPED on all ranks unless all were. */
typedef struct job_pool {
    void *context;
    size_t n; /* rank 0 */
    const uint32_t *item;
    cev_status (*work)(void *context, cev_schedule *schedule, size_t item, void *report);
    cev_status (*take)(void *context, size_t item, const void *report);
    size_t report_size;
} job_pool;

cev_status job_run_pool(job *j, const job_pool *pool);

/* Polls the schedule; gives the item in work up when half of the grace is over. For cev_threads_loop(). */
void job_poll(void *j);

/* Says something to the user; rank 0. */
void job_tell(const job *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Monotonic. */
double job_now_s(void);

/* --- job.c ------------------------------------------------------------------------------------------------------ */

/* Collective: the watch and the arena; and their end, with everything that the job holds. */
cev_status job_begin(job *j);
void job_end(job *j);

/* --- job_items.c: which is which -------------------------------------------------------------------------------- */

/* The space and the tile of an item; the number of the fit that a map's part of a tile belongs to; the set of units of
 * a map of a space. */
const job_space *job_space_of(const job *j, size_t item);
cev_tile job_tile_of(const job *j, size_t item);
size_t job_fit_of(const job_space *s, size_t map, const cev_tile *tile);
const char *job_map_name(const job *j, const job_space *s, size_t map);

/* For messages: the map, or the member, that a fit belongs to. */
const char *job_fit_name(const job *j, const job_space *s, size_t fit);

/* References of the maps of a space in a tile, [n_map]; until the next call. */
const double *job_references(job *j, const job_space *s, const cev_tile *tile);

/* Whether templates are folded anew from tile to tile of a space. */
bool job_is_slow(const job_space *s);

/* Whether this job works on an item, and does not leave it to another shard. */
bool job_is_of_this_shard(const job *j, size_t item);

/* The spec of the file, without texts and index, which only its maker needs. */
cev_status job_describe(job *j);

/* --- job_units.c: units of experiments -------------------------------------------------------------------------- */

/* Those of a space's roster; made, if no space before has the same. */
cev_status job_units_for(job *j, const cev_scan_config *scan, job_units **out);
void job_units_destroy(job *j);

/* Of all: their number; and a digest of their templates as they are folded now. */
size_t job_units_n(const job *j);
cev_status job_units_digest(const job *j, cev_digest *out);

/* --- job_build.c: models and buffers ---------------------------------------------------------------------------- */

cev_status job_build(job *j);
void job_destroy(job *j);

/* A second buffer, for what is computed anew. */
cev_status job_build_second(job *j);

/* --- job_best_fits.c -------------------------------------------------------------------------------------------- */

/* Collective: results of all spaces get what delta_chi2 counts from, on all ranks. */
cev_status job_find_best_fits(job *j);

/* Rank 0's references for everybody. */
cev_status job_share_references(job *j);

/* --- job_prepare.c, job_file.c, job_texts.c: the file ----------------------------------------------------------- */

/* Rank 0: reads the configuration, looks at the output and takes its lock. *done: it was complete before. */
cev_status job_prepare(job *j, bool *done);

/* Reads what is at `path`, after a process of its own has tried it. */
cev_status job_inspect(const job *j, const char *path, cev_map_info **out);

/* The configuration in a file. */
cev_status job_adopt(job *j, const char *path, const cev_map_info *info);

/* The first of the texts that follow from the configuration which is not what it would be today; NULL: none. */
cev_status job_changed_text(const job *j, const cev_map_info *info, const char **name);

/* Attributes of the root group, into *text; `derived` of them follow from the configuration alone and come first. */
cev_status job_texts(const job *j, size_t *n, size_t *derived, const cev_map_text **text);
cev_status job_columns(const job *j, size_t *n, const cev_map_column **column);
/* Names of the study's factors, comma-separated; NULL for a scan. */
cev_status job_factors_text(const job *j, const char **factors);

/* "cevscan 1.0 (commit); HDF5 1.10.8; ...": the same on ranks that may work together. */
cev_status job_program_text(cev_arena *arena, const char **out);
cev_status job_library_versions(cev_arena *arena, const char **out);

/* Collective: PATH.tmp, filled with NaN or not; and its renaming. Rank 0: sessions. */
cev_status job_lay_out(job *j, bool fill_it);
cev_status job_publish(job *j);
cev_status job_begin_session(job *j);
cev_status job_end_session(job *j);

/* Rank 0: /progress as it is now, if a second has passed, or now. CEV_E_IO if the file is no longer ours. */
cev_status job_record(job *j, bool now);

/* Collective: an orderly end before the work is done. */
cev_status job_suspend(job *j);

/* --- job_tiles.c: tiles ----------------------------------------------------------------------------------------- */

/* Computes an item into a buffer with all threads. CEV_E_STOPPED if it was given up. */
cev_status job_compute(job *j, cev_schedule *schedule, size_t item, job_buffer *to);

/* What a buffer holds of the tile that is open: the note of one map. */
cev_status job_note_map(const job *j, const job_buffer *b, size_t map, job_note *note);

/* Rank 0: keeps what is lowest. */
void job_take_notes(job *j, size_t item, const job_note *note);

/* Collective: all tiles that are not done. */
cev_status job_compute_tiles(job *j);

/* --- job_look.c: tiles that are there --------------------------------------------------------------------------- */

typedef struct job_look {
    uint64_t verdict;  /* cev_verdict */
    double difference; /* of the recomputed chi2, the largest of the tile; in units of what is promised */
    double worst_chi2; /* the same, plain */
    job_note note[];   /* [maps] of what is in the file */
} job_look;

size_t job_look_size(const job *j);

/* Reads an item and compares it with its digests and references, and with a new computation. */
cev_status job_look_at(job *j, cev_schedule *schedule, size_t item, bool recompute, job_look *out);

/* Whether delta_chi2 of the tile that was looked at is chi2 - chi2_reference, to the last bit. */
bool job_has_its_references(job *j);

/* Room for delta_chi2. */
cev_status job_allocate_looks(job *j);

/* Collective: reads every done item of a file that is resumed; damaged ones become pending. */
cev_status job_revisit(job *j);

/* --- job_refit.c, job_flat.c: minima over profiled parameters --------------------------------------------------- */

/* Collective: n points of the file that is open are fitted from many starts; those with lower minima into *result. */
cev_status job_refit(job *j, size_t n, unsigned long seed, cev_verify_result *result);

/* Warnings where more is profiled than data can tell, in the job's arena. Folds the units. */
cev_status job_look_for_flat(const job *j, cev_remarks *out);

/* --- job_finish.c ----------------------------------------------------------------------------------------------- */

/* Collective: takes lower minima over, and completes the file. */
cev_status job_finish(job *j);

/* Content hashes of a space's maps as its digests give them, [n_map]; and of the whole file. */
cev_status job_hash_space(const job *j, size_t space, char (*hash)[CEV_DIGEST_TEXT_SIZE]);
cev_status job_hash_file(const job *j, char out[CEV_DIGEST_TEXT_SIZE]);

/* Where a best fit of a space lies. */
cev_job_fit job_fit(const job_space *s, size_t fit);

#endif
