/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Master and workers over items, whatever they are: tiles, best fits, foldings. Rank 0 hands out numbers of items;
 * workers work them off and report what they found, a few bytes each.
 *
 * A worker asks for its next batch when it starts the last item of the one it has, so that the answer is there when it
 * needs it. Batches shrink towards the end (a quarter of the fair share of what is left), so that nobody waits for one
 * rank's backlog; not below what keeps rank 0 at leisure, by the measured costs of items and answers, and not above
 * half a second of work. On few ranks rank 0 works as well, and answers from inside its own items, about every half
 * millisecond; on many it only serves. Which items a rank gets depends on timing; nothing in the results may.
 *
 * Nothing is sent in a way that waits for the other side. Ranks that are gone are noticed elsewhere (cevscan/watch.h).
 *
 * Any rank may ask everybody to stop. No item is begun from then on: workers finish the one in work, or drop it, give
 * back the rest of their batches and report. */
#ifndef CEVSCAN_SCHEDULE_H
#define CEVSCAN_SCHEDULE_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cevscan/status.h"

typedef enum cev_master_mode { CEV_MASTER_AUTO, CEV_MASTER_WORKS, CEV_MASTER_SERVES } cev_master_mode;

enum { CEV_MOST_RANKS_OF_A_WORKING_MASTER = 16 };

typedef struct cev_schedule cev_schedule;

typedef struct cev_schedule_statistics {
    size_t n_request; /* messages of workers */
    size_t n_item;    /* finished */
    double serving_s; /* that answering took, `take` included */
} cev_schedule_statistics;

typedef struct cev_schedule_calls {
    void *context;
    /* Every rank: works an item off and writes report[report_size]. Must call cev_schedule_poll(schedule) now and
     * then, from the main thread. CEV_E_STOPPED: the item was given up because of a stop. */
    cev_status (*work)(void *context, cev_schedule *schedule, size_t item, void *report);
    /* Rank 0: a report of a finished item came in, its own included; each exactly once. */
    cev_status (*take)(void *context, size_t item, const void *report);
    /* Every rank, often: whether this rank wants everybody to stop. */
    bool (*stop)(void *context);
    size_t report_size;                  /* bytes, the same on every rank */
    size_t largest_batch;                /* most items that are handed out at once; 0: the scheduler's own choice */
    cev_schedule_statistics *statistics; /* of rank 0, filled in at the end; NULL: not wanted */
} cev_schedule_calls;

/* Collective: works off item[n_item] (read on rank 0 only). Returns on every rank once all are done and reported, or
 * once everybody has stopped. A failure is returned on the rank where it happened; the others do not know, so the
 * caller must then end the job with MPI_Abort. */
cev_status cev_schedule_run(MPI_Comm communicator, cev_master_mode mode, size_t n_item, const uint32_t *item,
                            const cev_schedule_calls *calls);

/* Rank 0: answers the workers that are waiting. Other ranks: look whether everybody is to stop. */
void cev_schedule_poll(cev_schedule *schedule);

/* Whether a stop is under way, as far as this rank knows. */
bool cev_schedule_stopping(const cev_schedule *schedule);

/* Whether rank 0 of so many ranks works on items. */
bool cev_schedule_master_works(cev_master_mode mode, int n_rank);

#endif
