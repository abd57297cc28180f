/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/grid.h"

#include <math.h>

/* Enough tiles to balance many ranks, each long enough that handing it out and writing it costs little. Where many maps
 * share a tile, it is written once for each of them: then it holds more points, so that no write is a few bytes, until
 * points times maps are a second's work. */
enum { WANTED_TILES = 256, MIN_TILE_POINTS = 1024, MIN_SHARED_POINTS = 4096, MAX_TILE_POINTS = 65536 };
enum { FEWEST_POINTS = 256, MOST_FITS = 1 << 20 };

static const uint64_t most_tiles = (uint64_t)1 << 31;

static double points_wanted(const cev_grid *grid, size_t n_map)
{
    double least = n_map > 1 ? MIN_SHARED_POINTS : MIN_TILE_POINTS,
           points = fmin(fmax((double)grid->n_point / WANTED_TILES, least), MAX_TILE_POINTS);
    return fmin(points, fmax((double)MOST_FITS / (double)n_map, FEWEST_POINTS));
}

/* Of the sides near the fair one, that by which n divides best: the last tile misses the fewest points. */
static size_t side_near(double fair, size_t n)
{
    size_t best = n, fewest = SIZE_MAX, low = (size_t)(fair / 1.4), high = (size_t)(fair * 1.4);
    if ((double)n <= 1.2 * fair) return n;
    for (size_t side = low > 2 ? low : 2; side <= high + 1; side++) {
        size_t parts = (n + side - 1) / side, even = (n + parts - 1) / parts, missing = parts * even - n;
        if (even != side) continue; /* as many tiles as with a smaller side, and the last one more ragged */
        if (missing > fewest) continue;
        if (missing == fewest && fabs((double)side - fair) > fabs((double)best - fair)) continue;
        best = side;
        fewest = missing;
    }
    return fewest < SIZE_MAX ? best : (n + (size_t)((double)n / fair) - 1) / (size_t)((double)n / fair);
}

/* A whole number: the sides are part of what a scan is, and no library's power may decide them. */
static double side_of_cube(double points, size_t n_axis)
{
    double side = 2;
    for (;;) {
        double next = 1;
        for (size_t a = 0; a < n_axis; a++) next *= side + 1;
        if (next > points) return side;
        side++;
    }
}

static size_t shortest_open(const cev_grid *grid, const size_t *side)
{
    size_t shortest = CEV_MAX_AXES;
    for (size_t a = 0; a < grid->n_axis; a++)
        if (side[a] == 0 && (shortest == CEV_MAX_AXES || grid->axis[a].n < grid->axis[shortest].n)) shortest = a;
    return shortest;
}

/* Sides as equal as the axes allow: short axes first, the rest shares what is left of the volume. */
static void choose_sides(const cev_grid *grid, size_t n_map, size_t *side)
{
    double points = points_wanted(grid, n_map);
    size_t left = 0;
    for (size_t a = 0; a < grid->n_axis; a++) {
        left += side[a] == 0;
        if (side[a] > 0) points /= (double)side[a];
    }
    for (; left > 0; left--) {
        size_t a = shortest_open(grid, side);
        side[a] = side_near(left > 1 ? side_of_cube(points, left) : fmax(points, 2), grid->axis[a].n);
        points /= (double)side[a];
    }
}

cev_status cev_grid_lay_tiles(cev_grid *grid, const size_t *side)
{
    return cev_grid_lay_tiles_of_maps(grid, side, 1);
}

cev_status cev_grid_lay_tiles_of_maps(cev_grid *grid, const size_t *side, size_t n_map)
{
    grid->n_point = 1;
    for (size_t a = 0; a < grid->n_axis; a++)
        if (__builtin_mul_overflow(grid->n_point, grid->axis[a].n, &grid->n_point) ||
            grid->n_point > (uint64_t)CEV_MAX_POINTS)
            return cev_fail(CEV_E_INPUT, "the axes span more than 2^48 grid points");
    for (size_t a = 0; a < grid->n_axis; a++) {
        grid->tile_side[a] = side ? side[a] : 0;
        if (grid->tile_side[a] > grid->axis[a].n) grid->tile_side[a] = grid->axis[a].n;
        if (grid->axis[a].scale == CEV_SCALE_NAMES) grid->tile_side[a] = 1;
    }
    choose_sides(grid, n_map ? n_map : 1, grid->tile_side);
    uint64_t n_tile = 1;
    for (size_t a = 0; a < grid->n_axis; a++) {
        grid->n_tile_along[a] = (grid->axis[a].n + grid->tile_side[a] - 1) / grid->tile_side[a];
        n_tile *= grid->n_tile_along[a];
    }
    if (n_tile > most_tiles) return cev_fail(CEV_E_INPUT, "the grid has more than 2^31 tiles; choose larger ones");
    grid->n_tile = (size_t)n_tile;
    return CEV_OK;
}

cev_tile cev_grid_tile(const cev_grid *grid, size_t id)
{
    cev_tile tile = {.id = id, .n_point = 1};
    size_t rest = id;
    for (size_t a = grid->n_axis; a-- > 0;) {
        tile.origin[a] = rest % grid->n_tile_along[a] * grid->tile_side[a];
        rest /= grid->n_tile_along[a];
        size_t left = grid->axis[a].n - tile.origin[a];
        tile.extent[a] = left < grid->tile_side[a] ? left : grid->tile_side[a];
        tile.n_point *= tile.extent[a];
    }
    return tile;
}

size_t cev_grid_points_of_whole_tile(const cev_grid *grid)
{
    size_t n = 1;
    for (size_t a = 0; a < grid->n_axis; a++) n *= grid->tile_side[a];
    return n;
}

size_t cev_grid_n_member(const cev_grid *grid)
{
    return grid->axis[0].scale == CEV_SCALE_NAMES ? grid->axis[0].n : 1;
}

size_t cev_grid_member_of_tile(const cev_grid *grid, const cev_tile *tile)
{
    return grid->axis[0].scale == CEV_SCALE_NAMES ? tile->origin[0] : 0;
}

size_t cev_grid_member_of_point(const cev_grid *grid, uint64_t number)
{
    return (size_t)(number / (grid->n_point / cev_grid_n_member(grid)));
}

void cev_tile_point(const cev_grid *grid, const cev_tile *tile, size_t k, size_t index[CEV_MAX_AXES])
{
    for (size_t a = grid->n_axis; a-- > 0;) {
        index[a] = tile->origin[a] + k % tile->extent[a];
        k /= tile->extent[a];
    }
}

uint64_t cev_grid_number(const cev_grid *grid, const size_t index[CEV_MAX_AXES])
{
    uint64_t number = 0;
    for (size_t a = 0; a < grid->n_axis; a++) number = number * grid->axis[a].n + index[a];
    return number;
}

void cev_grid_index(const cev_grid *grid, uint64_t number, size_t index[CEV_MAX_AXES])
{
    for (size_t a = grid->n_axis; a-- > 0;) {
        index[a] = (size_t)(number % grid->axis[a].n);
        number /= grid->axis[a].n;
    }
}
