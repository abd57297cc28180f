/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lays a map out: cevscan/map.h says how and why. Serial driver, one rank. */
#include <errno.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "map_names.h"
#include "store_disk.h"
#include "store_error.h"

/* Of one map: in a file, or in a group of a study's file. */
typedef struct layout {
    const cev_map_spec *spec;
    const char *path; /* of the temporary file */
    hid_t file;
} layout;

/* Of the whole file. */
typedef struct file_layout {
    const cev_map_spec *map;     /* the only one, or NULL */
    const cev_study_spec *study; /* or NULL */
    const char *path;            /* of the temporary file */
} file_layout;

static cev_status put_text(const layout *l, hid_t object, const char *name, const char *value)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t result = attribute < 0 ? -1 : H5Awrite(attribute, type, &value);
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return result < 0 ? cev_store_fail(l->path, "write an attribute") : CEV_OK;
}

static cev_status put_numbers(const layout *l, hid_t object, const char *name, hid_t type, hsize_t n, const void *value)
{
    hid_t space = n ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t result = attribute < 0 ? -1 : H5Awrite(attribute, type, value);
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return result < 0 ? cev_store_fail(l->path, "write an attribute") : CEV_OK;
}

static hid_t properties(const hsize_t *chunk, int rank)
{
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(p, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(p, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(p, 0);
    if (chunk) H5Pset_chunk(p, rank, chunk);
    return p;
}

static hid_t create_dataset(hid_t file, const char *name, hid_t type, int rank, const hsize_t *size,
                            const hsize_t *chunk)
{
    hid_t space = rank ? H5Screate_simple(rank, size, NULL) : H5Screate(H5S_SCALAR), p = properties(chunk, rank);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, p, H5P_DEFAULT);
    H5Pclose(p);
    H5Sclose(space);
    return dataset;
}

static cev_status label_axis(const layout *l, hid_t axis, size_t a)
{
    const cev_parameter *p = l->spec->axis_description[a];
    const cev_axis *values = &l->spec->grid->axis[a];
    char label[256];
    snprintf(label, sizeof label, "$%s$", p->label);
    CEV_TRY(put_text(l, axis, "units", p->unit[0] ? p->unit : "1"));
    CEV_TRY(put_text(l, axis, "long_name", label));
    CEV_TRY(put_text(l, axis, "description", p->help));
    CEV_TRY(put_text(l, axis, "scale", cev_scale_names[values->scale]));
    if (values->scale != CEV_SCALE_NAMES)
        CEV_TRY(put_numbers(l, axis, "standard_model", H5T_NATIVE_DOUBLE, 0, &p->default_value));
    if (values->linear_threshold > 0)
        CEV_TRY(put_numbers(l, axis, "linear_threshold", H5T_NATIVE_DOUBLE, 0, &values->linear_threshold));
    H5_TRY(l->path, "make a dimension scale", H5DSset_scale(axis, p->name));
    return CEV_OK;
}

static cev_status put_axes(const layout *l)
{
    for (size_t a = 0; a < l->spec->grid->n_axis; a++) {
        const cev_axis *axis = &l->spec->grid->axis[a];
        hsize_t n = axis->n;
        hid_t d = create_dataset(l->file, axis->name, H5T_IEEE_F64LE, 1, &n, NULL);
        if (d < 0) return cev_store_fail(l->path, "create an axis");
        cev_status status = H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, axis->value) < 0
                                ? cev_store_fail(l->path, "write an axis")
                                : label_axis(l, d, a);
        H5Dclose(d);
        CEV_TRY(status);
    }
    return CEV_OK;
}

static cev_status attach_axes(const layout *l, hid_t dataset)
{
    for (size_t a = 0; a < l->spec->grid->n_axis; a++) {
        hid_t axis = H5Dopen2(l->file, l->spec->grid->axis[a].name, H5P_DEFAULT);
        herr_t result = axis < 0 ? -1 : H5DSattach_scale(dataset, axis, (unsigned)a);
        if (axis >= 0) H5Dclose(axis);
        if (result < 0) return cev_store_fail(l->path, "attach an axis");
    }
    return CEV_OK;
}

