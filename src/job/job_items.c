/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which item is which tile of which maps; what the file calls them. */
#include <string.h>

#include "job_parts.h"

const job_space *job_space_of(const job *j, size_t item)
{
    size_t low = 0, high = j->config->n_space;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(item < j->space[middle].first_item ? &high : &low) = middle;
    }
    return &j->space[low];
}

cev_tile job_tile_of(const job *j, size_t item)
{
    const job_space *s = job_space_of(j, item);
    return cev_grid_tile(&s->scan->grid, item - s->first_item);
}

size_t job_fit_of(const job_space *s, size_t map, const cev_tile *tile)
{
    return map * s->n_member + cev_grid_member_of_tile(&s->scan->grid, tile);
}

const char *job_map_name(const job *j, const job_space *s, size_t map)
{
    return j->config->map[s->first_map + map].name;
}

const char *job_fit_name(const job *j, const job_space *s, size_t fit)
{
    if (j->config->is_scan && s->n_member > 1) return s->scan->grid.axis[0].label[fit];
    return job_map_name(j, s, fit / s->n_member);
}

/* Parameters that follow a scanned one are folded for each of its values, too. */
bool job_is_slow(const job_space *s)
{
    const cev_scan_config *c = s->scan;
    for (size_t a = 0; a < c->grid.n_axis; a++)
        if (c->axis_description[a]->slow ||
            (!c->member_parameter && cev_roster_is_slow(&c->roster, c->axis_parameter[a])))
            return true;
    for (size_t f = 0; f < c->roster.n_follower; f++)
        if (cev_roster_is_slow(&c->roster, c->roster.follower[f].index)) return true;
    return false;
}

bool job_is_of_this_shard(const job *j, size_t item)
{
    const cev_job_options *o = j->options;
    return o->n_shard == 0 || item % (size_t)o->n_shard == (size_t)o->shard;
}

const double *job_references(job *j, const job_space *s, const cev_tile *tile)
{
    for (size_t m = 0; m < s->n_map; m++) j->reference[m] = s->results.chi2_reference[job_fit_of(s, m, tile)];
    return j->reference;
}

/* --- the spec --------------------------------------------------------------------------------------------------- */

static cev_status describe_profiled(const job *j, const cev_roster *roster, cev_map_space *out)
{
    cev_map_profiled *p;
    CEV_TRY(cev_new(j->arena, roster->n_profiled, &p));
    for (size_t k = 0; k < roster->n_profiled; k++)
        p[k] = (cev_map_profiled){cev_roster_parameter(roster, roster->profiled[k].index), roster->profiled[k].low,
                                  roster->profiled[k].high};
    out->n_profiled = roster->n_profiled;
    out->profiled = p;
    return CEV_OK;
}

/* Names of the maps below their space: the study's, without that of the space. */
static cev_status describe_space(const job *j, size_t k, cev_map_space *out)
{
    const cev_study_config *c = j->config;
    const job_space *s = &j->space[k];
    const char **name;
    *out = (cev_map_space){.grid = &s->scan->grid,
                           .axis_description = s->scan->axis_description,
                           .n_map = s->n_map,
                           .n_pull = s->units->n_pull,
                           .pull_name = s->units->pull_name};
    CEV_TRY(describe_profiled(j, &s->scan->roster, out));
    if (c->store_profiled) out->n_stored = out->n_profiled;
    if (c->is_scan) return CEV_OK;
    CEV_TRY(cev_new(j->arena, s->n_map, &name));
    for (size_t m = 0; m < s->n_map; m++) name[m] = c->map[s->first_map + m].name + strlen(c->space[k].name) + 1;
    out->name = c->space[k].name;
    out->map_name = name;
    return CEV_OK;
}

cev_status job_describe(job *j)
{
    cev_map_space *space;
    CEV_TRY(cev_new(j->arena, j->config->n_space, &space));
    for (size_t k = 0; k < j->config->n_space; k++) CEV_TRY(describe_space(j, k, &space[k]));
    j->spec = (cev_map_spec){.n_space = j->config->n_space, .space = space};
    return CEV_OK;
}
