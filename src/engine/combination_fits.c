/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Combinations whose points are fits of profiled parameters: pieces of tiles, and points by themselves. */
#include <math.h>
#include <string.h>

#include "combination_parts.h"
#include "scan_theta.h"

enum { COLUMNS = 16 };

/* --- building ----------------------------------------------------------------------------------------------------- */

static const cev_pull *find_pull(const cev_model *model, const char *name)
{
    for (size_t e = 0; e < cev_model_n_experiment(model); e++) {
        const cev_experiment *x = cev_model_experiment(model, e);
        for (size_t p = 0; p < x->n_pull; p++)
            if (!strcmp(x->pull[p].name, name)) return &x->pull[p];
    }
    return NULL;
}

static void list_bounds(const cev_combination *c, const set_units *set, set_fit *f)
{
    size_t n = 0;
    for (size_t k = 0; k < set->n; k++) {
        const cev_model *model = c->unit[set->unit[k]].job.model;
        for (size_t p = 0; p < cev_model_n_pull(model); p++, n++) {
            const cev_pull *pull = find_pull(model, cev_model_pull_name(model, p));
            f->pull_low[n] = pull && pull->bounded ? pull->minimum : -INFINITY;
            f->pull_high[n] = pull && pull->bounded ? pull->maximum : INFINITY;
        }
    }
}

static cev_status build_set(cev_combination *c, size_t set, const cev_data *const *data, set_fit *f)
{
    const cev_roster *roster = &c->units->roster;
    size_t n = cev_grid_points_of_whole_tile(c->job.grid);
    CEV_TRY(cev_units_joint(c->arena, c->units, set, data, &f->chi2));
    CEV_TRY(joint_problem_create(c->arena, f->chi2, roster, 0, NULL, &f->problem));
    CEV_TRY(cev_new(c->arena, joint_n_pull(f->chi2), &f->pull_low));
    CEV_TRY(cev_new(c->arena, joint_n_pull(f->chi2), &f->pull_high));
    list_bounds(c, &c->units->set[set], f);
    f->convex = joint_convex_of(c->units, set, data);
    CEV_TRY(cev_new(c->arena, n, &f->point_chi2));
    CEV_TRY(cev_new(c->arena, n, &f->status));
    CEV_TRY(cev_new(c->arena, n, &f->flags));
    CEV_TRY(cev_new(c->arena, n * roster->n_profiled, &f->value));
    return c->with_pulls ? cev_new(c->arena, n * joint_n_pull(f->chi2), &f->pull) : CEV_OK;
}

cev_status cev_combination_build_fits(cev_combination *c)
{
    const cev_data **data;
    c->with_values = true;
    CEV_TRY(cev_new(c->arena, c->units->n_set, &c->fit));
    CEV_TRY(cev_new(c->arena, c->units->n_unit, &data));
    for (size_t u = 0; u < c->units->n_unit; u++) data[u] = &c->unit[u].data;
    for (size_t s = 0; s < c->units->n_set; s++) CEV_TRY(build_set(c, s, data, &c->fit[s]));
    CEV_TRY(cev_units_scratch_create(c->units, &c->own));
    for (size_t p = 0; p < CEV_MAX_THETA; p++) c->refreshed[p] = INFINITY; /* nobody's */
    cev_combination_refresh_fits(c, c->unit[0].job.model->theta);
    return CEV_OK;
}

void cev_combination_destroy_fits(cev_combination *c)
{
    for (size_t s = 0; c->fit && s < c->units->n_set; s++) joint_chi2_destroy(&c->fit[s].chi2);
    cev_units_scratch_destroy(&c->own);
}

static bool is_fresh(const cev_combination *c, const double *theta)
{
    bool fresh = c->refreshed[0] != INFINITY;
    for (size_t p = 0; p < cev_roster_n(&c->units->roster); p++)
        if (cev_roster_is_slow(&c->units->roster, p)) fresh &= cev_same_value(c->refreshed[p], theta[p]);
    return fresh;
}

/* Others may have folded the units meanwhile, and chi2 may look at what they fold. */
void cev_combination_refresh_fits(cev_combination *c, const double *theta)
{
    for (size_t u = 0; u < c->units->n_unit; u++) cev_model_fold(c->unit[u].job.model, theta);
    if (is_fresh(c, theta)) return;
    memcpy(c->refreshed, theta, cev_roster_n(&c->units->roster) * sizeof *theta);
    for (size_t s = 0; s < c->units->n_set; s++) {
        set_fit *f = &c->fit[s];
        joint_chi2_refresh(f->chi2);
        joint_search_refresh(c->own->search, c->own->joint[s], c->own->followers, f->problem, theta);
    }
}

