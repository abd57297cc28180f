/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads what a map says about itself, with the serial driver. Trusts nothing in the file. */
#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map_names.h"
#include "store_error.h"

typedef struct reader {
    const char *path;
    hid_t file;
    hsize_t file_size;
    size_t most_texts;
    cev_map_info *info;
    int system_error; /* the first errno that HDF5 met with */
} reader;

/* HDF5 calls this when a call of ours fails. Whatever it makes of it (no HDF5 file, no such dataset), a disk that
 * cannot be read is the disk's fault and not the map's; HDF5's drivers note the errno in words. */
static herr_t note_errno(unsigned n, const H5E_error2_t *entry, void *context)
{
    (void)n;
    int *found = context;
    const char *place = entry->desc ? strstr(entry->desc, "errno = ") : NULL;
    if (place && !*found) sscanf(place, "errno = %d", found);
    return 0;
}

static herr_t note_failure(hid_t stack, void *context)
{
    reader *r = context;
    return H5Ewalk2(stack, H5E_WALK_DOWNWARD, note_errno, &r->system_error);
}

static cev_status not_a_map(const reader *r, const char *why)
{
    H5Eclear2(H5E_DEFAULT);
    return cev_fail(CEV_E_INPUT, "%s: not a cevscan map: %s", r->path, why);
}

/* The system's refusal is one of the file system; HDF5's is one of the file. */
static cev_status cannot_read(const reader *r)
{
    if (errno) return cev_store_fail(r->path, "read the map");
    cev_store_fail(r->path, "read the map");
    return cev_fail(CEV_E_INPUT, "%s; the file is damaged", cev_error_message());
}

/* Bounds what is allocated and read for what the file says about itself. A small compressed map may hold more than it
 * takes. */
static bool larger_than_the_file(const reader *r, uint64_t n)
{
    const uint64_t small = (uint64_t)1 << 20;
    return n > small && n - small > r->file_size;
}

