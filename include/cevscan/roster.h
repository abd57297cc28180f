/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The roster: every number that a scan gives a role, and the roles.
 *
 * A parameter is a parameter: couplings and constants of the interaction, pulls, numbers of sources, nuclei and
 * responses, and numbers of the user's own stand in one list, theta[cev_roster_n()]. The interaction's come first, in
 * the order of its table, whether they are named or not; then the guests, those others that the scan names. A pull that
 * is no guest is minimised by every fit, as ever.
 *
 * Roles: a parameter is fixed, unless it is scanned (the grid says so), profiled, that is minimised over within bounds
 * at each point, or follows others by a formula. Whatever its role, it may be constrained from elsewhere: chi2 has the
 * term ((theta - centre)/sigma)^2 then. */
#ifndef CEVSCAN_ROSTER_H
#define CEVSCAN_ROSTER_H

#include "cevscan/experiment.h"
#include "cevscan/interaction.h"
#include "cevscan/lanes.h"

enum { CEV_MAX_GUESTS = 48, CEV_MAX_PROFILED = 16, CEV_MAX_THETA = CEV_MAX_MODEL_PARAMETERS + CEV_MAX_GUESTS };

typedef enum cev_guest_kind {
    CEV_GUEST_PULL,   /* of that name: its value is given at each point, in place of being minimised */
    CEV_GUEST_NUMBER, /* of experiments: "quenching.c1" of all that have it, or "ess_csi.quenching.c1" */
    CEV_GUEST_OWN,    /* the user's: nothing but formulas read it */
} cev_guest_kind;

typedef struct cev_guest {
    cev_parameter parameter;
    cev_guest_kind kind;
    /* Of a number: the values that it can take in this scan, that of the files included, so that data of Asimov can be
     * made; models interpolate templates between them. low = high: one value in place of the files'. */
    double low, high;
} cev_guest;

typedef struct cev_profiled {
    size_t index;     /* in theta */
    double low, high; /* bounds, inclusive */
} cev_profiled;

typedef struct cev_constraint {
    size_t index;
    double centre, sigma; /* sigma > 0 */
} cev_constraint;

/* theta[index] = times * theta[of], or what a formula gives (of is SIZE_MAX then). */
typedef struct cev_follower {
    size_t index, of;
    double times;
    const char *formula; /* as written (cevscan/formula.h); NULL: tied to one parameter */
    size_t n_input;
    const size_t *input; /* [n_input], indices in theta of the parameters that the formula names */
} cev_follower;

/* Of two pulls with Gaussian constraints; where one of them is not in a fit, nothing. */
typedef struct cev_correlation {
    const char *pull[2];
    double coefficient; /* -1 < coefficient < 1; the matrix of all is positive definite */
} cev_correlation;

typedef struct cev_roster {
    const cev_interaction *interaction;
    size_t n_guest;
    const cev_guest *guest; /* [n_guest] */
    size_t n_profiled;
    const cev_profiled *profiled; /* [n_profiled], at most CEV_MAX_PROFILED */
    size_t n_constraint;
    const cev_constraint *constraint;
    size_t n_follower;
    const cev_follower *follower; /* [n_follower], each after those that it depends on */
    size_t n_correlation;
    const cev_correlation *correlation;
} cev_roster;

/* Nothing but an interaction: all of it is fixed, or scanned. */
static inline cev_roster cev_roster_of(const cev_interaction *interaction)
{
    return (cev_roster){.interaction = interaction};
}

/* Length of theta. */
size_t cev_roster_n(const cev_roster *roster);

/* Description of theta[index]. */
const cev_parameter *cev_roster_parameter(const cev_roster *roster, size_t index);

/* Index of a name in theta; cev_roster_n() if the roster does not have it. */
size_t cev_roster_index(const cev_roster *roster, const char *name);

/* Whether theta[index] is another parameter `of`, or follows it, directly or through others. */
bool cev_roster_follows(const cev_roster *roster, size_t index, size_t of);

/* Whether theta[index] changes templates, itself or through what follows it: folded anew for each value. */
bool cev_roster_is_slow(const cev_roster *roster, size_t index);

/* What evaluates the followers. One for each thread: formulas are compiled in it. NULL is one of a roster without
 * formulas. */
typedef struct cev_followers cev_followers;

cev_status cev_followers_create(const cev_roster *roster, cev_followers **out);
void cev_followers_destroy(cev_followers **followers);

/* Writes theta[] of all followers, of CEV_LANES points; and of one. NaN where a formula has no value, or one that the
 * parameter cannot have (outside of its range, say): such a point is CEV_POINT_INVALID. */
void cev_followers_apply(const cev_roster *roster, cev_followers *followers, cev_lanes *theta);
void cev_followers_apply_one(const cev_roster *roster, cev_followers *followers, double *theta);

/* Sum of ((theta - centre)/sigma)^2 over the constraints whose parameters are not profiled, at one point: constant in a
 * fit at that point. */
double cev_roster_penalty(const cev_roster *roster, const double *theta);

#endif
