/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Master and workers over tiles. Rank 0 hands out tile numbers; workers evaluate and store them, and report.
 *
 * A worker asks for its next batch when it starts the last tile of the one it has, so that the answer is there when it
 * needs it. Batches shrink towards the end (a quarter of the fair share of what is left), so that nobody waits for one
 * rank's backlog; not below what keeps rank 0 at leisure, by the measured costs of tiles and answers, and not above
 * half a second of work. On few ranks rank 0 computes as well, and answers from inside its own tiles, about every half
 * millisecond; on many it only serves. Which tiles a rank gets depends on timing; nothing in the results may.
 *
 * MPI does not notice a host that has stopped or lost its network. So workers give a sign of life while they compute,
 * rank 0 answers it, and a rank that hears nothing from the other side for `silence_s` seconds gives up with the
 * reason. Nothing is sent in a way that waits for the other side.
 *
 * Any rank may ask everybody to stop. No tile is begun from then on: workers finish the one in work, or drop it, give
 * back the rest of their batches and report. */
#ifndef CEVSCAN_SCHEDULE_H
#define CEVSCAN_SCHEDULE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "cevscan/status.h"

/* What a rank reports of a finished tile. */
typedef struct cev_tile_report {
    uint64_t tile;
    uint64_t dropped; /* 1 if the tile was given up because of a stop: nothing was stored */
    uint64_t n_point;
    uint64_t n_failed;     /* points with cev_point_failed() */
    double lowest_chi2;    /* of the tile, INFINITY if no point has one */
    uint64_t lowest_point; /* its number in the grid */
} cev_tile_report;

typedef enum cev_master_mode { CEV_MASTER_AUTO, CEV_MASTER_WORKS, CEV_MASTER_SERVES } cev_master_mode;

enum { CEV_MOST_RANKS_OF_A_WORKING_MASTER = 16 };

typedef struct cev_schedule cev_schedule;

typedef struct cev_schedule_statistics {
    size_t n_request; /* messages of workers */
    size_t n_tile;    /* finished */
    double serving_s; /* that answering took, `take` included */
} cev_schedule_statistics;

typedef struct cev_schedule_calls {
    void *context;
    /* Every rank: evaluates and stores a tile. Must call cev_schedule_poll(schedule) now and then, from the main
     * thread. */
    cev_status (*work)(void *context, cev_schedule *schedule, size_t tile, cev_tile_report *report);
    /* Rank 0: a report of a finished tile came in, its own included; each exactly once. */
    cev_status (*take)(void *context, const cev_tile_report *report);
    /* Every rank, often: whether this rank wants everybody to stop. */
    bool (*stop)(void *context);
    double silence_s;                    /* longest silence of another rank, 0 for any */
    size_t largest_batch;                /* most tiles that are handed out at once; 0: the scheduler's own choice */
    cev_schedule_statistics *statistics; /* of rank 0, filled in at the end; NULL: not wanted */
} cev_schedule_calls;

/* Collective: works off tile[n_tile] (read on rank 0 only). Returns on every rank once all are done and reported, or
 * once everybody has stopped. A failure is returned on the rank where it happened; the others do not know, so the
 * caller must then end the job with MPI_Abort. */
cev_status cev_schedule_run(MPI_Comm communicator, cev_master_mode mode, size_t n_tile, const uint32_t *tile,
                            const cev_schedule_calls *calls);

/* Rank 0: answers the workers that are waiting. Other ranks: look whether everybody is to stop. */
void cev_schedule_poll(cev_schedule *schedule);

/* Whether a stop is under way, as far as this rank knows. */
bool cev_schedule_stopping(const cev_schedule *schedule);

/* Whether rank 0 of so many ranks computes tiles. */
bool cev_schedule_master_works(cev_master_mode mode, int n_rank);

#endif
