/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 8B neutrinos of the Sun. The mass eigenstates that leave it arrive as nu_e, nu_mu and nu_tau, each with the spectrum
 * times its probability. That they arrive as a coherent mixture is seen by couplings between flavours only, and not
 * described: an interaction has coefficients of one flavour at a time. */
#include <math.h>

#include "cevscan/constants.h"
#include "cevscan/oscillation.h"
#include "cevscan/source.h"

/* J. N. Bahcall et al., Phys. Rev. C 54 (1996) 411 (nucl-th/9601044), per MeV, in steps of KNOT_MEV; its integral is 1.
 */
static const double spectrum[] = {0.000000e+00, 1.131966e-03, 3.776719e-03, 7.872366e-03, 1.301967e-02, 1.909850e-02,
                                  2.584046e-02, 3.311840e-02, 4.073414e-02, 4.857811e-02, 5.650998e-02, 6.441642e-02,
                                  7.220772e-02, 7.976808e-02, 8.703935e-02, 9.391654e-02, 1.003724e-01, 1.063207e-01,
                                  1.117406e-01, 1.165604e-01, 1.207918e-01, 1.243577e-01, 1.272877e-01, 1.295112e-01,
                                  1.310860e-01, 1.319489e-01, 1.321550e-01, 1.316728e-01, 1.305574e-01, 1.287811e-01,
                                  1.264224e-01, 1.234591e-01, 1.199710e-01, 1.159451e-01, 1.114747e-01, 1.065495e-01,
                                  1.012610e-01, 9.562993e-02, 8.973165e-02, 8.360054e-02, 7.732058e-02, 7.091817e-02,
                                  6.446678e-02, 5.803051e-02, 5.166925e-02, 4.545143e-02, 3.942673e-02, 3.367462e-02,
                                  2.824784e-02, 2.319106e-02, 1.854535e-02, 1.439446e-02, 1.074026e-02, 7.659525e-03,
                                  5.135921e-03, 3.222008e-03, 1.844047e-03, 9.810521e-04, 4.777683e-04, 2.236471e-04,
                                  9.615417e-05, 3.894847e-05, 1.352123e-05, 4.106066e-06, 9.000141e-07, 1.500018e-07,
                                  0.000000e+00};
#define KNOT_MEV 0.25
enum { N_KNOT = sizeof spectrum / sizeof *spectrum };
#define END_MEV ((N_KNOT - 1) * KNOT_MEV)

enum { FLUX, YEARS, EARTH, LATITUDE, THETA12, THETA13, THETA23, DELTA, DM21, DM31, NSI_IN_PROPAGATION };

#define ANGLE(name_, tex, value)                                                                                       \
    {                                                                                                                  \
        .name = name_, .unit = "rad", .label = tex, .help = "mixing angle", .default_value = value, .minimum = -7,     \
        .maximum = 7                                                                                                   \
    }

static const cev_parameter parameters[] = {
    {.name = "flux_per_cm2_s",
     .unit = "1/cm^2/s",
     .label = "\\phi(^8\\mathrm{B})",
     .help = "of all flavours together",
     .default_value = 5.46e6,
     .minimum = 0,
     .maximum = 1e20},
    {.name = "live_years",
     .unit = "yr",
     .label = "t",
     .help = "of 365.25 days; 1 where the response holds the exposure",
     .default_value = 1,
     .minimum = 0,
     .maximum = 1e3},
    {.name = "earth",
     .unit = "",
     .label = "\\oplus",
     .help = "0: by day; 1: at night; 2: the average of both",
     .default_value = CEV_DAY_AND_NIGHT,
     .minimum = CEV_BY_DAY,
     .maximum = CEV_DAY_AND_NIGHT,
     .whole = true},
    {.name = "latitude_deg",
     .unit = "deg",
     .label = "\\lambda",
     .help = "of the detector, for the nights",
     .default_value = 42.5,
     .minimum = -90,
     .maximum = 90},
    ANGLE("theta12_rad", "\\theta_{12}", 0.583638),
    ANGLE("theta13_rad", "\\theta_{13}", 0.149575),
    ANGLE("theta23_rad", "\\theta_{23}", 0.85521),
    ANGLE("delta_rad", "\\delta", 3.40339),
    {.name = "dm21_eV2",
     .unit = "eV^2",
     .label = "\\Delta m^2_{21}",
     .help = "squared mass difference",
     .default_value = 7.42e-5,
     .minimum = 1e-9,
     .maximum = 1},
    {.name = "dm31_eV2",
     .unit = "eV^2",
     .label = "\\Delta m^2_{31}",
     .help = "squared mass difference; negative: inverted ordering",
     .default_value = 2.51e-3,
     .minimum = -1,
     .maximum = 1},
    {.name = "nsi_in_propagation",
     .unit = "",
     .label = "\\mathrm{NSI}",
     .help = "1: the scan's couplings to quarks act in the Sun and the Earth too; 0: in the detector only",
     .default_value = 0,
     .minimum = 0,
     .maximum = 1,
     .whole = true},
};

