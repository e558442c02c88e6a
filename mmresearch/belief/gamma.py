"""Gamma: a belief about a rate or a positive number, updated by counts and exposure.

    theta ~ Gamma(s, r) (rate form),   n events in exposure E:  theta ~ Gamma(s + n, r + E)

The same algebra serves Poisson counts (E = time) and exponential observations (E = their sum), since the likelihoods of
both are theta^n e^{-theta E}. E and r have the inverse unit of theta. Reference: Gelman et al., BDA3, section 2.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from mmresearch.belief.contract import Distribution, require_counts, require_positive
from mmresearch.belief.special import gamma_cdf, gamma_logpdf, gamma_ppf, log_rising


@dataclass(frozen=True)
class Gamma(Distribution):
    """Gamma distribution over a positive number.

    Parameters
    ----------
    shape : float
        Pseudo-count of events.
    rate : float
        Pseudo-exposure, in the inverse unit of the parameter.
    """

    shape: float
    rate: float

    def __post_init__(self) -> None:
        """Refuse improper parameters."""
        require_positive(shape=self.shape, rate=self.rate)

    def mean(self) -> float:
        """Shape over rate."""
        return self.shape / self.rate

    def var(self) -> float:
        """Variance."""
        return self.shape / self.rate / self.rate

    def cdf(self, x: ArrayLike) -> Any:
        """P(theta <= x)."""
        return gamma_cdf(self.rate * np.maximum(x, 0.0), self.shape)

    def ppf(self, p: ArrayLike) -> Any:
        """Quantile."""
        return gamma_ppf(p, self.shape) / self.rate

    def logpdf(self, x: ArrayLike) -> Any:
        """Log density; minus infinity at negative numbers."""
        x = np.asarray(x, dtype=float)
        safe = np.where(x > 0, x, 1.0)
        value = gamma_logpdf(self.rate * safe, self.shape) - np.log(safe)
        at_zero = math.log(self.rate) if self.shape == 1 else math.copysign(math.inf, 1 - self.shape)
        outside = np.where(x == 0, at_zero, np.where(np.isnan(x), np.nan, -np.inf))
        return np.where(x > 0, value, outside)[()]

    def update(self, count: float, exposure: float) -> Gamma:
        """Return the belief after `count` events in `exposure`."""
        require_counts(count=count, exposure=exposure)
        return Gamma(self.shape + count, self.rate + exposure)

    @staticmethod
    def log_likelihood(theta: ArrayLike, count: float, exposure: float) -> Any:
        """Log density of exponential observations, or of event times in an exposure, given the rate theta."""
        theta = np.asarray(theta, dtype=float)
        return special.xlogy(count, theta) - theta * exposure

    def log_marginal(self, count: float, exposure: float) -> float:
        """Log marginal likelihood of exponential observations, or of event times in an exposure.

        For a Poisson *count* add ``count ln(exposure) - ln(count!)``: see `log_marginal_count`.
        """
        require_counts(count=count, exposure=exposure)
        decay = self.shape * math.log1p(exposure / self.rate) + count * math.log(self.rate + exposure)
        return log_rising(self.shape, count) - decay

    def log_marginal_count(self, count: float, exposure: float) -> float:
        """Log probability of a Poisson count in an exposure, the rate integrated out."""
        return self.log_marginal(count, exposure) + float(special.xlogy(count, exposure) - special.gammaln(count + 1))

    def predictive(self, exposure: float = 1.0) -> Any:
        """Poisson count in the next exposure: negative binomial (frozen scipy distribution)."""
        require_positive(exposure=exposure)
        return stats.nbinom(self.shape, self.rate / (self.rate + exposure))

    def predictive_exponential(self) -> Any:
        """Return the law of the next exponential observation: Lomax (frozen scipy distribution)."""
        return stats.lomax(self.shape, scale=self.rate)
