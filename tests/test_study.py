# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies: every map is that of its scan alone, whoever computes it, however often it is killed."""
import json
import random
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from e2e import BAD_INPUT, CONFIGS, mpi_command, refused, run, run_json, scan, write_scan
from whole_job import kill_job

ESS = ["ess_csi", "ess_si", "ess_ar"]
RANGE = {"min": -0.2, "max": 0.5}


def axis(name, points=33, **more):
    return {"name": name, **RANGE, "points": points, **more}


def study_file(folder, name="study", **keys):
    study = {"study": name, "interaction": "nsi", "sets": [{"all_subsets_of": ESS}],
             "planes": [[axis("eps_ee_uV"), axis("eps_mumu_uV")], [axis("eps_ee_uV", 40), axis("eps_ee_dV", 17)]],
             "profiles": [axis("eps_mumu_dV", 101)], **keys}
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps({k: v for k, v in study.items() if v is not None}, indent=1))  # which is YAML
    return path


def study(path, output, *args, ranks=None, **keywords):
    return run_json("study", path, "-o", output, "--json", *args, ranks=ranks, **keywords)


def maps_of(path):
    with h5py.File(path) as f:
        return [name.decode() for name in f["index/name"][...]]


def hash_of(path, name):
    with h5py.File(path) as f:
        return f[f"maps/{name}/progress/content_hash"][()].decode()


def check_against_scans(folder, output, names):
    """Each map's own configuration, run as a scan, gives the map: the same bits, and the same identity."""
    for k, name in enumerate(names):
        with h5py.File(output) as f:
            group = f[f"maps/{name}"]
            (folder / f"alone{k}.yaml").write_text(group.attrs["configuration"])
            identity, reference = group.attrs["configuration_hash"], group["progress/chi2_reference"][()]
            best = group["progress/best_fit"][...]
        summary = scan(folder / f"alone{k}.yaml", folder / f"alone{k}.h5")
        assert summary["content_hash"] == hash_of(output, name), name
        with h5py.File(folder / f"alone{k}.h5") as f:
            assert f.attrs["configuration_hash"] == identity
            assert f["progress/chi2_reference"][()] == pytest.approx(reference, rel=1e-12, abs=1e-12)
            np.testing.assert_allclose(f["progress/best_fit"][...], best, rtol=1e-6, atol=1e-9)


# --- the same as scans --------------------------------------------------------------------------------------------------
def test_maps_are_those_of_the_scans_alone(tmp_path):
    summary = study(study_file(tmp_path), tmp_path / "study.h5")
    names = maps_of(tmp_path / "study.h5")
    assert summary["complete"] and summary["maps"] == len(names) == 7 * 3
    assert names[0] == "eps_ee_uV,eps_mumu_uV/ess_csi" and names[6].endswith("/ess_csi+ess_si+ess_ar")
    check_against_scans(tmp_path, tmp_path / "study.h5", names)


def copy_of(folder, name, new, pulls):
    """An experiment's mapping under a new name, its pulls renamed."""
    scan_file = write_scan(folder, [name], [axis("eps_ee_uV", 3)], name="one.yaml")
    experiment = run_json("check", scan_file, "--json")["resolved"]["experiments"][0]
    experiment["experiment"] = new
    for pull in experiment["pulls"]:
        pull["name"] = pulls.get(pull["name"], pull["name"])
    return experiment


def test_shared_pulls_are_fitted_together(tmp_path):
    """Two experiments share their signal's pull; a third is on its own."""
    shared = {"ess_csi.signal": "flux", "ess_si.signal": "flux"}
    experiments = [copy_of(tmp_path, "ess_csi", "csi", shared), copy_of(tmp_path, "ess_si", "si", shared)]
    path = study_file(tmp_path, experiments=experiments, sets=[{"all_subsets_of": ["csi", "si", "ess_ar"]}], profiles=None)
    study(path, tmp_path / "study.h5")
    check_against_scans(tmp_path, tmp_path / "study.h5", maps_of(tmp_path / "study.h5")[:7])
    with h5py.File(tmp_path / "study.h5") as f:
        plane = f["maps/eps_ee_uV,eps_mumu_uV"]
        together = plane["csi+si/chi2"][...]
        assert np.max(np.abs(together - plane["csi/chi2"][...] - plane["si/chi2"][...])) > 0.1
        np.testing.assert_allclose(plane["csi+ess_ar/chi2"][...], plane["csi/chi2"][...] + plane["ess_ar/chi2"][...], rtol=1e-12, atol=1e-12)


