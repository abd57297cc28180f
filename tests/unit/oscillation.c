/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flavour of solar neutrinos: limits, symmetries, and the numbers of another program. */
#include "unit.h"

#include "cevscan/constants.h"
#include "cevscan/oscillation.h"

static const cev_oscillation normal = {0.583638, 0.149575, 0.85521, 3.40339, 7.42e-5, 2.51e-3, NULL};
static const double latitude_deg = 28.15;

typedef struct flavours {
    double p[CEV_N_FLAVOURS];
} flavours;

static flavours day(const cev_oscillation *o, double energy_MeV)
{
    flavours f;
    cev_solar_probabilities(o, energy_MeV, f.p);
    return f;
}

static flavours night(const cev_oscillation *o, double energy_MeV, double latitude)
{
    flavours f;
    cev_solar_nights nights;
    cev_solar_nights_at(latitude, &nights);
    cev_solar_probabilities_at_night(o, energy_MeV, &nights, f.p);
    return f;
}

static cev_oscillation inverted(void)
{
    cev_oscillation o = normal;
    o.dm31_eV2 = -2.44e-3;
    return o;
}

/* |U_ei|^2 */
static void electron_shares(const cev_oscillation *o, double share[3])
{
    double c13 = cos(o->theta13_rad), s13 = sin(o->theta13_rad), c12 = cos(o->theta12_rad), s12 = sin(o->theta12_rad);
    share[0] = c12 * c12 * c13 * c13;
    share[1] = s12 * s12 * c13 * c13;
    share[2] = s13 * s13;
}

/* PEANUTS, arXiv:2303.15527: B16-GS98, latitude 28.15 N, depth 2400 m. Energy, then P_e, P_mu, P_tau by day and on
 * average. */
static const double reference[][7] = {
    {1.00, 0.52126, 0.19613, 0.28261, 0.52109, 0.19619, 0.28272},
    {2.00, 0.48621, 0.22307, 0.29072, 0.48615, 0.22309, 0.29076},
    {3.00, 0.45049, 0.25052, 0.29899, 0.45079, 0.25041, 0.29880},
    {4.00, 0.41778, 0.27566, 0.30656, 0.41876, 0.27531, 0.30594},
    {5.00, 0.39036, 0.29673, 0.31291, 0.39186, 0.29618, 0.31196},
    {6.00, 0.36868, 0.31339, 0.31793, 0.37104, 0.31253, 0.31644},
    {7.00, 0.35208, 0.32615, 0.32178, 0.35523, 0.32500, 0.31977},
    {8.00, 0.33951, 0.33580, 0.32469, 0.34371, 0.33427, 0.32202},
    {9.00, 0.32999, 0.34311, 0.32690, 0.33469, 0.34139, 0.32392},
    {10.00, 0.32273, 0.34869, 0.32859, 0.32844, 0.34660, 0.32497},
    {11.00, 0.31711, 0.35300, 0.32989, 0.32374, 0.35057, 0.32570},
    {12.50, 0.31087, 0.35779, 0.33135, 0.31877, 0.35488, 0.32636},
    {14.00, 0.30641, 0.36121, 0.33239, 0.31532, 0.35791, 0.32679},
    {16.00, 0.30222, 0.36441, 0.33337, 0.31231, 0.36069, 0.32703},
};

static void days_are_those_of_another_program(void **state)
{
    (void)state;
    for (size_t k = 0; k < LENGTH(reference); k++) {
        flavours f = day(&normal, reference[k][0]);
        for (int a = 0; a < CEV_N_FLAVOURS; a++) assert_close(f.p[a], reference[k][1 + a], 2e-4);
    }
}

static void averages_are_those_of_another_program(void **state)
{
    (void)state;
    for (size_t k = 0; k < LENGTH(reference); k++) {
        flavours d = day(&normal, reference[k][0]), n = night(&normal, reference[k][0], latitude_deg);
        for (int a = 0; a < CEV_N_FLAVOURS; a++) assert_close((d.p[a] + n.p[a]) / 2, reference[k][4 + a], 4e-4);
    }
}

