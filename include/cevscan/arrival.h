/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arrival times at a pulsed source. */
#ifndef CEVSCAN_ARRIVAL_H
#define CEVSCAN_ARRIVAL_H

#include <stddef.h>

#include "cevscan/parameter.h"

/* How events follow the beam: not at all; from the decay of pions, or from that of the muons that these leave behind.
 */
typedef enum cev_arrival { CEV_ARRIVAL_STEADY, CEV_ARRIVAL_PROMPT, CEV_ARRIVAL_DELAYED, CEV_N_ARRIVALS } cev_arrival;

extern const char *const cev_arrival_names[CEV_N_ARRIVALS]; /* "steady", "prompt", "delayed" */

/* A beam of Gaussian pulses, and a detector that loses late events: its efficiency is 1 up to efficiency_flat_us and
 * exp(-efficiency_slope_per_us (t - efficiency_flat_us)) from then on (D. Akimov et al., arXiv:2110.07730). */
typedef struct cev_beam {
    const struct cev_beam_kind *kind;
    double parameter[CEV_MAX_MODEL_PARAMETERS];
    bool within_windows; /* a convention of papers: every event arrives in some window */
} cev_beam;

typedef struct cev_beam_kind {
    cev_card card;
} cev_beam_kind;

/* "gaussian_pulse". */
extern const cev_beam_kind *const cev_beam_kinds[];
extern const size_t cev_n_beam_kinds;

/* share[n] of all events of a pulse in each window between neighbouring edges, efficiency included: what arrives
 * outside the windows is lost, and a window's share does not depend on which others there are. Two kinds of shares are
 * of what arrives between edge_us[0] and edge_us[n], so that they sum to the mean efficiency: those of steady events,
 * which know no pulse, and all of a beam that is `within_windows`. Relative accuracy 1e-9; NaN without memory. */
void cev_arrival_shares(const cev_beam *beam, cev_arrival arrival, size_t n, const double *edge_us, double *share);

#endif
