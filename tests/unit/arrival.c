/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shares of windows of arrival time. */
#include "unit.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>

#include "cevscan/arrival.h"

static const double pion_us = 0.026033, muon_us = 2.1969811; /* Particle Data Group */

static cev_beam beam(double mean_us, double fwhm_us, double flat_us, double slope_per_us)
{
    cev_beam b = {.kind = cev_beam_kinds[0]};
    memcpy(b.parameter, (double[]){mean_us, fwhm_us, flat_us, slope_per_us}, 4 * sizeof(double));
    return b;
}

static double sum_of(const cev_beam *b, cev_arrival arrival, size_t n, const double *edge, double *share)
{
    double sum = 0;
    cev_arrival_shares(b, arrival, n, edge, share);
    for (size_t j = 0; j < n; j++) sum += share[j];
    return sum;
}

enum { N = 11 };
static const double edge[N + 1] = {0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 2, 4, 6};

/* --- the slow way: decays convolved with the pulse, numerically ------------------------------------------------- */

typedef struct convolution {
    const cev_beam *beam;
    cev_arrival arrival;
    double time;
} convolution;

static double adaptive(double (*function)(double, void *), void *context, double from, double to)
{
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(2000);
    gsl_function f = {.function = function, .params = context};
    double value, error;
    gsl_integration_qag(&f, from, to, 1e-15, 1e-11, 2000, GSL_INTEG_GAUSS21, space, &value, &error);
    gsl_integration_workspace_free(space);
    return value;
}

static double pulse_and_decay(double delay, void *context)
{
    const convolution *c = context;
    double sigma = c->beam->parameter[1] / 2.3548200450309493, u = (c->time - delay - c->beam->parameter[0]) / sigma;
    double decay = c->arrival == CEV_ARRIVAL_PROMPT
                       ? exp(-delay / pion_us) / pion_us
                       : (exp(-delay / muon_us) - exp(-delay / pion_us)) / (muon_us - pion_us);
    return exp(-u * u / 2) / (sigma * sqrt(2 * M_PI)) * decay;
}

static double at_time(double time, void *context)
{
    convolution c = *(const convolution *)context;
    double sigma = c.beam->parameter[1] / 2.3548200450309493, latest = time - c.beam->parameter[0] + 9 * sigma, sum = 0,
           from = 0;
    c.time = time;
    if (c.arrival == CEV_ARRIVAL_STEADY) return 1;
    const double upto[] = {0.02, 0.1, 0.3, 1, latest};
    for (size_t k = 0; k < LENGTH(upto) && from < latest; k++) {
        double to = fmin(upto[k], latest);
        if (to > from) sum += adaptive(pulse_and_decay, &c, from, to);
        from = fmax(from, to);
    }
    return sum;
}

static double at_time_kept(double time, void *context)
{
    const double *p = ((const convolution *)context)->beam->parameter;
    return at_time(time, context) * exp(-p[3] * fmax(time - p[2], 0));
}

static void check_against_convolution(const cev_beam *b, cev_arrival arrival)
{
    convolution c = {.beam = b, .arrival = arrival};
    double share[N], kept[N], all = 0;
    cev_arrival_shares(b, arrival, N, edge, share);
    for (size_t j = 0; j < N; j++) {
        double middle = fmin(fmax(b->parameter[2], edge[j]), edge[j + 1]);
        all += adaptive(at_time, &c, edge[j], edge[j + 1]);
        kept[j] = (middle > edge[j] ? adaptive(at_time_kept, &c, edge[j], middle) : 0) +
                  (middle < edge[j + 1] ? adaptive(at_time_kept, &c, middle, edge[j + 1]) : 0);
    }
    if (arrival != CEV_ARRIVAL_STEADY && !b->within_windows) all = 1;
    for (size_t j = 0; j < N; j++) assert_close(share[j], kept[j] / all, 2e-9);
}

