/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "describe_parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cevscan/influence.h"
#include "cevscan/nearest.h"
#include "command.h"

static void list(catalogue *c, const char *kind, const cev_card *card)
{
    if (c->n == MOST_CARDS) return;
    c->kind[c->n] = kind;
    c->card[c->n++] = card;
}

cev_status collect_catalogue(cev_arena *arena, catalogue *c)
{
    *c = (catalogue){0};
    for (size_t k = 0; k < cev_n_interactions; k++) list(c, "interaction", &cev_interactions[k]->card);
    for (size_t k = 0; k < cev_n_source_kinds; k++) list(c, "source", &cev_source_kinds[k]->card);
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++) list(c, "form factor", &cev_form_factor_kinds[k]->card);
    for (size_t k = 0; k < cev_n_response_kinds; k++) list(c, "response", &cev_response_kinds[k]->card);
    for (size_t k = 0; k < cev_n_quenching_kinds; k++) list(c, "quenching", &cev_quenching_kinds[k]->card);
    for (size_t k = 0; k < cev_n_smearing_kinds; k++) list(c, "smearing", &cev_smearing_kinds[k]->card);
    for (size_t k = 0; k < cev_n_efficiency_kinds; k++) list(c, "efficiency", &cev_efficiency_kinds[k]->card);
    for (size_t k = 0; k < cev_n_beam_kinds; k++) list(c, "beam", &cev_beam_kinds[k]->card);
    return cev_experiment_names(arena, &c->n_experiment, &c->experiment);
}

/* --- names that are not there ----------------------------------------------------------------------------------- */

enum { MOST_NAMES = 2048, MOST_ALIKE = 8 };

typedef struct name_list {
    size_t n;
    const char *name[MOST_NAMES], *kind[MOST_NAMES];
} name_list;

/* Parameters of several models count once. */
static void add_name(name_list *all, const char *name, const char *kind)
{
    for (size_t k = 0; k < all->n; k++)
        if (!strcmp(all->name[k], name)) return;
    if (all->n == MOST_NAMES) return;
    all->kind[all->n] = kind;
    all->name[all->n++] = name;
}

static void list_names(const catalogue *c, name_list *all)
{
    all->n = 0;
    for (size_t k = 0; k < c->n; k++) add_name(all, c->card[k]->name, c->kind[k]);
    for (size_t e = 0; e < c->n_experiment; e++) add_name(all, c->experiment[e], "experiment");
    for (size_t k = 0; k < cev_n_isotopes; k++) add_name(all, cev_isotopes[k].name, "isotope");
    for (size_t k = 0; k < c->n; k++)
        for (size_t p = 0; p < c->card[k]->n_parameter; p++) add_name(all, c->card[k]->parameters[p].name, "parameter");
}

/* Whether `name` has `part` in it, at its beginning or later; the case does not matter. */
static bool has_part(const char *name, const char *part, bool at_begin)
{
    size_t n = strlen(part);
    if (n == 0) return false;
    if (at_begin) return !strncasecmp(name, part, n);
    for (const char *c = name + 1; *name && *c; c++)
        if (!strncasecmp(c, part, n)) return strncasecmp(name, part, n) != 0;
    return false;
}

/* "a (source), b (experiment)": names that the word is a part of, those that begin with it first. */
static size_t list_alike(const name_list *all, const char *word, char *out, size_t size)
{
    size_t n = 0;
    *out = '\0';
    for (int later = 0; later < 2; later++)
        for (size_t k = 0; k < all->n; k++) {
            if (!has_part(all->name[k], word, !later)) continue;
            if (n < MOST_ALIKE) append_text(out, size, "%s%s (%s)", n ? ", " : "", all->name[k], all->kind[k]);
            n++;
        }
    if (n > MOST_ALIKE) append_text(out, size, " and %zu more", n - MOST_ALIKE);
    return n;
}

cev_status unknown_name(const catalogue *c, const char *name)
{
    name_list all;
    char alike[1024];
    list_names(c, &all);
    const char *nearest = cev_nearest(name, all.name, all.n);
    size_t n = list_alike(&all, name, alike, sizeof alike);
    if (n > 0)
        return cev_fail(CEV_E_INPUT, "nothing is called \"%s\"; there %s: %s", name, n > 1 ? "are" : "is", alike);
    return cev_fail(CEV_E_INPUT, "nothing is called \"%s\"%s%s%s; see: cevscan describe", name,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* --- what a parameter acts on ----------------------------------------------------------------------------------- */

static const char *const flavour_names[CEV_N_FLAVOURS] = {"nu_e", "nu_mu", "nu_tau"};

static const cev_interaction *interaction_of(const cev_card *card)
{
    for (size_t k = 0; k < cev_n_interactions; k++)
        if (&cev_interactions[k]->card == card) return cev_interactions[k];
    return NULL;
}

static size_t n_marked(const bool *marked, size_t n)
{
    size_t sum = 0;
    for (size_t k = 0; k < n; k++) sum += marked[k];
    return sum;
}

static json_t *marked_json(const bool *marked, size_t n, const char *const *name)
{
    json_t *names = json_array();
    for (size_t k = 0; k < n; k++)
        if (marked[k]) json_array_append_new(names, json_string(name[k]));
    return names;
}

/* "form factors helm, responses" of some; nothing of none and of all. */
static void append_marked(char *out, size_t size, const char *what, const bool *marked, size_t n,
                          const char *const *name)
{
    size_t some = n_marked(marked, n), said = 0;
    if (some == 0 || some == n) return;
    append_text(out, size, "%s%s%s", *out ? "; " : "", what, *what ? (some > 1 ? "s " : " ") : "");
    for (size_t k = 0; k < n; k++)
        if (marked[k]) append_text(out, size, "%s%s", said++ ? ", " : "", name[k]);
}

static void list_kinds(const char **form_factor, const char **source)
{
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++) form_factor[k] = cev_form_factor_kinds[k]->card.name;
    for (size_t k = 0; k < cev_n_source_kinds; k++) source[k] = cev_source_kinds[k]->card.name;
}

void acts_on_text(const cev_card *card, size_t p, char *out, size_t size)
{
    const cev_interaction *interaction = interaction_of(card);
    const char *form_factor[CEV_MAX_KINDS], *source[CEV_MAX_KINDS];
    *out = '\0';
    if (!interaction) return;
    cev_reach reach = cev_parameter_reach(interaction, p);
    list_kinds(form_factor, source);
    append_marked(out, size, "flux of source", reach.source, cev_n_source_kinds, source);
    append_marked(out, size, "", reach.flavour, CEV_N_FLAVOURS, flavour_names);
    append_marked(out, size, "form factor", reach.form_factor, cev_n_form_factor_kinds, form_factor);
    if (card->parameters[p].slow) append_text(out, size, "%sslow", *out ? "; " : "");
}

json_t *acts_on_json(const cev_card *card, size_t p)
{
    const cev_interaction *interaction = interaction_of(card);
    const char *form_factor[CEV_MAX_KINDS], *source[CEV_MAX_KINDS];
    if (!interaction) return json_null();
    cev_reach reach = cev_parameter_reach(interaction, p);
    list_kinds(form_factor, source);
    return json_pack("{s:o, s:o, s:o}", "flavours", marked_json(reach.flavour, CEV_N_FLAVOURS, flavour_names),
                     "form_factors", marked_json(reach.form_factor, cev_n_form_factor_kinds, form_factor), "sources",
                     marked_json(reach.source, cev_n_source_kinds, source));
}