static cev_status open_for_reading(reader *r)
{
    int reason = access(r->path, R_OK) ? errno : 0;
    if (reason) return cev_fail(cev_status_of_errno(reason), "%s: cannot read: %s", r->path, strerror(reason));
    r->file = H5Fopen(r->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (r->file >= 0) return H5Fget_filesize(r->file, &r->file_size) < 0 ? not_a_map(r, "it has no size") : CEV_OK;
    bool signature = H5Fis_hdf5(r->path) > 0;
    H5Eclear2(H5E_DEFAULT);
    return cev_fail(CEV_E_INPUT,
                    signature ? "%s: an HDF5 file, but truncated or damaged: HDF5 cannot open it"
                              : "%s: not a cevscan map: not an HDF5 file",
                    r->path);
}

/* Keeps every attribute that is one variable-length string. */
static herr_t keep_text(hid_t object, const char *name, const H5A_info_t *unused, void *context)
{
    (void)unused;
    reader *r = context;
    char *value = NULL, *copied_name, *copied_value;
    hid_t a = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(a), space = H5Aget_space(a);
    herr_t result = 0;
    if (r->info->n_text < r->most_texts && H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(a, type, &value) >= 0 && value) {
        if (cev_arena_copy_text(r->info->arena, name, &copied_name) != CEV_OK ||
            cev_arena_copy_text(r->info->arena, value, &copied_value) != CEV_OK)
            result = -1;
        else
            r->info->text[r->info->n_text++] = (cev_map_text){copied_name, copied_value};
        H5free_memory(value);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(a);
    return result;
}

static cev_status read_texts(reader *r, const char *wanted)
{
    H5O_info_t object;
    if (H5Oget_info1(r->file, &object) < 0) return not_a_map(r, "the root group cannot be read");
    if (larger_than_the_file(r, object.num_attrs)) return not_a_map(r, "it is damaged: more attributes than bytes");
    r->most_texts = object.num_attrs;
    CEV_TRY(cev_new(r->info->arena, r->most_texts, &r->info->text));
    if (H5Aiterate2(r->file, H5_INDEX_NAME, H5_ITER_INC, NULL, keep_text, r) < 0)
        return not_a_map(r, "its attributes cannot be read");
    const char *format = cev_map_info_text(r->info, "format");
    if (format && !strcmp(format, wanted)) return CEV_OK;
    if (format && !strcmp(format, STUDY_FORMAT))
        return cev_fail(CEV_E_INPUT, "%s: a study of many maps; this command takes one map", r->path);
    if (format && !strcmp(format, MAP_FORMAT))
        return cev_fail(CEV_E_INPUT, "%s: not a cevscan study, but a map of one scan", r->path);
    return not_a_map(r, "the attribute that marks one is missing");
}

static cev_status check_version(reader *r)
{
    int version = 0;
    hid_t a = H5Aopen(r->file, "format_version", H5P_DEFAULT), space = a < 0 ? -1 : H5Aget_space(a);
    bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    herr_t result = one ? H5Aread(a, H5T_NATIVE_INT, &version) : -1;
    if (space >= 0) H5Sclose(space);
    if (a >= 0) H5Aclose(a);
    if (result < 0) return not_a_map(r, "its format version cannot be read");
    if (version == CEV_MAP_FORMAT_VERSION) return CEV_OK;
    return cev_fail(CEV_E_INPUT, "%s: a map of format version %d; this program knows version %d", r->path, version,
                    CEV_MAP_FORMAT_VERSION);
}

/* Datasets that are pieced together from others or from other files may be endless. */
static bool holds_its_data(hid_t dataset)
{
    hid_t properties = H5Dget_create_plist(dataset);
    bool own = H5Pget_layout(properties) != H5D_VIRTUAL && H5Pget_external_count(properties) == 0;
    H5Pclose(properties);
    return own;
}

/* Opens a dataset and checks its shape: rank dimensions of `size`, or whatever they are where size is 0. */
static cev_status open_shaped(const reader *r, const char *name, int rank, hsize_t *size, hid_t *out)
{
    *out = H5Dopen2(r->file, name, H5P_DEFAULT);
    hid_t space = *out < 0 ? -1 : H5Dget_space(*out);
    hsize_t found[CEV_MAX_AXES] = {0};
    bool right = space >= 0 && H5Sget_simple_extent_ndims(space) == rank &&
                 H5Sget_simple_extent_dims(space, found, NULL) >= 0;
    for (int k = 0; right && k < rank; k++) {
        if (size[k] == 0) size[k] = found[k];
        right = size[k] == found[k];
    }
    if (space >= 0) H5Sclose(space);
    if (right && holds_its_data(*out)) return CEV_OK;
    if (*out >= 0) H5Dclose(*out);
    char why[256];
    snprintf(why, sizeof why, "dataset %s is missing or has the wrong shape", name);
    return not_a_map(r, why);
}

static cev_status read_whole(const reader *r, const char *name, int rank, hsize_t *size, hid_t type, void *to)
{
    hid_t dataset;
    CEV_TRY(open_shaped(r, name, rank, size, &dataset));
    errno = 0;
    cev_status status = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) < 0 ? cannot_read(r) : CEV_OK;
    H5Dclose(dataset);
    return status;
}

static cev_status read_shape(reader *r)
{
    cev_map_info *info = r->info;
    hid_t chi2 = H5Dopen2(r->file, MAP_CHI2, H5P_DEFAULT), space = chi2 < 0 ? -1 : H5Dget_space(chi2);
    hsize_t size[H5S_MAX_RANK] = {0};
    int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, size, NULL);
    if (space >= 0) H5Sclose(space);
    if (chi2 >= 0) H5Dclose(chi2);
    if (rank < 1 || rank > CEV_MAX_AXES) return not_a_map(r, "dataset chi2 is missing or has the wrong shape");
    info->n_axis = (size_t)rank;
    info->n_point = 1;
    for (size_t a = 0; a < info->n_axis; a++) {
        info->axis_points[a] = (size_t)size[a];
        if (__builtin_mul_overflow(info->n_point, size[a], &info->n_point))
            return not_a_map(r, "it is impossibly large");
    }
    return larger_than_the_file(r, info->n_point) ? not_a_map(r, "it is damaged: more points than bytes") : CEV_OK;
}

static cev_status read_axis_names(reader *r)
{
    const char *names = cev_map_info_text(r->info, "axes");
    if (!names) return not_a_map(r, "the names of its axes are missing");
    char *copy, *state = NULL;
    CEV_TRY(cev_arena_copy_text(r->info->arena, names, &copy));
    size_t a = 0;
    for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state)) {
        if (a == r->info->n_axis) return not_a_map(r, "it names more axes than it has");
        r->info->axis_name[a++] = name;
    }
    if (a < r->info->n_axis) return not_a_map(r, "it names fewer axes than it has");
    return CEV_OK;
}

static cev_status read_member_names(reader *r)
{
    cev_map_info *info = r->info;
    const char *names = cev_map_info_text(info, "members");
    info->n_member = 1;
    if (!names) return CEV_OK;
    if (info->axis_points[0] > CEV_MAX_MEMBERS) return not_a_map(r, "it has more members than there can be");
    CEV_TRY(cev_new(info->arena, info->axis_points[0], &info->member_name));
    char *copy, *state = NULL;
    CEV_TRY(cev_arena_copy_text(info->arena, names, &copy));
    size_t m = 0;
    for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state)) {
        if (m == info->axis_points[0]) return not_a_map(r, "it names more members than it has");
        info->member_name[m++] = name;
    }
    info->n_member = m;
    return m == info->axis_points[0] ? CEV_OK : not_a_map(r, "it names fewer members than it has");
}

