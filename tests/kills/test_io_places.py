# SPDX-License-Identifier: GPL-3.0-or-later
"""Places where a map cannot be: full disks, folders and files without permission, a map that goes away under the job."""
import os
import pwd
import shutil
import stat
import subprocess

import h5py
import numpy as np
import pytest

import killing
from killing import (BAD_INPUT, COMPLETE, IO, Job, Reference, beside, debris, environment, errors_in, run_command, small_scan,
                     wait_for_tiles)

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount, and to become somebody else")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    return Reference(small_scan(folder), folder / "reference.h5")


@pytest.fixture
def disk(tmp_path):
    """mount(megabytes): a file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(megabytes):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)], capture_output=True)
        if done.returncode:
            pytest.skip("mounting is not allowed here")
        return folder
    yield mount
    killing.end_all_jobs()
    subprocess.run(["umount", str(folder)], capture_output=True)


def fill(folder):
    """Leaves nothing free."""
    with open(folder / "ballast", "ab", buffering=0) as f:
        size = 1 << 20
        while size:
            try:
                f.write(b"x" * size)
            except OSError:
                size //= 2


def run(reference, map_path, ranks=None, launcher=(), env=None, folder=None):
    return Job([*launcher, *run_command(reference.scan, map_path, ranks)], folder or map_path.parent, env).finish(60)


def assert_refused(result, code, words):
    found, _, err = result
    assert found == code, err
    (message,) = errors_in(err)
    assert words in message


# --- a full disk ----------------------------------------------------------------------------------------------------

@root_only
@pytest.mark.parametrize("ranks", [None, 2])
def test_no_room_for_the_map(reference, tmp_path, disk, ranks):
    map_path = disk(2) / "map.h5"
    code, _, err = run(reference, map_path, ranks, folder=tmp_path)
    assert code == IO and "No space left on device" in err
    assert list(map_path.parent.iterdir()) == []


@root_only
def test_no_room_for_the_lock(reference, tmp_path, disk):
    map_path = disk(2) / "map.h5"
    fill(map_path.parent)
    assert_refused(run(reference, map_path, folder=tmp_path), IO, "No space left on device")
    assert [p.name for p in map_path.parent.iterdir()] == ["ballast"]


@root_only
def test_disk_fills_up_under_way(tmp_path, disk):
    """The map's blocks are reserved: it is finished although nothing is left."""
    slow = Reference(killing.slow_scan(tmp_path), tmp_path / "reference.h5")
    map_path = disk(64) / "map.h5"
    job = Job(run_command(slow.scan, map_path, 2), tmp_path)
    wait_for_tiles(job, map_path, 2)
    fill(map_path.parent)
    code, _, err = job.finish()
    assert code == COMPLETE, err
    slow.assert_finished(map_path)


def thin_out(source, target):
    """A copy with holes, as `cp --sparse=always` makes them: blocks are missing where nothing was computed."""
    shutil.copy(source, target)
    with h5py.File(source, "r") as f:
        done = f["tiles/done"][...]
        chunks = [f["chi2"].id.get_chunk_info(int(t)) for t in np.flatnonzero(done == 0)]
    for chunk in chunks:
        subprocess.run(["fallocate", "-p", "-o", str(chunk.byte_offset), "-l", str(chunk.size), str(target)], check=True)
    return len(chunks)


@root_only
def test_copy_with_holes_on_a_full_disk(tmp_path, disk):
    scan = killing.write_scan(tmp_path / "scan.yaml", (512, 512), (64, 64), pulls=False)  # tiles of whole blocks
    reference = Reference(scan, tmp_path / "reference.h5")
    begun = tmp_path / "begun.h5"
    killing.cevscan("run", "--shard", "1/4", "-o", begun, scan)
    map_path = disk(8) / "map.h5"
    assert thin_out(begun, map_path) > 10
    with h5py.File(begun, "r") as f:
        n_begun = int(f["tiles/done"][...].sum())
    (map_path.parent / "map.h5.lock").write_text("")  # a block for the lock, which would be refused first
    lock_block = map_path.parent / "spare"
    (map_path.parent / "map.h5.lock").rename(lock_block)
    lock_block.write_bytes(b"x" * 32768)
    fill(map_path.parent)
    lock_block.unlink()
    code, _, err = run(reference, map_path, folder=tmp_path)
    assert code == IO and any("No space left on device" in m for m in errors_in(err)), err
    assert reference.assert_sound(map_path) >= n_begun
    assert debris(map_path) == []
    (map_path.parent / "ballast").unlink()
    reference.assert_resumes(map_path)


