/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file_kind.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cevscan/config.h"

typedef enum file_kind { KIND_MISSING, KIND_OTHER, KIND_MAP, KIND_EXPERIMENT, KIND_SCAN, KIND_STUDY } file_kind;

/* HDF5's signature. */
static bool is_hdf5(FILE *file)
{
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char begin[sizeof signature];
    return fread(begin, 1, sizeof begin, file) == sizeof begin && !memcmp(begin, signature, sizeof begin);
}

static file_kind kind_of_yaml(const char *path)
{
    static const struct {
        const char *key;
        file_kind kind;
    } by_key[] = {{"scan", KIND_SCAN}, {"study", KIND_STUDY}, {"experiment", KIND_EXPERIMENT}};
    cev_yaml *yaml;
    file_kind kind = KIND_OTHER;
    if (cev_yaml_read_file(path, &yaml) != CEV_OK) return KIND_OTHER;
    for (size_t k = 0; k < CEV_LENGTH(by_key) && kind == KIND_OTHER; k++)
        if (cev_node_find(cev_yaml_root(yaml), by_key[k].key).id) kind = by_key[k].kind;
    cev_yaml_destroy(&yaml);
    return kind;
}

static file_kind kind_of(const char *path)
{
    struct stat about;
    if (stat(path, &about)) return KIND_MISSING;
    FILE *file = S_ISREG(about.st_mode) ? fopen(path, "rb") : NULL; /* of a pipe, nobody may ever write to it */
    if (!file) return KIND_OTHER;
    bool map = is_hdf5(file);
    fclose(file);
    return map ? KIND_MAP : kind_of_yaml(path);
}

/* What an error said before it was looked into. */
typedef struct said {
    cev_status status;
    char message[2048];
} said;

static said remember(cev_status status)
{
    said s = {.status = status};
    snprintf(s.message, sizeof s.message, "%s", cev_error_message());
    return s;
}

static cev_status repeat(const said *s)
{
    return cev_fail(s->status, "%s", s->message);
}

static bool takes_experiments(const char *who)
{
    return !strcmp(who, "rates") || !strcmp(who, "point") || !strcmp(who, "spectra");
}

/* No file, but perhaps the name of an experiment, or nearly one. */
static cev_status explain_name(const said *before, const char *name, const char *who)
{
    cev_arena *arena = NULL;
    char *path = NULL;
    const char *nearest = NULL;
    if (strchr(name, '/') || cev_arena_create(&arena) != CEV_OK) return repeat(before);
    cev_status status = cev_experiment_file(arena, name, NULL, &path, &nearest);
    const char *with = takes_experiments(who) ? who : "rates", *found = path ? name : nearest;
    if (status != CEV_OK || !found)
        status = repeat(before);
    else if (path)
        status = cev_fail(CEV_E_INPUT, "%s is an experiment%s: cevscan %s -e %s", name,
                          takes_experiments(who) ? ""
                                                 : ", and this wants a scan file that lists it under \"experiments\"",
                          with, name);
    else
        status = cev_fail(CEV_E_INPUT,
                          "%s: there is no such file; did you mean the experiment \"%s\"? cevscan %s -e %s", name,
                          found, with, found);
    cev_arena_destroy(&arena);
    return status;
}

cev_status explain_no_scan(cev_status status, const char *path, const char *who)
{
    said before = remember(status);
    bool writes = !strcmp(who, "run") || !strcmp(who, "study");
    if (status != CEV_E_INPUT || !path) return status;
    switch (kind_of(path)) {
    case KIND_MISSING: return explain_name(&before, path, who);
    case KIND_MAP:
        return cev_fail(status, "%s is a map, not a scan file: cevscan status %s says what it holds%s", path, path,
                        writes ? "; the map to write is given with -o" : "");
    case KIND_EXPERIMENT:
        if (takes_experiments(who))
            return cev_fail(status, "%s is an experiment file: cevscan %s -e %s", path, who, path);
        return cev_fail(status,
                        "%s is an experiment file, not a scan file: a scan lists it under \"experiments\"; cevscan "
                        "describe %s says what it holds",
                        path, path);
    case KIND_STUDY:
        if (!takes_experiments(who) && strcmp(who, "bench")) break;
        return cev_fail(status,
                        "%s is a study, and this wants one scan: cevscan check %s --map SPACE/SET prints that of one "
                        "of its maps",
                        path, path);
    default: break;
    }
    return repeat(&before);
}

cev_status explain_no_map(cev_status status, const char *path)
{
    said before = remember(status);
    file_kind kind = status == CEV_E_INPUT && path ? kind_of(path) : KIND_OTHER;
    if (kind == KIND_SCAN || kind == KIND_STUDY)
        return cev_fail(status, "%s is a %s file, not a map: cevscan check %s says what it stands for", path,
                        kind == KIND_SCAN ? "scan" : "study", path);
    if (kind == KIND_EXPERIMENT)
        return cev_fail(status, "%s is an experiment file, not a map: cevscan describe %s says what it holds", path,
                        path);
    return status == CEV_OK ? status : repeat(&before);
}

cev_status explain_no_experiment(cev_status status, const char *path, const char *who)
{
    said before = remember(status);
    file_kind kind = status == CEV_E_INPUT ? kind_of(path) : KIND_OTHER;
    if (kind == KIND_MAP)
        return cev_fail(status, "%s is a map, not an experiment: cevscan status %s says what it holds", path, path);
    if (kind == KIND_SCAN || kind == KIND_STUDY)
        return cev_fail(status, "%s is a %s file, not an experiment: cevscan %s %s", path,
                        kind == KIND_SCAN ? "scan" : "study", kind == KIND_SCAN ? who : "check", path);
    return status == CEV_OK ? status : repeat(&before);
}
