/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of stats/profile_slopes.h. */
#ifndef CEVSCAN_STATS_PROFILE_SLOPES_PLAN_H
#define CEVSCAN_STATS_PROFILE_SLOPES_PLAN_H

#include "profile_plan.h"
#include "profile_slopes.h"

/* Counts of a channel are sums of fixed arrays, its basis, with coefficients that change: rows, backgrounds, and
 * what shapes have besides (K). Bins are sorted: those with data first. */
typedef struct slopes_channel {
    const cev_linear_channel *from;
    const plan_channel *plan;
    size_t n_bin, n_filled; /* bins; those with data, or all of a Gaussian channel */
    size_t *order;          /* [n_bin], the bin of the experiment that each one is */
    size_t n_background, n_shape;
    size_t n_row, n_basis, n_product;
    size_t *constant_of_shape;   /* [n_shape], its K in the basis, or SIZE_MAX */
    double *basis;               /* [n_basis][n_bin] */
    double *by_bin;              /* [n_bin][n_basis], the same */
    double *product;             /* [n_bin][n_product], of two of the basis, k >= j at k (k + 1)/2 + j */
    double *data, *inverse_data; /* [n_bin]; the latter 1 where there are none */
    double *start_weight;        /* [n_bin], of the least squares that a fit starts from */
    double *weight;              /* [n_bin], 1/variance; NULL: Poisson */
    /* Where a form enters: form[f] has the places first[f] <= k < first[f + 1], each a row with one weight for the
     * signal and one for each shape. */
    size_t *first;      /* [n_form + 1] */
    size_t *row;        /* [n_place] */
    size_t most_places; /* n_form times the most rows */
    double *share;      /* [1 + n_shape][most_places] */
    bool *row_is_used;  /* [1 + n_shape][most rows], by the signal and by shapes */
    size_t most_rows;
} slopes_channel;

typedef struct slopes_group {
    size_t n_form, *form; /* [n_form], of all its channels, increasing */
    size_t **place;       /* [n_channel of the group][n_form of the channel]: where the group has the channel's forms */
} slopes_group;

struct cev_slopes {
    cev_arena *arena;
    const cev_profile *profile;
    const double *const *data; /* [n_channel] */
    slopes_channel *channel;   /* [n_channel] */
    slopes_group *group;       /* [n_group] */
};

/* Of one part of a block; each cev_lanes holds as many lanes as the part has. */
typedef struct slopes_counts {
    cev_lanes *component;      /* [1 + n_shape][n_bin]: signal, shapes */
    cev_lanes *n;              /* [n_bin], the counts, */
    cev_lanes *first, *second; /* [n_bin], and derivatives of a bin's chi2/2 by them */
    cev_lanes *amplitude;      /* [1 + n_shape][n_row], x and z */
    cev_lanes scale[CEV_PROFILE_MAX_COMPONENTS];
} slopes_counts;

struct cev_slopes_scratch {
    cev_arena *arena;
    cev_profile_scratch *profile;
    slopes_counts *counts;                                 /* [n_channel] */
    cev_lanes *base, *direction, *trial, *next, *gradient; /* [most variables of a group] */
    cev_lanes *hessian, *positive;                         /* [most variables]^2 */
    cev_lanes_mask *held;                                  /* [most variables] */
    cev_lanes *slope, *triangle, *curve;                   /* [most basis]; its products; [most basis]^2 */
    cev_lanes *share;                                      /* [most places], dN/dF by row */
    cev_lanes *curve_of_form;                              /* [most basis] */
    cev_lanes *curvature;                                  /* [most forms of a group]^2 */
    cev_lanes *form_gradient;                              /* [most forms of a group] */
    cev_lanes *mixed, *positive_mixed;                     /* [most variables][most forms of a group] */
    cev_lanes **signal;                                    /* [n_channel][1 + n_shape][n_bin], of a whole block */
    cev_lanes *variable, *group_chi2, *given;              /* of a whole block */
};

#endif
