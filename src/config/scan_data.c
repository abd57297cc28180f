/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a scan compares its predictions with. */
#include <string.h>

#include "scan_parts.h"

/* {asimov: {PARAMETER: value}, observed: [experiments]}. */
static const cev_key data_key[] = {
    {.name = "asimov", .type = CEV_KEY_NODE},
    {.name = "observed", .type = CEV_KEY_NODE, .scalars = CEV_KEY_TEXT},
};

const cev_table cev_data_table = CEV_TABLE("data", data_key);

static cev_status read_truth(cev_scan_config *config, cev_node truth)
{
    if (!cev_node_is_mapping(truth))
        return cev_node_fail(truth, "key \"data\": expected {asimov: {PARAMETER: VALUE, ...}}");
    for (size_t i = 0; i < cev_node_length(truth); i++) {
        size_t p;
        CEV_TRY(cev_find_parameter(config, cev_node_key(truth, i), &p));
        const cev_parameter *parameter = cev_roster_parameter(&config->roster, p);
        CEV_TRY(cev_read_value(cev_node_value(truth, i), parameter->name, parameter, &config->truth[p]));
        if (parameter->whole)
            return cev_node_fail(cev_node_value(truth, i),
                                 "parameter \"%s\" is a choice; the truth takes that of the scan", parameter->name);
    }
    return CEV_OK;
}

/* The names of those experiments that are compared with what they observed. */
static cev_status read_observed_names(cev_scan_config *config, cev_node list, bool *observed)
{
    const char *names[CEV_MAX_EXPERIMENTS];
    if (!cev_node_is_sequence(list)) return cev_node_fail(list, "key \"data\": expected {observed: [EXPERIMENT, ...]}");
    for (size_t e = 0; e < config->n_experiment; e++) names[e] = config->experiment[e]->name;
    for (size_t i = 0; i < cev_node_length(list); i++) {
        size_t e = 0;
        while (e < config->n_experiment && strcmp(names[e], cev_node_text(cev_node_item(list, i)))) e++;
        if (e == config->n_experiment)
            return cev_node_fail_name(cev_node_item(list, i), "experiment of this scan", names, e);
        observed[e] = true;
    }
    return CEV_OK;
}

static cev_status read_mixed_data(cev_scan_config *config, cev_node node, bool *observed)
{
    static const char *const names[] = {"asimov", "observed"};
    for (size_t i = 0; i < cev_node_length(node); i++) {
        cev_node key = cev_node_key(node, i), value = cev_node_value(node, i);
        if (!strcmp(cev_node_text(key), names[0]))
            CEV_TRY(read_truth(config, value));
        else if (!strcmp(cev_node_text(key), names[1]))
            CEV_TRY(read_observed_names(config, value, observed));
        else
            return cev_node_fail_name(key, "kind of data", names, CEV_LENGTH(names));
    }
    return CEV_OK;
}

static cev_status check_observed(cev_scan_config *config, cev_node node)
{
    size_t n = 0;
    for (size_t e = 0; e < config->n_experiment; e++) {
        n += config->observed[e];
        if (config->observed[e] && !config->experiment[e]->observed)
            return cev_node_fail(node, "data: observed, but experiment \"%s\" has no key \"observed\"",
                                 config->experiment[e]->name);
    }
    config->data = n == 0 ? CEV_DATA_ASIMOV : n == config->n_experiment ? CEV_DATA_OBSERVED : CEV_DATA_MIXED;
    return CEV_OK;
}

/* Nothing follows anything in the truth, so that a number of the user's own does nothing there. */
static cev_status check_truth_acts(const cev_scan_config *config, cev_node name, size_t p)
{
    size_t n_parameter = config->interaction->card.n_parameter;
    const cev_guest *guest = p < n_parameter ? NULL : &config->roster.guest[p - n_parameter];
    if (guest && guest->kind == CEV_GUEST_NUMBER &&
        !(config->truth[p] >= guest->low && config->truth[p] <= guest->high))
        return cev_node_fail(name, "number \"%s\": a truth of %g is outside of what the scan knows, %g to %g",
                             cev_node_text(name), config->truth[p], guest->low, guest->high);
    if (p < n_parameter) return cev_check_acts(config, name, p, config->truth[p], config->observed);
    return guest->kind != CEV_GUEST_OWN
               ? CEV_OK
               : cev_node_fail(name,
                               "parameter \"%s\" is one of your own, and data know nothing of formulas: give the "
                               "truth of what follows it",
                               cev_node_text(name));
}

/* Values of a truth that nothing is computed from. */
static cev_status check_truth(cev_scan_config *config, cev_node node)
{
    cev_node truth = cev_node_is_mapping(node) ? cev_node_find(node, "asimov") : (cev_node){0};
    for (size_t i = 0; i < cev_node_length(truth); i++) {
        size_t p;
        CEV_TRY(cev_find_parameter(config, cev_node_key(truth, i), &p));
        CEV_TRY(check_truth_acts(config, cev_node_key(truth, i), p));
    }
    return CEV_OK;
}

cev_status cev_read_scan_data(cev_scan_config *config, cev_node node)
{
    static const char *const names[] = {"asimov", "observed"};
    bool *observed;
    CEV_TRY(cev_new(config->arena, config->n_experiment, &observed));
    config->observed = observed;
    config->says_data = node.id != 0;
    const cev_card *card = &config->interaction->card;
    for (size_t p = 0; p < card->n_parameter; p++)
        if (card->parameters[p].whole) config->truth[p] = config->theta[p];
    if (cev_node_is_mapping(node)) {
        CEV_TRY(read_mixed_data(config, node, observed));
    } else if (node.id && strcmp(cev_node_text(node), names[0])) {
        if (strcmp(cev_node_text(node), names[1]))
            return cev_node_fail_name(node, "kind of data", names, CEV_LENGTH(names));
        for (size_t e = 0; e < config->n_experiment; e++) observed[e] = true;
    }
    CEV_TRY(check_observed(config, node));
    return check_truth(config, node);
}
