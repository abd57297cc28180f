/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "cevscan/grid.h"

const char *const cev_scale_names[CEV_N_SCALES] = {
    [CEV_SCALE_LINEAR] = "linear", [CEV_SCALE_LOG] = "log", [CEV_SCALE_SYMLOG] = "symlog", [CEV_SCALE_VALUES] = "values"};

/* A weighted mean of the ends, so that neither end, nor a zero half-way, is off by a rounding. */
static double mean(double minimum, double maximum, size_t i, size_t last)
{
    double t = (double)i / (double)last;
    return minimum * (1 - t) + maximum * t;
}

static double interpolate(cev_scale scale, double minimum, double maximum, double threshold, size_t i, size_t last)
{
    if (i == 0) return minimum;
    if (i == last) return maximum;
    switch (scale) {
    case CEV_SCALE_LOG: return exp(mean(log(minimum), log(maximum), i, last));
    case CEV_SCALE_SYMLOG:
        return 2 * threshold *
               sinh(mean(asinh(minimum / (2 * threshold)), asinh(maximum / (2 * threshold)), i, last));
    default: return mean(minimum, maximum, i, last);
    }
}

cev_status cev_axis_fill(cev_arena *arena, const char *name, cev_scale scale, double minimum, double maximum, size_t n,
                         double linear_threshold, cev_axis *out)
{
    if (n < 2) return cev_fail(CEV_E_INPUT, "axis %s has %zu point(s); at least 2 are needed", name, n);
    if (!(minimum < maximum) || isinf(minimum) || isinf(maximum))
        return cev_fail(CEV_E_INPUT, "axis %s runs from %g to %g", name, minimum, maximum);
    if (scale == CEV_SCALE_LOG && !(minimum > 0))
        return cev_fail(CEV_E_INPUT, "logarithmic axis %s starts at %g; it must start above 0", name, minimum);
    if (scale == CEV_SCALE_SYMLOG && !(linear_threshold > 0))
        return cev_fail(CEV_E_INPUT, "axis %s of scale symlog needs a linear_threshold above 0", name);
    double *value;
    CEV_TRY(cev_new(arena, n, &value));
    for (size_t i = 0; i < n; i++) {
        value[i] = interpolate(scale, minimum, maximum, linear_threshold, i, n - 1);
        if (i && !(value[i] > value[i - 1]))
            return cev_fail(CEV_E_INPUT, "axis %s: %zu points between %g and %g are too many for double precision", name, n,
                            minimum, maximum);
    }
    *out = (cev_axis){.name = name, .scale = scale, .n = n, .value = value,
                       .linear_threshold = scale == CEV_SCALE_SYMLOG ? linear_threshold : 0};
    return CEV_OK;
}
