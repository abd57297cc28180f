/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be found wrong before anything is created. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map_guard.h"
#include "output_place.h"
#include "scan_run.h"

/* A map may be finished only by the scan that began it. */
static cev_status compare_with_found(const scan_run *run)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&run->config->identity, identity);
    const char *theirs = cev_map_info_text(run->found, "configuration_hash"),
               *title = cev_map_info_text(run->found, "title");
    if (theirs && !strcmp(theirs, identity)) return CEV_OK;
    return cev_fail(CEV_E_INPUT,
                    "%s: holds another scan (\"%s\", configuration %.12s; this is %.12s); choose another output, or "
                    "remove it",
                    run->options->job.output, title ? title : "untitled", theirs ? theirs : "unknown", identity);
}

/* Opens the map as the run will, and closes it again: what is missing or misshapen shows before anything is written. */
static cev_status check_structure(scan_run *run)
{
    const cev_scan_config *c = run->config;
    cev_map *map = NULL;
    if (run->found->n_tile != c->grid.n_tile)
        return cev_fail(CEV_E_INPUT, "%s: has %zu tiles, but its scan %zu: the map is damaged", run->map_path,
                        run->found->n_tile, c->grid.n_tile);
    CEV_TRY(cev_map_open(run->map_path, CEV_MAP_READ, MPI_COMM_SELF, &c->grid, c->store_pulls ? c->n_pull : 0,
                         c->pull_name, &map));
    return cev_map_close(&map);
}

static cev_status look_at_output(scan_run *run)
{
    const char *path = run->map_path;
    bool exists;
    cev_map_info_destroy(&run->found);
    CEV_TRY(output_place_exists(path, &exists));
    if (!exists) return CEV_OK;
    CEV_TRY(inspect_guarded(path, &run->found));
    CEV_TRY(compare_with_found(run));
    if (!run->found->progress.complete) CEV_TRY(check_structure(run));
    if (!run->found->progress.complete && access(path, W_OK))
        return cev_fail(CEV_E_IO, "%s: cannot be written: %s", path, strerror(errno));
    return CEV_OK;
}

cev_status scan_run_prepare(scan_run *run, bool *done)
{
    CEV_TRY(cev_scan_config_read(run->options->job.file, &run->config));
    if (run->config->grid.n_axis == 0)
        return cev_fail(CEV_E_INPUT, "%s: no parameter is scanned; give one \"min\", \"max\" and \"points\"",
                        run->options->job.file);
    CEV_TRY(output_place_resolve(run->options->job.output, &run->map_path));
    CEV_TRY(look_at_output(run));
    *done = run->found && run->found->progress.complete;
    if (*done) {
        cev_map_lock_sweep(run->map_path);
        return CEV_OK;
    }
    CEV_TRY(output_place_check(run->map_path));
    CEV_TRY(cev_map_lock_take(run->map_path, &run->lock));
    CEV_TRY(look_at_output(run)); /* again, now that it stays as it is */
    *done = run->found && run->found->progress.complete;
    return CEV_OK;
}
