/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cevscan/config.h"
#include "cevscan/study.h"
#include "command.h"
#include "estimate.h"

static const char doc[] = "Validates a scan or study file and everything that it names, and shows what it stands for, "
                          "the number of points, and an estimate of "
                          "memory and time. Computes nothing, creates nothing.\v"
                          "With --json, `resolved` is the scan file with every experiment file put in its place: "
                          "itself a valid scan file.\n\n"
                          "Example: cevscan check configs/scans/ess_csi_si.yaml";

typedef struct check_options {
    const char *file;
    bool json;
} check_options;

static const struct argp_option options[] = {{"json", 'j', NULL, 0, "print JSON", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    check_options *o = state->input;
    switch (key) {
    case 'j': o->json = true; break;
    case ARGP_KEY_ARG:
        if (o->file) argp_error(state, "more than one scan file: %s", argument);
        o->file = argument;
        break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which scan file?"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_experiments(const cev_scan_config *c)
{
    for (size_t e = 0; e < c->n_experiment; e++) {
        const cev_experiment *x = c->experiment[e];
        printf("  %-16s %s\n    %s on %g kg, form factor %s, response %s, %zu bin%s from %g to %g %s%s\n", x->name,
               x->title, x->source.kind->card.name, x->target.mass_kg, x->target.form_factor.kind->card.name,
               x->response.kind->card.name, x->bins.n_bin, x->bins.n_bin == 1 ? "" : "s", x->bins.edge[0],
               x->bins.edge[x->bins.n_energy], cev_observable_units[x->response.kind->observable],
               x->bins.time_edge_us ? " and in time" : "");
        for (size_t p = 0; p < x->n_pull; p++) {
            size_t users = 0;
            for (size_t k = 0; k < c->n_experiment; k++)
                for (size_t q = 0; q < c->experiment[k]->n_pull; q++)
                    users += !strcmp(c->experiment[k]->pull[q].name, x->pull[p].name);
            printf("    pull %s, sigma %g%s\n", x->pull[p].name, x->pull[p].sigma, users > 1 ? ", shared" : "");
        }
    }
}

static void print_parameters(const cev_scan_config *c)
{
    const cev_card *card = &c->interaction->card;
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
    for (size_t p = 0; p < card->n_parameter; p++)
        if (!cev_same_value(c->theta[p], card->parameters[p].default_value))
            printf("  %-16s fixed at %g\n", card->parameters[p].name, c->theta[p]);
}

static void print_data(const cev_scan_config *c)
{
    const cev_card *card = &c->interaction->card;
    bool standard_model = true;
    printf("\ndata");
    for (size_t e = 0; e < c->n_experiment && c->data == CEV_DATA_MIXED; e++)
        if (c->observed[e]) printf(" %s", c->experiment[e]->name);
    printf("%s%s", c->data == CEV_DATA_ASIMOV ? "" : " observed",
           c->data == CEV_DATA_OBSERVED ? ""
           : c->data == CEV_DATA_MIXED  ? ", others asimov"
                                        : " asimov");
    for (size_t p = 0; c->data != CEV_DATA_OBSERVED && p < card->n_parameter; p++) {
        if (cev_same_value(c->truth[p], card->parameters[p].default_value)) continue;
        printf("%s %s=%g", standard_model ? " at" : "", card->parameters[p].name, c->truth[p]);
        standard_model = false;
    }
    printf("%s\n", c->data != CEV_DATA_OBSERVED && standard_model ? " at the standard model" : "");
}

static void print_text(const cev_scan_config *c, const scan_estimate *estimate)
{
    char duration[64];
    print_duration(estimate->core_seconds, duration, sizeof duration);
    printf("scan %s: %s\n\nexperiments\n", c->name, c->title);
    print_experiments(c);
    printf("\ninteraction %s: %s\n", c->interaction->card.name, c->interaction->card.title);
    print_parameters(c);
    print_data(c);
    printf("points %llu in %zu tiles of %zu; %zu bins, %zu pulls%s\n", (unsigned long long)c->grid.n_point,
           c->grid.n_tile, cev_grid_points_of_whole_tile(&c->grid), estimate->n_bin, estimate->n_pull,
           c->store_pulls ? " (stored)" : "");
    printf("map file %.1f MB, memory %.1f MB a rank, estimated time on one core: %s\n", estimate->file_bytes / 1e6,
           estimate->memory_bytes / 1e6, duration);
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&c->identity, identity);
    printf("identity %s\n", identity);
}

static void print_as_json(const cev_scan_config *c, const scan_estimate *estimate)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&c->identity, identity);
    print_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:s, s:o}", "scan", c->name, "points",
                         (json_int_t)c->grid.n_point, "tiles", (json_int_t)c->grid.n_tile, "bins",
                         (json_int_t)estimate->n_bin, "pulls", (json_int_t)estimate->n_pull, "file_bytes",
                         estimate->file_bytes, "memory_bytes", estimate->memory_bytes, "core_seconds",
                         estimate->core_seconds, "identity", identity, "resolved", json_loads(c->resolved, 0, NULL)));
}

