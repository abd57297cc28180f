/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/fit_starts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model_parts.h"
#include "scan_theta.h"

enum { LEAST_POINTS = 64, POINTS_PER_NODE = 16, LEAST_NODES_ALONG = 3, NO_TILE = -1 };
static const double pi = 3.14159265358979323846;

struct cev_fit_starts {
    cev_arena *arena;
    size_t n_axis, n_variable;
    long long tile; /* whose starts these are, or NO_TILE */
    size_t origin[CEV_MAX_AXES], extent[CEV_MAX_AXES];
    size_t n_along[CEV_MAX_AXES], n_node; /* nodes; the last axis is the fastest */
    bool *failed;                         /* [most blocks of nodes] */
    double *node;                         /* [n_variable][n_node]: values, then Chebyshev coefficients */
    double node_at[CEV_MAX_NODES_ALONG + 1][CEV_MAX_NODES_ALONG]; /* by their number: positions from -1 to 1 */
    double transform[CEV_MAX_NODES_ALONG + 1]
                    [CEV_MAX_NODES_ALONG * CEV_MAX_NODES_ALONG]; /* [n][n], values to coefficients */
    double *basis[CEV_MAX_AXES]; /* [n_along][extent]: Chebyshev polynomials at the points of the tile */
};

static void tabulate_nodes(cev_fit_starts *s)
{
    for (size_t n = 1; n <= CEV_MAX_NODES_ALONG; n++)
        for (size_t k = 0; k < n; k++) {
            double angle = pi * ((double)k + 0.5) / (double)n;
            s->node_at[n][k] = cos(angle);
            for (size_t j = 0; j < n; j++)
                s->transform[n][j * n + k] = (j ? 2.0 : 1.0) / (double)n * cos((double)j * angle);
        }
}

static size_t most_nodes(const cev_grid *grid)
{
    size_t n = cev_grid_points_of_whole_tile(grid) / POINTS_PER_NODE;
    return n < CEV_LANES ? CEV_LANES : n;
}

static cev_status allocate(const cev_scan_job *job, cev_fit_starts *s)
{
    size_t most = most_nodes(job->grid);
    CEV_TRY(cev_arena_create(&s->arena));
    s->n_axis = job->grid->n_axis;
    s->n_variable = cev_profile_n_variable(job->model->profile);
    s->tile = NO_TILE;
    tabulate_nodes(s);
    CEV_TRY(cev_new(s->arena, most / CEV_LANES + 1, &s->failed));
    CEV_TRY(cev_new(s->arena, s->n_variable * most, &s->node));
    for (size_t a = 0; a < s->n_axis; a++)
        CEV_TRY(cev_new(s->arena, CEV_MAX_NODES_ALONG * job->grid->tile_side[a], &s->basis[a]));
    return CEV_OK;
}

cev_status cev_fit_starts_create(const cev_scan_job *job, cev_fit_starts **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = allocate(job, *out);
    if (status != CEV_OK) cev_fit_starts_destroy(out);
    return status;
}

void cev_fit_starts_destroy(cev_fit_starts **starts)
{
    if (!starts || !*starts) return;
    cev_arena_destroy(&(*starts)->arena);
    free(*starts);
    *starts = NULL;
}

/* --- nodes ------------------------------------------------------------------------------------------------------ */

static size_t product(size_t n, const size_t *factor)
{
    size_t p = 1;
    for (size_t k = 0; k < n; k++) p *= factor[k];
    return p;
}

/* As many nodes as their share of the points allows, evenly over the axes; false if these are too few. */
static bool choose_nodes(cev_fit_starts *s, size_t n_point)
{
    size_t most = n_point / POINTS_PER_NODE < CEV_LANES ? CEV_LANES : n_point / POINTS_PER_NODE;
    for (size_t a = 0; a < s->n_axis; a++)
        s->n_along[a] = s->extent[a] < LEAST_NODES_ALONG ? s->extent[a] : LEAST_NODES_ALONG;
    if (product(s->n_axis, s->n_along) > most) return false;
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t a = 0; a < s->n_axis; a++) {
            if (s->n_along[a] == CEV_MAX_NODES_ALONG || s->n_along[a] >= s->extent[a]) continue;
            if (product(s->n_axis, s->n_along) / s->n_along[a] * (s->n_along[a] + 1) > most) continue;
            s->n_along[a]++;
            grown = true;
        }
    }
    s->n_node = product(s->n_axis, s->n_along);
    return true;
}

static void tabulate_basis(size_t n, size_t extent, double *basis)
{
    for (size_t p = 0; p < extent; p++) {
        double x = extent > 1 ? 2 * (double)p / (double)(extent - 1) - 1 : 0;
        for (size_t j = 0; j < n; j++)
            basis[j * extent + p] = j == 0   ? 1
                                    : j == 1 ? x
                                             : 2 * x * basis[(j - 1) * extent + p] - basis[(j - 2) * extent + p];
    }
}

size_t cev_fit_starts_open(cev_fit_starts *s, const cev_tile *tile)
{
    s->tile = NO_TILE;
    if (s->n_variable == 0 || tile->n_point < LEAST_POINTS) return 0;
    memcpy(s->origin, tile->origin, sizeof s->origin);
    memcpy(s->extent, tile->extent, sizeof s->extent);
    if (!choose_nodes(s, tile->n_point)) return 0;
    for (size_t a = 0; a < s->n_axis; a++) tabulate_basis(s->n_along[a], s->extent[a], s->basis[a]);
    size_t n_block = (s->n_node + CEV_LANES - 1) / CEV_LANES;
    memset(s->failed, 0, n_block * sizeof *s->failed);
    s->tile = (long long)tile->id;
    return n_block;
}

