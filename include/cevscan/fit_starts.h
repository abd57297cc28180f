/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the fits of a tile's points start. Pulls change smoothly from point to point, so the fit's variables are found
 * at a few Chebyshev nodes of the tile first, and interpolated between them: a start within a per cent of a pull's
 * uncertainty needs one or two Newton steps where the least-squares start needs a pass of its own and two to four of
 * them. The nodes belong to the tile and to nothing else, so a map does not depend on who computes which tile, or in
 * which order.
 *
 *     n = cev_fit_starts_open(starts, tile);
 *     for (k = 0; k < n; k++) cev_fit_starts_block(starts, job, scratch, k);    in any order, by any thread with its
 * own scratch cev_fit_starts_close(starts);
 *
 * and cev_scan_job_block() of that tile uses them, if they are the job's. Small tiles, and those where the fit fails
 * at a node, have no starts; their points start from least squares. */
#ifndef CEVSCAN_FIT_STARTS_H
#define CEVSCAN_FIT_STARTS_H

#include "cevscan/scan_job.h"

enum { CEV_MAX_NODES_ALONG = 8 };

/* For the tiles of job->grid; owned by its creator. */
cev_status cev_fit_starts_create(const cev_scan_job *job, cev_fit_starts **out);
void cev_fit_starts_destroy(cev_fit_starts **starts);

/* Lays the nodes of a tile, whose model has been folded (cev_scan_job_open_tile). Returns the number of blocks of
 * them; may be 0. */
size_t cev_fit_starts_open(cev_fit_starts *starts, const cev_tile *tile);

/* Fits the nodes of one block. */
void cev_fit_starts_block(cev_fit_starts *starts, const cev_scan_job *job, cev_model_scratch *scratch, size_t block);

/* From the nodes to the interpolation. */
void cev_fit_starts_close(cev_fit_starts *starts);

/* Starts of points first .. first + CEV_LANES - 1 of the tile, the last one repeated beyond its end, into
 * start[n_variable]; false if the tile has none. */
bool cev_fit_starts_at(const cev_fit_starts *starts, const cev_tile *tile, size_t first, cev_lanes *start);

#endif
