/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <float.h>
#include <math.h>
#include <string.h>

#include "cevscan/grid.h"

const char *const cev_scale_names[CEV_N_SCALES] =
    {[CEV_SCALE_LINEAR] = "linear",         [CEV_SCALE_LOG] = "log",       [CEV_SCALE_SYMLOG] = "symlog",
     [CEV_SCALE_SIGNED_LOG] = "signed_log", [CEV_SCALE_VALUES] = "values", [CEV_SCALE_NAMES] = "names"};

/* Names of groups and datasets beside those of axes (src/store/map_names.h), and how others begin. */
bool cev_axis_reserves_name(const char *name)
{
    static const char *const taken[] = {"spaces", "index", "map",   "chi2",    "delta_chi2",
                                        "status", "flags", "tiles", "results", "progress"};
    static const char *const beginning[] = {"pull_", "profiled_"};
    for (size_t k = 0; k < sizeof taken / sizeof *taken; k++)
        if (!strcmp(name, taken[k])) return true;
    for (size_t k = 0; k < sizeof beginning / sizeof *beginning; k++)
        if (!strncmp(name, beginning[k], strlen(beginning[k]))) return true;
    return !*name || strchr(name, '/');
}

/* A weighted mean of the ends. Where they cancel, a rounding is left of a zero (-0.3 * 2/3 + 0.6 * 1/3 = -2.8e-17): a
 * value that near to it is the zero itself, since a step is 2^-24 of the range at least. */
static double mean(double minimum, double maximum, double t)
{
    double x = minimum * (1 - t) + maximum * t;
    return fabs(x) <= 4 * DBL_EPSILON * fmax(fabs(minimum), fabs(maximum)) ? 0 : x;
}

static double stretched(cev_scale scale, double threshold, double x)
{
    return scale == CEV_SCALE_LOG ? log(x) : scale == CEV_SCALE_SYMLOG ? asinh(x / (2 * threshold)) : x;
}

static double unstretched(cev_scale scale, double threshold, double y)
{
    return scale == CEV_SCALE_LOG ? exp(y) : scale == CEV_SCALE_SYMLOG ? 2 * threshold * sinh(y) : y;
}

static double interpolate(cev_scale scale, double minimum, double maximum, double threshold, size_t i, size_t last)
{
    if (i == 0) return minimum + 0; /* -0 is 0 */
    if (i == last) return maximum + 0;
    return unstretched(scale, threshold,
                       mean(stretched(scale, threshold, minimum), stretched(scale, threshold, maximum),
                            (double)i / (double)last));
}

/* Value i of n; the two halves of signed_log mirror each other to the last bit. */
static double value_of(cev_scale scale, double minimum, double maximum, double threshold, size_t i, size_t n)
{
    if (scale != CEV_SCALE_SIGNED_LOG) return interpolate(scale, minimum, maximum, threshold, i, n - 1);
    size_t half = n / 2;
    if (i < half) return -interpolate(CEV_SCALE_LOG, minimum, maximum, threshold, half - 1 - i, half - 1);
    return interpolate(CEV_SCALE_LOG, minimum, maximum, threshold, i - half, half - 1);
}

static cev_status check_range(const char *name, cev_scale scale, double minimum, double maximum, size_t n,
                              double linear_threshold)
{
    if (n < 2) return cev_fail(CEV_E_INPUT, "axis %s has %zu point(s); at least 2 are needed", name, n);
    if (!(minimum < maximum) || isinf(minimum) || isinf(maximum))
        return cev_fail(CEV_E_INPUT, "axis %s runs from %g to %g", name, minimum, maximum);
    if ((scale == CEV_SCALE_LOG || scale == CEV_SCALE_SIGNED_LOG) && !(minimum > 0))
        return cev_fail(CEV_E_INPUT, "logarithmic axis %s starts at %g; it must start above 0", name, minimum);
    if (scale == CEV_SCALE_SIGNED_LOG && (n % 2 || n < 4))
        return cev_fail(CEV_E_INPUT, "axis %s of scale signed_log has %zu points; it needs an even number, 4 or more",
                        name, n);
    if (scale == CEV_SCALE_SYMLOG && !(linear_threshold > 0))
        return cev_fail(CEV_E_INPUT, "axis %s of scale symlog needs a linear_threshold above 0", name);
    return CEV_OK;
}

cev_status cev_axis_fill(cev_arena *arena, const char *name, cev_scale scale, double minimum, double maximum, size_t n,
                         double linear_threshold, cev_axis *out)
{
    CEV_TRY(check_range(name, scale, minimum, maximum, n, linear_threshold));
    double *value;
    CEV_TRY(cev_new(arena, n, &value));
    for (size_t i = 0; i < n; i++) {
        value[i] = value_of(scale, minimum, maximum, linear_threshold, i, n);
        if (i && !(value[i] > value[i - 1]))
            return cev_fail(CEV_E_INPUT, "axis %s: %zu points between %g and %g are too many for double precision",
                            name, n, minimum, maximum);
    }
    *out = (cev_axis){.name = name,
                      .scale = scale,
                      .n = n,
                      .value = value,
                      .linear_threshold = scale == CEV_SCALE_SYMLOG ? linear_threshold : 0};
    return CEV_OK;
}

double cev_axis_at(const cev_axis *axis, double u)
{
    if (!(u >= 0 && u <= (double)(axis->n - 1))) return NAN;
    size_t i = (size_t)u;
    double t = u - (double)i, low = axis->value[i];
    if (t == 0) return low;
    double high = axis->value[i + 1], threshold = axis->linear_threshold;
    switch (axis->scale) {
    case CEV_SCALE_LOG: return low * pow(high / low, t);
    case CEV_SCALE_SIGNED_LOG: return low * high > 0 ? low * pow(high / low, t) : NAN;
    case CEV_SCALE_SYMLOG:
        return 2 * threshold * sinh(asinh(low / (2 * threshold)) * (1 - t) + asinh(high / (2 * threshold)) * t);
    case CEV_SCALE_NAMES: return NAN;
    default: return low * (1 - t) + high * t;
    }
}
