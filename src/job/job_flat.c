/* SPDX-License-Identifier: GPL-3.0-or-later */
/* More that is profiled than data can tell: looked for at a few points, before anything takes long. */
#include <stdio.h>
#include <string.h>

#include "cevscan/flat_directions.h"
#include "job_parts.h"

/* The middle of the grid, and places between it and the corners. */
enum { N_PLACES = 3, MOST_MAPS_LOOKED_AT = 16 };

/* What is said of a map, and of how many others. */
typedef struct saying {
    const char *directions, *map;
    size_t n_map;
} saying;

static uint64_t place(const cev_grid *g, size_t k)
{
    static const double share[N_PLACES][CEV_MAX_AXES] = {{0.5, 0.5, 0.5, 0.5},
                                                         {0.3, 0.62, 0.41, 0.7},
                                                         {0.72, 0.35, 0.66, 0.27}};
    size_t index[CEV_MAX_AXES] = {0};
    for (size_t a = 0; a < g->n_axis; a++) index[a] = (size_t)(share[k][a] * (double)(g->axis[a].n - 1));
    return cev_grid_number(g, index);
}

/* Directions at a map's middle, if all other places have some, too; NULL: none. */
static cev_status look_at(const job *j, const job_space *s, size_t map, const char **out)
{
    const cev_roster *roster = &s->scan->roster;
    char text[CEV_FLAT_DIRECTIONS_SIZE], *kept;
    cev_flat_directions flat = {0};
    *out = NULL;
    for (size_t k = 0; k < N_PLACES; k++) {
        double theta[CEV_MAX_THETA];
        cev_fitted_point point;
        cev_scan_job_theta(cev_combination_job(s->combination), place(&s->scan->grid, k), theta);
        CEV_TRY(cev_combination_fit_point(s->combination, s->units->scratch[0], map, theta, 0, &point));
        if (point.status == CEV_POINT_OK && point.n_flat == 0) return CEV_OK;
        if (point.status == CEV_POINT_OK && flat.n == 0) cev_flat_directions_of(roster, &point, &flat);
    }
    cev_flat_directions_text(roster, &flat, text, sizeof text);
    CEV_TRY(cev_arena_copy_text(j->arena, text, &kept));
    if (flat.n) *out = kept;
    return CEV_OK;
}

static cev_status put_into_words(const job *j, const saying *s, const char **out)
{
    char *text, others[48] = "";
    if (s->n_map > 1) snprintf(others, sizeof others, " and %zu more map%s", s->n_map - 1, s->n_map > 2 ? "s" : "");
    CEV_TRY(cev_arena_print(j->arena, &text,
                            "%s%s: more is profiled than the data can tell: %s; chi2 is right, the values are the "
                            "nearest to "
                            "the defaults among equals",
                            s->map, others, s->directions));
    *out = text;
    return CEV_OK;
}

/* Maps of a space that leave the same open have one remark together. */
static cev_status look_at_space(const job *j, const job_space *s, cev_remark *remark, size_t *n)
{
    saying said[MOST_MAPS_LOOKED_AT];
    size_t n_said = 0, step = (s->n_map + MOST_MAPS_LOOKED_AT - 1) / MOST_MAPS_LOOKED_AT;
    for (size_t m = 0; m < s->n_map; m += step) {
        const char *directions;
        size_t k = 0;
        CEV_TRY(job_look_for_stop(j));
        CEV_TRY(look_at(j, s, m, &directions));
        while (directions && k < n_said && strcmp(said[k].directions, directions)) k++;
        if (directions && k == n_said) said[n_said++] = (saying){directions, job_map_name(j, s, m), 0};
        if (directions) said[k].n_map++;
    }
    for (size_t k = 0; k < n_said; k++) {
        remark[*n].warning = true;
        CEV_TRY(put_into_words(j, &said[k], &remark[(*n)++].text));
    }
    return CEV_OK;
}

cev_status job_look_for_flat(const job *j, cev_remarks *out)
{
    cev_remark *remark;
    *out = (cev_remarks){0};
    CEV_TRY(cev_new(j->arena, j->n_space * MOST_MAPS_LOOKED_AT, &remark));
    for (size_t k = 0; k < j->n_space; k++)
        if (j->space[k].scan->roster.n_profiled > 0) CEV_TRY(look_at_space(j, &j->space[k], remark, &out->n));
    out->remark = remark;
    return CEV_OK;
}
