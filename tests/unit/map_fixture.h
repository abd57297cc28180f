/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files of a scan and of a study, whose numbers say where they belong. */
#ifndef CEVSCAN_TESTS_UNIT_MAP_FIXTURE_H
#define CEVSCAN_TESTS_UNIT_MAP_FIXTURE_H

#include "unit.h"

#include <hdf5.h>
#include <mpi.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cevscan/map.h"

enum { MOST_POINTS = 35, MOST_MAPS = 3, MOST_PULLS = 2, MOST_PROFILED = 2 };

static char folder[] = "/tmp/cevscan-unit-XXXXXX";
static char path[256], temporary[300];

static const double ee[] = {-0.2, 0, 0.1, 0.25, 0.6}, mu[] = {1, 2, 3, 4, 5, 6, 7}, members[] = {0, 1, 2};
static const char *const member_labels[] = {"a", "b", "c"};
static const cev_parameter parameter_ee = {.name = "eps_ee_uV",
                                           .unit = "",
                                           .label = "\\varepsilon",
                                           .help = "a coupling"};
static const cev_parameter parameter_mu = {.name = "mass_MeV",
                                           .unit = "MeV",
                                           .label = "M",
                                           .help = "a mass",
                                           .default_value = 3};
static const cev_parameter parameter_names = {.name = "parameter", .unit = "", .label = "p", .help = "which one"};
static const cev_parameter *const parameters[] = {&parameter_ee, &parameter_mu};
static const cev_parameter *const one_parameter[] = {&parameter_mu};
static const cev_parameter *const member_parameters[] = {&parameter_names, &parameter_mu};
static const char *const pull_names[] = {"csi.signal", "csi.background"};
static const char *const map_names[] = {"csi", "si", "csi+si"};
static const cev_map_text texts[] = {{"title", "a \xce\xb5 map"}, {"configuration", "{}"}, {"empty", ""}};
static const cev_map_text member_texts[] = {{"title", "in turn"}, {"members", "a,b,c"}};

static const char *const index_names[] = {"mass/csi", "mass/si", "eps/csi", "eps/si", "eps/csi+si"};
static const char *const index_axes[] = {"mass_MeV", "mass_MeV", "eps_ee_uV,mass_MeV", "eps_ee_uV,mass_MeV",
                                         "eps_ee_uV,mass_MeV"};
static const cev_map_column columns[] = {{.name = "name", .text = index_names}, {.name = "axes", .text = index_axes}};

static inline cev_grid two_axes(void)
{
    cev_grid g = {.n_axis = 2};
    g.axis[0] = (cev_axis){.name = "eps_ee_uV", .scale = CEV_SCALE_VALUES, .n = LENGTH(ee), .value = ee};
    g.axis[1] = (cev_axis){.name = "mass_MeV", .scale = CEV_SCALE_LINEAR, .n = LENGTH(mu), .value = mu};
    assert_ok(cev_grid_lay_tiles(&g, (const size_t[]){2, 3})); /* 9 tiles, those at the ends smaller */
    return g;
}

static inline cev_grid one_axis(void)
{
    cev_grid g = {.n_axis = 1};
    g.axis[0] = (cev_axis){.name = "mass_MeV", .scale = CEV_SCALE_LINEAR, .n = LENGTH(mu), .value = mu};
    assert_ok(cev_grid_lay_tiles(&g, (const size_t[]){4})); /* 2 tiles */
    return g;
}

static inline cev_grid three_members(void)
{
    cev_grid g = {.n_axis = 2};
    g.axis[0] = (cev_axis){.name = "parameter",
                           .scale = CEV_SCALE_NAMES,
                           .n = LENGTH(members),
                           .value = members,
                           .label = member_labels};
    g.axis[1] = (cev_axis){.name = "value", .scale = CEV_SCALE_LINEAR, .n = LENGTH(mu), .value = mu};
    assert_ok(cev_grid_lay_tiles(&g, (const size_t[]){1, 4})); /* 6 tiles */
    return g;
}

/* A spec with what it points to. Fill it with one of the functions below; do not copy it. */
typedef struct fixture {
    cev_grid grid[2];
    cev_map_space space[2];
    cev_map_spec spec;
} fixture;

