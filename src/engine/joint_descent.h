/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The minimum of a quadratic model of chi2 in the forms, over the free parameters within their bounds.
 *
 * Forms as functions of z are known without a look at any bin, so a model that is quadratic in them follows the curved
 * valleys that couplings have: chi2 is nearly quadratic in forms, and anything but in couplings. */
#ifndef CEVSCAN_ENGINE_JOINT_DESCENT_H
#define CEVSCAN_ENGINE_JOINT_DESCENT_H

#include "joint_problem.h"

/* value + gradient (F - form) + (F - form) curvature (F - form)/2, of live forms. */
typedef struct joint_model {
    const double *form, *gradient; /* [n_live] */
    const double *curvature;       /* [n_live][n_live], symmetric */
} joint_model;

typedef double joint_matrix[JOINT_MAX_FREE][JOINT_MAX_FREE];

/* Value of the model with the constraints, less that at the model's own place z0. */
double joint_model_value(const joint_problem *problem, joint_work *work, const joint_place *place,
                         const joint_model *model, const double *z0, const double *z);

/* Gradient g[n] and Hessian h of the same at z. */
void joint_model_derivatives(const joint_problem *problem, joint_work *work, const joint_place *place,
                             const joint_model *model, const double *z, double *g, joint_matrix h);

/* Newton steps with the exact Hessian from z to a local minimum of the model within the box, down to what `tolerance`
 * leaves, or the share of what was gained; from saddles along the negative curvature. Returns by how much the model
 * falls, >= 0. */
double joint_descend(const joint_problem *problem, joint_work *work, const joint_place *place, const joint_model *model,
                     double tolerance, double share, double *z);

/* Eigenvalues and, in the columns of vector, eigenvectors of h[n][n] by Jacobi's rotations; h is used up. */
void joint_eigen(size_t n, joint_matrix h, double *value, joint_matrix vector);

/* Which coordinates are at a side of the box that the gradient pushes against. */
void joint_active(size_t n, const double *z, const double *g, bool *active);

#endif
