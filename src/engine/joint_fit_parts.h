/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of fits: a slot for each lane, and the block of lanes. */
#ifndef CEVSCAN_ENGINE_JOINT_FIT_PARTS_H
#define CEVSCAN_ENGINE_JOINT_FIT_PARTS_H

#include "joint_fit.h"

/* A fit in a lane. The model is that of chi2 at z; a trial waits for its chi2. */
typedef struct joint_slot {
    joint_fit *fit; /* NULL: nothing to do */
    double z[JOINT_MAX_FREE], chi2;
    double *form, *gradient, *hessian, *positive, *stiff, *curvature; /* live forms */
    double *variable, *follow;                                        /* [n_variable]; [n_variable][n_live] */
    double trial[JOINT_MAX_FREE], promise;
    double *all_forms, *start; /* of the trial: [n_form]; [n_variable] */
    double damping;
    bool has_model, exact, convex;
    unsigned refusals;
} joint_slot;

typedef struct joint_block {
    cev_lanes form[JOINT_MAX_FORMS], theta[CEV_MAX_THETA];
    cev_lanes *start, *pull; /* [n_variable]; [n_pull] */
    joint_value value;
} joint_block;

/* Puts a question into lane l; the question of another lane into one that has none. */
void joint_fill_lane(const joint_problem *problem, joint_block *block, size_t l, const joint_place *place,
                     const double *form, const double *start);
void joint_copy_lane(const joint_problem *problem, joint_block *block, size_t to, size_t from);

/* Asks chi2 about the block of a thread. */
void joint_ask_block(const joint_problem *problem, joint_work *work, bool with_pulls);

/* chi2 with constraints, infinite where there is none; the model of live forms, in a slot's memory. */
double joint_chi2_of_lane(const joint_problem *problem, const joint_block *block, size_t l, const joint_place *place,
                          const double *z);
joint_model joint_model_of_lane(const joint_problem *problem, const joint_block *block, size_t l, joint_slot *memory);

#endif
