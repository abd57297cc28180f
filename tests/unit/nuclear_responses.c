/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responses of the nuclear shell model, form factors of protons and neutrons apart, isotopes. */
#include "coherent.h"

#include "cevscan/nuclear_responses.h"

static cev_nucleus nucleus_of(const cev_nuclear_responses *r)
{
    double a = r->protons + r->neutrons;
    return (cev_nucleus){.name = "x",
                         .protons = r->protons,
                         .neutrons = r->neutrons,
                         .mass_u = a,
                         .rms_radius_p_fm = 4.8,
                         .rms_radius_n_fm = 5};
}

static const double rounding = 1e-3; /* of the published coefficients; 6e-4 in germanium, 4e-6 in iodine and caesium */

static double f_of(const cev_nuclear_responses *r)
{
    return 4 * M_PI / (r->twice_spin + 1);
}

/* 4 pi/(2J + 1) W_M^00(0) = A^2, W^01 = A (Z - N), W^11 = (Z - N)^2, to the digits that were published. */
static void table_is_normalised(void **state)
{
    (void)state;
    assert_true(cev_n_nuclear_responses >= 2);
    for (size_t k = 0; k < cev_n_nuclear_responses; k++) {
        const cev_nuclear_responses *r = &cev_nuclear_responses_table[k];
        double z = r->protons, n = r->neutrons, a = z + n, f = f_of(r);
        assert_relative(f * r->coherent[CEV_ISOSCALAR][0], a * a, rounding);
        assert_close(f * r->coherent[CEV_MIXED_ISOSPIN][0], a * (z - n), rounding * a * a);
        assert_close(f * r->coherent[CEV_ISOVECTOR][0], (z - n) * (z - n), rounding * a * a);
        if (z == 53 || z == 55) assert_relative(f * r->coherent[CEV_ISOSCALAR][0], a * a, 5e-6);
    }
}

/* At q = 0 the coherent response is Z^2, Z N, N^2, and the parts are divided by these. */
static void coherent_response_starts_at_one(void **state)
{
    (void)state;
    cev_form_factor f = form_factor_called("responses");
    for (size_t k = 0; k < cev_n_nuclear_responses; k++) {
        cev_nucleus x = nucleus_of(&cev_nuclear_responses_table[k]);
        cev_nuclear_response w = f.kind->coherent(&f, &x, 0);
        assert_close(w.pp, 1, rounding);
        assert_close(w.pn, 1, rounding);
        assert_close(w.nn, 1, rounding);
    }
}

/* The table's formula, written again with powers. */
static double written_out(const double *coefficient, double y)
{
    double sum = 0;
    for (int k = 0; k < CEV_RESPONSE_COEFFICIENTS; k++) sum += coefficient[k] * pow(y, k);
    return exp(-2 * y) * sum;
}

static void check_form(const cev_nuclear_responses *r, double q)
{
    cev_form_factor f = form_factor_called("responses");
    cev_nucleus x = nucleus_of(r);
    double z = r->protons, n = r->neutrons, a = z + n, b2 = 41.467 / (45 * pow(a, -1.0 / 3) - 25 * pow(a, -2.0 / 3)),
           y = q * q * b2 / 4;
    cev_nuclear_response w = f.kind->coherent(&f, &x, q), s = f.kind->axial(&f, &x, q);
    for (int k = 0; k < 5; k++) {
        double p = (double[]){1, 0, 1, 0.3, -2}[k], m = (double[]){0, 1, -1, 2, 0.7}[k], c0 = (p + m) / 2,
               c1 = (p - m) / 2, sum[2];
        for (int axial = 0; axial < 2; axial++) {
            const double(*c)[CEV_RESPONSE_COEFFICIENTS] = axial ? r->axial : r->coherent;
            sum[axial] = f_of(r) * (c0 * c0 * written_out(c[0], y) + 2 * c0 * c1 * written_out(c[1], y) +
                                    c1 * c1 * written_out(c[2], y));
        }
        double scale = a * a * (p * p + m * m);
        assert_close(p * p * z * z * w.pp + 2 * p * m * z * n * w.pn + m * m * n * n * w.nn, sum[0], 1e-12 * scale);
        assert_close(p * p * s.pp + 2 * p * m * s.pn + m * m * s.nn, sum[1], 1e-11 * (p * p + m * m));
    }
}

static void responses_follow_their_formula(void **state)
{
    (void)state;
    for (size_t k = 0; k < cev_n_nuclear_responses; k++)
        for (double q = 0; q < 0.6; q += 0.05) check_form(&cev_nuclear_responses_table[k], q);
}

/* No response lies above the one without nuclear structure, and |pn| is at most the mean of the others (a square of
 * amplitudes). */
static void coherent_responses_are_bounded(void **state)
{
    (void)state;
    cev_form_factor f = form_factor_called("responses");
    for (size_t k = 0; k < cev_n_nuclear_responses; k++)
        for (double q = 0; q < 0.5; q += 0.02) {
            cev_nucleus x = nucleus_of(&cev_nuclear_responses_table[k]);
            cev_nuclear_response w = f.kind->coherent(&f, &x, q);
            assert_true(w.pp > -1e-12 && w.nn > -1e-12 && w.pp < 1 + rounding && w.nn < 1 + rounding);
            assert_true(w.pn * w.pn <= w.pp * w.nn * (1 + 1e-2) + 1e-9);
        }
}

/* At q = 0 a spin that one nucleon carries: 4 pi/(2J + 1) W_S'(0) = (8/3) (J + 1)/J S^2 for unit coupling c_N = 2 a_N.
 * Only the sign and the scale are checked: protons carry it, in caesium and iodine. */
