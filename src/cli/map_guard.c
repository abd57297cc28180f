/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

enum { MOST_CPU_SECONDS = 120 }; /* a map of 10^10 points takes a quarter of it */

void prepare_to_be_killed(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_CPU, &(struct rlimit){MOST_CPU_SECONDS, MOST_CPU_SECONDS});
}

/* `cevscan status` on the map, in silence. Not by fork(), which networks with remote memory access do not stand; where a process
 * cannot be started, the map goes untried. */
static bool start(const char *path, pid_t *child)
{
    const char *const argv[] = {"cevscan", "status", "--try", "--", path, NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions)) return false;
    bool started = !posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) &&
                   !posix_spawn_file_actions_adddup2(&actions, 1, 2) &&
                   !posix_spawn(child, "/proc/self/exe", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return started;
}

static cev_status try_map(const char *path)
{
    pid_t child;
    int state = 0;
    if (!start(path, &child)) return CEV_OK;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return CEV_OK;
    if (!WIFSIGNALED(state)) return CEV_OK;
    int signal = WTERMSIG(state);
    if (signal == SIGKILL || signal == SIGXCPU)
        return cev_fail(CEV_E_INPUT, "%s: an HDF5 file, but damaged: HDF5 does not come to an end with it", path);
    if (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGABRT || signal == SIGILL)
        return cev_fail(CEV_E_INPUT, "%s: an HDF5 file, but damaged: HDF5 fails on it (%s)", path, strsignal(signal));
    return CEV_OK; /* stopped by someone else; so will this process be, if it is meant */
}

cev_status inspect_guarded(const char *path, cev_map_info **out)
{
    *out = NULL;
    CEV_TRY(try_map(path));
    return cev_map_inspect(path, out);
}
