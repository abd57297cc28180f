/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/experiment_number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A model of an experiment, with the name that its parameters go by. */
typedef struct part {
    const char *name;
    const cev_card *card; /* NULL: the experiment has none */
    double *parameter;
} part;

enum { N_PARTS = CEV_MAX_EXPERIMENT_NUMBERS / CEV_MAX_MODEL_PARAMETERS, MOST_NAME = 128 };

static void list_parts(cev_experiment *x, part list[N_PARTS])
{
    bool pieces = x->response.kind->made_of_pieces;
    list[0] = (part){"source", &x->source.kind->card, x->source.parameter};
    list[1] = (part){"form_factor", &x->target.form_factor.kind->card, x->target.form_factor.parameter};
    list[2] = (part){"response", &x->response.kind->card, x->response.parameter};
    list[3] = (part){"quenching", pieces ? &x->response.quenching.kind->card : NULL, x->response.quenching.parameter};
    list[4] = (part){"smearing", pieces ? &x->response.smearing.kind->card : NULL, x->response.smearing.parameter};
    list[5] = (part){"efficiency", pieces ? &x->response.efficiency.kind->card : NULL,
                     x->response.efficiency.parameter};
}

double *cev_experiment_number_place(cev_experiment *x, const char *name, cev_experiment_number *out)
{
    part list[N_PARTS];
    list_parts(x, list);
    for (size_t k = 0; k < N_PARTS; k++) {
        size_t length = strlen(list[k].name);
        if (!list[k].card || strncmp(name, list[k].name, length) || name[length] != '.') continue;
        size_t p = cev_parameter_index(list[k].card->parameters, list[k].card->n_parameter, name + length + 1);
        if (p == list[k].card->n_parameter) return NULL;
        *out = (cev_experiment_number){.parameter = &list[k].card->parameters[p],
                                       .value = list[k].parameter[p],
                                       .of_source = k == 0};
        return &list[k].parameter[p];
    }
    return NULL;
}

const char *cev_experiment_number_name(const cev_experiment *experiment, const char *name)
{
    cev_experiment copy = *experiment;
    cev_experiment_number number;
    size_t length = strlen(experiment->name);
    if (cev_experiment_number_place(&copy, name, &number)) return name;
    if (strncmp(name, experiment->name, length) || name[length] != '.') return NULL;
    return cev_experiment_number_place(&copy, name + length + 1, &number) ? name + length + 1 : NULL;
}

cev_experiment_number cev_experiment_number_of(const cev_experiment *experiment, const char *name)
{
    cev_experiment copy = *experiment;
    cev_experiment_number number = {0};
    cev_experiment_number_place(&copy, name, &number);
    return number;
}

cev_status cev_experiment_number_names(cev_arena *arena, const cev_experiment *experiment, size_t *n,
                                       const char *const **names)
{
    cev_experiment copy = *experiment;
    part list[N_PARTS];
    const char **name;
    CEV_TRY(cev_new(arena, CEV_MAX_EXPERIMENT_NUMBERS, &name));
    list_parts(&copy, list);
    *n = 0;
    for (size_t k = 0; k < N_PARTS; k++)
        for (size_t p = 0; list[k].card && p < list[k].card->n_parameter; p++) {
            char text[MOST_NAME];
            snprintf(text, sizeof text, "%s.%s", list[k].name, list[k].card->parameters[p].name);
            CEV_TRY(cev_arena_keep_text(arena, text, &name[(*n)++]));
        }
    *names = name;
    return CEV_OK;
}

/* --- others in their place ---------------------------------------------------------------------------------------- */

/* One side of a pull's shapes: where the pull shifts a number, it stays as far from it. */
static cev_status change_side(cev_arena *arena, const cev_experiment *base, size_t n, const char *const *name,
                              const double *value, const cev_experiment **side)
{
    double *shifted;
    CEV_TRY(cev_new(arena, n, &shifted));
    for (size_t k = 0; k < n; k++) {
        double here = cev_experiment_number_of(*side, name[k]).value,
               there = cev_experiment_number_of(base, name[k]).value;
        shifted[k] = here == there ? value[k] : value[k] + (here - there);
    }
    return cev_experiment_with_numbers(arena, *side, n, name, shifted, side);
}

static cev_status change_pulls(cev_arena *arena, const cev_experiment *base, size_t n, const char *const *name,
                               const double *value, cev_experiment *out)
{
    cev_pull *pull;
    CEV_TRY(cev_new(arena, base->n_pull, &pull));
    for (size_t p = 0; p < base->n_pull; p++) {
        pull[p] = base->pull[p];
        if (!pull[p].up) continue;
        CEV_TRY(change_side(arena, base, n, name, value, &pull[p].up));
        CEV_TRY(change_side(arena, base, n, name, value, &pull[p].down));
    }
    out->pull = pull;
    return CEV_OK;
}

cev_status cev_experiment_with_numbers(cev_arena *arena, const cev_experiment *experiment, size_t n,
                                       const char *const *name, const double *value, const cev_experiment **out)
{
    cev_experiment *copy;
    bool of_source = false;
    CEV_TRY(cev_new(arena, 1, &copy));
    *copy = *experiment;
    for (size_t k = 0; k < n; k++) {
        cev_experiment_number number;
        double *place = cev_experiment_number_place(copy, name[k], &number);
        if (!place) return cev_fail(CEV_E_INPUT, "experiment %s has no number \"%s\"", experiment->name, name[k]);
        *place = value[k];
        of_source |= number.of_source;
    }
    if (of_source) CEV_TRY(cev_source_prepare(arena, &copy->source));
    CEV_TRY(change_pulls(arena, experiment, n, name, value, copy));
    *out = copy;
    return CEV_OK;
}
