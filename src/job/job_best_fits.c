/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What delta_chi2 counts from: the best fits of all maps, looked for by all ranks. All spaces share one pool. */
#include <stdlib.h>
#include <string.h>

#include "cevscan/threads.h"
#include "job_parts.h"

enum { MOST_TOGETHER = 16 };

typedef struct search {
    job *j;
    cev_best_fits **fits; /* [n_space] */
    size_t *first;        /* [n_space + 1]: items of this round */
    bool folds;           /* some item folds the units: items of a rank go one by one */
    size_t together;      /* so many of them are an item of the pool, for the threads of a rank */
    size_t result_size;
    size_t begin; /* of those in work */
    unsigned char *result;
    cev_status status[MOST_TOGETHER];
} search;

static size_t space_of(const search *s, size_t k)
{
    size_t space = 0;
    while (k >= s->first[space + 1]) space++;
    return space;
}

static size_t n_look(const search *s)
{
    return s->first[s->j->config->n_space];
}

/* --- on all ranks ----------------------------------------------------------------------------------------------- */

static void look_at_one(void *context, int thread, size_t n)
{
    search *s = context;
    size_t k = s->begin + n, space = space_of(s, k);
    s->status[n] = cev_best_fits_look(s->fits[space], s->j->space[space].units->scratch[thread], k - s->first[space],
                                      job_is_stopping, s->j, s->result + n * s->result_size);
}

static void poll_for_others(void *context)
{
    job_poll(((search *)context)->j);
}

static cev_status look(void *context, cev_schedule *schedule, size_t item, void *report)
{
    search *s = context;
    s->j->schedule = schedule;
    s->begin = item * s->together;
    s->result = report;
    size_t n = n_look(s) - s->begin < s->together ? n_look(s) - s->begin : s->together;
    cev_threads_loop(s->j->machine.threads, n, look_at_one, poll_for_others, s);
    for (size_t k = 0; k < n; k++)
        if (s->status[k] != CEV_OK)
            return s->status[k] == CEV_E_STOPPED ? CEV_E_STOPPED : cev_fail(s->status[k], "a search failed");
    return CEV_OK;
}

static cev_status take(void *context, size_t item, const void *report)
{
    search *s = context;
    for (size_t k = item * s->together; k < (item + 1) * s->together && k < n_look(s); k++) {
        size_t space = space_of(s, k);
        const unsigned char *result = (const unsigned char *)report + (k - item * s->together) * s->result_size;
        cev_best_fits_take(s->fits[space], k - s->first[space], result);
    }
    return CEV_OK;
}

/* Whether any search leaves the slow parameters that the first space of its units has; the same on every rank. */
static bool some_item_folds(const job *j)
{
    for (size_t k = 0; k < j->n_space; k++) {
        const cev_scan_config *scan = j->space[k].scan;
        if (job_is_slow(&j->space[k])) return true;
        for (size_t p = 0; p < cev_roster_n(&scan->roster); p++)
            if (cev_roster_is_slow(&scan->roster, p) &&
                !cev_same_value(scan->theta[p], j->space[k].units->scan->theta[p]))
                return true;
    }
    return false;
}

/* Each family of units once. */
static void fold_all(const job *j)
{
    for (size_t k = 0; k < j->n_space; k++)
        if (j->space[k].scan == j->space[k].units->scan)
            cev_combination_fold(j->space[k].combination, j->space[k].scan->theta);
}

/* --- rounds ----------------------------------------------------------------------------------------------------- */

/* Foldings are alone in their process; others come in groups, as small as ranks and threads like them. */
static void lay_round(search *s)
{
    const job *j = s->j;
    for (size_t k = 0; k < j->config->n_space; k++) s->first[k + 1] = s->first[k] + cev_best_fits_n_item(s->fits[k]);
    if (!s->folds) fold_all(j);
    size_t share = n_look(s) / (2 * (size_t)j->machine.n_rank);
    s->together = s->folds || share < 1 ? 1 : share > MOST_TOGETHER ? MOST_TOGETHER : share;
}

