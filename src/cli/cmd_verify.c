/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "job_options.h"
#include "file_kind.h"
#include "usage.h"

static const char doc[] =
    "Checks a map or a study: its description and axes, the digest of every finished tile, what a complete file says "
    "of the "
    "whole (best fits, failed points, content hashes), and a random 1 % of the tiles (at least one), or all of them, "
    "against "
    "a new computation. Another processor or other libraries may give other bits; chi2 is promised to 1e-8. Where "
    "parameters are profiled, random points are fitted once more from a hundred times as many starts: none may have a "
    "chi2 that is lower by more than 1e-6.\v"
    "Exit codes: 0 the file is sound; 3 it is not, each tile or part that differs is named; 2 it is no map, or not of "
    "this "
    "program; 74 it cannot be read. mpirun may start it on several ranks.\n\n"
    "Example: cevscan verify --all results/ess_csi.h5";

typedef struct verify_command {
    cev_verify_options what;
    bool json;
    int seed;    /* negative: from the clock */
    int n_refit; /* negative: as many as usual */
} verify_command;

enum { USUAL_REFITS = 20, REFITS_OF_ALL = 200, OPTION_POINTS = 256 };

static const struct argp_option options[] = {
    {"all", 'a', NULL, 0, "recompute every tile, and fit ten times as many points from many starts", 0},
    {"points", OPTION_POINTS, "N", 0,
     "so many points whose parameters are profiled are fitted from many starts (default: 20, with --all 200)", 0},
    {"repair", 'r', NULL, 0, "mark what differs as not done: `cevscan run` then computes it anew", 0},
    {"seed", 's', "N", 0, "of the random choice of tiles and points (default: from the clock)", 0},
    {"json", 'j', NULL, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    verify_command *o = state->input;
    switch (key) {
    case 'a': o->what.all = true; break;
    case 'r': o->what.repair = true; break;
    case 'j': o->json = true; break;
    case 's':
        if (!parse_whole(argument, 0, 2000000000, &o->seed))
            usage_error(state, "--seed %s: expected a whole number", argument);
        break;
    case OPTION_POINTS:
        if (!parse_whole(argument, 0, 1000000, &o->n_refit))
            usage_error(state, "--points %s: expected a whole number", argument);
        break;
    case ARGP_KEY_ARG:
        if (o->what.file) usage_error(state, "more than one map: %s", argument);
        o->what.file = argument;
        break;
    case ARGP_KEY_NO_ARGS: usage_error(state, "give a map"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* --- what it prints --------------------------------------------------------------------------------------------- */

static const cev_grid *grid_of_tile(const cev_study_config *c, size_t *tile, const char **space)
{
    size_t k = 0;
    while (*tile >= c->space[k].scan->grid.n_tile) *tile -= c->space[k++].scan->grid.n_tile;
    *space = c->is_scan ? NULL : c->space[k].name;
    return &c->space[k].scan->grid;
}

static bool is_bad(unsigned char verdict)
{
    return verdict >= CEV_TILE_MISCOUNTED;
}

static void print_tile(const cev_verify_result *r, size_t number)
{
    size_t id = number;
    const char *space;
    const cev_grid *grid = grid_of_tile(r->config, &id, &space);
    cev_tile tile = cev_grid_tile(grid, id);
    printf("tile %zu%s%s, points", id, space ? " of " : "", space ? space : "");
    for (size_t a = 0; a < grid->n_axis; a++)
        printf("%s%zu..%zu", a ? " x " : " ", tile.origin[a], tile.origin[a] + tile.extent[a] - 1);
    static const char *const why[] = {
        [CEV_TILE_MISCOUNTED] = "its delta_chi2 do not count from chi2_reference",
        [CEV_TILE_DAMAGED] = "damaged: its data do not have their digest",
        [CEV_TILE_DIFFERENT] = "different from what this program computes",
    };
    printf(": %s\n", why[r->verdict[number]]);
}

/* "point 1234 (eps_ee_uV=0.1, eps_ee_dV=0.2) of MAP: ...". */
static void print_lower(const cev_verify_result *r, const cev_lower_point *p)
{
    const cev_grid *g = &r->config->space[p->space].scan->grid;
    size_t index[CEV_MAX_AXES];
    cev_grid_index(g, p->number, index);
    printf("point %llu (", (unsigned long long)p->number);
    for (size_t a = 0; a < g->n_axis; a++) {
        const cev_axis *axis = &g->axis[a];
        printf("%s%s=", a ? ", " : "", axis->name);
        if (axis->label)
            printf("%s", axis->label[index[a]]);
        else
            printf("%.10g", axis->value[index[a]]);
    }
    printf(")%s%s: chi2 %.9g is not the lowest: other starts find %.9g\n", r->config->is_scan ? "" : " of ",
           r->config->is_scan ? "" : r->config->map[p->map].name, p->chi2, p->lower);
}

static json_t *lower_json(const cev_verify_result *r)
{
    json_t *list = json_array();
    for (size_t k = 0; k < r->n_lower; k++) {
        const cev_lower_point *p = &r->lower[k];
        const cev_grid *g = &r->config->space[p->space].scan->grid;
        size_t index[CEV_MAX_AXES];
        json_t *at = json_object();
        cev_grid_index(g, p->number, index);
        for (size_t a = 0; a < g->n_axis; a++)
            json_object_set_new(at, g->axis[a].name,
                                g->axis[a].label ? json_text(g->axis[a].label[index[a]])
                                                 : json_number(g->axis[a].value[index[a]]));
        json_array_append_new(list,
                              json_pack("{s:o, s:I, s:o, s:o, s:o}", "map", json_text(r->config->map[p->map].name),
                                        "point", (json_int_t)p->number, "at", at, "chi2", json_number(p->chi2),
                                        "lower_chi2", json_number(p->lower)));
    }
    return list;
}

static json_t *tiles_json(const cev_verify_result *r, cev_verdict which)
{
    json_t *tiles = json_array();
    for (size_t t = 0; t < r->n_tile; t++)
        if (r->verdict[t] == which) json_array_append_new(tiles, json_integer((json_int_t)t));
    return tiles;
}

static json_t *parts_json(const cev_verify_result *r)
{
    json_t *parts = json_array();
    for (int p = 0; p < CEV_N_PARTS; p++)
        if (r->wrong[p]) json_array_append_new(parts, json_string(cev_job_part_names[p]));
    return parts;
}

static void print_as_json(const cev_verify_result *r)
{
    json_t *json = json_pack("{s:b, s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "sound", r->sound, "tiles",
                             (json_int_t)r->n_tile, "tiles_done", (json_int_t)r->n_done, "tiles_recomputed",
                             (json_int_t)r->n_recomputed, "content_hash_right", !r->wrong[CEV_PART_CONTENT_HASH],
                             "damaged", tiles_json(r, CEV_TILE_DAMAGED), "miscounted",
                             tiles_json(r, CEV_TILE_MISCOUNTED), "different", tiles_json(r, CEV_TILE_DIFFERENT),
                             "other_bits", tiles_json(r, CEV_TILE_OTHER_BITS), "wrong", parts_json(r), "repaired",
                             r->repaired, "worst_chi2", json_number(r->worst_chi2));
    json_object_set_new(json, "points_refitted", json_integer((json_int_t)r->n_refitted));
    json_object_set_new(json, "not_lowest", lower_json(r));
    print_json(json);
}

static void print_as_text(const verify_command *o, const cev_verify_result *r)
{
    for (size_t t = 0; t < r->n_tile; t++)
        if (is_bad(r->verdict[t])) print_tile(r, t);
    for (size_t k = 0; k < r->n_lower; k++) print_lower(r, &r->lower[k]);
    for (int p = 0; p < CEV_N_PARTS; p++)
        if (r->wrong[p]) printf("wrong: %s\n", cev_job_part_names[p]);
    if (!r->same_numerics) printf("note: of another version of the numbers, or changed: nothing was recomputed\n");
    if (r->n_other_bits)
        printf("note: %zu recomputed tiles have other bits (another processor, or other libraries), and the same chi2 "
               "to "
               "%.1e\n",
               r->n_other_bits, r->worst_chi2);
    printf("%s: %zu of %zu tiles done, all digests checked, %zu recomputed", o->what.file, r->n_done, r->n_tile,
           r->n_recomputed);
    if (r->n_refitted) printf(", %zu points fitted from many starts", r->n_refitted);
    printf(": %s\n", r->sound ? "sound" : "NOT SOUND");
    if (r->repaired) printf("%zu tiles and the end of the job are marked for `cevscan run`\n", r->n_bad);
}

/* --- the command ------------------------------------------------------------------------------------------------ */

int command_verify(int argc, char **argv)
{
    verify_command o = {.seed = -1, .n_refit = -1};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "FILE.h5", .doc = doc};
    parse_arguments(&argp, argc, argv, &o);
    job_command c = job_command_quiet(0);
    cev_verify_result r;
    c.job.context = &c;
    o.what.seed = o.seed >= 0 ? (unsigned long)o.seed : (unsigned long)time(NULL);
    o.what.n_refit = o.n_refit >= 0 ? (size_t)o.n_refit : o.what.all ? REFITS_OF_ALL : USUAL_REFITS;
    start_mpi(&c.rank);
    cev_status status = cev_job_verify(MPI_COMM_WORLD, &c.job, &o.what, &r);
    if (c.rank == 0) status = explain_no_map(status, o.what.file);
    int code = status != CEV_OK ? exit_code_of(status) : r.sound ? EXIT_COMPLETE : EXIT_POINTS_FAILED;
    if (status != CEV_OK && c.rank == 0) report_error(status);
    if (status == CEV_OK && c.rank == 0 && o.json) print_as_json(&r);
    if (status == CEV_OK && c.rank == 0 && !o.json) print_as_text(&o, &r);
    cev_verify_result_free(&r);
    return end_mpi(code);
}
