/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lepton flavours. An antineutrino scatters coherently like its neutrino, so couplings know flavours only. */
#ifndef CEVSCAN_FLAVOUR_H
#define CEVSCAN_FLAVOUR_H

typedef enum cev_flavour { CEV_FLAVOUR_E, CEV_FLAVOUR_MU, CEV_FLAVOUR_TAU, CEV_N_FLAVOURS } cev_flavour;

#endif
