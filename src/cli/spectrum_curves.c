/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The curves of each kind of spectrum. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "spectrum.h"

enum { SECONDS_PER_DAY = 86400 };

/* What all curves are made from. */
typedef struct maker {
    cev_arena *arena;
    cev_experiment at; /* the experiment at theta */
    const cev_interaction *interaction;
    const double *theta;
    double energy_MeV;
    spectrum *out;
} maker;

static cev_status add_curve(maker *m, curve description, double **value)
{
    curve *c = &m->out->curve[m->out->n_curve++];
    *c = description;
    CEV_TRY(cev_new(m->arena, m->out->n, &c->value));
    *value = c->value;
    return CEV_OK;
}

static cev_status make_room(maker *m, size_t n_curve)
{
    return cev_new(m->arena, n_curve, &m->out->curve);
}

static cev_status nucleus_title(maker *m, const cev_nucleus *n, const char **out)
{
    char *title;
    CEV_TRY(cev_arena_print(m->arena, &title, "%s: Z %d, N %d, %.8g u", n->name, n->protons, n->neutrons, n->mass_u));
    *out = title;
    return CEV_OK;
}

/* --- recoils and cross sections --------------------------------------------------------------------------------- */

/* Curves of each component on each nucleus, in a block for each nucleus. */
static cev_status add_pairs(maker *m, const char *quantity, const char *unit, double scale,
                            double (*value_at)(const maker *, size_t nucleus, size_t component, double recoil_keV))
{
    const cev_source_kind *source = m->at.source.kind;
    for (size_t k = 0; k < m->at.target.n_nucleus; k++) {
        const char *block;
        CEV_TRY(nucleus_title(m, &m->at.target.nucleus[k], &block));
        for (size_t c = 0; c < source->n_component; c++) {
            double *value;
            CEV_TRY(add_curve(m,
                              (curve){.quantity = quantity,
                                      .unit = unit,
                                      .nucleus = m->at.target.nucleus[k].name,
                                      .component = source->components[c].name,
                                      .block = block},
                              &value));
            for (size_t j = 0; j < m->out->n; j++) value[j] = scale * value_at(m, k, c, m->out->x[j]);
        }
    }
    return CEV_OK;
}

/* The sum of curves first, first + step, ... of n. */
static void sum_curves(const spectrum *s, size_t first, size_t step, size_t n, double *out)
{
    for (size_t k = 0; k < n; k++)
        for (size_t j = 0; j < s->n; j++) out[j] += s->curve[first + k * step].value[j];
}

static double recoil_at(const maker *m, size_t nucleus, size_t component, double recoil_keV)
{
    return cev_recoil_spectrum_per_keV(&m->at, m->interaction, nucleus, component, recoil_keV, m->theta);
}

static cev_status make_recoil(maker *m)
{
    const cev_source_kind *source = m->at.source.kind;
    size_t n_component = source->n_component, n_nucleus = m->at.target.n_nucleus;
    bool per_day = !isnan(m->out->live_days);
    const char *unit = per_day ? "1/(keV kg day)" : "1/(keV kg)", *quantity = "rate", *block = "all nuclei";
    double *total, *of_component[CEV_MAX_SOURCE_COMPONENTS];
    CEV_TRY(make_room(m, (n_nucleus + 1) * n_component + 1));
    CEV_TRY(add_curve(m, (curve){.quantity = quantity, .unit = unit, .block = block}, &total));
    for (size_t c = 0; c < n_component; c++)
        CEV_TRY(add_curve(
            m, (curve){.quantity = quantity, .unit = unit, .component = source->components[c].name, .block = block},
            &of_component[c]));
    CEV_TRY(add_pairs(m, quantity, unit, 1 / (m->at.target.mass_kg * (per_day ? m->out->live_days : 1)), recoil_at));
    for (size_t c = 0; c < n_component; c++)
        sum_curves(m->out, 1 + n_component + c, n_component, n_nucleus, of_component[c]);
    sum_curves(m->out, 1, 1, n_component, total);
    return CEV_OK;
}

static double mean_cross_section_at(const maker *m, size_t nucleus, size_t component, double recoil_keV)
{
    return cev_mean_cross_section_cm2_per_keV(&m->at, m->interaction, nucleus, component, recoil_keV, m->theta);
}

