/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fits on the border of what numbers can say: wide pulls, bins without data that are driven to N = 0, many counts where
 * none are seen. Each minimum is proven by a lower bound of its own, and parts, pulls and chi2 belong to one point. */
#include "fit_problem.h"

#if defined(__x86_64__) || defined(__i386__)
__extension__ typedef __float128 wide;
#else
typedef long double wide;
#endif
#define REAL wide
#define SLOW(name) wide_##name
#include "slow_fit.h"
#undef REAL
#undef SLOW

#ifndef N_PROBLEM
#define N_PROBLEM 60
#endif

static const double tolerance = 1e-9; /* of chi2, relative where that is above 1: what the library promises */

/* --- problems ---------------------------------------------------------------------------------------------------- */

static double random_poisson(gsl_rng *r, double mean)
{
    double n = 0, product = gsl_rng_uniform_pos(r);
    for (double least = exp(-mean); product > least && n < 500; n++) product *= gsl_rng_uniform_pos(r);
    return n;
}

static void link_once(fit_problem *p, size_t pull, size_t c, size_t component)
{
    if (!has_link(p, pull, c, component)) add_link(p, pull, c, component);
}

/* A few counts of background a bin, of signal from far below to far above them; a pull or two for each, one of all
 * signals. */
static void realistic_problem(gsl_rng *r, fit_problem *p)
{
    memset(p, 0, sizeof *p);
    p->n_channel = whole(r, 1, 2);
    p->sigma[p->n_pull++] = uniform(r, 0.03, 0.3);
    for (size_t c = 0; c < p->n_channel; c++) {
        p->n_bin[c] = whole(r, 1, 12);
        p->n_background[c] = whole(r, 1, 2);
        double scale = log_uniform(r, 0.05, 50), slope = uniform(r, 0.1, 3);
        for (size_t k = 0; k < p->n_background[c] * p->n_bin[c]; k++) p->background[c][k] = scale * uniform(r, 0, 1);
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            double shape = exp(-slope * (double)i);
            for (int l = 0; l < CEV_LANES; l++)
                p->signal[l][c][i] = scale * log_uniform(r, 1e-3, 1) * shape * pow(10, 0.5 * l);
            p->data[c][i] = random_poisson(r, fmin(p->signal[4][c][i] + p->background[c][i], 100));
        }
        link_once(p, 0, c, 0);
        for (size_t k = 0; k <= p->n_background[c]; k++) {
            p->sigma[p->n_pull] = log_uniform(r, 0.01, 0.6);
            link_once(p, p->n_pull++, c, k);
        }
    }
}

/* Everything at once: no data or few where up to 1e5 counts are expected, pulls from 1e-6 to 60 on any components, as
 * many as there may be, components that vanish in bins. */
static void adversarial_problem(gsl_rng *r, fit_problem *p)
{
    memset(p, 0, sizeof *p);
    p->n_channel = whole(r, 1, 2);
    for (size_t c = 0; c < p->n_channel; c++) {
        double empty = chance(r, 0.4) ? 1 : uniform(r, 0, 1), vanishing = chance(r, 0.5) ? 0 : uniform(r, 0, 0.5);
        p->n_bin[c] = chance(r, 0.3) ? 1 : whole(r, 1, 20);
        p->n_background[c] = whole(r, 0, 2);
        for (size_t k = 0; k < p->n_background[c]; k++) {
            double scale = log_uniform(r, 1e-2, 1e5);
            for (size_t i = 0; i < p->n_bin[c]; i++)
                p->background[c][k * p->n_bin[c] + i] = chance(r, vanishing) ? 0 : scale * uniform(r, 0.1, 1);
        }
        double scale = log_uniform(r, 1e-6, 1e4);
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            p->data[c][i] = chance(r, empty) ? 0 : chance(r, 0.8) ? (double)whole(r, 1, 5) : log_uniform(r, 0.1, 1e5);
            for (int l = 0; l < CEV_LANES; l++)
                p->signal[l][c][i] = chance(r, vanishing) ? 0 : scale * pow(10, 0.5 * l) * uniform(r, 0.1, 1);
        }
    }
    p->n_pull = whole(r, 1, MOST_PULLS);
    for (size_t k = 0; k < p->n_pull; k++) {
        p->sigma[k] = log_uniform(r, chance(r, 0.5) ? 1e-6 : 0.01, chance(r, 0.5) ? 1 : 60);
        size_t own = whole(r, 0, p->n_channel - 1);
        for (size_t c = 0; c < p->n_channel; c++)
            for (size_t component = 0; component <= p->n_background[c]; component++)
                if ((c == own || k == 0) && chance(r, 0.6)) link_once(p, k, c, component);
        link_once(p, k, own, whole(r, 0, p->n_background[own]));
    }
}

