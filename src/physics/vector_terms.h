/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The three terms of a current with charges Q_p of all protons and Q_n of all neutrons together,
 *
 *     Q_p^2 pp + 2 Q_p Q_n pn + Q_n^2 nn = Q^2 pp + 2 Q Q_n (pn - pp) + Q_n^2 (nn - 2 pn + pp),   Q = Q_p + Q_n,
 *
 * written so that one square is left where protons and neutrons are distributed alike: couplings that cancel the charge
 * then give a rate of zero, and not a rounding of either sign. */
#ifndef CEVSCAN_PHYSICS_VECTOR_TERMS_H
#define CEVSCAN_PHYSICS_VECTOR_TERMS_H

#include "cevscan/interaction.h"

enum { VECTOR_ALL, VECTOR_MIXED, VECTOR_NEUTRONS, N_VECTOR_TERMS };

static inline void add_vector_charge(cev_lanes q_p, cev_lanes q_n, cev_lanes *coefficient)
{
    cev_lanes q = q_p + q_n;
    coefficient[VECTOR_ALL] += q * q;
    coefficient[VECTOR_MIXED] += 2.0 * q * q_n;
    coefficient[VECTOR_NEUTRONS] += q_n * q_n;
}

static inline double nucleon_term(size_t term, cev_nuclear_response r)
{
    return term == VECTOR_ALL ? r.pp : term == VECTOR_MIXED ? r.pn - r.pp : r.nn - 2 * r.pn + r.pp;
}

/* The factor of a vector term with charges of order one: G_F^2 M/pi times the response. */
static inline double vector_factor_cm2_per_keV(size_t term, const cev_nucleus *nucleus,
                                               const cev_form_factor *form_factor, double recoil_keV)
{
    return cev_vector_strength_cm2_per_keV(nucleus) *
           nucleon_term(term, cev_coherent_at_recoil(form_factor, nucleus, recoil_keV));
}

#endif