static double cross_section_at(const maker *m, size_t nucleus, size_t component, double recoil_keV)
{
    cev_flavour flavour = m->at.source.kind->components[component].flavour;
    return cev_cross_section_of_flavour_cm2_per_keV(&m->at, m->interaction, nucleus, flavour, m->energy_MeV, recoil_keV,
                                                    m->theta);
}

static cev_status make_cross_section(maker *m)
{
    CEV_TRY(make_room(m, m->at.target.n_nucleus * m->at.source.kind->n_component));
    return add_pairs(m, "cross_section", "cm^2/keV", 1,
                     isnan(m->energy_MeV) ? mean_cross_section_at : cross_section_at);
}

/* --- nuclei ----------------------------------------------------------------------------------------------------- */

enum { N_OF_RESPONSE = 3 };

static cev_status add_nuclear_response(maker *m, const cev_nucleus *n, const char *block,
                                       const char *const name[N_OF_RESPONSE],
                                       cev_nuclear_response (*at)(const cev_form_factor *, const cev_nucleus *, double))
{
    double *value[N_OF_RESPONSE];
    for (size_t k = 0; k < N_OF_RESPONSE; k++)
        CEV_TRY(add_curve(m, (curve){.quantity = name[k], .unit = "1", .nucleus = n->name, .block = block}, &value[k]));
    for (size_t j = 0; j < m->out->n; j++) {
        cev_nuclear_response r = at(&m->at.target.form_factor, n, m->out->x[j]);
        value[0][j] = r.pp, value[1][j] = r.pn, value[2][j] = r.nn;
    }
    return CEV_OK;
}

static cev_status make_form_factor(maker *m)
{
    static const char *const coherent[N_OF_RESPONSE] = {"F_p^2", "F_p*F_n", "F_n^2"}, *const axial[N_OF_RESPONSE] =
                                                                                          {"S_pp", "S_pn", "S_nn"};
    CEV_TRY(make_room(m, m->at.target.n_nucleus * (1 + 2 * N_OF_RESPONSE)));
    for (size_t k = 0; k < m->at.target.n_nucleus; k++) {
        const cev_nucleus *n = &m->at.target.nucleus[k];
        const char *block;
        double *q;
        CEV_TRY(nucleus_title(m, n, &block));
        CEV_TRY(add_curve(m, (curve){.quantity = "q", .unit = "1/fm", .nucleus = n->name, .block = block}, &q));
        for (size_t j = 0; j < m->out->n; j++) q[j] = cev_momentum_transfer_per_fm(n, m->out->x[j]);
        CEV_TRY(add_nuclear_response(m, n, block, coherent, cev_coherent_at_recoil));
        if (m->at.target.form_factor.kind->axial)
            CEV_TRY(add_nuclear_response(m, n, block, axial, cev_axial_at_recoil));
    }
    return CEV_OK;
}

/* --- the source ------------------------------------------------------------------------------------------------- */

static cev_status make_flux(maker *m)
{
    const cev_source_kind *source = m->at.source.kind;
    bool per_second = !isnan(m->out->live_days);
    double scale = per_second ? 1 / (m->out->live_days * SECONDS_PER_DAY) : 1;
    const char *unit = per_second ? "1/(cm^2 MeV s)" : "1/(cm^2 MeV)";
    m->out->unit_of_lines = per_second ? "1/(cm^2 s)" : "1/cm^2";
    CEV_TRY(make_room(m, source->n_component));
    for (size_t c = 0; c < source->n_component; c++) {
        const cev_source_component *from = &source->components[c];
        double *value;
        if (!from->spectrum_per_MeV) {
            m->out->line[m->out->n_line++] = (spectral_line){from->name, from->energy_max_MeV,
                                                             scale * source->fluence_per_cm2(&m->at.source, c)};
            continue;
        }
        CEV_TRY(
            add_curve(m, (curve){.quantity = "flux", .unit = unit, .component = from->name, .block = "at the detector"},
                      &value));
        for (size_t j = 0; j < m->out->n; j++) value[j] = scale * cev_fluence_per_cm2_MeV(&m->at, c, m->out->x[j]);
    }
    return CEV_OK;
}

