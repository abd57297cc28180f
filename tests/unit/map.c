/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map file: what is written can be read, and what is no sound map is refused. MPI runs as a single process. */
#include "unit.h"

#include <hdf5.h>
#include <mpi.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cevscan/map.h"

static char folder[] = "/tmp/cevscan-unit-XXXXXX";
static char path[256];

static const double ee[] = {-0.2, 0, 0.1, 0.25, 0.6}, mu[] = {1, 2, 3, 4, 5, 6, 7};
static const cev_parameter parameter_ee = {.name = "eps_ee_uV",
                                           .unit = "",
                                           .label = "\\varepsilon",
                                           .help = "a coupling"};
static const cev_parameter parameter_mu = {.name = "mass_MeV",
                                           .unit = "MeV",
                                           .label = "M",
                                           .help = "a mass",
                                           .default_value = 3};
static const cev_parameter *const parameters[] = {&parameter_ee, &parameter_mu};
static const char *const pull_names[] = {"csi.signal", "csi.background"};
static const cev_map_text texts[] = {{"title", "a \xce\xb5 map"},
                                     {"axes", "eps_ee_uV,mass_MeV"},
                                     {"configuration", "{}"},
                                     {"empty", ""}};

static cev_grid grid(void)
{
    cev_grid g = {.n_axis = 2};
    g.axis[0] = (cev_axis){.name = "eps_ee_uV", .scale = CEV_SCALE_VALUES, .n = LENGTH(ee), .value = ee};
    g.axis[1] = (cev_axis){.name = "mass_MeV", .scale = CEV_SCALE_LINEAR, .n = LENGTH(mu), .value = mu};
    assert_ok(cev_grid_lay_tiles(&g, (const size_t[]){2, 3})); /* 9 tiles, those at the ends smaller */
    return g;
}

static void create(const cev_grid *g, size_t n_pull)
{
    cev_map_spec spec = {.grid = g,
                         .axis_description = parameters,
                         .n_pull = n_pull,
                         .pull_name = pull_names,
                         .n_text = LENGTH(texts),
                         .text = texts};
    unlink(path);
    assert_ok(cev_map_create(path, &spec));
}

static cev_map_info *inspect(void)
{
    cev_map_info *info;
    assert_ok(cev_map_inspect(path, &info));
    return info;
}

static cev_map *open_map(const cev_grid *g, size_t n_pull)
{
    cev_map *map;
    assert_ok(cev_map_open(path, CEV_MAP_WRITE, MPI_COMM_SELF, g, n_pull, pull_names, &map));
    return map;
}

/* Numbers that say where they belong: row-major number of the point. */
typedef struct results {
    double chi2[6], pull[12];
    unsigned char status[6];
} results;

static cev_tile_results fill(const cev_grid *g, const cev_tile *tile, results *r)
{
    for (size_t k = 0; k < tile->n_point; k++) {
        size_t index[CEV_MAX_AXES];
        cev_tile_point(g, tile, k, index);
        double number = (double)cev_grid_number(g, index);
        r->chi2[k] = number + 0.5;
        r->status[k] = number == 3 ? CEV_POINT_NOT_CONVERGED : CEV_POINT_OK;
        r->pull[k] = -number;
        r->pull[tile->n_point + k] = number / 100;
    }
    return (cev_tile_results){.chi2 = r->chi2, .status = r->status, .pull = r->pull};
}

/* --- round trips ------------------------------------------------------------------------------------------------ */

static void a_new_map_says_what_it_was_made_of(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 2);
    cev_map_info *info = inspect();
    assert_int_equal(info->n_axis, 2);
    assert_string_equal(info->axis_name[0], "eps_ee_uV");
    assert_string_equal(info->axis_name[1], "mass_MeV");
    assert_true(info->axis_points[0] == 5 && info->axis_points[1] == 7);
    assert_true(info->n_point == 35 && info->n_tile == 9 && info->n_tile_done == 0);
    assert_int_equal(info->status_count[CEV_POINT_PENDING], 35);
    for (size_t t = 0; t < 9; t++) assert_int_equal(info->done[t], 0);
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

static void nothing_is_left_beside_a_new_map(void **state)
{
    (void)state;
    cev_grid g = grid();
    char temporary[512];
    create(&g, 0);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    assert_int_not_equal(access(temporary, F_OK), 0);
}

