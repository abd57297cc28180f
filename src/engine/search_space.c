/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "search_space.h"

#include <math.h>
#include <string.h>

#include "model_parts.h"
#include "scan_theta.h"
#include "units_parts.h"

enum { FITS_UNASKED = 32 }; /* blocks; a block takes 10 to 100 microseconds */

const cev_axis *search_axis(const search_space *space, size_t axis)
{
    return &cev_combination_job(space->c)->grid->axis[axis];
}

/* Doubles the boxes: the branches of axis d. */
static void split_branches(search_space *s, size_t d)
{
    const cev_axis *axis = search_axis(s, s->axis[d]);
    size_t half = axis->n / 2;
    for (size_t b = 0; b < s->n_box; b++) {
        s->box[s->n_box + b] = s->box[b];
        s->box[b].end[d][1] = axis->value[half - 1];
        s->box[s->n_box + b].end[d][0] = axis->value[half];
    }
    s->n_box *= 2;
}

static void lay_boxes(search_space *s)
{
    s->n_box = 1;
    for (size_t d = 0; d < s->n; d++) {
        const cev_axis *axis = search_axis(s, s->axis[d]);
        for (size_t b = 0; b < s->n_box; b++) {
            s->box[b].end[d][0] = axis->value[0];
            s->box[b].end[d][1] = axis->value[axis->n - 1];
        }
        if (axis->scale == CEV_SCALE_SIGNED_LOG) split_branches(s, d);
    }
}

void search_space_open(const cev_combination *c, size_t member, search_space *out)
{
    const cev_scan_job *job = cev_combination_job(c);
    const cev_roster *roster = &cev_combination_units(c)->roster;
    *out = (search_space){.c = c, .member = member, .n_parameter = cev_roster_n(roster)};
    memcpy(out->theta, job->theta, cev_roster_n(roster) * sizeof *out->theta);
    for (size_t a = 0; a < job->grid->n_axis; a++) {
        size_t p = cev_scan_job_parameter(job, a, &member);
        if (p == CEV_NO_PARAMETER) continue;
        if (cev_roster_is_slow(roster, p)) {
            out->theta[p] = job->grid->axis[a].value[0];
            out->slow_axis[out->n_slow] = a;
            out->slow_parameter[out->n_slow++] = p;
        } else {
            out->axis[out->n] = a;
            out->parameter[out->n++] = p;
        }
    }
    lay_boxes(out);
}

/* The axis with nothing but the ends of a branch: its scale runs between them. */
static cev_axis branch_of(const search_space *space, size_t box, size_t d)
{
    const cev_axis *axis = search_axis(space, space->axis[d]);
    return (cev_axis){.scale = axis->scale,
                      .n = 2,
                      .value = space->box[box].end[d],
                      .linear_threshold = axis->linear_threshold};
}

double search_value(const search_space *space, const search_place *place, size_t d)
{
    cev_axis branch = branch_of(space, place->box, d);
    return fmin(fmax(cev_axis_at(&branch, place->u[d]), branch.value[0]), branch.value[1]);
}

static double coordinate_of(const cev_axis *branch, double value)
{
    double low = branch->value[0], high = branch->value[1], threshold = 2 * branch->linear_threshold, u;
    switch (branch->scale) {
    case CEV_SCALE_LOG:
    case CEV_SCALE_SIGNED_LOG: u = log(value / low) / log(high / low); break;
    case CEV_SCALE_SYMLOG:
        u = (asinh(value / threshold) - asinh(low / threshold)) / (asinh(high / threshold) - asinh(low / threshold));
        break;
    default: u = (value - low) / (high - low);
    }
    return fmin(fmax(u, 0), 1);
}

void search_place_of(const search_space *space, const double *at, search_place *out)
{
    *out = (search_place){.chi2 = INFINITY};
    for (size_t d = 0; d < space->n; d++)
        while (at[space->axis[d]] < space->box[out->box].end[d][0] ||
               at[space->axis[d]] > space->box[out->box].end[d][1])
            if (++out->box == space->n_box) {
                out->box = 0; /* in the gap between branches: no place has this value */
                break;
            }
    for (size_t d = 0; d < space->n; d++) {
        cev_axis branch = branch_of(space, out->box, d);
        out->u[d] = coordinate_of(&branch, at[space->axis[d]]);
    }
}

void search_place_values(const search_space *space, const search_place *place, double *at)
{
    for (size_t d = 0; d < space->n; d++) at[space->axis[d]] = search_value(space, place, d);
}

/* Of searched parameter d, in some branch. */
static bool is_in_range(const search_space *space, size_t d, double value)
{
    for (size_t b = 0; b < space->n_box; b++) {
        const double *end = space->box[b].end[d];
        if (value >= fmin(end[0], end[1]) && value <= fmax(end[0], end[1])) return true;
    }
    return false;
}

