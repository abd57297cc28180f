/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the author of a scan or a study may not have meant. Nothing of it is wrong; what is wrong is refused when the
 * file is read. In sentences without a line's end, each once for a whole study. */
#ifndef CEVSCAN_REMARKS_H
#define CEVSCAN_REMARKS_H

#include "cevscan/study.h"

/* A warning is about a part of the input that changes nothing, or not what it seems to; a note says what was assumed.
 */
typedef struct cev_remark {
    bool warning;
    const char *text;
} cev_remark;

typedef struct cev_remarks {
    size_t n;
    const cev_remark *remark; /* [n] */
} cev_remarks;

/* Lives in the arena. Computed without folding (cevscan/influence.h). */
cev_status cev_scan_remarks(cev_arena *arena, const cev_scan_config *scan, cev_remarks *out);
cev_status cev_study_remarks(cev_arena *arena, const cev_study_config *study, cev_remarks *out);

/* Why no value of parameter p changes anything that the scan's experiments expect, in words that follow the parameter's
 * name; NULL if some value may. `without` marks experiments that are left out (NULL: none). */
cev_status cev_scan_why_idle(cev_arena *arena, const cev_scan_config *scan, size_t p, const bool *without,
                             const char **why);

/* The papers whose choices of sin^2 theta_W, of the term T/E and the like a point mixes, as a sentence; NULL if it
 * follows one interaction's, or the user's own. theta[n_parameter]; scanned[n_parameter] are left out (NULL: none). */
cev_status cev_conventions_mixed(cev_arena *arena, const cev_interaction *interaction, const double *theta,
                                 const bool *scanned, const char **out);

#endif
