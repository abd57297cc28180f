/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "search_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search_descent.h"
#include "units_parts.h"

enum { LATTICES = 8, LEAST_SIDE = 3, MOST_STARTS = 64, MOST_SLABS = 8, MOST_POLISHES = 10 };
static const double found_again = 1e-7, least_gain = 1e-8; /* of chi2 */
static const double first_radius_again = 0.02;

/* What a search spends, by its dimensions. */
typedef struct effort {
    size_t samples, samples_again; /* of the first lattice, and of each later one, over all boxes */
    size_t minima, slabs;          /* local minima that are descended from; pieces of each axis that have a start */
    size_t starts;                 /* in all, if these are fewer */
    size_t finishers;              /* descents that go to the end */
    size_t times;                  /* lattices that must lead to the same lowest minimum */
} effort;

static const effort efforts[CEV_MAX_AXES + 1] = {[1] = {512, 256, 16, 1, 1, 8, 2},
                                                 [2] = {2048, 1024, 16, 2, 6, 8, 2},
                                                 [3] = {2048, 1024, 16, 8, 32, 24, 3},
                                                 [4] = {4096, 2048, 24, 8, 48, 48, 3}};

/* Samples on a lattice: side[d] along each axis of each box. The first one has the walls on it; the others lie in
 * between, each with a shift of its own. */
typedef struct lattice {
    size_t side, n;              /* along each axis; of all boxes */
    const search_place **sorted; /* [n], scratch */
    search_place *place;         /* [n], of which box and u are known; chi2 is that of the set in work */
    double **unit;               /* [n_unit][n], NULL: not known yet */
} lattice;

struct search_samples {
    cev_arena *arena;
    const search_space *space;
    lattice lattice[LATTICES];
};

/* --- lattices --------------------------------------------------------------------------------------------------- */

static size_t points_of_box(const search_space *space, size_t side)
{
    size_t n = 1;
    for (size_t d = 0; d < space->n; d++) n *= side;
    return n;
}

static size_t side_of(const search_space *space, size_t k)
{
    size_t most = k == 0 ? efforts[space->n].samples : efforts[space->n].samples_again, side = LEAST_SIDE;
    while (points_of_box(space, side + 1) * space->n_box <= most) side++;
    return side;
}

static void lay_place(const search_space *space, size_t k, size_t side, size_t number, search_place *out)
{
    *out = (search_place){.box = number / points_of_box(space, side)};
    number %= points_of_box(space, side);
    for (size_t d = 0; d < space->n; d++, number /= side) {
        /* The golden section and its like: shifts that differ from lattice to lattice and from axis to axis. */
        double shift = fmod((double)k * 0.6180339887498949 + (double)d * 0.4142135623730950, 1);
        out->u[d] = k == 0 ? (double)(number % side) / (double)(side - 1)
                           : ((double)(number % side) + shift) / (double)side;
    }
}

static cev_status lay_lattice(search_samples *samples, size_t k)
{
    lattice *l = &samples->lattice[k];
    const search_space *space = samples->space;
    if (l->place) return CEV_OK;
    l->side = side_of(space, k);
    l->n = points_of_box(space, l->side) * space->n_box;
    CEV_TRY(cev_new(samples->arena, cev_units_n(cev_combination_units(space->c)), &l->unit));
    CEV_TRY(cev_new(samples->arena, l->n, &l->sorted));
    CEV_TRY(cev_new(samples->arena, l->n, &l->place));
    for (size_t p = 0; p < l->n; p++) lay_place(space, k, l->side, p, &l->place[p]);
    return CEV_OK;
}

static cev_status sample_unit(searcher *s, search_samples *samples, lattice *l, size_t u)
{
    double *chi2;
    if (l->unit[u]) return CEV_OK;
    CEV_TRY(cev_new(samples->arena, l->n, &chi2));
    CEV_TRY(search_evaluate_unit(s, u, l->n, l->place, chi2));
    l->unit[u] = chi2;
    return CEV_OK;
}

static cev_status sample_set(searcher *s, search_samples *samples, size_t k, size_t set)
{
    CEV_TRY(lay_lattice(samples, k));
    lattice *l = &samples->lattice[k];
    const set_units *units = &cev_combination_units(samples->space->c)->set[set];
    if (cev_combination_n_profiled(samples->space->c)) return search_evaluate(s, set, l->n, l->place);
    for (size_t p = 0; p < l->n; p++) l->place[p].chi2 = search_penalty(s, &l->place[p]);
    for (size_t j = 0; j < units->n; j++) {
        CEV_TRY(sample_unit(s, samples, l, units->unit[j]));
        for (size_t p = 0; p < l->n; p++) l->place[p].chi2 += l->unit[units->unit[j]][p];
    }
    return CEV_OK;
}

cev_status search_samples_create(const search_space *space, search_samples **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->space = space;
    cev_status status = cev_arena_create(&(*out)->arena);
    if (status != CEV_OK) search_samples_destroy(out);
    return status;
}

void search_samples_destroy(search_samples **samples)
{
    if (!samples || !*samples) return;
    cev_arena_destroy(&(*samples)->arena);
    free(*samples);
    *samples = NULL;
}

/* --- starts ----------------------------------------------------------------------------------------------------- */

