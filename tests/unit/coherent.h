/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Caesium iodide at the Spallation Neutron Source, from the configurations that the program ships. */
#ifndef CEVSCAN_TESTS_COHERENT_H
#define CEVSCAN_TESTS_COHERENT_H

#include "unit.h"

#include "cevscan/config.h"
#include "cevscan/model.h"

static inline cev_scan_config *coherent_config(const char *experiments, const char *interaction)
{
    cev_scan_config *config;
    setenv("CEVSCAN_PATH", "configs", 0);
    assert_ok(cev_scan_config_select(experiments, interaction, &config));
    return config;
}

static inline size_t parameter_of(const cev_interaction *interaction, const char *name)
{
    size_t p = cev_parameter_index(interaction->card.parameters, interaction->card.n_parameter, name);
    if (p == interaction->card.n_parameter) fail_msg("no parameter %s", name);
    return p;
}

static inline cev_form_factor form_factor_called(const char *name)
{
    cev_form_factor f = {0};
    for (size_t k = 0; k < cev_n_form_factor_kinds; k++)
        if (!strcmp(cev_form_factor_kinds[k]->card.name, name)) f.kind = cev_form_factor_kinds[k];
    assert_non_null(f.kind);
    cev_parameter_defaults(f.kind->card.parameters, f.kind->card.n_parameter, f.parameter);
    return f;
}

#endif
