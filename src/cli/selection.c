/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assumptions.h"
#include "cevscan/nearest.h"
#include "command.h"
#include "file_kind.h"
#include "usage.h"

enum { KEY_INTERACTION = 256, KEY_SET, KEY_DATA, KEY_JSON };

static const struct argp_option option_table[] = {
    {"experiments", 'e', "NAME[,NAME...]", 0, "experiments, by name or path", 1},
    {"interaction", KEY_INTERACTION, "NAME", 0, "interaction (default: nsi)", 1},
    {"set", KEY_SET, "PARAMETER=VALUE", 0, "value of a parameter; may be repeated", 1},
    {"data", KEY_DATA, "KIND", 0, "asimov or observed (default: as the scan file says, or asimov)", 1},
    {"json", KEY_JSON, NULL, 0, "print JSON", 1},
    {0},
};

/* --set eps_ee_uV 0.1, where the number is a word of its own. */
static void check_setting(const selection_options *o, const char *argument, struct argp_state *state)
{
    const char *last = o->n_setting ? o->setting[o->n_setting - 1] : "=";
    char *end;
    strtod(argument, &end);
    if (!strchr(last, '=') && end > argument && !*end)
        usage_error(state, "--set %s %s: expected --set %s=%s", last, argument, last, argument);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    selection_options *o = state->input;
    switch (key) {
    case 'e': o->experiments = argument; break;
    case KEY_INTERACTION: o->interaction = argument; break;
    case KEY_JSON: o->json = true; break;
    case KEY_DATA:
        if (strcmp(argument, "asimov") && strcmp(argument, "observed"))
            usage_error(state, "--data %s: expected asimov or observed", argument);
        o->data = argument;
        break;
    case KEY_SET:
        if (o->n_setting == MOST_SETTINGS) usage_error(state, "too many --set");
        o->setting[o->n_setting++] = argument;
        break;
    case ARGP_KEY_ARG:
        check_setting(o, argument, state);
        if (o->scan_file) usage_error(state, "more than one scan file: %s", argument);
        o->scan_file = argument;
        break;
    case ARGP_KEY_END:
        o->who = state->name + strlen("cevscan ");
        if (!o->scan_file == !o->experiments) usage_error(state, "give either a scan file or --experiments");
        if (o->scan_file && o->interaction) usage_error(state, "the scan file already names the interaction");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp selection_argp = {.options = option_table, .parser = parse};

/* Names that are not in the roster: pulls that the scan leaves to the fit, and others. */
static cev_status unknown_parameter(const cev_scan_config *c, const char *name)
{
    const cev_card *card = &c->interaction->card;
    const char *names[CEV_MAX_THETA];
    size_t n = cev_roster_n(&c->roster);
    for (size_t p = 0; p < c->n_pull; p++)
        if (!strcmp(c->pull_name[p], name))
            return cev_fail(CEV_E_INPUT,
                            "--set: \"%s\" is a pull, which every fit minimises over; a scan file that names it under "
                            "`parameters` gives it a value",
                            name);
    for (size_t p = 0; p < n; p++) names[p] = cev_roster_parameter(&c->roster, p)->name;
    const char *nearest = cev_nearest(name, names, n);
    return cev_fail(CEV_E_INPUT,
                    "--set: unknown parameter \"%s\" of interaction \"%s\"%s%s%s; see: cevscan describe %s", name,
                    card->name, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "",
                    card->name);
}

/* A value of what follows others cannot act. */
static cev_status check_follower(const cev_roster *roster, const char *setting, size_t p)
{
    for (size_t k = 0; k < roster->n_follower; k++) {
        const cev_follower *f = &roster->follower[k];
        if (f->index != p) continue;
        if (f->formula)
            return cev_fail(CEV_E_INPUT, "--set %s: it follows the formula %s; set what that names", setting,
                            f->formula);
        return cev_fail(CEV_E_INPUT, "--set %s: it is %.10g times %s; set that", setting, f->times,
                        cev_roster_parameter(roster, f->of)->name);
    }
    return CEV_OK;
}

/* A profiled parameter with a value is minimised over no more. */
static cev_status stop_profiling(cev_scan_config *c, size_t p)
{
    cev_profiled *kept;
    size_t n = 0;
    CEV_TRY(cev_new(c->arena, c->roster.n_profiled, &kept));
    for (size_t k = 0; k < c->roster.n_profiled; k++)
        if (c->roster.profiled[k].index != p) kept[n++] = c->roster.profiled[k];
    c->roster.profiled = kept;
    c->roster.n_profiled = n;
    return CEV_OK;
}

/* Followers at the point that --set has made. */
static cev_status follow(const cev_roster *roster, double *theta)
{
    cev_followers *followers = NULL;
    CEV_TRY(cev_followers_create(roster, &followers));
    cev_followers_apply_one(roster, followers, theta);
    cev_followers_destroy(&followers);
    return CEV_OK;
}

static cev_status apply_setting(selection *s, const char *setting)
{
    cev_scan_config *c = s->config;
    const cev_card *card = &c->interaction->card;
    const char *equals = strchr(setting, '=');
    char name[192], *end;
    if (!equals || equals == setting || (size_t)(equals - setting) >= sizeof name)
        return cev_fail(CEV_E_INPUT, "--set %s: expected PARAMETER=VALUE", setting);
    memcpy(name, setting, (size_t)(equals - setting));
    name[equals - setting] = '\0';
    size_t p = cev_roster_index(&c->roster, name);
    if (p == cev_roster_n(&c->roster)) return unknown_parameter(c, name);
    CEV_TRY(check_follower(&c->roster, setting, p));
    double value = strtod(equals + 1, &end);
    const cev_parameter *parameter = cev_roster_parameter(&c->roster, p);
    if (end == equals + 1 || *end || !(value >= parameter->minimum && value <= parameter->maximum))
        return cev_fail(CEV_E_INPUT, "--set %s: expected a number between %g and %g", setting, parameter->minimum,
                        parameter->maximum);
    const char *complaint = cev_parameter_complaint(parameter, value);
    if (complaint) return cev_fail(CEV_E_INPUT, "--set %s: expected %s", setting, complaint);
    const char *why = NULL;
    if (value != parameter->default_value && p < card->n_parameter)
        CEV_TRY(cev_scan_why_idle(c->arena, c, p, NULL, &why));
    if (why) return cev_fail(CEV_E_INPUT, "--set %s: %s", setting, why);
    s->theta[p] = value;
    s->is_left[p] = false;
    return stop_profiling(c, p);
}

/* "a, b, c": all that can be found by name. */
static cev_status list_experiments(cev_arena *arena, char *out, size_t size)
{
    size_t n, used = 0;
    const char *const *names;
    *out = '\0';
    CEV_TRY(cev_experiment_names(arena, &n, &names));
    for (size_t k = 0; k < n && used < size; k++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", k ? ", " : "", names[k]);
    return CEV_OK;
}

static cev_status check_name(cev_arena *arena, const char *name, const char *who)
{
    char *path, all[1024];
    const char *nearest;
    CEV_TRY(cev_experiment_file(arena, name, NULL, &path, &nearest));
    if (path) return CEV_OK;
    if (strchr(name, '/')) return cev_fail(CEV_E_INPUT, "-e %s: there is no such file", name);
    CEV_TRY(list_experiments(arena, all, sizeof all));
    cev_status status = cev_fail(CEV_E_INPUT, "-e %s: no experiment has this name%s%s%s; there are: %s", name,
                                 nearest ? " (did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?)" : "",
                                 all);
    return explain_no_experiment(status, name, who);
}

static cev_status check_names_in(cev_arena *arena, const char *list, const char *who)
{
    char *copy, *state = NULL;
    size_t n = 0;
    json_t *valid = json_string(list);
    if (!valid) return CEV_OK; /* no UTF-8: the reader says so */
    json_decref(valid);
    CEV_TRY(cev_arena_copy_text(arena, list, &copy));
    for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state), n++)
        CEV_TRY(check_name(arena, name, who));
    return n ? CEV_OK
             : cev_fail(CEV_E_INPUT, "--experiments: expected the names of experiments, or paths of their files");
}

static cev_status check_names(const selection_options *options)
{
    cev_arena *arena;
    CEV_TRY(cev_arena_create(&arena));
    cev_status status = check_names_in(arena, options->experiments, options->who);
    cev_arena_destroy(&arena);
    return status;
}

static cev_status open_config(const selection_options *options, selection *out)
{
    if (options->scan_file)
        return explain_no_scan(cev_scan_config_read(options->scan_file, &out->config), options->scan_file,
                               options->who);
    CEV_TRY(check_names(options));
    cev_status status = cev_scan_config_select(options->experiments,
                                               options->interaction ? options->interaction : "nsi", &out->config);
    return strchr(options->experiments, ',') ? status
                                             : explain_no_experiment(status, options->experiments, options->who);
}

/* --data in place of what the scan file says. */
static cev_status choose_data(const selection_options *options, cev_scan_config *c)
{
    bool *observed, wanted = options->data && !strcmp(options->data, "observed");
    if (!options->data) return CEV_OK;
    CEV_TRY(cev_new(c->arena, c->n_experiment, &observed));
    for (size_t e = 0; e < c->n_experiment; e++) {
        if (wanted && !c->experiment[e]->observed)
            return cev_fail(CEV_E_INPUT, "--data observed: experiment \"%s\" has no observed counts",
                            c->experiment[e]->name);
        observed[e] = wanted;
    }
    c->observed = observed;
    c->data = wanted ? CEV_DATA_OBSERVED : CEV_DATA_ASIMOV;
    c->says_data = true;
    return CEV_OK;
}

/* Of the point that --set has made of the scan. */
static cev_status remark_on(const selection *s, bool compares)
{
    cev_scan_config at = *s->config;
    cev_remarks remarks;
    memcpy(at.theta, s->theta, sizeof at.theta);
    at.says_data |= !compares;
    CEV_TRY(cev_scan_remarks(at.arena, &at, &remarks));
    print_remarks(&remarks, false);
    return CEV_OK;
}

static cev_status open_all(const selection_options *options, selection *out)
{
    CEV_TRY(open_config(options, out));
    cev_scan_config *c = out->config;
    memcpy(out->theta, c->theta, sizeof out->theta);
    CEV_TRY(choose_data(options, c));
    for (size_t a = 0; a < c->grid.n_axis; a++)
        if (!c->member_parameter) out->is_left[c->axis_parameter[a]] = true;
    for (size_t k = 0; k < options->n_setting; k++) CEV_TRY(apply_setting(out, options->setting[k]));
    CEV_TRY(follow(&c->roster, out->theta));
    for (size_t p = 0; p < c->interaction->card.n_parameter; p++)
        if (c->interaction->card.parameters[p].whole) c->truth[p] = out->theta[p]; /* a choice of both */
    CEV_TRY(cev_model_create(c->n_experiment, c->experiment, &c->roster, out->theta, &out->model));
    CEV_TRY(cev_data_mixed(c->arena, out->model, c->observed, c->truth, &out->data));
    return remark_on(out, options->compares);
}

void selection_interaction_text(const selection *s, char *out, size_t size)
{
    char values[1024];
    const cev_card *card = &s->config->interaction->card;
    fixed_values_text(s->config->interaction, s->theta, NULL, values, sizeof values);
    snprintf(out, size, "interaction %s (%.*s): %s", card->name, (int)strcspn(card->citation, ",;"), card->citation,
             values);
}

json_t *selection_interaction_json(const selection *s)
{
    return interaction_json(s->config->interaction, s->theta, NULL);
}

void print_interaction(const selection *s, output_format format)
{
    char text[2048];
    selection_interaction_text(s, text, sizeof text);
    if (format == FORMAT_CSV)
        print_csv_text(text + strlen("interaction "));
    else
        printf("%s\n", text);
    putchar('\n');
}

cev_status selection_open(const selection_options *options, selection *out)
{
    *out = (selection){0};
    cev_status status = open_all(options, out);
    if (status != CEV_OK) selection_close(out);
    return status;
}

void selection_close(selection *s)
{
    cev_model_destroy(&s->model);
    cev_scan_config_destroy(&s->config);
}

int print_selection(const selection_options *options, cev_status (*print)(const selection *s, const void *context),
                    const void *context)
{
    selection s;
    cev_status status = selection_open(options, &s);
    if (status == CEV_OK) {
        status = print(&s, context);
        selection_close(&s);
    }
    return report_error(status);
}