def test_observed_data_and_slow_parameters(tmp_path):
    """Real data have a best fit of their own in each map; the mediator's mass folds the templates anew."""
    path = study_file(tmp_path, interaction="vector_universal", sets=[["xenonnt_8b"], ["pandax4t_us2_surrogate"], {
                          "name": "both", "experiments": ["xenonnt_8b", "pandax4t_us2_surrogate"]}],
                      planes=[[{"name": "mediator_mass_MeV", "min": 1, "max": 100, "points": 5, "scale": "log"},
                               {"name": "coupling", "min": 1e-6, "max": 1e-3, "points": 60, "scale": "log"}]],
                      profiles=[{"name": "sin2_theta_w", "min": 0.05, "max": 0.45, "points": 81}], data="observed")
    study(path, tmp_path / "study.h5")
    check_against_scans(tmp_path, tmp_path / "study.h5", maps_of(tmp_path / "study.h5"))


def test_exposures_are_a_factor_of_the_product(tmp_path):
    path = study_file(tmp_path, sets=[["ess_csi"], ["ess_csi", "ess_si"]], exposure_factors=[1, 4], planes=None)
    study(path, tmp_path / "study.h5")
    names = maps_of(tmp_path / "study.h5")
    assert names == ["eps_mumu_dV/" + s for s in ("ess_csi", "ess_csi+ess_si", "ess_csi@4", "ess_csi+ess_si@4")]
    check_against_scans(tmp_path, tmp_path / "study.h5", names)
    with h5py.File(tmp_path / "study.h5") as f:
        assert f["maps/eps_mumu_dV/ess_csi@4/delta_chi2"][0] > f["maps/eps_mumu_dV/ess_csi/delta_chi2"][0]


def test_the_resolved_study_is_the_study(tmp_path):
    path = study_file(tmp_path, without_pulls=["ess_si.signal"], parameters=[{"name": "eps_etau_uV", "value": 0.1}],
                      data={"asimov": {"eps_ee_uV": 0.05}})
    first = study(path, tmp_path / "first.h5")
    with h5py.File(tmp_path / "first.h5") as f:
        (tmp_path / "resolved.yaml").write_text(f.attrs["configuration"])
    assert study(tmp_path / "resolved.yaml", tmp_path / "second.h5")["content_hash"] == first["content_hash"]
    check_against_scans(tmp_path, tmp_path / "first.h5", ["eps_ee_uV,eps_mumu_uV/ess_csi+ess_si", "eps_mumu_dV/ess_ar"])


def test_the_reference_study_runs(tmp_path):
    summary = study(CONFIGS / "studies" / "reference.yaml", tmp_path / "study.h5")
    assert summary["maps"] == 8 * 3 * 2 and summary["points_failed"] == 0
    check_against_scans(tmp_path, tmp_path / "study.h5", ["eps_ee_uV,eps_ee_dV/both noble liquids@10", "eps_mumu_dV/ess_csi+ess_si"])


# --- whoever computes it ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return study(study_file(folder), folder / "study.h5", "--threads", "1")["content_hash"]


@pytest.mark.parametrize("ranks, threads", [(1, 3), (2, 1), (3, 1), (5, 1), (2, 3)])
def test_ranks_and_threads_do_not_change_a_bit(tmp_path, reference, ranks, threads):
    summary = study(study_file(tmp_path), tmp_path / "study.h5", "--threads", str(threads), ranks=ranks)
    assert summary["content_hash"] == reference


