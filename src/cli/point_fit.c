/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "point_fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/best_fits.h"
#include "command.h"
#include "profiled_text.h"

/* --- fits ------------------------------------------------------------------------------------------------------- */

/* The selection's experiments as the only set of a family. */
typedef struct family {
    cev_units *units;
    cev_combination *combination;
    cev_units_scratch *scratch;
} family;

/* A scan file that scans nothing has one point. */
static cev_status open_family(const selection *s, cev_grid *grid, family *out)
{
    const cev_scan_config *c = s->config;
    const cev_fit_set set = {.n_experiment = c->n_experiment, .experiment = c->experiment, .observed = c->observed};
    *grid = c->grid;
    if (grid->n_axis == 0) grid->n_point = grid->n_tile = 1;
    cev_scan_job job = {.grid = grid};
    memcpy(job.theta, c->theta, sizeof job.theta);
    memcpy(job.axis_parameter, c->axis_parameter, sizeof job.axis_parameter);
    *out = (family){NULL};
    CEV_TRY(cev_units_create(1, &set, &c->roster, c->theta, &out->units));
    CEV_TRY(cev_combination_create(out->units, &job, c->truth, false, &out->combination));
    return cev_units_scratch_create(out->units, &out->scratch);
}

static void close_family(family *f)
{
    cev_units_scratch_destroy(&f->scratch);
    cev_combination_destroy(&f->combination);
    cev_units_destroy(&f->units);
}

/* Runs a search of one set to its end. */
static cev_status search_best_fit(cev_best_fits *fits, const family *f)
{
    size_t n, set, member;
    cev_best_fit result;
    cev_status status = CEV_OK;
    while (status == CEV_OK && (n = cev_best_fits_n_item(fits)) > 0) {
        for (size_t k = 0; status == CEV_OK && k < n; k++) {
            status = cev_best_fits_look(fits, f->scratch, k, NULL, NULL, &result);
            if (status == CEV_OK) cev_best_fits_take(fits, k, &result);
        }
        if (status == CEV_OK) status = cev_best_fits_next(fits, &set, &member);
        if (status == CEV_E_NUMERIC) status = cev_combination_blame(f->combination, set, member);
    }
    return status;
}

/* chi2 that delta_chi2 counts from; none where there are several best fits, none of which is that of this point. */
static cev_status find_reference(const selection *s, const family *f, double *chi2)
{
    const cev_scan_config *c = s->config;
    const bool observed = c->data != CEV_DATA_ASIMOV;
    cev_best_fits *fits = NULL;
    *chi2 = observed ? NAN : 0;
    if (c->grid.n_axis == 0 || c->member_parameter) return CEV_OK;
    CEV_TRY(cev_best_fits_create(f->combination, 1, c->truth, &observed, &fits));
    cev_status status = search_best_fit(fits, f);
    if (status == CEV_OK) *chi2 = cev_best_fits_get(fits, 0, 0)->chi2;
    cev_best_fits_destroy(&fits);
    return status;
}

static cev_status find_minimum(selection *s, const family *f, point_fit *out)
{
    CEV_TRY(cev_combination_fit_point(f->combination, f->scratch, 0, s->theta, 0, &out->at));
    cev_flat_directions_of(&s->config->roster, &out->at, &out->flat);
    if (!cev_point_failed((int)out->at.status)) memcpy(s->theta, out->at.theta, sizeof s->theta);
    return CEV_OK;
}

cev_status point_fit_of(selection *s, point_fit *out)
{
    const cev_scan_config *c = s->config;
    family f = {NULL};
    cev_grid grid;
    *out = (point_fit){.is_profiled = c->roster.n_profiled > 0, .degrees = cev_scan_degrees(c)};
    out->degrees.n_scanned = 0;
    out->reference = c->data == CEV_DATA_ASIMOV ? 0 : NAN;
    if (!out->is_profiled && c->grid.n_axis == 0) return CEV_OK;
    cev_status status = open_family(s, &grid, &f);
    if (status == CEV_OK && out->is_profiled) status = find_minimum(s, &f, out);
    if (status == CEV_OK) status = find_reference(s, &f, &out->reference);
    close_family(&f);
    return status;
}

