/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes and folders that measurements need for a while. */
#ifndef CEVSCAN_CLI_BENCH_CHILD_H
#define CEVSCAN_CLI_BENCH_CHILD_H

#include <jansson.h>
#include <stddef.h>

#include "cevscan/status.h"

/* The path of this program. */
const char *bench_own_path(void);

/* A new, empty folder under $TMPDIR or /tmp. */
cev_status bench_make_folder(char *out, size_t size);

/* Runs a command (NULL at its end) and reads the JSON that it prints. CEV_E_IO if it fails, or prints something else.
 */
cev_status bench_child(const char *const *command, json_t **out);

#endif
