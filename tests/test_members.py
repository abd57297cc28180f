# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans of several parameters in turn, and axes of both signs: equal to the single scans, whoever computes them."""
import json

import h5py
import numpy as np
import pytest

from e2e import axis, content_hash, fields, refused, run, run_json, scan, scan_config, write_experiment

MEMBERS = ["lambda_C1_u_e", "lambda_C1_d_mu", "lambda_C2_u_e"]
RANGE = {"scale": "signed_log", "min": 50, "max": 5000, "points": 122}
TILES = 3 * 7  # of 20 points each, the last of a member with 2


def write(folder, parameters, name="scan.yaml", **more):
    config = scan_config(["coherent_csi"], parameters, interaction="eft", data="observed", **more)
    (folder / name).write_text(json.dumps(config))
    return folder / name


def write_members(folder, **more):
    return write(folder, [{"each_of": MEMBERS, **RANGE}], **{"tile": [1, 20], "store_pulls": True, **more})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return scan(write_members(folder), folder / "map.h5"), folder / "map.h5"


def test_results_of_members_have_named_dimensions(whole):
    with h5py.File(whole[1]) as h5:
        for name, scales in (("best_fit", ["/parameter", "/results/axis"]), ("chi2_reference", ["/parameter"]), ("points_failed", [])):
            assert [dimension[0].name for dimension in h5["results"][name].dims] == scales


