/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map file: what a job finds, in HDF5, written by many ranks at once, sound after SIGKILL at any moment.
 *
 * Format version 2. A file holds the maps of one job: of a scan, which is one map, or of a study, which is many. Maps
 * over the same grid lie together in a space. That of a scan is the root group, those of a study are /spaces/NAME;
 * where the table says [map,] the dimension is there in studies only.
 *
 *   /             attributes, UTF-8 text unless said otherwise:
 *                 format           "cevscan map" or "cevscan study"
 *                 format_version   int, 2
 *                 title, configuration (the resolved file as JSON, itself a valid scan or study file),
 *                 configuration_hash (SHA-256 of what bears on numbers in it), interaction, data, experiments, ...
 *                 program_version, git_commit, library_versions, processor_level (of the first session)
 *                 members          comma separated names; only in a scan of parameters in turn
 *                 axes             comma separated names, in the order of the dimensions; an attribute of each space
 *                 description_hash SHA-256 of everything that says what the file is about, see below
 *   <parameter>   float64 [n], one per axis, a dimension scale; attributes units ("1" if pure), long_name (TeX in
 *                 dollar signs), description, scale, linear_threshold (float64, symlog only), standard_model (float64)
 *   map           text [map], a dimension scale: the names of the space's maps, attribute _Encoding = "utf-8"; studies
 *                 only
 *   chi2          float64 [map, axes...], profiled chi2; no filter; a chunk is a tile of all maps; NaN where not
 *                 computed
 *   delta_chi2    float64 [map, axes...], chi2 - chi2_reference
 *   status        uint8 [map, axes...], cev_point_status; attributes flag_values, flag_meanings
 *   pull_<name>   float64 [map, axes...], best-fit pull; NaN in maps without it; only with `store_pulls`
 *   flags         uint8 [map, axes...], sum of cev_point_flag; only where the scan profiles parameters; attributes
 *                 flag_masks, flag_meanings, minimised_over (comma separated names of these parameters), lower_bounds,
 *                 upper_bounds (float64 [of them])
 *   profiled_<name>
 *                 float64 [map, axes...], value of a profiled parameter at the minimum, NaN where there is none;
 *                 attributes units, long_name, description, standard_model as of an axis, and bounds (float64 [2]),
 *                 between which it was minimised; only with `store_profiled`
 *   tiles         group; attribute side (uint64 [axes]): points of a whole tile along each axis
 *   tiles/done    uint8 [tile], 1 once the tile of all maps is in the file
 *   tiles/digest  uint8 [tile, map, 32], SHA-256 of one map's chi2, status and its own pulls in a tile, and then of
 *                 its flags and profiled values where there are some, row-major, little-endian, without the padding of
 *                 tiles at the ends of axes
 *   tiles/tile, tiles/byte, results/axis
 *                 uint8 [tile], [32], [axes]: names of dimensions only, as netCDF-4 marks them; no values. Files of
 *                 earlier versions of the program have none of them, and no scales on the datasets of tiles, results
 *                 and /index
 *   results       group, what is known of each map once the job is complete:
 *                 chi2_reference, best_fit_chi2 (float64 [map]), best_fit (float64 [map, axes]),
 *                 points_failed (uint64 [map]), content_hash (text [map]); where there are flags points_proven,
 *                 points_at_bound, points_flat (uint64 [map]), too
 *   /index        of a study, in the order of the maps (all of the first space, then of the second, ...): text [map]
 *                 each: name (SPACE/MAP; `cevscan check FILE --map NAME` spells out the scan that the map is), axes,
 *                 experiments (comma separated), title, exposure_factor
 *   /progress     scalars that are overwritten while the job runs: sessions, ranks, threads (int32, the last
 *                 session's), complete (uint8), start, end (text, UTC, ISO 8601; end is that of the last session, ""
 *                 while the first runs), heartbeat (float64, Unix time), wall_time_s (float64, sum over sessions),
 *                 points_failed (uint64), content_hash, results_hash (text, once complete)
 *
 * A grid of several parameters in turn has the axes `parameter`, which counts the attribute `members` (of the root, or
 * of the space's group), and `value`. Each member has best fits of its own: its results are [map, member] in place of
 * [map,], but for numbers of points and content_hash, which are those of the map.
 *
 * The content hash of a map is the SHA-256 of its tile digests in the order of the tiles; that of a scan's file is the
 * same, that of a study's file the SHA-256 of the texts of its maps' hashes, one after the other, in the order of the
 * index. They depend on the configuration and the code, not on ranks, threads, the order of tiles or resumes.
 *
 * The description hash covers the root group, /index, and each space in the order of the names: the path of each
 * object, its attributes by name (those of HDF5's dimension scales and description_hash itself left out), the kinds and
 * shapes of datasets, and the values of axes, map names and index columns; neither /progress nor results.
 * src/store/map_description.c is its definition; the Python reader has another.
 *
 * How it survives: PATH.tmp is laid out by rank 0 and filled with NaN by all ranks, flushed, and renamed. From then on
 * only raw data are overwritten: a tile by whoever computed it, and then, by rank 0 alone, its digests and its done
 * byte. Metadata never change again, so at any moment the file opens, and every tile with its done byte set is whole.
 * The file of a shard has the tiles of other shards as holes, which read as zeros: status 0, "pending", tells.
 *
 * While a job writes it, rank 0 holds a shared flock() on the file where the file system has such locks: programs that
 * open it for writing through HDF5 are refused by that, readers are not. */
#ifndef CEVSCAN_MAP_H
#define CEVSCAN_MAP_H

#include <mpi.h>
#include <stdbool.h>

#include "cevscan/digest.h"
#include "cevscan/grid.h"
#include "cevscan/parameter.h"
#include "cevscan/point_status.h"

enum { CEV_MAP_FORMAT_VERSION = 2, CEV_MAP_TIME_SIZE = 24 };

/* --- what is laid out ------------------------------------------------------------------------------------------- */

typedef struct cev_map_text {
    const char *name, *value;
} cev_map_text;

/* A parameter that chi2 is minimised over at each point. */
typedef struct cev_map_profiled {
    const cev_parameter *parameter;
    double low, high; /* it was minimised in between */
} cev_map_profiled;

/* Maps over one grid. */
typedef struct cev_map_space {
    const char *name; /* of its group below /spaces; NULL: the root group, with one map and no dimension for it */
    const cev_grid *grid;
    const cev_parameter *const *axis_description; /* [n_axis]: name, unit, label, ... */
    size_t n_map;
    const char *const *map_name;      /* [n_map], NULL where name is */
    size_t n_pull;                    /* of all maps of the space; 0 if pulls are not stored */
    const char *const *pull_name;     /* [n_pull] */
    size_t n_profiled;                /* where there are some, points have flags */
    const cev_map_profiled *profiled; /* [n_profiled] */
    size_t n_stored;                  /* of them, those whose values are stored: the first, n_profiled or none */
} cev_map_space;

/* A column of /index. */
typedef struct cev_map_column {
    const char *name;
    const char *long_name;   /* its attribute; NULL: none */
    const char *const *text; /* [maps of all spaces] */
} cev_map_column;

typedef struct cev_map_spec {
    size_t n_text;
    const cev_map_text *text; /* [n_text] attributes of the root group, format and its version left out */
    size_t n_space;
    const cev_map_space *space; /* [n_space] */
    size_t n_column;
    const cev_map_column *column; /* [n_column]; none in a scan */
    const char *factors;          /* attribute of /index: columns that vary, comma-separated; NULL: none */
} cev_map_spec;

/* Makes PATH.tmp with everything but raw data. Not collective: rank 0 calls it, before the others open it. An older
 * PATH.tmp is removed first. `reserve`: its blocks on the disk are reserved, so that a full disk shows now. On failure
 * nothing is left behind. CEV_E_IO with the system's reason. */
cev_status cev_map_create(const char *path, const cev_map_spec *spec, bool reserve);

/* --- a file that is open on every rank of a communicator -------------------------------------------------------- */

typedef struct cev_map cev_map;

typedef enum cev_map_access {
    CEV_MAP_READ,
    CEV_MAP_WRITE,
    CEV_MAP_LAY_OUT, /* writes PATH.tmp, until cev_map_publish() */
} cev_map_access;

/* Collective. The spec must be that which the file was created with, and outlive it (texts and index are not looked
 * at). Datasets are opened and their shapes are checked when they are used first; CEV_E_INPUT then for one that is
 * missing or has another shape. CEV_E_INPUT if another program has the file open for writing. */
cev_status cev_map_open(const char *path, cev_map_access access, MPI_Comm communicator, const cev_map_spec *spec,
                        cev_map **out);

/* Collective: flushes and closes; accepts NULL. A file that was not published stays PATH.tmp: the caller removes it.
 * After CEV_E_IO, of this or of cev_map_create(), HDF5 1.10 tries once more at the end of MPI and may crash there: end
 * the process without MPI_Finalize() then. */
cev_status cev_map_close(cev_map **map);

/* Collective: every tile was filled; PATH.tmp is flushed to the disk and becomes PATH. */
cev_status cev_map_publish(cev_map *map);

/* Collective: what was written so far is on the disk; CEV_E_IO if the system could not keep it. */
cev_status cev_map_flush(cev_map *map);

/* Not collective: NaN everywhere in a tile of a space, status "pending". */
cev_status cev_map_fill_tile(cev_map *map, size_t space, const cev_tile *tile);

/* Results of one tile in all maps of a space; points in the order of cev_tile_point(). */
typedef struct cev_tile_results {
    double *chi2;          /* [n_map][n_point] */
    unsigned char *status; /* [n_map][n_point] */
    double *pull;          /* [n_pull][n_map][n_point], NULL if pulls are not stored */
    unsigned char *flags;  /* [n_map][n_point], NULL if there are none */
    double *profiled;      /* [n_profiled][n_map][n_point], NULL if they are not stored */
} cev_tile_results;

/* One map's part of a tile. */
typedef struct cev_tile_part {
    const double *chi2;          /* [n_point] */
    const unsigned char *status; /* [n_point] */
    size_t n_pull;
    const double *const *pull;  /* [n_pull][n_point], its own */
    const unsigned char *flags; /* [n_point], or NULL */
    size_t n_profiled;
    const double *const *profiled; /* [n_profiled][n_point] */
} cev_tile_part;

/* Digest of a part, in the order of its fields. */
cev_status cev_tile_digest(const cev_tile *tile, const cev_tile_part *part, cev_digest *out);

/* Not collective. Writes all results, and delta_chi2 = chi2 - reference[n_map]. */
cev_status cev_map_write_tile(cev_map *map, size_t space, const cev_tile *tile, const cev_tile_results *results,
                              const double *reference);

/* Not collective, rank 0 only: digest[n_map], and then the done byte. */
cev_status cev_map_mark_tile(cev_map *map, size_t space, size_t tile, const cev_digest *digest);

/* Not collective, rank 0 only: the tile is not done, a later run computes it anew. */
cev_status cev_map_forget_tile(cev_map *map, size_t space, size_t tile);

/* Not collective: reads a tile back; delta_chi2[n_map][n_point] and digest[n_map] may be NULL. */
cev_status cev_map_read_tile(cev_map *map, size_t space, const cev_tile *tile, cev_tile_results *results,
                             double *delta_chi2, cev_digest *digest);

/* Not collective: writes a tile's delta_chi2 anew, chi2[n_map][n_point]. */
cev_status cev_map_write_delta(cev_map *map, size_t space, const cev_tile *tile, const double *chi2,
                               const double *reference);

/* Not collective: all digests of a space, [n_tile][n_map]. */
cev_status cev_map_read_digests(cev_map *map, size_t space, cev_digest *out);

/* Not collective: whether the values of axis `a` in the file are those of the grid, to the last bit; and writes them
 * anew. */
cev_status cev_map_check_axis(cev_map *map, size_t space, size_t a, bool *intact);
cev_status cev_map_write_axis(cev_map *map, size_t space, size_t a);

/* Everything under /progress. */
typedef struct cev_map_progress {
    int sessions, ranks, threads;
    bool complete;
    char start[CEV_MAP_TIME_SIZE], end[CEV_MAP_TIME_SIZE];
    double heartbeat, wall_time_s;
    uint64_t points_failed;
    char content_hash[CEV_DIGEST_TEXT_SIZE];
    char results_hash[CEV_DIGEST_TEXT_SIZE]; /* cev_map_hash_results() of a complete file, "" before */
} cev_map_progress;

/* What stands under `results` of a space. A fit belongs to a map, or to a member of the grid where it has several:
 * n_fit is n_map or n_member. */
typedef struct cev_map_results {
    double *chi2_reference, *best_fit_chi2;                  /* [n_fit] */
    double *best_fit;                                        /* [n_fit][n_axis] */
    uint64_t *points_failed;                                 /* [n_map] */
    uint64_t *points_proven, *points_at_bound, *points_flat; /* [n_map]; NULL where there are no flags */
    char (*content_hash)[CEV_DIGEST_TEXT_SIZE];              /* [n_map] */
} cev_map_results;

/* SHA-256 of what stands under `results` of all spaces, but for content hashes: of each space in turn the little-endian
 * bytes of chi2_reference, best_fit_chi2, best_fit and points_failed, and of the other numbers of points, where there
 * are some. */
typedef struct cev_map_results_of_space {
    size_t n_fit, n_axis, n_map;
    const cev_map_results *results;
} cev_map_results_of_space;

cev_status cev_map_hash_results(size_t n_space, const cev_map_results_of_space *space, char out[CEV_DIGEST_TEXT_SIZE]);

/* Number of fits of a space. */
size_t cev_map_n_fit(const cev_map_space *space);

/* Not collective, rank 0 only: overwrite /progress; the results of a space. */
cev_status cev_map_write_progress(cev_map *map, const cev_map_progress *progress);
cev_status cev_map_write_results(cev_map *map, size_t space, const cev_map_results *results);

/* Not collective: CEV_E_IO if the map's name no longer leads to the file that is open: what is written goes nowhere
 * then. */
cev_status cev_map_check_place(const cev_map *map);

/* --- what a file says about itself ------------------------------------------------------------------------------ */

typedef struct cev_space_info {
    const char *name; /* NULL: the root group */
    size_t n_axis;
    const char *axis_name[CEV_MAX_AXES];
    size_t axis_points[CEV_MAX_AXES];
    size_t n_map;
    const char **map_name;    /* [n_map], NULL at the root */
    size_t n_member;          /* of its grid */
    const char **member_name; /* [n_member], NULL in an ordinary grid */
    size_t n_tile, n_tile_done;
    unsigned char *done;                                /* [n_tile] */
    uint64_t n_point;                                   /* of one map */
    uint64_t (*status_count)[CEV_N_POINT_STATUSES + 1]; /* [n_map]; the last: with a byte that is no status */
    bool has_flags;
    size_t n_profiled; /* as the flags say; 0 if they do not say it */
    const char **profiled_name;
    double *profiled_low, *profiled_high;      /* [n_profiled] bounds */
    uint64_t (*flag_count)[CEV_N_POINT_FLAGS]; /* [n_map], NULL without flags */
    size_t n_fit;
    cev_map_results results;
} cev_space_info;

typedef struct cev_map_info {
    cev_arena *arena; /* owns all of this */
    bool is_study;
    size_t n_text;
    cev_map_text *text;      /* root attributes that are text */
    bool description_intact; /* the description has its hash */
    bool results_intact;     /* the results of a complete file have their hash */
    size_t n_space;
    cev_space_info *space;             /* [n_space] */
    size_t n_map, n_tile, n_tile_done; /* of all spaces */
    uint64_t n_point;                  /* of all maps */
    uint64_t status_count[CEV_N_POINT_STATUSES + 1];
    cev_map_progress progress;
} cev_map_info;

/* Reads a file, also while a job writes it, without MPI. CEV_E_INPUT if there is no such file, or it is no regular
 * file, no HDF5 file, truncated, no map or of another format version; CEV_E_IO if the system cannot read it, whatever
 * HDF5 makes of that. HDF5 1.10 itself may crash, loop or ask for all memory on a file whose metadata are damaged; the
 * commands let a process of its own try a file first. */
cev_status cev_map_inspect(const char *path, cev_map_info **out);
void cev_map_info_destroy(cev_map_info **info);

/* Opens every dataset of a file, and closes it again: what HDF5 does not stand then, it will not stand later. For a
 * process that may die. CEV_E_INPUT if one cannot be opened. */
cev_status cev_map_try(const char *path);

/* Value of a root attribute, NULL if there is none of that name. */
const char *cev_map_info_text(const cev_map_info *info, const char *name);

/* "1.10.8": the HDF5 library at run time. */
void cev_map_library_version(char *out, size_t size);

#endif
