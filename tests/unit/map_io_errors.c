/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk that cannot be read or written is not a damaged map: whichever call fails, the status is CEV_E_IO with the
 * system's reason, whatever HDF5 or MPI make of it. The calls that reach the file are this program's own here. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/uio.h>

#include "map_fixture.h"

typedef enum call { READING, WRITING, RESERVING, LOCKING, N_CALLS } call;

/* Files whose names begin with `path` are watched. */
static struct failure {
    call call;
    int reason; /* errno */
    long at;    /* which call fails, counted from 1; 0: none */
    bool once;  /* and only that one */
    long n;     /* calls so far */
    bool hit;
} failing;

static bool fails(call c, int fd)
{
    char link[64], name[512];
    if (failing.at == 0 || c != failing.call) return false;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof name - 1);
    name[n > 0 ? n : 0] = '\0';
    errno = before;
    if (strncmp(name, path, strlen(path)) != 0) return false;
    failing.n++;
    if (failing.once ? failing.n != failing.at : failing.n < failing.at) return false;
    failing.hit = true;
    errno = failing.reason;
    return true;
}

/* The function of the C library that this one hides. */
#define NEXT(name, next)                                                                                               \
    __typeof__(&name) next;                                                                                            \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

ssize_t read(int fd, void *data, size_t n)
{
    NEXT(read, next);
    return fails(READING, fd) ? -1 : next(fd, data, n);
}

ssize_t pread(int fd, void *data, size_t n, off_t at)
{
    NEXT(pread, next);
    return fails(READING, fd) ? -1 : next(fd, data, n, at);
}

ssize_t pread64(int fd, void *data, size_t n, off64_t at)
{
    NEXT(pread64, next);
    return fails(READING, fd) ? -1 : next(fd, data, n, at);
}

ssize_t preadv(int fd, const struct iovec *data, int n, off_t at)
{
    NEXT(preadv, next);
    return fails(READING, fd) ? -1 : next(fd, data, n, at);
}

