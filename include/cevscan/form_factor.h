/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a nucleus responds to a momentum transfer q: weak form factors, and the responses of the nuclear shell model. */
#ifndef CEVSCAN_FORM_FACTOR_H
#define CEVSCAN_FORM_FACTOR_H

#include <stdbool.h>

#include "cevscan/nucleus.h"
#include "cevscan/parameter.h"

typedef struct cev_form_factor cev_form_factor;

/* A quadratic form in the couplings c_p, c_n of protons and neutrons: c_p^2 pp + 2 c_p c_n pn + c_n^2 nn. */
typedef struct cev_nuclear_response {
    double pp, pn, nn;
} cev_nuclear_response;

typedef struct cev_form_factor_kind {
    cev_card card;
    bool needs_radius; /* of the nucleus */
    /* Keys of a nucleus that it reads, beside the numbers that every nucleus has; others of this list in any kind's
     * table change nothing here, and are refused. NULL-terminated; NULL: none. */
    const char *const *nucleus_keys;
    /* Whether it can tell anything about this nucleus; NULL: about every one. */
    bool (*knows)(const cev_nucleus *nucleus);
    /* Coherent (vector) response at q_per_fm >= 0 per Z^2, Z N and N^2, so that each is 1 at q = 0; F_p^2, F_p F_n and
     * F_n^2 where it factorises. */
    cev_nuclear_response (*coherent)(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm);
    /* Transverse axial response 4 pi/(2J + 1) W_Sigma'; zero for nuclei without spin. NULL: the kind has none, and
     * axial currents do not scatter. */
    cev_nuclear_response (*axial)(const cev_form_factor *form_factor, const cev_nucleus *nucleus, double q_per_fm);
} cev_form_factor_kind;

struct cev_form_factor {
    const cev_form_factor_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS]; /* in the order of kind->parameters */
};

/* All kinds: "helm", "helm_lewin_smith", "klein_nystrand", "responses", "point". */
extern const cev_form_factor_kind *const cev_form_factor_kinds[];
extern const size_t cev_n_form_factor_kinds;

extern const cev_form_factor_kind cev_form_factor_responses; /* in its own file */

/* q at recoil energy recoil_keV: sqrt(2 M T). */
double cev_momentum_transfer_per_fm(const cev_nucleus *nucleus, double recoil_keV);

/* The two responses at a recoil energy. */
cev_nuclear_response cev_coherent_at_recoil(const cev_form_factor *form_factor, const cev_nucleus *nucleus,
                                            double recoil_keV);
cev_nuclear_response cev_axial_at_recoil(const cev_form_factor *form_factor, const cev_nucleus *nucleus,
                                         double recoil_keV);

#endif
