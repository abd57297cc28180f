/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "model_parts.h"

#define SUM_TOLERANCE 1e-9 /* of chi2, or absolute where that is below 1 */

/* Adds the signal of an experiment, or of a node of it, times its weight. */
static void add_signal(const cev_model *model, const model_experiment *part, double weight, const cev_lanes *block,
                       double *counts)
{
    const cev_experiment *experiment = part->experiment;
    const cev_templates *t = &part->templates;
    cev_lanes coefficient[CEV_MAX_TERMS];
    for (size_t r = 0; r < t->n_row; r++) {
        const cev_template_row *row = &t->row[r];
        cev_flavour flavour = experiment->source.kind->components[row->source_component].flavour;
        model->interaction->coefficients(&experiment->target.nucleus[row->nucleus], flavour, block, coefficient);
        double *to = counts + row->source_component * t->n_bin, flux = weight * cev_model_flux(model, part, block)[0];
        for (size_t i = 0; i < t->n_bin; i++) to[i] += flux * coefficient[row->term][0] * t->counts[r * t->n_bin + i];
    }
}

cev_status cev_model_signal(const cev_model *model, size_t e, const double *theta, double *counts)
{
    const model_experiment *part = &model->experiment[e];
    cev_lanes block[CEV_MAX_THETA], weight[MOST_NODES];
    cev_theta_broadcast(cev_roster_n(&model->roster), theta, block);
    memset(counts, 0, part->experiment->source.kind->n_component * part->templates.n_bin * sizeof *counts);
    if (!part->nodes) add_signal(model, part, 1, block, counts);
    if (part->nodes) cev_model_node_weights(part->nodes, block, weight);
    for (size_t j = 0; part->nodes && j < part->nodes->n; j++)
        add_signal(model, &part->nodes->part[j], weight[j][0], block, counts);
    return CEV_OK;
}

/* The counts are those that the fit made its chi2 of: pulls in double precision need not give them back, where they
 * take away nearly all of a component of 1e12 counts. */
static cev_status share_of(cev_arena *arena, const cev_model *model, const cev_data *data, const cev_lanes *predicted,
                           size_t e, cev_point_report *out)
{
    const cev_experiment *x = cev_model_experiment(model, e);
    CEV_TRY(cev_new(arena, x->bins.n_bin, &out->bin_chi2[e]));
    CEV_TRY(cev_new(arena, x->bins.n_bin, &out->predicted[e]));
    for (size_t i = 0; i < x->bins.n_bin; i++) {
        double n = predicted[i][0];
        out->predicted[e][i] = n;
        out->bin_chi2[e][i] = x->variance ? cev_gaussian_deviance(n, data->counts[e][i], x->variance[i])
                                          : cev_poisson_deviance(n, data->counts[e][i]);
        out->experiment_chi2[e] += out->bin_chi2[e][i];
    }
    return CEV_OK;
}

/* All of a point from one fit: theta in every lane, of which the first is reported. */
static cev_status fit_point(cev_arena *arena, const cev_model *model, const cev_data *data, cev_model_scratch *scratch,
                            const double *theta, cev_profile_result *result)
{
    cev_lanes block[CEV_MAX_THETA], **predicted;
    cev_theta_broadcast(cev_roster_n(&model->roster), theta, block);
    CEV_TRY(cev_new(arena, model->n_pull, &result->pull));
    CEV_TRY(cev_new(arena, model->n_experiment, &predicted));
    for (size_t e = 0; e < model->n_experiment; e++) {
        CEV_TRY(cev_new(arena, model->experiment[e].templates.n_bin, &predicted[e]));
        cev_model_predict(model, e, scratch, block);
    }
    result->predicted = predicted;
    cev_profile_block(model->profile, scratch->profile, data->counts, (const cev_lanes *const *)scratch->signal,
                      cev_model_given(model, scratch, block), NULL, result);
    return CEV_OK;
}

/* A point whose parts are not its chi2 has none that could be believed. */
static void check_sum(const cev_model *model, cev_point_report *out)
{
    double sum = out->penalty;
    for (size_t e = 0; e < model->n_experiment; e++) sum += out->experiment_chi2[e];
    if (out->status == CEV_POINT_OK && !(fabs(sum - out->chi2) <= SUM_TOLERANCE * fmax(1, out->chi2)))
        out->status = CEV_POINT_NOT_CONVERGED;
}

static cev_status explain_with(cev_arena *arena, const cev_model *model, const cev_data *data,
                               cev_model_scratch *scratch, const double *theta, cev_point_report *out)
{
    cev_profile_result result = {.pull = NULL};
    CEV_TRY(cev_new(arena, model->n_pull, &out->pull));
    CEV_TRY(cev_new(arena, model->n_experiment, &out->experiment_chi2));
    CEV_TRY(cev_new(arena, model->n_experiment, &out->bin_chi2));
    CEV_TRY(cev_new(arena, model->n_experiment, &out->predicted));
    CEV_TRY(fit_point(arena, model, data, scratch, theta, &result));
    out->status = (cev_point_status)result.status[0];
    out->chi2 = result.chi2[0];
    for (size_t p = 0; p < model->n_pull; p++) out->pull[p] = result.pull[p][0];
    out->penalty = cev_profile_penalty(model->profile, out->pull);
    for (size_t e = 0; e < model->n_experiment; e++) CEV_TRY(share_of(arena, model, data, result.predicted[e], e, out));
    check_sum(model, out);
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
