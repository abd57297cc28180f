#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulates rank 0 and its workers: how much of their time they wait, on up to 65 536 ranks.

Follows src/parallel/schedule.c message by message: a worker asks for its next batch when it begins the last tile of the one it
has; rank 0 answers one after the other; batches are a quarter of the fair share of what is left, not above half a second of work,
and not below what keeps rank 0 at leisure. What tiles and answers cost is measured on this machine or given:

    cevscan bench reference scheduler --json > bench.json
    simulate_scheduler.py --bench bench.json -o scheduler.pdf
    simulate_scheduler.py --ranks 64,4096 --tile-ms 20 --request-us 5 --spread 1 --json
"""
import argparse
import heapq
import json
import math
import sys
from dataclasses import asdict, dataclass

from cevscan_analysis.numeric import np
from cevscan_analysis.parsing import Parser

MOST_IN_BATCH, LONGEST_BATCH_S, MOST_LOAD = 128, 0.5, 0.5  # as in schedule.c


@dataclass
class Costs:
    """Seconds of rank 0 for a message and for each tile in it, and of a message on its way, a poll included."""
    request: float = 2e-6
    tile: float = 2e-8
    latency: float = 1e-4


@dataclass
class Outcome:
    ranks: int
    tiles: int
    seconds: float      # until rank 0 has heard of everything
    idle: float         # share of the workers' time that they do not compute
    load: float         # share of its time that rank 0 serves
    requests: int
    wait: float         # mean time that a message waits for rank 0


def one_by_one(_now, _left, _done, _ranks, _service):
    return 1


def guided(now, left, done, ranks, service):
    """Tiles in the next batch: schedule.c's next_batch_size()."""
    share = left // (4 * ranks)
    if done > 0 and service > 0:
        tile = now * ranks / done
        share = max(min(share, LONGEST_BATCH_S / tile), math.ceil(service * ranks / (MOST_LOAD * tile)))
    return int(min(max(share, 1), MOST_IN_BATCH))


def simulate(tile_costs, ranks, costs=Costs(), policy=guided):
    """One rank serves, ranks - 1 compute tile_costs (seconds of each tile, in the order in which they are handed out)."""
    workers, n = ranks - 1, len(tile_costs)
    sums = np.concatenate(([0], np.cumsum(tile_costs)))
    free, serving, waiting, requests, next_tile, done = 0.0, 0.0, 0.0, 0, 0, 0
    # A message: when it arrives, the worker, tiles that it reports, when the worker has worked off what it has; tiles in work by then.
    messages = [(costs.latency, w, 0, 0.0, 0) for w in range(workers)]
    while messages:
        arrives, worker, reported, worker_free, in_work = heapq.heappop(messages)
        begin = max(arrives, free)
        waiting += begin - arrives
        batch = 0
        if in_work >= 0:  # the worker goes on
            batch = min(policy(begin, n - next_tile, done, ranks, serving / requests if requests else 0), n - next_tile)
        service = costs.request + costs.tile * max(batch, reported)
        free, serving, requests, done = begin + service, serving + service, requests + 1, done + reported
        if in_work < 0:
            continue
        start = max(worker_free, free + costs.latency)
        if batch == 0:  # it reports the last of its tiles, once they are done
            heapq.heappush(messages, (max(worker_free, start) + costs.latency, worker, in_work, 0.0, -1))
            continue
        asks = start + sums[next_tile + batch - 1] - sums[next_tile]
        ends = start + sums[next_tile + batch] - sums[next_tile]
        heapq.heappush(messages, (asks + costs.latency, worker, in_work + batch - 1, ends, 1))
        next_tile += batch
    return Outcome(ranks, n, free, 1 - sums[-1] / (workers * free), serving / free, requests, waiting / requests)