/* --- what is right ------------------------------------------------------------------------------------------------ */

/* The minimum, proven: by long double, or where that is not enough by numbers twice as wide. */
static double proven_minimum(const fit_problem *p, int lane)
{
    long double zero[MOST_PULLS] = {0}, pull[MOST_PULLS];
    double lower, value = minimum_and_bound(p, lane, zero, pull, &lower);
    if (isinf(value) || value - lower <= 0.01 * tolerance * fmax(1, value)) return value;
    wide start[MOST_PULLS] = {0}, wide_pull[MOST_PULLS];
    value = wide_minimum_and_bound(p, lane, start, wide_pull, &lower);
    if (!(value - lower <= 0.1 * tolerance * fmax(1, value)))
        unit_fail(__FILE__, __LINE__, "the minimum is not proven: %.17g, not below %.17g", value, lower);
    return value;
}

typedef struct tally {
    int ok, impossible, given_up, wrong;
    double worst; /* error of chi2, relative where that is above 1 */
} tally;

static void check_lane(const fit_problem *p, int lane, const fit_answer *fast, tally *seen)
{
    double right = proven_minimum(p, lane);
    if (isinf(right)) {
        assert_int_equal(fast->status[lane], CEV_POINT_IMPOSSIBLE);
        seen->impossible++;
    } else if (fast->status[lane] == CEV_POINT_NOT_CONVERGED) {
        seen->given_up++;
    } else {
        double error = fabs(fast->chi2[lane] - right) / fmax(1, right);
        assert_int_equal(fast->status[lane], CEV_POINT_OK);
        seen->ok++;
        seen->wrong += !(error <= tolerance);
        seen->worst = fmax(seen->worst, error);
    }
}

/* Sum of the bins' shares of the counts that the fit reports, and of the pulls' penalties. */
static double sum_of_parts(const fit_problem *p, int lane, const fit_answer *fast)
{
    double sum = 0;
    for (size_t k = 0; k < p->n_pull; k++) sum += pow(fast->pull[lane][k] / p->sigma[k], 2);
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++)
            sum += p->gaussian[c] ? cev_gaussian_deviance(fast->predicted[lane][c][i], p->data[c][i], p->variance[c][i])
                                  : cev_poisson_deviance(fast->predicted[lane][c][i], p->data[c][i]);
    return sum;
}

/* Counts are those of the pulls, but for the rounding of pulls that take away large components. */
static void check_counts(const fit_problem *p, int lane, const fit_answer *fast)
{
    long double pull[MOST_PULLS];
    for (size_t k = 0; k < p->n_pull; k++) pull[k] = fast->pull[lane][k];
    for (size_t c = 0; c < p->n_channel; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            long double size = 0, slope[MOST_PULLS];
            for (size_t k = 0; k <= p->n_background[c]; k++) size += fabsl(component_of(p, lane, c, k, i));
            slopes_of(p, lane, c, i, slope);
            for (size_t k = 0; k < p->n_pull; k++) size += fabsl(slope[k] * pull[k]);
            assert_close(fast->predicted[lane][c][i], (double)predicted_of(p, lane, pull, c, i), 1e-14 * (double)size);
        }
}

