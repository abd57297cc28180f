# SPDX-License-Identifier: GPL-3.0-or-later
"""Contours as numbers: against curves known in closed form, against what is drawn, and through files of each format."""
import csv
import json

import h5py
import numpy as np
import pytest
from drawn_figures import figure_of  # noqa: F401
from synthetic_map import Axis, command, complaint, eps, grid, signed_log, write_map, write_study, write_years

import plot_map
from cevscan_analysis import Contours, MapError, Piece, contour_lines, delta_from_level, open_map, read_contours, write_contours
from cevscan_analysis.contour_files import COLUMNS, about
from cevscan_analysis.contour_pieces import signed_area

KINDS = ("csv", "json", "h5")


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """Delta chi2 = ((r - 0.5) / 0.1)^2: two circles."""
    x, y = eps("ee", -1, 1, 61), eps("mumu", -1, 1, 71)
    X, Y = grid(x, y)
    return write_map(tmp_path_factory.mktemp("ring") / "ring.h5", [x, y], ((np.hypot(X, Y) - 0.5) / 0.1)**2)


@pytest.fixture(scope="module")
def band(tmp_path_factory):
    """Delta chi2 = ((x + y) / 0.1)^2: two lines from border to border."""
    x, y = eps("ee", -1, 1, 41), eps("mumu", -1, 1, 41)
    X, Y = grid(x, y)
    return write_map(tmp_path_factory.mktemp("band") / "band.h5", [x, y], ((X + Y) / 0.1)**2)


# ---------------------------------------------------------------------------------------------------------------- lines

def test_circles(ring):
    outer, inner = sorted(contour_lines(open_map(ring), delta=1), key=lambda p: -len(p.x) * np.hypot(p.x, p.y).mean())
    for piece, radius in ((outer, 0.6), (inner, 0.4)):
        assert piece.closed and (piece.x[0], piece.y[0]) == (piece.x[-1], piece.y[-1]) and piece.delta == 1 and piece.level is None
        assert np.hypot(piece.x, piece.y) == pytest.approx(radius, abs=2e-3)
    assert (outer.inside, inner.inside) == ("allowed", "excluded") and {outer.number, inner.number} == {1, 2}
    assert signed_area(outer.x, outer.y) == pytest.approx(np.pi * 0.36, rel=5e-3)
    assert signed_area(inner.x, inner.y) == pytest.approx(-np.pi * 0.16, rel=1e-2)


def test_what_is_allowed_lies_to_the_left(band):
    for piece in contour_lines(open_map(band), level=90):
        assert not piece.closed and piece.inside == ""
        k = len(piece.x) // 2
        step = np.array([piece.x[k + 1] - piece.x[k], piece.y[k + 1] - piece.y[k]])
        left = np.array([piece.x[k], piece.y[k]]) + np.array([-step[1], step[0]])
        assert abs(left.sum()) < abs(piece.x[k] + piece.y[k]) == pytest.approx(0.1 * np.sqrt(delta_from_level(90, 2)), rel=1e-3)
        for end in (0, -1):     # at the border of the grid
            assert max(abs(piece.x[end]), abs(piece.y[end])) == 1


def test_filled_regions_are_closed_along_the_border(band, ring):
    piece, = contour_lines(open_map(band), delta=1, filled=True)
    assert piece.closed and signed_area(piece.x, piece.y) == pytest.approx(4 - 1.9**2, rel=1e-3)
    outer, hole = contour_lines(open_map(ring), delta=1, filled=True)
    assert (outer.inside, hole.inside) == ("allowed", "excluded")


def test_levels_in_order_and_none(ring):
    pieces = contour_lines(open_map(ring), level=[90, 68])
    assert [(p.level, p.number) for p in pieces] == [(90, 1), (90, 2), (68, 1), (68, 2)]
    assert contour_lines(open_map(ring), delta=1e9) == []
    for wrong in (0, -1, np.inf, np.nan):
        with pytest.raises(MapError, match="above zero"):
            contour_lines(open_map(ring), delta=wrong)
    with pytest.raises(MapError, match="between 0 and 100"):
        contour_lines(open_map(ring), level=100)


def test_each_sign_of_a_scale_has_lines_of_its_own(tmp_path):
    x = signed_log(half=40)
    x.name = "lambda"
    y = eps("ee", -1, 1, 41)
    X, Y = grid(x, y)
    m = open_map(write_map(tmp_path / "m.h5", [x, y], (Y / 0.3)**2 + (100 / X)**2))
    pieces = contour_lines(m, delta=1)
    assert len(pieces) == 2 and all((np.sign(p.x) == np.sign(p.x[0])).all() for p in pieces)


