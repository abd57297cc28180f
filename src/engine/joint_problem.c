/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "joint_problem.h"

#include <math.h>
#include <string.h>

static const double probe = 1e-3;      /* of z: differences of formulas */
static const double wide_probe = 2e-2; /* ... of second order: what they miss is smooth, rounding is not */
static const double affine_to = 1e-13;
static const double quadratic_to = 1e-12; /* of the terms of the expansion */

/* --- what moves with the free parameters ------------------------------------------------------------------------ */

static size_t carrier_number(const joint_problem *p, size_t index)
{
    size_t c = 0;
    while (c < p->n_carrier && p->carrier[c] != index) c++;
    return c;
}

static bool is_carrier(const joint_problem *p, size_t index)
{
    return carrier_number(p, index) < p->n_carrier;
}

static bool follows(const joint_problem *p, const cev_follower *f)
{
    bool does = f->of != SIZE_MAX && is_carrier(p, f->of);
    for (size_t k = 0; f->of == SIZE_MAX && k < f->n_input; k++) does |= is_carrier(p, f->input[k]);
    return does;
}

/* The free parameters that `of` names, and what follows them, in the roster's order: each after what it depends on. */
static void list_carriers(joint_problem *p)
{
    memset(p->carry, 0, sizeof p->carry);
    p->n_carrier = 0;
    p->has_formulas = false;
    for (size_t a = 0; a < p->n; a++) {
        p->carry[p->n_carrier][a] = p->width[a];
        p->carrier[p->n_carrier++] = p->all[p->of[a]].index;
    }
    for (size_t k = 0; k < p->roster->n_follower; k++) {
        const cev_follower *f = &p->roster->follower[k];
        if (!follows(p, f)) continue;
        if (f->of == SIZE_MAX) p->has_formulas = true;
        for (size_t a = 0; f->of != SIZE_MAX && a < p->n; a++)
            p->carry[p->n_carrier][a] = f->times * p->carry[carrier_number(p, f->of)][a];
        p->carrier[p->n_carrier++] = f->index;
    }
}

static void choose_free(joint_problem *p, const bool *idle)
{
    p->n = 0;
    for (size_t k = 0; k < p->n_all; k++) {
        const joint_free *f = &p->all[k];
        if (idle[k]) continue;
        size_t a = p->n++;
        p->of[a] = k;
        p->middle[a] = 0.5 * (f->low + f->high);
        p->width[a] = f->high - f->low;
        p->centre[a] = (f->centre - p->middle[a]) / p->width[a];
        p->weight[a] = f->weight * p->width[a] * p->width[a];
    }
    list_carriers(p);
}

void joint_theta(const joint_problem *p, joint_work *work, const joint_place *place, const double *z, double *theta)
{
    memmove(theta, place->theta, p->n_theta * sizeof *theta);
    for (size_t a = 0; a < p->n; a++) {
        const joint_free *f = &p->all[p->of[a]];
        theta[f->index] = fmin(fmax(p->middle[a] + p->width[a] * z[a], f->low), f->high);
    }
    if (p->roster->n_follower) cev_followers_apply_one(p->roster, work->followers, theta);
}

/* The same of formulas that are linear in z. */
static void carry_across(const joint_problem *p, joint_work *work, const joint_place *place,
                         double carry[CEV_MAX_THETA][JOINT_MAX_FREE])
{
    double at[2][CEV_MAX_THETA];
    for (size_t a = 0; a < p->n; a++) {
        for (int k = 0; k < 2; k++) {
            double y[JOINT_MAX_FREE] = {0};
            y[a] = k - 0.5;
            joint_theta(p, work, place, y, at[k]);
        }
        for (size_t c = 0; c < p->n_carrier; c++) carry[c][a] = at[1][p->carrier[c]] - at[0][p->carrier[c]];
    }
}

