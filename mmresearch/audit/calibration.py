"""Are its probabilities honest? Simulation-based calibration with the learner's own prior.

A truth is drawn from the learner's prior, nuisances from the world, a tape is simulated, and u = cdf(truth) of the
posterior is uniform if the learner's model is right. Working on z = Phi^{-1}(u) turns the shape into numbers: sd(z) > 1
means overconfident, mean(z) means biased. Sources: Talts et al. 2018, Modrak et al. 2023.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mmresearch.audit.result import Finding, Status
from mmresearch.audit.trials import Trials
from mmresearch.learn.contract import Learner, run

LEVELS = (0.5, 0.89, 0.95)
FIRST_LEVEL, SECOND_LEVEL = 1e-3, 1e-3
COVERAGE_BOUND = 0.80
POWER_ROUNDS = 200


def ranks(learner: Learner, trials: Trials, round_: int) -> NDArray[np.float64]:
    """Posterior cdf at the truth, for truths drawn from the learner's own prior; shape (simulations,)."""
    prior = learner.posterior(learner.init())
    rng = trials.rng(f"calibration {round_}")
    truths = np.asarray(prior.ppf(rng.uniform(size=trials.simulations)), dtype=float)
    low, high = trials.design.support
    truths = truths[(truths >= low) & (truths <= high)]
    seeds = 1000 * (round_ + 1) + np.arange(truths.size)
    return np.array([_rank(learner, trials, float(t), int(s)) for t, s in zip(truths, seeds, strict=True)])


def _rank(learner: Learner, trials: Trials, theta: float, seed: int) -> float:
    tape = trials.tape(theta, replicate=seed, seconds=trials.design.short_seconds)
    return float(learner.posterior(run(learner, tape)).cdf(theta))


def p_value(u: NDArray[np.float64]) -> float:
    """Chance of ranks this far from uniform: smallest of shape (KS), spread and centre tests, Bonferroni by three."""
    z = _z(u)
    spread = stats.chi2(z.size)
    low = spread.cdf(float(z @ z))
    tests = (
        stats.kstest(u, "uniform").pvalue,
        2 * min(low, 1 - low),
        2 * stats.norm.sf(abs(z.mean()) * np.sqrt(z.size)),
    )
    return float(min(1.0, 3 * min(tests)))


def _z(u: NDArray[np.float64]) -> NDArray[np.float64]:
    return stats.norm.ppf(np.clip(u, 1e-9, 1 - 1e-9))


def coverage(u: NDArray[np.float64], level: float) -> float:
    """Share of truths inside the equal-tailed interval of the given level."""
    return float(np.mean(np.abs(u - 0.5) <= level / 2))


def calibration(learner: Learner, trials: Trials) -> Finding:
    """Are its probabilities honest?"""
    u = ranks(learner, trials, 0)
    if p_value(u) < FIRST_LEVEL:
        again = ranks(learner, trials, 1)
        return _judge(again if p_value(again) >= SECOND_LEVEL else np.concatenate([u, again]), trials)
    return _judge(u, trials)


def _judge(u: NDArray[np.float64], trials: Trials) -> Finding:
    z = _z(u)
    covers = ", ".join(f"{level:.0%} covers {coverage(u, level):.0%}" for level in LEVELS)
    power = _power(u.size)
    caught = f"would have caught an sd 30 % too small with probability {power:.2f}"
    if p_value(u) < FIRST_LEVEL:
        why = f"over {u.size} truths of its own prior {covers}; z has mean {z.mean():+.2f}, sd {z.std():.2f}."
        mend = "Discount the evidence, learn the variance, or state the prior that the world has."
        why = f"{_fault(z)}: {why}"
        return Finding("calibration", "calibration", "fail", coverage(u, 0.9), COVERAGE_BOUND, power, why, mend)
    status: Status = "pass" if power >= 0.5 else "undecided"
    why = f"over {u.size} truths of its own prior {covers}; {caught}."
    return Finding("calibration", "calibration", status, coverage(u, 0.9), COVERAGE_BOUND, power, why)


def _fault(z: NDArray[np.float64]) -> str:
    """Name what is wrong by what is further from that of a standard Normal: its centre, or the logarithm of its sd."""
    if abs(z.mean()) > abs(np.log(z.std())):
        return "off centre"
    return "overconfident" if z.std() > 1 else "underconfident"


@lru_cache
def _power(n: int) -> float:
    """Share of rounds in which n honest ranks with the sd multiplied by .7 are caught."""
    z = np.random.default_rng(n).standard_normal((POWER_ROUNDS, n)) / 0.7
    return float(np.mean([p_value(stats.norm.cdf(row)) < FIRST_LEVEL for row in z]))
