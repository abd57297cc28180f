/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Axes, grids, tiles. */
#include "unit.h"

#include "cevscan/grid.h"

/* --- axes ------------------------------------------------------------------------------------------------------- */

static cev_axis fill(cev_arena *arena, cev_scale scale, double minimum, double maximum, size_t n, double threshold)
{
    cev_axis axis;
    assert_ok(cev_axis_fill(arena, "x", scale, minimum, maximum, n, threshold, &axis));
    assert_int_equal(axis.n, n);
    assert_int_equal(axis.scale, scale);
    assert_string_equal(axis.name, "x");
    return axis;
}

static void axes_begin_and_end_exactly_and_increase(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    gsl_rng *r = random_numbers(1);
    for (int k = 0; k < 300; k++) {
        size_t n = whole(r, 2, 1000);
        double low = log_uniform(r, 1e-12, 1), high = low * log_uniform(r, 1.001, 1e9);
        for (int s = CEV_SCALE_LINEAR; s <= CEV_SCALE_SYMLOG; s++) {
            double minimum = s == CEV_SCALE_LOG ? low : k % 2 ? -high / 7 : low;
            cev_axis axis = fill(arena, (cev_scale)s, minimum, high, n, low);
            assert_same_bits(axis.value[0], minimum);
            assert_same_bits(axis.value[n - 1], high);
            for (size_t i = 1; i < n; i++) assert_true(axis.value[i] > axis.value[i - 1]);
        }
    }
    gsl_rng_free(r);
    cev_arena_destroy(&arena);
}

static void linear_axes_have_equal_steps(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    cev_axis axis = fill(arena, CEV_SCALE_LINEAR, -0.2, 0.6, 401, 0);
    for (size_t i = 0; i < 401; i++) assert_close(axis.value[i], -0.2 + 0.002 * (double)i, 1e-15);
    axis = fill(arena, CEV_SCALE_LINEAR, -0.7, 0.7, 101, 0);
    assert_same_bits(axis.value[50], 0.0);
    cev_arena_destroy(&arena);
}

static void log_axes_have_equal_ratios(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    cev_axis axis = fill(arena, CEV_SCALE_LOG, 1e-3, 1e6, 10, 0);
    for (size_t i = 0; i < 10; i++) assert_relative(axis.value[i], pow(10, (double)i - 3), 1e-14);
    cev_arena_destroy(&arena);
}

/* A zero where an axis crosses it is 0.0, both ends are the ends, to the bit, and no other point moves. */
static void zeros_and_ends_of_axes_are_exact(void **state)
{
    (void)state;
    cev_arena *arena;
    assert_ok(cev_arena_create(&arena));
    static const struct {
        double minimum, maximum;
        size_t n, zero;
    } axes[] = {{-0.3, 0.6, 91, 30},  {-0.1, 0.3, 41, 10},        {-0.7, 0.1, 801, 700}, {-1, 1, 201, 100},
                {-0.07, 0.21, 29, 7}, {-1e-5, 3e-5, 1001, 250},   {-0.9, 0.2, 12, 9},    {-3e10, 0.9e10, 40, 30},
                {-0.0, 1, 11, 0},     {-1.1, 3.3, 400001, 100000}};
    for (size_t k = 0; k < LENGTH(axes); k++) {
        cev_axis a;
        assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, axes[k].minimum, axes[k].maximum, axes[k].n, 0, &a));
        assert_same_bits(a.value[axes[k].zero], 0.0);
        assert_true(a.value[0] == axes[k].minimum && a.value[a.n - 1] == axes[k].maximum);
        double step = (axes[k].maximum - axes[k].minimum) / (double)(a.n - 1);
        for (size_t i = 0; i < a.n; i++)
            assert_close(a.value[i], axes[k].minimum + (double)i * step, 4e-16 * (axes[k].maximum - axes[k].minimum));
    }
    for (int scale = CEV_SCALE_LINEAR; scale < CEV_SCALE_VALUES; scale++) {
        cev_axis a;
        assert_ok(cev_axis_fill(arena, "x", (cev_scale)scale, 1e-3, 0.7, 48, 0.01, &a));
        assert_true(a.value[47] == 0.7 && a.value[scale == CEV_SCALE_SIGNED_LOG ? 24 : 0] == 1e-3);
        assert_true(cev_axis_at(&a, 47) == 0.7 && cev_axis_at(&a, 0) == a.value[0]);
    }
    cev_axis a; /* asinh(-0.2/2t) : asinh(x/2t) = -1 : 2, so that the first third of it is zero */
    double third = asinh(0.2 / 0.02);
    assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_SYMLOG, -0.2, 0.02 * sinh(2 * third), 31, 0.01, &a));
    assert_same_bits(a.value[10], 0.0);
    assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 1e-17, 1, 11, 0, &a)); /* small, and no rounding */
    assert_true(a.value[0] == 1e-17);
    cev_arena_destroy(&arena);
}

