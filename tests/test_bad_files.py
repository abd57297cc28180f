# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are not what they should be: scan files, outputs, maps. Nothing is created, and nothing is damaged."""
import os
import shutil

import h5py
import numpy as np
import pytest

from e2e import axis, content_hash, refused, run, run_json, scan, write_experiment, write_scan

RUN = ("run", "scan.yaml", "-o", "map.h5")
MINIMAL = "scan: t\nexperiments: [ess_ar]\ninteraction: nsi\nparameters: [{name: eps_ee_uV, min: 0, max: 1, points: 3}]\n"


def write_folder(path):
    write_scan(path, ["ess_ar"], [axis("eps_ee_uV", 31), axis("eps_mumu_uV", 17)], tile=[8, 8], store_pulls=True)
    return path


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path)


# --- scan files that are no scan files --------------------------------------------------------------------------------
def test_missing_scan_file(tmp_path):
    assert "none.yaml" in refused(tmp_path, "run", "none.yaml", "-o", "map.h5")
    assert "none.yaml" in refused(tmp_path, "run", "none.yaml", "-o", "map.h5", ranks=2)


def test_folder_as_scan_file(tmp_path):
    (tmp_path / "scan.yaml").mkdir()
    assert "scan.yaml" in refused(tmp_path, *RUN)


def test_missing_folder_of_scan_file(tmp_path):
    assert "no/scan.yaml" in refused(tmp_path, "run", "no/scan.yaml", "-o", "map.h5")


NOT_YAML = {
    "empty": b"",
    "comments only": b"# nothing\n\n",
    "binary": bytes(range(256)) * 4,
    "NUL": b"scan: t\0est\n",
    "invalid UTF-8": b"scan: \xff\xfe\n",
    "unbalanced": b"scan: [1, 2\nexperiments: }",
    "a number": b"42\n",
    "a list": b"- scan\n- experiments\n",
    "self-containing alias": b"scan: t\nexperiments: &x [*x]\ninteraction: nsi\n",
    "self-containing citation": MINIMAL.encode() + b"citation: &x [*x]\n",
    "alias bomb": MINIMAL.encode() + b"citation:\n- &a0 [x, x, x, x, x, x, x, x, x, x]\n"
                  + b"".join(b"- &a%d [%s]\n" % (k, b", ".join([b"*a%d" % (k - 1)] * 10)) for k in range(1, 12)),
    "many aliases of a long text": MINIMAL.encode() + b'citation: [&a "' + b"x" * 500_000 + b'"' + b", *a" * 1000 + b"]\n",
    "deep": MINIMAL.encode() + b"citation: " + b"[" * 5000 + b"]" * 5000 + b"\n",
    "deeper than any stack": MINIMAL.encode() + b"citation: " + b"[" * 1_000_000,
    "deep by dashes": MINIMAL.encode() + b"citation:\n " + b"- " * 1_000_000,
    "deep by question marks": MINIMAL.encode() + b"? " * 100_000,
    "a key twice among very many": MINIMAL.encode() + b"citation: {" + b"".join(b"k%d: 1, " % k for k in range(400_000)) + b"k7: 1}\n",
    "a key twice by one alias": MINIMAL.encode() + b"citation: {x: &x 1, a: *x, a: *x}\n",
    "very many anchors": MINIMAL.encode() + b"citation: [" + b"".join(b"&a%d x, " % k for k in range(500_000)) + b"]\n",
    "very many values": MINIMAL.encode() + b"citation: [" + b"x," * 7_000_000 + b"]\n",
    "very many directives": b"".join(b"%%TAG !a%d! b\n" % k for k in range(500_000)) + b"---\n" + MINIMAL.encode(),
    "a key of two lines": MINIMAL.encode() + b'"a\\nb\\e[2J": 1\n',
    "two documents": MINIMAL.encode() + b"---\nscan: another\n",
}


@pytest.mark.parametrize("content", NOT_YAML.values(), ids=NOT_YAML)
def test_not_a_scan(tmp_path, content):
    (tmp_path / "scan.yaml").write_bytes(content)
    assert " scan.yaml:" in refused(tmp_path, *RUN)


def test_very_many_keys_are_no_fault(tmp_path):
    """Their check must not compare each with each."""
    (tmp_path / "scan.yaml").write_text(MINIMAL + "citation: {" + "".join(f"k{k}: 1, " for k in range(400_000)) + "}\n")
    run("check", tmp_path / "scan.yaml")


def test_too_large_to_be_a_scan_file(tmp_path):
    (tmp_path / "scan.yaml").write_bytes(MINIMAL.encode() + b"# \n" * 6_000_000)
    assert "scan.yaml" in refused(tmp_path, *RUN)


def test_nothing_to_scan(tmp_path):
    """Without axes `point` has what it needs, `run` and `check` have not."""
    write_scan(tmp_path, ["ess_ar"], [{"name": "eps_ee_uV", "value": 0.1}])
    assert "no parameter is scanned" in refused(tmp_path, *RUN)
    refused(tmp_path, "check", "scan.yaml")
    assert run_json("point", tmp_path / "scan.yaml", "--json")["parameters"]["eps_ee_uV"] == 0.1


