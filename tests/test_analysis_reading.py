# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps are read as the contract says, also unfinished ones; what is no map is refused in one line."""
import json

import h5py
import numpy as np
import pytest
from synthetic_map import IMPOSSIBLE, PENDING, Axis, command, complaint, eps, grid, write_map

from cevscan_analysis import MapError, curve_of, group_names, open_map, project


def test_axes_and_attributes(tmp_path):
    x = Axis("mass_MeV", np.geomspace(1, 100, 7), "$m_{Z'}$", "MeV", "log", np.nan)
    y = eps("mumu", n=5)
    chi2 = np.arange(35.0).reshape(7, 5) + 3
    m = open_map(write_map(tmp_path / "a.h5", [x, y], chi2, reference=3, title="α and β"))
    assert m.names == ["mass_MeV", "eps_mumu_uV"]
    first, second = m.axes
    assert (first.units, first.long_name, first.scale) == ("MeV", "$m_{Z'}$", "log")
    assert first.description == "what mass_MeV is" and np.isnan(first.standard_model) and second.standard_model == 0
    assert np.array_equal(first.values, x.values)
    assert np.array_equal(m.delta_chi2, chi2 - 3) and np.array_equal(m.chi2, chi2)
    assert m.completeness == 1 and m.points_failed == 0 and m.note == ""
    assert m.attrs["title"] == "α and β" and m.progress["ranks"] == 4 and len(m.progress["content_hash"]) == 64
    assert m.best_fit == {"mass_MeV": x.values[0], "eps_mumu_uV": y.values[0]}


def test_only_whole_tiles_of_an_unfinished_map_count(tmp_path):
    """5 x 9 points in tiles of 4 x 4: 2 x 3 tiles, the last axis fastest; tile 2 is the right end of the first four rows."""
    chi2 = np.arange(45.0).reshape(5, 9) + 100
    path = write_map(tmp_path / "a.h5", [eps("ee", n=5), eps("mumu", n=9)], chi2, reference=90, tile=4, done=[0, 2])
    with h5py.File(path, "r+") as f:
        f["delta_chi2"][...] = 7e7  # as if written against another reference
    m = open_map(path)
    known = np.zeros((5, 9), bool)
    known[:4, :4] = known[:4, 8:] = True
    assert np.array_equal(np.isfinite(m.delta_chi2), known)
    assert np.array_equal(m.delta_chi2[known], chi2[known] - 90)
    assert (m.status[~known] == PENDING).all() and m.completeness == 20 / 45
    assert m.note == "44.4% complete"


def test_best_fit_is_the_stored_one_once_the_map_is_complete(tmp_path):
    x = eps("ee", n=101)
    chi2 = (x.values - 0.1)**2
    whole = write_map(tmp_path / "whole.h5", [x], chi2, best_fit=[0.1004])
    part = write_map(tmp_path / "part.h5", [x], chi2, best_fit=[0.1004], done=range(3))
    assert open_map(whole).best_fit["eps_ee_uV"] == 0.1004
    assert open_map(part).best_fit["eps_ee_uV"] == x.values[47]  # tiles of 16: the last finished point is the nearest


def test_failed_and_impossible_points(tmp_path):
    x = eps("ee", n=11)
    chi2 = np.arange(11.0)
    chi2[2], chi2[[5, 6]] = np.inf, np.nan
    m = open_map(write_map(tmp_path / "a.h5", [x], chi2))
    assert m.points_failed == 2 and m.completeness == 1 and m.note == "2 points failed"
    assert m.status[2] == IMPOSSIBLE and m.delta_chi2[2] == np.inf and m.lowest == 0


@pytest.mark.parametrize("low, high, n", [(-1, 1, 201), (-0.3, 5, 80), (-2, -0.001, 50)])
def test_symlog_axis_is_even_in_its_own_scale(tmp_path, low, high, n):
    t = 4e-3
    values = 2 * t * np.sinh(np.linspace(np.arcsinh(low / (2 * t)), np.arcsinh(high / (2 * t)), n))
    axis = open_map(write_map(tmp_path / "a.h5", [Axis("g", values, scale="symlog", linear_threshold=t)], values**2)).axes[0]
    assert axis.linear_threshold == t
    assert np.diff(axis.to_scale(values)) == pytest.approx((axis.to_scale(high) - axis.to_scale(low)) / (n - 1))
    assert axis.from_scale(axis.to_scale(values)) == pytest.approx(values, abs=1e-12)


