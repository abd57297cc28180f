/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments, by argp, with errors in the words of this program: one line that says what is wrong and where help is. */
#ifndef CEVSCAN_CLI_USAGE_H
#define CEVSCAN_CLI_USAGE_H

#include <argp.h>

/* argp_parse(); options that do not exist, or lack their argument, are told before anything is read. argv[0] is
 * "cevscan COMMAND". Does not return from an error: the exit code is EXIT_BAD_INPUT. */
void parse_arguments(const struct argp *argp, int argc, char **argv, void *input);

/* "cevscan: error: MESSAGE; see: cevscan COMMAND --help", and the end. In place of argp_error(). */
_Noreturn void usage_error(const struct argp_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
