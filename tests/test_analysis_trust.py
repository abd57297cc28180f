# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of both formats that the program wrote are read; damaged, edited and strange ones are refused in one line, and none
of them ends or stops the reader."""
import gzip
import hashlib
import os
import random
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from synthetic_map import command, complaint, eps, grid, put_text, write_map, write_members, write_study

from cevscan_analysis import MapError, command as command_module, group_names, open_map, open_maps, trial
from cevscan_analysis.results import results_hash
from cevscan_analysis.trust import description_hash

DATA = Path(__file__).with_name("data")


def stored(folder, name):
    """A file of the tests' data, as the program wrote it."""
    path = folder / f"{name}.h5"
    path.write_bytes(gzip.decompress((DATA / f"{name}.h5.gz").read_bytes()))
    return str(path)


# ------------------------------------------------------------------------------------------------- files of the program

def test_scans_of_format_1(tmp_path):
    m = open_map(stored(tmp_path, "v1_scan"))
    assert m.names == ["eps_ee_uV", "eps_mumu_uV"] and m.chi2.shape == (9, 7) and m.completeness == 1
    assert list(m.pulls) == ["ess_ar.signal", "ess_ar.background"] and m.attrs["title"] == "A scan of format 1"
    assert m.best_fit == {"eps_ee_uV": 0, "eps_mumu_uV": 0} and m.axes[1].linear_threshold == 0.01
    part = open_map(stored(tmp_path, "v1_shard"))
    known = ~np.isnan(part.chi2)
    assert known.sum() == 36 and np.array_equal(part.chi2[known], m.chi2[known]) and part.note == "57.1% complete"
    members = open_map(stored(tmp_path, "v1_members")).members
    assert [x.names for x in members] == [["eps_ee_uV"], ["eps_mumu_dV"]]


def test_studies_of_format_1(tmp_path):
    path = stored(tmp_path, "v1_study")
    assert group_names(path) == [f"{space}/{name}" for space in ("eps_ee_uV,eps_mumu_uV", "eps_ee_uV")
                                 for name in ("ess_ar", "ess_ge", "ess_ar+ess_ge")]
    maps = list(open_maps(path))
    assert [m.attrs["title"] for m in maps[:3]] == ["ess_ar", "ess_ge", "ess_ar + ess_ge"]
    assert np.array_equal(open_map(path + ":eps_ee_uV/ess_ge").chi2, maps[4].chi2)
    with pytest.raises(MapError, match="is a study of 6 maps; name one"):
        open_map(path)


def test_scans_of_format_2(tmp_path):
    """5 x 7 points in tiles of 2 x 3; chi2 is the number of the point + 0.5, and point 3 has failed."""
    m = open_map(stored(tmp_path, "v2_scan"))
    assert np.array_equal(m.chi2, np.arange(35.0).reshape(5, 7) + 0.5) and np.array_equal(m.delta_chi2, m.chi2 - 0.25)
    assert m.best_fit == {"eps_ee_uV": -0.2, "mass_MeV": 1.25} and m.points_failed == 1
    assert np.array_equal(m.pulls["csi.signal"], 0.5 - m.chi2) and m.progress["content_hash"] == "aa"
    half = open_map(stored(tmp_path, "v2_half"))
    known = ~np.isnan(half.chi2)
    assert np.array_equal(half.delta_chi2[known], m.delta_chi2[known]) and half.completeness == known.mean() == 18 / 35
    members = open_map(stored(tmp_path, "v2_members")).members
    assert [x.best_fit for x in members] == [{"a": 1.5}, {"b": 1.25}, {"c": 1.125}]
    assert [x.lowest for x in members] == [0.25, 7, 13.75]


