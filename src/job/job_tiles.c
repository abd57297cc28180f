/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tiles: evaluated by all threads of a rank, once for each unit of experiments, and written to all maps of their
 * space. */
#include <math.h>
#include <string.h>

#include "cevscan/threads.h"
#include "job_parts.h"

/* --- computing -------------------------------------------------------------------------------------------------- */

static void find_start(void *context, int thread, size_t k)
{
    job *j = context;
    if (!atomic_load_explicit(&j->abandoned, memory_order_relaxed))
        cev_combination_start(j->at->combination, j->at->units->scratch[thread], k);
}

static void evaluate_piece(void *context, int thread, size_t k)
{
    job *j = context;
    if (!atomic_load_explicit(&j->abandoned, memory_order_relaxed))
        cev_combination_evaluate(j->at->combination, j->at->units->scratch[thread], k);
}

/* One map's part of the buffer, from the units. */
typedef struct summing {
    job *j;
    job_buffer *to;
} summing;

static const cev_map_space *spec_of(const job *j)
{
    return &j->spec.space[j->at - j->space];
}

/* Number of a map's pull among those of its space. */
static size_t pull_of_space(const cev_map_space *space, const char *name)
{
    size_t p = 0;
    while (p < space->n_pull && strcmp(space->pull_name[p], name)) p++;
    return p;
}

/* Where one map's values of pull or profiled parameter number k are, among those of all. */
static double *values_at(const job *j, double *all, size_t k, size_t map)
{
    return all + (k * j->at->n_map + map) * j->tile.n_point;
}

static void sum_pulls(const job *j, const job_buffer *to, size_t map)
{
    const cev_map_space *space = spec_of(j);
    const cev_units *units = j->at->units->units;
    for (size_t p = 0; p < space->n_pull; p++)
        for (size_t k = 0; k < j->tile.n_point; k++) values_at(j, to->results.pull, p, map)[k] = NAN;
    for (size_t p = 0; space->n_pull && p < cev_units_n_pull(units, map); p++)
        cev_combination_pull(j->at->combination, map, p,
                             values_at(j, to->results.pull, pull_of_space(space, cev_units_pull_name(units, map, p)),
                                       map));
}

static void sum_profiled(const job *j, const job_buffer *to, size_t map)
{
    const cev_map_space *space = spec_of(j);
    const cev_combination *c = j->at->combination;
    if (space->n_profiled) cev_combination_flags(c, map, to->results.flags + map * j->tile.n_point);
    for (size_t k = 0; k < space->n_stored; k++)
        cev_combination_profiled(c, map, k, values_at(j, to->results.profiled, k, map));
}

static void sum_map(void *context, int thread, size_t map)
{
    const summing *s = context;
    const job *j = s->j;
    size_t n = j->tile.n_point;
    (void)thread;
    cev_combination_sum(j->at->combination, map, s->to->results.chi2 + map * n, s->to->results.status + map * n);
    sum_pulls(j, s->to, map);
    sum_profiled(j, s->to, map);
}

static void poll_while_summing(void *context)
{
    job_poll(((summing *)context)->j);
}

cev_status job_compute(job *j, cev_schedule *schedule, size_t item, job_buffer *to)
{
    int n_thread = j->machine.threads;
    j->schedule = schedule;
    j->at = job_space_of(j, item);
    j->tile = job_tile_of(j, item);
    cev_combination *c = j->at->combination;
    cev_threads_loop(n_thread, cev_combination_open(c, &j->tile), find_start, job_poll, j);
    cev_threads_loop(n_thread, cev_combination_ready(c), evaluate_piece, job_poll, j);
    if (atomic_load(&j->abandoned)) return cev_fail(CEV_E_STOPPED, "stopped");
    cev_threads_loop(n_thread, j->at->n_map, sum_map, poll_while_summing, &(summing){j, to});
    return CEV_OK;
}

/* --- what was found --------------------------------------------------------------------------------------------- */

static cev_status digest_map(const job *j, const job_buffer *b, size_t map, cev_digest *out)
{
    const double *pull[CEV_MAX_PULLS], *value[CEV_MAX_PROFILED];
    const cev_map_space *space = spec_of(j);
    const cev_units *units = j->at->units->units;
    size_t n = j->tile.n_point, n_pull = space->n_pull ? cev_units_n_pull(units, map) : 0;
    for (size_t p = 0; p < n_pull; p++)
        pull[p] = values_at(j, b->results.pull, pull_of_space(space, cev_units_pull_name(units, map, p)), map);
    for (size_t k = 0; k < space->n_stored; k++) value[k] = values_at(j, b->results.profiled, k, map);
    const cev_tile_part part = {.chi2 = b->results.chi2 + map * n,
                                .status = b->results.status + map * n,
                                .n_pull = n_pull,
                                .pull = pull,
                                .flags = space->n_profiled ? b->results.flags + map * n : NULL,
                                .n_profiled = space->n_stored,
                                .profiled = value};
    return cev_tile_digest(&j->tile, &part, out);
}

/* Proof is not to be had far from the best fit, and is not missed there. */
static void count_near(const job *j, const job_buffer *b, size_t map, job_note *note)
{
    size_t n = j->tile.n_point;
    double reference = j->at->results.chi2_reference[job_fit_of(j->at, map, &j->tile)];
    for (size_t k = 0; k < n; k++) {
        bool near = b->results.chi2[map * n + k] - reference < CEV_NEAR_DELTA;
        note->n_near += near;
        note->n_near_proven += near && (b->results.flags[map * n + k] & CEV_FLAG_PROVEN);
    }
}

