/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moments of a source's spectra: integrals of 1, 1/E and 1/E^2, of which kinematics are made. */
#ifndef CEVSCAN_EXPERIMENT_SPECTRUM_MOMENTS_H
#define CEVSCAN_EXPERIMENT_SPECTRUM_MOMENTS_H

#include <gsl/gsl_integration.h>

#include "cevscan/kinematics.h"
#include "cevscan/source.h"

/* Gauss-Legendre order of a panel. Sixteen points are exact for the polynomial spectra of pion decay at rest, and reach
 * 1e-12 for an error function across one resolution. */
enum { CEV_PANEL_ORDER = 16 };

typedef struct cev_moments {
    double of[CEV_N_MOMENTS];
} cev_moments;

/* Panels of a tabulated spectrum, between its knots; 0 of others. */
size_t cev_n_panel_of(const cev_source_component *component);

/* Of the source's component c between two energies, by one panel; the rule has CEV_PANEL_ORDER points. */
cev_moments cev_moments_of_panel(const cev_source *source, size_t c, const gsl_integration_glfixed_table *rule,
                                 double lo, double hi);

/* Above the smallest energy that gives a recoil. A tabulated spectrum is smooth between its knots only: the rest of the
 * panel is integrated, the panels above it are known (`above`, from each knot to the end; NULL to integrate them). */
cev_moments cev_moments_above(const cev_source *source, size_t c, const gsl_integration_glfixed_table *rule,
                              double lowest_MeV, const cev_moments *above);

#endif