def test_one_axis_is_refused(tmp_path):
    x = eps("ee", n=21)
    with pytest.raises(MapError, match="contours need two axes, not eps_ee_uV"):
        contour_lines(open_map(write_map(tmp_path / "m.h5", [x], x.values**2)))


# ---------------------------------------------------------------------------------------------------------------- files

@pytest.mark.parametrize("kind", KINDS)
def test_files_keep_every_digit(ring, tmp_path, kind):
    m = open_map(ring)
    made = [Contours(about(m, "α, β"), contour_lines(m, [68, 90])), Contours({**about(m, "b"), "map": "other"}, contour_lines(m, delta=3))]
    write_contours(tmp_path / f"c.{kind}", made)
    found = read_contours(tmp_path / f"c.{kind}")
    assert [one.about["label"] for one in found] == ["α, β", "b"] and found[0].names == m.names
    assert found[0].about["content_hash"] == m.progress["content_hash"] and found[0].about["x"]["units"] == "1"
    for one, own in zip(found, made):
        assert len(one.pieces) == len(own.pieces)
        for a, b in zip(one.pieces, own.pieces):
            assert (a.closed, a.level, a.delta, a.number, a.inside) == (b.closed, b.level, b.delta, b.number, b.inside)
            assert np.array_equal(a.x, b.x) and np.array_equal(a.y, b.y)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_map_twice_and_one_without_lines(ring, tmp_path, kind):
    m = open_map(ring)
    told = {**about(m, "a"), "experiments": ["csi", "si"], "factors": {"years": 3.0}}
    made = [Contours({**told, "label": label}, contour_lines(m, delta=cut)) for label, cut in (("a", 1), ("none", 1e9), ("b", 1))]
    write_contours(tmp_path / f"c.{kind}", made)
    found = read_contours(tmp_path / f"c.{kind}")
    assert [(one.about, len(one.pieces)) for one in found] == [(one.about, len(one.pieces)) for one in made]
    assert all(type(found[0].about[key]) is type(value) for key, value in told.items())


def test_files_of_before_the_number_of_the_map(ring, tmp_path):
    """CSV without its last column, HDF5 without the names of what is JSON."""
    m, lines = open_map(ring), lambda found: [[p.x.tolist() for p in one.pieces] for one in found]
    made = [Contours(about(m, "a"), contour_lines(m, 90)), Contours({**about(m, "b"), "map": "other"}, contour_lines(m, 68))]
    for kind in ("csv", "h5"):
        write_contours(tmp_path / f"c.{kind}", made)
    rows = [row if row.startswith("#") else row.rpartition(",")[0] for row in (tmp_path / "c.csv").read_text().splitlines()]
    (tmp_path / "c.csv").write_text("\n".join(rows).replace(', "map_number": 1}', "}").replace(', "map_number": 2}', "}"))
    with h5py.File(tmp_path / "c.h5", "r+") as file:
        for group in file["contours"].values():
            del group.attrs["in_json"], group.attrs["minimised"]    # neither was there
    for kind in ("csv", "h5"):
        found = read_contours(tmp_path / f"c.{kind}")
        known = [{key: value for key, value in one.about.items() if kind == "csv" or key != "minimised"} for one in made]
        assert lines(found) == lines(made) and [one.about for one in found] == known


def test_csv_is_a_table(ring):
    """As pandas reads it: comments and empty lines aside, one head and rows of the same length."""
    done = command("export_contours.py", ring, "--levels", "90")
    rows = [row for row in csv.reader(line for line in done.stdout.splitlines() if line and not line.startswith("#"))]
    assert rows[0] == COLUMNS and {len(row) for row in rows} == {len(COLUMNS)} and done.stderr == ""
    assert {row[5] for row in rows[1:]} == {"allowed", "excluded"} and {row[1] for row in rows[1:]} == {"90.0"}
    assert done.stdout.splitlines()[1].startswith('# map {"map": ')
    pieces = contour_lines(open_map(ring), 90)
    assert [float(row[8]) for row in rows[1:]] == [x for p in pieces for x in p.x]


def test_hdf5_has_units_and_names(tmp_path):
    m, g = Axis("mass", np.geomspace(1, 100, 31), "$m$", "MeV", "log", np.nan), Axis("g", np.geomspace(1e-4, 1, 31), scale="log")
    M, G = grid(m, g)
    path = write_map(tmp_path / "m.h5", [m, g], np.log(M / 10)**2 + np.log(G / 1e-2)**2)
    assert command("export_contours.py", path, "--delta", "1", "-o", tmp_path / "c.h5").returncode == 0
    with h5py.File(tmp_path / "c.h5") as file:
        group = file["contours/0"]
        assert group["x"].attrs["units"] == "MeV" and group["x"].attrs["name"] == "mass" and group["y"].attrs["scale"] == "log"
        assert group["piece_length"][()].sum() == len(group["x"]) == len(group["y"]) and group["closed"][0] == 1