cev_status job_note_map(const job *j, const job_buffer *b, size_t map, job_note *note)
{
    const cev_grid *grid = &j->at->scan->grid;
    size_t n = j->tile.n_point, lowest = n;
    const double *chi2 = b->results.chi2 + map * n;
    *note = (job_note){.lowest = INFINITY, .lowest_point = UINT64_MAX};
    for (size_t k = 0; k < n; k++) {
        note->n_failed += cev_point_failed(b->results.status[map * n + k]);
        if (chi2[k] < note->lowest) note->lowest = chi2[k], lowest = k;
    }
    for (size_t k = 0; spec_of(j)->n_profiled && k < n; k++)
        for (int f = 0; f < CEV_N_POINT_FLAGS; f++) note->n_flag[f] += b->results.flags[map * n + k] >> f & 1;
    if (spec_of(j)->n_profiled) count_near(j, b, map, note);
    if (lowest < n) {
        size_t index[CEV_MAX_AXES];
        cev_tile_point(grid, &j->tile, lowest, index);
        note->lowest_point = cev_grid_number(grid, index);
    }
    return digest_map(j, b, map, &note->digest);
}

/* Equal ones by their number, so that the order in which tiles come does not matter. */
void job_take_notes(job *j, size_t item, const job_note *note)
{
    job_space *s = &j->space[job_space_of(j, item) - j->space];
    cev_tile tile = job_tile_of(j, item);
    for (size_t m = 0; m < s->n_map; m++) {
        size_t f = job_fit_of(s, m, &tile);
        s->results.points_failed[m] += note[m].n_failed;
        s->n_near += note[m].n_near;
        s->n_near_proven += note[m].n_near_proven;
        if (s->results.points_proven) {
            s->results.points_proven[m] += note[m].n_flag[0];
            s->results.points_at_bound[m] += note[m].n_flag[1];
            s->results.points_flat[m] += note[m].n_flag[2];
        }
        j->points_failed += note[m].n_failed;
        bool lower = note[m].lowest < s->lowest[f] ||
                     (note[m].lowest == s->lowest[f] && note[m].lowest_point < s->lowest_point[f]);
        if (!lower || note[m].lowest == INFINITY) continue;
        s->lowest[f] = note[m].lowest;
        s->lowest_point[f] = note[m].lowest_point;
    }
    j->done[item] = true;
    j->n_done++;
    j->points_done += tile.n_point * s->n_map;
}

/* --- into the file ---------------------------------------------------------------------------------------------- */

/* A tile on its way into the file: its digests take as long as writing it. */
typedef struct storing {
    job *j;
    job_note *note;
    cev_status written, noted;
} storing;

static void write_fields(void *context)
{
    storing *s = context;
    job *j = s->j;
    s->written = cev_map_write_tile(j->map, (size_t)(j->at - j->space), &j->tile, &j->buffer.results,
                                    job_references(j, j->at, &j->tile));
}

static void note_maps(void *context)
{
    storing *s = context;
    s->noted = CEV_OK;
    for (size_t m = 0; s->noted == CEV_OK && m < s->j->at->n_map; m++)
        s->noted = job_note_map(s->j, &s->j->buffer, m, &s->note[m]);
}

static cev_status work(void *context, cev_schedule *schedule, size_t item, void *report)
{
    const size_t worth_a_thread = 16384; /* points */
    job *j = context;
    storing s = {.j = j, .note = report};
    CEV_TRY(job_compute(j, schedule, item, &j->buffer));
    bool small = j->tile.n_point * j->at->n_map < worth_a_thread;
    cev_threads_beside(small ? 1 : j->machine.threads, write_fields, note_maps, &s);
    CEV_TRY(s.written);
    /* Its words are the other thread's. */
    return s.noted == CEV_OK ? CEV_OK : cev_fail(s.noted, "%s: the digest of a tile cannot be worked out", j->path);
}

/* --- rank 0 ----------------------------------------------------------------------------------------------------- */

static cev_status take(void *context, size_t item, const void *report)
{
    job *j = context;
    const job_note *note = report;
    const job_space *s = job_space_of(j, item);
    if (j->first_result_s == 0) j->first_result_s = job_now_s();
    for (size_t m = 0; m < s->n_map; m++) j->second.digest[m] = note[m].digest;
    CEV_TRY(cev_map_mark_tile(j->map, (size_t)(s - j->space), item - s->first_item, j->second.digest));
    job_take_notes(j, item, note);
    if (j->options->progress) {
        const cev_job_progress p = {.stage = CEV_STAGE_TILES,
                                    .points = j->points,
                                    .points_before = j->points_before,
                                    .points_done = j->points_done,
                                    .points_failed = j->points_failed};
        j->options->progress(j->options->context, &p);
    }
    return job_record(j, false);
}

static cev_status list_pending(job *j, uint32_t **pending, size_t *n)
{
    *n = 0;
    CEV_TRY(cev_new(j->arena, j->n_item, pending));
    for (size_t k = 0; k < j->n_item; k++) {
        if (j->done[k]) continue;
        if (job_is_of_this_shard(j, k))
            (*pending)[(*n)++] = (uint32_t)k;
        else
            j->n_elsewhere++;
    }
    j->points_before = j->points_done;
    return CEV_OK;
}

cev_status job_compute_tiles(job *j)
{
    uint32_t *pending = NULL;
    size_t n = 0;
    if (j->rank == 0) CEV_TRY(job_alone(j, list_pending(j, &pending, &n)));
    return job_run_pool(j, &(job_pool){.context = j,
                                       .n = n,
                                       .item = pending,
                                       .work = work,
                                       .take = take,
                                       .report_size = j->most_maps * sizeof(job_note)});
}
