/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/schedule.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_IN_BATCH = 128, MOST_REPORT_BYTES = 1 << 20, TAG_REQUEST = 1, TAG_BATCH = 2, TAG_STOP = 3 };

#define LONGEST_BATCH_S 0.5 /* of work, so that reports, and with them the progress, come often */
#define MOST_LOAD 0.5       /* share of its time that rank 0 may have to serve, where batches can see to it */

/* Worker to master: reports of what was finished since the last request follow. Messages are as long as what they
 * hold. */
typedef struct request {
    uint32_t n_report;
    uint16_t last; /* the worker has been told that there is no more: no answer is wanted */
    uint16_t stop; /* the worker wants everybody to stop */
} request;

/* Master to worker: items to do; none means that there are no more. */
typedef struct batch {
    uint32_t n_item;
    uint32_t item[MOST_IN_BATCH];
} batch;

/* A worker, as rank 0 sees it. A blocking send to a host that is gone would never return, so nothing is sent that way;
 * what is on its way has a buffer of its own. */
typedef struct peer {
    bool busy;           /* has not sent its last request */
    MPI_Request sending; /* what is in `out` */
    batch out;
} peer;

struct cev_schedule {
    MPI_Comm communicator;
    int rank, n_rank;
    const cev_schedule_calls *calls;
    size_t most_in_batch, report_bytes; /* of an item's number and its report */
    bool stopping;
    cev_status status; /* of what goes wrong inside a poll, which cannot return it */
    unsigned char
        *mail; /* a request and as many reports as there can be: what rank 0 receives, what a worker gathers */

    /* Rank 0 only. */
    const uint32_t *item;
    size_t n_item, next;
    int n_busy;
    double started; /* monotonic seconds */
    cev_schedule_statistics done;
    peer *worker; /* [n_rank] */

