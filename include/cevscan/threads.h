/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The OpenMP of the program: one loop, and two things at once. */
#ifndef CEVSCAN_THREADS_H
#define CEVSCAN_THREADS_H

#include <stddef.h>

/* Calls body(context, thread, k) once for each k in 0 .. n - 1, on n_thread threads numbered from 0; calls of
 * different k must not touch the same memory. poll(context), if not NULL, is called by the calling thread (thread 0,
 * the only one that may use MPI) about every half millisecond in between. */
void cev_threads_loop(int n_thread, size_t n, void (*body)(void *context, int thread, size_t k),
                      void (*poll)(void *context), void *context);

/* Runs own(context) on the calling thread and other(context) on a second one meanwhile; or after it, where n_thread
 * is 1. */
void cev_threads_beside(int n_thread, void (*own)(void *context), void (*other)(void *context), void *context);

#endif
