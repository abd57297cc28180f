/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/experiment.h"

#include <math.h>

const char *const cev_statistic_names[CEV_N_STATISTICS] =
    {[CEV_STATISTIC_POISSON] = "poisson", [CEV_STATISTIC_GAUSSIAN] = "gaussian"};

double cev_target_n_nuclei(const cev_target *target, size_t nucleus)
{
    double units = CEV_AVOGADRO_PER_MOL * target->mass_kg * 1e3 / target->molar_mass_g_per_mol;
    return units * target->per_unit[nucleus];
}

double cev_experiment_recoil_max_keV(const cev_source *source, const cev_target *target)
{
    double energy_MeV = 0, recoil_keV = 0;
    for (size_t c = 0; c < source->kind->n_component; c++)
        energy_MeV = fmax(energy_MeV, source->kind->components[c].energy_max_MeV);
    for (size_t k = 0; k < target->n_nucleus; k++)
        recoil_keV = fmax(recoil_keV, cev_nucleus_recoil_max_keV(&target->nucleus[k], energy_MeV));
    return recoil_keV;
}

size_t cev_experiment_n_shape(const cev_experiment *experiment)
{
    size_t n = 0;
    for (size_t p = 0; p < experiment->n_pull; p++) n += experiment->pull[p].up != NULL;
    return n;
}
