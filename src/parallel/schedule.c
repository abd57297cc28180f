/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/schedule.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_IN_BATCH = 128, TAG_REQUEST = 1, TAG_BATCH = 2, TAG_STOP = 3, TAG_ALIVE = 4, HOST_SIZE = 64 };

#define LONGEST_BATCH_S 0.5 /* of work, so that reports, and with them the progress, come often */
#define MOST_LOAD 0.5       /* share of its time that rank 0 may have to serve, where batches can see to it */

/* Worker to master: reports of what was finished since the last request. Messages are as long as what they hold. */
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

/* The other side: a worker, or the master. A blocking send to a host that is gone would never return, so nothing is
 * sent that way; what is on its way has a buffer of its own. */
typedef struct peer {
    bool busy;           /* has not sent its last request */
    double heard;        /* monotonic seconds of its last message */
    MPI_Request sending; /* what is in `out` */
    batch out;
} peer;

struct cev_schedule {
    MPI_Comm communicator;
    int rank, n_rank;
    const cev_schedule_calls *calls;
    double polled; /* monotonic seconds of the last poll: what nobody listened for is nobody's silence */
    bool stopping;
    cev_status status; /* of what goes wrong inside a poll, which cannot return it */

    /* Rank 0 only. */
    const uint32_t *tile;
    size_t n_tile, next;
    int n_busy;
    double started; /* monotonic seconds */
    cev_schedule_statistics done;
    peer *worker;            /* [n_rank] */
    char (*host)[HOST_SIZE]; /* [n_rank] */

