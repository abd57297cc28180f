/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/schedule.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_IN_BATCH = 32, TAG_REQUEST = 1, TAG_BATCH = 2, TAG_STOP = 3, TAG_ALIVE = 4, HOST_SIZE = 64 };

/* Worker to master: reports of what was finished since the last request. */
typedef struct request {
    uint32_t n_report;
    uint32_t last; /* the worker has been told that there is no more: no answer is wanted */
    uint32_t stop; /* the worker wants everybody to stop */
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
    bool *busy;         /* [n_rank] */
    double *heard;      /* [n_rank], monotonic seconds of the last message */
    char (*host)[HOST_SIZE]; /* [n_rank] */
    double polled;      /* of the master's last poll: what nobody listened for is nobody's silence */
    double said;        /* worker: of its last sign of life */
    char master_host[HOST_SIZE];
    bool stopping;
    cev_status status;  /* of what goes wrong inside a poll, which cannot return it */
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

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint32_t next_batch_size(const cev_schedule *s)
{
    size_t share = (s->n_tile - s->next) / (4 * (size_t)s->n_rank);
    return share < 1 ? 1 : share > MOST_IN_BATCH ? MOST_IN_BATCH : (uint32_t)share;
}

static void fill_batch(cev_schedule *s, batch *b)
{
    uint32_t wanted = s->stopping ? 0 : next_batch_size(s);
    for (b->n_tile = 0; b->n_tile < wanted && s->next < s->n_tile; s->next++) b->tile[b->n_tile++] = s->tile[s->next];
}

/* Rank 0: tells the workers that are still busy, once. */
static cev_status stop_everybody(cev_schedule *s)
{
    if (s->stopping) return CEV_OK;
    s->stopping = true;
    for (int worker = 1; worker < s->n_rank; worker++)
        if (s->busy[worker])
            CEV_TRY(mpi_status(MPI_Send(NULL, 0, MPI_BYTE, worker, TAG_STOP, s->communicator), "stop a worker"));
    return CEV_OK;
}

static cev_status serve_one(cev_schedule *s, int worker)
{
    request r;
    CEV_TRY(mpi_status(MPI_Recv(&r, sizeof r, MPI_BYTE, worker, TAG_REQUEST, s->communicator, MPI_STATUS_IGNORE),
                       "receive a request"));
    s->heard[worker] = now_s();
    if (r.stop) CEV_TRY(stop_everybody(s));
    if (r.last) {
        s->n_busy--;
        s->busy[worker] = false;
    } else {
        batch b;
        fill_batch(s, &b);
        CEV_TRY(mpi_status(MPI_Send(&b, sizeof b, MPI_BYTE, worker, TAG_BATCH, s->communicator), "send a batch"));
    }
    for (uint32_t k = 0; k < r.n_report; k++)
        if (!r.report[k].dropped) CEV_TRY(s->calls->take(s->calls->context, &r.report[k]));
    return CEV_OK;
}

static cev_status hear(cev_schedule *s, int worker)
{
    s->heard[worker] = now_s();
    return mpi_status(MPI_Recv(NULL, 0, MPI_BYTE, worker, TAG_ALIVE, s->communicator, MPI_STATUS_IGNORE), "receive a sign of life");
}

/* A master that was busy itself for long, in a slow file system say, starts to listen anew. */
static cev_status look_for_silence(cev_schedule *s)
{
    double now = now_s(), limit = s->calls->silence_s;
    bool listened = now - s->polled < limit / 2;
    s->polled = now;
    for (int worker = 1; limit > 0 && worker < s->n_rank; worker++) {
        if (!listened) s->heard[worker] = now;
        if (s->busy[worker] && now - s->heard[worker] > limit)
            return cev_fail(CEV_E_IO, "rank %d on host %s has been silent for %.0f s: is the host down, or cut off?", worker,
                            s->host[worker], now - s->heard[worker]);
    }
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
            CEV_TRY(mpi_status(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, s->communicator, &waiting, &from), "look for requests"));
        if (!waiting) return look_for_silence(s);
        *any = true;
        CEV_TRY(from.MPI_TAG == TAG_ALIVE ? hear(s, from.MPI_SOURCE) : serve_one(s, from.MPI_SOURCE));
    }
}

