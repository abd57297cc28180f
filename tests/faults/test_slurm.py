# SPDX-License-Identifier: GPL-3.0-or-later
"""The job scripts under a real SLURM: a munged, a slurmctld and a slurmd that these tests start and end.

Alone: /usr/bin/python3 -m pytest tests/faults/test_slurm.py -v -s -p no:cacheprovider     (as root; tests/faults/deps.sh first)
"""
import json
import math
import resource
import shutil
import subprocess
import time

import pytest

from hosts import Hosts, why_not
from scans import CEVSCAN, SOURCE, reference_hash, status, tiles_done, write_scan
from slurm_cluster import Cluster
from waiting import wait_until

REASON = why_not("munged", "slurmctld", "slurmd", "sbatch")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(REASON), reason=REASON)]
JOBS = SOURCE / "jobs"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One node with four cores, or what SLURM takes for four."""
    hosts = Hosts(2)
    try:
        it = Cluster(tmp_path_factory.mktemp("slurm"), hosts, cores=4)
        it.environment |= {"CEVSCAN": CEVSCAN, "CEVSCAN_JOBS": str(JOBS)}
        yield it
        it.close()
    finally:
        hosts.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A scan of some seconds, and its hash."""
    folder = tmp_path_factory.mktemp("small")
    scan = write_scan(folder, points=601)
    return scan, reference_hash(scan, folder)


def logs(folder):
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.log")))


def assert_no_debris(folder):
    assert not [p.name for p in folder.rglob("*") if ".lock" in p.name or ".tmp" in p.name or ".joining" in p.name]


# --- a scan longer than its limit -----------------------------------------------------------------------------------------


