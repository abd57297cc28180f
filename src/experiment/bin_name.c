/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people call a bin. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cevscan/experiment.h"

bool cev_bins_are_numbered(const cev_experiment *experiment)
{
    return experiment->response.kind->observable == CEV_OBSERVABLE_BIN;
}

/* As few as tell both edges apart to a hundredth of the bin, and no fewer than six. */
int cev_bin_edge_digits(double lo, double hi)
{
    double ratio = fmax(fabs(lo), fabs(hi)) / (hi - lo);
    return (int)fmin(17, fmax(6, 3 + ceil(log10(ratio))));
}

static void name_interval(double lo, double hi, const char *unit, char *text, size_t size)
{
    int digits = cev_bin_edge_digits(lo, hi);
    snprintf(text, size, "%.*g to %.*g %s", digits, lo, digits, hi, unit);
}

void cev_bin_energy_name(const cev_experiment *experiment, size_t bin, char *text, size_t size)
{
    const cev_bins *b = &experiment->bins;
    const cev_response_kind *kind = experiment->response.kind;
    size_t i = bin % b->n_energy;
    if (b->name)
        snprintf(text, size, "%s", b->name[i]);
    else if (cev_bins_are_numbered(experiment))
        snprintf(text, size, "bin %zu", i + 1);
    else if (kind->counting)
        snprintf(text, size, "above %.10g %s", b->edge[0], cev_observable_units[kind->observable]);
    else
        name_interval(b->edge[i], b->edge[i + 1], cev_observable_units[kind->observable], text, size);
}

void cev_bin_name(const cev_experiment *experiment, size_t bin, char *text, size_t size)
{
    const cev_bins *b = &experiment->bins;
    size_t t = bin / b->n_energy;
    cev_bin_energy_name(experiment, bin, text, size);
    size_t used = strlen(text);
    if (!b->time_edge_us || used + 3 > size) return;
    snprintf(text + used, size - used, ", ");
    name_interval(b->time_edge_us[t], b->time_edge_us[t + 1], "us", text + used + 2, size - used - 2);
}

void cev_bins_in_words(const cev_experiment *experiment, char *text, size_t size)
{
    const cev_bins *b = &experiment->bins;
    const cev_response_kind *kind = experiment->response.kind;
    const char *unit = cev_observable_units[kind->observable];
    size_t n = b->n_bin;
    if (cev_bins_are_numbered(experiment))
        snprintf(text, size, "%zu bin%s of a table", n, n == 1 ? "" : "s");
    else if (kind->counting)
        snprintf(text, size, "%zu bin%s above %.10g %s", n, n == 1 ? "" : "s", b->edge[0], unit);
    else
        snprintf(text, size, "%zu bin%s from %g to %g %s", n, n == 1 ? "" : "s", b->edge[0], b->edge[b->n_energy],
                 unit);
    size_t used = strlen(text);
    if (b->time_edge_us && used < size) snprintf(text + used, size - used, " and in time");
}
