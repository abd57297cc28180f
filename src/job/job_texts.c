/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file says in words: where its numbers come from. */
#include <gsl/gsl_version.h>
#include <jansson.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cevscan/lanes.h"
#include "cevscan/version.h"
#include "job_parts.h"

cev_status job_library_versions(cev_arena *arena, const char **out)
{
    char hdf5[32], mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    cev_map_library_version(hdf5, sizeof hdf5);
    MPI_Get_library_version(mpi, &length);
    mpi[strcspn(mpi, ",\n")] = '\0';
    char *text;
    CEV_TRY(cev_arena_print(arena, &text, "HDF5 %s; %s; GSL %s; libyaml %s; jansson %s; %s", hdf5, mpi, gsl_version,
                            yaml_get_version_string(), jansson_version_str(), OpenSSL_version(OPENSSL_VERSION)));
    *out = text;
    return CEV_OK;
}

cev_status job_program_text(cev_arena *arena, const char **out)
{
    const char *libraries;
    char *text;
    CEV_TRY(job_library_versions(arena, &libraries));
    CEV_TRY(cev_arena_print(arena, &text, "cevscan %s (%s), numbers %d; %s", CEVSCAN_VERSION, cev_commit(),
                            CEV_NUMERICS_REVISION, libraries));
    *out = text;
    return CEV_OK;
}

/* --- attributes ------------------------------------------------------------------------------------------------- */

/* Appends `name` to the comma-separated *list. */
static cev_status append_name(const job *j, const char *name, const char **list)
{
    char *longer;
    CEV_TRY(cev_arena_print(j->arena, &longer, "%s%s%s", *list, **list ? "," : "", name));
    *list = longer;
    return CEV_OK;
}

/* JSON of the parameters that differ from their defaults; `scanned` ones are left out otherwise. */
static cev_status parameters_json(const job *j, const double *value, bool scanned, const char **out)
{
    const cev_scan_config *c = j->config->space[0].scan;
    const cev_card *card = &c->interaction->card;
    json_t *json = json_object();
    for (size_t p = 0; p < card->n_parameter; p++) {
        bool is_axis = false;
        for (size_t a = 0; a < c->grid.n_axis; a++) is_axis |= c->axis_parameter[a] == p && !c->member_parameter;
        if ((scanned || !is_axis) && !cev_same_value(value[p], card->parameters[p].default_value))
            json_object_set_new(json, card->parameters[p].name, isfinite(value[p]) ? json_real(value[p]) : json_null());
    }
    char *text = json_dumps(json, 0);
    json_decref(json);
    if (!text) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_arena_keep_text(j->arena, text, out);
    free(text);
    return status;
}

/* "observed", "asimov at the standard model", "observed by coherent_csi, others asimov at {...}". */
static cev_status data_text(const job *j, const char **out)
{
    const cev_scan_config *c = j->config->space[0].scan;
    const char *observed = "", *truth;
    char *text;
    *out = "observed";
    if (c->data == CEV_DATA_OBSERVED) return CEV_OK;
    CEV_TRY(parameters_json(j, c->truth, true, &truth));
    for (size_t e = 0; e < c->n_experiment && c->data == CEV_DATA_MIXED; e++)
        if (c->observed[e]) CEV_TRY(append_name(j, c->experiment[e]->name, &observed));
    CEV_TRY(cev_arena_print(j->arena, &text, "%s%s%sasimov at %s", *observed ? "observed by " : "", observed,
                            *observed ? ", others " : "", strcmp(truth, "{}") ? truth : "the standard model"));
    *out = text;
    return CEV_OK;
}

static cev_status experiments_text(const job *j, const char **out)
{
    const cev_scan_config *c = j->config->space[0].scan;
    *out = "";
    for (size_t e = 0; e < c->n_experiment; e++) CEV_TRY(append_name(j, c->experiment[e]->name, out));
    return CEV_OK;
}

/* "" if there is none. */
static cev_status surrogates_text(const job *j, const char **out)
{
    const cev_scan_config *c = j->config->space[0].scan;
    *out = "";
    for (size_t e = 0; e < c->n_experiment; e++)
        if (c->experiment[e]->surrogate) CEV_TRY(append_name(j, c->experiment[e]->name, out));
    return CEV_OK;
}

static cev_status axes_text(const job *j, size_t space, const char **out)
{
    const cev_grid *g = &j->config->space[space].scan->grid;
    *out = "";
    for (size_t a = 0; a < g->n_axis; a++) CEV_TRY(append_name(j, g->axis[a].name, out));
    return CEV_OK;
}

typedef struct text_list {
    size_t n, most;
    cev_map_text *text;
} text_list;

static void put(text_list *list, const char *name, const char *value)
{
    if (list->n < list->most) list->text[list->n++] = (cev_map_text){name, value};
}

/* Only a scan has axes, members and fixed parameters at its root. */
static cev_status put_scan_texts(const job *j, text_list *list)
{
    const cev_scan_config *c = j->config->space[0].scan;
    const char *axes, *fixed, *members = "";
    CEV_TRY(axes_text(j, 0, &axes));
    CEV_TRY(parameters_json(j, c->theta, false, &fixed));
    put(list, "axes", axes);
    put(list, "fixed_parameters", fixed);
    put(list, "delta_chi2_from",
        c->member_parameter ? "the lowest chi2 of each parameter's own scan"
                            : "the lowest chi2 over the scanned parameters");
    if (!c->member_parameter) return CEV_OK;
    for (size_t m = 0; m < c->grid.axis[0].n; m++) CEV_TRY(append_name(j, c->grid.axis[0].label[m], &members));
    put(list, "members", members);
    return CEV_OK;
}

