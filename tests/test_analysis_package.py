# SPDX-License-Identifier: GPL-3.0-or-later
"""The package as others use it: what importing it costs and changes, maps that are read when they are asked for, xarray and pandas,
and what is said where a library is missing."""
import copy
import json
import os
import pathlib
import pickle
import subprocess
import sys

import h5py
import numpy as np
import pytest
from synthetic_map import (ANALYSIS, eps, grid, put_axis, put_progress, put_texts, seal, signed_log, write_map, write_members,
                           write_study, write_years, TEXTS)

import cevscan_analysis
from cevscan_analysis import MapError, area_of, open_map, open_maps, project, trust


def python(code, *words, **environment):
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ANALYSIS), **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


# -------------------------------------------------------------------------------------------------------------- import

def test_importing_changes_nothing_and_waits_for_nothing():
    """Neither numpy nor matplotlib is imported, by the package or by any of its modules for numbers; the environment stays."""
    found = json.loads(python(
        "import json, os, sys; before = dict(os.environ)\n"
        "import cevscan_analysis, cevscan_analysis.areas, cevscan_analysis.tables, cevscan_analysis.planes, cevscan_analysis.against\n"
        "print(json.dumps([sorted({name.partition('.')[0] for name in sys.modules}), before == dict(os.environ)]))"))
    assert not {"numpy", "h5py", "matplotlib", "scipy", "contourpy", "xarray", "pandas"} & set(found[0]) and found[1]


def test_every_name_of_the_package_is_there():
    assert {"MapError", "open_map", "contour_lines", "areas_against"} <= set(dir(cevscan_analysis)) == set(cevscan_analysis.__all__)
    for name in cevscan_analysis.__all__:
        assert getattr(cevscan_analysis, name).__name__ == name
    assert issubclass(MapError, Exception) and MapError.__module__ == "cevscan_analysis.errors"
    assert callable(cevscan_analysis.rates) and cevscan_analysis.areas.area_of is area_of     # a module, too, as an attribute
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cevscan_analysis.nothing