/* Whether no neighbour is lower, diagonal ones included. */
static bool is_local_minimum(const lattice *l, size_t n, size_t p)
{
    size_t n_neighbour = 1;
    for (size_t d = 0; d < n; d++) n_neighbour *= 3;
    for (size_t k = 0; k < n_neighbour; k++) {
        size_t other = p, stride = 1, rest = k;
        bool exists = true;
        for (size_t d = 0; d < n; d++, stride *= l->side, rest /= 3) {
            size_t i = p / stride % l->side;
            exists &= !(rest % 3 == 0 && i == 0) && !(rest % 3 == 2 && i + 1 == l->side);
            other = other + rest % 3 * stride - stride;
        }
        if (exists && l->place[other].chi2 < l->place[p].chi2) return false;
    }
    return true;
}

static bool are_neighbours(const search_place *a, const search_place *b, size_t n, size_t side)
{
    bool near = a->box == b->box;
    for (size_t d = 0; d < n; d++) near &= fabs(a->u[d] - b->u[d]) < 1.5 / (double)side;
    return near;
}

/* Lowest first; of equals, the first one of the lattice. */
static int compare_places(const void *a, const void *b)
{
    const search_place *const *x = a, *const *y = b;
    if ((*x)->chi2 != (*y)->chi2) return (*x)->chi2 < (*y)->chi2 ? -1 : 1;
    return *x < *y ? -1 : 1;
}

static bool is_new(const lattice *l, size_t n, const search_place *place, size_t n_start, const search_place *start)
{
    for (size_t k = 0; k < n_start; k++)
        if (are_neighbours(place, &start[k], n, l->side)) return false;
    return true;
}

/* Local minima, or any low places. */
static size_t add_lowest(const lattice *l, size_t n, bool minima_only, size_t n_start, size_t most, search_place *start)
{
    for (size_t p = 0; p < l->n && n_start < most && isfinite(l->sorted[p]->chi2); p++) {
        const search_place *place = l->sorted[p];
        if (minima_only && !is_local_minimum(l, n, (size_t)(place - l->place))) continue;
        if (is_new(l, n, place, n_start, start)) start[n_start++] = *place;
    }
    return n_start;
}

/* Whether a place is the first in one of the slabs that each axis of its box is cut into; marks them as seen. */
static bool opens_slab(bool seen[SEARCH_MAX_BOXES][CEV_MAX_AXES][MOST_SLABS], size_t n_slab, size_t n,
                       const search_place *place)
{
    bool opens = false;
    for (size_t d = 0; d < n; d++) {
        size_t slab = (size_t)(place->u[d] * (double)n_slab);
        bool *here = &seen[place->box][d][slab < n_slab ? slab : n_slab - 1];
        opens |= !*here;
        *here = true;
    }
    return opens;
}

/* The lowest places of slabs across each axis. */
static size_t add_from_slabs(const lattice *l, size_t n, size_t n_slab, size_t n_start, search_place *start)
{
    bool seen[SEARCH_MAX_BOXES][CEV_MAX_AXES][MOST_SLABS] = {{{false}}};
    for (size_t p = 0; p < l->n && n_start < MOST_STARTS && isfinite(l->sorted[p]->chi2); p++)
        if (opens_slab(seen, n_slab, n, l->sorted[p]) && is_new(l, n, l->sorted[p], n_start, start))
            start[n_start++] = *l->sorted[p];
    return n_start;
}

/* Local minima of the lattice; since the lowest places may all be in one valley, and the lowest minimum in another,
 * some from all over the range; and since a valley may run between the places of the lattice, further low ones. */
static size_t choose_starts(const lattice *l, size_t n, search_place *start)
{
    const effort *e = &efforts[n];
    for (size_t p = 0; p < l->n; p++) l->sorted[p] = &l->place[p];
    qsort(l->sorted, l->n, sizeof *l->sorted, compare_places);
    size_t n_start = add_lowest(l, n, true, 0, e->minima, start);
    n_start = add_from_slabs(l, n, e->slabs, n_start, start);
    return add_lowest(l, n, false, n_start, e->starts, start);
}

static cev_status search_from(searcher *s, search_samples *samples, size_t k, size_t set, search_place *lowest)
{
    search_place start[MOST_STARTS];
    size_t n = samples->space->n;
    CEV_TRY(sample_set(s, samples, k, set));
    const lattice *l = &samples->lattice[k];
    size_t n_start = choose_starts(l, n, start);
    *lowest = (search_place){.chi2 = INFINITY};
    CEV_TRY(search_descend(s, set, n_start, efforts[n].finishers, 1 / (double)l->side, start));
    for (size_t i = 0; i < n_start; i++)
        if (start[i].chi2 < lowest->chi2) *lowest = start[i];
    return CEV_OK;
}

/* Descends again from the lowest place, as long as that helps: a descent through a narrow valley that bends may have
 * ended before its end. */
static cev_status polish(searcher *s, size_t set, search_place *lowest)
{
    double before = INFINITY;
    for (size_t k = 0; k < MOST_POLISHES && lowest->chi2 < before - least_gain; k++) {
        before = lowest->chi2;
        CEV_TRY(search_descend(s, set, 1, 1, first_radius_again, lowest));
    }
    return CEV_OK;
}

cev_status search_set(searcher *s, search_samples *samples, size_t set, search_place *out)
{
    *out = (search_place){.chi2 = INFINITY};
    if (samples->space->n == 0) return search_evaluate(s, set, 1, out);
    size_t times = 0;
    for (size_t k = 0; k < LATTICES && times < efforts[samples->space->n].times; k++) {
        search_place found;
        CEV_TRY(search_from(s, samples, k, set, &found));
        times = found.chi2 < out->chi2 - found_again ? 1 : times + (found.chi2 <= out->chi2 + found_again);
        if (found.chi2 < out->chi2) *out = found;
    }
    return isfinite(out->chi2) ? polish(s, set, out) : CEV_OK;
}
