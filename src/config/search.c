/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where experiment files are looked for. */
#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cevscan/config.h"
#include "cevscan/nearest.h"

enum { MOST_FOLDERS = 64, MOST_NAMES = 1024 };
static const char suffix[] = ".yaml";

typedef struct folders {
    size_t n;
    const char *path[MOST_FOLDERS];
} folders;

static cev_status add_folder(cev_arena *arena, folders *f, const char *folder, const char *below)
{
    char *path;
    if (f->n == MOST_FOLDERS) return CEV_OK;
    CEV_TRY(cev_arena_print(arena, &path, "%s%s", folder, below));
    f->path[f->n++] = path;
    return CEV_OK;
}

static cev_status folder_of(cev_arena *arena, const char *file, char **out)
{
    char *copy;
    CEV_TRY(cev_arena_copy_text(arena, file, &copy));
    return cev_arena_copy_text(arena, dirname(copy), out);
}

static cev_status add_environment(cev_arena *arena, folders *f)
{
    const char *list = getenv("CEVSCAN_PATH");
    char *copy, *state = NULL;
    if (!list) return CEV_OK;
    CEV_TRY(cev_arena_copy_text(arena, list, &copy));
    for (char *folder = strtok_r(copy, ":", &state); folder; folder = strtok_r(NULL, ":", &state)) {
        CEV_TRY(add_folder(arena, f, folder, ""));
        CEV_TRY(add_folder(arena, f, folder, "/experiments"));
    }
    return CEV_OK;
}

/* bin/cevscan lies beside configs/ in the source tree (another build's may lie deeper), and beside share/cevscan/ where
 * it is installed. */
static cev_status add_program(cev_arena *arena, folders *f)
{
    char program[PATH_MAX], *folder;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) return CEV_OK;
    program[length] = '\0';
    CEV_TRY(folder_of(arena, program, &folder));
    CEV_TRY(add_folder(arena, f, folder, "/../configs/experiments"));
    CEV_TRY(add_folder(arena, f, folder, "/../../configs/experiments"));
    CEV_TRY(add_folder(arena, f, folder, "/../../../configs/experiments"));
    return add_folder(arena, f, folder, "/../share/cevscan/experiments");
}

static cev_status list_folders(cev_arena *arena, const char *beside, folders *f)
{
    char *folder;
    *f = (folders){0};
    CEV_TRY(folder_of(arena, beside ? beside : "./", &folder));
    if (!beside) folder[0] = '.', folder[1] = '\0';
    CEV_TRY(add_folder(arena, f, folder, ""));
    CEV_TRY(add_folder(arena, f, folder, "/experiments"));
    CEV_TRY(add_environment(arena, f));
    return add_program(arena, f);
}

static bool is_path(const char *name)
{
    size_t length = strlen(name), tail = sizeof suffix - 1;
    return strchr(name, '/') || (length > tail && !strcmp(name + length - tail, suffix));
}

static cev_status find_path(cev_arena *arena, const char *name, const char *beside, char **path)
{
    char *folder, *candidate;
    if (beside && name[0] != '/') {
        CEV_TRY(folder_of(arena, beside, &folder));
        CEV_TRY(cev_arena_print(arena, &candidate, "%s/%s", folder, name));
        if (!access(candidate, F_OK)) {
            *path = candidate;
            return CEV_OK;
        }
    }
    CEV_TRY(cev_arena_copy_text(arena, name, &candidate));
    *path = access(candidate, F_OK) ? NULL : candidate;
    return CEV_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static cev_status add_names_in(cev_arena *arena, const char *folder, const char **names, size_t *n)
{
    DIR *directory = opendir(folder);
    cev_status status = CEV_OK;
    for (struct dirent *entry; directory && status == CEV_OK && *n < MOST_NAMES && (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name), tail = sizeof suffix - 1;
        if (length <= tail || strcmp(entry->d_name + length - tail, suffix)) continue;
        char *name;
        status = cev_arena_copy_text(arena, entry->d_name, &name);
        if (status != CEV_OK) break;
        name[length - tail] = '\0';
        names[(*n)++] = name;
    }
    if (directory) closedir(directory);
    return status;
}

static size_t sort_unique(const char **names, size_t n)
{
    size_t kept = 0;
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(names[i], names[kept - 1])) names[kept++] = names[i];
    return kept;
}

/* The folder beside a scan file holds scan files too, so only folders that are for experiments are listed. */
static cev_status list_names(cev_arena *arena, const folders *f, size_t *n, const char ***names)
{
    CEV_TRY(cev_new(arena, MOST_NAMES, names));
    *n = 0;
    for (size_t k = 1; k < f->n; k++) CEV_TRY(add_names_in(arena, f->path[k], *names, n));
    *n = sort_unique(*names, *n);
    return CEV_OK;
}

/* A scan file may have the name of the experiment that it scans; it is not what is looked for. A file that cannot be
 * read is: the reader will say what is wrong with it. */
static bool is_scan_file(const char *path)
{
    cev_yaml *file;
    if (cev_yaml_read_file(path, &file) != CEV_OK) return false;
    cev_node root = cev_yaml_root(file);
    bool scan = cev_node_find(root, "scan").id && !cev_node_find(root, "experiment").id;
    cev_yaml_destroy(&file);
    return scan;
}

cev_status cev_experiment_file(cev_arena *arena, const char *name, const char *beside, char **path,
                               const char **nearest)
{
    folders f;
    *path = NULL;
    if (nearest) *nearest = NULL;
    if (is_path(name)) return find_path(arena, name, beside, path);
    CEV_TRY(list_folders(arena, beside, &f));
    for (size_t k = 0; k < f.n; k++) {
        CEV_TRY(cev_arena_print(arena, path, "%s/%s%s", f.path[k], name, suffix));
        if (!access(*path, F_OK) && !is_scan_file(*path)) return CEV_OK;
    }
    *path = NULL;
    if (!nearest) return CEV_OK;
    size_t n;
    const char **names;
    CEV_TRY(list_names(arena, &f, &n, &names));
    *nearest = cev_nearest(name, names, n);
    return CEV_OK;
}

cev_status cev_experiment_names(cev_arena *arena, size_t *n, const char *const **names)
{
    folders f;
    const char **list;
    CEV_TRY(list_folders(arena, NULL, &f));
    CEV_TRY(list_names(arena, &f, n, &list));
    *names = list;
    return CEV_OK;
}
