# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command: its help, its output in each format, where it looks for experiments, and what it says of bad flags."""
import json
import os
import re
import subprocess

import pytest

from e2e import ALL_ESS, BAD_INPUT, CONFIGS, REPO, axis, rates, refused, run, run_json, scan, select, write_experiment, write_scan

COMMANDS = ["run", "point", "rates", "spectra", "impacts", "check", "status", "verify", "merge", "describe", "bench"]


# --- help ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    done = run(command, "--help")
    assert done.stdout.startswith(f"Usage: cevscan {command}") and done.stderr == ""
    assert re.search(rf"Examples?:\s+(mpirun .*)?cevscan {command}", done.stdout)
    assert "--json" in done.stdout


@pytest.mark.parametrize("flag", ["--help", "-h", "help"])
def test_help(flag):
    text = run(flag).stdout
    assert all(re.search(rf"^  {command} ", text, re.MULTILINE) for command in COMMANDS)
    assert "Exit codes" in text and "CEVSCAN_PATH" in text


def test_version():
    assert re.fullmatch(r"cevscan \d+\.\d+\.\d+ \(\S+\)\n", run("--version").stdout)


@pytest.mark.parametrize("arguments", [["describe"], ["describe", "nsi", "--json"], ["point", *select("ess_ar")],
                                       ["rates", *select("ess_ar")], ["check", CONFIGS / "reference.yaml"]],
                         ids=lambda arguments: arguments[0])
def test_output_that_cannot_be_written(arguments):
    with open("/dev/full", "w") as full:
        done = run(*arguments, code=74, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert "cevscan: error" in done.stderr


# --- bad flags ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("arguments, says", [
    (["rnu"], 'did you mean "run"'),
    (["frobnicate"], "frobnicate"),
    (["--frobnicate"], "--frobnicate"),
    (["status", "none.h5"], "none.h5"),
    (["describe", "ess_cis"], 'did you mean "ess_csi"'),
    (["describe", "gausian"], 'did you mean "gaussian"'),
    (["bench", "none.yaml"], "none.yaml"),
    (["point", "--experiments", ""], "experiments"),
    (["point", "--experiments", "ess_csi,ess_cis"], 'did you mean "ess_csi"'),
    (["point", "--experiments", "ess_csi,ess_csi"], "twice"),
    (["point", "--experiments", "./ess_csi.yaml"], "./ess_csi.yaml"),
    (["point", "--experiments", "ess_csi", "--interaction", "nis"], 'did you mean "nsi"'),
    (["point", "--experiments", "ess_csi,caf\udce9"], "experiments"),
], ids=str)
def test_bad_choices(tmp_path, arguments, says):
    assert says in refused(tmp_path, *arguments)


@pytest.mark.parametrize("arguments, says", [
    (["run", "scan.yaml"], "-o"),
    (["run", "-o", "map.h5"], "scan or study file"),
    (["run", "scan.yaml", "-o", ""], "-o"),
    (["run", "scan.yaml", "-o"], "argument"),
    (["run", "scan.yaml", "-o", "map.h5", "--frobnicate"], "--frobnicate"),
    (["run", "scan.yaml", "scan.yaml", "-o", "map.h5"], "more than one"),
    (["run", "scan.yaml", "-o", "map.h5", "--threads", "0"], "--threads"),
    (["run", "scan.yaml", "-o", "map.h5", "--threads", "two"], "--threads"),
    (["run", "scan.yaml", "-o", "map.h5", "--threads", "99999999999999999999"], "--threads"),
    (["run", "scan.yaml", "-o", "map.h5", "--master", "sleeps"], "--master"),
    (["check"], "scan file"),
    (["check", "scan.yaml", "scan.yaml"], "more than one"),
    (["status"], "map"),
    (["describe", "a", "b"], "b"),
    (["bench", "--seconds", "0"], "--seconds"),
    (["point"], "--experiments"),
    (["point", "scan.yaml", "--experiments", "ess_csi"], "--experiments"),
    (["rates", "--experiments", "ess_csi", "--format", "xml"], "--format"),
], ids=str)
def test_bad_usage(tmp_path, arguments, says):
    """In one line, with where there is help."""
    write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5)])
    message = refused(tmp_path, *arguments)
    assert says in message and message.endswith(f"; see: cevscan {arguments[0]} --help")


@pytest.mark.parametrize("setting, says", [
    ("eps_eee_uV=0.1", 'did you mean "eps_ee_uV"'), ("eps_ee_uV", "PARAMETER=VALUE"), ("=0.1", "PARAMETER=VALUE"),
    ("eps_ee_uV=", "number"), ("eps_ee_uV=big", "number"), ("eps_ee_uV=0.1x", "number"), ("eps_ee_uV=nan", "number"),
    ("eps_ee_uV=inf", "number"), ("eps_ee_uV=1e99", "between"), ("x" * 200 + "=1", "PARAMETER=VALUE"), ("", "PARAMETER=VALUE")])
def test_bad_settings(tmp_path, setting, says):
    message = refused(tmp_path, "point", "--experiments", "ess_csi", "--set", setting)
    assert "--set" in message and says in message


