/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/arrival.h"

#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_erf.h>
#include <math.h>

#include "cevscan/constants.h"

enum { MEAN_US, FWHM_US, EFFICIENCY_FLAT_US, EFFICIENCY_SLOPE_PER_US };

static const cev_parameter parameters[] = {
    {.name = "mean_us",
     .unit = "us",
     .label = "t_0",
     .help = "middle of the pulse",
     .default_value = NAN,
     .minimum = -1e6,
     .maximum = 1e6},
    {.name = "fwhm_us",
     .unit = "us",
     .label = "\\Delta t",
     .help = "its full width at half maximum",
     .default_value = NAN,
     .minimum = 1e-6,
     .maximum = 1e6},
    {.name = "efficiency_flat_us",
     .unit = "us",
     .label = "a",
     .help = "until then every event is kept",
     .default_value = 0,
     .minimum = -1e6,
     .maximum = 1e6},
    {.name = "efficiency_slope_per_us",
     .unit = "1/us",
     .label = "b",
     .help = "of the exponential loss after that",
     .default_value = 0,
     .minimum = 0,
     .maximum = 1e6},
};

static const cev_beam_kind gaussian_pulse = {
    .card = {.name = "gaussian_pulse",
             .title = "Gaussian pulses, and an efficiency that falls exponentially after a while",
             .citation = "D. Akimov et al. (COHERENT), Phys. Rev. Lett. 129 (2022) 081801 (arXiv:2110.07730)",
             .parameters = parameters,
             .n_parameter = sizeof parameters / sizeof *parameters},
};

const cev_beam_kind *const cev_beam_kinds[] = {&gaussian_pulse};
const size_t cev_n_beam_kinds = sizeof cev_beam_kinds / sizeof *cev_beam_kinds;

const char *const cev_arrival_names[CEV_N_ARRIVALS] =
    {[CEV_ARRIVAL_STEADY] = "steady", [CEV_ARRIVAL_PROMPT] = "prompt", [CEV_ARRIVAL_DELAYED] = "delayed"};

static double sigma_us(const cev_beam *beam)
{
    return beam->parameter[FWHM_US] / (2 * sqrt(2 * log(2)));
}

/* The pulse folded with an exponential decay, exp(s^2/2 - s u) erfc((s - u)/sqrt 2)/(2 lifetime). One factor overflows
 * where the other vanishes: before u = s by exp(z^2) erfc(z), which the hazard function has, after it in logarithms. */
static double after_decay(const cev_beam *beam, double lifetime_us, double time_us)
{
    double sigma = sigma_us(beam), u = (time_us - beam->parameter[MEAN_US]) / sigma, s = sigma / lifetime_us;
    if (u < s) return exp(-u * u / 2) / (sqrt(2 * M_PI) * gsl_sf_hazard(s - u) * lifetime_us);
    return exp(s * s / 2 - s * u + gsl_sf_log_erfc((s - u) / sqrt(2))) / (2 * lifetime_us);
}

/* Two decays in a row are the difference of the single ones. */
static double density_per_us(const cev_beam *beam, cev_arrival arrival, double time_us)
{
    const double pion = CEV_CHARGED_PION_LIFETIME_US, muon = CEV_MUON_LIFETIME_US;
    if (arrival == CEV_ARRIVAL_STEADY) return 1;
    double prompt = after_decay(beam, pion, time_us);
    if (arrival == CEV_ARRIVAL_PROMPT) return prompt;
    return (muon * after_decay(beam, muon, time_us) - pion * prompt) / (muon - pion);
}

static double efficiency(const cev_beam *beam, double time_us)
{
    return exp(-beam->parameter[EFFICIENCY_SLOPE_PER_US] * fmax(time_us - beam->parameter[EFFICIENCY_FLAT_US], 0));
}

/* --- integrals over time, on one side of the efficiency's kink -------------------------------------------------- */

enum { ORDER = 16 };

/* Sigmas from the middle of the pulse; outside, the pulse is less than the smallest double. */
static const double reach = 39;

/* What arrives and what is kept of it. */
typedef struct integral {
    double all, kept;
} integral;

