/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cevscan/map.h"
#include "best_fits.h"
#include "command.h"
#include "map_guard.h"

static const char doc[] = "Progress and health of a map or study, also while a job writes it.\v"
                          "Example: cevscan status results/ess_csi.h5";

typedef struct status_options {
    const char *file;
    bool json, trying;
} status_options;

enum { OPTION_TRY = 256 };

static const struct argp_option options[] = {{"json", 'j', NULL, 0, "print JSON", 0},
                                             {"try", OPTION_TRY, NULL, OPTION_HIDDEN, "be the process that tries a map",
                                              0},
                                             {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    status_options *o = state->input;
    switch (key) {
    case 'j': o->json = true; break;
    case OPTION_TRY: o->trying = true; break;
    case ARGP_KEY_ARG:
        if (o->file) argp_error(state, "more than one map: %s", argument);
        o->file = argument;
        break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which map?"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const char *text_of(const cev_map_info *info, const char *name)
{
    const char *text = cev_map_info_text(info, name);
    return text ? text : "";
}

static void print_amounts(const cev_map_info *info)
{
    const cev_map_progress *p = &info->progress;
    printf("tiles %zu of %zu done (%.1f %%)\n", info->n_tile_done, info->n_tile,
           100.0 * (double)info->n_tile_done / (double)info->n_tile);
    printf("points %llu:", (unsigned long long)info->n_point);
    for (int s = 0; s <= CEV_N_POINT_STATUSES; s++)
        if (info->status_count[s])
            printf(" %llu %s", (unsigned long long)info->status_count[s], cev_point_status_name(s));
    printf("\nsessions %d, the last with %d rank%s x %d thread%s, started %s, last sign of life %.0f s ago\n",
           p->sessions, p->ranks, p->ranks == 1 ? "" : "s", p->threads, p->threads == 1 ? "" : "s", p->start,
           (double)time(NULL) - p->heartbeat);
    printf("wall time %.3g s, program %s (%s)\n", p->wall_time_s, text_of(info, "program_version"),
           text_of(info, "git_commit"));
}

static void print_text(const char *path, const cev_map_info *info)
{
    const cev_map_progress *p = &info->progress;
    printf("%s: %s, %s\n", path, text_of(info, "title"), p->complete ? "complete" : "unfinished");
    printf("axes");
    for (size_t a = 0; a < info->n_axis; a++)
        printf("%s %s (%zu)", a ? "," : "", info->axis_name[a], info->axis_points[a]);
    printf("\n");
    print_amounts(info);
    printf("configuration hash %s\n", text_of(info, "configuration_hash"));
    if (!p->complete) return;
    print_best_fits(p, info->n_member, info->n_axis, info->axis_name, info->member_name);
    printf("content hash %s\n", p->content_hash);
}

static void print_as_json(const cev_map_info *info)
{
    const cev_map_progress *p = &info->progress;
    json_t *axes = json_array(), *points = json_object(), *texts = json_object();
    json_t *best = p->complete ? best_fit_json(p, info->n_member, info->n_axis, info->axis_name, info->member_name)
                               : json_object();
    for (size_t a = 0; a < info->n_axis; a++)
        json_array_append_new(axes, json_pack("{s:o, s:I}", "name", json_text(info->axis_name[a]), "points",
                                              (json_int_t)info->axis_points[a]));
    for (int s = 0; s <= CEV_N_POINT_STATUSES; s++)
        json_object_set_new(points, cev_point_status_name(s), json_integer((json_int_t)info->status_count[s]));
    for (size_t k = 0; k < info->n_text; k++)
        json_object_set_new(texts, info->text[k].name, json_text(info->text[k].value));
    json_object_del(texts, "configuration");
    print_json(json_pack("{s:b, s:I, s:I, s:o, s:I, s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                         "complete", p->complete, "tiles", (json_int_t)info->n_tile, "tiles_done",
                         (json_int_t)info->n_tile_done, "axes", axes, "points", (json_int_t)info->n_point,
                         "point_status", points, "sessions", p->sessions, "ranks", p->ranks, "threads", p->threads,
                         "start", json_text(p->start), "end", json_text(p->end), "heartbeat", json_number(p->heartbeat),
                         "wall_time_s", json_number(p->wall_time_s), "best_fit", best, "best_fit_chi2",
                         p->complete ? json_number(lowest_best_fit(p, info->n_member)) : json_null(), "content_hash",
                         json_text(p->content_hash), "attributes", texts));
}

/* --- studies ---------------------------------------------------------------------------------------------------- */

static void print_study(const char *path, const cev_study_info *study)
{
    const cev_map_info *info = study->file;
    const cev_map_progress *p = &info->progress;
    size_t n_complete = 0;
    for (size_t m = 0; m < study->n_map; m++) n_complete += study->map[m]->progress.complete;
    printf("%s: %s, %s\n%zu maps, %zu complete\n", path, text_of(info, "title"),
           p->complete ? "complete" : "unfinished", study->n_map, n_complete);
    print_amounts(info);
    for (size_t m = 0; m < study->n_map && !p->complete; m++) {
        const cev_map_info *map = study->map[m];
        if (map->n_tile_done < map->n_tile)
            printf("  %s: %zu of %zu tiles\n", study->name[m], map->n_tile_done, map->n_tile);
    }
    if (p->complete) printf("content hash %s\n", p->content_hash);
}

static json_t *map_json(const char *name, const cev_map_info *map)
{
    return json_pack("{s:o, s:b, s:I, s:I, s:I, s:I, s:o, s:o}", "name", json_text(name), "complete",
                     map->progress.complete, "points", (json_int_t)map->n_point, "points_failed",
                     (json_int_t)map->progress.points_failed, "tiles", (json_int_t)map->n_tile, "tiles_done",
                     (json_int_t)map->n_tile_done, "experiments", json_text(text_of(map, "experiments")),
                     "content_hash", json_text(map->progress.content_hash));
}

static void print_study_as_json(const cev_study_info *study)
{
    const cev_map_info *info = study->file;
    const cev_map_progress *p = &info->progress;
    json_t *maps = json_array();
    for (size_t m = 0; m < study->n_map; m++) json_array_append_new(maps, map_json(study->name[m], study->map[m]));
    print_json(json_pack("{s:o, s:b, s:I, s:I, s:I, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "study",
                         json_text(text_of(info, "study")), "complete", p->complete, "tiles", (json_int_t)info->n_tile,
                         "tiles_done", (json_int_t)info->n_tile_done, "points", (json_int_t)info->n_point, "sessions",
                         p->sessions, "ranks", p->ranks, "threads", p->threads, "start", json_text(p->start), "end",
                         json_text(p->end), "heartbeat", json_number(p->heartbeat), "wall_time_s",
                         json_number(p->wall_time_s), "content_hash", json_text(p->content_hash), "maps", maps));
}

static int status_of_study(const status_options *o)
{
    cev_study_info *study;
    cev_status status = cev_study_inspect(o->file, &study);
    if (status != CEV_OK) return report_error(status);
    if (o->json)
        print_study_as_json(study);
    else
        print_study(o->file, study);
    bool failed = study->file->progress.complete && study->file->progress.points_failed > 0;
    cev_study_info_destroy(&study);
    return failed && !o->trying ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}

int command_status(int argc, char **argv)
{
    status_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "MAP.h5", .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    cev_map_info *info;
    cev_status status = CEV_OK;
    if (o.trying)
        prepare_to_be_killed(o.file);
    else
        status = try_guarded(o.file);
    if (status == CEV_OK && cev_is_study(o.file)) return status_of_study(&o);
    if (status == CEV_OK) status = cev_map_inspect(o.file, &info);
    if (status != CEV_OK) return report_error(status);
    if (o.json)
        print_as_json(info);
    else
        print_text(o.file, info);
    bool failed = info->progress.complete && info->progress.points_failed > 0;
    cev_map_info_destroy(&info);
    return failed && !o.trying ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}
