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

static double stretched(cev_scale scale, double threshold, double x)
{
    return scale == CEV_SCALE_LOG ? log(x) : scale == CEV_SCALE_SYMLOG ? asinh(x / (2 * threshold)) : x;
}

static double unstretched(cev_scale scale, double threshold, double y)
{
    return scale == CEV_SCALE_LOG ? exp(y) : scale == CEV_SCALE_SYMLOG ? 2 * threshold * sinh(y) : y;
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
    double *value, low = stretched(scale, linear_threshold, minimum), high = stretched(scale, linear_threshold, maximum);
    CEV_TRY(cev_new(arena, n, &value));
    for (size_t i = 0; i < n; i++) {
        value[i] = i == 0 ? minimum : i == n - 1 ? maximum : unstretched(scale, linear_threshold, mean(low, high, i, n - 1));
        if (i && !(value[i] > value[i - 1]))
            return cev_fail(CEV_E_INPUT, "axis %s: %zu points between %g and %g are too many for double precision", name, n,
                            minimum, maximum);
    }
    *out = (cev_axis){.name = name, .scale = scale, .n = n, .value = value,
                       .linear_threshold = scale == CEV_SCALE_SYMLOG ? linear_threshold : 0};
    return CEV_OK;
}
