# SPDX-License-Identifier: GPL-3.0-or-later
"""Shards and their merge; maps that were damaged, and their repair."""
import hashlib
import os
import shutil

import h5py
import numpy as np
import pytest

from e2e import (NOT_SOUND, axis, content_hash, pull_names, refused, run, run_json, scan, tile_boxes, tile_digest, write_scan)

N_TILE = 5 * 3


def write_folder(path):
    write_scan(path, ["ess_csi"], [axis("eps_ee_uV", 37), axis("eps_mumu_uV", 21)], tile=[8, 8], store_pulls=True)
    return path


@pytest.fixture(scope="module")
def a_map(tmp_path_factory):
    path = write_folder(tmp_path_factory.mktemp("map"))
    scan(path / "scan.yaml", path / "map.h5")
    return path / "map.h5"


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path)


@pytest.fixture
def whole(folder, a_map):
    """A copy of the scan's map."""
    return shutil.copy(a_map, folder / "map.h5")


def change(path, name, value, where=(9, 9)):
    """Point (9, 9) lies in tile 4."""
    with h5py.File(path, "r+") as h5:
        h5[name][where] = value


def make_shards(folder, n):
    paths = []
    for k in range(n):
        paths.append(folder / f"shard{k + 1}.h5")
        scan(folder / "scan.yaml", paths[-1], "--shard", f"{k + 1}/{n}", ranks=2 if k == 1 else None)
    return paths


# --- shards -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 3])
def test_shards_join_to_the_whole(folder, whole, n):
    shards = make_shards(folder, n)
    statuses = [run_json("status", shard, "--json") for shard in shards]
    assert sum(status["tiles_done"] for status in statuses) == N_TILE
    run("merge", *shards[::-1], "-o", folder / "joined.h5")
    assert content_hash(folder / "joined.h5") == content_hash(whole)
    with h5py.File(folder / "joined.h5") as joined, h5py.File(whole) as right:
        for name in [name for name in right if isinstance(right[name], h5py.Dataset)]:
            assert joined[name][...].tobytes() == right[name][...].tobytes()
    run("verify", "--all", folder / "joined.h5")


def test_more_shards_than_tiles(folder):
    scan(folder / "scan.yaml", folder / "last.h5", "--shard", "20/20")
    assert run_json("status", folder / "last.h5", "--json")["tiles_done"] == 0
    run("merge", folder / "last.h5", "-o", folder / "joined.h5", code=85)


def test_a_shard_is_run_on(folder, whole):
    """The rest of the scan on top of one shard's map."""
    shard = make_shards(folder, 2)[0]
    done = run_json("status", shard, "--json")["point_status"]["ok"]
    assert scan(folder / "scan.yaml", shard)["points_computed"] == 37 * 21 - done
    assert content_hash(shard) == content_hash(whole)


def test_gaps_are_reported(folder, whole):
    shards = make_shards(folder, 3)
    done = run("merge", shards[0], shards[2], "-o", folder / "joined.h5", code=85)
    assert "5 of 15 tiles are missing" in done.stdout
    summary = scan(folder / "scan.yaml", folder / "joined.h5")
    assert summary["content_hash"] == content_hash(whole) and summary["points_computed"] < 37 * 21


def test_maps_that_do_not_fit(folder, whole):
    write_scan(folder, ["ess_csi"], [axis("eps_ee_uV", 37), axis("eps_mumu_uV", 22)], name="other.yaml")
    scan(folder / "other.yaml", folder / "other.h5")
    for arguments in (["map.h5", "other.h5", "-o", "new.h5"], ["map.h5", "-o", "map.h5"], ["map.h5", "none.h5", "-o", "new.h5"],
                      ["map.h5", "scan.yaml", "-o", "new.h5"], ["map.h5", "-o", "no/new.h5"]):
        refused(folder, "merge", *arguments)


def test_parts_that_contradict_each_other(folder, whole):
    shutil.copy(whole, folder / "copy.h5")
    change(folder / "copy.h5", "chi2", 1.0)
    assert "tile 4" in refused(folder, "merge", "map.h5", "copy.h5", "-o", "new.h5")


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3x"])
def test_bad_shards(folder, shard):
    done = run("run", "scan.yaml", "-o", "map.h5", f"--shard={shard}", code=2, cwd=folder)
    assert "--shard" in done.stderr and os.listdir(folder) == ["scan.yaml"]


# --- damage -----------------------------------------------------------------------------------------------------------
def test_a_sound_map(whole):
    result = run_json("verify", "--all", whole, "--json")
    assert result["sound"] and result["tiles_recomputed"] == result["tiles_done"] == result["tiles"] == N_TILE
    assert run_json("verify", "--seed", 1, whole, "--json")["tiles_recomputed"] == 1


@pytest.mark.parametrize("name, value", [("chi2", 1e-3), ("delta_chi2", 1e-3), ("chi2", np.nan), ("status", 2),
                                         ("pull_ess_csi.signal", 0.5)])
@pytest.mark.parametrize("ranks", [None, 2])
def test_damage_is_found_and_repaired(folder, whole, name, value, ranks):
    right = content_hash(whole)
    with h5py.File(whole) as h5:
        before = h5[name][...].tobytes()
    change(whole, name, value)
    found = run_json("verify", "--json", whole, code=NOT_SOUND)
    assert not found["sound"] and found["damaged"] + found["miscounted"] == [4]
    assert "tile 4" in run("verify", whole, code=NOT_SOUND).stdout
    run("verify", "--repair", whole, code=NOT_SOUND)
    status = run_json("status", whole, "--json")
    assert not status["complete"] and status["tiles_done"] == N_TILE - len(found["damaged"])
    summary = scan(folder / "scan.yaml", whole, ranks=ranks)
    assert summary["points_computed"] == 64 * len(found["damaged"]) and summary["content_hash"] == right
    with h5py.File(whole) as h5:
        assert h5[name][...].tobytes() == before
    run("verify", "--all", whole)


def test_a_forged_tile_is_found_by_computing_it(folder, whole):
    """Wrong numbers with the right digest: as a broken processor makes them."""
    change(whole, "chi2", 1e-3)
    with h5py.File(whole, "r+") as h5:
        h5["delta_chi2"][9, 9] = 1e-3 - h5["results/chi2_reference"][()]
        digest = tile_digest(h5, list(tile_boxes(h5))[4], pull_names(h5))
        h5["tiles/digest"][4] = np.frombuffer(digest, "u1")
        text = hashlib.sha256(h5["tiles/digest"][...].tobytes()).hexdigest()
        h5["progress/content_hash"][()] = np.bytes_(text.encode())
    found = run_json("verify", "--all", "--json", whole, code=NOT_SOUND)
    assert found["different"] == [4] and found["damaged"] == []


def test_an_unfinished_map_can_be_verified(folder):
    shard = make_shards(folder, 2)[0]
    result = run_json("verify", "--all", "--json", shard)
    assert result["sound"] and result["tiles_recomputed"] == result["tiles_done"] == 8


def test_what_is_no_map(folder):
    (folder / "text.h5").write_text("no map")
    assert "text.h5" in refused(folder, "verify", "text.h5")
    assert "none.h5" in refused(folder, "verify", "none.h5")
