/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The best fit, delta_chi2 and the content hash of a map whose tiles are all done. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scan_run.h"
#include "stop.h"

scan_lowest scan_lowest_none(void)
{
    scan_lowest low = {.failed = 0};
    for (size_t m = 0; m < CEV_MAX_MEMBERS; m++) low.chi2[m] = INFINITY;
    return low;
}

void scan_run_note_tile(const scan_run *run, scan_lowest *low)
{
    cev_tile_report report = {0};
    scan_run_report(run, &report);
    low->failed += report.n_failed;
    scan_run_note_lowest(&run->config->grid, report.lowest_chi2, report.lowest_point, low);
}

/* Reads one finished tile back: what is lowest in it, or, if `fresh`, its delta_chi2 is written anew. */
static cev_status revisit(scan_run *run, size_t id, scan_lowest *low, bool fresh)
{
    cev_tile tile = cev_grid_tile(&run->config->grid, id);
    bool intact;
    CEV_TRY(cev_map_read_tile(run->map, &tile, run->chi2, run->status, run->pull, NULL, &intact));
    if (!intact)
        return cev_fail(CEV_E_INPUT, "%s: tile %zu is damaged; see: cevscan verify --repair", run->map_path, id);
    if (fresh) return cev_map_write_delta(run->map, &tile, run->chi2, *scan_run_reference(run, &tile));
    run->tile = tile;
    scan_run_note_tile(run, low);
    return CEV_OK;
}

static cev_status revisit_all(scan_run *run, scan_lowest *low, bool fresh)
{
    for (size_t id = (size_t)run->rank; id < run->config->grid.n_tile; id += (size_t)run->machine.n_rank)
        CEV_TRY(revisit(run, id, low, fresh));
    return CEV_OK;
}

/* The lowest chi2 of all ranks, and the first point that has it. */
static void agree_on_lowest(int n_member, scan_lowest *low)
{
    scan_lowest own = *low;
    MPI_Allreduce(&own.failed, &low->failed, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(own.chi2, low->chi2, n_member, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
    for (int m = 0; m < n_member; m++)
        if (own.chi2[m] != low->chi2[m]) own.point[m] = UINT64_MAX;
    MPI_Allreduce(own.point, low->point, n_member, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
}

/* The map's lowest points and number of failed points: from this session's reports, or from the file if it was resumed.
 */
static cev_status find_lowest(scan_run *run, bool resumed, scan_lowest *out)
{
    *out = run->lowest;
    out->failed = run->points_failed;
    if (!resumed) {
        MPI_Bcast(out, sizeof *out, MPI_BYTE, 0, MPI_COMM_WORLD);
        return CEV_OK;
    }
    *out = scan_lowest_none();
    CEV_TRY(revisit_all(run, out, false));
    agree_on_lowest((int)cev_grid_n_member(&run->config->grid), out);
    return CEV_OK;
}

/* Rank 0 looks around the point; libraries may differ in the last bit between hosts. */
static cev_status take_over_member(scan_run *run, size_t member, uint64_t point)
{
    cev_map_progress *p = &run->progress;
    size_t n_axis = run->config->grid.n_axis;
    cev_best_fit fit = {0};
    cev_status status = run->rank == 0 ? cev_best_fit_near(&run->job, point, &fit) : CEV_OK;
    CEV_TRY(agree_with_rank_0(run->rank, status));
    MPI_Bcast(&fit, sizeof fit, MPI_BYTE, 0, MPI_COMM_WORLD);
    memcpy(p->best_fit + member * n_axis, fit.at, n_axis * sizeof *fit.at);
    p->chi2_reference[member] = p->best_fit_chi2[member] = fit.chi2;
    return CEV_OK;
}

cev_status scan_run_take_over(scan_run *run, const scan_lowest *low, bool *any)
{
    *any = false;
    for (size_t m = 0; m < cev_grid_n_member(&run->config->grid); m++) {
        if (!(low->chi2[m] < run->progress.chi2_reference[m] - 1e-9)) continue;
        CEV_TRY(take_over_member(run, m, low->point[m]));
        *any = true;
    }
    return CEV_OK;
}

static void tell_of_lower(const cev_grid *g, size_t member, double chi2, double before)
{
    if (!(chi2 < before - 1e-9)) return;
    fprintf(stderr,
            "cevscan: %s%sa grid point has chi2 %.9g, below the minimum %.9g found before the scan: delta_chi2 now "
            "counts from it\n",
            g->axis[0].label ? g->axis[0].label[member] : "", g->axis[0].label ? ": " : "", chi2, before);
}

static cev_status count_from_lowest(scan_run *run, const scan_lowest *low)
{
    bool any;
    for (size_t m = 0; run->rank == 0 && !run->options->job.quiet && m < cev_grid_n_member(&run->config->grid); m++)
        tell_of_lower(&run->config->grid, m, low->chi2[m], run->progress.chi2_reference[m]);
    CEV_TRY(scan_run_take_over(run, low, &any));
    return any ? revisit_all(run, NULL, true) : CEV_OK;
}

/* What is left of an early stop, or of a shard: /progress as it is, and a closed map that goes on another time. */
static cev_status suspend(scan_run *run, run_outcome *outcome)
{
    int own = (int)stop_wanted(), reason;
    MPI_Allreduce(&own, &reason, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (*outcome != RUN_SHARD_COMPLETE) *outcome = reason == STOP_INTERRUPTED ? RUN_INTERRUPTED : RUN_STOPPED;
    if (run->rank == 0) {
        job_print_time(run->progress.end);
        CEV_TRY(scan_run_record(run));
    }
    return cev_map_close(&run->map);
}

cev_status scan_run_finish(scan_run *run, run_outcome *outcome)
{
    scan_lowest low;
    int as_seen = (int)(run->n_pending > 0 ? RUN_STOPPED : run->n_elsewhere > 0 ? RUN_SHARD_COMPLETE : RUN_COMPLETE);
    MPI_Bcast(&as_seen, 1, MPI_INT, 0, MPI_COMM_WORLD);
    *outcome = (run_outcome)as_seen;
    if (*outcome != RUN_COMPLETE) return suspend(run, outcome);
    int resumed = run->found != NULL || run->reread;
    MPI_Bcast(&resumed, 1, MPI_INT, 0, MPI_COMM_WORLD);
    CEV_TRY(find_lowest(run, resumed, &low));
    CEV_TRY(count_from_lowest(run, &low));
    MPI_Barrier(MPI_COMM_WORLD); /* every delta_chi2 is written before the map calls itself complete */
    if (run->rank == 0) {
        run->points_failed = low.failed;
        CEV_TRY(cev_map_content_hash(run->map, run->progress.content_hash));
        job_print_time(run->progress.end);
        run->progress.complete = true;
        CEV_TRY(scan_run_record(run));
    }
    return cev_map_close(&run->map);
}
