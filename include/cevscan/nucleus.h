/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A nuclear species as coherent scattering sees it. */
#ifndef CEVSCAN_NUCLEUS_H
#define CEVSCAN_NUCLEUS_H

#include "cevscan/constants.h"

typedef struct cev_nucleus {
    const char *name;      /* "Cs" */
    int protons;           /* Z, at least 1 */
    int neutrons;          /* N, at least 0 */
    double mass_u;         /* > 0 */
    double rms_radius_fm;  /* R, of protons and neutrons alike; >= 0 */
} cev_nucleus;

static inline double cev_nucleus_mass_MeV(const cev_nucleus *nucleus)
{
    return nucleus->mass_u * CEV_ATOMIC_MASS_UNIT_MEV;
}

/* Largest recoil energy that a neutrino of energy_MeV can give. The kinematic limit is 2E^2/(M + 2E); the cross section of
 * arXiv:2208.11771 uses 2E^2/M, where its factor 1 - MT/(2E^2) vanishes, and so does everything here (difference 2E/M). */
static inline double cev_nucleus_recoil_max_keV(const cev_nucleus *nucleus, double energy_MeV)
{
    return 2 * energy_MeV * energy_MeV / cev_nucleus_mass_MeV(nucleus) * CEV_KEV_PER_MEV;
}

#endif
