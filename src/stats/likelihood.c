/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "cevscan/profile.h"

double cev_poisson_deviance(double predicted, double observed)
{
    if (!(predicted >= 0)) return NAN;
    if (observed <= 0) return 2 * predicted;
    if (predicted == 0) return INFINITY;
    return 2 * (predicted - observed - observed * log(predicted / observed));
}

double cev_gaussian_deviance(double predicted, double observed, double variance)
{
    return (predicted - observed) * (predicted - observed) / variance;
}
