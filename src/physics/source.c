/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/source.h"

const cev_source_kind *const cev_source_kinds[] = {
    &cev_source_pion_decay_at_rest,
    &cev_source_solar_b8,
};
const size_t cev_n_source_kinds = sizeof cev_source_kinds / sizeof *cev_source_kinds;

cev_status cev_source_prepare(cev_arena *arena, cev_source *source)
{
    double *table;
    if (!source->kind->tabulate) return CEV_OK;
    CEV_TRY(cev_new(arena, source->kind->n_table, &table));
    source->kind->tabulate(source, NULL, table);
    source->table = table;
    return CEV_OK;
}

bool cev_source_feels_matter(const cev_source *source)
{
    return source->kind->feels_matter && source->kind->feels_matter(source);
}
