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
    if (model->n_given > 0) CEV_TRY(cev_new(scratch->arena, model->n_pull, &scratch->given));
    CEV_TRY(cev_model_new_node_scratch(model, scratch));
    size_t most = 0;
    for (size_t e = 0; e < model->n_experiment; e++) {
        const model_experiment *part = &model->experiment[e];
        CEV_TRY(cev_new(scratch->arena, (1 + part->n_shape) * part->templates.n_bin, &scratch->signal[e]));
        if (part->templates.n_row > most)
            most = part->templates.n_row; /* another folding may have more rows than this one */
    }
    CEV_TRY(cev_new(scratch->arena, most, &scratch->of_terms));
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

/* Half of a row of lanes: one register of AVX2. A sum that is wider than a register would live in memory. */
typedef double half_lanes __attribute__((vector_size(CEV_LANES / 2 * sizeof(double)), may_alias));

/* signal_i = sum_k c_k t_ki, in the order of the rows. */
CEV_DISPATCH static void contract(size_t n_row, size_t n_bin, const cev_lanes *coefficient, const double *counts,
                                  cev_lanes *signal)
{
    const half_lanes *c = (const half_lanes *)coefficient;
    half_lanes *to = (half_lanes *)signal;
    for (size_t i = 0; i < n_bin; i++) {
        half_lanes low = {0}, high = {0};
        for (size_t k = 0; k < n_row; k++) {
            low += c[2 * k] * counts[k * n_bin + i];
            high += c[2 * k + 1] * counts[k * n_bin + i];
        }
        to[2 * i] = low;
        to[2 * i + 1] = high;
    }
}

cev_lanes cev_model_flux(const cev_model *model, const model_experiment *part, const cev_lanes *theta)
{
    const cev_source *source = &part->experiment->source;
    cev_lanes one = 1.0 - (cev_lanes){0};
    if (part->flux_parameter == model->interaction->card.n_parameter || isnan(theta[part->flux_parameter][0]))
        return one;
    return theta[part->flux_parameter] / source->parameter[source->kind->normalisation];
}

void cev_model_predict_rows(const cev_model *model, const model_experiment *part, const row_set *rows,
                            cev_model_scratch *scratch, cev_lanes *counts)
{
    size_t n_term = model->interaction->n_term;
    const cev_lanes *of_terms = scratch->of_terms;
    cev_lanes *coefficient = scratch->coefficient;
    memset(coefficient, 0, rows->n_row * sizeof *coefficient);
    for (size_t k = 0; k < part->n_coefficient_source * n_term; k++)
        if (rows->row_of_term[k] != NO_ROW) coefficient[rows->row_of_term[k]] += of_terms[k];
    contract(rows->n_row, part->templates.n_bin, coefficient, rows->counts, counts);
}

void cev_model_predict(const cev_model *model, size_t e, cev_model_scratch *scratch, const cev_lanes *theta)
{
    const model_experiment *part = &model->experiment[e];
    size_t n_term = model->interaction->n_term, n_bin = part->templates.n_bin;
    cev_lanes flux = cev_model_flux(model, part, theta), *of_terms = scratch->of_terms;
    for (size_t s = 0; s < part->n_coefficient_source; s++) {
        const coefficient_source *from = &part->source_of_coefficients[s];
        model->interaction->coefficients(&part->experiment->target.nucleus[from->nucleus], (cev_flavour)from->flavour,
                                         theta, of_terms + s * n_term);
        for (size_t t = 0; t < n_term; t++) of_terms[s * n_term + t] *= flux;
    }
    if (part->nodes) {
        cev_model_predict_nodes(model, e, scratch, theta);
        return;
    }
    cev_model_predict_rows(model, part, &part->rows, scratch, scratch->signal[e]);
    for (size_t s = 0; s < part->n_shape; s++) {
        cev_lanes *shape = scratch->signal[e] + (1 + s) * n_bin;
        cev_model_predict_rows(model, part, &part->shape[s].rows, scratch, shape);
        for (size_t i = 0; part->shape[s].background && i < n_bin; i++) shape[i] += part->shape[s].background[i];
    }
}

void cev_model_evaluate(const cev_model *model, const cev_data *data, cev_model_scratch *scratch,
                        const cev_lanes *theta, const cev_lanes *start, cev_block_result *result)
{
    for (size_t e = 0; e < model->n_experiment; e++) cev_model_predict(model, e, scratch, theta);
    cev_profile_result profiled = {.pull = result->pull, .variable = result->variable};
    cev_profile_block(model->profile, scratch->profile, data->counts, (const cev_lanes *const *)scratch->signal,
                      cev_model_given(model, scratch, theta), start, &profiled);
    result->chi2 = profiled.chi2;
    result->status = profiled.status;
}
