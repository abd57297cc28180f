/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a scan costs beside its points: templates, start-up, writing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "bench_child.h"
#include "cevscan/map.h"

enum { N_START = 7, N_FOLD = 20 };

static double number(const json_t *result, const char *key)
{
    return json_number_value(json_object_get(result, key));
}

/* --- templates -------------------------------------------------------------------------------------------------- */

static const char *const folded[][2] = {
    {"nsi", "ess_csi,ess_si"},
    {"nsi", "ess_csi,ess_xe,ess_si,ess_ge,ess_ar,ess_c3f8"},
    {"vector_universal", "xenonnt_8b"},
    {"eft", "coherent_csi"},
};
enum { N_FOLDED = sizeof folded / sizeof *folded };

static cev_status build_times(const cev_scan_config *c, double *seconds)
{
    double each[N_FOLD];
    for (size_t k = 0; k < N_FOLD; k++) {
        cev_model *model;
        double begin = bench_now_s();
        CEV_TRY(cev_model_create(c->n_experiment, c->experiment, &c->roster, c->theta, &model));
        each[k] = bench_now_s() - begin;
        cev_model_destroy(&model);
    }
    *seconds = bench_median(each, N_FOLD);
    return CEV_OK;
}

/* Anew for one mediator mass after another; NaN where nothing is slow. */
static cev_status refold_times(const cev_scan_config *c, double *seconds)
{
    const cev_card *card = &c->interaction->card;
    size_t mass = cev_parameter_index(card->parameters, card->n_parameter, "mediator_mass_MeV");
    double each[N_FOLD], theta[CEV_MAX_THETA];
    cev_model *model;
    *seconds = NAN;
    if (mass == card->n_parameter) return CEV_OK;
    memcpy(theta, c->theta, sizeof theta);
    CEV_TRY(cev_model_create(c->n_experiment, c->experiment, &c->roster, theta, &model));
    for (size_t k = 0; k < N_FOLD; k++) {
        theta[mass] = 1 + (double)k;
        double begin = bench_now_s();
        cev_model_fold(model, theta);
        each[k] = bench_now_s() - begin;
    }
    cev_model_destroy(&model);
    *seconds = bench_median(each, N_FOLD);
    return CEV_OK;
}

static cev_status fold_one(const char *interaction, const char *experiments, json_t *list)
{
    cev_scan_config *c = NULL;
    double build = NAN, refold = NAN;
    cev_status status = cev_scan_config_select(experiments, interaction, &c);
    if (status == CEV_OK) status = build_times(c, &build);
    if (status == CEV_OK) status = refold_times(c, &refold);
    if (status == CEV_OK)
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:o}", "interaction", interaction, "experiments",
                                              experiments, "templates_s", build, "anew_s", bench_number(refold)));
    cev_scan_config_destroy(&c);
    return status;
}

cev_status bench_folding(const bench_options *options, const bench_workload *workload, json_t **result)
{
    (void)options, (void)workload;
    json_t *list = json_array();
    cev_status status = CEV_OK;
    for (size_t k = 0; status == CEV_OK && k < N_FOLDED; k++) status = fold_one(folded[k][0], folded[k][1], list);
    *result = json_pack("{s:o}", "folded", list);
    return status;
}

void bench_print_folding(const json_t *result)
{
    size_t k;
    json_t *one;
    json_array_foreach (json_object_get(result, "folded"), k, one) {
        printf("%s%8.2f ms", k ? "\n                 " : "", 1e3 * number(one, "templates_s"));
        if (json_is_number(json_object_get(one, "anew_s")))
            printf(", anew for another mass %.0f us", 1e6 * number(one, "anew_s"));
        printf("  %s: %s", json_string_value(json_object_get(one, "interaction")),
               json_string_value(json_object_get(one, "experiments")));
    }
    printf("\n");
}

/* --- start-up --------------------------------------------------------------------------------------------------- */

static cev_status start_once(const char *folder, const char *scan, double *startup_s)
{
    char output[4200];
    snprintf(output, sizeof output, "%s/map.h5", folder);
    const char *const words[] = {bench_own_path(), "run", "--json", "--quiet", "--threads", "1", "-o",
                                 output,           scan,  NULL};
    json_t *summary;
    CEV_TRY(bench_child(words, &summary));
    *startup_s = number(summary, "startup_s");
    json_decref(summary);
    unlink(output);
    return CEV_OK;
}

