/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Partial files of one job, joined into a new one, which appears once it is whole. */
#include <gsl/gsl_errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job_parts.h"
#include "job_place.h"

typedef struct merging {
    job j;
    size_t n_file;
    const char *const *file; /* [n_file] */
    cev_map_info **info;     /* [n_file] */
    cev_map **part;          /* [n_file], open for reading */
    size_t *owner;           /* [n_item], number of the file that a tile is taken from; n_file: none has it */
    job_look *look;
    cev_merge_result *result;
} merging;

/* --- the parts -------------------------------------------------------------------------------------------------- */

static cev_status adopt_first(merging *m)
{
    job *j = &m->j;
    const char *changed;
    CEV_TRY(job_adopt(j, m->file[0], m->info[0]));
    CEV_TRY(job_changed_text(j, m->info[0], &changed));
    if (changed)
        return cev_fail(CEV_E_INPUT, "%s: its attribute \"%s\" is not what its configuration says: it was changed",
                        m->file[0], changed);
    j->machine = cev_machine_survey(j->communicator, 1);
    CEV_TRY(job_build(j));
    CEV_TRY(job_allocate_looks(j));
    CEV_TRY(cev_new(j->arena, j->n_item, &m->owner));
    return cev_arena_allocate(j->arena, 1, job_look_size(j), (void **)&m->look);
}

static cev_status open_part(merging *m, size_t k)
{
    CEV_TRY(job_inspect(&m->j, m->file[k], &m->info[k]));
    if (!m->info[k]->description_intact)
        return cev_fail(CEV_E_INPUT, "%s: its description does not have its hash: it was changed, or is damaged",
                        m->file[k]);
    if (k == 0) CEV_TRY(adopt_first(m));
    const char *first = cev_map_info_text(m->info[0], "configuration_hash");
    const char *own = cev_map_info_text(m->info[k], "configuration_hash");
    if (!first || !own || strcmp(first, own))
        return cev_fail(CEV_E_INPUT, "%s: holds another %s than %s", m->file[k],
                        m->info[k]->is_study ? "study" : "scan", m->file[0]);
    if (m->info[k]->n_tile != m->j.n_item || m->info[k]->n_space != m->j.config->n_space)
        return cev_fail(CEV_E_INPUT, "%s: has another number of tiles", m->file[k]);
    return cev_map_open(m->file[k], CEV_MAP_READ, m->j.communicator, &m->j.spec, &m->part[k]);
}

static bool part_has(const merging *m, size_t k, size_t item)
{
    const job_space *s = job_space_of(&m->j, item);
    return m->info[k]->space[s - m->j.space].done[item - s->first_item] != 0;
}

/* Reads a tile of a part into the job's buffer, and makes sure of it. */
static cev_status read_part(merging *m, size_t k, size_t item)
{
    cev_map *own = m->j.map;
    m->j.map = m->part[k];
    cev_status status = job_look_at(&m->j, NULL, item, false, m->look);
    m->j.map = own;
    CEV_TRY(status);
    if (m->look->verdict == CEV_TILE_SOUND) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "%s: tile %zu is damaged; see: cevscan verify --repair", m->file[k], item);
}

/* Every file that holds the tile is read before anything is created. */
static cev_status compare_parts(merging *m, size_t item, cev_digest *first)
{
    size_t n_map = job_space_of(&m->j, item)->n_map;
    m->owner[item] = m->n_file;
    for (size_t k = 0; k < m->n_file; k++) {
        if (!part_has(m, k, item)) continue;
        CEV_TRY(read_part(m, k, item));
        for (size_t n = 0; n < n_map; n++) {
            if (m->owner[item] == m->n_file)
                first[n] = m->look->note[n].digest;
            else if (memcmp(&first[n], &m->look->note[n].digest, sizeof *first))
                return cev_fail(CEV_E_INPUT, "tile %zu differs between %s and %s; see: cevscan verify --all", item,
                                m->file[m->owner[item]], m->file[k]);
        }
        if (m->owner[item] == m->n_file) m->owner[item] = k;
    }
    m->result->missing[item] = m->owner[item] == m->n_file;
    m->result->n_missing += m->result->missing[item];
    return CEV_OK;
}

