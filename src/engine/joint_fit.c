/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "joint_fit.h"

#include <math.h>
#include <string.h>

#include "joint_fit_parts.h"

enum { MOST_STEPS = 80, MOST_REFUSALS = 14 };
static const double promise_left = 1e-9; /* of chi2, at the end of a fit */
static const double share_left = 0.05;   /* of what a model promises: it is not worth more */
static const double finest = 2e-11;      /* of what a model leaves */
static const double damping_first = 0.1, damping_least = 1e-3;
static const double same_chi2 = 1e-8;
static const double same_end = 1e-3; /* of the box */

/* --- one evaluation of all lanes ---------------------------------------------------------------------------------- */

static cev_status new_slot(cev_arena *arena, const joint_sizes *p, joint_slot *s)
{
    size_t m = p->n_form, v = p->n_variable;
    CEV_TRY(cev_new(arena, m, &s->form));
    CEV_TRY(cev_new(arena, m, &s->gradient));
    CEV_TRY(cev_new(arena, m * m, &s->hessian));
    CEV_TRY(cev_new(arena, m * m, &s->positive));
    CEV_TRY(cev_new(arena, m * m, &s->stiff));
    CEV_TRY(cev_new(arena, m * m, &s->curvature));
    CEV_TRY(cev_new(arena, v, &s->variable));
    CEV_TRY(cev_new(arena, v * m, &s->follow));
    CEV_TRY(cev_new(arena, m, &s->all_forms));
    return cev_new(arena, v, &s->start);
}

static cev_status new_block(cev_arena *arena, const joint_sizes *p, joint_block *b)
{
    size_t m = p->n_form, v = p->n_variable;
    CEV_TRY(cev_new(arena, v, &b->start));
    CEV_TRY(cev_new(arena, p->n_pull, &b->pull));
    CEV_TRY(cev_new(arena, m, &b->value.gradient));
    CEV_TRY(cev_new(arena, m * m, &b->value.hessian));
    CEV_TRY(cev_new(arena, m * m, &b->value.positive));
    CEV_TRY(cev_new(arena, m * m, &b->value.stiff));
    CEV_TRY(cev_new(arena, v, &b->value.variable));
    return cev_new(arena, v * m, &b->value.follow);
}

cev_status joint_slots_new(cev_arena *arena, const joint_sizes *p, joint_work *work)
{
    CEV_TRY(cev_new(arena, CEV_LANES, &work->slot));
    for (size_t l = 0; l < CEV_LANES; l++) CEV_TRY(new_slot(arena, p, &work->slot[l]));
    CEV_TRY(cev_new(arena, 1, &work->block));
    return new_block(arena, p, work->block);
}

void joint_fill_lane(const joint_problem *p, joint_block *b, size_t l, const joint_place *place, const double *form,
                     const double *start)
{
    for (size_t f = 0; f < p->n_form; f++) b->form[f][l] = form[f];
    for (size_t v = 0; v < p->n_variable; v++) b->start[v][l] = start[v];
    for (size_t g = 0; g < p->n_given; g++) b->theta[p->given[g]][l] = place->theta[p->given[g]];
}

void joint_copy_lane(const joint_problem *p, joint_block *b, size_t to, size_t from)
{
    for (size_t f = 0; f < p->n_form; f++) b->form[f][to] = b->form[f][from];
    for (size_t v = 0; v < p->n_variable; v++) b->start[v][to] = b->start[v][from];
    for (size_t g = 0; g < p->n_given; g++) b->theta[p->given[g]][to] = b->theta[p->given[g]][from];
}

double joint_chi2_of_lane(const joint_problem *p, const joint_block *b, size_t l, const joint_place *place,
                          const double *z)
{
    double chi2 = b->value.status[l] == CEV_POINT_OK ? b->value.chi2[l] : INFINITY;
    return isnan(chi2) ? INFINITY : chi2 + joint_prior(p, z) + place->penalty;
}

static void live_matrix(const joint_problem *p, const cev_lanes *from, size_t l, double *to)
{
    for (size_t f = 0; f < p->n_live; f++)
        for (size_t e = 0; e < p->n_live; e++) *to++ = from[p->live[f] * p->n_form + p->live[e]][l];
}

joint_model joint_model_of_lane(const joint_problem *p, const joint_block *b, size_t l, joint_slot *s)
{
    for (size_t f = 0; f < p->n_live; f++) {
        s->form[f] = b->form[p->live[f]][l];
        s->gradient[f] = b->value.gradient[p->live[f]][l];
    }
    live_matrix(p, b->value.hessian, l, s->hessian);
    return (joint_model){.form = s->form, .gradient = s->gradient, .curvature = s->hessian};
}

