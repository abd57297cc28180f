/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Study files, and scan files, which are studies of one map: many scans at once, of sets of experiments over planes and
 * single parameters.
 *
 * A study stands for the product sets x settings x spaces, where a setting is one value of each of its factors. Each of
 * its maps is the same, bit for bit and hash for hash, as that of the scan file that cev_study_scan() spells out.
 * configs/studies/ has examples. */
#ifndef CEVSCAN_STUDY_H
#define CEVSCAN_STUDY_H

#include <jansson.h>

#include "cevscan/config.h"

enum { CEV_MAX_MAPS = 100000, CEV_MAX_FACTORS = 8, CEV_MAX_SETTINGS = 1024 }; /* of a study */

/* What a study lets vary in its experiments: numbers of their files, set to each value in turn or multiplied by it. The
 * factor "exposure" multiplies the exposure of all of them: mass, and backgrounds. */
typedef struct cev_study_factor {
    const char *name;  /* an identifier; a column of the map's index */
    const char *label; /* for people */
    const char *words; /* its name, its values and what it acts on */
    size_t n;
    const double *value; /* [n] */
} cev_study_factor;

/* Experiments that are fitted together. */
typedef struct cev_study_set {
    const char *name,
        *title; /* as in the file, or the experiments' names joined by "+"; by " + " in the title, for legends */
    size_t n_experiment;
    const size_t *experiment; /* [n_experiment], numbers in the study */
} cev_study_set;

/* A plane, or whatever else is scanned together; `scan` has all experiments of the study, which a map has some of. */
typedef struct cev_study_space {
    const char *name; /* the parameters' names joined by ","; by "+" where they are scanned in turn (each_of) */
    const cev_scan_config *scan;
    json_t *parameters;   /* as a scan file has them */
    const char *replaced; /* parameters that have another role in the rest of the study, "a, b"; "": none */
} cev_study_space;

typedef struct cev_study_map {
    size_t space, setting, set;
    const char *name; /* SPACE/SET; with factors SPACE/SET@NAME=VALUE,...; where the exposure is the only one SPACE/SET
                         or, if it is not 1, SPACE/SET@VALUE; of a scan file, the scan's own */
} cev_study_map;

typedef struct cev_study_config {
    cev_arena *arena;
    json_t *json;           /* of the resolved study, whose text is `resolved` */
    json_t *values, *prose; /* what bears on numbers in it, defaults filled in, of which `identity` is the digest; and
                                what is for people (NULL: nothing) */
    const char *name, *title;
    bool is_scan;     /* a scan file: one space, one set, one setting, one map */
    bool store_pulls; /* of all maps */
    bool store_profiled;
    size_t n_experiment;
    const cev_experiment *const *experiment; /* [n_setting][n_experiment]; the same object where nothing varies */
    size_t n_factor;
    const cev_study_factor *factor; /* [n_factor] */
    size_t n_setting;               /* product of the factors' n; the last factor varies fastest */
    const double *exposure;         /* [n_setting], what the experiments' exposures are multiplied by */
    struct cev_study_edits *edits;  /* what the other factors change in the experiments' JSON */
    size_t n_set, n_space, n_map;
    const cev_study_set *set;     /* [n_set] */
    const cev_study_space *space; /* [n_space] */
    const cev_study_map *map;     /* [n_map], by space, then setting, then set */
    char *resolved; /* JSON: the study with every experiment file put in its place; itself a valid study file */
    cev_digest identity;
} cev_study_config;

/* Reads and validates a study file or a scan file, whichever it is, as cev_scan_config_read() does. More than
 * CEV_MAX_MAPS maps are refused with their number before any of them takes memory. */
cev_status cev_study_config_read(const char *path, cev_study_config **out);
cev_status cev_study_config_parse(const char *text, const char *name, cev_study_config **out);
void cev_study_config_destroy(cev_study_config **study);

/* The value of a factor in a setting. */
double cev_study_factor_value(const cev_study_config *study, size_t setting, size_t factor);

/* What makes two configurations different ones, in words for a message: the first key whose value bears on numbers and
 * differs, with both values ("experiments[0].source.years: 3, not 5"), or that only titles and prose do. `ours` and
 * `theirs` are resolved configurations; out[size] is "" if nothing differs at all. */
void cev_study_difference(const char *ours, const char *theirs, char *out, size_t size);

/* The scan of one map, alone: `resolved` is its scan file. Shares the study's experiments, which must outlive it. */
cev_status cev_study_scan(const cev_study_config *study, size_t map, cev_scan_config **out);

#endif
