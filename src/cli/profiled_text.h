/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was minimised over, and what is known of the minima: as run, status and point say it. */
#ifndef CEVSCAN_CLI_PROFILED_TEXT_H
#define CEVSCAN_CLI_PROFILED_TEXT_H

#include <jansson.h>

#include "cevscan/flat_directions.h"
#include "cevscan/job.h"

/* Of the maps of a space. */
typedef struct minimised {
    const char *space; /* NULL: of a scan */
    size_t n;
    const char *const *name;
    const double *low, *high; /* [n] */
    cev_job_flagged flagged;
} minimised;

/* "minimised over eps_mumu_uV (-1 to 1): of 40401 points 40401 proven global, 12 at a bound, 0 with a flat direction",
 * with the space before it; and as an object. */
void print_minimised(const minimised *m);
json_t *minimised_json(const minimised *m);

/* Those of a result, all spaces, as lines and as a list; nothing and NULL where nothing is profiled. */
void print_minimised_of_result(const cev_job_result *r);
json_t *minimised_of_result_json(const cev_job_result *r);

/* The same of a file. */
void print_minimised_of_file(const cev_map_info *info);
json_t *minimised_of_file_json(const cev_map_info *info);

/* "147 bins, 3 free parameters (2 scanned, 1 profiled)"; "free" leaves out what a constraint tells. With the chi2 of
 * observed data (NaN: of others): "; 144 degrees of freedom, p-value 0.41". */
void print_degrees(const cev_degrees *d, double chi2);
json_t *degrees_json(const cev_degrees *d, double chi2);

/* A list of objects {name: change}. */
json_t *flat_directions_json(const cev_roster *roster, const cev_flat_directions *flat);

#endif
