/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pulls in words, and whether two of one name are one. */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/experiment.h"

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
    va_list values;
    size_t used = strlen(text);
    va_start(values, format);
    vsnprintf(text + used, size - used, format, values);
    va_end(values);
}

bool cev_pull_is_there(const cev_pull *pull)
{
    return pull->sigma != 0;
}

double cev_pull_step(const cev_pull *pull)
{
    return isnan(pull->sigma) ? 1 : pull->sigma;
}

size_t cev_pull_n_shape(const cev_pull *pull)
{
    if (!cev_pull_is_there(pull)) return 0;
    return pull->up ? 1 + (size_t)pull->quadratic : pull->n_part > 0;
}

size_t cev_experiment_n_shape(const cev_experiment *experiment)
{
    size_t n = 0;
    for (size_t p = 0; p < experiment->n_pull; p++) n += cev_pull_n_shape(&experiment->pull[p]);
    return n;
}

double cev_pull_low(const cev_pull *pull)
{
    return pull->bounded ? pull->minimum : -INFINITY;
}

double cev_pull_high(const cev_pull *pull)
{
    return pull->bounded ? pull->maximum : INFINITY;
}

/* --- in words --------------------------------------------------------------------------------------------------- */

static void add_bounds(const cev_pull *pull, char *text, size_t size)
{
    double low = cev_pull_low(pull), high = cev_pull_high(pull);
    if (isfinite(low) && isfinite(high))
        add(text, size, ", within %g and %g", low, high);
    else if (isfinite(low))
        add(text, size, ", at least %g", low);
    else if (isfinite(high))
        add(text, size, ", at most %g", high);
}

static void add_weighted(double weight, size_t n, char *text, size_t size)
{
    add(text, size, "%s", n ? ", " : " on ");
    if (weight != 1) add(text, size, "%g ", weight);
}

/* Plain pulls of whole components are told by their names; what is unusual about others is said. */
static void add_scaled(const cev_experiment *x, const cev_pull *pull, char *text, size_t size)
{
    size_t n = 0;
    for (size_t k = 0; (pull->weight || pull->n_part) && k < pull->n_component; k++, n++) {
        size_t c = pull->component[k];
        add_weighted(pull->weight ? pull->weight[k] : 1, n, text, size);
        add(text, size, "%s",
            c == CEV_COMPONENT_SIGNAL ? "signal" : x->background[c - CEV_COMPONENT_FIRST_BACKGROUND].name);
    }
    for (size_t k = 0; k < pull->n_part; k++, n++) {
        const cev_signal_part *part = &pull->part[k];
        add_weighted(part->weight, n, text, size);
        add(text, size, "signal");
        if (part->source_component != SIZE_MAX)
            add(text, size, ".%s", x->source.kind->components[part->source_component].name);
        if (part->nucleus != SIZE_MAX) add(text, size, ".%s", x->target.nucleus[part->nucleus].name);
    }
}

void cev_pull_in_words(const cev_experiment *experiment, const cev_pull *pull, char *text, size_t size)
{
    *text = '\0';
    if (pull->constraint == CEV_CONSTRAINT_NONE)
        add(text, size, "free");
    else
        add(text, size, "sigma %g", pull->sigma);
    if (pull->parameter)
        add(text, size, " of %s", pull->parameter);
    else if (pull->up)
        add(text, size, " of shapes");
    if (pull->quadratic) add(text, size, ", quadratic");
    if (pull->constraint != CEV_CONSTRAINT_NONE && pull->constraint != CEV_CONSTRAINT_GAUSSIAN)
        add(text, size, ", constraint %s", cev_pull_constraint_names[pull->constraint]);
    add_bounds(pull, text, size);
    add_scaled(experiment, pull, text, size);
}

/* --- one name --------------------------------------------------------------------------------------------------- */

static void say_bounds(const char *what, double one, double other, char *text, size_t size)
{
    const char *none = "none";
    char word[2][32];
    snprintf(word[0], sizeof word[0], "%g", one);
    snprintf(word[1], sizeof word[1], "%g", other);
    add(text, size, "with %s %s and %s", what, isinf(one) ? none : word[0], isinf(other) ? none : word[1]);
}

bool cev_pull_is_one(const cev_pull *one, const cev_pull *other, char *why_not, size_t size)
{
    *why_not = '\0';
    if (one->constraint != other->constraint)
        add(why_not, size, "with constraint %s and %s", cev_pull_constraint_names[one->constraint],
            cev_pull_constraint_names[other->constraint]);
    else if (one->constraint != CEV_CONSTRAINT_NONE && one->sigma != other->sigma)
        add(why_not, size, "with sigma %g and %g", one->sigma, other->sigma);
    else if (cev_pull_low(one) != cev_pull_low(other))
        say_bounds("minimum", cev_pull_low(one), cev_pull_low(other), why_not, size);
    else if (cev_pull_high(one) != cev_pull_high(other))
        say_bounds("maximum", cev_pull_high(one), cev_pull_high(other), why_not, size);
    return !*why_not;
}
