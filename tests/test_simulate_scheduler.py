# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulation of the scheduler against what can be worked out by hand."""
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from e2e import REPO

sys.path.insert(0, str(REPO / "analysis"))
import simulate_scheduler  # noqa: E402
from simulate_scheduler import Costs, draw_costs, guided, in_groups, one_by_one, simulate  # noqa: E402

FREE = Costs(0, 0, 0)


@pytest.mark.parametrize("tiles, ranks", [(1, 2), (12, 5), (13, 5), (3, 65), (1000, 8)])
def test_equal_tiles_one_by_one_take_as_many_rounds_as_they_must(tiles, ranks):
    outcome = simulate(np.full(tiles, 0.5), ranks, Costs(0, 0, 1e-9), one_by_one)  # nobody asks twice before all have asked
    rounds = -(-tiles // (ranks - 1))
    assert outcome.seconds == pytest.approx(0.5 * rounds)
    assert outcome.idle == pytest.approx(1 - tiles / ((ranks - 1) * rounds), abs=1e-6)
    assert outcome.load == outcome.wait == 0


def test_one_worker_computes_all_the_time():
    costs = draw_costs(500, 0.01, 0.7)
    for policy in (one_by_one, guided):
        outcome = simulate(costs, 2, FREE, policy)
        assert outcome.seconds == pytest.approx(costs.sum()) and outcome.idle == pytest.approx(0, abs=1e-12)


def test_every_tile_is_reported_and_every_worker_says_goodbye():
    outcome = simulate(np.full(1000, 0.01), 11, FREE, one_by_one)
    assert outcome.requests == 1000 + 2 * 10  # each worker is told that there are no more, and reports its last tile


def test_a_saturated_master_serves_all_the_time():
    """Tiles without cost: the scan takes as long as answering does."""
    outcome = simulate(np.zeros(5000), 101, Costs(1e-5, 0, 0), one_by_one)
    assert outcome.load == pytest.approx(1) and outcome.seconds == pytest.approx(outcome.requests * 1e-5)


def test_waiting_is_that_of_a_queue_with_random_arrivals_and_equal_service():
    """M/D/1: rho s/(2 (1 - rho)). The first burst is taken out by a difference of two lengths."""
    workers, service = 2000, 0.5 / 2000
    totals = []
    for tiles in (40 * workers, 140 * workers):
        outcome = simulate(np.random.default_rng(3).exponential(1, tiles), workers + 1, Costs(service, 0, 0), one_by_one)
        totals.append((outcome.wait * outcome.requests, outcome.requests))
    wait = (totals[1][0] - totals[0][0]) / (totals[1][1] - totals[0][1])
    assert wait == pytest.approx(0.5 * service / (2 * 0.5), rel=0.1)


def test_nobody_idles_longer_than_the_largest_tile_without_costs():
    costs = draw_costs(5000, 0.01, 1)
    outcome = simulate(costs, 33, FREE, one_by_one)
    assert outcome.seconds <= costs.sum() / 32 + costs.max() + 1e-9


def test_batches_relieve_the_master_and_lose_little():
    costs, c = draw_costs(200 * 1023, 0.01, 0.5), Costs(2e-5, 1e-8, 1e-4)
    single, batches = simulate(costs, 1024, c, one_by_one), simulate(costs, 1024, c, guided)
    assert single.load > 0.9 and single.idle > 0.4
    assert batches.load < 0.5 and batches.idle < 0.1
    assert batches.requests < single.requests / 5


def test_constants_are_those_of_the_program():
    text = (REPO / "src" / "parallel" / "schedule.c").read_text()
    for name in ("MOST_IN_BATCH", "LONGEST_BATCH_S", "MOST_LOAD"):
        value, = re.findall(rf"\b{name}\b(?: =)? ([0-9.]+)", text)[:1]
        assert float(value) == getattr(simulate_scheduler, name)


def test_batch_sizes():
    assert guided(0, 1000, 0, 10, 0) == 25                  # a quarter of the fair share
    assert guided(0, 3, 0, 10, 0) == 1
    assert guided(0, 10**9, 0, 10, 0) == 128
    assert guided(10, 10**6, 100, 10, 1e-6) == 1            # tiles of 1 s
    assert guided(10, 10**6, 1000, 10, 1e-6) == 5           # of 0.1 s: half a second
    assert guided(1, 10, 10**5, 10**4, 1e-5) == 2           # of 0.1 s: all ranks together ask every 10 us, which is too often


def test_sub_masters_halve_the_load():
    costs, c = draw_costs(100 * 512, 0.01, 0.5), Costs(1e-5, 0, 0)
    assert in_groups(costs, 512, 4, c, one_by_one).load < 0.5 * simulate(costs, 512, c, one_by_one).load


def test_the_same_seed_gives_the_same_tiles_with_the_mean_that_was_asked_for():
    assert np.array_equal(draw_costs(100, 1, 0.5), draw_costs(100, 1, 0.5))
    costs = draw_costs(200000, 0.01, 0.5)
    assert costs.mean() == pytest.approx(0.01, rel=0.01) and costs.std() == pytest.approx(0.005, rel=0.02)
    assert (draw_costs(7, 2, 0) == 2).all()


def test_the_program(tmp_path):
    bench = {"workloads": [{"workload": "scheduler", "master_s_per_request": 3e-6, "master_s_per_tile": 1e-8},
                           {"workload": "reference", "points_per_second_per_core": 1638400}]}
    (tmp_path / "bench.json").write_text(json.dumps(bench))
    command = [sys.executable, REPO / "analysis" / "simulate_scheduler.py", "--bench", tmp_path / "bench.json", "--ranks", "8,64"]
    done = subprocess.run([*command, "--json", "--group", "16", "-o", tmp_path / "figure.png"], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["costs"]["request"] == 3e-6 and answer["tile_ms"] == pytest.approx(10)
    assert [r["handed_out"] for r in answer["results"]] == ["one by one", "batches"] * 2 + ["sub-masters"]
    assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"
    (tmp_path / "less.json").write_text(json.dumps({"workloads": [{"workload": "scheduler", "skipped": "no mpirun"}]}))
    less = subprocess.run([*command[:3], tmp_path / "less.json", *command[4:]], capture_output=True, text=True, check=True)
    assert "no mpirun" in less.stderr and done.stderr == ""
    text = subprocess.run([*command, "--request-us", "50"], capture_output=True, text=True, check=True).stdout
    assert "a request costs rank 0 50.00 us" in text
