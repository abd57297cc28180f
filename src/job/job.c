/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cevscan/job.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_parts.h"

const char *const cev_job_stage_names[CEV_N_STAGES] = {"configuration", "folds", "best fits",
                                                       "layout",        "tiles", "finish"};

cev_job_options cev_job_defaults(void)
{
    return (cev_job_options){.grace_s = 10, .silence_s = 90};
}

/* --- stages ----------------------------------------------------------------------------------------------------- */

static cev_status enter(job *j, cev_job_stage stage)
{
    atomic_store(&j->stage, stage);
    return job_look_for_stop(j);
}

/* Each rank sees a wish to stop in its own time: rank 0's view counts. */
static cev_status enter_together(job *j, cev_job_stage stage)
{
    return job_agree_with_rank_0(j, enter(j, stage));
}

/* Rank 0 has read and validated the configuration; the others get it as one self-contained text. */
static cev_status share_configuration(job *j)
{
    char *text = j->rank == 0 ? j->config->resolved : NULL;
    CEV_TRY(job_share_text(j, &text));
    if (j->rank == 0) return CEV_OK;
    cev_status status = cev_study_config_parse(text, "resolved configuration", &j->config);
    free(text);
    return status;
}

/* Before anything takes long. A file that is resumed has been spoken of. */
static cev_status tell_of_remarks(const job *j)
{
    cev_remarks remarks;
    if (j->found || !j->options->remark) return CEV_OK;
    CEV_TRY(cev_study_remarks(j->arena, j->config, &remarks));
    for (size_t k = 0; k < remarks.n; k++) j->options->remark(j->options->context, &remarks.remark[k]);
    CEV_TRY(job_look_for_flat(j, &remarks));
    for (size_t k = 0; k < remarks.n; k++) j->options->remark(j->options->context, &remarks.remark[k]);
    return CEV_OK;
}

/* Whoever looks at the result must know. */
static void tell_of_surrogates(const job *j)
{
    const cev_scan_config *c = j->config->space[0].scan;
    for (size_t e = 0; e < c->n_experiment && j->options->tell; e++)
        if (c->experiment[e]->surrogate)
            job_tell(j, "%s is a surrogate: %s", c->experiment[e]->name, c->experiment[e]->surrogate);
}

static cev_status build_together(job *j)
{
    cev_status own = job_build(j);
    cev_status status = job_agree_with_rank_0(j, own);
    return status == CEV_OK ? job_alone(j, own) : status;
}

static cev_status survey_and_build(job *j)
{
    j->machine = cev_machine_survey(j->communicator, j->options->threads);
    if (j->rank == 0 && j->options->surveyed) j->options->surveyed(j->options->context, &j->machine);
    CEV_TRY(job_alone(j, share_configuration(j)));
    CEV_TRY(enter_together(j, CEV_STAGE_FOLDS));
    CEV_TRY(build_together(j));
    return job_agree_on_templates(j);
}

/* Makes the file, or opens the one that is resumed; begins the session. */
static cev_status open_file(job *j)
{
    bool resumed = j->found != NULL;
    CEV_TRY(job_share(j, &resumed, sizeof resumed));
    CEV_TRY(
        job_alone(j, job_share_text(j, &j->path))); /* the file that rank 0 has looked at, not what a link leads to */
    if (!resumed) {
        CEV_TRY(job_lay_out(j, true));
        CEV_TRY(job_publish(j));
        return job_alone(j, j->rank == 0 ? job_begin_session(j) : CEV_OK);
    }
    CEV_TRY(job_alone(j, cev_map_open(j->path, CEV_MAP_WRITE, j->communicator, &j->spec, &j->map)));
    CEV_TRY(job_alone(j, j->rank == 0 ? job_begin_session(j) : CEV_OK));
    return job_revisit(j);
}

static cev_status run_stages(job *j, cev_job_result *r)
{
    bool done = false;
    CEV_TRY(job_agree_on_program(j, "run"));
    CEV_TRY(job_agree_with_rank_0(j, j->rank == 0 ? job_prepare(j, &done) : CEV_OK));
    CEV_TRY(job_share(j, &done, sizeof done));
    r->outcome = done ? CEV_JOB_WAS_COMPLETE : CEV_JOB_STOPPED;
    if (done) return CEV_OK;
    j->started = job_now_s();
    CEV_TRY(survey_and_build(j));
    CEV_TRY(enter_together(j, CEV_STAGE_BEST_FITS));
    tell_of_surrogates(j);
    if (j->rank == 0) CEV_TRY(job_alone(j, tell_of_remarks(j)));
    CEV_TRY(job_find_best_fits(j));
    CEV_TRY(enter_together(j, CEV_STAGE_LAYOUT));
    CEV_TRY(open_file(j));
    CEV_TRY(enter_together(j, CEV_STAGE_TILES));
    CEV_TRY(job_compute_tiles(j));
    CEV_TRY(job_share(j, &j->n_elsewhere, sizeof j->n_elsewhere));
    r->outcome = j->n_elsewhere ? CEV_JOB_SHARD_COMPLETE : CEV_JOB_COMPLETE;
    if (j->n_elsewhere) return job_suspend(j);
    CEV_TRY(enter_together(j, CEV_STAGE_FINISH));
    CEV_TRY(job_finish(j));
    return job_alone(j, cev_map_close(&j->map));
}

/* --- results ---------------------------------------------------------------------------------------------------- */

