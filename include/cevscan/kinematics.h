/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How cross sections depend on the energy of the neutrino.
 *
 * Every interaction is a sum of terms, each a factor that knows the recoil energy T times one of these functions K(E, T). Only they
 * have to be averaged over a spectrum, and that average serves every coupling, mediator mass and form factor. */
#ifndef CEVSCAN_KINEMATICS_H
#define CEVSCAN_KINEMATICS_H

typedef struct cev_kinematics {
    const char *name;
    /* K, a pure number, inside the limits below; all energies in MeV. */
    double (*value)(double mass_MeV, double energy_MeV, double recoil_MeV);
    /* Smallest neutrino energy that gives a recoil, and largest recoil that an energy gives: each other's inverse. */
    double (*energy_min_MeV)(double mass_MeV, double recoil_MeV);
    double (*recoil_max_MeV)(double mass_MeV, double energy_MeV);
} cev_kinematics;

/* 1 - MT/(2E^2): the leading order in T/E, up to T = 2E^2/M where it vanishes (arXiv:2208.11771, eq. 1). */
extern const cev_kinematics cev_kinematics_vector_leading;

/* 1 - T/E - MT/(2E^2), which vanishes at the kinematic limit T = 2E^2/(M + 2E) (arXiv:2409.04703; D. Z. Freedman, Phys. Rev. D 9
 * (1974) 1389, to that order). */
extern const cev_kinematics cev_kinematics_vector;

/* 1 - T/E + MT/(2E^2), up to the same limit: transverse axial currents (arXiv:2409.04703). */
extern const cev_kinematics cev_kinematics_axial;

/* MT/E^2: currents that flip the neutrino's helicity, as of a scalar mediator (arXiv:2411.11749). */
extern const cev_kinematics cev_kinematics_scalar;

/* 1 - T/E: the longitudinal part of a tensor current (the same). */
extern const cev_kinematics cev_kinematics_longitudinal;

#endif
