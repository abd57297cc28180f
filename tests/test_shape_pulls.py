# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls that change the shape of what is expected: parameters of sources and responses, and histograms one sigma away on either side.

The fit is N(a) = N(0) + a [N(sigma) - N(-sigma)]/(2 sigma), so it is compared with scipy on just that, to rounding, and with scipy on counts
that are really folded anew, to second order in sigma."""
import json

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize

from e2e import axis, content_hash, fields, rates, refused, run, run_json, scan, write_scan

XENONNT, SCINTILLATOR = "xenonnt_8b", "coherent_csi_poisson"
AT = {"eps_ee_uV": 0.6, "eps_mumu_dV": 0.2}  # somewhere away from the data, where flavours count differently
THETA12 = {"name": "oscillation.theta12", "sigma": 0.08, "parameter": "source.theta12_rad"}
DM21 = {"name": "oscillation.dm21", "sigma": 4e-6, "parameter": "source.dm21_eV2"}


@pytest.fixture(scope="module")
def mappings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mappings")
    path = write_scan(folder, [XENONNT, SCINTILLATOR], [axis("eps_ee_uV", 2)], name="all.yaml")
    return {x["experiment"]: x for x in run_json("check", path, "--json")["resolved"]["experiments"]}


def write(folder, mapping, name, pulls, **changes):
    """An experiment of other pulls; a change is {"source": {...}} or a whole new value."""
    config = json.loads(json.dumps(mapping))
    config.update(experiment=name, pulls=pulls)
    for key, value in changes.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) and isinstance(config[key], dict) else value
    (folder / f"{name}.yaml").write_text(json.dumps(config))
    return str(folder / f"{name}.yaml")


def signal(path, values=AT):
    rate, = rates(path, values).values()
    return np.sum(list(rate["signal"].values()), axis=0)


def settings(values):
    return [word for name, value in values.items() for word in ("--set", f"{name}={value!r}")]


def point_of(folder, paths, values=AT, data="observed"):
    """chi2 and pulls of a point with the experiments' observed counts."""
    return run_json("point", write_scan(folder, paths, [], data=data), *settings(values), "--json")


def deviance(n, d):
    n, d = np.broadcast_arrays(np.asarray(n, float), np.asarray(d, float))
    if np.any(n <= 0):
        return 1e30
    return 2 * np.sum(n - d + np.where(d > 0, d * np.log(np.where(d > 0, d, 1) / n), 0))


def lowest(chi2, n):
    """The minimum over n pulls in units of their sigma."""
    found = minimize(chi2, np.zeros(n), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 40000, "maxfev": 40000})
    return minimize(chi2, found.x, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 40000, "maxfev": 40000})


# --- against scipy ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("pull, key", [(THETA12, "theta12_rad"), (DM21, "dm21_eV2")])
def test_oscillation_parameters(tmp_path, mappings, pull, key):
    """Beside a pull on the flux, and one on a background."""
    x = mappings[XENONNT]
    ac = next(b for b in x["backgrounds"] if b["name"].startswith("accid"))
    others = [{"name": "flux", "sigma": 0.12, "scales": ["signal"]}, {"name": "ac", "sigma": 0.048, "scales": [ac["name"]]}]
    backgrounds = [b for b in x["backgrounds"] if b is not ac]
    centre = x["source"].get(key, {"theta12_rad": 0.583638, "dm21_eV2": 7.42e-5}[key])
    at = np.linspace(-2, 2, 9)
    folded = [signal(write(tmp_path, x, "there", [], source={key: centre + a * pull["sigma"]})) for a in at]
    s, up, down = folded[4], folded[6], folded[2]
    assert np.max(np.abs(up - down)) > 1e-3 * np.max(s)
    fixed = np.sum([b["counts"] for b in backgrounds], axis=0)
    data, ac_counts = np.array(x["observed"]), np.array(ac["counts"])
    real = CubicSpline(at, folded)

    def chi2_of(shape):
        return lambda a: deviance(shape(a[0]) + s * 0.12 * a[1] + ac_counts * (1 + 0.048 * a[2]) + fixed, data) + np.sum(a * a)

    found = point_of(tmp_path, [write(tmp_path, x, "shaped", [pull, *others])])
    linear = lowest(chi2_of(lambda a: s + a * (up - down) / 2), 3)
    assert found["chi2"] == pytest.approx(linear.fun, abs=1e-8)
    assert found["pulls"][pull["name"]] / pull["sigma"] == pytest.approx(linear.x[0], abs=1e-3)
    refolded = lowest(chi2_of(real), 3)
    curvature = np.max(np.abs(up + down - 2 * s) / s) / 2  # what is left out, relative, at one sigma
    assert abs(found["chi2"] - refolded.fun) < 2 * curvature * linear.x[0]**2 * data.sum() + 1e-8
    assert found["chi2"] == pytest.approx(refolded.fun, rel=1e-3)


