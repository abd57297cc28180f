/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Failures of HDF5 and the file system, in words. */
#ifndef CEVSCAN_STORE_ERROR_H
#define CEVSCAN_STORE_ERROR_H

#include <hdf5.h>

#include "cevscan/status.h"

/* Keeps HDF5 from printing its error stack; the reason goes into our message instead. */
void cev_store_quiet(void);

/* The errno that HDF5's drivers noted in an error stack, 0 if there is none. */
int cev_store_errno_of(hid_t stack);

/* CEV_E_IO: "PATH: cannot WHAT: reason", the reason from HDF5's error stack, or from errno as it was at the failing
 * call. No other HDF5 call may come between. */
cev_status cev_store_fail(const char *path, const char *what);

/* The same after a call that only read: CEV_E_IO if the system or MPI refused, and CEV_E_INPUT if HDF5 read the bytes
 * and makes no sense of them: the file is damaged then. */
cev_status cev_store_fail_reading(const char *path, const char *what);

/* After a call that read through MPI and says that it did: Open MPI keeps errors of reading to itself, and HDF5 takes
 * what was not read for zeros beyond the end of the file. CEV_E_IO if errno, which was 0 before the call, knows better.
 */
cev_status cev_store_check_read(const char *path, const char *what);

#endif
