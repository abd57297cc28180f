/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/likeness.h"

#include <string.h>

static bool same_values(size_t n, const double *a, const double *b)
{
    if (a == b) return true;
    if (!a || !b) return false;
    for (size_t k = 0; k < n; k++)
        if (!cev_same_value(a[k], b[k])) return false;
    return true;
}

static bool same_nucleus(const cev_nucleus *a, const cev_nucleus *b)
{
    return a->protons == b->protons && a->neutrons == b->neutrons && a->mass_u == b->mass_u &&
           cev_same_value(a->rms_radius_p_fm, b->rms_radius_p_fm) &&
           cev_same_value(a->rms_radius_n_fm, b->rms_radius_n_fm) && !strcmp(a->name, b->name);
}

static bool same_nuclei(const cev_target *a, const cev_target *b)
{
    if (a->n_nucleus != b->n_nucleus || a->form_factor.kind != b->form_factor.kind) return false;
    for (size_t k = 0; k < a->n_nucleus; k++)
        if (!same_nucleus(&a->nucleus[k], &b->nucleus[k])) return false;
    return same_values(a->form_factor.kind->card.n_parameter, a->form_factor.parameter, b->form_factor.parameter);
}

static bool same_source(const cev_source *a, const cev_source *b)
{
    return a->kind == b->kind && same_values(a->kind->card.n_parameter, a->parameter, b->parameter);
}

static bool same_table(const cev_response_table *a, const cev_response_table *b)
{
    return a->n_recoil == b->n_recoil && a->n_bin == b->n_bin &&
           same_values(a->n_recoil, a->recoil_keV, b->recoil_keV) &&
           same_values(a->n_recoil * a->n_bin, a->value, b->value);
}

#define SAME_PIECE(a, b)                                                                                               \
    ((a).kind == (b).kind && (!(a).kind || same_values((a).kind->card.n_parameter, (a).parameter, (b).parameter)))

static bool same_response(const cev_response *a, const cev_response *b)
{
    return SAME_PIECE(*a, *b) && SAME_PIECE(a->quenching, b->quenching) && SAME_PIECE(a->smearing, b->smearing) &&
           SAME_PIECE(a->efficiency, b->efficiency) && same_table(&a->table, &b->table);
}

static bool same_bins(const cev_bins *a, const cev_bins *b)
{
    return a->n_energy == b->n_energy && a->n_time == b->n_time && same_values(a->n_energy + 1, a->edge, b->edge) &&
           same_values(a->n_time + 1, a->time_edge_us, b->time_edge_us);
}

bool cev_see_alike(const cev_experiment *a, const cev_experiment *b)
{
    return a == b || (same_source(&a->source, &b->source) && same_nuclei(&a->target, &b->target) &&
                      same_response(&a->response, &b->response) && same_bins(&a->bins, &b->bins));
}

static bool same_backgrounds(const cev_experiment *a, const cev_experiment *b)
{
    if (a->n_background != b->n_background) return false;
    for (size_t k = 0; k < a->n_background; k++)
        if (!same_values(a->bins.n_bin, a->background[k].counts, b->background[k].counts)) return false;
    return true;
}

/* All that the expectation is made of, but for the pulls. */
static bool expect_alike(const cev_experiment *a, const cev_experiment *b)
{
    if (!a || !b) return a == b;
    if (!cev_see_alike(a, b) || !same_backgrounds(a, b)) return false;
    if (!SAME_PIECE(a->beam, b->beam) || a->beam.within_windows != b->beam.within_windows) return false;
    for (size_t k = 0; k < a->target.n_nucleus; k++)
        if (cev_target_n_nuclei(&a->target, k) != cev_target_n_nuclei(&b->target, k)) return false;
    return true;
}

static bool same_scaling(const cev_pull *a, const cev_pull *b)
{
    if (a->n_component != b->n_component || a->n_part != b->n_part) return false;
    for (size_t k = 0; k < a->n_component; k++)
        if (a->component[k] != b->component[k] || !a->weight != !b->weight ||
            (a->weight && a->weight[k] != b->weight[k]))
            return false;
    for (size_t k = 0; k < a->n_part; k++)
        if (a->part[k].source_component != b->part[k].source_component || a->part[k].nucleus != b->part[k].nucleus ||
            a->part[k].weight != b->part[k].weight)
            return false;
    return true;
}

static bool same_pull(const cev_pull *a, const cev_pull *b)
{
    char why_not[128];
    return !strcmp(a->name, b->name) && cev_pull_is_one(a, b, why_not, sizeof why_not) && same_scaling(a, b) &&
           a->quadratic == b->quadratic && expect_alike(a->up, b->up) && expect_alike(a->down, b->down);
}

bool cev_fit_alike(const cev_experiment *a, const cev_experiment *b, bool observed)
{
    if (a == b) return true;
    if (!expect_alike(a, b) || a->n_pull != b->n_pull || a->statistic != b->statistic) return false;
    for (size_t p = 0; p < a->n_pull; p++)
        if (!same_pull(&a->pull[p], &b->pull[p])) return false;
    return same_values(a->bins.n_bin, a->variance, b->variance) &&
           (!observed || same_values(a->bins.n_bin, a->observed, b->observed));
}
