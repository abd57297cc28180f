/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chi2 of a set of experiments, minimised over all pulls, as a function of forms: the numbers in which the counts are
 * linear (cevscan/interaction.h), those of the interaction first. Where a scan sets a flux, or interpolates templates
 * between nodes of slow parameters, products of forms with those are forms of their own.
 *
 * Everything about couplings is algebra on these few numbers; one evaluation is a fit of the pulls and one more pass
 * over the bins. */
#ifndef CEVSCAN_ENGINE_JOINT_CHI2_H
#define CEVSCAN_ENGINE_JOINT_CHI2_H

#include "cevscan/model.h"

enum { JOINT_MAX_FORMS = 256 };

typedef struct joint_chi2 joint_chi2;
typedef struct joint_scratch joint_scratch;

/* Of the models of n_unit units, each with its data, all under one roster; they must outlive it. To be refreshed after
 * they were folded anew: allocates nothing, cannot fail. Shared by all threads. */
cev_status joint_chi2_create(size_t n_unit, cev_model *const *model, const cev_data *const *data, joint_chi2 **out);

/* The same with as many forms as `pattern` has, one of the same experiments, wherever its models were folded then:
 * scratch memory and sizes of the one serve the other. */
cev_status joint_chi2_create_like(const joint_chi2 *pattern, size_t n_unit, cev_model *const *model,
                                  const cev_data *const *data, joint_chi2 **out);
void joint_chi2_destroy(joint_chi2 **joint);
void joint_chi2_refresh(joint_chi2 *joint);

cev_status joint_scratch_create(const joint_chi2 *joint, joint_scratch **out);
void joint_scratch_destroy(joint_scratch **scratch);

size_t joint_n_form(const joint_chi2 *joint);
size_t joint_n_variable(const joint_chi2 *joint); /* of the fits of all units */
size_t joint_n_pull(const joint_chi2 *joint);     /* of all units, one unit after the other */
size_t joint_n_bin(const joint_chi2 *joint);      /* of all experiments */

/* Whether the forms are the matrices of the interaction (cev_forms) and nothing else. */
bool joint_has_matrices(const joint_chi2 *joint);

/* Forms at theta[n_theta]; their derivatives with respect to the parameters free[n_free] of theta, into
 * first[n_free][n_form] and second[n_free][n_free][n_form]. Followers are the caller's. */
void joint_forms(const joint_chi2 *joint, const double *theta, double *form);
void joint_form_derivatives(const joint_chi2 *joint, const double *theta, size_t n_free, const size_t *free,
                            double *first, double *second);

/* Results of a block of CEV_LANES evaluations; pointers that are NULL are not wanted. */
typedef struct joint_value {
    cev_lanes chi2;
    cev_lanes_mask status; /* cev_point_status */
    cev_lanes *gradient;   /* [n_form], dchi2/dF, the pulls following */
    cev_lanes *hessian;    /* [n_form][n_form], likewise: exact, and need not be positive definite */
    cev_lanes *positive;   /* [n_form][n_form], what of it never is negative (Gauss-Newton) */
    cev_lanes *stiff;      /* [n_form][n_form], the same at fixed pulls: larger, to damp with */
    cev_lanes *variable;   /* [n_variable], where the fits of the pulls ended */
    cev_lanes *follow;     /* [n_variable][n_form], d variable/dF: to predict starts */
    cev_lanes *pull;       /* [n_pull] */
} joint_value;

/* chi2 at form[n_form] with the given pulls of theta[n_theta]; start[n_variable] is where the fits of the pulls start,
 * or NULL. A lane's bits do not depend on what the other lanes hold. Allocates nothing, cannot fail. */
void joint_evaluate(const joint_chi2 *joint, joint_scratch *scratch, const cev_lanes *form, const cev_lanes *theta,
                    const cev_lanes *start, joint_value *out);

#endif
