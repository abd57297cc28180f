/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fit and its slopes, for processors with AVX2 (x86-64-v3). */
#include "cevscan/lanes.h"

#if CEV_HAS_LEVELS
#ifndef __AVX2__
#error "compile this file for its processors: see the Makefile"
#endif
#define CEV_PROFILE_KERNEL cev_profile_block_avx2
#include "profile_kernel.h"
#define CEV_SLOPES_KERNEL cev_slopes_block_avx2
#include "profile_slopes_kernel.h"
#endif
