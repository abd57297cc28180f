/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What HDF5 leaves to the file system: blocks that are reserved, bytes that are on the disk, who has a file open. */
#ifndef CEVSCAN_STORE_DISK_H
#define CEVSCAN_STORE_DISK_H

#include <hdf5.h>

#include "cevscan/status.h"

/* CEV_E_INPUT for what is no regular file, before anybody opens it: a FIFO would be waited for. */
cev_status cev_store_check_file(const char *path);

/* Reserves the blocks of a file as long as it is: a full disk shows here and not inside HDF5. Where the file system
 * cannot, nothing is done. */
cev_status cev_store_reserve(const char *path);

/* Flushes a file, and the folder that it is in, as far as that file system can. */
cev_status cev_store_flush(const char *path);
cev_status cev_store_flush_directory_of(const char *path);

/* A shared lock on a file, as long as *descriptor is open: HDF5, which takes an exclusive one, does not open the file
 * for writing then. -1 where there are no such locks. CEV_E_INPUT if somebody has it open for writing. */
cev_status cev_store_share(const char *path, int *descriptor);

/* Access properties with which HDF5 takes no locks of its own, which some file systems refuse. The caller closes
 * them. */
hid_t cev_store_access(void);

#endif
