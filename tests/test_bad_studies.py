# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies that are refused, each in words of its own, before anything is created."""
import pytest

from e2e import refused
from test_study import ESS, RANGE, axis, study_file

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
    "each_of in a plane": ({"planes": [[{"each_of": ["eps_ee_uV", "eps_ee_dV"], **RANGE, "points": 9}, axis("eps_mumu_uV")]]},
                           'no place in "planes"'),
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
