/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input that cannot act, and why. */
#include "idle.h"

#include <math.h>
#include <string.h>

#include "cevscan/remarks.h"
#include "scan_parts.h"
#include "study_factors.h"

/* --- lists of names --------------------------------------------------------------------------------------------- */

enum { MOST_LISTED = 6 };

cev_status cev_list_marked(cev_arena *arena, const cev_scan_config *scan, const bool *marked, const char **out)
{
    size_t n = 0, said = 0;
    char *text = NULL;
    for (size_t e = 0; e < scan->n_experiment; e++) n += marked[e];
    size_t most = n > MOST_LISTED + 1 ? MOST_LISTED : n;
    for (size_t e = 0; e < scan->n_experiment && said < most; e++) {
        if (!marked[e]) continue;
        said++;
        const char *before = said == 1 ? "" : said == n ? " and " : ", ";
        CEV_TRY(cev_arena_print(arena, &text, "%s%s%s", text ? text : "", before, scan->experiment[e]->name));
    }
    if (said < n) CEV_TRY(cev_arena_print(arena, &text, "%s and %zu more", text, n - said));
    *out = text ? text : "";
    return CEV_OK;
}

/* --- what cannot act -------------------------------------------------------------------------------------------- */

cev_status cev_influence_of(const cev_scan_config *scan, size_t e, cev_influence **out)
{
    return cev_influence_create(1 + scan->n_further, scan->experiment + e, scan->n_experiment, out);
}

static cev_status can_act(const cev_scan_config *scan, size_t p, const bool *without, bool *out)
{
    *out = false;
    for (size_t e = 0; e < scan->n_experiment && !*out; e++) {
        cev_influence *influence;
        if (without && without[e]) continue;
        CEV_TRY(cev_influence_of(scan, e, &influence));
        *out = cev_influence_can_act(influence, scan->interaction, p);
        cev_influence_destroy(&influence);
    }
    return CEV_OK;
}

static bool has_flavour(const cev_scan_config *scan, cev_flavour flavour)
{
    for (size_t e = 0; e < scan->n_experiment; e++) {
        const cev_source_kind *kind = scan->experiment[e]->source.kind;
        for (size_t c = 0; c < kind->n_component; c++)
            if (kind->components[c].flavour == flavour &&
                (kind->scan_parameter || kind->fluence_per_cm2(&scan->experiment[e]->source, c) > 0))
                return true;
    }
    return false;
}

/* A reason out of what the parameter acts on. */
static cev_status reason_of(cev_arena *arena, const cev_scan_config *scan, size_t p, char **out)
{
    static const char *const flavours[CEV_N_FLAVOURS] = {"nu_e", "nu_mu", "nu_tau"};
    cev_reach reach = cev_parameter_reach(scan->interaction, p);
    bool met = false;
    for (size_t k = 0; k < cev_n_source_kinds; k++)
        if (reach.source[k])
            return cev_arena_print(arena, out, "it is the flux of source \"%s\", which no experiment here has",
                                   cev_source_kinds[k]->card.name);
    for (int a = 0; a < CEV_N_FLAVOURS; a++) met |= reach.flavour[a] && has_flavour(scan, (cev_flavour)a);
    for (int a = 0; a < CEV_N_FLAVOURS && !met; a++)
        if (reach.flavour[a])
            return cev_arena_print(arena, out, "it acts on %s, which no source here gives", flavours[a]);
    const cev_form_factor_kind *own = scan->experiment[0]->target.form_factor.kind;
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++)
        met &= cev_form_factor_kinds[k] != own || !reach.form_factor[k];
    for (size_t k = 0; k < cev_n_form_factor_kinds && met; k++)
        if (reach.form_factor[k])
            return cev_arena_print(arena, out, "form factor \"%s\" does not use it; \"%s\" does", own->card.name,
                                   cev_form_factor_kinds[k]->card.name);
    return cev_arena_print(arena, out, "none of their nuclei has anything to it");
}

cev_status cev_scan_why_idle(cev_arena *arena, const cev_scan_config *scan, size_t p, const bool *without,
                             const char **why)
{
    bool acts, *marked;
    const char *names;
    char *reason;
    size_t n = 0;
    *why = NULL;
    CEV_TRY(can_act(scan, p, without, &acts));
    if (acts) return CEV_OK;
    CEV_TRY(cev_new(arena, scan->n_experiment, &marked));
    for (size_t e = 0; e < scan->n_experiment; e++) n += marked[e] = !without || !without[e];
    if (n == 0) {
        *why = "changes nothing: every experiment is compared with what it observed";
        return CEV_OK;
    }
    CEV_TRY(cev_list_marked(arena, scan, marked, &names));
    CEV_TRY(reason_of(arena, scan, p, &reason));
    CEV_TRY(cev_arena_print(arena, &reason, "changes nothing that %s expect%s: %s", names, n == 1 ? "s" : "", reason));
    *why = reason;
    return CEV_OK;
}

cev_status cev_check_acts(const cev_scan_config *config, cev_node name, size_t p, double value, const bool *without)
{
    const cev_parameter *parameter = &config->interaction->card.parameters[p];
    const char *why;
    if (cev_same_value(value, parameter->default_value)) return CEV_OK;
    CEV_TRY(cev_scan_why_idle(config->arena, config, p, without, &why));
    return why ? cev_node_fail(name, "parameter \"%s\" %s", parameter->name, why) : CEV_OK;
}