/* Between the axis' own values, a fraction t from the lower one on its scale. */
static void places_between_points_are_on_the_scale(void **state)
{
    (void)state;
    cev_arena *arena;
    cev_axis a;
    assert_ok(cev_arena_create(&arena));
    for (double t = 0.125; t < 1; t += 0.25) {
        assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 1, 9, 3, 0, &a));
        assert_relative(cev_axis_at(&a, 1 + t), 5 + 4 * t, 1e-15);
        assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_LOG, 1, 100, 3, 0, &a));
        assert_relative(cev_axis_at(&a, 1 + t), pow(10, 1 + t), 1e-14);
        assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, 1, 100, 6, 0, &a));
        assert_relative(cev_axis_at(&a, 0 + t), -pow(10, 2 - t), 1e-14);
        assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_SYMLOG, -0.5, 2, 4, 0.1, &a));
        double low = asinh(-0.5 / 0.2), high = asinh(2 / 0.2);
        for (size_t i = 0; i < 3; i++)
            assert_relative(cev_axis_at(&a, (double)i + t), 0.2 * sinh(low + (high - low) * ((double)i + t) / 3),
                            1e-13);
    }
    cev_arena_destroy(&arena);
}

static void symlog_axes_are_odd(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    for (size_t n = 2; n < 60; n++) {
        cev_axis axis = fill(arena, CEV_SCALE_SYMLOG, -50, 50, n, 1e-3);
        for (size_t i = 0; i < n; i++) assert_close(axis.value[i], -axis.value[n - 1 - i], 1e-13 * fabs(axis.value[i]));
        if (n % 2) assert_true(axis.value[n / 2] == 0);
    }
    cev_arena_destroy(&arena);
}

/* Equal steps of asinh(x/(2 t)): linear close to zero, equal ratios far from it. */
static void symlog_axes_are_linear_inside_and_logarithmic_outside(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    double t = 0.01;
    cev_axis axis = fill(arena, CEV_SCALE_SYMLOG, -1e4, 1e6, 5001, t);
    double step = (asinh(1e6 / (2 * t)) - asinh(-1e4 / (2 * t))) / 5000;
    for (size_t i = 0; i < 5000; i++) {
        double x = axis.value[i], next = axis.value[i + 1];
        if (fabs(x) < t / 100) assert_relative(next - x, 2 * t * step, 1e-4);
        if (x > 1e3 * t) assert_relative(next / x, exp(step), 1e-6);
        if (x < -1e3 * t) assert_relative(next / x, exp(-step), 1e-6);
    }
    cev_arena_destroy(&arena);
}

static void axes_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    cev_axis axis;
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 0, 1, 1, 0, &axis), CEV_E_INPUT, "at least 2");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 0, 1, 0, 0, &axis), CEV_E_INPUT, "at least 2");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 1, 1, 5, 0, &axis), CEV_E_INPUT, "from 1 to 1");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 2, 1, 5, 0, &axis), CEV_E_INPUT, "axis x");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, NAN, 1, 5, 0, &axis), CEV_E_INPUT, "axis x");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 0, INFINITY, 5, 0, &axis), CEV_E_INPUT, "axis x");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LOG, 0, 1, 5, 0, &axis), CEV_E_INPUT, "above 0");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LOG, -1, 1, 5, 0, &axis), CEV_E_INPUT, "above 0");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_SYMLOG, -1, 1, 5, 0, &axis), CEV_E_INPUT, "linear_threshold");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_SYMLOG, -1, 1, 5, -1, &axis), CEV_E_INPUT, "linear_threshold");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 1, 1 + 1e-15, 100, 0, &axis), CEV_E_INPUT, "too many");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 0, 1, SIZE_MAX, 0, &axis), CEV_E_MEMORY, "");
    cev_arena_destroy(&arena);
}

