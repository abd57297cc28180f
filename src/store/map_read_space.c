/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads what a file says about the maps over one grid. */
#include <errno.h>
#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_read.h"
#include "store_error.h"

/* The number of dimensions of chi2: of the maps, where there is one, and the axes. */
static cev_status read_rank(const reader *r, const char *path, int *rank)
{
    hid_t chi2 = H5Dopen2(r->file, path, H5P_DEFAULT), space = chi2 < 0 ? -1 : H5Dget_space(chi2);
    *rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (space >= 0) H5Sclose(space);
    if (chi2 >= 0) H5Dclose(chi2);
    return CEV_OK;
}

static cev_status read_shape(const reader *r, cev_space_info *s)
{
    char path[MAP_PATH_SIZE];
    hsize_t size[MAP_MAX_RANK] = {0};
    hid_t chi2;
    int rank, first_axis = s->name ? 1 : 0;
    cev_map_path(s->name, MAP_CHI2, path);
    CEV_TRY(read_rank(r, path, &rank));
    if (rank <= first_axis || rank > first_axis + CEV_MAX_AXES)
        return cev_reader_refuse(r, "dataset chi2 is missing or has the wrong shape");
    if (s->name) size[0] = s->n_map;
    CEV_TRY(cev_reader_open(r, path, rank, size, &chi2));
    H5Dclose(chi2);
    s->n_axis = (size_t)(rank - first_axis);
    s->n_point = 1;
    uint64_t all = s->n_map;
    for (size_t a = 0; a < s->n_axis; a++) {
        s->axis_points[a] = (size_t)size[(size_t)first_axis + a];
        if (s->axis_points[a] == 0 || __builtin_mul_overflow(all, (uint64_t)s->axis_points[a], &all))
            return cev_reader_refuse(r, "it is impossibly large");
        s->n_point *= s->axis_points[a];
    }
    return cev_reader_larger_than_the_file(r, all) ? cev_reader_refuse(r, "it is damaged: more points than bytes")
                                                   : CEV_OK;
}

static cev_status read_axis_names(const reader *r, cev_space_info *s)
{
    char path[MAP_PATH_SIZE], *names;
    size_t n;
    cev_map_path(s->name, "", path);
    CEV_TRY(cev_reader_text(r, s->name ? path : "/", MAP_AXES, &names));
    if (!names) return cev_reader_refuse(r, "the names of its axes are missing");
    return cev_reader_split(r, names, s->n_axis, s->axis_name, &n);
}

static cev_status read_member_names(const reader *r, cev_space_info *s)
{
    char path[MAP_PATH_SIZE], *names;
    s->n_member = 1;
    cev_map_path(s->name, "", path);
    CEV_TRY(cev_reader_text(r, s->name ? path : "/", MAP_MEMBERS, &names));
    if (!names) return CEV_OK;
    if (s->axis_points[0] > CEV_MAX_MEMBERS) return cev_reader_refuse(r, "it has more members than there can be");
    CEV_TRY(cev_new(r->info->arena, s->axis_points[0], &s->member_name));
    return cev_reader_split(r, names, s->axis_points[0], s->member_name, &s->n_member);
}

/* --- tiles ------------------------------------------------------------------------------------------------------ */

/* Points of a whole tile along each axis: an attribute. */
static cev_status read_sides(const reader *r, const cev_space_info *s, uint64_t side[CEV_MAX_AXES])
{
    char path[MAP_PATH_SIZE];
    cev_map_path(s->name, MAP_TILES, path);
    hid_t a = H5Aopen_by_name(r->file, path, MAP_SIDE, H5P_DEFAULT, H5P_DEFAULT), space = a < 0 ? -1 : H5Aget_space(a);
    bool right = space >= 0 && H5Sget_simple_extent_npoints(space) == (hssize_t)s->n_axis &&
                 H5Aread(a, H5T_NATIVE_UINT64, side) >= 0;
    if (space >= 0) H5Sclose(space);
    if (a >= 0) H5Aclose(a);
    for (size_t k = 0; right && k < s->n_axis; k++) right = side[k] > 0 && side[k] <= s->axis_points[k];
    return right ? CEV_OK : cev_reader_refuse(r, "its table of tiles has the wrong size");
}

static cev_status read_tiles(const reader *r, cev_space_info *s, uint64_t side[CEV_MAX_AXES])
{
    char path[MAP_PATH_SIZE];
    uint64_t expected = 1;
    CEV_TRY(read_sides(r, s, side));
    for (size_t a = 0; a < s->n_axis; a++) expected *= (s->axis_points[a] - 1) / side[a] + 1;
    hsize_t n = 0;
    hid_t done;
    cev_map_path(s->name, MAP_DONE, path);
    CEV_TRY(cev_reader_open(r, path, 1, &n, &done));
    H5Dclose(done);
    if (n != expected) return cev_reader_refuse(r, "its table of tiles has the wrong size");
    s->n_tile = (size_t)n;
    CEV_TRY(cev_new(r->info->arena, s->n_tile, &s->done));
    CEV_TRY(cev_reader_read(r, path, 1, &n, H5T_NATIVE_UCHAR, s->done));
    for (size_t t = 0; t < s->n_tile; t++) s->n_tile_done += s->done[t] != 0;
    return CEV_OK;
}