void joint_ask_block(const joint_problem *p, joint_work *work, bool with_pulls)
{
    joint_block *b = work->block;
    b->value.pull = with_pulls ? b->pull : NULL;
    joint_evaluate(p->chi2, work->scratch, b->form, b->theta, b->start, &b->value);
}

/* --- the model of a slot ------------------------------------------------------------------------------------------ */

static bool is_convex(const joint_problem *p, const joint_slot *s)
{
    double l[JOINT_MAX_FORMS * (JOINT_MAX_FORMS + 1) / 2];
    size_t m = p->n_live;
    for (size_t r = 0, row = 0; r < m; row += ++r)
        for (size_t c = 0, column = 0; c <= r; column += ++c) {
            double x = s->hessian[r * m + c] + 1e-7 * s->stiff[r * m + c];
            if (r == c) x += 1e-12 * s->stiff[r * m + r] + 1e-300;
            for (size_t k = 0; k < c; k++) x -= l[row + k] * l[column + k];
            if (r == c && !(x > 0)) return false;
            l[row + c] = r == c ? sqrt(x) : x / l[column + c];
        }
    return true;
}

/* The lane's answer becomes the model at the trial. */
static void take_model(const joint_problem *p, const joint_block *b, size_t l, joint_slot *s, double chi2)
{
    memcpy(s->z, s->trial, p->n * sizeof *s->z);
    s->chi2 = chi2;
    (void)joint_model_of_lane(p, b, l, s);
    live_matrix(p, b->value.positive, l, s->positive);
    live_matrix(p, b->value.stiff, l, s->stiff);
    for (size_t v = 0; v < p->n_variable; v++) {
        s->variable[v] = b->value.variable[v][l];
        for (size_t f = 0; f < p->n_live; f++)
            s->follow[v * p->n_live + f] = b->value.follow[v * p->n_form + p->live[f]][l];
    }
    s->has_model = true;
    s->refusals = 0;
    s->convex = is_convex(p, s);
    s->exact = s->convex;
}

static double look_ahead(const joint_problem *p, joint_work *work, joint_slot *s)
{
    size_t m = p->n_live;
    joint_model model = {.form = s->form, .gradient = s->gradient, .curvature = s->curvature};
    for (size_t k = 0; k < m * m; k++)
        s->curvature[k] = (s->exact ? s->hessian : s->positive)[k] + s->damping * s->stiff[k];
    memcpy(s->trial, s->z, p->n * sizeof *s->z);
    return joint_descend(p, work, s->fit->place, &model, finest, share_left, s->trial);
}

/* Where next; what is promised there is in s->promise. Models that are not the true one say nothing of an end. */
static void choose_trial(const joint_problem *p, joint_work *work, joint_slot *s)
{
    s->promise = look_ahead(p, work, s);
    if (s->promise > promise_left || (s->exact && s->damping == 0)) return;
    s->exact = true;
    s->damping = 0;
    s->promise = look_ahead(p, work, s);
}

/* Pulls follow the forms to first order, where the step is no leap. */
static void predict_start(const joint_problem *p, joint_slot *s)
{
    for (size_t v = 0; v < p->n_variable; v++) {
        s->start[v] = s->variable[v];
        for (size_t f = 0; s->promise < 4 && f < p->n_live; f++)
            s->start[v] += s->follow[v * p->n_live + f] * (s->all_forms[p->live[f]] - s->form[f]);
    }
}

/* --- from step to step -------------------------------------------------------------------------------------------- */

static void ask(const joint_problem *p, joint_work *work, joint_block *b, size_t l, joint_slot *s)
{
    joint_all_forms(p, work, s->fit->place, s->trial, s->all_forms);
    if (s->has_model)
        predict_start(p, s);
    else
        for (size_t v = 0; v < p->n_variable; v++) s->start[v] = s->fit->has_variable ? s->fit->variable[v] : 0;
    joint_fill_lane(p, b, l, s->fit->place, s->all_forms, s->start);
}

static void begin(const joint_problem *p, joint_slot *s, joint_fit *fit)
{
    s->fit = fit;
    for (size_t a = 0; a < p->n; a++) s->trial[a] = fmin(fmax(fit->z[a], -0.5), 0.5);
    s->has_model = false;
    s->damping = 0;
    s->promise = INFINITY;
    fit->steps = 0;
}

