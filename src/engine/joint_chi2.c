/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "joint_chi2.h"

#include <stdlib.h>
#include <string.h>

#include "joint_parts.h"

/* --- what forms do to an experiment ----------------------------------------------------------------------------- */

static size_t flux_number(joint_chi2 *joint, const cev_model *model, const model_experiment *part)
{
    const cev_source *source = &part->experiment->source;
    joint_flux flux = {.parameter = SIZE_MAX, .normalisation = 1};
    if (part->flux_parameter < model->interaction->card.n_parameter)
        flux = (joint_flux){part->flux_parameter, source->parameter[source->kind->normalisation]};
    size_t b = 0;
    while (b < joint->n_flux && (joint->flux[b].parameter != flux.parameter ||
                                 !cev_same_value(joint->flux[b].normalisation, flux.normalisation)))
        b++;
    if (b == joint->n_flux && b < JOINT_MAX_FLUXES) joint->flux[joint->n_flux++] = flux;
    return b;
}

static cev_status number_fluxes(joint_chi2 *joint)
{
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++) {
            joint_channel *c = &joint->unit[u].channel[e];
            c->part = &joint->unit[u].model->experiment[e];
            c->flux = flux_number(joint, joint->unit[u].model, c->part);
            if (c->flux == JOINT_MAX_FLUXES)
                return cev_fail(CEV_E_INPUT, "more than %d fluxes of sources in one fit", JOINT_MAX_FLUXES);
        }
    return CEV_OK;
}

/* Weights of the interaction's forms on each source of coefficients. */
static cev_status list_weights(joint_chi2 *joint, joint_channel *c)
{
    size_t n_term = joint->interaction->n_term, n_source = c->part->n_coefficient_source, n_base = joint->n_base;
    CEV_TRY(cev_new(joint->arena, n_source * n_term * n_base, &c->weight_of_form));
    CEV_TRY(cev_new(joint->arena, n_base, &c->has_base));
    for (size_t s = 0; s < n_source; s++) {
        const coefficient_source *from = &c->part->source_of_coefficients[s];
        joint->interaction->forms->weights(&c->part->experiment->target.nucleus[from->nucleus],
                                           (cev_flavour)from->flavour, c->weight_of_form + s * n_term * n_base);
    }
    for (size_t k = 0; k < n_source * n_term * n_base; k++) c->has_base[k % n_base] |= c->weight_of_form[k] != 0;
    c->n_count = (1 + c->part->n_shape) * c->part->templates.n_bin;
    CEV_TRY(cev_new(joint->arena, n_base * joint->products.n * c->n_count, &c->spectrum));
    return cev_new(joint->arena, c->n_count, &c->at_node);
}

/* Adds counts per unit of an interaction's form in a set of rows. */
static void add_counts(const joint_chi2 *joint, const joint_channel *c, size_t base, const row_set *rows,
                       double *counts)
{
    size_t n_bin = c->part->templates.n_bin, n_pair = c->part->n_coefficient_source * joint->interaction->n_term;
    for (size_t k = 0; k < n_pair; k++) {
        double weight = c->weight_of_form[k * joint->n_base + base];
        if (rows->row_of_term[k] == NO_ROW || weight == 0) continue;
        const double *row = rows->counts + rows->row_of_term[k] * n_bin;
        for (size_t i = 0; i < n_bin; i++) counts[i] += weight * row[i];
    }
}

/* Those of an experiment, or one of its nodes: of the signal, then of each shape. */
static void fill_node(const joint_chi2 *joint, const joint_channel *c, size_t base, const model_experiment *node)
{
    size_t n_bin = c->part->templates.n_bin;
    memset(c->at_node, 0, c->n_count * sizeof *c->at_node);
    add_counts(joint, c, base, &node->rows, c->at_node);
    for (size_t s = 0; s < node->n_shape; s++)
        add_counts(joint, c, base, &node->shape[s].rows, c->at_node + (1 + s) * n_bin);
}

/* Share of product t in the interpolation from node j. */
static double share_of_product(const joint_chi2 *joint, const cev_model *model, const joint_channel *c, size_t j,
                               size_t t)
{
    size_t order[CEV_MAX_THETA] = {0};
    for (size_t a = 0; a < joint->products.n_axis; a++) order[joint->products.axis[a]] = joint->products.order[t][a];
    return cev_model_node_in_chebyshev(model, c->part->nodes, j, order);
}