def test_a_quenching_factor(tmp_path, mappings):
    """A scintillator's yield, 5 % of it: counts and shape change, and the linear fit is scipy's."""
    x = mappings[SCINTILLATOR]
    quenching = x["response"]["quenching"]
    key = "c1"
    pull = {"name": "yield", "sigma": 0.05 * quenching[key], "parameter": f"quenching.{key}"}
    shape = lambda a: write(tmp_path, x, "there", [], response={"quenching": {**quenching, key: quenching[key] + a * pull["sigma"]}})
    s, up, down = (signal(shape(a)) for a in (0, 1, -1))
    rate, = rates(shape(0)).values()
    fixed = np.sum(list(rate["background"].values()), axis=0)
    found = point_of(tmp_path, [write(tmp_path, x, "shaped", [pull])])
    data = np.array(x["observed"])
    linear = lowest(lambda a: deviance(s + a[0] * (up - down) / 2 + fixed, data) + a[0]**2, 1)
    assert found["chi2"] == pytest.approx(linear.fun, rel=1e-8)


# --- identities -------------------------------------------------------------------------------------------------------
def chi2_and_pull(folder, path, name, values=AT):
    found = point_of(folder, [path], values)
    return found["chi2"], found["pulls"].get(name)


def test_three_ways_to_scale_the_signal(tmp_path, mappings):
    """As a pull that scales; by the parameter that multiplies the table; by tables."""
    x = mappings[XENONNT]
    rows = np.array(x["response"]["bins"])
    ways = [({"name": "p", "sigma": 0.2, "scales": ["signal"]}, 1),
            ({"name": "p", "sigma": 0.2, "parameter": "response.signal_scale"}, 1),
            ({"name": "p", "sigma": 1, "up": {"bins": (1.2 * rows).tolist()}, "down": {"bins": (0.8 * rows).tolist()}}, 0.2)]
    answers = [chi2_and_pull(tmp_path, write(tmp_path, x, f"way{k}", [pull]), "p") for k, (pull, _) in enumerate(ways)]
    for (chi2, pull), (_, unit) in zip(answers, ways):
        assert chi2 == pytest.approx(answers[0][0], abs=1e-9)
        assert pull * unit == pytest.approx(answers[0][1], abs=1e-5)
    assert abs(answers[0][1]) > 0.01


def test_two_ways_to_scale_a_background(tmp_path, mappings):
    x = mappings[XENONNT]
    b = x["backgrounds"][0]
    counts = np.array(b["counts"])
    given = {"name": "p", "sigma": 2, "up": {"backgrounds": {b["name"]: (1.3 * counts).tolist()}},
             "down": {"backgrounds": {b["name"]: (0.7 * counts).tolist()}}}
    one = chi2_and_pull(tmp_path, write(tmp_path, x, "scaled", [{"name": "p", "sigma": 0.3, "scales": [b["name"]]}]), "p")
    other = chi2_and_pull(tmp_path, write(tmp_path, x, "given", [given]), "p")
    assert other[0] == pytest.approx(one[0], abs=1e-9) and other[1] / 2 * 0.3 == pytest.approx(one[1], abs=1e-5)


def test_nothing_is_left_at_the_truth(tmp_path, mappings):
    path = write(tmp_path, mappings[XENONNT], "shaped", [THETA12, DM21, {"name": "flux", "sigma": 0.12, "scales": ["signal"]}])
    found = point_of(tmp_path, [path], data={"asimov": AT})
    assert found["chi2"] == 0
    for pull in (THETA12, DM21):
        assert abs(found["pulls"][pull["name"]]) < 1e-9 * pull["sigma"]


def test_a_point_is_explained(tmp_path, mappings):
    """Shares of bins and the penalty add up to the minimum, the expectation shifted as the pulls say."""
    found = point_of(tmp_path, [write(tmp_path, mappings[XENONNT], "shaped", [THETA12, DM21])])
    x, = found["experiments"].values() if isinstance(found["experiments"], dict) else found["experiments"]
    assert deviance(x["predicted"], mappings[XENONNT]["observed"]) + found["penalty"] == pytest.approx(found["chi2"], abs=1e-9)
    a = {name: found["pulls"][name] for name in (THETA12["name"], DM21["name"])}
    assert found["penalty"] == pytest.approx(sum((a[p["name"]] / p["sigma"])**2 for p in (THETA12, DM21)), rel=1e-9)
    assert abs(a[THETA12["name"]]) > 0.1 * THETA12["sigma"]