SCRIPTS = sorted(path.name for path in pathlib.Path(ANALYSIS).glob("*.py"))
BLOCKED = """import runpy, sys
blocked = sys.argv[1].split(',')
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in blocked:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Blocker())
sys.argv = sys.argv[2:]
sys.path.insert(0, sys.argv[0].rpartition('/')[0])
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def blocked(libraries, script, *words, folder=None):
    return subprocess.run([sys.executable, "-c", BLOCKED, libraries, str(ANALYSIS / script), *map(str, words)], capture_output=True, text=True,
                          cwd=folder)


WORDS = {"areas.py": ["M"], "intervals.py": ["M"], "export_contours.py": ["M"], "simulate_scheduler.py": [], "measure_scaling.py": None}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_sentence_where_a_library_is_missing(script, tmp_path):
    """Wherever it is asked for: by the script, by the package, or by what is drawn."""
    path, words = tmp_path / "M", WORDS.get(script, ["M", "-o", "f.png"])
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    if words is None:       # it needs none
        return
    done = blocked("numpy,h5py,matplotlib,scipy", script, *words, folder=tmp_path)
    line, = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith(f"{script}: No module named '") and "'; install " in line


def test_programs_of_users_get_the_import_error():
    code = "import sys; sys.modules['numpy'] = None\nimport cevscan_analysis.numeric as n\ntry: n.np.zeros\nexcept ImportError: print('so')"
    assert python(code) == "so\n" and python("import sys, cevscan_analysis.command; print(sys.excepthook is sys.__excepthook__)") == "True\n"


def test_numbers_need_no_matplotlib(tmp_path):
    path = write_years(tmp_path / "s.h5", n=21)
    for words in (["--against", "years"], ["--rank"], []):
        done = blocked("matplotlib,contourpy,scipy", "areas.py", path, *words)
        assert done.returncode == 0 and done.stdout.startswith("|"), done.stderr
    x = eps("ee", n=41)
    done = blocked("matplotlib,contourpy,scipy", "intervals.py", write_map(tmp_path / "m.h5", [x], x.values**2 * 100))
    assert done.returncode == 0 and done.stderr == ""
    done = blocked("matplotlib,contourpy", "areas.py", path, "--against", "years", "-o", tmp_path / "f.pdf")
    assert done.returncode == 2 and "install matplotlib" in done.stderr and len(done.stderr.splitlines()) == 1
    done = blocked("contourpy", "export_contours.py", path)
    assert done.returncode == 2 and "install matplotlib" in done.stderr, done.stderr


def test_scripts_find_python_by_env():
    for script in SCRIPTS:
        assert (ANALYSIS / script).read_text().startswith("#!/usr/bin/env python3\n") and os.access(ANALYSIS / script, os.X_OK), script


# ---------------------------------------------------------------------------------------------------------------- lazy

@pytest.fixture
def study(tmp_path):
    return write_years(tmp_path / "s.h5", n=31)


def test_a_study_opens_without_reading_numbers(study, monkeypatch):
    read, plain = [], h5py.Dataset.__getitem__
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda self, *key: read.append(self.name.rpartition("/")[2]) or plain(self, *key))
    maps = list(open_maps(study))
    assert not {"chi2", "delta_chi2", "status"} & set(read) and not any(m.is_read for m in maps)
    assert [len(m.axes) for m in maps] == [2] * 9 and maps[0].note == "" and maps[0].completeness == 1 and maps[0].points_failed == 0
    assert "eps_ee_uV (31)" in repr(maps[0]) and not maps[0].is_read
    assert maps[3].delta_chi2.shape == (31, 31) and maps[3].is_read and "chi2" in read


def test_read_late_or_at_once_it_is_the_same(tmp_path):
    x, y = eps("ee", n=41), eps("mumu", n=33)
    chi2 = 30 * (grid(x, y)[0]**2 + grid(x, y)[1]**2) + 3
    value = signed_log(half=20)
    paths = [write_years(tmp_path / "a.h5", n=21), write_map(tmp_path / "b.h5", [x, y], chi2, done=[0, 2, 5]),
             write_map(tmp_path / "c.h5", [x, y], chi2, version=2, pulls={"p": chi2}, configuration=json.dumps(
                 {"experiments": [{"experiment": "csi", "pulls": [{"name": "p"}]}]})),
             write_members(tmp_path / "d.h5", ["la", "lb"], [value], np.stack([(300 / value.values)**4, (500 / value.values)**4]))]
    for path in paths:
        for late, now in zip(open_maps(path), open_maps(path, lazy=False)):
            for a, b in ((late, now), *zip(late.members, now.members)):
                assert not a.is_read and a.names == b.names and a.attrs == b.attrs and a.factors == b.factors and a.path == b.path
                assert a.completeness == b.completeness and a.points_failed == b.points_failed and a.note == b.note
                assert all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in ("delta_chi2", "chi2", "status"))
                assert repr(a.best_fit) == repr(b.best_fit) and a.pulls.keys() == b.pulls.keys()


def test_damage_is_told_when_the_numbers_are_asked_for(study):
    with h5py.File(study, "r+") as file:
        file["spaces/eps_ee_uV,eps_mumu_uV/chi2"][4, 3, 3] += 1
    maps = list(open_maps(study))
    assert area_of(maps[0], 1).value > 0
    with pytest.raises(MapError, match="years=3: damaged: 1 of its .* tiles do not have their digests"):
        maps[4].delta_chi2
    with pytest.raises(MapError, match="damaged"):
        list(open_maps(study, lazy=False))


def test_another_file_in_its_place_is_noticed(tmp_path, study):
    m = next(open_maps(study))
    other = write_years(tmp_path / "other.h5", sets=("si", "csi"), n=31)
    os.replace(other, study)
    with pytest.raises(MapError, match="replaced by another file since it was opened"):
        m.chi2
    os.unlink(study)
    with pytest.raises(MapError, match="No such file"):
        next(iter([m])).chi2


def test_numbers_can_be_let_go_and_read_again(study):
    m = list(open_maps(study))[4]
    before, best = m.delta_chi2.copy(), m.best_fit
    m.let_go()
    assert not m.is_read and m.best_fit == best and m.lowest == before.min() and not m.is_read
    assert np.array_equal(m.delta_chi2, before)
    now = open_map(study, "eps_ee_uV,eps_mumu_uV/csi@years=1")
    now.let_go()        # one that cannot read them again keeps them
    assert now.delta_chi2.shape == (31, 31)


def test_of_a_file_one_space_is_held(tmp_path):
    """Arrays that were handed out stay; what else was read with them goes when another space is read."""
    x, y = eps("ee", n=21), eps("mumu", n=21)
    chi2 = 20 * sum(v**2 for v in grid(x, y))
    spaces = {name: ((x, y), {"csi": chi2, "si": 2 * chi2}) for name in "ab"}
    maps = list(open_maps(write_study(tmp_path / "s.h5", spaces)))
    first = maps[0].chi2
    held = maps[0]._load.space._whole
    assert "chi2" in held and first.base is None
    assert np.array_equal(maps[2].chi2, chi2) and not held and np.array_equal(maps[1].chi2, 2 * chi2) and "chi2" in held


def test_what_is_late_can_be_used_as_any_map(study):
    m = list(open_maps(study))[4]
    assert abs(area_of(m, 1).value - np.pi * 0.03 / 3) < area_of(m, 1).error
    assert project(next(open_maps(study)), ["eps_ee_uV"]).delta_chi2.shape == (31,)
    assert not hasattr(m, "nothing") and open_map(study, "eps_ee_uV,eps_mumu_uV/csi@years=1", lazy=True).is_read is False


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_and_other_processes_have_the_numbers(study, tmp_path, copied):
    """Also where the file is gone by then."""
    value = signed_log(half=20)
    in_turn = write_members(tmp_path / "d.h5", ["la", "lb"], [value], np.stack([(300 / value.values)**4, (500 / value.values)**4]))
    maps, now = ([m for path in (study, in_turn) for m in open_maps(path, lazy=lazy)] for lazy in (True, False))
    maps[0].let_go()
    found = list(map(copied, maps))
    assert not any(m.is_read for m in maps) and all(m.is_read for m in found)
    os.unlink(study)
    for a, b in zip(found, now):
        for one, other in ((a, b), *zip(a.members, b.members)):
            assert repr(one) == repr(other) and one.factors == other.factors and repr(one.best_fit) == repr(other.best_fit)
            assert np.array_equal(one.delta_chi2, other.delta_chi2) and np.array_equal(one.status, other.status)
    found[0].let_go()
    assert found[0].delta_chi2.shape == (31, 31) and project(found[0], ["eps_ee_uV"]).lowest == 0


def test_surrogates_are_those_of_its_own_experiments(tmp_path):
    x = eps("ee", n=11)
    for experiments, marked, own in (("csi, pandax4t", "pandax4t, other", ["pandax4t"]), ("csi", "pandax4t", []), ("csi", None, []), ("csi", "", []),
                                     ("a, b", "b,a", ["a", "b"])):
        m = open_map(write_map(tmp_path / "m.h5", [x], x.values**2, experiments=experiments, **({} if marked is None else {"surrogates": marked})))
        assert (m.surrogates, m.is_surrogate) == (own, bool(own))
    assert open_map(write_map(tmp_path / "m.h5", [x], x.values**2, experiments="xe_surrogate")).is_surrogate      # of before


def test_a_study_larger_than_memory_opens(tmp_path, monkeypatch):
    """7.6 GB of numbers, none of which is there; memory hardly grows."""
    x, y = eps("ee", n=15000), eps("mumu", n=15000)
    path = str(tmp_path / "big.h5")
    with h5py.File(path, "w") as file:
        file.attrs.update({**TEXTS, "format": "cevscan study", "format_version": np.int32(2)})
        put_progress(file, False, 0, "")
        group = file.create_group("spaces/p")
        group.attrs["axes"] = "eps_ee_uV,eps_mumu_uV"
        for axis in (x, y):
            put_axis(group, axis)
        put_texts(group, "map", ["csi", "si"])
        group["map"].make_scale("map")
        for name, kind in (("chi2", "f8"), ("delta_chi2", "f8"), ("status", "u1")):
            data = group.create_dataset(name, (2, 15000, 15000), kind, chunks=(2, 128, 128))
            for k, scale in enumerate(("map", "eps_ee_uV", "eps_mumu_uV")):
                data.dims[k].attach_scale(group[scale])
        tiles = group.create_group("tiles")
        tiles.attrs["side"] = np.array([128, 128], "u8")
        tiles["done"], tiles["digest"] = np.ones(118**2, "u1"), np.zeros((118**2, 2, 32), "u1")
        for name, texts in (("name", ["p/csi", "p/si"]), ("axes", ["eps_ee_uV,eps_mumu_uV"] * 2), ("experiments", ["csi", "si"]),
                            ("title", ["", ""]), ("configuration_hash", ["a", "b"])):
            put_texts(file, f"index/{name}", texts)
        file["index"].attrs["factors"] = ""
        seal(file, 2)
    monkeypatch.setattr(trust, "try_first", lambda *_: None)       # which refuses files that are so much larger than they seem
    resident = lambda: int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    before = resident()
    maps = list(open_maps(path))
    assert [m.attrs["experiments"] for m in maps] == ["csi", "si"] and maps[0].completeness == 1 and not maps[0].is_read
    assert resident() - before < 30e6


# ------------------------------------------------------------------------------------------------------------- xarray

def test_to_xarray(study, tmp_path):
    pytest.importorskip("xarray")
    m = list(open_maps(study))[1]
    data = m.to_xarray()
    assert data["delta_chi2"].dims == ("eps_ee_uV", "eps_mumu_uV") and np.array_equal(data["delta_chi2"], m.delta_chi2)
    assert data["eps_ee_uV"].attrs["long_name"] == m.axes[0].long_name and data["eps_ee_uV"].attrs["units"] == "1"
    assert data.attrs["factor_years"] == 3 and data.attrs["set"] == "csi" and data.attrs["content_hash"] == m.progress["content_hash"]
    assert float(data["delta_chi2"].sel(eps_ee_uV=0, eps_mumu_uV=0, method="nearest")) == pytest.approx(0, abs=1e-12)
    value = signed_log(half=20)
    turn = open_map(write_members(tmp_path / "t.h5", ["la", "lb"], [value], np.stack([(300 / value.values)**4] * 2))).to_xarray()
    assert turn["delta_chi2"].sel(parameter="lb").shape == (40,)


def test_to_dataframe(study):
    pytest.importorskip("pandas")
    m = next(open_maps(study))
    frame = m.to_dataframe()
    assert list(frame.columns) == ["eps_ee_uV", "eps_mumu_uV", "delta_chi2", "chi2", "status"] and len(frame) == 31 * 31
    row = frame.iloc[3 * 31 + 5]
    assert (row["eps_ee_uV"], row["eps_mumu_uV"], row["delta_chi2"]) == (m.axes[0].values[3], m.axes[1].values[5], m.delta_chi2[3, 5])
    assert frame.attrs["factor_years"] == 1


@pytest.mark.parametrize("method, library", [("to_xarray", "xarray"), ("to_dataframe", "pandas")])
def test_a_sentence_where_they_are_missing(study, monkeypatch, method, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MapError, match=rf"{method}\(\) needs {library}, which .* does not have"):
        getattr(next(open_maps(study)), method)()


# --------------------------------------------------------------------------------------------------------------- names

def test_names_that_are_no_utf8(tmp_path):
    """Files may have any bytes in their names: in tables, in contours of each format, as limits."""
    x, y = eps("ee", -1, 1, 21), eps("mumu", -1, 1, 21)
    folder = os.fsencode(tmp_path)
    name = os.fsdecode(folder + b"/m\xe4p \xff.h5")
    os.rename(write_map(tmp_path / "m.h5", [x, y], 20 * sum(v**2 for v in grid(x, y))), name)
    run = lambda script, *words: subprocess.run([sys.executable, str(ANALYSIS / script), *words], capture_output=True)
    for form in ("markdown", "latex", "csv"):
        done = run("areas.py", name, "--format", form)
        assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr
    for kind in ("csv", "json", "h5"):
        out = os.fsdecode(folder + b"/c\xe4." + kind.encode())
        done = run("export_contours.py", name, "-o", out)
        assert done.returncode == 0, done.stderr
        done = run("plot_map.py", name, "--limit", out, "-o", os.fsdecode(folder + b"/f\xff.png"))
        assert done.returncode == 0 and done.stderr == b"", done.stderr
    done = run("areas.py", os.fsdecode(folder + b"/n\xff.h5"))
    assert done.returncode == 2 and done.stderr.startswith(b"areas.py: ") and b"No such file" in done.stderr


def test_late_maps_can_be_pickled(study):
    m = next(open_maps(study))
    m.delta_chi2
    again = pickle.loads(pickle.dumps(open_map(study, "eps_ee_uV,eps_mumu_uV/csi@years=1")))
    assert np.array_equal(again.delta_chi2, m.delta_chi2) and again.names == m.names
