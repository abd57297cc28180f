/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "provenance.h"

#include <gsl/gsl_version.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cevscan/lanes.h"
#include "command.h"

static cev_status library_versions(cev_arena *arena, const char **out)
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

/* Appends `name` to the comma-separated *list. */
static cev_status append_name(const cev_scan_config *c, const char *name, const char **list)
{
    char *longer;
    CEV_TRY(cev_arena_print(c->arena, &longer, "%s%s%s", *list, **list ? "," : "", name));
    *list = longer;
    return CEV_OK;
}

/* JSON of the parameters that differ from their defaults; `scanned` ones are left out. */
static cev_status parameters_json(const cev_scan_config *c, const double *value, bool scanned, const char **out)
{
    const cev_card *card = &c->interaction->card;
    json_t *json = json_object();
    for (size_t p = 0; p < card->n_parameter; p++) {
        bool is_axis = false;
        for (size_t a = 0; a < c->grid.n_axis; a++) is_axis |= c->axis_parameter[a] == p && !c->member_parameter;
        if ((scanned || !is_axis) && !cev_same_value(value[p], card->parameters[p].default_value))
            json_object_set_new(json, card->parameters[p].name, json_number(value[p]));
    }
    char *text = json_dumps(json, 0);
    json_decref(json);
    if (!text) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = cev_arena_keep_text(c->arena, text, out);
    free(text);
    return status;
}

cev_status provenance_texts(const cev_scan_config *c, cev_map_spec *spec)
{
    const char *libraries, *experiments = "", *axes = "", *members = "", *observed = "", *fixed, *truth;
    char identity[CEV_DIGEST_TEXT_SIZE], *data = NULL;
    cev_digest_text(&c->identity, identity);
    CEV_TRY(library_versions(c->arena, &libraries));
    for (size_t e = 0; e < c->n_experiment; e++) CEV_TRY(append_name(c, c->experiment[e]->name, &experiments));
    for (size_t a = 0; a < c->grid.n_axis; a++) CEV_TRY(append_name(c, c->grid.axis[a].name, &axes));
    for (size_t m = 0; m < c->grid.axis[0].n && c->member_parameter; m++)
        CEV_TRY(append_name(c, c->grid.axis[0].label[m], &members));
    CEV_TRY(parameters_json(c, c->theta, false, &fixed));
    CEV_TRY(parameters_json(c, c->truth, true, &truth));
    for (size_t e = 0; e < c->n_experiment && c->data == CEV_DATA_MIXED; e++)
        if (c->observed[e]) CEV_TRY(append_name(c, c->experiment[e]->name, &observed));
    if (c->data != CEV_DATA_OBSERVED)
        CEV_TRY(cev_arena_print(c->arena, &data, "%s%s%sasimov at %s", *observed ? "observed by " : "", observed,
                                *observed ? ", others " : "", strcmp(truth, "{}") ? truth : "the standard model"));
    const cev_map_text text[] = {
        {"title", c->title},
        {"scan", c->name},
        {"configuration", c->resolved},
        {"configuration_hash", identity},
        {"axes", axes},
        {"experiments", experiments},
        {"interaction", c->interaction->card.name},
        {"data", data ? data : "observed"},
        {"fixed_parameters", fixed},
        {"delta_chi2_from", c->member_parameter ? "the lowest chi2 of each parameter's own scan"
                                                : "the lowest chi2 over the scanned parameters"},
        {"program_version", CEVSCAN_VERSION},
        {"git_commit", CEVSCAN_COMMIT},
        {"library_versions", libraries},
        {"processor_level", cev_level_names[cev_level_best()]},
        {"members", members}, /* last: only a scan of parameters in turn has it */
    };
    cev_map_text *copy;
    spec->n_text = sizeof text / sizeof *text - !c->member_parameter;
    CEV_TRY(cev_new(c->arena, spec->n_text, &copy));
    memcpy(copy, text, spec->n_text * sizeof *text);
    for (size_t k = 0; k < spec->n_text; k++) CEV_TRY(cev_arena_keep_text(c->arena, text[k].value, &copy[k].value));
    spec->text = copy;
    return CEV_OK;
}

cev_status provenance_of_study(const cev_study_config *study, cev_study_spec *spec)
{
    const char *libraries;
    char identity[CEV_DIGEST_TEXT_SIZE], *identity_copy;
    cev_map_text *text;
    cev_digest_text(&study->identity, identity);
    CEV_TRY(cev_arena_copy_text(study->arena, identity, &identity_copy));
    CEV_TRY(library_versions(study->arena, &libraries));
    const cev_map_text own[] = {
        {"title", study->title},
        {"study", study->name},
        {"configuration", study->resolved},
        {"configuration_hash", identity_copy},
        {"interaction", study->space[0].scan->interaction->card.name},
        {"program_version", CEVSCAN_VERSION},
        {"git_commit", CEVSCAN_COMMIT},
        {"library_versions", libraries},
        {"processor_level", cev_level_names[cev_level_best()]},
    };
    spec->n_text = sizeof own / sizeof *own;
    CEV_TRY(cev_new(study->arena, spec->n_text, &text));
    memcpy(text, own, sizeof own);
    spec->text = text;
    return CEV_OK;
}
