/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of searches. */
#ifndef CEVSCAN_ENGINE_JOINT_TILE_PARTS_H
#define CEVSCAN_ENGINE_JOINT_TILE_PARTS_H

#include "joint_bound.h"
#include "joint_starts.h"
#include "joint_tile.h"

enum {
    NODES_ALONG = 3,
    N_NODE = NODES_ALONG * NODES_ALONG,
    MOST_BRANCHES = 6,
    NODE_STARTS = 12,
    NODE_STARTS_BLIND = 24, /* where nothing is known of how the forms are made */
    BLIND_TIMES = 4,        /* so many times more starts a point has then */
    POINT_STARTS_MOST = 24,
    MOST_TASKS = 512,
    BRANCHED_UP_TO = 2, /* free parameters: branches of the bound are worth their time */
    LEAST_BRANCHED = 12,
    MOST_BOUND_BRANCHES = 160,
    ROUND = 6 /* starts of a point that are tried together */
};

#define JOINT_PROVEN_TO 5e-7 /* of chi2 */

/* A point in work. */
typedef struct point {
    joint_place *place;
    joint_fit best;
    double bound, before;
    bool reached;   /* the bound, by the best fit: nothing is lower */
    bool proven;    /* the bound is a proof, and not only evidence */
    bool warm;      /* something is known of where the bound is */
    bool has_start; /* relaxed.x is of this point: what is warm may be its neighbour's */
    bound_result relaxed;
    size_t n_start, next_start; /* of this stage */
    double (*start)[JOINT_MAX_FREE];
} point;

typedef struct node {
    joint_place *place;
    size_t n;
    joint_fit branch[MOST_BRANCHES]; /* best first */
} node;

/* Two parameters that are multiplied with each other, seen along the direction in which chi2 is stiff and across it:
 * x = (c y0 - s y1, s y0 + c y1), in the box of y that holds all of x's. */
typedef struct bound_turn {
    double c, s, low[2], high[2];
    double *first, *second; /* [2][n_form], [2][2][n_form] */
} bound_turn;

struct joint_search {
    cev_arena *arena;
    joint_search_spec spec;
    const joint_problem *p; /* of the spec */
    joint_work *work;
    size_t n_variable, n_pull; /* of the problem */
    size_t most_values;
    point *point;    /* [JOINT_PIECE_POINTS] */
    node *node;      /* [N_NODE] */
    joint_fit *task; /* [MOST_TASKS] */
    point **owner;   /* [MOST_TASKS] */
    size_t n_task;
    size_t n_branched, n_reached;    /* points of the piece whose bounds had branches, and those that were reached */
    double (*start)[JOINT_MAX_FREE]; /* [JOINT_PIECE_POINTS * JOINT_MAX_STARTS]: those of all points of a stage */
    joint_portrait *portrait;        /* [CEV_LANES] */
    bound_scratch *bounds;
    bound_problem *relaxation; /* [JOINT_PIECE_ROWS], like the next */
    bound_result *relaxed;
    point **of_relaxation;
    double *first;                              /* [JOINT_PIECE_ROWS][n_all][n_form]: derivatives of forms at z = 0 */
    double *second;                             /* [n_all][n_all][n_form], the same everywhere */
    double *low, *high, *zero, *centre, *sigma; /* [n_all] */
    bound_turn *turn;                           /* [JOINT_PIECE_ROWS] */
    double *value;                              /* [CEV_LANES][most_values] */
};

/* Lower bounds of points [n], n <= JOINT_PIECE_ROWS; with at most n_branch branches. joint_tile_bound.c. */
cev_status joint_bounds_new(cev_arena *arena, const joint_sizes *sizes, joint_search *search);
void joint_bounds_begin(joint_search *search);
void joint_bounds_of(joint_search *search, size_t n, point *const *at, size_t n_branch);

/* Takes over what a fit found, not its place. */
void joint_keep_fit(const joint_search *search, const joint_fit *from, joint_fit *to);

/* A fit of a point from z; pulls start from `variable`, or, if that is NULL, from anywhere. Whoever adds some runs
 * them. */
void joint_add_task(joint_search *search, point *at, const double *z, const double *variable, double give_up);

/* Number k < 4 of the nodes around a point of the piece. */
const node *joint_node_around(const joint_search *search, const joint_piece *piece, size_t row, size_t column,
                              size_t k);

/* Of minima of equal chi2, the one nearest to where parameters rest: among reflections of points [n], among the ends of
 * fixed starts, and, for a piece, those, the nodes' and the neighbours'. joint_tile_nearest.c. */
void joint_nearest_reflections(joint_search *search, size_t n, point *const *at);
void joint_nearest_fixed(joint_search *search, size_t n, point *const *at, size_t n_start);
void joint_nearest_of_piece(joint_search *search, const joint_piece *piece);

/* The last look at points [n], n <= CEV_LANES, for joint_result_of() in the lanes of their numbers; and that of a whole
 * piece, whose results are given away. joint_tile_results.c. */
void joint_look_at_points(joint_search *search, size_t n, point *const *at, int wanted);
joint_result joint_result_of(joint_search *search, const point *at, size_t lane);
void joint_give_results(joint_search *search, const joint_piece *piece);

#endif
