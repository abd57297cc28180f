/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "model_parts.h"

cev_status cev_model_signal(const cev_model *model, size_t e, const double *theta, double *counts)
{
    const model_experiment *part = &model->experiment[e];
    const cev_experiment *experiment = part->experiment;
    const cev_templates *t = &part->templates;
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS], coefficient[CEV_MAX_TERMS];
    cev_theta_broadcast(model->interaction->card.n_parameter, theta, block);
    memset(counts, 0, experiment->source.kind->n_component * t->n_bin * sizeof *counts);
    for (size_t r = 0; r < t->n_row; r++) {
        const cev_template_row *row = &t->row[r];
        cev_flavour flavour = experiment->source.kind->components[row->source_component].flavour;
        model->interaction->coefficients(&experiment->target.nucleus[row->nucleus], flavour, block, coefficient);
        double *to = counts + row->source_component * t->n_bin, flux = cev_model_flux(model, part, block)[0];
        for (size_t i = 0; i < t->n_bin; i++) to[i] += flux * coefficient[row->term][0] * t->counts[r * t->n_bin + i];
    }
    return CEV_OK;
}

/* 1 + the sum of the pulls on a component. */
static double scale_of(const cev_model *model, const cev_experiment *experiment, size_t component, const double *pull)
{
    double scale = 1;
    for (size_t k = 0; k < experiment->n_pull; k++)
        for (size_t c = 0; c < experiment->pull[k].n_component; c++)
            if (experiment->pull[k].component[c] == component)
                for (size_t p = 0; p < model->n_pull; p++)
                    if (!strcmp(model->pull[p].name, experiment->pull[k].name)) scale += pull[p];
    return scale;
}

/* What the pulls that change shapes add to a bin. */
static double shifts_of(const cev_model *model, size_t e, const cev_model_scratch *scratch, size_t bin,
                        const double *pull)
{
    const model_experiment *part = &model->experiment[e];
    const cev_experiment *x = part->experiment;
    double sum = 0, expected = scratch->signal[e][bin][0];
    for (size_t b = 0; b < x->n_background; b++) expected += x->background[b].counts[bin];
    if (expected == 0 && !x->variance) return 0; /* as the fit has it */
    for (size_t s = 0; s < part->n_shape; s++)
        for (size_t p = 0; p < model->n_pull; p++)
            if (!strcmp(model->pull[p].name, part->shape[s].pull->name))
                sum += pull[p] * scratch->signal[e][(1 + s) * part->templates.n_bin + bin][0];
    return sum;
}

static cev_status share_of(cev_arena *arena, const cev_model *model, const cev_data *data, cev_model_scratch *scratch,
                           size_t e, cev_point_report *out)
{
    const cev_experiment *x = cev_model_experiment(model, e);
    CEV_TRY(cev_new(arena, x->bins.n_bin, &out->bin_chi2[e]));
    CEV_TRY(cev_new(arena, x->bins.n_bin, &out->predicted[e]));
    for (size_t i = 0; i < x->bins.n_bin; i++) {
        double n = scratch->signal[e][i][0] * scale_of(model, x, CEV_COMPONENT_SIGNAL, out->pull);
        for (size_t b = 0; b < x->n_background; b++)
            n += x->background[b].counts[i] * scale_of(model, x, CEV_COMPONENT_FIRST_BACKGROUND + b, out->pull);
        n += shifts_of(model, e, scratch, i, out->pull);
        out->predicted[e][i] = n;
        out->bin_chi2[e][i] = x->variance ? cev_gaussian_deviance(n, data->counts[e][i], x->variance[i])
                                          : cev_poisson_deviance(n, data->counts[e][i]);
        out->experiment_chi2[e] += out->bin_chi2[e][i];
    }
    return CEV_OK;
}

static cev_status explain_with(cev_arena *arena, const cev_model *model, const cev_data *data,
                               cev_model_scratch *scratch, const double *theta, cev_point_report *out)
{
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS], *pull;
    cev_theta_broadcast(model->interaction->card.n_parameter, theta, block);
    CEV_TRY(cev_new(arena, model->n_pull, &pull));
    CEV_TRY(cev_new(arena, model->n_pull, &out->pull));
    CEV_TRY(cev_new(arena, model->n_experiment, &out->experiment_chi2));
    CEV_TRY(cev_new(arena, model->n_experiment, &out->bin_chi2));
    CEV_TRY(cev_new(arena, model->n_experiment, &out->predicted));
    cev_block_result result = {.pull = pull};
    cev_model_evaluate(model, data, scratch, block, NULL, &result);
    out->status = (cev_point_status)result.status[0];
    out->chi2 = result.chi2[0];
    for (size_t p = 0; p < model->n_pull; p++) {
        double ratio = pull[p][0] / model->pull[p].sigma;
        out->pull[p] = pull[p][0];
        out->penalty += ratio * ratio;
    }
    for (size_t e = 0; e < model->n_experiment; e++) CEV_TRY(share_of(arena, model, data, scratch, e, out));
    return CEV_OK;
}

cev_status cev_model_explain(cev_arena *arena, const cev_model *model, const cev_data *data, const double *theta,
                             cev_point_report *out)
{
    *out = (cev_point_report){0};
    cev_model_scratch *scratch = NULL;
    CEV_TRY(cev_model_scratch_create(model, &scratch));
    cev_status status = explain_with(arena, model, data, scratch, theta, out);
    cev_model_scratch_destroy(&scratch);
    return status;
}
