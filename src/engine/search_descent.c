/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "search_descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_STEPS = 150,
    STEPS_OF_ALL = 5, /* before all but the lowest descents are given up */
    N_RADIUS = 3,
    MOST_TROUBLE = 8,
    MOST_POINTS = 1 + CEV_MAX_AXES * (CEV_MAX_AXES + 1) /* of a model */
};
static const double gain_wanted = 2e-10;  /* of chi2; less is rounding */
static const double gain_of_chi2 = 1e-13; /* the same, relative to chi2 */
static const double stencil_rise = 1e-6;  /* of chi2 over the step of a difference */
static const double first_step = 1e-3;
static const double least_step = 1e-7, most_step = 0.02;
static const double least_radius = 1e-9;
static const double same_place = 1e-4;
static const double radius_tried[N_RADIUS] = {4, 1, 0.25};

typedef struct descent {
    search_place lowest;
    double radius, step[CEV_MAX_AXES];
    search_model model;
    bool has_model, ended;
    size_t trouble;      /* models that chi2 is infinite in */
    search_place *point; /* of this descent, among those that are evaluated together */
} descent;

typedef struct lockstep {
    searcher *s;
    size_t set, n, n_descent;
    descent *descent;
    search_place *point; /* [n_descent * MOST_POINTS] */
    size_t n_point;
} lockstep;

static double least_gain(const descent *d)
{
    return gain_wanted + gain_of_chi2 * d->lowest.chi2;
}

/* --- models ----------------------------------------------------------------------------------------------------- */

static void add_point(lockstep *k, const descent *d, const double *u)
{
    search_place *p = &k->point[k->n_point++];
    *p = (search_place){.box = d->lowest.box};
    memcpy(p->u, u, k->n * sizeof *u);
}

/* The centre of the differences: the lowest point, or beside it where a wall is too near. */
static void ask_for_model(lockstep *k, descent *d)
{
    double u[CEV_MAX_AXES];
    d->point = &k->point[k->n_point];
    d->model.n = k->n;
    for (size_t i = 0; i < k->n; i++) d->model.centre[i] = fmin(fmax(d->lowest.u[i], d->step[i]), 1 - d->step[i]);
    add_point(k, d, d->model.centre);
    for (size_t i = 0; i < k->n; i++)
        for (size_t j = 0; j <= i; j++)
            for (int sign = -1; sign <= 1; sign += 2) {
                memcpy(u, d->model.centre, sizeof u);
                u[i] += sign * d->step[i];
                if (j < i) u[j] += sign * d->step[j];
                add_point(k, d, u);
            }
}

static void note(descent *d, const search_place *p)
{
    if (p->chi2 < d->lowest.chi2) d->lowest = *p;
}

/* Differences along single axes, and along pairs of them. */
static void differentiate(descent *d)
{
    search_model *m = &d->model;
    const search_place *p = d->point + 1;
    double rise[CEV_MAX_AXES];
    m->value = d->point->chi2;
    for (size_t i = 0; i < m->n; i++)
        for (size_t j = 0; j <= i; j++, p += 2) {
            double second = p[0].chi2 + p[1].chi2 - 2 * m->value;
            if (j < i) {
                m->h[i][j] = m->h[j][i] = 0; /* the diagonal element of i comes last */
                m->h[j][i] = second;
                continue;
            }
            rise[i] = second;
            m->g[i] = (p[1].chi2 - p[0].chi2) / (2 * d->step[i]);
            m->h[i][i] = second / (d->step[i] * d->step[i]);
        }
    for (size_t i = 0; i < m->n; i++)
        for (size_t j = 0; j < i; j++)
            m->h[i][j] = m->h[j][i] = (m->h[j][i] - rise[i] - rise[j]) / (2 * d->step[i] * d->step[j]);
}

static size_t points_of_model(size_t n)
{
    return 1 + n * (n + 1);
}

/* Steps over which chi2 changes enough to be above rounding, and not so much that it is no parabola. */
static void choose_steps(descent *d)
{
    double rise = stencil_rise + 1e-3 * stencil_rise * d->lowest.chi2;
    for (size_t i = 0; i < d->model.n; i++)
        d->step[i] = fmin(fmax(sqrt(rise / fabs(d->model.h[i][i])), least_step), most_step);
}

static void build_model(descent *d)
{
    bool finite = true;
    for (size_t p = 0; p < points_of_model(d->model.n); p++) finite &= isfinite(d->point[p].chi2) != 0;
    if (!finite) {
        for (size_t i = 0; i < d->model.n; i++) d->step[i] = fmax(0.1 * d->step[i], least_step);
        d->ended = ++d->trouble == MOST_TROUBLE;
        return;
    }
    differentiate(d);
    for (size_t p = 0; p < points_of_model(d->model.n); p++) note(d, &d->point[p]);
    choose_steps(d);
    d->has_model = true;
}

static cev_status model_all(lockstep *k)
{
    k->n_point = 0;
    for (size_t i = 0; i < k->n_descent; i++)
        if (!k->descent[i].ended && !k->descent[i].has_model) ask_for_model(k, &k->descent[i]);
    if (k->n_point == 0) return CEV_OK;
    CEV_TRY(search_evaluate(k->s, k->set, k->n_point, k->point));
    for (size_t i = 0; i < k->n_descent; i++)
        if (!k->descent[i].ended && !k->descent[i].has_model) build_model(&k->descent[i]);
    return CEV_OK;
}