cev_status bench_startup(const bench_options *options, const bench_workload *workload, json_t **result)
{
    (void)options;
    char folder[4096], scan[4200];
    double each[N_START];
    CEV_TRY(bench_make_folder(folder, sizeof folder));
    snprintf(scan, sizeof scan, "%s/scan.yaml", folder);
    FILE *out = fopen(scan, "w");
    cev_status status = out && fputs(workload->scan, out) >= 0 && !fclose(out)
                            ? CEV_OK
                            : cev_fail(CEV_E_IO, "%s: cannot be written", scan);
    for (size_t k = 0; status == CEV_OK && k < N_START; k++) status = start_once(folder, scan, &each[k]);
    unlink(scan);
    rmdir(folder);
    CEV_TRY(status);
    double median = bench_median(each, N_START);
    *result = json_pack("{s:f, s:f, s:f, s:i}", "startup_s", median, "startup_best_s", each[0], "resolution_s", 0.01,
                        "repetitions", N_START);
    return CEV_OK;
}

void bench_print_startup(const json_t *result)
{
    printf("%8.0f ms (best %.0f) to the first tile\n", 1e3 * number(result, "startup_s"),
           1e3 * number(result, "startup_best_s"));
}

/* --- tiles ------------------------------------------------------------------------------------------------------ */

static cev_status write_tiles(cev_map *map, const cev_grid *grid, double *seconds)
{
    size_t n = cev_grid_points_of_whole_tile(grid);
    cev_tile_results results = {.chi2 = malloc(n * sizeof(double)), .status = malloc(n)};
    const double reference = 0;
    cev_status status = results.chi2 && results.status ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    if (results.status) memset(results.status, CEV_POINT_OK, n);
    for (size_t k = 0; results.chi2 && k < n; k++) results.chi2[k] = (double)k;
    double begin = bench_now_s();
    for (size_t id = 0; status == CEV_OK && id < grid->n_tile; id++) {
        cev_tile tile = cev_grid_tile(grid, id);
        cev_digest digest;
        status = cev_tile_digest(&tile, &(cev_tile_part){.chi2 = results.chi2, .status = results.status}, &digest);
        if (status == CEV_OK) status = cev_map_write_tile(map, 0, &tile, &results, &reference);
        if (status == CEV_OK) status = cev_map_mark_tile(map, 0, id, &digest);
    }
    *seconds = bench_now_s() - begin;
    free(results.chi2);
    free(results.status);
    return status;
}

static cev_status lay_out(cev_map *map, const cev_grid *grid)
{
    for (size_t id = 0; id < grid->n_tile; id++) {
        cev_tile tile = cev_grid_tile(grid, id);
        CEV_TRY(cev_map_fill_tile(map, 0, &tile));
    }
    return cev_map_publish(map);
}

static cev_status time_map(const cev_scan_config *c, const char *path, json_t **result)
{
    const cev_map_space space = {.grid = &c->grid, .axis_description = c->axis_description, .n_map = 1};
    const cev_map_spec spec = {.n_space = 1, .space = &space};
    double begin = bench_now_s(), write_s = 0;
    cev_map *map = NULL;
    CEV_TRY(cev_map_create(path, &spec, true));
    CEV_TRY(cev_map_open(path, CEV_MAP_LAY_OUT, MPI_COMM_SELF, &spec, &map));
    cev_status status = lay_out(map, &c->grid);
    double layout_s = bench_now_s() - begin;
    if (status == CEV_OK) status = write_tiles(map, &c->grid, &write_s);
    cev_status closed = cev_map_close(&map);
    CEV_TRY(status);
    CEV_TRY(closed);
    double points = (double)c->grid.n_point, tiles = (double)c->grid.n_tile;
    *result = json_pack("{s:I, s:f, s:f, s:f, s:f, s:f}", "tiles", (json_int_t)c->grid.n_tile, "points_per_tile",
                        points / tiles, "seconds_per_tile", write_s / tiles, "seconds_per_point", write_s / points,
                        "bytes_per_second", 17 * points / write_s, "layout_s", layout_s);
    return CEV_OK;
}

cev_status bench_tiles(const bench_options *options, const bench_workload *workload, json_t **result)
{
    (void)options;
    char folder[4096], path[4200];
    cev_scan_config *config = NULL;
    CEV_TRY(cev_scan_config_parse(workload->scan, workload->name, &config));
    cev_status status = bench_make_folder(folder, sizeof folder);
    if (status == CEV_OK) {
        snprintf(path, sizeof path, "%s/map.h5", folder);
        status = time_map(config, path, result);
        unlink(path);
        rmdir(folder);
    }
    cev_scan_config_destroy(&config);
    return status;
}

void bench_print_tiles(const json_t *r)
{
    printf("%8.0f us for a tile of %.0f points (%.0f MB/s, digests included); layout of %.0f tiles %.0f ms\n",
           1e6 * number(r, "seconds_per_tile"), number(r, "points_per_tile"), number(r, "bytes_per_second") / 1e6,
           number(r, "tiles"), 1e3 * number(r, "layout_s"));
}
