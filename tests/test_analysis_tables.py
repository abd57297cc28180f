# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of papers: booktabs, values with their sides, detector by coupling, and text as LaTeX takes it."""
import csv
import io
import re

import numpy as np
import pytest
from synthetic_map import command, complaint, eps, grid, signed_log, write_map, write_study

import cevscan_analysis
from cevscan_analysis.command import percentage
from cevscan_analysis.intervals import delta_from_level, level_text
from cevscan_analysis.typeset import latex_cell, latex_text, plain_table, with_sides


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Curves of two detectors and two couplings: two valleys, of which the first holds the best fit."""
    x, y = eps("ee", -1, 1, 201), eps("mumu", -1, 1, 201)
    wells = lambda a, s: ((a.values / 0.2 - 1)**2 - 1)**2 / s
    return write_study(tmp_path_factory.mktemp("t") / "s.h5", {"ee": ((x,), {"csi": wells(x, 0.05), "si": wells(x, 0.1)}),
                                                               "mumu": ((y,), {"csi": wells(y, 0.1), "si": wells(y, 0.2)})},
                       columns={"title": ["CsI at 50% & $\\nu$_e", "Si", "CsI at 50% & $\\nu$_e", "Si"]})


# ------------------------------------------------------------------------------------------------------------------ TeX

@pytest.mark.parametrize("text, tex", [
    ("a_b & 5% #1 {x}", r"a\_b \& 5\% \#1 \{x\}"), (r"$\nu_e$ & $\bar\nu$", r"$\nu_e$ \& $\bar\nu$"), ("5$ each", r"5\$ each"),
    (r"\$5 and \$6", r"\$5 and \$6"), ("a < b|c", r"a \textless{} b\textbar{}c"), ("CEνNS", r"CE$\nu$NS"), ("Λ ± σ²", r"$\Lambda$ $\pm$ $\sigma$$^{2}$"),
    ("λ", r"$\lambda$"), ("naïve", "naïve"), ("\\x", r"\textbackslash{}x"), ("~^", r"\textasciitilde{}\textasciicircum{}")])
def test_text(text, tex):
    assert latex_text(text) == tex


@pytest.mark.parametrize("text, tex", [
    ("$a & b$", r"\$a \& b\$"), ("5 $ & 6 $", r"5 \$ \& 6 \$"), ("$50%$", r"\$50\%\$"), (r"$50\%$", r"$50\%$"), (r"$a\\%$", r"\$a\textbackslash{}\textbackslash{}\%\$"),
    ("$x_$", r"\$x\_\$"), ("$a}{$", r"\$a\}\{\$"), (r"$\{a$", r"$\{a$"), ("$$", r"\$\$"), ("$x_{a$b}$", r"\$x\_\{a\$b\}\$"), ("a\x1b[1m\n", r"a\textbackslash{}x1b[1m\textbackslash{}n")])
def test_what_would_break_a_table_is_no_tex(text, tex):
    assert latex_text(text) == tex


def cells_of_tex(line):
    """By the signs that are not escaped."""
    return re.split(r"(?<!\\)&", line)


def test_signs_of_one_piece_of_a_label_have_no_partner_in_another(tmp_path):
    """Names of experiments, titles and labels of factors, each with a dollar sign of its own, between which others would stand bare."""
    x, y = eps("ee", -1, 1, 21), eps("mumu", -1, 1, 21)
    chi2 = 30 * sum(v**2 for v in grid(x, y))
    names = [r"weird$a_b&c%#d\{x}", "b$c", r"weird$a_b&c%#d\{x}+b$c"]
    maps = {f"{name}@{t}": (1 + 2 * ("+" in name)) * t * chi2 for name in names for t in (1, 3)}
    titles = {names[0]: "T, $x_ & 100% #1 {", names[1]: "~$5 ^", names[2]: "T, $x_ & 100% #1 { + ~$5 ^"}
    path = write_study(tmp_path / "s.h5", {"p": ((x, y), maps), "q": ((x,), {name: m[:, 10] for name, m in maps.items()})},
                       columns={"t": ["1", "3"] * 6, "title": [titles[name] for _ in range(2) for name in names for t in (1, 3)]},
                       factors={"t": r"s_ys & %$ \ "})
    for script, words, n in (("areas.py", ["--rank"], 7), ("areas.py", [], 6), ("areas.py", ["--against", "t"], 7), ("intervals.py", [], 4),
                             ("areas.py", ["--labels", "a$b,c&d,$e & f$,g\x1b,$h,i"], 6)):
        lines = command(script, path, "--format", "latex", *words).stdout.splitlines()
        body = lines[lines.index(r"\midrule") + 1:lines.index(r"\bottomrule")]
        assert body and {len(cells_of_tex(line)) for line in body} == {n}, (script, words, body)
        for line in body:
            label = cells_of_tex(line)[0]
            assert not re.search(r"(?<!\\)[%#$_]", label) and "\x1b" not in label and \
                len(re.findall(r"(?<!\\)\{", label)) == len(re.findall(r"(?<!\\)\}", label)), label


@pytest.mark.parametrize("text, tex", [("-0.5", "$-0.5$"), ("1.2e-05", r"$1.2 \times 10^{-5}$"), ("3.4", "3.4"), ("-1e+06", r"$-1 \times 10^{6}$"),
                                       ("1-2", "1-2"), ("x_1", r"x\_1")])
def test_numbers_in_cells(text, tex):
    assert latex_cell(text) == tex


def test_the_same_words_in_each_format():
    lines = [["map", "a|b %"], ["x_1, y", "-1e-05"]]
    assert plain_table(lines, "markdown").splitlines()[2] == r"| x_1, y | -1e-05 |" and r"a\|b %" in plain_table(lines, "markdown")
    assert list(csv.reader(io.StringIO(plain_table(lines, "csv")))) == lines
    tex = plain_table(lines, "latex")
    assert r"x\_1, y & $-1 \times 10^{-5}$ \\" in tex and all(rf"\{rule}rule" in tex for rule in ("top", "mid", "bottom"))
    assert r"\hline" not in tex and tex.startswith(r"% needs \usepackage{booktabs}")


# ---------------------------------------------------------------------------------------------------------------- sides

def test_value_with_sides():
    axis = lambda values, scale: cevscan_analysis.Axis("x", "1", "x", "", scale, 0.0, values)
    x, g = axis(np.linspace(-1, 1, 21), "linear"), axis(np.geomspace(1e-7, 1e-2, 11), "log")
    assert with_sides(x, 0.229, 0.099, 0.088, 3) == "0.229 +0.088 -0.099"
    assert with_sides(x, 0.229, 0.099, 0.088, 3, tex=True) == "0.229^{+0.088}_{-0.099}"
    assert with_sides(x, -0.0001, 0.05, 0.1, 3, marks=("*", "")) == "0.000 +0.100 -0.050*"
    assert with_sides(g, 2.29e-5, 9.9e-6, 8.8e-6, 2, tex=True) == r"(2.29^{+0.88}_{-0.99}) \times 10^{-5}"
    assert with_sides(g, 2.29e-5, 9.9e-6, 8.8e-6, 2) == "(2.29 +0.88 -0.99)e-05"


def test_sides_of_the_interval_that_holds_the_best_fit(study):
    plain, sides = ({row["map"]: row for row in csv.DictReader(io.StringIO(command("intervals.py", study, "--format", "csv", *more).stdout))
                     if row["low"].startswith("-")} for more in ([], ["--sides"]))
    for name, row in sides.items():
        assert float(row["best_fit"]) - float(row["minus"]) == pytest.approx(float(plain[name]["low"]), abs=1e-3)
        assert float(row["best_fit"]) + float(row["plus"]) == pytest.approx(float(plain[name]["high"]), abs=1e-3)
    tex = command("intervals.py", study, "--format", "latex", "--sides").stdout
    assert r"$0.000^{+0.041}_{-0.034} \cup [0.359, 0.434]$" in tex
    assert "| 0.000 +0.041 -0.034 ∪ [0.359, 0.434] |" in command("intervals.py", study, "--sides").stdout


def test_sides_of_scales_stay_intervals(tmp_path):
    x = signed_log(half=400)
    path = write_map(tmp_path / "l.h5", [x], (300 / x.values)**4)
    assert "∞" in command("intervals.py", path, "--sides").stdout and "+" not in command("intervals.py", path, "--sides").stdout


# ---------------------------------------------------------------------------------------------------------------- pivot

def test_detector_by_coupling(study):
    head, *rows = csv.reader(io.StringIO(command("intervals.py", study, "--pivot", "--format", "csv").stdout))
    assert head == ["map, 90 %", "eps_ee_uV", "eps_mumu_uV"] and [row[0] for row in rows] == ["CsI at 50% & $\\nu$_e", "Si"]
    long = {(row["map"], row["parameter"]): row for row in csv.DictReader(io.StringIO(command("intervals.py", study, "--format", "csv").stdout))}
    assert rows[1][2].endswith(f"{long['mumu/si', 'eps_mumu_uV']['high']}]")
    tex = command("intervals.py", study, "--pivot", "--format", "latex").stdout
    assert r"map, 90\,\% & $\varepsilon_{ee}^{uV}$ & $\varepsilon_{\mu\mu}^{uV}$ \\" in tex and r"CsI at 50\% \& $\nu$\_e & $[" in tex
    assert len(re.findall(r"\\(?:top|mid|bottom)rule", tex)) == 3


def test_several_cuts_labels_and_what_is_missing(study):
    done = command("intervals.py", study, "--pivot", "--level", "68", "--level", "90", "--labels", "A, B", "--labels", "C")
    assert "| map  | eps_ee_uV, 68 %" in done.stdout and "| A, B |" in done.stdout
    some = command("intervals.py", study, "--pivot", "--only", "Si", "--format", "csv", "--parameter", "eps_ee_uV").stdout
    assert [row[0] for row in csv.reader(io.StringIO(some))] == ["map, 90 %", "Si"]
    assert "names 1 lines, but there are 2: CsI" in complaint(command("intervals.py", study, "--pivot", "--labels", "A"))
    bad = command("intervals.py", study, "--pivot", "--json")
    assert bad.returncode == 2 and "--pivot goes with neither" in bad.stderr


def test_scales_have_their_bound_in_a_pivot(tmp_path):
    x = signed_log(half=400)
    path = write_map(tmp_path / "l.h5", [x], (300 / x.values)**4)
    bound = next(csv.DictReader(io.StringIO(command("intervals.py", path, "--format", "csv").stdout)))["lower_bound"]
    assert f"| > {bound} |" in " ".join(command("intervals.py", path, "--pivot").stdout.split())


def test_sets_and_values_are_chosen(study):
    done = command("intervals.py", study, "--set", "si", "--format", "csv")
    assert {row["map"] for row in csv.DictReader(io.StringIO(done.stdout))} == {"ee/si", "mumu/si"}
    assert "--set: no set ge; there are csi, si" in complaint(command("intervals.py", study, "--set", "ge"))


# --------------------------------------------------------------------------------------------------------------- levels

@pytest.mark.parametrize("dof, percent, delta", [
    (1, 99.99999999999999, 68.27644304675299), (2, 99.99999999999999, 72.97988098349116), (1, 1e-90, 1.5707963267948966e-184),
    (2, 1e-90, 2e-92), (1, 0.3, 1.4137233561391897e-05 * (1 + 2.3e-15)), (2, 50, 2 * np.log(2))])
def test_levels_next_to_their_ends(dof, percent, delta):
    """Against scipy's quantiles of chi2."""
    assert delta_from_level(percent, dof) == pytest.approx(delta, rel=1e-12)


