/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates against direct adaptive integration, and the totals of the six detectors. */
#include "ess.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

#include "cevscan/templates.h"

static const cev_interaction *const nsi = &cev_interaction_nsi;
static const double standard_model[CEV_MAX_MODEL_PARAMETERS] = {NSI_STANDARD_MODEL};

typedef struct integrand {
    const cev_experiment *experiment;
    const cev_template_row *row;
    double recoil_keV;
    double lo, hi; /* of the bin */
    gsl_integration_workspace *space;
} integrand;

static double adaptive(double (*function)(double, void *), void *context, double from, double to, double relative)
{
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(1000);
    gsl_function f = {.function = function, .params = context};
    double value, error;
    int status = gsl_integration_qag(&f, from, to, 0, relative, 1000, GSL_INTEG_GAUSS31, space, &value, &error);
    gsl_integration_workspace_free(space);
    if (status && !(error <= fmax(1e-11 * fabs(value), 1e-15)))
        fail_msg("no convergence from %g to %g: %s, %g +- %g", from, to, gsl_strerror(status), value, error);
    return value;
}

static const cev_nucleus *nucleus_of(const integrand *i)
{
    return &i->experiment->target.nucleus[i->row->nucleus];
}

static const cev_source_component *component_of(const integrand *i)
{
    return &i->experiment->source.kind->components[i->row->source_component];
}

static double end_of(const integrand *i)
{
    return cev_nucleus_recoil_max_keV(nucleus_of(i), component_of(i)->energy_max_MeV);
}

/* --- the recoil spectrum ---------------------------------------------------------------------------------------- */

static double over_energy(double energy_MeV, void *context)
{
    const integrand *i = context;
    double shape = cev_cross_section_cm2_per_keV(nsi, i->row->term, nucleus_of(i), &i->experiment->target.form_factor,
                                                 energy_MeV, i->recoil_keV, standard_model);
    return component_of(i)->spectrum_per_MeV(&i->experiment->source, energy_MeV) * shape;
}

/* nuclei x fluence x Int dE phi dsigma/dT, from the contract's words. */
static double direct_rate(integrand *i)
{
    const cev_target *t = &i->experiment->target;
    const cev_source_component *c = component_of(i);
    double nuclei = 6.02214076e23 * t->mass_kg * 1000 / t->molar_mass_g_per_mol * t->per_unit[i->row->nucleus];
    double exposure = nuclei *
                      i->experiment->source.kind->fluence_per_cm2(&i->experiment->source, i->row->source_component);
    if (!c->spectrum_per_MeV)
        return exposure * cev_cross_section_cm2_per_keV(nsi, i->row->term, nucleus_of(i), &t->form_factor,
                                                        c->energy_max_MeV, i->recoil_keV, standard_model);
    double lowest = sqrt(cev_nucleus_mass_MeV(nucleus_of(i)) * i->recoil_keV * 1e-3 / 2);
    return exposure * adaptive(over_energy, i, lowest, c->energy_max_MeV, 1e-12);
}

static void recoil_rate_is_the_flux_average(void **state)
{
    (void)state;
    const char *const names[] = {"ess_csi", "ess_c3f8"};
    for (size_t k = 0; k < LENGTH(names); k++) {
        cev_scan_config *config = ess_config(names[k]);
        const cev_experiment *x = config->experiment[0];
        for (size_t nucleus = 0; nucleus < x->target.n_nucleus; nucleus++)
            for (size_t c = 0; c < x->source.kind->n_component; c++) {
                cev_template_row row = {.nucleus = nucleus, .source_component = c};
                integrand i = {.experiment = x, .row = &row};
                for (double share = 0.001; share < 1; share += 0.0837) {
                    i.recoil_keV = share * end_of(&i);
                    assert_relative(cev_recoil_rate_per_keV(x, nsi, &row, i.recoil_keV, standard_model),
                                    direct_rate(&i), 1e-11);
                }
                assert_true(cev_recoil_rate_per_keV(x, nsi, &row, end_of(&i) * 1.0001, standard_model) == 0);
            }
        cev_scan_config_destroy(&config);
    }
}

