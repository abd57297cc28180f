/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Branch and bound over the boxes of parameters, and what keeps the lanes of chi2 full: each of CEV_LANES seats works
 * on one problem, one relaxed problem after the other, in an order that the problem alone decides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "joint_bound_parts.h"

enum { MOST_LEAVES = 512 };
#define LEAST_WIDTH 1e-7 /* of a box that can be split */
#define SPLIT_EDGE 0.1   /* of its width, that a half has at least */
#define SLACK_SAFETY 3.0 /* the cost of slack is known to second order */
#define REACHED 1e-8     /* chi2 */

typedef struct leaf {
    double low[CEV_MAX_PROFILED], high[CEV_MAX_PROFILED];
    double bound; /* of its parent, then its own */
    bool solved, convex;
    bool exact, lower;          /* x reaches the bound; x makes less than what is enough */
    double x[CEV_MAX_PROFILED]; /* where its minimum is */
    size_t axis;                /* how to split it; n: not at all */
    double at;
    double half_bound[2]; /* of the two halves, by the tangent plane of the whole */
} leaf;

typedef struct seat {
    bool taken;
    size_t point, n_leaf, open; /* open: the leaf at work */
    leaf *leaf;                 /* [MOST_LEAVES] */
    bound_relax relax;
} seat;

struct bound_scratch {
    cev_arena *arena;
    seat seat[CEV_LANES];
};

static cev_status create_place(cev_arena *arena, size_t n_form, size_t n_variable, bound_place *out)
{
    CEV_TRY(cev_new(arena, n_form, &out->form));
    CEV_TRY(cev_new(arena, n_variable, &out->variable));
    CEV_TRY(cev_new(arena, n_form, &out->gradient));
    CEV_TRY(cev_new(arena, n_form * n_form, &out->hessian));
    CEV_TRY(cev_new(arena, n_form * n_form, &out->positive));
    return cev_new(arena, n_form * n_form, &out->stiff);
}

static cev_status create_seat(cev_arena *arena, size_t n_form, size_t n_variable, seat *out)
{
    CEV_TRY(cev_new(arena, MOST_LEAVES, &out->leaf));
    out->relax.n_variable = n_variable;
    CEV_TRY(cev_new(arena, n_form * n_form, &out->relax.work));
    CEV_TRY(cev_new(arena, n_form, &out->relax.anchor));
    CEV_TRY(cev_new(arena, n_form, &out->relax.hull.origin));
    CEV_TRY(cev_new(arena, BOUND_MAX_LIFTED * n_form, &out->relax.hull.map));
    for (int k = 0; k < 2; k++) CEV_TRY(create_place(arena, n_form, n_variable, &out->relax.at[k]));
    return CEV_OK;
}

static cev_status build(bound_scratch *s, size_t n_form, size_t n_variable)
{
    CEV_TRY(cev_arena_create(&s->arena));
    for (size_t k = 0; k < CEV_LANES; k++) CEV_TRY(create_seat(s->arena, n_form, n_variable, &s->seat[k]));
    return CEV_OK;
}

cev_status bound_scratch_create(size_t n_form, size_t n_variable, bound_scratch **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = build(*out, n_form, n_variable);
    if (status != CEV_OK) bound_scratch_destroy(out);
    return status;
}

void bound_scratch_destroy(bound_scratch **scratch)
{
    if (!scratch || !*scratch) return;
    cev_arena_destroy(&(*scratch)->arena);
    free(*scratch);
    *scratch = NULL;
}

/* --- one relaxed problem after the other ------------------------------------------------------------------------- */

/* From a neighbour, or a parent: a tenth of the way to the centre, where interior-point steps are free. */
static void start_from(const bound_hull *hull, const double *near, double *z)
{
    bound_hull_centre(hull, z);
    for (size_t k = 0; near && k < hull->n; k++) z[k] = 0.1 * z[k] + 0.9 * near[k];
}

