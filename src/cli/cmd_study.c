/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "stop.h"
#include "study_run.h"

static const char doc[] =
    "Scans many sets of experiments over many planes and parameters into one file: alone, under mpirun or under srun. "
    "An experiment that "
    "is in many sets is evaluated once. An unfinished study is resumed, as a scan is.\v"
    "`cevscan check STUDY.yaml` shows the maps without computing any. Exit codes are those of cevscan run.\n\n"
    "Example:\n  mpirun -n 2 cevscan study configs/studies/ess_all.yaml -o ess_all.h5";

static void print_summary(const study_run *run, run_outcome outcome)
{
    const job_options *o = run->options;
    const cev_study_config *c = run->config;
    double seconds = monotonic_s() - run->started, points = (double)(run->points_done - run->points_before);
    if (o->json) {
        print_json(json_pack("{s:o, s:b, s:I, s:I, s:I, s:f, s:s}", "study", json_text(o->output), "complete",
                             outcome == RUN_COMPLETE, "maps", (json_int_t)c->n_map, "points_computed",
                             (json_int_t)points, "points_failed", (json_int_t)run->points_failed, "seconds", seconds,
                             "content_hash", run->progress.content_hash));
    } else if (o->quiet) {
        return;
    } else if (outcome != RUN_COMPLETE) {
        printf("%s: stopped after %llu points; the same command goes on\n", o->output,
               (unsigned long long)run->points_done);
    } else {
        printf("%s: %zu maps of %zu sets, %.0f points in %.2f s (%.3g points/s), %llu failed; %zu fits for each grid "
               "point\ncontent hash %s\n",
               o->output, c->n_map, c->n_set, points, seconds, points / seconds, (unsigned long long)run->points_failed,
               cev_units_n(run->units), run->progress.content_hash);
    }
}

static int leave_alone(study_run *run)
{
    uint64_t failed = run->rank == 0 ? run->found->file->progress.points_failed : 0;
    if (run->rank == 0 && run->options->json) {
        run->progress = run->found->file->progress;
        run->started = monotonic_s();
        print_json(json_pack("{s:o, s:b, s:I, s:I, s:I, s:f, s:s}", "study", json_text(run->options->output),
                             "complete", true, "maps", (json_int_t)run->config->n_map, "points_computed", (json_int_t)0,
                             "points_failed", (json_int_t)failed, "seconds", 0.0, "content_hash",
                             run->progress.content_hash));
    } else if (run->rank == 0 && !run->options->quiet) {
        printf("%s: already complete\n", run->options->output);
    }
    return job_code_of(RUN_COMPLETE, failed);
}

/* Rank 0 has read and validated the study; the others get it as one self-contained text. */
static cev_status share_configuration(study_run *run)
{
    char *text = run->rank == 0 ? run->config->resolved : NULL;
    CEV_TRY(job_share_text(run->rank, &text));
    if (run->rank == 0) return CEV_OK;
    cev_status status = cev_study_config_parse(text, "resolved configuration", &run->config);
    free(text);
    return status;
}

static int run_everywhere(study_run *run)
{
    bool done = false;
    cev_status status = run->rank == 0 ? study_run_prepare(run, &done) : CEV_OK;
    status = agree_with_rank_0(run->rank, status);
    if (status != CEV_OK) return job_refuse(run->rank, status);
    MPI_Bcast(&done, 1, MPI_C_BOOL, 0, MPI_COMM_WORLD);
    if (done) return leave_alone(run);
    run->machine = job_survey(run->options, run->rank);
    job_abort_on_failure(run->rank, &run->lock, share_configuration(run));
    status = job_agree_on(run->rank, &run->lock, study_run_build(run));
    if (status == CEV_OK) status = study_run_find_references(run);
    if (status != CEV_OK) return job_refuse(run->rank, status);
    job_abort_on_failure(run->rank, &run->lock, study_run_open(run));
    job_abort_on_failure(run->rank, &run->lock, study_run_work(run));
    run_outcome outcome;
    job_abort_on_failure(run->rank, &run->lock, study_run_finish(run, &outcome));
    if (run->rank == 0) print_summary(run, outcome);
    return job_code_of(outcome, run->points_failed);
}

int command_study(int argc, char **argv)
{
    job_options o = JOB_DEFAULTS("study file");
    const struct argp_child children[] = {{&job_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.parser = job_options_only, .args_doc = "STUDY.yaml", .doc = doc, .children = children};
    argp_parse(&argp, argc, argv, 0, NULL, &o);

    study_run run = {.options = &o};
    job_start_mpi(&run.rank);
    stop_on_signals(); /* after MPI_Init, which may take signals over itself */
    int code = run_everywhere(&run);
    study_run_destroy(&run);
    return job_end_mpi(code);
}
