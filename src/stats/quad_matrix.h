/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic in quadruple precision, where rounding must not be what decides: no library is needed for it. Elsewhere
 * than on x86 long double is as wide as that. */
#ifndef CEVSCAN_STATS_QUAD_MATRIX_H
#define CEVSCAN_STATS_QUAD_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__x86_64__) || defined(__i386__)
__extension__ typedef __float128 quad;
#else
typedef long double quad;
#endif

quad cev_quad_root(quad x);
quad cev_quad_log(quad x); /* of a positive number whose double is one, too */

/* The lower triangle L of A = L L^T, for at most CEV_PROFILE_MAX_PULLS rows; false if a pivot is not above `least`
 * times the diagonal element that it comes from. All matrices are [n][n]; A's lower triangle is read. */
bool cev_quad_cholesky(size_t n, const quad *a, double least, quad *l);

/* Inverse of a positive definite matrix; false if it is not. */
bool cev_quad_invert(size_t n, const quad *a, quad *inverse);

#endif
