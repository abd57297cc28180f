/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* pipe2 */
#include "map_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

extern char **environ;

enum { NOT_STARTED = 127 }; /* of posix_spawn */


static rlim_t memory_of_this_process(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    if (file && fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* A length that the disk got wrong must not take all memory either: more than the file holds is not needed. */
void prepare_to_be_killed(const char *path)
{
    struct stat s;
    const rlim_t plenty = (rlim_t)1 << 30,
                 slow = (rlim_t)1 << 27; /* bytes; bytes of a map that take no second to look through */
    rlim_t size = stat(path, &s) ? 0 : (rlim_t)s.st_size, memory = memory_of_this_process() + plenty + size,
           seconds = 20 + size / slow;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds + 1});
    setrlimit(RLIMIT_DATA, &(struct rlimit){memory, memory});
}

/* `cevscan status` on the map; what it prints to stderr goes into the pipe. Not by fork(), which networks with remote
 * memory access do not stand. */
static bool start(const char *path, const int pipe_end[2], pid_t *child)
{
    const char *const argv[] = {"cevscan", "status", "--try", "--", path, NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions)) return false;
    bool started = !posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) &&
                   !posix_spawn_file_actions_adddup2(&actions, pipe_end[1], 2) &&
                   !posix_spawn(child, "/proc/self/exe", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return started;
}

static void read_all(int fd, char *text, size_t size)
{
    size_t n = 0;
    for (ssize_t k; (k = read(fd, text + n, size - 1 - n)) > 0 || (k < 0 && errno == EINTR);)
        n += k > 0 ? (size_t)k : 0;
    text[n] = '\0';
}

/* Its wait status, and what it said; 0 where it could not be started, and the map goes untried. */
static int outcome_of_trial(const char *path, char *said, size_t size)
{
    int pipe_end[2], state = 0;
    pid_t child;
    *said = '\0';
    if (pipe2(pipe_end, O_CLOEXEC)) return 0;
    bool started = start(path, pipe_end, &child);
    close(pipe_end[1]);
    if (started) read_all(pipe_end[0], said, size);
    close(pipe_end[0]);
    while (started && waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return 0;
    return state;
}

cev_status try_guarded(const char *path)
{
    static const char prefix[] = "cevscan: error: ";
    char said[4096];
    int state = outcome_of_trial(path, said, sizeof said), signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
    if (signal == SIGKILL || signal == SIGXCPU)
        return cev_fail(CEV_E_INPUT,
                        "%s: could not be checked in time: HDF5 does not come to an end with it within its seconds of "
                        "processor time or its memory",
                        path);
    if (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGABRT || signal == SIGILL)
        return cev_fail(CEV_E_INPUT, "%s: an HDF5 file, but damaged: HDF5 fails on it (%s)", path, strsignal(signal));
    int code = WIFEXITED(state) ? WEXITSTATUS(state) : 0;
    if (code != EXIT_COMPLETE && code != EXIT_BAD_INPUT && code != EXIT_IO &&
        code != NOT_STARTED) /* sanitizers catch signals */
        return cev_fail(CEV_E_INPUT, "%s: an HDF5 file, but damaged: HDF5 fails on it (exit code %d)", path, code);
    if ((code != EXIT_BAD_INPUT && code != EXIT_IO) || strncmp(said, prefix, strlen(prefix))) return CEV_OK;
    said[strcspn(said, "\n")] = '\0';
    return cev_fail(code == EXIT_IO ? CEV_E_IO : CEV_E_INPUT, "%s", said + strlen(prefix));
}
