/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is no sound file of maps is refused, in words, and never waited for. MPI runs as a single process. */
#include "map_fixture.h"

static void assert_inspect_refused(const char *words)
{
    cev_map_info *info;
    assert_refused(cev_map_inspect(path, &info), CEV_E_INPUT, words);
    assert_null(info);
    assert_contains(cev_error_message(), path);
}

static void create_scan(fixture *f, size_t n_pull)
{
    scan_of(f, n_pull);
    create(f);
}

static void create_study(fixture *f)
{
    study_of(f);
    create(f);
}

static void write_file(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void a_file_that_is_no_hdf5_is_refused(void **state)
{
    (void)state;
    const char words[] = "scan: this is a configuration, not a map\n";
    unlink(path);
    assert_inspect_refused("No such file");
    write_file(words, sizeof words);
    assert_inspect_refused("not an HDF5 file");
    write_file("", 0);
    assert_inspect_refused("not an HDF5 file");
}

/* A pipe would be waited for until somebody writes to it. */
static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    fixture f;
    cev_map *map;
    scan_of(&f, 0);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_inspect_refused("a pipe, not a file");
    assert_refused(cev_map_open(path, CEV_MAP_WRITE, MPI_COMM_SELF, &f.spec, &map), CEV_E_INPUT, "a pipe, not a file");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_inspect_refused("a folder, not a file");
    rmdir(path);
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_inspect_refused("a device, not a file");
    unlink(path);
}

static void a_truncated_map_is_refused(void **state)
{
    (void)state;
    fixture f;
    struct stat s;
    create_scan(&f, 2);
    assert_int_equal(stat(path, &s), 0);
    const off_t sizes[] = {s.st_size - 1, s.st_size / 2, 2000, 100};
    for (size_t k = 0; k < LENGTH(sizes); k++) {
        assert_int_equal(truncate(path, sizes[k]), 0);
        assert_inspect_refused("truncated or damaged");
    }
}

static void an_hdf5_file_that_is_no_map_is_refused(void **state)
{
    (void)state;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    assert_inspect_refused("not a cevscan map: the attribute that marks one is missing");
}

static void set_version(int version)
{
    hid_t file = reopen(), a = H5Aopen(file, "format_version", H5P_DEFAULT);
    assert_true(H5Awrite(a, H5T_NATIVE_INT, &version) >= 0);
    H5Aclose(a);
    H5Fclose(file);
}

static void other_formats_are_refused_with_words(void **state)
{
    (void)state;
    fixture f;
    char words[128];
    create_scan(&f, 0);
    set_version(CEV_MAP_FORMAT_VERSION + 1);
    snprintf(words, sizeof words, "a map of format version %d; this program knows version %d",
             CEV_MAP_FORMAT_VERSION + 1, CEV_MAP_FORMAT_VERSION);
    assert_inspect_refused(words);
    set_version(1);
    assert_inspect_refused("written in format version 1; this program writes and resumes version 2; the analysis tools "
                           "still read it");
}

static void remove_object(const char *name)
{
    hid_t file = reopen();
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    H5Fclose(file);
}

static void delete_attribute(const char *object, const char *name)
{
    hid_t file = reopen();
    assert_true(H5Adelete_by_name(file, object, name, H5P_DEFAULT) >= 0);
    H5Fclose(file);
}

static void a_map_that_lacks_something_is_refused(void **state)
{
    (void)state;
    const char *const parts[] = {"chi2",    "status", "tiles/done", "progress/sessions", "results/best_fit",
                                 "results", "tiles"};
    const char *const of_study[] = {"spaces/eps/chi2", "spaces/mass/status", "spaces/eps", "spaces", "index/name"};
    fixture f;
    for (size_t k = 0; k < LENGTH(parts); k++) {
        create_scan(&f, 0);
        remove_object(parts[k]);
        assert_inspect_refused(k < 5 ? parts[k] : k == 5 ? "results/chi2_reference" : "table of tiles");
    }
    for (size_t k = 0; k < LENGTH(of_study); k++) {
        create_study(&f);
        remove_object(of_study[k]);
        assert_inspect_refused("missing");
    }
    create_scan(&f, 0);
    delete_attribute(".", "axes");
    assert_inspect_refused("the names of its axes are missing");
}

