/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each entry of the key "parameters" is about: a parameter of the interaction, a pull, a number of experiments, or
 * one's own. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/nearest.h"
#include "cevscan/experiment_number.h"
#include "cevscan/formula.h"
#include "scan_roles.h"

const cev_pull *cev_pull_of(const cev_scan_config *config, const char *name)
{
    for (size_t e = 0; e < config->n_experiment; e++)
        for (size_t p = 0; p < config->experiment[e]->n_pull; p++)
            if (!strcmp(config->experiment[e]->pull[p].name, name)) return &config->experiment[e]->pull[p];
    return NULL;
}

cev_status cev_find_parameter(const cev_scan_config *config, cev_node name, size_t *out)
{
    const char *names[CEV_MAX_THETA];
    size_t n = cev_roster_n(&config->roster);
    *out = cev_roster_index(&config->roster, cev_node_text(name));
    if (*out < n) return CEV_OK;
    for (size_t p = 0; p < n; p++) names[p] = cev_roster_parameter(&config->roster, p)->name;
    return cev_node_fail_name(name, "parameter", names, n);
}


/* Whether another entry reads it. */
static bool is_read(const cev_roles *r, const char *name)
{
    for (size_t k = 0; k < r->n; k++) {
        const cev_entry *e = &r->entry[k];
        if (e->left_out) continue;
        if (e->keys.formula && cev_formula_mentions(e->keys.formula, name)) return true;
        if (e->keys.equals.id && !strcmp(cev_node_text(e->keys.equals), name)) return true;
    }
    return false;
}

static bool any_follows(const cev_roles *r)
{
    bool out = false;
    for (size_t k = 0; k < r->n; k++) out |= r->entry[k].keys.formula || r->entry[k].keys.equals.id;
    return out;
}

/* A name that nothing reads may be one that a formula, or a tie, has misspelt. */
static cev_status check_readers(const cev_roles *r)
{
    const cev_card *card = &r->config->interaction->card;
    const char **names;
    size_t n = 0;
    cev_formula unused;
    CEV_TRY(cev_new(r->config->arena, card->n_parameter + r->n, &names));
    for (size_t p = 0; p < card->n_parameter; p++) names[n++] = card->parameters[p].name;
    for (size_t k = 0; k < r->n; k++)
        if (r->entry[k].keys.name.id) names[n++] = cev_node_text(r->entry[k].keys.name);
    for (size_t k = 0; k < r->n; k++) {
        const cev_entry *e = &r->entry[k];
        size_t p = 0;
        cev_status status = e->keys.formula ? cev_formula_read(r->config->arena, e->keys.formula, n, names, &unused)
                                            : CEV_OK;
        if (status != CEV_OK)
            return cev_node_fail(cev_node_find(e->node, "formula"), "key \"formula\": %s", cev_error_message());
        while (e->keys.equals.id && p < n && strcmp(names[p], cev_node_text(e->keys.equals))) p++;
        if (e->keys.equals.id && p == n && !cev_pull_of(r->config, cev_node_text(e->keys.equals)))
            return cev_node_fail_name(e->keys.equals, "parameter", names, n);
    }
    return CEV_OK;
}

enum { MOST_NAMES = 512 };

/* Under both of their names. */
static cev_status add_numbers(cev_arena *arena, const cev_experiment *x, size_t *n, const char **names)
{
    const char *const *own;
    char *whole;
    size_t n_own;
    CEV_TRY(cev_experiment_number_names(arena, x, &n_own, &own));
    for (size_t k = 0; k < n_own && *n + 2 <= MOST_NAMES; k++) {
        CEV_TRY(cev_arena_print(arena, &whole, "%s.%s", x->name, own[k]));
        names[(*n)++] = own[k];
        names[(*n)++] = whole;
    }
    return CEV_OK;
}

