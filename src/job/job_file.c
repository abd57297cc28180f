/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of a job: laid out by all ranks, or opened again; its /progress. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "job_parts.h"

/* /progress is overwritten this often: a sign of life for `cevscan status`. */
static const double record_interval_s = 1;

/* --- progress --------------------------------------------------------------------------------------------------- */

static void print_time(char out[CEV_MAP_TIME_SIZE])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, CEV_MAP_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

cev_status job_record(job *j, bool now)
{
    cev_map_progress *p = &j->progress;
    cev_map_lock *lock = atomic_load(&j->lock);
    if (!now && job_now_s() - j->recorded < record_interval_s) return CEV_OK;
    CEV_TRY(cev_map_check_place(j->map));
    if (lock && cev_map_lock_lost(lock))
        return cev_fail(CEV_E_IO, "%s: its lock was removed, or another job took this one for dead and has it now",
                        j->options->output);
    j->recorded = job_now_s();
    p->heartbeat = (double)time(NULL);
    p->wall_time_s = j->wall_time_before_s + (j->recorded - j->started);
    p->points_failed = j->points_failed;
    return cev_map_write_progress(j->map, p);
}

cev_status job_begin_session(job *j)
{
    cev_map_progress *p = &j->progress;
    if (j->found) {
        *p = j->found->progress;
        p->complete = false;
        p->content_hash[0] = p->results_hash[0] = '\0';
        j->wall_time_before_s = p->wall_time_s;
    }
    if (!p->start[0]) print_time(p->start);
    p->sessions++;
    p->ranks = j->machine.n_rank;
    p->threads = j->machine.threads_highest;
    return job_record(j, true);
}

cev_status job_end_session(job *j)
{
    print_time(j->progress.end);
    return job_record(j, true);
}

cev_status job_suspend(job *j)
{
    if (!j->map) return CEV_OK;
    bool laying_out = atomic_load(&j->laying_out);
    CEV_TRY(job_share(j, &laying_out, sizeof laying_out));
    if (j->rank == 0 && !laying_out) CEV_TRY(job_alone(j, job_end_session(j)));
    if (!laying_out) CEV_TRY(job_alone(j, cev_map_flush(j->map)));
    return job_alone(j, cev_map_close(&j->map));
}

/* --- a new file ------------------------------------------------------------------------------------------------- */

static cev_status fill(void *context, cev_schedule *schedule, size_t item, void *report)
{
    job *j = context;
    const job_space *s = job_space_of(j, item);
    cev_tile tile = job_tile_of(j, item);
    (void)report;
    j->schedule = schedule;
    if (job_is_stopping(j)) return cev_fail(CEV_E_STOPPED, "stopped");
    return cev_map_fill_tile(j->map, (size_t)(s - j->space), &tile);
}

static cev_status take_nothing(void *context, size_t item, const void *report)
{
    (void)context, (void)item, (void)report;
    return CEV_OK;
}

/* Only what this shard will write: the rest stays a hole. */
static cev_status list_own(job *j, uint32_t **item, size_t *n)
{
    *n = 0;
    CEV_TRY(cev_new(j->arena, j->n_item, item));
    for (size_t k = 0; k < j->n_item; k++)
        if (job_is_of_this_shard(j, k)) (*item)[(*n)++] = (uint32_t)k;
    return CEV_OK;
}

static cev_status create(job *j)
{
    size_t derived;
    CEV_TRY(job_texts(j, &j->spec.n_text, &derived, &j->spec.text));
    CEV_TRY(job_columns(j, &j->spec.n_column, &j->spec.column));
    CEV_TRY(job_factors_text(j, &j->spec.factors));
    atomic_store(&j->laying_out, true);
    return cev_map_create(j->path, &j->spec, j->options->n_shard == 0);
}

/* A failure of rank 0 alone before the others have opened anything is everybody's. */
cev_status job_lay_out(job *j, bool fill_it)
{
    uint32_t *item = NULL;
    size_t n = 0;
    cev_status status = j->rank == 0 ? create(j) : CEV_OK;
    if (j->rank == 0 && status == CEV_OK && fill_it) status = list_own(j, &item, &n);
    CEV_TRY(job_agree_with_rank_0(j, status));
    CEV_TRY(job_alone(j, cev_map_open(j->path, CEV_MAP_LAY_OUT, j->communicator, &j->spec, &j->map)));
    if (!fill_it) return CEV_OK;
    return job_run_pool(j, &(job_pool){.context = j, .n = n, .item = item, .work = fill, .take = take_nothing});
}

cev_status job_publish(job *j)
{
    cev_map_lock *lock = atomic_load(&j->lock);
    cev_status own = lock && cev_map_lock_lost(lock)
                         ? cev_fail(CEV_E_IO, "%s: another job has the lock by now", j->path)
                         : CEV_OK;
    CEV_TRY(job_agree_with_rank_0(j, own));
    CEV_TRY(job_alone(j, cev_map_publish(j->map)));
    atomic_store(&j->laying_out, false);
    return CEV_OK;
}