/* Of an exponential decay that began with the pulse, long after it: exact. */
static integral tail_of_decay(const cev_beam *beam, double lifetime_us, double lo, double hi)
{
    double sigma = sigma_us(beam), slope = beam->parameter[EFFICIENCY_SLOPE_PER_US];
    double start = sigma * sigma / (2 * lifetime_us * lifetime_us) - (lo - beam->parameter[MEAN_US]) / lifetime_us,
           rate = lo < beam->parameter[EFFICIENCY_FLAT_US] ? 0 : slope, total = 1 / lifetime_us + rate;
    if (sigma > (reach - 10) * lifetime_us) return (integral){0, 0}; /* the pulse itself is over */
    return (integral){-exp(start) * expm1(-(hi - lo) / lifetime_us),
                      -exp(start) * efficiency(beam, lo) * expm1(-(hi - lo) * total) / (lifetime_us * total)};
}

static integral tail(const cev_beam *beam, cev_arrival arrival, double lo, double hi)
{
    const double pion = CEV_CHARGED_PION_LIFETIME_US, muon = CEV_MUON_LIFETIME_US;
    integral prompt = tail_of_decay(beam, pion, lo, hi);
    if (arrival == CEV_ARRIVAL_PROMPT) return prompt;
    integral slow = tail_of_decay(beam, muon, lo, hi);
    return (integral){(muon * slow.all - pion * prompt.all) / (muon - pion),
                      (muon * slow.kept - pion * prompt.kept) / (muon - pion)};
}

static integral steady(const cev_beam *beam, double lo, double hi)
{
    double slope = lo < beam->parameter[EFFICIENCY_FLAT_US] ? 0 : beam->parameter[EFFICIENCY_SLOPE_PER_US];
    return (integral){hi - lo, slope > 0 ? -efficiency(beam, lo) * expm1(-slope * (hi - lo)) / slope : hi - lo};
}

/* Panels of half a sigma, in which a Gaussian is a polynomial. */
static integral during_pulse(const cev_beam *beam, cev_arrival arrival, const gsl_integration_glfixed_table *rule,
                             double lo, double hi)
{
    integral sum = {0, 0};
    double steps = ceil(2 * (hi - lo) / sigma_us(beam));
    for (double k = 0; k < steps; k++)
        for (size_t j = 0; j < ORDER; j++) {
            double t, weight;
            gsl_integration_glfixed_point(lo + (hi - lo) * k / steps, lo + (hi - lo) * (k + 1) / steps, j, &t, &weight,
                                          rule);
            double events = weight * density_per_us(beam, arrival, t);
            sum.all += events;
            sum.kept += events * efficiency(beam, t);
        }
    return sum;
}

static void integrate(const cev_beam *beam, cev_arrival arrival, const gsl_integration_glfixed_table *rule, double lo,
                      double hi, integral *sum)
{
    double middle = beam->parameter[MEAN_US], width = reach * sigma_us(beam);
    double begin = fmax(lo, middle - width), end = fmin(hi, middle + width);
    integral part[2] = {{0, 0}, {0, 0}};
    if (!(hi > lo)) return;
    if (arrival == CEV_ARRIVAL_STEADY) {
        part[0] = steady(beam, lo, hi);
    } else {
        if (end > begin) part[0] = during_pulse(beam, arrival, rule, begin, end);
        if (hi > fmax(lo, middle + width)) part[1] = tail(beam, arrival, fmax(lo, middle + width), hi);
    }
    sum->all += part[0].all + part[1].all;
    sum->kept += part[0].kept + part[1].kept;
}

void cev_arrival_shares(const cev_beam *beam, cev_arrival arrival, size_t n, const double *edge_us, double *share)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(ORDER);
    double within = rule ? 0 : NAN, kink = beam->parameter[EFFICIENCY_FLAT_US];
    for (size_t j = 0; j < n; j++) {
        integral window = {0, 0};
        double middle = fmin(fmax(kink, edge_us[j]), edge_us[j + 1]);
        if (rule) integrate(beam, arrival, rule, edge_us[j], middle, &window);
        if (rule) integrate(beam, arrival, rule, middle, edge_us[j + 1], &window);
        share[j] = window.kept;
        within += window.all;
    }
    bool of_windows = arrival == CEV_ARRIVAL_STEADY || beam->within_windows || !rule;
    for (size_t j = 0; of_windows && j < n; j++) share[j] /= within;
    gsl_integration_glfixed_table_free(rule);
}
