/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signs of life between ranks, whatever their main threads do, and the end of what does not end by itself.
 *
 * A thread of each rank gives a sign of life to rank 0 about every second, and rank 0's answers. So a rank that folds,
 * writes or waits for another for minutes is not taken for dead, and one that is dead is noticed in every stage of a
 * job, inside MPI's collective calls, too, which never return then. The signs carry the wish to stop: it reaches ranks
 * that are not listening to anything else. And once a stop is wanted, the thread gives the main one `grace_s` to end
 * in good order.
 *
 * The signs need MPI_THREAD_MULTIPLE. Where MPI does not give it, ranks do not watch each other; each still watches
 * itself. */
#ifndef CEVSCAN_WATCH_H
#define CEVSCAN_WATCH_H

#include <mpi.h>
#include <stdbool.h>

#include "cevscan/status.h"

typedef struct cev_watch cev_watch;

typedef struct cev_watch_calls {
    void *context;
    /* Why this rank wants everybody to stop, 0 if it does not, at most 255; the largest of all ranks counts. */
    int (*stop)(void *context);
    /* Nothing has been heard of `rank` for `seconds`: must end this process, by MPI_Abort or by itself. */
    void (*lost)(void *context, int rank, const char *host, double seconds);
    /* The grace is over: must end this process. */
    void (*overdue)(void *context, int reason);
    double silence_s; /* longest silence of another rank; 0: never mind */
    double grace_s;   /* from the moment that a stop is wanted; infinite: never mind */
} cev_watch_calls;

/* Collective. All calls are made by the watch's own thread. */
cev_status cev_watch_start(MPI_Comm communicator, const cev_watch_calls *calls, cev_watch **out);

/* The largest reason to stop that this rank knows of, its own included; from any thread. */
int cev_watch_reason(const cev_watch *watch);

/* Seconds since this rank has known that a stop is wanted; 0 before. */
double cev_watch_stopping_s(const cev_watch *watch);

/* Whether ranks watch each other. */
bool cev_watch_has_signs(const cev_watch *watch);

/* Nobody is missed from then on. `together`: collective, in good order; otherwise the others will miss this rank.
 * Accepts NULL. */
void cev_watch_end(cev_watch **watch, bool together);

#endif
