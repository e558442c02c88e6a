"""Normal: what observations say about a mean, their variance known or learned with it.

Known observation variance s^2, n observations with mean xbar (Gelman et al., BDA3, section 2.5):

    mu ~ N(m, v)   ->   mu ~ N(m + g (xbar - m), v s^2/(s^2 + n v)),   g = n v/(s^2 + n v)

Unknown variance (BDA3, section 3.3; Murphy 2007), with M2 the sum of squared deviations from xbar:

    sigma^2 ~ InverseGamma(shape, scale),   mu | sigma^2 ~ N(m, sigma^2/count)
    count += n,   shape += n/2,   scale += M2/2 + (xbar - m)^2 count n/(2 (count + n)),   m += (xbar - m) n/(count + n)

mu, m, xbar in the unit of the data; v, s^2, scale, M2 in squared units; count, n, shape are pure numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from mmresearch.belief.contract import Distribution, require_finite, require_moments, require_positive
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.special import LOG_2PI, log_rising, remainder


@dataclass(frozen=True)
class Normal(Distribution):
    """Belief about a mean whose observations have a known variance.

    Parameters
    ----------
    location : float
        Mean of the belief, in the unit of the data.
    variance : float
        Its variance, in squared units; positive.
    """

    location: float
    variance: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_finite(location=self.location)
        require_positive(variance=self.variance)

    def update(self, n: float, mean: float, observation_variance: float) -> Normal:
        """Return the belief after `n` observations with that mean, each of the known variance.

        Raises
        ------
        ValueError
            If `n` is negative, the variance not positive, or the mean of one or more observations not finite.
        """
        require_positive(observation_variance=observation_variance)
        if not require_moments(n, mean):
            return self
        spread = observation_variance + n * self.variance
        gain = n * self.variance / spread
        return Normal(self.location + gain * (mean - self.location), self.variance * (observation_variance / spread))

    def mean(self) -> float:
        """Return the mean."""
        return self.location

    def var(self) -> float:
        """Return the variance."""
        return self.variance

    def cdf(self, x: ArrayLike) -> Any:
        """Return the normal cdf at `x`."""
        return special.ndtr((np.asarray(x, dtype=float) - self.location) / self.std())

    def ppf(self, p: ArrayLike) -> Any:
        """Return exact quantiles."""
        return self.location + self.std() * special.ndtri(np.asarray(p, dtype=float))

    def logpdf(self, x: ArrayLike) -> Any:
        """Return the log density per unit of the data."""
        gap = np.asarray(x, dtype=float) - self.location
        return (-0.5 * (LOG_2PI + math.log(self.variance)) - 0.5 * gap * gap / self.variance)[()]

    def predictive(self, observation_variance: float) -> Any:
        """Return the distribution of the next observation: normal (frozen scipy)."""
        return stats.norm(self.location, math.sqrt(self.variance + observation_variance))

    @staticmethod
    def log_likelihood(theta: ArrayLike, n: float, mean: float, m2: float, observation_variance: float) -> Any:
        """Return the log density of the observations, given their mean.

        Parameters
        ----------
        theta : array_like
            The mean.
        n, mean, m2 : float
            Number, mean and sum of squared deviations of the observations.
        observation_variance : float
            Known variance of one observation, in squared units.
        """
        gap = np.asarray(theta, dtype=float) - mean if n else 0.0
        squares = (m2 + n * gap * gap) / observation_variance
        return -0.5 * (n * (LOG_2PI + math.log(observation_variance)) + squares)

    def log_marginal(self, n: float, mean: float, m2: float, observation_variance: float) -> float:
        """Return the log density of the observations, their mean integrated out.

        Parameters
        ----------
        n, mean, m2 : float
            Number, mean and sum of squared deviations of the observations. `m2` adds the same to every belief.
        observation_variance : float
            Known variance of one observation, in squared units.
        """
        require_positive(observation_variance=observation_variance)
        if not require_moments(n, mean, m2):
            return 0.0
        ratio, gap = n * self.variance / observation_variance, mean - self.location
        squares = m2 / observation_variance + gap * gap / (observation_variance / n + self.variance)
        return -0.5 * (n * (LOG_2PI + math.log(observation_variance)) + math.log1p(ratio) + squares)


@dataclass(frozen=True)
class NormalInverseGamma(Distribution):
    """Belief about a mean and the unknown variance of its observations.

    As a belief it is about the mean, whose marginal is Student-t with 2 `shape` degrees of freedom;
    `variance_marginal` is about the variance.

    Parameters
    ----------
    location : float
        Mean of the belief about the mean, in the unit of the data.
    count : float
        Pseudo-observations behind it; positive.
    shape, scale : float
        Inverse gamma of the variance; scale in squared units; positive.
    """

    location: float
    count: float
    shape: float
    scale: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_finite(location=self.location)
        require_positive(count=self.count, shape=self.shape, scale=self.scale)

    def update(self, n: float, mean: float, m2: float) -> NormalInverseGamma:
        """Return the belief after `n` observations with that mean and sum of squared deviations from it.

        Raises
        ------
        ValueError
            If `n` or `m2` is negative, or the mean of one or more observations not finite.
        """
        if not require_moments(n, mean, m2):
            return self
        total, gap = self.count + n, mean - self.location
        scale = self.scale + 0.5 * (m2 + gap * gap * self.count * (n / total))
        return NormalInverseGamma(self.location + gap * (n / total), total, self.shape + 0.5 * n, scale)

    def variance_marginal(self) -> InverseGamma:
        """Return the belief about the variance of one observation, in squared units."""
        return InverseGamma(self.shape, self.scale)

    def _width(self) -> float:
        return math.sqrt(self.scale / self.shape / self.count)

    def mean(self) -> float:
        """Return the mean of the mean; NaN for a shape of at most 1/2, where it does not exist."""
        return self.location if self.shape > 0.5 else math.nan

    def var(self) -> float:
        """Return the variance of the mean; infinite for a shape of at most 1."""
        return self.scale / (self.shape - 1.0) / self.count if self.shape > 1.0 else math.inf

    def cdf(self, x: ArrayLike) -> Any:
        """Return the Student-t cdf of the mean at `x`."""
        return special.stdtr(2.0 * self.shape, (np.asarray(x, dtype=float) - self.location) / self._width())

    def ppf(self, p: ArrayLike) -> Any:
        """Return exact quantiles of the mean."""
        return self.location + self._width() * special.stdtrit(2.0 * self.shape, np.asarray(p, dtype=float))

    def logpdf(self, x: ArrayLike) -> Any:
        """Return the log density of the mean, per unit of the data."""
        gap = np.asarray(x, dtype=float) - self.location
        a = self.shape
        bulge = a * math.log1p(0.5 / a) - 0.5 + remainder(a + 0.5) - remainder(a)
        constant = bulge + 0.5 * (math.log(a) + math.log(self.count) - math.log(self.scale) - LOG_2PI)
        return (constant - (a + 0.5) * np.log1p(0.5 * self.count * gap * gap / self.scale))[()]

    def joint_logpdf(self, mean: ArrayLike, variance: ArrayLike) -> Any:
        """Return the log density of mean and variance together."""
        variance = np.asarray(variance, dtype=float)
        gap = np.asarray(mean, dtype=float) - self.location
        given = 0.5 * (math.log(self.count) - LOG_2PI - np.log(variance) - self.count * gap * gap / variance)
        return self.variance_marginal().logpdf(variance) + given

    def predictive(self) -> Any:
        """Return the distribution of the next observation: Student-t (frozen scipy)."""
        return stats.t(2.0 * self.shape, self.location, self._width() * math.sqrt(1.0 + self.count))

    @staticmethod
    def log_likelihood(mean: ArrayLike, variance: ArrayLike, n: float, sample_mean: float, m2: float) -> Any:
        """Return the log density of the observations, given their mean and variance.

        Parameters
        ----------
        mean, variance : array_like
            Mean and variance of one observation.
        n, sample_mean, m2 : float
            Number, mean and sum of squared deviations of the observations.
        """
        variance = np.asarray(variance, dtype=float)
        gap = np.asarray(mean, dtype=float) - sample_mean if n else 0.0
        return (-0.5 * (n * (LOG_2PI + np.log(variance)) + (m2 + n * gap * gap) / variance))[()]

    def log_marginal(self, n: float, mean: float, m2: float) -> float:
        """Return the log density of the observations, their mean and variance integrated out."""
        after = self.update(n, mean, m2)
        half, added = 0.5 * n, after.scale - self.scale
        spread = self.shape * math.log1p(added / self.scale) + half * math.log(after.scale)
        return log_rising(self.shape, half) - spread - 0.5 * math.log1p(n / self.count) - half * LOG_2PI