/* Reads a dataset whole, with HDF5 alone. */
static void read_dataset(const char *name, hid_t type, void *to)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), d = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(file >= 0 && d >= 0);
    assert_true(H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0);
    H5Dclose(d);
    H5Fclose(file);
}

static void a_new_map_is_all_nan(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 2);
    const char *const fields[] = {"chi2", "delta_chi2", "pull_csi.signal", "pull_csi.background"};
    for (size_t k = 0; k < LENGTH(fields); k++) {
        double value[35] = {0};
        read_dataset(fields[k], H5T_NATIVE_DOUBLE, value);
        for (size_t i = 0; i < 35; i++) assert_true(isnan(value[i]));
    }
    double axis[7];
    read_dataset("mass_MeV", H5T_NATIVE_DOUBLE, axis);
    assert_memory_equal(axis, mu, sizeof mu);
}

static void tiles_land_where_their_points_are(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 2);
    cev_map *map = open_map(&g, 2);
    for (size_t id = 0; id < g.n_tile; id++) {
        results r;
        cev_tile tile = cev_grid_tile(&g, (id * 4) % 9); /* in any order */
        cev_tile_results out = fill(&g, &tile, &r);
        assert_ok(cev_map_write_tile(map, &tile, &out, 0.25));
    }
    assert_ok(cev_map_close(&map));
    assert_null(map);
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

static void a_tile_can_be_read_back_and_forgotten(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 2);
    cev_map *map = open_map(&g, 2);
    cev_tile tile = cev_grid_tile(&g, 8), other = cev_grid_tile(&g, 0); /* the corner: one point */
    results r, back = {0};
    double reference = 0.25;
    bool intact = false;
    cev_tile_results out = fill(&g, &tile, &r);
    assert_ok(cev_map_write_tile(map, &tile, &out, reference));
    assert_ok(cev_map_read_tile(map, &tile, back.chi2, back.status, back.pull, &reference, &intact));
    assert_true(intact && back.chi2[0] == 34.5 && back.pull[0] == -34 && back.pull[1] == 0.34 &&
                back.status[0] == CEV_POINT_OK);
    reference = 0.5; /* delta_chi2 is another now */
    assert_ok(cev_map_read_tile(map, &tile, back.chi2, back.status, back.pull, &reference, &intact));
    assert_false(intact);
    assert_ok(cev_map_write_delta(map, &tile, back.chi2, reference));
    assert_ok(cev_map_read_tile(map, &tile, back.chi2, back.status, back.pull, &reference, &intact));
    assert_true(intact);
    assert_ok(cev_map_read_tile(map, &other, back.chi2, back.status, back.pull, NULL, &intact));
    assert_false(intact); /* never written */
    assert_ok(cev_map_forget_tile(map, &tile));
    assert_ok(cev_map_close(&map));
    cev_map_info *info = inspect();
    assert_int_equal(info->n_tile_done, 0);
    cev_map_info_destroy(&info);
}

static void progress_can_be_read_back(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 0);
    cev_map *map = open_map(&g, 0);
    cev_map_progress p = {.sessions = 3,
                          .ranks = 5,
                          .threads = 2,
                          .complete = true,
                          .start = "2024-02-29T01:02:03Z",
                          .end = "2024-03-01T00:00:00Z",
                          .heartbeat = 1.5e9,
                          .wall_time_s = 12.5,
                          .points_failed = 1ull << 40,
                          .chi2_reference = {-0.0},
                          .best_fit_chi2 = {1e-300},
                          .best_fit = {0.1, 4}};
    memset(p.content_hash, 'f', CEV_DIGEST_TEXT_SIZE - 1);
    assert_ok(cev_map_write_progress(map, &p));
    assert_ok(cev_map_close(&map));
    cev_map_info *info = inspect();
    const cev_map_progress *q = &info->progress;
    assert_true(q->sessions == 3 && q->ranks == 5 && q->threads == 2 && q->points_failed == 1ull << 40);
    assert_false(q->complete); /* whatever it says: its tiles are not done */
    assert_string_equal(q->start, p.start);
    assert_string_equal(q->end, p.end);
    assert_string_equal(q->content_hash, p.content_hash);
    assert_true(q->heartbeat == 1.5e9 && q->wall_time_s == 12.5 && q->best_fit_chi2[0] == 1e-300);
    assert_same_bits(q->chi2_reference[0], -0.0);
    assert_true(q->best_fit[0] == 0.1 && q->best_fit[1] == 4);
    cev_map_info_destroy(&info);
}