# --- axes of both signs -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("points", [4, 10, 1000])
def test_axis_of_both_signs(tmp_path, points):
    path = write(tmp_path, [{"name": "lambda_C1_u_e", **RANGE, "points": points}])
    scan(path, tmp_path / "map.h5")
    chi2, _, _, axes = fields(tmp_path / "map.h5")
    x = axes["lambda_C1_u_e"]
    assert len(x) == points and np.array_equal(x, -x[::-1]) and np.all(np.diff(x) > 0)
    positive = x[points // 2:]
    assert positive[0] == 50 and positive[-1] == 5000
    assert np.diff(np.log(positive)) == pytest.approx(np.log(100) / (points // 2 - 1))
    assert chi2[0] == pytest.approx(chi2[-1], rel=0.1) and chi2[points // 2 - 1] != chi2[points // 2]
    with h5py.File(tmp_path / "map.h5") as h5:
        assert h5["lambda_C1_u_e"].attrs["scale"] == "signed_log"


def test_axis_of_both_signs_of_a_coupling(tmp_path):
    """For any parameter: here it mirrors around zero, and leaves it out."""
    config = scan_config(["ess_si"], [axis("eps_emu_uV", 40, 1e-3, 1, scale="signed_log")])
    (tmp_path / "scan.yaml").write_text(json.dumps(config))
    scan(tmp_path / "scan.yaml", tmp_path / "map.h5")
    chi2 = fields(tmp_path / "map.h5")[0]
    assert np.array_equal(chi2, chi2[::-1])


# --- members are the single scans -----------------------------------------------------------------------------------------
def test_members_are_the_single_scans(tmp_path, whole):
    summary, output = whole
    with h5py.File(output) as h5:
        assert h5.attrs["axes"] == "parameter,value" and h5["chi2"].shape == (3, 122)
        for k, member in enumerate(MEMBERS):
            single = scan(write(tmp_path, [{"name": member, **RANGE}], store_pulls=True), tmp_path / f"{member}.h5")
            with h5py.File(tmp_path / f"{member}.h5") as alone:
                assert np.array_equal(h5["value"], alone[member])
                for name in ("chi2", "delta_chi2", "status", "pull_coherent_csi.signal", "pull_coherent_csi.neutrons"):
                    assert h5[name][k].tobytes() == alone[name][...].tobytes(), name
            mine = summary["best_fit"][member]
            assert mine == {"chi2": single["best_fit_chi2"], "value": single["best_fit"][member]}
    assert summary["best_fit_chi2"] == min(x["chi2"] for x in summary["best_fit"].values())
    assert len({x["chi2"] for x in summary["best_fit"].values()}) == 3


def test_members_beside_other_axes(tmp_path):
    """A plane of each member with another parameter."""
    other = {"name": "C1_d_e", "min": -1e-6, "max": 2e-6, "points": 9}
    path = write(tmp_path, [{"each_of": MEMBERS, **RANGE, "points": 10}, other, {"name": "kappa", "value": 1}])
    summary = scan(path, tmp_path / "map.h5", ranks=2)
    chi2, delta, _, _ = fields(tmp_path / "map.h5")
    assert chi2.shape == (3, 10, 9)
    for k, member in enumerate(MEMBERS):
        single = scan(write(tmp_path, [{"name": member, **RANGE, "points": 10}, other, {"name": "kappa", "value": 1}], name="one.yaml"),
                      tmp_path / f"{member}.h5")
        alone = fields(tmp_path / f"{member}.h5")
        assert chi2[k].tobytes() == alone[0].tobytes() and delta[k].tobytes() == alone[1].tobytes()
        assert summary["best_fit"][member] == {"chi2": single["best_fit_chi2"], "value": single["best_fit"][member],
                                               "C1_d_e": single["best_fit"]["C1_d_e"]}


def test_members_by_values(tmp_path):
    """A list of values, and members of one linear range."""
    path = write(tmp_path, [{"each_of": ["C1_u_e", "C1_d_e"], "values": [-1e-6, 0, 2e-6]}])
    scan(path, tmp_path / "map.h5")
    chi2 = fields(tmp_path / "map.h5")[0]
    assert chi2.shape == (2, 3) and chi2[0, 1] == chi2[1, 1] and chi2[0, 0] != chi2[1, 0]


def test_best_fit_of_asimov_data_is_the_truth_of_each_member(tmp_path):
    config = scan_config(["coherent_csi"], [{"each_of": ["C1_u_e", "C2_d_mu"], "min": -1e-6, "max": 3e-6, "points": 30}], interaction="eft",
                         data={"asimov": {"C1_u_e": 1.23e-7}})
    (tmp_path / "scan.yaml").write_text(json.dumps(config))
    summary = scan(tmp_path / "scan.yaml", tmp_path / "map.h5")
    assert summary["best_fit"]["C1_u_e"] == {"chi2": 0, "value": 1.23e-7}  # the scan of C2_d_mu does not contain it
    assert 0 < summary["best_fit"]["C2_d_mu"]["chi2"] < fields(tmp_path / "map.h5")[0][1].min() + 1e-9


# --- whoever computes them --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("threads", [1, 3])
def test_one_hash_for_ranks_and_threads(tmp_path, whole, ranks, threads):
    summary = scan(write_members(tmp_path), tmp_path / "map.h5", "--threads", threads, ranks=ranks)
    assert summary["content_hash"] == whole[0]["content_hash"] and summary["best_fit"] == whole[0]["best_fit"]


@pytest.mark.parametrize("tile", [None, [1, 122], [1, 7]])
def test_tiles_do_not_change_a_bit(tmp_path, whole, tile):
    path = write(tmp_path, [{"each_of": MEMBERS, **RANGE}], **({"tile": tile} if tile else {}))
    scan(path, tmp_path / "map.h5", ranks=2)
    for one, other in zip(fields(tmp_path / "map.h5")[:3], fields(whole[1])[:3]):
        assert one.tobytes() == other.tobytes()


def test_a_tile_holds_one_member(tmp_path, whole):
    path = write(tmp_path, [{"each_of": MEMBERS, **RANGE}], tile=[3, 20], store_pulls=True)
    scan(path, tmp_path / "map.h5")
    with h5py.File(tmp_path / "map.h5") as h5:
        assert h5["tiles"].attrs["side"].tolist() == [1, 20]
    assert fields(tmp_path / "map.h5")[1].tobytes() == fields(whole[1])[1].tobytes()


def unfinish(path, tiles):
    with h5py.File(path, "r+") as h5:
        h5["progress/complete"][()] = 0
        for tile in tiles:
            h5["tiles/done"][tile] = 0


@pytest.mark.parametrize("tiles, points", [((0,), 20), ((6, 7, 20), 2 + 20 + 2), (tuple(range(7, 14)), 122), (tuple(range(TILES)), 366)])
@pytest.mark.parametrize("ranks", [None, 3])
def test_resume(tmp_path, whole, tiles, points, ranks):
    path = write_members(tmp_path)
    (tmp_path / "map.h5").write_bytes(whole[1].read_bytes())
    unfinish(tmp_path / "map.h5", tiles)
    status = run_json("status", tmp_path / "map.h5", "--json")
    assert not status["complete"] and status["tiles_done"] == TILES - len(tiles)
    summary = scan(path, tmp_path / "map.h5", ranks=ranks)
    assert summary["points_computed"] == points
    assert summary["content_hash"] == whole[0]["content_hash"] and summary["best_fit"] == whole[0]["best_fit"]
    run("verify", "--all", tmp_path / "map.h5")


def test_shards_merge_to_the_whole(tmp_path, whole):
    path = write_members(tmp_path)
    for k in (1, 2, 3):
        scan(path, tmp_path / f"{k}.h5", "--shard", f"{k}/3", ranks=2 if k == 2 else None)
    run("merge", *(tmp_path / f"{k}.h5" for k in (3, 1, 2)), "-o", tmp_path / "joined.h5")
    assert content_hash(tmp_path / "joined.h5") == whole[0]["content_hash"]
    joined = run_json("status", tmp_path / "joined.h5", "--json")
    assert joined["best_fit"] == run_json("status", whole[1], "--json")["best_fit"]
    assert fields(tmp_path / "joined.h5")[1].tobytes() == fields(whole[1])[1].tobytes()


def test_verify_finds_a_changed_point(tmp_path, whole):
    (tmp_path / "map.h5").write_bytes(whole[1].read_bytes())
    run("verify", "--all", tmp_path / "map.h5")
    with h5py.File(tmp_path / "map.h5", "r+") as h5:
        h5["chi2"][1, 30] += 1e-6
    assert run("verify", "--all", tmp_path / "map.h5", code=None).returncode != 0


def test_status(whole):
    summary, output = whole
    status = run_json("status", output, "--json")
    assert status["complete"] and status["content_hash"] == summary["content_hash"] and status["best_fit"] == summary["best_fit"]
    text = run("status", output).stdout
    assert all(f"{member}: best fit chi2" in text for member in MEMBERS)


def test_another_order_is_another_scan(tmp_path, whole):
    (tmp_path / "map.h5").write_bytes(whole[1].read_bytes())
    write(tmp_path, [{"each_of": MEMBERS[::-1], **RANGE}], tile=[1, 20], store_pulls=True)
    assert "another scan" in refused(tmp_path, "run", "scan.yaml", "-o", "map.h5")


# --- a grid point below the minimum -------------------------------------------------------------------------------------------
SPIKE = {"C1_u_e": -6e-6}  # sharp data, and a range so wide that the coarse search steps over the minimum


def write_spike(folder, parameters):
    """A detector with no uncertainty to speak of: chi2 has two narrow valleys."""
    base = json.loads(json.dumps(run_json("check", write(folder, [axis("C1_u_e", 5, -1e-6, 1e-6)], name="base.yaml"), "--json")["resolved"]))
    toy = {key: value for key, value in base["experiments"][0].items() if key not in ("pulls", "backgrounds", "statistic", "observed")}
    toy["source"]["protons_on_target"] = 9e29
    write_experiment(folder, "toy")
    (folder / "toy.yaml").write_text(json.dumps({**toy, "experiment": "toy"}))
    config = scan_config(["toy.yaml"], parameters, interaction="eft", data={"asimov": {**SPIKE, "C2_u_e": 1e-30}})
    (folder / "scan.yaml").write_text(json.dumps(config))
    return folder / "scan.yaml"


@pytest.mark.parametrize("ranks", [None, 3])
def test_a_grid_point_below_the_minimum_takes_its_place(tmp_path, ranks):
    """The truth has a coupling that is lost in rounding, so that the program does not know that the scan contains it; and one of 80001 points
    hits it, between those of the coarse search."""
    values = sorted({*np.linspace(-1, 1, 80001).tolist(), SPIKE["C1_u_e"], 0.0})
    path = write_spike(tmp_path, [{"name": "C1_u_e", "values": values}])
    done = run("run", path, "-o", tmp_path / "map.h5", ranks=ranks)
    chi2, delta, _, axes = fields(tmp_path / "map.h5")
    status = run_json("status", tmp_path / "map.h5", "--json")
    assert delta.min() == 0 and status["best_fit_chi2"] == chi2.min() < 1e-6
    assert status["best_fit"]["C1_u_e"] == pytest.approx(SPIKE["C1_u_e"], rel=1e-12)
    assert "below the minimum" in done.stderr and done.stderr.count("delta_chi2 now counts from it") == 1
    run("verify", "--all", tmp_path / "map.h5")


@pytest.mark.parametrize("ranks", [None, 3])
def test_a_grid_point_below_the_minimum_takes_its_place_in_each_map_of_a_study(tmp_path, ranks):
    """In the second and third map, and in the tiles of any rank; the first map has no such point."""
    values = sorted({*np.linspace(-1, 1, 80001).tolist(), SPIKE["C1_u_e"], 0.0})
    config = json.loads(write_spike(tmp_path, []).read_text())
    toy = json.loads((tmp_path / "toy.yaml").read_text())
    (tmp_path / "two.yaml").write_text(json.dumps({**toy, "experiment": "two"}))
    study = {"study": "spike", "interaction": "eft", "data": config["data"], "sets": [["coherent_csi"], ["toy.yaml"], ["toy.yaml", "two.yaml"]],
             "profiles": [{"name": "C1_u_e", "values": values}]}
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    done = run("run", tmp_path / "study.yaml", "-o", tmp_path / "study.h5", ranks=ranks)
    with h5py.File(tmp_path / "study.h5") as h5:
        space = h5["spaces/C1_u_e"]
        chi2, reference = space["chi2"][...], space["results/chi2_reference"][...]
        for m in (1, 2):
            assert reference[m] == chi2[m].min() < 1e-6 and space["delta_chi2"][m].min() == 0
            assert space["results/best_fit"][m, 0] == pytest.approx(SPIKE["C1_u_e"], rel=1e-12)
        assert reference[0] <= chi2[0].min() and space["delta_chi2"][0].min() >= 0
    assert done.stderr.count("delta_chi2 now counts from it") >= 2
    run("verify", "--all", tmp_path / "study.h5")
