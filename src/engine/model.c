/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_parts.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)CEV_MAX_PULLS == (int)CEV_PROFILE_MAX_PULLS, "what a scan may have is what a fit can have");

static cev_status check_names(size_t n, const cev_experiment *const *experiment)
{
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < a; b++)
            if (!strcmp(experiment[a]->name, experiment[b]->name))
                return cev_fail(CEV_E_INPUT, "experiment %s is used twice; a copy needs a name of its own",
                                experiment[a]->name);
    return CEV_OK;
}

cev_status cev_model_prepare_part(cev_model *model, model_experiment *part)
{
    const cev_card *card = &model->interaction->card;
    const char *flux = part->experiment->source.kind->scan_parameter;
    part->flux_parameter = flux ? cev_parameter_index(card->parameters, card->n_parameter, flux) : card->n_parameter;
    CEV_TRY(cev_folding_create(part->experiment, model->interaction, model->theta, &part->folding));
    CEV_TRY(cev_folding_templates(model->arena, part->folding, &part->templates));
    size_t n_row = part->templates.n_row, n_bin = part->templates.n_bin;
    CEV_TRY(cev_new(model->arena, n_row, &part->source_of_coefficients));
    CEV_TRY(cev_model_new_rows(model->arena, &part->templates, &part->rows));
    CEV_TRY(cev_new(model->arena, n_row * n_bin, &part->sum));
    return cev_model_prepare_shapes(model, part);
}

void cev_model_fold_part(cev_model *model, model_experiment *part, const double *theta)
{
    cev_folding_fill(part->folding, theta, &part->templates);
    cev_model_sort_rows(model->interaction->n_term, part, &part->templates, &part->rows);
    cev_model_fold_shapes(model, part, theta);
}

void cev_model_destroy_part(model_experiment *part)
{
    cev_folding_destroy(&part->folding);
    cev_model_destroy_shapes(part);
}

static void fold(cev_model *model, const double *theta)
{
    memcpy(model->theta, theta, cev_roster_n(&model->roster) * sizeof *theta);
    for (size_t e = 0; e < model->n_experiment; e++) {
        cev_model_fold_part(model, &model->experiment[e], theta);
        cev_model_fold_nodes(model, &model->experiment[e], theta);
    }
}

bool cev_model_is_folded(const cev_model *model, const double *theta)
{
    const cev_card *card = &model->interaction->card;
    for (size_t p = 0; p < card->n_parameter; p++)
        if (card->parameters[p].slow && !cev_same_value(model->theta[p], theta[p]) &&
            !cev_model_is_interpolated(model, p))
            return false;
    return true;
}

void cev_model_fold(cev_model *model, const double *theta)
{
    if (!cev_model_is_folded(model, theta)) fold(model, theta);
}

static cev_status build(cev_model *model, const cev_experiment *const *experiment, const double *theta)
{
    CEV_TRY(check_names(model->n_experiment, experiment));
    CEV_TRY(cev_arena_create(&model->arena));
    CEV_TRY(cev_new(model->arena, model->n_experiment, &model->experiment));
    for (size_t e = 0; e < model->n_experiment; e++) model->experiment[e].experiment = experiment[e];
    for (size_t e = 0; e < model->n_experiment; e++) CEV_TRY(cev_model_prepare_part(model, &model->experiment[e]));
    CEV_TRY(cev_model_list_interpolated(model));
    for (size_t e = 0; e < model->n_experiment; e++) CEV_TRY(cev_model_prepare_nodes(model, &model->experiment[e]));
    fold(model, theta);
    return cev_model_build_profile(model);
}

cev_status cev_model_create(size_t n_experiment, const cev_experiment *const *experiment, const cev_roster *roster,
                            const double *theta, cev_model **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->interaction = roster->interaction;
    (*out)->roster = *roster;
    (*out)->n_experiment = n_experiment;
    memcpy((*out)->theta, theta, cev_roster_n(roster) * sizeof *theta);
    cev_status status = build(*out, experiment, theta);
    if (status != CEV_OK) cev_model_destroy(out);
    return status;
}

void cev_model_destroy(cev_model **model)
{
    if (!model || !*model) return;
    cev_profile_destroy(&(*model)->profile);
    for (size_t e = 0; (*model)->experiment && e < (*model)->n_experiment; e++) {
        cev_model_destroy_part(&(*model)->experiment[e]);
        cev_model_destroy_nodes(&(*model)->experiment[e]);
    }
    cev_arena_destroy(&(*model)->arena);
    free(*model);
    *model = NULL;
}

size_t cev_model_n_experiment(const cev_model *model)
{
    return model->n_experiment;
}

const cev_experiment *cev_model_experiment(const cev_model *model, size_t e)
{
    return model->experiment[e].experiment;
}

const cev_interaction *cev_model_interaction(const cev_model *model)
{
    return model->interaction;
}

const cev_roster *cev_model_roster(const cev_model *model)
{
    return &model->roster;
}

const cev_templates *cev_model_templates(const cev_model *model, size_t e)
{
    return &model->experiment[e].templates;
}

size_t cev_model_n_pull(const cev_model *model)
{
    return model->n_pull;
}

const char *cev_model_pull_name(const cev_model *model, size_t p)
{
    return model->pull[p].name;
}

double cev_model_pull_sigma(const cev_model *model, size_t p)
{
    return model->pull[p].of->sigma;
}

const cev_pull *cev_model_pull(const cev_model *model, size_t p)
{
    return model->pull[p].of;
}

bool cev_model_pull_is_given(const cev_model *model, size_t p)
{
    return model->pull[p].theta != NOT_GIVEN;
}

size_t cev_model_pull_users(const cev_model *model, size_t p)
{
    return model->pull[p].users;
}

size_t cev_model_n_variable(const cev_model *model)
{
    return cev_profile_n_variable(model->profile);
}

cev_status cev_model_use_level(cev_model *model, cev_level level)
{
    return cev_profile_use_level(model->profile, level);
}