static cev_status read_tiles(reader *r)
{
    cev_map_info *info = r->info;
    hsize_t n = 0;
    hid_t done;
    CEV_TRY(open_shaped(r, MAP_DONE, 1, &n, &done));
    H5Dclose(done);
    if (n == 0 || n > info->n_point) return not_a_map(r, "its table of tiles has the wrong size");
    info->n_tile = (size_t)n;
    CEV_TRY(cev_new(info->arena, info->n_tile, &info->done));
    CEV_TRY(read_whole(r, MAP_DONE, 1, &n, H5T_NATIVE_UCHAR, info->done));
    for (size_t t = 0; t < info->n_tile; t++) info->n_tile_done += info->done[t] != 0;
    return CEV_OK;
}

static cev_status read_progress(reader *r)
{
    for (size_t k = 0; k < cev_map_n_progress_fields; k++) {
        const progress_field *field = &cev_map_progress_fields[k];
        if (r->info->n_axis == 0 && !cev_map_progress_of_study(field)) continue;
        char name[64];
        snprintf(name, sizeof name, MAP_PROGRESS "/%s", field->name);
        hsize_t size[2];
        hid_t type = cev_map_progress_type(field);
        int rank = cev_map_progress_shape(field, r->info->n_member, r->info->n_axis, size);
        cev_status status = read_whole(r, name, rank, size, type, (char *)&r->info->progress + field->offset);
        H5Tclose(type);
        CEV_TRY(status);
        if (field->type == PROGRESS_TEXT) ((char *)&r->info->progress)[field->offset + field->size - 1] = '\0';
    }
    if (r->info->n_tile_done < r->info->n_tile) r->info->progress.complete = false; /* a repair that was killed */
    return CEV_OK;
}

/* Counts the status bytes in slabs along the first axis, so that a huge map needs little memory. */
static cev_status count_statuses(reader *r)
{
    cev_map_info *info = r->info;
    hsize_t size[CEV_MAX_AXES], start[CEV_MAX_AXES] = {0}, count[CEV_MAX_AXES];
    size_t slice = 1;
    for (size_t a = 0; a < info->n_axis; a++) {
        count[a] = size[a] = info->axis_points[a];
        if (a) slice *= info->axis_points[a];
    }
    count[0] = 1 + ((size_t)1 << 22) / slice;
    hid_t dataset;
    CEV_TRY(open_shaped(r, MAP_STATUS, (int)info->n_axis, size, &dataset));
    unsigned char *byte = malloc(count[0] * slice);
    cev_status status = byte ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    hid_t space = H5Dget_space(dataset);
    for (; status == CEV_OK && start[0] < size[0]; start[0] += count[0]) {
        if (count[0] > size[0] - start[0]) count[0] = size[0] - start[0];
        hid_t memory = H5Screate_simple((int)info->n_axis, count, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        errno = 0;
        if (H5Dread(dataset, H5T_NATIVE_UCHAR, memory, space, H5P_DEFAULT, byte) < 0) status = cannot_read(r);
        H5Sclose(memory);
        for (size_t k = 0; status == CEV_OK && k < count[0] * slice; k++)
            info->status_count[byte[k] < CEV_N_POINT_STATUSES ? byte[k] : CEV_N_POINT_STATUSES]++;
    }
    H5Sclose(space);
    H5Dclose(dataset);
    free(byte);
    return status;
}

static cev_status read_map(reader *r)
{
    CEV_TRY(read_texts(r, MAP_FORMAT));
    CEV_TRY(check_version(r));
    CEV_TRY(read_shape(r));
    CEV_TRY(read_axis_names(r));
    CEV_TRY(read_member_names(r));
    CEV_TRY(read_tiles(r));
    CEV_TRY(read_progress(r));
    return count_statuses(r);
}

static cev_status create_info(cev_map_info **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? cev_arena_create(&(*out)->arena) : cev_fail(CEV_E_MEMORY, "out of memory");
}

/* Opens the file, lets `read` do its work with it, and closes it again. */
static cev_status with_file(reader *r, cev_status (*read)(reader *r, void *context), void *context)
{
    H5Eset_auto2(H5E_DEFAULT, note_failure, r);
    cev_status status = open_for_reading(r);
    if (status == CEV_OK) status = read(r, context);
    if (r->file >= 0) H5Fclose(r->file);
    cev_store_quiet();
    return r->system_error ? cev_fail(CEV_E_IO, "%s: cannot read: %s", r->path, strerror(r->system_error)) : status;
}

static cev_status read_only_map(reader *r, void *context)
{
    (void)context;
    return read_map(r);
}

cev_status cev_map_inspect(const char *path, cev_map_info **out)
{
    cev_status status = create_info(out);
    reader r = {.path = path, .file = -1, .info = *out};
    if (status == CEV_OK) status = with_file(&r, read_only_map, NULL);
    if (status != CEV_OK) cev_map_info_destroy(out);
    return status;
}

/* --- studies ---------------------------------------------------------------------------------------------------- */

static cev_status read_index(reader *r, cev_study_info *study)
{
    hsize_t n = 0;
    hid_t d;
    CEV_TRY(open_shaped(r, STUDY_INDEX "/name", 1, &n, &d));
    hid_t type = H5Dget_type(d);
    size_t size = H5Tget_class(type) == H5T_STRING && !H5Tis_variable_str(type) ? H5Tget_size(type) : 0;
    cev_status status = size == 0 || size > 1024 || n > 1000000 ? not_a_map(r, "the index of the study is damaged")
                                                                : CEV_OK;
    char *all = status == CEV_OK ? calloc(n + 1, size) : NULL;
    if (status == CEV_OK && !all) status = cev_fail(CEV_E_MEMORY, "out of memory");
    errno = 0;
    if (status == CEV_OK && H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) < 0) status = cannot_read(r);
    if (status == CEV_OK) status = cev_new(study->file->arena, n, &study->name);
    if (status == CEV_OK) status = cev_new(study->file->arena, n, &study->map);
    for (size_t m = 0; status == CEV_OK && m < n; m++) {
        char *name;
        status = cev_arena_print(study->file->arena, &name, "%.*s", (int)size, all + m * size);
        if (status == CEV_OK) study->name[study->n_map++] = name;
    }
    free(all);
    H5Tclose(type);
    H5Dclose(d);
    return status;
}

