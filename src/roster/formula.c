/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with a formula is said in words of ours; what is good is written down again for whoever computes it,
 * with names and numbers that need no reading. */
#include "cevscan/formula.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/nearest.h"

static double sign_of(double x)
{
    return (double)((x > 0) - (x < 0));
}

const cev_formula_function cev_formula_functions[] = {
    {"sin", "sine of radians", sin, NULL},
    {"cos", "cosine of radians", cos, NULL},
    {"tan", "tangent of radians", tan, NULL},
    {"asin", "in radians", asin, NULL},
    {"acos", "in radians", acos, NULL},
    {"atan", "in radians", atan, NULL},
    {"atan2", "atan2(y, x), the angle of (x, y) in radians", NULL, atan2},
    {"sinh", "hyperbolic sine", sinh, NULL},
    {"cosh", "hyperbolic cosine", cosh, NULL},
    {"tanh", "hyperbolic tangent", tanh, NULL},
    {"asinh", "its inverse", asinh, NULL},
    {"acosh", "its inverse", acosh, NULL},
    {"atanh", "its inverse", atanh, NULL},
    {"exp", "exponential function", exp, NULL},
    {"ln", "natural logarithm", log, NULL},
    {"log10", "logarithm to base 10", log10, NULL},
    {"log2", "logarithm to base 2", log2, NULL},
    {"sqrt", "square root", sqrt, NULL},
    {"abs", "absolute value", fabs, NULL},
    {"sign", "-1, 0 or 1", sign_of, NULL},
    {"min", "the smaller of two", NULL, fmin},
    {"max", "the larger of two", NULL, fmax},
};
const size_t cev_n_formula_functions = sizeof cev_formula_functions / sizeof *cev_formula_functions;

/* --- words ------------------------------------------------------------------------------------------------------ */

enum { MOST_WORD = 128, MOST_NAMES = 256 };
static const char digits[] = "0123456789";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
static const char in_names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.";
static const char pi_name[] = "pi";

static size_t name_length(const char *at)
{
    return *at && strchr(letters, *at) ? strspn(at, in_names) : 0;
}

/* 1, 1.5, .5, 1e-3; 0: no number begins there. */
static size_t number_length(const char *at)
{
    size_t n = strspn(at, digits), fraction = at[n] == '.' ? strspn(at + n + 1, digits) : 0;
    if (n + fraction == 0) return 0;
    n += at[n] == '.' ? 1 + fraction : 0;
    if (at[n] != 'e' && at[n] != 'E') return n;
    size_t sign = at[n + 1] == '+' || at[n + 1] == '-', power = strspn(at + n + 1 + sign, digits);
    return power ? n + 1 + sign + power : n;
}

static const cev_formula_function *find_function(const char *name, size_t length)
{
    for (size_t k = 0; k < cev_n_formula_functions; k++)
        if (strlen(cev_formula_functions[k].name) == length && !strncmp(cev_formula_functions[k].name, name, length))
            return &cev_formula_functions[k];
    return NULL;
}

static bool is_word(const char *word, const char *at, size_t length)
{
    return strlen(word) == length && !strncmp(word, at, length);
}

bool cev_formula_mentions(const char *text, const char *name)
{
    for (const char *at = text; *at;) {
        size_t n = name_length(at), number = number_length(at);
        if (n && is_word(name, at, n)) return true;
        at += n ? n : number ? number : 1;
    }
    return false;
}

bool cev_formula_reserves(const char *name)
{
    return !strcmp(name, pi_name) || find_function(name, strlen(name));
}