static cev_status put_status_meanings(const layout *l, hid_t dataset)
{
    unsigned char value[CEV_N_POINT_STATUSES];
    char meaning[256] = "";
    for (int s = 0; s < CEV_N_POINT_STATUSES; s++) {
        value[s] = (unsigned char)s;
        snprintf(meaning + strlen(meaning), sizeof meaning - strlen(meaning), "%s%s", s ? " " : "",
                 cev_point_status_name(s));
    }
    CEV_TRY(put_numbers(l, dataset, "flag_values", H5T_NATIVE_UCHAR, CEV_N_POINT_STATUSES, value));
    return put_text(l, dataset, "flag_meanings", meaning);
}

/* One dataset over the grid, chunked by tiles. */
static cev_status put_field(const layout *l, const char *name, hid_t type, const char *long_name)
{
    const cev_grid *g = l->spec->grid;
    hsize_t size[CEV_MAX_AXES], chunk[CEV_MAX_AXES];
    for (size_t a = 0; a < g->n_axis; a++) {
        size[a] = g->axis[a].n;
        chunk[a] = g->tile_side[a];
    }
    hid_t d = create_dataset(l->file, name, type, (int)g->n_axis, size, chunk);
    if (d < 0) return cev_store_fail(l->path, "create a dataset");
    cev_status status = put_text(l, d, "long_name", long_name);
    if (status == CEV_OK) status = put_text(l, d, "units", "1");
    if (status == CEV_OK && !strcmp(name, MAP_STATUS)) status = put_status_meanings(l, d);
    if (status == CEV_OK) status = attach_axes(l, d);
    H5Dclose(d);
    return status;
}

static cev_status put_fields(const layout *l)
{
    CEV_TRY(put_field(l, MAP_CHI2, H5T_IEEE_F64LE, "$\\chi^2$"));
    CEV_TRY(put_field(l, MAP_DELTA, H5T_IEEE_F64LE, "$\\Delta\\chi^2$"));
    CEV_TRY(put_field(l, MAP_STATUS, H5T_STD_U8LE, "status of the point"));
    for (size_t p = 0; p < l->spec->n_pull; p++) {
        char name[256], long_name[256];
        snprintf(name, sizeof name, MAP_PULL_PREFIX "%s", l->spec->pull_name[p]);
        snprintf(long_name, sizeof long_name, "pull %s", l->spec->pull_name[p]);
        CEV_TRY(put_field(l, name, H5T_IEEE_F64LE, long_name));
    }
    return CEV_OK;
}

static cev_status put_small(const layout *l, const char *name, hid_t type, int rank, const hsize_t *size)
{
    hid_t d = create_dataset(l->file, name, type, rank, size, NULL);
    if (d < 0) return cev_store_fail(l->path, "create a dataset");
    H5Dclose(d);
    return CEV_OK;
}