# -------------------------------------------------------------------------------------------------------------- command

def test_sets_values_and_labels_of_a_study(tmp_path):
    path = write_years(tmp_path / "s.h5", n=21)
    found = json.loads(command("export_contours.py", path, "--set", "csi", "--where", "years=3", "-o", tmp_path / "c.json").stdout or
                       (tmp_path / "c.json").read_text())["contours"]
    assert [(one["set"], one["factors"]) for one in found] == [("csi", {"years": 3})]
    assert sorted({p["level"] for p in found[0]["pieces"]}) == [68, 90, 95]
    done = command("export_contours.py", path, "--only", "csi, 3 years", "--only", "si, 1 year", "--labels", "A, b", "--labels", "C",
                   "-o", tmp_path / "d.json")
    assert done.returncode == 0, done.stderr
    assert [one["label"] for one in json.loads((tmp_path / "d.json").read_text())["contours"]] == ["A, b", "C"]
    assert "no label ge; there are csi, 1 year, csi, 3 years" in complaint(command("export_contours.py", path, "--only", "ge"))


def test_maps_of_several_planes_have_the_same_label(tmp_path):
    x, y, z = eps("ee", -1, 1, 21), eps("mumu", -1, 1, 21), eps("tautau", -1, 1, 21)
    chi2 = 20 * sum(v**2 for v in grid(x, y))
    path = write_study(tmp_path / "s.h5", {"a": ((x, y), {"csi": chi2, "si": 2 * chi2}), "b": ((x, z), {"csi": chi2, "si": chi2})})
    assert command("export_contours.py", path, "-o", tmp_path / "c.h5").stderr == ""
    assert [one.about["label"] for one in read_contours(tmp_path / "c.h5")] == ["csi", "si"] * 2


def test_a_grid_that_is_too_coarse_is_told(ring, tmp_path):
    """As areas.py and plot_map.py tell it."""
    x, y = eps("ee", -1, 1, 15), eps("mumu", -1, 1, 15)
    X, Y = grid(x, y)
    chi2 = ((np.hypot(X, Y) - 0.5) / 0.02)**2
    path = write_map(tmp_path / "m.h5", [x, y], chi2)
    done = command("export_contours.py", path, "--levels", "68,90", "-o", tmp_path / "c.csv")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1) and f"{path}: the grid of 15 x 15 points is too coarse: " in done.stderr
    assert done.stderr.partition(":")[2] == command("plot_map.py", path, "--levels", "68,90", "-o", tmp_path / "c.png").stderr.partition(":")[2]
    study = write_study(tmp_path / "s.h5", {"a": ((x, y), {f"csi@{k}": chi2 for k in range(5)})}, columns={"k": list("01234")}, factors={"k": "k"})
    lines = command("export_contours.py", study, "-o", tmp_path / "c.json").stderr.splitlines()
    assert len(lines) == 4 and lines[-1] == "export_contours.py: note: and the grids of 2 more maps"


@pytest.mark.parametrize("kind", KINDS)
def test_around_what_is_impossible_and_what_has_no_value(tmp_path, kind):
    """A disc that is allowed up to 0.6, of which an eighth is impossible, and with a square hole without values: the line closes
    along the wall of the impossible, and is open at the hole, where nobody knows how it goes on."""
    x, y = eps("ee", -1, 1, 81), eps("mumu", -1, 1, 81)
    X, Y = grid(x, y)
    chi2 = (np.hypot(X, Y) / 0.6)**2
    wall = np.where((X > 0.01) & (Y > X), np.inf, chi2)
    piece, = contour_lines(open_map(write_map(tmp_path / "wall.h5", [x, y], wall)), delta=1)
    assert piece.closed and piece.inside == "allowed" and signed_area(piece.x, piece.y) == pytest.approx(7 / 8 * np.pi * 0.36, rel=0.03)
    outside = (piece.y - piece.x > 0.05) & (piece.x > 0.05)
    assert not outside.any() and (np.hypot(piece.x, piece.y) < 0.6 + 0.026).all()       # a step at the wall, no spurs along it
    inner = np.where(np.hypot(X, Y) < 0.3, np.inf, chi2)      # impossible in the middle
    pieces = contour_lines(open_map(write_map(tmp_path / "inner.h5", [x, y], inner)), delta=1)
    assert sorted((p.closed, p.inside) for p in pieces) == [(True, "allowed"), (True, "excluded")]
    void = np.where((np.abs(X - 0.6) < 0.1) & (np.abs(Y) < 0.1), np.nan, wall)
    path = write_map(tmp_path / "void.h5", [x, y], void)
    line, = contour_lines(open_map(path), delta=1)
    assert not line.closed and line.inside == "" and all(np.abs(np.array([line.x[k] - 0.6, line.y[k]])).max() < 0.13 for k in (0, -1))
    around, = contour_lines(open_map(path), delta=1, filled=True)
    assert around.closed and around.inside == "allowed"
    done = command("export_contours.py", path, tmp_path / "inner.h5", "--delta", "1", "--labels", "void,inner", "-o", tmp_path / f"c.{kind}")
    assert done.returncode == 0 and "points failed" in done.stderr
    found = read_contours(tmp_path / f"c.{kind}")
    assert [[(p.closed, p.inside) for p in one.pieces] for one in found] == [[(False, "")], [(p.closed, p.inside) for p in pieces]]
    assert np.array_equal(found[0].pieces[0].x, line.x) and np.array_equal(found[0].pieces[0].y, line.y)


