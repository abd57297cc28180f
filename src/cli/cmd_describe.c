/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/nuclear_responses.h"
#include "command.h"
#include "describe_parts.h"
#include "file_kind.h"
#include "usage.h"

static const char doc[] =
    "What exists: interactions, sources, form factors, responses, experiments and isotopes, or one of them "
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
        if (o->name) usage_error(state, "one name at a time: %s", argument);
        o->name = argument;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static json_t *parameter_json(const cev_card *card, size_t p)
{
    const cev_parameter *d = &card->parameters[p];
    return json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:b, s:o}", "name", d->name, "unit", d->unit, "help", d->help,
                     "default", json_number(d->default_value), "minimum", d->minimum, "maximum", d->maximum, "slow",
                     d->slow, "acts_on", acts_on_json(card, p));
}

/* NULL: the card is one of something else. */
static const cev_source_kind *source_of(const cev_card *card)
{
    for (size_t k = 0; k < cev_n_source_kinds; k++)
        if (&cev_source_kinds[k]->card == card) return cev_source_kinds[k];
    return NULL;
}

/* What the signal consists of, which pulls may scale one by one. */
static json_t *components_json(const cev_source_kind *source)
{
    json_t *components = json_array();
    for (size_t c = 0; c < source->n_component; c++)
        json_array_append_new(components, json_pack("{s:s, s:s}", "name", source->components[c].name, "help",
                                                    source->components[c].help));
    return components;
}

static json_t *card_json(const char *kind, const cev_card *card)
{
    json_t *parameters = json_array();
    const cev_source_kind *source = source_of(card);
    for (size_t p = 0; p < card->n_parameter; p++) json_array_append_new(parameters, parameter_json(card, p));
    json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:o}", "kind", kind, "name", card->name, "title", card->title,
                            "citation", card->citation, "parameters", parameters);
    if (source) json_object_set_new(out, "components", components_json(source));
    return out;
}

static void value_texts(const cev_parameter *d, char value[32], char range[64])
{
    snprintf(value, 32, d->optional ? "none" : "required");
    if (!isnan(d->default_value)) snprintf(value, 32, "%g", d->default_value);
    snprintf(range, 64, "%g .. %g", d->minimum, d->maximum);
}

/* In brackets, what it acts on, where that is not everything; "slow": each value gives new templates. */
static void print_parameter(const cev_card *card, size_t p)
{
    const cev_parameter *d = &card->parameters[p];
    char value[32], range[64], acts[256];
    value_texts(d, value, range);
    acts_on_text(card, p, acts, sizeof acts);
    printf("  %-24s %-8s %-12s %-24s %s%s%s%s\n", d->name, d->unit, value, range, d->help, *acts ? " [" : "", acts,
           *acts ? "]" : "");
}

static void print_card(const char *kind, const cev_card *card)
{
    printf("%s %s: %s\n  %s\n", kind, card->name, card->title, card->citation);
    if (card->n_parameter) printf("\n  %-24s %-8s %-12s %-24s %s\n", "parameter", "unit", "default", "range", "");
    for (size_t p = 0; p < card->n_parameter; p++) print_parameter(card, p);
    for (size_t k = 0; k < card->n_nested; k++) printf("  %-24s %-8s %-12s\n", card->nested[k], "", "a model");
    const cev_source_kind *source = source_of(card);
    if (source) printf("\n  %-24s %s\n", "component", "of the signal; a pull may scale signal.COMPONENT");
    for (size_t c = 0; source && c < source->n_component; c++)
        printf("  %-24s %s\n", source->components[c].name, source->components[c].help);
}

/* --- isotopes --------------------------------------------------------------------------------------------------- */

static bool has_responses(const cev_isotope *i)
{
    const cev_nucleus nucleus = {.name = i->name, .protons = i->protons, .neutrons = i->neutrons, .mass_u = i->mass_u};
    return cev_nuclear_responses_of(&nucleus) != NULL;
}

static json_t *isotope_json(const cev_isotope *i)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:f, s:b}", "kind", "isotope", "name", i->name, "protons", i->protons,
                     "neutrons", i->neutrons, "mass_u", i->mass_u, "shell_model", has_responses(i));
}

