"""How long GLFT quotes take for 10^4 posterior draws, moments of a policy, and a 64 x 64 map of regret; on one core.

The first call of each compiles or reads the compilation from the cache of numba; it is printed beside the best of five.
Times are wall clock and processor: on a busy machine the second is the one to compare.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import moments
from mmresearch.quote.glft.policy import policy
from mmresearch.quote.glft.quotes import table
from mmresearch.quote.glft.regret import regret_map

DRAWS, SIDE, TURNS = 10_000, 64, 5
#: The parameters of Gueant, Lehalle and Fernandez-Tapia (2013): 61 inventories, 600 s.
PAPER = {"sigma": 0.3, "gamma": 0.01, "T": 600.0, "Q": 30}


def seconds_of(job: Callable[[], Any]) -> tuple[float, float]:
    """Return wall and processor time of one run, s."""
    wall, cpu = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - wall, time.process_time() - cpu


def jobs() -> dict[str, Callable[[], Any]]:
    """Return what is timed, by name."""
    rng = np.random.default_rng(1)
    k, A = 0.3 * rng.lognormal(0.0, 0.1, DRAWS), 0.9 * rng.lognormal(0.0, 0.1, DRAWS)
    draws, one = Model(A=A, k=k, **PAPER), Model(A=0.9, k=0.3, **PAPER)
    ratios = np.geomspace(0.5, 2.0, SIDE)
    return {
        f"exact quotes, {DRAWS:,} draws x 61 inventories": lambda: table(draws, "exact"),
        f"asymptotic quotes, {DRAWS:,} draws": lambda: table(draws, "asymptotic"),
        f"closed-form quotes, {DRAWS:,} draws": lambda: table(draws, "closed"),
        "exact quotes at 2,000 times, one market": lambda: policy(one),
        "moments of the exact policy, 2,000 intervals": lambda: moments(policy(one), one),
        f"map of regret, {SIDE} x {SIDE}": lambda: regret_map(one, ratios, ratios, [0.01]),
    }


def main() -> None:
    """Print the table."""
    print(f"{'':<48}{'first, s':>10}{'wall, s':>10}{'processor, s':>14}")
    for name, job in jobs().items():
        first, _ = seconds_of(job)
        wall, cpu = (min(times) for times in zip(*(seconds_of(job) for _ in range(TURNS)), strict=True))
        print(f"{name:<48}{first:>10.3f}{wall:>10.4f}{cpu:>14.4f}")


if __name__ == "__main__":
    main()
