/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a file as a whole: its texts, its spaces, its progress. */
#include "map_read.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map_description.h"
#include "store_disk.h"
#include "store_error.h"

/* HDF5 calls this when a call of ours fails. Whatever it makes of it (no HDF5 file, no such dataset), a disk that
 * cannot be read is the disk's fault and not the map's. */
static herr_t note_failure(hid_t stack, void *context)
{
    reader *r = context;
    if (!r->system_error) r->system_error = cev_store_errno_of(stack);
    return 0;
}

/* Keeps every attribute that is one variable-length string. */
static herr_t keep_text(hid_t object, const char *name, const H5A_info_t *unused, void *context)
{
    (void)unused;
    reader *r = context;
    char *copied_name, *value = NULL;
    hid_t a = H5Aopen(object, name, H5P_DEFAULT);
    cev_status status = a < 0 ? CEV_E_INPUT : cev_reader_attribute(r, a, &value);
    if (a >= 0) H5Aclose(a);
    if (status != CEV_OK || !value || r->info->n_text == r->most_texts) return status == CEV_OK ? 0 : -1;
    if (cev_arena_copy_text(r->info->arena, name, &copied_name) != CEV_OK) return -1;
    r->info->text[r->info->n_text++] = (cev_map_text){copied_name, value};
    return 0;
}

static cev_status read_texts(reader *r)
{
    H5O_info_t object;
    if (H5Oget_info1(r->file, &object) < 0) return cev_reader_refuse(r, "the root group cannot be read");
    if (cev_reader_larger_than_the_file(r, object.num_attrs))
        return cev_reader_refuse(r, "it is damaged: more attributes than bytes");
    r->most_texts = object.num_attrs;
    CEV_TRY(cev_new(r->info->arena, r->most_texts, &r->info->text));
    if (H5Aiterate2(r->file, H5_INDEX_NAME, H5_ITER_INC, NULL, keep_text, r) < 0)
        return cev_reader_refuse(r, "its attributes cannot be read");
    return CEV_OK;
}

static cev_status check_format(reader *r)
{
    const char *format = cev_map_info_text(r->info, "format");
    if (!format || (strcmp(format, STUDY_FORMAT) != 0 && strcmp(format, MAP_FORMAT) != 0))
        return cev_reader_refuse(r, "the attribute that marks one is missing");
    r->info->is_study = !strcmp(format, STUDY_FORMAT);
    return CEV_OK;
}

static cev_status check_version(const reader *r)
{
    int version = 0;
    hid_t a = H5Aopen(r->file, "format_version", H5P_DEFAULT), space = a < 0 ? -1 : H5Aget_space(a);
    bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    herr_t result = one ? H5Aread(a, H5T_NATIVE_INT, &version) : -1;
    if (space >= 0) H5Sclose(space);
    if (a >= 0) H5Aclose(a);
    if (result < 0) return cev_reader_refuse(r, "its format version cannot be read");
    if (version == CEV_MAP_FORMAT_VERSION) return CEV_OK;
    if (version == 1)
        return cev_fail(CEV_E_INPUT,
                        "%s: written in format version 1; this program writes and resumes version %d; the analysis "
                        "tools still read it",
                        r->path, CEV_MAP_FORMAT_VERSION);
    return cev_fail(CEV_E_INPUT, "%s: a map of format version %d; this program knows version %d", r->path, version,
                    CEV_MAP_FORMAT_VERSION);
}

static cev_status check_description(reader *r)
{
    cev_digest digest;
    char text[CEV_DIGEST_TEXT_SIZE];
    bool strange;
    const char *stored = cev_map_info_text(r->info, MAP_DESCRIPTION_HASH);
    CEV_TRY(cev_map_describe(r->file, r->path, r->file_size + ((hsize_t)1 << 20), &digest, &strange));
    cev_digest_text(&digest, text);
    r->info->description_intact = !strange && stored && !strcmp(stored, text);
    return CEV_OK;
}

/* --- spaces ----------------------------------------------------------------------------------------------------- */

