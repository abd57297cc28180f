/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A study while it is read, and its planes and profiles. */
#ifndef CEVSCAN_CONFIG_STUDY_SPACES_H
#define CEVSCAN_CONFIG_STUDY_SPACES_H

#include "cevscan/study.h"
#include "scan_parts.h"

typedef struct cev_study_keys {
    const char *study, *title;
    cev_node interaction, experiments, sets, without_pulls, parameters, correlations, factors, planes, profiles, data,
        tile;
    cev_reals exposure_factors;
    bool store_pulls, store_profiled;
} cev_study_keys;

typedef struct cev_study_reading {
    cev_study_config *study;
    cev_node root;
    const cev_study_keys *keys;
    cev_scan_config base; /* what all scans have in common */
    cev_node *whole;      /* [n_experiment] mappings, as their files have them */
    cev_study_space *space;
    size_t *replaced; /* of each of the study's parameters, in how many spaces */
} cev_study_reading;

/* study->space: all planes and profiles; what is said for all of them acts in one of them. */
cev_status cev_read_spaces(cev_study_reading *r);

/* Some set has two of the pulls of each entry of "correlations". */
cev_status cev_check_study_correlations(const cev_study_reading *r);

/* What "tile" is, before anything is scanned. */
cev_status cev_check_study_tile(cev_node tile);

/* A space's name: its parameters', those of axes joined by commas, those that are scanned in turn by "+". */
cev_status cev_name_space(cev_arena *arena, const cev_scan_config *scan, const char **out);

#endif