/* --- bins ------------------------------------------------------------------------------------------------------- */

static double smeared(double recoil_keV, void *context)
{
    const integrand *i = context;
    const double *p = i->experiment->response.parameter;
    double sigma = p[CEV_N_COMMON_RESPONSE_PARAMETERS] * sqrt(recoil_keV / p[CEV_RESPONSE_THRESHOLD_KEV]) * sqrt(2);
    double inside = (erfc((i->lo - recoil_keV) / sigma) - erfc((i->hi - recoil_keV) / sigma)) / 2;
    return p[CEV_RESPONSE_ACCEPTANCE] * inside *
           cev_recoil_rate_per_keV(i->experiment, nsi, i->row, recoil_keV, standard_model);
}

/* Adaptive, in pieces: split around the bin, and up to the end of the spectrum, because the resolution grows with the
 * recoil. */
static double direct_counts(integrand *i)
{
    const double *p = i->experiment->response.parameter;
    double end = end_of(i), sigma = p[CEV_N_COMMON_RESPONSE_PARAMETERS] * sqrt(i->hi / p[CEV_RESPONSE_THRESHOLD_KEV]);
    double split[] =
        {fmax(0, i->lo - 9 * sigma), i->lo - 3 * sigma, i->lo, (i->lo + i->hi) / 2, i->hi, i->hi + 3 * sigma,
         i->hi + 9 * sigma,          i->hi + 40 * sigma};
    double sum = 0, from = split[0];
    for (size_t k = 1; k < LENGTH(split); k++) {
        double to = fmin(split[k], end);
        if (to <= from) continue;
        sum += adaptive(smeared, i, from, to, 1e-11);
        from = to;
    }
    return sum;
}

static void check_templates(const char *name, const size_t *bin, size_t n)
{
    cev_scan_config *config = ess_config(name);
    cev_arena *arena = new_arena();
    const cev_experiment *x = config->experiment[0];
    cev_templates t;
    assert_ok(cev_templates_fold(arena, x, nsi, config->theta, &t));
    assert_int_equal(t.n_bin, x->bins.n_bin);
    assert_int_equal(t.n_row, x->target.n_nucleus * x->source.kind->n_component * nsi->n_term);
    for (size_t r = 0; r < t.n_row; r++)
        for (size_t k = 0; k < n; k++) {
            integrand i = {.experiment = x,
                           .row = &t.row[r],
                           .lo = x->bins.edge[bin[k]],
                           .hi = x->bins.edge[bin[k] + 1]};
            double expected = direct_counts(&i);
            /* Protons and neutrons have one radius here, so that the terms of their difference vanish. */
            assert_true(t.row[r].term == 0 ? expected > 0 : expected == 0);
            assert_relative(t.counts[r * t.n_bin + bin[k]], expected, 1e-8);
        }
    cev_arena_destroy(&arena);
    cev_scan_config_destroy(&config);
}

static void templates_of_csi_equal_direct_integration(void **state)
{
    (void)state;
    check_templates("ess_csi", (const size_t[]){0, 1, 3, 6}, 4);
}

/* The line ends at 68 keV, inside the window. */
static void templates_of_si_equal_direct_integration(void **state)
{
    (void)state;
    check_templates("ess_si", (const size_t[]){0, 1, 10, 25, 31}, 5);
}

/* --- totals ----------------------------------------------------------------------------------------------------- */

static double rate(double recoil_keV, void *context)
{
    const integrand *i = context;
    return cev_recoil_rate_per_keV(i->experiment, nsi, i->row, recoil_keV, standard_model);
}

static double rate_above(const cev_experiment *x, const cev_template_row *row, double from_keV)
{
    integrand i = {.experiment = x, .row = row};
    return adaptive(rate, &i, from_keV, end_of(&i), 1e-12);
}

static void assert_rows_sum_to(const cev_experiment *x, double from_keV, double tolerance)
{
    cev_arena *arena = new_arena();
    cev_templates t;
    assert_ok(cev_templates_fold(arena, x, nsi, standard_model, &t));
    for (size_t r = 0; r < t.n_row; r++) {
        double sum = 0;
        for (size_t i = 0; i < t.n_bin; i++) sum += t.counts[r * t.n_bin + i];
        assert_relative(sum, x->response.parameter[CEV_RESPONSE_ACCEPTANCE] * rate_above(x, &t.row[r], from_keV),
                        tolerance);
    }
    cev_arena_destroy(&arena);
}

