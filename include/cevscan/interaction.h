/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Neutrino-nucleus interactions, as coefficients times shapes.
 *
 * The cross section of flavour a on a nucleus is
 *     dsigma/dT = sum_k c_k(theta; a, nucleus) s_k(E, T; nucleus, slow parameters),
 * with coefficients c that depend on the energies not at all, and shapes s that depend on the fast parameters not at all.
 * Templates are made of the shapes once; a grid point costs the coefficients and one contraction.
 *
 * To add an interaction: one file interaction_NAME.c with one const cev_interaction, one line in interaction.c. */
#ifndef CEVSCAN_INTERACTION_H
#define CEVSCAN_INTERACTION_H

#include "cevscan/flavour.h"
#include "cevscan/form_factor.h"
#include "cevscan/lanes.h"
#include "cevscan/nucleus.h"
#include "cevscan/parameter.h"

typedef struct cev_interaction {
    cev_card card; /* the defaults of its parameters are the standard model */
    size_t n_term;                   /* number of k, at most CEV_MAX_TERMS */

    /* s_k in cm^2 per keV for unit coefficient, at energy_MeV > 0 and 0 <= recoil_keV; zero beyond the kinematic limit.
     * theta[n_parameter]: only the slow parameters may be read. */
    double (*shape_cm2_per_keV)(size_t term, const cev_nucleus *nucleus, const cev_form_factor *form_factor,
                                double energy_MeV, double recoil_keV, const double *theta);

    /* c_k for a block of points: theta[n_parameter] and coefficient[n_term] hold one value per lane each. */
    void (*coefficients)(const cev_nucleus *nucleus, cev_flavour flavour, const cev_lanes *theta, cev_lanes *coefficient);
} cev_interaction;

enum { CEV_MAX_TERMS = 8 };

/* All interactions: "nsi". */
extern const cev_interaction *const cev_interactions[];
extern const size_t cev_n_interactions;

extern const cev_interaction cev_interaction_nsi;

#endif
