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

@pytest.mark.quick
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


@pytest.mark.quick
@root_only
def test_folder_without_permission(nobody, readable, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    assert_refused(run_as(nobody, readable, folder / "map.h5", tmp_path), IO, "Permission denied")
    assert list(folder.iterdir()) == []


@pytest.mark.quick
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


# --- symbolic links in folders that everybody may write ---------------------------------------------------------------

@pytest.fixture
def shared(tmp_path):
    """Like /tmp."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def give_away(path):
    user = pwd.getpwnam("nobody")
    os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return user.pw_uid


@pytest.mark.quick
def test_own_link_is_followed(reference, tmp_path, shared):
    """Results often lie on another disk. Lock and layout are made there, beside the map itself."""
    target = tmp_path / "disk"
    target.mkdir()
    link = shared / "map.h5"
    link.symlink_to("../disk/map.h5")
    for ranks in (None, 2):
        code, _, err = run(reference, link, ranks, folder=tmp_path)
        assert code == COMPLETE, err
        assert link.is_symlink() and os.listdir(target) == ["map.h5"] and os.listdir(shared) == ["map.h5"]
        reference.assert_finished(target / "map.h5")
        (target / "map.h5").unlink()


@pytest.mark.quick
@root_only
@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("where", ["file", "dangling", "folder", "second link"])
def test_link_of_another_user_is_refused(reference, tmp_path, shared, where, ranks):
    """To a map of this very scan, unfinished: it would be written to."""
    ours, link = tmp_path / "ours", shared / "link"
    ours.mkdir()
    map_path = ours / "map.h5"
    killing.cevscan("run", "-q", "--shard", "1/4", "-o", map_path, reference.scan)
    before = map_path.read_bytes()
    link.symlink_to({"dangling": ours / "new.h5", "folder": ours}.get(where, map_path))
    uid = give_away(link)
    (tmp_path / "first").symlink_to(link)
    output = {"folder": link / "map.h5", "second link": tmp_path / "first"}.get(where, link)
    assert_refused(run(reference, output, ranks, folder=tmp_path), BAD_INPUT, f"symbolic link of another user ({uid})")
    assert map_path.read_bytes() == before and os.listdir(ours) == ["map.h5"] and os.listdir(shared) == ["link"]


@root_only
def test_links_that_nobody_else_could_make_are_followed(reference, tmp_path, shared):
    """Of another user in a folder that only its owner writes, and of the owner of the shared folder."""
    private = tmp_path / "private"
    private.mkdir()
    (private / "map.h5").symlink_to(tmp_path / "one.h5")
    give_away(private / "map.h5")
    (shared / "map.h5").symlink_to(tmp_path / "other.h5")
    give_away(shared / "map.h5")
    give_away(shared)
    for link in (private / "map.h5", shared / "map.h5"):
        code, _, err = run(reference, link, folder=tmp_path)
        assert code == COMPLETE, err


@pytest.mark.quick
@root_only
@pytest.mark.parametrize("complete", [False, True])
def test_map_that_another_user_has_put_there_is_refused(reference, tmp_path, shared, complete):
    map_path = shared / "map.h5"
    killing.cevscan("run", "-q", *([] if complete else ["--shard", "1/4"]), "-o", map_path, reference.scan)
    map_path.chmod(0o666)
    uid = give_away(map_path)
    before = map_path.read_bytes()
    assert_refused(run(reference, map_path, folder=tmp_path), BAD_INPUT, f"belongs to another user ({uid})")
    assert map_path.read_bytes() == before and os.listdir(shared) == ["map.h5"]


@root_only
@pytest.mark.parametrize("name", [".tmp", ".lock"])
@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_another_user_has_put_beside_it(reference, nobody, readable, tmp_path, shared, name, kind):
    """As somebody who may not remove it."""
    victim, planted = tmp_path / "victim", shared / f"map.h5{name}"
    victim.write_bytes(b"precious")
    victim.chmod(0o666)
    planted.symlink_to(victim) if kind == "link" else planted.write_bytes(b"theirs")
    planted.chmod(0o666)
    if name == ".lock" and kind == "file":
        planted.write_text("cevscan-lock 1 host elsewhere pid 1 born 1 job 7 restart 0\n")
        readable[2].update(SLURM_JOB_ID="7", SLURM_RESTART_COUNT="1", SLURM_JOB_END_TIME="9999999999")  # it does not have to watch
    before = planted.read_bytes()
    code, _, err = run_as(nobody, readable, shared / "map.h5", tmp_path)
    (message,) = errors_in(err)
    assert code in (BAD_INPUT, IO) and planted.name in message
    assert victim.read_bytes() == b"precious" and planted.read_bytes() == before
    assert os.listdir(shared) == [planted.name]


@root_only
def test_other_commands_follow_the_same_rule(reference, tmp_path, shared):
    """merge makes a map, verify --repair changes one."""
    ours, link = shutil.copy(reference.path, tmp_path / "ours.h5"), shared / "link"
    with h5py.File(ours, "r+") as f:
        f["chi2"][0, 0] += 1
    before = ours.read_bytes()
    link.symlink_to(ours)
    give_away(link)
    (shared / "new").symlink_to(tmp_path / "new.h5")
    give_away(shared / "new")
    for command in (["verify", "--repair", link], ["merge", reference.path, "-o", shared / "new"]):
        assert_refused(killing.cevscan(*command), BAD_INPUT, "symbolic link of another user")
    assert ours.read_bytes() == before and not (tmp_path / "new.h5").exists()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_files_beside_the_map_have_the_mode_that_the_user_wants(tmp_path, umask):
    scan = killing.slow_scan(tmp_path)
    before = os.umask(umask)
    try:
        job = Job(run_command(scan, tmp_path / "map.h5"), tmp_path)
    finally:
        os.umask(before)
    modes = {}

    def seen():
        for name in (".tmp", ".lock", ""):
            try:
                modes[name] = stat.S_IMODE((tmp_path / f"map.h5{name}").stat().st_mode)
            except FileNotFoundError:
                pass
        return "" in modes
    killing.wait_for(seen, 60, "there is no map", pause=0.0002)
    assert ".lock" in modes and set(modes.values()) == {0o666 & ~umask}
