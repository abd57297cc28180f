/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random problems with every kind of pull: nothing is found below what the library says, by Nelder and Mead's simplex
 * from there and from zero, on chi2 by its formula; and all levels and starts agree. */
#include "general_problem.h"

#include <gsl/gsl_multimin.h>

#ifndef N_PROBLEM
#define N_PROBLEM 3
#endif

static const double tolerance = 1e-9;

static const general_kind kinds[] =
    {{{1, 0, 0.01, 0}, 0.1, 0, 0, 0.5, 0, 0.7, 0, 0},           /* linear and Gaussian */
     {{1, 0, 0.01, 0.2}, 0.1, 0, 0, 0.3, 0, 0.3, 1, 0},         /* constraints */
     {{1, 0, 0.01, 0.2}, 0.1, 0.2, 0.6, 0.3, 0, 0.3, 0, 0},     /* bounds and given pulls */
     {{1, 0.2, 0.01, 0.2}, 0.1, 0.1, 0.5, 0.3, 0, 0.3, 1, 0},   /* all that is convex, bins without data */
     {{0.5, 0, 0.01, 0.3}, 0.2, 0.1, 0.3, 0.3, 0.7, 0.3, 1, 1}, /* all */
     {{0.5, 0.2, 0.01, 0.3}, 0.2, 0.1, 0.3, 0.3, 0.7, 0.3, 1, 1}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

typedef struct simplex {
    const fit_problem *p;
    const cev_profile *profile;
    int lane;
    size_t n, free[MOST_PULLS];
    double pull[MOST_PULLS], best[MOST_PULLS], lowest;
} simplex;

static double simplex_value(const gsl_vector *x, void *data)
{
    simplex *s = (simplex *)data;
    for (size_t k = 0; k < s->n; k++) s->pull[s->free[k]] = gsl_vector_get(x, k);
    double value = general_value(s->p, s->profile, s->lane, s->pull);
    if (value < s->lowest) memcpy(s->best, s->pull, sizeof s->best);
    s->lowest = fmin(s->lowest, value);
    return value < 1e100 ? value : 1e100; /* as high as the simplex can bear */
}

static void look_around(simplex *s, const double *from, double size)
{
    gsl_vector *x = gsl_vector_alloc(s->n), *step = gsl_vector_alloc(s->n);
    gsl_multimin_fminimizer *m = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, s->n);
    gsl_multimin_function f = {simplex_value, s->n, s};
    for (size_t k = 0; k < s->n; k++) {
        size_t v = s->free[k];
        double width = s->p->prior[v].constraint == CEV_CONSTRAINT_NONE ? 0.3 : s->p->sigma[v];
        gsl_vector_set(x, k, from[v]);
        gsl_vector_set(step, k, from[v] + size * width > s->p->prior[v].high ? -size * width : size * width);
    }
    if (simplex_value(x, s) < 1e100 && gsl_multimin_fminimizer_set(m, &f, x, step) == GSL_SUCCESS)
        for (int k = 0; k < 200 && gsl_multimin_fminimizer_iterate(m) == GSL_SUCCESS; k++) continue;
    gsl_multimin_fminimizer_free(m);
    gsl_vector_free(x);
    gsl_vector_free(step);
}

/* Whether chi2 rises on the straight way from the answer to what is lower: that is another minimum then. */
static bool is_behind_a_hill(const simplex *s, const double *pull, double chi2)
{
    for (double t = 0x1p-40; t < 1; t *= 2) {
        double at[MOST_PULLS];
        for (size_t v = 0; v < MOST_PULLS; v++) at[v] = pull[v] + t * (s->best[v] - pull[v]);
        double change = general_value(s->p, s->profile, s->lane, at) - chi2;
        if (fabs(change) > 1e-12 * fmax(1, chi2)) return change > 0;
    }
    return false;
}