static void caesium_and_iodine_scatter_with_the_spin_of_protons(void **state)
{
    (void)state;
    cev_form_factor f = form_factor_called("responses");
    for (size_t k = 0; k < cev_n_nuclear_responses; k++) {
        const cev_nuclear_responses *r = &cev_nuclear_responses_table[k];
        cev_nucleus x = nucleus_of(r);
        cev_nuclear_response s = f.kind->axial(&f, &x, 0);
        if (r->twice_spin == 0) assert_true(s.pp == 0 && s.pn == 0 && s.nn == 0);
        if (r->protons == 55 || r->protons == 53) assert_true(s.pp > 0.01 && s.pp > 10 * s.nn);
        if (r->protons == 55) assert_relative(s.pp / s.nn, (0.370 / 0.003) * (0.370 / 0.003), 0.05);
    }
}

static void what_no_table_knows_is_unknown(void **state)
{
    (void)state;
    cev_form_factor f = form_factor_called("responses");
    const cev_nucleus cs = {.protons = 55, .neutrons = 78}, ar39 = {.protons = 18, .neutrons = 21},
                      swapped = {.protons = 78, .neutrons = 55};
    assert_true(f.kind->knows(&cs));
    assert_false(f.kind->knows(&ar39));
    assert_false(f.kind->knows(&swapped));
}

/* --- Helm ------------------------------------------------------------------------------------------------------- */

static double helm_written_out(double box2, double s, double q)
{
    double x = q * sqrt(box2);
    return 3 * (sin(x) - x * cos(x)) / (x * x * x) * exp(-q * q * s * s / 2);
}

static void protons_and_neutrons_have_radii_of_their_own(void **state)
{
    (void)state;
    cev_form_factor f = form_factor_called("helm");
    cev_nucleus cs = {.protons = 55, .neutrons = 78, .mass_u = 133, .rms_radius_p_fm = 4.80, .rms_radius_n_fm = 5.01};
    for (double q = 0.05; q < 0.6; q += 0.05) {
        double p = helm_written_out(5.0 / 3 * (4.80 * 4.80 - 3 * 0.81), 0.9, q),
               n = helm_written_out(5.0 / 3 * (5.01 * 5.01 - 3 * 0.81), 0.9, q);
        cev_nuclear_response w = f.kind->coherent(&f, &cs, q);
        assert_close(w.pp, p * p, 1e-13);
        assert_close(w.pn, p * n, 1e-13);
        assert_close(w.nn, n * n, 1e-13);
    }
    cs.rms_radius_n_fm = cs.rms_radius_p_fm;
    cev_nuclear_response w = f.kind->coherent(&f, &cs, 0.3);
    assert_true(w.pp == w.pn && w.pn == w.nn);
}

static void lewin_and_smith_fit_the_radius(void **state)
{
    (void)state;
    cev_form_factor f = form_factor_called("helm_lewin_smith");
    cev_nucleus cs = {.protons = 55, .neutrons = 78, .mass_u = 133, .rms_radius_p_fm = NAN, .rms_radius_n_fm = NAN};
    double c = 1.23 * cbrt(133) - 0.6, box2 = c * c + 7.0 / 3 * M_PI * M_PI * 0.52 * 0.52 - 5 * 0.81;
    for (double q = 0.05; q < 0.6; q += 0.05) {
        double expected = helm_written_out(box2, 0.9, q);
        cev_nuclear_response w = f.kind->coherent(&f, &cs, q);
        assert_close(w.pp, expected * expected, 1e-13);
        assert_true(w.pp == w.pn && w.pn == w.nn);
    }
    cev_nuclear_response none = cev_axial_at_recoil(&f, &cs, 5);
    assert_true(none.pp == 0 && none.pn == 0 && none.nn == 0);
}

/* --- isotopes --------------------------------------------------------------------------------------------------- */

static void isotopes_have_three_names(void **state)
{
    (void)state;
    const char *const names[] = {"Cs133", "Cs-133", "133Cs"}, *const wrong[] = {"",      "Cs",     "133",    "Cs134",
                                                                                "cs133", "Cs133x", "Cs 133", "Cs--133"};
    for (size_t k = 0; k < LENGTH(names); k++) {
        const cev_isotope *i = cev_isotope_find(names[k]);
        assert_non_null(i);
        assert_true(i->protons == 55 && i->neutrons == 78);
    }
    for (size_t k = 0; k < LENGTH(wrong); k++) assert_null(cev_isotope_find(wrong[k]));
}

/* Mass numbers agree with names, and masses with mass numbers: binding is less than 0.15 u. */
static void isotopes_weigh_what_they_should(void **state)
{
    (void)state;
    for (size_t k = 0; k < cev_n_isotopes; k++) {
        const cev_isotope *i = &cev_isotopes[k];
        int a = i->protons + i->neutrons;
        char number[8];
        snprintf(number, sizeof number, "%d", a);
        assert_string_equal(i->name + strcspn(i->name, "0123456789"), number);
        assert_true(i->mass_u > a - 0.15 && i->mass_u < a + 0.01);
        for (size_t j = 0; j < k; j++) assert_string_not_equal(cev_isotopes[j].name, i->name);
        assert_ptr_equal(cev_isotope_find(i->name), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_normalised),
        cmocka_unit_test(coherent_response_starts_at_one),
        cmocka_unit_test(responses_follow_their_formula),
        cmocka_unit_test(coherent_responses_are_bounded),
        cmocka_unit_test(caesium_and_iodine_scatter_with_the_spin_of_protons),
        cmocka_unit_test(what_no_table_knows_is_unknown),
        cmocka_unit_test(protons_and_neutrons_have_radii_of_their_own),
        cmocka_unit_test(lewin_and_smith_fit_the_radius),
        cmocka_unit_test(isotopes_have_three_names),
        cmocka_unit_test(isotopes_weigh_what_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
