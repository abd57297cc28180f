/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "cevscan/response.h"

static const cev_parameter constant_parameters[] = {
    {.name = "acceptance",
     .unit = "",
     .label = "\\epsilon",
     .help = "share of the events that is kept",
     .default_value = 1,
     .minimum = 0,
     .maximum = 1},
};

static double constant(const cev_efficiency *efficiency, double x)
{
    (void)x;
    return efficiency->parameter[0];
}

static double never(const cev_efficiency *efficiency)
{
    (void)efficiency;
    return 0;
}

static size_t no_breaks(const cev_efficiency *efficiency, double *x)
{
    (void)efficiency, (void)x;
    return 0;
}

enum { HEIGHT, SLOPE, MIDPOINT, OFFSET };

static const cev_parameter logistic_parameters[] = {
    {.name = "height",
     .unit = "",
     .label = "\\epsilon_1",
     .help = "height of the rise",
     .default_value = 1,
     .minimum = 0,
     .maximum = 10},
    {.name = "slope",
     .unit = "1/x",
     .label = "k",
     .help = "steepness of the rise, per unit of the observable",
     .default_value = NAN,
     .minimum = 1e-9,
     .maximum = 1e9},
    {.name = "midpoint",
     .unit = "x",
     .label = "x_0",
     .help = "middle of the rise",
     .default_value = NAN,
     .minimum = -1e9,
     .maximum = 1e9},
    {.name = "offset",
     .unit = "",
     .label = "\\epsilon_0",
     .help = "added to it",
     .default_value = 0,
     .minimum = -10,
     .maximum = 1},
};

/* height/(1 + exp(-slope (x - midpoint))) + offset, clipped to [0, 1]. */
static double logistic(const cev_efficiency *efficiency, double x)
{
    const double *p = efficiency->parameter;
    return fmin(fmax(p[HEIGHT] / (1 + exp(-p[SLOPE] * (x - p[MIDPOINT]))) + p[OFFSET], 0), 1);
}

/* Where it reaches `value`, without the clipping; not finite if it never does. */
static double logistic_reaches(const cev_efficiency *efficiency, double value)
{
    const double *p = efficiency->parameter;
    return p[MIDPOINT] - log(p[HEIGHT] / (value - p[OFFSET]) - 1) / p[SLOPE];
}

static double logistic_zero_below(const cev_efficiency *efficiency)
{
    const double *p = efficiency->parameter;
    if (p[OFFSET] >= 0) return 0;
    if (p[HEIGHT] + p[OFFSET] <= 0) return INFINITY;
    return fmax(logistic_reaches(efficiency, 0), 0);
}

/* Where it is clipped, and steps around its poles, which lie at a distance of pi/slope from the midpoint. */
static size_t logistic_breaks(const cev_efficiency *efficiency, double *x)
{
    static const double step[] = {1.5, 4.5, 13.5, 40};
    const double *p = efficiency->parameter;
    size_t n = 0;
    x[n++] = logistic_reaches(efficiency, 0);
    x[n++] = logistic_reaches(efficiency, 1);
    for (size_t k = 0; k < sizeof step / sizeof *step; k++) {
        x[n++] = p[MIDPOINT] - step[k] / p[SLOPE];
        x[n++] = p[MIDPOINT] + step[k] / p[SLOPE];
    }
    return n;
}

static const cev_efficiency_kind constant_kind = {
    .card = {.name = "constant",
             .title = "The same acceptance everywhere",
             .citation = "a number of the user's",
             .parameters = constant_parameters,
             .n_parameter = sizeof constant_parameters / sizeof *constant_parameters},
    .value = constant,
    .zero_below = never,
    .breaks = no_breaks,
};
static const cev_efficiency_kind logistic_kind = {
    .card = {.name = "logistic",
             .title = "height/(1 + exp(-slope (x - midpoint))) + offset, clipped to [0, 1]",
             .citation = "D. Akimov et al. (COHERENT), Phys. Rev. Lett. 129 (2022) 081801 (arXiv:2110.07730)",
             .parameters = logistic_parameters,
             .n_parameter = sizeof logistic_parameters / sizeof *logistic_parameters},
    .value = logistic,
    .zero_below = logistic_zero_below,
    .breaks = logistic_breaks,
};

const cev_efficiency_kind *const cev_efficiency_kinds[] = {&constant_kind, &logistic_kind};
const size_t cev_n_efficiency_kinds = sizeof cev_efficiency_kinds / sizeof *cev_efficiency_kinds;
