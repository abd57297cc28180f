/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fit and its slopes, for any processor that the program runs on. */
#define CEV_PROFILE_KERNEL cev_profile_block_baseline
#include "profile_kernel.h"
#define CEV_SLOPES_KERNEL cev_slopes_block_baseline
#include "profile_slopes_kernel.h"
