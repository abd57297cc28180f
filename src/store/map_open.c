/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens a file on all ranks, publishes and closes it. Metadata never change while it is open. */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "map_parts.h"
#include "store_disk.h"
#include "store_error.h"

static int rank_in(MPI_Comm communicator)
{
    int rank;
    MPI_Comm_rank(communicator, &rank);
    return rank;
}

cev_status cev_map_agree(MPI_Comm communicator, cev_status status)
{
    int n_rank, rank = rank_in(communicator);
    MPI_Comm_size(communicator, &n_rank);
    if (n_rank == 1) return status;
    int mine = status == CEV_OK ? n_rank : rank, first;
    char words[1024];
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, communicator);
    if (first == n_rank) return CEV_OK;
    int theirs = (int)status;
    snprintf(words, sizeof words, "%s", cev_error_message());
    MPI_Bcast(&theirs, 1, MPI_INT, first, communicator);
    MPI_Bcast(words, (int)sizeof words, MPI_CHAR, first, communicator);
    return status != CEV_OK ? status : cev_fail((cev_status)theirs, "%s", words);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

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
    errno = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cev_fail(CEV_E_IO, "%s: cannot open the map: %s", path, strerror(errno));
    int reason = fcntl(fd, F_SETLKW, &lock) ? errno : 0;
    close(fd);
    if (!reason) return CEV_OK;
    return cev_fail(CEV_E_IO, "%s: cannot lock parts of the map, which MPI needs on NFS: %s", path, strerror(reason));
}

/* What would make a rank fail alone, or wait for ever, where all open the file together. */
static cev_status prepare(cev_map *map, cev_map_access access)
{
    struct stat s;
    CEV_TRY(cev_store_check_file(map->path));
    if (is_on_nfs(map->path)) CEV_TRY(check_locks(map->path));
    if (stat(map->path, &s)) return cev_fail(CEV_E_IO, "%s: cannot open the map: %s", map->path, strerror(errno));
    map->device = s.st_dev;
    map->inode = s.st_ino;
    if (access == CEV_MAP_READ || rank_in(map->communicator) != 0) return CEV_OK;
    return cev_store_share(map->path, &map->shared);
}

/* ROMIO takes what stands before a colon for a kind of file system; a name with a colon of its own gets a true one in
 * front. */
static cev_status open_file(cev_map *map, cev_map_access access)
{
    char *name;
    const char *kind = !strchr(map->path, ':') ? "" : is_on_nfs(map->path) ? "nfs:" : "ufs:";
    CEV_TRY(cev_arena_print(map->arena, &name, "%s%s", kind, map->path));
    hid_t properties = cev_store_access();
    H5Pset_fapl_mpio(properties, map->communicator, MPI_INFO_NULL);
    errno = 0;
    map->file = H5Fopen(name, access == CEV_MAP_READ ? H5F_ACC_RDONLY : H5F_ACC_RDWR, properties);
    cev_status status = map->file < 0
                            ? cev_store_fail_reading(map->path, access == CEV_MAP_READ ? "open the map"
                                                                                       : "open the map for writing")
                            : CEV_OK;
    H5Pclose(properties);
    return status;
}

/* Datasets that are not open yet. */
static cev_status note_fields(cev_map *map, size_t n, hid_t **out)
{
    CEV_TRY(cev_new(map->arena, n, out));
    for (size_t k = 0; k < n; k++) (*out)[k] = -1;
    return CEV_OK;
}

static cev_status note_spaces(cev_map *map)
{
    CEV_TRY(cev_new(map->arena, map->spec->n_space, &map->space));
    for (size_t s = 0; s < map->spec->n_space; s++) {
        open_space *space = &map->space[s];
        space->chi2 = space->delta = space->status = space->flags = space->done = space->digest = -1;
        CEV_TRY(note_fields(map, map->spec->space[s].n_pull, &space->pull));
        CEV_TRY(note_fields(map, map->spec->space[s].n_stored, &space->profiled));
    }
    return CEV_OK;
}

