/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be found wrong before anything is created. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job_parts.h"
#include "job_place.h"

cev_status job_inspect(const job *j, const char *path, cev_map_info **out)
{
    *out = NULL;
    if (j->options->try_file) CEV_TRY(j->options->try_file(j->options->context, path));
    return cev_map_inspect(path, out);
}

/* --- whose file is it ------------------------------------------------------------------------------------------- */

static const char *kind_of(const job *j)
{
    return j->config->is_scan ? "scan" : "study";
}

/* A file may be finished only by the job that began it. */
static cev_status compare_identity(const job *j)
{
    char identity[CEV_DIGEST_TEXT_SIZE], difference[512];
    const char *hash = cev_map_info_text(j->found, "configuration_hash"), *title = cev_map_info_text(j->found, "title");
    const char *theirs = cev_map_info_text(j->found, "configuration");
    cev_digest_text(&j->config->identity, identity);
    if (theirs) cev_study_difference(j->config->resolved, theirs, difference, sizeof difference);
    if (theirs && hash && !strcmp(hash, identity) && j->found->is_study != j->config->is_scan) {
        if (*difference) job_tell(j, "%s keeps its title and texts: %s", j->options->output, difference);
        return CEV_OK;
    }
    return cev_fail(CEV_E_INPUT,
                    "%s: holds another %s (\"%s\", configuration %.12s; this is %.12s): %s; choose another output, or "
                    "remove it",
                    j->options->output, j->found->is_study ? "study" : "scan", title ? title : "untitled",
                    hash ? hash : "unknown", identity,
                    theirs && *difference ? difference : "computed by a version of the program with other numbers");
}

static cev_status compare_sizes(const job *j)
{
    bool same = j->found->n_space == j->config->n_space;
    for (size_t k = 0; same && k < j->config->n_space; k++)
        same = j->found->space[k].n_tile == j->config->space[k].scan->grid.n_tile &&
               j->found->space[k].n_map == j->config->n_setting * j->config->n_set;
    if (same) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "%s: its maps are not those of its %s: the file is damaged", j->path, kind_of(j));
}

static cev_status compare_with_found(const job *j)
{
    if (!j->found->description_intact)
        return cev_fail(CEV_E_INPUT,
                        "%s: its description does not have its hash: it was changed, or is damaged; choose another "
                        "output, or remove it",
                        j->path);
    if (!j->found->results_intact)
        return cev_fail(CEV_E_INPUT, "%s: its best fits were changed, or are damaged; see: cevscan verify --repair",
                        j->path);
    CEV_TRY(compare_identity(j));
    return compare_sizes(j);
}

static cev_status look_at_output(job *j)
{
    bool exists;
    cev_map_info_destroy(&j->found);
    CEV_TRY(job_place_exists(j->path, &exists));
    if (!exists) return CEV_OK;
    CEV_TRY(job_inspect(j, j->path, &j->found));
    CEV_TRY(compare_with_found(j));
    if (!j->found->progress.complete && access(j->path, W_OK))
        return cev_fail(CEV_E_IO, "%s: cannot be written: %s", j->path, strerror(errno));
    return CEV_OK;
}

static cev_status check_configuration(const job *j)
{
    const cev_study_config *c = j->config;
    if (c->space[0].scan->grid.n_axis == 0)
        return cev_fail(CEV_E_INPUT, "%s: no parameter is scanned; give one \"min\", \"max\" and \"points\"",
                        j->options->file);
    return CEV_OK;
}

cev_status job_prepare(job *j, bool *done)
{
    CEV_TRY(cev_study_config_read(j->options->file, &j->config));
    CEV_TRY(check_configuration(j));
    CEV_TRY(job_place_resolve(j->options->output, &j->path));
    CEV_TRY(look_at_output(j));
    *done = j->found && j->found->progress.complete;
    if (*done) {
        cev_map_lock_sweep(j->path);
        return CEV_OK;
    }
    cev_map_lock *lock = NULL;
    CEV_TRY(job_place_check(j->path));
    CEV_TRY(cev_map_lock_take(j->path, &lock));
    atomic_store(&j->lock, lock);
    CEV_TRY(look_at_output(j)); /* again, now that it stays as it is */
    *done = j->found && j->found->progress.complete;
    return CEV_OK;
}

/* --- a file that holds its job ---------------------------------------------------------------------------------- */

/* Older programs kept the newlines of titles. */
static bool same_words(const char *one, const char *other)
{
    static const char space[] = " \t\n";
    for (;;) {
        one += strspn(one, space);
        other += strspn(other, space);
        size_t n = strcspn(one, space);
        if (n != strcspn(other, space) || strncmp(one, other, n) != 0) return false;
        if (n == 0) return true;
        one += n;
        other += n;
    }
}

cev_status job_changed_text(const job *j, const cev_map_info *info, const char **name)
{
    size_t n, derived;
    const cev_map_text *text;
    *name = NULL;
    CEV_TRY(job_texts(j, &n, &derived, &text));
    for (size_t k = 0; k < derived && !*name; k++) {
        const char *theirs = cev_map_info_text(info, text[k].name);
        if (!theirs || !same_words(theirs, text[k].value)) *name = text[k].name;
    }
    return CEV_OK;
}

cev_status job_adopt(job *j, const char *path, const cev_map_info *info)
{
    const char *text = cev_map_info_text(info, "configuration");
    if (!text) return cev_fail(CEV_E_INPUT, "%s: its configuration is missing", path);
    cev_status status = cev_study_config_parse(text, "configuration", &j->config);
    if (status != CEV_OK) return cev_fail_while(status, "%s", path);
    j->found = NULL;
    if (j->config->space[0].scan->grid.n_axis == 0 || info->n_space != j->config->n_space)
        return cev_fail(CEV_E_INPUT, "%s: its configuration does not fit its maps", path);
    for (size_t k = 0; k < info->n_space; k++)
        if (info->space[k].n_tile != j->config->space[k].scan->grid.n_tile ||
            info->space[k].n_map != j->config->n_setting * j->config->n_set)
            return cev_fail(CEV_E_INPUT, "%s: its configuration does not fit its tiles", path);
    return CEV_OK;
}
