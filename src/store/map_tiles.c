/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tiles of an open file: each is one chunk of each field, and one write. */
#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_parts.h"
#include "store_error.h"

/* Chunks are in the file as they are in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the map's chunks are little-endian");

/* A chunk of a field: a tile of all maps of a space. */
typedef struct chunk {
    const cev_map_space *space;
    const cev_tile *tile;
    hsize_t start[MAP_MAX_RANK];
    size_t width; /* bytes of a value */
    size_t size;  /* bytes */
} chunk;

static chunk chunk_of(const cev_map_space *space, const cev_tile *tile, size_t width)
{
    chunk c = {.space = space, .tile = tile, .width = width};
    size_t first_axis = space->name ? 1 : 0; /* the first dimension is that of the maps, which a chunk has all of */
    for (size_t a = 0; a < space->grid->n_axis; a++) c.start[first_axis + a] = tile->origin[a];
    c.size = space->n_map * cev_grid_points_of_whole_tile(space->grid) * width;
    return c;
}

static bool is_whole(const chunk *c)
{
    return c->tile->n_point == cev_grid_points_of_whole_tile(c->space->grid);
}

/* Number of the tile's point `k` in the chunk of one map: tiles at the ends of axes have padding there. k is the first
 * of a row along the last axis. */
static size_t row_in_chunk(const chunk *c, size_t k)
{
    const cev_grid *g = c->space->grid;
    size_t place = 0, stride = 1;
    for (size_t a = g->n_axis; a-- > 0;) {
        place += k % c->tile->extent[a] * stride;
        k /= c->tile->extent[a];
        stride *= g->tile_side[a];
    }
    return place;
}

/* Copies the values of all maps between their own order and that of the chunk, whichever of the two is written. */
static void copy_rows(const chunk *c, char *padded, char *plain, bool to_padded)
{
    size_t n = c->tile->n_point, row = c->tile->extent[c->space->grid->n_axis - 1];
    size_t whole = cev_grid_points_of_whole_tile(c->space->grid);
    for (size_t m = 0; m < c->space->n_map; m++)
        for (size_t k = 0; k < n; k += row) {
            char *inside = padded + (m * whole + row_in_chunk(c, k)) * c->width;
            char *outside = plain + (m * n + k) * c->width;
            memcpy(to_padded ? inside : outside, to_padded ? outside : inside, row * c->width);
        }
}

/* --- chunks and rows -------------------------------------------------------------------------------------------- */

static cev_status write_chunk(const cev_map *map, hid_t dataset, const chunk *c, const void *bytes)
{
    errno = 0;
    if (H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, c->start, c->size, bytes) >= 0) return CEV_OK;
    return cev_store_fail(map->path, "write a tile");
}

/* The size in the file is looked at first: what a damaged file says is longer would overrun the buffer. */
static cev_status read_chunk(const cev_map *map, hid_t dataset, const chunk *c, void *bytes)
{
    hsize_t size = 0;
    uint32_t filters;
    errno = 0;
    if (H5Dget_chunk_storage_size(dataset, c->start, &size) < 0)
        return cev_store_fail_reading(map->path, "read a tile");
    if (size != c->size) return cev_fail(CEV_E_INPUT, "%s: a tile has the wrong size: the map is damaged", map->path);
    errno = 0;
    if (H5Dread_chunk(dataset, H5P_DEFAULT, c->start, &filters, bytes) < 0)
        return cev_store_fail_reading(map->path, "read a tile");
    return cev_store_check_read(map->path, "read a tile");
}

/* Values in their own order, [n_map][n_point]. */
static cev_status write_values(cev_map *map, hid_t dataset, const chunk *c, const void *values)
{
    if (is_whole(c)) return write_chunk(map, dataset, c, values);
    CEV_TRY(cev_map_need_buffer(map, c->size));
    memset(map->buffer, c->width == sizeof(double) ? 0xff : 0,
           c->size); /* the padding: NaN, as in a tile not computed */
    copy_rows(c, map->buffer, (char *)(uintptr_t)values, true);
    return write_chunk(map, dataset, c, map->buffer);
}

