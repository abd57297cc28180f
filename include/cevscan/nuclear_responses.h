/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nuclear responses of the shell model, as fits to one-body density matrices:
 *
 *     W^{tt'}(y) = exp(-2y) sum_k c_k y^k,   y = (q b/2)^2,   b = sqrt(41.467/(45 A^(-1/3) - 25 A^(-2/3))) fm,
 *
 * in isospin t, t' = 0, 1 of the couplings c_0 = (c_p + c_n)/2 and c_1 = (c_p - c_n)/2; 4 pi/(2J + 1) W_M^00(0) = A^2.
 */
#ifndef CEVSCAN_NUCLEAR_RESPONSES_H
#define CEVSCAN_NUCLEAR_RESPONSES_H

#include <stddef.h>

#include "cevscan/nucleus.h"

enum { CEV_RESPONSE_COEFFICIENTS = 11 };

typedef enum cev_isospin { CEV_ISOSCALAR, CEV_MIXED_ISOSPIN, CEV_ISOVECTOR, CEV_N_ISOSPINS } cev_isospin;

typedef struct cev_nuclear_responses {
    int protons, neutrons;
    int twice_spin;                                                       /* 2J */
    double coherent[CEV_N_ISOSPINS][CEV_RESPONSE_COEFFICIENTS];           /* c_k of W_M: 00, 01 = 10, 11 */
    double axial[CEV_N_ISOSPINS][CEV_RESPONSE_COEFFICIENTS];              /* c_k of W_Sigma'; zero for J = 0 */
    double axial_longitudinal[CEV_N_ISOSPINS][CEV_RESPONSE_COEFFICIENTS]; /* c_k of W_Sigma'' */
    double spin_isoscalar; /* <S_p> + <S_n> where another source is preferred, else 0 */
} cev_nuclear_responses;

extern const cev_nuclear_responses cev_nuclear_responses_table[];
extern const size_t cev_n_nuclear_responses;

/* The entry of a nucleus, NULL if it is not in the table. */
const cev_nuclear_responses *cev_nuclear_responses_of(const cev_nucleus *nucleus);

/* c_k of one response at isospin t, summed at momentum transfer q. */
double cev_nuclear_response_at(const double *coefficient, const cev_nucleus *nucleus, double q_per_fm);

/* Isoscalar spin structure functions, transverse and longitudinal: S^T = 2/3 S_00, S^L = 1/3 S_00 at q = 0,
 * S_00(0) = (2J + 1)(J + 1)/(4 pi J) (<S_p> + <S_n>)^2, with the shapes of W_Sigma' and W_Sigma''. Zero for nuclei
 * without spin and those that are not in the table. arXiv:2411.11749, from P. Klos et al., Phys. Rev. D 88 (2013)
 * 083516. */
typedef struct cev_spin_structure {
    double transverse, longitudinal;
} cev_spin_structure;

cev_spin_structure cev_spin_structure_at(const cev_nucleus *nucleus, double q_per_fm);

#endif
