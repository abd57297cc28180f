/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/templates.h"

#include <gsl/gsl_integration.h>
#include <math.h>

/* Gauss-Legendre order of a panel. Sixteen points are exact for the polynomial spectra of pion decay at rest, and reach
 * 1e-12 for an error function across one resolution. */
enum { ORDER = 16, SHARP_PANELS = 8 };

static const cev_source_component *component_of(const cev_experiment *experiment, const cev_template_row *row)
{
    return &experiment->source.kind->components[row->source_component];
}

static double exposure_per_cm2(const cev_experiment *experiment, const cev_template_row *row)
{
    const cev_target *t = &experiment->target;
    double units = CEV_AVOGADRO_PER_MOL * t->mass_kg * 1e3 / t->molar_mass_g_per_mol;
    const cev_source *s = &experiment->source;
    return units * t->per_unit[row->nucleus] * s->kind->fluence_per_cm2(s, row->source_component);
}

static double flux_averaged_cm2_per_keV(const cev_experiment *experiment, const cev_interaction *interaction,
                                        const gsl_integration_glfixed_table *rule, const cev_template_row *row,
                                        double recoil_keV, const double *theta)
{
    const cev_nucleus *nucleus = &experiment->target.nucleus[row->nucleus];
    const cev_form_factor *form_factor = &experiment->target.form_factor;
    const cev_source_component *c = component_of(experiment, row);
    if (!c->spectrum_per_MeV)
        return interaction->shape_cm2_per_keV(row->term, nucleus, form_factor, c->energy_max_MeV, recoil_keV, theta);

    double lowest_MeV = sqrt(cev_nucleus_mass_MeV(nucleus) * recoil_keV / CEV_KEV_PER_MEV / 2);
    lowest_MeV = fmax(lowest_MeV, c->energy_min_MeV);
    if (lowest_MeV >= c->energy_max_MeV) return 0;
    double sum = 0;
    for (size_t j = 0; j < ORDER; j++) {
        double energy_MeV, weight;
        gsl_integration_glfixed_point(lowest_MeV, c->energy_max_MeV, j, &energy_MeV, &weight, rule);
        sum += weight * c->spectrum_per_MeV(&experiment->source, energy_MeV) *
               interaction->shape_cm2_per_keV(row->term, nucleus, form_factor, energy_MeV, recoil_keV, theta);
    }
    return sum;
}

typedef struct folding {
    const cev_experiment *experiment;
    const cev_interaction *interaction;
    const double *theta;
    gsl_integration_glfixed_table *rule;
    double *probability; /* [n_bin] */
} folding;

static void add_panel(const folding *f, const cev_template_row *row, double lo, double hi, double *counts)
{
    const cev_experiment *e = f->experiment;
    for (size_t j = 0; j < ORDER; j++) {
        double recoil_keV, weight;
        gsl_integration_glfixed_point(lo, hi, j, &recoil_keV, &weight, f->rule);
        double rate = flux_averaged_cm2_per_keV(e, f->interaction, f->rule, row, recoil_keV, f->theta);
        e->response.kind->fill(&e->response, &e->bins, recoil_keV, f->probability);
        for (size_t i = 0; i < e->bins.n_bin; i++) counts[i] += weight * rate * f->probability[i];
    }
}

/* Between two neighbouring break points everything is smooth on the scale of the resolution. */
static void add_interval(const folding *f, const cev_template_row *row, double lo, double hi, double *counts)
{
    const cev_response *response = &f->experiment->response;
    double resolution = response->kind->resolution_keV(response, (lo + hi) / 2);
    size_t n = resolution > 0 ? (size_t)ceil((hi - lo) / resolution) : SHARP_PANELS;
    for (size_t k = 0; k < n; k++)
        add_panel(f, row, lo + (hi - lo) * (double)k / (double)n, lo + (hi - lo) * (double)(k + 1) / (double)n, counts);
}

static void add_up_to(const folding *f, const cev_template_row *row, double *lo, double hi, double *counts)
{
    if (hi > *lo) add_interval(f, row, *lo, hi, counts);
    *lo = fmax(*lo, hi);
}

/* Break points: zero, the threshold, the bin edges, and the end of this component's recoils, which for a line is a kink in the
 * sum. */
static void fold_row(const folding *f, const cev_template_row *row, double *counts)
{
    const cev_bins *bins = &f->experiment->bins;
    double threshold = f->experiment->response.parameter[CEV_RESPONSE_THRESHOLD_KEV], lo = 0;
    double end = cev_nucleus_recoil_max_keV(&f->experiment->target.nucleus[row->nucleus],
                                            component_of(f->experiment, row)->energy_max_MeV);
    for (size_t i = 0; i <= bins->n_bin; i++) {
        if (threshold < bins->edge_keV[i]) add_up_to(f, row, &lo, fmin(threshold, end), counts);
        add_up_to(f, row, &lo, fmin(bins->edge_keV[i], end), counts);
    }
    add_up_to(f, row, &lo, end, counts);
    double exposure = exposure_per_cm2(f->experiment, row);
    for (size_t i = 0; i < bins->n_bin; i++) counts[i] *= exposure;
}

static void number_rows(const cev_experiment *experiment, const cev_interaction *interaction, cev_template_row *row)
{
    for (size_t k = 0; k < experiment->target.n_nucleus; k++)
        for (size_t c = 0; c < experiment->source.kind->n_component; c++)
            for (size_t t = 0; t < interaction->n_term; t++)
                *row++ = (cev_template_row){.nucleus = k, .source_component = c, .term = t};
}

cev_status cev_templates_fold(cev_arena *arena, const cev_experiment *experiment, const cev_interaction *interaction,
                              const double *theta, cev_templates *out)
{
    size_t n_bin = experiment->bins.n_bin;
    size_t n_row = experiment->target.n_nucleus * experiment->source.kind->n_component * interaction->n_term;
    *out = (cev_templates){.n_row = n_row, .n_bin = n_bin};
    CEV_TRY(cev_new(arena, n_row, &out->row));
    CEV_TRY(cev_new(arena, n_row * n_bin, &out->counts));
    folding f = {.experiment = experiment, .interaction = interaction, .theta = theta};
    CEV_TRY(cev_new(arena, n_bin, &f.probability));
    f.rule = gsl_integration_glfixed_table_alloc(ORDER);
    if (!f.rule) return cev_fail(CEV_E_MEMORY, "out of memory");
    number_rows(experiment, interaction, out->row);
    for (size_t r = 0; r < n_row; r++) fold_row(&f, &out->row[r], out->counts + r * n_bin);
    gsl_integration_glfixed_table_free(f.rule);
    return CEV_OK;
}

double cev_recoil_rate_per_keV(const cev_experiment *experiment, const cev_interaction *interaction,
                               const cev_template_row *row, double recoil_keV, const double *theta)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(ORDER);
    if (!rule) return NAN;
    double average = flux_averaged_cm2_per_keV(experiment, interaction, rule, row, recoil_keV, theta);
    gsl_integration_glfixed_table_free(rule);
    return average * exposure_per_cm2(experiment, row);
}
