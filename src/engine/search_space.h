/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a search for a best fit moves in: the ranges of the fast parameters of one member of a scan.
 *
 * Ranges are boxes: one, or, since a signed_log axis has two branches with a gap between them, one for each choice of
 * branches. A place in a box has coordinates from 0 to 1 along each axis, on the axis' own scale between the ends of
 * its branch; how many points the axis has in between plays no role. */
#ifndef CEVSCAN_ENGINE_SEARCH_SPACE_H
#define CEVSCAN_ENGINE_SEARCH_SPACE_H

#include "cevscan/best_fits.h"

enum { SEARCH_MAX_BOXES = 1 << CEV_MAX_AXES };

typedef struct search_box {
    double end[CEV_MAX_AXES][2]; /* values at the coordinates 0 and 1 */
} search_box;

typedef struct search_space {
    const cev_combination *c;
    size_t member;
    size_t n_parameter;
    double theta[CEV_MAX_THETA]; /* of all that is not searched; slow axes have their first values */
    size_t n, axis[CEV_MAX_AXES], parameter[CEV_MAX_AXES];                /* searched */
    size_t n_slow, slow_axis[CEV_MAX_AXES], slow_parameter[CEV_MAX_AXES]; /* stepped through */
    size_t n_box;
    search_box box[SEARCH_MAX_BOXES];
} search_space;

typedef struct search_place {
    size_t box;
    double u[CEV_MAX_AXES];
    double chi2; /* infinite where there is none */
} search_place;

/* One who searches: a thread with its scratch memory, and what it asks whether to stop. */
typedef struct searcher {
    const search_space *space;
    cev_units_scratch *scratch;
    cev_stop_wanted *stop; /* or NULL */
    void *context;
    size_t unasked; /* fits since it last asked */
} searcher;

/* Of the scan that the combination evaluates. */
void search_space_open(const cev_combination *c, size_t member, search_space *out);

const cev_axis *search_axis(const search_space *space, size_t axis);

/* Value of searched parameter d at a place; always within the range, and exactly its end at 0 and 1. */
double search_value(const search_space *space, const search_place *place, size_t d);

/* The place of values at[n_axis]. */
void search_place_of(const search_space *space, const double *at, search_place *out);

/* Writes the values of the searched parameters to at[n_axis]. */
void search_place_values(const search_space *space, const search_place *place, double *at);

/* Whether theta[n_parameter] is a point of the space: within the ranges and bounds, with its fixed parameters, nothing
 * that follows others, and all constraints at their centres. Slow parameters need not have a value of their axes. */
bool search_space_contains(const search_space *space, const double *theta);

/* CEV_E_STOPPED if everybody is to stop. */
cev_status search_ask(searcher *s);

/* chi2 of a set at place[n]; CEV_E_STOPPED. */
cev_status search_evaluate(searcher *s, size_t set, size_t n, search_place *place);

/* Constraints of what no fit moves, at a place. */
double search_penalty(const searcher *s, const search_place *place);

/* chi2 of one unit at places [n], infinite where there is none, into chi2[n]; CEV_E_STOPPED. */
cev_status search_evaluate_unit(searcher *s, size_t u, size_t n, const search_place *place, double *chi2);

#endif
