/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of combinations. */
#ifndef CEVSCAN_ENGINE_COMBINATION_PARTS_H
#define CEVSCAN_ENGINE_COMBINATION_PARTS_H

#include "joint_convex.h"
#include "model_parts.h"
#include "units_parts.h"

typedef struct unit_job {
    cev_scan_job job;
    cev_data data;
    cev_fit_starts *starts;
    size_t first_start, n_start; /* blocks of nodes of the open tile, among those of all units */
    double *chi2;                /* [points of a whole tile] */
    unsigned char *status;       /* the same */
    double *pull;                /* [n_pull][n_point] of the open tile, or NULL */
} unit_job;

/* A set whose points are fits of profiled parameters. */
typedef struct set_fit {
    joint_chi2 *chi2;
    joint_problem *problem;
    double *pull_low, *pull_high; /* [pulls of its chi2], bounds */
    joint_convex convex;
    double *point_chi2; /* [points of a whole tile], like the next */
    unsigned char *status, *flags;
    double *pull;  /* [n_pull][n_point] of the open tile, or NULL */
    double *value; /* [n_profiled][n_point] */
} set_fit;

struct cev_combination {
    cev_arena *arena;
    const cev_units *units;
    unit_job *unit;   /* [n_unit] */
    cev_scan_job job; /* as given; its model and data are those of the first unit */
    bool with_pulls;
    cev_tile tile;
    cev_followers *followers; /* for what one thread does alone; NULL without formulas */
    double *penalty; /* [points of a whole tile] of constraints of what is not profiled, or NULL: there are none */
    set_fit *fit;    /* [n_set], or NULL: nothing is profiled, and sets are sums over units */
    bool with_values;
    cev_units_scratch *own;          /* of whoever opens tiles, where something is profiled */
    double refreshed[CEV_MAX_THETA]; /* the fits' forms of chi2 are those of these slow parameters */
};

/* Where something is profiled; combination_fits.c. */
cev_status cev_combination_build_fits(cev_combination *c);
void cev_combination_destroy_fits(cev_combination *c);
void cev_combination_refresh_fits(cev_combination *c, const double *theta);
size_t cev_combination_n_piece(const cev_combination *c);
void cev_combination_fit_piece(cev_combination *c, cev_units_scratch *scratch, size_t k);
void cev_combination_fit_lanes(const cev_combination *c, cev_units_scratch *scratch, size_t set, const cev_lanes *theta,
                               cev_lanes *chi2, cev_lanes_mask *status);

#endif