static cev_status read_values(cev_map *map, hid_t dataset, const chunk *c, void *values)
{
    if (is_whole(c)) return read_chunk(map, dataset, c, values);
    CEV_TRY(cev_map_need_buffer(map, c->size));
    CEV_TRY(read_chunk(map, dataset, c, map->buffer));
    copy_rows(c, map->buffer, values, false);
    return CEV_OK;
}

/* Reads or writes one row of a dataset over tiles. */
static cev_status transfer_row(const cev_map *map, hid_t dataset, size_t id, int rank, const hsize_t *size,
                               const void *from, void *to)
{
    hsize_t start[3] = {id}, count[3] = {1};
    for (int k = 1; k < rank; k++) count[k] = size[k];
    hid_t space = H5Screate_simple(rank, size, NULL), memory = H5Screate_simple(rank, count, NULL);
    herr_t result = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    cev_status status = CEV_OK;
    errno = 0;
    if (result >= 0 && from) result = H5Dwrite(dataset, H5T_NATIVE_UCHAR, memory, space, H5P_DEFAULT, from);
    if (result >= 0 && to) result = H5Dread(dataset, H5T_NATIVE_UCHAR, memory, space, H5P_DEFAULT, to);
    if (result < 0)
        status = from ? cev_store_fail(map->path, "write a tile") : cev_store_fail_reading(map->path, "read a tile");
    else if (to)
        status = cev_store_check_read(map->path, "read a tile");
    H5Sclose(memory);
    H5Sclose(space);
    return status;
}

static cev_status transfer_done(cev_map *map, size_t space, size_t tile, unsigned char done)
{
    hsize_t size = map->spec->space[space].grid->n_tile;
    hid_t *dataset = &map->space[space].done;
    CEV_TRY(cev_map_need_plain(map, map->spec->space[space].name, MAP_DONE, 1, &size, dataset));
    return transfer_row(map, *dataset, tile, 1, &size, &done, NULL);
}

static cev_status need_digests(cev_map *map, size_t space, int *rank, hsize_t size[3])
{
    const cev_map_space *s = &map->spec->space[space];
    *rank = cev_map_digest_shape(s, size);
    return cev_map_need_plain(map, s->name, MAP_DIGEST, *rank, size, &map->space[space].digest);
}

/* --- fields ----------------------------------------------------------------------------------------------------- */

static cev_status need_chi2(cev_map *map, size_t space)
{
    return cev_map_need_field(map, space, MAP_CHI2, H5T_IEEE_F64LE, &map->space[space].chi2);
}

static cev_status need_delta(cev_map *map, size_t space)
{
    return cev_map_need_field(map, space, MAP_DELTA, H5T_IEEE_F64LE, &map->space[space].delta);
}

static cev_status need_status(cev_map *map, size_t space)
{
    return cev_map_need_field(map, space, MAP_STATUS, H5T_STD_U8LE, &map->space[space].status);
}

static cev_status need_pull(cev_map *map, size_t space, size_t p)
{
    char name[256];
    snprintf(name, sizeof name, MAP_PULL_PREFIX "%s", map->spec->space[space].pull_name[p]);
    return cev_map_need_field(map, space, name, H5T_IEEE_F64LE, &map->space[space].pull[p]);
}

static cev_status need_flags(cev_map *map, size_t space)
{
    return cev_map_need_field(map, space, MAP_FLAGS, H5T_STD_U8LE, &map->space[space].flags);
}

static cev_status need_profiled(cev_map *map, size_t space, size_t p)
{
    char name[MAP_PATH_SIZE];
    cev_map_profiled_name(&map->spec->space[space].profiled[p], name);
    return cev_map_need_field(map, space, name, H5T_IEEE_F64LE, &map->space[space].profiled[p]);
}

