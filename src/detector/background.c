/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/background.h"

void cev_background_flat(const cev_bins *bins, double counts_per_keV, double *counts)
{
    for (size_t i = 0; i < bins->n_energy; i++) counts[i] = counts_per_keV * cev_bins_width(bins, i);
}
