# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of maps that several ranks wrote, seen by h5py and xarray, which know nothing of cevscan; and the hash of its
description, by the definition in src/store/map_description.c."""
import hashlib
import os
import pathlib
import re
import subprocess

import h5py
import numpy as np
import pytest
import xarray

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("CEVSCAN_BUILD", ROOT / "build")) / "tests" / "map_ranks"
OF_SCALES = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST"}
NUL = b"\0"


def run_ranks(n, **environment):
    """tests/unit/map_ranks.c on n ranks."""
    options = [o for name in environment for o in ("-x", name)]
    return subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(n), *options, str(PROGRAM)],
                          capture_output=True, text=True, errors="replace", timeout=120,
                          env={**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", **environment})


@pytest.fixture(scope="module", params=[1, 2, 3])
def study(request, tmp_path_factory):
    """The study of tests/unit/map_fixture.h: spaces `mass` (two maps) and `eps` (three, with pulls)."""
    path = tmp_path_factory.mktemp("ranks") / "study.h5"
    run = run_ranks(request.param, CEVSCAN_UNIT_MAP=str(path))
    assert run.returncode == 0, run.stdout + run.stderr
    return path


# --- readers --------------------------------------------------------------------------------------------------------

def test_xarray_sees_labelled_maps(study):
    with xarray.open_dataset(study, group="spaces/eps", engine="h5netcdf") as maps:
        assert maps["chi2"].dims == ("map", "eps_ee_uV", "mass_MeV")
        assert maps["pull_csi.signal"].dims == maps["status"].dims == maps["delta_chi2"].dims == maps["chi2"].dims
        assert list(maps["map"].values) == ["csi", "si", "csi+si"]
        assert maps["mass_MeV"].attrs["units"] == "MeV" and maps["eps_ee_uV"].attrs["long_name"] == r"$\varepsilon$"
        assert float(maps["chi2"].sel(map="si", eps_ee_uV=0.1, mass_MeV=4)) == 1000 + 2 * 7 + 3 + 0.5


def test_every_group_opens_in_xarray(study):
    """h5netcdf refuses datasets whose dimensions have no names."""
    groups = ["/"]
    with h5py.File(study) as f:
        f.visititems(lambda name, item: groups.append(name) if isinstance(item, h5py.Group) else None)
    found = {}
    for group in groups:
        with xarray.open_dataset(study, group=group, engine="h5netcdf") as opened:
            found[group] = {name: variable.dims for name, variable in opened.variables.items()}
    assert found["spaces/eps/tiles"] == {"done": ("tile",), "digest": ("tile", "map", "byte")}
    assert found["spaces/eps/results"]["best_fit"] == ("map", "axis") and found["spaces/eps/results"]["content_hash"] == ("map",)
    assert set(found["index"].values()) == {("name",)}


def test_h5py_sees_dimensions(study):
    with h5py.File(study) as f:
        for space, axes in [("mass", ["mass_MeV"]), ("eps", ["eps_ee_uV", "mass_MeV"])]:
            group = f["spaces"][space]
            assert group.attrs["axes"] == ",".join(axes)
            for name in ("chi2", "delta_chi2", "status"):
                assert [d.keys() for d in group[name].dims] == [["map"], *([a] for a in axes)]
                assert group[name].chunks == (len(group["map"]), *group["tiles"].attrs["side"])
        assert [n.decode() for n in f["index/name"][:]] == ["mass/csi", "mass/si", "eps/csi", "eps/si", "eps/csi+si"]
        chi2 = f["spaces/eps/chi2"][:]
        assert (chi2 == np.arange(35).reshape(5, 7) + 1000 * np.arange(3)[:, None, None] + 0.5).all()


def test_digests_are_those_of_the_definition(study):
    with h5py.File(study) as f:
        group = f["spaces/eps"]
        side, shape = [int(n) for n in group["tiles"].attrs["side"]], group["chi2"].shape[1:]
        corners = [(i, j) for i in range(0, shape[0], side[0]) for j in range(0, shape[1], side[1])]
        assert len(corners) == len(group["tiles/done"]) and (group["tiles/done"][:] == 1).all()
        for t, (i, j) in enumerate(corners):
            for m in range(3):
                box = (m, slice(i, i + side[0]), slice(j, j + side[1]))
                fields = ("chi2", "status", "pull_csi.signal", "pull_csi.background")
                bytes_ = b"".join(np.ascontiguousarray(group[name][box]).tobytes() for name in fields)
                assert group["tiles/digest"][t, m].tobytes() == hashlib.sha256(bytes_).digest()


# --- the description ------------------------------------------------------------------------------------------------

def kind_and_elements(dtype, values):
    if h5py.check_string_dtype(dtype):
        texts = [v if isinstance(v, bytes) else v.encode() for v in np.ravel(np.asarray(values, dtype=object))]
        return b"text", b"".join(t.split(NUL)[0] + NUL for t in texts)
    return f"{dtype.kind}{dtype.itemsize}".encode(), np.asarray(values).astype(dtype.newbyteorder("<")).tobytes()


def value(dtype, shape, values, elements=True):
    kind, bytes_ = kind_and_elements(dtype, values) if elements else (kind_and_elements(dtype, [])[0], b"")
    return kind + NUL + ",".join(map(str, shape)).encode() + NUL + bytes_


def describe(obj, path="/"):
    out = path.encode() + NUL
    for name in sorted(obj.attrs, key=str.encode):
        if name not in OF_SCALES and (path, name) != ("/", "description_hash"):
            attribute = obj.attrs.get_id(name)
            out += name.encode() + NUL + value(attribute.dtype, attribute.shape, obj.attrs[name])
    if isinstance(obj, h5py.Dataset):
        elements = "CLASS" in obj.attrs or path.startswith("/index/")
        return out + value(obj.dtype, obj.shape, obj[()] if elements else None, elements)
    for name in sorted(obj, key=str.encode):
        if name != "results" and (path, name) != ("/", "progress"):
            out += describe(obj[name], f"{path.rstrip('/')}/{name}")
    return out


def test_description_hash_is_that_of_the_definition(study):
    with h5py.File(study) as f:
        assert hashlib.sha256(describe(f)).hexdigest() == f.attrs["description_hash"]


# --- tools of HDF5 --------------------------------------------------------------------------------------------------

def test_headers_have_checksums(study):
    """A byte of a header that changes is noticed by HDF5 itself: headers of version 2 say so in their signature."""
    bytes_ = study.read_bytes()
    assert bytes_[8] == 2  # of the superblock: 3 would say "open for writing", and a killed job could not take it back
    assert bytes_.count(b"OHDR") > 20 and not re.search(rb"SNOD", bytes_)


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_killed_job_leaves_a_file_that_opens(tmp_path, ranks):
    path = tmp_path / "study.h5"
    run = run_ranks(ranks, CEVSCAN_UNIT_KILLED=str(path))
    assert run.returncode != 0 and path.exists(), run.stdout + run.stderr
    for mode in ("r", "r+"):
        with h5py.File(path, mode) as f:
            assert list(f["spaces/eps/tiles/done"][:]) == [1] * 4 + [0] * 5
            assert hashlib.sha256(describe(f)).hexdigest() == f.attrs["description_hash"]
            assert (f["spaces/eps/chi2"][:, :2, :3] == np.arange(35).reshape(5, 7)[:2, :3] + 1000 * np.arange(3)[:, None, None] + 0.5).all()
