/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shifts as variables of the fit: several pulls on one component, of any strength; against the slow minimiser, by brute
 * force, and against one pull of the same width. */
#include "fit_problem.h"

/* One channel of n bins, a background, and n_pull pulls on the signal. */
static void lay_out(fit_problem *p, size_t n_bin, size_t n_pull, const double *sigma)
{
    memset(p, 0, sizeof *p);
    p->n_channel = 1;
    p->n_bin[0] = n_bin;
    p->n_background[0] = 1;
    p->n_pull = n_pull;
    for (size_t k = 0; k < n_pull; k++) {
        p->sigma[k] = sigma[k];
        add_link(p, k, 0, 0);
    }
    for (size_t i = 0; i < n_bin; i++) {
        p->background[0][i] = 20 + 5 * (double)i;
        p->data[0][i] = 40 + 3 * (double)i;
    }
}

static void set_signal(fit_problem *p, double strength)
{
    for (int l = 0; l < CEV_LANES; l++)
        for (size_t i = 0; i < p->n_bin[0]; i++) p->signal[l][0][i] = strength * (1 + 0.3 * (double)i) * (1 + 0.1 * l);
}

/* sum_k a_k = t costs t^2/sum sigma_k^2: chi2 over one shift, by golden section in long double. */
static long double chi2_of_shift(const fit_problem *p, int lane, long double scale)
{
    long double variance = 0, sum = 0;
    for (size_t k = 0; k < p->n_pull; k++) variance += (long double)p->sigma[k] * p->sigma[k];
    for (size_t i = 0; i < p->n_bin[0]; i++) {
        long double d = p->data[0][i], n = p->background[0][i] + p->signal[lane][0][i] * scale;
        if (n <= 0) return INFINITY;
        sum += 2 * (n - d + (d > 0 ? d * logl(d / n) : 0));
    }
    return sum + (scale - 1) * (scale - 1) / variance;
}

/* Convex in the scale; low enough that no count is negative, and with a logarithm of the distance to that. */
static long double best_scale(const fit_problem *p, int lane)
{
    long double lowest = -INFINITY;
    for (size_t i = 0; i < p->n_bin[0]; i++)
        lowest = fmaxl(lowest, -(long double)p->background[0][i] / p->signal[lane][0][i]);
    long double a = logl(1e-30L), b = logl(1e6L - 2 * lowest), golden = (sqrtl(5) - 1) / 2;
    for (int k = 0; k < 400; k++) {
        long double x = b - golden * (b - a), y = a + golden * (b - a);
        if (chi2_of_shift(p, lane, lowest + expl(x)) < chi2_of_shift(p, lane, lowest + expl(y)))
            b = y;
        else
            a = x;
    }
    return lowest + expl((a + b) / 2);
}

/* Up to strengths that nothing but the border stops; what is beyond 1e12 counts in a bin is taken as 1e12. */
static void two_pulls_on_one_signal_of_any_strength(void **state)
{
    (void)state;
    static fit_problem p;
    static const double sigma[][2] = {{0.12, 0.05}, {0.12, 0.22}, {0.5, 0.4}, {1, 1}, {1e-3, 10}};
    for (size_t s = 0; s < LENGTH(sigma); s++)
        for (double exponent = -6; exponent <= 30; exponent += 0.5) {
            fit_answer fast;
            double strength = pow(10, exponent);
            lay_out(&p, 5, 2, sigma[s]);
            set_signal(&p, strength);
            solve(&p, &fast);
            for (int l = 0; l < CEV_LANES; l++) {
                long double scale = best_scale(&p, l), expected = chi2_of_shift(&p, l, scale);
                assert_int_equal(fast.status[l], CEV_POINT_OK);
                assert_relative(fast.chi2[l], (double)expected, strength > 1e11 ? 1e-8 : 1e-9);
                /* the shift is shared by the squares of the widths */
                double t = (double)(scale - 1), v = sigma[s][0] * sigma[s][0] + sigma[s][1] * sigma[s][1];
                for (int k = 0; k < 2; k++)
                    assert_close(fast.pull[l][k], t * sigma[s][k] * sigma[s][k] / v,
                                 1e-6 * fmax(1, fabs(t)) * sigma[s][k]);
            }
        }
}

