/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms of the interactions: the coefficients are linear in them, and their derivatives are those of differences. */
#include "unit.h"

#include "cevscan/interaction.h"

static const cev_nucleus nuclei[] = {{"Cs", 55, 78, 132.91, 4.83, 4.83},
                                     {"Si", 14, 14, 27.98, 3.12, 3.12},
                                     {"Xe129", 54, 75, 129, 4.7, 4.9},
                                     {"Ar", 18, 22, 39.95, 3.4, 3.4},
                                     {"H", 1, 0, 1.008, 0.8, 0}};
enum { N_DRAWS = 40, MOST_PARAMETERS = CEV_MAX_MODEL_PARAMETERS };

typedef struct derivatives {
    double first[MOST_PARAMETERS * CEV_MAX_FORMS], second[MOST_PARAMETERS * MOST_PARAMETERS * CEV_MAX_FORMS];
} derivatives;

/* Where every parameter matters: a coupling of order one, a scale of the order of its coefficient. */
static double draw(gsl_rng *r, const cev_parameter *p)
{
    if (p->unit[0] == 'G' && p->not_zero) return chance(r, 0.5) ? uniform(r, 150, 400) : uniform(r, -400, -150);
    if (!strcmp(p->unit, "GeV^-2")) return uniform(r, -3e-5, 3e-5);
    double low = p->minimum < -1 ? -1 : p->minimum, high = p->maximum > 1 ? 1 : p->maximum;
    return isnan(p->default_value) ? NAN : uniform(r, low, high);
}

static void draw_theta(gsl_rng *r, const cev_interaction *of, double *theta)
{
    for (size_t p = 0; p < of->card.n_parameter; p++) theta[p] = draw(r, &of->card.parameters[p]);
}

/* The interactions, and what they are where sources propagate neutrinos with them. */
static size_t all_interactions(cev_arena *arena, const cev_interaction **of)
{
    size_t n = 0;
    for (size_t k = 0; k < cev_n_interactions; k++) {
        of[n++] = cev_interactions[k];
        if (cev_interactions[k]->quark_couplings)
            assert_ok(cev_interaction_in_matter(arena, cev_interactions[k], &of[n++]));
    }
    return n;
}

static void assert_weights_make_coefficients(const cev_interaction *of, const cev_nucleus *nucleus, cev_flavour flavour,
                                             const double *theta)
{
    const cev_forms *forms = of->forms;
    double form[CEV_MAX_FORMS], weight[CEV_MAX_TERMS * CEV_MAX_FORMS];
    cev_lanes block[MOST_PARAMETERS], coefficient[CEV_MAX_TERMS];
    for (size_t p = 0; p < of->card.n_parameter; p++) block[p] = theta[p] - (cev_lanes){0};
    of->coefficients(nucleus, flavour, block, coefficient);
    forms->value(theta, form);
    forms->weights(nucleus, flavour, weight);
    for (size_t k = 0; k < of->n_term; k++) {
        double sum = 0, size = 0;
        for (size_t f = 0; f < forms->n; f++) sum += weight[k * forms->n + f] * form[f];
        for (size_t f = 0; f < forms->n; f++) size += fabs(weight[k * forms->n + f] * form[f]);
        if (!(fabs(sum - coefficient[k][0]) <= 1e-13 * size))
            fail_msg("%s, %s, flavour %d, term %zu: coefficient %.17g, forms %.17g", of->card.name, nucleus->name,
                     (int)flavour, k, coefficient[k][0], sum);
    }
}

static void coefficients_are_weights_times_forms(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    cev_arena *arena = new_arena();
    const cev_interaction *of[2 * CEV_MAX_KINDS];
    size_t n = all_interactions(arena, of);
    for (size_t k = 0; k < n; k++) {
        assert_non_null(of[k]->forms);
        assert_true(of[k]->forms->n <= CEV_MAX_FORMS);
        double theta[MOST_PARAMETERS];
        cev_parameter_defaults(of[k]->card.parameters, of[k]->card.n_parameter, theta);
        for (size_t d = 0; d < N_DRAWS; d++) {
            for (size_t i = 0; i < LENGTH(nuclei); i++)
                for (int a = 0; a < CEV_N_FLAVOURS; a++)
                    assert_weights_make_coefficients(of[k], &nuclei[i], (cev_flavour)a, theta);
            draw_theta(r, of[k], theta);
        }
    }
    cev_arena_destroy(&arena);
    gsl_rng_free(r);
}

/* --- derivatives ------------------------------------------------------------------------------------------------- */

