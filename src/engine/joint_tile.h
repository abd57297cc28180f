/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The global minimum over the free parameters at each point of a piece of a tile, as well as it can be known.
 *
 * Nodes of the piece are searched from fixed starts; what they find are its branches. Its rows then go through their
 * points in step: a point starts from the one before it in its row. Where a lower bound of chi2 is not reached, it
 * tries its reflections, the branches of the nodes around it, and what its neighbours found. All of that belongs to
 * the piece, and to nothing else: a map does not depend on who computes what, or in which order. */
#ifndef CEVSCAN_ENGINE_JOINT_TILE_H
#define CEVSCAN_ENGINE_JOINT_TILE_H

#include "joint_convex.h"
#include "joint_fit.h"

enum { JOINT_PIECE_POINTS = 256, JOINT_PIECE_ROWS = 64 };

/* Searches of a thread. */
typedef struct joint_search joint_search;

cev_status joint_search_create(const joint_sizes *sizes, joint_search **out);
void joint_search_destroy(joint_search **search);

/* What the searches that follow are about. All of it must outlive them. */
typedef struct joint_search_spec {
    const joint_problem *problem;
    joint_scratch *scratch; /* of its chi2, this thread's, like the next; NULL where there are no formulas */
    cev_followers *followers;
    const double *pull_low, *pull_high; /* [n_pull], bounds of pulls */
    joint_convex convex;                /* where bounds that are reached prove */
    bool with_values; /* couplings are wanted: on flat directions the nearest to where idle ones rest */
} joint_search_spec;

void joint_search_begin(joint_search *search, const joint_search_spec *spec);

/* joint_problem_refresh() with what a search has. */
void joint_search_refresh(joint_search *search, joint_scratch *scratch, cev_followers *followers,
                          joint_problem *problem, const double *theta);

/* What became of a point: chi2, or NaN, as maps have it; flags are those of cev_point_flag. */
typedef struct joint_result {
    double chi2, bound; /* -INFINITY: none is known */
    unsigned char status, flags;
    const double *pull;  /* [n_pull], */
    const double *value; /* [n_all] of the free parameters: until the next search */
    const joint_portrait *portrait;
} joint_result;

/* A piece: rows and columns of points, n_row * n_column <= JOINT_PIECE_POINTS, n_row <= JOINT_PIECE_ROWS. */
typedef struct joint_piece {
    size_t n_row, n_column;
    void (*theta)(void *context, size_t row, size_t column, double *theta); /* [n_theta], followers included */
    void (*take)(void *context, size_t row, size_t column, const joint_result *result);
    void *context;
} joint_piece;

void joint_search_piece(joint_search *search, const joint_piece *piece);

/* Points by themselves, n <= CEV_LANES: each from its own fixed starts and their reflections, n_start in number.
 * theta[n] of them, [n_theta] each. JOINT_SEARCH_DIRECTIONS: flat ones are in the portraits; JOINT_SEARCH_BOUND: a
 * lower bound is looked for. */
enum { JOINT_SEARCH_DIRECTIONS = 1, JOINT_SEARCH_BOUND = 2 };
void joint_search_points(joint_search *search, size_t n, const double *const *theta, size_t n_start, int wanted,
                         joint_result *out);

/* Fixed starts of a point by itself. */
size_t joint_n_start(const joint_problem *problem);

#endif
