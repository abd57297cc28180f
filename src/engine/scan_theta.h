/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CEVSCAN_ENGINE_SCAN_THETA_H
#define CEVSCAN_ENGINE_SCAN_THETA_H

#include "cevscan/scan_job.h"

/* The parameter that an axis drives at the point index[n_axis]; none along the axis that counts members. Of the index,
 * only the number of the member is looked at. */
size_t cev_scan_job_parameter(const cev_scan_job *job, size_t axis, const size_t *index);

/* Sets theta[p * stride] of each scanned parameter p to what it is at the point index[n_axis]. */
void cev_scan_job_set(const cev_scan_job *job, const size_t *index, double *theta, size_t stride);

/* Parameters of point k of a tile, followers included. */
void cev_scan_job_theta_of_point(const cev_scan_job *job, const cev_tile *tile, size_t k, cev_followers *followers,
                                 double *theta);

/* cev_scan_job_theta_at() by a thread with followers of its own. */
void cev_scan_job_theta_with(const cev_scan_job *job, size_t member, const double *at, cev_followers *followers,
                             double *theta);

#endif
