/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* O_NOFOLLOW and friends */
#include "cevscan/map_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RENEWAL_S = 2, WATCH_S = 12, SETTLE_MS = 300, TEXT_SIZE = 768, NAME_SIZE = 256 };

#define LOCK_WORD "cevscan-lock"

/* What a lock file says. */
typedef struct holder {
    char host[NAME_SIZE], job[64];
    char boot[64], pid_space[64]; /* containers share a host's name, or have another's: a pid is known within these */
    long pid, restart;
    unsigned long long born; /* of the process, in clock ticks since the host's start */
} holder;

struct cev_map_lock {
    char *path;
    char text[TEXT_SIZE]; /* of our lock file */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool ending;
    atomic_bool lost;
};

/* --- who is who ------------------------------------------------------------------------------------------------- */

/* Field 22 of /proc/PID/stat; 0 if there is no such process, or only its zombie. A pid comes back, one with a birthday
 * does not. */
static unsigned long long birthday(long pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *after_name = strrchr(text, ')');
    unsigned long long born = 0;
    char state = 'X';
    if (after_name)
        sscanf(after_name + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &state, &born);
    return state == 'Z' || state == 'X' ? 0 : born;
}

static const char *word_or_dash(const char *text)
{
    return text && *text && !strpbrk(text, " \n") && strlen(text) < 64 ? text : "-";
}

/* One word that the kernel says about where we run: a line of a file, or what a link leads to. "-" if it does not. */
static void ask_kernel(const char *path, bool is_link, char out[64])
{
    char text[64] = "";
    ssize_t n = -1;
    if (is_link) {
        n = readlink(path, text, sizeof text - 1);
    } else {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) n = read(fd, text, sizeof text - 1);
        if (fd >= 0) close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    snprintf(out, 64, "%s", word_or_dash(text));
}

static holder ourselves(void)
{
    holder h = {.pid = (long)getpid()};
    if (gethostname(h.host, sizeof h.host - 1) || !h.host[0]) snprintf(h.host, sizeof h.host, "unknown");
    snprintf(h.job, sizeof h.job, "%s", word_or_dash(getenv("SLURM_JOB_ID")));
    const char *restart = getenv("SLURM_RESTART_COUNT");
    h.restart = restart ? strtol(restart, NULL, 10) : 0;
    h.born = birthday(h.pid);
    ask_kernel("/proc/sys/kernel/random/boot_id", false, h.boot);
    ask_kernel("/proc/self/ns/pid", true, h.pid_space);
    return h;
}

static void print_holder(const holder *h, char *text)
{
    snprintf(text, TEXT_SIZE, "cevscan-lock 1 host %s pid %ld born %llu job %s restart %ld boot %s pidns %s\n", h->host,
             h->pid, h->born, h->job, h->restart, h->boot, h->pid_space);
}

/* Older programs did not say where a pid is known. */
static bool parse_holder(const char *text, holder *h)
{
    snprintf(h->boot, sizeof h->boot, "unknown");
    snprintf(h->pid_space, sizeof h->pid_space, "unknown");
    return sscanf(text, "cevscan-lock 1 host %255s pid %ld born %llu job %63s restart %ld boot %63s pidns %63s",
                  h->host, &h->pid, &h->born, h->job, &h->restart, h->boot, h->pid_space) >= 5;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

/* Size of the text, 0 for a lock that is being written, -1 if it cannot be read. */
static ssize_t read_lock(const char *path, char *text, struct timespec *renewed)
{
    struct stat s;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = fstat(fd, &s) ? -1 : read(fd, text, TEXT_SIZE - 1);
    int reason = errno;
    close(fd);
    errno = reason;
    if (n < 0) return -1;
    text[n] = '\0';
    if (renewed) *renewed = s.st_mtim;
    return n;
}

static cev_status write_new(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) {
        int why = errno;
        cev_status status = cev_fail(cev_status_of_errno(why), "%s: cannot be written: %s", path, strerror(why));
        errno = why;
        return status;
    }
    size_t size = strlen(text);
    bool written = write(fd, text, size) == (ssize_t)size;
    int reason = errno;
    if (close(fd) && written) written = false, reason = errno;
    if (written) return CEV_OK;
    unlink(path);
    return cev_fail(CEV_E_IO, "%s: cannot write the lock: %s", path, strerror(reason));
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* --- taking it -------------------------------------------------------------------------------------------------- */

static bool renewed_while_watching(const char *path, struct timespec before)
{
    char text[TEXT_SIZE];
    for (int second = 0; second < WATCH_S; second++) {
        struct timespec now;
        pause_ms(1000);
        if (read_lock(path, text, &now) < 0) return errno != ENOENT;
        if (now.tv_sec != before.tv_sec || now.tv_nsec != before.tv_nsec) return true;
    }
    return false;
}

/* Whether their pid means to us what it means to them. */
static bool is_of_one_place(const holder *them, const holder *us)
{
    return !strcmp(them->host, us->host) && !strcmp(them->boot, us->boot) && !strcmp(them->pid_space, us->pid_space);
}

static bool is_known_to_be_gone(const holder *them, const holder *us)
{
    if (is_of_one_place(them, us)) return birthday(them->pid) != them->born;
    return strcmp(them->job, "-") && !strcmp(them->job, us->job) && them->restart < us->restart;
}

static bool holder_is_gone(const char *path, const holder *them, const holder *us, struct timespec renewed)
{
    if (is_known_to_be_gone(them, us)) return true;
    return !is_of_one_place(them, us) && !renewed_while_watching(path, renewed);
}

static cev_status refuse(const char *path, const holder *them)
{
    char job[96] = "";
    if (strcmp(them->job, "-")) snprintf(job, sizeof job, ", SLURM job %s", them->job);
    return cev_fail(CEV_E_INPUT,
                    "%.*s: another job is writing this map: process %ld on host %s%s (if it is not, remove %s)",
                    (int)(strlen(path) - strlen(".lock")), path, them->pid, them->host, job, path);
}

/* Replaces the lock that said `theirs` by ours. Two jobs may do so at once; the later rename wins, and both see it. */
static cev_status replace(const char *path, const char *theirs, const char *ours)
{
    char text[TEXT_SIZE], temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid()) >= (int)sizeof temporary)
        return cev_fail(CEV_E_INPUT, "%s: the name is too long", path);
    unlink(temporary);
    CEV_TRY(write_new(temporary, ours));
    bool unchanged = read_lock(path, text, NULL) >= 0 ? !strcmp(text, theirs) : errno == ENOENT;
    if (!unchanged || rename(temporary, path)) {
        unlink(temporary);
        return cev_fail(CEV_E_INPUT, "%s: another job takes this lock over at this very moment", path);
    }
    pause_ms(SETTLE_MS);
    if (read_lock(path, text, NULL) >= 0 && !strcmp(text, ours)) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "%s: another job has taken this lock over at the same moment", path);
}