static cev_status make_probability(maker *m)
{
    static const char *const hours[CEV_N_HOURS] = {"by_day", "at_night", "day_and_night"};
    static const char *const flavour[CEV_N_FLAVOURS] = {"nu_e", "nu_mu", "nu_tau"};
    const cev_source *source = &m->at.source;
    cev_quark_couplings couplings, *in_matter = NULL;
    if (!source->kind->probabilities)
        return cev_fail(CEV_E_INPUT, "experiment %s: neutrinos of its source, %s, do not oscillate", m->at.name,
                        source->kind->card.name);
    if (cev_source_feels_matter(source)) m->interaction->quark_couplings(m->theta, in_matter = &couplings);
    CEV_TRY(make_room(m, CEV_N_HOURS * CEV_N_FLAVOURS));
    for (size_t h = 0; h < CEV_N_HOURS; h++) {
        double *value[CEV_N_FLAVOURS], p[CEV_N_FLAVOURS];
        for (size_t a = 0; a < CEV_N_FLAVOURS; a++)
            CEV_TRY(add_curve(m, (curve){.quantity = hours[h], .unit = "1", .component = flavour[a], .block = hours[h]},
                              &value[a]));
        for (size_t j = 0; j < m->out->n; j++) {
            source->kind->probabilities(source, in_matter, (cev_hours)h, m->out->x[j], p);
            for (size_t a = 0; a < CEV_N_FLAVOURS; a++) value[a][j] = p[a];
        }
    }
    return CEV_OK;
}

/* --- the detector ----------------------------------------------------------------------------------------------- */

static const char *const of_detector = "efficiency";

/* What the pieces of a response give. */
static cev_status add_pieces(maker *m)
{
    const cev_response *r = &m->at.response;
    double *electron, *mean, *sigma;
    CEV_TRY(add_curve(m, (curve){.quantity = "quenched", .unit = "keVee", .block = of_detector}, &electron));
    CEV_TRY(add_curve(m, (curve){.quantity = "mean", .unit = r->smearing.kind->unit, .block = of_detector}, &mean));
    CEV_TRY(add_curve(m, (curve){.quantity = "sigma", .unit = r->smearing.kind->unit, .block = of_detector}, &sigma));
    for (size_t j = 0; j < m->out->n; j++) {
        electron[j] = r->quenching.kind->electron_keV(&r->quenching, m->out->x[j]);
        mean[j] = r->smearing.kind->mean(&r->smearing, electron[j]);
        sigma[j] = r->smearing.kind->sigma(&r->smearing, electron[j]);
    }
    return CEV_OK;
}

static cev_status add_resolution(maker *m)
{
    const cev_response *r = &m->at.response;
    double *value;
    if (r->kind->made_of_pieces) return add_pieces(m);
    if (r->kind->tabulated || !(r->kind->resolution_keV(r, m->out->x[0]) > 0)) return CEV_OK;
    CEV_TRY(add_curve(m, (curve){.quantity = "resolution", .unit = "keV", .block = of_detector}, &value));
    for (size_t j = 0; j < m->out->n; j++) value[j] = r->kind->resolution_keV(r, m->out->x[j]);
    return CEV_OK;
}

/* A block of the response matrix has so many bins. */
enum { BINS_OF_BLOCK = 8, MOST_OF_DETECTOR = 4 };

static cev_status add_bin(maker *m, size_t i, const char **block, double **value)
{
    char name[CEV_BIN_NAME_SIZE], *title;
    const char *kept;
    size_t n = m->at.bins.n_energy, last = i + BINS_OF_BLOCK < n ? i + BINS_OF_BLOCK : n;
    if (i % BINS_OF_BLOCK == 0) {
        CEV_TRY(cev_arena_print(m->arena, &title, "bins %zu to %zu of %zu", i + 1, last, n));
        *block = title;
    }
    cev_bin_energy_name(&m->at, i, name, sizeof name);
    CEV_TRY(cev_arena_keep_text(m->arena, name, &kept));
    return add_curve(m, (curve){.quantity = "response", .unit = "1", .bin = kept, .block = *block}, value);
}

