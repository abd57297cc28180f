/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of a study, and what can be found wrong with it before anything is created. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map_guard.h"
#include "output_place.h"
#include "provenance.h"
#include "stop.h"
#include "study_run.h"

/* --- before ----------------------------------------------------------------------------------------------------- */

static cev_status compare_with_found(const study_run *run)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&run->config->identity, identity);
    const char *theirs = cev_map_info_text(run->found->file, "configuration_hash"),
               *title = cev_map_info_text(run->found->file, "title");
    if (!theirs || strcmp(theirs, identity))
        return cev_fail(CEV_E_INPUT,
                        "%s: holds another study (\"%s\", configuration %.12s; this is %.12s); choose another output, "
                        "or "
                        "remove it",
                        run->options->output, title ? title : "untitled", theirs ? theirs : "unknown", identity);
    bool same = run->found->n_map == run->config->n_map;
    for (size_t m = 0; same && m < run->config->n_map; m++)
        same = !strcmp(run->found->name[m], run->config->map[m].name) &&
               run->found->map[m]->n_tile == study_run_grid(run, m)->n_tile;
    return same ? CEV_OK
                : cev_fail(CEV_E_INPUT, "%s: its maps are not those of its study: the file is damaged", run->path);
}

static cev_status look_at_output(study_run *run)
{
    bool exists;
    cev_study_info_destroy(&run->found);
    CEV_TRY(output_place_exists(run->path, &exists));
    if (!exists) return CEV_OK;
    CEV_TRY(inspect_study_guarded(run->path, &run->found));
    CEV_TRY(compare_with_found(run));
    if (!run->found->file->progress.complete && access(run->path, W_OK))
        return cev_fail(CEV_E_IO, "%s: cannot be written: %s", run->path, strerror(errno));
    return CEV_OK;
}

cev_status study_run_prepare(study_run *run, bool *done)
{
    CEV_TRY(cev_study_config_read(run->options->file, &run->config));
    CEV_TRY(output_place_resolve(run->options->output, &run->path));
    CEV_TRY(look_at_output(run));
    *done = run->found && run->found->file->progress.complete;
    if (*done) {
        cev_map_lock_sweep(run->path);
        return CEV_OK;
    }
    CEV_TRY(output_place_check(run->path));
    CEV_TRY(cev_map_lock_take(run->path, &run->lock));
    CEV_TRY(look_at_output(run)); /* again, now that it stays as it is */
    *done = run->found && run->found->file->progress.complete;
    return CEV_OK;
}

/* --- the layout ------------------------------------------------------------------------------------------------- */

typedef struct describing {
    const study_run *run;
    cev_scan_config *scan; /* of the map that was asked for last */
} describing;

static cev_status describe_map(void *context, size_t m, cev_map_spec *out)
{
    describing *d = context;
    cev_scan_config_destroy(&d->scan);
    CEV_TRY(cev_study_scan(d->run->config, m, &d->scan));
    *out = (cev_map_spec){.grid = study_run_grid(d->run, m), .axis_description = d->scan->axis_description};
    return provenance_texts(d->scan, out);
}

static cev_status name_experiments(const study_run *run, size_t map, const char **out)
{
    const cev_study_config *c = run->config;
    const cev_study_set *set = &c->set[c->map[map].set];
    char *text;
    *out = "";
    for (size_t e = 0; e < set->n_experiment; e++) {
        CEV_TRY(
            cev_arena_print(c->arena, &text, "%s%s%s", *out, e ? "," : "", c->experiment[set->experiment[e]]->name));
        *out = text;
    }
    return CEV_OK;
}

static cev_status name_axes(const study_run *run, size_t map, const char **out)
{
    const cev_grid *grid = study_run_grid(run, map);
    char *text;
    *out = "";
    for (size_t a = 0; a < grid->n_axis; a++) {
        CEV_TRY(cev_arena_print(run->config->arena, &text, "%s%s%s", *out, a ? "," : "", grid->axis[a].name));
        *out = text;
    }
    return CEV_OK;
}

static cev_status create_file(const study_run *run)
{
    const cev_study_config *c = run->config;
    cev_study_spec spec = {.n_map = c->n_map, .describe = describe_map};
    describing d = {.run = run};
    const char **name, **axes, **experiments;
    const cev_grid **grid;
    CEV_TRY(cev_new(c->arena, c->n_map, &name));
    CEV_TRY(cev_new(c->arena, c->n_map, &axes));
    CEV_TRY(cev_new(c->arena, c->n_map, &experiments));
    CEV_TRY(cev_new(c->arena, c->n_map, &grid));
    for (size_t m = 0; m < c->n_map; m++) {
        name[m] = c->map[m].name;
        grid[m] = study_run_grid(run, m);
        CEV_TRY(name_axes(run, m, &axes[m]));
        CEV_TRY(name_experiments(run, m, &experiments[m]));
    }
    spec.name = name;
    spec.axes = axes;
    spec.experiments = experiments;
    spec.grid = grid;
    spec.context = &d;
    CEV_TRY(provenance_of_study(c, &spec));
    cev_status status = cev_study_create(run->path, &spec);
    cev_scan_config_destroy(&d.scan);
    return status;
}

/* --- open ------------------------------------------------------------------------------------------------------- */

static cev_status start_session(study_run *run)
{
    const cev_map_progress *before = run->found ? &run->found->file->progress : NULL;
    run->wall_time_before_s = before ? before->wall_time_s : 0;
    job_begin_session(&run->progress, before, &run->machine);
    return study_run_record(run);
}

cev_status study_run_open(study_run *run)
{
    cev_status status = CEV_OK;
    run->started = monotonic_s();
    if (run->rank == 0 && !run->found) status = create_file(run);
    CEV_TRY(agree_with_rank_0(run->rank, status));
    CEV_TRY(job_share_text(run->rank, &run->path));
    CEV_TRY(cev_study_open(run->path, CEV_MAP_WRITE, MPI_COMM_WORLD, &run->file));
    for (size_t m = 0; m < run->config->n_map; m++)
        CEV_TRY(cev_study_open_map(run->file, run->config->map[m].name, study_run_grid(run, m), &run->map[m].file));
    return run->rank == 0 ? start_session(run) : CEV_OK;
}
