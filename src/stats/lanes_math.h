/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic on as many lanes of a block as one register of the processor holds, for the files of this room that are
 * compiled once for each level (cevscan/lanes.h). A block is worked through in CEV_LANE_PARTS parts. The compiler
 * lowers vectors wider than a register to scalars as soon as they are compared, so code that compares stays within one.
 */
#ifndef CEVSCAN_STATS_LANES_MATH_H
#define CEVSCAN_STATS_LANES_MATH_H

#include <math.h>
#include <string.h>

#include "cevscan/lanes.h"

#define CEV_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__) && defined(__AVX512DQ__)
enum { LANES = 8 };
#elif defined(__AVX2__)
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif
enum { CEV_LANE_PARTS = CEV_LANES / LANES };

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t lanes_mask __attribute__((vector_size(LANES * sizeof(int64_t)))); /* 0 or -1 per lane */
typedef uint64_t lanes_bits __attribute__((vector_size(LANES * sizeof(uint64_t))));

CEV_INLINE lanes lanes_set(double x)
{
    return x - (lanes){0};
}

/* One part of a row of a block; `from` is that part's first lane. */
CEV_INLINE lanes lanes_load(const double *from)
{
    lanes x;
    memcpy(&x, from, sizeof x);
    return x;
}

CEV_INLINE void lanes_store(double *to, lanes x)
{
    memcpy(to, &x, sizeof x);
}

/* yes where the mask is set, no elsewhere. */
CEV_INLINE lanes lanes_select(lanes_mask mask, lanes yes, lanes no)
{
    return (lanes)(((lanes_mask)yes & mask) | ((lanes_mask)no & ~mask));
}

CEV_INLINE lanes lanes_larger(lanes a, lanes b)
{
    return lanes_select(a > b, a, b);
}

CEV_INLINE int lanes_any(lanes_mask mask)
{
    int64_t any = 0;
    for (int l = 0; l < LANES; l++) any |= mask[l];
    return any != 0;
}

CEV_INLINE lanes lanes_sqrt(lanes x)
{
    for (int l = 0; l < LANES; l++) x[l] = sqrt(x[l]);
    return x;
}

/* z P(z), z = s^2, with artanh(s) = s + s z P(z) for |s| < 0.1716, to 5e-18 s: P interpolates at Chebyshev nodes. */
CEV_INLINE lanes lanes_artanh_series(lanes s)
{
    lanes z = s * s, series = lanes_set(0x1.2b584aae78c40p-4);
    series = series * z + 0x1.39fe606542db6p-4;
    series = series * z + 0x1.7462b4ab2ef6cp-4;
    series = series * z + 0x1.c71c62e5800a1p-4;
    series = series * z + 0x1.2492492df148dp-3;
    series = series * z + 0x1.99999999952e2p-3;
    series = series * z + 0x1.5555555555558p-2;
    return series * z;
}

/* The k of x = 2^k m with m in [sqrt(1/2), sqrt(2)): as a number, and as what is to be taken from the bits of a number
 * to scale it with 2^-k. */
typedef struct lanes_exponent {
    lanes k;
    lanes_bits shift;
} lanes_exponent;

CEV_INLINE lanes_exponent lanes_exponent_of(lanes x)
{
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcd, bias = (uint64_t)1024 << 52, two52 = 0x4330000000000000;
    lanes_bits biased_k = ((lanes_bits)x - sqrt_half + bias) >> 52;
    return (lanes_exponent){.k = (lanes)(biased_k | two52) - (0x1p52 + 1024), .shift = (biased_k - 1024) << 52};
}

#define LN2_HIGH 0x1.62e42fefa38p-1 /* with 11 spare bits for k */
#define LN2_LOW 0x1.ef35793c7673p-45

/* Natural logarithm of normal positive numbers; 0 for x = 1 exactly, error below 1 ulp + 1e-17. Ours, because a
 * library's vector logarithms differ in the last bit from one instruction set to the next, and a map must not. ln m = 2
 * artanh(s), s = (m - 1)/(m + 1). */
CEV_INLINE lanes lanes_log(lanes x)
{
    lanes_exponent e = lanes_exponent_of(x);
    lanes f = (lanes)((lanes_bits)x - e.shift) - 1.0;
    lanes s = f / (2.0 + f);
    /* 2 s (1 + series) = f - s (f - 2 series): the leading term is exact. */
    lanes small = e.k * LN2_LOW - s * (f - 2.0 * lanes_artanh_series(s));
    return e.k * LN2_HIGH + (f + small);
}

/* ln(x/y) for normal positive numbers whose ratio is one too, given 1/y to rounding: one division instead of two, 0 for
 * x = y exactly, and no digits lost where x is near y. In two steps, so that two logarithms can share the division:
 * ln(x/y) = k ln 2 + 2 artanh(f/q). */
typedef struct lanes_ratio {
    lanes k, f, q;
} lanes_ratio;

CEV_INLINE lanes_ratio lanes_reduce_ratio(lanes x, double y, double inverse_y)
{
    lanes_exponent e = lanes_exponent_of(x * inverse_y);
    lanes m = (lanes)((lanes_bits)x - e.shift);
    return (lanes_ratio){.k = e.k, .f = m - y, .q = m + y};
}

CEV_INLINE lanes lanes_log_of_ratio(lanes_ratio r, lanes inverse_q)
{
    lanes s = r.f * inverse_q, twice = s + s;
    return r.k * LN2_HIGH + (twice + (r.k * LN2_LOW + twice * lanes_artanh_series(s)));
}

#endif