static void fill_spectrum(const joint_chi2 *joint, const cev_model *model, joint_channel *c)
{
    const model_nodes *nodes = c->part->nodes;
    size_t n = joint->products.n;
    memset(c->spectrum, 0, joint->n_base * n * c->n_count * sizeof *c->spectrum);
    for (size_t f = 0; f < joint->n_base; f++)
        for (size_t j = 0; c->has_base[f] && j < (nodes ? nodes->n : 1); j++) {
            fill_node(joint, c, f, nodes ? &nodes->part[j] : c->part);
            for (size_t t = 0; t < n; t++) {
                double share = share_of_product(joint, model, c, j, t), *to = c->spectrum + (f * n + t) * c->n_count;
                for (size_t i = 0; share != 0 && i < c->n_count; i++) to[i] += share * c->at_node[i];
            }
        }
}

static cev_status prepare_channel(joint_chi2 *joint, joint_channel *c, cev_linear_channel *linear)
{
    size_t n_bin = c->part->templates.n_bin, n_shape = c->part->n_shape;
    CEV_TRY(cev_new(joint->arena, joint->n_form, &c->form));
    for (size_t i = 0; i < joint->n_form; i++)
        if (joint->form[i].flux == c->flux && c->has_base[joint->form[i].base]) c->form[linear->n_form++] = i;
    linear->form = c->form;
    CEV_TRY(joint_columns_create(joint->arena, n_bin, linear->n_form, n_shape, &c->columns));
    size_t n_column = c->columns.n_column;
    CEV_TRY(cev_new(joint->arena, n_column * n_bin, &c->row));
    CEV_TRY(cev_new(joint->arena, n_column * n_column, &c->weight));
    CEV_TRY(cev_new(joint->arena, n_shape * n_bin, &c->constant));
    linear->row = c->row;
    linear->weight = c->weight;
    linear->constant = c->constant;
    return CEV_OK;
}

/* Counts per unit of each form: what of the spectrum is along its function. */
static void fill_columns(const joint_chi2 *joint, joint_channel *c, const cev_linear_channel *linear)
{
    size_t n_bin = c->columns.n_bin, n = joint->products.n;
    memset(c->columns.counts, 0, c->columns.n_column * n_bin * sizeof *c->columns.counts);
    for (size_t k = 0; k < linear->n_form; k++) {
        const joint_form *form = &joint->form[linear->form[k]];
        for (size_t t = 0; t < n; t++) {
            const double *from = c->spectrum + (form->base * n + t) * c->n_count;
            for (size_t i = 0; form->mix[t] != 0 && i < c->n_count; i++)
                c->columns.counts[(i / n_bin * linear->n_form + k) * n_bin + i % n_bin] += form->mix[t] * from[i];
        }
    }
}

/* Rows and weights from the columns. */
static void fill_linear(joint_channel *c, cev_linear_channel *linear)
{
    const joint_columns *columns = &c->columns;
    size_t n_bin = columns->n_bin, n_form = linear->n_form, n_row = linear->n_row = columns->n_row;
    for (size_t k = 0; k < n_row; k++)
        memcpy(c->row + k * n_bin, columns->counts + columns->row_column[k] * n_bin, n_bin * sizeof *c->row);
    for (size_t j = 0; j < columns->n_column; j++)
        for (size_t k = 0; k < n_row; k++)
            c->weight[(j / n_form * n_row + k) * n_form + j % n_form] = columns->share[j * columns->n_column + k];
}

/* Backgrounds depend on nothing that is interpolated. */
static void refresh_channel(const joint_chi2 *joint, joint_channel *c, cev_linear_channel *linear)
{
    size_t n_bin = c->columns.n_bin;
    fill_columns(joint, c, linear);
    for (size_t s = 0; s < c->part->n_shape; s++)
        if (c->part->shape[s].background) /* parts of the signal have none */
            memcpy(c->constant + s * n_bin, c->part->shape[s].background, n_bin * sizeof *c->constant);
    joint_columns_reduce(&c->columns);
    fill_linear(c, linear);
}

static void fill_spectra(joint_chi2 *joint)
{
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++)
            fill_spectrum(joint, joint->unit[u].model, &joint->unit[u].channel[e]);
}

