/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/spectra.h"

#include <math.h>
#include <string.h>

#include "cevscan/templates.h"

/* --- the experiment at theta ------------------------------------------------------------------------------------ */

/* The value that theta has for a parameter of this name; NaN if there is none. */
static double value_of(const cev_interaction *interaction, const double *theta, const char *name)
{
    const cev_card *card = &interaction->card;
    size_t p = name ? cev_parameter_index(card->parameters, card->n_parameter, name) : card->n_parameter;
    return p < card->n_parameter ? theta[p] : NAN;
}

static cev_status replace_radius(cev_arena *arena, double radius_fm, cev_target *target)
{
    cev_nucleus *nucleus;
    if (isnan(radius_fm)) return CEV_OK;
    CEV_TRY(cev_new(arena, target->n_nucleus, &nucleus));
    memcpy(nucleus, target->nucleus, target->n_nucleus * sizeof *nucleus);
    for (size_t k = 0; k < target->n_nucleus; k++) nucleus[k].rms_radius_n_fm = radius_fm;
    target->nucleus = nucleus;
    return CEV_OK;
}

static cev_status pass_matter(cev_arena *arena, const cev_interaction *interaction, const double *theta,
                              cev_source *source)
{
    double *table;
    cev_quark_couplings couplings;
    if (!cev_source_feels_matter(source)) return CEV_OK;
    if (!interaction->quark_couplings)
        return cev_fail(CEV_E_INPUT,
                        "source %s propagates neutrinos with their couplings to quarks, but interaction %s has none",
                        source->kind->card.name, interaction->card.name);
    CEV_TRY(cev_new(arena, source->kind->n_table, &table));
    interaction->quark_couplings(theta, &couplings);
    source->kind->tabulate(source, &couplings, table);
    source->table = table;
    return CEV_OK;
}

cev_status cev_experiment_at(cev_arena *arena, const cev_experiment *experiment, const cev_interaction *interaction,
                             const double *theta, cev_experiment *out)
{
    *out = *experiment;
    double normalisation = value_of(interaction, theta, out->source.kind->scan_parameter);
    if (!isnan(normalisation)) out->source.parameter[out->source.kind->normalisation] = normalisation;
    CEV_TRY(replace_radius(arena, value_of(interaction, theta, "neutron_radius_fm"), &out->target));
    return pass_matter(arena, interaction, theta, &out->source);
}

/* --- its spectra ------------------------------------------------------------------------------------------------ */

static void coefficients_at(const cev_interaction *interaction, const cev_nucleus *nucleus, cev_flavour flavour,
                            const double *theta, double *out)
{
    cev_lanes block[CEV_MAX_MODEL_PARAMETERS], coefficient[CEV_MAX_TERMS];
    for (size_t p = 0; p < interaction->card.n_parameter; p++) block[p] = theta[p] - (cev_lanes){0};
    interaction->coefficients(nucleus, flavour, block, coefficient);
    for (size_t k = 0; k < interaction->n_term; k++) out[k] = coefficient[k][0];
}

double cev_recoil_spectrum_per_keV(const cev_experiment *at, const cev_interaction *interaction, size_t nucleus,
                                   size_t component, double recoil_keV, const double *theta)
{
    double coefficient[CEV_MAX_TERMS], sum = 0;
    coefficients_at(interaction, &at->target.nucleus[nucleus], at->source.kind->components[component].flavour, theta,
                    coefficient);
    for (size_t k = 0; k < interaction->n_term; k++) {
        const cev_template_row row = {.nucleus = nucleus, .source_component = component, .term = k};
        sum += coefficient[k] * cev_recoil_rate_per_keV(at, interaction, &row, recoil_keV, theta);
    }
    return sum;
}

double cev_mean_cross_section_cm2_per_keV(const cev_experiment *at, const cev_interaction *interaction, size_t nucleus,
                                          size_t component, double recoil_keV, const double *theta)
{
    return cev_recoil_spectrum_per_keV(at, interaction, nucleus, component, recoil_keV, theta) /
           (cev_target_n_nuclei(&at->target, nucleus) * at->source.kind->fluence_per_cm2(&at->source, component));
}

double cev_cross_section_of_flavour_cm2_per_keV(const cev_experiment *at, const cev_interaction *interaction,
                                                size_t nucleus, cev_flavour flavour, double energy_MeV,
                                                double recoil_keV, const double *theta)
{
    double coefficient[CEV_MAX_TERMS], sum = 0;
    const cev_nucleus *n = &at->target.nucleus[nucleus];
    coefficients_at(interaction, n, flavour, theta, coefficient);
    for (size_t k = 0; k < interaction->n_term; k++)
        sum += coefficient[k] *
               cev_cross_section_cm2_per_keV(interaction, k, n, &at->target.form_factor, energy_MeV, recoil_keV, theta);
    return sum;
}

double cev_fluence_per_cm2_MeV(const cev_experiment *at, size_t component, double energy_MeV)
{
    const cev_source_component *c = &at->source.kind->components[component];
    if (!c->spectrum_per_MeV || energy_MeV < c->energy_min_MeV || energy_MeV > c->energy_max_MeV) return 0;
    return at->source.kind->fluence_per_cm2(&at->source, component) * c->spectrum_per_MeV(&at->source, energy_MeV);
}

double cev_live_days(const cev_experiment *experiment)
{
    const cev_source_kind *kind = experiment->source.kind;
    double days = kind->live_days ? kind->live_days(&experiment->source) : NAN;
    return days > 0 ? days : NAN;
}
