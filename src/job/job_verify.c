/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file compared with its digests, with what it says of the whole, and with a new computation of some of its tiles. */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job_parts.h"
#include "job_place.h"

const char *const cev_job_part_names[CEV_N_PARTS] =
    {"description", "axes", "best fit", "number of failed points", "numbers of flagged points", "content hash"};

typedef struct verification {
    job j;
    const cev_verify_options *what;
    cev_verify_result *result;
    bool *chosen;   /* [n_item], to be recomputed; on all ranks */
    bool complete;  /* the file is: its references are known */
    size_t n_refit; /* wanted; 0 where nothing is profiled */
} verification;

/* --- the choice ------------------------------------------------------------------------------------------------- */

static bool is_done(const job *j, size_t item)
{
    const job_space *s = job_space_of(j, item);
    return j->found->space[s - j->space].done[item - s->first_item] != 0;
}

static cev_status compare_identity(verification *v)
{
    const job *j = &v->j;
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&j->config->identity, identity);
    const char *stored = cev_map_info_text(j->found, "configuration_hash");
    v->result->same_numerics = stored && !strcmp(stored, identity);
    if (v->result->same_numerics || !v->what->all) return CEV_OK;
    return cev_fail(CEV_E_INPUT,
                    "%s: its configuration hash is not that of its configuration: it was changed, or "
                    "computed by a version with other numbers; it cannot be recomputed",
                    v->what->file);
}

/* Each of the finished tiles has the same chance, and exactly so many as wanted are drawn. */
static cev_status choose(verification *v)
{
    const job *j = &v->j;
    gsl_rng *random = gsl_rng_alloc(gsl_rng_taus2);
    if (!random) return cev_fail(CEV_E_MEMORY, "out of memory");
    gsl_rng_set(random, v->what->seed);
    size_t left = j->found->n_tile_done, wanted = v->what->all ? left : (left + 99) / 100;
    for (size_t k = 0; k < j->n_item && v->result->same_numerics; k++) {
        if (!is_done(j, k)) continue;
        v->chosen[k] = gsl_rng_uniform(random) * (double)left < (double)wanted;
        wanted -= v->chosen[k];
        left--;
    }
    gsl_rng_free(random);
    return CEV_OK;
}

/* --- tiles ------------------------------------------------------------------------------------------------------ */

static cev_status look(void *context, cev_schedule *schedule, size_t item, void *report)
{
    verification *v = context;
    job_look *l = report;
    if (job_is_stopping(&v->j)) return cev_fail(CEV_E_STOPPED, "stopped");
    CEV_TRY(job_look_at(&v->j, schedule, item, v->chosen[item], l));
    if (l->verdict < CEV_TILE_MISCOUNTED && v->complete && !job_has_its_references(&v->j))
        l->verdict = CEV_TILE_MISCOUNTED;
    return CEV_OK;
}

static cev_status take(void *context, size_t item, const void *report)
{
    verification *v = context;
    cev_verify_result *r = v->result;
    const job_look *l = report;
    job_take_notes(&v->j, item, l->note);
    r->verdict[item] = (unsigned char)l->verdict;
    r->n_recomputed += v->chosen[item] && l->verdict != CEV_TILE_DAMAGED;
    r->n_other_bits += l->verdict == CEV_TILE_OTHER_BITS;
    r->n_bad += l->verdict >= CEV_TILE_MISCOUNTED;
    r->worst_chi2 = fmax(r->worst_chi2, l->worst_chi2);
    return CEV_OK;
}