static cev_status prepare_handle(cev_map *map, const char *path, cev_map_access access)
{
    CEV_TRY(cev_arena_create(&map->arena));
    if (access == CEV_MAP_LAY_OUT) CEV_TRY(cev_arena_copy_text(map->arena, path, &map->homepath));
    CEV_TRY(cev_arena_print(map->arena, &map->path, "%s%s", path, access == CEV_MAP_LAY_OUT ? ".tmp" : ""));
    CEV_TRY(note_spaces(map));
    return prepare(map, access);
}

static void close_if_open(hid_t dataset)
{
    if (dataset >= 0) H5Dclose(dataset);
}

static void close_space(const open_space *space, const cev_map_space *s)
{
    close_if_open(space->chi2);
    close_if_open(space->delta);
    close_if_open(space->status);
    close_if_open(space->flags);
    close_if_open(space->done);
    close_if_open(space->digest);
    for (size_t p = 0; space->pull && p < s->n_pull; p++) close_if_open(space->pull[p]);
    for (size_t p = 0; space->profiled && p < s->n_stored; p++) close_if_open(space->profiled[p]);
}

/* Also a map that was opened in part. Negative if HDF5 could not flush and close the file. */
static herr_t close_everything(cev_map **map)
{
    cev_map *m = *map;
    for (size_t s = 0; m->space && s < m->spec->n_space; s++) close_space(&m->space[s], &m->spec->space[s]);
    errno = 0;
    herr_t closed = m->file < 0 ? 0 : H5Fclose(m->file);
    int reason = errno;
    if (m->shared >= 0) close(m->shared);
    free(m->buffer);
    cev_arena_destroy(&m->arena);
    free(m);
    *map = NULL;
    errno = reason;
    return closed;
}

cev_status cev_map_open(const char *path, cev_map_access access, MPI_Comm communicator, const cev_map_spec *spec,
                        cev_map **out)
{
    cev_store_quiet();
    *out = calloc(1, sizeof **out);
    cev_status status = *out ? CEV_OK : cev_fail(CEV_E_MEMORY, "out of memory");
    if (*out) {
        **out = (cev_map){.spec = spec, .communicator = communicator, .file = -1, .shared = -1};
        status = prepare_handle(*out, path, access);
    }
    status = cev_map_agree(communicator, status);
    if (status != CEV_OK) { /* nobody has the file open yet */
        if (*out) close_everything(out);
        return status;
    }
    status = open_file(*out, access);
    /* With others, a map that is open on some ranks is left to the process's end: closing it is collective. */
    int n_rank;
    MPI_Comm_size(communicator, &n_rank);
    if (status != CEV_OK && n_rank == 1) close_everything(out);
    return status;
}

cev_status cev_map_close(cev_map **map)
{
    if (!map || !*map) return CEV_OK;
    if (close_everything(map) >= 0) return CEV_OK;
    return cev_fail(CEV_E_IO, "the map cannot be closed: %s", errno ? strerror(errno) : "HDF5 does not say why");
}

/* --- the file and its name -------------------------------------------------------------------------------------- */

static cev_status rename_to_home(const cev_map *map)
{
    CEV_TRY(cev_store_flush(map->path));
    if (rename(map->path, map->homepath))
        return cev_fail(CEV_E_IO, "%s: cannot rename the finished layout: %s", map->homepath, strerror(errno));
    return cev_store_flush_directory_of(map->homepath);
}

/* Each host writes back what its own ranks wrote; where that fails, only this tells. */
cev_status cev_map_flush(cev_map *map)
{
    errno = 0;
    cev_status status = H5Fflush(map->file, H5F_SCOPE_GLOBAL) < 0 ? cev_store_fail(map->path, "flush the map") : CEV_OK;
    if (status == CEV_OK) status = cev_store_flush(map->path);
    return cev_map_agree(map->communicator, status);
}

cev_status cev_map_publish(cev_map *map)
{
    cev_status status = cev_map_flush(map);
    CEV_TRY(status);
    if (rank_in(map->communicator) == 0) status = rename_to_home(map);
    CEV_TRY(cev_map_agree(map->communicator, status));
    map->path = map->homepath;
    map->homepath = NULL;
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
