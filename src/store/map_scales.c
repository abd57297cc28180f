/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_scales.h"

#include <errno.h>
#include <hdf5_hl.h>
#include <stdio.h>

#include "map_names.h"
#include "store_error.h"

cev_status cev_map_make_scale(const char *path, hid_t group, const char *dataset, const char *name)
{
    hid_t d = H5Dopen2(group, dataset, H5P_DEFAULT);
    cev_status status = d < 0 || H5DSset_scale(d, name) < 0 ? cev_store_fail(path, "make a dimension scale") : CEV_OK;
    if (d >= 0) H5Dclose(d);
    return status;
}

cev_status cev_map_attach(const char *path, hid_t group, hid_t field, const char *scale, unsigned dimension)
{
    hid_t d = H5Dopen2(group, scale, H5P_DEFAULT);
    cev_status status = d < 0 || H5DSattach_scale(field, d, dimension) < 0 ? cev_store_fail(path, "attach an axis")
                                                                           : CEV_OK;
    if (d >= 0) H5Dclose(d);
    return status;
}

cev_status cev_map_attach_to(const char *path, hid_t where, const char *dataset, hid_t group, const char *scale,
                             unsigned dimension)
{
    hid_t d = H5Dopen2(where, dataset, H5P_DEFAULT);
    if (d < 0) return cev_store_fail(path, "open a dataset");
    cev_status status = cev_map_attach(path, group, d, scale, dimension);
    H5Dclose(d);
    return status;
}

/* It takes no room, and reads as zeros, which the description hash counts on. */
cev_status cev_map_put_dimension(const char *path, hid_t where, const char *name, hsize_t n)
{
    const unsigned char zero = 0;
    char title[96];
    snprintf(title, sizeof title, "This is a netCDF dimension but not a netCDF variable.%10llu", (unsigned long long)n);
    hid_t space = H5Screate_simple(1, &n, NULL), p = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(p, H5D_ALLOC_TIME_LATE);
    H5Pset_fill_value(p, H5T_STD_U8LE, &zero);
    H5Pset_obj_track_times(p, 0);
    H5Pset_attr_phase_change(p, MAP_MOST_COMPACT, 0);
    errno = 0;
    hid_t d = H5Dcreate2(where, name, H5T_STD_U8LE, space, H5P_DEFAULT, p, H5P_DEFAULT);
    cev_status status = d < 0 || H5DSset_scale(d, title) < 0 ? cev_store_fail(path, "create a dimension") : CEV_OK;
    if (d >= 0) H5Dclose(d);
    H5Pclose(p);
    H5Sclose(space);
    return status;
}
