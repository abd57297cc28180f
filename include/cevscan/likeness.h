/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Experiments that cannot be told apart: a study has many that differ in little or nothing. Compared number by number,
 * without folding; names and titles do not count. */
#ifndef CEVSCAN_LIKENESS_H
#define CEVSCAN_LIKENESS_H

#include "cevscan/experiment.h"

/* Whether both see the same recoils of the same nuclei from the same source, so that a parameter moves either both or
 * none: exposure of the target, backgrounds, pulls and data do not count. */
bool cev_see_alike(const cev_experiment *one, const cev_experiment *other);

/* Whether everything that a fit of them computes is the same, what they observed included if `observed`. */
bool cev_fit_alike(const cev_experiment *one, const cev_experiment *other, bool observed);

#endif
