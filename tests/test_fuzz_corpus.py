# SPDX-License-Identifier: GPL-3.0-or-later
"""The fuzzers' corpus through the program itself, without a fuzzer: whatever the file, an answer or one message, and no signal."""
import random
from pathlib import Path

import pytest

from e2e import axis, refused, run, write_scan

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
COMPLETE, BAD_INPUT, POINTS_FAILED, IO = 0, 2, 3, 74


def corpus(kind):
    files = sorted((CORPUS / kind).iterdir())
    assert len(files) > 5
    return files


def answered(*arguments, **keywords):
    done = run(*arguments, code=None, text=False, **keywords)
    errors = done.stderr.decode(errors="replace").splitlines()
    if done.returncode in (BAD_INPUT, IO):
        assert len(errors) == 1 and errors[0].startswith("cevscan: error: ") and not done.stdout, (arguments, errors)
    else:
        assert done.returncode in (COMPLETE, POINTS_FAILED) and not errors and done.stdout, (arguments, done.returncode, errors)
    return done.returncode


def test_studies():
    files = sorted((CORPUS / "study").iterdir())
    assert files and {answered("check", path) for path in files} <= {COMPLETE, BAD_INPUT}


def test_scans():
    codes = {answered("check", path) for path in corpus("scan")}
    assert codes >= {COMPLETE, BAD_INPUT}


def test_experiments(tmp_path):
    codes = set()
    for path in corpus("experiment"):
        (tmp_path / "toy.yaml").write_bytes(path.read_bytes())
        write_scan(tmp_path, ["toy.yaml"], [axis("eps_ee_uV", 3)])
        codes.add(answered("check", tmp_path / "scan.yaml"))
    assert codes >= {COMPLETE, BAD_INPUT}


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_maps(options):
    codes = {answered("status", *options, path) for path in corpus("map")}
    assert codes >= {COMPLETE, BAD_INPUT}


# --- damage -------------------------------------------------------------------------------------------------------
KILLS_HDF5 = [5, 42, 144, 159, 317, 329, 396]  # HDF5 1.10.8 dies of these (fuzz/make_maps.py), which must not kill the command


def damaged(content, seed):
    """Some bytes changed anywhere: of a hundred such maps, HDF5 does not survive one or two."""
    chance = random.Random(seed)
    content = bytearray(content)
    for _ in range(chance.choice([1, 8])):
        content[chance.randrange(len(content))] = chance.choice([0, 255, chance.randrange(256)])
    return content


def test_damaged_maps(tmp_path):
    content = (CORPUS / "map" / "small.map").read_bytes()
    for seed in [*range(12), *KILLS_HDF5]:
        (tmp_path / "map.h5").write_bytes(damaged(content, seed))
        answered("status", tmp_path / "map.h5")


def test_a_map_that_keeps_hdf5_busy_for_ever(tmp_path):
    """Found by the fuzzer: a loop inside HDF5 that has no end, left after some seconds."""
    (tmp_path / "map.h5").write_bytes((CORPUS.parent / "damaged" / "endless.map").read_bytes())
    assert "does not come to an end" in refused(tmp_path, "status", "map.h5")


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_run_and_a_map_that_kills_hdf5(tmp_path, ranks):
    """It is refused, and left as it is."""
    write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 3)])
    content = damaged((CORPUS / "map" / "small.map").read_bytes(), KILLS_HDF5[0])
    (tmp_path / "map.h5").write_bytes(content)
    assert "damaged" in refused(tmp_path, "run", "scan.yaml", "-o", "map.h5", ranks=ranks)
    assert "damaged" in refused(tmp_path, "verify", "map.h5")
    assert "damaged" in refused(tmp_path, "merge", "map.h5", "map.h5", "-o", "new.h5")
    assert (tmp_path / "map.h5").read_bytes() == content


def test_a_length_that_takes_all_memory(tmp_path):
    """A text of 4 GB, says the map."""
    content = (CORPUS / "map" / "small.map").read_bytes()
    text = content.index(b"GCOL")
    for at in range(text + 24, text + 32):
        (tmp_path / "map.h5").write_bytes(content[:at] + b"\xff" + content[at + 1:])
        answered("status", tmp_path / "map.h5")