/* How neutrinos come from the Sun to the detector. */
typedef struct way {
    cev_oscillation oscillation;
    cev_solar_nights nights;
    double share_of_night;
} way;

static way way_of(const cev_source *source, const cev_quark_couplings *couplings, double hours)
{
    const double *q = source->parameter;
    way w = {.oscillation = {.theta12_rad = q[THETA12],
                             .theta13_rad = q[THETA13],
                             .theta23_rad = q[THETA23],
                             .delta_rad = q[DELTA],
                             .dm21_eV2 = q[DM21],
                             .dm31_eV2 = q[DM31],
                             .couplings = couplings}};
    w.share_of_night = hours == CEV_BY_DAY     ? 0
                       : hours == CEV_AT_NIGHT ? 1
                                               : 0.5; /* a year has as much night as day everywhere */
    if (w.share_of_night > 0) cev_solar_nights_at(q[LATITUDE], &w.nights);
    return w;
}

static void probabilities(const way *w, double energy_MeV, double p[CEV_N_FLAVOURS])
{
    double night[CEV_N_FLAVOURS];
    cev_solar_probabilities(&w->oscillation, energy_MeV, p);
    if (w->share_of_night == 0) return;
    cev_solar_probabilities_at_night(&w->oscillation, energy_MeV, &w->nights, night);
    for (int a = 0; a < CEV_N_FLAVOURS; a++) p[a] += w->share_of_night * (night[a] - p[a]);
}

/* Of a natural cubic spline through value[N_KNOT], at its knots: half of them, c, solve h c[k - 1] + 4 h c[k] + h c[k +
 * 1] = 3 times the change of slope at knot k. */
static void second_derivatives(const double *value, double *second)
{
    double ratio[N_KNOT] = {0}, solved[N_KNOT] = {0};
    for (size_t k = 1; k + 1 < N_KNOT; k++) {
        double before = (value[k] - value[k - 1]) / KNOT_MEV, after = (value[k + 1] - value[k]) / KNOT_MEV;
        double pivot = 4 * KNOT_MEV - KNOT_MEV * ratio[k - 1];
        ratio[k] = KNOT_MEV / pivot;
        solved[k] = 3 * (after - before) - ratio[k - 1] * solved[k - 1];
        second[k] = solved[k] / pivot;
    }
    second[0] = second[N_KNOT - 1] = 0;
    for (size_t k = N_KNOT - 2; k > 0; k--) second[k] -= k + 2 < N_KNOT ? ratio[k] * second[k + 1] : 0;
    for (size_t k = 0; k < N_KNOT; k++) second[k] *= 2;
}

/* Table [flavour][knot][value, second derivative] of a cubic spline through spectrum times probability. */
enum { N_TABLE = 2 * CEV_N_FLAVOURS * N_KNOT };

