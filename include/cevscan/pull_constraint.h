/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of a nuisance parameter a before any data: its term in chi2. */
#ifndef CEVSCAN_PULL_CONSTRAINT_H
#define CEVSCAN_PULL_CONSTRAINT_H

typedef enum cev_pull_constraint {
    CEV_CONSTRAINT_GAUSSIAN,  /* (a/sigma)^2 */
    CEV_CONSTRAINT_GAMMA,     /* 2 [a - ln(1 + a)]/sigma^2, a > -1: what a sideband of 1/sigma^2 counts says of 1 + a */
    CEV_CONSTRAINT_LOGNORMAL, /* [ln(1 + a)/sigma]^2, a > -1 */
    CEV_CONSTRAINT_NONE,      /* 0: free */
    CEV_N_CONSTRAINTS
} cev_pull_constraint;

extern const char *const cev_pull_constraint_names[CEV_N_CONSTRAINTS]; /* "gaussian", "gamma", "lognormal", "none" */

/* The term of one pull at a; infinite outside of a constraint's range. */
double cev_pull_constraint_chi2(cev_pull_constraint constraint, double sigma, double a);

#endif
