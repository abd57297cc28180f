# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of many panels: one legend, the same colour for a label in every panel, nothing empty or clipped."""
import json
import sys

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.legend import Legend
from synthetic_map import Axis, command, complaint, eps, grid, nsi_counting, signed_log, write_map, write_members

import plot_panels
from cevscan_analysis import curve_of, curves_of, group_names, open_map, rank, style
from cevscan_analysis.panels import Panel, contour_panels, profile_panels, rate_panels
from e2e import rates, run


@pytest.fixture
def make(tmp_path):
    """A map of the plane (ee, mumu) of u or d quarks, for a nucleus."""
    def plane(quark="u", rate=90.0, protons=55, neutrons=78):
        x, y = eps("ee", -0.2, 0.6, 81, quark), eps("mumu", -0.2, 0.6, 81, quark)
        path = tmp_path / f"{quark}_{rate}_{protons}.h5"
        return open_map(write_map(path, [x, y], nsi_counting(*grid(x, y), protons, neutrons, rate=rate)))
    return plane


def legends(fig):
    return fig.findobj(Legend)


def check_layout(fig):
    """One legend, inside the figure and upon no panel; words inside the figure."""
    fig.canvas.draw()
    legend, = legends(fig)
    box = legend.get_window_extent()
    panels = [ax for ax in fig.axes if ax.axison]
    assert fig.bbox.x0 <= box.x0 and box.x1 <= fig.bbox.x1 and fig.bbox.y0 <= box.y0 and box.y1 <= fig.bbox.y1
    for ax in panels:
        assert not ax.get_tightbbox().overlaps(box)
        tight = ax.get_tightbbox()
        assert fig.bbox.x0 - 1 <= tight.x0 and tight.x1 <= fig.bbox.x1 + 1
        assert fig.bbox.y0 - 1 <= tight.y0 and tight.y1 <= fig.bbox.y1 + 1
    for a in panels:
        assert not any(a.get_tightbbox().padded(-2).overlaps(b.get_tightbbox().padded(-2)) for b in panels if b is not a)
    return legend


def edge_colours(ax):
    return {matplotlib.colors.to_hex(patch.get_edgecolor()) for patch in ax.patches if patch.get_edgecolor()[3] > 0}


@pytest.mark.parametrize("n, columns", [(1, 1), (2, 2), (3, 2), (5, 3), (6, 3)])
def test_layout(make, n, columns):
    m, other = make(), make(rate=40.0)
    fig = contour_panels([Panel({"CsI": m, "CsI and a rather long name of something": other}, f"panel {k}") for k in range(n)],
                         columns=columns)
    check_layout(fig)
    assert len([ax for ax in fig.axes if ax.axison]) == n and style.empty_panels(fig) == 0


def test_colours_are_those_of_labels(make):
    """Also if a panel lacks a map, and whatever its order."""
    a, b, c = make(), make(rate=40.0), make(protons=14, neutrons=14)
    fig = contour_panels([Panel({"A": a, "B": b}), Panel({"C": c, "B": b})], columns=2, order=["B"])
    legend = check_layout(fig)
    assert [t.get_text() for t in legend.get_texts()] == ["B", "A", "C", "standard model"]
    colours = [style.colour(k).lower() for k in range(3)]
    first, second = (edge_colours(ax) for ax in fig.axes[:2])
    assert {colours[0], colours[1]} <= first and colours[2] not in first
    assert {colours[0], colours[2]} <= second and colours[1] not in second
    handles = [matplotlib.colors.to_hex(patch.get_edgecolor()) for patch in legend.get_patches()]
    assert handles == colours
    assert len({str(patch._dash_pattern) for patch in legend.get_patches()}) == 3


def test_many_maps_are_outlines(make):
    fig = contour_panels([Panel({str(k): make(rate=20.0 * k) for k in range(1, 7)})], columns=1)
    assert all(patch.get_facecolor()[3] == 0 for patch in check_layout(fig).get_patches())


def test_outlined(make):
    fig = contour_panels([Panel({"A": make(), "both": make(rate=40.0)})], columns=1, outlined=["A"])
    assert [patch.get_facecolor()[3] > 0 for patch in check_layout(fig).get_patches()] == [False, True]


