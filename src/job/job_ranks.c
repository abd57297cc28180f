/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all ranks of a job agree on, and how they end together. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "job_parts.h"

enum { TEXT_SIZE = 512, MESSAGE_SIZE = 1024 };

double job_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void job_tell(const job *j, const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list arguments;
    if (!j->options->tell || j->rank != 0) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    j->options->tell(j->options->context, text);
}

/* --- ends ------------------------------------------------------------------------------------------------------- */

void job_give_back(job *j)
{
    cev_map_lock *lock = atomic_exchange(&j->lock, NULL);
    char temporary[PATH_MAX];
    if (atomic_exchange(&j->laying_out, false) && lock && !cev_map_lock_lost(lock) &&
        snprintf(temporary, sizeof temporary, "%s.tmp", j->path) < (int)sizeof temporary)
        unlink(temporary);
    cev_map_lock_release(&lock);
}

static void end_all(job *j, cev_status status, const char *message)
{
    if (!j->options->end_all) return;
    job_give_back(j);
    j->options->end_all(j->options->context, status, message);
}

cev_status job_alone(job *j, cev_status status)
{
    if (status == CEV_OK || status == CEV_E_STOPPED) return status;
    j->broken = true;
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "%s", cev_error_message());
    end_all(j, status, message);
    return status;
}

static void end_without(void *context, int rank, const char *host, double seconds)
{
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "rank %d on host %s has been silent for %.0f s: is the host down, or cut off?",
             rank, host, seconds);
    end_all(context, CEV_E_IO, message);
}

static void end_overdue(void *context, int reason)
{
    job *j = context;
    char message[MESSAGE_SIZE];
    (void)reason;
    snprintf(message, sizeof message, "ended in the stage \"%s\": the grace of %.0f s is over",
             cev_job_stage_names[atomic_load(&j->stage)], j->options->grace_s);
    end_all(j, CEV_E_STOPPED, message);
}

static int own_reason(void *context)
{
    const job *j = context;
    return j->options->stop ? (int)j->options->stop(j->options->context) : 0;
}

cev_status job_start_watch(job *j)
{
    const cev_watch_calls calls = {.context = j,
                                   .stop = own_reason,
                                   .lost = end_without,
                                   .overdue = end_overdue,
                                   .silence_s = j->options->end_all ? j->options->silence_s : 0,
                                   .grace_s = j->options->grace_s};
    return cev_watch_start(j->communicator, &calls, &j->watch);
}

bool job_is_stopping(void *context)
{
    const job *j = context;
    return cev_watch_reason(j->watch) != 0;
}

cev_status job_look_for_stop(const job *j)
{
    return cev_watch_reason(j->watch) ? cev_fail(CEV_E_STOPPED, "stopped") : CEV_OK;
}

/* --- agreement -------------------------------------------------------------------------------------------------- */

cev_status job_mpi(job *j, int code)
{
    char text[MPI_MAX_ERROR_STRING];
    int length;
    if (code == MPI_SUCCESS) return CEV_OK;
    MPI_Error_string(code, text, &length);
    return job_alone(j, cev_fail(CEV_E_IO, "MPI fails: %s", text));
}

cev_status job_share(job *j, void *data, size_t size)
{
    const size_t most = (size_t)1 << 30; /* MPI counts in int */
    for (size_t done = 0; done < size; done += most) {
        int n = (int)(size - done < most ? size - done : most);
        CEV_TRY(job_mpi(j, MPI_Bcast((char *)data + done, n, MPI_BYTE, 0, j->communicator)));
    }
    return CEV_OK;
}

cev_status job_agree_with_rank_0(job *j, cev_status status)
{
    char message[MESSAGE_SIZE] = "";
    int code = (int)status;
    if (j->rank == 0 && status != CEV_OK) snprintf(message, sizeof message, "%s", cev_error_message());
    CEV_TRY(job_share(j, &code, sizeof code));
    if (code == CEV_OK) return CEV_OK;
    CEV_TRY(job_share(j, message, sizeof message));
    return j->rank == 0 ? status : cev_fail((cev_status)code, "%s", message);
}

