/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a fit has to be judged by: bins, and parameters that nothing but they constrain. */
#include <string.h>

#include "cevscan/job.h"

static bool is_constrained(const cev_scan_config *c, size_t index)
{
    for (size_t k = 0; k < c->roster.n_constraint; k++)
        if (c->roster.constraint[k].index == index) return true;
    return false;
}

/* The experiment of the first use of a pull has its constraint; NULL: no experiment uses it. */
static const cev_pull *find_pull(const cev_scan_config *c, const char *name)
{
    for (size_t e = 0; e < c->n_experiment; e++)
        for (size_t p = 0; p < c->experiment[e]->n_pull; p++)
            if (!strcmp(c->experiment[e]->pull[p].name, name)) return &c->experiment[e]->pull[p];
    return NULL;
}

/* Whether only the bins say what the parameter is. A pull that is scanned keeps the constraint of its experiment. */
static bool is_free(const cev_scan_config *c, size_t index)
{
    const cev_pull *pull = find_pull(c, cev_roster_parameter(&c->roster, index)->name);
    bool of_pull = index >= c->interaction->card.n_parameter && pull && pull->constraint != CEV_CONSTRAINT_NONE;
    return !is_constrained(c, index) && !of_pull;
}

cev_degrees cev_scan_degrees(const cev_scan_config *c)
{
    cev_degrees d = {0};
    for (size_t e = 0; e < c->n_experiment; e++) d.n_bin += c->experiment[e]->bins.n_bin;
    if (c->member_parameter)
        d.n_scanned = is_free(c, c->member_parameter[0]);
    else
        for (size_t a = 0; a < c->grid.n_axis; a++) d.n_scanned += is_free(c, c->axis_parameter[a]);
    for (size_t k = 0; k < c->roster.n_profiled; k++) d.n_profiled += is_free(c, c->roster.profiled[k].index);
    for (size_t p = 0; p < c->n_pull; p++) {
        const cev_pull *pull = find_pull(c, c->pull_name[p]);
        bool given = cev_roster_index(&c->roster, c->pull_name[p]) < cev_roster_n(&c->roster);
        d.n_free_pull += pull && pull->constraint == CEV_CONSTRAINT_NONE && !given;
    }
    return d;
}