/* --- the description ---------------------------------------------------------------------------------------------- */

static void assert_description(bool intact)
{
    cev_map_info *info = inspect();
    assert_int_equal(info->description_intact, intact);
    cev_map_info_destroy(&info);
}

static void put_text_attribute(const char *object, const char *name, const char *value)
{
    hid_t file = reopen(), type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    if (H5Aexists_by_name(file, object, name, H5P_DEFAULT) > 0) H5Adelete_by_name(file, object, name, H5P_DEFAULT);
    hid_t a = H5Acreate_by_name(file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(a, type, &value) >= 0);
    H5Aclose(a);
    H5Sclose(space);
    H5Tclose(type);
    H5Fclose(file);
}

static void a_changed_description_is_noticed(void **state)
{
    (void)state;
    const char *const objects[] =
        {".", "index", "index/axes", "spaces/eps", "spaces/eps/mass_MeV", "spaces/mass/chi2", "spaces/eps/tiles"};
    fixture f;
    for (size_t k = 0; k < LENGTH(objects); k++) {
        create_study(&f);
        put_text_attribute(objects[k], "note", "");
        assert_description(false);
        delete_attribute(objects[k], "note");
        assert_description(true);
    }
    put_text_attribute(".", "title", "another map");
    assert_description(false);
    put_text_attribute(".", "title", texts[0].value);
    assert_description(true);
    put_text_attribute("spaces/eps/mass_MeV", "units", "GeV");
    assert_description(false);
    create_study(&f);
    delete_attribute(".", "description_hash");
    assert_description(false);
    create_study(&f);
    remove_object("spaces/eps/pull_csi.signal");
    assert_description(false);
}

