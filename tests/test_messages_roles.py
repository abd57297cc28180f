# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages about roles that say what to write in place of what was written, and where."""
import pytest

from e2e import experiment, refused, write_scan

EE = {"name": "eps_ee_uV", "min": -0.1, "max": 0.15, "points": 3}


def says(folder, entries, experiments=("coherent_csi",), **more):
    write_scan(folder, list(experiments), entries, **more)
    return refused(folder, "check", "scan.yaml")


def test_a_misspelt_number_names_few(tmp_path):
    message = says(tmp_path, [{"name": "quenching.c22", "min": 1, "max": 2, "points": 3}])
    assert 'did you mean "quenching.c2"' in message and "more; see: cevscan describe coherent_csi" in message
    assert message.count(",") <= 13 and "source.years" not in message


def test_quenching_that_turns_says_where(tmp_path):
    assert "where quenching.c2 is 3" in says(tmp_path, [{"name": "quenching.c2", "min": 3, "max": 6, "points": 3}])


@pytest.mark.parametrize("sigma", [0, -1])
def test_sigma_of_a_constraint_is_above_0(tmp_path, sigma):
    assert "expected a number above 0" in says(tmp_path, [{**EE, "centre": 0, "sigma": sigma}])


def test_a_free_pull_has_no_constraint(tmp_path):
    pull = {"name": "toy.signal", "constraint": "free", "scales": ["signal"]}
    assert "constraint: none" in says(tmp_path, [EE], [experiment(pulls=[pull])])


def test_the_pull_that_cannot_be_correlated_so_is_named(tmp_path):
    pulls = [{"name": name, "sigma": 0.1, "scales": ["signal"]} for name in "abc"]
    matrix = [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]
    message = says(tmp_path, [EE], [experiment(pulls=pulls)], correlations=[{"of": ["a", "b", "c"], "matrix": matrix}])
    assert 'not positive definite' in message and '"c" does not fit' in message
