/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>

#include "cevscan/roster.h"

struct cev_followers {
    size_t n;
};

cev_status cev_followers_create(const cev_roster *roster, cev_followers **out)
{
    *out = NULL;
    for (size_t k = 0; k < roster->n_follower; k++)
        if (roster->follower[k].formula) return cev_fail(CEV_E_INPUT, "formulas are not there yet");
    return CEV_OK;
}

void cev_followers_destroy(cev_followers **followers)
{
    if (!followers) return;
    free(*followers);
    *followers = NULL;
}

void cev_followers_apply(const cev_roster *roster, cev_followers *followers, cev_lanes *theta)
{
    (void)followers;
    for (size_t k = 0; k < roster->n_follower; k++) {
        const cev_follower *f = &roster->follower[k];
        theta[f->index] = f->times * theta[f->of];
    }
}

void cev_followers_apply_one(const cev_roster *roster, cev_followers *followers, double *theta)
{
    (void)followers;
    for (size_t k = 0; k < roster->n_follower; k++) {
        const cev_follower *f = &roster->follower[k];
        theta[f->index] = f->times * theta[f->of];
    }
}
