/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "map_guard.h"
#include "output_place.h"
#include "scan_run.h"

static const char doc[] = "Joins partial maps of one scan, such as those of its shards. Tiles that several of them "
                          "hold must agree to the last bit; tiles "
                          "that none of them holds are reported, and can be computed by `cevscan run` on the new map. "
                          "Nothing is recomputed.\v"
                          "Exit codes: 0 the new map is complete; 1 complete, but some points have no chi2; 85 tiles "
                          "are missing; 2 the maps do not fit "
                          "together, or one is damaged, and nothing was created; 74 the file system failed.\n\n"
                          "Example: cevscan merge shard-*.h5 -o map.h5";

typedef struct merge_options {
    const char *output;
    char **file; /* [n_file] */
    int n_file;
    bool quiet, json;
} merge_options;

static const struct argp_option options[] = {
    {"output", 'o', "MAP.h5", 0, "the map to write (required); must not exist", 0},
    {"quiet", 'q', NULL, 0, "print errors only", 0},
    {"json", 'j', NULL, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    merge_options *o = state->input;
    switch (key) {
    case 'o': o->output = argument; break;
    case 'q': o->quiet = true; break;
    case 'j': o->json = true; break;
    case ARGP_KEY_ARGS:
        o->file = state->argv + state->next;
        o->n_file = state->argc - state->next;
        break;
    case ARGP_KEY_END:
        if (o->n_file == 0) argp_error(state, "which maps?");
        if (!o->output || !*o->output) argp_error(state, "where to? give -o MAP.h5");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

typedef struct merge {
    const merge_options *options;
    scan_run run;
    cev_map_info **info; /* [n_file] */
    cev_map **part;      /* [n_file], open for reading */
    size_t *owner;       /* [n_tile], number of the map that a tile is taken from; n_file if there is none */
    size_t n_missing;
    bool created;
} merge;

static cev_status open_part(merge *m, int k)
{
    const char *path = m->options->file[k];
    scan_run *run = &m->run;
    CEV_TRY(inspect_guarded(path, &m->info[k]));
    if (k == 0) CEV_TRY(scan_run_adopt(run, path, m->info[0]));
    const char *first = cev_map_info_text(m->info[0], "configuration_hash"),
               *own = cev_map_info_text(m->info[k], "configuration_hash");
    if (!first || !own || strcmp(first, own))
        return cev_fail(CEV_E_INPUT, "%s: holds another scan than %s", path, m->options->file[0]);
    if (m->info[k]->n_tile != run->config->grid.n_tile)
        return cev_fail(CEV_E_INPUT, "%s: has another number of tiles", path);
    return cev_map_open(path, CEV_MAP_READ, MPI_COMM_WORLD, &run->config->grid, run->n_pull, run->config->pull_name,
                        &m->part[k]);
}

/* Reads tile t of map k into the buffers, and makes sure of it. */
static cev_status read_part(merge *m, size_t k, const cev_tile *tile, cev_digest *digest)
{
    scan_run *run = &m->run;
    bool intact;
    CEV_TRY(cev_map_read_tile(m->part[k], tile, run->chi2, run->status, run->pull, NULL, &intact));
    if (!intact)
        return cev_fail(CEV_E_INPUT, "%s: tile %zu is damaged; see: cevscan verify --repair", m->options->file[k],
                        tile->id);
    return cev_tile_digest(tile, run->n_pull,
                           &(cev_tile_results){.chi2 = run->chi2, .status = run->status, .pull = run->pull}, digest);
}

/* Every map that holds the tile is read before anything is created. */
static cev_status compare_parts(merge *m, size_t t)
{
    cev_tile tile = cev_grid_tile(&m->run.config->grid, t);
    size_t n = (size_t)m->options->n_file;
    cev_digest first, other;
    m->owner[t] = n;
    for (size_t k = 0; k < n; k++) {
        if (!m->info[k]->done[t]) continue;
        CEV_TRY(read_part(m, k, &tile, m->owner[t] == n ? &first : &other));
        if (m->owner[t] == n)
            m->owner[t] = k;
        else if (memcmp(first.byte, other.byte, sizeof first.byte))
            return cev_fail(CEV_E_INPUT, "tile %zu differs between %s and %s; see: cevscan verify --all", t,
                            m->options->file[m->owner[t]], m->options->file[k]);
    }
    m->n_missing += m->owner[t] == n;
    return CEV_OK;
}

static cev_status write_all(merge *m)
{
    scan_run *run = &m->run;
    for (size_t t = 0; t < run->config->grid.n_tile; t++) {
        if (m->owner[t] == (size_t)m->options->n_file) continue;
        cev_tile tile = cev_grid_tile(&run->config->grid, t);
        cev_digest unused;
        CEV_TRY(read_part(m, m->owner[t], &tile, &unused));
        cev_tile_results results = {.chi2 = run->chi2, .status = run->status, .pull = run->pull};
        CEV_TRY(cev_map_write_tile(run->map, &tile, &results, *scan_run_reference(run, &tile)));
        run->points_done += tile.n_point;
    }
    return CEV_OK;
}

static void report_gaps(const merge *m)
{
    size_t n_tile = m->run.config->grid.n_tile, none = (size_t)m->options->n_file;
    printf("%zu of %zu tiles are missing:", m->n_missing, n_tile);
    for (size_t t = 0; t < n_tile; t++) {
        if (m->owner[t] != none || (t && m->owner[t - 1] == none)) continue;
        size_t end = t;
        while (end + 1 < n_tile && m->owner[end + 1] == none) end++;
        printf(end > t ? " %zu..%zu" : " %zu", t, end);
    }
    printf("\n");
}

static void print_result(const merge *m, bool complete)
{
    const merge_options *o = m->options;
    if (o->json) {
        json_t *missing = json_array();
        for (size_t t = 0; t < m->run.config->grid.n_tile; t++)
            if (m->owner[t] == (size_t)o->n_file) json_array_append_new(missing, json_integer((json_int_t)t));
        print_json(json_pack("{s:o, s:i, s:b, s:o, s:s}", "map", json_text(o->output), "joined", o->n_file, "complete",
                             complete, "tiles_missing", missing, "content_hash", m->run.progress.content_hash));
    } else if (!o->quiet) {
        printf("%s: joined %d map%s\n", o->output, o->n_file, o->n_file == 1 ? "" : "s");
        if (m->n_missing) report_gaps(m);
        if (complete) printf("content hash %s\n", m->run.progress.content_hash);
    }
}

static cev_status merge_maps(merge *m, run_outcome *outcome)
{
    scan_run *run = &m->run;
    size_t n = (size_t)m->options->n_file;
    CEV_TRY(output_place_resolve(m->options->output, &run->map_path));
    if (!access(run->map_path, F_OK))
        return cev_fail(CEV_E_INPUT, "%s: exists already; choose another output", m->options->output);
    if (!(m->info = calloc(n, sizeof *m->info)) || !(m->part = calloc(n, sizeof *m->part)))
        return cev_fail(CEV_E_MEMORY, "out of memory");
    for (int k = 0; k < m->options->n_file; k++) CEV_TRY(open_part(m, k));
    CEV_TRY(cev_new(run->config->arena, run->config->grid.n_tile, &m->owner));
    for (size_t t = 0; t < run->config->grid.n_tile; t++) CEV_TRY(compare_parts(m, t));

    run->started = monotonic_s();
    run->n_pending = m->n_missing;
    CEV_TRY(cev_map_lock_take(run->map_path, &run->lock));
    CEV_TRY(scan_run_create_map(run, run->map_path));
    m->created = true;
    CEV_TRY(cev_map_open(run->map_path, CEV_MAP_WRITE, MPI_COMM_WORLD, &run->config->grid, run->n_pull,
                         run->config->pull_name, &run->map));
    CEV_TRY(scan_run_start_session(run));
    CEV_TRY(write_all(m));
    run->reread = true;
    return scan_run_finish(run, outcome);
}

static void close_all(merge *m)
{
    for (int k = 0; k < m->options->n_file; k++) {
        if (m->part) cev_map_close(&m->part[k]);
        if (m->info) cev_map_info_destroy(&m->info[k]);
    }
    free(m->part);
    free(m->info);
}

int command_merge(int argc, char **argv)
{
    merge_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "MAP.h5...", .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    const run_options as_run = {.job = {.output = o.output, .quiet = o.quiet, .time_limit_s = INFINITY}};
    merge m = {.options = &o, .run = {.options = &as_run}};
    run_outcome outcome = RUN_COMPLETE;
    job_start_mpi(&m.run.rank);
    cev_status status = merge_maps(&m, &outcome);
    int code = status != CEV_OK          ? report_error(status)
               : outcome != RUN_COMPLETE ? EXIT_STOPPED
               : m.run.points_failed     ? EXIT_POINTS_FAILED
                                         : EXIT_COMPLETE;
    if (status == CEV_OK) print_result(&m, outcome == RUN_COMPLETE);
    if (status != CEV_OK && m.created) unlink(m.run.map_path); /* a half-joined map; its parts are still there */
    close_all(&m);
    return scan_run_end_mpi(&m.run, code);
}
