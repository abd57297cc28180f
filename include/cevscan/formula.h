/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formulas of parameters, as scan files have them: "2*eps*cos(pi*eta/180)".
 *
 * Numbers, names of parameters, pi, + - * / ^, brackets, and functions. x^y^z is x^(y^z), and -x^2 is -(x^2). Nothing
 * in a formula repeats, remembers or is random: it takes a bounded time, and the same values give the same result. */
#ifndef CEVSCAN_FORMULA_H
#define CEVSCAN_FORMULA_H

#include <stdbool.h>

#include "cevscan/arena.h"

enum { CEV_MAX_FORMULA = 1000, CEV_MAX_FORMULA_DEPTH = 50 }; /* letters; brackets within one another */

/* A function of one or two numbers; the other pointer is NULL. */
typedef struct cev_formula_function {
    const char *name, *help;
    double (*one)(double);
    double (*two)(double, double);
} cev_formula_function;

extern const cev_formula_function cev_formula_functions[];
extern const size_t cev_n_formula_functions;

/* A formula that has been found good: in `code`, its inputs are called v0, v1, ... and its numbers c0, c1, ... */
typedef struct cev_formula {
    const char *code;
    size_t n_input, n_number;
    const size_t *input;  /* [n_input], numbers of names, each once, in the order of their first use */
    const double *number; /* [n_number] */
} cev_formula;

/* Reads a formula over name[n_name]; everything in *out lives in the arena. CEV_E_INPUT with what is wrong, at which
 * letter, and the nearest name of one that is not there. */
cev_status cev_formula_read(cev_arena *arena, const char *text, size_t n_name, const char *const *name,
                            cev_formula *out);

/* Whether a formula, good or not, has a name in it. */
bool cev_formula_mentions(const char *text, const char *name);

/* Whether formulas have another meaning for a name: of a function, or of pi. */
bool cev_formula_reserves(const char *name);

/* Whether a formula can have the name: a letter or _, then letters, digits, _ and dots. */
bool cev_formula_can_name(const char *name);

#endif
