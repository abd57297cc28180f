/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/combination.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model_parts.h"

enum { BLOCKS_PER_PIECE = 16 };

typedef struct unit {
    size_t n;
    const cev_experiment **experiment; /* [n] */
    bool *observed;                    /* [n] */
    cev_model *model;
} unit;

typedef struct set_units {
    size_t n, *unit; /* [n], in the order of their first experiments */
} set_units;

struct cev_units {
    cev_arena *arena;
    const cev_interaction *interaction;
    size_t n_unit, most;
    unit *unit;
    size_t n_set;
    set_units *set;
};

/* --- units ------------------------------------------------------------------------------------------------------ */

static bool share_a_pull(const cev_experiment *a, const cev_experiment *b)
{
    for (size_t p = 0; p < a->n_pull; p++)
        for (size_t q = 0; q < b->n_pull; q++)
            if (!strcmp(a->pull[p].name, b->pull[q].name)) return true;
    return false;
}

/* first[e]: the first experiment that e hangs together with. */
static void find_groups(const cev_fit_set *set, size_t *first)
{
    for (size_t e = 0; e < set->n_experiment; e++) first[e] = e;
    for (size_t a = 0; a < set->n_experiment; a++)
        for (size_t b = 0; b < a; b++) {
            if (first[a] == first[b] || !share_a_pull(set->experiment[a], set->experiment[b])) continue;
            size_t low = first[a] < first[b] ? first[a] : first[b], high = first[a] < first[b] ? first[b] : first[a];
            for (size_t e = 0; e < set->n_experiment; e++)
                if (first[e] == high) first[e] = low;
        }
}

static cev_status gather_unit(cev_arena *arena, const cev_fit_set *set, const size_t *first, size_t group, unit *out)
{
    *out = (unit){0};
    CEV_TRY(cev_new(arena, set->n_experiment, &out->experiment));
    CEV_TRY(cev_new(arena, set->n_experiment, &out->observed));
    for (size_t e = 0; e < set->n_experiment; e++) {
        if (first[e] != group) continue;
        out->observed[out->n] = set->observed[e];
        out->experiment[out->n++] = set->experiment[e];
    }
    return CEV_OK;
}

static bool same_unit(const unit *a, const unit *b)
{
    return a->n == b->n && !memcmp(a->experiment, b->experiment, a->n * sizeof *a->experiment);
}

static cev_status number_of_unit(cev_units *units, const unit *wanted, size_t *out)
{
    size_t u = 0;
    while (u < units->n_unit && !same_unit(&units->unit[u], wanted)) u++;
    *out = u;
    if (u < units->n_unit) return CEV_OK;
    if (units->n_unit == units->most) {
        unit *larger;
        CEV_TRY(cev_new(units->arena, 2 * units->most + 8, &larger));
        if (units->n_unit) memcpy(larger, units->unit, units->n_unit * sizeof *larger);
        units->unit = larger;
        units->most = 2 * units->most + 8;
    }
    units->unit[units->n_unit++] = *wanted;
    return CEV_OK;
}

static cev_status split_set(cev_units *units, const cev_fit_set *set, set_units *out)
{
    size_t *first;
    CEV_TRY(cev_new(units->arena, set->n_experiment, &first));
    CEV_TRY(cev_new(units->arena, set->n_experiment, &out->unit));
    find_groups(set, first);
    for (size_t e = 0; e < set->n_experiment; e++) {
        unit wanted;
        if (first[e] != e) continue;
        CEV_TRY(gather_unit(units->arena, set, first, e, &wanted));
        CEV_TRY(number_of_unit(units, &wanted, &out->unit[out->n++]));
    }
    return CEV_OK;
}

static cev_status build_units(cev_units *units, const cev_fit_set *set, const double *theta)
{
    CEV_TRY(cev_arena_create(&units->arena));
    CEV_TRY(cev_new(units->arena, units->n_set, &units->set));
    for (size_t s = 0; s < units->n_set; s++) CEV_TRY(split_set(units, &set[s], &units->set[s]));
    for (size_t u = 0; u < units->n_unit; u++)
        CEV_TRY(cev_model_create(units->unit[u].n, units->unit[u].experiment, units->interaction, theta,
                                 &units->unit[u].model));
    return CEV_OK;
}

cev_status cev_units_create(size_t n_set, const cev_fit_set *set, const cev_interaction *interaction,
                            const double *theta, cev_units **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->interaction = interaction;
    (*out)->n_set = n_set;
    cev_status status = build_units(*out, set, theta);
    if (status != CEV_OK) cev_units_destroy(out);
    return status;
}

void cev_units_destroy(cev_units **units)
{
    if (!units || !*units) return;
    for (size_t u = 0; u < (*units)->n_unit; u++) cev_model_destroy(&(*units)->unit[u].model);
    cev_arena_destroy(&(*units)->arena);
    free(*units);
    *units = NULL;
}

size_t cev_units_n(const cev_units *units)
{
    return units->n_unit;
}

size_t cev_units_n_of_set(const cev_units *units, size_t set)
{
    return units->set[set].n;
}

struct cev_units_scratch {
    size_t n;
    cev_model_scratch **unit; /* [n] */
};

