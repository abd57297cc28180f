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
    CEV_TRY(cev_new(arena, JOINT_PIECE_ROWS, &s->turn));
    for (size_t k = 0; k < JOINT_PIECE_ROWS; k++) {
        CEV_TRY(cev_new(arena, 2 * n->n_form, &s->turn[k].first));
        CEV_TRY(cev_new(arena, 4 * n->n_form, &s->turn[k].second));
    }
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

static const double square_slack = 1e-9; /* rounding drops nothing of the parameters' */
static const double square_half = 0.5 * (1 + 1e-9);

/* --- branches along a valley ------------------------------------------------------------------------------------- */

/* The two components of one vector: charges of all nuclei hardly change along one direction of theirs, and boxes along
 * the axes would have to be as small as that valley is narrow. */
static bool is_valley(const joint_problem *p)
{
    bool multiplied = false;
    for (size_t k = 0; k < p->n_bend; k++) multiplied |= p->bend[k].a != p->bend[k].b;
    return p->n == 2 && multiplied && !(p->weight[0] > 0) && !(p->weight[1] > 0);
}

/* The stiff direction of chi2 at the fit, from the lane that has its Hessian. */
static void find_direction(joint_search *s, const point *at, size_t lane, bound_turn *turn)
{
    const joint_problem *p = s->p;
    const cev_lanes *positive = s->work->block->value.positive;
    double slope[2 * JOINT_MAX_FORMS], h[2][2] = {{0}};
    joint_live_slopes(p, s->work, at->place, at->best.z, slope);
    for (size_t a = 0; a < 2; a++)
        for (size_t b = 0; b < 2; b++)
            for (size_t f = 0; f < p->n_live; f++)
                for (size_t e = 0; e < p->n_live; e++)
                    h[a][b] += slope[a * p->n_live + f] * positive[p->live[f] * p->n_form + p->live[e]][lane] *
                               slope[b * p->n_live + e];
    double angle = 0.5 * atan2(2 * h[0][1], h[0][0] - h[1][1]);
    if (!isfinite(angle)) angle = 0;
    turn->c = cos(angle);
    turn->s = sin(angle);
}

static void find_directions(joint_search *s, size_t n, point *const *at)
{
    const joint_problem *p = s->p;
    for (size_t first = 0; first < n; first += CEV_LANES) {
        size_t count = n - first < CEV_LANES ? n - first : CEV_LANES;
        for (size_t l = 0; l < CEV_LANES; l++) {
            const point *it = at[first + (l < count ? l : 0)];
            double form[JOINT_MAX_FORMS];
            joint_all_forms(p, s->work, it->place, it->best.z, form);
            joint_fill_lane(p, s->work->block, l, it->place, form, it->best.variable);
        }
        joint_ask_block(p, s->work, false);
        for (size_t l = 0; l < count; l++) find_direction(s, at[first + l], l, &s->turn[first + l]);
    }
}

typedef struct corner {
    double y[2];
} corner;

/* What of a polygon lies where way y[axis] <= way at. */
static size_t cut_polygon(size_t n, const corner *from, int axis, double way, double at, corner *to)
{
    size_t n_to = 0;
    for (size_t k = 0; k < n; k++) {
        const corner *a = &from[k], *b = &from[(k + 1) % n];
        double of_a = way * (a->y[axis] - at), of_b = way * (b->y[axis] - at);
        if (of_a <= 0) to[n_to++] = *a;
        if ((of_a <= 0) == (of_b <= 0)) continue;
        double t = of_a / (of_a - of_b);
        for (int i = 0; i < 2; i++) to[n_to].y[i] = a->y[i] + t * (b->y[i] - a->y[i]);
        to[n_to++].y[axis] = at;
    }
    return n_to;
}

