/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contiguous bins of reconstructed recoil energy. */
#ifndef CEVSCAN_BINS_H
#define CEVSCAN_BINS_H

#include "cevscan/arena.h"

typedef struct cev_bins {
    size_t n_bin;
    const double *edge_keV; /* [n_bin + 1], strictly increasing */
} cev_bins;

enum { CEV_MAX_BINS = 100000 };

static inline double cev_bins_width_keV(const cev_bins *bins, size_t i)
{
    return bins->edge_keV[i + 1] - bins->edge_keV[i];
}

/* Copies n_bin + 1 edges into the arena. */
cev_status cev_bins_from_edges(cev_arena *arena, size_t n_bin, const double *edge_keV, cev_bins *out);

/* Bins that start at start_keV, each `widths` times as wide as the resolution sigma at its own centre,
 * hi - lo = widths * sigma((lo + hi)/2), until the last edge passes end_keV (arXiv:2208.11771, section 3). sigma is called
 * with energies in keV and must be positive and grow more slowly than the energy. CEV_E_INPUT if that takes more than
 * CEV_MAX_BINS bins, or if sigma is not a positive number. */
cev_status cev_bins_by_resolution(cev_arena *arena, double start_keV, double end_keV, double widths,
                                  double (*sigma_keV)(const void *context, double recoil_keV), const void *context,
                                  cev_bins *out);

#endif
