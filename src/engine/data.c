/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "model_parts.h"

static cev_status asimov_of(cev_arena *arena, const cev_model *model, size_t e, cev_model_scratch *scratch,
                            const cev_lanes *theta, const double **out)
{
    const cev_experiment *experiment = cev_model_experiment(model, e);
    double *counts;
    CEV_TRY(cev_new(arena, experiment->bins.n_bin, &counts));
    cev_model_counts(model, e, scratch, theta, counts);
    *out = counts;
    return CEV_OK;
}

void cev_theta_broadcast(size_t n, const double *theta, cev_lanes *block)
{
    for (size_t p = 0; p < n; p++) block[p] = theta[p] - (cev_lanes){0};
}

static cev_status asimov_of_all(cev_arena *arena, const cev_model *model, const double *theta, cev_data *out)
{
    cev_lanes block[CEV_MAX_THETA];
    cev_theta_broadcast(cev_roster_n(&model->roster), theta, block);
    const double **counts;
    CEV_TRY(cev_new(arena, model->n_experiment, &counts));
    cev_model_scratch *scratch = NULL;
    cev_status status = cev_model_scratch_create(model, &scratch);
    for (size_t e = 0; status == CEV_OK && e < model->n_experiment; e++)
        status = asimov_of(arena, model, e, scratch, block, &counts[e]);
    cev_model_scratch_destroy(&scratch);
    out->counts = counts;
    return status;
}

/* The truth need not lie between the nodes of a slow parameter that is profiled, nor have a value of it: it is folded
 * as it is, by a model that profiles nothing. */
static cev_status asimov_between_nodes(cev_arena *arena, const cev_model *model, const double *theta, cev_data *out)
{
    cev_roster roster = model->roster;
    const cev_experiment **experiment;
    cev_model *plain = NULL;
    roster.n_profiled = 0;
    CEV_TRY(cev_new(arena, model->n_experiment, &experiment));
    for (size_t e = 0; e < model->n_experiment; e++) experiment[e] = model->experiment[e].experiment;
    cev_status status = cev_model_create(model->n_experiment, experiment, &roster, theta, &plain);
    if (status == CEV_OK) status = asimov_of_all(arena, plain, theta, out);
    cev_model_destroy(&plain);
    return status;
}

static bool profiles_slow(const cev_model *model)
{
    bool any = false;
    for (size_t k = 0; k < model->n_interpolated; k++) any |= !model->interpolated[k].number;
    return any;
}

cev_status cev_data_asimov(cev_arena *arena, cev_model *model, const double *theta, cev_data *out)
{
    double before[CEV_MAX_THETA];
    if (profiles_slow(model)) return asimov_between_nodes(arena, model, theta, out);
    memcpy(before, model->theta, sizeof before);
    cev_model_fold(model, theta);
    cev_status status = asimov_of_all(arena, model, theta, out);
    cev_model_fold(model, before);
    return status;
}

static cev_status observed_of(const cev_model *model, size_t e, const double **out)
{
    const cev_experiment *experiment = cev_model_experiment(model, e);
    if (!experiment->observed)
        return cev_fail(CEV_E_INPUT, "experiment %s has no observed counts; scan it with data: asimov",
                        experiment->name);
    *out = experiment->observed;
    return CEV_OK;
}

cev_status cev_data_observed(cev_arena *arena, const cev_model *model, cev_data *out)
{
    const double **counts;
    CEV_TRY(cev_new(arena, model->n_experiment, &counts));
    for (size_t e = 0; e < model->n_experiment; e++) CEV_TRY(observed_of(model, e, &counts[e]));
    out->counts = counts;
    return CEV_OK;
}

cev_status cev_data_mixed(cev_arena *arena, cev_model *model, const bool *observed, const double *theta, cev_data *out)
{
    const double **counts;
    cev_data asimov;
    CEV_TRY(cev_data_asimov(arena, model, theta, &asimov));
    CEV_TRY(cev_new(arena, model->n_experiment, &counts));
    for (size_t e = 0; e < model->n_experiment; e++) {
        counts[e] = asimov.counts[e];
        if (observed[e]) CEV_TRY(observed_of(model, e, &counts[e]));
    }
    out->counts = counts;
    return CEV_OK;
}
