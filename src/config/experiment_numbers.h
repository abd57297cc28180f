/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of experiments that a scan gives a role: "quenching.c1" of all that have it, "ess_csi.quenching.c1" of one.
 * On CEV_E_INPUT messages name file and line of the node. */
#ifndef CEVSCAN_CONFIG_EXPERIMENT_NUMBERS_H
#define CEVSCAN_CONFIG_EXPERIMENT_NUMBERS_H

#include "cevscan/config.h"
#include "cevscan/experiment_number.h"

/* Whether any of experiment[n] has a number of that name. */
bool cev_has_number(size_t n, const cev_experiment *const *experiment, const char *name);

/* Names of all numbers of experiment[n], each once, for suggestions: *names is [*n_name], in the arena. */
cev_status cev_list_numbers(cev_arena *arena, size_t n, const cev_experiment *const *experiment, size_t *n_name,
                            const char *const **names);

/* Why a number, as its experiment calls it, can be neither scanned nor shifted, in words that follow its name; NULL if
 * it can. */
const char *cev_number_complaint(const cev_experiment *experiment, const char *name);

/* The guest of that name, which one of experiment[n] must have (all of the scan's, and of all settings of a study):
 * kind and description, whose default is the value in the files, whose range is what the model allows. Refuses numbers
 * that can not be varied, that the experiments have different values of, or that a pull shifts already. */
cev_status cev_read_number(cev_arena *arena, cev_node node, const char *name, size_t n,
                           const cev_experiment *const *experiment, cev_guest *out);

/* Sets guest->low and high: the values from low to high that the scan gives the number (bounds of its profile, ends of
 * its axis, or one value), and the files' value, at which data of Asimov are made. Refuses a range where an experiment
 * would be refused with such a number in its file, or where the number changes nothing. */
cev_status cev_give_number_range(cev_arena *arena, cev_node node, size_t n, const cev_experiment *const *experiment,
                                 double low, double high, cev_guest *guest);

#endif
