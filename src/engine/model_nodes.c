/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiments folded at nodes, and what is expected between them. How many nodes: model_node_count.c. */
#include "model_nodes.h"

#include <stdio.h>
#include <string.h>

#include "cevscan/experiment_number.h"
#include "model_node_count.h"
#include "model_parts.h"

/* --- what is interpolated ----------------------------------------------------------------------------------------- */

static const cev_profiled *profiled_at(const cev_roster *roster, size_t index)
{
    for (size_t k = 0; k < roster->n_profiled; k++)
        if (roster->profiled[k].index == index) return &roster->profiled[k];
    return NULL;
}

static const cev_follower *follower_at(const cev_roster *roster, size_t index)
{
    for (size_t k = 0; k < roster->n_follower; k++)
        if (roster->follower[k].index == index) return &roster->follower[k];
    return NULL;
}

/* Whether a profiled parameter moves it, itself or through others. */
static bool is_moved(const cev_roster *roster, size_t index)
{
    const cev_follower *f = follower_at(roster, index);
    bool moved = profiled_at(roster, index) != NULL;
    if (!f) return moved;
    if (!f->formula) return is_moved(roster, f->of);
    for (size_t k = 0; k < f->n_input; k++) moved |= is_moved(roster, f->input[k]);
    return moved;
}

/* The values that a slow parameter, which a profiled one moves, can take. */
static cev_status range_of(const cev_roster *roster, size_t index, double times, model_interpolated *out)
{
    const cev_profiled *profiled = profiled_at(roster, index);
    const cev_follower *f = follower_at(roster, index);
    if (!profiled && f->formula)
        return cev_fail(CEV_E_INPUT,
                        "parameter %s changes the shapes of spectra, and follows profiled ones by a formula, so that "
                        "its "
                        "range is not known; profile %s itself, or tie it to one parameter",
                        out->name, out->name);
    if (!profiled) return range_of(roster, f->of, times * f->times, out);
    out->low = times * (times < 0 ? profiled->high : profiled->low);
    out->high = times * (times < 0 ? profiled->low : profiled->high);
    return CEV_OK;
}

static cev_status add_slow(const cev_roster *roster, size_t index, model_interpolated *out)
{
    const cev_parameter *p = cev_roster_parameter(roster, index);
    *out = (model_interpolated){.theta = index, .name = p->name};
    if (p->whole) return cev_fail(CEV_E_INPUT, "parameter %s is a choice, and cannot be profiled", p->name);
    return range_of(roster, index, 1, out);
}

cev_status cev_model_list_interpolated(cev_model *model)
{
    const cev_roster *roster = &model->roster;
    size_t n_parameter = model->interaction->card.n_parameter;
    CEV_TRY(cev_new(model->arena, n_parameter + roster->n_guest, &model->interpolated));
    for (size_t p = 0; p < n_parameter; p++)
        if (model->interaction->card.parameters[p].slow && is_moved(roster, p))
            CEV_TRY(add_slow(roster, p, &model->interpolated[model->n_interpolated++]));
    for (size_t g = 0; g < roster->n_guest; g++)
        if (roster->guest[g].kind == CEV_GUEST_NUMBER)
            model->interpolated[model->n_interpolated++] = (model_interpolated){.theta = n_parameter + g,
                                                                                .low = roster->guest[g].low,
                                                                                .high = roster->guest[g].high,
                                                                                .name = roster->guest[g].parameter.name,
                                                                                .number = true};
    return CEV_OK;
}

bool cev_model_is_interpolated(const cev_model *model, size_t index)
{
    size_t k = 0;
    while (k < model->n_interpolated && model->interpolated[k].theta != index) k++;
    return k < model->n_interpolated;
}

/* --- nodes of an experiment --------------------------------------------------------------------------------------- */

static cev_status check_axes(const cev_experiment *x, const model_nodes *nodes, const model_node_axis *added)
{
    if (nodes->n_axis == MOST_NODE_AXES)
        return cev_fail(CEV_E_INPUT, "experiment %s: more than %d parameters to interpolate between", x->name,
                        MOST_NODE_AXES);
    for (size_t a = 0; a < nodes->n_axis; a++)
        if (added->number && nodes->axis[a].number && !strcmp(added->number, nodes->axis[a].number))
            return cev_fail(CEV_E_INPUT, "experiment %s: %s and %s are the same number", x->name,
                            nodes->axis[a].of->name, added->of->name);
    return CEV_OK;
}

static cev_status find_axes(const cev_model *model, const cev_experiment *x, model_nodes *nodes)
{
    for (size_t k = 0; k < model->n_interpolated; k++) {
        const model_interpolated *of = &model->interpolated[k];
        model_node_axis axis = {.of = of, .axis = {.low = of->low, .high = of->high}};
        if (of->number) axis.number = cev_experiment_number_name(x, of->name);
        if (of->number && !axis.number) continue;
        CEV_TRY(check_axes(x, nodes, &axis));
        nodes->axis[nodes->n_axis++] = axis;
    }
    return CEV_OK;
}

