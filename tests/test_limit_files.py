# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of others in any plane: pieces, closed regions, styles, names, and the panel that each belongs to."""
import numpy as np
import pytest
from drawn_figures import figure_of, texts  # noqa: F401
from synthetic_map import command, complaint, eps, grid, write_map, write_study

import plot_map
import plot_panels
from cevscan_analysis import MapError
from cevscan_analysis.limit_files import Limit, pieces_of, placed, read_limits
from cevscan_analysis.limits import DASHES, area_path, draw_limits, look
from cevscan_analysis.style import new_figure

SQUARES = "-0.9 -0.9\n-0.2 -0.9\n-0.2 -0.2\n-0.9 -0.2\n-0.9 -0.9\n"
HOLE = "-0.7 -0.7\n-0.4 -0.7\n-0.4 -0.4\n-0.7 -0.4\n-0.7 -0.7\n"     # runs the same way round as what is around it


@pytest.fixture
def plane(tmp_path):
    x, y = eps("ee", -1, 1, 31), eps("mumu", -1, 1, 31)
    X, Y = grid(x, y)
    return write_map(tmp_path / "m.h5", [x, y], (X**2 + Y**2) * 50)


@pytest.fixture
def planes(tmp_path):
    x, y, z = eps("ee", -1, 1, 21), eps("mumu", -1, 1, 21), eps("tautau", -1, 1, 21)
    chi2 = 50 * sum(v**2 for v in grid(x, y))
    return write_study(tmp_path / "s.h5", {"a": ((x, y), {"csi": chi2}), "b": ((x, z), {"csi": chi2}), "c": ((y, z), {"csi": chi2})})