def test_a_pull_can_only_lower_chi2(tmp_path, mappings):
    path = write(tmp_path, mappings[XENONNT], "shaped", [THETA12, DM21])
    scans = {name: scan(write_scan(tmp_path, [path], [axis("eps_ee_uV", 41, -1, 1)], name=f"{name}.yaml", data="observed", **more),
                        tmp_path / f"{name}.h5")
             for name, more in {"both": {}, "one": {"without_pulls": [DM21["name"]]},
                                "none": {"without_pulls": [DM21["name"], THETA12["name"]]}}.items()}
    both, one, none = (fields(tmp_path / f"{name}.h5")[0] for name in scans)
    assert np.all(both <= one + 1e-8) and np.all(one <= none + 1e-8) and np.any(both < one - 1e-6) and np.any(one < none - 1e-4)
    bare = write(tmp_path, mappings[XENONNT], "unpulled", [])
    scan(write_scan(tmp_path, [bare], [axis("eps_ee_uV", 41, -1, 1)], name="bare.yaml", data="observed"), tmp_path / "bare.h5")
    assert fields(tmp_path / "bare.h5")[0].tobytes() == none.tobytes()


def test_shapes_follow_the_flux(tmp_path, mappings):
    """A flux set by the scan is the source's own."""
    x = mappings[XENONNT]
    own = chi2_and_pull(tmp_path, write(tmp_path, x, "own", [THETA12], source={"flux_per_cm2_s": 8e6}), THETA12["name"])
    scanned = chi2_and_pull(tmp_path, write(tmp_path, x, "scanned", [THETA12]), THETA12["name"], values={**AT, "flux_b8": 8e6})
    assert scanned[0] == pytest.approx(own[0], abs=1e-9) and scanned[1] == pytest.approx(own[1], rel=1e-5)


def test_a_shared_pull_is_one_pull(tmp_path, mappings):
    """Two detectors under one angle: the sum of their deviances at one value of it."""
    x = mappings[XENONNT]
    other = {"backgrounds": [{**b, "counts": (2 * np.array(b["counts"])).tolist()} for b in x["backgrounds"]], "observed": [40, 22, 9]}
    paths = [write(tmp_path, x, "one", [THETA12]), write(tmp_path, x, "two", [THETA12], target={"mass_kg": 2 * x["target"]["mass_kg"]}, **other)]
    centre = x["source"].get("theta12_rad", 0.583638)
    terms = []
    for k, changes in enumerate([{}, {"target": {"mass_kg": 2 * x["target"]["mass_kg"]}, **other}]):
        s, up, down = (signal(write(tmp_path, x, "there", [], source={"theta12_rad": centre + a * THETA12["sigma"]}, **changes))
                       for a in (0, 1, -1))
        backgrounds = changes.get("backgrounds", x["backgrounds"])
        terms.append((s + np.sum([b["counts"] for b in backgrounds], axis=0), (up - down) / 2, changes.get("observed", x["observed"])))
    found = point_of(tmp_path, paths)
    linear = lowest(lambda a: sum(deviance(n + a[0] * d, data) for n, d, data in terms) + a[0]**2, 1)
    assert found["chi2"] == pytest.approx(linear.fun, abs=1e-8) and list(found["pulls"]) == [THETA12["name"]]


def test_with_slow_axes_and_in_propagation(tmp_path, mappings):
    """One map for all ranks, its points those of single evaluations."""
    path = write(tmp_path, mappings[XENONNT], "shaped", [THETA12, {"name": "flux", "sigma": 0.12, "scales": ["signal"]}],
                 source={"nsi_in_propagation": 1, "earth": 0})
    path = write_scan(tmp_path, [path], [axis("eps_ee_uV", 5, -0.4, 0.4), axis("sin2_theta_w", 6, 0.2, 0.3)], data="observed", store_pulls=True)
    for ranks in (None, 3):
        scan(path, tmp_path / f"{ranks}.h5", ranks=ranks)
    assert content_hash(tmp_path / "None.h5") == content_hash(tmp_path / "3.h5")
    run("verify", "--all", tmp_path / "3.h5")
    chi2, _, _, axes = fields(tmp_path / "3.h5")
    for i, j in [(0, 0), (3, 2), (4, 5)]:
        at = {"eps_ee_uV": float(axes["eps_ee_uV"][i]), "sin2_theta_w": float(axes["sin2_theta_w"][j])}
        assert run_json("point", path, *settings(at), "--json")["chi2"] == pytest.approx(chi2[i, j], rel=1e-9)


# --- what is refused --------------------------------------------------------------------------------------------------
def pull(**keys):
    return {"name": "p", "sigma": 0.02, **keys}


