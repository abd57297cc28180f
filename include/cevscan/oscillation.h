/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flavour of solar neutrinos: three flavours, adiabatic in the Sun, coherent through the layers of the Earth.
 *
 * The Hamiltonian is, with n_e electrons per volume and non-standard couplings eps to quarks, of which there are N_q
 * for each electron, H = U diag(0, dm21, dm31) U^+/2E + sqrt(2) G_F n_e [diag(1, 0, 0) + sum_q (N_q/N_e) eps^q],
 *     N_u/N_e = 2 + Y_n,  N_d/N_e = 1 + 2 Y_n,
 * Y_n neutrons for each electron: in the Sun from 0.49 in the centre to 0.21 at a fifth of its radius, beyond which no
 * 8B is made; in the Earth 1.012 in the mantle and 1.137 in the core (M. C. Gonzalez-Garcia, M. Maltoni, JHEP 09
 * (2013) 152, arXiv:1307.3092). Only differences between flavours matter. Couplings that bring two eigenvalues
 * together on the way out of the Sun break the adiabaticity; that is not looked for. */
#ifndef CEVSCAN_OSCILLATION_H
#define CEVSCAN_OSCILLATION_H

#include "cevscan/quark_couplings.h"

typedef struct cev_oscillation {
    double theta12_rad, theta13_rad, theta23_rad, delta_rad;
    double dm21_eV2, dm31_eV2;            /* dm31 < 0: inverted ordering */
    const cev_quark_couplings *couplings; /* NULL: none beyond the standard model */
} cev_oscillation;

/* Of a neutrino that leaves the Sun: the share of each mass eigenstate,
 *     w_i = <|U^m_ei|^2> over the places where 8B neutrinos are made,
 * U^m the eigenvectors of H, in the order of the eigenvalues
 * (S. P. Mikheyev, A. Yu. Smirnov; S. J. Parke, Phys. Rev. Lett. 57 (1986) 1275). energy_MeV > 0. The shares sum to 1.
 */
void cev_solar_mass_shares(const cev_oscillation *oscillation, double energy_MeV, double share[3]);

/* P(nu_e -> nu_a) = sum_i w_i |U_ai|^2: by day. The probabilities sum to 1. */
void cev_solar_probabilities(const cev_oscillation *oscillation, double energy_MeV, double probability[CEV_N_FLAVOURS]);

/* The nights of a year at a latitude: weight[k] of the time in which the Sun's -cos(zenith) is within k/n and (k +
 * 1)/n, n = CEV_NIGHT_PATHS. The weights sum to 1. */
enum { CEV_NIGHT_PATHS = 240 };
typedef struct cev_solar_nights {
    double weight[CEV_NIGHT_PATHS];
} cev_solar_nights;

void cev_solar_nights_at(double latitude_deg, cev_solar_nights *nights);

/* P(nu_e -> nu_a) at night, averaged over these: sum_i w_i P_Earth(nu_i -> nu_a). */
void cev_solar_probabilities_at_night(const cev_oscillation *oscillation, double energy_MeV,
                                      const cev_solar_nights *nights, double probability[CEV_N_FLAVOURS]);

#endif
