/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/influence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "neutron_radius.h"

enum { TRIED = 32, RECOILS = 4 }; /* recoils that are tried for being seen; and those that points are compared at */

/* One flavour on one nucleus. */
typedef struct scatterer {
    const cev_nucleus *nucleus;
    const cev_form_factor *form_factor;
    cev_flavour flavour;
    size_t n;
    double recoil_keV[RECOILS];
} scatterer;

struct cev_influence {
    cev_arena *arena;
    const cev_experiment *experiment;
    size_t n;
    scatterer *scatterer; /* [n], that the detector sees */
};

/* --- what the detector sees ------------------------------------------------------------------------------------- */

static bool is_seen(const cev_experiment *x, double recoil_keV, double *filled)
{
    bool seen = false;
    x->response.kind->fill(&x->response, &x->bins, recoil_keV, filled);
    for (size_t i = 0; i < x->bins.n_energy; i++) seen |= filled[i] > 0;
    return seen;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Recoils to try: spread over all that the source can give, in an order that spreads any first few of them, too; and
 * between the break points of the response, for windows that these would miss. */
typedef struct candidates {
    size_t n;
    double *share;      /* [TRIED] of the largest recoil */
    double *middle_keV; /* [n] */
    double *filled;     /* [n_energy] */
} candidates;

static cev_status list_candidates(cev_arena *arena, const cev_experiment *x, candidates *out)
{
    const size_t stride = 11; /* has no divisor with TRIED in common: every one is tried once */
    double *breaks;
    CEV_TRY(cev_new(arena, cev_response_n_breaks(&x->response, &x->bins) + 1, &breaks));
    CEV_TRY(cev_new(arena, TRIED, &out->share));
    CEV_TRY(cev_new(arena, x->bins.n_energy, &out->filled));
    for (size_t k = 0; k < TRIED; k++) out->share[k] = ((double)((k * stride + TRIED / 4) % TRIED) + 0.5) / TRIED;
    size_t n = cev_response_breaks(&x->response, &x->bins, breaks);
    qsort(breaks, n, sizeof *breaks, by_size);
    for (size_t k = 1; k < n; k++)
        if (breaks[k] > breaks[k - 1]) breaks[out->n++] = (breaks[k - 1] + breaks[k]) / 2;
    out->middle_keV = breaks;
    return CEV_OK;
}

/* Recoils of a nucleus under a component of the source that are seen; or some that are not. */
static void find_recoils(const cev_experiment *x, const cev_source_component *from, const candidates *c, bool unseen,
                         scatterer *out)
{
    double end_keV = cev_nucleus_recoil_max_keV(out->nucleus, from->energy_max_MeV);
    for (size_t k = 0; k < TRIED && out->n < RECOILS; k++)
        if (unseen || is_seen(x, end_keV * c->share[k], c->filled)) out->recoil_keV[out->n++] = end_keV * c->share[k];
    for (size_t k = 0; k < c->n && out->n < RECOILS; k++)
        if (c->middle_keV[k] > 0 && c->middle_keV[k] < end_keV && is_seen(x, c->middle_keV[k], c->filled))
            out->recoil_keV[out->n++] = c->middle_keV[k];
}

static void list_scatterers(cev_influence *f, const candidates *c, bool unseen)
{
    const cev_experiment *x = f->experiment;
    const cev_source_kind *kind = x->source.kind;
    for (size_t k = 0; k < x->target.n_nucleus; k++)
        for (size_t i = 0; i < kind->n_component; i++) {
            scatterer *s = &f->scatterer[f->n];
            *s = (scatterer){.nucleus = &x->target.nucleus[k],
                             .form_factor = &x->target.form_factor,
                             .flavour = kind->components[i].flavour};
            if (unseen || kind->fluence_per_cm2(&x->source, i) > 0) find_recoils(x, &kind->components[i], c, unseen, s);
            f->n += s->n > 0;
        }
}

/* Of an experiment that seems to see nothing at all, nothing is claimed: it is taken to see everything. */
static cev_status build(cev_influence *f)
{
    const cev_experiment *x = f->experiment;
    candidates c = {0};
    CEV_TRY(cev_arena_create(&f->arena));
    CEV_TRY(cev_new(f->arena, x->target.n_nucleus * x->source.kind->n_component, &f->scatterer));
    CEV_TRY(list_candidates(f->arena, x, &c));
    list_scatterers(f, &c, false);
    if (f->n == 0) list_scatterers(f, &c, true);
    return CEV_OK;
}

cev_status cev_influence_create(const cev_experiment *experiment, cev_influence **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->experiment = experiment;
    cev_status status = build(*out);
    if (status != CEV_OK) cev_influence_destroy(out);
    return status;
}

void cev_influence_destroy(cev_influence **influence)
{
    if (!influence || !*influence) return;
    cev_arena_destroy(&(*influence)->arena);
    free(*influence);
    *influence = NULL;
}

/* --- points ----------------------------------------------------------------------------------------------------- */

/* The terms of the cross section at one point: what templates and coefficients are made of. */
typedef struct terms {
    const cev_kinematics *kinematics[CEV_MAX_TERMS];
    double strength[CEV_MAX_TERMS][RECOILS]; /* coefficient times factor */
} terms;

static void terms_at(const scatterer *s, const cev_interaction *interaction, const double *theta, terms *out)
{
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS], coefficient[CEV_MAX_TERMS];
    cev_nucleus nucleus = cev_nucleus_at_radius(s->nucleus, cev_neutron_radius_at(interaction, theta));
    for (size_t p = 0; p < interaction->card.n_parameter; p++) block[p] = theta[p] - (cev_lanes){0};
    interaction->coefficients(&nucleus, s->flavour, block, coefficient);
    for (size_t t = 0; t < interaction->n_term; t++) {
        out->kinematics[t] = interaction->kinematics(t, theta);
        for (size_t r = 0; r < s->n; r++)
            out->strength[t][r] = coefficient[t][0] == 0
                                      ? 0
                                      : coefficient[t][0] * interaction->factor_cm2_per_keV(t, &nucleus, s->form_factor,
                                                                                            s->recoil_keV[r], theta);
    }
}