/* The cells of the index' column of names, in the arena, each with an end. */
static cev_status read_index(const reader *r, char **cells, size_t *cell, size_t *n)
{
    hsize_t length = 0;
    hid_t d;
    CEV_TRY(cev_reader_open(r, "/" MAP_INDEX "/name", 1, &length, &d));
    hid_t type = H5Dget_type(d);
    size_t size = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 ? H5Tget_size(type) : 0;
    cev_status status = CEV_OK;
    if (size == 0 || size > MAP_PATH_SIZE || length == 0 || length > r->file_size ||
        cev_reader_larger_than_the_file(r, length * size))
        status = cev_reader_refuse(r, "the index of the study is damaged");
    if (status == CEV_OK) status = cev_arena_allocate(r->info->arena, length, size + 1, (void **)cells);
    hid_t with_end = cev_map_text_type(size + 1);
    errno = 0;
    if (status == CEV_OK && H5Dread(d, with_end, H5S_ALL, H5S_ALL, H5P_DEFAULT, *cells) < 0)
        status = cev_store_fail_reading(r->path, "read the index of the study");
    H5Tclose(with_end);
    H5Tclose(type);
    H5Dclose(d);
    *cell = size + 1;
    *n = (size_t)length;
    for (size_t m = 0; status == CEV_OK && m < *n; m++) (*cells)[(m + 1) * *cell - 1] = '\0';
    return status;
}

/* SPACE/MAP: cuts the name in two. */
static char *cut_name(char *name)
{
    char *slash = strchr(name, '/');
    if (!slash || slash == name || !slash[1]) return NULL;
    *slash = '\0';
    return slash + 1;
}

/* The maps of a space follow one another in the index. */
static cev_status read_names(reader *r)
{
    cev_map_info *info = r->info;
    char *cells;
    size_t cell;
    const char **names;
    CEV_TRY(read_index(r, &cells, &cell, &info->n_map));
    CEV_TRY(cev_new(info->arena, info->n_map, &names));
    for (size_t m = 0; m < info->n_map; m++)
        if (!(names[m] = cut_name(cells + m * cell))) return cev_reader_refuse(r, "the index of the study is damaged");
    for (size_t m = 0; m < info->n_map; m++)
        info->n_space += m == 0 || strcmp(cells + m * cell, cells + (m - 1) * cell) != 0;
    CEV_TRY(cev_new(info->arena, info->n_space, &info->space));
    for (size_t m = 0, s = 0; m < info->n_map; m++) {
        s += m > 0 && strcmp(cells + m * cell, cells + (m - 1) * cell) != 0;
        cev_space_info *space = &info->space[s];
        if (space->n_map++ > 0) continue;
        space->name = cells + m * cell;
        space->map_name = names + m;
    }
    return CEV_OK;
}

static cev_status note_only_space(reader *r)
{
    r->info->n_space = r->info->n_map = 1;
    CEV_TRY(cev_new(r->info->arena, 1, &r->info->space));
    r->info->space->n_map = 1;
    return CEV_OK;
}

static void add_space(cev_map_info *sum, const cev_space_info *space)
{
    sum->n_tile += space->n_tile;
    sum->n_tile_done += space->n_tile_done;
    sum->n_point += space->n_map * space->n_point;
    for (size_t m = 0; m < space->n_map; m++)
        for (int s = 0; s <= CEV_N_POINT_STATUSES; s++) sum->status_count[s] += space->status_count[m][s];
}

static cev_status read_spaces(reader *r)
{
    CEV_TRY(r->info->is_study ? read_names(r) : note_only_space(r));
    for (size_t s = 0; s < r->info->n_space; s++) {
        CEV_TRY(cev_reader_space(r, &r->info->space[s]));
        add_space(r->info, &r->info->space[s]);
    }
    return CEV_OK;
}

/* An unfinished file has none to be believed. */
static cev_status check_results(cev_map_info *info)
{
    char text[CEV_DIGEST_TEXT_SIZE];
    cev_map_results_of_space *space;
    CEV_TRY(cev_new(info->arena, info->n_space, &space));
    for (size_t k = 0; k < info->n_space; k++) {
        const cev_space_info *s = &info->space[k];
        space[k] = (cev_map_results_of_space){s->n_fit, s->n_axis, s->n_map, &s->results};
    }
    CEV_TRY(cev_map_hash_results(info->n_space, space, text));
    info->results_intact = !info->progress.complete || !strcmp(text, info->progress.results_hash);
    return CEV_OK;
}

