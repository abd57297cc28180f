/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "progress_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


double monotonic_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void print_duration(double seconds, char *out, size_t size)
{
    if (seconds < 1)
        snprintf(out, size, "less than a second");
    else if (seconds < 100)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 6000)
        snprintf(out, size, "%.0f min", seconds / 60);
    else
        snprintf(out, size, "%.0f h %02.0f min", (double)(long)(seconds / 3600), (double)((long)(seconds / 60) % 60));
}

progress_line progress_line_start(bool quiet, uint64_t total, uint64_t before)
{
    double now = monotonic_s();
    return (progress_line){.quiet = quiet,
                           .terminal = isatty(STDERR_FILENO),
                           .started = now,
                           .printed = now,
                           .total = total,
                           .before = before};
}

void progress_line_update(progress_line *line, uint64_t done, uint64_t failed)
{
    double now = monotonic_s();
    if (line->quiet || now - line->printed < (line->terminal ? 1 : 60)) return;
    line->printed = now;
    double rate = (double)(done - line->before) / (now - line->started);
    char eta[64] = "unknown", text[256];
    if (rate > 0) print_duration((double)(line->total - done) / rate, eta, sizeof eta);
    int width = snprintf(text, sizeof text,
                         "cevscan: %5.1f %%, %llu of %llu points, %.3g points/s, %llu failed, left: %s",
                         100.0 * (double)done / (double)line->total, (unsigned long long)done,
                         (unsigned long long)line->total, rate, (unsigned long long)failed, eta);
    if (line->terminal)
        fprintf(stderr, "\r%-*s", line->width, text);
    else
        fprintf(stderr, "%s\n", text);
    line->width = width;
    fflush(stderr);
}

void progress_line_end(progress_line *line)
{
    if (line->width && line->terminal) fprintf(stderr, "\r%*s\r", line->width, "");
    line->width = 0;
}
