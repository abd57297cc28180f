/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* sched_getaffinity */
#include "cevscan/machine.h"

#include <sched.h>
#include <stdlib.h>

static int number_in_environment(const char *name)
{
    const char *text = getenv(name);
    long n = text ? strtol(text, NULL, 10) : 0;
    return n > 0 && n <= 4096 ? (int)n : 0;
}

static int choose_threads(int asked, int own_cores, int host_cores, int host_ranks)
{
    if (asked > 0) return asked;
    int threads = number_in_environment("OMP_NUM_THREADS");
    if (!threads) threads = number_in_environment("SLURM_CPUS_PER_TASK");
    if (threads) return threads;
    int share = host_cores / host_ranks;
    if (share > own_cores) share = own_cores;
    return share > 0 ? share : 1;
}

int cev_machine_cores(void)
{
    cpu_set_t own;
    CPU_ZERO(&own);
    return sched_getaffinity(0, sizeof own, &own) ? 1 : CPU_COUNT(&own);
}

cev_machine cev_machine_survey(MPI_Comm communicator, int threads)
{
    cev_machine m = {0};
    cpu_set_t own, host;
    CPU_ZERO(&own);
    if (sched_getaffinity(0, sizeof own, &own)) CPU_SET(0, &own);
    int own_cores = CPU_COUNT(&own), host_rank, host_ranks, host_threads;

    MPI_Comm on_host;
    MPI_Comm_split_type(communicator, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &on_host);
    MPI_Comm_rank(on_host, &host_rank);
    MPI_Comm_size(on_host, &host_ranks);
    MPI_Allreduce(&own, &host, sizeof own, MPI_BYTE, MPI_BOR, on_host);
    int host_cores = CPU_COUNT(&host);
    m.threads = choose_threads(threads, own_cores, host_cores, host_ranks);
    MPI_Allreduce(&m.threads, &host_threads, 1, MPI_INT, MPI_SUM, on_host);
    MPI_Comm_free(&on_host);

    int low[2] = {m.threads, own_cores}, high[2] = {m.threads, own_cores};
    int sum[3] = {host_rank == 0, host_rank == 0 && host_threads > host_cores, m.threads > own_cores};
    MPI_Allreduce(MPI_IN_PLACE, low, 2, MPI_INT, MPI_MIN, communicator);
    MPI_Allreduce(MPI_IN_PLACE, high, 2, MPI_INT, MPI_MAX, communicator);
    MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPI_INT, MPI_SUM, communicator);
    MPI_Comm_size(communicator, &m.n_rank);
    m.threads_lowest = low[0], m.threads_highest = high[0];
    m.cores_lowest = low[1], m.cores_highest = high[1];
    m.n_host = sum[0], m.shared_hosts = sum[1], m.cramped_ranks = sum[2];
    return m;
}