def test_killed_at_any_moment(tmp_path):
    """Five lives, each ended by SIGKILL: the file opens, what is marked as done is right, and the rest is added."""
    path = study_file(tmp_path, planes=[[axis("eps_ee_uV", 301), axis("eps_mumu_uV", 301)]])
    whole = study(path, tmp_path / "whole.h5")
    draw = random.Random(5)
    output = tmp_path / "study.h5"
    for life in range(5):
        job = subprocess.Popen(mpi_command(2 if life % 2 else None, "study", path, "-o", output, "-q"), stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + whole["seconds"] * draw.uniform(0.2, 1.2)
        while job.poll() is None and time.monotonic() < deadline:
            pass
        kill_job(job)
        if output.exists():
            check_done_tiles(output, tmp_path / "whole.h5")
    summary = study(path, output, ranks=3)
    assert summary["complete"] and summary["content_hash"] == whole["content_hash"]


def check_done_tiles(output, whole):
    with h5py.File(output) as f, h5py.File(whole) as right:
        for name in f["index/name"][...]:
            group, expected = f[f"maps/{name.decode()}"], right[f"maps/{name.decode()}"]
            done = group["tiles/done"][...] == 1
            assert np.array_equal(group["tiles/digest"][...][done], expected["tiles/digest"][...][done])


def tiles_done(output):
    try:
        with h5py.File(output) as f:
            return sum(int(f[f"maps/{name.decode()}/tiles/done"][...].sum()) for name in f["index/name"][...])
    except OSError:  # not there yet
        return 0


def test_stopped_by_a_signal_and_resumed(tmp_path):
    path = study_file(tmp_path, planes=[[axis("eps_ee_uV", 1501), axis("eps_mumu_uV", 1501)]], sets=[["ess_csi"], ["ess_si"]])
    output = tmp_path / "study.h5"
    job = subprocess.Popen(mpi_command(None, "study", path, "-o", output, "-q", "--threads", "1"))
    while job.poll() is None and tiles_done(output) == 0:
        pass
    job.send_signal(signal.SIGUSR1)
    assert job.wait() == 85
    assert 0 < tiles_done(output) < 2 * 256
    assert study(path, output, ranks=2)["content_hash"] == study(path, tmp_path / "whole.h5")["content_hash"]
    assert "already complete" in run("study", path, "-o", output).stdout


# --- what it says -------------------------------------------------------------------------------------------------------
def test_check_and_status_know_studies(tmp_path):
    path = study_file(tmp_path)
    said = run("check", path).stdout
    assert "21 maps" in said and "ess_csi+ess_si+ess_ar" in said
    checked = run_json("check", path, "--json")
    study(path, tmp_path / "study.h5")
    status = run_json("status", tmp_path / "study.h5", "--json")
    assert [m["name"] for m in status["maps"]] == checked["maps"] == maps_of(tmp_path / "study.h5")
    assert status["complete"] and all(m["complete"] for m in status["maps"]) and status["points"] == checked["points"]
    assert "21 maps, 21 complete" in run("status", tmp_path / "study.h5").stdout


def test_groups_are_maps_for_other_readers(tmp_path):
    study(study_file(tmp_path), tmp_path / "study.h5")
    with h5py.File(tmp_path / "study.h5") as f:
        group = f["maps/eps_ee_uV,eps_mumu_uV/ess_csi+ess_si"]
        assert [d[0].name.split("/")[-1] for d in group["chi2"].dims] == ["eps_ee_uV", "eps_mumu_uV"]
        assert group["chi2"].shape == (33, 33) and group.attrs["experiments"] == "ess_csi,ess_si" and group.attrs["title"] == "ess_csi + ess_si"
        assert f["index/experiments"][3] == b"ess_csi,ess_si" and f["index/axes"][3] == b"eps_ee_uV,eps_mumu_uV"
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    plane = xarray.open_dataset(tmp_path / "study.h5", group="maps/eps_ee_uV,eps_mumu_uV/ess_csi", engine="h5netcdf", phony_dims="sort")
    assert plane["chi2"].dims == ("eps_ee_uV", "eps_mumu_uV")


def test_commands_for_one_map_refuse_a_study(tmp_path):
    study(study_file(tmp_path), tmp_path / "study.h5")
    message = refused(tmp_path, "verify", "study.h5")
    assert "a study of many maps" in message


# --- bad input ----------------------------------------------------------------------------------------------------------
TWENTY = [f"x{k}" for k in range(20)]
BAD = {
    "unknown experiment": ({"sets": [["ess_cs"]]}, 'did you mean "ess_csi"'),
    "unknown kind of set": ({"sets": [{"pairs_off": ESS}]}, "pairs_of"),
    "two kinds of sets": ({"sets": [{"pairs_of": ESS, "all_subsets_of": ESS}]}, "expected one of"),
    "no set": ({"sets": []}, "an empty study"),
    "an empty set": ({"sets": [[]]}, "at least 1 experiment"),
    "pairs of one": ({"sets": [{"pairs_of": ["ess_csi"]}]}, "at least 2 experiments"),
    "no space": ({"planes": None, "profiles": None}, "an empty study"),
    "empty spaces": ({"planes": [], "profiles": []}, "an empty study"),
    "a set twice": ({"sets": [["ess_csi", "ess_si"], {"pairs_of": ["ess_si", "ess_csi"]}]}, "the same map twice"),
    "an experiment twice": ({"sets": [["ess_csi", "ess_csi"]]}, "given twice"),
    "two sets of one name": ({"sets": [{"name": "a", "experiments": ["ess_csi"]}, {"name": "a", "experiments": ["ess_si"]}]}, 'the name "a"'),
    "a slash in a name": ({"sets": [{"name": "a/b", "experiments": ["ess_csi"]}]}, "no slash"),
    "a plane twice": ({"planes": [[axis("eps_ee_uV"), axis("eps_mumu_uV")]] * 2}, "the same map twice"),
    "a plane with one parameter": ({"planes": [[axis("eps_ee_uV")]]}, "expected two scanned parameters, found 1"),
    "a plane with three": ({"planes": [[axis("eps_ee_uV"), axis("eps_mumu_uV"), axis("eps_ee_dV")]]}, "found 3"),
    "a profile of two": ({"profiles": [[axis("eps_ee_uV"), axis("eps_mumu_uV")]]}, "expected a parameter with its range"),
    "a profile that is fixed": ({"profiles": [{"name": "eps_ee_uV", "value": 0.1}]}, "expected one scanned parameter, found 0"),
    "an unknown parameter": ({"profiles": [axis("eps_ee_uW")]}, 'did you mean "eps_ee_uV"'),
    "each_of": ({"profiles": [{"each_of": ["eps_ee_uV", "eps_ee_dV"], **RANGE, "points": 9}]}, "no place in a study"),
    "a million maps": ({"sets": [{"all_subsets_of": TWENTY}]}, "3145725 maps (1048575 sets"),
    "an exposure twice": ({"exposure_factors": [2, 2]}, "the same map twice"),
    "no exposure": ({"exposure_factors": [0]}, "exposure_factors"),
    "exposures of data": ({"exposure_factors": [1, 2], "sets": [["xenonnt_8b"]], "data": "observed"}, "exposure that they have"),
    "an experiment in no set": ({"experiments": ["ess_xe"]}, "is in no set"),
    "an unknown key": ({"plane": []}, 'did you mean "planes"'),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_studies_are_refused(tmp_path, name):
    keys, says = BAD[name]
    study_file(tmp_path, **keys)
    message = refused(tmp_path, "study", "study.yaml", "-o", "study.h5")
    assert says in message and "study.yaml:" in message, message


def test_a_study_is_resumed_by_itself_only(tmp_path):
    study(study_file(tmp_path), tmp_path / "study.h5")
    study_file(tmp_path, "other", sets=[ESS])
    before = (tmp_path / "study.h5").read_bytes()
    refusal = run("study", tmp_path / "other.yaml", "-o", tmp_path / "study.h5", code=BAD_INPUT).stderr
    assert "holds another study" in refusal and (tmp_path / "study.h5").read_bytes() == before


def test_a_map_is_no_study_and_a_study_no_map(tmp_path):
    shutil.copy(CONFIGS / "scans" / "ess_si.yaml", tmp_path / "scan.yaml")
    scan(tmp_path / "scan.yaml", tmp_path / "map.h5")
    path = study_file(tmp_path)
    assert "not a cevscan study" in run("study", path, "-o", tmp_path / "map.h5", code=BAD_INPUT).stderr
    study(path, tmp_path / "study.h5")
    assert "a study of many maps" in run("run", tmp_path / "scan.yaml", "-o", tmp_path / "study.h5", code=BAD_INPUT).stderr
    assert "cevscan study" in run("run", path, "-o", tmp_path / "new.h5", code=BAD_INPUT).stderr
    assert "cevscan run" in run("study", tmp_path / "scan.yaml", "-o", tmp_path / "new.h5", code=BAD_INPUT).stderr
