/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What bins are called, for every kind of response. */
#include "unit.h"

#include "cevscan/experiment.h"

static cev_experiment experiment(const char *response, size_t n, const double *edge)
{
    cev_experiment x = {.name = "toy", .bins = {.n_bin = n, .n_energy = n, .n_time = 1, .edge = edge}};
    for (size_t k = 0; k < cev_n_response_kinds; k++)
        if (!strcmp(cev_response_kinds[k]->card.name, response)) x.response.kind = cev_response_kinds[k];
    assert_non_null(x.response.kind);
    return x;
}

static void is_called(const cev_experiment *x, size_t bin, const char *expected)
{
    char name[CEV_BIN_NAME_SIZE];
    cev_bin_name(x, bin, name, sizeof name);
    assert_string_equal(name, expected);
}

static void edges_have_their_unit(void **state)
{
    (void)state;
    const double edge[] = {0, 12.25, 20};
    cev_experiment x = experiment("gaussian", 2, edge);
    is_called(&x, 0, "0 to 12.25 keV");
    x = experiment("photoelectrons", 2, edge);
    is_called(&x, 1, "12.25 to 20 PE");
}

static void narrow_bins_have_different_edges(void **state)
{
    (void)state;
    const double edge[] = {1000.001, 1000.002, 1000.0020001};
    cev_experiment x = experiment("threshold", 2, edge);
    is_called(&x, 0, "1000.001 to 1000.002 keV");
    is_called(&x, 1, "1000.002 to 1000.0020001 keV");
}

static void counting_has_no_upper_edge(void **state)
{
    (void)state;
    const double edge[] = {2, 57};
    cev_experiment x = experiment("counting", 1, edge);
    is_called(&x, 0, "above 2 keV");
}

static void bins_of_a_table_have_numbers_or_names(void **state)
{
    (void)state;
    const double edge[] = {0, 1, 2};
    const char *const names[] = {"4.0-4.5 e", "4.5-5.0 e"};
    cev_experiment x = experiment("table", 2, edge);
    assert_true(cev_bins_are_numbered(&x));
    is_called(&x, 1, "bin 2");
    x.bins.name = names;
    is_called(&x, 1, "4.5-5.0 e");
}

static void windows_of_time_are_named_behind(void **state)
{
    (void)state;
    const double edge[] = {0, 12, 20}, edge_us[] = {-0.5, 0.125, 6};
    cev_experiment x = experiment("photoelectrons", 2, edge);
    x.bins.n_time = 2, x.bins.n_bin = 4, x.bins.time_edge_us = edge_us;
    is_called(&x, 1, "12 to 20 PE, -0.5 to 0.125 us");
    is_called(&x, 2, "0 to 12 PE, 0.125 to 6 us");
}

static void are_called(const cev_experiment *x, const char *expected)
{
    char name[CEV_BIN_NAME_SIZE];
    cev_bins_in_words(x, name, sizeof name);
    assert_string_equal(name, expected);
}

static void all_of_them_in_words(void **state)
{
    (void)state;
    const double edge[] = {2, 12, 20}, edge_us[] = {0, 6};
    cev_experiment x = experiment("gaussian", 2, edge);
    are_called(&x, "2 bins from 2 to 20 keV");
    x = experiment("counting", 1, edge);
    are_called(&x, "1 bin above 2 keV");
    x = experiment("table", 2, edge);
    are_called(&x, "2 bins of a table");
    x = experiment("photoelectrons", 2, edge);
    x.bins.time_edge_us = edge_us;
    are_called(&x, "2 bins from 2 to 20 PE and in time");
}

static void a_short_buffer_cuts_the_name(void **state)
{
    (void)state;
    const double edge[] = {0, 12}, edge_us[] = {0, 6};
    cev_experiment x = experiment("photoelectrons", 1, edge);
    x.bins.time_edge_us = edge_us;
    char name[10];
    for (size_t size = 1; size <= sizeof name; size++) {
        cev_bin_name(&x, 0, name, size);
        assert_true(strlen(name) < size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_have_their_unit),
        cmocka_unit_test(narrow_bins_have_different_edges),
        cmocka_unit_test(counting_has_no_upper_edge),
        cmocka_unit_test(bins_of_a_table_have_numbers_or_names),
        cmocka_unit_test(windows_of_time_are_named_behind),
        cmocka_unit_test(all_of_them_in_words),
        cmocka_unit_test(a_short_buffer_cuts_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
