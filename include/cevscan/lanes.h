/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A block of grid points that travels through the engine together, one point per SIMD lane.
 *
 * Arrays over a block are laid out [..][CEV_LANES]: neighbouring doubles are neighbouring points. A cev_lanes is one
 * such row; the compiler maps it to one AVX-512 register, two of AVX2 or four of SSE2. Nothing mixes lanes, and the
 * library is compiled without contraction into fused multiply-adds, so a fit from a given start has the same bits on
 * each of them, whichever points share its block. */
#ifndef CEVSCAN_LANES_H
#define CEVSCAN_LANES_H

#include <stdint.h>

enum { CEV_LANES = 8 };

typedef double cev_lanes __attribute__((vector_size(CEV_LANES * sizeof(double))));
typedef int64_t cev_lanes_mask __attribute__((vector_size(CEV_LANES * sizeof(int64_t)))); /* 0 or -1 per lane */

/* What a processor can do. Code that compares lanes is built for each of these and chosen at run time; elsewhere than
 * on x86-64, and where a sanitizer or another program builds the files by itself (CEV_NO_DISPATCH), there is the
 * baseline only. */
typedef enum cev_level { CEV_LEVEL_BASELINE, CEV_LEVEL_AVX2, CEV_LEVEL_AVX512, CEV_N_LEVELS } cev_level;

extern const char *const cev_level_names[CEV_N_LEVELS]; /* "baseline", "avx2", "avx512" */

/* The highest level that this processor and this program have. */
cev_level cev_level_best(void);

#if defined(__x86_64__) && defined(__GNUC__) && !defined(CEV_NO_DISPATCH)
#define CEV_HAS_LEVELS 1
#else
#define CEV_HAS_LEVELS 0
#endif

/* Marks a function that only adds and multiplies lanes, for the compiler to build for each level by itself; the best
 * one is picked when the program is loaded. */
#if CEV_HAS_LEVELS && !defined(__clang__)
#define CEV_DISPATCH __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define CEV_DISPATCH
#endif

#endif
