# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and jobs that must not be believed, or must not be thrown away: changed texts, limits, other bits, other programs."""
import json
import os
import re
import resource
import shutil
import subprocess

import h5py
import pytest

from e2e import (BAD_INPUT, NOT_SOUND, POINTS_FAILED, REPO, STOPPED, SYSTEM, axis, content_hash, mpi_command, refused, run, run_json, scan,
                 write_experiment, write_scan)

ALL_ESS = ["ess_csi", "ess_si", "ess_xe", "ess_ge", "ess_ar", "ess_c3f8"]
NSI = [f"eps_{pair}_{quark}V" for pair in ("ee", "mumu", "emu", "etau", "mutau") for quark in "ud"]


def write_study(folder, name="study.yaml", **keys):
    study = {"study": "test", "interaction": "nsi", "sets": [{"all_subsets_of": ["ess_csi", "ess_si"]}],
             "planes": [[axis("eps_ee_uV", 21), axis("eps_mumu_uV", 17)]], "profiles": [axis("eps_mumu_dV", 31)], **keys}
    (folder / name).write_text(json.dumps({k: v for k, v in study.items() if v is not None}))
    return folder / name


# --- a study of thousands of maps ---------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """3780 maps, which took longer to look through than the program allowed itself."""
    folder = tmp_path_factory.mktemp("many")
    path = write_study(folder, sets=[{"all_subsets_of": ALL_ESS}], exposure_factors=[1, 2, 3, 4, 5, 6], planes=None,
                       profiles=[{"name": name, "min": -0.2, "max": 0.5, "points": 11} for name in NSI])
    return path, folder / "study.h5", run_json("run", path, "-o", folder / "study.h5", "--json")


@pytest.mark.slow
def test_a_study_of_thousands_of_maps_is_not_called_damaged(many):
    path, output, summary = many
    assert summary["maps"] == 3780 and summary["complete"]
    status = run_json("status", output, "--json")
    assert status["complete"] and len(status["maps"]) == 3780
    assert run("run", path, "-o", output).stdout.endswith("already complete\n")


@pytest.mark.slow
def test_a_study_of_thousands_of_maps_is_resumed(many, tmp_path):
    path, right, summary = many
    shutil.copy(right, tmp_path / "study.h5")
    with h5py.File(tmp_path / "study.h5", "r+") as f:
        f["progress/complete"][()] = 0
        f[f"spaces/{NSI[3]}/tiles/done"][...] = 0
    again = run_json("run", path, "-o", tmp_path / "study.h5", "--json")
    assert again["points_computed"] == 378 * 11 and again["content_hash"] == summary["content_hash"]


@pytest.fixture(scope="module")
def a_map(tmp_path_factory):
    folder = tmp_path_factory.mktemp("map")
    path = write_scan(folder, ["ess_csi"], [axis("eps_ee_uV", 37), axis("eps_mumu_uV", 21)], tile=[8, 8], store_pulls=True)
    scan(path, folder / "map.h5")
    return path, folder / "map.h5"


TRIAL = """
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <stdio.h>
/* The process that tries a file, and only that, is ended as the system would at its limit. */
__attribute__((constructor)) static void end_trial(void)
{
    char line[4096] = "";
    FILE *f = fopen("/proc/self/cmdline", "r");
    size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
    if (f) fclose(f);
    for (size_t k = 0; k < n; k++)
        if (!strcmp(line + k, "--try")) raise(atoi(getenv("TRIAL_ENDS_WITH")));
}
"""


def library(folder, name, source, *libraries):
    (folder / f"{name}.c").write_text(source)
    subprocess.run(["gcc", "-O1", "-fno-builtin", "-shared", "-fPIC", "-o", folder / f"{name}.so", folder / f"{name}.c", "-ldl", *libraries],
                   check=True)
    return str(folder / f"{name}.so")


@pytest.mark.parametrize("signal, says", [(24, "could not be checked in time"), (9, "could not be checked in time"), (11, "damaged")])
def test_a_limit_is_not_damage(a_map, tmp_path, signal, says):
    environment = {**os.environ, "LD_PRELOAD": library(tmp_path, "trial", TRIAL), "TRIAL_ENDS_WITH": str(signal)}
    done = run("status", a_map[1], code=BAD_INPUT, env=environment)
    assert says in done.stderr and ("damaged" in done.stderr) == (says == "damaged")


