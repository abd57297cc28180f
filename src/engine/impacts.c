/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/impacts.h"

#include <math.h>
#include <string.h>

#include "model_parts.h"
#include "units_parts.h"

enum { MOST_STEPS = 40 };
#define RISE 1.0            /* of chi2, at the ends of a pull's range */
#define RISE_TOLERANCE 1e-6 /* of RISE */

/* One roster's fits: its own units, since a pull that is held makes another model. */
typedef struct rig {
    cev_grid grid;
    cev_units *units;
    cev_combination *combination;
    cev_units_scratch *scratch;
} rig;

static void close_rig(rig *r)
{
    cev_units_scratch_destroy(&r->scratch);
    cev_combination_destroy(&r->combination);
    cev_units_destroy(&r->units);
}

static cev_status open_rig(const cev_impact_problem *problem, const cev_roster *roster, const double *theta, rig *out)
{
    double truth[CEV_MAX_THETA] = {0}; /* a pull that is held has the truth 0 */
    memcpy(truth, problem->truth, cev_roster_n(problem->roster) * sizeof *truth);
    *out = (rig){.grid = {.n_point = 1, .n_tile = 1}};
    cev_scan_job job = {.grid = &out->grid};
    memcpy(job.theta, theta, cev_roster_n(roster) * sizeof *theta);
    CEV_TRY(cev_units_create(1, problem->set, roster, theta, &out->units));
    CEV_TRY(cev_combination_create(out->units, &job, truth, false, &out->combination));
    return cev_units_scratch_create(out->units, &out->scratch);
}

static cev_status fit(rig *r, const double *theta, cev_fitted_point *out)
{
    return cev_combination_fit_point(r->combination, r->scratch, 0, theta, 0, out);
}

/* --- the best fit ----------------------------------------------------------------------------------------------- */

/* Those of one unit after the other. */
static cev_status gather_pulls(cev_arena *arena, const rig *r, cev_impact_fit *out)
{
    size_t most = 0;
    const char **name;
    double *sigma, *pull;
    for (size_t u = 0; u < r->units->n_unit; u++) most += cev_model_n_pull(r->units->unit[u].model);
    CEV_TRY(cev_new(arena, most, &name));
    CEV_TRY(cev_new(arena, most, &sigma));
    CEV_TRY(cev_new(arena, most, &pull));
    out->name = name;
    out->sigma = sigma;
    out->pull = pull;
    for (size_t u = 0; u < r->units->n_unit; u++) {
        const cev_model *model = r->units->unit[u].model;
        cev_point_report report;
        CEV_TRY(
            cev_model_explain(arena, model, cev_combination_unit_job(r->combination, u)->data, out->at.theta, &report));
        for (size_t p = 0; p < cev_model_n_pull(model); p++) {
            if (cev_roster_index(&r->units->roster, cev_model_pull_name(model, p)) < cev_roster_n(&r->units->roster))
                continue; /* given */
            name[out->n_pull] = cev_model_pull_name(model, p);
            sigma[out->n_pull] = cev_model_pull_sigma(model, p);
            pull[out->n_pull++] = report.pull[p];
        }
    }
    return CEV_OK;
}

static cev_status fit_with_rig(cev_arena *arena, rig *r, const double *theta, cev_impact_fit *out)
{
    CEV_TRY(fit(r, theta, &out->at));
    if (out->at.status != CEV_POINT_OK) return cev_fail(CEV_E_NUMERIC, "there is no best fit: chi2 is nowhere finite");
    cev_combination_fold(r->combination, out->at.theta);
    return gather_pulls(arena, r, out);
}

cev_status cev_impact_best_fit(cev_arena *arena, const cev_impact_problem *problem, cev_impact_fit *out)
{
    rig r;
    *out = (cev_impact_fit){.n_pull = 0};
    cev_status status = open_rig(problem, problem->roster, problem->theta, &r);
    if (status == CEV_OK) status = fit_with_rig(arena, &r, problem->theta, out);
    close_rig(&r);
    return status;
}

/* --- one pull --------------------------------------------------------------------------------------------------- */

/* What a pull's experiments allow it to be. */
static void bounds_of(const cev_fit_set *set, const char *name, double *low, double *high)
{
    *low = -INFINITY;
    *high = INFINITY;
    for (size_t e = 0; e < set->n_experiment; e++)
        for (size_t k = 0; k < set->experiment[e]->n_pull; k++) {
            const cev_pull *pull = &set->experiment[e]->pull[k];
            if (strcmp(pull->name, name) || !pull->bounded) continue;
            *low = pull->minimum;
            *high = pull->maximum;
        }
}