/* place[n_axis] of node j on each axis. */
static void place_of(const model_nodes *nodes, size_t j, size_t *place)
{
    for (size_t a = nodes->n_axis; a-- > 0; j /= nodes->axis[a].axis.n) place[a] = j % nodes->axis[a].axis.n;
}

static void values_at(const model_nodes *nodes, size_t j, double *value)
{
    size_t place[MOST_NODE_AXES] = {0};
    place_of(nodes, j, place);
    for (size_t a = 0; a < nodes->n_axis; a++) value[a] = nodes->axis[a].axis.node[place[a]];
}

/* Where no more than one node is needed, and it is no other experiment, nothing depends on the parameter. */
static void drop_idle_axes(model_nodes *nodes, size_t *n)
{
    size_t kept = 0;
    for (size_t a = 0; a < nodes->n_axis; a++) {
        if (n[a] == 1 && nodes->axis[a].of->low < nodes->axis[a].of->high) continue;
        n[kept] = n[a];
        nodes->axis[kept++] = nodes->axis[a];
    }
    nodes->n_axis = kept;
}

static cev_status too_many(const cev_experiment *x, const model_nodes *nodes, const size_t *n)
{
    char text[512] = "";
    for (size_t a = 0, used = 0; a < nodes->n_axis && used < sizeof text; a++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu of %s", a ? ", " : "", n[a],
                                 nodes->axis[a].of->name);
    return cev_fail(CEV_E_INPUT,
                    "experiment %s: it would be folded at all combinations of %s, more than %d; vary fewer of them, or "
                    "give them narrower ranges",
                    x->name, text, MOST_NODES);
}

static cev_status lay_nodes(cev_model *model, const cev_experiment *x, model_nodes *nodes, const size_t *n)
{
    nodes->n = 1;
    for (size_t a = 0; a < nodes->n_axis; a++) {
        model_node_axis *axis = &nodes->axis[a];
        CEV_TRY(node_axis_create(model->arena, axis->of->low, axis->of->high, n[a], &axis->axis));
        nodes->n *= n[a];
    }
    return nodes->n > MOST_NODES ? too_many(x, nodes, n) : CEV_OK;
}

static cev_status prepare_parts(cev_model *model, const cev_experiment *x, model_nodes *nodes)
{
    CEV_TRY(cev_new(model->arena, nodes->n, &nodes->part));
    for (size_t j = 0; j < nodes->n; j++) {
        double value[MOST_NODE_AXES];
        values_at(nodes, j, value);
        CEV_TRY(cev_model_experiment_at(model->arena, nodes, x, value, &nodes->part[j].experiment));
        CEV_TRY(cev_model_prepare_part(model, &nodes->part[j]));
    }
    return CEV_OK;
}

cev_status cev_model_prepare_nodes(cev_model *model, model_experiment *part)
{
    model_nodes *nodes;
    size_t n[MOST_NODE_AXES];
    if (model->n_interpolated == 0) return CEV_OK;
    CEV_TRY(cev_new(model->arena, 1, &nodes));
    CEV_TRY(find_axes(model, part->experiment, nodes));
    for (size_t a = 0; a < nodes->n_axis; a++) CEV_TRY(cev_model_count_nodes(model, part->experiment, nodes, a, &n[a]));
    drop_idle_axes(nodes, n);
    if (nodes->n_axis == 0) return CEV_OK;
    CEV_TRY(lay_nodes(model, part->experiment, nodes, n));
    part->nodes = nodes;
    return prepare_parts(model, part->experiment, nodes);
}

void cev_model_fold_nodes(cev_model *model, model_experiment *part, const double *theta)
{
    const model_nodes *nodes = part->nodes;
    for (size_t j = 0; nodes && j < nodes->n; j++) {
        double value[MOST_NODE_AXES], there[CEV_MAX_THETA];
        values_at(nodes, j, value);
        memcpy(there, theta, cev_roster_n(&model->roster) * sizeof *there);
        for (size_t a = 0; a < nodes->n_axis; a++) there[nodes->axis[a].of->theta] = value[a];
        cev_model_fold_part(model, &nodes->part[j], there);
    }
}

void cev_model_destroy_nodes(model_experiment *part)
{
    for (size_t j = 0; part->nodes && part->nodes->part && j < part->nodes->n; j++)
        cev_model_destroy_part(&part->nodes->part[j]);
}

/* --- between them ------------------------------------------------------------------------------------------------- */

void cev_model_node_weights(const model_nodes *nodes, const cev_lanes *theta, cev_lanes *weight)
{
    cev_lanes of_axis[MOST_NODE_AXES][NODE_AXIS_MOST];
    for (size_t a = 0; a < nodes->n_axis; a++)
        node_axis_weights(&nodes->axis[a].axis, &theta[nodes->axis[a].of->theta], of_axis[a]);
    for (size_t j = 0; j < nodes->n; j++) {
        size_t place[MOST_NODE_AXES] = {0};
        place_of(nodes, j, place);
        weight[j] = of_axis[0][place[0]];
        for (size_t a = 1; a < nodes->n_axis; a++) weight[j] *= of_axis[a][place[a]];
    }
}

