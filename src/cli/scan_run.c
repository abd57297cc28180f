/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scan_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cevscan/threads.h"
#include "command.h"
#include "provenance.h"
#include "stop.h"

/* /progress is overwritten this often: a sign of life for `cevscan status`. */
static const double record_interval_s = 1;

/* --- model and buffers ------------------------------------------------------------------------------------------ */

static cev_status create_parts(scan_run *run)
{
    cev_arena *arena = run->config->arena;
    CEV_TRY(cev_new(arena, (size_t)run->machine.threads, &run->part));
    for (int t = 0; t < run->machine.threads; t++) {
        CEV_TRY(cev_model_scratch_create(run->model, &run->part[t].scratch));
        if (run->n_pull) CEV_TRY(cev_new(arena, run->n_pull, &run->part[t].pull));
    }
    size_t n = cev_grid_points_of_whole_tile(&run->config->grid);
    CEV_TRY(cev_new(arena, n, &run->chi2));
    CEV_TRY(cev_new(arena, n, &run->status));
    return cev_new(arena, n * run->n_pull, &run->pull);
}

static void tell_of_idle(const char *name)
{
    fprintf(stderr, "cevscan: warning: \"%s\" changes nothing that these experiments expect; its axis says nothing\n",
            name);
}

/* A scan may well run over a parameter that it does not depend on; it is not what its user meant. Best effort. */
static void warn_of_idle_axes(const scan_run *run)
{
    const cev_grid *g = &run->config->grid;
    bool idle = false;
    for (size_t m = 0; m < cev_grid_n_member(g) && g->axis[0].label; m++)
        if (cev_scan_job_is_idle(&run->job, m, 1, &idle) == CEV_OK && idle) tell_of_idle(g->axis[0].label[m]);
    for (size_t a = g->axis[0].label ? 2 : 0; a < g->n_axis; a++)
        if (cev_scan_job_is_idle(&run->job, 0, a, &idle) == CEV_OK && idle) tell_of_idle(g->axis[a].name);
}

