/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lower bound of chi2 over couplings: it is below every chi2 that couplings have, and at the global minimum where
 * it says so. */
#include "bound_stand_in.h"

#include "engine/joint_bound_parts.h"

/* Planes of the study of the ESS: (ee_u, mumu_u) and (ee_u, ee_d), with what is minimised over. */
typedef struct plane {
    size_t axis[2], n, free[8];
    double low, high;
} plane;

static const plane plane_1[] = {
    {{0, 2}, 1, {1}, -0.3, 0.6},
    {{0, 2}, 2, {1, 3}, -0.3, 0.6},
    {{0, 2}, 4, {1, 3, 8, 9}, -0.3, 0.6},
    {{0, 2}, 8, {1, 3, 8, 9, 6, 7, 10, 11}, -0.3, 0.6},
};
static const plane plane_2[] = {
    {{0, 1}, 1, {2}, -0.5, 0.8},
    {{0, 1}, 2, {2, 3}, -0.5, 0.8},
    {{0, 1}, 4, {2, 3, 6, 7}, -0.5, 0.8},
};

static void random_point(gsl_rng *r, const plane *of, coupling_problem *p)
{
    double eps[COUPLINGS] = {0};
    for (int i = 0; i < 2; i++) eps[of->axis[i]] = uniform(r, of->low, of->high);
    make_problem(p, of->n, of->free, eps, -1, 1);
}

static double best_of_fits(gsl_rng *r, const coupling_problem *p, stand_in *s, int n_fit)
{
    double best = INFINITY;
    for (int k = 0; k < n_fit; k++) {
        double x[CEV_MAX_PROFILED], width = k % 2 ? 1 : 0.5;
        for (size_t i = 0; i < p->problem.n; i++) {
            double middle = 0.5 * (p->low[i] + p->high[i]), half = 0.5 * width * (p->high[i] - p->low[i]);
            x[i] = uniform(r, middle - half, middle + half);
        }
        best = fmin(best, fit_from(p, s, x));
    }
    return best;
}

static bound_result result_of(coupling_problem *p)
{
    return (bound_result){.place = p->place, .variable = p->variable};
}

static bound_result bound_of(stand_in *s, coupling_problem *p)
{
    bound_scratch *scratch;
    bound_chi2 chi2 = stand_in_bound(s);
    bound_result result = result_of(p);
    assert_ok(bound_scratch_create(FORMS, PULLS, &scratch));
    joint_bounds(&chi2, scratch, 1, &p->problem, &result);
    bound_scratch_destroy(&scratch);
    return result;
}

/* Signals' pulls above -1/3: chi2 is convex. */
static stand_in convex_stand_in(size_t n_detector)
{
    stand_in s = make_stand_in(n_detector);
    s.least_scale = -0.3;
    return s;
}

static void random_x(gsl_rng *r, const coupling_problem *p, double *x)
{
    for (size_t i = 0; i < p->problem.n; i++) x[i] = uniform(r, p->low[i], p->high[i]);
}

/* --- the hull ----------------------------------------------------------------------------------------------------- */

typedef struct hull_memory {
    bound_hull hull;
    double origin[FORMS], map[BOUND_MAX_LIFTED * FORMS];
} hull_memory;

static void make_hull(const coupling_problem *p, hull_memory *m)
{
    m->hull.origin = m->origin;
    m->hull.map = m->map;
    assert_true(bound_hull_blocks(&p->problem, FORMS, &m->hull));
    bound_hull_box(&p->problem, p->low, p->high, &m->hull);
}

/* The point of the hull that couplings x are. */
static void lift(const bound_hull *h, const double *x, double *z)
{
    for (size_t b = 0; b < h->n_block; b++) {
        const bound_block *k = &h->block[b];
        double s[2], *of = z + k->first;
        for (size_t i = 0; i < k->n; i++)
            s[i] = (x[k->parameter[i]] - h->middle[k->parameter[i]]) / h->half[k->parameter[i]];
        if (k->n == 1)
            of[0] = s[0], of[1] = s[0] * s[0];
        else
            of[0] = s[0], of[1] = s[1], of[2] = s[0] * s[0], of[3] = s[0] * s[1], of[4] = s[1] * s[1];
    }
}

