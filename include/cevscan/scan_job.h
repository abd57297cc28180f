/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scan as the engine sees it: a model, data, a grid, and which parameter each axis drives. */
#ifndef CEVSCAN_SCAN_JOB_H
#define CEVSCAN_SCAN_JOB_H

#include "cevscan/model.h"

#define CEV_NO_PARAMETER SIZE_MAX

typedef struct cev_fit_starts cev_fit_starts; /* cevscan/fit_starts.h */

typedef struct cev_scan_job {
    cev_model *model; /* folded anew as the slow parameters change */
    const cev_data *data;
    const cev_grid *grid;
    double theta[CEV_MAX_THETA];         /* values of the parameters that are not scanned */
    size_t axis_parameter[CEV_MAX_AXES]; /* index of the parameter that each axis drives */
    /* A scan of several parameters in turn, one at a time: axis 0 names them, axis 1 has the values of whichever it
     * is. Then these are its members' parameters, and axis_parameter[0] is CEV_NO_PARAMETER; NULL for an ordinary
     * scan. */
    const size_t *member_parameter;
    const cev_fit_starts *starts; /* of the tile in work, or NULL: fits start from least squares */
    cev_followers *followers;     /* for what is done by one thread at a time; NULL: the roster has no formulas */
} cev_scan_job;

/* Folds the model with the slow parameters of a tile; must precede the evaluation of its points, which it holds for
 * alike. */
void cev_scan_job_open_tile(const cev_scan_job *job, const cev_tile *tile);

/* Evaluates points first .. first + CEV_LANES - 1 of a tile, those that exist, and stores the results at [first ..] of
 * chi2[n_point], status[n_point] and pull[n_pull][n_point] (NULL: not wanted). block_pull[n_pull] is scratch, NULL
 * with it. A result that is not a number is always the same NaN, so that equal maps have equal bytes. */
void cev_scan_job_block(const cev_scan_job *job, cev_model_scratch *scratch, const cev_tile *tile, size_t first,
                        cev_lanes *block_pull, double *chi2, unsigned char *status, double *pull);

/* Parameters of grid point `number` (memory order), followers included, here and below. */
void cev_scan_job_theta(const cev_scan_job *job, uint64_t number, double *theta);

/* Parameters where the axes have the values at[n_axis], in one member (0 for an ordinary scan); on the grid or between
 * its points. */
void cev_scan_job_theta_at(const cev_scan_job *job, size_t member, const double *at, double *theta);

#endif