static cev_status read_map_of_study(const reader *file, cev_study_info *study, size_t m)
{
    char path[1100];
    CEV_TRY(create_info(&study->map[m]));
    snprintf(path, sizeof path, STUDY_MAPS "/%s", study->name[m]);
    reader r = *file;
    r.info = study->map[m];
    r.file = H5Gopen2(file->file, path, H5P_DEFAULT);
    if (r.file < 0) return not_a_map(file, "a map of the study is missing");
    cev_status status = read_map(&r);
    H5Gclose(r.file);
    return status;
}

/* The whole is the sum of its maps. */
static void add_map(cev_map_info *sum, const cev_map_info *map)
{
    sum->n_tile += map->n_tile;
    sum->n_tile_done += map->n_tile_done;
    sum->n_point += map->n_point;
    for (int s = 0; s <= CEV_N_POINT_STATUSES; s++) sum->status_count[s] += map->status_count[s];
}

static cev_status read_study(reader *r, void *context)
{
    cev_study_info *study = context;
    CEV_TRY(read_texts(r, STUDY_FORMAT));
    CEV_TRY(check_version(r));
    CEV_TRY(read_index(r, study));
    for (size_t m = 0; m < study->n_map; m++) {
        CEV_TRY(read_map_of_study(r, study, m));
        add_map(study->file, study->map[m]);
    }
    return read_progress(r);
}

cev_status cev_study_inspect(const char *path, cev_study_info **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = create_info(&(*out)->file);
    reader r = {.path = path, .file = -1, .info = (*out)->file};
    if (status == CEV_OK) status = with_file(&r, read_study, *out);
    if (status != CEV_OK) cev_study_info_destroy(out);
    return status;
}

void cev_study_info_destroy(cev_study_info **info)
{
    if (!info || !*info) return;
    for (size_t m = 0; (*info)->map && m < (*info)->n_map; m++) cev_map_info_destroy(&(*info)->map[m]);
    cev_map_info_destroy(&(*info)->file);
    free(*info);
    *info = NULL;
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

bool cev_is_study(const char *path)
{
    char format[sizeof STUDY_FORMAT] = "", *text = NULL;
    cev_store_quiet();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), a = file < 0 ? -1 : H5Aopen(file, "format", H5P_DEFAULT);
    hid_t type = a < 0 ? -1 : H5Aget_type(a), space = a < 0 ? -1 : H5Aget_space(a);
    if (a >= 0 && H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(a, type, &text) >= 0 && text) {
        snprintf(format, sizeof format, "%s", text);
        H5free_memory(text);
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (a >= 0) H5Aclose(a);
    if (file >= 0) H5Fclose(file);
    return !strcmp(format, STUDY_FORMAT);
}
