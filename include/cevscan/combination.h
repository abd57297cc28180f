/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many sets of experiments over one grid, with no experiment fitted twice.
 *
 * Experiments that share a pull, directly or through others, are one unit of a fit; chi2 of a set is the sum over its
 * units. Sets have units in common: the 63 subsets of six experiments without shared pulls have six. Each unit is
 * evaluated once for a tile, and the sets are sums, added in the order in which cev_profile_block() would have added
 * the groups of the set: the same bits.
 *
 *     n = cev_combination_open(c, tile);       folds, lays nodes
 *     for (k = 0; k < n; k++) cev_combination_start(c, scratch, k);       in any order, by any thread with its own
 * scratch n = cev_combination_ready(c);            from here on starts are known for (k = 0; k < n; k++)
 * cev_combination_evaluate(c, scratch, k);    likewise for (s = 0; s < n_set; s++) cev_combination_sum(c, s, chi2,
 * status);
 */
#ifndef CEVSCAN_COMBINATION_H
#define CEVSCAN_COMBINATION_H

#include "cevscan/digest.h"
#include "cevscan/fit_starts.h"
#include "cevscan/point_status.h"

typedef struct cev_fit_set {
    size_t n_experiment;
    const cev_experiment *const *experiment; /* [n_experiment] */
    const bool *observed;                    /* [n_experiment]: compared with what it observed; the same in all sets */
} cev_fit_set;

/* The units of a family of sets, each with its model. Owned by its creator; the sets must outlive it. */
typedef struct cev_units cev_units;

/* theta[n_parameter] as in cev_model_create(). */
cev_status cev_units_create(size_t n_set, const cev_fit_set *set, const cev_roster *roster, const double *theta,
                            cev_units **out);
void cev_units_destroy(cev_units **units);
size_t cev_units_n(const cev_units *units);
size_t cev_units_n_of_set(const cev_units *units, size_t set);

/* Pulls of a set, in the order of their first use by its experiments, shared ones once. */
size_t cev_units_n_pull(const cev_units *units, size_t set);
const char *cev_units_pull_name(const cev_units *units, size_t set, size_t p);

/* Digest of the templates of all units as they are folded now: hosts that agree on it compute the same bits. */
cev_status cev_units_digest(const cev_units *units, cev_digest *out);

/* Scratch memory of one thread, for all units. */
typedef struct cev_units_scratch cev_units_scratch;

cev_status cev_units_scratch_create(const cev_units *units, cev_units_scratch **out);
void cev_units_scratch_destroy(cev_units_scratch **scratch);

/* Units over one grid. Combinations of the same units take turns: one tile of one of them is open at a time. */
typedef struct cev_combination cev_combination;

/* CEV_E_INPUT, naming the bin, if data have counts where nothing can be expected: cev_model_check_data().
 * job: the scan as for one set; its model and data are not looked at. `truth` is that of Asimov data. `with_pulls`:
 * the best-fit pulls of the points are kept, too. The units and the grid must outlive the combination. */
cev_status cev_combination_create(cev_units *units, const cev_scan_job *job, const double *truth, bool with_pulls,
                                  cev_combination **out);
void cev_combination_destroy(cev_combination **combination);

size_t cev_combination_open(cev_combination *c, const cev_tile *tile);
void cev_combination_start(cev_combination *c, cev_units_scratch *scratch, size_t k);
size_t cev_combination_ready(cev_combination *c);
void cev_combination_evaluate(cev_combination *c, cev_units_scratch *scratch, size_t k);

/* chi2[n_point] and status[n_point] of a set in the open tile; may run for several sets at once. */
void cev_combination_sum(const cev_combination *c, size_t set, double *chi2, unsigned char *status);

/* Pull number p of a set in the open tile, [n_point]; NaN where its point has no fit. */
void cev_combination_pull(const cev_combination *c, size_t set, size_t p, double *pull);

/* --- parameters that are profiled ------------------------------------------------------------------------------- */

/* Where the roster profiles parameters, each point of each set is a fit of its own: evaluate() then works on pieces of
 * sets in place of units, and chi2 is the minimum over these parameters, too, constraints included. */

/* Profiled parameters of the roster; flags (sum of cev_point_flag) of a set in the open tile, [n_point]; and the values
 * that profiled parameter k has at the minimum, [n_point], NaN where its point has no fit. */
size_t cev_combination_n_profiled(const cev_combination *c);

/* Whether the values are wanted, as they are unless this says otherwise: where chi2 does not tell some direction, the
 * choice among equals takes time. */
void cev_combination_keep_profiled(cev_combination *c, bool wanted);

void cev_combination_flags(const cev_combination *c, size_t set, unsigned char *flags);
void cev_combination_profiled(const cev_combination *c, size_t set, size_t k, double *value);

/* All about one point of a set. */
typedef struct cev_fitted_point {
    cev_point_status status;
    double chi2, lower_bound; /* NaN: none is known */
    unsigned char flags;
    double theta[CEV_MAX_THETA];                     /* profiled parameters and followers at the minimum */
    size_t n_flat;                                   /* directions that chi2 does not tell, */
    double flat[CEV_MAX_PROFILED][CEV_MAX_PROFILED]; /* [n_flat][n_profiled], of unit length in units of the bounds */
} cev_fitted_point;

/* Fits a point from the starts that a point has by itself, and from `more_starts` others. Folds the units. */
cev_status cev_combination_fit_point(cev_combination *c, cev_units_scratch *scratch, size_t set, const double *theta,
                                     size_t more_starts, cev_fitted_point *out);

/* --- points anywhere -------------------------------------------------------------------------------------------- */

/* Folds all units at the slow parameters of theta[n_parameter], where these are others than before. */
void cev_combination_fold(cev_combination *c, const double *theta);

/* chi2 and cev_point_status of a set at theta[n_parameter], one point per lane, the slow parameters being those that
 * the units are folded with. Any thread with its own scratch; no start is used, so that the same point has the same
 * bits wherever it is asked for. */
void cev_combination_point(const cev_combination *c, cev_units_scratch *scratch, size_t set, const cev_lanes *theta,
                           cev_lanes *chi2, cev_lanes_mask *status);

/* Why no point of a member has a finite chi2 in a set: CEV_E_INPUT with the bin that has counts where no point expects
 * any, if there is one, else CEV_E_NUMERIC. Looks at up to 512 points; folds the units. */
cev_status cev_combination_blame(cev_combination *c, size_t set, size_t member);

/* The scan that the combination evaluates: grid, parameters, members. */
const cev_scan_job *cev_combination_job(const cev_combination *c);

#endif