static void start_first(const bound_problem *p, const bound_result *near, size_t n_variable, seat *s)
{
    double z[BOUND_MAX_LIFTED];
    bound_relax *r = &s->relax;
    bound_hull_box(p, p->low, p->high, &r->hull);
    start_from(&r->hull, near ? near->lifted : NULL, z);
    if (near && !(bound_hull_barrier(&r->hull, z) < INFINITY)) start_from(&r->hull, NULL, z);
    r->enough = p->enough;
    r->may_branch = p->n_branch > 0;
    bound_relax_start(r, z);
    if (near)
        memcpy(bound_trial(r)->variable, near->variable, n_variable * sizeof(double));
    else
        memset(bound_trial(r)->variable, 0, n_variable * sizeof(double));
}

static void start_branch(const bound_problem *p, seat *s)
{
    double z[BOUND_MAX_LIFTED];
    bound_hull_box(p, s->leaf[s->open].low, s->leaf[s->open].high, &s->relax.hull);
    bound_hull_centre(&s->relax.hull, z);
    bound_relax_start_by_model(&s->relax, z);
}

static void sit_down(const bound_chi2 *chi2, const bound_problem *p, bound_result *out, size_t point, seat *s)
{
    s->point = point;
    s->n_leaf = 1;
    s->open = 0;
    s->relax.now = 0;
    s->relax.convex_below = chi2->convex_below;
    s->relax.gap_times = chi2->gap_times;
    s->relax.anchor_chi2 = INFINITY;
    out->bound = -INFINITY;
    out->exact = out->lower = out->convex = false;
    out->n_relaxation = out->n_evaluation = out->n_newton = 0;
    s->taken = p->n > 0 && bound_hull_blocks(p, chi2->n_form, &s->relax.hull);
    if (!s->taken) return;
    memcpy(s->leaf[0].low, p->low, p->n * sizeof(double));
    memcpy(s->leaf[0].high, p->high, p->n * sizeof(double));
    s->leaf[0].bound = -INFINITY;
    s->leaf[0].solved = s->leaf[0].convex = s->leaf[0].exact = s->leaf[0].lower = false;
    memset(s->leaf[0].x, 0, sizeof s->leaf[0].x);
    start_first(p, p->warm ? out : NULL, chi2->n_variable, s);
}

/* What chi2 would lose to second order if the squares of block k were those of its parameters; by parameter. */
static double slack_cost(const bound_relax *r, const bound_block *k, double *of)
{
    const bound_hull *h = &r->hull;
    const bound_place *p = &r->at[r->now];
    const double *z = p->z + k->first;
    size_t n = h->n_form;
    double change[5] = {0}, cost[3] = {0};
    if (k->n == 1)
        change[1] = z[0] * z[0] - z[1];
    else
        change[2] = z[0] * z[0] - z[2], change[3] = z[0] * z[1] - z[3], change[4] = z[1] * z[1] - z[4];
    /* cost[0]: all; the others: the square of one parameter alone. */
    for (size_t c = 0; c < 3; c++) {
        double d[JOINT_MAX_FORMS] = {0}, linear = 0, curved = 0;
        for (size_t i = 1; i < (k->n == 1 ? 2 : 5); i++) {
            if (c > 0 && i != (k->n == 1 ? 1 : 2 * c)) continue;
            linear += h->cost[k->first + i] * change[i];
            for (size_t f = 0; f < n; f++) d[f] += h->map[(k->first + i) * n + f] * change[i];
        }
        for (size_t f = 0; f < n; f++) {
            linear += p->gradient[f] * d[f];
            for (size_t e = 0; e < n; e++) curved += d[f] * p->positive[f * n + e] * d[e];
        }
        cost[c] = fabs(linear) + 0.5 * curved;
    }
    of[0] = cost[1];
    of[1] = k->n == 1 ? 0 : cost[2];
    return cost[0];
}

static void parameters_at(const bound_hull *h, const double *z, double *x)
{
    for (size_t b = 0; b < h->n_block; b++)
        for (size_t i = 0; i < h->block[b].n; i++) {
            size_t p = h->block[b].parameter[i];
            x[p] = h->middle[p] + h->half[p] * z[h->block[b].first + i];
        }
}