/* A copy of an experiment with other bins. */
static cev_experiment rebinned(const cev_experiment *from, const double *edge_keV, size_t n_bin)
{
    cev_experiment x = *from;
    x.bins = (cev_bins){.n_bin = n_bin, .n_energy = n_bin, .n_time = 1, .edge = edge_keV};
    x.n_background = 0;
    return x;
}

static void bins_that_cover_everything_hold_the_whole_spectrum(void **state)
{
    (void)state;
    const double edge[] = {-30, 0.5, 1, 2, 4, 8, 20, 60, 200, 400};
    const char *const names[] = {"ess_csi", "ess_xe", "ess_si", "ess_ge"};
    for (size_t k = 0; k < LENGTH(names); k++) {
        cev_scan_config *config = ess_config(names[k]);
        cev_experiment x = rebinned(config->experiment[0], edge, LENGTH(edge) - 1);
        assert_rows_sum_to(&x, 0, 1e-9);
        cev_scan_config_destroy(&config);
    }
}

/* One wide bin: the folding must still resolve the smearing at its edges. */
static void a_wide_bin_equals_direct_integration(void **state)
{
    (void)state;
    const double edge[] = {1, 60};
    cev_scan_config *config = ess_config("ess_csi");
    cev_experiment x = rebinned(config->experiment[0], edge, 1);
    cev_arena *arena = new_arena();
    cev_templates t;
    assert_ok(cev_templates_fold(arena, &x, nsi, config->theta, &t));
    for (size_t r = 0; r < t.n_row; r++) {
        integrand i = {.experiment = &x, .row = &t.row[r], .lo = edge[0], .hi = edge[1]};
        double from = 0, expected = 0;
        const double split[] = {0.2, 0.5, 1, 1.5, 2.5, 5, 1e9};
        for (size_t k = 0; k < LENGTH(split); k++) {
            double to = fmin(split[k], end_of(&i));
            if (to > from) expected += adaptive(smeared, &i, from, to, 1e-12);
            from = to;
        }
        assert_relative(t.counts[r], expected, 1e-8);
    }
    cev_arena_destroy(&arena);
    cev_scan_config_destroy(&config);
}

static void counting_holds_everything_above_threshold(void **state)
{
    (void)state;
    const char *const names[] = {"ess_ar", "ess_c3f8"};
    for (size_t k = 0; k < LENGTH(names); k++) {
        cev_scan_config *config = ess_config(names[k]);
        const cev_experiment *x = config->experiment[0];
        assert_rows_sum_to(x, x->response.parameter[CEV_RESPONSE_THRESHOLD_KEV], 1e-8);
        cev_scan_config_destroy(&config);
    }
}

static cev_experiment with_sharp_threshold(const cev_experiment *from, double threshold_keV, const double *edge,
                                           size_t n_bin)
{
    cev_experiment x = rebinned(from, edge, n_bin);
    for (size_t k = 0; k < cev_n_response_kinds; k++)
        if (!strcmp(cev_response_kinds[k]->card.name, "threshold")) x.response.kind = cev_response_kinds[k];
    x.response.parameter[CEV_RESPONSE_THRESHOLD_KEV] = threshold_keV;
    x.response.parameter[CEV_RESPONSE_ACCEPTANCE] = 0.5;
    return x;
}

static void sharp_bins_hold_what_is_between_their_edges(void **state)
{
    (void)state;
    const double edge[] = {1, 2, 5, 20, 400};
    cev_scan_config *config = ess_config("ess_si");
    cev_experiment x = with_sharp_threshold(config->experiment[0], 1, edge, 4);
    assert_rows_sum_to(&x, 1, 1e-9);
    cev_scan_config_destroy(&config);
}

