/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameters that change templates and yet are no slow axes: numbers of experiments that the scan names, and slow
 * parameters of the interaction that it profiles. An experiment is folded at Chebyshev nodes of their ranges, as few as
 * make its counts right to 1e-8 of the largest bin of each template, those of its pulls' shapes included; between them,
 *
 *     N(x) = sum_j L_j(x) N_j,   L_j(x) = L_j1(x_1) L_j2(x_2) ...,
 *
 * where the nodes j are all combinations of those of the axes, the last one's fastest. */
#ifndef CEVSCAN_ENGINE_MODEL_NODES_H
#define CEVSCAN_ENGINE_MODEL_NODES_H

#include "cevscan/model.h"
#include "node_axis.h"

enum { MOST_NODE_AXES = 8, MOST_NODES = 256 };

typedef struct model_experiment model_experiment;

/* One that this scan interpolates. */
typedef struct model_interpolated {
    size_t theta;
    double low, high;
    const char *name;
    bool number; /* of experiments; else a slow parameter of the interaction */
} model_interpolated;

typedef struct model_node_axis {
    const model_interpolated *of;
    const char *number; /* as the experiment calls it; NULL: a slow parameter of the interaction */
    node_axis axis;
} model_node_axis;

typedef struct model_nodes {
    size_t n_axis;
    model_node_axis axis[MOST_NODE_AXES];
    size_t n;               /* nodes */
    model_experiment *part; /* [n], with rows and shapes as those of the experiment */
} model_nodes;

/* Finds those of the roster. CEV_E_INPUT if one cannot be interpolated: a choice, or one that follows a profiled one by
 * a formula. */
cev_status cev_model_list_interpolated(cev_model *model);
bool cev_model_is_interpolated(const cev_model *model, size_t index);

/* Finds the nodes of an experiment, part->nodes; NULL if none of its templates depends on any. At the slow parameters
 * of model->theta: how many are enough is not looked at again when others are folded.
 * CEV_E_INPUT if 33 are not enough on an axis, if a number changes nothing, or is one that a pull shifts, or if more
 * than MOST_NODES in all would be needed. */
cev_status cev_model_prepare_nodes(cev_model *model, model_experiment *part);
void cev_model_fold_nodes(cev_model *model, model_experiment *part, const double *theta);
void cev_model_destroy_nodes(model_experiment *part);

/* L_j at a block of points, into weight[nodes->n]. */
void cev_model_node_weights(const model_nodes *nodes, const cev_lanes *theta, cev_lanes *weight);

/* L_j at one point, into value[n]; their derivatives with respect to the parameters free[n_free] of theta, into
 * first[n_free][n] and second[n_free][n_free][n]. Zero for those that are no axes. */
void cev_model_node_slopes(const model_nodes *nodes, const double *theta, size_t n_free, const size_t *free,
                           double *value, double *first, double *second);

/* What experiments with other nodes, and other models of the roster, have in common:
 *     L_j(x) = sum_k m_jk T_k1(x_1) T_k2(x_2) ...,
 * with Chebyshev polynomials of the ranges, one for each of model->interpolated. Orders of an experiment in one of
 * them: k < cev_model_node_orders(), 1 where it does not depend on it, or has no nodes (NULL). m_jk for
 * order[n_interpolated].
 * node_axis_chebyshev() has T_k and its derivatives. */
size_t cev_model_node_orders(const cev_model *model, const model_nodes *nodes, size_t interpolated);
double cev_model_node_in_chebyshev(const cev_model *model, const model_nodes *nodes, size_t j, const size_t *order);

/* scratch->signal[e] from of_terms, as cev_model_predict() makes it where there are no nodes. */
cev_status cev_model_new_node_scratch(const cev_model *model, cev_model_scratch *scratch);
void cev_model_predict_nodes(const cev_model *model, size_t e, cev_model_scratch *scratch, const cev_lanes *theta);

#endif