static bool is_on_slow_axis(const search_space *space, size_t d, double value)
{
    const cev_axis *axis = search_axis(space, space->slow_axis[d]);
    return value >= axis->value[0] && value <= axis->value[axis->n - 1];
}

static bool contains(const search_space *space, size_t p, double value)
{
    const cev_roster *roster = &cev_combination_units(space->c)->roster;
    for (size_t k = 0; k < roster->n_profiled; k++)
        if (roster->profiled[k].index == p)
            return value >= roster->profiled[k].low && value <= roster->profiled[k].high;
    for (size_t d = 0; d < space->n; d++)
        if (space->parameter[d] == p) return is_in_range(space, d, value);
    for (size_t d = 0; d < space->n_slow; d++)
        if (space->slow_parameter[d] == p) return is_on_slow_axis(space, d, value);
    return cev_same_value(space->theta[p], value);
}

/* Constraints of what is profiled, or of anything else, cost nothing there. */
static bool is_free_of_charge(const cev_roster *roster, const double *theta)
{
    bool is = true;
    for (size_t k = 0; k < roster->n_constraint; k++)
        is &= theta[roster->constraint[k].index] == roster->constraint[k].centre;
    return is;
}

bool search_space_contains(const search_space *space, const double *theta)
{
    const cev_roster *roster = &cev_combination_units(space->c)->roster;
    if (roster->n_follower || !is_free_of_charge(roster, theta)) return false;
    for (size_t p = 0; p < space->n_parameter; p++)
        if (!contains(space, p, theta[p])) return false;
    return true;
}

cev_status search_ask(searcher *s)
{
    s->unasked = 0;
    if (s->stop && s->stop(s->context)) return cev_fail(CEV_E_STOPPED, "the search for a best fit was asked to stop");
    return CEV_OK;
}

/* Places first .. first + CEV_LANES - 1 of [n], the last one repeated beyond the end. */
static void fill_theta(const searcher *s, size_t n, const search_place *place, size_t first, cev_lanes *theta)
{
    const search_space *space = s->space;
    cev_theta_broadcast(space->n_parameter, space->theta, theta);
    for (size_t l = 0; l < CEV_LANES; l++) {
        const search_place *here = &place[first + l < n ? first + l : n - 1];
        for (size_t d = 0; d < space->n; d++) theta[space->parameter[d]][l] = search_value(space, here, d);
    }
    cev_followers_apply(&cev_combination_units(space->c)->roster, s->scratch->followers, theta);
}

static double finite_or_infinite(const cev_lanes *chi2, const cev_lanes_mask *status, size_t lane)
{
    return (*status)[lane] == CEV_POINT_OK && isfinite((*chi2)[lane]) ? (*chi2)[lane] : INFINITY;
}

cev_status search_evaluate(searcher *s, size_t set, size_t n, search_place *place)
{
    cev_lanes theta[CEV_MAX_THETA], chi2;
    cev_lanes_mask status;
    for (size_t first = 0; first < n; first += CEV_LANES) {
        fill_theta(s, n, place, first, theta);
        cev_combination_point(s->space->c, s->scratch, set, theta, &chi2, &status);
        for (size_t l = 0; l < CEV_LANES && first + l < n; l++)
            place[first + l].chi2 = finite_or_infinite(&chi2, &status, l);
        s->unasked += cev_units_n_of_set(cev_combination_units(s->space->c), set);
        if (s->unasked >= FITS_UNASKED) CEV_TRY(search_ask(s));
    }
    return CEV_OK;
}

double search_penalty(const searcher *s, const search_place *place)
{
    double theta[CEV_MAX_THETA];
    const cev_roster *roster = &cev_combination_units(s->space->c)->roster;
    if (!roster->n_constraint) return 0;
    memcpy(theta, s->space->theta, s->space->n_parameter * sizeof *theta);
    for (size_t d = 0; d < s->space->n; d++) theta[s->space->parameter[d]] = search_value(s->space, place, d);
    cev_followers_apply_one(roster, s->scratch->followers, theta);
    return cev_roster_penalty(roster, theta);
}

cev_status search_evaluate_unit(searcher *s, size_t u, size_t n, const search_place *place, double *chi2)
{
    cev_lanes theta[CEV_MAX_THETA], block;
    cev_lanes_mask status;
    for (size_t first = 0; first < n; first += CEV_LANES) {
        fill_theta(s, n, place, first, theta);
        cev_combination_unit_point(s->space->c, s->scratch, u, theta, &block, &status);
        for (size_t l = 0; l < CEV_LANES && first + l < n; l++)
            chi2[first + l] = finite_or_infinite(&block, &status, l);
        if (++s->unasked >= FITS_UNASKED) CEV_TRY(search_ask(s));
    }
    return CEV_OK;
}
