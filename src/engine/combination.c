/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units over one grid, and their sums. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model_parts.h"
#include "units_parts.h"

enum { BLOCKS_PER_PIECE = 16 };

typedef struct unit_job {
    cev_scan_job job;
    cev_data data;
    cev_fit_starts *starts;
    size_t first_start, n_start; /* blocks of nodes of the open tile, among those of all units */
    double *chi2;                /* [points of a whole tile] */
    unsigned char *status;       /* the same */
    double *pull;                /* [n_pull][n_point] of the open tile, or NULL */
} unit_job;

struct cev_combination {
    cev_arena *arena;
    const cev_units *units;
    unit_job *unit;   /* [n_unit] */
    cev_scan_job job; /* as given; its model and data are those of the first unit */
    bool with_pulls;
    cev_tile tile;
};

static cev_status build_job(cev_combination *c, const cev_scan_job *job, const unit *u, const double *truth,
                            unit_job *out)
{
    size_t n = cev_grid_points_of_whole_tile(job->grid);
    CEV_TRY(cev_data_mixed(c->arena, u->model, u->observed, truth, &out->data));
    CEV_TRY(cev_model_check_data(u->model, &out->data));
    out->job = *job;
    out->job.model = u->model;
    out->job.data = &out->data;
    CEV_TRY(cev_fit_starts_create(&out->job, &out->starts));
    out->job.starts = out->starts;
    CEV_TRY(cev_new(c->arena, n, &out->chi2));
    CEV_TRY(cev_new(c->arena, n, &out->status));
    return c->with_pulls ? cev_new(c->arena, n * cev_model_n_pull(u->model), &out->pull) : CEV_OK;
}

static cev_status build(cev_combination *c, const cev_scan_job *job, const double *truth)
{
    CEV_TRY(cev_arena_create(&c->arena));
    CEV_TRY(cev_new(c->arena, c->units->n_unit, &c->unit));
    for (size_t u = 0; u < c->units->n_unit; u++) CEV_TRY(build_job(c, job, &c->units->unit[u], truth, &c->unit[u]));
    c->job = *job;
    c->job.model = c->unit[0].job.model;
    c->job.data = c->unit[0].job.data;
    c->job.starts = NULL;
    return CEV_OK;
}

cev_status cev_combination_create(cev_units *units, const cev_scan_job *job, const double *truth, bool with_pulls,
                                  cev_combination **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->units = units;
    (*out)->with_pulls = with_pulls;
    cev_status status = build(*out, job, truth);
    if (status != CEV_OK) cev_combination_destroy(out);
    return status;
}

void cev_combination_destroy(cev_combination **combination)
{
    if (!combination || !*combination) return;
    cev_combination *c = *combination;
    for (size_t u = 0; c->unit && u < c->units->n_unit; u++) cev_fit_starts_destroy(&c->unit[u].starts);
    cev_arena_destroy(&c->arena);
    free(c);
    *combination = NULL;
}

size_t cev_combination_open(cev_combination *c, const cev_tile *tile)
{
    size_t n = 0;
    c->tile = *tile;
    for (size_t u = 0; u < c->units->n_unit; u++) {
        unit_job *j = &c->unit[u];
        cev_scan_job_open_tile(&j->job, tile);
        j->first_start = n;
        n += j->n_start = cev_fit_starts_open(j->starts, tile);
    }
    return n;
}

void cev_combination_start(cev_combination *c, cev_units_scratch *scratch, size_t k)
{
    size_t u = 0;
    while (k >= c->unit[u].first_start + c->unit[u].n_start) u++;
    cev_fit_starts_block(c->unit[u].starts, &c->unit[u].job, scratch->unit[u], k - c->unit[u].first_start);
}

static size_t pieces_of_unit(const cev_combination *c)
{
    size_t points = BLOCKS_PER_PIECE * CEV_LANES;
    return (c->tile.n_point + points - 1) / points;
}

size_t cev_combination_ready(cev_combination *c)
{
    for (size_t u = 0; u < c->units->n_unit; u++) cev_fit_starts_close(c->unit[u].starts);
    return c->units->n_unit * pieces_of_unit(c);
}

void cev_combination_evaluate(cev_combination *c, cev_units_scratch *scratch, size_t k)
{
    size_t u = k / pieces_of_unit(c), first = k % pieces_of_unit(c) * BLOCKS_PER_PIECE * CEV_LANES;
    size_t end = first + BLOCKS_PER_PIECE * CEV_LANES;
    if (end > c->tile.n_point) end = c->tile.n_point;
    cev_lanes block_pull[CEV_MAX_PULLS];
    const unit_job *j = &c->unit[u];
    for (size_t p = first; p < end; p += CEV_LANES)
        cev_scan_job_block(&j->job, scratch->unit[u], &c->tile, p, c->with_pulls ? block_pull : NULL, j->chi2,
                           j->status, j->pull);
}

/* The status of a set's point is that of its worst unit: the numbers of cev_point_status grow with badness. */
static unsigned char status_of_set(const cev_combination *c, const set_units *set, size_t point)
{
    unsigned char worst = CEV_POINT_OK;
    for (size_t k = 0; k < set->n; k++)
        if (c->unit[set->unit[k]].status[point] > worst) worst = c->unit[set->unit[k]].status[point];
    return worst;
}

