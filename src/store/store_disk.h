/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes a file that HDF5 has laid out last: blocks that are its own, and bytes that are on the disk. */
#ifndef CEVSCAN_STORE_DISK_H
#define CEVSCAN_STORE_DISK_H

#include "cevscan/status.h"

/* Reserves the blocks of a file as long as it is: a full disk shows here and not inside HDF5. */
cev_status cev_store_reserve(const char *path);

/* Flushes a file, and the folder that it is in, as far as that file system can. */
cev_status cev_store_flush(const char *path);
cev_status cev_store_flush_directory_of(const char *path);

#endif
