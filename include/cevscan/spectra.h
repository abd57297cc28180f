/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What templates are folded from, at one value of all parameters: for tables, plots, and checks of a detector. */
#ifndef CEVSCAN_SPECTRA_H
#define CEVSCAN_SPECTRA_H

#include "cevscan/experiment.h"
#include "cevscan/interaction.h"

/* The experiment as theta[n_parameter] makes it: the flux and the radius of the neutrons that take the place of its
 * own, and the spectra behind matter with the couplings of theta, if the source wants these. Shares all else with the
 * first one; what is new lives in the arena. CEV_E_INPUT if the source wants couplings and the interaction has none. */
cev_status cev_experiment_at(cev_arena *arena, const cev_experiment *experiment, const cev_interaction *interaction,
                             const double *theta, cev_experiment *out);

/* --- of what cev_experiment_at() gives -------------------------------------------------------------------------- */

/* Events per keV of true recoil energy recoil_keV > 0 in the whole exposure, of one component of the source on one
 * nucleus, before any response. */
double cev_recoil_spectrum_per_keV(const cev_experiment *at, const cev_interaction *interaction, size_t nucleus,
                                   size_t component, double recoil_keV, const double *theta);

/* dsigma/dT in cm^2 per keV averaged over the spectrum of a component; neutrinos too weak for the recoil count as 0. */
double cev_mean_cross_section_cm2_per_keV(const cev_experiment *at, const cev_interaction *interaction, size_t nucleus,
                                          size_t component, double recoil_keV, const double *theta);

/* dsigma/dT in cm^2 per keV of neutrinos of one energy. */
double cev_cross_section_of_flavour_cm2_per_keV(const cev_experiment *at, const cev_interaction *interaction,
                                                size_t nucleus, cev_flavour flavour, double energy_MeV,
                                                double recoil_keV, const double *theta);

/* Neutrinos of a component per cm^2 and MeV in the whole exposure; 0 for a line, and outside its range. */
double cev_fluence_per_cm2_MeV(const cev_experiment *at, size_t component, double energy_MeV);

/* Days of exposure; NaN where the source does not know them. */
double cev_live_days(const cev_experiment *experiment);

#endif