/* All energies, orderings and latitudes. */
static void probabilities_are_probabilities(void **state)
{
    (void)state;
    const cev_oscillation of[] = {normal,
                                  inverted(),
                                  {0, 0, 0, 0, 7e-5, 2.5e-3, NULL},
                                  {1.57, 0.7, 0.3, 6, 1e-9, 1, NULL},
                                  {0.6, 0.15, 0.8, 1, 7e-5, 7e-5, NULL},
                                  {0.6, 0.15, 0.8, 1, 7e-5, 0, NULL},
                                  {-3, 5, -7, 7, 1, -1, NULL}};
    const double latitude[] = {-90, 0, 28.15, 42.5, 66.6, 90};
    for (size_t k = 0; k < LENGTH(of); k++)
        for (double e = 0.02; e < 20.5; e *= 1.3) {
            double share[3];
            cev_solar_mass_shares(&of[k], e, share);
            assert_close(share[0] + share[1] + share[2], 1, 1e-12);
            for (size_t l = 0; l <= LENGTH(latitude); l++) {
                flavours f = l ? night(&of[k], e, latitude[l - 1]) : day(&of[k], e);
                assert_close(f.p[0] + f.p[1] + f.p[2], 1, 1e-12);
                for (int a = 0; a < CEV_N_FLAVOURS; a++) assert_true(f.p[a] >= -1e-15 && f.p[a] <= 1 + 1e-15);
            }
        }
}

/* Where matter does nothing, the eigenstates are those of the vacuum: P_e = sum |U_ei|^4. */
static void low_energies_oscillate_in_vacuum(void **state)
{
    (void)state;
    const cev_oscillation of[] = {normal, inverted()};
    for (size_t k = 0; k < LENGTH(of); k++) {
        double share[3], expected[3];
        cev_solar_mass_shares(&of[k], 1e-6, share);
        electron_shares(&of[k], expected);
        for (int i = 0; i < 3; i++) assert_close(share[i], expected[i], 1e-6);
        flavours f = day(&of[k], 1e-6), n = night(&of[k], 1e-6, latitude_deg);
        assert_close(f.p[0], expected[0] * expected[0] + expected[1] * expected[1] + expected[2] * expected[2], 1e-6);
        for (int a = 0; a < CEV_N_FLAVOURS; a++) assert_close(n.p[a], f.p[a], 1e-6);
    }
}

/* Where matter is all: an electron neutrino is the heavier of two states, and leaves as nu_2 (of three, past the second
 * resonance, nu_3). */
static void high_energies_leave_as_the_heavier_state(void **state)
{
    (void)state;
    cev_oscillation o = {.theta12_rad = 0.583638, .theta23_rad = 0.85521, .dm21_eV2 = 7.42e-5, .dm31_eV2 = 10};
    double share[3], s12 = sin(o.theta12_rad);
    cev_solar_mass_shares(&o, 1e4, share);
    assert_close(share[1], 1, 1e-5);
    assert_close(day(&o, 1e4).p[0], s12 * s12, 1e-5);
    cev_solar_mass_shares(&normal, 1e8, share);
    assert_close(share[2], 1, 1e-5);
    o = inverted();
    cev_solar_mass_shares(&o, 1e8, share);
    assert_close(share[1], 1, 1e-5);
}

/* Between the two limits the heavier share only grows. */
static void the_resonance_is_passed_once(void **state)
{
    (void)state;
    double last = 0;
    for (double e = 0.02; e < 20; e *= 1.1) {
        double share[3];
        cev_solar_mass_shares(&normal, e, share);
        assert_true(share[1] > last);
        last = share[1];
    }
}

