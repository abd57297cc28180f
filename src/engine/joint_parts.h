/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of joint_chi2.h. */
#ifndef CEVSCAN_ENGINE_JOINT_PARTS_H
#define CEVSCAN_ENGINE_JOINT_PARTS_H

#include "../stats/profile_slopes.h"
#include "joint_chi2.h"
#include "model_parts.h"

enum { JOINT_MAX_FLUXES = 16, JOINT_MAX_AXES = 16, JOINT_MAX_PRODUCTS = 1024 };

/* What sources multiply the interaction's forms with; each one that experiments have makes forms of its own. */
typedef struct joint_flux {
    size_t parameter;     /* theta's, where the scan may set it; SIZE_MAX: the factor is one */
    double normalisation; /* the factor is theta/normalisation, and one where theta is NaN */
} joint_flux;

/* Products of Chebyshev polynomials of the parameters that templates are interpolated in, all that any experiment has:
 * P_t(x) = prod_a T_order[t][a](x_a). The first is 1. */
typedef struct joint_products {
    size_t n_axis, n_interpolated;
    size_t axis[JOINT_MAX_AXES];                  /* which of the models' interpolated parameters, */
    const model_interpolated *of[JOINT_MAX_AXES]; /* and these */
    size_t n_order[JOINT_MAX_AXES];               /* the most of any experiment */
    size_t n;
    unsigned char (*order)[JOINT_MAX_AXES]; /* [n] */
} joint_products;

/* F_base flux(theta) G(x), G(x) = sum_t mix[t] P_t(x). */
typedef struct joint_form {
    size_t base, flux;
    double *mix; /* [n_product] */
} joint_form;

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
    size_t flux;
    double *weight_of_form; /* [n_coefficient_source][n_term][n_base], for unit coefficients */
    bool *has_base;         /* [n_base], whether any of these is not zero */
    size_t n_count;         /* (1 + n_shape) n_bin */
    double *spectrum;       /* [n_base][n_product][n_count]: counts per unit of a form and a product */
    double *at_node;        /* [n_count] */
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

/* Memory of the search for functions: [n_vector][n_product], and as many flags. */
typedef struct joint_vectors {
    size_t most, n;
    long double *rest, *direction;
} joint_vectors;

struct joint_chi2 {
    cev_arena *arena;
    const cev_interaction *interaction;
    size_t n_base, n_flux; /* forms of the interaction; of the fluxes, one is first if there is any */
    joint_flux flux[JOINT_MAX_FLUXES];
    joint_products products;
    joint_vectors vectors;
    size_t n_form, n_variable, n_pull, n_bin;
    joint_form form[JOINT_MAX_FORMS];
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

/* joint_functions.c: the products of all experiments; what forms are there, as many as `pattern` has (NULL: none);
 * their functions G, after the spectra have changed. */
cev_status joint_products_list(joint_chi2 *joint);
cev_status joint_functions_create(joint_chi2 *joint, const joint_chi2 *pattern);
void joint_functions_find(joint_chi2 *joint);

#endif
