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

/* The pulse folded with an exponential decay, in logarithms: one factor overflows where the other vanishes. */
static double after_decay(const cev_beam *beam, double lifetime_us, double time_us)
{
    double sigma = sigma_us(beam), t = time_us - beam->parameter[MEAN_US];
    double log_erfc = gsl_sf_log_erfc((sigma / lifetime_us - t / sigma) / sqrt(2));
    return exp(sigma * sigma / (2 * lifetime_us * lifetime_us) - t / lifetime_us + log_erfc) / (2 * lifetime_us);
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

typedef struct integral {
    double all, kept;
} integral;

/* Panels of a pulse's sigma, or of a twentieth of the window where that is less. */
static void integrate(const cev_beam *beam, cev_arrival arrival, double lo, double hi, integral *sum)
{
    if (!(hi > lo)) return;
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(16);
    if (!rule) {
        sum->all = NAN;
        return;
    }
    double steps = fmin(fmax(ceil((hi - lo) / sigma_us(beam)), 20), 1e4);
    for (double k = 0; k < steps; k++)
        for (size_t j = 0; j < 16; j++) {
            double t, weight;
            gsl_integration_glfixed_point(lo + (hi - lo) * k / steps, lo + (hi - lo) * (k + 1) / steps, j, &t, &weight,
                                          rule);
            double events = weight * density_per_us(beam, arrival, t);
            sum->all += events;
            sum->kept += events * efficiency(beam, t);
        }
    gsl_integration_glfixed_table_free(rule);
}

void cev_arrival_shares(const cev_beam *beam, cev_arrival arrival, size_t n, const double *edge_us, double *share)
{
    double all = 0, kink = beam->parameter[EFFICIENCY_FLAT_US];
    for (size_t j = 0; j < n; j++) {
        integral window = {0};
        double middle = fmin(fmax(kink, edge_us[j]), edge_us[j + 1]);
        integrate(beam, arrival, edge_us[j], middle, &window);
        integrate(beam, arrival, middle, edge_us[j + 1], &window);
        share[j] = window.kept;
        all += window.all;
    }
    for (size_t j = 0; j < n; j++) share[j] /= all;
}
