/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A map open on all ranks: raw data are read and overwritten, metadata never change. */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "map_names.h"
#include "store_error.h"

struct cev_map {
    cev_arena *arena;
    const cev_grid *grid;
    char *path;
    dev_t device; /* of the file that was opened */
    ino_t inode;
    hid_t file; /* or the group of a study */
    bool is_group;
    hid_t chi2, delta, status, done, digest;
    hid_t field_space; /* of chi2, delta, status and pulls */
    size_t n_pull;
    hid_t *pull;          /* [n_pull] */
    double *delta_buffer; /* [points of a whole tile] */
};

static cev_status open_dataset(const cev_map *map, const char *name, hid_t *out)
{
    *out = -1;
    if (H5Lexists(map->file, name, H5P_DEFAULT) <= 0)
        return cev_fail(CEV_E_INPUT, "%s: its dataset %s is missing: the map is damaged", map->path, name);
    errno = 0;
    *out = H5Dopen2(map->file, name, H5P_DEFAULT);
    return *out < 0 ? cev_store_fail(map->path, "open a dataset of the map") : CEV_OK;
}

/* Whether ROMIO takes the file for one on NFS, where it locks what it reads and writes: hosts cache whole pages there.
 */
static bool is_on_nfs(const char *path)
{
    enum { NFS_MAGIC = 0x6969 };
    const char *forced = getenv("ROMIO_FSTYPE_FORCE");
    struct statfs s;
    if (forced) return !strncmp(forced, "nfs:", 4);
    return !statfs(path, &s) && s.f_type == NFS_MAGIC;
}

/* Where a lock fails ROMIO ends the job by itself, with code 1. */
static cev_status check_locks(const char *path)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cev_store_fail(path, "open the map");
    int reason = fcntl(fd, F_SETLKW, &lock) ? errno : 0;
    close(fd);
    if (!reason) return CEV_OK;
    return cev_fail(CEV_E_IO, "%s: cannot lock parts of the map, which MPI needs on NFS: %s", path, strerror(reason));
}

/* ROMIO takes what stands before a colon for a kind of file system; a name with a colon of its own gets a true one in
 * front. */
static cev_status open_file(cev_map *map, cev_map_access access, MPI_Comm communicator)
{
    char *name;
    bool nfs = is_on_nfs(map->path);
    if (nfs) CEV_TRY(check_locks(map->path));
    CEV_TRY(cev_arena_print(map->arena, &name, "%s%s",
                            !strchr(map->path, ':') ? ""
                            : nfs                   ? "nfs:"
                                                    : "ufs:",
                            map->path));
    hid_t properties = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_mpio(properties, communicator, MPI_INFO_NULL);
    errno = 0;
    map->file = H5Fopen(name, access == CEV_MAP_WRITE ? H5F_ACC_RDWR : H5F_ACC_RDONLY, properties);
    H5Pclose(properties);
    if (map->file < 0)
        return cev_store_fail(map->path, access == CEV_MAP_WRITE ? "open the map for writing" : "open the map");
    struct stat s;
    if (stat(map->path, &s)) return cev_store_fail(map->path, "open the map");
    map->device = s.st_dev;
    map->inode = s.st_ino;
    return CEV_OK;
}

/* Damaged or foreign files must not make us read or write beyond a dataset. */
static cev_status check_shape(const cev_map *map, hid_t dataset, int rank, const hsize_t *size)
{
    hid_t space = H5Dget_space(dataset);
    hsize_t found[CEV_MAX_AXES] = {0};
    bool right = H5Sget_simple_extent_ndims(space) == rank && H5Sget_simple_extent_dims(space, found, NULL) >= 0 &&
                 !memcmp(found, size, (size_t)rank * sizeof *size);
    H5Sclose(space);
    return right ? CEV_OK
                 : cev_fail(CEV_E_INPUT, "%s: a dataset has another shape than the scan that made the map", map->path);
}

