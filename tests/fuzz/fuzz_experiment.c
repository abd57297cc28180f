/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiment files, from bytes: unlike a scan's resolved text these may hold zeros. */
#include <stdint.h>
#include <stdlib.h>

#include "cevscan/config.h"

static void use(const cev_experiment *e)
{
    volatile double sum = 0;
    for (size_t i = 0; i < e->bins.n_bin; i++) {
        for (size_t b = 0; b < e->n_background; b++) sum += e->background[b].counts[i];
        if (e->observed) sum += e->observed[i];
    }
    for (size_t p = 0; p < e->n_pull; p++)
        for (size_t k = 0; k < e->pull[p].n_component; k++)
            if (e->pull[p].component[k] > e->n_background) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cev_yaml *document;
    cev_arena *arena;
    cev_experiment experiment;
    if (cev_yaml_read_text((const char *)data, size, "fuzz", &document) != CEV_OK) return 0;
    if (cev_arena_create(&arena) == CEV_OK) {
        if (cev_experiment_parse(arena, cev_yaml_root(document), &experiment) == CEV_OK) use(&experiment);
        cev_arena_destroy(&arena);
    }
    cev_yaml_destroy(&document);
    return 0;
}
