/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tiles that are there: read back, and compared with their digests, their references, and a new computation. */
#include <math.h>
#include <string.h>

#include "cevscan/threads.h"
#include "job_parts.h"

/* What chi2 is promised to, absolutely or relatively, whichever is larger. */
static const double accuracy = 1e-8;

size_t job_look_size(const job *j)
{
    return sizeof(job_look) + j->most_maps * sizeof(job_note);
}

static bool same_value(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* delta_chi2 is chi2 - reference, to the last bit. */
static bool has_its_references(job *j, const job_buffer *b)
{
    const double *reference = job_references(j, j->at, &j->tile);
    size_t n = j->tile.n_point;
    for (size_t m = 0; m < j->at->n_map; m++)
        for (size_t k = m * n; k < (m + 1) * n; k++)
            if (!same_value(b->results.chi2[k] - reference[m], b->delta_chi2[k])) return false;
    return true;
}

/* Digests know of a map's own pulls only: those of others have no number in it. */
static bool has_no_other_pulls(const job *j, const job_buffer *b)
{
    const cev_map_space *space = &j->spec.space[j->at - j->space];
    const cev_units *units = j->at->units->units;
    for (size_t m = 0; m < j->at->n_map; m++)
        for (size_t p = 0; p < space->n_pull; p++) {
            size_t own = 0, n = j->tile.n_point;
            const double *pull = b->results.pull + (p * j->at->n_map + m) * n;
            while (own < cev_units_n_pull(units, m) && strcmp(cev_units_pull_name(units, m, own), space->pull_name[p]))
                own++;
            for (size_t k = 0; k < n && own == cev_units_n_pull(units, m); k++)
                if (!isnan(pull[k])) return false;
        }
    return true;
}

/* In units of what is promised; infinite where one is a number and the other is not. */
static void compare_values(const job *j, const job_buffer *one, const job_buffer *other, job_look *out)
{
    for (size_t k = 0; k < j->tile.n_point * j->at->n_map; k++) {
        double a = one->results.chi2[k], b = other->results.chi2[k];
        if (same_value(a, b) && one->results.status[k] == other->results.status[k]) continue;
        double plain = fabs(a - b), limit = accuracy * fmax(1, fabs(a));
        bool comparable = isfinite(plain) && one->results.status[k] == other->results.status[k];
        out->worst_chi2 = fmax(out->worst_chi2, comparable ? plain : INFINITY);
        out->difference = fmax(out->difference, comparable ? plain / limit : INFINITY);
    }
}

static cev_status compare_with_new(job *j, cev_schedule *schedule, size_t item, job_look *out)
{
    job_note fresh;
    bool same = true;
    CEV_TRY(job_compute(j, schedule, item, &j->second));
    for (size_t m = 0; m < j->at->n_map; m++) {
        CEV_TRY(job_note_map(j, &j->second, m, &fresh));
        same &= !memcmp(&fresh.digest, &out->note[m].digest, sizeof fresh.digest);
    }
    if (same) return CEV_OK;
    compare_values(j, &j->buffer, &j->second, out);
    out->verdict = out->difference <= 1 ? CEV_TILE_OTHER_BITS : CEV_TILE_DIFFERENT;
    return CEV_OK;
}

cev_status job_look_at(job *j, cev_schedule *schedule, size_t item, bool recompute, job_look *out)
{
    job_buffer *b = &j->buffer;
    bool intact = true;
    j->schedule = schedule;
    j->at = job_space_of(j, item);
    j->tile = job_tile_of(j, item);
    CEV_TRY(cev_map_read_tile(j->map, (size_t)(j->at - j->space), &j->tile, &b->results, b->delta_chi2, b->digest));
    *out = (job_look){.verdict = CEV_TILE_SOUND};
    for (size_t m = 0; m < j->at->n_map; m++) {
        CEV_TRY(job_note_map(j, b, m, &out->note[m]));
        intact &= !memcmp(&out->note[m].digest, &b->digest[m], sizeof b->digest[m]);
        if (m % 16 == 15) job_poll(j);
    }
    intact = intact && has_no_other_pulls(j, b);
    if (!intact) out->verdict = CEV_TILE_DAMAGED;
    return intact && recompute ? compare_with_new(j, schedule, item, out) : CEV_OK;
}

bool job_has_its_references(job *j)
{
    return has_its_references(j, &j->buffer);
}

/* --- a file that is resumed ------------------------------------------------------------------------------------- */

/* What is left of other references, of a session that ended while they changed, is written anew. */
static cev_status look(void *context, cev_schedule *schedule, size_t item, void *report)
{
    job *j = context;
    job_look *l = report;
    if (job_is_stopping(j)) return cev_fail(CEV_E_STOPPED, "stopped");
    CEV_TRY(job_look_at(j, schedule, item, false, l));
    if (l->verdict == CEV_TILE_DAMAGED || has_its_references(j, &j->buffer)) return CEV_OK;
    return cev_map_write_delta(j->map, (size_t)(j->at - j->space), &j->tile, j->buffer.results.chi2,
                               job_references(j, j->at, &j->tile));
}

static cev_status take(void *context, size_t item, const void *report)
{
    job *j = context;
    const job_look *l = report;
    const job_space *s = job_space_of(j, item);
    if (l->verdict != CEV_TILE_DAMAGED) {
        job_take_notes(j, item, l->note);
        return job_record(j, false);
    }
    job_tell(j, "tile %zu of %s is damaged: it is computed anew", item - s->first_item,
             s->n_map > 1 ? j->spec.space[s - j->space].name : job_map_name(j, s, 0));
    return cev_map_forget_tile(j->map, (size_t)(s - j->space), item - s->first_item);
}

static cev_status list_done(job *j, uint32_t **item, size_t *n)
{
    CEV_TRY(cev_new(j->arena, j->n_item, item));
    for (size_t k = 0; k < j->n_item; k++) {
        const job_space *s = job_space_of(j, k);
        if (j->found->space[s - j->space].done[k - s->first_item]) (*item)[(*n)++] = (uint32_t)k;
    }
    return CEV_OK;
}

/* For tiles that are read: delta_chi2, too. */
cev_status job_allocate_looks(job *j)
{
    size_t most = 0;
    for (size_t k = 0; k < j->config->n_space; k++) {
        size_t n = j->space[k].n_map * cev_grid_points_of_whole_tile(&j->space[k].scan->grid);
        if (n > most) most = n;
    }
    return cev_new(j->arena, most, &j->buffer.delta_chi2);
}

cev_status job_revisit(job *j)
{
    uint32_t *item = NULL;
    size_t n = 0;
    cev_status status = job_allocate_looks(j);
    if (j->rank == 0 && status == CEV_OK) status = list_done(j, &item, &n);
    CEV_TRY(job_alone(j, status));
    return job_run_pool(
        j,
        &(job_pool){.context = j, .n = n, .item = item, .work = look, .take = take, .report_size = job_look_size(j)});
}