/* Without theta13 the third state is never made, and what its mass is does not matter. */
static void ordering_needs_the_third_state(void **state)
{
    (void)state;
    cev_oscillation a = normal, b = inverted();
    for (double e = 1; e < 17; e += 3) {
        double difference = fabs(day(&a, e).p[0] - day(&b, e).p[0]);
        assert_true(difference > 1e-6 && difference < 5e-3);
    }
    a.theta13_rad = b.theta13_rad = 0;
    for (double e = 1; e < 17; e += 3)
        for (int f = 0; f < CEV_N_FLAVOURS; f++) assert_close(day(&a, e).p[f], day(&b, e).p[f], 1e-12);
    double share[3];
    cev_solar_mass_shares(&a, 5, share);
    assert_close(share[2], 0, 1e-15);
}

static void the_phase_tells_muons_from_taus_only(void **state)
{
    (void)state;
    cev_oscillation o = normal;
    o.delta_rad = 1;
    for (double e = 0.5; e < 17; e += 3) {
        flavours a = day(&normal, e), b = day(&o, e);
        assert_close(a.p[0], b.p[0], 1e-12);
        assert_close(a.p[1] + a.p[2], b.p[1] + b.p[2], 1e-12);
        assert_true(fabs(a.p[1] - b.p[1]) > 1e-3);
    }
    o.delta_rad = normal.delta_rad + 2 * CEV_PI;
    for (int a = 0; a < CEV_N_FLAVOURS; a++) assert_close(day(&o, 8).p[a], day(&normal, 8).p[a], 1e-12);
}

/* With theta23 and theta13 = 0 muons and taus change places as theta23 goes to pi/2 - theta23. */
static void muons_and_taus_change_places(void **state)
{
    (void)state;
    cev_oscillation o = {.theta12_rad = 0.58, .theta23_rad = 0.6, .dm21_eV2 = 7.42e-5, .dm31_eV2 = 2.51e-3}, other = o;
    other.theta23_rad = CEV_PI / 2 - o.theta23_rad;
    for (double e = 0.5; e < 17; e += 3) {
        assert_close(day(&o, e).p[1], day(&other, e).p[2], 1e-12);
        assert_close(night(&o, e, latitude_deg).p[1], night(&other, e, latitude_deg).p[2], 1e-12);
    }
}

/* What is left of the oscillations along the paths after a year is no more than a ripple: sums over too few paths have
 * more. */
static void nights_are_smooth_in_energy(void **state)
{
    (void)state;
    for (double e = 3; e < 14; e += 0.05) {
        double middle = night(&normal, e, latitude_deg).p[0], a = night(&normal, e - 0.2, latitude_deg).p[0],
               b = night(&normal, e + 0.2, latitude_deg).p[0];
        assert_close(middle, (a + b) / 2, 1e-3);
    }
}

static void electrons_come_back_at_night(void **state)
{
    (void)state;
    for (double e = 4; e < 17; e += 1) assert_true(night(&normal, e, latitude_deg).p[0] > day(&normal, e).p[0] + 1e-3);
    assert_close(night(&normal, 10, latitude_deg).p[0] - day(&normal, 10).p[0], 0.0115, 5e-4);
    flavours south = night(&normal, 10, -latitude_deg), north = night(&normal, 10, latitude_deg),
             pole = night(&normal, 10, 90);
    for (int a = 0; a < CEV_N_FLAVOURS; a++)
        assert_close(south.p[a], north.p[a], 1e-9); /* a year knows no hemisphere */
    assert_true(fabs(pole.p[0] - north.p[0]) > 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_those_of_another_program),
        cmocka_unit_test(averages_are_those_of_another_program),
        cmocka_unit_test(probabilities_are_probabilities),
        cmocka_unit_test(low_energies_oscillate_in_vacuum),
        cmocka_unit_test(high_energies_leave_as_the_heavier_state),
        cmocka_unit_test(the_resonance_is_passed_once),
        cmocka_unit_test(ordering_needs_the_third_state),
        cmocka_unit_test(the_phase_tells_muons_from_taus_only),
        cmocka_unit_test(muons_and_taus_change_places),
        cmocka_unit_test(nights_are_smooth_in_energy),
        cmocka_unit_test(electrons_come_back_at_night),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
