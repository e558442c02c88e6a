"""Regret of learning, over time: curves of several makers under common draws, and the law by which each grows.

The regret of a maker until T is what the oracle gains more, in expectation given the path of inventory and quotes
(`run`). With A known, the estimate of kappa from N fills has variance kappa^2/(N (kappa d)^2), a depth wrong by
y/kappa loses the share y^2/2 of the edge, and fills come at about 2 A e^{-1} a second; without costs and inventory
risk the three give

    regret(T) ~ ln T/(2 kappa):

a rate that no learner beats for all kappa at once, below the bound of order ln^2 T of arXiv 2409.02025. A cost c moves
the best depth to kappa d = 1 + kappa c, from where kappa is seen better: ln T/(2 kappa (1 + kappa c)^2). With A unknown
too, (kappa d)^2 gives way to the variance of kappa d over fills: only inventory varies the depths, and where nothing
does (gamma = 0) the evidence does not tell A from kappa and learning may stop at a wrong pair.

A law f is fitted to the increments between looks, regret(T_i) - regret(T_{i-1}) = b [f(T_i) - f(T_{i-1})], by
generalised least squares with their covariance over replications; it is refuted by its chi-square.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mmresearch.sim.loop.makers import Maker, Oracle
from mmresearch.sim.loop.run import BLOCK, Carry, run
from mmresearch.sim.loop.world import Setting, Truth

Floats = NDArray[np.float64]

#: Laws of growth: a function of T in seconds.
LAWS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {"ln T": np.log, "ln^2 T": lambda t: np.log(t) ** 2, "sqrt T": np.sqrt, "T": lambda t: t}
)


@dataclass(frozen=True)
class Curves:
    """Regret of makers in replications, over time.

    Attributes
    ----------
    makers : tuple of str
        Names.
    time_s : ndarray, shape (C,)
        When it was looked at, s.
    regret : ndarray, shape (M, R, C)
        Expected regret, bps x lot.
    behind : ndarray, shape (M, R, C)
        Realised gain of the oracle less that of the maker, under the same draws, bps x lot.
    fills : ndarray, shape (M, R, C)
        Number of fills.
    depth_sd : ndarray, shape (M, R, C)
        Sd over time of the shift of quotes by inventory, bps: the variety from which A and kappa are told apart.
    """

    makers: tuple[str, ...]
    time_s: Floats
    regret: Floats
    behind: Floats
    fills: Floats
    depth_sd: Floats

    def table(self) -> pd.DataFrame:
        """Return mean and standard error by maker and time: a row for each."""
        count, rows = self.regret.shape[1], []
        for i, name in enumerate(self.makers):
            columns = {"time_s": self.time_s}
            for label, x in (("regret", self.regret[i]), ("behind", self.behind[i])):
                columns |= {f"{label}_bps": x.mean(axis=0), f"{label}_se": x.std(axis=0, ddof=1) / count**0.5}
            columns |= {"fills": self.fills[i].mean(axis=0), "depth_sd_bps": self.depth_sd[i].mean(axis=0)}
            rows.append(pd.DataFrame({"maker": name, **columns}))
        return pd.concat(rows, ignore_index=True)

    def of(self, maker: str) -> Floats:
        """Expected regret of one maker, shape (R, C).

        Raises
        ------
        ValueError
            If there is no such maker.
        """
        if maker not in self.makers:
            raise ValueError(f"no maker {maker!r}; there are {', '.join(self.makers)}")
        return self.regret[self.makers.index(maker)]

    def only(self, makers: Sequence[str]) -> Curves:
        """Return the curves of some makers, in their order.

        Raises
        ------
        ValueError
            If one of them is not there.
        """
        strange = [name for name in makers if name not in self.makers]
        if strange:
            raise ValueError(f"no maker {', '.join(map(repr, strange))}; there are {', '.join(self.makers)}")
        at = [self.makers.index(name) for name in makers]
        return Curves(tuple(makers), self.time_s, self.regret[at], self.behind[at], self.fills[at], self.depth_sd[at])

    def growth(self, maker: str, after_s: float = 0.0) -> pd.DataFrame:
        """Fit each law to the increments of one maker.

        Parameters
        ----------
        maker : str
            Which.
        after_s : float
            Increments that begin before are left out, s.

        Returns
        -------
        DataFrame
            By law: `per_unit` and its `se` (bps x lot per unit of the law), `chi2`, `dof`, `p` and `aic`.
        """
        return fit_laws(self.time_s, self.of(maker), after_s)

    def exponent(self, maker: str, after_s: float) -> tuple[float, float]:
        """Return the exponent of T between a time and the end, and its standard error.

        The slope of ln regret over ln T, from the mean of both ends over replications; 1 is linear growth, and a
        logarithm tends to 0.

        Parameters
        ----------
        maker : str
            Which.
        after_s : float
            Where the tail begins, s: the first look that is not before.
        """
        x, i = self.of(maker), int(np.searchsorted(self.time_s, after_s))
        if i >= len(self.time_s) - 1:
            raise ValueError(f"no look between {after_s} s and the end, {self.time_s[-1]} s")
        first, last, span = x[:, i], x[:, -1], float(np.log(self.time_s[-1] / self.time_s[i]))
        noise = (last / last.mean() - first / first.mean()).std(ddof=1) / len(x) ** 0.5
        return float(np.log(last.mean() / first.mean()) / span), float(noise / span)


def fit_laws(time_s: Floats, regret: Floats, after_s: float = 0.0) -> pd.DataFrame:
    """Fit the laws of growth to the increments of regret: see `Curves.growth`.

    Parameters
    ----------
    time_s : ndarray, shape (C,)
        Times of looks, s.
    regret : ndarray, shape (R, C)
        Regret by replication.
    after_s : float
        Increments that begin before are left out, s.

    Raises
    ------
    ValueError
        If fewer than three increments are left, or there are not five replications for each.
    """
    kept = time_s >= after_s
    t, steps = time_s[kept], np.diff(regret[:, kept], axis=1)
    count, n = steps.shape
    if n < 3 or count < 5 * n:
        raise ValueError(f"three increments, and five replications for each, are needed: got {n} and {count}")
    mean = steps.mean(axis=0)
    # The inverse of a sample covariance is too large by (R - 1)/(R - n - 2) (Hartlap, Simon and Schneider 2007).
    weight = np.linalg.inv(np.cov(steps, rowvar=False) / count) * (count - n - 2) / (count - 1)
    rows = {}
    for name, law in LAWS.items():
        f = np.diff(law(t))
        information = f @ weight @ f
        b = (f @ weight @ mean) / information
        chi2 = (mean - b * f) @ weight @ (mean - b * f)
        rows[name] = (b, information**-0.5, chi2, n - 1, stats.chi2.sf(chi2, n - 1), chi2 + 2.0)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["per_unit", "se", "chi2", "dof", "p", "aic"])


def regret_curve(
    makers: Sequence[Maker],
    truth: Truth,
    setting: Setting,
    intervals: int,
    seed: int,
    looks: int = 16,
    dtype: str = "float64",
    at_once: int = 256,
) -> Curves:
    """Run makers through the same markets under the same draws; return their regret over time.

    Parameters
    ----------
    makers : sequence of Maker
        Learners, of different names; the oracle is run beside them.
    truth : Truth
        One market per replication: the same one many times, or a population.
    setting : Setting
        What is known.
    intervals : int
        How many decision intervals, at least one block of 64; rounded down to whole blocks.
    seed : int
        Of the draws.
    looks : int
        At how many times to look, logarithmically spaced; fewer where they fall together.
    dtype, at_once : str, int
        See `run.run`.

    Raises
    ------
    ValueError
        If two makers have one name, or the run is shorter than a block.
    """
    names = tuple(m.name for m in makers)
    if len(set(names)) < len(names):
        raise ValueError(f"makers need different names, got {', '.join(names)}")
    blocks = intervals // BLOCK
    if blocks < 1:
        raise ValueError(f"a run has at least {BLOCK} intervals, got {intervals}")
    marks = np.unique(np.round(np.geomspace(1, blocks, looks)).astype(int)).tolist()
    best = _realised(run(Oracle(), truth, setting, marks, seed, dtype, at_once))
    found = [run(maker, truth, setting, marks, seed, dtype, at_once) for maker in makers]
    time_s = np.array(marks) * BLOCK * setting.dt
    return Curves(
        names,
        time_s,
        np.stack([_by_time(lambda c: c.sums.regret, row) for row in found]),
        np.stack([best - _realised(row) for row in found]),
        np.stack([_by_time(lambda c: c.sums.fills, row) for row in found]),
        np.stack([_variety(row, np.array(marks) * BLOCK) for row in found]),
    )


def _by_time(read: Callable[[Carry], Floats], row: Sequence[Carry]) -> Floats:
    return np.stack([read(carry) for carry in row], axis=-1)


def _realised(row: Sequence[Carry]) -> Floats:
    return _by_time(lambda c: c.sums.realised, row)


def _variety(row: Sequence[Carry], intervals: Floats) -> Floats:
    mean = _by_time(lambda c: c.sums.depth, row) / intervals
    square = _by_time(lambda c: c.sums.depth_square, row) / intervals
    return np.sqrt(np.maximum(square - mean**2, 0.0))