cev_status cev_map_fill_tile(cev_map *map, size_t space, const cev_tile *tile)
{
    const cev_map_space *s = &map->spec->space[space];
    chunk c = chunk_of(s, tile, sizeof(double));
    CEV_TRY(cev_map_need_buffer(map, c.size));
    double *nan_tile = map->buffer;
    for (size_t k = 0; k < c.size / sizeof *nan_tile; k++) nan_tile[k] = NAN;
    CEV_TRY(need_chi2(map, space));
    CEV_TRY(write_chunk(map, map->space[space].chi2, &c, nan_tile));
    CEV_TRY(need_delta(map, space));
    CEV_TRY(write_chunk(map, map->space[space].delta, &c, nan_tile));
    for (size_t p = 0; p < s->n_pull; p++) {
        CEV_TRY(need_pull(map, space, p));
        CEV_TRY(write_chunk(map, map->space[space].pull[p], &c, nan_tile));
    }
    for (size_t p = 0; p < s->n_stored; p++) {
        CEV_TRY(need_profiled(map, space, p));
        CEV_TRY(write_chunk(map, map->space[space].profiled[p], &c, nan_tile));
    }
    return CEV_OK;
}

/* delta_chi2 is worked out where it is written from: in the buffer, in the chunk's order. */
cev_status cev_map_write_delta(cev_map *map, size_t space, const cev_tile *tile, const double *chi2,
                               const double *reference)
{
    const cev_map_space *s = &map->spec->space[space];
    chunk c = chunk_of(s, tile, sizeof(double));
    size_t whole = cev_grid_points_of_whole_tile(s->grid), row = tile->extent[s->grid->n_axis - 1];
    CEV_TRY(need_delta(map, space));
    CEV_TRY(cev_map_need_buffer(map, c.size));
    double *delta = map->buffer;
    for (size_t k = 0; !is_whole(&c) && k < c.size / sizeof *delta; k++) delta[k] = NAN; /* the padding */
    for (size_t m = 0; m < s->n_map; m++)
        for (size_t k = 0; k < tile->n_point; k += row) {
            double *to = delta + m * whole + row_in_chunk(&c, k);
            const double *from = chi2 + m * tile->n_point + k;
            for (size_t i = 0; i < row; i++) to[i] = from[i] - reference[m];
        }
    return write_chunk(map, map->space[space].delta, &c, delta);
}

/* What only some maps have. */
static cev_status write_extras(cev_map *map, size_t space, const cev_tile *tile, const cev_tile_results *results)
{
    const cev_map_space *s = &map->spec->space[space];
    const open_space *open = &map->space[space];
    chunk reals = chunk_of(s, tile, sizeof(double)), bytes = chunk_of(s, tile, 1);
    size_t n = s->n_map * tile->n_point;
    for (size_t p = 0; p < s->n_pull; p++) {
        CEV_TRY(need_pull(map, space, p));
        CEV_TRY(write_values(map, open->pull[p], &reals, results->pull + p * n));
    }
    if (s->n_profiled) CEV_TRY(need_flags(map, space));
    if (s->n_profiled) CEV_TRY(write_values(map, open->flags, &bytes, results->flags));
    for (size_t p = 0; p < s->n_stored; p++) {
        CEV_TRY(need_profiled(map, space, p));
        CEV_TRY(write_values(map, open->profiled[p], &reals, results->profiled + p * n));
    }
    return CEV_OK;
}

static cev_status read_extras(cev_map *map, size_t space, const cev_tile *tile, cev_tile_results *results)
{
    const cev_map_space *s = &map->spec->space[space];
    const open_space *open = &map->space[space];
    chunk reals = chunk_of(s, tile, sizeof(double)), bytes = chunk_of(s, tile, 1);
    size_t n = s->n_map * tile->n_point;
    for (size_t p = 0; p < s->n_pull; p++) {
        CEV_TRY(need_pull(map, space, p));
        CEV_TRY(read_values(map, open->pull[p], &reals, results->pull + p * n));
    }
    if (s->n_profiled) CEV_TRY(need_flags(map, space));
    if (s->n_profiled) CEV_TRY(read_values(map, open->flags, &bytes, results->flags));
    for (size_t p = 0; p < s->n_stored; p++) {
        CEV_TRY(need_profiled(map, space, p));
        CEV_TRY(read_values(map, open->profiled[p], &reals, results->profiled + p * n));
    }
    return CEV_OK;
}