/* dtheta_c/dz_a of carriers by differences, at z; five points. */
static void carry_by_differences(const joint_problem *p, joint_work *work, const joint_place *place, const double *z,
                                 double carry[CEV_MAX_THETA][JOINT_MAX_FREE])
{
    double at[4][CEV_MAX_THETA], y[JOINT_MAX_FREE];
    for (size_t a = 0; a < p->n; a++) {
        for (int k = 0; k < 4; k++) {
            memcpy(y, z, p->n * sizeof *y);
            y[a] = fmin(fmax(z[a], -0.5 + 2 * probe), 0.5 - 2 * probe) + probe * (k < 2 ? k - 2 : k - 1);
            joint_theta(p, work, place, y, at[k]);
        }
        for (size_t c = 0; c < p->n_carrier; c++) {
            size_t i = p->carrier[c];
            carry[c][a] = (8 * (at[2][i] - at[1][i]) - (at[3][i] - at[0][i])) / (12 * probe);
        }
    }
}

static const double (*carry_at(const joint_problem *p, joint_work *work, const joint_place *place, const double *z,
                               double own[CEV_MAX_THETA][JOINT_MAX_FREE]))[JOINT_MAX_FREE]
{
    if (!p->has_formulas) return p->carry;
    if (p->affine)
        carry_across(p, work, place, own);
    else
        carry_by_differences(p, work, place, z, own);
    return (const double(*)[JOINT_MAX_FREE])own;
}

/* --- forms and derivatives, asked of the interaction ------------------------------------------------------------- */

static void ask_forms(const joint_problem *p, joint_work *work, const joint_place *place, const double *z, double *form)
{
    double theta[CEV_MAX_THETA];
    joint_theta(p, work, place, z, theta);
    joint_forms(p->chi2, theta, form);
}

static void ask_slopes(const joint_problem *p, joint_work *work, const joint_place *place, const double *z,
                       double *slope)
{
    double theta[CEV_MAX_THETA], own[CEV_MAX_THETA][JOINT_MAX_FREE];
    const double(*carry)[JOINT_MAX_FREE] = carry_at(p, work, place, z, own);
    joint_theta(p, work, place, z, theta);
    joint_form_derivatives(p->chi2, theta, p->n_carrier, p->carrier, work->first, work->second);
    memset(slope, 0, p->n * p->n_live * sizeof *slope);
    for (size_t a = 0; a < p->n; a++)
        for (size_t c = 0; c < p->n_carrier; c++)
            for (size_t f = 0; carry[c][a] != 0 && f < p->n_live; f++)
                slope[a * p->n_live + f] += carry[c][a] * work->first[c * p->n_form + p->live[f]];
}

/* Second derivatives of all live forms along z_a and z_b, from those along carriers; formulas' own by differences of
 * their first. */
static void ask_bend(const joint_problem *p, joint_work *work, const joint_place *place, const double *z, size_t a,
                     size_t b, const double (*carry)[JOINT_MAX_FREE], double *bend)
{
    memset(bend, 0, p->n_live * sizeof *bend);
    for (size_t c = 0; c < p->n_carrier; c++)
        for (size_t d = 0; carry[c][a] != 0 && d < p->n_carrier; d++)
            for (size_t f = 0; carry[d][b] != 0 && f < p->n_live; f++)
                bend[f] += carry[c][a] * carry[d][b] * work->second[(c * p->n_carrier + d) * p->n_form + p->live[f]];
    if (!p->has_formulas || p->affine) return;
    double theta[4][CEV_MAX_THETA], y[JOINT_MAX_FREE];
    for (int k = 0; k < 4; k++) {
        memcpy(y, z, p->n * sizeof *y);
        y[a] = fmin(fmax(y[a], -0.5 + 2 * wide_probe), 0.5 - 2 * wide_probe);
        if (a != b) y[b] = fmin(fmax(y[b], -0.5 + 2 * wide_probe), 0.5 - 2 * wide_probe);
        y[a] += k & 1 ? wide_probe : -wide_probe;
        y[b] += k & 2 ? wide_probe : -wide_probe;
        joint_theta(p, work, place, y, theta[k]);
    }
    for (size_t c = 0; c < p->n_carrier; c++) {
        size_t i = p->carrier[c];
        double second = (theta[3][i] - theta[1][i] - theta[2][i] + theta[0][i]) / (4 * wide_probe * wide_probe);
        for (size_t f = 0; f < p->n_live; f++) bend[f] += second * work->first[c * p->n_form + p->live[f]];
    }
}

