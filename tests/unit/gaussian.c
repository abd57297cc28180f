/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gaussian channels: pulls in closed form, and together with Poisson channels. */
#include "fit_problem.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multimin.h>

static const problem_kind usual = {.most_sigma = 1, .empty_bins = 0.1, .empty_components = 0.05};

/* Data of either sign, and variances of all sizes. */
static void make_gaussian(gsl_rng *r, fit_problem *p, size_t c)
{
    p->gaussian[c] = 1;
    for (size_t i = 0; i < p->n_bin[c]; i++) {
        double scale = 1;
        for (size_t k = 0; k < p->n_background[c]; k++) scale += p->background[c][k * p->n_bin[c] + i];
        p->data[c][i] = scale * uniform(r, -1, 2);
        p->variance[c][i] = scale * log_uniform(r, 0.1, 10);
    }
}

static void random_gaussian(gsl_rng *r, fit_problem *p)
{
    random_problem(r, &usual, p);
    for (size_t c = 0; c < p->n_channel; c++) make_gaussian(r, p, c);
}

static const long double none[MOST_PULLS];

/* The minimum by the slow way (Newton in long double), and how much chi2 and pulls may differ from it. */
static void check_lane(const fit_problem *p, const fit_answer *answer, int l, double tolerance)
{
    long double pull[MOST_PULLS];
    double expected = slow_minimum(p, l, none, pull);
    assert_int_equal(answer->status[l], CEV_POINT_OK);
    assert_close(answer->chi2[l], expected, tolerance * fmax(1, expected));
    for (size_t a = 0; a < p->n_pull; a++) pull[a] = answer->pull[l][a];
    assert_close((double)value_at(p, l, pull, 0), expected,
                 tolerance * fmax(1, expected)); /* the pulls are those of the minimum */
}

static void closed_form_is_the_minimum(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(11);
    static fit_problem p;
    fit_answer answer;
    for (int k = 0; k < 300; k++) {
        random_gaussian(r, &p);
        solve(&p, &answer);
        for (int l = 0; l < CEV_LANES; l++) check_lane(&p, &answer, l, 1e-10);
    }
    gsl_rng_free(r);
}

typedef struct minimised {
    const fit_problem *p;
    int lane;
} minimised;

static double of_vector(const gsl_vector *x, void *context)
{
    const minimised *m = context;
    long double pull[MOST_PULLS] = {0};
    for (size_t a = 0; a < x->size; a++) pull[a] = gsl_vector_get(x, a) * m->p->sigma[a];
    return (double)value_at(m->p, m->lane, pull, 0);
}

/* A third way, that knows no derivatives. */
static double simplex_minimum(const fit_problem *p, int lane)
{
    minimised m = {p, lane};
    gsl_multimin_function f = {.f = of_vector, .n = p->n_pull, .params = &m};
    gsl_vector *x = gsl_vector_calloc(p->n_pull), *step = gsl_vector_alloc(p->n_pull);
    gsl_multimin_fminimizer *simplex = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, p->n_pull);
    double value = INFINITY;
    for (int start = 0; start < 5; start++) {
        gsl_vector_set_all(step, start ? 0.1 : 1);
        gsl_multimin_fminimizer_set(simplex, &f, x, step);
        for (int k = 0; k < 4000 && gsl_multimin_fminimizer_size(simplex) > 1e-11; k++)
            gsl_multimin_fminimizer_iterate(simplex);
        gsl_vector_memcpy(x, simplex->x);
        value = fmin(value, simplex->fval);
    }
    gsl_multimin_fminimizer_free(simplex);
    gsl_vector_free(x);
    gsl_vector_free(step);
    return value;
}