static cev_status make_response(maker *m)
{
    const cev_bins *bins = &m->at.bins;
    const char *block = NULL;
    double *efficiency, **value, *probability;
    CEV_TRY(make_room(m, bins->n_energy + MOST_OF_DETECTOR));
    CEV_TRY(add_curve(m, (curve){.quantity = "efficiency", .unit = "1", .block = of_detector}, &efficiency));
    CEV_TRY(add_resolution(m));
    CEV_TRY(cev_new(m->arena, bins->n_energy, &value));
    CEV_TRY(cev_new(m->arena, bins->n_energy, &probability));
    for (size_t i = 0; i < bins->n_energy; i++) CEV_TRY(add_bin(m, i, &block, &value[i]));
    for (size_t j = 0; j < m->out->n; j++) {
        m->at.response.kind->fill(&m->at.response, bins, m->out->x[j], probability);
        for (size_t i = 0; i < bins->n_energy; i++) {
            value[i][j] = probability[i];
            efficiency[j] += probability[i];
        }
    }
    return CEV_OK;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static const struct kind {
    const char *name, *x_name;
    bool of_neutrino; /* over the energy of neutrinos; otherwise of recoils */
    cev_status (*make)(maker *m);
} kinds[] = {
    {"recoil", "recoil_keV", false, make_recoil},           {"cross_section", "recoil_keV", false, make_cross_section},
    {"form_factor", "recoil_keV", false, make_form_factor}, {"flux", "energy_MeV", true, make_flux},
    {"probability", "energy_MeV", true, make_probability},  {"response", "recoil_keV", false, make_response},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

const char *spectrum_name(size_t k)
{
    return k < N_KINDS ? kinds[k].name : NULL;
}

static cev_status find_kind(const char *name, const struct kind **out)
{
    const char *names[N_KINDS];
    for (size_t k = 0; k < N_KINDS; k++) {
        names[k] = kinds[k].name;
        *out = &kinds[k];
        if (!strcmp(kinds[k].name, name)) return CEV_OK;
    }
    const char *nearest = cev_nearest(name, names, N_KINDS);
    return cev_fail(CEV_E_INPUT,
                    "--of %s: expected recoil, cross_section, form_factor, flux, probability or response%s%s%s", name,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* Where the source's energies, or the recoils that they give, end. */
static double end_of(const cev_experiment *x, bool of_neutrino)
{
    double end = 0;
    if (!of_neutrino) return cev_experiment_recoil_max_keV(&x->source, &x->target);
    for (size_t c = 0; c < x->source.kind->n_component; c++)
        end = fmax(end, x->source.kind->components[c].energy_max_MeV);
    return end;
}

/* Both ends included; by itself it has no zero, where logarithms and some responses end. */
static cev_status lay_grid(maker *m, const spectrum_options *o, double end)
{
    double to = isnan(o->to) ? end : o->to, n = (double)o->points;
    double from = !isnan(o->from) ? o->from : o->logarithmic ? 1e-3 * to : to / n;
    if (!(from > 0 && to > from))
        return cev_fail(CEV_E_INPUT, "experiment %s: a grid from %g to %g; expected 0 < from < to", m->at.name, from,
                        to);
    m->out->n = o->points;
    CEV_TRY(cev_new(m->arena, m->out->n, &m->out->x));
    for (size_t j = 0; j < m->out->n; j++) {
        double share = (double)j / (n - 1);
        m->out->x[j] = o->logarithmic ? from * pow(to / from, share) : from + share * (to - from);
    }
    m->out->x[m->out->n - 1] = to;
    return CEV_OK;
}

cev_status spectrum_make(const selection *s, size_t e, const spectrum_options *options, spectrum *out)
{
    const struct kind *kind;
    CEV_TRY(find_kind(options->of, &kind));
    maker m = {.arena = s->config->arena,
               .interaction = s->config->interaction,
               .theta = s->theta,
               .energy_MeV = options->energy_MeV,
               .out = out};
    if (!isnan(options->energy_MeV) && kind->make != make_cross_section)
        return cev_fail(CEV_E_INPUT, "--energy: only cross sections are of one energy, not --of %s", kind->name);
    CEV_TRY(cev_experiment_at(m.arena, s->config->experiment[e], m.interaction, m.theta, &m.at));
    *out = (spectrum){.experiment = s->config->experiment[e],
                      .of = kind->name,
                      .x_name = kind->x_name,
                      .live_days = cev_live_days(&m.at)};
    CEV_TRY(lay_grid(&m, options, end_of(&m.at, kind->of_neutrino)));
    return kind->make(&m);
}
