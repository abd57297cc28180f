/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stop.h"

#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "progress_line.h"

/* A signal handler can reach nothing else. */
static volatile sig_atomic_t noted;
static double deadline = INFINITY; /* monotonic seconds */

static void note_signal(int number)
{
    int reason = number == SIGINT ? CEV_STOP_INTERRUPTED : CEV_STOP_RESUME_LATER;
    if (noted) _exit(reason == CEV_STOP_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_STOPPED);
    noted = reason;
}

void stop_on_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART; /* no system call of MPI or HDF5 is cut short */
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

void stop_after(double seconds)
{
    double then = monotonic_s() + seconds;
    if (then < deadline) deadline = then;
}

cev_stop stop_wanted(void)
{
    if (noted) return (cev_stop)noted;
    return deadline < INFINITY && monotonic_s() > deadline ? CEV_STOP_RESUME_LATER : CEV_STOP_NONE;
}

bool parse_time_limit(const char *text, double *seconds)
{
    unsigned part[3];
    unsigned long days = 0;
    char *end;
    int n = 0;
    bool with_days = strchr(text, '-') != NULL;
    if (with_days) {
        days = strtoul(text, &end, 10);
        if (end == text || *end != '-' || days > 10000) return false;
        text = end + 1;
    }
    for (;; text = end + 1) {
        if (!isdigit((unsigned char)*text) || n == 3) return false;
        unsigned long value = strtoul(text, &end, 10);
        if (value > 100000000) return false;
        part[n++] = (unsigned)value;
        if (*end == '\0') break;
        if (*end != ':') return false;
    }
    double sum = 0;
    for (int k = 0; k < n; k++) sum = 60 * sum + part[k];
    for (int k = n; k < 3 && with_days; k++) sum *= 60; /* behind days stand hours first */
    *seconds = sum + 86400.0 * (double)days;
    return *seconds > 0;
}

static double ask_squeue(const char *job)
{
    char query[128], answer[64] = "";
    double seconds;
    for (const char *c = job; *c; c++)
        if (!isdigit((unsigned char)*c)) return INFINITY;
    if (snprintf(query, sizeof query, "squeue -h -j %s -o %%L 2>/dev/null", job) >= (int)sizeof query) return INFINITY;
    FILE *pipe = popen(query, "r");
    if (!pipe) return INFINITY;
    if (!fgets(answer, sizeof answer, pipe)) answer[0] = '\0';
    pclose(pipe);
    answer[strcspn(answer, " \n")] = '\0';
    return parse_time_limit(answer, &seconds) ? seconds : INFINITY;
}

double slurm_seconds_left(void)
{
    const char *job = getenv("SLURM_JOB_ID"), *end = getenv("SLURM_JOB_END_TIME");
    if (!job || !*job) return INFINITY;
    double seconds = end ? difftime((time_t)strtoll(end, NULL, 10), time(NULL)) : 0;
    return seconds > 0 ? seconds : ask_squeue(job);
}
