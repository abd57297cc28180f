/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directions that chi2 does not tell, in words. */
#include "unit.h"

#include "cevscan/flat_directions.h"
#include "cevscan/interaction.h"

static cev_roster of_nsi(size_t n_profiled, cev_profiled *profiled, const char *const *name)
{
    cev_roster r = cev_roster_of(&cev_interaction_nsi);
    for (size_t k = 0; k < n_profiled; k++) {
        profiled[k].index = cev_roster_index(&r, name[k]);
        assert_true(profiled[k].index < cev_roster_n(&r));
    }
    r.n_profiled = n_profiled;
    r.profiled = profiled;
    return r;
}

static const char *const name[] = {"eps_ee_uV", "eps_ee_dV", "eps_mumu_uV", "eps_mumu_dV"};

static void assert_words(const cev_roster *r, const cev_flat_directions *f, size_t k, const char *expected)
{
    char text[CEV_FLAT_DIRECTION_SIZE];
    cev_flat_direction_text(r, f->along[k], text, sizeof text);
    assert_string_equal(text, expected);
}

static void a_direction_is_said_in_units_of_its_parameters(void **state)
{
    (void)state;
    cev_profiled profiled[] = {{.low = -1, .high = 1}, {.low = -0.5, .high = 0.5}};
    cev_roster r = of_nsi(2, profiled, name);
    /* 0.9 of the second's unit for one of the first's: 1.8 of its bounds, which are half as wide. */
    double norm = sqrt(1 + 1.8 * 1.8);
    cev_fitted_point point = {.n_flat = 1, .flat = {{-1 / norm, 1.8 / norm}}};
    cev_flat_directions f;
    cev_flat_directions_of(&r, &point, &f);
    assert_int_equal(f.n, 1);
    assert_true(f.along[0][0] == 1);
    assert_true(fabs(f.along[0][1] + 0.9) < 1e-12);
    assert_words(&r, &f, 0, "eps_ee_uV - 0.9 eps_ee_dV");
}

/* Two flavours whose directions a fit gives as any two combinations of them. */
static void mixed_directions_come_apart(void **state)
{
    (void)state;
    cev_profiled profiled[4];
    for (size_t k = 0; k < 4; k++) profiled[k] = (cev_profiled){.low = -1, .high = 1};
    cev_roster r = of_nsi(4, profiled, name);
    double e[4] = {0.6, -0.8, 0, 0}, mu[4] = {0, 0, 1 / sqrt(2), -1 / sqrt(2)};
    for (int turn = 0; turn < 12; turn++) {
        cev_fitted_point point = {.n_flat = 2};
        cev_flat_directions f;
        for (size_t k = 0; k < 4; k++) {
            point.flat[0][k] = cos(turn) * e[k] + sin(turn) * mu[k];
            point.flat[1][k] = -sin(turn) * e[k] + cos(turn) * mu[k];
        }
        cev_flat_directions_of(&r, &point, &f);
        assert_int_equal(f.n, 2);
        size_t of_e = f.along[0][0] == 0;
        assert_words(&r, &f, of_e, "0.75 eps_ee_uV - eps_ee_dV");
        assert_words(&r, &f, 1 - of_e, "eps_mumu_uV - eps_mumu_dV");
    }
}

static void a_parameter_that_does_nothing_stands_alone(void **state)
{
    (void)state;
    cev_profiled profiled[] = {{.low = -1, .high = 3}, {.low = -1, .high = 1}};
    cev_roster r = of_nsi(2, profiled, name);
    cev_fitted_point point = {.n_flat = 1, .flat = {{1e-9, -1}}}, none = {.n_flat = 0};
    cev_flat_directions f;
    cev_flat_directions_of(&r, &point, &f);
    assert_words(&r, &f, 0, "eps_ee_dV");
    cev_flat_directions_of(&r, &none, &f);
    assert_int_equal(f.n, 0);
}

/* A tiny first coefficient is neither what the others are counted in, nor said. */
static void the_largest_change_is_one(void **state)
{
    (void)state;
    cev_profiled profiled[3];
    for (size_t k = 0; k < 3; k++) profiled[k] = (cev_profiled){.low = -1, .high = 1};
    cev_roster r = of_nsi(3, profiled, name);
    cev_fitted_point point = {.n_flat = 1, .flat = {{2e-4, 0.8, -0.6}}};
    cev_flat_directions f;
    cev_flat_directions_of(&r, &point, &f);
    assert_true(fabs(f.along[0][1] - 1) < 1e-12);
    assert_words(&r, &f, 0, "eps_ee_dV - 0.75 eps_mumu_uV");
}

static void many_directions_are_counted(void **state)
{
    (void)state;
    static const char *const words[] =
        {"", "eps_ee_uV changes nothing", "eps_ee_uV; eps_ee_dV change nothing",
         "eps_ee_uV; eps_ee_dV; eps_mumu_uV change nothing",
         "4 directions among eps_ee_uV, eps_ee_dV, eps_mumu_uV and eps_mumu_dV change nothing: eps_ee_uV; eps_ee_dV; "
         "eps_mumu_uV; and 1 more"};
    cev_profiled profiled[4];
    for (size_t k = 0; k < 4; k++) profiled[k] = (cev_profiled){.low = -1, .high = 1};
    cev_roster r = of_nsi(4, profiled, name);
    for (size_t n = 0; n <= 4; n++) {
        cev_fitted_point point = {.n_flat = n};
        cev_flat_directions f;
        char text[CEV_FLAT_DIRECTIONS_SIZE];
        for (size_t k = 0; k < n; k++) point.flat[k][k] = 1;
        cev_flat_directions_of(&r, &point, &f);
        cev_flat_directions_text(&r, &f, text, sizeof text);
        assert_string_equal(text, words[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_direction_is_said_in_units_of_its_parameters),
        cmocka_unit_test(mixed_directions_come_apart),
        cmocka_unit_test(a_parameter_that_does_nothing_stands_alone),
        cmocka_unit_test(the_largest_change_is_one),
        cmocka_unit_test(many_directions_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
