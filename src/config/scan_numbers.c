/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of experiments that a scan gives a role: "quenching.c1" of all that have it, or "ess_csi.quenching.c1". */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/experiment_number.h"
#include "scan_roles.h"

/* The first experiment, in any setting, that has a number of the name; NULL: none. */
static const cev_experiment *owner_of(const cev_scan_config *c, const char *name)
{
    for (size_t e = 0; e < c->n_experiment; e++)
        if (cev_experiment_number_name(c->experiment[e], name)) return c->experiment[e];
    return NULL;
}

bool cev_is_number(const cev_scan_config *config, const char *name)
{
    return owner_of(config, name) != NULL;
}

/* Whether it is one that templates depend on smoothly. */
static cev_status check_number(const cev_experiment *x, cev_node name, const cev_experiment_number *number)
{
    const cev_source_kind *source = x->source.kind;
    const char *text = cev_node_text(name);
    if (number->parameter->whole)
        return cev_node_fail(name, "number \"%s\" is a choice: it belongs into the experiment's file", text);
    if (isnan(number->value)) return cev_node_fail(name, "number \"%s\" has no value in \"%s\"", text, x->name);
    if (source->scan_parameter && number->parameter == &source->card.parameters[source->normalisation])
        return cev_node_fail(name, "number \"%s\": scans have parameter \"%s\" for it", text, source->scan_parameter);
    if (number->parameter == &x->response.kind->card.parameters[CEV_RESPONSE_THRESHOLD_KEV] &&
        x->response.kind->observable == CEV_OBSERVABLE_RECOIL_KEV)
        return cev_node_fail(name, "number \"%s\": the bins of \"%s\" begin there, so that it cannot change", text,
                             x->name);
    return CEV_OK;
}

/* In all experiments, in all settings: what is expected at the truth is as their files have it. */
static cev_status check_same(const cev_scan_config *c, cev_node name, const cev_experiment *first, double value)
{
    for (size_t k = 0; k < c->n_experiment * (1 + c->n_further); k++) {
        const cev_experiment *x = c->experiment[k];
        const char *own = cev_experiment_number_name(x, cev_node_text(name));
        if (!own) continue;
        cev_experiment_number number = cev_experiment_number_of(x, own);
        CEV_TRY(check_number(x, name, &number));
        if (number.value == value) continue;
        if (x->name == first->name || !strcmp(x->name, first->name))
            return cev_node_fail(name, "number \"%s\" is %g here and %g there: a factor changes it already",
                                 cev_node_text(name), value, number.value);
        return cev_node_fail(name, "number \"%s\" is %g in \"%s\" and %g in \"%s\"; name one of them: %s.%s",
                             cev_node_text(name), value, first->name, number.value, x->name, x->name, own);
    }
    return CEV_OK;
}

/* "quenching.c1" and "ess_csi.quenching.c1" are one number. */
static cev_status check_once(const cev_roles *r, cev_node name)
{
    for (size_t g = 0; g < r->config->roster.n_guest; g++)
        for (size_t e = 0; e < r->config->n_experiment && r->guest[g].kind == CEV_GUEST_NUMBER; e++) {
            const cev_experiment *x = r->config->experiment[e];
            const char *one = cev_experiment_number_name(x, r->guest[g].parameter.name),
                       *other = cev_experiment_number_name(x, cev_node_text(name));
            if (one && other && !strcmp(one, other))
                return cev_node_fail(name, "\"%s\" and \"%s\" are the same number of \"%s\"",
                                     r->guest[g].parameter.name, cev_node_text(name), x->name);
        }
    return CEV_OK;
}

cev_status cev_describe_number(const cev_roles *r, cev_node name, cev_guest *out)
{
    const cev_experiment *x = owner_of(r->config, cev_node_text(name));
    cev_experiment_number number = cev_experiment_number_of(x, cev_experiment_number_name(x, cev_node_text(name)));
    CEV_TRY(check_number(x, name, &number));
    CEV_TRY(check_same(r->config, name, x, number.value));
    CEV_TRY(check_once(r, name));
    *out = (cev_guest){.parameter = *number.parameter, .kind = CEV_GUEST_NUMBER};
    out->parameter.default_value = out->low = out->high = number.value;
    out->parameter.slow = false; /* templates are interpolated */
    return cev_arena_keep_text(r->config->arena, cev_node_text(name), &out->parameter.name);
}

