"""Two hidden regimes behind a series of returns and spreads, summed out by the forward recursion.

    P(same regime after k steps) = (1 + (2 p - 1)^k)/2,   both regimes equally likely at first
    return_i | regime ~ N(0, s_regime^2),   ln spread_i | regime ~ N(m_regime, w^2)

p is the probability of staying for one step, alike in both regimes. Emissions are fitted by expectation-maximisation
(Baum et al. 1970) for any p; a missing value (NaN) says nothing. Returns in any unit, spreads as fractions of the mid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

#: Pseudo-observations that keep a regime's variance from vanishing: this many, of the mean square of all returns.
PSEUDO = 2.0


@dataclass(frozen=True)
class Series:
    """What was observed at some seconds, in order of time.

    Attributes
    ----------
    gap : ndarray, shape (n,)
        Steps since the row before; not read in the first row.
    returns, log_spread : ndarray, shape (n,)
        Values, NaN where missing.
    least_sd : float
        Least sd of log spreads: the width of a tick, within which rounding and not the market decides.
    """

    gap: FloatArray
    returns: FloatArray
    log_spread: FloatArray
    least_sd: float


@dataclass(frozen=True)
class Emissions:
    """What two regimes emit.

    Attributes
    ----------
    sd : ndarray, shape (2,)
        Sd of a return.
    log_spread : ndarray, shape (2,)
        Mean of ln spread.
    spread_sd : float
        Sd of ln spread in a regime.
    """

    sd: FloatArray
    log_spread: FloatArray
    spread_sd: float

    def log_density(self, series: Series) -> FloatArray:
        """Return the log density of each row in each regime; shape (n, 2)."""
        z = series.returns[:, None] / self.sd
        e = (series.log_spread[:, None] - self.log_spread) / self.spread_sd
        of_return = np.where(np.isnan(z), 0.0, -0.5 * z * z - np.log(self.sd))
        return of_return + np.where(np.isnan(e), 0.0, -0.5 * e * e - np.log(self.spread_sd))


def first_guess(series: Series) -> Emissions:
    """Split the series by the size of returns: calm first, lively second."""
    scale = float(np.sqrt(np.nanmean(series.returns**2)))
    spreads = np.nanquantile(series.log_spread, [0.25, 0.75])
    width = max(float(np.nanstd(series.log_spread)), series.least_sd)
    return Emissions(scale * np.array([0.6, 1.5]), spreads, width)


def fitted(series: Series, stay: float, start: Emissions, rounds: int) -> tuple[Emissions, float]:
    """Fit the emissions for a given probability of staying.

    Parameters
    ----------
    series : Series
        Observations.
    stay : float
        Probability of staying for one step, in (0, 1).
    start : Emissions
        Where to begin.
    rounds : int
        Rounds of expectation-maximisation.

    Returns
    -------
    emissions : Emissions
    log_likelihood : float
        Of the emissions returned, less a constant, and with the pseudo-observations in it.
    """
    emissions = start
    for _ in range(rounds):
        weight, _ = _smooth(emissions.log_density(series), series.gap, stay)
        emissions = _maximised(series, weight)
    _, value = _smooth(emissions.log_density(series), series.gap, stay)
    pseudo = -0.5 * PSEUDO * (np.log(emissions.sd**2) + np.nanmean(series.returns**2) / emissions.sd**2)
    return emissions, value + float(pseudo.sum())


def log_likelihood(series: Series, stay: float, emissions: Emissions) -> float:
    """Return the log likelihood, less a constant."""
    return float(_smooth(emissions.log_density(series), series.gap, stay)[1])


def _maximised(series: Series, weight: FloatArray) -> Emissions:
    square = series.returns**2
    has_return, has_spread = ~np.isnan(square), ~np.isnan(series.log_spread)
    count = weight[has_return].sum(axis=0) + PSEUDO
    sd = np.sqrt((square[has_return] @ weight[has_return] + PSEUDO * square[has_return].mean()) / count)
    seen, spread = weight[has_spread], series.log_spread[has_spread]
    mean = (spread @ seen) / np.maximum(seen.sum(axis=0), 1e-9)
    variance = float((seen * (spread[:, None] - mean) ** 2).sum() / max(spread.size, 1))
    return Emissions(sd, mean, max(float(np.sqrt(variance)), series.least_sd))


@njit(cache=True)
def _smooth(log_density: Any, gap: Any, stay: float) -> tuple[Any, float]:
    """Forward and backward through the series: probability of each regime in each row, and the log likelihood."""
    n = log_density.shape[0]
    weight, like, same = np.empty((n, 2)), np.empty((n, 2)), np.empty(n)
    a, b, total = 0.5, 0.5, 0.0
    for i in range(n):
        same[i] = stay if gap[i] == 1.0 else 0.5 * (1.0 + (2.0 * stay - 1.0) ** gap[i])
        if i > 0:
            a, b = a * same[i] + b * (1.0 - same[i]), a * (1.0 - same[i]) + b * same[i]
        top = max(log_density[i, 0], log_density[i, 1])
        like[i, 0], like[i, 1] = np.exp(log_density[i, 0] - top), np.exp(log_density[i, 1] - top)
        a, b = a * like[i, 0], b * like[i, 1]
        norm = a + b
        total += np.log(norm) + top
        a, b = a / norm, b / norm
        weight[i, 0], weight[i, 1] = a, b
    u, v = 1.0, 1.0
    for i in range(n - 2, -1, -1):
        u, v = u * like[i + 1, 0], v * like[i + 1, 1]
        u, v = u * same[i + 1] + v * (1.0 - same[i + 1]), u * (1.0 - same[i + 1]) + v * same[i + 1]
        norm = u + v
        u, v = u / norm, v / norm
        a, b = weight[i, 0] * u, weight[i, 1] * v
        weight[i, 0], weight[i, 1] = a / (a + b), b / (a + b)
    return weight, total
