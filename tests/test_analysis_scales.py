# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans of several parameters in turn, axes with both signs and a gap, lower bounds on scales, and numbers far from one."""
import csv
import io
import json

import h5py
import numpy as np
import pytest
from drawn_figures import figure_of, texts  # noqa: F401
from synthetic_map import Axis, command, complaint, eps, grid, signed_log, write_map, write_members

from cevscan_analysis import contours, curves, style
import plot_map
import plot_profile
from cevscan_analysis import MapError, allowed_intervals, branches_of, curve_of, curves_of, project, open_map, tex_of_name, tex_of_unit
from cevscan_analysis.tables import significant

CUT = 2.706


@pytest.fixture
def figure(figure_of):
    return figure_of


def well(scale, best, width):
    """chi2 of a coefficient 1/Lambda^2 that interferes with the standard model: near 0, and where the charge flips its sign."""
    c = np.sign(scale) / scale**2
    return ((c * (c - best)) / width**2)**2


# Two wells each, of different places, depths (reference) and signs; edges where |c (c - best)| = width^2 sqrt(CUT).
WELLS = {"lambda_C1_u_e": (-1 / 400.0**2, 1.5e-6, 3.0), "lambda_C1_u_mu": (1 / 50.0**2, 5e-5, 40.0)}


def edges(best, width):
    """|Lambda| at the edges, of the far and the near well."""
    reach, half = width**2 * np.sqrt(CUT), abs(best) / 2
    far, far_in, near_in, near_out = (half + np.sqrt(half**2 + reach), half + np.sqrt(half**2 - reach),
                                      half - np.sqrt(half**2 - reach), np.sqrt(half**2 + reach) - half)
    return [1 / np.sqrt(c) for c in (far, far_in, near_in, near_out)]


@pytest.fixture
def lambdas(tmp_path):
    axis = signed_log()
    chi2 = [well(axis.values, best, width) + depth for best, width, depth in WELLS.values()]
    return write_members(tmp_path / "lambda.h5", list(WELLS), [axis], chi2, reference=[depth for _, _, depth in WELLS.values()])


# ---------------------------------------------------------------------------------------------------------- reading

def test_members_are_maps_of_their_own(lambdas):
    m = open_map(lambdas)
    assert [x.names for x in m.members] == [[name] for name in WELLS]
    assert m.names == ["parameter", "value"] and np.isnan(list(m.best_fit.values())).all()
    for member, (best, _, depth) in zip(m.members, WELLS.values()):
        assert 0 <= member.lowest < 1e-2 and member.progress["chi2_reference"] == depth
        assert np.array_equal(member.delta_chi2, member.chi2 - depth)
        assert member.axes[0].units == "GeV" and member.axes[0].is_scale_of_new_physics
        assert member.best_fit[member.names[0]] == member.axes[0].values[member.chi2.argmin()]
    assert open_map(lambdas).members[1].axes[0].long_name == r"$\Lambda(C_{1u}^{\mu})$"


def test_best_fits_of_members_are_the_stored_ones(tmp_path):
    axis = eps("ee", n=11)
    path = write_members(tmp_path / "a.h5", ["a", "b"], [axis], [axis.values**2, (axis.values - 0.1)**2],
                         best_fit=[[0, 0.01], [1, 0.11]])
    assert [m.best_fit for m in open_map(path).members] == [{"a": 0.01}, {"b": 0.11}]


def test_unfinished_members_count_from_their_own_reference(tmp_path):
    axis, chi2 = eps("ee", n=32), np.add.outer([5.0, 70.0], np.arange(32))
    path = write_members(tmp_path / "a.h5", ["a", "b"], [axis], chi2, done=[0, 2])  # of 2 x 2 tiles: the left one of each
    with h5py.File(path, "r+") as f:
        f["delta_chi2"][...] = 7e7
    a, b = open_map(path).members
    assert np.array_equal(a.delta_chi2[:16], np.arange(16)) and np.array_equal(b.delta_chi2[:16], np.arange(16))
    assert np.isnan(b.delta_chi2[16:]).all() and b.completeness == 0.5 and b.best_fit == {"b": axis.values[0]}


