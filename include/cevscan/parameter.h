/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Description of a number that a user can set. One table of these per model (interaction, source, response, ...)
 * drives the parsing of configurations, `cevscan describe`, the labels in the map file and the plots. */
#ifndef CEVSCAN_PARAMETER_H
#define CEVSCAN_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cev_parameter {
    const char *name;     /* as written in YAML; ends in its unit where it has one: distance_m */
    const char *unit;     /* "" for a pure number */
    const char *label;    /* TeX, without the dollar signs, for plots */
    const char *help;     /* one line */
    double default_value; /* NaN: the user must give it, unless it is optional */
    double minimum;       /* smallest and largest value that make sense, inclusive */
    double maximum;
    bool slow;     /* changes the shape of a spectrum: templates are built anew for each value */
    bool whole;    /* takes whole numbers only */
    bool not_zero; /* zero, inside the range, is no value of it */
    bool optional; /* stays NaN if it is not given: its model does without, or takes another in its place */
    /* Of an interaction: a coupling to the matter that neutrinos pass, within a flavour, or between two. Changes
     * nothing but where a source propagates them with it: cev_interaction_in_matter(). */
    bool in_matter, mixes_flavours;
    bool convention;         /* a choice that papers make differently: the standard model itself depends on it */
    bool only_zero;          /* a coupling between flavours that this scan cannot have: see there */
    const char *idle_beside; /* changes nothing where this one is given; NULL: none */
} cev_parameter;

enum { CEV_MAX_MODEL_PARAMETERS = 32 }; /* of one source, form factor, response or interaction */

/* How every model that can be chosen by name introduces itself; the first member of its kind's struct. */
typedef struct cev_card {
    const char *name, *title, *citation;
    const cev_parameter *parameters;
    size_t n_parameter;        /* at most CEV_MAX_MODEL_PARAMETERS */
    const char *const *nested; /* names of keys that hold more than a number: further models, tables; required */
    size_t n_nested;           /* at most CEV_MAX_NESTED */
} cev_card;

enum { CEV_MAX_NESTED = 4, CEV_MAX_KINDS = 16 }; /* of a card; of sources, form factors and so on, each */

/* Whether two values are the same: equal, or both not given. */
static inline bool cev_same_value(double a, double b)
{
    return a == b || (a != a && b != b);
}

/* Index of `name` in `table`, or `n` if it is not there. */
size_t cev_parameter_index(const cev_parameter *table, size_t n, const char *name);

/* What is wrong with a value inside the range, as words that follow "expected"; NULL: nothing. */
const char *cev_parameter_complaint(const cev_parameter *parameter, double value);

/* Writes the default of each of `n` parameters to value[]. */
void cev_parameter_defaults(const cev_parameter *table, size_t n, double *value);

#endif
