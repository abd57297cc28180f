/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node_axis.h"

#include <math.h>

#include "cevscan/constants.h"

static double sign_of(size_t j)
{
    return j % 2 ? -1 : 1;
}

/* The first and the last node count half. */
static double share_of(const node_axis *axis, size_t j)
{
    return j == 0 || j + 1 == axis->n ? 0.5 : 1;
}

/* Symmetric to the bit, and the nodes of few are among those of many. */
static double node_at(double low, double high, size_t n, size_t j)
{
    double angle = CEV_PI * ((double)(2 * j) - (double)(n - 1)) / (double)(2 * (n - 1));
    if (n == 1) return 0.5 * (low + high);
    if (j == 0 || j == n - 1) return j ? high : low;
    return 0.5 * (low + high) + 0.5 * (high - low) * sin(angle);
}

/* Derivatives of the barycentric formula at its nodes; those of a constant are zero, which gives the diagonal. */
static void fill_slopes(node_axis *axis)
{
    size_t n = axis->n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            if (i == j) continue;
            double slope = share_of(axis, j) / share_of(axis, i) * sign_of(i + j) / (axis->node[i] - axis->node[j]);
            axis->first_slope[i * n + j] = slope;
            axis->first_slope[i * n + i] -= slope;
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < n; k++)
                axis->second_slope[i * n + j] += axis->first_slope[i * n + k] * axis->first_slope[k * n + j];
}

cev_status node_axis_create(cev_arena *arena, double low, double high, size_t n, node_axis *out)
{
    *out = (node_axis){.low = low, .high = high, .n = n};
    CEV_TRY(cev_new(arena, n * n, &out->first_slope));
    CEV_TRY(cev_new(arena, n * n, &out->second_slope));
    for (size_t j = 0; j < n; j++) out->node[j] = node_at(low, high, n, j);
    fill_slopes(out);
    return CEV_OK;
}

CEV_DISPATCH void node_axis_weights(const node_axis *axis, const cev_lanes *at, cev_lanes *weight)
{
    const cev_lanes x = *at;
    const cev_lanes_mask one = (cev_lanes_mask)(1.0 - (cev_lanes){0});
    cev_lanes_mask on_node = {0};
    cev_lanes sum = {0};
    for (size_t j = 0; j < axis->n && axis->n > 1; j++) {
        weight[j] = sign_of(j) * share_of(axis, j) / (x - axis->node[j]);
        on_node |= x == axis->node[j];
        sum += weight[j];
    }
    for (size_t j = 0; j < axis->n && axis->n > 1; j++) {
        cev_lanes_mask here = x == axis->node[j];
        weight[j] = (cev_lanes)((~on_node & (cev_lanes_mask)(weight[j] / sum)) | (here & one));
    }
    if (axis->n == 1) weight[0] = 1.0 - (cev_lanes){0};
}

void node_axis_slopes(const node_axis *axis, double x, double *value, double *first, double *second)
{
    size_t n = axis->n;
    cev_lanes weight[NODE_AXIS_MOST], block = x - (cev_lanes){0};
    node_axis_weights(axis, &block, weight);
    for (size_t j = 0; j < n; j++) {
        value[j] = weight[j][0];
        first[j] = second[j] = 0;
        for (size_t i = 0; i < n; i++) {
            first[j] += weight[i][0] * axis->first_slope[i * n + j];
            second[j] += weight[i][0] * axis->second_slope[i * n + j];
        }
    }
}

/* --- Chebyshev polynomials --------------------------------------------------------------------------------------- */

/* T_k at node j, from the end of the range. */
static double chebyshev_at_node(const node_axis *axis, size_t k, size_t j)
{
    size_t steps = axis->n - 1;
    return cos(CEV_PI * (double)(k * (steps - j) % (2 * steps)) / (double)steps);
}

double node_axis_in_chebyshev(const node_axis *axis, size_t j, size_t k)
{
    if (axis->n == 1) return k == 0;
    if (k >= axis->n) return 0;
    return 2.0 / (double)(axis->n - 1) * share_of(axis, j) * share_of(axis, k) * chebyshev_at_node(axis, k, j);
}

void node_axis_chebyshev(double low, double high, double x, size_t n_t, double *value, double *first, double *second)
{
    double width = high - low, s = width > 0 ? 2 / width : 0, t = width > 0 ? (2 * x - low - high) / width : 0;
    for (size_t k = 0; k < n_t; k++) {
        value[k] = k == 0 ? 1 : k == 1 ? t : 2 * t * value[k - 1] - value[k - 2];
        first[k] = k == 0 ? 0 : k == 1 ? s : 2 * (s * value[k - 1] + t * first[k - 1]) - first[k - 2];
        second[k] = k < 2 ? 0 : 4 * s * first[k - 1] + 2 * t * second[k - 1] - second[k - 2];
    }
}

/* What is left out of the sum over T_k counts twice: once for itself, once for what it is mistaken for at the nodes. */
size_t node_axis_nodes_needed(const node_axis *axis, const double *sample, double tolerance)
{
    double left_out = 0;
    size_t n = axis->n;
    for (; n > 1; n--) {
        double coefficient = 0;
        for (size_t j = 0; j < axis->n; j++) coefficient += sample[j] * node_axis_in_chebyshev(axis, j, n - 1);
        left_out += 2 * fabs(coefficient);
        if (left_out > tolerance) break;
    }
    return n;
}