def test_studies_of_format_2(tmp_path):
    path = stored(tmp_path, "v2_study")
    assert group_names(path) == ["mass/csi", "mass/si", "eps/csi", "eps/si", "eps/csi+si"]
    maps = list(open_maps(path))
    assert [m.path.rpartition(":")[2] for m in maps] == group_names(path)
    assert np.array_equal(maps[4].chi2, np.arange(35.0).reshape(5, 7) + 2000.5) and maps[4].progress["chi2_reference"] == 0.75
    assert list(maps[3].pulls) == [] and list(maps[4].pulls) == ["csi.signal", "csi.background"]
    one = open_map(path, "eps/csi+si")
    assert np.array_equal(one.chi2, maps[4].chi2) and one.attrs["title"] == "csi + si" and one.attrs["format"] == "cevscan map"
    with pytest.raises(MapError, match="no map of the name eps/ge"):
        open_map(path, "eps/ge")


def test_commands_take_studies_of_format_2(tmp_path):
    x, y = eps("ee", n=41), eps("mumu", n=31)
    X, Y = grid(x, y)
    path = write_study(tmp_path / "study.h5", {
        "eps_ee_uV,eps_mumu_uV": ([x, y], {name: k * (20 * X**2 + 30 * Y**2) for k, name in ((3, "csi"), (2, "si"), (5, "csi+si"))}),
        "eps_ee_uV": ([x], {"csi": 60 * x.values**2})})
    ranks = command("areas.py", path, "--rank", "--format", "csv").stdout.splitlines()
    assert len(ranks) == 2 and ranks[1].startswith("csi + si,")
    assert len(command("intervals.py", path, "--format", "csv").stdout.splitlines()) == 2
    done = command("plot_panels.py", path, "-o", tmp_path / "f.png")
    assert done.returncode == 0 and (tmp_path / "f.png").stat().st_size > 5000, done.stderr


@pytest.mark.parametrize("done", [None, [0, 5]])
def test_both_formats_give_the_same_map(tmp_path, done):
    x, y = eps("ee", n=41), eps("mumu", n=31)
    X, Y = grid(x, y)
    chi2 = X**2 + 2 * Y**2 + 1
    one, two = (open_map(write_map(tmp_path / f"{v}.h5", [x, y], chi2, reference=1, done=done, version=v, pulls={"a": X, "b": Y}))
                for v in (1, 2))
    assert np.array_equal(one.chi2, two.chi2, equal_nan=True) and np.array_equal(one.status, two.status)
    assert np.allclose(one.delta_chi2, two.delta_chi2, equal_nan=True, rtol=0, atol=1e-15)
    assert one.best_fit == two.best_fit and list(one.pulls) == list(two.pulls) == ["a", "b"]


# -------------------------------------------------------------------------------------------------------- what is edited

def change_attribute(f):
    f.attrs["configuration"] = f.attrs["configuration"].replace("csi", "CsI")


def change_axis(f):
    f["eps_ee_uV"][0] -= 1e-3


def change_label(f):
    f["eps_mumu_uV"].attrs["units"] = "GeV"


def rename(f):
    f.move("pull_a", "pull_c")


def without_hash(f):
    del f.attrs["description_hash"]


@pytest.mark.parametrize("edit", [change_attribute, change_axis, change_label, rename, without_hash])
def test_an_edited_description_is_noticed(tmp_path, edit):
    x, y = eps("ee", n=9), eps("mumu", n=7)
    path = write_map(tmp_path / "m.h5", [x, y], grid(x, y)[0]**2, version=2, pulls={"a": grid(x, y)[1]})
    with h5py.File(path, "r+") as f:
        edit(f)
    assert "m.h5: its description was changed: " in complaint(command("areas.py", path))


def test_the_index_of_a_study_too(tmp_path):
    x = eps("ee", n=9)
    path = write_study(tmp_path / "s.h5", {"eps_ee_uV": ([x], {"csi": x.values**2, "si": 2 * x.values**2})})
    with h5py.File(path, "r+") as f:
        f["index/title"][0] = b"si"
    with pytest.raises(MapError, match="its description was changed"):
        list(open_maps(path))


@pytest.mark.parametrize("name", ["v2_scan", "v2_half", "v2_members", "v2_study"])
def test_the_definition_of_the_hash_is_that_of_the_program(tmp_path, name):
    with h5py.File(stored(tmp_path, name)) as f:
        assert description_hash(f) == f.attrs["description_hash"]