static double lowest_found(const fit_problem *p, const cev_profile *profile, int lane, const fit_answer *fast,
                           bool curved)
{
    simplex s = {.p = p, .profile = profile, .lane = lane, .lowest = INFINITY};
    double zero[MOST_PULLS] = {0}, chi2 = fast->chi2[lane];
    const double *pull = fast->pull[lane];
    for (size_t k = 0; k < p->n_pull; k++) {
        if (p->prior[k].given)
            s.pull[k] = p->given[lane][k];
        else
            s.free[s.n++] = k;
    }
    if (s.n == 0) return general_value(p, profile, lane, s.pull);
    for (double size = curved ? 0.03 : 0.3; size > 1e-6; size /= 100) look_around(&s, pull, size);
    if (!curved) look_around(&s, zero, 0.3);
    return curved && s.lowest < chi2 && is_behind_a_hill(&s, pull, chi2) ? chi2 : s.lowest;
}

typedef struct tally {
    int ok, impossible, given_up, held, wrong;
} tally;

static void check_lane(const fit_problem *p, const cev_profile *profile, int lane, const fit_answer *fast, bool curved,
                       tally *seen)
{
    seen->given_up += fast->status[lane] == CEV_POINT_NOT_CONVERGED;
    seen->impossible += fast->status[lane] == CEV_POINT_IMPOSSIBLE;
    if (fast->status[lane] != CEV_POINT_OK) return;
    double chi2 = fast->chi2[lane], sum = cev_profile_penalty(profile, fast->pull[lane]);
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            double n = fast->predicted[lane][c][i], d = p->data[c][i];
            sum += p->gaussian[c] ? cev_gaussian_deviance(n, d, p->variance[c][i]) : cev_poisson_deviance(n, d);
        }
    double lowest = lowest_found(p, profile, lane, fast, curved);
    bool right = fabs(sum - chi2) <= tolerance * fmax(1, chi2) && chi2 <= lowest + tolerance * fmax(1, lowest);
    for (size_t k = 0; k < p->n_pull; k++) {
        double a = fast->pull[lane][k];
        if (p->prior[k].given) right &= a == p->given[lane][k];
        if (!p->prior[k].given) right &= a >= p->prior[k].low && a <= p->prior[k].high;
        seen->held += !p->prior[k].given && (a == p->prior[k].low || a == p->prior[k].high);
    }
    if (!right) print_error("chi2 %.17g, of its parts %.17g, found %.17g\n", chi2, sum, lowest);
    for (size_t k = 0; !right && k < p->n_pull; k++)
        print_error("  %s %g: %.12g in [%g, %g]%s\n", cev_pull_constraint_names[p->prior[k].constraint], p->sigma[k],
                    fast->pull[lane][k], p->prior[k].low, p->prior[k].high, p->prior[k].given ? " given" : "");
    seen->wrong += !right;
    seen->ok++;
}

static tally check_kind(size_t kind, unsigned long seed)
{
    gsl_rng *r = random_numbers(seed);
    static fit_problem p;
    fit_answer fast;
    tally seen = {0};
    for (int k = 0; k < N_PROBLEM; k++) {
        random_general_problem(r, &kinds[kind], &p);
        solve(&p, &fast);
        cev_profile *profile = create_fit(&p);
        for (int l = 0; l < CEV_LANES; l++) check_lane(&p, profile, l, &fast, kinds[kind].squares > 0, &seen);
        cev_profile_destroy(&profile);
    }
    gsl_rng_free(r);
    return seen;
}

static void nothing_is_lower_than_the_minimum(void **state)
{
    (void)state;
    tally all = {0};
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        tally seen = check_kind(kind, 41 + kind);
        print_message("kind %zu: %d right, %d impossible, %d given up, %d at a bound, %d wrong\n", kind, seen.ok,
                      seen.impossible, seen.given_up, seen.held, seen.wrong);
        assert_int_equal(seen.wrong, 0);
        all.ok += seen.ok;
        all.held += seen.held;
        all.given_up += seen.given_up;
    }
    assert_true(all.ok > N_KINDS * N_PROBLEM * CEV_LANES / 2 && all.held > N_PROBLEM);
    assert_true(all.given_up * 20 <= all.ok); /* pulls that are given leave some no region at all */
}

