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

bool cev_roster_follows(const cev_roster *roster, size_t index, size_t of)
{
    if (index == of) return true;
    for (size_t k = 0; k < roster->n_follower; k++) {
        const cev_follower *f = &roster->follower[k];
        if (f->index != index) continue;
        if (!f->formula && cev_roster_follows(roster, f->of, of)) return true;
        for (size_t i = 0; f->formula && i < f->n_input; i++)
            if (cev_roster_follows(roster, f->input[i], of)) return true;
    }
    return false;
}

bool cev_roster_is_slow(const cev_roster *roster, size_t index)
{
    if (cev_roster_parameter(roster, index)->slow) return true;
    for (size_t k = 0; k < roster->n_follower; k++)
        if (cev_roster_parameter(roster, roster->follower[k].index)->slow &&
            cev_roster_follows(roster, roster->follower[k].index, index))
            return true;
    return false;
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
