/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/kinematics.h"

#include <math.h>

static double vector_leading(double mass_MeV, double energy_MeV, double recoil_MeV)
{
    return 1 - mass_MeV * recoil_MeV / (2 * energy_MeV * energy_MeV);
}

static double vector(double mass_MeV, double energy_MeV, double recoil_MeV)
{
    return 1 - recoil_MeV / energy_MeV - mass_MeV * recoil_MeV / (2 * energy_MeV * energy_MeV);
}

static double axial(double mass_MeV, double energy_MeV, double recoil_MeV)
{
    return 1 - recoil_MeV / energy_MeV + mass_MeV * recoil_MeV / (2 * energy_MeV * energy_MeV);
}

static double scalar(double mass_MeV, double energy_MeV, double recoil_MeV)
{
    return mass_MeV * recoil_MeV / (energy_MeV * energy_MeV);
}

static double longitudinal(double mass_MeV, double energy_MeV, double recoil_MeV)
{
    (void)mass_MeV;
    return 1 - recoil_MeV / energy_MeV;
}

static double leading_energy_min_MeV(double mass_MeV, double recoil_MeV)
{
    return sqrt(mass_MeV * recoil_MeV / 2);
}

static double leading_recoil_max_MeV(double mass_MeV, double energy_MeV)
{
    return 2 * energy_MeV * energy_MeV / mass_MeV;
}

static double energy_min_MeV(double mass_MeV, double recoil_MeV)
{
    return (recoil_MeV + sqrt(recoil_MeV * (recoil_MeV + 2 * mass_MeV))) / 2;
}

static double recoil_max_MeV(double mass_MeV, double energy_MeV)
{
    return 2 * energy_MeV * energy_MeV / (mass_MeV + 2 * energy_MeV);
}

const cev_kinematics cev_kinematics_vector_leading = {
    .name = "vector, leading order",
    .value = vector_leading,
    .energy_min_MeV = leading_energy_min_MeV,
    .recoil_max_MeV = leading_recoil_max_MeV,
};
const cev_kinematics cev_kinematics_vector = {
    .name = "vector", .value = vector, .energy_min_MeV = energy_min_MeV, .recoil_max_MeV = recoil_max_MeV};
const cev_kinematics cev_kinematics_axial = {
    .name = "axial", .value = axial, .energy_min_MeV = energy_min_MeV, .recoil_max_MeV = recoil_max_MeV};
const cev_kinematics cev_kinematics_scalar = {
    .name = "scalar", .value = scalar, .energy_min_MeV = energy_min_MeV, .recoil_max_MeV = recoil_max_MeV};
const cev_kinematics cev_kinematics_longitudinal = {
    .name = "longitudinal", .value = longitudinal, .energy_min_MeV = energy_min_MeV, .recoil_max_MeV = recoil_max_MeV};
