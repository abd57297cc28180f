/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pion decay at rest: normalisation, means, kinematics, fluence. */
#include "unit.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

#include "cevscan/constants.h"
#include "cevscan/source.h"

static const cev_source_kind *const kind = &cev_source_pion_decay_at_rest;

static size_t component(const char *name)
{
    for (size_t c = 0; c < kind->n_component; c++)
        if (!strcmp(kind->components[c].name, name)) return c;
    fail_msg("no component %s", name);
    return 0;
}

typedef struct moment {
    const cev_source_component *component;
    int power;
} moment;

static double integrand(double energy_MeV, void *context)
{
    const moment *m = context;
    cev_source source = {.kind = kind};
    return pow(energy_MeV, m->power) * m->component->spectrum_per_MeV(&source, energy_MeV);
}

static double moment_of(const char *name, int power)
{
    moment m = {&kind->components[component(name)], power};
    gsl_function f = {.function = integrand, .params = &m};
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(1000);
    double value, error;
    assert_int_equal(gsl_integration_qag(&f, m.component->energy_min_MeV, m.component->energy_max_MeV, 0, 1e-13, 1000,
                                         GSL_INTEG_GAUSS61, space, &value, &error),
                     GSL_SUCCESS);
    gsl_integration_workspace_free(space);
    return value;
}

static void spectra_are_normalised(void **state)
{
    (void)state;
    assert_close(moment_of("numubar", 0), 1, 1e-12);
    assert_close(moment_of("nu_e", 0), 1, 1e-12);
}

/* <E> = 7/20 and 3/10 of the muon's mass, <E^2> = 2/15 and 1/10 of its square. */
static void moments_are_those_of_the_michel_spectra(void **state)
{
    (void)state;
    double m = CEV_MUON_MASS_MEV;
    assert_relative(moment_of("numubar", 1), 7.0 / 20 * m, 1e-12);
    assert_relative(moment_of("nu_e", 1), 3.0 / 10 * m, 1e-12);
    assert_relative(moment_of("numubar", 2), 2.0 / 15 * m * m, 1e-12);
    assert_relative(moment_of("nu_e", 2), 1.0 / 10 * m * m, 1e-12);
}

static void spectra_vanish_where_they_must(void **state)
{
    (void)state;
    cev_source source = {.kind = kind};
    const cev_source_component *nu_e = &kind->components[component("nu_e")],
                               *numubar = &kind->components[component("numubar")];
    assert_true(nu_e->spectrum_per_MeV(&source, 0) == 0 && numubar->spectrum_per_MeV(&source, 0) == 0);
    assert_close(nu_e->spectrum_per_MeV(&source, nu_e->energy_max_MeV), 0, 1e-15);
    assert_relative(numubar->spectrum_per_MeV(&source, numubar->energy_max_MeV), 4 / CEV_MUON_MASS_MEV, 1e-13);
    for (double e = 0.5; e < CEV_MUON_MASS_MEV / 2; e += 0.5)
        assert_true(nu_e->spectrum_per_MeV(&source, e) > 0 && numubar->spectrum_per_MeV(&source, e) > 0);
}

static void endpoint_is_half_the_muon_mass(void **state)
{
    (void)state;
    const char *const names[] = {"numubar", "nu_e"};
    for (size_t k = 0; k < LENGTH(names); k++) {
        const cev_source_component *c = &kind->components[component(names[k])];
        assert_true(c->energy_min_MeV == 0);
        assert_close(c->energy_max_MeV, 52.829, 1e-3);
    }
}

/* At rest the pion's energy is shared by a neutrino and a muon of equal momentum. */
static void line_conserves_energy_and_momentum(void **state)
{
    (void)state;
    const cev_source_component *line = &kind->components[component("nu_mu")];
    double e = line->energy_max_MeV, m = CEV_MUON_MASS_MEV;
    assert_null(line->spectrum_per_MeV);
    assert_true(line->energy_min_MeV == e);
    assert_close(e, 29.79, 0.005);
    assert_relative(e + sqrt(e * e + m * m), CEV_CHARGED_PION_MASS_MEV, 1e-14);
}

static void flavours_are_those_of_the_decays(void **state)
{
    (void)state;
    assert_int_equal(kind->n_component, 3);
    assert_int_equal(kind->components[component("nu_mu")].flavour, CEV_FLAVOUR_MU);
    assert_int_equal(kind->components[component("numubar")].flavour, CEV_FLAVOUR_MU);
    assert_int_equal(kind->components[component("nu_e")].flavour, CEV_FLAVOUR_E);
}

static void set(cev_source *source, const char *name, double value)
{
    size_t p = cev_parameter_index(kind->card.parameters, kind->card.n_parameter, name);
    assert_true(p < kind->card.n_parameter);
    source->parameter[p] = value;
}

static cev_source ess(double protons, double years, double per_proton, double distance_m)
{
    cev_source source = {.kind = kind};
    cev_parameter_defaults(kind->card.parameters, kind->card.n_parameter, source.parameter);
    set(&source, "protons_per_year", protons);
    set(&source, "years", years);
    set(&source, "neutrinos_per_proton", per_proton);
    set(&source, "distance_m", distance_m);
    return source;
}

static void fluence_is_spread_over_a_sphere(void **state)
{
    (void)state;
    cev_source source = ess(2.8e23, 3, 0.3, 20), far = ess(2.8e23, 3, 0.3, 40), long_run = ess(2.8e23, 6, 0.3, 20);
    for (size_t c = 0; c < kind->n_component; c++) {
        double xi = kind->fluence_per_cm2(&source, c);
        assert_relative(xi, 2.52e23 / (4 * CEV_PI * 2000 * 2000), 1e-14);
        assert_relative(kind->fluence_per_cm2(&far, c), xi / 4, 1e-14);
        assert_relative(kind->fluence_per_cm2(&long_run, c), 2 * xi, 1e-14);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectra_are_normalised),
        cmocka_unit_test(moments_are_those_of_the_michel_spectra),
        cmocka_unit_test(spectra_vanish_where_they_must),
        cmocka_unit_test(endpoint_is_half_the_muon_mass),
        cmocka_unit_test(line_conserves_energy_and_momentum),
        cmocka_unit_test(flavours_are_those_of_the_decays),
        cmocka_unit_test(fluence_is_spread_over_a_sphere),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