static cev_status poll_master(cev_schedule *s)
{
    bool any;
    if (s->calls->stop(s->calls->context)) CEV_TRY(stop_everybody(s));
    return s->n_rank > 1 ? serve_waiting(s, &any) : CEV_OK;
}

/* A worker that wants to stop says so with its next request; what it is told, it takes off the wire. */
static cev_status poll_worker(cev_schedule *s)
{
    int waiting = 0;
    double now = now_s();
    if (s->calls->stop(s->calls->context)) s->stopping = true;
    if (s->calls->silence_s > 0 && now - s->said > s->calls->silence_s / 5) {
        s->said = now;
        CEV_TRY(mpi_status(MPI_Send(NULL, 0, MPI_BYTE, 0, TAG_ALIVE, s->communicator), "give a sign of life"));
    }
    CEV_TRY(mpi_status(MPI_Iprobe(0, TAG_STOP, s->communicator, &waiting, MPI_STATUS_IGNORE), "look for a stop"));
    if (!waiting) return CEV_OK;
    s->stopping = true;
    return mpi_status(MPI_Recv(NULL, 0, MPI_BYTE, 0, TAG_STOP, s->communicator, MPI_STATUS_IGNORE), "receive a stop");
}

void cev_schedule_poll(cev_schedule *schedule)
{
    if (schedule->status == CEV_OK) schedule->status = schedule->rank == 0 ? poll_master(schedule) : poll_worker(schedule);
}

bool cev_schedule_stopping(const cev_schedule *schedule)
{
    return schedule->stopping;
}

static cev_status serve_until_all_are_done(cev_schedule *s)
{
    const struct timespec pause = {.tv_nsec = 100000};
    while (s->n_busy > 0) {
        bool any;
        if (s->calls->stop(s->calls->context)) CEV_TRY(stop_everybody(s));
        CEV_TRY(serve_waiting(s, &any));
        if (!any) nanosleep(&pause, NULL);
    }
    return CEV_OK;
}

static cev_status work_off(cev_schedule *s, cev_master_mode mode)
{
    while (cev_schedule_master_works(mode, s->n_rank) && s->next < s->n_tile && !s->stopping) {
        cev_tile_report report = {.tile = s->tile[s->next++]};
        CEV_TRY(s->calls->work(s->calls->context, s, report.tile, &report));
        if (!report.dropped) CEV_TRY(s->calls->take(s->calls->context, &report));
        cev_schedule_poll(s);
        CEV_TRY(s->status);
    }
    return serve_until_all_are_done(s);
}

static cev_status run_master(cev_schedule *s, cev_master_mode mode)
{
    size_t n = (size_t)s->n_rank;
    s->n_busy = s->n_rank - 1;
    s->busy = malloc(n * sizeof *s->busy);
    s->heard = malloc(n * sizeof *s->heard);
    for (size_t worker = 0; s->busy && s->heard && worker < n; worker++) {
        s->busy[worker] = true;
        s->heard[worker] = now_s();
    }
    cev_status status = s->busy && s->heard && s->host ? work_off(s, mode) : cev_fail(CEV_E_MEMORY, "out of memory");
    free(s->busy);
    free(s->heard);
    return status;
}

static cev_status ask(const cev_schedule *s, request *r, batch *answer, MPI_Request *pending)
{
    r->stop = s->stopping;
    CEV_TRY(mpi_status(MPI_Irecv(answer, sizeof *answer, MPI_BYTE, 0, TAG_BATCH, s->communicator, pending), "ask for work"));
    CEV_TRY(mpi_status(MPI_Send(r, sizeof *r, MPI_BYTE, 0, TAG_REQUEST, s->communicator), "ask for work"));
    r->n_report = 0;
    return CEV_OK;
}