    /* Workers only. */
    double heard, said;  /* monotonic seconds of the master's last message, and of the own last sign of life */
    MPI_Request sending; /* what is in `out` */
    request out;
    char master_host[HOST_SIZE];
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

/* A quarter of the fair share of what is left, so that nobody waits for one rank's backlog at the end. But neither more
 * than takes LONGEST_BATCH_S, nor so little that the workers together would ask faster than rank 0 can answer: both
 * times are measured as the scan goes. */
static size_t next_batch_size(const cev_schedule *s)
{
    size_t most = s->calls->largest_batch;
    double share = floor((double)(s->n_tile - s->next) / (4.0 * s->n_rank));
    if (most == 0 || most > MOST_IN_BATCH) most = MOST_IN_BATCH;
    if (s->done.n_tile > 0 && s->done.n_request > 0) {
        double tile_s = (now_s() - s->started) * s->n_rank / (double)s->done.n_tile;
        double least = ceil(s->done.serving_s / (double)s->done.n_request * s->n_rank / (MOST_LOAD * tile_s));
        share = fmax(fmin(share, LONGEST_BATCH_S / tile_s), least);
    }
    return share < 1 ? 1 : share > (double)most ? most : (size_t)share;
}

static void fill_batch(cev_schedule *s, batch *b)
{
    size_t wanted = s->stopping ? 0 : next_batch_size(s);
    for (b->n_tile = 0; b->n_tile < wanted && s->next < s->n_tile; s->next++) b->tile[b->n_tile++] = s->tile[s->next];
}

/* A message without content, whose tag says all. Nobody waits for its arrival. */
static cev_status send_sign(const cev_schedule *s, int to, int tag)
{
    MPI_Request sending;
    CEV_TRY(mpi_status(MPI_Isend(NULL, 0, MPI_BYTE, to, tag, s->communicator, &sending), "send a sign"));
    return mpi_status(MPI_Request_free(&sending), "send a sign");
}

static cev_status receive_sign(const cev_schedule *s, int from, int tag)
{
    return mpi_status(MPI_Recv(NULL, 0, MPI_BYTE, from, tag, s->communicator, MPI_STATUS_IGNORE), "receive a sign");
}

/* Rank 0: tells the workers that are still busy, once. */
static cev_status stop_everybody(cev_schedule *s)
{
    if (s->stopping) return CEV_OK;
    s->stopping = true;
    for (int worker = 1; worker < s->n_rank; worker++)
        if (s->worker[worker].busy) CEV_TRY(send_sign(s, worker, TAG_STOP));
    return CEV_OK;
}

/* The answer before has arrived, or this worker would not ask again: waiting for it takes no time. */
static cev_status answer(cev_schedule *s, int worker)
{
    peer *p = &s->worker[worker];
    CEV_TRY(mpi_status(MPI_Wait(&p->sending, MPI_STATUS_IGNORE), "send a batch"));
    fill_batch(s, &p->out);
    int size = (int)(offsetof(batch, tile) + p->out.n_tile * sizeof *p->out.tile);
    return mpi_status(MPI_Isend(&p->out, size, MPI_BYTE, worker, TAG_BATCH, s->communicator, &p->sending),
                      "send a batch");
}

static cev_status take(cev_schedule *s, const cev_tile_report *report)
{
    if (report->dropped) return CEV_OK;
    s->done.n_tile++;
    return s->calls->take(s->calls->context, report);
}

static cev_status serve_one(cev_schedule *s, int worker)
{
    request r;
    CEV_TRY(mpi_status(MPI_Recv(&r, sizeof r, MPI_BYTE, worker, TAG_REQUEST, s->communicator, MPI_STATUS_IGNORE),
                       "receive a request"));
    s->worker[worker].heard = now_s();
    if (r.stop) CEV_TRY(stop_everybody(s));
    if (r.last) {
        s->n_busy--;
        s->worker[worker].busy = false;
    } else {
        CEV_TRY(answer(s, worker));
    }
    for (uint32_t k = 0; k < r.n_report; k++) CEV_TRY(take(s, &r.report[k]));
    s->done.n_request++;
    return CEV_OK;
}

/* A sign of life is answered by one. */
static cev_status hear(cev_schedule *s, int worker)
{
    s->worker[worker].heard = now_s();
    CEV_TRY(receive_sign(s, worker, TAG_ALIVE));
    return send_sign(s, worker, TAG_ALIVE);
}

static cev_status check_peer(const cev_schedule *s, int rank, const char *host, double *heard, double now,
                             bool listened)
{
    double limit = s->calls->silence_s;
    if (!listened) *heard = now;
    if (limit <= 0 || now - *heard <= limit) return CEV_OK;
    return cev_fail(CEV_E_IO, "rank %d on host %s has been silent for %.0f s: is the host down, or cut off?", rank,
                    host, now - *heard);
}

/* A rank that was busy itself for long, in a slow file system say, starts to listen anew. */
static cev_status look_for_silence(cev_schedule *s)
{
    double now = now_s();
    bool listened = now - s->polled < s->calls->silence_s / 2;
    s->polled = now;
    if (s->rank > 0) return check_peer(s, 0, s->master_host, &s->heard, now, listened);
    for (int worker = 1; worker < s->n_rank; worker++)
        if (s->worker[worker].busy)
            CEV_TRY(check_peer(s, worker, s->host[worker], &s->worker[worker].heard, now, listened));
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
        double begin = now_s();
        for (int attempt = 0; attempt < 3 && !waiting; attempt++)
            CEV_TRY(mpi_status(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, s->communicator, &waiting, &from),
                               "look for requests"));
        if (!waiting) return look_for_silence(s);
        *any = true;
        CEV_TRY(from.MPI_TAG == TAG_ALIVE ? hear(s, from.MPI_SOURCE) : serve_one(s, from.MPI_SOURCE));
        s->done.serving_s += now_s() - begin;
    }
}

static cev_status poll_master(cev_schedule *s)
{
    bool any;
    if (s->calls->stop(s->calls->context)) CEV_TRY(stop_everybody(s));
    return s->n_rank > 1 ? serve_waiting(s, &any) : CEV_OK;
}

static cev_status take_sign(cev_schedule *s, int tag, int *taken)
{
    CEV_TRY(mpi_status(MPI_Iprobe(0, tag, s->communicator, taken, MPI_STATUS_IGNORE), "look for a sign"));
    if (!*taken) return CEV_OK;
    s->heard = now_s();
    return receive_sign(s, 0, tag);
}

/* A worker that wants to stop says so with its next request; what it is told, it takes off the wire. */
static cev_status poll_worker(cev_schedule *s)
{
    int taken = 0;
    double now = now_s();
    if (s->calls->stop(s->calls->context)) s->stopping = true;
    if (s->calls->silence_s > 0 && now - s->said > s->calls->silence_s / 5) {
        s->said = now;
        CEV_TRY(send_sign(s, 0, TAG_ALIVE));
    }
    CEV_TRY(take_sign(s, TAG_ALIVE, &taken));
    CEV_TRY(take_sign(s, TAG_STOP, &taken));
    if (taken) s->stopping = true;
    return look_for_silence(s);
}