def points_for(seconds, folder):
    """Along an axis, so that a core to itself needs so long. Processor time is measured, for others may use the machine now."""
    trial = folder / "trial.h5"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([CEVSCAN, "run", "-q", "--threads=1", "--time-limit=4", "-o", str(trial), str(write_scan(folder, points=3001))],
                   timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    points = status(trial)["tiles_done"] * 256
    trial.unlink()
    return math.isqrt(int(points * seconds / (after.ru_utime - before.ru_utime)))


def test_a_scan_longer_than_its_limit_finishes_by_itself(cluster, tmp_path):
    """SLURM's shortest limit is a minute; told 50 s before it, or a little later, no life of the job computes for half a minute. So
    there are more than three of them in 90 s of work, and nobody touches the job after it is submitted."""
    scan = write_scan(tmp_path, points=points_for(90, tmp_path))
    job = cluster.submit("--ntasks=1", "--time=1", "--signal=USR1@50", JOBS / "scan.sbatch", scan, tmp_path / "map.h5", cwd=tmp_path)
    began = time.monotonic()
    end = cluster.wait_for_end(job, 900)
    log = logs(tmp_path)
    known = status(tmp_path / "map.h5")
    print(f"\n{end['Restarts']} requeues in {time.monotonic() - began:.0f} s, {known['sessions']} sessions, hash {known['content_hash']}")
    assert (end["JobState"], end["ExitCode"]) == ("COMPLETED", "0:0"), log
    assert int(end["Restarts"]) >= 3, log
    assert log.count("queued again") == int(end["Restarts"])
    assert known["complete"] and known["content_hash"] == reference_hash(scan, tmp_path)
    assert_no_debris(tmp_path)


@pytest.mark.parametrize("launch, told", [("srun", "ranks"), ("srun", "script"), ("mpirun", "script")])
def test_a_job_that_is_told_to_stop_goes_on(cluster, tmp_path, small, launch, told):
    """Whether SLURM tells the ranks (USR1@60) or the script (B:USR1@60), which is the only way with mpirun."""
    scan, reference = small
    target = tmp_path / "map.h5"
    job = cluster.submit("--ntasks=2", JOBS / "scan.sbatch", scan, target, cwd=tmp_path, CEVSCAN_LAUNCH=launch,
                         OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    done = wait_until(lambda: tiles_done(target), 60, "the first tiles")
    cluster.run("scancel", *(["--batch"] if told == "script" else []), "--signal=USR1", job)
    wait_until(lambda: cluster.job(job)["Restarts"] == "1", 60, "a requeue")
    before = tiles_done(target)
    end = cluster.wait_for_end(job, 120)
    assert (end["JobState"], end["ExitCode"], end["Restarts"]) == ("COMPLETED", "0:0", "1"), logs(tmp_path)
    assert done <= before and f"restart 1 of job {job} on h1, {before} tiles are done" in logs(tmp_path)
    assert status(target)["content_hash"] == reference
    assert_no_debris(tmp_path)


def test_a_study_that_is_told_to_stop_goes_on(cluster, tmp_path):
    axes = [f"{{name: {name}, min: -0.2, max: 0.6, points: 2001}}" for name in ("eps_ee_uV", "eps_mumu_uV")]
    (tmp_path / "study.yaml").write_text("{study: two, interaction: nsi, sets: [{all_subsets_of: [ess_csi, ess_si]}],"
                                         f"planes: [[{', '.join(axes)}]]}}")
    target = tmp_path / "study.h5"
    job = cluster.submit("--ntasks=2", JOBS / "study.sbatch", tmp_path / "study.yaml", target, cwd=tmp_path)
    wait_until(lambda: tiles_done(target), 60, "the first tiles")
    cluster.run("scancel", "--signal=USR1", job)
    end = cluster.wait_for_end(job, 120)
    assert (end["JobState"], end["ExitCode"], end["Restarts"]) == ("COMPLETED", "0:0", "1"), logs(tmp_path)
    known = status(target)
    alone = subprocess.run([CEVSCAN, "study", "--json", "-o", tmp_path / "alone.h5", tmp_path / "study.yaml"], capture_output=True, timeout=120)
    assert known["complete"] and known["content_hash"] == json.loads(alone.stdout)["content_hash"]
    assert_no_debris(tmp_path)


def test_signals_as_early_as_can_be(cluster, tmp_path, small):
    """Before the program listens USR1 kills a rank; that too is a stop and no failure."""
    scan, reference = small
    target = tmp_path / "map.h5"
    job = cluster.submit("--ntasks=2", JOBS / "scan.sbatch", scan, target, cwd=tmp_path)
    wait_until(lambda: cluster.hosts.pids_with("h1", CEVSCAN, "run"), 60, "the first rank")
    cluster.run("scancel", "--signal=USR1", job)
    end = cluster.wait_for_end(job, 120)
    print(f"\n{end['Restarts']} requeues")
    assert (end["JobState"], end["ExitCode"]) == ("COMPLETED", "0:0"), logs(tmp_path)
    assert status(target)["content_hash"] == reference


def test_a_cancelled_job_stays_cancelled(cluster, tmp_path, small):
    """And the same line goes on where it was."""
    scan, reference = small
    line = ["--ntasks=2", JOBS / "scan.sbatch", scan, tmp_path / "map.h5"]
    job = cluster.submit(*line, cwd=tmp_path)
    wait_until(lambda: tiles_done(tmp_path / "map.h5"), 60, "the first tiles")
    cluster.run("scancel", job)
    assert cluster.wait_for_end(job, 60)["JobState"] == "CANCELLED"
    wait_until(lambda: not cluster.hosts.pids_of("h1", CEVSCAN), 60, "the ranks' end")
    assert cluster.job(job)["Restarts"] == "0"
    again = cluster.submit(*line, cwd=tmp_path)
    assert cluster.wait_for_end(again, 120)["JobState"] == "COMPLETED", logs(tmp_path)
    assert status(tmp_path / "map.h5")["content_hash"] == reference
    assert_no_debris(tmp_path)


# --- exit codes -----------------------------------------------------------------------------------------------------------


def fake_program(folder, code, tiles=0):
    """Ends with a code; `status` says that so many tiles are done; $n is how often it has run."""
    path = folder / "cevscan"
    path.write_text(f"""#!/bin/sh
here=$(dirname "$0"); n=$(cat "$here/lives" 2>/dev/null || echo 0)
case $1 in
  status) printf '{{\\n  "complete": false,\\n  "tiles": 100,\\n  "tiles_done": %s,\\n}}\\n' "{tiles}" ;;
  *) echo $((n + 1)) >"$here/lives"; {code} ;;
esac
""")
    path.chmod(0o755)
    return path


CODES = {  # what the program does: (tiles that `status` tells of, exit code of the job, how often the program ran)
    "exit 0": (0, 0, 1),
    "exit 2": (0, 2, 1),
    "exit 3": (0, 3, 1),
    "exit 130": (0, 130, 1),
    "exit 74": (0, 74, 8),  # at most three restarts without a tile; a failure without a tile is tried twice in each life
    "exit 85": (0, 85, 4),
    "kill -USR1 $$": (0, 138, 4),
    "kill -9 $$": (0, 137, 8),
    "exit 1": (0, 74, 8),  # that is srun's failure, never the program's
    '[ "$n" -ge 5 ] && exit 2; exit 74': ("$n", 2, 6),  # progress is worth more restarts
}


def test_exit_codes(cluster, tmp_path):
    """All at once: codes that end the job are passed on, others put it into the queue a bounded number of times, and are then
    passed on as well."""
    jobs = {}
    for k, (what, (tiles, _, _)) in enumerate(CODES.items()):
        folder = tmp_path / str(k)
        folder.mkdir()
        program = fake_program(folder, what, tiles)
        jobs[what] = cluster.submit("--ntasks=1", "--mem-per-cpu=100", JOBS / "scan.sbatch", "a.yaml", "a.h5", cwd=folder, CEVSCAN=str(program),
                                    CEVSCAN_SRUN_MPI="none")
    for k, (what, (_, code, lives)) in enumerate(CODES.items()):
        end = cluster.wait_for_end(jobs[what], 180)
        lived = int((tmp_path / str(k) / "lives").read_text())
        assert (int(end["ExitCode"].split(":")[0]), lived) == (code, lives), (what, end, logs(tmp_path / str(k)))


def test_a_job_that_may_not_be_queued_again_keeps_its_code(cluster, tmp_path):
    program = fake_program(tmp_path, "exit 85")
    job = cluster.submit("--no-requeue", "--ntasks=1", JOBS / "scan.sbatch", "a.yaml", "a.h5", cwd=tmp_path, CEVSCAN=str(program),
                         CEVSCAN_SRUN_MPI="none")
    end = cluster.wait_for_end(job, 60)
    assert (end["ExitCode"], end["Restarts"]) == ("85:0", "0"), logs(tmp_path)
    assert "does not queue this job again" in logs(tmp_path)


def test_bad_input_is_named_and_not_tried_again(cluster, tmp_path):
    job = cluster.submit(JOBS / "scan.sbatch", "nowhere.yaml", "map.h5", cwd=tmp_path)
    end = cluster.wait_for_end(job, 60)
    assert (end["JobState"], end["ExitCode"], end["Restarts"]) == ("FAILED", "2:0", "0"), logs(tmp_path)
    assert "nowhere.yaml" in logs(tmp_path)
    assert not list(tmp_path.glob("*.h5*"))


# --- arrays ---------------------------------------------------------------------------------------------------------------


def write_three(folder):
    """Three different scans; their names."""
    names = ["one.yaml", "two.yaml", "three.yaml"]
    for k, name in enumerate(names):
        write_scan(folder, name, points=101 + 10 * k, low=-0.2 - 0.01 * k)
    return names


@pytest.mark.parametrize("way", ["arguments", "list"])
def test_array(cluster, tmp_path, way):
    names = write_three(tmp_path)
    (tmp_path / "maps").mkdir()
    (tmp_path / "scans.txt").write_text("\n".join(names))  # no newline at the end
    words = names if way == "arguments" else ["--maps", "maps/", "--list", "scans.txt"]
    job = cluster.submit("--array=1-3", "--ntasks=1", "--cpus-per-task=1", JOBS / "array.sbatch", *words, cwd=tmp_path)
    for task in (1, 2, 3):
        end = cluster.wait_for_end(f"{job}_{task}", 120)
        assert (end["JobState"], end["ExitCode"]) == ("COMPLETED", "0:0"), logs(tmp_path)
    folder = tmp_path if way == "arguments" else tmp_path / "maps"
    for name in names:
        known = status(folder / name.replace(".yaml", ".h5"))
        assert known["content_hash"] == reference_hash(tmp_path / name, tmp_path)
    assert_no_debris(tmp_path)


def test_a_task_that_is_queued_again_leaves_the_others_alone(cluster, tmp_path, small):
    """The last task of an array has the number of the whole array: `scontrol requeue` with it would start every task anew."""
    scan, reference = small
    for name in ("a.yaml", "b.yaml"):
        shutil.copy(scan, tmp_path / name)
    shutil.copy(scan.parent / "fine.yaml", tmp_path)
    job = cluster.submit("--array=1-2", "--ntasks=1", "--cpus-per-task=1", JOBS / "array.sbatch", "a.yaml", "b.yaml", cwd=tmp_path)
    wait_until(lambda: tiles_done(tmp_path / "a.h5") and tiles_done(tmp_path / "b.h5"), 60, "tiles of both tasks")
    last = next(k for k in (1, 2) if cluster.job(f"{job}_{k}")["JobId"] == job)
    other = 3 - last
    cluster.run("scancel", "--signal=USR1", f"{job}_{last}")
    ends = {k: cluster.wait_for_end(f"{job}_{k}", 120) for k in (last, other)}
    assert {k: (e["JobState"], e["Restarts"]) for k, e in ends.items()} == {last: ("COMPLETED", "1"), other: ("COMPLETED", "0")}, logs(tmp_path)
    assert status(tmp_path / "a.h5")["content_hash"] == status(tmp_path / "b.h5")["content_hash"] == reference


@pytest.mark.parametrize("words, complaint", [
    (["--array=1-2", "array", "only.yaml"], "task 2, but there are 1 scan files"),
    (["array", "only.yaml"], "not an array; give sbatch --array=1-1"),
    (["--array=1-1", "array"], "which scan files?"),
    (["--array=1-1", "array", "--list", "nowhere.txt"], "cannot read nowhere.txt"),
    (["--array=1-1", "array", "--lst", "a.txt"], "unknown option --lst"),
    (["shard", "a.yaml", "a.h5", "3"], "not an array; give sbatch --array=1-3"),
    (["--array=1-1", "shard", "a.yaml", "a.h5", "x"], "x is no number of parts"),
    (["--array=4", "shard", "a.yaml", "a.h5", "3"], "task 4 of 3 parts"),
    (["merge", "a.h5"], "usage:"),
    (["scan", "a.yaml"], "usage:"),
])
def test_wrong_words(cluster, tmp_path, words, complaint):
    words = [str(JOBS / f"{w}.sbatch") if w in ("array", "shard", "merge", "scan") else w for w in words]
    job = cluster.submit("--ntasks=1", "--cpus-per-task=1", *words, cwd=tmp_path)
    task = f"{job}_{words[0].rpartition('-')[2].rpartition('=')[2]}" if words[0].startswith("--array") else job
    end = cluster.wait_for_end(task, 60)
    assert end["ExitCode"] == "2:0" and complaint in logs(tmp_path), (end, logs(tmp_path))


# --- one scan in parts ----------------------------------------------------------------------------------------------------


def submit_shards(cluster, *words, cwd):
    done = cluster.run(JOBS / "submit-shards.sh", *words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    parts, merge = done.stdout.replace(",", "").split()[1::2]
    return parts, merge


def test_parts_and_the_job_that_joins_them(cluster, tmp_path, small):
    """One part is told to stop on its way, and goes on; the merge waits for it."""
    scan, reference = small
    parts, merge = submit_shards(cluster, scan, "map.h5", "3", "--ntasks=1", "--cpus-per-task=1", cwd=tmp_path)
    wait_until(lambda: tiles_done(tmp_path / "map.shard-2-of-3.h5"), 60, "tiles of part 2")
    cluster.run("scancel", "--signal=USR1", f"{parts}_2")
    wait_until(lambda: cluster.job(f"{parts}_2")["Restarts"] == "1", 60, "a requeue")
    end = cluster.wait_for_end(merge, 180)
    assert (end["JobState"], end["ExitCode"]) == ("COMPLETED", "0:0"), logs(tmp_path)
    known = status(tmp_path / "map.h5")
    print(f"\nhash {known['content_hash']}")
    assert known["complete"] and known["content_hash"] == reference
    assert_no_debris(tmp_path)


def test_parts_of_a_study(cluster, tmp_path):
    axes = [f"{{name: {name}, min: -0.2, max: 0.6, points: 201}}" for name in ("eps_ee_uV", "eps_mumu_uV")]
    study = tmp_path / "study.yaml"
    study.write_text("{study: two, interaction: nsi, sets: [{all_subsets_of: [ess_csi, ess_si]}],"
                     f"planes: [[{', '.join(axes)}]], profiles: [{axes[0]}]}}")
    _, merge = submit_shards(cluster, study, "study.h5", "3", "--ntasks=1", "--cpus-per-task=1", cwd=tmp_path)
    end = cluster.wait_for_end(merge, 180)
    assert (end["JobState"], end["ExitCode"]) == ("COMPLETED", "0:0"), logs(tmp_path)
    known = status(tmp_path / "study.h5")
    assert known["complete"] and known["content_hash"] == reference_hash(study, tmp_path)
    assert_no_debris(tmp_path)


def test_a_part_that_fails_cancels_the_merge(cluster, tmp_path, small):
    scan, _ = small
    (tmp_path / "map.shard-2-of-3.h5").write_text("no map")
    parts, merge = submit_shards(cluster, scan, "map.h5", "3", "--ntasks=1", "--cpus-per-task=1", cwd=tmp_path)
    assert cluster.wait_for_end(f"{parts}_2", 60)["ExitCode"] == "2:0"
    assert cluster.wait_for_end(merge, 120)["JobState"] == "CANCELLED"
    assert not (tmp_path / "map.h5").exists()


# --- names ----------------------------------------------------------------------------------------------------------------


NAMES = ["with two  spaces", "it's \"quoted\"", "-dash", "--output", "$(touch hacked);`touch hacked`&", "new\nline", "*", "ünï", "%j\\n"]


@pytest.mark.parametrize("script", ["scan", "array", "shards"])
def test_names(cluster, tmp_path, script):
    """Nothing that a shell could take for its own is."""
    (tmp_path / "in").mkdir()
    for name in NAMES:
        write_scan(tmp_path / "in", f"{name}.yaml", points=41)
    work = tmp_path / "in"
    reference = reference_hash(work / "with two  spaces.yaml", tmp_path)
    jobs = []
    one = ["--ntasks=1", "--cpus-per-task=1", "--mem-per-cpu=100", "--output=slurm.log"]
    if script == "array":
        job = cluster.submit(f"--array=1-{len(NAMES)}", *one, JOBS / "array.sbatch", "--", *(f"{n}.yaml" for n in NAMES), cwd=work)
        jobs = [f"{job}_{k + 1}" for k in range(len(NAMES))]
    elif script == "scan":
        jobs = [cluster.submit(*one, JOBS / "scan.sbatch", f"{name}.yaml", f"{name}.h5", cwd=work) for name in NAMES]
    else:
        jobs = [submit_shards(cluster, f"{name}.yaml", f"{name}.h5", "2", *one, cwd=work)[1] for name in NAMES]
    for job in jobs:
        end = cluster.wait_for_end(job, 180)
        assert end["JobState"] == "COMPLETED", (end, logs(work))
    for name in NAMES:
        assert status(work / f"{name}.h5")["content_hash"] == reference, name
    assert not list(tmp_path.rglob("hacked"))
    assert_no_debris(work)


# --- installed ------------------------------------------------------------------------------------------------------------


def test_installed(cluster, tmp_path):
    """The scripts find the program and each other after `make install`, also when a copy of one lies elsewhere."""
    scan = write_scan(tmp_path, points=41)
    there = tmp_path / "pre fix"
    jobs = there / "share" / "cevscan" / "jobs"
    jobs.mkdir(parents=True)
    (there / "bin").mkdir()
    shutil.copy(CEVSCAN, there / "bin" / "cevscan")
    for path in JOBS.iterdir():
        shutil.copy(path, jobs)
    shutil.copy(jobs / "scan.sbatch", tmp_path / "my own.sbatch")
    job = cluster.submit("--ntasks=2", tmp_path / "my own.sbatch", scan, "map.h5", cwd=tmp_path, CEVSCAN="cevscan", CEVSCAN_JOBS="",
                         PATH=f"{there}/bin:{cluster.environment['PATH']}")
    assert cluster.wait_for_end(job, 120)["JobState"] == "COMPLETED", logs(tmp_path)
    assert status(tmp_path / "map.h5")["content_hash"] == reference_hash(scan, tmp_path)