static void tabulate(const cev_source *source, const cev_quark_couplings *couplings, double *table)
{
    double value[CEV_N_FLAVOURS][N_KNOT], second[N_KNOT];
    const way w = way_of(source, couplings, source->parameter[EARTH]);
    for (size_t k = 0; k < N_KNOT; k++) {
        double p[CEV_N_FLAVOURS] = {0};
        if (spectrum[k] > 0) probabilities(&w, (double)k * KNOT_MEV, p);
        for (size_t a = 0; a < CEV_N_FLAVOURS; a++) value[a][k] = spectrum[k] * p[a];
    }
    for (size_t a = 0; a < CEV_N_FLAVOURS; a++) {
        second_derivatives(value[a], second);
        for (size_t k = 0; k < N_KNOT; k++) {
            table[2 * (a * N_KNOT + k)] = value[a][k];
            table[2 * (a * N_KNOT + k) + 1] = second[k];
        }
    }
}

static bool feels_matter(const cev_source *source)
{
    return source->parameter[NSI_IN_PROPAGATION] > 0;
}

static double spectrum_of(const cev_source *source, size_t flavour, double energy_MeV)
{
    double u = energy_MeV / KNOT_MEV;
    size_t k = u < N_KNOT - 1 ? (size_t)u : N_KNOT - 2;
    const double *at = source->table + 2 * (flavour * N_KNOT + k);
    double b = u - (double)k, a = 1 - b;
    return fmax(0,
                a * at[0] + b * at[2] + ((a * a * a - a) * at[1] + (b * b * b - b) * at[3]) * KNOT_MEV * KNOT_MEV / 6);
}

static double of_e(const cev_source *source, double energy_MeV)
{
    return spectrum_of(source, CEV_FLAVOUR_E, energy_MeV);
}

static double of_mu(const cev_source *source, double energy_MeV)
{
    return spectrum_of(source, CEV_FLAVOUR_MU, energy_MeV);
}

static double of_tau(const cev_source *source, double energy_MeV)
{
    return spectrum_of(source, CEV_FLAVOUR_TAU, energy_MeV);
}

static double fluence_per_cm2(const cev_source *source, size_t component)
{
    (void)component; /* the probabilities are in the spectra */
    return source->parameter[FLUX] * source->parameter[YEARS] * 365.25 * 86400;
}

static double live_days(const cev_source *source)
{
    return source->parameter[YEARS] * 365.25;
}

static void probabilities_of(const cev_source *source, const cev_quark_couplings *couplings, cev_hours hours,
                             double energy_MeV, double *probability)
{
    const way w = way_of(source, couplings, hours);
    probabilities(&w, energy_MeV, probability);
}

#define COMPONENT(name_, tex, flavour_, spectrum_)                                                                     \
    {                                                                                                                  \
        .name = name_, .label = tex, .help = "8B neutrinos that arrive as " name_, .flavour = flavour_,                \
        .energy_max_MeV = END_MEV, .spectrum_per_MeV = spectrum_, .panel_MeV = KNOT_MEV                                \
    }

static const cev_source_component components[] = {
    COMPONENT("nu_e", "\\nu_e", CEV_FLAVOUR_E, of_e),
    COMPONENT("nu_mu", "\\nu_\\mu", CEV_FLAVOUR_MU, of_mu),
    COMPONENT("nu_tau", "\\nu_\\tau", CEV_FLAVOUR_TAU, of_tau),
};

const cev_source_kind cev_source_solar_b8 = {
    .card =
        {
            .name = "solar_b8",
            .title = "8B neutrinos of the Sun, with three-flavour oscillations in the Sun and the Earth",
            .citation =
                "Bahcall et al., Phys. Rev. C 54 (1996) 411; B16-GS98: Vinyoles et al., Astrophys. J. 835 (2017) 202",
            .parameters = parameters,
            .n_parameter = sizeof parameters / sizeof *parameters,
        },
    .components = components,
    .n_component = sizeof components / sizeof *components,
    .fluence_per_cm2 = fluence_per_cm2,
    .n_table = N_TABLE,
    .tabulate = tabulate,
    .feels_matter = feels_matter,
    .live_days = live_days,
    .probabilities = probabilities_of,
    .scan_parameter = "flux_b8",
    .normalisation = FLUX,
};