static cev_status check_shapes(const cev_map *map)
{
    const hid_t field[] = {map->chi2, map->delta, map->status};
    const hsize_t tiles[] = {map->grid->n_tile, CEV_DIGEST_SIZE};
    hsize_t size[CEV_MAX_AXES];
    int rank = (int)map->grid->n_axis;
    for (size_t a = 0; a < map->grid->n_axis; a++) size[a] = map->grid->axis[a].n;
    for (size_t k = 0; k < sizeof field / sizeof *field; k++) CEV_TRY(check_shape(map, field[k], rank, size));
    for (size_t p = 0; p < map->n_pull; p++) CEV_TRY(check_shape(map, map->pull[p], rank, size));
    CEV_TRY(check_shape(map, map->done, 1, tiles));
    return check_shape(map, map->digest, 2, tiles);
}

static cev_status open_datasets(cev_map *map, const char *const *pull_name)
{
    CEV_TRY(cev_new(map->arena, map->n_pull, &map->pull));
    CEV_TRY(cev_new(map->arena, cev_grid_points_of_whole_tile(map->grid), &map->delta_buffer));
    for (size_t p = 0; p < map->n_pull; p++) map->pull[p] = -1;
    CEV_TRY(open_dataset(map, MAP_CHI2, &map->chi2));
    CEV_TRY(open_dataset(map, MAP_DELTA, &map->delta));
    CEV_TRY(open_dataset(map, MAP_STATUS, &map->status));
    CEV_TRY(open_dataset(map, MAP_DONE, &map->done));
    CEV_TRY(open_dataset(map, MAP_DIGEST, &map->digest));
    for (size_t p = 0; p < map->n_pull; p++) {
        char name[256];
        snprintf(name, sizeof name, MAP_PULL_PREFIX "%s", pull_name[p]);
        CEV_TRY(open_dataset(map, name, &map->pull[p]));
    }
    map->field_space = H5Dget_space(map->chi2);
    return check_shapes(map);
}

static cev_status open_everything(cev_map *map, const char *path, cev_map_access access, MPI_Comm communicator,
                                  const char *const *pull_name)
{
    CEV_TRY(cev_arena_create(&map->arena));
    CEV_TRY(cev_arena_copy_text(map->arena, path, &map->path));
    CEV_TRY(open_file(map, access, communicator));
    return map->grid ? open_datasets(map, pull_name) : CEV_OK;
}

static cev_status open_group(cev_map *map, const cev_map *study, const char *name)
{
    char *path;
    CEV_TRY(cev_arena_create(&map->arena));
    CEV_TRY(cev_arena_print(map->arena, &path, STUDY_MAPS "/%s", name));
    CEV_TRY(cev_arena_copy_text(map->arena, study->path, &map->path));
    map->device = study->device;
    map->inode = study->inode;
    errno = 0;
    map->file = H5Gopen2(study->file, path, H5P_DEFAULT);
    if (map->file < 0)
        return cev_fail(CEV_E_INPUT, "%s: its map %s is missing: the study is damaged", study->path, name);
    return open_datasets(map, NULL);
}

/* Also a map that was opened in part. Negative if HDF5 could not flush and close the file. */
static herr_t close_everything(cev_map **map)
{
    cev_map *m = *map;
    const hid_t dataset[] = {m->chi2, m->delta, m->status, m->done, m->digest};
    for (size_t k = 0; k < sizeof dataset / sizeof *dataset; k++)
        if (dataset[k] >= 0) H5Dclose(dataset[k]);
    for (size_t p = 0; m->pull && p < m->n_pull; p++)
        if (m->pull[p] >= 0) H5Dclose(m->pull[p]);
    if (m->field_space >= 0) H5Sclose(m->field_space);
    herr_t closed = m->file < 0 ? 0 : m->is_group ? H5Gclose(m->file) : H5Fclose(m->file);
    cev_arena_destroy(&m->arena);
    free(m);
    *map = NULL;
    return closed;
}

