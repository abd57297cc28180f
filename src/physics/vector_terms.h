/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The three terms pp, pn, nn of a vector current with charges Q_p of all protons and Q_n of all neutrons together. */
#ifndef CEVSCAN_PHYSICS_VECTOR_TERMS_H
#define CEVSCAN_PHYSICS_VECTOR_TERMS_H

#include "cevscan/interaction.h"

enum { VECTOR_PP, VECTOR_PN, VECTOR_NN, N_VECTOR_TERMS };

static inline void add_vector_charge(cev_lanes q_p, cev_lanes q_n, cev_lanes *coefficient)
{
    coefficient[VECTOR_PP] += q_p * q_p;
    coefficient[VECTOR_PN] += 2.0 * q_p * q_n;
    coefficient[VECTOR_NN] += q_n * q_n;
}

static inline double nucleon_term(size_t term, cev_nuclear_response r)
{
    return term == VECTOR_PP ? r.pp : term == VECTOR_PN ? r.pn : r.nn;
}

#endif
