"""Densities of points given the run that they belong to: what a recursion over run lengths reads (Adams-MacKay 2007).

    pi_tr = p(x_t | x_{t-r}, ..., x_{t-1}),  r the points of the run before it; parameters of a segment integrated out

    Normal-inverse-gamma   Student-t, 2 a_r degrees of freedom, mean s_1/k_r, squared scale b_r (k_r + 1)/(a_r k_r);
                           k_r = k + r,  a_r = a + r/2,  b_r = b + (s_2 - s_1^2/k_r)/2,  s_1, s_2 sums over the run
    Gamma-Poisson          negative binomial, a_r = a + s_1, success probability (b + r)/(b + r + 1)

Every length counts, none is cut off, so a table has n^2 entries: at most `RUN_POINTS` of a series are read, the newest.
Sources: Murphy 2007, Conjugate Bayesian analysis of the Gaussian distribution; Gelman et al. 2013, section 2.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from mmresearch.models.data import EvidenceError
from mmresearch.models.series import FloatArray, RegimeSeries, require_any
from mmresearch.models.series_priors import SegmentPriors

#: Whether changepoints are reported, or summed out.
RunLengths = Literal["reported", "marginalised"]
#: Points of one asset of which run lengths are summed out.
RUN_POINTS = 1_000


@dataclass(frozen=True)
class Runs:
    """Points of one asset, with their densities after every length of run.

    Attributes
    ----------
    gap_s : ndarray, shape (n,)
        Seconds since the point before; infinite where the series starts anew.
    like : ndarray, shape (n, n)
        Density of point t after r of its run, over the largest of its row; 0 where r points are not there.
    offset : float
        Sum of the logarithms of the largest.
    """

    gap_s: FloatArray
    like: FloatArray
    offset: float


def marginalised(runs: RunLengths, segments: SegmentPriors | None, censoring: bool = True) -> bool:
    """Return whether run lengths are summed out.

    Raises
    ------
    ValueError
        If `runs` is unknown, if segments are described that nobody would look at, or if a run is to be dropped that
        has no end.
    """
    if runs not in ("reported", "marginalised"):
        raise ValueError(f"runs must be reported or marginalised, got {runs!r}")
    if runs == "reported" and segments is not None:
        raise ValueError('segments say nothing of reported runs; ask for runs="marginalised"')
    if runs == "marginalised" and not censoring:
        raise ValueError('where runs are marginalised none is known to be the last; ask for runs="reported"')
    return runs == "marginalised"


def runs_of(series: Sequence[RegimeSeries], priors: SegmentPriors) -> tuple[Runs, ...]:
    """Return the newest returns of each asset, segments Normal-inverse-gamma.

    Parameters
    ----------
    series : sequence of RegimeSeries
        One per asset.
    priors : SegmentPriors
        Of a segment's mean and variance.

    Raises
    ------
    EvidenceError
        If no asset has a return, or a prior is not positive.
    """
    if min(priors.k, priors.shape, priors.scale) <= 0:
        raise EvidenceError(f"k, shape and scale of SegmentPriors must be positive, got {priors}")
    require_any([s.gap_s.size for s in series], "returns in which changepoints could be")
    cut = [(s.returns[-RUN_POINTS:], s.gap_s[-RUN_POINTS:]) for s in series]
    return tuple(runs(normal_log_densities(x, priors), gap) for x, gap in cut)


def runs(log_density: FloatArray, gap_s: FloatArray) -> Runs:
    """Scale a table of log densities; runs do not reach beyond a new start.

    Parameters
    ----------
    log_density : ndarray, shape (n, n)
        Of point t after r of its run.
    gap_s : ndarray, shape (n,)
        Seconds since the point before; the first point starts anew.
    """
    n = gap_s.size
    gap_s = np.where(np.arange(n) > 0, gap_s, np.inf)
    begin = np.maximum.accumulate(np.where(np.isinf(gap_s), np.arange(n), 0))
    there = np.arange(n) <= (np.arange(n) - begin)[:, None]
    table = np.where(there, log_density, -np.inf)
    top = table.max(axis=1, keepdims=True, initial=-np.inf)
    return Runs(gap_s, np.exp(table - top), float(top.sum()))


def normal_log_densities(x: FloatArray, priors: SegmentPriors) -> FloatArray:
    """Student-t log densities of points after their runs; shape (n, n), of no meaning where the run is too long.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Returns, in typical returns.
    priors : SegmentPriors
        Of a segment's mean and variance.
    """
    r, sums, squares = np.arange(float(x.size)), run_sums(x), run_sums(x**2)
    k, a = priors.k + r, priors.shape + 0.5 * r
    b = priors.scale + 0.5 * (squares - sums**2 / k)
    spread = 2 * b * (k + 1) / k  # degrees of freedom times squared scale
    constant = gammaln(a + 0.5) - gammaln(a) - 0.5 * np.log(np.pi)
    return constant - 0.5 * np.log(spread) - (a + 0.5) * np.log1p((x[:, None] - sums / k) ** 2 / spread)


def poisson_log_densities(counts: FloatArray, shape: float, rate: float) -> FloatArray:
    """Negative binomial log probabilities of counts after their runs; shape (n, n).

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Events in steps of one length.
    shape, rate : float
        Gamma of a segment's expected count.
    """
    x = counts[:, None]
    a, b = shape + run_sums(counts), rate + np.arange(float(counts.size))
    return gammaln(a + x) - gammaln(a) - gammaln(x + 1) + a * np.log(b / (b + 1)) - x * np.log(b + 1)


def run_sums(x: FloatArray) -> NDArray[np.float64]:
    """Sums of the r points before point t; shape (n, n), those that would begin before the first cut there."""
    total = np.append(0.0, np.cumsum(x))
    t = np.arange(x.size)
    return total[t][:, None] - total[np.maximum(t[:, None] - t, 0)]
