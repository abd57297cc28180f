/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files, and names, that were given in place of others: what they are, and what to do with them. */
#ifndef CEVSCAN_CLI_FILE_KIND_H
#define CEVSCAN_CLI_FILE_KIND_H

#include "cevscan/status.h"

/* A command ("rates") could not read `path` as the scan or study file that it wants. Returns `status`; if the path is a
 * map, an experiment or its name, or a study where a scan is wanted, the error says so in place of what it said. */
cev_status explain_no_scan(cev_status status, const char *path, const char *who);

/* The same of a command that wants a map. */
cev_status explain_no_map(cev_status status, const char *path);

/* The same of a file that was named as an experiment. */
cev_status explain_no_experiment(cev_status status, const char *path, const char *who);

#endif