# ------------------------------------------------------------------------------------------------------- projection

def test_profile_of_an_oblique_valley_is_smooth(tmp_path):
    """min over y of 400 (y - 0.77 x)^2 + 9 (x - 0.05)^2, whose valley falls between the points of y."""
    x, y = eps("ee", n=81), eps("mumu", n=41)
    X, Y = grid(x, y)
    m = open_map(write_map(tmp_path / "a.h5", [y, x], (400 * (Y - 0.77 * X)**2 + 9 * (X - 0.05)**2).T))
    profile = project(m, ["eps_ee_uV"])
    truth = 9 * (x.values - 0.05)**2
    on_the_grid = m.delta_chi2.min(axis=0)
    assert np.abs(on_the_grid - truth).max() > 0.05  # so that the next line means something
    assert profile.delta_chi2 == pytest.approx(truth, abs=1e-9)
    assert profile.names == ["eps_ee_uV"] and profile.best_fit["eps_mumu_uV"] == m.best_fit["eps_mumu_uV"]


def test_profile_passes_over_what_is_missing(tmp_path):
    axes = [eps("ee", n=3), eps("mumu", n=5), eps("etau", n=4)]
    chi2 = np.random.default_rng(1).uniform(0, 9, (3, 5, 4))
    chi2[0, :, 1] = range(1, 6)
    chi2[1, :, 2], chi2[0, 0, 0], chi2[2, 4, 3] = np.nan, np.nan, np.inf
    m = open_map(write_map(tmp_path / "a.h5", axes, chi2, tile=2))
    p = project(m, ["eps_etau_uV", "eps_ee_uV"])
    assert p.delta_chi2.shape == (4, 3) and np.isnan(p.delta_chi2[2, 1]) and np.isfinite(p.delta_chi2).sum() == 11
    lowest = np.fmin.reduce(chi2, axis=1).T
    assert (p.delta_chi2 <= lowest)[~np.isnan(lowest)].all() and np.nanmin(p.delta_chi2) >= 0
    assert p.delta_chi2[1, 0] == 1  # a minimum at the end of the axis is taken as it is


def test_profile_does_not_dive_below_the_minimum(tmp_path):
    """The parabola through 100, 1, 1 would reach -11, and says nothing: the grid is too coarse."""
    chi2 = np.tile([100.0, 1, 1, 100], (3, 1))
    chi2[2, 3] = 0
    m = open_map(write_map(tmp_path / "a.h5", [eps("ee", n=3), eps("mumu", n=4)], chi2))
    profile = project(m, ["eps_ee_uV"])
    assert np.array_equal(profile.delta_chi2, [1, 1, 0]) and profile.projected.is_coarse[:2].all()
    assert profile.projected.error[0] == 1  # not more: nothing lies below zero


def test_projection_of_all_axes_transposes(tmp_path):
    chi2 = np.arange(12.0).reshape(3, 4)
    m = open_map(write_map(tmp_path / "a.h5", [eps("ee", n=3), eps("mumu", n=4)], chi2))
    assert np.array_equal(project(m, m.names[::-1]).delta_chi2, chi2.T)
    with pytest.raises(MapError, match="no axis eps_tautau_uV; its axes are eps_ee_uV, eps_mumu_uV"):
        project(m, ["eps_tautau_uV"])
    with pytest.raises(MapError, match="choose one with --parameter"):
        curve_of(m.path)


# --------------------------------------------------------------------------------------------------------- refusals

def not_hdf5(path):
    path.write_text("name,value\n")


def empty(path):
    path.write_bytes(b"")


def other_hdf5(path):
    with h5py.File(path, "w") as f:
        f["chi2"] = np.zeros(3)


def truncated(path):
    write_map(path, [eps("ee")], np.zeros(401))
    path.write_bytes(path.read_bytes()[:-2000])


def newer(path):
    write_map(path, [eps("ee")], np.zeros(401), format_version=3)


def without_scales(path):
    write_map(path, [eps("ee")], np.zeros(401))
    with h5py.File(path, "r+") as f:
        f["chi2"].dims[0].detach_scale(f["eps_ee_uV"])


def without_status(path):
    write_map(path, [eps("ee")], np.zeros(401))
    with h5py.File(path, "r+") as f:
        del f["status"]


def group_for_dataset(path):
    without_status(path)
    with h5py.File(path, "r+") as f:
        f.create_group("status")


