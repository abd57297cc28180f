/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/schedule.h"

#include <string.h>
#include <time.h>

enum { MOST_IN_BATCH = 32, TAG_REQUEST = 1, TAG_BATCH = 2 };

/* Worker to master: reports of what was finished since the last request. */
typedef struct request {
    uint32_t n_report;
    uint32_t last; /* the worker has been told that there is no more: no answer is wanted */
    cev_tile_report report[2 * MOST_IN_BATCH];
} request;

/* Master to worker: tiles to do; none means that there are no more. */
typedef struct batch {
    uint32_t n_tile;
    uint32_t tile[MOST_IN_BATCH];
} batch;

struct cev_schedule {
    MPI_Comm communicator;
    int rank, n_rank;
    const cev_schedule_calls *calls;
    const uint32_t *tile; /* the rest is for rank 0 only */
    size_t n_tile, next;
    int n_busy; /* workers that have not sent their last request */
    cev_status status; /* of take() inside a poll, which cannot return it */
};

bool cev_schedule_master_works(cev_master_mode mode, int n_rank)
{
    if (n_rank == 1) return true;
    return mode == CEV_MASTER_WORKS || (mode == CEV_MASTER_AUTO && n_rank <= CEV_MOST_RANKS_OF_A_WORKING_MASTER);
}

static cev_status mpi_status(int code, const char *what)
{
    if (code == MPI_SUCCESS) return CEV_OK;
    char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(code, text, &length);
    return cev_fail(CEV_E_IO, "MPI cannot %s: %s", what, text);
}

static uint32_t next_batch_size(const cev_schedule *s)
{
    size_t share = (s->n_tile - s->next) / (4 * (size_t)s->n_rank);
    return share < 1 ? 1 : share > MOST_IN_BATCH ? MOST_IN_BATCH : (uint32_t)share;
}

static void fill_batch(cev_schedule *s, batch *b)
{
    uint32_t wanted = next_batch_size(s);
    for (b->n_tile = 0; b->n_tile < wanted && s->next < s->n_tile; s->next++) b->tile[b->n_tile++] = s->tile[s->next];
}

static cev_status serve_one(cev_schedule *s, int worker)
{
    request r;
    CEV_TRY(mpi_status(MPI_Recv(&r, sizeof r, MPI_BYTE, worker, TAG_REQUEST, s->communicator, MPI_STATUS_IGNORE),
                       "receive a request"));
    if (r.last) {
        s->n_busy--;
    } else {
        batch b;
        fill_batch(s, &b);
        CEV_TRY(mpi_status(MPI_Send(&b, sizeof b, MPI_BYTE, worker, TAG_BATCH, s->communicator), "send a batch"));
    }
    for (uint32_t k = 0; k < r.n_report; k++) CEV_TRY(s->calls->take(s->calls->context, &r.report[k]));
    return CEV_OK;
}

/* Answers everybody who is waiting now; says whether there was anybody. */
static cev_status serve_waiting(cev_schedule *s, bool *any)
{
    *any = false;
    for (;;) {
        /* Open MPI makes progress inside a probe only: one may find nothing although a message is on its way. */
        int waiting = 0;
        MPI_Status from;
        for (int attempt = 0; attempt < 3 && !waiting; attempt++)
            CEV_TRY(mpi_status(MPI_Iprobe(MPI_ANY_SOURCE, TAG_REQUEST, s->communicator, &waiting, &from), "look for requests"));
        if (!waiting) return CEV_OK;
        *any = true;
        CEV_TRY(serve_one(s, from.MPI_SOURCE));
    }
}

void cev_schedule_poll(cev_schedule *schedule)
{
    bool any;
    if (schedule->rank == 0 && schedule->n_rank > 1 && schedule->status == CEV_OK)
        schedule->status = serve_waiting(schedule, &any);
}

static cev_status serve_until_all_are_done(cev_schedule *s)
{
    const struct timespec pause = {.tv_nsec = 100000};
    while (s->n_busy > 0) {
        bool any;
        CEV_TRY(serve_waiting(s, &any));
        if (!any) nanosleep(&pause, NULL);
    }
    return CEV_OK;
}

static cev_status run_master(cev_schedule *s, cev_master_mode mode)
{
    s->n_busy = s->n_rank - 1;
    while (cev_schedule_master_works(mode, s->n_rank) && s->next < s->n_tile) {
        size_t tile = s->tile[s->next++];
        cev_tile_report report = {.tile = tile};
        CEV_TRY(s->calls->work(s->calls->context, s, tile, &report));
        CEV_TRY(s->calls->take(s->calls->context, &report));
        cev_schedule_poll(s);
        CEV_TRY(s->status);
    }
    return serve_until_all_are_done(s);
}

static cev_status ask(const cev_schedule *s, request *r, batch *answer, MPI_Request *pending)
{
    CEV_TRY(mpi_status(MPI_Irecv(answer, sizeof *answer, MPI_BYTE, 0, TAG_BATCH, s->communicator, pending), "ask for work"));
    CEV_TRY(mpi_status(MPI_Send(r, sizeof *r, MPI_BYTE, 0, TAG_REQUEST, s->communicator), "ask for work"));
    r->n_report = 0;
    return CEV_OK;
}

static cev_status run_worker(cev_schedule *s)
{
    request r;
    batch now, next;
    MPI_Request pending;
    memset(&r, 0, sizeof r);
    CEV_TRY(ask(s, &r, &now, &pending));
    CEV_TRY(mpi_status(MPI_Wait(&pending, MPI_STATUS_IGNORE), "wait for work"));
    while (now.n_tile > 0) {
        for (uint32_t k = 0; k < now.n_tile; k++) {
            if (k + 1 == now.n_tile) CEV_TRY(ask(s, &r, &next, &pending));
            cev_tile_report *report = &r.report[r.n_report++];
            *report = (cev_tile_report){.tile = now.tile[k]};
            CEV_TRY(s->calls->work(s->calls->context, s, now.tile[k], report));
        }
        CEV_TRY(mpi_status(MPI_Wait(&pending, MPI_STATUS_IGNORE), "wait for work"));
        now = next;
    }
    r.last = 1;
    return mpi_status(MPI_Send(&r, sizeof r, MPI_BYTE, 0, TAG_REQUEST, s->communicator), "report the last tiles");
}

cev_status cev_schedule_run(MPI_Comm communicator, cev_master_mode mode, size_t n_tile, const uint32_t *tile,
                            const cev_schedule_calls *calls)
{
    cev_schedule s = {.communicator = communicator, .calls = calls, .tile = tile, .n_tile = n_tile};
    MPI_Comm_rank(communicator, &s.rank);
    MPI_Comm_size(communicator, &s.n_rank);
    return s.rank == 0 ? run_master(&s, mode) : run_worker(&s);
}