/* Rank 0 searches: libraries may differ in the last bit between hosts. */
cev_status scan_run_find_reference(scan_run *run)
{
    const cev_scan_config *c = run->config;
    cev_map_progress *p = &run->progress;
    size_t n_member = cev_grid_n_member(&c->grid), n_axis = c->grid.n_axis;
    cev_status status = CEV_OK;
    if (run->rank == 0 && !run->options->job.quiet && !run->found) warn_of_idle_axes(run);
    for (size_t m = 0; run->rank == 0 && status == CEV_OK && m < n_member; m++) {
        cev_best_fit fit = {0};
        status = cev_best_fit_find(&run->job, m, c->data == CEV_DATA_ASIMOV ? c->truth : NULL, &fit);
        p->chi2_reference[m] = p->best_fit_chi2[m] = fit.chi2;
        memcpy(p->best_fit + m * n_axis, fit.at, n_axis * sizeof *fit.at);
    }
    CEV_TRY(agree_with_rank_0(run->rank, status));
    MPI_Bcast(p->chi2_reference, (int)n_member, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    MPI_Bcast(p->best_fit_chi2, (int)n_member, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    MPI_Bcast(p->best_fit, (int)(n_member * n_axis), MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return CEV_OK;
}

cev_scan_job scan_job_of(const cev_scan_config *c, cev_model *model, const cev_data *data)
{
    cev_scan_job job = {.model = model, .data = data, .grid = &c->grid, .member_parameter = c->member_parameter};
    memcpy(job.theta, c->theta, sizeof job.theta);
    memcpy(job.axis_parameter, c->axis_parameter, sizeof job.axis_parameter);
    return job;
}

cev_status scan_run_build(scan_run *run)
{
    cev_scan_config *c = run->config;
    CEV_TRY(cev_model_create(c->n_experiment, c->experiment, c->interaction, c->theta, &run->model));
    CEV_TRY(cev_data_mixed(c->arena, run->model, c->observed, c->truth, &run->data));
    run->job = scan_job_of(c, run->model, &run->data);
    CEV_TRY(cev_fit_starts_create(&run->job, &run->starts));
    run->job.starts = run->starts;
    run->n_pull = c->store_pulls ? c->n_pull : 0;
    return create_parts(run);
}

/* --- the map ---------------------------------------------------------------------------------------------------- */

cev_status scan_run_create_map(scan_run *run, const char *path)
{
    const cev_scan_config *c = run->config;
    cev_map_spec spec = {.grid = &c->grid,
                         .axis_description = c->axis_description,
                         .n_pull = run->n_pull,
                         .pull_name = c->pull_name};
    CEV_TRY(provenance_texts(c, &spec));
    return cev_map_create(path, &spec);
}

cev_status scan_run_record(scan_run *run)
{
    cev_map_progress *p = &run->progress;
    CEV_TRY(cev_map_check_place(run->map));
    if (cev_map_lock_lost(run->lock))
        return cev_fail(CEV_E_IO, "%s: another job took this one for dead and has taken the map over",
                        run->options->job.output);
    run->recorded = monotonic_s();
    p->heartbeat = (double)time(NULL);
    p->wall_time_s = run->wall_time_before_s + (run->recorded - run->started);
    p->points_failed = run->points_failed;
    return cev_map_write_progress(run->map, p);
}

cev_status scan_run_start_session(scan_run *run)
{
    const cev_map_progress *before = run->found ? &run->found->progress : NULL;
    run->wall_time_before_s = before ? before->wall_time_s : 0;
    job_begin_session(&run->progress, before, &run->machine);
    return scan_run_record(run);
}

cev_status scan_run_open_map(scan_run *run)
{
    cev_status status = CEV_OK;
    run->started = monotonic_s();
    if (run->rank == 0 && !run->found) status = scan_run_create_map(run, run->map_path);
    CEV_TRY(agree_with_rank_0(run->rank, status));
    CEV_TRY(
        job_share_text(run->rank,
                       &run->map_path)); /* the file that rank 0 has looked at, not what a link may lead to by now */
    CEV_TRY(cev_map_open(run->map_path, CEV_MAP_WRITE, MPI_COMM_WORLD, &run->config->grid, run->n_pull,
                         run->config->pull_name, &run->map));
    return run->rank == 0 ? scan_run_start_session(run) : CEV_OK;
}

/* --- the work --------------------------------------------------------------------------------------------------- */

enum { BLOCKS_PER_CHUNK = 16 }; /* of lanes, for a thread at a time: some 50 microseconds */

static void evaluate_chunk(void *context, int thread, size_t chunk)
{
    scan_run *run = context;
    if (atomic_load_explicit(&run->abandoned, memory_order_relaxed)) return;
    thread_part *part = &run->part[thread];
    size_t first = chunk * BLOCKS_PER_CHUNK * CEV_LANES, end = first + BLOCKS_PER_CHUNK * CEV_LANES;
    if (end > run->tile.n_point) end = run->tile.n_point;
    for (size_t k = first; k < end; k += CEV_LANES)
        cev_scan_job_block(&run->job, part->scratch, &run->tile, k, part->pull, run->chi2, run->status, run->pull);
}

static void find_start(void *context, int thread, size_t block)
{
    scan_run *run = context;
    if (atomic_load_explicit(&run->abandoned, memory_order_relaxed)) return;
    cev_fit_starts_block(run->starts, &run->job, run->part[thread].scratch, block);
}

static void poll_schedule(void *context)
{
    scan_run *run = context;
    cev_schedule_poll(run->schedule);
    if (!cev_schedule_stopping(run->schedule)) return;
    double now = monotonic_s();
    if (run->stop_seen == INFINITY) run->stop_seen = now;
    if (now - run->stop_seen > run->options->job.grace_s) atomic_store(&run->abandoned, true);
}

static bool stop(void *context)
{
    (void)context;
    return stop_wanted() != STOP_NONE;
}

void scan_run_report(const scan_run *run, cev_tile_report *report)
{
    report->n_point = run->tile.n_point;
    report->lowest_chi2 = INFINITY;
    for (size_t k = 0; k < run->tile.n_point; k++) {
        report->n_failed += cev_point_failed(run->status[k]);
        if (!(run->chi2[k] < report->lowest_chi2)) continue;
        size_t index[CEV_MAX_AXES];
        cev_tile_point(&run->config->grid, &run->tile, k, index);
        report->lowest_chi2 = run->chi2[k];
        report->lowest_point = cev_grid_number(&run->config->grid, index);
    }
}

void scan_run_compute(scan_run *run, size_t id)
{
    run->tile = cev_grid_tile(&run->config->grid, id);
    cev_scan_job_open_tile(&run->job, &run->tile);
    size_t chunk = BLOCKS_PER_CHUNK * CEV_LANES;
    void (*poll)(void *) = run->schedule ? poll_schedule : NULL;
    cev_threads_loop(run->machine.threads, cev_fit_starts_open(run->starts, &run->tile), find_start, poll, run);
    cev_fit_starts_close(run->starts);
    cev_threads_loop(run->machine.threads, (run->tile.n_point + chunk - 1) / chunk, evaluate_chunk, poll, run);
}

/* A tile on its way into the map: its digest takes as long as writing it. */
typedef struct storing {
    scan_run *run;
    cev_tile_results results;
    cev_digest digest;
    cev_status written, digested;
} storing;

static void write_fields(void *context)
{
    storing *s = context;
    s->written = cev_map_write_fields(s->run->map, &s->run->tile, &s->results,
                                      *scan_run_reference(s->run, &s->run->tile));
}

static void work_out_digest(void *context)
{
    storing *s = context;
    s->digested = cev_tile_digest(&s->run->tile, s->run->n_pull, &s->results, &s->digest);
}

static cev_status store_tile(scan_run *run)
{
    const size_t worth_a_thread = 16384; /* points */
    storing s = {.run = run, .results = {.chi2 = run->chi2, .status = run->status, .pull = run->pull}};
    cev_threads_beside(run->tile.n_point < worth_a_thread ? 1 : run->machine.threads, write_fields, work_out_digest,
                       &s);
    CEV_TRY(s.written);
    if (s.digested != CEV_OK)
        return cev_fail(s.digested, "%s: the digest of a tile cannot be worked out",
                        run->map_path); /* its words are the other thread's */
    return cev_map_write_done(run->map, &run->tile, &s.digest);
}

static cev_status work(void *context, cev_schedule *schedule, size_t id, cev_tile_report *report)
{
    scan_run *run = context;
    run->schedule = schedule;
    scan_run_compute(run, id);
    report->dropped = atomic_load(&run->abandoned);
    if (report->dropped) return CEV_OK;
    scan_run_report(run, report);
    return store_tile(run);
}

const double *scan_run_reference(const scan_run *run, const cev_tile *tile)
{
    return &run->progress.chi2_reference[cev_grid_member_of_tile(&run->config->grid, tile)];
}

void scan_run_note_lowest(const cev_grid *grid, double chi2, uint64_t point, scan_lowest *lowest)
{
    if (!(chi2 < INFINITY)) return;
    size_t m = cev_grid_member_of_point(grid, point);
    if (!scan_run_lower(chi2, point, lowest->chi2[m], lowest->point[m])) return;
    lowest->chi2[m] = chi2;
    lowest->point[m] = point;
}

bool scan_run_lower(double chi2, uint64_t point, double than, uint64_t than_point)
{
    return chi2 < than || (chi2 == than && point < than_point);
}

static cev_status take(void *context, const cev_tile_report *report)
{
    scan_run *run = context;
    if (run->startup_s == 0) run->startup_s = process_age_s();
    run->n_pending--;
    run->points_done += report->n_point;
    run->points_failed += report->n_failed;
    scan_run_note_lowest(&run->config->grid, report->lowest_chi2, report->lowest_point, &run->lowest);
    progress_line_update(&run->line, run->points_done, run->points_failed);
    return monotonic_s() - run->recorded > record_interval_s ? scan_run_record(run) : CEV_OK;
}

static cev_status pending_tiles(scan_run *run, uint32_t **pending, size_t *n)
{
    const cev_grid *grid = &run->config->grid;
    *n = 0;
    CEV_TRY(cev_new(run->config->arena, grid->n_tile, pending));
    for (size_t t = 0; t < grid->n_tile; t++) {
        if (run->found && run->found->done[t])
            run->points_before += cev_grid_tile(grid, t).n_point;
        else if (run->options->n_shard && t % (size_t)run->options->n_shard != (size_t)run->options->shard)
            run->n_elsewhere++;
        else
            (*pending)[(*n)++] = (uint32_t)t;
    }
    run->points_done = run->points_before;
    return CEV_OK;
}

cev_status scan_run_work(scan_run *run)
{
    uint32_t *pending = NULL;
    run->stop_seen = INFINITY;
    run->lowest = scan_lowest_none();
    if (run->rank == 0) CEV_TRY(pending_tiles(run, &pending, &run->n_pending));
    run->line = progress_line_start(run->options->job.quiet, run->config->grid.n_point, run->points_before);
    cev_schedule_calls calls = {.context = run,
                                .work = work,
                                .take = take,
                                .stop = stop,
                                .silence_s = run->options->job.silence_s};
    cev_status status = cev_schedule_run(MPI_COMM_WORLD, run->options->job.master, run->n_pending, pending, &calls);
    progress_line_end(&run->line);
    return status;
}

void scan_run_destroy(scan_run *run)
{
    for (int t = 0; run->part && t < run->machine.threads; t++) cev_model_scratch_destroy(&run->part[t].scratch);
    cev_map_lock_release(&run->lock);
    free(run->map_path);
    cev_map_info_destroy(&run->found);
    cev_fit_starts_destroy(&run->starts);
    cev_model_destroy(&run->model);
    cev_scan_config_destroy(&run->config);
}

/* --- maps that hold their scan ---------------------------------------------------------------------------------- */

int scan_run_end_mpi(scan_run *run, int code)
{
    scan_run_destroy(run);
    return job_end_mpi(code);
}

cev_status scan_run_adopt(scan_run *run, const char *path, const cev_map_info *info)
{
    const char *text = cev_map_info_text(info, "configuration");
    if (!text) return cev_fail(CEV_E_INPUT, "%s: its configuration is missing", path);
    cev_status status = cev_scan_config_parse(text, "configuration", &run->config);
    if (status != CEV_OK) return cev_fail_while(status, "%s", path);
    if (run->config->grid.n_axis == 0 || run->config->grid.n_tile != info->n_tile)
        return cev_fail(CEV_E_INPUT, "%s: its configuration does not fit its tiles", path);
    run->machine = cev_machine_survey(MPI_COMM_WORLD, run->options->job.threads);
    cev_status built = scan_run_build(run);
    if (built == CEV_OK) built = scan_run_find_reference(run);
    return built == CEV_OK ? CEV_OK : cev_fail_while(built, "%s", path);
}
