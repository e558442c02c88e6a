"""Log-normal: a belief about a positive number whose logarithm is Normal.

ln theta ~ N(mu, v),    observations ln x_j ~ N(ln theta, s2):  the Normal update on the log scale, v shrinking too
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from mmresearch.belief.contract import Distribution, require_positive
from mmresearch.belief.normal import Normal


@dataclass(frozen=True)
class LogNormal(Distribution):
    """Log-normal distribution over a positive number.

    Parameters
    ----------
    mu : float
        Mean of the logarithm.
    variance : float
        Variance of the logarithm.
    """

    mu: float
    variance: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_positive(variance=self.variance)

    @property
    def log(self) -> Normal:
        """The belief about the logarithm."""
        return Normal(self.mu, self.variance)

    def mean(self) -> float:
        """Expectation."""
        return float(np.exp(self.mu + self.variance / 2))

    def var(self) -> float:
        """Variance."""
        return float(np.expm1(self.variance) * np.exp(2 * self.mu + self.variance))

    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x)."""
        with np.errstate(divide="ignore"):
            return self.log.cdf(np.log(np.maximum(x, 0.0)))

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        return np.exp(self.mu + np.sqrt(self.variance) * special.ndtri(p))

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density; minus infinity at or below zero."""
        return stats.lognorm.logpdf(x, np.sqrt(self.variance), scale=np.exp(self.mu))

    def update(self, n: float, log_mean: float, log_variance: float) -> LogNormal:
        """Return the belief after n observations whose logarithms have this mean and known variance."""
        after = self.log.update(n, log_mean, log_variance)
        return LogNormal(after.location, after.variance)

    def log_marginal(self, n: float, log_mean: float, log_m2: float, log_variance: float) -> float:
        """Log marginal likelihood of the logarithms; subtract the sum of the logarithms for the observations."""
        return self.log.log_marginal(n, log_mean, log_m2, log_variance)

    def predictive(self, log_variance: float):
        """Return the law of the next observation: log-normal (frozen scipy distribution)."""
        return stats.lognorm(np.sqrt(self.variance + log_variance), scale=np.exp(self.mu))