def test_members_with_another_axis_are_profiled(tmp_path):
    x, y = eps("ee", n=41), eps("mumu", n=21)
    X, Y = grid(x, y)
    path = write_members(tmp_path / "a.h5", ["a", "b"], [x, y], [X**2 + (Y - X)**2 + 3, (X - 0.1)**2 + Y**2])
    a, b = curves_of(path)
    assert a.names == ["a"] and a.delta_chi2 == pytest.approx(x.values**2, abs=1e-3)  # the valley meets the corners
    assert b.delta_chi2 == pytest.approx((x.values - 0.1)**2, abs=1e-9)


def break_names(f):
    f.attrs["members"] = "one"


def break_no_names(f):
    del f.attrs["members"]


def break_twins(f):
    f.attrs["members"] = "lambda_C1_u_e,lambda_C1_u_e"


def break_reference(f):
    del f["progress/chi2_reference"]
    f["progress/chi2_reference"] = 1.0


def break_best_fit(f):
    del f["progress/best_fit"]
    f["progress/best_fit"] = np.zeros(2)


@pytest.mark.parametrize("damage, reason", [(break_names, "'members' does not name the values"),
                                            (break_no_names, "'members' does not name the values"),
                                            (break_twins, "'members' does not name the values"),
                                            (break_reference, "/progress/chi2_reference does not have an entry"),
                                            (break_best_fit, "/progress/best_fit does not have an entry")])
def test_damaged_members_are_refused(lambdas, damage, reason):
    with h5py.File(lambdas, "r+") as f:
        damage(f)
    with pytest.raises(MapError, match=reason):
        open_map(lambdas)
    assert lambdas in complaint(command("intervals.py", lambdas))


def test_parameters_that_are_not_there(lambdas, tmp_path):
    line = complaint(command("intervals.py", lambdas, "--parameter", "value"))
    assert line.endswith(f"{lambdas}: no parameter value; it scans in turn lambda_C1_u_e, lambda_C1_u_mu")
    assert "scans 2 parameters in turn; plot_profile.py draws it" in complaint(
        command("plot_map.py", lambdas, "-o", tmp_path / "f.png"))
    with pytest.raises(MapError, match="scans 2 parameters in turn; choose one with --parameter"):
        curve_of(lambdas)
    other = write_map(tmp_path / "other.h5", [eps("ee", n=9)], np.arange(9))
    assert f"{other}: a map of eps_ee_uV, but {lambdas} is one of lambda_C1_u_e, lambda_C1_u_mu" in complaint(
        command("plot_profile.py", lambdas, other, "-o", tmp_path / "f.png"))


# ------------------------------------------------------------------------------------------------- gaps and intervals

def signed(tmp_path, axis, chi2):
    return curve_of(write_map(tmp_path / "m.h5", [axis], chi2))


def test_scale_of_a_signed_axis(tmp_path):
    axis = signed(tmp_path, signed_log(0.3, 40, 50), np.zeros(100)).axes[0]
    t = axis.to_scale(axis.values)
    assert axis.branches == [slice(0, 50), slice(50, 100)] and np.all(np.diff(t) > 0)
    assert np.diff(t)[:49] == pytest.approx(np.log(40 / 0.3) / 49) and t[49:51] == pytest.approx([-1, 1])
    assert axis.from_scale(t) == pytest.approx(axis.values, rel=1e-14)


def test_no_interval_crosses_the_gap(tmp_path):
    """Allowed on both sides of the gap: two intervals, open there. The values beyond the gap must not bend an edge either."""
    axis = signed_log(half=200)
    m = signed(tmp_path, axis, np.where(np.abs(axis.values) < 99, 0, 50.0))
    a = allowed_intervals(m.axes[0], m.delta_chi2, CUT)
    assert len(a.intervals) == 2 and a.intervals[0][1] == -10 and a.intervals[1][0] == 10
    assert a.open == [(False, True), (True, False)] and a.touches_edge == (False, False) and a.lower_bound is None
    one_side = np.where(axis.values < 0, 1e9, (axis.values / 12)**2)
    (low, high), = allowed_intervals(m.axes[0], one_side, CUT).intervals
    assert low == 10 and high == pytest.approx(12 * np.sqrt(CUT), rel=1e-6)


