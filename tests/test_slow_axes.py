# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans over parameters that change spectra: mediator masses, the radius of neutrons. Templates are folded anew on the way."""
import json
import subprocess

import h5py
import numpy as np
import pytest

from e2e import axis, content_hash, fields, mpi_command, refused, run, run_json, scan, write_scan

MASSES = {"name": "mediator_mass_MeV", "scale": "log", "min": 0.1, "max": 1000, "points": 9}
COUPLINGS = {"name": "coupling", "scale": "log", "min": 1e-6, "max": 1e-3, "points": 41}
EXPERIMENTS = ["xenonnt_8b", "pandax4t_us2"]


def write(folder, parameters, name="scan.yaml", experiments=EXPERIMENTS, **more):
    return write_scan(folder, experiments, parameters, name=name, **{"interaction": "vector_universal", "data": "observed", **more})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    path = write(folder, [MASSES, COUPLINGS], store_pulls=True, tile=[1, 17])
    return path, folder / "map.h5", scan(path, folder / "map.h5", "--threads", 1)


# --- content ------------------------------------------------------------------------------------------------------------
def test_rows_are_the_scans_at_fixed_masses(tmp_path, whole):
    """Bit for bit, pulls included."""
    _, output, _ = whole
    with h5py.File(output) as h5:
        pulls = [name for name in h5 if name.startswith("pull_")]
        assert len(pulls) == 8
        for k in (0, 3, 4, 8):
            mass = float(h5["mediator_mass_MeV"][k])
            path = write(tmp_path, [COUPLINGS, {"name": "mediator_mass_MeV", "value": mass}], name=f"{k}.yaml", store_pulls=True)
            scan(path, tmp_path / f"{k}.h5")
            with h5py.File(tmp_path / f"{k}.h5") as alone:
                for name in ("chi2", "status", *pulls):
                    assert h5[name][k].tobytes() == alone[name][...].tobytes(), name


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("threads", [1, 3])
def test_one_hash_for_ranks_and_threads(tmp_path, whole, ranks, threads):
    path, _, summary = whole
    assert scan(path, tmp_path / "map.h5", "--threads", threads, ranks=ranks)["content_hash"] == summary["content_hash"]
    run("verify", "--all", tmp_path / "map.h5")


def test_the_order_of_axes_does_not_change_chi2(tmp_path, whole):
    _, output, _ = whole
    scan(write(tmp_path, [COUPLINGS, MASSES]), tmp_path / "map.h5")
    other, this = fields(tmp_path / "map.h5"), fields(output)
    assert other[0].T.tobytes() == this[0].tobytes()
    assert other[1].T == pytest.approx(this[1], abs=1e-6)


@pytest.mark.parametrize("tile", [[1, 1], [1, 8], [1, 41], None])
def test_tiles_do_not_change_chi2(tmp_path, whole, tile):
    _, output, _ = whole
    more = {"tile": tile} if tile else {}
    scan(write(tmp_path, [MASSES, COUPLINGS], **more), tmp_path / "map.h5")
    assert fields(tmp_path / "map.h5")[0].tobytes() == fields(output)[0].tobytes()


def test_stopped_and_resumed(tmp_path, whole):
    """A part first, and the rest on other ranks."""
    path, _, summary = whole
    run("run", path, "-o", tmp_path / "map.h5", "--shard", "2/4", "-q")
    resumed = scan(path, tmp_path / "map.h5", ranks=3)
    assert resumed["content_hash"] == summary["content_hash"] and resumed["best_fit"] == summary["best_fit"]
    with h5py.File(tmp_path / "map.h5", "r+") as h5:
        h5["chi2"][3, 5] += 1
    run("verify", "--repair", tmp_path / "map.h5", code=None)
    assert scan(path, tmp_path / "map.h5")["content_hash"] == summary["content_hash"]
    run("verify", "--all", tmp_path / "map.h5")


def test_shards_merge(tmp_path, whole):
    path, _, summary = whole
    parts = []
    for k in (1, 2, 3):
        parts.append(tmp_path / f"{k}.h5")
        run("run", path, "-o", parts[-1], "--shard", f"{k}/3", "-q")
    run("merge", *parts, "-o", tmp_path / "all.h5")
    assert content_hash(tmp_path / "all.h5") == summary["content_hash"]
    run("verify", "--all", tmp_path / "all.h5")
    assert fields(tmp_path / "all.h5")[1] == pytest.approx(fields(whole[1])[1], abs=1e-8)


