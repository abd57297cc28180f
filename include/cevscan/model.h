/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model of a scan: experiments under one interaction, ready to be evaluated at any value of the fast parameters.
 *
 * Holds the templates folded at one value of the slow parameters, the pulls of all experiments by name, and the fit.
 * Shared by all threads, each of which brings its own scratch; nothing but cev_model_fold() changes it. Data are an
 * argument of every evaluation. */
#ifndef CEVSCAN_MODEL_H
#define CEVSCAN_MODEL_H

#include "cevscan/experiment.h"
#include "cevscan/grid.h"
#include "cevscan/interaction.h"
#include "cevscan/point_status.h"
#include "cevscan/roster.h"
#include "cevscan/templates.h"

typedef struct cev_model cev_model;

/* theta[n_theta] gives the slow parameters; n_theta is cev_roster_n(), here and below. The experiments and all that the
 * roster points to must outlive the model.
 * CEV_E_INPUT if two experiments have the same name, or give one pull two uncertainties, constraints or bounds. */
cev_status cev_model_create(size_t n_experiment, const cev_experiment *const *experiment, const cev_roster *roster,
                            const double *theta, cev_model **out);
void cev_model_destroy(cev_model **model);

/* Folds the templates anew with the slow parameters of theta[n_parameter], if these are others than before. Allocates
 * nothing, cannot fail; no thread may use the model meanwhile. */
void cev_model_fold(cev_model *model, const double *theta);

size_t cev_model_n_experiment(const cev_model *model);
const cev_experiment *cev_model_experiment(const cev_model *model, size_t e);
const cev_interaction *cev_model_interaction(const cev_model *model);
const cev_roster *cev_model_roster(const cev_model *model);
const cev_templates *cev_model_templates(const cev_model *model, size_t e);

/* Pulls of all experiments in the order of their first use, shared ones once. */
size_t cev_model_n_pull(const cev_model *model);
const char *cev_model_pull_name(const cev_model *model, size_t p);
double cev_model_pull_sigma(const cev_model *model, size_t p);    /* NaN if it is free */
const cev_pull *cev_model_pull(const cev_model *model, size_t p); /* in the first experiment under it */
bool cev_model_pull_is_given(const cev_model *model, size_t p);   /* by theta, as a guest of the roster */
size_t cev_model_pull_users(const cev_model *model, size_t p);    /* number of experiments under it */

size_t cev_model_n_variable(const cev_model *model); /* of the fit */

/* cev_profile_use_level(). */
cev_status cev_model_use_level(cev_model *model, cev_level level);

typedef struct cev_model_scratch cev_model_scratch;

cev_status cev_model_scratch_create(const cev_model *model, cev_model_scratch **out);
void cev_model_scratch_destroy(cev_model_scratch **scratch);

/* Counts that the model is compared with: one array [n_bin] per experiment. */
typedef struct cev_data {
    const double *const *counts; /* [n_experiment] */
} cev_data;

/* Expected signal and backgrounds at theta[n_theta], its slow parameters included, pulls at zero but for those that
 * theta gives; computed with the same operations, in the same order, as a grid point, so that chi2 at the truth is zero
 * and not almost zero, unless a pull that is given is not: it is known to be zero within its sigma.
 * Lives in the arena. Folds the model at theta, and then back to where it was. */
cev_status cev_data_asimov(cev_arena *arena, cev_model *model, const double *theta, cev_data *out);

/* The experiments' observed counts. CEV_E_INPUT, naming it, if one has none. */
cev_status cev_data_observed(cev_arena *arena, const cev_model *model, cev_data *out);

/* Observed counts of the experiments that observed[n_experiment] marks, expectations at theta[n_parameter] for the
 * others. */
cev_status cev_data_mixed(cev_arena *arena, cev_model *model, const bool *observed, const double *theta, cev_data *out);

/* CEV_E_INPUT, naming experiment, bin and counts, if Poisson data have counts where neither a background nor, whatever
 * the fast parameters are, the signal has any: no chi2 would be finite. */
cev_status cev_model_check_data(const cev_model *model, const cev_data *data);

typedef struct cev_block_result {
    cev_lanes chi2;
    cev_lanes_mask status; /* cev_point_status per lane */
    cev_lanes *pull;       /* [n_pull], or NULL if not wanted */
    cev_lanes *variable;   /* [n_variable], or NULL: where the fit ended (cev_profile_result) */
} cev_block_result;

/* Profiles CEV_LANES points at once: theta[n_parameter] with one value per lane; start[n_variable] is where the fits
 * start, or NULL (cev_profile_block). Allocates nothing, cannot fail. */
void cev_model_evaluate(const cev_model *model, const cev_data *data, cev_model_scratch *scratch,
                        const cev_lanes *theta, const cev_lanes *start, cev_block_result *result);

/* Signal counts [n_bin] of experiment e at theta[n_parameter], by component of the source: [n_component][n_bin]. */
cev_status cev_model_signal(const cev_model *model, size_t e, const double *theta, double *counts);

/* Everything about one point. All arrays live in the arena. */
typedef struct cev_point_report {
    cev_point_status status;
    double chi2;             /* sum of the experiments' chi2 and the penalty */
    double penalty;          /* what the constraints of the pulls add */
    double *pull;            /* [n_pull] */
    double *experiment_chi2; /* [n_experiment], without the penalty */
    double **bin_chi2;       /* [n_experiment][n_bin] */
    double **predicted;      /* [n_experiment][n_bin], at the best pulls */
} cev_point_report;

cev_status cev_model_explain(cev_arena *arena, const cev_model *model, const cev_data *data, const double *theta,
                             cev_point_report *out);

#endif
