/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nuclear responses of the shell model, as fits to one-body density matrices:
 *
 *     W^{tt'}(y) = exp(-2y) sum_k c_k y^k,   y = (q b/2)^2,   b = sqrt(41.467/(45 A^(-1/3) - 25 A^(-2/3))) fm,
 *
 * in isospin t, t' = 0, 1 of the couplings c_0 = (c_p + c_n)/2 and c_1 = (c_p - c_n)/2; 4 pi/(2J + 1) W_M^00(0) = A^2. */
#ifndef CEVSCAN_NUCLEAR_RESPONSES_H
#define CEVSCAN_NUCLEAR_RESPONSES_H

#include <stddef.h>

enum { CEV_RESPONSE_COEFFICIENTS = 11 };

typedef enum cev_isospin { CEV_ISOSCALAR, CEV_MIXED_ISOSPIN, CEV_ISOVECTOR, CEV_N_ISOSPINS } cev_isospin;

typedef struct cev_nuclear_responses {
    int protons, neutrons;
    int twice_spin;                                                 /* 2J */
    double coherent[CEV_N_ISOSPINS][CEV_RESPONSE_COEFFICIENTS];     /* c_k of W_M: 00, 01 = 10, 11 */
    double axial[CEV_N_ISOSPINS][CEV_RESPONSE_COEFFICIENTS];        /* c_k of W_Sigma'; zero for J = 0 */
} cev_nuclear_responses;

extern const cev_nuclear_responses cev_nuclear_responses_table[];
extern const size_t cev_n_nuclear_responses;

#endif