@pytest.mark.parametrize("points, tile", [(1 << 24, None), ((1 << 24) + 1, None), (10**8, None), (1 << 24, [4096, 4096]),
                                          (1 << 24, [1 << 20, 1 << 20])])
def test_grids_larger_than_any_disk(tmp_path, points, tile):
    more = {"tile": tile} if tile else {}
    write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", points), axis("eps_mumu_uV", points)], **more)
    done = run(*RUN, code=None, cwd=tmp_path)
    assert done.returncode in (2, 74) and done.stderr.count("cevscan: error") == 1
    assert os.listdir(tmp_path) == ["scan.yaml"]


def test_shared_pull_with_two_sigmas(tmp_path):
    for name, sigma in [("one", 0.1), ("two", 0.2)]:
        write_experiment(tmp_path, name, pulls=[{"name": "flux", "sigma": sigma, "scales": ["signal"]}])
    write_scan(tmp_path, ["one", "two"], [axis("eps_ee_uV", 5)])
    message = refused(tmp_path, *RUN)
    assert " scan.yaml:" in message and '"flux"' in message and "0.1" in message and "0.2" in message


def test_observed_without_data(tmp_path):
    write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5)], data="observed")
    message = refused(tmp_path, *RUN)
    assert " scan.yaml:" in message and '"ess_ar"' in message and '"observed"' in message


@pytest.mark.parametrize("ranks", [None, 2])
def test_more_pulls_than_a_fit_can_have(tmp_path, ranks):
    pulls = [{"name": f"p{k}", "sigma": 0.1, "scales": ["signal"]} for k in range(65)]
    write_experiment(tmp_path, "toy", pulls=pulls)
    write_scan(tmp_path, ["toy"], [axis("eps_ee_uV", 5)])
    assert "64" in refused(tmp_path, *RUN, ranks=ranks, stdin=None)


@pytest.mark.parametrize("ranks", [None, 2])
def test_no_point_can_explain_the_data(tmp_path, ranks):
    """Events in a bin that nothing reaches."""
    write_experiment(tmp_path, "toy", backgrounds=None, pulls=None, observed=[10, 10, 10, 10],
                     bins={"edges_keV": [1, 5, 20, 1000, 2000]})
    write_scan(tmp_path, ["toy"], [axis("eps_ee_uV", 5)], data="observed")
    done = run(*RUN, ranks=ranks, code=None, cwd=tmp_path)
    assert done.returncode in (1, 2) and done.stderr.count("cevscan: error") <= 1
    assert done.returncode == 1 or not (tmp_path / "map.h5").exists()


# --- outputs ----------------------------------------------------------------------------------------------------------
OUTPUTS = {"missing folder": "no/map.h5", "folder": ".", "new folder": "new/", "device": "/dev/null", "file as folder":
           "scan.yaml/map.h5", "long name": "m" * 300, "name that leaves no room for .tmp": "m" * 253, "virtual folder": "/proc/map.h5"}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_unwritable_output(folder, output):
    assert output in refused(folder, "run", "scan.yaml", "-o", output, "-q")


