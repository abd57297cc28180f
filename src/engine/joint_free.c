/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Constraints of free parameters, and where they rest. */
#include <math.h>

#include "joint_problem.h"

static double rest_of(const cev_roster *roster, const joint_free *f)
{
    double wanted = f->weight > 0 ? f->centre : cev_roster_parameter(roster, f->index)->default_value;
    if (isnan(wanted)) wanted = 0.5 * (f->low + f->high);
    return fmin(fmax(wanted, f->low), f->high);
}

/* Constraints of one parameter add up to one and a constant. */
static void constrain(const cev_roster *roster, joint_free *f)
{
    for (size_t k = 0; k < roster->n_constraint; k++) {
        const cev_constraint *c = &roster->constraint[k];
        if (c->index != f->index) continue;
        double weight = 1 / (c->sigma * c->sigma), both = f->weight + weight, off = c->centre - f->centre;
        f->apart += f->weight * weight / both * off * off;
        f->centre += weight / both * off;
        f->weight = both;
    }
}

void joint_settle(joint_problem *p)
{
    for (size_t k = 0; k < p->roster->n_profiled; k++) constrain(p->roster, &p->all[k]);
    for (size_t k = 0; k < p->n_all; k++) p->all[k].rest = rest_of(p->roster, &p->all[k]);
}

double joint_fixed_penalty(const joint_problem *p)
{
    double sum = 0;
    for (size_t k = 0; k < p->n_all; k++) {
        size_t a = 0;
        while (a < p->n && p->of[a] != k) a++;
        double off = p->all[k].rest - p->all[k].centre;
        sum += p->all[k].apart;
        if (a == p->n && p->all[k].weight > 0) sum += p->all[k].weight * off * off;
    }
    return sum;
}
