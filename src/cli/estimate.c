/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate.h"

#include <stdio.h>

/* Measured with `cevscan bench` on one core with AVX-512: the profile costs about this much per bin and point. */
static const double seconds_per_bin = 6e-9, seconds_per_point = 3e-8;

scan_estimate estimate_scan(const cev_scan_config *config)
{
    scan_estimate s = {.n_pull = config->n_pull};
    double template_rows = 0;
    for (size_t e = 0; e < config->n_experiment; e++) {
        const cev_experiment *x = config->experiment[e];
        s.n_bin += x->bins.n_bin;
        template_rows += (double)(x->target.n_nucleus * x->source.kind->n_component * config->interaction->n_term * x->bins.n_bin);
    }
    double fields = 2 + (config->store_pulls ? (double)s.n_pull : 0), point_bytes = 8 * fields + 1;
    s.file_bytes = (double)config->grid.n_point * point_bytes + (double)config->grid.n_tile * (CEV_DIGEST_SIZE + 1);
    s.memory_bytes = 16 * template_rows + (double)cev_grid_points_of_whole_tile(&config->grid) * point_bytes +
                     (double)config->grid.n_tile * (CEV_DIGEST_SIZE + 5) + 8.0 * CEV_LANES * (double)s.n_bin;
    s.core_seconds = (double)config->grid.n_point * (seconds_per_bin * (double)s.n_bin + seconds_per_point);
    return s;
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