static void scales_have_names(void **state)
{
    (void)state;
    assert_string_equal(cev_scale_names[CEV_SCALE_LINEAR], "linear");
    assert_string_equal(cev_scale_names[CEV_SCALE_LOG], "log");
    assert_string_equal(cev_scale_names[CEV_SCALE_SYMLOG], "symlog");
    assert_string_equal(cev_scale_names[CEV_SCALE_VALUES], "values");
}

/* --- tiles ------------------------------------------------------------------------------------------------------ */

static cev_grid grid_of(size_t n_axis, const size_t *n)
{
    cev_grid grid = {.n_axis = n_axis};
    for (size_t a = 0; a < n_axis; a++) grid.axis[a] = (cev_axis){.name = "x", .n = n[a]};
    return grid;
}

static bool inside(const cev_tile *tile, size_t n_axis, const size_t *index)
{
    for (size_t a = 0; a < n_axis; a++)
        if (index[a] < tile->origin[a] || index[a] >= tile->origin[a] + tile->extent[a]) return false;
    return true;
}

static void check_tile(const cev_grid *grid, size_t id, unsigned char *seen)
{
    cev_tile tile = cev_grid_tile(grid, id);
    size_t n_point = 1;
    assert_int_equal(tile.id, id);
    for (size_t a = 0; a < grid->n_axis; a++) {
        assert_true(tile.extent[a] >= 1 && tile.extent[a] <= grid->tile_side[a]);
        assert_true(tile.origin[a] % grid->tile_side[a] == 0);
        /* smaller than a whole tile only at the end of the axis */
        assert_true(tile.extent[a] == grid->tile_side[a] || tile.origin[a] + tile.extent[a] == grid->axis[a].n);
        n_point *= tile.extent[a];
    }
    assert_int_equal(tile.n_point, n_point);
    uint64_t previous = 0;
    for (size_t k = 0; k < tile.n_point; k++) {
        size_t index[CEV_MAX_AXES], back[CEV_MAX_AXES];
        cev_tile_point(grid, &tile, k, index);
        assert_true(inside(&tile, grid->n_axis, index));
        uint64_t number = cev_grid_number(grid, index);
        assert_true(number < grid->n_point && (k == 0 || number > previous)); /* in memory order */
        cev_grid_index(grid, number, back);
        for (size_t a = 0; a < grid->n_axis; a++) assert_int_equal(back[a], index[a]);
        seen[number]++;
        previous = number;
    }
}

/* Every point is in exactly one tile. */
static void check_grid(size_t n_axis, const size_t *n, const size_t *side)
{
    cev_grid grid = grid_of(n_axis, n);
    assert_ok(cev_grid_lay_tiles(&grid, side));
    uint64_t n_point = 1;
    size_t n_tile = 1, whole_tile = 1;
    for (size_t a = 0; a < n_axis; a++) {
        n_point *= n[a];
        n_tile *= grid.n_tile_along[a];
        whole_tile *= grid.tile_side[a];
        if (side && side[a]) assert_int_equal(grid.tile_side[a], side[a] < n[a] ? side[a] : n[a]);
    }
    assert_int_equal(grid.n_point, n_point);
    assert_int_equal(grid.n_tile, n_tile);
    assert_int_equal(cev_grid_points_of_whole_tile(&grid), whole_tile);
    unsigned char *seen = calloc(n_point, 1);
    assert_non_null(seen);
    for (size_t id = 0; id < grid.n_tile; id++) check_tile(&grid, id, seen);
    for (uint64_t k = 0; k < n_point; k++) assert_int_equal(seen[k], 1);
    free(seen);
}

static void every_point_is_in_one_tile(void **state)
{
    (void)state;
    gsl_rng *r = random_numbers(2);
    for (size_t n_axis = 1; n_axis <= CEV_MAX_AXES; n_axis++)
        for (int k = 0; k < 25; k++) {
            size_t n[CEV_MAX_AXES], side[CEV_MAX_AXES];
            double most = pow(30000, 1.0 / (double)n_axis);
            for (size_t a = 0; a < n_axis; a++) {
                n[a] = whole(r, 2, 2 + (size_t)most);
                side[a] = whole(r, 0, n[a] + 3); /* 0: the grid's choice; more than the axis: all of it */
            }
            check_grid(n_axis, n, NULL);
            check_grid(n_axis, n, side);
        }
    gsl_rng_free(r);
}

