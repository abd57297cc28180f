/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "map_guard.h"
#include "output_place.h"
#include "scan_run.h"

static const char doc[] = "Checks a map: its structure and axes, the digest of every finished tile, what a complete "
                          "map says of the whole (best fit, failed "
                          "points, content hash), and a random 1 % of the tiles (at least one), or all of them, "
                          "against a new computation, bit by bit.\v"
                          "Exit codes: 0 the map is sound; 1 it is not, each tile or part that differs is named; 2 it "
                          "is no map, or not of this program; 74 it cannot be read.\n\n"
                          "Example: cevscan verify --all results/ess_csi.h5";

typedef struct verify_options {
    const char *file;
    bool all, repair, json;
    int seed; /* negative: from the clock */
} verify_options;

static const struct argp_option options[] = {
    {"all", 'a', NULL, 0, "recompute every tile", 0},
    {"repair", 'r', NULL, 0, "mark what differs as not done: `cevscan run` then computes it anew", 0},
    {"seed", 's', "N", 0, "of the random choice of tiles (default: from the clock)", 0},
    {"json", 'j', NULL, 0, "print JSON", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    verify_options *o = state->input;
    switch (key) {
    case 'a': o->all = true; break;
    case 'r': o->repair = true; break;
    case 'j': o->json = true; break;
    case 's':
        if (!parse_whole(argument, 0, 2000000000, &o->seed))
            argp_error(state, "--seed %s: expected a whole number", argument);
        break;
    case ARGP_KEY_ARG:
        if (o->file) argp_error(state, "more than one map: %s", argument);
        o->file = argument;
        break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which map?"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

typedef enum verdict { VERDICT_UNSEEN, VERDICT_SOUND, VERDICT_DAMAGED, VERDICT_DIFFERENT } verdict;

/* Parts of a map that belong to no tile. */
typedef enum part { PART_AXES, PART_BEST_FIT, PART_POINTS_FAILED, PART_CONTENT_HASH, N_PARTS } part;
static const char *const part_name[N_PARTS] = {"axes", "best fit", "number of failed points", "content hash"};

typedef struct verification {
    const verify_options *options;
    scan_run run;
    cev_map_info *info;
    unsigned char *verdict; /* [n_tile] */
    bool *chosen;           /* [n_tile], to be recomputed */
    bool same_numerics;     /* this program computes what the map's did */
    scan_lowest low;        /* of the map's tiles */
    bool wrong[N_PARTS];
    size_t n_recomputed, n_bad, n_wrong;
} verification;

static cev_status compare_identity(verification *v)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&v->run.config->identity, identity);
    const char *stored = cev_map_info_text(v->info, "configuration_hash");
    v->same_numerics = stored && !strcmp(stored, identity);
    if (!v->same_numerics && v->options->all)
        return cev_fail(CEV_E_INPUT,
                        "%s: its configuration hash is not that of its configuration: it was changed, or computed by a "
                        "version with other numbers; it cannot be recomputed",
                        v->options->file);
    return CEV_OK;
}

static cev_status choose_tiles(verification *v)
{
    gsl_rng *random = gsl_rng_alloc(gsl_rng_taus2);
    if (!random) return cev_fail(CEV_E_MEMORY, "out of memory");
    gsl_rng_set(random, v->options->seed >= 0 ? (unsigned long)v->options->seed : (unsigned long)time(NULL));
    size_t left = v->info->n_tile_done,
           wanted = v->options->all ? v->info->n_tile_done : (v->info->n_tile_done + 99) / 100;
    /* Each of the finished tiles has the same chance, and exactly so many as wanted are drawn. */
    for (size_t t = 0; t < v->info->n_tile && v->same_numerics; t++) {
        if (!v->info->done[t]) continue;
        v->chosen[t] = gsl_rng_uniform(random) * (double)left < (double)wanted;
        wanted -= v->chosen[t];
        left--;
    }
    gsl_rng_free(random);
    return CEV_OK;
}

static cev_status judge(verification *v, size_t id)
{
    scan_run *run = &v->run;
    cev_tile tile = cev_grid_tile(&run->config->grid, id);
    size_t member = cev_grid_member_of_tile(&run->config->grid, &tile);
    const double *reference = v->info->progress.complete ? &v->info->progress.chi2_reference[member] : NULL;
    cev_digest stored, fresh;
    bool intact;
    CEV_TRY(cev_map_read_tile(run->map, &tile, run->chi2, run->status, run->pull, reference, &intact));
    run->tile = tile;
    scan_run_note_tile(run, &v->low);
    v->verdict[id] = intact ? VERDICT_SOUND : VERDICT_DAMAGED;
    if (!intact || !v->chosen[id]) return CEV_OK;
    cev_tile_results results = {.chi2 = run->chi2, .status = run->status, .pull = run->pull};
    CEV_TRY(cev_tile_digest(&tile, run->n_pull, &results, &stored));
    scan_run_compute(run, id);
    CEV_TRY(cev_tile_digest(&tile, run->n_pull, &results, &fresh));
    if (memcmp(stored.byte, fresh.byte, sizeof fresh.byte)) v->verdict[id] = VERDICT_DIFFERENT;
    v->n_recomputed++;
    return CEV_OK;
}

static cev_status judge_all(verification *v)
{
    for (size_t t = 0; t < v->info->n_tile; t++) {
        if (!v->info->done[t]) continue;
        CEV_TRY(judge(v, t));
        v->n_bad += v->verdict[t] != VERDICT_SOUND;
    }
    return CEV_OK;
}

static bool is_close(double a, double b)
{
    return fabs(a - b) <= 1e-7 * (1 + fabs(b));
}

static cev_status check_axes(verification *v)
{
    for (size_t a = 0; a < v->info->n_axis; a++) {
        bool intact;
        CEV_TRY(cev_map_check_axis(v->run.map, a, &intact));
        v->wrong[PART_AXES] |= !intact;
    }
    return CEV_OK;
}

/* chi2 at the best fit that the map names for a member, rather than its place: where chi2 is flat, libraries of other
 * hosts find another. */
static cev_status check_best_fit_of(verification *v, size_t member)
{
    scan_run *run = &v->run;
    const cev_map_progress *said = &v->info->progress, *right = &run->progress;
    const double *at = said->best_fit + member * v->info->n_axis;
    double theta[CEV_MAX_MODEL_PARAMETERS];
    cev_point_report report;
    cev_scan_job_theta_at(&run->job, member, at, theta);
    cev_model_fold(run->model, theta);
    CEV_TRY(cev_model_explain(run->config->arena, run->model, &run->data, theta, &report));
    v->wrong[PART_BEST_FIT] |= !is_close(said->chi2_reference[member], right->chi2_reference[member]) ||
                               !is_close(said->best_fit_chi2[member], right->best_fit_chi2[member]) ||
                               !is_close(report.chi2, said->best_fit_chi2[member]);
    return CEV_OK;
}

static cev_status check_best_fits(verification *v)
{
    bool any;
    CEV_TRY(scan_run_take_over(&v->run, &v->low, &any));
    for (size_t m = 0; m < v->info->n_member; m++) CEV_TRY(check_best_fit_of(v, m));
    return CEV_OK;
}

/* What a complete map says of all its tiles. The digests have a digest, too. */
static cev_status check_whole(verification *v)
{
    char hash[CEV_DIGEST_TEXT_SIZE];
    if (!v->info->progress.complete) return CEV_OK;
    CEV_TRY(cev_map_content_hash(v->run.map, hash));
    v->wrong[PART_CONTENT_HASH] = strcmp(hash, v->info->progress.content_hash) != 0;
    v->wrong[PART_POINTS_FAILED] = v->low.failed != v->info->progress.points_failed;
    return v->same_numerics ? check_best_fits(v) : CEV_OK;
}

static cev_status repair(verification *v)
{
    scan_run *run = &v->run;
    CEV_TRY(cev_map_close(&run->map));
    CEV_TRY(output_place_resolve(v->options->file, &run->map_path));
    CEV_TRY(output_place_check_owner(run->map_path));
    CEV_TRY(cev_map_lock_take(run->map_path, &run->lock));
    CEV_TRY(cev_map_open(run->map_path, CEV_MAP_WRITE, MPI_COMM_WORLD, &run->config->grid, run->n_pull,
                         run->config->pull_name, &run->map));
    cev_map_progress progress = v->info->progress;
    progress.complete = false;
    progress.content_hash[0] = '\0';
    CEV_TRY(cev_map_write_progress(run->map, &progress));
    for (size_t a = 0; v->wrong[PART_AXES] && a < v->info->n_axis; a++) CEV_TRY(cev_map_write_axis(run->map, a));
    for (size_t t = 0; t < v->info->n_tile; t++) {
        if (v->verdict[t] != VERDICT_DAMAGED && v->verdict[t] != VERDICT_DIFFERENT) continue;
        cev_tile tile = cev_grid_tile(&run->config->grid, t);
        CEV_TRY(cev_map_forget_tile(run->map, &tile));
    }
    return CEV_OK;
}

static void print_tiles(const verification *v)
{
    for (size_t t = 0; t < v->info->n_tile; t++) {
        if (v->verdict[t] != VERDICT_DAMAGED && v->verdict[t] != VERDICT_DIFFERENT) continue;
        cev_tile tile = cev_grid_tile(&v->run.config->grid, t);
        printf("tile %zu, points", t);
        for (size_t a = 0; a < v->info->n_axis; a++)
            printf("%s%zu..%zu", a ? " x " : " ", tile.origin[a], tile.origin[a] + tile.extent[a] - 1);
        printf(": %s\n", v->verdict[t] == VERDICT_DAMAGED ? "damaged: its data do not have their digest"
                                                          : "different from what this program computes");
    }
}

static json_t *tiles_json(const verification *v, verdict which)
{
    json_t *tiles = json_array();
    for (size_t t = 0; t < v->info->n_tile; t++)
        if (v->verdict[t] == which) json_array_append_new(tiles, json_integer((json_int_t)t));
    return tiles;
}

static json_t *parts_json(const verification *v)
{
    json_t *parts = json_array();
    for (int p = 0; p < N_PARTS; p++)
        if (v->wrong[p]) json_array_append_new(parts, json_string(part_name[p]));
    return parts;
}

static void print_result(const verification *v)
{
    const verify_options *o = v->options;
    bool sound = v->n_bad == 0 && v->n_wrong == 0;
    if (o->json) {
        print_json(json_pack("{s:b, s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:b}", "sound", sound, "tiles",
                             (json_int_t)v->info->n_tile, "tiles_done", (json_int_t)v->info->n_tile_done,
                             "tiles_recomputed", (json_int_t)v->n_recomputed, "content_hash_right",
                             !v->wrong[PART_CONTENT_HASH], "damaged", tiles_json(v, VERDICT_DAMAGED), "different",
                             tiles_json(v, VERDICT_DIFFERENT), "wrong", parts_json(v), "repaired",
                             o->repair && !sound));
        return;
    }
    print_tiles(v);
    for (int p = 0; p < N_PARTS; p++)
        if (v->wrong[p]) printf("wrong for these tiles: %s\n", part_name[p]);
    if (!v->same_numerics) printf("note: of another version of the numbers, or changed: nothing was recomputed\n");
    printf("%s: %zu of %zu tiles done, all digests checked, %zu recomputed: %s\n", o->file, v->info->n_tile_done,
           v->info->n_tile, v->n_recomputed, sound ? "sound" : "NOT SOUND");
    if (o->repair && !sound) printf("%zu tiles and the end of the scan are marked for `cevscan run`\n", v->n_bad);
}

static cev_status verify(verification *v)
{
    scan_run *run = &v->run;
    CEV_TRY(inspect_guarded(v->options->file, &v->info));
    CEV_TRY(scan_run_adopt(run, v->options->file, v->info));
    CEV_TRY(compare_identity(v));
    CEV_TRY(cev_new(run->config->arena, v->info->n_tile, &v->verdict));
    CEV_TRY(cev_new(run->config->arena, v->info->n_tile, &v->chosen));
    CEV_TRY(choose_tiles(v));
    CEV_TRY(cev_map_open(v->options->file, CEV_MAP_READ, MPI_COMM_WORLD, &run->config->grid, run->n_pull,
                         run->config->pull_name, &run->map));
    CEV_TRY(check_axes(v));
    CEV_TRY(judge_all(v));
    CEV_TRY(check_whole(v));
    for (int p = 0; p < N_PARTS; p++) v->n_wrong += v->wrong[p];
    if (v->options->repair && v->n_bad + v->n_wrong) CEV_TRY(repair(v));
    print_result(v);
    return cev_map_close(&run->map);
}

int command_verify(int argc, char **argv)
{
    verify_options o = {.seed = -1};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "MAP.h5", .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    const run_options as_run = {.job = {.output = o.file, .quiet = true, .time_limit_s = INFINITY}};
    verification v = {.options = &o, .low = scan_lowest_none(), .run = {.options = &as_run}};
    job_start_mpi(&v.run.rank);
    cev_status status = verify(&v);
    int code = status != CEV_OK ? report_error(status) : v.n_bad + v.n_wrong ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
    cev_map_info_destroy(&v.info);
    return scan_run_end_mpi(&v.run, code);
}