/* Where to split a leaf: the block whose slack costs most, its parameter whose square does, near its value. */
static double plan_split(const bound_relax *r, leaf *l)
{
    double most = 0, all = 0;
    parameters_at(&r->hull, r->at[r->now].z, l->x);
    for (size_t b = 0; b < r->hull.n_block; b++) {
        const bound_block *k = &r->hull.block[b];
        double of[2], cost = slack_cost(r, k, of);
        all += cost;
        size_t i = k->parameter[of[1] > of[0]];
        if (cost <= most || l->high[i] - l->low[i] < LEAST_WIDTH) continue;
        most = cost;
        l->axis = i;
        double edge = SPLIT_EDGE * (l->high[i] - l->low[i]);
        l->at = fmin(fmax(l->x[i], l->low[i] + edge), l->high[i] - edge);
    }
    return all;
}

/* False: there is nothing of the parameters' in that half. */
static bool cut_box(const bound_problem *p, const leaf *l, int upper, double *low, double *high)
{
    memcpy(low, l->low, sizeof l->low);
    memcpy(high, l->high, sizeof l->high);
    (upper ? low : high)[l->axis] = l->at;
    return !p->clip || p->clip(p->clip_context, low, high);
}

static bool is_inside(const bound_problem *p, const double *x)
{
    double low[CEV_MAX_PROFILED], high[CEV_MAX_PROFILED];
    memcpy(low, x, sizeof low);
    memcpy(high, x, sizeof high);
    return !p->clip || p->clip(p->clip_context, low, high);
}

/* In the middle of its longest side: what is not the parameters' is cut away from the halves. */
static void plan_middle(const bound_problem *p, leaf *l)
{
    size_t axis = 0;
    for (size_t i = 1; i < p->n; i++)
        if (l->high[i] - l->low[i] > l->high[axis] - l->low[axis]) axis = i;
    if (l->high[axis] - l->low[axis] < LEAST_WIDTH) return;
    l->axis = axis;
    l->at = 0.5 * (l->low[axis] + l->high[axis]);
}

/* What is known of the halves before anything is solved. */
static void bound_halves(const bound_problem *p, bound_relax *r, leaf *l)
{
    double low[CEV_MAX_PROFILED], high[CEV_MAX_PROFILED];
    for (int upper = 0; upper < 2 && l->axis < p->n; upper++) {
        if (!cut_box(p, l, upper, low, high)) {
            l->half_bound[upper] = INFINITY;
            continue;
        }
        bound_hull_box(p, low, high, &r->hull);
        l->half_bound[upper] = fmax(bound_relax_plane(r), l->bound);
    }
}

static void split(const bound_problem *p, seat *s, size_t k)
{
    leaf *half[2] = {&s->leaf[k], &s->leaf[s->n_leaf++]};
    const leaf whole = *half[0];
    for (int upper = 0; upper < 2; upper++) {
        *half[upper] = whole;
        (void)cut_box(p, &whole, upper, half[upper]->low, half[upper]->high);
        half[upper]->bound = whole.half_bound[upper];
        half[upper]->convex |= whole.half_bound[upper] > whole.bound; /* a tangent plane's */
        half[upper]->solved = half[upper]->exact = half[upper]->lower = false;
    }
}

static size_t lowest(const seat *s)
{
    size_t k = 0;
    for (size_t l = 1; l < s->n_leaf; l++)
        if (s->leaf[l].bound < s->leaf[k].bound) k = l;
    return k;
}

/* The leaf with the lowest bound decides. False: nothing is left to do. */
static bool next_leaf(const bound_problem *p, size_t n_relaxation, seat *s)
{
    for (;;) {
        size_t k = lowest(s);
        leaf *l = &s->leaf[k];
        if (l->bound >= p->enough || l->exact || l->lower) return false;
        if (!l->solved) {
            s->open = k;
            return n_relaxation < p->n_branch + 1;
        }
        if (s->n_leaf == MOST_LEAVES || l->axis == p->n || n_relaxation > p->n_branch) return false;
        split(p, s, k);
    }
}

