/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of maps whose scan profiles parameters: flags, values at the minimum, and their counts. */
#include "map_fixture.h"

static void a_study(fixture *f)
{
    study_of(f);
    profiling(f, 1, 2);
    create(f);
}

static bool has_object(const char *name)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool there = H5Lexists(file, name, H5P_DEFAULT) > 0;
    H5Fclose(file);
    return there;
}

static void read_attribute(const char *object, const char *name, hid_t type, void *to)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t a = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(a >= 0 && H5Aread(a, type, to) >= 0);
    H5Aclose(a);
    H5Fclose(file);
}

static void assert_text_attribute(const char *object, const char *name, const char *expected)
{
    char *text = NULL;
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    read_attribute(object, name, type, &text);
    assert_string_equal(text, expected);
    H5free_memory(text);
    H5Tclose(type);
}

static void flags_and_values_say_what_they_are(void **state)
{
    (void)state;
    fixture f;
    double bounds[2];
    unsigned char mask[3];
    a_study(&f);
    read_attribute("spaces/eps/flags", "flag_masks", H5T_NATIVE_UCHAR, mask);
    assert_true(mask[0] == CEV_FLAG_PROVEN && mask[1] == CEV_FLAG_AT_BOUND && mask[2] == CEV_FLAG_FLAT);
    assert_text_attribute("spaces/eps/flags", "flag_meanings", "proven at_bound flat");
    read_attribute("spaces/eps/profiled_lar.quenching.c1", "bounds", H5T_NATIVE_DOUBLE, bounds);
    assert_true(bounds[0] == 0.25 && bounds[1] == 0.75);
    assert_text_attribute("spaces/eps/flags", "minimised_over", "eps_mumu_uV,lar.quenching.c1");
    assert_text_attribute("spaces/eps/profiled_lar.quenching.c1", "units", "MeV");
    assert_text_attribute("spaces/eps/profiled_eps_mumu_uV", "units", "1");
    assert_text_attribute("spaces/eps/profiled_eps_mumu_uV", "long_name", "$\\varepsilon_{\\mu\\mu}^{uV}$");
}

static void only_maps_that_profile_have_them(void **state)
{
    (void)state;
    fixture f;
    a_study(&f);
    assert_true(has_object("spaces/eps/flags") && has_object("spaces/eps/results/points_flat"));
    assert_false(has_object("spaces/mass/flags") || has_object("spaces/mass/results/points_flat"));
    cev_map_info *info = inspect();
    assert_true(info->description_intact);
    assert_true(!info->space[0].has_flags && !info->space[0].flag_count && !info->space[0].results.points_proven);
    assert_true(info->space[1].has_flags && info->space[1].results.points_proven);
    assert_true(info->space[0].n_profiled == 0 && info->space[1].n_profiled == 2);
    assert_string_equal(info->space[1].profiled_name[1], "lar.quenching.c1");
    assert_true(info->space[1].profiled_low[0] == -1 && info->space[1].profiled_high[1] == 0.75);
    cev_map_info_destroy(&info);
    scan_of(&f, 1);
    profiling(&f, 0, 0);
    create(&f);
    assert_true(has_object("flags"));
    assert_false(has_object("profiled_eps_mumu_uV"));
}

