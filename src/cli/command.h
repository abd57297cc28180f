/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands share: exit codes, messages, output. */
#ifndef CEVSCAN_CLI_COMMAND_H
#define CEVSCAN_CLI_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cevscan/status.h"
#include "cevscan/version.h"

/* Documented in `cevscan --help`; job scripts count on them. */
typedef enum exit_code {
    EXIT_COMPLETE = 0,
    EXIT_BAD_INPUT = 2,
    EXIT_POINTS_FAILED = 3, /* the map is complete, but some points have no chi2; `verify`: it is not sound */
    EXIT_IO = 74,           /* file system, memory or MPI */
    EXIT_STOPPED = 85,      /* stopped early by a signal or the time limit; the same command goes on */
    EXIT_INTERRUPTED = 130, /* the same, by SIGINT */
} exit_code;

typedef struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is "cevscan NAME"; returns an exit_code */
} command;

int command_run(int argc, char **argv);
int command_point(int argc, char **argv);
int command_rates(int argc, char **argv);
int command_spectra(int argc, char **argv);
int command_check(int argc, char **argv);
int command_impacts(int argc, char **argv);
int command_merge(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_status(int argc, char **argv);
int command_describe(int argc, char **argv);
int command_bench(int argc, char **argv);

int exit_code_of(cev_status status);

/* Prints the recorded error to stderr, with its origin in the code if $CEVSCAN_DEBUG is set, and returns its exit
 * code. / */
int report_error(cev_status status);

/* A text of somebody else's file: control characters, which would move a terminal's cursor or worse, become question
 * marks. */
void print_plain(FILE *to, const char *text);

/* Appends to the text in out[size], which may be full. */
void append_text(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A JSON number; null for what JSON cannot express. */
json_t *json_number(double x);

/* A JSON text; bytes that are not valid UTF-8, as file names may have, become question marks. */
json_t *json_text(const char *text);

/* Prints to stdout, and gives up the reference. */
void print_json(json_t *json);

/* Seconds since this process was started, to the tick of the system's clock (10 ms); NaN where the system does not
 * say. / */
double process_age_s(void);

/* A number that must be whole and in [minimum, maximum]; false if it is not. */
bool parse_whole(const char *text, long minimum, long maximum, int *out);

#endif
