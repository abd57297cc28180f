/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of joint_chi2.h. */
#ifndef CEVSCAN_ENGINE_JOINT_PARTS_H
#define CEVSCAN_ENGINE_JOINT_PARTS_H

#include "../stats/profile_slopes.h"
#include "joint_chi2.h"
#include "model_parts.h"

/* A factor that the interaction's forms are multiplied with; each one that experiments have makes forms of its own. */
typedef struct joint_factor {
    size_t parameter;     /* theta's, where the scan sets a flux; SIZE_MAX: the factor is one */
    double normalisation; /* the factor is theta/normalisation, and one where theta is NaN */
} joint_factor;

enum { JOINT_MAX_FACTORS = 16 };

/* Columns: what one form adds to the counts of an experiment, first those of its signal, then of each shape. Few of
 * them are independent: those are the rows, and all columns are sums of rows. */
typedef struct joint_columns {
    size_t n_bin, n_signal, n_column; /* n_column = n_signal (1 + n_shape) */
    double *counts;                   /* [n_column][n_bin] */
    size_t n_row;
    size_t *row_column; /* [n_row], the columns that are rows */
    double *share;      /* [n_column][n_column]: column j = sum_k share[j][k] row_k, of stride n_column */
    /* for the search */
    double *norm, *profile;     /* [n_column], [n_bin]: largest counts of a column; and of a bin, in units of these */
    long double *rest, *basis;  /* [n_column][n_bin] each: columns without rows' directions, and those directions */
    long double *part, *solved; /* [n_column][n_column]: columns in directions; [n_column] */
} joint_columns;

typedef struct joint_channel {
    const model_experiment *part;
    size_t factor;
    double *weight_of_form; /* [n_coefficient_source][n_term][n_form], for unit coefficients */
    joint_columns columns;
    size_t *form;                    /* [n_form] */
    double *row, *weight, *constant; /* what linear points to */
} joint_channel;

typedef struct joint_unit {
    const cev_model *model;
    cev_data data;
    joint_channel *channel;     /* [n_experiment] */
    cev_linear_channel *linear; /* [n_experiment] */
    cev_slopes *slopes;
    size_t first_variable, first_pull, n_pull;
    size_t *given; /* [n_pull], index in theta of the pull's value, or SIZE_MAX: it is minimised */
} joint_unit;

struct joint_chi2 {
    cev_arena *arena;
    const cev_interaction *interaction;
    size_t n_base, n_factor; /* forms of the interaction; the first factor is one if there is any that is */
    joint_factor factor[JOINT_MAX_FACTORS];
    size_t n_form, n_variable, n_pull, n_bin;
    size_t n_unit;
    joint_unit *unit;
};

struct joint_scratch {
    cev_arena *arena;
    size_t n_unit;
    cev_slopes_scratch **unit; /* [n_unit] */
    cev_lanes *given;          /* [most pulls of a unit] */
};

/* joint_columns.c */
cev_status joint_columns_create(cev_arena *arena, size_t n_bin, size_t n_signal, size_t n_shape, joint_columns *out);
void joint_columns_reduce(joint_columns *columns);

#endif