def test_an_edge_beside_the_gap_knows_nothing_of_the_other_sign(tmp_path):
    """The first point is excluded and the second allowed: the cubic could reach across."""
    axis = signed_log(half=200)
    x, step = axis.values, np.log(axis.values[201] / axis.values[200])
    chi2 = np.where(x > 0, CUT - 3 * (np.log(np.abs(x) / 10) / step - 0.4), 1e12)
    m = signed(tmp_path, axis, np.maximum(chi2, 0))
    low = allowed_intervals(m.axes[0], chi2, CUT).intervals[0][0]
    assert low == pytest.approx(10 * np.exp(0.4 * step), rel=1e-12)


def test_profile_does_not_reach_across_the_gap(tmp_path):
    """The minimum over the scale lies at the gap; the other side of it must not make a parabola of it."""
    axis, x = signed_log(half=20), eps("ee", n=5)
    V, X = grid(axis, x)
    m = open_map(write_map(tmp_path / "m.h5", [axis, x], np.where(V > 0, np.abs(V) / 10, 1.001) + X**2))
    assert project(m, ["eps_ee_uV"]).delta_chi2 == pytest.approx(1 + x.values**2, abs=1e-12)


def test_intervals_of_each_member(lambdas):
    """Both have a far and a near well; the bound is the far edge of the far one."""
    for m, (best, width, _) in zip(curves_of(lambdas), WELLS.values()):
        a, truth = allowed_intervals(m.axes[0], m.delta_chi2, CUT), edges(best, width)
        far, far_in, near_in, near_out = truth
        expected = [[-1e4, -near_out], [far, far_in], [near_in, 1e4]]
        if best < 0:
            expected = [[-1e4, -near_in], [-far_in, -far], [near_out, 1e4]]
        assert np.array(a.intervals) == pytest.approx(np.array(expected), rel=1e-6)
        assert a.lower_bound == pytest.approx(far, rel=1e-6) and a.touches_edge == (True, True)


def test_bounds_without_a_value(tmp_path):
    axis = signed_log(half=50)
    m = signed(tmp_path, axis, np.zeros(100))
    assert allowed_intervals(m.axes[0], m.delta_chi2, CUT).lower_bound is None
    assert allowed_intervals(m.axes[0], m.delta_chi2 + 9, CUT).lower_bound is None
    hole = np.where(np.abs(axis.values) > 1000, 0.0, np.nan)
    assert allowed_intervals(m.axes[0], hole, CUT).lower_bound is None  # may go on in the hole
    well = (1000 / axis.values)**2
    known = allowed_intervals(m.axes[0], well, CUT).lower_bound
    below, above = well.copy(), well.copy()
    below[53], above[90] = np.nan, np.nan  # another solution may lie below, whatever the sign; above, none matters
    assert [allowed_intervals(m.axes[0], y, CUT).lower_bound for y in (below, above)] == [None, known]


# ------------------------------------------------------------------------------------------------------------ tables

def test_json_of_members(lambdas):
    data = json.loads(command("intervals.py", lambdas, "--json", "--delta", CUT, "--level", 68).stdout)
    assert [d["parameter"] for d in data] == [name for name in WELLS for _ in range(2)]
    for d, (best, width, _) in zip(data[::2], WELLS.values()):
        assert d["lower_bound"] == pytest.approx(edges(best, width)[0], rel=1e-6) and d["units"] == "GeV"
        assert len(d["intervals"]) == 3 and d["open"] == [[True, False], [False, False], [False, True]]
    one = json.loads(command("intervals.py", lambdas, "--json", "--delta", CUT, "--parameter", "lambda_C1_u_mu").stdout)
    assert one == data[2]


