/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fit of one group at one point in quadruple precision, for the few points that are beyond the lanes of
 * profile_kernel.h. Compiled once, so that all levels give the same bits. */
#ifndef CEVSCAN_STATS_PROFILE_CAREFUL_H
#define CEVSCAN_STATS_PROFILE_CAREFUL_H

#include "profile_plan.h"

cev_status cev_careful_scratch_create(cev_arena *arena, const cev_profile *profile, careful_scratch *out);

/* signal[n_channel] points to [1 + n_shape][n_bin] counts, CEV_LANES doubles apart, as the lanes have them. */
typedef struct careful_problem {
    const cev_profile *profile;
    const plan_group *group;
    const double *const *data, *const *signal;
    size_t lane; /* to add to the pointers to the signal */
} careful_problem;

/* False if it does not get there. Otherwise chi2, pull[n_pull], variable[n_variable] of the group, and, where the
 * channels' pointers are not NULL, the counts predicted[n_channel][n_bin], CEV_LANES doubles apart. */
bool cev_profile_careful(const careful_problem *problem, careful_scratch *scratch, double *chi2, double *pull,
                         double *variable, double *const *predicted);

typedef enum careful_end {
    CAREFUL_FOUND,
    CAREFUL_NOWHERE, /* no pulls were found with which all counts are positive, or what they are given makes impossible */
    CAREFUL_LOST
} careful_end;

/* The same of a general group, whose given pulls have the values given[n_pull of the fit], CEV_LANES doubles apart and
 * moved to the lane, NULL for zeros; within the pulls' bounds if `bounded`. */
careful_end cev_profile_careful_general(const careful_problem *problem, const double *given, bool bounded,
                                        careful_scratch *scratch, double *chi2, double *pull, double *const *predicted);

/* Counts of a component in a bin; and half of a bin's share of chi2, all of it in double precision. */
double cev_careful_counts(const careful_problem *problem, size_t channel, size_t component, size_t bin);
double cev_careful_deviance(double predicted, double observed);

#endif
