/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/threads.h"

#include <omp.h>
#include <time.h>

static const long poll_interval_ns = 500000;

static long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

void cev_threads_loop(int n_thread, size_t n, void (*body)(void *context, int thread, size_t k),
                      void (*poll)(void *context), void *context)
{
    long polled = now_ns();
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_thread)
    for (size_t k = 0; k < n; k++) {
        int thread = omp_get_thread_num();
        body(context, thread, k);
        if (poll && thread == 0 && now_ns() - polled > poll_interval_ns) {
            poll(context);
            polled = now_ns();
        }
    }
}

void cev_threads_beside(int n_thread, void (*own)(void *context), void (*other)(void *context), void *context)
{
#pragma omp parallel num_threads(n_thread > 1 ? 2 : 1)
    {
        int thread = omp_get_thread_num(), last = omp_get_num_threads() - 1; /* it may get fewer than it asks for */
        if (thread == 0) own(context);
        if (thread == last) other(context);
    }
}
