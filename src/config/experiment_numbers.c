/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "experiment_numbers.h"

#include <math.h>
#include <string.h>

#include "experiment_parts.h"

bool cev_has_number(size_t n, const cev_experiment *const *experiment, const char *name)
{
    size_t e = 0;
    while (e < n && !cev_experiment_number_name(experiment[e], name)) e++;
    return e < n;
}

cev_status cev_list_numbers(cev_arena *arena, size_t n, const cev_experiment *const *experiment, size_t *n_name,
                            const char *const **names)
{
    const char **name;
    CEV_TRY(cev_new(arena, n * CEV_MAX_EXPERIMENT_NUMBERS, &name));
    *n_name = 0;
    for (size_t e = 0; e < n; e++) {
        const char *const *own;
        size_t n_own;
        CEV_TRY(cev_experiment_number_names(arena, experiment[e], &n_own, &own));
        for (size_t k = 0; k < n_own; k++) {
            size_t j = 0;
            while (j < *n_name && strcmp(name[j], own[k])) j++;
            if (j == *n_name) name[(*n_name)++] = own[k];
        }
    }
    *names = name;
    return CEV_OK;
}

/* --- which numbers ------------------------------------------------------------------------------------------------ */

const char *cev_number_complaint(const cev_experiment *x, const char *name)
{
    const cev_source_kind *source = x->source.kind;
    const cev_experiment_number number = cev_experiment_number_of(x, name);
    const cev_card *response = &x->response.kind->card;
    if (number.parameter->whole) return "is a choice, and has no values between";
    if (isnan(number.value)) return "has no value here that could be changed";
    if (source->scan_parameter && number.parameter == &source->card.parameters[source->normalisation])
        return "changes no shape, and scans set it by a parameter of the interaction";
    if (response->n_parameter > CEV_RESPONSE_THRESHOLD_KEV &&
        number.parameter == &response->parameters[CEV_RESPONSE_THRESHOLD_KEV] &&
        x->response.kind->observable == CEV_OBSERVABLE_RECOIL_KEV)
        return "is where the bins begin, and stays there";
    return NULL;
}

/* A pull that shifts it would be a second name of the same thing. */
static const cev_pull *pull_on(const cev_experiment *x, const char *name)
{
    for (size_t p = 0; p < x->n_pull; p++)
        if (x->pull[p].parameter && !strcmp(x->pull[p].parameter, name)) return &x->pull[p];
    return NULL;
}

static cev_status check_number(cev_node node, const cev_experiment *x, const char *written, const char *name)
{
    const char *complaint = cev_number_complaint(x, name);
    const cev_pull *pull = pull_on(x, name);
    if (complaint) return cev_node_fail(node, "parameter \"%s\" of \"%s\" %s", written, x->name, complaint);
    if (pull)
        return cev_node_fail(node,
                             "parameter \"%s\": pull \"%s\" of \"%s\" shifts it already; give the pull a role, or take "
                             "it away by \"without_pulls\"",
                             written, pull->name, x->name);
    return CEV_OK;
}

static cev_status different(cev_node node, const char *written, const cev_experiment *one, double of_one,
                            const cev_experiment *other, double of_other)
{
    bool settings = !strcmp(one->name, other->name);
    return cev_node_fail(node,
                         "parameter \"%s\" is %.6g in \"%s\" and %.6g in %s; one value for both would change what the "
                         "files say%s",
                         written, of_one, one->name, of_other, settings ? "another setting of it" : other->name,
                         settings ? "" : ": give the number of one, such as EXPERIMENT.quenching.c1");
}

cev_status cev_read_number(cev_arena *arena, cev_node node, const char *name, size_t n,
                           const cev_experiment *const *experiment, cev_guest *out)
{
    size_t first = n;
    *out = (cev_guest){.kind = CEV_GUEST_NUMBER};
    for (size_t e = 0; e < n; e++) {
        const char *own = cev_experiment_number_name(experiment[e], name);
        if (!own) continue;
        CEV_TRY(check_number(node, experiment[e], name, own));
        cev_experiment_number number = cev_experiment_number_of(experiment[e], own);
        if (first == n) {
            first = e;
            out->parameter = *number.parameter;
            out->parameter.default_value = out->low = out->high = number.value;
        }
        if (number.value != out->low)
            return different(node, name, experiment[first], out->low, experiment[e], number.value);
    }
    out->parameter.slow = out->parameter.optional = false; /* templates are interpolated; it has a value */
    return cev_arena_keep_text(arena, name, &out->parameter.name);
}

