/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pulls of all experiments by name, as the fit is told of them. */
#include <math.h>
#include <string.h>

#include "model_parts.h"

static cev_status gather_backgrounds(cev_model *model, const cev_experiment *e, cev_channel *channel)
{
    double *background;
    size_t n_bin = e->bins.n_bin;
    CEV_TRY(cev_new(model->arena, e->n_background * n_bin, &background));
    for (size_t b = 0; b < e->n_background; b++)
        memcpy(background + b * n_bin, e->background[b].counts, n_bin * sizeof *background);
    *channel = (cev_channel){.n_bin = n_bin,
                             .n_background = e->n_background,
                             .background = background,
                             .variance = e->variance,
                             .n_shape = cev_experiment_n_shape(e)};
    return CEV_OK;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static size_t pull_number(const cev_model *model, const char *name)
{
    size_t p = 0;
    while (p < model->n_pull && strcmp(model->pull[p].name, name)) p++;
    return p;
}

/* Where the scan gives a pull its values. */
static size_t place_in_theta(const cev_roster *roster, const char *name)
{
    for (size_t g = 0; g < roster->n_guest; g++)
        if (roster->guest[g].kind == CEV_GUEST_PULL && !strcmp(roster->guest[g].parameter.name, name))
            return cev_roster_index(roster, name);
    return NOT_GIVEN;
}

static cev_status number_of(cev_model *model, const cev_experiment *experiment, const cev_pull *pull, size_t *p)
{
    char why[128];
    *p = pull_number(model, pull->name);
    if (*p == model->n_pull) {
        model_pull *new = &model->pull[model->n_pull++];
        *new = (model_pull){.name = pull->name, .of = pull, .theta = place_in_theta(&model->roster, pull->name)};
        model->n_given += new->theta != NOT_GIVEN;
    }
    model->pull[*p].users++;
    if (cev_pull_is_one(model->pull[*p].of, pull, why, sizeof why)) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "pull %s is shared by several experiments, but %s, the last in %s", pull->name, why,
                    experiment->name);
}

/* --- links ------------------------------------------------------------------------------------------------------ */

static cev_status gather_links(cev_model *model, size_t e)
{
    const cev_experiment *x = model->experiment[e].experiment;
    size_t shape = CEV_COMPONENT_FIRST_BACKGROUND + x->n_background;
    for (size_t k = 0; k < x->n_pull; k++) {
        const cev_pull *pull = &x->pull[k];
        size_t p, n_shape = cev_pull_n_shape(pull);
        if (!cev_pull_is_there(pull)) continue;
        CEV_TRY(number_of(model, x, pull, &p));
        for (size_t c = 0; c < pull->n_component; c++)
            model->link[model->n_link++] = (cev_pull_link){.pull = p,
                                                           .channel = e,
                                                           .component = pull->component[c],
                                                           .weight = pull->weight ? pull->weight[c] : 1,
                                                           .power = 1};
        for (size_t s = 0; s < n_shape; s++)
            model->link[model->n_link++] =
                (cev_pull_link){.pull = p, .channel = e, .component = shape++, .weight = 1, .power = 1 + (int)s};
    }
    return CEV_OK;
}

/* --- what is known of them -------------------------------------------------------------------------------------- */

/* NULL if all are plain. */
static cev_status gather_priors(const cev_model *model, const cev_pull_prior **out)
{
    cev_pull_prior *prior;
    bool plain = true;
    CEV_TRY(cev_new(model->arena, model->n_pull, &prior));
    for (size_t p = 0; p < model->n_pull; p++) {
        const model_pull *pull = &model->pull[p];
        prior[p] = (cev_pull_prior){.constraint = pull->of->constraint,
                                    .low = cev_pull_low(pull->of),
                                    .high = cev_pull_high(pull->of),
                                    .given = pull->theta != NOT_GIVEN};
        plain &= prior[p].constraint == CEV_CONSTRAINT_GAUSSIAN && !pull->of->bounded && !prior[p].given;
    }
    *out = plain ? NULL : prior;
    return CEV_OK;
}