static void tiles_at_the_ends_are_smaller(void **state)
{
    (void)state;
    cev_grid grid = grid_of(2, (const size_t[]){10, 7});
    assert_ok(cev_grid_lay_tiles(&grid, (const size_t[]){4, 5}));
    assert_int_equal(grid.n_tile, 6);
    cev_tile last = cev_grid_tile(&grid, 5);
    assert_true(last.origin[0] == 8 && last.origin[1] == 5 && last.extent[0] == 2 && last.extent[1] == 2);
    cev_tile second = cev_grid_tile(&grid, 1); /* the last axis runs fastest */
    assert_true(second.origin[0] == 0 && second.origin[1] == 5);
    size_t index[CEV_MAX_AXES];
    cev_tile_point(&grid, &last, 1, index);
    assert_true(index[0] == 8 && index[1] == 6);
    assert_int_equal(cev_grid_number(&grid, index), 8 * 7 + 6);
}

static void the_grid_chooses_tiles_of_the_promised_size(void **state)
{
    (void)state;
    const size_t shapes[][CEV_MAX_AXES] = {{401, 401},   {2000, 2000},     {100000},
                                           {37, 53, 41}, {30, 30, 30, 30}, {5000, 3}};
    for (size_t k = 0; k < LENGTH(shapes); k++) {
        size_t n_axis = 0;
        while (n_axis < CEV_MAX_AXES && shapes[k][n_axis]) n_axis++;
        cev_grid grid = grid_of(n_axis, shapes[k]);
        assert_ok(cev_grid_lay_tiles(&grid, NULL));
        size_t points = cev_grid_points_of_whole_tile(&grid);
        assert_true(points <= 65536);
        assert_true(points >= 512 && grid.n_tile >= 8);
        if (grid.n_point > 1024 * 256) assert_true(grid.n_tile >= 128 && grid.n_tile <= 1024);
    }
}

/* Along each axis, the last tile is nearly as long as the others: it misses fewer points than there are tiles. */
static bool is_ragged(const cev_grid *grid)
{
    for (size_t a = 0; a < grid->n_axis; a++) {
        size_t parts = grid->n_tile_along[a], missing = parts * grid->tile_side[a] - grid->axis[a].n;
        if (missing >= parts || missing * 3 > grid->tile_side[a]) return true;
    }
    return false;
}

static void tiles_leave_no_rags(void **state)
{
    (void)state;
    cev_grid grid = grid_of(2, (const size_t[]){201, 201});
    assert_ok(cev_grid_lay_tiles_of_maps(&grid, NULL, 63));
    assert_true(grid.tile_side[0] == 67 && grid.tile_side[1] == 67 && grid.n_tile == 9);
    assert_ok(cev_grid_lay_tiles(&grid, NULL));
    assert_true(grid.n_tile >= 16 && !is_ragged(&grid));
    for (size_t n = 2; n < 1500; n++) { /* primes as well */
        grid = grid_of(2, (const size_t[]){n, n});
        assert_ok(cev_grid_lay_tiles(&grid, NULL));
        if (is_ragged(&grid)) fail_msg("%zu points in tiles of %zu", n, grid.tile_side[0]);
        grid = grid_of(3, (const size_t[]){n, 1, 31}); /* slow axes have 1 */
        assert_ok(cev_grid_lay_tiles(&grid, (const size_t[]){0, 1, 1}));
        assert_true(grid.tile_side[1] == 1 && grid.tile_side[2] == 1 && (n > 1000 || grid.tile_side[0] == n));
    }
}

static void maps_share_tiles(void **state)
{
    (void)state;
    const size_t n_map[] = {2, 16, 63, 256, 1260, 100000};
    for (size_t m = 0; m < LENGTH(n_map); m++) {
        cev_grid profile = grid_of(1, (const size_t[]){201}), plane = grid_of(2, (const size_t[]){401, 401}),
                 box = grid_of(3, (const size_t[]){101, 101, 101});
        assert_ok(cev_grid_lay_tiles_of_maps(&profile, NULL, n_map[m]));
        assert_ok(cev_grid_lay_tiles_of_maps(&plane, NULL, n_map[m]));
        assert_ok(cev_grid_lay_tiles_of_maps(&box, NULL, n_map[m]));
        assert_int_equal(profile.n_tile, 1);
        for (const cev_grid *g = &plane; g; g = g == &plane ? &box : NULL) {
            double fits = (double)cev_grid_points_of_whole_tile(g) * (double)n_map[m];
            assert_true(fits >= 256 && (fits <= 1.5 * (1 << 20) || cev_grid_points_of_whole_tile(g) <= 400));
            assert_true(g->n_tile >= 16);
        }
    }
}

