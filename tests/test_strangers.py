# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do to files, names and commands: nothing wrong is believed, nothing of others is lost."""
import json
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from e2e import BIN, axis, content_hash, run, run_json, scan, write_experiment, write_scan

AXES = [axis("eps_ee_uV", 21), axis("eps_mumu_uV", 21)]


def write_study(folder, name="study", **keys):
    study = {"study": name, "interaction": "nsi", "sets": [{"all_subsets_of": ["ess_csi", "ess_si"]}],
             "planes": [[axis("eps_ee_uV", 33), axis("eps_mumu_uV", 33)]], "profiles": [axis("eps_ee_dV", 41)],
             "tile": {"eps_ee_uV": 11, "eps_mumu_uV": 11, "eps_ee_dV": 8}, **keys}
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(study))
    return path


# --- repair ---------------------------------------------------------------------------------------------------------
def test_maps_that_were_exchanged_are_computed_anew(tmp_path):
    """With their digests: every tile has its own, and only the hash of the whole knows."""
    path, output = write_study(tmp_path), tmp_path / "study.h5"
    before = scan(path, output)["content_hash"]
    with h5py.File(output, "r+") as f:
        space = f["spaces/eps_ee_dV"]
        for name in ("chi2", "delta_chi2", "status"):
            space[name][[0, 1]] = space[name][()][[1, 0]]
        digests = space["tiles/digest"][()]
        digests[:, [0, 1]] = digests[:, [1, 0]]
        space["tiles/digest"][...] = digests
    found = run_json("verify", "--repair", output, "--json", code=3)
    assert found["repaired"] and "content hash" in found["wrong"] and len(found["different"]) == 6
    assert scan(path, output)["content_hash"] == before
    run("verify", "--all", output)


def test_a_changed_description_is_not_repaired(tmp_path):
    path, output = write_scan(tmp_path, ["ess_si"], AXES), tmp_path / "map.h5"
    before = scan(path, output)["content_hash"]
    with h5py.File(output, "r+") as f:
        f["eps_ee_uV"].attrs["long_name"] = "xx"
    done = run("verify", "--repair", output, code=3)
    assert "wrong: description" in done.stdout and "marked" not in done.stdout
    with h5py.File(output) as f:
        assert f["progress/complete"][()] == 1
    assert content_hash(output) == before


def test_changed_results_are_not_believed(tmp_path):
    path, output = write_scan(tmp_path, ["ess_si"], AXES), tmp_path / "map.h5"
    before = scan(path, output)["content_hash"]
    with h5py.File(output, "r+") as f:
        f["results/best_fit"][...] = [0.3, 0.3]
    assert "best fits" in run("run", path, "-o", output, code=2).stderr
    assert "best fits do not have their hash" in run("status", output).stdout
    assert "wrong: best fit" in run("verify", "--repair", output, code=3).stdout
    assert scan(path, output)["content_hash"] == before
    run("verify", output)


def test_a_reference_that_was_changed_is_called_so(tmp_path):
    path, output = write_scan(tmp_path, ["ess_si"], AXES), tmp_path / "map.h5"
    scan(path, output)
    with h5py.File(output, "r+") as f:
        f["results/chi2_reference"][...] = 1.0
    found = run_json("verify", output, "--json", code=3)
    assert found["damaged"] == [] and len(found["miscounted"]) == found["tiles"]
    assert "do not count from chi2_reference" in run("verify", output, code=3).stdout


# --- names ----------------------------------------------------------------------------------------------------------
def test_two_maps_of_one_name_are_refused(tmp_path):
    write_experiment(tmp_path, "toy")
    write_experiment(tmp_path, "toy@2")
    path = write_study(tmp_path, sets=[["toy"], ["toy@2"]], exposure_factors=[1, 2], planes=[], tile={"eps_ee_dV": 8})
    done = run("check", path, code=2)
    assert 'two maps would have the name "eps_ee_dV/toy@2"' in done.stderr


def test_nothing_of_a_file_that_is_not_ours_is_repeated(tmp_path):
    (tmp_path / "secret").write_text("hidden:x:0:0\nsecond line\n")
    error = run("check", tmp_path / "secret", code=2).stderr
    assert "neither a scan nor a study" in error and "hidden" not in error


def test_a_foreign_lock_and_a_foreign_layout_are_left_alone(tmp_path):
    path = write_scan(tmp_path, ["ess_si"], AXES)
    scan(path, tmp_path / "one.h5")
    shutil.copy(tmp_path / "one.h5", tmp_path / "map.h5.lock")
    before = (tmp_path / "map.h5.lock").read_bytes()
    assert "no lock of this program" in run("run", path, "-o", tmp_path / "map.h5", code=2).stderr
    assert (tmp_path / "map.h5.lock").read_bytes() == before
    shutil.copy(tmp_path / "one.h5", tmp_path / "other.h5.tmp")
    assert "rename it" in run("merge", tmp_path / "other.h5.tmp", "-o", tmp_path / "other.h5", code=2).stderr
    assert (tmp_path / "other.h5.tmp").read_bytes() == before


# --- commands -------------------------------------------------------------------------------------------------------
def test_ranks_that_do_different_things_end(tmp_path):
    path, output = write_scan(tmp_path, ["ess_si"], AXES), tmp_path / "map.h5"
    scan(path, output)
    one = ["-n", "1", str(BIN), "run", str(path), "-o", str(tmp_path / "new.h5")]
    for other in (["verify", str(output)], ["merge", str(output), "-o", str(tmp_path / "m.h5")]):
        done = subprocess.run(["mpirun", "--oversubscribe", *one, ":", "-n", "1", str(BIN), *other], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == 2, done.stderr
        assert not (tmp_path / "new.h5").exists()


@pytest.mark.parametrize("scale, low, high", [("linear", 0.05, 0.3), ("linear", -0.3, -0.05), ("log", 0.05, 0.3)])
def test_a_truth_beyond_the_range_is_no_best_fit(tmp_path, scale, low, high):
    """Delta chi2 counts from the minimum within the range, and a fixed parameter that moves a little moves it a little."""
    chi2 = []
    for value in (0, 1e-6):
        path = write_scan(tmp_path, ["ess_si"], [{"name": "eps_ee_uV", "min": low, "max": high, "points": 11, "scale": scale},
                                                 {"name": "eps_etau_uV", "value": value}])
        output = tmp_path / f"{value}.h5"
        summary = scan(path, output)
        chi2.append(summary["best_fit_chi2"])
        assert low <= summary["best_fit"]["eps_ee_uV"] <= high
        with h5py.File(output) as f:
            assert np.min(f["delta_chi2"][...]) > -1e-9
    assert chi2[0] == pytest.approx(chi2[1], rel=1e-3) and chi2[0] > 1e-3