    /* Workers only. */
    MPI_Request sending; /* what is in `out` */
    unsigned char *out;  /* a copy of the mail, on its way */
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

/* A quarter of the fair share of what is left, so that nobody waits for one rank's backlog at the end. But neither
 * more than takes LONGEST_BATCH_S, nor so little that the workers together would ask faster than rank 0 can answer:
 * both times are measured as the scan goes. */
static size_t next_batch_size(const cev_schedule *s)
{
    size_t most = s->calls->largest_batch;
    double share = floor((double)(s->n_item - s->next) / (4.0 * s->n_rank));
    if (most == 0 || most > s->most_in_batch) most = s->most_in_batch;
    if (s->done.n_item > 0 && s->done.n_request > 0) {
        double item_s = (now_s() - s->started) * s->n_rank / (double)s->done.n_item;
        double least = ceil(s->done.serving_s / (double)s->done.n_request * s->n_rank / (MOST_LOAD * item_s));
        share = fmax(fmin(share, LONGEST_BATCH_S / item_s), least);
    }
    return share < 1 ? 1 : share > (double)most ? most : (size_t)share;
}

static void fill_batch(cev_schedule *s, batch *b)
{
    size_t wanted = s->stopping ? 0 : next_batch_size(s);
    for (b->n_item = 0; b->n_item < wanted && s->next < s->n_item; s->next++) b->item[b->n_item++] = s->item[s->next];
}

/* A message without content, whose tag says all. Nobody waits for its arrival. */
static cev_status send_sign(const cev_schedule *s, int to, int tag)
{
    MPI_Request sending;
    CEV_TRY(mpi_status(MPI_Isend(NULL, 0, MPI_BYTE, to, tag, s->communicator, &sending), "send a sign"));
    return mpi_status(MPI_Request_free(&sending), "send a sign");
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
    int size = (int)(offsetof(batch, item) + p->out.n_item * sizeof *p->out.item);
    return mpi_status(MPI_Isend(&p->out, size, MPI_BYTE, worker, TAG_BATCH, s->communicator, &p->sending),
                      "send a batch");
}

/* Report number k of the mail: the number of its item, and what was found. */
static unsigned char *report_at(const cev_schedule *s, size_t k)
{
    return s->mail + sizeof(request) + k * s->report_bytes;
}

static cev_status take(cev_schedule *s, size_t item, const void *report)
{
    s->done.n_item++;
    return s->calls->take(s->calls->context, item, report);
}

static cev_status take_all(cev_schedule *s, const request *r)
{
    for (uint32_t k = 0; k < r->n_report; k++) {
        uint64_t item;
        memcpy(&item, report_at(s, k), sizeof item);
        CEV_TRY(take(s, (size_t)item, report_at(s, k) + sizeof item));
    }
    return CEV_OK;
}

static size_t mail_size(const cev_schedule *s)
{
    return sizeof(request) + 2 * s->most_in_batch * s->report_bytes;
}

static cev_status serve_one(cev_schedule *s, int worker)
{
    request r;
    CEV_TRY(mpi_status(MPI_Recv(s->mail, (int)mail_size(s), MPI_BYTE, worker, TAG_REQUEST, s->communicator,
                                MPI_STATUS_IGNORE),
                       "receive a request"));
    memcpy(&r, s->mail, sizeof r);
    if (r.stop) CEV_TRY(stop_everybody(s));
    if (r.last) {
        s->n_busy--;
        s->worker[worker].busy = false;
    } else {
        CEV_TRY(answer(s, worker));
    }
    s->done.n_request++;
    return take_all(s, &r);
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
            CEV_TRY(mpi_status(MPI_Iprobe(MPI_ANY_SOURCE, TAG_REQUEST, s->communicator, &waiting, &from),
                               "look for requests"));
        if (!waiting) return CEV_OK;
        *any = true;
        CEV_TRY(serve_one(s, from.MPI_SOURCE));
        s->done.serving_s += now_s() - begin;
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
    int told = 0;
    if (s->calls->stop(s->calls->context)) s->stopping = true;
    CEV_TRY(mpi_status(MPI_Iprobe(0, TAG_STOP, s->communicator, &told, MPI_STATUS_IGNORE), "look for a sign"));
    if (!told) return CEV_OK;
    s->stopping = true;
    return mpi_status(MPI_Recv(NULL, 0, MPI_BYTE, 0, TAG_STOP, s->communicator, MPI_STATUS_IGNORE), "receive a sign");
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

/* Works one item off; *dropped: it was given up because of a stop. */
static cev_status work(cev_schedule *s, size_t item, void *report, bool *dropped)
{
    cev_status status = s->calls->work(s->calls->context, s, item, report);
    *dropped = status == CEV_E_STOPPED;
    CEV_TRY(*dropped ? CEV_OK : status);
    cev_schedule_poll(s);
    return s->status;
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

static cev_status work_off(cev_schedule *s, cev_master_mode mode, void *own)
{
    while (cev_schedule_master_works(mode, s->n_rank) && s->next < s->n_item && !s->stopping) {
        size_t item = s->item[s->next++];
        bool dropped;
        CEV_TRY(work(s, item, own, &dropped));
        if (!dropped) CEV_TRY(take(s, item, own));
    }
    return serve_until_all_are_done(s);
}

static cev_status run_master(cev_schedule *s, cev_master_mode mode)
{
    s->n_busy = s->n_rank - 1;
    s->worker = calloc((size_t)s->n_rank, sizeof *s->worker);
    void *own = calloc(1, s->report_bytes);
    if (!s->worker || !own) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (int worker = 0; worker < s->n_rank; worker++)
        s->worker[worker] = (peer){.busy = true, .sending = MPI_REQUEST_NULL};
    /* After a failure MPI may still read what was to be sent: nothing is freed before the end. */
    CEV_TRY(work_off(s, mode, own));
    for (int worker = 1; worker < s->n_rank; worker++) /* they all arrived */
        CEV_TRY(mpi_status(MPI_Wait(&s->worker[worker].sending, MPI_STATUS_IGNORE), "send a batch"));
    free(own);
    free(s->worker);
    return CEV_OK;
}

static cev_status send_mail(cev_schedule *s, request *r)
{
    size_t size = sizeof *r + r->n_report * s->report_bytes;
    r->stop = s->stopping;
    memcpy(s->out, s->mail, size);
    memcpy(s->out, r, sizeof *r);
    r->n_report = 0;
    return mpi_status(MPI_Isend(s->out, (int)size, MPI_BYTE, 0, TAG_REQUEST, s->communicator, &s->sending), "report");
}

static cev_status ask(cev_schedule *s, request *r, batch *next, MPI_Request *pending)
{
    CEV_TRY(
        mpi_status(MPI_Irecv(next, sizeof *next, MPI_BYTE, 0, TAG_BATCH, s->communicator, pending), "ask for work"));
    return send_mail(s, r);
}

/* Waits for a message to or from rank 0, which answers within a poll. */
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
    return wait_for(s, pending);
}

static cev_status work_one(cev_schedule *s, uint32_t number, request *r)
{
    uint64_t item = number;
    unsigned char *to = report_at(s, r->n_report);
    bool dropped;
    memcpy(to, &item, sizeof item);
    CEV_TRY(work(s, number, to + sizeof item, &dropped));
    if (!dropped) r->n_report++;
    return CEV_OK;
}

static cev_status work_batch(cev_schedule *s, const batch *now, batch *next, request *r, MPI_Request *pending)
{
    for (uint32_t k = 0; k < now->n_item; k++) {
        /* Once everybody stops, what is left of the batch is given back by not reporting it. */
        if (k + 1 == now->n_item || s->stopping) CEV_TRY(ask(s, r, next, pending));
        if (s->stopping) return CEV_OK;
        CEV_TRY(work_one(s, now->item[k], r));
    }
    return CEV_OK;
}

static cev_status run_worker(cev_schedule *s)
{
    request r = {0};
    batch now, next;
    MPI_Request pending;
    s->out = calloc(1, mail_size(s));
    if (!s->out) return cev_fail(CEV_E_MEMORY, "out of memory");
    CEV_TRY(ask(s, &r, &now, &pending));
    CEV_TRY(wait_for_batch(s, &pending));
    while (now.n_item > 0) {
        CEV_TRY(work_batch(s, &now, &next, &r, &pending));
        CEV_TRY(wait_for_batch(s, &pending));
        now = next;
    }
    r.last = 1;
    CEV_TRY(send_mail(s, &r));
    CEV_TRY(wait_for(s, &s->sending));
    free(s->out);
    return CEV_OK;
}

cev_status cev_schedule_run(MPI_Comm communicator, cev_master_mode mode, size_t n_item, const uint32_t *item,
                            const cev_schedule_calls *calls)
{
    cev_schedule s = {.communicator = communicator, .calls = calls, .item = item, .n_item = n_item};
    MPI_Comm_rank(communicator, &s.rank);
    MPI_Comm_size(communicator, &s.n_rank);
    s.started = now_s();
    s.report_bytes = sizeof(uint64_t) + (calls->report_size + 7) / 8 * 8;
    s.most_in_batch = MOST_REPORT_BYTES / s.report_bytes;
    if (s.most_in_batch > MOST_IN_BATCH) s.most_in_batch = MOST_IN_BATCH;
    if (s.most_in_batch < 1) s.most_in_batch = 1;
    s.mail = calloc(1, mail_size(&s));
    if (!s.mail) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = s.rank == 0 ? run_master(&s, mode) : run_worker(&s);
    if (status == CEV_OK) free(s.mail);
    if (calls->statistics) *calls->statistics = s.done;
    return status;
}