static cev_status create_handle(const cev_grid *grid, size_t n_pull, cev_map **out)
{
    cev_store_quiet();
    *out = calloc(1, sizeof **out);
    if (!*out) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_map *map = *out;
    map->grid = grid;
    map->n_pull = n_pull;
    map->file = map->chi2 = map->delta = map->status = map->done = map->digest = map->field_space = -1;
    return CEV_OK;
}

cev_status cev_map_open(const char *path, cev_map_access access, MPI_Comm communicator, const cev_grid *grid,
                        size_t n_pull, const char *const *pull_name, cev_map **out)
{
    CEV_TRY(create_handle(grid, n_pull, out));
    cev_status status = open_everything(*out, path, access, communicator, pull_name);
    /* With others, a half-open map is left to the process's end: closing it is collective, and they may have it open.
     */
    int n_rank;
    MPI_Comm_size(communicator, &n_rank);
    if (status != CEV_OK && n_rank == 1) close_everything(out);
    return status;
}

cev_status cev_study_open(const char *path, cev_map_access access, MPI_Comm communicator, cev_map **out)
{
    return cev_map_open(path, access, communicator, NULL, 0, NULL, out);
}

cev_status cev_study_open_map(cev_map *study, const char *name, const cev_grid *grid, cev_map **out)
{
    CEV_TRY(create_handle(grid, 0, out));
    (*out)->is_group = true;
    cev_status status = open_group(*out, study, name);
    if (status != CEV_OK) close_everything(out); /* no file is closed by that */
    return status;
}

cev_status cev_map_close(cev_map **map)
{
    if (!map || !*map) return CEV_OK;
    errno = 0;
    return close_everything(map) < 0
               ? cev_fail(CEV_E_IO, "the map cannot be closed: %s", errno ? strerror(errno) : "HDF5 does not say why")
               : CEV_OK;
}

/* Reads or writes the box of one tile. */
static cev_status transfer(const cev_map *map, const cev_tile *tile, hid_t dataset, hid_t type, const void *from,
                           void *to)
{
    hsize_t start[CEV_MAX_AXES], count[CEV_MAX_AXES];
    for (size_t a = 0; a < map->grid->n_axis; a++) {
        start[a] = tile->origin[a];
        count[a] = tile->extent[a];
    }
    H5Sselect_hyperslab(map->field_space, H5S_SELECT_SET, start, NULL, count, NULL);
    hid_t memory = H5Screate_simple((int)map->grid->n_axis, count, NULL);
    errno = 0;
    herr_t result = from ? H5Dwrite(dataset, type, memory, map->field_space, H5P_DEFAULT, from)
                         : H5Dread(dataset, type, memory, map->field_space, H5P_DEFAULT, to);
    cev_status status = result < 0 ? cev_store_fail(map->path, from ? "write a tile" : "read a tile") : CEV_OK;
    H5Sclose(memory);
    return status;
}

