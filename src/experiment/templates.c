/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/templates.h"

#include <gsl/gsl_integration.h>
#include <math.h>
#include <stdlib.h>

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

/* K(E, T) averaged over the spectrum of a component; for a line, K at its energy. */
static double average_kinematics(const cev_experiment *experiment, const cev_kinematics *kinematics,
                                 const gsl_integration_glfixed_table *rule, const cev_template_row *row, double recoil_keV)
{
    double mass_MeV = cev_nucleus_mass_MeV(&experiment->target.nucleus[row->nucleus]), recoil_MeV = recoil_keV / CEV_KEV_PER_MEV;
    const cev_source_component *c = component_of(experiment, row);
    if (recoil_MeV >= kinematics->recoil_max_MeV(mass_MeV, c->energy_max_MeV)) return 0;
    if (!c->spectrum_per_MeV) return kinematics->value(mass_MeV, c->energy_max_MeV, recoil_MeV);

    double lowest_MeV = fmax(kinematics->energy_min_MeV(mass_MeV, recoil_MeV), c->energy_min_MeV);
    if (lowest_MeV >= c->energy_max_MeV) return 0;
    double sum = 0;
    for (size_t j = 0; j < ORDER; j++) {
        double energy_MeV, weight;
        gsl_integration_glfixed_point(lowest_MeV, c->energy_max_MeV, j, &energy_MeV, &weight, rule);
        sum += weight * c->spectrum_per_MeV(&experiment->source, energy_MeV) *
               kinematics->value(mass_MeV, energy_MeV, recoil_MeV);
    }
    return sum;
}

typedef struct folding {
    const cev_experiment *experiment;
    const cev_interaction *interaction;
    const double *theta;
    const cev_templates *templates;
    gsl_integration_glfixed_table *rule;
    double *probability;    /* [n_energy] */
    double *counts;         /* [n_row][n_energy] */
} folding;

/* Neighbouring rows share what they have in common: terms with the same kinematics their average over the spectrum. */
static void add_node(const folding *f, double recoil_keV, double weight)
{
    const cev_experiment *e = f->experiment;
    size_t first = 0, end = e->bins.n_energy;
    e->response.kind->fill(&e->response, &e->bins, recoil_keV, f->probability);
    while (first < end && f->probability[first] == 0) first++;
    while (end > first && f->probability[end - 1] == 0) end--;
    const cev_kinematics *last = NULL;
    double average = 0;
    for (size_t r = 0; first < end && r < f->templates->n_row; r++) {
        const cev_template_row *row = &f->templates->row[r];
        const cev_kinematics *kinematics = f->interaction->kinematics(row->term, f->theta);
        if (row->term == 0 || kinematics != last) average = average_kinematics(e, kinematics, f->rule, row, recoil_keV);
        last = kinematics;
        if (average == 0) continue;
        double rate = weight * average *
                      f->interaction->factor_cm2_per_keV(row->term, &e->target.nucleus[row->nucleus], &e->target.form_factor,
                                                         recoil_keV, f->theta);
        double *counts = f->counts + r * e->bins.n_energy;
        for (size_t i = first; i < end; i++) counts[i] += rate * f->probability[i];
    }
}

