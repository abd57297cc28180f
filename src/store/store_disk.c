/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* O_NOFOLLOW, O_DIRECTORY, fallocate */
#include "store_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_error.h"

static cev_status fail_for(const char *path, const char *what, int reason)
{
    return cev_fail(CEV_E_IO, "%s: cannot %s: %s", path, what, strerror(reason));
}

cev_status cev_store_check_file(const char *path)
{
    struct stat s;
    if (stat(path, &s)) {
        int reason = errno;
        return cev_fail(cev_status_of_errno(reason), "%s: cannot read: %s", path, strerror(reason));
    }
    if (S_ISREG(s.st_mode)) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "%s: %s, not a file", path,
                    S_ISDIR(s.st_mode)    ? "a folder"
                    : S_ISFIFO(s.st_mode) ? "a pipe"
                                          : "a device");
}

/* fallocate() itself: posix_fallocate() writes where the file system cannot reserve, which takes as long as the data.
 * In pieces, so that a signal finds its way in. */
static int reserve_blocks(int fd, off_t size)
{
    const off_t piece = (off_t)1 << 30;
    for (off_t at = 0; at < size;) {
        off_t n = size - at < piece ? size - at : piece;
        if (fallocate(fd, 0, at, n) == 0)
            at += n;
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

static bool means_no_such_call(int reason)
{
    return reason == EOPNOTSUPP || reason == ENOTSUP || reason == ENOSYS || reason == EINVAL || reason == EPERM;
}

cev_status cev_store_reserve(const char *path)
{
    struct stat s;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fail_for(path, "reserve disk space", errno);
    int reason = fstat(fd, &s) ? errno : reserve_blocks(fd, s.st_size);
    close(fd);
    if (!reason || means_no_such_call(reason)) return CEV_OK;
    return cev_fail(CEV_E_IO, "%s: cannot reserve %.1f MB on the disk: %s", path, (double)s.st_size / 1e6,
                    strerror(reason));
}

static cev_status flush_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    int reason = fd < 0 || fsync(fd) ? errno : 0;
    if (fd >= 0) close(fd);
    return reason ? fail_for(path, "flush to disk", reason) : CEV_OK;
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

cev_status cev_store_share(const char *path, int *descriptor)
{
    *descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (*descriptor < 0) return fail_for(path, "open the map", errno);
    int reason = flock(*descriptor, LOCK_SH | LOCK_NB) ? errno : 0;
    if (!reason) return CEV_OK;
    close(*descriptor);
    *descriptor = -1;
    if (reason != EWOULDBLOCK) return CEV_OK; /* no such locks here */
    return cev_fail(CEV_E_INPUT, "%s: another program has it open for writing", path);
}

/* 1.10 has the call from 1.10.7 on, 1.12 from 1.12.1 on. Older ones are told by HDF5_USE_FILE_LOCKING alone. */
static void without_locks(hid_t access)
{
#if (H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 10 && H5_VERS_RELEASE >= 7) || H5_VERSION_GE(1, 12, 1)
    H5Pset_file_locking(access, 0, 1);
#else
    (void)access;
#endif
}

hid_t cev_store_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    without_locks(access);
    return access;
}