def limit(tmp_path, text, name="l.txt"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def lines_of(ax):
    return [line.get_xydata() for line in ax.lines if len(line.get_xydata()) > 1]


# ----------------------------------------------------------------------------------------------------------------- files

def test_pieces_are_parted_by_empty_rows_and_nan():
    rows = "-1 -2\n-3,-4\nnan nan\n1;2\n3 4 # end\n# no end\n5 6\n\n\n7 8\n9 1e1\nNaN NaN\n".splitlines()
    found = pieces_of("f", rows)
    assert [xy.tolist() for xy, _ in found] == [[[-1, -2], [-3, -4]], [[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10]]]
    assert [numbers for _, numbers in found] == [[1, 2], [4, 5, 7], [10, 11]]
    with pytest.raises(MapError, match="^f:3: a single point is no line"):
        pieces_of("f", ["", "# 1", "3 4", "nan nan", "5 6"])


def test_the_first_comma_ends_the_name_of_the_file(tmp_path):
    path = limit(tmp_path, SQUARES)
    assert [x.label for x in read_limits(f"{path},A, B and C")] == ["A, B and C"] and read_limits(str(path))[0].label == "l"
    with_comma = limit(tmp_path, SQUARES, "a,b.txt")
    assert read_limits(str(with_comma))[0].label == "a,b"
    assert read_limits(f"2:{path},A", in_panels=True)[0].panel == 2
    numbered = limit(tmp_path, SQUARES, "2:c.txt")
    assert read_limits(str(numbered), in_panels=True)[0].panel is None


# -------------------------------------------------------------------------------------------------------------- figures

def test_negative_coordinates_and_labels_with_commas(figure_of, plane, tmp_path):  # noqa: F811
    path = limit(tmp_path, "-0.5 -0.5\n0.5 -0.6\n\n-0.9 0\n-0.8 0.4\n")
    fig = figure_of(plot_map, plane, "--limit", path, "--limit", f"{path},B", "--limit-label", "Others, 2021")
    assert {"Others, 2021", "B"} <= set(texts(fig))
    assert [len(xy) for xy in lines_of(fig.axes[0])] == [2] * 4


@pytest.mark.parametrize("style", ["filled", "hatched"])
def test_closed_regions_are_filled_or_hatched(figure_of, plane, tmp_path, style):  # noqa: F811
    fig = figure_of(plot_map, plane, "--limit", f"{limit(tmp_path, SQUARES + chr(10) + HOLE)},x", "--limit-style", style)
    image = np.asarray(fig.canvas.buffer_rgba())[:, :, :3].astype(int)

    def darkest(x, y, pixels):
        column, row = (int(v) for v in fig.axes[0].transData.transform((x, y)))
        row = image.shape[0] - 1 - row
        return image[row - pixels:row + pixels + 1, column - pixels:column + pixels + 1].min()

    assert darkest(-0.3, -0.8, 5) < 235 and darkest(-0.55, -0.55, 5) == 255 and darkest(0.8, -0.8, 5) == 255
    assert "x" in texts(fig)


def test_a_hole_is_one_whichever_way_round_it_runs(tmp_path):
    for hole in (HOLE, "\n".join(reversed(HOLE.splitlines()))):
        found, = read_limits(str(limit(tmp_path, SQUARES + "\n" + hole)))
        area = area_path(found)
        signed = [0.5 * np.sum(r[:-1, 0] * r[1:, 1] - r[1:, 0] * r[:-1, 1]) for r in area.to_polygons()]
        assert signed == pytest.approx([0.49, -0.09])


def test_an_area_that_is_open_is_told(plane, tmp_path):
    path = limit(tmp_path, "-0.5 -0.5\n0.5 -0.5\n0 0.5\n")
    done = command("plot_map.py", plane, "--limit", path, "--limit-style", "filled", "-o", tmp_path / "f.png")
    assert done.returncode == 0 and "l: piece 1 of" in done.stderr and "is open" in done.stderr


def test_a_limit_that_crosses_the_figure_lies_in_it(plane, tmp_path):
    """Though none of its points does."""
    done = command("plot_map.py", plane, "--limit", limit(tmp_path, "-5 -5.2\n5 5\n"), "-o", tmp_path / "f.png")
    assert done.returncode == 0 and done.stderr == ""


def test_eighteen_lines_look_different(tmp_path):
    found = [read_limits(str(limit(tmp_path, SQUARES)))[0]] * 18
    looks = {tuple(map(str, look(type(x)(x.label, x.lines, number=k))[:2])) for k, x in enumerate(found)}
    assert len(looks) == 18 and len(set(map(str, DASHES))) == 6


def test_names_stand_beside_their_limits(figure_of, plane, tmp_path):  # noqa: F811
    path = limit(tmp_path, "-0.9 -0.7\n0.9 -0.7\n")
    other = limit(tmp_path, SQUARES.replace("-0.2", "0.9"), "o.txt")
    fig = figure_of(plot_map, plane, "--limit", f"{path},a beam", "--limit", f"{other},an area", "--limit-style", "line", "--limit-style",
                    "filled", "--limit-in-place")
    ax = fig.axes[0]
    names = {t.get_text(): t for t in ax.texts}
    assert set(names) == {"a beam", "an area"}
    legends = [t.get_text() for legend in [*fig.legends, ax.get_legend()] if legend for t in legend.get_texts()]
    assert not {"a beam", "an area"} & set(legends)
    for text in names.values():
        box, room = text.get_window_extent(), ax.get_window_extent()
        assert room.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1
    _, y = ax.transData.inverted().transform(names["a beam"].get_window_extent().get_points().mean(axis=0))
    assert abs(y + 0.7) < 0.12


def test_a_name_follows_an_oblique_line():
    fig, ax = new_figure(4, 4)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    fig.draw_without_rendering()
    found = Limit("long name", [np.array([[0.1, 0.1], [0.9, 0.9]])])
    handles, seen = draw_limits(ax, [found], in_place=True)
    angle = np.degrees(np.arctan2(ax.bbox.height, ax.bbox.width))
    assert handles == [] and ax.texts[0].get_rotation() == pytest.approx(angle, abs=1) and len(seen) > 50


@pytest.mark.parametrize("more, part", [
    (("--limit-label", "A", "--limit-label", "B"), "--limit-label is there 2 times, but --limit 1"),
    (("--limit-style", "line", "--limit-style", "filled"), "--limit-style is there 2 times, but --limit 1")])
def test_options_that_do_not_fit(plane, tmp_path, more, part):
    assert part in complaint(command("plot_map.py", plane, "--limit", limit(tmp_path, SQUARES), *more, "-o", tmp_path / "f.png"))


# --------------------------------------------------------------------------------------------------------------- panels

def test_files_that_name_their_axes_find_their_panel(figure_of, planes, tmp_path):  # noqa: F811
    for n, axes in enumerate(("eps_mumu_uV,eps_ee_uV", "eps_mumu_uV,eps_tautau_uV")):
        assert command("export_contours.py", planes, "--axes", axes, "--delta", "1", "-o", tmp_path / f"c{n}.csv").returncode == 0
    fig = figure_of(plot_panels, planes, "--limit", tmp_path / "c0.csv", "--limit", tmp_path / "c1.csv", "--limit",
                    f"2:{limit(tmp_path, SQUARES)}")
    assert [len(lines_of(ax)) for ax in fig.axes] == [1, 1, 1] and [len(lines_of(ax)[0]) == 5 for ax in fig.axes] == [False, True, False]
    assert "l" in texts(fig)


@pytest.mark.parametrize("words, part", [("{}", "does not name its axes; say in which of the 3 panels it lies"),
                                         ("4:{}", "there are 3 panels"), ("0:{}", "there are 3 panels")])
def test_a_panel_must_be_named(planes, tmp_path, words, part):
    path = limit(tmp_path, SQUARES)
    assert part in complaint(command("plot_panels.py", planes, "--limit", words.format(path), "-o", tmp_path / "f.png"))


def test_axes_that_are_not_there(plane, planes, tmp_path):
    assert command("export_contours.py", planes, "--axes", "eps_ee_uV,eps_tautau_uV", "-o", tmp_path / "c.h5").returncode == 0
    assert ("its axes are eps_ee_uV, eps_tautau_uV, and those of the figure eps_ee_uV, eps_mumu_uV" in
            complaint(command("plot_map.py", plane, "--limit", tmp_path / "c.h5", "-o", tmp_path / "f.png")))
    assert ("1:" in (line := complaint(command("plot_panels.py", planes, "--limit", f"1:{tmp_path / 'c.h5'}", "-o", tmp_path / "f.png")))
            and "those of the panel eps_ee_uV, eps_mumu_uV" in line)
    assert placed([], []) == []
