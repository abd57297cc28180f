/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models and buffers of a job. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job_parts.h"

/* --- sets and spaces -------------------------------------------------------------------------------------------- */

static cev_status describe_set(const job *j, size_t setting, const cev_study_set *set, cev_fit_set *out)
{
    const cev_study_config *c = j->config;
    const cev_experiment **experiment;
    bool *observed;
    CEV_TRY(cev_new(j->arena, set->n_experiment, &experiment));
    CEV_TRY(cev_new(j->arena, set->n_experiment, &observed));
    for (size_t e = 0; e < set->n_experiment; e++) {
        experiment[e] = c->experiment[setting * c->n_experiment + set->experiment[e]];
        observed[e] = c->space[0].scan->observed[set->experiment[e]];
    }
    *out = (cev_fit_set){.n_experiment = set->n_experiment, .experiment = experiment, .observed = observed};
    return CEV_OK;
}

static cev_status build_units(job *j)
{
    const cev_study_config *c = j->config;
    size_t n = c->n_setting * c->n_set;
    cev_fit_set *set;
    CEV_TRY(cev_new(j->arena, n, &set));
    for (size_t k = 0; k < n; k++) CEV_TRY(describe_set(j, k / c->n_set, &c->set[k % c->n_set], &set[k]));
    return cev_units_create(n, set, &c->space[0].scan->roster, c->space[0].scan->theta, &j->units);
}

static cev_status allocate_results(job *j, job_space *s)
{
    cev_map_results *r = &s->results;
    size_t n_axis = s->scan->grid.n_axis;
    CEV_TRY(cev_new(j->arena, s->n_fit, &r->chi2_reference));
    CEV_TRY(cev_new(j->arena, s->n_fit, &r->best_fit_chi2));
    CEV_TRY(cev_new(j->arena, s->n_fit * n_axis, &r->best_fit));
    CEV_TRY(cev_new(j->arena, s->n_map, &r->points_failed));
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
    return cev_combination_create(j->units, &as_scan, scan->truth, c->store_pulls, &s->combination);
}

/* The pulls of all maps, in the order of their first use. */
static cev_status list_pulls(job *j)
{
    size_t most = 0, n_map = j->space[0].n_map;
    for (size_t m = 0; m < n_map; m++) most += cev_units_n_pull(j->units, m);
    if (!j->config->store_pulls) return CEV_OK;
    CEV_TRY(cev_new(j->arena, most, &j->pull_name));
    for (size_t m = 0; m < n_map; m++)
        for (size_t p = 0; p < cev_units_n_pull(j->units, m); p++) {
            const char *name = cev_units_pull_name(j->units, m, p);
            size_t k = 0;
            while (k < j->n_pull && strcmp(j->pull_name[k], name)) k++;
            if (k == j->n_pull) j->pull_name[j->n_pull++] = name;
        }
    return CEV_OK;
}

/* --- buffers ---------------------------------------------------------------------------------------------------- */

static size_t most_points(const job *j)
{
    size_t most = 0;
    for (size_t k = 0; k < j->config->n_space; k++) {
        size_t n = j->space[k].n_map * cev_grid_points_of_whole_tile(&j->space[k].scan->grid);
        if (n > most) most = n;
    }
    return most;
}

static cev_status allocate_buffer(job *j, size_t n, job_buffer *b)
{
    CEV_TRY(cev_new(j->arena, n, &b->results.chi2));
    CEV_TRY(cev_new(j->arena, n, &b->results.status));
    CEV_TRY(cev_new(j->arena, n * j->n_pull, &b->results.pull));
    if (!j->n_pull) b->results.pull = NULL;
    return cev_new(j->arena, j->most_maps, &b->digest);
}

cev_status job_build(job *j)
{
    const cev_study_config *c = j->config;
    CEV_TRY(build_units(j));
    j->n_space = c->n_space;
    CEV_TRY(cev_new(j->arena, c->n_space, &j->space));
    CEV_TRY(cev_new(j->arena, (size_t)j->machine.threads, &j->scratch));
    for (int t = 0; t < j->machine.threads; t++) CEV_TRY(cev_units_scratch_create(j->units, &j->scratch[t]));
    for (size_t k = 0; k < c->n_space; k++) CEV_TRY(build_space(j, k));
    CEV_TRY(list_pulls(j));
    if (j->n_item > UINT32_MAX) return cev_fail(CEV_E_INPUT, "more than 2^32 tiles in all maps; choose larger ones");
    CEV_TRY(cev_new(j->arena, j->n_item, &j->done));
    CEV_TRY(cev_new(j->arena, j->most_maps, &j->second.digest));
    CEV_TRY(cev_new(j->arena, j->most_maps, &j->reference));
    CEV_TRY(allocate_buffer(j, most_points(j), &j->buffer));
    return job_describe(j);
}

cev_status job_build_second(job *j)
{
    return allocate_buffer(j, most_points(j), &j->second);
}

void job_destroy(job *j)
{
    cev_map_lock *lock = atomic_exchange(&j->lock, NULL);
    for (int t = 0; j->scratch && t < j->machine.threads; t++) cev_units_scratch_destroy(&j->scratch[t]);
    for (size_t k = 0; j->space && k < j->n_space; k++) cev_combination_destroy(&j->space[k].combination);
    cev_units_destroy(&j->units);
    cev_map_lock_release(&lock);
    cev_map_info_destroy(&j->found);
    cev_study_config_destroy(&j->config);
    cev_arena_destroy(&j->arena);
    free(j->path);
}
