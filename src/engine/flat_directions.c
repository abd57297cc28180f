/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/flat_directions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is smaller than that, in units of the bounds, is rounding. */
static const double negligible = 1e-4;

/* The largest element of the rows from `first` on, in columns that no row has for its own yet. */
static double find_pivot(const cev_flat_directions *f, size_t first, size_t n, const bool *taken, size_t *row,
                         size_t *column)
{
    double largest = 0;
    for (size_t r = first; r < f->n; r++)
        for (size_t k = 0; k < n; k++) {
            if (taken[k] || fabs(f->along[r][k]) <= largest * (1 + 1e-9)) continue; /* of equal ones the first */
            largest = fabs(f->along[r][k]);
            *row = r;
            *column = k;
        }
    return largest;
}

static void swap_rows(double *a, double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        double x = a[k];
        a[k] = b[k];
        b[k] = x;
    }
}

/* Gauss and Jordan: each row has a column to itself, where it is 1. */
static void reduce(cev_flat_directions *f, size_t n)
{
    bool taken[CEV_MAX_PROFILED] = {false};
    for (size_t r = 0; r < f->n; r++) {
        size_t row = r, column = 0;
        double pivot = find_pivot(f, r, n, taken, &row, &column);
        if (pivot <= negligible) {
            f->n = r;
            return;
        }
        swap_rows(f->along[r], f->along[row], n);
        taken[column] = true;
        double scale = f->along[r][column];
        for (size_t k = 0; k < n; k++) f->along[r][k] /= scale;
        for (size_t other = 0; other < f->n; other++) {
            double times = f->along[other][column];
            for (size_t k = 0; other != r && k < n; k++) f->along[other][k] -= times * f->along[r][k];
        }
    }
}

/* From units of the bounds to those of the parameters. */
static void to_units(const cev_roster *roster, double *along)
{
    double first = 0;
    for (size_t k = 0; k < roster->n_profiled; k++) {
        const cev_profiled *p = &roster->profiled[k];
        along[k] = fabs(along[k]) <= negligible ? 0 : along[k] * (p->high - p->low);
        if (first == 0) first = along[k];
    }
    for (size_t k = 0; k < roster->n_profiled && first != 0; k++) along[k] = along[k] == 0 ? 0 : along[k] / first;
}

void cev_flat_directions_of(const cev_roster *roster, const cev_fitted_point *point, cev_flat_directions *out)
{
    out->n = point->n_flat;
    memcpy(out->along, point->flat, sizeof out->along);
    reduce(out, roster->n_profiled);
    for (size_t r = 0; r < out->n; r++) to_units(roster, out->along[r]);
}

void cev_flat_direction_text(const cev_roster *roster, const double *along, char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (size_t k = 0; k < roster->n_profiled && used < size; k++) {
        const char *name = cev_roster_parameter(roster, roster->profiled[k].index)->name;
        double a = fabs(along[k]);
        char times[32] = "";
        if (along[k] == 0) continue;
        if (fabs(a - 1) >= 5e-3) snprintf(times, sizeof times, "%.2g ", a);
        used += (size_t)snprintf(out + used, size - used, "%s%s%s", used ? along[k] < 0 ? " - " : " + " : "", times,
                                 name);
    }
}
