/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bins_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers ---------------------------------------------------------------------------------------------------- */

enum { NARROWEST = 12, DIGITS = 7, FEWEST_DECIMALS = 3, MOST_DIGITS = 16, SMALLEST_EXPONENT = -5 };

static int wider(int width, int other)
{
    return width > other ? width : other;
}

number_column number_column_of(size_t n, const double *value, double sum, const char *title)
{
    double largest = fabs(sum);
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(value[i]));
    int exponent = largest > 0 && isfinite(largest) ? (int)floor(log10(largest)) : 0;
    number_column c = {.decimals = wider(DIGITS - 1 - exponent, FEWEST_DECIMALS)};
    c.scientific = exponent < SMALLEST_EXPONENT || exponent >= MOST_DIGITS - 1;
    if (c.decimals > MOST_DIGITS - 1 - exponent) c.decimals = MOST_DIGITS - 1 - exponent;
    if (c.scientific) c.decimals = DIGITS - 1;
    c.width = c.scientific ? c.decimals + (int)strlen("-1.e+000")
                           : wider(exponent, 0) + c.decimals + (int)strlen("-1.");
    c.width = wider(wider(c.width, NARROWEST), (int)strlen(title));
    return c;
}

void print_number(const number_column *column, double x)
{
    bool too_small = x != 0 && fabs(x) < 100 * pow(10, -column->decimals);
    if (column->scientific)
        printf(" %*.*e", column->width, column->decimals, x);
    else if (too_small)
        printf(" %*.2e", column->width, x);
    else
        printf(" %*.*f", column->width, column->decimals, x);
}

void print_title(const number_column *column, const char *title)
{
    printf(" %*s", column->width, title);
}

/* --- edges ------------------------------------------------------------------------------------------------------ */

const char *unit_of(const cev_experiment *experiment)
{
    return cev_observable_units[experiment->response.kind->observable];
}

/* A thousandth of the narrowest bin is seen. */
static bool shows(size_t n, const double *edge, int decimals)
{
    for (size_t i = 0; i < n; i++) {
        char lo[400], hi[400];
        snprintf(lo, sizeof lo, "%.*f", decimals, edge[i]);
        snprintf(hi, sizeof hi, "%.*f", decimals, edge[i + 1]);
        double wrong = fmax(fabs(strtod(lo, NULL) - edge[i]), fabs(strtod(hi, NULL) - edge[i + 1]));
        if (wrong > 1e-3 * (edge[i + 1] - edge[i])) return false;
    }
    return true;
}

static number_column edges_column(size_t n, const double *edge, const char *unit)
{
    enum { MOST_DECIMALS = 17 };
    char text[400];
    number_column c = {0};
    while (c.decimals < MOST_DECIMALS && !shows(n, edge, c.decimals)) c.decimals++;
    int first = snprintf(text, sizeof text, "%.*f", c.decimals, edge[0]),
        last = snprintf(text, sizeof text, "%.*f", c.decimals, edge[n]);
    c.width = wider(wider(first, last), 10);
    c.width = wider(c.width, snprintf(text, sizeof text, "from %s", unit));
    return c;
}

static bool has_edges(const cev_experiment *experiment)
{
    return !cev_bins_are_numbered(experiment) && !experiment->response.kind->counting;
}

bin_columns bin_columns_of(const cev_experiment *experiment)
{
    const cev_bins *b = &experiment->bins;
    bin_columns c = {.experiment = experiment};
    if (b->time_edge_us) c.time = edges_column(b->n_time, b->time_edge_us, "us");
    if (has_edges(experiment)) {
        c.energy = edges_column(b->n_energy, b->edge, unit_of(experiment));
        return c;
    }
    c.name_width = NARROWEST;
    for (size_t i = 0; i < b->n_energy; i++) {
        char name[CEV_BIN_NAME_SIZE];
        cev_bin_energy_name(experiment, i, name, sizeof name);
        c.name_width = wider(c.name_width, (int)strlen(name));
    }
    return c;
}

static void print_edge_titles(const number_column *column, const char *unit)
{
    char from[32], to[32];
    snprintf(from, sizeof from, "from %s", unit);
    snprintf(to, sizeof to, "to %s", unit);
    printf("%*s %*s", column->width, from, column->width, to);
}

void print_bin_titles(const bin_columns *columns)
{
    const cev_experiment *x = columns->experiment;
    if (x->bins.time_edge_us) {
        print_edge_titles(&columns->time, "us");
        putchar(' ');
    }
    if (columns->name_width)
        printf("%-*s", columns->name_width, unit_of(x)[0] == 'b' ? "bin" : "recoils");
    else
        print_edge_titles(&columns->energy, unit_of(x));
}

static void print_edges(const number_column *column, const double *edge)
{
    printf("%*.*f %*.*f", column->width, column->decimals, edge[0], column->width, column->decimals, edge[1]);
}

void print_bin(const bin_columns *columns, size_t bin)
{
    const cev_bins *b = &columns->experiment->bins;
    if (b->time_edge_us) {
        print_edges(&columns->time, b->time_edge_us + bin / b->n_energy);
        putchar(' ');
    }
    if (!columns->name_width) {
        print_edges(&columns->energy, b->edge + bin % b->n_energy);
        return;
    }
    char name[CEV_BIN_NAME_SIZE];
    cev_bin_energy_name(columns->experiment, bin, name, sizeof name);
    printf("%-*s", columns->name_width, name);
}

void print_in_place_of_bin(const bin_columns *columns, const char *word)
{
    int width = columns->name_width ? columns->name_width : 2 * columns->energy.width + 1;
    if (columns->experiment->bins.time_edge_us) width += 2 * columns->time.width + 2;
    printf("%-*s", width, word);
}
