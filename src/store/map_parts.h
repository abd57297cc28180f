/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that is open on all ranks, inside. */
#ifndef CEVSCAN_STORE_MAP_PARTS_H
#define CEVSCAN_STORE_MAP_PARTS_H

#include <hdf5.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cevscan/map.h"
#include "map_names.h"

/* Datasets of a space: -1 until they are used. */
typedef struct open_space {
    hid_t chi2, delta, status, flags, done, digest;
    hid_t *pull;     /* [n_pull] */
    hid_t *profiled; /* [n_profiled] */
} open_space;

struct cev_map {
    cev_arena *arena;
    const cev_map_spec *spec;
    char *path;     /* where the file is now */
    char *homepath; /* where it is once it is published; NULL if it is there */
    dev_t device;   /* of the file that was opened */
    ino_t inode;
    MPI_Comm communicator;
    hid_t file;
    int shared;        /* descriptor of rank 0's shared lock, or -1 */
    open_space *space; /* [n_space] */
    void *buffer;      /* a whole tile of all maps, with its padding */
    size_t buffer_size;
};

/* What a rank of the communicator meets with is met by all: CEV_OK if all of them are, else the status and the message
 * of the first that is not. Collective. */
cev_status cev_map_agree(MPI_Comm communicator, cev_status status);

/* Opens a dataset whose place is *dataset, if it is not open, and checks that it is what the spec says. */
cev_status cev_map_need_field(cev_map *map, size_t space, const char *name, hid_t type, hid_t *dataset);
cev_status cev_map_need_plain(cev_map *map, const char *space, const char *name, int rank, const hsize_t *size,
                              hid_t *dataset);

/* At least `size` bytes that are the map's. */
cev_status cev_map_need_buffer(cev_map *map, size_t size);

#endif
