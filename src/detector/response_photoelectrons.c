/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scintillation light: quenching, then smearing, then an efficiency in the observable. */
#include <math.h>

#include "cevscan/response.h"

/* Recoils whose light is brighter than any that a nucleus can be given are not looked for. */
#define LARGEST_RECOIL_KEV 1e6
enum { ORDER = 16 };

/* Gauss-Legendre nodes and weights of order 16 on [-1, 1], the positive half: M. Abramowitz, I. A. Stegun, table 25.4.
 */
static const double node[ORDER / 2] = {0.0950125098376374402, 0.2816035507792589132, 0.4580167776572273863,
                                       0.6178762444026437484, 0.7554044083550030339, 0.8656312023878317439,
                                       0.9445750230732325761, 0.9894009349916499326};
static const double weight[ORDER / 2] = {0.1894506104550684963, 0.1826034150449235889, 0.1691565193950025382,
                                         0.1495959888165767321, 0.1246289712555338720, 0.0951585116824927848,
                                         0.0622535239386478929, 0.0271524594117540949};

static double panel(const cev_response *r, double electron_keV, double lo, double hi)
{
    double middle = (lo + hi) / 2, half = (hi - lo) / 2, sum = 0;
    for (int k = 0; k < ORDER; k++) {
        double x = middle + (k & 1 ? half : -half) * node[k / 2];
        sum += weight[k / 2] * r->smearing.kind->density(&r->smearing, electron_keV, x) *
               r->efficiency.kind->value(&r->efficiency, x);
    }
    return half * sum;
}

/* Beyond this many sigma on either side a gamma distribution of any shape here has nothing left (e^-40). */
static const double reach_in_sigma = 40;

static double panels(const cev_response *r, double electron_keV, double sigma, double lo, double hi)
{
    size_t n = (size_t)ceil((hi - lo) / (2 * sigma));
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += panel(r, electron_keV, lo + (hi - lo) * (double)k / (double)n,
                     lo + (hi - lo) * (double)(k + 1) / (double)n);
    return sum;
}

/* Break points above lo, sorted, the last one hi: those of the efficiency, and ever closer ones towards x = 0, where
 * densities go with a power of x that is no whole number. */
enum { STEPS_TO_ZERO = 15, MOST_BREAKS = CEV_MAX_EFFICIENCY_BREAKS + STEPS_TO_ZERO + 1 };

static size_t breaks_between(const cev_response *r, double sigma, double lo, double hi, double *x)
{
    size_t n = r->efficiency.kind->breaks(&r->efficiency, x), kept = 0;
    for (int k = 0; k < STEPS_TO_ZERO; k++) x[n++] = ldexp(sigma, -2 * k);
    for (size_t k = 0; k < n; k++) {
        if (!(x[k] > lo && x[k] < hi)) continue;
        double here = x[k];
        size_t j = kept++;
        for (; j > 0 && x[j - 1] > here; j--) x[j] = x[j - 1];
        x[j] = here;
    }
    x[kept++] = hi;
    return kept;
}

static double kept_between(const cev_response *r, double electron_keV, double lo, double hi)
{
    double mean = r->smearing.kind->mean(&r->smearing, electron_keV),
           sigma = r->smearing.kind->sigma(&r->smearing, electron_keV);
    lo = fmax(fmax(lo, r->efficiency.kind->zero_below(&r->efficiency)), mean - reach_in_sigma * sigma);
    hi = fmin(hi, mean + reach_in_sigma * sigma);
    if (!(hi > lo)) return 0;
    double sum = 0, from = lo, x[MOST_BREAKS];
    size_t n = breaks_between(r, sigma, lo, hi, x);
    for (size_t k = 0; k < n; from = x[k++]) sum += panels(r, electron_keV, sigma, from, x[k]);
    return sum;
}

static void fill(const cev_response *response, const cev_bins *bins, double recoil_keV, double *probability)
{
    double electron_keV = response->quenching.kind->electron_keV(&response->quenching, recoil_keV);
    for (size_t i = 0; i < bins->n_energy; i++)
        probability[i] = electron_keV > 0 ? kept_between(response, electron_keV, bins->edge[i], bins->edge[i + 1]) : 0;
}

static double mean_of(const cev_response *r, double recoil_keV)
{
    return r->smearing.kind->mean(&r->smearing, r->quenching.kind->electron_keV(&r->quenching, recoil_keV));
}

/* sigma of the observable, over its slope. */
static double resolution_keV(const cev_response *r, double recoil_keV)
{
    double step = 1e-4 * recoil_keV;
    double slope = (mean_of(r, recoil_keV + step) - mean_of(r, recoil_keV - step)) / (2 * step);
    double sigma = r->smearing.kind->sigma(&r->smearing, r->quenching.kind->electron_keV(&r->quenching, recoil_keV));
    return slope > 0 ? sigma / slope : recoil_keV;
}

/* Bisection: quenching is only known to grow. */
static double recoil_of(const cev_response *r, double x)
{
    double lo = 0, hi = 1;
    if (!(x > 0)) return 0;
    while (mean_of(r, hi) < x)
        if ((hi *= 2) > LARGEST_RECOIL_KEV) return INFINITY;
    for (int k = 0; k < 60; k++) *(mean_of(r, (lo + hi) / 2) < x ? &lo : &hi) = (lo + hi) / 2;
    return (lo + hi) / 2;
}

static const char *const pieces[] = {"quenching", "smearing", "efficiency"};

const cev_response_kind cev_response_photoelectrons = {
    .card =
        {
            .name = "photoelectrons",
            .title = "Bins of scintillation light: quenching, smearing and efficiency, each chosen by name",
            .citation = "D. Akimov et al. (COHERENT), Phys. Rev. Lett. 129 (2022) 081801 (arXiv:2110.07730)",
            .nested = pieces,
            .n_nested = sizeof pieces / sizeof *pieces,
        },
    .observable = CEV_OBSERVABLE_PHOTOELECTRONS,
    .made_of_pieces = true,
    .fill = fill,
    .resolution_keV = resolution_keV,
    .recoil_keV = recoil_of,
};
