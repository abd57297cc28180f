/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The factors of a study: which numbers of which experiments they change, and the settings that they make. */
#ifndef CEVSCAN_CONFIG_STUDY_FACTORS_H
#define CEVSCAN_CONFIG_STUDY_FACTORS_H

#include "cevscan/study.h"
#include "node_paths.h"

extern const cev_table cev_factor_table;

/* How a factor changes an experiment's mapping. */
typedef struct cev_factor_rule {
    cev_node node; /* of the factor; this and what follows up to `where` only while the study is read */
    cev_node path_node, follow_node, experiments;
    const cev_node *where; /* [n values] */
    size_t n_path;
    const char *const *path; /* [n_path] */
    size_t n_follow;
    const char *const *follow; /* [n_follow] paths of what grows in proportion to the number at the only `path` */
    bool multiply, exposure;
    const bool *acts; /* [n_experiment] */
} cev_factor_rule;

typedef struct cev_study_edits {
    cev_factor_rule *rule; /* [n_factor] */
} cev_study_edits;

/* study->factor and n_setting, with exposure_factors as the first, and the rules, which act on nothing yet. */
cev_status cev_read_factors(cev_study_config *study, cev_node factors, const cev_reals *exposure_factors);

/* What the rules act on; whole[n_experiment] are the mappings of experiment[n_experiment]. CEV_E_INPUT if a rule acts
 * on nothing, or not on an experiment that it lists. */
cev_status cev_place_factors(cev_study_config *study, const cev_node *whole, const cev_experiment *experiment);

/* Adds the places that the rule's paths from `first` on, before `end`, fit in an experiment's mapping. */
cev_status cev_factor_places(const cev_factor_rule *rule, size_t first, size_t end, cev_node whole, cev_search *search);

/* A factor in words: its values, what it acts on, and what one would expect it to act on but it does not; the rules
 * know where they act. */
cev_status cev_factor_words(const cev_study_config *study, size_t factor, const cev_node *whole,
                            const cev_experiment *experiment, const char **out);

/* The rules' paths and values are no places in a document any more. */
void cev_forget_nodes(cev_study_config *study);

/* Adds to the words of the factors the sets in which they change nothing; study->set must be there. */
cev_status cev_say_idle_sets(cev_study_config *study);

/* The first setting in which an experiment is what it is in this one. */
size_t cev_same_setting(const cev_study_config *study, size_t setting, size_t experiment);

/* The setting where a factor has its first value and the others have those of this one. */
size_t cev_first_setting(const cev_study_config *study, size_t setting, size_t factor);

/* An experiment's mapping as it is in a setting; *changed says whether a factor other than the exposure acts on it. */
cev_status cev_experiment_in_setting(const cev_study_config *study, size_t setting, size_t experiment, cev_node whole,
                                     bool *changed, cev_node *out);

/* "years=3,systematics=0.5", or of the exposure alone "@3" without its sign; "" where there is nothing to say. */
cev_status cev_setting_name(const cev_study_config *study, cev_arena *arena, size_t setting, char **out);

/* ", years 3, 10 times the exposure": for titles. */
cev_status cev_setting_title(const cev_study_config *study, cev_arena *arena, size_t setting, char **out);

/* Observed counts have the exposure that they have; the experiments of observed[n_experiment] must keep it. */
cev_status cev_check_exposures(const cev_study_config *study, const cev_node *whole, const bool *observed);

/* The factors as what bears on numbers in them; NULL without memory. *needed says whether the exposures alone are not
 * all of it. */
json_t *cev_values_of_factors(const cev_study_config *study, const cev_node *whole, bool *needed);

/* All experiments in all settings, without the pulls of a list: study->experiment and exposure. Experiments that are
 * fitted together in a set must agree on the pulls that they share. */
cev_status cev_make_settings(cev_study_config *study, const cev_node *whole, const cev_node *named,
                             cev_node without_pulls);

#endif
