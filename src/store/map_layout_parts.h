/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that is being laid out, inside. */
#ifndef CEVSCAN_STORE_MAP_LAYOUT_PARTS_H
#define CEVSCAN_STORE_MAP_LAYOUT_PARTS_H

#include <hdf5.h>

#include "cevscan/map.h"

typedef struct layout {
    const cev_map_spec *spec;
    const char *path;
    hid_t file;
} layout;

/* Attributes of an open object: a text, and n numbers; n = 0: a scalar. */
cev_status cev_layout_text(const layout *l, hid_t object, const char *name, const char *value);
cev_status cev_layout_numbers(const layout *l, hid_t object, const char *name, hid_t type, hsize_t n,
                              const void *value);

/* A dataset of `rank` dimensions, 0: a scalar; chunk NULL: contiguous. Its values come later. */
cev_status cev_layout_dataset(const layout *l, hid_t where, const char *name, hid_t type, int rank, const hsize_t *size,
                              const hsize_t *chunk, hid_t *out);

/* Everything of a space that has a value for each point: chi2 and the like, in its group, whose axes are there. */
cev_status cev_layout_fields(const layout *l, hid_t group, const cev_map_space *s);

#endif
