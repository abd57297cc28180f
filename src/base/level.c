/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/lanes.h"

#include <stdbool.h>

const char *const cev_level_names[CEV_N_LEVELS] = {"baseline", "avx2", "avx512"};

cev_level cev_level_best(void)
{
#if CEV_HAS_LEVELS
    /* The sets that x86-64-v3 and x86-64-v4 are made of, as far as the compilers' vectors use them. */
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd"))
        return CEV_LEVEL_AVX512;
    if (avx2) return CEV_LEVEL_AVX2;
#endif
    return CEV_LEVEL_BASELINE;
}
