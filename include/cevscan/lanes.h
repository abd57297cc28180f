/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A block of grid points that travels through the engine together, one point per SIMD lane.
 *
 * Arrays over a block are laid out [..][CEV_LANES]: neighbouring doubles are neighbouring points. A cev_lanes is one such
 * row; the compiler maps it to one AVX-512 register, two of AVX2 or four of SSE2. Nothing mixes lanes, and the library is
 * compiled without contraction into fused multiply-adds, so a point's result has the same bits on each of them, whichever
 * points share its block. */
#ifndef CEVSCAN_LANES_H
#define CEVSCAN_LANES_H

#include <stdint.h>

enum { CEV_LANES = 8 };

typedef double cev_lanes __attribute__((vector_size(CEV_LANES * sizeof(double))));
typedef int64_t cev_lanes_mask __attribute__((vector_size(CEV_LANES * sizeof(int64_t)))); /* 0 or -1 per lane */

/* Marks a function that works on lanes: built for baseline x86-64, AVX2 and AVX-512, the best one picked when the program
 * is loaded. Elsewhere, and where a sanitizer would run before the loader has picked, it is plain portable C. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(CEV_NO_DISPATCH)
#define CEV_DISPATCH __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define CEV_DISPATCH
#endif

#endif