# --- a file that may not grow -------------------------------------------------------------------------------------------
def test_a_file_that_may_not_grow_is_a_refused_write(tmp_path):
    """SIGXFSZ, of `ulimit -f`. Without mpirun, which has files of its own that may not grow."""
    path = write_scan(tmp_path, ["ess_csi"], [axis("eps_ee_uV", 401), axis("eps_mumu_uV", 401)])
    limit = 1 << 20
    done = run("run", path, "-o", tmp_path / "map.h5", code=SYSTEM,
               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)))
    assert "File too large" in done.stderr and "map.h5" in done.stderr
    assert os.listdir(tmp_path) == ["scan.yaml"]


# --- texts that were changed ---------------------------------------------------------------------------------------------
def change_configuration(h5):
    text = h5.attrs["configuration"]
    assert text.count("22.5") >= 1
    h5.attrs["configuration"] = text.replace("22.5", "45.0", 1)


def change_attribute(name, value):
    def change(h5):
        h5.attrs[name] = value
    return change


def change_axis(h5):
    h5["eps_ee_uV"][3] += 1e-3


def change_label(h5):
    h5["eps_ee_uV"].attrs["long_name"] = "$\\varepsilon$"


CHANGES = {"configuration": change_configuration, "title": change_attribute("title", "other"), "commit": change_attribute("git_commit", "0"),
           "new attribute": change_attribute("note", "x"), "label": change_label, "axis": change_axis}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_texts_are_found(a_map, tmp_path, change):
    shutil.copy(a_map[1], tmp_path / "map.h5")
    with h5py.File(tmp_path / "map.h5", "r+") as h5:
        change(h5)
    done = run("verify", tmp_path / "map.h5", code=None)
    assert done.returncode in (BAD_INPUT, NOT_SOUND) and re.search("description|configuration|changed", done.stdout + done.stderr)
    if change is not change_axis:
        assert "does not have its hash" in run("status", tmp_path / "map.h5").stdout
    assert not run_json("status", tmp_path / "map.h5", "--json")["description_intact"]
    with h5py.File(tmp_path / "map.h5", "r+") as h5:
        h5["progress/complete"][()] = 0
    run("run", a_map[0], "-o", tmp_path / "map.h5", code=BAD_INPUT)
    run("merge", tmp_path / "map.h5", "-o", tmp_path / "new.h5", code=BAD_INPUT)
    assert not (tmp_path / "new.h5").exists()


def test_changed_texts_of_a_study_are_found(tmp_path):
    run("run", write_study(tmp_path), "-o", tmp_path / "study.h5")
    with h5py.File(tmp_path / "study.h5", "r+") as h5:
        h5["spaces/eps_mumu_dV/map"][1] = b"ess_xx"
    assert not run_json("status", tmp_path / "study.h5", "--json")["description_intact"]
    assert run("verify", tmp_path / "study.h5", code=None).returncode in (BAD_INPUT, NOT_SOUND)


def test_control_characters_do_not_reach_the_terminal(a_map, tmp_path):
    """A scan file may hold none; a stranger's map may."""
    bad = "a\x1b[31mb\x07c\x9b2Jd\r"
    assert "control character" in refused_title(tmp_path, bad)
    shutil.copy(a_map[1], tmp_path / "map.h5")
    with h5py.File(tmp_path / "map.h5", "r+") as h5:
        for name in ("title", "git_commit", "program_version", "data", "configuration_hash"):
            h5.attrs[name] = bad
        h5["progress/content_hash"][()] = bad.encode()
        h5["progress/start"][()] = bad.encode()
    for command in (["status"], ["verify"], ["merge", "-o", tmp_path / "new.h5"], ["run", a_map[0], "-o"]):
        done = run(*command, tmp_path / "map.h5", code=None)
        assert "\x1b" in bad and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr), done.args


