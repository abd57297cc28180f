/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What units and their threads need where the roster profiles parameters: each set is one fit over its units then. */
#include <stdlib.h>

#include "model_parts.h"
#include "units_parts.h"

cev_status cev_units_joint(cev_arena *arena, const cev_units *units, size_t set, const cev_data *const *data,
                           joint_chi2 **out)
{
    const set_units *s = &units->set[set];
    cev_model **model;
    const cev_data **of_set;
    CEV_TRY(cev_new(arena, s->n, &model));
    CEV_TRY(cev_new(arena, s->n, &of_set));
    for (size_t k = 0; k < s->n; k++) {
        model[k] = units->unit[s->unit[k]].model;
        of_set[k] = data[s->unit[k]];
    }
    return joint_chi2_create_like(units->pattern[set], s->n, model, of_set, out);
}

/* Scratch memory must be there before any combination is: it is made for the units' own expectations. */
static cev_status prepare(cev_units *units)
{
    const cev_data **data;
    cev_data *own;
    CEV_TRY(cev_new(units->arena, units->n_unit, &data));
    CEV_TRY(cev_new(units->arena, units->n_unit, &own));
    for (size_t u = 0; u < units->n_unit; u++) {
        CEV_TRY(cev_data_asimov(units->arena, units->unit[u].model, units->unit[u].model->theta, &own[u]));
        data[u] = &own[u];
    }
    CEV_TRY(cev_new(units->arena, units->n_set, &units->pattern));
    for (size_t s = 0; s < units->n_set; s++) {
        joint_problem *problem;
        CEV_TRY(cev_units_joint(units->arena, units, s, data, &units->pattern[s]));
        CEV_TRY(joint_problem_create(units->arena, units->pattern[s], &units->roster, 0, NULL, &problem));
        joint_sizes_include(&units->sizes, problem);
    }
    return CEV_OK;
}

cev_status cev_units_prepare_joint(cev_units *units)
{
    return units->roster.n_profiled ? prepare(units) : CEV_OK;
}

void cev_units_destroy_joint(cev_units *units)
{
    for (size_t s = 0; units->pattern && s < units->n_set; s++) joint_chi2_destroy(&units->pattern[s]);
}

cev_status cev_units_scratch_joint(const cev_units *units, cev_units_scratch *scratch)
{
    CEV_TRY(cev_followers_create(&units->roster, &scratch->followers));
    if (!units->pattern) return CEV_OK;
    scratch->joint = calloc(units->n_set, sizeof *scratch->joint);
    if (!scratch->joint) return cev_fail(CEV_E_MEMORY, "out of memory");
    scratch->n_set = units->n_set;
    for (size_t s = 0; s < units->n_set; s++) CEV_TRY(joint_scratch_create(units->pattern[s], &scratch->joint[s]));
    return joint_search_create(&units->sizes, &scratch->search);
}
