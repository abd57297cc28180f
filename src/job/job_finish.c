/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lower minima that the grid has found, content hashes, and the end of a job whose tiles are all done. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job_parts.h"

/* How far a grid point may lie below a minimum, and a minimum from chi2 at its own place. */
static const double lower_by = 1e-9, right_to = 1e-6;

/* --- references ------------------------------------------------------------------------------------------------- */

static void put_fit(job_space *s, size_t f, const cev_best_fit *fit)
{
    size_t n_axis = s->scan->grid.n_axis;
    s->results.chi2_reference[f] = s->results.best_fit_chi2[f] = fit->chi2;
    memcpy(s->results.best_fit + f * n_axis, fit->at, n_axis * sizeof *fit->at);
}

static cev_status take_over(job *j, job_space *s, size_t f)
{
    cev_best_fit fit;
    CEV_TRY(cev_best_fits_near(s->combination, s->units->scratch[0], f / s->n_member, s->lowest_point[f], &fit));
    job_tell(j, "%s: a grid point has chi2 %.9g, below the minimum %.9g found before: delta_chi2 now counts from it",
             job_fit_name(j, s, f), s->lowest[f], s->results.chi2_reference[f]);
    put_fit(s, f, &fit);
    return CEV_OK;
}

/* A number that nobody checks is a number that nobody may believe: chi2 where the best fit is said to be. */
static cev_status check_fit(job *j, const job_space *s, size_t f)
{
    double said = s->results.chi2_reference[f];
    double found = cev_best_fits_chi2_at(s->combination, s->units->scratch[0], f / s->n_member, f % s->n_member,
                                         s->results.best_fit + f * s->scan->grid.n_axis);
    if (fabs(found - said) <= right_to * fmax(1, fabs(said)) && said <= s->lowest[f] + right_to) return CEV_OK;
    return cev_fail(CEV_E_NUMERIC,
                    "%s: the best fit is said to have chi2 %.9g, but has %.9g, and the lowest grid point "
                    "%.9g: please report this",
                    job_fit_name(j, s, f), said, found, s->lowest[f]);
}

/* Rank 0; changed[n_space]. */
static cev_status settle_references(job *j, bool *changed)
{
    for (size_t k = 0; k < j->config->n_space; k++)
        for (size_t f = 0; f < j->space[k].n_fit; f++) {
            job_space *s = &j->space[k];
            bool lower = s->lowest[f] < s->results.chi2_reference[f] - lower_by;
            if (lower) CEV_TRY(take_over(j, s, f));
            CEV_TRY(check_fit(j, s, f));
            changed[k] |= lower;
        }
    return CEV_OK;
}

static cev_status count_anew(void *context, cev_schedule *schedule, size_t item, void *report)
{
    job *j = context;
    const job_space *s = job_space_of(j, item);
    cev_tile tile = job_tile_of(j, item);
    (void)report;
    j->schedule = schedule;
    if (job_is_stopping(j)) return cev_fail(CEV_E_STOPPED, "stopped");
    CEV_TRY(cev_map_read_tile(j->map, (size_t)(s - j->space), &tile, &j->buffer.results, NULL, NULL));
    return cev_map_write_delta(j->map, (size_t)(s - j->space), &tile, j->buffer.results.chi2,
                               job_references(j, s, &tile));
}

static cev_status take_nothing(void *context, size_t item, const void *report)
{
    (void)item, (void)report;
    return job_record(context, false);
}

static cev_status list_changed(job *j, const bool *changed, uint32_t **item, size_t *n)
{
    CEV_TRY(cev_new(j->arena, j->n_item, item));
    for (size_t k = 0; k < j->n_item; k++)
        if (changed[job_space_of(j, k) - j->space]) (*item)[(*n)++] = (uint32_t)k;
    return CEV_OK;
}

static cev_status count_from_lowest(job *j)
{
    bool *changed;
    uint32_t *item = NULL;
    size_t n = 0;
    CEV_TRY(job_alone(j, cev_new(j->arena, j->config->n_space, &changed)));
    cev_status status = j->rank == 0 ? settle_references(j, changed) : CEV_OK;
    if (j->rank == 0 && status == CEV_OK) status = list_changed(j, changed, &item, &n);
    CEV_TRY(job_agree_with_rank_0(j, status));
    CEV_TRY(job_share_references(j));
    return job_run_pool(j, &(job_pool){.context = j, .n = n, .item = item, .work = count_anew, .take = take_nothing});
}

/* --- hashes ----------------------------------------------------------------------------------------------------- */