static void refresh_columns(joint_chi2 *joint)
{
    joint_functions_find(joint);
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++)
            refresh_channel(joint, &joint->unit[u].channel[e], &joint->unit[u].linear[e]);
}

void joint_chi2_refresh(joint_chi2 *joint)
{
    fill_spectra(joint);
    refresh_columns(joint);
    for (size_t u = 0; u < joint->n_unit; u++) cev_slopes_refresh(joint->unit[u].slopes);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

/* Pulls whose values theta has. */
static cev_status find_given(joint_chi2 *joint, joint_unit *unit)
{
    const cev_roster *roster = cev_model_roster(unit->model);
    unit->n_pull = cev_model_n_pull(unit->model);
    CEV_TRY(cev_new(joint->arena, unit->n_pull, &unit->given));
    for (size_t p = 0; p < unit->n_pull; p++) {
        unit->given[p] = SIZE_MAX;
        for (size_t g = 0; g < roster->n_guest; g++)
            if (roster->guest[g].kind == CEV_GUEST_PULL &&
                !strcmp(roster->guest[g].parameter.name, cev_model_pull_name(unit->model, p)))
                unit->given[p] = joint->interaction->card.n_parameter + g;
    }
    return CEV_OK;
}

static cev_status prepare_unit(joint_chi2 *joint, joint_unit *unit)
{
    for (size_t e = 0; e < unit->model->n_experiment; e++) joint->n_bin += unit->model->experiment[e].templates.n_bin;
    CEV_TRY(find_given(joint, unit));
    unit->first_variable = joint->n_variable;
    unit->first_pull = joint->n_pull;
    joint->n_variable += cev_model_n_variable(unit->model);
    joint->n_pull += unit->n_pull;
    return cev_slopes_create(unit->model->profile, unit->linear, unit->data.counts, &unit->slopes);
}

static cev_status prepare_forms(joint_chi2 *joint, const joint_chi2 *pattern)
{
    CEV_TRY(number_fluxes(joint));
    CEV_TRY(joint_products_list(joint));
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++)
            CEV_TRY(list_weights(joint, &joint->unit[u].channel[e]));
    fill_spectra(joint);
    CEV_TRY(joint_functions_create(joint, pattern));
    for (size_t u = 0; u < joint->n_unit; u++)
        for (size_t e = 0; e < joint->unit[u].model->n_experiment; e++)
            CEV_TRY(prepare_channel(joint, &joint->unit[u].channel[e], &joint->unit[u].linear[e]));
    refresh_columns(joint);
    return CEV_OK;
}

static cev_status build(size_t n_unit, cev_model *const *model, const cev_data *const *data, const joint_chi2 *pattern,
                        joint_chi2 *joint)
{
    const cev_interaction *interaction = joint->interaction = model[0]->interaction;
    if (!interaction->forms)
        return cev_fail(CEV_E_INPUT, "interaction %s has no forms: none of its parameters can be profiled",
                        interaction->card.name);
    CEV_TRY(cev_arena_create(&joint->arena));
    joint->n_base = interaction->forms->n;
    joint->n_unit = n_unit;
    CEV_TRY(cev_new(joint->arena, n_unit, &joint->unit));
    for (size_t u = 0; u < n_unit; u++) {
        joint_unit *unit = &joint->unit[u];
        unit->model = model[u];
        unit->data = *data[u];
        CEV_TRY(cev_new(joint->arena, model[u]->n_experiment, &unit->channel));
        CEV_TRY(cev_new(joint->arena, model[u]->n_experiment, &unit->linear));
    }
    CEV_TRY(prepare_forms(joint, pattern));
    for (size_t u = 0; u < n_unit; u++) CEV_TRY(prepare_unit(joint, &joint->unit[u]));
    return CEV_OK;
}

cev_status joint_chi2_create_like(const joint_chi2 *pattern, size_t n_unit, cev_model *const *model,
                                  const cev_data *const *data, joint_chi2 **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = build(n_unit, model, data, pattern, *out);
    if (status != CEV_OK) joint_chi2_destroy(out);
    return status;
}

cev_status joint_chi2_create(size_t n_unit, cev_model *const *model, const cev_data *const *data, joint_chi2 **out)
{
    return joint_chi2_create_like(NULL, n_unit, model, data, out);
}

