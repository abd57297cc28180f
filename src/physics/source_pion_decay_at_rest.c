/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stopped pions and muons of a spallation source. pi+ -> mu+ nu_mu gives a line, mu+ -> e+ nu_e numubar two Michel
 * spectra. */
#include <math.h>

#include "cevscan/constants.h"
#include "cevscan/source.h"

#define LINE_MEV                                                                                                       \
    ((CEV_CHARGED_PION_MASS_MEV * CEV_CHARGED_PION_MASS_MEV - CEV_MUON_MASS_MEV * CEV_MUON_MASS_MEV) /                 \
     (2 * CEV_CHARGED_PION_MASS_MEV))
#define ENDPOINT_MEV (CEV_MUON_MASS_MEV / 2)

enum { PROTONS_PER_YEAR, YEARS, NEUTRINOS_PER_PROTON, DISTANCE_M, PROTONS_ON_TARGET, FIRST_EFFICIENCY };

#define EFFICIENCY(species, tex)                                                                                       \
    {                                                                                                                  \
        .name = "time_efficiency_" species, .unit = "", .label = "\\epsilon_t^{" tex "}",                              \
        .help = "share of the " species " that arrive while the detector counts", .default_value = 1, .minimum = 0,    \
        .maximum = 1                                                                                                   \
    }

static const cev_parameter parameters[] = {
    {.name = "protons_per_year",
     .unit = "1/yr",
     .label = "N_\\mathrm{POT}",
     .help = "protons on target in a year of running; or give protons_on_target",
     .default_value = NAN,
     .optional = true,
     .minimum = 0,
     .maximum = 1e30},
    {.name = "years",
     .unit = "yr",
     .label = "t",
     .help = "years of running",
     .default_value = 1,
     .minimum = 0,
     .maximum = 1e3,
     .idle_beside = "protons_on_target"},
    {.name = "neutrinos_per_proton",
     .unit = "",
     .label = "r",
     .help = "neutrinos of each of the three species per proton",
     .default_value = NAN,
     .minimum = 0,
     .maximum = 10},
    {.name = "distance_m",
     .unit = "m",
     .label = "L",
     .help = "from the target to the detector",
     .default_value = NAN,
     .minimum = 1e-3,
     .maximum = 1e12},
    {.name = "protons_on_target",
     .unit = "",
     .label = "N_\\mathrm{POT}",
     .help = "in all, in place of protons_per_year and years",
     .default_value = NAN,
     .optional = true,
     .minimum = 0,
     .maximum = 1e30},
    EFFICIENCY("nu_mu", "\\nu_\\mu"),
    EFFICIENCY("numubar", "\\bar\\nu_\\mu"),
    EFFICIENCY("nu_e", "\\nu_e"),
};

static double delayed_numubar(const cev_source *source, double energy_MeV)
{
    (void)source;
    double m = CEV_MUON_MASS_MEV, x = energy_MeV / m;
    return 64 / m * x * x * (0.75 - x);
}

static double delayed_nue(const cev_source *source, double energy_MeV)
{
    (void)source;
    double m = CEV_MUON_MASS_MEV, x = energy_MeV / m;
    return 192 / m * x * x * (0.5 - x);
}

/* Every stopped pi+ gives one neutrino of each species. */
static double fluence_per_cm2(const cev_source *source, size_t component)
{
    const double *p = source->parameter;
    double distance_cm = 100 * p[DISTANCE_M];
    double protons = isnan(p[PROTONS_ON_TARGET]) ? p[PROTONS_PER_YEAR] * p[YEARS] : p[PROTONS_ON_TARGET];
    return p[FIRST_EFFICIENCY + component] * p[NEUTRINOS_PER_PROTON] * protons /
           (4 * CEV_PI * distance_cm * distance_cm);
}

static double live_days(const cev_source *source)
{
    return isnan(source->parameter[PROTONS_ON_TARGET]) ? source->parameter[YEARS] * 365.25 : NAN;
}

static const char *complaint(const cev_source *source)
{
    bool by_year = !isnan(source->parameter[PROTONS_PER_YEAR]), in_all = !isnan(source->parameter[PROTONS_ON_TARGET]);
    if (by_year != in_all) return NULL;
    return by_year ? "expected only one of the keys \"protons_per_year\" and \"protons_on_target\""
                   : "key \"protons_per_year\" or \"protons_on_target\" is missing";
}

static const cev_source_component components[] = {
    {.name = "nu_mu",
     .label = "\\nu_\\mu",
     .help = "prompt, a line at (m_pi^2 - m_mu^2)/(2 m_pi) = 29.79 MeV",
     .flavour = CEV_FLAVOUR_MU,
     .arrival = CEV_ARRIVAL_PROMPT,
     .energy_min_MeV = LINE_MEV,
     .energy_max_MeV = LINE_MEV},
    {.name = "numubar",
     .label = "\\bar\\nu_\\mu",
     .help = "delayed, 64 E^2/m_mu^3 (3/4 - E/m_mu)",
     .flavour = CEV_FLAVOUR_MU,
     .arrival = CEV_ARRIVAL_DELAYED,
     .energy_max_MeV = ENDPOINT_MEV,
     .spectrum_per_MeV = delayed_numubar},
    {.name = "nu_e",
     .label = "\\nu_e",
     .help = "delayed, 192 E^2/m_mu^3 (1/2 - E/m_mu)",
     .flavour = CEV_FLAVOUR_E,
     .arrival = CEV_ARRIVAL_DELAYED,
     .energy_max_MeV = ENDPOINT_MEV,
     .spectrum_per_MeV = delayed_nue},
};

const cev_source_kind cev_source_pion_decay_at_rest = {
    .card =
        {
            .name = "pion_decay_at_rest",
            .title = "pi+ and mu+ decay at rest (spallation sources)",
            .citation = "L. Michel, Proc. Phys. Soc. A 63 (1950) 514; spectra as in arXiv:2208.11771, eq. 3",
            .parameters = parameters,
            .n_parameter = sizeof parameters / sizeof *parameters,
        },
    .components = components,
    .n_component = sizeof components / sizeof *components,
    .fluence_per_cm2 = fluence_per_cm2,
    .complaint = complaint,
    .live_days = live_days,
};