# --- permissions ----------------------------------------------------------------------------------------------------

@pytest.fixture
def nobody(tmp_path):
    """A launcher that runs a command as somebody without rights; the test's folders are open to all."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    user = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


@pytest.fixture
def readable(reference, tmp_path):
    """The program and the scan where everybody may read them."""
    binary = tmp_path / "cevscan"
    shutil.copy(killing.CEVSCAN, binary)
    shutil.copytree(killing.REPOSITORY / "configs", tmp_path / "configs")
    scan = shutil.copy(reference.scan, tmp_path / "scan.yaml")
    env = environment(CEVSCAN_PATH=str(tmp_path / "configs"), HOME=str(tmp_path), OMPI_MCA_orte_tmpdir_base="/tmp")
    return binary, scan, env


def run_as(nobody, readable, map_path, tmp_path):
    binary, scan, env = readable
    return Job([*nobody, str(binary), "run", "-o", str(map_path), str(scan)], tmp_path, env).finish(60)


@root_only
def test_folder_without_permission(nobody, readable, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    assert_refused(run_as(nobody, readable, folder / "map.h5", tmp_path), IO, "Permission denied")
    assert list(folder.iterdir()) == []


@root_only
def test_read_only_map(reference, nobody, readable, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    map_path = folder / "map.h5"
    killing.cevscan("run", "--shard", "1/4", "-o", map_path, reference.scan)
    map_path.chmod(0o444)
    before = map_path.read_bytes()
    assert_refused(run_as(nobody, readable, map_path, tmp_path), IO, "Permission denied")
    assert map_path.read_bytes() == before and beside(map_path) == []
    reference.assert_resumes(map_path)


@root_only
def test_unreadable_map(reference, nobody, readable, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    map_path = folder / "map.h5"
    shutil.copy(reference.path, map_path)
    map_path.chmod(0)
    assert_refused(run_as(nobody, readable, map_path, tmp_path), IO, "Permission denied")
    assert beside(map_path) == []


@root_only
def test_read_only_file_system(reference, tmp_path, disk):
    folder = disk(16)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    assert_refused(run(reference, folder / "map.h5", folder=tmp_path), IO, "Read-only file system")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o007])
def test_map_has_the_mode_that_the_user_wants(reference, tmp_path, umask):
    before = os.umask(umask)
    try:
        reference.assert_resumes(tmp_path / "map.h5")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "map.h5").stat().st_mode) == 0o666 & ~umask


# --- files that go away or are somebody else's ------------------------------------------------------------------------

@pytest.mark.parametrize("ranks", [None, 2])
def test_map_is_removed_under_way(tmp_path, ranks):
    """The job ends by itself and does not leave or bring back half a map."""
    slow = Reference(killing.slow_scan(tmp_path), tmp_path / "reference.h5")
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow.scan, map_path, ranks), tmp_path)
    wait_for_tiles(job, map_path, 2)
    map_path.unlink()
    code, _, err = job.finish()
    assert code == IO, f"exit code {code}, although there is no map\n{err}"
    assert not map_path.exists() and set(debris(map_path)) <= ({".lock"} if ranks else set())
    slow.assert_resumes(map_path)


@pytest.mark.parametrize("name", [".tmp", ".lock", ".data.0", ".metadata.0"])
@pytest.mark.parametrize("ranks", [None, 2])
def test_link_to_a_file_of_somebody_else_is_not_followed(reference, tmp_path, name, ranks):
    """In a shared scratch folder anybody can put a link beside our map."""
    shared, victim = tmp_path / "shared", tmp_path / "victim"
    shared.mkdir()
    victim.write_bytes(b"precious")
    (shared / f"map.h5{name}").symlink_to(victim)
    code, _, err = run(reference, shared / "map.h5", ranks, folder=tmp_path)
    assert victim.read_bytes() == b"precious"
    assert code == COMPLETE or errors_in(err), err


@pytest.mark.parametrize("name", [".tmp", ".lock", ".data.0", ".metadata.0"])
def test_nothing_is_made_where_a_dangling_link_leads(reference, tmp_path, name):
    shared, victim = tmp_path / "shared", tmp_path / "authorized_keys"
    shared.mkdir()
    (shared / f"map.h5{name}").symlink_to(victim)
    code, _, err = run(reference, shared / "map.h5", folder=shared)
    assert not victim.exists()
    assert code == COMPLETE or errors_in(err), err