static void closed_form_is_the_minimum_of_a_simplex(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(12);
    static fit_problem p;
    fit_answer answer;
    for (int k = 0; k < 40; k++) {
        do random_gaussian(r, &p);
        while (p.n_pull < 1 || p.n_pull > 3);
        solve(&p, &answer);
        double slow = simplex_minimum(&p, 1);
        assert_close(answer.chi2[1], slow, 1e-9 * fmax(1, slow));
        assert_true(answer.chi2[1] <= slow * (1 + 1e-12) + 1e-12);
    }
    gsl_rng_free(r);
}

/* One bin, one pull on the signal: chi2 = (N - D)^2/(V + (sigma S)^2). */
static void one_bin_is_solved_by_hand(void **state)
{
    (void)state;
    const double signal[] = {10, 0.5, 1e4, 1e-3}, data[] = {-4, 3, 1.1e4, 0}, variance[] = {9, 0.25, 1e3, 1},
                 sigma[] = {0.1, 2, 0.05, 1};
    for (size_t k = 0; k < LENGTH(signal); k++) {
        fit_problem p = {.n_channel = 1, .n_bin = {1}, .n_pull = 1, .gaussian = {1}};
        fit_answer answer;
        p.data[0][0] = data[k], p.variance[0][0] = variance[k], p.sigma[0] = sigma[k];
        for (int l = 0; l < CEV_LANES; l++) p.signal[l][0][0] = signal[k];
        add_link(&p, 0, 0, 0);
        solve(&p, &answer);
        double miss = data[k] - signal[k], whole_variance = variance[k] + pow(sigma[k] * signal[k], 2);
        for (int l = 0; l < CEV_LANES; l++) {
            assert_relative(answer.chi2[l], miss * miss / whole_variance, 1e-12);
            assert_close(answer.pull[l][0], miss * signal[k] * sigma[k] * sigma[k] / whole_variance, 1e-12);
        }
    }
}

/* Without pulls chi2 is the plain sum; with a pull of no freedom, too. */
static void without_freedom_chi2_is_the_sum(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(13);
    static fit_problem p;
    fit_answer answer;
    for (int k = 0; k < 100; k++) {
        random_gaussian(r, &p);
        p.n_pull = p.n_link = 0;
        if (k & 1) {
            p.n_pull = 1, p.sigma[0] = 1e-13;
            add_link(&p, 0, 0, 0);
        }
        solve(&p, &answer);
        for (int l = 0; l < CEV_LANES; l++) {
            double plain = (double)value_at(&p, l, none, 0);
            assert_close(answer.chi2[l], plain, (k & 1 ? 1e-7 : 1e-12) * fmax(1, plain));
        }
    }
    gsl_rng_free(r);
}

/* Predictions below zero: a pull of -3 on the signal is no trouble to a Gaussian. */
static void predictions_may_be_negative(void **state)
{
    (void)state;
    fit_problem p = {.n_channel = 1, .n_bin = {3}, .n_pull = 1, .gaussian = {1}};
    fit_answer answer;
    for (size_t i = 0; i < 3; i++) {
        p.data[0][i] = -100, p.variance[0][i] = 1;
        for (int l = 0; l < CEV_LANES; l++) p.signal[l][0][i] = 10;
    }
    p.sigma[0] = 100;
    add_link(&p, 0, 0, 0);
    solve(&p, &answer);
    assert_int_equal(answer.status[0], CEV_POINT_OK);
    assert_close(answer.pull[0][0], -11, 1e-3);
    check_lane(&p, &answer, 0, 1e-10);
}

