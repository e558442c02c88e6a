"""Moments of paths, merged leaf by leaf in one order, so that memory does not grow and blocks do not matter.

A leaf of n paths has means m and sums of products S about them; merged (Chan, Golub and LeVeque 1983):

    n = n_1 + n_2,   d = m_2 - m_1,   m = m_1 + d n_2/n,   S = S_1 + S_2 + d d' n_1 n_2/n

with sums of third and fourth powers about the means (Pebay 2008), from which a sd has its error,

    se(sd) = sqrt(m4 - sd^4)/(2 sd sqrt(n)),   m4 the fourth central moment,

and the certainty equivalent -(1/gamma) ln mean e^{-gamma PnL} from sums of exponentials, kept as logarithms; its error
by the delta method. All in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PathStatistics:
    """What a policy made over many paths, each with its Monte Carlo standard error.

    Attributes
    ----------
    paths : int
        How many.
    mean, sd, certainty_equivalent : float
        Of the PnL, price x size.
    mean_q, sd_q : float
        Of the inventory at the horizon, size.
    mean_fills : float
        Fills of both sides.
    mean_se, sd_se, certainty_equivalent_se, mean_q_se, sd_q_se, mean_fills_se : float
        Standard errors.
    """

    paths: int
    mean: float
    mean_se: float
    sd: float
    sd_se: float
    certainty_equivalent: float
    certainty_equivalent_se: float
    mean_q: float
    mean_q_se: float
    sd_q: float
    sd_q_se: float
    mean_fills: float
    mean_fills_se: float


@dataclass(frozen=True)
class Sums:
    """Sums over the paths of S scenarios; the values of a path are PnL, inventory and fills of each, 3 S numbers.

    Attributes
    ----------
    n : int
        Paths.
    mean : ndarray, shape (3 S,)
        Means.
    products : ndarray, shape (3 S, 3 S)
        Sums of products about the means.
    cubes, fourths : ndarray, shape (3 S,)
        Sums of third and of fourth powers about the means.
    log_exp : ndarray, shape (2, S)
        Logarithms of the sums of e^{-gamma PnL} and of its square.
    """

    n: int
    mean: Floats
    products: Floats
    cubes: Floats
    fourths: Floats
    log_exp: Floats

    def __add__(self, other: Sums) -> Sums:
        n, d = self.n + other.n, other.mean - self.mean
        a, b = self.n / n, other.n / n
        mine, yours = np.diag(self.products), np.diag(other.products)
        cubes = self.cubes + other.cubes + n * a * b * (a - b) * d**3 + 3 * d * (a * yours - b * mine)
        fourths = self.fourths + other.fourths + n * a * b * (a * a - a * b + b * b) * d**4
        fourths += 6 * d**2 * (a * a * yours + b * b * mine) + 4 * d * (a * other.cubes - b * self.cubes)
        products = self.products + other.products + np.outer(d, d) * (n * a * b)
        return Sums(n, self.mean + b * d, products, cubes, fourths, np.logaddexp(self.log_exp, other.log_exp))

    def covariance(self) -> Floats:
        """Return the covariance of the values of a path, shape (3 S, 3 S)."""
        return self.products / (self.n - 1)

    def difference(self, a: int, b: int) -> tuple[float, float]:
        """Return the mean of PnL of scenario a less that of b, path by path, and its standard error."""
        c = self.covariance()
        variance = c[3 * a, 3 * a] + c[3 * b, 3 * b] - 2 * c[3 * a, 3 * b]
        return float(self.mean[3 * a] - self.mean[3 * b]), float(np.sqrt(max(variance, 0.0) / self.n))

    def statistics(self, scenario: int, gamma: float) -> PathStatistics:
        """Return the statistics of one scenario, whose risk aversion is gamma (1/(price x size))."""
        at = slice(3 * scenario, 3 * scenario + 3)
        mean, sd = self.mean[at], np.sqrt(np.diag(self.covariance())[at])
        mean_se, sd_se = sd / np.sqrt(self.n), self._sd_se()[at]
        worth, worth_se = self._certainty_equivalent(scenario, gamma) if gamma > 0 else (mean[0], mean_se[0])
        return PathStatistics(
            self.n, *map(float, (mean[0], mean_se[0], sd[0], sd_se[0], worth, worth_se)),
            *map(float, (mean[1], mean_se[1], sd[1], sd_se[1], mean[2], mean_se[2])),
        )  # fmt: skip

    def _sd_se(self) -> Floats:
        variance = np.diag(self.products) / self.n
        spread = np.sqrt(np.maximum(self.fourths / self.n - variance**2, 0.0) / self.n)
        return np.divide(spread, 2 * np.sqrt(variance), out=np.zeros_like(spread), where=variance > 0)

    def _certainty_equivalent(self, scenario: int, gamma: float) -> tuple[float, float]:
        first, second = self.log_exp[:, scenario] - np.log(self.n)
        relative = np.sqrt(max(np.expm1(second - 2 * first), 0.0) / self.n)
        return -first / gamma, relative / gamma


def sums_of(values: Floats, gammas: Sequence[float]) -> Sums:
    """Return the sums of one leaf.

    Parameters
    ----------
    values : ndarray, shape (3 S, n)
        PnL, inventory and fills of each scenario.
    gammas : sequence of float, length S
        Risk aversions.
    """
    mean = values.mean(axis=1)
    about = values - mean[:, None]
    exponents = -np.asarray(gammas)[:, None] * values[::3]
    top = exponents.max(axis=1)
    each = np.exp(exponents - top[:, None])
    log_exp = np.stack([top + np.log(each.sum(axis=1)), 2.0 * top + np.log((each * each).sum(axis=1))])
    square = about * about
    cubes, fourths = (square * about).sum(axis=1), (square * square).sum(axis=1)
    return Sums(values.shape[1], mean, about @ about.T, cubes, fourths, log_exp)
