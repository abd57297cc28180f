/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The best fits of all sets of a combination, and of all members of its grid: where delta_chi2 counts from.
 *
 * A best fit is the minimum of chi2 over the scanned parameters within the ranges of their axes. Fast parameters move
 * freely in between: how many points the user's grid has changes nothing. Slow ones take the values of their axes
 * only. The search samples the whole range, follows the lowest local minima, eight at once, down to 1e-9 of chi2,
 * walls of the range included, and starts again from other places until the lowest was found twice.
 *
 * It goes in rounds of items, which any ranks and threads may look at in any order; the outcome does not depend on who
 * did. Where the data are Asimov data at a truth that the scan contains, ranges included, the best fit is known
 * without an item.
 *
 *     while ((n = cev_best_fits_n_item(b)) > 0) {
 *         for (k = 0; k < n; k++) cev_best_fits_look(b, scratch, k, stop, context, result);   anywhere
 *         for (k = 0; k < n; k++) cev_best_fits_take(b, k, result);                           on rank 0
 *         cev_best_fits_next(b);                                                              on rank 0
 *     }
 *
 * Other ranks follow with what cev_best_fits_state() of rank 0 holds: bytes to be sent, the same size everywhere. */
#ifndef CEVSCAN_BEST_FITS_H
#define CEVSCAN_BEST_FITS_H

#include "cevscan/combination.h"

/* at: the scanned parameters, in the order of the axes; along axis 0 the number of the member, where there are some. */
typedef struct cev_best_fit {
    double chi2, at[CEV_MAX_AXES];
} cev_best_fit;

typedef struct cev_best_fits cev_best_fits;

/* What watches a search: true if everybody is to stop. Asked every few milliseconds, and before each folding. */
typedef bool cev_stop_wanted(void *context);

/* For all `n_set` sets of the combination's units, which it must not outlive. `truth`: parameters for which the data
 * of a set are Asimov data; observed[n_set] says which sets have others. */
cev_status cev_best_fits_create(cev_combination *c, size_t n_set, const double *truth, const bool *observed,
                                cev_best_fits **out);
void cev_best_fits_destroy(cev_best_fits **fits);

/* Items of this round: without slow axes a few sets each; with them, one folding each. 0: everything is known. */
size_t cev_best_fits_n_item(const cev_best_fits *fits);

/* Whether looking at an item now folds the units: then no other may be looked at meanwhile in this process. Items
 * without slow axes do not where the units are folded with the scan's own parameters already: cev_combination_fold()
 * with those of cev_combination_job(), once before a round, lets threads look at such items side by side. */
bool cev_best_fits_item_folds(const cev_best_fits *fits, size_t item);

/* Bytes of the result of any item. */
size_t cev_best_fits_result_size(const cev_best_fits *fits);

/* Looks at one item. CEV_E_STOPPED if `stop` said so. */
cev_status cev_best_fits_look(cev_best_fits *fits, cev_units_scratch *scratch, size_t item, cev_stop_wanted *stop,
                              void *context, void *result);

/* Rank 0: a result of this round; and, once it has them all, the next round. CEV_E_NUMERIC if a set has no finite chi2
 * anywhere; *bad_set and *bad_member say which. */
void cev_best_fits_take(cev_best_fits *fits, size_t item, const void *result);
cev_status cev_best_fits_next(cev_best_fits *fits, size_t *bad_set, size_t *bad_member);

/* What tells the items of a round: to be copied from rank 0 to the others after create and after each next. */
void *cev_best_fits_state(cev_best_fits *fits, size_t *size);

/* What was found. */
const cev_best_fit *cev_best_fits_get(const cev_best_fits *fits, size_t set, size_t member);

/* The minimum that the search finds from grid point `number` (memory order), its slow parameters kept; never above
 * that point. Folds the units. */
cev_status cev_best_fits_near(cev_combination *c, cev_units_scratch *scratch, size_t set, uint64_t number,
                              cev_best_fit *out);

/* chi2 of a set where a best fit says that it is. Folds the units. NaN if the point has none. */
double cev_best_fits_chi2_at(cev_combination *c, cev_units_scratch *scratch, size_t set, size_t member,
                             const double *at);

#endif
