/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Failures of HDF5 and the file system, in words. */
#ifndef CEVSCAN_STORE_ERROR_H
#define CEVSCAN_STORE_ERROR_H

#include <hdf5.h>

#include "cevscan/status.h"

/* Keeps HDF5 from printing its error stack; the reason goes into our message instead. */
void cev_store_quiet(void);

/* CEV_E_IO: "PATH: cannot WHAT: reason", the reason from errno as it was at the failing call, or from HDF5's error
 * stack. */
cev_status cev_store_fail(const char *path, const char *what);

/* For chains of HDF5 calls: evaluates `call` and fails if it is negative. */
#define H5_TRY(path, what, call)                                                                                       \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        if ((call) < 0) return cev_store_fail((path), (what));                                                         \
    } while (0)

#endif
