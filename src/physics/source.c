/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/source.h"

const cev_source_kind *const cev_source_kinds[] = {
    &cev_source_pion_decay_at_rest,
    &cev_source_solar_b8,
};
const size_t cev_n_source_kinds = sizeof cev_source_kinds / sizeof *cev_source_kinds;
