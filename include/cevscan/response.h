/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Detector responses: the probability that a nuclear recoil is counted in each bin. */
#ifndef CEVSCAN_RESPONSE_H
#define CEVSCAN_RESPONSE_H

#include "cevscan/bins.h"
#include "cevscan/parameter.h"

typedef struct cev_response cev_response;

typedef struct cev_response_kind {
    cev_card card;
    bool counting; /* has a single bin, from the threshold on, that knows no upper edge */
    /* probability[n_bin] for one true recoil energy recoil_keV > 0. */
    void (*fill)(const cev_response *response, const cev_bins *bins, double recoil_keV, double *probability);
    /* Energy scale over which the probabilities change around recoil_keV; 0 where they are steps at the bin edges. The
     * folding takes its step from it, and bins may be laid out by it. */
    double (*resolution_keV)(const cev_response *response, double recoil_keV);
} cev_response_kind;

struct cev_response {
    const cev_response_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS]; /* in the order of kind->parameters */
};

/* Every response has these two parameters first. */
enum { CEV_RESPONSE_THRESHOLD_KEV, CEV_RESPONSE_ACCEPTANCE, CEV_N_COMMON_RESPONSE_PARAMETERS };

/* All kinds: "gaussian", "threshold", "counting". */
extern const cev_response_kind *const cev_response_kinds[];
extern const size_t cev_n_response_kinds;

#endif
