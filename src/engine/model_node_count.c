/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes are doubled, 5, 9, 17, 33, each set among the next, until Chebyshev coefficients say that fewer would do. These
 * say so wrongly where the function has more of what the nodes cannot see, so that half the nodes must have foretold
 * the others: for smooth functions, by the square root of what all of them do. */
#include "model_node_count.h"

#include <math.h>
#include <string.h>

#include "cevscan/experiment_number.h"
#include "model_parts.h"

#define TOLERANCE 1e-8 /* of the largest bin of a template */
#define FORETOLD 1e-4
enum { LAST = NODE_AXIS_MOST - 1, FIRST_STRIDE = LAST / 4 };

/* Templates along one axis, at those of its finest nodes that have been folded. */
typedef struct line {
    cev_arena *arena;
    const cev_model *model;
    const cev_experiment *experiment;
    const model_nodes *nodes;
    size_t axis;
    double value[MOST_NODE_AXES]; /* of all axes; its own moves */
    node_axis finest;
    size_t n_row, n_bin;            /* rows of the experiment and of the sides of its pulls, one after the other */
    double *sample[NODE_AXIS_MOST]; /* [n_row][n_bin] */
} line;

cev_status cev_model_experiment_at(cev_arena *arena, const model_nodes *nodes, const cev_experiment *experiment,
                                   const double *value, const cev_experiment **out)
{
    const char *name[MOST_NODE_AXES];
    double of_number[MOST_NODE_AXES];
    size_t n = 0;
    for (size_t a = 0; a < nodes->n_axis; a++) {
        if (!nodes->axis[a].number) continue;
        name[n] = nodes->axis[a].number;
        of_number[n++] = value[a];
    }
    *out = experiment;
    return n ? cev_experiment_with_numbers(arena, experiment, n, name, of_number, out) : CEV_OK;
}

/* --- samples ------------------------------------------------------------------------------------------------------ */

static cev_status append(line *l, size_t k, size_t *row, const cev_experiment *x, const double *theta)
{
    cev_templates t;
    CEV_TRY(cev_templates_fold(l->arena, x, l->model->interaction, theta, &t));
    size_t n_fold = 1 + 2 * x->n_pull; /* at most */
    if (!l->sample[k]) CEV_TRY(cev_new(l->arena, n_fold * t.n_row * t.n_bin, &l->sample[k]));
    memcpy(l->sample[k] + *row * t.n_bin, t.counts, t.n_row * t.n_bin * sizeof *t.counts);
    *row += t.n_row;
    l->n_row = *row;
    l->n_bin = t.n_bin;
    return CEV_OK;
}

static cev_status sample(line *l, size_t k)
{
    double theta[CEV_MAX_THETA];
    const cev_experiment *x;
    size_t row = 0;
    if (l->sample[k]) return CEV_OK;
    l->value[l->axis] = l->finest.node[k];
    memcpy(theta, l->model->theta, sizeof theta);
    for (size_t a = 0; a < l->nodes->n_axis; a++) theta[l->nodes->axis[a].of->theta] = l->value[a];
    CEV_TRY(cev_model_experiment_at(l->arena, l->nodes, l->experiment, l->value, &x));
    CEV_TRY(append(l, k, &row, x, theta));
    for (size_t p = 0; p < x->n_pull; p++) {
        if (!x->pull[p].up) continue;
        CEV_TRY(append(l, k, &row, x->pull[p].down, theta));
        CEV_TRY(append(l, k, &row, x->pull[p].up, theta));
    }
    return CEV_OK;
}

/* The largest bin of a row at the node where it is smallest; at least a hundredth of the largest at any node, since a
 * row may pass through zero. */
static double size_of(const line *l, size_t row)
{
    double smallest = INFINITY, largest = 0;
    for (size_t k = 0; k <= LAST; k++) {
        double here = 0;
        if (!l->sample[k]) continue;
        for (size_t i = 0; i < l->n_bin; i++) here = fmax(here, fabs(l->sample[k][row * l->n_bin + i]));
        smallest = fmin(smallest, here);
        largest = fmax(largest, here);
    }
    return fmax(smallest, largest / 100);
}

/* --- how many ----------------------------------------------------------------------------------------------------- */

