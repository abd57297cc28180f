/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of units and of combinations, for the files of this room. */
#ifndef CEVSCAN_ENGINE_UNITS_PARTS_H
#define CEVSCAN_ENGINE_UNITS_PARTS_H

#include "cevscan/combination.h"
#include "joint_tile.h"

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
    set_units *set;       /* [n_set] */
    joint_sizes sizes;    /* of the sets' problems, where the roster has any: the largest */
    joint_chi2 **pattern; /* [n_set]: what scratch memory is made for; NULL where nothing is profiled */
};

struct cev_units_scratch {
    size_t n, n_set;
    cev_model_scratch **unit; /* [n] */
    cev_followers *followers; /* of this thread; NULL without formulas */
    joint_scratch **joint;    /* [n_set], and what searches with them, where the roster profiles parameters */
    joint_search *search;
};

/* Where the roster profiles parameters: what all combinations of the units have in common; scratch memory of a thread.
 * units_joint.c. */
cev_status cev_units_prepare_joint(cev_units *units);
void cev_units_destroy_joint(cev_units *units);
cev_status cev_units_scratch_joint(const cev_units *units, cev_units_scratch *scratch);

/* chi2 of a set over forms, with data[n_unit] of all units. */
cev_status cev_units_joint(cev_arena *arena, const cev_units *units, size_t set, const cev_data *const *data,
                           joint_chi2 **out);

const cev_units *cev_combination_units(const cev_combination *c);

/* chi2 and cev_point_status of unit u at theta[n_parameter], one point per lane, as it is folded now. */
void cev_combination_unit_point(const cev_combination *c, cev_units_scratch *scratch, size_t u, const cev_lanes *theta,
                                cev_lanes *chi2, cev_lanes_mask *status);

/* Whether the units are folded with the slow parameters of theta[n_parameter]. */
bool cev_combination_is_folded(const cev_combination *c, const double *theta);

/* The scan of unit u, with its own model and data. */
const cev_scan_job *cev_combination_unit_job(const cev_combination *c, size_t u);

#endif
