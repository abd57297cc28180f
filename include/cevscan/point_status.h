/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of a grid point; the byte in the map's `status` dataset. Values are part of the file format. */
#ifndef CEVSCAN_POINT_STATUS_H
#define CEVSCAN_POINT_STATUS_H

#include <stdbool.h>

typedef enum cev_point_status {
    CEV_POINT_PENDING = 0,       /* not computed yet */
    CEV_POINT_OK = 1,            /* chi2 is the profiled minimum */
    CEV_POINT_NOT_CONVERGED = 2, /* the minimiser gave up; chi2 is NaN */
    CEV_POINT_IMPOSSIBLE = 3,    /* events were seen where none can be: chi2 is infinite */
    CEV_POINT_INVALID = 4,       /* the prediction is negative or not a number; chi2 is NaN */
    CEV_N_POINT_STATUSES
} cev_point_status;

/* Whether the point has no answer. An infinite chi2 is one: the point is excluded. */
static inline bool cev_point_failed(int status)
{
    return status != CEV_POINT_OK && status != CEV_POINT_IMPOSSIBLE;
}

/* "ok", "not_converged", ...; "unknown" for a byte that is none of them. */
const char *cev_point_status_name(int status);

#endif