/* Waits for the answer to ask(): rank 0 answers within a poll, unless it is gone. */
static cev_status wait_for_batch(const cev_schedule *s, MPI_Request *pending)
{
    const struct timespec pause = {.tv_nsec = 50000};
    double started = now_s(), limit = s->calls->silence_s;
    for (;;) {
        int arrived = 0;
        for (int attempt = 0; attempt < 20 && !arrived; attempt++)
            CEV_TRY(mpi_status(MPI_Test(pending, &arrived, MPI_STATUS_IGNORE), "wait for work"));
        if (arrived) return CEV_OK;
        if (limit > 0 && now_s() - started > limit)
            return cev_fail(CEV_E_IO, "rank 0 on host %s has not answered for %.0f s: is the host down, or cut off?", s->master_host,
                            now_s() - started);
        nanosleep(&pause, NULL);
    }
}

static cev_status work_batch(cev_schedule *s, const batch *now, batch *next, request *r, MPI_Request *pending)
{
    for (uint32_t k = 0; k < now->n_tile; k++) {
        /* Once everybody stops, what is left of the batch is given back by not reporting it. */
        if (k + 1 == now->n_tile || s->stopping) CEV_TRY(ask(s, r, next, pending));
        if (s->stopping) return CEV_OK;
        cev_tile_report *report = &r->report[r->n_report++];
        *report = (cev_tile_report){.tile = now->tile[k]};
        CEV_TRY(s->calls->work(s->calls->context, s, now->tile[k], report));
        cev_schedule_poll(s);
        CEV_TRY(s->status);
    }
    return CEV_OK;
}

static cev_status run_worker(cev_schedule *s)
{
    request r;
    batch now, next;
    MPI_Request pending;
    memset(&r, 0, sizeof r);
    CEV_TRY(ask(s, &r, &now, &pending));
    CEV_TRY(wait_for_batch(s, &pending));
    while (now.n_tile > 0) {
        CEV_TRY(work_batch(s, &now, &next, &r, &pending));
        CEV_TRY(wait_for_batch(s, &pending));
        now = next;
    }
    r.last = 1;
    r.stop = s->stopping;
    return mpi_status(MPI_Send(&r, sizeof r, MPI_BYTE, 0, TAG_REQUEST, s->communicator), "report the last tiles");
}

/* Collective: rank 0 learns where everybody is, the others where rank 0 is. */
static cev_status exchange_hosts(cev_schedule *s)
{
    char name[MPI_MAX_PROCESSOR_NAME] = "", own[HOST_SIZE] = "";
    int length;
    MPI_Get_processor_name(name, &length);
    memcpy(own, name, HOST_SIZE - 1);
    memcpy(s->master_host, own, sizeof own);
    if (s->rank == 0) s->host = calloc((size_t)s->n_rank, sizeof *s->host);
    CEV_TRY(mpi_status(MPI_Bcast(s->master_host, HOST_SIZE, MPI_CHAR, 0, s->communicator), "exchange names"));
    return mpi_status(MPI_Gather(own, HOST_SIZE, MPI_CHAR, s->host, HOST_SIZE, MPI_CHAR, 0, s->communicator), "exchange names");
}

cev_status cev_schedule_run(MPI_Comm communicator, cev_master_mode mode, size_t n_tile, const uint32_t *tile,
                            const cev_schedule_calls *calls)
{
    cev_schedule s = {.communicator = communicator, .calls = calls, .tile = tile, .n_tile = n_tile};
    MPI_Comm_rank(communicator, &s.rank);
    MPI_Comm_size(communicator, &s.n_rank);
    s.polled = s.said = now_s();
    cev_status status = exchange_hosts(&s);
    if (status == CEV_OK) status = s.rank == 0 ? run_master(&s, mode) : run_worker(&s);
    free(s.host);
    return status;
}
