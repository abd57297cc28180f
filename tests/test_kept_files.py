# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of analysis/ destroy no file that they read, and lose no option that was given."""
import pathlib

import pytest
from synthetic_map import command, eps, grid, write_map, write_years


@pytest.fixture
def plane(tmp_path):
    x, y = eps("ee", -1, 1, 21), eps("mumu", -1, 1, 21)
    X, Y = grid(x, y)
    return pathlib.Path(write_map(tmp_path / "m.h5", [x, y], (X**2 + Y**2) * 50))


def refusal(done):
    assert done.returncode == 2 and done.stdout == "", done
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["m.h5", "other.h5", "other.csv", "other.json", "link.h5"])
def test_contours_replace_contours_alone(plane, tmp_path, name):
    target = tmp_path / name
    if name == "link.h5":
        target.symlink_to(plane)
    elif name != "m.h5":
        target.write_bytes(plane.read_bytes() if name.endswith("h5") else b"mine\n")
    before = target.read_bytes()
    assert "would be lost" in refusal(command("export_contours.py", plane, "-o", target))
    assert target.read_bytes() == before


@pytest.mark.parametrize("kind", ["csv", "json", "h5"])
def test_contours_are_replaced_by_contours(plane, tmp_path, kind):
    for level in (68, 90):
        assert command("export_contours.py", plane, "--levels", level, "-o", tmp_path / f"c.{kind}").returncode == 0


def test_figures_replace_no_input(plane, tmp_path):
    (tmp_path / "l.png").write_text("0 0\n1 1\n")
    line = refusal(command("plot_map.py", plane, "--limit", f"{tmp_path / 'l.png'},x", "-o", tmp_path / "l.png"))
    assert "is one of the files to read" in line and (tmp_path / "l.png").read_text() == "0 0\n1 1\n"
    before = plane.read_bytes()
    (tmp_path / "m.pdf").write_bytes(before)
    assert "is an HDF5 file" in refusal(command("plot_map.py", plane, "-o", tmp_path / "m.pdf"))
    for script in ("plot_map.py", "plot_panels.py"):
        assert "would be lost" in refusal(command(script, plane, "-o", plane)) and plane.read_bytes() == before


def test_a_measurement_ends_in_json(tmp_path):
    (tmp_path / "m.h5").write_bytes(b"map")
    assert "must end in .json" in refusal(command("measure_scaling.py", "-o", tmp_path / "m.h5"))


def test_a_template_is_not_written_over(tmp_path):
    (tmp_path / "scans").mkdir()
    (template := tmp_path / "scans" / "xenonnt_8b_scalar.yaml").write_text("mine\n")
    assert "lies where scan files are written" in refusal(command("light_mediators.py", "-o", tmp_path, "--template", template))
    assert template.read_text() == "mine\n"


# --------------------------------------------------------------------------------------------------------- options given twice

@pytest.mark.parametrize("script, words", [
    ("export_contours.py", ("--levels", "90", "--levels", "95")), ("export_contours.py", ("--delta", "1", "--delta", "2")),
    ("areas.py", ("--level", "90", "--level", "95")), ("plot_map.py", ("-o", "a.png", "--axes", "a,b", "--axes", "c,d")),
    ("plot_map.py", ("-o", "a.png", "--xlim", "0", "1", "--xlim", "0", "2")), ("plot_profile.py", ("-o", "a.png", "--title", "a", "--title", "b")),
    ("intervals.py", ("--parameter", "a", "--parameter", "b")), ("export_contours.py", ("-o", "a.csv", "-o", "b.csv"))])
def test_options_of_one_value_are_given_once(plane, script, words):
    assert "is given twice" in refusal(command(script, plane, *words))


def test_lists_are_joined_by_commas(plane):
    assert refusal(command("export_contours.py", plane, "--levels", "90", "--levels", "95")).endswith(
        "give it once, all its values with commas in between")


def test_areas_are_drawn_in_several_formats(tmp_path):
    study = write_years(tmp_path / "s.h5", n=31)
    done = command("areas.py", study, "--against", "years", "-o", tmp_path / "a.png", "-o", tmp_path / "a.pdf")
    assert done.returncode == 0 and all((tmp_path / f"a.{kind}").stat().st_size > 5000 for kind in ("png", "pdf"))


# ------------------------------------------------------------------------------------------------------------------- messages

@pytest.mark.parametrize("words, part", [(("--level", "0.9"), "did you mean 90?"), (("--level", "0.683"), "did you mean 68.3?"),
                                         (("--level", "90%"), "levels are in % already; write 90"), (("--level", "x"), "not a confidence level")])
def test_levels_are_in_percent(plane, words, part):
    assert part in refusal(command("areas.py", plane, *words))


def test_what_is_no_map_is_told_what_it_is(plane, tmp_path):
    (tmp_path / "s.yaml").write_text("scan: {}\n")
    assert "run it first: cevscan run" in refusal(command("plot_map.py", tmp_path / "s.yaml", "-o", tmp_path / "f.png"))
    for kind in ("csv", "json", "h5"):
        assert command("export_contours.py", plane, "-o", tmp_path / f"c.{kind}").returncode == 0
        line = refusal(command("plot_map.py", tmp_path / f"c.{kind}", "-o", tmp_path / "f.png"))
        assert f"plot_map.py MAP.h5 --limit {tmp_path / 'c'}.{kind}" in line


@pytest.mark.parametrize("text, part", [("0,5 1,2\n1 2\n", "l.txt:1: expected two numbers, x and y, but there are 4 words; if a comma stands"),
                                        ("x y\n1 2\n", "l.txt:1: not a number; a heading or remark begins with #")])
def test_limits_with_decimal_commas_and_headings(plane, tmp_path, text, part):
    (tmp_path / "l.txt").write_text(text)
    assert part in refusal(command("plot_map.py", plane, "--limit", tmp_path / "l.txt", "-o", tmp_path / "f.png"))


def test_a_parameter_of_planes_is_profiled_map_by_map(tmp_path):
    study = write_years(tmp_path / "s.h5", n=11)
    line = refusal(command("intervals.py", study, "--parameter", "eps_ee_uV"))
    assert "has no map of the parameter eps_ee_uV alone" in line and f"{study}:eps_ee_uV,eps_mumu_uV/csi@years=1" in line
    assert command("intervals.py", f"{study}:eps_ee_uV,eps_mumu_uV/csi@years=1", "--parameter", "eps_ee_uV").returncode == 0
