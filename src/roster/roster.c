/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/roster.h"

#include <string.h>

size_t cev_roster_n(const cev_roster *roster)
{
    return roster->interaction->card.n_parameter + roster->n_guest;
}

const cev_parameter *cev_roster_parameter(const cev_roster *roster, size_t index)
{
    const cev_card *card = &roster->interaction->card;
    return index < card->n_parameter ? &card->parameters[index] : &roster->guest[index - card->n_parameter].parameter;
}

size_t cev_roster_index(const cev_roster *roster, const char *name)
{
    size_t k = 0, n = cev_roster_n(roster);
    while (k < n && strcmp(cev_roster_parameter(roster, k)->name, name)) k++;
    return k;
}

bool cev_roster_is_slow(const cev_roster *roster, size_t index)
{
    return cev_roster_parameter(roster, index)->slow;
}

static bool is_profiled(const cev_roster *roster, size_t index)
{
    size_t k = 0;
    while (k < roster->n_profiled && roster->profiled[k].index != index) k++;
    return k < roster->n_profiled;
}

double cev_roster_penalty(const cev_roster *roster, const double *theta)
{
    double sum = 0;
    for (size_t k = 0; k < roster->n_constraint; k++) {
        const cev_constraint *c = &roster->constraint[k];
        double pull = (theta[c->index] - c->centre) / c->sigma;
        if (!is_profiled(roster, c->index)) sum += pull * pull;
    }
    return sum;
}
