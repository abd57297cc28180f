# SPDX-License-Identifier: GPL-3.0-or-later
"""The map as its readers see it: xarray, h5py, `cevscan status`, and anybody who recomputes its digests."""
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from cevscan_analysis import open_map
from e2e import (PENDING, axis, axis_names, content_hash, mpi_command, pull_names, run, run_json, scan, tile_boxes, tile_digest,
                 write_experiment, write_scan)

PARAMETERS = [axis("eps_ee_uV", 67), axis("eps_mumu_dV", 45), {"name": "eps_etau_uV", "value": 0.05}]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished map: (path, scan file, summary)."""
    folder = tmp_path_factory.mktemp("map")
    scan_file = write_scan(folder, ["ess_csi", "ess_si"], PARAMETERS, title="CsI + Si", store_pulls=True, tile=[16, 11])
    summary = scan(scan_file, folder / "map.h5", ranks=2)
    return folder / "map.h5", scan_file, summary


# --- xarray and h5py --------------------------------------------------------------------------------------------------
def test_xarray_sees_a_labelled_map(made):
    with xarray.open_dataset(made[0], engine="h5netcdf") as map_:
        assert dict(map_.sizes) == {"eps_ee_uV": 67, "eps_mumu_dV": 45}
        assert {"chi2", "delta_chi2", "status", "pull_ess_csi.signal", "pull_ess_si.background"} <= set(map_.data_vars)
        assert set(map_.coords) == {"eps_ee_uV", "eps_mumu_dV"}
        for variable in map_.data_vars.values():
            assert variable.dims == ("eps_ee_uV", "eps_mumu_dV")
        for name in [*map_.coords, *map_.data_vars]:
            assert map_[name].attrs["units"] == "1" and map_[name].attrs["long_name"]
        assert map_.coords["eps_ee_uV"].attrs["long_name"].startswith("$") and map_.attrs["title"] == "CsI + Si"
        best = map_["chi2"].sel(eps_ee_uV=0.0, eps_mumu_dV=0.0, method="nearest")
        assert float(best) < float(map_["chi2"].sel(eps_ee_uV=0.5, eps_mumu_dV=0.0, method="nearest"))


def test_xarray_slices_by_value(made):
    with xarray.open_dataset(made[0], engine="h5netcdf") as map_:
        window = map_["delta_chi2"].sel(eps_ee_uV=slice(-0.1, 0.1))
        assert 0 < window.sizes["eps_ee_uV"] < 67 and np.isfinite(window).all()


def groups_of(path):
    names = ["/"]
    with h5py.File(path) as h5:
        h5.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Group) else None)
    return names


def test_every_group_opens_in_xarray(made):
    """h5netcdf refuses datasets whose dimensions have no names."""
    found = {}
    for group in groups_of(made[0]):
        with xarray.open_dataset(made[0], engine="h5netcdf", group=group) as opened:
            found[group] = {name: variable.dims for name, variable in opened.variables.items()}
    assert found["tiles"] == {"done": ("tile",), "digest": ("tile", "byte")}
    assert found["results"]["best_fit"] == ("axis",) and found["results"]["best_fit_chi2"] == ()
    assert set(found["progress"].values()) == {()} and len(found["progress"]) == 11


def test_files_without_names_of_dimensions_are_read(tmp_path):
    """As earlier versions of the program wrote them: looked at, verified, and gone on with."""
    path = tmp_path / "map.h5"
    shutil.copy(Path(__file__).parent / "fuzz" / "corpus" / "map" / "without_scales.map", path)
    with h5py.File(path) as h5:
        (tmp_path / "scan.yaml").write_text(h5.attrs["configuration"])
        assert not len(h5["tiles/done"].dims[0])
    assert "12 ok" in run("status", path).stdout and "sound" in run("verify", path).stdout
    assert "already complete" in run("run", tmp_path / "scan.yaml", "-o", path).stdout
    assert np.isfinite(open_map(str(path)).chi2).all()


def test_layout(made):
    with h5py.File(made[0]) as h5:
        assert axis_names(h5) == ["eps_ee_uV", "eps_mumu_dV"]
        side = tuple(h5["tiles"].attrs["side"])
        assert side == (16, 11)
        for name in ["chi2", "delta_chi2", "status", *("pull_" + p for p in pull_names(h5))]:
            dataset = h5[name]
            assert dataset.shape == (67, 45) and dataset.chunks == side
            assert dataset.compression is None and not dataset.shuffle and not dataset.fletcher32
            assert dataset.dtype == ("u1" if name == "status" else "<f8")
            assert [dimension.keys() for dimension in dataset.dims] == [["eps_ee_uV"], ["eps_mumu_dV"]]
        assert h5py.h5ds.is_scale(h5["eps_ee_uV"].id) and h5["eps_ee_uV"].attrs["standard_model"] == 0
        assert h5["eps_ee_uV"].attrs["scale"] == "linear" and h5["eps_ee_uV"].attrs["description"]
        assert h5["eps_ee_uV"][0] == -0.2 and h5["eps_ee_uV"][-1] == 0.6
        meanings = dict(zip(h5["status"].attrs["flag_meanings"].split(), h5["status"].attrs["flag_values"]))
        assert meanings["pending"] == 0 and meanings["ok"] == 1 and len(meanings) >= 4


def test_attributes(made):
    path, scan_file, _ = made
    check = run_json("check", scan_file, "--json")
    with h5py.File(path) as h5:
        attributes = dict(h5.attrs)
        assert h5["progress/complete"][()] == 1
        assert re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", h5["progress/start"][()])
        assert h5["progress/start"][()] <= h5["progress/end"][()]
        assert h5["progress/sessions"][()] == 1 and h5["progress/ranks"][()] == 2
    assert attributes["format"] == "cevscan map" and attributes["format_version"] == 2
    assert attributes["title"] == "CsI + Si" and attributes["interaction"] == "nsi"
    assert attributes["axes"] == "eps_ee_uV,eps_mumu_dV" and attributes["experiments"] == "ess_csi,ess_si"
    assert json.loads(attributes["fixed_parameters"]) == {"eps_etau_uV": 0.05}
    assert attributes["configuration_hash"] == check["identity"]
    assert json.loads(attributes["configuration"]) == check["resolved"]
    assert "HDF5" in attributes["library_versions"] and "GSL" in attributes["library_versions"]
    version = run("--version").stdout
    assert attributes["program_version"] in version and attributes["git_commit"] in version


def test_the_configuration_is_a_scan_file(made, tmp_path):
    """What the map keeps suffices to make it again, without the experiment files, and is known as the same scan."""
    path, _, summary = made
    with h5py.File(path) as h5:
        (tmp_path / "again.yaml").write_text(h5.attrs["configuration"])
        identity = h5.attrs["configuration_hash"]
    assert run_json("check", tmp_path / "again.yaml", "--json")["identity"] == identity
    assert scan(tmp_path / "again.yaml", tmp_path / "again.h5")["content_hash"] == summary["content_hash"]
    assert "already complete" in run("run", tmp_path / "again.yaml", "-o", path).stdout


# --- digests ----------------------------------------------------------------------------------------------------------
def test_digests_can_be_recomputed(made):
    path, _, summary = made
    with h5py.File(path) as h5:
        boxes, pulls = list(tile_boxes(h5)), pull_names(h5)
        assert len(pulls) == 4 and len(boxes) == 5 * 5 == len(h5["tiles/done"])
        assert np.all(h5["tiles/done"][...] == 1)
        for box, stored in zip(boxes, h5["tiles/digest"][...]):
            assert tile_digest(h5, box, pulls) == stored.tobytes()
        whole = hashlib.sha256(h5["tiles/digest"][...].tobytes()).hexdigest()
    assert whole == summary["content_hash"] == content_hash(path) == run_json("status", path, "--json")["content_hash"]
    assert whole in run("status", path).stdout


def test_what_the_identity_depends_on(tmp_path):
    """Prose does not bear on numbers; everything else does."""
    def identity(**more):
        experiments, parameters = more.pop("experiments", ["ess_csi"]), more.pop("parameters", PARAMETERS)
        return run_json("check", write_scan(tmp_path, experiments, parameters, **more), "--json")["identity"]

    base = identity()
    assert identity(title="other words") == base and identity(citation="a paper") == base
    different = [identity(experiments=["ess_si"]), identity(parameters=PARAMETERS[:2]), identity(store_pulls=True),
                 identity(data={"asimov": {"eps_ee_uV": 0.1}}), identity(tile=[5, 5]),
                 identity(parameters=[axis("eps_ee_uV", 68), *PARAMETERS[1:]])]
    assert len({base, *different}) == 7


# --- status -----------------------------------------------------------------------------------------------------------
def test_status_of_a_finished_map(made):
    path, _, summary = made
    status = run_json("status", path, "--json")
    assert status["complete"] and status["tiles"] == status["tiles_done"] == 25
    assert status["points"] == 67 * 45 == status["point_status"]["ok"]
    assert status["best_fit"] == summary["best_fit"] and status["best_fit_chi2"] == summary["best_fit_chi2"]
    assert [a["name"] for a in status["axes"]] == ["eps_ee_uV", "eps_mumu_dV"] and status["wall_time_s"] > 0


def test_status_while_a_job_writes(tmp_path):
    """Polled until the job is caught in the middle; where it has not been yet, the map holds NaN."""
    scan_file = write_scan(tmp_path, ["ess_csi", "ess_si", "ess_ge"], [axis("eps_ee_uV", 3001), axis("eps_mumu_uV", 1001)])
    path, caught = tmp_path / "map.h5", []
    job = subprocess.Popen(mpi_command(None, "run", scan_file, "-o", path, "-q", "--threads", 1))
    try:
        while job.poll() is None:
            if not path.exists():
                continue
            status = run_json("status", path, "--json")
            if 0 < status["tiles_done"] < status["tiles"]:
                caught.append(status)
                check_unfinished(path)
                break
        assert caught, "the job was never seen at work"
        assert not caught[0]["complete"] and caught[0]["content_hash"] == ""
        counts = caught[0]["point_status"]
        assert sum(counts.values()) == caught[0]["points"] == 3001 * 1001 and counts["pending"] > 0
        assert "unfinished" in run("status", path).stdout or job.poll() is not None
    finally:
        job.kill()
        job.wait()


def check_unfinished(path):
    with h5py.File(path) as h5:
        done = h5["tiles/done"][...]
        for box, before in zip(tile_boxes(h5), done):
            if before:
                assert np.isfinite(h5["chi2"][box]).all() and (h5["status"][box] == 1).all()
                break
        last = list(tile_boxes(h5))[-1]
        values, status = h5["chi2"][last], h5["status"][last]
        if not h5["tiles/done"][-1]:
            assert np.isnan(values).all() and (status == PENDING).all()


def test_a_map_that_was_not_finished_holds_nan(tmp_path, interrupted):
    path, h5 = interrupted
    done = h5["tiles/done"][...]
    assert 0 < done.sum() < len(done)
    pending = [box for box, flag in zip(tile_boxes(h5), done) if not flag]
    # A tile may have been half written when the job died; with one thread that is one tile at most.
    untouched = [box for box in pending if np.isnan(h5["chi2"][box]).all() and np.isnan(h5["delta_chi2"][box]).all()]
    assert len(untouched) >= len(pending) - 1
    assert sum((h5["status"][box] == PENDING).all() for box in pending) >= len(pending) - 1
    for box, flag, digest in zip(tile_boxes(h5), done, h5["tiles/digest"][...]):
        assert not flag or tile_digest(h5, box) == digest.tobytes()


@pytest.fixture
def interrupted(tmp_path):
    """A map whose only rank was killed once some tiles were done."""
    scan_file = write_scan(tmp_path, ["ess_csi", "ess_si", "ess_ge"], [axis("eps_ee_uV", 2001), axis("eps_mumu_uV", 1001)])
    path = tmp_path / "map.h5"
    job = subprocess.Popen(mpi_command(None, "run", scan_file, "-o", path, "-q", "--threads", 1))
    while job.poll() is None and not (path.exists() and run_json("status", path, "--json")["tiles_done"]):
        pass
    job.kill()
    job.wait()
    with h5py.File(path) as h5:
        yield path, h5


def test_large_configurations_fit(tmp_path):
    """HDF5 attributes have a limit of 64 kB; a configuration must not."""
    edges = np.linspace(1, 100, 1001).tolist()
    toy = write_experiment(tmp_path, bins={"edges_keV": edges}, backgrounds=[{"name": "flat", "counts": [1.5] * 1000}])
    scan_file = write_scan(tmp_path, [str(toy)], [axis("eps_ee_uV", 3)], title="t" * 100_000)
    scan(scan_file, tmp_path / "map.h5")
    with h5py.File(tmp_path / "map.h5") as h5:
        assert len(h5.attrs["configuration"]) > 100_000 and h5.attrs["title"] == "t" * 100_000
    with xarray.open_dataset(tmp_path / "map.h5", engine="h5netcdf") as map_:
        assert map_.sizes["eps_ee_uV"] == 3


@pytest.mark.parametrize("text", ["Δχ² für CsI — «новый»", 'quotes "double" and \'single\'', "two\nlines", "back\\slash"])
def test_titles_survive(tmp_path, text):
    """On one line; the configuration keeps them as they are written."""
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 3)], title=text)
    scan(scan_file, tmp_path / "map.h5")
    with h5py.File(tmp_path / "map.h5") as h5:
        assert h5.attrs["title"] == text.replace("\n", " ") and json.loads(h5.attrs["configuration"])["title"] == text
    assert run_json("status", tmp_path / "map.h5", "--json")["attributes"]["title"] == text.replace("\n", " ")