static void a_small_grid_is_few_tiles(void **state)
{
    (void)state;
    cev_grid grid = grid_of(1, (const size_t[]){2});
    assert_ok(cev_grid_lay_tiles(&grid, NULL));
    assert_int_equal(grid.n_tile, 1);
    assert_int_equal(grid.n_point, 2);
}

/* 2^48 points are possible, more are not; nor do products that wrap around slip through. */
static void grids_that_are_too_large_are_refused(void **state)
{
    (void)state;
    const size_t big = (size_t)1 << 24, one = 1;
    cev_grid grid = grid_of(2, (const size_t[]){big, big});
    assert_ok(cev_grid_lay_tiles(&grid, (const size_t[]){big, 1 << 10}));
    assert_int_equal(grid.n_point, (uint64_t)1 << 48);
    grid = grid_of(2, (const size_t[]){big, big + 1});
    assert_refused(cev_grid_lay_tiles(&grid, NULL), CEV_E_INPUT, "2^48");
    grid = grid_of(4, (const size_t[]){one << 32, one << 32, 2, 2}); /* 2^66 */
    assert_refused(cev_grid_lay_tiles(&grid, NULL), CEV_E_INPUT, "2^48");
    grid = grid_of(4, (const size_t[]){one << 16, one << 16, one << 16, one << 16}); /* 2^64 = 0 */
    assert_refused(cev_grid_lay_tiles(&grid, NULL), CEV_E_INPUT, "2^48");
    grid = grid_of(2, (const size_t[]){one << 16, one << 16});
    assert_refused(cev_grid_lay_tiles(&grid, (const size_t[]){1, 1}), CEV_E_INPUT, "2^31");
    assert_ok(cev_grid_lay_tiles(&grid, (const size_t[]){1, 2}));
    assert_int_equal(grid.n_tile, (size_t)1 << 31);
}

/* --- both signs ------------------------------------------------------------------------------------------------- */

static void signed_log_mirrors_to_the_bit(void **state)
{
    (void)state;
    const size_t n[] = {4, 6, 100, 8000};
    const double range[][2] = {{10, 1e4}, {1e-9, 1e-3}, {0.3, 0.7}, {1, 1e9}};
    cev_arena *arena = new_arena();
    for (size_t j = 0; j < LENGTH(n); j++)
        for (size_t k = 0; k < LENGTH(range); k++) {
            cev_axis axis, half;
            size_t middle = n[j] / 2;
            assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, range[k][0], range[k][1], n[j], 0, &axis));
            assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_LOG, range[k][0], range[k][1], middle, 0, &half));
            assert_int_equal(axis.n, n[j]);
            assert_true(axis.value[0] == -range[k][1] && axis.value[n[j] - 1] == range[k][1]);
            assert_true(axis.value[middle - 1] == -range[k][0] && axis.value[middle] == range[k][0]);
            for (size_t i = 0; i < n[j]; i++) {
                assert_same_bits(axis.value[n[j] - 1 - i], -axis.value[i]);
                if (i) assert_true(axis.value[i] > axis.value[i - 1]);
                if (i >= middle) assert_same_bits(axis.value[i], half.value[i - middle]);
                assert_same_bits(cev_axis_at(&axis, (double)i), axis.value[i]);
            }
        }
    cev_arena_destroy(&arena);
}

static void signed_log_has_a_gap(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    cev_axis axis;
    assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, 1, 100, 6, 0, &axis));
    assert_close(cev_axis_at(&axis, 3.5), sqrt(10), 1e-12);
    assert_close(cev_axis_at(&axis, 0.5), -sqrt(1000), 1e-11);
    assert_true(isnan(cev_axis_at(&axis, 2.5)) && isnan(cev_axis_at(&axis, 2.001)) && isnan(cev_axis_at(&axis, 5.1)) &&
                isnan(cev_axis_at(&axis, -1)));
    cev_arena_destroy(&arena);
}

