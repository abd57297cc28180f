/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which cores the ranks of a job may use, and how many threads each should run. */
#ifndef CEVSCAN_MACHINE_H
#define CEVSCAN_MACHINE_H

#include <mpi.h>

typedef struct cev_machine {
    int n_rank, n_host;
    int threads_lowest, threads_highest; /* per rank */
    int cores_lowest, cores_highest;     /* that a rank may use */
    int shared_hosts;                    /* hosts on which there are more threads than cores */
    int cramped_ranks;                   /* ranks with more threads than cores of their own */
    int threads;                         /* of this rank */
} cev_machine;

/* Collective. `threads` > 0 is what the user asked for; otherwise OMP_NUM_THREADS or SLURM_CPUS_PER_TASK if set, else
 * this rank's fair share of the cores that the ranks of its host may use together. All members but `threads` are the
 * same on every rank. */
cev_machine cev_machine_survey(MPI_Comm communicator, int threads);

/* Cores that this process may use. */
int cev_machine_cores(void);

#endif