static void overwrite_bytes(const char *name, const char *with)
{
    hid_t file = reopen(), d = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(d), space = H5Dget_space(d);
    size_t size = H5Tget_size(type), n = (size_t)H5Sget_simple_extent_npoints(space);
    char *all = calloc(n, size);
    assert_non_null(all);
    assert_true(H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
    memcpy(all, with, strlen(with));
    assert_true(H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
    free(all);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(d);
    H5Fclose(file);
}

static void changed_names_are_noticed(void **state)
{
    (void)state;
    fixture f;
    create_study(&f);
    overwrite_bytes("spaces/eps/map", "xyz");
    assert_description(false);
    overwrite_bytes("spaces/eps/map", "csi");
    assert_description(true);
    overwrite_bytes("index/axes", "mass_GeV");
    assert_description(false);
    overwrite_bytes("index/axes", "mass_MeV");
    overwrite_bytes("index/name", "mass/CSI");
    assert_description(false);
    overwrite_bytes("index/name", "massXcsi");
    assert_inspect_refused("the index of the study is damaged");
}

/* What no file of ours has is not followed: it may lead anywhere, for ever. */
static void strange_things_are_noticed(void **state)
{
    (void)state;
    fixture f;
    create_scan(&f, 0);
    hid_t file = reopen();
    assert_true(H5Lcreate_soft("/", file, "self", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    assert_description(false);
    create_scan(&f, 0);
    file = reopen();
    assert_true(H5Lcreate_hard(file, "/", file, "self", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    assert_description(false);
}

/* --- sizes that cannot be ----------------------------------------------------------------------------------------- */

/* Found by the fuzzer: it was read onto the stack, as long as it was. */
static void a_list_of_format_versions_is_refused(void **state)
{
    (void)state;
    fixture f;
    create_scan(&f, 0);
    const hsize_t many = 1000;
    hid_t file = reopen(), space = H5Screate_simple(1, &many, NULL);
    H5Adelete(file, "format_version");
    hid_t a = H5Acreate2(file, "format_version", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(a >= 0);
    H5Aclose(a);
    H5Sclose(space);
    H5Fclose(file);
    assert_inspect_refused("its format version cannot be read");
}

/* In place of dataset `name`, another. */
static void replace(const char *name, hid_t type, int rank, const hsize_t *size, hid_t properties)
{
    hid_t file = reopen(), space = H5Screate_simple(rank, size, NULL);
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    hid_t d = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(d >= 0);
    H5Dclose(d);
    H5Sclose(space);
    H5Fclose(file);
}

/* Datasets that were never written take no room in the file. */
static void a_map_that_says_more_than_it_holds_is_refused(void **state)
{
    (void)state;
    fixture f;
    create_scan(&f, 0);
    replace("chi2", H5T_STD_U8LE, 2, (const hsize_t[]){(hsize_t)1 << 40, 1 << 20}, H5P_DEFAULT);
    assert_inspect_refused("more points than bytes");
    create_scan(&f, 0);
    replace("tiles/done", H5T_STD_U8LE, 1, &(hsize_t){(hsize_t)1 << 40}, H5P_DEFAULT);
    assert_inspect_refused("table of tiles");
    create_study(&f);
    replace("spaces/eps/chi2", H5T_STD_U8LE, 3, (const hsize_t[]){4, 5, 7}, H5P_DEFAULT);
    assert_inspect_refused("spaces/eps/chi2");
    create_study(&f);
    hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 8);
    replace("index/name", text, 1, &(hsize_t){(hsize_t)1 << 40}, H5P_DEFAULT);
    H5Tclose(text);
    cev_map_info *info;
    assert_int_equal(cev_map_inspect(path, &info), CEV_E_INPUT);
}

static void data_of_another_file_are_not_taken(void **state)
{
    (void)state;
    fixture f;
    create_scan(&f, 0);
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_external(p, "elsewhere", 0, 35) >= 0);
    replace("status", H5T_STD_U8LE, 2, (const hsize_t[]){5, 7}, p);
    H5Pclose(p);
    assert_inspect_refused("status");
}

/* A byte that is no cev_point_status must not be counted as one. */
static void a_damaged_status_is_not_taken_for_a_good_one(void **state)
{
    (void)state;
    fixture f;
    create_scan(&f, 0);
    unsigned char status[35];
    memset(status, 8 + CEV_POINT_OK, sizeof status);
    hid_t file = reopen(), d = H5Dopen2(file, "status", H5P_DEFAULT);
    assert_true(H5Dwrite(d, H5T_NATIVE_UCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, status) >= 0);
    H5Dclose(d);
    H5Fclose(file);
    cev_map_info *info = inspect();
    assert_int_equal(info->status_count[CEV_N_POINT_STATUSES], 35);
    cev_map_info_destroy(&info);
}

/* --- writers ------------------------------------------------------------------------------------------------------ */

/* Shapes are looked at when a dataset is used: nothing may be read or written beyond it. */
static void a_map_of_another_grid_is_not_used(void **state)
{
    (void)state;
    fixture f;
    results r;
    cev_map *map;
    bool intact;
    create_study(&f);
    const cev_axis shorter = {.name = "mass_MeV", .scale = CEV_SCALE_LINEAR, .n = 6, .value = mu};
    f.grid[1].axis[1] = shorter;
    assert_ok(cev_grid_lay_tiles(&f.grid[1], (const size_t[]){2, 2})); /* 9 tiles again */
    cev_tile tile = cev_grid_tile(&f.grid[1], 0);
    fill(&f, 1, &tile, &r);
    map = open_map(&f, CEV_MAP_WRITE);
    assert_refused(cev_map_fill_tile(map, 1, &tile), CEV_E_INPUT, "another shape");
    assert_refused(cev_map_write_tile(map, 1, &tile, &r.out, references), CEV_E_INPUT, "another shape");
    assert_refused(cev_map_read_tile(map, 1, &tile, &r.out, NULL, NULL), CEV_E_INPUT, "another shape");
    assert_refused(cev_map_write_delta(map, 1, &tile, r.chi2, references), CEV_E_INPUT, "another shape");
    assert_refused(cev_map_check_axis(map, 1, 1, &intact), CEV_E_INPUT, "another shape");
    assert_ok(cev_map_close(&map));
    create_study(&f);
    f.space[1].n_map = 2;
    map = open_map(&f, CEV_MAP_WRITE);
    assert_refused(cev_map_mark_tile(map, 1, 0, r.digest), CEV_E_INPUT, "another shape");
    assert_refused(cev_map_read_digests(map, 1, r.digest), CEV_E_INPUT, "another shape");
    assert_ok(cev_map_close(&map));
}

static void tiles_of_another_size_are_not_used(void **state)
{
    (void)state;
    fixture f;
    results r;
    create_study(&f);
    assert_ok(cev_grid_lay_tiles(&f.grid[1], (const size_t[]){2, 4}));
    cev_tile tile = cev_grid_tile(&f.grid[1], 0);
    fill(&f, 1, &tile, &r);
    cev_map *map = open_map(&f, CEV_MAP_READ);
    assert_refused(cev_map_read_tile(map, 1, &tile, &r.out, NULL, NULL), CEV_E_INPUT, "another shape");
    assert_ok(cev_map_close(&map));
}

static void a_missing_dataset_is_damage(void **state)
{
    (void)state;
    fixture f;
    results r;
    create_study(&f);
    remove_object("spaces/eps/pull_csi.background");
    cev_tile tile = cev_grid_tile(&f.grid[1], 0);
    fill(&f, 1, &tile, &r);
    cev_map *map = open_map(&f, CEV_MAP_READ);
    assert_refused(cev_map_read_tile(map, 1, &tile, &r.out, NULL, NULL), CEV_E_INPUT, "pull_csi.background");
    assert_ok(cev_map_close(&map));
}

static void creating_where_nothing_can_be_leaves_nothing(void **state)
{
    (void)state;
    fixture f;
    char nowhere[512];
    scan_of(&f, 0);
    snprintf(nowhere, sizeof nowhere, "%s/no/such/map.h5", folder);
    assert_refused(cev_map_create(nowhere, &f.spec, true), CEV_E_IO, "No such file or directory");
}

static void tiles_that_hdf5_cannot_hold_are_refused(void **state)
{
    (void)state;
    fixture f;
    static double many[1 << 16];
    scan_of(&f, 0);
    for (size_t k = 0; k < LENGTH(many); k++) many[k] = (double)k;
    f.grid[0].axis[0].n = f.grid[0].axis[1].n = LENGTH(many);
    f.grid[0].axis[0].value = f.grid[0].axis[1].value = many;
    assert_ok(cev_grid_lay_tiles(&f.grid[0], (const size_t[]){1 << 15, 1 << 15}));
    assert_refused(cev_map_create(path, &f.spec, false), CEV_E_INPUT, "take smaller tiles");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_no_hdf5_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_truncated_map_is_refused),
        cmocka_unit_test(an_hdf5_file_that_is_no_map_is_refused),
        cmocka_unit_test(other_formats_are_refused_with_words),
        cmocka_unit_test(a_map_that_lacks_something_is_refused),
        cmocka_unit_test(a_changed_description_is_noticed),
        cmocka_unit_test(changed_names_are_noticed),
        cmocka_unit_test(strange_things_are_noticed),
        cmocka_unit_test(a_list_of_format_versions_is_refused),
        cmocka_unit_test(a_map_that_says_more_than_it_holds_is_refused),
        cmocka_unit_test(data_of_another_file_are_not_taken),
        cmocka_unit_test(a_damaged_status_is_not_taken_for_a_good_one),
        cmocka_unit_test(a_map_of_another_grid_is_not_used),
        cmocka_unit_test(tiles_of_another_size_are_not_used),
        cmocka_unit_test(a_missing_dataset_is_damage),
        cmocka_unit_test(creating_where_nothing_can_be_leaves_nothing),
        cmocka_unit_test(tiles_that_hdf5_cannot_hold_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
