# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps whose scan profiles couplings, from end to end: one content hash whoever computed which tile, kills and shards included; what
run, status, verify and point say of the minima; minima that are never above the fixed map."""
import hashlib
import json
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from e2e import NOT_SOUND, axis, content_hash, mpi_command, pull_names, refused, run, run_json, scan, tile_boxes, tile_digest, write_scan
from whole_job import kill_job

PLANE = [axis("eps_ee_uV", 13), axis("eps_ee_dV", 11)]
TILE = [5, 4]
FOUR = ["eps_mumu_uV", "eps_mumu_dV", "eps_emu_uV", "eps_emu_dV"]
FLAGS = ["proven", "at_bound", "flat"]


def profile(name, low=-1.0, high=1.0, **more):
    return {"name": name, "profile": [low, high], **more}


def write(folder, profiled, experiments=("ess_csi", "ess_si"), plane=None, **more):
    return write_scan(folder, list(experiments), [*(plane or PLANE), *profiled], **{"tile": TILE, **({"store_profiled": True} if any("profile" in p for p in profiled) else {}), **more})


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """(scan file, its finished map): four profiled couplings, one of which has a constraint from elsewhere."""
    folder = tmp_path_factory.mktemp("four")
    profiled = [profile(name) for name in FOUR[:3]] + [profile(FOUR[3], centre=0, sigma=0.1)]
    scan_file = write(folder, profiled, store_pulls=True)
    scan(scan_file, folder / "map.h5", "--threads", 1)
    return scan_file, folder / "map.h5"


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A map of few points, all of which may be fitted from many starts."""
    folder = tmp_path_factory.mktemp("few")
    scan_file = write(folder, [profile("eps_mumu_uV"), profile("eps_emu_uV")], plane=[axis("eps_ee_uV", 5), axis("eps_ee_dV", 4)], tile=[3, 2])
    scan(scan_file, folder / "map.h5", "--threads", 1)
    return scan_file, folder / "map.h5"


@pytest.fixture
def copy(few, tmp_path):
    shutil.copy(few[0], tmp_path / "scan.yaml")
    return shutil.copy(few[1], tmp_path / "map.h5")


# --- one content ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ranks, threads", [(None, 3), (2, 1), (3, 3), (5, 1)])
def test_one_content_whoever_computes(four, tmp_path, ranks, threads):
    scan(four[0], tmp_path / "map.h5", "--threads", threads, ranks=ranks)
    assert content_hash(tmp_path / "map.h5") == content_hash(four[1])