static void check_parts(const fit_problem *p, const fit_answer *fast)
{
    for (int l = 0; l < CEV_LANES; l++) {
        if (fast->status[l] != CEV_POINT_OK) continue;
        assert_close(sum_of_parts(p, l, fast), fast->chi2[l], tolerance * fmax(1, fast->chi2[l]));
        check_counts(p, l, fast);
    }
}

static void check_levels(const fit_problem *p, const fit_answer *best)
{
    static fit_answer other;
    for (cev_level level = 0; level < cev_level_best(); level++) {
        solve_from(p, level, NULL, &other);
        assert_memory_equal(&other, best, sizeof other);
    }
}

static tally check_problems(unsigned long seed, int n, void (*draw)(gsl_rng *, fit_problem *))
{
    gsl_rng *r = random_numbers(seed);
    static fit_problem p;
    static fit_answer fast;
    tally seen = {0};
    for (int k = 0; k < n; k++) {
        draw(r, &p);
        solve(&p, &fast);
        check_parts(&p, &fast);
        if (k % 3 == 0) check_levels(&p, &fast);
        for (int l = 0; l < CEV_LANES; l += 1 + (l + k) % 2) check_lane(&p, l, &fast, &seen);
    }
    gsl_rng_free(r);
    print_message("%d right or not, %d impossible, %d given up, %d wrong, worst error %.2g\n", seen.ok, seen.impossible,
                  seen.given_up, seen.wrong, seen.worst);
    return seen;
}

static void realistic_fits_end_at_the_minimum(void **state)
{
    (void)state;
    tally seen = check_problems(61, N_PROBLEM, realistic_problem);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(seen.given_up, 0);
    assert_true(seen.ok > 4 * N_PROBLEM);
}

static void adversarial_fits_end_at_the_minimum(void **state)
{
    (void)state;
    tally seen = check_problems(62, N_PROBLEM, adversarial_problem);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(seen.given_up, 0);
    assert_true(seen.ok > 3 * N_PROBLEM);
}

/* Six pulls, of 3e-5 to 60, on three components without data, and on one of another experiment: four shifts that are
 * almost one. Parts once added up to twenty times chi2. */
static void pulls_that_outnumber_what_they_move(void **state)
{
    (void)state;
    static const double sigma[] = {59.672820547174204,  0.1950234235020525,    0.0020063402739611295,
                                   0.04653839456280066, 3.227620238523506e-05, 0.5540367126355574};
    static const unsigned on[] = {7, 6, 4, 1, 7, 6}; /* bits: signal, first and second background */
    gsl_rng *r = random_numbers(63);
    static fit_problem p;
    static fit_answer fast;
    tally seen = {0};
    for (int k = 0; k < 4; k++) {
        memset(&p, 0, sizeof p);
        p.n_channel = 2, p.n_bin[0] = 2, p.n_bin[1] = 20, p.n_background[1] = 2, p.n_pull = 6;
        memcpy(p.sigma, sigma, sizeof sigma);
        for (size_t q = 0; q < 6; q++)
            for (size_t component = 0; component < 3; component++)
                if (on[q] & 1U << component) add_link(&p, q, 1, component);
        add_link(&p, 5, 0, 0);
        for (size_t i = 0; i < 40; i++)
            p.background[1][i] = chance(r, 0.4) ? 0 : i < 20 ? uniform(r, 1, 2e3) : uniform(r, 1, 4e5);
        for (int l = 0; l < CEV_LANES; l++)
            for (size_t i = 0; i < 20; i++) p.signal[l][i < 2 ? k % 2 : 1][i] = log_uniform(r, 1e-4, 1e2);
        solve(&p, &fast);
        check_parts(&p, &fast);
        check_levels(&p, &fast);
        for (int l = k / 2; l < CEV_LANES; l += 2) check_lane(&p, l, &fast, &seen);
    }
    gsl_rng_free(r);
    assert_int_equal(seen.ok, 2 * CEV_LANES);
    assert_int_equal(seen.wrong, 0);
}

