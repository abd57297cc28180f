/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map file: a scan's results in HDF5, written by many ranks at once, sound after SIGKILL at any moment.
 *
 * Format version 1.
 *
 *   /                    attributes, all UTF-8 text unless said otherwise:
 *                        format = "cevscan map", format_version (int 1), title, configuration (the resolved scan as
 *                        JSON:
 *                        itself a valid scan file), configuration_hash (SHA-256 of its parts that bear on numbers),
 *                        axes and experiments (comma separated), interaction, data, fixed_parameters (JSON object),
 *                        delta_chi2_from,
 *                        program_version, git_commit, library_versions, processor_level (of the first session:
 *                        "baseline", "avx2" or
 *                        "avx512"; all of them give the same bits, so others may finish the map)
 *                        members (comma separated names; only in a scan of parameters in turn)
 *   /<parameter>         float64 [n], one per axis, a dimension scale; attributes units ("1" if pure), long_name (TeX
 *                       in
 *                        dollar signs), description, scale, linear_threshold (float64, symlog only),
 *                        standard_model (float64)
 *   /chi2                float64 [axes...], profiled chi2; chunk = tile, no filter, NaN where not computed
 *   /delta_chi2          float64 [axes...], chi2 - /progress/chi2_reference
 *   /status              uint8 [axes...], cev_point_status; attributes flag_values, flag_meanings
 *   /pull_<name>         float64 [axes...], best-fit pull (only with `store_pulls`)
 *   /tiles               attribute side (uint64 [axes]): points of a whole tile along each axis
 *   /tiles/done          uint8 [tile], 1 once the tile's data are in the file
 *   /tiles/digest        uint8 [tile, 32], SHA-256 of the tile's chi2, status and pulls, in this order, row-major,
 *                        little-endian, without the padding of tiles at the ends of axes
 *   /progress            scalars that are overwritten while the job runs:
 *                        sessions, ranks, threads (int32, the last session's), complete (uint8), start, end (text,
 *                        UTC,
 *                        ISO 8601; end is that of the last session, "" while the first runs), heartbeat (float64,
 *                        Unix time),
 *                        wall_time_s (float64, sum over sessions), points_failed (uint64), chi2_reference (float64),
 *                        best_fit_chi2 (float64), best_fit (float64 [axes]), content_hash (text, once complete)
 *
 * A scan of several parameters in turn has the axes `parameter`, which counts the root attribute `members`, and
 * `value`. Each member has
 * a best fit of its own: chi2_reference and best_fit_chi2 are float64 [members] then, and best_fit is float64
 * [members, axes].
 *
 * The content hash is the SHA-256 of all tile digests in the order of the tiles. It depends on the configuration and
 * the
 * code, not on ranks, threads, the order of tiles or resumes.
 *
 * How it survives: one rank lays the whole file out as PATH.tmp, reserves its blocks, fills it with NaN, flushes it
 * and
 * renames it. From then on only raw data are overwritten: a tile, its digest, and then its done byte. Metadata never
 * change
 * again, so at any moment the file opens, and every tile with its done byte set is whole. */
#ifndef CEVSCAN_MAP_H
#define CEVSCAN_MAP_H

#include <mpi.h>
#include <stdbool.h>

#include "cevscan/digest.h"
#include "cevscan/grid.h"
#include "cevscan/parameter.h"
#include "cevscan/point_status.h"

enum { CEV_MAP_FORMAT_VERSION = 1, CEV_MAP_TIME_SIZE = 24 };

typedef struct cev_map_text {
    const char *name, *value;
} cev_map_text;

typedef struct cev_map_spec {
    const cev_grid *grid;
    const cev_parameter *const *axis_description; /* [n_axis]: name, unit, label, ... */
    size_t n_pull;                                /* 0 if pulls are not stored */
    const char *const *pull_name;                 /* [n_pull] */
    size_t n_text;
    const cev_map_text *text; /* [n_text] attributes of the root group */
} cev_map_spec;

