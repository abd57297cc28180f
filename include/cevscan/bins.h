/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contiguous bins of what a detector reconstructs: recoil energy, or photoelectrons; and of arrival time, if it is
 * measured. */
#ifndef CEVSCAN_BINS_H
#define CEVSCAN_BINS_H

#include "cevscan/arena.h"

/* Counts of an experiment are arrays [n_time][n_energy], n_bin in all. */
typedef struct cev_bins {
    size_t n_bin;
    size_t n_energy;
    const double *edge;         /* [n_energy + 1], strictly increasing, in the unit of the response's observable */
    const char *const *name;    /* [n_energy], what those who made a table call its bins; NULL: they have no names */
    size_t n_time;              /* 1 where time is not measured */
    const double *time_edge_us; /* [n_time + 1], strictly increasing; NULL where time is not measured */
} cev_bins;

enum { CEV_MAX_BINS = 100000 };

/* Width of energy bin i < n_energy. */
static inline double cev_bins_width(const cev_bins *bins, size_t i)
{
    return bins->edge[i + 1] - bins->edge[i];
}

/* Copies n_energy + 1 edges into the arena; no bins of time. */
cev_status cev_bins_from_edges(cev_arena *arena, size_t n_energy, const double *edge, cev_bins *out);

/* Divides each bin by arrival time: copies n_time + 1 edges into the arena. CEV_E_INPUT if that makes more than
 * CEV_MAX_BINS. */
cev_status cev_bins_split_by_time(cev_arena *arena, size_t n_time, const double *edge_us, cev_bins *bins);

/* Bins that start at start_keV, each `widths` times as wide as the resolution sigma at its own centre, hi - lo =
 * widths * sigma((lo + hi)/2), until the last edge passes end_keV (arXiv:2208.11771, section 3). sigma is called with
 * energies in keV and must be positive and grow more slowly than the energy. CEV_E_INPUT if that takes more than
 * CEV_MAX_BINS bins, or if sigma is not a positive number. */
cev_status cev_bins_by_resolution(cev_arena *arena, double start_keV, double end_keV, double widths,
                                  double (*sigma_keV)(const void *context, double recoil_keV), const void *context,
                                  cev_bins *out);

#endif
