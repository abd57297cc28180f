/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models and buffers of a job. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job_parts.h"

/* --- spaces ----------------------------------------------------------------------------------------------------- */

static cev_status allocate_results(job *j, job_space *s)
{
    cev_map_results *r = &s->results;
    size_t n_axis = s->scan->grid.n_axis;
    CEV_TRY(cev_new(j->arena, s->n_fit, &r->chi2_reference));
    CEV_TRY(cev_new(j->arena, s->n_fit, &r->best_fit_chi2));
    CEV_TRY(cev_new(j->arena, s->n_fit * n_axis, &r->best_fit));
    CEV_TRY(cev_new(j->arena, s->n_map, &r->points_failed));
    if (s->scan->roster.n_profiled) {
        CEV_TRY(cev_new(j->arena, s->n_map, &r->points_proven));
        CEV_TRY(cev_new(j->arena, s->n_map, &r->points_at_bound));
        CEV_TRY(cev_new(j->arena, s->n_map, &r->points_flat));
    }
    CEV_TRY(cev_new(j->arena, s->n_map, &r->content_hash));
    CEV_TRY(cev_new(j->arena, s->n_fit, &s->lowest));
    CEV_TRY(cev_new(j->arena, s->n_fit, &s->lowest_point));
    for (size_t f = 0; f < s->n_fit; f++) s->lowest[f] = INFINITY;
    return CEV_OK;
}

static cev_status build_space(job *j, size_t k)
{
    const cev_study_config *c = j->config;
    const cev_scan_config *scan = c->space[k].scan;
    job_space *s = &j->space[k];
    cev_scan_job as_scan = {.grid = &scan->grid, .member_parameter = scan->member_parameter};
    memcpy(as_scan.theta, scan->theta, sizeof as_scan.theta);
    memcpy(as_scan.axis_parameter, scan->axis_parameter, sizeof as_scan.axis_parameter);
    s->scan = scan;
    s->n_map = c->n_setting * c->n_set;
    s->n_member = cev_grid_n_member(&scan->grid);
    s->n_fit = s->n_map * s->n_member;
    s->first_map = k * s->n_map;
    s->first_item = j->n_item;
    j->n_item += scan->grid.n_tile;
    if (s->n_map > j->most_maps) j->most_maps = s->n_map;
    j->points += scan->grid.n_point * s->n_map;
    CEV_TRY(allocate_results(j, s));
    job_units *units;
    CEV_TRY(job_units_for(j, scan, &units));
    s->units = units;
    CEV_TRY(cev_combination_create(units->units, &as_scan, scan->truth, c->store_pulls, &s->combination));
    cev_combination_keep_profiled(s->combination, c->store_profiled);
    return CEV_OK;
}

/* --- buffers ---------------------------------------------------------------------------------------------------- */

/* Values of a tile: the most that a space has, each with the most of its kind. */
typedef struct tile_sizes {
    size_t points, pulls, profiled, flags;
} tile_sizes;

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static tile_sizes largest_tile(const job *j)
{
    tile_sizes out = {0};
    for (size_t k = 0; k < j->n_space; k++) {
        const cev_map_space *s = &j->spec.space[k];
        size_t n = s->n_map * cev_grid_points_of_whole_tile(s->grid);
        out.points = larger(out.points, n);
        out.pulls = larger(out.pulls, n * s->n_pull);
        out.profiled = larger(out.profiled, n * s->n_stored);
        if (s->n_profiled) out.flags = larger(out.flags, n);
    }
    return out;
}

static cev_status allocate_buffer(job *j, job_buffer *b)
{
    tile_sizes n = largest_tile(j);
    CEV_TRY(cev_new(j->arena, n.points, &b->results.chi2));
    CEV_TRY(cev_new(j->arena, n.points, &b->results.status));
    if (n.pulls) CEV_TRY(cev_new(j->arena, n.pulls, &b->results.pull));
    if (n.flags) CEV_TRY(cev_new(j->arena, n.flags, &b->results.flags));
    if (n.profiled) CEV_TRY(cev_new(j->arena, n.profiled, &b->results.profiled));
    return cev_new(j->arena, j->most_maps, &b->digest);
}

cev_status job_build(job *j)
{
    const cev_study_config *c = j->config;
    CEV_TRY(cev_new(j->arena, c->n_space, &j->units));
    j->n_space = c->n_space;
    CEV_TRY(cev_new(j->arena, c->n_space, &j->space));
    for (size_t k = 0; k < c->n_space; k++) CEV_TRY(build_space(j, k));
    if (j->n_item > UINT32_MAX) return cev_fail(CEV_E_INPUT, "more than 2^32 tiles in all maps; choose larger ones");
    CEV_TRY(cev_new(j->arena, j->n_item, &j->done));
    CEV_TRY(cev_new(j->arena, j->most_maps, &j->second.digest));
    CEV_TRY(cev_new(j->arena, j->most_maps, &j->reference));
    CEV_TRY(job_describe(j));
    return allocate_buffer(j, &j->buffer);
}

cev_status job_build_second(job *j)
{
    return allocate_buffer(j, &j->second);
}

void job_destroy(job *j)
{
    cev_map_lock *lock = atomic_exchange(&j->lock, NULL);
    for (size_t k = 0; j->space && k < j->n_space; k++) cev_combination_destroy(&j->space[k].combination);
    job_units_destroy(j);
    cev_map_lock_release(&lock);
    cev_map_info_destroy(&j->found);
    cev_study_config_destroy(&j->config);
    cev_arena_destroy(&j->arena);
    free(j->path);
}