def refused_title(folder, title):
    write_scan(folder, ["ess_ar"], [axis("eps_ee_uV", 5)], title=title)
    return refused(folder, "run", "scan.yaml", "-o", "new.h5")


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_pipe_is_refused_at_once(tmp_path, ranks):
    os.mkfifo(tmp_path / "pipe")
    write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5)])
    refused(tmp_path, "run", "scan.yaml", "-o", "pipe", ranks=ranks, timeout=60)
    for command in (["status"], ["verify"], ["merge", "-o", "new.h5"]):
        refused(tmp_path, *command, "pipe", ranks=ranks if command[0] == "verify" else None, timeout=60)


def test_no_line_of_a_file_that_is_not_ours(tmp_path):
    (tmp_path / "secret").write_text("password-of-somebody: [\n")
    write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5)])
    for arguments in (["status", "secret"], ["verify", "secret"], ["run", "secret", "-o", "map.h5"], ["run", "scan.yaml", "-o", "secret"]):
        assert "password" not in refused(tmp_path, *arguments)


# --- other bits -----------------------------------------------------------------------------------------------------------
NUDGE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
/* exp() as another mathematical library has it: another last bit now and then. */
double exp(double x)
{
    static double (*real)(double);
    if (!real) real = (double (*)(double))dlsym(RTLD_NEXT, "exp");
    double y = real(x);
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isfinite(y) && y > 1e-300 && (bits * 0x9e3779b97f4a7c15u >> 61) == 0 ? nextafter(y, 2 * y) : y;
}
"""


@pytest.fixture(scope="module")
def nudged(tmp_path_factory):
    """Environment of a process whose exp() has other last bits."""
    folder = tmp_path_factory.mktemp("nudge")
    return {**os.environ, "LD_PRELOAD": library(folder, "nudge", NUDGE)}


@pytest.fixture(scope="module")
def two_bits(tmp_path_factory, nudged):
    """(scan file, map, map by the other library)."""
    folder = tmp_path_factory.mktemp("bits")
    path = write_scan(folder, ["ess_csi", "ess_si"], [axis("eps_ee_uV", 41), axis("eps_mumu_uV", 41)], tile=[16, 16], store_pulls=True)
    scan(path, folder / "here.h5")
    scan(path, folder / "there.h5", env=nudged)
    return path, folder / "here.h5", folder / "there.h5"


@pytest.mark.parametrize("tunables", [None, "glibc.cpu.hwcaps=-AVX2,-FMA", "glibc.malloc.check=0", "glibc.cpu.hwcaps=-AVX512F",
                                      "glibc.malloc.check=0:glibc.cpu.hwcaps=-FMA", "glibc.cpu.hwcaps=-AVX2,-FMA4"])
def test_one_hash_whatever_the_mathematical_library_finds(tmp_path, two_bits, tunables):
    environment = {k: v for k, v in os.environ.items() if k != "GLIBC_TUNABLES"}
    environment.update({} if tunables is None else {"GLIBC_TUNABLES": tunables})
    assert scan(two_bits[0], tmp_path / "map.h5", env=environment)["content_hash"] == content_hash(two_bits[1])


def test_other_bits_are_sound(two_bits, tmp_path):
    _, here, there = two_bits
    assert content_hash(here) != content_hash(there), "exp() is not nudged"
    shutil.copy(there, tmp_path / "map.h5")
    before = (tmp_path / "map.h5").read_bytes()
    found = run_json("verify", "--all", "--repair", "--json", tmp_path / "map.h5")
    assert found["sound"] and found["other_bits"] and not found["different"] and not found["damaged"] and not found["repaired"]
    assert 0 < found["worst_chi2"] < 1e-8 and (tmp_path / "map.h5").read_bytes() == before
    said = run("verify", "--all", tmp_path / "map.h5").stdout
    assert "other bits" in said and said.endswith("sound\n") and "NOT" not in said


def test_a_map_of_other_bits_is_finished_and_is_sound(two_bits, tmp_path):
    """One that a host began and another one ends: sound, with the hash of neither."""
    path, _, there = two_bits
    shutil.copy(there, tmp_path / "map.h5")
    with h5py.File(tmp_path / "map.h5", "r+") as h5:
        h5["progress/complete"][()] = 0
        h5["tiles/done"][3:] = 0
    scan(path, tmp_path / "map.h5")
    assert run_json("verify", "--all", "--json", tmp_path / "map.h5")["sound"]


def test_parts_of_other_bits_are_merged_where_they_do_not_overlap(two_bits, nudged, tmp_path):
    path, here, there = two_bits
    scan(path, tmp_path / "1.h5", "--shard", "1/2")
    scan(path, tmp_path / "2.h5", "--shard", "2/2", env=nudged)
    run("merge", tmp_path / "1.h5", tmp_path / "2.h5", "-o", tmp_path / "joined.h5")
    assert run_json("verify", "--all", "--json", tmp_path / "joined.h5")["sound"]
    done = run("merge", here, there, "-o", tmp_path / "new.h5", code=BAD_INPUT)
    assert "tile" in done.stderr and not (tmp_path / "new.h5").exists()


def unlike_ranks(path, output, *first, program=None):
    """mpirun with a rank like this process and one with other settings, or another program."""
    one = mpi_command(1, "run", path, "-o", output, "-q")
    own, *arguments = one[one.index("1") + 1:]
    return [*one, ":", "-n", "1", *first, str(program or own), *arguments]


def check_refused_together(command, folder, says):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == BAD_INPUT, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("cevscan: error")]
    assert len(errors) == 1 and "rank 1" in errors[0] and says in errors[0], done.stderr
    assert not [p.name for p in folder.iterdir() if p.name.startswith("map.h5")]


def test_ranks_with_other_bits_end_together(two_bits, nudged, tmp_path):
    check_refused_together(unlike_ranks(two_bits[0], tmp_path / "map.h5", "env", f"LD_PRELOAD={nudged['LD_PRELOAD']}"), tmp_path, "other bits")


OTHER = """
const char *gsl_version = "9.9";
"""


def test_ranks_of_other_libraries_end_together(two_bits, tmp_path):
    other = library(tmp_path, "other", OTHER)
    command = unlike_ranks(two_bits[0], tmp_path / "map.h5", "env", f"LD_PRELOAD={other}")
    check_refused_together(command, tmp_path, "GSL 9.9")


@pytest.mark.slow
def test_ranks_of_other_programs_end_together(two_bits, tmp_path):
    """A program that differs in its commit alone."""
    build = REPO / os.environ.get("CEVSCAN_BUILD", "build")
    program, version = tmp_path / "bin" / "cevscan", tmp_path / "version.o"
    objects = [str(p) for room in ("cli", "bench") for p in (build / "src" / room).glob("*.o")]
    if not objects or not (REPO / "lib" / "libcevscan.a").exists():
        pytest.skip("not built here")
    program.parent.mkdir()
    subprocess.run(["gcc", "-Iinclude", "-DCEVSCAN_COMMIT=\"other\"", "-c", "src/base/version.c", "-o", version], check=True, cwd=REPO)
    libs = subprocess.run("pkg-config --libs $(for p in hdf5-openmpi hdf5-mpi hdf5; do pkg-config --exists $p && echo $p && break; done) "
                          "$(for p in ompi-c mpi-c ompi mpich; do pkg-config --exists $p && echo $p && break; done) gsl yaml-0.1 jansson "
                          "libcrypto muparser", shell=True, check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["gcc", "-fopenmp", *objects, version, "lib/libcevscan.a", *libs, "-lhdf5_hl", "-lm", "-o", program], check=True, cwd=REPO)
    check_refused_together(unlike_ranks(two_bits[0], tmp_path / "map.h5", program=program), tmp_path, "(other)")


# --- another scan? ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def begun(tmp_path, a_map):
    shutil.copy(a_map[1], tmp_path / "map.h5")
    return tmp_path


BASE = {"tile": [8, 8], "store_pulls": True}


def again(folder, code=0, **more):
    path = write_scan(folder, ["ess_csi"], [axis("eps_ee_uV", 37), axis("eps_mumu_uV", 21)], **{**BASE, **more})
    return run("run", path, "-o", folder / "map.h5", code=code)


@pytest.mark.parametrize("more", [{"data": "asimov"}, {"exposure_factor": 1}, {"exposure_factor": 1.0}, {"data": "asimov", "exposure_factor": 1},
                                  {"data": {"asimov": {}}}], ids=str)
def test_a_default_written_out_is_the_same_scan(begun, more):
    assert "already complete" in again(begun, **more).stdout


@pytest.mark.parametrize("more, key", [({"exposure_factor": 2}, "exposure_factor"), ({"store_pulls": False}, "store_pulls"),
                                       ({"data": {"asimov": {"eps_ee_uV": 0.1}}}, "data"), ({"tile": [8, 9]}, "tile")], ids=str)
def test_another_value_is_refused_by_its_key(begun, more, key):
    message = again(begun, BAD_INPUT, **more).stderr
    assert "another scan" in message and key in message


def test_a_changed_title_is_told(begun):
    done = again(begun, title="new words")
    assert "already complete" in done.stdout and "title" in done.stderr and "keeps" in done.stderr


# --- what a command says at its end --------------------------------------------------------------------------------------
def test_points_without_chi2_have_a_code_of_their_own(tmp_path):
    """1 is what mpirun ends with when it is interrupted itself."""
    text = run("run", "--help").stdout
    assert "3 complete, but some points have no chi2" in re.sub(r"\s+", " ", text) and POINTS_FAILED == 3


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_best_fit_at_the_end_of_an_axis_is_said(tmp_path, ranks):
    toy = write_experiment(tmp_path, observed=[90, 160, 60])
    path = write_scan(tmp_path, [str(toy)], [axis("eps_ee_uV", 31, 0.0, 0.05), axis("eps_mumu_uV", 31, -0.5, 0.5)], data="observed")
    done = run("run", path, "-o", tmp_path / "map.h5", ranks=ranks)
    summary = run_json("status", tmp_path / "map.h5", "--json")
    assert summary["best_fit"]["eps_ee_uV"] in (0.0, 0.05)
    assert "end of the range of eps_ee_uV" in done.stderr and "end of the range of eps_mumu_uV" not in done.stderr
    for said in (done.stdout, run("status", tmp_path / "map.h5").stdout):
        assert re.search(r"eps_ee_uV=\S+ \(end of its range\)", said) and said.count("(end of its range)") == 1


# --- what a job would take ------------------------------------------------------------------------------------------------
def resident_mb(arguments):
    """Largest resident memory of a command, as the system counts it."""
    done = subprocess.run(["/usr/bin/env", "python3", "-c",
                           "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, "
                           "stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3)", *map(str, arguments)],
                          capture_output=True, text=True, check=True)
    return float(done.stdout) * 1.024


@pytest.mark.parametrize("what", ["scan", "study", "pulls"])
def test_check_tells_size_and_memory(tmp_path, what):
    if what == "scan":
        path = write_scan(tmp_path, ["ess_csi", "ess_si"], [axis("eps_ee_uV", 501), axis("eps_mumu_uV", 401)])
    else:
        path = write_study(tmp_path, planes=[[axis("eps_ee_uV", 201), axis("eps_mumu_uV", 201)]], store_pulls=what == "pulls")
    said = run_json("check", path, "--json")
    used = resident_mb(mpi_command(None, "run", path, "-o", tmp_path / "map.h5", "--threads", 1))
    assert said["file_bytes"] == pytest.approx((tmp_path / "map.h5").stat().st_size, rel=0.03)
    assert used / 1.5 < said["memory_bytes"] / 1e6 < used * 1.5


# --- hashes of slow axes ---------------------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["slow axes", "study of observed data"])
def test_one_hash_for_ranks_and_threads(tmp_path, kind):
    slow = {"name": "mediator_mass_MeV", "min": 1, "max": 100, "points": 5, "scale": "log"}
    coupling = {"name": "coupling", "min": 1e-6, "max": 1e-3, "points": 40, "scale": "log"}
    if kind == "slow axes":
        path = write_scan(tmp_path, ["ess_csi"], [slow, coupling], interaction="vector_universal")
    else:
        path = write_study(tmp_path, interaction="vector_universal", sets=[["xenonnt_8b"], ["coherent_csi"]], planes=[[slow, coupling]],
                           profiles=[{"name": "sin2_theta_w", "min": 0.05, "max": 0.45, "points": 41}], data="observed")
    hashes = {scan(path, tmp_path / f"{ranks}x{threads}.h5", "--threads", threads, ranks=ranks)["content_hash"]
              for ranks in (1, 2, 3, 5) for threads in (1, 3)}
    assert len(hashes) == 1