@pytest.mark.parametrize("name, field, group", [("v1_scan", "chi2", ""), ("v2_scan", "pull_csi.signal", ""), ("v2_study", "status", "spaces/eps/"),
                                                ("v1_study", "chi2", "maps/eps_ee_uV/ess_ar/"), ("v2_study", "chi2", "spaces/mass/")])
def test_a_damaged_tile_is_not_believed(tmp_path, name, field, group):
    path = stored(tmp_path, name)
    with h5py.File(path, "r+") as f:
        place = (0,) * f[group + field].ndim
        f[group + field][place] = 1 if field == "status" and f[group + field][place] != 1 else f[group + field][place] + 1
    with pytest.raises(MapError, match="damaged: 1 of its .* tiles do not have their digests, the first is 0"):
        list(open_maps(path, lazy=False))
    assert list(open_maps(path, verify=False))


def test_nor_a_reference_that_is_none(tmp_path):
    path = stored(tmp_path, "v2_scan")
    with h5py.File(path, "r+") as f:
        f["results/chi2_reference"][...] = 0.125
    with pytest.raises(MapError, match="Delta chi2 do not count from its reference"):
        open_map(path)


# ----------------------------------------------------------------------------------------------------- changed results

def plane(folder, n=41, **options):
    x, y = eps("ee", n=n), eps("mumu", n=n)
    X, Y = grid(x, y)
    return write_map(folder / "m.h5", [x, y], 200 * ((X - 0.1)**2 + 2 * Y**2), **{"version": 2, "best_fit": [0.1, 0.0], **options})


def put_hash(path, groups):
    with h5py.File(path, "r+") as f:
        put_text(f["progress"], "results_hash", results_hash([f[name] for name in groups]), 65)


@pytest.mark.parametrize("best_fit, words", [([0.7, 0.0], "eps_ee_uV = 0.7 lies outside of its axis, -0.5 ... 0.5"),
                                             ([0.1, -9.0], "eps_mumu_uV = -9 lies outside of its axis"),
                                             ([-0.4, 0.3], "around it chi2 is "), ([0.413, -0.222], "around it chi2 is ")])
def test_a_changed_best_fit_is_noticed(tmp_path, best_fit, words):
    path = plane(tmp_path, best_fit=best_fit)
    for words_of_command in (("areas.py", path), ("plot_map.py", path, "-o", tmp_path / "f.png")):
        assert f"m.h5: its best fit was changed, or is wrong: {words}" in complaint(command(*words_of_command))
    assert open_map(path, verify=False)


def test_nor_may_a_point_lie_below_it(tmp_path):
    path = plane(tmp_path)
    with h5py.File(path, "r+") as f:
        f["results/best_fit_chi2"][...] = 2e-6
    with pytest.raises(MapError, match="its best fit was changed, or is wrong: its chi2 is 2e-06, and the lowest of the points "):
        open_map(path)


@pytest.mark.parametrize("n", [3, 5, 12, 40])
@pytest.mark.parametrize("width", [0.5, 0.05, 0.005])
def test_best_fits_between_the_points_are_believed(tmp_path, n, width):
    """In valleys narrower than a step, oblique ones and rings, wherever on them."""
    x, y = eps("ee", n=n), eps("mumu", n=n)
    X, Y = grid(x, y)
    for k, at in enumerate(np.random.default_rng(n).uniform(0.0, 0.5, 20)):
        ring = [0.4 * np.cos(7 * at), 0.4 * np.sin(7 * at)]
        for f, best in ((lambda a, b: ((a - 0.7 * b) / width)**2, [0.7 * at, at]),
                        (lambda a, b: ((np.hypot(a, b) - 0.4) / width)**2, ring)):
            path = write_map(tmp_path / f"{k}.h5", [x, y], f(X, Y), version=2, best_fit=best)
            with h5py.File(path, "r+") as file:
                file["results/best_fit_chi2"][...] = f(*best)
            assert open_map(path).best_fit["eps_mumu_uV"] == best[1]