static void ask_bends(const joint_problem *p, joint_work *work, const joint_place *place, const double *z,
                      const double *gradient, double h[JOINT_MAX_FREE][JOINT_MAX_FREE])
{
    double theta[CEV_MAX_THETA], own[CEV_MAX_THETA][JOINT_MAX_FREE], bend[JOINT_MAX_FORMS];
    const double(*carry)[JOINT_MAX_FREE] = carry_at(p, work, place, z, own);
    joint_theta(p, work, place, z, theta);
    joint_form_derivatives(p->chi2, theta, p->n_carrier, p->carrier, work->first, work->second);
    for (size_t a = 0; a < p->n; a++)
        for (size_t b = 0; b <= a; b++) {
            double sum = 0;
            ask_bend(p, work, place, z, a, b, carry, bend);
            for (size_t f = 0; f < p->n_live; f++) sum += bend[f] * gradient[f];
            h[a][b] += sum;
            if (a != b) h[b][a] += sum;
        }
}

/* --- the same where forms are quadratic --------------------------------------------------------------------------- */

void joint_live_forms(const joint_problem *p, joint_work *work, const joint_place *place, const double *z, double *form)
{
    size_t m = p->n_live;
    if (!p->expands) {
        ask_forms(p, work, place, z, work->form);
        for (size_t f = 0; f < m; f++) form[f] = work->form[p->live[f]];
        return;
    }
    for (size_t f = 0; f < m; f++) form[f] = place->form[p->live[f]];
    for (size_t a = 0; a < p->n; a++)
        for (size_t f = 0; f < m; f++) form[f] += z[a] * place->slope[a * m + f];
    for (size_t k = 0; k < p->n_bend; k++) {
        const joint_bend *b = &p->bend[k];
        form[b->f] += (b->a == b->b ? 0.5 : 1) * place->bend[k] * z[b->a] * z[b->b];
    }
}

void joint_live_slopes(const joint_problem *p, joint_work *work, const joint_place *place, const double *z,
                       double *slope)
{
    size_t m = p->n_live;
    if (!p->expands) {
        ask_slopes(p, work, place, z, slope);
        return;
    }
    memcpy(slope, place->slope, p->n * m * sizeof *slope);
    for (size_t k = 0; k < p->n_bend; k++) {
        const joint_bend *b = &p->bend[k];
        slope[b->a * m + b->f] += place->bend[k] * z[b->b];
        if (b->a != b->b) slope[b->b * m + b->f] += place->bend[k] * z[b->a];
    }
}

void joint_add_bends(const joint_problem *p, joint_work *work, const joint_place *place, const double *z,
                     const double *gradient, double h[JOINT_MAX_FREE][JOINT_MAX_FREE])
{
    if (!p->expands) {
        ask_bends(p, work, place, z, gradient, h);
        return;
    }
    for (size_t k = 0; k < p->n_bend; k++) {
        const joint_bend *b = &p->bend[k];
        double x = place->bend[k] * gradient[b->f];
        h[b->a][b->b] += x;
        if (b->a != b->b) h[b->b][b->a] += x;
    }
}

void joint_all_forms(const joint_problem *p, joint_work *work, const joint_place *place, const double *z, double *form)
{
    if (!p->expands) {
        ask_forms(p, work, place, z, form);
        return;
    }
    joint_live_forms(p, work, place, z, work->trial);
    memcpy(form, place->form, p->n_form * sizeof *form);
    for (size_t f = 0; f < p->n_live; f++) form[p->live[f]] = work->trial[f];
}

