/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of fits: of a thread, and of places. */
#include <stdlib.h>

#include "joint_problem.h"

cev_status joint_places_new(cev_arena *arena, const joint_sizes *p, size_t n, joint_place **out)
{
    double *form, *slope, *bend;
    CEV_TRY(cev_new(arena, n, out));
    CEV_TRY(cev_new(arena, n * p->n_form, &form));
    CEV_TRY(cev_new(arena, n * p->n_all * p->n_form, &slope));
    CEV_TRY(cev_new(arena, n * JOINT_MAX_BENDS, &bend));
    for (size_t k = 0; k < n; k++) {
        (*out)[k].bend = bend + k * JOINT_MAX_BENDS;
        (*out)[k].form = form + k * p->n_form;
        (*out)[k].slope = slope + k * p->n_all * p->n_form;
    }
    return CEV_OK;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void joint_sizes_include(joint_sizes *sizes, const joint_problem *p)
{
    sizes->n_all = larger(sizes->n_all, p->n_all);
    sizes->n_form = larger(sizes->n_form, p->n_form);
    sizes->n_variable = larger(sizes->n_variable, p->n_variable);
    sizes->n_pull = larger(sizes->n_pull, joint_n_pull(p->chi2));
    sizes->n_carrier = larger(sizes->n_carrier, p->n_carrier);
}

static cev_status allocate_work(const joint_sizes *n, joint_work *w)
{
    CEV_TRY(cev_arena_create(&w->arena));
    CEV_TRY(cev_new(w->arena, n->n_carrier * n->n_form, &w->first));
    CEV_TRY(cev_new(w->arena, n->n_carrier * n->n_carrier * n->n_form, &w->second));
    CEV_TRY(cev_new(w->arena, n->n_form, &w->form));
    CEV_TRY(cev_new(w->arena, n->n_form, &w->trial));
    CEV_TRY(cev_new(w->arena, n->n_all * n->n_form, &w->slope));
    CEV_TRY(cev_new(w->arena, 1, &w->drawn));
    CEV_TRY(joint_places_new(w->arena, n, 1, &w->place));
    return joint_slots_new(w->arena, n, w);
}

cev_status joint_work_create(const joint_sizes *sizes, joint_work **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = allocate_work(sizes, *out);
    if (status != CEV_OK) joint_work_destroy(out);
    return status;
}

void joint_work_destroy(joint_work **work)
{
    if (!work || !*work) return;
    cev_arena_destroy(&(*work)->arena);
    free(*work);
    *work = NULL;
}
