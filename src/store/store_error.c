/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void cev_store_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* The innermost entry of the stack says what went wrong first. */
static herr_t keep_innermost(unsigned n, const H5E_error2_t *entry, void *reason)
{
    (void)n;
    if (entry->desc) snprintf(reason, 256, "%s", entry->desc);
    return 0;
}

cev_status cev_store_fail(const char *path, const char *what)
{
    int system_error = errno;
    char reason[256] = "HDF5 does not say why";
    if (system_error)
        snprintf(reason, sizeof reason, "%s", strerror(system_error));
    else
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_innermost, reason);
    H5Eclear2(H5E_DEFAULT);
    return cev_fail(CEV_E_IO, "%s: cannot %s: %s", path, what, reason);
}
