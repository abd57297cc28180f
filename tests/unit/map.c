/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of maps: what is written can be read. MPI runs as a single process. */
#include "map_fixture.h"

#include <sys/file.h>

/* --- new files ---------------------------------------------------------------------------------------------------- */

static void a_new_scan_says_what_it_was_made_of(void **state)
{
    (void)state;
    fixture f;
    scan_of(&f, 2);
    create(&f);
    cev_map_info *info = inspect();
    const cev_space_info *s = info->space;
    assert_false(info->is_study);
    assert_true(info->description_intact && info->n_space == 1 && info->n_map == 1);
    assert_null(s->name);
    assert_null(s->map_name);
    assert_int_equal(s->n_axis, 2);
    assert_string_equal(s->axis_name[0], "eps_ee_uV");
    assert_string_equal(s->axis_name[1], "mass_MeV");
    assert_true(s->axis_points[0] == 5 && s->axis_points[1] == 7);
    assert_true(s->n_map == 1 && s->n_member == 1 && s->n_fit == 1);
    assert_true(info->n_point == 35 && info->n_tile == 9 && info->n_tile_done == 0 && s->n_tile == 9);
    assert_int_equal(info->status_count[CEV_POINT_PENDING], 35);
    for (size_t t = 0; t < 9; t++) assert_int_equal(s->done[t], 0);
    for (size_t k = 0; k < LENGTH(texts); k++)
        assert_string_equal(cev_map_info_text(info, texts[k].name), texts[k].value);
    assert_string_equal(cev_map_info_text(info, "format"), "cevscan map");
    assert_null(cev_map_info_text(info, "no such"));
    assert_false(info->progress.complete);
    assert_int_equal(info->progress.sessions, 0);
    assert_string_equal(info->progress.end, "");
    cev_map_info_destroy(&info);
    assert_null(info);
    cev_map_info_destroy(NULL);
}

static void a_new_study_says_what_it_was_made_of(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    create(&f);
    cev_map_info *info = inspect();
    assert_true(info->is_study && info->description_intact);
    assert_true(info->n_space == 2 && info->n_map == 5 && info->n_tile == 11 && info->n_point == 2 * 7 + 3 * 35);
    const cev_space_info *mass = &info->space[0], *eps = &info->space[1];
    assert_string_equal(mass->name, "mass"); /* the order of the index, not of the alphabet */
    assert_string_equal(eps->name, "eps");
    assert_true(mass->n_axis == 1 && mass->n_map == 2 && mass->n_fit == 2 && mass->n_point == 7 && mass->n_tile == 2);
    assert_true(eps->n_axis == 2 && eps->n_map == 3 && eps->n_fit == 3 && eps->n_point == 35 && eps->n_tile == 9);
    assert_string_equal(mass->axis_name[0], "mass_MeV");
    assert_string_equal(eps->axis_name[0], "eps_ee_uV");
    assert_string_equal(mass->map_name[1], "si");
    assert_string_equal(eps->map_name[2], "csi+si");
    assert_int_equal(eps->status_count[2][CEV_POINT_PENDING], 35);
    assert_string_equal(cev_map_info_text(info, "format"), "cevscan study");
    cev_map_info_destroy(&info);
}

static void members_have_names(void **state)
{
    (void)state;
    fixture f;
    scan_in_turn(&f);
    create(&f);
    cev_map_info *info = inspect();
    assert_true(info->space->n_member == 3 && info->space->n_fit == 3 && info->space->n_tile == 6);
    assert_string_equal(info->space->member_name[2], "c");
    assert_true(cev_map_n_fit(f.space) == 3);
    cev_map_info_destroy(&info);
}

static void nothing_is_left_beside_a_new_map(void **state)
{
    (void)state;
    fixture f;
    scan_of(&f, 0);
    create(&f);
    assert_int_not_equal(access(temporary, F_OK), 0);
}

