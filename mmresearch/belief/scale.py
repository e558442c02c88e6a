"""Root of an inverse gamma: a belief about a standard deviation, updated by squares about a known mean.

    s = sqrt(v),  v ~ InverseGamma(a, b)      n deviations with sum of squares S:  a += n/2,  b += S/2
    E[s] = sqrt(b) Gamma(a - 1/2)/Gamma(a),   E[s^2] = b/(a - 1)

s in the unit of the observations, b in its square; a is a pure number. Reference: Gelman et al., BDA3, section 2.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from mmresearch.belief.contract import Distribution, require_positive
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.special import log_rising


@dataclass(frozen=True)
class RootInverseGamma(Distribution):
    """Belief about a standard deviation whose square is inverse gamma.

    Parameters
    ----------
    shape : float
        Half the pseudo-count; the mean exists above 1/2, the variance above 1.
    scale : float
        Half the pseudo sum of squares.
    """

    shape: float
    scale: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_positive(shape=self.shape, scale=self.scale)

    @staticmethod
    def from_mean_cv(mean: float, cv: float) -> RootInverseGamma:
        """Return the belief with that mean and ratio of sd to mean.

        Raises
        ------
        ValueError
            If either is not positive.
        """
        require_positive(mean=mean, cv=cv)

        def gap(log_excess: float) -> float:
            return _log_mean_square_ratio(1.0 + math.exp(log_excess)) - math.log1p(cv * cv)

        shape = 1.0 + math.exp(float(optimize.brentq(gap, -30.0, 30.0)))
        return RootInverseGamma(shape, mean**2 * math.exp(2.0 * log_rising(shape - 0.5, 0.5)))

    @property
    def square(self) -> InverseGamma:
        """Return the belief about the variance."""
        return InverseGamma(self.shape, self.scale)

    def update(self, n: float, sum_of_squares: float) -> RootInverseGamma:
        """Return the belief after n deviations from the known mean."""
        after = self.square.update(n, sum_of_squares)
        return RootInverseGamma(after.shape, after.scale)

    def mean(self) -> float:
        """Expectation; infinite for a shape of at most 1/2."""
        if self.shape <= 0.5:
            return math.inf
        return math.sqrt(self.scale) * math.exp(-log_rising(self.shape - 0.5, 0.5))

    def var(self) -> float:
        """Variance; infinite for a shape of at most 1."""
        return math.expm1(_log_mean_square_ratio(self.shape)) * self.mean() ** 2 if self.shape > 1 else math.inf

    def cdf(self, x: ArrayLike) -> Any:
        """P(s <= x)."""
        return self.square.cdf(np.square(np.maximum(x, 0.0)))

    def ppf(self, p: ArrayLike) -> Any:
        """Exact quantiles."""
        return np.sqrt(self.square.ppf(p))

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density per unit; minus infinity at or below zero."""
        x = np.asarray(x, dtype=float)
        safe = np.where(x > 0.0, x, 1.0)
        value = self.square.logpdf(safe * safe) + np.log(2.0 * safe)
        return np.where(x > 0.0, value, np.where(np.isnan(x), np.nan, -np.inf))[()]

    def predictive(self, mean: float = 0.0) -> Any:
        """Return the law of the next observation about its known mean: Student-t (frozen scipy distribution)."""
        return self.square.predictive(mean)


def _log_mean_square_ratio(shape: float) -> float:
    """Return ln(E[s^2]/E[s]^2) of a shape above 1."""
    return 2.0 * log_rising(shape - 0.5, 0.5) - math.log(shape - 1.0)
