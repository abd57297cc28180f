/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be found wrong before anything is created. */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan_run.h"

/* Where a chain of symbolic links leads, whether or not there is a file at its end: results often lie on another disk. */
static cev_status follow_links(const char *path, char **out)
{
    char target[PATH_MAX], *now = strdup(path);
    for (int hop = 0; now && hop < 32; hop++) {
        ssize_t size = readlink(now, target, sizeof target - 1);
        if (size < 0) {
            *out = now;
            return CEV_OK;
        }
        target[size] = '\0';
        char *folder = strdup(now), *next = NULL;
        if (folder && target[0] != '/' && asprintf(&next, "%s/%s", dirname(folder), target) < 0) next = NULL;
        if (target[0] == '/') next = strdup(target);
        free(folder);
        free(now);
        now = next;
    }
    if (!now) return cev_fail(CEV_E_MEMORY, "out of memory");
    free(now);
    return cev_fail(CEV_E_INPUT, "%s: cannot be written: its symbolic links have no end", path);
}

static cev_status check_folder(const char *path, const char *folder)
{
    struct stat s;
    if (stat(folder, &s)) return cev_fail(CEV_E_INPUT, "%s: cannot be written: folder %s: %s", path, folder, strerror(errno));
    if (!S_ISDIR(s.st_mode)) return cev_fail(CEV_E_INPUT, "%s: cannot be written: %s is not a folder", path, folder);
    if (access(folder, W_OK | X_OK))
        return cev_fail(CEV_E_INPUT, "%s: cannot be written: folder %s: %s", path, folder, strerror(errno));
    return CEV_OK;
}

/* A file name that leaves no room for those of the lock and of the layout beside it is too long. */
static cev_status check_name(const char *path, const char *name, const char *folder)
{
    long longest = pathconf(folder, _PC_NAME_MAX);
    size_t size = strlen(path);
    if (size && path[size - 1] == '/') return cev_fail(CEV_E_INPUT, "%s: cannot be written: it is the name of a folder", path);
    if (longest > 0 && strlen(name) + sizeof ".lock.4194304" > (size_t)longest)
        return cev_fail(CEV_E_INPUT, "%s: cannot be written: the file name is too long", path);
    return CEV_OK;
}

static cev_status check_place(const char *path)
{
    char *one = strdup(path), *other = strdup(path);
    cev_status status = cev_fail(CEV_E_MEMORY, "out of memory");
    if (one && other) {
        const char *folder = dirname(one);
        status = check_folder(path, folder);
        if (status == CEV_OK) status = check_name(path, basename(other), folder);
    }
    free(one);
    free(other);
    return status;
}

/* A map may be finished only by the scan that began it. */
static cev_status compare_with_found(const scan_run *run)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&run->config->identity, identity);
    const char *theirs = cev_map_info_text(run->found, "configuration_hash"), *title = cev_map_info_text(run->found, "title");
    if (theirs && !strcmp(theirs, identity)) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "%s: holds another scan (\"%s\", configuration %.12s; this is %.12s); choose another output, or "
                                 "remove it", run->options->output, title ? title : "untitled", theirs ? theirs : "unknown", identity);
}

/* Opens the map as the run will, and closes it again: what is missing or misshapen shows before anything is written. */
static cev_status check_structure(scan_run *run)
{
    const cev_scan_config *c = run->config;
    cev_map *map = NULL;
    if (run->found->n_tile != c->grid.n_tile)
        return cev_fail(CEV_E_INPUT, "%s: has %zu tiles, but its scan %zu: the map is damaged", run->map_path, run->found->n_tile,
                        c->grid.n_tile);
    CEV_TRY(cev_map_open(run->map_path, CEV_MAP_READ, MPI_COMM_SELF, &c->grid, c->store_pulls ? c->n_pull : 0, c->pull_name, &map));
    return cev_map_close(&map);
}

static cev_status look_at_output(scan_run *run)
{
    struct stat s;
    const char *path = run->map_path;
    cev_map_info_destroy(&run->found);
    if (stat(path, &s)) {
        if (errno != ENOENT) return cev_fail(CEV_E_INPUT, "%s: cannot be written: %s", path, strerror(errno));
        return CEV_OK;
    }
    if (!S_ISREG(s.st_mode)) return cev_fail(CEV_E_INPUT, "%s: cannot be written: it is not a file", path);
    CEV_TRY(cev_map_inspect(path, &run->found));
    CEV_TRY(compare_with_found(run));
    if (!run->found->progress.complete) CEV_TRY(check_structure(run));
    if (!run->found->progress.complete && access(path, W_OK))
        return cev_fail(CEV_E_INPUT, "%s: cannot be written: %s", path, strerror(errno));
    return CEV_OK;
}

cev_status scan_run_prepare(scan_run *run, bool *done)
{
    CEV_TRY(cev_scan_config_read(run->options->scan_file, &run->config));
    if (run->config->grid.n_axis == 0)
        return cev_fail(CEV_E_INPUT, "%s: no parameter is scanned; give one \"min\", \"max\" and \"points\"", run->options->scan_file);
    CEV_TRY(follow_links(run->options->output, &run->map_path));
    CEV_TRY(look_at_output(run));
    *done = run->found && run->found->progress.complete;
    if (*done) return CEV_OK;
    CEV_TRY(check_place(run->map_path));
    CEV_TRY(cev_map_lock_take(run->map_path, &run->lock));
    CEV_TRY(look_at_output(run)); /* again, now that it stays as it is */
    *done = run->found && run->found->progress.complete;
    return CEV_OK;
}
