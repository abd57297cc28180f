/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nuclear weak form factors F(q), normalised to F(0) = 1, the same for protons and neutrons. */
#ifndef CEVSCAN_FORM_FACTOR_H
#define CEVSCAN_FORM_FACTOR_H

#include "cevscan/nucleus.h"
#include "cevscan/parameter.h"

typedef struct cev_form_factor cev_form_factor;

typedef struct cev_form_factor_kind {
    cev_card card;
    /* F at momentum transfer q_per_fm >= 0. */
    double (*value)(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm);
} cev_form_factor_kind;

struct cev_form_factor {
    const cev_form_factor_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS]; /* in the order of kind->parameters */
};

/* All kinds: "helm", "klein_nystrand", "point". */
extern const cev_form_factor_kind *const cev_form_factor_kinds[];
extern const size_t cev_n_form_factor_kinds;

/* F at recoil energy recoil_keV, q = sqrt(2 M T). */
double cev_form_factor_at_recoil(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double recoil_keV);

#endif
