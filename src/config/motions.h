/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which experiments a parameter of a scan moves, by itself and through what follows it, told without folding. */
#ifndef CEVSCAN_CONFIG_MOTIONS_H
#define CEVSCAN_CONFIG_MOTIONS_H

#include "cevscan/config.h"
#include "cevscan/influence.h"

/* Points that motions begin at: the scan's, with all that varies at its last, first and middle values, and at generic
 * ones. */
enum { CEV_N_PLACES = 3, CEV_N_BASES = CEV_N_PLACES + 2, CEV_N_VALUES = CEV_N_PLACES + 2 };

typedef struct cev_motions {
    const cev_scan_config *scan;
    cev_influence *const *influence; /* [n_experiment] */
    cev_followers *followers;
    bool has_role[CEV_MAX_THETA]; /* scanned, profiled, or following others: not fixed */
    double base[CEV_N_BASES][CEV_MAX_THETA];
} cev_motions;

cev_status cev_motions_begin(cev_motions *m, const cev_scan_config *scan, cev_influence *const *influence);
void cev_motions_end(cev_motions *m);

/* Values of something that varies between low and high, which are not all special. */
void cev_motions_values(double low, double middle, double high, double value[CEV_N_VALUES]);

/* Marks in moved[n_experiment] what theta[index] moves, as it takes value[n] at any base; returns their number. */
size_t cev_motions_mark(const cev_motions *m, size_t index, size_t n, const double *value, bool *moved);

/* A fixed parameter that would let theta[index] act if it had another value: a coupling that is 0; NULL: none. */
const cev_parameter *cev_motions_culprit(cev_motions *m, size_t index, size_t n, const double *value);

#endif
