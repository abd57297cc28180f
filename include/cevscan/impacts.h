/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each pull does to the best fit of a parameter: the ranking of nuisance parameters by their impacts.
 *
 * The fit is the global minimum over everything that the roster profiles, and over all pulls. For each pull, chi2
 * minimised over all else tells how well the data and its constraint know it: from best - down to best + up, where chi2
 * is one above the minimum. Its impacts are how far the best fit of the parameter moves when the pull is held at either
 * end and all else is fitted again. */
#ifndef CEVSCAN_IMPACTS_H
#define CEVSCAN_IMPACTS_H

#include "cevscan/combination.h"

typedef struct cev_impact_problem {
    const cev_fit_set *set;
    const cev_roster *roster; /* the parameter whose best fit is looked at is profiled */
    const double *theta;      /* of all that is neither profiled nor follows */
    const double *truth;      /* of Asimov data */
} cev_impact_problem;

typedef struct cev_impact_fit {
    cev_fitted_point at;
    size_t n_pull;           /* that are minimised */
    const char *const *name; /* [n_pull] */
    const double *sigma;     /* [n_pull], before the fit; NaN: free */
    const double *pull;      /* [n_pull], at the minimum */
} cev_impact_fit;

typedef struct cev_impact {
    double down, up;                /* >= 0; NaN: chi2 does not rise by one on that side, within what the pull can be */
    double moved[2];                /* of the parameter, with the pull at best - down and at best + up; NaN likewise */
    bool at_bound[2];               /* some profiled parameter, or bounded pull, is at a bound there */
    double theta[2][CEV_MAX_THETA]; /* all parameters there */
} cev_impact;

/* The best fit. Arrays live in the arena. CEV_E_NUMERIC if it has none. */
cev_status cev_impact_best_fit(cev_arena *arena, const cev_impact_problem *problem, cev_impact_fit *out);

/* Of pull p of the fit on theta[index]. */
cev_status cev_impact_of(const cev_impact_problem *problem, const cev_impact_fit *fit, size_t p, size_t index,
                         cev_impact *out);

#endif
