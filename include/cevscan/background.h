/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes of backgrounds. */
#ifndef CEVSCAN_BACKGROUND_H
#define CEVSCAN_BACKGROUND_H

#include "cevscan/bins.h"

/* counts[n_energy] of a background that is flat in recoil energy. */
void cev_background_flat(const cev_bins *bins, double counts_per_keV, double *counts);

#endif
