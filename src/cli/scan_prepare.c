/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be found wrong before anything is created. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan_run.h"

static cev_status check_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy) return cev_fail(CEV_E_MEMORY, "out of memory");
    const char *folder = dirname(copy);
    struct stat s;
    cev_status status = CEV_OK;
    if (stat(folder, &s))
        status = cev_fail(CEV_E_INPUT, "%s: cannot be written: folder %s: %s", path, folder, strerror(errno));
    else if (!S_ISDIR(s.st_mode))
        status = cev_fail(CEV_E_INPUT, "%s: cannot be written: %s is not a folder", path, folder);
    else if (access(folder, W_OK | X_OK))
        status = cev_fail(CEV_E_INPUT, "%s: cannot be written: folder %s: %s", path, folder, strerror(errno));
    free(copy);
    return status;
}

/* A map may be finished only by the scan that began it. */
static cev_status compare_with_found(const scan_run *run)
{
    char identity[CEV_DIGEST_TEXT_SIZE];
    cev_digest_text(&run->config->identity, identity);
    const char *theirs = cev_map_info_text(run->found, "configuration_hash"), *title = cev_map_info_text(run->found, "title");
    if (theirs && !strcmp(theirs, identity)) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "%s: holds another scan (\"%s\", configuration %.12s; this is %.12s); choose another output, or "
                                 "remove it", run->options->output, title ? title : "untitled", theirs ? theirs : "unknown", identity);
}

static cev_status look_at_output(scan_run *run)
{
    struct stat s;
    const char *path = run->options->output;
    cev_map_info_destroy(&run->found);
    if (stat(path, &s)) {
        if (errno != ENOENT) return cev_fail(CEV_E_INPUT, "%s: cannot be written: %s", path, strerror(errno));
        return CEV_OK;
    }
    if (!S_ISREG(s.st_mode)) return cev_fail(CEV_E_INPUT, "%s: cannot be written: it is not a file", path);
    CEV_TRY(cev_map_inspect(path, &run->found));
    CEV_TRY(compare_with_found(run));
    if (!run->found->progress.complete && access(path, W_OK))
        return cev_fail(CEV_E_INPUT, "%s: cannot be written: %s", path, strerror(errno));
    return CEV_OK;
}

cev_status scan_run_prepare(scan_run *run, bool *done)
{
    CEV_TRY(cev_scan_config_read(run->options->scan_file, &run->config));
    if (run->config->grid.n_axis == 0)
        return cev_fail(CEV_E_INPUT, "%s: no parameter is scanned; give one \"min\", \"max\" and \"points\"", run->options->scan_file);
    CEV_TRY(look_at_output(run));
    *done = run->found && run->found->progress.complete;
    if (*done) return CEV_OK;
    CEV_TRY(check_folder(run->options->output));
    CEV_TRY(cev_map_lock_take(run->options->output, &run->lock));
    CEV_TRY(look_at_output(run)); /* again, now that it stays as it is */
    *done = run->found && run->found->progress.complete;
    return CEV_OK;
}
