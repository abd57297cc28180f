/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configurations: scan files and experiment files, from YAML to the objects that the other rooms work with. */
#ifndef CEVSCAN_CONFIG_H
#define CEVSCAN_CONFIG_H

#include "cevscan/digest.h"
#include "cevscan/experiment.h"
#include "cevscan/grid.h"
#include "cevscan/interaction.h"
#include "cevscan/roster.h"
#include "cevscan/yaml.h"

/* Changes whenever the same configuration gives other numbers than before; part of a scan's identity, so that a map is
 * not finished by a program that would compute it differently. */
enum { CEV_NUMERICS_REVISION = 7 }; /* shares of arrival times are of the whole pulse; zeros on axes; sides of tiles */

/* What the experiments are compared with: all with their expectation at a truth, all with what they observed, or some
 * of each. */
typedef enum cev_data_kind { CEV_DATA_ASIMOV, CEV_DATA_OBSERVED, CEV_DATA_MIXED } cev_data_kind;

typedef struct cev_scan_config {
    cev_arena *arena; /* owns everything here but the model tables */
    const char *name;
    const char *title;
    size_t n_experiment;
    const cev_experiment *const *experiment; /* [1 + n_further][n_experiment] */
    size_t n_further; /* settings of a study beyond the first; all others here have one setting only */
    const cev_interaction *interaction;  /* of the roster */
    cev_roster roster;                   /* all that has a role; theta, truth and axis_parameter are numbered by it */
    cev_grid grid;                       /* n_axis is 0 if the configuration scans nothing */
    size_t axis_parameter[CEV_MAX_AXES]; /* index in theta */
    const size_t *member_parameter;      /* of a scan of parameters in turn; as in cev_scan_job, NULL for others */
    const cev_parameter *axis_description[CEV_MAX_AXES]; /* name, unit, label, ... of each axis */
    double theta[CEV_MAX_THETA];                         /* values of the parameters that are not scanned; of those
                                                            that are profiled, where a fit is at home */
    cev_data_kind data;
    bool says_data;               /* the file has the key `data` */
    bool is_selection;            /* made by cev_scan_config_select(), from no file */
    const bool *observed;         /* [n_experiment]: compared with what it observed */
    double truth[CEV_MAX_THETA];  /* of Asimov data; nothing follows anything there */
    size_t n_pull;                /* of all experiments, in the order of their first use, shared ones once */
    const char *const *pull_name; /* [n_pull] */
    bool store_pulls;
    bool store_profiled; /* values of the roster's profiled parameters are kept */
    char *resolved;      /* JSON: the scan file with every experiment file put in its place */
    cev_digest identity; /* of what bears on numbers, CEV_NUMERICS_REVISION included */
} cev_scan_config;

/* Reads and validates everything; touches nothing but the files it reads. CEV_E_INPUT, with file, line, column and
 * key, for whatever is wrong with them. */
cev_status cev_scan_config_read(const char *path, cev_scan_config **out);

/* The same from a text, such as another configuration's `resolved`; `name` stands for the file in messages. */
cev_status cev_scan_config_parse(const char *text, const char *name, cev_scan_config **out);

/* A configuration without axes: experiments (names or paths, comma separated) under an interaction at its defaults. */
cev_status cev_scan_config_select(const char *experiments, const char *interaction, cev_scan_config **out);

void cev_scan_config_destroy(cev_scan_config **config);

/* Reads an experiment from its mapping, and the files that it stands on; everything in *out lives in the arena. */
cev_status cev_experiment_parse(cev_arena *arena, cev_node node, cev_experiment *out);

/* Finds an experiment file: a path (contains a slash or ends in .yaml), taken from the folder of `beside` (a file, or
 * NULL) or the current one; or a name, looked up as NAME.yaml and experiments/NAME.yaml beside that file, in the
 * folders of $CEVSCAN_PATH, in the source tree and in the installed share folder, in this order. On failure *path is
 * NULL and, if `nearest` is not NULL, *nearest is the name of the nearest experiment that exists, or NULL; both in the
 * arena. */
cev_status cev_experiment_file(cev_arena *arena, const char *name, const char *beside, char **path,
                               const char **nearest);

/* Names of all experiments that can be found from the current folder, sorted. */
cev_status cev_experiment_names(cev_arena *arena, size_t *n, const char *const **names);

#endif
