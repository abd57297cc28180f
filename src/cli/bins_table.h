/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of numbers by bin: what all commands that print bins share. */
#ifndef CEVSCAN_CLI_BINS_TABLE_H
#define CEVSCAN_CLI_BINS_TABLE_H

#include <stdbool.h>

#include "cevscan/experiment.h"

/* How a column of edges or of other numbers is written: decimals that are the same in all its rows, or powers of ten
 * where it would have too many digits. */
typedef struct number_column {
    int width, decimals;
    bool scientific;
} number_column;

/* Seven digits of the largest of value[n] and sum, and three decimals at least; as wide as the title at least. */
number_column number_column_of(size_t n, const double *value, double sum, const char *title);

/* With a space before it. A number of which fewer than three digits would be left is written with a power of ten. */
void print_number(const number_column *column, double x);
void print_title(const number_column *column, const char *title);

/* The columns that say which bin it is: edges of energy, and of time; or, where there are no edges, a name. */
typedef struct bin_columns {
    const cev_experiment *experiment;
    number_column energy, time;
    int name_width; /* 0: edges */
} bin_columns;

bin_columns bin_columns_of(const cev_experiment *experiment);
void print_bin_titles(const bin_columns *columns);
void print_bin(const bin_columns *columns, size_t bin);

/* A word in their place, as wide as they are: "sum". */
void print_in_place_of_bin(const bin_columns *columns, const char *word);

/* The unit of an experiment's observable. */
const char *unit_of(const cev_experiment *experiment);

#endif