/* A misspelt number of an experiment: of all there are, those that begin as the nearest one does. */
static cev_status unknown_number(const cev_entry *e, const char *experiment, const char *const *names, size_t n)
{
    enum { MOST_NAMED = 12 };
    const char *name = cev_node_text(e->keys.name), *nearest = cev_nearest(name, names, n);
    const char *like = nearest ? nearest : name;
    size_t first = strcspn(like, ".") + 1, named = 0;
    char list[1024] = "";
    for (size_t k = 0; k < n && named < MOST_NAMED; k++) {
        size_t used = strlen(list);
        if (strncmp(names[k], like, first) || used + strlen(names[k]) + 4 > sizeof list) continue;
        snprintf(list + used, sizeof list - used, "%s%s", named++ ? ", " : "", names[k]);
    }
    return cev_node_fail(e->keys.name, "unknown parameter \"%s\"%s%s%s (known: %s%s%zu more; see: cevscan describe %s)",
                         name, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "", list,
                         named ? ", and " : "", n - named, experiment);
}

static cev_status unknown_name(const cev_roles *r, const cev_entry *e)
{
    const char *names[MOST_NAMES], *name = cev_node_text(e->keys.name);
    const cev_card *card = &r->config->interaction->card;
    size_t n = 0;
    char message[2048];
    CEV_TRY(check_readers(r));
    for (size_t p = 0; p < card->n_parameter; p++) names[n++] = card->parameters[p].name;
    for (size_t x = 0; x < r->config->n_experiment; x++)
        for (size_t p = 0; p < r->config->experiment[x]->n_pull && n < CEV_LENGTH(names); p++)
            names[n++] = r->config->experiment[x]->pull[p].name;
    for (size_t x = 0; x < r->config->n_experiment && strchr(name, '.'); x++)
        CEV_TRY(add_numbers(r->config->arena, r->config->experiment[x], &n, names));
    cev_status status = strchr(name, '.') && r->config->n_experiment
                            ? unknown_number(e, r->config->experiment[0]->name, names, n)
                            : cev_node_fail_name(e->keys.name, "parameter", names, n);
    if (status != CEV_E_INPUT || (!any_follows(r) && !e->keys.unit && !e->keys.label)) return status;
    snprintf(message, sizeof message, "%s", cev_error_message());
    return cev_fail(status, "%s; nor is it one of your own, since no \"formula\" and no \"equals\" reads \"%s\"",
                    message, name);
}

/* The sign that TeX has for letters that stand for themselves. */
static cev_status make_label(cev_arena *arena, const char *name, const char **out)
{
    char text[512] = "", *copy;
    size_t n = 0;
    for (; *name && n + 2 < sizeof text; name++) {
        if (strchr("_#%&$", *name)) text[n++] = '\\';
        text[n++] = *name;
    }
    CEV_TRY(cev_arena_print(arena, &copy, "\\mathrm{%s}", text));
    *out = copy;
    return CEV_OK;
}

static cev_status describe_pull(const cev_roles *r, cev_node name, const cev_pull *pull, cev_parameter *out)
{
    if (pull->constraint != CEV_CONSTRAINT_NONE && !(pull->sigma > 0))
        return cev_node_fail(name, "pull \"%s\" has the sigma 0, and is not there", pull->name);
    bool above = pull->constraint == CEV_CONSTRAINT_GAMMA || pull->constraint == CEV_CONSTRAINT_LOGNORMAL;
    *out = (cev_parameter){.name = pull->name, .unit = "", .help = "a pull", .minimum = -1e6, .maximum = 1e6};
    if (above) out->minimum = -1;
    if (pull->bounded) out->minimum = fmax(out->minimum, pull->minimum), out->maximum = pull->maximum;
    return make_label(r->config->arena, pull->name, &out->label);
}

