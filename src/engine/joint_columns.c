/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of many columns of counts are independent, and the others as sums of them (an interpolative decomposition:
 * Gram-Schmidt with pivots, twice, in extended precision). Two nuclei with one form factor each have two independent
 * columns a flavour, whatever the number of forms. */
#include <math.h>
#include <string.h>

#include "joint_parts.h"

#define OF_THE_BIN 1e-12     /* what a column may miss in a bin, of its counts there */
#define OF_THE_LARGEST 1e-14 /* ... or of those of all columns, each in units of its largest bin */
#define NOISE 1e-13          /* shares that small are left out, if the column stays what it is */

cev_status joint_columns_create(cev_arena *arena, size_t n_bin, size_t n_signal, size_t n_shape, joint_columns *c)
{
    size_t n = n_signal * (1 + n_shape);
    *c = (joint_columns){.n_bin = n_bin, .n_signal = n_signal, .n_column = n};
    CEV_TRY(cev_new(arena, n * n_bin, &c->counts));
    CEV_TRY(cev_new(arena, n, &c->row_column));
    CEV_TRY(cev_new(arena, n * n, &c->share));
    CEV_TRY(cev_new(arena, n, &c->norm));
    CEV_TRY(cev_new(arena, n_bin, &c->profile));
    CEV_TRY(cev_new(arena, n * n_bin, &c->rest));
    CEV_TRY(cev_new(arena, n * n_bin, &c->basis));
    CEV_TRY(cev_new(arena, n * n, &c->part));
    return cev_new(arena, n, &c->solved);
}

static void scale_columns(joint_columns *c)
{
    memset(c->profile, 0, c->n_bin * sizeof *c->profile);
    for (size_t j = 0; j < c->n_column; j++) {
        const double *counts = c->counts + j * c->n_bin;
        c->norm[j] = 0;
        for (size_t i = 0; i < c->n_bin; i++) c->norm[j] = fmax(c->norm[j], fabs(counts[i]));
        for (size_t i = 0; i < c->n_bin && c->norm[j] > 0; i++)
            c->profile[i] = fmax(c->profile[i], fabs(counts[i]) / c->norm[j]);
    }
    for (size_t j = 0; j < c->n_column; j++)
        for (size_t i = 0; i < c->n_bin; i++)
            c->rest[j * c->n_bin + i] = c->counts[j * c->n_bin + i] != 0
                                            ? (long double)c->counts[j * c->n_bin + i] / c->norm[j] / c->profile[i]
                                            : 0;
    memset(c->part, 0, c->n_column * c->n_column * sizeof *c->part);
}

static long double dot(size_t n, const long double *a, const long double *b)
{
    long double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Whether what is left of a column, in units of its scale, is more than it may miss. */
static bool is_left(const joint_columns *c, size_t j)
{
    for (size_t i = 0; i < c->n_bin; i++) {
        if (c->profile[i] == 0) continue;
        double own = c->norm[j] > 0 ? fabs(c->counts[j * c->n_bin + i]) / c->norm[j] / c->profile[i] : 0;
        if (fabsl(c->rest[j * c->n_bin + i]) > OF_THE_BIN * own + OF_THE_LARGEST) return true;
    }
    return false;
}

static size_t largest_rest(const joint_columns *c, size_t n)
{
    long double most = 0;
    size_t best = n;
    for (size_t j = 0; j < n; j++) {
        long double square = dot(c->n_bin, c->rest + j * c->n_bin, c->rest + j * c->n_bin);
        if (square > most && is_left(c, j)) most = square, best = j;
    }
    return best;
}

/* The rest of column `pivot` becomes a direction, and leaves the rests of all columns. */
static void take_row(joint_columns *c, size_t pivot)
{
    size_t k = c->n_row++, n_bin = c->n_bin;
    long double *direction = c->basis + k * n_bin, *rest = c->rest + pivot * n_bin;
    long double length = sqrtl(dot(n_bin, rest, rest));
    c->row_column[k] = pivot;
    for (size_t i = 0; i < n_bin; i++) direction[i] = rest[i] / length;
    for (size_t j = 0; j < c->n_column; j++)
        for (int twice = 0; twice < 2; twice++)
            for (size_t d = twice ? 0 : k; d <= k; d++) {
                long double along = dot(n_bin, c->basis + d * n_bin, c->rest + j * n_bin);
                c->part[j * c->n_column + d] += along;
                for (size_t i = 0; i < n_bin; i++) c->rest[j * n_bin + i] -= along * c->basis[d * n_bin + i];
            }
}

/* Rows among the first n columns, until nothing is left of these. */
static void take_rows(joint_columns *c, size_t n)
{
    for (size_t pivot; c->n_row < c->n_column && (pivot = largest_rest(c, n)) < n;) take_row(c, pivot);
}

/* Column j in rows: its parts, by back substitution in those of the rows. */
static void solve_shares(joint_columns *c, size_t j)
{
    size_t n = c->n_column;
    memset(c->solved, 0, n * sizeof *c->solved);
    for (size_t k = c->n_row; k-- > 0;) {
        long double sum = c->part[j * n + k];
        for (size_t m = k + 1; m < c->n_row; m++) sum -= c->part[c->row_column[m] * n + k] * c->solved[m];
        c->solved[k] = sum / c->part[c->row_column[k] * n + k];
    }
    for (size_t k = 0; k < c->n_row; k++)
        c->share[j * n + k] = (double)(c->solved[k] * c->norm[j] / c->norm[c->row_column[k]]);
}

/* Whether column j is what its shares say, those below `least` left out. */
static bool is_sum(const joint_columns *c, size_t j, double least)
{
    size_t n = c->n_column;
    for (size_t i = 0; i < c->n_bin; i++) {
        long double sum = c->counts[j * c->n_bin + i];
        for (size_t k = 0; k < c->n_row; k++)
            if (fabsl(c->solved[k]) >= least)
                sum -= (long double)c->share[j * n + k] * c->counts[c->row_column[k] * c->n_bin + i];
        if (fabsl(sum) > OF_THE_BIN * fabs(c->counts[j * c->n_bin + i]) + OF_THE_LARGEST * c->norm[j] * c->profile[i])
            return false;
    }
    return true;
}

static void find_shares(joint_columns *c, size_t j)
{
    size_t n = c->n_column;
    memset(c->share + j * n, 0, n * sizeof *c->share);
    for (size_t k = 0; k < c->n_row; k++)
        if (c->row_column[k] == j) {
            c->share[j * n + k] = 1;
            return;
        }
    if (c->norm[j] == 0) return;
    solve_shares(c, j);
    if (!is_sum(c, j, NOISE)) return;
    for (size_t k = 0; k < c->n_row; k++)
        if (fabsl(c->solved[k]) < NOISE) c->share[j * n + k] = 0;
}

/* The signal's rows first: it is a sum of these alone. */
void joint_columns_reduce(joint_columns *c)
{
    c->n_row = 0;
    scale_columns(c);
    take_rows(c, c->n_signal);
    for (size_t j = 0; j < c->n_signal; j++) find_shares(c, j);
    take_rows(c, c->n_column);
    for (size_t j = c->n_signal; j < c->n_column; j++) find_shares(c, j);
}
