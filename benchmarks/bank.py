"""What a bank of learners costs: updates per second from 10^3 to 10^6 rows, and microseconds of one scalar update.

One row per way, all in one run and in turns, so that what else the machine does strikes all of them. An update is one
event added to the evidence of one row, rows at random; the million events of a batch come in one call. Times are the
least of several turns, on one core.

    bank, six families    rows of all families mixed; values are checked, sums carry what rounding drops; memory donated
    bank, Beta            Beta rows only
    bank, moments         normal-inverse-gamma rows only: (n, mean, M2) by Chan's rule
    NumPy, bincount       moments in two passes, one family, no checks, no carries
    NumPy, loop           one event at a time on NumPy arrays: Beta counts
    conjugate-models      `binomial_beta` on arrays of totals per row, the totals by bincount
    conjugate-models, one its `binomial_beta`, event by event

JAX was measured on the CPU of a busy machine beside the same kernels (segment sums, jitted, memory donated, a million
events): 2.8 to 10 ns per event for two plain sums, 9 to 16 ns for moments up to 10^5 rows and 83 at 10^6, for one
family, without checks and carries. It gained nothing that would pay for an optional dependency in a core room and for a
compilation per size of batch.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
from conjugate import models as other
from conjugate.distributions import Beta as OtherBeta
from conjugate.distributions import Gamma as OtherGamma
from conjugate.distributions import Normal as OtherNormal
from numpy.typing import NDArray

import mmresearch as mm
from mmresearch.belief.beta import Beta
from mmresearch.belief.families import Family
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.learn.bank.bank import Bank
from mmresearch.learn.sound.alpha import AlphaTouch

SIZES = (1_000, 10_000, 100_000, 1_000_000)
EVENTS, LOOPED, TURNS = 1_000_000, 20_000, 7
MIXED: dict[str, Family] = {
    "beta": Beta(2.0, 6.0),
    "gamma": Gamma(4.0, 0.002),
    "inverse gamma": InverseGamma(10.0, 9e-8),
    "normal inverse gamma": NormalInverseGamma(5.0, 9.0, 2.5, 36.0),
    "normal": Normal(5.0, 4.0),
    "log-normal": LogNormal(0.65, 0.0862),
}
Job = Callable[[], Any]


class Kept:
    """A bank that goes on from batch to batch in the same memory.

    Parameters
    ----------
    rows : int
        How many.
    names : tuple of str
        Which of `MIXED`, repeated over the rows.
    batch : tuple of ndarray
        Rows and values of the events.
    """

    def __init__(self, rows: int, names: tuple[str, ...], batch: tuple[NDArray[Any], ...]) -> None:
        priors = {name: MIXED[name] for name in names}
        assets = [f"A{k}" for k in range(-(-rows // len(names)))]
        self.bank, self.batch = Bank.across(assets, priors, observation_variance=4.0), batch

    def step(self) -> None:
        """Add the batch."""
        self.bank = self.bank.update(*self.batch, donate=True)


class Bincounted:
    """Moments by NumPy: two passes over the events, one over the rows."""

    def __init__(self, rows: int, batch: tuple[NDArray[Any], ...]) -> None:
        self.n, self.mean, self.m2 = np.zeros((3, rows))
        self.batch = batch

    def step(self) -> None:
        """Add the batch by Chan's rule."""
        at, x = self.batch
        count = np.bincount(at, minlength=self.n.size)
        gap = np.bincount(at, x - self.mean[at], self.n.size) / np.maximum(count, 1)
        centre = self.mean + gap
        m2 = np.bincount(at, (x - centre[at]) ** 2, self.n.size)
        total = self.n + count
        share = count / np.maximum(total, 1)
        self.m2 += m2 + gap * gap * self.n * share
        self.mean += gap * share
        self.n = total


def numpy_loop(rows: int, batch: tuple[NDArray[Any], ...]) -> Job:
    """Return a job that adds Beta counts one event at a time to NumPy arrays."""
    successes, trials = np.zeros((2, rows))
    at, value = (column[:LOOPED] for column in batch)

    def job() -> None:
        for row, x in zip(at, value, strict=True):
            successes[row] += x
            trials[row] += 1.0

    return job


def conjugate_arrays(rows: int, batch: tuple[NDArray[Any], ...]) -> Job:
    """Return a job that gives conjugate-models all totals at once."""
    prior = OtherBeta(np.full(rows, 2.0), np.full(rows, 6.0))

    def job() -> None:
        at, value = batch
        successes, trials = np.bincount(at, value, rows), np.bincount(at, minlength=rows)
        other.binomial_beta(n=trials, x=successes, prior=prior)

    return job


def conjugate_loop(rows: int, batch: tuple[NDArray[Any], ...]) -> Job:
    """Return a job that gives conjugate-models one event at a time."""
    beliefs = [OtherBeta(2.0, 6.0)] * rows
    at, value = batch[0][:LOOPED].tolist(), batch[1][:LOOPED].tolist()

    def job() -> None:
        for row, x in zip(at, value, strict=True):
            beliefs[row] = other.binomial_beta(n=1, x=x, prior=beliefs[row])

    return job