def test_table_of_members(lambdas):
    lines = command("intervals.py", lambdas, "--delta", CUT, "--labels", "csi").stdout.splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0] == ["map", "parameter", "best fit", "lower bound, Δχ² ≤ 2.706", "Δχ² ≤ 2.706"] and len(cells) == 4
    far, far_in, near_in, near_out = (significant(x, 3) for x in edges(*WELLS["lambda_C1_u_e"][:2]))
    assert cells[2][1] == "lambda_C1_u_e [GeV]" and cells[2][3] == far and len(far) == 5
    assert cells[2][4] == f"(-∞, -{near_in}] ∪ [-{far_in}, -{far}] ∪ [{near_out}, ∞)"
    tex = command("intervals.py", lambdas, "--format", "latex").stdout
    assert r"\begin{tabular}{llccc}" in tex and r"(-\infty, -" in tex and r"\infty)$ \\" in tex


def test_csv_of_members(lambdas):
    rows = list(csv.DictReader(io.StringIO(command("intervals.py", lambdas, "--format", "csv", "--delta", CUT).stdout)))
    assert [r["parameter"] for r in rows] == [name for name in WELLS for _ in range(3)]
    far = significant(edges(*WELLS["lambda_C1_u_e"][:2])[0], 3)
    assert {r["lower_bound"] for r in rows[:3]} == {far} and rows[1]["high"] == "-" + far
    assert (rows[0]["low"], rows[0]["low_open"], rows[2]["high"], rows[2]["high_open"]) == ("-10000", "1", "10000", "1")


def test_a_bound_beyond_the_axis_is_none(tmp_path):
    axis = signed_log(half=50)
    path = write_map(tmp_path / "m.h5", [axis], np.zeros(100))
    out = command("intervals.py", path, "--labels", "csi").stdout
    assert "| none " in out and "(-∞, -10.00*] ∪ [10.00*, ∞)" in out and r"\* end of the values" in out
    assert json.loads(command("intervals.py", path, "--json").stdout)["lower_bound"] is None


def test_a_member_without_values_is_noted(tmp_path):
    axis = signed_log(half=16)
    path = write_members(tmp_path / "a.h5", ["a", "b"], [axis], np.tile((1000 / axis.values)**2, (2, 1)), done=[0, 1])
    result = command("intervals.py", path, "--format", "csv")
    notes = result.stderr.splitlines()
    assert result.returncode == 0 and f"intervals.py: note: {path}: b: 0% complete" in notes
    assert all("b: 0% complete" in note or "the grid of 32 points leaves the edge" in note for note in notes)
    assert {line.split(",")[1] for line in result.stdout.splitlines()} == {"parameter", "a"}


@pytest.mark.parametrize("value, digits, text", [(378.04, 3, "378.0"), (-1157.2, 3, "-1157"), (22.2512, 3, "22.25"), (0.0, 3, "0"),
                                                 (4.6123e-6, 3, "4.612e-06"), (-2e-5, 1, "-2.0e-05"), (12345.6, 3, "12346"),
                                                 (1e9, 2, "1.00e+09"), (378.04, 0, "378"), (0.05, 3, "0.05000")])
def test_significant_digits(value, digits, text):
    assert significant(value, digits) == text


def coefficient(best=-4e-6, half=2.5e-6):
    axis = Axis("C1_u_e", np.linspace(-2e-5, 2e-5, 401), "$C_{1u}^{e}$", "GeV^-2")
    return axis, ((axis.values - best) / half)**2


def test_small_numbers_are_printed_with_exponents(tmp_path):
    axis, chi2 = coefficient()
    path = write_map(tmp_path / "c.h5", [axis], chi2)
    out = command("intervals.py", path, "--delta", 1).stdout
    assert "| C1_u_e [GeV^-2] | -4.000e-06 | [-6.500e-06, -1.500e-06] |" in out
    tex = command("intervals.py", path, "--delta", 1, "--format", "latex", "--digits", 1).stdout
    assert r"$C_{1u}^{e}$ [GeV$^{-2}$] & $-4.0 \times 10^{-6}$ & $[-6.5 \times 10^{-6}, -1.5 \times 10^{-6}]$" in tex
    assert "-6.500e-06,-1.500e-06,0,0" in command("intervals.py", path, "--delta", 1, "--format", "csv").stdout


def test_zero_beside_small_numbers(tmp_path):
    axis, chi2 = coefficient(best=0)
    assert "| 0        |" in command("intervals.py", write_map(tmp_path / "c.h5", [axis], chi2)).stdout


