/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line about a running scan on stderr: rewritten every second on a terminal, a new one every minute in a log. */
#ifndef CEVSCAN_CLI_PROGRESS_LINE_H
#define CEVSCAN_CLI_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct progress_line {
    bool quiet, terminal;
    double started, printed; /* monotonic seconds */
    uint64_t total, before;  /* points of the map, and how many of them were done before this session */
    int width;               /* of what stands on the terminal */
} progress_line;

double monotonic_s(void);

/* "less than a second", "90 s", "5 min", "2 h 05 min". */
void print_duration(double seconds, char *out, size_t size);

progress_line progress_line_start(bool quiet, uint64_t total, uint64_t before);

/* Prints if it is time to. */
void progress_line_update(progress_line *line, uint64_t done, uint64_t failed);

/* Clears the terminal's line, so that other output can follow. */
void progress_line_end(progress_line *line);

#endif
