/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fits of free parameters: from a start at a place to a local minimum of chi2, constraints included.
 *
 * Each step looks at the bins once: chi2 with its gradient and Hessian in the forms, pulls minimised. The minimum of
 * that quadratic model over the free parameters, found without another look at them (joint_descent.h), is the next
 * place; where chi2 does not fall, the model is damped with the Hessian at fixed pulls. A fit ends where the undamped
 * model with the exact Hessian promises less than 1e-9 of chi2: there the gradient along the face of the box vanishes,
 * and no curvature is negative.
 *
 * Fits are done CEV_LANES at a time, whichever places they belong to; the next one steps in where one ends. None of
 * them knows its companions: same start, same bits. */
#ifndef CEVSCAN_ENGINE_JOINT_FIT_H
#define CEVSCAN_ENGINE_JOINT_FIT_H

#include "joint_descent.h"

typedef enum joint_end {
    JOINT_CONVERGED,
    JOINT_GIVEN_UP, /* it would have ended above give_up, or as good as there */
    JOINT_STALLED,  /* chi2 would not fall as promised */
    JOINT_FAILED    /* no chi2 at the start: status says why */
} joint_end;

typedef struct joint_fit {
    const joint_place *place;
    double z[JOINT_MAX_FREE]; /* the start, then where it ended */
    double *variable;         /* [n_variable] the same of the pulls; */
    bool has_variable;        /* false: nothing is known of where they start */
    double give_up;           /* INFINITY: never */
    const double *known;      /* [n] where a fit of this place has ended: to come there is to give up; or NULL */
    double chi2;              /* at the end; infinite where it failed */
    cev_point_status status;
    joint_end end;
    unsigned steps;
} joint_fit;

/* Runs fit[n]. */
void joint_fits_run(const joint_problem *problem, joint_work *work, size_t n, joint_fit *fit);

/* What there is to say about the end of a fit. */
typedef struct joint_portrait {
    double chi2;
    cev_point_status status;
    double *pull; /* [n_pull]; NULL: not wanted */
    bool at_bound;
    size_t n_flat;       /* directions whose curvature within the box is below 1e-2; idle parameters are not counted */
    joint_matrix vector; /* [n_flat][n] of them, of unit length, where `directions` are wanted */
} joint_portrait;

enum { JOINT_WANT_NEAREST = 1, JOINT_WANT_DIRECTIONS = 2 };

/* Looks once more at the ends of fits [n], all lanes at a time. With JOINT_WANT_NEAREST, fits on flat directions go to
 * the couplings with the same forms that are nearest to where idle ones rest. */
void joint_fits_portray(const joint_problem *problem, joint_work *work, size_t n, joint_fit *fit, int wanted,
                        joint_portrait *out);

#endif
