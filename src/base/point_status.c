/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/point_status.h"

const char *const cev_point_flag_names[CEV_N_POINT_FLAGS] = {"proven", "at_bound", "flat"};

const char *cev_point_status_name(int status)
{
    static const char *const name[CEV_N_POINT_STATUSES] = {
        [CEV_POINT_PENDING] = "pending",
        [CEV_POINT_OK] = "ok",
        [CEV_POINT_NOT_CONVERGED] = "not_converged",
        [CEV_POINT_IMPOSSIBLE] = "impossible",
        [CEV_POINT_INVALID] = "invalid",
    };
    return status >= 0 && status < CEV_N_POINT_STATUSES ? name[status] : "unknown";
}
