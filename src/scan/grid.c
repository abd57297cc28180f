/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/grid.h"

#include <math.h>
#include <stdbool.h>

/* Enough tiles to balance many ranks, each long enough that handing it out and writing it costs little. */
enum { WANTED_TILES = 256, MIN_TILE_POINTS = 1024, MAX_TILE_POINTS = 65536 };

static const uint64_t most_tiles = (uint64_t)1 << 31;

static size_t clamp(double x, size_t low, size_t high)
{
    return x < (double)low ? low : x > (double)high ? high : (size_t)x;
}

/* Sides as equal as the axes allow: short axes first, the rest shares what is left of the volume. A side is a whole
 * number of eights where it can be, because points travel in blocks of that many. */
static void choose_sides(const cev_grid *grid, size_t *side)
{
    double volume = (double)clamp((double)grid->n_point / WANTED_TILES, MIN_TILE_POINTS, MAX_TILE_POINTS);
    bool chosen[CEV_MAX_AXES] = {false};
    for (size_t left = grid->n_axis; left > 0; left--) {
        size_t shortest = CEV_MAX_AXES;
        for (size_t a = 0; a < grid->n_axis; a++)
            if (!chosen[a] && (shortest == CEV_MAX_AXES || grid->axis[a].n < grid->axis[shortest].n)) shortest = a;
        size_t fair = (size_t)(pow(volume, 1.0 / (double)left) + 0.5), n = grid->axis[shortest].n;
        fair = fair < 8 ? 8 : fair / 8 * 8;
        size_t chosen_side = fair < n ? fair : n;
        if (side[shortest] == 0) side[shortest] = chosen_side;
        volume /= (double)side[shortest];
        chosen[shortest] = true;
    }
}

cev_status cev_grid_lay_tiles(cev_grid *grid, const size_t *side)
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
    choose_sides(grid, grid->tile_side);
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
