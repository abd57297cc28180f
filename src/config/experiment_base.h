/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiments that stand on others. */
#ifndef CEVSCAN_CONFIG_EXPERIMENT_BASE_H
#define CEVSCAN_CONFIG_EXPERIMENT_BASE_H

#include "cevscan/config.h"

/* An experiment put on its base. */
typedef struct cev_standing {
    cev_node whole;      /* what it comes to */
    cev_node over, base; /* what it says itself, and what that is laid over */
    const char *name, *base_name;
    const char *words; /* what differs; NULL: it stands on none, and of the others only `whole` is there */
} cev_standing;

/* The mapping of an experiment put on its base, on that of its base, and so on: without the key "base", and as if it
 * had been written out; the same mapping if it has none. A base is one of `siblings` (a list of experiments, or not
 * there) that has that name, or is found as experiments are, beside the file that names it. out->words says what
 * differs ("ess_csi_10y stands on ess_csi: source.years 10 (3)"), in the arena, and whether backgrounds stay what they
 * were beside a source of other years; NULL where there is no base. CEV_E_INPUT for circles, with the chain, and for
 * what cev_node_merge() refuses. */
cev_status cev_stand_on_base(cev_arena *arena, cev_node experiment, cev_node siblings, cev_standing *out);

/* Reads an experiment from its mapping, with its base; *whole is that mapping without one. Messages about what does not
 * go together say what it stands on. */
cev_status cev_read_on_base(cev_arena *arena, cev_node experiment, cev_node siblings, cev_node *whole,
                            cev_experiment *out);

#endif
