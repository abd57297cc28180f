/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pulls that change shapes: the difference of two foldings, sorted into rows of its own, which the signal's
 * coefficients are contracted with. */
#include "model_parts.h"

static cev_status prepare_shape(cev_model *model, model_shape *shape)
{
    const cev_experiment *side[2] = {shape->pull->down, shape->pull->up};
    for (size_t k = 0; k < 2; k++) {
        CEV_TRY(cev_folding_create(side[k], model->interaction, model->theta, &shape->side[k]));
        CEV_TRY(cev_folding_templates(model->arena, shape->side[k], &shape->templates[k]));
    }
    CEV_TRY(cev_new(model->arena, shape->templates[0].n_bin, &shape->background));
    for (size_t b = 0; b < side[0]->n_background; b++)
        for (size_t i = 0; i < shape->templates[0].n_bin; i++)
            shape->background[i] += (side[1]->background[b].counts[i] - side[0]->background[b].counts[i]) /
                                    (2 * shape->pull->sigma);
    return cev_model_new_rows(model->arena, &shape->templates[1], &shape->rows);
}

cev_status cev_model_prepare_shapes(cev_model *model, model_experiment *part)
{
    const cev_experiment *x = part->experiment;
    CEV_TRY(cev_new(model->arena, cev_experiment_n_shape(x), &part->shape));
    for (size_t p = 0; p < x->n_pull; p++) {
        if (!x->pull[p].up) continue;
        model_shape *shape = &part->shape[part->n_shape++];
        shape->pull = &x->pull[p];
        CEV_TRY(prepare_shape(model, shape));
    }
    return CEV_OK;
}

void cev_model_fold_shapes(cev_model *model, model_experiment *part, const double *theta)
{
    for (size_t s = 0; s < part->n_shape; s++) {
        model_shape *shape = &part->shape[s];
        cev_templates *down = &shape->templates[0], *up = &shape->templates[1];
        for (size_t k = 0; k < 2; k++) cev_folding_fill(shape->side[k], theta, &shape->templates[k]);
        for (size_t k = 0; k < up->n_row * up->n_bin; k++)
            up->counts[k] = (up->counts[k] - down->counts[k]) / (2 * shape->pull->sigma);
        cev_model_sort_rows(model->interaction->n_term, part, up, &shape->rows);
    }
}

void cev_model_destroy_shapes(model_experiment *part)
{
    for (size_t s = 0; s < part->n_shape; s++)
        for (size_t k = 0; k < 2; k++) cev_folding_destroy(&part->shape[s].side[k]);
}
