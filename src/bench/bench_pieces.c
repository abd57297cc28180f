/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clock, medians and numbers of measurements. */
#include <math.h>
#include <time.h>

#include "bench.h"

double bench_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

json_t *bench_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

double bench_median(double *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && x[k] < x[k - 1]; k--) {
            double smaller = x[k];
            x[k] = x[k - 1];
            x[k - 1] = smaller;
        }
    return x[n / 2];
}