static cev_status put_tiles(const layout *l)
{
    const cev_grid *g = l->spec->grid;
    hsize_t size[2] = {g->n_tile, CEV_DIGEST_SIZE};
    uint64_t side[CEV_MAX_AXES];
    for (size_t a = 0; a < g->n_axis; a++) side[a] = g->tile_side[a];
    hid_t group = H5Gcreate2(l->file, MAP_TILES, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return cev_store_fail(l->path, "create a group");
    cev_status status = put_numbers(l, group, "side", H5T_NATIVE_UINT64, g->n_axis, side);
    H5Gclose(group);
    CEV_TRY(status);
    CEV_TRY(put_small(l, MAP_DONE, H5T_STD_U8LE, 1, size));
    return put_small(l, MAP_DIGEST, H5T_STD_U8LE, 2, size);
}

static cev_status put_progress(const layout *l)
{
    hid_t group = H5Gcreate2(l->file, MAP_PROGRESS, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return cev_store_fail(l->path, "create a group");
    cev_status status = CEV_OK;
    const cev_grid *grid = l->spec ? l->spec->grid : NULL; /* none: of a study */
    for (size_t k = 0; status == CEV_OK && k < cev_map_n_progress_fields; k++) {
        const progress_field *field = &cev_map_progress_fields[k];
        if (!grid && !cev_map_progress_of_study(field)) continue;
        hsize_t size[2];
        hid_t type = cev_map_progress_type(field);
        int rank = grid ? cev_map_progress_shape(field, cev_grid_n_member(grid), grid->n_axis, size) : 0;
        status = put_small(&(layout){l->spec, l->path, group}, field->name, type, rank, size);
        H5Tclose(type);
    }
    H5Gclose(group);
    return status;
}

static cev_status put_texts(const layout *l, const char *format, size_t n_text, const cev_map_text *text)
{
    CEV_TRY(put_text(l, l->file, "format", format));
    int version = CEV_MAP_FORMAT_VERSION;
    CEV_TRY(put_numbers(l, l->file, "format_version", H5T_NATIVE_INT, 0, &version));
    for (size_t k = 0; k < n_text; k++) CEV_TRY(put_text(l, l->file, text[k].name, text[k].value));
    return CEV_OK;
}

static cev_status put_everything(const layout *l)
{
    CEV_TRY(put_texts(l, MAP_FORMAT, l->spec->n_text, l->spec->text));
    CEV_TRY(put_axes(l));
    CEV_TRY(put_fields(l));
    CEV_TRY(put_tiles(l));
    return put_progress(l);
}

/* --- studies ---------------------------------------------------------------------------------------------------- */

static hid_t create_group(hid_t file, const char *folder, const char *name)
{
    char path[1024];
    hid_t properties = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(properties, 1);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    hid_t group = H5Gcreate2(file, path, properties, H5P_DEFAULT, H5P_DEFAULT);
    H5Pclose(properties);
    return group;
}

static cev_status put_map_of_study(const layout *l, const cev_study_spec *study, size_t m)
{
    cev_map_spec spec;
    CEV_TRY(study->describe(study->context, m, &spec));
    hid_t group = create_group(l->file, STUDY_MAPS, study->name[m]);
    if (group < 0) return cev_store_fail(l->path, "create a group");
    cev_status status = put_everything(&(layout){&spec, l->path, group});
    H5Gclose(group);
    return status;
}

/* Columns of the index: their names, and their texts. */
typedef struct index_column {
    const char *name;
    const char *const *text;
} index_column;

enum { N_INDEX_COLUMNS = 3 };

static void columns_of(const cev_study_spec *study, index_column out[N_INDEX_COLUMNS])
{
    out[0] = (index_column){STUDY_INDEX "/name", study->name};
    out[1] = (index_column){STUDY_INDEX "/axes", study->axes};
    out[2] = (index_column){STUDY_INDEX "/experiments", study->experiments};
}

static size_t longest(const char *const *text, size_t n)
{
    size_t most = 1;
    for (size_t k = 0; k < n; k++)
        if (strlen(text[k]) > most) most = strlen(text[k]);
    return most;
}

static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static cev_status put_index(const layout *l, const cev_study_spec *study)
{
    index_column column[N_INDEX_COLUMNS];
    hsize_t n = study->n_map;
    hid_t group = H5Gcreate2(l->file, STUDY_INDEX, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return cev_store_fail(l->path, "create a group");
    H5Gclose(group);
    columns_of(study, column);
    for (size_t k = 0; k < N_INDEX_COLUMNS; k++) {
        hid_t type = text_type(longest(column[k].text, study->n_map));
        cev_status status = put_small(l, column[k].name, type, 1, &n);
        H5Tclose(type);
        CEV_TRY(status);
    }
    return CEV_OK;
}

static cev_status fill_column(const layout *l, const index_column *column, size_t n)
{
    size_t size = longest(column->text, n);
    char *all = calloc(n, size);
    hid_t type = text_type(size), d = H5Dopen2(l->file, column->name, H5P_DEFAULT);
    cev_status status = all ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; all && k < n; k++) memcpy(all + k * size, column->text[k], strlen(column->text[k]));
    errno = 0;
    if (status == CEV_OK && (d < 0 || H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) < 0))
        status = cev_store_fail(l->path, "write the index");
    if (d >= 0) H5Dclose(d);
    H5Tclose(type);
    free(all);
    return status;
}

static cev_status put_study(const layout *l, const cev_study_spec *study)
{
    CEV_TRY(put_texts(l, STUDY_FORMAT, study->n_text, study->text));
    CEV_TRY(put_index(l, study));
    for (size_t m = 0; m < study->n_map; m++) CEV_TRY(put_map_of_study(l, study, m));
    return put_progress(l);
}

/* --- the file --------------------------------------------------------------------------------------------------- */

/* Structure only: no raw data are written yet, so that a full disk shows in the reservation that follows and not inside
 * HDF5, which does not recover from it. */
static cev_status lay_structure(const file_layout *f)
{
    errno = 0;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    layout l = {.spec = f->map, .path = f->path, .file = H5Fcreate(f->path, H5F_ACC_EXCL, H5P_DEFAULT, access)};
    H5Pclose(access);
    if (l.file < 0) return cev_store_fail(l.path, "create the file");
    cev_status status = f->study ? put_study(&l, f->study) : put_everything(&l);
    errno = 0;
    herr_t closed = H5Fclose(l.file);
    if (status != CEV_OK) return status;
    return closed < 0 ? cev_store_fail(l.path, "close the file") : CEV_OK;
}

static cev_status fill_field(const layout *l, const cev_grid *g, const char *name, const double *nan_tile)
{
    hid_t d = H5Dopen2(l->file, name, H5P_DEFAULT), space = d < 0 ? -1 : H5Dget_space(d);
    cev_status status = d < 0 ? cev_store_fail(l->path, "open a dataset") : CEV_OK;
    for (size_t id = 0; status == CEV_OK && id < g->n_tile; id++) {
        cev_tile tile = cev_grid_tile(g, id);
        hsize_t start[CEV_MAX_AXES], count[CEV_MAX_AXES];
        for (size_t a = 0; a < g->n_axis; a++) {
            start[a] = tile.origin[a];
            count[a] = tile.extent[a];
        }
        hid_t memory = H5Screate_simple((int)g->n_axis, count, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        errno = 0;
        if (H5Dwrite(d, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, nan_tile) < 0)
            status = cev_store_fail(l->path, "fill the map");
        H5Sclose(memory);
    }
    if (space >= 0) H5Sclose(space);
    if (d >= 0) H5Dclose(d);
    return status;
}

static cev_status fill_map(const layout *l, const double *nan_tile)
{
    CEV_TRY(fill_field(l, l->spec->grid, MAP_CHI2, nan_tile));
    CEV_TRY(fill_field(l, l->spec->grid, MAP_DELTA, nan_tile));
    for (size_t p = 0; p < l->spec->n_pull; p++) {
        char name[256];
        snprintf(name, sizeof name, MAP_PULL_PREFIX "%s", l->spec->pull_name[p]);
        CEV_TRY(fill_field(l, l->spec->grid, name, nan_tile));
    }
    return CEV_OK;
}

static cev_status fill_study(const layout *l, const cev_study_spec *study, const double *nan_tile)
{
    index_column column[N_INDEX_COLUMNS];
    columns_of(study, column);
    for (size_t k = 0; k < N_INDEX_COLUMNS; k++) CEV_TRY(fill_column(l, &column[k], study->n_map));
    for (size_t m = 0; m < study->n_map; m++) {
        char name[1024];
        snprintf(name, sizeof name, STUDY_MAPS "/%s", study->name[m]);
        hid_t group = H5Gopen2(l->file, name, H5P_DEFAULT);
        if (group < 0) return cev_store_fail(l->path, "open a group");
        cev_status status = fill_map(&(layout){&(cev_map_spec){.grid = study->grid[m]}, l->path, group}, nan_tile);
        H5Gclose(group);
        CEV_TRY(status);
    }
    return CEV_OK;
}

static size_t largest_tile(const file_layout *f)
{
    size_t most = f->map ? cev_grid_points_of_whole_tile(f->map->grid) : 0;
    for (size_t m = 0; f->study && m < f->study->n_map; m++) {
        size_t n = cev_grid_points_of_whole_tile(f->study->grid[m]);
        if (n > most) most = n;
    }
    return most;
}

static cev_status fill_with_nan(const file_layout *f)
{
    size_t n = largest_tile(f);
    double *nan_tile = malloc(n * sizeof *nan_tile);
    if (!nan_tile) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < n; k++) nan_tile[k] = NAN;
    errno = 0;
    layout l = {.spec = f->map, .path = f->path, .file = H5Fopen(f->path, H5F_ACC_RDWR, H5P_DEFAULT)};
    cev_status status = l.file < 0 ? cev_store_fail(l.path, "open the file") : CEV_OK;
    if (status == CEV_OK) status = f->study ? fill_study(&l, f->study, nan_tile) : fill_map(&l, nan_tile);
    free(nan_tile);
    errno = 0;
    if (l.file >= 0 && H5Fclose(l.file) < 0 && status == CEV_OK) status = cev_store_fail(l.path, "close the file");
    return status;
}

static double bytes_of_map(const cev_grid *grid, size_t n_pull)
{
    double whole_tiles = (double)grid->n_tile * (double)cev_grid_points_of_whole_tile(grid);
    return whole_tiles * (8.0 * (2 + (double)n_pull) + 1);
}

/* A map that cannot fit is refused at once: laying out terabytes takes its time. The disk may still fill up later. */
static cev_status check_space(const char *path, const file_layout *f)
{
    struct statvfs disk;
    char *copy = strdup(path);
    if (!copy) return cev_fail(CEV_E_MEMORY, "out of memory");
    int unknown = statvfs(dirname(copy), &disk);
    free(copy);
    if (unknown) return CEV_OK;
    double needed = f->map ? bytes_of_map(f->map->grid, f->map->n_pull) : 0,
           free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    for (size_t m = 0; f->study && m < f->study->n_map; m++) needed += bytes_of_map(f->study->grid[m], 0);
    if (needed <= free_bytes) return CEV_OK;
    return cev_fail(CEV_E_IO, "%s: the map needs %.3g GB, but %.3g GB are free: %s", path, needed / 1e9,
                    free_bytes / 1e9, strerror(ENOSPC));
}

static cev_status create_file(const char *path, file_layout f)
{
    CEV_TRY(check_space(path, &f));
    size_t size = strlen(path) + sizeof ".tmp";
    char *temporary = malloc(size);
    if (!temporary) return cev_fail(CEV_E_MEMORY, "out of memory");
    snprintf(temporary, size, "%s.tmp", path);
    unlink(temporary); /* of a job that was killed while it laid out this map */
    cev_store_quiet();
    f.path = temporary;
    cev_status status = lay_structure(&f);
    if (status == CEV_OK) status = cev_store_reserve(temporary);
    if (status == CEV_OK) status = fill_with_nan(&f);
    if (status == CEV_OK) status = cev_store_flush(temporary);
    if (status == CEV_OK && rename(temporary, path)) status = cev_store_fail(path, "rename the finished layout");
    if (status == CEV_OK) status = cev_store_flush_directory_of(path);
    if (status != CEV_OK) unlink(temporary);
    free(temporary);
    return status;
}

cev_status cev_map_create(const char *path, const cev_map_spec *spec)
{
    return create_file(path, (file_layout){.map = spec});
}

cev_status cev_study_create(const char *path, const cev_study_spec *spec)
{
    return create_file(path, (file_layout){.study = spec});
}