/* --- what a number can be ----------------------------------------------------------------------------------------- */

static void widen(double *low, double *high, double one, double other)
{
    *low = fmin(*low, fmin(one, other));
    *high = fmax(*high, fmax(one, other));
}

/* Values of theta[index] in the scan; false if they are not known beforehand. */
static bool range_of(const cev_scan_config *c, size_t index, double *low, double *high)
{
    *low = *high = c->theta[index];
    for (size_t a = 0; a < c->grid.n_axis; a++)
        if (c->axis_parameter[a] == index)
            *low = c->grid.axis[a].value[0], *high = c->grid.axis[a].value[c->grid.axis[a].n - 1];
    for (size_t m = 0; c->member_parameter && m < c->grid.axis[0].n; m++)
        if (c->member_parameter[m] == index)
            widen(low, high, c->grid.axis[1].value[0], c->grid.axis[1].value[c->grid.axis[1].n - 1]);
    for (size_t k = 0; k < c->roster.n_profiled; k++)
        if (c->roster.profiled[k].index == index) *low = c->roster.profiled[k].low, *high = c->roster.profiled[k].high;
    for (size_t k = 0; k < c->roster.n_follower; k++) {
        const cev_follower *f = &c->roster.follower[k];
        double from, to;
        if (f->index != index) continue;
        if (f->formula || !range_of(c, f->of, &from, &to)) return false;
        *low = fmin(f->times * from, f->times * to);
        *high = fmax(f->times * from, f->times * to);
    }
    return true;
}

/* Of a range, the value that is to blame. */
static cev_status where_it_is(cev_status status, const cev_parameter *parameter, double at)
{
    char message[1024];
    snprintf(message, sizeof message, "%s", cev_error_message());
    return cev_fail(status, "%s, where %s is %g", message, parameter->name, at);
}

/* The experiments are ones there. */
static cev_status check_at(const cev_scan_config *c, cev_node place, const cev_parameter *parameter, double at)
{
    for (size_t k = 0; k < c->n_experiment * (1 + c->n_further); k++) {
        const char *own = cev_experiment_number_name(c->experiment[k], parameter->name);
        const cev_experiment *there;
        if (!own || (k >= c->n_experiment && c->experiment[k] == c->experiment[k - c->n_experiment])) continue;
        CEV_TRY(cev_experiment_with_numbers(c->arena, c->experiment[k], 1, &own, &at, &there));
        cev_experiment copy = *there;
        CEV_TRY(cev_check_source(c->arena, place, &copy.source));
        cev_status status = cev_check_quenching(place, &copy.response,
                                                cev_experiment_recoil_max_keV(&copy.source, &copy.target));
        if (status != CEV_OK) return where_it_is(status, parameter, at);
    }
    return CEV_OK;
}

cev_status cev_lay_number(cev_roles *r, size_t guest)
{
    const cev_scan_config *c = r->config;
    cev_guest *own = &r->guest[guest];
    size_t index = c->interaction->card.n_parameter + guest;
    const cev_parameter *parameter = &own->parameter;
    cev_node place = cev_entry_of(r, index)->node;
    double low, high;
    if (!range_of(c, index, &low, &high))
        return cev_node_fail(place,
                             "number \"%s\": experiments are prepared for a range of it, and what a formula gives has "
                             "none; tie it by \"equals\" to what has one",
                             parameter->name);
    if (!(low >= parameter->minimum && high <= parameter->maximum))
        return cev_node_fail(place, "number \"%s\" would be between %g and %g, and it can be between %g and %g",
                             parameter->name, low, high, parameter->minimum, parameter->maximum);
    CEV_TRY(check_at(c, place, parameter, low));
    CEV_TRY(check_at(c, place, parameter, high));
    widen(&own->low, &own->high, low, high);
    return CEV_OK;
}
