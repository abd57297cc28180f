/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate.h"

#include <stdio.h>

/* Measured with `cevscan bench` on one core with AVX-512: the profile costs about this much per bin and point. */
static const double seconds_per_bin = 6e-9, seconds_per_point = 3e-8;

/* And for each value of slow parameters: templates folded anew, and where a source propagates neutrinos with the scan's
 * couplings, the probabilities too, mostly of nights. */
static const double seconds_per_fold = 2e-3, seconds_per_propagation = 5e-2;

static double seconds_of_folding(const cev_scan_config *config)
{
    bool slow = false;
    double seconds = 0;
    for (size_t a = 0; a < config->grid.n_axis; a++) slow |= config->axis_description[a]->slow;
    for (size_t e = 0; slow && e < config->n_experiment; e++) {
        const cev_experiment *x = config->experiment[e];
        double once = seconds_per_fold + (cev_source_feels_matter(&x->source) ? seconds_per_propagation : 0);
        seconds += once * (1 + 2 * (double)cev_experiment_n_shape(x));
    }
    return seconds * (double)config->grid.n_tile;
}

scan_estimate estimate_scan(const cev_scan_config *config)
{
    scan_estimate s = {.n_pull = config->n_pull};
    double template_rows = 0;
    for (size_t e = 0; e < config->n_experiment; e++) {
        const cev_experiment *x = config->experiment[e];
        s.n_bin += x->bins.n_bin;
        template_rows += (double)(x->target.n_nucleus * x->source.kind->n_component * config->interaction->n_term *
                                  x->bins.n_bin) *
                         (1 + 2 * (double)cev_experiment_n_shape(x));
    }
    double fields = 2 + (config->store_pulls ? (double)s.n_pull : 0), point_bytes = 8 * fields + 1;
    s.file_bytes = (double)config->grid.n_point * point_bytes + (double)config->grid.n_tile * (CEV_DIGEST_SIZE + 1);
    s.memory_bytes = 16 * template_rows + (double)cev_grid_points_of_whole_tile(&config->grid) * point_bytes +
                     (double)config->grid.n_tile * (CEV_DIGEST_SIZE + 5) + 8.0 * CEV_LANES * (double)s.n_bin;
    s.core_seconds = (double)config->grid.n_point * (seconds_per_bin * (double)s.n_bin + seconds_per_point) +
                     seconds_of_folding(config);
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