void joint_chi2_destroy(joint_chi2 **joint)
{
    if (!joint || !*joint) return;
    for (size_t u = 0; (*joint)->unit && u < (*joint)->n_unit; u++) cev_slopes_destroy(&(*joint)->unit[u].slopes);
    cev_arena_destroy(&(*joint)->arena);
    free(*joint);
    *joint = NULL;
}

static cev_status allocate_scratch(const joint_chi2 *joint, joint_scratch *s)
{
    size_t most = 0;
    CEV_TRY(cev_arena_create(&s->arena));
    CEV_TRY(cev_new(s->arena, joint->n_unit, &s->unit));
    s->n_unit = joint->n_unit;
    for (size_t u = 0; u < joint->n_unit; u++) {
        CEV_TRY(cev_slopes_scratch_create(joint->unit[u].slopes, &s->unit[u]));
        if (joint->unit[u].n_pull > most) most = joint->unit[u].n_pull;
    }
    return cev_new(s->arena, most, &s->given);
}

cev_status joint_scratch_create(const joint_chi2 *joint, joint_scratch **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = allocate_scratch(joint, *out);
    if (status != CEV_OK) joint_scratch_destroy(out);
    return status;
}

void joint_scratch_destroy(joint_scratch **scratch)
{
    if (!scratch || !*scratch) return;
    for (size_t u = 0; (*scratch)->unit && u < (*scratch)->n_unit; u++)
        cev_slopes_scratch_destroy(&(*scratch)->unit[u]);
    cev_arena_destroy(&(*scratch)->arena);
    free(*scratch);
    *scratch = NULL;
}

size_t joint_n_form(const joint_chi2 *joint)
{
    return joint->n_form;
}

size_t joint_n_variable(const joint_chi2 *joint)
{
    return joint->n_variable;
}

size_t joint_n_pull(const joint_chi2 *joint)
{
    return joint->n_pull;
}

size_t joint_n_bin(const joint_chi2 *joint)
{
    return joint->n_bin;
}

bool joint_has_matrices(const joint_chi2 *joint)
{
    return joint->interaction->forms->matrices && joint->n_flux == 1 && joint->flux[0].parameter == SIZE_MAX &&
           joint->products.n == 1;
}

/* --- a block ---------------------------------------------------------------------------------------------------- */

static void clear(size_t n, cev_lanes *to)
{
    if (to) memset(to, 0, n * sizeof *to);
}

/* The upper triangle from the lower one. */
static void mirror(size_t n, cev_lanes *matrix)
{
    for (size_t a = 0; matrix && a < n; a++)
        for (size_t b = 0; b < a; b++) matrix[b * n + a] = matrix[a * n + b];
}

void joint_evaluate(const joint_chi2 *joint, joint_scratch *scratch, const cev_lanes *form, const cev_lanes *theta,
                    const cev_lanes *start, joint_value *out)
{
    size_t n = joint->n_form;
    cev_slopes_result result = {.n_form = n,
                                .status = (cev_lanes_mask){0} + CEV_POINT_OK,
                                .gradient = out->gradient,
                                .hessian = out->hessian,
                                .positive = out->positive,
                                .stiff = out->stiff};
    clear(n, out->gradient);
    clear(n * n, out->hessian);
    clear(n * n, out->positive);
    clear(n * n, out->stiff);
    for (size_t u = 0; u < joint->n_unit; u++) {
        const joint_unit *unit = &joint->unit[u];
        for (size_t p = 0; p < unit->n_pull; p++)
            scratch->given[p] = unit->given[p] == SIZE_MAX ? (cev_lanes){0} : theta[unit->given[p]];
        result.variable = out->variable ? out->variable + unit->first_variable : NULL;
        result.follow = out->follow ? out->follow + unit->first_variable * n : NULL;
        result.pull = out->pull ? out->pull + unit->first_pull : NULL;
        cev_slopes_block(unit->slopes, scratch->unit[u], form, scratch->given,
                         start ? start + unit->first_variable : NULL, &result);
    }
    mirror(n, out->hessian);
    mirror(n, out->positive);
    mirror(n, out->stiff);
    out->chi2 = result.chi2;
    out->status = result.status;
}
