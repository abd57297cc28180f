/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/interaction.h"

const cev_interaction *const cev_interactions[] = {
    &cev_interaction_nsi,
};
const size_t cev_n_interactions = sizeof cev_interactions / sizeof *cev_interactions;