def test_points_of_the_map(whole):
    """`point` at some of its points, `verify` with all of them."""
    path, output, _ = whole
    chi2, _, _, axes = fields(output)
    for i, j in [(0, 0), (4, 20), (8, 40), (5, 11)]:
        words = [w for name, k in (("mediator_mass_MeV", i), ("coupling", j)) for w in ("--set", f"{name}={float(axes[name][k])!r}")]
        assert run_json("point", path, *words, "--json")["chi2"] == pytest.approx(chi2[i, j], rel=1e-9, abs=1e-9)
        run("rates", path, *words)
    run("verify", "--all", output)
    run("status", output)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_slow_axes_alone_and_together(tmp_path, axes):
    """One slow axis without others; two; two with a coupling between."""
    parameters = [{"name": "mediator_mass_MeV", "values": [1, 5, 30]}, {"name": "coupling", "values": [1e-6, 1e-5, 1e-4, 2e-4]},
                  {"name": "neutron_radius_fm", "values": [4.0, 5.5]}]
    parameters = {1: parameters[:1] + [{"name": "coupling", "value": 1e-5}], 2: parameters[::2] + [{"name": "coupling", "value": 2e-5}],
                  3: parameters}[axes]
    path = write(tmp_path, parameters, experiments=["ess_csi"], data={"asimov": {"coupling": 1e-5, "mediator_mass_MeV": 5}}, store_pulls=True)
    hashes = {scan(path, tmp_path / f"{ranks}.h5", ranks=ranks)["content_hash"] for ranks in (None, 2, 3)}
    assert len(hashes) == 1
    chi2, _, _, values = fields(tmp_path / "2.h5")
    for index in np.ndindex(chi2.shape):
        words = [w for (name, x), i in zip(values.items(), index) for w in ("--set", f"{name}={float(x[i])!r}")]
        assert run_json("point", path, *words, "--json")["chi2"] == pytest.approx(chi2[index], rel=1e-9, abs=1e-9)


def test_each_of_beside_a_slow_axis(tmp_path):
    members = {"each_of": ["charge_e", "charge_mu", "charge_tau"], "min": -3, "max": 3, "points": 13}
    slow = {"name": "mediator_mass_MeV", "values": [1, 30, 1000]}
    fixed = {"name": "coupling", "value": 1e-5}
    summary = scan(write(tmp_path, [members, slow, fixed], interaction="vector"), tmp_path / "map.h5", ranks=2)
    chi2, delta, _, _ = fields(tmp_path / "map.h5")
    assert chi2.shape == (3, 13, 3)
    for k, name in enumerate(members["each_of"]):
        single = {key: members[key] for key in ("min", "max", "points")}
        alone = scan(write(tmp_path, [{"name": name, **single}, slow, fixed], name=f"{name}.yaml", interaction="vector"), tmp_path / f"{name}.h5")
        assert fields(tmp_path / f"{name}.h5")[0].tobytes() == chi2[k].tobytes()
        assert summary["best_fit"][name]["chi2"] == pytest.approx(alone["best_fit_chi2"], abs=1e-8)
        assert delta[k].min() >= -1e-9


# --- best fits ------------------------------------------------------------------------------------------------------------
def test_no_point_is_below_the_best_fit(whole):
    _, output, summary = whole
    chi2, delta, _, _ = fields(output)
    assert summary["best_fit_chi2"] <= chi2.min() + 1e-9
    assert delta.min() >= -1e-9 and delta == pytest.approx(chi2 - summary["best_fit_chi2"], abs=1e-9)
    assert MASSES["min"] <= summary["best_fit"]["mediator_mass_MeV"] <= MASSES["max"]


@pytest.mark.parametrize("mass", [0.7, 7.0, 300.0])
def test_truth_on_and_off_the_grid(tmp_path, mass):
    truth = {"mediator_mass_MeV": mass, "coupling": 3e-5}
    summary = scan(write(tmp_path, [MASSES, COUPLINGS], data={"asimov": truth}), tmp_path / "map.h5", ranks=2)
    assert summary["best_fit_chi2"] == 0 and summary["best_fit"] == truth
    chi2, delta, _, _ = fields(tmp_path / "map.h5")
    assert np.array_equal(chi2, delta) and chi2.min() > 0


