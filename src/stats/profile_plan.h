/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cev_profile_create works out once: which channels hang together, and which pull acts where. */
#ifndef CEVSCAN_STATS_PROFILE_PLAN_H
#define CEVSCAN_STATS_PROFILE_PLAN_H

#include <stdbool.h>

#include "cevscan/arena.h"
#include "cevscan/profile.h"

typedef struct plan_link {
    size_t component, pull; /* pull: numbered within the group */
} plan_link;

typedef struct plan_channel {
    size_t n_bin, n_component;
    const double *background; /* [n_component - 1][n_bin] */
    const double *weight;     /* [n_bin], 1/variance; NULL: Poisson */
    size_t group;
    size_t n_link;
    plan_link *link; /* [n_link] */
} plan_channel;

typedef struct plan_group {
    size_t n_channel, *channel; /* [n_channel] */
    size_t n_pull, *pull;       /* [n_pull], numbers in the fit */
    double *inverse_variance;   /* [n_pull] */
    bool linear;                /* all its channels have variances */
} plan_group;

struct cev_profile {
    cev_arena *arena;
    size_t n_channel;
    plan_channel *channel;
    size_t n_pull;
    size_t n_group;
    plan_group *group;
};

struct cev_profile_scratch {
    cev_arena *arena;
    cev_lanes *base, *direction, *trial, *gradient; /* [most pulls of a group] */
    cev_lanes *hessian;                             /* [most pulls of a group]^2, lower triangle */
};

#endif
