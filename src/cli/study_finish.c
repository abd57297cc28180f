/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where delta_chi2 of each map counts from, and what completes a study. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stop.h"
#include "study_run.h"

/* --- best fits -------------------------------------------------------------------------------------------------- */

/* The scan of one map as the engine sees it, with a model of its own. */
typedef struct map_job {
    cev_scan_config *scan;
    cev_model *model;
    cev_data data;
    cev_scan_job job;
} map_job;

static void destroy_job(map_job *j)
{
    cev_model_destroy(&j->model);
    cev_scan_config_destroy(&j->scan);
}

static cev_status build_job(const study_run *run, size_t m, map_job *j)
{
    CEV_TRY(cev_study_scan(run->config, m, &j->scan));
    cev_scan_config *c = j->scan;
    CEV_TRY(cev_model_create(c->n_experiment, c->experiment, c->interaction, c->theta, &j->model));
    CEV_TRY(cev_data_mixed(c->arena, j->model, c->observed, c->truth, &j->data));
    j->job = scan_job_of(c, j->model, &j->data);
    return CEV_OK;
}

/* Asimov data at a truth that the scan contains have their best fit there: no model is needed to know that. */
static bool fits_at_truth(const study_run *run, size_t m, cev_best_fit *fit)
{
    const cev_scan_config *c = run->config->space[run->config->map[m].space].scan;
    const cev_study_set *set = &run->config->set[run->config->map[m].set];
    for (size_t e = 0; e < set->n_experiment; e++)
        if (c->observed[set->experiment[e]]) return false;
    *fit = (cev_best_fit){0};
    for (size_t p = 0; p < c->interaction->card.n_parameter; p++) {
        size_t a = 0;
        while (a < c->grid.n_axis && c->axis_parameter[a] != p) a++;
        if (a < c->grid.n_axis)
            fit->at[a] = c->truth[p];
        else if (!cev_same_value(c->theta[p], c->truth[p]))
            return false;
    }
    return true;
}

static cev_status find_reference(const study_run *run, size_t m, study_map *out)
{
    cev_best_fit fit;
    map_job j = {0};
    cev_status status = CEV_OK;
    if (!fits_at_truth(run, m, &fit)) {
        status = build_job(run, m, &j);
        if (status == CEV_OK)
            status = cev_best_fit_find(&j.job, 0, j.scan->data == CEV_DATA_ASIMOV ? j.scan->truth : NULL, &fit);
        destroy_job(&j);
    }
    out->reference = fit.chi2;
    memcpy(out->at, fit.at, sizeof out->at);
    return status;
}

