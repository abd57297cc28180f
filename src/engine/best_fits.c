/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rounds of items. Where a member has slow axes, the first round looks at nodes that are spread evenly over them, the
 * later ones closer and closer around the best node of each set; elsewhere there is one round. */
#include "cevscan/best_fits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model_parts.h"
#include "search_descent.h"
#include "search_set.h"
#include "units_parts.h"

enum {
    SETS_OF_ITEM = 16, /* share their samples */
    SLOW_NODES = 16,   /* of all slow axes together, in a round */
    NO_ITEM = -1
};

/* The best fit of a set in a member. */
typedef struct quest {
    cev_best_fit best;
    bool open;                                    /* there is more to look at */
    ptrdiff_t item;                               /* of this round, that the best comes from; or NO_ITEM */
    size_t low[CEV_MAX_AXES], high[CEV_MAX_AXES]; /* numbers of the slow axes' values that are left */
    size_t number[CEV_MAX_AXES];                  /* those of the best */
} quest;

typedef struct fit_item {
    size_t member, first_set, n_set;
    size_t number[CEV_MAX_AXES]; /* of the values of the slow axes */
} fit_item;

struct cev_best_fits {
    cev_combination *c;
    size_t n_set, n_member, sets_of_item, most_items;
    search_space *space; /* [n_member] */
    void *state;         /* n_item, quest[n_set][n_member], item[most_items] */
    size_t state_size;
    size_t *n_item;
    quest *quest;
    fit_item *item;
};

static quest *quest_of(const cev_best_fits *b, size_t set, size_t member)
{
    return &b->quest[set * b->n_member + member];
}

/* --- nodes of slow axes ----------------------------------------------------------------------------------------- */

static size_t nodes_along(const search_space *space, const quest *q, size_t d)
{
    size_t n = q->high[d] - q->low[d] + 1, most = (size_t)(pow(SLOW_NODES, 1.0 / (double)space->n_slow) + 1e-9);
    return n < most ? n : most;
}

static size_t n_node(const search_space *space, const quest *q)
{
    size_t n = 1;
    for (size_t d = 0; d < space->n_slow; d++) n *= nodes_along(space, q, d);
    return n;
}

static void node_number(const search_space *space, const quest *q, size_t k, size_t number[CEV_MAX_AXES])
{
    memset(number, 0, CEV_MAX_AXES * sizeof *number);
    for (size_t d = 0; d < space->n_slow; d++) {
        size_t n = nodes_along(space, q, d);
        number[d] = q->low[d] + (n > 1 ? k % n * (q->high[d] - q->low[d]) / (n - 1) : 0);
        k /= n;
    }
}

static bool same_numbers(const size_t *a, const size_t *b)
{
    return !memcmp(a, b, CEV_MAX_AXES * sizeof *a);
}

/* Whether a set wants to be looked at in an item. */
static bool wants(const cev_best_fits *b, const fit_item *i, size_t set)
{
    const search_space *space = &b->space[i->member];
    const quest *q = quest_of(b, set, i->member);
    bool wanted = false;
    for (size_t k = 0; q->open && !wanted && k < n_node(space, q); k++) {
        size_t number[CEV_MAX_AXES];
        node_number(space, q, k, number);
        wanted = same_numbers(number, i->number);
    }
    return wanted;
}

/* To the neighbours of the best node; false once nothing is left between them, or where there are too few nodes to
 * tell. */
static bool narrow(const search_space *space, quest *q)
{
    bool narrower = false;
    for (size_t d = 0; d < space->n_slow; d++) {
        size_t n = nodes_along(space, q, d), width = q->high[d] - q->low[d],
               step = n > 1 ? (width + n - 2) / (n - 1) : 0;
        if (n == width + 1) continue; /* every value was tried */
        size_t low = q->number[d] > q->low[d] + step ? q->number[d] - step : q->low[d];
        size_t high = q->number[d] + step < q->high[d] ? q->number[d] + step : q->high[d];
        narrower |= high - low < width;
        q->low[d] = low;
        q->high[d] = high;
    }
    return narrower;
}

/* --- items ------------------------------------------------------------------------------------------------------ */

static void lay_item(cev_best_fits *b, const fit_item *wanted)
{
    for (size_t k = 0; k < *b->n_item; k++)
        if (b->item[k].member == wanted->member && b->item[k].first_set == wanted->first_set &&
            same_numbers(b->item[k].number, wanted->number))
            return;
    b->item[(*b->n_item)++] = *wanted;
}

/* The items that a set needs; those of a member without slow axes hold some sets, the others all. */
static void lay_items_of(cev_best_fits *b, size_t member, size_t set)
{
    const search_space *space = &b->space[member];
    const quest *q = quest_of(b, set, member);
    size_t first = space->n_slow ? 0 : set / SETS_OF_ITEM * SETS_OF_ITEM,
           most = space->n_slow ? b->n_set : SETS_OF_ITEM;
    fit_item i = {.member = member, .first_set = first, .n_set = b->n_set - first < most ? b->n_set - first : most};
    for (size_t k = 0; q->open && k < n_node(space, q); k++) {
        node_number(space, q, k, i.number);
        lay_item(b, &i);
    }
}

