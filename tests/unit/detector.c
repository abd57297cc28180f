/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bins, responses, flat backgrounds. */
#include "unit.h"

#include "cevscan/background.h"
#include "cevscan/response.h"

enum { SIGMA_AT_THRESHOLD_KEV = CEV_N_COMMON_RESPONSE_PARAMETERS };

static cev_response response(const char *name, double threshold_keV, double acceptance, double sigma_keV)
{
    cev_response r = {0};
    for (size_t k = 0; k < cev_n_response_kinds; k++)
        if (!strcmp(cev_response_kinds[k]->card.name, name)) r.kind = cev_response_kinds[k];
    assert_non_null(r.kind);
    r.parameter[CEV_RESPONSE_THRESHOLD_KEV] = threshold_keV;
    r.parameter[CEV_RESPONSE_ACCEPTANCE] = acceptance;
    r.parameter[SIGMA_AT_THRESHOLD_KEV] = sigma_keV;
    return r;
}

static double resolution_of(const void *context, double recoil_keV)
{
    const cev_response *r = context;
    return r->kind->resolution_keV(r, recoil_keV);
}

/* --- bins ------------------------------------------------------------------------------------------------------- */

static void edges_are_copied(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    double edge[] = {1, 2, 4};
    cev_bins bins;
    assert_ok(cev_bins_from_edges(arena, 2, edge, &bins));
    edge[1] = 99;
    assert_int_equal(bins.n_bin, 2);
    assert_true(bins.edge[1] == 2 && cev_bins_width(&bins, 0) == 1 && cev_bins_width(&bins, 1) == 2);
    cev_arena_destroy(&arena);
}

/* With sigma = s sqrt(T/t), hi - lo = w sigma(centre) is a quadratic equation, and every bin is wider than the one
 * before it by w^2 s^2/(2 t). */
static void bins_by_resolution_obey_their_rule(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    const double threshold[] = {1, 0.9, 0.16, 0.6}, sigma[] = {0.3, 0.36, 0.096, 0.09}, widths[] = {2, 1, 0.3, 2.5};
    for (size_t k = 0; k < LENGTH(threshold); k++)
        for (size_t j = 0; j < LENGTH(widths); j++) {
            cev_response r = response("gaussian", threshold[k], 1, sigma[k]);
            double w = widths[j], growth = w * w * sigma[k] * sigma[k] / (2 * threshold[k]), end = 40;
            cev_bins bins;
            assert_ok(cev_bins_by_resolution(arena, threshold[k], end, w, resolution_of, &r, &bins));
            assert_true(bins.edge[0] == threshold[k]);
            assert_true(bins.edge[bins.n_bin] > end && bins.edge[bins.n_bin - 1] <= end);
            for (size_t i = 0; i < bins.n_bin; i++) {
                double lo = bins.edge[i], hi = bins.edge[i + 1];
                assert_relative(hi - lo, w * sigma[k] * sqrt((lo + hi) / 2 / threshold[k]), 1e-12);
                assert_relative(hi - lo, growth / 2 + sqrt(growth * growth / 4 + 2 * growth * lo), 1e-12);
                if (i) assert_relative(cev_bins_width(&bins, i) - cev_bins_width(&bins, i - 1), growth, 1e-9);
            }
        }
    cev_arena_destroy(&arena);
}

/* The first edges that arXiv:2208.11771's rule gives. */
static void first_edges_are_those_of_the_ess_detectors(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    const double start_sigma_edges[][5] = {{1, 0.3, 1.69671, 2.57342, 3.63014},
                                           {0.9, 0.36, 1.77826, 2.94452, NAN},
                                           {0.16, 0.096, 0.418054, 0.791308, NAN},
                                           {0.6, 0.09, 0.794006, 1.01501, NAN}};
    for (size_t k = 0; k < LENGTH(start_sigma_edges); k++) {
        const double *row = start_sigma_edges[k];
        cev_response r = response("gaussian", row[0], 1, row[1]);
        cev_bins bins;
        assert_ok(cev_bins_by_resolution(arena, row[0], 40, 2, resolution_of, &r, &bins));
        for (size_t i = 1; i < 4 && !isnan(row[i + 1]); i++) assert_relative(bins.edge[i], row[i + 1], 5e-6);
    }
    cev_arena_destroy(&arena);
}

static double constant(const void *context, double recoil_keV)
{
    (void)recoil_keV;
    return *(const double *)context;
}

static void bins_that_never_arrive_are_refused(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    cev_bins bins;
    double fine = 1e-6, none = 0, negative = -1, whole_step = 0.5, no_number = NAN, infinite = INFINITY;
    assert_ok(cev_bins_by_resolution(arena, 1, 3, 2, constant, &whole_step, &bins));
    assert_int_equal(bins.n_bin, 3); /* 1 2 3 4: the last edge passes the end */
    assert_refused(cev_bins_by_resolution(arena, 1, 3, 2, constant, &fine, &bins), CEV_E_INPUT, "do not reach");
    assert_refused(cev_bins_by_resolution(arena, 1, 3, 2, constant, &none, &bins), CEV_E_INPUT, "do not reach");
    assert_refused(cev_bins_by_resolution(arena, 1, 3, 2, constant, &negative, &bins), CEV_E_INPUT, "do not reach");
    assert_refused(cev_bins_by_resolution(arena, 1, 3, 2, constant, &no_number, &bins), CEV_E_INPUT, "do not reach");
    assert_refused(cev_bins_by_resolution(arena, 1, 3, 2, constant, &infinite, &bins), CEV_E_INPUT, "do not reach");
    assert_refused(cev_bins_by_resolution(arena, 4, 3, 2, constant, &whole_step, &bins), CEV_E_INPUT, "do not reach");
    cev_arena_destroy(&arena);
}

