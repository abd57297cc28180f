/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads what a file says about itself, with the serial driver. Trusts nothing in the file. */
#ifndef CEVSCAN_STORE_MAP_READ_H
#define CEVSCAN_STORE_MAP_READ_H

#include <hdf5.h>

#include "cevscan/map.h"
#include "map_names.h"

typedef struct reader {
    const char *path;
    hid_t file;
    hsize_t file_size;
    size_t most_texts;
    cev_map_info *info;
    int system_error; /* the first errno that HDF5 met with */
} reader;

/* CEV_E_INPUT, with words. */
cev_status cev_reader_refuse(const reader *r, const char *why);

/* Bounds what is allocated and read for what the file says about itself. */
bool cev_reader_larger_than_the_file(const reader *r, uint64_t n);

/* Opens a dataset and checks its shape: rank dimensions of `size`, or whatever they are where size is 0. */
cev_status cev_reader_open(const reader *r, const char *name, int rank, hsize_t *size, hid_t *out);

/* The same, and reads it whole. */
cev_status cev_reader_read(const reader *r, const char *name, int rank, hsize_t *size, hid_t type, void *to);

/* Reads a record into `to`, which is as large as its shape says; texts end in a zero whatever the file says. */
cev_status cev_reader_record(const reader *r, const char *path, const record *what, int rank, hsize_t *size, void *to);

/* A text in the arena: of an open attribute, where *out stays as it is if that is not one variable-length string; or of
 * an object's attribute, where *out is NULL if there is no such text. */
cev_status cev_reader_attribute(const reader *r, hid_t attribute, char **out);
cev_status cev_reader_text(const reader *r, const char *object, const char *name, char **out);

/* Splits a comma separated list into at most `most` names, in the arena; CEV_E_INPUT if there are more. */
cev_status cev_reader_split(const reader *r, const char *text, size_t most, const char **out, size_t *n);

/* Everything about a space whose name and maps are known: shape, tiles, counts of statuses, results. */
cev_status cev_reader_space(reader *r, cev_space_info *space);

#endif
