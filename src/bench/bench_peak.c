/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a core can do at most, without fused multiply-adds, with the instructions that lanes are computed with. */
#include <stdint.h>

#include "bench.h"
#include "cevscan/lanes.h"

enum { N_CHAIN = 6, N_STEP = 1000000 };

/* Chains of products and of sums, none of which waits for another: enough to hide their latency, few enough for 16
 * registers. Its own vectors, each of one register: wider ones would be torn apart. Inlined into a function for each
 * level. */
#define DEFINE_CHAINS(name, bytes, attributes)                                                                         \
    typedef double name##_vector __attribute__((vector_size(bytes), aligned(8), may_alias));                           \
    attributes static double name(const double *from, double factor, double term)                                      \
    {                                                                                                                  \
        enum { WIDTH = (bytes) / 8 };                                                                                  \
        name##_vector product[N_CHAIN], sum[N_CHAIN], total = {0};                                                     \
        for (int k = 0; k < N_CHAIN; k++) {                                                                            \
            product[k] = *(const name##_vector *)(from + k * WIDTH);                                                   \
            sum[k] = *(const name##_vector *)(from + (k + N_CHAIN) * WIDTH);                                           \
        }                                                                                                              \
        for (int step = 0; step < N_STEP; step++) {                                                                    \
            _Pragma("GCC unroll 6") for (int k = 0; k < N_CHAIN; k++)                                                  \
            {                                                                                                          \
                product[k] *= factor;                                                                                  \
                sum[k] += term;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
        for (int k = 0; k < N_CHAIN; k++) total += product[k] + sum[k];                                                \
        return total[0];                                                                                               \
    }

/* A program with levels asks the processor, one that was built for a single level need not. */
#if CEV_HAS_LEVELS
DEFINE_CHAINS(chains_baseline, 16, )
DEFINE_CHAINS(chains_avx2, 32, __attribute__((target("avx2"))))
DEFINE_CHAINS(chains_avx512, 64, __attribute__((target("avx512f"))))

const char *bench_level(void)
{
    return cev_level_names[cev_level_best()];
}

static double run_chains(const double *from, double factor, double term, double *width)
{
    cev_level level = cev_level_best();
    *width = level == CEV_LEVEL_AVX512 ? 8 : level == CEV_LEVEL_AVX2 ? 4 : 2;
    return level == CEV_LEVEL_AVX512 ? chains_avx512(from, factor, term)
           : level == CEV_LEVEL_AVX2 ? chains_avx2(from, factor, term)
                                     : chains_baseline(from, factor, term);
}
#else
#if defined(__AVX512F__)
enum { BYTES = 64 };
#elif defined(__AVX2__)
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif
DEFINE_CHAINS(chains, BYTES, )

const char *bench_level(void)
{
    return cev_level_names[BYTES == 64 ? CEV_LEVEL_AVX512 : BYTES == 32 ? CEV_LEVEL_AVX2 : CEV_LEVEL_BASELINE];
}

static double run_chains(const double *from, double factor, double term, double *width)
{
    *width = BYTES / 8;
    return chains(from, factor, term);
}
#endif

double bench_peak(void)
{
    double from[2 * N_CHAIN * 8], width, best = 0;
    volatile double factor = 1 + 1e-9, term = 1e-9, kept; /* nothing that a compiler could work out */
    for (size_t k = 0; k < sizeof from / sizeof *from; k++) from[k] = 1 + (double)k;
    for (int attempt = 0; attempt < 10; attempt++) {
        double begin = bench_now_s();
        kept = run_chains(from, factor, term, &width);
        double rate = 2.0 * N_CHAIN * N_STEP * width / (bench_now_s() - begin);
        if (rate > best) best = rate;
    }
    (void)kept;
    return best;
}
