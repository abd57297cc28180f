/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assumptions.h"
#include "command.h"
#include "job_options.h"
#include "file_kind.h"
#include "roles.h"
#include "usage.h"

static const char doc[] =
    "Validates a scan or study file and everything that it names, and shows what it stands for, the number of points, "
    "and what "
    "they would take: a little of it is computed to know. Creates nothing.\v"
    "With --json, `resolved` is the file with every experiment file put in its place: itself a valid scan or study "
    "file. With "
    "--map, the scan file of one map of a study is printed, which `cevscan run` turns into the same map.\n\n"
    "Example: cevscan check configs/scans/ess_csi_si.yaml";

typedef struct check_options {
    const char *file, *map;
    bool json;
} check_options;

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "print JSON", 0},
    {"map", 'm', "SPACE/SET", 0, "print the scan file of one map of a study", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    check_options *o = state->input;
    switch (key) {
    case 'j': o->json = true; break;
    case 'm': o->map = argument; break;
    case ARGP_KEY_ARG:
        if (o->file) usage_error(state, "more than one scan file: %s", argument);
        o->file = argument;
        break;
    case ARGP_KEY_NO_ARGS: usage_error(state, "give a scan file or a study file"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* What an experiment was made from, and whether its numbers are its own. */
static void print_origin(const cev_experiment *x)
{
    if (x->stands_on) printf("    %s\n", x->stands_on);
    if (x->surrogate) printf("    %s is a surrogate: ", x->name);
    if (x->surrogate) print_plain(stdout, x->surrogate);
    if (x->surrogate) printf("\n");
}

static void print_experiments(const cev_scan_config *c)
{
    for (size_t e = 0; e < c->n_experiment; e++) {
        const cev_experiment *x = c->experiment[e];
        printf("  %-16s ", x->name);
        char bins[CEV_BIN_NAME_SIZE];
        cev_bins_in_words(x, bins, sizeof bins);
        print_plain(stdout, x->title);
        printf("\n    %s on %g kg, form factor %s, response %s, %s\n", x->source.kind->card.name, x->target.mass_kg,
               x->target.form_factor.kind->card.name, x->response.kind->card.name, bins);
        print_origin(x);
        for (size_t p = 0; p < x->n_pull; p++) {
            size_t users = 0;
            for (size_t k = 0; k < c->n_experiment; k++)
                for (size_t q = 0; q < c->experiment[k]->n_pull; q++)
                    users += !strcmp(c->experiment[k]->pull[q].name, x->pull[p].name);
            char words[CEV_PULL_WORDS_SIZE];
            cev_pull_in_words(x, &x->pull[p], words, sizeof words);
            printf("    pull %s, %s%s\n", x->pull[p].name, words, users > 1 ? ", shared" : "");
        }
    }
}

/* Everything that the standard model depends on, said or not; a study scans now one, now another. */
static void print_fixed(const cev_scan_config *c, bool is_scan)
{
    bool scanned[CEV_MAX_THETA];
    char text[1024];
    mark_scanned(c, scanned);
    fixed_values_text(c->interaction, c->theta, is_scan ? scanned : NULL, text, sizeof text);
    printf("  fixed: %s\n", text);
}

/* Names come from files. */
static void print_plain_lines(const char *text)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        char line[2048];
        end = text + strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(end - text), text);
        print_plain(stdout, line);
        printf("\n");
    }
}

static cev_status print_parameters(cev_arena *arena, const cev_scan_config *c)
{
    const char *roles;
    for (size_t a = 0; a < c->grid.n_axis; a++) {
        const cev_axis *axis = &c->grid.axis[a];
        if (axis->label) {
            printf("  %-16s each of", axis->name);
            for (size_t k = 0; k < axis->n; k++) printf(" %s", axis->label[k]);
            printf("\n");
            continue;
        }
        printf("  %-16s %zu points from %g to %g, %s\n", axis->name, axis->n, axis->value[0], axis->value[axis->n - 1],
               cev_scale_names[axis->scale]);
    }
    CEV_TRY(roles_text(arena, c, &roles));
    print_plain_lines(roles);
    print_fixed(c, true);
    return CEV_OK;
}

static void print_data(const cev_scan_config *c)
{
    char text[1024];
    data_text(c, text, sizeof text);
    printf("\ndata %s\n", text);
}

/* --- what it would take ----------------------------------------------------------------------------------------- */