static void shares_equal_a_numerical_convolution(void **state)
{
    (void)state;
    cev_beam beams[] = {beam(0.6, 0.378, 0.52, 0.0494), beam(0.3, 0.1, 1.5, 0.3), beam(0.6, 0.378, 0, 0),
                        beam(0.6, 0.378, 0.52, 0.0494)};
    beams[3].within_windows = true;
    for (size_t k = 0; k < LENGTH(beams); k++)
        for (int a = 0; a < CEV_N_ARRIVALS; a++) check_against_convolution(&beams[k], (cev_arrival)a);
}

/* --- closed forms ----------------------------------------------------------------------------------------------- */

/* After a pulse that is short and over, what is left decays: integral of exp(-t/tau)/tau kept with exp(-slope t). */
static double decayed(double lifetime, double sigma, double slope, double from, double to)
{
    double rate = 1 / lifetime + slope;
    return exp(sigma * sigma / (2 * lifetime * lifetime)) * (exp(-rate * from) - exp(-rate * to)) / (lifetime * rate);
}

static void after_the_pulse_shares_are_exponentials(void **state)
{
    (void)state;
    const double fwhm = 0.01, sigma = fwhm / 2.3548200450309493, slope = 0.3;
    const cev_beam b = beam(0.5, fwhm, 0.5, slope); /* efficiency exp(-slope (t - 0.5)) from 0.5 us on */
    const double late[] = {0.55, 0.6, 0.69, 0.8, 3, 20};
    double prompt[5], delayed[5];
    cev_arrival_shares(&b, CEV_ARRIVAL_PROMPT, 5, late, prompt);
    cev_arrival_shares(&b, CEV_ARRIVAL_DELAYED, 5, late, delayed);
    for (size_t j = 0; j < 5; j++) {
        double pion = decayed(pion_us, sigma, slope, late[j] - 0.5, late[j + 1] - 0.5),
               muon = decayed(muon_us, sigma, slope, late[j] - 0.5, late[j + 1] - 0.5);
        assert_relative(prompt[j], pion, 1e-9);
        assert_relative(delayed[j], (muon_us * muon - pion_us * pion) / (muon_us - pion_us), 1e-9);
    }
}

/* A window's share is its own, whatever other windows there are: what arrives outside all of them is lost. */
static void a_share_does_not_depend_on_other_windows(void **state)
{
    (void)state;
    const cev_beam b = beam(0.6, 0.378, 0.52, 0.0494);
    const double most[] = {0, 0.3, 1, 6}, fewer[] = {0, 0.3, 1}, one[] = {0.3, 1};
    double all[3], some[2], alone[1];
    for (int a = CEV_ARRIVAL_PROMPT; a < CEV_N_ARRIVALS; a++) {
        cev_arrival_shares(&b, (cev_arrival)a, 3, most, all);
        cev_arrival_shares(&b, (cev_arrival)a, 2, fewer, some);
        cev_arrival_shares(&b, (cev_arrival)a, 1, one, alone);
        assert_true(all[0] == some[0] && all[1] == some[1] && all[1] == alone[0]);
    }
}

static void windows_may_be_all_that_counts(void **state)
{
    (void)state;
    cev_beam b = beam(0.6, 0.378, 0, 0);
    const double first[] = {0, 0.5};
    double whole[N], share[N], part = sum_of(&b, CEV_ARRIVAL_DELAYED, N, edge, whole);
    assert_true(part < 0.95);
    b.within_windows = true;
    assert_close(sum_of(&b, CEV_ARRIVAL_DELAYED, N, edge, share), 1, 1e-13);
    for (size_t j = 0; j < N; j++) assert_relative(share[j], whole[j] / part, 1e-12);
    assert_close(sum_of(&b, CEV_ARRIVAL_PROMPT, 1, first, share), 1, 1e-13);
}

/* --- identities ------------------------------------------------------------------------------------------------- */

/* From long before the pulse to long after the last decay. */
static void nothing_is_lost_without_an_efficiency(void **state)
{
    (void)state;
    const cev_beam beams[] = {beam(0.6, 0.378, 0, 0), beam(0.6, 1e-5, 0, 0), beam(0.6, 90, 0, 0), beam(0.6, 1e4, 0, 0)};
    const double wide[] = {-1e6, -3, 0, 0.6, 0.7, 2, 1e6};
    double share[6];
    for (size_t k = 0; k < LENGTH(beams); k++)
        for (int a = 0; a < CEV_N_ARRIVALS; a++) {
            assert_close(sum_of(&beams[k], (cev_arrival)a, 6, wide, share), 1, 1e-12);
            for (size_t j = 0; j < 6; j++) assert_true(share[j] >= 0);
        }
}

