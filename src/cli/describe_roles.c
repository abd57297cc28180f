/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands in "parameters" and "pulls" and has no model: formulas and constraints. */
#include <stdio.h>
#include <string.h>

#include "cevscan/formula.h"
#include "cevscan/pull_constraint.h"
#include "command.h"
#include "describe_parts.h"

static bool describe_formulas(bool json)
{
    json_t *list = json_array();
    if (!json) printf("formulas of a scan's parameters: numbers, names, pi, + - * / ^ ( ) and\n");
    for (size_t k = 0; k < cev_n_formula_functions; k++) {
        const cev_formula_function *f = &cev_formula_functions[k];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i}", "kind", "function", "name", f->name, "help",
                                              f->help, "arguments", f->two ? 2 : 1));
        if (!json) printf("  %-6s %s\n", f->name, f->help);
    }
    if (json)
        print_json(list);
    else
        json_decref(list);
    return true;
}

static bool describe_constraints(bool json)
{
    static const char *const term[CEV_N_CONSTRAINTS] =
        {"(a/sigma)^2", "2 (a - ln(1 + a))/sigma^2, as of a sideband of 1/sigma^2 counts; a > -1",
         "(ln(1 + a)/sigma)^2; a > -1", "0: the pull is free"};
    json_t *list = json_array();
    if (!json) printf("constraints of a pull a, and what they add to chi2\n");
    for (size_t k = 0; k < CEV_N_CONSTRAINTS; k++) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "kind", "constraint", "name",
                                              cev_pull_constraint_names[k], "chi2", term[k]));
        if (!json) printf("  %-9s %s\n", cev_pull_constraint_names[k], term[k]);
    }
    if (json)
        print_json(list);
    else
        json_decref(list);
    return true;
}

bool print_roles(const char *name, bool json)
{
    if (!strcmp(name, "formulas")) return describe_formulas(json);
    return !strcmp(name, "constraints") && describe_constraints(json);
}