def test_what_can_not_be_written(ring, tmp_path):
    assert complaint(command("export_contours.py", ring, "-o", "c.txt")).endswith("c.txt: a file of contours must end in .csv, .json or .h5")
    done = command("export_contours.py", ring, "--delta", "1e6")
    assert done.returncode == 2 and "there is no contour to write" in done.stderr and "no contour passes through the map" in done.stderr
    assert "No such file" in complaint(command("export_contours.py", ring, "-o", tmp_path / "none" / "c.csv"))


@pytest.mark.parametrize("text", ['{"format": "other"}', '{"format": "cevscan contours", "contours": [{}]}', "{",
                                  "# cevscan contours\nmap,x\n1,2\n", "# cevscan contours\n" + ",".join(COLUMNS) + "\n1,2\n"])
def test_damaged_files_are_refused(ring, tmp_path, text):
    (tmp_path / "c").write_text(text)
    with pytest.raises(MapError, match="c: not a file of contours"):
        read_contours(tmp_path / "c")
    assert "not a file of contours" in complaint(command("plot_map.py", ring, "--limit", tmp_path / "c", "-o", tmp_path / "f.png"))


def test_a_map_is_no_file_of_contours(ring):
    with pytest.raises(MapError, match="an HDF5 file, but not of contours"):
        read_contours(ring)


# ------------------------------------------------------------------------------------------------------ drawn and read back

def lines_of(fig):
    return [line.get_xydata() for line in fig.axes[0].lines if len(line.get_xydata()) > 1]


def distance(points, line):
    """Largest distance of points to a line of many points."""
    a, b = line[:-1, None], line[1:, None]
    along = np.clip(((points - a) * (b - a)).sum(axis=2) / np.maximum(((b - a)**2).sum(axis=2), 1e-300), 0, 1)[..., None]
    return float(np.hypot(*(points - a - along * (b - a)).transpose(2, 0, 1)).min(axis=0).max())


@pytest.mark.parametrize("name, kind", [("ring", "csv"), ("ring", "json"), ("band", "h5")])
def test_read_back_it_coincides_with_the_region_that_is_drawn(figure_of, tmp_path, request, name, kind):  # noqa: F811
    """To the last digit with the lines; and with what is drawn of the region to what a printer can tell."""
    path = request.getfixturevalue(name)
    assert command("export_contours.py", path, "--levels", "90", "-o", tmp_path / f"c.{kind}").returncode == 0
    fig = figure_of(plot_map, path, "--levels", "90", "--limit", tmp_path / f"c.{kind}")
    limits, pieces = lines_of(fig), contour_lines(open_map(path), 90)
    assert all(any(np.array_equal(np.column_stack((p.x, p.y)), line) for line in limits) for p in pieces)
    own = [np.array(line) for patch in fig.axes[0].patches if patch.get_linewidth() > 0
           for line in patch.get_path().to_polygons(closed_only=False)]
    assert len(own) == len(pieces)
    for line in own:
        assert min(distance(line, np.column_stack((p.x, p.y))) for p in pieces) < 2 / 2000


def test_read_back_with_the_axes_turned(figure_of, ring, tmp_path):  # noqa: F811
    assert command("export_contours.py", ring, "--axes", "eps_mumu_uV,eps_ee_uV", "-o", tmp_path / "c.csv").returncode == 0
    fig = figure_of(plot_map, ring, "--limit", tmp_path / "c.csv")
    pieces = contour_lines(open_map(ring), [68, 90, 95])
    found = [line for line in lines_of(fig) if line.shape in {(len(p.x), 2) for p in pieces}]
    assert all(min(distance(line, np.column_stack((p.x, p.y))) for p in pieces) < 1e-3 for line in found) and found


def test_pieces_are_what_the_package_says():
    assert Piece(np.array([0., 1, 1, 0]), np.array([0., 0, 1, 0]), True, 90, 4.6, 1).inside == "allowed"
