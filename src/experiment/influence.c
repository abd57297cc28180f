/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/influence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/likeness.h"
#include "neutron_radius.h"

/* Recoils that points are compared at, of one flavour on one nucleus; different experiments that are looked at: of more
 * than that nothing is claimed. */
enum { RECOILS = 8, MOST_SIDES = 256 };

/* One flavour on one nucleus. */
typedef struct scatterer {
    const cev_nucleus *nucleus;
    const cev_form_factor *form_factor;
    cev_flavour flavour;
    size_t n;
    double recoil_keV[RECOILS];
} scatterer;

/* An experiment of which what is expected is made: itself, in one setting or another, or at either end of a pull. */
typedef struct side {
    const cev_experiment *experiment;
    bool is_known; /* what follows: it is found when it is asked for */
    size_t n;
    scatterer *scatterer; /* [n], that the detector sees; has room for all */
} side;

struct cev_influence {
    cev_arena *arena;
    bool cut; /* there were more sides */
    size_t n;
    side *side;     /* [n] */
    double *breaks; /* for any side, while it is looked at: as many as its response has, and two more */
    double *filled; /* [n_energy] */
    double *seen;   /* POINTS for each interval between breaks */
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

/* Ordinary places inside an interval; where none is seen, halvings towards both its ends, where what is smeared into a
 * bin comes from. */
static const double inside[] = {0.5377, 0.0913, 0.9361};
enum { POINTS = sizeof inside / sizeof *inside, HALVINGS = 24 };

/* Recoils in (lo, hi) that are seen, into seen[POINTS]; returns their number, 0 if there are none. */
static size_t look_between(const cev_experiment *x, double lo, double hi, double *filled, double *seen)
{
    size_t n = 0;
    for (size_t k = 0; k < POINTS; k++) {
        double at = lo + inside[k] * (hi - lo);
        if (at > lo && at < hi && is_seen(x, at, filled)) seen[n++] = at;
    }
    for (int k = 2; k <= HALVINGS && n == 0; k++) {
        double step = ldexp(hi - lo, -k);
        if (lo + step > lo && is_seen(x, lo + step, filled)) seen[n++] = lo + step;
        if (hi - step < hi && is_seen(x, hi - step, filled)) seen[n++] = hi - step;
    }
    return n;
}

/* A response that is no table sees one contiguous range: a few of its breaks are enough, beside those that end it. */
static size_t thin_out(size_t n, double *breaks)
{
    enum { ENDS = 3, MOST = 64 };
    size_t step = n / MOST + 1, kept = 0;
    for (size_t k = 0; k < n; k++)
        if (k < ENDS || k + ENDS >= n || k % step == 0) breaks[kept++] = breaks[k];
    return kept;
}

/* 0, break points of the response, and `end_keV`, in order: in between, it has no steps and no kinks. */
static size_t list_breaks(const cev_experiment *x, double end_keV, double *breaks)
{
    size_t n = cev_response_breaks(&x->response, &x->bins, breaks), kept = 0;
    for (size_t k = 0; k < n; k++)
        if (breaks[k] > 0 && breaks[k] < end_keV) breaks[kept++] = breaks[k];
    breaks[kept++] = 0;
    breaks[kept++] = end_keV;
    qsort(breaks, kept, sizeof *breaks, by_size);
    return x->response.kind->tabulated ? kept : thin_out(kept, breaks);
}

/* Of all recoils that are seen, some: the first, the last, and others in equal steps of their order. */
static void keep_some(size_t n, const double *seen, scatterer *out)
{
    out->n = n < RECOILS ? n : RECOILS;
    for (size_t k = 0; k < out->n; k++) out->recoil_keV[k] = seen[out->n == 1 ? 0 : k * (n - 1) / (out->n - 1)];
}

/* Recoils that a component of the source gives to a nucleus, in every window of the response up to their own end. */
static void find_recoils(const cev_influence *f, const cev_experiment *x, double end_keV, scatterer *out)
{
    size_t n_break = list_breaks(x, end_keV, f->breaks), n = 0;
    for (size_t k = 1; k < n_break; k++)
        if (f->breaks[k] > f->breaks[k - 1])
            n += look_between(x, f->breaks[k - 1], f->breaks[k], f->filled, f->seen + n);
    qsort(f->seen, n, sizeof *f->seen, by_size);
    keep_some(n, f->seen, out);
}

/* A flux that the scan sets may be nothing in the file. */
static bool shines(const cev_source *source, size_t component)
{
    return source->kind->scan_parameter || source->kind->fluence_per_cm2(source, component) > 0;
}

static void look(const cev_influence *f, side *own)
{
    const cev_experiment *x = own->experiment;
    const cev_source_kind *kind = x->source.kind;
    for (size_t k = 0; k < x->target.n_nucleus; k++) {
        double end_keV, known_keV = -1;
        scatterer last = {0};
        for (size_t i = 0; i < kind->n_component; i++) {
            if (!shines(&x->source, i)) continue;
            end_keV = cev_nucleus_recoil_max_keV(&x->target.nucleus[k], kind->components[i].energy_max_MeV);
            if (end_keV != known_keV) find_recoils(f, x, end_keV, &last); /* many components have one end */
            known_keV = end_keV;
            last.nucleus = &x->target.nucleus[k];
            last.form_factor = &x->target.form_factor;
            last.flavour = kind->components[i].flavour;
            if (last.n > 0) own->scatterer[own->n++] = last;
        }
    }
    own->is_known = true;
}

static side *known_side(const cev_influence *f, size_t k)
{
    if (!f->side[k].is_known) look(f, &f->side[k]);
    return &f->side[k];
}

static void add_side(cev_influence *f, const cev_experiment *x)
{
    if (!x) return;
    for (size_t k = 0; k < f->n; k++)
        if (cev_see_alike(f->side[k].experiment, x)) return;
    f->cut |= f->n == MOST_SIDES;
    if (!f->cut) f->side[f->n++].experiment = x;
}

static void list_sides(cev_influence *f, size_t n, const cev_experiment *const *setting, size_t stride)
{
    for (size_t k = 0; k < n && !f->cut; k++) {
        const cev_experiment *x = setting[k * stride];
        add_side(f, x);
        for (size_t p = 0; p < x->n_pull; p++) { /* parts of the signal see what the signal sees */
            if (!cev_pull_is_there(&x->pull[p])) continue;
            add_side(f, x->pull[p].up);
            add_side(f, x->pull[p].down);
        }
    }
}

static cev_status build(cev_influence *f, size_t n, const cev_experiment *const *setting, size_t stride)
{
    size_t n_break = 0, n_energy = 0;
    CEV_TRY(cev_arena_create(&f->arena));
    CEV_TRY(cev_new(f->arena, MOST_SIDES, &f->side));
    list_sides(f, n, setting, stride);
    for (size_t k = 0; k < f->n; k++) {
        const cev_experiment *x = f->side[k].experiment;
        size_t own = cev_response_n_breaks(&x->response, &x->bins) + 2;
        CEV_TRY(cev_new(f->arena, x->target.n_nucleus * x->source.kind->n_component, &f->side[k].scatterer));
        if (own > n_break) n_break = own;
        if (x->bins.n_energy > n_energy) n_energy = x->bins.n_energy;
    }
    CEV_TRY(cev_new(f->arena, n_break, &f->breaks));
    CEV_TRY(cev_new(f->arena, POINTS * n_break, &f->seen));
    return cev_new(f->arena, n_energy, &f->filled);
}

cev_status cev_influence_create(size_t n, const cev_experiment *const *setting, size_t stride, cev_influence **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = build(*out, n, setting, stride);
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

static bool side_differs(const side *own, const cev_interaction *interaction, size_t n,
                         const double (*theta)[CEV_MAX_MODEL_PARAMETERS])
{
    for (size_t k = 1; own->n > 0 && k < n; k++)
        if (source_differs(&own->experiment->source, interaction, theta[0], theta[k])) return true;
    for (size_t s = 0; s < own->n; s++)
        if (scattering_differs(&own->scatterer[s], interaction, n, theta)) return true;
    return false;
}

/* Of experiments that seem to see nothing at all, nothing is claimed: they are taken to see every change. */
bool cev_influence_differs(const cev_influence *f, const cev_interaction *interaction, size_t n,
                           const double (*theta)[CEV_MAX_MODEL_PARAMETERS])
{
    bool sees = false;
    for (size_t k = 0; k < f->n; k++) {
        const side *own = known_side(f, k);
        if (side_differs(own, interaction, n, theta)) return true;
        sees |= own->n > 0;
    }
    return !sees || f->cut;
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

/* Some value inside its range that is not special, for any parameter but a choice, which takes its default or another.
 * An end of the range may switch something off. */
static double ordinary_value(const cev_parameter *d, size_t p, bool other)
{
    const double large = 500, step = (other ? 0.1732 : 0.3) * (1 + 0.1 * (double)p);
    if (isnan(d->default_value)) return d->default_value;
    if (d->whole) return !other ? d->default_value : d->default_value == d->minimum ? d->maximum : d->minimum;
    if (isinf(d->default_value)) return large * (1 + step);
    double up = d->maximum - d->default_value, down = d->default_value - d->minimum;
    return up >= down ? d->default_value + fmin(step, 0.618 * up) : d->default_value - fmin(step, 0.618 * down);
}

enum { N_ORDINARY = 3 };

static void ordinary_point(const cev_interaction *interaction, size_t p, bool other, double *theta,
                           double value[N_ORDINARY])
{
    const cev_card *card = &interaction->card;
    const cev_parameter *own = &card->parameters[p];
    for (size_t k = 0; k < card->n_parameter; k++) theta[k] = ordinary_value(&card->parameters[k], k, other);
    value[0] = own->default_value;
    value[1] = fmin(fmax(own->whole ? 0 : 0.5, own->minimum), own->maximum);
    value[2] = fmin(fmax(own->whole ? 1 : 2, own->minimum), own->maximum);
}

bool cev_influence_can_act(const cev_influence *f, const cev_interaction *interaction, size_t p)
{
    double theta[CEV_MAX_MODEL_PARAMETERS], value[N_ORDINARY];
    ordinary_point(interaction, p, false, theta, value);
    if (cev_influence_moves(f, interaction, theta, p, N_ORDINARY, value)) return true;
    ordinary_point(interaction, p, true, theta, value);
    return cev_influence_moves(f, interaction, theta, p, N_ORDINARY, value);
}

/* --- any experiment --------------------------------------------------------------------------------------------- */

static bool acts_on(const cev_interaction *interaction, size_t p, const cev_form_factor *form_factor,
                    cev_flavour flavour)
{
    const cev_nucleus caesium = {"Cs133", 55, 78, 132.905, 4.8, 5.0}; /* every form factor knows it, and it has spin */
    const scatterer s = {&caesium, form_factor, flavour, 4, {1, 5, 10, 20}};
    double theta[N_ORDINARY][CEV_MAX_MODEL_PARAMETERS], value[N_ORDINARY];
    for (size_t k = 0; k < N_ORDINARY; k++) {
        ordinary_point(interaction, p, false, theta[k], value);
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