@pytest.mark.parametrize("name", ["chi2_reference", "best_fit_chi2", "best_fit", "points_failed"])
def test_results_must_have_their_hash(tmp_path, name):
    path = plane(tmp_path)
    put_hash(path, ["/"])
    assert open_map(path).best_fit == {"eps_ee_uV": 0.1, "eps_mumu_uV": 0}
    with h5py.File(path, "r+") as f:
        f["results"][name][...] = f["results"][name][()] + (1 if name == "points_failed" else 1e-9)
    assert "m.h5: its results were changed: " in complaint(command("intervals.py", path, "--parameter", "eps_ee_uV"))


def test_those_of_a_study_in_the_order_of_its_index(tmp_path):
    path = stored(tmp_path, "v2_study")
    put_hash(path, ["spaces/mass", "spaces/eps"])
    with h5py.File(path) as f:
        parts = [f[f"spaces/{s}/results/{name}"][()] for s in ("mass", "eps")
                 for name in ("chi2_reference", "best_fit_chi2", "best_fit", "points_failed")]
        assert f["progress/results_hash"][()].decode() == hashlib.sha256(b"".join(p.tobytes() for p in parts)).hexdigest()
    assert len(list(open_maps(path))) == 5
    with h5py.File(path, "r+") as f:
        f["spaces/mass/results/best_fit"][1] = 1.2
    with pytest.raises(MapError, match="its results were changed"):
        open_map(path, "eps/csi")


def test_what_is_not_complete_has_no_hash_yet(tmp_path):
    path = plane(tmp_path, done=[0], best_fit=[9, 9])
    with h5py.File(path, "r+") as f:
        put_text(f["progress"], "results_hash", "", 65)
    assert open_map(path).note


# ------------------------------------------------------------------------------------------------------- what is no file

def spoil_side(f):
    f["tiles"].attrs["side"] = np.uint64(4)


def spoil_axes(f):
    f["chi2"].dims[0].detach_scale(f["eps_ee_uV"])


def spoil_progress(f):
    del f["progress/complete"]
    f["progress"]["complete"] = h5py.Empty("u1")
    del f["progress/best_fit"]
    f["progress"]["best_fit"] = h5py.Empty("f8")


def spoil_done(f):
    del f["tiles/done"]
    f["tiles"]["done"] = h5py.Empty("u1")


def spoil_digest(f):
    del f["tiles/digest"]
    f["tiles"]["digest"] = h5py.Empty("u1")


def spoil_members(f):
    f.attrs["members"] = h5py.Empty("f8")
    f["eps_ee_uV"].attrs["scale"] = "names"


@pytest.mark.parametrize("spoil", [spoil_side, spoil_axes, spoil_progress, spoil_done, spoil_digest, spoil_members])
def test_what_is_corrupt_is_said_in_words(tmp_path, spoil):
    """Not in what Python says of the values that it meets."""
    x, y = eps("ee", n=9), eps("mumu", n=7)
    path = write_map(tmp_path / "m.h5", [x, y], sum(grid(x, y))**2)
    with h5py.File(path, "r+") as f:
        spoil(f)
    line = complaint(command("intervals.py", path, "--parameter", "eps_ee_uV"))
    assert line.startswith(f"intervals.py: {path}: ")
    for word in ("NoneType", "object", "attribute '", "subscript", "iterable", "index ", "argument", "float()"):
        assert word not in line, line



def test_a_fifo_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo.h5")
    for words in (("areas.py", "fifo.h5"), ("intervals.py", "fifo.h5"), ("plot_map.py", "fifo.h5", "-o", "f.png")):
        assert "fifo.h5: is not a regular file" in complaint(command(*words, folder=tmp_path))
    assert "/dev/zero: is not a regular file" in complaint(command("areas.py", "/dev/zero"))