/* NULL if none are correlated. */
static cev_status gather_correlations(const cev_model *model, const double **out)
{
    double *matrix = NULL;
    size_t n = model->n_pull;
    for (size_t k = 0; k < model->roster.n_correlation; k++) {
        const cev_correlation *c = &model->roster.correlation[k];
        size_t a = pull_number(model, c->pull[0]), b = pull_number(model, c->pull[1]);
        if (a == n || b == n || c->coefficient == 0) continue;
        if (!matrix) {
            CEV_TRY(cev_new(model->arena, n * n, &matrix));
            for (size_t p = 0; p < n; p++) matrix[p * n + p] = 1;
        }
        matrix[a * n + b] = matrix[b * n + a] = c->coefficient;
    }
    *out = matrix;
    return CEV_OK;
}

cev_status cev_model_build_profile(cev_model *model)
{
    size_t most_links = 0, most_pulls = 0;
    for (size_t e = 0; e < model->n_experiment; e++) {
        const cev_experiment *x = model->experiment[e].experiment;
        most_pulls += x->n_pull;
        most_links += cev_experiment_n_shape(x);
        for (size_t p = 0; p < x->n_pull; p++) most_links += x->pull[p].n_component;
    }
    cev_channel *channel;
    double *sigma;
    CEV_TRY(cev_new(model->arena, model->n_experiment, &channel));
    CEV_TRY(cev_new(model->arena, most_links, &model->link));
    CEV_TRY(cev_new(model->arena, most_pulls, &sigma));
    CEV_TRY(cev_new(model->arena, most_pulls, &model->pull));
    for (size_t e = 0; e < model->n_experiment; e++) {
        CEV_TRY(gather_backgrounds(model, model->experiment[e].experiment, &channel[e]));
        CEV_TRY(gather_links(model, e));
    }
    for (size_t p = 0; p < model->n_pull; p++) sigma[p] = model->pull[p].of->sigma;
    cev_profile_spec spec = {.n_channel = model->n_experiment,
                             .channel = channel,
                             .n_pull = model->n_pull,
                             .sigma = sigma,
                             .n_link = model->n_link,
                             .link = model->link};
    CEV_TRY(gather_priors(model, &spec.prior));
    CEV_TRY(gather_correlations(model, &spec.correlation));
    return cev_profile_create(&spec, &model->profile);
}

/* --- those that are given --------------------------------------------------------------------------------------- */

const cev_lanes *cev_model_given(const cev_model *model, cev_model_scratch *scratch, const cev_lanes *theta)
{
    if (model->n_given == 0) return NULL;
    for (size_t p = 0; p < model->n_pull; p++)
        scratch->given[p] = model->pull[p].theta == NOT_GIVEN ? (cev_lanes){0} : theta[model->pull[p].theta];
    return scratch->given;
}

/* What the pulls that are given, and not 0, add to the counts of the first lane. */
static void add_given(const cev_model *model, size_t e, const cev_model_scratch *scratch, const cev_lanes *theta,
                      double *counts)
{
    const cev_experiment *x = model->experiment[e].experiment;
    size_t n_bin = x->bins.n_bin, first_shape = CEV_COMPONENT_FIRST_BACKGROUND + x->n_background;
    for (size_t k = 0; k < model->n_link; k++) {
        const cev_pull_link *l = &model->link[k];
        size_t at = model->pull[l->pull].theta;
        double a = at == NOT_GIVEN ? 0 : theta[at][0], scale = l->weight * (l->power == 2 ? a * a : a);
        if (l->channel != e || a == 0) continue;
        for (size_t i = 0; i < n_bin; i++) {
            if (l->component == CEV_COMPONENT_SIGNAL)
                counts[i] += scale * scratch->signal[e][i][0];
            else if (l->component < first_shape)
                counts[i] += scale * x->background[l->component - CEV_COMPONENT_FIRST_BACKGROUND].counts[i];
            else
                counts[i] += scale * scratch->signal[e][(1 + l->component - first_shape) * n_bin + i][0];
        }
    }
}

void cev_model_counts(const cev_model *model, size_t e, cev_model_scratch *scratch, const cev_lanes *theta,
                      double *counts)
{
    const cev_experiment *x = model->experiment[e].experiment;
    cev_model_predict(model, e, scratch, theta);
    for (size_t i = 0; i < x->bins.n_bin; i++) {
        counts[i] = scratch->signal[e][i][0];
        for (size_t b = 0; b < x->n_background; b++) counts[i] += x->background[b].counts[i];
    }
    if (model->n_given > 0) add_given(model, e, scratch, theta, counts);
}