/* --- pieces ------------------------------------------------------------------------------------------------------- */

/* Pieces of a tile: bands of rows, the tile's lines along its last axis, cut into segments of columns. A tile of one
 * line is folded into rows of COLUMNS points; the last of them may be repeated there. */
typedef struct layout {
    size_t n_line, line;      /* lines and their length, after folding */
    size_t n_column, n_row;   /* of a whole piece */
    size_t n_segment, n_band; /* pieces along the lines, and across */
} layout;

static size_t parts_of(size_t n, size_t most)
{
    return (n + most - 1) / most;
}

static layout lay_pieces(const cev_combination *c)
{
    layout l = {.line = c->tile.extent[c->job.grid->n_axis - 1]};
    l.n_line = c->tile.n_point / l.line;
    if (l.n_line == 1) {
        l.n_line = parts_of(l.line, COLUMNS);
        l.line = l.line < COLUMNS ? l.line : COLUMNS;
    }
    l.n_segment = parts_of(l.line, COLUMNS);
    l.n_column = parts_of(l.line, l.n_segment);
    size_t most = JOINT_PIECE_POINTS / l.n_column < JOINT_PIECE_ROWS ? JOINT_PIECE_POINTS / l.n_column
                                                                     : JOINT_PIECE_ROWS;
    l.n_band = parts_of(l.n_line, most);
    l.n_row = parts_of(l.n_line, l.n_band);
    return l;
}

typedef struct piece_at {
    const cev_combination *c;
    const set_fit *fit;
    cev_followers *followers;
    layout layout;
    size_t first_line, first_column;
} piece_at;

static size_t point_number(const piece_at *at, size_t row, size_t column)
{
    size_t k = (at->first_line + row) * at->layout.line + at->first_column + column, last = at->c->tile.n_point - 1;
    return k < last ? k : last;
}

static void theta_of_piece(void *context, size_t row, size_t column, double *theta)
{
    const piece_at *at = context;
    cev_scan_job_theta_of_point(&at->c->job, &at->c->tile, point_number(at, row, column), at->followers, theta);
}

static void take_result(void *context, size_t row, size_t column, const joint_result *r)
{
    const piece_at *at = context;
    const set_fit *f = at->fit;
    size_t k = point_number(at, row, column), n = at->c->tile.n_point;
    if ((at->first_line + row) * at->layout.line + at->first_column + column > k) return; /* repeated */
    f->point_chi2[k] = r->chi2;
    f->status[k] = r->status;
    f->flags[k] = r->flags;
    for (size_t q = 0; f->pull && q < joint_n_pull(f->chi2); q++) f->pull[q * n + k] = r->pull[q];
    for (size_t a = 0; a < at->c->units->roster.n_profiled; a++) f->value[a * n + k] = r->value[a];
}

size_t cev_combination_n_piece(const cev_combination *c)
{
    layout l = lay_pieces(c);
    return c->units->n_set * l.n_segment * l.n_band;
}

static void begin_search(const cev_combination *c, cev_units_scratch *scratch, size_t set)
{
    const set_fit *f = &c->fit[set];
    joint_search_begin(scratch->search, &(joint_search_spec){.problem = f->problem,
                                                             .scratch = scratch->joint[set],
                                                             .followers = scratch->followers,
                                                             .pull_low = f->pull_low,
                                                             .pull_high = f->pull_high,
                                                             .convex = f->convex,
                                                             .with_values = c->with_values});
}

void cev_combination_fit_piece(cev_combination *c, cev_units_scratch *scratch, size_t k)
{
    layout l = lay_pieces(c);
    size_t set = k / (l.n_segment * l.n_band), number = k % (l.n_segment * l.n_band);
    piece_at at = {.c = c,
                   .fit = &c->fit[set],
                   .followers = scratch->followers,
                   .layout = l,
                   .first_line = number / l.n_segment * l.n_row,
                   .first_column = number % l.n_segment * l.n_column};
    joint_piece piece = {.n_row = l.n_line - at.first_line < l.n_row ? l.n_line - at.first_line : l.n_row,
                         .n_column = l.line - at.first_column < l.n_column ? l.line - at.first_column : l.n_column,
                         .theta = theta_of_piece,
                         .take = take_result,
                         .context = &at};
    if (at.first_line >= l.n_line || at.first_column >= l.line) return;
    begin_search(c, scratch, set);
    joint_search_piece(scratch->search, &piece);
}