static void print_cost(const cev_job_estimate *e)
{
    char all[64], folds[64], fits[64];
    print_duration(e->core_seconds, all, sizeof all);
    print_duration(e->fold_s, folds, sizeof folds);
    print_duration(e->fit_s, fits, sizeof fits);
    printf("file %.1f MB, memory %.0f MB a rank; on one core: %s (templates %s, best fits %s)\n", e->file_bytes / 1e6,
           e->memory_bytes / 1e6, all, folds, fits);
}

static void print_name(const cev_study_config *s)
{
    printf("%s ", s->is_scan ? "scan" : "study");
    print_plain(stdout, s->name);
    printf(": ");
    print_plain(stdout, s->title);
    printf("\n\n");
}

static void print_identity(const cev_study_config *s)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&s->identity, identity);
    printf("identity %s\n", identity);
}

/* --- a scan ----------------------------------------------------------------------------------------------------- */

static cev_status print_scan(const cev_study_config *s, const cev_job_estimate *e)
{
    const cev_scan_config *c = s->space[0].scan;
    size_t n_bin = 0;
    for (size_t k = 0; k < c->n_experiment; k++) n_bin += c->experiment[k]->bins.n_bin;
    print_name(s);
    printf("experiments\n");
    print_experiments(c);
    printf("\ninteraction %s: %s\n", c->interaction->card.name, c->interaction->card.title);
    CEV_TRY(print_parameters(s->arena, c));
    print_data(c);
    printf("points %llu in %zu tiles of %zu; %zu bins, %zu pulls%s%s\n", (unsigned long long)c->grid.n_point,
           c->grid.n_tile, cev_grid_points_of_whole_tile(&c->grid), n_bin, c->n_pull, s->store_pulls ? " (stored)" : "",
           s->store_profiled ? ", profiled parameters stored" : "");
    print_cost(e);
    return CEV_OK;
}

/* --- a study ---------------------------------------------------------------------------------------------------- */

/* The roles of the others where they are not those of the plane before. */
static cev_status print_roles(const cev_study_config *s, size_t k, const char **before)
{
    const char *roles;
    CEV_TRY(roles_text(s->arena, s->space[k].scan, &roles));
    if (*s->space[k].replaced) printf("    scanned here, in place of the study's role: %s\n", s->space[k].replaced);
    if (strcmp(roles, *before)) print_plain_lines(*roles ? roles : "  no other roles\n");
    *before = roles;
    return CEV_OK;
}

static cev_status print_spaces(const cev_study_config *s)
{
    const char *roles = "";
    for (size_t k = 0; k < s->n_space; k++) {
        const cev_grid *g = &s->space[k].scan->grid;
        printf("  %s:", s->space[k].name);
        for (size_t a = 0; a < g->n_axis; a++)
            printf("%s %zu points from %g to %g", a ? "," : "", g->axis[a].n, g->axis[a].value[0],
                   g->axis[a].value[g->axis[a].n - 1]);
        printf("; %zu tiles\n", g->n_tile);
        CEV_TRY(print_roles(s, k, &roles));
    }
    return CEV_OK;
}

static cev_status print_study(const cev_study_config *s, const cev_job_estimate *e)
{
    print_name(s);
    printf("%zu experiments:", s->n_experiment);
    for (size_t k = 0; k < s->n_experiment; k++) printf(" %s", s->experiment[k]->name);
    printf("\n");
    for (size_t k = 0; k < s->n_experiment; k++) print_origin(s->experiment[k]);
    printf("%zu sets", s->n_set);
    for (size_t k = 0; k < s->n_set; k++) printf("%s %s", k ? "," : ":", s->set[k].name);
    printf("\n");
    for (size_t f = 0; f < s->n_factor; f++) printf("factor %s\n", s->factor[f].words);
    CEV_TRY(print_spaces(s));
    printf("\ninteraction %s: %s\n", s->space[0].scan->interaction->card.name,
           s->space[0].scan->interaction->card.title);
    print_fixed(s->space[0].scan, false);
    print_data(s->space[0].scan);
    printf("\n%zu maps, %.0f points; %zu fits for each grid point%s%s\n", s->n_map, e->points, e->n_unit,
           s->store_pulls ? "; pulls are stored" : "", s->store_profiled ? "; profiled parameters are stored" : "");
    print_cost(e);
    return CEV_OK;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

static json_t *factors_json(const cev_study_config *s)
{
    json_t *list = json_array();
    for (size_t f = 0; f < s->n_factor; f++) {
        json_t *values = json_array();
        for (size_t k = 0; k < s->factor[f].n; k++) json_array_append_new(values, json_real(s->factor[f].value[k]));
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "name", s->factor[f].name, "label",
                                              json_text(s->factor[f].label), "values", values));
    }
    return list;
}

