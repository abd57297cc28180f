# SPDX-License-Identifier: GPL-3.0-or-later
"""How configurations are read as YAML: merge keys, numbers, booleans, texts, encodings."""
import json

import pytest

from e2e import axis, refused, run, run_json, scan_config

HEAD = "scan: s\ninteraction: nsi\nparameters: [{name: eps_ee_uV, min: -0.2, max: 0.6, points: 3}]\n"


def resolved(folder, text):
    (folder / "scan.yaml").write_text(HEAD + text, encoding="utf-8")
    return run_json("check", folder / "scan.yaml", "--json")["resolved"]


def refusal(folder, text):
    (folder / "scan.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return refused(folder, "check", "scan.yaml")


# --- merge keys ---------------------------------------------------------------------------------------------------------
def pulls_of(folder, items):
    text = "experiments:\n  - experiment: mine\n    base: ess_csi\n    pulls:\n" + "".join(f"      - {item}\n" for item in items)
    return resolved(folder, text)["experiments"][0]["pulls"][2:]


@pytest.mark.parametrize("merging, expected", [
    ("<<: *one", {"sigma": 0.1, "scales": ["signal"]}),
    ("sigma: 0.3, <<: *one", {"sigma": 0.3, "scales": ["signal"]}),     # its own keys count more, wherever they stand
    ("<<: *one, sigma: 0.3", {"sigma": 0.3, "scales": ["signal"]}),
    ("<<: [*one, *two]", {"sigma": 0.1, "scales": ["signal"]}),         # and the first more than the second
    ("<<: [*two, *one]", {"sigma": 0.2, "scales": ["steady"]}),
    ("<<: [{sigma: 0.4}, *one]", {"sigma": 0.4, "scales": ["signal"]}),
    ("<<: *both", {"sigma": 0.2, "scales": ["signal"]}),                # what is merged may merge
])
def test_merge_keys(tmp_path, merging, expected):
    first = ["&one {name: a, sigma: 0.1, scales: [signal]}", "&two {name: b, sigma: 0.2, scales: [steady]}",
             "&both {name: c, sigma: 0.2, <<: *one}"]
    assert pulls_of(tmp_path, [*first, f"{{name: d, {merging}}}"])[3] == {"name": "d", **expected}


@pytest.mark.parametrize("text, says", [
    ("citation: {<<: 3}\n", 'key "<<": expected a mapping to merge, or a list of some; found 3'),
    ("citation: {<<: [[a]]}\n", 'key "<<": expected a mapping to merge, or a list of some; found a list'),
    ("citation: &a {<<: *a}\n", "an alias of this is inside of it"),
    ("citation: {<<: {a: 1}, <<: {b: 1}}\n", 'key "<<" is given twice'),
    ("citation:\n - &a {" + ", ".join(f"k{k}: 1" for k in range(2000)) + "}\n" + " - {<<: *a}\n" * 600, "merging makes more than a million"),
])
def test_merge_keys_that_are_refused(tmp_path, text, says):
    assert says in refusal(tmp_path, HEAD + "experiments: [ess_csi]\n" + text)


def test_a_quoted_merge_key_is_a_key_like_others(tmp_path):
    assert resolved(tmp_path, "experiments: [ess_csi]\ncitation: {'<<': {a: x}}\n")["citation"] == {"<<": {"a": "x"}}


def test_a_mapping_of_very_many_keys_is_merged_at_once(tmp_path):
    """Looking each of 200 000 keys up among all the others would take minutes."""
    keys = ", ".join(f"k{k}: x" for k in range(200_000))
    merged = resolved(tmp_path, f"experiments: [ess_csi]\ncitation: [&a {{{keys}}}, {{<<: *a, k7: y}}]\n")["citation"][1]
    assert len(merged) == 200_000 and merged["k7"] == "y" and merged["k199999"] == "x"


# --- numbers and booleans -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("written, says", [
    ("010", "found 010, which is octal to some readers of YAML: leave out the zeros in front"),
    ("-007", "leave out the zeros in front"),
    ("00.5", "leave out the zeros in front"),
    ("0x10", "found 0x10; write it as a decimal number"),
    ("0o10", "write it as a decimal number"),
    ("1_000", "found 1_000; write it without underscores"),
    ("1,5", "expected a number, found 1,5; a decimal comma? Write 1.5"),
    ("-0,25e1", "a decimal comma? Write -0.25e1"),
    ("1,000", "with a decimal point, and without commas"),      # or a thousand
    ("1,000,000", "with a decimal point, and without commas"),
    ("\u22120.2", "it begins with U+2212, a minus sign: write - (U+002D)"),
    ("\u20130.2", "it begins with U+2013, an en dash: write - (U+002D)"),
    ("'3'", "found 3, which quotes make a text: leave them out"),
    ("yes", "expected a number, found yes; write 1"),
    (".inf", "expected a finite number, found .inf"),
    ("nan", "expected a finite number, found nan"),
    ("1e999", "expected a finite number"),
    ("1e", "expected a number, found 1e"),
    ("[1]", "expected a number, found a list"),
])
def test_what_is_no_number(tmp_path, written, says):
    text = HEAD + f"experiments:\n  - experiment: mine\n    base: ess_csi\n    source:\n      years: {written}\n"
    assert says in refusal(tmp_path, text)