def test_shards_and_their_merge(four, tmp_path):
    shards = [tmp_path / f"{k}.h5" for k in (1, 2)]
    for k, shard in enumerate(shards):
        scan(four[0], shard, "--shard", f"{k + 1}/2")
    run("merge", *shards, "-o", tmp_path / "whole.h5")
    assert content_hash(tmp_path / "whole.h5") == content_hash(four[1])
    assert run_json("status", tmp_path / "whole.h5", "--json")["profiled"] == run_json("status", four[1], "--json")["profiled"]


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_job_that_is_killed_goes_on(four, tmp_path, ranks):
    """Killed once it has a tile; another number of ranks goes on."""
    path = tmp_path / "map.h5"
    job = subprocess.Popen(mpi_command(ranks, "run", four[0], "-o", path, "-q", "--threads", 1), stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while job.poll() is None and not tiles_done(path):
        pass
    kill_job(job)
    summary = scan(four[0], path, ranks=3 if ranks is None else None)
    assert content_hash(path) == content_hash(four[1])
    assert summary["points_computed"] < summary["points"] or job.returncode == 0


def tiles_done(path):
    if not path.exists():
        return 0
    with h5py.File(path, "r") as h5:
        return int(h5["tiles/done"][...].sum())


def test_digests_are_those_of_the_contents(four):
    with h5py.File(four[1]) as h5:
        assert [tile_digest(h5, box, pull_names(h5)) for box in tile_boxes(h5)] == [d.tobytes() for d in h5["tiles/digest"][...]]
        assert {f"profiled_{name}" for name in FOUR} <= set(h5)


# --- what is said -----------------------------------------------------------------------------------------------------
def test_numbers_of_points(four):
    summary, status = scan(*four), run_json("status", four[1], "--json")
    with h5py.File(four[1]) as h5:
        flags = h5["flags"][...]
        counts = {name: int((flags >> bit & 1).sum()) for bit, name in enumerate(FLAGS)}
        assert {name: int(h5[f"results/points_{name}"][()]) for name in FLAGS} == counts
    for told in summary["profiled"], status["profiled"]:
        one, = told
        assert {name: one[name] for name in FLAGS} == counts and one["points"] == flags.size
        assert one["parameters"] == {name: [-1, 1] for name in FOUR}


def test_words(four):
    assert "minimised over eps_mumu_uV (-1 to 1), " in (told := run("status", four[1]).stdout) and "proven global, " in told


def test_run_says_bins_and_free_parameters(tmp_path):
    """Those with a constraint from elsewhere are not free."""
    text = run("run", write(tmp_path, [profile("eps_mumu_uV"), profile("eps_mumu_dV", centre=0, sigma=0.1)]), "-o", tmp_path / "map.h5").stdout
    assert "3 free parameters (2 scanned, 1 profiled)" in text and "minimised over eps_mumu_uV" in text


def test_point_is_a_point_of_the_map(four):
    with h5py.File(four[1]) as h5:
        for i, j in ((0, 0), (4, 7), (12, 3)):
            at = {name: float(h5[name][k]) for name, k in (("eps_ee_uV", i), ("eps_ee_dV", j))}
            told = run_json("point", four[0], "--json", *(word for name, x in at.items() for word in ("--set", f"{name}={x!r}")))
            assert told["chi2"] == pytest.approx(h5["chi2"][i, j], abs=1e-6)
            assert told["chi2"] == pytest.approx(sum(x["chi2"] for x in told["experiments"].values()) + told["penalty"]
                                                 + sum(c["chi2"] for c in told["constraints"].values()), abs=1e-6)
            assert set(told["profiled"]) == set(FOUR) and told["fit"]["profiled"] == 3
            assert all(-1 <= p["value"] <= 1 for p in told["profiled"].values())


def test_flat_directions_are_told_before(tmp_path):
    """Of one flavour, one nucleus tells one combination of up and down."""
    scan_file = write(tmp_path, [profile("eps_mumu_uV"), profile("eps_mumu_dV")], ["ess_ar"])
    told = run("check", scan_file).stderr
    assert "more is profiled than the data can tell" in told and "eps_mumu_uV - " in told
    remarks = run_json("check", scan_file, "--json")["remarks"]
    assert any(r["kind"] == "warning" and "more is profiled" in r["text"] for r in remarks)


# --- the lowest -------------------------------------------------------------------------------------------------------
def chi2(folder, name, profiled, experiments=("ess_csi", "ess_si"), **more):
    scan_file = write(folder, profiled, experiments, name=f"{name}.yaml", **more)
    scan(scan_file, folder / f"{name}.h5")
    with h5py.File(folder / f"{name}.h5") as h5:
        return h5["chi2"][...]


def test_nested_maps(tmp_path):
    """More freedom is never worse: fixed, narrow bounds, wide bounds, two couplings."""
    maps = [chi2(tmp_path, "fixed", []), chi2(tmp_path, "narrow", [profile("eps_mumu_uV", -0.1, 0.1)]),
            chi2(tmp_path, "wide", [profile("eps_mumu_uV")]), chi2(tmp_path, "two", [profile("eps_mumu_uV"), profile("eps_mumu_dV")])]
    for tighter, looser in zip(maps, maps[1:]):
        assert (looser <= tighter + 1e-9).all()
    assert (maps[2] < maps[0] - 0.1).any()


def test_profiling_is_what_a_fine_axis_finds(tmp_path):
    """The minimum along an axis of the fixed map lies no lower than the profile, and above it by an eighth of a bend at most."""
    fine = chi2(tmp_path, "fine", [], plane=[axis("eps_ee_uV", 9), axis("eps_mumu_uV", 401, low=-1, high=1)], tile=[3, 100])
    own = chi2(tmp_path, "own", [profile("eps_mumu_uV")], plane=[axis("eps_ee_uV", 9), axis("eps_ee_dV", 2, low=0, high=0.5)], tile=[3, 2])[:, 0]
    low, bend = fine.min(axis=1), [np.diff(row[k - 1:k + 2], 2)[0] for row, k in zip(fine, fine.argmin(axis=1))]
    assert (own <= low + 1e-9).all() and (own >= low - 1.05 * np.array(bend) / 8 - 1e-9).all()


def test_values_are_those_of_the_nearest_minimum(tmp_path):
    """The charge of the muon flavour turned round makes the same chi2: values are never the farther of the two, and asking for them moves no chi2."""
    profiled = [profile("eps_mumu_uV"), profile("eps_mumu_dV")]
    plane = {"plane": [axis("eps_ee_uV", 21, low=-0.5, high=0.8), axis("eps_ee_dV", 21, low=-0.5, high=0.8)], "tile": [8, 8]}
    plain = chi2(tmp_path, "plain", profiled, ["ess_csi", "ess_si", "ess_xe", "ess_ge"], store_profiled=False, **plane)
    kept = chi2(tmp_path, "kept", profiled, ["ess_csi", "ess_si", "ess_xe", "ess_ge"], **plane)
    assert kept == pytest.approx(plain, abs=1e-9)
    with h5py.File(tmp_path / "kept.h5") as h5:
        value = np.array([h5[f"profiled_{name}"][...] for name in ("eps_mumu_uV", "eps_mumu_dV")])
    turned = -2 * np.array([0.19, -0.35])[:, None, None] - value  # of the standard model: g_u and g_d
    inside = (abs(turned) < 0.98).all(axis=0)
    assert inside.sum() > 100 and ((value**2).sum(axis=0) <= (turned**2).sum(axis=0) + 0.03)[inside].all()


def test_a_tied_coupling_is_the_diagonal(tmp_path):
    tied = chi2(tmp_path, "tied", [{"name": "eps_mumu_uV", "equals": "eps_ee_uV"}], plane=[axis("eps_ee_uV", 9)], tile=[3])
    plane = chi2(tmp_path, "plane", [], plane=[axis("eps_ee_uV", 9), axis("eps_mumu_uV", 9)], tile=[3, 3])
    assert tied == pytest.approx(np.diagonal(plane), abs=1e-9)


@pytest.mark.parametrize("quark, other", ["ud", "du"])
def test_a_partner_on_an_axis_that_holds_zero(tmp_path, quark, other):
    """Where eps^u is 0, its product with the profiled eps^d does not move; elsewhere it does. In silicon the two cancel."""
    found = chi2(tmp_path, "partner", [profile(f"eps_etau_{other}V")], experiments=["ess_si"],
                 plane=[axis(f"eps_etau_{quark}V", 5, low=-0.5, high=0.5)], tile=[5])
    assert found == pytest.approx(np.zeros(5), abs=1e-3)


# --- verify -----------------------------------------------------------------------------------------------------------
def test_a_map_is_sound(copy):
    told = run_json("verify", "--all", "--points", 10, copy, "--json")
    assert told["sound"] and told["points_refitted"] == 10 and told["not_lowest"] == []


@pytest.mark.parametrize("field", ["flags", "profiled_eps_mumu_uV"])
def test_a_changed_value_is_noticed_and_mended(copy, field):
    with h5py.File(copy, "r+") as h5:
        h5[field][4, 1] = h5[field][4, 1] + 1
    assert "damaged" in run("verify", "--points", 0, copy, code=NOT_SOUND).stdout
    run("verify", "--repair", "--points", 0, copy, code=NOT_SOUND)
    right = content_hash(copy)
    run("run", copy.parent / "scan.yaml", "-o", copy, "-q")
    assert run_json("verify", "--points", 0, copy, "--json")["sound"] and content_hash(copy) != right == ""


def test_changed_numbers_of_points_are_noticed(copy):
    with h5py.File(copy, "r+") as h5:
        h5["results/points_proven"][()] -= 1
    assert "numbers of flagged points" in run_json("verify", "--points", 0, copy, "--json", code=NOT_SOUND)["wrong"]


def lift(path, where, by):
    """A minimum that is not the lowest, in a file whose digests and hashes all fit: as a fit would leave it that fell into another
    valley."""
    with h5py.File(path, "r+") as h5:
        for name in "chi2", "delta_chi2":
            h5[name][where] += by
        for tile, box in enumerate(tile_boxes(h5)):
            h5["tiles/digest"][tile] = np.frombuffer(tile_digest(h5, box, pull_names(h5)), "u1")
        text = hashlib.sha256(h5["tiles/digest"][...].tobytes()).hexdigest().encode()
        for name in "results/content_hash", "progress/content_hash":
            h5[name][...] = np.array(text, h5[name].dtype)


def test_a_minimum_that_is_not_the_lowest_is_found(copy):
    lift(copy, (4, 3), 1e-3)
    told = run_json("verify", "--points", 20, copy, "--json", "--seed", 3, code=NOT_SOUND)
    assert not told["sound"]
    one, = told["not_lowest"]
    assert one["point"] == 19 and one["chi2"] - one["lower_chi2"] == pytest.approx(1e-3, abs=1e-6)
    assert one["at"] == {"eps_ee_uV": 0.6, "eps_ee_dV": 0.6}
    text = run("verify", "--points", 20, copy, "--seed", 3, code=NOT_SOUND).stdout
    assert "point 19 (eps_ee_uV=0.6, eps_ee_dV=0.6): chi2" in text and "is not the lowest" in text


def test_points_are_chosen_by_the_seed(copy):
    one, other = (run_json("verify", "--seed", 7, "--points", 5, copy, "--json") for _ in range(2))
    assert one == other and one["points_refitted"] == 5
    assert run_json("verify", "--points", 0, copy, "--json")["points_refitted"] == 0


# --- studies ----------------------------------------------------------------------------------------------------------
def test_spaces_of_a_study_profile_what_they_like(tmp_path):
    """Each map is that of its own scan, to the last bit, whatever is profiled in the other spaces."""
    study = {"study": "s", "interaction": "nsi", "sets": [["ess_csi"], ["ess_csi", "ess_si"]], "store_profiled": True, "planes": [
        [axis("eps_ee_uV", 7), axis("eps_ee_dV", 5), profile("eps_mumu_uV")],
        [axis("eps_mumu_uV", 7), axis("eps_mumu_dV", 5), profile("eps_ee_uV"), profile("eps_ee_dV")],
        [axis("eps_emu_uV", 7), axis("eps_emu_dV", 5)]]}
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    run("study", tmp_path / "study.yaml", "-o", tmp_path / "study.h5", "-q")
    status = run_json("status", tmp_path / "study.h5", "--json")
    assert [len(p["parameters"]) for p in status["profiled"]] == [1, 2]
    for m in status["maps"]:
        (tmp_path / "scan.json").write_text(run("check", "--map", m["name"], tmp_path / "study.yaml").stdout)
        scan(tmp_path / "scan.json", tmp_path / "alone.h5")
        assert content_hash(tmp_path / "alone.h5") == m["content_hash"]
        (tmp_path / "alone.h5").unlink()


# --- --set ------------------------------------------------------------------------------------------------------------
def test_what_follows_is_not_set(tmp_path):
    write(tmp_path, [profile("eps_mumu_uV"), {"name": "eps_mumu_dV", "equals": "eps_mumu_uV", "times": 2},
                     {"name": "eps_tautau_uV", "formula": "eta / 90"}, {"name": "eta", "value": 9, "unit": "deg"}])
    assert "it is 2 times eps_mumu_uV; set that" in refused(tmp_path, "point", "scan.yaml", "--set", "eps_mumu_dV=0.1")
    assert "it follows the formula eta / 90" in refused(tmp_path, "point", "scan.yaml", "--set", "eps_tautau_uV=0.1")
    told = run_json("point", tmp_path / "scan.yaml", "--set", "eta=18", "--json")["parameters"]
    assert told["eta"] == 18 and told["eps_tautau_uV"] == pytest.approx(0.2)


def test_a_profiled_coupling_that_is_set_is_fixed(tmp_path):
    scan_file = write(tmp_path, [profile("eps_mumu_uV"), profile("eps_mumu_dV")])
    at = ("--set", "eps_ee_uV=0.3", "--json")
    free, one, both = (run_json("point", scan_file, *at, *more) for more in
                       ((), ("--set", "eps_mumu_uV=0.05"), ("--set", "eps_mumu_uV=0.05", "--set", "eps_mumu_dV=0.1")))
    assert free["chi2"] <= one["chi2"] + 1e-9 and one["chi2"] <= both["chi2"] + 1e-9
    assert set(one["profiled"]) == {"eps_mumu_dV"} and "profiled" not in both


def test_a_pull_on_an_axis_is_set(tmp_path):
    scan_file = write(tmp_path, [], plane=[axis("eps_ee_uV", 5), axis("ess_csi.signal", 5, low=-0.5, high=0.5)])
    told = run_json("point", scan_file, "--set", "ess_csi.signal=0.2", "--json")
    assert told["parameters"]["ess_csi.signal"] == 0.2 and told["chi2"] > 3.9   # two sigma of its constraint, which it keeps
    write_scan(tmp_path, ["ess_csi"], PLANE)
    assert "which every fit minimises over" in refused(tmp_path, "point", "scan.yaml", "--set", "ess_csi.signal=0.2")


# --- other interactions -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("interaction, experiments, parameters", [
    ("vector", ["ess_csi"], [axis("charge_e", 5, 0, 2), axis("charge_u", 5, -2.4, 3.6), {"name": "mediator_mass_MeV", "value": 50},
                             {"name": "coupling", "value": 0.00075}, profile("charge_d", -3.0, 1.1)]),
    ("eft", ["ess_csi", "ess_si", "ess_xe", "ess_ge"], [axis("C1_u_e", 5, -6.5e-5, 5.5e-5), axis("C1_u_mu", 5, -5.4e-6, 1.5e-5),
                                                       profile("C1_d_mu", -2e-5, 2e-6), profile("C1_d_e", -2e-5, 2e-5)]),
])
def test_minima_of_interactions_without_matrices_are_global(tmp_path, interaction, experiments, parameters):
    """Nothing is known there of where else a minimum may lie: a second well behind a hump was missed, by 418 of chi2."""
    path = write_scan(tmp_path, experiments, parameters, interaction=interaction)
    scan(path, tmp_path / "map.h5")
    done = run("verify", tmp_path / "map.h5", "--all")
    assert "25 points fitted from many starts: sound" in done.stdout