/* A box of the dataset of statuses: some maps of a tile, bounded in memory. */
typedef struct box {
    int rank;
    hsize_t start[MAP_MAX_RANK], count[MAP_MAX_RANK];
    size_t n_map, n_point; /* maps in it, and points of each */
} box;

static box box_of_tile(const cev_space_info *s, const uint64_t side[CEV_MAX_AXES], size_t tile)
{
    size_t first_axis = s->name ? 1 : 0;
    box b = {.rank = (int)(first_axis + s->n_axis), .count = {1}, .n_map = 1, .n_point = 1};
    for (size_t a = s->n_axis; a-- > 0;) {
        size_t along = (size_t)((s->axis_points[a] - 1) / side[a] + 1), d = first_axis + a;
        b.start[d] = tile % along * side[a];
        b.count[d] = s->axis_points[a] - b.start[d] < side[a] ? s->axis_points[a] - b.start[d] : side[a];
        b.n_point *= b.count[d];
        tile /= along;
    }
    return b;
}

/* Counts the byte of a point of a map. */
typedef void tally(cev_space_info *s, size_t map, unsigned char value);

static void tally_status(cev_space_info *s, size_t map, unsigned char value)
{
    s->status_count[map][value < CEV_N_POINT_STATUSES ? value : CEV_N_POINT_STATUSES]++;
}

static void tally_flags(cev_space_info *s, size_t map, unsigned char value)
{
    for (int f = 0; f < CEV_N_POINT_FLAGS; f++) s->flag_count[map][f] += value >> f & 1;
}

/* A dataset of bytes that is counted. */
typedef struct counting {
    hid_t dataset;
    tally *count;
    unsigned char *byte; /* [most] */
    size_t most;
} counting;

static cev_status count_box(const reader *r, cev_space_info *s, const counting *c, const box *b)
{
    size_t first_map = s->name ? b->start[0] : 0;
    hid_t space = H5Dget_space(c->dataset), memory = H5Screate_simple(b->rank, b->count, NULL);
    herr_t result = H5Sselect_hyperslab(space, H5S_SELECT_SET, b->start, NULL, b->count, NULL);
    errno = 0;
    if (result >= 0) result = H5Dread(c->dataset, H5T_NATIVE_UCHAR, memory, space, H5P_DEFAULT, c->byte);
    cev_status status = result < 0 ? cev_store_fail_reading(r->path, "read the map") : CEV_OK;
    H5Sclose(memory);
    H5Sclose(space);
    for (size_t m = 0; status == CEV_OK && m < b->n_map; m++)
        for (size_t k = 0; k < b->n_point; k++) c->count(s, first_map + m, c->byte[m * b->n_point + k]);
    return status;
}

/* All maps of a tile at once, or as many as take some megabytes. A tile that is larger than that by itself is cut
 * along its first axis. */
static cev_status count_tile(const reader *r, cev_space_info *s, const counting *c, box b)
{
    if (!s->name) {
        hsize_t end = b.start[0] + b.count[0], row = b.n_point / b.count[0], rows = c->most / row ? c->most / row : 1;
        for (; b.start[0] < end; b.start[0] += b.count[0]) {
            b.count[0] = end - b.start[0] < rows ? end - b.start[0] : rows;
            b.n_point = b.count[0] * row;
            CEV_TRY(count_box(r, s, c, &b));
        }
        return CEV_OK;
    }
    size_t maps = c->most / b.n_point ? c->most / b.n_point : 1;
    for (size_t m = 0; m < s->n_map; m += maps) {
        b.start[0] = m;
        b.count[0] = b.n_map = s->n_map - m < maps ? s->n_map - m : maps;
        CEV_TRY(count_box(r, s, c, &b));
    }
    return CEV_OK;
}

static cev_status count_bytes(const reader *r, cev_space_info *s, const uint64_t side[CEV_MAX_AXES], const char *name,
                              tally *count)
{
    char path[MAP_PATH_SIZE];
    hsize_t size[MAP_MAX_RANK];
    int rank = 0;
    if (s->name) size[rank++] = s->n_map;
    for (size_t a = 0; a < s->n_axis; a++) size[rank++] = s->axis_points[a];
    counting c = {.count = count, .most = (size_t)1 << 22};
    cev_map_path(s->name, name, path);
    CEV_TRY(cev_reader_open(r, path, rank, size, &c.dataset));
    box first = box_of_tile(s, side, 0);
    size_t least = s->name ? first.n_point : first.n_point / first.count[0];
    if (least > c.most) c.most = least;
    c.byte = malloc(c.most);
    cev_status status = c.byte ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t t = 0; status == CEV_OK && t < s->n_tile; t++) status = count_tile(r, s, &c, box_of_tile(s, side, t));
    free(c.byte);
    H5Dclose(c.dataset);
    return status;
}