def test_an_empty_panel_is_noticed(make):
    fig = contour_panels([Panel({"A": make()}), Panel({"A": make()}, xlim=(0.15, 0.2), ylim=(0.15, 0.2))], columns=2)
    assert style.empty_panels(fig) == 1


def test_profiles(make):
    maps = {"CsI": make(), "Si": make(rate=40.0)}
    panels = [Panel({k: curve_of(m, f"eps_{f}_uV") for k, m in maps.items()}) for f in ("ee", "mumu", "ee")]
    fig = profile_panels(panels, columns=3)
    legend = check_layout(fig)
    assert [t.get_text() for t in legend.get_texts()] == ["CsI", "Si"] and style.empty_panels(fig) == 0
    axes = [ax for ax in fig.axes if ax.axison]
    assert len({ax.get_ylim() for ax in axes}) == 1
    assert len([t for ax in axes for t in ax.texts if "sigma" in t.get_text()]) == 2   # levels are named once


def test_profiles_of_scales(tmp_path):
    axis = signed_log()
    chi2 = [(1 + s * (300 / axis.values)**2)**2 for s in (1, -1)]
    curves = curves_of(write_members(tmp_path / "s.h5", ["lambda_C1_u_e", "lambda_C1_u_mu"], [axis], chi2))
    fig = profile_panels([Panel({r"$\nu_e$": curves[0], r"$\nu_\mu$": curves[1]}, "$C_{1u}$")], columns=1)
    legend = check_layout(fig)
    assert [t.get_text() for t in legend.get_texts()][:2] == [r"$\nu_e$", r"$\nu_\mu$"] and len(legend.get_texts()) == 4
    assert len({str(line._dash_pattern) for line in legend.get_lines()[:2]}) == 2     # colour and dashes tell the flavours
    assert len({line.get_linewidth() for line in legend.get_lines()[2:]}) == 2        # the width tells the signs
    assert fig.axes[0].get_xlabel() == r"$|\Lambda|$ [GeV]"


def test_spectra():
    found = rates("ess_csi,ess_ar,xenonnt_8b")
    fig = rate_panels(found, {"ess_csi": "CsI"}, columns=3)
    legend = check_layout(fig)
    assert {t.get_text() for t in legend.get_texts()} == {r"$\nu_\mu$", r"$\bar\nu_\mu$", r"$\nu_e$", r"$\nu_\tau$"}
    axes = [ax for ax in fig.axes if ax.axison]
    assert axes[0].get_ylabel() == "events per keV" and axes[1].get_ylabel() == "events" and axes[0].get_title() == "CsI"
    top = max(patch.get_data().values.max() for patch in axes[1].patches if hasattr(patch, "get_data"))
    assert top == pytest.approx(found["ess_ar"]["signal_total"])
    widths = np.diff(found["ess_csi"]["edges_keV"])
    stack = [patch.get_data().values for patch in axes[0].patches if hasattr(patch, "get_data")]
    assert stack[-1] @ widths == pytest.approx(found["ess_csi"]["signal_total"])


def test_large_numbers_stand_in_the_label(tmp_path):
    x = Axis("flux_b8", np.linspace(0, 2e7, 101), r"$\phi$", units="1/cm^2/s", standard_model=5e6)
    m = open_map(write_map(tmp_path / "m.h5", [x], ((x.values - 5e6) / 3e6)**2))
    fig = profile_panels([Panel({"A": m})], columns=1)
    check_layout(fig)
    assert fig.axes[0].get_xlabel() == r"$\phi$ [10$^{6}$/cm$^{2}$/s]"
    assert "10" in [t.get_text() for t in fig.axes[0].get_xticklabels()]