/* Many pulls on one component are one pull of the width that adds up in squares. */
static void pulls_add_up_in_squares(void **state)
{
    (void)state;
    static fit_problem many, one;
    static const double sigma[] = {0.12, 0.05, 0.3, 0.01, 0.2, 0.07, 0.4, 0.02};
    for (size_t n = 2; n <= LENGTH(sigma); n++)
        for (double strength = 1e-3; strength < 1e6; strength *= 10) {
            double v = 0;
            for (size_t k = 0; k < n; k++) v += sigma[k] * sigma[k];
            const double together = sqrt(v);
            fit_answer a, b;
            lay_out(&many, 7, n, sigma);
            lay_out(&one, 7, 1, &together);
            set_signal(&many, strength);
            set_signal(&one, strength);
            solve(&many, &a);
            solve(&one, &b);
            for (int l = 0; l < CEV_LANES; l++) {
                assert_relative(a.chi2[l], b.chi2[l], 1e-10);
                double sum = 0, penalty = 0;
                for (size_t k = 0; k < n; k++) {
                    sum += a.pull[l][k];
                    penalty += pow(a.pull[l][k] / sigma[k], 2);
                    assert_close(a.pull[l][k], b.pull[l][0] * sigma[k] * sigma[k] / v, 1e-7 * sigma[k]);
                }
                assert_close(sum, b.pull[l][0], 1e-7);
                assert_close(penalty, pow(b.pull[l][0] / together, 2), 1e-6);
            }
        }
}

/* --- as XENONnT and PandaX-4T are: a shared pull, one of each signal, some of backgrounds ----------------------- */

enum { FLUX, SIGNAL_A, SIGNAL_B, BACKGROUND_A, BACKGROUND_B, BOTH, N_SHARED };

static void shared_problem(fit_problem *p, gsl_rng *r)
{
    static const double sigma[N_SHARED] = {0.12, 0.05, 0.22, 0.048, 0.31, 0.1};
    memset(p, 0, sizeof *p);
    p->n_channel = 2;
    p->n_pull = N_SHARED;
    memcpy(p->sigma, sigma, sizeof sigma);
    for (size_t c = 0; c < 2; c++) {
        p->n_bin[c] = c ? 8 : 3;
        p->n_background[c] = 1;
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            p->background[c][i] = uniform(r, 5, 60);
            p->data[c][i] = floor(uniform(r, 5, 80));
            for (int l = 0; l < CEV_LANES; l++) p->signal[l][c][i] = log_uniform(r, 1e-2, 1e3);
        }
    }
    add_link(p, FLUX, 0, 0);
    add_link(p, FLUX, 1, 0);
    add_link(p, SIGNAL_A, 0, 0);
    add_link(p, SIGNAL_B, 1, 0);
    add_link(p, BACKGROUND_A, 0, 1);
    add_link(p, BACKGROUND_B, 1, 1);
    add_link(p, BOTH, 0, 1);
    add_link(p, BOTH, 1, 1);
}

/* Six pulls, four shifts: chi2 and every pull are those of the plain problem. */
static void shared_pulls_are_those_of_the_plain_problem(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(51);
    static fit_problem p;
    for (int k = 0; k < 100; k++) {
        fit_answer fast;
        shared_problem(&p, r);
        solve(&p, &fast);
        assert_int_equal(fast.n_group, 1);
        for (int l = 0; l < CEV_LANES; l++) {
            long double start[MOST_PULLS] = {0}, slow[MOST_PULLS];
            double expected = slow_minimum(&p, l, start, slow);
            assert_int_equal(fast.status[l], CEV_POINT_OK);
            assert_close(fast.chi2[l], expected, 1e-9 * fmax(1, expected));
            for (size_t q = 0; q < p.n_pull; q++)
                assert_close(fast.pull[l][q], (double)slow[q], 1e-5 * p.sigma[q] + 1e-5);
            /* and chi2 is what the reported pulls give */
            long double pull[MOST_PULLS];
            for (size_t q = 0; q < p.n_pull; q++) pull[q] = fast.pull[l][q];
            assert_close((double)value_at(&p, l, pull, 0), fast.chi2[l], 1e-8 * fmax(1, expected));
        }
    }
    gsl_rng_free(r);
}