/* A problem with everything: pairs, single components, a vector that two flavours share, any box, constraints. */
static void random_boxes(gsl_rng *r, coupling_problem *p)
{
    static const size_t all[] = {1, 2, 3, 6, 7, 8, 9, 10};
    double eps[COUPLINGS];
    for (int c = 0; c < COUPLINGS; c++) eps[c] = uniform(r, -1, 1);
    make_problem(p, LENGTH(all), all, eps, 0, 0);
    for (size_t i = 0; i < LENGTH(all); i++) {
        p->low[i] = uniform(r, -2, 1);
        p->high[i] = p->low[i] + log_uniform(r, 1e-3, 3);
        p->centre[i] = uniform(r, -1, 1);
        if (chance(r, 0.5)) p->sigma[i] = log_uniform(r, 0.01, 1);
    }
}

static void test_all_couplings_lie_in_the_hull(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(1);
    for (int k = 0; k < 500; k++) {
        coupling_problem p;
        hull_memory m;
        random_boxes(r, &p);
        make_hull(&p, &m);
        double x[CEV_MAX_PROFILED], eps[COUPLINGS], z[BOUND_MAX_LIFTED], centre[BOUND_MAX_LIFTED];
        double form[FORMS], expected[FORMS], cost = 0;
        random_x(r, &p, x);
        if (k % 5 == 0) x[k % 8] = p.low[k % 8]; /* sides count, too */
        memcpy(eps, p.eps, sizeof eps);
        for (size_t i = 0; i < p.problem.n; i++) {
            eps[p.free[i]] = x[i];
            cost += pow((x[i] - p.centre[i]) / p.sigma[i], 2);
        }
        stand_in_forms(eps, expected);
        lift(&m.hull, x, z);
        bound_hull_forms(&m.hull, z, form);
        for (int f = 0; f < FORMS; f++) assert_close(form[f], expected[f], 1e-12);
        assert_relative(bound_hull_cost(&m.hull, z), cost, 1e-12);
        bound_hull_centre(&m.hull, centre);
        for (size_t i = 0; i < m.hull.n; i++) z[i] += 1e-6 * (centre[i] - z[i]);
        assert_true(bound_hull_barrier(&m.hull, z) < INFINITY);
    }
    gsl_rng_free(r);
}

/* What the proof rests upon: no couplings make a linear function less than the formula says, and some make it. */
static void test_least_value_of_a_linear_function(void **state)
{
    (void)state;
    enum { STEPS = 41 };
    gsl_rng *r = random_numbers(2);
    for (int k = 0; k < 300; k++) {
        coupling_problem p;
        hull_memory m;
        random_boxes(r, &p);
        make_hull(&p, &m);
        double w[BOUND_MAX_LIFTED], zero[BOUND_MAX_LIFTED] = {0}, found = 0, scale = 0;
        for (size_t i = 0; i < m.hull.n; i++) w[i] = uniform(r, -1, 1), scale += fabs(w[i]);
        double least = -bound_hull_gap(&m.hull, w, zero);
        for (size_t b = 0; b < m.hull.n_block; b++) {
            const bound_block *block = &m.hull.block[b];
            const double *of = w + block->first;
            double of_block = INFINITY;
            for (int i = 0; i < STEPS; i++)
                for (int j = 0; j < (block->n == 1 ? 1 : STEPS); j++) {
                    double s = -1 + 2. * i / (STEPS - 1), t = -1 + 2. * j / (STEPS - 1);
                    double value = block->n == 1
                                       ? of[0] * s + of[1] * s * s
                                       : of[0] * s + of[1] * t + of[2] * s * s + of[3] * s * t + of[4] * t * t;
                    of_block = fmin(of_block, value);
                }
            found += of_block;
        }
        assert_true(least <= found + 1e-13);
        assert_close(least, found, scale * 4 / (STEPS * STEPS));
    }
    gsl_rng_free(r);
}