/* --- its range ---------------------------------------------------------------------------------------------------- */

/* A latitude, say, where only the day counts. */
static bool same_source(const cev_source *a, const cev_source *b)
{
    bool same = !a->kind->n_table || !memcmp(a->table, b->table, a->kind->n_table * sizeof *a->table);
    for (size_t c = 0; c < a->kind->n_component; c++)
        same &= a->kind->fluence_per_cm2(a, c) == b->kind->fluence_per_cm2(b, c);
    return same;
}

static cev_status check_acts(cev_arena *arena, cev_node node, const char *written, const cev_experiment *x,
                             const char *name, const double *end)
{
    const cev_experiment *side[2];
    if (!cev_experiment_number_of(x, name).of_source || end[0] == end[1]) return CEV_OK;
    for (size_t k = 0; k < 2; k++) CEV_TRY(cev_experiment_with_numbers(arena, x, 1, &name, &end[k], &side[k]));
    if (!same_source(&side[0]->source, &side[1]->source)) return CEV_OK;
    return cev_node_fail(node, "parameter \"%s\" changes nothing: the source of \"%s\" is the same at %g and at %g",
                         written, x->name, end[0], end[1]);
}

/* What depends on more than the number, at a value of it. */
static cev_status check_value(cev_node node, const char *written, const cev_experiment *x, const char *name,
                              double value)
{
    cev_experiment copy = *x;
    const char *part = strchr(name, '.') + 1, *complaint = NULL;
    const cev_card *source = &x->source.kind->card, *quenching = NULL;
    size_t p = cev_parameter_index(source->parameters, source->n_parameter, part);
    if (cev_experiment_number_of(x, name).of_source) copy.source.parameter[p] = value;
    if (x->response.kind->made_of_pieces && !strncmp(name, "quenching.", 10)) {
        quenching = &x->response.quenching.kind->card;
        copy.response.quenching.parameter[cev_parameter_index(quenching->parameters, quenching->n_parameter, part)] =
            value;
    }
    if (copy.source.kind->complaint) complaint = copy.source.kind->complaint(&copy.source);
    if (complaint)
        return cev_node_fail(node, "parameter \"%s\" at %g: source \"%s\" of \"%s\": %s", written, value, source->name,
                             x->name, complaint);
    return quenching
               ? cev_check_quenching(node, &copy.response, cev_experiment_recoil_max_keV(&copy.source, &copy.target))
               : CEV_OK;
}

static cev_status check_ends(cev_node node, const cev_parameter *parameter, const double *end)
{
    for (size_t k = 0; k < 2; k++) {
        const char *complaint = cev_parameter_complaint(parameter, end[k]);
        if (!(end[k] >= parameter->minimum && end[k] <= parameter->maximum))
            return cev_node_fail(node, "parameter \"%s\": expected a value from %g to %g, found %g", parameter->name,
                                 parameter->minimum, parameter->maximum, end[k]);
        if (complaint)
            return cev_node_fail(node, "parameter \"%s\": expected %s, found %g", parameter->name, complaint, end[k]);
    }
    return CEV_OK;
}

cev_status cev_give_number_range(cev_arena *arena, cev_node node, size_t n, const cev_experiment *const *experiment,
                                 double low, double high, cev_guest *guest)
{
    enum { LOOKS = 8 };
    const char *written = guest->parameter.name;
    const double end[2] = {fmin(low, guest->parameter.default_value), fmax(high, guest->parameter.default_value)};
    CEV_TRY(check_ends(node, &guest->parameter, end));
    for (size_t e = 0; e < n; e++) {
        const char *own = cev_experiment_number_name(experiment[e], written);
        if (!own) continue;
        for (size_t k = 0; k <= LOOKS; k++)
            CEV_TRY(check_value(node, written, experiment[e], own, end[0] + (end[1] - end[0]) * (double)k / LOOKS));
        CEV_TRY(check_acts(arena, node, written, experiment[e], own, end));
    }
    guest->low = end[0];
    guest->high = end[1];
    return CEV_OK;
}
