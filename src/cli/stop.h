/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reasons to end a run early: signals, and the time that is left.
 *
 * SIGUSR1 and SIGTERM ask for an orderly stop that a later job resumes, SIGINT for the same by the user's hand. The
 * first signal is noted and acted upon between tiles; the second ends the process at once, which the map survives. */
#ifndef CEVSCAN_CLI_STOP_H
#define CEVSCAN_CLI_STOP_H

#include <stdbool.h>

#include "cevscan/job.h"

/* Takes the three signals over. */
void stop_on_signals(void);

/* Also stop `seconds` from now. */
void stop_after(double seconds);

cev_stop stop_wanted(void);

/* "90", "5:00", "1:30:00", "2-12", "2-12:30" or "2-00:00:00", in seconds; false if it is none of them. As SLURM writes
 * them, but for a number alone, which is seconds. */
bool parse_time_limit(const char *text, double *seconds);

/* Seconds until SLURM ends this job: from its environment, or by asking squeue; infinite outside of a job or if it
 * does not say. */
double slurm_seconds_left(void);

#endif
