/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates: counts per bin for unit coefficient, folded once for each value of the slow parameters.
 *
 * A row is one term of the interaction on one nucleus in one component of the source,
 *     t_i = n_nuclei fluence Int dT P_i(T) f_k(T) Int dE phi(E) K_k(E, T),
 * with P_i the response of bin i, phi the normalised spectrum (or a line), f_k the factor and K_k the kinematics of
 * the interaction's term; T runs from zero, so that recoils below threshold are smeared into the bins. Where arrival
 * time is measured, the component's share in each window multiplies it. */
#ifndef CEVSCAN_TEMPLATES_H
#define CEVSCAN_TEMPLATES_H

#include "cevscan/experiment.h"
#include "cevscan/interaction.h"

typedef struct cev_template_row {
    size_t nucleus;          /* index in the target */
    size_t source_component; /* index in the source's kind */
    size_t term;             /* k of the interaction */
} cev_template_row;

typedef struct cev_templates {
    size_t n_row, n_bin;
    cev_template_row *row; /* [n_row]; nuclei outermost, terms innermost */
    double *counts;        /* [n_row][n_bin] */
} cev_templates;

/* What the slow parameters do not change: the recoil energies of the integral over T, the response at each of them,
 * and every kinematics averaged over every spectrum. The last changes with the couplings to quarks where the source
 * propagates neutrinos with them. The experiment and the interaction must outlive it. */
typedef struct cev_folding cev_folding;

/* theta[n_parameter]: only parameters that choose between kinematics are read, and couplings to quarks. CEV_E_INPUT if
 * the source wants these, and the interaction has none or not as cev_interaction_in_matter() makes them. */
cev_status cev_folding_create(const cev_experiment *experiment, const cev_interaction *interaction, const double *theta,
                              cev_folding **out);
void cev_folding_destroy(cev_folding **folding);

/* Allocates templates for cev_folding_fill(), from the arena. */
cev_status cev_folding_templates(cev_arena *arena, const cev_folding *folding, cev_templates *out);

/* Folds every row; theta[n_parameter] gives the slow parameters. Relative accuracy 1e-9 of a bin for smooth spectra.
 * Allocates nothing, cannot fail. The same whatever was folded before. */
void cev_folding_fill(cev_folding *folding, const double *theta, cev_templates *templates);

/* All of this at once. */
cev_status cev_templates_fold(cev_arena *arena, const cev_experiment *experiment, const cev_interaction *interaction,
                              const double *theta, cev_templates *out);

/* Counts per keV of *true* recoil energy for unit coefficient and full acceptance: the integrand above without P_i.
 * Spectra are those without couplings to quarks on the way. Public for tests and for plots of recoil spectra. */
double cev_recoil_rate_per_keV(const cev_experiment *experiment, const cev_interaction *interaction,
                               const cev_template_row *row, double recoil_keV, const double *theta);

#endif
