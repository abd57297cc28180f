/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of the points of a search. */
#include <math.h>
#include <string.h>

#include "cevscan/combination.h"
#include "joint_tile_parts.h"

static void values_of(const joint_search *s, const joint_fit *fit, double *value)
{
    const joint_problem *p = s->p;
    for (size_t k = 0; k < p->n_all; k++) value[k] = p->all[k].rest;
    for (size_t a = 0; a < p->n; a++) {
        const joint_free *f = &p->all[p->of[a]];
        value[p->of[a]] = fmin(fmax(p->middle[a] + p->width[a] * fit->z[a], f->low), f->high);
    }
}

static bool has_idle(const joint_problem *p)
{
    bool idle = false;
    for (size_t k = 0; k < p->n_all; k++) {
        size_t a = 0;
        while (a < p->n && p->of[a] != k) a++;
        idle |= a == p->n && p->all[k].weight == 0;
    }
    return idle;
}

/* chi2 is not negative, whatever it is; other bounds stand on its being convex. */
static bool is_proof(const joint_search *s, const point *at)
{
    return at->bound == at->place->penalty || (at->proven && at->best.chi2 < s->spec.convex.below);
}

static unsigned char flags_of(const joint_search *s, const point *at, const joint_portrait *portrait)
{
    bool at_bound = portrait->at_bound;
    for (size_t q = 0; q < s->n_pull; q++)
        at_bound |= portrait->pull[q] <= s->spec.pull_low[q] || portrait->pull[q] >= s->spec.pull_high[q];
    return (unsigned char)((at->reached && is_proof(s, at) ? CEV_FLAG_PROVEN : 0) | (at_bound ? CEV_FLAG_AT_BOUND : 0) |
                           (portrait->n_flat || has_idle(s->p) ? CEV_FLAG_FLAT : 0));
}

joint_result joint_result_of(joint_search *s, const point *at, size_t lane)
{
    const joint_portrait *portrait = &s->portrait[lane];
    double *value = s->value + lane * s->most_values;
    joint_result r = {.chi2 = at->best.chi2,
                      .bound = at->bound,
                      .status = (unsigned char)at->best.status,
                      .portrait = portrait,
                      .pull = portrait->pull,
                      .value = value};
    bool found = at->best.end != JOINT_FAILED && portrait->status == CEV_POINT_OK;
    for (size_t q = 0; !found && q < s->n_pull; q++) portrait->pull[q] = NAN;
    for (size_t k = 0; !found && k < s->p->n_all; k++) value[k] = NAN;
    if (found) {
        r.chi2 = fmax(fmin(r.chi2, portrait->chi2), 0); /* rounding may go below */
        r.flags = flags_of(s, at, portrait);
        values_of(s, &at->best, value);
    } else
        r.chi2 = r.status == CEV_POINT_IMPOSSIBLE ? INFINITY : NAN;
    return r;
}

/* The last look at points [n], n <= CEV_LANES. */
void joint_look_at_points(joint_search *s, size_t n, point *const *at, int wanted)
{
    for (size_t l = 0; l < n; l++) {
        joint_keep_fit(s, &at[l]->best, &s->task[l]);
        s->task[l].place = at[l]->place;
    }
    joint_fits_portray(s->p, s->work, n, s->task, wanted, s->portrait);
    for (size_t l = 0; l < n; l++) {
        if (wanted & JOINT_WANT_NEAREST && at[l]->best.end != JOINT_FAILED)
            joint_choose_signs(s->p, at[l]->place, s->task[l].z);
        joint_keep_fit(s, &s->task[l], &at[l]->best);
    }
}

void joint_give_results(joint_search *s, const joint_piece *piece)
{
    size_t n = piece->n_row * piece->n_column;
    int wanted = s->spec.with_values ? JOINT_WANT_NEAREST : 0;
    for (size_t first = 0; first < n; first += CEV_LANES) {
        point *at[CEV_LANES];
        size_t count = n - first < CEV_LANES ? n - first : CEV_LANES;
        for (size_t l = 0; l < count; l++) at[l] = &s->point[first + l];
        joint_look_at_points(s, count, at, wanted);
        for (size_t l = 0; l < count; l++) {
            joint_result r = joint_result_of(s, at[l], l);
            piece->take(piece->context, (first + l) / piece->n_column, (first + l) % piece->n_column, &r);
        }
    }
}