static void they_land_where_their_points_are(void **state)
{
    (void)state;
    fixture f;
    a_study(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    write_all(map, &f, 1);
    assert_ok(cev_map_close(&map));
    double first[3][35], second[3][35];
    unsigned char flags[3][35];
    uint64_t count[3][CEV_N_POINT_FLAGS] = {0};
    read_dataset("spaces/eps/flags", H5T_NATIVE_UCHAR, flags);
    read_dataset("spaces/eps/profiled_eps_mumu_uV", H5T_NATIVE_DOUBLE, first);
    read_dataset("spaces/eps/profiled_lar.quenching.c1", H5T_NATIVE_DOUBLE, second);
    for (size_t m = 0; m < 3; m++)
        for (size_t k = 0; k < 35; k++) {
            double number = (double)k + 1000 * (double)m;
            assert_int_equal(flags[m][k], flags_of(number));
            assert_true(first[m][k] == number / 1000 && second[m][k] == 0.25 + number / 10000);
            for (int bit = 0; bit < CEV_N_POINT_FLAGS; bit++) count[m][bit] += flags[m][k] >> bit & 1;
        }
    cev_map_info *info = inspect();
    assert_memory_equal(info->space[1].flag_count, count, sizeof count);
    cev_map_info_destroy(&info);
}

static void a_new_map_knows_none(void **state)
{
    (void)state;
    fixture f;
    double value[3][35];
    a_study(&f);
    read_dataset("spaces/eps/profiled_eps_mumu_uV", H5T_NATIVE_DOUBLE, value);
    for (size_t k = 0; k < 3 * 35; k++) assert_true(isnan(value[k / 35][k % 35]));
    cev_map_info *info = inspect();
    for (size_t m = 0; m < 3; m++)
        for (int bit = 0; bit < CEV_N_POINT_FLAGS; bit++) assert_int_equal(info->space[1].flag_count[m][bit], 0);
    cev_map_info_destroy(&info);
}

static void a_tile_can_be_read_back(void **state)
{
    (void)state;
    fixture f;
    a_study(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    for (size_t id = 0; id < 9; id++) {
        results r, back = {0};
        write_tile(map, &f, 1, id, &r);
        cev_tile tile = cev_grid_tile(&f.grid[1], id);
        size_t n = 3 * tile.n_point;
        point_at(&f, 1, &back);
        assert_ok(cev_map_read_tile(map, 1, &tile, &back.out, back.delta, back.digest));
        assert_memory_equal(back.flags, r.flags, n);
        assert_memory_equal(back.profiled, r.profiled, 2 * n * sizeof *r.profiled);
        assert_memory_equal(back.pull, r.pull, 2 * n * sizeof *r.pull);
        assert_memory_equal(back.digest, r.digest, 3 * sizeof *r.digest);
    }
    assert_ok(cev_map_close(&map));
}

/* The digest without them is the old one; with them, each byte and each value counts. */
static void a_digest_knows_them(void **state)
{
    (void)state;
    fixture f;
    results r;
    cev_digest expected, changed;
    study_of(&f);
    profiling(&f, 1, 2);
    cev_tile tile = cev_grid_tile(&f.grid[1], 0);
    fill(&f, 1, &tile, &r);
    size_t n = tile.n_point;
    const cev_span span[] = {{r.chi2, n * 8},
                             {r.status, n},
                             {r.pull, n * 8},
                             {r.pull + 3 * n, n * 8},
                             {r.flags, n},
                             {r.profiled, n * 8},
                             {r.profiled + 3 * n, n * 8}};
    digests_of(&f, 1, &tile, &r);
    assert_ok(cev_digest_spans(span, LENGTH(span), &expected));
    assert_memory_equal(r.digest[0].byte, expected.byte, CEV_DIGEST_SIZE);
    r.flags[n - 1] ^= CEV_FLAG_FLAT;
    digests_of(&f, 1, &tile, &r);
    assert_memory_not_equal(r.digest[0].byte, expected.byte, CEV_DIGEST_SIZE);
    changed = r.digest[0];
    r.profiled[0] = -0.0;
    digests_of(&f, 1, &tile, &r);
    assert_memory_not_equal(r.digest[0].byte, changed.byte, CEV_DIGEST_SIZE);
}

static void results_of(cev_map_results *r, uint64_t count[4][3], double *real, char hash[3][CEV_DIGEST_TEXT_SIZE])
{
    memset(hash, 'a', 3 * CEV_DIGEST_TEXT_SIZE);
    for (size_t m = 0; m < 3; m++) hash[m][CEV_DIGEST_TEXT_SIZE - 1] = '\0';
    *r = (cev_map_results){.chi2_reference = real,
                           .best_fit_chi2 = real,
                           .best_fit = real,
                           .points_failed = count[0],
                           .points_proven = count[1],
                           .points_at_bound = count[2],
                           .points_flat = count[3],
                           .content_hash = hash};
}

static void results_hold_their_numbers(void **state)
{
    (void)state;
    fixture f;
    cev_map_results r;
    char hash[3][CEV_DIGEST_TEXT_SIZE], with[CEV_DIGEST_TEXT_SIZE], without[CEV_DIGEST_TEXT_SIZE];
    double real[6] = {1, 2, 3, 4, 5, 6};
    uint64_t count[4][3] = {{1, 2, 3}, {10, 20, 30}, {11, 21, 31}, {12, 22, 32}};
    a_study(&f);
    results_of(&r, count, real, hash);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    assert_ok(cev_map_write_results(map, 1, &r));
    assert_ok(cev_map_close(&map));
    cev_map_info *info = inspect();
    assert_memory_equal(info->space[1].results.points_failed, count[0], sizeof count[0]);
    assert_memory_equal(info->space[1].results.points_proven, count[1], sizeof count[1]);
    assert_memory_equal(info->space[1].results.points_at_bound, count[2], sizeof count[2]);
    assert_memory_equal(info->space[1].results.points_flat, count[3], sizeof count[3]);
    cev_map_info_destroy(&info);
    cev_map_results_of_space of = {3, 2, 3, &r};
    assert_ok(cev_map_hash_results(1, &of, with));
    count[2][1]++;
    assert_ok(cev_map_hash_results(1, &of, without));
    assert_string_not_equal(with, without);
    r.points_proven = r.points_at_bound = r.points_flat = NULL;
    assert_ok(cev_map_hash_results(1, &of, without));
    const cev_span span[] = {{real, 24}, {real, 24}, {real, 48}, {count[0], 24}};
    cev_digest digest;
    assert_ok(cev_digest_spans(span, LENGTH(span), &digest)); /* what files without flags have had all along */
    cev_digest_text(&digest, with);
    assert_string_equal(with, without);
}

/* Whatever users call their parameters, an axis takes nothing's place. */
static void names_of_datasets_are_no_names_of_axes(void **state)
{
    (void)state;
    static const char *const bad[] = {"spaces", "index",           "map",        "chi2",     "delta_chi2",
                                      "status", "flags",           "tiles",      "progress", "results",
                                      "pull_",  "pull_csi.signal", "profiled_x", "a/b",      ""};
    static const char *const good[] = {"eta", "csi.signal", "profile", "lar.quenching.c1", "pull", "scan", "value"};
    fixture f;
    for (size_t k = 0; k < LENGTH(good); k++) assert_false(cev_axis_reserves_name(good[k]));
    for (size_t k = 0; k < LENGTH(bad); k++) {
        scan_of(&f, 0);
        f.grid[0].axis[1].name = bad[k];
        unlink(path);
        assert_true(cev_axis_reserves_name(bad[k]));
        assert_refused(cev_map_create(path, &f.spec, true), CEV_E_INPUT, "no axis can be called");
        assert_int_not_equal(access(temporary, F_OK), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_values_say_what_they_are),
        cmocka_unit_test(only_maps_that_profile_have_them),
        cmocka_unit_test(they_land_where_their_points_are),
        cmocka_unit_test(a_new_map_knows_none),
        cmocka_unit_test(a_tile_can_be_read_back),
        cmocka_unit_test(a_digest_knows_them),
        cmocka_unit_test(results_hold_their_numbers),
        cmocka_unit_test(names_of_datasets_are_no_names_of_axes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
