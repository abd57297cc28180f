/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spectrum_moments.h"

#include <math.h>

cev_moments cev_moments_of_panel(const cev_source *source, size_t c, const gsl_integration_glfixed_table *rule,
                                 double lo, double hi)
{
    cev_moments sum = {{0}};
    for (size_t j = 0; j < CEV_PANEL_ORDER; j++) {
        double energy_MeV, weight;
        gsl_integration_glfixed_point(lo, hi, j, &energy_MeV, &weight, rule);
        double flux = weight * source->kind->components[c].spectrum_per_MeV(source, energy_MeV);
        for (size_t n = 0; n < CEV_N_MOMENTS; n++, flux /= energy_MeV) sum.of[n] += flux;
    }
    return sum;
}

static cev_moments moments_of_line(double energy_MeV)
{
    return (cev_moments){{1, 1 / energy_MeV, 1 / (energy_MeV * energy_MeV)}};
}

size_t cev_n_panel_of(const cev_source_component *c)
{
    return c->panel_MeV > 0 ? (size_t)ceil(c->energy_max_MeV / c->panel_MeV - 1e-9) : 0;
}

cev_moments cev_moments_above(const cev_source *source, size_t c, const gsl_integration_glfixed_table *rule,
                              double lowest_MeV, const cev_moments *above)
{
    const cev_source_component *from = &source->kind->components[c];
    double lo = fmax(lowest_MeV, from->energy_min_MeV);
    if (!from->spectrum_per_MeV)
        return lowest_MeV < from->energy_max_MeV ? moments_of_line(from->energy_max_MeV) : (cev_moments){{0}};
    if (lo >= from->energy_max_MeV) return (cev_moments){{0}};
    if (from->panel_MeV == 0) return cev_moments_of_panel(source, c, rule, lo, from->energy_max_MeV);
    size_t panel = (size_t)(lo / from->panel_MeV);
    cev_moments sum = cev_moments_of_panel(source, c, rule, lo,
                                           fmin((double)(panel + 1) * from->panel_MeV, from->energy_max_MeV));
    cev_moments rest = above ? above[panel + 1]
                             : cev_moments_above(source, c, rule, (double)(panel + 1) * from->panel_MeV, NULL);
    for (size_t n = 0; n < CEV_N_MOMENTS; n++) sum.of[n] += rest.of[n];
    return sum;
}
