/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/profile.h"

#include "profile_plan.h"

void cev_profile_block(const cev_profile *profile, cev_profile_scratch *scratch, const double *const *data,
                       const cev_lanes *const *signal, const cev_lanes *given, const cev_lanes *start,
                       cev_profile_result *result)
{
    profile->kernel(profile, scratch, data, signal, given, start, result);
}

cev_status cev_profile_use_level(cev_profile *profile, cev_level level)
{
    if (level > cev_level_best())
        return cev_fail(CEV_E_INPUT, "this processor or program has no level %s; its best is %s",
                        cev_level_names[level], cev_level_names[cev_level_best()]);
#if CEV_HAS_LEVELS
    static cev_profile_kernel *const kernels[CEV_N_LEVELS] = {cev_profile_block_baseline, cev_profile_block_avx2,
                                                              cev_profile_block_avx512};
    profile->kernel = kernels[level];
#else
    profile->kernel = cev_profile_block_baseline;
#endif
    return CEV_OK;
}