/* --- places ------------------------------------------------------------------------------------------------------- */

/* Second derivatives at a place, of the forms that have some. */
static void fill_bends(const joint_problem *p, joint_work *work, joint_place *place)
{
    const double zero[JOINT_MAX_FREE] = {0};
    double own[CEV_MAX_THETA][JOINT_MAX_FREE], bend[JOINT_MAX_FORMS];
    const double(*carry)[JOINT_MAX_FREE] = carry_at(p, work, place, zero, own);
    joint_form_derivatives(p->chi2, place->theta, p->n_carrier, p->carrier, work->first, work->second);
    for (size_t k = 0; k < p->n_bend; k++) {
        const joint_bend *b = &p->bend[k];
        bool same = k > 0 && p->bend[k - 1].a == b->a && p->bend[k - 1].b == b->b;
        if (!same) ask_bend(p, work, place, zero, b->a, b->b, carry, bend);
        place->bend[k] = bend[b->f];
    }
}

void joint_place_open(const joint_problem *p, joint_work *work, const double *theta, joint_place *out)
{
    const double zero[JOINT_MAX_FREE] = {0};
    memmove(out->theta, theta, p->n_theta * sizeof *theta);
    for (size_t k = 0; k < p->n_all; k++) out->theta[p->all[k].index] = p->all[k].rest;
    joint_theta(p, work, out, zero, out->theta);
    out->penalty = cev_roster_penalty(p->roster, out->theta) + joint_fixed_penalty(p);
    joint_forms(p->chi2, out->theta, out->form);
    if (!p->expands) return;
    ask_slopes(p, work, out, zero, out->slope);
    if (!p->quadratic)
        fill_bends(p, work, out);
    else
        for (size_t k = 0; k < p->n_bend; k++) out->bend[k] = p->bend[k].value;
}

/* --- what kind of problem it is ----------------------------------------------------------------------------------- */

static double spread(size_t k, size_t a)
{
    double x = (double)(k + 1) * sqrt(2 + 3 * (double)a); /* irrational, and the same everywhere */
    return x - floor(x) - 0.5;
}

/* Chi2 knows a form if a block about two places has a gradient there. */
static void find_known_forms(const joint_problem *p, joint_work *work, const joint_place *const *place, bool *known)
{
    cev_lanes form[JOINT_MAX_FORMS], theta[CEV_MAX_THETA], gradient[JOINT_MAX_FORMS];
    joint_value value = {.gradient = gradient};
    for (size_t l = 0; l < CEV_LANES; l++) {
        double z[JOINT_MAX_FREE], own[JOINT_MAX_FORMS];
        for (size_t a = 0; a < p->n; a++) z[a] = spread(l, a);
        ask_forms(p, work, place[l % 2], z, own);
        for (size_t f = 0; f < p->n_form; f++) form[f][l] = own[f];
        for (size_t t = 0; t < p->n_theta; t++) theta[t][l] = place[l % 2]->theta[t];
    }
    joint_evaluate(p->chi2, work->scratch, form, theta, NULL, &value);
    for (size_t f = 0; f < p->n_form; f++) {
        known[f] = false;
        for (size_t l = 0; l < CEV_LANES; l++) known[f] |= gradient[f][l] != 0 || isnan(gradient[f][l]);
    }
}

