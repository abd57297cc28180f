/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formulas are computed by muParser, which each thread has objects of its own of. */
#include <math.h>
#include <muParserDLL.h>
#include <stdio.h>
#include <stdlib.h>

#include "cevscan/formula.h"
#include "cevscan/roster.h"

typedef struct compiled {
    muParserHandle_t parser; /* NULL: no formula */
    double *value;           /* [n_input] of its inputs, which it reads */
} compiled;

struct cev_followers {
    cev_arena *arena;
    size_t n;
    compiled *follower; /* [n] */
};

/* --- compiling -------------------------------------------------------------------------------------------------- */

static double negative(double x)
{
    return -x;
}

static void define_functions(muParserHandle_t parser)
{
    for (size_t k = 0; k < cev_n_formula_functions; k++) {
        const cev_formula_function *f = &cev_formula_functions[k];
        if (f->one)
            mupDefineFun1(parser, f->name, f->one, 1);
        else
            mupDefineFun2(parser, f->name, f->two, 1);
    }
    mupDefineFun1(parser, "negative", negative, 1);
}

static void define_values(muParserHandle_t parser, const cev_formula *formula, double *value)
{
    char name[24];
    for (size_t k = 0; k < formula->n_input; k++) {
        snprintf(name, sizeof name, "v%zu", k);
        mupDefineVar(parser, name, &value[k]);
    }
    for (size_t k = 0; k < formula->n_number; k++) {
        snprintf(name, sizeof name, "c%zu", k);
        mupDefineConst(parser, name, formula->number[k]);
    }
}

/* muParser throws and catches; what it then says is in words of another language, and no formula that was read well
 * gets there. */
static cev_status check(muParserHandle_t parser, const char *text)
{
    if (!mupError(parser)) return CEV_OK;
    mupErrorReset(parser);
    return cev_fail(CEV_E_INPUT, "the formula \"%s\" cannot be computed", text);
}

static cev_status compile(cev_followers *f, const cev_roster *roster, size_t k)
{
    const cev_follower *own = &roster->follower[k];
    const char *name[CEV_MAX_THETA];
    cev_formula formula;
    if (!own->formula) return CEV_OK;
    for (size_t p = 0; p < cev_roster_n(roster); p++) name[p] = cev_roster_parameter(roster, p)->name;
    CEV_TRY(cev_formula_read(f->arena, own->formula, cev_roster_n(roster), name, &formula));
    if (formula.n_input != own->n_input)
        return cev_fail(CEV_E_INPUT, "the formula \"%s\" has other inputs than its roster says", own->formula);
    CEV_TRY(cev_new(f->arena, formula.n_input + 1, &f->follower[k].value));
    muParserHandle_t parser = f->follower[k].parser = mupCreate(muBASETYPE_FLOAT);
    if (!parser) return cev_fail(CEV_E_MEMORY, "out of memory");
    define_functions(parser);
    define_values(parser, &formula, f->follower[k].value);
    mupSetExpr(parser, formula.code);
    mupEval(parser); /* compiles it */
    return check(parser, own->formula);
}

static cev_status build(cev_followers *f, const cev_roster *roster)
{
    CEV_TRY(cev_arena_create(&f->arena));
    f->n = roster->n_follower;
    CEV_TRY(cev_new(f->arena, f->n + 1, &f->follower));
    for (size_t k = 0; k < f->n; k++) CEV_TRY(compile(f, roster, k));
    return CEV_OK;
}

cev_status cev_followers_create(const cev_roster *roster, cev_followers **out)
{
    bool formulas = false;
    *out = NULL;
    for (size_t k = 0; k < roster->n_follower; k++) formulas |= roster->follower[k].formula != NULL;
    if (!formulas) return CEV_OK;
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = build(*out, roster);
    if (status != CEV_OK) cev_followers_destroy(out);
    return status;
}

void cev_followers_destroy(cev_followers **followers)
{
    if (!followers || !*followers) return;
    for (size_t k = 0; k < (*followers)->n && (*followers)->follower; k++)
        if ((*followers)->follower[k].parser) mupRelease((*followers)->follower[k].parser);
    cev_arena_destroy(&(*followers)->arena);
    free(*followers);
    *followers = NULL;
}

/* --- computing -------------------------------------------------------------------------------------------------- */

/* A value that the parameter can have, or NaN. */
static double allowed(const cev_parameter *parameter, double x)
{
    bool inside = x >= parameter->minimum && x <= parameter->maximum;
    return inside && !cev_parameter_complaint(parameter, x) ? x : NAN;
}

static double compute(const compiled *c, const cev_follower *own, const double *theta, size_t stride)
{
    for (size_t k = 0; k < own->n_input; k++) c->value[k] = theta[own->input[k] * stride];
    double x = mupEval(c->parser);
    if (!mupError(c->parser)) return x;
    mupErrorReset(c->parser);
    return NAN;
}

/* One point, whose theta[p] is at theta[p * stride]. */
static void apply(const cev_roster *roster, const cev_followers *followers, double *theta, size_t stride)
{
    for (size_t k = 0; k < roster->n_follower; k++) {
        const cev_follower *own = &roster->follower[k];
        double x = own->formula ? compute(&followers->follower[k], own, theta, stride)
                                : own->times * theta[own->of * stride];
        theta[own->index * stride] = allowed(cev_roster_parameter(roster, own->index), x);
    }
}

void cev_followers_apply(const cev_roster *roster, cev_followers *followers, cev_lanes *theta)
{
    for (size_t lane = 0; lane < CEV_LANES && roster->n_follower; lane++)
        apply(roster, followers, (double *)theta + lane, CEV_LANES);
}

void cev_followers_apply_one(const cev_roster *roster, cev_followers *followers, double *theta)
{
    apply(roster, followers, theta, 1);
}
