/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responses as given tables: what experiments publish. */
#include <math.h>
#include <string.h>

#include "cevscan/response.h"

enum { SIGNAL_SCALE };

static const cev_parameter parameters[] = {
    {.name = "signal_scale",
     .unit = "",
     .label = "s",
     .help = "multiplies the whole table",
     .default_value = 1,
     .minimum = 0,
     .maximum = 1e3},
};
static const char *const tables[] = {"recoil_keV", "bins"};

static void fill(const cev_response *response, const cev_bins *bins, double recoil_keV, double *probability)
{
    const cev_response_table *t = &response->table;
    memset(probability, 0, bins->n_energy * sizeof *probability);
    if (recoil_keV < t->recoil_keV[0] || recoil_keV > t->recoil_keV[t->n_recoil - 1]) return;
    size_t lo = 0, hi = t->n_recoil - 1;
    while (hi - lo > 1) *(t->recoil_keV[(lo + hi) / 2] <= recoil_keV ? &lo : &hi) = (lo + hi) / 2;
    double share = (recoil_keV - t->recoil_keV[lo]) / (t->recoil_keV[hi] - t->recoil_keV[lo]);
    for (size_t i = 0; i < t->n_bin; i++) {
        const double *value = t->value + i * t->n_recoil;
        probability[i] = response->parameter[SIGNAL_SCALE] * (value[lo] * (1 - share) + value[hi] * share);
    }
}

/* One panel from knot to knot: there is nothing finer in a table. */
static double resolution_keV(const cev_response *response, double recoil_keV)
{
    (void)response, (void)recoil_keV;
    return INFINITY;
}

const cev_response_kind cev_response_tabulated = {
    .card =
        {
            .name = "table",
            .title = "Probability, or exposure, of each bin against recoil energy; linear in between, zero outside",
            .citation = "published by an experiment",
            .parameters = parameters,
            .n_parameter = sizeof parameters / sizeof *parameters,
            .nested = tables,
            .n_nested = sizeof tables / sizeof *tables,
        },
    .observable = CEV_OBSERVABLE_BIN,
    .tabulated = true,
    .fill = fill,
    .resolution_keV = resolution_keV,
};
