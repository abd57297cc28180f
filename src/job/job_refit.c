/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Some points of a file, fitted anew from many starts: a minimum that is not the lowest shows. */
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job_parts.h"

/* A point starts from so many places, or fewer, by itself; so many times as many are tried here. */
enum { TIMES = 100 };

static size_t own_starts(const cev_roster *roster)
{
    return 4 + 4 * roster->n_profiled;
}

/* How far a point may lie above a minimum: what a fit promises, or what chi2 is promised to where it is large. */
static const double absolute = 1e-6, relative = 1e-8;

/* Number `point` of a tile, in one of the maps. */
typedef struct chosen {
    uint32_t item, map;
    uint64_t point;
} chosen;

typedef struct refitting {
    job *j;
    chosen *chosen; /* the same on all ranks */
    cev_verify_result *result;
} refitting;

typedef struct refit_report {
    double in_file, found; /* NaN: the point has no chi2 */
    uint64_t number;
} refit_report;

/* --- the choice ------------------------------------------------------------------------------------------------- */

/* Points of a tile's maps, if they are minima over profiled parameters and in the file. */
static uint64_t points_of(const job *j, size_t item)
{
    const job_space *s = job_space_of(j, item);
    bool done = j->found->space[s - j->space].done[item - s->first_item] != 0;
    return done && s->scan->roster.n_profiled ? (uint64_t)job_tile_of(j, item).n_point * s->n_map : 0;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* n numbers of points, sorted. */
static cev_status draw(unsigned long seed, uint64_t n_point, size_t n, uint64_t *drawn)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_taus2);
    if (!random) return cev_fail(CEV_E_MEMORY, "out of memory");
    gsl_rng_set(random, seed + 1); /* tiles are chosen by the seed itself */
    for (size_t k = 0; k < n; k++) drawn[k] = n == n_point ? k : (uint64_t)(gsl_rng_uniform(random) * (double)n_point);
    gsl_rng_free(random);
    qsort(drawn, n, sizeof *drawn, by_value);
    return CEV_OK;
}

/* Rank 0. *n: how many are wanted, and then how many there are. */
static cev_status choose(refitting *r, unsigned long seed, size_t *n)
{
    const job *j = r->j;
    uint64_t n_point = 0, before = 0, *drawn;
    for (size_t k = 0; k < j->n_item; k++) n_point += points_of(j, k);
    if (*n > n_point) *n = n_point;
    CEV_TRY(cev_new(j->arena, *n, &drawn));
    CEV_TRY(cev_new(j->arena, *n, &r->chosen));
    CEV_TRY(draw(seed, n_point, *n, drawn));
    for (size_t item = 0, k = 0; item < j->n_item && k < *n; item++) {
        uint64_t here = points_of(j, item), of_map = job_tile_of(j, item).n_point;
        for (; k < *n && drawn[k] < before + here; k++)
            r->chosen[k] = (chosen){(uint32_t)item, (uint32_t)((drawn[k] - before) / of_map),
                                    (drawn[k] - before) % of_map};
        before += here;
    }
    return CEV_OK;
}

/* --- fits ------------------------------------------------------------------------------------------------------- */

static cev_status look(void *context, cev_schedule *schedule, size_t k, void *report)
{
    const refitting *r = context;
    const chosen *c = &r->chosen[k];
    job *j = r->j;
    refit_report *out = report;
    const job_space *s = job_space_of(j, c->item);
    size_t index[CEV_MAX_AXES];
    double theta[CEV_MAX_THETA];
    cev_fitted_point fitted;
    j->schedule = schedule;
    if (job_is_stopping(j)) return cev_fail(CEV_E_STOPPED, "stopped");
    j->at = s;
    j->tile = job_tile_of(j, c->item);
    CEV_TRY(cev_map_read_tile(j->map, (size_t)(s - j->space), &j->tile, &j->buffer.results, NULL, NULL));
    cev_tile_point(&s->scan->grid, &j->tile, c->point, index);
    *out = (refit_report){.in_file = j->buffer.results.chi2[c->map * j->tile.n_point + c->point],
                          .found = NAN,
                          .number = cev_grid_number(&s->scan->grid, index)};
    cev_scan_job_theta(cev_combination_job(s->combination), out->number, theta);
    CEV_TRY(cev_combination_fit_point(s->combination, s->units->scratch[0], c->map, theta,
                                      TIMES * own_starts(&s->scan->roster), &fitted));
    if (fitted.status == CEV_POINT_OK) out->found = fitted.chi2;
    return CEV_OK;
}

static cev_status take(void *context, size_t k, const void *report)
{
    const refitting *r = context;
    const refit_report *found = report;
    const chosen *c = &r->chosen[k];
    cev_verify_result *out = r->result;
    const job_space *s = job_space_of(r->j, c->item);
    bool lower = isfinite(found->found) &&
                 !(found->in_file <= found->found + fmax(absolute, relative * fabs(found->found)));
    out->n_refitted++;
    if (lower)
        out->lower[out->n_lower++] = (cev_lower_point){.space = (size_t)(s - r->j->space),
                                                       .map = s->first_map + c->map,
                                                       .number = found->number,
                                                       .chi2 = found->in_file,
                                                       .lower = found->found};
    return CEV_OK;
}

static int by_place(const void *a, const void *b)
{
    const cev_lower_point *x = a, *y = b;
    if (x->map != y->map) return x->map < y->map ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

cev_status job_refit(job *j, size_t n, unsigned long seed, cev_verify_result *result)
{
    refitting r = {.j = j, .result = result};
    uint32_t *item = NULL;
    cev_status status = j->rank == 0 ? choose(&r, seed, &n) : CEV_OK;
    if (j->rank == 0 && status == CEV_OK) status = cev_new(j->arena, n, &item);
    if (j->rank == 0 && status == CEV_OK) {
        result->lower = calloc(n + 1, sizeof *result->lower);
        if (!result->lower) status = cev_fail(CEV_E_MEMORY, "out of memory");
    }
    CEV_TRY(job_agree_with_rank_0(j, status));
    CEV_TRY(job_share(j, &n, sizeof n));
    if (j->rank != 0) CEV_TRY(job_alone(j, cev_new(j->arena, n, &r.chosen)));
    CEV_TRY(job_share(j, r.chosen, n * sizeof *r.chosen));
    for (size_t k = 0; j->rank == 0 && k < n; k++) item[k] = (uint32_t)k;
    CEV_TRY(job_run_pool(j, &(job_pool){.context = &r,
                                        .n = n,
                                        .item = item,
                                        .work = look,
                                        .take = take,
                                        .report_size = sizeof(refit_report)}));
    if (j->rank == 0) qsort(result->lower, result->n_lower, sizeof *result->lower, by_place);
    return CEV_OK;
}