/* --- steps ------------------------------------------------------------------------------------------------------ */

/* The minima of the model within several radii; the descent ends where none promises a gain. */
static void ask_for_steps(lockstep *k, descent *d)
{
    double low[CEV_MAX_AXES], high[CEV_MAX_AXES], y[CEV_MAX_AXES];
    d->point = &k->point[k->n_point];
    for (size_t r = 0; r < N_RADIUS; r++) {
        for (size_t i = 0; i < k->n; i++) {
            low[i] = fmax(d->lowest.u[i] - radius_tried[r] * d->radius, 0);
            high[i] = fmin(d->lowest.u[i] + radius_tried[r] * d->radius, 1);
        }
        double promised = d->lowest.chi2 - search_model_minimum(&d->model, low, high, y);
        if (r == 0 && promised < least_gain(d)) {
            d->ended = true;
            return;
        }
        add_point(k, d, y);
    }
}

static void judge_steps(descent *d)
{
    size_t best = 0;
    for (size_t r = 1; r < N_RADIUS; r++)
        if (d->point[r].chi2 < d->point[best].chi2) best = r;
    bool gained = d->point[best].chi2 < d->lowest.chi2 - least_gain(d);
    note(d, &d->point[best]);
    d->radius = gained ? fmin(d->radius * radius_tried[best], 1) : d->radius / 16;
    d->ended = d->radius < least_radius;
    if (gained) d->has_model = false;
    for (size_t i = 0; !gained && i < d->model.n; i++)
        if (d->step[i] > d->radius) { /* the model is coarser than the steps that it is asked for */
            d->step[i] = fmax(d->radius, least_step);
            d->has_model = false;
        }
}

static cev_status step_all(lockstep *k)
{
    k->n_point = 0;
    for (size_t i = 0; i < k->n_descent; i++)
        if (!k->descent[i].ended && k->descent[i].has_model) ask_for_steps(k, &k->descent[i]);
    if (k->n_point == 0) return CEV_OK;
    CEV_TRY(search_evaluate(k->s, k->set, k->n_point, k->point));
    for (size_t i = 0; i < k->n_descent; i++)
        if (!k->descent[i].ended && k->descent[i].has_model) judge_steps(&k->descent[i]);
    return CEV_OK;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

/* Lowest first; of equals, by their places, so that no sorting's habits play a role. */
static int compare_descents(const void *a, const void *b)
{
    const search_place *x = &((const descent *)a)->lowest, *y = &((const descent *)b)->lowest;
    if (x->chi2 != y->chi2) return x->chi2 < y->chi2 ? -1 : 1;
    if (x->box != y->box) return x->box < y->box ? -1 : 1;
    for (size_t i = 0; i < CEV_MAX_AXES; i++)
        if (x->u[i] != y->u[i]) return x->u[i] < y->u[i] ? -1 : 1;
    return 0;
}

static bool are_together(const lockstep *k, const descent *a, const descent *b)
{
    double apart = 0;
    for (size_t i = 0; i < k->n; i++) apart = fmax(apart, fabs(a->lowest.u[i] - b->lowest.u[i]));
    return a->lowest.box == b->lowest.box && apart < same_place;
}

/* Ends those that have met a lower one. */
static void end_followers(lockstep *k)
{
    for (size_t a = 0; a < k->n_descent; a++)
        for (size_t b = 0; b < k->n_descent && !k->descent[a].ended; b++)
            if (a != b && k->descent[b].lowest.chi2 < k->descent[a].lowest.chi2 &&
                are_together(k, &k->descent[a], &k->descent[b]))
                k->descent[a].ended = true;
}

static bool any_left(const lockstep *k)
{
    for (size_t i = 0; i < k->n_descent; i++)
        if (!k->descent[i].ended) return true;
    return false;
}

static cev_status run(lockstep *k, size_t most)
{
    for (size_t step = 0; step < MOST_STEPS && any_left(k); step++) {
        CEV_TRY(model_all(k));
        CEV_TRY(step_all(k));
        end_followers(k);
        if (step + 1 != STEPS_OF_ALL) continue;
        qsort(k->descent, k->n_descent, sizeof *k->descent, compare_descents);
        for (size_t i = most; i < k->n_descent; i++) k->descent[i].ended = true;
    }
    return CEV_OK;
}

cev_status search_descend(searcher *s, size_t set, size_t n_start, size_t most, double first_radius,
                          search_place *start)
{
    lockstep k = {.s = s, .set = set, .n = s->space->n, .n_descent = n_start};
    k.descent = calloc(n_start, sizeof *k.descent);
    k.point = calloc(n_start * MOST_POINTS, sizeof *k.point);
    cev_status status = k.descent && k.point ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t i = 0; status == CEV_OK && i < n_start; i++) {
        k.descent[i] = (descent){.lowest = start[i], .radius = first_radius};
        for (size_t d = 0; d < k.n; d++) k.descent[i].step[d] = first_step;
    }
    if (status == CEV_OK) status = run(&k, most);
    for (size_t i = 0; status == CEV_OK && i < n_start; i++) start[i] = k.descent[i].lowest;
    free(k.descent);
    free(k.point);
    return status;
}