/* A valley whose floor is flat, through the square: (a s + b t + c)^2 and next to nothing more. */
static void test_least_value_in_a_valley(void **state)
{
    (void)state;
    const size_t free_pair[] = {6, 7};
    gsl_rng *r = random_numbers(14);
    coupling_problem p;
    hull_memory m;
    double eps[COUPLINGS] = {0}, zero[5] = {0};
    make_problem(&p, 2, free_pair, eps, -1, 1);
    make_hull(&p, &m);
    for (int k = 0; k < 2000; k++) {
        double a = uniform(r, -1, 1), b = uniform(r, -1, 1), c = -a * uniform(r, -1, 1) - b * uniform(r, -1, 1);
        double more = log_uniform(r, 1e-20, 1e-8);
        double w[5] = {2 * a * c, 2 * b * c, a * a + more, 2 * a * b, b * b + more};
        double least = -bound_hull_gap(&m.hull, w, zero) + c * c;
        assert_true(least >= -1e-15 && least <= 2 * more + 1e-15);
    }
    gsl_rng_free(r);
}

static void random_inside(gsl_rng *r, const coupling_problem *p, const bound_hull *h, double *z)
{
    double x[CEV_MAX_PROFILED], more[BOUND_MAX_LIFTED];
    bound_hull_centre(h, z);
    for (int k = 0; k < 3; k++) {
        random_x(r, p, x);
        lift(h, x, more);
        for (size_t i = 0; i < h->n; i++) z[i] = 0.6 * z[i] + 0.4 * more[i];
    }
    assert_true(bound_hull_barrier(h, z) < INFINITY);
}

static void test_slopes_of_the_barrier(void **state)
{
    (void)state;
    const double step = 1e-5;
    gsl_rng *r = random_numbers(3);
    for (int k = 0; k < 20; k++) {
        coupling_problem p;
        hull_memory m;
        random_boxes(r, &p);
        make_hull(&p, &m);
        double z[BOUND_MAX_LIFTED], g[BOUND_MAX_LIFTED] = {0}, h[BOUND_MAX_LIFTED][BOUND_MAX_LIFTED] = {{0}};
        random_inside(r, &p, &m.hull, z);
        bound_hull_barrier_slopes(&m.hull, z, 2, g, h);
        for (size_t i = 0; i < m.hull.n; i++) {
            double up[BOUND_MAX_LIFTED] = {0}, down[BOUND_MAX_LIFTED] = {0}, unused[BOUND_MAX_LIFTED][BOUND_MAX_LIFTED];
            double at = z[i], value[2];
            z[i] = at + step, value[1] = bound_hull_barrier(&m.hull, z);
            bound_hull_barrier_slopes(&m.hull, z, 2, up, unused);
            z[i] = at - step, value[0] = bound_hull_barrier(&m.hull, z);
            bound_hull_barrier_slopes(&m.hull, z, 2, down, unused);
            z[i] = at;
            assert_close(g[i], (value[1] - value[0]) / step, 1e-4 * (1 + fabs(g[i])));
            for (size_t j = 0; j < m.hull.n; j++)
                assert_close(h[i][j], (up[j] - down[j]) / (2 * step), 1e-4 * (1 + fabs(h[i][i]) + fabs(h[j][j])));
        }
    }
    gsl_rng_free(r);
}

/* --- the bound ---------------------------------------------------------------------------------------------------- */