ssize_t write(int fd, const void *data, size_t n)
{
    NEXT(write, next);
    return fails(WRITING, fd) ? -1 : next(fd, data, n);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    NEXT(pwrite, next);
    return fails(WRITING, fd) ? -1 : next(fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    NEXT(pwrite64, next);
    return fails(WRITING, fd) ? -1 : next(fd, data, n, at);
}

ssize_t pwritev(int fd, const struct iovec *data, int n, off_t at)
{
    NEXT(pwritev, next);
    return fails(WRITING, fd) ? -1 : next(fd, data, n, at);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    NEXT(fallocate, next);
    return fails(RESERVING, fd) ? -1 : next(fd, mode, at, n);
}

int flock(int fd, int what)
{
    NEXT(flock, next);
    return fails(LOCKING, fd) ? -1 : next(fd, what);
}

/* Tries `use` with each call of its kind failing, until there are not so many. Returns how many there are. */
static long try_every(call c, int reason, bool once, cev_status (*use)(const fixture *f), const fixture *f)
{
    for (long k = 1;; k++) {
        cev_error_clear();
        failing = (struct failure){.call = c, .reason = reason, .at = k, .once = once};
        cev_status status = use(f);
        bool hit = failing.hit;
        failing.at = 0;
        if (!hit) {
            assert_ok(status);
            return k - 1;
        }
        if (status != CEV_E_IO || !strstr(cev_error_message(), strerror(reason)))
            unit_fail(__FILE__, __LINE__, "call %ld fails: status %d: %s", k, (int)status, cev_error_message());
    }
}

static cev_status inspect_file(const fixture *f)
{
    (void)f;
    cev_map_info *info;
    cev_status status = cev_map_inspect(path, &info);
    if (status == CEV_OK && !info->description_intact) unit_fail(__FILE__, __LINE__, "the description is not intact");
    cev_map_info_destroy(&info);
    return status;
}

static cev_status use_tile(cev_map *map, const fixture *f, size_t s)
{
    results r;
    cev_digest digest[9 * MOST_MAPS];
    bool intact;
    cev_tile tile = cev_grid_tile(&f->grid[s], f->grid[s].n_tile - 1);
    fill(f, s, &tile, &r);
    CEV_TRY(cev_map_check_axis(map, s, 0, &intact));
    CEV_TRY(cev_map_read_digests(map, s, digest));
    CEV_TRY(cev_map_read_tile(map, s, &tile, &r.out, r.delta, digest));
    fill(f, s, &tile, &r);
    CEV_TRY(cev_map_write_tile(map, s, &tile, &r.out, references));
    return cev_map_mark_tile(map, s, tile.id, r.digest);
}

static cev_status use_map(const fixture *f)
{
    static const cev_map_progress progress;
    double real[MOST_MAPS * 2] = {0};
    uint64_t count[MOST_MAPS] = {0};
    char hash[MOST_MAPS][CEV_DIGEST_TEXT_SIZE] = {{0}};
    const cev_map_results of_maps = {.chi2_reference = real,
                                     .best_fit_chi2 = real,
                                     .best_fit = real,
                                     .points_failed = count,
                                     .content_hash = hash};
    cev_map *map;
    CEV_TRY(cev_map_open(path, CEV_MAP_WRITE, MPI_COMM_SELF, &f->spec, &map));
    cev_status status = CEV_OK;
    for (size_t s = 0; status == CEV_OK && s < f->spec.n_space; s++) {
        status = use_tile(map, f, s);
        if (status == CEV_OK) status = cev_map_write_results(map, s, &of_maps);
    }
    if (status == CEV_OK) status = cev_map_write_progress(map, &progress);
    cev_status closed = cev_map_close(&map);
    return status == CEV_OK ? closed : status;
}

static void whichever_read_fails_it_is_the_disk(void **state)
{
    (void)state;
    fixture f;
    for (int once = 0; once < 2; once++) {
        scan_of(&f, 2);
        create(&f);
        assert_true(try_every(READING, EIO, once, inspect_file, &f) > 20);
        assert_true(try_every(READING, EIO, once, use_map, &f) > 10);
        study_of(&f);
        create(&f);
        assert_true(try_every(READING, EIO, once, inspect_file, &f) > 40);
        assert_true(try_every(READING, EIO, once, use_map, &f) > 10);
    }
}

/* An inspection beside it says that the file is sound whatever write has failed. */
static cev_status use_map_and_look(const fixture *f)
{
    cev_status status = use_map(f);
    long at = failing.at;
    failing.at = 0;
    cev_map_info *info = inspect();
    assert_true(info->description_intact);
    cev_map_info_destroy(&info);
    failing.at = at;
    return status;
}

static void whichever_write_fails_it_is_the_disk(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    create(&f);
    assert_true(try_every(WRITING, ENOSPC, false, use_map_and_look, &f) > 30);
    assert_true(try_every(WRITING, EDQUOT, true, use_map_and_look, &f) > 30);
}

static cev_status lay_out(const fixture *f)
{
    cev_status status = cev_map_create(path, &f->spec, true);
    if (status != CEV_OK) assert_int_not_equal(access(temporary, F_OK), 0);
    return status;
}

static void a_layout_that_fails_leaves_nothing(void **state)
{
    (void)state;
    fixture f;
    study_of(&f);
    assert_true(try_every(WRITING, ENOSPC, false, lay_out, &f) > 5);
    assert_true(try_every(RESERVING, ENOSPC, false, lay_out, &f) == 1);
    assert_true(try_every(RESERVING, EDQUOT, false, lay_out, &f) == 1);
    unlink(temporary);
}

/* Not every file system has them. */
static void a_file_needs_neither_reservations_nor_locks(void **state)
{
    (void)state;
    const int reasons[] = {EOPNOTSUPP, ENOSYS, EINTR};
    fixture f;
    study_of(&f);
    for (size_t k = 0; k < LENGTH(reasons); k++) {
        failing = (struct failure){.call = RESERVING, .reason = reasons[k], .at = 1, .once = reasons[k] == EINTR};
        assert_ok(cev_map_create(path, &f.spec, true));
        assert_true(failing.hit);
    }
    failing = (struct failure){.call = LOCKING, .reason = ENOLCK, .at = 1};
    create(&f);
    assert_true(failing.hit);
    failing.at = 0;
}

/* HDF5 has files that it could not close, and would try once more at the end of MPI or of the process, and crash there:
 * the process ends as the program does after such a failure. */
static int leave(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whichever_read_fails_it_is_the_disk),
        cmocka_unit_test(whichever_write_fails_it_is_the_disk),
        cmocka_unit_test(a_layout_that_fails_leaves_nothing),
        cmocka_unit_test(a_file_needs_neither_reservations_nor_locks),
    };
    int failed = cmocka_run_group_tests(tests, set_up, leave);
    fflush(NULL);
    _exit(failed);
}
