/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of several minima of equal chi2 gives a point its values: the nearest to where parameters rest. Reflections,
 * the branches of the nodes, and the neighbours are asked; chi2 has no part in it. */
#include <math.h>
#include <string.h>

#include "joint_tile_parts.h"

static const double equal_chi2 = 1e-8;  /* what fits leave, and rounding */
static const double nearer_by = 1e-6;   /* of the distance, in widths of the bounds: less is no difference */
static const double room_to_end = 3e-8; /* a fit within equal_chi2 is not given up */

/* In widths of the bounds, squared. */
static double distance(const joint_problem *p, const double *z)
{
    double sum = 0;
    for (size_t a = 0; a < p->n; a++) {
        double rest = (p->all[p->of[a]].rest - p->middle[a]) / p->width[a];
        sum += (z[a] - rest) * (z[a] - rest);
    }
    return sum;
}

/* Takes the parameters of a fit that is as good and nearer, and the lower chi2 of the two. */
static void take_if_nearer(const joint_search *s, const joint_fit *found, point *at)
{
    if (found->end == JOINT_FAILED || !(found->chi2 <= at->best.chi2 + equal_chi2)) return;
    if (!(distance(s->p, found->z) < distance(s->p, at->best.z) - nearer_by)) return;
    double lowest = fmin(found->chi2, at->best.chi2);
    joint_keep_fit(s, found, &at->best);
    at->best.chi2 = lowest;
}

/* Fits that end as low as their points: each goes to the nearest place of its own valley first. */
static void compare(joint_search *s, size_t n, joint_fit *fit, point *const *owner)
{
    joint_fits_portray(s->p, s->work, n, fit, JOINT_WANT_NEAREST, s->portrait);
    for (size_t l = 0; l < n; l++) {
        if (s->portrait[l].status != CEV_POINT_OK) continue;
        joint_choose_signs(s->p, owner[l]->place, fit[l].z);
        take_if_nearer(s, &fit[l], owner[l]);
    }
}

/* Those of the tasks that are as low as their points come first, and are compared. */
static void run(joint_search *s)
{
    size_t n = 0;
    joint_fits_run(s->p, s->work, s->n_task, s->task);
    for (size_t k = 0; k < s->n_task; k++) {
        const joint_fit *t = &s->task[k];
        point *at = s->owner[k];
        if (t->end != JOINT_CONVERGED || !(t->chi2 <= at->best.chi2 + equal_chi2)) continue;
        if (n != k) joint_keep_fit(s, t, &s->task[n]);
        s->task[n].place = at->place;
        s->owner[n++] = at;
    }
    for (size_t first = 0; first < n; first += CEV_LANES)
        compare(s, n - first < CEV_LANES ? n - first : CEV_LANES, s->task + first, s->owner + first);
    s->n_task = 0;
}

static void add(joint_search *s, point *at, const double *z, const double *variable)
{
    if (at->best.end == JOINT_FAILED) return;
    if (s->n_task == MOST_TASKS) run(s);
    joint_add_task(s, at, z, variable, at->best.chi2 + room_to_end);
}

void joint_nearest_reflections(joint_search *s, size_t n, point *const *at)
{
    double start[JOINT_MAX_STARTS][JOINT_MAX_FREE];
    for (size_t k = 0; k < n; k++) {
        if (at[k]->best.end == JOINT_FAILED) continue;
        size_t n_start = joint_reflections(s->p, at[k]->place, at[k]->best.z, start);
        for (size_t i = 0; i < n_start; i++) add(s, at[k], start[i], at[k]->best.variable);
    }
    run(s);
}

void joint_nearest_fixed(joint_search *s, size_t n, point *const *at, size_t n_start)
{
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n_start; i++) {
            double z[JOINT_MAX_FREE];
            joint_start_fixed(s->p, i, z);
            add(s, at[k], z, NULL);
        }
    run(s);
}

static void add_fit(joint_search *s, point *at, const joint_fit *from)
{
    if (from->end != JOINT_FAILED) add(s, at, from->z, from->has_variable ? from->variable : NULL);
}

static void ask_nodes(joint_search *s, const joint_piece *piece, size_t c)
{
    for (size_t r = 0; r < piece->n_row; r++)
        for (size_t k = 0; k < 4; k++) {
            const node *n = joint_node_around(s, piece, r, c, k);
            for (size_t b = 0; b < n->n; b++) add_fit(s, &s->point[r * piece->n_column + c], &n->branch[b]);
        }
    run(s);
}

static void ask_neighbour(joint_search *s, const joint_piece *piece, point *at, size_t row, size_t column)
{
    if (row >= piece->n_row || column >= piece->n_column) return; /* and where a number went below 0 */
    add_fit(s, at, &s->point[row * piece->n_column + column].best);
}

static void ask_neighbours(joint_search *s, const joint_piece *piece, size_t c)
{
    for (size_t r = 0; r < piece->n_row; r++) {
        point *at = &s->point[r * piece->n_column + c];
        ask_neighbour(s, piece, at, r - 1, c);
        ask_neighbour(s, piece, at, r + 1, c);
        ask_neighbour(s, piece, at, r, c - 1);
        ask_neighbour(s, piece, at, r, c + 1);
    }
    run(s);
}

void joint_nearest_of_piece(joint_search *s, const joint_piece *piece)
{
    for (size_t c = 0; c < piece->n_column; c++) {
        point *at[JOINT_PIECE_ROWS];
        for (size_t r = 0; r < piece->n_row; r++) at[r] = &s->point[r * piece->n_column + c];
        for (size_t r = 0; r < piece->n_row; r += CEV_LANES)
            joint_look_at_points(s, piece->n_row - r < CEV_LANES ? piece->n_row - r : CEV_LANES, at + r,
                                 JOINT_WANT_NEAREST);
        ask_nodes(s, piece, c);
        joint_nearest_reflections(s, piece->n_row, at);
    }
    for (size_t c = 0; c < piece->n_column; c++) ask_neighbours(s, piece, c);
    for (size_t c = piece->n_column; c-- > 0;) ask_neighbours(s, piece, c);
}
