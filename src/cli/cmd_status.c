/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cevscan/map.h"
#include "best_fits.h"
#include "command.h"
#include "map_guard.h"

static const char doc[] = "Progress and health of a map, also while a job writes it.\v"
                          "Example: cevscan status results/ess_csi.h5";

typedef struct status_options {
    const char *file;
    bool json, trying;
} status_options;

enum { OPTION_TRY = 256 };

static const struct argp_option options[] = {{"json", 'j', NULL, 0, "print JSON", 0},
                                              {"try", OPTION_TRY, NULL, OPTION_HIDDEN, "be the process that tries a map", 0},
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

static void print_text(const char *path, const cev_map_info *info)
{
    const cev_map_progress *p = &info->progress;
    printf("%s: %s, %s\n", path, text_of(info, "title"), p->complete ? "complete" : "unfinished");
    printf("axes");
    for (size_t a = 0; a < info->n_axis; a++) printf("%s %s (%zu)", a ? "," : "", info->axis_name[a], info->axis_points[a]);
    printf("\ntiles %zu of %zu done (%.1f %%)\n", info->n_tile_done, info->n_tile, 100.0 * (double)info->n_tile_done / (double)info->n_tile);
    printf("points %llu:", (unsigned long long)info->n_point);
    for (int s = 0; s <= CEV_N_POINT_STATUSES; s++)
        if (info->status_count[s]) printf(" %llu %s", (unsigned long long)info->status_count[s], cev_point_status_name(s));
    printf("\nsessions %d, the last with %d rank%s x %d thread%s, started %s, last sign of life %.0f s ago\n", p->sessions,
           p->ranks, p->ranks == 1 ? "" : "s", p->threads, p->threads == 1 ? "" : "s", p->start,
           (double)time(NULL) - p->heartbeat);
    printf("wall time %.3g s, program %s (%s)\n", p->wall_time_s, text_of(info, "program_version"), text_of(info, "git_commit"));
    printf("configuration hash %s\n", text_of(info, "configuration_hash"));
    if (!p->complete) return;
    print_best_fits(p, info->n_member, info->n_axis, info->axis_name, info->member_name);
    printf("content hash %s\n", p->content_hash);
}

static void print_as_json(const cev_map_info *info)
{
    const cev_map_progress *p = &info->progress;
    json_t *axes = json_array(), *points = json_object(), *texts = json_object();
    json_t *best = p->complete ? best_fit_json(p, info->n_member, info->n_axis, info->axis_name, info->member_name) : json_object();
    for (size_t a = 0; a < info->n_axis; a++)
        json_array_append_new(axes, json_pack("{s:o, s:I}", "name", json_text(info->axis_name[a]), "points", (json_int_t)info->axis_points[a]));
    for (int s = 0; s <= CEV_N_POINT_STATUSES; s++)
        json_object_set_new(points, cev_point_status_name(s), json_integer((json_int_t)info->status_count[s]));
    for (size_t k = 0; k < info->n_text; k++) json_object_set_new(texts, info->text[k].name, json_text(info->text[k].value));
    json_object_del(texts, "configuration");
    print_json(json_pack("{s:b, s:I, s:I, s:o, s:I, s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "complete",
                         p->complete, "tiles", (json_int_t)info->n_tile, "tiles_done", (json_int_t)info->n_tile_done, "axes",
                         axes, "points", (json_int_t)info->n_point, "point_status", points, "sessions", p->sessions, "ranks",
                         p->ranks, "threads", p->threads, "start", json_text(p->start), "end", json_text(p->end), "heartbeat",
                         json_number(p->heartbeat), "wall_time_s", json_number(p->wall_time_s), "best_fit", best, "best_fit_chi2",
                         p->complete ? json_number(lowest_best_fit(p, info->n_member)) : json_null(), "content_hash", json_text(p->content_hash),
                         "attributes", texts));
}

int command_status(int argc, char **argv)
{
    status_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "MAP.h5", .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    cev_map_info *info;
    if (o.trying) prepare_to_be_killed(o.file);
    cev_status status = o.trying ? cev_map_inspect(o.file, &info) : inspect_guarded(o.file, &info);
    if (status != CEV_OK) return report_error(status);
    if (o.json)
        print_as_json(info);
    else
        print_text(o.file, info);
    bool failed = info->progress.complete && info->progress.points_failed > 0;
    cev_map_info_destroy(&info);
    return failed && !o.trying ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}
