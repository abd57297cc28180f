/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/config.h"
#include "cevscan/nearest.h"
#include "command.h"

static const char doc[] = "What exists: interactions, sources, form factors, responses and experiments, or one of them "
                          "with its parameters. Taken "
                          "from the tables that configurations are read with.\v"
                          "Example: cevscan describe nsi";

typedef struct describe_options {
    const char *name;
    bool json;
} describe_options;

static const struct argp_option options[] = {{"json", 'j', NULL, 0, "print JSON", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    describe_options *o = state->input;
    switch (key) {
    case 'j': o->json = true; break;
    case ARGP_KEY_ARG:
        if (o->name) argp_error(state, "one name at a time: %s", argument);
        o->name = argument;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

enum { MOST_CARDS = 64 };

typedef struct catalogue {
    size_t n;
    const char *kind[MOST_CARDS];
    const cev_card *card[MOST_CARDS];
    size_t n_experiment;
    const char *const *experiment;
} catalogue;

static void list(catalogue *c, const char *kind, const cev_card *card)
{
    if (c->n == MOST_CARDS) return;
    c->kind[c->n] = kind;
    c->card[c->n++] = card;
}

static cev_status collect(cev_arena *arena, catalogue *c)
{
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

static json_t *card_json(const char *kind, const cev_card *card)
{
    json_t *parameters = json_array();
    for (size_t p = 0; p < card->n_parameter; p++) {
        const cev_parameter *d = &card->parameters[p];
        json_array_append_new(parameters, json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:b}", "name", d->name, "unit",
                                                    d->unit, "help", d->help, "default", json_number(d->default_value),
                                                    "minimum", d->minimum, "maximum", d->maximum, "slow", d->slow));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "kind", kind, "name", card->name, "title", card->title, "citation",
                     card->citation, "parameters", parameters);
}

static void print_card(const char *kind, const cev_card *card)
{
    printf("%s %s: %s\n  %s\n", kind, card->name, card->title, card->citation);
    if (card->n_parameter) printf("\n  %-24s %-8s %-12s %-24s %s\n", "parameter", "unit", "default", "range", "");
    for (size_t p = 0; p < card->n_parameter; p++) {
        const cev_parameter *d = &card->parameters[p];
        char value[32] = "required", range[64];
        if (d->optional) snprintf(value, sizeof value, "none");
        if (!isnan(d->default_value)) snprintf(value, sizeof value, "%g", d->default_value);
        snprintf(range, sizeof range, "%g .. %g", d->minimum, d->maximum);
        printf("  %-24s %-8s %-12s %-24s %s\n", d->name, d->unit, value, range, d->help);
    }
    for (size_t k = 0; k < card->n_nested; k++) printf("  %-24s %-8s %-12s\n", card->nested[k], "", "a model");
}

static void print_all(const catalogue *c, bool json)
{
    json_t *cards = json_array(), *experiments = json_array();
    for (size_t k = 0; k < c->n; k++) {
        json_array_append_new(cards, card_json(c->kind[k], c->card[k]));
        if (!json) printf("%-12s %-20s %s\n", c->kind[k], c->card[k]->name, c->card[k]->title);
    }
    for (size_t e = 0; e < c->n_experiment; e++) {
        json_array_append_new(experiments, json_string(c->experiment[e]));
        if (!json) printf("%-12s %s\n", "experiment", c->experiment[e]);
    }
    json_t *all = json_pack("{s:o, s:o}", "models", cards, "experiments", experiments);
    if (json)
        print_json(all);
    else
        json_decref(all);
}

static cev_status print_experiment(cev_arena *arena, const char *name, bool json, bool *found)
{
    char *path;
    cev_yaml *file;
    cev_experiment x;
    CEV_TRY(cev_experiment_file(arena, name, NULL, &path, NULL));
    if (!path) return CEV_OK;
    *found = true;
    CEV_TRY(cev_yaml_read_file(path, &file));
    cev_status status = cev_experiment_parse(arena, cev_yaml_root(file), &x);
    cev_yaml_destroy(&file);
    CEV_TRY(status);
    if (json) {
        print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "kind", "experiment", "name", x.name, "title",
                             x.title, "file", path, "source", x.source.kind->card.name, "response",
                             x.response.kind->card.name, "bins", (json_int_t)x.bins.n_bin));
        return CEV_OK;
    }
    char bins[CEV_BIN_NAME_SIZE];
    cev_bins_in_words(&x, bins, sizeof bins);
    printf("experiment %s: %s\n  %s\n  source %s, response %s, form factor %s\n  %s, %g kg:", x.name, x.title, path,
           x.source.kind->card.name, x.response.kind->card.name, x.target.form_factor.kind->card.name, bins,
           x.target.mass_kg);
    for (size_t k = 0; k < x.target.n_nucleus; k++) printf(" %g %s", x.target.per_unit[k], x.target.nucleus[k].name);
    printf("\n");
    for (size_t p = 0; p < x.n_pull; p++)
        printf("  pull %s, sigma %g%s%s\n", x.pull[p].name, x.pull[p].sigma,
               x.pull[p].parameter ? " of "
               : x.pull[p].up      ? " of shapes"
                                   : "",
               x.pull[p].parameter ? x.pull[p].parameter : "");
    return CEV_OK;
}

static cev_status unknown(const catalogue *c, const char *name)
{
    const char *names[MOST_CARDS];
    for (size_t k = 0; k < c->n; k++) names[k] = c->card[k]->name;
    const char *nearest = cev_nearest(name, names, c->n);
    if (!nearest) nearest = cev_nearest(name, c->experiment, c->n_experiment);
    return cev_fail(CEV_E_INPUT, "nothing is called \"%s\"%s%s%s; see: cevscan describe", name,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* All models of a name: a quenching and an efficiency may share theirs. JSON has a list of them where there are
 * several. */
static bool print_cards(const catalogue *c, const char *name, bool json)
{
    json_t *list = json_array();
    size_t n = 0;
    for (size_t k = 0; k < c->n; k++) {
        if (strcmp(c->card[k]->name, name)) continue;
        if (!json && n > 0) printf("\n");
        if (!json) print_card(c->kind[k], c->card[k]);
        n++;
        json_array_append_new(list, card_json(c->kind[k], c->card[k]));
    }
    if (json && n > 0) print_json(n == 1 ? json_incref(json_array_get(list, 0)) : json_incref(list));
    json_decref(list);
    return n > 0;
}

static cev_status describe(cev_arena *arena, const describe_options *o)
{
    catalogue c = {0};
    bool found = false;
    CEV_TRY(collect(arena, &c));
    if (!o->name) {
        print_all(&c, o->json);
        return CEV_OK;
    }
    if (print_cards(&c, o->name, o->json)) return CEV_OK;
    CEV_TRY(print_experiment(arena, o->name, o->json, &found));
    return found ? CEV_OK : unknown(&c, o->name);
}

int command_describe(int argc, char **argv)
{
    describe_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "[NAME]", .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    cev_arena *arena = NULL;
    cev_status status = cev_arena_create(&arena);
    if (status == CEV_OK) status = describe(arena, &o);
    cev_arena_destroy(&arena);
    return report_error(status);
}
