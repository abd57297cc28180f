/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "joint_convex.h"

#include <math.h>
#include <string.h>

#include "model_parts.h"
#include "units_parts.h"

enum { HALVINGS = 60, CHECKED = 200 };

/* --- Poisson counts ----------------------------------------------------------------------------------------------- */

/* The most that Neyman's chi2 is where the Poisson one is e, of counts of at least `least`: all of it in one such bin,
 * as it grows faster than in proportion, and the more the fewer counts there are. */
static double most_of_neyman(double e, double least)
{
    double low = 0, high = 2 + e / least; /* x of N = (1 + x) D; 2 [x - ln(1 + x)] D = e, from above */
    while (2 * least * (high - log1p(high)) < e) high *= 2;
    for (int k = 0; k < HALVINGS; k++) {
        double x = 0.5 * (low + high);
        *(2 * least * (x - log1p(x)) < e ? &low : &high) = x;
    }
    return least * high * high;
}

/* Whether the condition holds wherever chi2 <= u; with some room, as few A are looked at. */
static bool is_convex_below(double u, double s, double least)
{
    for (int k = 0; k < CHECKED; k++) {
        double y = sqrt(u) * k / CHECKED, next = sqrt(u) * (k + 1) / CHECKED; /* |A|/s, from one to the next */
        double left = most_of_neyman(u - y * y, least) + next * next, room = 1 / s - 2 * next;
        if (room < 0 || left > room * room) return false;
    }
    return true;
}

double joint_convex_below(double s, double least)
{
    double low = 0, high = 1 / (9 * s * s);
    if (!(least > 0)) return 0;
    /* Neyman's chi2 is at most three times the Poisson one up to N = 4.37 D: the limit is that of Gaussian counts. */
    if (2 * least * (3.37 - log1p(3.37)) >= high) return high;
    for (int k = 0; k < HALVINGS; k++) {
        double u = 0.5 * (low + high);
        *(is_convex_below(u, s, least) ? &low : &high) = u;
    }
    return low;
}

/* --- pulls -------------------------------------------------------------------------------------------------------- */

static double weight_on_signal(const cev_pull *pull)
{
    double weight = 0;
    for (size_t k = 0; k < pull->n_component; k++)
        if (pull->component[k] == CEV_COMPONENT_SIGNAL) weight += pull->weight ? pull->weight[k] : 1;
    return weight;
}

static bool is_given(const cev_roster *roster, const cev_pull *pull)
{
    bool given = false;
    for (size_t g = 0; g < roster->n_guest; g++)
        given |= roster->guest[g].kind == CEV_GUEST_PULL && !strcmp(roster->guest[g].parameter.name, pull->name);
    return given;
}

/* Whether counts are linear in the pull, its constraint convex, and Gaussian where it moves a signal. */
static bool is_simple(const cev_roster *roster, const cev_pull *pull)
{
    if (pull->up || pull->n_part) return false;
    if (weight_on_signal(pull) == 0) return pull->constraint != CEV_CONSTRAINT_LOGNORMAL;
    return pull->constraint == CEV_CONSTRAINT_GAUSSIAN && !is_given(roster, pull);
}

static const cev_pull *pull_named(const cev_experiment *e, const char *name)
{
    for (size_t p = 0; p < e->n_pull; p++)
        if (cev_pull_is_there(&e->pull[p]) && !strcmp(e->pull[p].name, name)) return &e->pull[p];
    return NULL;
}

static bool covers(const cev_experiment *a, const cev_experiment *b)
{
    bool does = true;
    for (size_t p = 0; p < b->n_pull; p++) {
        double weight = weight_on_signal(&b->pull[p]);
        if (!cev_pull_is_there(&b->pull[p]) || weight == 0) continue;
        const cev_pull *own = pull_named(a, b->pull[p].name);
        does &= own && weight_on_signal(own) == weight;
    }
    return does;
}

/* --- units -------------------------------------------------------------------------------------------------------- */

typedef struct about {
    bool simple;   /* its channels have one scale, of simple pulls */
    bool gaussian; /* all constraints are Gaussian, or there are none */
    double s;      /* of the scale; not less than it is where pulls are correlated */
    double least;  /* of its Poisson counts */
} about;

static void look_at_pulls(const cev_roster *roster, const cev_experiment *e, about *of)
{
    double sum = 0, squares = 0;
    for (size_t p = 0; p < e->n_pull; p++) {
        const cev_pull *pull = &e->pull[p];
        if (!cev_pull_is_there(pull)) continue;
        of->simple &= is_simple(roster, pull) && !(pull->bounded && roster->n_correlation);
        of->gaussian &= pull->constraint == CEV_CONSTRAINT_GAUSSIAN || pull->constraint == CEV_CONSTRAINT_NONE;
        double x = weight_on_signal(pull) == 0 ? 0 : fabs(weight_on_signal(pull)) * pull->sigma;
        sum += x;
        squares += x * x;
    }
    of->s = fmax(of->s, roster->n_correlation ? sum : sqrt(squares));
}

static about look_at(const cev_roster *roster, const unit *u, const cev_data *data)
{
    about of = {.simple = true, .gaussian = true, .least = INFINITY};
    bool has_given = false;
    for (size_t e = 0; e < u->n; e++) {
        const cev_experiment *x = u->experiment[e];
        of.simple &= covers(x, u->experiment[0]) && covers(u->experiment[0], x);
        look_at_pulls(roster, x, &of);
        for (size_t p = 0; p < x->n_pull; p++) has_given |= is_given(roster, &x->pull[p]);
        for (size_t i = 0; i < x->bins.n_bin && !x->variance; i++) of.least = fmin(of.least, data->counts[e][i]);
    }
    of.simple &= !(has_given && roster->n_correlation);
    return of;
}

static bool constrains_profiled(const cev_roster *roster)
{
    bool does = false;
    for (size_t k = 0; k < roster->n_constraint; k++)
        for (size_t p = 0; p < roster->n_profiled; p++)
            does |= roster->constraint[k].index == roster->profiled[p].index;
    return does;
}

joint_convex joint_convex_of(const cev_units *units, size_t set, const cev_data *const *data)
{
    const set_units *in = &units->set[set];
    joint_convex all = {.below = INFINITY, .gap_times = 1};
    for (size_t k = 0; k < in->n; k++) {
        about of = look_at(&units->roster, &units->unit[in->unit[k]], data[in->unit[k]]);
        if (!of.simple) return (joint_convex){.below = 0, .gap_times = 1};
        if (of.s == 0) continue; /* chi2 is convex */
        if (in->n == 1 && !constrains_profiled(&units->roster))
            return (joint_convex){.below = 0.25 / (of.s * of.s), .gap_times = 3};
        all.below = fmin(all.below, of.gaussian ? joint_convex_below(of.s, of.least) : 0);
    }
    return all;
}