/* L_j, its axis p once more differentiated, and its axis q; axes that are none leave it 0. */
static double product(const model_nodes *nodes, double of_axis[][3][NODE_AXIS_MOST], const size_t *place,
                      const size_t *order)
{
    double value = 1;
    for (size_t a = 0; a < nodes->n_axis; a++) value *= of_axis[a][order[a]][place[a]];
    return value;
}

static size_t axis_of(const model_nodes *nodes, size_t theta)
{
    size_t a = 0;
    while (a < nodes->n_axis && nodes->axis[a].of->theta != theta) a++;
    return a;
}

void cev_model_node_slopes(const model_nodes *nodes, const double *theta, size_t n_free, const size_t *free,
                           double *value, double *first, double *second)
{
    double of_axis[MOST_NODE_AXES][3][NODE_AXIS_MOST];
    memset(first, 0, n_free * nodes->n * sizeof *first);
    memset(second, 0, n_free * n_free * nodes->n * sizeof *second);
    for (size_t a = 0; a < nodes->n_axis; a++)
        node_axis_slopes(&nodes->axis[a].axis, theta[nodes->axis[a].of->theta], of_axis[a][0], of_axis[a][1],
                         of_axis[a][2]);
    for (size_t j = 0; j < nodes->n; j++) {
        size_t place[MOST_NODE_AXES], order[MOST_NODE_AXES] = {0};
        place_of(nodes, j, place);
        value[j] = product(nodes, of_axis, place, order);
        for (size_t p = 0; p < n_free; p++) {
            size_t a = axis_of(nodes, free[p]);
            if (a == nodes->n_axis) continue;
            order[a]++;
            first[p * nodes->n + j] = product(nodes, of_axis, place, order);
            for (size_t q = 0; q < n_free; q++) {
                size_t b = axis_of(nodes, free[q]);
                if (b == nodes->n_axis) continue;
                order[b]++;
                second[(p * n_free + q) * nodes->n + j] = product(nodes, of_axis, place, order);
                order[b]--;
            }
            order[a]--;
        }
    }
}

size_t cev_model_node_orders(const cev_model *model, const model_nodes *nodes, size_t interpolated)
{
    size_t a = nodes ? axis_of(nodes, model->interpolated[interpolated].theta) : 0;
    return nodes && a < nodes->n_axis ? nodes->axis[a].axis.n : 1;
}

double cev_model_node_in_chebyshev(const cev_model *model, const model_nodes *nodes, size_t j, const size_t *order)
{
    double value = 1;
    size_t place[MOST_NODE_AXES] = {0};
    if (nodes) place_of(nodes, j, place);
    for (size_t k = 0; k < model->n_interpolated; k++) {
        size_t a = nodes ? axis_of(nodes, model->interpolated[k].theta) : 0;
        bool is_axis = nodes && a < nodes->n_axis;
        value *= is_axis ? node_axis_in_chebyshev(&nodes->axis[a].axis, place[a], order[k]) : order[k] == 0;
    }
    return value;
}

cev_status cev_model_new_node_scratch(const cev_model *model, cev_model_scratch *scratch)
{
    size_t most_nodes = 0, most_bins = 0;
    for (size_t e = 0; e < model->n_experiment; e++) {
        const model_experiment *part = &model->experiment[e];
        if (!part->nodes) continue;
        if (part->nodes->n > most_nodes) most_nodes = part->nodes->n;
        if (part->templates.n_bin > most_bins) most_bins = part->templates.n_bin;
    }
    if (most_nodes == 0) return CEV_OK;
    CEV_TRY(cev_new(scratch->arena, most_nodes, &scratch->node_weight));
    return cev_new(scratch->arena, most_bins, &scratch->of_node);
}

/* sum += weight * (counts + more). */
CEV_DISPATCH static void add_weighted(size_t n_bin, const cev_lanes *weight, const cev_lanes *counts,
                                      const double *more, cev_lanes *sum)
{
    for (size_t i = 0; i < n_bin; i++) sum[i] += *weight * (more ? counts[i] + more[i] : counts[i]);
}

void cev_model_predict_nodes(const cev_model *model, size_t e, cev_model_scratch *scratch, const cev_lanes *theta)
{
    const model_experiment *part = &model->experiment[e];
    size_t n_bin = part->templates.n_bin;
    cev_lanes *signal = scratch->signal[e], *counts = scratch->of_node;
    memset(signal, 0, (1 + part->n_shape) * n_bin * sizeof *signal);
    cev_model_node_weights(part->nodes, theta, scratch->node_weight);
    for (size_t j = 0; j < part->nodes->n; j++) {
        const model_experiment *at = &part->nodes->part[j];
        cev_model_predict_rows(model, at, &at->rows, scratch, counts);
        add_weighted(n_bin, &scratch->node_weight[j], counts, NULL, signal);
        for (size_t s = 0; s < at->n_shape; s++) {
            cev_model_predict_rows(model, at, &at->shape[s].rows, scratch, counts);
            add_weighted(n_bin, &scratch->node_weight[j], counts, at->shape[s].background, signal + (1 + s) * n_bin);
        }
    }
}
