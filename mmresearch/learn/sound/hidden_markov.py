"""Two hidden regimes behind a series of returns and spreads, summed out by the forward recursion.

    P(same regime after k steps) = (1 + (2 p - 1)^k)/2,   both regimes equally likely at first
    return_i | regime ~ (1 - e) N(0, s_regime^2) + e N(0, B^2),      ln spread_i | regime ~ N(m_regime, w^2)

p is the probability of staying for one step, alike in both regimes. The second part of the law of returns is for jumps,
which belong to no regime: B is six times the typical return, e is learned. Emissions are fitted for any p by
expectation-maximisation (Baum et al. 1970), with two pseudo-observations for each variance and fifty for e. Missing
values (NaN) say nothing. Returns in any unit, spreads as fractions of the mid.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PSEUDO, CLEAN = 2.0, 50.0
#: Columns of emissions: sd of returns and mean of ln spread in each regime, sd of ln spread, share of jumps.
SD, MEAN, SPREAD_SD, JUMPS = 0, 2, 4, 5


class Series(NamedTuple):
    """What was observed at some seconds, in order of time.

    Attributes
    ----------
    gap : ndarray, shape (n,)
        Steps since the row before; not read in the first row.
    returns, log_spread : ndarray, shape (n,)
        Values, NaN where missing.
    weight : ndarray, shape (n,)
        Powers to which the likelihoods of the rows, each given those before, are raised; 1 where nothing is forgotten.
    typical, jump : float
        Typical size of a return, and sd of a jump, B.
    least_sd : float
        Least sd of log spreads: that of rounding to the tick, or a regime were where the spread happens to be odd.
    """

    gap: FloatArray
    returns: FloatArray
    log_spread: FloatArray
    weight: FloatArray
    typical: float
    jump: float
    least_sd: float


def series_of(
    gap: FloatArray, returns: FloatArray, log_spread: FloatArray, weight: FloatArray, least_sd: float
) -> Series:
    """Build a series; see `Series`.

    Parameters
    ----------
    gap, returns, log_spread, weight : ndarray, shape (n,)
        Steps since the row before, values, and weights.
    least_sd : float
        Least sd of log spreads.
    """
    size = np.abs(returns[np.isfinite(returns)])
    typical = 1.4826 * float(np.median(size)) or float(np.sqrt(np.mean(size**2)))
    return Series(gap, returns, log_spread, weight, typical, 6.0 * typical, least_sd)


def first_guess(series: Series) -> FloatArray:
    """Split the series by the size of returns and of spreads: calm first, lively second."""
    low, high = np.nanquantile(series.log_spread, [0.25, 0.75])
    width = max(float(np.nanstd(series.log_spread)), series.least_sd)
    return np.array([0.7 * series.typical, 1.8 * series.typical, low, high, width, 0.01])


def fitted(
    series: Series, stay: float, emissions: FloatArray, rounds: int, counts: tuple[float, float] | None = None
) -> tuple[FloatArray, float, float]:
    """Fit the emissions, and the probability of staying if it has a prior.

    Parameters
    ----------
    series : Series
        Observations.
    stay : float
        Probability of staying for one step, in (0, 1).
    emissions : ndarray, shape (6,)
        Where to begin.
    rounds : int
        Rounds of expectation-maximisation.
    counts : tuple of float, optional
        Prior stays and moves; `stay` is held fixed without.

    Returns
    -------
    emissions : ndarray, shape (6,)
    stay : float
    log_likelihood : float
        Of what is returned, less a constant, pseudo-observations of the emissions included.
    """
    data = (series.returns, series.log_spread, series.gap, series.weight)
    limits = (series.typical, series.jump, series.least_sd)
    for _ in range(rounds):
        _, sums, stays = _expected(*data, stay, emissions, series.jump)
        emissions = _maximised(sums, limits)
        if counts is not None:
            stay = (stays[0] + counts[0]) / (stays.sum() + sum(counts))
    value, _, _ = _expected(*data, stay, emissions, series.jump)
    return emissions, stay, value + _log_pseudo(emissions, series.typical)


def log_likelihood(series: Series, stay: float, emissions: FloatArray) -> float:
    """Return the log likelihood, less a constant.

    Parameters
    ----------
    series : Series
        Observations.
    stay : float
        Probability of staying for one step.
    emissions : ndarray, shape (6,)
        Sd of returns and mean of ln spread in each regime, sd of ln spread, share of jumps.
    """
    data = (series.returns, series.log_spread, series.gap, series.weight)
    return float(_expected(*data, stay, emissions, series.jump)[0])


def _log_pseudo(emissions: FloatArray, typical: float) -> float:
    ratio = (typical / emissions[:2]) ** 2
    return float(0.5 * PSEUDO * (np.log(ratio) - ratio).sum() + CLEAN * np.log1p(-emissions[JUMPS]))


@njit(cache=True)
def _maximised(sums: Any, limits: Any) -> Any:
    """Emissions that maximise the expected log likelihood.

    Rows of `sums`, one column per regime: rows with a return, of them no jumps, their squares; rows with a spread, sum
    of ln spread, and of its squares.
    """
    typical, jump, least_sd = limits
    out = np.empty(6)
    for k in range(2):
        sd = np.sqrt((sums[2, k] + PSEUDO * typical * typical) / (sums[1, k] + PSEUDO))
        out[SD + k] = min(sd, 0.9 * jump)
        out[MEAN + k] = sums[4, k] / max(sums[3, k], 1e-9)
    residual, seen = 0.0, 1e-9
    for k in range(2):
        residual += sums[5, k] - sums[3, k] * out[MEAN + k] ** 2
        seen += sums[3, k]
    out[SPREAD_SD] = max(np.sqrt(max(residual, 0.0) / seen), least_sd)
    returns = sums[0].sum()
    out[JUMPS] = (returns - sums[1].sum() + 1e-6) / (returns + CLEAN)
    return out


@njit(cache=True)
def _expected(
    returns: Any, spread: Any, gap: Any, weights: Any, stay: float, emissions: Any, jump: float
) -> tuple[float, Any, Any]:
    """Log likelihood, expected sums of the emissions, and expected stays and moves over single steps; all weighted."""
    n = returns.size
    like, clean, ahead, same = np.ones((n, 2)), np.ones((n, 2)), np.empty((n, 2)), np.empty(n)
    share = emissions[JUMPS]
    a, b, total = 0.5, 0.5, 0.0
    for i in range(n):
        for k in range(2):
            if not np.isnan(returns[i]):
                z = returns[i] / emissions[SD + k]
                inlier = (1.0 - share) * np.exp(-0.5 * z * z) / emissions[SD + k]
                z = returns[i] / jump
                outlier = share * np.exp(-0.5 * z * z) / jump + 1e-300
                like[i, k], clean[i, k] = inlier + outlier, inlier / (inlier + outlier)
            if not np.isnan(spread[i]):
                z = (spread[i] - emissions[MEAN + k]) / emissions[SPREAD_SD]
                like[i, k] *= np.exp(-0.5 * z * z) / emissions[SPREAD_SD] + 1e-300
        same[i] = stay if gap[i] == 1.0 else 0.5 * (1.0 + (2.0 * stay - 1.0) ** gap[i])
        if i > 0:
            a, b = a * same[i] + b * (1.0 - same[i]), a * (1.0 - same[i]) + b * same[i]
        a, b = a * like[i, 0], b * like[i, 1]
        norm = a + b
        total += weights[i] * np.log(norm)
        a, b = a / norm, b / norm
        ahead[i, 0], ahead[i, 1] = a, b
    sums, stays = np.zeros((6, 2)), np.zeros(2)
    u, v = 0.5, 0.5
    for i in range(n - 1, -1, -1):
        norm = ahead[i, 0] * u + ahead[i, 1] * v
        for k in range(2):
            weight = weights[i] * ahead[i, k] * (u if k == 0 else v) / norm
            if not np.isnan(returns[i]):
                sums[0, k] += weight
                sums[1, k] += weight * clean[i, k]
                sums[2, k] += weight * clean[i, k] * returns[i] ** 2
            if not np.isnan(spread[i]):
                sums[3, k] += weight
                sums[4, k] += weight * spread[i]
                sums[5, k] += weight * spread[i] ** 2
        if i > 0:
            u, v = u * like[i, 0], v * like[i, 1]
            kept = same[i] * (ahead[i - 1, 0] * u + ahead[i - 1, 1] * v)
            left = (1.0 - same[i]) * (ahead[i - 1, 0] * v + ahead[i - 1, 1] * u)
            if gap[i] == 1.0:
                stays[0] += weights[i] * kept / (kept + left)
                stays[1] += weights[i] * left / (kept + left)
            u, v = u * same[i] + v * (1.0 - same[i]), u * (1.0 - same[i]) + v * same[i]
            norm = u + v
            u, v = u / norm, v / norm
    return total, sums, stays