static void test_no_couplings_are_below(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(4);
    stand_in s = convex_stand_in(2);
    for (int k = 0; k < 140; k++) {
        coupling_problem p;
        random_point(r, k % 7 < 4 ? &plane_1[k % 7] : &plane_2[k % 7 - 4], &p);
        for (size_t i = 0; i < p.problem.n && k % 3 == 0; i++) {
            p.low[i] = uniform(r, -1, 0), p.high[i] = uniform(r, 0, 1);
            p.centre[i] = uniform(r, -0.2, 0.2), p.sigma[i] = log_uniform(r, 0.01, 10);
        }
        bound_result b = bound_of(&s, &p);
        assert_true(b.bound > -INFINITY && b.convex);
        for (int t = 0; t < 200; t++) {
            double x[CEV_MAX_PROFILED];
            random_x(r, &p, x);
            assert_true(problem_chi2(&p, &s, x) >= b.bound);
        }
        assert_true(best_of_fits(r, &p, &s, 2) >= b.bound);
    }
    gsl_rng_free(r);
}

static void test_ten_starts_agree(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(5);
    stand_in s = convex_stand_in(2);
    for (int k = 0; k < 14; k++) {
        coupling_problem p;
        hull_memory m;
        random_point(r, k % 7 < 4 ? &plane_1[k % 7] : &plane_2[k % 7 - 4], &p);
        make_hull(&p, &m);
        double cold = bound_of(&s, &p).bound;
        bound_scratch *scratch;
        bound_chi2 chi2 = stand_in_bound(&s);
        assert_ok(bound_scratch_create(FORMS, PULLS, &scratch));
        p.problem.warm = true;
        for (int t = 0; t < 10; t++) {
            bound_result b = result_of(&p);
            random_inside(r, &p, &m.hull, b.lifted);
            for (int i = 0; i < PULLS; i++) p.variable[i] = uniform(r, -0.1, 0.1);
            joint_bounds(&chi2, scratch, 1, &p.problem, &b);
            assert_close(b.bound, cold, 1e-8);
        }
        bound_scratch_destroy(&scratch);
    }
    gsl_rng_free(r);
}

/* Both flavours with a vector and one more component: the bound is the minimum, and couplings are known. */
static void test_rich_flavours_reach_the_bound(void **state)
{
    (void)state;
    const bool counts[FORMS] = {1, 1, 1, 1, 1, 1, 0, 0, 0};
    gsl_rng *r = random_numbers(6);
    stand_in s = convex_stand_in(2);
    int n_reached = 0;
    for (int k = 0; k < 20; k++) {
        coupling_problem p;
        random_point(r, &plane_1[3], &p);
        for (size_t i = 0; i < p.problem.n; i++) p.low[i] = -2, p.high[i] = 2;
        bound_result b = bound_of(&s, &p);
        assert_close(b.bound, best_of_fits(r, &p, &s, 6), 1e-7);
        double x[CEV_MAX_PROFILED];
        memcpy(x, b.x, sizeof x);
        for (int i = 4; i < 6; i++) x[i] = 0; /* emu, which flavours share */
        if (!joint_reach(&p.problem, FORMS, counts, b.place, x)) continue;
        assert_close(problem_chi2(&p, &s, x), b.bound, 1e-7);
        n_reached++;
    }
    assert_true(n_reached >= 15);
    gsl_rng_free(r);
}

/* Points of the planes with one and two couplings: all proven to be global minima, most of two only by branches. */
static void prove(gsl_rng *r, const plane *of, size_t n_detector, int n_point, size_t most)
{
    stand_in s = convex_stand_in(n_detector);
    for (int k = 0; k < n_point; k++) {
        coupling_problem p;
        random_point(r, of, &p);
        double best = best_of_fits(r, &p, &s, 24);
        p.problem.enough = best - 5e-7;
        p.problem.n_branch = most;
        bound_result b = bound_of(&s, &p);
        assert_true(b.convex && b.bound >= best - 5e-7);
        assert_false(b.lower);
        if (b.exact) assert_close(b.bound, best, 1e-7);
    }
}

