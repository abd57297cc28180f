/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pulls add to the counts beside whole components, sorted into rows of its own that the signal's coefficients are
 * contracted with: differences of two foldings, of the first and of the second order, and parts of the signal. */
#include <stdint.h>
#include <string.h>

#include "model_parts.h"

/* --- pulls that change shapes ----------------------------------------------------------------------------------- */

static cev_status prepare_sides(cev_model *model, model_shape *shape)
{
    const cev_experiment *side[2] = {shape->pull->down, shape->pull->up};
    for (size_t k = 0; k < 2; k++) {
        CEV_TRY(cev_folding_create(side[k], model->interaction, model->theta, &shape->side[k]));
        CEV_TRY(cev_folding_templates(model->arena, shape->side[k], &shape->templates[k]));
    }
    return CEV_OK;
}

/* [up - down]/(2 step), per unit of the pull. */
static double slope_of(double up, double down, double step)
{
    return (up - down) / (2 * step);
}

/* [up + down - 2 centre]/(2 step^2), per square of its unit. */
static double curvature_of(double up, double down, double centre, double step)
{
    return (up + down - 2 * centre) / (2 * step * step);
}

static void fill_backgrounds(const cev_experiment *x, model_shape *shape)
{
    const cev_experiment *down = shape->pull->down, *up = shape->pull->up;
    double step = cev_pull_step(shape->pull);
    for (size_t b = 0; b < x->n_background; b++)
        for (size_t i = 0; i < x->bins.n_bin; i++) {
            double high = up->background[b].counts[i], low = down->background[b].counts[i];
            shape->background[i] += shape->kind == SHAPE_SLOPE
                                        ? slope_of(high, low, step)
                                        : curvature_of(high, low, x->background[b].counts[i], step);
        }
}

/* The sides have been filled; those of a curvature belong to the slope before it. */
static void change_of_sides(const model_experiment *part, const model_shape *shape, double *change)
{
    const model_shape *sides = shape - (shape->kind == SHAPE_CURVATURE);
    const double *down = sides->templates[0].counts, *up = sides->templates[1].counts;
    const cev_templates *centre = &part->templates;
    double step = cev_pull_step(shape->pull);
    for (size_t k = 0; k < centre->n_row * centre->n_bin; k++)
        change[k] = shape->kind == SHAPE_SLOPE ? slope_of(up[k], down[k], step)
                                               : curvature_of(up[k], down[k], centre->counts[k], step);
}

/* --- pulls that scale parts of the signal ----------------------------------------------------------------------- */

static double weight_of_row(const cev_pull *pull, const cev_template_row *row)
{
    double weight = 0;
    for (size_t k = 0; k < pull->n_part; k++) {
        const cev_signal_part *part = &pull->part[k];
        bool inside = (part->source_component == SIZE_MAX || part->source_component == row->source_component) &&
                      (part->nucleus == SIZE_MAX || part->nucleus == row->nucleus);
        if (inside) weight += part->weight;
    }
    return weight;
}

static void parts_of_signal(const model_experiment *part, const model_shape *shape, double *change)
{
    const cev_templates *t = &part->templates;
    for (size_t r = 0; r < t->n_row; r++) {
        double weight = weight_of_row(shape->pull, &t->row[r]);
        for (size_t i = 0; i < t->n_bin; i++) change[r * t->n_bin + i] = weight * t->counts[r * t->n_bin + i];
    }
}

/* --- all of an experiment --------------------------------------------------------------------------------------- */

static cev_status add_shape(cev_model *model, model_experiment *part, const cev_pull *pull, shape_kind kind)
{
    model_shape *shape = &part->shape[part->n_shape++];
    *shape = (model_shape){.pull = pull, .kind = kind};
    CEV_TRY(cev_model_new_rows(model->arena, &part->templates, &shape->rows));
    if (kind == SHAPE_PARTS) return CEV_OK;
    if (kind == SHAPE_SLOPE) CEV_TRY(prepare_sides(model, shape));
    CEV_TRY(cev_new(model->arena, part->templates.n_bin, &shape->background));
    fill_backgrounds(part->experiment, shape);
    return CEV_OK;
}

cev_status cev_model_prepare_shapes(cev_model *model, model_experiment *part)
{
    const cev_experiment *x = part->experiment;
    size_t n = cev_experiment_n_shape(x);
    if (n == 0) return CEV_OK;
    part->change = part->templates;
    CEV_TRY(cev_new(model->arena, part->templates.n_row * part->templates.n_bin, &part->change.counts));
    CEV_TRY(cev_new(model->arena, n, &part->shape));
    for (size_t p = 0; p < x->n_pull; p++) {
        const cev_pull *pull = &x->pull[p];
        if (!cev_pull_is_there(pull)) continue;
        if (pull->up) CEV_TRY(add_shape(model, part, pull, SHAPE_SLOPE));
        if (pull->up && pull->quadratic) CEV_TRY(add_shape(model, part, pull, SHAPE_CURVATURE));
        if (pull->n_part) CEV_TRY(add_shape(model, part, pull, SHAPE_PARTS));
    }
    return CEV_OK;
}

void cev_model_fold_shapes(cev_model *model, model_experiment *part, const double *theta)
{
    for (size_t s = 0; s < part->n_shape; s++) {
        model_shape *shape = &part->shape[s];
        for (size_t k = 0; k < 2 && shape->kind == SHAPE_SLOPE; k++)
            cev_folding_fill(shape->side[k], theta, &shape->templates[k]);
        if (shape->kind == SHAPE_PARTS)
            parts_of_signal(part, shape, part->change.counts);
        else
            change_of_sides(part, shape, part->change.counts);
        cev_model_sort_rows(model->interaction->n_term, part, &part->change, &shape->rows);
    }
}

void cev_model_destroy_shapes(model_experiment *part)
{
    for (size_t s = 0; s < part->n_shape; s++)
        for (size_t k = 0; k < 2; k++) cev_folding_destroy(&part->shape[s].side[k]);
}
