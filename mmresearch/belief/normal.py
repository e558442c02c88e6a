"""Normal beliefs about a mean: with the observation variance known, and with it learned too.

Known variance s2:     precision adds, 1/v -> 1/v + n/s2, and the mean is precision-weighted.
Normal-inverse-gamma:  (mu, s2) with mu | s2 ~ N(m, s2/k), s2 ~ InverseGamma(a, b); after (n, xbar, M2)

    k' = k + n,  m' = (k m + n xbar)/k',  a' = a + n/2,  b' = b + M2/2 + k n (xbar - m)^2/(2 k')

and the marginal of mu is Student-t with 2a degrees of freedom. M2 is the sum of squared deviations from xbar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from mmresearch.belief.contract import Distribution, require_counts, require_positive
from mmresearch.belief.inverse_gamma import InverseGamma

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal distribution over a number; observations have known variance.

    Parameters
    ----------
    location : float
        Mean.
    variance : float
        Variance.
    """

    location: float
    variance: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_positive(variance=self.variance)

    def mean(self) -> float:
        """Expectation."""
        return self.location

    def var(self) -> float:
        """Variance."""
        return self.variance

    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x)."""
        return special.ndtr((np.asarray(x, dtype=float) - self.location) / self.std())

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        return self.location + self.std() * special.ndtri(p)

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density."""
        z2 = (np.asarray(x, dtype=float) - self.location) ** 2 / self.variance
        return -0.5 * (z2 + _LOG_2PI + np.log(self.variance))

    def update(self, n: float, mean: float, observation_variance: float) -> Normal:
        """Return the belief after n observations with the given mean."""
        require_counts(n=n)
        require_positive(observation_variance=observation_variance)
        precision = 1 / self.variance + n / observation_variance
        location = (self.location / self.variance + n * mean / observation_variance) / precision
        return Normal(location, 1 / precision)

    def log_marginal(self, n: float, mean: float, m2: float, observation_variance: float) -> float:
        """Log marginal likelihood of n observations with the given mean and sum of squared deviations."""
        require_counts(n=n, m2=m2)
        require_positive(observation_variance=observation_variance)
        s2, spread = observation_variance, observation_variance + n * self.variance
        log_det = n * np.log(s2) + np.log(spread / s2)
        quadratic = m2 / s2 + n * (mean - self.location) ** 2 / spread
        return float(-0.5 * (n * _LOG_2PI + log_det + quadratic))

    def predictive(self, observation_variance: float):
        """Return the law of the next observation: Normal (frozen scipy distribution)."""
        return stats.norm(self.location, np.sqrt(self.variance + observation_variance))


@dataclass(frozen=True)
class NormalInverseGamma(Distribution):
    """Belief about the mean of observations whose variance is unknown: Student-t marginal.

    Parameters
    ----------
    location : float
        Expected mean.
    count : float
        Pseudo-count of observations behind it.
    shape, scale : float
        Inverse-gamma belief about the variance; shape above 1 for a finite sd of the mean.
    """

    location: float
    count: float
    shape: float
    scale: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_positive(count=self.count, shape=self.shape, scale=self.scale)

    @property
    def _t_scale(self) -> float:
        return float(np.sqrt(self.scale / (self.shape * self.count)))

    def mean(self) -> float:
        """Expectation of the mean."""
        return self.location

    def var(self) -> float:
        """Variance of the mean; infinite for shape <= 1."""
        return self.scale / (self.count * (self.shape - 1)) if self.shape > 1 else float("inf")

    def cdf(self, x: ArrayLike) -> Any:
        """P(mean <= x)."""
        return special.stdtr(2 * self.shape, (np.asarray(x, dtype=float) - self.location) / self._t_scale)

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile of the mean."""
        return self.location + self._t_scale * special.stdtrit(2 * self.shape, p)

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density of the mean."""
        return stats.t.logpdf(x, 2 * self.shape, self.location, self._t_scale)

    def update(self, n: float, mean: float, m2: float) -> NormalInverseGamma:
        """Return the belief after n observations with the given mean and sum of squared deviations."""
        require_counts(n=n, m2=m2)
        count = self.count + n
        location = self.location + n * (mean - self.location) / count
        scale = self.scale + m2 / 2 + self.count * n * (mean - self.location) ** 2 / (2 * count)
        return NormalInverseGamma(location, count, self.shape + n / 2, scale)

    def log_marginal(self, n: float, mean: float, m2: float) -> float:
        """Log marginal likelihood of the observations, mean and variance integrated out."""
        after = self.update(n, mean, m2)
        return float(
            special.gammaln(after.shape)
            - special.gammaln(self.shape)
            + self.shape * np.log(self.scale)
            - after.shape * np.log(after.scale)
            + 0.5 * np.log(self.count / after.count)
            - 0.5 * n * _LOG_2PI
        )

    def variance_marginal(self) -> InverseGamma:
        """Return the belief about the observation variance."""
        return InverseGamma(self.shape, self.scale)

    def predictive(self):
        """Return the law of the next observation: Student-t (frozen scipy distribution)."""
        scale = np.sqrt(self.scale * (self.count + 1) / (self.shape * self.count))
        return stats.t(2 * self.shape, self.location, scale)