static inline void scan_of(fixture *f, size_t n_pull)
{
    f->grid[0] = two_axes();
    f->space[0] = (cev_map_space){.grid = &f->grid[0],
                                  .axis_description = parameters,
                                  .n_map = 1,
                                  .n_pull = n_pull,
                                  .pull_name = pull_names};
    f->spec = (cev_map_spec){.n_text = LENGTH(texts), .text = texts, .n_space = 1, .space = f->space};
}

static inline void scan_in_turn(fixture *f)
{
    f->grid[0] = three_members();
    f->space[0] = (cev_map_space){.grid = &f->grid[0], .axis_description = member_parameters, .n_map = 1};
    f->spec = (cev_map_spec){.n_text = LENGTH(member_texts), .text = member_texts, .n_space = 1, .space = f->space};
}

/* Profiles two parameters, and stores values of `n_stored` of them; a name has a dot, and a label is TeX. */
static const cev_parameter parameter_profiled = {.name = "eps_mumu_uV",
                                                 .unit = "",
                                                 .label = "\\varepsilon_{\\mu\\mu}^{uV}",
                                                 .help = "another coupling"};
static const cev_parameter parameter_number = {.name = "lar.quenching.c1",
                                               .unit = "MeV",
                                               .label = "c_1",
                                               .help = "a number of an experiment",
                                               .default_value = 0.5};
static const cev_map_profiled profiled[] = {{&parameter_profiled, -1, 1}, {&parameter_number, 0.25, 0.75}};

static inline void profiling(fixture *f, size_t s, size_t n_stored)
{
    f->space[s].n_profiled = LENGTH(profiled);
    f->space[s].n_stored = n_stored;
    f->space[s].profiled = profiled;
}

/* Two maps over one axis without pulls, and three over two axes with them. */
static inline void study_of(fixture *f)
{
    f->grid[0] = one_axis();
    f->grid[1] = two_axes();
    f->space[0] = (cev_map_space){.name = "mass",
                                  .grid = &f->grid[0],
                                  .axis_description = one_parameter,
                                  .n_map = 2,
                                  .map_name = map_names};
    f->space[1] = (cev_map_space){.name = "eps",
                                  .grid = &f->grid[1],
                                  .axis_description = parameters,
                                  .n_map = 3,
                                  .map_name = map_names,
                                  .n_pull = 2,
                                  .pull_name = pull_names};
    f->spec = (cev_map_spec){.n_text = LENGTH(texts),
                             .text = texts,
                             .n_space = 2,
                             .space = f->space,
                             .n_column = LENGTH(columns),
                             .column = columns};
}

static inline cev_map *open_map(const fixture *f, cev_map_access access)
{
    cev_map *map;
    assert_ok(cev_map_open(path, access, MPI_COMM_SELF, &f->spec, &map));
    return map;
}

/* Laid out, filled and published. */
static inline void create(const fixture *f)
{
    unlink(path);
    assert_ok(cev_map_create(path, &f->spec, true));
    cev_map *map = open_map(f, CEV_MAP_LAY_OUT);
    for (size_t s = 0; s < f->spec.n_space; s++)
        for (size_t id = 0; id < f->grid[s].n_tile; id++) {
            cev_tile tile = cev_grid_tile(&f->grid[s], id);
            assert_ok(cev_map_fill_tile(map, s, &tile));
        }
    assert_ok(cev_map_publish(map));
    assert_ok(cev_map_close(&map));
    assert_null(map);
}

static inline cev_map_info *inspect(void)
{
    cev_map_info *info;
    assert_ok(cev_map_inspect(path, &info));
    return info;
}

typedef struct results {
    double chi2[MOST_MAPS * MOST_POINTS], delta[MOST_MAPS * MOST_POINTS], pull[MOST_PULLS * MOST_MAPS * MOST_POINTS];
    double profiled[MOST_PROFILED * MOST_MAPS * MOST_POINTS];
    unsigned char status[MOST_MAPS * MOST_POINTS], flags[MOST_MAPS * MOST_POINTS];
    cev_digest digest[MOST_MAPS];
    cev_tile_results out;
} results;

/* Where results of a space are, as the file takes them. */
static inline void point_at(const fixture *f, size_t s, results *r)
{
    const cev_map_space *space = &f->space[s];
    r->out = (cev_tile_results){.chi2 = r->chi2,
                                .status = r->status,
                                .pull = space->n_pull ? r->pull : NULL,
                                .flags = space->n_profiled ? r->flags : NULL,
                                .profiled = space->n_stored ? r->profiled : NULL};
}

