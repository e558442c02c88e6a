"""Inverse-gamma: a belief about a variance, updated by squares about a known mean.

v ~ InverseGamma(a, b),    n residuals with sum of squares S:  v ~ InverseGamma(a + n/2, b + S/2)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from mmresearch.belief.contract import Distribution, require_counts, require_positive
from mmresearch.belief.special import LOG_2PI, gamma_isf, gamma_logpdf, gamma_sf, log_rising


@dataclass(frozen=True)
class InverseGamma(Distribution):
    """Inverse-gamma distribution over a variance.

    Parameters
    ----------
    shape : float
        Half the pseudo-count; the mean exists above 1, the variance above 2.
    scale : float
        Half the pseudo sum of squares.
    """

    shape: float
    scale: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_positive(shape=self.shape, scale=self.scale)

    def mean(self) -> float:
        """Expectation; infinite for shape <= 1."""
        return self.scale / (self.shape - 1) if self.shape > 1 else float("inf")

    def var(self) -> float:
        """Variance; infinite for shape <= 2."""
        return self.mean() ** 2 / (self.shape - 2) if self.shape > 2 else float("inf")

    def cdf(self, x: ArrayLike) -> Any:
        """P(v <= x)."""
        x = np.asarray(x, dtype=float)
        below = gamma_sf(self.scale / np.where(x > 0, x, 1.0), self.shape)
        return np.where(x > 0, below, np.where(np.isnan(x), np.nan, 0.0))[()]

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        with np.errstate(divide="ignore"):
            return (self.scale / np.asarray(gamma_isf(p, self.shape)))[()]

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density; minus infinity at or below zero."""
        x = np.asarray(x, dtype=float)
        safe = np.where(x > 0, x, 1.0)
        value = gamma_logpdf(self.scale / safe, self.shape) - np.log(safe)
        return np.where(x > 0, value, np.where(np.isnan(x), np.nan, -np.inf))[()]

    def update(self, n: float, sum_of_squares: float) -> InverseGamma:
        """Return the belief after n residuals about the known mean."""
        require_counts(n=n, sum_of_squares=sum_of_squares)
        return InverseGamma(self.shape + n / 2, self.scale + sum_of_squares / 2)

    @staticmethod
    def log_likelihood(theta: ArrayLike, n: float, sum_of_squares: float) -> Any:
        """Log density of n Normal residuals about the known mean, given their variance theta."""
        theta = np.asarray(theta, dtype=float)
        return -0.5 * n * (LOG_2PI + np.log(theta)) - 0.5 * sum_of_squares / theta

    def log_marginal(self, n: float, sum_of_squares: float) -> float:
        """Log marginal likelihood of n Normal residuals about the known mean."""
        require_counts(n=n, sum_of_squares=sum_of_squares)
        half, added = n / 2, sum_of_squares / 2
        spread = self.shape * math.log1p(added / self.scale) + half * math.log(self.scale + added)
        return log_rising(self.shape, half) - spread - half * LOG_2PI

    def predictive(self, mean: float = 0.0) -> Any:
        """Return the law of the next observation about its known mean: Student-t (frozen scipy distribution)."""
        return stats.t(2 * self.shape, mean, np.sqrt(self.scale / self.shape))
