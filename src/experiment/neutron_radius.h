/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The radius of neutrons that a scan wants in place of the nuclei's own. */
#ifndef CEVSCAN_EXPERIMENT_NEUTRON_RADIUS_H
#define CEVSCAN_EXPERIMENT_NEUTRON_RADIUS_H

#include <math.h>

#include "cevscan/interaction.h"

/* NaN: the nuclei keep theirs. */
static inline double cev_neutron_radius_at(const cev_interaction *interaction, const double *theta)
{
    const cev_card *card = &interaction->card;
    size_t p = cev_parameter_index(card->parameters, card->n_parameter, "neutron_radius_fm");
    return p < card->n_parameter ? theta[p] : NAN;
}

static inline cev_nucleus cev_nucleus_at_radius(const cev_nucleus *nucleus, double radius_fm)
{
    cev_nucleus copy = *nucleus;
    if (!isnan(radius_fm)) copy.rms_radius_n_fm = radius_fm;
    return copy;
}

#endif