/* --- text ------------------------------------------------------------------------------------------------------- */

static bool is_at(double value, double bound, const cev_profiled *p)
{
    return fabs(value - bound) <= 1e-9 * (p->high - p->low);
}

static void print_profiled(const selection *s)
{
    const cev_roster *roster = &s->config->roster;
    printf("%-32s %14s %25s\n", "profiled", "value", "bounds");
    for (size_t k = 0; k < roster->n_profiled; k++) {
        const cev_profiled *p = &roster->profiled[k];
        double value = s->theta[p->index];
        char bounds[64];
        snprintf(bounds, sizeof bounds, "%.6g to %.6g", p->low, p->high);
        printf("%-32s %14.6e %25s%s\n", cev_roster_parameter(roster, p->index)->name, value, bounds,
               is_at(value, p->low, p) || is_at(value, p->high, p) ? "  at its bound" : "");
    }
}

static void print_proof(const selection *s, const point_fit *fit)
{
    const cev_roster *roster = &s->config->roster;
    char text[CEV_FLAT_DIRECTIONS_SIZE];
    if (fit->at.flags & CEV_FLAG_PROVEN)
        printf("the minimum is proven to be global");
    else
        printf("the minimum is the lowest of those found, and not proven");
    if (fit->at.lower_bound > 0) printf("; chi2 cannot be below %.9g", fit->at.lower_bound);
    printf("\n");
    cev_flat_directions_text(roster, &fit->flat, text, sizeof text);
    if (*text) printf("at this point, %s\n", text);
}

static double constraint_chi2(const selection *s, const cev_constraint *c)
{
    double pull = (s->theta[c->index] - c->centre) / c->sigma;
    return pull * pull;
}

static void print_constraints(const selection *s)
{
    const cev_roster *roster = &s->config->roster;
    if (roster->n_constraint) printf("%-32s %14s %25s %10s\n", "constraint", "value", "centre and sigma", "chi2");
    for (size_t k = 0; k < roster->n_constraint; k++) {
        const cev_constraint *c = &roster->constraint[k];
        char text[64];
        snprintf(text, sizeof text, "%.6g +- %.6g", c->centre, c->sigma);
        printf("%-32s %14.6e %25s %10.6g\n", cev_roster_parameter(roster, c->index)->name, s->theta[c->index], text,
               constraint_chi2(s, c));
    }
    if (roster->n_constraint) printf("\n");
}

/* The rule of a follower, as its scan has it. */
static void rule_text(const cev_roster *roster, const cev_follower *f, char *out, size_t size)
{
    if (f->formula)
        snprintf(out, size, "= %s", f->formula);
    else if (f->times == 1)
        snprintf(out, size, "= %s", cev_roster_parameter(roster, f->of)->name);
    else
        snprintf(out, size, "= %.10g*%s", f->times, cev_roster_parameter(roster, f->of)->name);
}

static bool is_own(const cev_roster *roster, size_t p)
{
    size_t n = roster->interaction->card.n_parameter;
    return p >= n && roster->guest[p - n].kind == CEV_GUEST_OWN;
}

static const cev_follower *follower_of(const cev_roster *roster, size_t p)
{
    for (size_t k = 0; k < roster->n_follower; k++)
        if (roster->follower[k].index == p) return &roster->follower[k];
    return NULL;
}

static bool is_profiled(const cev_roster *roster, size_t p)
{
    for (size_t k = 0; k < roster->n_profiled; k++)
        if (roster->profiled[k].index == p) return true;
    return false;
}

