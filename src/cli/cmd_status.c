/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cevscan/map.h"
#include "command.h"
#include "job_options.h"
#include "map_guard.h"
#include "profiled_text.h"
#include "file_kind.h"
#include "usage.h"

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
        if (o->file) usage_error(state, "more than one map: %s", argument);
        o->file = argument;
        break;
    case ARGP_KEY_NO_ARGS: usage_error(state, "give a map"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const char *text_of(const cev_map_info *info, const char *name)
{
    const char *text = cev_map_info_text(info, name);
    return text ? text : "";
}

/* Texts come from strangers' files. */
static void print_text(const char *before, const char *text, const char *after)
{
    printf("%s", before);
    print_plain(stdout, text);
    printf("%s", after);
}

/* Clocks are set, and those of two hosts differ: an age below zero is told as what it is. */
static void print_age(double age_s)
{
    const double of_clocks_s = 2;
    if (age_s >= -of_clocks_s)
        printf(", last sign of life %.0f s ago", age_s > 0 ? age_s : 0);
    else
        printf(", last sign of life %.0f s in the future: this clock was set back since, or is not that of the job's "
               "host",
               -age_s);
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
    printf("\nsessions %d, the last with %d rank%s x %d thread%s, ", p->sessions, p->ranks, p->ranks == 1 ? "" : "s",
           p->threads, p->threads == 1 ? "" : "s");
    print_text("started ", p->start, "");
    print_age((double)time(NULL) - p->heartbeat);
    printf("\nwall time %.3g s, ", p->wall_time_s);
    print_text("program ", text_of(info, "program_version"), " (");
    print_text("", text_of(info, "git_commit"), ")\n");
}

/* Of a scan: where it was looked, and what was found. */
static void print_scan(const cev_map_info *info, const cev_job_result *r)
{
    const cev_space_info *s = &info->space[0];
    printf("axes");
    for (size_t a = 0; a < s->n_axis; a++) {
        print_text(a ? ", " : " ", s->axis_name[a], "");
        printf(" (%zu)", s->axis_points[a]);
    }
    print_text("\nconfiguration hash ", text_of(info, "configuration_hash"), "\n");
    if (info->progress.complete) print_best_fits(r);
}

/* Of a study: which spaces are behind. */
static void print_spaces(const cev_map_info *info)
{
    printf("%zu maps in %zu spaces\n", info->n_map, info->n_space);
    for (size_t k = 0; k < info->n_space && !info->progress.complete; k++)
        if (info->space[k].n_tile_done < info->space[k].n_tile) {
            print_text("  ", info->space[k].name, ": ");
            printf("%zu of %zu tiles\n", info->space[k].n_tile_done, info->space[k].n_tile);
        }
}

static void print_as_text(const char *path, const cev_map_info *info, const cev_job_result *r)
{
    printf("%s: ", path);
    print_text("", text_of(info, "title"), "");
    printf(", %s\n", info->progress.complete ? "complete" : "unfinished");
    print_amounts(info);
    if (info->is_study)
        print_spaces(info);
    else
        print_scan(info, r);
    print_minimised_of_file(info);
    if (!info->description_intact) printf("warning: its description does not have its hash: see cevscan verify\n");
    if (!info->results_intact) printf("warning: its best fits do not have their hash: see cevscan verify\n");
    if (info->progress.complete) print_text("content hash ", info->progress.content_hash, "\n");
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *counts_json(const uint64_t *count)
{
    json_t *points = json_object();
    for (int s = 0; s <= CEV_N_POINT_STATUSES; s++)
        json_object_set_new(points, cev_point_status_name(s), json_integer((json_int_t)count[s]));
    return points;
}

static json_t *whole_json(const cev_map_info *info)
{
    const cev_map_progress *p = &info->progress;
    json_t *texts = json_object();
    for (size_t k = 0; k < info->n_text; k++)
        json_object_set_new(texts, info->text[k].name, json_text(info->text[k].value));
    json_object_del(texts, "configuration");
    return json_pack("{s:b, s:I, s:I, s:I, s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "complete",
                     p->complete, "tiles", (json_int_t)info->n_tile, "tiles_done", (json_int_t)info->n_tile_done,
                     "points", (json_int_t)info->n_point, "point_status", counts_json(info->status_count), "sessions",
                     p->sessions, "ranks", p->ranks, "threads", p->threads, "start", json_text(p->start), "end",
                     json_text(p->end), "heartbeat", json_number(p->heartbeat), "wall_time_s",
                     json_number(p->wall_time_s), "content_hash", json_text(p->content_hash), "description_intact",
                     info->description_intact, "attributes", texts);
}

static void add_scan_json(json_t *json, const cev_map_info *info, const cev_job_result *r)
{
    const cev_space_info *s = &info->space[0];
    json_t *axes = json_array();
    for (size_t a = 0; a < s->n_axis; a++)
        json_array_append_new(axes, json_pack("{s:o, s:I}", "name", json_text(s->axis_name[a]), "points",
                                              (json_int_t)s->axis_points[a]));
    json_object_set_new(json, "axes", axes);
    json_object_set_new(json, "best_fit", info->progress.complete ? best_fits_json(r) : json_object());
    json_object_set_new(json, "best_fit_chi2", info->progress.complete ? json_number(lowest_best_fit(r)) : json_null());
}

static json_t *map_json(const cev_map_info *info, const cev_space_info *s, size_t m)
{
    char name[1024];
    snprintf(name, sizeof name, "%s/%s", s->name, s->map_name[m]);
    return json_pack("{s:o, s:b, s:I, s:o, s:I, s:I, s:I, s:o}", "name", json_text(name), "complete",
                     info->progress.complete, "points", (json_int_t)s->n_point, "point_status",
                     counts_json(s->status_count[m]), "points_failed", (json_int_t)s->results.points_failed[m], "tiles",
                     (json_int_t)s->n_tile, "tiles_done", (json_int_t)s->n_tile_done, "content_hash",
                     json_text(s->results.content_hash[m]));
}

static void add_study_json(json_t *json, const cev_map_info *info)
{
    json_t *maps = json_array();
    for (size_t k = 0; k < info->n_space; k++)
        for (size_t m = 0; m < info->space[k].n_map; m++)
            json_array_append_new(maps, map_json(info, &info->space[k], m));
    json_object_set_new(json, "study", json_text(text_of(info, "study")));
    json_object_set_new(json, "maps", maps);
}

static void print_as_json(const cev_map_info *info, const cev_job_result *r)
{
    json_t *json = whole_json(info);
    if (info->is_study)
        add_study_json(json, info);
    else
        add_scan_json(json, info, r);
    json_t *profiled = minimised_of_file_json(info);
    if (profiled) json_object_set_new(json, "profiled", profiled);
    print_json(json);
}

/* --- the command ------------------------------------------------------------------------------------------------ */

static int print_status(const status_options *o, const cev_map_info *info)
{
    cev_job_result r = {0};
    cev_status status = info->is_study ? CEV_OK : cev_job_read_results(info, &r);
    if (status == CEV_OK) {
        if (o->json)
            print_as_json(info, &r);
        else
            print_as_text(o->file, info, &r);
    }
    cev_job_result_free(&r);
    if (status != CEV_OK) return report_error(cev_fail_while(status, "%s", o->file));
    return info->progress.complete && info->progress.points_failed ? EXIT_POINTS_FAILED : EXIT_COMPLETE;
}

int command_status(int argc, char **argv)
{
    status_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "FILE.h5", .doc = doc};
    parse_arguments(&argp, argc, argv, &o);
    cev_map_info *info = NULL;
    cev_status status = CEV_OK;
    if (o.trying)
        prepare_to_be_killed(o.file);
    else
        status = try_guarded(o.file);
    if (status == CEV_OK) status = cev_map_inspect(o.file, &info);
    if (status == CEV_OK && o.trying) status = cev_map_try(o.file);
    if (!o.trying) status = explain_no_map(status, o.file);
    int code = status != CEV_OK ? report_error(status) : o.trying ? EXIT_COMPLETE : print_status(&o, info);
    cev_map_info_destroy(&info);
    return code;
}
