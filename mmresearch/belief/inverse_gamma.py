"""Inverse-gamma: a belief about a variance, updated by squares about a known mean.

v ~ InverseGamma(a, b),    n residuals with sum of squares S:  v ~ InverseGamma(a + n/2, b + S/2)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from mmresearch.belief.contract import Distribution, require_counts, require_positive


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
        a = self.shape
        return self.scale**2 / ((a - 1) ** 2 * (a - 2)) if a > 2 else float("inf")

    def cdf(self, x: ArrayLike) -> Any:
        """P(v <= x)."""
        x = np.asarray(x, dtype=float)
        with np.errstate(divide="ignore"):
            return np.where(x > 0, special.gammaincc(self.shape, self.scale / np.maximum(x, 0.0)), 0.0)[()]

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        return self.scale / special.gammainccinv(self.shape, p)

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density; minus infinity at or below zero."""
        return stats.invgamma.logpdf(x, self.shape, scale=self.scale)

    def update(self, n: float, sum_of_squares: float) -> InverseGamma:
        """Return the belief after n residuals about the known mean."""
        require_counts(n=n, sum_of_squares=sum_of_squares)
        return InverseGamma(self.shape + n / 2, self.scale + sum_of_squares / 2)

    def log_marginal(self, n: float, sum_of_squares: float) -> float:
        """Log marginal likelihood of n Normal residuals about the known mean."""
        after = self.update(n, sum_of_squares)
        return float(
            special.gammaln(after.shape)
            - special.gammaln(self.shape)
            + self.shape * np.log(self.scale)
            - after.shape * np.log(after.scale)
            - 0.5 * n * np.log(2 * np.pi)
        )

    def predictive(self):
        """Return the law of the next residual: Student-t (frozen scipy distribution)."""
        return stats.t(2 * self.shape, 0.0, np.sqrt(self.scale / self.shape))
