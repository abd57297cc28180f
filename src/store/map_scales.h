/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dimension scales of a file that is laid out: without one for each of its dimensions, h5netcdf and xarray refuse a
 * dataset. `path` is that of the file, for messages. */
#ifndef CEVSCAN_STORE_MAP_SCALES_H
#define CEVSCAN_STORE_MAP_SCALES_H

#include <hdf5.h>

#include "cevscan/status.h"

/* A dataset of a group becomes a scale. */
cev_status cev_map_make_scale(const char *path, hid_t group, const char *dataset, const char *name);

/* A dimension of n elements that has a name and no values, as netCDF-4 has it. */
cev_status cev_map_put_dimension(const char *path, hid_t where, const char *name, hsize_t n);

/* The scale of a group becomes that of a dimension of an open dataset; of one by its name. */
cev_status cev_map_attach(const char *path, hid_t group, hid_t field, const char *scale, unsigned dimension);
cev_status cev_map_attach_to(const char *path, hid_t where, const char *dataset, hid_t group, const char *scale,
                             unsigned dimension);

#endif
