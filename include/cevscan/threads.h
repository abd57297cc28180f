/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one OpenMP loop of the program. */
#ifndef CEVSCAN_THREADS_H
#define CEVSCAN_THREADS_H

#include <stddef.h>

/* Calls body(context, thread, k) once for each k in 0 .. n - 1, on n_thread threads numbered from 0; calls of different k
 * must not touch the same memory. poll(context), if not NULL, is called by the calling thread (thread 0, the only one that
 * may use MPI) about every half millisecond in between. */
void cev_threads_loop(int n_thread, size_t n, void (*body)(void *context, int thread, size_t k), void (*poll)(void *context),
                      void *context);

#endif