static void end(const joint_problem *p, joint_slot *s, joint_end how)
{
    joint_fit *fit = s->fit;
    s->fit = NULL;
    fit->end = how;
    fit->chi2 = s->has_model ? s->chi2 : INFINITY;
    if (!s->has_model) return;
    fit->status = CEV_POINT_OK;
    memcpy(fit->z, s->z, p->n * sizeof *s->z);
    memcpy(fit->variable, s->variable, p->n_variable * sizeof *s->variable);
    fit->has_variable = true;
}

/* Whether what is left to gain cannot bring the fit below give_up; the less a model promises, the more it counts. */
static bool is_hopeless(const joint_slot *s)
{
    double may_promise_too_little = s->fit->steps == 1 ? 30 : s->promise > 0.1 ? 10 : 3;
    return s->chi2 - may_promise_too_little * s->promise > s->fit->give_up - same_chi2;
}

static bool comes_to_known(const joint_problem *p, const joint_slot *s)
{
    double apart = 0;
    for (size_t a = 0; s->fit->known && a < p->n; a++) apart = fmax(apart, fabs(s->trial[a] - s->fit->known[a]));
    return s->fit->known && s->exact && s->damping == 0 && apart < same_end;
}

/* Damping from how the gain compares with the promise (K. Levenberg, Quart. Appl. Math. 2 (1944) 164). */
static void accept(const joint_problem *p, const joint_block *b, size_t l, joint_slot *s, double chi2)
{
    double ratio = s->has_model ? (s->chi2 - chi2) / s->promise : 1;
    if (ratio > 0.7) s->damping *= 0.1;
    if (ratio < 0.25) s->damping = fmax(3 * s->damping, damping_first);
    if (s->damping < damping_least) s->damping = 0;
    take_model(p, b, l, s, chi2);
}

static void refuse(joint_slot *s)
{
    s->refusals++;
    if (s->exact && !s->convex) s->exact = false;
    s->damping = fmax(5 * s->damping, damping_first);
}

/* Judges the answer in lane l; the fit goes on with another trial, or ends. */
static void judge(const joint_problem *p, joint_work *work, const joint_block *b, size_t l, joint_slot *s)
{
    double chi2 = joint_chi2_of_lane(p, b, l, s->fit->place, s->trial);
    bool near_end = s->has_model && s->promise < 1e-7;
    s->fit->steps++;
    if (!s->has_model && !isfinite(chi2)) {
        s->fit->status = b->value.status[l] == CEV_POINT_OK ? CEV_POINT_NOT_CONVERGED
                                                            : (cev_point_status)b->value.status[l];
        end(p, s, JOINT_FAILED);
        return;
    }
    if (!s->has_model || chi2 < s->chi2 - 1e-3 * s->promise)
        accept(p, b, l, s, chi2);
    else if (near_end) { /* as low as chi2 can tell */
        end(p, s, JOINT_CONVERGED);
        return;
    } else
        refuse(s);
    choose_trial(p, work, s);
    if (s->promise <= promise_left)
        end(p, s, JOINT_CONVERGED);
    else if (is_hopeless(s) || comes_to_known(p, s))
        end(p, s, JOINT_GIVEN_UP);
    else if (s->fit->steps >= MOST_STEPS || s->refusals >= MOST_REFUSALS)
        end(p, s, JOINT_STALLED);
}

void joint_fits_run(const joint_problem *p, joint_work *work, size_t n, joint_fit *fit)
{
    joint_slot *slot = work->slot;
    joint_block *b = work->block;
    size_t next = 0, busy = 0;
    for (size_t l = 0; l < CEV_LANES; l++) slot[l].fit = NULL;
    do {
        size_t some = CEV_LANES;
        for (size_t l = 0; l < CEV_LANES; l++) {
            if (!slot[l].fit && next < n) begin(p, &slot[l], &fit[next++]);
            if (!slot[l].fit) continue;
            ask(p, work, b, l, &slot[l]);
            some = l;
        }
        if (some == CEV_LANES) return;
        for (size_t l = 0; l < CEV_LANES; l++)
            if (!slot[l].fit) joint_copy_lane(p, b, l, some);
        joint_ask_block(p, work, false);
        busy = 0;
        for (size_t l = 0; l < CEV_LANES; l++) {
            if (slot[l].fit) judge(p, work, b, l, &slot[l]);
            busy += slot[l].fit != NULL;
        }
    } while (busy || next < n);
}