ROWS = [[0.1] * 4] * 3
REFUSED = [
    ("an unknown parameter", pull(parameter="source.theta21_rad"), ["source.theta21_rad", 'did you mean "source.theta12_rad"']),
    ("an unknown part", pull(parameter="sorce.theta12_rad"), ["sorce.theta12_rad", 'did you mean "source.theta12_rad"']),
    ("no part", pull(parameter="theta12_rad"), ['"theta12_rad"']),
    ("a part that it does not have", pull(parameter="quenching.c1"), ['"quenching.c1"']),
    ("a list", pull(parameter=["source.theta12_rad"]), ['"parameter"', "source.theta12_rad"]),
    ("a choice", pull(parameter="source.earth"), ['"source.earth"', "choice"]),
    ("the option of propagation", pull(parameter="source.nsi_in_propagation"), ["choice"]),
    ("the flux", pull(parameter="source.flux_per_cm2_s"), ['"source.flux_per_cm2_s"', '"scales"']),
    ("a range that is left", pull(parameter="source.dm21_eV2"), ['"source.dm21_eV2"', "range"]),
    ("a table less than nothing", pull(parameter="response.signal_scale", sigma=1.5), ["range from 0"]),
    ("nearly no sigma", pull(parameter="source.theta12_rad", sigma=1e-10), ['"sigma"', "between"]),
    ("a negative sigma", pull(parameter="source.theta12_rad", sigma=-0.1), ['"sigma"', "between"]),
    ("two things at once", pull(parameter="source.theta12_rad", scales=["signal"]), ["one of the keys"]),
    ("neither", pull(), ["one of the keys", '"scales"']),
    ("up without down", pull(up={"bins": ROWS}), ['"up" and "down"']),
    ("down without up", pull(down={"bins": ROWS}), ['"up" and "down"']),
    ("up and a parameter", pull(up={"bins": ROWS}, down={"bins": ROWS}, parameter="source.theta12_rad"), ["one of the keys"]),
    ("nothing that changes", pull(up={}, down={}), ['"up"', '"bins"']),
    ("an unknown key", pull(up={"bin": ROWS}, down={"bins": ROWS}), ['did you mean "bins"']),
    ("other recoil energies", pull(up={"bins": ROWS}, down={"bins": ROWS}), ["4 values"]),
    ("an unknown background", pull(up={"backgrounds": {"neutron": [1, 1, 1]}}, down={"backgrounds": {}}), ['"neutron"', "did you mean"]),
    ("backgrounds as a list", pull(up={"backgrounds": [1, 1, 1]}, down={"backgrounds": {}}), ['"backgrounds"']),
    ("too few counts", pull(up={"backgrounds": {"neutrons": [1, 1]}}, down={"backgrounds": {}}), ["2 counts for 3 bins"]),
    ("negative counts", pull(up={"backgrounds": {"neutrons": [1, -1, 1]}}, down={"backgrounds": {}}), ["-1"]),
]


@pytest.mark.parametrize("bad, says", [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_bad_pulls(tmp_path, mappings, bad, says):
    write(tmp_path, mappings[XENONNT], "bad", [bad])
    message = refused(tmp_path, "point", "--experiments", "./bad.yaml")
    assert "bad.yaml:1:" in message
    for words in says:
        assert words in message, message


def test_no_tables_of_other_responses(tmp_path, mappings):
    write(tmp_path, mappings[SCINTILLATOR], "bad", [pull(up={"bins": ROWS}, down={"bins": ROWS})])
    assert 'response "table"' in refused(tmp_path, "point", "--experiments", "./bad.yaml")


def test_quenching_must_go_on_growing(tmp_path, mappings):
    write(tmp_path, mappings[SCINTILLATOR], "bad", [pull(parameter="quenching.c1", sigma=0.5)])
    message = refused(tmp_path, "point", "--experiments", "./bad.yaml")
    assert "grow" in message or "range" in message


def test_too_many_shapes(tmp_path, mappings):
    write(tmp_path, mappings[XENONNT], "bad", [pull(parameter="source.theta12_rad") | {"name": f"p{k}"} for k in range(13)])
    assert "together" in refused(tmp_path, "point", "--experiments", "./bad.yaml")


@pytest.mark.parametrize("other, says", [({**THETA12, "parameter": "source.theta13_rad"}, "same parameter"),
                                         ({"name": THETA12["name"], "sigma": THETA12["sigma"], "scales": ["signal"]}, "same parameter"),
                                         ({**THETA12, "sigma": 0.03}, "sigma")])
def test_sharing_needs_the_same_pull(tmp_path, mappings, other, says):
    paths = [write(tmp_path, mappings[XENONNT], "one", [THETA12]), write(tmp_path, mappings[XENONNT], "two", [other])]
    write_scan(tmp_path, paths, [axis("eps_ee_uV")])
    message = refused(tmp_path, "run", "scan.yaml", "-o", "map.h5")
    assert THETA12["name"] in message and says in message


def test_pulls_are_described(tmp_path, mappings):
    path = write(tmp_path, mappings[XENONNT], "shaped", [THETA12])
    assert "pull oscillation.theta12, sigma 0.08 of source.theta12_rad" in run("describe", path).stdout
