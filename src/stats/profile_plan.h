/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cev_profile_create works out once: which channels hang together, and which pull acts where. */
#ifndef CEVSCAN_STATS_PROFILE_PLAN_H
#define CEVSCAN_STATS_PROFILE_PLAN_H

#include <stdbool.h>

#include "cevscan/arena.h"
#include "cevscan/profile.h"

/* Arithmetic only: no library is needed for it. Elsewhere than on x86 long double is as wide as that. */
#if defined(__x86_64__) || defined(__i386__)
__extension__ typedef __float128 quad;
#else
typedef long double quad;
#endif

/* Memory of one thread, for the largest group. A row is a bin: N = n0 + sum_p slope_p z_p. */
typedef struct careful_scratch {
    size_t n_row, *order;      /* [most rows] */
    quad *slope;               /* [most bins][most pulls], dN/dz, z_p = pull_p/sigma_p */
    quad *n0, *n;              /* [most bins]: counts without pulls, counts */
    double *data, *weight;     /* [most bins]; weight: 1/variance of a Gaussian channel, else 0 */
    quad *matrix, *right;      /* [most bins + most pulls][most pulls], and one column */
    quad *z, *step, *gradient; /* [most pulls] */
    size_t *column;            /* [most pulls] */
} careful_scratch;

typedef struct plan_link {
    size_t component, variable; /* variable: numbered within the group */
} plan_link;

typedef struct plan_channel {
    size_t n_bin, n_component; /* components: signal, backgrounds, shapes */
    size_t n_shape;
    const double *background; /* [n_component - 1 - n_shape][n_bin] */
    const double *weight;     /* [n_bin], 1/variance; NULL: Poisson */
    bool signal_is_pulled;
    size_t group;
    size_t n_link;
    plan_link *link; /* [n_link] */
    size_t n_pull_link;
    plan_link *pull_link; /* [n_pull_link], the same with the pulls as variables */
} plan_channel;

typedef struct plan_group {
    size_t n_channel, *channel; /* [n_channel] */
    size_t n_pull, *pull;       /* [n_pull], numbers in the fit */
    double *sigma;              /* [n_pull] */
    /* What is minimised over: the pulls; or, where they are more than the components that they move differently, the
     * shifts of those, sums of pulls. Two pulls on one strong signal would make a Hessian that no double precision can
     * invert. */
    size_t n_variable, first_variable; /* their places among those of all groups */
    double *inverse_covariance;        /* [n_variable][n_variable], of the shifts before any data */
    double *covariance;                /* the same */
    double *to_pull;                   /* [n_pull][n_variable]: the best pulls for given shifts */
    uint64_t *set;                     /* [n_variable]: the pulls, one bit each, that a variable is the sum of */
    bool linear;                       /* all its channels have variances */
} plan_group;

/* cev_profile_block() for the processors of one level. */
typedef void cev_profile_kernel(const cev_profile *profile, cev_profile_scratch *scratch, const double *const *data,
                                const cev_lanes *const *signal, const cev_lanes *start, cev_profile_result *result);
cev_profile_kernel cev_profile_block_baseline, cev_profile_block_avx2, cev_profile_block_avx512;

/* The same of cev_slopes_block() (profile_slopes.h). */
struct cev_slopes;
struct cev_slopes_scratch;
struct cev_slopes_result;
typedef void cev_slopes_kernel(const struct cev_slopes *slopes, struct cev_slopes_scratch *scratch,
                               const cev_lanes *form, const cev_lanes *given, const cev_lanes *start,
                               struct cev_slopes_result *result);
cev_slopes_kernel cev_slopes_block_baseline, cev_slopes_block_avx2, cev_slopes_block_avx512;

struct cev_profile {
    cev_arena *arena;
    size_t n_channel;
    plan_channel *channel;
    size_t n_pull, n_variable;
    size_t n_group;
    plan_group *group;
    cev_profile_kernel *kernel;
    cev_slopes_kernel *slopes;
};

struct cev_profile_scratch {
    cev_arena *arena;
    cev_lanes *base, *direction, *trial, *gradient; /* [most variables of a group] */
    cev_lanes *hessian;                             /* [most variables of a group]^2, lower triangle */
    const double **signal;                          /* [n_channel], of the block in work */
    double **scaled; /* [n_channel][1 + n_shape][n_bin][CEV_LANES], of channels whose signal is pulled or has shapes */
    const double **inverse_data; /* [n_channel], of the full ones, else NULL */
    double **inverse;            /* [n_channel][n_bin] */
    careful_scratch careful;
    double *careful_pull;       /* [CEV_LANES][n_pull]: the pulls of a group's points that were fitted with care */
    double **careful_predicted; /* [n_channel] */
};

#endif
