/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cevscan/threads.h"
#include "stop.h"

static const double record_interval_s = 1;

/* --- models and buffers ----------------------------------------------------------------------------------------- */

const cev_grid *study_run_grid(const study_run *run, size_t map)
{
    return &run->config->space[run->config->map[map].space].scan->grid;
}

static cev_status describe_set(const study_run *run, size_t exposure, const cev_study_set *set, cev_fit_set *out)
{
    const cev_study_config *c = run->config;
    const cev_experiment **experiment;
    bool *observed;
    CEV_TRY(cev_new(c->arena, set->n_experiment, &experiment));
    CEV_TRY(cev_new(c->arena, set->n_experiment, &observed));
    for (size_t e = 0; e < set->n_experiment; e++) {
        experiment[e] = c->experiment[exposure * c->n_experiment + set->experiment[e]];
        observed[e] = c->space[0].scan->observed[set->experiment[e]];
    }
    *out = (cev_fit_set){.n_experiment = set->n_experiment, .experiment = experiment, .observed = observed};
    return CEV_OK;
}

static cev_status build_units(study_run *run)
{
    const cev_study_config *c = run->config;
    cev_fit_set *set;
    CEV_TRY(cev_new(c->arena, c->n_exposure * c->n_set, &set));
    for (size_t k = 0; k < c->n_exposure * c->n_set; k++)
        CEV_TRY(describe_set(run, k / c->n_set, &c->set[k % c->n_set], &set[k]));
    return cev_units_create(c->n_exposure * c->n_set, set, c->space[0].scan->interaction, c->space[0].scan->theta,
                            &run->units);
}

static cev_status build_space(study_run *run, size_t k)
{
    const cev_scan_config *scan = run->config->space[k].scan;
    cev_scan_job job = scan_job_of(scan, NULL, NULL);
    return cev_combination_create(run->units, &job, scan->truth, false, &run->space[k]);
}

cev_status study_run_build(study_run *run)
{
    cev_study_config *c = run->config;
    size_t most_points = 0;
    CEV_TRY(build_units(run));
    CEV_TRY(cev_new(c->arena, c->n_space, &run->space));
    CEV_TRY(cev_new(c->arena, c->n_space + 1, &run->first_item));
    CEV_TRY(cev_new(c->arena, c->n_map, &run->map));
    CEV_TRY(cev_new(c->arena, (size_t)run->machine.threads, &run->scratch));
    for (int t = 0; t < run->machine.threads; t++) CEV_TRY(cev_units_scratch_create(run->units, &run->scratch[t]));
    for (size_t k = 0; k < c->n_space; k++) {
        size_t n = cev_grid_points_of_whole_tile(&c->space[k].scan->grid);
        if (n > most_points) most_points = n;
        run->first_item[k + 1] = run->first_item[k] + c->space[k].scan->grid.n_tile;
        CEV_TRY(build_space(run, k));
    }
    for (size_t m = 0; m < c->n_map; m++) run->map[m] = (study_map){.lowest = INFINITY, .lowest_point = UINT64_MAX};
    CEV_TRY(cev_new(c->arena, run->first_item[c->n_space], &run->seen));
    CEV_TRY(cev_new(c->arena, most_points, &run->chi2));
    return cev_new(c->arena, most_points, &run->status);
}

void study_run_destroy(study_run *run)
{
    for (int t = 0; run->scratch && t < run->machine.threads; t++) cev_units_scratch_destroy(&run->scratch[t]);
    for (size_t k = 0; run->space && k < run->config->n_space; k++) cev_combination_destroy(&run->space[k]);
    cev_units_destroy(&run->units);
    cev_map_lock_release(&run->lock);
    cev_study_info_destroy(&run->found);
    cev_study_config_destroy(&run->config);
    free(run->path);
}

/* --- the file --------------------------------------------------------------------------------------------------- */

cev_status study_run_record(study_run *run)
{
    cev_map_progress *p = &run->progress;
    CEV_TRY(cev_map_check_place(run->file));
    if (cev_map_lock_lost(run->lock))
        return cev_fail(CEV_E_IO, "%s: another job took this one for dead and has taken the study over",
                        run->options->output);
    run->recorded = monotonic_s();
    p->heartbeat = (double)time(NULL);
    p->wall_time_s = run->wall_time_before_s + (run->recorded - run->started);
    p->points_failed = run->points_failed;
    return cev_map_write_progress(run->file, p);
}

/* --- the work --------------------------------------------------------------------------------------------------- */

cev_tile study_run_tile(const study_run *run, size_t item, size_t *space)
{
    *space = 0;
    while (item >= run->first_item[*space + 1]) (*space)++;
    return cev_grid_tile(&run->config->space[*space].scan->grid, item - run->first_item[*space]);
}

static void find_start(void *context, int thread, size_t k)
{
    study_run *run = context;
    if (atomic_load_explicit(&run->abandoned, memory_order_relaxed)) return;
    cev_combination_start(run->open, run->scratch[thread], k);
}

static void evaluate_piece(void *context, int thread, size_t k)
{
    study_run *run = context;
    if (atomic_load_explicit(&run->abandoned, memory_order_relaxed)) return;
    cev_combination_evaluate(run->open, run->scratch[thread], k);
}