/* Two pulls or more that take a signal of up to 1e12 counts away, and differ only by what they do to a background of
 * less than a count. What the data say of the signal drowns what the pulls' widths say of their difference, in all
 * sixteen digits of the curvature: the decrement means nothing then, and fits were up to 0.1 off. */
static void cancelling_problem(gsl_rng *r, fit_problem *p)
{
    memset(p, 0, sizeof *p);
    p->n_channel = whole(r, 1, 2);
    p->n_pull = whole(r, 2, 4);
    for (size_t k = 0; k < p->n_pull; k++) p->sigma[k] = k ? log_uniform(r, 0.03, 10) : log_uniform(r, 3, 100);
    for (size_t c = 0; c < p->n_channel; c++) {
        p->n_bin[c] = whole(r, 1, 4);
        p->n_background[c] = p->n_pull - 1;
        for (size_t k = 0; k < p->n_background[c] * p->n_bin[c]; k++) p->background[c][k] = log_uniform(r, 1e-3, 0.1);
        double scale = log_uniform(r, 1e8, 1e11);
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            double shape = scale * uniform(r, 0.5, 1);
            p->data[c][i] = (double)whole(r, 1, 9);
            for (int l = 0; l < CEV_LANES; l++) p->signal[l][c][i] = shape * pow(10, 0.1 * l);
        }
        for (size_t k = 0; k < p->n_pull; k++) {
            link_once(p, k, c, 0);
            if (k) link_once(p, k, c, k);
        }
    }
}

static void pulls_that_all_but_cancel(void **state)
{
    (void)state;
    tally seen = check_problems(64, N_PROBLEM / 3, cancelling_problem);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(seen.given_up, 0);
    assert_int_equal(seen.impossible, 0);
}

/* One bin and no corner: pulls of a component of 4e4 counts that are all to be taken away. Once given up. */
static void one_bin_with_two_pulls(void **state)
{
    (void)state;
    fit_problem p = {.n_channel = 1,
                     .n_bin = {1},
                     .n_background = {2},
                     .background = {{0.02409435159314189, 42076.864}}};
    fit_answer fast;
    tally seen = {0};
    for (size_t component = 0; component < 3; component++) add_link(&p, 0, 0, component);
    add_link(&p, 1, 0, 0);
    add_link(&p, 1, 0, 2);
    p.n_pull = 2, p.sigma[0] = 9.736158836415385, p.sigma[1] = 0.07034519962864534;
    for (int l = 0; l < CEV_LANES; l++) p.signal[l][0][0] = pow(10, l - 2);
    solve(&p, &fast);
    check_parts(&p, &fast);
    for (int l = 0; l < CEV_LANES; l++) check_lane(&p, l, &fast, &seen);
    assert_int_equal(seen.ok, CEV_LANES);
    assert_int_equal(seen.wrong, 0);
    assert_close(fast.chi2[0], 0.0105488, 1e-6);
}

/* Twenty bins without data on one pull: N = E x with x = 0 at the minimum, 1/sigma^2. What the barrier counts there and
 * what bins of many counts count at least each move chi2, together by less than the tolerance. */
static void barriers_together_stay_below_the_tolerance(void **state)
{
    (void)state;
    for (double many = 1e4; many < 7e4; many += 1.01e4) {
        double data[20] = {0}, signal[20];
        for (size_t i = 0; i < 20; i++) signal[i] = i ? 1 : many;
        fit_problem p = simple(20, data, signal, NULL);
        fit_answer fast;
        add_pull(&p, 2, 0, 0);
        solve(&p, &fast);
        assert_all_lanes(&fast, 0.25, tolerance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(realistic_fits_end_at_the_minimum),
        cmocka_unit_test(pulls_that_outnumber_what_they_move),
        cmocka_unit_test(pulls_that_all_but_cancel),
        cmocka_unit_test(one_bin_with_two_pulls),
        cmocka_unit_test(barriers_together_stay_below_the_tolerance),
        cmocka_unit_test(adversarial_fits_end_at_the_minimum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
