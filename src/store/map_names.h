/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names in the map file, and the table of /progress that layout, writer and reader share. */
#ifndef CEVSCAN_STORE_MAP_NAMES_H
#define CEVSCAN_STORE_MAP_NAMES_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "cevscan/map.h"

#define MAP_FORMAT "cevscan map"
#define STUDY_FORMAT "cevscan study"
#define STUDY_MAPS "maps"
#define STUDY_INDEX "index"
#define MAP_CHI2 "chi2"
#define MAP_DELTA "delta_chi2"
#define MAP_STATUS "status"
#define MAP_PULL_PREFIX "pull_"
#define MAP_TILES "tiles"
#define MAP_DONE "tiles/done"
#define MAP_DIGEST "tiles/digest"
#define MAP_PROGRESS "progress"

typedef enum progress_type {
    PROGRESS_INT,
    PROGRESS_BOOL,
    PROGRESS_COUNT,
    PROGRESS_REAL,
    PROGRESS_TEXT,
    PROGRESS_OF_MEMBER, /* a real number for each member */
    PROGRESS_POINT      /* a point of the grid for each member */
} progress_type;

/* One dataset of /progress: where it sits in cev_map_progress, and how it is stored. */
typedef struct progress_field {
    const char *name;
    progress_type type;
    size_t offset, size; /* size: of the member, in bytes */
} progress_field;

extern const progress_field cev_map_progress_fields[];
extern const size_t cev_map_n_progress_fields;

/* The HDF5 type of a field in the file and in memory (the same); owned by the caller. */
hid_t cev_map_progress_type(const progress_field *field);

/* Whether a study as a whole has the field. */
bool cev_map_progress_of_study(const progress_field *field);

/* Number of dimensions of a field's dataset, and their sizes; there is no dimension for members where there is only
 * one. */
int cev_map_progress_shape(const progress_field *field, size_t n_member, size_t n_axis, hsize_t size[2]);

#endif
