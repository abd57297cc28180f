/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is minimised over, and what it makes of the forms.
 *
 * The free parameters x of a problem are looked at as z = (x - middle)/width of their bounds, from -1/2 to 1/2, so that
 * lengths and curvatures of different parameters can be compared. Parameters that move no count are idle: they have no
 * part in a fit, and rest at their constraint's centre, or at their default, as near as bounds allow.
 *
 * Forms depend on z through the parameters themselves and through those that follow them. Where they are quadratic in z
 * (couplings of a current), a place keeps the expansion about the middle, and nothing but a few sums is left for a fit
 * to do; elsewhere the interaction is asked each time. Their second derivatives are the same all over the scan, unless
 * a formula, or a number that templates are interpolated in, makes them different from place to place. */
#ifndef CEVSCAN_ENGINE_JOINT_PROBLEM_H
#define CEVSCAN_ENGINE_JOINT_PROBLEM_H

#include "joint_chi2.h"

enum { JOINT_MAX_FREE = CEV_MAX_PROFILED + CEV_MAX_AXES, JOINT_MAX_BENDS = 512 };

typedef struct joint_free {
    size_t index; /* in theta */
    double low, high, rest;
    double centre, weight; /* (x - centre)^2 weight is added to chi2, */
    double apart;          /* and this: what constraints of one parameter have against each other */
} joint_free;

/* Second derivative of live form f with respect to z_a and z_b, b <= a. */
typedef struct joint_bend {
    size_t a, b, f;
    double value;
} joint_bend;

typedef struct joint_problem {
    const joint_chi2 *chi2;
    const cev_roster *roster;
    size_t n_theta, n_form, n_variable;
    size_t n_given, given[CEV_MAX_GUESTS]; /* pulls among the guests, in theta */
    size_t n_all;
    joint_free all[JOINT_MAX_FREE];
    size_t n;                  /* those that are not idle: the length of z, */
    size_t of[JOINT_MAX_FREE]; /* their numbers among all, */
    double middle[JOINT_MAX_FREE], width[JOINT_MAX_FREE], centre[JOINT_MAX_FREE], weight[JOINT_MAX_FREE]; /* in z */
    size_t n_live, live[JOINT_MAX_FORMS]; /* forms that z moves and chi2 knows */
    /* What of theta moves with x: the free parameters and their followers, here without idle ones. */
    size_t n_carrier, carrier[CEV_MAX_THETA];
    double carry[CEV_MAX_THETA][JOINT_MAX_FREE]; /* dtheta/dz of ties */
    bool has_formulas;                           /* among the carriers: carry is found by differences then, */
    bool affine;                                 /* exactly, where formulas are linear in z, whatever else is in them */
    bool expands;                                /* forms are quadratic in z at each place, */
    bool quadratic;                              /* with the same second derivatives at all of them */
    size_t n_bend;
    joint_bend bend[JOINT_MAX_BENDS];
} joint_problem;

/* What a thread needs beside a problem. */
typedef struct joint_work joint_work;

/* A point of the grid: all that is fixed in a fit there. */
typedef struct joint_place {
    double theta[CEV_MAX_THETA]; /* z = 0, followers included */
    double penalty;              /* of constraints that do not move with z */
    double *form;                /* [n_form] at z = 0 */
    double *slope;               /* [n][n_live] there, if forms expand */
    double *bend;                /* [n_bend] of this place, if they expand */
} joint_place;

/* Profiled parameters of the roster, and `n_more` others; n_more + n_profiled <= JOINT_MAX_FREE. CEV_E_INPUT if a pull
 * that is given follows one of them. To be refreshed, by one thread, before its first use and whenever the models are
 * folded anew. */
cev_status joint_problem_create(cev_arena *arena, const joint_chi2 *chi2, const cev_roster *roster, size_t n_more,
                                const joint_free *more, joint_problem **out);
void joint_problem_refresh(joint_problem *problem, joint_work *work, const double *theta);

/* How large problems are that a thread works at in turn: the largest number of each. */
typedef struct joint_sizes {
    size_t n_all, n_form, n_variable, n_pull, n_carrier;
} joint_sizes;

void joint_sizes_include(joint_sizes *sizes, const joint_problem *problem);

/* Scratch memory of chi2 and what evaluates the followers are set by whoever gives the thread a problem. */
cev_status joint_work_create(const joint_sizes *sizes, joint_work **out);
void joint_work_destroy(joint_work **work);

/* Memory of places, [n]. */
cev_status joint_places_new(cev_arena *arena, const joint_sizes *sizes, size_t n, joint_place **out);

/* A place at theta[n_theta]; its free parameters and followers are not looked at. */
void joint_place_open(const joint_problem *problem, joint_work *work, const double *theta, joint_place *out);

/* theta at z. */
void joint_theta(const joint_problem *problem, joint_work *work, const joint_place *place, const double *z,
                 double *theta);

/* Live forms at z, into form[n_live]; their derivatives into slope[n][n_live]; all forms, into form[n_form]. */
void joint_live_forms(const joint_problem *problem, joint_work *work, const joint_place *place, const double *z,
                      double *form);
void joint_live_slopes(const joint_problem *problem, joint_work *work, const joint_place *place, const double *z,
                       double *slope);
void joint_all_forms(const joint_problem *problem, joint_work *work, const joint_place *place, const double *z,
                     double *form);

/* Adds sum_f gradient[f] d2F_f/dz_a dz_b to h[n][n], symmetric. */
void joint_add_bends(const joint_problem *problem, joint_work *work, const joint_place *place, const double *z,
                     const double *gradient, double h[JOINT_MAX_FREE][JOINT_MAX_FREE]);

/* Sum of weight (z - centre)^2. */
static inline double joint_prior(const joint_problem *p, const double *z)
{
    double sum = 0;
    for (size_t a = 0; a < p->n; a++) sum += p->weight[a] * (z[a] - p->centre[a]) * (z[a] - p->centre[a]);
    return sum;
}

struct joint_work {
    cev_arena *arena;
    joint_scratch *scratch;   /* not owned, like the next */
    cev_followers *followers; /* or NULL */
    double *first, *second;   /* derivatives with respect to carriers */
    double *form;             /* [n_form] */
    double *slope, *trial;    /* [n][n_live]; [n_live] */
    joint_place *place;       /* for one's own use */
    struct joint_slot *slot;  /* [CEV_LANES], fits in work, and their lanes: joint_fit.c */
    struct joint_block *block;
    joint_problem *drawn; /* joint_portrait.c */
};

/* Of joint_free.c: the roster's constraints of all[n_all], the first of which are its profiled ones, and where they
 * rest; and of these constraints what does not depend on z. */
void joint_settle(joint_problem *problem);
double joint_fixed_penalty(const joint_problem *problem);

/* Of joint_fit.c: memory of fits. */
cev_status joint_slots_new(cev_arena *arena, const joint_sizes *sizes, joint_work *work);

#endif
