/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units over one grid, and their sums. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "combination_parts.h"
#include "scan_theta.h"

enum { BLOCKS_PER_PIECE = 16 };

static cev_status build_job(cev_combination *c, const cev_scan_job *job, const unit *u, const double *truth,
                            unit_job *out)
{
    size_t n = cev_grid_points_of_whole_tile(job->grid);
    CEV_TRY(cev_data_mixed(c->arena, u->model, u->observed, truth, &out->data));
    CEV_TRY(cev_model_check_data(u->model, &out->data));
    out->job = *job;
    out->job.model = u->model;
    out->job.data = &out->data;
    out->job.followers = c->followers;
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
    CEV_TRY(cev_followers_create(&c->units->roster, &c->followers));
    for (size_t u = 0; u < c->units->n_unit; u++) CEV_TRY(build_job(c, job, &c->units->unit[u], truth, &c->unit[u]));
    c->job = *job;
    c->job.model = c->unit[0].job.model;
    c->job.data = c->unit[0].job.data;
    c->job.starts = NULL;
    c->job.followers = c->followers;
    if (c->units->roster.n_constraint)
        CEV_TRY(cev_new(c->arena, cev_grid_points_of_whole_tile(job->grid), &c->penalty));
    return c->units->roster.n_profiled ? cev_combination_build_fits(c) : CEV_OK;
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
    cev_combination_destroy_fits(c);
    cev_followers_destroy(&c->followers);
    cev_arena_destroy(&c->arena);
    free(c);
    *combination = NULL;
}

/* Constraints of what no fit moves, at the points of the open tile. */
static void tabulate_penalty(cev_combination *c)
{
    for (size_t k = 0; k < c->tile.n_point; k++) {
        double theta[CEV_MAX_THETA];
        cev_scan_job_theta_of_point(&c->job, &c->tile, k, c->followers, theta);
        c->penalty[k] = cev_roster_penalty(&c->units->roster, theta);
    }
}

static size_t open_fits(cev_combination *c)
{
    double theta[CEV_MAX_THETA];
    cev_scan_job_theta_of_point(&c->job, &c->tile, 0, c->followers, theta);
    cev_combination_refresh_fits(c, theta);
    return 0; /* pieces find their starts by themselves */
}

size_t cev_combination_open(cev_combination *c, const cev_tile *tile)
{
    size_t n = 0;
    c->tile = *tile;
    if (c->fit) return open_fits(c);
    if (c->penalty) tabulate_penalty(c);
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
    if (c->fit) return cev_combination_n_piece(c);
    for (size_t u = 0; u < c->units->n_unit; u++) cev_fit_starts_close(c->unit[u].starts);
    return c->units->n_unit * pieces_of_unit(c);
}

void cev_combination_evaluate(cev_combination *c, cev_units_scratch *scratch, size_t k)
{
    if (c->fit) {
        cev_combination_fit_piece(c, scratch, k);
        return;
    }
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

/* A penalty that is not a number, as where a formula has no value, leaves the point without an answer. */
static void add_penalty(const cev_combination *c, size_t point, double *chi2, unsigned char *status)
{
    *chi2 += c->penalty[point];
    if (!isnan(c->penalty[point])) return;
    *chi2 = NAN;
    *status = CEV_POINT_INVALID;
}

void cev_combination_sum(const cev_combination *c, size_t set, double *chi2, unsigned char *status)
{
    const set_units *s = &c->units->set[set];
    if (c->fit) {
        memcpy(chi2, c->fit[set].point_chi2, c->tile.n_point * sizeof *chi2);
        memcpy(status, c->fit[set].status, c->tile.n_point);
        return;
    }
    for (size_t p = 0; p < c->tile.n_point; p++) {
        double sum = 0;
        for (size_t k = 0; k < s->n; k++) sum += c->unit[s->unit[k]].chi2[p];
        chi2[p] = isnan(sum) ? NAN : sum; /* the one NaN */
        status[p] = status_of_set(c, s, p);
        if (c->penalty) add_penalty(c, p, &chi2[p], &status[p]);
    }
}

void cev_combination_pull(const cev_combination *c, size_t set, size_t p, double *pull)
{
    const set_units *s = &c->units->set[set];
    if (c->fit) {
        size_t first = 0;
        for (size_t k = 0; s->unit[k] != s->pull[p].unit; k++) first += cev_model_n_pull(c->unit[s->unit[k]].job.model);
        memcpy(pull, c->fit[set].pull + (first + s->pull[p].number) * c->tile.n_point, c->tile.n_point * sizeof *pull);
        return;
    }
    const double *of_unit = c->unit[s->pull[p].unit].pull + s->pull[p].number * c->tile.n_point;
    for (size_t k = 0; k < c->tile.n_point; k++) pull[k] = status_of_set(c, s, k) == CEV_POINT_OK ? of_unit[k] : NAN;
}

/* --- points anywhere -------------------------------------------------------------------------------------------- */

void cev_combination_fold(cev_combination *c, const double *theta)
{
    if (c->fit) {
        cev_combination_refresh_fits(c, theta);
        return;
    }
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

static void add_penalty_of_lanes(const cev_combination *c, const cev_lanes *theta, cev_lanes *chi2,
                                 cev_lanes_mask *status)
{
    for (size_t l = 0; l < CEV_LANES; l++) {
        double one[CEV_MAX_THETA];
        for (size_t t = 0; t < cev_roster_n(&c->units->roster); t++) one[t] = theta[t][l];
        double penalty = cev_roster_penalty(&c->units->roster, one);
        (*chi2)[l] = isnan(penalty) ? NAN : (*chi2)[l] + penalty;
        if (isnan(penalty)) (*status)[l] = CEV_POINT_INVALID;
    }
}

void cev_combination_point(const cev_combination *c, cev_units_scratch *scratch, size_t set, const cev_lanes *theta,
                           cev_lanes *chi2, cev_lanes_mask *status)
{
    const set_units *s = &c->units->set[set];
    if (c->fit) {
        cev_combination_fit_lanes(c, scratch, set, theta, chi2, status);
        return;
    }
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
    if (c->penalty) add_penalty_of_lanes(c, theta, chi2, status);
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