/* chi2 of the shifts t of both signals, backgrounds fixed: V is {f + a, f; f, f + b} with the squares of the three
 * widths. */
static long double chi2_of_shifts(const fit_problem *p, int lane, const long double *scale)
{
    long double f = powl(p->sigma[0], 2), a = powl(p->sigma[1], 2), b = powl(p->sigma[2], 2),
                det = (f + a) * (f + b) - f * f, sum = 0;
    long double x = scale[0] - 1, y = scale[1] - 1;
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < p->n_bin[c]; i++) {
            long double d = p->data[c][i], n = p->background[c][i] + p->signal[lane][c][i] * scale[c];
            if (n <= 0) return INFINITY;
            sum += 2 * (n - d + d * logl(d / n));
        }
    return sum + ((f + b) * x * x - 2 * f * x * y + (f + a) * y * y) / det;
}

/* The minimum over scale[c], and over those of later channels for each of its values; by golden section, from the
 * border on. */
static long double lowest_chi2(const fit_problem *p, int lane, size_t c, long double *scale)
{
    if (c == 2) return chi2_of_shifts(p, lane, scale);
    long double lowest = -INFINITY, golden = (sqrtl(5) - 1) / 2;
    for (size_t i = 0; i < p->n_bin[c]; i++)
        lowest = fmaxl(lowest, -(long double)p->background[c][i] / p->signal[lane][c][i]);
    long double a = logl(-lowest * 1e-9L), b = logl(1e3L - 2 * lowest), x = 0;
    for (int k = 0; k < 110; k++) {
        long double left = b - golden * (b - a), right = a + golden * (b - a);
        scale[c] = lowest + expl(left);
        long double at_left = lowest_chi2(p, lane, c + 1, scale);
        scale[c] = lowest + expl(right);
        if (at_left < lowest_chi2(p, lane, c + 1, scale))
            b = right;
        else
            a = left;
        x = (a + b) / 2;
    }
    scale[c] = lowest + expl(x);
    return lowest_chi2(p, lane, c + 1, scale);
}

/* A shared pull and one of each signal, the signals of any strength apart. */
static void shared_pull_of_signals_of_any_strength(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(54);
    static fit_problem p;
    static const double strength[] = {1e-2, 1, 1e3, 1e8, 1e11, 1e15, 1e30};
    for (size_t j = 0; j < LENGTH(strength); j++)
        for (size_t k = 0; k < LENGTH(strength); k++) {
            fit_answer fast;
            shared_problem(&p, r);
            p.n_pull = 3;
            p.n_link = 4; /* the backgrounds are as they are */
            for (size_t c = 0; c < 2; c++)
                for (size_t i = 0; i < p.n_bin[c]; i++)
                    for (int l = 0; l < CEV_LANES; l++) p.signal[l][c][i] = strength[c ? j : k] * uniform(r, 0.5, 2);
            solve(&p, &fast);
            long double scale[2], expected = lowest_chi2(&p, 0, 0, scale);
            assert_int_equal(fast.status[0], CEV_POINT_OK);
            assert_relative(fast.chi2[0], (double)expected, fmax(strength[j], strength[k]) > 1e11 ? 1e-8 : 1e-9);
            assert_close(fast.pull[0][FLUX] + fast.pull[0][SIGNAL_A], (double)(scale[0] - 1),
                         1e-5 * (double)fmaxl(1, fabsl(scale[0])));
            assert_close(fast.pull[0][FLUX] + fast.pull[0][SIGNAL_B], (double)(scale[1] - 1),
                         1e-5 * (double)fmaxl(1, fabsl(scale[1])));
        }
    gsl_rng_free(r);
}

