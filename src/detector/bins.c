/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/bins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static cev_status copy_edges(cev_arena *arena, size_t n, const double *from, const double **out)
{
    double *edge;
    CEV_TRY(cev_new(arena, n + 1, &edge));
    memcpy(edge, from, (n + 1) * sizeof *edge);
    *out = edge;
    return CEV_OK;
}

cev_status cev_bins_from_edges(cev_arena *arena, size_t n_energy, const double *edge, cev_bins *out)
{
    *out = (cev_bins){.n_bin = n_energy, .n_energy = n_energy, .n_time = 1};
    return copy_edges(arena, n_energy, edge, &out->edge);
}

cev_status cev_bins_split_by_time(cev_arena *arena, size_t n_time, const double *edge_us, cev_bins *bins)
{
    if (n_time > CEV_MAX_BINS / bins->n_energy)
        return cev_fail(CEV_E_INPUT, "%zu bins in energy times %zu in time are more than %d", bins->n_energy, n_time,
                        CEV_MAX_BINS);
    bins->n_time = n_time;
    bins->n_bin = bins->n_energy * n_time;
    return copy_edges(arena, n_time, edge_us, &bins->time_edge_us);
}

typedef struct rule {
    double widths;
    double (*sigma_keV)(const void *context, double recoil_keV);
    const void *context;
} rule;

static double excess(const rule *r, double lo, double hi)
{
    return hi - lo - r->widths * r->sigma_keV(r->context, (lo + hi) / 2);
}

/* The excess is negative at hi = lo and grows without bound; bisection ends when the two ends are neighbouring doubles.
 */
static double next_edge(const rule *r, double lo)
{
    double below = lo, above = lo + r->widths * r->sigma_keV(r->context, lo);
    while (!(excess(r, lo, above) >= 0)) { /* also where sigma is no number */
        below = above;
        above = lo + 2 * (above - lo);
        if (!isfinite(above)) return lo;
    }
    for (;;) {
        double middle = below + (above - below) / 2;
        if (!(middle > below && middle < above)) return above; /* also if the resolution is no number */
        *(excess(r, lo, middle) < 0 ? &below : &above) = middle;
    }
}

cev_status cev_bins_by_resolution(cev_arena *arena, double start_keV, double end_keV, double widths,
                                  double (*sigma_keV)(const void *context, double recoil_keV), const void *context,
                                  cev_bins *out)
{
    rule r = {widths, sigma_keV, context};
    double *edge = malloc((CEV_MAX_BINS + 1) * sizeof *edge);
    if (!edge) return cev_fail(CEV_E_MEMORY, "out of memory");
    size_t n = 0;
    edge[0] = start_keV;
    while (edge[n] <= end_keV && n < CEV_MAX_BINS) {
        edge[n + 1] = next_edge(&r, edge[n]);
        if (!(edge[n + 1] > edge[n]) || isinf(edge[n + 1])) break;
        n++;
    }
    cev_status status = n > 0 && edge[n] > end_keV
                            ? cev_bins_from_edges(arena, n, edge, out)
                            : cev_fail(CEV_E_INPUT, "bins of %g resolutions from %g keV do not reach %g keV", widths,
                                       start_keV, end_keV);
    free(edge);
    return status;
}