def huge(folder, name, parameters, truth, **more):
    """A scan of an experiment of enormous exposure, whose data are the expectation at a truth but do not say so."""
    base = run_json("check", write_scan(folder, [name], [axis("eps_ee_uV", 2)], name="base.yaml"), "--json")["resolved"]["experiments"][0]
    base.update(experiment="huge", pulls=[], backgrounds=[])
    base["target"]["mass_kg"] *= 1e5
    base.pop("observed", None)
    (folder / "huge.yaml").write_text(json.dumps(base))
    path = write(folder, parameters, experiments=[str(folder / "huge.yaml")], data={"asimov": truth}, name="asimov.yaml")
    words = [w for k, v in truth.items() for w in ("--set", f"{k}={v!r}")]
    base["observed"] = run_json("point", path, *words, "--json")["experiments"]["huge"]["data"]
    (folder / "huge.yaml").write_text(json.dumps(base))
    return write(folder, parameters, experiments=[str(folder / "huge.yaml")], name="observed.yaml", **more)


def test_the_best_of_many_masses(tmp_path):
    """Not only of the few that are tried first."""
    parameters = [{"name": "mediator_mass_MeV", "min": 1, "max": 60, "points": 237}, {**COUPLINGS, "points": 61}]
    path = huge(tmp_path, "xenonnt_8b", parameters, {"mediator_mass_MeV": 12.27, "coupling": 3.3e-5})
    best = scan(path, tmp_path / "map.h5")["best_fit"]
    assert best["mediator_mass_MeV"] == pytest.approx(12.25) and best["coupling"] == pytest.approx(3.3e-5, rel=5e-3)


@pytest.mark.parametrize("ranks", [None, 3])
def test_a_grid_point_below_the_best_fit_is_taken_over(tmp_path, ranks):
    """Along a narrow valley that runs across two slow axes."""
    parameters = [{"name": "mediator_mass_MeV", "min": 1, "max": 60, "points": 31},
                  {"name": "neutron_radius_fm", "min": 4.5, "max": 5.5, "points": 31},
                  {"name": "coupling", "value": 4e-5}]
    path = huge(tmp_path, "ess_csi", parameters, {"mediator_mass_MeV": 33.7, "neutron_radius_fm": 4.93, "coupling": 4e-5}, tile=[1, 1])
    done = run("run", path, "-o", tmp_path / "map.h5", "--json", ranks=ranks)
    summary = json.loads(done.stdout)
    assert "a grid point has chi2" in done.stderr
    chi2, delta, _, axes = fields(tmp_path / "map.h5")
    lowest = np.unravel_index(chi2.argmin(), chi2.shape)
    assert summary["best_fit_chi2"] == chi2.min() and delta.min() == 0 and delta == pytest.approx(chi2 - chi2.min(), rel=1e-9)
    assert summary["best_fit"] == {name: x[i] for (name, x), i in zip(axes.items(), lowest)}
    run("verify", "--all", tmp_path / "map.h5")
    again = scan(path, tmp_path / "map.h5", ranks=ranks)
    assert again["content_hash"] == summary["content_hash"] and again["best_fit_chi2"] == summary["best_fit_chi2"]


# --- what cannot be ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tile, parameters", [([2, 41], [MASSES, COUPLINGS]), ([41, 9], [COUPLINGS, MASSES])])
def test_tiles_are_thin_along_slow_axes(tmp_path, tile, parameters):
    message = refused(tmp_path, "check", write(tmp_path, parameters, tile=tile))
    assert '"tile"' in message and '"mediator_mass_MeV"' in message


@pytest.mark.parametrize("interaction", ["nsi", "eft", "scalar", "tensor"])
def test_recoil_term_is_not_scanned(tmp_path, interaction):
    message = refused(tmp_path, "check", write(tmp_path, [{"name": "recoil_term", "values": [0, 1]}], interaction=interaction))
    assert '"recoil_term"' in message and "cannot be scanned" in message


