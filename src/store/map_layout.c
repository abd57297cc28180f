/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lays a file out: cevscan/map.h says how and why. Serial driver, one rank. */
#include "map_layout.h"

#include <errno.h>
#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_description.h"
#include "map_layout_parts.h"
#include "map_names.h"
#include "map_scales.h"
#include "store_disk.h"
#include "store_error.h"

/* --- attributes, groups, datasets ------------------------------------------------------------------------------- */

static cev_status put_attribute(const layout *l, hid_t object, const char *name, hid_t type, hid_t space,
                                const void *value)
{
    errno = 0;
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    cev_status status = attribute < 0 || H5Awrite(attribute, type, value) < 0
                            ? cev_store_fail(l->path, "write an attribute")
                            : CEV_OK;
    if (attribute >= 0) H5Aclose(attribute);
    return status;
}

cev_status cev_layout_text(const layout *l, hid_t object, const char *name, const char *value)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    cev_status status = put_attribute(l, object, name, type, space, &value);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

/* n = 0: a scalar. */
cev_status cev_layout_numbers(const layout *l, hid_t object, const char *name, hid_t type, hsize_t n, const void *value)
{
    hid_t space = n ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR);
    cev_status status = put_attribute(l, object, name, type, space, value);
    H5Sclose(space);
    return status;
}

/* Room for `n` names in the group's header. */
static void set_group_properties(hid_t p, size_t n)
{
    H5Pset_est_link_info(p, (unsigned)(n < MAP_MOST_COMPACT ? n : MAP_MOST_COMPACT), 24);
    H5Pset_obj_track_times(p, 0);
    H5Pset_attr_phase_change(p, MAP_MOST_COMPACT, 0);
    H5Pset_link_phase_change(p, MAP_MOST_COMPACT, 0);
}

static cev_status create_group(const layout *l, hid_t where, const char *name, size_t n_member, hid_t *out)
{
    hid_t p = H5Pcreate(H5P_GROUP_CREATE);
    set_group_properties(p, n_member);
    errno = 0;
    *out = H5Gcreate2(where, name, H5P_DEFAULT, p, H5P_DEFAULT);
    cev_status status = *out < 0 ? cev_store_fail(l->path, "create a group") : CEV_OK;
    H5Pclose(p);
    return status;
}

static cev_status put_group(const layout *l, hid_t where, const char *name, size_t n_member)
{
    hid_t group;
    CEV_TRY(create_group(l, where, name, n_member, &group));
    H5Gclose(group);
    return CEV_OK;
}

