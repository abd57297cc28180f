/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "cevscan/constants.h"
#include "cevscan/response.h"

enum { FACTOR };

static const cev_parameter constant_parameters[] = {
    {.name = "factor",
     .unit = "keVee/keV",
     .label = "Q_F",
     .help = "electron-equivalent energy per recoil energy",
     .default_value = NAN,
     .minimum = 1e-6,
     .maximum = 10},
};

static double constant(const cev_quenching *quenching, double recoil_keV)
{
    return quenching->parameter[FACTOR] * recoil_keV;
}

#define COEFFICIENT(k, unit_)                                                                                          \
    {                                                                                                                  \
        .name = "c" #k, .unit = unit_, .label = "c_" #k, .help = "coefficient of T^" #k ", energies in MeV",           \
        .default_value = 0, .minimum = -1e9, .maximum = 1e9                                                            \
    }

static const cev_parameter polynomial_parameters[] = {
    COEFFICIENT(1, ""),       COEFFICIENT(2, "MeV^-1"), COEFFICIENT(3, "MeV^-2"),
    COEFFICIENT(4, "MeV^-3"), COEFFICIENT(5, "MeV^-4"),
};
enum { N_COEFFICIENTS = sizeof polynomial_parameters / sizeof *polynomial_parameters };

static double polynomial(const cev_quenching *quenching, double recoil_keV)
{
    double recoil_MeV = recoil_keV / CEV_KEV_PER_MEV, sum = 0;
    for (size_t k = N_COEFFICIENTS; k-- > 0;) sum = (sum + quenching->parameter[k]) * recoil_MeV;
    return sum * CEV_KEV_PER_MEV;
}

enum { LINDHARD_K, LINDHARD_PROTONS };

static const cev_parameter lindhard_parameters[] = {
    {.name = "k",
     .unit = "",
     .label = "k",
     .help = "of the electronic stopping power; 0.133 Z^(2/3) A^(-1/2) in theory",
     .default_value = NAN,
     .minimum = 0.01,
     .maximum = 1},
    {.name = "protons",
     .unit = "",
     .label = "Z",
     .help = "of the nucleus",
     .default_value = NAN,
     .minimum = 1,
     .maximum = 150},
};

/* Q = k g/(1 + k g), g = 3 e^0.15 + 0.7 e^0.6 + e, e = 11.5 T/keV Z^(-7/3). */
static double lindhard(const cev_quenching *quenching, double recoil_keV)
{
    double k = quenching->parameter[LINDHARD_K];
    double e = 11.5 * recoil_keV * pow(quenching->parameter[LINDHARD_PROTONS], -7.0 / 3);
    double g = 3 * pow(e, 0.15) + 0.7 * pow(e, 0.6) + e;
    return recoil_keV * k * g / (1 + k * g);
}

#define TABLE(table) .parameters = table, .n_parameter = sizeof table / sizeof *table

static const cev_quenching_kind constant_kind = {
    .card = {.name = "constant",
             .title = "The same quenching factor at all energies",
             .citation = "a number of the user's",
             TABLE(constant_parameters)},
    .electron_keV = constant,
};
static const cev_quenching_kind polynomial_kind = {
    .card = {.name = "polynomial",
             .title = "E_ee = c1 T + c2 T^2 + ..., both energies in MeV",
             .citation = "D. Akimov et al. (COHERENT), JINST 17 (2022) P10034 (arXiv:2111.02477)",
             TABLE(polynomial_parameters)},
    .electron_keV = polynomial,
};
static const cev_quenching_kind lindhard_kind = {
    .card = {.name = "lindhard",
             .title = "Lindhard's theory of stopping",
             .citation = "J. Lindhard et al., Mat. Fys. Medd. Dan. Vid. Selsk. 33 (1963) 10",
             TABLE(lindhard_parameters)},
    .electron_keV = lindhard,
};

const cev_quenching_kind *const cev_quenching_kinds[] = {&constant_kind, &polynomial_kind, &lindhard_kind};
const size_t cev_n_quenching_kinds = sizeof cev_quenching_kinds / sizeof *cev_quenching_kinds;