static void theta_of_node(const cev_fit_starts *s, const cev_scan_job *job, cev_followers *followers, size_t node,
                          double *theta)
{
    double at[CEV_MAX_AXES];
    for (size_t a = s->n_axis; a-- > 0;) {
        size_t n = s->n_along[a], k = node % n;
        double along = n > 1 ? 0.5 * (1 + s->node_at[n][k]) * (double)(s->extent[a] - 1) : 0;
        at[a] = cev_axis_at(&job->grid->axis[a], (double)s->origin[a] + along);
        node /= n;
    }
    cev_scan_job_theta_with(job, cev_grid_n_member(job->grid) > 1 ? s->origin[0] : 0, at, followers, theta);
}

void cev_fit_starts_block(cev_fit_starts *s, const cev_scan_job *job, cev_model_scratch *scratch, size_t block)
{
    size_t n_parameter = cev_roster_n(&job->model->roster), first = block * CEV_LANES;
    cev_lanes theta[CEV_MAX_THETA], variable[CEV_PROFILE_MAX_PULLS];
    for (size_t l = 0; l < CEV_LANES; l++) {
        double one[CEV_MAX_THETA];
        theta_of_node(s, job, scratch->followers, first + l < s->n_node ? first + l : s->n_node - 1, one);
        for (size_t p = 0; p < n_parameter; p++) theta[p][l] = one[p];
    }
    cev_block_result result = {.variable = variable};
    cev_model_evaluate(job->model, job->data, scratch, theta, NULL, &result);
    for (size_t l = 0; l < CEV_LANES && first + l < s->n_node; l++) {
        s->failed[block] |= result.status[l] != CEV_POINT_OK;
        for (size_t v = 0; v < s->n_variable; v++) s->node[v * s->n_node + first + l] = variable[v][l];
    }
}

/* --- interpolation ---------------------------------------------------------------------------------------------- */

/* Values at the n nodes of a line, `stride` apart, become its Chebyshev coefficients. */
static void transform_line(size_t n, const double *transform, size_t stride, double *line)
{
    double coefficient[CEV_MAX_NODES_ALONG] = {0};
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < n; k++) coefficient[j] += transform[j * n + k] * line[k * stride];
    for (size_t j = 0; j < n; j++) line[j * stride] = coefficient[j];
}

void cev_fit_starts_close(cev_fit_starts *s)
{
    if (s->tile == NO_TILE) return;
    for (size_t b = 0; b * CEV_LANES < s->n_node; b++)
        if (s->failed[b]) s->tile = NO_TILE;
    if (s->tile == NO_TILE) return;
    size_t stride = 1;
    for (size_t a = s->n_axis; a-- > 0; stride *= s->n_along[a])
        for (size_t k = 0; k < s->n_variable * s->n_node; k++)
            if (k / stride % s->n_along[a] == 0)
                transform_line(s->n_along[a], s->transform[s->n_along[a]], stride, s->node + k);
}

/* The polynomial along the last axis of each variable, for one position along the others: row[n_variable][n along the
 * last axis]. */
CEV_DISPATCH static void row_of(const cev_fit_starts *s, const size_t *position, double *row)
{
    size_t last = s->n_axis - 1, n = s->n_along[last], n_outer = s->n_node / n;
    memset(row, 0, s->n_variable * n * sizeof *row);
    for (size_t outer = 0; outer < n_outer; outer++) {
        double weight = 1;
        for (size_t a = last, rest = outer; a-- > 0; rest /= s->n_along[a])
            weight *= s->basis[a][rest % s->n_along[a] * s->extent[a] + position[a]];
        for (size_t v = 0; v < s->n_variable; v++)
            for (size_t j = 0; j < n; j++) row[v * n + j] += weight * s->node[v * s->n_node + outer * n + j];
    }
}

/* Starts of `count` neighbours along the last axis from `position` on, into lanes lane, lane + 1, ... */
CEV_DISPATCH static void fill_lanes(const cev_fit_starts *s, const double *row, size_t position, size_t lane,
                                    size_t count, cev_lanes *start)
{
    size_t last = s->n_axis - 1, n = s->n_along[last], extent = s->extent[last];
    for (size_t v = 0; v < s->n_variable; v++) {
        double sum[CEV_LANES] = {0};
        for (size_t j = 0; j < n; j++)
            for (size_t l = 0; l < count; l++) sum[l] += row[v * n + j] * s->basis[last][j * extent + position + l];
        memcpy((double *)&start[v] + lane, sum, count * sizeof *sum);
    }
}

bool cev_fit_starts_at(const cev_fit_starts *s, const cev_tile *tile, size_t first, cev_lanes *start)
{
    if (s->tile != (long long)tile->id) return false;
    size_t position[CEV_MAX_AXES], rest = first, last = s->n_axis - 1, lane = 0;
    double row[CEV_PROFILE_MAX_PULLS * CEV_MAX_NODES_ALONG];
    for (size_t a = s->n_axis; a-- > 0; rest /= s->extent[a]) position[a] = rest % s->extent[a];
    while (lane < CEV_LANES && first + lane < tile->n_point) {
        size_t count = s->extent[last] - position[last];
        if (count > CEV_LANES - lane) count = CEV_LANES - lane;
        row_of(s, position, row);
        fill_lanes(s, row, position[last], lane, count, start);
        lane += count;
        position[last] = 0;
        for (size_t a = last; a-- > 0;) {
            if (++position[a] < s->extent[a]) break;
            position[a] = 0;
        }
    }
    for (size_t l = lane; l < CEV_LANES; l++)
        for (size_t v = 0; v < s->n_variable; v++) start[v][l] = start[v][lane - 1];
    return true;
}