cev_status cev_layout_dataset(const layout *l, hid_t where, const char *name, hid_t type, int rank, const hsize_t *size,
                              const hsize_t *chunk, hid_t *out)
{
    hid_t space = rank ? H5Screate_simple(rank, size, NULL) : H5Screate(H5S_SCALAR);
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(p, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(p, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(p, 0);
    H5Pset_attr_phase_change(p, MAP_MOST_COMPACT, 0);
    if (chunk) H5Pset_chunk(p, rank, chunk);
    errno = 0;
    *out = H5Dcreate2(where, name, type, space, H5P_DEFAULT, p, H5P_DEFAULT);
    cev_status status = *out < 0 ? cev_store_fail(l->path, "create a dataset") : CEV_OK;
    H5Pclose(p);
    H5Sclose(space);
    return status;
}

/* A dataset of no more than its values; `value` NULL: they come later. */
static cev_status put_dataset(const layout *l, hid_t where, const char *name, hid_t type, int rank, const hsize_t *size,
                              const void *value)
{
    hid_t d;
    CEV_TRY(cev_layout_dataset(l, where, name, type, rank, size, NULL, &d));
    cev_status status = value && H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0
                            ? cev_store_fail(l->path, "write a dataset")
                            : CEV_OK;
    H5Dclose(d);
    return status;
}

/* A list of texts, each in a cell as long as the longest. */
static cev_status put_texts(const layout *l, hid_t where, const char *name, size_t n, const char *const *text)
{
    size_t size = 1;
    hsize_t length = n;
    for (size_t k = 0; k < n; k++)
        if (strlen(text[k]) > size) size = strlen(text[k]);
    char *all = calloc(n, size);
    if (!all) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < n; k++) memcpy(all + k * size, text[k], strlen(text[k]));
    hid_t type = cev_map_text_type(size);
    cev_status status = put_dataset(l, where, name, type, 1, &length, all);
    H5Tclose(type);
    free(all);
    return status;
}

/* --- a space ---------------------------------------------------------------------------------------------------- */

static cev_status label_axis(const layout *l, hid_t axis, const cev_parameter *p, const cev_axis *values)
{
    char label[256];
    snprintf(label, sizeof label, "$%s$", p->label);
    CEV_TRY(cev_layout_text(l, axis, "units", p->unit[0] ? p->unit : "1"));
    CEV_TRY(cev_layout_text(l, axis, "long_name", label));
    CEV_TRY(cev_layout_text(l, axis, "description", p->help));
    CEV_TRY(cev_layout_text(l, axis, "scale", cev_scale_names[values->scale]));
    if (values->scale != CEV_SCALE_NAMES)
        CEV_TRY(cev_layout_numbers(l, axis, "standard_model", H5T_IEEE_F64LE, 0, &p->default_value));
    if (values->linear_threshold > 0)
        CEV_TRY(cev_layout_numbers(l, axis, "linear_threshold", H5T_IEEE_F64LE, 0, &values->linear_threshold));
    return CEV_OK;
}

static cev_status put_axis(const layout *l, hid_t group, const cev_map_space *s, size_t a)
{
    const cev_axis *axis = &s->grid->axis[a];
    hsize_t n = axis->n;
    CEV_TRY(put_dataset(l, group, axis->name, H5T_IEEE_F64LE, 1, &n, axis->value));
    hid_t d = H5Dopen2(group, axis->name, H5P_DEFAULT);
    if (d < 0) return cev_store_fail(l->path, "open an axis");
    cev_status status = label_axis(l, d, s->axis_description[a], axis);
    H5Dclose(d);
    return status == CEV_OK ? cev_map_make_scale(l->path, group, axis->name, axis->name) : status;
}

/* The names of the axes in their order, unless a text of the file says so already. */
static cev_status put_axis_names(const layout *l, hid_t group, const cev_map_space *s)
{
    char names[MAP_PATH_SIZE] = "";
    for (size_t k = 0; !s->name && k < l->spec->n_text; k++)
        if (!strcmp(l->spec->text[k].name, MAP_AXES)) return CEV_OK;
    for (size_t a = 0; a < s->grid->n_axis; a++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", a ? "," : "", s->grid->axis[a].name);
    return cev_layout_text(l, group, MAP_AXES, names);
}

/* Of a study's space; a scan names its members at the root. */
static cev_status put_member_names(const layout *l, hid_t group, const cev_map_space *s)
{
    const cev_axis *axis = &s->grid->axis[0];
    size_t size = 1;
    if (!s->name || !axis->label) return CEV_OK;
    for (size_t k = 0; k < axis->n; k++) size += strlen(axis->label[k]) + 1;
    char *names = calloc(size, 1);
    if (!names) return cev_fail(CEV_E_MEMORY, "out of memory");
    for (size_t k = 0; k < axis->n; k++) {
        if (k) strcat(names, ",");
        strcat(names, axis->label[k]);
    }
    cev_status status = cev_layout_text(l, group, MAP_MEMBERS, names);
    free(names);
    return status;
}

static cev_status put_tiles_in(const layout *l, hid_t group, hid_t tiles, const cev_map_space *s)
{
    hsize_t n_tile = s->grid->n_tile, size[3];
    unsigned dimension = 0;
    CEV_TRY(cev_map_put_dimension(l->path, tiles, MAP_TILE_AXIS, n_tile));
    CEV_TRY(cev_map_put_dimension(l->path, tiles, MAP_BYTE_AXIS, CEV_DIGEST_SIZE));
    CEV_TRY(put_dataset(l, group, MAP_DONE, H5T_STD_U8LE, 1, &n_tile, NULL));
    CEV_TRY(put_dataset(l, group, MAP_DIGEST, H5T_STD_U8LE, cev_map_digest_shape(s, size), size, NULL));
    CEV_TRY(cev_map_attach_to(l->path, group, MAP_DONE, tiles, MAP_TILE_AXIS, 0));
    CEV_TRY(cev_map_attach_to(l->path, group, MAP_DIGEST, tiles, MAP_TILE_AXIS, dimension++));
    if (s->name) CEV_TRY(cev_map_attach_to(l->path, group, MAP_DIGEST, group, MAP_NAMES_AXIS, dimension++));
    return cev_map_attach_to(l->path, group, MAP_DIGEST, tiles, MAP_BYTE_AXIS, dimension);
}

static cev_status put_tiles(const layout *l, hid_t group, const cev_map_space *s)
{
    const cev_grid *g = s->grid;
    uint64_t side[CEV_MAX_AXES];
    hid_t tiles;
    for (size_t a = 0; a < g->n_axis; a++) side[a] = g->tile_side[a];
    CEV_TRY(create_group(l, group, MAP_TILES, 4, &tiles));
    cev_status status = cev_layout_numbers(l, tiles, MAP_SIDE, H5T_STD_U64LE, g->n_axis, side);
    if (status == CEV_OK) status = put_tiles_in(l, group, tiles, s);
    H5Gclose(tiles);
    return status;
}

static cev_status put_record(const layout *l, hid_t group, const record *r, int rank, const hsize_t *size)
{
    hid_t type = cev_map_record_type(r);
    cev_status status = put_dataset(l, group, r->name, type, rank, size, NULL);
    H5Tclose(type);
    return status;
}

/* In the order of cev_map_result_shape(). */
static cev_status put_result(const layout *l, hid_t group, hid_t results, const cev_map_space *s, const record *r)
{
    hsize_t size[MAP_RESULT_RANK];
    unsigned dimension = 0;
    size_t n_member = cev_grid_n_member(s->grid);
    CEV_TRY(put_record(l, results, r, cev_map_result_shape(r, s->name ? s->n_map : 0, n_member, s->grid->n_axis, size),
                       size));
    if (s->name) CEV_TRY(cev_map_attach_to(l->path, results, r->name, group, MAP_NAMES_AXIS, dimension++));
    if (n_member > 1 && (r->of == RECORD_OF_FIT || r->of == RECORD_OF_FIT_AND_AXIS))
        CEV_TRY(cev_map_attach_to(l->path, results, r->name, group, s->grid->axis[0].name, dimension++));
    if (r->of == RECORD_OF_FIT_AND_AXIS)
        CEV_TRY(cev_map_attach_to(l->path, results, r->name, results, MAP_AXIS_AXIS, dimension++));
    return CEV_OK;
}

static cev_status put_results(const layout *l, hid_t group, const cev_map_space *s)
{
    hid_t results;
    CEV_TRY(create_group(l, group, MAP_RESULTS, s->n_profiled ? N_RESULT_RECORDS + 1 : N_RESULT_RECORDS - 2, &results));
    cev_status status = cev_map_put_dimension(l->path, results, MAP_AXIS_AXIS, s->grid->n_axis);
    for (size_t k = 0; status == CEV_OK && k < N_RESULT_RECORDS; k++)
        if (cev_map_has_record(&cev_map_result_records[k], s->n_profiled > 0))
            status = put_result(l, group, results, s, &cev_map_result_records[k]);
    H5Gclose(results);
    return status;
}

/* xarray reads texts of one length as such only where this says so; otherwise as bytes. */
static cev_status put_encoding(const layout *l, hid_t group)
{
    hid_t names = H5Dopen2(group, MAP_NAMES_AXIS, H5P_DEFAULT);
    if (names < 0) return cev_store_fail(l->path, "open the names of the maps");
    cev_status status = cev_layout_text(l, names, "_Encoding", "utf-8");
    H5Dclose(names);
    return status;
}

static cev_status put_map_names(const layout *l, hid_t group, const cev_map_space *s)
{
    CEV_TRY(put_texts(l, group, MAP_NAMES_AXIS, s->n_map, s->map_name));
    CEV_TRY(put_encoding(l, group));
    return cev_map_make_scale(l->path, group, MAP_NAMES_AXIS, MAP_NAMES_AXIS);
}

static cev_status put_space_in(const layout *l, hid_t group, const cev_map_space *s)
{
    CEV_TRY(put_axis_names(l, group, s));
    CEV_TRY(put_member_names(l, group, s));
    for (size_t a = 0; a < s->grid->n_axis; a++) CEV_TRY(put_axis(l, group, s, a));
    if (s->name) CEV_TRY(put_map_names(l, group, s));
    CEV_TRY(cev_layout_fields(l, group, s));
    CEV_TRY(put_tiles(l, group, s));
    return put_results(l, group, s);
}

static cev_status put_space(const layout *l, hid_t spaces, const cev_map_space *s)
{
    hid_t group;
    CEV_TRY(
        create_group(l, spaces, s->name, s->grid->n_axis + 6 + s->n_pull + (s->n_profiled > 0) + s->n_stored, &group));
    cev_status status = put_space_in(l, group, s);
    H5Gclose(group);
    return status;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

static cev_status put_root_attributes(const layout *l)
{
    int version = CEV_MAP_FORMAT_VERSION;
    CEV_TRY(cev_layout_text(l, l->file, "format", l->spec->space[0].name ? STUDY_FORMAT : MAP_FORMAT));
    CEV_TRY(cev_layout_numbers(l, l->file, "format_version", H5T_NATIVE_INT, 0, &version));
    for (size_t k = 0; k < l->spec->n_text; k++)
        CEV_TRY(cev_layout_text(l, l->file, l->spec->text[k].name, l->spec->text[k].value));
    return CEV_OK;
}

static cev_status put_progress(const layout *l)
{
    hid_t group;
    CEV_TRY(create_group(l, l->file, MAP_PROGRESS, N_PROGRESS_RECORDS, &group));
    cev_status status = CEV_OK;
    for (size_t k = 0; status == CEV_OK && k < N_PROGRESS_RECORDS; k++)
        status = put_record(l, group, &cev_map_progress_records[k], 0, NULL);
    H5Gclose(group);
    return status;
}

/* The columns of the index have one dimension, the names of the maps. */
static cev_status index_by_name(const layout *l)
{
    static const char names[] = MAP_INDEX "/name";
    if (H5Lexists(l->file, names, H5P_DEFAULT) <= 0) return CEV_OK;
    CEV_TRY(cev_map_make_scale(l->path, l->file, names, "name"));
    for (size_t k = 0; k < l->spec->n_column; k++) {
        char path[MAP_PATH_SIZE];
        snprintf(path, sizeof path, MAP_INDEX "/%s", l->spec->column[k].name);
        if (strcmp(path, names)) CEV_TRY(cev_map_attach_to(l->path, l->file, path, l->file, names, 0));
    }
    return CEV_OK;
}

/* An attribute of a group or a dataset. */
static cev_status put_text_on(const layout *l, const char *path, const char *name, const char *value)
{
    hid_t object = H5Oopen(l->file, path, H5P_DEFAULT);
    if (object < 0) return cev_store_fail(l->path, "open what has an attribute");
    cev_status status = cev_layout_text(l, object, name, value);
    return H5Oclose(object) < 0 && status == CEV_OK ? cev_store_fail(l->path, "close what has an attribute") : status;
}

static cev_status put_index(const layout *l)
{
    size_t n_map = 0;
    for (size_t s = 0; s < l->spec->n_space; s++) n_map += l->spec->space[s].n_map;
    CEV_TRY(put_group(l, l->file, MAP_INDEX, l->spec->n_column));
    for (size_t k = 0; k < l->spec->n_column; k++) {
        char name[MAP_PATH_SIZE];
        snprintf(name, sizeof name, MAP_INDEX "/%s", l->spec->column[k].name);
        CEV_TRY(put_texts(l, l->file, name, n_map, l->spec->column[k].text));
        if (l->spec->column[k].long_name) CEV_TRY(put_text_on(l, name, "long_name", l->spec->column[k].long_name));
    }
    if (l->spec->factors) CEV_TRY(put_text_on(l, MAP_INDEX, "factors", l->spec->factors));
    return index_by_name(l);
}

static cev_status put_spaces(const layout *l)
{
    hid_t spaces;
    CEV_TRY(create_group(l, l->file, MAP_SPACES, l->spec->n_space, &spaces));
    cev_status status = CEV_OK;
    for (size_t s = 0; status == CEV_OK && s < l->spec->n_space; s++) status = put_space(l, spaces, &l->spec->space[s]);
    H5Gclose(spaces);
    return status;
}

static cev_status put_description_hash(const layout *l)
{
    cev_digest digest;
    char text[CEV_DIGEST_TEXT_SIZE];
    bool strange;
    CEV_TRY(cev_map_describe(l->file, l->path, SIZE_MAX, &digest, &strange));
    if (strange) return cev_fail(CEV_E_IO, "%s: the description cannot be read back", l->path);
    cev_digest_text(&digest, text);
    return cev_layout_text(l, l->file, MAP_DESCRIPTION_HASH, text);
}

static cev_status put_everything(const layout *l)
{
    CEV_TRY(put_root_attributes(l));
    CEV_TRY(put_progress(l));
    if (l->spec->space[0].name) {
        CEV_TRY(put_index(l));
        CEV_TRY(put_spaces(l));
    } else {
        CEV_TRY(put_space_in(l, l->file, &l->spec->space[0]));
    }
    return put_description_hash(l);
}

/* Bytes of metadata: headers, and the B-trees of chunks, whose nodes have room for 64 and are filled to nine tenths.
 * HDF5 reserves room for them in pieces: four, so that they lie together and little of the last is lost. */
static hsize_t quarter_of_metadata(const cev_map_spec *spec)
{
    double bytes = 2048;
    for (size_t s = 0; s < spec->n_space; s++) {
        const cev_map_space *space = &spec->space[s];
        double n_field = 3 + (double)(space->n_pull + (space->n_profiled > 0) + space->n_stored),
               entry = 8 * (3 + (double)space->grid->n_axis + (space->name ? 1 : 0));
        size_t leaves = space->grid->n_tile / 57 + 1, nodes = leaves == 1 ? 1 : leaves + leaves / 57 + 1;
        bytes += 3072 + (space->n_profiled ? 1024 : 0) + n_field * (768 + (double)nodes * 64 * entry);
    }
    return bytes < 0x1p22 ? (hsize_t)bytes / 4 : (hsize_t)1 << 20;
}

/* HDF5 1.8's form of the file: its headers have checksums, and nothing in it says "open", which a killed job could not
 * take back. */
static hid_t create_file(const layout *l)
{
    hid_t access = cev_store_access(), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_meta_block_size(access, quarter_of_metadata(l->spec));
    const cev_map_space *first = &l->spec->space[0];
    set_group_properties(creation, 10 + first->n_pull + (first->n_profiled > 0) + first->n_stored);
    errno = 0;
    hid_t file = H5Fcreate(l->path, H5F_ACC_EXCL, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    return file;
}

cev_status cev_map_lay_structure(const char *path, const cev_map_spec *spec)
{
    layout l = {.spec = spec, .path = path};
    l.file = create_file(&l);
    if (l.file < 0) return cev_store_fail(path, "create the file");
    cev_status status = put_everything(&l);
    errno = 0;
    herr_t closed = H5Fclose(l.file);
    if (status != CEV_OK) return status;
    return closed < 0 ? cev_store_fail(path, "close the file") : CEV_OK;
}
