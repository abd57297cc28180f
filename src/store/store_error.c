/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void cev_store_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* What an error stack of HDF5 says. */
typedef struct failure {
    int system_error; /* the errno that a serial driver met with */
    bool of_mpi;      /* MPI refused: its own words are the reason */
    char reason[256];
} failure;

/* The innermost entry says what went wrong first. Drivers put the errno into words; what MPI says has a kind of its
 * own. */
static herr_t note_entry(unsigned n, const H5E_error2_t *entry, void *context)
{
    (void)n;
    failure *f = context;
    if (!entry->desc) return 0;
    const char *place = strstr(entry->desc, "errno = ");
    if (place && !f->system_error) sscanf(place, "errno = %d", &f->system_error);
    if (entry->min_num == H5E_MPI) f->of_mpi = true;
    snprintf(f->reason, sizeof f->reason, "%s", entry->desc);
    return 0;
}

static failure failure_of(hid_t stack)
{
    failure f = {.reason = "HDF5 does not say why"};
    H5Ewalk2(stack, H5E_WALK_DOWNWARD, note_entry, &f);
    return f;
}

int cev_store_errno_of(hid_t stack)
{
    return failure_of(stack).system_error;
}

/* Whether errno tells of a read that failed. Calls that succeed leave all sorts of other things there. */
static bool is_of_reading(int reason)
{
    switch (reason) {
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
    case EREMOTEIO:
    case ENXIO:
    case ENODATA:
    case EBADMSG: /* ext4, XFS: a block has the wrong checksum */
    case EUCLEAN:
    case ENOLCK:
    case EACCES: /* NFS: the ticket has expired */
    case EKEYEXPIRED: return true;
    default: return false;
    }
}

static cev_status explain(const char *path, const char *what, bool only_read)
{
    int before = errno;
    failure f = failure_of(H5E_DEFAULT);
    H5Eclear2(H5E_DEFAULT);
    if (f.system_error || f.of_mpi || is_of_reading(before) || !only_read) {
        int reason = f.system_error ? f.system_error : before;
        return cev_fail(CEV_E_IO, "%s: cannot %s: %s", path, what, reason ? strerror(reason) : f.reason);
    }
    return cev_fail(CEV_E_INPUT, "%s: cannot %s: %s; the file is damaged", path, what, f.reason);
}

cev_status cev_store_fail(const char *path, const char *what)
{
    return explain(path, what, false);
}

cev_status cev_store_fail_reading(const char *path, const char *what)
{
    return explain(path, what, true);
}

cev_status cev_store_check_read(const char *path, const char *what)
{
    int reason = errno;
    return is_of_reading(reason) ? cev_fail(CEV_E_IO, "%s: cannot %s: %s", path, what, strerror(reason)) : CEV_OK;
}