static cev_status look_at_tiles(verification *v)
{
    job *j = &v->j;
    uint32_t *item = NULL;
    size_t n = 0;
    cev_status status = j->rank == 0 ? cev_new(j->arena, j->n_item, &item) : CEV_OK;
    for (size_t k = 0; j->rank == 0 && status == CEV_OK && k < j->n_item; k++)
        if (is_done(j, k)) item[n++] = (uint32_t)k;
    CEV_TRY(job_alone(j, status));
    return job_run_pool(
        j,
        &(job_pool){.context = v, .n = n, .item = item, .work = look, .take = take, .report_size = job_look_size(j)});
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static bool is_close(double a, double b)
{
    return fabs(a - b) <= 1e-7 * (1 + fabs(b));
}

static cev_status check_axes(verification *v)
{
    for (size_t k = 0; k < v->j.config->n_space; k++)
        for (size_t a = 0; a < v->j.space[k].scan->grid.n_axis; a++) {
            bool intact;
            CEV_TRY(cev_map_check_axis(v->j.map, k, a, &intact));
            v->result->wrong[CEV_PART_AXES] |= !intact;
        }
    return CEV_OK;
}

/* chi2 at the best fit that the file names, rather than its place: where chi2 is flat, others find another. No minimum
 * that this program finds, and no point of the map, lies below. */
static void check_fit(verification *v, const job_space *s, size_t f)
{
    const cev_map_results *said = &v->j.found->space[s - v->j.space].results;
    size_t n_axis = s->scan->grid.n_axis;
    double at_it = cev_best_fits_chi2_at(s->combination, s->units->scratch[0], f / s->n_member, f % s->n_member,
                                         said->best_fit + f * n_axis);
    double lowest = fmin(s->results.best_fit_chi2[f], s->lowest[f]);
    bool inside = true;
    for (size_t a = 0; a < n_axis; a++) {
        const cev_axis *axis = &s->scan->grid.axis[a];
        double at = said->best_fit[f * n_axis + a];
        inside &= at >= axis->value[0] && at <= axis->value[axis->n - 1];
    }
    v->result->wrong[CEV_PART_BEST_FIT] |= !inside;
    v->result->wrong[CEV_PART_BEST_FIT] |= !is_close(said->chi2_reference[f], said->best_fit_chi2[f]) ||
                                           !is_close(at_it, said->best_fit_chi2[f]) ||
                                           !(said->chi2_reference[f] <= lowest + 1e-6 * (1 + fabs(lowest)));
}

static bool has_its_flags(const cev_map_results *found, const cev_map_results *said, size_t m)
{
    if (!found->points_proven || !said->points_proven) return found->points_proven == said->points_proven;
    return found->points_proven[m] == said->points_proven[m] && found->points_at_bound[m] == said->points_at_bound[m] &&
           found->points_flat[m] == said->points_flat[m];
}

static cev_status check_results(verification *v, size_t k)
{
    const job_space *s = &v->j.space[k];
    const cev_map_results *said = &v->j.found->space[k].results;
    CEV_TRY(job_hash_space(&v->j, k, s->results.content_hash));
    for (size_t m = 0; m < s->n_map; m++) {
        v->result->wrong[CEV_PART_CONTENT_HASH] |= strcmp(s->results.content_hash[m], said->content_hash[m]) != 0;
        v->result->wrong[CEV_PART_POINTS_FAILED] |= s->results.points_failed[m] != said->points_failed[m];
        v->result->wrong[CEV_PART_POINTS_FLAGGED] |= !has_its_flags(&s->results, said, m);
    }
    for (size_t f = 0; f < s->n_fit && v->result->same_numerics; f++) check_fit(v, s, f);
    return CEV_OK;
}

/* What a complete file says of all its tiles. The digests have a digest, too. */
static cev_status check_whole(verification *v)
{
    job *j = &v->j;
    char hash[CEV_DIGEST_TEXT_SIZE];
    v->result->wrong[CEV_PART_DESCRIPTION] |= !j->found->description_intact;
    CEV_TRY(check_axes(v));
    if (!j->found->progress.complete) return CEV_OK;
    for (size_t k = 0; k < j->config->n_space; k++) CEV_TRY(check_results(v, k));
    CEV_TRY(job_hash_file(j, hash));
    v->result->wrong[CEV_PART_CONTENT_HASH] |= strcmp(hash, j->found->progress.content_hash) != 0;
    v->result->wrong[CEV_PART_POINTS_FAILED] |= j->points_failed != j->found->progress.points_failed;
    v->result->wrong[CEV_PART_BEST_FIT] |= !j->found->results_intact;
    return CEV_OK;
}

/* --- repair ----------------------------------------------------------------------------------------------------- */

static cev_status forget_bad(verification *v)
{
    job *j = &v->j;
    for (size_t k = 0; k < j->n_item; k++) {
        if (v->result->verdict[k] < CEV_TILE_DAMAGED) continue;
        const job_space *s = job_space_of(j, k);
        CEV_TRY(cev_map_forget_tile(j->map, (size_t)(s - j->space), k - s->first_item));
    }
    for (size_t k = 0; k < j->config->n_space && v->result->wrong[CEV_PART_AXES]; k++)
        for (size_t a = 0; a < j->space[k].scan->grid.n_axis; a++) CEV_TRY(cev_map_write_axis(j->map, k, a));
    return CEV_OK;
}

static cev_status repair(verification *v)
{
    job *j = &v->j;
    CEV_TRY(job_agree_with_rank_0(j, cev_map_check_place(j->map)));
    CEV_TRY(job_alone(j, cev_map_close(&j->map)));
    CEV_TRY(job_alone(j, cev_map_open(j->path, CEV_MAP_WRITE, j->communicator, &j->spec, &j->map)));
    cev_map_progress progress = {0};
    if (j->rank == 0) {
        progress = j->found->progress;
        progress.complete = false;
        progress.content_hash[0] = progress.results_hash[0] = '\0';
        CEV_TRY(job_alone(j, cev_map_write_progress(j->map, &progress)));
        CEV_TRY(job_alone(j, forget_bad(v)));
    }
    v->result->repaired = true;
    return job_alone(j, cev_map_flush(j->map));
}

/* --- the command ------------------------------------------------------------------------------------------------ */

/* Before anything is looked at: what is repaired is what was seen. */
static cev_status lock_for_repair(verification *v)
{
    job *j = &v->j;
    cev_map_lock *lock = NULL;
    CEV_TRY(job_place_resolve(v->what->file, &j->path));
    CEV_TRY(job_place_check_owner(j->path));
    if (!v->what->repair) return CEV_OK;
    CEV_TRY(cev_map_lock_take(j->path, &lock));
    atomic_store(&j->lock, lock);
    return CEV_OK;
}

static cev_status open_on_rank_0(verification *v)
{
    job *j = &v->j;
    cev_map_info *found;
    CEV_TRY(lock_for_repair(v));
    CEV_TRY(job_inspect(j, v->what->file, &found));
    cev_status status = job_adopt(j, v->what->file, found);
    j->found = found;
    CEV_TRY(status);
    const char *changed;
    CEV_TRY(job_changed_text(j, found, &changed));
    v->result->wrong[CEV_PART_DESCRIPTION] = changed != NULL;
    return CEV_OK;
}

static cev_status share_job(verification *v)
{
    job *j = &v->j;
    char *text = j->rank == 0 ? j->config->resolved : NULL;
    CEV_TRY(job_share_text(j, &text));
    CEV_TRY(job_share_text(j, &j->path));
    if (j->rank == 0) return CEV_OK;
    cev_status status = cev_study_config_parse(text, "configuration", &j->config);
    free(text);
    return status;
}

static cev_status prepare_looks(verification *v)
{
    job *j = &v->j;
    CEV_TRY(job_build(j));
    CEV_TRY(job_build_second(j));
    CEV_TRY(job_allocate_looks(j));
    CEV_TRY(cev_new(j->arena, j->n_item, &v->chosen));
    v->result->verdict = calloc(j->n_item, 1);
    return v->result->verdict ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
}

/* References of the file, which delta_chi2 counts from. */
static cev_status use_references_of_file(job *j)
{
    for (size_t k = 0; j->rank == 0 && k < j->config->n_space; k++) {
        const cev_map_results *said = &j->found->space[k].results;
        memcpy(j->space[k].results.chi2_reference, said->chi2_reference,
               j->space[k].n_fit * sizeof *said->chi2_reference);
    }
    return job_share_references(j);
}

/* What rank 0 knows of the file, and the others need. */
static cev_status share_choice(verification *v)
{
    job *j = &v->j;
    v->complete = j->rank == 0 && j->found->progress.complete;
    CEV_TRY(job_share(j, &v->complete, sizeof v->complete));
    CEV_TRY(job_share(j, &v->result->same_numerics, sizeof v->result->same_numerics));
    for (size_t k = 0; k < j->n_space; k++)
        if (j->space[k].scan->roster.n_profiled) v->n_refit = v->what->n_refit;
    return job_share(j, v->chosen, j->n_item * sizeof *v->chosen);
}

static cev_status open_all(verification *v)
{
    job *j = &v->j;
    CEV_TRY(job_agree_on_program(j, "verify"));
    CEV_TRY(job_agree_with_rank_0(j, j->rank == 0 ? open_on_rank_0(v) : CEV_OK));
    CEV_TRY(job_alone(j, share_job(v)));
    j->machine = cev_machine_survey(j->communicator, j->options->threads);
    CEV_TRY(job_alone(j, prepare_looks(v)));
    CEV_TRY(job_agree_on_templates(j));
    cev_status status = j->rank == 0 ? compare_identity(v) : CEV_OK;
    if (j->rank == 0 && status == CEV_OK) status = choose(v);
    CEV_TRY(job_agree_with_rank_0(j, status));
    return share_choice(v);
}

/* Digests that do not fit the hash of the whole: whoever changed them may have made them fit their tiles. Only a new
 * computation tells which tiles are right. */
static cev_status look_again(verification *v)
{
    job *j = &v->j;
    cev_verify_result *r = v->result;
    bool again = v->what->repair && r->same_numerics && !v->what->all && r->wrong[CEV_PART_CONTENT_HASH];
    CEV_TRY(job_share(j, &again, sizeof again));
    if (!again) return CEV_OK;
    for (size_t k = 0; k < j->n_item; k++) v->chosen[k] = true;
    r->n_recomputed = r->n_other_bits = r->n_bad = 0;
    return look_at_tiles(v);
}

static cev_status compare_all(verification *v)
{
    job *j = &v->j;
    if (v->complete && v->result->same_numerics) CEV_TRY(job_find_best_fits(j));
    if (v->complete) CEV_TRY(use_references_of_file(j));
    CEV_TRY(job_alone(j, cev_map_open(j->path, CEV_MAP_READ, j->communicator, &j->spec, &j->map)));
    CEV_TRY(look_at_tiles(v));
    CEV_TRY(job_agree_with_rank_0(j, j->rank == 0 ? check_whole(v) : CEV_OK));
    if (v->result->same_numerics && v->n_refit) CEV_TRY(job_refit(j, v->n_refit, v->what->seed, v->result));
    return look_again(v);
}

static cev_status judge(verification *v)
{
    cev_verify_result *r = v->result;
    size_t n_wrong = 0;
    for (int p = 0; p < CEV_N_PARTS; p++) n_wrong += r->wrong[p];
    bool intact = r->n_bad == 0 && n_wrong == 0;
    r->sound = intact && r->n_lower == 0;
    r->n_tile = v->j.n_item;
    if (v->j.rank == 0) r->n_done = v->j.found->n_tile_done;
    /* The description covers the axes, which can be written anew. */
    bool changed = r->wrong[CEV_PART_DESCRIPTION] && !r->wrong[CEV_PART_AXES];
    bool mend = v->what->repair && !intact && !changed; /* other minima would be found again */
    if (v->what->repair && changed)
        job_tell(&v->j, "%s: what it says of itself was changed: that cannot be repaired", v->what->file);
    CEV_TRY(job_share(&v->j, &mend, sizeof mend));
    if (mend) CEV_TRY(repair(v));
    return job_alone(&v->j, cev_map_close(&v->j.map));
}

static cev_status verify_all(verification *v)
{
    CEV_TRY(open_all(v));
    CEV_TRY(compare_all(v));
    return judge(v);
}

cev_status cev_job_verify(MPI_Comm communicator, const cev_job_options *options, const cev_verify_options *what,
                          cev_verify_result *result)
{
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    verification v = {.j = {.options = options, .communicator = communicator}, .what = what, .result = result};
    *result = (cev_verify_result){0};
    cev_status status = job_begin(&v.j);
    if (status == CEV_OK) status = verify_all(&v);
    if (!v.j.broken) result->config = v.j.config, v.j.config = NULL;
    job_end(&v.j);
    gsl_set_error_handler(handler);
    return status;
}

void cev_verify_result_free(cev_verify_result *r)
{
    cev_study_config_destroy(&r->config);
    free(r->verdict);
    free(r->lower);
    *r = (cev_verify_result){0};
}