/* Reads or writes one row of a dataset over tiles. */
static cev_status transfer_row(const cev_map *map, hid_t dataset, size_t id, hsize_t length, const void *from, void *to)
{
    hsize_t start[2] = {id, 0}, count[2] = {1, length};
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(1, &length, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    errno = 0;
    herr_t result = from ? H5Dwrite(dataset, H5T_NATIVE_UCHAR, memory, space, H5P_DEFAULT, from)
                         : H5Dread(dataset, H5T_NATIVE_UCHAR, memory, space, H5P_DEFAULT, to);
    cev_status status = result < 0 ? cev_store_fail(map->path, from ? "write a tile" : "read a tile") : CEV_OK;
    H5Sclose(memory);
    H5Sclose(space);
    return status;
}

cev_status cev_tile_digest(const cev_tile *tile, size_t n_pull, const cev_tile_results *results, cev_digest *out)
{
    size_t n = tile->n_point;
    cev_span span[] = {{results->chi2, n * sizeof *results->chi2},
                       {results->status, n},
                       {results->pull, n_pull * n * sizeof *results->pull}};
    return cev_digest_spans(span, sizeof span / sizeof *span, out);
}

cev_status cev_map_write_delta(cev_map *map, const cev_tile *tile, const double *chi2, double reference)
{
    for (size_t k = 0; k < tile->n_point; k++) map->delta_buffer[k] = chi2[k] - reference;
    return transfer(map, tile, map->delta, H5T_NATIVE_DOUBLE, map->delta_buffer, NULL);
}

cev_status cev_map_write_fields(cev_map *map, const cev_tile *tile, const cev_tile_results *results, double reference)
{
    CEV_TRY(transfer(map, tile, map->chi2, H5T_NATIVE_DOUBLE, results->chi2, NULL));
    CEV_TRY(cev_map_write_delta(map, tile, results->chi2, reference));
    CEV_TRY(transfer(map, tile, map->status, H5T_NATIVE_UCHAR, results->status, NULL));
    for (size_t p = 0; p < map->n_pull; p++)
        CEV_TRY(transfer(map, tile, map->pull[p], H5T_NATIVE_DOUBLE, results->pull + p * tile->n_point, NULL));
    return CEV_OK;
}

cev_status cev_map_write_done(cev_map *map, const cev_tile *tile, const cev_digest *digest)
{
    const unsigned char done = 1;
    CEV_TRY(transfer_row(map, map->digest, tile->id, CEV_DIGEST_SIZE, digest->byte, NULL));
    return transfer_row(map, map->done, tile->id, 1, &done, NULL);
}

cev_status cev_map_write_tile(cev_map *map, const cev_tile *tile, const cev_tile_results *results, double reference)
{
    cev_digest digest;
    CEV_TRY(cev_tile_digest(tile, map->n_pull, results, &digest));
    CEV_TRY(cev_map_write_fields(map, tile, results, reference));
    return cev_map_write_done(map, tile, &digest);
}

static cev_status check_tile(cev_map *map, const cev_tile *tile, const cev_tile_results *results,
                             const double *reference, bool *intact)
{
    cev_digest stored, found;
    CEV_TRY(transfer_row(map, map->digest, tile->id, CEV_DIGEST_SIZE, NULL, stored.byte));
    CEV_TRY(cev_tile_digest(tile, map->n_pull, results, &found));
    *intact = !memcmp(stored.byte, found.byte, sizeof stored.byte);
    if (!reference) return CEV_OK;
    CEV_TRY(transfer(map, tile, map->delta, H5T_NATIVE_DOUBLE, NULL, map->delta_buffer));
    for (size_t k = 0; k < tile->n_point; k++) {
        double delta = results->chi2[k] - *reference;
        *intact &= delta == map->delta_buffer[k] || (isnan(delta) && isnan(map->delta_buffer[k]));
    }
    return CEV_OK;
}

cev_status cev_map_read_tile(cev_map *map, const cev_tile *tile, double *chi2, unsigned char *status, double *pull,
                             const double *reference, bool *intact)
{
    CEV_TRY(transfer(map, tile, map->chi2, H5T_NATIVE_DOUBLE, NULL, chi2));
    CEV_TRY(transfer(map, tile, map->status, H5T_NATIVE_UCHAR, NULL, status));
    for (size_t p = 0; p < map->n_pull; p++)
        CEV_TRY(transfer(map, tile, map->pull[p], H5T_NATIVE_DOUBLE, NULL, pull + p * tile->n_point));
    if (!intact) return CEV_OK;
    return check_tile(map, tile, &(cev_tile_results){.chi2 = chi2, .status = status, .pull = pull}, reference, intact);
}

cev_status cev_map_forget_tile(cev_map *map, const cev_tile *tile)
{
    const unsigned char done = 0;
    return transfer_row(map, map->done, tile->id, 1, &done, NULL);
}

static cev_status open_axis(const cev_map *map, size_t a, hid_t *dataset)
{
    hsize_t n = map->grid->axis[a].n;
    CEV_TRY(open_dataset(map, map->grid->axis[a].name, dataset));
    cev_status status = check_shape(map, *dataset, 1, &n);
    if (status != CEV_OK) H5Dclose(*dataset);
    return status;
}

cev_status cev_map_check_axis(const cev_map *map, size_t a, bool *intact)
{
    const cev_axis *axis = &map->grid->axis[a];
    hid_t dataset;
    double *found = malloc(axis->n * sizeof *found);
    if (!found) return cev_fail(CEV_E_MEMORY, "out of memory");
    cev_status status = open_axis(map, a, &dataset);
    if (status == CEV_OK) {
        errno = 0;
        if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, found) < 0)
            status = cev_store_fail(map->path, "read an axis");
        H5Dclose(dataset);
    }
    *intact = status == CEV_OK && !memcmp(found, axis->value, axis->n * sizeof *found);
    free(found);
    return status;
}

