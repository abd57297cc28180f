/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a map is to be written, looked at before anything is created. */
#ifndef CEVSCAN_JOB_PLACE_H
#define CEVSCAN_JOB_PLACE_H

#include <stdbool.h>

#include "cevscan/status.h"

/* `path` (the caller frees it): where symbolic links lead, whether or not there is a file at the end: results often
 * lie on another disk. A link in a folder where everybody may write is followed only if it belongs to this user or to
 * the folder's owner, as Linux does by default: others could lead us to any file of ours. CEV_E_INPUT for one that is
 * not followed, or leads nowhere. */
cev_status job_place_resolve(const char *output, char **path);

/* Whether there is a file at this resolved path that may be taken for our own map. CEV_E_INPUT for what is no regular
 * file or another user's, CEV_E_IO if the file system refuses. */
cev_status job_place_exists(const char *path, bool *out);

/* A new map and its lock can be made at this resolved path. CEV_E_INPUT, or CEV_E_IO if the file system refuses. */
cev_status job_place_check(const char *path);

/* A file that is there already may be taken for our own map: not one that another user has put into a folder where
 * everybody may write. CEV_E_INPUT otherwise. */
cev_status job_place_check_owner(const char *path);

#endif
