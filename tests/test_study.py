# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies: every map is that of its scan alone, whoever computes it, however often it is killed."""
import hashlib
import json
import random
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from e2e import (BAD_INPUT, CONFIGS, IMPOSSIBLE, OK, STOPPED, MapOfStudy, maps_of, mpi_command, refused, run, run_json, scan,
                 write_experiment, write_scan)
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


def scan_of(path, name):
    """Text of the scan file of one map."""
    return run("check", path, "--map", name).stdout


def check_against_scans(folder, study_path, output, names):
    """The scan file of each map gives the map: the same bits, and the same best fit."""
    with h5py.File(output) as f:
        for k, name in enumerate(names):
            (folder / f"alone{k}.yaml").write_text(scan_of(study_path, name))
            summary = scan(folder / f"alone{k}.yaml", folder / f"alone{k}.h5")
            mine = MapOfStudy(f, name)
            assert summary["content_hash"] == mine["results/content_hash"].decode(), name
            with h5py.File(folder / f"alone{k}.h5") as alone:
                compare_results(mine, alone)


def compare_results(mine, alone):
    for field in ("chi2", "status"):
        assert mine[field].tobytes() == alone[field][...].tobytes()
    np.testing.assert_allclose(mine["delta_chi2"], alone["delta_chi2"], rtol=1e-12, atol=1e-12)
    for what in ("chi2_reference", "best_fit_chi2"):
        np.testing.assert_allclose(mine[f"results/{what}"], alone[f"results/{what}"], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(mine["results/best_fit"], alone["results/best_fit"], rtol=1e-6, atol=1e-9)


# --- the same as scans --------------------------------------------------------------------------------------------------
def test_maps_are_those_of_the_scans_alone(tmp_path):
    path = study_file(tmp_path)
    summary = study(path, tmp_path / "study.h5")
    names = maps_of(tmp_path / "study.h5")
    assert summary["complete"] and summary["maps"] == len(names) == 7 * 3
    assert names[0] == "eps_ee_uV,eps_mumu_uV/ess_csi" and names[6].endswith("/ess_csi+ess_si+ess_ar")
    check_against_scans(tmp_path, path, tmp_path / "study.h5", names)


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
    check_against_scans(tmp_path, path, tmp_path / "study.h5", maps_of(tmp_path / "study.h5")[:7])
    with h5py.File(tmp_path / "study.h5") as f:
        chi2 = {name: MapOfStudy(f, f"eps_ee_uV,eps_mumu_uV/{name}")["chi2"] for name in ("csi", "si", "csi+si", "ess_ar", "csi+ess_ar")}
    assert np.max(np.abs(chi2["csi+si"] - chi2["csi"] - chi2["si"])) > 0.1
    np.testing.assert_allclose(chi2["csi+ess_ar"], chi2["csi"] + chi2["ess_ar"], rtol=1e-12, atol=1e-12)


def test_observed_data_and_slow_parameters(tmp_path):
    """Real data have a best fit of their own in each map; the mediator's mass folds the templates anew."""
    path = study_file(tmp_path, interaction="vector_universal", sets=[["xenonnt_8b"], ["pandax4t_us2"], {
                          "name": "both", "experiments": ["xenonnt_8b", "pandax4t_us2"]}],
                      planes=[[{"name": "mediator_mass_MeV", "min": 1, "max": 100, "points": 5, "scale": "log"},
                               {"name": "coupling", "min": 1e-6, "max": 1e-3, "points": 60, "scale": "log"}]],
                      profiles=[{"name": "sin2_theta_w", "min": 0.05, "max": 0.45, "points": 81}], data="observed")
    study(path, tmp_path / "study.h5")
    check_against_scans(tmp_path, path, tmp_path / "study.h5", maps_of(tmp_path / "study.h5"))


def test_exposures_are_a_factor_of_the_product(tmp_path):
    path = study_file(tmp_path, sets=[["ess_csi"], ["ess_csi", "ess_si"]], exposure_factors=[1, 4], planes=None)
    study(path, tmp_path / "study.h5")
    names = maps_of(tmp_path / "study.h5")
    assert names == ["eps_mumu_dV/" + s for s in ("ess_csi", "ess_csi+ess_si", "ess_csi@4", "ess_csi+ess_si@4")]
    check_against_scans(tmp_path, path, tmp_path / "study.h5", names)
    with h5py.File(tmp_path / "study.h5") as f:
        more, once = (MapOfStudy(f, f"eps_mumu_dV/{name}")["delta_chi2"] for name in ("ess_csi@4", "ess_csi"))
    assert more[0] > once[0]


def test_the_resolved_study_is_the_study(tmp_path):
    path = study_file(tmp_path, without_pulls=["ess_si.signal"], parameters=[{"name": "eps_etau_uV", "value": 0.1}],
                      data={"asimov": {"eps_ee_uV": 0.05}})
    first = study(path, tmp_path / "first.h5")
    with h5py.File(tmp_path / "first.h5") as f:
        (tmp_path / "resolved.yaml").write_text(f.attrs["configuration"])
    assert study(tmp_path / "resolved.yaml", tmp_path / "second.h5")["content_hash"] == first["content_hash"]
    check_against_scans(tmp_path, path, tmp_path / "first.h5", ["eps_ee_uV,eps_mumu_uV/ess_csi+ess_si", "eps_mumu_dV/ess_ar"])


def test_the_reference_study_runs(tmp_path):
    path = CONFIGS / "studies" / "reference.yaml"
    summary = study(path, tmp_path / "study.h5")
    assert summary["maps"] == 8 * 4 * (2 * 2 * 2) and summary["points_failed"] == 0
    check_against_scans(tmp_path, path, tmp_path / "study.h5", ["eps_ee_uV,eps_ee_dV/both noble liquids@exposure=10,systematics=1,years=3",
                                                            "eps_mumu_dV/ess_csi+ess_si@exposure=1,systematics=0.2,years=6"])


# --- whoever computes it ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return study(study_file(folder), folder / "study.h5", "--threads", "1")["content_hash"]


@pytest.mark.parametrize("ranks, threads", [(1, 1), (1, 3), (2, 1), (3, 1), (5, 1), (2, 3), (5, 3)])
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
        for name, space in f["spaces"].items():
            done = space["tiles/done"][...] == 1
            assert np.array_equal(space["tiles/digest"][...][done], right[f"spaces/{name}/tiles/digest"][...][done])


def tiles_done(output):
    try:
        with h5py.File(output) as f:
            return sum(int(space["tiles/done"][...].sum()) for space in f["spaces"].values())
    except OSError:  # not there yet
        return 0


def test_stopped_by_a_signal_and_resumed(tmp_path):
    path = study_file(tmp_path, planes=[[axis("eps_ee_uV", 1501), axis("eps_mumu_uV", 1501)]], sets=[["ess_csi"], ["ess_si"]])
    output = tmp_path / "study.h5"
    job = subprocess.Popen(mpi_command(None, "study", path, "-o", output, "-q", "--threads", "1"))
    while job.poll() is None and tiles_done(output) == 0:
        pass
    job.send_signal(signal.SIGUSR1)
    assert job.wait() == STOPPED
    assert 0 < tiles_done(output) < run_json("check", path, "--json")["tiles"]
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
    assert "21 maps in 3 spaces" in run("status", tmp_path / "study.h5").stdout


def test_spaces_are_labelled_arrays_for_other_readers(tmp_path):
    study(study_file(tmp_path), tmp_path / "study.h5")
    with h5py.File(tmp_path / "study.h5") as f:
        space = f["spaces/eps_ee_uV,eps_mumu_uV"]
        assert f.attrs["format"] == "cevscan study" and f.attrs["format_version"] == 2
        assert [d[0].name.split("/")[-1] for d in space["chi2"].dims] == ["map", "eps_ee_uV", "eps_mumu_uV"]
        assert space["chi2"].shape == (7, 33, 33) and space["map"][3] == b"ess_csi+ess_si"
        assert f["index/experiments"][3] == b"ess_csi,ess_si" and f["index/axes"][3] == b"eps_ee_uV,eps_mumu_uV"
        assert f["index/name"][3] == b"eps_ee_uV,eps_mumu_uV/ess_csi+ess_si" and f["index/title"][3] == b"ess_csi + ess_si"
        assert set(f["index"]) == {"name", "axes", "experiments", "title", "set", "exposure_factor"}
        assert f["index/set"][3] == b"ess_csi+ess_si" and f["index"].attrs["factors"] == ""
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    plane = xarray.open_dataset(tmp_path / "study.h5", group="spaces/eps_ee_uV,eps_mumu_uV", engine="h5netcdf", phony_dims="sort")
    assert plane["chi2"].dims == ("map", "eps_ee_uV", "eps_mumu_uV")


def test_a_set_is_where_its_experiments_are(tmp_path):
    """Events where none can be, in one experiment: its sets are impossible there, others are not."""
    target = {"mass_kg": 10, "form_factor": "point",
              "nuclei": [{"name": "H", "protons": 1, "neutrons": 0, "mass_u": 40}]}
    write_experiment(tmp_path, "void", target=target, backgrounds=None, pulls=None)
    write_experiment(tmp_path, "toy")
    zero = -(0.5 - 2 * 0.23867) / 2  # of 1/2 - 2 s^2 + 2 eps: no signal at all
    path = study_file(tmp_path, sets=[{"all_subsets_of": ["./void.yaml", "./toy.yaml"]}], profiles=None,
                      planes=[[{"name": name, "values": [-0.5, zero, 0, 0.5]} for name in ("eps_ee_uV", "eps_mumu_uV")]])
    study(path, tmp_path / "study.h5", ranks=2)
    with h5py.File(tmp_path / "study.h5") as f:
        for name in maps_of(tmp_path / "study.h5"):
            status, chi2 = MapOfStudy(f, name)["status"], MapOfStudy(f, name)["chi2"]
            impossible = "void" in name.rsplit("/", 1)[1]
            assert status[1, 1] == (IMPOSSIBLE if impossible else OK) and np.isposinf(chi2[1, 1]) == impossible, name
            assert (status == OK).sum() == np.isfinite(chi2).sum() == 16 - impossible
    check_against_scans(tmp_path, path, tmp_path / "study.h5", maps_of(tmp_path / "study.h5"))


# --- digests and hashes, by the definition in map.h ---------------------------------------------------------------------
def sha256(*parts):
    return hashlib.sha256(b"".join(parts))


def pulls_of(f, name):
    """The pulls of a map's own experiments, in the order of first mention."""
    experiments = {x["experiment"]: x for x in json.loads(f.attrs["configuration"])["experiments"]}
    own = f["index/experiments"][maps_of(f.filename).index(name)].decode().split(",")
    return list(dict.fromkeys(pull["name"] for x in own for pull in experiments[x].get("pulls", [])))


def check_digests(f, name, store_pulls):
    mine = MapOfStudy(f, name)
    for tile, box in enumerate(mine.boxes()):
        parts = [mine["chi2"][box].astype("<f8").tobytes(), mine["status"][box].tobytes()]
        parts += [mine[f"pull_{pull}"][box].astype("<f8").tobytes() for pull in pulls_of(f, name) if store_pulls]
        assert sha256(*parts).digest() == mine.digests()[tile].tobytes(), (name, tile)
    text = sha256(mine.digests().tobytes()).hexdigest()
    assert mine["results/content_hash"].decode() == text
    return text


@pytest.mark.parametrize("store_pulls", [False, True])
@pytest.mark.parametrize("ranks", [None, 2])
def test_hashes_can_be_recomputed(tmp_path, store_pulls, ranks):
    path = study_file(tmp_path, store_pulls=store_pulls, tile={"eps_ee_uV": 16, "eps_mumu_uV": 9, "eps_mumu_dV": 13})
    summary = study(path, tmp_path / "study.h5", ranks=ranks)
    with h5py.File(tmp_path / "study.h5") as f:
        texts = [check_digests(f, name, store_pulls) for name in maps_of(tmp_path / "study.h5")]
        assert len(set(texts)) == len(texts)
        whole = sha256(*(text.encode() for text in texts)).hexdigest()
        assert f["progress/content_hash"][()].decode() == whole == summary["content_hash"]


@pytest.mark.parametrize("sets", [["ess_csi", "ess_si"], ["ess_ge", "ess_si"]])
def test_the_first_map_is_in_the_hash_of_its_study(tmp_path, sets):
    """Two studies that differ in their first map only."""
    hashes = []
    for first in ("ess_ar", "ess_xe"):
        path = study_file(tmp_path, sets=[[first], *([x] for x in sets)], planes=None)
        hashes.append(study(path, tmp_path / f"{first}.h5")["content_hash"])
        with h5py.File(tmp_path / f"{first}.h5") as f:
            texts = f["spaces/eps_mumu_dV/results/content_hash"][...]
        assert hashes[-1] == sha256(*texts).hexdigest()
    assert hashes[0] != hashes[1]


# --- what scans can ------------------------------------------------------------------------------------------------------
def test_pulls_are_those_of_the_scans_alone(tmp_path):
    path = study_file(tmp_path, store_pulls=True, tile={"eps_ee_uV": 16, "eps_mumu_uV": 9, "eps_mumu_dV": 13})
    study(path, tmp_path / "study.h5")
    names = maps_of(tmp_path / "study.h5")
    check_against_scans(tmp_path, path, tmp_path / "study.h5", names[:7:3] + names[-1:])
    with h5py.File(tmp_path / "study.h5") as f:
        for k, name in enumerate(names[:7:3] + names[-1:]):
            mine = MapOfStudy(f, name)
            with h5py.File(tmp_path / f"alone{k}.h5") as alone:
                assert mine.digests().tobytes() == alone["tiles/digest"][...].tobytes()
                for pull in [x for x in mine.space if x.startswith("pull_")]:
                    if pull in alone:
                        assert mine[pull].tobytes() == alone[pull][...].tobytes()
                    else:
                        assert np.isnan(mine[pull]).all()


def test_parameters_in_turn_are_those_of_the_scans_alone(tmp_path):
    """Each map has a best fit of each parameter."""
    path = study_file(tmp_path, planes=None, sets=[["coherent_csi"], ["xenonnt_8b"]], data="observed", interaction="eft",
                      profiles=[{"each_of": ["C1_u_e", "C1_d_mu", "C2_u_e"], "min": -1e-6, "max": 3e-6, "points": 31}])
    study(path, tmp_path / "study.h5", ranks=2)
    names = maps_of(tmp_path / "study.h5")
    assert len(names) == 2
    check_against_scans(tmp_path, path, tmp_path / "study.h5", names)
    run("verify", "--all", tmp_path / "study.h5")


TILES = {"eps_ee_uV": 11, "eps_mumu_uV": 9, "eps_mumu_dV": 13, "eps_ee_dV": 7}


@pytest.mark.parametrize("n", [1, 3])
def test_shards_join_to_the_whole(tmp_path, n):
    path = study_file(tmp_path, tile=TILES)
    whole = study(path, tmp_path / "study.h5")
    tiles = run_json("status", tmp_path / "study.h5", "--json")["tiles"]
    shards = [tmp_path / f"shard{k + 1}.h5" for k in range(n)]
    for k, shard in enumerate(shards):
        study(path, shard, "--shard", f"{k + 1}/{n}", ranks=2 if k == 1 else None)
    assert sum(run_json("status", shard, "--json")["tiles_done"] for shard in shards) == tiles
    if n > 1:
        run("merge", *shards[1:], "-o", tmp_path / "part.h5", code=STOPPED)
        assert study(path, tmp_path / "part.h5")["content_hash"] == whole["content_hash"]
    run("merge", *shards[::-1], "-o", tmp_path / "joined.h5")
    check_same_spaces(tmp_path / "joined.h5", tmp_path / "study.h5")
    run("verify", "--all", tmp_path / "joined.h5")


def check_same_spaces(one, other):
    with h5py.File(one) as a, h5py.File(other) as b:
        assert a["progress/content_hash"][()] == b["progress/content_hash"][()]
        for name, space in b["spaces"].items():
            for key, dataset in space.items():
                if isinstance(dataset, h5py.Dataset):
                    assert a[f"spaces/{name}/{key}"][...].tobytes() == dataset[...].tobytes(), (name, key)
            for key in ("chi2_reference", "best_fit_chi2", "content_hash", "points_failed"):
                assert np.array_equal(a[f"spaces/{name}/results/{key}"], space[f"results/{key}"]), (name, key)


# --- damage ----------------------------------------------------------------------------------------------------------------
PLANE = "spaces/eps_ee_uV,eps_mumu_uV"


def unfinish(f, tiles):
    """As a job that was killed: the first tiles of the first plane are done, and no more is known of the whole."""
    f["progress/complete"][()] = 0
    f["progress/content_hash"][()] = b""
    for space in f["spaces"].values():
        space["tiles/done"][...] = 0
    f[f"{PLANE}/tiles/done"][:tiles] = 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    path = study_file(folder, tile=TILES, store_pulls=True)
    return path, folder / "study.h5", study(path, folder / "study.h5")["content_hash"]


@pytest.mark.parametrize("name, value", [("chi2", 1e-3), ("delta_chi2", 1e-3), ("status", 2), ("pull_ess_si.signal", 0.5)])
@pytest.mark.parametrize("ranks", [None, 2])
def test_damage_is_found_and_repaired(tmp_path, whole, name, value, ranks):
    path, right, content_hash = whole
    output = tmp_path / "study.h5"
    shutil.copy(right, output)
    with h5py.File(output, "r+") as f:
        f[f"{PLANE}/{name}"][3, 12, 2] = value  # tile 4 of the space, in which each row has four
    found = run_json("verify", "--json", output, code=3, ranks=ranks)
    assert not found["sound"] and found["damaged"] + found["miscounted"] == [4]
    assert "tile 4 of eps_ee_uV,eps_mumu_uV, points 11..21 x 0..8" in run("verify", output, code=3).stdout
    run("verify", "--repair", output, code=3)
    status = run_json("status", output, "--json")
    assert not status["complete"] and status["tiles_done"] == status["tiles"] - len(found["damaged"])
    assert study(path, output, ranks=ranks)["content_hash"] == content_hash
    check_same_spaces(output, right)
    run("verify", "--all", output)


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("name, value", [("chi2", np.nan), ("pull_ess_si.signal", 0.5), ("tiles/digest", 7)])
def test_a_damaged_tile_of_an_unfinished_study_is_computed_anew(tmp_path, whole, ranks, name, value):
    path, right, content_hash = whole
    output = tmp_path / "study.h5"
    shutil.copy(right, output)
    with h5py.File(output, "r+") as f:
        unfinish(f, 8)
        f[f"{PLANE}/{name}"][(4, 3, 5) if name == "tiles/digest" else (3, 12, 2)] = value
    done = run("study", path, "-o", output, ranks=ranks)
    assert done.stderr.count("is damaged: it is computed anew") == 1 and "tile 4 of eps_ee_uV,eps_mumu_uV" in done.stderr
    assert run_json("status", output, "--json")["content_hash"] == content_hash
    check_same_spaces(output, right)


def test_a_forged_tile_is_found_by_computing_it(tmp_path, whole):
    """Wrong numbers with the right digests and hashes."""
    output = tmp_path / "study.h5"
    shutil.copy(whole[1], output)
    with h5py.File(output, "r+") as f:
        space, m = f[PLANE], 2
        space["chi2"][m, 12, 2] = 1e-3
        space["delta_chi2"][m, 12, 2] = 1e-3 - space["results/chi2_reference"][m]
        mine = MapOfStudy(f, maps_of(output)[m])
        parts = [mine["chi2"], mine["status"], *(mine[f"pull_{p}"] for p in pulls_of(f, maps_of(output)[m]))]
        box = mine.boxes()[4]
        digest = sha256(*(part[box].tobytes() for part in parts)).digest()
        space["tiles/digest"][4, m] = np.frombuffer(digest, "u1")
        space["results/content_hash"][m] = sha256(mine.digests().tobytes()).hexdigest().encode()
        texts = [MapOfStudy(f, name)["results/content_hash"] for name in maps_of(output)]
        f["progress/content_hash"][()] = sha256(*texts).hexdigest().encode()
    found = run_json("verify", "--all", "--json", output, code=3)
    assert found["different"] == [4] and found["damaged"] == []


@pytest.mark.parametrize("what", ["content_hash", "chi2_reference", "best_fit_chi2", "best_fit", "points_failed"])
def test_what_a_study_says_of_its_maps_is_verified(tmp_path, whole, what):
    output = tmp_path / "study.h5"
    shutil.copy(whole[1], output)
    with h5py.File(output, "r+") as f:
        at = f[f"{PLANE}/results/{what}"]
        at[1] = at[2] if what == "content_hash" else at[1] + 0.25 if what != "points_failed" else 3
    assert not run_json("verify", "--json", output, code=3)["sound"]


# --- other files ---------------------------------------------------------------------------------------------------------
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
    assert "one is a scan and the other a study" in run("study", path, "-o", tmp_path / "map.h5", code=BAD_INPUT).stderr
    study(path, tmp_path / "study.h5")
    assert "one is a scan and the other a study" in run("run", tmp_path / "scan.yaml", "-o", tmp_path / "study.h5", code=BAD_INPUT).stderr
    assert "holds another" in refused(tmp_path, "merge", "study.h5", "map.h5", "-o", "new.h5")


def test_run_and_study_are_one_command(tmp_path):
    path = study_file(tmp_path)
    assert scan(path, tmp_path / "run.h5")["content_hash"] == study(path, tmp_path / "study.h5")["content_hash"]
    shutil.copy(CONFIGS / "scans" / "ess_si.yaml", tmp_path / "scan.yaml")
    assert scan(tmp_path / "scan.yaml", tmp_path / "1.h5")["content_hash"] == study(tmp_path / "scan.yaml", tmp_path / "2.h5")["content_hash"]