static bool terms_differ(const scatterer *s, const cev_interaction *interaction, const terms *a, const terms *b)
{
    for (size_t t = 0; t < interaction->n_term; t++)
        for (size_t r = 0; r < s->n; r++)
            if (!cev_same_value(a->strength[t][r], b->strength[t][r]) ||
                (a->strength[t][r] != 0 && a->kinematics[t] != b->kinematics[t]))
                return true;
    return false;
}

static bool scattering_differs(const scatterer *s, const cev_interaction *interaction, size_t n,
                               const double (*theta)[CEV_MAX_MODEL_PARAMETERS])
{
    terms first, other;
    terms_at(s, interaction, theta[0], &first);
    for (size_t k = 1; k < n; k++) {
        terms_at(s, interaction, theta[k], &other);
        if (terms_differ(s, interaction, &first, &other)) return true;
    }
    return false;
}

/* The flux that the scan sets in place of the source's, or NaN. */
static double flux_at(const cev_source_kind *kind, const cev_card *card, const double *theta)
{
    size_t p = kind->scan_parameter ? cev_parameter_index(card->parameters, card->n_parameter, kind->scan_parameter)
                                    : card->n_parameter;
    return p < card->n_parameter ? theta[p] : NAN;
}

/* On the way of the neutrinos: their flux, and couplings to the matter that they pass. */
static bool source_differs(const cev_source *source, const cev_interaction *interaction, const double *a,
                           const double *b)
{
    cev_quark_couplings one, other;
    if (!cev_same_value(flux_at(source->kind, &interaction->card, a), flux_at(source->kind, &interaction->card, b)))
        return true;
    if (!cev_source_feels_matter(source) || !interaction->quark_couplings) return false;
    interaction->quark_couplings(a, &one);
    interaction->quark_couplings(b, &other);
    return memcmp(&one, &other, sizeof one) != 0;
}