cev_status job_hash_space(const job *j, size_t k, char (*hash)[CEV_DIGEST_TEXT_SIZE])
{
    const job_space *s = &j->space[k];
    size_t n_tile = s->scan->grid.n_tile;
    cev_digest *all = malloc(n_tile * s->n_map * sizeof *all), *of_map = malloc(n_tile * sizeof *of_map), sum;
    cev_status status = all && of_map ? cev_map_read_digests(j->map, k, all) : cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t m = 0; status == CEV_OK && m < s->n_map; m++) {
        for (size_t t = 0; t < n_tile; t++) of_map[t] = all[t * s->n_map + m];
        status = cev_digest_spans(&(cev_span){of_map, n_tile * sizeof *of_map}, 1, &sum);
        if (status == CEV_OK) cev_digest_text(&sum, hash[m]);
    }
    free(all);
    free(of_map);
    return status;
}

/* Of a scan the hash of its map; of a study that of all their texts. */
cev_status job_hash_file(const job *j, char out[CEV_DIGEST_TEXT_SIZE])
{
    cev_span *span;
    cev_digest sum;
    if (j->config->is_scan) {
        memcpy(out, j->space[0].results.content_hash[0], CEV_DIGEST_TEXT_SIZE);
        return CEV_OK;
    }
    CEV_TRY(cev_new(j->arena, j->config->n_map, &span));
    for (size_t k = 0; k < j->config->n_space; k++)
        for (size_t m = 0; m < j->space[k].n_map; m++)
            span[j->space[k].first_map + m] = (cev_span){j->space[k].results.content_hash[m], CEV_DIGEST_TEXT_SIZE - 1};
    CEV_TRY(cev_digest_spans(span, j->config->n_map, &sum));
    cev_digest_text(&sum, out);
    return CEV_OK;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

cev_job_fit job_fit(const job_space *s, size_t f)
{
    const cev_grid *g = &s->scan->grid;
    cev_job_fit out = {.chi2 = s->results.best_fit_chi2[f]};
    for (size_t a = 0; a < g->n_axis; a++) {
        const cev_axis *axis = &g->axis[a];
        out.at[a] = s->results.best_fit[f * g->n_axis + a];
        double low = axis->value[0], high = axis->value[axis->n - 1], near = 1e-9 * (high - low);
        out.at_edge[a] = !axis->label && (out.at[a] <= low + near || out.at[a] >= high - near);
    }
    return out;
}

/* Of a scan each end by its name, of a study how many maps have one. */
static size_t tell_of_ends(const job *j, const job_space *s, size_t f)
{
    cev_job_fit fit = job_fit(s, f);
    size_t n = 0;
    for (size_t a = 0; a < s->scan->grid.n_axis; a++) {
        n += fit.at_edge[a];
        if (fit.at_edge[a] && j->config->is_scan)
            job_tell(j, "%s: the best fit lies at the end of the range of %s (%.6g): a lower minimum may lie beyond",
                     job_fit_name(j, s, f), s->scan->axis_description[a]->name, fit.at[a]);
    }
    return n;
}

static void tell_of_edges(const job *j)
{
    size_t n = 0, n_fit = 0;
    for (size_t k = 0; k < j->n_space; k++)
        for (size_t f = 0; f < j->space[k].n_fit; f++, n_fit++) n += tell_of_ends(j, &j->space[k], f) > 0;
    if (n && !j->config->is_scan)
        job_tell(j, "%zu of %zu best fits lie at an end of a range: lower minima may lie beyond", n, n_fit);
}

static cev_status hash_results(job *j)
{
    cev_map_results_of_space *of;
    CEV_TRY(cev_new(j->arena, j->n_space, &of));
    for (size_t k = 0; k < j->n_space; k++) {
        const job_space *s = &j->space[k];
        of[k] = (cev_map_results_of_space){s->n_fit, s->scan->grid.n_axis, s->n_map, &s->results};
    }
    return cev_map_hash_results(j->n_space, of, j->progress.results_hash);
}

static cev_status complete(job *j)
{
    for (size_t k = 0; k < j->config->n_space; k++) {
        CEV_TRY(job_hash_space(j, k, j->space[k].results.content_hash));
        CEV_TRY(cev_map_write_results(j->map, k, &j->space[k].results));
    }
    CEV_TRY(job_hash_file(j, j->progress.content_hash));
    CEV_TRY(hash_results(j));
    j->progress.complete = true;
    tell_of_edges(j);
    return job_end_session(j);
}

cev_status job_finish(job *j)
{
    CEV_TRY(count_from_lowest(j));
    CEV_TRY(job_alone(j, cev_map_flush(j->map))); /* what calls itself complete is on the disk */
    CEV_TRY(job_alone(j, j->rank == 0 ? complete(j) : CEV_OK));
    return job_alone(j, cev_map_flush(j->map));
}
