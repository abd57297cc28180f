/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The minimum over profiled parameters at a point, and the best fit of its scan: what `point` says beside pulls and
 * bins. */
#ifndef CEVSCAN_CLI_POINT_FIT_H
#define CEVSCAN_CLI_POINT_FIT_H

#include "cevscan/flat_directions.h"
#include "cevscan/job.h"
#include "selection.h"

typedef struct point_fit {
    bool is_profiled; /* otherwise there is nothing in `at` and `flat` */
    cev_fitted_point at;
    cev_flat_directions flat;
    cev_degrees degrees; /* nothing is scanned at a point */
    double reference;    /* chi2 that delta_chi2 counts from; NaN: none */
} point_fit;

/* s->theta gets the profiled parameters and the followers at the minimum. */
cev_status point_fit_of(selection *s, point_fit *out);

/* chi2: of the point, all constraints included. */
void print_point_fit(const selection *s, const point_fit *fit, double chi2);

/* Adds "profiled", "constraints", "followers" and "fit" to an object. */
void add_point_fit_json(const selection *s, const point_fit *fit, double chi2, json_t *json);

#endif
