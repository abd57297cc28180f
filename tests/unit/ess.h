/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The detectors of arXiv:2208.11771, from the configurations that the program ships. */
#ifndef CEVSCAN_TESTS_ESS_H
#define CEVSCAN_TESTS_ESS_H

#include "unit.h"

#include "cevscan/config.h"
#include "cevscan/model.h"

/* Spectra first. Totals in three years under the standard model, to the digits that were published with the study. */
typedef struct ess_detector {
    const char *name;
    size_t n_bin;
    double signal, background;
} ess_detector;

static const ess_detector ess_detectors[] = {
    {"ess_csi", 20, 19998, 270322}, {"ess_xe", 16, 18848, 242672}, {"ess_si", 60, 192.88, 1095.18},
    {"ess_ge", 72, 3787.8, 43495},  {"ess_ar", 1, 3293.1, 24.96},  {"ess_c3f8", 1, 1377.0, 3744},
};

/* Experiments by name, comma separated; from $CEVSCAN_PATH, or from configs/ below the current folder. */
static inline cev_scan_config *ess_config(const char *experiments)
{
    cev_scan_config *config;
    setenv("CEVSCAN_PATH", "configs", 0);
    assert_ok(cev_scan_config_select(experiments, "nsi", &config));
    return config;
}

static inline cev_model *ess_model(const cev_scan_config *config)
{
    cev_model *model;
    assert_ok(cev_model_create(config->n_experiment, config->experiment, &config->roster, config->theta, &model));
    return model;
}

static inline size_t nsi_parameter(const char *name)
{
    size_t p = cev_parameter_index(cev_interaction_nsi.card.parameters, cev_interaction_nsi.card.n_parameter, name);
    if (p == cev_interaction_nsi.card.n_parameter) fail_msg("no parameter %s", name);
    return p;
}

#endif