void cev_combination_sum(const cev_combination *c, size_t set, double *chi2, unsigned char *status)
{
    const set_units *s = &c->units->set[set];
    for (size_t p = 0; p < c->tile.n_point; p++) {
        double sum = 0;
        for (size_t k = 0; k < s->n; k++) sum += c->unit[s->unit[k]].chi2[p];
        chi2[p] = isnan(sum) ? NAN : sum; /* the one NaN */
        status[p] = status_of_set(c, s, p);
    }
}

void cev_combination_pull(const cev_combination *c, size_t set, size_t p, double *pull)
{
    const set_units *s = &c->units->set[set];
    const double *of_unit = c->unit[s->pull[p].unit].pull + s->pull[p].number * c->tile.n_point;
    for (size_t k = 0; k < c->tile.n_point; k++) pull[k] = status_of_set(c, s, k) == CEV_POINT_OK ? of_unit[k] : NAN;
}

/* --- points anywhere -------------------------------------------------------------------------------------------- */

void cev_combination_fold(cev_combination *c, const double *theta)
{
    for (size_t u = 0; u < c->units->n_unit; u++) cev_model_fold(c->unit[u].job.model, theta);
}

bool cev_combination_is_folded(const cev_combination *c, const double *theta)
{
    bool folded = true;
    for (size_t u = 0; u < c->units->n_unit; u++) folded &= cev_model_is_folded(c->unit[u].job.model, theta);
    return folded;
}

void cev_combination_unit_point(const cev_combination *c, cev_units_scratch *scratch, size_t u, const cev_lanes *theta,
                                cev_lanes *chi2, cev_lanes_mask *status)
{
    cev_block_result result = {.pull = NULL};
    cev_model_evaluate(c->unit[u].job.model, &c->unit[u].data, scratch->unit[u], theta, NULL, &result);
    *chi2 = result.chi2;
    *status = result.status;
}

void cev_combination_point(const cev_combination *c, cev_units_scratch *scratch, size_t set, const cev_lanes *theta,
                           cev_lanes *chi2, cev_lanes_mask *status)
{
    const set_units *s = &c->units->set[set];
    *chi2 = (cev_lanes){0};
    *status = (cev_lanes_mask){0} + CEV_POINT_OK;
    for (size_t k = 0; k < s->n; k++) {
        cev_lanes own;
        cev_lanes_mask bad;
        cev_combination_unit_point(c, scratch, s->unit[k], theta, &own, &bad);
        *chi2 += own;
        for (size_t l = 0; l < CEV_LANES; l++)
            if (bad[l] > (*status)[l]) (*status)[l] = bad[l];
    }
}

const cev_scan_job *cev_combination_job(const cev_combination *c)
{
    return &c->job;
}

const cev_units *cev_combination_units(const cev_combination *c)
{
    return c->units;
}

const cev_scan_job *cev_combination_unit_job(const cev_combination *c, size_t u)
{
    return &c->unit[u].job;
}

/* --- stand-in, to be dropped at merge: made-up flags and values of profiled parameters ----------------------------- */

size_t cev_combination_n_profiled(const cev_combination *c)
{
    return cev_model_roster(c->unit[0].job.model)->n_profiled;
}

static uint64_t number_of(const cev_combination *c, size_t k)
{
    size_t index[CEV_MAX_AXES];
    cev_tile_point(c->job.grid, &c->tile, k, index);
    return cev_grid_number(c->job.grid, index);
}

void cev_combination_flags(const cev_combination *c, size_t set, unsigned char *flags)
{
    for (size_t k = 0; k < c->tile.n_point; k++) {
        uint64_t n = number_of(c, k);
        bool ok = status_of_set(c, &c->units->set[set], k) == CEV_POINT_OK;
        flags[k] = !ok ? 0 : (unsigned char)((n % 2 ? 0 : 1) | (n % 3 ? 0 : 2) | (n % 5 ? 0 : 4));
    }
}

void cev_combination_profiled(const cev_combination *c, size_t set, size_t p, double *value)
{
    const cev_profiled *own = &cev_model_roster(c->unit[0].job.model)->profiled[p];
    for (size_t k = 0; k < c->tile.n_point; k++) {
        bool ok = status_of_set(c, &c->units->set[set], k) == CEV_POINT_OK;
        double u = (double)number_of(c, k) / (double)(c->job.grid->n_point - 1);
        value[k] = ok ? own->low + u * (own->high - own->low) : NAN;
    }
}

cev_status cev_combination_fit_point(cev_combination *c, cev_units_scratch *scratch, size_t set, const double *theta,
                                     size_t more_starts, cev_fitted_point *out)
{
    const cev_roster *roster = cev_model_roster(c->unit[0].job.model);
    size_t n = cev_roster_n(roster);
    cev_lanes block[CEV_MAX_THETA], chi2;
    cev_lanes_mask status;
    *out = (cev_fitted_point){.lower_bound = NAN, .flags = CEV_FLAG_FLAT, .n_flat = roster->n_profiled > 1};
    (void)more_starts;
    cev_combination_fold(c, theta);
    memcpy(out->theta, theta, n * sizeof *theta);
    for (size_t p = 0; p < n; p++) block[p] = theta[p] - (cev_lanes){0};
    cev_combination_point(c, scratch, set, block, &chi2, &status);
    out->chi2 = chi2[0];
    out->status = (cev_point_status)status[0];
    for (size_t p = 0; p < roster->n_profiled; p++) out->flat[0][p] = 1 / sqrt((double)roster->n_profiled);
    return CEV_OK;
}
