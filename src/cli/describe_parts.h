/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `describe` knows: everything that has a name. */
#ifndef CEVSCAN_CLI_DESCRIBE_PARTS_H
#define CEVSCAN_CLI_DESCRIBE_PARTS_H

#include <jansson.h>

#include "cevscan/config.h"

enum { MOST_CARDS = 64 };

typedef struct catalogue {
    size_t n;
    const char *kind[MOST_CARDS];
    const cev_card *card[MOST_CARDS];
    size_t n_experiment;
    const char *const *experiment;
} catalogue;

cev_status collect_catalogue(cev_arena *arena, catalogue *out);

/* CEV_E_INPUT for a name that nothing has: the nearest one, and those that it is a part of. */
cev_status unknown_name(const catalogue *c, const char *name);

/* "formulas" and "constraints": what they can be. False for any other name. */
bool print_roles(const char *name, bool json);

/* What a parameter of an interaction acts on, in words: "nu_e", "flux of source solar_b8", "form factor helm"; "" where
 * that is everything, and for cards that are no interaction's. Into out[size]; and as JSON, null for others. */
void acts_on_text(const cev_card *card, size_t p, char *out, size_t size);
json_t *acts_on_json(const cev_card *card, size_t p);

#endif
