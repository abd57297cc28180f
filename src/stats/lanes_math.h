/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic on lanes that C has no operator for. Everything is inlined into functions marked CEV_DISPATCH. */
#ifndef CEVSCAN_STATS_LANES_MATH_H
#define CEVSCAN_STATS_LANES_MATH_H

#include <math.h>
#include <string.h>

#include "cevscan/lanes.h"

#define CEV_INLINE static inline __attribute__((always_inline))

typedef uint64_t lanes_bits __attribute__((vector_size(CEV_LANES * sizeof(uint64_t))));

CEV_INLINE cev_lanes lanes_set(double x)
{
    return x - (cev_lanes){0};
}

/* yes where the mask is set, no elsewhere. */
CEV_INLINE cev_lanes lanes_select(cev_lanes_mask mask, cev_lanes yes, cev_lanes no)
{
    return (cev_lanes)(((cev_lanes_mask)yes & mask) | ((cev_lanes_mask)no & ~mask));
}

CEV_INLINE int lanes_any(cev_lanes_mask mask)
{
    int64_t any = 0;
    for (int l = 0; l < CEV_LANES; l++) any |= mask[l];
    return any != 0;
}

CEV_INLINE cev_lanes lanes_sqrt(cev_lanes x)
{
    for (int l = 0; l < CEV_LANES; l++) x[l] = sqrt(x[l]);
    return x;
}

/* Natural logarithm of normal positive numbers; 0 for x = 1 exactly, error below 1 ulp + 1e-17. Ours, because a library's
 * vector logarithms differ in the last bit from one instruction set to the next, and a map must not.
 * x = 2^k m with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s), s = (m - 1)/(m + 1), |s| < 0.1716: the series to s^21
 * leaves 1e-18. */
CEV_INLINE cev_lanes lanes_log(cev_lanes x)
{
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcd, bias = (uint64_t)1024 << 52, two52 = 0x4330000000000000;
    const double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45; /* the high part has 11 spare bits for k */
    lanes_bits bits = (lanes_bits)x;
    lanes_bits biased_k = (bits - sqrt_half + bias) >> 52;
    cev_lanes k = (cev_lanes)(biased_k | two52) - (0x1p52 + 1024);
    cev_lanes f = (cev_lanes)(bits - ((biased_k - 1024) << 52)) - 1.0;
    cev_lanes s = f / (2.0 + f), z = s * s;
    cev_lanes series = lanes_set(1.0 / 21);
    series = series * z + 1.0 / 19;
    series = series * z + 1.0 / 17;
    series = series * z + 1.0 / 15;
    series = series * z + 1.0 / 13;
    series = series * z + 1.0 / 11;
    series = series * z + 1.0 / 9;
    series = series * z + 1.0 / 7;
    series = series * z + 1.0 / 5;
    series = series * z + 1.0 / 3;
    /* 2 s (1 + z series) = f - s (f - 2 z series): the leading term is exact. */
    cev_lanes small = k * ln2_low - s * (f - 2.0 * z * series);
    return k * ln2_high + (f + small);
}

#endif