static void write_all(const cev_grid *g, size_t stride, double shift, char *hash)
{
    create(g, 2);
    cev_map *map = open_map(g, 2);
    for (size_t id = 0; id < g->n_tile; id++) {
        results r;
        cev_tile tile = cev_grid_tile(g, id * stride % g->n_tile);
        cev_tile_results out = fill(g, &tile, &r);
        if (tile.id == 4) r.pull[1] += shift;
        assert_ok(cev_map_write_tile(map, &tile, &out, 0));
    }
    assert_ok(cev_map_content_hash(map, hash));
    assert_ok(cev_map_close(&map));
}

/* The digest of a tile is that of its bytes; the content hash is that of the digests, whatever the order of writing. */
static void the_content_hash_is_that_of_the_contents(void **state)
{
    (void)state;
    cev_grid g = grid();
    char one[CEV_DIGEST_TEXT_SIZE], other[CEV_DIGEST_TEXT_SIZE], by_hand[CEV_DIGEST_TEXT_SIZE];
    write_all(&g, 1, 0, one);
    write_all(&g, 4, 0, other);
    assert_string_equal(other, one);
    write_all(&g, 1, 1e-12, other);
    assert_string_not_equal(other, one);
    cev_digest tile_digest[9], whole_digest;
    for (size_t id = 0; id < 9; id++) {
        results r;
        cev_tile tile = cev_grid_tile(&g, id);
        fill(&g, &tile, &r);
        size_t n = tile.n_point;
        const cev_span span[] = {{r.chi2, n * 8}, {r.status, n}, {r.pull, 2 * n * 8}};
        assert_ok(cev_digest_spans(span, 3, &tile_digest[id]));
    }
    assert_ok(cev_digest_spans(&(cev_span){tile_digest, sizeof tile_digest}, 1, &whole_digest));
    cev_digest_text(&whole_digest, by_hand);
    assert_string_equal(by_hand, one);
}

/* --- what is no sound map --------------------------------------------------------------------------------------- */

static void assert_inspect_refused(const char *words)
{
    cev_map_info *info;
    assert_refused(cev_map_inspect(path, &info), CEV_E_INPUT, words);
    assert_null(info);
    assert_contains(cev_error_message(), path);
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

static void a_truncated_map_is_refused(void **state)
{
    (void)state;
    cev_grid g = grid();
    struct stat s;
    create(&g, 2);
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

static hid_t reopen(void)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static void a_newer_format_is_refused_with_words(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 0);
    int version = CEV_MAP_FORMAT_VERSION + 1;
    char words[128];
    hid_t file = reopen(), a = H5Aopen(file, "format_version", H5P_DEFAULT);
    assert_true(H5Awrite(a, H5T_NATIVE_INT, &version) >= 0);
    H5Aclose(a);
    H5Fclose(file);
    snprintf(words, sizeof words, "a map of format version %d; this program knows version %d", version,
             CEV_MAP_FORMAT_VERSION);
    assert_inspect_refused(words);
}

static void a_map_that_lacks_something_is_refused(void **state)
{
    (void)state;
    const char *const parts[] = {"chi2", "status", "tiles/done", "progress/sessions"};
    cev_grid g = grid();
    for (size_t k = 0; k < LENGTH(parts); k++) {
        create(&g, 0);
        hid_t file = reopen();
        assert_true(H5Ldelete(file, parts[k], H5P_DEFAULT) >= 0);
        H5Fclose(file);
        assert_inspect_refused(parts[k]);
    }
    create(&g, 0);
    hid_t file = reopen();
    assert_true(H5Adelete(file, "axes") >= 0);
    H5Fclose(file);
    assert_inspect_refused("the names of its axes are missing");
}

/* Found by the fuzzer: it was read onto the stack, as long as it was. */
static void a_list_of_format_versions_is_refused(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 0);
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

/* In place of dataset `name`, one of another length that takes no room in the file. */
static void replace(const char *name, int rank, const hsize_t *size, hid_t properties)
{
    hid_t file = reopen(), space = H5Screate_simple(rank, size, NULL);
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    hid_t d = H5Dcreate2(file, name, H5T_STD_U8LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(d >= 0);
    H5Dclose(d);
    H5Sclose(space);
    H5Fclose(file);
}

static void a_map_that_says_more_than_it_holds_is_refused(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 0);
    replace("chi2", 2, (const hsize_t[]){(hsize_t)1 << 40, 1 << 20}, H5P_DEFAULT);
    assert_inspect_refused("more points than bytes");
    create(&g, 0);
    replace("tiles/done", 1, &(hsize_t){(hsize_t)1 << 40}, H5P_DEFAULT);
    assert_inspect_refused("table of tiles");
}

static void data_of_another_file_are_not_taken(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 0);
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_external(p, "elsewhere", 0, 35) >= 0);
    replace("status", 2, (const hsize_t[]){5, 7}, p);
    H5Pclose(p);
    assert_inspect_refused("status");
}