static void poll_schedule(void *context)
{
    study_run *run = context;
    if (!run->schedule) return; /* a benchmark */
    cev_schedule_poll(run->schedule);
    if (!cev_schedule_stopping(run->schedule)) return;
    double now = monotonic_s();
    if (run->stop_seen == INFINITY) run->stop_seen = now;
    if (now - run->stop_seen > run->options->grace_s) atomic_store(&run->abandoned, true);
}

static bool stop(void *context)
{
    (void)context;
    return stop_wanted() != STOP_NONE;
}

void study_run_note(study_run *run, size_t map, const cev_tile *tile)
{
    study_map *m = &run->map[map];
    const cev_grid *grid = study_run_grid(run, map);
    for (size_t k = 0; k < tile->n_point; k++) {
        m->n_failed += cev_point_failed(run->status[k]);
        if (!(run->chi2[k] <= m->lowest) || run->chi2[k] == INFINITY) continue;
        size_t index[CEV_MAX_AXES];
        cev_tile_point(grid, tile, k, index);
        uint64_t number = cev_grid_number(grid, index);
        if (!scan_run_lower(run->chi2[k], number, m->lowest, m->lowest_point)) continue;
        m->lowest = run->chi2[k];
        m->lowest_point = number;
    }
}

/* Maps are numbered by space, then exposure, then set: those of one space lie together, in the order of the units'
 * sets. */
static cev_status write_maps(study_run *run, size_t space, const cev_tile *tile, cev_tile_report *report)
{
    const cev_study_config *c = run->config;
    size_t n = c->n_exposure * c->n_set;
    cev_tile_results results = {.chi2 = run->chi2, .status = run->status};
    for (size_t s = 0; s < n; s++) {
        size_t m = space * n + s;
        cev_combination_sum(run->open, s, run->chi2, run->status);
        study_run_note(run, m, tile);
        CEV_TRY(cev_map_write_tile(run->map[m].file, tile, &results, run->map[m].reference));
        for (size_t k = 0; k < tile->n_point; k++) report->n_failed += cev_point_failed(run->status[k]);
        report->n_point += tile->n_point;
        if (s % 16 == 15) poll_schedule(run);
    }
    return CEV_OK;
}

cev_tile study_run_evaluate(study_run *run, size_t item, size_t *space)
{
    cev_tile tile = study_run_tile(run, item, space);
    run->open = run->space[*space];
    cev_threads_loop(run->machine.threads, cev_combination_open(run->open, &tile), find_start, poll_schedule, run);
    cev_threads_loop(run->machine.threads, cev_combination_ready(run->open), evaluate_piece, poll_schedule, run);
    return tile;
}

static cev_status work(void *context, cev_schedule *schedule, size_t item, cev_tile_report *report)
{
    study_run *run = context;
    size_t space;
    run->schedule = schedule;
    cev_tile tile = study_run_evaluate(run, item, &space);
    report->lowest_chi2 = INFINITY;
    report->dropped = atomic_load(&run->abandoned);
    return report->dropped ? CEV_OK : write_maps(run, space, &tile, report);
}

static cev_status take(void *context, const cev_tile_report *report)
{
    study_run *run = context;
    run->n_pending--;
    run->points_done += report->n_point;
    run->points_failed += report->n_failed;
    progress_line_update(&run->line, run->points_done, run->points_failed);
    return monotonic_s() - run->recorded > record_interval_s ? study_run_record(run) : CEV_OK;
}

/* An item is done once all its maps have it. */
static bool is_done(const study_run *run, size_t item)
{
    size_t space, n = run->config->n_exposure * run->config->n_set;
    if (!run->found) return false;
    cev_tile tile = study_run_tile(run, item, &space);
    for (size_t s = 0; s < n; s++)
        if (!run->found->map[space * n + s]->done[tile.id]) return false;
    return true;
}

static cev_status pending_items(study_run *run, uint32_t **pending)
{
    size_t n_item = run->first_item[run->config->n_space], space;
    CEV_TRY(cev_new(run->config->arena, n_item, pending));
    for (size_t k = 0; k < n_item; k++) {
        if ((run->seen[k] = !is_done(run, k)))
            (*pending)[run->n_pending++] = (uint32_t)k;
        else
            run->points_before += study_run_tile(run, k, &space).n_point * run->config->n_exposure * run->config->n_set;
    }
    run->points_done = run->points_before;
    return CEV_OK;
}

cev_status study_run_work(study_run *run)
{
    const cev_study_config *c = run->config;
    uint32_t *pending = NULL;
    uint64_t total = 0;
    run->stop_seen = INFINITY;
    if (run->rank == 0) CEV_TRY(pending_items(run, &pending));
    MPI_Bcast(run->seen, (int)run->first_item[c->n_space], MPI_C_BOOL, 0, MPI_COMM_WORLD);
    for (size_t k = 0; k < c->n_space; k++) total += c->space[k].scan->grid.n_point * c->n_exposure * c->n_set;
    run->line = progress_line_start(run->options->quiet, total, run->points_before);
    cev_schedule_calls calls = {.context = run,
                                .work = work,
                                .take = take,
                                .stop = stop,
                                .silence_s = run->options->silence_s};
    cev_status status = cev_schedule_run(MPI_COMM_WORLD, run->options->master, run->n_pending, pending, &calls);
    progress_line_end(&run->line);
    return status;
}
