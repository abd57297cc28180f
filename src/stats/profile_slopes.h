/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fit of cevscan/profile.h for signals that are linear in a few numbers, the forms F, and the derivatives of the
 * minimised chi2 with respect to them:
 *
 *     signal_i = sum_r x_r B_ri,  shape_si = sum_r z_sr B_ri + K_si,  x_r = sum_f w_rf F_f,  z_sr = sum_f u_srf F_f.
 *
 * Where the variables v of the fit (its pulls, or shifts) are at their minimum, the gradient is that at fixed v, and
 * the Hessian, the variables following, H_FF - H_Fv H_vv^-1 H_vF. What is left of the gradient g_v where the fit ends
 * is taken into account to first order, - H_Fv H_vv^-1 g_v, so that the gradient is as good as chi2, to the square of
 * what the variables miss.
 *
 * The fit here is a short one, on the rows themselves. Points that it does not see converge within its region, or that
 * end beside the border of a bin without data, go through cev_profile_block(). */
#ifndef CEVSCAN_STATS_PROFILE_SLOPES_H
#define CEVSCAN_STATS_PROFILE_SLOPES_H

#include "cevscan/profile.h"

/* One channel's rows, which the caller owns and may change before cev_slopes_refresh(). */
typedef struct cev_linear_channel {
    size_t n_row;           /* at most n_form (1 + n_shape) */
    const double *row;      /* [n_row][n_bin], B */
    size_t n_form;          /* forms that the channel depends on; constant */
    const size_t *form;     /* [n_form], which of all they are; constant */
    const double *weight;   /* [1 + n_shape][n_row][n_form]: w, then u of each shape */
    const double *constant; /* [n_shape][n_bin], K; NULL without shapes */
} cev_linear_channel;

/* Constant but for refreshes, shared by all threads. The profile, the channels and data[n_channel] must outlive it. */
typedef struct cev_slopes cev_slopes;

cev_status cev_slopes_create(const cev_profile *profile, const cev_linear_channel *channel, const double *const *data,
                             cev_slopes **out);
void cev_slopes_destroy(cev_slopes **slopes);

/* Takes over what has changed in the channels, but for their forms. Allocates nothing. */
void cev_slopes_refresh(cev_slopes *slopes);

/* Memory of one thread. */
typedef struct cev_slopes_scratch cev_slopes_scratch;

cev_status cev_slopes_scratch_create(const cev_slopes *slopes, cev_slopes_scratch **out);
void cev_slopes_scratch_destroy(cev_slopes_scratch **scratch);

/* Pointers that are NULL are not wanted. Of matrices in F the lower triangle is written. */
typedef struct cev_slopes_result {
    size_t n_form;         /* of all, by which the matrices below are laid out */
    cev_lanes chi2;        /* added to, as the next four are */
    cev_lanes *gradient;   /* [n_form] */
    cev_lanes *hessian;    /* [n_form][n_form], exact, need not be positive definite */
    cev_lanes *positive;   /* [n_form][n_form], the part of it that never is negative (Gauss-Newton) */
    cev_lanes *stiff;      /* [n_form][n_form], the same at fixed v */
    cev_lanes_mask status; /* cev_point_status per lane; raised where this fit's is worse */
    cev_lanes *variable;   /* [n_variable], where the fit ended */
    cev_lanes *follow;     /* [n_variable][n_form], dv/dF, zero where a form does nothing */
    cev_lanes *pull;       /* [n_pull]; NaN where the status is not CEV_POINT_OK */
} cev_slopes_result;

/* A block of CEV_LANES points: form[n_form of all]; given and start as in cev_profile_block(). A lane's bits depend on
 * nothing in other lanes, nor on the level. Allocates nothing, cannot fail. */
void cev_slopes_block(const cev_slopes *slopes, cev_slopes_scratch *scratch, const cev_lanes *form,
                      const cev_lanes *given, const cev_lanes *start, cev_slopes_result *result);

#endif