static void levels_and_lanes_agree_to_the_last_bit(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(51);
    static fit_problem p, alone;
    static fit_answer best, other;
    for (int k = 0; k < 5 * N_KINDS; k++) {
        random_general_problem(r, &kinds[k % N_KINDS], &p);
        solve(&p, &best);
        for (cev_level level = 0; level < cev_level_best(); level++) {
            solve_from(&p, level, NULL, &other);
            assert_memory_equal(&other, &best, sizeof best);
        }
        alone = p;
        int lane = k % CEV_LANES;
        for (int l = 0; l < CEV_LANES; l++) {
            memcpy(alone.signal[l], p.signal[lane], sizeof p.signal[lane]);
            memcpy(alone.shape[l], p.shape[lane], sizeof p.shape[lane]);
            memcpy(alone.given[l], p.given[lane], sizeof p.given[lane]);
        }
        solve(&alone, &other);
        for (int l = 0; l < CEV_LANES; l++) {
            assert_memory_equal(&other.chi2[l], &best.chi2[lane], sizeof *best.chi2);
            assert_memory_equal(other.pull[l], best.pull[lane], sizeof best.pull[lane]);
            assert_memory_equal(other.predicted[l], best.predicted[lane], sizeof best.predicted[lane]);
        }
    }
    gsl_rng_free(r);
}

/* Where chi2 is convex. */
static void the_start_does_not_move_the_minimum(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(52);
    static fit_problem p;
    static fit_answer usual, started;
    for (int k = 0; k < 40; k++) {
        cev_lanes start[MOST_PULLS];
        random_general_problem(r, &kinds[k % 4], &p);
        solve(&p, &usual);
        for (int kind = 0; kind < 2; kind++) {
            for (size_t v = 0; kind && v < MOST_PULLS; v++)
                for (int l = 0; l < CEV_LANES; l++) start[v][l] = uniform(r, -0.5, 0.5);
            solve_from(&p, cev_level_best(), kind ? start : usual.variable, &started);
            for (int l = 0; l < CEV_LANES; l++) {
                if (usual.status[l] == CEV_POINT_NOT_CONVERGED) continue;
                assert_int_equal(started.status[l], usual.status[l]);
                if (usual.status[l] == CEV_POINT_OK)
                    assert_close(started.chi2[l], usual.chi2[l], 2e-9 * fmax(1, usual.chi2[l]));
            }
        }
    }
    gsl_rng_free(r);
}

/* A pull that acts nowhere, and is given as 0, makes the group a general one and changes nothing. */
static void general_fit_of_gaussian_pulls_is_the_usual_one(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(53);
    const problem_kind usual_kinds[] = {{1, 0, 0.01, 0.2}, {10, 0.2, 0.01, 0}, {0.5, 0.5, 0.01, 0}};
    static fit_problem p;
    static fit_answer usual, general;
    int ok = 0;
    for (int k = 0; k < 60; k++) {
        random_problem(r, &usual_kinds[k % 3], &p);
        if (p.n_pull == 0 || p.n_pull == MOST_PULLS) continue;
        solve(&p, &usual);
        set_priors(&p);
        p.prior[p.n_pull].given = true;
        p.sigma[p.n_pull++] = 1;
        solve(&p, &general);
        for (int l = 0; l < CEV_LANES; l++) {
            if (usual.status[l] == CEV_POINT_NOT_CONVERGED) continue;
            assert_int_equal(general.status[l], usual.status[l]);
            if (usual.status[l] != CEV_POINT_OK) continue;
            assert_close(general.chi2[l], usual.chi2[l], 2e-9 * fmax(1, usual.chi2[l]));
            ok++;
        }
    }
    assert_true(ok > 200);
    gsl_rng_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lower_than_the_minimum),
        cmocka_unit_test(levels_and_lanes_agree_to_the_last_bit),
        cmocka_unit_test(the_start_does_not_move_the_minimum),
        cmocka_unit_test(general_fit_of_gaussian_pulls_is_the_usual_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
