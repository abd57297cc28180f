/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of units and of combinations, for the files of this room. */
#ifndef CEVSCAN_ENGINE_UNITS_PARTS_H
#define CEVSCAN_ENGINE_UNITS_PARTS_H

#include "cevscan/combination.h"

typedef struct unit {
    size_t n;
    const cev_experiment **experiment; /* [n] */
    bool *observed;                    /* [n] */
    cev_model *model;
} unit;

typedef struct set_pull {
    size_t unit, number; /* of the unit, and of the pull in its model */
} set_pull;

typedef struct set_units {
    size_t n, *unit; /* [n], in the order of their first experiments */
    size_t n_pull;
    set_pull *pull; /* [n_pull], in the order of their first use */
} set_units;

struct cev_units {
    cev_arena *arena;
    cev_roster roster;
    size_t n_unit, most;
    unit *unit; /* [n_unit] */
    size_t n_set;
    set_units *set; /* [n_set] */
};

struct cev_units_scratch {
    size_t n;
    cev_model_scratch **unit; /* [n] */
};

const cev_units *cev_combination_units(const cev_combination *c);

/* chi2 and cev_point_status of unit u at theta[n_parameter], one point per lane, as it is folded now. */
void cev_combination_unit_point(const cev_combination *c, cev_units_scratch *scratch, size_t u, const cev_lanes *theta,
                                cev_lanes *chi2, cev_lanes_mask *status);

/* Whether the units are folded with the slow parameters of theta[n_parameter]. */
bool cev_combination_is_folded(const cev_combination *c, const double *theta);

/* The scan of unit u, with its own model and data. */
const cev_scan_job *cev_combination_unit_job(const cev_combination *c, size_t u);

#endif
