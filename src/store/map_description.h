/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Digest of everything in a file that says what it is about. */
#ifndef CEVSCAN_STORE_MAP_DESCRIPTION_H
#define CEVSCAN_STORE_MAP_DESCRIPTION_H

#include <hdf5.h>
#include <stdbool.h>

#include "cevscan/digest.h"

/* Of an open file, defined in map_description.c. *strange: there is something that no file of ours has (a link that is
 * no hard link, an attribute that is neither text nor numbers, ...); the digest means nothing then. Reads no more than
 * `limit` bytes. CEV_E_IO or CEV_E_INPUT if HDF5 cannot read it. */
cev_status cev_map_describe(hid_t file, const char *path, hsize_t limit, cev_digest *out, bool *strange);

#endif