static cev_status read_progress(reader *r)
{
    cev_map_progress *progress = &r->info->progress;
    for (size_t k = 0; k < N_PROGRESS_RECORDS; k++) {
        const record *what = &cev_map_progress_records[k];
        char path[MAP_PATH_SIZE];
        unsigned char yes = 0;
        bool is_bool = what->type == RECORD_BOOL; /* a byte in the file may be anything */
        snprintf(path, sizeof path, "/" MAP_PROGRESS "/%s", what->name);
        CEV_TRY(cev_reader_record(r, path, what, 0, NULL, is_bool ? (void *)&yes : (char *)progress + what->offset));
        if (is_bool) progress->complete = yes != 0;
    }
    if (r->info->n_tile_done < r->info->n_tile) progress->complete = false; /* a repair that was killed */
    return CEV_OK;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

static cev_status open_for_reading(reader *r)
{
    CEV_TRY(cev_store_check_file(r->path));
    int reason = access(r->path, R_OK) ? errno : 0;
    if (reason) return cev_fail(cev_status_of_errno(reason), "%s: cannot read: %s", r->path, strerror(reason));
    hid_t properties = cev_store_access();
    r->file = H5Fopen(r->path, H5F_ACC_RDONLY, properties);
    H5Pclose(properties);
    if (r->file >= 0)
        return H5Fget_filesize(r->file, &r->file_size) < 0 ? cev_reader_refuse(r, "it has no size") : CEV_OK;
    bool signature = H5Fis_hdf5(r->path) > 0;
    H5Eclear2(H5E_DEFAULT);
    return cev_fail(CEV_E_INPUT,
                    signature ? "%s: an HDF5 file, but truncated or damaged: HDF5 cannot open it"
                              : "%s: not a cevscan map: not an HDF5 file",
                    r->path);
}

static cev_status read_everything(reader *r)
{
    CEV_TRY(open_for_reading(r));
    CEV_TRY(read_texts(r));
    CEV_TRY(check_format(r));
    CEV_TRY(check_version(r));
    CEV_TRY(check_description(r));
    CEV_TRY(read_spaces(r));
    CEV_TRY(read_progress(r));
    return check_results(r->info);
}

static cev_status create_info(cev_map_info **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? cev_arena_create(&(*out)->arena) : cev_fail(CEV_E_MEMORY, "out of memory");
}

/* Whatever HDF5 makes of it, a disk that cannot be read is the disk's fault. */
static cev_status read_with(const char *path, cev_map_info *info, cev_status (*read)(reader *r))
{
    reader r = {.path = path, .file = -1, .info = info};
    H5Eset_auto2(H5E_DEFAULT, note_failure, &r);
    cev_status status = read(&r);
    if (r.file >= 0) H5Fclose(r.file);
    cev_store_quiet();
    return r.system_error ? cev_fail(CEV_E_IO, "%s: cannot read: %s", path, strerror(r.system_error)) : status;
}

cev_status cev_map_inspect(const char *path, cev_map_info **out)
{
    cev_status status = create_info(out);
    if (status == CEV_OK) status = read_with(path, *out, read_everything);
    if (status != CEV_OK) cev_map_info_destroy(out);
    return status;
}

void cev_map_info_destroy(cev_map_info **info)
{
    if (!info || !*info) return;
    cev_arena_destroy(&(*info)->arena);
    free(*info);
    *info = NULL;
}

const char *cev_map_info_text(const cev_map_info *info, const char *name)
{
    for (size_t k = 0; k < info->n_text; k++)
        if (!strcmp(info->text[k].name, name)) return info->text[k].value;
    return NULL;
}

static herr_t open_one(hid_t file, const char *name, const H5O_info_t *object, void *unused)
{
    (void)unused;
    if (object->type != H5O_TYPE_DATASET) return 0;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    return dataset < 0 || H5Dclose(dataset) < 0 ? -1 : 0;
}

static cev_status open_every_dataset(reader *r)
{
    CEV_TRY(open_for_reading(r));
    bool opened = H5Ovisit2(r->file, H5_INDEX_NAME, H5_ITER_NATIVE, open_one, NULL, H5O_INFO_BASIC) >= 0;
    return opened ? CEV_OK : cev_reader_refuse(r, "it is damaged: not all of its datasets can be opened");
}

cev_status cev_map_try(const char *path)
{
    return read_with(path, NULL, open_every_dataset);
}
