/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/response.h"

#include <math.h>
#include <string.h>

#define COMMON_PARAMETERS                                                                                              \
    {.name = "threshold_keV",                                                                                          \
     .unit = "keV",                                                                                                    \
     .label = "T_\\mathrm{th}",                                                                                        \
     .help = "nuclear recoil energy where counting starts",                                                            \
     .default_value = __builtin_nan(""),                                                                               \
     .minimum = 1e-9,                                                                                                  \
     .maximum = 1e6},                                                                                                  \
    {                                                                                                                  \
        .name = "acceptance", .unit = "", .label = "\\epsilon",                                                        \
        .help = "share of the recoils above threshold that is kept", .default_value = 1, .minimum = 0, .maximum = 1    \
    }

enum { GAUSSIAN_SIGMA_AT_THRESHOLD_KEV = CEV_N_COMMON_RESPONSE_PARAMETERS };

static const cev_parameter gaussian_parameters[] = {
    COMMON_PARAMETERS,
    {.name = "sigma_at_threshold_keV",
     .unit = "keV",
     .label = "\\sigma_0",
     .help = "resolution at threshold; sigma(T) = sigma_at_threshold sqrt(T/threshold)",
     .default_value = __builtin_nan(""),
     .minimum = 1e-9,
     .maximum = 1e6},
};
static const cev_parameter sharp_parameters[] = {COMMON_PARAMETERS};

static double gaussian_resolution_keV(const cev_response *response, double recoil_keV)
{
    const double *p = response->parameter;
    return p[GAUSSIAN_SIGMA_AT_THRESHOLD_KEV] * sqrt(recoil_keV / p[CEV_RESPONSE_THRESHOLD_KEV]);
}

/* The true recoil may lie below threshold: what is smeared into the bins counts. Beyond ten sigma (1e-23) nothing is.
 */
static void gaussian_fill(const cev_response *response, const cev_bins *bins, double recoil_keV, double *probability)
{
    double sigma = gaussian_resolution_keV(response, recoil_keV), reach = 10 * sigma, scale = 1 / (sigma * sqrt(2));
    double below = NAN; /* cumulative probability at the lower edge, once it is known */
    for (size_t i = 0; i < bins->n_energy; i++) {
        double lo = bins->edge[i], hi = bins->edge[i + 1];
        probability[i] = 0;
        if (hi < recoil_keV - reach || lo > recoil_keV + reach) continue;
        if (isnan(below)) below = erf((lo - recoil_keV) * scale);
        double above = erf((hi - recoil_keV) * scale);
        probability[i] = response->parameter[CEV_RESPONSE_ACCEPTANCE] * 0.5 * (above - below);
        below = above;
    }
}

static double sharp_resolution_keV(const cev_response *response, double recoil_keV)
{
    (void)response, (void)recoil_keV;
    return 0;
}

static void threshold_fill(const cev_response *response, const cev_bins *bins, double recoil_keV, double *probability)
{
    memset(probability, 0, bins->n_energy * sizeof *probability);
    if (recoil_keV < response->parameter[CEV_RESPONSE_THRESHOLD_KEV]) return;
    for (size_t i = 0; i < bins->n_energy; i++)
        if (recoil_keV >= bins->edge[i] && recoil_keV < bins->edge[i + 1])
            probability[i] = response->parameter[CEV_RESPONSE_ACCEPTANCE];
}

static void counting_fill(const cev_response *response, const cev_bins *bins, double recoil_keV, double *probability)
{
    (void)bins;
    bool above = recoil_keV >= response->parameter[CEV_RESPONSE_THRESHOLD_KEV];
    probability[0] = above ? response->parameter[CEV_RESPONSE_ACCEPTANCE] : 0;
}

static const cev_response_kind gaussian_kind = {
    .card =
        {
            .name = "gaussian",
            .title = "Bins of an energy smeared with a Gaussian, sigma growing as the square root of the recoil energy",
            .citation = "arXiv:2208.11771, section 3; D. Baxter et al., JHEP 02 (2020) 123",
            .parameters = gaussian_parameters,
            .n_parameter = sizeof gaussian_parameters / sizeof *gaussian_parameters,
        },
    .fill = gaussian_fill,
    .resolution_keV = gaussian_resolution_keV,
};
static const cev_response_kind threshold_kind = {
    .card =
        {
            .name = "threshold",
            .title = "Bins of the true recoil energy above a sharp threshold",
            .citation = "perfect resolution",
            .parameters = sharp_parameters,
            .n_parameter = sizeof sharp_parameters / sizeof *sharp_parameters,
        },
    .fill = threshold_fill,
    .resolution_keV = sharp_resolution_keV,
};
static const cev_response_kind counting_kind = {
    .card =
        {
            .name = "counting",
            .title = "One bin: every recoil above a sharp threshold (bubble chambers)",
            .citation = "arXiv:2208.11771, section 3; E. Alfonso-Pita et al. (SBC), arXiv:2207.12400",
            .parameters = sharp_parameters,
            .n_parameter = sizeof sharp_parameters / sizeof *sharp_parameters,
        },
    .counting = true,
    .fill = counting_fill,
    .resolution_keV = sharp_resolution_keV,
};

const cev_response_kind *const cev_response_kinds[] = {&gaussian_kind, &threshold_kind, &counting_kind,
                                                       &cev_response_photoelectrons, &cev_response_tabulated};
const size_t cev_n_response_kinds = sizeof cev_response_kinds / sizeof *cev_response_kinds;

const char *const cev_observable_units[CEV_N_OBSERVABLES] =
    {[CEV_OBSERVABLE_RECOIL_KEV] = "keV", [CEV_OBSERVABLE_PHOTOELECTRONS] = "PE", [CEV_OBSERVABLE_BIN] = "bin"};

size_t cev_response_n_breaks(const cev_response *response, const cev_bins *bins)
{
    return bins->n_energy + 2 + response->table.n_recoil;
}

size_t cev_response_breaks(const cev_response *response, const cev_bins *bins, double *recoil_keV)
{
    size_t n = 0;
    if (response->kind->observable == CEV_OBSERVABLE_RECOIL_KEV)
        recoil_keV[n++] = response->parameter[CEV_RESPONSE_THRESHOLD_KEV];
    for (size_t j = 0; j < response->table.n_recoil; j++) recoil_keV[n++] = response->table.recoil_keV[j];
    for (size_t i = 0; i <= bins->n_energy && !response->kind->tabulated; i++)
        recoil_keV[n++] = response->kind->recoil_keV ? response->kind->recoil_keV(response, bins->edge[i])
                                                     : bins->edge[i];
    return n;
}
