/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A nuclear species as coherent scattering sees it. */
#ifndef CEVSCAN_NUCLEUS_H
#define CEVSCAN_NUCLEUS_H

#include <stddef.h>

#include "cevscan/constants.h"

typedef struct cev_nucleus {
    const char *name;       /* "Cs" */
    int protons;            /* Z, at least 1 */
    int neutrons;           /* N, at least 0 */
    double mass_u;          /* > 0 */
    double rms_radius_p_fm; /* of the protons; >= 0, or NaN where no form factor asks for it */
    double rms_radius_n_fm; /* of the neutrons; the same */
} cev_nucleus;

/* A nuclide whose numbers the program knows. */
typedef struct cev_isotope {
    const char *name; /* "Cs133" */
    int protons, neutrons;
    double mass_u; /* of the atom; M. Wang et al., Chin. Phys. C 45 (2021) 030003 */
} cev_isotope;

extern const cev_isotope cev_isotopes[];
extern const size_t cev_n_isotopes;

/* The isotope called "Cs133", "Cs-133" or "133Cs"; NULL if it is not among them. */
const cev_isotope *cev_isotope_find(const char *name);

static inline double cev_nucleus_mass_MeV(const cev_nucleus *nucleus)
{
    return nucleus->mass_u * CEV_ATOMIC_MASS_UNIT_MEV;
}

/* A bound on the recoil energy that a neutrino of energy_MeV can give, 2E^2/M; the exact limit, 2E^2/(M + 2E), is
 * smaller by 2E/M. What ends where is said by the kinematics of each interaction (cevscan/kinematics.h). */
static inline double cev_nucleus_recoil_max_keV(const cev_nucleus *nucleus, double energy_MeV)
{
    return 2 * energy_MeV * energy_MeV / cev_nucleus_mass_MeV(nucleus) * CEV_KEV_PER_MEV;
}

#endif