def test_both_formats(make, tmp_path):
    m = make()
    for name in ("a", "b"):
        style.save_all(contour_panels([Panel({"A": m})], columns=1), str(tmp_path / name), [m])
    for end in ("pdf", "png"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()


# ------------------------------------------------------------------------------------------------------------ the command

CSI, SI = "Cesium iodide scintillator", "Silicon CCD array"     # titles of experiments, without the words that all share


@pytest.fixture
def planes(tmp_path):
    """Two planes of two experiments."""
    paths = []
    for quark in "ud":
        for name, protons in (("csi", 55), ("si", 14)):
            x, y = eps("ee", -0.2, 0.6, 61, quark), eps("mumu", -0.2, 0.6, 61, quark)
            chi2 = nsi_counting(*grid(x, y), protons, protons)
            paths.append(write_map(tmp_path / f"{name}_{quark}.h5", [x, y], chi2, experiments=name, title=""))
    return paths


def drawn(monkeypatch, *words):
    kept = []
    monkeypatch.setattr(plot_panels, "save", lambda fig, path, maps: kept.append(fig))
    monkeypatch.setattr(sys, "argv", ["plot_panels.py", *words, "-o", "f.png"])
    plot_panels.main()
    return kept[0]


def test_command_of_planes(monkeypatch, planes):
    fig = drawn(monkeypatch, *planes, "--labels", "CsI,Si", "--outlined", "Si", "--title", "both")
    legend = check_layout(fig)
    assert [t.get_text() for t in legend.get_texts()] == ["CsI", "Si", "standard model"]
    assert [patch.get_facecolor()[3] > 0 for patch in legend.get_patches()] == [True, False]
    assert len([ax for ax in fig.axes if ax.axison]) == 2


def test_command_of_a_study(monkeypatch, tmp_path):
    """What `cevscan study` writes is drawn: planes, or profiles, of the sets that are asked for."""
    axes = [{"name": name, "min": -0.2, "max": 0.6, "points": 41} for name in ("eps_ee_uV", "eps_mumu_uV", "eps_ee_dV")]
    study = {"study": "small", "interaction": "nsi", "data": "asimov", "sets": [{"all_subsets_of": ["ess_csi", "ess_si"]}],
             "planes": [axes[:2], axes[1:]], "profiles": axes}
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    file = str(tmp_path / "study.h5")
    run("study", tmp_path / "study.yaml", "-o", file, "-q")
    assert len(group_names(file)) == 15 and group_names(file)[2] == "eps_ee_uV,eps_mumu_uV/ess_csi+ess_si"
    m = open_map(file, "eps_ee_uV,eps_mumu_uV/ess_csi+ess_si")
    assert m.names == ["eps_ee_uV", "eps_mumu_uV"] and m.completeness == 1 and m.chi2.shape == (41, 41)
    fig = drawn(monkeypatch, file, "--only", "ess_csi,ess_csi + ess_si", "--labels", "CsI,both")
    assert [t.get_text() for t in check_layout(fig).get_texts()] == ["CsI", "both", "standard model"] and len(fig.axes) == 2
    fig = drawn(monkeypatch, file, "--profiles")
    assert [t.get_text() for t in check_layout(fig).get_texts()] == [CSI, SI, f"{CSI} + {SI}"] and len(fig.axes) == 3
    ranking = rank([open_map(file, name) for name in group_names(file)[:3]])
    assert [r.label for r in ranking] == ["ess_csi + ess_si"] and ranking[0].ratio < 0.4
    ranks = command("areas.py", file, "--rank", "--format", "csv").stdout.splitlines()
    assert len(ranks) == 3 and ranks[1].startswith('"eps_ee_uV,eps_mumu_uV/ess_csi+ess_si",')
    assert len(command("areas.py", file, "--axes", "eps_mumu_uV,eps_ee_dV", "--format", "csv").stdout.splitlines()) == 4
    assert "has no map of two parameters a,b" in complaint(command("areas.py", file, "--axes", "a,b"))
    assert len(command("intervals.py", file).stdout.splitlines()) == 2 + 9
    found = command("intervals.py", file, "--parameter", "eps_ee_dV", "--format", "latex").stdout
    assert found.count(r"$\varepsilon_{ee}^{dV}$") == 3
    assert "no map of the parameter eps_x alone" in complaint(command("intervals.py", file, "--parameter", "eps_x"))


def test_labels_of_a_study_with_exposures(monkeypatch, tmp_path):
    """The same in every panel, with the same colour, and no paths; a parameter that is there twice has two panels."""
    axes = [{"name": name, "min": -0.2, "max": 0.6, "points": 31} for name in ("eps_ee_uV", "eps_mumu_uV", "eps_ee_dV")]
    (tmp_path / "study.yaml").write_text(json.dumps({
        "study": "small", "interaction": "nsi", "data": "asimov", "sets": [["ess_csi"], ["ess_si"]], "exposure_factors": [1, 10],
        "planes": [axes[:2], axes[1:]],
        "profiles": [axes[2], {"each_of": ["eps_ee_uV", "eps_ee_dV"], "min": -0.2, "max": 0.6, "points": 31}]}))
    file = str(tmp_path / "study.h5")
    run("study", tmp_path / "study.yaml", "-o", file, "-q")
    labels = [CSI, SI, f"{CSI} x10", f"{SI} x10"]
    fig = drawn(monkeypatch, file)
    legend = check_layout(fig)
    assert [t.get_text() for t in legend.get_texts()][:4] == labels and len(fig.axes) == 2
    assert legend.get_window_extent().height < fig.axes[0].get_window_extent().height
    colours = {style.colour(k).lower() for k in range(4)}
    assert all(colours <= edge_colours(ax) for ax in fig.axes)
    assert legend.get_window_extent().y1 < min(ax.get_tightbbox().y0 for ax in fig.axes)
    fig = drawn(monkeypatch, file, "--profiles")
    assert [t.get_text() for t in check_layout(fig).get_texts()] == labels
    assert len([ax for ax in fig.axes if ax.axison]) == 3
    fig = drawn(monkeypatch, file, "--only", "ess_csi,ess_csi x10")
    assert [t.get_text() for t in check_layout(fig).get_texts()][:2] == [CSI, f"{CSI} x10"]
    fig = drawn(monkeypatch, file, "--set", "ess_si", "--where", "exposure=10", "--profiles")
    assert [t.get_text() for t in check_layout(fig).get_texts()] == ["Silicon CCD array at the ESS x10"]


def test_two_files_of_the_same_experiments(monkeypatch, tmp_path):
    x, y = eps("ee", -0.2, 0.6, 61), eps("mumu", -0.2, 0.6, 61)
    paths = [write_map(tmp_path / f"{name}.h5", [x, y], nsi_counting(*grid(x, y), rate=rate), title="")
             for name, rate in (("one", 90), ("two", 40))]
    fig = drawn(monkeypatch, *paths)
    assert [t.get_text() for t in check_layout(fig).get_texts()][:2] == ["one: csi", "two: csi"] and len(fig.axes) == 1


def test_command_of_curves(monkeypatch, tmp_path):
    paths = []
    for name, width in (("csi", 0.1), ("si", 0.2)):
        axis = Axis("value", np.linspace(-0.4, 0.4, 81))
        paths.append(write_members(tmp_path / f"{name}.h5", ["eps_ee_uV", "eps_ee_dV", "eps_mumu_uV"], [axis],
                                   [(axis.values / width)**2 * k for k in (1, 2, 3)], experiments=name))
    fig = drawn(monkeypatch, *paths)
    assert [t.get_text() for t in check_layout(fig).get_texts()] == ["csi", "si"]
    assert len(fig.axes) == 3 and style.empty_panels(fig) == 0


def test_complaints(tmp_path, planes):
    out = tmp_path / "f.pdf"
    x, y, z = eps("ee", n=11), eps("mumu", n=11), eps("etau", n=11)
    three = write_map(tmp_path / "three.h5", [x, y, z], sum(grid(x, y, z))**2)
    assert "maps must have two axes or one" in complaint(command("plot_panels.py", planes[0], three, "-o", out))
    assert "--only: no label ge; there are csi, si" in complaint(command("plot_panels.py", *planes, "--only", "ge", "-o", out))
    assert "a map is given twice" in complaint(command("plot_panels.py", planes[0], planes[0], "-o", out))
    assert "--labels has 1 names, but there are 2: csi, si" in complaint(command("plot_panels.py", *planes, "--labels", "A", "-o", out))
    assert "no label ge; there are csi, si" in complaint(command("plot_panels.py", *planes, "--outlined", "ge", "-o", out))
    assert "No such file" in complaint(command("plot_panels.py", tmp_path / "none.h5", "-o", out))
    assert not out.exists()
    assert command("plot_panels.py", *planes, "-o", out).returncode == 0 and out.stat().st_size > 5000