static void test_branches_prove_minima(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(7);
    for (size_t n_detector = 1; n_detector <= 2; n_detector++) {
        prove(r, &plane_1[0], n_detector, 20, 60);
        prove(r, &plane_1[1], n_detector, 20, 200);
        prove(r, &plane_2[0], n_detector, 20, 60);
        prove(r, &plane_2[1], n_detector, 20, 60);
    }
    gsl_rng_free(r);
}

/* What has been missed is found: a fit that is too high is not proven, and x leads to the right minimum. */
static void test_wrong_fit_is_not_proven(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(8);
    stand_in s = convex_stand_in(2);
    for (int k = 0; k < 20; k++) {
        coupling_problem p;
        random_point(r, &plane_1[1], &p);
        double best = best_of_fits(r, &p, &s, 24);
        p.problem.enough = best + 0.01;
        p.problem.n_branch = 200;
        bound_result b = bound_of(&s, &p);
        assert_true(b.bound <= best + 1e-8 && (b.lower || b.exact) && b.n_relaxation < 100);
        assert_close(fit_from(&p, &s, b.x), best, 0.01);
    }
    gsl_rng_free(r);
}

static void test_constraints_are_part_of_the_bound(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(9);
    stand_in s = convex_stand_in(2);
    for (int k = 0; k < 20; k++) {
        coupling_problem p;
        random_point(r, &plane_1[k % 2], &p);
        for (size_t i = 0; i < p.problem.n; i++) p.sigma[i] = 0.05, p.centre[i] = uniform(r, -0.1, 0.1);
        double best = best_of_fits(r, &p, &s, 16);
        p.problem.enough = best - 5e-7;
        p.problem.n_branch = 200;
        assert_true(bound_of(&s, &p).bound >= best - 5e-7);
        p.problem.enough = INFINITY;
        p.problem.n_branch = 0;
        assert_true(bound_of(&s, &p).bound <= best + 1e-9);
    }
    gsl_rng_free(r);
}

/* A tie is a vector along a line: one parameter. */
static void test_tied_couplings(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(10);
    stand_in s = convex_stand_in(2);
    const plane *of = &plane_2[1];
    for (int k = 0; k < 10; k++) {
        coupling_problem pair;
        random_point(r, of, &pair);
        double first[FORMS], second[FORMS], low = -1, high = 1, at = 0, best = INFINITY;
        for (int f = 0; f < FORMS; f++) {
            first[f] = pair.first[f] + pair.first[FORMS + f];
            second[f] = pair.second[f] + 2 * pair.second[FORMS + f] + pair.second[3 * FORMS + f];
        }
        for (double t = -1; t <= 1; t += 1e-3) best = fmin(best, problem_chi2(&pair, &s, (double[]){t, t}));
        coupling_problem tied = pair;
        tied.problem = (bound_problem){.n = 1,
                                       .low = &low,
                                       .high = &high,
                                       .at = &at,
                                       .form = pair.form,
                                       .first = first,
                                       .second = second,
                                       .enough = INFINITY};
        tied.problem.enough = best - 1e-3;
        tied.problem.n_branch = 60;
        bound_result b = bound_of(&s, &tied);
        assert_true(b.bound <= best);
        if (b.bound < best - 1e-3) /* the steps of t have missed something */
            assert_true(problem_chi2(&pair, &s, (double[]){b.x[0], b.x[0]}) < best - 1e-3);
    }
    gsl_rng_free(r);
}

/* --- problems together, and problems that have no bound ----------------------------------------------------------- */