/* Live forms, and which parameters move one of them, at one of two places. */
static void find_live(joint_problem *p, joint_work *work, const joint_place *const *place, bool *idle)
{
    bool known[JOINT_MAX_FORMS], moved[JOINT_MAX_FORMS] = {false};
    find_known_forms(p, work, place, known);
    p->n_live = p->n_form;
    for (size_t f = 0; f < p->n_form; f++) p->live[f] = f;
    for (size_t k = 0; k < 6; k++) {
        double z[JOINT_MAX_FREE];
        for (size_t a = 0; a < p->n; a++) z[a] = spread(k, a);
        ask_slopes(p, work, place[k % 2], z, work->slope);
        for (size_t a = 0; a < p->n; a++)
            for (size_t f = 0; f < p->n_form; f++) {
                if (!known[f] || work->slope[a * p->n_form + f] == 0) continue;
                moved[f] = true;
                idle[p->of[a]] = false;
            }
    }
    p->n_live = 0;
    for (size_t f = 0; f < p->n_form; f++)
        if (moved[f]) p->live[p->n_live++] = f;
}

/* Those that are not zero at one of two places, with their values at the first. */
static bool keep_bends(joint_problem *p, joint_work *work, const joint_place *place, const joint_place *other)
{
    const double zero[JOINT_MAX_FREE] = {0};
    double own[2][CEV_MAX_THETA][JOINT_MAX_FREE], bend[JOINT_MAX_FREE][JOINT_MAX_FREE][2][JOINT_MAX_FORMS];
    for (int k = 0; k < 2; k++) {
        const joint_place *at = k ? other : place;
        const double(*carry)[JOINT_MAX_FREE] = carry_at(p, work, at, zero, own[k]);
        joint_form_derivatives(p->chi2, at->theta, p->n_carrier, p->carrier, work->first, work->second);
        for (size_t a = 0; a < p->n; a++)
            for (size_t b = 0; b <= a; b++) ask_bend(p, work, at, zero, a, b, carry, bend[a][b][k]);
    }
    p->n_bend = 0;
    for (size_t a = 0; a < p->n; a++)
        for (size_t b = 0; b <= a; b++)
            for (size_t f = 0; f < p->n_live; f++) {
                if (bend[a][b][0][f] == 0 && bend[a][b][1][f] == 0) continue;
                if (p->n_bend == JOINT_MAX_BENDS) return false;
                p->bend[p->n_bend++] = (joint_bend){.a = a, .b = b, .f = f, .value = bend[a][b][0][f]};
            }
    return true;
}

/* Sum of the sizes of all terms of the expansion, of each live form: what rounding is relative to. */
static void size_terms(const joint_problem *p, const joint_place *place, const double *z, double *size)
{
    for (size_t f = 0; f < p->n_live; f++) {
        size[f] = fabs(place->form[p->live[f]]);
        for (size_t a = 0; a < p->n; a++) size[f] += fabs(z[a] * place->slope[a * p->n_live + f]);
    }
    for (size_t k = 0; k < p->n_bend; k++)
        size[p->bend[k].f] += fabs(place->bend[k] * z[p->bend[k].a] * z[p->bend[k].b]);
}

/* Whether the expansion about the middle gives the forms elsewhere, at this place. */
static bool expansion_holds(joint_problem *p, joint_work *work, joint_place *place)
{
    bool holds = true;
    joint_place_open(p, work, place->theta, place);
    for (size_t k = 0; k < 5; k++) {
        double z[JOINT_MAX_FREE], expanded[JOINT_MAX_FORMS], exact[JOINT_MAX_FORMS], size[JOINT_MAX_FORMS];
        for (size_t a = 0; a < p->n; a++) z[a] = spread(k, a);
        joint_live_forms(p, work, place, z, expanded);
        ask_forms(p, work, place, z, exact);
        size_terms(p, place, z, size);
        for (size_t f = 0; f < p->n_live; f++) holds &= fabs(expanded[f] - exact[p->live[f]]) <= quadratic_to * size[f];
    }
    return holds;
}

