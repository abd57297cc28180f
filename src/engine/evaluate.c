/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model_parts.h"

static cev_status allocate_scratch(const cev_model *model, cev_model_scratch *scratch)
{
    CEV_TRY(cev_arena_create(&scratch->arena));
    CEV_TRY(cev_profile_scratch_create(model->profile, &scratch->profile));
    CEV_TRY(cev_new(scratch->arena, model->n_experiment, &scratch->signal));
    size_t most = 0;
    for (size_t e = 0; e < model->n_experiment; e++) {
        const model_experiment *part = &model->experiment[e];
        CEV_TRY(cev_new(scratch->arena, part->templates.n_bin, &scratch->signal[e]));
        if (part->templates.n_row > most) most = part->templates.n_row; /* another folding may have more rows than this one */
    }
    return cev_new(scratch->arena, most, &scratch->coefficient);
}

cev_status cev_model_scratch_create(const cev_model *model, cev_model_scratch **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = allocate_scratch(model, *out);
    if (status != CEV_OK) cev_model_scratch_destroy(out);
    return status;
}

void cev_model_scratch_destroy(cev_model_scratch **scratch)
{
    if (!scratch || !*scratch) return;
    cev_profile_scratch_destroy(&(*scratch)->profile);
    cev_arena_destroy(&(*scratch)->arena);
    free(*scratch);
    *scratch = NULL;
}

/* signal_i = sum_k c_k t_ki, in the order of the rows. */
CEV_DISPATCH static void contract(size_t n_row, size_t n_bin, const cev_lanes *coefficient, const double *counts,
                                  cev_lanes *signal)
{
    for (size_t i = 0; i < n_bin; i++) {
        cev_lanes sum = {0};
        for (size_t k = 0; k < n_row; k++) sum += coefficient[k] * counts[k * n_bin + i];
        signal[i] = sum;
    }
}

cev_lanes cev_model_flux(const cev_model *model, const model_experiment *part, const cev_lanes *theta)
{
    const cev_source *source = &part->experiment->source;
    cev_lanes one = 1.0 - (cev_lanes){0};
    if (part->flux_parameter == model->interaction->card.n_parameter || isnan(theta[part->flux_parameter][0])) return one;
    return theta[part->flux_parameter] / source->parameter[source->kind->normalisation];
}

void cev_model_predict(const cev_model *model, size_t e, cev_model_scratch *scratch, const cev_lanes *theta)
{
    const model_experiment *part = &model->experiment[e];
    size_t n_term = model->interaction->n_term;
    memset(scratch->coefficient, 0, part->n_row * sizeof *scratch->coefficient);
    cev_lanes flux = cev_model_flux(model, part, theta);
    for (size_t s = 0; s < part->n_coefficient_source; s++) {
        const coefficient_source *from = &part->source_of_coefficients[s];
        cev_lanes coefficient[CEV_MAX_TERMS];
        model->interaction->coefficients(&part->experiment->target.nucleus[from->nucleus], (cev_flavour)from->flavour, theta,
                                         coefficient);
        for (size_t t = 0; t < n_term; t++) {
            size_t row = part->row_of_term[s * n_term + t];
            if (row != NO_ROW) scratch->coefficient[row] += flux * coefficient[t];
        }
    }
    contract(part->n_row, part->templates.n_bin, scratch->coefficient, part->counts, scratch->signal[e]);
}

void cev_model_evaluate(const cev_model *model, const cev_data *data, cev_model_scratch *scratch, const cev_lanes *theta,
                        const cev_lanes *start, cev_block_result *result)
{
    for (size_t e = 0; e < model->n_experiment; e++) cev_model_predict(model, e, scratch, theta);
    cev_profile_result profiled = {.pull = result->pull, .variable = result->variable};
    cev_profile_block(model->profile, scratch->profile, data->counts, (const cev_lanes *const *)scratch->signal, start, &profiled);
    result->chi2 = profiled.chi2;
    result->status = profiled.status;
}