/* By how much a parameter is varied: a small share of what changes the forms by as much as they are. */
static double step_of(const cev_parameter *p, double value)
{
    double scale = !strcmp(p->unit, "GeV^-2") ? 1e-5 : p->not_zero ? fabs(value) : 1;
    return 3e-4 * scale;
}

/* A central difference of fourth order of what `of` writes to out[n], along parameter p. */
static void difference(const cev_interaction *x, void (*of)(const cev_interaction *, const double *, double *),
                       const double *theta, size_t p, size_t n, double *out)
{
    static const double place[4] = {-2, -1, 1, 2}, weight[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    double h = step_of(&x->card.parameters[p], theta[p]), at[MOST_PARAMETERS], value[MOST_PARAMETERS * CEV_MAX_FORMS];
    memcpy(at, theta, x->card.n_parameter * sizeof *at);
    for (size_t i = 0; i < n; i++) out[i] = 0;
    for (size_t k = 0; k < 4; k++) {
        at[p] = theta[p] + place[k] * h;
        of(x, at, value);
        for (size_t i = 0; i < n; i++) out[i] += weight[k] * value[i] / h;
    }
}

static void values(const cev_interaction *x, const double *theta, double *out)
{
    x->forms->value(theta, out);
}

static void derive(const cev_interaction *x, const double *theta, derivatives *out)
{
    size_t asked[MOST_PARAMETERS] = {0};
    for (size_t p = 0; p < x->card.n_parameter; p++) asked[p] = p;
    x->forms->derivatives(theta, x->card.n_parameter, asked, out->first, out->second);
}

static void first_derivatives(const cev_interaction *x, const double *theta, double *out)
{
    static derivatives d;
    derive(x, theta, &d);
    memcpy(out, d.first, x->card.n_parameter * x->forms->n * sizeof *out);
}

static void assert_same_slopes(const cev_interaction *x, const double *analytic, const double *numeric, size_t p,
                               double unit)
{
    for (size_t f = 0; f < x->forms->n; f++)
        if (!(fabs(analytic[f] - numeric[f]) <= 1e-9 * unit))
            fail_msg("%s, %s, form %zu: analytic %.12g, difference %.12g", x->card.name, x->card.parameters[p].name, f,
                     analytic[f], numeric[f]);
}

static void assert_derivatives(const cev_interaction *x, const double *theta)
{
    static derivatives d;
    size_t n = x->card.n_parameter, n_form = x->forms->n;
    double numeric[MOST_PARAMETERS * CEV_MAX_FORMS];
    derive(x, theta, &d);
    for (size_t p = 0; p < n; p++) {
        double h = step_of(&x->card.parameters[p], theta[p]) / 3e-4;
        if (isnan(theta[p])) {
            for (size_t k = 0; k < n_form; k++) assert_true(d.first[p * n_form + k] == 0);
            continue;
        }
        difference(x, values, theta, p, n_form, numeric);
        assert_same_slopes(x, d.first + p * n_form, numeric, p, 1 / h);
        difference(x, first_derivatives, theta, p, n * n_form, numeric);
        for (size_t q = 0; q < n; q++) {
            double h_q = isnan(theta[q]) ? 1 : step_of(&x->card.parameters[q], theta[q]) / 3e-4;
            assert_same_slopes(x, d.second + (p * n + q) * n_form, numeric + q * n_form, p, 1 / (h * h_q));
        }
    }
}

static void derivatives_are_those_of_differences(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(2);
    for (size_t k = 0; k < cev_n_interactions; k++)
        for (size_t d = 0; d < 5; d++) {
            double theta[MOST_PARAMETERS];
            draw_theta(r, cev_interactions[k], theta);
            assert_derivatives(cev_interactions[k], theta);
        }
    gsl_rng_free(r);
}

/* A selection in any order has the derivatives of all, and the slow parameters have none. */
static void derivatives_are_of_the_parameters_that_are_asked_for(void **state)
{
    (void)state;
    static derivatives all, some;
    gsl_rng *r = random_numbers(3);
    for (size_t k = 0; k < cev_n_interactions; k++) {
        const cev_interaction *x = cev_interactions[k];
        size_t n = x->card.n_parameter, n_form = x->forms->n, asked[4];
        double theta[MOST_PARAMETERS];
        draw_theta(r, x, theta);
        derive(x, theta, &all);
        for (size_t i = 0; i < LENGTH(asked); i++) asked[i] = (n - 1 - 5 * i + whole(r, 0, 1) * n) % n;
        x->forms->derivatives(theta, LENGTH(asked), asked, some.first, some.second);
        for (size_t i = 0; i < LENGTH(asked); i++)
            for (size_t f = 0; f < n_form; f++) {
                assert_same_bits(some.first[i * n_form + f], all.first[asked[i] * n_form + f]);
                for (size_t j = 0; j < LENGTH(asked); j++)
                    assert_same_bits(some.second[(i * LENGTH(asked) + j) * n_form + f],
                                     all.second[(asked[i] * n + asked[j]) * n_form + f]);
            }
        for (size_t p = 0; p < n; p++)
            for (size_t f = 0; f < n_form && x->card.parameters[p].slow; f++)
                assert_true(all.first[p * n_form + f] == 0);
    }
    gsl_rng_free(r);
}

/* At its defaults a scale is infinite and a coupling zero. */
static void derivatives_are_finite_at_the_standard_model(void **state)
{
    (void)state;
    static derivatives d;
    for (size_t k = 0; k < cev_n_interactions; k++) {
        const cev_interaction *x = cev_interactions[k];
        size_t n = x->card.n_parameter, n_form = x->forms->n;
        double theta[MOST_PARAMETERS];
        cev_parameter_defaults(x->card.parameters, n, theta);
        derive(x, theta, &d);
        for (size_t i = 0; i < n * n_form; i++) assert_true(isfinite(d.first[i]));
        for (size_t i = 0; i < n * n * n_form; i++) assert_true(isfinite(d.second[i]));
        for (size_t p = 0; p < n; p++)
            for (size_t f = 0; f < n_form && isinf(theta[p]); f++) assert_true(d.first[p * n_form + f] == 0);
    }
}

/* --- matrices ---------------------------------------------------------------------------------------------------- */

/* y_ab from the names of the couplings. */
static size_t coupling(size_t a, size_t b, char quark)
{
    static const char *const name_of[CEV_N_FLAVOURS] = {"e", "mu", "tau"};
    char name[64];
    snprintf(name, sizeof name, "eps_%s%s_%cV", name_of[a < b ? a : b], name_of[a < b ? b : a], quark);
    return cev_parameter_index(cev_interaction_nsi.card.parameters, cev_interaction_nsi.card.n_parameter, name);
}

static void matrices_are_sums_over_vectors(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(4);
    const cev_forms *forms = cev_interaction_nsi.forms;
    assert_true(forms->matrices);
    for (size_t d = 0; d < N_DRAWS; d++) {
        double theta[MOST_PARAMETERS], form[CEV_MAX_FORMS], y0[2];
        draw_theta(r, &cev_interaction_nsi, theta);
        forms->value(theta, form);
        forms->origin_at(theta, y0);
        for (size_t a = 0; a < CEV_N_FLAVOURS; a++) {
            double s[3] = {0};
            for (size_t b = 0; b < 3; b++) {
                double u = theta[forms->vector[a][b][0]] + forms->origin[a][b] * y0[0],
                       v = theta[forms->vector[a][b][1]] + forms->origin[a][b] * y0[1];
                s[0] += u * u, s[1] += u * v, s[2] += v * v;
            }
            for (size_t k = 0; k < 3; k++) assert_close(form[3 * a + k], s[k], 1e-14);
        }
    }
    gsl_rng_free(r);
}

static void vectors_are_the_couplings_of_their_flavours(void **state)
{
    (void)state;
    const cev_forms *forms = cev_interaction_nsi.forms;
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++)
        for (size_t b = 0; b < CEV_N_FLAVOURS; b++) {
            assert_int_equal(forms->vector[a][b][0], coupling(a, b, 'u'));
            assert_int_equal(forms->vector[a][b][1], coupling(a, b, 'd'));
            assert_int_equal(forms->origin[a][b], a == b);
        }
}

/* Couplings of quarks that give protons and neutrons those of the Z boson. */
static void origin_is_the_standard_model(void **state)
{
    (void)state;
    double theta[MOST_PARAMETERS] = {NSI_STANDARD_MODEL}, y0[2];
    cev_interaction_nsi.forms->origin_at(theta, y0);
    assert_close(2 * y0[0] + y0[1], 0.5 - 2 * 0.23867, 1e-15);
    assert_close(y0[0] + 2 * y0[1], -0.5, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coefficients_are_weights_times_forms),
        cmocka_unit_test(derivatives_are_those_of_differences),
        cmocka_unit_test(derivatives_are_of_the_parameters_that_are_asked_for),
        cmocka_unit_test(derivatives_are_finite_at_the_standard_model),
        cmocka_unit_test(matrices_are_sums_over_vectors),
        cmocka_unit_test(vectors_are_the_couplings_of_their_flavours),
        cmocka_unit_test(origin_is_the_standard_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