def test_unwritable_output_under_mpirun(folder):
    assert "no/map.h5" in refused(folder, "run", "scan.yaml", "-o", "no/map.h5", ranks=3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(folder):
    (folder / "locked").mkdir(mode=0o500)
    assert "locked/map.h5" in refused(folder, "run", "scan.yaml", "-o", "locked/map.h5")


def test_scan_file_as_output(folder):
    before = (folder / "scan.yaml").read_bytes()
    refused(folder, "run", "scan.yaml", "-o", "scan.yaml")
    assert (folder / "scan.yaml").read_bytes() == before


# --- maps -------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def a_map(tmp_path_factory):
    path = write_folder(tmp_path_factory.mktemp("map"))
    scan(path / "scan.yaml", path / "map.h5")
    return path / "map.h5"


@pytest.fixture
def made(folder, a_map):
    """A folder with the scan file and a copy of its map."""
    shutil.copy(a_map, folder)
    return folder


def unfinish(path, tiles=(0,)):
    """As a job leaves it that died before these tiles."""
    with h5py.File(path, "r+") as h5:
        h5["progress/complete"][()] = 0
        for tile in tiles:
            h5["tiles/done"][tile] = 0


@pytest.mark.parametrize("ranks", [None, 2])
def test_map_of_another_scan(made, ranks):
    before = (made / "map.h5").read_bytes()
    write_scan(made, ["ess_ar"], [axis("eps_ee_uV", 31), axis("eps_mumu_uV", 18)], title="the other")
    message = refused(made, *RUN, ranks=ranks)
    assert "map.h5" in message and "another scan" in message
    unfinish(made / "map.h5")
    refused(made, *RUN, ranks=ranks)
    unfinish(made / "map.h5", ())
    assert len((made / "map.h5").read_bytes()) == len(before)


@pytest.mark.parametrize("content", [b"", b"not a map\n", bytes(10_000), b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(5000)],
                         ids=["empty", "text", "zeros", "signature", "signature and zeros"])
def test_not_a_map(folder, content):
    (folder / "map.h5").write_bytes(content)
    assert "map.h5" in refused(folder, *RUN)
    assert "map.h5" in refused(folder, "status", "map.h5")
    assert (folder / "map.h5").read_bytes() == content


@pytest.mark.parametrize("part", [0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.999, -1])
def test_truncated_map(made, part):
    whole = (made / "map.h5").read_bytes()
    cut = whole[:-1] if part < 0 else whole[: int(part * len(whole))]
    (made / "map.h5").write_bytes(cut)
    assert "map.h5" in refused(made, *RUN)
    assert "map.h5" in refused(made, "status", "map.h5")
    assert (made / "map.h5").read_bytes() == cut


def test_hdf5_file_of_somebody_else(folder):
    with h5py.File(folder / "map.h5", "w") as h5:
        h5["chi2"] = np.zeros((31, 17))
    assert "not a cevscan map" in refused(folder, *RUN)
    assert "not a cevscan map" in refused(folder, "status", "map.h5")


def drop(name):
    def change(h5):
        del h5[name]
    return change


def replace(name, value):
    def change(h5):
        del h5[name]
        h5[name] = value
    return change


def attribute(name, value):
    def change(h5):
        h5.attrs[name] = value
    return change


DAMAGE = {
    "newer format": attribute("format_version", np.int32(3)),
    "other mark": attribute("format", "something"),
    "no chi2": drop("chi2"),
    "no status": drop("status"),
    "no delta_chi2": drop("delta_chi2"),
    "no pull": drop("pull_ess_ar.signal"),
    "no digests": drop("tiles/digest"),
    "no tiles": drop("tiles"),
    "no progress": drop("progress"),
    "fewer tiles": replace("tiles/done", np.ones(3, "u1")),
    "more tiles": replace("tiles/done", np.ones(100, "u1")),
    "chi2 of another shape": replace("chi2", np.zeros((3, 3))),
    "chi2 of another rank": replace("chi2", np.zeros(527)),
    "delta_chi2 of another shape": replace("delta_chi2", np.zeros((3, 3))),
    "status of another shape": replace("status", np.zeros((40, 17), "u1")),
    "pull of another shape": replace("pull_ess_ar.signal", np.zeros(3)),
    "digests of another shape": replace("tiles/digest", np.zeros((2, 32), "u1")),
    "axes that are not there": attribute("axes", "a,b,c"),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damaged_map(made, change):
    """A map that HDF5 can open but that is not as it was laid out: refused, and left alone."""
    unfinish(made / "map.h5")
    with h5py.File(made / "map.h5", "r+") as h5:
        change(h5)
    before = (made / "map.h5").read_bytes()
    assert "map.h5" in refused(made, *RUN)
    assert (made / "map.h5").read_bytes() == before
    assert run("status", made / "map.h5", code=None).returncode in (0, 2)


def test_undamaged_map_is_resumed(made):
    """What the tests above start from is sound."""
    before = content_hash(made / "map.h5")
    unfinish(made / "map.h5", (0, 5))
    summary = scan(made / "scan.yaml", made / "map.h5")
    assert summary["points_computed"] == 8 * 8 + 8 * 1 and summary["content_hash"] == before


# --- names ------------------------------------------------------------------------------------------------------------
NAMES = ["two words", "it's", 'say "no"', "new\nline", "Δχ²", "-q", "--output", "a%sb%n", "a:b,c;d", "$HOME", "*", "#tag", "tab\there"]


@pytest.mark.parametrize("name", NAMES)
def test_strange_names_work(tmp_path, name):
    shutil.copy(write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5)]), tmp_path / name)
    output = name + ".h5"
    summary = run_json("run", "--json", f"--output={output}", "--", name, cwd=tmp_path)
    assert summary["map"] == output and sorted(os.listdir(tmp_path)) == sorted(["scan.yaml", name, output])
    assert run_json("status", "--json", "--", output, cwd=tmp_path)["complete"]
    assert run_json("check", "--json", "--", name, cwd=tmp_path)["points"] == 5
    if "\n" not in name and "\t" not in name:  # control characters are not repeated
        assert f"{name}.no: " in refused(tmp_path, "status", "--", name + ".no")


def test_output_that_is_not_utf8(tmp_path):
    """File names are bytes: the summary is JSON all the same."""
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5)])
    done = run_json("run", scan_file, "-o", os.fsdecode(b"caf\xe9.h5"), "--json", cwd=tmp_path)
    assert done["complete"] and (tmp_path / os.fsdecode(b"caf\xe9.h5")).exists()


def test_output_through_a_link(tmp_path):
    """A link in the place of the map stays one: results often live on another disk."""
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5)])
    (tmp_path / "disk").mkdir()
    (tmp_path / "map.h5").symlink_to("disk/map.h5")
    for _ in range(2):
        run("run", scan_file, "-o", tmp_path / "map.h5")
        assert (tmp_path / "map.h5").is_symlink() and (tmp_path / "disk" / "map.h5").is_file()
