/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of a grid point; the bytes in the datasets `status` and `flags` of a map. Their values are part of the
 * file format. */
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

/* What is known of a minimum over parameters that are profiled; a point may have several. */
typedef enum cev_point_flag {
    CEV_FLAG_PROVEN = 1,   /* chi2 is the global minimum, proven by a lower bound */
    CEV_FLAG_AT_BOUND = 2, /* a profiled parameter, or a bounded pull, is at a bound */
    CEV_FLAG_FLAT = 4,     /* chi2 does not tell some direction of the profiled parameters */
} cev_point_flag;

enum { CEV_N_POINT_FLAGS = 3 };

extern const char *const cev_point_flag_names[CEV_N_POINT_FLAGS]; /* of 1 << k: "proven", "at_bound", "flat" */

#endif
