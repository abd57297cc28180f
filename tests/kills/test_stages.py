# SPDX-License-Identifier: GPL-3.0-or-later
"""Always answerable: in each stage of a job a signal, the time limit and a rank that no longer lives are noticed. A stage is entered
for certain by making a system call of it stand still, or by work that takes minutes; nothing here races a clock."""
import json
import os
import signal
import subprocess

import h5py
import pytest

import killing
from killing import (COMPLETE, INTERRUPTED, IO, STOPPED, Job, Reference, debris, environment, errors_in, read_all, run_command,
                     scan_to_end, send, wait_for)
from test_signals import send_and_see_it_taken

CLOSING_S = 15  # for closing the file and for mpirun's end, on a machine that others use, too
CODES = {"USR1": STOPPED, "TERM": STOPPED, "INT": INTERRUPTED}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "fail_writes.so"
    source = killing.REPOSITORY / "tests" / "kills" / "fail_writes.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", str(source), "-o", str(path), "-ldl"], check=True)
    return path


@pytest.fixture(scope="module", params=[killing.small_scan, killing.small_study], ids=["scan", "study"])
def reference(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("reference")
    return Reference(request.param(folder), folder / "reference.h5")


# --- inputs that take their time --------------------------------------------------------------------------------------

def detector(n_bin, nuclei, response, edges, observed=None):
    counts = {"observed": observed} if observed else {}
    return {"experiment": "detector", "bins": edges, "response": response, **counts,
            "source": {"name": "pion_decay_at_rest", "protons_per_year": 2.8e23, "years": 3, "neutrinos_per_proton": 0.3, "distance_m": 20},
            "target": {"mass_kg": 10, "form_factor": {"name": "helm"}, "nuclei": nuclei},
            "backgrounds": [{"name": "flat", "counts": [10.0] * n_bin}],
            "pulls": [{"name": "detector.signal", "sigma": 0.1, "scales": ["signal"]}]}


def nuclei(n):
    return [{"name": f"N{i}", "protons": 18 + i % 40, "neutrons": 22 + i % 60, "mass_u": 40 + 0.1 * i, "rms_radius_fm": 3.4 + 1e-3 * i,
             "per_unit": 1} for i in range(n)]


def slow_fold(folder, n_nucleus=64, n_bin=2000):
    """A legal scan whose templates take minutes."""
    response = {"name": "photoelectrons", "efficiency": {"name": "constant", "acceptance": 1},
                "quenching": {"name": "polynomial", "c1": 0.05546, "c2": 4.307, "c3": -111.7, "c4": 840.4},
                "smearing": {"name": "gamma", "light_yield_PE_per_keVee": 13.35, "shape_per_keVee": 9.56}}
    experiment = detector(n_bin, nuclei(n_nucleus), response, {"edges_PE": [0.5 * i for i in range(n_bin + 1)]})
    scan = {"scan": "slow fold", "experiments": [experiment], "interaction": "vector_universal",
            "parameters": [{"name": "mediator_mass_MeV", "scale": "log", "min": 1, "max": 100, "points": 4},
                           {"name": "coupling", "scale": "log", "min": 1e-6, "max": 1e-3, "points": 20}]}
    path = folder / "slow_fold.yaml"
    path.write_text(json.dumps(scan))
    return path


def slow_search(folder, n_bin=4000):
    """Some seconds of processor time in the search for the best fit, which begins with a warning of an axis that changes nothing."""
    response = {"name": "gaussian", "threshold_keV": 0.6, "sigma_at_threshold_keV": 0.09, "acceptance": 0.8}
    edges = {"edges_keV": [0.6 + 30 * i / n_bin for i in range(n_bin + 1)]}
    experiment = detector(n_bin, nuclei(1), response, edges, observed=[10 + i % 3 for i in range(n_bin)])
    axes = ("eps_etau_uV", "eps_ee_uV", "eps_mumu_uV", "eps_tautau_uV")
    scan = {"scan": "slow search", "experiments": [experiment], "interaction": "nsi", "data": "observed",
            "parameters": [{"name": a, "min": -0.3, "max": 0.3, "points": 4} for a in axes]}
    path = folder / "slow_search.yaml"
    path.write_text(json.dumps(scan))
    return path


# --- standing still in a stage ----------------------------------------------------------------------------------------

def offset_in(reference, name):
    """Where a dataset of the first space begins: files of equal scans are laid out equally."""
    with h5py.File(reference.path, "r") as f:
        found = f[reference.names[0]][name] if name in f[reference.names[0]] else f[name]
        return found.id.get_offset()


HOLDS = {  # the call of rank 0 that stands still
    "configuration": lambda reference: {"FAIL_CALL": "open", "FAIL_FILE": reference.scan.name},
    "layout": lambda reference: {"FAIL_CALL": "fsync", "FAIL_FILE": ".tmp"},
    "tiles": lambda reference: {"FAIL_FILE": "map.h5", "FAIL_OFFSET": offset_in(reference, "tiles/digest")},
    "finish": lambda reference: {"FAIL_FILE": "map.h5", "FAIL_OFFSET": offset_in(reference, "results/chi2_reference")},
}
HOLDS_OF_WORKER = {
    "layout": {"FAIL_FILE": ".tmp", "FAIL_RANK": 1},
    "tiles": {"FAIL_FILE": "map.h5", "FAIL_RANK": 1},
}


class Held:
    """A job that stands still in a stage. release() lets it go on."""

    def __init__(self, library, reference, folder, settings, ranks, *options):
        self.hold = folder / "hold"
        settings = {"FAIL_RANK": 0, "FAIL_ONCE": 1, **settings, "FAIL_HOLD": self.hold}
        env = environment(LD_PRELOAD=str(library), **{name: str(value) for name, value in settings.items()})
        self.map_path = folder / "map.h5"
        self.job = Job(run_command(reference.scan, self.map_path, ranks, *options), folder, env)
        wait_for(lambda: self.hold.exists() or self.job.is_over(), 120, "the stage is not reached")
        assert not self.job.is_over(), read_all(self.job.err)
        self.ranks = self.job.ranks()

    def release(self):
        self.hold.unlink()


def assert_left_in_order(reference, map_path):
    """Nothing but a sound file, or no file at all; the same command goes on."""
    assert debris(map_path) == []
    if map_path.exists():
        reference.assert_sound(map_path, complete=False)
    reference.assert_resumes(map_path)


@pytest.mark.quick
@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("stage", HOLDS)
def test_a_signal_in_a_stage_that_goes_on(library, reference, tmp_path, stage, ranks):
    held = Held(library, reference, tmp_path, HOLDS[stage](reference), ranks)
    send_and_see_it_taken(held.ranks[0], signal.SIGUSR1)
    held.release()
    code, _, err = held.job.finish(10 + CLOSING_S)
    assert not errors_in(err), err
    if stage == "finish" and code == COMPLETE:  # it was all but there
        return reference.assert_finished(held.map_path)
    assert code == STOPPED, err
    assert_left_in_order(reference, held.map_path)


def assert_ended_by_grace(held, stage, expected):
    code, _, err = held.job.finish(2 + CLOSING_S)
    assert code == expected, err
    assert not errors_in(err)
    assert f'in the stage "{stage}": the grace of 2 s is over' in err


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("stage", HOLDS)
def test_a_signal_in_a_stage_that_does_not_go_on(library, reference, tmp_path, stage, ranks, name):
    """A file system that answers no more, say."""
    held = Held(library, reference, tmp_path, HOLDS[stage](reference), ranks, "--grace", "2")
    send(held.ranks[0], getattr(signal, "SIG" + name))
    assert_ended_by_grace(held, stage, CODES[name])
    assert_left_in_order(reference, held.map_path)


@pytest.mark.parametrize("told", [0, 1])
@pytest.mark.parametrize("stage", HOLDS_OF_WORKER)
def test_a_signal_while_a_worker_does_not_go_on(library, reference, tmp_path, stage, told):
    held = Held(library, reference, tmp_path, HOLDS_OF_WORKER[stage], 2, "--grace", "2")
    send(held.ranks[told], signal.SIGTERM)
    assert_ended_by_grace(held, stage, STOPPED)
    assert_left_in_order(reference, held.map_path)


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("stage", HOLDS)
def test_the_time_limit_in_a_stage_that_does_not_go_on(library, reference, tmp_path, stage, ranks):
    held = Held(library, reference, tmp_path, HOLDS[stage](reference), ranks, "--grace", "2", "--time-limit", "6")
    code, _, err = held.job.finish(6 + 2 + CLOSING_S)
    assert code == STOPPED and f'"{stage}"' in err, err
    assert_left_in_order(reference, held.map_path)


# --- computing for long -----------------------------------------------------------------------------------------------

def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def await_fold(job):
    """All that comes before takes a fraction of a second of processor time, and a fold of slow_fold() minutes."""
    wait_for(lambda: job.is_over() or (job.ranks() and processor_seconds(job.ranks()[0]) > 2), 120, "the fold does not begin")
    assert not job.is_over(), read_all(job.err)


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("ranks", [None, 2])
def test_a_signal_in_a_fold_of_minutes(tmp_path, ranks, name):
    """Nothing of it can be kept; nothing of it is left."""
    scan, map_path = slow_fold(tmp_path), tmp_path / "map.h5"
    job = Job(run_command(scan, map_path, ranks, "--grace", "2"), tmp_path)
    await_fold(job)
    send(job.ranks()[0], getattr(signal, "SIG" + name))
    code, _, err = job.finish(2 + CLOSING_S)
    assert code == CODES[name] and 'in the stage "folds"' in err, err
    assert killing.beside(map_path) == [] and not map_path.exists()


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("searched")
    return Reference(slow_search(folder), folder / "reference.h5")


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("ranks", [None, 2])
def test_a_signal_in_the_search_for_the_best_fit(searched, tmp_path, ranks, name):
    map_path = tmp_path / "map.h5"
    job = Job(run_command(searched.scan, map_path, ranks), tmp_path)
    wait_for(lambda: "changes nothing" in read_all(job.err), 60, "the search does not begin")
    send(job.ranks()[-1], getattr(signal, "SIG" + name))
    code, _, err = job.finish(10 + CLOSING_S)
    assert code == CODES[name] and not errors_in(err), err
    assert not map_path.exists()
    assert_left_in_order(searched, map_path)


# --- signs of life ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("rank", [0, 1])
def test_a_write_that_takes_longer_than_the_silence(library, reference, tmp_path, rank):
    """A file system that stalls: nobody is taken for dead."""
    map_path = tmp_path / "map.h5"
    env = environment(LD_PRELOAD=str(library), FAIL_FILE="map.h5", FAIL_ONCE="1", FAIL_AT="7", FAIL_RANK=str(rank), FAIL_SLOW_MS="5000")
    scan_to_end(reference.scan, map_path, 2, "--silence", "2", env=env)
    reference.assert_finished(map_path)


def test_a_search_that_takes_longer_than_the_silence(searched, tmp_path):
    scan_to_end(searched.scan, tmp_path / "map.h5", 2, "--silence", "1")
    searched.assert_finished(tmp_path / "map.h5")


def test_a_fold_that_takes_longer_than_the_silence(tmp_path):
    """Stopped once it has lasted for long enough: by its own time limit, which is no error."""
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow_fold(tmp_path), map_path, 2, "--silence", "1", "--time-limit", "6", "--grace", "2"), tmp_path)
    code, _, err = job.finish(60)
    assert code == STOPPED and not errors_in(err), err
    assert killing.beside(map_path) == []