static cev_status compare_all(merging *m)
{
    cev_digest *first;
    m->result->n_tile = m->j.n_item;
    m->result->missing = calloc(m->j.n_item, sizeof *m->result->missing);
    if (!m->result->missing) return cev_fail(CEV_E_MEMORY, "out of memory");
    CEV_TRY(cev_new(m->j.arena, m->j.most_maps, &first));
    for (size_t k = 0; k < m->j.n_item; k++) CEV_TRY(compare_parts(m, k, first));
    return CEV_OK;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static cev_status write_one(merging *m, size_t item)
{
    job *j = &m->j;
    const job_space *s = job_space_of(j, item);
    cev_tile tile = job_tile_of(j, item);
    if (m->owner[item] == m->n_file) return cev_map_fill_tile(j->map, (size_t)(s - j->space), &tile);
    CEV_TRY(read_part(m, m->owner[item], item));
    CEV_TRY(cev_map_write_tile(j->map, (size_t)(s - j->space), &tile, &j->buffer.results, job_references(j, s, &tile)));
    CEV_TRY(cev_map_mark_tile(j->map, (size_t)(s - j->space), item - s->first_item, j->buffer.digest));
    job_take_notes(j, item, m->look->note);
    return CEV_OK;
}

static cev_status place_output(merging *m)
{
    job *j = &m->j;
    cev_map_lock *lock = NULL;
    CEV_TRY(job_place_check(j->path));
    CEV_TRY(cev_map_lock_take(j->path, &lock));
    atomic_store(&j->lock, lock);
    if (access(j->path, F_OK)) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "%s: exists already; choose another output", j->options->output);
}

static cev_status write_all(merging *m)
{
    job *j = &m->j;
    CEV_TRY(place_output(m));
    CEV_TRY(job_lay_out(j, false));
    for (size_t k = 0; k < j->n_item; k++) {
        CEV_TRY(job_look_for_stop(j));
        CEV_TRY(write_one(m, k));
    }
    CEV_TRY(job_begin_session(j));
    CEV_TRY(m->result->n_missing ? job_end_session(j) : job_finish(j));
    CEV_TRY(job_publish(j)); /* not before it says all that it has to say */
    return job_alone(j, cev_map_close(&j->map));
}

static cev_status merge_all(merging *m)
{
    job *j = &m->j;
    CEV_TRY(job_place_resolve(j->options->output, &j->path));
    if (!access(j->path, F_OK))
        return cev_fail(CEV_E_INPUT, "%s: exists already; choose another output", j->options->output);
    CEV_TRY(cev_new(j->arena, m->n_file, &m->info));
    CEV_TRY(cev_new(j->arena, m->n_file, &m->part));
    for (size_t k = 0; k < m->n_file; k++) {
        size_t n = strlen(j->path);
        if (!strncmp(m->file[k], j->path, n) && !strcmp(m->file[k] + n, ".tmp"))
            return cev_fail(CEV_E_INPUT, "%s: has the name of the layout that %s would be made of; rename it",
                            m->file[k], j->options->output);
        CEV_TRY(open_part(m, k));
    }
    CEV_TRY(compare_all(m));
    CEV_TRY(job_find_best_fits(j));
    j->started = job_now_s();
    CEV_TRY(write_all(m));
    m->result->complete = m->result->n_missing == 0;
    m->result->points_failed = j->points_failed;
    memcpy(m->result->content_hash, j->progress.content_hash, sizeof m->result->content_hash);
    return CEV_OK;
}

static void close_parts(merging *m)
{
    for (size_t k = 0; m->info && k < m->n_file; k++) {
        if (m->part) (void)cev_map_close(&m->part[k]);
        cev_map_info_destroy(&m->info[k]);
    }
    if (m->j.map) (void)cev_map_close(&m->j.map); /* after a failure, whose words are kept by the caller */
}

cev_status cev_job_merge(const cev_job_options *options, size_t n_file, const char *const *file,
                         cev_merge_result *result)
{
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    merging m = {.j = {.options = options, .communicator = MPI_COMM_SELF},
                 .n_file = n_file,
                 .file = file,
                 .result = result};
    char message[1024];
    *result = (cev_merge_result){0};
    cev_status status = job_begin(&m.j);
    if (status == CEV_OK) status = merge_all(&m);
    snprintf(message, sizeof message, "%s", cev_error_message());
    close_parts(&m);
    result->config = m.j.config;
    m.j.config = NULL;
    job_end(&m.j);
    gsl_set_error_handler(handler);
    return status == CEV_OK ? status : cev_fail(status, "%s", message);
}

void cev_merge_result_free(cev_merge_result *r)
{
    cev_study_config_destroy(&r->config);
    free(r->missing);
    *r = (cev_merge_result){0};
}
