/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Master and workers alone: tiles that take no time, handed out one by one and in batches. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "bench_child.h"
#include "cevscan/schedule.h"

/* Tiles handed out one by one, and in batches of this many. */
enum { N_SINGLE = 30000, N_BATCHED = 600000, BATCH = 32, N_ROUND = 5 };
/* And tiles that sleep, for how long workers wait for rank 0: so many for each of them, of so many ms. */
enum { N_ASLEEP = 100, ASLEEP_MS = 5 };

bool bench_is_under_mpi(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK");
}

/* --- in the ranks of a job -------------------------------------------------------------------------------------- */

static cev_status work(void *context, cev_schedule *schedule, size_t item, void *report)
{
    (void)context, (void)schedule, (void)item, (void)report;
    return CEV_OK;
}

/* `context` is what this rank has slept, in seconds. */
static cev_status sleep_a_little(void *context, cev_schedule *schedule, size_t item, void *report)
{
    const struct timespec duration = {.tv_nsec = ASLEEP_MS * 1000000};
    double *slept_s = context, begin = bench_now_s();
    (void)schedule, (void)item, (void)report;
    nanosleep(&duration, NULL);
    *slept_s += bench_now_s() - begin;
    return CEV_OK;
}

static cev_status take(void *context, size_t item, const void *report)
{
    (void)context, (void)item, (void)report;
    return CEV_OK;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

/* What n tiles cost: seconds of the clock, and what rank 0 did. */
typedef struct cost {
    double wall_s;
    cev_schedule_statistics master;
} cost;

static cev_status hand_out(size_t n, size_t batch, const uint32_t *tile, cost *out)
{
    cev_schedule_calls calls = {.work = work,
                                .take = take,
                                .stop = never,
                                .largest_batch = batch,
                                .statistics = &out->master};
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = bench_now_s();
    CEV_TRY(cev_schedule_run(MPI_COMM_WORLD, CEV_MASTER_SERVES, n, tile, &calls));
    out->wall_s = bench_now_s() - begin;
    return CEV_OK;
}

static double serving_of(const cost *c)
{
    return c->master.serving_s / (double)c->master.n_request;
}

/* The round in which rank 0 was disturbed least by others. */
static cev_status best_cost(size_t n, size_t batch, const uint32_t *tile, cost *best)
{
    for (size_t k = 0; k < N_ROUND; k++) {
        cost one = {0};
        CEV_TRY(hand_out(n, batch, tile, &one));
        if (k == 0 || serving_of(&one) < serving_of(best)) *best = one;
    }
    return CEV_OK;
}

/* Share of the workers' time in which they have no tile. */
static cev_status idle_share(int n_rank, const uint32_t *tile, double *idle)
{
    double slept_s = 0, all_s = 0;
    size_t n = (size_t)(n_rank - 1) * N_ASLEEP;
    cev_schedule_calls calls = {.context = &slept_s, .work = sleep_a_little, .take = take, .stop = never};
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = bench_now_s();
    CEV_TRY(cev_schedule_run(MPI_COMM_WORLD, CEV_MASTER_SERVES, n < N_BATCHED ? n : N_BATCHED, tile, &calls));
    double wall_s = bench_now_s() - begin;
    MPI_Reduce(&slept_s, &all_s, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    *idle = 1 - all_s / (wall_s * (n_rank - 1));
    return CEV_OK;
}

/* A request costs `request`, and each tile that it reports and gets `tile` more. */
static json_t *describe(int n_rank, const cost *single, const cost *batched, double idle)
{
    double each = serving_of(single), of_batch = serving_of(batched),
           in_batch = N_BATCHED / (double)batched->master.n_request;
    double tile = of_batch > each && in_batch > 1 ? (of_batch - each) / (in_batch - 1) : 0;
    return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:f}", "ranks", n_rank, "requests_per_second_at_most",
                     1 / each, "master_s_per_request", each - tile, "master_s_per_tile", tile,
                     "tiles_per_second_one_by_one", N_SINGLE / single->wall_s, "tiles_per_second_batched",
                     N_BATCHED / batched->wall_s, "batch", BATCH, "sleeping_tile_ms", ASLEEP_MS,
                     "idle_share_of_sleeping_tiles", idle);
}

static cev_status measure(json_t **result)
{
    int n_rank;
    double idle = 0;
    cost single = {0}, batched = {0};
    MPI_Comm_size(MPI_COMM_WORLD, &n_rank);
    if (n_rank < 2)
        return cev_fail(CEV_E_INPUT, "one rank alone has nobody to hand tiles to; give mpirun at least -n 2");
    uint32_t *tile = calloc(N_BATCHED, sizeof *tile);
    if (!tile) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < N_BATCHED; k++) tile[k] = (uint32_t)k;
    cev_status status = best_cost(N_SINGLE, 1, tile, &single);
    if (status == CEV_OK) status = best_cost(N_BATCHED, BATCH, tile, &batched);
    if (status == CEV_OK) status = idle_share(n_rank, tile, &idle);
    free(tile);
    if (status == CEV_OK) *result = describe(n_rank, &single, &batched, idle);
    return status;
}

/* --- alone ------------------------------------------------------------------------------------------------------ */

static cev_status start_job(json_t **result)
{
    char ranks[16];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(ranks, sizeof ranks, "%ld", cores < 2 ? 2 : cores > 16 ? 16 : cores);
    const char *const words[] = {"mpirun",         "--oversubscribe", "--bind-to", "none",   "-n", ranks,
                                 bench_own_path(), "bench",           "scheduler", "--json", NULL};
    json_t *all;
    CEV_TRY(bench_child(words, &all));
    *result = json_incref(json_array_get(json_object_get(all, "workloads"), 0));
    json_decref(all);
    if (json_is_object(*result)) return CEV_OK;
    json_decref(*result);
    return cev_fail(CEV_E_IO, "mpirun started no ranks");
}

cev_status bench_scheduler(const bench_options *options, const bench_workload *workload, json_t **result)
{
    (void)options, (void)workload;
    if (bench_is_under_mpi()) return measure(result);
    if (start_job(result) == CEV_OK) return CEV_OK;
    *result = json_pack("{s:s+}", "skipped", "no ranks to measure with: ", cev_error_message());
    return CEV_OK;
}

static double number(const json_t *result, const char *key)
{
    return json_number_value(json_object_get(result, key));
}

void bench_print_scheduler(const json_t *r)
{
    printf("%8.0f requests/s at most: each takes %.2f us of rank 0's time, and %.3f us more for each tile of a batch\n"
           "                 %8.0f tiles/s one by one, %.3g in batches of %.0f, on %.0f ranks that sleep between their "
           "polls; "
           "idle %.1f %% with tiles of %.0f ms\n",
           number(r, "requests_per_second_at_most"), 1e6 * number(r, "master_s_per_request"),
           1e6 * number(r, "master_s_per_tile"), number(r, "tiles_per_second_one_by_one"),
           number(r, "tiles_per_second_batched"), number(r, "batch"), number(r, "ranks"),
           100 * number(r, "idle_share_of_sleeping_tiles"), number(r, "sleeping_tile_ms"));
}
