/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sets of a study: lists of experiments, all pairs and all subsets of a list. */
#ifndef CEVSCAN_CONFIG_STUDY_SETS_H
#define CEVSCAN_CONFIG_STUDY_SETS_H

#include "cevscan/study.h"

/* The experiments that the sets name, each once, in the order of their first use. */
typedef struct cev_set_list {
    cev_arena *arena;
    cev_node node; /* the key "sets" */
    size_t n_experiment;
    cev_node *experiment; /* [n_experiment]: a mapping, or the name or path of a file */
} cev_set_list;

extern const cev_table cev_set_table;

/* How many sets the key stands for, without making any. */
cev_status cev_count_sets(cev_node node, double *out);

/* `experiments` is the study's own list, or not there; those of it on which others stand may be in no set, and are then
 * not listed. */
cev_status cev_list_set_experiments(cev_set_list *list, cev_node experiments, cev_node sets);

/* study->set, of n_set sets. CEV_E_INPUT for the same set twice, two of one name, or an experiment that is in none. */
cev_status cev_read_sets(const cev_set_list *list, size_t n_set, cev_study_config *study);

#endif