static cev_status take_file(const char *path, const char *ours)
{
    char theirs[TEXT_SIZE];
    struct timespec renewed;
    holder them, us = ourselves();
    cev_status status = write_new(path, ours);
    if (status == CEV_OK || errno != EEXIST) return status;
    ssize_t size = read_lock(path, theirs, &renewed);
    if (size < 0 && errno == ENOENT) return write_new(path, ours); /* given back this moment */
    if (size < 0) return cev_fail(CEV_E_IO, "%s: cannot read the lock: %s", path, strerror(errno));
    if (strncmp(theirs, LOCK_WORD, (size_t)size < strlen(LOCK_WORD) ? (size_t)size : strlen(LOCK_WORD)))
        return cev_fail(CEV_E_INPUT, "%s: is there, and is no lock of this program; it is left alone", path);
    if (!parse_holder(theirs, &them)) {
        /* Empty or torn: its writer is a moment old, or died in that moment. */
        if (renewed_while_watching(path, renewed))
            return cev_fail(CEV_E_INPUT, "%s: another job is taking this lock", path);
    } else if (!holder_is_gone(path, &them, &us, renewed)) {
        return refuse(path, &them);
    }
    return replace(path, theirs, ours);
}

/* --- keeping it ------------------------------------------------------------------------------------------------- */

static void renew(cev_map_lock *lock)
{
    char text[TEXT_SIZE];
    ssize_t n = read_lock(lock->path, text, NULL);
    if (n >= 0 ? strcmp(text, lock->text) != 0 : errno == ENOENT)
        atomic_store(&lock->lost, true);
    else
        utimensat(AT_FDCWD, lock->path, NULL, AT_SYMLINK_NOFOLLOW);
}

static void *keep_renewing(void *context)
{
    cev_map_lock *lock = context;
    pthread_mutex_lock(&lock->mutex);
    while (!lock->ending && !atomic_load(&lock->lost)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += RENEWAL_S;
        if (pthread_cond_timedwait(&lock->wake, &lock->mutex, &until) == ETIMEDOUT) renew(lock);
    }
    pthread_mutex_unlock(&lock->mutex);
    return NULL;
}

/* Signals are for the main thread. */
static cev_status start_thread(cev_map_lock *lock)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    lock->has_thread = pthread_create(&lock->thread, NULL, keep_renewing, lock) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return lock->has_thread ? CEV_OK : cev_fail(CEV_E_MEMORY, "cannot start a thread");
}

cev_status cev_map_lock_take(const char *map_path, cev_map_lock **out)
{
    *out = calloc(1, sizeof **out);
    cev_map_lock *lock = *out;
    size_t size = strlen(map_path) + sizeof ".lock";
    if (!lock || !(lock->path = malloc(size))) {
        free(lock);
        *out = NULL;
        return cev_fail(CEV_E_MEMORY, "out of memory");
    }
    snprintf(lock->path, size, "%s.lock", map_path);
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_cond_init(&lock->wake, NULL);
    atomic_init(&lock->lost, false);
    holder us = ourselves();
    print_holder(&us, lock->text);
    cev_status status = take_file(lock->path, lock->text);
    if (status != CEV_OK)
        atomic_store(&lock->lost, true); /* not ours to remove */
    else
        status = start_thread(lock);
    if (status != CEV_OK) cev_map_lock_release(out);
    return status;
}

bool cev_map_lock_lost(const cev_map_lock *lock)
{
    return atomic_load(&lock->lost);
}

void cev_map_lock_release(cev_map_lock **lock)
{
    if (!lock || !*lock) return;
    cev_map_lock *l = *lock;
    if (l->has_thread) {
        pthread_mutex_lock(&l->mutex);
        l->ending = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->mutex);
        pthread_join(l->thread, NULL);
    }
    renew(l);
    if (!atomic_load(&l->lost)) unlink(l->path);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->mutex);
    free(l->path);
    free(l);
    *lock = NULL;
}

void cev_map_lock_sweep(const char *map_path)
{
    char path[PATH_MAX], text[TEXT_SIZE];
    holder them, us = ourselves();
    if (snprintf(path, sizeof path, "%s.lock", map_path) >= (int)sizeof path) return;
    if (read_lock(path, text, NULL) < 0 || !parse_holder(text, &them) || !is_known_to_be_gone(&them, &us)) return;
    cev_map_lock *lock;
    if (cev_map_lock_take(map_path, &lock) == CEV_OK) cev_map_lock_release(&lock);
    cev_error_clear(); /* a folder that may not be written keeps it */
}
