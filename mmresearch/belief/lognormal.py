"""Log-normal: what observations on the log scale say about a positive number, such as a ratio.

    ln theta ~ N(mu, v),   ln x_j ~ N(ln theta, s^2), s^2 known   ->   the normal update by (n, mean of ln x)

theta is the median of the x_j, in their unit; mu, v, s^2 are on the log scale. With s^2 unknown, ln theta is Student-t
and theta itself has no mean, whatever the data: that belief is a `NormalInverseGamma` on the logs, read through its
quantiles, and is not a family here. Reference: Johnson, Kotz, Balakrishnan 1994, chapter 14.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from mmresearch.belief.contract import Distribution, require_finite, require_positive
from mmresearch.belief.normal import Normal


@dataclass(frozen=True)
class LogNormal(Distribution):
    """Belief about a positive number whose logarithm is normal.

    Parameters
    ----------
    mu : float
        Mean of the logarithm.
    variance : float
        Variance of the logarithm; positive.
    """

    mu: float
    variance: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_finite(mu=self.mu)
        require_positive(variance=self.variance)

    @property
    def log(self) -> Normal:
        """Return the belief about the logarithm."""
        return Normal(self.mu, self.variance)

    def update(self, n: float, log_mean: float, log_variance: float) -> LogNormal:
        """Return the belief after `n` observations whose logs have that mean, each of the known variance.

        Raises
        ------
        ValueError
            If `n` is negative, the variance not positive, or the mean of one or more logs not finite.
        """
        after = self.log.update(n, log_mean, log_variance)
        return LogNormal(after.location, after.variance)

    def mean(self) -> float:
        """Return exp(mu + variance/2)."""
        return math.exp(self.mu + 0.5 * self.variance)

    def var(self) -> float:
        """Return the variance, in squared units."""
        return math.expm1(self.variance) * math.exp(2.0 * self.mu + self.variance)

    def cdf(self, x: ArrayLike) -> Any:
        """Return P(theta <= x)."""
        with np.errstate(divide="ignore"):
            return self.log.cdf(np.log(np.maximum(x, 0.0)))

    def ppf(self, p: ArrayLike) -> Any:
        """Return exact quantiles."""
        return np.exp(self.log.ppf(p))

    def logpdf(self, x: ArrayLike) -> Any:
        """Return the log density per unit of the parameter."""
        x = np.asarray(x, dtype=float)
        log = np.log(np.where(x > 0.0, x, 1.0))
        value = self.log.logpdf(log) - log
        return np.where(x > 0.0, value, np.where(np.isnan(x), np.nan, -np.inf))[()]

    def predictive(self, log_variance: float) -> Any:
        """Return the distribution of the next observation: log-normal (frozen scipy)."""
        return stats.lognorm(math.sqrt(self.variance + log_variance), scale=math.exp(self.mu))

    @staticmethod
    def log_likelihood(theta: ArrayLike, n: float, log_mean: float, log_m2: float, log_variance: float) -> Any:
        """Log density of the logarithms, given theta; less the sum of the logarithms, of the observations.

        Parameters
        ----------
        theta : array_like
            Median of the observations, in their unit.
        n, log_mean, log_m2 : float
            Number, mean and sum of squared deviations of the logarithms.
        log_variance : float
            Known variance of one logarithm.
        """
        return Normal.log_likelihood(np.log(theta), n, log_mean, log_m2, log_variance)

    def log_marginal(self, n: float, log_mean: float, log_m2: float, log_variance: float) -> float:
        """Log marginal likelihood of the logarithms; subtract the sum of the logarithms for the observations.

        Parameters
        ----------
        n, log_mean, log_m2 : float
            Number, mean and sum of squared deviations of the logarithms.
        log_variance : float
            Known variance of one logarithm.
        """
        return self.log.log_marginal(n, log_mean, log_m2, log_variance)
