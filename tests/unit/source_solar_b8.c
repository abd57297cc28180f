/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Solar 8B neutrinos: the spectrum, its flavours, the fluence. */
#include "unit.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

#include "cevscan/constants.h"
#include "cevscan/oscillation.h"
#include "cevscan/source.h"

static const cev_source_kind *const kind = &cev_source_solar_b8;

static cev_source prepared(cev_arena *arena, const char *name, double value)
{
    cev_source source = {.kind = kind};
    cev_parameter_defaults(kind->card.parameters, kind->card.n_parameter, source.parameter);
    size_t p = cev_parameter_index(kind->card.parameters, kind->card.n_parameter, name);
    assert_true(p < kind->card.n_parameter);
    source.parameter[p] = value;
    assert_ok(cev_source_prepare(arena, &source));
    return source;
}

static double all_flavours(const cev_source *source, double energy_MeV)
{
    double sum = 0;
    for (size_t c = 0; c < kind->n_component; c++) sum += kind->components[c].spectrum_per_MeV(source, energy_MeV);
    return sum;
}

typedef struct moment {
    const cev_source *source;
    int power;
} moment;

static double integrand(double energy_MeV, void *context)
{
    const moment *m = context;
    return pow(energy_MeV, m->power) * all_flavours(m->source, energy_MeV);
}

static double moment_of(const cev_source *source, int power)
{
    moment m = {source, power};
    gsl_function f = {.function = integrand, .params = &m};
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(1000);
    double value, error;
    assert_int_equal(gsl_integration_qag(&f, 0, 16.5, 0, 1e-11, 1000, GSL_INTEG_GAUSS61, space, &value, &error),
                     GSL_SUCCESS);
    gsl_integration_workspace_free(space);
    return value;
}

/* Its mean energy is that of J. N. Bahcall et al., Phys. Rev. C 54 (1996) 411, to 6.7 MeV. */
static void spectrum_is_normalised(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    for (double earth = 0; earth <= 2; earth++) {
        cev_source source = prepared(arena, "earth", earth);
        assert_close(moment_of(&source, 0), 1,
                     2e-5); /* the table has seven digits, and a spline through it is another curve */
        assert_close(moment_of(&source, 1), 6.73, 0.03);
    }
    cev_arena_destroy(&arena);
}

static void flavours_add_up_to_the_spectrum(void **state)
{
    (void)state;
    static const double bahcall[][2] = {{1, 1.301967e-02},  {3, 7.220772e-02},  {5, 1.207918e-01},  {7, 1.305574e-01},
                                        {10, 7.732058e-02}, {13, 1.074026e-02}, {15, 9.615417e-05}, {16, 9.000141e-07}};
    cev_arena *arena = new_arena();
    cev_source day = prepared(arena, "earth", 0), night = prepared(arena, "earth", 1),
               unmixed = prepared(arena, "theta12_rad", 0.2);
    for (size_t k = 0; k < LENGTH(bahcall); k++) {
        assert_relative(all_flavours(&day, bahcall[k][0]), bahcall[k][1], 1e-12);
        assert_relative(all_flavours(&night, bahcall[k][0]), bahcall[k][1], 1e-12);
        assert_relative(all_flavours(&unmixed, bahcall[k][0]), bahcall[k][1], 1e-12);
    }
    for (double e = 0; e <= 16; e += 0.0371) assert_close(all_flavours(&day, e), all_flavours(&night, e), 1e-13);
    cev_arena_destroy(&arena);
}

/* Share by share: the probability of each flavour at its energy, between the knots too. */
static void shares_are_probabilities(void **state)
{
    (void)state;
    cev_solar_nights nights;
    cev_solar_nights_at(42.5, &nights);
    const cev_oscillation o = {0.583638, 0.149575, 0.85521, 3.40339, 7.42e-5, 2.51e-3, NULL};
    cev_arena *arena = new_arena();
    cev_source day = prepared(arena, "earth", 0), night = prepared(arena, "earth", 1),
               mean = prepared(arena, "earth", 2);
    for (double e = 0.3; e < 14; e += 0.313) {
        double by_day[CEV_N_FLAVOURS], at_night[CEV_N_FLAVOURS];
        cev_solar_probabilities(&o, e, by_day);
        cev_solar_probabilities_at_night(&o, e, &nights, at_night);
        for (size_t c = 0; c < kind->n_component; c++) {
            cev_flavour a = kind->components[c].flavour;
            double (*spectrum)(const cev_source *, double) = kind->components[c].spectrum_per_MeV;
            assert_close(spectrum(&day, e) / all_flavours(&day, e), by_day[a], 1e-4);
            assert_close(spectrum(&night, e) / all_flavours(&night, e), at_night[a],
                         1e-3); /* wiggles of chords, finer than knots */
            assert_close(spectrum(&mean, e), (spectrum(&day, e) + spectrum(&night, e)) / 2, 1e-15);
        }
    }
    cev_arena_destroy(&arena);
}

static void spectra_vanish_at_both_ends(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    cev_source source = prepared(arena, "earth", 2);
    assert_int_equal(kind->n_component, 3);
    for (size_t c = 0; c < kind->n_component; c++) {
        const cev_source_component *of = &kind->components[c];
        assert_int_equal(of->flavour, c);
        assert_true(of->energy_min_MeV == 0 && of->energy_max_MeV == 16.5);
        assert_true(of->spectrum_per_MeV(&source, 0) == 0 && of->spectrum_per_MeV(&source, 16.5) == 0);
        for (double e = 0.01; e < 16.5; e += 0.01) assert_true(of->spectrum_per_MeV(&source, e) >= 0);
    }
    cev_arena_destroy(&arena);
}

static void fluence_scales_with_flux_and_time(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    cev_source one = prepared(arena, "earth", 2), flux = prepared(arena, "flux_per_cm2_s", 5.25e6),
               time = prepared(arena, "live_years", 3), none = prepared(arena, "flux_per_cm2_s", 0);
    for (size_t c = 0; c < kind->n_component; c++) {
        double fluence = kind->fluence_per_cm2(&one, c);
        assert_relative(fluence, 5.46e6 * 31557600, 1e-14);
        assert_relative(kind->fluence_per_cm2(&flux, c), fluence * 5.25 / 5.46, 1e-14);
        assert_relative(kind->fluence_per_cm2(&time, c), fluence * 3, 1e-14);
        assert_true(kind->fluence_per_cm2(&none, c) == 0);
    }
    cev_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectrum_is_normalised),
        cmocka_unit_test(flavours_add_up_to_the_spectrum),
        cmocka_unit_test(shares_are_probabilities),
        cmocka_unit_test(spectra_vanish_at_both_ends),
        cmocka_unit_test(fluence_scales_with_flux_and_time),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