/* A byte that is no cev_point_status must not be counted as one. */
static void a_damaged_status_is_not_taken_for_a_good_one(void **state)
{
    (void)state;
    cev_grid g = grid();
    create(&g, 0);
    unsigned char status[35];
    memset(status, 8 + CEV_POINT_OK, sizeof status);
    hid_t file = reopen(), d = H5Dopen2(file, "status", H5P_DEFAULT);
    assert_true(H5Dwrite(d, H5T_NATIVE_UCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, status) >= 0);
    H5Dclose(d);
    H5Fclose(file);
    cev_map_info *info;
    if (cev_map_inspect(path, &info) == CEV_OK) {
        uint64_t ok = info->status_count[CEV_POINT_OK];
        cev_map_info_destroy(&info);
        assert_int_equal(ok, 0);
    }
}

static void a_map_of_another_grid_is_not_opened(void **state)
{
    (void)state;
    cev_grid g = grid(), other = grid();
    create(&g, 0);
    other.axis[1].n = 6;
    assert_ok(cev_grid_lay_tiles(&other, (const size_t[]){2, 3}));
    cev_map *map;
    assert_refused(cev_map_open(path, CEV_MAP_READ, MPI_COMM_SELF, &other, 0, NULL, &map), CEV_E_INPUT,
                   "another shape");
    assert_ok(cev_map_close(&map)); /* left open to the process's end by contract; here it can be closed */
}

static void creating_where_nothing_can_be_leaves_nothing(void **state)
{
    (void)state;
    cev_grid g = grid();
    cev_map_spec spec = {.grid = &g, .axis_description = parameters, .n_text = LENGTH(texts), .text = texts};
    char nowhere[512];
    snprintf(nowhere, sizeof nowhere, "%s/no/such/map.h5", folder);
    assert_refused(cev_map_create(nowhere, &spec), CEV_E_IO, "No such file or directory");
}

/* --- main ------------------------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 1);
    setenv("OMPI_MCA_sharedfp", "individual", 1);
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS || !mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/map.h5", folder);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    int left = rmdir(folder); /* fails if a test left anything else behind */
    return MPI_Finalize() != MPI_SUCCESS || left;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_map_says_what_it_was_made_of),
        cmocka_unit_test(nothing_is_left_beside_a_new_map),
        cmocka_unit_test(a_new_map_is_all_nan),
        cmocka_unit_test(tiles_land_where_their_points_are),
        cmocka_unit_test(a_tile_can_be_read_back_and_forgotten),
        cmocka_unit_test(progress_can_be_read_back),
        cmocka_unit_test(the_content_hash_is_that_of_the_contents),
        cmocka_unit_test(a_file_that_is_no_hdf5_is_refused),
        cmocka_unit_test(a_truncated_map_is_refused),
        cmocka_unit_test(an_hdf5_file_that_is_no_map_is_refused),
        cmocka_unit_test(a_newer_format_is_refused_with_words),
        cmocka_unit_test(a_map_that_lacks_something_is_refused),
        cmocka_unit_test(a_list_of_format_versions_is_refused),
        cmocka_unit_test(a_map_that_says_more_than_it_holds_is_refused),
        cmocka_unit_test(data_of_another_file_are_not_taken),
        cmocka_unit_test(a_damaged_status_is_not_taken_for_a_good_one),
        cmocka_unit_test(a_map_of_another_grid_is_not_opened),
        cmocka_unit_test(creating_where_nothing_can_be_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