cev_status cev_units_scratch_create(const cev_units *units, cev_units_scratch **out)
{
    *out = calloc(1, sizeof **out);
    if (*out) (*out)->unit = calloc(units->n_unit, sizeof *(*out)->unit);
    cev_status status = *out && (*out)->unit ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    if (status == CEV_OK) (*out)->n = units->n_unit;
    for (size_t u = 0; status == CEV_OK && u < units->n_unit; u++)
        status = cev_model_scratch_create(units->unit[u].model, &(*out)->unit[u]);
    if (status != CEV_OK) cev_units_scratch_destroy(out);
    return status;
}

void cev_units_scratch_destroy(cev_units_scratch **scratch)
{
    if (!scratch || !*scratch) return;
    for (size_t u = 0; u < (*scratch)->n; u++) cev_model_scratch_destroy(&(*scratch)->unit[u]);
    free((*scratch)->unit);
    free(*scratch);
    *scratch = NULL;
}

/* --- over a grid ------------------------------------------------------------------------------------------------ */

typedef struct unit_job {
    cev_scan_job job;
    cev_data data;
    cev_fit_starts *starts;
    size_t first_start, n_start; /* blocks of nodes of the open tile, among those of all units */
    double *chi2;                /* [points of a whole tile] */
    unsigned char *status;       /* the same */
} unit_job;

struct cev_combination {
    cev_arena *arena;
    const cev_units *units;
    unit_job *unit; /* [n_unit] */
    cev_tile tile;
};

static cev_status build_job(cev_combination *c, const cev_scan_job *job, const unit *u, const double *truth,
                            unit_job *out)
{
    size_t n = cev_grid_points_of_whole_tile(job->grid);
    CEV_TRY(cev_data_mixed(c->arena, u->model, u->observed, truth, &out->data));
    out->job = *job;
    out->job.model = u->model;
    out->job.data = &out->data;
    CEV_TRY(cev_fit_starts_create(&out->job, &out->starts));
    out->job.starts = out->starts;
    CEV_TRY(cev_new(c->arena, n, &out->chi2));
    return cev_new(c->arena, n, &out->status);
}

static cev_status build(cev_combination *c, const cev_scan_job *job, const double *truth)
{
    CEV_TRY(cev_arena_create(&c->arena));
    CEV_TRY(cev_new(c->arena, c->units->n_unit, &c->unit));
    for (size_t u = 0; u < c->units->n_unit; u++) CEV_TRY(build_job(c, job, &c->units->unit[u], truth, &c->unit[u]));
    return CEV_OK;
}

cev_status cev_combination_create(cev_units *units, const cev_scan_job *job, const double *truth, cev_combination **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    (*out)->units = units;
    cev_status status = build(*out, job, truth);
    if (status != CEV_OK) cev_combination_destroy(out);
    return status;
}

void cev_combination_destroy(cev_combination **combination)
{
    if (!combination || !*combination) return;
    cev_combination *c = *combination;
    for (size_t u = 0; c->unit && u < c->units->n_unit; u++) cev_fit_starts_destroy(&c->unit[u].starts);
    cev_arena_destroy(&c->arena);
    free(c);
    *combination = NULL;
}

size_t cev_combination_open(cev_combination *c, const cev_tile *tile)
{
    size_t n = 0;
    c->tile = *tile;
    for (size_t u = 0; u < c->units->n_unit; u++) {
        unit_job *j = &c->unit[u];
        cev_scan_job_open_tile(&j->job, tile);
        j->first_start = n;
        n += j->n_start = cev_fit_starts_open(j->starts, tile);
    }
    return n;
}

void cev_combination_start(cev_combination *c, cev_units_scratch *scratch, size_t k)
{
    size_t u = 0;
    while (k >= c->unit[u].first_start + c->unit[u].n_start) u++;
    cev_fit_starts_block(c->unit[u].starts, &c->unit[u].job, scratch->unit[u], k - c->unit[u].first_start);
}

static size_t pieces_of_unit(const cev_combination *c)
{
    size_t points = BLOCKS_PER_PIECE * CEV_LANES;
    return (c->tile.n_point + points - 1) / points;
}

size_t cev_combination_ready(cev_combination *c)
{
    for (size_t u = 0; u < c->units->n_unit; u++) cev_fit_starts_close(c->unit[u].starts);
    return c->units->n_unit * pieces_of_unit(c);
}

void cev_combination_evaluate(cev_combination *c, cev_units_scratch *scratch, size_t k)
{
    size_t u = k / pieces_of_unit(c), first = k % pieces_of_unit(c) * BLOCKS_PER_PIECE * CEV_LANES;
    size_t end = first + BLOCKS_PER_PIECE * CEV_LANES;
    if (end > c->tile.n_point) end = c->tile.n_point;
    for (size_t p = first; p < end; p += CEV_LANES)
        cev_scan_job_block(&c->unit[u].job, scratch->unit[u], &c->tile, p, NULL, c->unit[u].chi2, c->unit[u].status,
                           NULL);
}

void cev_combination_sum(const cev_combination *c, size_t set, double *chi2, unsigned char *status)
{
    const set_units *s = &c->units->set[set];
    size_t n = c->tile.n_point;
    memset(chi2, 0, n * sizeof *chi2);
    memset(status, CEV_POINT_OK, n);
    for (size_t k = 0; k < s->n; k++) {
        const unit_job *j = &c->unit[s->unit[k]];
        for (size_t p = 0; p < n; p++) {
            chi2[p] += j->chi2[p];
            if (j->status[p] > status[p]) status[p] = j->status[p];
        }
    }
    for (size_t p = 0; p < n; p++)
        if (isnan(chi2[p])) chi2[p] = NAN; /* the one NaN */
}