static cev_status describe_own(const cev_roles *r, const cev_entry *e, cev_parameter *out)
{
    const char *name = cev_node_text(e->keys.name);
    if (!cev_formula_can_name(name) || strchr(name, '.'))
        return cev_node_fail(e->keys.name,
                             "parameter \"%s\": a name of one's own has letters, digits and _, and begins with no "
                             "digit",
                             name);
    if (cev_formula_reserves(name))
        return cev_node_fail(e->keys.name, "parameter \"%s\": the name means something else in formulas", name);
    *out = (cev_parameter){.unit = "",
                           .help = "one's own",
                           .default_value = NAN,
                           .minimum = -INFINITY,
                           .maximum = INFINITY};
    CEV_TRY(cev_arena_keep_text(r->config->arena, name, &out->name));
    if (e->keys.unit) CEV_TRY(cev_arena_keep_text(r->config->arena, e->keys.unit, &out->unit));
    if (e->keys.label) return cev_arena_keep_text(r->config->arena, e->keys.label, &out->label);
    return make_label(r->config->arena, name, &out->label);
}

static cev_status check_own_keys(const cev_entry *e, bool own)
{
    static const char *const keys[] = {"unit", "label"};
    for (size_t k = 0; k < CEV_LENGTH(keys) && !own; k++)
        if (cev_node_find(e->node, keys[k]).id)
            return cev_node_fail(cev_node_find(e->node, keys[k]),
                                 "key \"%s\" is one of parameters of one's own; \"%s\" has its %s already", keys[k],
                                 cev_node_text(e->keys.name), keys[k]);
    return CEV_OK;
}

static cev_status add_guest(cev_roles *r, cev_entry *e, const cev_pull *pull)
{
    cev_roster *roster = &r->config->roster;
    if (roster->n_guest == CEV_MAX_GUESTS)
        return cev_node_fail(e->node, "more than %d pulls, numbers of experiments and parameters of one's own",
                             CEV_MAX_GUESTS);
    cev_guest *guest = &r->guest[roster->n_guest];
    bool number = !pull && cev_is_number(r->config, cev_node_text(e->keys.name));
    *guest = (cev_guest){.kind = pull ? CEV_GUEST_PULL : CEV_GUEST_OWN};
    CEV_TRY(pull     ? describe_pull(r, e->keys.name, pull, &guest->parameter)
            : number ? cev_describe_number(r, e->keys.name, guest)
                     : describe_own(r, e, &guest->parameter));
    double home = isnan(guest->parameter.default_value) ? 0 : guest->parameter.default_value;
    r->config->theta[cev_roster_n(roster)] = r->config->truth[cev_roster_n(roster)] = home;
    e->index = cev_roster_n(roster);
    roster->n_guest++;
    return CEV_OK;
}

/* Which parameter an entry is about. */
static cev_status find(cev_roles *r, cev_entry *e)
{
    const char *name = cev_node_text(e->keys.name);
    const cev_card *card = &r->config->interaction->card;
    const cev_pull *pull = cev_pull_of(r->config, name);
    e->index = cev_parameter_index(card->parameters, card->n_parameter, name);
    if (e->index < card->n_parameter) return check_own_keys(e, false);
    e->minimised = pull && e->keys.profile.node.id;
    if (pull || cev_is_number(r->config, name)) {
        CEV_TRY(check_own_keys(e, false));
        return e->minimised ? CEV_OK : add_guest(r, e, pull);
    }
    return is_read(r, name) ? add_guest(r, e, NULL) : unknown_name(r, e);
}

cev_status cev_find_entries(cev_roles *r)
{
    for (size_t k = 0; k < r->n; k++) {
        cev_entry *e = &r->entry[k];
        if (!e->keys.name.id || e->left_out) continue;
        for (size_t j = 0; j < k; j++)
            if (r->entry[j].keys.name.id && !r->entry[j].left_out &&
                !strcmp(cev_node_text(r->entry[j].keys.name), cev_node_text(e->keys.name)))
                return cev_node_fail(e->keys.name, "parameter \"%s\" is given twice", cev_node_text(e->keys.name));
        CEV_TRY(find(r, e));
    }
    return CEV_OK;
}