def throughputs(rows: int) -> dict[str, float]:
    """Return updates per second of every way, for that many rows."""
    rng = np.random.default_rng(rows)
    batch = rng.integers(0, rows, EVENTS), rng.uniform(0.05, 1.0, EVENTS)
    jobs: dict[str, tuple[Job, int]] = {
        "bank, six families": (Kept(rows, tuple(MIXED), batch).step, EVENTS),
        "bank, Beta": (Kept(rows, ("beta",), batch).step, EVENTS),
        "bank, moments": (Kept(rows, ("normal inverse gamma",), batch).step, EVENTS),
        "NumPy, bincount, moments": (Bincounted(rows, batch).step, EVENTS),
        "conjugate-models, arrays": (conjugate_arrays(rows, batch), EVENTS),
        "conjugate-models, loop": (conjugate_loop(rows, batch), LOOPED),
        "NumPy, loop": (numpy_loop(rows, batch), LOOPED),
    }
    least = dict.fromkeys(jobs, np.inf)
    for _ in range(TURNS):
        for name, (job, _events) in jobs.items():
            start = time.perf_counter()
            job()
            least[name] = min(least[name], time.perf_counter() - start)
    return {name: events / least[name] for name, (_, events) in jobs.items()}


def scalar_jobs() -> dict[str, tuple[Job, Job | None]]:
    """Return, by family, one update with mean and 90 % interval: ours, and conjugate-models' where it has it."""

    def ours(prior: Family, *evidence: float) -> Job:
        def job() -> tuple[float, tuple[float, float]]:
            after = prior.update(*evidence)
            return after.mean(), after.interval(0.9)

        return job

    def theirs(update: Callable[[], Any]) -> Job:
        def job() -> tuple[float, tuple[float, float]]:
            frozen = update().dist
            return frozen.mean(), frozen.interval(0.9)

        return job

    beta, gamma, normal = OtherBeta(2.0, 6.0), OtherGamma(4.0, 0.002), OtherNormal(5.0, 2.0)
    return {
        "Beta": (ours(MIXED["beta"], 1.0, 0.0), theirs(lambda: other.binomial_beta(n=1, x=1, prior=beta))),
        "Gamma": (ours(MIXED["gamma"], 1.0, 0.3), theirs(lambda: other.poisson_gamma(x_total=1, n=0.3, prior=gamma))),
        "Gamma, 10^6 counts": (ours(Gamma(1e6, 500.0), 1.0, 0.3), None),
        "Normal": (
            ours(MIXED["normal"], 1.0, 2.0, 4.0),
            theirs(lambda: other.normal_known_variance(x_total=2.0, n=1, var=4.0, prior=normal)),
        ),
        "NormalInverseGamma": (ours(MIXED["normal inverse gamma"], 1.0, 2.0, 0.0), None),
        "InverseGamma": (ours(MIXED["inverse gamma"], 1.0, 1e-8), None),
        "InverseGamma, 10^6 counts": (ours(InverseGamma(1e6, 9e-3), 1.0, 1e-8), None),
        "LogNormal": (ours(MIXED["log-normal"], 1.0, 0.7, 0.04), None),
    }


def microseconds(job: Job, number: int) -> float:
    """Return the least time of one call, in microseconds, over five turns of `number` calls."""
    job()
    return min(timeit.repeat(job, number=number, repeat=5)) / number * 1e6


def slice_microseconds() -> float:
    """Return microseconds of `AlphaTouch` for one 5 s slice of a tape: cutting, labels and posterior, in pandas."""
    tape, learner = mm.example()[0], AlphaTouch()
    state = learner.init()
    start = time.perf_counter()
    for k in range(100):
        state = learner.update(state, tape.between(tape.t0 + 5.0 * k, tape.t0 + 5.0 * (k + 1)))
        learner.posterior(state).interval(0.9)
    return (time.perf_counter() - start) / 100 * 1e6


def main() -> None:
    """Print both tables."""
    columns = {rows: throughputs(rows) for rows in SIZES}
    print(f"{'updates per second':<28}" + "".join(f"{rows:>13,} rows" for rows in SIZES))
    for name in columns[SIZES[0]]:
        print(f"{name:<28}" + "".join(f"{columns[rows][name]:>18.2e}" for rows in SIZES))
    print()
    print(f"{'one update, mean, interval':<28}{'here':>15} us{'conjugate-models':>19} us")
    for name, (ours, theirs) in scalar_jobs().items():
        beside = f"{microseconds(theirs, 20):>19.1f} us" if theirs else f"{'-':>19}"
        print(f"{name:<28}{microseconds(ours, 300):>15.1f} us{beside}")
    small = Bank.across(["BTC", "ETH"], MIXED, observation_variance=4.0)
    row, value = np.array([0]), np.array([1.0])
    print(f"{'bank of 12 rows, one event':<28}{microseconds(lambda: small.update(row, value), 300):>15.1f} us")
    print(f"{'AlphaTouch, 5 s tape slice':<28}{slice_microseconds():>15.1f} us (what pandas costs)")


if __name__ == "__main__":
    main()
