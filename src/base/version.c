/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/version.h"

const char *cev_commit(void)
{
    return CEVSCAN_COMMIT;
}