/* The parameters' box is a square that is turned in y. */
static bool clip(const void *context, double *low, double *high)
{
    const bound_turn *t = context;
    corner polygon[2][12]; /* four corners, and one more for each cut */
    size_t n = 4;
    for (size_t k = 0; k < n; k++) {
        double x0 = k == 0 || k == 3 ? -square_half : square_half, x1 = k < 2 ? -square_half : square_half;
        polygon[0][k] = (corner){{t->c * x0 + t->s * x1, t->c * x1 - t->s * x0}};
    }
    for (int a = 0; a < 2; a++) {
        n = cut_polygon(n, polygon[0], a, 1, high[a] + square_slack, polygon[1]);
        n = cut_polygon(n, polygon[1], a, -1, low[a] - square_slack, polygon[0]);
    }
    for (int a = 0; a < 2 && n; a++) {
        double least = INFINITY, most = -INFINITY;
        for (size_t k = 0; k < n; k++) {
            least = fmin(least, polygon[0][k].y[a]);
            most = fmax(most, polygon[0][k].y[a]);
        }
        low[a] = fmin(fmax(low[a], least), high[a]);
        high[a] = fmax(fmin(high[a], most), low[a]);
    }
    return n > 0;
}

/* The same problem in y, in whose box what is not the parameters' is dropped. */
static void pose_turned(joint_search *s, size_t k)
{
    bound_turn *t = &s->turn[k];
    bound_problem *b = &s->relaxation[k];
    size_t m = s->p->n_form;
    double c = t->c, n = t->s, half = 0.5 * (fabs(c) + fabs(n)) * (1 + 1e-12);
    for (size_t f = 0; f < m; f++) {
        double x0 = b->first[f], x1 = b->first[m + f];
        double uu = b->second[f], ud = b->second[m + f], dd = b->second[3 * m + f];
        t->first[f] = c * x0 + n * x1;
        t->first[m + f] = c * x1 - n * x0;
        t->second[f] = c * c * uu + 2 * c * n * ud + n * n * dd;
        t->second[m + f] = t->second[2 * m + f] = c * n * (dd - uu) + (c * c - n * n) * ud;
        t->second[3 * m + f] = n * n * uu - 2 * c * n * ud + c * c * dd;
    }
    for (int a = 0; a < 2; a++) t->low[a] = -half, t->high[a] = half;
    b->low = t->low;
    b->high = t->high;
    b->first = t->first;
    b->second = t->second;
    b->warm = false;
    b->clip = clip;
    b->clip_context = t;
}

static void keep_bound(const bound_result *r, point *at)
{
    double bound = r->bound + at->place->penalty;
    bool reached = bound > at->best.chi2 - JOINT_PROVEN_TO;
    if (!(bound > at->bound) && !(reached && r->convex && !at->proven)) return;
    at->bound = bound;
    at->proven = r->convex;
}

void joint_bounds_of(joint_search *s, size_t n, point *const *at, size_t n_branch)
{
    const joint_problem *p = s->p;
    if (!n || !p->n || !(s->spec.convex.below > 0) || !p->quadratic || p->n > CEV_MAX_PROFILED) return;
    bool turned = n_branch && is_valley(p);
    if (turned) find_directions(s, n, at);
    for (size_t k = 0; k < n; k++) {
        point *it = at[k];
        pose(s, k, it, n_branch);
        if (turned) pose_turned(s, k);
        if (!it->warm) memset(it->relaxed.variable, 0, p->n_variable * sizeof(double));
        s->relaxed[k] = it->relaxed;
        s->of_relaxation[k] = it;
    }
    bound_chi2 chi2 = {.context = s,
                       .n_form = p->n_form,
                       .n_variable = p->n_variable,
                       .convex_below = s->spec.convex.below,
                       .gap_times = s->spec.convex.gap_times,
                       .evaluate = evaluate};
    joint_bounds(&chi2, s->bounds, n, s->relaxation, s->relaxed);
    for (size_t k = 0; k < n; k++) {
        if (!turned) {
            at[k]->relaxed = s->relaxed[k];
            at[k]->warm = at[k]->has_start = at[k]->relaxed.bound > -INFINITY;
        }
        keep_bound(&s->relaxed[k], at[k]);
    }
}
