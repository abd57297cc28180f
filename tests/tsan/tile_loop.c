/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tile loop without MPI and HDF5: every tile of a scan on three threads, and again on one; the bits must be the
 * same. With the argument `race` the threads share one scratch, which the thread sanitizer has to notice. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/config.h"
#include "cevscan/scan_job.h"
#include "cevscan/threads.h"

enum { N_THREAD = 3, BLOCKS_PER_CHUNK = 4, MOST_PULLS = 64 };

typedef struct loop {
    cev_scan_job job;
    cev_tile tile;
    cev_model_scratch *scratch[N_THREAD];
    cev_lanes *block_pull[N_THREAD];
    double *chi2, *pull;
    unsigned char *status;
    atomic_long n_poll;
    bool race;
} loop;

static void must(cev_status status)
{
    if (status == CEV_OK) return;
    fprintf(stderr, "%s\n", cev_error_message());
    exit(1);
}

static void evaluate_chunk(void *context, int thread, size_t chunk)
{
    loop *l = context;
    size_t first = chunk * BLOCKS_PER_CHUNK * CEV_LANES, end = first + BLOCKS_PER_CHUNK * CEV_LANES;
    if (end > l->tile.n_point) end = l->tile.n_point;
    if (l->race) thread = 0;
    for (size_t k = first; k < end; k += CEV_LANES)
        cev_scan_job_block(&l->job, l->scratch[thread], &l->tile, k, l->block_pull[thread], l->chi2, l->status,
                           l->pull);
}

static void poll(void *context)
{
    loop *l = context;
    atomic_fetch_add(&l->n_poll, 1);
}

static void compute(loop *l, const cev_grid *grid, size_t id, int n_thread)
{
    size_t chunk = BLOCKS_PER_CHUNK * CEV_LANES;
    l->tile = cev_grid_tile(grid, id);
    cev_threads_loop(n_thread, (l->tile.n_point + chunk - 1) / chunk, evaluate_chunk, poll, l);
}

static size_t compare(loop *l, const cev_grid *grid, size_t id, size_t n_pull)
{
    size_t n = cev_grid_tile(grid, id).n_point, n_double = n * (1 + n_pull);
    double *before = malloc(n_double * sizeof *before);
    compute(l, grid, id, N_THREAD);
    memcpy(before, l->chi2, n * sizeof *before);
    memcpy(before + n, l->pull, n * n_pull * sizeof *before);
    compute(l, grid, id, 1);
    size_t differs = memcmp(before, l->chi2, n * sizeof *before) ||
                     memcmp(before + n, l->pull, n * n_pull * sizeof *before);
    free(before);
    return differs;
}

int main(int argc, char **argv)
{
    cev_scan_config *config;
    cev_model *model;
    cev_data data;
    if (argc < 2) return 2;
    must(cev_scan_config_read(argv[1], &config));
    must(cev_model_create(config->n_experiment, config->experiment, config->interaction, config->theta, &model));
    must(cev_data_asimov(config->arena, model, config->truth, &data));
    loop l = {.job = {.model = model, .data = &data, .grid = &config->grid},
              .race = argc > 2 && !strcmp(argv[2], "race")};
    memcpy(l.job.theta, config->theta, sizeof l.job.theta);
    memcpy(l.job.axis_parameter, config->axis_parameter, sizeof l.job.axis_parameter);
    size_t n = cev_grid_points_of_whole_tile(&config->grid), n_pull = cev_model_n_pull(model), n_different = 0;
    for (int t = 0; t < N_THREAD; t++) {
        must(cev_model_scratch_create(model, &l.scratch[t]));
        must(cev_new(config->arena, MOST_PULLS, &l.block_pull[t]));
    }
    must(cev_new(config->arena, n, &l.chi2));
    must(cev_new(config->arena, n, &l.status));
    must(cev_new(config->arena, n * n_pull, &l.pull));
    for (size_t id = 0; id < config->grid.n_tile; id++) n_different += compare(&l, &config->grid, id, n_pull);
    printf("%zu tiles on %d threads, %zu differ from one thread\n", config->grid.n_tile, N_THREAD, n_different);
    for (int t = 0; t < N_THREAD; t++) cev_model_scratch_destroy(&l.scratch[t]);
    cev_model_destroy(&model);
    cev_scan_config_destroy(&config);
    return n_different > 0;
}