# --- memory -----------------------------------------------------------------------------------------------------------------
def peak_kB(folder, masses):
    """Of a run, from the kernel: the child is this run alone."""
    path = write(folder, [{**MASSES, "points": masses}, {**COUPLINGS, "points": 8}], name=f"{masses}.yaml")
    code = ("import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], check=True, capture_output=True)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n")
    done = subprocess.run(["/usr/bin/env", "python3", "-c", code, *mpi_command(None, "run", path, "-o", folder / f"{masses}.h5", "-q")],
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_masses(tmp_path):
    few, many = peak_kB(tmp_path, 20), peak_kB(tmp_path, 400)
    assert many < few + 6000, (few, many)


# --- pulls that stay at zero ----------------------------------------------------------------------------------------------------
PULLS = ["flux_b8", "xenonnt_8b.signal", "xenonnt_8b.accidental_coincidences", "xenonnt_8b.electronic_recoils", "xenonnt_8b.neutrons"]


def chi2_without(folder, pulls, name="scan.yaml", experiments=("xenonnt_8b",)):
    more = {} if pulls is None else {"without_pulls": pulls}
    path = write(folder, [COUPLINGS], name=name, experiments=list(experiments), **more)
    return run_json("point", path, "--set", "coupling=2e-5", "--json")


def test_without_pulls(tmp_path):
    full = chi2_without(tmp_path, None)
    assert sorted(full["pulls"]) == sorted(PULLS)
    assert chi2_without(tmp_path, []) == full
    bare = chi2_without(tmp_path, PULLS)
    assert bare["pulls"] == {} and bare["penalty"] == 0 and bare["chi2"] > full["chi2"]
    share = bare["experiments"]["xenonnt_8b"]
    n, d = np.array(share["predicted"]), np.array(share["data"])
    assert bare["chi2"] == pytest.approx(np.sum(2 * (n - d + d * np.log(d / n))), rel=1e-12)
    for name in PULLS:
        one = chi2_without(tmp_path, [name])
        assert sorted(one["pulls"]) == sorted(set(PULLS) - {name})
        assert full["chi2"] <= one["chi2"] + 1e-9 and one["chi2"] <= bare["chi2"] + 1e-9


def test_without_a_shared_pull(tmp_path):
    """It leaves both experiments, which then are fitted apart."""
    joint = chi2_without(tmp_path, ["flux_b8"], experiments=EXPERIMENTS)
    apart = [chi2_without(tmp_path, ["flux_b8"], experiments=[x])["chi2"] for x in EXPERIMENTS]
    assert "flux_b8" not in joint["pulls"] and joint["chi2"] == pytest.approx(sum(apart), rel=1e-9)
    assert chi2_without(tmp_path, None, experiments=EXPERIMENTS)["chi2"] < joint["chi2"]


def test_a_narrow_pull_is_no_pull(tmp_path):
    """The limit sigma -> 0 of all pulls."""
    base = run_json("check", write(tmp_path, [COUPLINGS], experiments=["xenonnt_8b"]), "--json")["resolved"]["experiments"][0]
    for pull in base["pulls"]:
        pull["sigma"] = 1e-9
    base["experiment"] = "stiff"
    (tmp_path / "stiff.yaml").write_text(json.dumps(base))
    path = write(tmp_path, [COUPLINGS], experiments=[str(tmp_path / "stiff.yaml")], name="stiff_scan.yaml")
    stiff = run_json("point", path, "--set", "coupling=2e-5", "--json")["chi2"]
    assert stiff == pytest.approx(chi2_without(tmp_path, PULLS)["chi2"], rel=1e-9)


@pytest.mark.parametrize("value, says", [(["flux_b9"], ['"flux_b9"', 'did you mean "flux_b8"']), ("flux_b8", ["list"]), ({"flux_b8": 1}, ["list"]),
                                         ([["flux_b8"]], ["pull"]), ([{"a": "b"}], ["pull"]), (["flux_b8", "flux_b8"], ["flux_b8"]),
                                         (["pandax4t_us2.signal"], ["pull"]), ([None], ["pull"])])
def test_without_pulls_that_are_none(tmp_path, value, says):
    message = refused(tmp_path, "check", write(tmp_path, [COUPLINGS], experiments=["xenonnt_8b"], without_pulls=value))
    assert "scan.yaml:" in message
    for words in says:
        assert words in message, message


def test_maps_know_which_pulls_are_missing(tmp_path):
    for name, more in (("all", {}), ("some", {"without_pulls": ["flux_b8", "xenonnt_8b.neutrons"]})):
        scan(write(tmp_path, [COUPLINGS], name=f"{name}.yaml", experiments=["xenonnt_8b"], store_pulls=True, **more), tmp_path / f"{name}.h5")
    with h5py.File(tmp_path / "all.h5") as a, h5py.File(tmp_path / "some.h5") as b:
        assert {n for n in a if n.startswith("pull_")} - {n for n in b if n.startswith("pull_")} == {"pull_flux_b8", "pull_xenonnt_8b.neutrons"}
    run("verify", "--all", tmp_path / "some.h5")