static void signed_log_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    cev_axis axis;
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, 1, 100, 7, 0, &axis), CEV_E_INPUT, "even");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, 1, 100, 2, 0, &axis), CEV_E_INPUT, "4 or more");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, 0, 100, 8, 0, &axis), CEV_E_INPUT, "above 0");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, -1, 100, 8, 0, &axis), CEV_E_INPUT, "above 0");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, 100, 1, 8, 0, &axis), CEV_E_INPUT, "runs from");
    assert_refused(cev_axis_fill(arena, "x", CEV_SCALE_SIGNED_LOG, 1, 1 + 1e-15, 64, 0, &axis), CEV_E_INPUT,
                   "too many");
    cev_arena_destroy(&arena);
}

/* --- members ---------------------------------------------------------------------------------------------------- */

static void members_have_tiles_of_their_own(void **state)
{
    (void)state;
    cev_arena *arena = new_arena();
    static const char *const label[] = {"a", "b", "c"};
    static const double number[] = {0, 1, 2};
    const size_t sides[][3] = {{0, 0, 0}, {3, 4, 2}, {1, 7, 5}, {2, 100, 100}};
    for (size_t s = 0; s < LENGTH(sides); s++) {
        cev_grid grid = {.n_axis = 3,
                         .axis = {
                             {.name = "parameter", .scale = CEV_SCALE_NAMES, .n = 3, .value = number, .label = label}}};
        assert_ok(cev_axis_fill(arena, "value", CEV_SCALE_SIGNED_LOG, 1, 100, 10, 0, &grid.axis[1]));
        assert_ok(cev_axis_fill(arena, "y", CEV_SCALE_LINEAR, 0, 1, 5, 0, &grid.axis[2]));
        assert_ok(cev_grid_lay_tiles(&grid, s ? sides[s] : NULL));
        assert_int_equal(cev_grid_n_member(&grid), 3);
        assert_int_equal(grid.tile_side[0], 1);
        size_t points = 0;
        for (size_t id = 0; id < grid.n_tile; id++) {
            cev_tile tile = cev_grid_tile(&grid, id);
            points += tile.n_point;
            for (size_t k = 0; k < tile.n_point; k++) {
                size_t index[CEV_MAX_AXES];
                cev_tile_point(&grid, &tile, k, index);
                assert_int_equal(index[0], cev_grid_member_of_tile(&grid, &tile));
                assert_int_equal(index[0], cev_grid_member_of_point(&grid, cev_grid_number(&grid, index)));
            }
        }
        assert_int_equal(points, 150);
        assert_true(isnan(cev_axis_at(&grid.axis[0], 0.5)));
    }
    cev_grid plain = {.n_axis = 1};
    assert_ok(cev_axis_fill(arena, "x", CEV_SCALE_LINEAR, 0, 1, 5, 0, &plain.axis[0]));
    assert_ok(cev_grid_lay_tiles(&plain, NULL));
    assert_int_equal(cev_grid_n_member(&plain), 1);
    assert_int_equal(cev_grid_member_of_point(&plain, 4), 0);
    cev_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_begin_and_end_exactly_and_increase),
        cmocka_unit_test(linear_axes_have_equal_steps),
        cmocka_unit_test(log_axes_have_equal_ratios),
        cmocka_unit_test(symlog_axes_are_odd),
        cmocka_unit_test(symlog_axes_are_linear_inside_and_logarithmic_outside),
        cmocka_unit_test(axes_that_make_no_sense_are_refused),
        cmocka_unit_test(scales_have_names),
        cmocka_unit_test(every_point_is_in_one_tile),
        cmocka_unit_test(tiles_at_the_ends_are_smaller),
        cmocka_unit_test(the_grid_chooses_tiles_of_the_promised_size),
        cmocka_unit_test(a_small_grid_is_few_tiles),
        cmocka_unit_test(tiles_leave_no_rags),
        cmocka_unit_test(maps_share_tiles),
        cmocka_unit_test(zeros_and_ends_of_axes_are_exact),
        cmocka_unit_test(places_between_points_are_on_the_scale),
        cmocka_unit_test(grids_that_are_too_large_are_refused),
        cmocka_unit_test(signed_log_mirrors_to_the_bit),
        cmocka_unit_test(signed_log_has_a_gap),
        cmocka_unit_test(signed_log_that_makes_no_sense_is_refused),
        cmocka_unit_test(members_have_tiles_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