/* By how much nodes at distances of `stride` miss those halfway between them, in units of the largest bins. */
static cev_status miss_of(const line *l, size_t stride, double *out)
{
    node_axis coarse;
    double weight[NODE_AXIS_MOST], unused[2][NODE_AXIS_MOST];
    CEV_TRY(node_axis_create(l->arena, l->finest.low, l->finest.high, LAST / stride + 1, &coarse));
    *out = 0;
    for (size_t k = stride / 2; k < LAST; k += stride) {
        node_axis_slopes(&coarse, l->finest.node[k], weight, unused[0], unused[1]);
        for (size_t r = 0; r < l->n_row; r++) {
            double size = size_of(l, r);
            for (size_t i = 0; size > 0 && i < l->n_bin; i++) {
                double miss = -l->sample[k][r * l->n_bin + i];
                for (size_t j = 0; j < coarse.n; j++) miss += weight[j] * l->sample[j * stride][r * l->n_bin + i];
                *out = fmax(*out, fabs(miss) / size);
            }
        }
    }
    return CEV_OK;
}

static cev_status nodes_needed(const line *l, size_t stride, size_t *out)
{
    node_axis axis;
    CEV_TRY(node_axis_create(l->arena, l->finest.low, l->finest.high, LAST / stride + 1, &axis));
    for (size_t r = 0; r < l->n_row; r++) {
        double size = size_of(l, r), here[NODE_AXIS_MOST];
        for (size_t i = 0; i < l->n_bin && *out < axis.n; i++) {
            for (size_t j = 0; j < axis.n; j++) here[j] = l->sample[j * stride][r * l->n_bin + i];
            size_t n = node_axis_nodes_needed(&axis, here, TOLERANCE * size);
            if (n > *out) *out = n;
        }
    }
    return CEV_OK;
}

static cev_status too_few(const line *l, double miss)
{
    const model_interpolated *of = l->nodes->axis[l->axis].of;
    return cev_fail(CEV_E_INPUT,
                    "experiment %s: templates at %d values of %s from %g to %g do not give those between them to %.0e "
                    "of "
                    "their largest bins (every second one gives the others to %.1e). Give %s a range "
                    "that is narrower, such as a half of it%s",
                    l->experiment->name, NODE_AXIS_MOST, of->name, of->low, of->high, TOLERANCE, miss, of->name,
                    of->number ? "" : ", or make it an axis");
}

static cev_status count_along(line *l, size_t *out)
{
    double miss;
    CEV_TRY(node_axis_create(l->arena, l->finest.low, l->finest.high, NODE_AXIS_MOST, &l->finest));
    for (size_t k = 0; k <= LAST; k += FIRST_STRIDE) CEV_TRY(sample(l, k));
    for (size_t stride = FIRST_STRIDE / 2; stride > 0; stride /= 2) {
        size_t n_node = LAST / stride + 1, needed = 1;
        for (size_t k = stride; k < LAST; k += 2 * stride) CEV_TRY(sample(l, k));
        CEV_TRY(miss_of(l, 2 * stride, &miss));
        CEV_TRY(nodes_needed(l, stride, &needed));
        if (miss > FORETOLD || needed > n_node - 2) continue;
        if (needed > *out) *out = needed;
        return CEV_OK;
    }
    return too_few(l, miss);
}

/* The other axes at share 0, 1/2 or 1 of their ranges. */
static cev_status count_on_line(const cev_model *model, const cev_experiment *x, const model_nodes *nodes, size_t axis,
                                double share, size_t *out)
{
    const model_interpolated *of = nodes->axis[axis].of;
    line l = {.model = model,
              .experiment = x,
              .nodes = nodes,
              .axis = axis,
              .finest = {.low = of->low, .high = of->high}};
    for (size_t a = 0; a < nodes->n_axis; a++)
        l.value[a] = (1 - share) * nodes->axis[a].of->low + share * nodes->axis[a].of->high;
    CEV_TRY(cev_arena_create(&l.arena));
    cev_status status = count_along(&l, out);
    cev_arena_destroy(&l.arena);
    return status;
}

cev_status cev_model_count_nodes(const cev_model *model, const cev_experiment *experiment, const model_nodes *nodes,
                                 size_t axis, size_t *out)
{
    *out = 1;
    if (nodes->axis[axis].of->low == nodes->axis[axis].of->high) return CEV_OK;
    CEV_TRY(count_on_line(model, experiment, nodes, axis, 0.5, out));
    if (nodes->n_axis == 1) return CEV_OK;
    CEV_TRY(count_on_line(model, experiment, nodes, axis, 0, out));
    return count_on_line(model, experiment, nodes, axis, 1, out);
}
