# SPDX-License-Identifier: GPL-3.0-or-later
"""What was changed in a finished map is named by `cevscan verify`, repaired by `--repair`, and not spread by `cevscan merge`."""
import hashlib
import json
import os
import shutil

import h5py
import numpy as np
import pytest

import killing
from killing import (BAD_INPUT, COMPLETE, NOT_SOUND, STOPPED, Reference, beside, cevscan, errors_in, status_of, tile_digest,
                     write_scan, write_study)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """30 tiles, those at the ends smaller."""
    folder = tmp_path_factory.mktemp("reference")
    scan = write_scan(folder / "scan.yaml", (41, 57), (9, 11), ("ess_csi", "ess_si"))
    return Reference(scan, folder / "reference.h5")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three maps in each of two spaces, with pulls of their own."""
    folder = tmp_path_factory.mktemp("study")
    return Reference(write_study(folder / "study.yaml", (41, 57), (9, 11), profile=71), folder / "study.h5")


@pytest.fixture
def copy(reference, tmp_path):
    return shutil.copy(reference.path, tmp_path / "map.h5")


def verify(map_path, *options, code):
    found, out, err = cevscan("verify", "--json", *options, map_path)
    assert found == code, err
    return json.loads(out)


def flip(path, name, at, bit):
    """One bit of one number."""
    with h5py.File(path, "r+") as f:
        number = f[name][at]
        data = bytearray(number.tobytes())
        data[bit // 8] ^= 1 << bit % 8
        f[name][at] = np.frombuffer(bytes(data), number.dtype)[0]


def tile_at(reference, point):
    return next(t for t, box in enumerate(reference.boxes[0]) if all(b.start <= p < b.stop for b, p in zip(box, point)))


def assert_repaired(reference, path, bad):
    """verify --repair marks exactly these, and a run computes exactly these; it counts others anew from their reference."""
    assert verify(path, "--repair", "--all", code=NOT_SOUND)["repaired"]
    assert status_of(path)["tiles_done"] == reference.n_tile - len(bad)
    reference.assert_resumes(path)
    assert verify(path, "--all", code=COMPLETE)["sound"]


# --- damage ---------------------------------------------------------------------------------------------------------

FIELDS = ["chi2", "delta_chi2", "status", "pull_ess_csi.signal", "pull_ess_si.background"]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("bit", [0, 6, 52, 63])
def test_one_flipped_bit_is_found(reference, copy, name, bit):
    bit = bit % 8 if name == "status" else bit
    at = (40, 56) if bit else (17, 3)
    flip(copy, name, at, bit)
    found = verify(copy, code=NOT_SOUND)
    assert not found["sound"] and found["damaged"] + found["miscounted"] == [tile_at(reference, at)] and found["different"] == []
    assert_repaired(reference, copy, found["damaged"])


@pytest.mark.quick
@pytest.mark.parametrize("space", [0, 1])
@pytest.mark.parametrize("name", FIELDS)
def test_one_flipped_bit_of_a_study_is_found(study, tmp_path, space, name):
    """Of the last map, at the end of its axes; tiles are numbered through all spaces."""
    path = shutil.copy(study.path, tmp_path / "study.h5")
    flip(path, f"{study.names[space]}/{name}", (-1,) * len(study.data[space][name].shape), 1)
    found = verify(path, code=NOT_SOUND)
    bad = sum(map(len, study.boxes[:space + 1])) - 1
    assert not found["sound"] and found["damaged"] + found["miscounted"] == [bad] and found["different"] == []
    assert_repaired(study, path, found["damaged"])


def test_all_changed_tiles_are_named(reference, copy):
    rng = np.random.default_rng(7)
    bad = set()
    for name in FIELDS + ["chi2", "chi2"]:
        at = (int(rng.integers(41)), int(rng.integers(57)))
        flip(copy, name, at, 1)
        bad.add(tile_at(reference, at))
    flip(copy, "tiles/digest", (5, 31), 0)
    bad.add(5)
    found = verify(copy, code=NOT_SOUND)
    assert found["damaged"] == sorted(bad) and found["tiles_recomputed"] >= 0
    _, out, _ = cevscan("verify", copy)
    assert all(f"tile {t}, points" in out for t in bad)
    assert_repaired(reference, copy, bad)


@pytest.mark.parametrize("name", ["tiles/digest", "progress/content_hash"])
def test_wrong_digests(reference, copy, name):
    if name == "tiles/digest":
        flip(copy, name, (29, 0), 7)
    else:
        with h5py.File(copy, "r+") as f:
            f[name][()] = np.bytes_(b"0" * 64)
    found = verify(copy, code=NOT_SOUND)
    assert found["damaged"] == ([29] if name == "tiles/digest" else []) and not found["content_hash_right"]
    cevscan("verify", "--repair", copy)
    reference.assert_resumes(copy)


def test_tile_that_is_called_done_and_is_not(reference, tmp_path):
    map_path = tmp_path / "map.h5"
    assert cevscan("run", "--shard", "1/2", "-o", map_path, reference.scan)[0] == COMPLETE
    with h5py.File(map_path, "r+") as f:
        f["tiles/done"][1] = 1
    assert verify(map_path, code=NOT_SOUND)["damaged"] == [1]
    assert verify(map_path, "--repair", code=NOT_SOUND)["repaired"]
    reference.assert_resumes(map_path)


@pytest.mark.quick
@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("kind", ["reference", "study"])
def test_damaged_tile_of_an_unfinished_file_is_computed_anew(request, tmp_path, kind, ranks):
    """Resumed jobs trust no tile that they have not seen."""
    right, map_path = request.getfixturevalue(kind), tmp_path / "map.h5"
    assert cevscan("run", "-q", "--shard", "1/2", "-o", map_path, right.scan)[0] == COMPLETE
    at = (0,) * (len(right.boxes[0][0]) + (kind == "study"))
    flip(map_path, f"{right.names[0]}/chi2", at, 3)
    assert verify(map_path, code=NOT_SOUND)["damaged"] == [0]
    code, _, err = killing.Job(killing.run_command(right.scan, map_path, ranks), tmp_path).finish()
    assert code == COMPLETE and not errors_in(err), err
    assert "tile 0 of " in err and "is damaged: it is computed anew" in err
    right.assert_finished(map_path)


def test_map_that_is_called_complete_and_is_not(reference, copy):
    with h5py.File(copy, "r+") as f:
        f["tiles/done"][7] = 0
    assert not status_of(copy)["complete"]
    reference.assert_resumes(copy)


def forge(reference, path, t):
    """Wrong numbers with digests, delta_chi2 and content hash that fit."""
    box = reference.boxes[0][t]
    with h5py.File(path, "r+") as f:
        f["chi2"][box] = f["chi2"][box] * 0.5
        f["delta_chi2"][box] = f["chi2"][box] - np.ravel(f["results/chi2_reference"][()])[0]
        f["tiles/digest"][t] = np.frombuffer(tile_digest(f, box, reference.pulls[0][0]), "u1")
        for name in ("progress/content_hash", "results/content_hash"):
            f[name][...] = np.bytes_(hashlib.sha256(f["tiles/digest"][...].tobytes()).hexdigest().encode())


def test_forged_tile_is_found_by_computing_it(reference, copy):
    forge(reference, copy, 13)
    found = verify(copy, "--all", code=NOT_SOUND)
    assert found["different"] == [13] and found["damaged"] == [] and found["content_hash_right"]
    assert_repaired(reference, copy, [13])


def test_random_tiles_are_recomputed(reference, copy):
    """One of 30 each time, so that a forged one is found sooner or later."""
    forge(reference, copy, 13)
    codes = []
    while NOT_SOUND not in codes and len(codes) < 200:
        codes.append(cevscan("verify", "--seed", len(codes), copy)[0])
    assert codes[-1] == NOT_SOUND and set(codes[:-1]) <= {COMPLETE}


@pytest.mark.quick
@pytest.mark.parametrize("name, value", [("eps_ee_uV", 1.0), ("results/best_fit", 0.1), ("results/best_fit_chi2", 3.0),
                                         ("results/chi2_reference", 1.0), ("progress/points_failed", 7),
                                         ("results/points_failed", 7)])
def test_what_belongs_to_no_tile(reference, copy, name, value):
    """Axes and results of the whole: a shifted axis shifts the contours of every figure."""
    with h5py.File(copy, "r+") as f:
        if f[name].shape:
            f[name][0] = value
        else:
            f[name][()] = value
    code, out, err = cevscan("verify", copy)
    assert code == NOT_SOUND, f"verify calls it sound: {out}"
    assert {"eps_ee_uV": "axes", "progress/points_failed": "points", "results/points_failed": "points"}.get(name, "best fit") in out
    assert verify(copy, "--repair", code=NOT_SOUND)["repaired"]
    reference.assert_resumes(copy)
    assert verify(copy, code=COMPLETE)["sound"]
    with h5py.File(copy) as mended, h5py.File(reference.path) as right:
        assert mended[name][...].tobytes() == right[name][...].tobytes()


@pytest.mark.quick
@pytest.mark.parametrize("version, words", [(0, "version 0"), (1, "version 1"), (-1, "version -1"), (1000, "version 1000")])
@pytest.mark.parametrize("command", ["verify", "status", "run", "merge"])
def test_other_versions_of_the_format(reference, copy, version, words, command):
    with h5py.File(copy, "r+") as f:
        f.attrs["format_version"] = np.int32(version)
    before = copy.read_bytes()
    arguments = {"run": ["-o", copy, reference.scan], "merge": [copy, "-o", copy.with_name("new.h5")]}.get(command, [copy])
    code, _, err = cevscan(command, *arguments)
    assert code == BAD_INPUT
    (message,) = errors_in(err)
    assert words in message
    assert copy.read_bytes() == before and os.listdir(copy.parent) == ["map.h5"]


# --- merge ----------------------------------------------------------------------------------------------------------

@pytest.fixture
def parts(reference, tmp_path):
    """Three shards."""
    paths = [tmp_path / f"part{k}.h5" for k in (1, 2, 3)]
    for k, path in enumerate(paths):
        assert cevscan("run", "-q", "--shard", f"{k + 1}/3", "-o", path, reference.scan)[0] == COMPLETE
    return paths


def merge(*arguments, code):
    found, out, err = cevscan("merge", *arguments)
    assert found == code, err
    return out, err


def assert_refused(folder, words, *arguments):
    before = sorted(os.listdir(folder))
    _, err = merge(*arguments, code=BAD_INPUT)
    (message,) = errors_in(err)
    assert words in message
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1, 2, 0)])
def test_shards_and_overlaps_give_the_whole(reference, parts, tmp_path, order):
    merge(*(parts[k] for k in order), "-o", tmp_path / "whole.h5", code=COMPLETE)
    reference.assert_finished(tmp_path / "whole.h5")
    assert verify(tmp_path / "whole.h5", "--all", code=COMPLETE)["sound"]


def test_whole_map_and_shard(reference, parts, tmp_path):
    merge(parts[1], reference.path, "-o", tmp_path / "whole.h5", code=COMPLETE)
    reference.assert_finished(tmp_path / "whole.h5")


def test_gaps_are_named_and_can_be_computed(reference, parts, tmp_path):
    out, _ = merge(parts[0], parts[2], "-o", tmp_path / "whole.h5", code=STOPPED)
    assert "10 of 30 tiles are missing: 1 4 7 10 13 16 19 22 25 28" in out
    assert reference.assert_sound(tmp_path / "whole.h5") == 20
    reference.assert_resumes(tmp_path / "whole.h5", 2)


def test_gaps_in_a_row_are_named_as_ranges(parts, tmp_path):
    out, _ = merge(parts[0], "-o", tmp_path / "whole.h5", code=STOPPED)
    assert "20 of 30 tiles are missing: 1..2 4..5" in out


def test_damaged_part_is_refused(parts, tmp_path):
    flip(parts[1], "chi2", (0, 12), 3)
    assert_refused(tmp_path, "part2.h5: tile 1 is damaged", *parts, "-o", tmp_path / "whole.h5")


def test_parts_that_disagree_are_refused(reference, parts, tmp_path):
    forged = shutil.copy(reference.path, tmp_path / "forged.h5")
    forge(reference, forged, 4)
    assert_refused(tmp_path, "tile 4 differs", *parts, forged, "-o", tmp_path / "whole.h5")


def test_other_scans_and_other_files_are_refused(reference, parts, tmp_path):
    other = write_scan(tmp_path / "other.yaml", (41, 57), (9, 11), ("ess_csi", "ess_si"), low=-0.3)
    cevscan("run", "-q", "-o", tmp_path / "other.h5", other)
    whole = tmp_path / "whole.h5"
    assert_refused(tmp_path, "another scan", parts[0], tmp_path / "other.h5", "-o", whole)
    assert_refused(tmp_path, "other.yaml", parts[0], other, "-o", whole)
    assert_refused(tmp_path, "none.h5", parts[0], tmp_path / "none.h5", "-o", whole)
    assert_refused(tmp_path, "exists already", *parts, "-o", parts[0])
    assert_refused(tmp_path, "no", parts[0], "-o", tmp_path / "no" / "whole.h5")


@pytest.mark.quick
@pytest.mark.parametrize("name", ["a b'c.h5", "new\nline:2.h5", "--all"])
def test_names_of_all_kinds_on_two_ranks(reference, tmp_path, name):
    scan = shutil.copy(reference.scan, tmp_path / ("s" + name))
    command = killing.run_command(scan.name, name, 2)
    at = command.index("-o")
    command[at:at + 2] = [f"--output={name}"]
    code, _, err = killing.Job(command, tmp_path).finish()
    assert code == COMPLETE, err
    reference.assert_finished(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == sorted([scan.name, name])


@pytest.mark.parametrize("name", ["a b.h5", "it's.h5", '"x".h5', "new\nline.h5", "-o.h5", "--all", "$(touch x);&|*?.h5", "ü é.h5"])
def test_names_of_all_kinds(reference, tmp_path, name):
    """None of them reaches a shell, and after -- none is an option."""
    scan = shutil.copy(reference.scan, tmp_path / ("s" + name))
    half, whole = tmp_path / name, tmp_path / ("whole" + name)
    assert cevscan("run", "-q", f"-o{name}", "--shard", "1/2", "--", scan.name, cwd=tmp_path)[0] == COMPLETE
    rest = tmp_path / ("-rest" + name)
    assert cevscan("run", "-q", "--shard", "2/2", f"--output={rest.name}", "--", scan.name, cwd=tmp_path)[0] == COMPLETE
    assert cevscan("merge", "-q", f"-o{whole.name}", "--", half.name, rest.name, cwd=tmp_path)[0] == COMPLETE
    for command in ("status", "verify"):
        assert cevscan(command, "--", whole.name, cwd=tmp_path)[0] == COMPLETE
    reference.assert_finished(whole)
    assert sorted(os.listdir(tmp_path)) == sorted([scan.name, half.name, rest.name, whole.name])