/* Parameters of one's own are nowhere else; where a follower is, is not to be read off what is set. */
static void print_own_and_followers(const selection *s)
{
    const cev_roster *roster = &s->config->roster;
    bool any = false;
    for (size_t p = 0; p < cev_roster_n(roster); p++) {
        const cev_follower *f = follower_of(roster, p);
        char rule[256] = "";
        if (!f && (!is_own(roster, p) || is_profiled(roster, p))) continue;
        if (f) rule_text(roster, f, rule, sizeof rule);
        if (!f && s->is_left[p]) snprintf(rule, sizeof rule, "nothing sets it: see --set");
        if (!any) printf("%-32s %14s\n", "of one's own, or following", "value");
        any = true;
        printf("%-32s %14.6e%s%s\n", cev_roster_parameter(roster, p)->name, s->theta[p], *rule ? "  " : "", rule);
    }
    if (any) printf("\n");
}

/* A chi2 of observed data can be judged. */
static double chi2_to_judge(const selection *s, double chi2)
{
    return s->config->data == CEV_DATA_OBSERVED ? chi2 : NAN;
}

void print_point_fit(const selection *s, const point_fit *fit, double chi2)
{
    if (fit->is_profiled || s->config->data != CEV_DATA_ASIMOV) {
        print_degrees(&fit->degrees, chi2_to_judge(s, chi2));
        printf("\n");
    }
    if (fit->is_profiled) {
        print_profiled(s);
        print_proof(s, fit);
        printf("\n");
    }
    print_own_and_followers(s);
    print_constraints(s);
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *profiled_json(const selection *s)
{
    const cev_roster *roster = &s->config->roster;
    json_t *all = json_object();
    for (size_t k = 0; k < roster->n_profiled; k++) {
        const cev_profiled *p = &roster->profiled[k];
        double value = s->theta[p->index];
        json_object_set_new(all, cev_roster_parameter(roster, p->index)->name,
                            json_pack("{s:o, s:[f, f], s:b}", "value", json_number(value), "bounds", p->low, p->high,
                                      "at_bound", is_at(value, p->low, p) || is_at(value, p->high, p)));
    }
    return all;
}

static json_t *constraints_json(const selection *s)
{
    const cev_roster *roster = &s->config->roster;
    json_t *all = json_object();
    for (size_t k = 0; k < roster->n_constraint; k++) {
        const cev_constraint *c = &roster->constraint[k];
        json_object_set_new(all, cev_roster_parameter(roster, c->index)->name,
                            json_pack("{s:o, s:f, s:f, s:o}", "value", json_number(s->theta[c->index]), "centre",
                                      c->centre, "sigma", c->sigma, "chi2", json_number(constraint_chi2(s, c))));
    }
    return all;
}

static json_t *followers_json(const selection *s)
{
    const cev_roster *roster = &s->config->roster;
    json_t *all = json_object();
    for (size_t k = 0; k < roster->n_follower; k++) {
        const cev_follower *f = &roster->follower[k];
        char rule[256];
        rule_text(roster, f, rule, sizeof rule);
        json_object_set_new(all, cev_roster_parameter(roster, f->index)->name,
                            json_pack("{s:o, s:o}", "value", json_number(s->theta[f->index]), "rule",
                                      json_text(rule + strlen("= "))));
    }
    return all;
}

void add_point_fit_json(const selection *s, const point_fit *fit, double chi2, json_t *json)
{
    json_t *own = degrees_json(&fit->degrees, chi2_to_judge(s, chi2));
    if (fit->is_profiled) {
        for (int f = 0; f < CEV_N_POINT_FLAGS; f++)
            json_object_set_new(own, cev_point_flag_names[f], json_boolean(fit->at.flags >> f & 1));
        json_object_set_new(own, "lower_bound", json_number(fit->at.lower_bound));
        json_object_set_new(own, "flat_directions", flat_directions_json(&s->config->roster, &fit->flat));
        json_object_set_new(json, "profiled", profiled_json(s));
    }
    if (s->config->roster.n_constraint) json_object_set_new(json, "constraints", constraints_json(s));
    if (s->config->roster.n_follower) json_object_set_new(json, "followers", followers_json(s));
    json_object_set_new(json, "fit", own);
}