/* Fits with the pull held `distance` away from where it is best, on one side. */
typedef struct side {
    rig *r;
    const cev_impact_fit *fit;
    double theta[CEV_MAX_THETA], best, sign, low, high;
    size_t held; /* index of the pull in theta */
    cev_fitted_point at;
} side;

static cev_status rise_at(side *s, double distance, double *rise)
{
    double value = s->best + s->sign * distance;
    *rise = INFINITY;
    if (value < s->low || value > s->high) return CEV_OK;
    s->theta[s->held] = value;
    CEV_TRY(fit(s->r, s->theta, &s->at));
    *rise = s->at.status == CEV_POINT_OK ? fmax(s->at.chi2 - s->fit->at.chi2, 0) : INFINITY;
    return CEV_OK;
}

/* Where chi2 has risen by one: the root of it is nearly linear in the distance, and a bracket holds what is not.
 * *distance: NaN if there is no such place. */
static cev_status find_end(side *s, double first, double *distance)
{
    double low = 0, high = INFINITY, d = first, rise = 0;
    for (int step = 0; step < MOST_STEPS; step++) {
        CEV_TRY(rise_at(s, d, &rise));
        if (fabs(rise - RISE) <= RISE_TOLERANCE) break;
        if (rise < RISE)
            low = d;
        else
            high = d;
        double next = rise > 0 && isfinite(rise) ? d * sqrt(RISE / rise) : 2 * d;
        if (isinf(high))
            next = fmin(next, 4 * d);
        else if (!(next > low && next < high))
            next = 0.5 * (low + high);
        if (next == d || (isfinite(high) && high - low <= 1e-12 * high)) break;
        d = next;
    }
    *distance = fabs(rise - RISE) <= 1e-3 ? d : NAN;
    return CEV_OK;
}

static cev_status look_at_sides(rig *r, const cev_impact_problem *problem, const cev_impact_fit *fit, size_t p,
                                size_t index, cev_impact *out)
{
    double first = fit->sigma[p] > 0 ? fit->sigma[p] : 0.1;
    for (int k = 0; k < 2; k++) {
        double *distance = k == 0 ? &out->down : &out->up;
        side s = {.r = r, .fit = fit, .best = fit->pull[p], .sign = k == 0 ? -1 : 1};
        s.held = cev_roster_n(problem->roster);
        bounds_of(problem->set, fit->name[p], &s.low, &s.high);
        memcpy(s.theta, problem->theta, s.held * sizeof *s.theta);
        CEV_TRY(find_end(&s, first, distance));
        out->moved[k] = isnan(*distance) ? NAN : s.at.theta[index] - fit->at.theta[index];
        memcpy(out->theta[k], s.at.theta, s.held * sizeof *s.at.theta);
        out->at_bound[k] = (s.at.flags & CEV_FLAG_AT_BOUND) != 0;
    }
    return CEV_OK;
}

cev_status cev_impact_of(const cev_impact_problem *problem, const cev_impact_fit *fit, size_t p, size_t index,
                         cev_impact *out)
{
    const cev_roster *roster = problem->roster;
    cev_guest guest[CEV_MAX_GUESTS];
    double theta[CEV_MAX_THETA];
    cev_roster held = *roster;
    rig r;
    *out = (cev_impact){.down = NAN, .up = NAN, .moved = {NAN, NAN}};
    if (roster->n_guest == CEV_MAX_GUESTS)
        return cev_fail(CEV_E_INPUT, "more than %d parameters beside those of the interaction", CEV_MAX_GUESTS - 1);
    if (roster->n_guest) memcpy(guest, roster->guest, roster->n_guest * sizeof *guest);
    guest[held.n_guest++] = (cev_guest){.kind = CEV_GUEST_PULL,
                                        .parameter = {.name = fit->name[p],
                                                      .unit = "",
                                                      .label = "",
                                                      .help = "a pull",
                                                      .minimum = -INFINITY,
                                                      .maximum = INFINITY}};
    held.guest = guest;
    memcpy(theta, problem->theta, cev_roster_n(roster) * sizeof *theta);
    theta[cev_roster_n(roster)] = fit->pull[p];
    cev_status status = open_rig(problem, &held, theta, &r);
    if (status == CEV_OK) status = look_at_sides(&r, problem, fit, p, index, out);
    close_rig(&r);
    return status;
}
