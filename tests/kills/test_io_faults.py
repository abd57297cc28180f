# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems that refuse: disk full, quota, errors of the medium, locks that do not work. The calls are made to fail by a
preloaded library, so that it happens at every moment; test_io_places.py has the real thing."""
import errno
import os
import shutil
import subprocess

import h5py
import pytest

import killing
from killing import IO, NOT_SOUND, Job, Reference, debris, environment, errors_in, run_command, scan_to_end

CAUSES = [errno.ENOSPC, errno.EDQUOT, errno.EIO]
MOMENTS = range(1, 51)
SOME_MOMENTS = [pytest.param(k, marks=[pytest.mark.slow] if k % 7 > 1 else []) for k in MOMENTS]
NAME = errno.errorcode.get


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "fail_writes.so"
    source = killing.REPOSITORY / "tests" / "kills" / "fail_writes.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", str(source), "-o", str(path), "-ldl"], check=True)
    return path


@pytest.fixture(scope="session", params=[killing.small_scan, killing.small_study], ids=["scan", "study"])
def reference(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("reference")
    return Reference(request.param(folder), folder / "reference.h5")


def run_failing(library, reference, map_path, ranks=None, *options, **fault):
    """FAIL_FILE=... and so on: see fail_writes.c. (exit code, stdout, stderr)."""
    env = environment(LD_PRELOAD=str(library), **{name: str(value) for name, value in fault.items()})
    return Job(run_command(reference.scan, map_path, ranks, *options), map_path.parent, env).finish(60)


def assert_explained(code, err, cause, ranks=None):
    """One message, or one of each rank that was hit, with the cause in words."""
    assert code == IO, err
    messages = errors_in(err)
    assert 1 <= len(messages) <= (ranks or 1), err
    for message in messages:
        assert os.strerror(cause) in message, message


# --- writes to the map ----------------------------------------------------------------------------------------------

def fail_at(library, reference, map_path, k, cause, ranks=None, *options, **more):
    code, _, err = run_failing(library, reference, map_path, ranks, *options, FAIL_FILE=map_path.name, FAIL_AT=k, FAIL_ERRNO=cause, **more)
    assert_explained(code, err, cause, ranks)
    # mpirun may end the other ranks so quickly that the lock's holder cannot give it back: it is stale then
    assert set(debris(map_path)) <= ({".lock"} if ranks else set())
    n_done = reference.assert_sound(map_path)
    assert n_done < reference.n_tile
    return n_done


@pytest.mark.quick
@pytest.mark.parametrize("k", SOME_MOMENTS)
def test_kth_write_fails(library, reference, tmp_path, k):
    map_path = tmp_path / "map.h5"
    n_done = fail_at(library, reference, map_path, k, CAUSES[k % 3])
    assert k < 25 or n_done > 0
    reference.assert_resumes(map_path)


@pytest.mark.slow
@pytest.mark.parametrize("cause", CAUSES, ids=NAME)
@pytest.mark.parametrize("ranks", [None, 2])
def test_every_kth_write_fails(library, reference, tmp_path, cause, ranks):
    for k in MOMENTS:
        map_path = tmp_path / f"map{k}.h5"
        fail_at(library, reference, map_path, k, cause, ranks)
        reference.assert_resumes(map_path)
        map_path.unlink()


@pytest.mark.parametrize("k, cause", [(1, errno.EIO), (9, errno.ENOSPC), (30, errno.EDQUOT), (200, errno.ENOSPC)])
def test_kth_write_fails_on_two_ranks(library, reference, tmp_path, k, cause):
    map_path = tmp_path / "map.h5"
    fail_at(library, reference, map_path, k, cause, 2)
    reference.assert_resumes(map_path, 3)


@pytest.mark.quick
@pytest.mark.parametrize("rank", [0, 1])
def test_write_fails_on_one_rank(library, reference, tmp_path, rank):
    """Rank 1 has all the tiles to write, or a busy machine might leave it fewer than those."""
    map_path = tmp_path / "map.h5"
    fail_at(library, reference, map_path, 20, errno.EIO, 2, "--master", "serves", FAIL_RANK=rank)
    reference.assert_resumes(map_path)


@pytest.mark.parametrize("from_end", [0, 1, 2, 8, 13, 14])
def test_write_fails_near_the_end(library, reference, tmp_path, from_end):
    """The last tiles, the last record of the progress, the close."""
    counting, map_path = tmp_path / "counting.h5", tmp_path / "map.h5"
    code, _, err = run_failing(library, reference, counting, None, "--threads", "1", FAIL_FILE=counting.name, FAIL_AT=10**9,
                               FAIL_COUNT=tmp_path / "count")
    assert code == 0, err
    n = int((tmp_path / "count").read_text())
    code, _, err = run_failing(library, reference, map_path, None, "--threads", "1", FAIL_FILE=map_path.name, FAIL_AT=n - from_end,
                               FAIL_ERRNO=errno.ENOSPC)
    assert_explained(code, err, errno.ENOSPC)
    wrong, _ = reference.wrong_tiles(map_path)
    assert not wrong and debris(map_path) == []
    reference.assert_resumes(map_path)


def test_one_write_fails_once(library, reference, tmp_path):
    """A passing error is an error."""
    map_path = tmp_path / "map.h5"
    fail_at(library, reference, map_path, 60, errno.EIO, FAIL_ONCE=1)
    reference.assert_resumes(map_path)


@pytest.mark.parametrize("k", [15, 40, 101, 103, 500])
def test_short_write(library, reference, tmp_path, k):
    """Half of the bytes are written, and no error is given: a tile like this must not be taken for done."""
    map_path = tmp_path / "map.h5"
    code, _, err = run_failing(library, reference, map_path, FAIL_FILE=map_path.name, FAIL_AT=k, FAIL_ONCE=1, FAIL_SHORT=1)
    if code != 0:  # it may also write the rest
        assert code == IO and len(errors_in(err)) == 1, err
    assert not reference.wrong_tiles(map_path)[0]
    reference.assert_resumes(map_path)


@pytest.mark.parametrize("k", [1, 5, 14, 40])
def test_write_fails_in_a_resumed_scan(library, reference, tmp_path, k):
    map_path = tmp_path / "map.h5"
    before = fail_at(library, reference, map_path, 300, errno.ENOSPC)
    assert fail_at(library, reference, map_path, k, errno.ENOSPC) >= before > 10
    reference.assert_resumes(map_path)


# --- the layout and the lock ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("k", SOME_MOMENTS)
@pytest.mark.parametrize("ranks", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_kth_write_of_the_layout_fails(library, reference, tmp_path, k, ranks):
    cause, map_path = CAUSES[k % 3], tmp_path / "map.h5"
    code, _, err = run_failing(library, reference, map_path, ranks, FAIL_FILE=".tmp", FAIL_AT=k, FAIL_ERRNO=cause)
    assert_explained(code, err, cause, ranks)
    assert not map_path.exists()
    assert set(debris(map_path)) <= ({".lock"} if ranks else set())
    reference.assert_resumes(map_path)


@pytest.mark.parametrize("call", ["fallocate", "fsync", "rename"])
@pytest.mark.parametrize("cause", CAUSES, ids=NAME)
def test_end_of_the_layout_fails(library, reference, tmp_path, call, cause):
    map_path = tmp_path / "map.h5"
    code, _, err = run_failing(library, reference, map_path, FAIL_CALL=call, FAIL_FILE=".tmp", FAIL_ERRNO=cause)
    assert_explained(code, err, cause)
    assert not map_path.exists() and debris(map_path) == []
    reference.assert_resumes(map_path)


@pytest.mark.quick
@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("cause", CAUSES, ids=NAME)
def test_the_lock_cannot_be_written(library, reference, tmp_path, cause, ranks):
    map_path = tmp_path / "map.h5"
    code, _, err = run_failing(library, reference, map_path, ranks, FAIL_FILE=".lock", FAIL_ERRNO=cause)
    assert_explained(code, err, cause)
    assert killing.beside(map_path) == [] and not map_path.exists()
    reference.assert_resumes(map_path)


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("wanted", [None, "TRUE"])
def test_file_locks_are_not_available(library, reference, tmp_path, ranks, wanted):
    """HDF5 does not ask for them, unless the user wants it to."""
    map_path = tmp_path / "map.h5"
    fault = {"FAIL_CALL": "flock", "FAIL_FILE": "", "FAIL_ERRNO": errno.ENOLCK}
    for file in (".h5", ".tmp"):
        fault["FAIL_FILE"] = file
        if wanted:
            fault["HDF5_USE_FILE_LOCKING"] = wanted
        code, _, err = run_failing(library, reference, map_path, ranks, **fault)
        if wanted and file == ".tmp":
            assert_explained(code, err, errno.ENOLCK, ranks)
            assert not map_path.exists() and debris(map_path) == []
        else:
            assert code == 0, err
            reference.assert_finished(map_path)
            map_path.unlink()


@pytest.mark.quick
@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("resumed", [False, True])
def test_locks_of_nfs_are_not_available(library, reference, tmp_path, ranks, resumed):
    """ROMIO locks there, and ends the job with a code of its own where it cannot."""
    map_path = tmp_path / "map.h5"
    before = fail_at(library, reference, map_path, 300, errno.ENOSPC) if resumed else 0
    file = ".h5" if resumed else ".tmp"
    code, _, err = run_failing(library, reference, map_path, ranks, FAIL_CALL="lock", FAIL_FILE=file, FAIL_ERRNO=errno.ENOLCK,
                               ROMIO_FSTYPE_FORCE="nfs:")
    assert_explained(code, err, errno.ENOLCK, ranks)
    assert set(debris(map_path)) <= ({".lock"} if ranks else set())
    assert not resumed and not map_path.exists() or reference.assert_sound(map_path) == before
    scan_to_end(reference.scan, map_path, ranks, env=environment(ROMIO_FSTYPE_FORCE="nfs:"))
    reference.assert_finished(map_path)


def test_locks_fail_when_a_map_is_resumed(library, reference, tmp_path):
    map_path = tmp_path / "map.h5"
    fail_at(library, reference, map_path, 300, errno.ENOSPC)
    code, _, err = run_failing(library, reference, map_path, FAIL_CALL="flock", FAIL_FILE=".h5", FAIL_ERRNO=errno.ENOLCK,
                               HDF5_USE_FILE_LOCKING="TRUE")
    assert_explained(code, err, errno.ENOLCK)
    assert debris(map_path) == []
    reference.assert_resumes(map_path)


# --- other commands that write --------------------------------------------------------------------------------------

def test_a_merged_file_is_whole_when_it_appears(library, reference, tmp_path):
    """HDF5 writes what is there already once more when it closes the file: nothing hangs on that."""
    env = environment(LD_PRELOAD=str(library), FAIL_FILE="whole.h5", FAIL_AT="1", FAIL_ERRNO=str(errno.ENOSPC))
    code, _, err = killing.cevscan("merge", reference.path, "-o", tmp_path / "whole.h5", env=env)
    assert code == 0 or "the map cannot be closed" in err, err
    reference.assert_finished(tmp_path / "whole.h5")


@pytest.mark.parametrize("from_end", [0, 1, 2, 5, 9, 13, 20, 40])
def test_merge_fails_near_its_end(library, reference, tmp_path, from_end):
    def merge(whole, **fault):
        env = environment(LD_PRELOAD=str(library), FAIL_FILE=".tmp", **{name: str(value) for name, value in fault.items()})
        return killing.cevscan("merge", reference.path, "-o", whole, env=env)
    merge(tmp_path / "counting.h5", FAIL_AT=10**9, FAIL_COUNT=tmp_path / "count")
    whole = tmp_path / "whole.h5"
    code, _, err = merge(whole, FAIL_AT=int((tmp_path / "count").read_text()) - from_end, FAIL_ERRNO=errno.EDQUOT)
    assert_explained(code, err, errno.EDQUOT)
    assert not whole.exists() and debris(whole) == []


@pytest.mark.parametrize("file, k", [("whole.h5.tmp", 1), ("whole.h5.tmp", 9), ("whole.h5.tmp", 40), ("whole.h5.tmp", 1000),
                                     ("whole.h5.lock", 1)])
def test_merge_fails(library, reference, tmp_path, file, k):
    """Nothing of the new map is left, and the parts are as they were."""
    whole = tmp_path / "whole.h5"
    before = reference.path.read_bytes()
    env = environment(LD_PRELOAD=str(library), FAIL_FILE=file, FAIL_AT=str(k), FAIL_ERRNO=str(errno.ENOSPC))
    code, _, err = killing.cevscan("merge", reference.path, "-o", whole, env=env)
    assert_explained(code, err, errno.ENOSPC)
    assert not whole.exists() and debris(whole) == []
    assert reference.path.read_bytes() == before


@pytest.mark.parametrize("k", range(1, 18, 2))
def test_repair_fails(library, reference, tmp_path, k):
    """What is not repaired is still known to be damaged, or marked already."""
    map_path = shutil.copy(reference.path, tmp_path / "map.h5")
    with h5py.File(map_path, "r+") as f:
        chi2 = f[reference.names[0]]["chi2"]
        chi2[..., 100, 100] = chi2[..., 100, 100] + 1
    env = environment(LD_PRELOAD=str(library), FAIL_FILE="map.h5", FAIL_AT=str(k), FAIL_ERRNO=str(errno.EIO))
    code, _, err = killing.cevscan("verify", "--repair", map_path, env=env)
    if code != NOT_SOUND:  # it does not write so often
        assert_explained(code, err, errno.EIO)
    assert debris(map_path) == []
    killing.cevscan("verify", "--repair", map_path)
    reference.assert_resumes(map_path)


# --- reading --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("k", [1, 5, 20, 60, 1000])
@pytest.mark.parametrize("command", ["resume", "status", "verify"])
def test_kth_read_fails(library, reference, tmp_path, command, k):
    """The disk is at fault then and not the map."""
    map_path = tmp_path / "map.h5"
    fail_at(library, reference, map_path, 300, errno.ENOSPC)
    fault = {"FAIL_CALL": "read", "FAIL_FILE": "map.h5", "FAIL_AT": k, "FAIL_ERRNO": errno.EIO}
    if command == "resume":
        code, _, err = run_failing(library, reference, map_path, **fault)
    else:
        env = environment(LD_PRELOAD=str(library), **{name: str(value) for name, value in fault.items()})
        code, _, err = killing.cevscan(command, map_path, env=env)
    if code != 0 or k <= 20 or command == "resume":  # status and verify do not read so often
        assert_explained(code, err, errno.EIO)
    assert reference.assert_sound(map_path) > 0
    reference.assert_resumes(map_path)


@pytest.mark.parametrize("from_end", [0, 1, 30])
def test_a_read_fails_near_the_end(library, reference, tmp_path, from_end):
    """A resumed scan reads all tiles back: a map may not become complete with what was not read."""
    map_path, counting = tmp_path / "map.h5", tmp_path / "counting.h5"
    fail_at(library, reference, map_path, 300, errno.ENOSPC)
    shutil.copy(map_path, counting)
    run_failing(library, reference, counting, FAIL_CALL="read", FAIL_FILE="counting.h5", FAIL_AT=10**9, FAIL_COUNT=tmp_path / "count")
    n = int((tmp_path / "count").read_text())
    code, _, err = run_failing(library, reference, map_path, FAIL_CALL="read", FAIL_FILE="map.h5", FAIL_AT=n - from_end,
                               FAIL_ERRNO=errno.EIO)
    assert_explained(code, err, errno.EIO)
    reference.assert_resumes(map_path)