# --- output -------------------------------------------------------------------------------------------------------------
def test_point():
    flags = select("ess_csi,ess_si", {"eps_ee_uV": 0.1, "eps_mumu_dV": -0.2})
    result = run_json("point", *flags, "--json")
    assert list(result)[:2] == ["chi2", "delta_chi2"] and result["status"] == "ok"
    assert set(result["pulls"]) == {f"{e}.{p}" for e in ("ess_csi", "ess_si") for p in ("signal", "background")}
    assert set(result["experiments"]) == {"ess_csi", "ess_si"} and len(result["experiments"]["ess_csi"]["bins"]) == 20
    text = run("point", *flags).stdout
    assert f"{result['chi2']:.6g}"[:7] in text and "ess_si.background" in text


def test_point_of_a_scan_file(tmp_path):
    scan_file = write_scan(tmp_path, ["ess_csi"], [axis("eps_ee_uV", 5), {"name": "eps_etau_uV", "value": 0.3}])
    result = run_json("point", scan_file, "--json")
    assert result["parameters"]["eps_etau_uV"] == 0.3 and result["parameters"]["eps_ee_uV"] == 0
    again = run_json("point", *select("ess_csi", {"eps_etau_uV": 0.3}), "--json")
    assert result["chi2"] == again["chi2"] and result["delta_chi2"] < again["delta_chi2"]
    last = run_json("point", scan_file, "--set", "eps_etau_uV=1", "--set", "eps_etau_uV=0", "--json")
    assert last["chi2"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("scan_file", sorted(CONFIGS.glob("scans/*.yaml")) + sorted(CONFIGS.glob("*.yaml")), ids=lambda p: p.name)
def test_check_of_what_is_shipped(tmp_path, scan_file):
    result = run_json("check", scan_file, "--json", cwd=tmp_path)
    text = run("check", scan_file, cwd=tmp_path).stdout
    assert result["identity"] in text and str(result["points"]) in text and result["core_seconds"] > 0
    assert result["file_bytes"] > result["points"] * 17 and result["memory_bytes"] > 0
    assert os.listdir(tmp_path) == []
    (tmp_path / "resolved.yaml").write_text(json.dumps(result["resolved"]))
    assert run_json("check", tmp_path / "resolved.yaml", "--json")["identity"] == result["identity"]


def test_reference_file_runs(tmp_path):
    summary = scan(CONFIGS / "reference.yaml", tmp_path / "reference.h5", ranks=2)
    assert summary["complete"] and summary["points_failed"] == 0


def test_reference_file_has_every_key():
    """Those of the tables of keys, and the parameters of every model that it chooses."""
    text = "".join((CONFIGS / name).read_text() for name in ("reference.yaml", "reference_roles.yaml", "studies/reference.yaml"))
    keys = {key for source in (REPO / "src" / "config").glob("*.c") for key in re.findall(r"CEV_KEY\(\w+, (\w+)", source.read_text())}
    models = {model["name"]: model for model in run_json("describe", "--json")["models"]}
    for name in ("pion_decay_at_rest", "gaussian", "gamma", "logistic", "gaussian_pulse", "solar_b8", "table", "klein_nystrand"):
        keys |= {parameter["name"] for parameter in models[name]["parameters"]}
    assert len(keys) > 60 and not [key for key in keys if not re.search(rf"\b{key}\b", text)]


def test_size_of_the_file_is_estimated(tmp_path):
    scan_file = write_scan(tmp_path, ["ess_csi"], [axis("eps_ee_uV", 601), axis("eps_mumu_uV", 401)], store_pulls=True)
    expected = run_json("check", scan_file, "--json")["file_bytes"]
    scan(scan_file, tmp_path / "map.h5")
    assert (tmp_path / "map.h5").stat().st_size == pytest.approx(expected, rel=0.15)


def test_run_and_status(tmp_path):
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 31)])
    done = run("run", scan_file, "-o", tmp_path / "map.h5")
    hash_ = run_json("status", tmp_path / "map.h5", "--json")["content_hash"]
    assert hash_ in done.stdout and "31 points" in done.stdout and "rank 0 works" in done.stderr
    assert run("run", scan_file, "-o", tmp_path / "quiet.h5", "-q").stdout == ""
    assert set(os.listdir(tmp_path)) == {"scan.yaml", "map.h5", "quiet.h5"}


def test_bench():
    result = run_json("bench", "--seconds", 1, "--json")
    assert result["bins"] == 80 and result["pulls"] == 4 and result["points_per_second_per_core"] > 0
    again = run_json("bench", "--seconds", 1, "--json")
    assert again["chi2_sum"] == result["chi2_sum"] > 0


