/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/watch.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOST_SIZE = 64, MOST_REASON = 255, TURN_MS = 20 };

/* Rank 0 hears at most this many signs a second, however many ranks there are. */
#define MOST_SIGNS_PER_S 2000.0

struct cev_watch {
    cev_watch_calls calls;
    MPI_Comm main, signs; /* that of the caller, and one of its own */
    int rank, n_rank;
    bool has_signs;
    char (*host)[HOST_SIZE]; /* [n_rank] on rank 0; of rank 0 alone elsewhere */
    double *heard;           /* likewise, monotonic seconds */
    double said, interval_s;
    atomic_int reason;
    _Atomic double stop_seen; /* monotonic seconds; infinite while nobody wants to stop */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool ending;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- the wish to stop ------------------------------------------------------------------------------------------- */

static void learn(cev_watch *w, int reason)
{
    if (reason <= atomic_load(&w->reason)) return;
    if (atomic_load(&w->stop_seen) == INFINITY) atomic_store(&w->stop_seen, now_s());
    atomic_store(&w->reason, reason);
}

static void look_at_the_clock(cev_watch *w)
{
    learn(w, w->calls.stop(w->calls.context));
    if (cev_watch_stopping_s(w) > w->calls.grace_s) w->calls.overdue(w->calls.context, atomic_load(&w->reason));
}

int cev_watch_reason(const cev_watch *w)
{
    int own = w->calls.stop(w->calls.context), known = atomic_load(&w->reason);
    return own > known ? own : known;
}

double cev_watch_stopping_s(const cev_watch *w)
{
    double seen = atomic_load(&w->stop_seen);
    return seen == INFINITY ? 0 : now_s() - seen;
}

bool cev_watch_has_signs(const cev_watch *w)
{
    return w->has_signs;
}

/* --- signs ------------------------------------------------------------------------------------------------------ */

/* A sign is a message without content whose tag is the reason to stop. What MPI refuses here shows as silence. */
static void say(cev_watch *w, int to)
{
    MPI_Request sending;
    if (MPI_Isend(NULL, 0, MPI_BYTE, to, atomic_load(&w->reason), w->signs, &sending) == MPI_SUCCESS)
        (void)MPI_Request_free(&sending);
}

/* Takes in all signs that have come; rank 0 answers them. */
static void listen_to_signs(cev_watch *w)
{
    MPI_Status from;
    for (int waiting = 1; waiting;) {
        if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, w->signs, &waiting, &from) != MPI_SUCCESS || !waiting) return;
        if (MPI_Recv(NULL, 0, MPI_BYTE, from.MPI_SOURCE, from.MPI_TAG, w->signs, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return;
        w->heard[w->rank == 0 ? from.MPI_SOURCE : 0] = now_s();
        learn(w, from.MPI_TAG);
        if (w->rank == 0) say(w, from.MPI_SOURCE);
    }
}

/* A thread that was itself not scheduled for long, on a host that was suspended say, starts to listen anew. */
static void look_for_silence(cev_watch *w, double turn_s)
{
    double now = now_s();
    int first = w->rank == 0 ? 1 : 0, end = w->rank == 0 ? w->n_rank : 1;
    for (int rank = first; rank < end; rank++) {
        if (turn_s > w->calls.silence_s / 2) w->heard[rank] = now;
        if (now - w->heard[rank] > w->calls.silence_s)
            w->calls.lost(w->calls.context, rank, w->host[rank], now - w->heard[rank]);
    }
}

static void exchange_signs(cev_watch *w, double turn_s)
{
    if (!w->has_signs) return;
    listen_to_signs(w);
    if (w->rank > 0 && now_s() - w->said > w->interval_s) {
        w->said = now_s();
        say(w, 0);
    }
    if (w->calls.silence_s > 0) look_for_silence(w, turn_s);
}

/* --- the thread ------------------------------------------------------------------------------------------------- */

static void *keep_watch(void *context)
{
    cev_watch *w = context;
    double before = now_s();
    pthread_mutex_lock(&w->mutex);
    while (!w->ending) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TURN_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
        pthread_cond_timedwait(&w->wake, &w->mutex, &until);
        if (w->ending) break;
        double now = now_s();
        look_at_the_clock(w);
        exchange_signs(w, now - before);
        before = now;
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* Signals are for the main thread. */
static cev_status start_thread(cev_watch *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, keep_watch, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? cev_fail(CEV_E_MEMORY, "cannot start a thread: %s", strerror(failed)) : CEV_OK;
}

/* Collective: rank 0 learns where everybody is, the others where rank 0 is. */
static cev_status exchange_hosts(cev_watch *w)
{
    char name[MPI_MAX_PROCESSOR_NAME] = "", own[HOST_SIZE] = "";
    int length, n = w->rank == 0 ? w->n_rank : 1;
    w->host = calloc((size_t)n, sizeof *w->host);
    w->heard = calloc((size_t)n, sizeof *w->heard);
    if (!w->host || !w->heard) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (int k = 0; k < n; k++) w->heard[k] = now_s();
    MPI_Get_processor_name(name, &length);
    memcpy(own, name, HOST_SIZE - 1);
    if (MPI_Gather(own, HOST_SIZE, MPI_CHAR, w->host, HOST_SIZE, MPI_CHAR, 0, w->main) != MPI_SUCCESS ||
        MPI_Bcast(w->host, HOST_SIZE, MPI_CHAR, 0, w->main) != MPI_SUCCESS)
        return cev_fail(CEV_E_IO, "MPI cannot exchange the names of the hosts");
    return CEV_OK;
}

static cev_status prepare_signs(cev_watch *w)
{
    int level = MPI_THREAD_SINGLE;
    MPI_Query_thread(&level);
    w->has_signs = w->n_rank > 1 && level == MPI_THREAD_MULTIPLE;
    w->interval_s = fmax(fmin(1, w->calls.silence_s / 10), w->n_rank / MOST_SIGNS_PER_S);
    if (!w->has_signs) return CEV_OK;
    if (MPI_Comm_dup(w->main, &w->signs) != MPI_SUCCESS) return cev_fail(CEV_E_IO, "MPI cannot copy a communicator");
    MPI_Comm_set_errhandler(w->signs, MPI_ERRORS_RETURN);
    return exchange_hosts(w);
}

cev_status cev_watch_start(MPI_Comm communicator, const cev_watch_calls *calls, cev_watch **out)
{
    cev_watch *w = *out = calloc(1, sizeof **out);
    if (!w) return cev_fail(CEV_E_MEMORY, "out of memory");
    *w = (cev_watch){.calls = *calls, .main = communicator, .signs = MPI_COMM_NULL};
    atomic_init(&w->reason, 0);
    atomic_init(&w->stop_seen, INFINITY);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->wake, NULL);
    MPI_Comm_rank(communicator, &w->rank);
    MPI_Comm_size(communicator, &w->n_rank);
    CEV_TRY(prepare_signs(w));
    return start_thread(w);
}

void cev_watch_end(cev_watch **watch, bool together)
{
    cev_watch *w = watch ? *watch : NULL;
    if (!w) return;
    if (w->has_signs && together) MPI_Barrier(w->main); /* everybody gives signs until everybody is here */
    pthread_mutex_lock(&w->mutex);
    w->ending = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    if (w->has_signs && together) MPI_Comm_free(&w->signs);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->mutex);
    free(w->host);
    free(w->heard);
    free(w);
    *watch = NULL;
}