/* Between two neighbouring break points everything is smooth on the scale of the resolution. */
static void add_interval(const folding *f, double lo, double hi)
{
    const cev_response *response = &f->experiment->response;
    double resolution = response->kind->resolution_keV(response, (lo + hi) / 2);
    size_t n = resolution > 0 ? (size_t)ceil((hi - lo) / resolution) : SHARP_PANELS;
    for (size_t k = 0; k < n; k++)
        for (size_t j = 0; j < ORDER; j++) {
            double recoil_keV, weight;
            gsl_integration_glfixed_point(lo + (hi - lo) * (double)k / (double)n, lo + (hi - lo) * (double)(k + 1) / (double)n, j,
                                          &recoil_keV, &weight, f->rule);
            add_node(f, recoil_keV, weight);
        }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Break points, sorted: zero, what the response asks for, and the ends of the recoils of each nucleus under each component, which
 * are kinks or, for a line, steps. */
static cev_status find_breaks(cev_arena *arena, const folding *f, size_t *n, double **breaks)
{
    const cev_experiment *e = f->experiment;
    CEV_TRY(cev_new(arena, e->bins.n_energy + 3 + f->templates->n_row, breaks));
    (*breaks)[0] = 0;
    *n = 1 + cev_response_breaks(&e->response, &e->bins, *breaks + 1);
    double end_keV = 0;
    for (size_t r = 0; r < f->templates->n_row; r++) {
        const cev_template_row *row = &f->templates->row[r];
        double mass_MeV = cev_nucleus_mass_MeV(&e->target.nucleus[row->nucleus]);
        double recoil_keV = CEV_KEV_PER_MEV * f->interaction->kinematics(row->term, f->theta)
                                                  ->recoil_max_MeV(mass_MeV, component_of(e, row)->energy_max_MeV);
        (*breaks)[(*n)++] = recoil_keV;
        end_keV = fmax(end_keV, recoil_keV);
    }
    size_t kept = 0;
    for (size_t k = 0; k < *n; k++)
        if ((*breaks)[k] >= 0 && (*breaks)[k] <= end_keV) (*breaks)[kept++] = (*breaks)[k];
    *n = kept;
    qsort(*breaks, *n, sizeof **breaks, by_size);
    return CEV_OK;
}

/* Each component's counts are spread over the windows of arrival time by its own shape. */
static void spread_over_time(const folding *f, const double *share, cev_templates *out)
{
    const cev_experiment *e = f->experiment;
    const cev_bins *bins = &e->bins;
    for (size_t r = 0; r < out->n_row; r++) {
        double exposure = exposure_per_cm2(e, &out->row[r]);
        const double *of_component = share + component_of(e, &out->row[r])->arrival * bins->n_time;
        for (size_t t = 0; t < bins->n_time; t++)
            for (size_t i = 0; i < bins->n_energy; i++)
                out->counts[(r * bins->n_time + t) * bins->n_energy + i] =
                    exposure * of_component[t] * f->counts[r * bins->n_energy + i];
    }
}

static cev_status fill_shares(cev_arena *arena, const cev_experiment *experiment, double **share)
{
    const cev_bins *bins = &experiment->bins;
    CEV_TRY(cev_new(arena, CEV_N_ARRIVALS * bins->n_time, share));
    for (size_t a = 0; a < CEV_N_ARRIVALS; a++) {
        double *of_arrival = *share + a * bins->n_time;
        if (bins->time_edge_us)
            cev_arrival_shares(&experiment->beam, (cev_arrival)a, bins->n_time, bins->time_edge_us, of_arrival);
        else
            of_arrival[0] = 1;
    }
    return CEV_OK;
}

static void number_rows(const cev_experiment *experiment, const cev_interaction *interaction, cev_template_row *row)
{
    for (size_t k = 0; k < experiment->target.n_nucleus; k++)
        for (size_t c = 0; c < experiment->source.kind->n_component; c++)
            for (size_t t = 0; t < interaction->n_term; t++)
                *row++ = (cev_template_row){.nucleus = k, .source_component = c, .term = t};
}

static cev_status fold(cev_arena *arena, folding *f)
{
    size_t n;
    double *breaks;
    CEV_TRY(find_breaks(arena, f, &n, &breaks));
    for (size_t k = 1; k < n; k++)
        if (breaks[k] > breaks[k - 1]) add_interval(f, breaks[k - 1], breaks[k]);
    return CEV_OK;
}

cev_status cev_templates_fold(cev_arena *arena, const cev_experiment *experiment, const cev_interaction *interaction,
                              const double *theta, cev_templates *out)
{
    const cev_bins *bins = &experiment->bins;
    size_t n_row = experiment->target.n_nucleus * experiment->source.kind->n_component * interaction->n_term;
    *out = (cev_templates){.n_row = n_row, .n_bin = bins->n_bin};
    CEV_TRY(cev_new(arena, n_row, &out->row));
    CEV_TRY(cev_new(arena, n_row * bins->n_bin, &out->counts));
    number_rows(experiment, interaction, out->row);
    folding f = {.experiment = experiment, .interaction = interaction, .theta = theta, .templates = out};
    double *share;
    CEV_TRY(fill_shares(arena, experiment, &share));
    CEV_TRY(cev_new(arena, bins->n_energy, &f.probability));
    CEV_TRY(cev_new(arena, n_row * bins->n_energy, &f.counts));
    f.rule = gsl_integration_glfixed_table_alloc(ORDER);
    if (!f.rule) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = fold(arena, &f);
    gsl_integration_glfixed_table_free(f.rule);
    if (status == CEV_OK) spread_over_time(&f, share, out);
    return status;
}

double cev_recoil_rate_per_keV(const cev_experiment *experiment, const cev_interaction *interaction,
                               const cev_template_row *row, double recoil_keV, const double *theta)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(ORDER);
    if (!rule) return NAN;
    double average = average_kinematics(experiment, interaction->kinematics(row->term, theta), rule, row, recoil_keV);
    gsl_integration_glfixed_table_free(rule);
    return average * exposure_per_cm2(experiment, row) *
           interaction->factor_cm2_per_keV(row->term, &experiment->target.nucleus[row->nucleus], &experiment->target.form_factor,
                                           recoil_keV, theta);
}