/* A group in which Gaussian and Poisson channels hang on common pulls. */
static void mixed_groups_against_brute_force(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(14);
    static fit_problem p;
    fit_answer answer;
    int compared = 0;
    for (int k = 0; k < 200; k++) {
        const problem_kind full = {.most_sigma = 0.3, .empty_bins = 0, .empty_components = 0};
        do random_problem(r, &full, &p);
        while (p.n_channel < 2 || p.n_pull < 1);
        for (size_t c = 0; c < p.n_channel; c += 2) make_gaussian(r, &p, c);
        for (size_t c = 0; c < p.n_channel; c++)
            if (!has_link(&p, 0, c, 0)) add_link(&p, 0, c, 0); /* all in one group */
        solve(&p, &answer);
        assert_int_equal(answer.n_group, 1);
        for (int l = 0; l < CEV_LANES; l++) {
            if (answer.status[l] != CEV_POINT_OK) continue;
            check_lane(&p, &answer, l, 1e-9);
            compared++;
        }
    }
    assert_true(compared > 200 * CEV_LANES * 9 / 10);
    gsl_rng_free(r);
}

/* Poisson counts so many that they are Gaussian: variance N in place of the deviance. */
static void many_counts_are_gaussian(void **state)
{
    (void)state;
    fit_problem p = {.n_channel = 1, .n_bin = {4}, .n_pull = 1};
    fit_answer poisson, gaussian;
    for (size_t i = 0; i < 4; i++) {
        p.data[0][i] = p.variance[0][i] = 1e10 * (1 + (double)i) + (i & 1 ? 1e5 : -1e5);
        for (int l = 0; l < CEV_LANES; l++) p.signal[l][0][i] = 1e10 * (1 + (double)i);
    }
    p.sigma[0] = 1e-4;
    add_link(&p, 0, 0, 0);
    solve(&p, &poisson);
    p.gaussian[0] = 1;
    solve(&p, &gaussian);
    assert_relative(gaussian.chi2[0], poisson.chi2[0], 1e-4);
    assert_true(gaussian.chi2[0] > 1);
}

static void lanes_do_not_change_each_other(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(15);
    static fit_problem p, moved;
    fit_answer before, after;
    for (int k = 0; k < 60; k++) {
        random_gaussian(r, &p);
        moved = p;
        for (int l = 1; l < CEV_LANES; l++)
            for (size_t c = 0; c < p.n_channel; c++)
                for (size_t i = 0; i < p.n_bin[c]; i++)
                    moved.signal[l][c][i] = chance(r, 0.1) ? NAN : log_uniform(r, 1e-9, 1e9);
        solve(&p, &before);
        solve(&moved, &after);
        assert_same_bits(after.chi2[0], before.chi2[0]);
    }
    gsl_rng_free(r);
}

static void a_signal_that_is_no_number_is_said(void **state)
{
    (void)state;
    fit_problem p = {.n_channel = 1, .n_bin = {1}, .n_pull = 1, .gaussian = {1}};
    fit_answer answer;
    p.data[0][0] = 5, p.variance[0][0] = 1, p.sigma[0] = 0.1;
    for (int l = 0; l < CEV_LANES; l++) p.signal[l][0][0] = l == 1 ? NAN : l == 2 ? INFINITY : 4;
    add_link(&p, 0, 0, 0);
    solve(&p, &answer);
    assert_int_equal(answer.status[0], CEV_POINT_OK);
    assert_true(answer.status[1] != CEV_POINT_OK && answer.status[2] != CEV_POINT_OK);
}

static void deviance_of_a_bin(void **state)
{
    (void)state;
    assert_true(cev_gaussian_deviance(3, 5, 2) == 2 && cev_gaussian_deviance(-3, 5, 2) == 32 &&
                cev_gaussian_deviance(4, 4, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_form_is_the_minimum),         cmocka_unit_test(closed_form_is_the_minimum_of_a_simplex),
        cmocka_unit_test(one_bin_is_solved_by_hand),          cmocka_unit_test(without_freedom_chi2_is_the_sum),
        cmocka_unit_test(predictions_may_be_negative),        cmocka_unit_test(mixed_groups_against_brute_force),
        cmocka_unit_test(many_counts_are_gaussian),           cmocka_unit_test(lanes_do_not_change_each_other),
        cmocka_unit_test(a_signal_that_is_no_number_is_said), cmocka_unit_test(deviance_of_a_bin),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
