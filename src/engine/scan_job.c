/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of a tile. */
#include "cevscan/fit_starts.h"

#include <math.h>
#include <string.h>

#include "model_parts.h"
#include "scan_theta.h"

/* Lanes beyond the tile's last point repeat it; their results are dropped. */
static void fill_theta(const cev_scan_job *job, cev_followers *followers, const cev_tile *tile, size_t first,
                       cev_lanes *theta)
{
    size_t index[CEV_MAX_AXES], n_axis = job->grid->n_axis;
    cev_theta_broadcast(cev_roster_n(cev_model_roster(job->model)), job->theta, theta);
    cev_tile_point(job->grid, tile, first, index);
    for (size_t l = 0; l < CEV_LANES; l++) {
        cev_scan_job_set(job, index, (double *)theta + l, CEV_LANES);
        if (first + l + 1 >= tile->n_point) continue;
        for (size_t a = n_axis; a-- > 0;) {
            if (++index[a] < tile->origin[a] + tile->extent[a]) break;
            index[a] = tile->origin[a];
        }
    }
    cev_followers_apply(cev_model_roster(job->model), followers, theta);
}

void cev_scan_job_open_tile(const cev_scan_job *job, const cev_tile *tile)
{
    double theta[CEV_MAX_THETA];
    size_t n_parameter = cev_roster_n(cev_model_roster(job->model));
    for (size_t p = 0; p < n_parameter; p++) theta[p] = job->theta[p];
    cev_scan_job_set(job, tile->origin, theta, 1);
    cev_followers_apply_one(cev_model_roster(job->model), job->followers, theta);
    cev_model_fold(job->model, theta);
}

void cev_scan_job_block(const cev_scan_job *job, cev_model_scratch *scratch, const cev_tile *tile, size_t first,
                        cev_lanes *block_pull, double *chi2, unsigned char *status, double *pull)
{
    cev_lanes theta[CEV_MAX_THETA], start[CEV_PROFILE_MAX_PULLS];
    fill_theta(job, scratch->followers, tile, first, theta);
    bool started = job->starts && cev_fit_starts_at(job->starts, tile, first, start);
    cev_block_result result = {.pull = block_pull};
    cev_model_evaluate(job->model, job->data, scratch, theta, started ? start : NULL, &result);
    size_t n = tile->n_point - first < CEV_LANES ? tile->n_point - first : CEV_LANES;
    for (size_t l = 0; l < n; l++) {
        chi2[first + l] = isnan(result.chi2[l]) ? NAN : result.chi2[l];
        status[first + l] = (unsigned char)result.status[l];
        if (!block_pull) continue;
        for (size_t p = 0; p < cev_model_n_pull(job->model); p++)
            pull[p * tile->n_point + first + l] = isnan(block_pull[p][l]) ? NAN : block_pull[p][l];
    }
}
