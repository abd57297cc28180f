/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where fits start.
 *
 * Minima of chi2 over couplings differ in the signs of charges: for each flavour, that of the vector that interferes
 * with the standard model. From a minimum, the others are looked for at its reflections, and, since pairs of couplings
 * may slide along the direction that moves the charge of no nucleus by much, at the faces of the box. */
#ifndef CEVSCAN_ENGINE_JOINT_STARTS_H
#define CEVSCAN_ENGINE_JOINT_STARTS_H

#include "joint_problem.h"

enum { JOINT_MAX_STARTS = 64 };

/* Start number k of the same sequence for every place: an additive recurrence over the box, every second one in the
 * part of it where couplings are of order one half. */
void joint_start_fixed(const joint_problem *problem, size_t k, double *z);

/* Reflections and faces of z, which is not among them, into out[JOINT_MAX_STARTS]; their number. None for interactions
 * without vectors of couplings. */
size_t joint_reflections(const joint_problem *problem, const joint_place *place, const double *z,
                         double out[JOINT_MAX_STARTS][JOINT_MAX_FREE]);

/* Vectors between flavours whose signs move no form get their first component that is not zero positive, if the box has
 * room for that and no constraint minds. */
void joint_choose_signs(const joint_problem *problem, const joint_place *place, double *z);

#endif
