/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Axes, the grid that they span, and its tiles. Indices run with the last axis fastest, in memory and in the map file.
 */
#ifndef CEVSCAN_GRID_H
#define CEVSCAN_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "cevscan/arena.h"

enum { CEV_MAX_AXES = 4, CEV_MAX_MEMBERS = 64 };
#define CEV_MAX_POINTS 0x1p48 /* of a grid */

typedef enum cev_scale {
    CEV_SCALE_LINEAR,
    CEV_SCALE_LOG,
    CEV_SCALE_SYMLOG,
    CEV_SCALE_SIGNED_LOG,
    CEV_SCALE_VALUES, /* a list of numbers */
    CEV_SCALE_NAMES,  /* a list of names, numbered from 0: alternatives, not neighbours */
    CEV_N_SCALES
} cev_scale;

extern const char *const cev_scale_names[CEV_N_SCALES]; /* "linear", "log", "symlog", "signed_log", "values", "names" */

typedef struct cev_axis {
    const char *name; /* of the parameter */
    cev_scale scale;
    size_t n;                 /* at least 2 */
    const double *value;      /* [n], strictly increasing */
    double linear_threshold;  /* of CEV_SCALE_SYMLOG, else 0 */
    const char *const *label; /* [n] of CEV_SCALE_NAMES, else NULL */
} cev_axis;

/* Values of an axis from `minimum` to `maximum`, both ends exact.
 *   linear   equal steps
 *   log      equal ratios; 0 < minimum
 *   symlog   equal steps of asinh(x / (2 linear_threshold)): linear around zero, logarithmic far away on both sides;
 *            linear_threshold > 0, ignored by the other scales
 *   signed_log  the n/2 values of log from minimum to maximum with both signs, -maximum first; n even, 0 < minimum
 * CEV_E_INPUT if neighbouring values would be equal, or minimum >= maximum, or n < 2. */
cev_status cev_axis_fill(cev_arena *arena, const char *name, cev_scale scale, double minimum, double maximum, size_t n,
                         double linear_threshold, cev_axis *out);

/* Whether a map file has something else of this name, or may have: no axis can have it, whatever its parameter is
 * called. */
bool cev_axis_reserves_name(const char *name);

/* The value at position 0 <= u <= n - 1, between the axis' own values on its scale; NaN in the gap of a signed_log
 * axis and between names. */
double cev_axis_at(const cev_axis *axis, double u);

typedef struct cev_grid {
    size_t n_axis; /* 1 .. CEV_MAX_AXES */
    cev_axis axis[CEV_MAX_AXES];
    size_t tile_side[CEV_MAX_AXES]; /* points of a whole tile along each axis */
    size_t n_tile_along[CEV_MAX_AXES];
    size_t n_tile;
    uint64_t n_point;
} cev_grid;

/* A box of the grid; those at the far ends of the axes may be smaller than a whole tile. */
typedef struct cev_tile {
    size_t id;
    size_t origin[CEV_MAX_AXES]; /* index of the first point along each axis */
    size_t extent[CEV_MAX_AXES]; /* points along each axis */
    size_t n_point;
} cev_tile;

/* Lays tiles over the axes already in *grid. `side` gives the tile's points along each axis; NULL or a 0 in it leaves
 * the choice to the grid, for n_map maps that are computed together, tile by tile: about 256 tiles of 1024 to 65536
 * points, whatever the number of ranks; of 4096 points or more if maps share them, so that each one's part is worth a
 * write, unless points times maps exceed about 2^20; and whole axes where they are that short. Sides are those by
 * which the axes divide best, so that the tiles at the ends are as large as the others, or nearly. No tile holds two
 * names. CEV_E_INPUT if the grid has more than 2^48 points or 2^31 tiles. */
cev_status cev_grid_lay_tiles_of_maps(cev_grid *grid, const size_t *side, size_t n_map);

/* The same for one map. */
cev_status cev_grid_lay_tiles(cev_grid *grid, const size_t *side);

cev_tile cev_grid_tile(const cev_grid *grid, size_t id);

size_t cev_grid_points_of_whole_tile(const cev_grid *grid);

/* A grid whose first axis has names is a family of grids, at most CEV_MAX_MEMBERS, each with a best fit of its own;
 * any other grid has one member. Which of them a tile or a point belongs to. */
size_t cev_grid_n_member(const cev_grid *grid);
size_t cev_grid_member_of_tile(const cev_grid *grid, const cev_tile *tile);
size_t cev_grid_member_of_point(const cev_grid *grid, uint64_t number);

/* Position along each axis of point `k` (0 .. tile->n_point) of a tile. */
void cev_tile_point(const cev_grid *grid, const cev_tile *tile, size_t k, size_t index[CEV_MAX_AXES]);

/* Number of the point in the whole grid, in memory order, and back. */
uint64_t cev_grid_number(const cev_grid *grid, const size_t index[CEV_MAX_AXES]);
void cev_grid_index(const cev_grid *grid, uint64_t number, size_t index[CEV_MAX_AXES]);

#endif