/* --- responses -------------------------------------------------------------------------------------------------- */

enum { N_BIN = 40 };

/* Bins from below zero, where every Gaussian ends, to far above. */
static cev_bins wide_bins(double *edge)
{
    for (size_t i = 0; i <= N_BIN; i++) edge[i] = -20 + 3 * (double)i;
    return (cev_bins){.n_bin = N_BIN, .n_energy = N_BIN, .n_time = 1, .edge = edge};
}

static void gaussian_columns_sum_to_the_acceptance(void **state)
{
    (void)state;
    double edge[N_BIN + 1], probability[N_BIN];
    cev_bins bins = wide_bins(edge);
    cev_response r = response("gaussian", 1, 0.8, 0.3);
    for (double recoil = 1e-4; recoil < 60; recoil = recoil * 1.3) {
        double sum = 0;
        r.kind->fill(&r, &bins, recoil, probability);
        for (size_t i = 0; i < N_BIN; i++) {
            assert_true(probability[i] >= 0 && probability[i] <= 0.8 * (1 + 1e-15));
            sum += probability[i];
        }
        assert_close(sum, 0.8, 1e-14);
    }
}

static void gaussian_is_the_difference_of_two_error_functions(void **state)
{
    (void)state;
    const double edge[] = {1, 1.5, 3, 7};
    const cev_bins bins = {.n_bin = 3, .n_energy = 3, .n_time = 1, .edge = edge};
    cev_response r = response("gaussian", 0.9, 0.7, 0.36);
    for (double recoil = 0.01; recoil < 12; recoil *= 1.2) {
        double probability[3], sigma = 0.36 * sqrt(recoil / 0.9);
        assert_relative(r.kind->resolution_keV(&r, recoil), sigma, 1e-14);
        r.kind->fill(&r, &bins, recoil, probability);
        for (size_t i = 0; i < 3; i++) {
            double below = erfc((edge[i] - recoil) / (sigma * sqrt(2))),
                   above = erfc((edge[i + 1] - recoil) / (sigma * sqrt(2)));
            assert_close(probability[i], 0.7 * (below - above) / 2, 1e-15);
        }
    }
}

/* Smearing moves recoils up into the window, also from below its threshold. */
static void gaussian_smears_across_the_threshold(void **state)
{
    (void)state;
    const double edge[] = {1, 2};
    const cev_bins bins = {.n_bin = 1, .n_energy = 1, .n_time = 1, .edge = edge};
    cev_response r = response("gaussian", 1, 1, 0.3);
    double probability;
    r.kind->fill(&r, &bins, 0.7, &probability);
    assert_true(probability > 0.05);
    r.kind->fill(&r, &bins, 1, &probability);
    assert_close(probability, 0.5, 1e-3); /* half of it is lost below */
}

static void threshold_puts_a_recoil_into_its_bin(void **state)
{
    (void)state;
    const double edge[] = {0.5, 1, 2, 5};
    const cev_bins bins = {.n_bin = 3, .n_energy = 3, .n_time = 1, .edge = edge};
    cev_response r = response("threshold", 0.8, 0.6, 0);
    const struct {
        double recoil_keV;
        int bin; /* -1: none */
    } recoils[] = {{0.4, -1},  {0.7, -1}, {0.8, 0},   {0.999, 0}, {1, 1},
                   {1.999, 1}, {2, 2},    {4.999, 2}, {5, -1},    {9, -1}};
    for (size_t k = 0; k < LENGTH(recoils); k++) {
        double probability[3] = {9, 9, 9};
        r.kind->fill(&r, &bins, recoils[k].recoil_keV, probability);
        for (int i = 0; i < 3; i++) assert_true(probability[i] == (i == recoils[k].bin ? 0.6 : 0));
    }
    assert_true(r.kind->resolution_keV(&r, 1) == 0);
    assert_false(r.kind->counting);
}

static void counting_knows_no_upper_edge(void **state)
{
    (void)state;
    const double edge[] = {0.1, 0.2};
    const cev_bins bins = {.n_bin = 1, .n_energy = 1, .n_time = 1, .edge = edge};
    cev_response r = response("counting", 0.1, 0.8, 0);
    const double recoil[] = {0.05, 0.0999999, 0.1, 0.15, 1e3}, expected[] = {0, 0, 0.8, 0.8, 0.8};
    for (size_t k = 0; k < LENGTH(recoil); k++) {
        double probability = 9;
        r.kind->fill(&r, &bins, recoil[k], &probability);
        assert_true(probability == expected[k]);
    }
    assert_true(r.kind->counting);
}

static void flat_background_follows_the_widths(void **state)
{
    (void)state;
    const double edge[] = {1, 1.5, 3.5};
    const cev_bins bins = {.n_bin = 2, .n_energy = 2, .n_time = 1, .edge = edge};
    double counts[2];
    cev_background_flat(&bins, 8, counts);
    assert_true(counts[0] == 4 && counts[1] == 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_are_copied),
        cmocka_unit_test(bins_by_resolution_obey_their_rule),
        cmocka_unit_test(first_edges_are_those_of_the_ess_detectors),
        cmocka_unit_test(bins_that_never_arrive_are_refused),
        cmocka_unit_test(gaussian_columns_sum_to_the_acceptance),
        cmocka_unit_test(gaussian_is_the_difference_of_two_error_functions),
        cmocka_unit_test(gaussian_smears_across_the_threshold),
        cmocka_unit_test(threshold_puts_a_recoil_into_its_bin),
        cmocka_unit_test(counting_knows_no_upper_edge),
        cmocka_unit_test(flat_background_follows_the_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
