/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file, written by all ranks of the world together. tests/test_map_store.py runs it under mpirun, and looks at the
 * file that it leaves as $CEVSCAN_UNIT_MAP; by itself it is one rank. */
#include "map_fixture.h"

#include <signal.h>
#include <sys/file.h>

typedef struct world {
    int rank, n;
} world;

static world whole_world(void)
{
    world w;
    MPI_Comm_rank(MPI_COMM_WORLD, &w.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &w.n);
    return w;
}

static cev_map *open_together(const fixture *f, cev_map_access access)
{
    cev_map *map;
    assert_ok(cev_map_open(path, access, MPI_COMM_WORLD, &f->spec, &map));
    return map;
}

/* Each rank fills every n-th tile. */
static void create_together(const fixture *f)
{
    world w = whole_world();
    if (w.rank == 0) {
        unlink(path);
        assert_ok(cev_map_create(path, &f->spec, true));
    }
    MPI_Barrier(MPI_COMM_WORLD);
    cev_map *map = open_together(f, CEV_MAP_LAY_OUT);
    for (size_t s = 0; s < f->spec.n_space; s++)
        for (size_t id = (size_t)w.rank; id < f->grid[s].n_tile; id += (size_t)w.n) {
            cev_tile tile = cev_grid_tile(&f->grid[s], id);
            assert_ok(cev_map_fill_tile(map, s, &tile));
        }
    assert_ok(cev_map_publish(map));
    assert_ok(cev_map_check_place(map));
    assert_ok(cev_map_close(&map));
}

/* Every rank writes its tiles; rank 0 marks them all, as a master does. */
static void write_together(cev_map *map, const fixture *f, size_t s)
{
    world w = whole_world();
    for (size_t id = 0; id < f->grid[s].n_tile; id++) {
        results r;
        cev_tile tile = cev_grid_tile(&f->grid[s], id);
        fill(f, s, &tile, &r);
        if (id % (size_t)w.n == (size_t)w.rank) assert_ok(cev_map_write_tile(map, s, &tile, &r.out, references));
        MPI_Barrier(MPI_COMM_WORLD);
        digests_of(f, s, &tile, &r);
        if (w.rank == 0) assert_ok(cev_map_mark_tile(map, s, id, r.digest));
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void all_ranks_write_one_file(void **state)
{
    (void)state;
    fixture f;
    world w = whole_world();
    study_of(&f);
    create_together(&f);
    cev_map *map = open_together(&f, CEV_MAP_WRITE);
    for (size_t s = 0; s < 2; s++) write_together(map, &f, s);
    for (size_t s = 0; s < 2; s++)
        for (size_t id = 0; id < f.grid[s].n_tile; id++) { /* every rank reads what others wrote */
            results r, back = {0};
            cev_tile tile = cev_grid_tile(&f.grid[s], id);
            fill(&f, s, &tile, &r);
            digests_of(&f, s, &tile, &r);
            point_at(&f, s, &back);
            assert_ok(cev_map_read_tile(map, s, &tile, &back.out, back.delta, back.digest));
            assert_memory_equal(back.chi2, r.chi2, sizeof r.chi2);
            assert_memory_equal(back.status, r.status, sizeof r.status);
            if (s == 1) assert_memory_equal(back.pull, r.pull, sizeof r.pull);
            assert_memory_equal(back.digest, r.digest, f.space[s].n_map * sizeof *r.digest);
        }
    assert_ok(cev_map_close(&map));
    cev_map_info *info = inspect();
    assert_true(info->n_tile_done == 11 && info->description_intact);
    assert_true(info->status_count[CEV_POINT_OK] == 2 * 7 + 3 * 35 - 2);
    cev_map_info_destroy(&info);
    const char *kept = getenv("CEVSCAN_UNIT_MAP");
    MPI_Barrier(MPI_COMM_WORLD);
    if (w.rank == 0 && kept) assert_int_equal(rename(path, kept), 0);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* With $CEVSCAN_UNIT_KILLED, the file that is left is that of a job that is killed while it is open everywhere. */
static void a_killed_job_leaves_what_it_did(void **state)
{
    (void)state;
    fixture f;
    results r;
    world w = whole_world();
    const char *kept = getenv("CEVSCAN_UNIT_KILLED");
    if (!kept) return;
    study_of(&f);
    create_together(&f);
    cev_map *map = open_together(&f, CEV_MAP_WRITE);
    if (w.rank == 0) {
        for (size_t id = 0; id < 4; id++) write_tile(map, &f, 1, id, &r);
        assert_int_equal(rename(path, kept), 0);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    raise(SIGKILL);
}

/* What rank 0 alone can see is seen by all, so that none waits for another. */
static void all_ranks_are_refused_alike(void **state)
{
    (void)state;
    fixture f;
    world w = whole_world();
    cev_map *map;
    study_of(&f);
    create_together(&f);
    FILE *file = w.rank == 0 ? fopen(path, "rb") : NULL;
    if (file) assert_int_equal(flock(fileno(file), LOCK_EX | LOCK_NB), 0);
    MPI_Barrier(MPI_COMM_WORLD);
    assert_refused(cev_map_open(path, CEV_MAP_WRITE, MPI_COMM_WORLD, &f.spec, &map), CEV_E_INPUT,
                   "another program has it open for writing");
    assert_null(map);
    MPI_Barrier(MPI_COMM_WORLD);
    if (file) fclose(file);
    if (w.rank == 0) unlink(path);
    MPI_Barrier(MPI_COMM_WORLD);
    assert_refused(cev_map_open(path, CEV_MAP_READ, MPI_COMM_WORLD, &f.spec, &map), CEV_E_INPUT, "No such file");
    assert_null(map);
}

static void a_publication_that_fails_fails_on_all_ranks(void **state)
{
    (void)state;
    fixture f;
    world w = whole_world();
    scan_of(&f, 0);
    if (w.rank == 0) assert_ok(cev_map_create(path, &f.spec, true));
    MPI_Barrier(MPI_COMM_WORLD);
    cev_map *map = open_together(&f, CEV_MAP_LAY_OUT);
    if (w.rank == 0) assert_int_equal(mkdir(path, 0700), 0); /* no file takes the place of a folder */
    MPI_Barrier(MPI_COMM_WORLD);
    assert_refused(cev_map_publish(map), CEV_E_IO, "cannot rename the finished layout");
    assert_ok(cev_map_close(&map));
    MPI_Barrier(MPI_COMM_WORLD);
    if (w.rank == 0) assert_true(rmdir(path) == 0 && unlink(temporary) == 0);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* One folder for all. */
static int set_up_together(void **state)
{
    (void)state;
    if (!getenv("OMPI_COMM_WORLD_SIZE")) return set_up(state);
    setenv("OMPI_MCA_io", "^ompio", 0);
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS) return 1;
    world w = whole_world();
    int failed = w.rank == 0 && !mkdtemp(folder);
    MPI_Bcast(folder, (int)sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/map.h5", folder);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return failed;
}

static int tear_down_together(void **state)
{
    world w = whole_world();
    if (w.rank == 0) return tear_down(state);
    return MPI_Finalize() != MPI_SUCCESS;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ranks_write_one_file),
        cmocka_unit_test(a_killed_job_leaves_what_it_did),
        cmocka_unit_test(all_ranks_are_refused_alike),
        cmocka_unit_test(a_publication_that_fails_fails_on_all_ranks),
    };
    return cmocka_run_group_tests(tests, set_up_together, tear_down_together);
}