/* No step in any direction, of pulls as they are reported, lowers chi2. */
static void reported_pulls_cannot_be_bettered(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(52);
    static fit_problem p;
    for (int k = 0; k < 20; k++) {
        fit_answer fast;
        shared_problem(&p, r);
        solve(&p, &fast);
        for (int trial = 0; trial < 200; trial++) {
            int l = (int)whole(r, 0, CEV_LANES - 1);
            long double pull[MOST_PULLS];
            double size = log_uniform(r, 1e-4, 1);
            for (size_t q = 0; q < p.n_pull; q++) pull[q] = fast.pull[l][q] + size * p.sigma[q] * uniform(r, -1, 1);
            assert_true((double)value_at(&p, l, pull, 0) >= fast.chi2[l] - 1e-9 * fmax(1, fast.chi2[l]));
        }
    }
    gsl_rng_free(r);
}

/* A pull that adds nothing new: the same pulls twice over, in another order, or with a channel apart. */
static void order_of_pulls_does_not_matter(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(53);
    static fit_problem p, other;
    for (int k = 0; k < 30; k++) {
        fit_answer a, b;
        shared_problem(&p, r);
        other = p;
        for (size_t j = 0; j < p.n_link; j++) {
            other.link[p.n_link - 1 - j] = p.link[j];
            other.link[p.n_link - 1 - j].pull = N_SHARED - 1 - p.link[j].pull;
        }
        for (size_t q = 0; q < N_SHARED; q++) other.sigma[N_SHARED - 1 - q] = p.sigma[q];
        solve(&p, &a);
        solve(&other, &b);
        for (int l = 0; l < CEV_LANES; l++) {
            assert_close(a.chi2[l], b.chi2[l], 1e-10 * fmax(1, a.chi2[l]));
            for (size_t q = 0; q < N_SHARED; q++) assert_close(a.pull[l][q], b.pull[l][N_SHARED - 1 - q], 1e-7);
        }
    }
    gsl_rng_free(r);
}

/* Gaussian channels: the closed form (D - N)^2/(variance + (sigma_1^2 + sigma_2^2) N^2) of one bin. */
static void two_pulls_of_a_counting_experiment(void **state)
{
    (void)state;
    static fit_problem p;
    static const double sigma[] = {0.12, 0.245};
    for (double n = 1e-3; n < 1e11; n *= 10) {
        fit_answer fast;
        lay_out(&p, 1, 2, sigma);
        p.n_background[0] = 0;
        p.gaussian[0] = 1;
        p.variance[0][0] = 653.672;
        p.data[0][0] = 69.1;
        for (int l = 0; l < CEV_LANES; l++) p.signal[l][0][0] = n * (1 + l);
        solve(&p, &fast);
        for (int l = 0; l < CEV_LANES; l++) {
            double s = n * (1 + l), v = 0.12 * 0.12 + 0.245 * 0.245;
            assert_relative(fast.chi2[l], pow(69.1 - s, 2) / (653.672 + v * s * s), 1e-9);
            for (int k = 0; k < 2; k++)
                assert_close(fast.pull[l][k], (69.1 - s) * s * sigma[k] * sigma[k] / (653.672 + v * s * s), 1e-9);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_pulls_on_one_signal_of_any_strength),
        cmocka_unit_test(pulls_add_up_in_squares),
        cmocka_unit_test(shared_pulls_are_those_of_the_plain_problem),
        cmocka_unit_test(shared_pull_of_signals_of_any_strength),
        cmocka_unit_test(reported_pulls_cannot_be_bettered),
        cmocka_unit_test(order_of_pulls_does_not_matter),
        cmocka_unit_test(two_pulls_of_a_counting_experiment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
