/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Non-standard vector couplings of neutrinos to the quarks of ordinary matter. */
#ifndef CEVSCAN_QUARK_COUPLINGS_H
#define CEVSCAN_QUARK_COUPLINGS_H

#include "cevscan/flavour.h"

/* eps_ab^q, in units of G_F as L = -2 sqrt(2) G_F eps_ab^q (nu_a gamma nu_b)(q gamma q): real and symmetric. All of
 * them shift the Hamiltonian of a neutrino by sqrt(2) G_F sum_q N_q eps_ab^q, N_q quarks per volume. */
typedef struct cev_quark_couplings {
    double u[CEV_N_FLAVOURS][CEV_N_FLAVOURS], d[CEV_N_FLAVOURS][CEV_N_FLAVOURS];
} cev_quark_couplings;

#endif