/* Whether formulas are linear in z at a place. */
static bool is_affine(joint_problem *p, joint_work *work, const joint_place *place)
{
    double carry[CEV_MAX_THETA][JOINT_MAX_FREE], middle[CEV_MAX_THETA], theta[CEV_MAX_THETA];
    const double zero[JOINT_MAX_FREE] = {0};
    bool is = true;
    joint_theta(p, work, place, zero, middle);
    carry_across(p, work, place, carry);
    for (size_t k = 0; k < 5; k++) {
        double z[JOINT_MAX_FREE];
        for (size_t a = 0; a < p->n; a++) z[a] = spread(k, a);
        joint_theta(p, work, place, z, theta);
        for (size_t c = 0; c < p->n_carrier; c++) {
            double x = middle[p->carrier[c]], size = fabs(x);
            for (size_t a = 0; a < p->n; a++) {
                x += carry[c][a] * z[a];
                size += fabs(carry[c][a]);
            }
            is &= fabs(theta[p->carrier[c]] - x) <= affine_to * size;
        }
    }
    return is;
}

static bool expands_at(joint_problem *p, joint_work *work, joint_place *place, joint_place *other)
{
    return expansion_holds(p, work, place) && expansion_holds(p, work, other);
}

void joint_problem_refresh(joint_problem *p, joint_work *work, const double *theta)
{
    bool idle[JOINT_MAX_FREE] = {false};
    joint_place *place = work->place;
    p->quadratic = p->expands = p->affine = false;
    choose_free(p, idle);
    joint_place_open(p, work, theta, place);
    for (size_t k = 0; k < p->n_all; k++) idle[k] = true;
    joint_place other = *place;
    for (size_t t = 0; t < p->n_theta; t++) /* somewhere else in the scan: here, couplings may be zero */
        if (!is_carrier(p, t) && !cev_roster_is_slow(p->roster, t)) other.theta[t] = 1.0625 * other.theta[t] + 0.03;
    find_live(p, work, (const joint_place *const[]){place, &other}, idle);
    choose_free(p, idle);
    p->affine = p->has_formulas && is_affine(p, work, place) && is_affine(p, work, &other);
    joint_theta(p, work, &other, (const double[JOINT_MAX_FREE]){0}, other.theta);
    if (!keep_bends(p, work, place, &other)) return;
    p->expands = p->quadratic = true;
    if (expands_at(p, work, place, &other)) return;
    p->quadratic = false;
    p->expands = expands_at(p, work, place, &other);
}

/* --- from beginning to end --------------------------------------------------------------------------------------- */

static cev_status refuse_given_followers(const joint_problem *p)
{
    for (size_t k = 0; k < p->n_given; k++)
        if (is_carrier(p, p->given[k]))
            return cev_fail(CEV_E_INPUT, "pull %s follows a parameter that is profiled; give it a value or an axis",
                            cev_roster_parameter(p->roster, p->given[k])->name);
    return CEV_OK;
}

cev_status joint_problem_create(cev_arena *arena, const joint_chi2 *chi2, const cev_roster *roster, size_t n_more,
                                const joint_free *more, joint_problem **out)
{
    const bool idle[JOINT_MAX_FREE] = {false};
    joint_problem *p;
    CEV_TRY(cev_new(arena, 1, &p));
    p->chi2 = chi2;
    p->roster = roster;
    p->n_theta = cev_roster_n(roster);
    p->n_form = joint_n_form(chi2);
    p->n_variable = joint_n_variable(chi2);
    for (size_t g = 0; g < roster->n_guest; g++)
        if (roster->guest[g].kind == CEV_GUEST_PULL) p->given[p->n_given++] = roster->interaction->card.n_parameter + g;
    for (size_t k = 0; k < roster->n_profiled; k++)
        p->all[p->n_all++] = (joint_free){.index = roster->profiled[k].index,
                                          .low = roster->profiled[k].low,
                                          .high = roster->profiled[k].high};
    for (size_t k = 0; k < n_more; k++) p->all[p->n_all++] = more[k];
    joint_settle(p);
    choose_free(p, idle);
    *out = p;
    return refuse_given_followers(p);
}
