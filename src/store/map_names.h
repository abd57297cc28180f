/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, shapes and small tables of the file's format, which layout, writer and reader share. */
#ifndef CEVSCAN_STORE_MAP_NAMES_H
#define CEVSCAN_STORE_MAP_NAMES_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "cevscan/map.h"

#define MAP_FORMAT "cevscan map"
#define STUDY_FORMAT "cevscan study"
#define MAP_DESCRIPTION_HASH "description_hash"
#define MAP_SPACES "spaces"
#define MAP_INDEX "index"
#define MAP_NAMES_AXIS "map"
#define MAP_AXES "axes"
#define MAP_MEMBERS "members"
#define MAP_CHI2 "chi2"
#define MAP_DELTA "delta_chi2"
#define MAP_STATUS "status"
#define MAP_PULL_PREFIX "pull_"
#define MAP_FLAGS "flags"
#define MAP_MINIMISED_OVER "minimised_over"
#define MAP_LOWER_BOUNDS "lower_bounds"
#define MAP_UPPER_BOUNDS "upper_bounds"
#define MAP_PROFILED_PREFIX "profiled_"
#define MAP_TILES "tiles"
#define MAP_SIDE "side"
#define MAP_DONE "tiles/done"
#define MAP_DIGEST "tiles/digest"
#define MAP_TILE_AXIS "tile"
#define MAP_BYTE_AXIS "byte"
#define MAP_RESULTS "results"
#define MAP_AXIS_AXIS "axis"
#define MAP_PROGRESS "progress"

/* map, and the axes */
enum { MAP_MAX_RANK = CEV_MAX_AXES + 1, MAP_RESULT_RANK = 3, MAP_PATH_SIZE = 1024, MAP_MAX_PROFILED = 64 };

/* Links and attributes that stand in an object's header: few reads, with a checksum. */
enum { MAP_MOST_COMPACT = 512 };

typedef enum record_type { RECORD_INT, RECORD_BOOL, RECORD_COUNT, RECORD_REAL, RECORD_TEXT } record_type;

/* What a record of `results` has a value for; RECORD_OF_FLAGS: a map with flags. */
typedef enum record_of { RECORD_OF_MAP, RECORD_OF_FLAGS, RECORD_OF_FIT, RECORD_OF_FIT_AND_AXIS } record_of;

/* One dataset of /progress, with the place of its value in cev_map_progress; or of a space's results, with the place of
 * the pointer to its values in cev_map_results. */
typedef struct record {
    const char *name;
    record_type type;
    record_of of;
    size_t offset, size; /* size: of one value, in bytes */
} record;

enum { N_PROGRESS_RECORDS = 11, N_RESULT_RECORDS = 8 };
extern const record cev_map_progress_records[N_PROGRESS_RECORDS];
extern const record cev_map_result_records[N_RESULT_RECORDS];

/* Whether a space has a record: some are there only where it has flags. */
bool cev_map_has_record(const record *r, bool has_flags);

/* The HDF5 type of a record in the file and in memory (the same); owned by the caller. */
hid_t cev_map_record_type(const record *r);

/* Sizes of what a result has a value for. n_map is 0 where the space is the root group, which has no dimension for
 * maps. Number of dimensions, and their sizes. */
int cev_map_result_shape(const record *r, size_t n_map, size_t n_member, size_t n_axis, hsize_t size[MAP_RESULT_RANK]);

/* Dimensions of the fields of a space (chi2 and the like), and of their chunks; returns their number. */
int cev_map_field_shape(const cev_map_space *space, hsize_t size[MAP_MAX_RANK], hsize_t chunk[MAP_MAX_RANK]);

/* Dimensions of tiles/digest. */
int cev_map_digest_shape(const cev_map_space *space, hsize_t size[3]);

/* Path of `name` in the file; `space` is the space's name. */
void cev_map_path(const char *space, const char *name, char out[MAP_PATH_SIZE]);

/* Name of the dataset of a profiled parameter, in its group. */
void cev_map_profiled_name(const cev_map_profiled *profiled, char out[MAP_PATH_SIZE]);

/* Text of `size` bytes at most, in a cell that is filled up with zeros; the HDF5 type is the caller's. */
hid_t cev_map_text_type(size_t size);

#endif