def test_what_stands_in_other_files_is_not_printed(tmp_path):
    (tmp_path / "secret").write_text("root:x:secret\n")
    x, y = eps("ee", n=9), eps("mumu", n=7)
    path = write_map(tmp_path / "m.h5", [x, y], sum(grid(x, y))**2)
    for words in (("areas.py", "secret"), ("plot_map.py", path, "--limit", "secret", "-o", "f.png")):
        assert "root" not in complaint(command(*words, folder=tmp_path))


@pytest.mark.parametrize("version", [1, 2])
def test_control_characters_do_not_reach_a_terminal(tmp_path, version):
    x, y = eps("ee", n=41), eps("mumu", n=31)
    path = write_map(tmp_path / "m.h5", [x, y], 50 * sum(v**2 for v in grid(x, y)), title="red \x1b[31m", version=version)
    done = command("areas.py", path)
    assert done.returncode == 0 and "\x1b" not in done.stdout + done.stderr and r"red \x1b[31m" in done.stdout
    shutil.copy(path, tmp_path / "\x1b[31m.h5")
    (tmp_path / "\x1b[31m.h5").write_text("none")
    assert "\x1b" not in complaint(command("areas.py", tmp_path / "\x1b[31m.h5"))


# ----------------------------------------------------------------------------------------------------- time and memory

def test_a_crash_and_an_endless_loop_are_told_apart(tmp_path, monkeypatch):
    """Of the process that tries the file: a signal is damage, a limit is none."""
    monkeypatch.setattr(trial, "SECONDS", 1)
    path = tmp_path / "m.h5"
    for what, words in ((lambda *_: os.kill(os.getpid(), 11), r"damaged: HDF5 fails on it \(Segmentation fault\)"),
                        (lambda *_: [0 for _ in iter(int, 1)], "could not be checked in time: HDF5 did not come to an end with it in 1 s"),
                        (lambda *_: np.ones(1 << 32), "asks for more memory than a file of this size needs")):
        write_map(path, [eps("ee", n=9)], np.zeros(9))
        with pytest.raises(MapError, match=words):
            trial.try_first(str(path), rehearse=what)
    trial.try_first(str(path), rehearse=lambda *_: 1 / 0)  # whoever reads it says so


def test_a_file_is_tried_once(tmp_path, monkeypatch):
    path, n = stored(tmp_path, "v2_study"), []
    monkeypatch.setattr(trial, "_state_of_trial", lambda *_: n.append(1) or 0)
    for _ in range(3):
        assert len(list(open_maps(path))) == 5
        open_map(path, "eps/csi")
    assert len(n) == 1


@pytest.mark.parametrize("name", ["v1_study", "v2_study"])
def test_flipped_bits_neither_crash_nor_lie(tmp_path, monkeypatch, name):
    """Numbers that are read are those of the sound file."""
    monkeypatch.setattr(trial, "SECONDS", 1)
    path, rng = stored(tmp_path, name), random.Random(5)
    sound, bytes_ = list(open_maps(path)), bytearray(Path(path).read_bytes())
    for k in range(25):
        place, bit = rng.randrange(len(bytes_)), 1 << rng.randrange(8)
        other = tmp_path / f"{k}.h5"
        bytes_[place] ^= bit
        other.write_bytes(bytes_)
        bytes_[place] ^= bit
        try:
            found = list(open_maps(str(other), lazy=False))
        except MapError as error:
            assert str(error).startswith(str(other))
            continue
        for a, b in zip(sound, found):
            known = b.status != 0
            assert np.array_equal(a.chi2[known], b.chi2[known], equal_nan=True) and np.array_equal(a.status[known], b.status[known])


# ------------------------------------------------------------------------------------------------------------ exit codes

@pytest.mark.parametrize("code, goes_on", [(0, True), (3, True), (1, False), (2, False), (75, False)])
def test_points_without_chi2_are_no_failure(tmp_path, code, goes_on):
    """3: complete, but some points have no chi2. 1 is what mpirun gives when it is interrupted."""
    words = (sys.executable, "-c", f"raise SystemExit({code})")
    if goes_on:
        assert command_module.call(*words) is None
    else:
        with pytest.raises(SystemExit) as end:
            command_module.call(*words)
        assert end.value.code == code
