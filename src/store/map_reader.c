/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single datasets and texts of a file that is not trusted. */
#include <errno.h>
#include <hdf5.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "map_read.h"
#include "store_error.h"

cev_status cev_reader_refuse(const reader *r, const char *why)
{
    H5Eclear2(H5E_DEFAULT);
    return cev_fail(CEV_E_INPUT, "%s: not a cevscan map: %s", r->path, why);
}

/* A small compressed map may hold more than it takes. */
bool cev_reader_larger_than_the_file(const reader *r, uint64_t n)
{
    const uint64_t small = (uint64_t)1 << 20;
    return n > small && n - small > r->file_size;
}

/* --- datasets --------------------------------------------------------------------------------------------------- */

/* Datasets that are pieced together from others or from other files may be endless. */
static bool holds_its_data(hid_t dataset)
{
    hid_t properties = H5Dget_create_plist(dataset);
    bool own = properties >= 0 && H5Pget_layout(properties) != H5D_VIRTUAL && H5Pget_external_count(properties) == 0;
    if (properties >= 0) H5Pclose(properties);
    return own;
}

static bool has_shape(hid_t dataset, int rank, hsize_t *size)
{
    hsize_t found[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    bool right = space >= 0 && H5Sget_simple_extent_type(space) != H5S_NULL &&
                 H5Sget_simple_extent_ndims(space) == rank && H5Sget_simple_extent_dims(space, found, NULL) >= 0;
    for (int k = 0; right && k < rank; k++) {
        if (size[k] == 0) size[k] = found[k];
        right = size[k] == found[k];
    }
    if (space >= 0) H5Sclose(space);
    return right;
}

cev_status cev_reader_open(const reader *r, const char *name, int rank, hsize_t *size, hid_t *out)
{
    *out = H5Dopen2(r->file, name, H5P_DEFAULT);
    if (*out >= 0 && has_shape(*out, rank, size) && holds_its_data(*out)) return CEV_OK;
    if (*out >= 0) H5Dclose(*out);
    char why[MAP_PATH_SIZE + 64];
    snprintf(why, sizeof why, "dataset %s is missing or has the wrong shape", name);
    return cev_reader_refuse(r, why);
}

cev_status cev_reader_read(const reader *r, const char *name, int rank, hsize_t *size, hid_t type, void *to)
{
    hid_t dataset;
    CEV_TRY(cev_reader_open(r, name, rank, size, &dataset));
    errno = 0;
    herr_t result = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to);
    cev_status status = result < 0 ? cev_store_fail_reading(r->path, "read the map") : CEV_OK;
    H5Dclose(dataset);
    return status;
}

cev_status cev_reader_record(const reader *r, const char *path, const record *what, int rank, hsize_t *size, void *to)
{
    size_t n = 1;
    for (int k = 0; k < rank; k++) n *= size[k];
    hid_t type = cev_map_record_type(what);
    cev_status status = cev_reader_read(r, path, rank, size, type, to);
    H5Tclose(type);
    for (size_t k = 0; status == CEV_OK && what->type == RECORD_TEXT && k < n; k++)
        ((char *)to)[(k + 1) * what->size - 1] = '\0';
    return status;
}

/* --- texts ------------------------------------------------------------------------------------------------------ */

cev_status cev_reader_attribute(const reader *r, hid_t attribute, char **out)
{
    char *value = NULL;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    cev_status status = CEV_OK;
    if (type >= 0 && space >= 0 && H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1) {
        errno = 0;
        if (H5Aread(attribute, type, &value) < 0)
            status = cev_store_fail_reading(r->path, "read an attribute");
        else if (value)
            status = cev_arena_copy_text(r->info->arena, value, out);
        if (value) H5free_memory(value);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
}

cev_status cev_reader_text(const reader *r, const char *object, const char *name, char **out)
{
    *out = NULL;
    hid_t attribute = H5Aopen_by_name(r->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    cev_status status = attribute < 0 ? CEV_OK : cev_reader_attribute(r, attribute, out);
    if (attribute >= 0) H5Aclose(attribute);
    H5Eclear2(H5E_DEFAULT);
    return status;
}

cev_status cev_reader_split(const reader *r, const char *text, size_t most, const char **out, size_t *n)
{
    char *copy, *state = NULL;
    CEV_TRY(cev_arena_copy_text(r->info->arena, text, &copy));
    *n = 0;
    for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state)) {
        if (*n == most) return cev_reader_refuse(r, "it names more axes or members than it has");
        out[(*n)++] = name;
    }
    return *n == most ? CEV_OK : cev_reader_refuse(r, "it names fewer axes or members than it has");
}