static void a_sharp_threshold_inside_a_bin_cuts_it(void **state)
{
    (void)state;
    const double edge[] = {0, 2, 5, 20, 400};
    cev_scan_config *config = ess_config("ess_si");
    cev_experiment x = with_sharp_threshold(config->experiment[0], 1.3, edge, 4);
    assert_rows_sum_to(&x, 1.3, 1e-8);
    cev_scan_config_destroy(&config);
}

static double sum_of(const double *value, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += value[i];
    return sum;
}

static void standard_model_totals_are_those_of_the_study(void **state)
{
    (void)state;
    for (size_t k = 0; k < LENGTH(ess_detectors); k++) {
        const ess_detector *d = &ess_detectors[k];
        cev_scan_config *config = ess_config(d->name);
        cev_model *model = ess_model(config);
        const cev_experiment *x = config->experiment[0];
        double signal[3 * 100];
        assert_int_equal(x->bins.n_bin, d->n_bin);
        assert_ok(cev_model_signal(model, 0, config->theta, signal));
        assert_relative(sum_of(signal, x->source.kind->n_component * d->n_bin), d->signal, 1e-4);
        assert_int_equal(x->n_background, 1);
        assert_relative(sum_of(x->background[0].counts, d->n_bin), d->background, 1e-4);
        cev_model_destroy(&model);
        cev_scan_config_destroy(&config);
    }
}

static void first_bins_of_csi_are_those_of_the_study(void **state)
{
    (void)state;
    cev_scan_config *config = ess_config("ess_csi");
    cev_model *model = ess_model(config);
    double signal[3 * 20];
    const double expected[] = {1995.8, 2264.3, 2400.9};
    assert_ok(cev_model_signal(model, 0, config->theta, signal));
    for (size_t i = 0; i < LENGTH(expected); i++)
        assert_close(signal[i] + signal[20 + i] + signal[40 + i], expected[i], 0.051);
    cev_model_destroy(&model);
    cev_scan_config_destroy(&config);
}

/* Counts follow mass, and the share of a nucleus its number in the formula unit. */
static void counts_follow_the_number_of_nuclei(void **state)
{
    (void)state;
    cev_scan_config *config = ess_config("ess_c3f8");
    cev_arena *arena = new_arena();
    cev_experiment x = *config->experiment[0];
    cev_templates before, after;
    assert_ok(cev_templates_fold(arena, &x, nsi, config->theta, &before));
    const double per_unit[] = {6, 8};
    x.target.per_unit = per_unit;
    x.target.mass_kg *= 3;
    assert_ok(cev_templates_fold(arena, &x, nsi, config->theta, &after));
    for (size_t r = 0; r < before.n_row; r++)
        assert_relative(after.counts[r], (before.row[r].nucleus == 0 ? 6 : 3) * before.counts[r], 1e-13);
    cev_arena_destroy(&arena);
    cev_scan_config_destroy(&config);
}

static void the_largest_recoil_is_that_of_the_lightest_nucleus(void **state)
{
    (void)state;
    cev_scan_config *config = ess_config("ess_c3f8");
    const cev_experiment *x = config->experiment[0];
    double expected = 2 * pow(105.6583755 / 2, 2) / (12.01 * 931.49410242) * 1e3;
    assert_relative(cev_experiment_recoil_max_keV(&x->source, &x->target), expected, 1e-14);
    cev_scan_config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recoil_rate_is_the_flux_average),
        cmocka_unit_test(templates_of_csi_equal_direct_integration),
        cmocka_unit_test(templates_of_si_equal_direct_integration),
        cmocka_unit_test(bins_that_cover_everything_hold_the_whole_spectrum),
        cmocka_unit_test(a_wide_bin_equals_direct_integration),
        cmocka_unit_test(counting_holds_everything_above_threshold),
        cmocka_unit_test(sharp_bins_hold_what_is_between_their_edges),
        cmocka_unit_test(a_sharp_threshold_inside_a_bin_cuts_it),
        cmocka_unit_test(standard_model_totals_are_those_of_the_study),
        cmocka_unit_test(first_bins_of_csi_are_those_of_the_study),
        cmocka_unit_test(counts_follow_the_number_of_nuclei),
        cmocka_unit_test(the_largest_recoil_is_that_of_the_lightest_nucleus),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
