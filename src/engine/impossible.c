/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts where nothing is expected: no chi2 is finite, and the bin is named that makes it so. */
#include <math.h>
#include <string.h>

#include "model_parts.h"
#include "units_parts.h"

static cev_status name_bin(const cev_experiment *x, size_t bin, double counts, const char *where)
{
    char text[128];
    cev_experiment_bin_text(x, bin, text, sizeof text);
    return cev_fail(CEV_E_INPUT, "experiment %s: %s has %.6g counts, but nothing is expected there%s", x->name, text,
                    counts, where);
}

/* --- whatever the parameters are -------------------------------------------------------------------------------- */

static bool is_lit(const row_set *rows, size_t n_bin, size_t bin)
{
    bool lit = false;
    for (size_t r = 0; r < rows->n_row; r++) lit |= rows->counts[r * n_bin + bin] != 0;
    return lit;
}

static bool is_dark(const model_experiment *part, size_t bin)
{
    const cev_experiment *x = part->experiment;
    for (size_t j = 0; part->nodes && j < part->nodes->n; j++)
        if (!is_dark(&part->nodes->part[j], bin)) return false;
    bool lit = is_lit(&part->rows, x->bins.n_bin, bin);
    for (size_t b = 0; b < x->n_background; b++) lit |= x->background[b].counts[bin] != 0;
    for (size_t s = 0; s < part->n_shape; s++)
        lit |= (part->shape[s].background && part->shape[s].background[bin] != 0) ||
               is_lit(&part->shape[s].rows, x->bins.n_bin, bin);
    return !lit;
}

cev_status cev_model_check_data(const cev_model *model, const cev_data *data)
{
    for (size_t e = 0; e < model->n_experiment; e++) {
        const cev_experiment *x = model->experiment[e].experiment;
        for (size_t i = 0; i < x->bins.n_bin && !x->variance; i++)
            if (data->counts[e][i] > 0 && is_dark(&model->experiment[e], i))
                return name_bin(x, i, data->counts[e][i], ": no background, and no signal whatever the parameters are");
    }
    return CEV_OK;
}

/* --- at the points of a scan ------------------------------------------------------------------------------------ */

enum { MOST_POINTS = 512, MOST_FOLDED = 8 };

/* Marks the bins of a unit that expect something at theta; lit[] has the bins of its experiments in a row, as counts[]
 * has. */
static void light_bins(const cev_model *model, cev_model_scratch *scratch, const double *theta, double *counts,
                       bool *lit)
{
    cev_lanes block[CEV_MAX_THETA];
    cev_theta_broadcast(cev_roster_n(&model->roster), theta, block);
    for (size_t e = 0; e < model->n_experiment; e++) {
        size_t n_bin = model->experiment[e].experiment->bins.n_bin;
        cev_model_counts(model, e, scratch, block, counts);
        for (size_t i = 0; i < n_bin; i++) lit[i] |= counts[i] > 0;
        counts += n_bin;
        lit += n_bin;
    }
}

static cev_status name_dark_bin(const cev_model *model, const cev_data *data, const bool *lit)
{
    for (size_t e = 0; e < model->n_experiment; e++) {
        const cev_experiment *x = model->experiment[e].experiment;
        for (size_t i = 0; i < x->bins.n_bin; i++, lit++)
            if (data->counts[e][i] > 0 && !*lit && !x->variance)
                return name_bin(x, i, data->counts[e][i], " at any point of the scan");
    }
    return CEV_OK;
}

/* Places in the box of what is profiled, others for each point: an additive recurrence. */
static void spread_profiled(const cev_scan_job *job, uint64_t k, double *theta)
{
    const cev_roster *roster = cev_model_roster(job->model);
    for (size_t a = 0; a < roster->n_profiled; a++) {
        const cev_profiled *p = &roster->profiled[a];
        double x = (double)(k + 1) * sqrt(2 + 3 * (double)a);
        theta[p->index] = p->low + (p->high - p->low) * (x - floor(x));
    }
    if (roster->n_profiled) cev_followers_apply_one(roster, job->followers, theta);
}

/* Grid points spread over the member; with slow axes a few, since each of them is folded. */
static cev_status look_along(cev_arena *arena, const cev_scan_job *job, cev_model_scratch *scratch, size_t member)
{
    const cev_grid *g = job->grid;
    uint64_t n = g->n_point / cev_grid_n_member(g), most = MOST_POINTS;
    size_t n_bin = 0;
    bool *lit;
    double *counts;
    for (size_t a = 0; a < g->n_axis; a++) {
        size_t p = job->axis_parameter[a];
        if (p != CEV_NO_PARAMETER && cev_roster_is_slow(cev_model_roster(job->model), p)) most = MOST_FOLDED;
    }
    if (most > n) most = n;
    for (size_t e = 0; e < job->model->n_experiment; e++) n_bin += job->model->experiment[e].experiment->bins.n_bin;
    CEV_TRY(cev_new(arena, n_bin, &lit));
    CEV_TRY(cev_new(arena, n_bin, &counts));
    for (uint64_t k = 0; k < most; k++) {
        double theta[CEV_MAX_THETA];
        cev_scan_job_theta(job, member * n + (most > 1 ? k * (n - 1) / (most - 1) : 0), theta);
        spread_profiled(job, k, theta);
        cev_model_fold(job->model, theta);
        light_bins(job->model, scratch, theta, counts, lit);
    }
    return name_dark_bin(job->model, job->data, lit);
}

static cev_status look_with_scratch(const cev_scan_job *job, size_t member)
{
    cev_arena *arena = NULL;
    cev_model_scratch *scratch = NULL;
    cev_status status = cev_arena_create(&arena);
    if (status == CEV_OK) status = cev_model_scratch_create(job->model, &scratch);
    if (status == CEV_OK) status = look_along(arena, job, scratch, member);
    cev_model_scratch_destroy(&scratch);
    cev_arena_destroy(&arena);
    return status;
}

cev_status cev_combination_blame(cev_combination *c, size_t set, size_t member)
{
    const set_units *s = &cev_combination_units(c)->set[set];
    for (size_t k = 0; k < s->n; k++) CEV_TRY(look_with_scratch(cev_combination_unit_job(c, s->unit[k]), member));
    return cev_fail(CEV_E_NUMERIC, "no point of the scan has a finite chi2");
}