/* --- what a tile has ---------------------------------------------------------------------------------------------- */

size_t cev_combination_n_profiled(const cev_combination *c)
{
    return c->units->roster.n_profiled;
}

void cev_combination_keep_profiled(cev_combination *c, bool wanted)
{
    c->with_values = wanted;
}

void cev_combination_flags(const cev_combination *c, size_t set, unsigned char *flags)
{
    if (c->fit)
        memcpy(flags, c->fit[set].flags, c->tile.n_point);
    else
        memset(flags, 0, c->tile.n_point);
}

void cev_combination_profiled(const cev_combination *c, size_t set, size_t k, double *value)
{
    memcpy(value, c->fit[set].value + k * c->tile.n_point, c->tile.n_point * sizeof *value);
}

/* --- points by themselves ----------------------------------------------------------------------------------------- */

/* Lanes that repeat the one before them are not searched again. */
void cev_combination_fit_lanes(const cev_combination *c, cev_units_scratch *scratch, size_t set, const cev_lanes *theta,
                               cev_lanes *chi2, cev_lanes_mask *status)
{
    double one[CEV_LANES][CEV_MAX_THETA];
    const double *at[CEV_LANES];
    joint_result result[CEV_LANES];
    size_t n = 0, of[CEV_LANES], n_theta = cev_roster_n(&c->units->roster);
    for (size_t l = 0; l < CEV_LANES; l++) {
        for (size_t t = 0; t < n_theta; t++) one[n][t] = theta[t][l];
        bool repeated = n && !memcmp(one[n], one[n - 1], n_theta * sizeof(double));
        of[l] = repeated ? n - 1 : n;
        at[n] = one[n];
        n += !repeated;
    }
    begin_search(c, scratch, set);
    joint_search_points(scratch->search, n, at, joint_n_start(c->fit[set].problem), 0, result);
    for (size_t l = 0; l < CEV_LANES; l++) {
        (*chi2)[l] = result[of[l]].chi2;
        (*status)[l] = result[of[l]].status;
    }
}

/* Unit vectors of parameters that move nothing, after those that chi2 does not tell. */
static void list_flat(const joint_problem *p, const joint_portrait *portrait, cev_fitted_point *out)
{
    size_t n = p->roster->n_profiled;
    out->n_flat = portrait->n_flat;
    for (size_t k = 0; k < portrait->n_flat; k++)
        for (size_t a = 0; a < p->n; a++) out->flat[k][p->of[a]] = portrait->vector[k][a];
    for (size_t k = 0; k < n; k++) {
        size_t a = 0;
        while (a < p->n && p->of[a] != k) a++;
        if (a == p->n && p->all[k].weight == 0) out->flat[out->n_flat++][k] = 1;
    }
}

cev_status cev_combination_fit_point(cev_combination *c, cev_units_scratch *scratch, size_t set, const double *theta,
                                     size_t more_starts, cev_fitted_point *out)
{
    joint_result r;
    *out = (cev_fitted_point){.lower_bound = NAN};
    if (!c->fit) return cev_fail(CEV_E_INPUT, "nothing is profiled");
    const joint_problem *p = c->fit[set].problem;
    cev_combination_fold(c, theta);
    begin_search(c, scratch, set);
    joint_search_points(scratch->search, 1, &theta, joint_n_start(p) + more_starts,
                        JOINT_SEARCH_DIRECTIONS | JOINT_SEARCH_BOUND, &r);
    out->status = (cev_point_status)r.status;
    out->chi2 = r.chi2;
    if (isfinite(r.bound)) out->lower_bound = r.bound;
    out->flags = r.flags;
    memcpy(out->theta, theta, cev_roster_n(p->roster) * sizeof *theta);
    for (size_t k = 0; k < p->roster->n_profiled; k++) out->theta[p->roster->profiled[k].index] = r.value[k];
    cev_followers_apply_one(p->roster, scratch->followers, out->theta);
    if (out->status == CEV_POINT_OK) list_flat(p, r.portrait, out);
    return CEV_OK;
}
