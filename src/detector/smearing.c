/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "cevscan/response.h"

enum { LIGHT_YIELD, SHAPE };

static const cev_parameter gamma_parameters[] = {
    {.name = "light_yield_PE_per_keVee",
     .unit = "PE/keVee",
     .label = "L_y",
     .help = "photoelectrons per electron-equivalent energy",
     .default_value = NAN,
     .minimum = 1e-6,
     .maximum = 1e6},
    {.name = "shape_per_keVee",
     .unit = "1/keVee",
     .label = "b",
     .help = "the gamma distribution has the shape 1 + b E_ee",
     .default_value = NAN,
     .minimum = 0,
     .maximum = 1e6},
};

static double gamma_mean(const cev_smearing *smearing, double electron_keV)
{
    return smearing->parameter[LIGHT_YIELD] * electron_keV;
}

static double gamma_sigma(const cev_smearing *smearing, double electron_keV)
{
    return gamma_mean(smearing, electron_keV) / sqrt(1 + smearing->parameter[SHAPE] * electron_keV);
}

/* Mean mu, shape s = 1 + b E_ee: (s/mu)^s x^(s-1) exp(-s x/mu)/Gamma(s). */
static double gamma_density(const cev_smearing *smearing, double electron_keV, double x)
{
    double mean = gamma_mean(smearing, electron_keV), shape = 1 + smearing->parameter[SHAPE] * electron_keV;
    if (!(mean > 0)) return 0;
    int sign; /* Gamma is positive here; lgamma() itself would write a global */
    double log_gamma = lgamma_r(shape, &sign);
    return exp(shape * log(shape * x / mean) - shape * x / mean - log_gamma) / x;
}

static const cev_smearing_kind gamma_kind = {
    .card = {.name = "gamma",
             .title = "Photoelectrons, gamma distributed around the light yield times E_ee",
             .citation = "D. Akimov et al. (COHERENT), Phys. Rev. Lett. 129 (2022) 081801 (arXiv:2110.07730)",
             .parameters = gamma_parameters,
             .n_parameter = sizeof gamma_parameters / sizeof *gamma_parameters},
    .unit = "PE",
    .mean = gamma_mean,
    .sigma = gamma_sigma,
    .density = gamma_density,
};

const cev_smearing_kind *const cev_smearing_kinds[] = {&gamma_kind};
const size_t cev_n_smearing_kinds = sizeof cev_smearing_kinds / sizeof *cev_smearing_kinds;