cev_status job_texts(const job *j, size_t *n, size_t *derived, const cev_map_text **text)
{
    const cev_study_config *c = j->config;
    const char *libraries, *experiments, *data, *surrogates;
    char identity[CEV_DIGEST_TEXT_SIZE], *hash;
    text_list list = {.most = 24};
    cev_digest_text(&c->identity, identity);
    CEV_TRY(cev_arena_copy_text(j->arena, identity, &hash));
    CEV_TRY(cev_new(j->arena, list.most, &list.text));
    CEV_TRY(job_library_versions(j->arena, &libraries));
    CEV_TRY(experiments_text(j, &experiments));
    CEV_TRY(data_text(j, &data));
    CEV_TRY(surrogates_text(j, &surrogates));
    put(&list, "title", c->title);
    put(&list, c->is_scan ? "scan" : "study", c->name);
    put(&list, "experiments", experiments);
    put(&list, "interaction", c->space[0].scan->interaction->card.name);
    put(&list, "data", data);
    if (*surrogates) put(&list, "surrogates", surrogates);
    if (c->is_scan) CEV_TRY(put_scan_texts(j, &list));
    *derived = list.n;
    put(&list, "configuration", c->resolved);
    put(&list, "configuration_hash", hash);
    put(&list, "program_version", CEVSCAN_VERSION);
    put(&list, "git_commit", cev_commit());
    put(&list, "library_versions", libraries);
    put(&list, "processor_level", cev_level_names[cev_level_best()]);
    *n = list.n;
    *text = list.text;
    return CEV_OK;
}

/* --- the index of a study --------------------------------------------------------------------------------------- */

static cev_status set_text(const job *j, const cev_study_set *set, const char **out)
{
    *out = "";
    for (size_t e = 0; e < set->n_experiment; e++)
        CEV_TRY(append_name(j, j->config->experiment[set->experiment[e]]->name, out));
    return CEV_OK;
}

static cev_status number_text(const job *j, double x, const char **out)
{
    char *text;
    CEV_TRY(cev_arena_print(j->arena, &text, "%.15g", x));
    *out = text;
    return CEV_OK;
}

enum { COLUMN_NAME, COLUMN_AXES, COLUMN_EXPERIMENTS, COLUMN_TITLE, COLUMN_SET, COLUMN_EXPOSURE, N_COLUMNS };
static const char *const column_name[N_COLUMNS] = {"name", "axes", "experiments", "title", "set", "exposure_factor"};

/* The exposure has its column in any case. */
static bool is_exposure(const cev_study_factor *factor)
{
    return !strcmp(factor->name, "exposure");
}

static cev_status fill_row(const job *j, size_t m, const char ***column)
{
    const cev_study_map *map = &j->config->map[m];
    const cev_study_set *set = &j->config->set[map->set];
    column[COLUMN_NAME][m] = map->name;
    column[COLUMN_TITLE][m] = set->title;
    column[COLUMN_SET][m] = set->name;
    CEV_TRY(axes_text(j, map->space, &column[COLUMN_AXES][m]));
    CEV_TRY(set_text(j, set, &column[COLUMN_EXPERIMENTS][m]));
    CEV_TRY(number_text(j, j->config->exposure[map->setting], &column[COLUMN_EXPOSURE][m]));
    for (size_t f = 0, k = N_COLUMNS; f < j->config->n_factor; f++)
        if (!is_exposure(&j->config->factor[f]))
            CEV_TRY(number_text(j, cev_study_factor_value(j->config, map->setting, f), &column[k++][m]));
    return CEV_OK;
}

/* Names and labels; without the texts. */
static size_t name_columns(const cev_study_config *c, cev_map_column *column)
{
    size_t n = N_COLUMNS;
    for (size_t k = 0; k < N_COLUMNS; k++) column[k].name = column_name[k];
    for (size_t f = 0; f < c->n_factor; f++) {
        cev_map_column *own = is_exposure(&c->factor[f]) ? &column[COLUMN_EXPOSURE] : &column[n++];
        if (!is_exposure(&c->factor[f])) own->name = c->factor[f].name;
        own->long_name = c->factor[f].label;
    }
    return n;
}

cev_status job_columns(const job *j, size_t *n, const cev_map_column **out)
{
    const char ***text;
    cev_map_column *column;
    *n = 0;
    if (j->config->is_scan) return CEV_OK;
    CEV_TRY(cev_new(j->arena, N_COLUMNS + j->config->n_factor, &column));
    CEV_TRY(cev_new(j->arena, N_COLUMNS + j->config->n_factor, &text));
    *n = name_columns(j->config, column);
    for (size_t k = 0; k < *n; k++) {
        CEV_TRY(cev_new(j->arena, j->config->n_map, &text[k]));
        column[k].text = text[k];
    }
    for (size_t m = 0; m < j->config->n_map; m++) CEV_TRY(fill_row(j, m, text));
    *out = column;
    return CEV_OK;
}

cev_status job_factors_text(const job *j, const char **out)
{
    *out = NULL;
    if (j->config->is_scan) return CEV_OK;
    *out = "";
    for (size_t f = 0; f < j->config->n_factor; f++) CEV_TRY(append_name(j, j->config->factor[f].name, out));
    return CEV_OK;
}
