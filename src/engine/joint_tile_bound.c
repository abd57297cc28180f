/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lower bounds of the points of a search, from the relaxed problem in z. */
#include <math.h>
#include <string.h>

#include "joint_fit_parts.h"
#include "joint_tile_parts.h"

cev_status joint_bounds_new(cev_arena *arena, const joint_sizes *n, joint_search *s)
{
    CEV_TRY(bound_scratch_create(n->n_form, n->n_variable, &s->bounds));
    CEV_TRY(cev_new(arena, JOINT_PIECE_ROWS, &s->relaxation));
    CEV_TRY(cev_new(arena, JOINT_PIECE_ROWS, &s->relaxed));
    CEV_TRY(cev_new(arena, JOINT_PIECE_ROWS, &s->of_relaxation));
    CEV_TRY(cev_new(arena, JOINT_PIECE_ROWS * n->n_all * n->n_form, &s->first));
    CEV_TRY(cev_new(arena, n->n_all * n->n_all * n->n_form, &s->second));
    CEV_TRY(cev_new(arena, n->n_all, &s->low));
    CEV_TRY(cev_new(arena, n->n_all, &s->high));
    CEV_TRY(cev_new(arena, n->n_all, &s->zero));
    CEV_TRY(cev_new(arena, n->n_all, &s->centre));
    CEV_TRY(cev_new(arena, n->n_all, &s->sigma));
    for (size_t k = 0; k < JOINT_PIECE_POINTS; k++) {
        CEV_TRY(cev_new(arena, n->n_form, &s->point[k].relaxed.place));
        CEV_TRY(cev_new(arena, n->n_variable, &s->point[k].relaxed.variable));
    }
    return CEV_OK;
}

void joint_bounds_begin(joint_search *s)
{
    const joint_problem *p = s->p;
    memset(s->second, 0, p->n * p->n * p->n_form * sizeof *s->second);
    for (size_t k = 0; k < p->n_bend; k++) {
        const joint_bend *b = &p->bend[k];
        s->second[(b->a * p->n + b->b) * p->n_form + p->live[b->f]] = b->value;
        s->second[(b->b * p->n + b->a) * p->n_form + p->live[b->f]] = b->value;
    }
    for (size_t a = 0; a < p->n; a++) {
        s->low[a] = -0.5;
        s->high[a] = 0.5;
        s->centre[a] = p->weight[a] > 0 ? p->centre[a] : 0;
        s->sigma[a] = p->weight[a] > 0 ? 1 / sqrt(p->weight[a]) : INFINITY;
    }
}

static void evaluate(void *context, size_t n, const size_t *point_of, const double *const *place,
                     double *const *variable, double *chi2, double *const *gradient, double *const *hessian,
                     double *const *positive, double *const *stiff)
{
    joint_search *s = context;
    const joint_problem *p = s->p;
    joint_block *b = s->work->block;
    size_t m = p->n_form;
    for (size_t l = 0; l < CEV_LANES; l++) {
        size_t k = l < n ? l : n - 1;
        joint_fill_lane(p, b, l, s->of_relaxation[point_of[k]]->place, place[k], variable[k]);
    }
    joint_ask_block(p, s->work, false);
    for (size_t l = 0; l < n; l++) {
        chi2[l] = b->value.status[l] == CEV_POINT_OK ? b->value.chi2[l] : INFINITY;
        for (size_t v = 0; v < p->n_variable; v++) variable[l][v] = b->value.variable[v][l];
        for (size_t f = 0; f < m; f++) gradient[l][f] = b->value.gradient[f][l];
        for (size_t f = 0; f < m * m; f++) {
            hessian[l][f] = b->value.hessian[f][l];
            positive[l][f] = b->value.positive[f][l];
            stiff[l][f] = b->value.stiff[f][l];
        }
    }
}

static void pose(joint_search *s, size_t k, const point *at, size_t n_branch)
{
    const joint_problem *p = s->p;
    double *first = s->first + k * p->n * p->n_form;
    memset(first, 0, p->n * p->n_form * sizeof *first);
    for (size_t a = 0; a < p->n; a++)
        for (size_t f = 0; f < p->n_live; f++) first[a * p->n_form + p->live[f]] = at->place->slope[a * p->n_live + f];
    s->relaxation[k] = (bound_problem){.n = p->n,
                                       .low = s->low,
                                       .high = s->high,
                                       .at = s->zero,
                                       .form = at->place->form,
                                       .first = first,
                                       .second = s->second,
                                       .centre = s->centre,
                                       .sigma = s->sigma,
                                       .enough = at->best.chi2 - at->place->penalty - JOINT_PROVEN_TO,
                                       .n_branch = n_branch,
                                       .warm = at->warm};
}

void joint_bounds_of(joint_search *s, size_t n, point *const *at, size_t n_branch)
{
    const joint_problem *p = s->p;
    if (!n || !p->n || !(s->spec.convex_below > 0) || !p->quadratic || p->n > CEV_MAX_PROFILED) return;
    for (size_t k = 0; k < n; k++) {
        point *it = at[k];
        pose(s, k, it, n_branch);
        if (!it->warm) memset(it->relaxed.variable, 0, p->n_variable * sizeof(double));
        s->relaxed[k] = it->relaxed;
        s->of_relaxation[k] = it;
    }
    bound_chi2 chi2 = {.context = s,
                       .n_form = p->n_form,
                       .n_variable = p->n_variable,
                       .convex_below = s->spec.convex_below,
                       .gap_times = 1,
                       .evaluate = evaluate};
    joint_bounds(&chi2, s->bounds, n, s->relaxation, s->relaxed);
    for (size_t k = 0; k < n; k++) {
        point *it = at[k];
        it->relaxed = s->relaxed[k];
        it->warm = it->relaxed.bound > -INFINITY;
        double bound = it->relaxed.bound + it->place->penalty;
        if (!(bound > it->bound)) continue;
        it->bound = bound;
    }
}