static json_t *isotopes_json(void)
{
    json_t *all = json_array();
    for (size_t k = 0; k < cev_n_isotopes; k++) json_array_append_new(all, isotope_json(&cev_isotopes[k]));
    return all;
}

static void print_isotope(const cev_isotope *i)
{
    printf("isotope %-6s Z %2d  N %2d  mass of the atom %.9g u%s\n", i->name, i->protons, i->neutrons, i->mass_u,
           has_responses(i) ? "  (known to form factor responses)" : "");
}

/* "isotopes", or the name of one. */
static bool print_isotopes(const char *name, bool json)
{
    const cev_isotope *one = cev_isotope_find(name);
    bool all = !strcmp(name, "isotopes");
    if (!one && !all) return false;
    if (json) print_json(one ? isotope_json(one) : isotopes_json());
    for (size_t k = 0; k < cev_n_isotopes && !json; k++)
        if (all || one == &cev_isotopes[k]) print_isotope(&cev_isotopes[k]);
    return true;
}

/* --- everything ------------------------------------------------------------------------------------------------- */

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
    if (!json) printf("%-12s", "isotopes");
    for (size_t k = 0; k < cev_n_isotopes && !json; k++)
        printf("%s %s", k && k % 13 == 0 ? "\n            " : "", cev_isotopes[k].name);
    if (!json)
        printf("\n\n`cevscan describe NAME` describes one of them, or a parameter; `cevscan describe isotopes` all,\n"
               "`describe formulas` and `describe constraints` what scans and pulls can have.\n");
    json_t *all = json_pack("{s:o, s:o, s:o}", "models", cards, "experiments", experiments, "isotopes",
                            isotopes_json());
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
    for (size_t p = 0; p < x.n_pull; p++) {
        char words[CEV_PULL_WORDS_SIZE];
        cev_pull_in_words(&x, &x.pull[p], words, sizeof words);
        printf("  pull %s, %s\n", x.pull[p].name, words);
    }
    return CEV_OK;
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

static void print_owner(const catalogue *c, size_t k, size_t p, bool first)
{
    const cev_parameter *d = &c->card[k]->parameters[p];
    char value[32], range[64], acts[256];
    value_texts(d, value, range);
    acts_on_text(c->card[k], p, acts, sizeof acts);
    if (first) printf("parameter %s%s%s: %s\n", d->name, *d->unit ? ", in " : "", d->unit, d->help);
    printf("  of %s %-24s default %-12s range %-24s %s\n", c->kind[k], c->card[k]->name, value, range, acts);
}

/* A parameter of whatever models have it. */
static bool print_parameters(const catalogue *c, const char *name, bool json)
{
    json_t *list = json_array();
    size_t n = 0;
    for (size_t k = 0; k < c->n; k++) {
        size_t p = cev_parameter_index(c->card[k]->parameters, c->card[k]->n_parameter, name);
        if (p == c->card[k]->n_parameter) continue;
        if (!json) print_owner(c, k, p, n == 0);
        n++;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "kind", "parameter", "of", c->kind[k], "model",
                                              c->card[k]->name, "parameter", parameter_json(c->card[k], p)));
    }
    if (json && n > 0) print_json(json_incref(list));
    json_decref(list);
    return n > 0;
}

static cev_status describe(cev_arena *arena, const describe_options *o)
{
    catalogue c = {0};
    bool found = false;
    CEV_TRY(collect_catalogue(arena, &c));
    if (!o->name) {
        print_all(&c, o->json);
        return CEV_OK;
    }
    if (print_cards(&c, o->name, o->json) || print_roles(o->name, o->json)) return CEV_OK;
    CEV_TRY(explain_no_experiment(print_experiment(arena, o->name, o->json, &found), o->name, "check"));
    if (found || print_isotopes(o->name, o->json) || print_parameters(&c, o->name, o->json)) return CEV_OK;
    return explain_no_experiment(unknown_name(&c, o->name), o->name, "check");
}

int command_describe(int argc, char **argv)
{
    describe_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "[NAME]", .doc = doc};
    parse_arguments(&argp, argc, argv, &o);
    cev_arena *arena = NULL;
    cev_status status = cev_arena_create(&arena);
    if (status == CEV_OK) status = describe(arena, &o);
    cev_arena_destroy(&arena);
    return report_error(status);
}
