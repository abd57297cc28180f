/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pull scales: components, and parts of the signal, with weights. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/nucleus.h"
#include "experiment_pull_parts.h"

enum { MOST_NAMES = CEV_MAX_COMPONENTS + CEV_MAX_SOURCE_COMPONENTS + CEV_MAX_NUCLEI };
static const char signal_prefix[] = "signal.";

/* A pull while the list is read. */
typedef struct scaling {
    cev_arena *arena;
    const cev_experiment *experiment;
    const char *pull;
    size_t n_component, n_part, n_group;
    size_t *component; /* [n_component] */
    double *weight;
    cev_signal_part *part; /* [n_part] */
    size_t *group;         /* [n_group + 1]: which parts each name of the list stands for */
    bool weighted;
} scaling;

/* --- names ------------------------------------------------------------------------------------------------------ */

/* "Xe" is all isotopes of xenon, "Xe131" or "131Xe" one. */
static bool is_nucleus(const char *text, const char *name)
{
    const cev_isotope *isotope = cev_isotope_find(text);
    size_t n = strlen(text);
    if (!strcmp(text, name) || (isotope && isotope == cev_isotope_find(name))) return true;
    return n > 0 && !strncmp(text, name, n) && name[n] && strspn(name + n, "0123456789") == strlen(name + n);
}

/* The component of the source that a text begins with; *rest is what follows after a dot, "" if nothing does. */
static size_t leading_component(const cev_source_kind *kind, const char *text, const char **rest)
{
    for (size_t c = 0; c < kind->n_component; c++) {
        size_t n = strlen(kind->components[c].name);
        if (strncmp(text, kind->components[c].name, n) != 0 || (text[n] && text[n] != '.')) continue;
        *rest = text[n] ? text + n + 1 : "";
        return c;
    }
    *rest = text;
    return SIZE_MAX;
}

static cev_status add_name(const scaling *s, const char **names, size_t *n, const char *first, const char *second)
{
    char *text;
    CEV_TRY(cev_arena_print(s->arena, &text, "%s%s%s", first, *second ? "." : "", second));
    for (size_t k = 0; k < *n; k++)
        if (!strcmp(names[k], text)) return CEV_OK;
    if (*n < MOST_NAMES) names[(*n)++] = text;
    return CEV_OK;
}

/* Those that a name could be which begins as this one does. */
static cev_status list_names(const scaling *s, const char *text, const char **names, size_t *n)
{
    const cev_experiment *x = s->experiment;
    const cev_source_kind *kind = x->source.kind;
    const char *rest = "";
    size_t c = SIZE_MAX;
    char *first;
    if (!strncmp(text, signal_prefix, strlen(signal_prefix)))
        c = leading_component(kind, text + strlen(signal_prefix), &rest);
    bool of_component = c != SIZE_MAX && *rest;
    CEV_TRY(cev_arena_print(s->arena, &first, "%s%s", of_component ? signal_prefix : "signal",
                            of_component ? kind->components[c].name : ""));
    *n = 0;
    if (!of_component) CEV_TRY(add_name(s, names, n, first, ""));
    for (size_t b = 0; !of_component && b < x->n_background; b++)
        CEV_TRY(add_name(s, names, n, x->background[b].name, ""));
    for (size_t k = 0; !of_component && k < kind->n_component; k++)
        CEV_TRY(add_name(s, names, n, first, kind->components[k].name));
    for (size_t k = 0; k < x->target.n_nucleus; k++) CEV_TRY(add_name(s, names, n, first, x->target.nucleus[k].name));
    return CEV_OK;
}

/* It may be a background that the base of this experiment had. */
static cev_status no_component(const scaling *s, cev_node name)
{
    const char *names[MOST_NAMES];
    char message[1400];
    size_t n;
    CEV_TRY(list_names(s, cev_node_text(name), names, &n));
    cev_status status = cev_node_fail_name(name, "component", names, n);
    snprintf(message, sizeof message, "%s", cev_error_message());
    bool part = !strncmp(cev_node_text(name), signal_prefix, strlen(signal_prefix));
    return cev_fail(status,
                    part ? "%s; pull \"%s\" scales it: parts of the signal are signal.COMPONENT, "
                           "signal.NUCLEUS and signal.COMPONENT.NUCLEUS"
                         : "%s; pull \"%s\" scales it: where the background was taken away, take it from "
                           "\"scales\", or the pull away as well",
                    message, s->pull);
}

/* --- one of the list -------------------------------------------------------------------------------------------- */

