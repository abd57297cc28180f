/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded: calls that touch a file whose name ends in $FAIL_FILE fail with errno $FAIL_ERRNO, from the $FAIL_AT-th on
 * (with $FAIL_ONCE only that one), on rank $FAIL_RANK (default: all). $FAIL_CALL is write (default), read, open,
 * fallocate, fsync, rename, flock or lock (fcntl's). With $FAIL_OFFSET only writes of that byte count. With $FAIL_HOLD
 * they do not fail but stand still: the first makes the file of that name, and they go on when it is gone. With
 * $FAIL_SLOW_MS they take so long. With $FAIL_SHORT a write transfers half of its bytes instead, as POSIX
 * allows. $FAIL_COUNT names a file that gets the number of such calls at the end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_long calls;

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value ? value : otherwise;
}

static bool ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return m > 0 && n >= m && !strcmp(path + n - m, end);
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&t, &t) && errno == EINTR) continue;
}

/* Instead of failing: false, so that the call is made. */
static bool stands_still(void)
{
    const char *hold = getenv("FAIL_HOLD"), *slow = getenv("FAIL_SLOW_MS");
    int before = errno;
    if (slow) pause_ms(atol(slow));
    if (hold) {
        FILE *file = NEXT(fopen)(hold, "w");
        if (file) fclose(file);
        while (!access(hold, F_OK)) pause_ms(10);
    }
    errno = before;
    return slow || hold;
}

static bool fails_at(const char *call, const char *path)
{
    const char *rank = getenv("FAIL_RANK");
    if (strcmp(call, setting("FAIL_CALL", "write")) || !ends_in(path, setting("FAIL_FILE", ""))) return false;
    if (rank && strcmp(rank, setting("OMPI_COMM_WORLD_RANK", "0"))) return false;
    long n = 1 + atomic_fetch_add(&calls, 1), at = atol(setting("FAIL_AT", "1"));
    if (getenv("FAIL_ONCE") ? n != at : n < at) return false;
    if (stands_still()) return false;
    errno = atoi(setting("FAIL_ERRNO", "5"));
    return true;
}

static bool fails(const char *call, int fd)
{
    char link[64], path[4096];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    errno = before;
    if (n < 0) return false;
    path[n] = '\0';
    return fails_at(call, path);
}

__attribute__((destructor)) static void count(void)
{
    const char *path = getenv("FAIL_COUNT");
    FILE *file = path && calls ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", (long)calls);
    fclose(file);
}

/* A write at a place. */
static bool fails_there(int fd, off_t at, size_t n)
{
    const char *wanted = getenv("FAIL_OFFSET");
    off_t place = wanted ? atoll(wanted) : at;
    return place >= at && place < at + (off_t)n && fails("write", fd);
}

static size_t length_of(const struct iovec *data, int n)
{
    size_t sum = 0;
    for (int k = 0; k < n; k++) sum += data[k].iov_len;
    return sum;
}

static ssize_t half_of(int fd, const void *data, size_t n, off_t at)
{
    return getenv("FAIL_SHORT") && n > 1 ? NEXT(pwrite)(fd, data, n / 2, at) : -1;
}

ssize_t write(int fd, const void *data, size_t n)
{
    return fails_there(fd, lseek(fd, 0, SEEK_CUR), n) ? -1 : NEXT(write)(fd, data, n);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    return fails_there(fd, at, n) ? half_of(fd, data, n, at) : NEXT(pwrite)(fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    return fails_there(fd, at, n) ? half_of(fd, data, n, at) : NEXT(pwrite64)(fd, data, n, at);
}

ssize_t pwritev(int fd, const struct iovec *data, int n, off_t at)
{
    bool failing = fails_there(fd, at, length_of(data, n));
    return failing ? half_of(fd, data->iov_base, data->iov_len, at) : NEXT(pwritev)(fd, data, n, at);
}

ssize_t pwritev64(int fd, const struct iovec *data, int n, off64_t at)
{
    bool failing = fails_there(fd, at, length_of(data, n));
    return failing ? half_of(fd, data->iov_base, data->iov_len, at) : NEXT(pwritev64)(fd, data, n, at);
}

ssize_t read(int fd, void *data, size_t n)
{
    return fails("read", fd) ? -1 : NEXT(read)(fd, data, n);
}

ssize_t pread(int fd, void *data, size_t n, off_t at)
{
    return fails("read", fd) ? -1 : NEXT(pread)(fd, data, n, at);
}

ssize_t pread64(int fd, void *data, size_t n, off64_t at)
{
    return fails("read", fd) ? -1 : NEXT(pread64)(fd, data, n, at);
}

ssize_t preadv(int fd, const struct iovec *data, int n, off_t at)
{
    return fails("read", fd) ? -1 : NEXT(preadv)(fd, data, n, at);
}

ssize_t preadv64(int fd, const struct iovec *data, int n, off64_t at)
{
    return fails("read", fd) ? -1 : NEXT(preadv64)(fd, data, n, at);
}

int posix_fallocate(int fd, off_t at, off_t n)
{
    int before = errno, result = fails("fallocate", fd) ? errno : 0;
    errno = before;
    return result ? result : NEXT(posix_fallocate)(fd, at, n);
}

int posix_fallocate64(int fd, off64_t at, off64_t n)
{
    int before = errno, result = fails("fallocate", fd) ? errno : 0;
    errno = before;
    return result ? result : NEXT(posix_fallocate64)(fd, at, n);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    return fails("fallocate", fd) ? -1 : NEXT(fallocate)(fd, mode, at, n);
}

int fallocate64(int fd, int mode, off64_t at, off64_t n)
{
    return fails("fallocate", fd) ? -1 : NEXT(fallocate64)(fd, mode, at, n);
}

int fsync(int fd)
{
    return fails("fsync", fd) ? -1 : NEXT(fsync)(fd);
}

int flock(int fd, int what)
{
    return fails("flock", fd) ? -1 : NEXT(flock)(fd, what);
}

static bool sets_a_lock(int what)
{
    return what == F_SETLK || what == F_SETLKW;
}

int fcntl(int fd, int what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    void *argument = va_arg(arguments, void *); /* whatever it is: the kernel takes it in one register */
    va_end(arguments);
    return sets_a_lock(what) && fails("lock", fd) ? -1 : NEXT(fcntl)(fd, what, argument);
}

int fcntl64(int fd, int what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return sets_a_lock(what) && fails("lock", fd) ? -1 : NEXT(fcntl64)(fd, what, argument);
}

int rename(const char *from, const char *to)
{
    return fails_at("rename", from) ? -1 : NEXT(rename)(from, to);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails_at("open", path) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails_at("open", path) ? -1 : NEXT(open64)(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    return fails_at("open", path) ? NULL : NEXT(fopen)(path, mode);
}
