/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Datasets of an open file, opened at first use. Damaged or foreign files must not make us read or write beyond one. */
#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_parts.h"
#include "store_error.h"

static cev_status open_dataset(const cev_map *map, const char *path, hid_t *out)
{
    char what[MAP_PATH_SIZE + 64];
    errno = 0;
    *out = H5Dopen2(map->file, path, H5P_DEFAULT);
    if (*out >= 0) return CEV_OK;
    snprintf(what, sizeof what, "open its dataset %s", path);
    return cev_store_fail_reading(map->path, what);
}

static bool has_shape(hid_t dataset, int rank, const hsize_t *size)
{
    hsize_t found[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    bool right = space >= 0 && H5Sget_simple_extent_ndims(space) == rank &&
                 H5Sget_simple_extent_dims(space, found, NULL) >= 0 &&
                 (rank == 0 || !memcmp(found, size, (size_t)rank * sizeof *size));
    if (space >= 0) H5Sclose(space);
    return right;
}

static bool has_type(hid_t dataset, hid_t type)
{
    hid_t found = H5Dget_type(dataset);
    bool right = found >= 0 && H5Tequal(found, type) > 0;
    if (found >= 0) H5Tclose(found);
    return right;
}

/* Chunks go to the file and come from it as they are. */
static bool has_chunks(hid_t dataset, int rank, const hsize_t *chunk)
{
    hsize_t found[H5S_MAX_RANK];
    hid_t properties = H5Dget_create_plist(dataset);
    bool right = properties >= 0 && H5Pget_layout(properties) == H5D_CHUNKED && H5Pget_nfilters(properties) == 0 &&
                 H5Pget_chunk(properties, rank, found) == rank && !memcmp(found, chunk, (size_t)rank * sizeof *chunk);
    if (properties >= 0) H5Pclose(properties);
    return right;
}

static bool is_contiguous(hid_t dataset)
{
    hid_t properties = H5Dget_create_plist(dataset);
    bool right = properties >= 0 && H5Pget_layout(properties) == H5D_CONTIGUOUS &&
                 H5Pget_external_count(properties) == 0;
    if (properties >= 0) H5Pclose(properties);
    return right;
}

static cev_status refuse(const cev_map *map, const char *path, hid_t *dataset)
{
    H5Dclose(*dataset);
    *dataset = -1;
    return cev_fail(CEV_E_INPUT, "%s: its dataset %s has another shape than the scan that made the map", map->path,
                    path);
}

cev_status cev_map_need_field(cev_map *map, size_t space, const char *name, hid_t type, hid_t *dataset)
{
    hsize_t size[MAP_MAX_RANK], chunk[MAP_MAX_RANK];
    char path[MAP_PATH_SIZE];
    if (*dataset >= 0) return CEV_OK;
    cev_map_path(map->spec->space[space].name, name, path);
    CEV_TRY(open_dataset(map, path, dataset));
    int rank = cev_map_field_shape(&map->spec->space[space], size, chunk);
    if (has_shape(*dataset, rank, size) && has_type(*dataset, type) && has_chunks(*dataset, rank, chunk)) return CEV_OK;
    return refuse(map, path, dataset);
}

cev_status cev_map_need_plain(cev_map *map, const char *space, const char *name, int rank, const hsize_t *size,
                              hid_t *dataset)
{
    char path[MAP_PATH_SIZE];
    if (*dataset >= 0) return CEV_OK;
    cev_map_path(space, name, path);
    CEV_TRY(open_dataset(map, path, dataset));
    return has_shape(*dataset, rank, size) && is_contiguous(*dataset) ? CEV_OK : refuse(map, path, dataset);
}

cev_status cev_map_need_buffer(cev_map *map, size_t size)
{
    if (size <= map->buffer_size) return CEV_OK;
    free(map->buffer);
    map->buffer = malloc(size);
    map->buffer_size = map->buffer ? size : 0;
    return map->buffer ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
}
