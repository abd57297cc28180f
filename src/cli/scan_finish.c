/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The best fit, delta_chi2 and the content hash of a map whose tiles are all done. */
#include <math.h>
#include <stdio.h>

#include "scan_run.h"
#include "stop.h"

void scan_run_note_tile(const scan_run *run, scan_lowest *low)
{
    cev_tile_report report = {0};
    scan_run_report(run, &report);
    low->failed += report.n_failed;
    if (scan_run_lower(report.lowest_chi2, report.lowest_point, low->chi2, low->point)) {
        low->chi2 = report.lowest_chi2;
        low->point = report.lowest_point;
    }
}

/* Reads one finished tile back; `fresh` is the new reference if delta_chi2 has to be written anew. */
static cev_status revisit(scan_run *run, size_t id, scan_lowest *low, const double *fresh)
{
    cev_tile tile = cev_grid_tile(&run->config->grid, id);
    bool intact;
    CEV_TRY(cev_map_read_tile(run->map, &tile, run->chi2, run->status, run->pull, NULL, &intact));
    if (!intact) return cev_fail(CEV_E_INPUT, "%s: tile %zu is damaged; see: cevscan verify --repair", run->map_path, id);
    if (fresh) return cev_map_write_delta(run->map, &tile, run->chi2, *fresh);
    run->tile = tile;
    scan_run_note_tile(run, low);
    return CEV_OK;
}

static cev_status revisit_all(scan_run *run, scan_lowest *low, const double *fresh)
{
    for (size_t id = (size_t)run->rank; id < run->config->grid.n_tile; id += (size_t)run->machine.n_rank)
        CEV_TRY(revisit(run, id, low, fresh));
    return CEV_OK;
}

/* The map's lowest point and number of failed points: from this session's reports, or from the file if it was resumed. */
static cev_status find_lowest(scan_run *run, bool resumed, scan_lowest *out)
{
    *out = (scan_lowest){run->lowest_chi2, run->lowest_point, run->points_failed};
    if (resumed) {
        *out = (scan_lowest){.chi2 = INFINITY};
        CEV_TRY(revisit_all(run, out, NULL));
        uint64_t failed = out->failed;
        MPI_Allreduce(&failed, &out->failed, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
        double chi2 = out->chi2;
        MPI_Allreduce(&chi2, &out->chi2, 1, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
        uint64_t point = chi2 == out->chi2 ? out->point : UINT64_MAX;
        MPI_Allreduce(&point, &out->point, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
        return CEV_OK;
    }
    MPI_Bcast(out, sizeof *out, MPI_BYTE, 0, MPI_COMM_WORLD);
    return CEV_OK;
}

bool scan_run_take_over(scan_run *run, const scan_lowest *low)
{
    cev_map_progress *p = &run->progress;
    if (!(low->chi2 < p->chi2_reference - 1e-9)) return false;
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_scan_job_theta(&run->job, low->point, theta);
    for (size_t a = 0; a < run->config->grid.n_axis; a++) p->best_fit[a] = theta[run->config->axis_parameter[a]];
    p->chi2_reference = p->best_fit_chi2 = low->chi2;
    return true;
}

static cev_status count_from_lowest(scan_run *run, const scan_lowest *low)
{
    double before = run->progress.chi2_reference;
    if (!scan_run_take_over(run, low)) return CEV_OK;
    if (run->rank == 0 && !run->options->quiet)
        fprintf(stderr, "cevscan: a grid point has chi2 %.9g, below the minimum %.9g found before the scan: delta_chi2 now counts from it\n",
                low->chi2, before);
    return revisit_all(run, NULL, &run->progress.chi2_reference);
}

/* What is left of an early stop, or of a shard: /progress as it is, and a closed map that goes on another time. */
static cev_status suspend(scan_run *run, run_outcome *outcome)
{
    int own = (int)stop_wanted(), reason;
    MPI_Allreduce(&own, &reason, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (*outcome != RUN_SHARD_COMPLETE) *outcome = reason == STOP_INTERRUPTED ? RUN_INTERRUPTED : RUN_STOPPED;
    if (run->rank == 0) {
        scan_run_print_time(run->progress.end);
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
        scan_run_print_time(run->progress.end);
        run->progress.complete = true;
        CEV_TRY(scan_run_record(run));
    }
    return cev_map_close(&run->map);
}