cev_status cev_map_write_tile(cev_map *map, size_t space, const cev_tile *tile, const cev_tile_results *results,
                              const double *reference)
{
    const cev_map_space *s = &map->spec->space[space];
    const open_space *open = &map->space[space];
    chunk reals = chunk_of(s, tile, sizeof(double)), bytes = chunk_of(s, tile, 1);
    CEV_TRY(need_chi2(map, space));
    CEV_TRY(write_values(map, open->chi2, &reals, results->chi2));
    CEV_TRY(cev_map_write_delta(map, space, tile, results->chi2, reference));
    CEV_TRY(need_status(map, space));
    CEV_TRY(write_values(map, open->status, &bytes, results->status));
    return write_extras(map, space, tile, results);
}

cev_status cev_map_read_tile(cev_map *map, size_t space, const cev_tile *tile, cev_tile_results *results,
                             double *delta_chi2, cev_digest *digest)
{
    const cev_map_space *s = &map->spec->space[space];
    const open_space *open = &map->space[space];
    chunk reals = chunk_of(s, tile, sizeof(double)), bytes = chunk_of(s, tile, 1);
    CEV_TRY(need_chi2(map, space));
    CEV_TRY(read_values(map, open->chi2, &reals, results->chi2));
    CEV_TRY(need_status(map, space));
    CEV_TRY(read_values(map, open->status, &bytes, results->status));
    CEV_TRY(read_extras(map, space, tile, results));
    if (delta_chi2) {
        CEV_TRY(need_delta(map, space));
        CEV_TRY(read_values(map, open->delta, &reals, delta_chi2));
    }
    if (!digest) return CEV_OK;
    int rank;
    hsize_t size[3];
    CEV_TRY(need_digests(map, space, &rank, size));
    return transfer_row(map, open->digest, tile->id, rank, size, NULL, digest);
}

/* --- digests ---------------------------------------------------------------------------------------------------- */

cev_status cev_tile_digest(const cev_tile *tile, const cev_tile_part *part, cev_digest *out)
{
    size_t n = tile->n_point, n_span = 0;
    cev_span *span = malloc((3 + part->n_pull + part->n_profiled) * sizeof *span);
    if (!span) return cev_fail(CEV_E_MEMORY, "out of memory");
    span[n_span++] = (cev_span){part->chi2, n * sizeof *part->chi2};
    span[n_span++] = (cev_span){part->status, n};
    for (size_t p = 0; p < part->n_pull; p++) span[n_span++] = (cev_span){part->pull[p], n * sizeof **part->pull};
    if (part->flags) span[n_span++] = (cev_span){part->flags, n};
    for (size_t p = 0; p < part->n_profiled; p++)
        span[n_span++] = (cev_span){part->profiled[p], n * sizeof **part->profiled};
    cev_status result = cev_digest_spans(span, n_span, out);
    free(span);
    return result;
}

cev_status cev_map_mark_tile(cev_map *map, size_t space, size_t tile, const cev_digest *digest)
{
    int rank;
    hsize_t size[3];
    CEV_TRY(need_digests(map, space, &rank, size));
    CEV_TRY(transfer_row(map, map->space[space].digest, tile, rank, size, digest, NULL));
    return transfer_done(map, space, tile, 1);
}

cev_status cev_map_forget_tile(cev_map *map, size_t space, size_t tile)
{
    return transfer_done(map, space, tile, 0);
}

cev_status cev_map_read_digests(cev_map *map, size_t space, cev_digest *out)
{
    int rank;
    hsize_t size[3];
    CEV_TRY(need_digests(map, space, &rank, size));
    errno = 0;
    if (H5Dread(map->space[space].digest, H5T_NATIVE_UCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
        return cev_store_fail_reading(map->path, "read the digests of the tiles");
    return cev_store_check_read(map->path, "read the digests of the tiles");
}