def test_logarithmic_axes_of_couplings_keep_their_digits(tmp_path):
    g = Axis("g", np.geomspace(1e-7, 1e-2, 401), scale="log")
    out = command("intervals.py", write_map(tmp_path / "g.h5", [g], (g.values / 3e-5)**4), "--delta", "2.71").stdout
    assert "[1.000e-07*, 3.849e-05]" in out


def test_names_and_units_in_tex():
    assert tex_of_name("eps_mumu_dV") == r"$\varepsilon_{\mu \mu}^{dV}$" and tex_of_name("C2_d_tau") == r"$C_{2d}^{\tau}$"
    assert tex_of_name("mass_MeV") == "mass_MeV" and tex_of_unit("GeV^-2") == "GeV$^{-2}$" and tex_of_unit("keV") == "keV"
    assert all(style.is_tex(tex_of_name(name)) for name in ("lambda_C1_u_mu", "eps_etau_uV", "C1_d_e", "a_b"))


# ----------------------------------------------------------------------------------------------------------- figures

def test_panels_of_members(figure, lambdas):
    """One panel, for they differ in the flavour alone: colour and dashes for each, the two signs in two widths over |Lambda|."""
    fig = figure(plot_profile, lambdas)
    ax, = (a for a in fig.axes if a.get_visible())
    lines = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert len(lines) == 4 and all((line.get_xdata() > 0).all() for line in lines) and ax.get_xscale() == "log"
    assert [line.get_linestyle() for line in lines] == ["-", "-", "--", "--"]
    assert [line.get_linewidth() for line in lines] == [curves.SIGNS[0][1], curves.SIGNS[1][1]] * 2
    negative = lines[1].get_xydata()
    best, width, _ = WELLS["lambda_C1_u_e"]
    assert np.interp(400, negative[::-1, 0], negative[::-1, 1]) < 0.01  # the far well
    assert {r"$\Lambda(C_{1u}^{e})$", r"$\Lambda(C_{1u}^{\mu})$", r"$\Lambda > 0$", r"$\Lambda < 0$", "90%",
            r"$|\Lambda|$ [GeV]"} <= set(texts(fig))
    low, high = ax.get_xlim()
    assert 10 <= low < 50 and 1000 <= high <= 10000


def test_a_panel_for_each_group(figure, tmp_path):
    axis = signed_log(half=200)
    names = [f"lambda_C{c}_{q}_{f}" for c in (1, 2) for q in "ud" for f in ("e", "mu")]
    path = write_members(tmp_path / "a.h5", names, [axis], [(1000 * (k + 1) / axis.values)**2 for k in range(8)])
    assert len(figure(plot_profile, path).axes) == 4
    fig = figure(plot_profile, path, path, "--labels", "one,two")
    assert len(fig.axes) == 8 and fig.axes[3].get_xlabel() == r"$|$$\Lambda(C_{1d}^{\mu})$$|$ [GeV]"
    assert len(fig.legends) == 1 and not any(ax.get_legend() for ax in fig.axes)   # one for all panels
    single = figure(plot_profile, path, "--parameter", names[0])
    assert len(single.axes) == 1 and single.axes[0].get_xlim() == pytest.approx((10, 10000))


def test_holes_of_both_signs_are_hatched(figure, tmp_path):
    """As seen over |Lambda|: 1000 to 2000 of the negative sign, 100 to 200 of the positive."""
    axis = signed_log(half=301)
    x = axis.values
    chi2 = np.where((x > -2000) & (x < -1000) | (x > 100) & (x < 200), np.nan, (300 / x)**2)
    path = write_map(tmp_path / "a.h5", [axis], chi2)
    spans = curves.void_spans(curve_of(path))
    assert np.array(spans) == pytest.approx(np.array([[1000, 2000], [100, 200]]), rel=0.03)
    fig = figure(plot_profile, path)
    image = np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3].astype(int)
    for low, high, hatched in ((1050, 1900, True), (105, 190, True), (300, 900, False)):
        (left, row), (right, _) = (fig.axes[0].transData.transform((v, 9.5)).astype(int) for v in (low, high))
        assert (image[row, left:right].max(axis=1) < 245).all() == hatched