cev_status job_share_text(job *j, char **text)
{
    size_t size = j->rank == 0 ? strlen(*text) + 1 : 0;
    CEV_TRY(job_share(j, &size, sizeof size));
    if (j->rank != 0 && !(*text = malloc(size))) return cev_fail(CEV_E_MEMORY, "out of memory");
    return job_share(j, *text, size);
}

/* The first rank that differs from rank 0 says how; all ranks return that. */
static cev_status refuse_together(job *j, bool differs, const char *own, const char *what)
{
    char message[MESSAGE_SIZE] = "", host[MPI_MAX_PROCESSOR_NAME] = "";
    int length, first, mine = differs ? j->rank : INT_MAX;
    CEV_TRY(job_mpi(j, MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, j->communicator)));
    if (first == INT_MAX) return CEV_OK;
    MPI_Get_processor_name(host, &length);
    if (j->rank == first) snprintf(message, sizeof message, "rank %d on host %s %s: %s", j->rank, host, what, own);
    CEV_TRY(job_mpi(j, MPI_Bcast(message, sizeof message, MPI_CHAR, first, j->communicator)));
    return cev_fail(CEV_E_INPUT, "%s", message);
}

/* Texts of one size, so that even programs that differ understand each other. */
cev_status job_agree_on_program(job *j, const char *what)
{
    char own[TEXT_SIZE] = "", theirs[TEXT_SIZE], both[2 * TEXT_SIZE + 32];
    const char *text;
    CEV_TRY(job_program_text(j->arena, &text));
    snprintf(own, sizeof own, "%s: %s", what, text);
    memcpy(theirs, own, sizeof own);
    CEV_TRY(job_share(j, theirs, sizeof theirs));
    snprintf(both, sizeof both, "%s; that of rank 0: %s", own, theirs);
    return refuse_together(j, strcmp(own, theirs) != 0, both,
                           "runs another program or command, or other libraries, than rank 0");
}

cev_status job_agree_on_templates(job *j)
{
    cev_digest own, theirs;
    char text[CEV_DIGEST_TEXT_SIZE];
    cev_status status = job_units_digest(j, &own);
    if (status != CEV_OK) memset(&own, 0, sizeof own);
    theirs = own;
    CEV_TRY(job_share(j, &theirs, sizeof theirs));
    cev_digest_text(&own, text);
    text[12] = '\0';
    CEV_TRY(refuse_together(j, memcmp(&own, &theirs, sizeof own) != 0, text,
                            "folds templates with other bits than rank 0: its mathematical library or processor is "
                            "another; one map cannot come from both"));
    return status;
}

/* --- pools ------------------------------------------------------------------------------------------------------ */

/* The watch knows of stops that the schedule has not heard of yet. */
void job_poll(void *context)
{
    job *j = context;
    if (j->schedule) cev_schedule_poll(j->schedule);
    if (j->watch && cev_watch_stopping_s(j->watch) > j->options->grace_s / 2) atomic_store(&j->abandoned, true);
}

typedef struct counted_pool {
    job *j;
    const job_pool *pool;
    size_t n_taken;
} counted_pool;

static cev_status work_counted(void *context, cev_schedule *schedule, size_t item, void *report)
{
    counted_pool *c = context;
    return c->pool->work(c->pool->context, schedule, item, report);
}

static cev_status take_counted(void *context, size_t item, const void *report)
{
    counted_pool *c = context;
    c->n_taken++;
    return c->pool->take(c->pool->context, item, report);
}

static bool stop_counted(void *context)
{
    return job_is_stopping(((counted_pool *)context)->j);
}

cev_status job_run_pool(job *j, const job_pool *pool)
{
    counted_pool c = {.j = j, .pool = pool};
    const cev_schedule_calls calls = {.context = &c,
                                      .work = work_counted,
                                      .take = take_counted,
                                      .stop = stop_counted,
                                      .report_size = pool->report_size};
    CEV_TRY(job_alone(j, cev_schedule_run(j->communicator, j->options->master, pool->n, pool->item, &calls)));
    bool done = c.n_taken == pool->n;
    j->schedule = NULL;
    CEV_TRY(job_share(j, &done, sizeof done));
    return done ? CEV_OK : cev_fail(CEV_E_STOPPED, "stopped");
}