static void share_reference(study_map *m)
{
    MPI_Bcast(&m->reference, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    MPI_Bcast(m->at, CEV_MAX_AXES, MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

/* Rank 0 searches: libraries may differ in the last bit between hosts. */
cev_status study_run_find_references(study_run *run)
{
    cev_status status = CEV_OK;
    for (size_t m = 0; run->rank == 0 && status == CEV_OK && m < run->config->n_map; m++)
        status = find_reference(run, m, &run->map[m]);
    CEV_TRY(agree_with_rank_0(run->rank, status));
    for (size_t m = 0; m < run->config->n_map; m++) share_reference(&run->map[m]);
    return CEV_OK;
}

/* --- what earlier sessions have done ---------------------------------------------------------------------------- */

static cev_status read_back(study_run *run, size_t m, const cev_tile *tile)
{
    bool intact;
    CEV_TRY(cev_map_read_tile(run->map[m].file, tile, run->chi2, run->status, NULL, NULL, &intact));
    return intact
               ? CEV_OK
               : cev_fail(CEV_E_INPUT, "%s: tile %zu of %s is damaged", run->path, tile->id, run->config->map[m].name);
}

/* Each rank reads its share of the items that this session has not worked on. */
static cev_status revisit(study_run *run)
{
    size_t n_item = run->first_item[run->config->n_space], n = run->config->n_exposure * run->config->n_set, space;
    for (size_t k = 0; k < n_item; k++) {
        if (run->seen[k] || k % (size_t)run->machine.n_rank != (size_t)run->rank) continue;
        cev_tile tile = study_run_tile(run, k, &space);
        for (size_t s = 0; s < n; s++) {
            CEV_TRY(read_back(run, space * n + s, &tile));
            study_run_note(run, space * n + s, &tile);
        }
    }
    return CEV_OK;
}

static void agree_on_lowest(study_map *m)
{
    double own = m->lowest;
    uint64_t failed = m->n_failed;
    MPI_Allreduce(&own, &m->lowest, 1, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
    uint64_t point = own == m->lowest ? m->lowest_point : UINT64_MAX;
    MPI_Allreduce(&point, &m->lowest_point, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(&failed, &m->n_failed, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
}

/* --- lower minima that the grid has found ----------------------------------------------------------------------- */

static cev_status look_near(const study_run *run, size_t m, study_map *out)
{
    cev_best_fit fit;
    map_job j = {0};
    cev_status status = build_job(run, m, &j);
    if (status == CEV_OK) status = cev_best_fit_near(&j.job, out->lowest_point, &fit);
    destroy_job(&j);
    if (status != CEV_OK) return status;
    if (!run->options->quiet)
        fprintf(stderr,
                "cevscan: %s: a grid point has chi2 %.9g, below the minimum %.9g found before the scan: delta_chi2 now "
                "counts from it\n",
                run->config->map[m].name, out->lowest, out->reference);
    out->reference = fit.chi2;
    memcpy(out->at, fit.at, sizeof out->at);
    return CEV_OK;
}

static cev_status count_from_lowest(study_run *run, size_t m)
{
    study_map *map = &run->map[m];
    const cev_grid *grid = study_run_grid(run, m);
    if (!(map->lowest < map->reference - 1e-9)) return CEV_OK;
    CEV_TRY(agree_with_rank_0(run->rank, run->rank == 0 ? look_near(run, m, map) : CEV_OK));
    share_reference(map);
    for (size_t id = (size_t)run->rank; id < grid->n_tile; id += (size_t)run->machine.n_rank) {
        cev_tile tile = cev_grid_tile(grid, id);
        CEV_TRY(read_back(run, m, &tile));
        CEV_TRY(cev_map_write_delta(map->file, &tile, run->chi2, map->reference));
    }
    return CEV_OK;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static cev_status complete_map(study_run *run, size_t m, cev_digest *sum)
{
    const study_map *map = &run->map[m];
    cev_map_progress p = run->progress;
    p.points_failed = map->n_failed;
    p.chi2_reference[0] = p.best_fit_chi2[0] = map->reference;
    memcpy(p.best_fit, map->at, sizeof map->at);
    p.complete = true;
    CEV_TRY(cev_map_content_hash(map->file, p.content_hash));
    CEV_TRY(cev_map_write_progress(map->file, &p));
    const cev_span both[] = {{sum->byte, sizeof sum->byte}, {p.content_hash, strlen(p.content_hash)}};
    return cev_digest_spans(both, m ? 2 : 1, sum);
}

static cev_status complete_study(study_run *run)
{
    cev_digest sum = {{0}};
    run->points_failed = 0;
    job_print_time(run->progress.end);
    for (size_t m = 0; m < run->config->n_map; m++) {
        CEV_TRY(complete_map(run, m, &sum));
        run->points_failed += run->map[m].n_failed;
    }
    cev_digest_text(&sum, run->progress.content_hash);
    run->progress.complete = true;
    return study_run_record(run);
}

static cev_status close_file(study_run *run)
{
    cev_status status = CEV_OK;
    for (size_t m = 0; m < run->config->n_map; m++) {
        cev_status closed = cev_map_close(&run->map[m].file);
        if (status == CEV_OK) status = closed;
    }
    CEV_TRY(status);
    return cev_map_close(&run->file);
}

static cev_status suspend(study_run *run, run_outcome *outcome)
{
    int own = (int)stop_wanted(), reason;
    MPI_Allreduce(&own, &reason, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    *outcome = reason == STOP_INTERRUPTED ? RUN_INTERRUPTED : RUN_STOPPED;
    if (run->rank == 0) {
        job_print_time(run->progress.end);
        CEV_TRY(study_run_record(run));
    }
    return close_file(run);
}

cev_status study_run_finish(study_run *run, run_outcome *outcome)
{
    int stopped = run->n_pending > 0;
    MPI_Bcast(&stopped, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (stopped) return suspend(run, outcome);
    *outcome = RUN_COMPLETE;
    CEV_TRY(revisit(run));
    for (size_t m = 0; m < run->config->n_map; m++) agree_on_lowest(&run->map[m]);
    for (size_t m = 0; m < run->config->n_map; m++) CEV_TRY(count_from_lowest(run, m));
    MPI_Barrier(MPI_COMM_WORLD); /* every delta_chi2 is written before a map calls itself complete */
    if (run->rank == 0) CEV_TRY(complete_study(run));
    return close_file(run);
}