static void an_unpublished_file_stays_temporary(void **state)
{
    (void)state;
    fixture f;
    scan_of(&f, 0);
    unlink(path);
    assert_ok(cev_map_create(path, &f.spec, true));
    cev_map *map = open_map(&f, CEV_MAP_LAY_OUT);
    assert_ok(cev_map_close(&map));
    assert_int_equal(access(temporary, F_OK), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    unlink(temporary);
}

static void a_new_map_is_all_nan(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    create(&f);
    const char *const fields[] = {"spaces/eps/chi2", "spaces/eps/delta_chi2", "spaces/eps/pull_csi.signal",
                                  "spaces/eps/pull_csi.background"};
    for (size_t k = 0; k < LENGTH(fields); k++) {
        double value[3 * 35] = {0};
        read_dataset(fields[k], H5T_NATIVE_DOUBLE, value);
        for (size_t i = 0; i < LENGTH(value); i++) assert_true(isnan(value[i]));
    }
    double axis[7];
    read_dataset("spaces/mass/mass_MeV", H5T_NATIVE_DOUBLE, axis);
    assert_memory_equal(axis, mu, sizeof mu);
}

/* --- tiles -------------------------------------------------------------------------------------------------------- */

static void tiles_land_where_their_points_are(void **state)
{
    (void)state;
    fixture f;
    scan_of(&f, 2);
    create(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    write_all(map, &f, 0);
    assert_ok(cev_map_close(&map));
    double chi2[35], delta[35], one[35], two[35];
    unsigned char status[35];
    read_dataset("chi2", H5T_NATIVE_DOUBLE, chi2);
    read_dataset("delta_chi2", H5T_NATIVE_DOUBLE, delta);
    read_dataset("pull_csi.signal", H5T_NATIVE_DOUBLE, one);
    read_dataset("pull_csi.background", H5T_NATIVE_DOUBLE, two);
    read_dataset("status", H5T_NATIVE_UCHAR, status);
    for (size_t k = 0; k < 35; k++) {
        assert_true(chi2[k] == (double)k + 0.5 && delta[k] == (double)k + 0.25);
        assert_true(one[k] == -(double)k && two[k] == (double)k / 100);
        assert_int_equal(status[k], k == 3 ? CEV_POINT_NOT_CONVERGED : CEV_POINT_OK);
    }
    cev_map_info *info = inspect();
    assert_int_equal(info->n_tile_done, 9);
    assert_true(info->status_count[CEV_POINT_OK] == 34 && info->status_count[CEV_POINT_NOT_CONVERGED] == 1);
    cev_map_info_destroy(&info);
}

static void tiles_of_a_study_land_where_their_points_are(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    create(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    write_all(map, &f, 1);
    write_all(map, &f, 0);
    assert_ok(cev_map_close(&map));
    double chi2[3][35], delta[3][35], two[3][35], mass[2][7];
    unsigned char status[3][35];
    read_dataset("spaces/eps/chi2", H5T_NATIVE_DOUBLE, chi2);
    read_dataset("spaces/eps/delta_chi2", H5T_NATIVE_DOUBLE, delta);
    read_dataset("spaces/eps/pull_csi.background", H5T_NATIVE_DOUBLE, two);
    read_dataset("spaces/eps/status", H5T_NATIVE_UCHAR, status);
    read_dataset("spaces/mass/delta_chi2", H5T_NATIVE_DOUBLE, mass);
    for (size_t m = 0; m < 3; m++)
        for (size_t k = 0; k < 35; k++) {
            double number = (double)k + 1000 * (double)m;
            assert_true(chi2[m][k] == number + 0.5 && delta[m][k] == number + 0.5 - references[m]);
            assert_true(two[m][k] == number / 100);
            assert_int_equal(status[m][k], number == 3 ? CEV_POINT_NOT_CONVERGED : CEV_POINT_OK);
        }
    for (size_t k = 0; k < 7; k++) assert_true(mass[0][k] == (double)k + 0.25 && mass[1][k] == 1000 + (double)k);
    cev_map_info *info = inspect();
    assert_true(info->n_tile_done == 11 && info->description_intact);
    assert_true(info->space[1].status_count[0][CEV_POINT_NOT_CONVERGED] == 1);
    assert_true(info->space[1].status_count[2][CEV_POINT_OK] == 35);
    assert_true(info->status_count[CEV_POINT_OK] == 2 * 7 + 3 * 35 - 2);
    cev_map_info_destroy(&info);
}

static void a_tile_can_be_read_back_and_forgotten(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    create(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    for (size_t id = 0; id < 9; id++) { /* whole ones, and those cut at either end */
        results r, back = {0};
        cev_digest digest[3];
        write_tile(map, &f, 1, id, &r);
        cev_tile tile = cev_grid_tile(&f.grid[1], id);
        size_t n = 3 * tile.n_point;
        point_at(&f, 1, &back);
        assert_ok(cev_map_read_tile(map, 1, &tile, &back.out, back.delta, digest));
        assert_memory_equal(back.chi2, r.chi2, n * sizeof *r.chi2);
        assert_memory_equal(back.status, r.status, n);
        assert_memory_equal(back.pull, r.pull, 2 * n * sizeof *r.pull);
        assert_memory_equal(digest, r.digest, sizeof digest);
        for (size_t k = 0; k < n; k++) assert_true(back.delta[k] == r.chi2[k] - references[k / tile.n_point]);
        const double other[] = {1, 2, 3};
        assert_ok(cev_map_write_delta(map, 1, &tile, r.chi2, other));
        assert_ok(cev_map_read_tile(map, 1, &tile, &back.out, back.delta, NULL));
        for (size_t k = 0; k < n; k++) assert_true(back.delta[k] == r.chi2[k] - other[k / tile.n_point]);
    }
    assert_ok(cev_map_forget_tile(map, 1, 4));
    assert_ok(cev_map_close(&map));
    cev_map_info *info = inspect();
    assert_true(info->n_tile_done == 8 && info->space[1].done[4] == 0 && info->space[1].done[5] == 1);
    cev_map_info_destroy(&info);
}

/* The digest of a map's tile is that of its bytes, whatever other maps are beside it. */
static void digests_are_those_of_the_contents(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    create(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    write_all(map, &f, 1);
    cev_digest stored[9][3], expected;
    assert_ok(cev_map_read_digests(map, 1, stored[0]));
    assert_ok(cev_map_close(&map));
    for (size_t id = 0; id < 9; id++) {
        results r;
        cev_tile tile = cev_grid_tile(&f.grid[1], id);
        fill(&f, 1, &tile, &r);
        size_t n = tile.n_point;
        for (size_t m = 0; m < 3; m++) {
            const cev_span span[] = {{r.chi2 + m * n, n * 8},
                                     {r.status + m * n, n},
                                     {r.pull + m * n, n * 8},
                                     {r.pull + (3 + m) * n, n * 8}};
            assert_ok(cev_digest_spans(span, LENGTH(span), &expected));
            assert_memory_equal(stored[id][m].byte, expected.byte, CEV_DIGEST_SIZE);
        }
    }
    unsigned char raw[9][3][32];
    read_dataset("spaces/eps/tiles/digest", H5T_NATIVE_UCHAR, raw);
    assert_memory_equal(raw, stored, sizeof raw);
}

/* A shard's file: the tiles of others are holes, and read as pending. */
static void holes_are_pending(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    unlink(path);
    assert_ok(cev_map_create(path, &f.spec, false));
    cev_map *map = open_map(&f, CEV_MAP_LAY_OUT);
    cev_tile mine = cev_grid_tile(&f.grid[1], 4), other = cev_grid_tile(&f.grid[1], 5);
    assert_ok(cev_map_fill_tile(map, 1, &mine));
    assert_ok(cev_map_publish(map));
    results r;
    write_tile(map, &f, 1, 4, &r);
    assert_ok(cev_map_read_tile(map, 1, &other, &r.out, NULL, NULL));
    for (size_t k = 0; k < 3 * other.n_point; k++) assert_int_equal(r.status[k], CEV_POINT_PENDING);
    assert_ok(cev_map_close(&map));
    cev_map_info *info = inspect();
    assert_true(info->n_tile_done == 1 && info->status_count[CEV_POINT_OK] == 3 * mine.n_point);
    assert_true(info->status_count[CEV_POINT_PENDING] == info->n_point - 3 * mine.n_point);
    cev_map_info_destroy(&info);
}

/* --- progress, results, axes -------------------------------------------------------------------------------------- */

static void progress_can_be_read_back(void **state)
{
    (void)state;
    fixture f;
    scan_of(&f, 0);
    create(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    cev_map_progress p = {.sessions = 3,
                          .ranks = 5,
                          .threads = 2,
                          .complete = true,
                          .start = "2024-02-29T01:02:03Z",
                          .end = "2024-03-01T00:00:00Z",
                          .heartbeat = 1.5e9,
                          .wall_time_s = 12.5,
                          .points_failed = 1ull << 40};
    memset(p.content_hash, 'f', CEV_DIGEST_TEXT_SIZE - 1);
    assert_ok(cev_map_write_progress(map, &p));
    cev_map_info *info = inspect();
    const cev_map_progress *q = &info->progress;
    assert_true(q->sessions == 3 && q->ranks == 5 && q->threads == 2 && q->points_failed == 1ull << 40);
    assert_false(q->complete); /* whatever it says: its tiles are not done */
    assert_string_equal(q->start, p.start);
    assert_string_equal(q->end, p.end);
    assert_string_equal(q->content_hash, p.content_hash);
    assert_true(q->heartbeat == 1.5e9 && q->wall_time_s == 12.5);
    cev_map_info_destroy(&info);
    write_all(map, &f, 0);
    assert_ok(cev_map_close(&map));
    info = inspect();
    assert_true(info->progress.complete);
    cev_map_info_destroy(&info);
}

static void assert_results_return(const fixture *f, size_t s, size_t n_fit, size_t n_axis)
{
    double reference[3] = {-0.0, 1e-300, 3}, best[3] = {4, 5, 6}, point[6] = {0.1, 4, 0.2, 5, 0.3, 6};
    uint64_t failed[3] = {7, 1ull << 40, 9};
    char hash[3][CEV_DIGEST_TEXT_SIZE] = {{0}};
    for (int m = 0; m < 3; m++) memset(hash[m], 'a' + m, CEV_DIGEST_TEXT_SIZE - 1);
    const cev_map_results in = {.chi2_reference = reference,
                                .best_fit_chi2 = best,
                                .best_fit = point,
                                .points_failed = failed,
                                .content_hash = hash};
    cev_map *map = open_map(f, CEV_MAP_WRITE);
    assert_ok(cev_map_write_results(map, s, &in));
    assert_ok(cev_map_close(&map));
    cev_map_info *info = inspect();
    const cev_map_results *out = &info->space[s].results;
    assert_int_equal(info->space[s].n_fit, n_fit);
    assert_memory_equal(out->chi2_reference, reference, n_fit * sizeof *reference);
    assert_memory_equal(out->best_fit_chi2, best, n_fit * sizeof *best);
    assert_memory_equal(out->best_fit, point, n_fit * n_axis * sizeof *point);
    for (size_t m = 0; m < info->space[s].n_map; m++) {
        assert_true(out->points_failed[m] == failed[m]);
        assert_string_equal(out->content_hash[m], hash[m]);
    }
    assert_true(info->description_intact);
    cev_map_info_destroy(&info);
}

static void results_can_be_read_back(void **state)
{
    (void)state;
    fixture f;
    scan_of(&f, 0);
    create(&f);
    assert_results_return(&f, 0, 1, 2);
    scan_in_turn(&f);
    create(&f);
    assert_results_return(&f, 0, 3, 2);
    study_of(&f);
    create(&f);
    assert_results_return(&f, 0, 2, 1);
    assert_results_return(&f, 1, 3, 2);
}

static void a_changed_axis_is_noticed_and_mended(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    create(&f);
    double changed[7];
    bool intact;
    memcpy(changed, mu, sizeof mu);
    changed[6] += 1e-14;
    hid_t file = reopen(), d = H5Dopen2(file, "spaces/eps/mass_MeV", H5P_DEFAULT);
    assert_true(H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, changed) >= 0);
    H5Dclose(d);
    H5Fclose(file);
    cev_map_info *info = inspect();
    assert_false(info->description_intact);
    cev_map_info_destroy(&info);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    assert_ok(cev_map_check_axis(map, 1, 0, &intact));
    assert_true(intact);
    assert_ok(cev_map_check_axis(map, 1, 1, &intact));
    assert_false(intact);
    assert_ok(cev_map_write_axis(map, 1, 1));
    assert_ok(cev_map_check_axis(map, 1, 1, &intact));
    assert_true(intact);
    assert_ok(cev_map_close(&map));
    info = inspect();
    assert_true(info->description_intact);
    cev_map_info_destroy(&info);
}

/* --- while it is written ------------------------------------------------------------------------------------------ */

static void a_map_that_is_taken_away_is_missed(void **state)
{
    (void)state;
    fixture f;
    scan_of(&f, 0);
    create(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    assert_ok(cev_map_check_place(map));
    unlink(path);
    assert_refused(cev_map_check_place(map), CEV_E_IO, "removed");
    create(&f);
    assert_refused(cev_map_check_place(map), CEV_E_IO, "replaced");
    assert_ok(cev_map_close(&map));
}

/* The file is locked as HDF5 itself does it: shared is let in, exclusive is not. */
static void others_may_read_but_not_write(void **state)
{
    (void)state;
    fixture f;
    scan_of(&f, 0);
    create(&f);
    FILE *file = fopen(path, "rb");
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    assert_int_not_equal(flock(fileno(file), LOCK_EX | LOCK_NB), 0);
    assert_int_equal(flock(fileno(file), LOCK_SH | LOCK_NB), 0);
    assert_true(H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT) < 0);
    hid_t reader = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(reader >= 0 && H5Fclose(reader) >= 0);
    assert_ok(cev_map_close(&map));
    assert_int_equal(flock(fileno(file), LOCK_EX | LOCK_NB), 0);
    assert_refused(cev_map_open(path, CEV_MAP_WRITE, MPI_COMM_SELF, &f.spec, &map), CEV_E_INPUT,
                   "another program has it open for writing");
    assert_null(map);
    fclose(file);
}

/* MPI takes what stands before a colon for a kind of file system. */
static void names_may_have_colons(void **state)
{
    (void)state;
    fixture f;
    char before[sizeof path];
    snprintf(before, sizeof before, "%s", path);
    unlink(path);
    snprintf(path, sizeof path, "%s/nfs:a:b.h5", folder);
    scan_of(&f, 0);
    create(&f);
    cev_map *map = open_map(&f, CEV_MAP_WRITE);
    write_all(map, &f, 0);
    assert_ok(cev_map_close(&map));
    cev_map_info *info = inspect();
    assert_int_equal(info->n_tile_done, 9);
    cev_map_info_destroy(&info);
    unlink(path);
    snprintf(path, sizeof path, "%s", before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_scan_says_what_it_was_made_of),
        cmocka_unit_test(a_new_study_says_what_it_was_made_of),
        cmocka_unit_test(members_have_names),
        cmocka_unit_test(nothing_is_left_beside_a_new_map),
        cmocka_unit_test(an_unpublished_file_stays_temporary),
        cmocka_unit_test(a_new_map_is_all_nan),
        cmocka_unit_test(tiles_land_where_their_points_are),
        cmocka_unit_test(tiles_of_a_study_land_where_their_points_are),
        cmocka_unit_test(a_tile_can_be_read_back_and_forgotten),
        cmocka_unit_test(digests_are_those_of_the_contents),
        cmocka_unit_test(holes_are_pending),
        cmocka_unit_test(progress_can_be_read_back),
        cmocka_unit_test(results_can_be_read_back),
        cmocka_unit_test(a_changed_axis_is_noticed_and_mended),
        cmocka_unit_test(a_map_that_is_taken_away_is_missed),
        cmocka_unit_test(others_may_read_but_not_write),
        cmocka_unit_test(names_may_have_colons),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