def test_gap_of_a_plane_is_hatched_and_not_crossed(figure, tmp_path):
    """Allowed with positive sign alone; no region may reach from there into the gap, where a spline would take it."""
    x, y = signed_log(half=40), eps("ee", n=40)
    X, Y = grid(x, y)
    path = write_map(tmp_path / "a.h5", [x, y], np.where(X > 0, 0, 30) + 20 * Y**2, best_fit=[500, 0])
    m = open_map(path)
    assert [len(p.axes[0].values) for p in branches_of(m)] == [40, 40]
    assert pytest.approx((-10, 10, -0.5, 0.5)) in contours.void_boxes(m)
    fig = figure(plot_map, path)
    for collection in fig.axes[0].collections:
        for vertices in (p.vertices for p in collection.get_paths() if len(p.vertices)):
            assert vertices[:, 0].min() >= 10 - 1e-9
    assert "no values" in texts(fig) and 0 not in fig.axes[0].get_xticks()


def test_best_fits_at_the_edge_are_arrows(figure, tmp_path):
    x, y = eps("ee", n=41), eps("mumu", n=41)
    X, Y = grid(x, y)
    inside = write_map(tmp_path / "a.h5", [x, y], (X**2 + Y**2) * 50)
    at_the_edge = write_map(tmp_path / "b.h5", [x, y], (X - 0.7)**2 * 9 + Y**2 * 9)
    assert [contours.at_edge(open_map(p)) for p in (inside, at_the_edge)] == [None, ">"]
    fig = figure(plot_map, inside, at_the_edge)
    assert {"best fit", "best fit at the edge"} <= set(texts(fig))
    assert {line.get_marker() for line in fig.axes[0].lines} == {"o", ">", "+"}
    scale = signed_log(half=40)
    S, Y = grid(scale, y)
    far = open_map(write_map(tmp_path / "c.h5", [scale, y], (500 / S)**2 + Y**2))
    near = open_map(write_map(tmp_path / "d.h5", [scale, y], (S + 10)**2 + Y**2))
    assert contours.at_edge(far) is None and contours.at_edge(near) == ">"  # infinity is no edge; the gap is one


def test_outlined_maps_have_no_colour_inside(figure, tmp_path):
    x, y = eps("ee", n=41), eps("mumu", n=41)
    X, Y = grid(x, y)
    path = write_map(tmp_path / "a.h5", [x, y], (X**2 + Y**2) * 50)
    fig = figure(plot_map, path, path, "--labels", "A,B", "--outlined", "2")
    first, second = (patch.get_facecolor()[3] for patch in fig.axes[0].get_legend().get_patches())
    assert first > 0 and second == 0
    out = ["-o", tmp_path / "f.png"]
    assert complaint(command("plot_map.py", path, *out, "--outlined", "3")).endswith("--outlined names map 3, but there are 1")
    assert command("plot_map.py", path, *out, "--outlined", "0").returncode == 2


def test_a_long_legend_is_not_cut(figure, tmp_path):
    x, y = eps("ee", n=41), eps("mumu", n=41)
    X, Y = grid(x, y)
    path = write_map(tmp_path / "a.h5", [x, y], (X + Y)**2)
    fig = figure(plot_map, path, path, "--labels", "an experiment with a very long name and its data as they were published first,B")
    legend, = fig.legends
    assert legend.get_window_extent().x1 <= fig.bbox.x1 and legend.get_texts()[0].get_text().count("\n") == 1


def test_ticks_of_small_numbers_have_a_common_factor(figure, tmp_path):
    axis, chi2 = coefficient()
    other = Axis("C1_d_e", axis.values, "$C_{1d}^{e}$", "GeV^-2")
    X, Y = grid(axis, other)
    fig = figure(plot_map, write_map(tmp_path / "a.h5", [axis, other], ((X + Y) / 1e-6)**2))
    for which in (fig.axes[0].xaxis, fig.axes[0].yaxis):
        assert "10^{\N{MINUS SIGN}5}" in which.get_offset_text().get_text()
        assert not any("10^" in t.get_text() for t in which.get_ticklabels())
    assert fig.axes[0].get_xlabel() == "$C_{1u}^{e}$ [GeV$^{-2}$]"