static cev_status listed_twice(cev_node name)
{
    return cev_node_fail(name, "component \"%s\" is listed twice", cev_node_text(name));
}

static cev_status add_component(scaling *s, cev_node name, size_t component, double weight)
{
    for (size_t j = 0; j < s->n_component; j++)
        if (s->component[j] == component) return listed_twice(name);
    s->weight[s->n_component] = weight;
    s->component[s->n_component++] = component;
    return CEV_OK;
}

static bool same_group(const scaling *s, size_t one, size_t other)
{
    size_t n = s->group[one + 1] - s->group[one];
    const cev_signal_part *a = s->part + s->group[one], *b = s->part + s->group[other];
    bool same = n == s->group[other + 1] - s->group[other];
    for (size_t k = 0; same && k < n; k++)
        same = a[k].source_component == b[k].source_component && a[k].nucleus == b[k].nucleus;
    return same;
}

/* signal.COMPONENT, signal.NUCLEUS, signal.COMPONENT.NUCLEUS. Parts may hold one another: their weights add up. */
static cev_status add_part(scaling *s, cev_node name, double weight)
{
    const cev_target *target = &s->experiment->target;
    const char *rest;
    size_t c = leading_component(s->experiment->source.kind, cev_node_text(name) + strlen(signal_prefix), &rest);
    size_t first = s->n_part;
    if (c != SIZE_MAX && !*rest)
        s->part[s->n_part++] = (cev_signal_part){.source_component = c, .nucleus = SIZE_MAX, .weight = weight};
    for (size_t k = 0; *rest && k < target->n_nucleus; k++)
        if (is_nucleus(rest, target->nucleus[k].name))
            s->part[s->n_part++] = (cev_signal_part){.source_component = c, .nucleus = k, .weight = weight};
    if (s->n_part == first) return no_component(s, name);
    s->group[s->n_group + 1] = s->n_part;
    for (size_t k = 0; k < s->n_group; k++)
        if (same_group(s, k, s->n_group)) return listed_twice(name);
    s->n_group++;
    return CEV_OK;
}

static cev_status add_scaled(scaling *s, cev_node name, double weight)
{
    const cev_experiment *x = s->experiment;
    const char *text = cev_node_text(name);
    s->weighted |= weight != 1;
    if (!strcmp(text, "signal")) return add_component(s, name, CEV_COMPONENT_SIGNAL, weight);
    for (size_t b = 0; b < x->n_background; b++)
        if (!strcmp(text, x->background[b].name))
            return add_component(s, name, CEV_COMPONENT_FIRST_BACKGROUND + b, weight);
    bool part = !strncmp(text, signal_prefix, strlen(signal_prefix));
    return part ? add_part(s, name, weight) : no_component(s, name);
}

static cev_status read_weight(cev_node name, cev_node value, double *out)
{
    CEV_TRY(cev_node_real(value, cev_node_text(name), -1e6, 1e6, out));
    if (*out != 0) return CEV_OK;
    return cev_node_fail(value, "key \"scales\": a weight of 0 changes nothing; leave \"%s\" out", cev_node_text(name));
}

cev_status cev_read_pull_scales(cev_arena *arena, cev_node node, const cev_experiment *experiment, cev_pull *out)
{
    size_t n = cev_node_length(node);
    bool mapping = cev_node_is_mapping(node);
    scaling s = {.arena = arena, .experiment = experiment, .pull = out->name};
    if ((!mapping && !cev_node_is_sequence(node)) || n == 0)
        return cev_node_fail(node,
                             "key \"scales\": expected a list of components (signal, names of backgrounds, or parts "
                             "of the signal, such as signal.%s), or {COMPONENT: weight, ...}",
                             experiment->source.kind->components[0].name);
    CEV_TRY(cev_new(arena, n, &s.component));
    CEV_TRY(cev_new(arena, n, &s.weight));
    CEV_TRY(cev_new(arena, n + 1, &s.group));
    CEV_TRY(cev_new(arena, n * experiment->target.n_nucleus, &s.part));
    for (size_t k = 0; k < n; k++) {
        double weight = 1;
        cev_node name = mapping ? cev_node_key(node, k) : cev_node_item(node, k);
        if (mapping) CEV_TRY(read_weight(name, cev_node_value(node, k), &weight));
        CEV_TRY(add_scaled(&s, name, weight));
    }
    out->n_component = s.n_component;
    out->component = s.component;
    out->weight = s.weighted ? s.weight : NULL;
    out->n_part = s.n_part;
    out->part = s.part;
    return CEV_OK;
}