/* --- studies ---------------------------------------------------------------------------------------------------- */

typedef struct study_size {
    double points, bytes; /* of all maps */
} study_size;

static study_size size_of_study(const cev_study_config *s)
{
    study_size size = {0};
    for (size_t m = 0; m < s->n_map; m++) {
        const cev_grid *g = &s->space[s->map[m].space].scan->grid;
        size.points += (double)g->n_point;
        size.bytes += (double)g->n_point * 17 + (double)g->n_tile * (CEV_DIGEST_SIZE + 1);
    }
    return size;
}

static void print_study(const cev_study_config *s, const study_size *size)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&s->identity, identity);
    printf("study %s: %s\n\n%zu experiments:", s->name, s->title, s->n_experiment);
    for (size_t e = 0; e < s->n_experiment; e++) printf(" %s", s->experiment[e]->name);
    printf("\n%zu sets", s->n_set);
    for (size_t k = 0; k < s->n_set; k++) printf("%s %s", k ? "," : ":", s->set[k].name);
    printf("\n");
    if (s->n_exposure > 1) {
        printf("%zu exposures:", s->n_exposure);
        for (size_t k = 0; k < s->n_exposure; k++) printf(" x%g", s->exposure_factor[k]);
        printf("\n");
    }
    for (size_t k = 0; k < s->n_space; k++) {
        const cev_grid *g = &s->space[k].scan->grid;
        printf("  %s:", s->space[k].name);
        for (size_t a = 0; a < g->n_axis; a++)
            printf("%s %zu points from %g to %g", a ? "," : "", g->axis[a].n, g->axis[a].value[0],
                   g->axis[a].value[g->axis[a].n - 1]);
        printf("; %zu tiles\n", g->n_tile);
    }
    printf("\n%zu maps, %.0f points; file %.1f MB\nidentity %s\n", s->n_map, size->points, size->bytes / 1e6, identity);
}

static void print_study_as_json(const cev_study_config *s, const study_size *size)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    json_t *maps = json_array();
    cev_digest_text(&s->identity, identity);
    for (size_t m = 0; m < s->n_map; m++) json_array_append_new(maps, json_text(s->map[m].name));
    print_json(json_pack("{s:s, s:I, s:f, s:f, s:s, s:o, s:O}", "study", s->name, "sets", (json_int_t)s->n_set,
                         "points", size->points, "file_bytes", size->bytes, "identity", identity, "maps", maps,
                         "resolved", s->json));
}

static cev_status check_study(const check_options *o)
{
    cev_study_config *study;
    CEV_TRY(cev_study_config_read(o->file, &study));
    study_size size = size_of_study(study);
    (o->json ? print_study_as_json : print_study)(study, &size);
    cev_study_config_destroy(&study);
    return CEV_OK;
}

/* --- the command ------------------------------------------------------------------------------------------------ */

int command_check(int argc, char **argv)
{
    check_options o = {0};
    const struct argp argp = {.options = options, .parser = parse, .args_doc = "SCAN.yaml", .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    cev_scan_config *config = NULL;
    bool study = false;
    cev_status status = cev_is_study_file(o.file, &study);
    if (status == CEV_OK && study) return report_error(check_study(&o));
    if (status == CEV_OK) status = cev_scan_config_read(o.file, &config);
    if (status == CEV_OK && config->grid.n_axis == 0)
        status = cev_fail(CEV_E_INPUT, "%s: no parameter is scanned; give one \"min\", \"max\" and \"points\"", o.file);
    if (status == CEV_OK) {
        scan_estimate estimate = estimate_scan(config);
        (o.json ? print_as_json : print_text)(config, &estimate);
    }
    cev_scan_config_destroy(&config);
    return report_error(status);
}