/* Everything under /progress. */
typedef struct cev_map_progress {
    int sessions, ranks, threads;
    bool complete;
    char start[CEV_MAP_TIME_SIZE], end[CEV_MAP_TIME_SIZE];
    double heartbeat, wall_time_s;
    uint64_t points_failed;
    /* Of each member of the grid: an ordinary grid has one. */
    double chi2_reference[CEV_MAX_MEMBERS], best_fit_chi2[CEV_MAX_MEMBERS];
    double best_fit[CEV_MAX_MEMBERS * CEV_MAX_AXES]; /* [n_member][n_axis] */
    char content_hash[CEV_DIGEST_TEXT_SIZE];
} cev_map_progress;

/* Makes PATH, which must not exist. Not collective: one rank calls it, before the others open the map. On failure
 * nothing is left behind. CEV_E_IO with the system's reason. */
cev_status cev_map_create(const char *path, const cev_map_spec *spec);

/* --- studies: many maps in one file
 * ------------------------------------------------------------------------------------
 *
 *   /                    format = "cevscan study", format_version (int 1), title, configuration, configuration_hash
 *   and what else
 *                        describes the study as a whole
 *   /maps/SPACE/SET      a group for each map, laid out like the root of a map file
 *   /index/name          text [map]: the group's name below /maps
 *   /index/axes, /index/experiments   text [map]: comma separated names
 *   /progress            as in a map, without what belongs to members; content_hash is the SHA-256 of the maps' own,
 *                       in the order of
 *                        the index
 *
 * It survives like a map: laid out as PATH.tmp, flushed, renamed, and only raw data are overwritten from then on. */

typedef struct cev_study_spec {
    size_t n_text;
    const cev_map_text *text; /* [n_text] attributes of the root group */
    size_t n_map;
    const char *const *name;                      /* [n_map] */
    const char *const *axes, *const *experiments; /* [n_map], for the index */
    const cev_grid *const *grid;                  /* [n_map] */
    /* Everything about map m but its pulls, which a study does not store; valid until the next call. */
    cev_status (*describe)(void *context, size_t m, cev_map_spec *out);
    void *context;
} cev_study_spec;

/* As cev_map_create(). */
cev_status cev_study_create(const char *path, const cev_study_spec *spec);

/* What a map says about itself. */
typedef struct cev_map_info {
    cev_arena *arena; /* owns all of this */
    size_t n_text;
    cev_map_text *text; /* root attributes that are text */
    size_t n_axis;
    const char *axis_name[CEV_MAX_AXES];
    size_t axis_points[CEV_MAX_AXES];
    size_t n_tile, n_tile_done;
    unsigned char *done;      /* [n_tile] */
    size_t n_member;          /* of its grid */
    const char **member_name; /* [n_member], NULL in an ordinary map */
    uint64_t n_point;
    uint64_t status_count[CEV_N_POINT_STATUSES +
                          1]; /* points with each cev_point_status; the last: with a byte that is none */
    cev_map_progress progress;
} cev_map_info;

/* Reads a map, also while a job writes it, without MPI. CEV_E_INPUT if there is no such file, or it is no HDF5 file,
 * truncated, no map or of another format version; CEV_E_IO if it cannot be read. HDF5 1.10 itself may crash, loop or
 * ask for all memory on a file whose metadata are damaged; the commands let a process of its own try a map first
 * (src/cli/map_guard.h). */
cev_status cev_map_inspect(const char *path, cev_map_info **out);
void cev_map_info_destroy(cev_map_info **info);

/* Value of a root attribute, NULL if there is none of that name. */
const char *cev_map_info_text(const cev_map_info *info, const char *name);

/* What a study says about itself. */
typedef struct cev_study_info {
    cev_map_info
        *file; /* texts and progress of the whole; its axes, tiles and points are sums over the maps, or empty */
    size_t n_map;
    const char **name;  /* [n_map] */
    cev_map_info **map; /* [n_map] */
} cev_study_info;