static void lay_items(cev_best_fits *b)
{
    *b->n_item = 0;
    for (size_t m = 0; m < b->n_member; m++)
        for (size_t s = 0; s < b->n_set; s++) {
            quest_of(b, s, m)->item = NO_ITEM;
            lay_items_of(b, m, s);
        }
}

/* --- from beginning to end -------------------------------------------------------------------------------------- */

static void start_quest(const search_space *space, const double *truth, bool observed, quest *q)
{
    *q = (quest){.best = {.chi2 = INFINITY, .at = {(double)space->member}}, .open = true};
    for (size_t d = 0; d < space->n_slow; d++) q->high[d] = search_axis(space, space->slow_axis[d])->n - 1;
    if (observed || !truth || !search_space_contains(space, truth)) return;
    q->open = false;
    q->best.chi2 = 0;
    for (size_t d = 0; d < space->n; d++) q->best.at[space->axis[d]] = truth[space->parameter[d]];
    for (size_t d = 0; d < space->n_slow; d++) q->best.at[space->slow_axis[d]] = truth[space->slow_parameter[d]];
}

static cev_status allocate(cev_best_fits *b)
{
    b->space = calloc(b->n_member, sizeof *b->space);
    if (!b->space) return cev_fail(CEV_E_MEMORY, "out of memory");
    bool slow = false;
    for (size_t m = 0; m < b->n_member; m++) {
        search_space_open(b->c, m, &b->space[m]);
        slow |= b->space[m].n_slow > 0;
    }
    b->sets_of_item = slow || b->n_set < SETS_OF_ITEM ? b->n_set : SETS_OF_ITEM;
    b->most_items = b->n_member * b->n_set * (slow ? SLOW_NODES : 1);
    size_t quests = b->n_set * b->n_member * sizeof(quest);
    b->state_size = sizeof *b->n_item + quests + b->most_items * sizeof *b->item;
    b->state = calloc(1, b->state_size);
    if (!b->state) return cev_fail(CEV_E_MEMORY, "out of memory");
    b->n_item = b->state;
    b->quest = (quest *)(b->n_item + 1);
    b->item = (fit_item *)(b->quest + b->n_set * b->n_member);
    return CEV_OK;
}

cev_status cev_best_fits_create(cev_combination *c, size_t n_set, const double *truth, const bool *observed,
                                cev_best_fits **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->c = c;
    (*out)->n_set = n_set;
    (*out)->n_member = cev_grid_n_member(cev_combination_job(c)->grid);
    cev_status status = allocate(*out);
    for (size_t s = 0; status == CEV_OK && s < n_set; s++)
        for (size_t m = 0; m < (*out)->n_member; m++)
            start_quest(&(*out)->space[m], truth, observed[s], quest_of(*out, s, m));
    if (status == CEV_OK)
        lay_items(*out);
    else
        cev_best_fits_destroy(out);
    return status;
}

void cev_best_fits_destroy(cev_best_fits **fits)
{
    if (!fits || !*fits) return;
    free((*fits)->space);
    free((*fits)->state);
    free(*fits);
    *fits = NULL;
}

size_t cev_best_fits_n_item(const cev_best_fits *fits)
{
    return *fits->n_item;
}

size_t cev_best_fits_result_size(const cev_best_fits *fits)
{
    return fits->sets_of_item * sizeof(cev_best_fit);
}

void *cev_best_fits_state(cev_best_fits *fits, size_t *size)
{
    *size = fits->state_size;
    return fits->state;
}

const cev_best_fit *cev_best_fits_get(const cev_best_fits *fits, size_t set, size_t member)
{
    return &quest_of(fits, set, member)->best;
}

/* --- one item --------------------------------------------------------------------------------------------------- */

/* The space of an item, with the values of its slow axes. */
static search_space space_of(const cev_best_fits *b, const fit_item *i)
{
    search_space space = b->space[i->member];
    for (size_t d = 0; d < space.n_slow; d++)
        space.theta[space.slow_parameter[d]] = search_axis(&space, space.slow_axis[d])->value[i->number[d]];
    return space;
}

bool cev_best_fits_item_folds(const cev_best_fits *fits, size_t item)
{
    search_space space = space_of(fits, &fits->item[item]);
    return space.n_slow > 0 || !cev_combination_is_folded(fits->c, space.theta);
}

static void keep(const search_space *space, const search_place *found, cev_best_fit *out)
{
    out->chi2 = found->chi2;
    search_place_values(space, found, out->at);
    for (size_t d = 0; d < space->n_slow; d++) out->at[space->slow_axis[d]] = space->theta[space->slow_parameter[d]];
}

