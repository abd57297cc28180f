/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/pull_constraint.h"

#include <math.h>

const char *const cev_pull_constraint_names[CEV_N_CONSTRAINTS] = {"gaussian", "gamma", "lognormal", "none"};

double cev_pull_constraint_chi2(cev_pull_constraint constraint, double sigma, double a)
{
    double pull = a / sigma;
    switch (constraint) {
    case CEV_CONSTRAINT_NONE: return 0;
    case CEV_CONSTRAINT_GAMMA: return a > -1 ? 2 * (a - log1p(a)) / (sigma * sigma) : INFINITY;
    case CEV_CONSTRAINT_LOGNORMAL: pull = log1p(a) / sigma; return a > -1 ? pull * pull : INFINITY;
    default: return pull * pull;
    }
}