static cev_status count_statuses(const reader *r, cev_space_info *s, const uint64_t side[CEV_MAX_AXES])
{
    CEV_TRY(cev_new(r->info->arena, s->n_map, &s->status_count));
    return count_bytes(r, s, side, MAP_STATUS, tally_status);
}

/* Numbers of an attribute of the flags; none if it is not there as it should be. */
static double *flag_numbers(const reader *r, const char *path, const char *name, size_t n)
{
    double *value = NULL;
    hid_t a = H5Aopen_by_name(r->file, path, name, H5P_DEFAULT, H5P_DEFAULT), space = a < 0 ? -1 : H5Aget_space(a);
    bool right = space >= 0 && H5Sget_simple_extent_npoints(space) == (hssize_t)n &&
                 cev_new(r->info->arena, n, &value) == CEV_OK && H5Aread(a, H5T_NATIVE_DOUBLE, value) >= 0;
    if (space >= 0) H5Sclose(space);
    if (a >= 0) H5Aclose(a);
    H5Eclear2(H5E_DEFAULT);
    return right ? value : NULL;
}

/* What was minimised over. */
static cev_status read_profiled(const reader *r, const char *path, cev_space_info *s)
{
    char *names;
    size_t n = 1;
    CEV_TRY(cev_reader_text(r, path, MAP_MINIMISED_OVER, &names));
    if (!names) return CEV_OK;
    for (const char *c = names; *c; c++) n += *c == ',';
    if (n > MAP_MAX_PROFILED) return cev_reader_refuse(r, "it profiles more parameters than there can be");
    s->profiled_low = flag_numbers(r, path, MAP_LOWER_BOUNDS, n);
    s->profiled_high = flag_numbers(r, path, MAP_UPPER_BOUNDS, n);
    if (!s->profiled_low || !s->profiled_high) return CEV_OK;
    CEV_TRY(cev_new(r->info->arena, n, &s->profiled_name));
    return cev_reader_split(r, names, n, s->profiled_name, &s->n_profiled);
}

/* Maps whose scan profiles nothing have none. */
static cev_status count_flags(const reader *r, cev_space_info *s, const uint64_t side[CEV_MAX_AXES])
{
    char path[MAP_PATH_SIZE];
    cev_map_path(s->name, MAP_FLAGS, path);
    s->has_flags = H5Lexists(r->file, path, H5P_DEFAULT) > 0;
    if (!s->has_flags) return CEV_OK;
    CEV_TRY(read_profiled(r, path, s));
    CEV_TRY(cev_new(r->info->arena, s->n_map, &s->flag_count));
    return count_bytes(r, s, side, MAP_FLAGS, tally_flags);
}

/* --- results ---------------------------------------------------------------------------------------------------- */

static cev_status read_results(const reader *r, cev_space_info *s)
{
    s->n_fit = s->n_map * s->n_member;
    for (size_t k = 0; k < N_RESULT_RECORDS; k++) {
        const record *what = &cev_map_result_records[k];
        hsize_t size[MAP_RESULT_RANK];
        if (!cev_map_has_record(what, s->has_flags)) continue;
        char name[128], path[MAP_PATH_SIZE];
        int rank = cev_map_result_shape(what, s->name ? s->n_map : 0, s->n_member, s->n_axis, size);
        size_t n = 1;
        void *values;
        for (int d = 0; d < rank; d++) n *= size[d];
        snprintf(name, sizeof name, MAP_RESULTS "/%s", what->name);
        cev_map_path(s->name, name, path);
        CEV_TRY(cev_arena_allocate(r->info->arena, n, what->size, &values));
        CEV_TRY(cev_reader_record(r, path, what, rank, size, values));
        memcpy((char *)&s->results + what->offset, &values, sizeof values);
    }
    return CEV_OK;
}

cev_status cev_reader_space(reader *r, cev_space_info *s)
{
    uint64_t side[CEV_MAX_AXES];
    CEV_TRY(read_shape(r, s));
    CEV_TRY(read_axis_names(r, s));
    CEV_TRY(read_member_names(r, s));
    CEV_TRY(read_tiles(r, s, side));
    CEV_TRY(count_statuses(r, s, side));
    CEV_TRY(count_flags(r, s, side));
    return read_results(r, s);
}