cev_status cev_map_write_axis(cev_map *map, size_t a)
{
    hid_t dataset;
    CEV_TRY(open_axis(map, a, &dataset));
    errno = 0;
    cev_status status = H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, map->grid->axis[a].value) <
                                0
                            ? cev_store_fail(map->path, "write an axis")
                            : CEV_OK;
    H5Dclose(dataset);
    return status;
}

static cev_status put_progress_field(const cev_map *map, const progress_field *field, const cev_map_progress *progress)
{
    char name[64];
    snprintf(name, sizeof name, MAP_PROGRESS "/%s", field->name);
    hid_t dataset, type = cev_map_progress_type(field);
    cev_status status = open_dataset(map, name, &dataset);
    errno = 0;
    if (status == CEV_OK &&
        H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, (const char *)progress + field->offset) < 0)
        status = cev_store_fail(map->path, "write the progress");
    if (dataset >= 0) H5Dclose(dataset);
    H5Tclose(type);
    return status;
}

cev_status cev_map_write_progress(cev_map *map, const cev_map_progress *progress)
{
    for (size_t k = 0; k < cev_map_n_progress_fields; k++)
        if (map->grid || cev_map_progress_of_study(&cev_map_progress_fields[k]))
            CEV_TRY(put_progress_field(map, &cev_map_progress_fields[k], progress));
    return CEV_OK;
}

/* Other failures of stat() are left to the writes: they may pass. */
cev_status cev_map_check_place(const cev_map *map)
{
    struct stat s;
    int reason = stat(map->path, &s) ? errno : 0;
    bool removed = reason == ENOENT || reason == ENOTDIR || reason == ESTALE;
    bool replaced = !reason && (s.st_dev != map->device || s.st_ino != map->inode);
    if (!removed && !replaced) return CEV_OK;
    return cev_fail(CEV_E_IO, "%s: was %s while the scan was at work", map->path,
                    removed ? "removed" : "replaced by another file");
}

cev_status cev_map_content_hash(cev_map *map, char out[CEV_DIGEST_TEXT_SIZE])
{
    size_t size = map->grid->n_tile * CEV_DIGEST_SIZE;
    unsigned char *all = malloc(size);
    if (!all) return cev_fail(CEV_E_MEMORY, "out of memory");
    errno = 0;
    cev_status status = H5Dread(map->digest, H5T_NATIVE_UCHAR, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) < 0
                            ? cev_store_fail(map->path, "read the digests of the tiles")
                            : CEV_OK;
    cev_digest digest;
    if (status == CEV_OK) status = cev_digest_spans(&(cev_span){all, size}, 1, &digest);
    if (status == CEV_OK) cev_digest_text(&digest, out);
    free(all);
    return status;
}

void cev_map_library_version(char *out, size_t size)
{
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    snprintf(out, size, "%u.%u.%u", major, minor, release);
}