def test_bench_lists_its_workloads_and_measures_one(tmp_path):
    names = [line.split()[0] for line in run("bench", "--list").stdout.splitlines()]
    assert names[0] == "reference" and {"counting", "shared_pulls", "folding", "startup", "scheduler", "tiles"} <= set(names)
    result = run_json("bench", "gaussian", "counting", "--json", "--repetitions", 1)
    assert [w["workload"] for w in result["workloads"]] == ["counting", "gaussian"]  # in the order of the list
    assert result["machine"]["level"] in ("baseline", "avx2", "avx512") and result["machine"]["peak_flops_per_second"] > 0
    folded = run_json("bench", "folding", "--json")["workloads"][0]["folded"]
    assert all(f["templates_s"] > 0 for f in folded) and folded[2]["anew_s"] > 0
    assert "reference" in run("bench", "referense", code=2).stderr
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 31)])
    assert run_json("bench", scan_file, "--json", "--repetitions", 2)["repetitions"] == 2
    assert "31" in str(run_json("bench", scan_file, "--json", "--seconds", 1)["points"])


def test_bench_writes_tiles_and_starts_scans(tmp_path):
    environment = dict(os.environ, TMPDIR=str(tmp_path))
    tiles, startup = (run_json("bench", name, "--json", env=environment)["workloads"][0] for name in ("tiles", "startup"))
    assert tiles["seconds_per_tile"] > 0 and startup["startup_s"] > 0
    assert not list(tmp_path.iterdir())
    scheduler = run_json("bench", "scheduler", "--json", ranks=3)["workloads"][0]
    assert scheduler["ranks"] == 3 and scheduler["master_s_per_request"] > 0


def test_describe():
    everything = run_json("describe", "--json")
    assert set(ALL_ESS) <= set(everything["experiments"])
    kinds = {model["kind"] for model in everything["models"]}
    assert kinds == {"interaction", "source", "form factor", "response", "quenching", "smearing", "efficiency", "beam"}
    text = run("describe").stdout
    for model in everything["models"]:
        assert model["title"] and model["citation"] and model["name"] in text
        namesakes = [other for other in everything["models"] if other["name"] == model["name"]]
        assert run_json("describe", model["name"], "--json") == (namesakes if len(namesakes) > 1 else model)
        own = run("describe", model["name"]).stdout
        assert all(p["name"] in own and p["help"] for p in model["parameters"])
    nsi = run_json("describe", "nsi", "--json")
    assert [p["name"] for p in nsi["parameters"]][12:] == ["sin2_theta_w", "recoil_term", "flux_b8", "neutron_radius_fm"]
    assert nsi["parameters"][0]["name"] == "eps_ee_uV" and {p["default"] for p in nsi["parameters"][:12]} == {0}
    assert len(run_json("describe", "constant", "--json")) == 2  # a quenching and an efficiency


@pytest.mark.parametrize("name", ALL_ESS)
def test_describe_experiment(name):
    described = run_json("describe", name, "--json")
    assert described["kind"] == "experiment" and described["title"] and os.path.exists(described["file"])
    assert described["bins"] == len(rates(name)[name]["edges_keV"]) - 1
    assert described["title"] in run("describe", name).stdout


# --- where experiments are found ------------------------------------------------------------------------------------------
def found(folder, name="ess_ar", env=None, **keywords):
    """Title of the experiment of that name, as a scan file in the folder sees it."""
    scan_file = write_scan(folder, [name], [axis("eps_ee_uV", 5)])
    resolved = run_json("check", scan_file, "--json", env={**os.environ, **(env or {})}, **keywords)["resolved"]
    return resolved["experiments"][0]["title"]


def test_lookup_in_its_order(tmp_path):
    """Beside the scan file, then $CEVSCAN_PATH, then what comes with the program."""
    places = {"beside": tmp_path, "below": tmp_path / "experiments", "path 1": tmp_path / "one", "path 2": tmp_path / "two/experiments"}
    for title, place in places.items():
        place.mkdir(parents=True, exist_ok=True)
        write_experiment(place, "ess_ar", title=title)
    env = {"CEVSCAN_PATH": f"{tmp_path / 'nowhere'}::{tmp_path / 'one'}:{tmp_path / 'two'}"}
    for title, place in places.items():
        assert found(tmp_path, env=env) == title
        (place / "ess_ar.yaml").unlink()
    assert "Scintillating argon" in found(tmp_path, env=env)


def test_paths_are_taken_from_the_folder_of_the_scan_file(tmp_path):
    (tmp_path / "mine").mkdir()
    write_experiment(tmp_path / "mine", "special", title="mine")
    assert found(tmp_path, "mine/special.yaml", cwd="/") == "mine"
    assert found(tmp_path, str(tmp_path / "mine" / "special.yaml"), cwd="/") == "mine"
    assert rates([tmp_path / "mine" / "special.yaml"], cwd="/")["special"]["signal_total"] > 0


def test_a_scan_file_may_be_called_as_its_experiment(tmp_path):
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5)], name="ess_ar.yaml")
    assert run_json("check", scan_file, "--json")["points"] == 5


def test_experiments_of_the_path_are_listed(tmp_path):
    write_experiment(tmp_path, "private")
    env = {**os.environ, "CEVSCAN_PATH": str(tmp_path)}
    assert "private" in run_json("describe", "--json", env=env)["experiments"]
    assert run_json("describe", "private", "--json", env=env)["file"].startswith(str(tmp_path))
    assert 'did you mean "private"' in refused(tmp_path, "rates", "--experiments", "pirvate", env=env)
