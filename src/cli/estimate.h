/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a scan will need, from its size alone. */
#ifndef CEVSCAN_CLI_ESTIMATE_H
#define CEVSCAN_CLI_ESTIMATE_H

#include "cevscan/config.h"

typedef struct scan_estimate {
    size_t n_bin, n_pull; /* over all experiments, shared pulls once */
    double file_bytes;
    double memory_bytes; /* of one rank with one thread, without libraries */
    double core_seconds; /* on one core of the machine that the formula was fitted on */
} scan_estimate;

scan_estimate estimate_scan(const cev_scan_config *config);

/* "3 h 20 min", "12 s", "less than a second". */
void print_duration(double seconds, char *out, size_t size);

#endif
