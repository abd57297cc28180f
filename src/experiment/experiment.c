/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/experiment.h"

#include <math.h>
#include <stdio.h>

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

/* Of a table the numbers are all there is; a counting experiment has no upper edge. */
static void energy_text(const cev_experiment *x, size_t energy, char *out, size_t size)
{
    const char *unit = cev_observable_units[x->response.kind->observable];
    *out = '\0';
    if (x->response.kind->counting)
        snprintf(out, size, "from %g %s", x->bins.edge[0], unit);
    else if (x->response.kind->observable != CEV_OBSERVABLE_BIN)
        snprintf(out, size, "%g to %g %s", x->bins.edge[energy], x->bins.edge[energy + 1], unit);
}

void cev_experiment_bin_text(const cev_experiment *x, size_t bin, char *out, size_t size)
{
    char energy[64], time[64] = "";
    size_t t = bin / x->bins.n_energy;
    energy_text(x, bin % x->bins.n_energy, energy, sizeof energy);
    if (x->bins.time_edge_us)
        snprintf(time, sizeof time, "%s%g to %g us", *energy ? ", " : "", x->bins.time_edge_us[t],
                 x->bins.time_edge_us[t + 1]);
    snprintf(out, size, *energy || *time ? "bin %zu (%s%s)" : "bin %zu", bin + 1, energy, time);
}
