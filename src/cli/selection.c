/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "selection.h"

#include <stdlib.h>
#include <string.h>

#include "cevscan/nearest.h"

enum { KEY_INTERACTION = 256, KEY_SET, KEY_JSON };

static const struct argp_option option_table[] = {
    {"experiments", 'e', "NAME[,NAME...]", 0, "experiments, by name or path", 1},
    {"interaction", KEY_INTERACTION, "NAME", 0, "interaction (default: nsi)", 1},
    {"set", KEY_SET, "PARAMETER=VALUE", 0, "value of a parameter; may be repeated", 1},
    {"json", KEY_JSON, NULL, 0, "print JSON", 1},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    selection_options *o = state->input;
    switch (key) {
    case 'e': o->experiments = argument; break;
    case KEY_INTERACTION: o->interaction = argument; break;
    case KEY_JSON: o->json = true; break;
    case KEY_SET:
        if (o->n_setting == MOST_SETTINGS) argp_error(state, "too many --set");
        o->setting[o->n_setting++] = argument;
        break;
    case ARGP_KEY_ARG:
        if (o->scan_file) argp_error(state, "more than one scan file: %s", argument);
        o->scan_file = argument;
        break;
    case ARGP_KEY_END:
        if (!o->scan_file == !o->experiments) argp_error(state, "give either a scan file or --experiments");
        if (o->scan_file && o->interaction) argp_error(state, "the scan file already names the interaction");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp selection_argp = {.options = option_table, .parser = parse};

static cev_status unknown_parameter(const cev_card *card, const char *name)
{
    const char *names[CEV_MAX_MODEL_PARAMETERS];
    for (size_t p = 0; p < card->n_parameter; p++) names[p] = card->parameters[p].name;
    const char *nearest = cev_nearest(name, names, card->n_parameter);
    return cev_fail(CEV_E_INPUT,
                    "--set: unknown parameter \"%s\" of interaction \"%s\"%s%s%s; see: cevscan describe %s", name,
                    card->name, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "",
                    card->name);
}

static cev_status apply_setting(const cev_card *card, const char *setting, double *theta)
{
    const char *equals = strchr(setting, '=');
    char name[64], *end;
    if (!equals || equals == setting || (size_t)(equals - setting) >= sizeof name)
        return cev_fail(CEV_E_INPUT, "--set %s: expected PARAMETER=VALUE", setting);
    memcpy(name, setting, (size_t)(equals - setting));
    name[equals - setting] = '\0';
    size_t p = cev_parameter_index(card->parameters, card->n_parameter, name);
    if (p == card->n_parameter) return unknown_parameter(card, name);
    double value = strtod(equals + 1, &end);
    const cev_parameter *parameter = &card->parameters[p];
    if (end == equals + 1 || *end || !(value >= parameter->minimum && value <= parameter->maximum))
        return cev_fail(CEV_E_INPUT, "--set %s: expected a number between %g and %g", setting, parameter->minimum,
                        parameter->maximum);
    const char *complaint = cev_parameter_complaint(parameter, value);
    if (complaint) return cev_fail(CEV_E_INPUT, "--set %s: expected %s", setting, complaint);
    theta[p] = value;
    return CEV_OK;
}

static cev_status open_config(const selection_options *options, selection *out)
{
    if (options->scan_file) return cev_scan_config_read(options->scan_file, &out->config);
    return cev_scan_config_select(options->experiments, options->interaction ? options->interaction : "nsi",
                                  &out->config);
}

static cev_status open_all(const selection_options *options, selection *out)
{
    CEV_TRY(open_config(options, out));
    cev_scan_config *c = out->config;
    memcpy(out->theta, c->theta, sizeof out->theta);
    for (size_t k = 0; k < options->n_setting; k++)
        CEV_TRY(apply_setting(&c->interaction->card, options->setting[k], out->theta));
    for (size_t p = 0; p < c->interaction->card.n_parameter; p++)
        if (c->interaction->card.parameters[p].whole) c->truth[p] = out->theta[p]; /* a choice of both */
    CEV_TRY(cev_model_create(c->n_experiment, c->experiment, c->interaction, out->theta, &out->model));
    return cev_data_mixed(c->arena, out->model, c->observed, c->truth, &out->data);
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