static cev_status keep_fits(const cev_scan_config *scan, const cev_map_results *results, cev_job_result *r)
{
    const job_space s = {.scan = scan, .results = *results};
    r->n_fit = cev_grid_n_member(&scan->grid);
    r->fit = calloc(r->n_fit, sizeof *r->fit);
    if (!r->fit) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t f = 0; f < r->n_fit; f++) r->fit[f] = job_fit(&s, f);
    return CEV_OK;
}

/* From the results of the job, or from a file that was complete. */
static cev_status keep_flagged(const job *j, cev_job_result *r)
{
    size_t n = j->config->n_space;
    bool some = false;
    for (size_t k = 0; k < n; k++) some |= j->config->space[k].scan->roster.n_profiled > 0;
    if (!some) return CEV_OK;
    r->flagged = calloc(n, sizeof *r->flagged);
    if (!r->flagged) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < n; k++) {
        const cev_map_results *from = j->space ? &j->space[k].results : &j->found->space[k].results;
        size_t n_map = j->space ? j->space[k].n_map : j->found->space[k].n_map;
        const uint64_t *const count[] = {from->points_proven, from->points_at_bound, from->points_flat};
        r->flagged[k].points = j->config->space[k].scan->grid.n_point * n_map;
        if (j->space) r->flagged[k].near = j->space[k].n_near, r->flagged[k].near_proven = j->space[k].n_near_proven;
        for (size_t f = 0; f < CEV_N_POINT_FLAGS && count[f]; f++)
            for (size_t m = 0; m < n_map; m++) r->flagged[k].flag[f] += count[f][m];
    }
    return CEV_OK;
}

static cev_status keep_results(job *j, cev_job_result *r)
{
    const cev_map_progress *p = r->outcome == CEV_JOB_WAS_COMPLETE ? &j->found->progress : &j->progress;
    r->points = j->points ? j->points : j->found ? j->found->n_point : 0;
    r->points_before = j->points_before;
    r->points_done = j->points_done;
    r->points_failed = j->space ? j->points_failed : p->points_failed;
    r->first_result_s = j->first_result_s;
    r->seconds = j->started > 0 ? job_now_s() - j->started : 0;
    r->n_unit = job_units_n(j);
    memcpy(r->content_hash, p->content_hash, sizeof r->content_hash);
    bool complete = r->outcome == CEV_JOB_COMPLETE || r->outcome == CEV_JOB_WAS_COMPLETE;
    if (complete && j->config->is_scan) /* a file that was complete has not been built */
        CEV_TRY(keep_fits(j->config->space[0].scan, j->space ? &j->space[0].results : &j->found->space[0].results, r));
    if (complete) CEV_TRY(keep_flagged(j, r));
    r->config = j->config;
    return CEV_OK;
}

cev_status cev_job_read_results(const cev_map_info *info, cev_job_result *r)
{
    const char *text = cev_map_info_text(info, "configuration");
    *r = (cev_job_result){0};
    if (!text || info->is_study) return cev_fail(CEV_E_INPUT, "its configuration is missing");
    CEV_TRY(cev_study_config_parse(text, "configuration", &r->config));
    const cev_grid *g = &r->config->space[0].scan->grid;
    if (!r->config->is_scan || g->n_axis != info->space[0].n_axis || cev_grid_n_member(g) != info->space[0].n_fit)
        return cev_fail(CEV_E_INPUT, "its configuration does not fit its axes");
    return info->progress.complete ? keep_fits(r->config->space[0].scan, &info->space[0].results, r) : CEV_OK;
}

void cev_job_result_free(cev_job_result *r)
{
    cev_study_config_destroy(&r->config);
    free(r->fit);
    free(r->flagged);
    *r = (cev_job_result){0};
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

/* The largest reason of all ranks. */
static cev_status reason_of_all(job *j, cev_stop *out)
{
    int own = cev_watch_reason(j->watch), all = 0;
    CEV_TRY(job_mpi(j, MPI_Allreduce(&own, &all, 1, MPI_INT, MPI_MAX, j->communicator)));
    *out = (cev_stop)all;
    return CEV_OK;
}

static cev_status run_watched(job *j, cev_job_result *r)
{
    cev_status status = run_stages(j, r);
    if (j->broken) return status;
    if (status == CEV_E_STOPPED) {
        r->outcome = CEV_JOB_STOPPED;
        status = reason_of_all(j, &r->stop);
        if (status == CEV_OK) status = job_suspend(j);
    } else if (status != CEV_OK && j->map) { /* of all ranks: what they say of it comes first */
        char message[1024];
        snprintf(message, sizeof message, "%s", cev_error_message());
        if (cev_map_close(&j->map) == CEV_OK) cev_fail(status, "%s", message);
    }
    if (status == CEV_OK && j->rank == 0) status = keep_results(j, r);
    cev_status shared = job_share(j, &r->points_failed, sizeof r->points_failed);
    return status == CEV_OK ? shared : status;
}

cev_status job_begin(job *j)
{
    MPI_Comm_rank(j->communicator, &j->rank);
    cev_status status = cev_arena_create(&j->arena);
    if (status == CEV_OK) status = job_start_watch(j);
    return job_alone(j, status);
}

void job_end(job *j)
{
    job_give_back(j);
    cev_watch_end(&j->watch, !j->broken);
    job_destroy(j);
}

cev_status cev_job_run(MPI_Comm communicator, const cev_job_options *options, cev_job_result *result)
{
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    job j = {.options = options, .communicator = communicator};
    *result = (cev_job_result){0};
    cev_status status = job_begin(&j);
    if (status == CEV_OK) status = run_watched(&j, result);
    if (result->config) j.config = NULL; /* the caller's now */
    job_end(&j);
    gsl_set_error_handler(handler);
    return status;
}