/* As cev_map_inspect(); CEV_E_INPUT for a file that is a map. */
cev_status cev_study_inspect(const char *path, cev_study_info **out);
void cev_study_info_destroy(cev_study_info **info);

/* Whether an HDF5 file calls itself a study; false for whatever else it is. */
bool cev_is_study(const char *path);

/* A map open on every rank of a communicator. */
typedef struct cev_map cev_map;

typedef enum cev_map_access { CEV_MAP_READ, CEV_MAP_WRITE } cev_map_access;

/* A study's file, open on every rank: a map without a grid, whose progress is that of the whole. Collective. */
cev_status cev_study_open(const char *path, cev_map_access access, MPI_Comm communicator, cev_map **out);

/* One map of an open study, by its name; collective. The study must outlive it. */
cev_status cev_study_open_map(cev_map *study, const char *name, const cev_grid *grid, cev_map **out);

/* Collective. The grid must be the one that the map was created with, and outlive it; n_pull likewise. CEV_E_INPUT if a
 * dataset has another shape than the grid. */
cev_status cev_map_open(const char *path, cev_map_access access, MPI_Comm communicator, const cev_grid *grid,
                        size_t n_pull, const char *const *pull_name, cev_map **out);

/* Collective: flushes and closes; accepts NULL. */
cev_status cev_map_close(cev_map **map);

/* Results of one tile, arrays [tile->n_point] in the order of cev_tile_point(). */
typedef struct cev_tile_results {
    const double *chi2;
    const unsigned char *status;
    const double *pull; /* [n_pull][n_point], NULL if pulls are not stored */
} cev_tile_results;

/* Not collective. Writes chi2, delta_chi2 = chi2 - reference, status, pulls and the digest, and then the done byte. */
cev_status cev_map_write_tile(cev_map *map, const cev_tile *tile, const cev_tile_results *results, double reference);

/* The same in two steps, between which another thread may work out the digest: everything but the digest and the done
 * byte; and these. */
cev_status cev_map_write_fields(cev_map *map, const cev_tile *tile, const cev_tile_results *results, double reference);
cev_status cev_map_write_done(cev_map *map, const cev_tile *tile, const cev_digest *digest);

/* Not collective: reads a finished tile back: chi2[n_point], status[n_point] and pull[n_pull][n_point]. If `intact` is
 * not NULL, says whether they have the digest that was stored with them, and whether delta_chi2 is chi2 - *reference to
 * the last bit (reference NULL: not looked at). */
cev_status cev_map_read_tile(cev_map *map, const cev_tile *tile, double *chi2, unsigned char *status, double *pull,
                             const double *reference, bool *intact);

/* Digest of results as cev_map_write_tile() would store it. */
cev_status cev_tile_digest(const cev_tile *tile, size_t n_pull, const cev_tile_results *results, cev_digest *out);

/* Not collective: marks a tile as not done, so that a later run computes it anew. */
cev_status cev_map_forget_tile(cev_map *map, const cev_tile *tile);

/* Not collective: writes a finished tile's delta_chi2 anew. */
cev_status cev_map_write_delta(cev_map *map, const cev_tile *tile, const double *chi2, double reference);

/* Not collective: whether the values of axis `a` in the file are those of the grid, to the last bit; and writes them
 * anew. */
cev_status cev_map_check_axis(const cev_map *map, size_t a, bool *intact);
cev_status cev_map_write_axis(cev_map *map, size_t a);

/* Not collective; one rank at a time. Overwrites /progress. */
cev_status cev_map_write_progress(cev_map *map, const cev_map_progress *progress);

/* Not collective: CEV_E_IO if the map's name no longer leads to the file that is open: what is written goes nowhere
 * then. */
cev_status cev_map_check_place(const cev_map *map);

/* Not collective: digest of all tile digests. Every tile must be done. */
cev_status cev_map_content_hash(cev_map *map, char out[CEV_DIGEST_TEXT_SIZE]);

/* "1.10.8": the HDF5 library at run time. */
void cev_map_library_version(char *out, size_t size);

#endif