static cev_status look_at_sets(const cev_best_fits *b, searcher *s, search_samples *samples, const fit_item *i,
                               cev_best_fit *out)
{
    for (size_t k = 0; k < b->sets_of_item; k++) {
        search_place found;
        out[k] = (cev_best_fit){.chi2 = INFINITY, .at = {(double)i->member}};
        if (k >= i->n_set || !wants(b, i, i->first_set + k)) continue;
        CEV_TRY(search_set(s, samples, i->first_set + k, &found));
        keep(s->space, &found, &out[k]);
    }
    return CEV_OK;
}

cev_status cev_best_fits_look(cev_best_fits *fits, cev_units_scratch *scratch, size_t item, cev_stop_wanted *stop,
                              void *context, void *result)
{
    search_space space = space_of(fits, &fits->item[item]);
    searcher s = {.space = &space, .scratch = scratch, .stop = stop, .context = context};
    search_samples *samples;
    CEV_TRY(search_ask(&s));
    cev_followers_apply_one(&cev_combination_units(fits->c)->roster, scratch->followers, space.theta);
    cev_combination_fold(fits->c, space.theta);
    CEV_TRY(search_samples_create(&space, &samples));
    cev_status status = look_at_sets(fits, &s, samples, &fits->item[item], result);
    search_samples_destroy(&samples);
    return status;
}

/* Of results that are the same, that of the first item counts, in whichever order they come. */
static bool is_better(const quest *q, const cev_best_fit *found, size_t item)
{
    if (found->chi2 != q->best.chi2) return found->chi2 < q->best.chi2;
    return q->item != NO_ITEM && (ptrdiff_t)item < q->item && isfinite(found->chi2);
}

void cev_best_fits_take(cev_best_fits *fits, size_t item, const void *result)
{
    const fit_item *i = &fits->item[item];
    const cev_best_fit *found = result;
    for (size_t k = 0; k < i->n_set; k++) {
        quest *q = quest_of(fits, i->first_set + k, i->member);
        if (!is_better(q, &found[k], item)) continue;
        q->best = found[k];
        q->item = (ptrdiff_t)item;
        memcpy(q->number, i->number, sizeof q->number);
    }
}

cev_status cev_best_fits_next(cev_best_fits *fits, size_t *bad_set, size_t *bad_member)
{
    for (size_t s = 0; s < fits->n_set; s++)
        for (size_t m = 0; m < fits->n_member; m++) {
            quest *q = quest_of(fits, s, m);
            *bad_set = s;
            *bad_member = m;
            if (q->open && !isfinite(q->best.chi2))
                return cev_fail(CEV_E_NUMERIC, "no point of the scan has a finite chi2");
            q->open = q->open && narrow(&fits->space[m], q);
        }
    lay_items(fits);
    return CEV_OK;
}

/* --- around a point --------------------------------------------------------------------------------------------- */

double cev_best_fits_chi2_at(cev_combination *c, cev_units_scratch *scratch, size_t set, size_t member,
                             const double *at)
{
    const cev_scan_job *job = cev_combination_job(c);
    double theta[CEV_MAX_THETA];
    cev_lanes block[CEV_MAX_THETA], chi2;
    cev_lanes_mask status;
    cev_scan_job_theta_at(job, member, at, theta);
    cev_combination_fold(c, theta);
    cev_theta_broadcast(cev_roster_n(&cev_combination_units(c)->roster), theta, block);
    cev_combination_point(c, scratch, set, block, &chi2, &status);
    return status[0] == CEV_POINT_OK ? chi2[0] : NAN;
}

cev_status cev_best_fits_near(cev_combination *c, cev_units_scratch *scratch, size_t set, uint64_t number,
                              cev_best_fit *out)
{
    const cev_grid *grid = cev_combination_job(c)->grid;
    size_t index[CEV_MAX_AXES], member = cev_grid_member_of_point(grid, number);
    search_space space;
    search_place place;
    searcher s = {.space = &space, .scratch = scratch};
    cev_grid_index(grid, number, index);
    for (size_t a = 0; a < grid->n_axis; a++) out->at[a] = grid->axis[a].value[index[a]];
    out->chi2 = cev_best_fits_chi2_at(c, scratch, set, member, out->at); /* folds, too */
    search_space_open(c, member, &space);
    for (size_t d = 0; d < space.n_slow; d++) space.theta[space.slow_parameter[d]] = out->at[space.slow_axis[d]];
    cev_followers_apply_one(&cev_combination_units(c)->roster, scratch->followers, space.theta);
    search_place_of(&space, out->at, &place);
    CEV_TRY(search_evaluate(&s, set, 1, &place));
    if (space.n == 0 || !isfinite(place.chi2)) return CEV_OK;
    CEV_TRY(search_descend(&s, set, 1, 1, 0.02, &place));
    if (!(out->chi2 <= place.chi2)) keep(&space, &place, out);
    return CEV_OK;
}
