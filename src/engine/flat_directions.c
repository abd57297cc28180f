/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/flat_directions.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is smaller than that, in units of the bounds, is rounding. */
static const double negligible = 1e-4;

/* People are not told of what moves by less than this share of the largest. */
static const double small = 0.01;

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

static double width(const cev_roster *roster, size_t k)
{
    return roster->profiled[k].high - roster->profiled[k].low;
}

/* From units of the bounds to those of the parameters. */
static void to_units(const cev_roster *roster, double *along)
{
    double first = 0, largest = 0;
    for (size_t k = 0; k < roster->n_profiled; k++) {
        along[k] = fabs(along[k]) <= negligible ? 0 : along[k] * width(roster, k);
        if (first == 0) first = along[k];
        largest = fmax(largest, fabs(along[k]));
    }
    for (size_t k = 0; k < roster->n_profiled && first != 0; k++)
        along[k] = along[k] == 0 ? 0 : along[k] / copysign(largest, first);
}

/* Which parameters of a direction are said; returns how many. */
static size_t choose(const cev_roster *roster, const double *along, bool said[CEV_MAX_PROFILED])
{
    double largest = 0;
    size_t n = 0;
    for (size_t k = 0; k < roster->n_profiled; k++) largest = fmax(largest, fabs(along[k]) / width(roster, k));
    for (size_t k = 0; k < roster->n_profiled; k++) {
        said[k] = along[k] != 0 && fabs(along[k]) / width(roster, k) >= small * largest;
        n += said[k];
    }
    return n;
}

/* Those of few parameters first; of equals, as they were. */
static void sort(const cev_roster *roster, cev_flat_directions *f)
{
    bool said[CEV_MAX_PROFILED];
    for (size_t r = 1; r < f->n; r++)
        for (size_t k = r; k > 0 && choose(roster, f->along[k], said) < choose(roster, f->along[k - 1], said); k--)
            swap_rows(f->along[k], f->along[k - 1], roster->n_profiled);
}

void cev_flat_directions_of(const cev_roster *roster, const cev_fitted_point *point, cev_flat_directions *out)
{
    out->n = point->n_flat;
    memcpy(out->along, point->flat, sizeof out->along);
    reduce(out, roster->n_profiled);
    for (size_t r = 0; r < out->n; r++) to_units(roster, out->along[r]);
    sort(roster, out);
}

/* --- in words ----------------------------------------------------------------------------------------------------- */

static const char *name_of(const cev_roster *roster, size_t k)
{
    return cev_roster_parameter(roster, roster->profiled[k].index)->name;
}

/* At the end of out[size]; what does not fit is left out. */
static void __attribute__((format(printf, 3, 4))) add(char *out, size_t size, const char *format, ...)
{
    size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
}

void cev_flat_direction_text(const cev_roster *roster, const double *along, char *out, size_t size)
{
    bool said[CEV_MAX_PROFILED], first = true;
    *out = '\0';
    choose(roster, along, said);
    for (size_t k = 0; k < roster->n_profiled; k++) {
        char times[32] = "";
        if (!said[k]) continue;
        if (fabs(fabs(along[k]) - 1) >= 5e-3) snprintf(times, sizeof times, "%.2g ", fabs(along[k]));
        add(out, size, "%s%s%s",
            first          ? along[k] < 0 ? "-" : ""
            : along[k] < 0 ? " - "
                           : " + ",
            times, name_of(roster, k));
        first = false;
    }
}

/* "5 directions among NAME, NAME and NAME" */
static void count_them(const cev_roster *roster, const cev_flat_directions *f, char *out, size_t size)
{
    bool said[CEV_MAX_PROFILED], takes_part[CEV_MAX_PROFILED] = {false};
    size_t n = 0, written = 0;
    for (size_t r = 0; r < f->n; r++) {
        choose(roster, f->along[r], said);
        for (size_t k = 0; k < roster->n_profiled; k++) takes_part[k] |= said[k];
    }
    for (size_t k = 0; k < roster->n_profiled; k++) n += takes_part[k];
    add(out, size, "%zu directions among ", f->n);
    for (size_t k = 0; k < roster->n_profiled; k++) {
        if (!takes_part[k]) continue;
        add(out, size, "%s%s", written == 0 ? "" : written + 1 == n ? " and " : ", ", name_of(roster, k));
        written++;
    }
}

void cev_flat_directions_text(const cev_roster *roster, const cev_flat_directions *flat, char *out, size_t size)
{
    bool many = flat->n > CEV_FLAT_DIRECTIONS_NAMED;
    *out = '\0';
    if (many) {
        count_them(roster, flat, out, size);
        add(out, size, " change nothing: ");
    }
    for (size_t r = 0; r < flat->n && r < CEV_FLAT_DIRECTIONS_NAMED; r++) {
        char one[CEV_FLAT_DIRECTION_SIZE];
        cev_flat_direction_text(roster, flat->along[r], one, sizeof one);
        add(out, size, "%s%s", r ? "; " : "", one);
    }
    if (many)
        add(out, size, "; and %zu more", flat->n - CEV_FLAT_DIRECTIONS_NAMED);
    else if (flat->n > 0)
        add(out, size, flat->n > 1 ? " change nothing" : " changes nothing");
}