def test_levels_are_monotonous_where_the_formula_changes():
    for dof in (1, 2):
        values = [delta_from_level(p, dof) for p in (0.9999999, 1, 1.0000001, 49.9999999, 50, 50.0000001)]
        assert values == sorted(values) and all(abs(b / a - 1) < 5e-7 for a, b in zip(values, values[1:]) if b < 1.1 * a)


def test_levels_keep_their_digits(study):
    assert [level_text(p) for p in (90, 95.45, 99.99999999999999, 1e-5)] == ["90", "95.45", "99.99999999999999", "1e-05"]
    assert "| 99.99999999999999 % " in command("intervals.py", study, "--level", "99.99999999999999").stdout


@pytest.mark.parametrize("text, part", [("99.999999999999999999", "as near as numbers go it is 100"), ("1e-400", "as near as numbers go it is 0"),
                                        ("1e-101", "the least is 1e-100"), ("100", "is not between 0 and 100 %"), ("nan", "is not between")])
def test_levels_that_are_no_numbers(text, part):
    with pytest.raises(Exception, match=re.escape(part)):
        percentage(text)


def test_values_of_delta_that_can_not_be(study):
    for text in ("1e-300", "1e301", "inf", "0"):
        done = command("intervals.py", study, "--delta", text)
        assert done.returncode == 2 and "is not a positive number" in done.stderr