static void keep(const bound_chi2 *chi2, const seat *s, bound_result *out)
{
    const bound_place *at = &s->relax.at[s->relax.now];
    memcpy(out->place, at->form, chi2->n_form * sizeof(double));
    memcpy(out->variable, at->variable, chi2->n_variable * sizeof(double));
    memcpy(out->lifted, at->z, s->relax.hull.n * sizeof(double));
}

static void stand_up(const seat *s, bound_result *out)
{
    const leaf *least = &s->leaf[lowest(s)];
    out->bound = least->bound;
    out->exact = least->exact;
    out->lower = least->lower;
    memcpy(out->x, least->x, sizeof out->x);
    out->convex = out->bound > -INFINITY;
    for (size_t l = 0; l < s->n_leaf; l++) out->convex = out->convex && s->leaf[l].convex;
}

static void take_minimum(const bound_problem *p, bound_relax *r, leaf *l)
{
    if (r->bound > l->bound) {
        l->bound = r->bound;
        l->convex = r->convex;
    }
    double slack = plan_split(r, l);
    l->exact = slack + r->gap < REACHED;
    l->lower = isfinite(p->enough) && r->at[r->now].value + SLACK_SAFETY * slack < p->enough;
    if ((l->exact || l->lower) && !is_inside(p, l->x)) {
        l->exact = l->lower = false;
        plan_middle(p, l);
    }
    bound_halves(p, r, l);
}

/* A relaxed problem is done. Returns whether the seat goes on. */
static bool leaf_done(const bound_chi2 *chi2, const bound_problem *p, seat *s, bound_result *out)
{
    leaf *l = &s->leaf[s->open];
    const bound_relax *r = &s->relax;
    out->n_relaxation++;
    out->n_evaluation += r->n_evaluation;
    out->n_newton += r->n_newton;
    l->solved = true;
    l->axis = p->n;
    if (r->started) {
        if (out->n_relaxation == 1) keep(chi2, s, out);
        take_minimum(p, &s->relax, l);
        bound_relax_anchor(&s->relax);
    }
    if (next_leaf(p, out->n_relaxation, s)) {
        start_branch(p, s);
        return true;
    }
    stand_up(s, out);
    return false;
}

/* --- all problems ------------------------------------------------------------------------------------------------- */

static void evaluate(const bound_chi2 *chi2, bound_scratch *scratch)
{
    bound_place *place[CEV_LANES];
    size_t n = 0, point[CEV_LANES];
    const double *form[CEV_LANES];
    double *variable[CEV_LANES], value[CEV_LANES], *gradient[CEV_LANES], *hessian[CEV_LANES], *positive[CEV_LANES],
        *stiff[CEV_LANES];
    for (size_t k = 0; k < CEV_LANES; k++) {
        if (!scratch->seat[k].taken) continue;
        bound_place *p = place[n] = bound_trial(&scratch->seat[k].relax);
        point[n] = scratch->seat[k].point;
        form[n] = p->form;
        variable[n] = p->variable;
        gradient[n] = p->gradient;
        hessian[n] = p->hessian;
        positive[n] = p->positive;
        stiff[n++] = p->stiff;
    }
    if (n == 0) return;
    chi2->evaluate(chi2->context, n, point, form, variable, value, gradient, hessian, positive, stiff);
    for (size_t k = 0; k < n; k++) place[k]->chi2 = value[k];
}

void joint_bounds(const bound_chi2 *chi2, bound_scratch *scratch, size_t n, const bound_problem *problem,
                  bound_result *result)
{
    size_t next = 0, taken = 0;
    for (size_t k = 0; k < CEV_LANES; k++) scratch->seat[k].taken = false;
    do {
        taken = 0;
        for (size_t k = 0; k < CEV_LANES; k++) {
            seat *s = &scratch->seat[k];
            for (; !s->taken && next < n; next++) sit_down(chi2, &problem[next], &result[next], next, s);
            taken += s->taken;
        }
        evaluate(chi2, scratch);
        for (size_t k = 0; k < CEV_LANES; k++) {
            seat *s = &scratch->seat[k];
            if (!s->taken) continue;
            bound_relax_go(&s->relax);
            if (s->relax.done) s->taken = leaf_done(chi2, &problem[s->point], s, &result[s->point]);
        }
    } while (taken > 0);
}
