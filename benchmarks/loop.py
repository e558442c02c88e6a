"""How many decision intervals of learners in the loop pass per second, and when two makers are told apart.

An event is one interval of one replication: quote, draw, fill, account, learn. `recursive Laplace` learns and quotes
again in every interval; the makers with a posterior on nodes learn in every interval and quote again every 64. Wall
clock, processor seconds and the load are printed: on a busy machine the wall clock says little.

The last lines are wall seconds until the difference of two makers under common draws, in bps per lot that the oracle
trades, has a standard error of 1e-3: from what was realised, and from the expected regret.

    python -m benchmarks.loop
"""

from __future__ import annotations

import os

# One device of the processor uses one core; the number is read when JAX starts.
os.environ.setdefault("XLA_FLAGS", f"--xla_force_host_platform_device_count={os.cpu_count()}")

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mmresearch.sim.loop.makers import FillDistances, Maker, Oracle
from mmresearch.sim.loop.posterior import JointPosterior, PlugIn, Recursive
from mmresearch.sim.loop.run import BLOCK, Sums, run
from mmresearch.sim.loop.world import Setting, draw_truths

TURNS, AIM_BPS, PATIENCE_S = 5, 1e-3, 60.0
#: Replications, blocks, and replications side by side.
MANY, LONG, AT_ONCE = 4096, 60, 1024
SETTING = Setting()


def speed(maker: Maker, dtype: str, expected: bool) -> tuple[float, float]:
    """Return events per wall second, the best of some turns, and per processor second in that turn."""
    truth, best = draw_truths(MANY, 1), (np.inf, np.inf)
    for turn in range(TURNS + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        run(maker, truth, SETTING, [LONG], turn, dtype, AT_ONCE, expected)
        took = (time.perf_counter() - wall, time.process_time() - cpu)
        if turn:  # The first one compiles.
            best = min(best, took)
    events = MANY * LONG * BLOCK
    return events / best[0], events / best[1]


def until_known(maker: Maker, other: Maker, read: Callable[[Sums], np.ndarray], expected: bool) -> tuple[float, float]:
    """Return wall seconds until the difference is known to the aim, compiled code given, and its standard error."""
    differences: list[np.ndarray] = []
    start, batch = 0.0, 0
    while True:
        truth = draw_truths(MANY, 1000 + batch)
        pair = [run(m, truth, SETTING, [25], batch, "float32", AT_ONCE, expected)[-1].sums for m in (maker, other)]
        batch += 1
        if batch == 1:  # It compiled, and is not counted.
            start = time.perf_counter()
            continue
        differences.append((read(pair[0]) - read(pair[1])) / pair[1].fills.mean())
        seen = np.concatenate(differences)
        error = float(seen.std(ddof=1) / seen.size**0.5)
        took = time.perf_counter() - start
        if error < AIM_BPS or took > PATIENCE_S:
            return took, error


def main() -> None:
    """Print both tables."""
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {MANY} replications of {LONG * BLOCK} intervals")
    print(f"{'million events per':<44}{'wall second':>14}{'processor second':>18}")
    refreshed = replace(Recursive(), refresh_s=None)
    for label, maker, dtype, expected in (
        ("recursive Laplace, realised", Recursive(), "float32", False),
        ("recursive Laplace, and expected regret", Recursive(), "float32", True),
        ("the same, realised, quotes every 64 intervals", refreshed, "float32", False),
        ("depths of fills, realised", FillDistances(), "float32", False),
        ("oracle, realised", Oracle(), "float32", False),
        ("recursive Laplace, double, expected", Recursive(), "float64", True),
        ("posterior mean, double, expected", PlugIn(), "float64", True),
        ("joint posterior, double, expected", JointPosterior(), "float64", True),
    ):
        wall, cpu = speed(maker, dtype, expected)
        print(f"{label:<46}{wall / 1e6:>12.1f}{cpu / 1e6:>18.1f}", flush=True)
    for label, read, expected in (
        ("realised", lambda sums: sums.realised, False),
        ("expected regret", lambda sums: -sums.regret, True),
    ):
        seconds, error = until_known(Recursive(), Oracle(), read, expected)
        reached = "" if error < AIM_BPS else ", not reached"
        print(f"learner against oracle over 400 s, {label}: {seconds:.2f} s to {error:.1e} bps per lot{reached}")
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
