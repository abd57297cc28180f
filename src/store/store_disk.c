/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* O_NOFOLLOW, O_DIRECTORY */
#include "store_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_error.h"

cev_status cev_store_reserve(const char *path)
{
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct stat s;
    if (fd < 0 || fstat(fd, &s)) {
        cev_status status = cev_store_fail(path, "reserve disk space");
        if (fd >= 0) close(fd);
        return status;
    }
    errno = posix_fallocate(fd, 0, s.st_size);
    cev_status status = CEV_OK;
    if (errno) {
        int reason = errno;
        status = cev_fail(CEV_E_IO, "%s: cannot reserve %.1f MB on the disk: %s", path, (double)s.st_size / 1e6,
                          strerror(reason));
    }
    close(fd);
    return status;
}

static cev_status flush_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    cev_status status = fd < 0 || fsync(fd) ? cev_store_fail(path, "flush to disk") : CEV_OK;
    if (fd >= 0) close(fd);
    return status;
}

cev_status cev_store_flush(const char *path)
{
    return flush_path(path, O_RDWR | O_NOFOLLOW);
}

cev_status cev_store_flush_directory_of(const char *path)
{
    char *copy = strdup(path);
    if (!copy) return cev_fail(CEV_E_MEMORY, "out of memory");
    /* Some file systems cannot flush a directory; the map is sound without it. */
    if (flush_path(dirname(copy), O_RDONLY | O_DIRECTORY) != CEV_OK) cev_error_clear();
    free(copy);
    return CEV_OK;
}