def assert_noticed(job, err_words="has been silent"):
    code, _, err = job.finish(4 + CLOSING_S + 15)
    assert code == IO, err
    (message,) = errors_in(err)
    assert err_words in message


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("stage", ["layout", "tiles", "finish"])
def test_a_stopped_rank_is_noticed(library, reference, tmp_path, stage, victim):
    """SIGSTOP: as a host that hangs. The one that stands still besides does give signs of life."""
    held = Held(library, reference, tmp_path, HOLDS[stage](reference), 2, "--silence", "3")
    send(held.ranks[victim], signal.SIGSTOP)
    assert_noticed(held.job)
    assert victim == 0 or ".lock" not in debris(held.map_path)
    if held.map_path.exists():
        reference.assert_sound(held.map_path)
    reference.assert_resumes(held.map_path)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_rank_stopped_in_a_fold_is_noticed(tmp_path, victim):
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow_fold(tmp_path), map_path, 2, "--silence", "3"), tmp_path)
    await_fold(job)
    send(job.ranks()[victim], signal.SIGSTOP)
    assert_noticed(job)
    assert not map_path.exists()


@pytest.mark.parametrize("victim", [0, 1])
def test_a_rank_stopped_in_the_search_is_noticed(searched, tmp_path, victim):
    map_path = tmp_path / "map.h5"
    job = Job(run_command(searched.scan, map_path, 2, "--silence", "3"), tmp_path)
    wait_for(lambda: "changes nothing" in read_all(job.err), 60, "the search does not begin")
    send(job.ranks()[victim], signal.SIGSTOP)
    assert_noticed(job)
    searched.assert_resumes(map_path)
