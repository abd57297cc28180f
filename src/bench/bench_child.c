/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench_child.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *bench_own_path(void)
{
    static _Thread_local char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return "cevscan";
    path[n] = '\0';
    return path;
}

cev_status bench_make_folder(char *out, size_t size)
{
    const char *parent = getenv("TMPDIR");
    int n = snprintf(out, size, "%s/cevscan-bench-XXXXXX", parent && *parent ? parent : "/tmp");
    if (n < 0 || (size_t)n >= size || !mkdtemp(out))
        return cev_fail(CEV_E_IO, "%s: cannot be made: %s", out, strerror(errno));
    return CEV_OK;
}

static void become(const char *const *command, int to)
{
    dup2(to, STDOUT_FILENO);
    execvp(command[0], (char *const *)(uintptr_t)command); /* which does not write into it, whatever its type says */
    _exit(127);
}

cev_status bench_child(const char *const *command, json_t **out)
{
    int ends[2], how = 0;
    json_error_t error;
    fflush(NULL);
    if (pipe(ends)) return cev_fail(CEV_E_IO, "no pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) become(command, ends[1]);
    close(ends[1]);
    *out = child > 0 ? json_loadfd(ends[0], JSON_DISABLE_EOF_CHECK, &error) : NULL;
    close(ends[0]);
    while (child > 0 && waitpid(child, &how, 0) < 0 && errno == EINTR) continue;
    if (child > 0 && *out && WIFEXITED(how) && WEXITSTATUS(how) <= 1) return CEV_OK;
    json_decref(*out);
    *out = NULL;
    return cev_fail(CEV_E_IO, "%s failed (%s %d)", command[0], WIFEXITED(how) ? "exit code" : "signal",
                    WIFEXITED(how) ? WEXITSTATUS(how) : WTERMSIG(how));
}