bool cev_influence_differs(const cev_influence *f, const cev_interaction *interaction, size_t n,
                           const double (*theta)[CEV_MAX_MODEL_PARAMETERS])
{
    for (size_t k = 1; f->n > 0 && k < n; k++)
        if (source_differs(&f->experiment->source, interaction, theta[0], theta[k])) return true;
    for (size_t s = 0; s < f->n; s++)
        if (scattering_differs(&f->scatterer[s], interaction, n, theta)) return true;
    return false;
}

/* --- one parameter ---------------------------------------------------------------------------------------------- */

enum { MOST_VALUES = 8 };

bool cev_influence_moves(const cev_influence *f, const cev_interaction *interaction, const double *theta, size_t p,
                         size_t n, const double *value)
{
    double point[MOST_VALUES][CEV_MAX_MODEL_PARAMETERS];
    if (n > MOST_VALUES) n = MOST_VALUES;
    for (size_t k = 0; k < n; k++) {
        memcpy(point[k], theta, interaction->card.n_parameter * sizeof *theta);
        point[k][p] = value[k];
    }
    return cev_influence_differs(f, interaction, n, (const double(*)[CEV_MAX_MODEL_PARAMETERS])point);
}

/* Some value that is not special, for any parameter but a choice. */
static double ordinary_value(const cev_parameter *d, size_t p)
{
    const double large = 500, step = 0.3 * (1 + 0.1 * (double)p);
    if (d->whole || isnan(d->default_value)) return d->default_value;
    double value = isinf(d->default_value) ? large : d->default_value + step;
    return fmin(fmax(value, d->minimum), d->maximum);
}

enum { N_ORDINARY = 3 };

static void ordinary_point(const cev_interaction *interaction, size_t p, double *theta, double value[N_ORDINARY])
{
    const cev_card *card = &interaction->card;
    const cev_parameter *own = &card->parameters[p];
    for (size_t k = 0; k < card->n_parameter; k++) theta[k] = ordinary_value(&card->parameters[k], k);
    value[0] = own->default_value;
    value[1] = fmin(fmax(own->whole ? 0 : 0.5, own->minimum), own->maximum);
    value[2] = fmin(fmax(own->whole ? 1 : 2, own->minimum), own->maximum);
}

bool cev_influence_can_act(const cev_influence *f, const cev_interaction *interaction, size_t p)
{
    double theta[CEV_MAX_MODEL_PARAMETERS], value[N_ORDINARY];
    ordinary_point(interaction, p, theta, value);
    return cev_influence_moves(f, interaction, theta, p, N_ORDINARY, value);
}

/* --- any experiment --------------------------------------------------------------------------------------------- */

static bool acts_on(const cev_interaction *interaction, size_t p, const cev_form_factor *form_factor,
                    cev_flavour flavour)
{
    const cev_nucleus caesium = {"Cs133", 55, 78, 132.905, 4.8, 5.0}; /* every form factor knows it, and it has spin */
    const scatterer s = {&caesium, form_factor, flavour, RECOILS, {1, 5, 10, 20}};
    double theta[N_ORDINARY][CEV_MAX_MODEL_PARAMETERS], value[N_ORDINARY];
    for (size_t k = 0; k < N_ORDINARY; k++) {
        ordinary_point(interaction, p, theta[k], value);
        theta[k][p] = value[k];
    }
    return scattering_differs(&s, interaction, N_ORDINARY, (const double(*)[CEV_MAX_MODEL_PARAMETERS])theta);
}

cev_reach cev_parameter_reach(const cev_interaction *interaction, size_t p)
{
    cev_reach reach = {0};
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++) {
        cev_form_factor form_factor = {.kind = cev_form_factor_kinds[k]};
        const cev_card *card = &form_factor.kind->card;
        cev_parameter_defaults(card->parameters, card->n_parameter, form_factor.parameter);
        for (int a = 0; a < CEV_N_FLAVOURS; a++) {
            bool acts = acts_on(interaction, p, &form_factor, (cev_flavour)a);
            reach.scattering |= acts;
            reach.flavour[a] |= acts;
            reach.form_factor[k] |= acts;
        }
    }
    for (size_t k = 0; k < cev_n_source_kinds; k++) {
        const char *own = cev_source_kinds[k]->scan_parameter;
        reach.source[k] = own && !strcmp(own, interaction->card.parameters[p].name);
    }
    return reach;
}
