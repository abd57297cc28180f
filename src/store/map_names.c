/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_names.h"

#include <stdio.h>
#include <string.h>

#define PROGRESS(member, kind)                                                                                         \
    {                                                                                                                  \
        .name = #member, .type = kind, .of = RECORD_OF_MAP, .offset = offsetof(cev_map_progress, member),              \
        .size = sizeof((cev_map_progress *)0)->member                                                                  \
    }
#define RESULT(member, kind, what)                                                                                     \
    {                                                                                                                  \
        .name = #member, .type = kind, .of = what, .offset = offsetof(cev_map_results, member),                        \
        .size = sizeof *((cev_map_results *)0)->member                                                                 \
    }

/* Sessions come first: a reader sees a session's number change before what it did. */
const record cev_map_progress_records[N_PROGRESS_RECORDS] = {
    PROGRESS(sessions, RECORD_INT),      PROGRESS(ranks, RECORD_INT),
    PROGRESS(threads, RECORD_INT),       PROGRESS(start, RECORD_TEXT),
    PROGRESS(end, RECORD_TEXT),          PROGRESS(heartbeat, RECORD_REAL),
    PROGRESS(wall_time_s, RECORD_REAL),  PROGRESS(points_failed, RECORD_COUNT),
    PROGRESS(content_hash, RECORD_TEXT), PROGRESS(results_hash, RECORD_TEXT),
    PROGRESS(complete, RECORD_BOOL),
};

const record cev_map_result_records[N_RESULT_RECORDS] = {RESULT(chi2_reference, RECORD_REAL, RECORD_OF_FIT),
                                                         RESULT(best_fit_chi2, RECORD_REAL, RECORD_OF_FIT),
                                                         RESULT(best_fit, RECORD_REAL, RECORD_OF_FIT_AND_AXIS),
                                                         RESULT(points_failed, RECORD_COUNT, RECORD_OF_MAP),
                                                         RESULT(points_proven, RECORD_COUNT, RECORD_OF_FLAGS),
                                                         RESULT(points_at_bound, RECORD_COUNT, RECORD_OF_FLAGS),
                                                         RESULT(points_flat, RECORD_COUNT, RECORD_OF_FLAGS),
                                                         RESULT(content_hash, RECORD_TEXT, RECORD_OF_MAP)};

bool cev_map_has_record(const record *r, bool has_flags)
{
    return r->of != RECORD_OF_FLAGS || has_flags;
}

static bool is_of_map(const record *r)
{
    return r->of == RECORD_OF_MAP || r->of == RECORD_OF_FLAGS;
}

hid_t cev_map_record_type(const record *r)
{
    hid_t type;
    switch (r->type) {
    case RECORD_INT: return H5Tcopy(H5T_NATIVE_INT);
    case RECORD_BOOL: return H5Tcopy(H5T_NATIVE_UCHAR);
    case RECORD_COUNT: return H5Tcopy(H5T_NATIVE_UINT64);
    case RECORD_TEXT:
        type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, r->size);
        H5Tset_cset(type, H5T_CSET_UTF8);
        return type;
    default: return H5Tcopy(H5T_NATIVE_DOUBLE);
    }
}

hid_t cev_map_text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

int cev_map_result_shape(const record *r, size_t n_map, size_t n_member, size_t n_axis, hsize_t size[MAP_RESULT_RANK])
{
    int rank = 0;
    if (n_map > 0) size[rank++] = n_map;
    if (n_member > 1 && !is_of_map(r)) size[rank++] = n_member;
    if (r->of == RECORD_OF_FIT_AND_AXIS) size[rank++] = n_axis;
    return rank;
}

int cev_map_field_shape(const cev_map_space *space, hsize_t size[MAP_MAX_RANK], hsize_t chunk[MAP_MAX_RANK])
{
    int rank = 0;
    if (space->name) {
        size[rank] = chunk[rank] = space->n_map;
        rank++;
    }
    for (size_t a = 0; a < space->grid->n_axis; a++, rank++) {
        size[rank] = space->grid->axis[a].n;
        chunk[rank] = space->grid->tile_side[a];
    }
    return rank;
}

int cev_map_digest_shape(const cev_map_space *space, hsize_t size[3])
{
    int rank = 0;
    size[rank++] = space->grid->n_tile;
    if (space->name) size[rank++] = space->n_map;
    size[rank++] = CEV_DIGEST_SIZE;
    return rank;
}

void cev_map_path(const char *space, const char *name, char out[MAP_PATH_SIZE])
{
    snprintf(out, MAP_PATH_SIZE, "/%s%s%s%s", space ? MAP_SPACES "/" : "", space ? space : "", space ? "/" : "", name);
}

void cev_map_profiled_name(const cev_map_profiled *profiled, char out[MAP_PATH_SIZE])
{
    snprintf(out, MAP_PATH_SIZE, MAP_PROFILED_PREFIX "%s", profiled->parameter->name);
}

size_t cev_map_n_fit(const cev_map_space *space)
{
    return space->n_map * cev_grid_n_member(space->grid);
}

void cev_map_library_version(char *out, size_t size)
{
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    snprintf(out, size, "%u.%u.%u", major, minor, release);
}
