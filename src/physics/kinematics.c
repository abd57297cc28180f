/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/kinematics.h"

#include <math.h>

const cev_kinematics cev_kinematics_vector_leading = {"vector, leading order", {1, 0, -0.5}, CEV_LIMIT_LEADING};
const cev_kinematics cev_kinematics_vector = {"vector", {1, -1, -0.5}, CEV_LIMIT_EXACT};
const cev_kinematics cev_kinematics_axial = {"axial", {1, -1, 0.5}, CEV_LIMIT_EXACT};
const cev_kinematics cev_kinematics_scalar = {"scalar", {0, 0, 1}, CEV_LIMIT_EXACT};
const cev_kinematics cev_kinematics_longitudinal = {"longitudinal", {1, -1, 0}, CEV_LIMIT_EXACT};

double cev_kinematics_value(const cev_kinematics *kinematics, double mass_MeV, double energy_MeV, double recoil_MeV)
{
    const double *c = kinematics->coefficient;
    return c[0] + c[1] * recoil_MeV / energy_MeV + c[2] * mass_MeV * recoil_MeV / (energy_MeV * energy_MeV);
}

double cev_energy_min_MeV(cev_recoil_limit limit, double mass_MeV, double recoil_MeV)
{
    if (limit == CEV_LIMIT_LEADING) return sqrt(mass_MeV * recoil_MeV / 2);
    return (recoil_MeV + sqrt(recoil_MeV * (recoil_MeV + 2 * mass_MeV))) / 2;
}

double cev_recoil_max_MeV(cev_recoil_limit limit, double mass_MeV, double energy_MeV)
{
    return 2 * energy_MeV * energy_MeV / (limit == CEV_LIMIT_LEADING ? mass_MeV : mass_MeV + 2 * energy_MeV);
}