REFUSED = [(not_hdf5, r"not a cevscan map \(it is not an HDF5 file\)"),
           (empty, r"not a cevscan map \(it is not an HDF5 file\)"),
           (other_hdf5, r"not a cevscan map \(its attribute 'format'"), (truncated, r"not a cevscan map \(it is truncated\)"),
           (newer, "map of format 3; this program reads up to 2"), (without_scales, "dimension 0 of /chi2 has no scale"),
           (without_status, r"not a cevscan map \(it has no /status\)"), (group_for_dataset, "not a cevscan map"),
           (lambda path: None, "No such file or directory"), (lambda path: path.mkdir(), "is a directory")]


@pytest.mark.parametrize("make, reason", REFUSED)
def test_what_is_no_map_is_refused(tmp_path, make, reason):
    path = tmp_path / "a.h5"
    make(path)
    with pytest.raises(MapError, match=reason) as error:
        open_map(str(path))
    assert str(error.value).startswith(f"{path}: ")


FIGURE = ["-o", "f.pdf"]


@pytest.mark.parametrize("name, output", [("plot_map.py", FIGURE), ("plot_profile.py", FIGURE), ("intervals.py", [])])
def test_commands_complain_in_one_line(tmp_path, name, output):
    not_hdf5(tmp_path / "a\nb.h5")
    line = complaint(command(name, "a\nb.h5", *output, folder=tmp_path))
    assert line == f"{name}: a b.h5: not a cevscan map (it is not an HDF5 file)"
    assert not (tmp_path / "f.pdf").exists()


@pytest.mark.parametrize("name", ["plot_map.py", "plot_profile.py", "intervals.py"])
def test_help_has_an_example(name):
    result = command(name, "--help")
    assert result.returncode == 0 and f"example:\n  {name} " in result.stdout
    assert command(name).returncode == 2


# ----------------------------------------------------------------------------------------------------- files of many maps

def adopt_scales(group, names):
    """The scales of copied datasets are those of the file they came from."""
    for name in names:
        del group[name].attrs["REFERENCE_LIST"]
    for field in ("chi2", "delta_chi2", "status"):
        del group[field].attrs["DIMENSION_LIST"]
        for k, name in enumerate(names):
            group[field].dims[k].attach_scale(group[name])


@pytest.fixture
def study(tmp_path):
    """A file with two maps in groups; what they share is an attribute of the file."""
    x, y = eps("ee", n=41), eps("mumu", n=31)
    X, Y = grid(x, y)
    with h5py.File(tmp_path / "study.h5", "w") as file:
        for name, reference in (("plane/csi", 1), ("plane/si", 2)):
            alone = write_map(tmp_path / "alone.h5", [x, y], X**2 + 2 * Y**2 + reference, reference=reference, title=name)
            with h5py.File(alone) as source:
                group = file.create_group(name)
                for key in source:
                    source.copy(key, group)
                adopt_scales(group, ("eps_ee_uV", "eps_mumu_uV"))
                group.attrs.update({key: source.attrs[key] for key in source.attrs if key not in ("format", "git_commit")})
                file.attrs.update({key: source.attrs[key] for key in ("format", "format_version", "git_commit")})
    return str(tmp_path / "study.h5")


def test_groups_of_a_file(study):
    assert group_names(study) == ["plane/csi", "plane/si"]
    m = open_map(study, "plane/si")
    assert m.names == ["eps_ee_uV", "eps_mumu_uV"] and m.attrs["title"] == "plane/si" and m.attrs["format"] == "cevscan map"
    assert m.path == study + ":plane/si" and m.delta_chi2.shape == (41, 31) and m.lowest == 0
    assert open_map(study + ":plane/si").chi2.min() == 2 and open_map(m) is m
    done = command("intervals.py", study + ":plane/csi", "--parameter", "eps_ee_uV", "--delta", "0.04", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["intervals"] == [pytest.approx([-0.2, 0.2])]


def test_a_group_that_is_none(study):
    with pytest.raises(MapError, match="plane/ge: not a cevscan map"):
        open_map(study, "plane/ge")
    with pytest.raises(MapError, match="no /chi2"):
        open_map(study)


def test_map_without_groups(tmp_path):
    x, y = eps("ee", n=11), eps("mumu", n=11)
    assert group_names(write_map(tmp_path / "m.h5", [x, y], sum(grid(x, y))**2)) == []
