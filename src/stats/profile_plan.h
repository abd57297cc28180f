/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cev_profile_create works out once: which channels hang together, and which pull acts where. */
#ifndef CEVSCAN_STATS_PROFILE_PLAN_H
#define CEVSCAN_STATS_PROFILE_PLAN_H

#include <stdbool.h>

#include "cevscan/arena.h"
#include "cevscan/profile.h"
#include "quad_matrix.h"

/* Memory of one thread, for the largest group. A row is a bin: N = n0 + sum_p slope_p z_p. */
typedef struct careful_scratch {
    size_t n_row, *order;      /* [most rows] */
    quad *slope;               /* [most bins][most pulls], dN/dz, z_p = pull_p/sigma_p */
    quad *n0, *n;              /* [most bins]: counts without pulls, counts */
    double *data, *weight;     /* [most bins]; weight: 1/variance of a Gaussian channel, else 0 */
    quad *matrix, *right;      /* [most bins + most pulls][most pulls], and one column */
    quad *z, *step, *gradient; /* [most pulls] */
    size_t *column;            /* [most pulls] */
    quad *square;              /* [most bins][most pulls], of general groups: what N has of a pull's square */
    quad *factor;              /* [most pulls]^2 */
} careful_scratch;

typedef struct plan_link {
    size_t component, variable; /* variable: numbered within the group */
} plan_link;

/* The scale of `component` has the term weight * variable^power. */
typedef struct plan_term {
    size_t component, variable; /* variable: numbered within the group */
    double weight;
    int power; /* 1 or 2 */
} plan_term;

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
    size_t n_term;
    plan_term *term; /* [n_term], of any group: how its variables scale this channel's components */
} plan_channel;

typedef struct plan_group plan_group;

struct plan_group {
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
    const double *root; /* [n_pull][n_pull], lower: a = root z for pulls a and independent z; NULL: pulls are */
    bool all_careful;   /* correlations are so close that no fit in double precision is good enough */
    /* A general group has pulls that are not Gaussian, are bounded or given, or links with weights or powers. Its
     * variables are its pulls, the given ones included; inverse_covariance is that of the Gaussian ones, and has zeros
     * for the others. Which derivatives belong to all that: profile_scales.h. */
    bool general;
    bool bounded;                /* some pull that is not given has a bound */
    bool curved;                 /* chi2 need not be convex: lognormal pulls, or powers of 2 */
    const cev_pull_prior *prior; /* [n_pull] of a general group, else NULL */
    plan_group *inside;          /* of a general group that nothing but bounds makes one: the same without them */
};

cev_status cev_profile_check(const cev_profile_spec *spec);
cev_pull_prior cev_prior_of(const cev_profile_spec *spec, size_t pull); /* Gaussian where none is said */

/* profile_priors.c: what is known of pulls, into the profile; and whether two hang together by it. */
cev_status cev_profile_copy_priors(const cev_profile_spec *spec, cev_profile *profile);
bool cev_profile_correlated(const cev_profile *profile, size_t one, size_t other); /* directly, or the same */
quad cev_pull_covariance(const cev_profile *profile, size_t one, size_t other);

/* Whether rounding of t V^-1 t is too much for double precision, V = covariance and its inverse, [n][n]. */
bool cev_is_inflated(size_t n, const quad *covariance, const quad *inverse);

cev_status cev_plan_group_allocate(cev_arena *arena, size_t n_pull, plan_group *group);

/* Makes the group's pulls its variables, and it a general one if it has to be. Terms of its channels are laid out. */
cev_status cev_profile_lay_out_general(cev_profile *profile, plan_group *group);

/* cev_profile_block() for the processors of one level. */
typedef void cev_profile_kernel(const cev_profile *profile, cev_profile_scratch *scratch, const double *const *data,
                                const cev_lanes *const *signal, const cev_lanes *given, const cev_lanes *start,
                                cev_profile_result *result);
cev_profile_kernel cev_profile_block_baseline, cev_profile_block_avx2, cev_profile_block_avx512;

struct cev_profile {
    cev_arena *arena;
    size_t n_channel;
    plan_channel *channel;
    size_t n_pull, n_variable;
    size_t n_group;
    plan_group *group;
    double *sigma;         /* [n_pull] */
    cev_pull_prior *prior; /* [n_pull] */
    double *correlation;   /* [n_pull][n_pull]; NULL: none */
    quad *precision;       /* [n_pull][n_pull], inverse of the covariance of all pulls, if some are correlated */
    cev_profile_kernel *kernel;
};

struct cev_profile_scratch {
    cev_arena *arena;
    cev_lanes *base, *direction, *trial, *gradient; /* [most variables of a group] */
    cev_lanes *hessian;                             /* [most variables of a group]^2, lower triangle */
    cev_lanes *factor;                              /* the same, of general groups */
    const double **signal;                          /* [n_channel], of the block in work */
    double **scaled; /* [n_channel][1 + n_shape][n_bin][CEV_LANES], of channels whose signal is pulled or has shapes */
    const double **inverse_data; /* [n_channel], of the full ones, else NULL */
    double **inverse;            /* [n_channel][n_bin] */
    careful_scratch careful;
    double *careful_pull;       /* [CEV_LANES][n_pull]: the pulls of a group's points that were fitted with care */
    double **careful_predicted; /* [n_channel] */
};

#endif
