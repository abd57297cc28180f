/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* lstat and friends */
#include "job_place.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40 };

/* What has been resolved, and what is still to be. */
typedef struct walk {
    const char *output;
    char done[PATH_MAX], rest[2 * PATH_MAX];
    int links;
} walk;

static cev_status refuse(const char *path, int reason)
{
    return cev_fail(cev_status_of_errno(reason), "%s: cannot be written: %s", path, strerror(reason));
}

/* Rule of the kernel's fs.protected_symlinks, which not every system has, and which spares links in the middle of a
 * path. */
static bool is_trusted(const char *folder, const char *entry, struct stat *s)
{
    struct stat f;
    if (lstat(entry, s) || stat(folder, &f) || !(f.st_mode & S_IWOTH)) return true;
    return s->st_uid == geteuid() || s->st_uid == f.st_uid;
}

static cev_status follow(walk *w, const char *link, const char *target)
{
    struct stat s;
    char rest[sizeof w->rest];
    if (!is_trusted(w->done[0] ? w->done : ".", link, &s))
        return cev_fail(CEV_E_INPUT,
                        "%s: cannot be written: %s is a symbolic link of another user (%ld), in a folder where "
                        "everybody may "
                        "write: it is not followed",
                        w->output, link, (long)s.st_uid);
    if (++w->links > MOST_LINKS)
        return cev_fail(CEV_E_INPUT, "%s: cannot be written: its symbolic links have no end", w->output);
    if (snprintf(rest, sizeof rest, "%s/%s", target, w->rest) >= (int)sizeof rest)
        return refuse(w->output, ENAMETOOLONG);
    memcpy(w->rest, rest, sizeof rest);
    if (target[0] == '/') snprintf(w->done, sizeof w->done, "/");
    return CEV_OK;
}

/* Moves the first name of the rest over. */
static cev_status step(walk *w)
{
    char entry[PATH_MAX], target[PATH_MAX];
    size_t size = strcspn(w->rest, "/"), before = strlen(w->done);
    const char *slash = before && w->done[before - 1] != '/' ? "/" : "";
    int n = snprintf(entry, sizeof entry, "%s%s%.*s", w->done, slash, (int)size, w->rest);
    if (n >= (int)sizeof entry) return refuse(w->output, ENAMETOOLONG);
    size += strspn(w->rest + size, "/");
    memmove(w->rest, w->rest + size, strlen(w->rest + size) + 1);
    ssize_t length = readlink(entry, target, sizeof target - 1);
    if (length >= 0) {
        target[length] = '\0';
        return follow(w, entry, target);
    }
    memcpy(w->done, entry, (size_t)n + 1);
    return CEV_OK;
}

cev_status job_place_resolve(const char *output, char **path)
{
    walk w = {.output = output};
    size_t size = strlen(output), slashes = strspn(output, "/");
    if (size >= PATH_MAX) return refuse(output, ENAMETOOLONG);
    if (slashes) w.done[0] = '/';
    memcpy(w.rest, output + slashes, size - slashes + 1);
    while (w.rest[0]) CEV_TRY(step(&w));
    bool is_folder = size > slashes && output[size - 1] == '/';
    *path = malloc(strlen(w.done) + 2);
    if (!*path) return cev_fail(CEV_E_MEMORY, "out of memory");
    sprintf(*path, "%s%s", w.done, is_folder ? "/" : "");
    return CEV_OK;
}

static cev_status check_folder(const char *path, const char *folder)
{
    struct stat s;
    int reason = stat(folder, &s) ? errno : !S_ISDIR(s.st_mode) ? ENOTDIR : access(folder, W_OK | X_OK) ? errno : 0;
    if (!reason) return CEV_OK;
    return cev_fail(cev_status_of_errno(reason), "%s: cannot be written: folder %s: %s", path, folder,
                    strerror(reason));
}

/* A file name that leaves no room for those of the lock and of the layout beside it is too long. */
static cev_status check_name(const char *path, const char *name, const char *folder)
{
    long longest = pathconf(folder, _PC_NAME_MAX);
    size_t size = strlen(path);
    if (size && path[size - 1] == '/')
        return cev_fail(CEV_E_INPUT, "%s: cannot be written: it is the name of a folder", path);
    if (longest > 0 && strlen(name) + sizeof ".lock.4194304" > (size_t)longest)
        return cev_fail(CEV_E_INPUT, "%s: cannot be written: the file name is too long", path);
    return CEV_OK;
}

cev_status job_place_check(const char *path)
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

cev_status job_place_check_owner(const char *path)
{
    struct stat s;
    char *copy = strdup(path);
    if (!copy) return cev_fail(CEV_E_MEMORY, "out of memory");
    bool trusted = is_trusted(dirname(copy), path, &s);
    free(copy);
    if (trusted) return CEV_OK;
    return cev_fail(CEV_E_INPUT,
                    "%s: cannot be written: it belongs to another user (%ld), in a folder where everybody may write",
                    path, (long)s.st_uid);
}

cev_status job_place_exists(const char *path, bool *out)
{
    struct stat s;
    *out = false;
    if (stat(path, &s)) {
        int reason = errno;
        if (reason == ENOENT) return CEV_OK;
        return cev_fail(cev_status_of_errno(reason), "%s: cannot be written: %s", path, strerror(reason));
    }
    if (!S_ISREG(s.st_mode)) return cev_fail(CEV_E_INPUT, "%s: cannot be written: it is not a file", path);
    *out = true;
    return job_place_check_owner(path);
}
