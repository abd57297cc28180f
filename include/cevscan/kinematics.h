/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How cross sections depend on the energy of the neutrino.
 *
 * Every interaction is a sum of terms, each a factor that knows the recoil energy T times one of these:
 *     K(E, T) = a + b T/E + c MT/E^2,
 * so that a spectrum enters through three moments, of 1, 1/E and 1/E^2 above the smallest energy that gives the
 * recoil, which serve every coupling, mediator mass and form factor. */
#ifndef CEVSCAN_KINEMATICS_H
#define CEVSCAN_KINEMATICS_H

enum { CEV_N_MOMENTS = 3 };

/* Largest recoil: 2E^2/(M + 2E), or 2E^2/M, its leading order in E/M. */
typedef enum cev_recoil_limit { CEV_LIMIT_EXACT, CEV_LIMIT_LEADING, CEV_N_LIMITS } cev_recoil_limit;

typedef struct cev_kinematics {
    const char *name;
    double coefficient[CEV_N_MOMENTS]; /* a, b, c */
    cev_recoil_limit limit;
} cev_kinematics;

/* 1 - MT/(2E^2): the leading order in T/E, up to T = 2E^2/M where it vanishes (arXiv:2208.11771, eq. 1). */
extern const cev_kinematics cev_kinematics_vector_leading;

/* 1 - T/E - MT/(2E^2), which vanishes at the kinematic limit (arXiv:2409.04703; D. Z. Freedman, Phys. Rev. D 9 (1974)
 * 1389, to that order). */
extern const cev_kinematics cev_kinematics_vector;

/* 1 - T/E + MT/(2E^2): transverse axial currents (arXiv:2409.04703). */
extern const cev_kinematics cev_kinematics_axial;

/* MT/E^2: currents that flip the neutrino's helicity, as of a scalar mediator (arXiv:2411.11749). */
extern const cev_kinematics cev_kinematics_scalar;

/* 1 - T/E: the longitudinal part of a tensor current (the same). */
extern const cev_kinematics cev_kinematics_longitudinal;

/* K, a pure number, inside the limit; all energies in MeV. */
double cev_kinematics_value(const cev_kinematics *kinematics, double mass_MeV, double energy_MeV, double recoil_MeV);

/* Smallest neutrino energy that gives a recoil, and largest recoil that an energy gives: each other's inverse. */
double cev_energy_min_MeV(cev_recoil_limit limit, double mass_MeV, double recoil_MeV);
double cev_recoil_max_MeV(cev_recoil_limit limit, double mass_MeV, double energy_MeV);

#endif
