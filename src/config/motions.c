/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "motions.h"

#include <math.h>
#include <string.h>

#include "cevscan/experiment_number.h"

/* A value inside a range that no axis has and that is not zero, another one for each `a` and each `which`: what only
 * products of several parameters do, it shows. */
static double generic_value(double low, double high, size_t a, size_t which)
{
    double share = fmod(0.6180339887 * (double)(a + 1) + 0.4142135623 * (double)(which + 1), 1);
    return low + (0.05 + 0.9 * share) * (high - low);
}

void cev_motions_values(double low, double middle, double high, double value[CEV_N_VALUES])
{
    value[0] = low, value[1] = middle, value[2] = high;
    for (size_t k = 0; k < CEV_N_VALUES - CEV_N_PLACES; k++)
        value[CEV_N_PLACES + k] = generic_value(low, high, CEV_MAX_AXES, k);
}

/* --- bases ------------------------------------------------------------------------------------------------------ */

static void vary(cev_motions *m, size_t index, size_t number, double low, double middle, double high)
{
    const double place[CEV_N_PLACES] = {high, low, middle};
    for (size_t b = 0; b < CEV_N_BASES; b++)
        m->base[b][index] = b < CEV_N_PLACES ? place[b] : generic_value(low, high, number, b - CEV_N_PLACES);
    m->has_role[index] = true;
}

/* One coupling may switch another on. */
static void lay_bases(cev_motions *m)
{
    const cev_scan_config *scan = m->scan;
    const cev_roster *roster = &scan->roster;
    for (size_t b = 0; b < CEV_N_BASES; b++) memcpy(m->base[b], scan->theta, sizeof m->base[b]);
    for (size_t a = 0; a < scan->grid.n_axis; a++) {
        const cev_axis *axis = &scan->grid.axis[a];
        if (axis->label || (scan->member_parameter && a == 1)) continue;
        vary(m, scan->axis_parameter[a], a, axis->value[0], axis->value[axis->n / 2], axis->value[axis->n - 1]);
    }
    for (size_t k = 0; k < roster->n_profiled; k++) {
        const cev_profiled *p = &roster->profiled[k];
        vary(m, p->index, CEV_MAX_AXES + 1 + k, p->low, p->low + (p->high - p->low) / 2, p->high);
    }
    for (size_t k = 0; scan->member_parameter && k < scan->grid.axis[0].n; k++)
        m->has_role[scan->member_parameter[k]] = true;
    for (size_t k = 0; k < roster->n_follower; k++) m->has_role[roster->follower[k].index] = true;
}

cev_status cev_motions_begin(cev_motions *m, const cev_scan_config *scan, cev_influence *const *influence)
{
    *m = (cev_motions){.scan = scan, .influence = influence};
    lay_bases(m);
    return cev_followers_create(&scan->roster, &m->followers);
}

void cev_motions_end(cev_motions *m)
{
    cev_followers_destroy(&m->followers);
}

/* --- motions ---------------------------------------------------------------------------------------------------- */

static bool has_pull(const cev_experiment *x, const char *name)
{
    for (size_t p = 0; p < x->n_pull; p++)
        if (!strcmp(x->pull[p].name, name)) return true;
    return false;
}

/* Whether some pull, or some number, that the experiment has is not the same in all of point[n]. */
static bool guests_differ(const cev_motions *m, size_t e, size_t n, const double (*point)[CEV_MAX_THETA])
{
    const cev_roster *roster = &m->scan->roster;
    for (size_t g = 0; g < roster->n_guest; g++) {
        const cev_guest *guest = &roster->guest[g];
        size_t p = roster->interaction->card.n_parameter + g;
        bool is_there = guest->kind == CEV_GUEST_PULL ? has_pull(m->scan->experiment[e], guest->parameter.name)
                        : guest->kind == CEV_GUEST_NUMBER
                            ? cev_experiment_number_name(m->scan->experiment[e], guest->parameter.name) != NULL
                            : false;
        for (size_t k = 1; k < n && is_there; k++)
            if (!cev_same_value(point[k][p], point[0][p])) return true;
    }
    return false;
}

static bool moves(const cev_motions *m, size_t e, size_t index, size_t n, const double *value, const double *base)
{
    double point[CEV_N_VALUES][CEV_MAX_THETA], own[CEV_N_VALUES][CEV_MAX_MODEL_PARAMETERS];
    for (size_t k = 0; k < n; k++) {
        memcpy(point[k], base, sizeof point[k]);
        point[k][index] = value[k];
        cev_followers_apply_one(&m->scan->roster, m->followers, point[k]);
        memcpy(own[k], point[k], sizeof own[k]);
    }
    return guests_differ(m, e, n, (const double(*)[CEV_MAX_THETA])point) ||
           cev_influence_differs(m->influence[e], m->scan->interaction, n,
                                 (const double(*)[CEV_MAX_MODEL_PARAMETERS])own);
}

size_t cev_motions_mark(const cev_motions *m, size_t index, size_t n, const double *value, bool *moved)
{
    size_t n_moved = 0;
    for (size_t e = 0; e < m->scan->n_experiment; e++) {
        moved[e] = false;
        for (size_t b = 0; b < CEV_N_BASES && !moved[e]; b++) moved[e] = moves(m, e, index, n, value, m->base[b]);
        n_moved += moved[e];
    }
    return n_moved;
}

const cev_parameter *cev_motions_culprit(cev_motions *m, size_t index, size_t n, const double *value)
{
    const cev_card *card = &m->scan->interaction->card;
    for (size_t q = 0; q < card->n_parameter; q++) {
        const cev_parameter *d = &card->parameters[q];
        double x = m->scan->theta[q] + 0.3, other[CEV_MAX_THETA];
        if (q == index || m->has_role[q] || d->whole || !isfinite(x)) continue;
        for (size_t e = 0; e < m->scan->n_experiment; e++)
            for (size_t b = 0; b < CEV_N_BASES; b++) {
                memcpy(other, m->base[b], sizeof other);
                other[q] = x > d->maximum ? d->minimum : x;
                if (moves(m, e, index, n, value, other)) return d;
            }
    }
    return NULL;
}
