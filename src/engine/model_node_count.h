/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many nodes an axis of an experiment needs. */
#ifndef CEVSCAN_ENGINE_MODEL_NODE_COUNT_H
#define CEVSCAN_ENGINE_MODEL_NODE_COUNT_H

#include "model_nodes.h"

/* The experiment with value[n_axis] of the axes that are numbers. */
cev_status cev_model_experiment_at(cev_arena *arena, const model_nodes *nodes, const cev_experiment *experiment,
                                   const double *value, const cev_experiment **out);

/* The fewest nodes of one axis, whose templates are right to 1e-8 between them; folds the experiment 9 times or more.
 * Looked at along the axis where the other axes are in the middle, and at their ends. CEV_E_INPUT if 33 are too few. */
cev_status cev_model_count_nodes(const cev_model *model, const cev_experiment *experiment, const model_nodes *nodes,
                                 size_t axis, size_t *out);

#endif
