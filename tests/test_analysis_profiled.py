# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps whose scan profiles parameters, read and drawn: flags, values at the minimum, and what was minimised over."""
import json

import h5py
import numpy as np
import pytest
import plot_map
import plot_profile
from drawn_figures import figure_of, texts  # noqa: F401
from synthetic_map import Axis, Minima, command, complaint, eps, grid, seal, write_map, write_members

from cevscan_analysis import delta_from_level, open_map, open_maps, project
from cevscan_analysis.contour_files import read_contours
from cevscan_analysis.errors import MapError
from cevscan_analysis.maps import AT_BOUND, FLAT, PROVEN
from cevscan_analysis.results import results_hash
from cevscan_analysis.roles import axis_in_figure, note_of_roles, roles_of
from cevscan_analysis.shown import Shown, colour_of_flags, colours_of_values
from cevscan_analysis.words import notes_of_minimised, wrapped

MU_U, MU_D, NUMBER = "eps_mumu_uV", "eps_mumu_dV", "lar.quenching.c1"
TEX = {MU_U: r"$\varepsilon_{\mu\mu}^{uV}$", MU_D: r"$\varepsilon_{\mu\mu}^{dV}$", NUMBER: r"$\mathrm{lar.quenching.c1}$"}


def minima_over(X, Y, stored=(MU_U, NUMBER)):
    """Of a valley: the first follows x, until it meets its bound; the last is flat on one side."""
    first, number = np.clip(-1.5 * X, -0.5, 0.5), 0.5 + 0.1 * Y
    flags = np.where(X > -0.3, PROVEN, 0) + AT_BOUND * (np.abs(first) == 0.5) + FLAT * (Y < -0.25)
    values = {MU_U: first, MU_D: Y * 0.1, NUMBER: number}
    return Minima({MU_U: (-0.5, 0.5), MU_D: (-1, 1), NUMBER: (0.25, 0.75)}, flags.astype("u1"), {k: values[k] for k in stored},
                  {NUMBER: "MeV"}, TEX)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A file, and what it was made of."""
    x, y = eps("ee", n=41), eps("tautau", n=31)
    X, Y = grid(x, y)
    minima, chi2 = minima_over(X, Y), 40 * (X + 0.4 * Y)**2 + 25 * Y**2
    path = write_map(tmp_path_factory.mktemp("profiled") / "map.h5", (x, y), chi2, version=2, tile=16, minima=minima)
    return path, chi2, minima


def test_flags_and_values_are_read(made):
    path, _, minima = made
    m = open_map(path)
    assert np.array_equal(m.flags, minima.flags) and m.flags.dtype == np.uint8
    assert list(m.minimised) == [MU_U, MU_D, NUMBER] and list(m.profiled) == [MU_U, NUMBER]
    assert np.array_equal(m.profiled[MU_U], minima.values[MU_U])
    assert (m.minimised[MU_U].low, m.minimised[MU_U].high, m.minimised[NUMBER].units) == (-0.5, 0.5, "MeV")
    assert m.minimised[MU_D].long_name == r"$\varepsilon_{\mu \mu}^{dV}$"      # not stored: TeX of its name
    assert m.progress["points_proven"] == (minima.flags & PROVEN > 0).sum()


def test_lazy_maps_have_them_too(made):
    path, _, minima = made
    m, = open_maps(path)
    assert not m.is_read and list(m.minimised) == [MU_U, MU_D, NUMBER]
    assert np.array_equal(m.flags, minima.flags) and m.is_read
    m.let_go()
    assert np.array_equal(m.profiled[NUMBER], minima.values[NUMBER])


def test_maps_that_profile_nothing_have_none(tmp_path):
    x, y = eps("ee", n=11), eps("mumu", n=11)
    X, Y = grid(x, y)
    m = open_map(write_map(tmp_path / "plain.h5", (x, y), X**2 + Y**2, version=2))
    assert m.flags is None and m.profiled == {} and m.minimised == {}


def test_only_whole_tiles_count(tmp_path, made):
    _, chi2, minima = made
    x, y = eps("ee", n=41), eps("tautau", n=31)
    m = open_map(write_map(tmp_path / "part.h5", (x, y), chi2, version=2, tile=16, minima=minima, done=[0]))
    inside = np.zeros(chi2.shape, bool)
    inside[:16, :16] = True
    assert np.array_equal(m.flags, np.where(inside, minima.flags, 0))
    assert np.isnan(m.profiled[MU_U][~inside]).all() and np.array_equal(m.profiled[MU_U][inside], minima.values[MU_U][inside])


@pytest.mark.parametrize("field", ["flags", f"profiled_{MU_U}", f"profiled_{NUMBER}"])
def test_a_changed_value_is_noticed(tmp_path, made, field):
    _, chi2, minima = made
    path = write_map(tmp_path / "map.h5", (eps("ee", n=41), eps("tautau", n=31)), chi2, version=2, minima=minima)
    with h5py.File(path, "r+") as f:
        f[field][3, 4] = f[field][3, 4] + 1
    with pytest.raises(MapError, match="do not have their digests"):
        open_map(path)


def test_changed_bounds_are_noticed(tmp_path, made):
    _, chi2, minima = made
    path = write_map(tmp_path / "map.h5", (eps("ee", n=41), eps("tautau", n=31)), chi2, version=2, minima=minima)
    with h5py.File(path, "r+") as f:
        f["flags"].attrs["upper_bounds"] = np.array([0.5, 2, 0.75])
    with pytest.raises(MapError, match="description"):
        open_map(path)


def test_flags_that_do_not_say_what_they_are_of(tmp_path, made):
    _, chi2, minima = made
    path = write_map(tmp_path / "map.h5", (eps("ee", n=41), eps("tautau", n=31)), chi2, version=2, minima=minima)
    with h5py.File(path, "r+") as f:
        f["flags"].attrs["minimised_over"] = MU_U
        seal(f, 2)
    with pytest.raises(MapError, match="do not say what was minimised over"):
        open_map(path)


def test_numbers_of_points_are_part_of_the_hash_of_results(made):
    path, _, _ = made
    with h5py.File(path) as f:
        before = results_hash([f])
        with h5py.File("copy", "w", driver="core", backing_store=False) as g:
            f.copy("results", g)
            f.copy("flags", g, expand_refs=False, without_attrs=True)
            assert results_hash([g]) == before
            g["results/points_flat"][()] += 1
            assert results_hash([g]) != before


def test_members_have_their_own(tmp_path):
    value = Axis("value", np.linspace(-1, 1, 21))
    chi2 = np.stack([(value.values - 0.2)**2, 2 * value.values**2])
    first = np.stack([0.1 * value.values, -0.2 * value.values])
    minima = Minima({MU_U: (-0.5, 0.5)}, np.full((2, 21), PROVEN, "u1") + FLAT * np.array([[0], [1]], "u1"), {MU_U: first})
    m = open_map(write_members(tmp_path / "turn.h5", ("eps_ee_uV", "eps_ee_dV"), [value], chi2, version=2, minima=minima))
    one, other = m.members
    assert (one.flags == PROVEN).all() and (other.flags == PROVEN | FLAT).all()
    assert np.array_equal(other.profiled[MU_U], first[1])


def test_a_projection_keeps_what_was_minimised_over(made):
    path, _, minima = made
    m = open_map(path)
    turned, curve = project(m, m.names[::-1]), project(m, m.names[:1])
    assert np.array_equal(turned.flags, minima.flags.T) and np.array_equal(turned.profiled[MU_U], minima.values[MU_U].T)
    assert curve.flags is None and curve.profiled == {} and list(curve.minimised) == [MU_U, MU_D, NUMBER]


def test_frames_have_them(made):
    path, _, minima = made
    pytest.importorskip("pandas")
    frame = open_map(path).to_dataframe()
    assert np.array_equal(frame["flags"], minima.flags.ravel()) and f"profiled_{NUMBER}" in frame


def test_xarray_has_them(made):
    path, _, minima = made
    pytest.importorskip("xarray")
    data = open_map(path).to_xarray()
    assert data["flags"].attrs["flag_meanings"] == "proven at_bound flat"
    assert data[f"profiled_{NUMBER}"].attrs["units"] == "MeV" and np.array_equal(data[f"profiled_{MU_U}"], minima.values[MU_U])


# ------------------------------------------------------------------------------------------------------------------- figures

def words(fig):
    return " ".join(" ".join(text.split()) for text in texts(fig))


@pytest.mark.parametrize("script, more", [(plot_map, ()), (plot_profile, ("--parameter", "eps_ee_uV"))])
def test_figures_say_what_was_minimised_over(made, figure_of, script, more):  # noqa: F811
    said = words(figure_of(script, made[0], *more))
    assert rf"minimised over {TEX[MU_U]} within ±0.5" in said and "lar quenching c1 in [0.25, 0.75] MeV" in said


def test_one_note_for_all_maps_of_the_same(made, figure_of):  # noqa: F811
    said = words(figure_of(plot_map, made[0], made[0], "--labels", "one,other"))
    assert said.count("minimised over") == 1 and "one: minimised" not in said


def test_a_map_that_was_minimised_stands_beside_one_that_was_not(made, tmp_path, figure_of):  # noqa: F811
    x, y = eps("ee", n=41), eps("tautau", n=31)
    X, Y = grid(x, y)
    plain = write_map(tmp_path / "plain.h5", (x, y), 60 * (X + 0.4 * Y)**2 + 25 * Y**2, version=2)
    assert "one: minimised over" in words(figure_of(plot_map, made[0], plain, "--labels", "one,other"))


@pytest.mark.parametrize("field", ["flags", f"profiled_{MU_U}", f"profiled_{NUMBER}"])
def test_a_field_is_shown(made, figure_of, field):  # noqa: F811
    said = words(figure_of(plot_map, made[0], "--show", field))
    expected = {"flags": "proven, at a bound", f"profiled_{MU_U}": TEX[MU_U], f"profiled_{NUMBER}": "lar quenching c1 [MeV]"}
    assert expected[field] in said and "90% C.L." in said


@pytest.mark.parametrize("field, expected", [
    (f"profiled_{MU_D}", "are not stored"), ("profiled_x", f"there are flags, profiled_{MU_U}, profiled_{NUMBER}"), ("chi", "there are")])
def test_what_is_not_there_is_not_shown(made, tmp_path, field, expected):
    assert expected in complaint(command("plot_map.py", made[0], "--show", field, "-o", tmp_path / "f.pdf"))


def test_a_map_without_flags_shows_none(tmp_path, made):
    x, y = eps("ee", n=11), eps("mumu", n=11)
    X, Y = grid(x, y)
    plain = write_map(tmp_path / "plain.h5", (x, y), X**2 + Y**2, version=2)
    assert "nothing is profiled" in complaint(command("plot_map.py", plain, "--show", "flags", "-o", tmp_path / "f.pdf"))
    assert "one map" in complaint(command("plot_map.py", made[0], made[0], "--show", "flags", "-o", tmp_path / "f.pdf"))


# ------------------------------------------------------------------------------------------------- bounds and constraints in words

@pytest.fixture(scope="module")
def constrained(made, tmp_path_factory):
    """The same map; a profiled parameter, an axis and two pulls are constrained."""
    told = {"experiments": [{"experiment": "csi"}, {"experiment": "lar", "title": "LAr"}], "parameters": [
        {"name": "eps_ee_uV", "min": -0.5, "max": 0.5, "centre": 0.1, "sigma": 0.2}, {"name": MU_D, "profile": [-1, 1], "centre": 0, "sigma": 0.1}],
        "correlations": [{"of": ["csi.background", "lar.background"], "coefficient": -0.3}]}
    return write_map(tmp_path_factory.mktemp("constrained") / "map.h5", (eps("ee", n=41), eps("tautau", n=31)), made[1], version=2, tile=16,
                     minima=made[2], experiments="csi, lar", configuration=json.dumps(told))


def test_constraints_are_read(constrained, made):
    m = open_map(constrained)
    assert (m.minimised[MU_D].centre, m.minimised[MU_D].sigma) == (0, 0.1) and np.isnan(m.minimised[MU_U].sigma)
    assert note_of_roles(m) == (f"minimised over {MU_U} within ±0.5; {MU_D} within ±1; {NUMBER} in [0.25, 0.75] MeV; eps_ee_uV = 0.1 ± 0.2; "
                                f"{MU_D} = 0 ± 0.1; correlation of csi.background, lar.background: -0.3")
    assert "±" not in note_of_roles(open_map(made[0])).partition("MeV")[2]


@pytest.mark.parametrize("told", ["[1]", "{", '{"parameters": 3, "correlations": [4]}', '{"parameters": [{"name": 3, "sigma": "x"}], "planes": {}}'])
def test_a_configuration_that_is_none_constrains_nothing(tmp_path, made, told):
    path = write_map(tmp_path / "map.h5", (eps("ee", n=41), eps("tautau", n=31)), made[1], version=2, minima=made[2], configuration=told)
    assert note_of_roles(open_map(path)).endswith("MeV")


def test_maps_that_differ_in_a_constraint_say_so(constrained, made, figure_of):  # noqa: F811
    said = words(figure_of(plot_map, made[0], constrained, "--labels", "free,known"))
    assert said.count("minimised over") == 1 and "free:" not in said
    assert r"known: $\varepsilon_{ee}^{uV}$ = 0.1 ± 0.2; $\varepsilon_{\mu \mu}^{dV}$ = 0 ± 0.1; correlation of csi background, LAr background: −0.3" in said


def test_a_study_takes_the_role_of_what_a_plane_scans():
    told = json.dumps({"parameters": [{"name": "a", "profile": [0, 1], "sigma": 1}, {"name": "b", "value": 1}],
                       "planes": [[{"name": "a", "min": 0}, {"name": "c", "min": 0}]], "profiles": [{"name": "c"}]})
    assert "sigma" not in roles_of({"configuration": told}, ["c", "a"])["a"] and "sigma" in roles_of({"configuration": told}, ["c"])["a"]


@pytest.mark.parametrize("end", ["csv", "json", "h5"])
def test_contours_carry_the_note(constrained, tmp_path, end):
    done = command("export_contours.py", constrained, "-o", tmp_path / f"c.{end}", "--levels", "90")
    assert done.returncode == 0, done.stderr
    about = read_contours(str(tmp_path / f"c.{end}"))[0].about
    assert f"{MU_D} = 0 ± 0.1" in about["note"] and about["minimised"][1]["sigma"] == 0.1


def test_tables_carry_the_note(constrained):
    for script, more in (("areas.py", ()), ("intervals.py", ("--parameter", "eps_ee_uV")),
                         ("intervals.py", ("--parameter", "eps_ee_uV", "--format", "csv")), ("intervals.py", ("--parameter", "eps_ee_uV", "--json"))):
        assert f"{MU_D} = 0 " in command(script, constrained, *more).stdout


@pytest.mark.parametrize("name, long_name, expected", [
    ("lar.response.acceptance", r"$\epsilon$", r"LAr response $\epsilon$"), ("quenching.c1", "$c_1$", "quenching $c_1$"),
    ("coherent_csi.signal", r"$\mathrm{coherent\_csi.signal}$", "pull of coherent_csi signal"), ("lar.signal.nu_e", "", r"pull of LAr signal $\nu_e$"),
    ("eps_ee_uV", "$x$", "$x$")])
def test_names_of_numbers_and_pulls_are_words(name, long_name, expected):
    attrs = {"experiments": "coherent_csi, lar", "configuration": json.dumps({"experiments": [{"experiment": "lar", "title": "LAr"}]})}
    assert axis_in_figure(name, long_name, attrs) == expected


def test_lines_break_between_items(constrained):
    m = open_map(constrained)
    lines = wrapped(notes_of_minimised([m], [""])[0], 150, 7.5).split("\n")
    assert len(lines) > 3 and not any(line.rstrip(";").endswith(("within", "in", "=", "±", "0.1 ±")) for line in lines)
    assert "lar" not in [line.split(" ")[-1] for line in lines]


@pytest.mark.parametrize("field", ["flags", f"profiled_{MU_U}", f"profiled_{NUMBER}"])
def test_notes_lie_within_the_figure(constrained, figure_of, field):  # noqa: F811
    fig = figure_of(plot_map, constrained, "--show", field)
    note, = [t for t in fig.axes[0].texts if "minimised" in t.get_text()]
    box = note.get_window_extent()
    assert box.y1 <= fig.bbox.y1 and box.x0 >= 0 and box.x1 <= fig.bbox.x1


def test_colours_of_both_signs_are_centred_and_can_be_told_apart_in_grey():
    values = np.array([[-0.2, 0.1], [0.5, np.nan]])
    both, one = (colours_of_values(Shown("profiled_x", x, "", 0.0)) for x in (values, np.abs(values)))
    assert (both["vmin"], both["vmax"]) == (-0.5, 0.5) and one["vmin"] == 0.1
    grey = both["cmap"](np.linspace(0, 1, 50))[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) > 0).all() and grey[0] > 0.4


def test_flags_are_light_and_proven_ones_stronger(made, figure_of):  # noqa: F811
    grey = {byte: np.dot(colour_of_flags(byte), [0.299, 0.587, 0.114]) for byte in range(8)}
    assert min(grey.values()) > 0.45 and all(grey[byte | PROVEN] < grey[byte & ~PROVEN] for byte in range(8))
    m = open_map(made[0])
    inside = m.delta_chi2 <= delta_from_level(95, dof=2)
    share = 100 * (m.flags[inside] == PROVEN).mean()
    assert f" proven: {share:.0f}% ({100 * (m.flags == PROVEN).mean():.0f}%)" in words(figure_of(plot_map, made[0], "--show", "flags"))
