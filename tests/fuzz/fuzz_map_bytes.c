/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps with bytes changed anywhere. HDF5 1.10 itself does not survive many of them (corrupted B-trees and heaps lead it
 * astray), and cannot be mended here: the program tries a map in a process of its own (src/cli/map_guard.c). So does
 * this fuzzer, and stops only for what our reader is to blame for, by the sanitizer's report on the process that died:
 * the first frame of HDF5 or ours is ours, or memory of ours was overrun. What the trial survives is read again here,
 * for the coverage. */
#include <errno.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect_bytes.h"

enum { PATIENCE_S = 5, HANGS = 99 };

static unsigned long n_input, n_killed, n_hung;
static char report[1 << 16];

/* Whether, from `from` on, a frame of the sources comes before one of HDF5. */
static bool ours_first(const char *from)
{
    const char *own = from ? strstr(from, "/src/") : NULL, *theirs = from ? strstr(from, "libhdf5") : NULL;
    return own && (!theirs || own < theirs);
}

static bool is_ours(void)
{
    if (strstr(report, "runtime error") || strstr(report, "is located in stack of"))
        return true; /* HDF5's are not watched */
    return ours_first(strstr(report, "#0 ")) || ours_first(strstr(report, "allocated by thread"));
}

static void nothing(void)
{
}

static void report_where_it_hangs(int signal_)
{
    (void)signal_;
    __sanitizer_print_stack_trace();
    _exit(HANGS);
}

/* Without what libFuzzer would do about the death of this process. */
static void try(const uint8_t *data, size_t size, int log)
{
    __sanitizer_set_death_callback(nothing);
    signal(SIGALRM, SIG_IGN);
    signal(SIGPROF, report_where_it_hangs);
    signal(SIGABRT, SIG_DFL);
    dup2(log, 2);
    setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = PATIENCE_S}, NULL); /* of its own time */
    inspect_bytes(data, size);
    _exit(0);
}

/* False if the process that tried it died. */
static bool survives(const uint8_t *data, size_t size)
{
    static FILE *log;
    int state = 0;
    if (!log) log = tmpfile();
    if (!log || ftruncate(fileno(log), 0) || lseek(fileno(log), 0, SEEK_SET)) abort();
    pid_t child = fork();
    if (child == 0) try(data, size, fileno(log));
    if (child < 0) abort();
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) abort(); /* libFuzzer's clock interrupts */
    if (state == 0) return true;
    ssize_t n = pread(fileno(log), report, sizeof report - 1, 0);
    report[n > 0 ? n : 0] = '\0';
    n_hung += WIFEXITED(state) && WEXITSTATUS(state) == HANGS;
    n_killed++;
    if (!is_ours()) return false;
    fputs(report, stderr);
    abort();
}

static void print_counts(void)
{
    fprintf(stderr, "%lu maps, of which %lu killed HDF5, %lu by taking too long\n", n_input, n_killed, n_hung);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (n_input++ == 0) {
        inspect_bytes(data, 0); /* makes the file, which all share */
        atexit(print_counts);
    }
    if (survives(data, size)) inspect_bytes(data, size);
    return 0;
}