/* Of a study, by plane. */
static void put_roles(const cev_study_config *s, json_t *to)
{
    json_t *all = json_object();
    if (s->is_scan) {
        json_decref(all);
        all = roles_json(s->space[0].scan);
    }
    for (size_t k = 0; k < s->n_space && !s->is_scan; k++) {
        json_t *own = roles_json(s->space[k].scan);
        if (json_object_size(own)) json_object_set(all, s->space[k].name, own);
        json_decref(own);
    }
    json_object_set_new(to, "roles", all);
}

static void print_as_json(const cev_study_config *s, const cev_job_estimate *e, const cev_remarks *remarks)
{
    const cev_scan_config *first = s->space[0].scan;
    bool scanned[CEV_MAX_THETA];
    char identity[CEV_DIGEST_TEXT_SIZE];
    size_t n_tile = 0;
    json_t *maps = json_array();
    cev_digest_text(&s->identity, identity);
    for (size_t k = 0; k < s->n_space; k++) n_tile += s->space[k].scan->grid.n_tile;
    for (size_t m = 0; m < s->n_map && !s->is_scan; m++) json_array_append_new(maps, json_text(s->map[m].name));
    json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:s, s:o}", s->is_scan ? "scan" : "study",
                             s->name, "points", (json_int_t)e->points, "tiles", (json_int_t)n_tile, "fits_per_point",
                             (json_int_t)e->n_unit, "file_bytes", e->file_bytes, "memory_bytes", e->memory_bytes,
                             "core_seconds", e->core_seconds, "templates_s", e->fold_s, "best_fits_s", e->fit_s,
                             "identity", identity, "resolved", json_loads(s->resolved, 0, NULL));
    mark_scanned(first, scanned);
    json_object_set_new(json, "interaction",
                        interaction_json(first->interaction, first->theta, s->is_scan ? scanned : NULL));
    put_roles(s, json);
    json_object_set_new(json, "data", data_json(first));
    json_object_set_new(json, "remarks", remarks_json(remarks));
    if (s->is_scan) {
        json_decref(maps);
    } else {
        json_object_set_new(json, "sets", json_integer((json_int_t)s->n_set));
        json_object_set_new(json, "maps", maps);
        json_object_set_new(json, "factors", factors_json(s));
    }
    print_json(json);
}

static cev_status print_map(const cev_study_config *s, const char *name)
{
    size_t m = 0;
    cev_scan_config *scan;
    while (m < s->n_map && strcmp(s->map[m].name, name)) m++;
    if (m == s->n_map) return cev_fail(CEV_E_INPUT, "--map %s: no such map; see: cevscan check FILE --json", name);
    CEV_TRY(cev_study_scan(s, m, &scan));
    printf("%s\n", scan->resolved);
    cev_scan_config_destroy(&scan);
    return CEV_OK;
}

static cev_status check(const check_options *o, cev_study_config *s, job_command *c)
{
    cev_job_estimate e;
    cev_remarks remarks;
    if (s->space[0].scan->grid.n_axis == 0)
        return cev_fail(CEV_E_INPUT, "%s: no parameter is scanned; give one \"min\", \"max\" and \"points\"", o->file);
    if (o->map) return print_map(s, o->map);
    CEV_TRY(cev_study_remarks(s->arena, s, &remarks));
    print_remarks(&remarks, o->json); /* JSON has them all */
    start_mpi(&c->rank);              /* its memory counts */
    CEV_TRY(cev_job_estimate_cost(&c->job, s, &e));
    if (o->json) {
        print_as_json(s, &e, &remarks);
        return CEV_OK;
    }
    CEV_TRY((s->is_scan ? print_scan : print_study)(s, &e));
    print_identity(s);
    return CEV_OK;
}

int command_check(int argc, char **argv)
{
    check_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "FILE.yaml", .doc = doc};
    parse_arguments(&argp, argc, argv, &o);
    job_command c = job_command_quiet(1);
    cev_study_config *study = NULL;
    c.job.context = &c;
    cev_status status = explain_no_scan(cev_study_config_read(o.file, &study), o.file, "check");
    if (status == CEV_OK) status = check(&o, study, &c);
    int code = report_error(status), started;
    cev_study_config_destroy(&study);
    MPI_Initialized(&started);
    return started ? end_mpi(code) : code;
}