static cev_status next_round(search *s)
{
    for (size_t k = 0; k < s->j->config->n_space; k++) {
        size_t set = 0, member = 0;
        cev_status status = s->first[k + 1] > s->first[k] ? cev_best_fits_next(s->fits[k], &set, &member) : CEV_OK;
        if (status == CEV_E_NUMERIC) status = cev_combination_blame(s->j->space[k].combination, set, member);
        if (status != CEV_OK)
            return cev_fail_while(status, "%s",
                                  job_fit_name(s->j, &s->j->space[k], set * s->j->space[k].n_member + member));
    }
    return CEV_OK;
}

static cev_status run_round(search *s)
{
    uint32_t *item;
    size_t n = (n_look(s) + s->together - 1) / s->together;
    CEV_TRY(cev_new(s->j->arena, n, &item));
    for (size_t k = 0; k < n; k++) item[k] = (uint32_t)k;
    CEV_TRY(job_run_pool(s->j, &(job_pool){.context = s,
                                           .n = n,
                                           .item = item,
                                           .work = look,
                                           .take = take,
                                           .report_size = s->together * s->result_size}));
    CEV_TRY(job_agree_with_rank_0(s->j, s->j->rank == 0 ? next_round(s) : CEV_OK));
    for (size_t k = 0; k < s->j->config->n_space; k++) {
        size_t size;
        void *state = cev_best_fits_state(s->fits[k], &size);
        CEV_TRY(job_share(s->j, state, size));
    }
    return CEV_OK;
}

static cev_status create_searches(search *s)
{
    const job *j = s->j;
    const cev_study_config *c = j->config;
    bool *observed;
    CEV_TRY(cev_new(j->arena, c->n_space, &s->fits));
    CEV_TRY(cev_new(j->arena, c->n_space + 1, &s->first));
    CEV_TRY(cev_new(j->arena, j->most_maps, &observed));
    for (size_t m = 0; m < j->most_maps; m++) {
        const cev_study_set *set = &c->set[m % c->n_set];
        for (size_t e = 0; e < set->n_experiment; e++) observed[m] |= c->space[0].scan->observed[set->experiment[e]];
    }
    for (size_t k = 0; k < c->n_space; k++) {
        const job_space *space = &j->space[k];
        CEV_TRY(cev_best_fits_create(space->combination, space->n_map, space->scan->truth, observed, &s->fits[k]));
        size_t size = cev_best_fits_result_size(s->fits[k]);
        if (size > s->result_size) s->result_size = size;
    }
    return CEV_OK;
}

static void keep(const search *s)
{
    for (size_t k = 0; k < s->j->config->n_space; k++) {
        const job_space *space = &s->j->space[k];
        size_t n_axis = space->scan->grid.n_axis;
        for (size_t f = 0; f < space->n_fit; f++) {
            const cev_best_fit *fit = cev_best_fits_get(s->fits[k], f / space->n_member, f % space->n_member);
            space->results.chi2_reference[f] = space->results.best_fit_chi2[f] = fit->chi2;
            memcpy(space->results.best_fit + f * n_axis, fit->at, n_axis * sizeof *fit->at);
        }
    }
}

static cev_status run_search(search *s)
{
    s->folds = some_item_folds(s->j);
    CEV_TRY(job_alone(s->j, create_searches(s)));
    for (lay_round(s); n_look(s) > 0; lay_round(s)) CEV_TRY(run_round(s));
    keep(s);
    return job_share_references(s->j); /* libraries may differ in the last bit between hosts */
}

cev_status job_find_best_fits(job *j)
{
    search s = {.j = j};
    cev_status status = run_search(&s);
    for (size_t k = 0; s.fits && k < j->config->n_space; k++) cev_best_fits_destroy(&s.fits[k]);
    return status;
}

cev_status job_share_references(job *j)
{
    for (size_t k = 0; k < j->config->n_space; k++) {
        cev_map_results *r = &j->space[k].results;
        size_t n = j->space[k].n_fit;
        CEV_TRY(job_share(j, r->chi2_reference, n * sizeof *r->chi2_reference));
        CEV_TRY(job_share(j, r->best_fit_chi2, n * sizeof *r->best_fit_chi2));
        CEV_TRY(job_share(j, r->best_fit, n * j->space[k].scan->grid.n_axis * sizeof *r->best_fit));
    }
    return CEV_OK;
}