static void steady_is_flat(void **state)
{
    (void)state;
    const cev_beam b = beam(0.6, 0.378, 7, 0.0494); /* efficiency 1 all along */
    double share[N];
    cev_arrival_shares(&b, CEV_ARRIVAL_STEADY, N, edge, share);
    for (size_t j = 0; j < N; j++) assert_relative(share[j], (edge[j + 1] - edge[j]) / 6, 1e-12);
}

/* With an efficiency, the sum is its mean: exactly known where events are flat in time. */
static void shares_sum_to_the_mean_efficiency(void **state)
{
    (void)state;
    const cev_beam b = beam(0.6, 0.378, 0.52, 0.0494);
    double share[N], expected = (0.52 + (1 - exp(-0.0494 * (6 - 0.52))) / 0.0494) / 6;
    assert_relative(sum_of(&b, CEV_ARRIVAL_STEADY, N, edge, share), expected, 1e-11);
    double prompt = sum_of(&b, CEV_ARRIVAL_PROMPT, N, edge, share),
           delayed = sum_of(&b, CEV_ARRIVAL_DELAYED, N, edge, share);
    assert_close(prompt, 0.994, 5e-4);                                /* arXiv:2409.04703 */
    assert_true(delayed < prompt && delayed > 0.8 && delayed < 0.86); /* of muons, 8 % decay after 6 us */
    const double whole[] = {0, 6};
    assert_relative(sum_of(&b, CEV_ARRIVAL_DELAYED, 1, whole, share), delayed, 1e-9);
}

/* Long after the pulse only the muon's lifetime is left. */
static void delayed_events_die_with_the_muon(void **state)
{
    (void)state;
    const cev_beam b = beam(0.6, 0.378, 0, 0);
    const double late[] = {0, 3, 4, 5, 6, 7};
    double share[5];
    cev_arrival_shares(&b, CEV_ARRIVAL_DELAYED, 5, late, share);
    for (size_t j = 1; j + 1 < 5; j++) assert_relative(share[j + 1] / share[j], exp(-1 / muon_us), 1e-7);
}

/* Early and far windows, sharp and wide pulses: numbers all the same. */
static void odd_pulses_give_shares(void **state)
{
    (void)state;
    const cev_beam beams[] = {beam(0.5, 0.01, 0, 0), beam(3, 20, 0, 1), beam(-2, 0.3, 0, 0), beam(0.5, 1e-3, 0.2, 0.1)};
    double share[N];
    for (size_t k = 0; k < LENGTH(beams); k++)
        for (int a = 0; a < CEV_N_ARRIVALS; a++) {
            double sum = sum_of(&beams[k], (cev_arrival)a, N, edge, share);
            assert_true(sum > 0 && sum <= 1 + 1e-12);
        }
    /* A sharp pulse in the middle of a window: nothing comes before it. */
    cev_arrival_shares(&beams[0], CEV_ARRIVAL_PROMPT, N, edge, share);
    assert_close(share[0] + share[1] + share[2], 0, 1e-12);
    double after = 0;
    for (size_t j = 5; j < N; j++) after += share[j];
    assert_close(after, exp(-0.125 / pion_us), 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_equal_a_numerical_convolution),
        cmocka_unit_test(after_the_pulse_shares_are_exponentials),
        cmocka_unit_test(a_share_does_not_depend_on_other_windows),
        cmocka_unit_test(windows_may_be_all_that_counts),
        cmocka_unit_test(nothing_is_lost_without_an_efficiency),
        cmocka_unit_test(steady_is_flat),
        cmocka_unit_test(shares_sum_to_the_mean_efficiency),
        cmocka_unit_test(delayed_events_die_with_the_muon),
        cmocka_unit_test(odd_pulses_give_shares),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