/* Every second one is proven, every third at a bound, every fifth flat. */
static inline unsigned char flags_of(double number)
{
    int n = (int)number;
    return (unsigned char)((n % 2 ? 0 : CEV_FLAG_PROVEN) | (n % 3 ? 0 : CEV_FLAG_AT_BOUND) |
                           (n % 5 ? 0 : CEV_FLAG_FLAT));
}

/* chi2 is 1000 map + number of the point + 0.5. */
static inline void fill(const fixture *f, size_t s, const cev_tile *tile, results *r)
{
    size_t n_map = f->space[s].n_map;
    memset(r, 0, sizeof *r);
    for (size_t m = 0; m < n_map; m++)
        for (size_t k = 0; k < tile->n_point; k++) {
            size_t index[CEV_MAX_AXES], at = m * tile->n_point + k;
            cev_tile_point(&f->grid[s], tile, k, index);
            double number = (double)cev_grid_number(&f->grid[s], index) + 1000 * (double)m;
            r->chi2[at] = number + 0.5;
            r->status[at] = number == 3 ? CEV_POINT_NOT_CONVERGED : CEV_POINT_OK;
            r->pull[at] = -number;
            r->pull[n_map * tile->n_point + at] = number / 100;
            r->flags[at] = flags_of(number);
            r->profiled[at] = number / 1000;
            r->profiled[n_map * tile->n_point + at] = 0.25 + number / 10000;
        }
    point_at(f, s, r);
}

/* Digests of a tile's maps, with all pulls of the space. */
static inline void digests_of(const fixture *f, size_t s, const cev_tile *tile, results *r)
{
    size_t n = tile->n_point, n_map = f->space[s].n_map;
    for (size_t m = 0; m < n_map; m++) {
        const double *pull[MOST_PULLS] = {r->pull + m * n, r->pull + (n_map + m) * n};
        const double *value[MOST_PROFILED] = {r->profiled + m * n, r->profiled + (n_map + m) * n};
        const cev_tile_part part = {.chi2 = r->chi2 + m * n,
                                    .status = r->status + m * n,
                                    .n_pull = f->space[s].n_pull,
                                    .pull = pull,
                                    .flags = f->space[s].n_profiled ? r->flags + m * n : NULL,
                                    .n_profiled = f->space[s].n_stored,
                                    .profiled = value};
        assert_ok(cev_tile_digest(tile, &part, &r->digest[m]));
    }
}

static const double references[MOST_MAPS] = {0.25, 0.5, 0.75};

static inline void write_tile(cev_map *map, const fixture *f, size_t s, size_t id, results *r)
{
    cev_tile tile = cev_grid_tile(&f->grid[s], id);
    fill(f, s, &tile, r);
    digests_of(f, s, &tile, r);
    assert_ok(cev_map_write_tile(map, s, &tile, &r->out, references));
    assert_ok(cev_map_mark_tile(map, s, id, r->digest));
}

/* In an order that is not theirs. */
static inline void write_all(cev_map *map, const fixture *f, size_t s)
{
    for (size_t id = 0; id < f->grid[s].n_tile; id++) {
        results r;
        write_tile(map, f, s, f->grid[s].n_tile - 1 - id, &r);
    }
}

/* Reads a dataset whole, with HDF5 alone. */
static inline void read_dataset(const char *name, hid_t type, void *to)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), d = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(file >= 0 && d >= 0);
    assert_true(H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0);
    H5Dclose(d);
    H5Fclose(file);
}

static inline hid_t reopen(void)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static inline int set_up(void **state)
{
    (void)state;
    unsetenv("HDF5_USE_FILE_LOCKING"); /* what a test opens by itself is opened as other programs do it */
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 1);
    setenv("OMPI_MCA_sharedfp", "individual", 1);
    setenv("OMPI_MCA_io", "^ompio", 0); /* as the program does */
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS || !mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/map.h5", folder);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return 0;
}

static inline int __attribute__((unused)) tear_down(void **state)
{
    (void)state;
    unlink(path);
    int left = rmdir(folder); /* fails if a test left anything else behind */
    return MPI_Finalize() != MPI_SUCCESS || left;
}

#endif