static void test_results_do_not_depend_on_companions(void **state)
{
    (void)state;
    enum { N = 21 };
    static coupling_problem p[N];
    bound_problem problem[N];
    bound_result alone[N], together[N];
    gsl_rng *r = random_numbers(11);
    stand_in s = convex_stand_in(2);
    for (int k = 0; k < N; k++) {
        random_point(r, &plane_1[k % 3], &p[k]);
        p[k].problem.enough = 1;
        p[k].problem.n_branch = 12;
        alone[k] = bound_of(&s, &p[k]);
    }
    for (int k = 0; k < N; k++) problem[k] = p[N - 1 - k].problem, together[k] = result_of(&p[N - 1 - k]);
    bound_scratch *scratch;
    bound_chi2 chi2 = stand_in_bound(&s);
    assert_ok(bound_scratch_create(FORMS, PULLS, &scratch));
    joint_bounds(&chi2, scratch, N, problem, together);
    for (int k = 0; k < N; k++) {
        assert_same_bits(together[k].bound, alone[N - 1 - k].bound);
        assert_int_equal(together[k].n_evaluation, alone[N - 1 - k].n_evaluation);
        for (size_t i = 0; i < problem[k].n; i++) assert_same_bits(together[k].x[i], alone[N - 1 - k].x[i]);
    }
    bound_scratch_destroy(&scratch);
    gsl_rng_free(r);
}

/* Signals' pulls that go below -1/3: chi2 is not convex, and no proof comes out of where it is not. */
static void test_no_proof_where_chi2_is_not_convex(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(12);
    stand_in s = make_stand_in(2);
    for (int k = 0; k < 60; k++) {
        coupling_problem p;
        random_point(r, &plane_1[1 + k % 2], &p);
        bound_result b = bound_of(&s, &p);
        if (b.convex) assert_true(b.bound <= best_of_fits(r, &p, &s, 4) + 1e-9);
    }
    gsl_rng_free(r);
}

static void nothing_there(void *context, size_t n, const size_t *point, const double *const *place,
                          double *const *variable, double *chi2, double *const *gradient, double *const *hessian,
                          double *const *positive, double *const *stiff)
{
    stand_in_evaluate(context, n, point, place, variable, chi2, gradient, hessian, positive, stiff);
    for (size_t l = 0; l < n; l++) chi2[l] = NAN;
}

static void test_no_bound_is_known(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(13);
    stand_in s = convex_stand_in(1);
    coupling_problem p;
    random_point(r, &plane_1[2], &p);
    bound_chi2 chi2 = stand_in_bound(&s);
    bound_scratch *scratch;
    bound_result b = result_of(&p);
    assert_ok(bound_scratch_create(FORMS, PULLS, &scratch));
    chi2.evaluate = nothing_there;
    joint_bounds(&chi2, scratch, 1, &p.problem, &b);
    assert_true(b.bound == -INFINITY && !b.convex && !b.exact);
    chi2.evaluate = stand_in_evaluate;
    /* Three that are multiplied with each other. */
    p.second[(0 * 4 + 1) * FORMS] = p.second[(1 * 4 + 0) * FORMS] = 1;
    p.second[(0 * 4 + 2) * FORMS] = p.second[(2 * 4 + 0) * FORMS] = 1;
    joint_bounds(&chi2, scratch, 1, &p.problem, &b);
    assert_true(b.bound == -INFINITY && !b.convex && !b.exact);
    bound_scratch_destroy(&scratch);
    gsl_rng_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_couplings_lie_in_the_hull),
        cmocka_unit_test(test_least_value_of_a_linear_function),
        cmocka_unit_test(test_least_value_in_a_valley),
        cmocka_unit_test(test_slopes_of_the_barrier),
        cmocka_unit_test(test_no_couplings_are_below),
        cmocka_unit_test(test_ten_starts_agree),
        cmocka_unit_test(test_rich_flavours_reach_the_bound),
        cmocka_unit_test(test_branches_prove_minima),
        cmocka_unit_test(test_wrong_fit_is_not_proven),
        cmocka_unit_test(test_constraints_are_part_of_the_bound),
        cmocka_unit_test(test_tied_couplings),
        cmocka_unit_test(test_results_do_not_depend_on_companions),
        cmocka_unit_test(test_no_proof_where_chi2_is_not_convex),
        cmocka_unit_test(test_no_bound_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