@pytest.mark.parametrize("written, value", [("10", 10), ("1e1", 10), ("+10", 10), ("10.", 10), (".5", 0.5), ("0.5", 0.5), ("5E-1", 0.5)])
def test_what_is_a_number(tmp_path, written, value):
    text = f"experiments: [{{experiment: mine, base: ess_csi, source: {{years: {written}}}}}]\n"
    assert resolved(tmp_path, text)["experiments"][0]["source"]["years"] == value


@pytest.mark.parametrize("written, value", [("true", True), ("True", True), ("YES", True), ("on", True), ("no", False), ("Off", False), ("FALSE", False)])
def test_booleans(tmp_path, written, value):
    assert resolved(tmp_path, f"experiments: [ess_csi]\nstore_pulls: {written}\n")["store_pulls"] is value


@pytest.mark.parametrize("written, says", [("1", "found 1"), ("'true'", "found true in quotes, which is a text"), ("tRue", "found tRue"), ("[true]", "found a list")])
def test_what_is_no_boolean(tmp_path, written, says):
    assert f'key "store_pulls": expected true or false, {says}' in refusal(tmp_path, HEAD + f"experiments: [ess_csi]\nstore_pulls: {written}\n")


@pytest.mark.parametrize("parameter, at, says", [
    ("{name: eps_ee_uV, min: -0.2, max: 0,6, points: 3}", "0,6", 'key "max": a decimal comma? Write 0.6'),
    ("{name: eps_ee_uV, min: -0,25, max: 0.6, points: 3}", "-0,25", 'key "min": a decimal comma? Write -0.25'),
    ("{name: eps_ee_uV, points: 3, min: -0.2, max: 0,6}", "0,6", 'key "max": a decimal comma? Write 0.6'),
])
def test_decimal_commas_between_braces(tmp_path, parameter, at, says):
    message = refusal(tmp_path, f"scan: s\ninteraction: nsi\nexperiments: [ess_csi]\nparameters:\n  - {parameter}\n")
    assert f"scan.yaml:5:{parameter.index(at) + 5}: {says}" in message


@pytest.mark.parametrize("text", ["experiments:\n\t- ess_csi\n", "experiments:\n  - experiment: a\n    base: ess_csi\n    source:\n\t  years: 3\n",
                                  "experiments:\n  - experiment: a\n    base: ess_csi\n \t  source: {}\n"])
def test_tabs_are_no_indentation(tmp_path, text):
    assert ": a tab; indent with spaces" in refusal(tmp_path, HEAD + text)
    assert "a tab" not in refusal(tmp_path, HEAD + text.replace("\t", "  ").replace("ess_csi", "]"))


