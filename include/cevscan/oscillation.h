/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flavour of solar neutrinos: three flavours, adiabatic in the Sun, coherent through the layers of the Earth. */
#ifndef CEVSCAN_OSCILLATION_H
#define CEVSCAN_OSCILLATION_H

#include "cevscan/flavour.h"

typedef struct cev_oscillation {
    double theta12_rad, theta13_rad, theta23_rad, delta_rad;
    double dm21_eV2, dm31_eV2; /* dm31 < 0: inverted ordering */
} cev_oscillation;

/* Of a neutrino that leaves the Sun: the share of each mass eigenstate,
 *     w_i = <|U^m_ei|^2> over the places where 8B neutrinos are made,
 * U^m the eigenvectors, in the order of the eigenvalues, of H = U diag(0, dm21, dm31) U^+/2E + sqrt(2) G_F n_e diag(1, 0, 0)
 * (S. P. Mikheyev, A. Yu. Smirnov; S. J. Parke, Phys. Rev. Lett. 57 (1986) 1275). energy_MeV > 0. The shares sum to 1. */
void cev_solar_mass_shares(const cev_oscillation *oscillation, double energy_MeV, double share[3]);

/* P(nu_e -> nu_a) = sum_i w_i |U_ai|^2: by day. The probabilities sum to 1. */
void cev_solar_probabilities(const cev_oscillation *oscillation, double energy_MeV, double probability[CEV_N_FLAVOURS]);

/* The same at night, averaged over a year at a latitude: sum_i w_i P_Earth(nu_i -> nu_a). */
void cev_solar_probabilities_at_night(const cev_oscillation *oscillation, double energy_MeV, double latitude_deg,
                                      double probability[CEV_N_FLAVOURS]);

#endif
