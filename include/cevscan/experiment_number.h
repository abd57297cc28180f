/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of an experiment by name, and the experiment with others in their place.
 *
 * Names are those that pulls have for them: "source.theta12_rad", "form_factor.skin_thickness_fm",
 * "response.acceptance", "quenching.c1", "smearing.light_yield_PE_per_keVee", "efficiency.midpoint". A scan may
 * put the experiment's name before: "ess_csi.quenching.c1" is that of one experiment, "quenching.c1" that of
 * all that have it. Bins and backgrounds depend on none of them. */
#ifndef CEVSCAN_EXPERIMENT_NUMBER_H
#define CEVSCAN_EXPERIMENT_NUMBER_H

#include "cevscan/arena.h"
#include "cevscan/experiment.h"

typedef struct cev_experiment_number {
    const cev_parameter *parameter; /* of the model that has it */
    double value;                   /* NaN: an optional one that is not given */
    bool of_source;
} cev_experiment_number;

/* What a scan's name of a number is called in this experiment, a part of that name; NULL if it does not have it. */
const char *cev_experiment_number_name(const cev_experiment *experiment, const char *name);

/* The number of that name, as the experiment itself calls it; it must have it. */
cev_experiment_number cev_experiment_number_of(const cev_experiment *experiment, const char *name);

/* Where the number of that name stands in *experiment, and what it is; NULL if it does not have it. */
double *cev_experiment_number_place(cev_experiment *experiment, const char *name, cev_experiment_number *out);

/* All names, in the arena: *names is [*n], *n at most CEV_MAX_EXPERIMENT_NUMBERS. */
enum { CEV_MAX_EXPERIMENT_NUMBERS = 6 * CEV_MAX_MODEL_PARAMETERS };
cev_status cev_experiment_number_names(cev_arena *arena, const cev_experiment *experiment, size_t *n,
                                       const char *const **names);

/* The experiment with value[n] in place of its numbers name[n], as it calls them. The shapes of its pulls change alike:
 * a pull that shifts one of them does so from the new value. Lives in the arena; what is the same is shared. Whether
 * the values make sense is not looked at. */
cev_status cev_experiment_with_numbers(cev_arena *arena, const cev_experiment *experiment, size_t n,
                                       const char *const *name, const double *value, const cev_experiment **out);

#endif