@pytest.mark.parametrize("text", ["experiments: [ess_csi ess_si]\n",
                                  "experiments: [{experiment: a, base: ess_csi, pulls: [{name: p, sigma: 1, scales: [signal steady]}]}]\n"])
def test_missing_commas(tmp_path, text):
    message = refusal(tmp_path, HEAD + text)
    assert "a comma is missing?" in message and "has no pull" not in message


@pytest.mark.parametrize("text, says", [
    (HEAD + "sets: [[ess_csi]]\n", 'scan.yaml:4:1: key "sets" is one of studies, and this is a scan: a study begins with "study:"'),
    (HEAD + "experiments: [ess_csi]\nplanes: []\n", 'key "planes" is one of studies'),
    (HEAD.replace("scan: s", "study: s") + "experiments: [ess_csi]\n", 'a scan begins with "scan:" in place of "study:"'),
    (HEAD.replace("scan: s", "study: s") + "sets: [[ess_csi]]\nexposure_factor: 2\n", 'key "exposure_factor" is one of scans'),
])
def test_scans_and_studies_are_told_apart(tmp_path, text, says):
    assert says in refusal(tmp_path, text)


# --- texts --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("written, title", [
    (">\n  a long title\n  on two lines\n", "a long title on two lines"),
    ("|\n  on\n  two lines\n", "on two lines"),
    (">+\n  with\n\n  all newlines\n\n", "with all newlines"),
    ('"with\\ta tab\\n"', "with a tab"),
    ("plain", "plain"),
    ('"two  spaces"', "two  spaces"),
])
def test_titles_have_one_line(tmp_path, written, title):
    (tmp_path / "scan.yaml").write_text(HEAD + f"experiments: [ess_csi]\ntitle: {written}\n")
    first = run("check", tmp_path / "scan.yaml").stdout.splitlines()[0]
    assert first == f"scan s: {title}"


def test_names_in_block_style_are_names(tmp_path):
    (tmp_path / "scan.yaml").write_text(HEAD.replace("interaction: nsi", "interaction: >\n  nsi") + "experiments: [ess_csi]\n")
    assert run_json("check", tmp_path / "scan.yaml", "--json")["resolved"]["interaction"] == "nsi"


def test_other_encodings_are_refused_at_their_place(tmp_path):
    message = refusal(tmp_path, "# D\u00e9tecteur\nscan: s\ntitle: Caf\u00e9\n".encode("latin-1"))
    assert "scan.yaml:1:4: " in message and "0xE9 is not UTF-8; is the file in Latin-1? Save it as UTF-8" in message
    message = refusal(tmp_path, "scan: s\ntitle: caf\u00e9 ".encode() + b"\xe9\n")
    assert "scan.yaml:2:13: " in message       # columns are of characters
    message = refusal(tmp_path, b"scan: s\ntitle: a\x01b\n")
    assert "scan.yaml:2:9: not valid YAML: control characters" in message


@pytest.mark.parametrize("key, written, says", [
    ("interaction", ["nsi"], "expected the name of a known interaction, found a list"),
    ("interaction", {"name": "nsi"}, "expected the name of a known interaction, found a mapping"),
    ("interaction", "vector_univ", 'did you mean "vector_universal"?'),
    ("experiments", [["ess_csi"]], "expected the name or the path of an experiment, or its mapping; found a list"),
    ("scan", ["x"], 'key "scan": expected a text, found a list'),
    ("data", ["observed"], "expected the name of a known kind of data, found a list"),
])
def test_where_a_name_belongs(tmp_path, key, written, says):
    config = {**scan_config(["ess_csi"], [axis("eps_ee_uV", 3)]), key: written}
    (tmp_path / "scan.yaml").write_text(json.dumps(config))
    assert says in refused(tmp_path, "check", "scan.yaml")