def in_groups(tile_costs, ranks, groups, costs=Costs(), policy=guided):
    """Two levels: a master for each of so many groups of ranks, which share the tiles out evenly beforehand."""
    parts = [simulate(tile_costs[k::groups], ranks // groups, costs, policy) for k in range(groups)]
    end = max(part.seconds for part in parts)
    return Outcome(ranks, len(tile_costs), end, 1 - float(np.sum(tile_costs)) / ((ranks - groups) * end),
                   max(part.load * part.seconds for part in parts) / end, sum(part.requests for part in parts),
                   float(np.mean([part.wait for part in parts])))


def draw_costs(n, mean, spread, seed=1):
    """Log-normal, `spread` its standard deviation in units of the mean; 0: all equal."""
    if spread == 0:
        return np.full(n, mean)
    width = math.sqrt(math.log1p(spread**2))
    return np.random.default_rng(seed).lognormal(math.log(mean) - width**2 / 2, width, n)


def table(options, costs):
    for ranks in options.ranks:
        tiles = draw_costs(options.tiles or options.tiles_per_rank * (ranks - 1), options.tile_ms / 1e3, options.spread)
        yield "one by one", simulate(tiles, ranks, costs, one_by_one)
        yield "batches", simulate(tiles, ranks, costs, guided)
        if ranks > options.group:
            yield "sub-masters", in_groups(tiles, ranks, ranks // options.group, costs, guided)


def draw(results, path):
    from cevscan_analysis.style import colour, line_style, new_figure, save
    fig, (top, bottom) = new_figure(5, 5.5, rows=2, sharex=True)
    for k, policy in enumerate(dict.fromkeys(policy for policy, _ in results)):
        ranks, idle, load = np.transpose([(r.ranks, 100 * r.idle, 100 * r.load) for p, r in results if p == policy])
        top.plot(ranks, idle, color=colour(k), linestyle=line_style(k), marker="o", markersize=3, label=policy)
        bottom.plot(ranks, load, color=colour(k), linestyle=line_style(k), marker="o", markersize=3, label=policy)
    top.set_ylabel("workers idle [%]")
    bottom.set_ylabel("rank 0 busy [%]")
    bottom.set_xlabel("ranks")
    bottom.set_xscale("log", base=2)
    for axes in (top, bottom):
        axes.set_ylim(0, 105)
    top.legend(frameon=False)
    save(fig, path, [])


def read_costs(options):
    """Options win over the measurement, this over the defaults."""
    costs, workloads = Costs(), {}
    if options.bench:
        with open(options.bench) as file:
            workloads = {w["workload"]: w for w in json.load(file)["workloads"]}
    scheduler, reference = workloads.get("scheduler", {}), workloads.get("reference", {})
    if "master_s_per_request" in scheduler:
        costs.request, costs.tile = scheduler["master_s_per_request"], scheduler["master_s_per_tile"]
    elif options.bench:
        print(f"{options.bench}: the scheduler was not measured ({scheduler.get('skipped', 'not asked for')}); its costs are assumed",
              file=sys.stderr)
    for name, value, unit in (("request", options.request_us, 1e-6), ("tile", options.report_us, 1e-6), ("latency", options.latency_us, 1e-6)):
        if value is not None:
            setattr(costs, name, value * unit)
    if options.tile_ms is None:
        speed = reference.get("points_per_second_per_core")
        options.tile_ms = 1e3 * options.points_per_tile / speed if speed else 10
    return costs


def arguments():
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", metavar="JSON", help="what `cevscan bench reference scheduler --json` printed")
    parser.add_argument("--ranks", type=lambda text: [int(n) for n in text.split(",")], default=[64, 256, 1024, 4096, 16384, 65536])
    parser.add_argument("--tiles-per-rank", type=int, default=200, help="tiles of the scan, for each rank (default: 200)")
    parser.add_argument("--tiles", type=int, help="tiles of the scan in all, in place of that")
    parser.add_argument("--tile-ms", type=float, help="mean cost of a tile (default: measured, or 10)")
    parser.add_argument("--points-per-tile", type=int, default=16384, help="to work out the cost of a tile from points per second")
    parser.add_argument("--spread", type=float, default=0.5, help="standard deviation of tiles' costs over their mean (default: 0.5)")
    parser.add_argument("--request-us", type=float, help="rank 0's time for a request (default: measured, or 2)")
    parser.add_argument("--report-us", type=float, help="rank 0's time for each tile in it (default: measured, or 0.02)")
    parser.add_argument("--latency-us", type=float, help="of a message, rank 0's poll included (default: 100)")
    parser.add_argument("--group", type=int, default=4096, help="ranks of a sub-master, shown where there are more (default: 4096)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-o", "--output", metavar="FIGURE", help="draw it: .pdf or .png")
    return parser.parse_args()


def main():
    options = arguments()
    costs = read_costs(options)
    if not options.json:
        print(f"tiles of {options.tile_ms:.3g} ms (spread {options.spread:g}); a request costs rank 0 {1e6 * costs.request:.2f} us, each "
              f"tile in it {1e6 * costs.tile:.3f} us\n   ranks     tiles  handed out         time   idle   rank 0 busy   requests   mean wait")
    results = []
    for policy, r in table(options, costs):
        results.append((policy, r))
        if not options.json:
            print(f"{r.ranks:8} {r.tiles:9}  {policy:12} {r.seconds:8.3f} s {100 * r.idle:5.1f} %  {100 * r.load:9.1f} % {r.requests:10} "
                  f"{1e6 * r.wait:8.0f} us", flush=True)
    if options.json:
        print(json.dumps({"costs": asdict(costs), "tile_ms": options.tile_ms, "spread": options.spread,
                          "results": [{"handed_out": policy, **asdict(r)} for policy, r in results]}, indent=1))
    if options.output:
        draw(results, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