bool cev_formula_can_name(const char *name)
{
    return *name && name_length(name) == strlen(name);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

typedef struct formula_reading {
    const char *text, *at;
    size_t n_name, depth;
    const char *const *name;
    size_t n_input, n_number, n_code, most_code;
    size_t *input; /* as many as the text has letters, like those below */
    double *number;
    char *code;
} formula_reading;

static void skip_blanks(formula_reading *r)
{
    r->at += strspn(r->at, " \t\n");
}

/* The letter that the reading has come to, from 1 on. */
static size_t place(const formula_reading *r)
{
    return (size_t)(r->at - r->text) + 1;
}

static void __attribute__((format(printf, 2, 3))) emit(formula_reading *r, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(r->code + r->n_code, r->most_code - r->n_code, format, list);
    va_end(list);
    if (n > 0) r->n_code += (size_t)n; /* there is room: see allocate() */
}

/* The word or the sign that is at fault. */
static size_t word_at(const char *at)
{
    size_t n = name_length(at) ? name_length(at) : number_length(at);
    if (n || !*at) return n;
    for (n = 1; (at[n] & 0xc0) == 0x80; n++) continue; /* all of a letter in UTF-8 */
    return n;
}

static cev_status read_sum(formula_reading *r);

static cev_status no_operand(const formula_reading *r)
{
    size_t n = word_at(r->at), before = (size_t)(r->at - r->text);
    if (before == 0 && !*r->at) return cev_fail(CEV_E_INPUT, "the formula is empty");
    if (!*r->at)
        return cev_fail(CEV_E_INPUT, "the formula \"%s\" ends where a number, a name or a bracket was expected",
                        r->text);
    if (*r->at == ')')
        return cev_fail(CEV_E_INPUT, "at letter %zu: \")\" where a number, a name or a bracket was expected", place(r));
    if (before && r->at[-1] == '*' && *r->at == '*')
        return cev_fail(CEV_E_INPUT, "at letter %zu: \"**\": powers are written x^y", place(r) - 1);
    return cev_fail(CEV_E_INPUT, "at letter %zu: found \"%.*s\" where a number, a name or a bracket was expected",
                    place(r), (int)n, r->at);
}

static cev_status unknown_name(const formula_reading *r, const char *word, bool called)
{
    const char *names[MOST_NAMES], *random = cev_nearest(word, (const char *const[]){"rnd", "rand", "random"}, 3);
    size_t n = 0;
    for (size_t k = 0; k < r->n_name && !called && n < MOST_NAMES; k++) names[n++] = r->name[k];
    for (size_t k = 0; k < cev_n_formula_functions && n < MOST_NAMES; k++) names[n++] = cev_formula_functions[k].name;
    if (!called && n < MOST_NAMES) names[n++] = pi_name;
    const char *nearest = cev_nearest(word, names, n);
    if (called && random)
        return cev_fail(CEV_E_INPUT, "at letter %zu: \"%s\": nothing in a formula is random", place(r), word);
    return cev_fail(CEV_E_INPUT, "at letter %zu: unknown %s \"%s\"%s%s%s", place(r), called ? "function" : "name", word,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static size_t input_number(formula_reading *r, size_t name)
{
    size_t k = 0;
    while (k < r->n_input && r->input[k] != name) k++;
    if (k == r->n_input) r->input[r->n_input++] = name;
    return k;
}

static cev_status close_bracket(formula_reading *r, size_t opened)
{
    skip_blanks(r);
    if (*r->at != ')' && *r->at)
        return cev_fail(CEV_E_INPUT, "at letter %zu: found \"%.*s\" where an operator or \")\" was expected", place(r),
                        (int)word_at(r->at), r->at);
    if (!*r->at) return cev_fail(CEV_E_INPUT, "wrong number of brackets: the one at letter %zu is not closed", opened);
    r->at++;
    emit(r, ")");
    return CEV_OK;
}

static cev_status deeper(formula_reading *r)
{
    if (++r->depth <= CEV_MAX_FORMULA_DEPTH) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "at letter %zu: more than %d brackets, signs and powers within one another", place(r),
                    CEV_MAX_FORMULA_DEPTH);
}

static cev_status read_call(formula_reading *r, const char *word, size_t length)
{
    const cev_formula_function *f = find_function(word, length);
    size_t n = 0, most = f->two ? 2 : 1, opened;
    skip_blanks(r);
    if (*r->at != '(')
        return cev_fail(CEV_E_INPUT, "at letter %zu: function \"%s\" needs its argument in brackets", place(r),
                        f->name);
    opened = place(r);
    emit(r, "%s(", f->name);
    do {
        r->at++; /* the bracket, or a comma */
        if (n) emit(r, ",");
        CEV_TRY(read_sum(r));
        skip_blanks(r);
        n++;
    } while (*r->at == ',' && n <= most);
    if (n != most)
        return cev_fail(CEV_E_INPUT, "at letter %zu: function \"%s\" takes %s, not %s", opened, f->name,
                        most == 1 ? "one number" : "two numbers", n == 1 ? "one" : "more");
    return close_bracket(r, opened);
}

static cev_status read_name(formula_reading *r)
{
    char word[MOST_WORD];
    size_t n = name_length(r->at), k = 0;
    const char *begin = r->at, *after = begin + n + strspn(begin + n, " \t\n");
    snprintf(word, sizeof word, "%.*s", (int)n, begin);
    while (k < r->n_name && !is_word(r->name[k], begin, n)) k++;
    bool known = k < r->n_name || find_function(begin, n) || is_word(pi_name, begin, n);
    if (!known) return unknown_name(r, word, *after == '(');
    r->at += n;
    if (find_function(begin, n)) return read_call(r, begin, n);
    if (k < r->n_name) {
        emit(r, "v%zu", input_number(r, k));
        return CEV_OK;
    }
    emit(r, "c%zu", r->n_number);
    r->number[r->n_number++] = M_PI;
    return CEV_OK;
}

static cev_status read_number(formula_reading *r)
{
    char *end;
    double x = strtod(r->at, &end);
    size_t n = number_length(r->at);
    if ((size_t)(end - r->at) != n || !isfinite(x))
        return cev_fail(CEV_E_INPUT, "at letter %zu: \"%.*s\" is no number in decimal digits", place(r),
                        (int)strspn(r->at, in_names), r->at);
    r->at += n;
    emit(r, "c%zu", r->n_number);
    r->number[r->n_number++] = x;
    return CEV_OK;
}

static cev_status read_atom(formula_reading *r)
{
    skip_blanks(r);
    if (number_length(r->at)) return read_number(r);
    if (name_length(r->at)) return read_name(r);
    if (*r->at != '(') return no_operand(r);
    size_t opened = place(r);
    r->at++;
    emit(r, "(");
    CEV_TRY(read_sum(r));
    return close_bracket(r, opened);
}

static cev_status read_signed(formula_reading *r);

static cev_status read_power(formula_reading *r)
{
    CEV_TRY(read_atom(r));
    skip_blanks(r);
    if (*r->at != '^') return CEV_OK;
    CEV_TRY(deeper(r));
    r->at++;
    emit(r, "^(");
    CEV_TRY(read_signed(r));
    emit(r, ")");
    r->depth--;
    return CEV_OK;
}

static cev_status read_signed(formula_reading *r)
{
    skip_blanks(r);
    if (*r->at != '-' && *r->at != '+') return read_power(r);
    CEV_TRY(deeper(r));
    bool minus = *r->at++ == '-';
    if (minus) emit(r, "negative(");
    CEV_TRY(read_signed(r));
    if (minus) emit(r, ")");
    r->depth--;
    return CEV_OK;
}

static cev_status read_product(formula_reading *r)
{
    CEV_TRY(read_signed(r));
    for (skip_blanks(r); *r->at == '*' || *r->at == '/'; skip_blanks(r)) {
        emit(r, "%c", *r->at++);
        CEV_TRY(read_signed(r));
    }
    return CEV_OK;
}

static cev_status read_sum(formula_reading *r)
{
    CEV_TRY(deeper(r));
    CEV_TRY(read_product(r));
    for (skip_blanks(r); *r->at == '+' || *r->at == '-'; skip_blanks(r)) {
        emit(r, "%c", *r->at++);
        CEV_TRY(read_product(r));
    }
    r->depth--;
    return CEV_OK;
}

/* Something stands where an operator, or the end, was expected. */
static cev_status no_operator(const formula_reading *r)
{
    size_t n = word_at(r->at);
    if (*r->at == ')')
        return cev_fail(CEV_E_INPUT, "wrong number of brackets: the one at letter %zu closes none", place(r));
    if (*r->at == '(' || name_length(r->at) || number_length(r->at))
        return cev_fail(CEV_E_INPUT, "at letter %zu: an operator is missing before \"%.*s\": products are written x*y",
                        place(r), (int)n, r->at);
    return cev_fail(CEV_E_INPUT, "at letter %zu: \"%.*s\" is no operator: there are + - * / ^", place(r), (int)n,
                    r->at);
}

/* A name, a number or a sign of one letter becomes at most 10, and there are as many of them as letters. */
static cev_status allocate(cev_arena *arena, formula_reading *r)
{
    size_t n = strlen(r->text) + 1;
    r->most_code = 16 * n;
    CEV_TRY(cev_new(arena, n, &r->input));
    CEV_TRY(cev_new(arena, n, &r->number));
    return cev_new(arena, r->most_code, &r->code);
}

cev_status cev_formula_read(cev_arena *arena, const char *text, size_t n_name, const char *const *name,
                            cev_formula *out)
{
    formula_reading r = {.text = text, .at = text, .n_name = n_name, .name = name};
    if (strlen(text) > CEV_MAX_FORMULA)
        return cev_fail(CEV_E_INPUT, "a formula has at most %d letters, and this one %zu", CEV_MAX_FORMULA,
                        strlen(text));
    CEV_TRY(allocate(arena, &r));
    CEV_TRY(read_sum(&r));
    if (*r.at) return no_operator(&r);
    *out = (cev_formula){r.code, r.n_input, r.n_number, r.input, r.number};
    return CEV_OK;
}