void cev_schedule_poll(cev_schedule *schedule)
{
    if (schedule->status == CEV_OK)
        schedule->status = schedule->rank == 0 ? poll_master(schedule) : poll_worker(schedule);
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
        CEV_TRY(take(s, &report));
        cev_schedule_poll(s);
        CEV_TRY(s->status);
    }
    return serve_until_all_are_done(s);
}

static cev_status run_master(cev_schedule *s, cev_master_mode mode)
{
    s->n_busy = s->n_rank - 1;
    s->worker = calloc((size_t)s->n_rank, sizeof *s->worker);
    if (!s->worker || !s->host) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (int worker = 0; worker < s->n_rank; worker++)
        s->worker[worker] = (peer){.busy = true, .heard = now_s(), .sending = MPI_REQUEST_NULL};
    CEV_TRY(
        work_off(s,
                 mode)); /* after a failure MPI may still read what was to be sent: nothing is freed before the end */
    for (int worker = 1; worker < s->n_rank; worker++)
        CEV_TRY(
            mpi_status(MPI_Wait(&s->worker[worker].sending, MPI_STATUS_IGNORE), "send a batch")); /* they all arrived */
    free(s->worker);
    return CEV_OK;
}

static cev_status report(cev_schedule *s, request *r)
{
    r->stop = s->stopping;
    size_t size = offsetof(request, report) + r->n_report * sizeof *r->report;
    memcpy(&s->out, r, size);
    r->n_report = 0;
    return mpi_status(MPI_Isend(&s->out, (int)size, MPI_BYTE, 0, TAG_REQUEST, s->communicator, &s->sending), "report");
}

static cev_status ask(cev_schedule *s, request *r, batch *next, MPI_Request *pending)
{
    CEV_TRY(
        mpi_status(MPI_Irecv(next, sizeof *next, MPI_BYTE, 0, TAG_BATCH, s->communicator, pending), "ask for work"));
    return report(s, r);
}

/* Waits for a message to or from rank 0, which answers within a poll, unless it is gone. */
static cev_status wait_for(cev_schedule *s, MPI_Request *message)
{
    const struct timespec pause = {.tv_nsec = 50000};
    for (;;) {
        int done = 0;
        for (int attempt = 0; attempt < 20 && !done; attempt++)
            CEV_TRY(mpi_status(MPI_Test(message, &done, MPI_STATUS_IGNORE), "wait for rank 0"));
        if (done) return CEV_OK;
        CEV_TRY(poll_worker(s));
        nanosleep(&pause, NULL);
    }
}

static cev_status wait_for_batch(cev_schedule *s, MPI_Request *pending)
{
    CEV_TRY(wait_for(s, &s->sending));
    CEV_TRY(wait_for(s, pending));
    s->heard = now_s();
    return CEV_OK;
}

static cev_status work_batch(cev_schedule *s, const batch *now, batch *next, request *r, MPI_Request *pending)
{
    for (uint32_t k = 0; k < now->n_tile; k++) {
        /* Once everybody stops, what is left of the batch is given back by not reporting it. */
        if (k + 1 == now->n_tile || s->stopping) CEV_TRY(ask(s, r, next, pending));
        if (s->stopping) return CEV_OK;
        cev_tile_report *done = &r->report[r->n_report++];
        *done = (cev_tile_report){.tile = now->tile[k]};
        CEV_TRY(s->calls->work(s->calls->context, s, now->tile[k], done));
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
    CEV_TRY(report(s, &r));
    return wait_for(s, &s->sending);
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
    return mpi_status(MPI_Gather(own, HOST_SIZE, MPI_CHAR, s->host, HOST_SIZE, MPI_CHAR, 0, s->communicator),
                      "exchange names");
}

cev_status cev_schedule_run(MPI_Comm communicator, cev_master_mode mode, size_t n_tile, const uint32_t *tile,
                            const cev_schedule_calls *calls)
{
    cev_schedule s = {.communicator = communicator, .calls = calls, .tile = tile, .n_tile = n_tile};
    MPI_Comm_rank(communicator, &s.rank);
    MPI_Comm_size(communicator, &s.n_rank);
    s.polled = s.said = s.heard = s.started = now_s();
    cev_status status = exchange_hosts(&s);
    if (status == CEV_OK) status = s.rank == 0 ? run_master(&s, mode) : run_worker(&s);
    free(s.host);
    if (calls->statistics) *calls->statistics = s.done;
    return status;
}
