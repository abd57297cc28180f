/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From places on a grid to the parameters of a model. */
#include "scan_theta.h"

size_t cev_scan_job_parameter(const cev_scan_job *job, size_t axis, const size_t *index)
{
    if (!job->member_parameter || axis > 1) return job->axis_parameter[axis];
    return axis == 0 ? CEV_NO_PARAMETER : job->member_parameter[index[0]];
}

void cev_scan_job_set(const cev_scan_job *job, const size_t *index, double *theta, size_t stride)
{
    for (size_t a = 0; a < job->grid->n_axis; a++) {
        size_t p = cev_scan_job_parameter(job, a, index);
        if (p != CEV_NO_PARAMETER) theta[p * stride] = job->grid->axis[a].value[index[a]];
    }
}

static void begin(const cev_scan_job *job, double *theta)
{
    for (size_t p = 0; p < cev_roster_n(cev_model_roster(job->model)); p++) theta[p] = job->theta[p];
}

void cev_scan_job_theta(const cev_scan_job *job, uint64_t number, double *theta)
{
    size_t index[CEV_MAX_AXES];
    begin(job, theta);
    cev_grid_index(job->grid, number, index);
    cev_scan_job_set(job, index, theta, 1);
    cev_followers_apply_one(cev_model_roster(job->model), job->followers, theta);
}

void cev_scan_job_theta_of_point(const cev_scan_job *job, const cev_tile *tile, size_t k, cev_followers *followers,
                                 double *theta)
{
    size_t index[CEV_MAX_AXES];
    begin(job, theta);
    cev_tile_point(job->grid, tile, k, index);
    cev_scan_job_set(job, index, theta, 1);
    cev_followers_apply_one(cev_model_roster(job->model), followers, theta);
}

void cev_scan_job_theta_with(const cev_scan_job *job, size_t member, const double *at, cev_followers *followers,
                             double *theta)
{
    begin(job, theta);
    for (size_t a = 0; a < job->grid->n_axis; a++) {
        size_t p = cev_scan_job_parameter(job, a, &member);
        if (p != CEV_NO_PARAMETER) theta[p] = at[a];
    }
    cev_followers_apply_one(cev_model_roster(job->model), followers, theta);
}

void cev_scan_job_theta_at(const cev_scan_job *job, size_t member, const double *at, double *theta)
{
    cev_scan_job_theta_with(job, member, at, job->followers, theta);
}
